//! What a router does with frames beside the datapath: its slow path, and its control plane.

use super::{Local, RouterNode};
use crate::control::Change;
use crate::engine::Step;
use crate::engine::link::SEGMENT;
use crate::engine::observe::At;
use crate::engine::order::{Key, LOCAL, Order};
use crate::engine::output::{Desk, pad};
use crate::frame::DropReason;
use crate::id::PortId;
use crate::node::{Fate, Onward, PuntReason, Verdict, forward, resolve};
use crate::time::{Instant, Span};

impl RouterNode {
    /// The control plane does what is due at `now`; what arrives at this instant comes after that.
    #[cold]
    pub(super) fn control(&mut self, now: Instant, step: &Step<'_>) {
        self.consult(now);
        self.apply_changes(now, step);
    }

    /// Lets the control plane, which has something to do at `due`, go ahead as far as `end`, and says how far a chunk may go: up
    /// to where forwarding changes. What it sends is in the chunk; what the chunk brings it, it is not to see before `end`.
    #[inline(always)]
    pub(super) fn go_ahead(&mut self, mut due: Option<Instant>, end: Instant) -> Instant {
        while let Some(at) = due.filter(|&at| at < end) {
            self.consult(at);
            if !self.changes.is_empty() {
                return at;
            }
            due = self.seat.as_ref().and_then(|seat| seat.due());
        }
        end
    }

    /// The control plane does what is due at `now`: its frames wait among those of the slow path, its changes for being made.
    #[cold]
    fn consult(&mut self, now: Instant) {
        let RouterNode { seat, fib, outcome, local, changes, consulted, .. } = self;
        let Some(seat) = seat else { return };
        *consulted += 1;
        seat.handle(now, fib);
        changes.extend(std::iter::from_fn(|| seat.poll_change()));
        while let Some((onward, frame)) = seat.poll_frame(now) {
            outcome.shares[frame.id.stream.source()].created += 1;
            let place = local.partition_point(|local| local.at <= now);
            local.insert(place, Local { at: now, onward, port: PortId(0), frame });
        }
    }

    /// Makes the changes of forwarding that hold from `now` on.
    #[inline(always)]
    pub(super) fn apply_changes(&mut self, now: Instant, step: &Step<'_>) {
        if !self.changes.is_empty() {
            self.make_changes(now, step);
        }
    }

    #[cold]
    fn make_changes(&mut self, now: Instant, step: &Step<'_>) {
        let RouterNode { fib, outputs, recorder, outcome, egress_drops, changes, .. } = self;
        for change in changes.drain(..) {
            let Change::Port { port, up } = change else {
                change.program(fib);
                continue;
            };
            let output = &mut outputs[port.index()];
            let mut desk = Desk { templates: step.templates, recorder: recorder.as_mut() };
            // What ends its wait at this instant goes first.
            output.start_before(now + Span::from_ps(1), &mut desk);
            output.set_carrier(up, |frame| {
                outcome.shares[frame.id.stream.source()].drops.add(DropReason::LinkDown, frame.len());
                egress_drops[port.index()].add(DropReason::LinkDown, frame.len());
                if let Some(recorder) = &mut desk.recorder {
                    recorder.dropped(At::Egress(port), now, DropReason::LinkDown, &frame, desk.templates);
                }
            });
        }
    }

    /// Pass 1 of the slow path's frames.
    pub(super) fn local_headers(&mut self, first: Instant, end: Instant, step: &Step<'_>) -> usize {
        let mut slot = 0;
        while let Some(local) = self.local.get_mut(slot).filter(|local| local.at < end) {
            let verdict = match local.onward {
                Onward::Datapath(entry) => forward(&self.fib, step.templates, entry, &mut local.frame),
                Onward::Port(port) => Verdict::Transmit(port),
            };
            let share = &mut self.outcome.shares[local.frame.id.stream.source()];
            let dropped = match verdict {
                Verdict::Transmit(out) => {
                    pad(&mut local.frame);
                    let key = Key::new(local.at - first, LOCAL, slot);
                    self.orders[out.index()].push(key.with_class(local.frame.header.meta.class()));
                    None
                }
                Verdict::Punt { reason: PuntReason::Local, .. } => {
                    share.consumed += 1;
                    None
                }
                // What the slow path made is not made into anything again.
                Verdict::Punt { reason: PuntReason::TtlExpired, .. } => Some(DropReason::TtlExpired),
                Verdict::Punt { reason: PuntReason::MplsTtlExpired, .. } => Some(DropReason::MplsTtlExpired),
                Verdict::Punt { reason: PuntReason::MtuExceeded { .. }, .. } => Some(DropReason::MtuExceeded),
                // One translation sends it to where another would be needed: nobody there.
                Verdict::Punt { reason: PuntReason::Translate(_), .. } => Some(DropReason::NoListener),
                Verdict::Drop(reason) => Some(reason),
            };
            if let Some(reason) = dropped {
                share.drops.add(reason, local.frame.len());
                self.outcome.slow_path_drops.add(reason, local.frame.len());
                if let Some(recorder) = &mut self.recorder {
                    recorder.dropped(At::Made(local.port), local.at, reason, &local.frame, step.templates);
                }
            }
            slot += 1;
        }
        self.orders.iter_mut().for_each(Order::end_run);
        slot
    }

    /// The slow path takes what was punted in order of (time, input).
    #[inline(always)]
    pub(super) fn resolve_punts(&mut self, step: &Step<'_>) {
        if !self.punts.is_empty() {
            self.resolve_all(step);
        }
    }

    #[cold]
    fn resolve_all(&mut self, step: &Step<'_>) {
        self.punts.sort_by_key(|punt| punt.key);
        for punt in std::mem::take(&mut self.punts) {
            let (port, slot) = punt.key.place();
            let Some(Some(input)) = self.inputs.get_mut(port) else { continue };
            let frame = &mut input.rx.chunk(SEGMENT).0[slot];
            let addresses = self.addresses.get(punt.vrf.index()).copied().unwrap_or_default();
            let share = &mut self.outcome.shares[frame.id.stream.source()];
            if let (PuntReason::Local, Some(seat)) = (punt.reason, &mut self.seat) {
                seat.receive(punt.at, PortId(port as u16), punt.vrf, frame, step.templates);
            }
            let (nat, made) = (&mut self.nat, &mut self.made);
            let fate = resolve(punt.reason, punt.vrf, frame, step.templates, addresses, nat, made);
            match fate {
                Fate::Translated => {}
                Fate::Consumed => share.consumed += 1,
                Fate::Dropped(reason) => {
                    share.drops.add(reason, frame.len());
                    self.outcome.slow_path_drops.add(reason, frame.len());
                    if let Some(recorder) = &mut self.recorder {
                        recorder.dropped(At::SlowPath(PortId(port as u16)), punt.at, reason, frame, step.templates);
                    }
                }
            }
            for (entry, frame) in self.made.drain(..) {
                let at = (punt.at + self.punt_delay).max(self.last_local + Span::from_ps(1));
                self.last_local = at;
                share.created += u64::from(fate != Fate::Translated);
                let onward = Onward::Datapath(entry);
                // Behind all that is before it: the control plane's frames are in between.
                let place = self.local.partition_point(|local| local.at <= at);
                self.local.insert(place, Local { at, onward, port: PortId(port as u16), frame });
            }
        }
    }
}
