//! The segments that a router's sub-interfaces are on: who is there, as ARP and neighbour discovery tell it.

use super::interface::{Arrived, InterfaceSpec, TagKey};
use super::plane::Outgoing;
use super::stack::neighbor::{Event, Neighbors, Options, Row};
use crate::id::PortId;
use crate::time::Instant;
use crate::wire::arp::Arp;
use crate::wire::ethernet::{self, Mac};
use crate::wire::ndp::Ndp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

/// The neighbours on each sub-interface of a router.
///
/// What is asked of all of them costs the same however many there are: those that were called hand over what they have, and
/// each waits in an ordered set at its next instant.
#[derive(Debug)]
pub(super) struct Segments {
    interfaces: Vec<InterfaceSpec>,
    neighbors: Vec<Neighbors>,
    by_tags: BTreeMap<(PortId, TagKey), usize>,
    /// Where each waits in `timers`.
    waits: Vec<Option<Instant>>,
    timers: BTreeSet<(Instant, usize)>,
    outgoing: VecDeque<Outgoing>,
    events: VecDeque<(usize, Event)>,
}

impl Segments {
    /// Nobody is known yet; each segment is told of this router.
    ///
    /// # Panics
    /// If two sub-interfaces have the same port and tags.
    pub(super) fn new(interfaces: &[InterfaceSpec], options: Options) -> Self {
        let neighbors =
            interfaces.iter().map(|interface| Neighbors::new(interface.mac, interface.v4, interface.v6, options));
        let key = |interface: &InterfaceSpec| (interface.port, interface.tag_key());
        let mut segments = Segments {
            interfaces: interfaces.to_vec(),
            neighbors: neighbors.collect(),
            by_tags: interfaces.iter().map(key).zip(0..).collect(),
            waits: vec![None; interfaces.len()],
            timers: BTreeSet::new(),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        };
        assert!(segments.by_tags.len() == interfaces.len(), "each sub-interface has frames of its own");
        (0..interfaces.len()).for_each(|place| segments.call(place, Neighbors::start));
        segments
    }

    /// The sub-interface at `place`.
    pub(super) fn interface(&self, place: usize) -> &InterfaceSpec {
        &self.interfaces[place]
    }

    /// The place of the sub-interface that a frame which arrived by `port` is of.
    pub(super) fn place_of(&self, port: PortId, frame: &Arrived<'_>) -> Option<usize> {
        self.by_tags.get(&(port, frame.tag_key())).copied()
    }

    /// Takes what is of ARP or neighbour discovery; whether it was.
    pub(super) fn handle_frame(&mut self, now: Instant, place: usize, frame: &Arrived<'_>) -> bool {
        match frame.ethertype {
            ethernet::ARP => {
                // What is no ARP for Ethernet and IPv4 is discarded (RFC 826).
                if let Some(arp) = Arp::read(frame.payload) {
                    self.call(place, |neighbors| neighbors.handle_arp(now, &arp));
                }
                true
            }
            ethernet::IPV6 => match Ndp::read(frame.payload) {
                Some(ndp) => {
                    self.call(place, |neighbors| neighbors.handle_ndp(now, &ndp));
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    /// The MAC address of a neighbour that something is to be sent to; one that is not known is asked for.
    pub(super) fn resolve(&mut self, now: Instant, place: usize, neighbor: IpAddr) -> Option<Mac> {
        self.call(place, |neighbors| neighbors.resolve(now, neighbor))
    }

    /// A port went down: who was there is forgotten; or came up, and who is there is told of this router.
    pub(super) fn handle_port(&mut self, port: PortId, up: bool) {
        for place in (0..self.interfaces.len()).filter(|place| self.interfaces[*place].port == port).collect::<Vec<_>>()
        {
            self.call(place, |neighbors| if up { neighbors.start() } else { neighbors.clear() });
        }
    }

    /// Does what is due at `now`, the earliest first.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, place)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.call(place, |neighbors| neighbors.handle_timeout(now));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The next frame to send.
    pub(super) fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.outgoing.pop_front()
    }

    /// The neighbours of each sub-interface at `now`.
    pub(super) fn tables(&self, now: Instant) -> Vec<Vec<Row>> {
        self.neighbors.iter().map(|neighbors| neighbors.table(now)).collect()
    }

    /// What happened next: the place of the sub-interface, and what.
    pub(super) fn poll_event(&mut self) -> Option<(usize, Event)> {
        self.events.pop_front()
    }

    /// Calls the neighbours at `place`, takes what they have to say, and lets them wait at their next instant.
    fn call<T>(&mut self, place: usize, call: impl FnOnce(&mut Neighbors) -> T) -> T {
        let (interface, neighbors) = (&self.interfaces[place], &mut self.neighbors[place]);
        let said = call(neighbors);
        while let Some(octets) = neighbors.poll_transmit() {
            if let Some(frame) = Arrived::read(&octets) {
                self.outgoing.push_back(interface.frame(frame.to, frame.ethertype, frame.payload));
            }
        }
        self.events.extend(std::iter::from_fn(|| neighbors.poll_event()).map(|event| (place, event)));
        let waits = neighbors.poll_timeout();
        if waits != self.waits[place] {
            if let Some(old) = self.waits[place] {
                self.timers.remove(&(old, place));
            }
            self.timers.extend(waits.map(|at| (at, place)));
            self.waits[place] = waits;
        }
        said
    }
}
