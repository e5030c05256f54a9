//! One BGP session (RFC 4271 §8): configuration, commands, packets in and out; its transitions are in `state` and `hear`.

mod event;
mod hear;
mod link;
mod open;
mod prefixes;
mod state;
#[cfg(test)]
mod tests;
mod transport;

pub use event::{Event, TcpFailure, Why};
pub use open::Negotiated;

use super::update;
use crate::control::{Family, RouteUpdate};
use crate::rng::Rng;
use crate::time::{Instant, PS_PER_S, Span};
use state::Restart;
use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use transport::Transport;

/// A BGP session as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The own address.
    pub local: IpAddr,
    /// The other end's address, of the same family.
    pub remote: IpAddr,
    /// The own autonomous system; not 0.
    pub local_as: u32,
    /// The other end's; the same means an internal session.
    pub remote_as: u32,
    /// The own BGP identifier; not 0.0.0.0.
    pub router_id: Ipv4Addr,
    /// What is offered, one at least; carried is what both ends offer.
    pub families: Vec<Family>,
    /// How long the other end may be silent, at the most: 0 (for ever) or 3 to 65535 whole seconds. The lower of both ends'
    /// holds.
    pub hold: Span,
    /// Between KEEPALIVEs, at the most; a third of the hold time in force, if that is less. Not 0.
    pub keepalive: Span,
    /// ConnectRetryTime: between attempts to connect, and how long a session stays Idle after a failure. Less up to 25 %
    /// each time. Not 0.
    pub connect_retry: Span,
    /// Waits for the other end to connect; otherwise it connects and listens (RFC 4271 §8.1.1, PassiveTcpEstablishment).
    pub is_passive: bool,
    /// How many distinct prefixes the other end may announce, by family; more end the session (RFC 4486 §4).
    pub max_prefixes: Vec<(Family, usize)>,
    /// How long the session stays Idle after too many; `None`: until [`Command::Start`].
    pub max_prefix_restart: Option<Span>,
    /// The restart time that is announced: less than 4096 s. This end helps others to restart (RFC 4724), as far as to know
    /// a restart; it keeps no routes of a session that has ended, and does not restart itself. `None`: not even that.
    pub graceful_restart: Option<Span>,
    /// TTL or hop limit of what is sent.
    pub hop_limit: u8,
    /// The longest IP packet, in octets.
    pub mtu: u16,
}

impl SessionConfig {
    /// The family of the addresses; hold 180 s and keepalive 60 s, as Microsoft has them, ConnectRetryTime 120 s
    /// (RFC 4271 §10); connects and listens, takes any number of prefixes, knows no restart. Hop limit 1 to another system
    /// and 64 within it, MTU 1500.
    pub fn new(local: IpAddr, remote: IpAddr, local_as: u32, remote_as: u32, router_id: Ipv4Addr) -> Self {
        SessionConfig {
            local,
            remote,
            local_as,
            remote_as,
            router_id,
            families: vec![if local.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }],
            hold: Span::from_s(180),
            keepalive: Span::from_s(60),
            connect_retry: Span::from_s(120),
            is_passive: false,
            max_prefixes: Vec::new(),
            max_prefix_restart: None,
            graceful_restart: None,
            hop_limit: if local_as == remote_as { 64 } else { 1 },
            mtu: 1500,
        }
    }

    /// Whether both ends are of one autonomous system.
    pub const fn is_internal(&self) -> bool {
        self.local_as == self.remote_as
    }

    fn check(&self) {
        assert!(self.local_as != 0 && self.remote_as != 0, "an autonomous system of 0 (RFC 7607)");
        assert!(!self.router_id.is_unspecified(), "a BGP identifier of 0.0.0.0");
        assert!(!self.families.is_empty(), "no family is offered");
        let (hold, is_whole) = (self.hold.as_ps() / PS_PER_S, self.hold.as_ps().is_multiple_of(PS_PER_S));
        assert!(is_whole && (hold == 0 || (3..=65535).contains(&hold)), "a hold time of {}", self.hold);
        assert!(self.keepalive > Span::ZERO && self.connect_retry > Span::ZERO, "a timer of 0");
        let restart = self.graceful_restart.map_or(0, |time| time.as_ps() / PS_PER_S);
        assert!(restart < 4096, "a restart time of {restart} s, 12 bits hold 4095");
    }
}

/// How far a session is (RFC 4271 §8.2.2). With several connections it is what the furthest of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Connects to nobody, and refuses all.
    Idle,
    /// A connection is asked for; one of the other end is taken as well.
    Connect,
    /// Waits for the other end to connect, and until it is time for another attempt.
    Active,
    /// There is a connection, and OPEN is sent.
    OpenSent,
    /// The other end's OPEN has come; whether it takes this end's is not known.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

/// What an operator or another protocol wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Let it come up (events 1 and 4), at once if it waits in Idle.
    Start,
    /// Hold it down (event 2); the other end is told so.
    Stop(Cease),
    /// The path does not work, as BFD says (RFC 5882 §4.2): the session ends now and is not tried again until
    /// [`Command::PathUp`]. Whether it is started does not change.
    PathDown,
    /// The path works: a session that waits in Idle for that, or after a failure, begins now.
    PathUp,
}

/// Why a session is ended on purpose: subcodes of Cease (RFC 4486, RFC 8538, RFC 9384).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // Their names are the registry's.
pub enum Cease {
    MaximumPrefixes = 1,
    AdministrativeShutdown = 2,
    PeerDeConfigured = 3,
    AdministrativeReset = 4,
    ConnectionRejected = 5,
    OtherConfigurationChange = 6,
    CollisionResolution = 7,
    OutOfResources = 8,
    HardReset = 9,
    BfdDown = 10,
}

/// Messages by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// OPEN.
    pub open: u64,
    /// UPDATE.
    pub update: u64,
    /// NOTIFICATION.
    pub notification: u64,
    /// KEEPALIVE.
    pub keepalive: u64,
    /// ROUTE-REFRESH.
    pub route_refresh: u64,
}

/// What a session has counted since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that TCP was given, or that wait for it.
    pub sent: Messages,
    /// Messages that have arrived whole, whatever they said.
    pub received: Messages,
    /// Times that it was Established.
    pub established: u64,
    /// Failures since it was last started or stopped by command (ConnectRetryCounter).
    pub connect_retries: u64,
    /// Updates that had no octets: see [`Event::NotEncoded`].
    pub not_encoded: u64,
    /// When the state last changed, and why.
    pub last_change: Option<(Instant, Why)>,
}

/// A session with one other end, over TCP.
///
/// ```text
///                    +-------- failed, stopped: from every state --------+
///                    V                                                   |
///  start, restart  Idle --(passive)--> Active <--- no connection ---+    |
///                    |                  |  ^                        |    |
///                    |   connect retry  V  | no connection          |    |
///                    +--------------> Connect                       |    |
///                                       |  TCP, either way          |    |
///                                       +---> OpenSent -------------+    |
///                                               | OPEN                   |
///                                             OpenConfirm ---------------+
///                                               | KEEPALIVE              |
///                                             Established ---------------+
/// ```
/// The caller calls [`handle_timeout`](Self::handle_timeout) at every instant that [`poll_timeout`](Self::poll_timeout)
/// names, before it hands in anything later, and takes packets and events after each `handle_...` and `send_...`.
///
/// Left out of RFC 4271 §8: DampPeerOscillations and DelayOpen, which are optional; a session waits in Idle for
/// ConnectRetryTime after a failure, however often it fails, and starts again by itself (event 3, AllowAutomaticStart).
/// SendHoldTimer (RFC 9687) is left out as well.
pub struct Session {
    config: SessionConfig,
    rng: Rng,
    transport: Transport,
    /// An operator wants it.
    is_wanted: bool,
    /// Not Idle.
    is_running: bool,
    /// BFD has said so.
    is_path_down: bool,
    /// ConnectRetryTimer.
    retry_at: Option<Instant>,
    restart: Option<Restart>,
    /// The state that was told last.
    told: State,
    events: VecDeque<Event>,
    counts: Counts,
}

impl Session {
    /// A session that does nothing yet: Idle. Ports, sequence numbers and jitter come from `rng`.
    ///
    /// # Panics
    /// If `config` is out of its ranges.
    pub fn new(config: SessionConfig, mut rng: Rng) -> Self {
        config.check();
        let transport = Transport::new(&config, Rng::new(rng.next_u64(), 0));
        Session {
            config,
            rng,
            transport,
            is_wanted: false,
            is_running: false,
            is_path_down: false,
            retry_at: None,
            restart: None,
            told: State::Idle,
            events: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// Does what was asked for.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Start => self.start_by_command(now),
            Command::Stop(cease) => self.stop_by_command(now, cease),
            Command::PathDown => self.lose_path(now),
            Command::PathUp => self.regain_path(now),
        }
        self.pump(now);
    }

    /// Takes an IP packet that has arrived, both headers; `false` if it is not of this session's TCP.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8]) -> bool {
        // A path that is said to be down may work again for the other end first: its SYN is not refused, it comes again.
        let hears_none = self.is_path_down;
        let is_taken = self.transport.handle_packet(now, packet, hears_none).is_some();
        if is_taken {
            self.pump(now);
        }
        is_taken
    }

    /// Does what is due; nothing before the instant of [`poll_timeout`](Self::poll_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        self.transport.handle_timeout(now);
        self.pump(now);
        self.expire(now);
        self.pump(now);
    }

    /// Sends routes: all of them are taken or none. `false`: the session is not Established, or what it was given before has
    /// not all gone to TCP; the caller keeps the update and tries again after the next input. An update that has no octets
    /// (families that are not carried, a next hop of the wrong family) is taken and told as [`Event::NotEncoded`]: to try
    /// again would not help.
    pub fn send_update(&mut self, now: Instant, update: &RouteUpdate) -> bool {
        let Some(link) = self.transport.links.iter_mut().find(|link| link.state == State::Established) else {
            return false;
        };
        if !link.has_room() {
            return false;
        }
        match update::encode_update(update, &link.peering()) {
            Ok(messages) if messages.is_empty() => {}
            Ok(messages) => {
                self.counts.sent.update += messages.len() as u64;
                link.push(now, messages);
                // RFC 4271 §8.2.2: each UPDATE says that this end lives.
                let (id, keepalive) = (link.id, link.negotiated.as_ref().map_or(Span::ZERO, |of| of.keepalive));
                self.time_keepalive(now, id, keepalive);
                self.pump(now);
            }
            Err(error) => {
                self.counts.not_encoded += 1;
                self.events.push_back(Event::NotEncoded(error));
            }
        }
        true
    }

    /// The next IP packet to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transport.poll_transmit()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let of_links = self.transport.links.iter().flat_map(|link| [link.hold_at, link.keepalive_at]);
        let restart = self.restart.map(|restart| restart.at);
        of_links.chain([self.retry_at, restart, self.transport.poll_timeout()]).flatten().min()
    }

    /// How far it is.
    pub fn state(&self) -> State {
        self.told
    }

    /// What both ends have agreed on, while it is Established.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        let link = self.transport.links.iter().find(|link| link.state == State::Established)?;
        link.negotiated.as_ref()
    }

    /// What it has counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// As it was configured.
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Session");
        all.field("state", &self.told).field("config", &self.config).field("counts", &self.counts);
        all.finish_non_exhaustive()
    }
}
