//! The frames of a stream, one after another: some loads and additions for each.

use super::plan::{Plan, common_measure};
use super::{StreamSpec, template};
use crate::frame::{Frame, Header, Ident, MAX_SIZES};
use crate::id::StreamId;
use crate::rng::Rng;
use crate::time::{Instant, PS_PER_S, Span};
use std::sync::Arc;

/// Frames of a stream in order of time, without owned bodies.
///
/// Flows come in rounds: each once, in an order drawn from the seed. Sizes come in rounds too: each as often as its weight
/// says, in an order drawn from the seed. A round of flows begins some places further in the order than the one
/// before, so that the lengths of the two rounds have no common measure and each flow has frames of all sizes.
///
/// Frame n is sent at the beginning plus the floor of the exact sum of all gaps before it: no error adds up.
#[derive(Clone, Debug)]
pub struct Generator {
    flows: Arc<[Flow]>,
    sizes: Arc<[u8]>,
    shapes: [Shape; MAX_SIZES],
    source: u8,
    /// The place in the order of flows, flows left of this round, and how much further the next one begins.
    flow: usize,
    flows_left: usize,
    shift: usize,
    /// The place in the order of sizes.
    size: usize,
    /// When the next frame is sent: picoseconds, and parts of one.
    sent: Instant,
    rest: u64,
    denominator: u64,
    end: Instant,
    left: u64,
    seq: u32,
}

#[derive(Clone, Copy, Debug)]
struct Flow {
    stream: StreamId,
    hash: u32,
}

/// What all frames of a size have in common.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    header: Header,
    gap: Span,
    rest: u64,
}

impl Generator {
    pub(super) fn new(spec: &StreamSpec, plan: &Plan, source: u8, hashes: &[u32]) -> Self {
        let flows = hashes.iter().zip(0..);
        let mut flows: Vec<_> = flows.map(|(&hash, flow)| Flow { stream: StreamId::new(source, flow), hash }).collect();
        shuffle(&mut flows, &mut Rng::new(spec.seed, FLOWS));
        let sizes = plan.sizes.iter().zip(0..);
        let mut sizes: Vec<u8> = sizes.flat_map(|(size, place)| (0..size.weight).map(move |_| place)).collect();
        shuffle(&mut sizes, &mut Rng::new(spec.seed, SIZES));
        let mut shapes = [Shape::default(); MAX_SIZES];
        for (place, (shape, size)) in shapes.iter_mut().zip(&plan.sizes).enumerate() {
            let mut header = template::header(spec, size.octets);
            header.meta = header.meta.with_size(place as u8);
            *shape = Shape { header, gap: Span::from_ps(size.gap_ps), rest: size.rest };
        }
        let count = flows.len();
        let shift = (0..count).find(|shift| common_measure((count - shift) as u64, plan.round) == 1).unwrap_or(0);
        Generator {
            flows: flows.into(),
            sizes: sizes.into(),
            shapes,
            source,
            flow: 0,
            flows_left: count,
            shift,
            size: 0,
            sent: spec.begin,
            rest: 0,
            denominator: plan.denominator,
            end: plan.end,
            left: plan.frames,
            seq: 0,
        }
    }

    /// The number of the source that its frames belong to.
    pub const fn source(&self) -> usize {
        self.source as usize
    }

    /// How many flows its frames belong to.
    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    /// Frames in a second, on the mean of a round of sizes, rounded down.
    pub fn frames_per_s(&self) -> u64 {
        let gaps = self.sizes.iter().map(|&size| u128::from(self.shapes[usize::from(size) % MAX_SIZES].gap.as_ps()));
        let (frames, round) = (self.sizes.len() as u128, gaps.sum::<u128>().max(1));
        u64::try_from(frames * u128::from(PS_PER_S) / round).unwrap_or(u64::MAX)
    }

    /// The same stream with `frames` frames from here on at the most.
    #[must_use]
    pub fn limited(self, frames: u64) -> Self {
        Generator { left: self.left.min(frames), ..self }
    }

    #[inline(always)]
    fn next_flow(&mut self) -> Flow {
        let flow = self.flows[self.flow];
        self.flow = following(self.flow, self.flows.len());
        self.flows_left -= 1;
        if self.flows_left == 0 {
            self.flows_left = self.flows.len();
            self.flow = (self.flow + self.shift) % self.flows.len();
        }
        flow
    }

    #[inline(always)]
    fn next_shape(&mut self) -> Shape {
        let size = self.sizes[self.size];
        self.size = following(self.size, self.sizes.len());
        self.shapes[usize::from(size) % MAX_SIZES]
    }

    /// Moves on in time by whole picoseconds and parts of one.
    #[inline(always)]
    fn pass(&mut self, gap: Span, rest: u64) {
        let (sum, over) = self.rest.overflowing_add(rest);
        let whole = over || sum >= self.denominator;
        self.rest = if whole { sum.wrapping_sub(self.denominator) } else { sum };
        self.sent = self.sent.saturating_add(gap).saturating_add(Span::from_ps(u64::from(whole)));
    }
}

impl Iterator for Generator {
    type Item = Frame;

    #[inline(always)]
    fn next(&mut self) -> Option<Frame> {
        if self.sent >= self.end || self.left == 0 {
            return None;
        }
        let (sent, seq) = (self.sent, self.seq);
        let (flow, Shape { header, gap, rest }) = (self.next_flow(), self.next_shape());
        self.left -= 1;
        self.seq = seq.wrapping_add(1);
        self.pass(gap, rest);
        let id = Ident { sent, stream: flow.stream, seq };
        Some(Frame { at: Instant::ZERO, body: None, id, header: Header { hash: flow.hash, ..header } })
    }
}

/// The place after `place` in a ring of `count`.
#[inline(always)]
fn following(place: usize, count: usize) -> usize {
    if place + 1 == count { 0 } else { place + 1 }
}

/// A permutation, each as likely as another (Fisher and Yates).
fn shuffle<T>(all: &mut [T], rng: &mut Rng) {
    for last in (1..all.len()).rev() {
        all.swap(last, rng.below(last as u64 + 1) as usize);
    }
}

/// What random numbers are for.
const FLOWS: u64 = 1;
const SIZES: u64 = 2;
