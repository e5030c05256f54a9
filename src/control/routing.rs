//! The routes of one router: which next hops can be used, and what its table of routes makes of that for forwarding.

use super::bfd::Path;
use super::change::Change;
use super::rib::{Buckets, Direct, FibChange, Rib, RibConfig};
use crate::id::{PortId, VrfId};
use crate::table::NextHop;
use crate::time::Instant;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The routes of a router as they are configured.
#[derive(Clone, Debug, Default)]
pub struct RoutingSpec {
    /// What is set for its table of routes.
    pub config: RibConfig,
    /// The VRFs that it has routes in.
    pub vrfs: Vec<VrfId>,
    /// Routes that are written by hand.
    pub statics: Vec<StaticRoute>,
    /// Its neighbours, as far as routes lead to them.
    pub next_hops: Vec<NextHopSpec>,
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

/// A neighbour that routes lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHopSpec {
    /// The VRF that it is in.
    pub vrf: VrfId,
    /// Its address.
    pub address: IpAddr,
    /// How forwarding sends to it.
    pub forward: NextHop,
    /// The port that leads to it.
    pub port: PortId,
    /// The BFD session with it, by its place among those of the router: it is used once that is up, until that says that the
    /// path has failed.
    pub bfd: Option<usize>,
}

/// The routes of a router at work.
#[derive(Clone, Debug)]
pub(super) struct Routing {
    rib: Rib,
    next_hops: Vec<Neighbor>,
    buckets: Option<usize>,
    /// Of each route that was ever programmed, whose its buckets are.
    owners: BTreeMap<(VrfId, IpNet), Buckets<IpAddr>>,
}

/// A neighbour and what is known of the way to it.
#[derive(Clone, Debug)]
struct Neighbor {
    spec: NextHopSpec,
    is_port_up: bool,
    /// For all that BFD says, where it is asked.
    does_path_work: bool,
}

impl Routing {
    /// All ports are up, and no BFD session is.
    pub(super) fn new(spec: &RoutingSpec) -> Self {
        let mut rib = Rib::new(spec.config);
        spec.vrfs.iter().for_each(|vrf| rib.add_vrf(*vrf, None));
        let neighbor =
            |spec: &NextHopSpec| Neighbor { spec: *spec, is_port_up: true, does_path_work: spec.bfd.is_none() };
        let next_hops: Vec<Neighbor> = spec.next_hops.iter().map(neighbor).collect();
        for Neighbor { spec, does_path_work, .. } in &next_hops {
            rib.set_next_hop(Instant::ZERO, spec.vrf, spec.address, *does_path_work);
        }
        for StaticRoute { vrf, prefix, direct } in &spec.statics {
            rib.add_direct(Instant::ZERO, *vrf, *prefix, *direct);
        }
        Routing { rib, next_hops, buckets: spec.buckets, owners: BTreeMap::new() }
    }

    /// A port went down or came up.
    pub(super) fn handle_port(&mut self, now: Instant, port: PortId, up: bool) {
        self.change(now, |neighbor| {
            if neighbor.spec.port == port {
                neighbor.is_port_up = up;
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
            if neighbor.spec.bfd == Some(session) {
                neighbor.does_path_work = does_work;
            }
        });
    }

    fn change(&mut self, now: Instant, mut change: impl FnMut(&mut Neighbor)) {
        for neighbor in &mut self.next_hops {
            change(neighbor);
            let usable = neighbor.is_port_up && neighbor.does_path_work;
            self.rib.set_next_hop(now, neighbor.spec.vrf, neighbor.spec.address, usable);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.rib.poll_timeout()
    }

    /// The next change of forwarding that is in effect at `now`.
    pub(super) fn poll_change(&mut self, now: Instant) -> Option<Change> {
        let FibChange { vrf, prefix, next_hops, .. } = self.rib.poll_fib(now)?;
        assert!(next_hops.iter().all(|via| via.label.is_none()), "routes without peers have no label");
        let members: Vec<IpAddr> = next_hops.iter().map(|via| via.next_hop).collect();
        let members = match self.buckets {
            None => members,
            Some(count) => {
                let owners = self.owners.entry((vrf, prefix)).or_insert_with(|| Buckets::new(count));
                owners.set(&members);
                owners.owners().iter().copied().flatten().collect()
            }
        };
        let forward = |address: &IpAddr| {
            let neighbor = self.next_hops.iter().find(|known| (known.spec.vrf, known.spec.address) == (vrf, *address));
            neighbor.expect("what is no neighbour is not used").spec.forward
        };
        Some(Change::Route { vrf, prefix, next_hops: members.iter().map(forward).collect() })
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
        let forward = NextHop::port(PortId(1));
        let spec = RoutingSpec {
            vrfs: vec![VRF],
            statics: vec![StaticRoute { vrf: VRF, prefix, direct: Direct::fixed(address) }],
            next_hops: vec![NextHopSpec { vrf: VRF, address, forward, port: PortId(1), bfd: Some(7) }],
            ..RoutingSpec::default()
        };
        Routing::new(&spec)
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
