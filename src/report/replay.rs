//! What a replay found: sources, ports, connections, deliveries, the balance of all frames.

use super::metrics::{Metric, MetricsSpan};
use crate::engine::{Count, Outcome, PortOutcome};
use crate::frame::DropCounts;
use crate::time::PS_PER_S;
use serde::Serialize;

/// The report of a replay. Everything but `engine` is the same for the same scenario, captures and seed.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: &'static str,
    /// `replay`.
    pub command: &'static str,
    /// The version of biplane.
    pub version: &'static str,
    /// The scenario's name.
    pub scenario: String,
    /// The seed of all that is random.
    pub seed: u64,
    /// What was replayed, and where it entered.
    pub sources: Vec<SourceFigures>,
    /// What the network did.
    #[serde(flatten)]
    pub network: NetworkFigures,
    /// How fast it ran on this machine: not part of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
}

/// What a network did in a run: the same for every command that runs one.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkFigures {
    /// Every port of the network.
    pub ports: Vec<PortFigures>,
    /// Routers whose slow path dropped frames; the frames came by a port but count at none.
    pub slow_path_drops: Vec<NodeDrops>,
    /// The circuits' connections and the share of each.
    pub circuits: Vec<Circuit>,
    /// Services at public addresses, and the rest of the internet; nothing without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceFigures>,
    /// What hosts were given.
    pub delivered: Vec<Delivered>,
    /// Frames dropped anywhere, by reason.
    pub dropped: Vec<Dropped>,
    /// Where all frames are at the end.
    pub balance: Balance,
    /// When the last frame arrived anywhere, in picoseconds from the start.
    pub ended_ps: u64,
    /// What metrics are over: from the first frame due to when streams end, or their last frame has left.
    pub metrics_span: MetricsSpan,
    /// What Azure Monitor would show of circuits, ports and gateways.
    pub metrics: Vec<Metric>,
}

/// A source: one replay into one place.
#[derive(Clone, Debug, Serialize)]
pub struct SourceFigures {
    /// Where the frames entered.
    pub into: String,
    /// The captures.
    pub captures: Vec<CaptureFound>,
    /// Frames that entered.
    pub frames: u64,
    /// Their octets as they came from the capture, FCS included.
    pub octets: u64,
    /// Different flows.
    pub flows: u64,
    /// Whether there were more flows than are told apart.
    pub flows_exceeded: bool,
    /// IP frames to destinations that the scenario does not know.
    pub unrouted: u64,
    /// Frames that are not IP.
    pub not_ip: u64,
    /// Frames whose addresses were moved.
    pub moved: u64,
    /// Cut frames that were padded with zeros to their length.
    pub padded: u64,
    /// Cut frames that were left out.
    pub skipped: u64,
    /// Frames over 16 KiB that were left out.
    pub too_long: u64,
    /// Frames of the other side of a split, left to the other source.
    pub other_side: u64,
    /// Frames of other interfaces, left out.
    pub other_interface: u64,
    /// Gaps of the capture that were longer than allowed, and cut to that.
    pub gaps_clamped: u64,
    /// Frames whose time lay before that of the frame before them; they left with it.
    pub timestamp_regressions: u64,
    /// Frames without a time of their own; they left with the one before.
    pub unstamped: u64,
    /// When the last frame was due, in picoseconds from the start.
    pub requested_ps: u64,
    /// When the last bit of the last frame left its host, in picoseconds from the start.
    pub achieved_ps: u64,
    /// The rate that was asked for: all frames but the last, over the time until the last was due; `None` if all were due
    /// at once.
    pub requested: Option<Rate>,
    /// The rate that left: all frames but the last, over the time until the last one's first bit; `None` also if the run
    /// ended before all had left.
    pub achieved: Option<Rate>,
    /// Whether frames were left that were due at the end of the run (`--until`) or later.
    pub ended_early: bool,
    /// What ended the replay before its end.
    pub failed: Option<String>,
}

/// A rate of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Bits per second of frames with their FCS, preamble and gap not counted.
    pub bps: u64,
    /// Frames per second, in thousandths.
    pub millipps: u64,
}

impl Rate {
    /// So many frames and octets in a time; `None` in no time.
    pub fn new(frames: u64, octets: u64, ps: u64) -> Option<Self> {
        let per_second = |amount: u128| {
            let rate = (amount * u128::from(PS_PER_S)).checked_div(u128::from(ps))?;
            Some(u64::try_from(rate).unwrap_or(u64::MAX))
        };
        Some(Rate { bps: per_second(u128::from(octets) * 8)?, millipps: per_second(u128::from(frames) * 1000)? })
    }
}

/// What reading a capture found.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureFound {
    /// The file.
    pub file: String,
    /// Records.
    pub records: u64,
    /// Records of which fewer octets were captured than there were.
    pub snapped: u64,
    /// Records that claim more captured octets than the packet had.
    pub caplen_gt_len: u64,
    /// Records whose sub-second field is a second or more.
    pub subsecond_out_of_range: u64,
    /// Frames that had an FCS, which was taken off.
    pub fcs_removed: u64,
    /// Records that are no Ethernet frames and cannot be made one, by link type or reason.
    pub refused: Vec<Dropped>,
    /// Where the record begins that the end of the file cuts, in octets.
    pub cut_short_at: Option<u64>,
}

/// A count with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// The reason.
    pub reason: String,
    /// Frames.
    pub frames: u64,
}

/// A port, both directions.
#[derive(Clone, Debug, Serialize)]
pub struct PortFigures {
    /// `node:port`.
    pub port: String,
    /// Its speed in bits per second.
    pub speed_bps: u64,
    /// Frames that arrived.
    pub received_frames: u64,
    /// Octets that arrived, FCS included.
    pub received_octets: u64,
    /// Different flows that arrived.
    pub received_flows: u64,
    /// Frames that left.
    pub sent_frames: u64,
    /// Octets that left, FCS included.
    pub sent_octets: u64,
    /// Different flows that left.
    pub sent_flows: u64,
    /// Dropped on arrival.
    pub ingress_drops: Vec<Dropped>,
    /// Dropped on departure.
    pub egress_drops: Vec<Dropped>,
}

/// What the slow path of a router dropped: packets whose TTL ended or that were too large, with no answer to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeDrops {
    /// The router.
    pub node: String,
    /// The reasons.
    pub drops: Vec<Dropped>,
}

/// A circuit and its two connections.
#[derive(Clone, Debug, Serialize)]
pub struct Circuit {
    /// Its name.
    pub circuit: String,
    /// Primary, then secondary.
    pub connections: Vec<Connection>,
}

/// Hosts at public addresses: what came to them by which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceFigures {
    /// The service; `internet` for all hosts there that are none.
    pub service: String,
    /// Its class: `azure`, `microsoft365`, `dns`, `crl`, `cdn`, `front-door`, `traffic-manager` or `internet`.
    pub class: &'static str,
    /// What came over Microsoft peerings: frames.
    pub over_circuits_frames: u64,
    /// Octets, FCS included.
    pub over_circuits_octets: u64,
    /// What came over the internet: frames.
    pub over_internet_frames: u64,
    /// Octets, FCS included.
    pub over_internet_octets: u64,
    /// What it sent: frames.
    pub sent_frames: u64,
    /// Octets, FCS included.
    pub sent_octets: u64,
}

/// A connection: what it carried.
#[derive(Clone, Debug, Serialize)]
pub struct Connection {
    /// `circuit.primary` or `circuit.secondary`.
    pub connection: String,
    /// Towards Microsoft: frames.
    pub in_frames: u64,
    /// Towards Microsoft: octets on the connection, tags and FCS included.
    pub in_octets: u64,
    /// Its share of the circuit's octets towards Microsoft, in thousandths.
    pub in_share_permille: u64,
    /// From Microsoft: frames.
    pub out_frames: u64,
    /// From Microsoft: octets.
    pub out_octets: u64,
    /// Its share of the circuit's octets from Microsoft, in thousandths.
    pub out_share_permille: u64,
}

/// What a host was given.
#[derive(Clone, Debug, Serialize)]
pub struct Delivered {
    /// The host.
    pub host: String,
    /// Frames.
    pub frames: u64,
    /// Octets, FCS included.
    pub octets: u64,
    /// The shortest way from its source, last bit to last bit, in picoseconds.
    pub least_ps: u64,
    /// The mean, in picoseconds.
    pub mean_ps: u64,
    /// The longest, in picoseconds.
    pub most_ps: u64,
}

/// Offered + created = delivered + dropped + consumed + in the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Frames that sources gave.
    pub offered: u64,
    /// Frames that routers made: fragments, ICMP errors.
    pub created: u64,
    /// Frames that hosts were given.
    pub delivered: u64,
    /// Frames dropped.
    pub dropped: u64,
    /// Frames that routers took: for themselves, or cut into fragments.
    pub consumed: u64,
    /// Frames still under way when the run was cut short.
    pub in_network: u64,
}

/// How fast it ran.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Engine {
    /// Threads for the nodes.
    pub threads: usize,
    /// Wall-clock microseconds from the first frame read to the last octet written.
    pub wall_us: u64,
    /// Frames offered per second of wall clock.
    pub frames_per_s: u64,
    /// Arrivals at nodes per second of wall clock.
    pub hops_per_s: u64,
}

/// The reasons that occurred, most frames first.
pub(super) fn by_count(counts: &DropCounts) -> Vec<Dropped> {
    let mut all: Vec<_> =
        counts.iter().map(|(reason, frames)| Dropped { reason: reason.name().into(), frames }).collect();
    all.sort_by_key(|dropped| std::cmp::Reverse(dropped.frames));
    all
}

impl PortFigures {
    /// The figures of a port.
    pub fn new(port: String, speed_bps: u64, outcome: &PortOutcome) -> Self {
        let (Count { frames: received_frames, octets: received_octets }, sent) = (outcome.received, outcome.sent);
        PortFigures {
            port,
            speed_bps,
            received_frames,
            received_octets,
            received_flows: outcome.received_flows,
            sent_frames: sent.frames,
            sent_octets: sent.octets,
            sent_flows: outcome.sent_flows,
            ingress_drops: by_count(&outcome.ingress_drops),
            egress_drops: by_count(&outcome.egress_drops),
        }
    }
}

impl Circuit {
    /// The figures of a circuit: per connection its name, what came by Microsoft's port and what left by it.
    pub fn new(circuit: String, connections: Vec<(String, Count, Count)>) -> Self {
        let total = |of: fn(&(String, Count, Count)) -> Count| connections.iter().map(|c| of(c).octets).sum::<u64>();
        let (all_in, all_out) = (total(|c| c.1), total(|c| c.2));
        let share = |part: u64, all: u64| (part * 1000 + all / 2).checked_div(all).unwrap_or(0);
        let connections = connections.iter().map(|(name, into, out)| Connection {
            connection: name.clone(),
            in_frames: into.frames,
            in_octets: into.octets,
            in_share_permille: share(into.octets, all_in),
            out_frames: out.frames,
            out_octets: out.octets,
            out_share_permille: share(out.octets, all_out),
        });
        Circuit { connections: connections.collect(), circuit }
    }
}

/// What slow paths dropped, by node; `names` are those of the nodes in their order.
pub fn slow_path_drops<'a>(names: impl Iterator<Item = &'a str>, outcome: &Outcome) -> Vec<NodeDrops> {
    let all = names.zip(&outcome.nodes);
    let some = all.map(|(name, node)| NodeDrops { node: name.into(), drops: by_count(&node.slow_path_drops) });
    some.filter(|node| !node.drops.is_empty()).collect()
}

/// Frames dropped anywhere, by reason, most first.
pub fn all_drops(outcome: &Outcome) -> Vec<Dropped> {
    let mut all = DropCounts::default();
    for node in &outcome.nodes {
        all.merge(&node.slow_path_drops);
        for port in &node.ports {
            all.merge(&port.ingress_drops);
            all.merge(&port.egress_drops);
        }
    }
    by_count(&all)
}

impl Balance {
    /// The sum over all sources.
    pub fn new(outcome: &Outcome) -> Self {
        outcome.sources.iter().fold(Balance::default(), |sum, source| Balance {
            offered: sum.offered + source.offered.frames,
            created: sum.created + source.created,
            delivered: sum.delivered + source.delivered,
            dropped: sum.dropped + source.dropped,
            consumed: sum.consumed + source.consumed,
            in_network: sum.in_network + source.in_network,
        })
    }
}
