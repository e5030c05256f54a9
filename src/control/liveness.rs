//! BFD of one router: sessions on its sub-interfaces, and the packets that carry theirs.

use super::bfd::{Command, Config, Event, Peer, Received, SessionId, Sessions};
use super::interface::CLASS;
use super::plane::Outgoing;
use super::segments::Segments;
use super::stack::packet::{Datagram, Ports, udp_v4, udp_v6};
use super::tables::BfdRow;
use crate::id::PortId;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::bfd::{self, Packet};
use crate::wire::ethernet;
use std::net::IpAddr;

/// A BFD session of a router, over a single hop (RFC 5881).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdSpec {
    /// The place of its sub-interface in the list of the router.
    pub interface: usize,
    /// The neighbour.
    pub remote: IpAddr,
    /// Its intervals and what else is set.
    pub config: Config,
}

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
        let has_address = |spec: &BfdSpec| segments.interface(spec.interface).own(spec.remote).is_some();
        assert!(specs.iter().all(has_address), "a session has an address at both ends");
        let mut sessions = Sessions::new();
        let ids = specs.iter().zip(0..).map(|(spec, place)| {
            let id = sessions.add(Instant::ZERO, peer(spec.interface, spec.remote), spec.config, Rng::new(seed, place));
            id.expect("one session for each neighbour of a sub-interface")
        });
        Liveness { specs: specs.to_vec(), ids: ids.collect(), sessions }
    }

    /// A datagram for the router came by its sub-interface `interface`; whether a session took it: what RFC 5880 §6.8.6
    /// discards is for none.
    pub(super) fn handle_datagram(&mut self, now: Instant, interface: usize, datagram: &Datagram<'_>) -> bool {
        let Ok(packet) = Packet::read(datagram.payload) else { return false };
        let received = Received { peer: peer(interface, datagram.source), ttl: datagram.ttl, packet };
        self.sessions.handle_packet(now, &received).is_ok()
    }

    /// A port went down: sessions over it need not wait for their detection time.
    pub(super) fn handle_port_down(&mut self, now: Instant, port: PortId, segments: &Segments) {
        for (spec, id) in self.specs.iter().zip(&self.ids) {
            if segments.interface(spec.interface).port == port {
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
            let mac = segments.resolve(now, spec.interface, spec.remote);
            let interface = segments.interface(spec.interface);
            // The same for all packets of a session (RFC 5881 §4).
            let span = u32::from(bfd::SOURCE_PORTS.end() - bfd::SOURCE_PORTS.start()) + 1;
            let source = bfd::SOURCE_PORTS.start() + (packet.my_discriminator.get() % span) as u16;
            let ports = Ports { source, destination: bfd::SINGLE_HOP_PORT };
            let payload = packet.emit();
            let (ethertype, datagram) = match (interface.own(spec.remote), spec.remote) {
                (Some(IpAddr::V4(own)), IpAddr::V4(remote)) => {
                    (ethernet::IPV4, udp_v4(own, remote, ports, bfd::TTL, DSCP, &payload))
                }
                (Some(IpAddr::V6(own)), IpAddr::V6(remote)) => {
                    (ethernet::IPV6, udp_v6(own, remote, ports, bfd::TTL, DSCP, &payload))
                }
                _ => unreachable!("a session has an address at both ends"),
            };
            if let Some(mac) = mac {
                return Some(interface.frame(mac, ethertype, &datagram));
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

fn peer(interface: usize, remote: IpAddr) -> Peer {
    Peer::SingleHop { interface: interface as u32, remote }
}

/// CS6: the class selector of the class of control (RFC 4594 §3.1).
const DSCP: u8 = CLASS << 3;
