//! Protection of one router at work: what it saw and heard of links, and what that makes of its tables.

use super::link_state::{Avoidance, LinkEnd, LinkState};
use super::{AdjacencySpec, HeadSpec, LspSpec, Path, ProtectionSpec, Topology};
use crate::control::bfd;
use crate::control::change::Change;
use crate::control::plane::Happened;
use crate::id::PortId;
use crate::table::{LabelPush, NextHop, TtlModel};
use crate::time::Instant;
use crate::wire::mpls::Label;
use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};

/// The paths of a router at work.
#[derive(Debug)]
pub(in crate::control) struct Protection {
    spec: ProtectionSpec,
    /// By link, what is known of its two ends.
    ends: Vec<[LinkEnd; 2]>,
    /// By link, whether the paths that are in use avoid it.
    avoided: Vec<Avoidance>,
    adjacencies: Vec<Adjacency>,
    heads: Vec<Head>,
    /// By path, where its own label leads here, once it does.
    labels: Vec<Option<NextHop>>,
    /// When the first of the ends has something to do.
    due: Option<Instant>,
    /// Whether anything was seen, heard or done that the tables may not have.
    is_new: bool,
    outgoing: VecDeque<(usize, LinkState)>,
    changes: VecDeque<Change>,
    events: VecDeque<Happened>,
    /// Paths that begin here and have no way.
    lost: BTreeSet<usize>,
    /// Those that lost theirs, or have one again.
    paths: VecDeque<(usize, bool)>,
}

/// A link of this router.
#[derive(Clone, Copy, Debug)]
struct Adjacency {
    is_port_up: bool,
    /// For all that BFD says, where it is asked.
    does_path_work: bool,
    /// From when it fails until both ends have left it alone for long enough.
    is_repaired: bool,
    /// Whether the tables have that.
    is_switched: bool,
}

impl Adjacency {
    fn works(self) -> bool {
        self.is_port_up && self.does_path_work
    }
}

/// What enters a path: where it goes.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Not on its primary path, but so.
    rerouted: Option<NextHop>,
    /// What the tables have: the backup, if it was ever set, and whether it is in use.
    backup: Option<NextHop>,
    on_backup: bool,
}

impl Protection {
    /// All links work, and all paths are the primary ones.
    pub(in crate::control) fn new(spec: &ProtectionSpec) -> Self {
        let links = spec.topology.links().len();
        let adjacency = Adjacency { is_port_up: true, does_path_work: true, is_repaired: false, is_switched: false };
        let head = |head: &HeadSpec| Head { rerouted: None, backup: head.bypass, on_backup: false };
        Protection {
            ends: vec![Default::default(); links],
            avoided: vec![Avoidance::None; links],
            adjacencies: vec![adjacency; spec.adjacencies.len()],
            heads: spec.heads.iter().map(head).collect(),
            labels: vec![None; spec.lsps.len()],
            due: None,
            is_new: false,
            outgoing: VecDeque::new(),
            changes: VecDeque::new(),
            events: VecDeque::new(),
            lost: BTreeSet::new(),
            paths: VecDeque::new(),
            spec: spec.clone(),
        }
    }

    /// A port went down or came up.
    pub(in crate::control) fn handle_port(&mut self, now: Instant, port: PortId, up: bool) {
        self.observe(now, |spec, adjacency| {
            if spec.port == port {
                adjacency.is_port_up = up;
            }
        });
    }

    /// A BFD session says what its path is like. Until it has been up once the link is taken to work.
    pub(in crate::control) fn handle_bfd(&mut self, now: Instant, session: usize, path: bfd::Path) {
        let does_work = match path {
            bfd::Path::Works => true,
            bfd::Path::Failed => false,
            bfd::Path::Unwatched => return,
        };
        self.observe(now, |spec, adjacency| {
            if spec.bfd == Some(session) {
                adjacency.does_path_work = does_work;
            }
        });
    }

    /// Something is seen of the links of this router: what is new is told to the others.
    fn observe(&mut self, now: Instant, change: impl Fn(&AdjacencySpec, &mut Adjacency)) {
        for place in 0..self.adjacencies.len() {
            let before = self.adjacencies[place].works();
            change(&self.spec.adjacencies[place], &mut self.adjacencies[place]);
            let works = self.adjacencies[place].works();
            if works == before {
                continue;
            }
            let link = self.spec.adjacencies[place].link;
            if works {
                // Who was away does not know what the others were told meanwhile.
                let known: Vec<LinkState> = self.ends.iter().flatten().filter_map(|end| end.said).collect();
                self.outgoing.extend(known.into_iter().map(|state| (place, state)));
            } else {
                self.adjacencies[place].is_repaired = true;
            }
            let side = usize::from(self.spec.topology.links()[link][0] != self.spec.router);
            let sequence = self.ends[link][side].said.map_or(1, |said| said.sequence.saturating_add(1));
            // A provider has far fewer routers and links.
            let (router, number) = (self.spec.router as u16, link as u16);
            let state = LinkState { router, link: number, sequence, works, since: now };
            self.hear(link, side, state);
            self.flood(state, None);
        }
    }

    /// A neighbour tells of a link, by the sub-interface `interface`; `None` if there is no such link, or that is no router
    /// of the provider.
    pub(in crate::control) fn handle_news(&mut self, interface: usize, octets: &[u8]) -> Option<()> {
        self.spec.adjacencies.iter().find(|adjacency| adjacency.interface == interface)?;
        let state = LinkState::read(octets)?;
        let link = usize::from(state.link);
        let routers = self.spec.topology.links().get(link)?;
        let side = routers.iter().position(|router| *router == usize::from(state.router))?;
        let is_own = usize::from(state.router) == self.spec.router;
        if !is_own && self.ends[link][side].is_news(&state) {
            self.hear(link, side, state);
            self.flood(state, Some(interface));
        }
        Some(())
    }

    fn hear(&mut self, link: usize, side: usize, state: LinkState) {
        self.is_new = true;
        let end = &mut self.ends[link][side];
        end.hear(state, self.spec.timing);
        self.due = self.due.into_iter().chain(end.poll_timeout()).min();
    }

    /// Tells all neighbours, but not the one that told it.
    fn flood(&mut self, state: LinkState, from: Option<usize>) {
        for (place, spec) in self.spec.adjacencies.iter().enumerate() {
            if self.adjacencies[place].works() && from != Some(spec.interface) {
                self.outgoing.push_back((place, state));
            }
        }
    }

    /// Does what is due at `now`, and brings the tables to what is known then.
    pub(in crate::control) fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.is_new = true;
            self.ends.iter_mut().flatten().for_each(|end| end.handle_timeout(now));
            self.due = self.ends.iter().flatten().filter_map(LinkEnd::poll_timeout).min();
            let avoided = self.ends.iter().map(|ends| ends[0].avoidance.max(ends[1].avoidance));
            let avoided: Vec<Avoidance> = avoided.collect();
            if avoided != self.avoided {
                self.avoided = avoided;
                self.converge();
            }
        }
        if std::mem::take(&mut self.is_new) {
            self.repair();
        }
    }

    pub(in crate::control) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// What it tells a neighbour next, and by which sub-interface.
    pub(in crate::control) fn poll_transmit(&mut self) -> Option<(usize, LinkState)> {
        let (place, state) = self.outgoing.pop_front()?;
        Some((self.spec.adjacencies[place].interface, state))
    }

    pub(in crate::control) fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    pub(in crate::control) fn poll_event(&mut self) -> Option<Happened> {
        self.events.pop_front()
    }

    /// A path that begins here, by its place, and whether there is a way for it: where that is otherwise than before.
    pub(in crate::control) fn poll_path(&mut self) -> Option<(usize, bool)> {
        self.paths.pop_front()
    }

    /// Paths are made by what is avoided now.
    fn converge(&mut self) {
        let lsps = self.spec.lsps.clone();
        let by = |lsp, least| way(lsp, &self.spec.topology, |link: usize| self.avoided[link] >= least);
        // Where nothing else leads, what is held; where there is no way, a path stays as it was.
        let by = |lsp| by(lsp, Avoidance::Held).or_else(|| by(lsp, Avoidance::Lost));
        let paths: Vec<Option<Cow<'_, Path>>> = lsps.iter().map(by).collect();
        let changed = (0..lsps.len()).map(|lsp| match &paths[lsp] {
            Some(path) => self.take(lsp, path, path.links == lsps[lsp].primary.links),
            None => 0,
        });
        let changed: usize = changed.sum();
        let own = (0..lsps.len()).filter(|lsp| lsps[*lsp].primary.routers.first() == Some(&self.spec.router));
        for lsp in own {
            let (was_there, is_there) = (!self.lost.contains(&lsp), paths[lsp].is_some());
            if is_there != was_there {
                if is_there {
                    self.lost.remove(&lsp)
                } else {
                    self.lost.insert(lsp)
                };
                self.paths.push_back((lsp, is_there));
            }
        }
        if changed > 0 {
            let avoided = self.avoided.iter().filter(|avoided| **avoided > Avoidance::None).count();
            self.events.push_back(Happened::Reconverged { avoided, changed });
        }
    }

    /// A path goes so from now on; how much of it is other than before at this router.
    fn take(&mut self, lsp: usize, path: &Path, is_primary: bool) -> usize {
        let Some(hop) = path.routers.iter().position(|router| *router == self.spec.router) else { return 0 };
        let Some(&link) = path.links.get(hop) else { return 0 };
        let adjacency = self.spec.adjacencies.iter().find(|adjacency| adjacency.link == link);
        let Some(plain) = adjacency.map(|adjacency| adjacency.next_hop) else { return 0 };
        let is_last = hop + 1 == path.links.len();
        let label = if is_last { self.spec.null } else { Some(self.spec.lsps[lsp].label) };
        match hop {
            0 => self.enter(lsp, (!is_primary).then_some((plain, label))),
            // The labels of the primary path are never taken away.
            _ if is_primary => 0,
            _ => {
                let next_hop = NextHop { push: push(label.as_slice(), self.spec.ttl, false), ..plain };
                if self.labels[lsp].replace(next_hop) == Some(next_hop) {
                    return 0;
                }
                let label = self.spec.lsps[lsp].label;
                self.changes.push_back(Change::Label { label, next_hop, model: self.spec.ttl });
                1
            }
        }
    }

    /// What enters a path here takes this way, with this label; or its primary one.
    fn enter(&mut self, lsp: usize, by: Option<(NextHop, Option<Label>)>) -> usize {
        let mut changed = 0;
        for (head, spec) in self.heads.iter_mut().zip(&self.spec.heads).filter(|(_, spec)| spec.lsp == lsp) {
            let rerouted = by.map(|(plain, label)| {
                let labels: Vec<Label> = label.into_iter().chain(spec.service).collect();
                // Neighbours have no transport label for an entropy label to go beneath.
                let entropy = self.spec.entropy && label.is_some();
                NextHop { push: push(&labels, self.spec.ttl, entropy), ..plain }
            });
            changed += usize::from(head.rerouted != rerouted);
            head.rerouted = rerouted;
        }
        changed
    }

    /// Puts what takes the links of this router on its bypass, or back, and what enters paths on its way.
    fn repair(&mut self) {
        let mut switched = vec![0; self.adjacencies.len()];
        for (place, adjacency) in self.adjacencies.iter_mut().enumerate() {
            let spec = &self.spec.adjacencies[place];
            adjacency.is_repaired &= !self.ends[spec.link].iter().all(LinkEnd::is_settled);
            if adjacency.is_repaired != adjacency.is_switched {
                let to_backup = adjacency.is_repaired;
                switched[place] = spec.protected.len();
                self.changes.extend(spec.protected.iter().map(|&protected| Change::Switch { protected, to_backup }));
            }
        }
        for (head, spec) in self.heads.iter_mut().zip(&self.spec.heads) {
            let first = self.spec.lsps[spec.lsp].primary.links[0];
            let place = self.spec.adjacencies.iter().position(|adjacency| adjacency.link == first);
            let is_repaired = place.is_some_and(|place| self.adjacencies[place].is_repaired) && spec.bypass.is_some();
            let to_backup = head.rerouted.is_some() || is_repaired;
            let backup = head.rerouted.or(spec.bypass).or(head.backup);
            if let Some(next_hop) = backup.filter(|_| backup != head.backup) {
                self.changes.push_back(Change::Backup { protected: spec.next_hop, next_hop });
            }
            if to_backup != head.on_backup {
                self.changes.push_back(Change::Switch { protected: spec.next_hop, to_backup });
                place.filter(|_| head.rerouted.is_none()).into_iter().for_each(|place| switched[place] += 1);
            }
            (head.backup, head.on_backup) = (backup, to_backup);
        }
        for ((adjacency, spec), next_hops) in self.adjacencies.iter_mut().zip(&self.spec.adjacencies).zip(switched) {
            let to_backup = adjacency.is_repaired;
            if adjacency.is_switched != to_backup && next_hops > 0 {
                self.events.push_back(Happened::Switched { port: spec.port, to_backup, next_hops });
            }
            adjacency.is_switched = to_backup;
        }
    }
}

/// Where a path goes while links are avoided; `None` if there is no way.
fn way<'a>(lsp: &'a LspSpec, topology: &Topology, avoided: impl Fn(usize) -> bool) -> Option<Cow<'a, Path>> {
    let is_there = |path: &&Path| !path.links.iter().any(|link| avoided(*link));
    if let Some(known) = std::iter::once(&lsp.primary).chain(&lsp.backup).find(is_there) {
        return Some(Cow::Borrowed(known));
    }
    let (from, to) = (*lsp.primary.routers.first()?, *lsp.primary.routers.last()?);
    let path = topology.shortest(from, to, |_, link| avoided(link));
    path.or_else(|| topology.shortest_through_any(from, to, |_, link| avoided(link))).map(Cow::Owned)
}

/// These labels, top first.
fn push(labels: &[Label], ttl: TtlModel, entropy: bool) -> LabelPush {
    let numbers: Vec<u32> = labels.iter().map(|label| label.get()).collect();
    let mut push = LabelPush::new(&numbers).expect("one label or two are pushed, and may be on the wire");
    (push.ttl, push.entropy) = (ttl, entropy);
    push
}
