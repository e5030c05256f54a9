//! Which flow a frame belongs to: a 64-bit hash over the 5-tuple, or over what a frame without one has.

use super::Header;
use super::body::Octets;
use super::meta::Kind;
use crate::rng::mix64;
use crate::wire::mpls::{FIRST_ORDINARY, Lse};
use crate::wire::{be16, ipv4, ipv6};

/// The flow of a frame with `header` and `body`: source, destination, protocol and ports (RFC 6438's 5-tuple); no
/// ports for fragments, so that all fragments of a datagram share a flow; else labels, or addresses and ethertype.
pub(super) fn flow_of(header: &Header, body: &Octets) -> u64 {
    let octets = body.payload.as_slice();
    match header.meta.kind() {
        Kind::Ipv4 => flow_v4(octets),
        Kind::Ipv6 => flow_v6(octets),
        _ if header.meta.labels() > 0 => flow_of_labels(header),
        _ => {
            let [a, b] = words(body.macs.first_chunk().unwrap_or(&[0; 8]), &body.macs[8..]);
            combine(combine(u64::from(body.ethertype), a), b)
        }
    }
}

fn flow_v4(octets: &[u8]) -> u64 {
    let Some(header) = octets.first_chunk::<{ ipv4::HEADER_OCTETS }>() else { return 0 };
    let [addresses, _] = words(header[12..].first_chunk().unwrap_or(&[0; 8]), &[]);
    let protocol = header[ipv4::PROTOCOL];
    let ports = if ipv4::is_fragment(octets) { 0 } else { ports(protocol, octets, ipv4::header_octets(octets)) };
    combine(addresses, u64::from(ports) << 8 | u64::from(protocol))
}

fn flow_v6(octets: &[u8]) -> u64 {
    let Some(addresses) = octets.get(ipv6::SOURCE..).and_then(|o| o.first_chunk::<32>()) else { return 0 };
    let protocol = octets[ipv6::NEXT_HEADER];
    let ports = ports(protocol, octets, ipv6::HEADER_OCTETS);
    let seed = u64::from(ports) << 8 | u64::from(protocol);
    addresses
        .chunks_exact(8)
        .fold(seed, |hash, chunk| combine(hash, words(chunk.first_chunk().unwrap_or(&[0; 8]), &[])[0]))
}

/// Both ports in one number for the protocols that have them: TCP, UDP, UDP-Lite, DCCP, SCTP.
fn ports(protocol: u8, octets: &[u8], at: usize) -> u32 {
    if !matches!(protocol, 6 | 17 | 33 | 132 | 136) {
        return 0;
    }
    match (be16(octets, at), be16(octets, at + 2)) {
        (Some(source), Some(destination)) => u32::from(source) << 16 | u32::from(destination),
        _ => 0,
    }
}

/// Special-purpose labels are not hash keys (RFC 6790 §4.3, RFC 7325 §2.4.5.1).
fn flow_of_labels(header: &Header) -> u64 {
    let labels = header.lse[..usize::from(header.meta.labels())].iter().map(|&lse| Lse(lse).label());
    labels.filter(|&label| label >= FIRST_ORDINARY).fold(0x8847, |hash, label| combine(hash, u64::from(label)))
}

fn combine(hash: u64, word: u64) -> u64 {
    mix64(hash.rotate_left(29) ^ word)
}

fn words(first: &[u8; 8], rest: &[u8]) -> [u64; 2] {
    let mut last = [0; 8];
    last[..rest.len().min(8)].copy_from_slice(&rest[..rest.len().min(8)]);
    [u64::from_be_bytes(*first), u64::from_be_bytes(last)]
}
