//! What a provider's network needs to get over the failure of a link: bypasses, labels of other paths, control planes.
//!
//! ```text
//!        p1 --x-- p2        what p1 sends to p2 with label L takes the bypass p1 - p3 - p4 - p2, with B above L: p4 pops B,
//!        |         |        and p2 has what it would have had (facility backup, RFC 4090 §3.2)
//!        p3 ----- p4
//! ```

use super::core::{CoreNet, FIRST_TRANSPORT};
use crate::control::bfd::Config;
use crate::control::protection::{AdjacencySpec, HeadSpec, LspSpec, ProtectionSpec, Timing};
use crate::control::{BfdSpec, Hops, InterfaceSpec, Towards, WatchedPort};
use crate::id::VrfId;
use crate::scenario::Scenario;
use crate::scenario::compile::draft::Draft;
use crate::scenario::model::{Detection, Null, Protection};
use crate::table::{LabelAction, LabelEntry, LabelPush, Member, NextHop, Payload, Protected};
use crate::wire::bfd::{DetectMult, Interval};
use crate::wire::ethernet::Mac;
use crate::wire::mpls::{IPV4_EXPLICIT_NULL, Label};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What of a network is made for the failure of links.
#[derive(Default)]
pub(super) struct Repair {
    /// Whether routers have control planes.
    pub(super) is_live: bool,
    /// By the router before a link and the link.
    bypasses: BTreeMap<(usize, usize), Option<Bypass>>,
    /// What takes the link in the midst of a path, by the same.
    protected: BTreeMap<(usize, usize), Vec<Protected>>,
    /// What enters a path, by its ends and the label beneath, if there is one.
    heads: BTreeMap<(usize, usize, Option<Label>), Head>,
}

/// The beginning of a bypass.
#[derive(Clone, Copy)]
struct Bypass {
    plain: NextHop,
    /// Its label; none where it is another link to the same router.
    label: Option<Label>,
}

impl Bypass {
    /// The same next hop by the bypass: its label goes above all others.
    fn of(self, next_hop: NextHop) -> NextHop {
        let labels = self.label.map(Label::get).into_iter().chain(next_hop.push.labels().iter().copied());
        let mut push = LabelPush::new(&labels.collect::<Vec<_>>()).expect("three labels can be pushed");
        (push.ttl, push.tc, push.entropy) = (next_hop.push.ttl, next_hop.push.tc, next_hop.push.entropy);
        NextHop { push, ..self.plain }
    }
}

#[derive(Clone, Copy)]
struct Head {
    protected: Protected,
    bypass: Option<NextHop>,
}

/// Labels of bypasses, one for each direction of a link: the same all along it.
const FIRST_BYPASS: u32 = 1_000;

impl CoreNet {
    /// What goes over `link` in the midst of a path: with a bypass behind it, where there is one.
    pub(super) fn protect(&mut self, draft: &mut Draft, router: usize, link: usize, next_hop: NextHop) -> Member {
        let Some(bypass) = self.bypass(draft, router, link) else { return next_hop.into() };
        let protected = self.routers[router].fib.protected(next_hop, bypass.of(next_hop));
        self.repair.protected.entry((router, link)).or_default().push(protected);
        protected.into()
    }

    /// What enters a path by `link`: it can be given another way, whether there is a bypass or not.
    pub(super) fn head(
        &mut self,
        draft: &mut Draft,
        (from, to, service): (usize, usize, Option<Label>),
        link: usize,
        next_hop: NextHop,
    ) -> Towards {
        if !self.repair.is_live {
            return next_hop.into();
        }
        if let Some(known) = self.repair.heads.get(&(from, to, service)) {
            return Towards { next_hop, protected: Some(known.protected) };
        }
        let bypass = self.bypass(draft, from, link).map(|bypass| bypass.of(next_hop));
        let protected = self.routers[from].fib.protected(next_hop, bypass.unwrap_or(next_hop));
        self.repair.heads.insert((from, to, service), Head { protected, bypass });
        Towards { next_hop, protected: Some(protected) }
    }

    /// The bypass of a link out of a router, its labels set up where it is new.
    fn bypass(&mut self, draft: &mut Draft, router: usize, link: usize) -> Option<Bypass> {
        if !self.repair.is_live || self.core.recovery.protection == Protection::None {
            return None;
        }
        if let Some(known) = self.repair.bypasses.get(&(router, link)) {
            return *known;
        }
        let bypass = self.set_up(draft, router, link);
        self.repair.bypasses.insert((router, link), bypass);
        bypass
    }

    fn set_up(&mut self, draft: &mut Draft, router: usize, link: usize) -> Option<Bypass> {
        let side = usize::from(self.links[link][0].0 != router);
        let merge_point = self.links[link][1 - side].0;
        let path = self.graph.shortest(router, merge_point, |_, other| other == link);
        // Edges carry what is none of theirs only where nothing else is left: between two rows of P routers.
        let path = path.or_else(|| self.graph.shortest_through_any(router, merge_point, |_, other| other == link))?;
        let plain = self.hop(draft, path.links[0], router);
        if path.links.len() == 1 {
            return Some(Bypass { plain, label: None });
        }
        let label = Label::new(FIRST_BYPASS + 2 * link as u32 + side as u32).filter(|l| l.get() < FIRST_TRANSPORT)?;
        for hop in 1..path.links.len() {
            let (at, is_last) = (path.routers[hop], hop + 1 == path.links.len());
            let plain = self.hop(draft, path.links[hop], at);
            let fib = &mut self.routers[at].fib;
            // The merge point asks for implicit null, whatever provider edges ask for.
            let action = if is_last {
                LabelAction::Pop { payload: Payload::Ipv4, next_hops: fib.next_hops(&[plain]) }
            } else {
                let push = LabelPush::new(&[label.get()]).expect("one label can be pushed");
                LabelAction::Swap(fib.next_hops(&[NextHop { push, ..plain }]))
            };
            fib.label(label, LabelEntry { action, model: self.core.ttl });
        }
        Some(Bypass { plain, label: Some(label) })
    }

    /// The labels of bypasses, and what each goes around.
    pub(super) fn bypass_labels(&self) -> impl Iterator<Item = (u32, String)> {
        self.repair.bypasses.iter().filter_map(|((from, link), bypass)| {
            let ends = self.links[*link].map(|(router, _)| router);
            let to = if ends[0] == *from { ends[1] } else { ends[0] };
            let around = format!("bypass of {}-{}", self.routers[*from].name, self.routers[to].name);
            Some((bypass.as_ref()?.label?.get(), around))
        })
    }

    /// All paths, as their routers know them. Labels of other than primary ways are behind those of the primary ones.
    pub(super) fn lsp_specs(&self) -> Arc<[LspSpec]> {
        let first = FIRST_TRANSPORT + 16 * self.lsps.len() as u32 + self.routers.len() as u32;
        let first = first.next_multiple_of(1_000);
        let mut specs: Vec<(u32, LspSpec)> = Vec::new();
        for paths in self.lsps.values() {
            let label = Label::new(first + paths.number).expect("paths are fewer than labels");
            let backup = paths.backup.as_ref().map(|(path, _)| path.clone());
            specs.push((paths.number, LspSpec { primary: paths.primary.clone(), backup, label }));
        }
        specs.sort_unstable_by_key(|(number, _)| *number);
        specs.into_iter().map(|(_, spec)| spec).collect()
    }

    /// Makes room in the tables of a router for what its control plane changes, and for its own addresses.
    pub(super) fn declare(&mut self, router: usize, lsps: &[LspSpec]) {
        let addresses: Vec<Ipv4Addr> = self.sides(router).filter_map(|(link, side)| self.address(link, side)).collect();
        let fib = &mut self.routers[router].fib;
        for lsp in lsps {
            fib.dynamic_label(lsp.label);
        }
        for address in addresses {
            let here = fib.next_hops(&[NextHop::LOCAL]);
            fib.route(VrfId(0), IpAddr::V4(address).into(), here);
        }
    }

    /// The links of a router, and which of their ends it is.
    fn sides(&self, router: usize) -> impl Iterator<Item = (usize, usize)> {
        let side =
            move |(link, ends): (usize, &[(usize, _); 2])| Some((link, ends.iter().position(|(of, _)| *of == router)?));
        self.links.iter().enumerate().filter_map(side)
    }

    /// The address of an end of a link, where BFD needs one: of the space between customers and providers (RFC 6598), which
    /// is nobody's own, two for each link (RFC 3021). The routers have it in a VRF of their own that has no customer's
    /// routes.
    fn address(&self, link: usize, side: usize) -> Option<Ipv4Addr> {
        let first = u32::from(Ipv4Addr::new(100, 64, 0, 0));
        let is_by_bfd = self.core.recovery.detection != Detection::LossOfSignal;
        is_by_bfd.then(|| Ipv4Addr::from(first + 2 * link as u32 + side as u32))
    }

    /// The control planes of all routers.
    pub(super) fn give_control(&self, draft: &mut Draft, scenario: &Scenario, lsps: &Arc<[LspSpec]>) {
        let topology = Arc::new(self.graph.clone());
        let recovery = self.core.recovery;
        let timing = Timing { convergence: recovery.igp_convergence, reversion_hold: recovery.reversion_hold };
        for router in 0..self.routers.len() {
            let adjacencies: Vec<AdjacencySpec> = self
                .sides(router)
                .collect::<Vec<_>>()
                .into_iter()
                .map(|(link, side)| self.adjoin(draft, scenario, router, (link, side)))
                .collect();
            let heads = self.repair.heads.iter().filter(|((from, ..), _)| *from == router);
            let heads = heads.map(|(&(from, to, service), head)| HeadSpec {
                lsp: self.lsps[&(from, to)].number as usize,
                next_hop: head.protected,
                bypass: head.bypass,
                service,
            });
            let protection = ProtectionSpec {
                router,
                topology: topology.clone(),
                lsps: lsps.clone(),
                timing,
                adjacencies,
                heads: heads.collect(),
                ttl: self.core.ttl,
                entropy: self.core.entropy,
                null: match self.core.null {
                    Null::Implicit => None,
                    Null::Explicit => Label::new(IPV4_EXPLICIT_NULL),
                },
            };
            draft.control(self.routers[router].node).protection = Some(protection);
        }
    }

    /// One link of a router: a watched port, a sub-interface, and a BFD session where that is asked for.
    fn adjoin(
        &self,
        draft: &mut Draft,
        scenario: &Scenario,
        router: usize,
        (link, side): (usize, usize),
    ) -> AdjacencySpec {
        let (node, port) = self.links[link][side].1;
        let next_hop = self.hop(draft, link, router);
        let (own, remote) = (self.address(link, side), self.address(link, 1 - side));
        let control = draft.control(node);
        control.ports.push(WatchedPort { port, carrier: scenario.control.carrier, signals: Vec::new() });
        let mac = Mac::local(node.0, port.0);
        control.interfaces.push(InterfaceSpec { port, tags: Vec::new(), vrf: VrfId(0), mac, v4: own, v6: None });
        let interface = control.interfaces.len() - 1;
        let over = match self.core.recovery.detection {
            Detection::LossOfSignal => None,
            Detection::Bfd(bfd) => Some((bfd, Hops::Single(interface))),
            Detection::MicroBfd(bfd) => Some((bfd, Hops::Micro(interface))),
        };
        let bfd = match (over, remote) {
            (Some((bfd, over)), Some(remote)) => {
                let interval = Interval::try_from(bfd.interval).expect("a checked interval");
                let multiplier = DetectMult(bfd.multiplier.try_into().expect("a checked multiplier"));
                let config = Config::new(interval, multiplier);
                control.bfd.push(BfdSpec { over, remote: IpAddr::V4(remote), config });
                Some(control.bfd.len() - 1)
            }
            _ => None,
        };
        let protected = self.repair.protected.get(&(router, link)).cloned().unwrap_or_default();
        AdjacencySpec { link, port, interface, bfd, next_hop, protected }
    }
}
