//! Next hops made ready for the short way: what is written on a frame as words, masks and counts, a line of memory each.

use super::next_hop::{NextHop, PcpRule, TagRule, Target, TcRule, TtlModel};
use crate::frame::MetaChange;
use crate::id::PortId;
use crate::wire::mpls::Lse;
use crate::wire::vlan::Tag;

/// Labels that a rewrite pushes at the most.
const MAX_LABELS: usize = 3;

/// What a next hop writes on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C, align(64))]
pub struct Rewrite {
    change: MetaChange,
    tags: [u32; 2],
    /// Pushed entries, top first.
    lses: [u32; MAX_LABELS],
    /// Which bits of the pushed entries come from the frame: its class, its TTL.
    lse_mask: u32,
    /// Which bits of the tags come from the frame's class.
    pcp_mask: u32,
    /// Octets of the largest packet that goes, the pushed labels not counted.
    room: u16,
    labels: u8,
    usable: bool,
    port: u16,
}

const _: () = assert!(size_of::<Rewrite>() == 64);

impl Rewrite {
    /// A next hop that the short way leaves to the long one.
    pub const NONE: Rewrite = Rewrite {
        change: MetaChange::new(crate::id::MacId(0), 0, 0),
        tags: [0; 2],
        lses: [0; MAX_LABELS],
        lse_mask: 0,
        pcp_mask: 0,
        room: 0,
        labels: 0,
        usable: false,
        port: 0,
    };

    /// `next_hop` made ready; [`NONE`](Self::NONE) if it is no port, keeps tags, or pushes an entropy label or more
    /// labels than fit inline.
    pub fn new(next_hop: &NextHop) -> Self {
        let labels = next_hop.push.labels();
        let (Target::Port(port), TagRule::Push { tags, count, pcp }) = (next_hop.target, next_hop.tags) else {
            return Rewrite::NONE;
        };
        if labels.len() > MAX_LABELS || (next_hop.push.entropy && !labels.is_empty()) {
            return Rewrite::NONE;
        }
        let (tc, tc_mask) = match next_hop.push.tc {
            TcRule::Copy => (0, 7),
            TcRule::Fixed(tc) => (tc, 0),
        };
        let (ttl, ttl_mask) = match next_hop.push.ttl {
            TtlModel::Uniform => (0, 0xff),
            TtlModel::Pipe { ttl } | TtlModel::ShortPipe { ttl } => (ttl, 0),
        };
        let mut lses = [0; MAX_LABELS];
        for (place, &label) in labels.iter().enumerate() {
            lses[place] = Lse::new(label, tc, place + 1 == labels.len(), ttl).0;
        }
        let pushed = next_hop.push.octets();
        let (tags, pcp_mask) = match pcp {
            PcpRule::Fixed => (tags, 0),
            PcpRule::Copy => (tags.map(|tag| tag.with_priority(0, false)), Tag::new(0, 7, false, 0).0),
        };
        Rewrite {
            change: MetaChange::new(next_hop.mac, count, labels.len() as u8),
            tags: tags.map(|tag| tag.0),
            lses,
            lse_mask: Lse::new(0, tc_mask, false, ttl_mask).0,
            pcp_mask,
            room: next_hop.mtu.saturating_sub(pushed),
            labels: labels.len() as u8,
            usable: pushed <= next_hop.mtu,
            port: port.0,
        }
    }

    /// `next_hop` made ready for frames whose top label is swapped: its own label is written by the label map.
    pub fn swap(next_hop: &NextHop) -> Self {
        Rewrite::new(&NextHop { push: super::LabelPush::NONE, ..*next_hop })
    }

    /// Whether a packet of `octets` goes this way.
    #[inline(always)]
    pub fn takes(&self, octets: u16) -> bool {
        self.usable && octets <= self.room
    }

    /// Labels that are pushed: 0 to 3.
    #[inline(always)]
    pub fn labels(&self) -> u8 {
        self.labels
    }

    /// What changes in the frame's word.
    #[inline(always)]
    pub fn change(&self) -> MetaChange {
        self.change
    }

    /// The tags of a frame of `class`.
    #[inline(always)]
    pub fn tags(&self, class: u8) -> [u32; 2] {
        let pcp = u32::from(class) << 13 & self.pcp_mask;
        [self.tags[0] | pcp, self.tags[1] | pcp]
    }

    /// The pushed entries, top first, of a frame of `class` whose packet has TTL `inner`.
    #[inline(always)]
    pub fn lses(&self, class: u8, inner: u8) -> [u32; MAX_LABELS] {
        let own = (u32::from(class) << 9 | u32::from(inner)) & self.lse_mask;
        [self.lses[0] | own, self.lses[1] | own, self.lses[2] | own]
    }

    /// The port to leave by.
    #[inline(always)]
    pub fn port(&self) -> PortId {
        PortId(self.port)
    }
}
