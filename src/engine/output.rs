//! The sending side of a node's port: policer, queue, link, counts.

use super::flows::FlowSet;
use super::link::LinkTx;
use super::network::Network;
use super::observe::{At, Recorder};
use super::order::Key;
use super::outcome::PortOutcome;
use super::router::Local;
use super::subs::Subs;
use crate::frame::{Count, DropReason, Frame, Templates};
use crate::id::{NodeId, PortId};
use crate::port::{Arrival, Departure, Egress, Leaving, PolicerTable, StrictQueues};
use crate::time::{Instant, MIN_FRAME_OCTETS, Span};
use std::collections::VecDeque;

#[derive(Debug)]
enum Queue {
    Fifo(Egress),
    Strict(StrictQueues),
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
    /// Whether anybody looks at what leaves: the recorder, or the counts of sub-interfaces.
    watched: bool,
    observed: bool,
    subs: Option<Box<Subs>>,
}

/// The policers before the queue, and what they refuse of each sub-interface.
#[derive(Debug)]
struct Policing {
    table: PolicerTable,
    subs: Option<Box<Subs>>,
}

/// A port's sending side at work.
#[derive(Debug)]
pub(super) struct Output {
    queue: Queue,
    line: Line,
    policing: Option<Policing>,
    /// Whether it is administratively up.
    up: bool,
    /// Whether it has a carrier, for all that the control plane says.
    carrier: bool,
    /// The place of the node at the other end.
    pub(super) peer: Option<usize>,
    /// How far the node may run past what the peer has taken.
    pub(super) ahead: Span,
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
    pub(super) fn frame(&mut self, key: Key) -> &mut Frame {
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
    pub(super) fn new(
        network: &Network,
        at: (NodeId, PortId),
        tx: Option<LinkTx>,
        observed: bool,
        waits: bool,
    ) -> Self {
        let spec = network.port(at);
        let queue = if spec.queues() == 1 && !waits {
            Queue::Fifo(Egress::new(spec))
        } else {
            Queue::Strict(StrictQueues::new(spec))
        };
        let subs = Subs::of(network, at);
        let line = Line {
            port: at.1,
            tx,
            sent: Count::default(),
            flows: FlowSet::default(),
            first: None,
            last: Instant::ZERO,
            watched: observed || subs.is_some(),
            observed,
            subs,
        };
        let policing = PolicerTable::new(&spec.egress_policing);
        let policing = policing.map(|table| Policing { table, subs: Subs::of(network, at) });
        Output { queue, line, policing, up: spec.admin_up, carrier: true, peer: None, ahead: Span::ZERO }
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
        let Output { queue, line, policing, up, carrier, .. } = self;
        // When the first frame left is noted by the way that asks for each.
        if let (true, None, Some(mut run)) = (*up && *carrier, &*policing, line.run()) {
            match queue {
                Queue::Fifo(queue) => {
                    // The port's state stays in registers.
                    let mut egress = queue.clone();
                    for &key in order {
                        let (at, frame) = (key.at(frames.first), frames.frame(key));
                        match egress.accept(at, frame.len()) {
                            Ok(departure) => run.leave(frame, departure, desk),
                            Err(_) => dropped(at, frame, DropReason::QueueFull, desk),
                        }
                    }
                    *queue = egress;
                }
                Queue::Strict(queues) => by_priority(queues, order, frames, desk, &mut run, |_, _| None, dropped),
            }
            return run.settle();
        }
        if let Queue::Strict(queues) = queue {
            let linked = line.tx.is_some() && *carrier;
            let refuse = |at: Instant, frame: &Frame| refusal(at, frame, *up, linked, policing);
            return by_priority(queues, order, frames, desk, line, refuse, dropped);
        }
        for &key in order {
            let (at, frame) = (key.at(frames.first), frames.frame(key));
            if let Err(reason) = self.send(at, frame, desk) {
                dropped(at, frame, reason, desk);
            }
        }
    }

    /// A frame comes at `at`, in order of time, to a port with one queue. `Err` says why it is dropped.
    #[inline(always)]
    pub(super) fn send(&mut self, at: Instant, frame: &mut Frame, desk: &mut Desk<'_>) -> Result<(), DropReason> {
        let Output { queue, line, policing, up, carrier, .. } = self;
        if let Some(reason) = refusal(at, frame, *up, line.tx.is_some() && *carrier, policing) {
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
            self.send_all(&[], &mut none, desk, |_, _, _, _| ());
        }
    }

    /// The port has a carrier from now on, or has none; what waits then is gone, and given to `gone`.
    pub(super) fn set_carrier(&mut self, is_there: bool, gone: impl FnMut(Frame)) {
        self.carrier = is_there;
        match &mut self.queue {
            Queue::Strict(queues) if !is_there => queues.flush().for_each(gone),
            Queue::Strict(_) => {}
            Queue::Fifo(_) => unreachable!("a port that can go down holds what waits"),
        }
    }

    /// When the next waiting frame starts.
    pub(super) fn next_start(&self) -> Option<Instant> {
        match &self.queue {
            Queue::Fifo(_) => None,
            Queue::Strict(queues) => queues.next_start(),
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
        if let Queue::Strict(queues) = &self.queue {
            queues.iter().for_each(&mut each);
        }
    }

    /// Writes the counts into `outcome`.
    pub(super) fn report(&self, outcome: &mut PortOutcome) {
        outcome.sent = self.line.sent;
        outcome.sent_flows = self.line.flows.count();
        outcome.first_sent = self.line.first;
        outcome.last_sent = self.line.first.map(|_| self.line.last);
        let refused = self.policing.as_ref().and_then(|policing| policing.subs.as_ref());
        self.line.subs.iter().chain(refused).for_each(|subs| subs.report(outcome));
    }
}

/// Takes in a run of frames in order of time, and sends what starts before its end.
#[inline(always)]
fn by_priority<'d>(
    queues: &mut StrictQueues,
    order: &[Key],
    frames: &mut Arrived<'_>,
    desk: &mut Desk<'d>,
    line: &mut impl Leave,
    mut refuse: impl FnMut(Instant, &Frame) -> Option<DropReason>,
    mut dropped: impl FnMut(Instant, &Frame, DropReason, &mut Desk<'d>),
) {
    let (overtaking, mut number) = (queues.overtaking(), 0);
    // Pieces that end with a frame that overtakes others: up to then nothing does.
    for piece in order.split_inclusive(|key| overtaking.contain(key.class())) {
        let calm_until = match piece.last() {
            Some(last) if overtaking.contain(last.class()) => last.at(frames.first),
            _ => frames.end,
        };
        for &key in piece {
            let at = key.at(frames.first);
            // What ends its wait at this instant goes first.
            serve(queues, at + Span::from_ps(1), order, frames, desk, line);
            let frame = frames.frame(key);
            let arrival = Arrival { at, octets: frame.len(), class: key.class(), number };
            number += 1;
            let admitted = match refuse(at, frame) {
                Some(reason) => Err(reason),
                None => queues.admit(arrival, calm_until).map_err(|_| DropReason::QueueFull),
            };
            match admitted {
                Ok(Some(departure)) => line.leave(frame, departure, desk),
                Ok(None) => (),
                Err(reason) => dropped(at, frame, reason, desk),
            }
        }
    }
    serve(queues, frames.end, order, frames, desk, line);
    queues.keep(|number| frames.frame(order[number as usize]).take(Instant::ZERO));
}

/// Sends what starts before `bound`.
#[inline(always)]
fn serve(
    queues: &mut StrictQueues,
    bound: Instant,
    order: &[Key],
    frames: &mut Arrived<'_>,
    desk: &mut Desk<'_>,
    line: &mut impl Leave,
) {
    while let Some(Departure { frame, at }) = queues.next_before(bound) {
        match frame {
            Leaving::Came(number) => line.leave(frames.frame(order[number as usize]), at, desk),
            Leaving::Waited(queue) => {
                if let Some(mut frame) = queues.take(queue) {
                    line.leave(&mut frame, at, desk);
                }
            }
        }
    }
}

/// Where frames go that leave.
trait Leave {
    fn leave(&mut self, frame: &mut Frame, departure: Instant, desk: &mut Desk<'_>);
}

impl Leave for Line {
    #[inline(always)]
    fn leave(&mut self, frame: &mut Frame, departure: Instant, desk: &mut Desk<'_>) {
        self.sent.add(frame.len());
        self.flows.insert(frame.id.stream);
        if self.first.is_none() {
            self.first = Some(departure);
        }
        self.last = departure;
        if self.watched {
            self.watch(frame, departure, desk);
        }
        if let Some(tx) = &mut self.tx {
            tx.push(frame, departure);
        }
    }
}

impl Line {
    #[inline(never)]
    fn watch(&mut self, frame: &Frame, departure: Instant, desk: &mut Desk<'_>) {
        if self.observed
            && let Some(recorder) = &mut desk.recorder
        {
            recorder.sent(At::Sent(self.port), departure, frame, desk.templates);
        }
        if let Some(subs) = &mut self.subs {
            subs.count(frame, |sub| &mut sub.sent);
        }
    }

    /// A run of frames that leave one after another, if nobody looks at them and one has left before.
    #[inline(always)]
    fn run(&mut self) -> Option<LineRun<'_>> {
        let Line { tx, sent, flows, first, last, watched, .. } = self;
        let tx = tx.as_mut().filter(|_| !*watched && first.is_some())?;
        Some(LineRun { tx, flows, sum: Count::default(), latest: *last, sent, last })
    }
}

/// What is counted of a run stays in registers while it leaves.
struct LineRun<'a> {
    tx: &'a mut LinkTx,
    flows: &'a mut FlowSet,
    sum: Count,
    latest: Instant,
    sent: &'a mut Count,
    last: &'a mut Instant,
}

impl Leave for LineRun<'_> {
    #[inline(always)]
    fn leave(&mut self, frame: &mut Frame, departure: Instant, _: &mut Desk<'_>) {
        self.sum.add(frame.len());
        self.flows.insert(frame.id.stream);
        self.latest = departure;
        self.tx.push(frame, departure);
    }
}

impl LineRun<'_> {
    #[inline(always)]
    fn settle(self) {
        self.sent.merge(self.sum);
        *self.last = self.latest;
    }
}

/// Why a frame does not come as far as the queue: the port is down, has no link, or its policer refuses it.
#[inline(always)]
fn refusal(at: Instant, frame: &Frame, up: bool, linked: bool, policing: &mut Option<Policing>) -> Option<DropReason> {
    if !up {
        return Some(DropReason::AdminDown);
    }
    if !linked {
        return Some(DropReason::LinkDown);
    }
    let Policing { table, subs } = policing.as_mut()?;
    let vid = frame.tags().next().map_or(0, |tag| tag.vid());
    if table.admits(at, vid, frame.len()) {
        return None;
    }
    if let Some(subs) = subs {
        subs.count(frame, |sub| &mut sub.egress_policed);
    }
    Some(DropReason::Policed)
}

/// Pads to the smallest frame (IEEE 802.3 §4.2.3.3).
#[inline(always)]
pub(super) fn pad(frame: &mut Frame) {
    let meta = frame.header.meta;
    if meta.len() < MIN_FRAME_OCTETS {
        frame.header.meta = meta.with_len(MIN_FRAME_OCTETS);
    }
}
