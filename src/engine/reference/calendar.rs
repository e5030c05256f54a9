//! The one heap of the reference engine: what is going to happen, in a total order.

use super::Traveller;
use crate::id::{NodeId, PortId};
use crate::node::Onward;
use crate::time::Instant;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// All that is going to happen.
#[derive(Default)]
pub(super) struct Calendar {
    heap: BinaryHeap<Reverse<Scheduled>>,
    sequence: u64,
}

/// What is going to happen, in the order of (instant, class, node, input, sequence).
pub(super) struct Scheduled {
    pub(super) at: Instant,
    class: Class,
    pub(super) node: NodeId,
    /// The port; a router's slow path comes after its ports, what a host offers likewise.
    input: usize,
    sequence: u64,
    pub(super) happening: Happening,
}

/// Of what happens at the same instant, the ends of transmission come first, then what control planes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    EndOfTransmission,
    Control,
    Arrival,
}

pub(super) enum Happening {
    /// A host offers its next frame.
    Offer,
    /// The last bit of this frame leaves.
    EndOfTransmission(PortId, Traveller),
    /// The last bit of this frame arrives.
    Arrival(PortId, Traveller),
    /// The control plane of a router is called, if nothing came before that.
    Control,
    /// This frame comes from the slow path, or from the control plane.
    Local(Onward, Traveller),
}

impl Calendar {
    pub(super) fn schedule(&mut self, at: Instant, node: NodeId, input: usize, happening: Happening) {
        let class = match happening {
            Happening::EndOfTransmission(..) => Class::EndOfTransmission,
            Happening::Control => Class::Control,
            _ => Class::Arrival,
        };
        self.sequence += 1;
        self.heap.push(Reverse(Scheduled { at, class, node, input, sequence: self.sequence, happening }));
    }

    /// What happens next, if that is before `until`.
    pub(super) fn next_before(&mut self, until: Instant) -> Option<Scheduled> {
        self.heap.peek().filter(|Reverse(next)| next.at < until)?;
        self.heap.pop().map(|Reverse(next)| next)
    }

    /// The frames that something is still going to happen to.
    pub(super) fn travellers(&self) -> impl Iterator<Item = &Traveller> {
        self.heap.iter().filter_map(|Reverse(scheduled)| match &scheduled.happening {
            Happening::Offer | Happening::Control => None,
            Happening::EndOfTransmission(_, it) | Happening::Arrival(_, it) | Happening::Local(_, it) => Some(it),
        })
    }
}

impl Scheduled {
    fn key(&self) -> (Instant, Class, NodeId, usize, u64) {
        (self.at, self.class, self.node, self.input, self.sequence)
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheduled {}
