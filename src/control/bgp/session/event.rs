//! What a session tells: each change of its state with its reason in plain words, and what the other end has said.

use super::{Cease, Negotiated, State};
use crate::control::bgp::message::Notification;
use crate::control::bgp::update::{EncodeError, Fault};
use crate::control::{Family, RouteUpdate};
use std::fmt;

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state is another one.
    Changed {
        /// The state before.
        from: State,
        /// The state now.
        to: State,
        /// Why.
        why: Why,
    },
    /// The session is Established, with this; after the change.
    Up(Negotiated),
    /// It was Established and is not any more: all that the other end has said is void. After the change.
    Down,
    /// The other end announces or withdraws routes, or has told all of a family.
    Update(RouteUpdate),
    /// The other end wants all routes of the family again (RFC 2918), one that the session carries.
    Refresh(Family),
    /// Something was wrong with an UPDATE, and did not end the session.
    Fault(Fault),
    /// An update that was to be sent has no octets: none of it was sent. It is for the caller to say so, for it is the
    /// caller's fault.
    NotEncoded(EncodeError),
}

/// Why the state has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// An operator's wish.
    Started,
    /// The pause after a failure, or after too many prefixes, is over.
    Restarted,
    /// The path works again.
    PathUp,
    /// It was time for another attempt to connect.
    ConnectRetryExpired,
    /// There is a TCP connection; OPEN is sent.
    TcpEstablished,
    /// A TCP connection has ended, or there was none.
    TcpFailed(TcpFailure),
    /// The other end's OPEN is as it should be.
    OpenReceived,
    /// The other end has taken this end's OPEN.
    KeepaliveReceived,
    /// Nothing was heard for the hold time.
    HoldTimerExpired,
    /// The other end has done or said what it may not.
    NotificationSent(Notification),
    /// The other end has ended it.
    NotificationReceived(Notification),
    /// BFD says that the path is down.
    PathDown,
    /// An operator's wish.
    Stopped(Cease),
    /// There were two connections, and this was the one too many.
    Collision,
    /// The other end has restarted: it connects again, and has said that it can (RFC 4724 §5).
    PeerRestarted,
    /// The other end has announced more than it may.
    MaximumPrefixes {
        /// Of which family.
        family: Family,
        /// How many distinct prefixes.
        count: usize,
        /// How many were allowed.
        limit: usize,
    },
}

/// How a TCP connection ended that this end did not close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpFailure {
    /// The other end does not listen.
    Refused,
    /// Nothing came back.
    TimedOut,
    /// The other end reset it.
    Reset,
    /// The other end closed it.
    Closed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Started => f.write_str("started"),
            Why::Restarted => f.write_str("started again by itself"),
            Why::PathUp => f.write_str("the path is up"),
            Why::ConnectRetryExpired => f.write_str("connect retry timer expired"),
            Why::TcpEstablished => f.write_str("TCP connection established"),
            Why::TcpFailed(failure) => write!(f, "TCP connection {failure}"),
            Why::OpenReceived => f.write_str("OPEN received"),
            Why::KeepaliveReceived => f.write_str("KEEPALIVE received"),
            Why::HoldTimerExpired => f.write_str("hold timer expired"),
            Why::NotificationSent(notification) => write!(f, "NOTIFICATION sent: {notification}"),
            Why::NotificationReceived(notification) => write!(f, "NOTIFICATION received: {notification}"),
            Why::PathDown => f.write_str("the path is down"),
            Why::Stopped(cease) => write!(f, "stopped: {cease}"),
            Why::Collision => f.write_str("connection collision"),
            Why::PeerRestarted => f.write_str("the peer has restarted"),
            Why::MaximumPrefixes { family, count, limit } => {
                write!(f, "{count} prefixes of {family:?}, {limit} allowed")
            }
        }
    }
}

impl fmt::Display for TcpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TcpFailure::Refused => "refused",
            TcpFailure::TimedOut => "timed out",
            TcpFailure::Reset => "reset by the peer",
            TcpFailure::Closed => "closed by the peer",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Idle => "Idle",
            State::Connect => "Connect",
            State::Active => "Active",
            State::OpenSent => "OpenSent",
            State::OpenConfirm => "OpenConfirm",
            State::Established => "Established",
        })
    }
}

impl fmt::Display for Cease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(subcode_words(6, *self as u8).unwrap_or("unspecific"))
    }
}

impl fmt::Display for Notification {
    /// As IANA's registry has it: `Cease: Administrative Shutdown (6/2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Notification { code, subcode, .. } = self;
        let words = match code {
            1 => "Message Header Error",
            2 => "OPEN Message Error",
            3 => "UPDATE Message Error",
            4 => "Hold Timer Expired",
            5 => "Finite State Machine Error",
            6 => "Cease",
            7 => "ROUTE-REFRESH Message Error",
            8 => "Send Hold Timer Expired",
            _ => "unknown",
        };
        match subcode_words(*code, *subcode) {
            Some(more) => write!(f, "{words}: {more} ({code}/{subcode})"),
            None => write!(f, "{words} ({code}/{subcode})"),
        }
    }
}

fn subcode_words(code: u8, subcode: u8) -> Option<&'static str> {
    Some(match (code, subcode) {
        (1, 1) => "Connection Not Synchronized",
        (1, 2) => "Bad Message Length",
        (1, 3) => "Bad Message Type",
        (2, 1) => "Unsupported Version Number",
        (2, 2) => "Bad Peer AS",
        (2, 3) => "Bad BGP Identifier",
        (2, 4) => "Unsupported Optional Parameter",
        (2, 6) => "Unacceptable Hold Time",
        (2, 7) => "Unsupported Capability",
        (2, 11) => "Role Mismatch",
        (3, 1) => "Malformed Attribute List",
        (3, 2) => "Unrecognized Well-known Attribute",
        (3, 3) => "Missing Well-known Attribute",
        (3, 4) => "Attribute Flags Error",
        (3, 5) => "Attribute Length Error",
        (3, 6) => "Invalid ORIGIN Attribute",
        (3, 8) => "Invalid NEXT_HOP Attribute",
        (3, 9) => "Optional Attribute Error",
        (3, 10) => "Invalid Network Field",
        (3, 11) => "Malformed AS_PATH",
        (5, 1) => "Receive Unexpected Message in OpenSent State",
        (5, 2) => "Receive Unexpected Message in OpenConfirm State",
        (5, 3) => "Receive Unexpected Message in Established State",
        (6, 1) => "Maximum Number of Prefixes Reached",
        (6, 2) => "Administrative Shutdown",
        (6, 3) => "Peer De-configured",
        (6, 4) => "Administrative Reset",
        (6, 5) => "Connection Rejected",
        (6, 6) => "Other Configuration Change",
        (6, 7) => "Connection Collision Resolution",
        (6, 8) => "Out of Resources",
        (6, 9) => "Hard Reset",
        (6, 10) => "BFD Down",
        (7, 1) => "Invalid Message Length",
        _ => return None,
    })
}
