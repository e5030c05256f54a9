//! What a customer edge router forwards: its site's prefixes inwards, all else over its connections, by flow, or over
//! those of the site's other edge router where it has none.

use std::net::IpAddr;

use super::draft::{Draft, route, routed, untagged};
use super::global_reach;
use super::place::Plane;
use super::public::{self, Outside, private};
use super::wiring::{Edge, PairConnection, Wiring, ports_of};
use super::{CompileOptions, Peered, all_peered, carries, defaults, own_tags, peered, vlan_key};
use crate::id::VrfId;
use crate::node::RouterAddresses;
use crate::scenario::Scenario;
use crate::scenario::model::{Carrier, CircuitId, Encapsulation, PairId, Peering, Site, SiteId, VnetId};
use crate::table::{FibBuilder, IngressBuilder, NextHop, PcpRule, SubInterface, TagRule};
use crate::wire::vlan::{Tag, TpidSet};
use ipnet::IpNet;

/// What comes from the site is looked up here.
pub(super) const FROM_SITE: VrfId = VrfId(0);
/// What comes over a circuit: the same, but what nobody knows goes to the site, not back to where it came from.
pub(super) const FROM_CLOUD: VrfId = VrfId(1);

/// A way out of the site: a peering over one connection.
struct Way<'s> {
    circuit: CircuitId,
    peering: &'s Peering,
    plane: Plane,
    next_hop: NextHop,
    /// Whether the provider has the peering, and leads to other sites too.
    is_provided: bool,
}

/// The ways of an edge router.
struct Ways<'s> {
    /// Over its own connections.
    own: Vec<Way<'s>>,
    /// Over those of the site's other edge router, whose next hop is that router.
    across: Vec<Way<'s>>,
    /// That router.
    other_edge: Option<NextHop>,
}

impl Ways<'_> {
    /// Next hops of equal cost by the ways that `leads` accepts: own ones before the other router's.
    fn by(&self, leads: impl Fn(&Way<'_>) -> bool) -> Vec<NextHop> {
        let own: Vec<NextHop> = self.own.iter().filter(|way| leads(way)).map(|way| way.next_hop).collect();
        let across = self.across.iter().find(|way| own.is_empty() && leads(way)).map(|way| way.next_hop);
        own.into_iter().chain(across).collect()
    }
}

/// Fills in the tables of `edge`, a router of site `id`.
pub(super) fn configure(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    id: SiteId,
    edge: &Edge,
    options: CompileOptions,
) {
    let site = &scenario.sites[id.index()];
    let outside = Outside::of_edge(draft, scenario, wiring, (id, edge), FROM_CLOUD);
    let mut fib = FibBuilder::new(2 + outside.vrfs());
    let mine = || wiring.connections.iter().filter(|connection| connection.ce.0 == edge.node);
    for port in ports_of(draft, edge.node) {
        let connection = mine().find(|connection| connection.ce.1 == port);
        let is_access = edge.accesses.iter().any(|(_, access)| access.1 == port);
        fib.ingress(&match connection {
            Some(connection) => customer_ingress(scenario, connection, &outside),
            None if let Some(vrf) = outside.internet_vrf((edge.node, port)) => untagged(vrf.0),
            None if is_access => untagged(FROM_CLOUD.0),
            None => untagged(FROM_SITE.0),
        });
    }
    let ways = ways(draft, scenario, wiring, id, edge);
    let lan = draft.next_hop(edge.lan, scenario.settings.mtu, TagRule::UNTAGGED);
    unknown(&mut fib, &ways, &outside, lan, options);
    services(&mut fib, scenario, wiring, (id, edge), &outside, (&ways, lan));
    outside.before().for_each(|pool| both(&mut fib, IpNet::V4(pool), &[lan], None));
    networks(&mut fib, scenario, id, &ways);
    for prefix in beyond(scenario, wiring, &ways) {
        let leads = |way: &Way<'_>| global_reach::beyond(scenario, wiring, way.circuit, way.plane).contains(&prefix);
        both(&mut fib, prefix, &ways.by(leads), None);
    }
    for prefix in &site.prefixes {
        // A default route that the site advertises leads on to the internet, if it has a way there.
        if prefix.prefix_len() > 0 || outside.to_internet(prefix).is_empty() {
            both(&mut fib, prefix.value, &[lan], None);
        }
    }
    for (way, is_own) in ways.own.iter().map(|way| (way, true)).chain(ways.across.iter().map(|way| (way, false))) {
        for (subnet, own, _) in links_of(way.peering, way.plane) {
            both(&mut fib, subnet, &[way.next_hop], None);
            if is_own && !way.is_provided {
                both(&mut fib, IpNet::from(own), &[NextHop::LOCAL], None);
            }
        }
    }
    let mut addresses = addresses(site, ways.own.first());
    let own: Vec<IpNet> = site.prefixes.iter().map(|prefix| prefix.value).collect();
    addresses.extend(outside.configure(&mut fib, &own, &[lan]));
    draft.route(edge.node, fib, addresses);
    draft.translate(edge.node, outside.nat());
}

/// What nobody knows: to the internet, if the site has a way there and it is public; else to the other side, or nowhere.
fn unknown(fib: &mut FibBuilder, ways: &Ways<'_>, outside: &Outside<'_>, lan: NextHop, options: CompileOptions) {
    for default in defaults() {
        let (out, back) = match options.unknown() {
            None => (ways.by(|way| carries(way.peering, &default)), vec![lan]),
            Some(discard) => (vec![discard], vec![discard]),
        };
        match &outside.to_internet(&default)[..] {
            [] => {
                both(fib, default, &out, Some(FROM_SITE));
                both(fib, default, &back, Some(FROM_CLOUD));
            }
            internet => {
                both(fib, default, internet, None);
                // What nobody knows and is private stays off the internet.
                for prefix in private().filter(|prefix| is_v4(prefix) == is_v4(&default)) {
                    both(fib, prefix, &out, Some(FROM_SITE));
                    both(fib, prefix, &back, Some(FROM_CLOUD));
                }
            }
        }
    }
}

/// Virtual networks, and sites that a provider leads to.
fn networks(fib: &mut FibBuilder, scenario: &Scenario, id: SiteId, ways: &Ways<'_>) {
    for (place, vnet) in scenario.vnets.iter().enumerate() {
        for prefix in &vnet.prefixes {
            let leads = |way: &Way<'_>| leads_to(scenario, way.circuit, VnetId(place)) && carries(way.peering, prefix);
            both(fib, prefix.value, &ways.by(leads), None);
        }
    }
    for (place, other) in scenario.sites.iter().enumerate().filter(|(place, _)| *place != id.index()) {
        for prefix in &other.prefixes {
            let leads = |way: &Way<'_>| way.is_provided && scenario.pair_of(way.circuit).serves(SiteId(place));
            both(fib, prefix.value, &ways.by(leads), None);
        }
    }
}

/// Services that Microsoft peerings lead to: over those of this router, else over those of the site's other one. All else
/// goes to the internet.
fn services(
    fib: &mut FibBuilder,
    scenario: &Scenario,
    wiring: &Wiring,
    (id, edge): (SiteId, &Edge),
    outside: &Outside<'_>,
    (ways, lan): (&Ways<'_>, NextHop),
) {
    for service in &scenario.services {
        for prefix in &service.prefixes {
            let own = outside.to_service(service, prefix);
            let across = ways.other_edge.filter(|_| own.is_empty()).filter(|_| {
                let others = wiring.connections.iter().filter(|connection| connection.ce.0 != edge.node);
                let of_site = |c: &&PairConnection| c.up && scenario.pairs[c.pair.index()].serves(id);
                others.filter(of_site).any(|c| public::leads_over(scenario, c.pair, service, prefix))
            });
            let from_cloud = outside.to_service_inside(service, prefix, lan);
            both(fib, prefix.value, if own.is_empty() { across.as_slice() } else { &own }, Some(FROM_SITE));
            both(fib, prefix.value, if own.is_empty() { across.as_slice() } else { &from_cloud }, Some(FROM_CLOUD));
        }
    }
}

fn is_v4(net: &IpNet) -> bool {
    matches!(net, IpNet::V4(_))
}

/// Prefixes of other sites that circuits joined with these lead to.
fn beyond(scenario: &Scenario, wiring: &Wiring, ways: &Ways<'_>) -> Vec<IpNet> {
    let ways = ways.own.iter().chain(&ways.across);
    let mut prefixes: Vec<IpNet> =
        ways.flat_map(|way| global_reach::beyond(scenario, wiring, way.circuit, way.plane)).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    prefixes
}

/// The ways of `edge`, and those of the other edge router of its site.
fn ways<'s>(draft: &mut Draft, scenario: &'s Scenario, wiring: &Wiring, id: SiteId, edge: &Edge) -> Ways<'s> {
    let other_edge = edge.across.map(|across| draft.next_hop(across, scenario.settings.mtu, TagRule::UNTAGGED));
    let mut ways = Ways { own: Vec::new(), across: Vec::new(), other_edge };
    let of_site = |connection: &&PairConnection| scenario.pairs[connection.pair.index()].serves(id);
    for connection in wiring.connections.iter().filter(of_site).filter(|connection| connection.up) {
        if connection.ce.0 == edge.node {
            ways.own.extend(ways_over(draft, scenario, connection));
        } else if let Some(next_hop) = other_edge
            && scenario.pairs[connection.pair.index()].carrier.is_layer_2()
        {
            let theirs = ways_over(draft, scenario, connection);
            ways.across.extend(theirs.into_iter().map(|way| Way { next_hop, ..way }));
        }
    }
    for &(pair, access) in &edge.accesses {
        let next_hop = draft.next_hop(access, scenario.settings.mtu, TagRule::UNTAGGED);
        let provided = peered(scenario, pair).map(|(circuit, _, peering)| {
            // The provider knows by which plane a packet goes on.
            Way { circuit, peering, plane: Plane::Primary, next_hop, is_provided: true }
        });
        ways.own.extend(provided);
    }
    ways
}

/// Adds a route to one VRF, or to both; none without a next hop.
fn both(fib: &mut FibBuilder, prefix: IpNet, next_hops: &[NextHop], only: Option<VrfId>) {
    for vrf in [FROM_SITE, FROM_CLOUD].into_iter().filter(|vrf| only.is_none_or(|only| only == *vrf)) {
        route(fib, vrf, prefix, next_hops);
    }
}

fn ways_over<'s>(draft: &mut Draft, scenario: &'s Scenario, connection: &PairConnection) -> Vec<Way<'s>> {
    let ways = peered(scenario, connection.pair).map(|(id, circuit, peering)| {
        let tags = own_tags(scenario, circuit, peering, connection.plane);
        let next_hop = draft.next_hop(connection.ce, scenario.settings.mtu, TagRule::push(&tags, PcpRule::Fixed));
        Way { circuit: id, peering, plane: connection.plane, next_hop, is_provided: false }
    });
    ways.collect()
}

/// The receiving side of the customer's port of a connection: a sub-interface for each peering.
fn customer_ingress(scenario: &Scenario, connection: &PairConnection, outside: &Outside<'_>) -> IngressBuilder {
    let sub = |peered: &Peered<'_>| match peered.microsoft {
        None => Some(routed(FROM_CLOUD.0)),
        Some(_) => outside.peering_vrf(peered.id, connection.plane).map(|vrf| routed(vrf.0)),
    };
    if scenario.pairs[connection.pair.index()].carrier == Carrier::Direct {
        let tags = |it: &Peered<'_>| own_tags(scenario, it.circuit, it.peering, connection.plane);
        return ingress(scenario, connection.pair, tags, |_, peered| sub(peered));
    }
    let builder = IngressBuilder::default().tpids(TpidSet::C_TAG, TpidSet::C_TAG);
    all_peered(scenario, connection.pair).iter().fold(builder, |builder, peered| {
        let tags = own_tags(scenario, peered.circuit, peered.peering, connection.plane);
        match sub(peered) {
            Some(sub) => builder.sub(vlan_key(&tags), sub),
            None => builder,
        }
    })
}

/// The receiving side of a port that faces Microsoft's, or of Microsoft's own: a sub-interface for each peering
/// that `sub` has one for, of the tags that it is set to; it is told the place of the peering among all.
pub(super) fn ingress(
    scenario: &Scenario,
    pair: PairId,
    tags: impl Fn(&Peered<'_>) -> Vec<Tag>,
    sub: impl Fn(usize, &Peered<'_>) -> Option<SubInterface>,
) -> IngressBuilder {
    let outer = match scenario.pairs[pair.index()].encapsulation {
        Encapsulation::Qinq { outer_tpid: 0x88a8 } => TpidSet::S_TAG,
        _ => TpidSet::C_TAG,
    };
    let builder = IngressBuilder::default().tpids(outer, TpidSet::C_TAG);
    let peerings = all_peered(scenario, pair);
    peerings.iter().enumerate().fold(builder, |builder, (place, peered)| match sub(place, peered) {
        Some(sub) => builder.sub(vlan_key(&tags(peered)), sub),
        None => builder,
    })
}

/// Whether a gateway joins `circuit` and `vnet`.
pub(super) fn leads_to(scenario: &Scenario, circuit: CircuitId, vnet: VnetId) -> bool {
    let joins = |gateway: &crate::scenario::Gateway| {
        gateway.circuits.iter().any(|c| c.value == circuit) && gateway.vnets.iter().any(|v| v.value == vnet)
    };
    scenario.gateways.iter().any(joins)
}

/// Per family, the subnet of a peering's link on `plane` with the customer's and Microsoft's address.
pub(super) fn links_of(peering: &Peering, plane: Plane) -> Vec<(IpNet, IpAddr, IpAddr)> {
    let v4 = plane.of(peering.v4.primary, peering.v4.secondary);
    let mut links = vec![(v4.customer.into(), v4.microsoft.into(), v4.prefix_len)];
    if let Some(v6) = peering.v6 {
        let v6 = plane.of(v6.primary, v6.secondary);
        links.push((v6.customer.into(), v6.microsoft.into(), v6.prefix_len));
    }
    let subnet = |customer: IpAddr, len: u8| IpNet::new(customer, len).map(|net| net.trunc());
    // A peering's prefix lengths are 30 and 126.
    links.into_iter().filter_map(|(c, m, len)| Some((subnet(c, len).ok()?, c, m))).collect()
}

/// ICMP errors towards the site come from the site's first address, those towards the cloud from the peering's.
fn addresses(site: &Site, first: Option<&Way<'_>>) -> Vec<RouterAddresses> {
    let lan = first_addresses(site.prefixes.iter().map(|prefix| prefix.value));
    let Some(way) = first.filter(|way| !way.is_provided) else { return vec![lan, lan] };
    let v6 = way.peering.v6.map(|v6| way.plane.of(v6.primary, v6.secondary).customer);
    let v4 = Some(way.plane.of(way.peering.v4.primary, way.peering.v4.secondary).customer);
    vec![lan, RouterAddresses { v4, v6 }]
}

/// The first host address of the first prefix of each family.
pub(super) fn first_addresses(prefixes: impl Iterator<Item = IpNet>) -> RouterAddresses {
    let mut addresses = RouterAddresses::default();
    // A default route is no network to have an address in.
    for prefix in prefixes.filter(|prefix| prefix.prefix_len() > 0) {
        match (prefix, prefix.hosts().next()) {
            (IpNet::V4(_), Some(IpAddr::V4(first))) => addresses.v4 = addresses.v4.or(Some(first)),
            (IpNet::V6(net), _) => {
                let first = if net.prefix_len() < 127 { net.network().to_bits() | 1 } else { net.network().to_bits() };
                addresses.v6 = addresses.v6.or(Some(first.into()));
            }
            _ => {}
        }
    }
    addresses
}
