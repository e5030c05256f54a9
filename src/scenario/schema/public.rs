//! `[circuit.NAME.microsoft]`, `[service.NAME]` and `internet`: what has public addresses.

use super::peering;
use super::shape::{
    Key, SPEEDS, Shape, Table, When, delay, key, list, loss, one_or_many, prefix, prefix_of_v4, some, speed, table,
    when,
};

/// The Microsoft peering of a circuit.
pub(super) fn microsoft() -> Table {
    let mut keys = peering::keys("[circuit.NAME.microsoft]");
    keys.extend([
        key(
            "nat",
            one_or_many(prefix_of_v4, 1, Some(2)),
            "Public IPv4 that sources are translated to: one pool before the split to the two links, or one for each link.",
        )
        .example("203.0.113.64/28")
        .example(vec!["203.0.113.64/29", "203.0.113.72/29"]),
        key("prefixes", list(prefix()), "Further public prefixes of the site that are advertised, as they are.")
            .example(vec!["2001:db8:10::/48"]),
        key("route_filter", list(community()), "Communities of the services that are advertised; without any, none is.")
            .example(vec!["12076:51004"]),
    ]);
    table("[circuit.NAME.microsoft]", "", keys)
}

pub(super) fn service() -> Table {
    let keys = vec![
        key("prefixes", some(prefix()), "Public IP prefixes of the service.").required().example(vec!["198.51.100.0/24"]),
        key(
            "class",
            Shape::Words(CLASSES),
            "What it is: azure and microsoft365 can be reached over Microsoft peering, all else over the internet alone.",
        )
        .required(),
        key("community", community(), "What a `route_filter` knows it by, as Microsoft tags its prefixes.")
            .example("12076:51004"),
        delay("delay", "between its hosts and the network that they are in").default("100us"),
    ];
    let is_peered = When::IsNot("class", Shape::Words(&["azure", "microsoft365"]));
    table("[service.NAME]", "A service at public addresses.", keys).rules([when([is_peered]).without(&["community"])])
}

/// The way of a site to the internet.
pub(super) fn internet_of_site() -> Key {
    let mut keys = internet(pool("the site; without it the site has public ones itself"));
    keys.push(key("port", speed(SPEEDS), "Speed of its ports, in bits per second.").default("10G"));
    key("internet", table("`internet` of [site.NAME]", "", keys).shape(), "The site's way to the internet.")
}

/// The way of a virtual network to the internet.
pub(super) fn internet_of_vnet() -> Key {
    let keys = internet(pool("the network").required());
    key("internet", table("`internet` of [vnet.NAME]", "", keys).shape(), "The network's own way to the internet.")
}

fn internet(nat: Key) -> Vec<Key> {
    vec![nat, delay("delay", "to the internet").default("5ms"), loss("on the way there").default("0%")]
}

fn pool(whose: &str) -> Key {
    key("nat", prefix_of_v4(), format!("The public IPv4 addresses of {whose}.")).example("203.0.113.160/28")
}

/// A community of Microsoft's; that its number has 16 bits is not seen.
fn community() -> Shape {
    Shape::Pattern("^12076:(?:0|[1-9][0-9]{0,4})$".to_owned())
}

const CLASSES: &[&str] = &["azure", "microsoft365", "dns", "crl", "cdn", "front-door", "traffic-manager", "internet"];
