//! `[router.NAME]`: a router that is given port by port and entry by entry.

use super::circuit::ADMIN;
use super::provider::TTL;
use super::service;
use super::shape::{SPEEDS, Shape, Table, delay, integer, key, list, loss, octets, prefix, speed, table, tpid};
use crate::engine::MAX_PORTS;

pub(super) fn router() -> Table {
    let ports = Shape::Named { of: Box::new(port().shape()), least: 1, most: MAX_PORTS };
    let keys = vec![
        key("role", Shape::Words(&["lsr"]), "A label-switching router.").required(),
        key("ports", ports, "Ports, each joined to a tap: `[router.NAME.ports.NAME]`.").required(),
        key("null_ttl", Shape::Words(TTL), "How the TTL of an explicit null counts (RFC 3443).").default("uniform"),
        key("label", list(service::label().shape()), "What becomes of a label: `[[router.NAME.label]]`."),
        key(
            "cross_connect",
            list(service::cross_connect().shape()),
            "Two sub-interfaces joined: `[[router.NAME.cross_connect]]`.",
        ),
        key(
            "pseudowire",
            list(service::pseudowire().shape()),
            "Ethernet into labels and back: `[[router.NAME.pseudowire]]`.",
        ),
        key("route", list(service::route().shape()), "A way for IP packets: `[[router.NAME.route]]`."),
    ];
    table("[router.NAME]", "A router given entry by entry.", keys)
}

fn port() -> Table {
    let keys = vec![
        key("speed", speed(SPEEDS), "In bits per second.").required().example("100G"),
        delay("delay", "between port and tap").default("1us"),
        loss("between port and tap").default("0%"),
        key("mtu", octets(1280..=16_000), "1280 to 16000 octets: labels count, tags do not.").default(9216),
        key(
            "buffer",
            octets(16_384..=16 << 30),
            "Octets that wait at the most, 16 KiB to 16 GiB; 1 MiB for each 10 Gb/s if absent.",
        )
        .example("10MiB"),
        key("queues", integer(1..=8), "Priority classes.").default(2),
        key("admin", Shape::Words(ADMIN), "Administrative state.").default("enabled"),
        key("tpids", list(tpid(TPIDS, &[0x8100, 0x88a8, 0x9100, 0x9200, 0x9300])), "What is read as a tag.")
            .default(vec!["0x8100", "0x88a8"]),
        key(
            "vlans",
            list(service::vlan()),
            "Frames that are routed beside those of services: by one tag, by two, or \"any\".",
        )
        .example(vec![10, 20]),
        key("addresses", list(prefix()), "Its addresses, each with the length of its prefix.")
            .example(vec!["192.0.2.1/30"]),
    ];
    table("[router.NAME.ports.NAME]", "A port of the router.", keys)
}

const TPIDS: &[&str] = &["0x8100", "0x88a8", "0x9100", "0x9200", "0x9300"];
