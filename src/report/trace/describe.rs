//! A frame in a line of words: addresses, protocol and ports of what lies beneath its tags and labels.

use super::Headers;
use crate::frame::{Frame, Kind, Templates};
use crate::wire::ethernet;
use crate::wire::{be16, ipv4, ipv6};
use std::net::{Ipv4Addr, Ipv6Addr};

/// `frame` in words.
pub(super) fn describe(frame: &Frame, templates: &Templates) -> String {
    let body = frame.octets(templates);
    let octets = body.payload();
    match frame.header.meta.kind() {
        Kind::Ipv4 => describe_v4(octets),
        Kind::Ipv6 => describe_v6(octets),
        Kind::Ipv4Checksum => format!("{}, header checksum wrong", describe_v4(octets)),
        Kind::Ipv4Header => "IPv4 with an impossible header".into(),
        Kind::Ipv6Header => "IPv6 with an impossible header".into(),
        Kind::Runt => "a runt".into(),
        Kind::Tag | Kind::Label => bare(frame, templates).map_or("a frame".into(), |bare| describe(&bare, templates)),
        Kind::Opaque if frame.header.meta.labels() > 0 => "a labelled frame that is not IP".into(),
        Kind::Opaque => match body.ethertype {
            ethernet::ARP => describe_arp(octets),
            ethernet::MPLS | ethernet::MPLS_UPSTREAM => "a frame whose label stack is cut".into(),
            length if length < ethernet::FIRST_ETHERTYPE => format!("LLC, length {length}"),
            ethertype => format!("ethertype {ethertype:#06x}"),
        },
    }
}

/// The frame without its tags and labels, of which there are more than lie inline.
fn bare(frame: &Frame, templates: &Templates) -> Option<Frame> {
    let headers = Headers::of(frame, templates);
    let (tags, labels) = (headers.tags.len() * 4, headers.labels.len() * 4);
    let mut octets = Vec::new();
    frame.emit(templates, &mut octets);
    if labels > 0 {
        let beneath = 14 + tags + labels;
        // Nothing says what the bottom is on; the first nibble of IP is its version.
        let ethertype = match octets.get(beneath).map(|octet| octet >> 4) {
            Some(4) => ethernet::IPV4,
            Some(6) => ethernet::IPV6,
            _ => return None,
        };
        octets.splice(12 + tags..beneath, ethertype.to_be_bytes());
    }
    octets.drain(12..12 + tags);
    Some(Frame { id: frame.id, ..Frame::parse(&octets, octets.len() as u32, None)?.frame })
}

fn describe_v4(octets: &[u8]) -> String {
    let Some(header) = octets.first_chunk::<{ ipv4::HEADER_OCTETS }>() else { return "IPv4".into() };
    let [.., a, b, c, d, e, f, g, h] = *header;
    let addresses = format!("IPv4 {} -> {}", Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(e, f, g, h));
    let protocol = header[ipv4::PROTOCOL];
    let fragment = be16(octets, ipv4::FRAGMENT).unwrap_or(0);
    let (offset, more) = ((fragment & 0x1fff) * 8, fragment & ipv4::MORE_FRAGMENTS != 0);
    if offset > 0 || more {
        let last = if more { "more follow" } else { "the last" };
        return format!("{addresses}, {}, fragment at {offset}, {last}", protocol_name(protocol));
    }
    let beneath = octets.get(ipv4::header_octets(octets)..).unwrap_or(&[]);
    format!("{addresses}, {}", transport(protocol, beneath))
}

fn describe_v6(octets: &[u8]) -> String {
    let address = |at: usize| octets.get(at..).and_then(|rest| rest.first_chunk::<16>()).map(|&a| Ipv6Addr::from(a));
    let (Some(source), Some(destination)) = (address(ipv6::SOURCE), address(ipv6::DESTINATION)) else {
        return "IPv6".into();
    };
    let protocol = octets.get(ipv6::NEXT_HEADER).copied().unwrap_or(0);
    let beneath = octets.get(ipv6::HEADER_OCTETS..).unwrap_or(&[]);
    format!("IPv6 {source} -> {destination}, {}", transport(protocol, beneath))
}

/// Protocol and ports, or the meaning of an ICMP message.
fn transport(protocol: u8, octets: &[u8]) -> String {
    let name = protocol_name(protocol);
    match protocol {
        1 | 58 => format!("{name} {}", icmp_name(protocol, octets)),
        6 | 17 | 33 | 132 | 136 => match (be16(octets, 0), be16(octets, 2)) {
            (Some(source), Some(destination)) => format!("{name} {source} -> {destination}"),
            _ => name,
        },
        _ => name,
    }
}

fn protocol_name(protocol: u8) -> String {
    let name = match protocol {
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPv4 in IP",
        6 => "TCP",
        17 => "UDP",
        33 => "DCCP",
        41 => "IPv6 in IP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        89 => "OSPF",
        112 => "VRRP",
        132 => "SCTP",
        136 => "UDP-Lite",
        _ => return format!("protocol {protocol}"),
    };
    name.into()
}

/// RFC 792 and RFC 4443, as far as people meet them.
fn icmp_name(protocol: u8, octets: &[u8]) -> String {
    let (kind, code) = (octets.first().copied().unwrap_or(0), octets.get(1).copied().unwrap_or(0));
    let name = match (protocol, kind, code) {
        (1, 0, _) | (58, 129, _) => "echo reply",
        (1, 3, 4) => return format!("fragmentation needed, MTU {}", be16(octets, 6).unwrap_or(0)),
        (1, 3, _) | (58, 1, _) => "destination unreachable",
        (1, 8, _) | (58, 128, _) => "echo request",
        (1, 11, _) | (58, 3, _) => "time exceeded",
        (58, 2, _) => return format!("packet too big, MTU {}", be16(octets, 6).unwrap_or(0)),
        (58, 133, _) => "router solicitation",
        (58, 134, _) => "router advertisement",
        (58, 135, _) => "neighbor solicitation",
        (58, 136, _) => "neighbor advertisement",
        _ => return format!("type {kind} code {code}"),
    };
    name.into()
}

/// RFC 826, with IPv4 as its protocol.
fn describe_arp(octets: &[u8]) -> String {
    let address = |at: usize| octets.get(at..).and_then(|rest| rest.first_chunk::<4>()).map(|&a| Ipv4Addr::from(a));
    match (be16(octets, 6), address(14), address(24)) {
        (Some(1), Some(sender), Some(target)) => format!("ARP, {sender} asks for {target}"),
        (Some(2), Some(sender), Some(target)) => format!("ARP, {sender} answers {target}"),
        _ => "ARP".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    fn words(octets: &[u8]) -> String {
        describe(&Frame::parse(octets, octets.len() as u32, None).unwrap().frame, &Templates::new())
    }

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut octets = Vec::new();
        write(&mut octets);
        words(&octets)
    }

    #[test]
    fn packets_of_another_codec_are_told_by_name() {
        let ethernet = || PacketBuilder::ethernet2([2; 6], [4; 6]);
        let v4 = || ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2], 9);
        let v6 = || ethernet().ipv6([0xfd; 16], [0xfe; 16], 9);
        assert_eq!(
            written(|o| v4().tcp(5, 443, 0, 0).write(o, &[]).unwrap()),
            "IPv4 10.0.0.1 -> 10.0.0.2, TCP 5 -> 443"
        );
        assert_eq!(
            written(|o| v4().icmpv4_echo_request(1, 2).write(o, &[]).unwrap()),
            "IPv4 10.0.0.1 -> 10.0.0.2, ICMP echo request"
        );
        let (fd, fe) = (["fdfd"; 8].join(":"), ["fefe"; 8].join(":"));
        assert_eq!(
            written(|o| v6().icmpv6_echo_reply(1, 2).write(o, &[]).unwrap()),
            format!("IPv6 {fd} -> {fe}, ICMPv6 echo reply")
        );
    }

    #[test]
    fn deep_tags_and_labels_are_looked_beneath() {
        let mut octets = Vec::new();
        let packet = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 9).udp(5, 53);
        packet.write(&mut octets, &[]).unwrap();
        let plain = words(&octets);
        let mut tagged = octets.clone();
        tagged.splice(12..12, [0x81, 0, 0, 1].repeat(4));
        assert_eq!(words(&tagged), plain);
        let mut labelled = octets;
        labelled.splice(12..14, [&[0x88, 0x47][..], &[0, 1, 0, 9].repeat(6), &[0, 1, 1, 9]].concat());
        assert_eq!(words(&labelled), plain);
        let mut both = labelled;
        both.splice(12..12, [0x81, 0, 0, 1].repeat(3));
        assert_eq!(words(&both), plain);
    }

    proptest! {
        #[test]
        fn any_octets_have_words(octets in proptest::collection::vec(any::<u8>(), 0..100), mpls: bool, tags in 0usize..5) {
            let mut octets = octets;
            if octets.len() >= 14 {
                if mpls {
                    octets[12..14].copy_from_slice(&[0x88, 0x47]);
                }
                octets.splice(12..12, [0x81, 0, 0, 1].repeat(tags));
            }
            prop_assert!(!words(&octets).is_empty());
        }
    }
}
