//! Checks of the cloud side that concern several tables: peered networks, what FastPath has no room for, Global Reach.

use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::fastpath;
use crate::scenario::model::{CircuitId, GlobalReach, Site};
use crate::scenario::read::Facts;

/// A peering of virtual networks joins a hub, whose gateway is used, and a spoke without one. It is not transitive.
pub(super) fn spokes(facts: &Facts, problems: &Problems) {
    for spoke in &facts.spokes {
        let (name, hub) = (&spoke.name.value, &spoke.hub);
        if *name == hub.value {
            let wrong = Diagnostic::error(hub.at, format!("virtual network `{name}` is peered with itself"));
            problems.report(wrong.label("itself").remedy("name the network whose gateway it uses"));
            continue;
        }
        if let Some(own) = facts.homes.iter().find(|home| home.value == *name) {
            let message = format!("virtual network `{name}` has a gateway, and cannot use that of `{}`", hub.value);
            let wrong = Diagnostic::error(hub.at, message).label("uses a remote gateway").also(own.at, "has its own");
            problems.report(wrong.remedy("take `peered_with` away, or the network from the gateway's `vnets`"));
        }
        if let Some(further) = facts.spokes.iter().find(|other| other.name.value == hub.value && hub.value != *name) {
            let message = format!("virtual network `{}` is a spoke itself: peering is not transitive", hub.value);
            let wrong = Diagnostic::error(hub.at, message).label("no hub").also(further.hub.at, "it uses another's");
            problems.report(wrong.remedy(format!("write `peered_with = \"{}\"`", further.hub.value)));
        }
    }
}

/// A threshold above what the network takes cuts nothing.
pub(super) fn thresholds(scenario: &Scenario, problems: &Problems) {
    for at in scenario.vnets.iter().filter_map(|vnet| vnet.fragment_at) {
        let mtu = scenario.settings.mtu;
        if at.value > mtu {
            let message = format!("`fragment_at` is {}, and packets of over {mtu} octets go nowhere", at.value);
            let idle = Diagnostic::warning(at.at, message).label("without effect");
            problems.report(idle.remedy(format!("write {mtu} or less, or a larger `mtu` in [settings]")));
        }
    }
}

/// What is over the limit of FastPath goes through the gateway.
pub(super) fn fastpath_room(scenario: &Scenario, problems: &Problems) {
    let mut told = std::collections::BTreeSet::new();
    for (place, circuit) in scenario.circuits.iter().enumerate() {
        let most = scenario.pairs[circuit.pair.index()].kind().fastpath_addresses();
        for fallen in fastpath::prefixes(scenario, CircuitId(place)).into_iter().filter(|prefix| !prefix.is_taken) {
            let vnet = &scenario.vnets[fallen.vnet.index()];
            let Some(written) = vnet.prefixes.iter().find(|prefix| prefix.value == fallen.prefix) else { continue };
            if told.insert((written.at, circuit.pair)) {
                let message = format!(
                    "FastPath on circuit `{}` takes {most} IP addresses: {} of `{}` goes through the gateway",
                    circuit.name.value, fallen.prefix, vnet.name.value
                );
                let over = Diagnostic::warning(written.at, message).label("over the limit");
                problems.report(over.remedy("write fewer `addresses`, if fewer are in use"));
            }
        }
    }
}

/// What Global Reach needs of its circuits (EXPRESSROUTE: Global Reach).
pub(super) fn global_reaches(scenario: &Scenario, problems: &Problems) {
    let circuit = |place: usize| &scenario.circuits[place];
    for (number, reach) in scenario.global_reaches.iter().enumerate() {
        let [a, b] = reach.circuits;
        for end in [a, b] {
            let circuit = circuit(end.index());
            if circuit.private.is_none() {
                let message = format!(
                    "Global Reach needs private peering on both circuits, and `{}` has none",
                    circuit.name.value
                );
                let wrong = Diagnostic::error(end.at, message).label("no private peering");
                problems.report(wrong.remedy(format!("write `[circuit.{}.private]`", circuit.name.value)));
            }
        }
        let [pair_a, pair_b] = [a, b].map(|end| scenario.pair_of(end.value));
        let common = pair_a.locations.iter().find(|location| pair_b.locations.contains(location));
        if let Some(location) = common {
            let message = format!(
                "Global Reach joins circuits of different peering locations, and both of these are in {location}"
            );
            let wrong = Diagnostic::error(b.at, message).label("the same location").also(a.at, "as this");
            problems.report(wrong.remedy("name a circuit of another `location`"));
        } else if pair_a.leads_where(pair_b) {
            let site = &scenario.sites[pair_a.sites[0].index()].name.value;
            let message = format!("both circuits lead to site `{site}`, which needs no Global Reach to reach itself");
            let warning = Diagnostic::warning(reach.at, message).label("carries nothing");
            problems.report(warning.remedy("name circuits of two sites, or take it away"));
        }
        warn_of_loops(scenario, reach, problems);
        let same = |other: &&crate::scenario::GlobalReach| {
            let [c, d] = other.circuits.map(|end| end.value);
            [c, d] == [a.value, b.value] || [d, c] == [a.value, b.value]
        };
        if let Some(first) = scenario.global_reaches[..number].iter().find(same) {
            let [a, b] = [a, b].map(|end| &circuit(end.index()).name.value);
            let twice = Diagnostic::error(reach.at, format!("circuits `{a}` and `{b}` are joined already"));
            problems.report(twice.label("and again here").also(first.at, "first here").remedy("take one away"));
        }
    }
}

/// Sites of one autonomous system refuse each other's routes (RFC 4271 §9): a joint carries nothing between them.
fn warn_of_loops(scenario: &Scenario, reach: &GlobalReach, problems: &Problems) {
    let [near, far] = reach.circuits.map(|end| {
        let sites = scenario.pair_of(end.value).sites.iter();
        sites.map(|site| &scenario.sites[site.index()]).collect::<Vec<&Site>>()
    });
    let mut pairs = near.iter().flat_map(|one| far.iter().map(move |other| (*one, *other)));
    let alike = |(one, other): &(&Site, &Site)| one.name != other.name && one.asn.value == other.asn.value;
    if let Some((one, other)) = pairs.find(alike) {
        let (a, b, asn) = (&one.name.value, &other.name.value, one.asn.value);
        let message =
            format!("sites `{a}` and `{b}` are both of autonomous system {asn}: each refuses the other's routes");
        let warning = Diagnostic::warning(other.asn.at, message).label("the same number");
        let warning = warning.also(one.asn.at, "as here").also(reach.at, "Global Reach joins them");
        problems.report(warning.remedy("give one of them another `asn`: what has passed a system is a loop to it"));
    }
}
