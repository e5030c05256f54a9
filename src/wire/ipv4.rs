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
/// The protocol number of ICMP.
pub const ICMP: u8 = 1;
/// The protocol number of TCP.
pub const TCP: u8 = 6;
/// The protocol number of UDP.
pub const UDP: u8 = 17;

/// Why a router may not forward these octets as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Version, header length or total length are impossible.
    Header,
    /// The header checksum is wrong.
    Checksum,
}

/// Checks the header of a packet of which `octets` are at hand and `wire_octets` are on the wire (RFC 1812 §5.2.2).
pub fn check(octets: &[u8], wire_octets: usize) -> Result<(), Malformed> {
    Header::read(octets).ok_or(Malformed::Header)?.check(octets, wire_octets)
}

/// The fields of a header, read as three words at once.
///
/// ```text
///  first:  version IHL | TOS | total length | identification | fragment
///  second: TTL | protocol | checksum | source
///  third:  destination
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Header {
    first: u64,
    second: u64,
    third: u32,
}

impl Header {
    /// The header that `octets` begin with, options aside; nothing of it is checked.
    #[inline(always)]
    pub fn read(octets: &[u8]) -> Option<Header> {
        let [a, b, c, d, e, f, g, h, rest @ ..] = octets.first_chunk::<HEADER_OCTETS>()?;
        let first = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        let [a, b, c, d, e, f, g, h, rest @ ..] = rest;
        let second = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        Some(Header { first, second, third: u32::from_be_bytes(*rest) })
    }

    /// Whether it can be forwarded (RFC 1812 §5.2.2); `octets` and `wire_octets` as for [`check`].
    #[inline(always)]
    pub fn check(self, octets: &[u8], wire_octets: usize) -> Result<(), Malformed> {
        let total = usize::from((self.first >> 32) as u16);
        if self.first >> 56 != 0x45 {
            return check_rare(octets, wire_octets);
        }
        if total < HEADER_OCTETS || total > wire_octets {
            return Err(Malformed::Header);
        }
        // The carry of 2^64 is 1, for 2^64 - 1 is a multiple of 65535 (RFC 1071 §2 C). The sum is not 0: the first octet is not.
        let (sum, carry) = self.first.overflowing_add(self.second);
        let (sum, again) = (sum + u64::from(carry)).overflowing_add(u64::from(self.third));
        let is_good = (sum + u64::from(again)).is_multiple_of(0xffff);
        if is_good { Ok(()) } else { Err(Malformed::Checksum) }
    }

    /// The first nibble: 4, if this is IPv4 at all.
    #[inline(always)]
    pub fn version(self) -> u8 {
        (self.first >> 60) as u8
    }

    /// Octets of the header with its options, by its own word.
    #[inline(always)]
    pub fn octets(self) -> usize {
        (self.first >> 56 & 0xf) as usize * 4
    }

    /// Type of service: DSCP and ECN.
    #[inline(always)]
    pub fn tos(self) -> u8 {
        (self.first >> 48) as u8
    }

    /// Whether this is a fragment: not the whole of its datagram.
    #[inline(always)]
    pub fn is_fragment(self) -> bool {
        self.first & 0x3fff != 0
    }

    /// Time to live.
    #[inline(always)]
    pub fn ttl(self) -> u8 {
        (self.second >> 56) as u8
    }

    /// Protocol.
    #[inline(always)]
    pub fn protocol(self) -> u8 {
        (self.second >> 48) as u8
    }

    /// Source address in the upper half, destination in the lower.
    #[inline(always)]
    pub fn addresses(self) -> u64 {
        self.second << 32 | u64::from(self.third)
    }

    /// Destination address.
    #[inline(always)]
    pub fn destination(self) -> u32 {
        self.third
    }
}

/// [`Header::check`] for headers with options, and for what is no header.
#[cold]
fn check_rare(octets: &[u8], wire_octets: usize) -> Result<(), Malformed> {
    let (header_octets, total) = (header_octets(octets), total_length(octets).map_or(0, usize::from));
    if octets[0] >> 4 != 4 || header_octets < HEADER_OCTETS || total < header_octets || total > wire_octets {
        return Err(Malformed::Header);
    }
    let header = octets.get(..header_octets).ok_or(Malformed::Header)?;
    if checksum::checksum(header, 0) == 0 { Ok(()) } else { Err(Malformed::Checksum) }
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

/// The source address.
pub fn source(octets: &[u8]) -> Option<u32> {
    be32(octets, SOURCE)
}

/// The destination address.
#[inline(always)]
pub fn destination(octets: &[u8]) -> Option<u32> {
    be32(octets, DESTINATION)
}

/// Whether TTL and type of service are these already.
#[inline(always)]
pub fn is_as(octets: &[u8], ttl: u8, tos: u8) -> bool {
    octets.first_chunk::<HEADER_OCTETS>().is_some_and(|header| (header[TTL], header[TOS]) == (ttl, tos))
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
            assert!(!is_as(&h, ttl, tos));
            patch(&mut h, ttl, tos);
            assert!(is_as(&h, ttl, tos));
            assert_eq!((h[TTL], h[TOS]), (ttl, tos));
            assert_eq!(check(&h, 40), Ok(()), "ttl {ttl} tos {tos}");
        }
    }
}
