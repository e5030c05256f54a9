//! Typed fields to octets, once, where a frame leaves.

use super::meta::Kind;
use super::{Frame, Templates};
use crate::wire::ethernet::{self, FCS_OCTETS};
use crate::wire::{ipv4, ipv6};

impl Frame {
    /// Appends the frame's octets, without FCS, to `out`: as many as its length says, zero padding included.
    pub fn emit(&self, templates: &Templates, out: &mut Vec<u8>) {
        let (body, meta) = (self.octets(templates), self.header.meta);
        let begin = out.len();
        let end = begin + usize::from(meta.len().saturating_sub(FCS_OCTETS));
        if meta.kind() != Kind::Runt {
            let mut head = [0; 12 + 8 + 2 + 12];
            let octets = self.write_header(templates.macs(meta.mac()).unwrap_or(&body.macs), body.ethertype, &mut head);
            out.extend_from_slice(&head[..octets]);
        }
        let payload = out.len();
        out.extend_from_slice(&body.payload);
        match meta.kind() {
            Kind::Ipv4 => ipv4::patch(&mut out[payload..], meta.ttl(), meta.traffic_class()),
            Kind::Ipv6 => ipv6::patch(&mut out[payload..], meta.ttl(), meta.traffic_class()),
            _ => {}
        }
        out.resize(end, 0);
    }

    /// Addresses, tags, length/type and labels into `head`; how many octets they take.
    #[inline(always)]
    fn write_header(&self, macs: &[u8; 12], ethertype: u16, head: &mut [u8; 34]) -> usize {
        let meta = self.header.meta;
        head[..12].copy_from_slice(macs);
        let mut at = 12;
        for tag in self.tags() {
            head[at..at + 4].copy_from_slice(&tag.0.to_be_bytes());
            at += 4;
        }
        let ethertype = match meta.kind() {
            _ if meta.labels() > 0 && meta.upstream_labels() => ethernet::MPLS_UPSTREAM,
            _ if meta.labels() > 0 => ethernet::MPLS,
            Kind::Ipv4 => ethernet::IPV4,
            Kind::Ipv6 => ethernet::IPV6,
            _ => ethertype,
        };
        head[at..at + 2].copy_from_slice(&ethertype.to_be_bytes());
        at += 2;
        for lse in self.labels() {
            head[at..at + 4].copy_from_slice(&lse.0.to_be_bytes());
            at += 4;
        }
        at
    }
}
