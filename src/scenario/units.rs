//! Amounts with units, as people write them, to exact integers; where the number is not exact, it is refused.

/// What an amount measures, and so which units it may carry and what it is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A length of time, counted in picoseconds.
    Time,
    /// A rate, counted in bits per second.
    Rate,
    /// A rate, counted in frames per second.
    FrameRate,
    /// A part of a whole, counted in parts per 10^9.
    Share,
    /// An amount of data, counted in octets.
    Octets,
}

/// Why an amount is refused, and what would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    /// What is wrong with it.
    pub message: String,
    /// What would do.
    pub remedy: String,
}

/// `text`, such as `"1.5Mpps"` or `"300 ms"`, as an exact count of what `quantity` is counted in.
pub fn parse(text: &str, quantity: Quantity) -> Result<u64, UnitError> {
    let text = text.trim();
    let number_end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (number, unit) = (&text[..number_end], text[number_end..].trim());
    let refuse = |message: String| UnitError { message, remedy: quantity.advice() };
    let Some((digits, scale)) = decimal(number) else {
        return Err(refuse(quantity.no_number(text)));
    };
    if unit.is_empty() {
        return Err(refuse(format!("`{text}` has no unit")));
    }
    let Some(factor) = quantity.factor(unit) else {
        return Err(refuse(quantity.unknown_unit(unit)));
    };
    let too_large = || refuse(format!("`{text}` is too large"));
    let product = digits.checked_mul(factor).ok_or_else(too_large)?;
    let divisor = 10u128.pow(scale);
    if product % divisor != 0 {
        return Err(UnitError {
            message: format!("`{text}` is finer than {}", quantity.grain()),
            remedy: format!("round it to a whole number of {}", quantity.counted_in()),
        });
    }
    u64::try_from(product / divisor).map_err(|_| too_large())
}

impl Quantity {
    /// The number of grains in `unit`, if that is a unit of this.
    fn factor(self, unit: &str) -> Option<u128> {
        let exact = self.units().iter().find(|(name, _)| *name == unit);
        // No rate is counted in thousandths, so "10gbps" and "10mbps" can mean one thing only; "GBps" are octets.
        let loose = || {
            let rate = matches!(self, Quantity::Rate | Quantity::FrameRate) && !unit.contains('B');
            self.units().iter().find(|(name, _)| rate && name.eq_ignore_ascii_case(unit))
        };
        exact.or_else(loose).map(|(_, factor)| *factor)
    }

    const fn units(self) -> &'static [(&'static str, u128)] {
        match self {
            Quantity::Time => TIME,
            Quantity::Rate => RATE,
            Quantity::FrameRate => FRAME_RATE,
            Quantity::Share => SHARE,
            Quantity::Octets => OCTETS,
        }
    }

    /// A regular expression of how it is written, for editors; that a number is too fine or too large it does not see.
    pub(super) fn pattern(self) -> String {
        self.pattern_of(NUMBER, |_| true)
    }

    /// The same for numbers like `number` in the units that `takes` accepts.
    pub(super) fn pattern_of(self, number: &str, takes: impl Fn(&str) -> bool) -> String {
        // As in `factor`: rates are understood in letters of either size, octets (`B`) are none of them.
        let loose = matches!(self, Quantity::Rate | Quantity::FrameRate);
        let either = |c: char| match loose && c.is_ascii_alphabetic() && c != 'b' {
            true => format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase()),
            false => c.to_string(),
        };
        let units = self.units().iter().map(|(name, _)| *name).filter(|name| takes(name));
        let units: Vec<String> = units.map(|name| name.chars().map(either).collect()).collect();
        format!("^\\s*{number}\\s*(?:{})\\s*$", units.join("|"))
    }

    /// What it is, for messages.
    pub const fn noun(self) -> &'static str {
        match self {
            Quantity::Time => "a length of time",
            Quantity::Rate => "a rate in bits per second",
            Quantity::FrameRate => "a rate in frames per second",
            Quantity::Share => "a share",
            Quantity::Octets => "an amount of octets",
        }
    }

    const fn counted_in(self) -> &'static str {
        match self {
            Quantity::Time => "picoseconds",
            Quantity::Rate => "bits per second",
            Quantity::FrameRate => "frames per second",
            Quantity::Share => "parts per 10^9 (0.0000001%)",
            Quantity::Octets => "octets",
        }
    }

    const fn grain(self) -> &'static str {
        match self {
            Quantity::Time => "a picosecond",
            Quantity::Rate => "a bit per second",
            Quantity::FrameRate => "a frame per second",
            Quantity::Share => "a part per 10^9",
            Quantity::Octets => "an octet",
        }
    }

    /// How it is written.
    pub const fn examples(self) -> &'static str {
        match self {
            Quantity::Time => "\"300ms\" or \"2.5us\"; the units are ps, ns, us, ms, s, min and h",
            Quantity::Rate => "\"10G\" or \"1.5Gbps\"; the units are k, M, G and T, with or without bps, or bps alone",
            Quantity::FrameRate => "\"1.5Mpps\"; the units are pps, kpps, Mpps and Gpps",
            Quantity::Share => "\"40%\" or \"5ppm\"; the units are %, ppm and ppb",
            Quantity::Octets => {
                "\"512KiB\", \"1MB\" or \"64 octets\"; the units are octets (B), kB, MB, GB, KiB, MiB and GiB"
            }
        }
    }

    fn advice(self) -> String {
        format!("write {} like {}", self.noun(), self.examples())
    }

    fn no_number(self, text: &str) -> String {
        match text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            true => format!("`{text}` is negative"),
            false if text.is_empty() => format!("an empty text is not {}", self.noun()),
            false => format!("`{text}` is not {}: it does not start with one decimal number", self.noun()),
        }
    }

    fn unknown_unit(self, unit: &str) -> String {
        let others = [Quantity::Time, Quantity::Rate, Quantity::FrameRate, Quantity::Share, Quantity::Octets];
        let other = others.into_iter().find(|other| *other != self && other.factor(unit).is_some());
        match other {
            Some(other) => format!("`{unit}` measures {}, and {} is wanted", other.noun(), self.noun()),
            None if self == Quantity::Rate && unit.contains('B') => {
                format!("`{unit}` counts octets, and {} is wanted", self.noun())
            }
            None => format!("there is no unit `{unit}`"),
        }
    }
}

/// The digits of a decimal number without its point, and how many stand behind the point. `None` if it is none or has
/// more digits than any amount needs.
fn decimal(number: &str) -> Option<(u128, u32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let pointless = !number.contains('.');
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    if !digit(whole.chars().next()) || !digit(whole.chars().last()) || !(pointless || digit(fraction.chars().next())) {
        return None;
    }
    let digits: String = [whole, fraction].concat().chars().filter(|c| *c != '_').collect();
    let scale = fraction.chars().filter(char::is_ascii_digit).count();
    if digits.len() > MOST_DIGITS {
        return None;
    }
    Some((digits.parse().ok()?, u32::try_from(scale).ok()?))
}

/// Digits of a number at most. Every u64 fits; a product with a unit that does not fit 128 bits is found and refused.
const MOST_DIGITS: usize = 24;

/// What `decimal` reads, as a regular expression, but for the number of its digits.
pub(super) const NUMBER: &str = r"[0-9](?:[0-9_]*[0-9])?(?:\.[0-9][0-9_]*)?";

const TIME: &[(&str, u128)] = &[
    ("ps", 1),
    ("ns", 1_000),
    ("us", 1_000_000),
    ("µs", 1_000_000),
    ("μs", 1_000_000),
    ("ms", 1_000_000_000),
    ("s", 1_000_000_000_000),
    ("min", 60_000_000_000_000),
    ("h", 3_600_000_000_000_000),
];

const RATE: &[(&str, u128)] = &[
    ("bps", 1),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("kbps", 1_000),
    ("Mbps", 1_000_000),
    ("Gbps", 1_000_000_000),
    ("Tbps", 1_000_000_000_000),
    ("bit/s", 1),
    ("kbit/s", 1_000),
    ("Mbit/s", 1_000_000),
    ("Gbit/s", 1_000_000_000),
    ("Tbit/s", 1_000_000_000_000),
    ("b/s", 1),
    ("kb/s", 1_000),
    ("Mb/s", 1_000_000),
    ("Gb/s", 1_000_000_000),
    ("Tb/s", 1_000_000_000_000),
];

const FRAME_RATE: &[(&str, u128)] =
    &[("pps", 1), ("kpps", 1_000), ("Mpps", 1_000_000), ("Gpps", 1_000_000_000), ("fps", 1)];

const SHARE: &[(&str, u128)] = &[("%", 10_000_000), ("ppm", 1_000), ("ppb", 1)];

const OCTETS: &[(&str, u128)] = &[
    ("octets", 1),
    ("octet", 1),
    ("bytes", 1),
    ("byte", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// `10 Gbps`: a rate for messages, in the largest unit that leaves a whole number.
pub fn rate_text(bps: u64) -> String {
    let units = [(1_000_000_000_000, "Tbps"), (1_000_000_000, "Gbps"), (1_000_000, "Mbps"), (1_000, "kbps")];
    match units.into_iter().find(|(size, _)| bps != 0 && bps.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{} {unit}", bps / size),
        None => format!("{bps} bps"),
    }
}

/// `12.346 Gbps`: a rate that need not be a round one, in the largest unit that it has one of, to the third digit behind
/// the point, rounded up: what is over a limit stays over it.
pub fn rate_rounded_up(bps: u64) -> String {
    let units = [(1_000_000_000_000, "Tbps"), (1_000_000_000, "Gbps"), (1_000_000, "Mbps"), (1_000, "kbps")];
    let Some((size, unit)) = units.into_iter().find(|(size, _)| bps >= *size) else { return format!("{bps} bps") };
    let thousandths = bps.div_ceil(size / 1000);
    let (whole, rest) = (thousandths / 1000, format!("{:03}", thousandths % 1000));
    match rest.trim_end_matches('0') {
        "" => format!("{whole} {unit}"),
        digits => format!("{whole}.{digits} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_exact() {
        for (text, quantity, grains) in [
            ("100G", Quantity::Rate, 100_000_000_000),
            ("10Gbps", Quantity::Rate, 10_000_000_000),
            ("2.5 Gbit/s", Quantity::Rate, 2_500_000_000),
            ("10gbps", Quantity::Rate, 10_000_000_000),
            ("50 mbps", Quantity::Rate, 50_000_000),
            ("1.5Mpps", Quantity::FrameRate, 1_500_000),
            ("300ms", Quantity::Time, 300_000_000_000),
            ("0.1us", Quantity::Time, 100_000),
            ("6.72 ns", Quantity::Time, 6_720),
            ("1_000 s", Quantity::Time, 1_000_000_000_000_000),
            ("2.5h", Quantity::Time, 9_000_000_000_000_000),
            ("40%", Quantity::Share, 400_000_000),
            ("7 ppb", Quantity::Share, 7),
            ("0.0000001 %", Quantity::Share, 1),
            ("512KiB", Quantity::Octets, 524_288),
            ("1MB", Quantity::Octets, 1_000_000),
            ("0.5 KiB", Quantity::Octets, 512),
            ("64 octets", Quantity::Octets, 64),
            ("18446744073709551615ps", Quantity::Time, u64::MAX),
        ] {
            assert_eq!(parse(text, quantity), Ok(grains), "{text}");
        }
    }

    #[test]
    fn what_is_not_exact_or_not_of_the_kind_is_refused_in_words() {
        for (text, quantity, words) in [
            ("3.5 frobs", Quantity::Time, "there is no unit `frobs`"),
            ("5ms", Quantity::Rate, "`ms` measures a length of time, and a rate in bits per second is wanted"),
            ("10GBps", Quantity::Rate, "`GBps` counts octets, and a rate in bits per second is wanted"),
            ("0.5ps", Quantity::Time, "`0.5ps` is finer than a picosecond"),
            ("0.00000001%", Quantity::Share, "`0.00000001%` is finer than a part per 10^9"),
            ("1.5 octets", Quantity::Octets, "`1.5 octets` is finer than an octet"),
            ("-5ms", Quantity::Time, "`-5ms` is negative"),
            ("12", Quantity::Time, "`12` has no unit"),
            ("", Quantity::Time, "an empty text is not a length of time"),
            (
                "fast",
                Quantity::Rate,
                "`fast` is not a rate in bits per second: it does not start with one decimal number",
            ),
            ("1.2.3s", Quantity::Time, "`1.2.3s` is not a length of time: it does not start with one decimal number"),
            ("18446744073709551616ps", Quantity::Time, "`18446744073709551616ps` is too large"),
            ("999999999999999999999999h", Quantity::Time, "`999999999999999999999999h` is too large"),
            ("10 M", Quantity::Octets, "`M` measures a rate in bits per second, and an amount of octets is wanted"),
        ] {
            assert_eq!(parse(text, quantity).map_err(|error| error.message), Err(words.to_owned()), "{text}");
        }
    }

    #[test]
    fn rates_are_told_in_their_largest_whole_unit() {
        assert_eq!([0, 1_500, 50_000_000, 10_000_000_000].map(rate_text), ["0 bps", "1500 bps", "50 Mbps", "10 Gbps"]);
    }

    #[test]
    fn rates_are_rounded_up_to_the_third_digit() {
        let rates = [0, 999, 1_000, 1_500_000, 10_000_000_000, 10_000_000_001, 999_999_999, 2_345_678_901_234];
        let texts = ["0 bps", "999 bps", "1 kbps", "1.5 Mbps", "10 Gbps", "10.001 Gbps", "1000 Mbps", "2.346 Tbps"];
        assert_eq!(rates.map(rate_rounded_up), texts);
    }

    fn patterns() -> &'static [(Quantity, jsonschema::Validator)] {
        static PATTERNS: std::sync::LazyLock<Vec<(Quantity, jsonschema::Validator)>> = std::sync::LazyLock::new(|| {
            let all = [Quantity::Time, Quantity::Rate, Quantity::FrameRate, Quantity::Share, Quantity::Octets];
            let schema = |quantity: Quantity| serde_json::json!({ "pattern": quantity.pattern() });
            all.map(|quantity| (quantity, jsonschema::validator_for(&schema(quantity)).unwrap())).into()
        });
        &PATTERNS
    }

    /// Every unit as it is written, in small and in large letters.
    #[test]
    fn patterns_have_all_units() {
        for (quantity, pattern) in patterns() {
            for (unit, _) in quantity.units() {
                for text in [
                    format!("7{unit}"),
                    format!(" 1_0 {unit}"),
                    format!("7{}", unit.to_uppercase()),
                    format!("7{}", unit.to_lowercase()),
                ] {
                    assert_eq!(pattern.is_valid(&text.clone().into()), parse(&text, *quantity).is_ok(), "{text}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            for quantity in [Quantity::Time, Quantity::Rate, Quantity::FrameRate, Quantity::Share, Quantity::Octets] {
                let _ = parse(&text, quantity);
            }
        }

        /// Amounts and what comes close: what is read matches, and what matches and is not read is too long, too fine
        /// or too large.
        #[test]
        fn patterns_are_what_is_read(text in "[ \t]?[0-9_.]{0,3}[0-9]{1,25}[0-9_.]{0,3} ?[kKMGTpPbBisS/tunmhcµμ%f]{0,6}") {
            for (quantity, pattern) in patterns() {
                let matches = pattern.is_valid(&text.clone().into());
                match parse(&text, *quantity) {
                    Ok(_) => prop_assert!(matches, "{text}"),
                    Err(error) if matches => {
                        let digits = text.chars().filter(char::is_ascii_digit).count();
                        let words = ["too large", "finer than"];
                        let is_amount = words.iter().any(|words| error.message.contains(words)) || digits > MOST_DIGITS;
                        prop_assert!(is_amount, "{text}: {}", error.message);
                    }
                    Err(_) => {}
                }
            }
        }

        #[test]
        fn a_decimal_is_the_integer_that_long_division_gives(whole in 0u64..1_000_000, milli in 0u64..1_000) {
            prop_assert_eq!(parse(&format!("{whole}.{milli:03}ms"), Quantity::Time), Ok(whole * 1_000_000_000 + milli * 1_000_000));
        }
    }
}
