//! What a watcher of the reference engine is told: everything that happens to a frame, as it happens.

use crate::frame::{DropReason, Frame};
use crate::id::{NodeId, PortId, VrfId};
use crate::node::{Entry, Fate, PuntReason, Step, Verdict};
use crate::table::Fib;
use crate::time::{Instant, Span};

/// Something happened to a frame.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// When.
    pub at: Instant,
    /// Where.
    pub node: NodeId,
    /// Which frame: offered frames and those that slow paths make are numbered from 0 in the order in which they come
    /// up. (The source's own number does not tell a fragment from its sibling.)
    pub number: u64,
    /// The frame as it is now.
    pub frame: &'a Frame,
    /// What.
    pub what: What<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// A source gave it to its host.
    Offered,
    /// Its last bit arrived by this port; nothing has looked at it yet.
    Arrived(PortId),
    /// It comes from the router's own slow path, into this VRF.
    Entered(VrfId),
    /// The datapath has judged it; its headers are rewritten.
    Forwarded {
        /// Where it entered the datapath.
        entry: Entry,
        /// The tables that it met: they change while a run goes on.
        fib: &'a Fib,
        /// What the datapath did, in order.
        steps: &'a [Step],
        /// What it came to.
        verdict: Verdict,
    },
    /// A port took it in to be sent.
    Queued {
        /// The port.
        port: PortId,
        /// The queue of its class.
        queue: u8,
        /// The unfinished work of the port before it, the frame on the wire included; zero: it starts at once.
        ahead: Span,
    },
    /// Its transmission begins.
    Started {
        /// The port.
        port: PortId,
        /// When its last bit will have left.
        last_bit: Instant,
    },
    /// The slow path decided on it.
    Punted {
        /// Why it was punted.
        reason: PuntReason,
        /// The VRF it was in.
        vrf: VrfId,
        /// What became of it.
        fate: Fate,
    },
    /// The slow path made it from another frame; it enters the datapath later.
    Made {
        /// The number of the frame that it was made from.
        from: u64,
        /// When it will enter.
        enters: Instant,
    },
    /// The router took it for itself: a frame that some slow path made for this address.
    Consumed,
    /// A host has it.
    Delivered(PortId),
    /// It goes no further.
    Dropped {
        /// Where it is counted.
        place: DropPlace,
        /// Why.
        reason: DropReason,
    },
}

/// Where within a node a frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropPlace {
    /// On its arrival by this port: on the link, by forwarding, by the policer.
    Ingress(PortId),
    /// On its departure by this port.
    Egress(PortId),
    /// In the slow path.
    SlowPath,
}
