//! `[circuit.NAME]`: a circuit and its port pair; which keys there are depends on the model.

use super::shape::{
    Key, Rule, SPEEDS, Shape, Table, When, amount, delay, integer, key, list, loss, name, octets, one_or_many, speed,
    table, tpid, vid, when,
};
use super::{control, peering, public};
use crate::scenario::read::PAIR_KEYS;
use crate::scenario::units::Quantity;

pub(super) fn circuit() -> Table {
    let keys = [subscription(), port_pair()].into_iter().flatten().collect();
    table("[circuit.NAME]", "An ExpressRoute circuit, and the port pair beneath it.", keys).rules(rules())
}

/// What the circuit itself has.
fn subscription() -> Vec<Key> {
    vec![
        key("model", Shape::Words(MODELS), "Connectivity model: what lies between customer edge and Microsoft edge.")
            .required(),
        key(
            "bandwidth",
            amount(Quantity::Rate),
            "Bandwidth in bits per second, on each of the two connections. Direct on 10G: 1G, 2G, 5G or 10G; on \
             100G: 5G, 10G, 40G or 100G; of a provider: 50Mbps to 10G.",
        )
        .required()
        .example("10G")
        .example("500Mbps"),
        key("sku", Shape::Words(&["local", "standard", "premium"]), "How far it reaches, and how many prefixes it takes.")
            .default("standard"),
        key("geo", Shape::Text, "Geopolitical region of its peering location.").example("Europe"),
        key("local_regions", list(Shape::Text), "Azure regions that it reaches, with `sku = \"local\"`.")
            .example(vec!["uksouth"]),
        key("s_tag", vid(), "Outer VLAN at Microsoft's ports with QinQ; Microsoft gives it, once per port pair.")
            .example(110),
        key(
            "rate_limit",
            Shape::Boolean,
            "Police each connection to the bandwidth; unless said, behind a provider alone.",
        ),
        key(
            "burst",
            octets(16_384..=u32::MAX as u64),
            "Depth of the rate limit, 16 KiB to 4 GiB; if absent, 5 ms of the bandwidth.",
        )
        .example("6.25MB"),
        key(
            "tolerance",
            amount(Quantity::Share),
            "What passes above the bandwidth before the rate limit acts, \"0%\" to \"100%\" of it; 20% with direct, else 0%.",
        )
        .example("20%"),
        key("private", peering::private().shape(), "The private peering."),
        key("microsoft", public::microsoft().shape(), "The Microsoft peering."),
        key("shares", name(), "The circuit whose port pair this one uses too, in place of all keys of a pair.")
            .example("london"),
    ]
}

/// What its port pair has.
fn port_pair() -> Vec<Key> {
    let mut keys = vec![
        key("site", name(), "The site at the customer's end.").example("hq"),
        key("sites", sites(), "The sites that an IPVPN joins.").example(vec!["hq", "branch"]),
        key("provider", name(), "The provider, with every model but direct.").example("carrier"),
        key(
            "vlan",
            one_or_many(vid, 1, Some(2)),
            "Outer VLAN on the customer's side of a provider, one for both links or one each.",
        )
        .example(310)
        .example(vec![111, 112]),
        key("location", location(), "Peering location; two of one area with Metro. The circuit's name if absent.")
            .example("London")
            .example(vec!["Amsterdam", "Amsterdam2"]),
        key(
            "port",
            speed(SPEEDS),
            "Speed of the ports at the customer's end, in bits per second; direct: 10G, 100G or 400G.",
        )
        .example("100G"),
        key("encapsulation", Shape::Words(&["qinq", "dot1q"]), "Two tags, or one, which then is the `c_tag`.")
            .default("qinq"),
        key("tpid", tpid(&["0x8100", "0x88a8"], &[0x8100, 0x88a8]), "TPID of the outer tag at Microsoft's ports.")
            .default("0x8100"),
        delay("delay", "of each link at the customer's end").default("1ms"),
        loss("on each of these links").default("0%"),
        key(
            "buffer",
            octets(16_384..=16 << 30),
            "Octets that wait at each port, 16 KiB to 16 GiB, and an eighth more for each higher class; 1 MiB for each \
             10 Gb/s if absent.",
        )
        .example("10MiB"),
        key("queues", integer(1..=8), "Priority classes of each port.").default(2),
        key("primary", link("`primary` of [circuit.NAME]").shape(), "What differs on the primary link."),
        key("secondary", link("`secondary` of [circuit.NAME]").shape(), "What differs on the secondary link."),
    ];
    keys.extend(control::carrier("; that of [control] if absent"));
    keys
}

fn sites() -> Shape {
    Shape::List { of: Box::new(name()), least: 1, most: None, differ: true }
}

fn location() -> Shape {
    Shape::Any(vec![Shape::Text, Shape::List { of: Box::new(Shape::Text), least: 1, most: Some(2), differ: true }])
}

fn link(title: &'static str) -> Table {
    let keys = vec![
        key("admin", Shape::Words(ADMIN), "Administrative state of its ports.").default("enabled"),
        delay("delay", "of this link; the circuit's if absent"),
        loss("on this link; the circuit's if absent"),
    ];
    table(title, "", keys)
}

fn rules() -> Vec<Rule> {
    let own = |model: &'static [&'static str]| [When::word("model", model), When::Lacks("shares")];
    let is_direct = || When::word("model", &["direct"]);
    let of_provider = || Shape::With(vec![("delay", Shape::Never), ("loss", Shape::Never)]);
    let two_vlans = Shape::List { of: Box::new(vid()), least: 2, most: Some(2), differ: true };
    vec![
        when([When::Has("shares")]).without(&PAIR_KEYS),
        when([When::Lacks("shares")]).needs(&["port"]),
        when([When::word("model", &["exchange", "ethernet", "ipvpn"])]).without(&["shares"]).needs(&["provider"]),
        when(own(&["direct"]))
            .needs(&["site"])
            .without(&["sites", "provider", "vlan"])
            .with("port", speed(&["10G", "100G", "400G"])),
        when(own(&["exchange"])).needs(&["site"]).without(&["sites"]),
        when([When::word("model", &["exchange"]), When::word("encapsulation", &["dot1q"])]).without(&["vlan"]),
        when([When::word("model", &["exchange"]), When::Lacks("encapsulation")]).needs(&["vlan"]),
        when([When::word("model", &["exchange"]), When::word("encapsulation", &["qinq"])]).needs(&["vlan"]),
        when(own(&["ethernet"])).needs(&["site", "vlan"]).without(&["sites", "encapsulation"]).with("vlan", two_vlans),
        when(own(&["ipvpn"]))
            .needs(&["sites"])
            .without(&["site", "vlan", "encapsulation"])
            .with("primary", of_provider())
            .with("secondary", of_provider()),
        when([When::Lacks("shares"), When::word("model", &["exchange", "ethernet", "ipvpn"])]).needs(&["s_tag"]),
        when([When::Lacks("shares"), is_direct(), When::IsNot("encapsulation", Shape::Words(&["dot1q"]))])
            .needs(&["s_tag"]),
        when([When::Lacks("shares"), is_direct(), When::word("encapsulation", &["dot1q"])])
            .without(&["s_tag"])
            .with("tpid", tpid(&["0x8100"], &[0x8100])),
        // The depth of a rate limit that is off.
        when([When::Is("rate_limit", Shape::Only(false.into()))]).without(&["burst", "tolerance"]),
        when([is_direct(), When::Lacks("rate_limit")]).without(&["burst", "tolerance"]),
        when([When::word("model", &["ipvpn"])]).without(&["microsoft"]),
        when([When::IsNot("sku", Shape::Words(&["local"]))]).without(&["local_regions"]),
    ]
}

const MODELS: &[&str] = &["direct", "exchange", "ethernet", "ipvpn"];

/// The words of `admin`.
pub(super) const ADMIN: &[&str] = &["enabled", "disabled"];
