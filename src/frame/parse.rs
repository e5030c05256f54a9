//! Octets to typed fields, once, where a frame enters.

use super::body::Octets;
use super::meta::Kind;
use super::{Frame, Header, MAX_INLINE_LABELS, MAX_INLINE_TAGS, Meta, flow};
use crate::wire::ethernet::{self, FCS_OCTETS, HEADER_OCTETS, MAX_FRAME_OCTETS};
use crate::wire::mpls::Lse;
use crate::wire::{ipv4, ipv6, vlan};

/// A frame and the full hash of its flow.
#[derive(Debug)]
pub struct Parsed {
    /// The frame; times, stream and sequence are still the default.
    pub frame: Frame,
    /// The flow: equal for frames of one 5-tuple, else (to 2^-64) different.
    pub flow: u64,
}

impl Frame {
    /// Takes a frame's octets (without FCS) apart. The frame is `wire_octets` long (without FCS); what `octets` lacks of
    /// them is zero padding. `None` if it is longer than [`MAX_FRAME_OCTETS`] with its FCS.
    ///
    /// `spare` is an emptied body to be used again.
    #[inline(always)]
    pub fn parse(octets: &[u8], wire_octets: u32, spare: Option<Box<Octets>>) -> Option<Parsed> {
        let wire_octets = wire_octets.max(octets.len() as u32);
        if wire_octets > u32::from(MAX_FRAME_OCTETS - FCS_OCTETS) {
            return None;
        }
        let mut body = spare.unwrap_or_default();
        let (header, flow) = take_apart(&mut body, octets, wire_octets as usize);
        Some(Parsed { frame: Frame { body: Some(body), header, ..Frame::default() }, flow })
    }
}

/// Fills `header` (all but the hash, the class and the MAC id) and `body` from a whole frame.
pub(super) fn parse_into(header: &mut Header, body: &mut Octets, octets: &[u8], wire_octets: usize) {
    let hash = header.hash;
    *header = Header { hash, ..take_apart(body, octets, wire_octets).0 };
}

/// Fills `body`; the header of the frame, and its flow.
#[inline(always)]
fn take_apart(body: &mut Octets, octets: &[u8], wire_octets: usize) -> (Header, u64) {
    // In a piece whose length is known, nothing is checked octet by octet: what is shorter is lengthened first.
    let mut room = [0; MAX_TOP_OCTETS];
    let begin = match octets.first_chunk() {
        Some(begin) => begin,
        None => {
            lengthen(octets, &mut room);
            &room
        }
    };
    let top = if octets.len() < HEADER_OCTETS { Top::runt() } else { Top::read(begin, octets.len()) };
    let (payload, payload_octets) = (octets.get(top.octets..).unwrap_or(&[]), wire_octets - top.octets);
    let packet = match top.next {
        Next::Ethertype(ethernet::IPV4) => Packet::v4(ipv4::Header::read(payload), payload, payload_octets),
        Next::Ethertype(ethernet::IPV6) => Packet::v6(payload, payload_octets),
        Next::Bottom => Packet::beneath_labels(payload, payload_octets),
        Next::Ethertype(tpid) if vlan::tpid_index(tpid).is_some() => Packet::other(Kind::Tag),
        Next::Ethertype(_) => Packet::other(Kind::Opaque),
        Next::Label => Packet::other(Kind::Label),
        Next::Runt => Packet::other(Kind::Runt),
    };
    let ethertype = match top.next {
        Next::Ethertype(ethertype) => ethertype,
        _ => 0,
    };
    let macs = if top.octets > 0 { *begin.first_chunk().unwrap_or(&[0; 12]) } else { [0; 12] };
    body.fill(payload, packet.destination, macs, ethertype, packet.kind);
    let flow = match packet.kind {
        Kind::Ipv4 | Kind::Ipv6 => packet.flow,
        _ if top.meta.labels() > 0 => {
            let (lse, labels) = (top.lse, top.meta.labels());
            flow::of_labels(&lse[..usize::from(labels)])
        }
        _ => flow::of_addresses(&body.macs, body.ethertype),
    };
    let meta = top.meta.with_len(wire_octets as u16 + FCS_OCTETS).with_kind(packet.kind);
    let meta = meta.with_ttl(packet.ttl).with_traffic_class(packet.traffic_class);
    (Header { hash: flow::fold(flow), tag: top.tag, lse: top.lse, meta }, flow)
}

/// What comes before the payload, but for the addresses.
struct Top {
    /// The numbers of tags and labels, and by which ethertype those go.
    meta: Meta,
    tag: [u32; MAX_INLINE_TAGS],
    lse: [u32; MAX_INLINE_LABELS],
    /// Octets of it all; 0 of a runt.
    octets: usize,
    next: Next,
}

/// What is said of the payload by what comes before it.
#[derive(Clone, Copy)]
enum Next {
    /// The length/type field, without labels.
    Ethertype(u16),
    /// The bottom of the label stack: nothing is said.
    Bottom,
    /// A label stack entry that is not the bottom.
    Label,
    /// There is no Ethernet header.
    Runt,
}

/// Octets of addresses, inline tags, length/type field and inline labels at the most.
const MAX_TOP_OCTETS: usize = HEADER_OCTETS + (MAX_INLINE_TAGS + MAX_INLINE_LABELS) * 4;

impl Top {
    #[inline(always)]
    fn runt() -> Top {
        Top { meta: Meta::default(), tag: [0; 2], lse: [0; 3], octets: 0, next: Next::Runt }
    }

    /// Reads the tags and labels of a frame of `length` octets.
    #[inline(always)]
    fn read(begin: &[u8; MAX_TOP_OCTETS], length: usize) -> Top {
        let (tag, tags, at) = take_tags(begin, length);
        let ethertype = u16::from_be_bytes([begin[at], begin[at + 1]]);
        let (meta, octets) = (Meta::default().with_tags(tags), at + 2);
        let top = Top { meta, tag, lse: [0; 3], octets, next: Next::Ethertype(ethertype) };
        if matches!(ethertype, ethernet::MPLS | ethernet::MPLS_UPSTREAM) && length >= octets + 4 {
            let (lse, labels, next) = take_labels(begin, length, octets);
            let meta = meta.with_labels(labels).with_upstream_labels(ethertype == ethernet::MPLS_UPSTREAM);
            return Top { meta, lse, octets: octets + usize::from(labels) * 4, next, ..top };
        }
        top
    }
}

/// Reads whole tags (TPID, TCI and a length/type field after them), counts them, and says where the length/type field is.
#[inline(always)]
fn take_tags(begin: &[u8; MAX_TOP_OCTETS], length: usize) -> ([u32; MAX_INLINE_TAGS], u8, usize) {
    let is_tag = |word: u32, at: usize| length >= at + 6 && vlan::tpid_index((word >> 16) as u16).is_some();
    let (outer, inner) = (word(begin, 12), word(begin, 16));
    if !is_tag(outer, 12) {
        return ([0; 2], 0, 12);
    }
    if is_tag(inner, 16) { ([outer, inner], 2, 20) } else { ([outer, 0], 1, 16) }
}

/// Reads whole label stack entries up to the bottom, the first of which is there, counts them, and says what is next.
#[inline(always)]
fn take_labels(begin: &[u8; MAX_TOP_OCTETS], length: usize, at: usize) -> ([u32; MAX_INLINE_LABELS], u8, Next) {
    let first = word(begin, at);
    if Lse(first).is_bottom() {
        return ([first, 0, 0], 1, Next::Bottom);
    }
    if length < at + 8 {
        return ([first, 0, 0], 1, Next::Label);
    }
    let second = word(begin, at + 4);
    if Lse(second).is_bottom() {
        return ([first, second, 0], 2, Next::Bottom);
    }
    if length < at + 12 {
        return ([first, second, 0], 2, Next::Label);
    }
    let third = word(begin, at + 8);
    ([first, second, third], 3, if Lse(third).is_bottom() { Next::Bottom } else { Next::Label })
}

/// Puts the octets of a frame that may end within its tags and labels into a piece that does not.
#[cold]
fn lengthen(octets: &[u8], room: &mut [u8; MAX_TOP_OCTETS]) {
    room[..octets.len()].copy_from_slice(octets);
}

#[inline(always)]
fn word(begin: &[u8; MAX_TOP_OCTETS], at: usize) -> u32 {
    u32::from_be_bytes([begin[at], begin[at + 1], begin[at + 2], begin[at + 3]])
}

/// What a frame is to know of its payload; all 0 but the kind, where it is not a good IP packet.
struct Packet {
    kind: Kind,
    ttl: u8,
    traffic_class: u8,
    destination: u128,
    flow: u64,
}

impl Packet {
    #[inline(always)]
    fn other(kind: Kind) -> Packet {
        Packet { kind, ttl: 0, traffic_class: 0, destination: 0, flow: 0 }
    }

    #[inline(always)]
    fn v4(header: Option<ipv4::Header>, payload: &[u8], payload_octets: usize) -> Packet {
        let Some(header) = header else { return Packet::other(Kind::Ipv4Header) };
        match header.check(payload, payload_octets) {
            Ok(()) => Packet {
                kind: Kind::Ipv4,
                ttl: header.ttl(),
                traffic_class: header.tos(),
                destination: header.destination().into(),
                flow: flow::of_v4(header, payload),
            },
            Err(ipv4::Malformed::Header) => Packet::other(Kind::Ipv4Header),
            Err(ipv4::Malformed::Checksum) => Packet::other(Kind::Ipv4Checksum),
        }
    }

    #[inline(always)]
    fn v6(payload: &[u8], payload_octets: usize) -> Packet {
        if !ipv6::check(payload, payload_octets) {
            return Packet::other(Kind::Ipv6Header);
        }
        Packet {
            kind: Kind::Ipv6,
            ttl: payload[ipv6::HOP_LIMIT],
            traffic_class: ipv6::traffic_class(payload),
            destination: ipv6::destination(payload).unwrap_or(0),
            flow: flow::of_v6(payload),
        }
    }

    /// Beneath labels nothing says what the payload is: a first nibble with a header that holds is a hint, which the
    /// label that is popped last confirms or refuses.
    #[inline(always)]
    fn beneath_labels(payload: &[u8], payload_octets: usize) -> Packet {
        let header = ipv4::Header::read(payload);
        let packet = match header.map(|header| header.version()) {
            Some(4) => Packet::v4(header, payload, payload_octets),
            Some(6) => Packet::v6(payload, payload_octets),
            _ => Packet::other(Kind::Opaque),
        };
        match packet.kind {
            Kind::Ipv4 | Kind::Ipv6 => packet,
            _ => Packet::other(Kind::Opaque),
        }
    }
}
