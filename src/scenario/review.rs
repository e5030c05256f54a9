//! A scenario as a network architect would look at it: what a fault would take, though nothing in the file is wrong.

mod streams;

use super::Scenario;
use super::model::{CircuitId, Gateway, MicrosoftPeering, NatPools, PairId, Peering, PortPair};
use super::offered::Offered;
use super::source::{Extent, Located};
use super::units::rate_text;

/// Something to think about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// File, line and column.
    pub place: String,
    /// What is found.
    pub message: String,
    /// What could be done about it.
    pub advice: String,
}

/// What is found in `scenario`, in the order of the file.
pub(super) fn review(scenario: &Scenario) -> Vec<Finding> {
    let mut found = Vec::new();
    let offered = Offered::new(scenario);
    let by_streams = !scenario.traffic.is_empty();
    for gateway in &scenario.gateways {
        found.extend(one_location(scenario, gateway));
        match by_streams {
            true => found.extend(streams::small_gateway(gateway, &offered)),
            false => found.extend(small_gateway(scenario, gateway)),
        }
        found.extend(other_sites(scenario, gateway));
    }
    for (place, pair) in scenario.pairs.iter().enumerate() {
        match by_streams {
            true => found.extend(streams::small_survivors(scenario, PairId(place), pair, &offered)),
            false => found.extend(small_survivor(scenario, PairId(place), pair)),
        }
        found.extend(both_ends(scenario, pair));
        found.extend(one_edge(scenario, pair));
    }
    for (place, circuit) in scenario.circuits.iter().enumerate() {
        found.extend(streams::small_connection(scenario, CircuitId(place), circuit, &offered));
        found.extend(circuit.private.as_ref().and_then(|peering| no_bfd("private", &circuit.name, peering)));
        if let Some(microsoft) = &circuit.microsoft {
            found.extend(no_bfd("Microsoft", &circuit.name, &microsoft.peering));
            found.extend(pools_of_links(&circuit.name, microsoft));
        }
    }
    found.sort();
    found.dedup();
    let place = |at: Extent| {
        let (line, column) = scenario.source().line_column(at);
        format!("{}:{line}:{column}", scenario.source().name())
    };
    found.into_iter().map(|(at, message, advice)| Finding { place: place(at), message, advice }).collect()
}

/// Where, what, and what to do.
type Found = (Extent, String, String);

/// The locations of a gateway's circuits, each once.
fn locations<'s>(scenario: &'s Scenario, gateway: &Gateway) -> Vec<&'s str> {
    let pairs = gateway.circuits.iter().map(|circuit| scenario.pair_of(circuit.value));
    let mut all: Vec<&str> = pairs.flat_map(|pair| &pair.locations).map(String::as_str).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Standard resiliency: all circuits of a gateway meet Microsoft in one place (EXPRESSROUTE: resiliency tiers).
fn one_location(scenario: &Scenario, gateway: &Gateway) -> Option<Found> {
    let [location] = locations(scenario, gateway)[..] else { return None };
    let message = format!("all circuits of gateway `{}` meet Microsoft in {location}", gateway.name.value);
    let advice = "its fault takes everything; high resiliency is a Metro circuit, maximum a second circuit elsewhere";
    Some((gateway.name.at, message, advice.to_owned()))
}

/// The way in passes the gateway, with all circuits behind it together.
fn small_gateway(scenario: &Scenario, gateway: &Gateway) -> Option<Found> {
    let circuits = gateway.circuits.iter().map(|circuit| scenario.circuits[circuit.index()].bandwidth_bps.value);
    let (sum, limit) = (circuits.fold(0u64, u64::saturating_add), gateway.sku.limits().bps);
    let message = format!(
        "gateway `{}` takes {} inwards, and its circuits bring {}",
        gateway.name.value,
        rate_text(limit),
        rate_text(sum)
    );
    let advice = "a larger `sku`; what leaves the virtual network does not pass the gateway";
    (sum > limit).then(|| (gateway.name.at, message, advice.to_owned()))
}

/// Circuits that do not lead to the same sites do not stand in for each other.
fn other_sites(scenario: &Scenario, gateway: &Gateway) -> Option<Found> {
    let (first, rest) = gateway.circuits.split_first()?;
    let pair = scenario.pair_of(first.value);
    let other = rest.iter().find(|circuit| !scenario.pair_of(circuit.value).leads_where(pair))?;
    let name = |circuit: &Located<CircuitId>| &scenario.circuits[circuit.index()].name.value;
    let message = format!(
        "circuits `{}` and `{}` of gateway `{}` do not lead to the same prefixes",
        name(first),
        name(other),
        gateway.name.value
    );
    let advice =
        "one does not take over for the other; advertise the same prefixes over both, or join them by Global Reach";
    Some((other.at, message, advice.to_owned()))
}

/// When one link of a pair is gone the other has to carry everything.
fn small_survivor(scenario: &Scenario, id: PairId, pair: &PortPair) -> Option<Found> {
    let circuits = scenario.circuits.iter().filter(|circuit| circuit.pair == id);
    let sum = circuits.fold(0u64, |sum, circuit| sum.saturating_add(circuit.bandwidth_bps.value));
    let message = format!(
        "the circuits on the ports of `{}` add up to {}, and one port carries {}",
        pair.name.value,
        rate_text(sum),
        rate_text(pair.port.bps())
    );
    let advice =
        "when one port fails the other cannot carry all of them at once; plan for what is lost, or larger ports";
    (sum > pair.port.bps()).then(|| (pair.name.at, message, advice.to_owned()))
}

/// Both planes are in use: a flow's way back may be the other plane.
fn both_ends(scenario: &Scenario, pair: &PortPair) -> Option<Found> {
    let site = scenario.sites.get(pair.sites.first()?.index())?;
    let message = format!("the edge routers of site `{}` see one direction of many flows each", site.name.value);
    let advice = "the way back is chosen by itself: keep stateful firewalls and address translation off a single plane";
    (site.edges == 2).then(|| (site.name.at, message, advice.to_owned()))
}

/// One router has both links.
fn one_edge(scenario: &Scenario, pair: &PortPair) -> Option<Found> {
    let single = pair.sites.iter().map(|site| &scenario.sites[site.index()]).find(|site| site.edges == 1)?;
    let message =
        format!("both connections of `{}` end at one edge router of site `{}`", pair.name.value, single.name.value);
    let message = match pair.carrier.is_layer_2() {
        true => message,
        false => format!("site `{}` has one edge router", single.name.value),
    };
    Some((single.name.at, message, "its fault takes the site; `edges = 2` gives each connection a router".to_owned()))
}

/// Without BFD a silent fault lasts as long as BGP's hold time.
fn no_bfd(kind: &str, circuit: &Located<String>, peering: &Peering) -> Option<Found> {
    let message = format!("the {kind} peering of circuit `{}` has no BFD", circuit.value);
    let hold = peering.bgp.hold;
    let advice =
        format!("a silent fault lasts until BGP's hold time ends ({hold}); add `bfd = {{ interval = \"300ms\" }}`");
    peering.bfd.is_none().then_some((peering.at, message, advice))
}

/// Addresses that are translated after the split go with their link (EXPRESSROUTE: designing for high availability).
fn pools_of_links(circuit: &Located<String>, peering: &MicrosoftPeering) -> Option<Found> {
    let NatPools::PerLink([first, _]) = peering.nat else { return None };
    let message = format!("each link of `{}` has a pool of its own for Microsoft peering", circuit.value);
    let advice = "when a link fails, the flows that have its addresses are lost; behind a common pool, before the split, they \
                  take the other link";
    Some((first.at, message, advice.to_owned()))
}

#[cfg(test)]
mod tests;
