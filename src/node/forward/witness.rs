//! What a witness of the datapath is told: the steps that a trace shows.

use crate::id::{PortId, VrfId};
use crate::table::{LabelEntry, Matched, NextHopSet};
use crate::wire::mpls::Lse;
use std::net::IpAddr;

/// A step of the datapath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The sub-interface that the port and the tags led to.
    SubInterface(Matched),
    /// A label was looked up; `None` for special-purpose labels.
    Label {
        /// The stack entry.
        lse: Lse,
        /// The entry of the label map.
        entry: Option<LabelEntry>,
    },
    /// A destination was looked up.
    Route {
        /// In this VRF.
        vrf: VrfId,
        /// The destination.
        destination: IpAddr,
        /// The next hops found.
        found: Option<NextHopSet>,
    },
    /// A next hop was taken: of a set by hash, or the one that a service names.
    NextHop {
        /// The set.
        set: Option<NextHopSet>,
        /// Its place in the FIB.
        place: u32,
    },
    /// Labels, tags and addresses were written; the frame leaves by this port.
    Written(PortId),
}

/// Is told each step of the datapath as it happens.
pub trait Witness {
    /// Called at each step.
    fn saw(&mut self, step: Step);
}

/// Nobody looks: costs nothing.
impl Witness for () {
    #[inline(always)]
    fn saw(&mut self, _: Step) {}
}

/// Keeps all steps in order.
impl Witness for Vec<Step> {
    fn saw(&mut self, step: Step) {
        self.push(step);
    }
}
