//! Seeded streams of random numbers (SplitMix64): one per node and purpose, so that no order of execution shows.

/// A stream of random numbers, fixed by the run's seed and a name.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The stream of `purpose` in a run with `seed`.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = Rng(seed ^ mix64(purpose.wrapping_add(0x9e37_79b9_7f4a_7c15)));
        rng.next_u64();
        rng
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix64(self.0)
    }

    /// A number in `0..bound`, each as likely as another to within 2^-64; `bound` is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
#[inline(always)]
pub const fn mix64(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, purpose| {
            let mut rng = Rng::new(seed, purpose);
            [rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn below_stays_below_and_reaches_both_ends() {
        let mut rng = Rng::new(1, 1);
        let seen: std::collections::BTreeSet<u64> = (0..1000).map(|_| rng.below(5)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
}
