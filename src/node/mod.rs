//! Nodes: the datapath (`forward`), the router around it with its slow path, and hosts.

pub mod forward;

pub use forward::{Entry, PuntReason, Step, Verdict, Witness, forward, forward_seen};
