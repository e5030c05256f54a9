//! The routes of one router: which next hops can be used, and what its table of routes makes of that for forwarding.

use super::bfd::Path;
use super::change::Change;
use super::rib::{Buckets, Direct, FibChange, PeerConfig, PeerCounts, PeerId, Rib, RibConfig, RouteView, VpnConfig};
use super::route::{Attributes, RouteUpdate};
use crate::id::{PortId, VrfId};
use crate::table::{Member, NextHop, Protected};
use crate::time::Instant;
use crate::wire::mpls::Label;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

/// The routes of a router as they are configured.
#[derive(Clone, Debug, Default)]
pub struct RoutingSpec {
    /// What is set for its table of routes.
    pub config: RibConfig,
    /// The VRFs that it has routes in, and what makes one of them one of a VPN.
    pub vrfs: Vec<(VrfId, Option<VpnConfig>)>,
    /// Routes that are written by hand.
    pub statics: Vec<StaticRoute>,
    /// Prefixes that it gives to BGP itself.
    pub originated: Vec<Originated>,
    /// Its neighbours, as far as routes lead to them.
    pub next_hops: Vec<NextHopSpec>,
    /// Which VRFs of the forwarding table follow the routes.
    pub followers: Followers,
    /// Buckets of flows of each route, for resilient hashing: a next hop that leaves moves its own flows only. `None`:
    /// flows are spread anew over those that are left.
    pub buckets: Option<usize>,
}

/// A route that is written by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticRoute {
    /// The VRF.
    pub vrf: VrfId,
    /// Its destinations: a dynamic route of the FIB.
    pub prefix: IpNet,
    /// Where to, and its administrative distance.
    pub direct: Direct,
}

/// A prefix that a router gives to BGP itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Originated {
    /// The VRF.
    pub vrf: VrfId,
    /// The prefix.
    pub prefix: IpNet,
    /// What is said of it.
    pub attributes: Attributes,
}

/// Which VRFs of the forwarding table follow the routes to a prefix in a VRF of the table of routes: dynamic routes of the FIB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Followers {
    /// That of the same number, for all prefixes.
    #[default]
    Same,
    /// These. Forwarding takes no note of routes that are not listed.
    Listed(BTreeMap<(VrfId, IpNet), Vec<VrfId>>),
}

/// A neighbour that routes lead to, or the far end of a label-switched path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextHopSpec {
    /// The VRF that it is in: that of the session, where it is the next hop of VPN routes.
    pub vrf: VrfId,
    /// Its address.
    pub address: IpAddr,
    /// Of VPN routes, the label that it gave them.
    pub label: Option<Label>,
    /// How forwarding sends to it, in each of its VRFs that can: another that follows does without it.
    pub forward: Vec<(VrfId, Towards)>,
    /// What leads to it.
    pub by: Reach,
}

/// What leads to a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A port: it is used while that is up.
    Port {
        /// Which one.
        port: PortId,
        /// The BFD session with it, by its place among those of the router: it is used once that is up, until that says that
        /// the path has failed.
        bfd: Option<usize>,
    },
    /// A label-switched path, by its place in [`ProtectionSpec::lsps`](super::protection::ProtectionSpec::lsps): it is used
    /// while there is a way, as far as anybody watches that.
    Path(usize),
}

/// How forwarding sends to a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Towards {
    /// As it is; the primary one, where there is another behind it.
    pub next_hop: NextHop,
    /// The same with the other behind it.
    pub protected: Option<Protected>,
}

impl Towards {
    /// As a member of a set of next hops.
    pub fn member(self) -> Member {
        self.protected.map_or(Member::Plain(self.next_hop), Member::Protected)
    }
}

impl From<NextHop> for Towards {
    fn from(next_hop: NextHop) -> Self {
        Towards { next_hop, protected: None }
    }
}

/// Where packets go next: an address, and of VPN routes the label.
type Gateway = (IpAddr, Option<Label>);

/// The routes of a router at work.
#[derive(Clone, Debug)]
pub(super) struct Routing {
    rib: Rib,
    vrfs: Vec<VrfId>,
    next_hops: Vec<Neighbor>,
    followers: Followers,
    buckets: Option<usize>,
    /// Of each route that was ever programmed, whose its buckets are.
    owners: BTreeMap<(VrfId, IpNet), Buckets<Gateway>>,
    /// Peers that nothing can be sent to now.
    stuck: BTreeSet<PeerId>,
    changes: VecDeque<Change>,
}

/// A neighbour and what is known of the way to it.
#[derive(Clone, Debug)]
struct Neighbor {
    spec: NextHopSpec,
    /// Of a port, that it is up; of a path, that there is a way.
    is_there: bool,
    /// For all that BFD says, where it is asked.
    does_path_work: bool,
}

impl Routing {
    /// All ports are up, and no session is. The peers' places are those of the list.
    pub(super) fn new<'s>(spec: &RoutingSpec, peers: impl Iterator<Item = &'s PeerConfig>) -> Self {
        let mut rib = Rib::new(spec.config);
        spec.vrfs.iter().for_each(|(vrf, vpn)| rib.add_vrf(*vrf, vpn.clone()));
        peers.for_each(|peer| _ = rib.add_peer(peer.clone()));
        let neighbor = |spec: &NextHopSpec| {
            let is_watched = matches!(spec.by, Reach::Port { bfd: Some(_), .. });
            Neighbor { spec: spec.clone(), is_there: true, does_path_work: !is_watched }
        };
        let next_hops: Vec<Neighbor> = spec.next_hops.iter().map(neighbor).collect();
        for Neighbor { spec, does_path_work, .. } in &next_hops {
            rib.set_next_hop(Instant::ZERO, spec.vrf, spec.address, *does_path_work);
        }
        for StaticRoute { vrf, prefix, direct } in &spec.statics {
            rib.add_direct(Instant::ZERO, *vrf, *prefix, *direct);
        }
        for Originated { vrf, prefix, attributes } in &spec.originated {
            rib.originate(Instant::ZERO, *vrf, *prefix, attributes.clone());
        }
        Routing {
            rib,
            vrfs: spec.vrfs.iter().map(|(vrf, _)| *vrf).collect(),
            next_hops,
            followers: spec.followers.clone(),
            buckets: spec.buckets,
            owners: BTreeMap::new(),
            stuck: BTreeSet::new(),
            changes: VecDeque::new(),
        }
    }

    /// A port went down or came up.
    pub(super) fn handle_port(&mut self, now: Instant, port: PortId, up: bool) {
        self.change(now, |neighbor| {
            if matches!(neighbor.spec.by, Reach::Port { port: by, .. } if by == port) {
                neighbor.is_there = up;
            }
        });
    }

    /// There is a way for a label-switched path that begins here, or none any more.
    pub(super) fn handle_path(&mut self, now: Instant, lsp: usize, is_there: bool) {
        self.change(now, |neighbor| {
            if neighbor.spec.by == Reach::Path(lsp) {
                neighbor.is_there = is_there;
            }
        });
    }

    /// A BFD session says what its path is like. One that nobody watches any more is used on: that an operator holds a
    /// session down says nothing of the path (RFC 5882 §3.2).
    pub(super) fn handle_bfd(&mut self, now: Instant, session: usize, path: Path) {
        let does_work = match path {
            Path::Works => true,
            Path::Failed => false,
            Path::Unwatched => return,
        };
        self.change(now, |neighbor| {
            if matches!(neighbor.spec.by, Reach::Port { bfd, .. } if bfd == Some(session)) {
                neighbor.does_path_work = does_work;
            }
        });
    }

    fn change(&mut self, now: Instant, mut change: impl FnMut(&mut Neighbor)) {
        for neighbor in &mut self.next_hops {
            change(neighbor);
            let usable = neighbor.is_there && neighbor.does_path_work;
            self.rib.set_next_hop(now, neighbor.spec.vrf, neighbor.spec.address, usable);
        }
    }

    /// The session of a peer is established.
    pub(super) fn peer_up(&mut self, now: Instant, peer: PeerId) {
        self.rib.peer_up(now, peer);
    }

    /// It is not any more.
    pub(super) fn peer_down(&mut self, now: Instant, peer: PeerId) {
        self.rib.peer_down(now, peer);
    }

    /// A peer says something of routes.
    pub(super) fn handle_update(&mut self, now: Instant, peer: PeerId, update: &RouteUpdate) {
        self.rib.handle_update(now, peer, update);
    }

    /// A peer wants to hear everything again.
    pub(super) fn refresh(&mut self, now: Instant, peer: PeerId) {
        self.rib.refresh(now, peer);
    }

    /// What is next to be said to a peer.
    pub(super) fn poll_updates(&mut self, now: Instant, peer: PeerId) -> Option<RouteUpdate> {
        self.rib.poll_updates(now, peer)
    }

    /// How many routes a peer and this router have told each other.
    pub(super) fn counts(&self, peer: PeerId) -> PeerCounts {
        self.rib.counts(peer)
    }

    /// The routes of each VRF at `now`.
    pub(super) fn tables(&self, now: Instant) -> Vec<(VrfId, Vec<RouteView>)> {
        self.vrfs.iter().map(|vrf| (*vrf, self.rib.routes(now, *vrf).collect())).collect()
    }

    /// Whether nothing more can be sent to a peer now.
    pub(super) fn set_stuck(&mut self, peer: PeerId, is_stuck: bool) {
        if is_stuck {
            self.stuck.insert(peer);
        } else {
            self.stuck.remove(&peer);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.rib.poll_timeout_but(|peer| self.stuck.contains(&peer))
    }

    /// The next change of forwarding that is in effect at `now`.
    pub(super) fn poll_change(&mut self, now: Instant) -> Option<Change> {
        while self.changes.is_empty() {
            let change = self.rib.poll_fib(now)?;
            self.follow(change);
        }
        self.changes.pop_front()
    }

    /// What the VRFs do that follow a change.
    fn follow(&mut self, FibChange { vrf, prefix, next_hops, .. }: FibChange) {
        let same = [vrf];
        let followers = match &self.followers {
            Followers::Same => &same[..],
            Followers::Listed(listed) => listed.get(&(vrf, prefix)).map_or(&[][..], Vec::as_slice),
        };
        if followers.is_empty() {
            return;
        }
        let members: Vec<Gateway> = next_hops.iter().map(|via| (via.next_hop, via.label)).collect();
        let members = match self.buckets {
            None => members,
            Some(count) => {
                let owners = self.owners.entry((vrf, prefix)).or_insert_with(|| Buckets::new(count));
                owners.set(&members);
                owners.owners().iter().copied().flatten().collect()
            }
        };
        let forward = |gateway: &Gateway, table: VrfId| {
            // A label is of one router of one VPN: the VRF of its session is another one.
            let is_it = |NextHopSpec { vrf: of, address, label, .. }: &NextHopSpec| {
                (*address, *label) == *gateway && (label.is_some() || *of == vrf)
            };
            let neighbor = self.next_hops.iter().find(|known| is_it(&known.spec));
            let neighbor = neighbor.expect("what is no neighbour is not used");
            neighbor.spec.forward.iter().find(|(known, _)| *known == table).map(|(_, towards)| *towards)
        };
        let change = |&table: &VrfId| {
            let next_hops = members.iter().filter_map(|gateway| forward(gateway, table)).collect();
            Change::Route { vrf: table, prefix, next_hops }
        };
        self.changes.extend(followers.iter().map(change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    const VRF: VrfId = VrfId(0);

    /// A route by one neighbour, which BFD watches.
    fn watched() -> Routing {
        let (prefix, address) = ("10.2.0.0/16".parse().unwrap(), IpAddr::from([192, 168, 0, 2]));
        let forward = vec![(VRF, NextHop::port(PortId(1)).into())];
        let by = Reach::Port { port: PortId(1), bfd: Some(7) };
        let spec = RoutingSpec {
            vrfs: vec![(VRF, None)],
            statics: vec![StaticRoute { vrf: VRF, prefix, direct: Direct::fixed(address) }],
            next_hops: vec![NextHopSpec { vrf: VRF, address, label: None, forward, by }],
            ..RoutingSpec::default()
        };
        Routing::new(&spec, std::iter::empty())
    }

    type Step<'a> = &'a dyn Fn(&mut Routing, Instant);

    /// How many next hops there are after each step, where that changes.
    fn steps(routing: &mut Routing, steps: &[Step<'_>]) -> Vec<Option<usize>> {
        let at = |place: usize| Instant::ZERO + Span::from_s(place as u64);
        let step = |(place, step): (usize, &Step<'_>)| {
            step(routing, at(place));
            match routing.poll_change(at(place)) {
                Some(Change::Route { next_hops, .. }) => Some(next_hops.len()),
                _ => None,
            }
        };
        steps.iter().enumerate().map(step).collect()
    }

    #[test]
    fn an_operator_who_holds_a_session_down_takes_no_route() {
        let bfd = |path| move |routing: &mut Routing, at: Instant| routing.handle_bfd(at, 7, path);
        let other = |routing: &mut Routing, at: Instant| routing.handle_bfd(at, 6, Path::Failed);
        let mut routing = watched();
        let came = steps(
            &mut routing,
            &[&other, &bfd(Path::Works), &other, &bfd(Path::Unwatched), &bfd(Path::Failed), &bfd(Path::Works)],
        );
        assert_eq!(came, [None, Some(1), None, None, Some(0), Some(1)]);
    }

    #[test]
    fn a_port_that_is_down_takes_routes_whatever_bfd_says() {
        let port = |up| move |routing: &mut Routing, at: Instant| routing.handle_port(at, PortId(1), up);
        let works = |routing: &mut Routing, at: Instant| routing.handle_bfd(at, 7, Path::Works);
        let mut routing = watched();
        assert_eq!(
            steps(&mut routing, &[&works, &port(false), &works, &port(true)]),
            [Some(1), Some(0), None, Some(1)]
        );
    }
}
