//! MPLS label stack entries (RFC 3032 §2.1) and special-purpose labels (RFC 7274).

use std::fmt;

/// Octets of a label stack entry.
pub const LSE_OCTETS: u16 = 4;

/// A label that a router may assign: 16 to 1048575 (0 to 15 are special-purpose, RFC 7274).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u32);

/// IPv4 explicit null (RFC 3032 §2.1, RFC 4182).
pub const IPV4_EXPLICIT_NULL: u32 = 0;
/// Router alert (RFC 3032 §2.1).
pub const ROUTER_ALERT: u32 = 1;
/// IPv6 explicit null (RFC 3032 §2.1, RFC 4182).
pub const IPV6_EXPLICIT_NULL: u32 = 2;
/// Implicit null: signalled, never on the wire (RFC 3032 §2.1).
pub const IMPLICIT_NULL: u32 = 3;
/// Entropy label indicator (RFC 6790).
pub const ENTROPY_LABEL_INDICATOR: u32 = 7;
/// Generic associated channel label (RFC 5586).
pub const GAL: u32 = 13;
/// Extension label (RFC 7274).
pub const EXTENSION: u32 = 15;
/// The first label that is not special-purpose.
pub const FIRST_ORDINARY: u32 = 16;
/// The largest label: 20 bits.
pub const MAX_LABEL: u32 = (1 << 20) - 1;

impl Label {
    /// `label`, if it is 16 to 1048575.
    pub const fn new(label: u32) -> Option<Self> {
        if label >= FIRST_ORDINARY && label <= MAX_LABEL { Some(Label(label)) } else { None }
    }

    /// The number.
    #[inline(always)]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A label stack entry as it lies on the wire: label (20 bits), traffic class (3), bottom of stack (1), TTL (8).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Lse(pub u32);

impl Lse {
    /// The bottom-of-stack bit.
    pub const S: u32 = 0x100;

    /// An entry; upper bits that do not fit their fields are not kept.
    #[inline(always)]
    pub const fn new(label: u32, tc: u8, bottom: bool, ttl: u8) -> Self {
        Lse((label & MAX_LABEL) << 12 | (tc as u32 & 7) << 9 | (bottom as u32) << 8 | ttl as u32)
    }

    /// The label.
    #[inline(always)]
    pub const fn label(self) -> u32 {
        self.0 >> 12
    }

    /// Traffic class (RFC 5462).
    #[inline(always)]
    pub const fn tc(self) -> u8 {
        (self.0 >> 9 & 7) as u8
    }

    /// Whether this is the bottom of the stack.
    #[inline(always)]
    pub const fn is_bottom(self) -> bool {
        self.0 & Self::S != 0
    }

    /// Time to live.
    #[inline(always)]
    pub const fn ttl(self) -> u8 {
        self.0 as u8
    }

    /// The same entry with another TTL.
    #[inline(always)]
    pub const fn with_ttl(self, ttl: u8) -> Self {
        Lse(self.0 & !0xff | ttl as u32)
    }

    /// The same entry with another traffic class.
    #[inline(always)]
    pub const fn with_tc(self, tc: u8) -> Self {
        Lse(self.0 & !0xe00 | (tc as u32 & 7) << 9)
    }

    /// The same entry with the bottom-of-stack bit as given.
    #[inline(always)]
    pub const fn with_bottom(self, bottom: bool) -> Self {
        Lse(self.0 & !Self::S | (bottom as u32) << 8)
    }
}

impl fmt::Debug for Lse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `100/tc0/S/ttl254`, `S` at the bottom only.
impl fmt::Display for Lse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bottom = if self.is_bottom() { "/S" } else { "" };
        write!(f, "{}/tc{}{bottom}/ttl{}", self.label(), self.tc(), self.ttl())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault C7: the bottom-of-stack bit is 0x100 of the big-endian word, whatever the host's order.
    #[test]
    fn c07_bottom_bit_is_0x100_of_the_word() {
        let upper = Lse(u32::from_be_bytes([0x00, 0x01, 0x30, 0xfe]));
        let lower = Lse(u32::from_be_bytes([0x00, 0x01, 0x01, 0xff]));
        assert_eq!((upper.label(), upper.is_bottom(), upper.ttl()), (19, false, 254));
        assert_eq!((lower.label(), lower.is_bottom(), lower.ttl()), (16, true, 255));
        assert_eq!(lower.to_string(), "16/tc0/S/ttl255");
    }

    /// Fault C8: labels keep all their 20 bits; 2^20 and the special-purpose ones are refused as ordinary labels.
    #[test]
    fn c08_twenty_bits_exactly() {
        for label in [16, 256, 65_536, 1_000_000, 1_048_575] {
            assert_eq!(Lse::new(label, 7, true, 1).label(), label);
            assert_eq!(Label::new(label).map(Label::get), Some(label));
        }
        assert!((0..16).chain([1_048_576]).all(|l| Label::new(l).is_none()));
    }

    #[test]
    fn one_field_changes_at_a_time() {
        let lse = Lse::new(100, 5, false, 64);
        assert_eq!(lse.with_ttl(63), Lse::new(100, 5, false, 63));
        assert_eq!(lse.with_tc(2), Lse::new(100, 2, false, 64));
        assert_eq!(lse.with_bottom(true), Lse::new(100, 5, true, 64));
    }
}
