//! What a link does to frames on it: random loss, and outages known beforehand.

use crate::frame::DropReason;
use crate::rng::Rng;
use crate::time::{Instant, Span};

/// The faults of a link as they are configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultSpec {
    /// Frames lost at random, of 10^9.
    pub loss_ppb: u32,
    /// When the link is cut and when it is whole again, in order, not overlapping.
    pub outages: Vec<(Instant, Instant)>,
}

/// The faults of a link at work.
#[derive(Clone, Debug)]
pub struct Fault {
    loss_ppb: u32,
    outages: Vec<(Instant, Instant)>,
    /// The first outage that may still concern a frame.
    next: usize,
    rng: Rng,
}

impl Fault {
    /// The faults of a link; `None` for a link without any.
    pub fn new(spec: &FaultSpec, rng: Rng) -> Option<Self> {
        (*spec != FaultSpec::default()).then(|| Fault {
            loss_ppb: spec.loss_ppb,
            outages: spec.outages.clone(),
            next: 0,
            rng,
        })
    }

    /// Whether a frame is lost that was on the link from `start` (its first bit leaves) to `arrival` (its last bit
    /// arrives). Calls are in order of arrival.
    pub fn judge(&mut self, start: Instant, arrival: Instant) -> Option<DropReason> {
        while self.outages.get(self.next).is_some_and(|&(_, whole)| whole <= start) {
            self.next += 1;
        }
        if self.outages.get(self.next).is_some_and(|&(cut, _)| cut <= arrival) {
            return Some(DropReason::LinkDown);
        }
        let lost = self.loss_ppb > 0 && self.rng.below(1_000_000_000) < u64::from(self.loss_ppb);
        lost.then_some(DropReason::LinkLoss)
    }
}

/// When the first bit of a frame left that arrives at `arrival` over `delay` after `wire` of serialisation.
pub fn start_of(arrival: Instant, delay: Span, wire: Span) -> Instant {
    Instant::from_ps(arrival.as_ps().saturating_sub(delay.as_ps() + wire.as_ps()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_takes_what_was_on_the_link_at_any_time_of_it() {
        let at = Instant::from_ps;
        let spec = FaultSpec { loss_ppb: 0, outages: vec![(at(100), at(200)), (at(300), at(310))] };
        let mut fault = Fault::new(&spec, Rng::new(1, 1)).unwrap();
        let spans = [(80, 99), (81, 100), (150, 160), (199, 219), (200, 220), (290, 312), (310, 330)];
        let lost = spans.map(|(from, to)| fault.judge(at(from), at(to)).is_some());
        assert_eq!(lost, [false, true, true, true, false, true, false]);
    }

    #[test]
    fn loss_comes_near_its_rate_and_repeats() {
        let count = |seed| {
            let spec = FaultSpec { loss_ppb: 10_000_000, outages: vec![] };
            let mut fault = Fault::new(&spec, Rng::new(seed, 9)).unwrap();
            (0..100_000).filter(|_| fault.judge(Instant::ZERO, Instant::ZERO).is_some()).count()
        };
        assert_eq!(count(1), count(1));
        // 1 % of 100,000, within five standard deviations of 31.5.
        assert!((843..=1157).contains(&count(1)), "{}", count(1));
        assert!(Fault::new(&FaultSpec::default(), Rng::new(1, 1)).is_none());
    }
}
