//! Tables of routers at an instant, in the words of Azure's cmdlets and of `show` commands.

use serde::Serialize;

/// The tables of all routers that have control planes.
#[derive(Clone, Debug, Serialize)]
pub struct TableFigures {
    /// When, in picoseconds from the start; all that happened then is in them.
    pub at_ps: u64,
    /// Per router.
    pub routers: Vec<RouterTables>,
}

/// The tables of one router.
#[derive(Clone, Debug, Serialize)]
pub struct RouterTables {
    /// The router.
    pub router: String,
    /// As `Get-AzExpressRouteCircuitARPTable` has them; neighbours of IPv6 too.
    pub arp: Vec<ArpRow>,
    /// As `show bfd neighbors` has them.
    pub bfd: Vec<BfdNeighbor>,
    /// As `Get-AzExpressRouteCircuitRouteTableSummary` has them.
    pub summary: Vec<BgpNeighbor>,
    /// As `Get-AzExpressRouteCircuitRouteTable` has them.
    pub routes: Vec<RouteRow>,
    /// As `show mpls forwarding-table` has them.
    pub labels: Vec<LabelRow>,
}

/// A neighbour of a sub-interface.
#[derive(Clone, Debug, Serialize)]
pub struct ArpRow {
    /// Whole minutes since it last answered, or was first asked for.
    pub age_min: u64,
    /// What the sub-interface is of.
    pub interface: String,
    /// Its address.
    pub ip_address: String,
    /// Its MAC address, or `Incomplete`.
    pub mac_address: String,
}

/// A BFD session.
#[derive(Clone, Debug, Serialize)]
pub struct BfdNeighbor {
    /// The other end.
    pub address: String,
    /// The own discriminator, and the other end's; 0 if it is not known.
    pub discriminators: [u32; 2],
    /// Its state.
    pub state: &'static str,
    /// What the other end said last of its own.
    pub remote_state: &'static str,
    /// Between own packets at the most, in picoseconds.
    pub interval_ps: Option<u64>,
    /// How long the other end may be silent, in picoseconds.
    pub detection_ps: Option<u64>,
    /// What it is of.
    pub of: String,
}

/// A BGP session.
#[derive(Clone, Debug, Serialize)]
pub struct BgpNeighbor {
    /// The other end.
    pub neighbor: String,
    /// The other end's autonomous system.
    pub remote_as: u32,
    /// How long it has been in its state, in picoseconds.
    pub up_down_ps: u64,
    /// Its state.
    pub state: &'static str,
    /// Prefixes that it has announced.
    pub prefixes: u64,
    /// What it is of.
    pub of: String,
}

/// A way to a prefix.
#[derive(Clone, Debug, Serialize)]
pub struct RouteRow {
    /// The VRF, by its number on the router.
    pub vrf: u16,
    /// The prefix.
    pub network: String,
    /// Where to send; 0.0.0.0 or :: is the router itself.
    pub next_hop: String,
    /// The label of the next hop's VPN, of a VPN route.
    pub label: Option<u32>,
    /// LOCAL_PREF, where the way has one.
    pub loc_prf: Option<u32>,
    /// Its weight on this router.
    pub weight: u32,
    /// The autonomous systems that it has passed.
    pub path: String,
    /// Whether it is the best: peers are told this one.
    pub best: bool,
    /// Whether it shares the traffic.
    pub used: bool,
}

/// An entry of a label map.
#[derive(Clone, Debug, Serialize)]
pub struct LabelRow {
    /// The label that packets come with.
    pub label: u32,
    /// What is done with it: `swap`, `pop`, `look up` (it is popped, and what lies beneath is looked up) or `pseudowire` (it is
    /// popped, and the frame beneath leaves).
    pub operation: &'static str,
    /// Ways of equal cost.
    pub ways: Vec<LabelWay>,
    /// Where IP beneath is looked up, by the VRF's number on the router.
    pub vrf: Option<u16>,
    /// Whether it is on a bypass (local repair).
    pub on_backup: bool,
    /// What it is of: a path, a bypass, a VPN or a pseudowire.
    pub of: String,
}

/// A way of an entry of a label map.
#[derive(Clone, Debug, Serialize)]
pub struct LabelWay {
    /// The labels in its place, top first.
    pub outgoing: Vec<u32>,
    /// The port that it leaves by.
    pub port: String,
}
