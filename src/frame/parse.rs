//! Octets to typed fields, once, where a frame enters.

use super::body::Octets;
use super::meta::Kind;
use super::{Frame, Header, MAX_INLINE_LABELS, MAX_INLINE_TAGS, Meta, copy, flow};
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
    let top = Top::read(octets);
    let (payload, payload_octets) = (octets.get(top.octets..).unwrap_or(&[]), wire_octets - top.octets);
    let kind = match top.labels {
        _ if top.octets == 0 => Kind::Runt,
        0 => kind_of(top.ethertype, payload, payload_octets),
        _ => kind_beneath_labels(top.is_bottom, payload, payload_octets),
    };
    let (ttl, traffic_class, destination) = match kind {
        Kind::Ipv4 => (payload[ipv4::TTL], payload[ipv4::TOS], ipv4::destination(payload).map(u128::from)),
        Kind::Ipv6 => (payload[ipv6::HOP_LIMIT], ipv6::traffic_class(payload), ipv6::destination(payload)),
        _ => (0, 0, None),
    };
    body.macs = top.macs;
    body.destination = destination.unwrap_or(0);
    body.ethertype = if top.labels > 0 { 0 } else { top.ethertype };
    body.payload.clear();
    copy::append(&mut body.payload, payload);
    let meta = Meta::default()
        .with_len(wire_octets as u16 + FCS_OCTETS)
        .with_tags(top.tags)
        .with_labels(top.labels)
        .with_upstream_labels(top.labels > 0 && top.ethertype == ethernet::MPLS_UPSTREAM)
        .with_kind(kind)
        .with_ttl(ttl)
        .with_traffic_class(traffic_class);
    let flow = match kind {
        Kind::Ipv4 => flow::of_v4(payload),
        Kind::Ipv6 => flow::of_v6(payload),
        _ if top.labels > 0 => flow::of_labels(&top.lse[..usize::from(top.labels)]),
        _ => flow::of_addresses(&top.macs, top.ethertype),
    };
    (Header { hash: flow::fold(flow), tag: top.tag, lse: top.lse, meta }, flow)
}

/// What comes before the payload.
#[derive(Default)]
struct Top {
    macs: [u8; 12],
    tag: [u32; MAX_INLINE_TAGS],
    tags: u8,
    ethertype: u16,
    lse: [u32; MAX_INLINE_LABELS],
    labels: u8,
    /// Whether the last of the labels is the bottom of the stack.
    is_bottom: bool,
    /// Octets of it all; 0 of a runt.
    octets: usize,
}

/// Octets of addresses, inline tags, length/type field and inline labels at the most.
const MAX_TOP_OCTETS: usize = HEADER_OCTETS + (MAX_INLINE_TAGS + MAX_INLINE_LABELS) * 4;

impl Top {
    #[inline(always)]
    fn read(octets: &[u8]) -> Top {
        // In a piece whose length is known, nothing is checked octet by octet: what is shorter is lengthened first.
        let mut room = [0; MAX_TOP_OCTETS];
        let begin = match octets.first_chunk() {
            Some(begin) => begin,
            None => {
                lengthen(octets, &mut room);
                &room
            }
        };
        let mut top = Top::default();
        if octets.len() < HEADER_OCTETS {
            return top;
        }
        top.macs.copy_from_slice(&begin[..12]);
        let mut at = top.take_tags(begin, octets.len());
        top.ethertype = u16::from_be_bytes([begin[at], begin[at + 1]]);
        at += 2;
        if matches!(top.ethertype, ethernet::MPLS | ethernet::MPLS_UPSTREAM) {
            at = top.take_labels(begin, octets.len(), at);
        }
        top.octets = at;
        top
    }

    /// Reads whole tags (TPID, TCI and a length/type field after them); where the length/type field is.
    #[inline(always)]
    fn take_tags(&mut self, begin: &[u8; MAX_TOP_OCTETS], length: usize) -> usize {
        let is_tag = |word: u32, at: usize| length >= at + 6 && vlan::tpid_index((word >> 16) as u16).is_some();
        let (outer, inner) = (word(begin, 12), word(begin, 16));
        if !is_tag(outer, 12) {
            return 12;
        }
        (self.tag[0], self.tags) = (outer, 1);
        if !is_tag(inner, 16) {
            return 16;
        }
        (self.tag[1], self.tags) = (inner, 2);
        20
    }

    /// Reads whole label stack entries up to the bottom; where what follows them begins.
    #[inline(always)]
    fn take_labels(&mut self, begin: &[u8; MAX_TOP_OCTETS], length: usize, mut at: usize) -> usize {
        for place in 0..MAX_INLINE_LABELS {
            if length < at + 4 {
                break;
            }
            let lse = word(begin, at);
            self.lse[place] = lse;
            self.labels = place as u8 + 1;
            at += 4;
            self.is_bottom = Lse(lse).is_bottom();
            if self.is_bottom {
                break;
            }
        }
        at
    }
}

/// Puts the octets of a frame that ends within its tags and labels into a piece that does not.
#[cold]
fn lengthen(octets: &[u8], room: &mut [u8; MAX_TOP_OCTETS]) {
    room[..octets.len()].copy_from_slice(octets);
}

#[inline(always)]
fn word(begin: &[u8; MAX_TOP_OCTETS], at: usize) -> u32 {
    u32::from_be_bytes([begin[at], begin[at + 1], begin[at + 2], begin[at + 3]])
}

/// Beneath labels nothing says what the payload is: a first nibble with a header that holds is a hint, which the
/// label that is popped last confirms or refuses.
#[inline(always)]
fn kind_beneath_labels(is_bottom: bool, payload: &[u8], payload_octets: usize) -> Kind {
    if !is_bottom {
        return Kind::Label;
    }
    match payload.first().map(|octet| octet >> 4) {
        Some(4) if ipv4::check(payload, payload_octets).is_ok() => Kind::Ipv4,
        Some(6) if ipv6::check(payload, payload_octets) => Kind::Ipv6,
        _ => Kind::Opaque,
    }
}

#[inline(always)]
fn kind_of(ethertype: u16, payload: &[u8], payload_octets: usize) -> Kind {
    match ethertype {
        ethernet::IPV4 => match ipv4::check(payload, payload_octets) {
            Ok(()) => Kind::Ipv4,
            Err(ipv4::Malformed::Header) => Kind::Ipv4Header,
            Err(ipv4::Malformed::Checksum) => Kind::Ipv4Checksum,
        },
        ethernet::IPV6 if ipv6::check(payload, payload_octets) => Kind::Ipv6,
        ethernet::IPV6 => Kind::Ipv6Header,
        tpid if vlan::tpid_index(tpid).is_some() => Kind::Tag,
        _ => Kind::Opaque,
    }
}
