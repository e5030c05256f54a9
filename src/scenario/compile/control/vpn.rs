//! Sessions of a provider's VPNs (RFC 4364): customer edges and provider edges, provider edges and Microsoft edges, and the
//! provider edges of a VPN with each other, where routes are of VPNs and have labels.
//!
//! ```text
//! hq-ce1 == pe-hq1 ====== pe-london1 == london-msee1      == eBGP, IPv4 and IPv6 each by themselves
//!              \\        //                               == between provider edges: iBGP over label-switched paths
//!               pe-branch1 == branch-ce1
//! ```

use super::MAXIMUM_PATHS;
use super::peers::policy_of;
use super::planes::{Forward, Link, Planes, Side};
use crate::control::rib::{Policy, PrefixRange, Rule, VpnConfig};
use crate::control::{NextHopSpec, Reach, RouteDistinguisher};
use crate::id::VrfId;
use crate::scenario::Scenario;
use crate::scenario::compile::carrier::{FROM_CLOUD, FROM_SITE, VpnEdge};
use crate::scenario::compile::draft::{Draft, End, route};
use crate::scenario::compile::wiring::{PairConnection, Wiring};
use crate::scenario::compile::{edge, own_tags};
use crate::scenario::model::{Bgp, Circuit, PairId, Peering, SiteId};
use crate::table::{NextHop, PcpRule, TagRule};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// Where a provider's own addresses are.
const GLOBAL: VrfId = VrfId(0);

/// How often the provider's number may be in a path that comes to it: Global Reach joins circuits of one provider.
const OWN_AS_ALLOWED: usize = 1;

/// Labels above what provider edges say to each other, at the most.
const LABELS: u16 = 4;

/// The provider edges: their VRFs, and their sessions with each other.
pub(super) fn edges(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, vpn: &[VpnEdge]) {
    for edge in vpn {
        let asn = scenario.providers[edge.provider.index()].asn;
        let own = planes.addresses.router_id(edge.node);
        let others: Vec<IpAddr> = edge.far.iter().map(|far| planes.addresses.router_id(far.node).into()).collect();
        let plane = planes.plane(draft, edge.node, asn);
        plane.spec.routing.config.decision.maximum_paths_internal = MAXIMUM_PATHS;
        plane.follow(GLOBAL, []);
        plane.follow(FROM_SITE, [FROM_SITE, FROM_CLOUD]);
        let targets: Vec<[u8; 8]> = edge.pairs.iter().map(|pair| route_target(asn, *pair)).collect();
        let (distinguisher, label) = (distinguisher(own), edge.label);
        let vpn = VpnConfig { distinguisher, label, import_targets: targets.clone(), export_targets: targets };
        plane.vpns.insert(FROM_SITE, vpn);
        let fib = &mut draft.router(edge.node).fib;
        route(fib, GLOBAL, IpNet::from(IpAddr::V4(own)), &[NextHop::LOCAL]);
        for (far, address) in edge.far.iter().zip(others) {
            route(fib, GLOBAL, IpNet::from(address), &[far.to_itself.member()]);
            let itself = NextHopSpec {
                vrf: GLOBAL,
                address,
                label: None,
                forward: vec![(GLOBAL, far.to_itself)],
                by: Reach::Path(far.lsp),
            };
            let forward = [FROM_SITE, FROM_CLOUD].map(|vrf| (vrf, far.to_vrf)).to_vec();
            let of_vpn = NextHopSpec { label: Some(far.label), forward, ..itself.clone() };
            plane.spec.routing.next_hops.extend([itself, of_vpn]);
        }
    }
    for edge in vpn {
        for far in edge.far.iter().filter(|far| edge.node < far.node) {
            let provider = &scenario.providers[edge.provider.index()];
            let of = format!("VPN of {}", provider.name.value);
            // Under the label of the path, that of a bypass and an entropy label pair.
            let mtu = provider.core.mtu - 4 * LABELS;
            let over = (provider.vpn_bfd, mtu);
            planes.within(GLOBAL, [edge.node, far.node], (&of, edge.provider), over, OWN_AS_ALLOWED);
        }
    }
}

/// Customer edges and provider edges: the customer tells of its own prefixes, and hears of all others.
pub(super) fn accesses(planes: &mut Planes<'_>, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    for (place, nodes) in wiring.sites.iter().enumerate() {
        for (node, pair, customer) in
            nodes.edges.iter().flat_map(|edge| edge.accesses.iter().map(|(pair, end)| (edge.node, *pair, *end)))
        {
            let provider = draft.peer(customer).expect("it is joined to a provider edge");
            planes.plane(draft, node, scenario.sites[place].asn.value);
            let sides = [
                customer_side(draft, scenario, (SiteId(place), pair), customer),
                provider_side(draft, scenario, (SiteId(place), pair), provider),
            ];
            let of_pair = &scenario.pairs[pair.index()];
            let mut sites = of_pair.sites.iter().map(|site| &scenario.sites[site.index()]);
            let with_v6 = sites.any(|site| site.prefixes.iter().any(|prefix| prefix.value.addr().is_ipv6()));
            let addresses = planes.addresses.link(with_v6);
            let of = format!("access of {} to {}", scenario.sites[place].name.value, of_pair.name.value);
            planes.link(draft, &Link::between(sides, addresses, of));
        }
    }
}

fn customer_side(draft: &mut Draft, scenario: &Scenario, (site, pair): (SiteId, PairId), end: End) -> Side {
    let own = scenario.sites[site.index()].prefixes.iter().map(|prefix| PrefixRange::exact(prefix.value));
    Side {
        end,
        tags: Vec::new(),
        arrives: edge::FROM_CLOUD,
        vrf: edge::FROM_SITE,
        forward: Forward::Everywhere(draft.next_hop(end, scenario.settings.mtu, TagRule::UNTAGGED)),
        carrier: scenario.pairs[pair.index()].carrier_delay,
        bgp: Bgp::default(),
        import: Policy::default(),
        export: Policy::new([Rule::Prefixes(own.collect())]),
        own_as_allowed: 0,
        limits: None,
    }
}

fn provider_side(draft: &mut Draft, scenario: &Scenario, (site, pair): (SiteId, PairId), end: End) -> Side {
    let of_site = &scenario.sites[site.index()];
    // Sites of one number would take each other's routes for a loop.
    let others = scenario.pairs[pair.index()].sites.iter().filter(|other| other.value != site);
    let is_shared =
        others.map(|other| &scenario.sites[other.index()]).any(|other| other.asn.value == of_site.asn.value);
    let numbers = is_shared.then_some(Rule::OverrideAs(of_site.asn.value));
    // A site of several circuits hears by the access of each what is of that one's VPN.
    let of_pair = &scenario.pairs[pair.index()];
    let provider = of_pair.carrier.provider();
    let is_several = scenario.pairs.iter().any(|other| {
        other.name != of_pair.name
            && !other.carrier.is_layer_2()
            && other.carrier.provider() == provider
            && other.serves(site)
    });
    let asn = provider.map_or(0, |provider| scenario.providers[provider.index()].asn);
    let target = is_several.then(|| Rule::ExtendedCommunities(vec![route_target(asn, pair)]));
    Side {
        arrives: FROM_SITE,
        vrf: FROM_SITE,
        import: Policy::new([Rule::Prefixes(
            of_site.prefixes.iter().map(|own| PrefixRange::exact(own.value)).collect(),
        )]),
        export: Policy::new(target.into_iter().chain(numbers)),
        ..customer_side(draft, scenario, (site, pair), end)
    }
}

/// The provider's end of a private peering, which has it in the customers' place: it tells of their prefixes.
pub(super) fn peering_side(
    draft: &mut Draft,
    scenario: &Scenario,
    connection: &PairConnection,
    (circuit, peering): (&Circuit, &Peering),
) -> Side {
    let (plane, bgp, pair) = (connection.plane, &peering.bgp, &scenario.pairs[connection.pair.index()]);
    let tags = own_tags(scenario, circuit, peering, plane);
    let sites = pair.sites.iter().flat_map(|site| &scenario.sites[site.index()].prefixes);
    let push = TagRule::push(&tags, PcpRule::Fixed);
    Side {
        end: connection.ce,
        forward: Forward::Everywhere(draft.next_hop(connection.ce, scenario.settings.mtu, push)),
        tags,
        arrives: FROM_CLOUD,
        vrf: FROM_SITE,
        carrier: pair.carrier_delay,
        bgp: bgp.clone(),
        import: Policy::new([Rule::LocalPref(*bgp.local_pref.of(plane))]),
        export: policy_of(bgp, plane, sites.map(|prefix| prefix.value)),
        own_as_allowed: OWN_AS_ALLOWED,
        limits: None,
    }
}

/// Of an address of the router, which it is the only one to have (RFC 4364 §4.2, type 1): both edges of a site have routes
/// of their own to its prefixes, and others share their traffic between them.
const fn distinguisher(own: Ipv4Addr) -> RouteDistinguisher {
    let [a, b, c, d] = own.octets();
    RouteDistinguisher([0, 1, a, b, c, d, 0, 1])
}

/// Of the VPN of a circuit: the provider's number and the place of the circuit (RFC 5668 §2).
const fn route_target(asn: u32, pair: PairId) -> [u8; 8] {
    let ([a, b, c, d], [high, low]) = (asn.to_be_bytes(), (pair.0 as u16 + 1).to_be_bytes());
    [2, 2, a, b, c, d, high, low]
}
