//! The tables of the short way: label map and routes in one word an entry, next hops as rewrites.
//!
//! They say the same as the FIB's full tables, or nothing; what they leave out goes the long way.

use super::fib::{LabelAction, LabelEntry, NextHopSet, Payload, spread};
use super::next_hop::NextHop;
use super::rewrite::Rewrite;
use crate::frame::Kind;
use crate::id::VrfId;
use std::collections::HashMap;

/// A run of rewrites among which the flow hash chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    first: u32,
    count: u32,
}

impl Group {
    /// The one that has only [`Rewrite::NONE`], which takes no frame.
    const NONE: Group = Group { first: 0, count: 1 };
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
}

impl Ready {
    /// Makes ready what can be: `sets` are those that routes lead to, `labels` the label map, `slots` the number of labels
    /// up to the largest.
    pub(super) fn new(
        next_hops: &[NextHop],
        sets: &[NextHopSet],
        labels: &[(u32, LabelEntry)],
        slots: usize,
        hash_seed: u32,
    ) -> Self {
        let (ilm, rewrites) = (vec![IlmWord(0); slots].into(), vec![Rewrite::NONE]);
        let mut ready = Ready { ilm, rewrites, hash_seed, ..Ready::default() };
        let (mut known_swaps, mut known_sets) = (HashMap::new(), HashMap::new());
        for (place, set) in sets.iter().enumerate() {
            ready.route(set.members(next_hops));
            known_sets.insert(*set, place);
        }
        for (label, entry) in labels {
            let word = match entry.action {
                LabelAction::Swap(set) => ready.swap(set.members(next_hops), &mut known_swaps),
                LabelAction::PopLookup(vrf) => Some(POP_LOOKUP << 30 | u32::from(vrf.0)),
                LabelAction::Pop { payload, next_hops: set } => {
                    let place = *known_sets.entry(set).or_insert_with(|| {
                        ready.route(set.members(next_hops));
                        ready.routes.len() - 1
                    });
                    let kind = match payload {
                        Payload::Ipv4 => Some(0),
                        Payload::Ipv6 => Some(IPV6),
                        Payload::Labels => None,
                    };
                    kind.filter(|_| place < MAX_SETS).map(|kind| POP << 30 | kind | place as u32)
                }
                LabelAction::PopPseudowire { .. } => None,
            };
            let uniform = match entry.action {
                LabelAction::Swap(_) => 0,
                _ if entry.model.is_uniform() => UNIFORM,
                _ => 0,
            };
            ready.ilm[*label as usize] = IlmWord(word.map_or(0, |word| word | uniform));
        }
        ready
    }

    /// Adds the group of a set of next hops.
    fn route(&mut self, members: &[NextHop]) {
        let rewrites: Vec<_> = members.iter().map(Rewrite::new).collect();
        let group = self.group(&rewrites);
        self.routes.push(group);
    }

    /// A group of its own for `rewrites`; the one that takes no frame if one of them is not usable.
    fn group(&mut self, rewrites: &[Rewrite]) -> Group {
        if rewrites.is_empty() || rewrites.contains(&Rewrite::NONE) {
            return Group::NONE;
        }
        let group = Group { first: self.rewrites.len() as u32, count: rewrites.len() as u32 };
        self.rewrites.extend_from_slice(rewrites);
        group
    }

    /// The word of a swap for one label at all of `members`.
    fn swap(&mut self, members: &[NextHop], known: &mut HashMap<Vec<Rewrite>, usize>) -> Option<u32> {
        let [label] = members.first()?.push.labels() else { return None };
        if members.iter().any(|next_hop| next_hop.push.labels() != [*label] || next_hop.push.entropy) {
            return None;
        }
        let rewrites: Vec<_> = members.iter().map(Rewrite::swap).collect();
        let place = match known.get(&rewrites) {
            Some(&place) => place,
            None if self.swaps.len() == MAX_SWAP_GROUPS || rewrites.contains(&Rewrite::NONE) => return None,
            None => {
                let group = self.group(&rewrites);
                self.swaps.push(group);
                known.insert(rewrites, self.swaps.len() - 1);
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
    use crate::table::{Fib, FibBuilder, LabelPush, TtlModel};
    use crate::wire::mpls::Label;

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
}
