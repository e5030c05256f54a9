//! One session: states and timers of RFC 5880 §6.8; which session a packet is for is decided before.

use super::event::{Cause, Event};
use super::intervals::Intervals;
use crate::rng::Rng;
use crate::time::{Instant, Span};
use crate::wire::bfd::{DetectMult, Diagnostic, Interval, Packet, State};
use std::collections::VecDeque;
use std::num::NonZeroU32;

/// What an operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Between our packets while up; while not up it is one second at least.
    pub desired_min_tx: Interval,
    /// Between the neighbour's packets, at the least that we can take.
    pub required_min_rx: Interval,
    /// Of our intervals, how many the neighbour waits in silence.
    pub multiplier: DetectMult,
    /// Says nothing before the neighbour does (RFC 5880 §6.1).
    pub passive: bool,
    /// The C bit: BFD outlives the control plane.
    pub control_plane_independent: bool,
}

impl Config {
    /// Packets each `interval`, both ways; the neighbour waits for `multiplier` of them. Neither passive nor independent of
    /// the control plane.
    pub const fn new(interval: Interval, multiplier: DetectMult) -> Self {
        Config {
            desired_min_tx: interval,
            required_min_rx: interval,
            multiplier,
            passive: false,
            control_plane_independent: false,
        }
    }
}

/// What an operator or another protocol wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hold the session down.
    AdminDown,
    /// Let it come up again.
    Enable,
    /// The path is known to be down, by other means than BFD.
    PathDown,
    /// Other intervals from now on, without a flap.
    SetIntervals {
        /// As in [`Config`].
        desired_min_tx: Interval,
        /// As in [`Config`].
        required_min_rx: Interval,
    },
}

/// What a session has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets taken.
    pub packets_in: u64,
    /// Packets given out.
    pub packets_out: u64,
    /// Times that it left Up.
    pub downs: u64,
}

/// A session with one neighbour.
///
/// ```text
///                         +--+
///                         |  | UP, ADMIN DOWN, TIMER
///                         |  V
///                 DOWN  +------+  INIT
///          +------------|      |------------+
///          |            | DOWN |            |
///          |  +-------->|      |<--------+  |
///          |  |         +------+         |  |
///          |  | ADMIN DOWN,   ADMIN DOWN,|  |
///          |  | TIMER         DOWN, TIMER|  |
///          V  |                          |  V
///        +------+                      +------+
///   +----|      |                      |      |----+
/// DOWN|  | INIT |--------------------->|  UP  |    |INIT, UP
///   +--->|      | INIT, UP             |      |<---+
///        +------+                      +------+
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    config: Config,
    local_discriminator: NonZeroU32,
    rng: Rng,
    state: State,
    diagnostic: Diagnostic,
    intervals: Intervals,
    remote_discriminator: Option<NonZeroU32>,
    remote_state: State,
    remote_demand: bool,
    last_received: Option<(Instant, Packet)>,
    last_sent: Option<Instant>,
    /// The interval that `next_send` was drawn for.
    send_interval: Option<Span>,
    next_send: Option<Instant>,
    detect_at: Option<Instant>,
    /// News of the state went since the last packet that went by the timer.
    told_early: bool,
    /// The state that the neighbour was told last; Down, which it takes an unknown end for, before anything was said.
    told: State,
    send_now: bool,
    answer_now: bool,
    /// One for each `handle_...` at the most.
    events: VecDeque<Event>,
    counters: Counters,
    changed_at: Instant,
}

impl Session {
    /// A session that begins at `now`, down. `local_discriminator` is no other session's of this router; `rng` is its own.
    pub fn new(now: Instant, config: Config, local_discriminator: NonZeroU32, rng: Rng) -> Self {
        let intervals = Intervals::new(config.desired_min_tx.as_us(), config.required_min_rx.as_us());
        let mut session = Session {
            config,
            local_discriminator,
            rng,
            state: State::Down,
            diagnostic: Diagnostic::NoDiagnostic,
            intervals,
            remote_discriminator: None,
            remote_state: State::Down,
            remote_demand: false,
            last_received: None,
            last_sent: None,
            send_interval: None,
            next_send: None,
            detect_at: None,
            told_early: false,
            told: State::Down,
            send_now: false,
            answer_now: false,
            events: VecDeque::new(),
            counters: Counters::default(),
            changed_at: now,
        };
        session.retime(now);
        session
    }

    /// Takes a packet that is for this session (RFC 5880 §6.8.6).
    pub fn handle_packet(&mut self, now: Instant, packet: &Packet) {
        self.remote_discriminator = Some(packet.my_discriminator);
        self.remote_state = packet.state;
        self.remote_demand = packet.demand;
        self.intervals.hear(packet);
        self.counters.packets_in += 1;
        self.last_received = Some((now, *packet));
        if self.state != State::AdminDown {
            self.step(now, packet.state);
            self.answer_now |= packet.poll;
        }
        self.retime(now);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.detect_at.is_some_and(|at| at <= now) {
            self.forget_neighbour();
            if matches!(self.state, State::Init | State::Up) {
                self.enter(State::Down, Diagnostic::ControlDetectionTimeExpired, Cause::DetectionTimeExpired, now);
            }
            // The interval that the neighbour asked for is forgotten too: a packet may be due already.
            self.retime(now);
        }
        if self.next_send.is_some_and(|at| at <= now) {
            self.told_early = false;
            self.send(now);
        }
        self.retime(now);
    }

    /// Does what was asked for.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::AdminDown if self.state != State::AdminDown => {
                self.enter(State::AdminDown, Diagnostic::AdministrativelyDown, Cause::AdministrativelyDown, now);
            }
            Command::Enable if self.state == State::AdminDown => {
                self.enter(State::Down, Diagnostic::NoDiagnostic, Cause::Enabled, now);
            }
            Command::PathDown if matches!(self.state, State::Init | State::Up) => {
                self.enter(State::Down, Diagnostic::PathDown, Cause::PathDown, now);
            }
            Command::AdminDown | Command::Enable | Command::PathDown => {}
            Command::SetIntervals { desired_min_tx, required_min_rx } => {
                (self.config.desired_min_tx, self.config.required_min_rx) = (desired_min_tx, required_min_rx);
                self.ask();
            }
        }
        self.retime(now);
    }

    /// The next packet to send at once.
    pub fn poll_transmit(&mut self) -> Option<Packet> {
        let is_final = std::mem::take(&mut self.answer_now);
        if !is_final && !std::mem::take(&mut self.send_now) {
            return None;
        }
        // P and F are never in one packet (RFC 5880 §6.5).
        let poll = !is_final && self.intervals.polls();
        if poll {
            self.intervals.sent();
        }
        self.counters.packets_out += 1;
        Some(Packet {
            diagnostic: self.diagnostic,
            state: self.state,
            poll,
            final_bit: is_final,
            control_plane_independent: self.config.control_plane_independent,
            demand: false,
            multiplier: self.config.multiplier,
            my_discriminator: self.local_discriminator,
            your_discriminator: self.remote_discriminator,
            desired_min_tx_us: self.intervals.desired_min_tx_us,
            required_min_rx_us: self.intervals.required_min_rx_us,
            required_min_echo_rx_us: 0,
        })
    }

    /// The next change to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::handle_timeout`] has something to do; nothing happens by itself before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.next_send, self.detect_at].into_iter().flatten().min()
    }

    /// The state table's answer to a neighbour in `heard` (RFC 5880 §6.2, §6.8.6).
    fn step(&mut self, now: Instant, heard: State) {
        let signaled = Diagnostic::NeighbourSignaledSessionDown;
        let (to, diagnostic, cause) = match (self.state, heard) {
            (State::Init | State::Up, State::AdminDown) => (State::Down, signaled, Cause::NeighbourAdminDown),
            (State::Down, State::Down) => (State::Init, Diagnostic::NoDiagnostic, Cause::Handshake),
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
                (State::Up, Diagnostic::NoDiagnostic, Cause::Handshake)
            }
            (State::Up, State::Down) => (State::Down, signaled, Cause::NeighbourSignaledSessionDown),
            (State::AdminDown, _)
            | (State::Down, State::AdminDown | State::Up)
            | (State::Init, State::Down)
            | (State::Up, State::Init | State::Up) => return,
        };
        self.enter(to, diagnostic, cause, now);
    }

    /// Changes the state, tells it, and tells the neighbour at once (§6.8.7), but only once between packets that go by the
    /// timer: two ends that answer each change with news can take each other up and down for ever, at the pace of the path.
    /// That an operator holds the session down answers nothing, and is told unless the neighbour was told so last: else its
    /// detection time could run out first, and it would take the wish for a failure.
    fn enter(&mut self, to: State, diagnostic: Diagnostic, cause: Cause, now: Instant) {
        let from = std::mem::replace(&mut self.state, to);
        self.diagnostic = diagnostic;
        self.counters.downs += u64::from(from == State::Up);
        self.changed_at = now;
        self.events.push_back(Event { from, to, diagnostic, cause });
        self.ask();
        let is_wish = to == State::AdminDown && self.told != State::AdminDown;
        if self.may_speak() && (is_wish || !self.told_early) {
            self.told_early = true;
            self.send(now);
        }
    }

    fn ask(&mut self) {
        let (tx, rx) = (self.config.desired_min_tx.as_us(), self.config.required_min_rx.as_us());
        self.intervals.ask(self.state == State::Up, tx, rx);
    }

    /// bfd.RemoteDiscr is zero again (§6.8.1), and the rest of what the neighbour said is not better known.
    fn forget_neighbour(&mut self) {
        self.remote_discriminator = None;
        self.remote_state = State::Down;
        self.remote_demand = false;
        self.intervals.forget_remote();
    }

    fn send(&mut self, now: Instant) {
        self.send_now = true;
        self.told = self.state;
        self.last_sent = Some(now);
        self.next_send = None;
    }

    /// Puts both timers where what is known now has them.
    fn retime(&mut self, now: Instant) {
        let last_heard = self.last_received.filter(|_| self.remote_discriminator.is_some());
        let detection = self.intervals.detection();
        // A shorter time counts from the packet before, so it may be over already.
        self.detect_at = last_heard.zip(detection).map(|((at, _), time)| at.saturating_add(time).max(now));
        let interval = self.intervals.transmit().filter(|_| self.sends_periodically());
        if interval != self.send_interval || self.next_send.is_none() {
            self.send_interval = interval;
            // A shorter interval counts from the packet before, so the next may be due already (§6.8.3).
            self.next_send = interval.map(|interval| match self.last_sent {
                Some(last) => last.saturating_add(self.jittered(interval)).max(now),
                None => now,
            });
        }
    }

    /// Whether anything may be said: a passive end waits for the neighbour (§6.8.7).
    fn may_speak(&self) -> bool {
        !self.config.passive || self.remote_discriminator.is_some()
    }

    /// Whether packets go by the timer (§6.8.7): the neighbour in demand mode wants none while both are up (§6.6), except
    /// for a Poll Sequence.
    fn sends_periodically(&self) -> bool {
        let demand = self.remote_demand && self.state == State::Up && self.remote_state == State::Up;
        self.may_speak() && (!demand || self.intervals.polls())
    }

    /// The interval less 0 to 25 %, with a multiplier of 1 less 10 to 25 % (§6.8.7).
    fn jittered(&mut self, interval: Span) -> Span {
        let ps = interval.as_ps();
        let least = if self.config.multiplier.0.get() == 1 { ps.div_ceil(10) } else { 0 };
        Span::from_ps(ps - least - self.rng.below(ps / 4 - least + 1))
    }

    /// As it was set.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Our name for the session.
    pub fn local_discriminator(&self) -> NonZeroU32 {
        self.local_discriminator
    }

    /// The neighbour's name for the session, if it is known.
    pub fn remote_discriminator(&self) -> Option<NonZeroU32> {
        self.remote_discriminator
    }

    /// Our state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The neighbour's state as last heard, Down if it was not heard for the detection time.
    pub fn remote_state(&self) -> State {
        self.remote_state
    }

    /// Why the state last changed.
    pub fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// Between our packets, before jitter; `None` while the neighbour wants none.
    pub fn transmit_interval(&self) -> Option<Span> {
        self.intervals.transmit()
    }

    /// Between the neighbour's packets, before jitter.
    pub fn receive_interval(&self) -> Span {
        self.intervals.receive()
    }

    /// How long the neighbour may be silent; `None` as long as it was not heard.
    pub fn detection_time(&self) -> Option<Span> {
        self.intervals.detection()
    }

    /// Whether a Poll Sequence is under way.
    pub fn polls(&self) -> bool {
        self.intervals.polls()
    }

    /// The last packet taken, and when.
    pub fn last_received(&self) -> Option<(Instant, &Packet)> {
        self.last_received.as_ref().map(|(at, packet)| (*at, packet))
    }

    /// Since when it is up, if it is.
    pub fn up_since(&self) -> Option<Instant> {
        (self.state == State::Up).then_some(self.changed_at)
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
