//! What gateways forward, and their limits: those bind on the way in, for the way back does not pass them.

use super::draft::{Draft, route};
use super::edge::first_addresses;
use super::wiring::{GatewayNode, Uplink, Wiring};
use super::{CompileOptions, carries, defaults};
use crate::id::VrfId;
use crate::port::GateSpec;
use crate::scenario::{Scenario, SiteId};
use crate::table::{NextHop, TagRule};
use ipnet::IpNet;

/// Fills in the tables of a gateway: virtual networks inwards, and back over its circuits what it says itself.
pub(super) fn configure(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    gateway: &GatewayNode,
    options: CompileOptions,
) {
    let mtu = scenario.settings.mtu;
    let mut fib = draft.untagged_table(gateway.node);
    let mut add = |prefix: IpNet, next_hops: &[NextHop]| route(&mut fib, VrfId(0), prefix, next_hops);
    let inwards: Vec<NextHop> =
        gateway.vnets.iter().map(|(_, port)| draft.next_hop(*port, mtu, TagRule::UNTAGGED)).collect();
    for default in defaults() {
        match options.unknown() {
            Some(discard) => add(default, &[discard]),
            None => add(default, &inwards[..inwards.len().min(1)]),
        }
    }
    for (place, site) in scenario.sites.iter().enumerate() {
        for prefix in &site.prefixes {
            let leads = |uplink: &&Uplink| {
                uplink.gateway == gateway.place && leads(scenario, uplink, SiteId(place), &prefix.value)
            };
            let mut ups: Vec<&Uplink> = wiring.uplinks.iter().filter(leads).collect();
            let weight = |up: &Uplink| scenario.gateways[gateway.place].weight(up.circuit);
            let highest = ups.iter().map(|up| weight(up)).max();
            ups.retain(|up| Some(weight(up)) == highest);
            let ups: Vec<NextHop> = ups.iter().map(|up| draft.next_hop(up.end, mtu, TagRule::UNTAGGED)).collect();
            add(prefix.value, &ups);
        }
    }
    let mut own = Vec::new();
    for ((vnet, _), next_hop) in gateway.vnets.iter().zip(&inwards) {
        for prefix in &scenario.vnets[vnet.index()].prefixes {
            add(prefix.value, &[*next_hop]);
            own.push(prefix.value);
        }
    }
    draft.route(gateway.node, fib, vec![first_addresses(own.into_iter())]);
    draft.gate(gateway.node, gate(scenario, gateway));
}

/// Whether a site's prefix is reached by `uplink`.
fn leads(scenario: &Scenario, uplink: &Uplink, site: SiteId, prefix: &IpNet) -> bool {
    let circuit = &scenario.circuits[uplink.circuit.index()];
    let from_site = scenario.pairs[circuit.pair.index()].serves(site);
    uplink.up && from_site && circuit.private.as_ref().is_some_and(|peering| carries(peering, prefix))
}

/// Prefixes of sites that a gateway has from the edge router at the end of `uplink`.
pub(super) fn learned(scenario: &Scenario, uplink: &Uplink) -> u64 {
    let sites = scenario.sites.iter().enumerate();
    let prefixes =
        sites.flat_map(|(place, site)| site.prefixes.iter().map(move |prefix| (SiteId(place), prefix.value)));
    prefixes.filter(|(site, prefix)| leads(scenario, uplink, *site, prefix)).count() as u64
}

/// Prefixes of virtual networks that the edge router at the end of `uplink` has from the gateway.
pub(super) fn advertised(scenario: &Scenario, uplink: &Uplink) -> u64 {
    let Some(peering) = scenario.circuits[uplink.circuit.index()].private.as_ref().filter(|_| uplink.up) else {
        return 0;
    };
    let vnets = scenario.gateways[uplink.gateway].vnets.iter().map(|vnet| &scenario.vnets[vnet.index()]);
    vnets.flat_map(|vnet| &vnet.prefixes).filter(|prefix| carries(peering, &prefix.value)).count() as u64
}

/// The limits of its size, on all that goes into the networks behind it.
fn gate(scenario: &Scenario, node: &GatewayNode) -> Option<GateSpec> {
    let gateway = &scenario.gateways[node.place];
    let (limits, sku) = (gateway.limits?, gateway.sku.limits());
    Some(GateSpec {
        outputs: node.vnets.iter().map(|(_, (_, port))| *port).collect(),
        bits_per_s: sku.bps,
        packets_per_s: sku.pps,
        flows: sku.flows,
        instances: gateway.instances,
        burst: limits.burst,
        flow_timeout: limits.flow_timeout,
        hash_seed: 0,
    })
}
