//! Control planes in the reference engine: called at their instants, before what arrives then.

use super::{DropPlace, Engine, Happening};
use crate::control::Change;
use crate::frame::DropReason;
use crate::id::NodeId;
use crate::time::Instant;

impl Engine<'_> {
    /// The control plane is called when it wants to be; what it wanted before does not hold any more.
    pub(super) fn schedule_control(&mut self, node: NodeId) {
        let state = &mut self.nodes[node.index()];
        let due = state.seat.as_ref().and_then(|seat| seat.due());
        if due != state.called_at {
            state.called_at = due;
            due.into_iter().for_each(|due| self.calendar.schedule(due, node, 0, Happening::Control));
        }
    }

    pub(super) fn control(&mut self, at: Instant, node: NodeId) {
        let state = &mut self.nodes[node.index()];
        if state.called_at != Some(at) {
            return;
        }
        let Some(mut seat) = state.seat.take() else { return };
        let fib = self.nodes[node.index()].fib.as_ref().expect("a router has tables");
        seat.handle(at, fib);
        while let Some(change) = seat.poll_change() {
            let state = &mut self.nodes[node.index()];
            match (change, &mut state.fib) {
                (Change::Port { port, up }, _) => {
                    for gone in state.ports[port.index()].set_carrier(up) {
                        self.drop(at, node, &gone, DropPlace::Egress(port), DropReason::LinkDown);
                    }
                }
                (change, Some(fib)) => change.program(fib.to_mut()),
                (_, None) => unreachable!("hosts have no control plane"),
            }
        }
        let input = self.nodes[node.index()].ports.len();
        while let Some((onward, frame)) = seat.poll_frame(at) {
            let it = self.number(frame);
            self.share(node, &it).created += 1;
            self.calendar.schedule(at, node, input, Happening::Local(onward, it));
        }
        let state = &mut self.nodes[node.index()];
        (state.seat, state.called_at) = (Some(seat), None);
        self.schedule_control(node);
    }
}
