//! What a stream comes to at the most, reckoned before anything of it is made.

use super::plan::Plan;
use super::{StreamError, StreamSpec};
use crate::frame::Octets;
use crate::time::{PS_PER_S, WIRE_OVERHEAD_OCTETS};

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

impl StreamSpec {
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

/// A body with its headers of 48 octets, and what the allocator adds.
const BODY: u64 = size_of::<Octets>() as u64 + 48 + 16;

/// What is kept of each flow beside: destination, hash, number.
const FLOW: u64 = 32;
