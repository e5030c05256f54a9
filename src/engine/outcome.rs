//! What a run leaves: counts by port, node and source, and the proof that every frame is accounted for.

use crate::control::Noted;
use crate::control::tables::Tables;
use crate::frame::{Count, DropCounts};
use crate::port::InstanceCounts;
use crate::time::{Instant, Span};

/// The outcome of a run. Equal for the same network and sources, whatever the engine and its threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Per node, in the order of the network.
    pub nodes: Vec<NodeOutcome>,
    /// Per source, in the order in which they were given.
    pub sources: Vec<SourceOutcome>,
    /// The frames of all control planes together, if there are any: they are created and consumed by routers.
    pub control: Option<SourceOutcome>,
    /// When the last frame arrived anywhere.
    pub ended: Instant,
}

impl Outcome {
    /// Takes from the counts of ports what they counted in `beginning`, a run of the same network and seed that ended sooner
    /// and had no sources: then they are what passed since. A frame of a control plane that was on its way at the end of the
    /// beginning is of the beginning; if another one took its room here, it counts as dropped beside what passed.
    pub fn since(&mut self, beginning: &Outcome) {
        for (node, before) in self.nodes.iter_mut().zip(&beginning.nodes) {
            for (port, before) in node.ports.iter_mut().zip(&before.ports) {
                port.received.without(before.received);
                port.sent.without(before.sent);
                port.ingress_drops.without(&before.ingress_drops);
                port.egress_drops.without(&before.egress_drops);
                for (sub, before) in port.sub_interfaces.iter_mut().zip(&before.sub_interfaces) {
                    sub.received.without(before.received);
                    sub.sent.without(before.sent);
                    sub.ingress_policed.without(before.ingress_policed);
                    sub.egress_policed.without(before.egress_policed);
                }
            }
        }
    }
}

/// What a node saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeOutcome {
    /// Per port.
    pub ports: Vec<PortOutcome>,
    /// Per instance, what a gateway with limits saw.
    pub instances: Vec<InstanceCounts>,
    /// Frames that the slow path dropped, and that it made but could not send.
    pub slow_path_drops: DropCounts,
    /// Frames that the slow path took for the router, or cut into fragments.
    pub consumed: u64,
    /// Frames that the slow path made.
    pub created: u64,
    /// What arrived for the hosts of this node, of all sources.
    pub delivery: Delivery,
    /// What became of each source's frames at this node, in the order in which sources were given; then those of the
    /// control planes, if there are any.
    pub shares: Vec<Share>,
    /// Frames that were for the router, and that no protocol of its control plane took: they are consumed all the same.
    pub unclaimed: u64,
    /// The tables of its control plane at [`Network::look_at`](super::Network::look_at), what happened then included.
    pub tables: Option<Tables>,
    /// What its control plane noticed and did, in order of time.
    pub log: Vec<Noted>,
}

/// What became of the frames of one source at one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Frames that the source gave here.
    pub offered: Count,
    /// When the first bit of the last of them left for a port, or was dropped there.
    pub last_offered: Option<Instant>,
    /// What was delivered here.
    pub delivery: Delivery,
    /// Frames dropped here, by any part of the node.
    pub drops: DropCounts,
    /// Frames that the slow path made of them here.
    pub created: u64,
    /// Frames that the slow path took here.
    pub consumed: u64,
}

/// What a node leaves at the end of a run.
pub(super) struct Finished {
    pub(super) outcome: NodeOutcome,
    /// Per source, frames that were at the node or on a link to it when the run was cut short.
    pub(super) in_network: Vec<u64>,
    /// When the last frame arrived.
    pub(super) ended: Instant,
}

impl NodeOutcome {
    /// A node that has done nothing yet with the frames of `sources` sources.
    pub(super) fn of(sources: usize) -> Self {
        NodeOutcome { shares: vec![Share::default(); sources], ..NodeOutcome::default() }
    }

    /// Adds up what is counted by source.
    pub(super) fn sum_up(&mut self) {
        for share in &self.shares {
            self.delivery.merge(share.delivery);
            self.created += share.created;
            self.consumed += share.consumed;
        }
    }
}

/// What a port saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortOutcome {
    /// What arrived, frames lost on the link not counted.
    pub received: Count,
    /// What left.
    pub sent: Count,
    /// Dropped on arrival: on the link, by the policer, by forwarding. Their octets are those that came.
    pub ingress_drops: DropCounts,
    /// Dropped on departure: by the policer, at a full buffer, at a port that is down. Their octets are those that would
    /// have left.
    pub egress_drops: DropCounts,
    /// Per sub-interface in the order of the port's table, what passed; nothing unless the port counts them.
    pub sub_interfaces: Vec<SubInterfaceOutcome>,
    /// Different flows that arrived.
    pub received_flows: u64,
    /// Different flows that left.
    pub sent_flows: u64,
    /// When the last bit of the first frame left.
    pub first_sent: Option<Instant>,
    /// When the last bit of the last frame left.
    pub last_sent: Option<Instant>,
    /// A hash over every arrival in its order: instant, headers, length, sequence.
    pub digest: u64,
}

/// What passed a port with the tags of one sub-interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubInterfaceOutcome {
    /// What arrived, those that the policer refused among it.
    pub received: Count,
    /// What left.
    pub sent: Count,
    /// What the policer refused on arrival.
    pub ingress_policed: Count,
    /// What the policer refused on departure.
    pub egress_policed: Count,
}

impl SubInterfaceOutcome {
    /// Adds the counts of `other`.
    pub(super) fn merge(&mut self, other: &SubInterfaceOutcome) {
        self.received.merge(other.received);
        self.sent.merge(other.sent);
        self.ingress_policed.merge(other.ingress_policed);
        self.egress_policed.merge(other.egress_policed);
    }
}

/// What was delivered to a host, and how long it took: from when its source had it due to its last bit's arrival (store and
/// forward), what it waited at the source's own port included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Frames and octets.
    pub count: Count,
    /// The shortest way.
    pub least: Span,
    /// The longest way.
    pub most: Span,
    /// The sum of all.
    pub total_ps: u128,
}

impl Default for Delivery {
    fn default() -> Self {
        Delivery { count: Count::default(), least: Span::MAX, most: Span::ZERO, total_ps: 0 }
    }
}

impl Delivery {
    /// Counts a frame of `octets` sent at `sent` and delivered at `at`.
    #[inline(always)]
    pub fn add(&mut self, octets: u16, sent: Instant, at: Instant) {
        let way = at.since(sent);
        self.count.add(octets);
        (self.least, self.most) = (self.least.min(way), self.most.max(way));
        self.total_ps += u128::from(way.as_ps());
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: Delivery) {
        self.count.merge(other.count);
        (self.least, self.most) = (self.least.min(other.least), self.most.max(other.most));
        self.total_ps += other.total_ps;
    }

    /// The mean way; `None` if nothing was delivered.
    pub fn mean(&self) -> Option<Span> {
        let mean = self.total_ps.checked_div(u128::from(self.count.frames))?;
        Some(Span::from_ps(mean as u64))
    }
}

/// Where the frames of a source are at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceOutcome {
    /// Frames that the source gave, with their octets.
    pub offered: Count,
    /// When the last of them left its host; later than it was due if the host's port was not free.
    pub last_offered: Option<Instant>,
    /// Frames made from its frames: fragments, ICMP errors.
    pub created: u64,
    /// Frames delivered to hosts.
    pub delivered: u64,
    /// Frames dropped, for whatever reason.
    pub dropped: u64,
    /// Frames that routers took.
    pub consumed: u64,
    /// Frames in queues and on links when the run was cut short.
    pub in_network: u64,
}

impl SourceOutcome {
    /// Whether offered + created = delivered + dropped + consumed + in the network.
    pub const fn is_balanced(&self) -> bool {
        self.offered.frames + self.created == self.delivered + self.dropped + self.consumed + self.in_network
    }

    /// Adds what became of the source's frames at one node.
    pub(super) fn add(&mut self, other: &Share) {
        self.offered.merge(other.offered);
        self.last_offered = self.last_offered.max(other.last_offered);
        self.created += other.created;
        self.delivered += other.delivery.count.frames;
        self.dropped += other.drops.total();
        self.consumed += other.consumed;
    }
}

/// What the digest of an input adds for a frame: its time, typed fields and identity. Places for tags and labels that
/// are not in use count as they stand: the datapath leaves the same in them every time.
///
/// The words of a frame are mixed apart from what came before, so that only one multiplication of each waits for the one
/// of the last.
#[inline(always)]
pub fn digest_step(digest: u64, frame: &crate::frame::Frame) -> u64 {
    const ODD: [u64; 7] = [
        0x9e37_79b9_7f4a_7c15,
        0xbf58_476d_1ce4_e5b9,
        0x94d0_49bb_1331_11eb,
        0xd6e8_feb8_6659_fd93,
        0xff51_afd7_ed55_8ccd,
        0xc4ce_b9fe_1a85_ec53,
        0xa076_1d64_78bd_642f,
    ];
    let (id, header) = (&frame.id, &frame.header);
    // Neighbours in memory are one load.
    let pair = |first: u32, second: u32| u64::from(first) | u64::from(second) << 32;
    let [top, second, third] = header.lse;
    // Each word has a factor of its own: of two that shared one, changes could cancel each other.
    let mixed = (frame.at.as_ps().wrapping_mul(ODD[0]))
        .wrapping_add(pair(id.stream.number(), id.seq).wrapping_mul(ODD[1]))
        .wrapping_add(pair(header.tag[0], header.tag[1]).wrapping_mul(ODD[2]))
        .wrapping_add(pair(top, second).wrapping_mul(ODD[3]))
        .wrapping_add(u64::from(third).wrapping_mul(ODD[4]))
        .wrapping_add(header.meta.word().wrapping_mul(ODD[5]));
    (digest.rotate_left(29) ^ mixed).wrapping_mul(ODD[6])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::id::StreamId;

    #[test]
    fn a_digest_knows_every_field_and_the_order() {
        let changes: [fn(&mut Frame); 11] = [
            |_| (),
            |frame| frame.at = Instant::from_ps(1),
            |frame| frame.id.stream = StreamId::new(0, 1),
            |frame| frame.id.seq = 1,
            |frame| frame.header.tag[0] = 1,
            |frame| frame.header.tag[1] = 1,
            |frame| frame.header.lse[0] = 1,
            |frame| frame.header.lse[1] = 1,
            |frame| frame.header.lse[2] = 1,
            |frame| frame.header.meta = frame.header.meta.with_ttl(1),
            |frame| frame.header.meta = frame.header.meta.with_len(1),
        ];
        let frames = changes.map(|change| {
            let mut frame = Frame::default();
            change(&mut frame);
            frame
        });
        let mut seen = std::collections::BTreeSet::new();
        for (a, b) in frames.iter().flat_map(|a| frames.iter().map(move |b| (a, b))) {
            assert!(seen.insert(digest_step(digest_step(0, a), b)), "{a:?} and {b:?} look like two others");
        }
    }
}
