//! The control plane of one router, put together: what arrives for the router goes to the protocol that it is for, and
//! what protocols decide comes out as frames and as changes of forwarding.

use super::bfd;
use super::carrier::{Carrier, CarrierSpec, Signal};
use super::interface::{Arrived, InterfaceSpec};
use super::liveness::{BfdSpec, Liveness};
use super::routing::{Routing, RoutingSpec};
use super::segments::Segments;
use super::stack::neighbor;
use super::stack::packet::Datagram;
use crate::id::{PortId, VrfId};
use crate::table::NextHop;
use crate::time::{Instant, Span};
use crate::wire::bfd::SINGLE_HOP_PORT;
use ipnet::IpNet;
use std::collections::VecDeque;

/// A router's control plane as it is configured.
#[derive(Clone, Debug, Default)]
pub struct ControlSpec {
    /// Ports whose carrier it watches.
    pub ports: Vec<WatchedPort>,
    /// Its sub-interfaces.
    pub interfaces: Vec<InterfaceSpec>,
    /// Its BFD sessions.
    pub bfd: Vec<BfdSpec>,
    /// Its routes, as far as they change.
    pub routing: RoutingSpec,
    /// The seed of what is random in its protocols.
    pub seed: u64,
}

/// A port whose carrier is watched.
#[derive(Clone, Debug)]
pub struct WatchedPort {
    /// Which one.
    pub port: PortId,
    /// How fast it follows the light.
    pub carrier: CarrierSpec,
    /// When the light goes and comes back, in order of time: faults are known beforehand.
    pub signals: Vec<(Instant, Signal)>,
}

/// A frame that was for the router.
#[derive(Clone, Debug)]
pub struct Received {
    /// The port that it came by.
    pub port: PortId,
    /// The VRF that it was in.
    pub vrf: VrfId,
    /// All of its octets without FCS, tags included.
    pub octets: Vec<u8>,
}

/// How a frame of the control plane leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As it is, tags included, by this port and in the queue of this class.
    Port {
        /// The port.
        port: PortId,
        /// 0 to 7.
        class: u8,
    },
    /// By the routes of this VRF.
    Routed(VrfId),
}

/// A frame that the control plane sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// How it leaves.
    pub way: Way,
    /// All of its octets without FCS.
    pub octets: Vec<u8>,
}

/// What forwarding has to do otherwise from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The port takes frames to send, or does not; what waits in a port that goes down is lost.
    Port {
        /// Which one.
        port: PortId,
        /// Whether it takes them.
        up: bool,
    },
    /// A dynamic route of the FIB has these next hops, or none.
    Route {
        /// The VRF.
        vrf: VrfId,
        /// Its destinations.
        prefix: IpNet,
        /// Of equal cost; one may be there several times, as its weight.
        next_hops: Vec<NextHop>,
    },
}

/// Something that the control plane noticed or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// When.
    pub at: Instant,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The light of a port went or came back.
    Signal(PortId, Signal),
    /// A port followed its light: whether it is up.
    Port(PortId, bool),
    /// A neighbour on a sub-interface, by its place among those of the router, is known or not any more.
    Neighbor(usize, neighbor::Event),
    /// A BFD session, by its place among those of the router, changed its state.
    Bfd(usize, bfd::Event),
    /// Forwarding has other next hops for a prefix: how many there are now.
    Programmed {
        /// The VRF.
        vrf: VrfId,
        /// Its destinations.
        prefix: IpNet,
        /// Next hops, or buckets of flows; none: the route is gone.
        next_hops: usize,
    },
}

/// A router's control plane at work.
#[derive(Debug)]
pub struct Control {
    /// From a frame's arrival to its handling.
    delay: Span,
    inbox: VecDeque<(Instant, Received)>,
    ports: Vec<Watched>,
    segments: Segments,
    liveness: Liveness,
    routing: Routing,
    outgoing: VecDeque<Outgoing>,
    changes: VecDeque<Change>,
    log: Vec<Noted>,
    unclaimed: u64,
}

/// A watched port at work.
#[derive(Debug)]
struct Watched {
    port: PortId,
    carrier: Carrier,
    signals: VecDeque<(Instant, Signal)>,
}

impl Control {
    /// A control plane that handles frames `delay` after they arrive; above zero.
    pub fn new(spec: &ControlSpec, delay: Span) -> Self {
        let watched = |spec: &WatchedPort| Watched {
            port: spec.port,
            carrier: Carrier::new(spec.carrier),
            signals: spec.signals.iter().copied().collect(),
        };
        let segments = Segments::new(&spec.interfaces);
        Control {
            delay,
            inbox: VecDeque::new(),
            ports: spec.ports.iter().map(watched).collect(),
            liveness: Liveness::new(&spec.bfd, &segments, spec.seed),
            segments,
            routing: Routing::new(&spec.routing),
            outgoing: VecDeque::new(),
            changes: VecDeque::new(),
            log: Vec::new(),
            unclaimed: 0,
        }
    }

    /// A frame for the router arrives. It is handled, with the others in order, after the delay.
    pub fn handle_frame(&mut self, now: Instant, received: Received) {
        self.inbox.push_back((now.saturating_add(self.delay), received));
    }

    /// Does what is due at `now`, which is no later than [`poll_timeout`](Self::poll_timeout) says: frames first, then what
    /// happens to ports, then what they make of it.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, received)) = self.inbox.pop_front_if(|(at, _)| *at <= now) {
            if self.take(now, &received).is_none() {
                self.unclaimed += 1;
            }
        }
        for watched in &mut self.ports {
            while let Some((_, signal)) = watched.signals.pop_front_if(|(at, _)| *at <= now) {
                self.log.push(Noted { at: now, what: Happened::Signal(watched.port, signal) });
                watched.carrier.handle_signal(now, signal);
            }
            if let Some(up) = watched.carrier.handle_timeout(now) {
                self.log.push(Noted { at: now, what: Happened::Port(watched.port, up) });
                self.changes.push_back(Change::Port { port: watched.port, up });
                self.segments.handle_port(watched.port, up);
                self.routing.handle_port(now, watched.port, up);
                if !up {
                    self.liveness.handle_port_down(now, watched.port, &self.segments);
                }
            }
        }
        self.segments.handle_timeout(now);
        self.liveness.handle_timeout(now);
        while let Some((session, event)) = self.liveness.poll_event() {
            self.log.push(Noted { at: now, what: Happened::Bfd(session, event) });
            if let Some(path) = event.path() {
                self.routing.handle_bfd(now, session, path);
            }
        }
        while let Some(change) = self.routing.poll_change(now) {
            if let Change::Route { vrf, prefix, next_hops } = &change {
                let (vrf, prefix, next_hops) = (*vrf, *prefix, next_hops.len());
                self.log.push(Noted { at: now, what: Happened::Programmed { vrf, prefix, next_hops } });
            }
            self.changes.push_back(change);
        }
        // What BFD has to say may ask for a neighbour.
        let frames = std::iter::from_fn(|| self.liveness.poll_transmit(now, &mut self.segments));
        self.outgoing.extend(frames);
        self.outgoing.extend(std::iter::from_fn(|| self.segments.poll_transmit()));
        while let Some((interface, event)) = self.segments.poll_event() {
            self.log.push(Noted { at: now, what: Happened::Neighbor(interface, event) });
        }
    }

    /// A frame for the router goes to the protocol that it is for; `None` if it is for none.
    fn take(&mut self, now: Instant, received: &Received) -> Option<()> {
        let frame = Arrived::read(&received.octets)?;
        let place = self.segments.place_of(received.port, &frame)?;
        if self.segments.handle_frame(now, place, &frame) {
            return Some(());
        }
        let datagram = Datagram::read(frame.payload).ok()?;
        let is_bfd = self.segments.interface(place).is_own(datagram.destination)
            && datagram.ports.destination == SINGLE_HOP_PORT;
        (is_bfd && self.liveness.handle_datagram(now, place, &datagram)).then_some(())
    }

    /// When it wants to be called again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let frames = self.inbox.front().map(|(at, _)| *at);
        let ports = self.ports.iter().flat_map(|watched| {
            let signal = watched.signals.front().map(|(at, _)| *at);
            signal.into_iter().chain(watched.carrier.poll_timeout())
        });
        ports.chain(frames).chain(self.machines()).min()
    }

    fn machines(&self) -> impl Iterator<Item = Instant> {
        let all = [self.segments.poll_timeout(), self.liveness.poll_timeout(), self.routing.poll_timeout()];
        all.into_iter().flatten()
    }

    /// The next frame that it sends.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.outgoing.pop_front()
    }

    /// The next change of forwarding; it holds from when it was decided on.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Frames for the router that no protocol of it took.
    pub fn unclaimed(&self) -> u64 {
        self.unclaimed
    }

    /// What happened so far, in order of time.
    pub fn log(&self) -> &[Noted] {
        &self.log
    }
}
