//! Control planes in a report: which sessions there were, and what each router noticed and did, in order of time.

use super::drill::Loss;
use serde::Serialize;

/// What control planes did in a run.
#[derive(Clone, Debug, Serialize)]
pub struct ControlFigures {
    /// How long sessions had to come up before the start, in picoseconds.
    pub settle_ps: u64,
    /// Frames that control planes sent.
    pub sent: u64,
    /// Of these, frames that routers took.
    pub taken: u64,
    /// Of these, frames that were dropped.
    pub dropped: u64,
    /// Frames for routers that no protocol took, among those that were taken.
    pub unclaimed: u64,
    /// Where frames were dropped, and why: in the order of nodes, then most first.
    pub drops: Vec<Loss>,
    /// Both ends of all sessions, by router: BFD first.
    pub sessions: Vec<SessionFigures>,
    /// What happened, in order of time; at one instant the scenario's own events come first, then routers in their order.
    pub events: Vec<ControlEvent>,
}

/// A session as one of its ends has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionFigures {
    /// The router.
    pub router: String,
    /// Which of its sessions.
    #[serde(flatten)]
    pub session: SessionId,
    /// Its state at the start.
    pub state_at_start: &'static str,
    /// Its state at the end.
    pub state: &'static str,
    /// How often it went down after the start.
    pub downs: u64,
}

/// Which session of a router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionId {
    /// `bfd` or `bgp`.
    pub protocol: &'static str,
    /// The router at the other end.
    pub peer: String,
    /// Its address.
    pub address: String,
    /// What it is of.
    pub of: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControlEvent {
    /// When, in picoseconds from the start; below 0 while sessions came up.
    pub at_ps: i64,
    /// The router; `None` of what the scenario has happen.
    pub router: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: ControlNews,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ControlNews {
    /// An event of the scenario.
    Scenario {
        /// Its name.
        name: String,
        /// Whether it begins, or is over.
        begins: bool,
    },
    /// A port lost its signal, or has it again.
    Signal {
        /// The port.
        port: String,
        /// Whether it is lost.
        lost: bool,
    },
    /// A port went down, or came up.
    Port {
        /// The port.
        port: String,
        /// Whether it is up.
        up: bool,
    },
    /// A row of a neighbour table changed (ARP, neighbour discovery).
    Neighbor {
        /// What the sub-interface is of.
        of: String,
        /// The neighbour.
        address: String,
        /// `resolved`, `changed`, `gone`, or `incomplete`: it did not answer.
        state: &'static str,
        /// Its MAC address, where it is known.
        mac: Option<String>,
    },
    /// A session changed its state.
    Session {
        /// Which.
        #[serde(flatten)]
        session: SessionId,
        /// The state before.
        from: &'static str,
        /// The state now.
        to: &'static str,
        /// Why.
        why: String,
        /// Of BFD: its path was taken for failed while no event of the scenario touched it.
        false_failover: bool,
    },
    /// A provider's router took the bypasses of a port, or the port again (local repair, RFC 4090).
    Switched {
        /// The port.
        port: String,
        /// Whether it takes the bypasses.
        to_backup: bool,
        /// Next hops that were switched.
        next_hops: u64,
    },
    /// A provider's router takes the paths around what does not work, or the first ones again.
    Reconverged {
        /// Links that paths avoid now.
        avoided: u64,
        /// Next hops and labels of the router that lead elsewhere than before.
        changed: u64,
    },
    /// Forwarding has other next hops for a prefix.
    Route {
        /// The VRF.
        vrf: u16,
        /// The prefix.
        prefix: String,
        /// The ports that packets leave by, or `NAT to` the pool that translates them before; one several times as its
        /// weight; none: the route is gone.
        ports: Vec<String>,
    },
}
