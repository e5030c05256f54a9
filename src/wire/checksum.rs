//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

use std::net::IpAddr;

/// The one's complement sum of `octets`, not yet complemented, added to `sum`; an odd last octet counts as the upper half.
pub fn sum(octets: &[u8], sum: u32) -> u32 {
    let mut wide = u64::from(sum);
    let mut words = octets.chunks_exact(4);
    for word in &mut words {
        wide += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    }
    let mut last = [0; 4];
    let rest = words.remainder();
    last[..rest.len()].copy_from_slice(rest);
    wide += u64::from(u32::from_be_bytes(last));
    let folded = (wide >> 32) + (wide & 0xffff_ffff);
    let folded = (folded >> 16) + (folded & 0xffff);
    fold(folded as u32)
}

/// `sum` folded to 16 bits.
const fn fold(sum: u32) -> u32 {
    let sum = (sum >> 16) + (sum & 0xffff);
    (sum >> 16) + (sum & 0xffff)
}

/// The checksum over `octets` with `seed` (a pseudo-header's sum, or 0).
pub fn checksum(octets: &[u8], seed: u32) -> u16 {
    !(fold(sum(octets, seed)) as u16)
}

/// The sum of the pseudo-header of `octets` of `protocol` between two addresses, of IPv4 (RFC 9293 §3.1) or of IPv6
/// (RFC 8200 §8.1).
pub fn pseudo(source: IpAddr, destination: IpAddr, protocol: u8, octets: u32) -> u32 {
    let of = |address: IpAddr, seed| match address {
        IpAddr::V4(v4) => sum(&v4.octets(), seed),
        IpAddr::V6(v6) => sum(&v6.octets(), seed),
    };
    of(source, of(destination, u32::from(protocol) + octets))
}

/// The checksum after one 16-bit word that it covers went from `old` to `new` (RFC 1624 equation 3).
#[inline(always)]
pub const fn updated(checksum: u16, old: u16, new: u16) -> u16 {
    !(fold(!checksum as u32 + !old as u32 + new as u32) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The sum as RFC 1071 writes it: one 16-bit word at a time.
    fn plain(octets: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in octets.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum >> 16) + (sum & 0xffff);
        }
        !(sum as u16)
    }

    proptest! {
        #[test]
        fn equals_the_plain_sum(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(checksum(&octets, 0), plain(&octets));
        }

        #[test]
        fn incremental_equals_full(mut octets in proptest::collection::vec(any::<u8>(), 20), at in 0usize..9, new: u16) {
            // A checksum of a header that is not all zero: RFC 1624 §4 shows where the two could differ otherwise.
            octets[18] = 0x45;
            let before = checksum(&octets, 0);
            let old = u16::from_be_bytes([octets[at * 2], octets[at * 2 + 1]]);
            octets[at * 2..at * 2 + 2].copy_from_slice(&new.to_be_bytes());
            prop_assert_eq!(updated(before, old, new), checksum(&octets, 0));
        }
    }
}
