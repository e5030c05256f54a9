//! Sub-interfaces made ready for the short way: a routed one as a word, found by the tags of a frame in two looks.

use super::circuit::{Service, SubInterface, VlanKey};
use crate::id::VrfId;

/// A routed sub-interface in one word: that it is one (bit 18), whether it resets the DSCP (17), has MPLS (16), its VRF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain(u32);

impl Plain {
    const MPLS: u32 = 1 << 16;
    const RESETS_DSCP: u32 = 1 << 17;
    const ROUTED: u32 = 1 << 18;

    /// Keys with an identifier that is no VLAN's (0, 4095) are not plain: the standard has rules for them.
    pub(super) fn new(key: VlanKey, sub: &SubInterface) -> Self {
        let is_vlan = |vid: u16| (1..0xfff).contains(&vid);
        let is_plain = match key {
            VlanKey::Untagged | VlanKey::Any => true,
            VlanKey::Single(vid) => is_vlan(vid),
            VlanKey::Double(outer, inner) => is_vlan(outer) && is_vlan(inner),
        };
        let Service::Route(vrf) = sub.service else { return Plain::default() };
        if !is_plain {
            return Plain::default();
        }
        let mpls = if sub.mpls { Plain::MPLS } else { 0 };
        let dscp = if sub.reset_dscp { Plain::RESETS_DSCP } else { 0 };
        Plain(Plain::ROUTED | mpls | dscp | u32::from(vrf.0))
    }

    /// The VRF.
    #[inline(always)]
    pub const fn vrf(self) -> VrfId {
        VrfId(self.0 as u16)
    }

    /// Whether labelled frames are looked up in the label map.
    #[inline(always)]
    pub const fn has_mpls(self) -> bool {
        self.0 & Plain::MPLS != 0
    }

    /// Whether the DSCP of IP packets is set to 0.
    #[inline(always)]
    pub const fn resets_dscp(self) -> bool {
        self.0 & Plain::RESETS_DSCP != 0
    }

    #[inline(always)]
    pub(super) const fn if_routed(self) -> Option<Plain> {
        if self.0 == 0 { None } else { Some(self) }
    }
}

/// The routed sub-interfaces of frames whose tags are all of their key: one look at the outer VLAN, one at a slot.
#[derive(Clone, Debug, Default)]
pub(super) struct PlainTags {
    /// Per outer VLAN identifier; empty without tagged sub-interfaces.
    outers: Box<[PlainOuter]>,
    slots: Vec<PlainSlot>,
}

/// Where the slots of an outer VLAN begin: one for the tag alone, then those of the second tags.
#[derive(Clone, Copy, Debug, Default)]
struct PlainOuter {
    base: u32,
    mask: u16,
}

/// The tags, without priorities, and what frames with them get.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainSlot {
    pub(super) tags: [u32; 2],
    pub(super) plain: Plain,
}

impl PlainSlot {
    /// No tag looks like this without its priority bits.
    pub(super) const NONE: PlainSlot = PlainSlot { tags: [u32::MAX; 2], plain: Plain(0) };
}

impl PlainTags {
    #[inline(always)]
    pub(super) fn find(&self, tags: u8, tag: [u32; 2]) -> Option<Plain> {
        // Without priority and drop eligibility.
        let [outer, inner] = tag.map(|tag| tag & 0xffff_0fff);
        let PlainOuter { base, mask } = *self.outers.get((outer & 0xfff) as usize)?;
        let (inner, place) = if tags == 1 { (0, 0) } else { (inner, 1 + (inner as usize & usize::from(mask))) };
        let slot = self.slots.get(base as usize + place)?;
        if slot.tags != [outer, inner] {
            return None;
        }
        slot.plain.if_routed()
    }

    pub(super) fn add(&mut self, vid: usize, single: PlainSlot, doubles: impl Iterator<Item = PlainSlot>, mask: u16) {
        if self.outers.is_empty() {
            // Identifiers without an entry find the first two slots, which no tags are equal to.
            self.outers = vec![PlainOuter::default(); 4096].into();
            self.slots = vec![PlainSlot::NONE; 2];
        }
        self.outers[vid & 0xfff] = PlainOuter { base: self.slots.len() as u32, mask };
        self.slots.push(single);
        self.slots.extend(doubles);
    }
}
