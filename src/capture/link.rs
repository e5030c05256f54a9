//! Link types by name, and the Ethernet header put before packets that have another or none; nothing above layer 2 is read.

use std::fmt;

use super::pcap::Packet;
use super::{Direction, ETHERNET_HEADER_OCTETS};

/// What the octets of a packet begin with, a number of the registry of tcpdump.org/linktypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Ethernet, from the destination address on.
    pub const ETHERNET: LinkType = LinkType(1);
    /// IPv4 or IPv6, told by the first nibble.
    pub const RAW: LinkType = LinkType(101);
    /// The header of Linux for "any" interface.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// The second version of [`LinkType::LINUX_SLL`].
    pub const LINUX_SLL2: LinkType = LinkType(276);

    /// Makes an Ethernet frame of a packet in `buffer`, in place: there is room before it.
    #[inline(always)]
    pub(super) fn frame(self, buffer: &mut [u8], packet: &mut Packet) -> Result<(), Refusal> {
        if self == LinkType::ETHERNET {
            return Ok(());
        }
        self.synthesise(buffer, packet)
    }

    fn synthesise(self, buffer: &mut [u8], packet: &mut Packet) -> Result<(), Refusal> {
        let octets = &buffer[packet.at..packet.at + packet.captured as usize];
        let header = match self.0 {
            101 | 12 | 14 => match octets.first().map(|octet| octet >> 4) {
                Some(4) => Header::of_ip(ETHERTYPE_IPV4),
                Some(6) => Header::of_ip(ETHERTYPE_IPV6),
                _ => return Err(Refusal::NotIp(self)),
            },
            228 => Header::of_ip(ETHERTYPE_IPV4),
            229 => Header::of_ip(ETHERTYPE_IPV6),
            113 => {
                let cooked = octets.first_chunk::<16>().ok_or(Refusal::ShortHeader(self))?;
                let half = |at: usize| u16::from_be_bytes([cooked[at], cooked[at + 1]]);
                Header::cooked(16, half(0), half(2), half(4), &cooked[6..14], half(14))?
            }
            276 => {
                let cooked = octets.first_chunk::<20>().ok_or(Refusal::ShortHeader(self))?;
                let half = |at: usize| u16::from_be_bytes([cooked[at], cooked[at + 1]]);
                Header::cooked(20, cooked[10].into(), half(8), cooked[11].into(), &cooked[12..20], half(0))?
            }
            _ => return Err(Refusal::LinkType(self)),
        };
        header.put(buffer, packet);
        Ok(())
    }
}

/// The name in the registry, or the number where it is not a common one.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.binary_search_by_key(&self.0, |&(number, _)| number) {
            Ok(index) => f.write_str(NAMES[index].1),
            Err(_) => write!(f, "link type {}", self.0),
        }
    }
}

/// Why a record is no Ethernet frame and cannot be made one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Its link type is not carried by Ethernet, or not known.
    LinkType(LinkType),
    /// The link type says IP, the first nibble is neither 4 nor 6.
    NotIp(LinkType),
    /// It is shorter than the header of its link type.
    ShortHeader(LinkType),
    /// A Linux cooked header of a kind of device (ARPHRD) whose packets have no ethertype.
    CookedDevice(u16),
    /// A Linux cooked header with a protocol that is not an ethertype.
    CookedProtocol(u16),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::LinkType(link) => link.fmt(f),
            Refusal::NotIp(link) => write!(f, "{link} without IPv4 or IPv6"),
            Refusal::ShortHeader(link) => write!(f, "{link} shorter than its header"),
            Refusal::CookedDevice(arphrd) => write!(f, "LINUX_SLL of device type {arphrd}"),
            Refusal::CookedProtocol(protocol) => write!(f, "LINUX_SLL with protocol {protocol:#06x}"),
        }
    }
}

/// The Ethernet header that a packet gets in place of its own.
struct Header {
    /// Octets at the packet's start that it replaces.
    replaces: u32,
    destination: [u8; 6],
    source: [u8; 6],
    ethertype: Ethertype,
    direction: Direction,
}

enum Ethertype {
    Type(u16),
    /// IEEE 802.3: the length of what follows.
    Length,
}

impl Header {
    const fn of_ip(ethertype: u16) -> Self {
        Header {
            replaces: 0,
            destination: DESTINATION,
            source: SOURCE,
            ethertype: Ethertype::Type(ethertype),
            direction: Direction::Unknown,
        }
    }

    fn cooked(
        replaces: u32,
        packet_type: u16,
        arphrd: u16,
        address_octets: u16,
        address: &[u8],
        protocol: u16,
    ) -> Result<Self, Refusal> {
        if matches!(arphrd, ARPHRD_CAN | ARPHRD_FRAD | 801..=803 | ARPHRD_NETLINK) {
            return Err(Refusal::CookedDevice(arphrd));
        }
        let ethertype = match protocol {
            0x0600.. => Ethertype::Type(protocol),
            ETH_P_802_3 | ETH_P_802_2 => Ethertype::Length,
            _ => return Err(Refusal::CookedProtocol(protocol)),
        };
        let source = match address.first_chunk() {
            Some(&address) if address_octets == 6 => address,
            _ => SOURCE,
        };
        let (destination, direction) = match packet_type {
            0 | 2 | 3 => (DESTINATION, Direction::Inbound),
            1 => ([0xff; 6], Direction::Inbound),
            4 => (DESTINATION, Direction::Outbound),
            _ => (DESTINATION, Direction::Unknown),
        };
        Ok(Header { replaces, destination, source, ethertype, direction })
    }

    /// Writes the header over what it replaces and into the room before that.
    fn put(&self, buffer: &mut [u8], packet: &mut Packet) {
        packet.at += self.replaces as usize;
        packet.captured -= self.replaces;
        packet.length -= self.replaces;
        let ethertype = match self.ethertype {
            Ethertype::Type(ethertype) => ethertype,
            // Longer than any 802.3 frame can say: the largest that it can.
            Ethertype::Length => packet.length.min(1500) as u16,
        };
        packet.at -= ETHERNET_HEADER_OCTETS as usize;
        packet.captured += ETHERNET_HEADER_OCTETS;
        packet.length = packet.length.saturating_add(ETHERNET_HEADER_OCTETS);
        let header = &mut buffer[packet.at..packet.at + ETHERNET_HEADER_OCTETS as usize];
        header[..6].copy_from_slice(&self.destination);
        header[6..12].copy_from_slice(&self.source);
        header[12..].copy_from_slice(&ethertype.to_be_bytes());
        if packet.direction == Direction::Unknown {
            packet.direction = self.direction;
        }
    }
}

/// Locally administered, so that they are nobody's.
const DESTINATION: [u8; 6] = [2, 0, 0, 0, 0, 2];
const SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// Linux's marks for frames with a length in place of an ethertype.
const ETH_P_802_3: u16 = 0x0001;
const ETH_P_802_2: u16 = 0x0004;
const ARPHRD_CAN: u16 = 280;
const ARPHRD_FRAD: u16 = 770;
const ARPHRD_NETLINK: u16 = 824;

/// The common link types, by number.
const NAMES: &[(u16, &str)] = &[
    (0, "NULL"),
    (1, "ETHERNET"),
    (3, "AX25"),
    (6, "IEEE802_5"),
    (7, "ARCNET_BSD"),
    (8, "SLIP"),
    (9, "PPP"),
    (10, "FDDI"),
    (12, "RAW"),
    (14, "RAW"),
    (50, "PPP_HDLC"),
    (51, "PPP_ETHER"),
    (99, "SYMANTEC_FIREWALL"),
    (100, "ATM_RFC1483"),
    (101, "RAW"),
    (104, "C_HDLC"),
    (105, "IEEE802_11"),
    (106, "ATM_CLIP"),
    (107, "FRELAY"),
    (108, "LOOP"),
    (109, "ENC"),
    (113, "LINUX_SLL"),
    (114, "LTALK"),
    (117, "PFLOG"),
    (119, "IEEE802_11_PRISM"),
    (122, "IP_OVER_FC"),
    (123, "SUNATM"),
    (127, "IEEE802_11_RADIOTAP"),
    (129, "ARCNET_LINUX"),
    (138, "APPLE_IP_OVER_IEEE1394"),
    (139, "MTP2_WITH_PHDR"),
    (140, "MTP2"),
    (141, "MTP3"),
    (142, "SCCP"),
    (143, "DOCSIS"),
    (144, "LINUX_IRDA"),
    (147, "USER0"),
    (163, "IEEE802_11_AVS"),
    (165, "BACNET_MS_TP"),
    (166, "PPP_PPPD"),
    (169, "GPRS_LLC"),
    (170, "GPF_T"),
    (171, "GPF_F"),
    (177, "LINUX_LAPD"),
    (182, "MFR"),
    (187, "BLUETOOTH_HCI_H4"),
    (189, "USB_LINUX"),
    (192, "PPI"),
    (195, "IEEE802_15_4_WITHFCS"),
    (196, "SITA"),
    (197, "ERF"),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR"),
    (202, "AX25_KISS"),
    (203, "LAPD"),
    (204, "PPP_WITH_DIR"),
    (205, "C_HDLC_WITH_DIR"),
    (206, "FRELAY_WITH_DIR"),
    (209, "IPMB_LINUX"),
    (215, "IEEE802_15_4_NONASK_PHY"),
    (220, "USB_LINUX_MMAPPED"),
    (224, "FC_2"),
    (225, "FC_2_WITH_FRAME_DELIMS"),
    (226, "IPNET"),
    (227, "CAN_SOCKETCAN"),
    (228, "IPV4"),
    (229, "IPV6"),
    (230, "IEEE802_15_4_NOFCS"),
    (231, "DBUS"),
    (235, "DVB_CI"),
    (236, "MUX27010"),
    (239, "NFLOG"),
    (240, "NETANALYZER"),
    (242, "IPOIB"),
    (243, "MPEG_2_TS"),
    (247, "INFINIBAND"),
    (248, "SCTP"),
    (249, "USBPCAP"),
    (251, "BLUETOOTH_LE_LL"),
    (252, "WIRESHARK_UPPER_PDU"),
    (253, "NETLINK"),
    (254, "BLUETOOTH_LINUX_MONITOR"),
    (256, "BLUETOOTH_LE_LL_WITH_PHDR"),
    (258, "PKTAP"),
    (259, "EPON"),
    (266, "USB_DARWIN"),
    (268, "SDLC"),
    (270, "LORATAP"),
    (271, "VSOCK"),
    (272, "NORDIC_BLE"),
    (273, "DOCSIS31_XRA31"),
    (274, "ETHERNET_MPACKET"),
    (276, "LINUX_SLL2"),
    (280, "VPP_DISPATCH"),
    (281, "DSA_TAG_BRCM"),
    (282, "DSA_TAG_BRCM_PREPEND"),
    (283, "IEEE802_15_4_TAP"),
    (284, "DSA_TAG_DSA"),
    (285, "DSA_TAG_EDSA"),
    (288, "USB_2_0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame made of `octets`, with what the file had before them as room.
    fn framed(link: LinkType, octets: &[u8]) -> Result<(Vec<u8>, u32, Direction), Refusal> {
        let mut buffer = [&[0xee; 16], octets, &[0xee; 4]].concat();
        let mut packet = Packet {
            offset: 0,
            interface: 0,
            time: None,
            direction: Direction::Unknown,
            at: 16,
            captured: octets.len() as u32,
            length: octets.len() as u32 + 100,
            fcs_octets: 0,
            subsecond_over: false,
        };
        link.frame(&mut buffer, &mut packet)?;
        assert_eq!(buffer[buffer.len() - 4..], [0xee; 4]);
        let frame = buffer[packet.at..packet.at + packet.captured as usize].to_vec();
        Ok((frame, packet.length - packet.captured, packet.direction))
    }

    const IP_HEADER: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

    #[test]
    fn names_are_in_order_and_unknown_types_go_by_number() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(LinkType(9).to_string(), "PPP");
        assert_eq!(LinkType(8224).to_string(), "link type 8224");
    }

    #[test]
    fn a24_raw_packets_get_an_ethernet_header_by_their_nibble() {
        for (number, nibble, ethertype) in [
            (101, 0x45, [8, 0]),
            (12, 0x60, [0x86, 0xdd]),
            (14, 0x4f, [8, 0]),
            (228, 0x45, [8, 0]),
            (229, 0x60, [0x86, 0xdd]),
        ] {
            let expected = [&IP_HEADER[..], &ethertype, &[nibble, 1, 2, 3]].concat();
            assert_eq!(framed(LinkType(number), &[nibble, 1, 2, 3]), Ok((expected, 100, Direction::Unknown)));
        }
        assert_eq!(framed(LinkType::RAW, &[0x55, 0]), Err(Refusal::NotIp(LinkType::RAW)));
        assert_eq!(framed(LinkType::RAW, &[]), Err(Refusal::NotIp(LinkType::RAW)));
        assert_eq!(framed(LinkType(9), &[0x45, 0]), Err(Refusal::LinkType(LinkType(9))));
    }

    #[test]
    fn cooked_packets_keep_their_source_address_and_direction() {
        let v1 = [0, 4, 0, 1, 0, 6, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0, 0, 8, 6, 9, 9];
        let frame = vec![2, 0, 0, 0, 0, 2, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 8, 6, 9, 9];
        assert_eq!(framed(LinkType::LINUX_SLL, &v1), Ok((frame, 100, Direction::Outbound)));
        let v2 = [8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 1, 6, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0, 0, 9, 9];
        let frame = vec![255, 255, 255, 255, 255, 255, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 8, 0, 9, 9];
        assert_eq!(framed(LinkType::LINUX_SLL2, &v2), Ok((frame, 100, Direction::Inbound)));
        assert_eq!(framed(LinkType::LINUX_SLL, &v1[..15]), Err(Refusal::ShortHeader(LinkType::LINUX_SLL)));
        assert_eq!(framed(LinkType::LINUX_SLL2, &v2[..19]), Err(Refusal::ShortHeader(LinkType::LINUX_SLL2)));
    }

    #[test]
    fn cooked_packets_without_an_ethertype_get_a_length_or_are_refused() {
        let cooked = |arphrd: [u8; 2], protocol: [u8; 2]| {
            let octets = [&[0, 0][..], &arphrd, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &protocol, &[0xaa; 3]].concat();
            framed(LinkType::LINUX_SLL, &octets)
        };
        let frame = [&IP_HEADER[..], &[0, 103], &[0xaa; 3]].concat();
        assert_eq!(
            cooked([0, 1], [0, 4]),
            Ok((frame, 100, Direction::Inbound)),
            "802.2: 3 octets and 100 not captured"
        );
        assert_eq!(cooked([0, 1], [0, 12]), Err(Refusal::CookedProtocol(12)));
        assert_eq!(cooked([3, 56], [8, 0]), Err(Refusal::CookedDevice(824)));
    }
}
