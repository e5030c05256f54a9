//! A network under construction: nodes get ports as links need them, and next hops know their neighbours' addresses.

use std::collections::BTreeMap;

use crate::control::ControlSpec;
use crate::engine::{LinkSpec, Network, Role, RouterSpec};
use crate::id::{NodeId, PortId, VrfId};
use crate::node::{NatSpec, RouterAddresses};
use crate::port::{FaultSpec, GateSpec, PortSpec};
use crate::rng::mix64;
use crate::scenario::Scenario;
use crate::scenario::model::{Sessions, Settings};
use crate::scenario::source::Extent;
use crate::table::{FibBuilder, IngressBuilder, Member, NextHop, Service, SubInterface, TagRule, VlanKey};
use crate::time::{PortSpeed, Span};
use crate::wire::ethernet::Mac;
use ipnet::IpNet;

/// A port of a node.
pub(super) type End = (NodeId, PortId);

/// A network under construction.
pub(super) struct Draft {
    pub(super) network: Network,
    /// Per node, what in the file it is made for.
    pub(super) written: Vec<Extent>,
    /// Whether sessions run.
    pub(super) sessions: Sessions,
    /// Routers, whose tables are built when all of them are known.
    routers: BTreeMap<NodeId, DraftRouter>,
    settings: Settings,
    hash_seed: u64,
    /// What each sending port leads to.
    peers: BTreeMap<End, End>,
}

/// A router under construction.
pub(super) struct DraftRouter {
    pub(super) fib: FibBuilder,
    /// Per VRF, where its ICMP errors come from.
    pub(super) addresses: Vec<RouterAddresses>,
    /// Its control plane, if it has one.
    pub(super) control: Option<Box<ControlSpec>>,
    gate: Option<GateSpec>,
    nat: NatSpec,
}

impl Draft {
    /// Nothing yet.
    pub(super) fn new(scenario: &Scenario, sessions: Sessions) -> Self {
        Draft {
            network: Network { seed: scenario.seed, ..Network::default() },
            written: Vec::new(),
            sessions,
            routers: BTreeMap::new(),
            settings: scenario.settings,
            hash_seed: scenario.settings.hash_seed.unwrap_or(scenario.seed),
            peers: BTreeMap::new(),
        }
    }

    /// A node without ports; a host until it is made a router.
    pub(super) fn node(&mut self, name: String, written: Extent) -> NodeId {
        self.written.push(written);
        self.network.add(name, Role::Host, Vec::new())
    }

    /// A further port of `node`.
    pub(super) fn port(&mut self, node: NodeId, spec: PortSpec) -> End {
        let ports = &mut self.network.nodes[node.index()].ports;
        ports.push(spec);
        (node, PortId(ports.len() as u16 - 1))
    }

    /// A link in one direction.
    pub(super) fn link(&mut self, from: End, to: End, delay: Span, loss_ppb: u32) {
        let faults = FaultSpec { loss_ppb, outages: Vec::new() };
        self.network.links.push(LinkSpec { from, to, delay, faults });
        self.peers.insert(from, to);
    }

    /// A link in each direction.
    pub(super) fn join(&mut self, a: End, b: End, delay: Span, loss_ppb: u32) {
        self.link(a, b, delay, loss_ppb);
        self.link(b, a, delay, loss_ppb);
    }

    /// Makes two ports neighbours on layer 3, whatever carries layer 2 between them.
    pub(super) fn adjacent(&mut self, a: End, b: End) {
        self.peers.insert(a, b);
        self.peers.insert(b, a);
    }

    /// The next hop by `port`: addressed to whatever is at the other end, with these tags.
    pub(super) fn next_hop(&mut self, port: End, mtu: u16, tags: TagRule) -> NextHop {
        let peer = self.peers.get(&port).map_or(Mac::default(), |peer| Mac::local(peer.0.0, peer.1.0));
        let mac = self.network.templates.intern(peer, Mac::local(port.0.0, port.1.0));
        NextHop { mac, mtu, tags, ..NextHop::port(port.1) }
    }

    /// A table with one VRF for `node`, all of whose ports take untagged frames.
    pub(super) fn untagged_table(&self, node: NodeId) -> FibBuilder {
        let mut fib = FibBuilder::new(1);
        for _ in &self.network.nodes[node.index()].ports {
            fib.ingress(&untagged(0));
        }
        fib
    }

    /// Makes a router of `node`.
    pub(super) fn route(&mut self, node: NodeId, fib: FibBuilder, addresses: Vec<RouterAddresses>) {
        let router = DraftRouter { fib, addresses, control: None, gate: None, nat: NatSpec::default() };
        self.routers.insert(node, router);
    }

    /// The router `node`.
    pub(super) fn router(&mut self, node: NodeId) -> &mut DraftRouter {
        self.routers.get_mut(&node).expect("its tables are there")
    }

    /// The control plane of the router `node`, made where it has none.
    pub(super) fn control(&mut self, node: NodeId) -> &mut ControlSpec {
        let seed = mix64(self.network.seed ^ (u64::from(node.0) + 1).rotate_left(32));
        let control = &mut self.router(node).control;
        control.get_or_insert_with(|| Box::new(ControlSpec { seed, ..ControlSpec::default() }))
    }

    /// The routers that have a control plane.
    pub(super) fn controlled(&self) -> impl Iterator<Item = (NodeId, &ControlSpec)> {
        self.routers.iter().filter_map(|(node, router)| Some((*node, router.control.as_deref()?)))
    }

    /// What a sending port leads to.
    pub(super) fn peer(&self, port: End) -> Option<End> {
        self.peers.get(&port).copied()
    }

    /// Puts limits on what leaves the router `node`.
    pub(super) fn gate(&mut self, node: NodeId, gate: Option<GateSpec>) {
        // Its own choice of next hops is by the seed itself.
        let hash_seed = self.seed_of(node).rotate_left(16);
        self.router(node).gate = gate.map(|gate| GateSpec { hash_seed, ..gate });
    }

    /// Gives the router `node` address translation.
    pub(super) fn translate(&mut self, node: NodeId, nat: NatSpec) {
        self.router(node).nat = nat;
    }

    /// The network, with the tables of all routers built.
    pub(super) fn finish(mut self) -> Network {
        for (node, router) in std::mem::take(&mut self.routers) {
            let DraftRouter { mut fib, addresses, control, gate, nat } = router;
            // Routers that spread by the same seed would spread what another left together no further.
            fib.hash_seed(self.seed_of(node));
            let addresses = if self.settings.icmp { addresses } else { Vec::new() };
            let punt_delay = self.settings.punt_delay;
            let spec = RouterSpec { addresses, punt_delay, gate, nat, control, ..RouterSpec::new(fib.build()) };
            self.network.nodes[node.index()].role = Role::Router(Box::new(spec));
        }
        self.network
    }

    fn seed_of(&self, node: NodeId) -> u32 {
        mix64(self.hash_seed ^ (u64::from(node.0) + 1)) as u32
    }
}

/// Adds a route; none without a next hop.
pub(super) fn route<M: Copy + Into<Member>>(fib: &mut FibBuilder, vrf: VrfId, prefix: IpNet, next_hops: &[M]) {
    if !next_hops.is_empty() {
        let set = fib.next_hops(next_hops);
        fib.route(vrf, prefix, set);
    }
}

/// A host's port: what waits for it waits in the host.
pub(super) fn host_port(name: impl Into<String>, speed: PortSpeed) -> PortSpec {
    PortSpec { buffer_octets: None, ..PortSpec::new(name, speed) }
}

/// The queue of each class where a port has `queues`, 1 to 8: with two, control traffic before all other.
pub(super) fn queue_of_class(queues: u8) -> [u8; 8] {
    match queues {
        2 => PortSpec::CONTROL_FIRST,
        _ => std::array::from_fn(|class| (class * usize::from(queues.clamp(1, 8)) / 8) as u8),
    }
}

/// A routed sub-interface for untagged frames.
pub(super) fn untagged(vrf: u16) -> IngressBuilder {
    IngressBuilder::default().sub(VlanKey::Untagged, routed(vrf))
}

/// A sub-interface routed in `vrf`, without labels.
pub(super) fn routed(vrf: u16) -> SubInterface {
    SubInterface { service: Service::Route(VrfId(vrf)), mpls: false, reset_dscp: false }
}
