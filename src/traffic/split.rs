//! Which side of a link a frame of a two-way capture came from.

use crate::wire::{be16, ethernet, ipv4, ipv6, vlan};
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;

/// The end of the link that sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first place named.
    First,
    /// The second.
    Second,
}

impl Side {
    const fn other(self) -> Side {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }
}

/// How the two directions of a capture are told apart.
#[derive(Clone, Debug)]
pub enum Split {
    /// Sent from an address in the prefix: first side; all else: second.
    Prefix(IpNet),
    /// By who speaks to whom: the first sender is on the first side, whoever it speaks to on the second, and so on
    /// with every address that is met. Frames without addresses go with the frame before them.
    Auto(Sides),
}

/// The side of each address that was met.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    of: HashMap<IpAddr, Side>,
    last: Option<Side>,
}

/// Addresses that are remembered; beyond that a new one is on the side that its frame says.
const MAX_ADDRESSES: usize = 1 << 20;

impl Split {
    /// The side that sent the frame with these octets.
    pub fn side(&mut self, octets: &[u8]) -> Side {
        match (self, addresses(octets)) {
            (Split::Prefix(prefix), Some((source, _))) if prefix.contains(&source) => Side::First,
            (Split::Prefix(_), _) => Side::Second,
            (Split::Auto(sides), addresses) => sides.side(addresses),
        }
    }
}

impl Sides {
    fn side(&mut self, addresses: Option<(IpAddr, IpAddr)>) -> Side {
        let Some((source, destination)) = addresses else { return self.last.unwrap_or(Side::First) };
        let known = |address| self.of.get(&address).copied();
        let side = known(source).or_else(|| known(destination).map(Side::other)).unwrap_or(Side::First);
        if self.of.len() < MAX_ADDRESSES {
            self.of.entry(source).or_insert(side);
            if !destination.is_multicast() && destination != IpAddr::from([255; 4]) {
                self.of.entry(destination).or_insert(side.other());
            }
        }
        self.last = Some(side);
        side
    }
}

/// Source and destination of the IP or ARP packet in an Ethernet frame with any tags.
pub fn addresses(octets: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let mut at = 12;
    while be16(octets, at).is_some_and(|tpid| vlan::tpid_index(tpid).is_some()) {
        at += 4;
    }
    let packet = octets.get(at + 2..)?;
    let v4 = |at: usize| Some(IpAddr::from(*packet.get(at..)?.first_chunk::<4>()?));
    let v6 = |at: usize| Some(IpAddr::from(*packet.get(at..)?.first_chunk::<16>()?));
    match be16(octets, at)? {
        ethernet::IPV4 => Some((v4(ipv4::SOURCE)?, v4(ipv4::DESTINATION)?)),
        ethernet::IPV6 => Some((v6(ipv6::SOURCE)?, v6(ipv6::DESTINATION)?)),
        ethernet::ARP => Some((v4(14)?, v4(24)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn frame(from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
        let mut octets = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).udp(5, 53).write(&mut octets, &[]).unwrap();
        octets
    }

    #[test]
    fn a_prefix_says_who_is_on_the_first_side() {
        let mut split = Split::Prefix("10.10.0.0/16".parse().unwrap());
        assert_eq!(split.side(&frame([10, 10, 1, 1], [10, 20, 1, 1])), Side::First);
        assert_eq!(split.side(&frame([10, 20, 1, 1], [10, 10, 1, 1])), Side::Second);
        assert_eq!(split.side(&[0; 60]), Side::Second);
    }

    #[test]
    fn auto_follows_who_speaks_to_whom() {
        let mut split = Split::Auto(Sides::default());
        let (a, b, c, d) = ([10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3], [10, 0, 0, 4]);
        let sides = [(a, b), (b, a), (c, b), (b, c), (d, a), (a, d)].map(|(from, to)| split.side(&frame(from, to)));
        use Side::{First, Second};
        assert_eq!(sides, [First, Second, First, Second, Second, First]);
        assert_eq!(split.side(&[0; 60]), First, "a frame without addresses goes with the one before");
    }
}
