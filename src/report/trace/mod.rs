//! The way of one frame through a network, stage by stage, and of what was made of it: plain data, as text and as JSON.
//!
//! ```text
//! Gather   what the reference engine tells -> Trace     (gather)
//! Trace    -> text for people                           (text)
//!          -> JSON, schema biplane.trace/v1             (serde)
//! ```

mod describe;
mod gather;
mod headers;
mod reason;
mod step;
mod text;

pub use gather::Gather;
pub use headers::Headers;
pub use reason::{Reason, reason};
pub use step::Step;

use serde::Serialize;

/// The way of a frame and of everything that was made of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// The version of this format: `biplane.trace/v1`.
    pub schema: &'static str,
    /// The frame, then what slow paths made of it, in order of making.
    pub frames: Vec<Journey>,
}

/// The version of the JSON.
pub const SCHEMA: &str = "biplane.trace/v1";

/// The way of one frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Journey {
    /// Its number, from 0.
    pub number: u64,
    /// The number of the frame that a slow path made it from.
    pub made_from: Option<u64>,
    /// What it is, in words.
    pub what: String,
    /// Node by node.
    pub stages: Vec<Stage>,
    /// What became of it.
    pub end: End,
}

/// A frame at one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// The node.
    pub node: String,
    /// When the frame came to it: last bit, in picoseconds since the frame was sent first.
    pub at_ps: u64,
    /// How it came.
    pub entry: Entry,
    /// Its headers as it came.
    pub came: Headers,
    /// What the datapath looked up, in order.
    pub steps: Vec<Step>,
    /// Its headers in the end.
    pub left: Headers,
    /// What the slow path did with it.
    pub slow_path: Option<SlowPath>,
    /// How it left.
    pub out: Option<Out>,
}

/// How a frame came to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Entry {
    /// A source of this node offers it.
    Source,
    /// From the wire.
    Port {
        /// The port's name.
        port: String,
    },
    /// From the node's own slow path.
    SlowPath,
}

/// What a slow path did with a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlowPath {
    /// Why it has the frame: `local`, `ttl_expired`, `mpls_ttl_expired`, `mtu_exceeded`, `translate`.
    pub why: &'static str,
    /// The largest IP packet that would have gone, where it was too long.
    pub mtu: Option<u16>,
    /// The VRF that the frame was in.
    pub vrf: u16,
    /// What the frame became, in words, where its addresses were translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub became: Option<String>,
    /// The frames that it made.
    pub made: Vec<Made>,
}

/// A frame that a slow path made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its number.
    pub number: u64,
    /// What it is, in words.
    pub what: String,
    /// When it enters the datapath, in picoseconds.
    pub enters_ps: u64,
}

/// How a frame left a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Out {
    /// The port.
    pub port: String,
    /// The queue of its class.
    pub queue: u8,
    /// How many queues the port has.
    pub queues: usize,
    /// The unfinished work that was before it, in picoseconds.
    pub ahead_ps: u64,
    /// When its transmission started.
    pub start_ps: Option<u64>,
    /// When its last bit left.
    pub last_bit_ps: Option<u64>,
}

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// It is still under way.
    InNetwork,
    /// A host has it.
    Delivered {
        /// The host.
        node: String,
        /// The port that it came by.
        port: String,
        /// When, in picoseconds.
        at_ps: u64,
    },
    /// A router took it for itself.
    Consumed {
        /// The router.
        node: String,
        /// When, in picoseconds.
        at_ps: u64,
    },
    /// It was cut into fragments.
    Cut {
        /// The router.
        node: String,
        /// When, in picoseconds.
        at_ps: u64,
    },
    /// It was dropped.
    Dropped {
        /// The node.
        node: String,
        /// Where it is counted: `ingress` or `egress` of a port, or `slow_path`.
        place: &'static str,
        /// The port.
        port: Option<String>,
        /// Whether it had arrived: what a link loses has not.
        arrived: bool,
        /// When, in picoseconds.
        at_ps: u64,
        /// The reason's name in counters.
        reason: &'static str,
        /// The reason in words.
        words: &'static str,
        /// The section of the standard that says so.
        standard: Option<&'static str>,
    },
}
