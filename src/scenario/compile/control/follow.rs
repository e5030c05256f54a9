//! Which routes of a forwarding table sessions bring: those by a session's neighbour, which become dynamic.

use std::collections::BTreeMap;

use super::planes;
use crate::control::Followers;
use crate::id::VrfId;
use crate::scenario::compile::public::advertised;
use crate::scenario::{Plane, Scenario};
use crate::table::{FibBuilder, Member};
use ipnet::IpNet;

/// All prefixes that anybody in the scenario can tell of.
pub(super) fn known(scenario: &Scenario) -> Vec<IpNet> {
    let sites = scenario.sites.iter().flat_map(|site| &site.prefixes);
    let vnets = scenario.vnets.iter().flat_map(|vnet| &vnet.prefixes);
    let services = scenario.services.iter().flat_map(|service| &service.prefixes);
    let mut all: Vec<IpNet> = sites.chain(vnets).chain(services).map(|prefix| prefix.value.trunc()).collect();
    let microsoft = scenario.circuits.iter().filter_map(|circuit| circuit.microsoft.as_ref());
    all.extend(microsoft.flat_map(|peering| Plane::BOTH.into_iter().flat_map(|plane| advertised(peering, plane))));
    all.sort_unstable();
    all.dedup();
    all
}

/// Makes the routes by neighbours dynamic: routes of the table of routes bring them back.
pub(super) fn follow(plane: &mut planes::Plane, fib: &mut FibBuilder, prefixes: &[IpNet]) {
    let mut listed: BTreeMap<(VrfId, IpNet), Vec<VrfId>> = BTreeMap::new();
    let routing = &mut plane.spec.routing;
    for (&vrf, forwarding) in &plane.tables {
        for &table in forwarding {
            // Those of VPN routes are reached in another VRF.
            let neighbors = routing.next_hops.iter().filter(|known| known.vrf == vrf || known.label.is_some());
            let here = neighbors.flat_map(|known| &known.forward).filter(|(known, _)| *known == table);
            let by: Vec<Member> = here.map(|(_, towards)| towards.member()).collect();
            let is_by_neighbor = |member: &Member| by.contains(member);
            for &prefix in prefixes {
                let members = fib.next_hops_of(table, prefix);
                if !members.is_empty() && members.iter().all(is_by_neighbor) {
                    fib.release(table, prefix);
                    listed.entry((vrf, prefix)).or_default().push(table);
                }
            }
        }
    }
    routing.followers = Followers::Listed(listed);
}
