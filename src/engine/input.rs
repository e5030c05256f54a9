//! The receiving side of a node's port: link faults, counts, digest.

use super::flows::FlowSet;
use super::link::LinkRx;
use super::outcome::{PortOutcome, digest_step};
use super::subs::Subs;
use crate::frame::{Count, DropCounts, DropReason, Frame};
use crate::port::{Fault, PolicerTable, start_of};
use crate::time::{Instant, PortSpeed, Span};

/// A port's receiving side at work.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) rx: LinkRx,
    /// The place of the node at the other end.
    pub(super) peer: usize,
    /// From the peer's clock to the first possible arrival.
    pub(super) lookahead: Span,
    pub(super) policing: Option<PolicerTable>,
    pub(super) arrivals: Arrivals,
}

/// What the link does to arriving frames, and what is counted of them.
#[derive(Debug)]
pub(super) struct Arrivals {
    drops: DropCounts,
    unusual: Option<Box<Unusual>>,
    received: Count,
    flows: FlowSet,
    digest: u64,
}

/// What few ports have to do with an arrival: all others look once whether there is any of it.
#[derive(Debug)]
struct Unusual {
    fault: Option<Fault>,
    delay: Span,
    speed: PortSpeed,
    subs: Option<Box<Subs>>,
}

impl Unusual {
    /// Why the frame did not arrive, if the link lost it.
    fn arrive(&mut self, frame: &Frame) -> Option<DropReason> {
        if let Some(fault) = &mut self.fault {
            let start = start_of(frame.at, self.delay, self.speed.wire_time(frame.len()));
            let lost = fault.judge(start, frame.at);
            if lost.is_some() {
                return lost;
            }
        }
        if let Some(subs) = &mut self.subs {
            subs.arrive(frame);
        }
        None
    }
}

/// What changes with every arrival, held in registers while a run of frames arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    octets: u64,
    lost: u64,
    digest: u64,
}

/// What an input is made of.
pub(super) struct InputParts {
    pub(super) rx: LinkRx,
    pub(super) peer: usize,
    pub(super) lookahead: Span,
    pub(super) policing: Option<PolicerTable>,
    pub(super) fault: Option<Fault>,
    pub(super) delay: Span,
    pub(super) speed: PortSpeed,
    pub(super) subs: Option<Box<Subs>>,
}

impl Input {
    pub(super) fn new(parts: InputParts) -> Self {
        let InputParts { rx, peer, lookahead, policing, fault, delay, speed, subs } = parts;
        let is_unusual = fault.is_some() || subs.is_some();
        let arrivals = Arrivals {
            drops: DropCounts::default(),
            unusual: is_unusual.then(|| Box::new(Unusual { fault, delay, speed, subs })),
            received: Count::default(),
            flows: FlowSet::default(),
            digest: 0,
        };
        Input { rx, peer, lookahead, policing, arrivals }
    }
}

impl Arrivals {
    /// Takes note of the arrival of a frame in `tally`; why it did not arrive, if the link lost it: that is for the caller
    /// to count.
    #[inline(always)]
    pub(super) fn arrive(&mut self, frame: &Frame, tally: &mut Tally) -> Option<DropReason> {
        if let Some(unusual) = &mut self.unusual {
            let lost = unusual.arrive(frame);
            if lost.is_some() {
                tally.lost += 1;
                return lost;
            }
        }
        tally.octets += u64::from(frame.len());
        tally.digest = digest_step(tally.digest, frame);
        self.flows.insert(frame.id.stream);
        None
    }

    /// The last frame that came, of `octets` then, is dropped.
    pub(super) fn drop(&mut self, reason: DropReason, octets: u16) {
        self.drops.add(reason, octets);
        if reason == DropReason::Policed
            && let Some(Unusual { subs: Some(subs), .. }) = self.unusual.as_deref_mut()
        {
            subs.police_arrival(octets);
        }
    }

    /// What a run of arrivals begins with.
    #[inline(always)]
    pub(super) fn tally(&self) -> Tally {
        Tally { octets: 0, lost: 0, digest: self.digest }
    }

    /// The run of arrivals is over: `count` frames came, those that were lost among them.
    #[inline(always)]
    pub(super) fn settle(&mut self, count: usize, tally: Tally) {
        self.received.merge(Count { frames: count as u64 - tally.lost, octets: tally.octets });
        self.digest = tally.digest;
    }

    /// Writes the counts into `outcome`.
    pub(super) fn report(&self, outcome: &mut PortOutcome) {
        outcome.received = self.received;
        outcome.received_flows = self.flows.count();
        outcome.ingress_drops = self.drops.clone();
        outcome.digest = self.digest;
        if let Some(Unusual { subs: Some(subs), .. }) = self.unusual.as_deref() {
            subs.report(outcome);
        }
    }
}

/// The least of the inputs' first arrivals and what they must wait for: up to when a node may take.
#[inline(always)]
pub(super) fn horizon(inputs: &[Option<Input>], shared: &super::clock::Shared) -> Instant {
    let bounds = inputs.iter().flatten().map(|input| shared.sent_until(input.peer).saturating_add(input.lookahead));
    bounds.min().unwrap_or(Instant::MAX)
}
