//! IP packets with UDP in them, as BFD sends and receives them (RFC 5881): built whole, taken apart checked.

use crate::wire::{ipv4, ipv6, udp};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Source and destination port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Where it comes from.
    pub source: u16,
    /// Where it goes to.
    pub destination: u16,
}

/// An IPv4 packet with a UDP datagram: `dscp` is 0 to 63, the identification is 0, for it is not to be fragmented (RFC 6864 §4.1).
///
/// # Panics
/// If the payload is longer than 65507 octets, or `dscp` is over 63.
pub fn udp_v4(source: Ipv4Addr, destination: Ipv4Addr, ports: Ports, ttl: u8, dscp: u8, payload: &[u8]) -> Vec<u8> {
    assert!(dscp < 64, "DSCP {dscp}");
    let octets = ipv4::HEADER_OCTETS + udp::HEADER_OCTETS + payload.len();
    let mut packet = Vec::with_capacity(octets);
    packet.extend([0x45, dscp << 2]);
    packet.extend(u16::try_from(octets).expect("a packet of 65535 octets at most").to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(ipv4::DONT_FRAGMENT.to_be_bytes());
    packet.extend([ttl, ipv4::UDP, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    ipv4::fill_checksum(&mut packet);
    let datagram = udp::Datagram { source: ports.source, destination: ports.destination, payload };
    datagram.emit(source.into(), destination.into(), &mut packet);
    packet
}

/// An IPv6 packet with a UDP datagram: `dscp` is 0 to 63, the flow label is 0.
///
/// # Panics
/// If the payload is longer than 65527 octets, or `dscp` is over 63.
pub fn udp_v6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    ports: Ports,
    hop_limit: u8,
    dscp: u8,
    payload: &[u8],
) -> Vec<u8> {
    assert!(dscp < 64, "DSCP {dscp}");
    let octets = udp::HEADER_OCTETS + payload.len();
    let mut packet = Vec::with_capacity(ipv6::HEADER_OCTETS + octets);
    packet.extend([0x60, 0, 0, 0]);
    packet.extend(u16::try_from(octets).expect("a payload of 65535 octets at most").to_be_bytes());
    packet.extend([ipv4::UDP, hop_limit]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    ipv6::patch(&mut packet, hop_limit, dscp << 2);
    let datagram = udp::Datagram { source: ports.source, destination: ports.destination, payload };
    datagram.emit(source.into(), destination.into(), &mut packet);
    packet
}

/// Why a packet is not one with a UDP datagram for this router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Neither IPv4 nor IPv6, or its header is cut or impossible.
    Header,
    /// The checksum of the IPv4 header is wrong.
    HeaderChecksum,
    /// A fragment: what BFD sends is shorter than any MTU.
    Fragment,
    /// Not UDP, or behind an IPv6 extension header, which BFD has no use for.
    Protocol,
    /// The UDP length is impossible.
    Length,
    /// The UDP checksum is wrong.
    Checksum,
}

/// A UDP datagram with what its IP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// Whom it is for.
    pub destination: IpAddr,
    /// UDP ports.
    pub ports: Ports,
    /// TTL or hop limit as it arrived: 255 if no router was on the way of a neighbour's (RFC 5881 §5).
    pub ttl: u8,
    /// Differentiated services code point.
    pub dscp: u8,
    /// What the datagram carries.
    pub payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Takes an IP packet apart; octets after its own length, such as Ethernet's padding, are ignored.
    pub fn read(packet: &'a [u8]) -> Result<Self, Unreadable> {
        match packet.first().map(|first| first >> 4) {
            Some(4) => Self::read_v4(packet),
            Some(6) => Self::read_v6(packet),
            _ => Err(Unreadable::Header),
        }
    }

    fn read_v4(packet: &'a [u8]) -> Result<Self, Unreadable> {
        let header = ipv4::Header::read(packet).ok_or(Unreadable::Header)?;
        header.check(packet, packet.len()).map_err(|fault| match fault {
            ipv4::Malformed::Header => Unreadable::Header,
            ipv4::Malformed::Checksum => Unreadable::HeaderChecksum,
        })?;
        if header.is_fragment() {
            return Err(Unreadable::Fragment);
        }
        let total = ipv4::total_length(packet).ok_or(Unreadable::Header)?;
        let source = Ipv4Addr::from_bits(ipv4::source(packet).ok_or(Unreadable::Header)?);
        let beneath = packet.get(header.octets()..total.into()).ok_or(Unreadable::Header)?;
        let destination = Ipv4Addr::from_bits(header.destination());
        Self::of(beneath, header.protocol(), source.into(), destination.into(), header.ttl(), header.tos())
    }

    fn read_v6(packet: &'a [u8]) -> Result<Self, Unreadable> {
        if !ipv6::check(packet, packet.len()) {
            return Err(Unreadable::Header);
        }
        let total = ipv6::total_length(packet).ok_or(Unreadable::Header)?;
        let source = Ipv6Addr::from_bits(ipv6::source(packet).ok_or(Unreadable::Header)?);
        let destination = Ipv6Addr::from_bits(ipv6::destination(packet).ok_or(Unreadable::Header)?);
        let beneath = packet.get(ipv6::HEADER_OCTETS..total as usize).ok_or(Unreadable::Header)?;
        let (protocol, hop_limit) = (packet[ipv6::NEXT_HEADER], packet[ipv6::HOP_LIMIT]);
        let class = ipv6::traffic_class(packet);
        Self::of(beneath, protocol, source.into(), destination.into(), hop_limit, class)
    }

    fn of(
        beneath: &'a [u8],
        protocol: u8,
        source: IpAddr,
        destination: IpAddr,
        ttl: u8,
        tos: u8,
    ) -> Result<Self, Unreadable> {
        if protocol != ipv4::UDP {
            return Err(Unreadable::Protocol);
        }
        let udp = udp::Datagram::read(beneath, source, destination).map_err(|fault| match fault {
            udp::Malformed::Length => Unreadable::Length,
            udp::Malformed::Checksum => Unreadable::Checksum,
        })?;
        let ports = Ports { source: udp.source, destination: udp.destination };
        Ok(Datagram { source, destination, ports, ttl, dscp: tos >> 2, payload: udp.payload })
    }
}

/// Source and destination of an IP packet with a TCP segment in it, and the packet itself; `None` of another. Whether the
/// segment is whole is for TCP to say.
pub fn tcp(packet: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    match packet.first()? >> 4 {
        4 => {
            let header = ipv4::Header::read(packet).filter(|header| header.protocol() == ipv4::TCP)?;
            let source = Ipv4Addr::from_bits(ipv4::source(packet)?);
            Some((source.into(), Ipv4Addr::from_bits(header.destination()).into(), packet))
        }
        6 if *packet.get(ipv6::NEXT_HEADER)? == ipv4::TCP => {
            let source = Ipv6Addr::from_bits(ipv6::source(packet)?);
            Some((source.into(), Ipv6Addr::from_bits(ipv6::destination(packet)?).into(), packet))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
    use proptest::prelude::*;

    const PORTS: Ports = Ports { source: 49152, destination: 3784 };
    const A: Ipv4Addr = Ipv4Addr::new(192, 168, 100, 129);
    const B: Ipv4Addr = Ipv4Addr::new(192, 168, 100, 130);
    const A6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    const B6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);

    #[test]
    fn another_codec_reads_what_is_built() {
        let packet = udp_v4(A, B, PORTS, 255, 48, &[7; 24]);
        let read = SlicedPacket::from_ip(&packet).unwrap();
        let Some(NetSlice::Ipv4(ip)) = read.net else { panic!("not IPv4") };
        let header = ip.header().to_header();
        assert_eq!((header.source, header.destination), (A.octets(), B.octets()));
        assert_eq!((header.time_to_live, header.dscp.value(), header.total_len), (255, 48, 52));
        assert_eq!(header.calc_header_checksum(), header.header_checksum);
        let Some(TransportSlice::Udp(udp)) = read.transport else { panic!("not UDP") };
        let sum = udp.to_header().calc_checksum_ipv4_raw(A.octets(), B.octets(), &[7; 24]).unwrap();
        assert_eq!((udp.source_port(), udp.destination_port(), udp.checksum()), (49152, 3784, sum));

        let packet = udp_v6(A6, B6, PORTS, 255, 48, &[7; 24]);
        let read = SlicedPacket::from_ip(&packet).unwrap();
        let Some(NetSlice::Ipv6(ip)) = read.net else { panic!("not IPv6") };
        assert_eq!((ip.header().hop_limit(), ip.header().traffic_class()), (255, 0xc0));
        let Some(TransportSlice::Udp(udp)) = read.transport else { panic!("not UDP") };
        let sum = udp.to_header().calc_checksum_ipv6_raw(A6.octets(), B6.octets(), &[7; 24]).unwrap();
        assert_eq!((udp.checksum(), udp.payload()), (sum, &[7; 24][..]));
    }

    #[test]
    fn what_another_codec_builds_is_read() {
        let mut packet = Vec::new();
        PacketBuilder::ipv4(A.octets(), B.octets(), 254).udp(5, 3784).write(&mut packet, b"bfd").unwrap();
        packet.extend([0; 15]);
        let read = Datagram::read(&packet).unwrap();
        assert_eq!((read.source, read.destination), (A.into(), B.into()));
        assert_eq!((read.ttl, read.dscp, read.payload), (254, 0, &b"bfd"[..]));
        assert_eq!(read.ports, Ports { source: 5, destination: 3784 });
    }

    #[test]
    fn each_fault_has_its_name() {
        let good = udp_v4(A, B, PORTS, 255, 48, &[7; 24]);
        let with = |at: usize, value: u8, anew: bool| {
            let mut packet = good.clone();
            packet[at] = value;
            if anew {
                ipv4::fill_checksum(&mut packet);
            }
            packet
        };
        for (packet, fault) in [
            (vec![], Unreadable::Header),
            (good[..51].to_vec(), Unreadable::Header),
            (with(8, 254, false), Unreadable::HeaderChecksum),
            (with(6, 0x20, true), Unreadable::Fragment),
            (with(9, 6, true), Unreadable::Protocol),
            (with(25, 33, true), Unreadable::Length),
            (with(40, 8, true), Unreadable::Checksum),
            (udp_v6(A6, B6, PORTS, 255, 48, &[])[..47].to_vec(), Unreadable::Header),
        ] {
            assert_eq!(Datagram::read(&packet), Err(fault));
        }
    }

    proptest! {
        #[test]
        fn what_is_built_reads_back(
            payload in proptest::collection::vec(any::<u8>(), 0..200), ttl: u8, dscp in 0u8..64, source: u16,
        ) {
            let ports = Ports { source, destination: 3784 };
            let v4 = udp_v4(A, B, ports, ttl, dscp, &payload);
            let v6 = udp_v6(A6, B6, ports, ttl, dscp, &payload);
            for (packet, source, destination) in [(&v4, A.into(), B.into()), (&v6, A6.into(), B6.into())] {
                let expected = Datagram { source, destination, ports, ttl, dscp, payload: &payload };
                prop_assert_eq!(Datagram::read(packet), Ok(expected));
            }
        }

        #[test]
        fn arbitrary_octets_never_panic(mut octets in proptest::collection::vec(any::<u8>(), 0..120), v6: bool) {
            if let Some(first) = octets.first_mut() {
                *first = if v6 { 0x60 } else { 0x45 };
            }
            ipv4::fill_checksum(&mut octets);
            let _ = Datagram::read(&octets);
        }
    }
}
