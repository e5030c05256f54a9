//! Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements, as whole IPv6 packets.

use super::ethernet::Mac;
use super::{checksum, ipv6};
use std::net::Ipv6Addr;

/// The hop limit that shows that no router was on the way (RFC 4861 §7.1).
pub const HOP_LIMIT: u8 = 255;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// What a message asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who has the target (RFC 4861 §4.3)?
    Solicitation {
        /// Source link-layer address: where the answer may go. Absent from an unspecified address.
        mac: Option<Mac>,
    },
    /// The sender has the target (RFC 4861 §4.4).
    Advertisement {
        /// The R flag: the sender is a router.
        router: bool,
        /// The S flag: it answers a solicitation.
        solicited: bool,
        /// The O flag: a cached address is to be replaced.
        replaces: bool,
        /// Target link-layer address.
        mac: Option<Mac>,
    },
}

/// A message with its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ndp {
    /// Source of the packet.
    pub source: Ipv6Addr,
    /// Destination of the packet.
    pub destination: Ipv6Addr,
    /// Whose link-layer address it is about.
    pub target: Ipv6Addr,
    /// What it asks or says.
    pub message: Message,
}

/// The solicited-node multicast address of `address` (RFC 4291 §2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from(b) << 8 | u16::from(c))
}

/// The MAC address of an IPv6 multicast group (RFC 2464 §7).
pub fn multicast_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

impl Ndp {
    /// The message of an IPv6 packet, or `None` if it is another or breaks a rule of RFC 4861 §7.1: hop limit, checksum,
    /// code, lengths of message and options, target, and what an unspecified source or a multicast destination forbids.
    pub fn read(packet: &[u8]) -> Option<Ndp> {
        if !ipv6::check(packet, packet.len()) {
            return None;
        }
        let octets = packet.get(ipv6::HEADER_OCTETS..ipv6::total_length(packet)? as usize)?;
        let source = Ipv6Addr::from_bits(ipv6::source(packet)?);
        let destination = Ipv6Addr::from_bits(ipv6::destination(packet)?);
        let (head, options) = octets.split_first_chunk::<24>()?;
        let is_whole = packet[ipv6::NEXT_HEADER] == ICMPV6
            && packet[ipv6::HOP_LIMIT] == HOP_LIMIT
            && checksum::checksum(octets, pseudo(source, destination, octets.len())) == 0;
        let target = Ipv6Addr::from(*head.last_chunk::<16>()?);
        if !is_whole || head[1] != 0 || target.is_multicast() {
            return None;
        }
        let message = match head[0] {
            SOLICITATION => {
                let mac = link_layer(options, SOURCE_LINK_LAYER)?;
                if source.is_unspecified() && (mac.is_some() || destination != solicited_node(target)) {
                    return None;
                }
                Message::Solicitation { mac }
            }
            ADVERTISEMENT => {
                let has = |flag| head[4] & flag != 0;
                if has(SOLICITED) && destination.is_multicast() {
                    return None;
                }
                let mac = link_layer(options, TARGET_LINK_LAYER)?;
                Message::Advertisement { router: has(ROUTER), solicited: has(SOLICITED), replaces: has(OVERRIDE), mac }
            }
            _ => return None,
        };
        Some(Ndp { source, destination, target, message })
    }

    /// The whole IPv6 packet, traffic class CS6.
    pub fn emit(&self) -> Vec<u8> {
        let (kind, flags, option, mac) = match self.message {
            Message::Solicitation { mac } => (SOLICITATION, 0, SOURCE_LINK_LAYER, mac),
            Message::Advertisement { router, solicited, replaces, mac } => {
                let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
                let flags = flag(router, ROUTER) | flag(solicited, SOLICITED) | flag(replaces, OVERRIDE);
                (ADVERTISEMENT, flags, TARGET_LINK_LAYER, mac)
            }
        };
        let length = 24 + if mac.is_some() { 8 } else { 0 };
        let mut out = Vec::with_capacity(ipv6::HEADER_OCTETS + length);
        out.extend([0x6c, 0, 0, 0, 0, length as u8, ICMPV6, HOP_LIMIT]);
        out.extend(self.source.octets());
        out.extend(self.destination.octets());
        out.extend([kind, 0, 0, 0, flags, 0, 0, 0]);
        out.extend(self.target.octets());
        if let Some(mac) = mac {
            out.extend([option, 1]);
            out.extend(mac.0);
        }
        let sum = checksum::checksum(&out[40..], pseudo(self.source, self.destination, length));
        out[42..44].copy_from_slice(&sum.to_be_bytes());
        out
    }
}

/// The link-layer address in the option `kind`, if there is one; `None` if an option is cut or of no length.
fn link_layer(mut options: &[u8], kind: u8) -> Option<Option<Mac>> {
    let mut found = None;
    while !options.is_empty() {
        let octets = usize::from(*options.get(1)?) * 8;
        let option = options.get(..octets).filter(|option| !option.is_empty())?;
        if option[0] == kind && octets == 8 {
            found = found.or(option.last_chunk().map(|mac| Mac(*mac)));
        }
        options = &options[octets..];
    }
    Some(found)
}

/// The sum of the pseudo-header of a message of `octets`.
fn pseudo(source: Ipv6Addr, destination: Ipv6Addr, octets: usize) -> u32 {
    checksum::pseudo(source.into(), destination.into(), ICMPV6, octets as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{Icmpv6Type, SlicedPacket, TransportSlice};
    use proptest::prelude::*;

    const A: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    const B: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0x12, 0x3456);
    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

    fn solicitation() -> Ndp {
        let message = Message::Solicitation { mac: Some(MAC) };
        Ndp { source: A, destination: solicited_node(B), target: B, message }
    }

    fn advertisement() -> Ndp {
        let message = Message::Advertisement { router: true, solicited: true, replaces: true, mac: Some(MAC) };
        Ndp { source: B, destination: A, target: B, message }
    }

    #[test]
    fn groups_and_their_addresses() {
        assert_eq!(solicited_node(B).to_string(), "ff02::1:ff12:3456");
        assert_eq!(multicast_mac(solicited_node(B)).to_string(), "33:33:ff:12:34:56");
    }

    #[test]
    fn literal_octets() {
        let packet = advertisement().emit();
        assert_eq!(packet[..8], [0x6c, 0, 0, 0, 0, 32, 58, 255]);
        assert_eq!(packet[40..42], [136, 0]);
        assert_eq!(packet[44..48], [0xe0, 0, 0, 0]);
        assert_eq!(packet[48..64], B.octets());
        assert_eq!(packet[64..], [2, 1, 2, 0, 0, 0, 0, 1]);
        assert_eq!(Ndp::read(&packet), Some(advertisement()));
        assert_eq!(Ndp::read(&solicitation().emit()), Some(solicitation()));
        assert_eq!(solicitation().emit()[64..], [1, 1, 2, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn another_codec_reads_both() {
        for (ndp, kind) in [(solicitation(), 135), (advertisement(), 136)] {
            let packet = ndp.emit();
            let Some(TransportSlice::Icmpv6(icmp)) = SlicedPacket::from_ip(&packet).unwrap().transport else {
                panic!("not ICMPv6")
            };
            assert_eq!((icmp.type_u8(), icmp.code_u8()), (kind, 0));
            assert!(icmp.is_checksum_valid(ndp.source.octets(), ndp.destination.octets()));
            match icmp.icmp_type() {
                Icmpv6Type::NeighborSolicitation => assert_eq!(kind, 135),
                Icmpv6Type::NeighborAdvertisement(flags) => {
                    assert!(flags.router && flags.solicited && flags.r#override)
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// `ndp` with one octet other than it was, the checksum right again.
    fn with(ndp: Ndp, at: usize, value: u8) -> Vec<u8> {
        let mut packet = ndp.emit();
        packet[at] = value;
        packet[42..44].fill(0);
        let [source, destination] = [ipv6::source(&packet), ipv6::destination(&packet)].map(|a| a.unwrap().into());
        let sum = checksum::checksum(&packet[40..], pseudo(source, destination, packet.len() - 40));
        packet[42..44].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    #[test]
    fn what_breaks_a_rule_is_not_read() {
        let (ask, answer) = (solicitation(), advertisement());
        for (ndp, at, value, why) in [
            (ask, 7, 254, "hop limit"),
            (ask, 6, 17, "next header"),
            (ask, 41, 1, "code"),
            (ask, 40, 137, "type"),
            (ask, 48, 0xff, "multicast target"),
            (ask, 65, 0, "option without length"),
            (ask, 65, 2, "option cut"),
            (answer, 24, 0xff, "solicited to a group"),
        ] {
            assert_eq!(Ndp::read(&with(ndp, at, value)), None, "{why}");
        }
        let mut bad = ask.emit();
        bad[42] ^= 1;
        assert_eq!(Ndp::read(&bad), None, "checksum");
        assert_eq!(Ndp::read(&Ndp { source: Ipv6Addr::UNSPECIFIED, ..ask }.emit()), None, "a probe with an address");
        let probe = Ndp { source: Ipv6Addr::UNSPECIFIED, message: Message::Solicitation { mac: None }, ..ask };
        assert_eq!(Ndp::read(&probe.emit()), Some(probe));
        assert_eq!(Ndp::read(&Ndp { destination: B, ..probe }.emit()), None, "a probe to one host");
        assert!(Ndp::read(&with(ask, 64, 14)).is_some(), "options that are not known are passed over");
    }

    proptest! {
        #[test]
        fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..60), at in 0usize..72, kind: bool) {
            let _ = Ndp::read(&octets);
            for value in octets {
                let _ = Ndp::read(&with(if kind { solicitation() } else { advertisement() }, at, value));
            }
        }
    }
}
