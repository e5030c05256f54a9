//! The routes of one VRF: every path to each prefix, which of them were chosen, and the next hops that can be used.

use super::decision::{Candidate, Learned, select};
use super::peer::Peer;
use super::{DecisionConfig, PeerId, Via};
use crate::control::route::{Attributes, RouteDistinguisher};
use crate::time::Instant;
use crate::wire::mpls::Label;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What makes a VRF one of a VPN (RFC 4364 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpnConfig {
    /// What its routes are told apart by; no two VRFs of a router have the same.
    pub distinguisher: RouteDistinguisher,
    /// The label that other routers are to send to it by.
    pub label: Label,
    /// Route targets, as extended communities: VPN routes that have one of these are imported.
    pub import_targets: Vec<[u8; 8]>,
    /// Route targets that its routes have when they leave.
    pub export_targets: Vec<[u8; 8]>,
}

/// What told of a route by BGP, or by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// This router originates it.
    Originated,
    /// A peer announced it.
    Peer {
        /// Which.
        peer: PeerId,
        /// Of VPN routes: one peer can have several to the same prefix.
        distinguisher: Option<RouteDistinguisher>,
    },
}

impl Source {
    /// The peer, unless the route is the router's own.
    pub const fn peer(&self) -> Option<PeerId> {
        match self {
            Source::Originated => None,
            Source::Peer { peer, .. } => Some(*peer),
        }
    }
}

/// A way to a prefix that BGP knows, as import policy left it.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) source: Source,
    pub(super) attributes: Arc<Attributes>,
    pub(super) weight: u32,
    pub(super) label: Option<Label>,
    pub(super) since: Instant,
}

/// A way to a prefix without BGP: distance and next hop. Of distance 0 it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Direct {
    /// Administrative distance: the least one is used.
    pub distance: u8,
    /// Where to send; of a connected prefix, this router's own address in it.
    pub next_hop: IpAddr,
}

impl Direct {
    /// A prefix of one of the router's own interfaces.
    pub const fn connected(address: IpAddr) -> Self {
        Direct { distance: DISTANCE_CONNECTED, next_hop: address }
    }

    /// A static route of the usual distance.
    pub const fn fixed(next_hop: IpAddr) -> Self {
        Direct { distance: DISTANCE_STATIC, next_hop }
    }
}

/// Administrative distance of connected prefixes: these, like those of the others, are what routers commonly have.
pub const DISTANCE_CONNECTED: u8 = 0;
/// Of static routes.
pub const DISTANCE_STATIC: u8 = 1;
/// Of routes learned by eBGP.
pub const DISTANCE_EXTERNAL: u8 = 20;
/// Of routes learned by iBGP, and of those that the router itself gives to BGP.
pub const DISTANCE_INTERNAL: u8 = 200;

/// All of one prefix.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) direct: BTreeSet<Direct>,
    /// In order of their sources.
    pub(super) paths: Vec<Path>,
    /// BGP's choice, the best first.
    pub(super) chosen: Vec<Source>,
    /// The best one when peers were last told of a change.
    pub(super) best: Option<(Source, Arc<Attributes>)>,
    /// What the forwarding table has, or is about to have.
    pub(super) vias: Vec<Via>,
}

impl Entry {
    pub(super) fn path(&self, source: Source) -> Option<&Path> {
        self.paths.binary_search_by_key(&source, |path| path.source).ok().map(|place| &self.paths[place])
    }

    /// Makes `path` the one of its source, and says whether that is a change; an equal one keeps its age.
    pub(super) fn put(&mut self, path: Path) -> bool {
        match self.paths.binary_search_by_key(&path.source, |path| path.source) {
            Ok(place) => {
                let old = &mut self.paths[place];
                let is_equal =
                    old.attributes == path.attributes && old.weight == path.weight && old.label == path.label;
                if !is_equal {
                    *old = path;
                }
                !is_equal
            }
            Err(place) => {
                self.paths.insert(place, path);
                true
            }
        }
    }

    pub(super) fn remove(&mut self, source: Source) -> bool {
        let place = self.paths.binary_search_by_key(&source, |path| path.source);
        place.map(|place| self.paths.remove(place)).is_ok()
    }

    fn is_empty(&self) -> bool {
        self.direct.is_empty() && self.paths.is_empty()
    }
}

/// Which next hops can be used: by VRF, for the next hops of VPN routes are reached in the VRF of their session.
pub(super) type NextHops = BTreeSet<(crate::id::VrfId, IpAddr)>;

/// What a decision looks at beyond the routes.
pub(super) struct View<'a> {
    pub(super) vrf: crate::id::VrfId,
    pub(super) peers: &'a [Peer],
    pub(super) next_hops: &'a NextHops,
    pub(super) config: &'a DecisionConfig,
}

impl View<'_> {
    /// Whether the next hop of `path` can be used (RFC 4271 §9.1.2.1); this router itself always can.
    pub(super) fn is_usable(&self, path: &Path) -> bool {
        let next_hop = path.attributes.next_hop;
        match path.source {
            Source::Originated if next_hop.is_unspecified() => true,
            Source::Originated | Source::Peer { distinguisher: None, .. } => {
                self.next_hops.contains(&(self.vrf, next_hop))
            }
            Source::Peer { peer, .. } => self.next_hops.contains(&(self.peers[peer.index()].config.vrf, next_hop)),
        }
    }

    pub(super) fn learned(&self, source: Source) -> Learned {
        match source.peer() {
            None => Learned::Own,
            Some(peer) if self.peers[peer.index()].config.is_external() => Learned::External,
            Some(_) => Learned::Internal,
        }
    }

    fn candidate<'a>(&self, path: &'a Path) -> Candidate<'a> {
        let peer = path.source.peer().map(|peer| &self.peers[peer.index()].config);
        Candidate {
            source: path.source,
            attributes: &path.attributes,
            weight: path.weight,
            learned: self.learned(path.source),
            router_id: peer.map_or(std::net::Ipv4Addr::UNSPECIFIED, |peer| peer.router_id),
            address: peer.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| peer.address),
        }
    }

    pub(super) fn choose(&self, entry: &Entry) -> Vec<Source> {
        let usable: Vec<_> =
            entry.paths.iter().filter(|path| self.is_usable(path)).map(|path| self.candidate(path)).collect();
        select(&usable, self.config)
    }

    /// Where packets go: the least administrative distance wins; of equal ones the route without BGP. Paths of the same
    /// next hop and label are one.
    pub(super) fn vias(&self, entry: &Entry, chosen: &[Source]) -> Vec<Via> {
        let usable = |direct: &&Direct| {
            direct.distance == DISTANCE_CONNECTED || self.next_hops.contains(&(self.vrf, direct.next_hop))
        };
        let bgp = chosen.first().map(|best| match self.learned(*best) {
            Learned::External => DISTANCE_EXTERNAL,
            Learned::Own | Learned::Internal => DISTANCE_INTERNAL,
        });
        let direct = entry.direct.iter().find(usable).map(|direct| direct.distance);
        if let Some(distance) = direct.filter(|distance| bgp.is_none_or(|bgp| *distance <= bgp)) {
            let equal = entry.direct.iter().filter(|direct| direct.distance == distance).filter(usable);
            return equal.map(|direct| Via { peer: None, next_hop: direct.next_hop, label: None }).collect();
        }
        let mut vias: Vec<Via> = Vec::with_capacity(chosen.len());
        for path in chosen.iter().filter_map(|source| entry.path(*source)) {
            let via = Via { peer: path.source.peer(), next_hop: path.attributes.next_hop, label: path.label };
            if vias.iter().all(|other| (other.next_hop, other.label) != (via.next_hop, via.label)) {
                vias.push(via);
            }
        }
        vias
    }
}

/// A VRF.
#[derive(Clone, Debug, Default)]
pub(super) struct Vrf {
    pub(super) vpn: Option<VpnConfig>,
    pub(super) routes: BTreeMap<IpNet, Entry>,
}

impl Vrf {
    pub(super) fn put(&mut self, prefix: IpNet, path: Path) -> bool {
        self.routes.entry(prefix).or_default().put(path)
    }

    pub(super) fn remove(&mut self, prefix: IpNet, source: Source) -> bool {
        self.routes.get_mut(&prefix).is_some_and(|entry| entry.remove(source))
    }

    /// Forgets a prefix that has no way left.
    pub(super) fn tidy(&mut self, prefix: IpNet) {
        if self.routes.get(&prefix).is_some_and(Entry::is_empty) {
            self.routes.remove(&prefix);
        }
    }
}
