//! A provider's network of label-switching routers, and the label-switched paths between its edges.
//!
//! ```text
//! site edges  pe --- p1a --- p2a --- pe  Microsoft edges     two rows of P routers; each edge is nearer to one of them
//!                \/                \/
//!             pe --- p1b --- p2b --- pe
//! ```

use std::collections::BTreeMap;

use super::path::{Disjoint, Lsp, paths};
use super::repair::Repair;
use super::vpn::{Member, VpnEdge};
use crate::control::Towards;
use crate::control::protection::{LspSpec, Path, Topology};
use crate::id::{NodeId, VrfId};
use crate::port::PortSpec;
use crate::scenario::compile::draft::{Draft, End};
use crate::scenario::compile::wiring::Wiring;
use crate::scenario::compile::{CompileOptions, Unrouted};
use crate::scenario::model::{Core, CoreGraph, CoreLink, Null, PairId};
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
    pub(super) graph: Topology,
    /// By the number of a link, its two ends with their routers.
    pub(super) links: Vec<[(usize, End); 2]>,
    /// Whether the P routers are there, which they are once there is an edge.
    is_laid: bool,
    edges: BTreeMap<Edge, usize>,
    /// Paths by their ends.
    pub(super) lsps: BTreeMap<(usize, usize), Paths>,
    /// What the service labels are of that were given so far.
    services: Vec<String>,
    /// Pseudowires and their attachments; members of the VPN.
    pub(super) wires: Vec<super::ethernet::Wire>,
    pub(super) members: Vec<Member>,
    pub(super) repair: Repair,
}

/// The paths from one edge to another.
pub(super) struct Paths {
    /// The first of them is 0.
    pub(super) number: u32,
    pub(super) primary: Path,
    pub(super) backup: Option<(Path, Disjoint)>,
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
    /// Its name within the provider.
    pub(super) name: String,
    /// Receiving sides of its ports, in order.
    pub(super) ingress: Vec<IngressBuilder>,
    pub(super) fib: FibBuilder,
}

/// Metric of a link within a row or to the nearer row, and of one from a site's edge to the other row. From Microsoft's
/// edges that is twice as far: what goes to a plane's edge goes along the plane's row.
const NEAR: u32 = 10;
const FAR: u32 = 50;
/// Transport labels: 16 for each path, so that a trace shows which path and which hop.
pub(super) const FIRST_TRANSPORT: u32 = 16_000;
/// Labels of pseudowires and VPNs.
const FIRST_SERVICE: u32 = 500_000;

impl CoreNet {
    pub(super) fn new(scenario: &Scenario, provider: usize) -> Self {
        CoreNet {
            provider,
            core: scenario.providers[provider].core.clone(),
            routers: Vec::new(),
            graph: Topology::default(),
            links: Vec::new(),
            is_laid: false,
            edges: BTreeMap::new(),
            lsps: BTreeMap::new(),
            services: Vec::new(),
            wires: Vec::new(),
            members: Vec::new(),
            repair: Repair::default(),
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
        if !self.is_laid {
            self.lay(draft, provider);
            self.is_laid = true;
        }
        let router = self.router(draft, provider, &format!("pe-{name}{}", number + 1), false);
        let link = |metric| CoreLink { metric, between: [0; 2], delay: self.core.delay, port: self.core.port };
        let (near, far) = (link(NEAR), link(if is_site { FAR } else { 2 * FAR }));
        match self.ends(name, is_site) {
            Some([a, b]) if a == b => self.join(draft, router, a, near),
            Some([a, b]) => {
                self.join(draft, router, a, if number == 0 { near } else { far });
                self.join(draft, router, b, if number == 1 { near } else { far });
            }
            // Without P routers the edges are joined to each other.
            None => {
                let others: Vec<usize> = self.edges.values().copied().collect();
                others.into_iter().for_each(|other| self.join(draft, router, other, near));
            }
        }
        self.edges.insert(edge, router);
        router
    }

    /// The P routers and their links.
    fn lay(&mut self, draft: &mut Draft, provider: &Provider) {
        match self.core.graph.clone() {
            CoreGraph::Rows(hops) => {
                let near = CoreLink { metric: NEAR, between: [0; 2], delay: self.core.delay, port: self.core.port };
                for row in ["a", "b"] {
                    let routers = (1..=hops).map(|hop| self.router(draft, provider, &format!("p{hop}{row}"), true));
                    let routers: Vec<usize> = routers.collect();
                    routers.windows(2).for_each(|pair| self.join(draft, pair[0], pair[1], near));
                }
            }
            CoreGraph::Written { routers, links, .. } => {
                // The first routers, so that their places are those of the list.
                for router in &routers {
                    self.router(draft, provider, &router.value, true);
                }
                links.into_iter().for_each(|link| self.join(draft, link.between[0], link.between[1], link));
            }
        }
    }

    /// The P routers that the edges of a site or a circuit are joined to; none where there are none.
    fn ends(&self, name: &str, is_site: bool) -> Option<[usize; 2]> {
        match &self.core.graph {
            CoreGraph::Rows(0) => None,
            CoreGraph::Rows(hops) => {
                // One row after the other; sites are at their beginnings, Microsoft at their ends.
                let hops = usize::from(*hops);
                Some(if is_site { [0, hops] } else { [hops - 1, 2 * hops - 1] })
            }
            CoreGraph::Written { edges, .. } => {
                edges.iter().find(|(known, _)| known.value == name).map(|(_, routers)| *routers)
            }
        }
    }

    fn router(&mut self, draft: &mut Draft, provider: &Provider, name: &str, transit: bool) -> usize {
        let node = draft.node(format!("{}-{name}", provider.name.value), provider.name.at);
        let mut fib = FibBuilder::new(3);
        fib.null_model(self.core.ttl);
        self.routers.push(Router { node, name: name.to_owned(), ingress: Vec::new(), fib });
        self.graph.add(transit)
    }

    fn join(&mut self, draft: &mut Draft, a: usize, b: usize, link: CoreLink) {
        let labelled = SubInterface { service: Service::Route(VrfId(0)), mpls: true, reset_dscp: false };
        let [a_end, b_end] = [(a, b), (b, a)].map(|(of, other)| {
            let far = &self.routers[other].name;
            // Of parallel links the second one's ports have a number.
            let parallel = self.links.iter().filter(|ends| [(a, b), (b, a)].contains(&(ends[0].0, ends[1].0))).count();
            let name = if parallel == 0 { far.clone() } else { format!("{far}.{}", parallel + 1) };
            let spec = PortSpec::new(name, link.port);
            let spec = PortSpec { queue_of_class: PortSpec::CONTROL_FIRST, ..spec };
            self.port(draft, of, spec, IngressBuilder::default().sub(VlanKey::Untagged, labelled))
        });
        draft.join(a_end, b_end, link.delay, 0);
        self.graph.join(a, b, link.metric);
        self.links.push([(a, a_end), (b, b_end)]);
    }

    /// A further port of a router, and its receiving side.
    pub(super) fn port(&mut self, draft: &mut Draft, router: usize, spec: PortSpec, ingress: IngressBuilder) -> End {
        let Router { node, ingress: all, .. } = &mut self.routers[router];
        all.push(ingress);
        draft.port(*node, spec)
    }

    /// A label for a service, of the router that takes it, and what it is of.
    pub(super) fn service_label(&mut self, of: String) -> Label {
        self.services.push(of);
        Label::new(FIRST_SERVICE + self.services.len() as u32 - 1).expect("there are fewer services than labels")
    }

    /// The next hop from one edge to another with `service` beneath the transport label; without, for the edge itself.
    pub(super) fn towards(&mut self, draft: &mut Draft, from: usize, to: usize, service: Option<Label>) -> Towards {
        let (number, path) = self.lsp(draft, from, to);
        let transport = match (path.links.len(), self.core.null) {
            (1, Null::Implicit) => None,
            (1, Null::Explicit) => Some(IPV4_EXPLICIT_NULL),
            _ => Some(transport_label(number, 1)),
        };
        let labels: Vec<u32> = transport.into_iter().chain(service.map(Label::get)).collect();
        let mut push = LabelPush::new(&labels).expect("two labels can be pushed");
        // Neighbours have one link, and no transport label for an entropy label to go beneath.
        (push.ttl, push.entropy) = (self.core.ttl, self.core.entropy && transport.is_some());
        let next_hop = NextHop { push, ..self.hop(draft, path.links[0], from) };
        self.head(draft, (from, to, service), path.links[0], next_hop)
    }

    /// The path between two edges, its labels set up where it is new.
    fn lsp(&mut self, draft: &mut Draft, from: usize, to: usize) -> (u32, Path) {
        if let Some(known) = self.lsps.get(&(from, to)) {
            return (known.number, known.primary.clone());
        }
        let (path, backup) = paths(&self.graph, from, to).expect("the edges of a provider are joined");
        let number = self.lsps.len() as u32;
        self.lsps.insert((from, to), Paths { number, primary: path.clone(), backup });
        let last = path.routers.len() - 1;
        for hop in 1..last {
            let router = path.routers[hop];
            let plain = self.hop(draft, path.links[hop], router);
            let push = match (hop + 1 == last, self.core.null) {
                (true, Null::Implicit) => None,
                (true, Null::Explicit) => Some(IPV4_EXPLICIT_NULL),
                (false, _) => Some(transport_label(number, hop + 1)),
            };
            let labels = LabelPush::new(push.as_slice()).expect("one label can be pushed");
            let next_hop = self.protect(draft, router, path.links[hop], NextHop { push: labels, ..plain });
            let fib = &mut self.routers[router].fib;
            let next_hops = fib.next_hops(&[next_hop]);
            let action = match push {
                Some(_) => LabelAction::Swap(next_hops),
                // A service's label lies beneath, or what is for the edge itself.
                None => LabelAction::Pop { payload: Payload::Ipv4, next_hops },
            };
            let label = Label::new(transport_label(number, hop)).expect("paths are fewer than labels");
            fib.label(label, LabelEntry { action, model: self.core.ttl });
        }
        (number, path)
    }

    /// Out of `router` by a link.
    pub(super) fn hop(&self, draft: &mut Draft, link: usize, router: usize) -> NextHop {
        let ends = self.links[link];
        let end = if ends[0].0 == router { ends[0].1 } else { ends[1].1 };
        draft.next_hop(end, self.core.mtu, TagRule::UNTAGGED)
    }

    /// What all labels are of.
    fn label_names(&self, known: &[LspSpec]) -> BTreeMap<u32, String> {
        let mut names = BTreeMap::new();
        for ((from, to), paths) in &self.lsps {
            let path = format!("{} to {}", self.routers[*from].name, self.routers[*to].name);
            let own = (1..paths.primary.links.len()).map(|hop| transport_label(paths.number, hop));
            names.extend(own.map(|label| (label, path.clone())));
            // Its own one of other ways.
            names.extend(known.get(paths.number as usize).map(|lsp| (lsp.label.get(), format!("{path}, another way"))));
        }
        names.extend(self.bypass_labels());
        names.extend((FIRST_SERVICE..).zip(self.services.iter().cloned()));
        names
    }

    /// Fills in all tables.
    pub(super) fn configure(
        mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        wiring: &Wiring,
        options: CompileOptions,
    ) -> (Vec<Lsp>, Vec<VpnEdge>, LabelNames) {
        self.repair.is_live = options.repair;
        self.connect_wires(draft, scenario);
        let to_anywhere = options.unrouted == Unrouted::Cloud;
        let vpn = self.route_members(draft, scenario, wiring, to_anywhere);
        let nodes: Vec<NodeId> = self.routers.iter().map(|router| router.node).collect();
        let named = |path: &Path| path.routers.iter().map(|&router| nodes[router]).collect::<Vec<_>>();
        let lsps = self.lsps.values().map(|Paths { primary, backup, .. }| {
            let backup = backup.as_ref().map(|(path, disjoint)| (named(path), *disjoint));
            Lsp { provider: scenario.providers[self.provider].name.value.clone(), primary: named(primary), backup }
        });
        let lsps = lsps.collect();
        let known = if self.repair.is_live { self.lsp_specs() } else { Default::default() };
        let names = self.label_names(&known);
        for place in 0..self.routers.len() {
            if self.repair.is_live {
                self.declare(place, &known);
            }
            let Router { node, ingress, fib, .. } = &mut self.routers[place];
            for port in ingress {
                fib.ingress(port);
            }
            draft.route(*node, fib.clone(), Vec::new());
        }
        if self.repair.is_live {
            self.give_control(draft, scenario, &known);
        }
        (lsps, vpn, LabelNames { nodes, of: names })
    }
}

/// What the labels of a provider's network are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelNames {
    /// Its routers.
    pub nodes: Vec<NodeId>,
    /// By label: the same at all routers that have it.
    pub of: BTreeMap<u32, String>,
}

/// The label of a path at its routers, the first of which is the ingress edge and has none.
const fn transport_label(path: u32, hop: usize) -> u32 {
    FIRST_TRANSPORT + 16 * path + hop as u32
}
