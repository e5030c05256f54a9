//! What a drill found: what became of each stream, and what the network did.

use super::control::ControlFigures;
use super::replay::{Engine, NetworkFigures};
use super::tables::TableFigures;
use crate::time::PS_PER_S;
use serde::Serialize;

/// The report of a drill. Everything but `engine` is the same for the same scenario and seed.
#[derive(Clone, Debug, Serialize)]
pub struct Drill {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: &'static str,
    /// `drill`.
    pub command: &'static str,
    /// The version of biplane.
    pub version: &'static str,
    /// The scenario's name.
    pub scenario: String,
    /// The seed of all that is random.
    pub seed: u64,
    /// When streams end at the latest, in picoseconds from the start. The run goes on until the network is empty.
    pub duration_ps: u64,
    /// Whether an interrupt ended the run before that: then it is of the part that was run, whose end is not the same twice.
    pub interrupted: bool,
    /// The streams, in the order of the scenario.
    pub streams: Vec<StreamFigures>,
    /// What control planes did, if any ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlFigures>,
    /// The tables of routers, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<TableFigures>,
    /// What the network did.
    #[serde(flatten)]
    pub network: NetworkFigures,
    /// How fast it ran on this machine: not part of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
}

/// A stream: what was asked for, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct StreamFigures {
    /// Its name.
    pub stream: String,
    /// The hosts that sent it.
    pub from: String,
    /// The hosts that were to have it.
    pub to: String,
    /// What the scenario asks for.
    pub asked: Asked,
    /// When its first frame is due, in picoseconds from the start.
    pub begin_ps: u64,
    /// No frame is due then or later.
    pub end_ps: u64,
    /// What left its hosts.
    pub offered: Streamed,
    /// How long after the end the last frame left, in picoseconds: above 0 where the hosts' ports carry less than is asked
    /// of them.
    pub late_ps: u64,
    /// What the hosts were given that were to have it.
    pub delivered: Streamed,
    /// From when a frame is due to the arrival of its last bit, the shortest way, in picoseconds; `None` if none arrived.
    pub least_ps: Option<u64>,
    /// The mean, rounded down.
    pub mean_ps: Option<u64>,
    /// The longest.
    pub most_ps: Option<u64>,
    /// Frames that were offered and neither delivered there nor under way.
    pub lost: u64,
    /// Their share of those that were offered, in parts per million, rounded down.
    pub lost_ppm: u64,
    /// Where frames were dropped, and why: in the order of nodes, then most first. ICMP errors are among them.
    pub drops: Vec<Loss>,
    /// Frames that routers made: ICMP errors.
    pub created: u64,
    /// Frames, ICMP errors too, that other hosts were given.
    pub elsewhere: u64,
    /// Frames that routers took for themselves.
    pub consumed: u64,
    /// Frames under way when the run was interrupted.
    pub in_network: u64,
}

/// What the scenario asks of a stream.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// The rate as it is written.
    pub rate: String,
    /// What the rate counts of a frame: `packet`, `frame` or `wire`; `None` if it counts frames.
    pub counts: Option<&'static str>,
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// Different flows.
    pub flows: u32,
    /// Frame sizes with their weights.
    pub sizes: Vec<FrameSize>,
    /// The differentiated services code point.
    pub dscp: u8,
}

/// A size of frame in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FrameSize {
    /// Octets, FCS included.
    pub octets: u16,
    /// Its share of the frames, relative to the others.
    pub weight: u32,
}

/// Frames of a stream, and their rate from its begin to its end; to when its last frame left, if that was later or the run
/// was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Streamed {
    /// Frames.
    pub frames: u64,
    /// Octets, FCS included.
    pub octets: u64,
    /// Frames per second, in thousandths.
    pub millipps: u64,
    /// Bits per second.
    pub bps: LayerRates,
}

/// Bits per second, by what is counted of a frame. Hosts have no tags: all frames of a size count the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LayerRates {
    /// IP packets.
    pub packet: u64,
    /// Frames with their FCS.
    pub frame: u64,
    /// Frames with preamble and gap.
    pub wire: u64,
}

impl Streamed {
    /// So many frames and octets in a time above zero; `around` are the octets of a frame that are not of its packet, and
    /// those of preamble and gap.
    pub fn new(frames: u64, octets: u64, ps: u64, around: (u64, u64)) -> Self {
        let per_second = |amount: u128| {
            let rate = amount * u128::from(PS_PER_S) / u128::from(ps.max(1));
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        let [each_frame, each_gap] = [around.0, around.1].map(|each| u128::from(each) * u128::from(frames));
        let bps = |octets: u128| per_second(octets * 8);
        let octets_128 = u128::from(octets);
        Streamed {
            frames,
            octets,
            millipps: per_second(u128::from(frames) * 1000),
            bps: LayerRates {
                packet: bps(octets_128.saturating_sub(each_frame)),
                frame: bps(octets_128),
                wire: bps(octets_128 + each_gap),
            },
        }
    }
}

/// Frames of a stream that were dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The node.
    pub place: String,
    /// The reason.
    pub reason: &'static str,
    /// Frames.
    pub frames: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_each_layer() {
        let second = Streamed::new(1000, 64_000, PS_PER_S, (18, 20));
        assert_eq!(second.bps, LayerRates { packet: 368_000, frame: 512_000, wire: 672_000 });
        let half = Streamed::new(1000, 64_000, PS_PER_S / 2, (18, 20));
        assert_eq!((half.millipps, half.bps.frame), (2_000_000, 1_024_000));
    }
}
