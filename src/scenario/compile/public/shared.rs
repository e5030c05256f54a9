//! A translation that a site's two edge routers share: a router of its own between the hosts and both.
//!
//! ```text
//! hq (hosts) --- hq-nat -+- hq-ce1     one pool before the split to the two links: whatever link is lost, the other one
//!                        +- hq-ce2     carries the same addresses
//! ```

use super::super::draft::{Draft, End, host_port, route, untagged};
use super::super::edge::first_addresses;
use super::super::wiring::{PairConnection, Wiring};
use super::super::{carries, defaults};
use super::{first_v4, servers};
use crate::id::{NodeId, VrfId};
use crate::node::{NatSpec, PoolSpec, RouterAddresses};
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::model::{CircuitId, MicrosoftPeering, NatPools, Service, Site, SiteId, StreamEnd};
use crate::table::{FibBuilder, NextHop, TagRule, Translation};
use ipnet::{IpNet, Ipv4Net};

/// The router.
pub(in super::super) struct SharedNat {
    pub(in super::super) node: NodeId,
    /// Towards the hosts.
    lan: End,
    /// Towards each edge router, and whether it has a way to anywhere.
    edges: Vec<(End, bool)>,
}

/// What comes from the hosts is looked up here.
const FROM_SITE: VrfId = VrfId(0);
/// What comes from the edge routers.
const FROM_EDGES: VrfId = VrfId(1);

/// A Microsoft peering whose pool is this router's, and the VRF outside of it.
struct Pooled {
    circuit: CircuitId,
    pool: Ipv4Net,
    vrf: VrfId,
}

/// The peerings of a site whose pool both of its edge routers would need.
fn pooled(scenario: &Scenario, id: SiteId) -> Vec<Pooled> {
    let has_two = scenario.sites[id.index()].edges == 2;
    let circuits = scenario.circuits.iter().enumerate().filter(|(_, circuit)| {
        let pair = &scenario.pairs[circuit.pair.index()];
        has_two && pair.serves(id)
    });
    let peerings = circuits.filter_map(|(place, circuit)| match &circuit.microsoft {
        Some(MicrosoftPeering { nat: NatPools::Common(pool), .. }) => Some((CircuitId(place), pool.value)),
        _ => None,
    });
    let numbered = peerings.zip(FROM_EDGES.0 + 1..);
    numbered.map(|((circuit, pool), vrf)| Pooled { circuit, pool, vrf: VrfId(vrf) }).collect()
}

/// Joins the hosts of a site to a router that translates for both edge routers, if it needs one.
pub(in super::super) fn wire(draft: &mut Draft, scenario: &Scenario, id: SiteId, host: NodeId) -> Option<SharedNat> {
    if pooled(scenario, id).is_empty() {
        return None;
    }
    let site = &scenario.sites[id.index()];
    let node = draft.node(format!("{}-nat", site.name.value), site.name.at);
    let lan = draft.port(node, PortSpec::new("lan", site.lan.port));
    let port = draft.port(host, host_port("nat", site.lan.port));
    draft.join(port, lan, site.lan.delay, 0);
    Some(SharedNat { node, lan, edges: Vec::new() })
}

impl SharedNat {
    /// A port towards the next edge router, which `is_alive` if it leads anywhere.
    pub(in super::super) fn join(&mut self, draft: &mut Draft, site: &Site, is_alive: bool) -> End {
        let port = draft.port(self.node, PortSpec::new(format!("ce{}", self.edges.len() + 1), site.lan.port));
        self.edges.push((port, is_alive));
        port
    }
}

/// Fills in the tables of a site's router, if it has one.
pub(in super::super) fn configure(draft: &mut Draft, scenario: &Scenario, wiring: &Wiring, id: SiteId) {
    let nodes = &wiring.sites[id.index()];
    let Some(nat) = &nodes.nat else { return };
    let (pooled, mtu) = (pooled(scenario, id), scenario.settings.mtu);
    let mut fib = FibBuilder::new(2 + pooled.len() as u16);
    fib.ingress(&untagged(FROM_SITE.0));
    for _ in &nat.edges {
        fib.ingress(&untagged(FROM_EDGES.0));
    }
    let lan = draft.next_hop(nat.lan, mtu, TagRule::UNTAGGED);
    let by_edge: Vec<NextHop> =
        nat.edges.iter().map(|(port, _)| draft.next_hop(*port, mtu, TagRule::UNTAGGED)).collect();
    let alive: Vec<NextHop> =
        by_edge.iter().zip(&nat.edges).filter(|(_, (_, is_alive))| *is_alive).map(|(hop, _)| *hop).collect();
    for default in defaults() {
        route(&mut fib, FROM_SITE, default, &alive);
        route(&mut fib, FROM_EDGES, default, &[lan]);
    }
    for prefix in scenario.vnets.iter().flat_map(|vnet| &vnet.prefixes) {
        route(&mut fib, FROM_EDGES, prefix.value, &alive);
    }
    for prefix in scenario.sites[id.index()].prefixes.iter().filter(|prefix| prefix.prefix_len() > 0) {
        [FROM_SITE, FROM_EDGES].into_iter().for_each(|vrf| route(&mut fib, vrf, prefix.value, &[lan]));
    }
    // The edge routers that have a connection of the circuit.
    let of = |circuit: CircuitId| -> Vec<NextHop> {
        let pair = scenario.circuits[circuit.index()].pair;
        let mine = |connection: &&PairConnection| connection.pair == pair && connection.up;
        let places = wiring
            .connections
            .iter()
            .filter(mine)
            .filter_map(|connection| nodes.edges.iter().position(|edge| edge.node == connection.ce.0));
        places.map(|place| by_edge[place]).collect()
    };
    for service in &scenario.services {
        services(&mut fib, scenario, service, &pooled, &of);
    }
    let mut pools = Vec::new();
    for (number, Pooled { pool, vrf, .. }) in pooled.iter().enumerate() {
        let inward = [NextHop::translate(Translation::Inward(number as u8), mtu)];
        [*vrf, FROM_EDGES].into_iter().for_each(|vrf| route(&mut fib, vrf, IpNet::V4(*pool), &inward));
        let end = StreamEnd::Site(id);
        let servers = servers(scenario, end, *pool, first_v4(scenario, end));
        pools.push(PoolSpec { addresses: *pool, outside: *vrf, inside: FROM_EDGES, servers });
    }
    let own = first_addresses(scenario.sites[id.index()].prefixes.iter().map(|prefix| prefix.value));
    let outside = pools.iter().map(|pool| RouterAddresses { v4: Some(pool.addresses.network()), v6: None });
    let addresses = [own, own].into_iter().chain(outside).collect();
    draft.route(nat.node, fib, addresses);
    draft.translate(nat.node, NatSpec { pools });
}

/// A service: translated where a pool is here, else on to the edge routers, which have theirs.
fn services(
    fib: &mut FibBuilder,
    scenario: &Scenario,
    service: &Service,
    pooled: &[Pooled],
    of: &impl Fn(CircuitId) -> Vec<NextHop>,
) {
    for prefix in &service.prefixes {
        let mut ways = Vec::new();
        for (place, circuit) in scenario.circuits.iter().enumerate() {
            let Some(peering) = circuit.microsoft.as_ref().filter(|it| it.leads_to(service)) else { continue };
            if !carries(&peering.peering, prefix) {
                continue;
            }
            let out = of(CircuitId(place));
            let number = pooled.iter().position(|known| known.circuit == CircuitId(place));
            match (number, prefix.value) {
                (Some(number), IpNet::V4(_)) => {
                    route(fib, pooled[number].vrf, prefix.value, &out);
                    let translated = Translation::Outward(number as u8);
                    ways.extend(out.iter().map(|way| NextHop::translate(translated, way.mtu)));
                }
                _ => ways.extend(out),
            }
        }
        [FROM_SITE, FROM_EDGES].into_iter().for_each(|vrf| route(fib, vrf, prefix.value, &ways));
    }
}
