//! Which flow a frame belongs to: a 64-bit hash over the 5-tuple, or over what a frame without one has.

use crate::rng::mix64;
use crate::wire::mpls::{FIRST_ORDINARY, Lse};
use crate::wire::{be32, ipv4, ipv6};

/// The flow of a checked IPv4 packet: source, destination, protocol and ports (RFC 6438's 5-tuple); no ports for
/// fragments, so that all fragments of a datagram share a flow.
#[inline(always)]
pub(super) fn of_v4(header: ipv4::Header, packet: &[u8]) -> u64 {
    let protocol = header.protocol();
    let ports = if header.is_fragment() { 0 } else { ports(protocol, packet, header.octets()) };
    combine(header.addresses(), u64::from(ports) << 8 | u64::from(protocol))
}

/// The flow of a checked IPv6 packet, by the same five fields.
#[inline(always)]
pub(super) fn of_v6(packet: &[u8]) -> u64 {
    let Some(header) = packet.first_chunk::<{ ipv6::HEADER_OCTETS }>() else { return 0 };
    let protocol = header[ipv6::NEXT_HEADER];
    let ports = ports(protocol, packet, ipv6::HEADER_OCTETS);
    let seed = u64::from(ports) << 8 | u64::from(protocol);
    [8, 16, 24, 32].into_iter().fold(seed, |hash, at| combine(hash, be64(header, at)))
}

/// The flow of what lies beneath these label stack entries and is not IP. Special-purpose labels are not hash keys
/// (RFC 6790 §4.3, RFC 7325 §2.4.5.1).
#[cold]
pub(super) fn of_labels(entries: &[u32]) -> u64 {
    let labels = entries.iter().map(|&lse| Lse(lse).label());
    labels.filter(|&label| label >= FIRST_ORDINARY).fold(0x8847, |hash, label| combine(hash, u64::from(label)))
}

/// The flow of what has neither labels nor IP.
#[cold]
pub(super) fn of_addresses(macs: &[u8; 12], ethertype: u16) -> u64 {
    let last = u64::from_be_bytes([macs[8], macs[9], macs[10], macs[11], 0, 0, 0, 0]);
    combine(combine(u64::from(ethertype), be64(macs, 0)), last)
}

/// The half of a flow that goes with the frame.
#[inline(always)]
pub(super) fn fold(flow: u64) -> u32 {
    (flow ^ flow >> 32) as u32
}

/// Both ports in one number for the protocols that have them: TCP, UDP, UDP-Lite, DCCP, SCTP.
#[inline(always)]
fn ports(protocol: u8, packet: &[u8], at: usize) -> u32 {
    if !matches!(protocol, 6 | 17 | 33 | 132 | 136) {
        return 0;
    }
    be32(packet, at).unwrap_or(0)
}

#[inline(always)]
fn combine(hash: u64, word: u64) -> u64 {
    mix64(hash.rotate_left(29) ^ word)
}

/// The big-endian 64-bit number at `at` of a header that reaches that far.
#[inline(always)]
fn be64<const N: usize>(header: &[u8; N], at: usize) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|n| header[at + n]))
}
