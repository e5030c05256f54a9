//! `[[global_reach]]`: two circuits joined at the Microsoft edge.

use super::shape::{Shape, Table, delay, key, name, prefix_v4, prefix_v6, table, time};

pub(super) fn global_reach() -> Table {
    let circuits = Shape::List { of: Box::new(name()), least: 2, most: Some(2), differ: true };
    let keys = vec![
        key("circuits", circuits, "The two circuits.").required().example(vec!["london", "paris"]),
        key("subnet", prefix_v4(29), "IPv4 of the links between them, a /29 for both planes.")
            .required()
            .example("172.16.0.0/29"),
        key("subnet_v6", prefix_v6(125), "The same of IPv6, a /125.").example("2001:db8:fe::/125"),
        delay("delay", "between the two peering locations").default("5ms"),
        key("burst", time(), "How much of the smaller bandwidth passes at once: what it brings in \"3ms\" to \"1s\".")
            .default("5ms"),
        key(
            "authorization",
            Shape::Text,
            "Key of the authorization between two subscriptions; it changes nothing here.",
        ),
    ];
    table("[[global_reach]]", "Two circuits that are joined.", keys)
}
