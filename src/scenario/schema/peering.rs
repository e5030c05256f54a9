//! `[circuit.NAME.private]`, and what every peering has.

use super::session;
use super::shape::{Key, Shape, Table, key, prefix_v4, prefix_v6, table, vid};

pub(super) fn private() -> Table {
    table("[circuit.NAME.private]", "", keys("[circuit.NAME.private]"))
}

/// What every peering has; `title` is that of its table.
pub(super) fn keys(title: &str) -> Vec<Key> {
    vec![
        key("c_tag", vid(), "Inner VLAN of the peering, the customer's to choose; the only one with Dot1Q.")
            .required()
            .example(20),
        key(
            "customer_c_tag",
            vid(),
            "What the router at the customer's end is set to, where it is another VLAN: nothing passes, as with a mistake.",
        )
        .example(21),
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
        session::bfd(title),
        session::bgp(title),
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
