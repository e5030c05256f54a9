//! Whether what streams offer is too much for what is left when one of two connections fails, or for a gateway.

use super::Found;
use crate::scenario::model::{Circuit, CircuitId, Gateway, PairId, PortPair, SiteId};
use crate::scenario::offered::{Part, Way, at_access, most_of, tags_at_customer, tags_at_microsoft, through};
use crate::scenario::source::Located;
use crate::scenario::units::{rate_rounded_up, rate_text};
use crate::scenario::{Carrier, Scenario};
use crate::time::{PortSpeed, WIRE_OVERHEAD_OCTETS};

/// Ports of a pair of which one cannot carry what streams offer to both, each way.
pub(super) fn small_survivors(scenario: &Scenario, id: PairId, pair: &PortPair, parts: &[Part<'_>]) -> Vec<Found> {
    let on_pair = |part: &Part<'_>| scenario.circuits[part.circuit.index()].pair == id;
    let on_wire = |way: Way, tags: u64| {
        let figure = |stream: &crate::scenario::Traffic| stream.pace().bits_per_s(tags + WIRE_OVERHEAD_OCTETS);
        most_of(parts, |part| part.way == way && on_pair(part), figure)
    };
    let name = &pair.name;
    let mut found = Vec::new();
    for way in Way::BOTH {
        if pair.carrier.is_layer_2() {
            let offered = on_wire(way, tags_at_customer(scenario, id));
            found.extend(small_port(name, format!("the ports of `{}`", name.value), way, offered, pair.port));
        }
        if let Some(provider) = pair.carrier.provider() {
            let provider = &scenario.providers[provider.index()];
            let ports = format!("the ports of `{}` between `{}` and Microsoft", name.value, provider.name.value);
            let offered = on_wire(way, tags_at_microsoft(scenario, id));
            found.extend(small_port(name, ports, way, offered, provider.nni.port));
        }
        if let Carrier::IpVpn { access, .. } = pair.carrier {
            for site in &pair.sites {
                let offered = at_access(scenario, parts, id, site.value, way, WIRE_OVERHEAD_OCTETS);
                found.extend(small_access(scenario, name, site.value, way, offered, access.port));
            }
        }
    }
    found
}

fn small_port(name: &Located<String>, ports: String, way: Way, offered: u64, port: PortSpeed) -> Option<Found> {
    let message = format!(
        "streams offer {ports} {} {} at once, and one port carries {}",
        rate_rounded_up(offered),
        way.text(),
        rate_text(port.bps())
    );
    let advice =
        "when one port fails the other cannot carry all of them at once; plan for what is lost, or larger ports";
    (offered > port.bps()).then(|| (name.at, message, advice.to_owned()))
}

/// The ports between a site and its provider.
fn small_access(
    scenario: &Scenario,
    name: &Located<String>,
    site: SiteId,
    way: Way,
    offered: u64,
    port: PortSpeed,
) -> Option<Found> {
    let site = &scenario.sites[site.index()];
    let (direction, advice) = match (way, site.edges) {
        (Way::ToMicrosoft, 2) => ("from", "when one edge router fails the other cannot send all of them; larger ports"),
        (Way::FromMicrosoft, 2) => ("to", "when one edge router fails the other cannot take all of them; larger ports"),
        (Way::ToMicrosoft, _) => ("from", "it is the only one; `edges = 2` gives the site another, or larger ports"),
        (Way::FromMicrosoft, _) => ("to", "it is the only one; `edges = 2` gives the site another, or larger ports"),
    };
    let message = format!(
        "streams {direction} site `{}` come to {} at once by `{}`, and one port carries {}",
        site.name.value,
        rate_rounded_up(offered),
        name.value,
        rate_text(port.bps())
    );
    (offered > port.bps()).then(|| (site.name.at, message, advice.to_owned()))
}

/// A rate limit that holds one connection to less than streams offer to both.
pub(super) fn small_connection(
    scenario: &Scenario,
    id: CircuitId,
    circuit: &Circuit,
    parts: &[Part<'_>],
) -> Vec<Found> {
    let (tags, limit) = (tags_at_microsoft(scenario, circuit.pair), circuit.bandwidth_bps);
    let small = |way: Way| {
        let offered =
            most_of(parts, |part| part.way == way && part.circuit == id, |stream| stream.pace().bits_per_s(tags));
        let message = format!(
            "streams offer circuit `{}` {} {} at once, and each connection is held to {}",
            circuit.name.value,
            rate_rounded_up(offered),
            way.text(),
            rate_text(limit.value)
        );
        let advice = "when one connection fails the other drops what is over that; a larger `bandwidth`, or plan for what is lost";
        (offered > limit.value).then(|| (limit.at, message, advice.to_owned()))
    };
    if circuit.rate_limit.is_none() { Vec::new() } else { Way::BOTH.into_iter().filter_map(small).collect() }
}

/// The limits of a gateway, which all that goes inwards passes together.
pub(super) fn small_gateway(scenario: &Scenario, gateway: &Gateway, parts: &[Part<'_>]) -> Vec<Found> {
    if gateway.limits.is_none() {
        return Vec::new();
    }
    let (parts, limits, all) = (through(scenario, gateway, parts), gateway.sku.limits(), |_: &Part<'_>| true);
    let bits = most_of(&parts, all, |stream| stream.pace().bits_per_s(0));
    let packets = most_of(&parts, all, |stream| stream.pace().frames_per_s());
    let flows = most_of(&parts, all, |stream| stream.template.flows.into());
    let mut found = Vec::new();
    let mut judge = |offered: u64, limit: u64, texts: [String; 2]| {
        let [offers, takes] = texts;
        let message =
            format!("streams offer gateway `{}` {offers} at once, and it takes {takes} inwards", gateway.name.value);
        let advice = "a larger `sku`, or FastPath; what leaves the virtual network does not pass the gateway";
        found.extend((offered > limit).then(|| (gateway.name.at, message, advice.to_owned())));
    };
    judge(bits, limits.bps, [rate_rounded_up(bits), rate_text(limits.bps)]);
    judge(packets, limits.pps, [packets, limits.pps].map(|number| format!("{number} packets/s")));
    judge(flows, limits.flows, [flows, limits.flows].map(|number| format!("{number} flows")));
    found
}
