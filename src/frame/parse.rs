//! Octets to typed fields, once, where a frame enters.

use super::body::Octets;
use super::flow::flow_of;
use super::meta::Kind;
use super::{Frame, Header, MAX_INLINE_LABELS, MAX_INLINE_TAGS, Meta};
use crate::wire::ethernet::{self, FCS_OCTETS, HEADER_OCTETS, MAX_FRAME_OCTETS};
use crate::wire::mpls::Lse;
use crate::wire::{be16, be32, ipv4, ipv6, vlan};

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
    pub fn parse(octets: &[u8], wire_octets: u32, spare: Option<Box<Octets>>) -> Option<Parsed> {
        let wire_octets = wire_octets.max(octets.len() as u32);
        if wire_octets > u32::from(MAX_FRAME_OCTETS - FCS_OCTETS) {
            return None;
        }
        let mut body = spare.unwrap_or_default();
        let mut header = Header::default();
        parse_into(&mut header, &mut body, octets, wire_octets as usize);
        let flow = flow_of(&header, &body);
        header.hash = (flow ^ flow >> 32) as u32;
        Some(Parsed { frame: Frame { body: Some(body), header, ..Frame::default() }, flow })
    }
}

/// Fills `header` (all but the hash, the class and the MAC id) and `body` from a whole frame.
pub(super) fn parse_into(header: &mut Header, body: &mut Octets, octets: &[u8], wire_octets: usize) {
    let meta = Meta::default().with_len(wire_octets as u16 + FCS_OCTETS);
    body.payload.clear();
    let Some(addresses) = octets.first_chunk::<12>().filter(|_| octets.len() >= HEADER_OCTETS) else {
        body.payload.extend_from_slice(octets);
        (body.macs, body.ethertype, body.destination) = ([0; 12], 0, 0);
        header.meta = meta.with_kind(Kind::Runt);
        return;
    };
    body.macs = *addresses;
    let (tags, after_tags) = take_tags(header, octets);
    let ethertype = be16(octets, after_tags).unwrap_or(0);
    let start = after_tags + 2;
    let is_mpls = matches!(ethertype, ethernet::MPLS | ethernet::MPLS_UPSTREAM);
    let (labels, after_labels) = if is_mpls { take_labels(header, octets, start) } else { (0, start) };
    let payload = octets.get(after_labels..).unwrap_or(&[]);
    let payload_octets = wire_octets - after_labels;
    let kind = if labels > 0 {
        kind_beneath_labels(header.lse[labels - 1], payload, payload_octets)
    } else {
        kind_of(ethertype, payload, payload_octets)
    };
    let (ttl, traffic_class, destination) = match kind {
        Kind::Ipv4 => (payload[ipv4::TTL], payload[ipv4::TOS], ipv4::destination(payload).map(u128::from)),
        Kind::Ipv6 => (payload[ipv6::HOP_LIMIT], ipv6::traffic_class(payload), ipv6::destination(payload)),
        _ => (0, 0, None),
    };
    body.destination = destination.unwrap_or(0);
    body.ethertype = if labels > 0 { 0 } else { ethertype };
    body.payload.extend_from_slice(payload);
    header.meta = meta
        .with_tags(tags as u8)
        .with_labels(labels as u8)
        .with_upstream_labels(labels > 0 && ethertype == ethernet::MPLS_UPSTREAM)
        .with_kind(kind)
        .with_ttl(ttl)
        .with_traffic_class(traffic_class);
}

/// Reads whole tags (TPID, TCI and a length/type field after them): how many, and where the length/type field is.
#[inline(always)]
fn take_tags(header: &mut Header, octets: &[u8]) -> (usize, usize) {
    let (mut tags, mut at) = (0, HEADER_OCTETS - 2);
    while tags < MAX_INLINE_TAGS && octets.len() >= at + 6 {
        let Some(word) = be32(octets, at).filter(|word| vlan::tpid_index((word >> 16) as u16).is_some()) else { break };
        header.tag[tags] = word;
        tags += 1;
        at += 4;
    }
    (tags, at)
}

/// Reads whole label stack entries up to the bottom: how many, and where what follows them begins.
#[inline(always)]
fn take_labels(header: &mut Header, octets: &[u8], start: usize) -> (usize, usize) {
    let (mut labels, mut at) = (0, start);
    while labels < MAX_INLINE_LABELS {
        let Some(word) = be32(octets, at) else { break };
        header.lse[labels] = word;
        labels += 1;
        at += 4;
        if Lse(word).is_bottom() {
            break;
        }
    }
    (labels, at)
}

/// Beneath labels nothing says what the payload is: a first nibble with a header that holds is a hint, which the
/// label that is popped last confirms or refuses.
fn kind_beneath_labels(last: u32, payload: &[u8], payload_octets: usize) -> Kind {
    if !Lse(last).is_bottom() {
        return Kind::Label;
    }
    match payload.first().map(|octet| octet >> 4) {
        Some(4) if ipv4::check(payload, payload_octets).is_ok() => Kind::Ipv4,
        Some(6) if ipv6::check(payload, payload_octets) => Kind::Ipv6,
        _ => Kind::Opaque,
    }
}

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
