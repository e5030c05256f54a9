//! Capture times in integer picoseconds since the Unix epoch, and the units in which files count them; no clock is read.

use std::fmt;

use crate::time::PS_PER_S;

/// When a frame was captured, in integer picoseconds since the Unix epoch.
///
/// Exact for every decimal unit down to the picosecond and for binary units that a picosecond
/// divides; the floor where the file's unit is finer or does not divide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct CaptureTime(i128);

impl CaptureTime {
    /// `ps` picoseconds since the Unix epoch; negative before it.
    #[inline(always)]
    pub const fn from_ps(ps: i128) -> Self {
        CaptureTime(ps)
    }

    /// `ns` nanoseconds since the Unix epoch.
    pub const fn from_ns(ns: i64) -> Self {
        CaptureTime(ns as i128 * 1_000)
    }

    /// `s` seconds since the Unix epoch.
    pub const fn from_s(s: i64) -> Self {
        CaptureTime(s as i128 * PS_PER_S as i128)
    }

    /// Picoseconds since the Unix epoch.
    #[inline(always)]
    pub const fn as_ps(self) -> i128 {
        self.0
    }
}

/// Seconds since the Unix epoch with the digits that are needed, at least none: `1623343671.118831273`.
impl fmt::Display for CaptureTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (s, ps) = (self.0.unsigned_abs() / u128::from(PS_PER_S), self.0.unsigned_abs() % u128::from(PS_PER_S));
        if ps == 0 {
            return write!(f, "{sign}{s}");
        }
        let fraction = format!("{ps:012}");
        write!(f, "{sign}{s}.{}", fraction.trim_end_matches('0'))
    }
}

/// The unit of an interface's time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// 10^-n seconds, `n` up to 127.
    Decimal(u8),
    /// 2^-n seconds, `n` up to 127.
    Binary(u8),
}

impl Resolution {
    /// Microseconds: pcap, and pcapng where nothing is said.
    pub const MICROSECONDS: Resolution = Resolution::Decimal(6);
    /// Nanoseconds.
    pub const NANOSECONDS: Resolution = Resolution::Decimal(9);

    /// The unit that the option `if_tsresol` of a pcapng interface names: the top bit chooses the
    /// base, the other seven are the exponent (pcapng §4.2).
    pub const fn from_if_tsresol(octet: u8) -> Self {
        let exponent = octet & 0x7f;
        if octet & 0x80 == 0 { Resolution::Decimal(exponent) } else { Resolution::Binary(exponent) }
    }

    /// `units` of this resolution in picoseconds, the floor where that is not whole.
    #[inline]
    pub const fn ps(self, units: u64) -> i128 {
        match self {
            Resolution::Decimal(n) if n <= 12 => units as i128 * POWERS_OF_TEN[12 - n as usize] as i128,
            // 10^19 is the largest power below 2^64: finer than that, no count of 64 bits fills a picosecond.
            Resolution::Decimal(n) if n <= 31 => (units / POWERS_OF_TEN[n as usize - 12]) as i128,
            Resolution::Decimal(_) => 0,
            // Below 2^64 * 2^40, so the product fits.
            Resolution::Binary(n) => ((units as u128 * PS_PER_S as u128) >> n) as i128,
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resolution::Decimal(0) | Resolution::Binary(0) => f.write_str("1 s"),
            Resolution::Decimal(n) => write!(f, "10^-{n} s"),
            Resolution::Binary(n) => write!(f, "2^-{n} s"),
        }
    }
}

const POWERS_OF_TEN: [u64; 20] = {
    let mut powers = [1; 20];
    let mut n = 1;
    while n < 20 {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_top_bit_of_if_tsresol_chooses_the_base() {
        assert_eq!(Resolution::from_if_tsresol(6), Resolution::MICROSECONDS);
        assert_eq!(Resolution::from_if_tsresol(0x88), Resolution::Binary(8));
        assert_eq!(Resolution::from_if_tsresol(0xff), Resolution::Binary(127));
        assert_eq!(Resolution::from_if_tsresol(0x7f), Resolution::Decimal(127));
    }

    #[test]
    fn units_are_exact_where_a_picosecond_divides_them() {
        for (resolution, units, ps) in [
            (Resolution::Decimal(0), u64::MAX, i128::from(u64::MAX) * 1_000_000_000_000),
            (Resolution::Decimal(12), u64::MAX, i128::from(u64::MAX)),
            (Resolution::Decimal(13), 19, 1),
            (Resolution::Decimal(31), u64::MAX, 1),
            (Resolution::Decimal(32), u64::MAX, 0),
            (Resolution::Binary(0), 7, 7_000_000_000_000),
            (Resolution::Binary(8), 384, 1_500_000_000_000),
            (Resolution::Binary(10), 1, 976_562_500),
            (Resolution::Binary(63), u64::MAX, 1_999_999_999_999),
            (Resolution::Binary(127), u64::MAX, 0),
        ] {
            assert_eq!(resolution.ps(units), ps, "{units} of {resolution}");
        }
    }

    #[test]
    fn times_print_with_the_digits_that_are_needed() {
        assert_eq!(CaptureTime::from_ns(1_623_343_671_118_831_273).to_string(), "1623343671.118831273");
        assert_eq!(CaptureTime::from_s(5).to_string(), "5");
        assert_eq!(CaptureTime::from_ps(-1_500_000_000_000).to_string(), "-1.5");
    }

    proptest! {
        /// The whole unit that a floor belongs to: `floor(u * 10^12 / base^n)` lies within one below.
        #[test]
        fn the_floor_is_the_floor(units: u64, n in 0u8..=31, binary: bool) {
            let (resolution, base) = if binary { (Resolution::Binary(n), 2u128) } else { (Resolution::Decimal(n), 10) };
            let floor = u128::try_from(resolution.ps(units)).unwrap();
            let (exact, unit) = (u128::from(units) * 1_000_000_000_000, base.pow(u32::from(n)));
            prop_assert_eq!(exact / unit, floor);
        }
    }
}
