//! What comes into the routing information base, and what is done about it.

use super::adj_out::OutKey;
use super::peer::{InKey, Peer, Received};
use super::policy::GRACEFUL_SHUTDOWN;
use super::programming::Programming;
use super::table::{Direct, Path, Source, VpnConfig, Vrf};
use super::{FibChange, PeerConfig, PeerId, Policy, Rib, RibConfig};
use crate::control::route::{Attributes, Family, Nlri, RouteUpdate};
use crate::id::VrfId;
use crate::time::Instant;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Prefixes that are to be decided anew.
type Touched = BTreeSet<OutKey>;

/// The weight of routes that the router itself originates: they win over those of peers, as on Cisco's routers.
const OWN_WEIGHT: u32 = 32_768;

impl Rib {
    /// A router without VRFs, peers and routes.
    pub fn new(config: RibConfig) -> Self {
        let decision = &config.decision;
        let most = decision.maximum_paths_external.min(decision.maximum_paths_internal);
        assert!(most >= 1, "the best path is one");
        Rib {
            config,
            vrfs: BTreeMap::new(),
            peers: Vec::new(),
            importers: BTreeMap::new(),
            next_hops: BTreeSet::new(),
            programming: Programming::new(config.programming),
        }
    }

    /// Adds `vrf`, that is not there yet and has a route distinguisher of its own if it is of a VPN.
    pub fn add_vrf(&mut self, vrf: VrfId, vpn: Option<VpnConfig>) {
        assert!(!self.vrfs.contains_key(&vrf), "VRF {vrf} is there");
        if let Some(vpn) = &vpn {
            let others = self.vrfs.values().filter_map(|other| other.vpn.as_ref());
            assert!(others.into_iter().all(|other| other.distinguisher != vpn.distinguisher), "VRF {vrf}: RD is taken");
            for target in &vpn.import_targets {
                self.importers.entry(*target).or_default().push(vrf);
            }
        }
        self.vrfs.insert(vrf, Vrf { vpn, routes: BTreeMap::new() });
    }

    /// Adds a peer of a VRF that is there; its session is down.
    pub fn add_peer(&mut self, config: PeerConfig) -> PeerId {
        assert!(self.vrfs.contains_key(&config.vrf), "VRF {} is not there", config.vrf);
        let is_vpn = |family: &Family| matches!(family, Family::VpnIpv4 | Family::VpnIpv6);
        assert!(
            !config.is_external() || !config.families.iter().any(is_vpn),
            "VPN routes are for internal peers (RFC 4364 §10 b is not there)"
        );
        let id = PeerId(u16::try_from(self.peers.len()).expect("at most 65536 peers"));
        self.peers.push(Peer::new(config));
        id
    }

    /// The session of `peer` is established: it is to be told everything. Nothing changes if it was already: a session that
    /// takes the place of another is down in between.
    pub fn peer_up(&mut self, now: Instant, peer: PeerId) {
        if !self.peers[peer.index()].is_up {
            let all = self.keys_for(peer);
            let peer = &mut self.peers[peer.index()];
            peer.is_up = true;
            peer.out.begin(now, all.into_iter());
        }
    }

    /// The session of `peer` is gone, and all its routes with it, at once (RFC 4271 §9.1.2, without graceful restart).
    pub fn peer_down(&mut self, now: Instant, peer: PeerId) {
        let state = &mut self.peers[peer.index()];
        state.is_up = false;
        state.out.end();
        let gone = std::mem::take(&mut state.adj_in);
        let mut touched = Touched::new();
        for (key, received) in &gone {
            self.place(now, peer, key, Some(received), &mut touched);
        }
        self.decide(now, touched);
    }

    /// Takes what `peer` says. An announcement without attributes withdraws (RFC 7606 §2). Returns how many
    /// destinations were left aside: those of families that were not agreed on, and all while the session is not up.
    pub fn handle_update(&mut self, now: Instant, peer: PeerId, update: &RouteUpdate) -> usize {
        let mut touched = Touched::new();
        let mut left_aside = 0;
        let attributes = update.attributes.as_ref();
        let withdrawn = update.withdrawn.iter().map(|nlri| (nlri, None));
        for (nlri, attributes) in withdrawn.chain(update.announced.iter().map(|nlri| (nlri, attributes))) {
            let state = &mut self.peers[peer.index()];
            if !state.is_up || !state.config.families.contains(&nlri.family()) {
                left_aside += 1;
                continue;
            }
            let key = in_key(nlri);
            let old = match attributes {
                None => state.adj_in.remove(&key),
                Some(attributes) => {
                    let label = nlri.vpn.map(|vpn| vpn.label);
                    let received = Received { attributes: attributes.clone(), label, is_accepted: false };
                    state.adj_in.insert(key, received)
                }
            };
            self.place(now, peer, &key, old.as_ref(), &mut touched);
        }
        self.decide(now, touched);
        left_aside
    }

    /// The peer asked for all routes again (RFC 2918).
    pub fn refresh(&mut self, now: Instant, peer: PeerId) {
        let all = self.keys_for(peer);
        let peer = &mut self.peers[peer.index()];
        if peer.is_up {
            peer.out.refresh(now, all.into_iter());
        }
    }

    /// Routes from `peer` pass by `policy` from now on, those that are there already too.
    pub fn set_import(&mut self, now: Instant, peer: PeerId, policy: Policy) {
        let state = &mut self.peers[peer.index()];
        state.config.import = policy;
        let all = state.adj_in.clone();
        let mut touched = Touched::new();
        for (key, received) in &all {
            self.place(now, peer, key, Some(received), &mut touched);
        }
        self.decide(now, touched);
    }

    /// Routes to `peer` pass by `policy` from now on; it is told of what that changes.
    pub fn set_export(&mut self, now: Instant, peer: PeerId, policy: Policy) {
        let all = self.keys_for(peer);
        let peer = &mut self.peers[peer.index()];
        peer.config.export = policy;
        if peer.is_up {
            all.into_iter().for_each(|key| peer.out.touch(now, key));
        }
    }

    /// This router gives `prefix` to BGP. An unspecified next hop is the router itself; another must be usable.
    pub fn originate(&mut self, now: Instant, vrf: VrfId, prefix: IpNet, attributes: Attributes) {
        let (source, attributes) = (Source::Originated, Arc::new(attributes));
        let path = Path { source, attributes, weight: OWN_WEIGHT, label: None, since: now };
        if self.vrf_mut(vrf).put(prefix.trunc(), path) {
            self.decide(now, Touched::from([(vrf, prefix.trunc())]));
        }
    }

    /// It does not any more.
    pub fn withdraw_own(&mut self, now: Instant, vrf: VrfId, prefix: IpNet) {
        if self.vrf_mut(vrf).remove(prefix.trunc(), Source::Originated) {
            self.decide(now, Touched::from([(vrf, prefix.trunc())]));
        }
    }

    /// A connected or static route is there. It is not told to peers: [`originate`](Self::originate) does that.
    pub fn add_direct(&mut self, now: Instant, vrf: VrfId, prefix: IpNet, direct: Direct) {
        if self.vrf_mut(vrf).routes.entry(prefix.trunc()).or_default().direct.insert(direct) {
            self.decide(now, Touched::from([(vrf, prefix.trunc())]));
        }
    }

    /// A connected or static route is gone.
    pub fn remove_direct(&mut self, now: Instant, vrf: VrfId, prefix: IpNet, direct: Direct) {
        let entry = self.vrf_mut(vrf).routes.get_mut(&prefix.trunc());
        if entry.is_some_and(|entry| entry.direct.remove(&direct)) {
            self.decide(now, Touched::from([(vrf, prefix.trunc())]));
        }
    }

    /// Whether `next_hop` can be reached in `vrf`; of those never spoken of, none can.
    pub fn set_next_hop(&mut self, now: Instant, vrf: VrfId, next_hop: IpAddr, usable: bool) {
        let key = (vrf, next_hop);
        let is_changed = if usable { self.next_hops.insert(key) } else { self.next_hops.remove(&key) };
        if !is_changed {
            return;
        }
        let mut touched = Touched::new();
        for (id, table) in &self.vrfs {
            for (prefix, entry) in &table.routes {
                let is_by_it = entry.paths.iter().any(|path| path.attributes.next_hop == next_hop)
                    || entry.direct.iter().any(|direct| direct.next_hop == next_hop);
                if is_by_it {
                    touched.insert((*id, *prefix));
                }
            }
        }
        self.decide(now, touched);
    }

    /// The next update for `peer`: withdrawals first, then one update for each set of equal attributes, then, once,
    /// the end of the first full set (RFC 4724 §2). `None` if there is none yet.
    pub fn poll_updates(&mut self, now: Instant, peer: PeerId) -> Option<RouteUpdate> {
        let state = &mut self.peers[peer.index()];
        if let Some(update) = state.out.pop() {
            return Some(update);
        }
        if !state.is_up || !state.out.is_due(now) {
            return None;
        }
        let touched = state.out.take_touched();
        let wanted: Vec<_> =
            touched.into_iter().map(|(key, is_forced)| (key, is_forced, self.wanted(peer, key))).collect();
        let Peer { config, out, .. } = &mut self.peers[peer.index()];
        out.build(now, config.advertisement_interval, &config.families, wanted.into_iter());
        out.pop()
    }

    /// The next change of forwarding that is in effect at `now`, in order of their instants.
    pub fn poll_fib(&mut self, now: Instant) -> Option<FibChange> {
        self.programming.poll(now)
    }

    /// When the next update can be sent or the next change of forwarding takes effect: not before, without an input.
    /// It can be past if there is something to be polled already.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout_but(|_| false)
    }

    /// The same, but for updates of peers that `is_stuck` names: nothing can be sent to them now.
    pub fn poll_timeout_but(&self, is_stuck: impl Fn(PeerId) -> bool) -> Option<Instant> {
        let peers = (0..).map(PeerId).zip(&self.peers).filter(|(id, peer)| peer.is_up && !is_stuck(*id));
        let updates = peers.filter_map(|(_, peer)| peer.out.poll_timeout());
        updates.chain(self.programming.poll_timeout()).min()
    }

    fn vrf_mut(&mut self, vrf: VrfId) -> &mut Vrf {
        self.vrfs.get_mut(&vrf).expect("the VRF was added")
    }

    /// All routes that `peer` could be told of.
    fn keys_for(&self, peer: PeerId) -> Vec<OutKey> {
        let config = &self.peers[peer.index()].config;
        let tables = self.vrfs.iter();
        let keys = tables.flat_map(|(vrf, table)| {
            let prefixes = table.routes.keys().copied();
            let told = prefixes.filter(|prefix| config.family_of(*vrf, table.vpn.as_ref(), *prefix).is_some());
            told.map(|prefix| (*vrf, prefix))
        });
        keys.collect()
    }

    /// The VRFs that a route from `peer` belongs to (RFC 4364 §4.3.1).
    fn belongs_to(&self, peer: PeerId, key: &InKey, attributes: &Attributes) -> BTreeSet<VrfId> {
        if key.1.is_none() {
            return BTreeSet::from([self.peers[peer.index()].config.vrf]);
        }
        let targets = attributes.extended_communities.iter();
        targets.filter_map(|target| self.importers.get(target)).flatten().copied().collect()
    }

    /// Makes the tables have what Adj-RIB-In has of `key`; `old` is what it had.
    fn place(&mut self, now: Instant, peer: PeerId, key: &InKey, old: Option<&Received>, touched: &mut Touched) {
        let (prefix, distinguisher) = *key;
        let source = Source::Peer { peer, distinguisher };
        let new = self.peers[peer.index()].adj_in.get(key).cloned();
        let accepted = new.as_ref().and_then(|received| self.imported(peer, prefix, received));
        if let Some(received) = self.peers[peer.index()].adj_in.get_mut(key) {
            received.is_accepted = accepted.is_some();
        }
        let of = |received: Option<&Received>| match received {
            Some(received) => self.belongs_to(peer, key, &received.attributes),
            None => BTreeSet::new(),
        };
        let (before, after) = (of(old), of(new.as_ref()));
        for vrf in before.union(&after) {
            let table = self.vrfs.get_mut(vrf).expect("importers are there");
            let is_changed = match accepted.as_ref().filter(|_| after.contains(vrf)) {
                Some((attributes, weight)) => {
                    let label = new.as_ref().and_then(|received| received.label);
                    let path = Path { source, attributes: attributes.clone(), weight: *weight, label, since: now };
                    table.put(prefix, path)
                }
                None => table.remove(prefix, source),
            };
            if is_changed {
                touched.insert((*vrf, prefix));
            }
        }
    }

    /// A route as it comes out of import policy, with its weight; `None` if it is a loop or does not pass.
    fn imported(&self, peer: PeerId, prefix: IpNet, received: &Received) -> Option<(Arc<Attributes>, u32)> {
        let config = &self.peers[peer.index()].config;
        let mut attributes = Attributes::clone(&received.attributes);
        // RFC 4271 §9.1.2 and §5.1.3: a loop, or a next hop that is this router.
        let is_loop = attributes.as_path.count(self.config.local_as) > config.own_as_allowed;
        if is_loop || attributes.next_hop == config.local_address {
            return None;
        }
        if config.is_external() {
            attributes.local_pref = None;
        }
        let (mut attributes, weight) = config.import.apply(self.config.local_as, prefix, attributes, 0)?;
        // RFC 8326 §4.2, after policy: nothing else may raise it again.
        if received.attributes.communities.contains(&GRACEFUL_SHUTDOWN) {
            attributes.local_pref = Some(0);
        }
        let is_same = attributes == *received.attributes;
        Some((if is_same { received.attributes.clone() } else { Arc::new(attributes) }, weight))
    }

    /// Chooses anew for each of `touched`, and passes on what changed.
    fn decide(&mut self, now: Instant, touched: Touched) {
        for (vrf, prefix) in touched {
            let view = self.view(vrf);
            let Some(entry) = self.vrfs[&vrf].routes.get(&prefix) else { continue };
            let chosen = view.choose(entry);
            let vias = view.vias(entry, &chosen);
            let best = chosen.first().and_then(|source| entry.path(*source));
            let best = best.map(|path| (path.source, path.attributes.clone()));
            let (is_told, is_programmed) = (entry.best != best, entry.vias != vias);
            let table = self.vrfs.get_mut(&vrf).expect("it is there");
            let entry = table.routes.get_mut(&prefix).expect("it is there");
            (entry.chosen, entry.best) = (chosen, best);
            if is_programmed {
                entry.vias.clone_from(&vias);
                self.programming.change(now, vrf, prefix, vias);
            }
            table.tidy(prefix);
            if is_told {
                let vpn = table.vpn.as_ref();
                let told = self.peers.iter_mut().filter(|peer| peer.is_up);
                for peer in told.filter(|peer| peer.config.family_of(vrf, vpn, prefix).is_some()) {
                    peer.out.touch(now, (vrf, prefix));
                }
            }
        }
    }
}

fn in_key(nlri: &Nlri) -> InKey {
    (nlri.prefix.trunc(), nlri.vpn.map(|vpn| vpn.distinguisher))
}
