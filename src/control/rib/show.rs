//! The routes as an operator would list them: all paths to each prefix, and how many each peer and this router exchanged.

use super::table::{Entry, Source};
use super::{Direct, PeerCounts, PeerId, Rib, Via};
use crate::control::route::{Attributes, Nlri};
use crate::id::VrfId;
use crate::time::{Instant, Span};
use crate::wire::mpls::Label;
use ipnet::IpNet;
use std::sync::Arc;

/// All that is known of one prefix in one VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// The prefix.
    pub prefix: IpNet,
    /// Connected and static routes, the least distance first.
    pub direct: Vec<Direct>,
    /// What BGP knows, in order of the sources.
    pub paths: Vec<PathView>,
    /// What the forwarding table has, or has when all that waits is programmed.
    pub next_hops: Vec<Via>,
}

/// One path that BGP knows, as import policy left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathView {
    /// Who told of it.
    pub source: Source,
    /// What it says.
    pub attributes: Arc<Attributes>,
    /// Its weight within this router.
    pub weight: u32,
    /// Its VPN label.
    pub label: Option<Label>,
    /// Its next hop can be used.
    pub is_usable: bool,
    /// It is the best: peers are told this one.
    pub is_best: bool,
    /// It is one of several, the best one among them, that share the traffic that BGP's routes get.
    pub is_multipath: bool,
    /// How long it has been as it is.
    pub age: Span,
}

impl Rib {
    /// The routes of `vrf` at `now`, in order of prefix.
    pub fn routes(&self, now: Instant, vrf: VrfId) -> impl Iterator<Item = RouteView> + '_ {
        let table = self.vrfs.get(&vrf).into_iter().flat_map(|table| &table.routes);
        table.map(move |(prefix, entry)| self.route_view(now, vrf, *prefix, entry))
    }

    /// The route of `vrf` to exactly `prefix`.
    pub fn route(&self, now: Instant, vrf: VrfId, prefix: IpNet) -> Option<RouteView> {
        let entry = self.vrfs.get(&vrf)?.routes.get(&prefix.trunc())?;
        Some(self.route_view(now, vrf, prefix.trunc(), entry))
    }

    /// How many routes `peer` and this router have told each other.
    pub fn counts(&self, peer: PeerId) -> PeerCounts {
        self.peers[peer.index()].counts()
    }

    /// What `peer` was told and is still to believe, in order of VRF and prefix.
    pub fn advertised(&self, peer: PeerId) -> impl Iterator<Item = (&Nlri, &Arc<Attributes>)> {
        self.peers[peer.index()].out.sent().map(|(nlri, attributes)| (nlri, attributes))
    }

    fn route_view(&self, now: Instant, vrf: VrfId, prefix: IpNet, entry: &Entry) -> RouteView {
        let view = self.view(vrf);
        let paths = entry.paths.iter().map(|path| PathView {
            source: path.source,
            attributes: path.attributes.clone(),
            weight: path.weight,
            label: path.label,
            is_usable: view.is_usable(path),
            is_best: entry.chosen.first() == Some(&path.source),
            is_multipath: entry.chosen.len() > 1 && entry.chosen.contains(&path.source),
            age: now.since(path.since),
        });
        RouteView {
            prefix,
            direct: entry.direct.iter().copied().collect(),
            paths: paths.collect(),
            next_hops: entry.vias.clone(),
        }
    }
}
