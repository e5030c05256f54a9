//! Global Reach: links between the edge routers of two circuits, plane by plane, and what is routed over them.
//!
//! ```text
//! london-msee1:paris === paris-msee1:london      each way policed to the smaller circuit's bandwidth
//! london-msee2:paris === paris-msee2:london
//! ```
//! What comes over such a link is looked up in a VRF of its own, which knows the two circuits' sites and nothing else: no
//! virtual network, and no third circuit. Each link is policed by itself, as the two connections of a circuit are.

use std::net::IpAddr;

use super::draft::Draft;
use super::draft::End;
use super::place::Plane;
use super::wiring::{AZURE_PORT, PairConnection, Wiring, is_alone};
use super::{CompileOptions, Unrouted, all_peered, carries, defaults, microsoft_tags};
use crate::frame::DropReason;
use crate::id::{NodeId, VrfId};
use crate::node::RouterAddresses;
use crate::port::{PolicerSpec, Policing, PortSpec};
use crate::scenario::Scenario;
use crate::scenario::model::{CircuitId, GlobalReach};
use crate::table::{FibBuilder, NextHop, PcpRule, TagRule};
use crate::time::PS_PER_S;
use ipnet::IpNet;

/// One plane of two joined circuits.
pub(super) struct Joint {
    /// The place among the scenario's.
    reach: usize,
    plane: Plane,
    /// At the edge router of each circuit.
    ends: [End; 2],
    /// Whether both connections that it joins pass traffic.
    up: bool,
}

/// A joint as one of its edge routers sees it.
#[derive(Clone, Copy)]
pub(super) struct Attachment<'w> {
    joint: &'w Joint,
    side: usize,
}

/// The links of all joined circuits.
pub(super) fn wire(draft: &mut Draft, scenario: &Scenario, wiring: &mut Wiring) {
    for (place, reach) in scenario.global_reaches.iter().enumerate() {
        for plane in Plane::BOTH {
            let connections = reach.circuits.map(|circuit| {
                let pair = scenario.circuits[circuit.index()].pair;
                wiring.connections.iter().find(|c| c.pair == pair && c.plane == plane)
            });
            let [Some(a), Some(b)] = connections else { continue };
            let (nodes, up) = ([a.msee.0, b.msee.0], a.up && b.up);
            let ends = [0, 1].map(|side| {
                let spec = PortSpec {
                    egress_policing: policing(scenario, reach),
                    ..PortSpec::new(port_name(scenario, reach, side), AZURE_PORT)
                };
                draft.port(nodes[side], spec)
            });
            draft.join(ends[0], ends[1], reach.delay, 0);
            wiring.joints.push(Joint { reach: place, plane, ends, up });
        }
    }
}

/// The name of the circuit at the other end; that of its own too, where the router has several.
fn port_name(scenario: &Scenario, reach: &GlobalReach, side: usize) -> String {
    let name = |side: usize| &scenario.circuits[reach.circuits[side].index()].name.value;
    match is_alone(scenario, reach.circuits[side].value) {
        true => name(1 - side).clone(),
        false => format!("{}.{}", name(1 - side), name(side)),
    }
}

/// The smaller bandwidth (EXPRESSROUTE: Global Reach).
fn policing(scenario: &Scenario, reach: &GlobalReach) -> Policing {
    let [a, b] = reach.circuits.map(|circuit| scenario.circuits[circuit.index()].bandwidth_bps.value);
    let rate_bps = a.min(b);
    let octets = u128::from(rate_bps) * u128::from(reach.burst.as_ps()) / 8 / u128::from(PS_PER_S);
    // 400 Gb/s for a second are more than a policer counts in.
    let burst_octets = u32::try_from(octets).unwrap_or(u32::MAX);
    Policing { policers: vec![PolicerSpec::strict(rate_bps, burst_octets)], by_vid: vec![(0, 0)] }
}

/// The joints that end at an edge router, in order.
pub(super) fn at(wiring: &Wiring, node: NodeId) -> Vec<Attachment<'_>> {
    let joints = wiring.joints.iter().flat_map(|joint| [0, 1].map(|side| Attachment { joint, side }));
    joints.filter(|attachment| attachment.port().0 == node).collect()
}

/// The circuits that `circuit` is joined with, and the port towards each of every plane.
pub(super) fn of(scenario: &Scenario, wiring: &Wiring, circuit: CircuitId) -> Vec<(CircuitId, End)> {
    let attachments = wiring.joints.iter().flat_map(|joint| [0, 1].map(|side| Attachment { joint, side }));
    let mine = attachments.filter(|attachment| attachment.circuit(scenario) == circuit);
    mine.map(|attachment| (attachment.far_circuit(scenario), attachment.port())).collect()
}

impl Attachment<'_> {
    pub(super) fn port(&self) -> End {
        self.joint.ends[self.side]
    }

    pub(super) fn far_port(&self) -> End {
        self.joint.ends[1 - self.side]
    }

    /// The circuit of this router.
    pub(super) fn circuit(&self, scenario: &Scenario) -> CircuitId {
        scenario.global_reaches[self.joint.reach].circuits[self.side].value
    }

    fn far_circuit(&self, scenario: &Scenario) -> CircuitId {
        scenario.global_reaches[self.joint.reach].circuits[1 - self.side].value
    }

    /// Routes of the joint: from the customer over it, and from it to the customer. The router's addresses in the VRF
    /// `joint`.
    pub(super) fn configure(
        &self,
        draft: &mut Draft,
        scenario: &Scenario,
        connection: &PairConnection,
        (fib, customer, joint): (&mut FibBuilder, VrfId, VrfId),
        options: CompileOptions,
    ) -> RouterAddresses {
        let mtu = scenario.settings.mtu;
        let circuits = [self.circuit(scenario), self.far_circuit(scenario)];
        let (mut addresses, over) = (RouterAddresses::default(), draft.next_hop(self.port(), mtu, TagRule::UNTAGGED));
        let add = |fib: &mut FibBuilder, vrf: VrfId, prefix: IpNet, next_hop: NextHop| {
            let set = fib.next_hops(&[next_hop]);
            fib.route(vrf, prefix, set);
        };
        let circuit = &scenario.circuits[circuits[0].index()];
        if let Some(peering) = circuit.private.as_ref().filter(|_| self.joint.up) {
            let tags = TagRule::push(&microsoft_tags(scenario, circuit, peering), PcpRule::Fixed);
            let back = draft.next_hop(connection.msee, mtu, tags);
            for prefix in prefixes(scenario, self.joint.reach, circuits) {
                add(fib, joint, prefix, back);
            }
            for prefix in prefixes(scenario, self.joint.reach, [circuits[1], circuits[0]]) {
                add(fib, customer, prefix, over);
                add(fib, joint, prefix, over);
            }
            let unknown = options.unrouted == Unrouted::Cloud && has_no_cloud(scenario, circuits);
            for default in
                defaults().into_iter().filter(|default| unknown && carries_family(scenario, self.joint.reach, default))
            {
                add(fib, customer, default, over);
                add(fib, joint, default, back);
            }
            for prefix in scenario.vnets.iter().flat_map(|vnet| &vnet.prefixes).filter(|_| unknown) {
                add(fib, customer, prefix.value, NextHop::discard(DropReason::NoRoute));
            }
        }
        for (subnet, ends) in self.joint.links(scenario) {
            let own = ends[self.side];
            for vrf in [customer, joint] {
                add(fib, vrf, subnet, over);
                add(fib, vrf, IpNet::from(own), NextHop::LOCAL);
            }
            match own {
                IpAddr::V4(own) => addresses.v4 = Some(own),
                IpAddr::V6(own) => addresses.v6 = Some(own),
            }
        }
        addresses
    }
}

/// The VRF of what comes over the joint that ends at this port.
pub(super) fn vrf_of(scenario: &Scenario, wiring: &Wiring, end: End) -> VrfId {
    let connection = wiring.connections.iter().find(|connection| connection.msee.0 == end.0);
    let pair = connection.expect("a Microsoft edge router ends a connection").pair;
    let place = at(wiring, end.0).iter().position(|attachment| attachment.port() == end);
    let place = place.expect("the port is that of a joint");
    VrfId((2 * all_peered(scenario, pair).len() + place) as u16)
}

impl Joint {
    /// Its ports, in the order of its circuits.
    pub(super) fn ends(&self) -> [End; 2] {
        self.ends
    }

    /// Whether both connections that it joins pass traffic.
    pub(super) fn is_up(&self) -> bool {
        self.up
    }

    /// The circuits that it joins.
    pub(super) fn circuits(&self, scenario: &Scenario) -> [CircuitId; 2] {
        scenario.global_reaches[self.reach].circuits.map(|circuit| circuit.value)
    }

    /// What its sessions are of.
    pub(super) fn name(&self, scenario: &Scenario) -> String {
        let [a, b] = self.circuits(scenario).map(|circuit| &scenario.circuits[circuit.index()].name.value);
        format!("Global Reach of {a} and {b}, {}", self.plane)
    }

    /// Per family the subnet of the link, with the addresses of both ends.
    pub(super) fn links(&self, scenario: &Scenario) -> Vec<(IpNet, [IpAddr; 2])> {
        let reach = &scenario.global_reaches[self.reach];
        // Both divide into two.
        let v4 = reach.subnet.subnets(30).ok().and_then(|mut halves| halves.nth(self.plane.index()));
        let v6 = reach.subnet_v6.and_then(|net| net.subnets(126).ok()?.nth(self.plane.index()));
        let v4 = v4.map(|net| {
            let end = |n: u32| IpAddr::V4((net.network().to_bits() | n).into());
            (IpNet::V4(net), [end(1), end(2)])
        });
        let v6 = v6.map(|net| {
            let end = |n: u128| IpAddr::V6((net.network().to_bits() | n).into());
            (IpNet::V6(net), [end(1), end(2)])
        });
        v4.into_iter().chain(v6).collect()
    }
}

/// What the site of the first circuit has and the second circuit's site reaches over the joint.
fn prefixes(scenario: &Scenario, reach: usize, circuits: [CircuitId; 2]) -> Vec<IpNet> {
    let [own, far] = circuits.map(|circuit| scenario.pair_of(circuit));
    let sites = own.sites.iter().filter(|site| !far.serves(site.value));
    let prefixes = sites.flat_map(|site| &scenario.sites[site.index()].prefixes).map(|prefix| prefix.value);
    prefixes.filter(|prefix| carries_family(scenario, reach, prefix)).collect()
}

/// Whether the joint and both its circuits carry the family of `net`.
fn carries_family(scenario: &Scenario, reach: usize, net: &IpNet) -> bool {
    let reach = &scenario.global_reaches[reach];
    let mut peerings = reach.circuits.iter().map(|circuit| &scenario.circuits[circuit.index()].private);
    let both = peerings.all(|peering| peering.as_ref().is_some_and(|peering| carries(peering, net)));
    both && (matches!(net, IpNet::V4(_)) || reach.subnet_v6.is_some())
}

/// Prefixes of other sites that `circuit` leads to on `plane`.
pub(super) fn beyond(scenario: &Scenario, wiring: &Wiring, circuit: CircuitId, plane: Plane) -> Vec<IpNet> {
    let joints = wiring.joints.iter().filter(|joint| joint.up && joint.plane == plane);
    let sides = joints.flat_map(|joint| [0, 1].map(|side| Attachment { joint, side }));
    let mine = sides.filter(|attachment| attachment.circuit(scenario) == circuit);
    mine.flat_map(|it| prefixes(scenario, it.joint.reach, [it.far_circuit(scenario), circuit])).collect()
}

/// Whether no gateway is connected to either circuit: then what nobody knows goes over the joint, there being no cloud.
fn has_no_cloud(scenario: &Scenario, circuits: [CircuitId; 2]) -> bool {
    let mut connected = scenario.gateways.iter().flat_map(|gateway| &gateway.circuits);
    !connected.any(|known| circuits.contains(&known.value))
}
