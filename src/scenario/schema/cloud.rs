//! `[vnet.NAME]` and `[gateway.NAME]`: the cloud side.

use super::public;
use super::shape::{Rule, Shape, Table, When, delay, integer, key, name, prefix, some, table, time, when};

pub(super) fn vnet() -> Table {
    let keys = vec![
        key("prefixes", some(prefix()), "IP prefixes of the network, IPv4 and IPv6.")
            .required()
            .example(vec!["10.20.0.0/16"]),
        key("addresses", integer(0..=u32::MAX as u64), "IP addresses in use, which FastPath has limits for.")
            .default(0),
        key("peered_with", name(), "The network whose gateway this one uses, by a peering of the two.").example("hub"),
        key(
            "fragment_at",
            integer(576..=9216),
            "Octets of the largest packet that its hosts send; longer ones are cut, or dropped. As all packets if absent.",
        )
        .example(1400),
        key("region", Shape::Text, "The Azure region that it is in.").example("uksouth"),
        key("geo", Shape::Text, "The geopolitical region of that.").example("Europe"),
        public::internet_of_vnet(),
    ];
    table("[vnet.NAME]", "A virtual network.", keys)
}

pub(super) fn gateway() -> Table {
    let connection = vec![
        key("name", name(), "The circuit.").required().example("london"),
        key("weight", integer(0..=32_000), "Of several circuits the way back takes that of the highest weight.")
            .default(0),
    ];
    let connection = table("a connection of [gateway.NAME]", "", connection).shape();
    let keys = vec![
        key("sku", Shape::Words(SKUS), "Size, which has limits on the way in.").required(),
        key("units", integer(1..=40), "Scale units, each of 1 Gb/s, with `sku = \"ErGwScale\"`; 1 if absent.")
            .example(10),
        key("vnets", some(name()), "The virtual networks behind it.").required().example(vec!["prod"]),
        key("circuits", some(Shape::Any(vec![name(), connection])), "The circuits that it is connected to.")
            .required()
            .example(vec!["london"]),
        key(
            "fastpath",
            Shape::Boolean,
            "Whether data passes it by on the way in too; with UltraPerf, ErGw3Az, or ErGwScale of 10 units or more.",
        )
        .default(false),
        delay("delay", "of each link between Microsoft edge, gateway and network").default("250us"),
        key("instances", integer(1..=16), "Virtual machines that flows and limits are spread over.").default(2),
        key("limits", Shape::Boolean, "Whether the limits of its size hold: bits/s, packets/s, flows.").default(true),
        key("burst", time(), "How much passes at once: what both rates bring in \"1us\" to \"10s\".").default("5ms"),
        key(
            "flow_timeout",
            time(),
            "When a flow without a frame is none any more, \"1ms\" to 24 h; never within a run if absent.",
        )
        .example("240s"),
    ];
    table("[gateway.NAME]", "A virtual network gateway.", keys).rules(rules())
}

fn rules() -> [Rule; 4] {
    let never_on = || Shape::Only(false.into());
    [
        when([When::IsNot("sku", Shape::Words(&["ErGwScale"]))]).without(&["units"]),
        when([When::IsNot("sku", Shape::Words(&["UltraPerf", "ErGw3Az", "ErGwScale"]))]).with("fastpath", never_on()),
        when([When::word("sku", &["ErGwScale"]), When::IsNot("units", integer(10..=40))]).with("fastpath", never_on()),
        when([When::Is("limits", never_on())]).without(&["burst", "flow_timeout"]),
    ]
}

const SKUS: &[&str] = &["Standard", "HighPerf", "UltraPerf", "ErGw1Az", "ErGw2Az", "ErGw3Az", "ErGwScale"];
