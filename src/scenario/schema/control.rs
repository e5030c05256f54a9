//! `[control]`: control planes.

use super::shape::{Key, Shape, Table, key, table, time};

pub(super) fn control() -> Table {
    let mut keys = vec![
        key(
            "sessions",
            Shape::Words(&["live", "static"]),
            "Whether BFD and BGP run packet by packet, or all sessions are up always and no event changes a route.",
        )
        .default("live"),
        key("settle", time(), "Virtual time before the run's start in which sessions come up: \"0s\" to \"600s\".")
            .default("10s"),
        key(
            "programming_delay",
            time(),
            "From a route learned to the same in the forwarding table: \"0s\" to \"60s\". Not a Microsoft figure.",
        )
        .default("10ms"),
        key("programming_per_prefix", time(), "What each prefix adds to that: \"0s\" to \"1s\".").default("0us"),
    ];
    let [down, up] = carrier("");
    keys.extend([down.default("0ms"), up.default("0ms")]);
    keys.extend([
        key(
            "resilient_hashing",
            Shape::Boolean,
            "Whether flows stay on their way when another of several equal ways goes; not published for Microsoft's edge.",
        )
        .default(false),
        key("arp_age", time(), "How long an entry of the neighbour table is good: \"10s\" to \"24h\".").default("4h"),
    ]);
    table("[control]", "", keys)
}

/// `carrier_delay` and `carrier_up_delay`; `absent` says what holds without them.
pub(super) fn carrier(absent: &str) -> [Key; 2] {
    [
        key(
            "carrier_delay",
            time(),
            format!("From loss of signal to the port being down: \"0ms\" to \"60s\"{absent}."),
        ),
        key(
            "carrier_up_delay",
            time(),
            format!("From the signal's return to the port being up: \"0ms\" to \"60s\"{absent}."),
        ),
    ]
}
