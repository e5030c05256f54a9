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
    let by = table.optional("detection", values::choice(DETECTION)).map(|word| word.value);
    let by = match by {
        Some(Some(by)) => by,
        // A word that cannot be read was told.
        None if table.has("detection") => {
            table.value("bfd");
            return absent;
        }
        _ => {
            table.refuse(
                "bfd",
                "`bfd` goes with `detection = \"bfd\"` or `\"micro-bfd\"`",
                "write that, or take it away",
            );
            return Detection::LossOfSignal;
        }
    };
    by(bfd(table, "bfd", LINKS).unwrap_or(LINKS))
}

/// BFD between the edges of a VPN, where it is written.
pub(super) fn vpn_bfd(table: &mut Table<'_>) -> Option<Bfd> {
    bfd(table, "vpn_bfd", EDGES)
}

/// The table `key`, if there is one; `absent` has what it does not say.
fn bfd(table: &mut Table<'_>, key: &'static str, absent: Bfd) -> Option<Bfd> {
    let title = format!("`{key}` of {}", table.title());
    let mut written = table.table(key, title)?;
    let interval = written.optional("interval", values::span(Span::from_ms(1), Span::from_s(60)));
    let multiplier = written.optional("multiplier", values::small(1..=255));
    Some(Bfd {
        interval: interval.map_or(absent.interval, |interval| interval.value),
        multiplier: multiplier.map_or(absent.multiplier, |multiplier| multiplier.value),
    })
}

/// Between routers of a provider where nothing is said: usual, no provider's figures.
const LINKS: Bfd = Bfd { interval: Span::from_ms(10), multiplier: 3 };
/// Between its edges: longer than what repairs and converges in between.
const EDGES: Bfd = Bfd { interval: Span::from_ms(300), multiplier: 3 };

const PROTECTION: &[(&str, Protection)] = &[("local-repair", Protection::LocalRepair), ("none", Protection::None)];

/// Whether it is by BFD, and how.
type ByBfd = Option<fn(Bfd) -> Detection>;
const DETECTION: &[(&str, ByBfd)] =
    &[("loss-of-signal", None), ("bfd", Some(Detection::Bfd)), ("micro-bfd", Some(Detection::MicroBfd))];
