//! Which MAC address a neighbour has: ARP (RFC 826) and neighbour unreachability detection (RFC 4861 §7) of one segment.

#[cfg(test)]
mod tests;

use crate::time::{Instant, PS_PER_S, Span};
use crate::wire::arp::{Arp, Operation};
use crate::wire::ethernet::{self, Mac};
use crate::wire::ndp::{self, Message, Ndp};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Frames that wait for [`Neighbors::poll_transmit`] at most; more are lost, and asked for again by their timers.
pub const TRANSMIT_FRAMES: usize = 64;
const BROADCAST: Mac = Mac([0xff; 6]);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// What is known of a neighbour (RFC 4861 §7.3.2). ARP has no names for its states; it takes three of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was asked for, and has not answered.
    Incomplete,
    /// It answered not long ago. An ARP entry is complete.
    Reachable,
    /// It answered long ago; nothing is to be sent to it. Not with ARP.
    Stale,
    /// Something was sent to it: what comes back may show that it is there. Not with ARP.
    Delay,
    /// It is asked by itself whether it is still there.
    Probe,
}

/// What happened to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its MAC address became known.
    Resolved(IpAddr, Mac),
    /// Its MAC address is another than before.
    Changed(IpAddr, Mac),
    /// It answers no more, and is out of the table.
    Gone(IpAddr),
    /// It did not answer: its row stays "Incomplete", and the next [`Neighbors::resolve`] asks again.
    Incomplete(IpAddr),
}

/// What can be set of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long an ARP entry holds without an answer; it is asked again before. Above `retry` times `requests`.
    pub age: Span,
    /// How long an IPv6 neighbour counts as reachable after an answer (REACHABLE_TIME; not randomised).
    pub reachable: Span,
    /// How long to wait before a stale one is probed (DELAY_FIRST_PROBE_TIME).
    pub delay: Span,
    /// Between two requests (RETRANS_TIMER).
    pub retry: Span,
    /// Requests without an answer until one is given up (MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT).
    pub requests: u32,
    /// Neighbours that the table holds at most; others stay unknown.
    pub neighbors: usize,
    /// Whether [`Neighbors::start`] tells the segment of this router (gratuitous ARP, unsolicited advertisement).
    pub announces: bool,
}

impl Default for Options {
    /// 4 hours for ARP, as routers have it; 30 s, 5 s, 1 s and 3 as RFC 4861 §10; 64 neighbours; announced.
    fn default() -> Self {
        Options {
            age: Span::from_s(4 * 3600),
            reachable: Span::from_s(30),
            delay: Span::from_s(5),
            retry: Span::from_s(1),
            requests: 3,
            neighbors: 64,
            announces: true,
        }
    }
}

/// A row of the ARP table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whole minutes since the neighbour last answered, or since it was first asked for.
    pub age_min: u64,
    /// Its address.
    pub address: IpAddr,
    /// Its MAC address; `None` is "Incomplete".
    pub mac: Option<Mac>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    state: State,
    mac: Option<Mac>,
    /// When the state ends; [`Instant::MAX`] if it does not by itself.
    until: Instant,
    /// Requests sent in this state.
    sent: u32,
    /// When it last answered, or was first asked for.
    since: Instant,
}

/// The neighbours on one sub-interface of one port.
#[derive(Debug)]
pub struct Neighbors {
    mac: Mac,
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    options: Options,
    entries: BTreeMap<IpAddr, Entry>,
    frames: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
}

impl Neighbors {
    /// A segment on which this router has `mac` and these addresses.
    ///
    /// # Panics
    /// If `options.age` is not longer than all requests take, or there are none.
    pub fn new(mac: Mac, v4: Option<Ipv4Addr>, v6: Option<Ipv6Addr>, options: Options) -> Self {
        let asking = options.retry.as_ps().saturating_mul(options.requests.into());
        assert!(options.requests > 0 && options.age.as_ps() > asking, "an age of {}", options.age);
        Neighbors { mac, v4, v6, options, entries: BTreeMap::new(), frames: VecDeque::new(), events: VecDeque::new() }
    }

    /// The segment is up: tells it of this router, if that is set.
    pub fn start(&mut self) {
        if !self.options.announces {
            return;
        }
        if let Some(own) = self.v4 {
            // RFC 5227 §3: an announcement is a request for one's own address.
            self.send_arp(Operation::Request, BROADCAST, Mac::default(), own, own);
        }
        if let Some(own) = self.v6 {
            self.advertise(own, ALL_NODES, ndp::multicast_mac(ALL_NODES), false);
        }
    }

    /// The segment is down: everything is forgotten.
    pub fn clear(&mut self) {
        let gone = std::mem::take(&mut self.entries);
        // One that never answered was not there.
        let known = gone.iter().filter(|(_, entry)| entry.mac.is_some());
        self.events.extend(known.map(|(address, _)| Event::Gone(*address)));
        self.frames.clear();
    }

    /// The MAC address of a neighbour that something is to be sent to. One that is not known is asked for.
    pub fn resolve(&mut self, now: Instant, address: IpAddr) -> Option<Mac> {
        let Some(entry) = self.entries.get_mut(&address) else {
            if self.entries.len() < self.options.neighbors {
                let entry = Entry { state: State::Incomplete, mac: None, until: now, sent: 0, since: now };
                self.entries.insert(address, entry);
                self.ask(now, address);
            }
            return None;
        };
        match entry.state {
            State::Incomplete if entry.until == Instant::MAX => {
                entry.sent = 0;
                self.ask(now, address);
                None
            }
            State::Stale => {
                (entry.state, entry.until) = (State::Delay, now.saturating_add(self.options.delay));
                entry.mac
            }
            _ => entry.mac,
        }
    }

    /// Something came from a neighbour that shows that it gets what is sent to it (RFC 4861 §7.3.1).
    pub fn confirm(&mut self, now: Instant, address: IpAddr) {
        if let Some(mac) = self.entries.get(&address).and_then(|entry| entry.mac) {
            self.learn(now, address, mac, true);
        }
    }

    /// Takes an ARP packet (RFC 826, "Packet Reception").
    pub fn handle_arp(&mut self, now: Instant, arp: &Arp) {
        let Some(own) = self.v4 else { return };
        let is_sender = is_station(arp.sender_mac) && arp.sender_mac != self.mac;
        let is_for_us = arp.target == own;
        if !is_sender || arp.sender == own || arp.sender.is_multicast() || arp.sender.is_broadcast() {
            return;
        }
        let sender = IpAddr::from(arp.sender);
        if !arp.sender.is_unspecified() && (self.entries.contains_key(&sender) || is_for_us && self.has_room()) {
            self.learn(now, sender, arp.sender_mac, true);
        }
        if is_for_us && arp.operation == Operation::Request {
            self.send_arp(Operation::Reply, arp.sender_mac, arp.sender_mac, own, arp.sender);
        }
    }

    /// Takes a message of neighbour discovery (RFC 4861 §7.2.3, §7.2.5).
    pub fn handle_ndp(&mut self, now: Instant, ndp: &Ndp) {
        let Some(own) = self.v6.filter(|own| *own != ndp.source) else { return };
        match ndp.message {
            Message::Solicitation { mac } if ndp.target == own => self.handle_solicitation(now, own, ndp.source, mac),
            Message::Advertisement { solicited, replaces, mac, .. } if ndp.target != own => {
                self.handle_advertisement(
                    now,
                    ndp.target.into(),
                    solicited,
                    replaces,
                    mac.filter(|mac| is_station(*mac)),
                );
            }
            _ => {}
        }
    }

    /// Asks again, ages and gives up what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<_> = self.entries.iter().filter(|(_, e)| e.until <= now).map(|(address, _)| *address).collect();
        for address in due {
            self.expire(now, address);
        }
    }

    /// The next frame to send: Ethernet without tags, padding and FCS.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.entries.values().map(|entry| entry.until).min().filter(|until| *until != Instant::MAX)
    }

    /// The table, by address, IPv4 first.
    pub fn table(&self, now: Instant) -> Vec<Row> {
        let row = |(address, entry): (&IpAddr, &Entry)| Row {
            age_min: now.since(entry.since).as_ps() / (60 * PS_PER_S),
            address: *address,
            mac: entry.mac,
        };
        self.entries.iter().map(row).collect()
    }

    /// What is known of a neighbour; `None` if it never was asked for.
    pub fn state(&self, address: IpAddr) -> Option<State> {
        self.entries.get(&address).map(|entry| entry.state)
    }

    fn has_room(&self) -> bool {
        self.entries.len() < self.options.neighbors
    }

    fn handle_solicitation(&mut self, now: Instant, own: Ipv6Addr, source: Ipv6Addr, mac: Option<Mac>) {
        if source.is_unspecified() {
            // Duplicate address detection: everyone is told (RFC 4861 §7.2.4).
            return self.advertise(own, ALL_NODES, ndp::multicast_mac(ALL_NODES), false);
        }
        let address = IpAddr::from(source);
        let known = self.entries.get(&address).and_then(|entry| entry.mac);
        if let Some(mac) = mac.filter(|mac| is_station(*mac) && *mac != self.mac)
            && known != Some(mac)
            && (self.entries.contains_key(&address) || self.has_room())
        {
            self.learn(now, address, mac, false);
        }
        match mac.filter(|mac| is_station(*mac)).or(known) {
            Some(mac) => self.advertise(own, source, mac, true),
            // Whoever asks without its address is asked for it, and asks again.
            None => drop(self.resolve(now, address)),
        }
    }

    /// RFC 4861 §7.2.5, appendix C.
    fn handle_advertisement(
        &mut self,
        now: Instant,
        target: IpAddr,
        solicited: bool,
        replaces: bool,
        mac: Option<Mac>,
    ) {
        let Some(entry) = self.entries.get_mut(&target) else { return };
        match (entry.mac, mac) {
            (None, None) => {}
            (None, Some(mac)) => self.learn(now, target, mac, solicited),
            (Some(known), Some(mac)) if known != mac && !replaces => {
                if entry.state == State::Reachable {
                    (entry.state, entry.until) = (State::Stale, Instant::MAX);
                }
            }
            (Some(known), mac) => {
                let mac = mac.unwrap_or(known);
                if solicited || mac != known {
                    self.learn(now, target, mac, solicited);
                }
            }
        }
    }

    /// `address` has `mac`; it is `reachable` if it has answered, stale otherwise.
    fn learn(&mut self, now: Instant, address: IpAddr, mac: Mac, reachable: bool) {
        let holds = match address {
            IpAddr::V4(_) => {
                let asking = self.options.retry.as_ps() * u64::from(self.options.requests);
                Span::from_ps(self.options.age.as_ps() - asking)
            }
            IpAddr::V6(_) => self.options.reachable,
        };
        let (state, until) =
            if reachable { (State::Reachable, now.saturating_add(holds)) } else { (State::Stale, Instant::MAX) };
        let entry = Entry { state, mac: Some(mac), until, sent: 0, since: now };
        match self.entries.insert(address, entry).and_then(|before| before.mac) {
            None => self.events.push_back(Event::Resolved(address, mac)),
            Some(before) if before != mac => self.events.push_back(Event::Changed(address, mac)),
            Some(_) => {}
        }
    }

    fn expire(&mut self, now: Instant, address: IpAddr) {
        let requests = self.options.requests;
        let Some(entry) = self.entries.get_mut(&address) else { return };
        match entry.state {
            State::Incomplete if entry.sent >= requests => {
                entry.until = Instant::MAX;
                self.events.push_back(Event::Incomplete(address));
            }
            State::Probe if entry.sent >= requests => {
                self.entries.remove(&address);
                self.events.push_back(Event::Gone(address));
            }
            State::Reachable if address.is_ipv6() => (entry.state, entry.until) = (State::Stale, Instant::MAX),
            State::Reachable | State::Delay => {
                (entry.state, entry.sent) = (State::Probe, 0);
                self.ask(now, address);
            }
            State::Incomplete | State::Probe => self.ask(now, address),
            State::Stale => entry.until = Instant::MAX,
        }
    }

    /// Sends a request: to all if the MAC address is not known, to it alone otherwise.
    fn ask(&mut self, now: Instant, address: IpAddr) {
        let Some(entry) = self.entries.get_mut(&address) else { return };
        entry.sent += 1;
        entry.until = now.saturating_add(self.options.retry);
        let known = entry.mac;
        match (address, self.v4, self.v6) {
            (IpAddr::V4(target), Some(own), _) => {
                self.send_arp(Operation::Request, known.unwrap_or(BROADCAST), Mac::default(), own, target);
            }
            (IpAddr::V6(target), _, Some(own)) => {
                let group = ndp::solicited_node(target);
                let (destination, to) = known.map_or((group, ndp::multicast_mac(group)), |mac| (target, mac));
                let message = Message::Solicitation { mac: Some(self.mac) };
                self.transmit(to, ethernet::IPV6, &Ndp { source: own, destination, target, message }.emit());
            }
            // No address of the family here: there is nobody to ask as.
            _ => {}
        }
    }

    fn send_arp(&mut self, operation: Operation, to: Mac, target_mac: Mac, own: Ipv4Addr, target: Ipv4Addr) {
        let arp = Arp { operation, sender_mac: self.mac, sender: own, target_mac, target };
        self.transmit(to, ethernet::ARP, &arp.emit());
    }

    fn advertise(&mut self, own: Ipv6Addr, destination: Ipv6Addr, to: Mac, solicited: bool) {
        let message = Message::Advertisement { router: true, solicited, replaces: true, mac: Some(self.mac) };
        self.transmit(to, ethernet::IPV6, &Ndp { source: own, destination, target: own, message }.emit());
    }

    fn transmit(&mut self, to: Mac, ethertype: u16, payload: &[u8]) {
        if self.frames.len() < TRANSMIT_FRAMES {
            self.frames.push_back([&to.0[..], &self.mac.0, &ethertype.to_be_bytes(), payload].concat());
        }
    }
}

/// Whether `mac` can be the address of one station.
fn is_station(mac: Mac) -> bool {
    mac.0[0] & 1 == 0 && mac != Mac::default()
}
