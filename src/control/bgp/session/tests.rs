//! Sessions against each other and against a peer that says what it is told, over a pipe with faults, on a fake clock.

mod collision;
mod limits;
mod noise;
mod pair;
mod peer;
mod table;

use super::*;
use crate::control::bgp::message::Message;
use peer::Peer;
use std::collections::BTreeMap;

pub(super) const A: usize = 0;
pub(super) const B: usize = 1;

/// What happens to packets on their way; chances in percent.
#[derive(Clone, Copy)]
pub(super) struct Pipe {
    pub(super) delay: Span,
    pub(super) jitter: Span,
    pub(super) lost: u64,
}

pub(super) const CLEAN: Pipe = Pipe { delay: Span::from_ms(1), jitter: Span::from_ps(1), lost: 0 };
pub(super) const BAD: Pipe = Pipe { delay: Span::from_ms(5), jitter: Span::from_ms(8), lost: 10 };

pub(super) enum End {
    Session(Box<Session>),
    Peer(Peer),
}

impl End {
    fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        match self {
            End::Session(session) => assert!(session.handle_packet(now, packet), "a packet of the session"),
            End::Peer(peer) => peer.handle_packet(now, packet),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            End::Session(session) => session.handle_timeout(now),
            End::Peer(peer) => peer.handle_timeout(now),
        }
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        match self {
            End::Session(session) => session.poll_transmit(),
            End::Peer(peer) => peer.poll_transmit(),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            End::Session(session) => session.poll_timeout(),
            End::Peer(peer) => peer.poll_timeout(),
        }
    }
}

/// Two ends and the pipe between them.
pub(super) struct Net {
    pub(super) now: Instant,
    pub(super) ends: [End; 2],
    /// Whether what each end sends gets through.
    pub(super) works: [bool; 2],
    pub(super) sent: Vec<(Instant, usize, Vec<u8>)>,
    pub(super) events: Vec<(Instant, usize, Event)>,
    /// When each end last heard the other.
    pub(super) heard: [Instant; 2],
    pub(super) pipe: Pipe,
    rng: Rng,
    serial: u64,
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
}

/// AS 65010 at 192.168.100.129 with identifier 10.0.0.1, AS 12076 at .130 with 10.0.0.2.
pub(super) fn config(side: usize) -> SessionConfig {
    let address = |side: usize| IpAddr::from([192, 168, 100, 129 + side as u8]);
    let system = [65010, 12076];
    let router_id = Ipv4Addr::new(10, 0, 0, 1 + side as u8);
    SessionConfig::new(address(side), address(1 - side), system[side], system[1 - side], router_id)
}

impl Net {
    pub(super) fn new(ends: [End; 2], pipe: Pipe, seed: u64) -> Net {
        Net {
            now: Instant::from_ps(1_234_567),
            ends,
            works: [true; 2],
            sent: Vec::new(),
            events: Vec::new(),
            heard: [Instant::ZERO; 2],
            pipe,
            rng: Rng::new(seed, 9),
            serial: 0,
            flying: BTreeMap::new(),
        }
    }

    /// Two sessions.
    pub(super) fn pair(configs: [SessionConfig; 2], pipe: Pipe, seed: u64) -> Net {
        let [a, b] = configs;
        let end = |config, side| End::Session(Box::new(Session::new(config, Rng::new(seed, side))));
        Net::new([end(a, 0), end(b, 1)], pipe, seed)
    }

    /// A session at side A and a peer at side B.
    pub(super) fn with_peer(config: SessionConfig, seed: u64) -> Net {
        let peer = Peer::new(config.remote, config.local, seed);
        Net::new([End::Session(Box::new(Session::new(config, Rng::new(seed, 0)))), End::Peer(peer)], CLEAN, seed)
    }

    /// The same, once the session has connected and the peer has said these.
    pub(super) fn greeted(config: SessionConfig, said: &[Message]) -> Net {
        let mut net = Net::with_peer(config, 1);
        let now = net.now;
        net.peer().listen(now);
        net.command(A, Command::Start);
        net.run(Span::from_ms(50));
        let now = net.now;
        said.iter().for_each(|message| net.peer().say(now, 0, message));
        net.run(Span::from_ms(50));
        net
    }

    pub(super) fn session(&mut self, side: usize) -> &mut Session {
        match &mut self.ends[side] {
            End::Session(session) => session,
            End::Peer(_) => panic!("side {side} is a peer"),
        }
    }

    pub(super) fn peer(&mut self) -> &mut Peer {
        match &mut self.ends[B] {
            End::Peer(peer) => peer,
            End::Session(_) => panic!("side B is a session"),
        }
    }

    pub(super) fn state(&mut self, side: usize) -> State {
        self.session(side).state()
    }

    pub(super) fn command(&mut self, side: usize, command: Command) {
        let now = self.now;
        self.session(side).handle_command(now, command);
        self.take(side);
    }

    pub(super) fn update(&mut self, side: usize, update: &RouteUpdate) -> bool {
        let now = self.now;
        let is_taken = self.session(side).send_update(now, update);
        self.take(side);
        is_taken
    }

    /// Changes of state at a side, as text.
    pub(super) fn changes(&self, side: usize) -> Vec<String> {
        let of = self.events.iter().filter(|(_, of, _)| *of == side);
        of.filter_map(|(_, _, event)| match event {
            Event::Changed { from, to, why } => Some(format!("{from} -> {to}: {why}")),
            _ => None,
        })
        .collect()
    }

    pub(super) fn take(&mut self, side: usize) {
        match &mut self.ends[side] {
            End::Session(session) => {
                while let Some(event) = session.poll_event() {
                    self.events.push((self.now, side, event));
                }
            }
            End::Peer(peer) => peer.read(),
        }
        while let Some(packet) = self.ends[side].poll_transmit() {
            self.sent.push((self.now, side, packet.clone()));
            let is_lost = self.rng.below(100) < self.pipe.lost || !self.works[side];
            let jitter = Span::from_ps(self.rng.below(self.pipe.jitter.as_ps()));
            if !is_lost {
                self.serial += 1;
                self.flying.insert((self.now + self.pipe.delay + jitter, self.serial), (1 - side, packet));
            }
        }
    }

    pub(super) fn run(&mut self, span: Span) {
        let end = self.now + span;
        (0..2).for_each(|side| self.take(side));
        loop {
            let arrival = self.flying.keys().next().map(|key| key.0);
            let timers = [0, 1].map(|side| self.ends[side].poll_timeout());
            let next = [arrival, timers[0], timers[1]].into_iter().flatten().min().filter(|at| *at <= end);
            let Some(next) = next else { break };
            assert!(next >= self.now, "time runs back to {next}");
            self.now = next;
            if arrival == Some(next) {
                let (_, (side, packet)) = self.flying.pop_first().unwrap();
                self.heard[side] = next;
                self.ends[side].handle_packet(next, &packet);
                self.take(side);
                continue;
            }
            let side = usize::from(timers[0] != Some(next));
            // Nothing happens before its instant.
            self.ends[side].handle_timeout(Instant::from_ps(next.as_ps() - 1));
            assert_eq!(self.ends[side].poll_timeout(), Some(next));
            assert!(self.ends[side].poll_transmit().is_none());
            self.ends[side].handle_timeout(next);
            self.take(side);
            assert!(self.ends[side].poll_timeout().is_none_or(|again| again > next), "the timer of {next} is done");
        }
        self.now = end;
    }
}
