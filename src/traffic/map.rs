//! Moving the addresses of replayed packets into a scenario's, with the checksums that cover them put right.

use crate::wire::{be16, checksum, ethernet, ipv4, ipv6, vlan};
use ipnet::IpNet;
use std::net::IpAddr;
use std::str::FromStr;

/// One move: addresses of `from` become those of `to` with the same host part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    from: IpNet,
    to: IpNet,
}

/// Why a text is not a move.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// It is not two prefixes.
    #[error("`{0}` is not OLD=NEW with two prefixes: write for example 10.1.0.0/16=10.10.0.0/16")]
    Shape(String),
    /// One is IPv4 and the other IPv6, or the lengths differ.
    #[error(
        "`{0}`: both prefixes must be of one address family and of one length, so that each address has its own place"
    )]
    Unequal(String),
}

impl FromStr for Move {
    type Err = MoveError;

    fn from_str(text: &str) -> Result<Self, MoveError> {
        let shape = || MoveError::Shape(text.into());
        let (from, to) = text.split_once('=').ok_or_else(shape)?;
        let prefix = |part: &str| part.trim().parse::<IpNet>().map_err(|_| shape());
        let (from, to) = (prefix(from)?.trunc(), prefix(to)?.trunc());
        let same = matches!((from, to), (IpNet::V4(_), IpNet::V4(_)) | (IpNet::V6(_), IpNet::V6(_)));
        if !same || from.prefix_len() != to.prefix_len() {
            return Err(MoveError::Unequal(text.into()));
        }
        Ok(Move { from, to })
    }
}

impl Move {
    /// Where `address` goes, if this move is for it.
    fn apply(&self, address: IpAddr) -> Option<IpAddr> {
        if !self.from.contains(&address) {
            return None;
        }
        match (address, self.from, self.to) {
            (IpAddr::V4(a), IpNet::V4(from), IpNet::V4(to)) => {
                Some(IpAddr::V4((a.to_bits() & from.hostmask().to_bits() | to.network().to_bits()).into()))
            }
            (IpAddr::V6(a), IpNet::V6(from), IpNet::V6(to)) => {
                Some(IpAddr::V6((a.to_bits() & from.hostmask().to_bits() | to.network().to_bits()).into()))
            }
            _ => None,
        }
    }
}

/// Moves the source and destination address of the IP packet in `octets`, an Ethernet frame with any tags, by the first
/// of `moves` that is for each. IPv4 header, TCP, UDP and ICMPv6 checksums follow by what changed (RFC 1624), so that a
/// wrong one stays as wrong; octets behind the packet, and addresses within ICMP errors and ARP, are left alone.
/// Whether anything was changed.
pub fn apply(moves: &[Move], octets: &mut [u8]) -> bool {
    let mut at = 12;
    while be16(octets, at).is_some_and(|tpid| vlan::tpid_index(tpid).is_some()) {
        at += 4;
    }
    let ethertype = be16(octets, at);
    let Some(packet) = octets.get_mut(at + 2..) else { return false };
    match ethertype {
        Some(ethernet::IPV4) => apply_v4(moves, packet),
        Some(ethernet::IPV6) => apply_v6(moves, packet),
        _ => false,
    }
}

fn apply_v4(moves: &[Move], packet: &mut [u8]) -> bool {
    if packet.len() < ipv4::HEADER_OCTETS || packet[0] >> 4 != 4 {
        return false;
    }
    let header_octets = ipv4::header_octets(packet);
    let later = be16(packet, ipv4::FRAGMENT).is_some_and(|word| word & 0x1fff != 0);
    let end = usize::from(ipv4::total_length(packet).unwrap_or(0)).min(packet.len());
    let upper = if later { None } else { upper_checksum(packet[ipv4::PROTOCOL], header_octets) };
    let mut changed = false;
    for at in [ipv4::SOURCE, ipv4::DESTINATION] {
        let Some(old) = packet[at..].first_chunk::<4>().copied() else { continue };
        let Some(IpAddr::V4(new)) = moves.iter().find_map(|m| m.apply(IpAddr::from(old))) else { continue };
        replace(packet, at, &new.octets(), Some(ipv4::CHECKSUM), upper, end);
        changed = true;
    }
    changed
}

fn apply_v6(moves: &[Move], packet: &mut [u8]) -> bool {
    if packet.len() < ipv6::HEADER_OCTETS || packet[0] >> 4 != 6 {
        return false;
    }
    let upper = upper_checksum(packet[ipv6::NEXT_HEADER], ipv6::HEADER_OCTETS);
    let end = (ipv6::total_length(packet).unwrap_or(0) as usize).min(packet.len());
    let mut changed = false;
    for at in [ipv6::SOURCE, ipv6::DESTINATION] {
        let Some(old) = packet[at..].first_chunk::<16>().copied() else { continue };
        let Some(IpAddr::V6(new)) = moves.iter().find_map(|m| m.apply(IpAddr::from(old))) else { continue };
        replace(packet, at, &new.octets(), None, upper, end);
        changed = true;
    }
    changed
}

/// A checksum over a pseudo-header with the addresses: where it is, and whether 0 says that there is none (UDP).
fn upper_checksum(protocol: u8, header_octets: usize) -> Option<(usize, bool)> {
    match protocol {
        6 => Some((header_octets + 16, false)),
        17 | 136 => Some((header_octets + 6, true)),
        33 => Some((header_octets + 6, false)),
        58 => Some((header_octets + 2, false)),
        _ => None,
    }
}

/// Writes `new` at `at`, and corrects the checksums of the header and of the upper layer word by word.
fn replace(packet: &mut [u8], at: usize, new: &[u8], header: Option<usize>, upper: Option<(usize, bool)>, end: usize) {
    for (place, word) in new.chunks_exact(2).enumerate() {
        let at = at + place * 2;
        let (old, new) = (u16::from_be_bytes([packet[at], packet[at + 1]]), u16::from_be_bytes([word[0], word[1]]));
        if old == new {
            continue;
        }
        packet[at..at + 2].copy_from_slice(word);
        let mut correct = |at: usize, zero_is_none: bool| {
            let Some(sum) = be16(packet, at).filter(|&sum| !(zero_is_none && sum == 0)) else { return };
            let sum = checksum::updated(sum, old, new);
            // RFC 768: a UDP checksum that comes out as 0 is sent as all ones.
            let sum = if zero_is_none && sum == 0 { 0xffff } else { sum };
            packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        };
        if let Some(at) = header {
            correct(at, false);
        }
        if let Some((at, zero_is_none)) = upper.filter(|&(at, _)| at + 2 <= end) {
            correct(at, zero_is_none);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{Ethernet2HeaderSlice, NetSlice, PacketBuilder, SlicedPacket, TransportSlice};

    fn moves() -> Vec<Move> {
        ["10.1.0.0/16=10.10.0.0/16", "192.0.2.0/24=10.20.7.0/24", "2001:db8::/32=fd20:1::/32"]
            .map(|m| m.parse().unwrap())
            .into()
    }

    #[test]
    fn only_two_prefixes_of_one_length_are_a_move() {
        assert!("10.1.0.0/16=10.10.0.0/16".parse::<Move>().is_ok());
        for bad in ["10.1.0.0/16", "10.1.0.0=10.2.0.0", "10.1.0.0/16=10.2.0.0/17", "10.1.0.0/16=fd00::/16", "=", "a=b"]
        {
            assert!(bad.parse::<Move>().is_err(), "{bad}");
        }
    }

    /// Another codec computes the checksums of what came out.
    #[test]
    fn checksums_are_right_and_padding_is_kept() {
        let ether = || PacketBuilder::ethernet2([2; 6], [4; 6]);
        let mut udp = Vec::new();
        ether().ipv4([10, 1, 3, 4], [192, 0, 2, 9], 64).udp(5, 53).write(&mut udp, &[1, 2, 3]).unwrap();
        udp.extend([0xee; 15]);
        let mut tcp = Vec::new();
        let v6 = |low| {
            let mut a = [0; 16];
            a[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
            a[15] = low;
            a
        };
        ether().ipv6(v6(1), v6(2), 64).tcp(5, 443, 7, 100).write(&mut tcp, b"data").unwrap();
        let mut tagged = Vec::new();
        ether()
            .single_vlan(7u16.try_into().unwrap())
            .ipv4([10, 1, 3, 4], [8, 8, 8, 8], 64)
            .tcp(5, 443, 7, 100)
            .write(&mut tagged, b"odd")
            .unwrap();
        for octets in [udp, tcp, tagged] {
            let mut out = octets.clone();
            assert!(apply(&moves(), &mut out));
            assert_eq!(out[octets.len() - 3..], octets[octets.len() - 3..]);
            Ethernet2HeaderSlice::from_slice(&out).unwrap();
            let read = SlicedPacket::from_ethernet(&out).unwrap();
            let transport = read.transport.unwrap();
            match read.net.unwrap() {
                NetSlice::Ipv4(ip) => {
                    let header = ip.header().to_header();
                    assert_eq!(header.calc_header_checksum(), header.header_checksum);
                    assert_eq!(header.source, [10, 10, 3, 4]);
                    let sum = match transport {
                        TransportSlice::Udp(u) => {
                            (u.checksum(), u.to_header().calc_checksum_ipv4(&header, u.payload()).unwrap())
                        }
                        TransportSlice::Tcp(t) => {
                            (t.checksum(), t.calc_checksum_ipv4(header.source, header.destination).unwrap())
                        }
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(sum.0, sum.1);
                }
                NetSlice::Ipv6(ip) => {
                    let header = ip.header().to_header();
                    assert_eq!(header.source[..4], [0xfd, 0x20, 0, 1]);
                    let TransportSlice::Tcp(t) = transport else { panic!() };
                    assert_eq!(t.calc_checksum_ipv6(header.source, header.destination).unwrap(), t.checksum());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Fault B12's kind: the octets of a later fragment are no header, and are not touched.
    #[test]
    fn a_later_fragment_keeps_its_payload() {
        let mut octets = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 1, 3, 4], [10, 9, 0, 1], 64)
            .udp(5, 53)
            .write(&mut octets, &[9; 40])
            .unwrap();
        octets[21] = 185;
        let mut out = octets.clone();
        assert!(apply(&moves(), &mut out));
        assert_eq!(out[34..], octets[34..]);
    }

    #[test]
    fn nothing_panics_on_cut_frames() {
        let mut octets = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 1, 3, 4], [10, 1, 0, 1], 64)
            .udp(5, 53)
            .write(&mut octets, &[9; 40])
            .unwrap();
        for cut in 0..octets.len() {
            apply(&moves(), &mut octets[..cut].to_vec());
        }
    }
}
