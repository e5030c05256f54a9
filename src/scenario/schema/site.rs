//! `[site.NAME]`: an on-premises network.

use super::public;
use super::shape::{SPEEDS, Shape, Table, delay, integer, key, prefix, some, speed, table};
use std::ops::RangeInclusive;

pub(super) fn site() -> Table {
    let lan = vec![
        key("port", speed(SPEEDS), "Speed of the ports between hosts and edge routers, in bits per second.")
            .default("100G"),
        delay("delay", "between hosts and edge routers").default("5us"),
    ];
    let keys = vec![
        key("asn", asn(), "Number of the site's autonomous system; none of Microsoft's or of the reserved ones.")
            .required()
            .example(65010),
        key("prefixes", some(prefix()), "IP prefixes of the site, IPv4 and IPv6.")
            .required()
            .example(vec!["10.10.0.0/16"]),
        key("edges", integer(1..=2), "Customer edge routers: one with both connections, or two with one each.")
            .default(1),
        public::internet_of_site(),
        key("lan", table("`lan` of [site.NAME]", "", lan).shape(), "The network between hosts and edge routers."),
    ];
    table("[site.NAME]", "An on-premises network.", keys)
}

pub(super) fn asn() -> Shape {
    Shape::Integer(1..=u32::MAX as u64, RESERVED)
}

/// Microsoft's own, AS_TRANS (RFC 6793), and the last of both sizes (RFC 7300).
const RESERVED: &[RangeInclusive<u64>] =
    &[12_076..=12_076, 23_456..=23_456, 65_515..=65_520, 65_535..=65_535, 4_294_967_295..=4_294_967_295];
