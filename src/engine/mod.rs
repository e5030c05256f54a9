//! The engine on the virtual clock: links, horizons, threads; and the reference engine that it must equal.

pub mod network;
pub mod outcome;

pub use network::{LinkSpec, Network, NodeSpec, Role, RouterSpec};
pub use outcome::{Count, Delivery, NodeOutcome, Outcome, PortOutcome, SourceOutcome};

/// Ports of one node at the most.
pub const MAX_PORTS: usize = 31;
