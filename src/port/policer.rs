//! Policers: a token bucket per circuit and direction, exact to the bit and the picosecond.

use crate::time::{Instant, PS_PER_S};

/// What a policer lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicerSpec {
    /// Bits per second in the long run, counting each frame's octets with FCS and tags, without preamble and gap.
    pub rate_bps: u64,
    /// Octets that may pass at once after a pause.
    pub burst_octets: u32,
    /// Bits per second up to which everything passes: only traffic above is brought down to the rate, until less than the
    /// rate comes for as long as the burst takes to be earned. The rate itself: there is no such leave.
    pub threshold_bps: u64,
}

impl PolicerSpec {
    /// A policer of `rate_bps` without leave.
    pub const fn strict(rate_bps: u64, burst_octets: u32) -> Self {
        PolicerSpec { rate_bps, burst_octets, threshold_bps: rate_bps }
    }
}

/// A token bucket (RFC 2697's, with one rate and one burst): frames that find too few tokens are dropped. One with leave
/// has a second bucket, filled by its threshold, and begins to limit when that is empty.
#[derive(Clone, Debug)]
pub struct Policer {
    rate_bps: u64,
    /// Tokens and their bound, in bits times picoseconds per second, so that no fraction is ever lost.
    tokens: u128,
    depth: u128,
    at: Instant,
    leave: Option<Leave>,
}

/// What a policer with a threshold above its rate knows beyond.
#[derive(Clone, Debug)]
struct Leave {
    threshold_bps: u64,
    tokens: u128,
    is_limiting: bool,
}

const SCALE: u128 = PS_PER_S as u128;

impl Policer {
    /// A full bucket.
    pub fn new(spec: PolicerSpec) -> Self {
        let depth = u128::from(spec.burst_octets) * 8 * SCALE;
        let leave = Leave { threshold_bps: spec.threshold_bps, tokens: depth, is_limiting: false };
        let leave = (spec.threshold_bps > spec.rate_bps).then_some(leave);
        Policer { rate_bps: spec.rate_bps, tokens: depth, depth, at: Instant::ZERO, leave }
    }

    /// Whether a frame of `octets` (FCS included) at `at` passes. Calls are in order of time.
    #[inline]
    pub fn admits(&mut self, at: Instant, octets: u16) -> bool {
        if self.leave.is_some() {
            return self.admits_with_leave(at, octets);
        }
        self.earn(at);
        self.takes(u128::from(octets) * 8 * SCALE)
    }

    /// The tokens that the time since the last frame brings.
    #[inline(always)]
    fn earn(&mut self, at: Instant) {
        let gained = u128::from((at - self.at).as_ps()) * u128::from(self.rate_bps);
        self.tokens = (self.tokens + gained).min(self.depth);
        self.at = at;
    }

    #[inline(always)]
    fn takes(&mut self, cost: u128) -> bool {
        if cost > self.tokens {
            return false;
        }
        self.tokens -= cost;
        true
    }

    #[inline(never)]
    fn admits_with_leave(&mut self, at: Instant, octets: u16) -> bool {
        let (passed_ps, cost) = (u128::from((at - self.at).as_ps()), u128::from(octets) * 8 * SCALE);
        self.earn(at);
        let (is_calm, depth) = (self.tokens == self.depth, self.depth);
        if self.leave.as_mut().is_some_and(|leave| leave.admits(passed_ps, cost, is_calm, depth)) {
            self.tokens = self.tokens.saturating_sub(cost);
            return true;
        }
        self.takes(cost)
    }
}

impl Leave {
    /// Whether a frame passes that comes so long after the last one, without a look at the rate. `is_calm`: less than the
    /// rate came for as long as the burst takes.
    fn admits(&mut self, passed_ps: u128, cost: u128, is_calm: bool, depth: u128) -> bool {
        self.tokens = (self.tokens + passed_ps * u128::from(self.threshold_bps)).min(depth);
        if self.is_limiting && is_calm {
            (self.is_limiting, self.tokens) = (false, depth);
        }
        if self.is_limiting || cost > self.tokens {
            self.is_limiting = true;
            return false;
        }
        self.tokens -= cost;
        true
    }
}

/// Which policer the frames of a port pass, by their outer VLAN identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policing {
    /// The policers.
    pub policers: Vec<PolicerSpec>,
    /// Outer VLAN identifier (0: untagged) and place in `policers`.
    pub by_vid: Vec<(u16, u8)>,
}

/// The policers of one side of a port at work.
#[derive(Clone, Debug)]
pub struct PolicerTable {
    policers: Vec<Policer>,
    /// Per VLAN identifier, the place of its policer plus 1.
    by_vid: Box<[u8]>,
}

impl PolicerTable {
    /// Full buckets; `None` if nothing is policed.
    pub fn new(policing: &Policing) -> Option<Self> {
        if policing.by_vid.is_empty() {
            return None;
        }
        let mut by_vid = vec![0; 4096];
        for &(vid, place) in &policing.by_vid {
            by_vid[usize::from(vid & 0xfff)] = place + 1;
        }
        let policers = policing.policers.iter().map(|&spec| Policer::new(spec)).collect();
        Some(PolicerTable { policers, by_vid: by_vid.into() })
    }

    /// Whether a frame with this outer VLAN identifier (0: untagged) passes. Calls are in order of time.
    pub fn admits(&mut self, at: Instant, outer_vid: u16, octets: u16) -> bool {
        let place = usize::from(self.by_vid[usize::from(outer_vid & 0xfff)]);
        self.policers.get_mut(place.wrapping_sub(1)).is_none_or(|policer| policer.admits(at, octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At twice the rate a bucket passes its depth and then every second frame: the closed form of the token bucket.
    #[test]
    fn passes_rate_times_time_plus_burst() {
        let mut policer = Policer::new(PolicerSpec::strict(1_000_000_000, 12_500));
        // 1250 octets each 5 us are 2 Gb/s; each brings 625 octets of tokens.
        let passed: Vec<bool> = (0..1000).map(|i| policer.admits(Instant::from_ps(i * 5_000_000), 1250)).collect();
        let sent: u64 = passed.iter().map(|&p| if p { 1250 } else { 0 }).sum();
        let bound = 999 * 625 + 12_500;
        assert!(sent <= bound && sent + 1250 > bound, "{sent} of {bound}");
        assert!(passed[..19].iter().all(|&p| p), "the burst: 12,500 / (1250 - 625) = 20 frames less one");
    }

    /// How much of `rate_bps` passes in the tenth second, of frames of 1250 octets.
    fn passes_in_the_end(policer: &mut Policer, rate_bps: u64, from_s: u64) -> u64 {
        let gap = 10_000 * PS_PER_S / rate_bps;
        let at = |n: u64| Instant::from_ps(from_s * PS_PER_S + n * gap);
        let frames = 10 * PS_PER_S / gap;
        (0..frames).filter(|&n| policer.admits(at(n), 1250) && n >= frames / 10 * 9).count() as u64 * 10_000
    }

    /// EXPRESSROUTE: rate limits of Direct. Up to a fifth above nothing is dropped; more is brought down to the rate.
    #[test]
    fn leave_is_given_up_to_the_threshold_and_taken_above() {
        let spec = PolicerSpec { rate_bps: 10_000_000, burst_octets: 12_500, threshold_bps: 12_000_000 };
        for (offered, passed) in [(9_000_000, 9_000_000), (11_000_000, 11_000_000), (12_000_000, 12_000_000)] {
            assert_eq!(passes_in_the_end(&mut Policer::new(spec), offered, 0), passed, "{offered}");
        }
        for offered in [12_500_000, 20_000_000, 100_000_000] {
            let passed = passes_in_the_end(&mut Policer::new(spec), offered, 0);
            assert!(passed.abs_diff(10_000_000) <= 10_000, "{offered}: {passed}");
        }
        // Once limiting, it limits what is above the rate, until it was calm.
        let mut policer = Policer::new(spec);
        passes_in_the_end(&mut policer, 20_000_000, 0);
        assert!(passes_in_the_end(&mut policer, 11_000_000, 10).abs_diff(10_000_000) <= 10_000);
        assert_eq!(passes_in_the_end(&mut policer, 9_000_000, 20), 9_000_000);
        assert_eq!(passes_in_the_end(&mut policer, 11_000_000, 30), 11_000_000);
    }

    #[test]
    fn an_odd_rate_loses_no_fraction() {
        // 3 b/s: a token each 333,333,333,333.3 ps; after 8,000 s exactly 3,000 octets.
        let mut policer = Policer::new(PolicerSpec::strict(3, 3_000));
        assert!(policer.admits(Instant::ZERO, 3_000));
        for step in 1..8_000u64 {
            assert!(!policer.admits(Instant::from_ps(step * PS_PER_S), 3_000));
        }
        assert!(!policer.admits(Instant::from_ps(8_000 * PS_PER_S - 1), 3_000));
        assert!(policer.admits(Instant::from_ps(8_000 * PS_PER_S), 3_000));
    }

    #[test]
    fn a_table_polices_only_the_vlans_it_names() {
        let spec = PolicerSpec::strict(1, 100);
        let policing = Policing { policers: vec![spec, spec], by_vid: vec![(110, 0), (111, 1), (112, 1)] };
        let mut table = PolicerTable::new(&policing).unwrap();
        let verdicts = [110, 111, 112, 113, 110].map(|vid| table.admits(Instant::ZERO, vid, 100));
        assert_eq!(verdicts, [true, true, false, true, false]);
        assert!(PolicerTable::new(&Policing::default()).is_none());
    }
}
