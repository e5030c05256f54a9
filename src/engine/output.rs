//! The sending side of a node's port: policer, queue, link, counts.

use super::flows::FlowSet;
use super::link::LinkTx;
use super::observe::{At, Recorder};
use super::order::Key;
use super::outcome::{Count, PortOutcome};
use super::router::Local;
use crate::frame::{DropReason, Frame, Templates};
use crate::id::PortId;
use crate::port::{Departure, Egress, Leaving, PolicerTable, PortSpec, StrictQueues};
use crate::time::{Instant, MIN_FRAME_OCTETS};
use std::collections::VecDeque;

#[derive(Debug)]
enum Queue {
    Fifo(Egress),
    /// With room for what leaves at a time.
    Strict(StrictQueues, Vec<Departure>),
}

/// What lies behind the queue: the link and what is counted of it.
#[derive(Debug)]
struct Line {
    port: PortId,
    tx: Option<LinkTx>,
    sent: Count,
    flows: FlowSet,
    first: Option<Instant>,
    last: Instant,
    observed: bool,
}

/// A port's sending side at work.
#[derive(Debug)]
pub(super) struct Output {
    queue: Queue,
    line: Line,
    policing: Option<PolicerTable>,
    up: bool,
    /// The place of the node at the other end.
    pub(super) peer: Option<usize>,
    /// How far the node may run past what the peer has taken.
    pub(super) ahead: crate::time::Span,
}

/// What a node needs beside its ports to send.
pub(super) struct Desk<'a> {
    pub(super) templates: &'a Templates,
    pub(super) recorder: Option<&'a mut Recorder>,
}

/// The frames of a chunk, where they arrived.
pub(super) struct Arrived<'a> {
    /// When the chunk began.
    pub(super) first: Instant,
    /// When it ends: nothing else comes before.
    pub(super) end: Instant,
    /// Per input.
    pub(super) wire: [&'a mut [Frame]; super::MAX_PORTS],
    /// Those of the slow path.
    pub(super) local: &'a mut VecDeque<Local>,
}

impl Arrived<'_> {
    #[inline(always)]
    fn frame(&mut self, key: Key) -> &mut Frame {
        let (input, slot) = key.place();
        match self.wire.get_mut(input) {
            Some(frames) => &mut frames[slot],
            None => &mut self.local[slot].frame,
        }
    }
}

impl Output {
    /// `waits`: frames are held until they start, also in a port with one queue, so that a run that is cut short
    /// knows which had started. A host's port never holds any: its source waits.
    pub(super) fn new(port: PortId, spec: &PortSpec, tx: Option<LinkTx>, observed: bool, waits: bool) -> Self {
        let queue = if spec.queues() == 1 && !waits {
            Queue::Fifo(Egress::new(spec))
        } else {
            Queue::Strict(StrictQueues::new(spec), Vec::new())
        };
        let line = Line {
            port,
            tx,
            sent: Count::default(),
            flows: FlowSet::default(),
            first: None,
            last: Instant::ZERO,
            observed,
        };
        let policing = PolicerTable::new(&spec.egress_policing);
        Output { queue, line, policing, up: spec.admin_up, peer: None, ahead: crate::time::Span::ZERO }
    }

    /// Whether frames can leave at all.
    pub(super) fn is_usable(&self) -> bool {
        self.up && self.line.tx.is_some()
    }

    /// Frames come in the order of `order`; `dropped` is told when and why one does not leave.
    #[inline(never)]
    pub(super) fn send_all<'d>(
        &mut self,
        order: &[Key],
        frames: &mut Arrived<'_>,
        desk: &mut Desk<'d>,
        mut dropped: impl FnMut(Instant, &Frame, DropReason, &mut Desk<'d>),
    ) {
        let first = frames.first;
        if let (true, None, Queue::Fifo(queue)) = (self.up, &self.policing, &mut self.queue)
            && let Some(tx) = &mut self.line.tx
            && !self.line.observed
            // When the first frame left is noted by the way that asks for each.
            && self.line.first.is_some()
        {
            // Counts and the port's state stay in registers.
            let (mut egress, mut sent, mut last) = (queue.clone(), Count::default(), self.line.last);
            sent.frames = order.len() as u64;
            for &key in order {
                let (at, frame) = (key.at(first), frames.frame(key));
                let Ok(departure) = egress.accept(at, frame.len()) else {
                    sent.frames -= 1;
                    dropped(at, frame, DropReason::QueueFull, desk);
                    continue;
                };
                sent.octets += u64::from(frame.len());
                self.line.flows.insert(frame.id.stream);
                last = departure;
                tx.push(frame, departure);
            }
            *queue = egress;
            self.line.sent.merge(sent);
            self.line.last = last;
            return;
        }
        if let Queue::Strict(..) = self.queue {
            return self.send_by_priority(order, frames, desk, dropped);
        }
        for &key in order {
            let (at, frame) = (key.at(first), frames.frame(key));
            if let Err(reason) = self.send(at, frame, desk) {
                dropped(at, frame, reason, desk);
            }
        }
    }

    /// The same for a port with several queues, or one that holds its frames until they start.
    fn send_by_priority<'d>(
        &mut self,
        order: &[Key],
        frames: &mut Arrived<'_>,
        desk: &mut Desk<'d>,
        mut dropped: impl FnMut(Instant, &Frame, DropReason, &mut Desk<'d>),
    ) {
        let Output { queue: Queue::Strict(queues, departures), line, policing, up, .. } = self else { return };
        for (&key, number) in order.iter().zip(0..) {
            let (at, frame) = (key.at(frames.first), frames.frame(key));
            let refused = refusal(at, frame, *up, line.tx.is_some(), policing);
            let (octets, class) = (frame.len(), frame.header.meta.class());
            let refused =
                refused.or_else(|| queues.admit(at, octets, class, number).err().map(|_| DropReason::QueueFull));
            if let Some(reason) = refused {
                dropped(at, frame, reason, desk);
            }
        }
        queues.serve(frames.end, departures);
        for Departure { frame, at } in departures.drain(..) {
            match frame {
                Leaving::Came(number) => line.leave(frames.frame(order[number as usize]), at, desk),
                Leaving::Waited(queue) => {
                    if let Some(mut frame) = queues.take(queue) {
                        line.leave(&mut frame, at, desk);
                    }
                }
            }
        }
        queues.keep(|number| frames.frame(order[number as usize]).take(Instant::ZERO));
    }

    /// A frame comes at `at`, in order of time, to a port with one queue. `Err` says why it is dropped.
    #[inline(always)]
    pub(super) fn send(&mut self, at: Instant, frame: &mut Frame, desk: &mut Desk<'_>) -> Result<(), DropReason> {
        let Output { queue, line, policing, up, .. } = self;
        if let Some(reason) = refusal(at, frame, *up, line.tx.is_some(), policing) {
            return Err(reason);
        }
        let Queue::Fifo(queue) = queue else { unreachable!("a port with several queues takes frames by runs") };
        let departure = queue.accept(at, frame.len()).map_err(|_| DropReason::QueueFull)?;
        line.leave(frame, departure, desk);
        Ok(())
    }

    /// Frames that wait and start before `bound` leave.
    #[inline(always)]
    pub(super) fn start_before(&mut self, bound: Instant, desk: &mut Desk<'_>) {
        if self.next_start().is_some_and(|start| start < bound) {
            let mut none = Arrived { first: bound, end: bound, wire: Default::default(), local: &mut VecDeque::new() };
            self.send_by_priority(&[], &mut none, desk, |_, _, _, _| ());
        }
    }

    /// When the next waiting frame starts.
    pub(super) fn next_start(&self) -> Option<Instant> {
        match &self.queue {
            Queue::Fifo(_) => None,
            Queue::Strict(queues, _) => queues.next_start(),
        }
    }

    /// When all accepted work of a port with one queue is done.
    pub(super) fn busy_until(&self) -> Instant {
        match &self.queue {
            Queue::Fifo(queue) => queue.busy_until(),
            Queue::Strict(..) => Instant::ZERO,
        }
    }

    /// Hands over what was sent; `false` if some of it waits for room.
    pub(super) fn flush(&mut self) -> bool {
        self.line.tx.as_mut().is_none_or(LinkTx::flush)
    }

    /// The frames that wait.
    pub(super) fn waiting(&self, mut each: impl FnMut(&Frame)) {
        if let Queue::Strict(queues, _) = &self.queue {
            queues.iter().for_each(&mut each);
        }
    }

    /// Writes the counts into `outcome`.
    pub(super) fn report(&self, outcome: &mut PortOutcome) {
        outcome.sent = self.line.sent;
        outcome.sent_flows = self.line.flows.count();
        outcome.first_sent = self.line.first;
        outcome.last_sent = self.line.first.map(|_| self.line.last);
    }
}

impl Line {
    #[inline(always)]
    fn leave(&mut self, frame: &mut Frame, departure: Instant, desk: &mut Desk<'_>) {
        self.sent.add(frame.len());
        self.flows.insert(frame.id.stream);
        if self.first.is_none() {
            self.first = Some(departure);
        }
        self.last = departure;
        if self.observed
            && let Some(recorder) = &mut desk.recorder
        {
            recorder.sent(At::Sent(self.port), departure, frame, desk.templates);
        }
        if let Some(tx) = &mut self.tx {
            tx.push(frame, departure);
        }
    }
}

/// Why a frame does not come as far as the queue: the port is down, has no link, or its policer refuses it.
#[inline(always)]
fn refusal(
    at: Instant,
    frame: &Frame,
    up: bool,
    linked: bool,
    policing: &mut Option<PolicerTable>,
) -> Option<DropReason> {
    if !up {
        return Some(DropReason::AdminDown);
    }
    if !linked {
        return Some(DropReason::LinkDown);
    }
    let policing = policing.as_mut()?;
    let vid = frame.tags().next().map_or(0, |tag| tag.vid());
    (!policing.admits(at, vid, frame.len())).then_some(DropReason::Policed)
}

/// Pads to the smallest frame (IEEE 802.3 §4.2.3.3).
#[inline(always)]
pub(super) fn pad(frame: &mut Frame) {
    let meta = frame.header.meta;
    if meta.len() < MIN_FRAME_OCTETS {
        frame.header.meta = meta.with_len(MIN_FRAME_OCTETS);
    }
}
