//! Ethernet: MAC addresses, ethertypes, sizes (IEEE 802.3 clause 3).

use std::fmt;
use std::str::FromStr;

/// Octets of the two addresses and the length/type field.
pub const HEADER_OCTETS: usize = 14;
/// Octets of the frame check sequence, which capture files leave out and every length here counts.
pub const FCS_OCTETS: u16 = 4;
/// The longest frame that enters the emulator, FCS included.
pub const MAX_FRAME_OCTETS: u16 = 16_384;

/// IPv4.
pub const IPV4: u16 = 0x0800;
/// ARP (RFC 826).
pub const ARP: u16 = 0x0806;
/// IPv6.
pub const IPV6: u16 = 0x86dd;
/// MPLS, downstream-assigned labels (RFC 5332; once "unicast").
pub const MPLS: u16 = 0x8847;
/// MPLS, upstream-assigned labels (RFC 5332; once "multicast").
pub const MPLS_UPSTREAM: u16 = 0x8848;
/// Length/type values below this are lengths: an LLC frame (IEEE 802.3 §3.2.6).
pub const FIRST_ETHERTYPE: u16 = 0x0600;

/// A MAC address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// A locally administered unicast address that names port `port` of node `node`.
    pub const fn local(node: u16, port: u16) -> Mac {
        let (n, p) = (node.to_be_bytes(), port.to_be_bytes());
        Mac([0x02, 0xb1, n[0], n[1], p[0], p[1]])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A text that is not six hexadecimal octets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a MAC address: write six octets, such as 02:00:00:00:00:01")]
pub struct MacError(String);

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let mut mac = [0; 6];
        let mut parts = text.split([':', '-']);
        for octet in &mut mac {
            let part = parts.next().filter(|p| p.len() == 2).ok_or_else(|| MacError(text.into()))?;
            *octet = u8::from_str_radix(part, 16).map_err(|_| MacError(text.into()))?;
        }
        if parts.next().is_some() { Err(MacError(text.into())) } else { Ok(Mac(mac)) }
    }
}

/// Whether a bridge keeps frames to this destination to itself: 01-80-C2-00-00-00 to 0F
/// (IEEE 802.1Q §8.6.3).
pub fn is_reserved_bridge_address(destination: &[u8]) -> bool {
    destination.len() >= 6 && destination[..5] == [0x01, 0x80, 0xc2, 0x00, 0x00] && destination[5] < 0x10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_as_written() {
        let mac: Mac = "02:B1:00:03-00-01".parse().unwrap();
        assert_eq!(mac, Mac::local(3, 1));
        assert_eq!(mac.to_string(), "02:b1:00:03:00:01");
        for bad in ["", "02:b1:00:03:00", "02:b1:00:03:00:01:02", "2:b1:00:03:00:01", "zz:b1:00:03:00:01"] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sixteen_addresses_stay_on_the_bridge() {
        assert!(is_reserved_bridge_address(&[0x01, 0x80, 0xc2, 0, 0, 0x0f, 9]));
        assert!(!is_reserved_bridge_address(&[0x01, 0x80, 0xc2, 0, 0, 0x10]));
        assert!(!is_reserved_bridge_address(&[0x01, 0x80, 0xc2, 0, 0]));
    }
}
