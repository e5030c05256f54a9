//! The tables of the short way: label map and routes in one word an entry, next hops as rewrites.
//!
//! They say the same as the FIB's full tables, or nothing; what they leave out goes the long way.

use super::fib::{LabelAction, LabelEntry, Payload, spread};
use super::next_hop::NextHop;
use super::rewrite::Rewrite;
use crate::frame::Kind;
use crate::id::VrfId;
use std::collections::HashMap;

/// A run of rewrites among which the flow hash chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    first: u32,
    count: u32,
}

impl Group {
    /// The one that has only [`Rewrite::NONE`], which takes no frame.
    pub(super) const NONE: Group = Group { first: 0, count: 1 };

    /// Where its rewrites begin.
    pub(super) const fn first(self) -> u32 {
        self.first
    }
}

/// What is done with a label, in one word:
/// ```text
///  31 30 29        20 19                 0
/// |  op |    group   |     label out      |   swap
/// |  op |            | u |      VRF       |   pop, look beneath (u: uniform model)
/// |  op | 4 | 6 |    | u |      set       |   pop, go to a next hop with IPv4 or IPv6
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IlmWord(u32);

/// What an [`IlmWord`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing: the long way knows.
    Unready,
    /// Swap for this label and leave by this group.
    Swap {
        /// The new label, where it stands in a stack entry.
        label: u32,
        /// Place of the group.
        group: usize,
    },
    /// Pop, and look at what lies beneath: a further label, or IP in this VRF.
    PopLookup(VrfId),
    /// Pop, and leave by the next hops of this set, if what lies beneath is of this kind.
    Pop {
        /// Place of the set.
        set: usize,
        /// What must lie beneath.
        kind: Kind,
    },
}

const SWAP: u32 = 1;
const POP_LOOKUP: u32 = 2;
const POP: u32 = 3;
const UNIFORM: u32 = 1 << 16;
const IPV6: u32 = 1 << 28;
/// Groups of swaps that a word can name; labels beyond go the long way.
const MAX_SWAP_GROUPS: usize = 1 << 10;
/// Sets that a word can name; labels beyond go the long way.
const MAX_SETS: usize = 1 << 16;

impl IlmWord {
    /// The operation.
    #[inline(always)]
    pub const fn operation(self) -> Operation {
        match self.0 >> 30 {
            SWAP => Operation::Swap { label: self.0 << 12, group: (self.0 >> 20 & 0x3ff) as usize },
            POP_LOOKUP => Operation::PopLookup(VrfId(self.0 as u16)),
            POP => {
                let kind = if self.0 & IPV6 == 0 { Kind::Ipv4 } else { Kind::Ipv6 };
                Operation::Pop { set: (self.0 & 0xffff) as usize, kind }
            }
            _ => Operation::Unready,
        }
    }

    /// All of it, as it lies in memory.
    #[inline(always)]
    pub const fn word(self) -> u32 {
        self.0
    }

    /// Whether TTL and TC of a popped label go over to what lies beneath.
    #[inline(always)]
    pub const fn is_uniform(self) -> bool {
        self.0 & UNIFORM != 0
    }
}

/// The tables.
#[derive(Clone, Debug, Default)]
pub struct Ready {
    ilm: Box<[IlmWord]>,
    /// Per set of next hops of the routes.
    routes: Vec<Group>,
    swaps: Vec<Group>,
    rewrites: Vec<Rewrite>,
    hash_seed: u32,
    /// The places of the groups of swaps.
    known_swaps: HashMap<Vec<Rewrite>, usize>,
}

impl Ready {
    /// Tables for labels below `labels`, in which nothing is ready.
    pub(super) fn new(labels: usize, hash_seed: u32) -> Self {
        let (ilm, rewrites) = (vec![IlmWord(0); labels].into(), vec![Rewrite::NONE]);
        Ready { ilm, rewrites, hash_seed, ..Ready::default() }
    }

    /// Adds a set of the routes.
    pub(super) fn add_route(&mut self, group: Group) {
        self.routes.push(group);
    }

    /// Changes the set at `place`.
    #[inline]
    pub(super) fn set_route(&mut self, place: u32, group: Group) {
        self.routes[place as usize] = group;
    }

    /// The group of the set at `place`.
    pub(super) fn route(&self, place: u32) -> Group {
        self.routes[place as usize]
    }

    /// A group of its own for `members`; the one that takes no frame if one of them is not usable.
    pub(super) fn group(&mut self, members: &[NextHop]) -> Group {
        let rewrites: Vec<_> = members.iter().map(Rewrite::new).collect();
        if rewrites.is_empty() || rewrites.contains(&Rewrite::NONE) { Group::NONE } else { self.own_group(&rewrites) }
    }

    /// A group of its own for `rewrites`, usable or not.
    pub(super) fn own_group(&mut self, rewrites: &[Rewrite]) -> Group {
        let group = Group { first: self.rewrites.len() as u32, count: rewrites.len() as u32 };
        self.rewrites.extend_from_slice(rewrites);
        group
    }

    /// Changes one rewrite in all that lead to it.
    pub(super) fn rewrite(&mut self, place: u32, rewrite: Rewrite) {
        self.rewrites[place as usize] = rewrite;
    }

    /// Makes ready what is done with `label`, as far as it can be: `members` are the next hops of a swap, `place` that of
    /// the set of a pop among the routes.
    pub(super) fn set_label(&mut self, label: u32, entry: &LabelEntry, members: &[NextHop], place: u32) {
        let uniform = if entry.model.is_uniform() { UNIFORM } else { 0 };
        let word = match entry.action {
            LabelAction::Swap(_) => self.swap(members),
            LabelAction::PopLookup(vrf) => Some(POP_LOOKUP << 30 | u32::from(vrf.0) | uniform),
            LabelAction::Pop { payload, .. } => {
                let kind = match payload {
                    Payload::Ipv4 => Some(0),
                    Payload::Ipv6 => Some(IPV6),
                    Payload::Labels => None,
                };
                kind.filter(|_| (place as usize) < MAX_SETS).map(|kind| POP << 30 | kind | place | uniform)
            }
            LabelAction::PopPseudowire { .. } => None,
        };
        self.ilm[label as usize] = IlmWord(word.unwrap_or(0));
    }

    /// Leaves `label` to the long way.
    pub(super) fn clear_label(&mut self, label: u32) {
        self.ilm[label as usize] = IlmWord(0);
    }

    /// The word of a swap for one label at all of `members`.
    fn swap(&mut self, members: &[NextHop]) -> Option<u32> {
        let [label] = members.first()?.push.labels() else { return None };
        if members.iter().any(|next_hop| next_hop.push.labels() != [*label] || next_hop.push.entropy) {
            return None;
        }
        let rewrites: Vec<_> = members.iter().map(Rewrite::swap).collect();
        let place = match self.known_swaps.get(&rewrites) {
            Some(&place) => place,
            None if self.swaps.len() == MAX_SWAP_GROUPS || rewrites.contains(&Rewrite::NONE) => return None,
            None => {
                let group = self.own_group(&rewrites);
                self.swaps.push(group);
                self.known_swaps.insert(rewrites, self.swaps.len() - 1);
                self.swaps.len() - 1
            }
        };
        Some(SWAP << 30 | (place as u32) << 20 | label)
    }

    /// Whether the label map is larger than a cache next to a processor.
    #[inline(always)]
    pub fn is_large(&self) -> bool {
        self.ilm.len() > 1 << 16
    }

    /// The word of `label`.
    #[inline(always)]
    pub fn label(&self, label: u32) -> IlmWord {
        self.ilm.get(label as usize).copied().unwrap_or_default()
    }

    /// The rewrite that flows with `hash` get of the swap group at `place`.
    #[inline(always)]
    pub fn swap_by(&self, place: usize, hash: u32) -> Option<&Rewrite> {
        self.choose(*self.swaps.get(place)?, hash)
    }

    /// The rewrite that flows with `hash` get of the set of next hops at `place`.
    #[inline(always)]
    pub fn route_by(&self, place: usize, hash: u32) -> Option<&Rewrite> {
        self.choose(*self.routes.get(place)?, hash)
    }

    #[inline(always)]
    fn choose(&self, group: Group, hash: u32) -> Option<&Rewrite> {
        self.rewrites.get((group.first + spread(hash ^ self.hash_seed, group.count)) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{MacId, PortId};
    use crate::table::{Fib, FibBuilder, LabelOperation, LabelPush, LabelRoute, Member, NextHopSet, TtlModel};
    use crate::wire::mpls::Label;
    use ipnet::IpNet;

    /// `count` labels from 16 on, each with a next hop of its own.
    fn fib(count: u32, action: impl Fn(NextHopSet) -> LabelAction) -> Fib {
        let mut builder = FibBuilder::new(1);
        let push = LabelPush::new(&[100]).unwrap();
        for label in 16..16 + count {
            let hop = NextHop { push, mac: MacId(label as u16), mtu: (label >> 16) as u16, ..NextHop::port(PortId(1)) };
            let set = builder.next_hops(&[hop]);
            let entry = LabelEntry { action: action(set), model: TtlModel::Uniform };
            builder.label(Label::new(label).unwrap(), entry);
        }
        builder.build()
    }

    #[test]
    fn what_a_word_cannot_name_is_left_to_the_long_way() {
        let is_ready = |fib: &Fib, label| fib.ready().label(label).operation() != Operation::Unready;
        let swaps = fib(MAX_SWAP_GROUPS as u32 + 1, LabelAction::Swap);
        let last = 15 + MAX_SWAP_GROUPS as u32;
        assert_eq!([16, last, last + 1].map(|label| is_ready(&swaps, label)), [true, true, false]);
        let pop = |next_hops| LabelAction::Pop { payload: Payload::Ipv4, next_hops };
        // The routes that every router has lead to sets as well.
        let free = MAX_SETS as u32 - fib(0, pop).ready().routes.len() as u32;
        let pops = fib(free + 1, pop);
        assert_eq!([16, 15 + free, 16 + free].map(|label| is_ready(&pops, label)), [true, true, false]);
    }

    #[test]
    fn labels_with_the_same_way_out_share_a_group() {
        let mut builder = FibBuilder::new(1);
        for label in 16..2000 {
            let push = LabelPush::new(&[label + 1]).unwrap();
            let set = builder.next_hops(&[NextHop { push, ..NextHop::port(PortId((label % 2) as u16)) }]);
            let entry = LabelEntry { action: LabelAction::Swap(set), model: TtlModel::Uniform };
            builder.label(Label::new(label).unwrap(), entry);
        }
        let fib = builder.build();
        assert_eq!((fib.ready().swaps.len(), fib.ready().rewrites.len()), (2, 1 + 2));
        let expected = Operation::Swap { label: 1001 << 12, group: 0 };
        assert_eq!(fib.ready().label(1000).operation(), expected);
    }

    /// One dynamic prefix and one dynamic label.
    fn changeable() -> (Fib, IpNet, Label) {
        let (prefix, label) = ("10.0.0.0/8".parse().unwrap(), Label::new(16).unwrap());
        let mut builder = FibBuilder::new(1);
        builder.dynamic(VrfId(0), prefix).dynamic_label(label);
        (builder.build(), prefix, label)
    }

    #[test]
    fn a_set_that_is_programmed_again_and_again_takes_room_once() {
        let (mut fib, prefix, label) = changeable();
        let push = LabelPush::new(&[100]).unwrap();
        let hop = |port| Member::from(NextHop { push, ..NextHop::port(PortId(port)) });
        // Sixty-four buckets for two members, as resilient hashing has them.
        let sets = [vec![hop(0)], vec![hop(0), hop(1)], [hop(0), hop(1)].repeat(32)];
        let mut round = || {
            for set in &sets {
                fib.program(VrfId(0), prefix, set).unwrap();
                for operation in [
                    LabelOperation::Swap(set),
                    LabelOperation::Pop { payload: Payload::Ipv4, next_hops: set },
                    LabelOperation::PopLookup(VrfId(0)),
                ] {
                    fib.program_label(label, Some(LabelRoute { operation, model: TtlModel::Uniform })).unwrap();
                }
                fib.withdraw(VrfId(0), prefix).unwrap();
                fib.program_label(label, None).unwrap();
            }
            let ready = &fib.ready;
            [fib.next_hops.len(), fib.sets.len(), fib.label_entries.len()]
                .into_iter()
                .chain([ready.routes.len(), ready.swaps.len(), ready.rewrites.len(), ready.known_swaps.len()])
                .collect::<Vec<_>>()
        };
        let first = round();
        for _ in 0..1000 {
            assert_eq!(round(), first);
        }
    }

    #[test]
    fn swaps_beyond_the_last_group_are_left_to_the_long_way() {
        let (mut fib, _, label) = changeable();
        let push = LabelPush::new(&[100]).unwrap();
        let mut is_ready = |mac| {
            let hop = NextHop { push, mac: MacId(mac), ..NextHop::port(PortId(1)) };
            let operation = LabelOperation::Swap(&[hop.into()]);
            fib.program_label(label, Some(LabelRoute { operation, model: TtlModel::Uniform })).unwrap();
            let Some(LabelAction::Swap(set)) = fib.label(16).map(|entry| entry.action) else { panic!("a swap") };
            assert_eq!(fib.members(set), [hop]);
            fib.ready().label(16).operation() != Operation::Unready
        };
        let ready: Vec<_> = (0..=MAX_SWAP_GROUPS as u16).map(&mut is_ready).collect();
        assert_eq!(ready.iter().filter(|&&ready| ready).count(), MAX_SWAP_GROUPS);
        assert_eq!([is_ready(MAX_SWAP_GROUPS as u16), is_ready(0)], [false, true]);
    }
}
