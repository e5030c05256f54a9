//! What a specification comes to, checked: sizes, the gap after a frame of each, the order of sizes, the end.

use super::template::{FIRST_SOURCE_PORT, headers_octets};
use super::{Layer, MAX_ROUND, MAX_STREAM_FLOWS, Rate, StreamError, StreamSpec};
use crate::frame::{MAX_INLINE_TAGS, MAX_SIZES};
use crate::time::{Instant, MIN_FRAME_OCTETS, PS_PER_S, WIRE_OVERHEAD_OCTETS};
use crate::wire::ethernet::{FCS_OCTETS, HEADER_OCTETS, MAX_FRAME_OCTETS};
use crate::wire::vlan;

/// A specification that holds.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) sizes: Vec<Size>,
    /// What the remainders of gaps are parts of.
    pub(super) denominator: u64,
    /// Frames of a round of sizes.
    pub(super) round: u64,
    pub(super) end: Instant,
    pub(super) frames: u64,
}

/// A size of frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) octets: u16,
    /// Frames of this size in a round.
    pub(super) weight: u32,
    /// To the frame after it: whole picoseconds, and what is left of one, in parts of the denominator.
    pub(super) gap_ps: u64,
    pub(super) rest: u64,
}

impl Plan {
    pub(super) fn new(spec: &StreamSpec) -> Result<Self, StreamError> {
        check_flows(spec)?;
        check_tags(spec)?;
        let weights = weights(spec)?;
        let round = weights.iter().map(|&(_, weight)| u64::from(weight)).sum();
        let denominator = denominator(spec.rate)?;
        let size = |(octets, weight)| {
            let (gap, parts) = (gap_of(spec, octets), u128::from(denominator));
            match u64::try_from(gap / parts) {
                Ok(0) => Err(StreamError::TooFast { octets }),
                Ok(gap_ps) => Ok(Size { octets, weight, gap_ps, rest: (gap % parts) as u64 }),
                Err(_) => Err(StreamError::TooSlow { octets }),
            }
        };
        let sizes = weights.into_iter().map(size).collect::<Result<Vec<_>, _>>()?;
        let (end, frames) = bounds(spec, &sizes)?;
        Ok(Plan { sizes, denominator, round, end, frames })
    }
}

fn check_flows(spec: &StreamSpec) -> Result<(), StreamError> {
    let (from, to, flows) = (spec.from, spec.to, spec.flows);
    if from.is_ipv4() != to.is_ipv4() {
        return Err(StreamError::Families { from: from.first(), to: to.first() });
    }
    if flows == 0 {
        return Err(StreamError::NoFlows);
    }
    let addresses = u64::from(from.used(flows).max(to.used(flows)));
    let ports = u64::from(u16::MAX - FIRST_SOURCE_PORT) + 1;
    let most = addresses * ports * (u64::from(u16::MAX - spec.destination_port) + 1);
    let most = most.min(u64::from(MAX_STREAM_FLOWS)) as u32;
    if flows > most { Err(StreamError::TooManyFlows { flows, most }) } else { Ok(()) }
}

fn check_tags(spec: &StreamSpec) -> Result<(), StreamError> {
    if spec.tags.len() > MAX_INLINE_TAGS {
        return Err(StreamError::TooManyTags { tags: spec.tags.len() });
    }
    match spec.tags.iter().find(|tag| vlan::tpid_index(tag.tpid()).is_none()) {
        Some(&tag) => Err(StreamError::UnknownTpid { tag }),
        None => Ok(()),
    }
}

/// The sizes with their weights in lowest terms.
fn weights(spec: &StreamSpec) -> Result<Vec<(u16, u32)>, StreamError> {
    let sizes = spec.sizes.weights();
    if sizes.is_empty() {
        return Err(StreamError::NoSizes);
    }
    if sizes.len() > MAX_SIZES {
        return Err(StreamError::TooManySizes { sizes: sizes.len() });
    }
    let least = (headers_octets(spec) as u16 + FCS_OCTETS).max(MIN_FRAME_OCTETS);
    for &(octets, weight) in &sizes {
        if weight == 0 {
            return Err(StreamError::NoWeight { octets });
        }
        if octets < least {
            return Err(StreamError::SizeTooSmall { octets, least, tags: spec.tags.len() });
        }
        if octets > MAX_FRAME_OCTETS {
            return Err(StreamError::SizeTooLarge { octets });
        }
    }
    let measure = sizes.iter().fold(0, |measure, &(_, weight)| common_measure(measure, u64::from(weight)));
    let sizes: Vec<_> = sizes.iter().map(|&(octets, weight)| (octets, weight / measure as u32)).collect();
    let sum = sizes.iter().map(|&(_, weight)| u64::from(weight)).sum();
    if sum > MAX_ROUND { Err(StreamError::WeightsTooFine { sum }) } else { Ok(sizes) }
}

/// The greatest number that divides both.
pub(super) fn common_measure(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// From a frame of `octets` to the next, in picoseconds and parts of the rate: see [`denominator`].
fn gap_of(spec: &StreamSpec, octets: u16) -> u128 {
    let octets = u64::from(octets);
    match spec.rate {
        Rate::Frames(_) => u128::from(PS_PER_S),
        Rate::Bits(_, layer) => {
            let beneath = HEADER_OCTETS as u64 + u64::from(FCS_OCTETS) + 4 * spec.tags.len() as u64;
            let counted = match layer {
                Layer::Wire => octets + WIRE_OVERHEAD_OCTETS,
                Layer::Frame => octets,
                Layer::Packet => octets - beneath,
            };
            u128::from(counted * 8) * u128::from(PS_PER_S)
        }
        Rate::Line(speed, share) => {
            let wire = (octets + WIRE_OVERHEAD_OCTETS) * speed.ps_per_octet();
            u128::from(wire) * u128::from(share.denominator())
        }
    }
}

/// What [`gap_of`] is to be divided by.
fn denominator(rate: Rate) -> Result<u64, StreamError> {
    match rate {
        Rate::Frames(0) | Rate::Bits(0, _) => Err(StreamError::NoRate),
        Rate::Frames(rate) | Rate::Bits(rate, _) => Ok(rate),
        Rate::Line(speed, share) if share.numerator() > share.denominator() => Err(StreamError::OverLine { speed }),
        Rate::Line(_, share) => Ok(share.numerator()),
    }
}

/// When the stream ends, and how many frames it has at the most.
fn bounds(spec: &StreamSpec, sizes: &[Size]) -> Result<(Instant, u64), StreamError> {
    if spec.end.is_some_and(|end| end <= spec.begin) {
        return Err(StreamError::EndBeforeBegin);
    }
    match (spec.end, spec.frames) {
        (None, None) => Err(StreamError::NoEnd),
        (Some(end), frames) => Ok((end, frames.unwrap_or(u64::MAX))),
        (None, Some(frames)) => {
            let longest = sizes.iter().map(|size| size.gap_ps).max().unwrap_or(0);
            let all = u128::from(frames) * (u128::from(longest) + 1) + u128::from(spec.begin.as_ps());
            if all >= u128::from(u64::MAX) { Err(StreamError::TooLong { frames }) } else { Ok((Instant::MAX, frames)) }
        }
    }
}
