//! The UDP header (RFC 768) with its checksum over the IPv4 or IPv6 pseudo-header (RFC 8200 §8.1).

use super::{be16, checksum, ipv4};
use std::net::IpAddr;

/// Octets of the header.
pub const HEADER_OCTETS: usize = 8;

/// Why octets are no UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The length is impossible, or longer than the octets at hand.
    Length,
    /// The checksum is wrong, or absent over IPv6.
    Checksum,
}

/// A datagram whose length and checksum are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source port; 0 if there is none to answer to.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// The datagram that `octets` begin with, from `source` to `destination`; octets after its length are not its.
    pub fn read(octets: &'a [u8], source: IpAddr, destination: IpAddr) -> Result<Self, Malformed> {
        let length = be16(octets, 4).ok_or(Malformed::Length)?;
        let datagram = octets.get(..length.into()).filter(|d| d.len() >= HEADER_OCTETS).ok_or(Malformed::Length)?;
        let (header, payload) = datagram.split_at(HEADER_OCTETS);
        let is_absent = header[6..8] == [0, 0];
        // RFC 768: zero is no checksum. RFC 8200 §8.1 does not allow it.
        let is_good = if is_absent {
            destination.is_ipv4()
        } else {
            checksum::checksum(datagram, checksum::pseudo(source, destination, ipv4::UDP, length.into())) == 0
        };
        if !is_good {
            return Err(Malformed::Checksum);
        }
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        Ok(Datagram { source: port(0), destination: port(2), payload })
    }

    /// Writes header and payload after what `out` has, from `source` to `destination`.
    ///
    /// # Panics
    /// If the payload is longer than 65527 octets.
    pub fn emit(&self, source: IpAddr, destination: IpAddr, out: &mut Vec<u8>) {
        let length = u16::try_from(HEADER_OCTETS + self.payload.len()).expect("a datagram of 65535 octets at most");
        let at = out.len();
        out.extend(self.source.to_be_bytes());
        out.extend(self.destination.to_be_bytes());
        out.extend(length.to_be_bytes());
        out.extend([0, 0]);
        out.extend(self.payload);
        // A sum of zero is sent as its other form: zero means that there is none.
        let sum = match checksum::checksum(&out[at..], checksum::pseudo(source, destination, ipv4::UDP, length.into()))
        {
            0 => 0xffff,
            sum => sum,
        };
        out[at + 6..at + 8].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    /// RFC 768: a sum of zero is sent as all ones. By hand: bb5b of the sum below, with port 0ec8 + 44a4 = 536c, is ffff.
    #[test]
    fn a_sum_of_zero_is_sent_as_all_ones() {
        let datagram = Datagram { source: 49152, destination: 0x536c, payload: b"hi" };
        let mut out = Vec::new();
        datagram.emit(A, B, &mut out);
        assert_eq!(out[6..8], [0xff, 0xff]);
        assert_eq!(Datagram::read(&out, A, B), Ok(datagram));
    }

    #[test]
    fn literal_octets_are_read_and_written() {
        // Sum by hand: c000+0201+c000+0202+0011+000a + c000+0ec8+000a+6869 = 2bb59, folded bb5b, complemented 44a4.
        let octets = [0xc0, 0x00, 0x0e, 0xc8, 0x00, 0x0a, 0x44, 0xa4, b'h', b'i'];
        let datagram = Datagram { source: 49152, destination: 3784, payload: b"hi" };
        assert_eq!(Datagram::read(&octets, A, B), Ok(datagram));
        let mut out = Vec::new();
        datagram.emit(A, B, &mut out);
        assert_eq!(out, octets);
    }

    #[test]
    fn each_fault_has_its_name() {
        let mut good = Vec::new();
        Datagram { source: 1, destination: 2, payload: &[5; 9] }.emit(A, B, &mut good);
        for cut in 0..good.len() {
            assert_eq!(Datagram::read(&good[..cut], A, B), Err(Malformed::Length), "{cut}");
        }
        let mut short = good.clone();
        short[5] = 7;
        assert_eq!(Datagram::read(&short, A, B), Err(Malformed::Length));
        for at in [0, 3, 7, 8, 16] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(Datagram::read(&bad, A, B), Err(Malformed::Checksum), "octet {at}");
        }
        good[6..8].fill(0);
        assert!(Datagram::read(&good, A, B).is_ok(), "no checksum over IPv4");
        let (a, b) = ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap());
        assert_eq!(Datagram::read(&good, a, b), Err(Malformed::Checksum), "none over IPv6");
    }

    proptest! {
        #[test]
        fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Datagram::read(&octets, A, B);
        }
    }
}
