//! A peer that is no session: TCP connections, and messages as the test says them.

use crate::control::Family;
use crate::control::bgp::message::{Message, Notification, Open, Peering, decode, encode, length};
use crate::control::stack::tcp::{BGP_PORT, Connection, Event, Options, Role};
use crate::rng::Rng;
use crate::time::Instant;
use std::net::{IpAddr, Ipv4Addr};

pub(in super::super) struct Peer {
    local: IpAddr,
    remote: IpAddr,
    seed: u64,
    /// The first listens, others connect.
    pub(in super::super) connections: Vec<Connection>,
    inboxes: Vec<Vec<u8>>,
    /// What was heard, on which connection.
    pub(in super::super) heard: Vec<(usize, Message)>,
    pub(in super::super) events: Vec<(usize, Event)>,
    pub(in super::super) is_listening: bool,
}

pub(in super::super) fn peering() -> Peering {
    Peering { four_octet_as: true, is_internal: false, families: Family::ALL.to_vec() }
}

/// An OPEN of AS 12076, identifier 10.0.0.2, hold 180 s, IPv4.
pub(in super::super) fn open() -> Open {
    Open {
        local_as: 12076,
        hold_s: 180,
        router_id: Ipv4Addr::new(10, 0, 0, 2),
        families: vec![Family::Ipv4],
        route_refresh: true,
        four_octet_as: true,
        graceful_restart: None,
    }
}

impl Peer {
    pub(in super::super) fn new(local: IpAddr, remote: IpAddr, seed: u64) -> Peer {
        let listener = Connection::new(local, remote, Role::Passive, Options::default(), Rng::new(seed, 100));
        Peer {
            local,
            remote,
            seed,
            connections: vec![listener],
            inboxes: vec![Vec::new()],
            heard: Vec::new(),
            events: Vec::new(),
            is_listening: false,
        }
    }

    pub(in super::super) fn listen(&mut self, now: Instant) {
        self.connections[0].listen(now);
        self.is_listening = true;
    }

    /// Another connection from this end.
    pub(in super::super) fn connect(&mut self, now: Instant) -> usize {
        let at = self.connections.len();
        let rng = Rng::new(self.seed, 100 + at as u64);
        let mut connection = Connection::new(self.local, self.remote, Role::Active, Options::default(), rng);
        connection.connect(now);
        self.connections.push(connection);
        self.inboxes.push(Vec::new());
        at
    }

    pub(in super::super) fn say(&mut self, now: Instant, at: usize, message: &Message) {
        self.say_octets(now, at, encode(message, &peering()).unwrap().concat());
    }

    pub(in super::super) fn say_octets(&mut self, now: Instant, at: usize, octets: Vec<u8>) {
        self.connections[at].send(now, octets).expect("there is a connection with room");
    }

    /// The last NOTIFICATION that was heard.
    pub(in super::super) fn notification(&self) -> Option<&Notification> {
        self.heard.iter().rev().find_map(|(_, message)| match message {
            Message::Notification(notification) => Some(notification),
            _ => None,
        })
    }

    pub(super) fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        let Some(ports) = self.connections[0].ports(packet) else { return };
        let is_for = |connection: &Connection| {
            ports.destination == connection.local_port() && (ports.destination == BGP_PORT || ports.source == BGP_PORT)
        };
        let at = self.connections.iter().position(is_for).unwrap_or(0);
        self.connections[at].handle_packet(now, packet);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.connections.iter_mut().for_each(|connection| connection.handle_timeout(now));
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.connections.iter_mut().find_map(Connection::poll_transmit)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.connections.iter().filter_map(Connection::poll_timeout).min()
    }

    pub(super) fn read(&mut self) {
        for (at, connection) in self.connections.iter_mut().enumerate() {
            while let Some(octets) = connection.poll_octets() {
                self.inboxes[at].extend(octets);
            }
            while let Some(event) = connection.poll_event() {
                self.events.push((at, event));
            }
            let inbox = &mut self.inboxes[at];
            while let Some(octets) = length(inbox).unwrap().filter(|&octets| octets <= inbox.len()) {
                let message: Vec<_> = inbox.drain(..octets).collect();
                self.heard.push((at, decode(&message, &peering()).unwrap()));
            }
        }
    }
}
