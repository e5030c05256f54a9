//! `bfd` and `bgp` of a peering.

use super::shape::{Key, Shape, integer, key, table, time};
use crate::scenario::read::MOST_COMMUNITIES;
use serde_json::json;

/// `title` is that of the peering's table.
pub(super) fn bfd(title: &str) -> Key {
    let keys = vec![
        key(
            "interval",
            time(),
            "Between two packets, \"10ms\" to \"60s\"; Microsoft's edge sends none faster than 300 ms.",
        )
        .default("300ms"),
        key("multiplier", integer(1..=255), "Intervals without a packet until the session is down.").default(3),
    ];
    let on = table(format!("`bfd` of {title}"), "", keys).shape();
    key(
        "bfd",
        Shape::Any(vec![on, Shape::Only(false.into()), Shape::Words(&["off"])]),
        "Bidirectional forwarding detection (RFC 5880), or `false`: none on either side, as if absent.",
    )
}

/// The same.
pub(super) fn bgp(title: &str) -> Key {
    let u32 = || integer(0..=u32::MAX.into());
    let keys = vec![
        key(
            "keepalive",
            time(),
            "Between two messages: whole seconds, \"3s\" or more, before the hold time ends. If absent, a third of \
             that, \"60s\" at the most.",
        )
        .example("60s"),
        key("hold", time(), "Without a message until the session is down: whole seconds, \"10s\" to \"65535s\".")
            .default("180s"),
        key("coupled", Shape::Boolean, "Whether BGP goes down with BFD.").default(true),
        key("mrai", time(), "Least time between two updates for one destination: \"0s\" to \"600s\".").default("0s"),
        key("connect_retry", time(), "From a failed connection to the next try: \"1s\" to \"65535s\".").default("120s"),
        per_plane(title, "prepend", || integer(0..=32), "Own autonomous system once more in the path, so often.")
            .default(0)
            .example(json!({ "secondary": 2 })),
        per_plane(title, "local_pref", u32, "Preference of the routes that Microsoft tells; higher wins.")
            .default(100)
            .example(json!({ "primary": 200 })),
        per_plane(title, "med", u32, "MULTI_EXIT_DISC of what Microsoft is told; lower is preferred, none if absent.")
            .example(json!({ "primary": 10, "secondary": 20 })),
        key(
            "communities",
            Shape::List { of: Box::new(community()), least: 0, most: Some(MOST_COMMUNITIES), differ: true },
            "Communities of what Microsoft is told (RFC 1997); Microsoft ignores them.",
        )
        .example(vec!["65010:1"]),
    ];
    let about = "BGP of the customer's side (RFC 4271); Microsoft's has 60 s and 180 s, and the lower holds.";
    key("bgp", table(format!("`bgp` of {title}"), "", keys).shape(), about)
}

/// One value for both links, or one for each.
fn per_plane(title: &str, name: &'static str, of: fn() -> Shape, about: &'static str) -> Key {
    let keys = vec![
        key("primary", of(), "On the primary link; what holds without the key if absent."),
        key("secondary", of(), "On the secondary link; what holds without the key if absent."),
    ];
    let links = table(format!("`{name}` of `bgp` of {title}"), "", keys).shape();
    key(name, Shape::Any(vec![of(), links]), about)
}

/// That its numbers have 16 bits is not seen.
fn community() -> Shape {
    Shape::Pattern("^(?:0|[1-9][0-9]{0,4}):(?:0|[1-9][0-9]{0,4})$".to_owned())
}
