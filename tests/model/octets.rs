//! Fields of headers by their place in the octets; nothing here knows what a router does.

use super::{Stop, Tag};

/// The TPIDs that mark an 802.1Q tag, the vendors' old ones included.
pub const TPIDS: [u16; 5] = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];

pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;
pub const ARP: u16 = 0x0806;
pub const MPLS: u16 = 0x8847;
pub const MPLS_MULTICAST: u16 = 0x8848;

/// The big-endian 16 bits at `at`.
pub fn be16(octets: &[u8], at: usize) -> u16 {
    u16::from(octets[at]) << 8 | u16::from(octets[at + 1])
}

/// The VID of a tag's four octets (TPID, TCI).
pub fn vid(tag: &[u8; 4]) -> u16 {
    be16(tag, 2) & 0x0fff
}

/// The PCP of a tag's four octets.
pub fn pcp(tag: &[u8; 4]) -> u8 {
    tag[2] >> 5
}

/// The DEI of a tag's four octets.
pub fn dei(tag: &[u8; 4]) -> u8 {
    tag[2] >> 4 & 1
}

/// A tag's four octets on the wire.
pub fn tag_octets(tag: &Tag, copied_pcp: u8, copied_dei: u8) -> [u8; 4] {
    let (pcp, dei) = match tag.pcp {
        Some(fixed) => (fixed, 0),
        None => (copied_pcp, copied_dei),
    };
    let tci = u16::from(pcp) << 13 | u16::from(dei) << 12 | tag.vid;
    [(tag.tpid >> 8) as u8, tag.tpid as u8, (tci >> 8) as u8, tci as u8]
}

/// One label stack entry (RFC 3032 section 2.1): label 20, TC 3, S 1, TTL 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lse {
    pub label: u32,
    pub tc: u8,
    pub bottom: bool,
    pub ttl: u8,
}

impl Lse {
    pub fn octets(&self) -> [u8; 4] {
        [
            (self.label >> 12) as u8,
            (self.label >> 4) as u8,
            (self.label << 4) as u8 | self.tc << 1 | u8::from(self.bottom),
            self.ttl,
        ]
    }
}

/// The label stack entry at the beginning, if a whole one is there.
pub fn lse(octets: &[u8]) -> Result<Lse, Stop> {
    let [a, b, c, d, ..] = *octets else { return Err(Stop::Drop("label_stack_malformed")) };
    Ok(Lse {
        label: u32::from(a) << 12 | u32::from(b) << 4 | u32::from(c) >> 4,
        tc: c >> 1 & 7,
        bottom: c & 1 == 1,
        ttl: d,
    })
}

/// How many label stack entries lie at the beginning: up to the S bit, or to the last whole one.
pub fn depth(octets: &[u8]) -> usize {
    let entries = octets.chunks_exact(4);
    let whole = entries.len();
    entries.into_iter().position(|entry| entry[2] & 1 == 1).map_or(whole, |at| at + 1)
}

/// The Internet checksum (RFC 1071) of the octets; over a good header with its checksum it is 0.
pub fn internet_checksum(octets: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in octets.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// RFC 1624 equation 3: the checksum after one 16-bit word changed from `old` to `new`.
pub fn checksum_after(checksum: u16, old: u16, new: u16) -> u16 {
    let mut sum = u32::from(!checksum) + u32::from(!old) + u32::from(new);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A frame of these parts, padded with zeros to the 60 octets that Ethernet wants before the FCS.
pub fn frame(dst: &[u8; 6], src: &[u8; 6], tags: &[[u8; 4]], rest: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend_from_slice(dst);
    octets.extend_from_slice(src);
    for tag in tags {
        octets.extend_from_slice(tag);
    }
    octets.extend_from_slice(rest);
    if octets.len() < 60 {
        octets.resize(60, 0);
    }
    octets
}

/// The octets of an ethertype and its payload.
pub fn typed(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![(ethertype >> 8) as u8, ethertype as u8];
    octets.extend_from_slice(payload);
    octets
}
