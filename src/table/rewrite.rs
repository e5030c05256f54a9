//! Next hops made ready for the short way: what is written on a frame as words and masks, half a line of memory each.

use super::next_hop::{NextHop, PcpRule, TagRule, Target, TcRule, TtlModel};
use crate::frame::MetaChange;
use crate::id::PortId;
use crate::wire::ethernet::{FCS_OCTETS, HEADER_OCTETS};
use crate::wire::mpls::Lse;

/// Labels that a rewrite pushes at the most.
const MAX_LABELS: usize = 3;

/// What a next hop writes on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C, align(32))]
pub struct Rewrite {
    change: MetaChange,
    tags: [u32; 2],
    /// Pushed entries, top first.
    lses: [u32; MAX_LABELS],
    /// Octets of the largest frame that goes, as it leaves; 0 if none does.
    most: u16,
    port: u8,
    /// Which bits of what is pushed come from the frame.
    copies: u8,
}

const _: () = assert!(size_of::<Rewrite>() == 32);

/// The pushed entries have the TTL of the packet.
const TTL: u8 = 1;
/// They have the class of the frame.
const TC: u8 = 2;
/// The tags have the class of the frame.
const PCP: u8 = 4;

/// By [`TTL`] and [`TC`], the bits of a pushed entry that come from the frame.
const LSE_MASKS: [u32; 4] = [
    Lse::new(0, 0, false, 0).0,
    Lse::new(0, 0, false, 255).0,
    Lse::new(0, 7, false, 0).0,
    Lse::new(0, 7, false, 255).0,
];

impl Rewrite {
    /// A next hop that the short way leaves to the long one.
    pub const NONE: Rewrite = Rewrite {
        change: MetaChange::new(crate::id::MacId(0), 0, 0),
        tags: [0; 2],
        lses: [0; MAX_LABELS],
        most: 0,
        port: 0,
        copies: 0,
    };

    /// `next_hop` made ready; [`NONE`](Self::NONE) if it is no port, keeps tags, or pushes an entropy label or more
    /// labels than fit inline; or if its port is beyond 255.
    pub fn new(next_hop: &NextHop) -> Self {
        let labels = next_hop.push.labels();
        let (Target::Port(port), TagRule::Push { tags, count, pcp }) = (next_hop.target, next_hop.tags) else {
            return Rewrite::NONE;
        };
        if labels.len() > MAX_LABELS || (next_hop.push.entropy && !labels.is_empty()) {
            return Rewrite::NONE;
        }
        let (tc, copies_tc) = match next_hop.push.tc {
            TcRule::Copy => (0, TC),
            TcRule::Fixed(tc) => (tc, 0),
        };
        let (ttl, copies_ttl) = match next_hop.push.ttl {
            TtlModel::Uniform => (0, TTL),
            TtlModel::Pipe { ttl } | TtlModel::ShortPipe { ttl } => (ttl, 0),
        };
        let mut lses = [0; MAX_LABELS];
        for (place, &label) in labels.iter().enumerate() {
            lses[place] = Lse::new(label, tc, place + 1 == labels.len(), ttl).0;
        }
        let (tags, copies_pcp) = match pcp {
            PcpRule::Fixed => (tags, 0),
            PcpRule::Copy => (tags.map(|tag| tag.with_priority(0, false)), PCP),
        };
        let framing = HEADER_OCTETS as u16 + FCS_OCTETS + 4 * u16::from(count);
        let fits = next_hop.push.octets() <= next_hop.mtu;
        let Ok(port) = u8::try_from(port.0) else { return Rewrite::NONE };
        Rewrite {
            change: MetaChange::new(next_hop.mac, count, labels.len() as u8),
            tags: tags.map(|tag| tag.0),
            lses,
            most: if fits { next_hop.mtu.saturating_add(framing) } else { 0 },
            port,
            copies: copies_tc | copies_ttl | copies_pcp,
        }
    }

    /// `next_hop` made ready for frames whose top label is swapped: its own label is written by the label map.
    pub fn swap(next_hop: &NextHop) -> Self {
        Rewrite::new(&NextHop { push: super::LabelPush::NONE, ..*next_hop })
    }

    /// Whether a frame of `octets`, as it leaves, goes this way.
    #[inline(always)]
    pub fn takes(&self, octets: u16) -> bool {
        octets <= self.most
    }

    /// Labels that are pushed: 0 to 3.
    #[inline(always)]
    pub fn labels(&self) -> u8 {
        self.change.labels()
    }

    /// What changes in the frame's word.
    #[inline(always)]
    pub fn change(&self) -> MetaChange {
        self.change
    }

    /// The tags of a frame of `class`.
    #[inline(always)]
    pub fn tags(&self, class: u8) -> [u32; 2] {
        let pcp = if self.copies & PCP == 0 { 0 } else { u32::from(class) << 13 };
        [self.tags[0] | pcp, self.tags[1] | pcp]
    }

    /// The pushed entries, top first, of a frame of `class` whose packet has TTL `inner`.
    #[inline(always)]
    pub fn lses(&self, class: u8, inner: u8) -> [u32; MAX_LABELS] {
        let own = (u32::from(class) << 9 | u32::from(inner)) & LSE_MASKS[usize::from(self.copies & (TTL | TC))];
        [self.lses[0] | own, self.lses[1] | own, self.lses[2] | own]
    }

    /// The port to leave by.
    #[inline(always)]
    pub fn port(&self) -> PortId {
        PortId(self.port.into())
    }
}
