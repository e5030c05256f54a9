//! Sessions of Microsoft peerings: customer edges and Microsoft edges, and those with Microsoft's own network.

use super::peers::{microsoft_bgp, place_of, policy_of};
use super::planes::{Forward, Link, Planes, Side};
use super::{MAXIMUM_PATHS, MICROSOFT_AS};
use crate::control::rib::{Policy, PrefixRange, Rule, community};
use crate::id::VrfId;
use crate::scenario::Scenario;
use crate::scenario::compile::draft::Draft;
use crate::scenario::compile::edge::{FROM_CLOUD, FROM_SITE, links_of};
use crate::scenario::compile::public::{Outside, PublicUplink, advertised};
use crate::scenario::compile::wiring::{PairConnection, Wiring};
use crate::scenario::compile::{microsoft_tags, own_tags};
use crate::scenario::model::{Bfd, Bgp, CircuitId, EventTarget, MicrosoftPeering, PrefixLimits, SiteId};
use crate::table::{PcpRule, TagRule};

/// The two VRFs of a circuit's Microsoft peering at its edge routers.
fn vrfs_of(scenario: &Scenario, circuit: CircuitId) -> [VrfId; 2] {
    let place = place_of(scenario, circuit, true);
    [VrfId(2 * place), VrfId(2 * place + 1)]
}

/// Customer edges and Microsoft edges, on each plane.
pub(super) fn customers(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    for connection in &wiring.connections {
        for (place, circuit) in scenario.circuits.iter().enumerate() {
            let (id, microsoft) = (CircuitId(place), circuit.microsoft.as_ref());
            let Some(microsoft) = microsoft.filter(|_| circuit.pair == connection.pair) else { continue };
            let vrfs = vrfs_of(scenario, id);
            planes.plane(draft, connection.msee.0, MICROSOFT_AS).follow(vrfs[0], vrfs);
            if connection.up {
                let sides = [
                    customer_side(planes, draft, scenario, wiring, connection, (id, microsoft)),
                    microsoft_side(draft, scenario, connection, (id, microsoft)),
                ];
                let links = links_of(&microsoft.peering, connection.plane);
                planes.link(
                    draft,
                    &Link {
                        sides,
                        addresses: links.into_iter().map(|(_, customer, microsoft)| [customer, microsoft]).collect(),
                        bfd: microsoft.peering.bfd.map(|own| [own, Bfd::MICROSOFT]),
                        of: format!("Microsoft peering of {}.{}", circuit.name.value, connection.plane),
                        on: Some(EventTarget::Connection(connection.pair, connection.plane)),
                        through: scenario.pairs[connection.pair.index()].carrier.provider(),
                    },
                );
            }
        }
    }
}

fn customer_side(
    planes: &mut Planes<'_>,
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    connection: &PairConnection,
    (id, microsoft): (CircuitId, &MicrosoftPeering),
) -> Side {
    let pair = &scenario.pairs[connection.pair.index()];
    // A layer-2 circuit has one site.
    let site = SiteId(pair.sites[0].index());
    let edges = &wiring.sites[site.index()].edges;
    let edge = edges.iter().find(|edge| edge.node == connection.ce.0).expect("it is a router of the site");
    let outside = Outside::of_edge(draft, scenario, wiring, (site, edge), FROM_CLOUD);
    let (context, next_hops) = outside.forward(id, connection.plane).expect("its way was made");
    let told = advertised(microsoft, connection.plane);
    let own = scenario.sites[site.index()].asn.value;
    let plane = planes.plane(draft, edge.node, own);
    plane.follow(FROM_SITE, [context]);
    for prefix in &told {
        plane.originate(FROM_SITE, *prefix, Vec::new());
    }
    let bgp = &microsoft.peering.bgp;
    let tags = own_tags(scenario, &scenario.circuits[id.index()], &microsoft.peering, connection.plane);
    Side {
        end: connection.ce,
        tags,
        arrives: context,
        vrf: FROM_SITE,
        forward: Forward::Translated(context, vec![FROM_SITE, FROM_CLOUD], next_hops),
        carrier: pair.carrier_delay,
        bgp: bgp.clone(),
        import: Policy::new([Rule::LocalPref(*bgp.local_pref.of(connection.plane))]),
        export: policy_of(bgp, connection.plane, told.into_iter()),
        own_as_allowed: 0,
        limits: None,
    }
}

/// Microsoft's end takes what is registered, without private numbers, and tells what the route filter has.
fn microsoft_side(
    draft: &mut Draft,
    scenario: &Scenario,
    connection: &PairConnection,
    (id, microsoft): (CircuitId, &MicrosoftPeering),
) -> Side {
    let tags = microsoft_tags(scenario, &scenario.circuits[id.index()], &microsoft.peering);
    let registered = advertised(microsoft, connection.plane).into_iter().map(PrefixRange::exact);
    let filter = microsoft.route_filter.iter().map(|known| community(MICROSOFT_AS as u16, known.value.0));
    let push = TagRule::push(&tags, PcpRule::Fixed);
    let [vrf, _] = vrfs_of(scenario, id);
    Side {
        end: connection.msee,
        tags,
        arrives: vrf,
        vrf,
        forward: Forward::Everywhere(draft.next_hop(connection.msee, scenario.settings.mtu, push)),
        carrier: scenario.pairs[connection.pair.index()].carrier_delay,
        bgp: microsoft_bgp(),
        import: Policy::new([Rule::Prefixes(registered.collect()), Rule::RemovePrivateAs]),
        export: Policy::new([Rule::Communities(filter.collect())]),
        own_as_allowed: 0,
        limits: Some(PrefixLimits::MICROSOFT_PEERING),
    }
}

/// Microsoft edges and the router of Microsoft's network, which gives the prefixes of services to BGP.
pub(super) fn services(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    let Some(router) = wiring.public.microsoft else { return };
    let plane = planes.plane(draft, router, MICROSOFT_AS);
    plane.follow(VrfId(0), [VrfId(0)]);
    plane.spec.routing.config.decision.maximum_paths_internal = MAXIMUM_PATHS;
    for (service, hosts) in scenario.services.iter().zip(&wiring.public.services) {
        if hosts.as_ref().is_some_and(|hosts| hosts.microsoft.is_some()) {
            let marks: Vec<u32> =
                service.community.iter().map(|own| community(MICROSOFT_AS as u16, own.value.0)).collect();
            for prefix in &service.prefixes {
                plane.originate(VrfId(0), prefix.value, marks.clone());
            }
        }
    }
    for uplink in wiring.public.uplinks.iter().filter(|uplink| uplink.up) {
        let circuit = &scenario.circuits[uplink.circuit.index()];
        let Some(microsoft) = &circuit.microsoft else { continue };
        let sides = [edge_side(draft, scenario, uplink), network_side(draft, scenario, uplink)];
        let addresses = planes.addresses.link(microsoft.peering.v6.is_some());
        let of = format!("Microsoft's network and {}.{}", circuit.name.value, uplink.plane);
        planes.link(draft, &Link::between(sides, addresses, of));
    }
}

fn edge_side(draft: &mut Draft, scenario: &Scenario, uplink: &PublicUplink) -> Side {
    let [vrf, arrives] = vrfs_of(scenario, uplink.circuit);
    Side {
        end: uplink.msee,
        tags: Vec::new(),
        arrives,
        vrf,
        forward: Forward::Everywhere(draft.next_hop(uplink.msee, scenario.settings.mtu, TagRule::UNTAGGED)),
        carrier: scenario.control.carrier,
        bgp: Bgp::default(),
        import: Policy::default(),
        export: Policy::default(),
        own_as_allowed: 0,
        limits: None,
    }
}

fn network_side(draft: &mut Draft, scenario: &Scenario, uplink: &PublicUplink) -> Side {
    let forward = draft.next_hop(uplink.microsoft, scenario.settings.mtu, TagRule::UNTAGGED);
    Side {
        end: uplink.microsoft,
        arrives: VrfId(0),
        vrf: VrfId(0),
        forward: Forward::Everywhere(forward),
        ..edge_side(draft, scenario, uplink)
    }
}
