//! A router node at work: the chunked kernel of three passes.
//!
//! ```text
//! 1. headers in place, input by input:  forward -> a key (time, input, slot) in the list of the output;
//!    then the slow path, whose frames come after what they were made from, as the last input
//! 2. merge the keys of each output
//! 3. transmit in that order: policer, queue, one move to the link
//! ```
//! A chunk has at most 256 frames of an input and ends before the first frame that is not in it.

use super::clock::Shared;
use super::gate::InnerPort;
use super::input::{Input, horizon};
use super::link::SEGMENT;
use super::observe::{At, Recorder};
use super::order::{Key, MAX_SPAN, Order};
use super::outcome::{Finished, NodeOutcome, PortOutcome};
use super::output::{Arrived, Desk, Output, pad};
use super::{Progress, Step};
use crate::control::Change;
use crate::frame::{DropCounts, DropReason, Frame, Octets, Templates};
use crate::id::{PortId, VrfId};
use crate::node::{
    Entry, Nat, Onward, PuntReason, RouterAddresses, Seat, Verdict, forward, forward_long, forward_short, look_ahead,
};
use crate::port::PolicerTable;
use crate::table::Fib;
use crate::time::{Instant, Span};
use std::collections::VecDeque;

mod aside;

/// A frame on its way from the slow path into the datapath.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) frame: Frame,
    at: Instant,
    onward: Onward,
    /// The input that the frame came by which it was made from; of the control plane's own, the first.
    port: PortId,
}

/// A frame on its way to the slow path.
#[derive(Clone, Copy, Debug)]
struct Punt {
    key: Key,
    at: Instant,
    reason: PuntReason,
    vrf: VrfId,
}

/// A router at work.
#[derive(Debug)]
pub(super) struct RouterNode {
    pub(super) place: usize,
    pub(super) inputs: Vec<Option<Input>>,
    pub(super) outputs: Vec<Output>,
    pub(super) recorder: Option<Recorder>,
    fib: Fib,
    addresses: Vec<RouterAddresses>,
    punt_delay: Span,
    local: VecDeque<Local>,
    last_local: Instant,
    made: Vec<(Entry, Frame)>,
    /// What the control plane has decided on and forwarding does not have yet.
    changes: Vec<Change>,
    /// How often the control plane was called since the clocks were last compared.
    consulted: u32,
    punts: Vec<Punt>,
    gate: Option<InnerPort>,
    nat: Nat,
    /// Its control plane, if it has one.
    pub(super) seat: Option<Box<Seat>>,
    orders: Vec<Order>,
    scratch: Vec<Key>,
    egress_drops: Vec<DropCounts>,
    clock: Instant,
    outcome: NodeOutcome,
    ended: Instant,
}

impl RouterNode {
    pub(super) fn new(
        place: usize,
        spec: &super::RouterSpec,
        inputs: Vec<Option<Input>>,
        outputs: Vec<Output>,
        recorder: Option<Recorder>,
        sources: usize,
    ) -> Self {
        RouterNode {
            place,
            recorder,
            fib: spec.fib.clone(),
            addresses: spec.addresses.clone(),
            punt_delay: spec.punt_delay,
            local: VecDeque::new(),
            last_local: Instant::ZERO,
            made: Vec::new(),
            changes: Vec::new(),
            consulted: 0,
            punts: Vec::new(),
            gate: spec.gate.as_ref().map(InnerPort::new),
            nat: Nat::new(&spec.nat),
            seat: None,
            orders: outputs.iter().map(|_| Order::default()).collect(),
            scratch: Vec::new(),
            egress_drops: outputs.iter().map(|_| DropCounts::default()).collect(),
            clock: Instant::ZERO,
            outcome: NodeOutcome::of(sources),
            ended: Instant::ZERO,
            inputs,
            outputs,
        }
    }

    /// Forwards as far as the clocks allow.
    pub(super) fn step(&mut self, step: &mut Step<'_>) -> Progress {
        let until = self.bound(step.shared).min(step.until);
        let mut worked = false;
        for input in self.inputs.iter_mut().flatten() {
            if input.rx.has_news() {
                step.set_busy();
                input.rx.pull();
            }
        }
        let mut handed_over = true;
        // A busy control plane makes a window slow. Who shows its clock at the end alone has another thread wait for all of it, is
        // waited for in turn, and the two take turns for ever: so the others go on from halfway.
        let was_busy = until > self.clock && std::mem::take(&mut self.consulted) >= BUSY;
        let goes_on = was_busy && step.shared.threads() > 1;
        let halfway = self.clock + Span::from_ps(until.since(self.clock).as_ps() / 2);
        for until in [halfway, until].into_iter().skip(usize::from(!goes_on)) {
            if until > self.clock {
                worked |= self.run_to(until, step);
                self.clock = until;
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.flush();
            }
            self.outputs.iter_mut().for_each(|output| handed_over &= output.flush());
            step.shared.publish(self.place, self.clock, self.clock);
        }
        Progress { worked, stuck: !handed_over }
    }

    /// Up to when all arrivals are known and the peers are not left too far behind.
    #[inline(always)]
    fn bound(&self, shared: &Shared) -> Instant {
        let ahead = |output: &Output| output.peer.map(|p| shared.taken_until(p).saturating_add(output.ahead));
        let ahead = self.outputs.iter().filter_map(ahead).min().unwrap_or(Instant::MAX);
        horizon(&self.inputs, shared).min(ahead)
    }

    fn run_to(&mut self, until: Instant, step: &mut Step<'_>) -> bool {
        let mut worked = false;
        loop {
            let first = self.first_arrival().filter(|&first| first < until);
            let due = self.seat.as_ref().and_then(|seat| seat.due()).filter(|&due| due < until);
            match (first, due) {
                (first, Some(due)) if first.is_none_or(|first| due <= first) => {
                    step.set_busy();
                    self.control(due, step);
                }
                (Some(first), due) => {
                    step.set_busy();
                    let end = self.chunk_end(first, until);
                    let end = self.go_ahead(due, end);
                    self.chunk(first, end, step);
                    self.apply_changes(end, step);
                }
                (None, _) => break,
            }
            worked = true;
        }
        if self.outputs.iter().any(|output| output.next_start().is_some_and(|start| start < until)) {
            step.set_busy();
            worked = true;
            let mut desk = Desk { templates: step.templates, recorder: self.recorder.as_mut() };
            self.outputs.iter_mut().for_each(|output| output.start_before(until, &mut desk));
        }
        worked
    }

    #[inline(always)]
    fn first_arrival(&self) -> Option<Instant> {
        let arrivals = self.inputs.iter().flatten().filter_map(|input| input.rx.first());
        arrivals.chain(self.local.front().map(|local| local.at)).min()
    }

    /// The chunk that begins at `first` ends before the first frame that it cannot hold.
    #[inline(always)]
    fn chunk_end(&mut self, first: Instant, until: Instant) -> Instant {
        let beyond = self.inputs.iter_mut().flatten().filter_map(|input| input.rx.chunk(SEGMENT).1);
        // What the control plane makes of a frame of the chunk comes after the chunk, so that it can go ahead of it.
        let span = if self.seat.is_some() { MAX_SPAN.min(self.punt_delay) } else { MAX_SPAN };
        until.min(beyond.min().unwrap_or(Instant::MAX)).min(first.saturating_add(span))
    }

    fn chunk(&mut self, first: Instant, end: Instant, step: &Step<'_>) {
        let mut taken = [0; super::MAX_PORTS];
        for (port, taken) in taken.iter_mut().enumerate().take(self.inputs.len()) {
            *taken = self.headers(port, first, end, step);
        }
        self.resolve_punts(step);
        let taken_local = self.local_headers(first, end, step);
        self.transmit(first, end, step);
        for (input, taken) in self.inputs.iter_mut().zip(taken) {
            if let Some(input) = input {
                input.rx.consume(taken);
            }
        }
        self.local.drain(..taken_local);
    }

    /// Pass 1 of one input: headers in place; how many frames the chunk takes.
    #[inline(never)]
    fn headers(&mut self, port: usize, first: Instant, end: Instant, step: &Step<'_>) -> usize {
        let RouterNode { inputs, fib, orders, punts, outcome, recorder, ended, seat, .. } = self;
        let Some(Input { rx, arrivals, policing, .. }) = &mut inputs[port] else { return 0 };
        let Some(ingress) = fib.ingress(port) else { return 0 };
        let (id, mut tally) = (PortId(port as u16), arrivals.tally());
        let (mut taken, mut last) = (0, Instant::ZERO);
        warm(rx.chunk(SEGMENT).0, end, recorder.is_some());
        look_ahead(fib, rx.chunk(SEGMENT).0.iter().take_while(|frame| frame.at < end));
        for (slot, frame) in rx.chunk(SEGMENT).0.iter_mut().enumerate() {
            let at = frame.at;
            if at >= end {
                break;
            }
            taken = slot + 1;
            last = at;
            let key = Key::new(at - first, port, slot);
            let (reason, octets) = match arrivals.arrive(frame, &mut tally) {
                Some(lost) => (lost, frame.len()),
                None if policing.is_none()
                    && let Some(out) = forward_short(fib, ingress, step.templates, frame) =>
                {
                    pad(frame);
                    orders[out.index()].push(key.with_class(frame.header.meta.class()));
                    continue;
                }
                None => {
                    // Forwarding may take tags and labels off a frame that it then drops.
                    let octets = frame.len();
                    match judge(fib, step.templates, id, policing, frame) {
                        Verdict::Transmit(out) => {
                            pad(frame);
                            orders[out.index()].push(key.with_class(frame.header.meta.class()));
                            continue;
                        }
                        Verdict::Punt { reason, vrf } => {
                            punts.push(Punt { key, at, reason, vrf });
                            continue;
                        }
                        Verdict::Drop(reason) if seat.is_some() && Seat::wants(reason, frame, step.templates) => {
                            punts.push(Punt { key, at, reason: PuntReason::Local, vrf: VrfId(0) });
                            continue;
                        }
                        Verdict::Drop(reason) => (reason, octets),
                    }
                }
            };
            arrivals.drop(reason, octets);
            outcome.shares[frame.id.stream.source()].drops.add(reason, octets);
            if let Some(recorder) = recorder {
                recorder.dropped(At::Ingress(id), at, reason, frame, step.templates);
            }
        }
        arrivals.settle(taken, tally);
        orders.iter_mut().for_each(Order::end_run);
        *ended = (*ended).max(last);
        taken
    }

    /// Passes 2 and 3 of all outputs.
    #[inline(always)]
    fn transmit(&mut self, first: Instant, end: Instant, step: &Step<'_>) {
        let RouterNode { inputs, outputs, local, gate, orders, scratch, recorder, outcome, egress_drops, .. } = self;
        let mut wire = inputs.iter_mut().map(|input| match input {
            Some(input) => input.rx.chunk(SEGMENT).0,
            None => &mut [],
        });
        let wire = std::array::from_fn(|_| wire.next().unwrap_or_default());
        let mut frames = Arrived { first, end, wire, local };
        let mut desk = Desk { templates: step.templates, recorder: recorder.as_mut() };
        let mut dropped = |place: At, at: Instant, frame: &Frame, reason: DropReason, desk: &mut Desk<'_>| {
            outcome.shares[frame.id.stream.source()].drops.add(reason, frame.len());
            egress_drops[place.port().index()].add(reason, frame.len());
            if let Some(recorder) = &mut desk.recorder {
                recorder.dropped(place, at, reason, frame, desk.templates);
            }
        };
        if let Some(gate) = gate {
            gate.judge(orders, scratch, &mut frames, |port, at, frame, why| {
                dropped(At::Shared(PortId(port as u16)), at, frame, why, &mut desk);
            });
        }
        for (port, (order, output)) in orders.iter_mut().zip(outputs).enumerate() {
            output.send_all(order.merge(scratch), &mut frames, &mut desk, |at, frame, reason, desk| {
                dropped(At::Egress(PortId(port as u16)), at, frame, reason, desk);
            });
            order.clear();
        }
    }

    /// When this node has something to do at the soonest, with nothing in its rings.
    pub(super) fn next_event(&self) -> Instant {
        let starts = self.outputs.iter().filter_map(Output::next_start).min();
        let due = self.seat.as_ref().and_then(|seat| seat.due());
        self.first_arrival().into_iter().chain(starts).chain(due).min().unwrap_or(Instant::MAX)
    }

    /// What the node leaves.
    pub(super) fn finish(mut self) -> Finished {
        let mut in_network = vec![0; self.outcome.shares.len()];
        let mut left = |frame: &Frame| in_network[frame.id.stream.source()] += 1;
        self.inputs.iter_mut().flatten().for_each(|input| input.rx.drain(&mut left));
        self.local.iter().for_each(|local| left(&local.frame));
        self.outputs.iter().for_each(|output| output.waiting(&mut left));
        for ((input, output), drops) in self.inputs.iter().zip(&self.outputs).zip(self.egress_drops) {
            let mut port = PortOutcome { egress_drops: drops, ..PortOutcome::default() };
            if let Some(input) = input {
                input.arrivals.report(&mut port);
            }
            output.report(&mut port);
            self.outcome.ports.push(port);
        }
        self.outcome.instances = self.gate.as_ref().map_or_else(Vec::new, InnerPort::counts);
        self.outcome.unclaimed = self.seat.as_ref().map_or(0, |seat| seat.unclaimed());
        self.outcome.tables = self.seat.as_ref().and_then(|seat| seat.tables(&self.fib));
        self.outcome.log = self.seat.as_ref().map_or_else(Vec::new, |seat| seat.log().to_vec());
        self.outcome.sum_up();
        Finished { outcome: self.outcome, in_network, ended: self.ended }
    }
}

/// Calls of a control plane in one window from which on it is busy: each is about a microsecond, and to go on from halfway costs
/// other threads as much.
const BUSY: u32 = 32;

/// Reads a word of each owned body of a chunk, and of its octets if they may be written out here, one load apart from the
/// other: what is not in the cache comes in at the same time, where forwarding would wait for each. Where the first frame
/// has a shared body the others are taken to have one too.
#[inline(always)]
fn warm(frames: &[Frame], end: Instant, octets: bool) {
    if frames.first().is_none_or(|frame| frame.body.is_none()) {
        return;
    }
    let frames = frames.iter().take_while(|frame| frame.at < end);
    let bodies = frames.filter_map(|frame| frame.body.as_ref());
    let first = |body: &Octets| if octets { body.payload().first().map_or(0, |&octet| u64::from(octet)) } else { 0 };
    std::hint::black_box(bodies.fold(0, |all, body| all ^ body.destination() as u64 ^ first(body)));
}

/// Forwards a frame from the wire for which the short way is not tried or not enough, and polices what goes on by the outer
/// VLAN identifier that it came with.
#[inline(always)]
fn judge(
    fib: &Fib,
    templates: &Templates,
    port: PortId,
    policing: &mut Option<PolicerTable>,
    frame: &mut Frame,
) -> Verdict {
    let Some(policing) = policing else { return forward_long(fib, templates, Entry::Port(port), frame) };
    let (vid, len) = (frame.tags().next().map_or(0, |tag| tag.vid()), frame.len());
    match forward(fib, templates, Entry::Port(port), frame) {
        Verdict::Drop(reason) => Verdict::Drop(reason),
        _ if !policing.admits(frame.at, vid, len) => Verdict::Drop(DropReason::Policed),
        verdict => verdict,
    }
}
