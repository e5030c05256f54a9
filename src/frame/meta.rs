//! The small mutable fields of a frame in one 64-bit word, read once and written once per hop.

use crate::id::MacId;

/// What lies directly beneath the inline tags and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Octets that are not looked into; the body has the ethertype.
    Opaque = 0,
    /// An IPv4 packet whose header was checked at the edge.
    Ipv4 = 1,
    /// An IPv6 packet whose header was checked at the edge.
    Ipv6 = 2,
    /// Ethertype IPv4, but the header is impossible.
    Ipv4Header = 3,
    /// Ethertype IPv4, but the header checksum is wrong.
    Ipv4Checksum = 4,
    /// Ethertype IPv6, but the header is impossible.
    Ipv6Header = 5,
    /// A further label stack entry.
    Label = 6,
    /// A further tag; the body's ethertype is its TPID.
    Tag = 8,
    /// Shorter than an Ethernet header: the body holds everything, addresses included.
    Runt = 9,
}

const KINDS: [Kind; 16] = [
    Kind::Opaque,
    Kind::Ipv4,
    Kind::Ipv6,
    Kind::Ipv4Header,
    Kind::Ipv4Checksum,
    Kind::Ipv6Header,
    Kind::Label,
    Kind::Opaque,
    Kind::Tag,
    Kind::Runt,
    Kind::Opaque,
    Kind::Opaque,
    Kind::Opaque,
    Kind::Opaque,
    Kind::Opaque,
    Kind::Opaque,
];

/// Sizes of one generated stream at the most: what the word has room for.
pub const MAX_SIZES: usize = 8;

/// ```text
///  0        16       32    40     48   50     52    55      56       57   61     64
///  | length | MAC id | TTL | tc   | t  | l    | cls | fcs   | 8848   | kind | size |
/// ```
/// `tc` is the traffic class octet (DSCP and ECN), `t` and `l` count inline tags and labels, `size` tells the sizes of a
/// generated stream apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Meta(u64);

macro_rules! field {
    ($(#[$doc:meta])* $name:ident, $with:ident, $type:ty, $shift:literal, $bits:literal) => {
        $(#[$doc])*
        #[inline(always)]
        pub const fn $name(self) -> $type {
            (self.0 >> $shift & ((1 << $bits) - 1)) as $type
        }

        /// The same word with this field as given; upper bits that do not fit are cut.
        #[inline(always)]
        #[must_use]
        pub const fn $with(self, value: $type) -> Self {
            const MASK: u64 = ((1 << $bits) - 1) << $shift;
            Meta(self.0 & !MASK | (value as u64) << $shift & MASK)
        }
    };
}

#[allow(clippy::len_without_is_empty)] // a field, not a collection
impl Meta {
    field!(/// The length in octets on the wire, FCS included.
        len, with_len, u16, 0, 16);
    field!(/// The TTL or hop limit of the IP packet, current while the body's is as it came.
        ttl, with_ttl, u8, 32, 8);
    field!(/// The IP traffic class octet (DSCP and ECN), current likewise.
        traffic_class, with_traffic_class, u8, 40, 8);
    field!(/// Inline tags: 0 to 2.
        tags, with_tags, u8, 48, 2);
    field!(/// Inline label stack entries: 0 to 3.
        labels, with_labels, u8, 50, 2);
    field!(/// The class for queueing, 0 to 7: precedence, TC or PCP; 6 and 7 are control traffic.
        class, with_class, u8, 52, 3);
    field!(/// Which of its stream's sizes the frame was made with, 0 to 7: it finds the shared body.
        size, with_size, u8, 61, 3);

    /// All of it, as it lies in memory.
    #[inline(always)]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// The interned pair of MAC addresses.
    #[inline(always)]
    pub const fn mac(self) -> MacId {
        MacId((self.0 >> 16) as u16)
    }

    /// The same word with another pair of MAC addresses.
    #[inline(always)]
    #[must_use]
    pub const fn with_mac(self, mac: MacId) -> Self {
        Meta(self.0 & !(0xffff << 16) | (mac.0 as u64) << 16)
    }

    /// Whether the frame check sequence is marked bad.
    #[inline(always)]
    pub const fn bad_fcs(self) -> bool {
        self.0 >> 55 & 1 == 1
    }

    /// The same word with the mark as given.
    #[inline(always)]
    #[must_use]
    pub const fn with_bad_fcs(self, bad: bool) -> Self {
        Meta(self.0 & !(1 << 55) | (bad as u64) << 55)
    }

    /// Whether the labels go by ethertype 8848, not 8847.
    #[inline(always)]
    pub const fn upstream_labels(self) -> bool {
        self.0 >> 56 & 1 == 1
    }

    /// The same word with the ethertype of the labels as given.
    #[inline(always)]
    #[must_use]
    pub const fn with_upstream_labels(self, upstream: bool) -> Self {
        Meta(self.0 & !(1 << 56) | (upstream as u64) << 56)
    }

    /// Whether the frame is whole and all its tags are inline: no bad frame check sequence, no runt, no further tag.
    #[inline(always)]
    pub const fn is_ordinary(self) -> bool {
        // The kinds from 8 on are those.
        self.0 & (1 << 55 | 8 << 57) == 0
    }

    /// What lies beneath the inline tags and labels.
    #[inline(always)]
    pub const fn kind(self) -> Kind {
        KINDS[(self.0 >> 57 & 15) as usize]
    }

    /// Whether this lies beneath the inline tags and labels.
    #[inline(always)]
    pub const fn is(self, kind: Kind) -> bool {
        self.0 >> 57 & 15 == kind as u64
    }

    /// The same word with another kind.
    #[inline(always)]
    #[must_use]
    pub const fn with_kind(self, kind: Kind) -> Self {
        Meta(self.0 & !(15 << 57) | (kind as u64) << 57)
    }
}

/// What leaving by a next hop changes in the word: one addition, after a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetaChange(u64);

impl MetaChange {
    /// Other addresses (0 leaves them), `tags` tags in place of those that were there, `labels` labels where none was, and
    /// the octets of both more.
    ///
    /// # Panics
    /// Over 2 tags or 3 labels, which have no place inline.
    pub const fn new(mac: MacId, tags: u8, labels: u8) -> Self {
        assert!(tags <= 2 && labels <= 3);
        let octets = 4 * (tags as u64 + labels as u64);
        MetaChange(octets | (mac.0 as u64) << 16 | (tags as u64) << 48 | (labels as u64) << 50)
    }

    /// Labels that are added.
    #[inline(always)]
    pub const fn labels(self) -> u8 {
        Meta(self.0).labels()
    }

    #[inline(always)]
    const fn keep(self) -> u64 {
        const MAC: u64 = 0xffff << 16;
        const TAGS_AND_CLASS: u64 = 3 << 48 | 7 << 52;
        if self.0 & MAC == 0 { !TAGS_AND_CLASS } else { !(TAGS_AND_CLASS | MAC) }
    }
}

impl Meta {
    /// The word after `change`, with another class, and `octets` less.
    #[inline(always)]
    #[must_use]
    pub const fn changed(self, change: MetaChange, class: u8, octets: u16) -> Self {
        let add = change.0.wrapping_add(((class & 7) as u64) << 52);
        Meta((self.0 & change.keep()).wrapping_add(add).wrapping_sub(octets as u64))
    }

    /// The word of a packet that a router sends on (RFC 1812 §5.3.1): its TTL is one less; `None` if it was 1 or 0.
    #[inline(always)]
    pub const fn sent_on(self) -> Option<Self> {
        if self.0 & 0xfe << 32 == 0 { None } else { Some(Meta(self.0 - (1 << 32))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fields_do_not_touch_each_other(len: u16, mac: u16, ttl: u8, tc: u8, tags in 0u8..3, labels in 0u8..4,
                class in 0u8..8, bad: bool, upstream: bool, kind in 0usize..10, size in 0u8..8) {
            let m = Meta(u64::MAX).with_len(len).with_mac(MacId(mac)).with_ttl(ttl).with_traffic_class(tc)
                .with_tags(tags).with_labels(labels).with_class(class).with_bad_fcs(bad)
                .with_upstream_labels(upstream).with_kind(KINDS[kind]).with_size(size);
            prop_assert_eq!((m.len(), m.mac().0, m.ttl(), m.traffic_class(), m.tags()), (len, mac, ttl, tc, tags));
            prop_assert_eq!((m.labels(), m.class(), m.bad_fcs(), m.upstream_labels()), (labels, class, bad, upstream));
            prop_assert_eq!((m.kind(), m.size()), (KINDS[kind], size));
            prop_assert!(m.kind() as usize == kind || KINDS[kind] == Kind::Opaque);
            let odd = bad || matches!(m.kind(), Kind::Tag | Kind::Runt);
            prop_assert_eq!(m.is_ordinary(), !odd);
        }

        #[test]
        fn a_change_is_the_same_as_its_fields_one_by_one(word: u64, mac: u16, before in 0u16..3, tags in 0u8..3, labels in 0u8..4,
                class in 0u8..8) {
            let m = Meta(word).with_len(1000).with_labels(0);
            let len = 1000 - 4 * before + 4 * u16::from(tags + labels);
            let expected = m.with_len(len).with_tags(tags).with_labels(labels).with_class(class);
            let expected = if mac == 0 { expected } else { expected.with_mac(MacId(mac)) };
            prop_assert_eq!(m.changed(MetaChange::new(MacId(mac), tags, labels), class, 4 * before), expected);
            prop_assert_eq!(m.sent_on(), m.ttl().checked_sub(1).filter(|&ttl| ttl > 0).map(|ttl| m.with_ttl(ttl)));
        }
    }
}
