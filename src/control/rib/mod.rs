//! The routes of one router: what peers announce, which are used, what peers are told, and what forwarding is to do.
//!
//! ```text
//! peers -> Adj-RIB-In -> import policy -> table of a VRF -> decision -> export policy -> Adj-RIB-Out -> peers
//! own, connected, static routes ----------^         ^          `-> programming -> forwarding table
//! VPN routes, by their route targets ---------------'
//! ```
//! It opens no session and reads no clock: sessions say that they are up and hand over updates, and take updates to
//! send.

mod adj_out;
mod decision;
mod export;
mod machine;
mod peer;
mod policy;
mod programming;
mod show;
mod spread;
mod table;
#[cfg(test)]
mod tests;

pub use decision::{DEFAULT_LOCAL_PREF, Learned};
pub use peer::{PeerConfig, PeerCounts, PeerId, PeerKind};
pub use policy::{
    GRACEFUL_SHUTDOWN, NO_ADVERTISE, NO_EXPORT, NO_EXPORT_SUBCONFED, Policy, PrefixRange, Rule, community,
};
pub use programming::ProgrammingConfig;
pub use show::{PathView, RouteView};
pub use spread::Buckets;
pub use table::{DISTANCE_CONNECTED, DISTANCE_EXTERNAL, DISTANCE_INTERNAL, DISTANCE_STATIC, Direct, Source, VpnConfig};

use crate::id::VrfId;
use crate::time::Instant;
use crate::wire::mpls::Label;
use ipnet::IpNet;
use peer::Peer;
use programming::Programming;
use std::collections::BTreeMap;
use std::net::IpAddr;
use table::{NextHops, Vrf};

/// How routes to the same prefix compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionConfig {
    /// MULTI_EXIT_DISC compares between routes of different neighbouring systems too.
    pub always_compare_med: bool,
    /// External routes that share the traffic of a prefix at the most; at least 1.
    pub maximum_paths_external: usize,
    /// Internal ones; at least 1.
    pub maximum_paths_internal: usize,
    /// Routes share if their AS paths are as long; otherwise they must be the same.
    pub multipath_relax: bool,
}

impl Default for DecisionConfig {
    /// One path each, AS paths of equal length.
    fn default() -> Self {
        DecisionConfig {
            always_compare_med: false,
            maximum_paths_external: 1,
            maximum_paths_internal: 1,
            multipath_relax: true,
        }
    }
}

/// What is settable of a router's routes as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RibConfig {
    /// The router's autonomous system.
    pub local_as: u32,
    /// How routes compare.
    pub decision: DecisionConfig,
    /// How long forwarding takes to follow.
    pub programming: ProgrammingConfig,
}

/// Where packets to a prefix go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Via {
    /// The peer that said so; `None` of the router's own, connected and static routes.
    pub peer: Option<PeerId>,
    /// The next hop. Of a route with a label it is reached in the VRF of the peer's session, by the label of that path
    /// in front. Unspecified: this router itself.
    pub next_hop: IpAddr,
    /// The VPN label, innermost.
    pub label: Option<Label>,
}

/// A change of the forwarding table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FibChange {
    /// When it takes effect.
    pub at: Instant,
    /// In which table.
    pub vrf: VrfId,
    /// Which packets.
    pub prefix: IpNet,
    /// Where they go from then on, in a fixed order; nowhere if there is none.
    pub next_hops: Vec<Via>,
}

/// The routing information base of one router (RFC 4271 §3.2), of all its VRFs.
///
/// After each input [`poll_updates`](Self::poll_updates) says what peers must be told, and
/// [`poll_fib`](Self::poll_fib) what forwarding does from now on. The own routes of a VRF are exported to VPN peers; from
/// one VRF of a router to another there is no way. VPN routes are compared after their import, in the VRF, with all
/// others.
#[derive(Clone, Debug)]
pub struct Rib {
    config: RibConfig,
    vrfs: BTreeMap<VrfId, Vrf>,
    peers: Vec<Peer>,
    /// Which VRFs import each route target.
    importers: BTreeMap<[u8; 8], Vec<VrfId>>,
    next_hops: NextHops,
    programming: Programming,
}
