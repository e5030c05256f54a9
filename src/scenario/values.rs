//! What single values must be: numbers in range, names, prefixes, labels, amounts with units; each refusal has its remedy.

use std::ops::RangeInclusive;

use ipnet::IpNet;
use toml::de::DeValue;

use super::nearest::{did_you_mean, listed, nearest};
use super::reader::{Fault, Value};
use super::source::Located;
use super::units::{self, Quantity};
use crate::time::{PortSpeed, Span};
use crate::wire::mpls::Label;
use crate::wire::vlan::Vid;

/// A text of 1 to 200 characters without control characters.
pub(super) fn text(value: Value<'_>) -> Result<String, Fault> {
    let text = value.text()?;
    let message = match text.chars().count() {
        0 => format!("`{}` is empty", value.key),
        201.. => format!("`{}` is longer than 200 characters", value.key),
        _ if text.chars().any(char::is_control) => format!("`{}` holds control characters", value.key),
        _ => return Ok(text.to_owned()),
    };
    Err(Fault::new(message, "", "write 1 to 200 characters on one line"))
}

/// `true` or `false`.
pub(super) fn boolean(value: Value<'_>) -> Result<bool, Fault> {
    let wrong = || match value.value.as_str() {
        Some(word @ ("true" | "false")) => {
            Fault { remedy: format!("leave the quotes away: {word}"), ..value.wrong_type("true or false") }
        }
        _ => value.wrong_type("true or false"),
    };
    value.value.as_bool().ok_or_else(wrong)
}

/// An integer in `range`.
pub(super) fn integer(range: RangeInclusive<u64>) -> impl Fn(Value<'_>) -> Result<u64, Fault> {
    move |value| {
        let Some(integer) = value.value.as_integer() else {
            return Err(value.wrong_type(&format!("an integer from {} to {}", range.start(), range.end())));
        };
        match i128::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|n| u64::try_from(n).ok()) {
            Some(number) if range.contains(&number) => Ok(number),
            _ => {
                let message = format!("`{}` is {integer}, out of range", value.key);
                Err(Fault::new(message, "out of range", format!("write {} to {}", range.start(), range.end())))
            }
        }
    }
}

/// An integer of 8 bits in `range`.
pub(super) fn small(range: RangeInclusive<u8>) -> impl Fn(Value<'_>) -> Result<u8, Fault> {
    // The range ends at 255 at the most.
    move |value| integer(u64::from(*range.start())..=u64::from(*range.end()))(value).map(|n| n as u8)
}

/// The meaning of one of `words`.
pub(super) fn choice<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(Value<'_>) -> Result<T, Fault> {
    move |value| {
        let names = || words.iter().map(|(word, _)| *word);
        let all = || names().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let Some(word) = value.value.as_str() else {
            return Err(Fault { remedy: format!("write one of {}", all()), ..value.wrong_type("a word in quotes") });
        };
        if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == word) {
            return Ok(*meaning);
        }
        let message = format!("`{}` cannot be \"{word}\"", value.key);
        let remedy = match nearest(word, names()) {
            Some(near) => format!("did you mean \"{near}\"? The words here are {}", all()),
            None => format!("the words here are {}", all()),
        };
        Err(Fault::new(message, "no such word", remedy))
    }
}

/// The place of a name in `names`, which are of things called `what`.
pub(super) fn reference<'n>(
    what: &'static str,
    names: &'n [Located<String>],
) -> impl Fn(Value<'_>) -> Result<usize, Fault> + 'n {
    move |value| named(what, names, value.text()?)
}

/// The place of `name` in `names`, which are of things called `what`.
pub(super) fn named(what: &str, names: &[Located<String>], name: &str) -> Result<usize, Fault> {
    if let Some(place) = names.iter().position(|known| known.value == name) {
        return Ok(place);
    }
    let known = || names.iter().map(|name| name.value.as_str());
    let otherwise = match names.is_empty() {
        true => format!("there is no {what} in this file; write one"),
        false => format!("the names here are {}", listed(known())),
    };
    let remedy = did_you_mean(name, known(), otherwise);
    Err(Fault::new(format!("there is no {what} called `{name}`"), "no such name", remedy))
}

/// An amount of `quantity`.
fn amount(value: Value<'_>, quantity: Quantity) -> Result<u64, Fault> {
    let wanted = format!("{} in quotes", quantity.noun());
    let remedy = format!("write it with a unit, in quotes, like {}", quantity.examples());
    let Some(text) = value.value.as_str() else {
        return Err(Fault { remedy, ..value.wrong_type(&wanted) });
    };
    units::parse(text, quantity)
        .map_err(|error| Fault::new(format!("`{}`: {}", value.key, error.message), "not understood", error.remedy))
}

/// A length of time from `least` to `most`.
pub(super) fn span(least: Span, most: Span) -> impl Fn(Value<'_>) -> Result<Span, Fault> {
    move |value| {
        let span = Span::from_ps(amount(value, Quantity::Time)?);
        if (least..=most).contains(&span) {
            return Ok(span);
        }
        let message = format!("`{}` is {span}, out of range", value.key);
        Err(Fault::new(message, "out of range", format!("write {} to {}", quoted(least), quoted(most))))
    }
}

/// The delay of a link: a link without any has no lookahead, and none is shorter than 20 m of fibre.
pub(super) fn delay(value: Value<'_>) -> Result<Span, Fault> {
    let span = Span::from_ps(amount(value, Quantity::Time)?);
    if span < LEAST_DELAY {
        let message = format!("`{}` is {span}: a link's delay is at least 100 ns (20 m of fibre)", value.key);
        return Err(Fault::new(message, "too short", "write \"100ns\" or more"));
    }
    if span > MOST_DELAY {
        let message = format!("`{}` is {span}: no link is that long", value.key);
        return Err(Fault::new(message, "too long", format!("write {} or less", quoted(MOST_DELAY))));
    }
    Ok(span)
}

fn quoted(span: Span) -> String {
    format!("\"{}\"", span.to_string().replace(' ', ""))
}

/// A share of a whole, in parts per 10^9.
pub(super) fn share_ppb(value: Value<'_>) -> Result<u32, Fault> {
    match amount(value, Quantity::Share)? {
        // At most 10^9.
        ppb @ 0..=1_000_000_000 => Ok(ppb as u32),
        _ => Err(Fault::new(format!("`{}` is over 100%", value.key), "too much", "write \"0%\" to \"100%\"")),
    }
}

/// A rate in bits per second.
pub(super) fn rate_bps(value: Value<'_>) -> Result<u64, Fault> {
    amount(value, Quantity::Rate)
}

/// Octets in `range`, as an amount or as a plain integer.
pub(super) fn octets(range: RangeInclusive<u64>) -> impl Fn(Value<'_>) -> Result<u64, Fault> {
    move |value| {
        if value.value.is_integer() {
            return integer(range.clone())(value);
        }
        let octets = amount(value, Quantity::Octets)?;
        if range.contains(&octets) {
            return Ok(octets);
        }
        let message = format!("`{}` is {octets} octets, out of range", value.key);
        Err(Fault::new(message, "out of range", format!("write {} to {} octets", range.start(), range.end())))
    }
}

/// The speed of a port, of those that `speeds` lists.
pub(super) fn port_speed(speeds: &'static [PortSpeed]) -> impl Fn(Value<'_>) -> Result<PortSpeed, Fault> {
    move |value| {
        let bps = amount(value, Quantity::Rate)?;
        if let Some(speed) = speeds.iter().find(|speed| speed.bps() == bps) {
            return Ok(*speed);
        }
        let all: Vec<String> = speeds.iter().map(|speed| format!("\"{}G\"", speed.gbps())).collect();
        let message = format!("`{}` is {}: there are no such ports here", value.key, units::rate_text(bps));
        Err(Fault::new(message, "no such speed", format!("write one of {}", all.join(", "))))
    }
}

/// The number of an autonomous system that a customer may have.
pub(super) fn asn(value: Value<'_>) -> Result<u32, Fault> {
    // The range ends at 2^32 - 1.
    let asn = integer(1..=u64::from(u32::MAX))(value)? as u32;
    let whose = match asn {
        65_515..=65_520 => "reserved by Microsoft (65515 to 65520)",
        12_076 => "Microsoft's own",
        23_456 => "AS_TRANS, which stands for 4-octet numbers (RFC 6793)",
        65_535 | u32::MAX => "reserved (RFC 7300)",
        _ => return Ok(asn),
    };
    let remedy = "use your own number, or a private one: 64512 to 65514 or 65521 to 65534 (RFC 6996)";
    Err(Fault::new(format!("`{}` is {asn}, which is {whose}", value.key), "not yours", remedy))
}

/// A prefix without bits set behind its length.
pub(super) fn prefix(value: Value<'_>) -> Result<IpNet, Fault> {
    let net = network(value)?;
    if net.addr() != net.network() {
        let message = format!("`{net}` has bits set behind its length");
        return Err(Fault::new(message, "host bits", format!("write \"{}\"", net.trunc())));
    }
    Ok(net)
}

/// An address with the length of its prefix.
pub(super) fn network(value: Value<'_>) -> Result<IpNet, Fault> {
    let text = value.text()?;
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok(net);
    }
    let remedy = match text.parse::<std::net::IpAddr>() {
        Ok(address) if address.is_ipv4() => format!("add a length: \"{address}/32\""),
        Ok(address) => format!("add a length: \"{address}/128\""),
        Err(_) => "write it like \"10.10.0.0/16\" or \"2001:db8::/48\"".to_owned(),
    };
    Err(Fault::new(format!("`{text}` is not an IP prefix"), "not a prefix", remedy))
}

/// A VLAN identifier.
pub(super) fn vid(value: Value<'_>) -> Result<Vid, Fault> {
    let number = integer(0..=4095)(value).map_err(|fault| Fault { remedy: "write 1 to 4094".to_owned(), ..fault })?;
    // The range ends at 4095.
    Vid::new(number as u16).ok_or_else(|| {
        let why = if number == 0 { "0 marks a priority tag, which is no VLAN" } else { "4095 is reserved" };
        Fault::new(format!("`{}` cannot be {number}: {why} (IEEE 802.1Q)", value.key), "no VLAN", "write 1 to 4094")
    })
}

/// A tag protocol identifier of those in `allowed`, as `"0x88a8"` or 0x88a8.
pub(super) fn tpid(allowed: &'static [u16]) -> impl Fn(Value<'_>) -> Result<u16, Fault> {
    move |value| {
        let number = match value.value {
            DeValue::String(text) => text.strip_prefix("0x").and_then(|digits| u16::from_str_radix(digits, 16).ok()),
            DeValue::Integer(integer) => u16::from_str_radix(integer.as_str(), integer.radix()).ok(),
            _ => return Err(value.wrong_type("a tag protocol identifier such as \"0x8100\"")),
        };
        if let Some(tpid) = number.filter(|number| allowed.contains(number)) {
            return Ok(tpid);
        }
        let all: Vec<String> = allowed.iter().map(|tpid| format!("\"{tpid:#06x}\"")).collect();
        let message = format!("`{}` is not a tag protocol identifier that can be used here", value.key);
        Err(Fault::new(message, "not possible here", format!("write one of {}", all.join(", "))))
    }
}

/// A label that a router may assign.
pub(super) fn label(value: Value<'_>) -> Result<Label, Fault> {
    if let Some(word) = value.value.as_str() {
        return Err(null_word_in_place_of_label(value, word));
    }
    let fault = |message: String, remedy: &str| Fault::new(message, "not an ordinary label", remedy);
    let number =
        integer(0..=u64::from(u32::MAX))(value).map_err(|wrong| Fault { remedy: LABELS.to_owned(), ..wrong })?;
    // The range ends at 2^32 - 1.
    Label::new(number as u32).ok_or_else(|| match number {
        0 | 2 => fault(
            format!("label {number} is an explicit null (RFC 3032 §2.1)"),
            "write \"explicit-null\" (IPv4) or \"ipv6-explicit-null\" to push it; routers pop it without an entry",
        ),
        3 => fault(
            "label 3 is implicit null, never on the wire (RFC 3032 §2.1)".to_owned(),
            "write \"implicit-null\" as the only `out` of a swap, or `do = \"pop\"`",
        ),
        0..=15 => fault(format!("label {number} is special-purpose (RFC 7274): 0 to 15 are reserved"), LABELS),
        _ => fault(format!("label {number} does not fit: a label has 20 bits"), LABELS),
    })
}

fn null_word_in_place_of_label(value: Value<'_>, word: &str) -> Fault {
    match word {
        "explicit-null" | "ipv6-explicit-null" => {
            let message = format!("`{}` needs no entry for \"{word}\"", value.key);
            Fault::new(
                message,
                "always popped",
                "take the entry away; `null_ttl` of the router says how its TTL counts",
            )
        }
        "implicit-null" => {
            let message = format!("`{}` cannot be \"implicit-null\": it is never on the wire", value.key);
            Fault::new(message, "never on the wire", LABELS)
        }
        _ => Fault { remedy: LABELS.to_owned(), ..value.wrong_type("a label") },
    }
}

/// A name, well formed; whether another thing has it is not seen.
pub(super) fn name(value: Value<'_>) -> Result<String, Fault> {
    let name = value.text()?;
    name_fault(name).map_or(Ok(name.to_owned()), Err)
}

/// What may stand in a name; names become parts of port names such as `london.primary`.
pub(super) fn name_fault(name: &str) -> Option<Fault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let message = match name.len() {
        0 => "a name is empty".to_owned(),
        33.. => format!("the name `{}...` is longer than 32 characters", name.chars().take(32).collect::<String>()),
        _ if !name.chars().all(fits) => format!("the name `{name}` holds characters that names cannot have"),
        _ if name.starts_with('-') => format!("the name `{name}` starts with a hyphen, like an option"),
        _ => return None,
    };
    Some(Fault::new(message, "not a name", "use 1 to 32 letters a-z and A-Z, digits, `_` and `-`"))
}

/// The shortest delay of a link.
pub(super) const LEAST_DELAY: Span = Span::from_ns(100);

/// The longest: past a bent pipe through a geostationary satellite, and beyond.
const MOST_DELAY: Span = Span::from_s(10);

const LABELS: &str = "write 16 to 1048575";
