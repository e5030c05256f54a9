//! Address and port translation (NAPT, RFC 3022 §2.2): bindings, and what they change in a packet; it forwards nothing.
//!
//! ```text
//! inside                                   outside
//! 10.10.0.7:51000  --- binding (UDP) ---  203.0.113.65:51000
//! ```
//! A binding holds for all peers of its inside end (RFC 4787 REQ-1), and whoever sends to its outside end reaches it
//! (REQ-8). It keeps the port where that is free, and all bindings of one inside address share an outside address (REQ-2)
//! as long as that has ports. TCP states are not followed: a binding ends by its age alone.

use crate::frame::DropReason;
use crate::id::VrfId;
use crate::time::{Instant, Span};
use crate::wire::{checksum, ipv4};
use ipnet::Ipv4Net;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// The translation of a router.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatSpec {
    /// Its pools; [`Translation`](crate::table::Translation) names them by their places.
    pub pools: Vec<PoolSpec>,
}

/// A pool of outside addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    /// The outside addresses: all of the prefix.
    pub addresses: Ipv4Net,
    /// What was translated outward goes on in this VRF.
    pub outside: VrfId,
    /// What was translated inward goes on in this VRF.
    pub inside: VrfId,
    /// Servers inside that are reached from outside: bindings without an age.
    pub servers: Vec<Server>,
}

impl NatSpec {
    /// Octets of memory that the bindings of `flows` flows take at the most: each pool has so many ends, and tables that grow
    /// hold what they held and twice that for a while.
    pub fn octets(&self, flows: u64) -> u64 {
        const PROTOCOLS: u64 = 3;
        const EACH: usize = size_of::<Binding>()
            + size_of::<((u8, End), u32)>()
            + size_of::<(End, u32)>()
            + size_of::<(Ipv4Addr, u32)>();
        let ends = self.pools.iter().map(|pool| (1u64 << (32 - pool.addresses.prefix_len())) * PORTS * PROTOCOLS);
        ends.map(|ends| ends.min(flows) * 3 * (EACH as u64 + 4)).sum()
    }
}

/// A UDP server inside, reached at an outside address without having sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its own address.
    pub inside: Ipv4Addr,
    /// The address that it is reached by.
    pub outside: Ipv4Addr,
    /// Its port, inside and outside.
    pub port: u16,
}

/// One end of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct End {
    protocol: u8,
    address: Ipv4Addr,
    /// The identifier, of an ICMP query.
    port: u16,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    pool: u8,
    inside: End,
    outside: End,
    /// When it was used last; `None`: it is a server's, and stays.
    used: Option<Instant>,
}

/// The translation of a router at work.
#[derive(Clone, Debug, Default)]
pub struct Nat {
    pools: Vec<Pool>,
    bindings: Vec<Binding>,
    /// Places of bindings that are gone.
    free: Vec<u32>,
    by_inside: HashMap<(u8, End), u32>,
    by_outside: HashMap<End, u32>,
}

#[derive(Clone, Debug)]
struct Pool {
    spec: PoolSpec,
    /// Per inside address, the number of the outside address that it has.
    pairs: HashMap<Ipv4Addr, u32>,
}

/// Places of a packet's fields that translation changes, all from the packet's first octet.
#[derive(Clone, Copy)]
struct Fields {
    /// Where its header begins.
    at: usize,
    protocol: u8,
    address: usize,
    port: usize,
    /// The checksum above IP, where it is at hand.
    sum: Option<usize>,
    /// Whether that covers the addresses.
    covers_addresses: bool,
}

/// Which end of a packet is translated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Source,
    Destination,
}

impl Nat {
    /// No bindings but those of servers.
    pub fn new(spec: &NatSpec) -> Self {
        let pool = |spec: &PoolSpec| Pool { spec: spec.clone(), pairs: HashMap::new() };
        let mut nat = Nat { pools: spec.pools.iter().map(pool).collect(), ..Nat::default() };
        for (place, pool) in spec.pools.iter().enumerate() {
            for server in &pool.servers {
                let end = |address| End { protocol: ipv4::UDP, address, port: server.port };
                nat.bind(place as u8, end(server.inside), end(server.outside), None);
            }
        }
        nat
    }

    /// The VRFs of a pool: outside, inside.
    pub fn vrfs(&self, pool: u8) -> Option<(VrfId, VrfId)> {
        self.pools.get(usize::from(pool)).map(|pool| (pool.spec.outside, pool.spec.inside))
    }

    /// Translates the source of an IPv4 packet that goes out at `now` by an address of `pool`.
    ///
    /// # Errors
    /// [`DropReason::NatPacket`] if there is no port to translate, [`DropReason::NatPorts`] if none is free.
    pub fn outward(&mut self, now: Instant, pool: u8, packet: &mut [u8]) -> Result<(), DropReason> {
        if let Some(quoted) = quoted_packet(packet) {
            return self.outward_error(now, packet, quoted);
        }
        let fields = fields(packet, 0, Which::Source).ok_or(DropReason::NatPacket)?;
        let inside = end(packet, fields);
        let outside = match self.by_inside.get(&(pool, inside)).copied() {
            Some(place) => self.renew(now, place),
            None => {
                let outside = self.free_end(now, pool, inside).ok_or(DropReason::NatPorts)?;
                self.bind(pool, inside, outside, Some(now));
                outside
            }
        };
        rewrite(packet, fields, outside, None);
        Ok(())
    }

    /// Translates the destination of an IPv4 packet that comes in at `now` to what it stands for.
    ///
    /// # Errors
    /// [`DropReason::NatPacket`] if there is no port to translate, [`DropReason::NatBinding`] if it stands for nothing.
    pub fn inward(&mut self, now: Instant, packet: &mut [u8]) -> Result<(), DropReason> {
        if let Some(quoted) = quoted_packet(packet) {
            return self.inward_error(now, packet, quoted);
        }
        let fields = fields(packet, 0, Which::Destination).ok_or(DropReason::NatPacket)?;
        let place = self.live(now, end(packet, fields)).ok_or(DropReason::NatBinding)?;
        self.renew(now, place);
        rewrite(packet, fields, self.bindings[place as usize].inside, None);
        Ok(())
    }

    /// An ICMP error about a packet that went out: the packet it quotes is as it was outside (RFC 5508 §4.2).
    fn inward_error(&mut self, now: Instant, packet: &mut [u8], quoted: usize) -> Result<(), DropReason> {
        let fields = fields(packet, quoted, Which::Source).ok_or(DropReason::NatPacket)?;
        let place = self.live(now, end(packet, fields)).ok_or(DropReason::NatBinding)?;
        let inside = self.bindings[place as usize].inside;
        rewrite_error(packet, fields, inside, ipv4::DESTINATION);
        Ok(())
    }

    /// An ICMP error about a packet that came in: the packet it quotes is as it was inside. Where its sender, a router,
    /// has no outside address, that of the quoted packet is its own too (RFC 5508 REQ-5).
    fn outward_error(&mut self, now: Instant, packet: &mut [u8], quoted: usize) -> Result<(), DropReason> {
        let fields = fields(packet, quoted, Which::Destination).ok_or(DropReason::NatPacket)?;
        let inside = end(packet, fields);
        let places = 0..self.pools.len() as u8;
        let known = places.filter_map(|pool| self.by_inside.get(&(pool, inside)));
        let place = known.copied().find(|&place| self.is_live(now, place)).ok_or(DropReason::NatBinding)?;
        let outside = self.bindings[place as usize].outside;
        rewrite_error(packet, fields, outside, ipv4::SOURCE);
        Ok(())
    }

    fn bind(&mut self, pool: u8, inside: End, outside: End, used: Option<Instant>) {
        let binding = Binding { pool, inside, outside, used };
        let place = match self.free.pop() {
            Some(place) => {
                self.bindings[place as usize] = binding;
                place
            }
            None => {
                self.bindings.push(binding);
                self.bindings.len() as u32 - 1
            }
        };
        self.by_inside.insert((pool, inside), place);
        self.by_outside.insert(outside, place);
    }

    /// The binding of an outside end, if it has not grown too old.
    fn live(&self, now: Instant, outside: End) -> Option<u32> {
        self.by_outside.get(&outside).copied().filter(|&place| self.is_live(now, place))
    }

    fn is_live(&self, now: Instant, place: u32) -> bool {
        let binding = &self.bindings[place as usize];
        binding.used.is_none_or(|used| now < used.saturating_add(age(binding.inside.protocol)))
    }

    /// Uses a binding; one that had grown too old begins anew. Its outside end.
    fn renew(&mut self, now: Instant, place: u32) -> End {
        let binding = &mut self.bindings[place as usize];
        binding.used = binding.used.map(|_| now);
        binding.outside
    }

    /// A free outside end for `inside`: its pair's address and its own port if that can be had, else the next port of the
    /// same range (RFC 4787 REQ-3a), else one of another address of the pool.
    fn free_end(&mut self, now: Instant, pool: u8, inside: End) -> Option<End> {
        let Pool { spec, pairs } = self.pools.get_mut(usize::from(pool))?;
        // A prefix has 2^32 addresses at the most.
        let (base, size) = (spec.addresses.network().to_bits(), 1u64 << (32 - spec.addresses.prefix_len()));
        let next = pairs.len() as u64 % size;
        let pair = *pairs.entry(inside.address).or_insert(next as u32);
        let addresses = (0..size).map(|step| base + ((u64::from(pair) + step) % size) as u32).map(Ipv4Addr::from_bits);
        let (first, last) =
            if inside.port < FIRST_USER_PORT { (1, FIRST_USER_PORT - 1) } else { (FIRST_USER_PORT, u16::MAX) };
        let count = u32::from(last - first) + 1;
        let port = |step: u32| first + ((u32::from(inside.port.max(first) - first) + step) % count) as u16;
        for address in addresses {
            let mut ends = (0..count).map(|step| End { protocol: inside.protocol, address, port: port(step) });
            if let Some(free) = ends.find(|end| self.is_free(now, *end)) {
                self.forget(free);
                return Some(free);
            }
        }
        None
    }

    fn is_free(&self, now: Instant, outside: End) -> bool {
        self.by_outside.get(&outside).is_none_or(|&place| !self.is_live(now, place))
    }

    /// Takes an outside end away from a binding that had grown too old.
    fn forget(&mut self, outside: End) {
        if let Some(place) = self.by_outside.remove(&outside) {
            let Binding { pool, inside, .. } = self.bindings[place as usize];
            self.by_inside.remove(&(pool, inside));
            self.free.push(place);
        }
    }
}

/// Rewrites one end of the packet that an ICMP error quotes to `end`, and the error's own address at `outer` to the same.
fn rewrite_error(packet: &mut [u8], quoted: Fields, end: End, outer: usize) {
    let icmp_sum = ipv4::header_octets(packet) + ICMP_CHECKSUM;
    rewrite(packet, quoted, end, Some(icmp_sum));
    let mut patch = Patch { packet, around: None, is_udp: false };
    patch.put(outer, &end.address.octets(), [Some(Sum { at: ipv4::CHECKSUM, is_above: false }), None]);
}

/// How long a binding lasts without a packet: RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-1.
const fn age(protocol: u8) -> Span {
    match protocol {
        ipv4::TCP => Span::from_s(2 * 3600 + 4 * 60),
        ipv4::UDP => Span::from_s(5 * 60),
        _ => Span::from_s(60),
    }
}

/// Where the packet begins that an ICMP error quotes; `None` for all other packets.
fn quoted_packet(packet: &[u8]) -> Option<usize> {
    let at = ipv4::header_octets(packet);
    let is_error = matches!(packet.get(at), Some(3 | 4 | 5 | 11 | 12));
    (packet.get(ipv4::PROTOCOL) == Some(&ipv4::ICMP) && is_error && !is_later_fragment(packet)).then_some(at + 8)
}

fn is_later_fragment(packet: &[u8]) -> bool {
    packet
        .get(ipv4::FRAGMENT..ipv4::FRAGMENT + 2)
        .is_none_or(|word| u16::from_be_bytes([word[0], word[1]]) & 0x1fff != 0)
}

/// The fields of one end of the packet that begins at `at`; `None` if it has no port, or that is not at hand. What is cut
/// into fragments cannot be translated (RFC 3022 §6.3).
fn fields(packet: &[u8], at: usize, which: Which) -> Option<Fields> {
    let whole = packet.get(at..).filter(|whole| whole.len() >= ipv4::HEADER_OCTETS && whole[0] >> 4 == 4)?;
    let word = u16::from_be_bytes([whole[ipv4::FRAGMENT], whole[ipv4::FRAGMENT + 1]]);
    if word & (0x1fff | ipv4::MORE_FRAGMENTS) != 0 {
        return None;
    }
    let (protocol, above) = (whole[ipv4::PROTOCOL], at + ipv4::header_octets(whole));
    let (address, side) = if which == Which::Source { (ipv4::SOURCE, 0) } else { (ipv4::DESTINATION, 2) };
    let (port, sum, covers_addresses) = match protocol {
        ipv4::TCP => (above + side, above + TCP_CHECKSUM, true),
        ipv4::UDP => (above + side, above + UDP_CHECKSUM, true),
        ipv4::ICMP if matches!(packet.get(above), Some(0 | 8 | 13 | 14)) => (above + 4, above + ICMP_CHECKSUM, false),
        _ => return None,
    };
    packet.get(port..port + 2)?;
    let is_there = packet.get(sum..sum + 2).is_some_and(|sum| protocol != ipv4::UDP || sum != [0, 0]);
    Some(Fields { at, protocol, address: at + address, port, sum: is_there.then_some(sum), covers_addresses })
}

fn end(packet: &[u8], fields: Fields) -> End {
    let at = |place: usize| packet[place];
    let address = std::array::from_fn::<u8, 4, _>(|place| at(fields.address + place));
    let port = u16::from_be_bytes([at(fields.port), at(fields.port + 1)]);
    End { protocol: fields.protocol, address: address.into(), port }
}

/// Writes `end` over the fields and brings the checksums up to date: of the header, of what lies above, and the one at
/// `around`, which covers all of that.
fn rewrite(packet: &mut [u8], fields: Fields, end: End, around: Option<usize>) {
    let Fields { at, protocol, address, port, sum, covers_addresses } = fields;
    let mut patch = Patch { packet, around, is_udp: protocol == ipv4::UDP };
    let header_sum = Sum { at: at + ipv4::CHECKSUM, is_above: false };
    let above = sum.map(|at| Sum { at, is_above: true });
    let of_address = [Some(header_sum), above.filter(|_| covers_addresses)];
    patch.put(address, &end.address.octets(), of_address);
    patch.put(port, &end.port.to_be_bytes(), [above, None]);
}

/// Words written into a packet, with the checksums that cover them.
struct Patch<'p> {
    packet: &'p mut [u8],
    around: Option<usize>,
    is_udp: bool,
}

#[derive(Clone, Copy)]
struct Sum {
    at: usize,
    is_above: bool,
}

impl Patch<'_> {
    fn put(&mut self, at: usize, new: &[u8], sums: [Option<Sum>; 2]) {
        for (place, word) in new.chunks_exact(2).enumerate() {
            let new = u16::from_be_bytes([word[0], word[1]]);
            let old = self.write(at + 2 * place, new);
            for Sum { at, is_above } in sums.into_iter().flatten() {
                let sum = checksum::updated(self.word(at), old, new);
                // A UDP checksum of 0 says that there is none (RFC 768).
                self.write(at, if sum == 0 && is_above && self.is_udp { u16::MAX } else { sum });
            }
        }
    }

    /// Writes a word; what was there.
    fn write(&mut self, at: usize, new: u16) -> u16 {
        let old = self.word(at);
        self.packet[at..at + 2].copy_from_slice(&new.to_be_bytes());
        if let Some(around) = self.around {
            let sum = checksum::updated(self.word(around), old, new);
            self.packet[around..around + 2].copy_from_slice(&sum.to_be_bytes());
        }
        old
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.packet[at], self.packet[at + 1]])
    }
}

const TCP_CHECKSUM: usize = 16;
const UDP_CHECKSUM: usize = 6;
const ICMP_CHECKSUM: usize = 2;
/// Ports of an address: 0 is none.
const PORTS: u64 = 65_535;
/// Ports below are the well-known ones (RFC 4787 REQ-3a).
const FIRST_USER_PORT: u16 = 1024;

#[cfg(test)]
mod tests;
