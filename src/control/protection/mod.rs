//! Failures inside a provider's network: the router before one repairs it at once, then all routers find paths around it, and
//! when the link is back and has been left alone for a while, all is as it was.
//!
//! ```text
//! link    works | lost                                   | back            reversion hold      |
//! there   primary     | detected: bypass to the next router .......................... primary |
//! ingress primary     | convergence ....... | a path around the link ...................... primary |
//! ```
//! The router before the failure is the point of local repair (RFC 4090 §3.2, facility backup): it sends what would take the
//! link through a bypass that was set up before, which ends at the next router of each path, the merge point. For that the
//! label stack grows by one; the MTU of the links counts it, and what is too long then is dropped as anywhere. How others
//! learn of the failure is in `link_state`: both ends of a link say what they saw and when, and each router changes its own
//! paths the time of convergence after that, or when it hears of it if that is later. A link that is back and held is taken where
//! nothing else leads, again a convergence after its ends saw it; and where nothing leads at all, what begins there says so.
//!
//! Other ways than the primary one have a label of their own, the same at all routers and set up at one instant, so that nothing
//! is lost while all change. There are two exceptions: where convergence is shorter than news takes, an edge may send before
//! others know the label; and where a path goes from one such way to another, what is under way follows the new one from
//! where it is. What is on such a way is not protected until it is back on its primary one: a second failure there lasts for a
//! convergence.

mod link_state;
mod machine;
mod topology;

pub use link_state::{ALL_IS, ETHERTYPE, LinkState, Timing};
pub(super) use machine::Protection;
pub use topology::{Path, Topology};

use crate::id::PortId;
use crate::table::{NextHop, Protected, TtlModel};
use crate::wire::mpls::Label;
use std::sync::Arc;

/// The paths of a provider's network as one of its routers has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectionSpec {
    /// The number of this router.
    pub router: usize,
    /// All routers and links.
    pub topology: Arc<Topology>,
    /// All label-switched paths.
    pub lsps: Arc<[LspSpec]>,
    /// When news of a link takes effect.
    pub timing: Timing,
    /// The links of this router.
    pub adjacencies: Vec<AdjacencySpec>,
    /// What enters paths here.
    pub heads: Vec<HeadSpec>,
    /// TTL and traffic class of labels.
    pub ttl: TtlModel,
    /// Whether an entropy label pair goes beneath the transport label.
    pub entropy: bool,
    /// The label that the last hop carries: explicit null, or none.
    pub null: Option<Label>,
}

/// A label-switched path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LspSpec {
    /// Where it goes while all links work.
    pub primary: Path,
    /// Where it goes, if it is there, when the primary one does not work and this does; else the shortest path that does:
    /// through the edges of others only where nothing else is left.
    pub backup: Option<Path>,
    /// What routers know it by where it does not go its primary way: the same label at all of them, dynamic in their tables.
    pub label: Label,
}

/// A link of a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjacencySpec {
    /// Its number.
    pub link: usize,
    /// The port to it.
    pub port: PortId,
    /// The place of its sub-interface in the list of the router.
    pub interface: usize,
    /// The BFD session over it, by its place among those of the router.
    pub bfd: Option<usize>,
    /// How frames are sent over it, without labels.
    pub next_hop: NextHop,
    /// Those that take it in the midst of a path, where there is a bypass: they are switched to it at once.
    pub protected: Vec<Protected>,
}

/// What enters a path here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadSpec {
    /// Which one.
    pub lsp: usize,
    /// The next hop that it has in the tables. Its primary is the primary path.
    pub next_hop: Protected,
    /// Its backup: the bypass of the first link, if there is one.
    pub bypass: Option<NextHop>,
    /// The label beneath that of the path; none of what goes to its end itself.
    pub service: Option<Label>,
}

#[cfg(test)]
mod tests;
