//! Global Reach as meant: two circuits joined at the Microsoft edge.

use ipnet::{Ipv4Net, Ipv6Net};

use super::CircuitId;
use crate::scenario::source::{Extent, Located};
use crate::time::Span;

/// Two circuits whose sites reach each other over Microsoft's network, primary plane to primary, secondary to secondary
/// (`[[global_reach]]`). It holds for these two alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalReach {
    /// Where it is written.
    pub at: Extent,
    /// The circuits; not the same.
    pub circuits: [Located<CircuitId>; 2],
    /// The /29 of the links between the edge routers: the first half is the primary plane's. In each half the router of
    /// the first circuit has the first address, that of the second the second.
    pub subnet: Ipv4Net,
    /// The same for IPv6, a /125; without it no IPv6 is carried.
    pub subnet_v6: Option<Ipv6Net>,
    /// Delay between the two peering locations, one way; 100 ns at least.
    pub delay: Span,
    /// How much passes at once, each way on each plane: what the smaller circuit's bandwidth brings in this time.
    pub burst: Span,
    /// What authorizes it where the circuits are of two subscriptions. Kept: a scenario knows of no subscriptions.
    pub authorization: Option<String>,
}
