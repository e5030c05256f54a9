//! The control plane of one router, put together: what arrives for the router goes to the protocol that it is for, and
//! what protocols decide comes out as frames and as changes of forwarding.

use super::bfd;
use super::carrier::{Carrier, CarrierSpec, Signal};
use super::change::Change;
use super::interface::{Arrived, InterfaceSpec};
use super::liveness::{BfdSpec, Hops, Liveness};
use super::protection::{self, Protection, ProtectionSpec};
use super::rib::PeerId;
use super::routing::{Routing, RoutingSpec};
use super::segments::Segments;
use super::speaker::{BgpSpec, Changed, Over, Speaker};
use super::stack::neighbor;
use super::stack::packet::{self, Datagram};
use super::tables::{BgpRow, Tables};
use crate::id::{PortId, VrfId};
use crate::table::NextHop;
use crate::time::{Instant, Span};
use crate::wire::bfd::{MICRO_PORT, MULTIHOP_PORT, SINGLE_HOP_PORT};
use crate::wire::ethernet;
use ipnet::IpNet;
use std::collections::VecDeque;

/// A router's control plane as it is configured.
#[derive(Clone, Debug, Default)]
pub struct ControlSpec {
    /// Ports whose carrier it watches.
    pub ports: Vec<WatchedPort>,
    /// Its sub-interfaces.
    pub interfaces: Vec<InterfaceSpec>,
    /// What is set for their neighbours.
    pub neighbors: neighbor::Options,
    /// Its BFD sessions.
    pub bfd: Vec<BfdSpec>,
    /// Its BGP sessions.
    pub bgp: Vec<BgpSpec>,
    /// Its routes, as far as they change.
    pub routing: RoutingSpec,
    /// Its label-switched paths, as far as they change.
    pub protection: Option<ProtectionSpec>,
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

impl Outgoing {
    /// An IP packet that goes by the routes of a VRF, which give it its addresses.
    pub fn routed(vrf: VrfId, ethertype: u16, packet: &[u8]) -> Self {
        let octets = [&[0; 12], &ethertype.to_be_bytes()[..], packet].concat();
        Outgoing { way: Way::Routed(vrf), octets }
    }
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
    /// A BGP session, by its place among those of the router, changed its state.
    Bgp(usize, Changed),
    /// Forwarding has other next hops for a prefix.
    Programmed {
        /// The VRF.
        vrf: VrfId,
        /// Its destinations.
        prefix: IpNet,
        /// Next hops, or buckets of flows, each as it is while no path is repaired; none: the route is gone.
        next_hops: Vec<NextHop>,
    },
    /// What would leave by a port takes its bypass, or the port again (local repair).
    Switched {
        /// The port.
        port: PortId,
        /// Whether it takes the bypass.
        to_backup: bool,
        /// Next hops that were switched.
        next_hops: usize,
    },
    /// Label-switched paths go around what does not work, or where they went first.
    Reconverged {
        /// Links of the provider that paths avoid now.
        avoided: usize,
        /// Next hops and labels of this router that lead elsewhere than before.
        changed: usize,
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
    speaker: Speaker,
    routing: Routing,
    protection: Option<Protection>,
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
        let segments = Segments::new(&spec.interfaces, spec.neighbors);
        Control {
            delay,
            inbox: VecDeque::new(),
            ports: spec.ports.iter().map(watched).collect(),
            liveness: Liveness::new(&spec.bfd, &segments, spec.seed),
            segments,
            speaker: Speaker::new(&spec.bgp, spec.seed),
            routing: Routing::new(&spec.routing, spec.bgp.iter().map(|bgp| &bgp.peer)),
            protection: spec.protection.as_ref().map(Protection::new),
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
                self.speaker.handle_port(now, watched.port, up, &self.segments);
                if let Some(protection) = &mut self.protection {
                    protection.handle_port(now, watched.port, up);
                }
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
                self.speaker.handle_bfd(now, session, path);
                if let Some(protection) = &mut self.protection {
                    protection.handle_bfd(now, session, path);
                }
            }
        }
        self.speaker.handle_timeout(now, &mut self.routing);
        while let Some((session, changed)) = self.speaker.poll_change() {
            self.log.push(Noted { at: now, what: Happened::Bgp(session, changed) });
        }
        self.protect(now);
        while let Some(change) = self.routing.poll_change(now) {
            if let Change::Route { vrf, prefix, next_hops } = &change {
                let (vrf, prefix) = (*vrf, *prefix);
                let next_hops = next_hops.iter().map(|towards| towards.next_hop).collect();
                self.log.push(Noted { at: now, what: Happened::Programmed { vrf, prefix, next_hops } });
            }
            self.changes.push_back(change);
        }
        // What sessions have to say may ask for a neighbour.
        let frames = std::iter::from_fn(|| self.liveness.poll_transmit(now, &mut self.segments));
        self.outgoing.extend(frames);
        let frames = std::iter::from_fn(|| self.speaker.poll_transmit(now, &mut self.segments));
        self.outgoing.extend(frames);
        self.outgoing.extend(std::iter::from_fn(|| self.segments.poll_transmit()));
        while let Some((interface, event)) = self.segments.poll_event() {
            self.log.push(Noted { at: now, what: Happened::Neighbor(interface, event) });
        }
    }

    /// Paths follow what was seen and heard of links.
    fn protect(&mut self, now: Instant) {
        let Some(protection) = &mut self.protection else { return };
        protection.handle_timeout(now);
        while let Some((lsp, is_there)) = protection.poll_path() {
            self.routing.handle_path(now, lsp, is_there);
        }
        self.log.extend(std::iter::from_fn(|| protection.poll_event()).map(|what| Noted { at: now, what }));
        self.changes.extend(std::iter::from_fn(|| protection.poll_change()));
        while let Some((interface, state)) = protection.poll_transmit() {
            let interface = self.segments.interface(interface);
            self.outgoing.push_back(interface.frame(protection::ALL_IS, protection::ETHERTYPE, &state.emit()));
        }
    }

    /// A frame for the router goes to the protocol that it is for; `None` if it is for none.
    fn take(&mut self, now: Instant, received: &Received) -> Option<()> {
        let frame = Arrived::read(&received.octets)?;
        let place = self.segments.place_of(received.port, &frame);
        if matches!(frame.ethertype, ethernet::IPV4 | ethernet::IPV6) {
            if let Some((from, to, packet)) = packet::tcp(frame.payload) {
                let mut is_for = |over| self.speaker.handle_packet(now, over, (from, to), packet);
                let is_own = |place: &usize| self.segments.interface(*place).is_own(to);
                let is_taken = place.filter(is_own).is_some_and(|place| is_for(Over::Interface(place)))
                    || is_for(Over::Routed(received.vrf));
                return is_taken.then_some(());
            }
            if let Ok(datagram) = Datagram::read(frame.payload) {
                let own = place.filter(|place| self.segments.interface(*place).is_own(datagram.destination));
                let over = match datagram.ports.destination {
                    SINGLE_HOP_PORT => Hops::Single(own?),
                    MICRO_PORT => Hops::Micro(own?),
                    MULTIHOP_PORT => Hops::Multi { vrf: received.vrf, local: datagram.destination },
                    _ => return None,
                };
                return self.liveness.handle_datagram(now, over, &datagram).then_some(());
            }
        }
        let place = place?;
        if self.segments.handle_frame(now, place, &frame) {
            return Some(());
        }
        let is_news = frame.ethertype == protection::ETHERTYPE;
        self.protection.as_mut().filter(|_| is_news)?.handle_news(place, frame.payload)
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
        let protection = self.protection.as_ref().and_then(Protection::poll_timeout);
        let sessions = [self.liveness.poll_timeout(), self.speaker.poll_timeout(), protection];
        let all = [self.segments.poll_timeout(), self.routing.poll_timeout()].into_iter().chain(sessions);
        all.flatten()
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

    /// Its tables at `now`, which is not after what [`poll_timeout`](Self::poll_timeout) says; not the label map, which is of
    /// forwarding.
    pub fn tables(&self, now: Instant) -> Tables {
        let bgp = self.speaker.sessions().zip((0..).map(PeerId));
        let bgp = bgp.map(|(session, peer)| BgpRow {
            state: session.state(),
            counts: session.counts().clone(),
            routes: self.routing.counts(peer),
        });
        Tables {
            neighbors: self.segments.tables(now),
            bfd: self.liveness.rows(),
            bgp: bgp.collect(),
            routes: self.routing.tables(now),
            labels: Vec::new(),
        }
    }

    /// What happened so far, in order of time.
    pub fn log(&self) -> &[Noted] {
        &self.log
    }
}
