//! Whether what streams bring is too much for what is left when one of two connections fails, or for a gateway.

use super::Found;
use crate::scenario::model::{Circuit, CircuitId, Gateway, PairId, PortPair, SiteId};
use crate::scenario::offered::{Offered, Part, Way, tags_at_customer, tags_at_microsoft};
use crate::scenario::source::Located;
use crate::scenario::units::{rate_rounded_up, rate_text};
use crate::scenario::{Carrier, Scenario};
use crate::time::{PortSpeed, WIRE_OVERHEAD_OCTETS};

/// Ports of a pair of which one cannot carry what streams bring to both, each way.
pub(super) fn small_survivors(scenario: &Scenario, id: PairId, pair: &PortPair, offered: &Offered<'_>) -> Vec<Found> {
    let on_wire = |way: Way, tags: u64| {
        let on_pair = |part: &Part| part.way == way && scenario.circuits[part.circuit.index()].pair == id;
        let parts = offered.parts.iter().copied().filter(on_pair);
        offered.most(parts, |pace| pace.bits_per_s(tags + WIRE_OVERHEAD_OCTETS))
    };
    let name = &pair.name;
    let mut found = Vec::new();
    for way in Way::BOTH {
        if pair.carrier.is_layer_2() {
            let brought = on_wire(way, tags_at_customer(scenario, id));
            found.extend(small_port(name, format!("the ports of `{}`", name.value), way, brought, pair.port));
        }
        if let Some(provider) = pair.carrier.provider() {
            let provider = &scenario.providers[provider.index()];
            let ports = format!("the ports of `{}` between `{}` and Microsoft", name.value, provider.name.value);
            let brought = on_wire(way, tags_at_microsoft(scenario, id));
            found.extend(small_port(name, ports, way, brought, provider.nni.port));
        }
        if let Carrier::IpVpn { access, .. } = pair.carrier {
            for site in &pair.sites {
                let parts = offered.at_access(id, site.value, way);
                let brought = offered.most(parts.into_iter(), |pace| pace.bits_per_s(WIRE_OVERHEAD_OCTETS));
                found.extend(small_access(scenario, name, site.value, way, brought, access.port));
            }
        }
    }
    found
}

fn small_port(name: &Located<String>, ports: String, way: Way, brought: u64, port: PortSpeed) -> Option<Found> {
    let message = format!(
        "streams bring {ports} {} {} at once, and one port carries {}",
        rate_rounded_up(brought),
        way.text(),
        rate_text(port.bps())
    );
    let advice =
        "when one port fails the other cannot carry all of them at once; plan for what is lost, or larger ports";
    (brought > port.bps()).then(|| (name.at, message, advice.to_owned()))
}

/// The ports between a site and its provider.
fn small_access(
    scenario: &Scenario,
    name: &Located<String>,
    site: SiteId,
    way: Way,
    brought: u64,
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
        rate_rounded_up(brought),
        name.value,
        rate_text(port.bps())
    );
    (brought > port.bps()).then(|| (site.name.at, message, advice.to_owned()))
}

/// A rate limit that holds one connection to less than streams bring to both.
pub(super) fn small_connection(
    scenario: &Scenario,
    id: CircuitId,
    circuit: &Circuit,
    offered: &Offered<'_>,
) -> Vec<Found> {
    let (tags, limit) = (tags_at_microsoft(scenario, circuit.pair), circuit.bandwidth_bps);
    let Some(most) = circuit.rate_limit.map(|policer| policer.threshold_bps(limit.value)) else { return Vec::new() };
    let above = if most > limit.value { format!(" where more than {} come", rate_text(most)) } else { String::new() };
    let small = |way: Way| {
        let parts = offered.parts.iter().copied().filter(|part| part.way == way && part.circuit == id);
        let brought = offered.most(parts, |pace| pace.bits_per_s(tags));
        let message = format!(
            "streams bring circuit `{}` {} {} at once, and each connection is held to {}{above}",
            circuit.name.value,
            rate_rounded_up(brought),
            way.text(),
            rate_text(limit.value)
        );
        let advice = "when one connection fails the other drops what is over that; a larger `bandwidth`, or plan for what \
                      is lost";
        (brought > most).then(|| (limit.at, message, advice.to_owned()))
    };
    Way::BOTH.into_iter().filter_map(small).collect()
}

/// The limits of a gateway, which all that goes inwards passes together.
pub(super) fn small_gateway(gateway: &Gateway, offered: &Offered<'_>) -> Vec<Found> {
    if gateway.limits.is_none() {
        return Vec::new();
    }
    let (parts, limits) = (offered.through(gateway), gateway.sku.limits());
    let bits = offered.most(parts.iter().copied(), |pace| pace.bits_per_s(0));
    let packets = offered.most(parts.iter().copied(), |pace| pace.frames_per_s());
    let flows = offered.most_flows(parts.into_iter());
    let mut found = Vec::new();
    let mut judge = |brought: u64, limit: u64, [brings, takes]: [String; 2]| {
        let message =
            format!("streams bring gateway `{}` {brings} at once, and it takes {takes} inwards", gateway.name.value);
        let advice = "a larger `sku`, or FastPath; what leaves the virtual network does not pass the gateway";
        found.extend((brought > limit).then(|| (gateway.name.at, message, advice.to_owned())));
    };
    judge(bits, limits.bps, [rate_rounded_up(bits), rate_text(limits.bps)]);
    judge(packets, limits.pps, [packets, limits.pps].map(|number| format!("{number} packets/s")));
    judge(flows, limits.flows, [flows, limits.flows].map(|number| format!("{number} flows")));
    found
}
