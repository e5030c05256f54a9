//! Next hops: where a frame goes and what is written on it: labels, tags, addresses.

use crate::frame::DropReason;
use crate::id::{MacId, PortId};
use crate::wire::mpls::{self, Lse};
use crate::wire::vlan::Tag;

/// Labels that one next hop pushes at the most (an entropy label pair comes on top of that).
pub const MAX_PUSH: usize = 6;

/// What becomes of a frame that a table entry matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// It leaves by a port.
    Port(PortId),
    /// It is for this router itself.
    Local,
    /// It is dropped, for this reason.
    Discard(DropReason),
    /// Its addresses are translated, and it is looked up again.
    Translate(Translation),
}

/// Which address of a packet is translated, by which pool of the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Translation {
    /// The source, on the way out: it becomes one of this pool.
    Outward(u8),
    /// The destination, on the way in: it is one of this pool.
    Inward(u8),
}

/// How TTL and TC of a label and of what lies beneath it go together (RFC 3443, RFC 3270).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TtlModel {
    /// The whole path counts: copied down at push, up at pop.
    Uniform,
    /// The path counts as one hop: the label begins with the TTL given, what lies beneath is left alone.
    Pipe {
        /// TTL of a pushed label.
        ttl: u8,
    },
    /// As pipe, with forwarding at the egress by what lies beneath (RFC 3443 §3.3).
    ShortPipe {
        /// TTL of a pushed label.
        ttl: u8,
    },
}

impl TtlModel {
    /// Whether what lies beneath takes over the outer TTL at a pop.
    #[inline(always)]
    pub const fn is_uniform(self) -> bool {
        matches!(self, TtlModel::Uniform)
    }

    /// The TTL of a pushed label above a packet whose TTL is `inner`.
    #[inline(always)]
    pub const fn pushed(self, inner: u8) -> u8 {
        match self {
            TtlModel::Uniform => inner,
            TtlModel::Pipe { ttl } | TtlModel::ShortPipe { ttl } => ttl,
        }
    }
}

/// The traffic class of a pushed label (RFC 5462).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcRule {
    /// The class of the frame: its IP precedence, TC or PCP.
    Copy,
    /// Always the same, 0 to 7.
    Fixed(u8),
}

/// The labels that a next hop puts on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LabelPush {
    labels: [u32; MAX_PUSH],
    count: u8,
    /// TTL of the pushed labels.
    pub ttl: TtlModel,
    /// Traffic class of the pushed labels.
    pub tc: TcRule,
    /// Whether an entropy label pair (RFC 6790) goes beneath the topmost of them.
    pub entropy: bool,
}

impl LabelPush {
    /// No label.
    pub const NONE: LabelPush =
        LabelPush { labels: [0; MAX_PUSH], count: 0, ttl: TtlModel::Uniform, tc: TcRule::Copy, entropy: false };

    /// `labels`, top first, in the uniform model. `None` if there are over [`MAX_PUSH`], or one may not be on the wire:
    /// it must be an explicit null or 16 to 1048575.
    pub fn new(labels: &[u32]) -> Option<Self> {
        let may_be = |&label: &u32| {
            matches!(
                label,
                mpls::IPV4_EXPLICIT_NULL | mpls::IPV6_EXPLICIT_NULL | mpls::FIRST_ORDINARY..=mpls::MAX_LABEL
            )
        };
        if labels.len() > MAX_PUSH || !labels.iter().all(may_be) {
            return None;
        }
        let mut push = LabelPush { count: labels.len() as u8, ..LabelPush::NONE };
        push.labels[..labels.len()].copy_from_slice(labels);
        Some(push)
    }

    /// The labels, top first.
    #[inline(always)]
    pub fn labels(&self) -> &[u32] {
        &self.labels[..usize::from(self.count)]
    }

    /// Octets that the push adds.
    #[inline(always)]
    pub fn octets(&self) -> u16 {
        (u16::from(self.count) + if self.entropy && self.count > 0 { 2 } else { 0 }) * mpls::LSE_OCTETS
    }

    /// The stack entry of `label` on a frame of `class` whose packet has TTL `inner`.
    #[inline(always)]
    pub fn lse(&self, label: u32, class: u8, inner: u8, bottom: bool) -> Lse {
        let tc = match self.tc {
            TcRule::Copy => class,
            TcRule::Fixed(tc) => tc,
        };
        Lse::new(label, tc, bottom, self.ttl.pushed(inner))
    }
}

/// The priority of pushed tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PcpRule {
    /// As the tags of the rule say.
    Fixed,
    /// Routed: the class of the frame, DEI clear. Layer 2: PCP and DEI of the outer tag as it came.
    Copy,
}

/// What a next hop does with 802.1Q tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagRule {
    /// The tags that came are left as they are.
    Keep,
    /// The tags that came are gone; these, outermost first, are pushed.
    Push {
        /// The tags; those from `count` on do not matter.
        tags: [Tag; 2],
        /// 0 to 2.
        count: u8,
        /// Their priority.
        pcp: PcpRule,
    },
}

impl TagRule {
    /// No tag on the way out.
    pub const UNTAGGED: TagRule = TagRule::Push { tags: [Tag(0); 2], count: 0, pcp: PcpRule::Fixed };

    /// These tags, outermost first.
    ///
    /// # Panics
    /// Over two tags.
    pub fn push(tags: &[Tag], pcp: PcpRule) -> Self {
        let mut two = [Tag(0); 2];
        two[..tags.len()].copy_from_slice(tags);
        TagRule::Push { tags: two, count: tags.len() as u8, pcp }
    }
}

/// A next hop: where to, and what is written on the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// Where to.
    pub target: Target,
    /// The addresses on the way out; 0 leaves them as they are.
    pub mac: MacId,
    /// The largest packet in octets that the link takes: labels counted, tags and Ethernet header not.
    pub mtu: u16,
    /// Tags on the way out.
    pub tags: TagRule,
    /// Labels pushed.
    pub push: LabelPush,
}

impl NextHop {
    /// A next hop by `port` that writes nothing, with an MTU of 1500.
    pub const fn port(port: PortId) -> Self {
        NextHop { target: Target::Port(port), mac: MacId(0), mtu: 1500, tags: TagRule::UNTAGGED, push: LabelPush::NONE }
    }

    /// This router itself.
    pub const LOCAL: NextHop = NextHop { target: Target::Local, ..NextHop::port(PortId(0)) };

    /// Address translation, for packets of `mtu` octets at the most: what is longer is answered before it is translated.
    pub const fn translate(translation: Translation, mtu: u16) -> Self {
        NextHop { target: Target::Translate(translation), mtu, ..NextHop::port(PortId(0)) }
    }

    /// Dropped, for `reason`.
    pub const fn discard(reason: DropReason) -> Self {
        NextHop { target: Target::Discard(reason), ..NextHop::port(PortId(0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labels_that_may_be_on_the_wire_are_pushed() {
        assert!(LabelPush::new(&[16, 1_048_575, 0, 2]).is_some());
        for bad in [1, 3, 7, 15, 1 << 20] {
            assert!(LabelPush::new(&[bad]).is_none(), "{bad}");
        }
        assert!(LabelPush::new(&[100; MAX_PUSH]).is_some() && LabelPush::new(&[100; MAX_PUSH + 1]).is_none());
    }

    #[test]
    fn an_entropy_pair_counts_only_with_a_label_above_it() {
        let push = |labels: &[u32]| LabelPush { entropy: true, ..LabelPush::new(labels).unwrap() };
        assert_eq!((push(&[100, 200]).octets(), push(&[]).octets()), (16, 0));
    }
}
