//! A host node at work: it offers the frames of its sources and takes what arrives.

use super::input::{Input, horizon};
use super::observe::{At, Recorder};
use super::outcome::{Finished, NodeOutcome};
use super::output::{Desk, Output, pad};
use super::source::{Next, Returns};
use super::supplies::Supplies;
use super::{Progress, Step};
use crate::frame::{DropCounts, DropReason, Frame};
use crate::id::PortId;
use crate::table::spread;
use crate::time::Instant;

/// Frames offered in one step at the most: what is under way stays in the caches.
const MOST_OFFERED: usize = 2048;

/// A host at work.
#[derive(Debug)]
pub(super) struct HostNode {
    pub(super) place: usize,
    pub(super) inputs: Vec<Option<Input>>,
    pub(super) outputs: Vec<Output>,
    pub(super) recorder: Option<Recorder>,
    /// Ports that frames can leave by.
    usable: Vec<usize>,
    supplies: Option<Supplies>,
    returns: Returns,
    /// The start of the last frame offered: a host offers one frame after another.
    last_start: Instant,
    sent_until: Instant,
    taken_until: Instant,
    unsent_drops: DropCounts,
    outcome: NodeOutcome,
    ended: Instant,
}

impl HostNode {
    pub(super) fn new(
        place: usize,
        inputs: Vec<Option<Input>>,
        outputs: Vec<Output>,
        recorder: Option<Recorder>,
        supplies: Option<Supplies>,
        returns: Returns,
        sources: usize,
    ) -> Self {
        let usable = (0..outputs.len()).filter(|&port| outputs[port].is_usable()).collect();
        HostNode {
            place,
            inputs,
            outputs,
            recorder,
            usable,
            supplies,
            returns,
            last_start: Instant::ZERO,
            sent_until: Instant::ZERO,
            taken_until: Instant::ZERO,
            unsent_drops: DropCounts::default(),
            outcome: NodeOutcome::of(sources),
            ended: Instant::ZERO,
        }
    }

    /// Offers and takes as far as the clocks allow.
    pub(super) fn step(&mut self, step: &mut Step<'_>) -> Progress {
        // Clocks are read before rings: what they promise is in the rings.
        let bound = horizon(&self.inputs, step.shared).min(step.until);
        let taken = self.take(bound, step);
        let offered = self.offer(step);
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
        let mut handed_over = true;
        self.outputs.iter_mut().for_each(|output| handed_over &= output.flush());
        self.taken_until = self.taken_until.max(bound);
        step.shared.publish(self.place, self.sent_until, self.taken_until);
        Progress { worked: taken || offered, stuck: !handed_over }
    }

    fn take(&mut self, bound: Instant, step: &mut Step<'_>) -> bool {
        let HostNode { inputs, outcome, returns, ended, recorder, .. } = self;
        let mut any = false;
        for (port, input) in inputs.iter_mut().enumerate() {
            let Some(input) = input else { continue };
            if input.rx.has_news() {
                step.set_busy();
                input.rx.pull();
            }
            while input.rx.first().is_some_and(|at| at < bound) {
                step.set_busy();
                any = true;
                let Input { rx, arrivals, .. } = input;
                let (frames, _) = rx.chunk(usize::MAX);
                let count = frames.partition_point(|frame| frame.at < bound);
                let mut tally = arrivals.tally();
                *ended = (*ended).max(frames[..count].last().map_or(Instant::ZERO, |frame| frame.at));
                for frame in &mut frames[..count] {
                    let share = &mut outcome.shares[frame.id.stream.source()];
                    if let Some(reason) = arrivals.arrive(frame, &mut tally) {
                        share.drops.add(reason, frame.len());
                        arrivals.drop(reason, frame.len());
                        if let Some(recorder) = recorder {
                            recorder.dropped(At::Ingress(PortId(port as u16)), frame.at, reason, frame, step.templates);
                        }
                    } else {
                        share.delivery.add(frame.len(), frame.id.sent, frame.at);
                    }
                    if frame.body.is_some() {
                        returns.give(frame.body.take());
                    }
                }
                arrivals.settle(count, tally);
                rx.consume(count);
            }
        }
        any
    }

    /// Offers frames that start before the peers have to catch up; one after another, so that nothing starts before
    /// what was offered before it.
    fn offer(&mut self, step: &mut Step<'_>) -> bool {
        let ahead = |output: &Output| output.peer.map(|p| step.shared.taken_until(p).saturating_add(output.ahead));
        let bound = self.outputs.iter().filter_map(ahead).min().unwrap_or(Instant::MAX).min(step.until);
        let mut offered = 0;
        self.sent_until = loop {
            let (start, port) = match self.next_start() {
                (Next::At(start), port) => (start, port),
                (Next::Unknown, _) => break self.last_start.max(self.sent_until).min(bound),
                (Next::Ended, _) => break Instant::MAX,
            };
            if start >= bound || offered == MOST_OFFERED {
                break start.min(bound);
            }
            let Some(supplies) = &mut self.supplies else { break Instant::MAX };
            let frame = supplies.frame();
            step.set_busy();
            offered += 1;
            self.last_start = start;
            pad(frame);
            let share = &mut self.outcome.shares[frame.id.stream.source()];
            share.offered.add(frame.len());
            share.last_offered = Some(start);
            let mut desk = Desk { templates: step.templates, recorder: self.recorder.as_mut() };
            if let Err(reason) = send_from(&mut self.outputs, &self.usable, port, start, frame, &mut desk) {
                share.drops.add(reason, frame.len());
                self.unsent_drops.add(reason, frame.len());
                if let Some(recorder) = &mut self.recorder {
                    recorder.dropped(At::Egress(PortId(port as u16)), start, reason, frame, step.templates);
                }
                self.returns.give(frame.body.take());
            }
            supplies.advance();
        };
        offered > 0
    }

    /// When the next frame starts, and by which port: when it is due, its port is free, and the one before it started.
    #[inline(always)]
    fn next_start(&mut self) -> (Next, usize) {
        let Some(supplies) = &mut self.supplies else { return (Next::Ended, 0) };
        match supplies.next() {
            Next::At(sent) => {
                let hash = supplies.frame().header.hash;
                let port = match self.usable.len() {
                    0 => 0,
                    count => self.usable[spread(hash, count as u32) as usize],
                };
                let free = self.outputs.get(port).map_or(Instant::ZERO, Output::busy_until);
                (Next::At(sent.max(self.last_start).max(free)), port)
            }
            other => (other, 0),
        }
    }

    /// When this node has something to do at the soonest, with nothing in its rings; `None` if that is not known yet.
    pub(super) fn next_event(&mut self) -> Option<Instant> {
        let arrivals = self.inputs.iter().flatten().filter_map(|input| input.rx.first()).min();
        let offer = match self.next_start().0 {
            Next::Ended => Instant::MAX,
            Next::Unknown => return None,
            Next::At(start) => start,
        };
        Some(arrivals.unwrap_or(Instant::MAX).min(offer))
    }

    /// What the node leaves.
    pub(super) fn finish(mut self) -> Finished {
        let mut in_network = vec![0; self.outcome.shares.len()];
        let mut left = |frame: &Frame| in_network[frame.id.stream.source()] += 1;
        for input in self.inputs.iter_mut().flatten() {
            input.rx.drain(&mut left);
        }
        for (input, output) in self.inputs.iter().zip(&self.outputs) {
            let mut port = super::outcome::PortOutcome::default();
            if let Some(input) = input {
                input.arrivals.report(&mut port);
            }
            output.report(&mut port);
            self.outcome.ports.push(port);
        }
        if let Some(port) = self.outcome.ports.first_mut() {
            port.egress_drops.merge(&self.unsent_drops);
        }
        self.outcome.sum_up();
        Finished { outcome: self.outcome, in_network, ended: self.ended }
    }
}

fn send_from(
    outputs: &mut [Output],
    usable: &[usize],
    port: usize,
    at: Instant,
    frame: &mut Frame,
    desk: &mut Desk<'_>,
) -> Result<(), DropReason> {
    if usable.is_empty() {
        return Err(DropReason::AdminDown);
    }
    outputs[port].send(at, frame, desk)
}
