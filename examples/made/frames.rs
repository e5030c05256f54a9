//! Frames from the address up, checksums right; what they mean together is for the files.

use std::net::IpAddr;

/// A MAC address of a locally administered range: which kind of device, and which of them.
pub(crate) fn mac(kind: u8, number: u8) -> [u8; 6] {
    [2, 0, 0, kind, 0, number]
}

pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;
pub(crate) const MPLS: u16 = 0x8847;

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMPV6: u8 = 58;

/// An Ethernet frame without FCS, of its own length.
pub(crate) fn ethernet(destination: [u8; 6], source: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&destination[..], &source, &ethertype.to_be_bytes(), payload].concat()
}

/// As it is on the wire: at least 60 octets without FCS.
pub(crate) fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(60), 0);
    frame
}

/// `frame` with a tag put after its addresses: TPID, and priority, DEI and VID as one TCI.
pub(crate) fn tagged(frame: &[u8], tpid: u16, tci: u16) -> Vec<u8> {
    [&frame[..12], &tpid.to_be_bytes(), &tci.to_be_bytes(), &frame[12..]].concat()
}

/// Priority, drop eligible, VLAN.
pub(crate) fn tci(priority: u16, dei: bool, vid: u16) -> u16 {
    priority << 13 | u16::from(dei) << 12 | vid
}

/// A label stack, top first: label, traffic class, TTL; the last gets the bottom-of-stack bit.
pub(crate) fn stack(entries: &[(u32, u32, u32)]) -> Vec<u8> {
    let entry = |(i, &(label, class, ttl)): (usize, &(u32, u32, u32))| {
        let bottom = u32::from(i + 1 == entries.len());
        (label << 12 | class << 9 | bottom << 8 | ttl).to_be_bytes()
    };
    entries.iter().enumerate().flat_map(entry).collect()
}

/// What an IP header says beside the protocol.
#[derive(Clone, Copy)]
pub(crate) struct Ip {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) dscp: u8,
    pub(crate) ttl: u8,
    pub(crate) id: u16,
}

impl Ip {
    pub(crate) fn new(from: &str, to: &str) -> Self {
        let parse = |text: &str| text.parse().expect("an address");
        Ip { from: parse(from), to: parse(to), dscp: 0, ttl: 64, id: 0 }
    }

    /// The ethertype of its family.
    pub(crate) fn ethertype(&self) -> u16 {
        if self.from.is_ipv4() { IPV4 } else { IPV6 }
    }

    /// A packet of one piece.
    pub(crate) fn packet(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        match (self.from, self.to) {
            (IpAddr::V4(_), IpAddr::V4(_)) => self.fragment(protocol, payload, 0x4000),
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let word = 6 << 28 | u32::from(self.dscp) << 22;
                let length = payload.len() as u16;
                let head = [&word.to_be_bytes()[..], &length.to_be_bytes(), &[protocol, self.ttl]].concat();
                [&head, &from.octets()[..], &to.octets(), payload].concat()
            }
            _ => panic!("addresses of one family"),
        }
    }

    /// An IPv4 packet with `flags`: DF 0x4000, MF 0x2000, and the offset in units of 8 octets.
    pub(crate) fn fragment(&self, protocol: u8, payload: &[u8], flags: u16) -> Vec<u8> {
        let (IpAddr::V4(from), IpAddr::V4(to)) = (self.from, self.to) else { panic!("IPv4") };
        let mut header = vec![0x45, self.dscp << 2];
        header.extend((payload.len() as u16 + 20).to_be_bytes());
        header.extend(self.id.to_be_bytes());
        header.extend(flags.to_be_bytes());
        header.extend([self.ttl, protocol, 0, 0]);
        header.extend(from.octets());
        header.extend(to.octets());
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        [header, payload.to_vec()].concat()
    }

    /// The checksum of a transport header and what follows it, over the pseudo header.
    fn transport_checksum(&self, protocol: u8, segment: &[u8]) -> u16 {
        let addresses = match (self.from, self.to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => [from.octets(), to.octets()].concat(),
            (IpAddr::V6(from), IpAddr::V6(to)) => [from.octets(), to.octets()].concat(),
            _ => panic!("addresses of one family"),
        };
        checksum(&[&addresses, &(segment.len() as u32).to_be_bytes(), &[0, protocol], segment])
    }

    /// A UDP datagram in its packet.
    pub(crate) fn udp(&self, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        self.packet(UDP, &self.datagram(ports, payload))
    }

    /// A UDP datagram without its packet.
    pub(crate) fn datagram(&self, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let mut datagram = [ports.0, ports.1, payload.len() as u16 + 8, 0].map(u16::to_be_bytes).concat();
        datagram.extend(payload);
        let sum = match self.transport_checksum(UDP, &datagram) {
            0 => 0xffff,
            sum => sum,
        };
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        datagram
    }

    /// A TCP segment in its packet.
    pub(crate) fn tcp(&self, ports: (u16, u16), numbers: (u32, u32), flags: u8, payload: &[u8]) -> Vec<u8> {
        let options: &[u8] = if flags & SYN != 0 { &[2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1] } else { &[] };
        let mut segment = [ports.0, ports.1].map(u16::to_be_bytes).concat();
        segment.extend([numbers.0, if flags & ACK != 0 { numbers.1 } else { 0 }].map(u32::to_be_bytes).concat());
        segment.extend([((20 + options.len()) as u8 / 4) << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        segment.extend(options);
        segment.extend(payload);
        let sum = self.transport_checksum(TCP, &segment);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        self.packet(TCP, &segment)
    }

    /// An ICMP or ICMPv6 message in its packet: type, code, and what follows the checksum.
    pub(crate) fn icmp(&self, kind: u8, rest: &[u8]) -> Vec<u8> {
        let mut message = [&[kind, 0, 0, 0], rest].concat();
        let (protocol, sum) = match self.from {
            IpAddr::V4(_) => (ICMP, checksum(&[&message])),
            IpAddr::V6(_) => (ICMPV6, self.transport_checksum(ICMPV6, &message)),
        };
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        self.packet(protocol, &message)
    }
}

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

/// An ARP packet (RFC 826): 1 asks, 2 answers.
pub(crate) fn arp(operation: u8, sender: ([u8; 6], [u8; 4]), target: ([u8; 6], [u8; 4])) -> Vec<u8> {
    [&[0, 1, 8, 0, 6, 4, 0, operation][..], &sender.0, &sender.1, &target.0, &target.1].concat()
}

/// RFC 1071, over parts that all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let pairs = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = pairs.map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
