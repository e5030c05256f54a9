//! What a session tells those that rely on it: a change of its state, why, and what that says of the path.

use crate::wire::bfd::{Diagnostic, State};
use std::fmt;

/// A change of the local state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// What our packets say of it from now on.
    pub diagnostic: Diagnostic,
    /// Why.
    pub cause: Cause,
}

/// Why a session changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The neighbour's packets: a step of the three-way handshake (RFC 5880 §6.2).
    Handshake,
    /// Nothing was heard for the detection time (§6.8.4).
    DetectionTimeExpired,
    /// The neighbour is down: it does not hear us (§6.8.6).
    NeighbourSignaledSessionDown,
    /// An operator holds the neighbour down (§6.8.6).
    NeighbourAdminDown,
    /// An operator holds us down (§6.8.16).
    AdministrativelyDown,
    /// An operator lets us go.
    Enabled,
    /// A lower layer or another protocol said that the path is down.
    PathDown,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Cause::Handshake => "handshake",
            Cause::DetectionTimeExpired => "detection time expired",
            Cause::NeighbourSignaledSessionDown => "neighbour signaled session down",
            Cause::NeighbourAdminDown => "neighbour is administratively down",
            Cause::AdministrativelyDown => "administratively down",
            Cause::Enabled => "enabled",
            Cause::PathDown => "path down",
        })
    }
}

/// What an event says of the path to the neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// Both directions work.
    Works,
    /// It worked, and at least one direction does not any more: act.
    Failed,
    /// It worked, and nobody watches it any more. An operator's wish is no fault of the path: a client such as BGP keeps its
    /// session and relies on its own timers (RFC 5882 §3.2, §4.2).
    Unwatched,
}

impl Event {
    /// What clients are told, if it is news to them.
    pub fn path(&self) -> Option<Path> {
        match (self.from, self.to, self.cause) {
            (_, State::Up, _) => Some(Path::Works),
            (State::Up, _, Cause::AdministrativelyDown | Cause::NeighbourAdminDown) => Some(Path::Unwatched),
            (State::Up, _, _) => Some(Path::Failed),
            _ => None,
        }
    }
}
