//! Typed fields to octets, once, where a frame leaves.

use super::meta::Kind;
use super::{Frame, MAX_INLINE_TAGS, Templates, copy};
use crate::wire::ethernet::{self, FCS_OCTETS};
use crate::wire::{ipv4, ipv6};

/// Room for addresses, tags, length/type field and labels: 34 octets at the most, in whole pieces of 16.
const TOP_ROOM: usize = 48;

impl Frame {
    /// Appends the frame's octets, without FCS, to `out`: as many as its length says, zero padding included.
    #[inline]
    pub fn emit(&self, templates: &Templates, out: &mut Vec<u8>) {
        let (body, meta) = (self.octets(templates), self.header.meta);
        let begin = out.len();
        let end = begin + usize::from(meta.len().saturating_sub(FCS_OCTETS));
        if meta.kind() != Kind::Runt {
            let macs = templates.macs(meta.mac()).unwrap_or(&body.macs);
            out.extend_from_slice(&[0; TOP_ROOM]);
            let octets = out.last_chunk_mut().map_or(0, |top| self.write_top(macs, body.ethertype, top));
            out.truncate(begin + octets);
        }
        let payload = out.len();
        copy::append(out, &body.payload);
        match meta.kind() {
            Kind::Ipv4 => ipv4::patch(&mut out[payload..], meta.ttl(), meta.traffic_class()),
            Kind::Ipv6 => ipv6::patch(&mut out[payload..], meta.ttl(), meta.traffic_class()),
            _ => {}
        }
        if out.len() != end {
            out.resize(end, 0);
        }
    }

    /// Addresses, tags, length/type and labels into `top`; how many octets they take. All places of tags and labels are
    /// written, whether there are any or not: what comes next is written over those that are not there.
    #[inline(always)]
    fn write_top(&self, macs: &[u8; 12], ethertype: u16, top: &mut [u8; TOP_ROOM]) -> usize {
        let meta = self.header.meta;
        let mut put = |at: usize, word: u32| top[at..at + 4].copy_from_slice(&word.to_be_bytes());
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
        top[at..at + 2].copy_from_slice(&ethertype.to_be_bytes());
        top[..12].copy_from_slice(macs);
        at + 2 + usize::from(meta.labels()) * 4
    }
}

const _: () = assert!(ethernet::MPLS_UPSTREAM == ethernet::MPLS + 1);
