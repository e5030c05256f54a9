//! When the frames of a capture leave: capture times, a rate or a port's speed turned into instants of the run; pure arithmetic, no file.
//!
//! Everything is integers: what is scaled is carried with its remainder, so that frame `i` leaves
//! at the floor of the exact quotient, however many came before it. Nothing drifts.

use std::fmt;
use std::str::FromStr;

use crate::capture::CaptureTime;
use crate::time::{Instant, PS_PER_S, PortSpeed, Span, WIRE_OVERHEAD_OCTETS};

/// How the instants are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// By the gaps of the capture, divided by `speed`: at 2 it takes half the time.
    Captured {
        /// How many times as fast as it was captured.
        speed: Ratio,
    },
    /// A number of frames per second, evenly: frame `i` at `i / rate`.
    Pps(Ratio),
    /// Bits per second of frames as layer 2 counts them: FCS included, preamble and gap not.
    /// A frame leaves when those before it have taken their time at this rate.
    Rate {
        /// Bits per second, above 0.
        bps: u64,
    },
    /// Back to back at the speed of a port: each frame when the wire is free of the one before,
    /// preamble and gap included.
    TopSpeed {
        /// The port that they leave by.
        port: PortSpeed,
    },
}

/// Turns the frames of one source, in file order, into the instants at which they leave.
///
/// The first leaves at instant 0, or at its distance from a base that is given. A gap is taken
/// between neighbours in the file; one that is negative counts as zero, and is counted.
///
/// At a new file, or another round of the same one ([`Schedule::next_file`]), capture times start
/// on their own base: its first frame leaves after the last one by the last gap once more, so that
/// rounds do not run into each other and a year between two recordings is not waited for.
#[derive(Clone, Debug)]
pub struct Schedule {
    pace: Pace,
    ramp: Ramp,
    previous: Previous,
    last_gap_ps: u128,
    max_gap_ps: Option<u128>,
    regressions: u64,
    gaps_clamped: u64,
    unstamped: u64,
}

/// What the next gap counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Previous {
    /// Nothing left yet.
    None,
    /// Nothing of this file left yet, but of one before.
    OtherFile,
    /// A frame without a time left first; the next that has one does not move away from it.
    Unstamped,
    /// Nothing left yet, and this is the time of instant 0.
    Base(CaptureTime),
    /// The capture time of the last frame that had one.
    Time(CaptureTime),
}

impl Schedule {
    /// A schedule whose first frame leaves at instant 0.
    pub fn new(pace: Pace) -> Self {
        let (multiply, divide) = match pace {
            Pace::Captured { speed } => (speed.denominator.into(), speed.numerator),
            Pace::Pps(rate) => (u128::from(PS_PER_S) * u128::from(rate.denominator), rate.numerator),
            Pace::Rate { bps } => (PS_PER_S.into(), bps.max(1)),
            Pace::TopSpeed { port } => (port.ps_per_octet().into(), 1),
        };
        Schedule {
            pace,
            ramp: Ramp { multiply, divide, rest: 0, ps: 0, pending: 0 },
            previous: Previous::None,
            last_gap_ps: 0,
            max_gap_ps: None,
            regressions: 0,
            gaps_clamped: 0,
            unstamped: 0,
        }
    }

    /// Lets the first file begin at `base` in place of its first frame, so that captures that were
    /// taken together keep their places to each other.
    pub fn with_base(mut self, base: CaptureTime) -> Self {
        self.previous = Previous::Base(base);
        self
    }

    /// Takes a longer gap of the capture, before it is scaled, for `max_gap`.
    pub fn with_max_gap(mut self, max_gap: Span) -> Self {
        self.max_gap_ps = Some(max_gap.as_ps().into());
        self
    }

    /// When the next frame leaves: `time` is its capture time if it has one, `frame_octets` its length with FCS.
    #[inline]
    pub fn next(&mut self, time: Option<CaptureTime>, frame_octets: u32) -> Result<Instant, ScheduleError> {
        match self.pace {
            Pace::Captured { .. } => {
                let gap = self.gap_ps(time);
                self.ramp.advance(gap)
            }
            Pace::Pps(_) => self.ramp.step(1),
            Pace::Rate { .. } => self.ramp.step(u64::from(frame_octets) * 8),
            Pace::TopSpeed { .. } => self.ramp.step(u64::from(frame_octets) + WIRE_OVERHEAD_OCTETS),
        }
    }

    /// What follows comes from another file, or from the start of this one again.
    pub fn next_file(&mut self) {
        if !matches!(self.previous, Previous::None | Previous::Base(_)) {
            self.previous = Previous::OtherFile;
        }
    }

    /// Frames whose capture time lay before that of the frame before them.
    pub fn timestamp_regressions(&self) -> u64 {
        self.regressions
    }

    /// Gaps that were longer than allowed.
    pub fn gaps_clamped(&self) -> u64 {
        self.gaps_clamped
    }

    /// Frames without a capture time, which left with the one before.
    pub fn unstamped(&self) -> u64 {
        self.unstamped
    }

    /// The gap before the next frame in the capture's time.
    #[inline(always)]
    fn gap_ps(&mut self, time: Option<CaptureTime>) -> u128 {
        let Some(time) = time else {
            self.unstamped += 1;
            return match self.previous {
                Previous::None => {
                    self.previous = Previous::Unstamped;
                    0
                }
                Previous::OtherFile => {
                    self.previous = Previous::Unstamped;
                    self.last_gap_ps
                }
                Previous::Unstamped | Previous::Base(_) | Previous::Time(_) => 0,
            };
        };
        let previous = std::mem::replace(&mut self.previous, Previous::Time(time));
        match previous {
            Previous::None | Previous::Unstamped => 0,
            Previous::OtherFile => self.last_gap_ps,
            Previous::Base(base) => self.allowed(base, time),
            Previous::Time(before) => {
                self.last_gap_ps = self.allowed(before, time);
                self.last_gap_ps
            }
        }
    }

    #[inline(always)]
    fn allowed(&mut self, before: CaptureTime, time: CaptureTime) -> u128 {
        // Saturating: times made by hand can be further apart than 127 bits.
        let gap = time.as_ps().saturating_sub(before.as_ps());
        let Ok(gap) = u128::try_from(gap) else {
            self.regressions += 1;
            return 0;
        };
        match self.max_gap_ps {
            Some(max) if gap > max => {
                self.gaps_clamped += 1;
                max
            }
            _ => gap,
        }
    }
}

/// A running sum scaled by `multiply / divide`, rounded down once: the remainder is carried, never dropped.
#[derive(Clone, Debug)]
struct Ramp {
    multiply: u128,
    divide: u64,
    /// Below `divide`: what the quotient has over `ps`.
    rest: u64,
    ps: u64,
    /// What the last frame adds for the next one, where frames take time after they leave.
    pending: u64,
}

impl Ramp {
    /// Adds `amount` and gives the sum's instant.
    #[inline(always)]
    fn advance(&mut self, amount: u128) -> Result<Instant, ScheduleError> {
        if let (Ok(amount), Ok(multiply)) = (u64::try_from(amount), u64::try_from(self.multiply)) {
            let product = amount.checked_mul(multiply).and_then(|product| product.checked_add(self.rest));
            if let Some(product) = product {
                let (quotient, rest) =
                    if self.divide == 1 { (product, 0) } else { (product / self.divide, product % self.divide) };
                self.rest = rest;
                return self.move_by(quotient.into());
            }
        }
        self.advance_wide(amount)
    }

    /// The instant before `amount` is added, which is added for the next.
    #[inline(always)]
    fn step(&mut self, amount: u64) -> Result<Instant, ScheduleError> {
        let pending = std::mem::replace(&mut self.pending, amount);
        self.advance(pending.into())
    }

    /// As [`Ramp::advance`], for what does not fit in 64 bits.
    #[cold]
    fn advance_wide(&mut self, amount: u128) -> Result<Instant, ScheduleError> {
        let divide = u128::from(self.divide);
        // amount = whole * divide + part, so that a product overflows only where the instant does.
        let (whole, part) = (amount / divide, amount % divide);
        let sum = part.checked_mul(self.multiply).and_then(|product| product.checked_add(self.rest.into()));
        let (Some(whole), Some(sum)) = (whole.checked_mul(self.multiply), sum) else {
            return Err(ScheduleError::TooLate);
        };
        // The remainder is below `divide`, which has 64 bits.
        self.rest = (sum % divide) as u64;
        whole.checked_add(sum / divide).ok_or(ScheduleError::TooLate).and_then(|ps| self.move_by(ps))
    }

    #[inline(always)]
    fn move_by(&mut self, ps: u128) -> Result<Instant, ScheduleError> {
        let at = u64::try_from(ps).ok().and_then(|ps| self.ps.checked_add(ps));
        match at {
            Some(at) if Instant::from_ps(at) < Instant::MAX => {
                self.ps = at;
                Ok(Instant::from_ps(at))
            }
            _ => Err(ScheduleError::TooLate),
        }
    }
}

/// Why a frame has no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Later than a run can say.
    #[error(
        "a frame would leave more than 213 days after the start, the longest that a run can be; raise the speed (--speed), give a rate, or limit the gaps (--max-gap)"
    )]
    TooLate,
}

/// A positive number kept exactly: a numerator and a denominator of 64 bits, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// One.
    pub const ONE: Ratio = Ratio { numerator: 1, denominator: 1 };

    /// `numerator / denominator`; None if either is 0.
    pub const fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Ratio { numerator: numerator / a, denominator: denominator / a })
    }

    /// The numerator, in lowest terms.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// The denominator, in lowest terms.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }
}

/// A decimal number: `2`, `0.5`, `0.0000002`, `1e-7`, `1.5E3`.
impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().map_err(|_| RatioError::NotANumber)?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if digits.starts_with('-') {
            return Err(RatioError::NotPositive);
        }
        if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|c| c.is_ascii_digit()) {
            return Err(RatioError::NotANumber);
        }
        let fraction = fraction.trim_end_matches('0');
        let significant = [whole, fraction].concat();
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Err(RatioError::NotPositive);
        }
        let numerator: u64 = significant.parse().map_err(|_| RatioError::TooFine)?;
        let exponent = i64::from(exponent) - fraction.len() as i64;
        let power = u32::try_from(exponent.unsigned_abs()).ok().and_then(|n| 10u64.checked_pow(n));
        let power = power.ok_or(RatioError::TooFine)?;
        let ratio = if exponent < 0 {
            Ratio::new(numerator, power)
        } else {
            numerator.checked_mul(power).and_then(|numerator| Ratio::new(numerator, 1))
        };
        ratio.ok_or(RatioError::TooFine)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => self.numerator.fmt(f),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

/// Why a text is not a [`Ratio`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    /// No decimal number.
    #[error("not a number; write it as 2, 0.5 or 1e-7")]
    NotANumber,
    /// Zero or below.
    #[error("must be above zero")]
    NotPositive,
    /// More digits than 64 bits hold.
    #[error("too large or with too many digits to be kept exactly: 19 digits at the most")]
    TooFine,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn captured(speed: &str) -> Pace {
        Pace::Captured { speed: speed.parse().unwrap() }
    }

    /// The instants, in picoseconds, of frames of 64 octets at these times.
    fn instants(schedule: &mut Schedule, times_ps: &[i128]) -> Vec<u64> {
        let at = |&ps: &i128| schedule.next(Some(CaptureTime::from_ps(ps)), 64).unwrap().as_ps();
        times_ps.iter().map(at).collect()
    }

    #[test]
    fn ratios_are_exact_and_say_what_is_wrong() {
        for (text, numerator, denominator) in [
            ("2", 2, 1),
            ("0.50", 1, 2),
            (".5", 1, 2),
            ("5.", 5, 1),
            ("0.0000002", 1, 5_000_000),
            ("1e-7", 1, 10_000_000),
            ("2.5E3", 2500, 1),
            ("1000e-3", 1, 1),
            ("18446744073709551615", u64::MAX, 1),
        ] {
            let ratio: Ratio = text.parse().unwrap();
            assert_eq!((ratio.numerator(), ratio.denominator()), (numerator, denominator), "{text}");
        }
        for (text, error) in [
            ("", RatioError::NotANumber),
            (".", RatioError::NotANumber),
            ("1x", RatioError::NotANumber),
            ("1e", RatioError::NotANumber),
            ("+1", RatioError::NotANumber),
            ("nan", RatioError::NotANumber),
            ("0.000", RatioError::NotPositive),
            ("-2", RatioError::NotPositive),
            ("1e30", RatioError::TooFine),
            ("1e-20", RatioError::TooFine),
            ("1e-99999999999", RatioError::NotANumber),
            ("18446744073709551616", RatioError::TooFine),
        ] {
            assert_eq!(text.parse::<Ratio>(), Err(error), "{text}");
        }
    }

    #[test]
    fn another_file_follows_by_the_last_gap() {
        let mut schedule = Schedule::new(captured("2"));
        assert_eq!(instants(&mut schedule, &[1_000_000, 1_000_400, 1_001_000]), [0, 200, 500]);
        schedule.next_file();
        assert_eq!(instants(&mut schedule, &[7, 107]), [800, 850]);
        schedule.next_file();
        assert_eq!(instants(&mut schedule, &[7]), [900]);
        assert_eq!(schedule.timestamp_regressions(), 0, "another file's stamps are not compared");
    }

    #[test]
    fn a_base_keeps_captures_in_their_places() {
        let base = CaptureTime::from_ps(1_000);
        let mut schedule = Schedule::new(captured("1")).with_base(base);
        assert_eq!(instants(&mut schedule, &[1_500, 1_600]), [500, 600]);
        let mut early = Schedule::new(captured("1")).with_base(base);
        assert_eq!(instants(&mut early, &[900, 1_000]), [0, 100]);
        assert_eq!(early.timestamp_regressions(), 1);
    }

    #[test]
    fn frames_without_a_time_leave_with_the_one_before() {
        let mut schedule = Schedule::new(captured("1"));
        let times = [None, Some(5_000), None, Some(5_100), None];
        let at: Vec<u64> =
            times.iter().map(|t| schedule.next(t.map(CaptureTime::from_ps), 64).unwrap().as_ps()).collect();
        assert_eq!(at, [0, 0, 0, 100, 100], "the first time is the base even after a frame that has none");
        assert_eq!(schedule.unstamped(), 3);
    }

    #[test]
    fn rates_count_what_left_before() {
        let mut pps = Schedule::new(Pace::Pps("3".parse().unwrap()));
        assert_eq!(instants(&mut pps, &[0; 4]), [0, 333_333_333_333, 666_666_666_666, 1_000_000_000_000]);
        let mut rate = Schedule::new(Pace::Rate { bps: 512 });
        assert_eq!(instants(&mut rate, &[0; 3]), [0, 1_000_000_000_000, 2_000_000_000_000]);
        let mut top = Schedule::new(Pace::TopSpeed { port: PortSpeed::G100 });
        assert_eq!(instants(&mut top, &[0; 3]), [0, 6_720, 13_440]);
        let thousandth = top.next(None, 1518).and_then(|_| top.next(None, 64));
        assert_eq!(thousandth, Ok(Instant::from_ps(20_160 + 1538 * 80)));
    }

    #[test]
    fn an_instant_after_the_last_is_an_error_and_never_wraps() {
        let last = i128::from(u64::MAX) - 1;
        let mut schedule = Schedule::new(captured("1"));
        assert_eq!(instants(&mut schedule, &[0, last]), [0, u64::MAX - 1]);
        assert_eq!(schedule.next(Some(CaptureTime::from_ps(last + 1)), 64), Err(ScheduleError::TooLate));
        let mut slow = Schedule::new(captured("1e-19"));
        assert_eq!(instants(&mut slow, &[0]), [0]);
        assert_eq!(slow.next(Some(CaptureTime::from_ps(2)), 64), Err(ScheduleError::TooLate));
        let mut far = Schedule::new(captured("1e18"));
        assert_eq!(instants(&mut far, &[i128::MIN]), [0]);
        assert_eq!(far.next(Some(CaptureTime::from_ps(i128::MAX)), 64), Err(ScheduleError::TooLate));
    }

    proptest! {
        /// No drift: every instant is the floor of the whole sum scaled once.
        #[test]
        fn instants_are_floors_of_the_scaled_sum(
            gaps in prop::collection::vec(0u64..1 << 40, 1..50),
            numerator in 1u64..1 << 20,
            denominator in 1u64..1 << 20,
            shift in 0u32..10,
        ) {
            let speed = Ratio::new(numerator, denominator).unwrap();
            let mut schedule = Schedule::new(Pace::Captured { speed });
            let (mut sum, mut time) = (0u128, 1i128 << 80);
            prop_assert_eq!(instants(&mut schedule, &[time]), [0]);
            for gap in gaps {
                let gap = gap >> (shift * 4);
                sum += u128::from(gap);
                time += i128::from(gap);
                let expected = sum * u128::from(denominator) / u128::from(numerator);
                let at = schedule.next(Some(CaptureTime::from_ps(time)), 64);
                match u64::try_from(expected) {
                    Ok(ps) if ps < u64::MAX => prop_assert_eq!(at, Ok(Instant::from_ps(ps))),
                    _ => { prop_assert_eq!(at, Err(ScheduleError::TooLate)); break; }
                }
            }
        }

        /// The two ways of adding are one: what fits in 64 bits and what does not.
        #[test]
        fn wide_and_narrow_sums_agree(amounts in prop::collection::vec(0u64..1 << 30, 1..20), divide in 1u64..1 << 20) {
            let ramp = Ramp { multiply: 1_000_003, divide, rest: 0, ps: 0, pending: 0 };
            let (mut narrow, mut wide) = (ramp.clone(), ramp);
            for amount in amounts {
                prop_assert_eq!(narrow.advance(amount.into()), wide.advance_wide(amount.into()));
            }
        }

        /// Frame `i` of a rate leaves at the floor of `i / rate`.
        #[test]
        fn frames_per_second_are_even(rate in 1u64..1 << 34, thousandths in 0u64..1000, count in 1usize..300) {
            let ratio = Ratio::new(rate * 1000 + thousandths, 1000).unwrap();
            let mut schedule = Schedule::new(Pace::Pps(ratio));
            for i in 0..count as u128 {
                let expected = i * 1_000_000_000_000_000 / u128::from(rate * 1000 + thousandths);
                prop_assert_eq!(schedule.next(None, 64), Ok(Instant::from_ps(expected as u64)));
            }
        }

        /// No text panics.
        #[test]
        fn any_text_is_a_ratio_or_an_error(text in ".{0,24}", number in "[0-9.eE+-]{0,30}") {
            let _ = (text.parse::<Ratio>(), number.parse::<Ratio>());
        }
    }
}
