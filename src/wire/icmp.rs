//! ICMP errors that a router sends (RFC 792, RFC 4443): time exceeded, packet too big.

use super::{checksum, ipv4, ipv6};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a router has to say to the source of a packet that it did not forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// The TTL or hop limit ran out here (RFC 792 type 11 code 0, RFC 4443 §3.3).
    TimeExceeded,
    /// The packet is longer than the next link's `mtu` in octets and must not be fragmented here
    /// (RFC 1191 §4: type 3 code 4; RFC 4443 §3.2: type 2).
    TooBig {
        /// The largest packet that would have gone.
        mtu: u16,
    },
}

const ICMPV6: u8 = 58;
/// Octets of the offending datagram that an ICMP error quotes: 576 in all (RFC 1812 §4.3.2.3).
const QUOTE_V4: usize = 576 - 28;
/// As much as fits the minimum MTU (RFC 4443 §2.4 c).
const QUOTE_V6: usize = ipv6::MIN_MTU as usize - 48;

/// The ICMP error about the IPv4 packet `offending` from `router`, or `None` if none may be sent: about ICMP
/// errors, fragments but the first, and packets from or to addresses that are not one host's (RFC 1812 §4.3.2.7).
pub fn error_v4(complaint: Complaint, router: Ipv4Addr, offending: &[u8]) -> Option<Vec<u8>> {
    let header = offending.first_chunk::<{ ipv4::HEADER_OCTETS }>()?;
    let source = Ipv4Addr::new(header[12], header[13], header[14], header[15]);
    let destination = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
    let later_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
    if later_fragment || !is_one_host_v4(source) || destination.is_multicast() || destination.is_broadcast() {
        return None;
    }
    let payload = offending.get(ipv4::header_octets(offending)..)?;
    // Echo, timestamp and the other queries may be complained about; errors may not.
    if header[ipv4::PROTOCOL] == ipv4::ICMP && !matches!(payload.first(), Some(0 | 8 | 13..=18)) {
        return None;
    }
    let total = usize::from(ipv4::total_length(offending)?).min(offending.len());
    let quote = &offending[..total.min(QUOTE_V4)];
    let (kind, code, word) = match complaint {
        Complaint::TimeExceeded => (11, 0, 0),
        Complaint::TooBig { mtu } => (3, 4, mtu),
    };
    let length = (28 + quote.len()) as u16;
    let mut out = Vec::with_capacity(length.into());
    out.extend([0x45, 0xc0]); // precedence 6, internetwork control (RFC 1812 §4.3.2.5)
    out.extend(length.to_be_bytes());
    out.extend([0, 0, 0, 0, 64, ipv4::ICMP, 0, 0]);
    out.extend(router.octets());
    out.extend(source.octets());
    ipv4::fill_checksum(&mut out);
    out.extend([kind, code, 0, 0, 0, 0]);
    out.extend(word.to_be_bytes());
    out.extend(quote);
    let sum = checksum::checksum(&out[20..], 0);
    out[22..24].copy_from_slice(&sum.to_be_bytes());
    Some(out)
}

/// The ICMPv6 error about the IPv6 packet `offending` from `router`, or `None` if none may be sent (RFC 4443 §2.4 e).
pub fn error_v6(complaint: Complaint, router: Ipv6Addr, offending: &[u8]) -> Option<Vec<u8>> {
    let header = offending.first_chunk::<{ ipv6::HEADER_OCTETS }>()?;
    let source = Ipv6Addr::from(<[u8; 16]>::try_from(&header[8..24]).ok()?);
    let destination = Ipv6Addr::from(<[u8; 16]>::try_from(&header[24..40]).ok()?);
    // "Packet too big" may answer a multicast packet, time exceeded may not.
    let multicast = destination.is_multicast() && complaint == Complaint::TimeExceeded;
    if source.is_unspecified() || source.is_multicast() || multicast {
        return None;
    }
    if header[ipv6::NEXT_HEADER] == ICMPV6 && offending.get(40).is_none_or(|&kind| kind < 128) {
        return None;
    }
    let total = (ipv6::total_length(offending)? as usize).min(offending.len());
    let quote = &offending[..total.min(QUOTE_V6)];
    let (kind, word) = match complaint {
        Complaint::TimeExceeded => (3, 0),
        Complaint::TooBig { mtu } => (2, u32::from(mtu)),
    };
    let length = (8 + quote.len()) as u16;
    let mut out = Vec::with_capacity(48 + quote.len());
    out.extend([0x6c, 0, 0, 0]);
    out.extend(length.to_be_bytes());
    out.extend([ICMPV6, 64]);
    out.extend(router.octets());
    out.extend(source.octets());
    out.extend([kind, 0, 0, 0]);
    out.extend(word.to_be_bytes());
    out.extend(quote);
    let pseudo = checksum::sum(&out[8..40], u32::from(length) + u32::from(ICMPV6));
    let sum = checksum::checksum(&out[40..], pseudo);
    out[42..44].copy_from_slice(&sum.to_be_bytes());
    Some(out)
}

fn is_one_host_v4(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.octets()[0] >= 240)
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{Icmpv4Type, Icmpv6Type, NetSlice, PacketBuilder, SlicedPacket, TransportSlice, icmpv4, icmpv6};

    const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 100, 130);

    fn udp() -> Vec<u8> {
        let mut packet = Vec::new();
        PacketBuilder::ipv4([10, 10, 0, 1], [10, 20, 0, 1], 1).udp(5, 53).write(&mut packet, &[7; 30]).unwrap();
        packet
    }

    #[test]
    fn another_codec_reads_time_exceeded_and_too_big() {
        for (complaint, kind) in [
            (Complaint::TimeExceeded, Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::TtlExceededInTransit)),
            (
                Complaint::TooBig { mtu: 1492 },
                Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::FragmentationNeeded {
                    next_hop_mtu: 1492,
                }),
            ),
        ] {
            let error = error_v4(complaint, ROUTER, &udp()).unwrap();
            let read = SlicedPacket::from_ip(&error).unwrap();
            let Some(NetSlice::Ipv4(ip)) = read.net else { panic!("not IPv4") };
            assert_eq!(ip.header().source_addr(), ROUTER);
            assert_eq!(ip.header().destination_addr(), Ipv4Addr::new(10, 10, 0, 1));
            assert_eq!(ip.header().to_header().calc_header_checksum(), ip.header().header_checksum());
            let Some(TransportSlice::Icmpv4(icmp)) = read.transport else { panic!("not ICMP") };
            assert_eq!(icmp.icmp_type(), kind);
            assert_eq!(icmp.payload(), udp());
            assert_eq!(checksum::checksum(icmp.slice(), 0), 0);
        }
    }

    #[test]
    fn another_codec_reads_the_ipv6_errors() {
        let mut packet = Vec::new();
        PacketBuilder::ipv6([0xfd; 16], [0xfe; 16], 1).udp(5, 53).write(&mut packet, &[7; 30]).unwrap();
        let router = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
        for (complaint, kind) in [
            (Complaint::TimeExceeded, Icmpv6Type::TimeExceeded(icmpv6::TimeExceededCode::HopLimitExceeded)),
            (Complaint::TooBig { mtu: 1400 }, Icmpv6Type::PacketTooBig { mtu: 1400 }),
        ] {
            let error = error_v6(complaint, router, &packet).unwrap();
            let read = SlicedPacket::from_ip(&error).unwrap();
            let Some(TransportSlice::Icmpv6(icmp)) = read.transport else { panic!("not ICMPv6") };
            assert_eq!(icmp.icmp_type(), kind);
            assert!(icmp.is_checksum_valid(router.octets(), [0xfd; 16]));
        }
    }

    #[test]
    fn no_error_about_an_error_a_later_fragment_or_nobody() {
        let error = error_v4(Complaint::TimeExceeded, ROUTER, &udp()).unwrap();
        assert_eq!(error_v4(Complaint::TimeExceeded, ROUTER, &error), None);
        let mut fragment = udp();
        fragment[7] = 185;
        assert_eq!(error_v4(Complaint::TimeExceeded, ROUTER, &fragment), None);
        let mut nobody = udp();
        nobody[12..16].fill(0);
        assert_eq!(error_v4(Complaint::TimeExceeded, ROUTER, &nobody), None);
        assert_eq!(error_v4(Complaint::TimeExceeded, ROUTER, &[0x45; 12]), None);
    }
}
