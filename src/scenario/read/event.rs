//! `[[event]]`: what happens to which link, and when; what cannot happen is refused where it is written.

mod target;

use super::{LONGEST_RUN, names_once};
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::model::{BackgroundLoad, Event, EventKind, Fibres, Ways};
use crate::scenario::reader::{Fault, Table, Value};
use crate::scenario::source::Located;
use crate::scenario::units::{self, Quantity};
use crate::scenario::values;
use crate::time::{MIN_FRAME_OCTETS, PortSpeed, Span};
use crate::wire::ethernet::MAX_FRAME_OCTETS;

pub(super) use target::Targets;
use target::{Found, WAYS, Written};

/// All events, in the order of the file.
pub(super) fn events(
    tables: Vec<Table<'_>>,
    targets: &Targets<'_>,
    duration: Option<Span>,
    problems: &Problems,
) -> Vec<Option<Event>> {
    if let Some(over) = tables.get(MOST_EVENTS) {
        let message = format!("{} events are more than one scenario holds", tables.len());
        let over = Diagnostic::error(over.at(), message).label(format!("number {}", MOST_EVENTS + 1));
        problems.report(over.remedy(format!("write {MOST_EVENTS} events at the most")));
    }
    let events: Vec<_> = tables.into_iter().map(|table| event(table, targets, duration)).collect();
    names_once("events", events.iter().flatten().map(|event| &event.name), problems);
    events
}

fn event(mut table: Table<'_>, targets: &Targets<'_>, duration: Option<Span>) -> Option<Event> {
    let name = match (table.has("name"), table.optional("name", values::name)) {
        (true, None) => Err(()),
        (_, name) => Ok(name),
    };
    let times = times(&mut table, duration);
    let kind = table.required("do", "\"cut\"", values::choice(KINDS)).map(|kind| kind.value);
    let text = table.peek("target").and_then(|value| value.value.as_str()).unwrap_or_default().to_owned();
    let target = table.required("target", "\"london.primary\"", |value| targets.find(value));
    // What could not be read of the target's own table was told there.
    let target = target.and_then(|target| Some(Located::new(target.value?, target.at)));
    let what = match kind {
        Some(kind) => what(&mut table, kind, target),
        None => {
            // Keys that depend on a word which cannot be read: none of them is told to be unknown.
            for (key, _) in OWN_KEYS {
                table.value(key);
            }
            None
        }
    };
    let (at, lasts) = times?;
    let (what, target) = (what?, target?);
    let noun = if what.word() == "congest" { "congestion" } else { what.word() };
    let default = format!("{noun} of {text} at {}", at.value.to_string().replace(' ', ""));
    Some(Event {
        name: name.ok()?.unwrap_or(Located::new(default, table.at())),
        written: table.at(),
        at,
        lasts,
        target: target.map(|found| found.target),
        what,
    })
}

/// `at`, and `for` if it is written; `None` where something is wrong, which is reported then.
fn times(table: &mut Table<'_>, duration: Option<Span>) -> Option<(Located<Span>, Option<Located<Span>>)> {
    let at = table.required("at", "\"2s\"", values::span(Span::ZERO, LONGEST_RUN));
    let lasts = table.optional("for", values::span(Span::from_ps(1), LONGEST_RUN));
    if lasts.is_some() != table.has("for") {
        return None;
    }
    let at = at?;
    let remedy = |duration: Span| format!("let it lie within that, or write a longer `duration` than {duration}");
    match (lasts, duration) {
        (_, Some(duration)) if at.value >= duration => {
            let message = format!("the event is at {}, and the scenario's `duration` is {duration}", at.value);
            table.report(Diagnostic::error(at.at, message).label("never").remedy(remedy(duration)));
            None
        }
        (Some(lasts), Some(duration)) if at.value.saturating_add(lasts.value) > duration => {
            let over = at.value.saturating_add(lasts.value);
            let message = format!("the event is over at {over}, and the scenario's `duration` is {duration}");
            let late = Diagnostic::error(lasts.at, message).label("after the end").also(at.at, "it begins here");
            table.report(late.remedy("take `for` away: without it the event lasts as long as the run"));
            None
        }
        _ => Some((at, lasts)),
    }
}

/// What happens, as the keys of `kind` say; those of other kinds are refused.
fn what(table: &mut Table<'_>, kind: Kind, target: Option<Located<Found>>) -> Option<EventKind> {
    for (key, kinds) in OWN_KEYS.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
        let words: Vec<String> = kinds.iter().map(|kind| format!("`do = \"{}\"`", kind.word())).collect();
        table.refuse(key, format!("`{key}` goes with {}", words.join(" and ")), "take it away, or write another `do`");
    }
    match kind {
        Kind::Cut => {
            let fibres = fibres(table, target);
            let place = table.optional("at_share", values::share_ppb);
            let place = if table.has("at_share") { place?.value } else { HALF_WAY_PPB };
            Some(EventKind::Cut { fibres: fibres?, place_ppb: target?.value.place_ppb(place) })
        }
        Kind::Blackhole => ways(table, "direction", target).map(|ways| EventKind::Blackhole { ways }),
        Kind::Congest => {
            let ways = ways(table, "direction", target);
            let load = table.required("rate", "\"120%\"", load);
            let octets = values::integer(MIN_FRAME_OCTETS.into()..=MAX_FRAME_OCTETS.into());
            // The range ends at 16384.
            let frame_octets = table.optional("frame", octets).map_or(FRAME_OCTETS, |octets| octets.value as u16);
            let class = table.optional("class", values::small(0..=7)).map_or(0, |class| class.value);
            Some(EventKind::Congest { ways: ways?, load: load?.value, frame_octets, class })
        }
    }
}

/// `fibre`, and what the loss of one brings at the other end.
fn fibres(table: &mut Table<'_>, target: Option<Located<Found>>) -> Option<Fibres> {
    let fibres = match ways(table, "fibre", target) {
        Some(Ways::One(way)) => {
            let remote_fault = table.optional("remote_fault", values::boolean).is_none_or(|told| told.value);
            return Some(Fibres::One { way, remote_fault });
        }
        Some(Ways::Both) => Some(Fibres::Both),
        None => None,
    };
    if table.peek("fibre").is_none_or(|value| value.value.as_str() == Some("both")) {
        let message = "`remote_fault` is told of one fibre, and here both are cut";
        table.refuse("remote_fault", message, "write which `fibre` is cut, or take it away");
    } else {
        table.optional("remote_fault", values::boolean);
    }
    fibres
}

/// `fibre` or `direction`: both where nothing is said. `None` where it is wrong, or the target is.
fn ways(table: &mut Table<'_>, key: &'static str, target: Option<Located<Found>>) -> Option<Ways> {
    let written = table.optional(key, values::choice(WAYS));
    let written = if table.has(key) { written? } else { Located::new(Written::Both, table.at()) };
    match written.value.of(target?.value) {
        Ok(ways) => Some(ways),
        Err(fault) => {
            let fault = Fault { message: format!("`{key}` {}", fault.message), ..fault };
            table.report_fault(written.at, fault);
            None
        }
    }
}

/// A share of line rate, which may be more than all of it, or bits per second.
fn load(value: Value<'_>) -> Result<BackgroundLoad, Fault> {
    let remedy = || "write it like \"120%\" (of what the port can carry) or \"4Gbps\"".to_owned();
    let Some(text) = value.value.as_str() else {
        return Err(Fault { remedy: remedy(), ..value.wrong_type("a rate in quotes") });
    };
    let is_share = ["%", "ppm", "ppb"].iter().any(|unit| text.trim().ends_with(unit));
    let (quantity, most) = if is_share { (Quantity::Share, MOST_PPB) } else { (Quantity::Rate, MOST_BPS) };
    let amount = units::parse(text, quantity).map_err(|error| {
        let remedy = if error.remedy.starts_with("round") { error.remedy } else { remedy() };
        Fault::new(format!("`{}`: {}", value.key, error.message), "not understood", remedy)
    })?;
    match amount {
        0 => Err(Fault::new(format!("`{}` is 0: it would load nothing", value.key), "nothing", remedy())),
        amount if amount > most => {
            let remedy = "write \"1000%\" or less, ten times what the port can carry; or \"4Tbps\" or less";
            Err(Fault::new(
                format!("`{}` is {}: no port is asked for that", value.key, text.trim()),
                "too much",
                remedy,
            ))
        }
        amount if is_share => Ok(BackgroundLoad::Line { ppb: amount }),
        amount => Ok(BackgroundLoad::Bits { bps: amount }),
    }
}

/// The kinds of events, as written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cut,
    Blackhole,
    Congest,
}

impl Kind {
    fn word(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

const KINDS: &[(&str, Kind)] = &[("cut", Kind::Cut), ("blackhole", Kind::Blackhole), ("congest", Kind::Congest)];

/// Keys that not all kinds have.
const OWN_KEYS: &[(&str, &[Kind])] = &[
    ("fibre", &[Kind::Cut]),
    ("remote_fault", &[Kind::Cut]),
    ("at_share", &[Kind::Cut]),
    ("direction", &[Kind::Blackhole, Kind::Congest]),
    ("rate", &[Kind::Congest]),
    ("frame", &[Kind::Congest]),
    ("class", &[Kind::Congest]),
];

/// Events of one scenario; the schema refuses more too.
pub(in crate::scenario) const MOST_EVENTS: usize = 256;
const HALF_WAY_PPB: u32 = 500_000_000;
/// The largest frame without tags of a network that takes packets of 1500 octets.
const FRAME_OCTETS: u16 = 1518;
/// Ten times line rate.
const MOST_PPB: u64 = 10_000_000_000;
const MOST_BPS: u64 = 10 * PortSpeed::G400.bps();
