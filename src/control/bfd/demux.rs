//! The sessions of one router: which of them a packet is for (RFC 5880 §6.3, RFC 5881 §3), and the first of their timers.

use super::session::{Command, Config, Session};
use super::{Event, Kind};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::bfd::Packet;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::num::NonZeroU32;

/// The place of a session in [`Sessions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u32);

/// Where a session's packets come from: what tells its packets apart as long as they do not name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Over one hop: one session for each interface and address (RFC 5881 §3).
    SingleHop {
        /// The router's own number of the logical interface.
        interface: u32,
        /// The neighbour's address.
        remote: IpAddr,
    },
    /// Over several hops: one session for each pair of addresses (RFC 5883 §3).
    Multihop {
        /// Our address.
        local: IpAddr,
        /// The neighbour's address.
        remote: IpAddr,
    },
    /// On a member of a link aggregation group: one session for each member and address family (RFC 7130 §2).
    Micro {
        /// The router's own number of the member.
        interface: u32,
        /// The neighbour's address.
        remote: IpAddr,
    },
}

impl Peer {
    /// What the session runs over.
    pub const fn kind(&self) -> Kind {
        match self {
            Peer::SingleHop { .. } => Kind::SingleHop,
            Peer::Multihop { .. } => Kind::Multihop,
            Peer::Micro { .. } => Kind::Micro,
        }
    }
}

/// A packet with what its IP header and interface said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Where it came from, by the port that it came to.
    pub peer: Peer,
    /// Its TTL or hop limit on arrival.
    pub ttl: u8,
    /// What it says.
    pub packet: Packet,
}

/// Why a packet was for no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// It came over more than one hop (RFC 5881 §5).
    #[error("TTL {0} is not 255: the packet is not from a neighbour")]
    Ttl(u8),
    /// It names a session that there is not.
    #[error("no session has the discriminator {0}")]
    Discriminator(NonZeroU32),
    /// It names a session that runs over something else, so it came to the wrong UDP port.
    #[error("discriminator {0} is of a session of another kind")]
    Kind(NonZeroU32),
    /// It names none, and none is with its source.
    #[error("no session is with the packet's source")]
    Source,
}

/// The sessions of one router.
///
/// Each waits in an ordered set at its next instant, so that finding the first costs the same however many there are.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    slots: Vec<Slot>,
    by_peer: BTreeMap<Peer, SessionId>,
    timers: BTreeSet<(Instant, SessionId)>,
    /// What the last calls gave out, in order: up to two packets and an event for each session that was called.
    packets: VecDeque<(SessionId, Packet)>,
    events: VecDeque<(SessionId, Event)>,
}

#[derive(Clone, Debug)]
struct Slot {
    peer: Peer,
    session: Session,
    /// Where it waits in `timers`.
    waits: Option<Instant>,
}

impl Sessions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the session with `peer`, down at `now`; `None` if there is one already.
    pub fn add(&mut self, now: Instant, peer: Peer, config: Config, rng: Rng) -> Option<SessionId> {
        if self.by_peer.contains_key(&peer) {
            return None;
        }
        // Places in the list from 1 are unique and never 0, and lead back without a search.
        let id = SessionId(u32::try_from(self.slots.len()).ok()?);
        let discriminator = NonZeroU32::new(id.0.checked_add(1)?)?;
        self.by_peer.insert(peer, id);
        self.slots.push(Slot { peer, session: Session::new(now, config, discriminator, rng), waits: None });
        self.settle(id);
        Some(id)
    }

    /// Hands a packet to its session, and says which that was.
    pub fn handle_packet(&mut self, now: Instant, received: &Received) -> Result<SessionId, Ignored> {
        let id = self.addressee(received)?;
        self.slots[id.0 as usize].session.handle_packet(now, &received.packet);
        self.settle(id);
        Ok(id)
    }

    /// Does what is due at `now`, the earliest first.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.timers.first()
            && at <= now
        {
            self.slots[id.0 as usize].session.handle_timeout(now);
            self.settle(id);
        }
    }

    /// Does what was asked of one session.
    pub fn handle_command(&mut self, now: Instant, id: SessionId, command: Command) {
        self.slots[id.0 as usize].session.handle_command(now, command);
        self.settle(id);
    }

    /// The next packet to send at once, and whose it is.
    pub fn poll_transmit(&mut self) -> Option<(SessionId, Packet)> {
        self.packets.pop_front()
    }

    /// The next change to tell, and whose it is.
    pub fn poll_event(&mut self) -> Option<(SessionId, Event)> {
        self.events.pop_front()
    }

    /// When [`Sessions::handle_timeout`] has something to do; nothing happens by itself before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|&(at, _)| at)
    }

    /// A session and whom it is with.
    pub fn session(&self, id: SessionId) -> (&Peer, &Session) {
        let slot = &self.slots[id.0 as usize];
        (&slot.peer, &slot.session)
    }

    /// All sessions in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SessionId, &Peer, &Session)> {
        self.slots.iter().enumerate().map(|(at, slot)| (SessionId(at as u32), &slot.peer, &slot.session))
    }

    /// By discriminator and nothing else once the neighbour knows ours, by source before (RFC 5880 §6.3).
    fn addressee(&self, received: &Received) -> Result<SessionId, Ignored> {
        let kind = received.peer.kind();
        if !kind.accepts(received.ttl) {
            return Err(Ignored::Ttl(received.ttl));
        }
        let Some(discriminator) = received.packet.your_discriminator else {
            return self.by_peer.get(&received.peer).copied().ok_or(Ignored::Source);
        };
        let id = SessionId(discriminator.get() - 1);
        let slot = self.slots.get(id.0 as usize).ok_or(Ignored::Discriminator(discriminator))?;
        if slot.peer.kind() == kind { Ok(id) } else { Err(Ignored::Kind(discriminator)) }
    }

    /// Takes what a session wants to say, and lets it wait at its next instant.
    fn settle(&mut self, id: SessionId) {
        let slot = &mut self.slots[id.0 as usize];
        self.packets.extend(std::iter::from_fn(|| slot.session.poll_transmit()).map(|packet| (id, packet)));
        self.events.extend(std::iter::from_fn(|| slot.session.poll_event()).map(|event| (id, event)));
        let waits = slot.session.poll_timeout();
        if waits != slot.waits {
            if let Some(old) = slot.waits {
                self.timers.remove(&(old, id));
            }
            self.timers.extend(waits.map(|at| (at, id)));
            slot.waits = waits;
        }
    }
}
