//! What Microsoft edge routers forward; each peering has two VRFs of its own on each edge router.

use super::draft::{Draft, End, routed, untagged};
use super::edge::{ingress, links_of};
use super::global_reach;
use super::place::Plane;
use super::public;
use super::wiring::{PairConnection, Return, Uplink, Wiring, ports_of};
use super::{CompileOptions, Peered, all_peered, carries, defaults, microsoft_tags};
use crate::frame::DropReason;
use crate::id::VrfId;
use crate::node::RouterAddresses;
use crate::scenario::Scenario;
use crate::scenario::fastpath;
use crate::scenario::model::{Circuit, CircuitId, Peering, SiteId};
use crate::table::{FibBuilder, IngressBuilder, NextHop, PcpRule, Service, SubInterface, TagRule, VlanKey};
use ipnet::IpNet;

/// Fills in the tables of the Microsoft edge router at the end of `connection`.
pub(super) fn configure_edge(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    connection: &PairConnection,
    options: CompileOptions,
) {
    let node = connection.msee.0;
    let peerings = all_peered(scenario, connection.pair);
    let joints = global_reach::at(wiring, node);
    // Two VRFs for each peering, then one for each joint with another circuit.
    let first_joint = 2 * peerings.len();
    let mut fib = FibBuilder::new((first_joint + joints.len()).max(1) as u16);
    for port in ports_of(draft, node) {
        let joint = joints.iter().position(|joint| joint.port() == (node, port));
        let ingress = match joint {
            Some(joint) => untagged((first_joint + joint) as u16),
            None => receiving(scenario, wiring, connection, &peerings, (node, port), &mut fib),
        };
        fib.ingress(&ingress);
    }
    let mut addresses = Vec::new();
    for (place, &Peered { id, circuit, peering, microsoft }) in peerings.iter().enumerate() {
        let vrfs = [VrfId(2 * place as u16), VrfId(2 * place as u16 + 1)];
        match microsoft {
            None => {
                let (private, fib) = ((id, circuit, peering), (&mut fib, vrfs));
                configure_circuit(draft, scenario, wiring, connection, private, fib, options);
            }
            Some(microsoft) => {
                let fib = (&mut fib, vrfs);
                public::configure_peering(draft, scenario, wiring, connection, (id, circuit, microsoft), fib);
            }
        }
        addresses.extend([own_addresses(peering, connection.plane); 2]);
    }
    // Where several lead to one site the far edge router of the lowest number is taken, as sessions take the one of the
    // lowest identifier: of two routes for a prefix the later one holds.
    let mut numbered: Vec<_> = joints.iter().enumerate().collect();
    numbered.sort_by_key(|(_, joint)| std::cmp::Reverse(joint.far_port().0));
    let mut of_joints = Vec::new();
    for (number, joint) in numbered {
        let Some(place) = place_of(&peerings, joint.circuit(scenario), false) else { continue };
        let vrfs = (&mut fib, VrfId(2 * place as u16), VrfId((first_joint + number) as u16));
        of_joints.push((number, joint.configure(draft, scenario, connection, vrfs, options)));
    }
    of_joints.sort_by_key(|(number, _)| *number);
    addresses.extend(of_joints.into_iter().map(|(_, own)| own));
    draft.route(node, fib, addresses);
}

/// The receiving side of a port that no other circuit is joined by: towards the customer a sub-interface for each peering,
/// towards Azure the second VRF of the one that it is for.
fn receiving(
    scenario: &Scenario,
    wiring: &Wiring,
    connection: &PairConnection,
    peerings: &[Peered<'_>],
    end: End,
    fib: &mut FibBuilder,
) -> IngressBuilder {
    let second = |place: usize| 2 * place as u16 + 1;
    if end == connection.msee {
        return from_customer(scenario, connection, peerings, fib);
    }
    if let Some(uplink) = wiring.public.uplinks.iter().find(|uplink| uplink.msee == end) {
        let place = place_of(peerings, uplink.circuit, true);
        // Of the code points Microsoft sends its classes only, to whomever.
        let sources = fib.sources(defaults().to_vec());
        return place.map_or(IngressBuilder::default(), |place| {
            let service = Service::RoutePublic { vrf: VrfId(second(place)), sources };
            IngressBuilder::default().sub(VlanKey::Untagged, SubInterface { service, ..routed(0) })
        });
    }
    let uplinks = wiring.uplinks.iter().map(|uplink| (uplink.circuit, uplink.msee));
    let mut beyond = uplinks.chain(wiring.returns.iter().map(|way| (way.circuit, way.msee)));
    let circuit = beyond.find(|(_, msee)| *msee == end).map(|(circuit, _)| circuit);
    let place = circuit.and_then(|circuit| place_of(peerings, circuit, false));
    place.map_or(IngressBuilder::default(), |place| untagged(second(place)))
}

/// The first VRF of each peering. The private one resets DSCP (EXPRESSROUTE: QoS requirements).
fn from_customer(
    scenario: &Scenario,
    connection: &PairConnection,
    peerings: &[Peered<'_>],
    fib: &mut FibBuilder,
) -> IngressBuilder {
    let lists: Vec<u8> = peerings.iter().map(|it| sources(fib, it, connection.plane)).collect();
    let tags = |it: &Peered<'_>| microsoft_tags(scenario, it.circuit, it.peering);
    ingress(scenario, connection.pair, tags, |place, peered| {
        let vrf = VrfId(2 * place as u16);
        let public = Service::RoutePublic { vrf, sources: lists[place] };
        Some(match peered.microsoft {
            None => SubInterface { reset_dscp: true, ..routed(vrf.0) },
            Some(_) => SubInterface { service: public, ..routed(vrf.0) },
        })
    })
}

/// The place of a circuit's private or Microsoft peering among all.
fn place_of(peerings: &[Peered<'_>], circuit: CircuitId, is_public: bool) -> Option<usize> {
    peerings.iter().position(|it| it.id == circuit && it.microsoft.is_some() == is_public)
}

/// The list of the sources that a Microsoft peering takes from the customer: what is advertised on the link, and the link
/// itself (EXPRESSROUTE: routing requirements). A private peering has an empty one, which nothing asks.
fn sources(fib: &mut FibBuilder, peered: &Peered<'_>, plane: Plane) -> u8 {
    let list = peered.microsoft.map(|microsoft| {
        let links = links_of(&microsoft.peering, plane).into_iter().map(|(subnet, ..)| subnet);
        public::advertised(microsoft, plane).into_iter().chain(links).collect()
    });
    fib.sources(list.unwrap_or_default())
}

/// The routes of one circuit's private peering: from the customer (the first VRF) and from Azure (the second).
fn configure_circuit(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    connection: &PairConnection,
    (id, circuit, peering): (CircuitId, &Circuit, &Peering),
    (fib, vrfs): (&mut FibBuilder, [VrfId; 2]),
    options: CompileOptions,
) {
    let tags = TagRule::push(&microsoft_tags(scenario, circuit, peering), PcpRule::Fixed);
    let back = connection.up.then(|| draft.next_hop(connection.msee, scenario.settings.mtu, tags));
    let networks = networks(draft, scenario, wiring, connection, id);
    let mut add = |vrf: VrfId, prefix: IpNet, next_hop: Option<NextHop>| {
        if let Some(next_hop) = next_hop.filter(|_| carries(peering, &prefix)) {
            let set = fib.next_hops(&[next_hop]);
            fib.route(vrf, prefix, set);
        }
    };
    let unrouted = options.unknown();
    for default in defaults() {
        add(vrfs[0], default, unrouted.or(networks.gateway));
        add(vrfs[1], default, unrouted.or(back));
    }
    for vrf in vrfs {
        for prefix in of_other_sites(scenario, connection) {
            add(vrf, prefix, Some(NextHop::discard(DropReason::NoRoute)));
        }
        for site in &scenario.pairs[connection.pair.index()].sites {
            for prefix in &scenario.sites[site.index()].prefixes {
                add(vrf, prefix.value, back);
            }
        }
        for (prefix, next_hop) in &networks.prefixes {
            add(vrf, *prefix, Some(*next_hop));
        }
        for (subnet, _, own) in links_of(peering, connection.plane) {
            add(vrf, subnet, back);
            add(vrf, IpNet::from(own), Some(NextHop::LOCAL));
        }
    }
}

/// The way into Azure by one circuit.
struct Networks {
    /// Its first gateway.
    gateway: Option<NextHop>,
    /// Virtual networks: by their gateway, or straight.
    prefixes: Vec<(IpNet, NextHop)>,
}

fn networks(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    connection: &PairConnection,
    id: CircuitId,
) -> Networks {
    let mtu = scenario.settings.mtu;
    let taken = fastpath::prefixes(scenario, id);
    let mut networks = Networks { gateway: None, prefixes: Vec::new() };
    let mine = |uplink: &&Uplink| uplink.circuit == id && uplink.msee.0 == connection.msee.0;
    for uplink in wiring.uplinks.iter().filter(mine) {
        let gateway = draft.next_hop(uplink.msee, mtu, TagRule::UNTAGGED);
        networks.gateway = networks.gateway.or(Some(gateway));
        for vnet in &scenario.gateways[uplink.gateway].vnets {
            let is_there = |way: &&Return| (way.circuit, way.vnet, way.msee.0) == (id, vnet.value, uplink.msee.0);
            let straight = wiring.returns.iter().find(is_there).and_then(|way| way.fast);
            let straight = straight.map(|port| draft.next_hop(port, mtu, TagRule::UNTAGGED));
            for prefix in &scenario.vnets[vnet.index()].prefixes {
                let is_taken =
                    taken.iter().any(|fast| fast.is_taken && (fast.vnet, fast.prefix) == (vnet.value, prefix.value));
                networks.prefixes.push((prefix.value, straight.filter(|_| is_taken).unwrap_or(gateway)));
            }
        }
    }
    networks
}

/// Prefixes of sites that the circuits of this connection do not lead to: no gateway carries from site to site, and no
/// edge router from one site's circuit to another's. What lies within the own site's prefixes is that site's affair.
fn of_other_sites(scenario: &Scenario, connection: &PairConnection) -> impl Iterator<Item = IpNet> {
    let pair = &scenario.pairs[connection.pair.index()];
    let others = scenario.sites.iter().enumerate().filter(|(place, _)| !pair.serves(SiteId(*place)));
    let prefixes = others.flat_map(|(_, site)| &site.prefixes).map(|prefix| prefix.value);
    let own = || pair.sites.iter().flat_map(|site| &scenario.sites[site.index()].prefixes);
    let holds = move |prefix: &IpNet| own().any(|mine| mine.value.contains(prefix));
    prefixes.filter(move |prefix| prefix.prefix_len() > 0 && !holds(prefix))
}

fn own_addresses(peering: &Peering, plane: Plane) -> RouterAddresses {
    let v4 = plane.of(peering.v4.primary, peering.v4.secondary).microsoft;
    RouterAddresses { v4: Some(v4), v6: peering.v6.map(|v6| plane.of(v6.primary, v6.secondary).microsoft) }
}
