//! Nodes, ports and links of sites, port pairs, gateways and virtual networks; what they forward is not here.

use super::all_peered;
use super::carrier::Carriers;
use super::draft::{Draft, End, host_port, queue_of_class};
use super::global_reach::{self, Joint};
use super::place::Plane;
use super::public::shared::{self, SharedNat};
use super::public::{self, Public};
use super::sdn::{self, Sdn};
use crate::id::{NodeId, PortId};
use crate::port::{PolicerSpec, Policing, PortSpec};
use crate::scenario::Scenario;
use crate::scenario::model::{
    Admin, Carrier, CircuitId, Encapsulation, Event, EventKind, EventTarget, Gateway, PairId, PairLink, Sessions,
    SiteId, Vnet, VnetId,
};
use crate::time::PortSpeed;

/// A site's nodes.
pub(super) struct SiteNodes {
    pub(super) host: NodeId,
    pub(super) edges: Vec<Edge>,
    /// What translates for both edge routers, between the hosts and them.
    pub(super) nat: Option<SharedNat>,
}

/// A customer edge router.
pub(super) struct Edge {
    pub(super) node: NodeId,
    pub(super) lan: End,
    /// Towards the other edge router of the site, if there are two.
    pub(super) across: Option<End>,
    /// Towards the IPVPNs that the site is a member of.
    pub(super) accesses: Vec<(PairId, End)>,
}

/// One of the two links of a port pair.
pub(super) struct PairConnection {
    pub(super) pair: PairId,
    pub(super) plane: Plane,
    /// The end that has the customer's addresses: the provider's, with an IPVPN.
    pub(super) ce: End,
    pub(super) msee: End,
    /// Whether it passes traffic.
    pub(super) up: bool,
}

/// The link between a Microsoft edge router and a gateway, for one circuit.
pub(super) struct Uplink {
    pub(super) circuit: CircuitId,
    pub(super) gateway: usize,
    pub(super) msee: End,
    pub(super) end: End,
    /// Whether the connection that it continues passes traffic.
    pub(super) up: bool,
}

/// A gateway and its ports towards virtual networks.
pub(super) struct GatewayNode {
    pub(super) place: usize,
    pub(super) node: NodeId,
    pub(super) vnets: Vec<(VnetId, End)>,
}

/// All of it.
pub(super) struct Wiring {
    pub(super) sites: Vec<SiteNodes>,
    pub(super) connections: Vec<PairConnection>,
    pub(super) uplinks: Vec<Uplink>,
    pub(super) gateways: Vec<GatewayNode>,
    /// Per virtual network its hosts, if a gateway leads there.
    pub(super) vnets: Vec<Option<NodeId>>,
    /// The ways back from virtual networks.
    pub(super) returns: Vec<Return>,
    /// Where networks choose among these by destination.
    pub(super) sdns: Vec<Sdn>,
    /// Circuits that are joined, plane by plane.
    pub(super) joints: Vec<Joint>,
    /// What has public addresses.
    pub(super) public: Public,
}

/// The way from a virtual network straight to a Microsoft edge router, for one circuit.
pub(super) struct Return {
    pub(super) vnet: VnetId,
    pub(super) circuit: CircuitId,
    pub(super) plane: Plane,
    /// At the network: at its hosts, or where it chooses by destination.
    pub(super) end: End,
    pub(super) msee: End,
    /// Whether the connection that continues it passes traffic.
    pub(super) up: bool,
    /// The port by which the Microsoft end sends to the hosts (FastPath).
    pub(super) fast: Option<End>,
}

pub(super) fn wire(draft: &mut Draft, scenario: &Scenario, carriers: &mut Carriers) -> Wiring {
    let mut wiring = Wiring {
        sites: (0..scenario.sites.len()).map(|place| site_nodes(draft, scenario, SiteId(place))).collect(),
        connections: Vec::new(),
        uplinks: Vec::new(),
        gateways: Vec::new(),
        vnets: vec![None; scenario.vnets.len()],
        returns: Vec::new(),
        sdns: Vec::new(),
        joints: Vec::new(),
        public: Public::default(),
    };
    for place in 0..scenario.pairs.len() {
        admit_sites(draft, scenario, &mut wiring, carriers, PairId(place));
        for plane in Plane::BOTH {
            let connection = connection(draft, scenario, (&wiring, carriers), PairId(place), plane);
            wiring.connections.push(connection);
        }
    }
    join_lans(draft, scenario, &mut wiring);
    for (place, gateway) in scenario.gateways.iter().enumerate() {
        wire_gateway(draft, scenario, &mut wiring, place, gateway);
    }
    global_reach::wire(draft, scenario, &mut wiring);
    public::wire(draft, scenario, &mut wiring);
    wiring
}

fn site_nodes(draft: &mut Draft, scenario: &Scenario, id: SiteId) -> SiteNodes {
    let site = &scenario.sites[id.index()];
    let host = draft.node(site.name.value.clone(), site.name.at);
    let edges = (1..=site.edges).map(|number| {
        let node = draft.node(format!("{}-ce{number}", site.name.value), site.name.at);
        let lan = draft.port(node, PortSpec::new("lan", site.lan.port));
        Edge { node, lan, across: None, accesses: Vec::new() }
    });
    let edges = edges.collect();
    SiteNodes { host, edges, nat: shared::wire(draft, scenario, id, host) }
}

/// Hosts to edge routers, and edge routers to each other. A host sends by any port that has a link: none leads to an edge router whose connections are all disabled while
/// the other's are not.
fn join_lans(draft: &mut Draft, scenario: &Scenario, wiring: &mut Wiring) {
    let connections = &wiring.connections;
    for (site, nodes) in scenario.sites.iter().zip(&mut wiring.sites) {
        let alive = |edge: &Edge| !edge.accesses.is_empty() || connections.iter().any(|c| c.ce.0 == edge.node && c.up);
        let any = nodes.edges.iter().any(alive);
        for (number, edge) in nodes.edges.iter().enumerate() {
            let is_way = alive(edge) || !any;
            let port = match &mut nodes.nat {
                Some(nat) => nat.join(draft, site, is_way),
                None => draft.port(nodes.host, host_port(format!("ce{}", number + 1), site.lan.port)),
            };
            draft.link(edge.lan, port, site.lan.delay, 0);
            if is_way {
                draft.link(port, edge.lan, site.lan.delay, 0);
            }
        }
        if let [first, second] = &mut nodes.edges[..] {
            let a = draft.port(first.node, PortSpec::new("ce2", site.lan.port));
            let b = draft.port(second.node, PortSpec::new("ce1", site.lan.port));
            draft.join(a, b, site.lan.delay, 0);
            (first.across, second.across) = (Some(a), Some(b));
        }
    }
}

/// Joins the edge routers of all sites of an IPVPN to it.
fn admit_sites(draft: &mut Draft, scenario: &Scenario, wiring: &mut Wiring, carriers: &mut Carriers, id: PairId) {
    let pair = &scenario.pairs[id.index()];
    let Carrier::IpVpn { access, .. } = pair.carrier else { return };
    for site in &pair.sites {
        for (number, edge) in wiring.sites[site.index()].edges.iter_mut().enumerate() {
            let spec = PortSpec {
                queue_of_class: queue_of_class(pair.queues),
                ..PortSpec::new(&pair.name.value, access.port)
            };
            let end = draft.port(edge.node, spec);
            carriers.admit(draft, scenario, id, (site.index(), number), end);
            edge.accesses.push((id, end));
        }
    }
}

fn connection(
    draft: &mut Draft,
    scenario: &Scenario,
    (wiring, carriers): (&Wiring, &mut Carriers),
    id: PairId,
    plane: Plane,
) -> PairConnection {
    let pair = &scenario.pairs[id.index()];
    let link: PairLink = plane.of(pair.primary, pair.secondary);
    let up = link.admin == Admin::Enabled;
    let spec = |name: String, policing: Policing, speed: PortSpeed| PortSpec {
        buffer_octets: Some(pair.buffer_octets),
        queue_of_class: queue_of_class(pair.queues),
        admin_up: up,
        ingress_policing: policing.clone(),
        egress_policing: policing,
        ..PortSpec::new(name, speed)
    };
    let router = |draft: &mut Draft| draft.node(format!("{}-msee{}", pair.name.value, plane.index() + 1), pair.name.at);
    let provider = pair.carrier.provider().map(|provider| &scenario.providers[provider.index()]);
    let speed = provider.map_or(pair.port, |provider| provider.nni.port);
    let msee = PortSpec {
        // What has a port for itself is counted at the port, unless other traffic comes there.
        counts_sub_interfaces: all_peered(scenario, id).len() > 1 || is_congested(scenario, id, plane),
        ..spec("ce".to_owned(), policing(scenario, id), speed)
    };
    if let (Carrier::IpVpn { .. }, Some(provider)) = (&pair.carrier, provider) {
        let ce = carriers.peer(draft, scenario, id, plane);
        let router = router(draft);
        let msee = draft.port(router, msee);
        draft.join(ce, msee, provider.nni.delay, 0);
        return PairConnection { pair: id, plane, ce, msee, up };
    }
    // A layer-2 circuit has one site. With two edge routers each has one link of every pair.
    let edges = &wiring.sites[pair.sites[0].index()].edges;
    let edge = edges.get(plane.index()).unwrap_or(&edges[0]);
    let ce = draft.port(edge.node, spec(format!("{}.{plane}", pair.name.value), Policing::default(), pair.port));
    let router = router(draft);
    let msee = draft.port(router, msee);
    carriers.join(draft, scenario, (id, plane), (ce, msee));
    PairConnection { pair: id, plane, ce, msee, up }
}

/// Whether an event loads the link at Microsoft's port of this plane.
fn is_congested(scenario: &Scenario, id: PairId, plane: Plane) -> bool {
    let here = EventTarget::Connection(id, plane);
    let loads = |event: &Event| event.target.value == here && matches!(event.what, EventKind::Congest { .. });
    scenario.events.iter().any(loads)
}

/// A policer for each circuit of the pair that has a rate limit, on the Microsoft end in both directions: its peerings share
/// the bandwidth (EXPRESSROUTE: circuit peerings).
fn policing(scenario: &Scenario, pair: PairId) -> Policing {
    let mut policing = Policing::default();
    for circuit in scenario.circuits.iter().filter(|circuit| circuit.pair == pair) {
        let Some(limit) = circuit.rate_limit else { continue };
        let mut outer: Vec<u16> = match (scenario.pairs[pair.index()].encapsulation, circuit.s_tag) {
            (Encapsulation::Qinq { .. }, Some(s_tag)) => vec![s_tag.get()],
            _ => circuit.peerings().map(|peering| peering.c_tag.get()).collect(),
        };
        outer.dedup();
        // A scenario holds 64 circuits at the most.
        let place = policing.policers.len() as u8;
        policing.by_vid.extend(outer.into_iter().map(|vid| (vid, place)));
        let rate_bps = circuit.bandwidth_bps.value;
        let threshold_bps = limit.threshold_bps(rate_bps);
        let spec = PolicerSpec { rate_bps, burst_octets: limit.burst_octets, threshold_bps };
        policing.policers.push(spec);
    }
    policing
}

fn wire_gateway(draft: &mut Draft, scenario: &Scenario, wiring: &mut Wiring, place: usize, gateway: &Gateway) {
    let node = draft.node(gateway.name.value.clone(), gateway.name.at);
    for circuit in &gateway.circuits {
        wire_uplinks(draft, scenario, wiring, (place, node), circuit.value);
    }
    let mut vnets = Vec::new();
    for id in &gateway.vnets {
        let vnet = &scenario.vnets[id.index()];
        let host = draft.node(vnet.name.value.clone(), vnet.name.at);
        let port = draft.port(node, PortSpec::new(vnet.name.value.clone(), AZURE_PORT));
        let end = draft.port(host, host_port(gateway.name.value.clone(), AZURE_PORT));
        draft.link(port, end, gateway.delay, 0);
        wiring.vnets[id.index()] = Some(host);
        vnets.push((id.value, port));
        let sdn = sdn::wire(draft, scenario, gateway, id.value, host);
        for circuit in &gateway.circuits {
            wire_return(draft, scenario, wiring, (gateway, id.value, host, sdn.as_ref()), circuit.value);
        }
        wiring.sdns.extend(sdn);
    }
    sdn::join_peers(draft, scenario, gateway, &mut wiring.sdns);
    wiring.gateways.push(GatewayNode { place, node, vnets });
}

/// From both Microsoft edge routers of a circuit to a gateway, and back for what the gateway itself has to say.
fn wire_uplinks(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &mut Wiring,
    (place, node): (usize, NodeId),
    id: CircuitId,
) {
    let (circuit, gateway) = (&scenario.circuits[id.index()], &scenario.gateways[place]);
    let alone = is_alone(scenario, id);
    for connection in wiring.connections.iter().filter(|c| c.pair == circuit.pair) {
        let name =
            if alone { gateway.name.value.clone() } else { format!("{}.{}", gateway.name.value, circuit.name.value) };
        let msee = draft.port(connection.msee.0, PortSpec::new(name, AZURE_PORT));
        let end = draft.port(node, PortSpec::new(far_name(scenario, gateway, id, connection.plane), AZURE_PORT));
        draft.join(msee, end, gateway.delay, 0);
        wiring.uplinks.push(Uplink { circuit: id, gateway: place, msee, end, up: connection.up });
    }
}

/// From a virtual network straight to the Microsoft edge routers of a circuit: the way back does not pass the gateway.
/// There is none to a router whose connection is disabled. With FastPath the router sends to the hosts likewise.
fn wire_return(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &mut Wiring,
    (gateway, vnet, host, sdn): (&Gateway, VnetId, NodeId, Option<&Sdn>),
    id: CircuitId,
) {
    let circuit = &scenario.circuits[id.index()];
    if circuit.private.is_none() {
        return;
    }
    let vnet_name = &scenario.vnets[vnet.index()].name.value;
    let alone = is_alone(scenario, id);
    for connection in wiring.connections.iter().filter(|c| c.pair == circuit.pair) {
        let name = if alone { vnet_name.clone() } else { format!("{vnet_name}.{}", circuit.name.value) };
        let msee = draft.port(connection.msee.0, PortSpec::new(name.clone(), AZURE_PORT));
        let far = far_name(scenario, gateway, id, connection.plane);
        let end = match sdn {
            Some(sdn) => draft.port(sdn.node, PortSpec::new(far.clone(), AZURE_PORT)),
            None => draft.port(host, host_port(far.clone(), AZURE_PORT)),
        };
        let is_live = draft.sessions == Sessions::Live;
        if connection.up || is_live {
            draft.link(end, msee, gateway.delay, 0);
        }
        if is_live {
            // Sessions go both ways.
            draft.link(msee, end, gateway.delay, 0);
        }
        let fast = gateway.fastpath.then(|| {
            let from = match is_live {
                true => draft.port(msee.0, PortSpec::new(format!("{name}.fast"), AZURE_PORT)),
                false => msee,
            };
            let to = if sdn.is_some() { draft.port(host, host_port(far, AZURE_PORT)) } else { end };
            draft.link(from, to, gateway.delay, 0);
            from
        });
        let (plane, up) = (connection.plane, connection.up);
        wiring.returns.push(Return { vnet, circuit: id, plane, end, msee, up, fast });
    }
}

/// Whether no other circuit shares the port pair of this one.
pub(super) fn is_alone(scenario: &Scenario, id: CircuitId) -> bool {
    let pair = scenario.circuits[id.index()].pair;
    scenario.circuits.iter().filter(|circuit| circuit.pair == pair).count() == 1
}

/// What a port towards a Microsoft edge router is called: `msee1`, or `london-msee1` where there are several circuits.
fn far_name(scenario: &Scenario, gateway: &Gateway, id: CircuitId, plane: Plane) -> String {
    let number = plane.index() + 1;
    match gateway.circuits.len() {
        1 => format!("msee{number}"),
        _ => format!("{}-msee{number}", scenario.circuits[id.index()].name.value),
    }
}

/// The port of a node that this end stands for.
pub(super) fn ports_of(draft: &Draft, node: NodeId) -> impl Iterator<Item = PortId> + use<> {
    (0..draft.network.nodes[node.index()].ports.len()).map(|place| PortId(place as u16))
}

/// Speed of links beyond the Microsoft edge. Not a Microsoft figure: wide enough not to limit.
pub(super) const AZURE_PORT: PortSpeed = Vnet::PORT;
