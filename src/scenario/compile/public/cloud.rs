//! What forwards public addresses at Microsoft's end: its edge routers' VRFs of Microsoft peerings, its network, the internet.

use super::super::draft::{Draft, route};
use super::super::edge::{first_addresses, links_of};
use super::super::wiring::{PairConnection, Wiring};
use super::super::{carries, defaults, microsoft_tags};
use super::{Owner, Public, PublicUplink, advertised, share_of_edge};
use crate::id::VrfId;
use crate::scenario::Scenario;
use crate::scenario::model::{Circuit, CircuitId, MicrosoftPeering, is_public};
use crate::table::{FibBuilder, NextHop, PcpRule, TagRule};
use ipnet::IpNet;

/// The VRF of everything in Microsoft's network, and on the internet.
const ONE: VrfId = VrfId(0);

/// The routes of a circuit's Microsoft peering at its edge router: from the customer (the first VRF) what the route filter
/// has, from Microsoft's network (the second) what the customer advertises.
pub(in super::super) fn configure_peering(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    connection: &PairConnection,
    (id, circuit, microsoft): (CircuitId, &Circuit, &MicrosoftPeering),
    (fib, vrfs): (&mut FibBuilder, [VrfId; 2]),
) {
    let (mtu, peering) = (scenario.settings.mtu, &microsoft.peering);
    let mine = |uplink: &&PublicUplink| uplink.circuit == id && uplink.plane == connection.plane;
    let up = wiring.public.uplinks.iter().find(mine).map(|uplink| draft.next_hop(uplink.msee, mtu, TagRule::UNTAGGED));
    let tags = TagRule::push(&microsoft_tags(scenario, circuit, peering), PcpRule::Fixed);
    let back: Vec<NextHop> = connection.up.then(|| draft.next_hop(connection.msee, mtu, tags)).into_iter().collect();
    for service in scenario.services.iter().filter(|service| microsoft.leads_to(service)) {
        for prefix in service.prefixes.iter().filter(|prefix| carries(peering, prefix)) {
            route(fib, vrfs[0], prefix.value, up.as_slice());
        }
    }
    for prefix in advertised(microsoft, connection.plane) {
        vrfs.iter().for_each(|vrf| route(fib, *vrf, prefix, &back));
    }
    for (subnet, _, own) in links_of(peering, connection.plane) {
        for vrf in vrfs {
            route(fib, vrf, subnet, &back);
            route(fib, vrf, IpNet::from(own), &[NextHop::LOCAL]);
        }
    }
}

/// Fills in the tables of Microsoft's network and of the internet.
pub(in super::super) fn configure(draft: &mut Draft, scenario: &Scenario, wiring: &Wiring) {
    microsoft(draft, scenario, &wiring.public, wiring);
    isp(draft, scenario, &wiring.public);
}

fn microsoft(draft: &mut Draft, scenario: &Scenario, public: &Public, wiring: &Wiring) {
    let (Some(node), mtu) = (public.microsoft, scenario.settings.mtu) else { return };
    let mut fib = draft.untagged_table(node);
    if let Some(trunk) = public.trunk {
        let out = draft.next_hop(trunk, mtu, TagRule::UNTAGGED);
        defaults().into_iter().for_each(|default| route(&mut fib, ONE, default, &[out]));
    }
    // Where a prefix is advertised on several links, its flows are spread over them.
    let mut ways: std::collections::BTreeMap<IpNet, Vec<NextHop>> = Default::default();
    for uplink in public.uplinks.iter().filter(|uplink| uplink.up) {
        let Some(peering) = &scenario.circuits[uplink.circuit.index()].microsoft else { continue };
        let links = links_of(&peering.peering, uplink.plane).into_iter().map(|(subnet, ..)| subnet);
        for prefix in advertised(peering, uplink.plane).into_iter().chain(links) {
            if carries(&peering.peering, &prefix) {
                let way = draft.next_hop(uplink.microsoft, mtu, TagRule::UNTAGGED);
                ways.entry(prefix).or_default().push(way);
            }
        }
    }
    ways.iter().for_each(|(prefix, ways)| route(&mut fib, ONE, *prefix, ways));
    let mut own = Vec::new();
    for (service, hosts) in scenario.services.iter().zip(&wiring.public.services) {
        let Some(port) = hosts.as_ref().and_then(|hosts| hosts.microsoft) else { continue };
        let hosts = draft.next_hop(port, mtu, TagRule::UNTAGGED);
        service.prefixes.iter().for_each(|prefix| route(&mut fib, ONE, prefix.value, &[hosts]));
        own.extend(service.prefixes.iter().map(|prefix| prefix.value));
    }
    draft.route(node, fib, vec![first_addresses(own.into_iter())]);
}

fn isp(draft: &mut Draft, scenario: &Scenario, public: &Public) {
    let (Some((node, others)), mtu) = (public.isp, scenario.settings.mtu) else { return };
    let mut fib = draft.untagged_table(node);
    let others = draft.next_hop(others, mtu, TagRule::UNTAGGED);
    defaults().into_iter().for_each(|default| route(&mut fib, ONE, default, &[others]));
    let mut own = Vec::new();
    for (service, hosts) in scenario.services.iter().zip(&public.services) {
        let Some(port) = hosts.as_ref().and_then(|hosts| hosts.isp) else { continue };
        let hosts = draft.next_hop(port, mtu, TagRule::UNTAGGED);
        service.prefixes.iter().for_each(|prefix| route(&mut fib, ONE, prefix.value, &[hosts]));
        own.extend(service.prefixes.iter().map(|prefix| prefix.value));
    }
    let mut ways: std::collections::BTreeMap<IpNet, Vec<NextHop>> = Default::default();
    for access in &public.accesses {
        for prefix in known_outside(scenario, access.owner) {
            ways.entry(prefix).or_default().push(draft.next_hop(access.isp, mtu, TagRule::UNTAGGED));
        }
    }
    ways.iter().for_each(|(prefix, ways)| route(&mut fib, ONE, *prefix, ways));
    draft.route(node, fib, vec![first_addresses(own.into_iter())]);
}

/// What the internet knows of whoever has an access: the addresses that it is translated to, else its own public ones;
/// public IPv6 always.
fn known_outside(scenario: &Scenario, owner: Owner) -> Vec<IpNet> {
    let (nat, prefixes) = match owner {
        Owner::Site(site, edge) => {
            let site = &scenario.sites[site.index()];
            let nat = site.internet.and_then(|access| access.nat);
            (nat.and_then(|pool| share_of_edge(pool.value, edge, site.edges)), &site.prefixes)
        }
        Owner::Vnet(vnet) => {
            let vnet = &scenario.vnets[vnet.index()];
            (vnet.internet.and_then(|access| access.nat).map(|pool| pool.value), &vnet.prefixes)
        }
    };
    let own = prefixes.iter().map(|prefix| prefix.value).filter(is_public);
    let own = own.filter(|prefix| nat.is_none() || matches!(prefix, IpNet::V6(_)));
    nat.map(IpNet::V4).into_iter().chain(own).collect()
}
