//! The control plane of one router: protocols as pure machines, given the time and what arrived, asked for what they want.
//!
//! ```text
//! frames for the router -> neighbours (ARP, ND)                   -> frames
//!                       -> BFD ------ down, up ----v              -> frames
//!                       -> link states -> label-switched paths -> frames, table updates at their instants
//!                       -> TCP -> BGP -> routes -> RIB -> FIB     -> frames, table updates at their instants
//! ```
//! No part owns a clock, a socket or a thread. Each has `handle_...` for what comes in, `poll_...` for what it wants done, and
//! `poll_timeout` for when it wants to be called again: nothing changes before the instant it names.

pub mod bfd;
pub mod bgp;
pub mod carrier;
pub mod change;
pub mod interface;
pub mod liveness;
pub mod plane;
pub mod protection;
pub mod rib;
pub mod route;
pub mod routing;
mod segments;
pub mod speaker;
pub mod stack;
pub mod tables;

pub use carrier::{Carrier, CarrierSpec, Signal};
pub use change::Change;
pub use interface::{Arrived, InterfaceSpec, TagKey};
pub use liveness::{BfdSpec, Hops};
pub use plane::{Control, ControlSpec, Happened, Noted, Outgoing, Received, WatchedPort, Way};
pub use route::{AsPath, Attributes, Family, Nlri, Origin, RouteDistinguisher, RouteUpdate, Segment, Vpn};
pub use routing::{Followers, NextHopSpec, Originated, Reach, RoutingSpec, StaticRoute, Towards};
pub use speaker::{BgpSpec, Over};
