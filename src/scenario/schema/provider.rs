//! `[provider.NAME]`: a connectivity provider and its label-switched network.

use super::shape::{
    Key, Rule, SPEEDS, Shape, Table, When, delay, integer, key, list, name, octets, one_or_many, speed, table, time,
    when,
};
use super::site::asn;

pub(super) fn provider() -> Table {
    let keys = vec![
        key("asn", asn(), "Number of its autonomous system, for the VPNs of its network.").default(64_500),
        key("nni_port", speed(SPEEDS), "Speed of the ports towards Microsoft, in bits per second.").default("100G"),
        delay("nni_delay", "of the links towards Microsoft").default("50us"),
        key("hops", integer(0..=8), "P routers of each of the two rows, where no `routers` are written.").default(2),
        key("routers", routers(), "P routers by name, in place of `hops`; `link` and `edges` join them.")
            .example(vec!["p1", "p2"]),
        key("link", list(link().shape()), "Links between the P routers: `[[provider.NAME.link]]`."),
        key("edges", edges(), "To which P router, or which two, sites and circuits are joined, by their names."),
        key("port", speed(SPEEDS), "Speed of the core's links, in bits per second.").default("100G"),
        delay("delay", "of each link of the core").default("1ms"),
        key("mtu", octets(1280..=9216), "MTU of the core, 1280 to 9216 octets: labels count, tags do not.")
            .default(9216),
        key(
            "null",
            Shape::Words(&["implicit", "explicit"]),
            "Label that the last router of a path asks for: implicit null (the router before pops) or explicit null.",
        )
        .default("implicit"),
        key("ttl", Shape::Words(TTL), "How TTLs of packet and label depend on each other (RFC 3443).").default("pipe"),
        key("entropy", Shape::Boolean, "Whether packets have an entropy label pair (RFC 6790).").default(false),
        key("control_word", Shape::Boolean, "Whether pseudowires have a control word (RFC 4385).").default(true),
    ];
    let keys = keys.into_iter().chain(recovery()).collect();
    let rules: [Rule; 3] = [
        when([When::Has("routers")]).needs(&["edges"]).without(&["hops"]),
        when([When::Lacks("routers")]).without(&["link", "edges"]),
        when([When::IsNot("detection", Shape::Words(&["bfd", "micro-bfd"]))]).without(&["bfd"]),
    ];
    table("[provider.NAME]", "A connectivity provider.", keys).rules(rules)
}

/// What its network does when a link of it fails.
fn recovery() -> [Key; 6] {
    let bfd = |interval: &str| {
        vec![
            key("interval", time(), "Between two packets, \"1ms\" to \"60s\".").default(interval),
            key("multiplier", integer(1..=255), "Intervals without a packet until what it watches is down.").default(3),
        ]
    };
    [
        key(
            "protection",
            Shape::Words(&["local-repair", "none"]),
            "Whether the router before a failed link takes a backup path at once (RFC 4090).",
        )
        .default("local-repair"),
        key(
            "detection",
            Shape::Words(&["loss-of-signal", "bfd", "micro-bfd"]),
            "How routers see that a link has failed: by its signal, or by BFD too, or as on the member of a group.",
        )
        .default("loss-of-signal"),
        key(
            "bfd",
            table("`bfd` of [provider.NAME]", "", bfd("10ms")).shape(),
            "BFD on its links, with `detection` of \"bfd\" or \"micro-bfd\".",
        ),
        key(
            "vpn_bfd",
            table("`vpn_bfd` of [provider.NAME]", "", bfd("300ms")).shape(),
            "BFD over all hops (RFC 5883) between the edges of a VPN, whose sessions go down with it; none if absent.",
        ),
        key("reversion_hold", time(), "After a link is back, how long it is left alone: \"0s\" to \"1h\".")
            .default("10s"),
        key("igp_convergence", time(), "From the detection to paths around the failure: \"0s\" to \"600s\".")
            .default("200ms"),
    ]
}

fn routers() -> Shape {
    Shape::List { of: Box::new(name()), least: 1, most: Some(64), differ: true }
}

fn link() -> Table {
    let between = Shape::List { of: Box::new(name()), least: 2, most: Some(2), differ: true };
    let keys = vec![
        key("between", between, "The two P routers that it joins.").required().example(vec!["p1", "p2"]),
        key("name", name(), "What events call it; the names of its routers, \"p1-p2\", if absent.").example("north"),
        key("metric", integer(1..=65_535), "What it adds to the length of a path.").default(10),
        delay("delay", "of the link; the provider's `delay` if absent"),
        key("port", speed(SPEEDS), "Speed of the link, in bits per second; the provider's `port` if absent."),
    ];
    table("[[provider.NAME.link]]", "A link between two P routers.", keys)
}

/// Sites and circuits have up to 128 names.
fn edges() -> Shape {
    Shape::Named { of: Box::new(one_or_many(name, 1, Some(2))), least: 0, most: 128 }
}

/// The words of `ttl`.
pub(super) const TTL: &[&str] = &["uniform", "pipe", "short-pipe"];
