//! A router's inner port between the merge of its inputs and its outputs: what several outputs share is judged in the order
//! of all of them.

use super::order::{Key, Order};
use super::output::Arrived;
use crate::frame::{DropReason, Frame};
use crate::id::PortId;
use crate::port::{Gate, GateSpec, InstanceCounts};
use crate::time::Instant;

/// An inner port and where it stands in each output's order.
#[derive(Debug)]
pub(super) struct InnerPort {
    gate: Gate,
    walks: Vec<Walk>,
}

/// How far an output's order is judged, and how many frames of it are kept.
#[derive(Clone, Copy, Debug)]
struct Walk {
    output: usize,
    judged: usize,
    kept: usize,
}

impl InnerPort {
    pub(super) fn new(spec: &GateSpec) -> Self {
        let gate = Gate::new(spec);
        let walk = |output: &PortId| Walk { output: output.index(), judged: 0, kept: 0 };
        InnerPort { walks: gate.outputs().iter().map(walk).collect(), gate }
    }

    /// What each instance behind it saw.
    pub(super) fn counts(&self) -> Vec<InstanceCounts> {
        self.gate.counts()
    }

    /// Leaves in each output's order what passes; `dropped` is told by which output a frame does not leave, and why.
    #[inline(never)]
    pub(super) fn judge(
        &mut self,
        orders: &mut [Order],
        scratch: &mut Vec<Key>,
        frames: &mut Arrived<'_>,
        mut dropped: impl FnMut(usize, Instant, &Frame, DropReason),
    ) {
        let InnerPort { gate, walks } = self;
        for walk in walks.iter_mut() {
            orders[walk.output].merge(scratch);
            (walk.judged, walk.kept) = (0, 0);
        }
        let next = |walk: &Walk, orders: &[Order]| orders[walk.output].keys().get(walk.judged).copied();
        // No two keys are the same, so that the least is one.
        while let Some((key, walk)) = walks.iter_mut().filter_map(|w| Some((next(w, orders)?, w))).min_by_key(|n| n.0) {
            walk.judged += 1;
            let (at, frame) = (key.at(frames.first), frames.frame(key));
            match gate.admit(at, frame) {
                Ok(()) => {
                    orders[walk.output].keep(walk.kept, key);
                    walk.kept += 1;
                }
                Err(reason) => dropped(walk.output, at, frame, reason),
            }
        }
        for walk in walks.iter() {
            orders[walk.output].truncate(walk.kept);
        }
    }
}
