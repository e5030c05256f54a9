//! Checks of the cloud side that concern several tables: peered networks, and what FastPath has no room for.

use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::fastpath;
use crate::scenario::model::CircuitId;
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
