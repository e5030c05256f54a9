//! `[circuit.NAME.private]`, and what every peering has.

use super::shape::{Key, Shape, Table, integer, key, prefix_v4, prefix_v6, table, time, vid};

pub(super) fn private() -> Table {
    table("[circuit.NAME.private]", "", keys("[circuit.NAME.private]"))
}

/// What every peering has; `title` is that of its table.
pub(super) fn keys(title: &str) -> Vec<Key> {
    let bfd = vec![
        key(
            "interval",
            time(),
            "Between two packets, \"10ms\" to \"60s\"; Microsoft's edge sends none faster than 300 ms.",
        )
        .default("300ms"),
        key("multiplier", integer(1..=255), "Intervals without a packet until the session is down.").default(3),
    ];
    let bgp = vec![
        key(
            "keepalive",
            time(),
            "Between two messages: whole seconds, \"3s\" or more, before the hold time ends. If absent, a third of \
             that, \"60s\" at the most.",
        )
        .example("60s"),
        key("hold", time(), "Without a message until the session is down: whole seconds, \"10s\" to \"65535s\".")
            .default("180s"),
    ];
    let bfd = table(format!("`bfd` of {title}"), "", bfd).shape();
    vec![
        key("c_tag", vid(), "Inner VLAN of the peering, the customer's to choose; the only one with Dot1Q.")
            .required()
            .example(20),
        key(
            "subnets",
            subnets(prefix_v4(29), || prefix_v4(30)),
            "IPv4 of the two links: a /29 for both, or two /30, primary first; the customer is odd in each.",
        )
        .required()
        .example("192.168.100.128/29")
        .example(vec!["192.168.100.128/30", "192.168.100.132/30"]),
        key(
            "subnets_v6",
            subnets(prefix_v6(125), || prefix_v6(126)),
            "IPv6 of the two links: a /125 for both, or two /126.",
        )
        .example("2001:db8:ff::/125"),
        key(
            "bfd",
            Shape::Any(vec![bfd, Shape::Only(false.into())]),
            "Bidirectional forwarding detection (RFC 5880), or `false`.",
        ),
        key("bgp", table(format!("`bgp` of {title}"), "", bgp).shape(), "Timers of BGP (RFC 4271)."),
    ]
}

/// One subnet of both links, by itself or as a list, or the list of two.
fn subnets(both: Shape, each: fn() -> Shape) -> Shape {
    let list =
        |of: Shape, number: usize| Shape::List { of: Box::new(of), least: number, most: Some(number), differ: true };
    let again = match &both {
        Shape::Pattern(pattern) => Shape::Pattern(pattern.clone()),
        _ => return list(each(), 2),
    };
    Shape::Any(vec![both, list(again, 1), list(each(), 2)])
}
