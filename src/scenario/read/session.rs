//! `bfd` and `bgp` of a peering: what the customer's side of its sessions can set; Microsoft's side is fixed.

use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{Bfd, Bgp, PerPlane};
use crate::scenario::reader::{Fault, Switch, Table, Value};
use crate::scenario::source::{Extent, Located};
use crate::scenario::values;
use crate::time::{PS_PER_S, Span};

/// `None`: neither side has any.
pub(super) fn bfd(table: &mut Table<'_>) -> Option<Bfd> {
    let title = format!("`bfd` of {}", table.title());
    let Switch::On(mut bfd) = table.table_or_off("bfd", title) else { return None };
    let own = Bfd::MICROSOFT;
    let interval = bfd.optional("interval", values::span(Span::from_ms(10), Span::from_s(60)));
    let multiplier =
        bfd.optional("multiplier", values::small(1..=255)).map_or(own.multiplier, |multiplier| multiplier.value);
    if let Some(short) = interval.filter(|interval| interval.value < own.interval) {
        let message = format!("Microsoft's edge sends BFD every {}, never faster", own.interval);
        let remedy =
            format!("the slower end decides: detection takes {multiplier} x {}; write \"300ms\"", own.interval);
        bfd.report(Diagnostic::warning(short.at, message).label("has no effect").remedy(remedy));
    }
    Some(Bfd { interval: interval.map_or(own.interval, |interval| interval.value), multiplier })
}

/// `has_bfd`: whether there is BFD that a session could go down with.
pub(super) fn bgp(table: &mut Table<'_>, has_bfd: bool) -> Bgp {
    let absent = Bgp::default();
    let title = format!("`bgp` of {}", table.title());
    let Some(mut bgp) = table.table("bgp", title) else { return absent };
    bgp.refuse(
        "max_prefixes",
        "how many prefixes a session takes is Microsoft's, by the SKU of the circuit",
        "take it away; `sku = \"premium\"` takes 10000 of IPv4 on private peering, others 4000; Microsoft peering 200",
    );
    let (keepalive, hold) = timers(&mut bgp);
    let coupled = bgp.optional("coupled", values::boolean);
    if let Some(coupled) = coupled.filter(|_| !has_bfd) {
        let warning = Diagnostic::warning(coupled.at, "there is no BFD here that BGP could go down with");
        bgp.report(warning.label("has no effect").remedy("add `bfd = { interval = \"300ms\" }` to the peering"));
    }
    let mrai = bgp.optional("mrai", values::span(Span::ZERO, Span::from_s(600)));
    let retry = bgp.optional("connect_retry", values::span(Span::from_s(1), Span::from_s(65_535)));
    let number = |value: Value<'_>| values::integer(0..=u64::from(u32::MAX))(value).map(|number| number as u32);
    Bgp {
        keepalive,
        hold,
        coupled: coupled.is_none_or(|coupled| coupled.value),
        mrai: mrai.map_or(absent.mrai, |mrai| mrai.value),
        connect_retry: retry.map_or(absent.connect_retry, |retry| retry.value),
        prepend: per_plane(&mut bgp, "prepend", values::small(0..=32), absent.prepend),
        local_pref: per_plane(&mut bgp, "local_pref", number, absent.local_pref),
        med: per_plane(&mut bgp, "med", |value| number(value).map(Some), absent.med),
        communities: communities(&mut bgp),
    }
}

/// The lower of both ends.
fn timers(bgp: &mut Table<'_>) -> (Span, Span) {
    let (own_keepalive, own_hold) = (Bgp::MICROSOFT_KEEPALIVE, Bgp::MICROSOFT_HOLD);
    let keepalive = bgp.optional("keepalive", whole_seconds(3));
    let hold = bgp.optional("hold", whole_seconds(10));
    for (late, own) in [(keepalive, own_keepalive), (hold, own_hold)] {
        if let Some(late) = late.filter(|late| late.value > own) {
            let message = format!("Microsoft's edge has {own} here, and a session takes the lower");
            let warning = Diagnostic::warning(late.at, message).label("has no effect");
            bgp.report(warning.remedy(format!("write \"{}s\" or less", own.as_ps() / PS_PER_S)));
        }
    }
    let hold_span = hold.map_or(own_hold, |hold| hold.value);
    let third = Span::from_ps(hold_span.as_ps() / 3);
    if let Some(late) = keepalive.filter(|keepalive| keepalive.value >= hold_span) {
        let message = format!("`keepalive` is {}, and the session is down after {hold_span}", late.value);
        let wrong = Diagnostic::error(late.at, message).label("not before the hold time");
        bgp.report(wrong.remedy(format!("write a third of the hold time: \"{}s\"", third.as_ps() / PS_PER_S)));
    }
    let keepalive = keepalive.map_or(third, |keepalive| keepalive.value);
    (keepalive.min(own_keepalive), hold_span.min(own_hold))
}

/// A BGP timer: whole seconds, from the least that Microsoft's edge takes to the most that the message holds.
fn whole_seconds(least_s: u64) -> impl Fn(Value<'_>) -> Result<Span, Fault> {
    move |value| {
        let span = values::span(Span::from_s(least_s), Span::from_s(65_535))(value)?;
        match span.as_ps() % PS_PER_S {
            0 => Ok(span),
            _ => {
                let message = format!("`{}` is {span}: BGP counts whole seconds (RFC 4271 §4.2)", value.key);
                Err(Fault::new(message, "not whole", "write whole seconds, like \"60s\""))
            }
        }
    }
}

/// One value for both links, or a table with that of one or of each.
fn per_plane<T: Copy>(
    bgp: &mut Table<'_>,
    key: &'static str,
    read: impl Fn(Value<'_>) -> Result<T, Fault>,
    absent: PerPlane<T>,
) -> PerPlane<T> {
    let Some(value) = bgp.value(key) else { return absent };
    let title = format!("`{key}` of {}", bgp.title());
    let Some(mut links) = bgp.inline(value, &title) else {
        return bgp.accept(value, read).map_or(absent, |both| PerPlane { primary: both.value, secondary: both.value });
    };
    PerPlane {
        primary: links.optional("primary", &read).map_or(absent.primary, |link| link.value),
        secondary: links.optional("secondary", &read).map_or(absent.secondary, |link| link.value),
    }
}

/// Sorted; one that is there twice is refused.
fn communities(bgp: &mut Table<'_>) -> Vec<u32> {
    let written: Vec<Located<u32>> = bgp.list("communities", community);
    if let Some(over) = written.get(MOST_COMMUNITIES) {
        let message = format!("`communities` has {} entries, more than a route carries here", written.len());
        let fault = Fault::new(message, "one too many", format!("write {MOST_COMMUNITIES} at the most"));
        bgp.report_fault(over.at, fault);
    }
    let mut first: std::collections::BTreeMap<u32, Extent> = Default::default();
    for community in &written {
        if let Some(first) = first.insert(community.value, community.at) {
            let message = format!("`{}:{}` is there twice", community.value >> 16, community.value & 0xffff);
            let twice = Diagnostic::error(community.at, message).label("and again here").also(first, "first here");
            bgp.report(twice.remedy("take one away"));
        }
    }
    first.into_keys().collect()
}

/// `65010:1`, as RFC 1997 counts it.
fn community(value: Value<'_>) -> Result<u32, Fault> {
    let text = value.text()?;
    let half = |text: &str| text.parse::<u16>().ok().filter(|half| half.to_string() == text).map(u32::from);
    let halves = text.split_once(':').and_then(|(system, number)| Some((half(system)?, half(number)?)));
    halves.map(|(system, number)| system << 16 | number).ok_or_else(|| {
        let message = format!("`{text}` is no community (RFC 1997): two numbers of 16 bits");
        Fault::new(message, "not a community", "write it like \"65010:1\"")
    })
}

/// Communities of one route: what leaves an update room for other attributes.
pub(in crate::scenario) const MOST_COMMUNITIES: usize = 32;
