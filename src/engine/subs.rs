//! What passes a port counted apart by sub-interface, for the ports where that is asked for.

use super::network::{Network, Role};
use super::outcome::{PortOutcome, SubInterfaceOutcome};
use crate::frame::{Count, Frame};
use crate::id::{NodeId, PortId};
use crate::table::Ingress;

/// The sub-interfaces of a port, one direction of it.
#[derive(Debug)]
pub(super) struct Subs {
    table: Ingress,
    counts: Vec<SubInterfaceOutcome>,
    /// That of the last frame which was counted with `count_and_keep`.
    last: Option<usize>,
}

impl Subs {
    /// `None` unless the port counts them.
    pub(super) fn of(network: &Network, at: (NodeId, PortId)) -> Option<Box<Self>> {
        let Role::Router(router) = &network.nodes[at.0.index()].role else { return None };
        let table = router.fib.ingress(at.1.index()).filter(|_| network.port(at).counts_sub_interfaces)?.clone();
        let counts = vec![SubInterfaceOutcome::default(); table.sub_interfaces()];
        Some(Box::new(Subs { table, counts, last: None }))
    }

    /// Counts a frame by the tags that it has now, if they are those of a sub-interface.
    pub(super) fn count(&mut self, frame: &Frame, of: fn(&mut SubInterfaceOutcome) -> &mut Count) -> Option<usize> {
        let place = self.table.sub_interface_of(frame)?;
        of(&mut self.counts[place]).add(frame.len());
        Some(place)
    }

    /// Counts an arrival, before forwarding takes its tags.
    pub(super) fn arrive(&mut self, frame: &Frame) {
        self.last = self.count(frame, |sub| &mut sub.received);
    }

    /// The last arrival, of `octets`, is refused by the policer.
    pub(super) fn police_arrival(&mut self, octets: u16) {
        if let Some(last) = self.last {
            self.counts[last].ingress_policed.add(octets);
        }
    }

    /// Adds the counts to those of `outcome`.
    pub(super) fn report(&self, outcome: &mut PortOutcome) {
        outcome.sub_interfaces.resize(self.counts.len(), SubInterfaceOutcome::default());
        outcome.sub_interfaces.iter_mut().zip(&self.counts).for_each(|(sum, counts)| sum.merge(counts));
    }
}
