//! TCP of one BGP session: smoltcp's state machine, one interface and one socket to each connection.

mod device;
#[cfg(test)]
mod tests;

use crate::rng::Rng;
use crate::time::{Instant, Span};
use crate::wire::{checksum, ipv4, ipv6};
use device::Wire;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant as Micros};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use std::collections::VecDeque;
use std::net::IpAddr;

/// The port of BGP (RFC 4271 §8.2.1).
pub const BGP_PORT: u16 = 179;
/// The ports that an active connection takes one of (RFC 6335 §6).
pub const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 49152..=65535;
/// Packets that wait for [`Connection::poll_transmit`] at most. More wait in the socket; what would be answered is lost.
pub const TRANSMIT_PACKETS: usize = 64;

/// Who opens the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// This end sends the SYN, from a port of [`EPHEMERAL_PORTS`] to [`BGP_PORT`].
    Active,
    /// This end waits for one at [`BGP_PORT`].
    Passive,
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection that this end asked for is established.
    Connected,
    /// The connection that the other end asked for is established.
    Accepted,
    /// The other end has closed, or both have. What it sent before is still given out by [`Connection::poll_octets`].
    Closed,
    /// The SYN was answered by a reset.
    Refused,
    /// Nothing came back: for [`Options::connect_timeout`] of an attempt, for [`Options::user_timeout`] afterwards.
    TimedOut,
    /// The other end reset the connection.
    Reset,
}

/// Which connection a segment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The sender's.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
    /// It begins a connection: SYN, and neither ACK nor RST.
    pub is_syn: bool,
}

/// What can be set of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The longest IP packet in octets: the segment size follows from it. At least 576, for IPv6 1280.
    pub mtu: u16,
    /// TTL or hop limit of what is sent: 1 between neighbours of different systems, 255 with GTSM (RFC 5082), 64 otherwise.
    /// Never 0.
    pub hop_limit: u8,
    /// The socket's buffer in octets, each way; what the other end may send unread. Never 0.
    pub buffer_octets: usize,
    /// What may wait before the socket's buffer, in octets.
    pub queue_octets: usize,
    /// How long an attempt to connect may take.
    pub connect_timeout: Span,
    /// How long what was sent may wait for anything from the other end (RFC 9293 §3.8.3).
    pub user_timeout: Span,
}

impl Default for Options {
    /// 1500 octets, 1 hop, 16 KiB each way and 256 KiB before it; 60 s to connect, 300 s for data.
    fn default() -> Self {
        Options {
            mtu: 1500,
            hop_limit: 1,
            buffer_octets: 16 << 10,
            queue_octets: 256 << 10,
            connect_timeout: Span::from_s(60),
            user_timeout: Span::from_s(300),
        }
    }
}

/// One connection, or one listener and the connection that it accepted.
///
/// Congestion control is Reno (RFC 5681), Nagle's algorithm and keepalives are off, acknowledgements wait 10 ms at most.
/// The retransmission timeout is 1 s at least (RFC 6298 §2.4). Packets leave with DSCP CS6. Time counts in whole microseconds, rounded down.
/// After each call, take what [`poll_octets`](Self::poll_octets), [`poll_transmit`](Self::poll_transmit) and
/// [`poll_event`](Self::poll_event) have.
pub struct Connection {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    wire: Wire,
    local: IpAddr,
    remote: IpAddr,
    role: Role,
    options: Options,
    rng: Rng,
    port: u16,
    phase: Phase,
    is_listener: bool,
    now: Micros,
    /// When the other end has been silent for too long.
    patience: Option<Micros>,
    deadline: Option<Instant>,
    queue: VecDeque<Vec<u8>>,
    /// Octets of the queue's first entry that the socket has.
    taken: usize,
    queued_octets: usize,
    leftover: Vec<u8>,
    events: VecDeque<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Opening,
    Open,
    /// This end wants to close, once the queue is empty.
    Closing,
    /// Its end was told; TCP has still to say goodbye.
    Ended,
}

impl Connection {
    /// A connection between `local` and `remote` that does nothing yet; ports and sequence numbers come from `rng`.
    ///
    /// # Panics
    /// If the addresses are not two unicast ones of one family, or `options` are out of their ranges.
    pub fn new(local: IpAddr, remote: IpAddr, role: Role, options: Options, mut rng: Rng) -> Self {
        assert!(local.is_ipv4() == remote.is_ipv4(), "{local} and {remote} are of different families");
        assert!(is_unicast(local) && is_unicast(remote), "{local} or {remote} is not the address of one host");
        let smallest = if local.is_ipv4() { 576 } else { ipv6::MIN_MTU };
        assert!(options.mtu >= smallest, "an MTU of {} octets, less than {smallest}", options.mtu);
        assert!(options.hop_limit > 0 && options.buffer_octets > 0, "no hop limit or no buffer");
        let mut wire = Wire::new(options.mtu, options.hop_limit);
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = rng.next_u64();
        let mut interface = Interface::new(config, &mut wire, Micros::ZERO);
        interface.update_ip_addrs(|addresses| {
            // The whole family is on the link: which way packets go is the router's to say.
            addresses.push(IpCidr::new(IpAddress::from(local), 0)).expect("there is room for one address");
        });
        let buffer = || SocketBuffer::new(vec![0; options.buffer_octets]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.set_keep_alive(None);
        socket.set_ack_delay(Some(Duration::from_millis(10)));
        socket.set_hop_limit(Some(options.hop_limit));
        let mut sockets = SocketSet::new(vec![SocketStorage::EMPTY]);
        let handle = sockets.add(socket);
        Connection {
            interface,
            sockets,
            handle,
            wire,
            local,
            remote,
            role,
            options,
            rng,
            port: BGP_PORT,
            phase: Phase::Idle,
            is_listener: false,
            now: Micros::ZERO,
            patience: None,
            deadline: None,
            queue: VecDeque::new(),
            taken: 0,
            queued_octets: 0,
            leftover: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Starts an attempt to connect, from a new port. One that is under way or established is forgotten.
    ///
    /// # Panics
    /// If the role is passive.
    pub fn connect(&mut self, now: Instant) {
        assert_eq!(self.role, Role::Active, "a passive end does not connect");
        self.forget();
        let ports = u64::from(EPHEMERAL_PORTS.end() - EPHEMERAL_PORTS.start()) + 1;
        self.port = EPHEMERAL_PORTS.start() + self.rng.below(ports) as u16;
        let (remote, local) = ((self.remote, BGP_PORT), (self.local, self.port));
        let socket = self.sockets.get_mut::<Socket<'_>>(self.handle);
        // A new controller: what the last connection learned of its path is not known of this one.
        socket.set_congestion_control(CongestionControl::Reno);
        socket.connect(self.interface.context(), remote, local).expect("a forgotten socket connects to an address");
        self.phase = Phase::Opening;
        self.pump(now, None);
    }

    /// Waits for a connection, and for the next one whenever one has ended.
    ///
    /// # Panics
    /// If the role is active.
    pub fn listen(&mut self, now: Instant) {
        assert_eq!(self.role, Role::Passive, "an active end does not listen");
        self.forget();
        self.is_listener = true;
        self.pump(now, None);
    }

    /// Closes the connection after all that was sent; [`Event::Closed`] comes when the other end has closed too. An attempt
    /// is given up without an event. A listener listens again.
    pub fn close(&mut self, now: Instant) {
        match self.phase {
            Phase::Open => self.phase = Phase::Closing,
            Phase::Opening if self.role == Role::Active => self.forget(),
            _ => {}
        }
        self.pump(now, None);
    }

    /// Ends the connection with a reset, without an event; what was not sent is lost. An attempt is given up without
    /// one (RFC 9293 §3.10.5). A listener does not listen again until it is told to.
    pub fn abort(&mut self, now: Instant) {
        self.is_listener = false;
        let socket = self.socket();
        if matches!(socket.state(), State::Listen | State::SynSent | State::Closed | State::TimeWait) {
            self.forget();
        } else {
            socket.abort();
            self.drop_queue();
            self.phase = Phase::Idle;
        }
        self.pump(now, None);
    }

    /// Keeps the connection that was accepted as the last one: this end does not listen again after it.
    pub fn stop_listening(&mut self) {
        self.is_listener = false;
    }

    /// Takes an IP packet that arrived. What is not a whole TCP segment from the other address to this one is ignored;
    /// a segment for another port than the connection's is answered by a reset.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        let has_room = self.wire.packets.len() < TRANSMIT_PACKETS;
        if let Some(segment) = self.segment(packet).filter(|_| has_room) {
            self.pump(now, Some(segment));
        }
    }

    /// Takes octets to send. They come back if the queue has no room for all of them or no connection is established.
    pub fn send(&mut self, now: Instant, octets: Vec<u8>) -> Result<(), Vec<u8>> {
        if self.phase != Phase::Open || octets.len() > self.room() {
            return Err(octets);
        }
        if !octets.is_empty() {
            self.queued_octets += octets.len();
            self.queue.push_back(octets);
            self.pump(now, None);
        }
        Ok(())
    }

    /// Does what is due; nothing before the instant of [`poll_timeout`](Self::poll_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.pump(now, None);
        }
    }

    /// The next IP packet to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let packet = self.wire.packets.pop_front()?;
        if self.wire.packets.len() + 1 == TRANSMIT_PACKETS {
            self.advance();
        }
        Some(packet)
    }

    /// All octets that have arrived in order.
    pub fn poll_octets(&mut self) -> Option<Vec<u8>> {
        let mut octets = std::mem::take(&mut self.leftover);
        let before = octets.len();
        self.drain_into(&mut octets);
        if octets.len() > before {
            // The window that opens may be worth a segment.
            self.advance();
        }
        (!octets.is_empty()).then_some(octets)
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do: the first picosecond of a microsecond.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// Octets that [`send`](Self::send) would take.
    pub fn room(&self) -> usize {
        self.options.queue_octets.saturating_sub(self.queued_octets)
    }

    /// Whether octets can be sent.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// The port at this end.
    pub fn local_port(&self) -> u16 {
        self.port
    }

    /// The port at the other end, while there is one.
    pub fn remote_port(&self) -> Option<u16> {
        self.sockets.get::<Socket<'_>>(self.handle).remote_endpoint().map(|remote| remote.port)
    }

    /// What a packet is for, if it is a whole TCP segment from the other address to this one.
    pub fn ports(&self, packet: &[u8]) -> Option<Ports> {
        let segment = self.segment(packet)?;
        let (source, destination) = device::ports(segment)?;
        Some(Ports { source, destination, is_syn: device::is_first(segment) })
    }

    /// Whether all is said: there is no connection, no attempt, and no packet that waits to be taken.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Idle && self.wire.packets.is_empty()
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// The packet without what lies behind it, if it is a whole TCP segment between the two addresses (RFC 9293 §3.1).
    fn segment<'p>(&self, packet: &'p [u8]) -> Option<&'p [u8]> {
        let (header_octets, octets) = match (self.local, self.remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                let header = ipv4::Header::read(packet)?;
                let is_ours = header.check(packet, packet.len()).is_ok()
                    && header.protocol() == ipv4::TCP
                    && !header.is_fragment()
                    && ipv4::source(packet) == Some(remote.to_bits())
                    && header.destination() == local.to_bits();
                is_ours.then(|| Some((header.octets(), ipv4::total_length(packet)?.into())))??
            }
            (IpAddr::V6(local), IpAddr::V6(remote)) => {
                let is_ours = ipv6::check(packet, packet.len())
                    && packet[ipv6::NEXT_HEADER] == ipv4::TCP
                    && ipv6::source(packet) == Some(remote.to_bits())
                    && ipv6::destination(packet) == Some(local.to_bits());
                is_ours.then(|| Some((ipv6::HEADER_OCTETS, ipv6::total_length(packet)? as usize)))??
            }
            _ => return None,
        };
        let packet = packet.get(..octets)?;
        let tcp = packet.get(header_octets..).filter(|tcp| tcp.len() >= 20)?;
        let pseudo = checksum::pseudo(self.remote, self.local, ipv4::TCP, tcp.len() as u32);
        (checksum::checksum(tcp, pseudo) == 0).then_some(packet)
    }

    fn pump(&mut self, now: Instant, packet: Option<&[u8]>) {
        // Never back: an instant that the caller gave late is not earlier for the socket.
        self.now = self.now.max(Micros::from_micros((now.as_ps() / PS_PER_US) as i64));
        if let Some(packet) = packet {
            let socket = self.sockets.get::<Socket<'_>>(self.handle);
            let is_opening = matches!(socket.state(), State::SynSent | State::SynReceived);
            let peer = socket.remote_endpoint().map(|peer| (peer.port, self.port));
            if !is_opening && peer.is_some() && peer == device::ports(packet) {
                self.patience = None;
            }
            let is_synchronized = !is_opening && socket.is_active();
            let challenge = if is_synchronized && peer == device::ports(packet) {
                self.wire.challenge(packet, self.remote, self.local)
            } else {
                None
            };
            self.wire.arrived = Some(challenge.unwrap_or_else(|| packet.to_vec()));
            self.interface.poll_ingress_single(self.now, &mut self.wire, &mut self.sockets);
        }
        self.observe();
        self.advance();
    }

    /// Everything at the instant that is: sends, then says when to come again.
    fn advance(&mut self) {
        if self.patience.is_some_and(|patience| self.now >= patience) {
            self.expire();
        }
        self.relisten();
        self.feed();
        self.interface.poll(self.now, &mut self.wire, &mut self.sockets);
        self.observe();
        self.relisten();
        self.watch();
        let is_full = self.wire.packets.len() >= TRANSMIT_PACKETS;
        let due = self.interface.poll_at(self.now, &self.sockets).filter(|_| !is_full);
        let next = [due, self.patience].into_iter().flatten().min();
        self.deadline = next.and_then(|at| Some(Instant::from_ps((at.total_micros() as u64).checked_mul(PS_PER_US)?)));
    }

    /// Moves the queue into the socket as far as it has room, then closes if that was wanted.
    fn feed(&mut self) {
        if !matches!(self.phase, Phase::Open | Phase::Closing) {
            return;
        }
        let socket = self.sockets.get_mut::<Socket<'_>>(self.handle);
        while let Some(octets) = self.queue.front() {
            let sent = socket.send_slice(&octets[self.taken..]).unwrap_or(0);
            self.taken += sent;
            self.queued_octets -= sent;
            if self.taken < octets.len() {
                return;
            }
            self.taken = 0;
            self.queue.pop_front();
        }
        if self.phase == Phase::Closing {
            socket.close();
        }
    }

    /// Turns what became of the socket into events.
    fn observe(&mut self) {
        let state = self.socket().state();
        let was_reset = std::mem::take(&mut self.wire.is_reset);
        let is_synchronized = !matches!(state, State::Closed | State::Listen | State::SynSent | State::SynReceived);
        if self.phase == Phase::Opening && is_synchronized {
            self.phase = Phase::Open;
            self.events.push_back(if self.role == Role::Active { Event::Connected } else { Event::Accepted });
        }
        match (self.phase, state) {
            (Phase::Opening, State::Closed) => self.end(Event::Refused, Phase::Idle),
            (Phase::Open | Phase::Closing, State::Closed) => {
                self.end(if was_reset { Event::Reset } else { Event::Closed }, Phase::Idle);
            }
            // BGP has no use for half a connection: this end closes when the other does.
            (Phase::Open | Phase::Closing, State::CloseWait | State::LastAck | State::Closing) => {
                self.end(Event::Closed, Phase::Ended);
                self.socket().close();
            }
            (Phase::Open | Phase::Closing, State::TimeWait) => self.end(Event::Closed, Phase::Ended),
            (Phase::Ended, State::Closed) => self.phase = Phase::Idle,
            _ => {}
        }
    }

    fn end(&mut self, event: Event, phase: Phase) {
        self.events.push_back(event);
        self.drop_queue();
        self.phase = phase;
    }

    /// Starts or ends the wait for the other end.
    fn watch(&mut self) {
        let socket = self.sockets.get::<Socket<'_>>(self.handle);
        let timeout = match socket.state() {
            State::SynSent | State::SynReceived => self.options.connect_timeout,
            State::Established | State::CloseWait if socket.send_queue() > 0 => self.options.user_timeout,
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck => self.options.user_timeout,
            _ => {
                self.patience = None;
                return;
            }
        };
        let wait = Duration::from_micros(timeout.as_ps().div_ceil(PS_PER_US));
        self.patience.get_or_insert(self.now + wait);
    }

    /// The other end was silent for too long (RFC 9293 §3.10.8: no segment tells it).
    fn expire(&mut self) {
        let is_told = self.phase == Phase::Ended || self.phase == Phase::Opening && self.role == Role::Passive;
        self.forget();
        if !is_told {
            self.events.push_back(Event::TimedOut);
        }
    }

    /// A listener without a connection listens. It skips TIME-WAIT: the next connection comes from another port.
    fn relisten(&mut self) {
        let socket = self.sockets.get::<Socket<'_>>(self.handle);
        let is_gone =
            socket.state() == State::TimeWait || socket.state() == State::Closed && socket.remote_endpoint().is_none();
        if !(self.is_listener && is_gone) {
            return;
        }
        self.forget();
        let local = (self.local, BGP_PORT);
        let socket = self.socket();
        socket.set_congestion_control(CongestionControl::Reno);
        socket.listen(local).expect("a forgotten socket listens");
        self.phase = Phase::Opening;
    }

    /// The socket as new, without a word to the other end; what had arrived stays to be read.
    fn forget(&mut self) {
        let mut octets = std::mem::take(&mut self.leftover);
        self.drain_into(&mut octets);
        self.leftover = octets;
        self.drop_queue();
        self.patience = None;
        self.phase = Phase::Idle;
        let mut wire = Wire::new(self.options.mtu, self.options.hop_limit);
        let socket = self.sockets.get_mut::<Socket<'_>>(self.handle);
        if socket.is_open() {
            // smoltcp tells the other end of every socket that closes. That goes nowhere.
            socket.abort();
            self.interface.poll(self.now, &mut wire, &mut self.sockets);
        } else if socket.remote_endpoint().is_some() {
            // A reset that waits for room: it is owed.
            self.interface.poll(self.now, &mut self.wire, &mut self.sockets);
        }
    }

    fn drop_queue(&mut self) {
        self.queue.clear();
        (self.taken, self.queued_octets) = (0, 0);
    }

    fn drain_into(&mut self, octets: &mut Vec<u8>) {
        let socket = self.socket();
        while socket.can_recv() {
            let read = socket.recv(|some| {
                octets.extend_from_slice(some);
                (some.len(), some.len())
            });
            if !matches!(read, Ok(1..)) {
                break;
            }
        }
    }
}

const PS_PER_US: u64 = 1_000_000;

fn is_unicast(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || is_broadcast)
}
