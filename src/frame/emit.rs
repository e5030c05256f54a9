//! Typed fields to octets, once, where a frame leaves.

use super::meta::Kind;
use super::{Frame, MAX_INLINE_LABELS, MAX_INLINE_TAGS, Octets, Templates, copy};
use crate::id::MacId;
use crate::wire::ethernet::{self, FCS_OCTETS, HEADER_OCTETS};
use crate::wire::{ipv4, ipv6};

/// Octets of addresses, tags, length/type field and labels at the most.
const MAX_TOP_OCTETS: usize = HEADER_OCTETS + (MAX_INLINE_TAGS + MAX_INLINE_LABELS) * 4;
/// Room for them, in whole pieces of 16.
const ROOM: usize = MAX_TOP_OCTETS.next_multiple_of(16);

impl Frame {
    /// Appends the frame's octets, without FCS, to `out`: as many as its length says, zero padding included.
    #[inline]
    pub fn emit(&self, templates: &Templates, out: &mut Vec<u8>) {
        let (body, meta) = (self.octets(templates), self.header.meta);
        let begin = out.len();
        let end = begin + usize::from(meta.len().saturating_sub(FCS_OCTETS));
        let at = if meta.is(Kind::Runt) {
            out.extend_from_slice(body.payload());
            begin
        } else {
            let macs = if meta.mac() == MacId(0) { None } else { templates.macs(meta.mac()) };
            self.write(macs.unwrap_or(&body.macs), body, out)
        };
        // What is as it came is asked of the body: the octets just written could not be read before they are stored.
        let (ttl, traffic_class) = (meta.ttl(), meta.traffic_class());
        if meta.is(Kind::Ipv4) && !ipv4::is_as(body.payload(), ttl, traffic_class) {
            ipv4::patch(&mut out[at..], ttl, traffic_class);
        } else if meta.is(Kind::Ipv6) && !ipv6::is_as(body.payload(), ttl, traffic_class) {
            ipv6::patch(&mut out[at..], ttl, traffic_class);
        }
        if out.len() != end {
            out.resize(end, 0);
        }
    }

    /// Appends addresses, tags, length/type, labels and payload; where the payload begins.
    #[inline(always)]
    fn write(&self, macs: &[u8; 12], body: &Octets, out: &mut Vec<u8>) -> usize {
        let begin = out.len();
        out.extend_from_slice(&[0; ROOM]);
        let Some(room) = out.last_chunk_mut::<ROOM>() else { return begin };
        let at = self.write_top(macs, body.ethertype, room);
        out.truncate(begin + at);
        copy::append(out, body.payload());
        begin + at
    }

    /// Addresses, tags, length/type and labels into `room`; how many octets they take. All places of tags and labels are
    /// written, whether there are any or not: what comes next is written over those that are not there.
    #[inline(always)]
    fn write_top(&self, macs: &[u8; 12], ethertype: u16, room: &mut [u8; ROOM]) -> usize {
        let meta = self.header.meta;
        let mut put = |at: usize, word: u32| room[at..at + 4].copy_from_slice(&word.to_be_bytes());
        let [outer, inner] = self.header.tag;
        put(12, outer);
        put(16, inner);
        let at = 12 + usize::from(meta.tags()).min(MAX_INLINE_TAGS) * 4;
        let ethertype = match meta.kind() {
            _ if meta.labels() > 0 => ethernet::MPLS + u16::from(meta.upstream_labels()),
            Kind::Ipv4 => ethernet::IPV4,
            Kind::Ipv6 => ethernet::IPV6,
            _ => ethertype,
        };
        let [first, second, third] = self.header.lse;
        put(at + 2, first);
        put(at + 6, second);
        put(at + 10, third);
        room[at..at + 2].copy_from_slice(&ethertype.to_be_bytes());
        room[..12].copy_from_slice(macs);
        at + 2 + usize::from(meta.labels()) * 4
    }
}

const _: () = assert!(ethernet::MPLS_UPSTREAM == ethernet::MPLS + 1);
