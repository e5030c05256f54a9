//! The network that an engine runs: nodes, ports and links as plain data; what a scenario compiles to.

use crate::control::ControlSpec;
use crate::frame::Templates;
use crate::id::{LinkId, NodeId, PortId};
use crate::node::{NatSpec, RouterAddresses};
use crate::port::{FaultSpec, GateSpec, PortSpec};
use crate::table::Fib;
use crate::time::{Instant, MIN_FRAME_OCTETS, Span};

/// A network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Routers and hosts.
    pub nodes: Vec<NodeSpec>,
    /// Links, one direction each.
    pub links: Vec<LinkSpec>,
    /// Interned MAC addresses, and the shared bodies of generated streams.
    pub templates: Templates,
    /// The seed of all that is random.
    pub seed: u64,
    /// Control planes do nothing from here on, so that a run comes to an end; `None`: they never end.
    pub control_until: Option<Instant>,
    /// When the tables of control planes are looked at: see [`NodeOutcome::tables`](super::NodeOutcome::tables).
    pub look_at: Option<Instant>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name, unique in the network.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its ports; [`PortId`] is the place here.
    pub ports: Vec<PortSpec>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Role {
    /// It forwards: CE, PE, P, MSEE and gateway are configurations of it.
    Router(Box<RouterSpec>),
    /// It offers and takes: a site's or a VNet's hosts. What arrives is delivered. What it offers leaves by one of its
    /// ports, chosen by flow hash, unless the source names one.
    Host,
}

/// A router's configuration.
#[derive(Clone, Debug)]
pub struct RouterSpec {
    /// Its tables; `Fib::ingress` has an entry for each port.
    pub fib: Fib,
    /// Per VRF, the addresses that its ICMP errors come from; without one it sends none.
    pub addresses: Vec<RouterAddresses>,
    /// From the punt of a frame to what the slow path makes of it; above zero.
    pub punt_delay: Span,
    /// What limits, together, all that leaves by some of its ports.
    pub gate: Option<GateSpec>,
    /// Its address translation; no pool if it has none.
    pub nat: NatSpec,
    /// Its control plane, if it has one.
    pub control: Option<Box<ControlSpec>>,
}

impl RouterSpec {
    /// A router with the tables `fib` and nothing else: it sends no ICMP errors, limits and translates nothing, has no
    /// control plane, and the delay of its slow path is [`DEFAULT_PUNT_DELAY`].
    pub fn new(fib: Fib) -> Self {
        RouterSpec {
            fib,
            addresses: Vec::new(),
            punt_delay: DEFAULT_PUNT_DELAY,
            gate: None,
            nat: NatSpec::default(),
            control: None,
        }
    }
}

/// The delay from a punt to its result, unless said.
pub const DEFAULT_PUNT_DELAY: Span = Span::from_us(20);

/// The least delay of a link: 20 m of fibre.
pub const MIN_LINK_DELAY: Span = Span::from_ns(100);

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct LinkSpec {
    /// The sending end.
    pub from: (NodeId, PortId),
    /// The receiving end.
    pub to: (NodeId, PortId),
    /// From the last bit leaving to the last bit arriving; at least [`MIN_LINK_DELAY`].
    pub delay: Span,
    /// Loss and outages.
    pub faults: FaultSpec,
}

impl Network {
    /// Adds a node.
    pub fn add(&mut self, name: impl Into<String>, role: Role, ports: Vec<PortSpec>) -> NodeId {
        self.nodes.push(NodeSpec { name: name.into(), role, ports });
        NodeId(self.nodes.len() as u16 - 1)
    }

    /// Joins two ports by a link in each direction; the one from `a` to `b` comes first.
    pub fn join(&mut self, a: (NodeId, PortId), b: (NodeId, PortId), delay: Span) -> [LinkId; 2] {
        [(a, b), (b, a)].map(|(from, to)| {
            self.links.push(LinkSpec { from, to, delay, faults: FaultSpec::default() });
            LinkId(self.links.len() as u16 - 1)
        })
    }

    /// Puts a host in the place of the sender of what arrives at `at`, so that frames enter as if from the wire there; the
    /// port that fed it is left without a link. A port that nothing feeds gets a link of its own.
    pub fn inject(&mut self, at: (NodeId, PortId)) -> NodeId {
        let name = format!("into-{}", self.port_name(at));
        let speed = match self.links.iter().find(|link| link.to == at) {
            Some(link) => self.port(link.from).speed,
            None => self.port(at).speed,
        };
        let port = PortSpec { buffer_octets: None, ..PortSpec::new("out", speed) };
        let host = self.add(name, Role::Host, vec![port]);
        let from = (host, PortId(0));
        match self.links.iter_mut().find(|link| link.to == at) {
            Some(link) => link.from = from,
            None => {
                self.links.push(LinkSpec { from, to: at, delay: MIN_LINK_DELAY, faults: FaultSpec::default() });
            }
        }
        host
    }

    /// The node called `name`.
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.name == name).map(|place| NodeId(place as u16))
    }

    /// A port.
    pub fn port(&self, (node, port): (NodeId, PortId)) -> &PortSpec {
        &self.nodes[node.index()].ports[port.index()]
    }

    /// `node:port`, as people name a port.
    pub fn port_name(&self, at: (NodeId, PortId)) -> String {
        format!("{}:{}", self.nodes[at.0.index()].name, self.port(at).name)
    }

    /// Whether any router has a control plane.
    pub fn has_control(&self) -> bool {
        let has = |node: &NodeSpec| matches!(&node.role, Role::Router(router) if router.control.is_some());
        self.nodes.iter().any(has)
    }

    /// Whether the control plane of the port's node watches the port, which may then go down in a run.
    pub fn is_watched(&self, (node, port): (NodeId, PortId)) -> bool {
        let Role::Router(router) = &self.nodes[node.index()].role else { return false };
        router.control.as_ref().is_some_and(|control| control.ports.iter().any(|watched| watched.port == port))
    }

    /// How long after a frame's start at the sending end it arrives at the soonest: what the receiver may rely on.
    pub fn lookahead(&self, link: &LinkSpec) -> Span {
        link.delay + self.port(link.from).speed.wire_time(MIN_FRAME_OCTETS)
    }

    /// What makes the network impossible to run, in words; an empty list if nothing does.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fed = std::collections::BTreeSet::new();
        let mut feeding = std::collections::BTreeSet::new();
        for (place, link) in self.links.iter().enumerate() {
            if link.delay < MIN_LINK_DELAY {
                faults.push(format!("link {place} has a delay under {MIN_LINK_DELAY}"));
            }
            if !fed.insert(link.to) || !feeding.insert(link.from) {
                faults.push(format!("link {place} shares a port with another link"));
            }
        }
        for node in &self.nodes {
            if let Role::Router(router) = &node.role {
                if router.punt_delay == Span::ZERO {
                    faults.push(format!("router {} has no punt delay", node.name));
                }
                if (0..node.ports.len()).any(|port| router.fib.ingress(port).is_none()) {
                    faults.push(format!("router {} has a port without an ingress table", node.name));
                }
            }
            if matches!(node.role, Role::Host) && node.ports.iter().any(|port| port.queues() > 1) {
                faults.push(format!("host {} has a port with several queues: it waits for its port", node.name));
            }
            if node.ports.len() > crate::engine::MAX_PORTS {
                faults.push(format!("node {} has over {} ports", node.name, crate::engine::MAX_PORTS));
            }
        }
        faults
    }
}
