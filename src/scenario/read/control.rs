//! `[control]`: what holds for the control planes of all routers, and what a port pair may say of its own.

use crate::control::CarrierSpec;
use crate::scenario::model::{Control, Sessions};
use crate::scenario::reader::Table;
use crate::scenario::values;
use crate::time::Span;

pub(super) fn control(root: &mut Table<'_>) -> Control {
    let absent = Control::default();
    let Some(mut table) = root.table("control", "[control]".to_owned()) else { return absent };
    let span = |table: &mut Table<'_>, key: &'static str, least: Span, most: Span, absent: Span| {
        table.optional(key, values::span(least, most)).map_or(absent, |span| span.value)
    };
    let (zero, minute) = (Span::ZERO, Span::from_s(60));
    Control {
        sessions: table.optional("sessions", values::choice(SESSIONS)).map_or(absent.sessions, |word| word.value),
        settle: span(&mut table, "settle", zero, LONGEST_SETTLE, absent.settle),
        programming_delay: span(&mut table, "programming_delay", zero, minute, absent.programming_delay),
        programming_per_prefix: span(
            &mut table,
            "programming_per_prefix",
            zero,
            Span::from_s(1),
            absent.programming_per_prefix,
        ),
        carrier: carrier(&mut table, absent.carrier),
        resilient_hashing: table
            .optional("resilient_hashing", values::boolean)
            .map_or(absent.resilient_hashing, |on| on.value),
        arp_age: span(&mut table, "arp_age", Span::from_s(10), Span::from_s(86_400), absent.arp_age),
    }
}

/// `carrier_delay` and `carrier_up_delay`.
pub(super) fn carrier(table: &mut Table<'_>, absent: CarrierSpec) -> CarrierSpec {
    let mut span = |key: &'static str, absent: Span| {
        table.optional(key, values::span(Span::ZERO, Span::from_s(60))).map_or(absent, |span| span.value)
    };
    CarrierSpec {
        down_delay: span("carrier_delay", absent.down_delay),
        up_delay: span("carrier_up_delay", absent.up_delay),
    }
}

/// The keys of `[control]`.
pub(super) const CONTROL_KEYS: [&str; 8] = [
    "sessions",
    "settle",
    "programming_delay",
    "programming_per_prefix",
    "carrier_delay",
    "carrier_up_delay",
    "resilient_hashing",
    "arp_age",
];

const SESSIONS: &[(&str, Sessions)] = &[("live", Sessions::Live), ("static", Sessions::Static)];

/// Time for sessions to come up.
const LONGEST_SETTLE: Span = Span::from_s(600);
