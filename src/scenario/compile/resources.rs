//! The Azure resources of a network, and the ports at which each is measured; it counts no frame.

use super::carries;
use super::draft::{Draft, End};
use super::place::Plane;
use super::wiring::Wiring;
use super::{all_peered, gateway, global_reach, peered};
use crate::id::NodeId;
use crate::scenario::Scenario;
use crate::scenario::fastpath::{self, FastPrefix};
use crate::scenario::model::{Carrier, Circuit, CircuitId, PairId};
use std::fmt;

/// All resources that have metrics, each kind in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Circuits.
    pub circuits: Vec<CircuitResource>,
    /// Port pairs of ExpressRoute Direct.
    pub ports: Vec<PortsResource>,
    /// Virtual network gateways.
    pub gateways: Vec<GatewayResource>,
}

/// A circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitResource {
    /// Its name.
    pub name: String,
    /// Bandwidth of each of its connections, in bits per second.
    pub bandwidth_bps: u64,
    /// Its peerings.
    pub peerings: Vec<PeeringResource>,
    /// The circuits that Global Reach joins it with.
    pub reaches: Vec<ReachResource>,
    /// Prefixes that FastPath takes.
    pub fastpath_routes: u64,
}

/// What a peering is for, by the name that Azure has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeeringType {
    /// Virtual networks.
    AzurePrivatePeering,
    /// Public services.
    MicrosoftPeering,
}

impl fmt::Display for PeeringType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeeringType::AzurePrivatePeering => f.write_str("AzurePrivatePeering"),
            PeeringType::MicrosoftPeering => f.write_str("MicrosoftPeering"),
        }
    }
}

/// A peering of a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringResource {
    /// What it is for.
    pub kind: PeeringType,
    /// Microsoft's end of each plane.
    pub ends: Vec<PeeringEnd>,
}

/// Microsoft's end of a peering on one plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeeringEnd {
    /// The plane.
    pub plane: Plane,
    /// The port.
    pub port: End,
    /// Its sub-interface, where the port has those of several peerings; `None` if all that the port takes is this one's.
    pub sub_interface: Option<usize>,
}

/// A circuit at the other end of Global Reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachResource {
    /// Its name.
    pub peer: String,
    /// The ports towards it, of this circuit's edge routers.
    pub ports: Vec<End>,
}

/// A port pair of ExpressRoute Direct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortsResource {
    /// The circuit that it is written with.
    pub name: String,
    /// Microsoft's port of `link1`, then that of `link2`.
    pub links: Vec<End>,
    /// Prefixes that FastPath takes for any of its circuits, each counted once, as its limit counts them.
    pub fastpath_routes: u64,
}

/// A virtual network gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayResource {
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: NodeId,
    /// Its connections to circuits.
    pub connections: Vec<GatewayConnection>,
    /// Its BGP sessions.
    pub sessions: Vec<GatewaySession>,
}

/// A connection of a gateway to a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConnection {
    /// The circuit, by whose name the connection goes.
    pub circuit: String,
    /// Ports of the circuit's Microsoft edge routers: towards the gateway, and towards its networks.
    pub ports: Vec<End>,
}

/// A BGP session of a gateway with a Microsoft edge router, for one circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySession {
    /// The circuit's connection that ends at the router: `london.primary`.
    pub peer: String,
    /// Prefixes of sites that the gateway has from it.
    pub learned: u64,
    /// Prefixes of virtual networks that it has from the gateway.
    pub advertised: u64,
}

/// The resources of a scenario.
pub(super) fn of(draft: &Draft, scenario: &Scenario, wiring: &Wiring) -> Resources {
    let circuits = (0..scenario.circuits.len()).map(|place| circuit(draft, scenario, wiring, CircuitId(place)));
    let pairs = (0..scenario.pairs.len()).map(PairId);
    let direct = pairs.filter(|id| scenario.pairs[id.index()].carrier == Carrier::Direct);
    Resources {
        circuits: circuits.collect(),
        ports: direct.map(|id| ports(scenario, wiring, id)).collect(),
        gateways: (0..wiring.gateways.len()).map(|place| gateway(scenario, wiring, place)).collect(),
    }
}

fn circuit(draft: &Draft, scenario: &Scenario, wiring: &Wiring, id: CircuitId) -> CircuitResource {
    let Circuit { name, pair, bandwidth_bps, .. } = &scenario.circuits[id.index()];
    // Sub-interfaces are in this order.
    let own = all_peered(scenario, *pair).into_iter().enumerate().filter(|(_, peered)| peered.id == id);
    let peerings = own.map(|(place, peered)| {
        let ends = wiring.connections.iter().filter(|connection| connection.pair == *pair).map(|connection| {
            let shared = draft.network.port(connection.msee).counts_sub_interfaces;
            PeeringEnd { plane: connection.plane, port: connection.msee, sub_interface: shared.then_some(place) }
        });
        let kind = match peered.microsoft {
            None => PeeringType::AzurePrivatePeering,
            Some(_) => PeeringType::MicrosoftPeering,
        };
        PeeringResource { kind, ends: ends.collect() }
    });
    let mut reaches: Vec<ReachResource> = Vec::new();
    for (peer, port) in global_reach::of(scenario, wiring, id) {
        let peer = &scenario.circuits[peer.index()].name.value;
        match reaches.iter_mut().find(|reach| reach.peer == *peer) {
            Some(reach) => reach.ports.push(port),
            None => reaches.push(ReachResource { peer: peer.clone(), ports: vec![port] }),
        }
    }
    CircuitResource {
        name: name.value.clone(),
        bandwidth_bps: bandwidth_bps.value,
        peerings: peerings.collect(),
        reaches,
        fastpath_routes: fast(scenario, id).len() as u64,
    }
}

/// Prefixes that FastPath takes for one circuit.
fn fast(scenario: &Scenario, id: CircuitId) -> Vec<FastPrefix> {
    let Some(peering) = &scenario.circuits[id.index()].private else { return Vec::new() };
    let mine = |fast: &FastPrefix| {
        let leads = |gateway: &&crate::scenario::Gateway| {
            let joins = gateway.circuits.iter().any(|circuit| circuit.value == id);
            gateway.fastpath && joins && gateway.vnets.iter().any(|vnet| vnet.value == fast.vnet)
        };
        fast.is_taken && carries(peering, &fast.prefix) && scenario.gateways.iter().any(|gateway| leads(&gateway))
    };
    fastpath::prefixes(scenario, id).into_iter().filter(mine).collect()
}

fn ports(scenario: &Scenario, wiring: &Wiring, id: PairId) -> PortsResource {
    let mut taken: Vec<FastPrefix> = Vec::new();
    for (circuit, ..) in peered(scenario, id) {
        for prefix in fast(scenario, circuit) {
            if !taken.contains(&prefix) {
                taken.push(prefix);
            }
        }
    }
    let links = wiring.connections.iter().filter(|connection| connection.pair == id);
    PortsResource {
        name: scenario.pairs[id.index()].name.value.clone(),
        links: links.map(|connection| connection.msee).collect(),
        fastpath_routes: taken.len() as u64,
    }
}

fn gateway(scenario: &Scenario, wiring: &Wiring, place: usize) -> GatewayResource {
    let node = &wiring.gateways[place];
    let written = &scenario.gateways[node.place];
    let connections = written.circuits.iter().map(|id| {
        let uplinks = wiring.uplinks.iter().filter(|up| (up.gateway, up.circuit) == (node.place, id.value));
        let behind = |vnet| written.vnets.iter().any(|known| known.value == vnet);
        let returns = wiring.returns.iter().filter(|way| way.circuit == id.value && behind(way.vnet));
        GatewayConnection {
            circuit: scenario.circuits[id.index()].name.value.clone(),
            ports: uplinks.map(|up| up.msee).chain(returns.map(|way| way.fast.unwrap_or(way.msee))).collect(),
        }
    });
    let sessions = wiring.uplinks.iter().filter(|up| up.gateway == node.place).map(|up| {
        let circuit = &scenario.circuits[up.circuit.index()];
        let plane = wiring.connections.iter().find(|connection| connection.msee.0 == up.msee.0);
        let plane = plane.expect("an uplink continues a connection").plane;
        GatewaySession {
            peer: format!("{}.{plane}", circuit.name.value),
            learned: gateway::learned(scenario, up),
            advertised: gateway::advertised(scenario, up),
        }
    });
    GatewayResource {
        name: written.name.value.clone(),
        node: node.node,
        connections: connections.collect(),
        sessions: sessions.collect(),
    }
}
