//! The choice of the way back from a virtual network by destination, where one by flow alone does not do.
//!
//! ```text
//! prod (hosts) --- prod-sdn -+- london-msee1, london-msee2     site prefixes of London's site
//!                            +- paris-msee1, paris-msee2       those of the other's
//!                            +- spoke-sdn                      peered networks
//! ```
//! It stands for the forwarding in the hosts of the virtual machines. What comes in does not pass it; what goes out has a
//! TTL less for it. A network whose circuits all serve one site alike has none: its hosts choose by flow. Where sessions run
//! every network has one, for it is it that learns of the ways.

use super::draft::{Draft, End, host_port, route, untagged};
use super::edge::{first_addresses, leads_to, links_of};
use super::public::{Outside, private};
use super::wiring::{AZURE_PORT, Return, Wiring, ports_of};
use super::{CompileOptions, carries, defaults};
use crate::id::{NodeId, VrfId};
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::model::{CircuitId, Gateway, Sessions, SiteId, VnetId};
use crate::scenario::values::LEAST_DELAY;
use crate::table::{FibBuilder, NextHop, TagRule};
use ipnet::IpNet;

/// Where a virtual network chooses by destination.
pub(super) struct Sdn {
    pub(super) vnet: VnetId,
    pub(super) node: NodeId,
    /// The gateway's place.
    pub(super) gateway: usize,
    /// Towards the hosts.
    host: End,
    /// Towards peered networks.
    peers: Vec<(VnetId, End)>,
}

/// The node of `vnet`, joined to its hosts, if the network needs one.
pub(super) fn wire(
    draft: &mut Draft,
    scenario: &Scenario,
    gateway: &Gateway,
    vnet: VnetId,
    host: NodeId,
) -> Option<Sdn> {
    let network = &scenario.vnets[vnet.index()];
    if draft.sessions == Sessions::Static
        && !chooses(scenario, gateway)
        && !is_peered(scenario, vnet)
        && network.internet.is_none()
        && network.fragment_at.is_none()
    {
        return None;
    }
    let node = draft.node(format!("{}-sdn", network.name.value), network.name.at);
    let inner = draft.port(node, PortSpec::new(network.name.value.clone(), AZURE_PORT));
    let outer = draft.port(host, host_port("sdn", AZURE_PORT));
    // Both are in one machine.
    draft.join(outer, inner, LEAST_DELAY, 0);
    let gateway = scenario.gateways.iter().position(|known| known.name.value == gateway.name.value)?;
    Some(Sdn { vnet, node, gateway, host: inner, peers: Vec::new() })
}

/// Whether the circuits of a gateway differ in where they lead, or in how much they are preferred, or are too many.
fn chooses(scenario: &Scenario, gateway: &Gateway) -> bool {
    let peered = gateway.circuits.iter().map(|circuit| circuit.value);
    let peered: Vec<CircuitId> = peered.filter(|c| scenario.circuits[c.index()].private.is_some()).collect();
    let Some((&first, rest)) = peered.split_first() else { return false };
    let is_alike = |&circuit: &CircuitId| {
        let same_sites = scenario.pair_of(circuit).leads_where(scenario.pair_of(first));
        let leads = |circuit: CircuitId, vnet: usize| leads_to(scenario, circuit, VnetId(vnet));
        let same_networks = (0..scenario.vnets.len()).all(|vnet| leads(circuit, vnet) == leads(first, vnet));
        same_sites && same_networks && gateway.weight(circuit) == gateway.weight(first)
    };
    !rest.iter().all(is_alike) || peered.len() > Gateway::MOST_SPREAD
}

fn is_peered(scenario: &Scenario, vnet: VnetId) -> bool {
    let is_hub = |spoke: &crate::scenario::Vnet| spoke.peered_with.is_some_and(|hub| hub.value == vnet);
    scenario.vnets[vnet.index()].peered_with.is_some() || scenario.vnets.iter().any(is_hub)
}

/// Joins each hub behind `gateway` to its spokes.
pub(super) fn join_peers(draft: &mut Draft, scenario: &Scenario, gateway: &Gateway, sdns: &mut [Sdn]) {
    for spoke in &gateway.vnets {
        let Some(hub) = scenario.vnets[spoke.index()].peered_with else { continue };
        let place = |vnet: VnetId| sdns.iter().position(|sdn| sdn.vnet == vnet);
        let (Some(a), Some(b)) = (place(spoke.value), place(hub.value)) else { continue };
        let name = |vnet: VnetId| scenario.vnets[vnet.index()].name.value.clone();
        let at_spoke = draft.port(sdns[a].node, PortSpec::new(name(hub.value), AZURE_PORT));
        let at_hub = draft.port(sdns[b].node, PortSpec::new(name(spoke.value), AZURE_PORT));
        draft.join(at_spoke, at_hub, gateway.delay, 0);
        sdns[a].peers.push((hub.value, at_spoke));
        sdns[b].peers.push((spoke.value, at_hub));
    }
}

/// Fills in the table of `sdn`.
pub(super) fn configure(draft: &mut Draft, scenario: &Scenario, wiring: &Wiring, sdn: &Sdn, options: CompileOptions) {
    let mtu = scenario.settings.mtu;
    let outside = Outside::of_vnet(draft, scenario, wiring, sdn.vnet, VrfId(0));
    let mut fib = FibBuilder::new(1 + outside.vrfs());
    for port in ports_of(draft, sdn.node) {
        fib.ingress(&untagged(outside.internet_vrf((sdn.node, port)).map_or(0, |vrf| vrf.0)));
    }
    let mut add = |prefix: IpNet, next_hops: &[NextHop]| route(&mut fib, VrfId(0), prefix, next_hops);
    let ways: Vec<&Return> = wiring.returns.iter().filter(|way| way.vnet == sdn.vnet && way.up).collect();
    let out = scenario.vnets[sdn.vnet.index()].largest_out(mtu);
    let by = |draft: &mut Draft, prefix: IpNet, leads: &dyn Fn(CircuitId) -> bool| -> Vec<NextHop> {
        let ways = preferred(scenario, sdn, &ways, prefix, leads);
        ways.into_iter().map(|way| draft.next_hop(way.end, out, TagRule::UNTAGGED)).collect()
    };
    for default in defaults() {
        let unknown = match options.unknown() {
            Some(discard) => vec![discard],
            None => by(draft, default, &|_| true),
        };
        match &outside.to_internet(&default)[..] {
            [] => add(default, &unknown),
            // Azure's own default route, unless a site advertises another (EXPRESSROUTE: FAQ).
            internet => {
                add(default, internet);
                private().for_each(|prefix| add(prefix, &unknown));
            }
        }
    }
    for (place, site) in scenario.sites.iter().enumerate() {
        for prefix in &site.prefixes {
            let leads = |circuit: CircuitId| scenario.pair_of(circuit).serves(SiteId(place));
            add(prefix.value, &by(draft, prefix.value, &leads));
        }
    }
    // Networks of other gateways, by circuits that both are connected to.
    let of_gateway = |vnet: usize| scenario.gateways[sdn.gateway].vnets.iter().any(|known| known.index() == vnet);
    for (place, vnet) in scenario.vnets.iter().enumerate().filter(|(place, _)| !of_gateway(*place)) {
        for prefix in &vnet.prefixes {
            let leads = |circuit: CircuitId| leads_to(scenario, circuit, VnetId(place));
            add(prefix.value, &by(draft, prefix.value, &leads));
        }
    }
    for way in &ways {
        let Some(peering) = &scenario.circuits[way.circuit.index()].private else { continue };
        for (subnet, ..) in links_of(peering, way.plane) {
            add(subnet, &[draft.next_hop(way.end, mtu, TagRule::UNTAGGED)]);
        }
    }
    let networks = sdn.peers.iter().copied().chain([(sdn.vnet, sdn.host)]);
    for (vnet, port) in networks {
        let towards = draft.next_hop(port, mtu, TagRule::UNTAGGED);
        for prefix in &scenario.vnets[vnet.index()].prefixes {
            add(prefix.value, &[towards]);
        }
    }
    let own: Vec<IpNet> = scenario.vnets[sdn.vnet.index()].prefixes.iter().map(|prefix| prefix.value).collect();
    let inwards = draft.next_hop(sdn.host, mtu, TagRule::UNTAGGED);
    let mut addresses = vec![first_addresses(own.iter().copied())];
    addresses.extend(outside.configure(&mut fib, &own, &[inwards]));
    draft.route(sdn.node, fib, addresses);
    draft.translate(sdn.node, outside.nat());
}

/// Of the ways by circuits that lead there those of the highest weight, by the first few circuits.
fn preferred<'w>(
    scenario: &Scenario,
    sdn: &Sdn,
    ways: &[&'w Return],
    prefix: IpNet,
    leads: impl Fn(CircuitId) -> bool,
) -> Vec<&'w Return> {
    let gateway = &scenario.gateways[sdn.gateway];
    let leads = |way: &&&Return| {
        let circuit = &scenario.circuits[way.circuit.index()];
        leads(way.circuit) && circuit.private.as_ref().is_some_and(|peering| carries(peering, &prefix))
    };
    let leading: Vec<&Return> = ways.iter().filter(leads).copied().collect();
    let highest = leading.iter().map(|way| gateway.weight(way.circuit)).max();
    let mut circuits: Vec<CircuitId> = Vec::new();
    let mut chosen = Vec::new();
    for way in leading.into_iter().filter(|way| Some(gateway.weight(way.circuit)) == highest) {
        if !circuits.contains(&way.circuit) && circuits.len() < Gateway::MOST_SPREAD {
            circuits.push(way.circuit);
        }
        if circuits.contains(&way.circuit) {
            chosen.push(way);
        }
    }
    chosen
}
