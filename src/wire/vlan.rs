//! 802.1Q tags (IEEE 802.1Q clause 9): TPID, and TCI of priority (PCP), drop eligibility (DEI) and VLAN identifier.

use std::fmt;

/// Octets of a tag.
pub const TAG_OCTETS: u16 = 4;

/// The tag protocol identifiers that are read as tags: C-tag, S-tag, and three older ones in use.
pub const TPIDS: [u16; 5] = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];

/// The place of `tpid` in [`TPIDS`].
#[inline(always)]
pub fn tpid_index(tpid: u16) -> Option<u32> {
    match tpid {
        0x8100 => Some(0),
        0x88a8 => Some(1),
        0x9100 => Some(2),
        0x9200 => Some(3),
        0x9300 => Some(4),
        _ => None,
    }
}

/// A set of tag protocol identifiers that a port recognises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TpidSet(u8);

impl TpidSet {
    /// 0x8100 alone: what ExpressRoute uses for both tags.
    pub const C_TAG: TpidSet = TpidSet(1);
    /// 0x88a8 alone: what a provider bridge uses for S-tags.
    pub const S_TAG: TpidSet = TpidSet(2);
    /// No tag at all: every frame is untagged.
    pub const NONE: TpidSet = TpidSet(0);

    /// The set of `tpids`; `None` if one is not of [`TPIDS`].
    pub fn of(tpids: &[u16]) -> Option<Self> {
        tpids.iter().try_fold(TpidSet(0), |set, &tpid| Some(TpidSet(set.0 | 1 << tpid_index(tpid)?)))
    }

    /// The first of the set, in the order of [`TPIDS`].
    pub fn first(self) -> Option<u16> {
        TPIDS.into_iter().find(|&tpid| self.contains(tpid))
    }

    /// Whether `tpid` is in the set.
    #[inline(always)]
    pub fn contains(self, tpid: u16) -> bool {
        tpid_index(tpid).is_some_and(|bit| self.0 >> bit & 1 == 1)
    }
}

/// A VLAN identifier that names a VLAN: 1 to 4094.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vid(u16);

impl Vid {
    /// `vid`, if it is 1 to 4094 (0 is the priority tag, 4095 is reserved).
    pub const fn new(vid: u16) -> Option<Self> {
        if vid >= 1 && vid <= 4094 { Some(Vid(vid)) } else { None }
    }

    /// The number.
    #[inline(always)]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Vid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tag as it lies on the wire: TPID in the upper half, TCI in the lower.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Tag(pub u32);

impl Tag {
    /// A tag; `pcp` is 0 to 7, `vid` 0 to 4095 (the upper bits are cut by the type of the field).
    #[inline(always)]
    pub const fn new(tpid: u16, pcp: u8, dei: bool, vid: u16) -> Self {
        Tag((tpid as u32) << 16 | (pcp as u32 & 7) << 13 | (dei as u32) << 12 | vid as u32 & 0xfff)
    }

    /// Tag protocol identifier.
    #[inline(always)]
    pub const fn tpid(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Priority code point, 0 to 7.
    #[inline(always)]
    pub const fn pcp(self) -> u8 {
        (self.0 >> 13 & 7) as u8
    }

    /// Drop eligible indicator.
    #[inline(always)]
    pub const fn dei(self) -> bool {
        self.0 >> 12 & 1 == 1
    }

    /// VLAN identifier as it is on the wire, 0 to 4095.
    #[inline(always)]
    pub const fn vid(self) -> u16 {
        (self.0 & 0xfff) as u16
    }

    /// The same tag with another priority and drop eligibility.
    #[inline(always)]
    pub const fn with_priority(self, pcp: u8, dei: bool) -> Self {
        Tag(self.0 & !0xf000 | (pcp as u32 & 7) << 13 | (dei as u32) << 12)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `8100:110`, with `p5` and `d` where priority or drop eligibility are set: `8100:110p5d`.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{}", self.tpid(), self.vid())?;
        if self.pcp() != 0 {
            write!(f, "p{}", self.pcp())?;
        }
        if self.dei() { f.write_str("d") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_the_standard_puts_them() {
        let tag = Tag::new(0x88a8, 5, true, 200);
        assert_eq!(tag.0.to_be_bytes(), [0x88, 0xa8, 0xb0, 0xc8]);
        assert_eq!((tag.tpid(), tag.pcp(), tag.dei(), tag.vid()), (0x88a8, 5, true, 200));
        assert_eq!(tag.to_string(), "88a8:200p5d");
        assert_eq!(tag.with_priority(0, false).to_string(), "88a8:200");
    }

    #[test]
    fn a_vlan_is_1_to_4094() {
        assert_eq!([0, 1, 4094, 4095].map(|v| Vid::new(v).is_some()), [false, true, true, false]);
    }

    #[test]
    fn sets_hold_what_they_were_given() {
        let set = TpidSet::of(&[0x8100, 0x9100]).unwrap();
        assert_eq!(TPIDS.map(|t| set.contains(t)), [true, false, true, false, false]);
        assert!(TpidSet::of(&[0x0800]).is_none());
    }
}
