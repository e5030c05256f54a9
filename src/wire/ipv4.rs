//! The IPv4 header (RFC 791 §3.1): what a router checks before it forwards (RFC 1812 §5.2.2), and its fields.

use super::{be16, be32, checksum};

/// Octets of a header without options.
pub const HEADER_OCTETS: usize = 20;
/// Offset of the type-of-service octet: DSCP (6 bits), ECN (2) (RFC 2474).
pub const TOS: usize = 1;
/// Offset of the total length.
pub const TOTAL_LENGTH: usize = 2;
/// Offset of the flags and the fragment offset.
pub const FRAGMENT: usize = 6;
/// Offset of the time to live; the protocol follows.
pub const TTL: usize = 8;
/// Offset of the protocol.
pub const PROTOCOL: usize = 9;
/// Offset of the header checksum.
pub const CHECKSUM: usize = 10;
/// Offset of the source address.
pub const SOURCE: usize = 12;
/// Offset of the destination address.
pub const DESTINATION: usize = 16;
/// "Don't fragment" in the fragment word.
pub const DONT_FRAGMENT: u16 = 0x4000;
/// "More fragments" in the fragment word.
pub const MORE_FRAGMENTS: u16 = 0x2000;

/// Why a router may not forward these octets as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Version, header length or total length are impossible.
    Header,
    /// The header checksum is wrong.
    Checksum,
}

/// Checks the header of a packet of which `octets` are at hand and `wire_octets` are on the wire (RFC 1812 §5.2.2).
#[inline(always)]
pub fn check(octets: &[u8], wire_octets: usize) -> Result<(), Malformed> {
    let header = octets.first_chunk::<HEADER_OCTETS>().ok_or(Malformed::Header)?;
    let header_octets = usize::from(header[0] & 0xf) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[0] >> 4 != 4 || header_octets < HEADER_OCTETS || total < header_octets || total > wire_octets {
        return Err(Malformed::Header);
    }
    let good = if header_octets == HEADER_OCTETS {
        checksum::is_good(header) // nearly all headers
    } else {
        checksum::checksum(octets.get(..header_octets).ok_or(Malformed::Header)?, 0) == 0
    };
    if good { Ok(()) } else { Err(Malformed::Checksum) }
}

/// The total length, or `None` if the header is cut.
pub fn total_length(octets: &[u8]) -> Option<u16> {
    be16(octets, TOTAL_LENGTH)
}

/// The octets of the header, by its own word.
#[inline(always)]
pub fn header_octets(octets: &[u8]) -> usize {
    usize::from(octets.first().copied().unwrap_or(0) & 0xf) * 4
}

/// The destination address.
#[inline(always)]
pub fn destination(octets: &[u8]) -> Option<u32> {
    be32(octets, DESTINATION)
}

/// Whether this is a fragment: not the whole of its datagram.
#[inline(always)]
pub fn is_fragment(octets: &[u8]) -> bool {
    be16(octets, FRAGMENT).is_some_and(|word| word & 0x3fff != 0)
}

/// Writes TTL and type of service, and corrects the checksum by what changed (RFC 1624), so that a checksum that
/// was wrong stays as wrong as it was. Octets too short for a header are left alone.
#[inline(always)]
pub fn patch(octets: &mut [u8], ttl: u8, tos: u8) {
    let Some(header) = octets.first_chunk_mut::<HEADER_OCTETS>() else { return };
    let mut sum = u16::from_be_bytes([header[CHECKSUM], header[CHECKSUM + 1]]);
    if header[TOS] != tos {
        let word = |tos: u8| u16::from_be_bytes([header[0], tos]);
        sum = checksum::updated(sum, word(header[TOS]), word(tos));
        header[TOS] = tos;
    }
    if header[TTL] != ttl {
        let word = |ttl: u8| u16::from_be_bytes([ttl, header[PROTOCOL]]);
        sum = checksum::updated(sum, word(header[TTL]), word(ttl));
        header[TTL] = ttl;
    }
    header[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
}

/// Writes the header checksum anew over the header that `octets` begin with.
pub fn fill_checksum(octets: &mut [u8]) {
    let header_octets = header_octets(octets).max(HEADER_OCTETS);
    let Some(header) = octets.get_mut(..header_octets) else { return };
    header[CHECKSUM..CHECKSUM + 2].fill(0);
    let sum = checksum::checksum(header, 0);
    header[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> [u8; 20] {
        let mut h = [0x45, 0xb8, 0, 40, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 10, 1, 1, 10, 20, 1, 1];
        fill_checksum(&mut h);
        h
    }

    #[test]
    fn a_good_header_passes_and_each_fault_has_its_name() {
        assert_eq!(check(&header(), 40), Ok(()));
        assert_eq!(check(&header(), 39), Err(Malformed::Header), "longer than the frame");
        assert_eq!(check(&header()[..19], 40), Err(Malformed::Header), "cut");
        for (at, value) in [(0, 0x55), (0, 0x43), (0, 0x46), (3, 19)] {
            let mut h = header();
            h[at] = value;
            assert_eq!(check(&h, 40), Err(Malformed::Header), "octet {at} = {value:#x}");
        }
        let mut h = header();
        h[CHECKSUM] ^= 1;
        assert_eq!(check(&h, 40), Err(Malformed::Checksum));
    }

    proptest::proptest! {
        /// The sum of five words says what the sum over the octets says.
        #[test]
        fn a_checksum_is_good_as_defined(mut h: [u8; 20], fill: bool) {
            (h[0], h[2], h[3]) = (0x45, 0, 20);
            if fill {
                fill_checksum(&mut h);
            }
            let good = checksum::checksum(&h, 0) == 0;
            proptest::prop_assert_eq!(check(&h, 20), if good { Ok(()) } else { Err(Malformed::Checksum) });
        }
    }

    #[test]
    fn patch_keeps_the_checksum_right() {
        for (ttl, tos) in [(63, 0xb8), (64, 0), (1, 2), (255, 255)] {
            let mut h = header();
            patch(&mut h, ttl, tos);
            assert_eq!((h[TTL], h[TOS]), (ttl, tos));
            assert_eq!(check(&h, 40), Ok(()), "ttl {ttl} tos {tos}");
        }
    }
}
