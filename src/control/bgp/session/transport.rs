//! The TCP connections of a session: the listener, those that BGP runs on, and those that still say goodbye.

use super::link::Link;
use super::{SessionConfig, State};
use crate::control::stack::tcp::{BGP_PORT, Connection, Event, Options, Ports, Role};
use crate::rng::Rng;
use crate::time::Instant;

/// Which connection a segment is for.
enum Target {
    Link(usize),
    Draining(usize),
    Listener,
}

/// All connections with one other end. There is one attempt to connect at the most, and the other end has one.
pub(super) struct Transport {
    local: std::net::IpAddr,
    remote: std::net::IpAddr,
    options: Options,
    rng: Rng,
    listener: Connection,
    next_id: u64,
    /// In the order in which they were begun.
    pub(super) links: Vec<Link>,
    /// Closed by BGP, not yet by TCP: a NOTIFICATION may be on its way. The oldest first.
    draining: Vec<Connection>,
}

impl Transport {
    pub(super) fn new(config: &SessionConfig, mut rng: Rng) -> Self {
        let options = Options { mtu: config.mtu, hop_limit: config.hop_limit, ..Options::default() };
        let of_listener = Rng::new(rng.next_u64(), 0);
        Transport {
            local: config.local,
            remote: config.remote,
            options,
            rng,
            listener: Connection::new(config.local, config.remote, Role::Passive, options, of_listener),
            next_id: 0,
            links: Vec::new(),
            draining: Vec::new(),
        }
    }

    /// Takes connections from now on.
    pub(super) fn listen(&mut self, now: Instant) {
        self.listener.listen(now);
    }

    /// Refuses connections from now on (RFC 4271 §8.2.2, Idle).
    pub(super) fn refuse(&mut self, now: Instant) {
        self.listener.abort(now);
    }

    /// Begins an attempt to connect, in place of one that is under way.
    pub(super) fn connect(&mut self, now: Instant) {
        self.give_up(now);
        let mut connection = self.connection(Role::Active);
        connection.connect(now);
        self.add(Role::Active, connection);
    }

    /// Ends the attempt to connect, if there is one. The other end's half of it has not seen a connection.
    pub(super) fn give_up(&mut self, now: Instant) {
        while let Some(at) = self.links.iter().position(|link| link.state == State::Connect) {
            let mut link = self.links.remove(at);
            link.connection.abort(now);
        }
    }

    /// Takes a packet; `None` if it is none of this session's TCP. Where `hears_none` is set, connections that begin are
    /// neither taken nor refused.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: &[u8], hears_none: bool) -> Option<()> {
        let ports = self.listener.ports(packet)?;
        if ports.source != BGP_PORT && ports.destination != BGP_PORT {
            return None;
        }
        match self.target(ports) {
            Target::Link(at) => self.links[at].connection.handle_packet(now, packet),
            Target::Draining(at) => self.draining[at].handle_packet(now, packet),
            Target::Listener if hears_none => {}
            Target::Listener => {
                // The other end has one attempt at a time: another port means that the one before is given up.
                let is_new = self.listener.remote_port().is_some_and(|port| port != ports.source);
                if is_new && ports.is_syn && ports.destination == BGP_PORT {
                    self.listener.listen(now);
                }
                self.listener.handle_packet(now, packet);
            }
        }
        Some(())
    }

    fn target(&self, Ports { source, destination, .. }: Ports) -> Target {
        let is_for = |role: Role, connection: &Connection| match role {
            Role::Passive => destination == BGP_PORT && connection.remote_port() == Some(source),
            Role::Active => source == BGP_PORT && connection.local_port() == destination,
        };
        if let Some(at) = self.links.iter().position(|link| is_for(link.role, &link.connection)) {
            return Target::Link(at);
        }
        let is_draining = |connection: &Connection| {
            let role = if connection.local_port() == BGP_PORT { Role::Passive } else { Role::Active };
            is_for(role, connection)
        };
        self.draining.iter().position(is_draining).map_or(Target::Listener, Target::Draining)
    }

    /// The connection that the listener has taken, as a link; there is a new listener in its place.
    pub(super) fn accepted(&mut self, now: Instant) -> Option<u64> {
        let mut has_accepted = false;
        while let Some(event) = self.listener.poll_event() {
            has_accepted |= event == Event::Accepted;
        }
        if !has_accepted {
            return None;
        }
        let mut next = self.connection(Role::Passive);
        next.listen(now);
        let mut taken = std::mem::replace(&mut self.listener, next);
        taken.stop_listening();
        Some(self.add(Role::Passive, taken))
    }

    /// Takes a link out of BGP's hands; its connection stays until TCP is done with it.
    pub(super) fn drain(&mut self, connection: Connection) {
        if self.draining.len() == MAX_DRAINING {
            self.draining.remove(0);
        }
        self.draining.push(connection);
    }

    /// Reads what nobody wants any more, and forgets connections that are over.
    pub(super) fn clean(&mut self) {
        for connection in &mut self.draining {
            while connection.poll_octets().is_some() {}
            while connection.poll_event().is_some() {}
        }
        self.draining.retain(|connection| !connection.is_over());
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.connections().for_each(|connection| connection.handle_timeout(now));
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let packet = self.connections().find_map(Connection::poll_transmit);
        self.clean();
        packet
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let all = self.draining.iter().chain(self.links.iter().map(|link| &link.connection)).chain([&self.listener]);
        all.filter_map(Connection::poll_timeout).min()
    }

    pub(super) fn link(&mut self, id: u64) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }

    pub(super) fn take(&mut self, id: u64) -> Option<Link> {
        let at = self.links.iter().position(|link| link.id == id)?;
        Some(self.links.remove(at))
    }

    /// What was said before comes first.
    fn connections(&mut self) -> impl Iterator<Item = &mut Connection> {
        let links = self.links.iter_mut().map(|link| &mut link.connection);
        self.draining.iter_mut().chain(links).chain([&mut self.listener])
    }

    fn connection(&mut self, role: Role) -> Connection {
        let rng = Rng::new(self.rng.next_u64(), 0);
        Connection::new(self.local, self.remote, role, self.options, rng)
    }

    fn add(&mut self, role: Role, connection: Connection) -> u64 {
        self.next_id += 1;
        self.links.push(Link::new(self.next_id, role, connection));
        self.next_id
    }
}

/// Connections that say goodbye at the most; of more, the oldest is forgotten without another word.
pub(super) const MAX_DRAINING: usize = 4;
