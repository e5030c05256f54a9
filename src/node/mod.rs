//! Nodes: the datapath (`forward`), the router around it with its slow path, address translation and control plane, and
//! hosts.

pub mod forward;
pub mod nat;
pub mod seat;
pub mod slow_path;

pub use forward::{Entry, PuntReason, Step, Verdict, Witness};
pub use forward::{forward, forward_long, forward_seen, forward_short, look_ahead};
pub use nat::{Nat, NatSpec, PoolSpec, Server};
pub use seat::{Onward, Seat};
pub use slow_path::{Fate, RouterAddresses, resolve};
