//! What a stream comes to at the most, reckoned before anything of it is made.

use super::plan::{Plan, Size};
use super::{StreamError, StreamSpec};
use crate::frame::Octets;
use crate::time::{Instant, PS_PER_S, WIRE_OVERHEAD_OCTETS};

/// The most that a stream can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLoad {
    /// Bits in a second on the wire, over a round of its sizes.
    pub wire_bps: u64,
    /// Frames.
    pub frames: u64,
    /// Octets of memory of its templates.
    pub templates: u64,
}

/// How fast a stream goes, over a round of its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPace {
    /// Octets of the frames of a round: below 2^30.
    octets: u64,
    /// Frames of a round.
    frames: u64,
    /// Rounds in a second, as a fraction of numbers below 2^94.
    rounds: (u128, u128),
}

impl StreamPace {
    /// Bits in a second, rounded up, where each frame counts `more` octets beside its own: none for the
    /// frame with its FCS, four for each tag that is added, [`WIRE_OVERHEAD_OCTETS`] for preamble and gap.
    pub fn bits_per_s(&self, more: u64) -> u64 {
        self.per_s((self.octets + self.frames * more) * 8)
    }

    /// Frames in a second, rounded up.
    pub fn frames_per_s(&self) -> u64 {
        self.per_s(self.frames)
    }

    fn per_s(&self, number: u64) -> u64 {
        let (rounds, seconds) = self.rounds;
        u64::try_from((u128::from(number) * rounds).div_ceil(seconds)).unwrap_or(u64::MAX)
    }
}

impl StreamSpec {
    /// How fast the stream goes, whenever it ends.
    pub fn pace(&self) -> Result<StreamPace, StreamError> {
        let plan = Plan::new(&StreamSpec { end: Some(Instant::MAX), ..self.clone() })?;
        let denominator = u128::from(plan.denominator);
        let sizes = || plan.sizes.iter().map(|size| (u128::from(size.weight), size));
        let gap = |size: &Size| u128::from(size.gap_ps) * denominator + u128::from(size.rest);
        let round: u128 = sizes().map(|(weight, size)| weight * gap(size)).sum();
        let octets: u128 = sizes().map(|(weight, size)| weight * u128::from(size.octets)).sum();
        let (mut a, mut b) = lowest(u128::from(PS_PER_S) * denominator, round);
        // Shares of lines finer than any scenario's: they are rounded up at the 94th bit.
        while a.max(b) >> 94 != 0 {
            (a, b) = (a.div_ceil(2), b / 2);
        }
        // A round has 2^16 frames of 2^14 octets at the most.
        Ok(StreamPace { octets: octets as u64, frames: plan.round, rounds: (a, b) })
    }

    /// What the stream comes to at the most.
    pub fn load(&self) -> Result<StreamLoad, StreamError> {
        let plan = Plan::new(self)?;
        // Parts of a picosecond are left out, so that a round is no longer than it is.
        let sizes = || plan.sizes.iter().map(|size| (u128::from(size.weight), size));
        let round_ps: u128 = sizes().map(|(weight, size)| weight * u128::from(size.gap_ps)).sum();
        let wire: u128 =
            sizes().map(|(weight, size)| weight * u128::from(u64::from(size.octets) + WIRE_OVERHEAD_OCTETS)).sum();
        let wire_bps = (wire * 8 * u128::from(PS_PER_S)).div_ceil(round_ps);
        let rounds = u128::from(plan.end.since(self.begin).as_ps()) / round_ps + 1;
        let frames = (rounds * u128::from(plan.round)).min(plan.frames.into());
        let most = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        let bodies = u64::from(self.flows) * plan.sizes.len() as u64;
        let templates = bodies * BODY + u64::from(self.flows) * FLOW;
        Ok(StreamLoad { wire_bps: most(wire_bps), frames: most(frames), templates })
    }
}

/// A fraction in lowest terms.
fn lowest(a: u128, b: u128) -> (u128, u128) {
    let (mut measure, mut rest) = (a, b);
    while rest != 0 {
        (measure, rest) = (rest, measure % rest);
    }
    (a / measure, b / measure)
}

/// A body with its headers of 48 octets, and what the allocator adds.
const BODY: u64 = size_of::<Octets>() as u64 + 48 + 16;

/// What is kept of each flow beside: destination, hash, number.
const FLOW: u64 = 32;
