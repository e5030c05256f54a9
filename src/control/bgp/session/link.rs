//! One TCP connection of a session and what BGP knows of it: how far its OPENs are, its timers, octets in and out.

use super::prefixes::Prefixes;
use super::{Negotiated, State};
use crate::control::bgp::message::{self, Message, Notification, Peering};
use crate::control::stack::tcp::{Connection, Role};
use crate::time::Instant;
use std::collections::VecDeque;

/// A connection with a state of its own (RFC 4271 §8.2.1): Connect, OpenSent, OpenConfirm or Established.
pub(super) struct Link {
    /// Its place in the order in which connections were begun.
    pub(super) id: u64,
    /// Who has opened it.
    pub(super) role: Role,
    pub(super) connection: Connection,
    pub(super) state: State,
    /// Once the other end's OPEN is taken.
    pub(super) negotiated: Option<Negotiated>,
    /// HoldTimer.
    pub(super) hold_at: Option<Instant>,
    /// KeepaliveTimer.
    pub(super) keepalive_at: Option<Instant>,
    pub(super) prefixes: Prefixes,
    /// The beginning of a message.
    inbox: Vec<u8>,
    /// Whole messages of one update that TCP had no room for yet.
    outbox: VecDeque<Vec<u8>>,
}

impl Link {
    pub(super) fn new(id: u64, role: Role, connection: Connection) -> Self {
        Link {
            id,
            role,
            connection,
            state: State::Connect,
            negotiated: None,
            hold_at: None,
            keepalive_at: None,
            prefixes: Prefixes::default(),
            inbox: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    /// Takes what has arrived.
    pub(super) fn read(&mut self) {
        while let Some(octets) = self.connection.poll_octets() {
            self.inbox.extend(octets);
        }
    }

    /// The next whole message as its octets, or what is wrong with its header.
    pub(super) fn next_message(&mut self) -> Option<Result<Vec<u8>, Notification>> {
        match message::length(&self.inbox) {
            Ok(Some(octets)) if octets <= self.inbox.len() => Some(Ok(self.inbox.drain(..octets).collect())),
            Ok(_) => None,
            Err(notification) => Some(Err(notification)),
        }
    }

    /// How the other end's UPDATEs are read; before both OPENs are known there are none.
    pub(super) fn peering(&self) -> Peering {
        let unknown = || Peering { four_octet_as: true, is_internal: false, families: Vec::new() };
        self.negotiated.as_ref().map_or_else(unknown, |negotiated| negotiated.peering.clone())
    }

    /// Sends a message of fixed form, one that is no UPDATE. It is not sent where TCP has no room: what is there already
    /// says that this end lives, and the other end does not read.
    pub(super) fn say(&mut self, now: Instant, message: &Message) -> bool {
        let octets = message::encode(message, &self.peering()).unwrap_or_default().concat();
        !octets.is_empty() && self.connection.send(now, octets).is_ok()
    }

    /// Whether another update can be taken: the one before has gone to TCP.
    pub(super) fn has_room(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Takes the messages of an update, all of them, and sends what TCP has room for.
    pub(super) fn push(&mut self, now: Instant, messages: Vec<Vec<u8>>) {
        self.outbox.extend(messages);
        self.feed(now);
    }

    /// Moves messages to TCP, each whole, and leaves it room for a KEEPALIVE and a NOTIFICATION.
    pub(super) fn feed(&mut self, now: Instant) {
        while self.outbox.front().is_some_and(|next| next.len() + RESERVE_OCTETS <= self.connection.room()) {
            let Some(next) = self.outbox.pop_front() else { return };
            if let Err(back) = self.connection.send(now, next) {
                self.outbox.push_front(back);
                return;
            }
        }
    }
}

/// Two of the longest messages (RFC 4271 §4.1).
const RESERVE_OCTETS: usize = 2 * message::MAX_OCTETS;
