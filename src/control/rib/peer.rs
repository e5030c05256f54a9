//! A BGP session's far end as the routing table sees it: what it is, and what it has said.

use super::Policy;
use super::adj_out::AdjOut;
use crate::control::route::{Attributes, Family, RouteDistinguisher};
use crate::id::VrfId;
use crate::time::Span;
use crate::wire::mpls::Label;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// A peer: its place in the router's list of BGP sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u16);

impl PeerId {
    /// The place.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Whether a peer is of the own autonomous system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerKind {
    /// It is of another one.
    External {
        /// Which.
        remote_as: u32,
    },
    /// It is of the own one.
    Internal,
}

/// What is known of a peer before its session is up.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// The VRF that the session runs in: routes without a distinguisher are of this one, and next hops are reached in it.
    pub vrf: VrfId,
    /// Whether it is of the own autonomous system.
    pub kind: PeerKind,
    /// Its BGP identifier: the lower one is preferred (RFC 4271 §9.1.2.2 f).
    pub router_id: Ipv4Addr,
    /// Its address: the lower one is preferred (§9.1.2.2 g).
    pub address: IpAddr,
    /// The own end of the session: the next hop that the peer is told where it is this router. One of IPv4 with routes
    /// of IPv6 is for the codec to map (RFC 4659 §3.2.1.2).
    pub local_address: IpAddr,
    /// Families that both ends agreed on; those of VPNs with internal peers only.
    pub families: Vec<Family>,
    /// What becomes of routes from it.
    pub import: Policy,
    /// What becomes of routes to it, before the own autonomous system is put in front.
    pub export: Policy,
    /// To an internal peer: the next hop is this router, whoever announced the route. To an external one, and of VPN
    /// routes, it always is.
    pub next_hop_self: bool,
    /// How often the own autonomous system may be in the path of a route from it: 0, for that is a loop (RFC 4271 §9.1.2), but
    /// where the own system has parts that are joined by others alone.
    pub own_as_allowed: usize,
    /// MinRouteAdvertisementIntervalTimer (RFC 4271 §9.2.1.1): the least time between two sets of changes, withdrawals
    /// too. 0 sends each at once.
    pub advertisement_interval: Span,
}

impl PeerConfig {
    /// Whether it is of another autonomous system.
    pub const fn is_external(&self) -> bool {
        matches!(self.kind, PeerKind::External { .. })
    }
}

/// How many routes a peer and this router have told each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounts {
    /// In Adj-RIB-In: what it announced and did not withdraw.
    pub received: usize,
    /// Of these, those that are no loop and that import policy let pass.
    pub accepted: usize,
    /// In Adj-RIB-Out: what it was told and is still to believe.
    pub advertised: usize,
}

/// What a peer names a route by.
pub(super) type InKey = (IpNet, Option<RouteDistinguisher>);

/// A route as the peer announced it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) attributes: Arc<Attributes>,
    pub(super) label: Option<Label>,
    pub(super) is_accepted: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) config: PeerConfig,
    pub(super) is_up: bool,
    pub(super) adj_in: BTreeMap<InKey, Received>,
    pub(super) out: AdjOut,
}

impl Peer {
    pub(super) fn new(config: PeerConfig) -> Self {
        Peer { config, is_up: false, adj_in: BTreeMap::new(), out: AdjOut::default() }
    }

    pub(super) fn counts(&self) -> PeerCounts {
        PeerCounts {
            received: self.adj_in.len(),
            accepted: self.adj_in.values().filter(|route| route.is_accepted).count(),
            advertised: self.out.advertised(),
        }
    }
}
