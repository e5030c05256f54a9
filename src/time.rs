//! Instants, spans and Ethernet port speeds in integer picoseconds; it reads no clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// An instant of a run, in integer picoseconds since its start.
///
/// A picosecond divides the time of an octet at every Ethernet rate exactly (80 ps at 100 Gb/s), a
/// nanosecond does not. The range is 213 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Instant(u64);

/// A length of time in integer picoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Span(u64);

/// Picoseconds in a second.
pub const PS_PER_S: u64 = 1_000_000_000_000;

impl Instant {
    /// The start of the run.
    pub const ZERO: Instant = Instant(0);
    /// Later than every instant of a run: "never".
    pub const MAX: Instant = Instant(u64::MAX);

    /// The instant `ps` picoseconds after the start of the run.
    #[inline(always)]
    pub const fn from_ps(ps: u64) -> Self {
        Instant(ps)
    }

    /// Picoseconds since the start of the run.
    #[inline(always)]
    pub const fn as_ps(self) -> u64 {
        self.0
    }

    /// The span since `earlier`, zero if `earlier` is later.
    #[inline(always)]
    pub const fn since(self, earlier: Instant) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This instant later by `span`, [`Instant::MAX`] where that is past the range.
    #[inline(always)]
    pub const fn saturating_add(self, span: Span) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}

impl Span {
    /// No time.
    pub const ZERO: Span = Span(0);
    /// Longer than any run.
    pub const MAX: Span = Span(u64::MAX);

    /// A span of `ps` picoseconds.
    #[inline(always)]
    pub const fn from_ps(ps: u64) -> Self {
        Span(ps)
    }

    /// A span of `ns` nanoseconds.
    pub const fn from_ns(ns: u64) -> Self {
        Span(ns * 1_000)
    }

    /// A span of `us` microseconds.
    pub const fn from_us(us: u64) -> Self {
        Span(us * 1_000_000)
    }

    /// A span of `ms` milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Span(ms * 1_000_000_000)
    }

    /// A span of `s` seconds.
    pub const fn from_s(s: u64) -> Self {
        Span(s * PS_PER_S)
    }

    /// Picoseconds.
    #[inline(always)]
    pub const fn as_ps(self) -> u64 {
        self.0
    }

    /// Both together, [`Span::MAX`] where that is past the range.
    #[inline(always)]
    pub const fn saturating_add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }

    /// Seconds, for people; never for arithmetic of the datapath.
    pub fn as_s_f64(self) -> f64 {
        self.0 as f64 / PS_PER_S as f64
    }
}

impl Add<Span> for Instant {
    type Output = Instant;

    #[inline(always)]
    fn add(self, span: Span) -> Instant {
        Instant(self.0 + span.0)
    }
}

impl AddAssign<Span> for Instant {
    #[inline(always)]
    fn add_assign(&mut self, span: Span) {
        self.0 += span.0;
    }
}

impl Add for Span {
    type Output = Span;

    #[inline(always)]
    fn add(self, other: Span) -> Span {
        Span(self.0 + other.0)
    }
}

impl Sub<Instant> for Instant {
    type Output = Span;

    #[inline(always)]
    fn sub(self, earlier: Instant) -> Span {
        debug_assert!(self.0 >= earlier.0, "time runs forward");
        Span(self.0 - earlier.0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

/// The largest unit that leaves at least one whole, with the digits that are needed and no more:
/// `1.5 ms`, `72 ns`, `6.72 ns`, `2 s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, ps) = match self.0 {
            0 => return f.write_str("0 s"),
            1..1_000 => ("ps", 1),
            1_000..1_000_000 => ("ns", 1_000),
            1_000_000..1_000_000_000 => ("us", 1_000_000),
            1_000_000_000..PS_PER_S => ("ms", 1_000_000_000),
            _ => ("s", PS_PER_S),
        };
        let (whole, rest) = (self.0 / ps, self.0 % ps);
        if rest == 0 {
            return write!(f, "{whole} {unit}");
        }
        let digits = ps.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        write!(f, "{whole}.{} {unit}", fraction.trim_end_matches('0'))
    }
}

/// The speed of an Ethernet port. An octet takes a whole number of picoseconds at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortSpeed {
    /// 1 Gb/s, 8000 ps per octet.
    G1,
    /// 10 Gb/s, 800 ps per octet.
    G10,
    /// 25 Gb/s, 320 ps per octet.
    G25,
    /// 40 Gb/s, 200 ps per octet.
    G40,
    /// 100 Gb/s, 80 ps per octet.
    G100,
    /// 400 Gb/s, 20 ps per octet.
    G400,
}

/// Preamble and start delimiter (8 octets) and inter-frame gap (12): what each frame costs on the
/// wire beyond its own octets (IEEE 802.3 §3.1.1, §4.4.2; RFC 2544 appendix B).
pub const WIRE_OVERHEAD_OCTETS: u64 = 20;

/// The smallest frame, FCS included (IEEE 802.3 §4.4.2 minFrameSize).
pub const MIN_FRAME_OCTETS: u16 = 64;

impl PortSpeed {
    /// Every speed, slowest first.
    pub const ALL: [PortSpeed; 6] =
        [PortSpeed::G1, PortSpeed::G10, PortSpeed::G25, PortSpeed::G40, PortSpeed::G100, PortSpeed::G400];

    /// Bits per second.
    pub const fn bps(self) -> u64 {
        self.gbps() * 1_000_000_000
    }

    /// Gigabits per second.
    pub const fn gbps(self) -> u64 {
        match self {
            PortSpeed::G1 => 1,
            PortSpeed::G10 => 10,
            PortSpeed::G25 => 25,
            PortSpeed::G40 => 40,
            PortSpeed::G100 => 100,
            PortSpeed::G400 => 400,
        }
    }

    /// Picoseconds that an octet takes.
    #[inline(always)]
    pub const fn ps_per_octet(self) -> u64 {
        8_000 / self.gbps()
    }

    /// The time on the wire of a frame of `octets` (FCS included), preamble and gap included.
    #[inline(always)]
    pub const fn wire_time(self, octets: u16) -> Span {
        Span((octets as u64 + WIRE_OVERHEAD_OCTETS) * self.ps_per_octet())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octet_is_a_whole_number_of_picoseconds_at_every_speed() {
        for speed in PortSpeed::ALL {
            assert_eq!(speed.ps_per_octet() * speed.gbps(), 8_000, "{speed:?}");
        }
        assert_eq!(PortSpeed::G100.wire_time(64), Span::from_ps(6_720));
        assert_eq!(PortSpeed::G10.wire_time(1518), Span::from_ps(1_230_400));
    }

    #[test]
    fn spans_print_with_the_digits_that_are_needed() {
        for (ps, text) in [
            (0, "0 s"),
            (7, "7 ps"),
            (6_720, "6.72 ns"),
            (1_000_000, "1 us"),
            (1_500_000_000, "1.5 ms"),
            (2_000_000_000_001, "2.000000000001 s"),
        ] {
            assert_eq!(Span::from_ps(ps).to_string(), text);
        }
    }
}
