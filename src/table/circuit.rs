//! Sub-interfaces: which service a frame gets by the port and the tags that it comes with (IEEE 802.1Q clause 6.9).

use super::plain::{Plain, PlainSlot, PlainTags};
use crate::frame::{DropReason, Frame, Header, Kind, Templates};
use crate::id::VrfId;
use crate::wire::vlan::{Tag, TpidSet};

/// Frames that a port takes (IEEE 802.1Q §6.9, Acceptable Frame Types).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptableFrames {
    /// All.
    All,
    /// Those with a VLAN identifier; priority-tagged ones are not.
    OnlyTagged,
    /// Untagged and priority-tagged ones.
    OnlyUntagged,
}

/// The VLAN identifiers, outermost first, that a sub-interface is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VlanKey {
    /// Untagged and priority-tagged frames.
    Untagged,
    /// This outer VLAN, whatever lies beneath, unless a [`VlanKey::Double`] fits.
    Single(u16),
    /// These two.
    Double(u16, u16),
    /// Everything that no other sub-interface takes.
    Any,
}

/// What is done with the frames of a sub-interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// IP by the tables of a VRF, labels by the label map if MPLS is enabled.
    Route(VrfId),
    /// The same as Microsoft peering has it: only from the sources of a list, and with no DSCP but those that it has a class
    /// for.
    RoutePublic {
        /// The VRF.
        vrf: VrfId,
        /// The list's number in the FIB.
        sources: u8,
    },
    /// Out by another port, octet for octet but for tags (next hop in the FIB's list).
    CrossConnect {
        /// Place of the next hop in the FIB.
        next_hop: u32,
        /// Outermost matched tags that are removed.
        pop: u8,
        /// Whether the addresses that bridges keep to themselves are dropped.
        filter_reserved: bool,
    },
    /// Into a pseudowire (RFC 4448): the frame becomes the payload beneath the next hop's labels.
    Pseudowire {
        /// Place of the next hop in the FIB.
        next_hop: u32,
        /// Outermost matched tags that are removed: the service-delimiting ones.
        pop: u8,
        /// Whether a control word (RFC 4385) goes in front.
        control_word: bool,
    },
}

/// One sub-interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubInterface {
    /// Its service.
    pub service: Service,
    /// Whether labelled frames are looked up in the label map (routed service).
    pub mpls: bool,
    /// Whether the DSCP of IP packets is set to 0.
    pub reset_dscp: bool,
}

/// A frame's sub-interface and the tags that led there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The sub-interface.
    pub sub: SubInterface,
    /// Leading inline tags that were matched or skipped as priority tags.
    pub tags: u8,
    /// The PCP of a priority tag, if one was skipped.
    pub priority: Option<u8>,
}

/// The same in one word: the place of the sub-interface (16 bits), the tags (8), and the PCP of a priority tag plus 1 (8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located(u32);

impl Located {
    #[inline(always)]
    fn new(place: u16, tags: u8, priority: Option<u8>) -> Self {
        Located(u32::from(place) | u32::from(tags) << 16 | priority.map_or(0, |pcp| u32::from(pcp) + 1) << 24)
    }

    fn place(self) -> usize {
        usize::from(self.0 as u16)
    }

    fn tags(self) -> u8 {
        (self.0 >> 16) as u8
    }

    fn with_tags(self, tags: u8) -> Self {
        Located(self.0 & 0xff00_ffff | u32::from(tags) << 16)
    }

    /// What was found, at the port that found it.
    #[inline(always)]
    pub fn matched(self, ingress: &Ingress) -> Matched {
        let sub = ingress.subs[self.place()];
        Matched { sub, tags: (self.0 >> 16) as u8, priority: ((self.0 >> 24) as u8).checked_sub(1) }
    }
}

/// The sub-interfaces of one port, as its receiving side reads them.
#[derive(Clone, Debug)]
pub struct Ingress {
    /// What untagged frames get, where that is plain.
    plain_untagged: Plain,
    /// What tagged frames get, where that is plain.
    plains: PlainTags,
    outer_tpids: TpidSet,
    inner_tpids: TpidSet,
    accept: AcceptableFrames,
    subs: Vec<SubInterface>,
    untagged: u16,
    any: u16,
    /// Per outer VLAN identifier, the place in `outers` plus 1; empty without tagged sub-interfaces.
    by_outer: Box<[u16]>,
    outers: Vec<Outer>,
    inner_slots: Vec<InnerSlot>,
}

/// Sub-interface numbers are places in `subs` plus 1; 0 is none.
#[derive(Clone, Copy, Debug, Default)]
struct Outer {
    single: u16,
    base: u32,
    /// Slots of this outer VLAN minus 1; an inner identifier is looked for at `base + (identifier & mask)`.
    mask: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct InnerSlot {
    vid: u16,
    sub: u16,
}

impl Ingress {
    /// The sub-interface of `frame`, or why the port does not take it.
    pub fn classify(&self, frame: &Frame) -> Result<Matched, DropReason> {
        self.locate(frame).map(|located| located.matched(self))
    }

    /// How many sub-interfaces the port has.
    pub fn sub_interfaces(&self) -> usize {
        self.subs.len()
    }

    /// The place of the sub-interface of `frame`, in the order in which they were added.
    pub fn sub_interface_of(&self, frame: &Frame) -> Option<usize> {
        self.locate(frame).ok().map(Located::place)
    }

    /// Why [`classify`](Self::classify) finds no sub-interface: nothing else says so of a frame that came by a port.
    pub const REFUSALS: [DropReason; 6] = [
        DropReason::BadFcs,
        DropReason::Runt,
        DropReason::VidReserved,
        DropReason::VlanNotMember,
        DropReason::UntaggedNotAccepted,
        DropReason::TaggedNotAccepted,
    ];

    /// The same as one word, which travels in a register.
    #[inline(always)]
    pub fn locate(&self, frame: &Frame) -> Result<Located, DropReason> {
        let meta = frame.header.meta;
        if meta.bad_fcs() {
            return Err(DropReason::BadFcs);
        }
        if meta.kind() == Kind::Runt {
            return Err(DropReason::Runt);
        }
        let tags = meta.tags();
        let first = Tag(frame.header.tag[0]);
        if tags == 0 || !self.outer_tpids.contains(first.tpid()) {
            return self.find(0, 0, 0, None);
        }
        let (vid, second) = (first.vid(), Tag(frame.header.tag[1]));
        if vid == 0xfff {
            return Err(DropReason::VidReserved);
        }
        let has_second = tags > 1 && self.inner_tpids.contains(second.tpid());
        if vid == 0 {
            return self.classify_priority_tagged(first.pcp(), has_second, second);
        }
        if !has_second {
            return self.find(1, vid, 0, None);
        }
        match second.vid() {
            0xfff => Err(DropReason::VidReserved),
            inner => self.find(2, vid, inner, None),
        }
    }

    /// The routed sub-interface of a frame whose tags are all of its key, if nothing is out of the ordinary; all else is for
    /// [`locate`](Self::locate) to say.
    #[inline(always)]
    pub fn plain(&self, header: &Header) -> Option<Plain> {
        if !header.meta.is_ordinary() {
            return None;
        }
        match header.meta.tags() {
            0 => self.plain_untagged.if_routed(),
            tags => self.plains.find(tags, header.tag),
        }
    }

    /// Why a frame with a tag behind the `matched` first ones is not taken where IP or labels are expected.
    #[cold]
    pub fn tag_in_the_way(&self, frame: &Frame, matched: u8, templates: &Templates) -> DropReason {
        let tpid = match frame.tags().nth(matched.into()) {
            Some(tag) => tag.tpid(),
            None => frame.octets(templates).ethertype,
        };
        let known = if matched == 0 { self.outer_tpids } else { self.inner_tpids };
        if known.contains(tpid) { DropReason::NotIp } else { DropReason::UnknownTpid }
    }

    /// The outermost tag, if this port recognises it; another one is payload and has no priority.
    pub fn outer_tag(&self, frame: &Frame) -> Option<Tag> {
        frame.tags().next().filter(|tag| self.outer_tpids.contains(tag.tpid()))
    }

    /// A VID of 0 is no VLAN: what counts is the tag beneath, if there is one.
    #[cold]
    fn classify_priority_tagged(&self, pcp: u8, has_second: bool, second: Tag) -> Result<Located, DropReason> {
        match (has_second, second.vid()) {
            (true, 0xfff) => Err(DropReason::VidReserved),
            (true, 0) => self.find(0, 0, 0, Some(pcp)).map(|located| located.with_tags(2)),
            (true, vid) => self.find(1, vid, 0, Some(pcp)).map(|located| located.with_tags(located.tags() + 1)),
            (false, _) => self.find(0, 0, 0, Some(pcp)).map(|located| located.with_tags(1)),
        }
    }

    #[inline(always)]
    fn find(&self, count: u8, outer: u16, inner: u16, priority: Option<u8>) -> Result<Located, DropReason> {
        match (count, self.accept) {
            (0, AcceptableFrames::OnlyTagged) => return Err(DropReason::UntaggedNotAccepted),
            (1.., AcceptableFrames::OnlyUntagged) => return Err(DropReason::TaggedNotAccepted),
            _ => {}
        }
        let (sub, tags) = if count == 0 { (self.untagged, 0) } else { self.find_tagged(count, outer, inner) };
        let sub = if sub == 0 { self.any } else { sub };
        match sub {
            1.. => Ok(Located::new(sub - 1, tags, priority)),
            0 if count == 0 => Err(DropReason::UntaggedNotAccepted),
            0 => Err(DropReason::VlanNotMember),
        }
    }

    /// The sub-interface number and the tags that it takes.
    #[inline(always)]
    fn find_tagged(&self, count: u8, outer: u16, inner: u16) -> (u16, u8) {
        let place = self.by_outer.get(usize::from(outer)).copied().unwrap_or(0);
        let Some(entry) = self.outers.get(usize::from(place).wrapping_sub(1)) else { return (0, 0) };
        if count == 2 {
            let slot = self.inner_slots[entry.base as usize + usize::from(inner & entry.mask)];
            if slot.sub != 0 && slot.vid == inner {
                return (slot.sub, 2);
            }
        }
        (entry.single, u8::from(entry.single != 0))
    }
}

/// Gathers the sub-interfaces of a port.
#[derive(Clone, Debug)]
pub struct IngressBuilder {
    outer_tpids: TpidSet,
    inner_tpids: TpidSet,
    accept: AcceptableFrames,
    subs: Vec<(VlanKey, SubInterface)>,
}

impl Default for IngressBuilder {
    fn default() -> Self {
        IngressBuilder {
            outer_tpids: TpidSet::C_TAG,
            inner_tpids: TpidSet::C_TAG,
            accept: AcceptableFrames::All,
            subs: Vec::new(),
        }
    }
}

impl IngressBuilder {
    /// The TPIDs that are recognised as outer and as inner tag; 0x8100 both, unless said.
    pub fn tpids(mut self, outer: TpidSet, inner: TpidSet) -> Self {
        (self.outer_tpids, self.inner_tpids) = (outer, inner);
        self
    }

    /// The frames that the port takes; all, unless said.
    pub fn accept(mut self, accept: AcceptableFrames) -> Self {
        self.accept = accept;
        self
    }

    /// Adds a sub-interface. Of two for the same tags the later one holds.
    pub fn sub(mut self, key: VlanKey, sub: SubInterface) -> Self {
        self.subs.push((key, sub));
        self
    }

    /// The port's table.
    pub fn build(&self) -> Ingress {
        let mut table = Ingress {
            plain_untagged: Plain::default(),
            plains: PlainTags::default(),
            outer_tpids: self.outer_tpids,
            inner_tpids: self.inner_tpids,
            accept: self.accept,
            subs: self.subs.iter().map(|s| s.1).collect(),
            untagged: 0,
            any: 0,
            by_outer: Box::default(),
            outers: Vec::new(),
            inner_slots: Vec::new(),
        };
        let mut outers: std::collections::BTreeMap<u16, (u16, Vec<(u16, u16)>)> = Default::default();
        for (place, &(key, _)) in self.subs.iter().enumerate() {
            let number = place as u16 + 1;
            match key {
                VlanKey::Untagged => table.untagged = number,
                VlanKey::Any => table.any = number,
                VlanKey::Single(vid) => outers.entry(vid).or_default().0 = number,
                VlanKey::Double(outer, inner) => outers.entry(outer).or_default().1.push((inner, number)),
            }
        }
        if !outers.is_empty() {
            table.by_outer = vec![0; 4096].into();
        }
        if self.accept != AcceptableFrames::OnlyTagged {
            let untagged = if table.untagged == 0 { table.any } else { table.untagged };
            table.plain_untagged = self.plain(untagged);
        }
        for (vid, (single, inner)) in outers {
            let (base, mask) = (table.inner_slots.len() as u32, free_mask(&inner));
            table.inner_slots.resize(base as usize + usize::from(mask) + 1, InnerSlot::default());
            for (vid, sub) in inner {
                table.inner_slots[base as usize + usize::from(vid & mask)] = InnerSlot { vid, sub };
            }
            table.outers.push(Outer { single, base, mask });
            table.by_outer[usize::from(vid & 0xfff)] = table.outers.len() as u16;
        }
        if self.accept != AcceptableFrames::OnlyUntagged {
            table.plains = self.plain_tags(&table);
        }
        table
    }

    /// The sub-interface of this number as a word.
    fn plain(&self, number: u16) -> Plain {
        let sub = self.subs.get(usize::from(number).wrapping_sub(1));
        sub.map_or(Plain::default(), |(key, sub)| Plain::new(*key, sub))
    }

    /// The tagged sub-interfaces of `table` as words.
    fn plain_tags(&self, table: &Ingress) -> PlainTags {
        let mut plains = PlainTags::default();
        let Some(outer_tpid) = self.outer_tpids.first() else { return plains };
        for (vid, place) in table.by_outer.iter().enumerate().filter(|(_, place)| **place > 0) {
            let Outer { single, base, mask } = table.outers[usize::from(*place) - 1];
            let outer = Tag::new(outer_tpid, 0, false, vid as u16).0;
            let slots = &table.inner_slots[base as usize..=base as usize + usize::from(mask)];
            let doubles = slots.iter().map(|slot| match self.inner_tpids.first() {
                Some(tpid) if slot.sub > 0 => {
                    PlainSlot { tags: [outer, Tag::new(tpid, 0, false, slot.vid).0], plain: self.plain(slot.sub) }
                }
                _ => PlainSlot::NONE,
            });
            plains.add(vid, PlainSlot { tags: [outer, 0], plain: self.plain(single) }, doubles, mask);
        }
        plains
    }
}

/// The least mask under which no two different inner identifiers fall on one slot.
fn free_mask(inner: &[(u16, u16)]) -> u16 {
    let collide = |mask: u16| {
        inner.iter().enumerate().any(|(i, a)| inner[..i].iter().any(|b| a.0 != b.0 && a.0 & mask == b.0 & mask))
    };
    (0..=12).map(|bits| (1u16 << bits) - 1).find(|&mask| !collide(mask)).unwrap_or(0xfff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vrf(n: u16) -> SubInterface {
        SubInterface { service: Service::Route(VrfId(n)), mpls: false, reset_dscp: false }
    }

    fn frame(tags: &[Tag]) -> Frame {
        let mut octets = vec![2; 12];
        octets.extend(tags.iter().flat_map(|tag| tag.0.to_be_bytes()));
        octets.extend([0x08, 0x06]);
        octets.resize(60, 0);
        Frame::parse(&octets, 60, None).unwrap().frame
    }

    fn found(port: &Ingress, tags: &[(u16, u16)]) -> Result<(u16, u8), DropReason> {
        let tags: Vec<_> = tags.iter().map(|&(tpid, vid)| Tag::new(tpid, 3, false, vid)).collect();
        port.classify(&frame(&tags)).map(|m| match m.sub.service {
            Service::Route(vrf) => (vrf.0, m.tags),
            _ => unreachable!(),
        })
    }

    #[test]
    fn two_tags_before_one_before_any() {
        let port = IngressBuilder::default()
            .sub(VlanKey::Untagged, vrf(0))
            .sub(VlanKey::Single(110), vrf(1))
            .sub(VlanKey::Double(110, 20), vrf(2))
            .sub(VlanKey::Double(110, 21), vrf(3))
            .sub(VlanKey::Double(111, 20), vrf(4))
            .build();
        let c = 0x8100;
        for (tags, expected) in [
            (vec![], Ok((0, 0))),
            (vec![(c, 110)], Ok((1, 1))),
            (vec![(c, 110), (c, 20)], Ok((2, 2))),
            (vec![(c, 110), (c, 21)], Ok((3, 2))),
            (vec![(c, 110), (c, 22)], Ok((1, 1))),
            (vec![(c, 111), (c, 20)], Ok((4, 2))),
            (vec![(c, 111), (c, 21)], Err(DropReason::VlanNotMember)),
            (vec![(c, 111)], Err(DropReason::VlanNotMember)),
            (vec![(c, 112)], Err(DropReason::VlanNotMember)),
            (vec![(c, 0xfff)], Err(DropReason::VidReserved)),
            (vec![(c, 110), (c, 0xfff)], Err(DropReason::VidReserved)),
            (vec![(0x88a8, 110)], Ok((0, 0))),
            (vec![(c, 110), (0x88a8, 20)], Ok((1, 1))),
        ] {
            assert_eq!(found(&port, &tags), expected, "{tags:?}");
        }
    }

    /// Fault B7: a tag of VID 0 is no VLAN; its PCP is kept for queueing.
    #[test]
    fn b07_a_priority_tag_is_no_vlan() {
        let port = IngressBuilder::default().sub(VlanKey::Untagged, vrf(0)).sub(VlanKey::Single(9), vrf(1)).build();
        let c = 0x8100;
        assert_eq!(found(&port, &[(c, 0)]), Ok((0, 1)));
        assert_eq!(found(&port, &[(c, 0), (c, 0)]), Ok((0, 2)));
        assert_eq!(found(&port, &[(c, 0), (c, 9)]), Ok((1, 2)));
        assert_eq!(port.classify(&frame(&[Tag::new(c, 5, false, 0)])).unwrap().priority, Some(5));
    }

    #[test]
    fn acceptable_frame_types_come_first() {
        let all = IngressBuilder::default().sub(VlanKey::Any, vrf(0));
        let tagged = all.clone().accept(AcceptableFrames::OnlyTagged).build();
        let untagged = all.accept(AcceptableFrames::OnlyUntagged).build();
        assert_eq!(found(&tagged, &[]), Err(DropReason::UntaggedNotAccepted));
        assert_eq!(found(&tagged, &[(0x8100, 0)]), Err(DropReason::UntaggedNotAccepted));
        assert_eq!(found(&tagged, &[(0x8100, 5)]), Ok((0, 0)));
        assert_eq!(found(&untagged, &[(0x8100, 5)]), Err(DropReason::TaggedNotAccepted));
        assert_eq!(found(&untagged, &[(0x8100, 0)]), Ok((0, 1)));
    }

    #[test]
    fn every_inner_identifier_finds_its_own() {
        let mut builder = IngressBuilder::default();
        for inner in 1..=4094u16 {
            builder = builder.sub(VlanKey::Double(7, inner), vrf(inner));
        }
        let port = builder.build();
        for inner in 1..=4094u16 {
            assert_eq!(found(&port, &[(0x8100, 7), (0x8100, inner)]), Ok((inner, 2)));
        }
    }

    #[test]
    fn identifiers_that_are_no_vlan_are_never_plain() {
        let sub = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
        let keys = [VlanKey::Single(0), VlanKey::Single(0xfff), VlanKey::Double(7, 0), VlanKey::Double(7, 0xfff)];
        let ingress = keys.iter().fold(IngressBuilder::default(), |ingress, &key| ingress.sub(key, sub)).build();
        let tag = |vid| Tag::new(0x8100, 0, false, vid).0;
        for (tags, count) in [([0, 0], 1), ([0xfff, 0], 1), ([7, 0], 2), ([7, 0xfff], 2)] {
            let meta = crate::frame::Meta::default().with_tags(count);
            assert_eq!(ingress.plain(&Header { tag: tags.map(tag), meta, ..Header::default() }), None, "{tags:?}");
        }
    }
}
