//! What a session does with each message (RFC 4271 §8.2.2, events 19 to 28), and which of two connections it keeps (§6.8).

use super::link::Link;
use super::state::Restart;
use super::{Cease, Event, Session, State, Why, open};
use crate::control::bgp::message::{self, Message, Notification};
use crate::control::bgp::update::Update;
use crate::control::stack::tcp::Role;
use crate::time::{Instant, Span};
use std::net::Ipv4Addr;

impl Session {
    pub(super) fn hear(&mut self, now: Instant, id: u64, octets: &[u8]) {
        let Some(link) = self.transport.link(id) else { return };
        let (state, peering, kind) = (link.state, link.peering(), octets[KIND]);
        *match kind {
            OPEN => &mut self.counts.received.open,
            UPDATE => &mut self.counts.received.update,
            NOTIFICATION => &mut self.counts.received.notification,
            KEEPALIVE => &mut self.counts.received.keepalive,
            _ => &mut self.counts.received.route_refresh,
        } += 1;
        if kind == NOTIFICATION {
            // Events 24 and 25, whatever it says: nothing answers a NOTIFICATION (§6.4).
            let (code, subcode, data) = (octets[KIND + 1], octets[KIND + 2], octets[KIND + 3..].to_vec());
            let notification = Notification { code, subcode, data };
            return self.fail(now, id, None, Why::NotificationReceived(notification));
        }
        // RFC 6608: a message that the state does not have, before what it says.
        let unexpected = match (state, kind) {
            (State::OpenSent, OPEN) | (State::OpenConfirm, KEEPALIVE) => None,
            (State::Established, UPDATE | KEEPALIVE | ROUTE_REFRESH) => None,
            (State::OpenSent, _) => Some(1),
            (State::OpenConfirm, _) => Some(2),
            _ => Some(3),
        };
        if let Some(subcode) = unexpected {
            return self.refuse(now, id, Notification::new(5, subcode));
        }
        match message::decode(octets, &peering) {
            Ok(Message::Open(open)) => self.take_open(now, id, &open),
            Ok(Message::Keepalive) => self.take_keepalive(now, id),
            Ok(Message::Update(update)) => self.take_update(now, id, update),
            Ok(Message::RouteRefresh(family)) => {
                // RFC 2918 §4: of a family that is not carried it is ignored.
                let carried = family.filter(|family| peering.families.contains(family));
                self.events.extend(carried.map(Event::Refresh));
            }
            Ok(Message::Notification(_)) => {}
            // Events 22 and 28.
            Err(notification) => self.refuse(now, id, notification),
        }
    }

    /// Events 19 and 22.
    fn take_open(&mut self, now: Instant, id: u64, open: &message::Open) {
        let negotiated = match open::negotiate(&self.config, open) {
            Ok(negotiated) => negotiated,
            Err(notification) => return self.refuse(now, id, notification),
        };
        if !self.survives_collision(now, id, negotiated.router_id) {
            return;
        }
        self.transport.give_up(now);
        let (hold, keepalive) = (negotiated.hold, negotiated.keepalive);
        let Some(link) = self.transport.link(id) else { return };
        link.negotiated = Some(negotiated);
        link.state = State::OpenConfirm;
        link.hold_at = (hold > Span::ZERO).then(|| now.saturating_add(hold));
        self.say(now, id, &Message::Keepalive);
        self.time_keepalive(now, id, keepalive);
        self.tell(now, Why::OpenReceived);
    }

    /// Event 26.
    fn take_keepalive(&mut self, now: Instant, id: u64) {
        self.hold(now, id);
        let Some(link) = self.transport.link(id) else { return };
        if link.state == State::OpenConfirm {
            link.state = State::Established;
            self.counts.established += 1;
            self.tell(now, Why::KeepaliveReceived);
        }
    }

    /// Event 27.
    fn take_update(&mut self, now: Instant, id: u64, update: Update) {
        self.hold(now, id);
        self.events.extend(update.faults.into_iter().map(Event::Fault));
        for routes in update.routes {
            let Some(link) = self.transport.link(id) else { return };
            if let Some(excess) = link.prefixes.take(&routes, &self.config.max_prefixes) {
                // The routes that were one too many are not told: with the session, all are void.
                self.counts.connect_retries += 1;
                self.is_wanted = self.config.max_prefix_restart.is_some();
                self.stop(now, &excess.notification(), excess.why());
                let at = self.config.max_prefix_restart.map(|span| now.saturating_add(span));
                self.restart = at.map(|at| Restart { at, is_penalty: true });
                return;
            }
            self.events.push_back(Event::Update(routes));
        }
    }

    /// HoldTimer begins again.
    fn hold(&mut self, now: Instant, id: u64) {
        if let Some(link) = self.transport.link(id) {
            let hold = link.negotiated.as_ref().map(|of| of.hold).filter(|&hold| hold > Span::ZERO);
            link.hold_at = hold.map(|hold| now.saturating_add(hold));
        }
    }

    /// §6.8, event 23: of each two connections on which BGP has begun, one is closed. Whether it is not `id`.
    fn survives_collision(&mut self, now: Instant, id: u64, remote_id: Ipv4Addr) -> bool {
        let ours = (self.config.router_id, self.config.local_as);
        // RFC 6286 §2.3: of equal identifiers the larger autonomous system counts as the higher one.
        let kept_role = if ours > (remote_id, self.config.remote_as) { Role::Active } else { Role::Passive };
        // One that is Established stays (§6.8, CollisionDetectEstablishedState is off); then what the higher one has opened;
        // of two by the same end the later one, for it would not have opened that while it had the other.
        let rank = |link: &Link| (link.state == State::Established, link.role == kept_role, link.id);
        let begun = |link: &&Link| link.state > State::Connect;
        let best = self.transport.links.iter().filter(begun).max_by_key(|link| rank(link)).map(|link| link.id);
        let lost: Vec<_> = self.transport.links.iter().filter(begun).map(|link| link.id).collect();
        lost.into_iter().filter(|&other| Some(other) != best).for_each(|other| self.collide(now, other));
        best == Some(id)
    }

    pub(super) fn collide(&mut self, now: Instant, id: u64) {
        if let Some(link) = self.transport.take(id) {
            self.close(now, link, Some(Cease::CollisionResolution.notification()));
            self.tell(now, Why::Collision);
        }
    }
}

/// Where a message has its type (RFC 4271 §4.1), and the types.
const KIND: usize = 18;
const OPEN: u8 = 1;
const UPDATE: u8 = 2;
const NOTIFICATION: u8 = 3;
const KEEPALIVE: u8 = 4;
const ROUTE_REFRESH: u8 = 5;
