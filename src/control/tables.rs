//! The tables of a control plane at an instant, as an operator would list them.

use super::bgp::{Counts, State};
use super::rib::{PeerCounts, RouteView};
use super::stack::neighbor::Row;
use crate::id::VrfId;
use crate::table::LabelView;
use crate::time::{Instant, Span};
use crate::wire::bfd::{Diagnostic, State as BfdState};

/// All of them. Places are those of the router's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Per sub-interface its neighbours: ARP, then neighbour discovery.
    pub neighbors: Vec<Vec<Row>>,
    /// Per BFD session.
    pub bfd: Vec<BfdRow>,
    /// Per BGP session.
    pub bgp: Vec<BgpRow>,
    /// Per VRF its routes, in order of prefix.
    pub routes: Vec<(VrfId, Vec<RouteView>)>,
    /// The label map of its forwarding.
    pub labels: Vec<LabelView>,
}

/// A BFD session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BfdRow {
    /// Its state.
    pub state: BfdState,
    /// What the other end said last of its own.
    pub remote: BfdState,
    /// Why it was down last.
    pub diagnostic: Diagnostic,
    /// The own discriminator, and the other end's, 0 if it is not known.
    pub discriminators: [u32; 2],
    /// Between own packets at the most; `None`: none are sent.
    pub transmit: Option<Span>,
    /// How long the other end may be silent; `None`: it has said nothing yet.
    pub detection: Option<Span>,
    /// Since when it is up.
    pub up_since: Option<Instant>,
}

/// A BGP session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BgpRow {
    /// Its state.
    pub state: State,
    /// What it has counted.
    pub counts: Counts,
    /// Routes.
    pub routes: PeerCounts,
}
