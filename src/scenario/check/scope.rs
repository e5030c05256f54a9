//! Checks of what a circuit's SKU allows: where it leads, and how many prefixes and networks (EXPRESSROUTE: circuit limits).

use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::model::{Circuit, CircuitId, CircuitSku, Gateway, PrefixLimits, SiteId, Vnet};
use crate::scenario::source::{Extent, Located};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// The networks that each circuit leads to are within its scope, and so are the circuits that it is joined with.
pub(super) fn reach(scenario: &Scenario, problems: &Problems) {
    for gateway in &scenario.gateways {
        for connection in &gateway.circuits {
            let circuit = &scenario.circuits[connection.index()];
            for vnet in gateway.vnets.iter().map(|vnet| &scenario.vnets[vnet.index()]) {
                vnet_in_scope(circuit, vnet, connection.at, problems);
            }
        }
    }
    for reach in &scenario.global_reaches {
        let [a, b] = reach.circuits.map(|end| (&scenario.circuits[end.index()], end.at));
        for (circuit, at) in [a, b] {
            if circuit.scope.sku.value == CircuitSku::Local {
                let message = format!("`{}` is a Local circuit, and Global Reach is not for those", circuit.name.value);
                let wrong = Diagnostic::error(at, message).label("Local").also(circuit.scope.sku.at, "its SKU");
                problems.report(
                    wrong.remedy("write `sku = \"standard\"`, or \"premium\" from one geopolitical region to another"),
                );
            }
        }
        let geos = [a, b].map(|(circuit, _)| circuit.scope.geo.as_ref());
        let ([Some(here), Some(there)], (circuit, at)) = (geos, b) else { continue };
        let premium = [a, b].iter().all(|(circuit, _)| circuit.scope.sku.value == CircuitSku::Premium);
        if here.value != there.value && !premium {
            let message = format!(
                "Global Reach from {} to {} needs ExpressRoute Premium on both circuits",
                here.value, there.value
            );
            let wrong = Diagnostic::error(at, message).label(format!("`{}`", circuit.name.value));
            problems.report(
                wrong.also(there.at, "another geopolitical region").remedy("write `sku = \"premium\"` with both"),
            );
        }
    }
}

fn vnet_in_scope(circuit: &Circuit, vnet: &Vnet, at: Extent, problems: &Problems) {
    let (name, network) = (&circuit.name.value, &vnet.name.value);
    let report = |message: String, other: &Located<String>, label: &str, remedy: &str| {
        problems.report(Diagnostic::error(at, message).label("out of its scope").also(other.at, label).remedy(remedy));
    };
    match (circuit.scope.sku.value, &vnet.region, &circuit.scope.geo, &vnet.geo) {
        (CircuitSku::Local, Some(region), ..)
            if !circuit.scope.local_regions.is_empty()
                && !circuit.scope.local_regions.iter().any(|known| known.value == region.value) =>
        {
            let message =
                format!("`{name}` is a Local circuit, and virtual network `{network}` is in {}", region.value);
            report(message, region, "not near by", "write `sku = \"standard\"`, or add the region to `local_regions`");
        }
        (CircuitSku::Local | CircuitSku::Standard, _, Some(here), Some(there)) if here.value != there.value => {
            let message = format!(
                "`{name}` reaches the regions of {}, and virtual network `{network}` is in {}",
                here.value, there.value
            );
            report(message, there, "another geopolitical region", "write `sku = \"premium\"`: it reaches all regions");
        }
        _ => {}
    }
}

/// How many prefixes and networks a circuit takes.
pub(super) fn counts(scenario: &Scenario, problems: &Problems) {
    for (place, circuit) in scenario.circuits.iter().enumerate() {
        if circuit.private.is_some() {
            from_site(scenario, circuit, problems);
        }
        advertised(circuit, problems);
        links(scenario, CircuitId(place), circuit, problems);
    }
    for gateway in &scenario.gateways {
        self::gateway(scenario, gateway, problems);
        let prefixes = gateway.vnets.iter().flat_map(|vnet| &scenario.vnets[vnet.index()].prefixes);
        let over = over_limit(prefixes, PrefixLimits { v4: 1_000, v6: 100 });
        if let Some((at, family, count, most)) = over {
            let message = format!(
                "gateway `{}` advertises {count} prefixes of {family}, and a connection is down over {most}",
                gateway.name.value
            );
            let wrong = Diagnostic::error(at, message).label("one too many").also(gateway.name.at, "this gateway");
            problems.report(wrong.remedy("write fewer or larger prefixes in its virtual networks"));
        }
    }
}

/// A gateway takes four circuits of one peering location, and learns as many routes as its size has room for
/// (EXPRESSROUTE: gateways).
fn gateway(scenario: &Scenario, gateway: &Gateway, problems: &Problems) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for circuit in &gateway.circuits {
        let [primary, secondary] = &scenario.pair_of(circuit.value).locations;
        for location in [Some(primary), Some(secondary).filter(|other| *other != primary)].into_iter().flatten() {
            let count = seen.entry(location).or_default();
            *count += 1;
            if *count == MOST_OF_ONE_LOCATION + 1 {
                let message = format!(
                    "gateway `{}` has more than {MOST_OF_ONE_LOCATION} circuits that meet Microsoft in {location}",
                    gateway.name.value
                );
                let wrong = Diagnostic::error(circuit.at, message).label("one too many");
                problems.report(wrong.remedy("name a circuit of another `location`"));
            }
        }
    }
    let mut sites: Vec<SiteId> = gateway
        .circuits
        .iter()
        .flat_map(|circuit| &scenario.pair_of(circuit.value).sites)
        .map(|site| site.value)
        .collect();
    sites.sort_unstable();
    sites.dedup();
    let learned: usize = sites.iter().map(|site| scenario.sites[site.index()].prefixes.len()).sum();
    let most = gateway.sku.limits().routes;
    if learned > most {
        let message =
            format!("gateway `{}` would learn {learned} routes, and its size has room for {most}", gateway.name.value);
        let over = Diagnostic::warning(gateway.name.at, message).label("more than its size is for");
        problems.report(over.remedy("choose a larger `sku`, or advertise fewer prefixes"));
    }
}

/// Over the limit the BGP session is down until there are fewer (EXPRESSROUTE: routing).
fn from_site(scenario: &Scenario, circuit: &Circuit, problems: &Problems) {
    let limits = circuit.scope.sku.private_prefixes();
    let sites = scenario.pairs[circuit.pair.index()].sites.iter();
    let prefixes = sites.flat_map(|site| &scenario.sites[site.index()].prefixes);
    if let Some((at, family, count, most)) = over_limit(prefixes, limits) {
        let message = format!(
            "circuit `{}` would be sent {count} prefixes of {family}, and over {most} its BGP session drops",
            circuit.name.value
        );
        let wrong = Diagnostic::error(at, message).label("one too many").also(circuit.scope.sku.at, "its SKU");
        let premium = if family == "IPv4" && circuit.scope.sku.value != CircuitSku::Premium {
            ", or `sku = \"premium\"`, which takes 10000"
        } else {
            ""
        };
        problems.report(wrong.remedy(format!("write fewer or larger prefixes{premium}")));
    }
}

fn advertised(circuit: &Circuit, problems: &Problems) {
    let Some(microsoft) = &circuit.microsoft else { return };
    let pools = microsoft.nat.all();
    let pools: Vec<Located<IpNet>> = pools.into_iter().map(|pool| pool.map(IpNet::V4)).collect();
    if let Some((at, family, count, most)) =
        over_limit(pools.iter().chain(&microsoft.advertised), PrefixLimits::MICROSOFT_PEERING)
    {
        let message = format!("Microsoft peering takes {most} prefixes of {family}, and these are {count}");
        problems.report(Diagnostic::error(at, message).label("one too many").remedy("write fewer or larger prefixes"));
    }
}

/// Virtual networks by their gateways, and circuits by Global Reach, count against one limit.
fn links(scenario: &Scenario, id: CircuitId, circuit: &Circuit, problems: &Problems) {
    let gateways = scenario.gateways.iter().filter(|gateway| gateway.circuits.iter().any(|known| known.value == id));
    let joined = scenario.global_reaches.iter().filter(|reach| reach.circuits.iter().any(|known| known.value == id));
    let places: Vec<Extent> = gateways.map(|gateway| gateway.name.at).chain(joined.map(|reach| reach.at)).collect();
    let most = most_links(circuit);
    if let Some(at) = places.get(most) {
        let message = format!(
            "circuit `{}` has {} links to virtual networks and other circuits, and takes {most}",
            circuit.name.value,
            places.len()
        );
        let wrong = Diagnostic::error(*at, message).label("one too many").also(circuit.scope.sku.at, "its SKU");
        problems.report(wrong.remedy("connect fewer, or write `sku = \"premium\"` and a larger `bandwidth`"));
    }
}

/// EXPRESSROUTE: gateways.
const MOST_OF_ONE_LOCATION: usize = 4;

/// EXPRESSROUTE: virtual network links per circuit.
pub(super) fn most_links(circuit: &Circuit) -> usize {
    const MEGA: u64 = 1_000_000;
    if circuit.scope.sku.value != CircuitSku::Premium {
        return 10;
    }
    match circuit.bandwidth_bps.value / MEGA {
        0..=99 => 20,
        100..=499 => 25,
        500..=999 => 40,
        1_000..=1_999 => 50,
        2_000..=4_999 => 60,
        5_000..=9_999 => 75,
        _ => 100,
    }
}

/// The first prefix over the limits of IPv4 and IPv6: where it is, its family, how many there are, how many may be.
fn over_limit<'p>(
    prefixes: impl Iterator<Item = &'p Located<IpNet>>,
    PrefixLimits { v4, v6 }: PrefixLimits,
) -> Option<(Extent, &'static str, usize, usize)> {
    let (four, six): (Vec<_>, Vec<_>) = prefixes.partition(|prefix| matches!(prefix.value, IpNet::V4(_)));
    let over = |all: Vec<&Located<IpNet>>, family, most: usize| {
        let first = all.get(most)?;
        Some((first.at, family, all.len(), most))
    };
    over(four, "IPv4", v4).or_else(|| over(six, "IPv6", v6))
}
