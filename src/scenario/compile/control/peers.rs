//! Who has sessions with whom, and what each tells the other.

use super::planes::{Forward, Link, Planes, Side};
use super::vpn;
use super::{GATEWAY_AS, MICROSOFT_AS};
use crate::control::rib::{Policy, PrefixRange, Rule, community};
use crate::id::VrfId;
use crate::scenario::compile::draft::{Draft, End};
use crate::scenario::compile::edge::{FROM_CLOUD, FROM_SITE, links_of};
use crate::scenario::compile::wiring::{PairConnection, Return, Wiring};
use crate::scenario::compile::{all_peered, global_reach, microsoft_tags, own_tags, peered};
use crate::scenario::fastpath;
use crate::scenario::model::{Bfd, Bgp, CircuitId, EventTarget, Gateway, Peering, SiteId};
use crate::scenario::{Plane, Scenario};
use crate::table::{PcpRule, TagRule};
use ipnet::IpNet;

/// Where a Microsoft edge router's routes are from. Microsoft marks them by communities of its own too, and does not publish
/// them.
const FROM_CUSTOMER: u32 = community(MICROSOFT_AS as u16, 1);
const FROM_GATEWAY: u32 = community(MICROSOFT_AS as u16, 2);
const FROM_CIRCUIT: u32 = community(MICROSOFT_AS as u16, 3);

/// BGP of Microsoft's end.
pub(super) fn microsoft_bgp() -> Bgp {
    Bgp::default()
}

/// A peering's place among those of its port pair: its two VRFs on a Microsoft edge router follow from it.
pub(super) fn place_of(scenario: &Scenario, circuit: CircuitId, is_public: bool) -> u16 {
    let peerings = all_peered(scenario, scenario.circuits[circuit.index()].pair);
    let place = peerings.iter().position(|it| it.id == circuit && it.microsoft.is_some() == is_public);
    place.expect("the circuit has the peering") as u16
}

/// The VRF of a circuit's private peering at a Microsoft edge router, and that of what comes from Azure.
fn vrfs_of(scenario: &Scenario, circuit: CircuitId) -> [VrfId; 2] {
    let place = place_of(scenario, circuit, false);
    [VrfId(2 * place), VrfId(2 * place + 1)]
}

/// Microsoft's end of a link by which a private peering's router tells others in Azure.
fn azure_side(draft: &mut Draft, scenario: &Scenario, circuit: CircuitId, end: End, import: Policy) -> Side {
    let [vrf, arrives] = vrfs_of(scenario, circuit);
    Side {
        end,
        tags: Vec::new(),
        arrives,
        vrf,
        forward: Forward::Everywhere(draft.next_hop(end, scenario.settings.mtu, TagRule::UNTAGGED)),
        carrier: scenario.control.carrier,
        bgp: microsoft_bgp(),
        import,
        export: told_to_networks(),
        own_as_allowed: 0,
        limits: None,
    }
}

/// What gateways and networks hear: sites, and other networks of the circuit; not what Global Reach brings.
fn told_to_networks() -> Policy {
    Policy::new([
        Rule::Communities(vec![FROM_CUSTOMER, FROM_GATEWAY]),
        Rule::RemoveCommunity(FROM_CUSTOMER),
        Rule::RemoveCommunity(FROM_GATEWAY),
        // To another network it would be a loop.
        Rule::RemoveAs(GATEWAY_AS),
    ])
}

/// From a gateway or a network: at Microsoft's edge its routes have the path 65515 (EXPRESSROUTE: routing).
fn from_network(more: impl IntoIterator<Item = Rule>) -> Policy {
    Policy::new([Rule::AddCommunity(FROM_GATEWAY)].into_iter().chain(more))
}

/// Customer edges, or with an IPVPN the provider's, and Microsoft edges: the private peering of each circuit on each plane.
pub(super) fn customers(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    for connection in &wiring.connections {
        let pair = &scenario.pairs[connection.pair.index()];
        let edge = planes.plane(draft, connection.msee.0, MICROSOFT_AS);
        for (id, ..) in peered(scenario, connection.pair) {
            let [vrf, second] = vrfs_of(scenario, id);
            edge.follow(vrf, [vrf, second]);
        }
        if !connection.up {
            continue;
        }
        let (site, is_layer_2) = (SiteId(pair.sites[0].index()), pair.carrier.is_layer_2());
        if is_layer_2 {
            planes.plane(draft, connection.ce.0, scenario.sites[site.index()].asn.value);
        }
        for (id, circuit, peering) in peered(scenario, connection.pair) {
            let near = match is_layer_2 {
                true => customer_side(draft, scenario, connection, (site, id), peering),
                false => vpn::peering_side(draft, scenario, connection, (circuit, peering)),
            };
            let link = Link {
                sides: [near, microsoft_side(draft, scenario, connection, id, peering)],
                addresses: links_of(peering, connection.plane).into_iter().map(|(_, c, m)| [c, m]).collect(),
                bfd: peering.bfd.map(|own| [own, Bfd::MICROSOFT]),
                of: format!("private peering of {}.{}", circuit.name.value, connection.plane),
                on: Some(EventTarget::Connection(connection.pair, connection.plane)),
                // With an IPVPN it is a link from the provider to Microsoft.
                through: pair.carrier.provider().filter(|_| is_layer_2),
            };
            planes.link(draft, &link);
        }
    }
}

fn customer_side(
    draft: &mut Draft,
    scenario: &Scenario,
    connection: &PairConnection,
    (site, id): (SiteId, CircuitId),
    peering: &Peering,
) -> Side {
    let (plane, bgp) = (connection.plane, &peering.bgp);
    let tags = own_tags(scenario, &scenario.circuits[id.index()], peering, plane);
    let own = scenario.sites[site.index()].prefixes.iter().map(|prefix| prefix.value);
    let export = policy_of(bgp, plane, own);
    Side {
        end: connection.ce,
        forward: Forward::Everywhere(draft.next_hop(
            connection.ce,
            scenario.settings.mtu,
            TagRule::push(&tags, PcpRule::Fixed),
        )),
        tags,
        arrives: FROM_CLOUD,
        vrf: FROM_SITE,
        carrier: scenario.pairs[connection.pair.index()].carrier_delay,
        bgp: bgp.clone(),
        import: Policy::new([Rule::LocalPref(*bgp.local_pref.of(plane))]),
        export,
        own_as_allowed: 0,
        limits: None,
    }
}

/// What a customer tells Microsoft on a plane: these prefixes, as it is set.
pub(super) fn policy_of(bgp: &Bgp, plane: Plane, prefixes: impl Iterator<Item = IpNet>) -> Policy {
    let mut rules = vec![Rule::Prefixes(prefixes.map(PrefixRange::exact).collect())];
    rules.extend(bgp.communities.iter().map(|one| Rule::AddCommunity(*one)));
    rules.extend(bgp.med.of(plane).map(|med| Rule::Med(Some(med))));
    rules.extend(Some(*bgp.prepend.of(plane)).filter(|times| *times > 0).map(Rule::Prepend));
    Policy::new(rules)
}

fn microsoft_side(
    draft: &mut Draft,
    scenario: &Scenario,
    connection: &PairConnection,
    id: CircuitId,
    peering: &Peering,
) -> Side {
    let circuit = &scenario.circuits[id.index()];
    let tags = microsoft_tags(scenario, circuit, peering);
    let [vrf, _] = vrfs_of(scenario, id);
    let marks = [FROM_GATEWAY, FROM_CIRCUIT].map(Rule::RemoveCommunity);
    Side {
        end: connection.msee,
        forward: Forward::Everywhere(draft.next_hop(
            connection.msee,
            scenario.settings.mtu,
            TagRule::push(&tags, PcpRule::Fixed),
        )),
        tags,
        arrives: vrf,
        vrf,
        carrier: scenario.pairs[connection.pair.index()].carrier_delay,
        bgp: microsoft_bgp(),
        import: Policy::new(marks.iter().cloned().chain([Rule::AddCommunity(FROM_CUSTOMER)])),
        // What customers see of the reserved number is not published: here they see 12076 alone.
        export: Policy::new(marks.into_iter().chain([Rule::RemoveAs(GATEWAY_AS)])),
        own_as_allowed: 0,
        limits: Some(circuit.scope.sku.private_prefixes()),
    }
}

/// The two edge routers of a site: each tells the other what it has learned.
pub(super) fn between_edges(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    for (site, nodes) in scenario.sites.iter().zip(&wiring.sites) {
        for edge in &nodes.edges {
            let plane = planes.plane(draft, edge.node, site.asn.value);
            plane.follow(FROM_SITE, [FROM_SITE, FROM_CLOUD]);
            site.prefixes.iter().for_each(|prefix| plane.originate(FROM_SITE, prefix.value, Vec::new()));
        }
        let [first, second] = &nodes.edges[..] else { continue };
        let (Some(a), Some(b)) = (first.across, second.across) else { continue };
        let with_v6 = site.prefixes.iter().any(|prefix| prefix.value.network().is_ipv6());
        let mut side = |end: End| Side {
            end,
            tags: Vec::new(),
            arrives: FROM_SITE,
            vrf: FROM_SITE,
            // Not out of what translates: the other edge router does that itself.
            forward: Forward::In(
                vec![FROM_SITE, FROM_CLOUD],
                draft.next_hop(end, scenario.settings.mtu, TagRule::UNTAGGED),
            ),
            carrier: scenario.control.carrier,
            bgp: Bgp::default(),
            import: Policy::default(),
            export: Policy::default(),
            own_as_allowed: 0,
            limits: None,
        };
        let sides = [side(a), side(b)];
        let addresses = planes.addresses.link(with_v6);
        planes.link(draft, &Link::between(sides, addresses, format!("edge routers of {}", site.name.value)));
    }
}

/// Whether the private peering of a circuit carries IPv6; `None` without one.
fn peering_v6(scenario: &Scenario, circuit: CircuitId) -> Option<bool> {
    scenario.circuits[circuit.index()].private.as_ref().map(|peering| peering.v6.is_some())
}

/// Gateways and the Microsoft edges of their circuits.
pub(super) fn gateways(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    for node in &wiring.gateways {
        let gateway = &scenario.gateways[node.place];
        let plane = planes.plane(draft, node.node, GATEWAY_AS);
        plane.follow(VrfId(0), [VrfId(0)]);
        for prefix in gateway.vnets.iter().flat_map(|vnet| &scenario.vnets[vnet.index()].prefixes) {
            plane.originate(VrfId(0), prefix.value, Vec::new());
        }
    }
    for uplink in &wiring.uplinks {
        let Some(with_v6) = peering_v6(scenario, uplink.circuit) else { continue };
        let gateway = &scenario.gateways[uplink.gateway];
        planes.plane(draft, uplink.msee.0, MICROSOFT_AS);
        let import = Policy::new(gateway.weight(uplink.circuit).map(|weight| Rule::Weight(weight.into())));
        let vnets = gateway.vnets.iter().flat_map(|vnet| &scenario.vnets[vnet.index()].prefixes);
        let own = vnets.map(|prefix| prefix.value);
        let own = Side {
            vrf: VrfId(0),
            arrives: VrfId(0),
            import,
            // What it hears from one edge is nothing to the other.
            export: Policy::new([Rule::Prefixes(own.map(PrefixRange::exact).collect())]),
            ..azure_side(draft, scenario, uplink.circuit, uplink.end, Policy::default())
        };
        let sides = [azure_side(draft, scenario, uplink.circuit, uplink.msee, from_network([])), own];
        let addresses = planes.addresses.link(with_v6);
        let (gateway, circuit) = (&gateway.name.value, &scenario.circuits[uplink.circuit.index()].name.value);
        planes.link(draft, &Link::between(sides, addresses, format!("connection of {gateway} to {circuit}")));
    }
}

/// Virtual networks and the Microsoft edges of their circuits: how hosts learn of the ways back is not published. Here
/// they hear what their gateway hears, by sessions of their own; with FastPath the edges hear of them too.
pub(super) fn networks(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    for sdn in &wiring.sdns {
        let plane = planes.plane(draft, sdn.node, GATEWAY_AS);
        plane.follow(VrfId(0), [VrfId(0)]);
        // Both planes of as many circuits; the first ones, for those have the lowest identifiers.
        plane.spec.routing.config.decision.maximum_paths_external = 2 * Gateway::MOST_SPREAD;
        for prefix in &scenario.vnets[sdn.vnet.index()].prefixes {
            plane.originate(VrfId(0), prefix.value, Vec::new());
        }
    }
    for way in &wiring.returns {
        let Some(with_v6) = peering_v6(scenario, way.circuit) else { continue };
        planes.plane(draft, way.msee.0, MICROSOFT_AS);
        let sides = [edge_of(draft, scenario, way), hosts_of(draft, scenario, wiring, way)];
        let addresses = planes.addresses.link(with_v6);
        let vnet = &scenario.vnets[way.vnet.index()].name.value;
        let circuit = &scenario.circuits[way.circuit.index()].name.value;
        planes.link(draft, &Link::between(sides, addresses, format!("hosts of {vnet} and {circuit}")));
    }
}

/// The Microsoft edge's end: with FastPath what it hears beats what the gateway says.
fn edge_of(draft: &mut Draft, scenario: &Scenario, way: &Return) -> Side {
    let side = azure_side(draft, scenario, way.circuit, way.msee, from_network([Rule::Weight(1)]));
    match way.fast {
        Some(fast) => Side {
            forward: Forward::Everywhere(draft.next_hop(fast, scenario.settings.mtu, TagRule::UNTAGGED)),
            ..side
        },
        None => side,
    }
}

fn hosts_of(draft: &mut Draft, scenario: &Scenario, wiring: &Wiring, way: &Return) -> Side {
    let gateway = wiring.sdns.iter().find(|sdn| sdn.vnet == way.vnet).map(|sdn| &scenario.gateways[sdn.gateway]);
    let weight = gateway.and_then(|gateway| gateway.weight(way.circuit));
    let taken = fastpath::prefixes(scenario, way.circuit).into_iter();
    let taken = taken.filter(|fast| fast.is_taken && fast.vnet == way.vnet && way.fast.is_some());
    let taken: Vec<PrefixRange> = taken.map(|fast| PrefixRange::exact(fast.prefix)).collect();
    let out = scenario.vnets[way.vnet.index()].largest_out(scenario.settings.mtu);
    let forward = Forward::Everywhere(draft.next_hop(way.end, out, TagRule::UNTAGGED));
    Side {
        vrf: VrfId(0),
        arrives: VrfId(0),
        forward,
        import: Policy::new(weight.map(|weight| Rule::Weight(weight.into()))),
        export: Policy::new([Rule::Prefixes(taken)]),
        ..azure_side(draft, scenario, way.circuit, way.end, Policy::default())
    }
}

/// Circuits that Global Reach joins: their edges tell each other what their customers say, and pass nothing else on.
pub(super) fn joints(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    for joint in wiring.joints.iter().filter(|joint| joint.is_up()) {
        let import = [FROM_CUSTOMER, FROM_GATEWAY].map(Rule::RemoveCommunity).into_iter();
        let import = Policy::new(import.chain([Rule::AddCommunity(FROM_CIRCUIT)]));
        let ends = joint.circuits(scenario).into_iter().zip(joint.ends());
        let sides: Vec<Side> = ends
            .map(|(circuit, end)| {
                let [vrf, _] = vrfs_of(scenario, circuit);
                let arrives = global_reach::vrf_of(scenario, wiring, end);
                planes.plane(draft, end.0, MICROSOFT_AS).follow(vrf, [arrives]);
                let export = Policy::new([Rule::Communities(vec![FROM_CUSTOMER])]);
                // What comes over one joint never leaves by another: Global Reach is not transitive. Its own way back for
                // what this router says of it is fixed.
                let over = draft.next_hop(end, scenario.settings.mtu, TagRule::UNTAGGED);
                let forward = Forward::In(vrfs_of(scenario, circuit).to_vec(), over);
                Side { arrives, export, forward, ..azure_side(draft, scenario, circuit, end, import.clone()) }
            })
            .collect();
        let Ok(sides) = <[Side; 2]>::try_from(sides) else { unreachable!("a joint has two ends") };
        let addresses = joint.links(scenario).into_iter().map(|(_, ends)| ends).collect();
        planes.link(draft, &Link::between(sides, addresses, joint.name(scenario)));
    }
}
