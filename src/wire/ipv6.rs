//! The IPv6 header (RFC 8200 §3): what a router checks before it forwards, and its fields.

use super::be16;

/// Octets of the fixed header.
pub const HEADER_OCTETS: usize = 40;
/// Offset of the payload length.
pub const PAYLOAD_LENGTH: usize = 4;
/// Offset of the next header.
pub const NEXT_HEADER: usize = 6;
/// Offset of the hop limit.
pub const HOP_LIMIT: usize = 7;
/// Offset of the source address.
pub const SOURCE: usize = 8;
/// Offset of the destination address.
pub const DESTINATION: usize = 24;
/// The smallest MTU of a link that carries IPv6 (RFC 8200 §5).
pub const MIN_MTU: u16 = 1280;

/// Whether `octets`, of a packet with `wire_octets` on the wire, begin with a header that can be forwarded.
#[inline(always)]
pub fn check(octets: &[u8], wire_octets: usize) -> bool {
    octets.len() >= HEADER_OCTETS
        && octets[0] >> 4 == 6
        && be16(octets, PAYLOAD_LENGTH).is_some_and(|n| HEADER_OCTETS + usize::from(n) <= wire_octets)
}

/// Header and payload, by the header's own word.
pub fn total_length(octets: &[u8]) -> Option<u32> {
    Some(be16(octets, PAYLOAD_LENGTH)? as u32 + HEADER_OCTETS as u32)
}

/// The traffic class: DSCP (6 bits), ECN (2).
#[inline(always)]
pub fn traffic_class(octets: &[u8]) -> u8 {
    be16(octets, 0).map_or(0, |word| (word >> 4) as u8)
}

/// The source address.
pub fn source(octets: &[u8]) -> Option<u128> {
    Some(u128::from_be_bytes(*octets.get(SOURCE..)?.first_chunk()?))
}

/// The destination address.
#[inline(always)]
pub fn destination(octets: &[u8]) -> Option<u128> {
    Some(u128::from_be_bytes(*octets.get(DESTINATION..)?.first_chunk()?))
}

/// Whether hop limit and traffic class are these already.
#[inline(always)]
pub fn is_as(octets: &[u8], hop_limit: u8, class: u8) -> bool {
    octets.get(HOP_LIMIT) == Some(&hop_limit) && traffic_class(octets) == class
}

/// Writes hop limit and traffic class. Octets too short for a header are left alone.
#[inline(always)]
pub fn patch(octets: &mut [u8], hop_limit: u8, traffic_class: u8) {
    let Some(header) = octets.first_chunk_mut::<HEADER_OCTETS>() else { return };
    header[0] = header[0] & 0xf0 | traffic_class >> 4;
    header[1] = header[1] & 0x0f | traffic_class << 4;
    header[HOP_LIMIT] = hop_limit;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_written_in_place() {
        let mut h = [0u8; 48];
        h[0] = 0x6b;
        h[1] = 0x8f;
        h[5] = 8;
        h[HOP_LIMIT] = 64;
        assert!(check(&h, 48) && !check(&h, 47) && !check(&h[..39], 48));
        assert_eq!(traffic_class(&h), 0xb8);
        assert!(is_as(&h, 64, 0xb8) && !is_as(&h, 63, 0xb8) && !is_as(&h, 64, 0x03));
        patch(&mut h, 63, 0x03);
        assert!(is_as(&h, 63, 0x03));
        assert_eq!((h[0], h[1], h[HOP_LIMIT]), (0x60, 0x3f, 63), "version and flow label stay");
        h[0] = 0x40;
        assert!(!check(&h, 48));
    }
}
