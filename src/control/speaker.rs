//! BGP of one router: sessions on its sub-interfaces and beyond, the packets that carry theirs, and what they bring to its
//! routes.

use super::bfd::Path;
use super::bgp::session::{Command, Event, Session, SessionConfig, State, Why};
use super::plane::Outgoing;
use super::rib::{PeerConfig, PeerId};
use super::route::RouteUpdate;
use super::routing::Routing;
use super::segments::Segments;
use crate::id::{PortId, VrfId};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::ethernet;
use std::collections::VecDeque;
use std::net::IpAddr;

/// A BGP session of a router, and what its table of routes makes of it.
#[derive(Clone, Debug)]
pub struct BgpSpec {
    /// Where its packets go and come.
    pub over: Over,
    /// The session.
    pub session: SessionConfig,
    /// The neighbour as the table of routes sees it.
    pub peer: PeerConfig,
    /// The BFD session that it goes down with, by its place among those of the router (RFC 5882 §4.3).
    pub bfd: Option<usize>,
}

/// Where packets of a session go and come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The neighbour is on a sub-interface, by its place among those of the router.
    Interface(usize),
    /// It is anywhere: packets go by the routes of this VRF, and may come by any port that leads into it.
    Routed(VrfId),
}

/// A change of a session's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What it was.
    pub from: State,
    /// What it is.
    pub to: State,
    /// Why.
    pub why: Why,
}

/// The sessions of a router at work.
pub(super) struct Speaker {
    peers: Vec<Peer>,
    outgoing: VecDeque<Outgoing>,
    changes: VecDeque<(usize, Changed)>,
}

/// A session, and what is known of the way to the neighbour.
struct Peer {
    spec: BgpSpec,
    session: Session,
    is_port_up: bool,
    /// `None`: BFD has not said anything yet.
    does_path_work: Option<bool>,
    /// What the session was told of that.
    is_path_usable: bool,
    /// An update that the session had no room for.
    stuck: Option<RouteUpdate>,
}

impl Speaker {
    /// All idle, about to start.
    pub(super) fn new(specs: &[BgpSpec], seed: u64) -> Self {
        let peer = |(spec, place): (&BgpSpec, u64)| {
            // Apart from the streams of BFD, which are the first.
            let mut session = Session::new(spec.session.clone(), Rng::new(seed, SESSIONS_FROM + place));
            session.handle_command(Instant::ZERO, Command::Start);
            let spec = spec.clone();
            Peer { spec, session, is_port_up: true, does_path_work: None, is_path_usable: true, stuck: None }
        };
        Speaker {
            peers: specs.iter().zip(0..).map(peer).collect(),
            outgoing: VecDeque::new(),
            changes: VecDeque::new(),
        }
    }

    /// An IP packet of TCP came that way, between these addresses; whether it was for a session.
    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        over: Over,
        (from, to): (IpAddr, IpAddr),
        packet: &[u8],
    ) -> bool {
        let ends = |spec: &BgpSpec| (spec.over, spec.session.remote, spec.session.local) == (over, from, to);
        let peer = self.peers.iter_mut().find(|peer| ends(&peer.spec));
        peer.is_some_and(|peer| peer.session.handle_packet(now, packet))
    }

    /// A port went down or came up: sessions of its sub-interfaces do not wait for their hold time.
    pub(super) fn handle_port(&mut self, now: Instant, port: PortId, up: bool, segments: &Segments) {
        let is_over = |over: Over| match over {
            Over::Interface(place) => segments.interface(place).port == port,
            Over::Routed(_) => false,
        };
        for peer in self.peers.iter_mut().filter(|peer| is_over(peer.spec.over)) {
            peer.is_port_up = up;
            peer.tell_path(now);
        }
    }

    /// A BFD session says what its path is like. That nobody watches it any more says nothing of the path (RFC 5882 §3.2).
    pub(super) fn handle_bfd(&mut self, now: Instant, session: usize, path: Path) {
        let works = match path {
            Path::Works => true,
            Path::Failed => false,
            Path::Unwatched => return,
        };
        for peer in self.peers.iter_mut().filter(|peer| peer.spec.bfd == Some(session)) {
            peer.does_path_work = Some(works);
            peer.tell_path(now);
        }
    }

    /// Does what is due at `now`, and carries what sessions and routes have to say to each other, until both are silent.
    pub(super) fn handle_timeout(&mut self, now: Instant, routing: &mut Routing) {
        for peer in &mut self.peers {
            peer.session.handle_timeout(now);
        }
        loop {
            let mut is_quiet = true;
            for (place, peer) in self.peers.iter_mut().enumerate() {
                while let Some(event) = peer.session.poll_event() {
                    is_quiet = false;
                    if let Some(changed) = peer.pass_on(now, id(place), event, routing) {
                        self.changes.push_back((place, changed));
                    }
                }
            }
            for (place, peer) in self.peers.iter_mut().enumerate() {
                is_quiet &= !peer.tell(now, id(place), routing);
            }
            if is_quiet {
                return;
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.peers.iter().filter_map(|peer| peer.session.poll_timeout()).min()
    }

    /// The next frame that a session sends at `now`. What is for a neighbour whose MAC address is not known is lost, and the
    /// neighbour is asked for: TCP sends it again.
    pub(super) fn poll_transmit(&mut self, now: Instant, segments: &mut Segments) -> Option<Outgoing> {
        for peer in &mut self.peers {
            while let Some(packet) = peer.session.poll_transmit() {
                let remote = peer.spec.session.remote;
                let ethertype = if remote.is_ipv4() { ethernet::IPV4 } else { ethernet::IPV6 };
                let outgoing = match peer.spec.over {
                    Over::Interface(place) => {
                        let mac = segments.resolve(now, place, remote);
                        mac.map(|mac| segments.interface(place).frame(mac, ethertype, &packet))
                    }
                    Over::Routed(vrf) => Some(Outgoing::routed(vrf, ethertype, &packet)),
                };
                self.outgoing.extend(outgoing);
            }
        }
        self.outgoing.pop_front()
    }

    /// All of them, in their order.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.peers.iter().map(|peer| &peer.session)
    }

    /// The next change of a session: its place among those of the router.
    pub(super) fn poll_change(&mut self) -> Option<(usize, Changed)> {
        self.changes.pop_front()
    }
}

impl Peer {
    fn tell_path(&mut self, now: Instant) {
        let is_usable = self.is_port_up && self.does_path_work != Some(false);
        if is_usable != self.is_path_usable {
            self.is_path_usable = is_usable;
            self.session.handle_command(now, if is_usable { Command::PathUp } else { Command::PathDown });
        }
    }

    /// What the session says goes to the routes; a change of its state comes back.
    fn pass_on(&mut self, now: Instant, id: PeerId, event: Event, routing: &mut Routing) -> Option<Changed> {
        match event {
            Event::Changed { from, to, why } => return Some(Changed { from, to, why }),
            Event::Up(_) => routing.peer_up(now, id),
            Event::Down => {
                self.stuck = None;
                routing.set_stuck(id, false);
                routing.peer_down(now, id);
            }
            Event::Update(update) => routing.handle_update(now, id, &update),
            Event::Refresh(_) => routing.refresh(now, id),
            // Counted by the session.
            Event::Fault(_) | Event::NotEncoded(_) => {}
        }
        None
    }

    /// Tells the neighbour what the routes have for it, as far as there is room; whether there was anything.
    fn tell(&mut self, now: Instant, id: PeerId, routing: &mut Routing) -> bool {
        let mut is_news = false;
        while let Some(update) = self.stuck.take().or_else(|| routing.poll_updates(now, id)) {
            if !self.session.send_update(now, &update) {
                self.stuck = Some(update);
                break;
            }
            is_news = true;
        }
        routing.set_stuck(id, self.stuck.is_some());
        is_news
    }
}

impl std::fmt::Debug for Speaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let states = self.peers.iter().map(|peer| (peer.spec.session.remote, peer.session.state()));
        f.debug_list().entries(states).finish()
    }
}

fn id(place: usize) -> PeerId {
    PeerId(place as u16)
}

/// The first random stream of a router that is of a BGP session's.
const SESSIONS_FROM: u64 = 1 << 32;
