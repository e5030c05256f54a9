//! The engine on the virtual clock: links, horizons, threads; and the reference engine that it must equal.

pub mod network;

pub use network::{LinkSpec, Network, NodeSpec, Role, RouterAddresses, RouterSpec};

/// Ports of one node at the most.
pub const MAX_PORTS: usize = 31;
