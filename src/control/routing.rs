//! The routes of one router: which next hops can be used, and what its table of routes makes of that for forwarding.

use super::plane::Change;
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
    /// The BFD session with it, by its place among those of the router: it is used only while that is up.
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
    is_bfd_up: bool,
}

impl Routing {
    /// All ports are up, and no BFD session is.
    pub(super) fn new(spec: &RoutingSpec) -> Self {
        let mut rib = Rib::new(spec.config);
        spec.vrfs.iter().for_each(|vrf| rib.add_vrf(*vrf, None));
        let neighbor = |spec: &NextHopSpec| Neighbor { spec: *spec, is_port_up: true, is_bfd_up: spec.bfd.is_none() };
        let next_hops: Vec<Neighbor> = spec.next_hops.iter().map(neighbor).collect();
        for Neighbor { spec, is_bfd_up, .. } in &next_hops {
            rib.set_next_hop(Instant::ZERO, spec.vrf, spec.address, *is_bfd_up);
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

    /// A BFD session came up, or is not up any more.
    pub(super) fn handle_bfd(&mut self, now: Instant, session: usize, up: bool) {
        self.change(now, |neighbor| {
            if neighbor.spec.bfd == Some(session) {
                neighbor.is_bfd_up = up;
            }
        });
    }

    fn change(&mut self, now: Instant, mut change: impl FnMut(&mut Neighbor)) {
        for neighbor in &mut self.next_hops {
            change(neighbor);
            let usable = neighbor.is_port_up && neighbor.is_bfd_up;
            self.rib.set_next_hop(now, neighbor.spec.vrf, neighbor.spec.address, usable);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.rib.poll_timeout()
    }

    /// The next change of forwarding that is in effect at `now`.
    pub(super) fn poll_change(&mut self, now: Instant) -> Option<Change> {
        let FibChange { vrf, prefix, next_hops, .. } = self.rib.poll_fib(now)?;
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
            neighbor.map(|known| known.spec.forward)
        };
        Some(Change::Route { vrf, prefix, next_hops: members.iter().filter_map(forward).collect() })
    }
}
