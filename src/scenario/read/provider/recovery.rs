//! What a provider's network does when a link of it fails.

use crate::scenario::model::{Bfd, Detection, Protection, Recovery};
use crate::scenario::reader::Table;
use crate::scenario::values;
use crate::time::Span;

pub(super) fn recovery(table: &mut Table<'_>) -> Recovery {
    let absent = Recovery::default();
    let protection = table.optional("protection", values::choice(PROTECTION));
    let detection = detection(table, absent.detection);
    let hold = table.optional("reversion_hold", values::span(Span::ZERO, Span::from_s(3_600)));
    let convergence = table.optional("igp_convergence", values::span(Span::ZERO, Span::from_s(600)));
    Recovery {
        protection: protection.map_or(absent.protection, |word| word.value),
        detection,
        reversion_hold: hold.map_or(absent.reversion_hold, |span| span.value),
        igp_convergence: convergence.map_or(absent.igp_convergence, |span| span.value),
    }
}

fn detection(table: &mut Table<'_>, absent: Detection) -> Detection {
    let by_bfd = table.optional("detection", values::choice(DETECTION));
    match by_bfd {
        Some(by_bfd) if by_bfd.value => {}
        // A word that cannot be read was told.
        None if table.has("detection") => {
            table.value("bfd");
            return absent;
        }
        _ => {
            table.refuse("bfd", "`bfd` goes with `detection = \"bfd\"`", "write that, or take it away");
            return Detection::LossOfSignal;
        }
    }
    let title = format!("`bfd` of {}", table.title());
    let mut bfd = BFD;
    if let Some(mut written) = table.table("bfd", title) {
        let interval = written.optional("interval", values::span(Span::from_ms(1), Span::from_s(60)));
        bfd.interval = interval.map_or(bfd.interval, |interval| interval.value);
        let multiplier = written.optional("multiplier", values::small(1..=255));
        bfd.multiplier = multiplier.map_or(bfd.multiplier, |multiplier| multiplier.value);
    }
    Detection::Bfd(bfd)
}

/// Between routers of a provider where nothing is said: usual, no provider's figures.
const BFD: Bfd = Bfd { interval: Span::from_ms(10), multiplier: 3 };

const PROTECTION: &[(&str, Protection)] = &[("local-repair", Protection::LocalRepair), ("none", Protection::None)];

/// Whether it is by BFD.
const DETECTION: &[(&str, bool)] = &[("loss-of-signal", false), ("bfd", true)];
