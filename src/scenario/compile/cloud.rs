//! What Microsoft edge routers forward; each circuit has two VRFs of its own on each edge router.

use super::draft::{Draft, routed, untagged};
use super::edge::{ingress, links_of};
use super::place::Plane;
use super::wiring::{PairConnection, Uplink, Wiring, ports_of};
use super::{CompileOptions, Unrouted, carries, defaults, peered, tags};
use crate::frame::DropReason;
use crate::id::VrfId;
use crate::node::RouterAddresses;
use crate::scenario::Scenario;
use crate::scenario::model::{Circuit, CircuitId, Peering};
use crate::table::{FibBuilder, NextHop, PcpRule, SubInterface, TagRule};
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
    let peerings: Vec<_> = peered(scenario, connection.pair).collect();
    let mut fib = FibBuilder::new((2 * peerings.len()).max(1) as u16);
    for port in ports_of(draft, node) {
        let end = (node, port);
        let from = |circuit: CircuitId| peerings.iter().position(|(id, ..)| *id == circuit);
        let beyond =
            wiring.uplinks.iter().map(|uplink| (uplink.circuit, uplink.msee)).chain(wiring.returns.iter().copied());
        let circuit = beyond.into_iter().find(|(_, msee)| *msee == end).and_then(|(circuit, _)| from(circuit));
        fib.ingress(&match circuit {
            Some(place) => untagged(2 * place as u16 + 1),
            // The private peering resets DSCP (EXPRESSROUTE: QoS requirements).
            None if end == connection.msee => ingress(scenario, connection.pair, |place| SubInterface {
                reset_dscp: true,
                ..routed(2 * place as u16)
            }),
            None => Default::default(),
        });
    }
    let mut addresses = Vec::new();
    for (place, &(id, circuit, peering)) in peerings.iter().enumerate() {
        let vrfs = [VrfId(2 * place as u16), VrfId(2 * place as u16 + 1)];
        configure_circuit(draft, scenario, wiring, connection, (id, circuit, peering), (&mut fib, vrfs), options);
        addresses.extend([own_addresses(peering, connection.plane); 2]);
    }
    draft.route(node, fib, addresses);
}

/// The routes of one circuit: from the customer (the first VRF) and from Azure (the second).
fn configure_circuit(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    connection: &PairConnection,
    (id, circuit, peering): (CircuitId, &Circuit, &Peering),
    (fib, vrfs): (&mut FibBuilder, [VrfId; 2]),
    options: CompileOptions,
) {
    let mtu = scenario.settings.mtu;
    let tags = TagRule::push(&tags(scenario, circuit, peering), PcpRule::Fixed);
    let back = connection.up.then(|| draft.next_hop(connection.msee, mtu, tags));
    let mine = |uplink: &&Uplink| uplink.circuit == id && uplink.msee.0 == connection.msee.0;
    let ups: Vec<(usize, NextHop)> = wiring
        .uplinks
        .iter()
        .filter(mine)
        .map(|uplink| (uplink.gateway, draft.next_hop(uplink.msee, mtu, TagRule::UNTAGGED)))
        .collect();
    let mut add = |vrf: VrfId, prefix: IpNet, next_hop: Option<NextHop>| {
        if let Some(next_hop) = next_hop.filter(|_| carries(peering, &prefix)) {
            let set = fib.next_hops(&[next_hop]);
            fib.route(vrf, prefix, set);
        }
    };
    let unrouted = (options.unrouted == Unrouted::Drop).then_some(NextHop::discard(DropReason::Unrouted));
    for default in defaults() {
        add(vrfs[0], default, unrouted.or(ups.first().map(|(_, next_hop)| *next_hop)));
        add(vrfs[1], default, unrouted.or(back));
    }
    for vrf in vrfs {
        for prefix in &scenario.sites[scenario.pairs[connection.pair.index()].site.index()].prefixes {
            add(vrf, prefix.value, back);
        }
        for (gateway, next_hop) in &ups {
            for vnet in &scenario.gateways[*gateway].vnets {
                for prefix in &scenario.vnets[vnet.index()].prefixes {
                    add(vrf, prefix.value, Some(*next_hop));
                }
            }
        }
        for (subnet, _, own) in links_of(peering, connection.plane) {
            add(vrf, subnet, back);
            add(vrf, IpNet::from(own), Some(NextHop::LOCAL));
        }
    }
}

fn own_addresses(peering: &Peering, plane: Plane) -> RouterAddresses {
    let v4 = plane.of(peering.v4.primary, peering.v4.secondary).microsoft;
    RouterAddresses { v4: Some(v4), v6: peering.v6.map(|v6| plane.of(v6.primary, v6.secondary).microsoft) }
}
