//! BFD of one router: sessions on its sub-interfaces and beyond, and the packets that carry theirs.

use super::bfd::{Command, Config, Event, Peer, Received, SessionId, Sessions};
use super::interface::CLASS;
use super::plane::Outgoing;
use super::segments::Segments;
use super::stack::packet::{Datagram, Ports, udp_v4, udp_v6};
use super::tables::BfdRow;
use crate::id::{PortId, VrfId};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::bfd::{self, Packet};
use crate::wire::ethernet::{self, Mac};
use std::net::IpAddr;

/// A BFD session of a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdSpec {
    /// What it watches.
    pub over: Hops,
    /// The other end.
    pub remote: IpAddr,
    /// Its intervals and what else is set.
    pub config: Config,
}

/// What a BFD session watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hops {
    /// A sub-interface, by its place in the list of the router (RFC 5881).
    Single(usize),
    /// A sub-interface that is the member of an aggregation group (RFC 7130): its packets need no neighbour's address, they
    /// are for whoever is at the other end.
    Micro(usize),
    /// The way to another router, whichever that is (RFC 5883).
    Multi {
        /// Whose routes lead there. Packets are told by their two addresses alone, whatever they came by: a router has one session
        /// for each pair of them (RFC 5883 §3).
        vrf: VrfId,
        /// The own address.
        local: IpAddr,
    },
}

impl Hops {
    /// The sub-interface, if it is a single one.
    pub const fn interface(self) -> Option<usize> {
        match self {
            Hops::Single(place) | Hops::Micro(place) => Some(place),
            Hops::Multi { .. } => None,
        }
    }
}

/// The address of the members of aggregation groups (RFC 7130 §2.3).
const MICRO_MAC: Mac = Mac([0x01, 0x00, 0x5e, 0x90, 0x00, 0x01]);

/// The sessions of a router.
#[derive(Debug)]
pub(super) struct Liveness {
    /// In the order of the sessions.
    specs: Vec<BfdSpec>,
    ids: Vec<SessionId>,
    sessions: Sessions,
}

impl Liveness {
    /// All down.
    ///
    /// # Panics
    /// If two are for one neighbour on one sub-interface, or that has no address of the neighbour's family.
    pub(super) fn new(specs: &[BfdSpec], segments: &Segments, seed: u64) -> Self {
        let mut sessions = Sessions::new();
        let ids = specs.iter().zip(0..).map(|(spec, place)| {
            let ends = (own(spec, segments), spec.remote);
            assert!(ends.0.is_ipv4() == ends.1.is_ipv4(), "a session has an address at both ends");
            let id = sessions.add(Instant::ZERO, peer(spec.over, ends), spec.config, Rng::new(seed, place));
            id.expect("one session for each neighbour of a sub-interface")
        });
        Liveness { specs: specs.to_vec(), ids: ids.collect(), sessions }
    }

    /// A datagram for the router came that way; whether a session took it: what RFC 5880 §6.8.6 discards is for none.
    pub(super) fn handle_datagram(&mut self, now: Instant, over: Hops, datagram: &Datagram<'_>) -> bool {
        let Ok(packet) = Packet::read(datagram.payload) else { return false };
        let ends = (datagram.destination, datagram.source);
        let received = Received { peer: peer(over, ends), ttl: datagram.ttl, packet };
        self.sessions.handle_packet(now, &received).is_ok()
    }

    /// A port went down: sessions over it need not wait for their detection time.
    pub(super) fn handle_port_down(&mut self, now: Instant, port: PortId, segments: &Segments) {
        for (spec, id) in self.specs.iter().zip(&self.ids) {
            if spec.over.interface().is_some_and(|place| segments.interface(place).port == port) {
                self.sessions.handle_command(now, *id, Command::PathDown);
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.sessions.handle_timeout(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.sessions.poll_timeout()
    }

    /// The next frame that a session sends at `now`. What is for a neighbour whose MAC address is not known is not sent:
    /// the session goes on sending, and the neighbour is asked for.
    pub(super) fn poll_transmit(&mut self, now: Instant, segments: &mut Segments) -> Option<Outgoing> {
        while let Some((id, packet)) = self.sessions.poll_transmit() {
            let spec = &self.specs[id.index()];
            // The same for all packets of a session (RFC 5881 §4).
            let span = u32::from(bfd::SOURCE_PORTS.end() - bfd::SOURCE_PORTS.start()) + 1;
            let source = bfd::SOURCE_PORTS.start() + (packet.my_discriminator.get() % span) as u16;
            let ends = (own(spec, segments), spec.remote);
            let ports = Ports { source, destination: peer(spec.over, ends).kind().port() };
            let payload = packet.emit();
            let (ethertype, datagram) = match ends {
                (IpAddr::V4(own), IpAddr::V4(remote)) => {
                    (ethernet::IPV4, udp_v4(own, remote, ports, bfd::TTL, DSCP, &payload))
                }
                (IpAddr::V6(own), IpAddr::V6(remote)) => {
                    (ethernet::IPV6, udp_v6(own, remote, ports, bfd::TTL, DSCP, &payload))
                }
                _ => unreachable!("a session has an address at both ends"),
            };
            let (place, mac) = match spec.over {
                Hops::Multi { vrf, .. } => return Some(Outgoing::routed(vrf, ethertype, &datagram)),
                Hops::Micro(place) => (place, Some(MICRO_MAC)),
                Hops::Single(place) => (place, segments.resolve(now, place, spec.remote)),
            };
            if let Some(mac) = mac {
                return Some(segments.interface(place).frame(mac, ethertype, &datagram));
            }
        }
        None
    }

    /// The sessions as they are.
    pub(super) fn rows(&self) -> Vec<BfdRow> {
        let row = |id: &SessionId| {
            let (_, session) = self.sessions.session(*id);
            BfdRow {
                state: session.state(),
                remote: session.remote_state(),
                diagnostic: session.diagnostic(),
                discriminators: [
                    session.local_discriminator().get(),
                    session.remote_discriminator().map_or(0, std::num::NonZeroU32::get),
                ],
                transmit: session.transmit_interval(),
                detection: session.detection_time(),
                up_since: session.up_since(),
            }
        };
        self.ids.iter().map(row).collect()
    }

    /// The next change of a session: its place among those of the router.
    pub(super) fn poll_event(&mut self) -> Option<(usize, Event)> {
        let (id, event) = self.sessions.poll_event()?;
        Some((id.index(), event))
    }
}

/// The own address of a session.
fn own(spec: &BfdSpec, segments: &Segments) -> IpAddr {
    match spec.over {
        Hops::Multi { local, .. } => local,
        Hops::Single(place) | Hops::Micro(place) => {
            segments.interface(place).own(spec.remote).expect("a session has an address at both ends")
        }
    }
}

/// What tells a session apart, by what it watches and by its own address and the other end's.
fn peer(over: Hops, (local, remote): (IpAddr, IpAddr)) -> Peer {
    match over {
        Hops::Single(place) => Peer::SingleHop { interface: place as u32, remote },
        Hops::Micro(place) => Peer::Micro { interface: place as u32, remote },
        Hops::Multi { .. } => Peer::Multihop { local, remote },
    }
}

/// CS6: the class selector of the class of control (RFC 4594 §3.1).
const DSCP: u8 = CLASS << 3;
