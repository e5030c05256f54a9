//! The segments that a router's sub-interfaces are on: who is there, as ARP and neighbour discovery tell it.

use super::interface::{Arrived, InterfaceSpec};
use super::plane::Outgoing;
use super::stack::neighbor::{Event, Neighbors, Options};
use crate::id::PortId;
use crate::time::Instant;
use crate::wire::arp::Arp;
use crate::wire::ethernet::{self, Mac};
use crate::wire::ndp::Ndp;
use std::net::IpAddr;

/// The neighbours on each sub-interface of a router.
#[derive(Debug)]
pub(super) struct Segments {
    interfaces: Vec<InterfaceSpec>,
    neighbors: Vec<Neighbors>,
}

impl Segments {
    /// Nobody is known yet; each segment is told of this router.
    pub(super) fn new(interfaces: &[InterfaceSpec]) -> Self {
        let neighbors = interfaces.iter().map(|interface| {
            let mut neighbors = Neighbors::new(interface.mac, interface.v4, interface.v6, Options::default());
            neighbors.start();
            neighbors
        });
        Segments { interfaces: interfaces.to_vec(), neighbors: neighbors.collect() }
    }

    /// The sub-interface at `place`.
    pub(super) fn interface(&self, place: usize) -> &InterfaceSpec {
        &self.interfaces[place]
    }

    /// The place of the sub-interface that a frame which arrived by `port` is of.
    pub(super) fn place_of(&self, port: PortId, frame: &Arrived<'_>) -> Option<usize> {
        self.interfaces.iter().position(|interface| interface.has(port, frame))
    }

    /// Takes what is of ARP or neighbour discovery; whether it was.
    pub(super) fn handle_frame(&mut self, now: Instant, place: usize, frame: &Arrived<'_>) -> bool {
        match frame.ethertype {
            ethernet::ARP => {
                // What is no ARP for Ethernet and IPv4 is discarded (RFC 826).
                Arp::read(frame.payload).iter().for_each(|arp| self.neighbors[place].handle_arp(now, arp));
                true
            }
            ethernet::IPV6 => match Ndp::read(frame.payload) {
                Some(ndp) => {
                    self.neighbors[place].handle_ndp(now, &ndp);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    /// The MAC address of a neighbour that something is to be sent to; one that is not known is asked for.
    pub(super) fn resolve(&mut self, now: Instant, place: usize, neighbor: IpAddr) -> Option<Mac> {
        self.neighbors[place].resolve(now, neighbor)
    }

    /// A port went down: who was there is forgotten; or came up, and who is there is told of this router.
    pub(super) fn handle_port(&mut self, port: PortId, up: bool) {
        let of_port = self.interfaces.iter().zip(&mut self.neighbors).filter(|(interface, _)| interface.port == port);
        of_port.for_each(|(_, neighbors)| if up { neighbors.start() } else { neighbors.clear() });
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.neighbors.iter_mut().for_each(|neighbors| neighbors.handle_timeout(now));
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.neighbors.iter().filter_map(Neighbors::poll_timeout).min()
    }

    /// The next frame to send.
    pub(super) fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.interfaces.iter().zip(&mut self.neighbors).find_map(|(interface, neighbors)| {
            let octets = neighbors.poll_transmit()?;
            let frame = Arrived::read(&octets)?;
            Some(interface.frame(frame.to, frame.ethertype, frame.payload))
        })
    }

    /// What happened next: the place of the sub-interface, and what.
    pub(super) fn poll_event(&mut self) -> Option<(usize, Event)> {
        self.neighbors.iter_mut().enumerate().find_map(|(place, neighbors)| Some((place, neighbors.poll_event()?)))
    }
}
