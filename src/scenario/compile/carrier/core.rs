//! A provider's network of label-switching routers, and the label-switched paths between its edges.
//!
//! ```text
//! site edges  pe --- p1a --- p2a --- pe  Microsoft edges     two rows of P routers; each edge is nearer to one of them
//!                \/                \/
//!             pe --- p1b --- p2b --- pe
//! ```

use std::collections::BTreeMap;

use super::path::{Graph, Lsp, Path};
use super::vpn::Member;
use crate::id::{NodeId, VrfId};
use crate::port::PortSpec;
use crate::scenario::compile::draft::{Draft, End};
use crate::scenario::compile::wiring::PairConnection;
use crate::scenario::compile::{CompileOptions, Unrouted};
use crate::scenario::model::{Core, Null, PairId};
use crate::scenario::{Provider, Scenario};
use crate::table::{
    FibBuilder, IngressBuilder, LabelAction, LabelEntry, LabelPush, NextHop, Payload, Service, SubInterface, TagRule,
    VlanKey,
};
use crate::wire::mpls::{IPV4_EXPLICIT_NULL, Label};

/// A provider's network while circuits ask for it.
pub(super) struct CoreNet {
    pub(super) provider: usize,
    pub(super) core: Core,
    pub(super) routers: Vec<Router>,
    graph: Graph,
    /// By the number of a link, its two ends with their routers.
    links: Vec<[(usize, End); 2]>,
    /// The rows of P routers, once there is an edge.
    rows: Option<[Vec<usize>; 2]>,
    edges: BTreeMap<Edge, usize>,
    /// Paths by their ends, each with its number.
    lsps: BTreeMap<(usize, usize), (u32, Path)>,
    /// Service labels given so far.
    services: u32,
    /// Pseudowires and their attachments; members of the VPN.
    pub(super) wires: Vec<super::ethernet::Wire>,
    pub(super) members: Vec<Member>,
}

/// A provider edge: of a site, or towards Microsoft for a port pair; number 0 is nearer to row a, 1 to row b.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Edge {
    Site(usize, usize),
    Microsoft(PairId, usize),
}

/// A router of the network.
pub(super) struct Router {
    pub(super) node: NodeId,
    /// Receiving sides of its ports, in order.
    pub(super) ingress: Vec<IngressBuilder>,
    pub(super) fib: FibBuilder,
}

/// Where sites' packets are looked up; where those that came from Microsoft are. The label tables are of all.
pub(super) const FROM_SITE: VrfId = VrfId(1);
pub(super) const FROM_CLOUD: VrfId = VrfId(2);

/// Metric of a link within a row or to the nearer row, and of one from a site's edge to the other row. From Microsoft's
/// edges that is twice as far: what goes to a plane's edge goes along the plane's row.
const NEAR: u32 = 10;
const FAR: u32 = 50;
/// Transport labels: 16 for each path, so that a trace shows which path and which hop.
const FIRST_TRANSPORT: u32 = 16_000;
/// Labels of pseudowires and VPNs.
const FIRST_SERVICE: u32 = 500_000;

impl CoreNet {
    pub(super) fn new(scenario: &Scenario, provider: usize) -> Self {
        CoreNet {
            provider,
            core: scenario.providers[provider].core,
            routers: Vec::new(),
            graph: Graph::default(),
            links: Vec::new(),
            rows: None,
            edges: BTreeMap::new(),
            lsps: BTreeMap::new(),
            services: 0,
            wires: Vec::new(),
            members: Vec::new(),
        }
    }

    /// The router that is this edge, made and joined to both rows where it is new.
    pub(super) fn edge(&mut self, draft: &mut Draft, scenario: &Scenario, edge: Edge) -> usize {
        if let Some(&router) = self.edges.get(&edge) {
            return router;
        }
        let provider = &scenario.providers[self.provider];
        let (name, number, is_site) = match edge {
            Edge::Site(site, number) => (&scenario.sites[site].name.value, number, true),
            Edge::Microsoft(pair, number) => (&scenario.pairs[pair.index()].name.value, number, false),
        };
        let rows = self.rows(draft, provider);
        let router = self.router(draft, provider, &format!("pe-{name}{}", number + 1), false);
        let ends = rows.each_ref().map(|row| if is_site { row.first() } else { row.last() });
        if let [Some(&a), Some(&b)] = ends {
            let far = if is_site { FAR } else { 2 * FAR };
            self.join(draft, router, a, if number == 0 { NEAR } else { far });
            self.join(draft, router, b, if number == 1 { NEAR } else { far });
        } else {
            // Without P routers the edges are joined to each other.
            let others: Vec<usize> = self.edges.values().copied().collect();
            others.into_iter().for_each(|other| self.join(draft, router, other, NEAR));
        }
        self.edges.insert(edge, router);
        router
    }

    fn rows(&mut self, draft: &mut Draft, provider: &Provider) -> [Vec<usize>; 2] {
        if let Some(rows) = &self.rows {
            return rows.clone();
        }
        let rows = ["a", "b"].map(|row| {
            let routers = (1..=self.core.hops).map(|hop| self.router(draft, provider, &format!("p{hop}{row}"), true));
            let routers: Vec<usize> = routers.collect();
            routers.windows(2).for_each(|pair| self.join(draft, pair[0], pair[1], NEAR));
            routers
        });
        self.rows = Some(rows.clone());
        rows
    }

    fn router(&mut self, draft: &mut Draft, provider: &Provider, name: &str, transit: bool) -> usize {
        let node = draft.node(format!("{}-{name}", provider.name.value), provider.name.at);
        let mut fib = FibBuilder::new(3);
        fib.null_model(self.core.ttl);
        self.routers.push(Router { node, ingress: Vec::new(), fib });
        self.graph.add(transit)
    }

    fn join(&mut self, draft: &mut Draft, a: usize, b: usize, metric: u32) {
        let name = |draft: &Draft, of: &Router| draft.network.nodes[of.node.index()].name.clone();
        let labelled = SubInterface { service: Service::Route(VrfId(0)), mpls: true, reset_dscp: false };
        let [a_end, b_end] = [(a, b), (b, a)].map(|(of, other)| {
            let far = name(draft, &self.routers[other]);
            let near = name(draft, &self.routers[of]);
            // The provider's name before both is left out.
            let common = near.bytes().zip(far.bytes()).take_while(|(a, b)| a == b).count();
            let start = far[..common].rfind('-').map_or(0, |dash| dash + 1);
            let spec =
                PortSpec { queue_of_class: PortSpec::CONTROL_FIRST, ..PortSpec::new(&far[start..], self.core.port) };
            self.port(draft, of, spec, IngressBuilder::default().sub(VlanKey::Untagged, labelled))
        });
        draft.join(a_end, b_end, self.core.delay, 0);
        self.graph.join(a, b, metric);
        self.links.push([(a, a_end), (b, b_end)]);
    }

    /// A further port of a router, and its receiving side.
    pub(super) fn port(&mut self, draft: &mut Draft, router: usize, spec: PortSpec, ingress: IngressBuilder) -> End {
        let Router { node, ingress: all, .. } = &mut self.routers[router];
        all.push(ingress);
        draft.port(*node, spec)
    }

    /// A label for a service, of the router that takes it.
    pub(super) fn service_label(&mut self) -> Label {
        self.services += 1;
        Label::new(FIRST_SERVICE + self.services - 1).expect("there are fewer services than labels")
    }

    /// The next hop from one edge to another with `service` beneath the transport label.
    pub(super) fn towards(&mut self, draft: &mut Draft, from: usize, to: usize, service: Label) -> NextHop {
        let (number, path) = self.lsp(draft, from, to);
        let transport = match (path.links.len(), self.core.null) {
            (1, Null::Implicit) => None,
            (1, Null::Explicit) => Some(IPV4_EXPLICIT_NULL),
            _ => Some(transport_label(number, 1)),
        };
        let labels: Vec<u32> = transport.into_iter().chain([service.get()]).collect();
        let mut push = LabelPush::new(&labels).expect("two labels can be pushed");
        // Neighbours have one link, and no transport label for an entropy label to go beneath.
        (push.ttl, push.entropy) = (self.core.ttl, self.core.entropy && transport.is_some());
        NextHop { push, ..self.hop(draft, path.links[0], from) }
    }

    /// The path between two edges, its labels set up where it is new.
    fn lsp(&mut self, draft: &mut Draft, from: usize, to: usize) -> (u32, Path) {
        if let Some(known) = self.lsps.get(&(from, to)) {
            return known.clone();
        }
        let path = self.graph.path(from, to).expect("the edges of a provider are joined");
        let number = self.lsps.len() as u32;
        self.lsps.insert((from, to), (number, path.clone()));
        let last = path.routers.len() - 1;
        for hop in 1..last {
            let router = path.routers[hop];
            let plain = self.hop(draft, path.links[hop], router);
            let push = match (hop + 1 == last, self.core.null) {
                (true, Null::Implicit) => None,
                (true, Null::Explicit) => Some(IPV4_EXPLICIT_NULL),
                (false, _) => Some(transport_label(number, hop + 1)),
            };
            let fib = &mut self.routers[router].fib;
            let action = match push {
                Some(label) => {
                    let push = LabelPush::new(&[label]).expect("one label can be pushed");
                    LabelAction::Swap(fib.next_hops(&[NextHop { push, ..plain }]))
                }
                None => LabelAction::Pop { payload: Payload::Labels, next_hops: fib.next_hops(&[plain]) },
            };
            let label = Label::new(transport_label(number, hop)).expect("paths are fewer than labels");
            fib.label(label, LabelEntry { action, model: self.core.ttl });
        }
        (number, path)
    }

    /// Out of `router` by a link.
    fn hop(&self, draft: &mut Draft, link: usize, router: usize) -> NextHop {
        let ends = self.links[link];
        let end = if ends[0].0 == router { ends[0].1 } else { ends[1].1 };
        draft.next_hop(end, self.core.mtu, TagRule::UNTAGGED)
    }

    /// Fills in all tables.
    pub(super) fn configure(
        mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        connections: &[PairConnection],
        options: CompileOptions,
    ) -> Vec<Lsp> {
        self.connect_wires(draft, scenario);
        let to_anywhere = options.unrouted == Unrouted::Cloud;
        self.route_members(draft, scenario, connections, to_anywhere);
        let nodes: Vec<NodeId> = self.routers.iter().map(|router| router.node).collect();
        let named = |path: &Path| path.routers.iter().map(|&router| nodes[router]).collect::<Vec<_>>();
        let lsps = self.lsps.values().map(|(_, primary)| {
            let backup = self.graph.backup(primary).map(|(path, disjoint)| (named(&path), disjoint));
            Lsp { primary: named(primary), backup }
        });
        let lsps = lsps.collect();
        for Router { node, ingress, mut fib } in self.routers {
            for port in &ingress {
                fib.ingress(port);
            }
            draft.route(node, fib, Vec::new());
        }
        lsps
    }
}

/// The label of a path at its routers, the first of which is the ingress edge and has none.
const fn transport_label(path: u32, hop: usize) -> u32 {
    FIRST_TRANSPORT + 16 * path + hop as u32
}
