//! Bidirectional Forwarding Detection (RFC 5880) as a pure machine: asynchronous mode, without echo and authentication.
//!
//! ```text
//! Packet (wire) -> Sessions: which session? -> Session: states, timers -> Event: the path works, failed, is not watched
//!                                                    Intervals: what is negotiated, Poll Sequences
//! ```
//! The caller calls `handle_timeout` at every instant that `poll_timeout` names, before it hands in anything later, and takes
//! packets and events after each `handle_...`.

mod demux;
mod event;
mod intervals;
mod session;
#[cfg(test)]
mod tests;

pub use demux::{Ignored, Peer, Received, SessionId, Sessions};
pub use event::{Cause, Event, Path};
pub use session::{Command, Config, Counters, Session};

use crate::wire::bfd;

/// What a session runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One IP hop (RFC 5881).
    SingleHop,
    /// Several IP hops (RFC 5883).
    Multihop,
    /// One member of a link aggregation group (RFC 7130).
    Micro,
}

impl Kind {
    /// UDP destination port of its packets.
    pub const fn port(self) -> u16 {
        match self {
            Kind::SingleHop => bfd::SINGLE_HOP_PORT,
            Kind::Multihop => bfd::MULTIHOP_PORT,
            Kind::Micro => bfd::MICRO_PORT,
        }
    }

    /// Whether a packet that came with this TTL or hop limit can be from the neighbour: over one hop it must be as it was
    /// sent (RFC 5881 §5, RFC 7130 §2.2), over several nothing is known of it.
    pub const fn accepts(self, ttl: u8) -> bool {
        matches!(self, Kind::Multihop) || ttl == bfd::TTL
    }
}
