//! What a link does to frames on it: random loss, and outages known beforehand.

use crate::frame::DropReason;
use crate::rng::Rng;
use crate::time::{Instant, Span};

/// The faults of a link as they are configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultSpec {
    /// Frames lost at random, of 10^9.
    pub loss_ppb: u32,
    /// In order, not overlapping.
    pub outages: Vec<Outage>,
}

/// A time in which nothing passes a place on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// From here on.
    pub from: Instant,
    /// Until just before this.
    pub until: Instant,
    /// How far the place is from the sending end: the link's delay at the most.
    pub after: Span,
    /// What frames are counted as that it takes: a cut shows at the ends of the link, a black hole does not.
    pub reason: DropReason,
}

/// The faults of a link at work.
#[derive(Clone, Debug)]
pub struct Fault {
    loss_ppb: u32,
    outages: Vec<Outage>,
    delay: Span,
    /// The first outage that may still concern a frame.
    next: usize,
    rng: Rng,
}

impl Fault {
    /// The faults of a link of `delay`; `None` for a link without any.
    pub fn new(spec: &FaultSpec, delay: Span, rng: Rng) -> Option<Self> {
        (*spec != FaultSpec::default()).then(|| Fault {
            loss_ppb: spec.loss_ppb,
            outages: spec.outages.clone(),
            delay,
            next: 0,
            rng,
        })
    }

    /// Whether a frame is lost that was on the link from `start` (its first bit leaves) to `arrival` (its last bit
    /// arrives): if any of it was at the place of an outage while that lasted. Calls are in order of arrival.
    pub fn judge(&mut self, start: Instant, arrival: Instant) -> Option<DropReason> {
        while self.outages.get(self.next).is_some_and(|outage| outage.until <= start + outage.after) {
            self.next += 1;
        }
        if let Some(outage) = self.outages.get(self.next) {
            let beyond = Span::from_ps(self.delay.as_ps().saturating_sub(outage.after.as_ps()));
            if outage.from.saturating_add(beyond) < arrival {
                return Some(outage.reason);
            }
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

    /// A frame is at a place of the link from when its first bit comes by to when its last one has. A link of 40 ps:
    /// frames of 10 ps that leave at 60 are at its end from 100 to 110.
    #[test]
    fn an_outage_takes_what_came_by_while_it_lasted() {
        let (at, delay) = (Instant::from_ps, Span::from_ps(40));
        for after in [0, 15, 40] {
            let outage =
                |from, until, reason| Outage { from: at(from), until: at(until), after: Span::from_ps(after), reason };
            let (cut, hole) = (outage(100, 200, DropReason::LinkDown), outage(300, 301, DropReason::Blackhole));
            let mut fault =
                Fault::new(&FaultSpec { loss_ppb: 0, outages: vec![cut, hole] }, delay, Rng::new(1, 1)).unwrap();
            // By the time at which the first bit comes by, the last one 10 ps later.
            let lost = [89, 90, 91, 150, 199, 200, 289, 290, 291, 300, 301].map(|first: u64| {
                let start = first - after;
                fault.judge(at(start), at(start + 10 + 40))
            });
            let (cut, hole) = (Some(DropReason::LinkDown), Some(DropReason::Blackhole));
            assert_eq!(lost, [None, None, cut, cut, cut, None, None, None, hole, hole, None], "{after}");
        }
    }

    #[test]
    fn loss_comes_near_its_rate_and_repeats() {
        let count = |seed| {
            let spec = FaultSpec { loss_ppb: 10_000_000, outages: vec![] };
            let mut fault = Fault::new(&spec, Span::ZERO, Rng::new(seed, 9)).unwrap();
            (0..100_000).filter(|_| fault.judge(Instant::ZERO, Instant::ZERO).is_some()).count()
        };
        assert_eq!(count(1), count(1));
        // 1 % of 100,000, within five standard deviations of 31.5.
        assert!((843..=1157).contains(&count(1)), "{}", count(1));
        assert!(Fault::new(&FaultSpec::default(), Span::ZERO, Rng::new(1, 1)).is_none());
    }
}
