//! The transitions of a session: the events of RFC 4271 §8.1 as they come from operators, timers, TCP and messages (§8.2.2).
//!
//! Each connection has its state, as §8.2.1 asks while there may be two. Where this differs from the table:
//! - Event 18 (TcpConnectionFails) in Connect leads to Active, as it does while DelayOpenTimer runs, not to Idle. Two ends
//!   that take turns in Idle would refuse each other for ever.
//! - Event 25 (NotifMsg) in OpenSent is not answered by a NOTIFICATION (§6.4), and a wrong header in Established is answered
//!   by what §6.1 says, not by a Finite State Machine Error.
//! - Cease: Connection Collision Resolution from the other end leads to Active, not to Idle: that end keeps another
//!   connection, whose last acknowledgement may come here later than the NOTIFICATION. In Idle it would be refused.
//! - Of two connections, those in OpenSent are judged as well (§6.8 allows it: the identifier is known by the other
//!   connection's OPEN), and an attempt ends when another connection reaches OpenConfirm. So no order of packets can have
//!   each end close the connection that the other one keeps.

use super::link::Link;
use super::{Cease, Event, Session, State, TcpFailure, Why, open};
use crate::control::bgp::message::{Message, Notification};
use crate::control::stack::tcp::{self, Role};
use crate::time::{Instant, Span};

/// When a session leaves Idle by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Restart {
    pub(super) at: Instant,
    /// For too many prefixes: a path that works again does not shorten it.
    pub(super) is_penalty: bool,
}

// What an operator and BFD want.
impl Session {
    /// Events 1 and 4.
    pub(super) fn start_by_command(&mut self, now: Instant) {
        self.is_wanted = true;
        if self.is_running {
            return;
        }
        self.restart = None;
        self.counts.connect_retries = 0;
        if !self.is_path_down {
            self.start(now, Why::Started);
        }
    }

    /// Event 2.
    pub(super) fn stop_by_command(&mut self, now: Instant, cease: Cease) {
        self.is_wanted = false;
        self.restart = None;
        self.counts.connect_retries = 0;
        self.stop(now, &cease.notification(), Why::Stopped(cease));
    }

    /// Event 8, for a reason that the RFC knows nothing of.
    pub(super) fn lose_path(&mut self, now: Instant) {
        self.is_path_down = true;
        self.restart = self.restart.filter(|restart| restart.is_penalty);
        self.stop(now, &Cease::BfdDown.notification(), Why::PathDown);
    }

    /// Event 3.
    pub(super) fn regain_path(&mut self, now: Instant) {
        self.is_path_down = false;
        let may_start = self.restart.is_none_or(|restart| !restart.is_penalty);
        if self.is_wanted && !self.is_running && may_start {
            self.restart = None;
            self.start(now, Why::PathUp);
        }
    }

    fn start(&mut self, now: Instant, why: Why) {
        self.is_running = true;
        self.transport.listen(now);
        self.connect(now);
        self.tell(now, why);
    }

    fn connect(&mut self, now: Instant) {
        if !self.config.is_passive {
            self.transport.connect(now);
            self.time_retry(now);
        }
    }

    /// To Idle, from wherever it is; each connection ends with `notification` if BGP has begun on it.
    pub(super) fn stop(&mut self, now: Instant, notification: &Notification, why: Why) {
        while let Some(link) = self.transport.links.pop() {
            self.close(now, link, Some(notification.clone()));
        }
        self.retry_at = None;
        if self.is_running {
            self.is_running = false;
            self.transport.refuse(now);
        }
        self.tell(now, why);
    }
}

// Timers.
impl Session {
    /// Does what is due of BGP's own timers.
    pub(super) fn expire(&mut self, now: Instant) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        // Event 10.
        while let Some(id) = self.transport.links.iter().find(|link| is_due(link.hold_at)).map(|link| link.id) {
            self.fail(now, id, Some(Notification::new(4, 0)), Why::HoldTimerExpired);
        }
        // Event 11.
        let due: Vec<_> = self.transport.links.iter().filter(|link| is_due(link.keepalive_at)).map(|l| l.id).collect();
        due.into_iter().for_each(|id| self.keep_alive(now, id));
        // Event 9.
        if is_due(self.retry_at) {
            self.connect(now);
            self.tell(now, Why::ConnectRetryExpired);
        }
        // Event 13, then 3.
        if is_due(self.restart.map(|restart| restart.at)) {
            self.restart = None;
            if !self.is_path_down {
                self.start(now, Why::Restarted);
            }
        }
    }

    fn keep_alive(&mut self, now: Instant, id: u64) {
        self.say(now, id, &Message::Keepalive);
        let of = self.transport.link(id).and_then(|link| link.negotiated.as_ref());
        let keepalive = of.map_or(Span::ZERO, |negotiated| negotiated.keepalive);
        self.time_keepalive(now, id, keepalive);
    }

    pub(super) fn time_keepalive(&mut self, now: Instant, id: u64, keepalive: Span) {
        let next = (keepalive > Span::ZERO).then(|| now.saturating_add(self.jittered(keepalive)));
        if let Some(link) = self.transport.link(id) {
            link.keepalive_at = next;
        }
    }

    fn time_retry(&mut self, now: Instant) {
        self.retry_at = Some(now.saturating_add(self.jittered(self.config.connect_retry)));
    }

    /// The span less 0 to 25 % (RFC 4271 §10).
    fn jittered(&mut self, span: Span) -> Span {
        let ps = span.as_ps();
        Span::from_ps(ps - self.rng.below(ps / 4 + 1))
    }
}

// TCP.
impl Session {
    /// Takes all that the connections have for BGP.
    pub(super) fn pump(&mut self, now: Instant) {
        if let Some(id) = self.transport.accepted(now) {
            self.accept(now, id);
        }
        let ids: Vec<_> = self.transport.links.iter().map(|link| link.id).collect();
        for id in ids {
            self.pump_link(now, id);
        }
        self.transport.clean();
    }

    fn pump_link(&mut self, now: Instant, id: u64) {
        while let Some(event) = self.transport.link(id).and_then(|link| link.connection.poll_event()) {
            let failure = match event {
                tcp::Event::Connected => {
                    self.open(now, id, Why::TcpEstablished);
                    continue;
                }
                tcp::Event::Accepted => continue,
                tcp::Event::Closed => TcpFailure::Closed,
                tcp::Event::Refused => TcpFailure::Refused,
                tcp::Event::TimedOut => TcpFailure::TimedOut,
                tcp::Event::Reset => TcpFailure::Reset,
            };
            // The last words come before the end.
            self.read(now, id);
            self.lose(now, id, failure);
        }
        self.read(now, id);
        if let Some(link) = self.transport.link(id) {
            link.feed(now);
        }
    }

    fn read(&mut self, now: Instant, id: u64) {
        if let Some(link) = self.transport.link(id) {
            link.read();
        }
        // A message may end the link.
        while let Some(next) = self.transport.link(id).and_then(Link::next_message) {
            match next {
                Ok(octets) => self.hear(now, id, &octets),
                // Event 21.
                Err(notification) => self.refuse(now, id, notification),
            }
        }
    }

    /// Event 17: the other end has connected.
    fn accept(&mut self, now: Instant, id: u64) {
        let mut why = Why::TcpEstablished;
        let config = &self.config;
        let restarted = self.transport.links.iter().find(|link| {
            link.state == State::Established && link.negotiated.as_ref().is_some_and(|of| of.may_restart(config))
        });
        // RFC 4724 §5: the old connection is dead.
        if let Some(mut old) = restarted.map(|link| link.id).and_then(|id| self.transport.take(id)) {
            old.connection.abort(now);
            self.transport.drain(old.connection);
            why = Why::PeerRestarted;
        }
        // The other end connects once at a time. One connection may be dead before it is known; of two, the first is.
        let waits = |link: &&Link| link.role == Role::Passive && link.state < State::Established && link.id != id;
        let waiting: Vec<_> = self.transport.links.iter().filter(waits).map(|link| link.id).collect();
        if let [first, _, ..] = waiting[..] {
            self.collide(now, first);
        }
        self.open(now, id, why);
    }

    /// Events 16 and 17: sends OPEN, and waits for the other end's for a large time.
    fn open(&mut self, now: Instant, id: u64, why: Why) {
        self.retry_at = None;
        self.say(now, id, &Message::Open(open::offer(&self.config)));
        if let Some(link) = self.transport.link(id) {
            link.state = State::OpenSent;
            link.hold_at = Some(now.saturating_add(OPEN_HOLD));
        }
        self.tell(now, why);
    }

    /// Event 18.
    fn lose(&mut self, now: Instant, id: u64, failure: TcpFailure) {
        let Some(state) = self.transport.link(id).map(|link| link.state) else { return };
        if matches!(state, State::OpenConfirm | State::Established) {
            return self.fail(now, id, None, Why::TcpFailed(failure));
        }
        if let Some(link) = self.transport.take(id) {
            self.transport.drain(link.connection);
        }
        self.retry(now);
        self.tell(now, Why::TcpFailed(failure));
    }

    /// Lets ConnectRetryTimer run if all that is left is to connect.
    fn retry(&mut self, now: Instant) {
        let has_begun = self.transport.links.iter().any(|link| link.state > State::Connect);
        if self.is_running && !self.config.is_passive && !has_begun && self.retry_at.is_none() {
            self.time_retry(now);
        }
    }
}

// Ends.
impl Session {
    /// The other end did or said what it may not: it is told, and the connection ends.
    pub(super) fn refuse(&mut self, now: Instant, id: u64, notification: Notification) {
        let why = Why::NotificationSent(notification.clone());
        self.fail(now, id, Some(notification), why);
    }

    /// A connection ends. If there is no other, the session is Idle and starts again by itself after ConnectRetryTime.
    pub(super) fn fail(&mut self, now: Instant, id: u64, notification: Option<Notification>, why: Why) {
        let Some(link) = self.transport.take(id) else { return };
        // Event 24 is no failure.
        let is_version = matches!(&why, Why::NotificationReceived(Notification { code: 2, subcode: 1, .. }));
        self.counts.connect_retries += u64::from(!is_version);
        self.close(now, link, notification);
        let has_other = matches!(&why, Why::NotificationReceived(Notification { code: 6, subcode: 7, .. }));
        if self.transport.links.is_empty() && !has_other {
            self.is_running = false;
            self.retry_at = None;
            self.transport.refuse(now);
            let at = now.saturating_add(self.jittered(self.config.connect_retry));
            self.restart = Some(Restart { at, is_penalty: false });
        } else {
            self.retry(now);
        }
        self.tell(now, why);
    }

    /// Says why, if BGP has begun, and leaves the connection to TCP, which brings that to the other end first.
    pub(super) fn close(&mut self, now: Instant, mut link: Link, notification: Option<Notification>) {
        if link.state == State::Connect {
            link.connection.abort(now);
            return;
        }
        if let Some(notification) = notification {
            let is_sent = link.say(now, &Message::Notification(notification));
            self.counts.sent.notification += u64::from(is_sent);
        }
        link.connection.close(now);
        self.transport.drain(link.connection);
    }

    pub(super) fn say(&mut self, now: Instant, id: u64, message: &Message) {
        let Some(link) = self.transport.link(id) else { return };
        let is_sent = u64::from(link.say(now, message));
        match message {
            Message::Open(_) => self.counts.sent.open += is_sent,
            Message::Keepalive => self.counts.sent.keepalive += is_sent,
            Message::Update(_) | Message::Notification(_) | Message::RouteRefresh(_) => {}
        }
    }

    /// Tells the state, if it is another one.
    pub(super) fn tell(&mut self, now: Instant, why: Why) {
        let furthest = self.transport.links.iter().max_by_key(|link| link.state);
        let to = if self.is_running { furthest.map_or(State::Active, |link| link.state) } else { State::Idle };
        let negotiated = furthest.and_then(|link| link.negotiated.clone());
        let from = std::mem::replace(&mut self.told, to);
        if from == to {
            return;
        }
        self.counts.last_change = Some((now, why.clone()));
        self.events.push_back(Event::Changed { from, to, why });
        if from == State::Established {
            self.events.push_back(Event::Down);
        }
        self.events.extend(negotiated.filter(|_| to == State::Established).map(Event::Up));
    }
}

impl Cease {
    /// The NOTIFICATION that says it.
    pub(super) fn notification(self) -> Notification {
        // RFC 8538 §3: a Hard Reset holds the code and subcode that would have been said otherwise.
        let data = if self == Cease::HardReset { vec![6, Cease::AdministrativeReset as u8] } else { Vec::new() };
        Notification { code: 6, subcode: self as u8, data }
    }
}

/// HoldTimer of OpenSent (RFC 4271 §8.2.2 suggests 4 minutes).
pub(super) const OPEN_HOLD: Span = Span::from_s(240);
