//! What can be typed after `biplane replay`.

use crate::cli::JsonOut;
use crate::cli::metrics::MetricsOut;
use crate::traffic::replay::CutFrames;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Push captures through a scenario's network and report what became of each frame.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  biplane replay office.pcapng --through direct --into hq --out out.pcapng
  biplane replay both.pcapng --through direct --into hq --into prod --split auto
  biplane replay --through direct --into hq=up.pcap --into prod=down.pcap
  biplane replay labels.pcap --through lsr --into a --topspeed --loop 100
  biplane replay old.pcap --through direct --into hq --map 10.1.0.0/16=10.10.0.0/16")]
pub(in crate::cli) struct ReplayArgs {
    /// Capture files, one after another: pcap or pcapng, plain, gzip or zstd; `-` is standard input
    #[arg(value_name = "CAPTURE")]
    pub(super) captures: Vec<PathBuf>,

    /// The network: a scenario file, or a preset by name
    #[arg(long, value_name = "SCENARIO|PRESET")]
    pub(super) through: String,

    /// Where the frames enter: a site, a VNet, a connection (its Microsoft end) or node:port; with =FILE it has a capture
    /// of its own, with =FILE@INTERFACE one interface of a pcapng file
    #[arg(long, value_name = "PLACE[=FILE]", required = true)]
    pub(super) into: Vec<String>,

    /// Tell the two directions of a capture apart: what is sent from PREFIX goes into the first place, the rest into the
    /// second; `auto` goes by who speaks to whom
    #[arg(long, value_name = "PREFIX|auto")]
    pub(super) split: Option<String>,

    /// Play X times as fast as captured: 2, 0.5, 1e-7
    #[arg(long, value_name = "X", group = "pace", help_heading = "Timing")]
    pub(super) speed: Option<String>,

    /// Play frames evenly, so many a second: 1000, 1.5M
    #[arg(long, value_name = "RATE", group = "pace", help_heading = "Timing")]
    pub(super) pps: Option<String>,

    /// Play at a bit rate, counting frames with their FCS: 500M, 4Gbps
    #[arg(long, value_name = "RATE", group = "pace", help_heading = "Timing")]
    pub(super) rate: Option<String>,

    /// Play back to back at the speed of the port that the frames leave by
    #[arg(long, group = "pace", help_heading = "Timing")]
    pub(super) topspeed: bool,

    /// Play everything N times
    #[arg(long = "loop", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Timing")]
    pub(super) rounds: u64,

    /// Stop after N frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Timing")]
    pub(super) limit: Option<u64>,

    /// Take a longer gap between two frames of a capture for this one: 10s
    #[arg(long, value_name = "TIME", help_heading = "Timing")]
    pub(super) max_gap: Option<String>,

    /// Cut the run short at this time after its start
    #[arg(long, value_name = "TIME", help_heading = "Timing")]
    pub(super) until: Option<String>,

    /// Frames that the capture's snap length cut: pad them with zeros to their length, send what there is, or leave
    /// them out
    #[arg(long, value_enum, default_value_t = Cut::Pad, help_heading = "Frames")]
    pub(super) cut: Cut,

    /// Move addresses into the scenario's, checksums put right; may be given again
    #[arg(long, value_name = "OLD=NEW", help_heading = "Frames")]
    pub(super) map: Vec<String>,

    /// What becomes of destinations that the scenario does not know
    #[arg(long, value_enum, default_value_t = Unrouted::Cloud, help_heading = "Frames")]
    pub(super) unrouted: Unrouted,

    /// Write what left the observed ports, and all that was dropped and why, to one pcapng file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) out: Option<PathBuf>,

    /// Observe this port for --out; may be given again [default: both ends of every connection, else all router ports]
    #[arg(long, value_name = "PORT", requires = "out", help_heading = "Output")]
    pub(super) observe: Vec<String>,

    /// Write what left one port to a pcapng file of its own; may be given again
    #[arg(long, value_name = "PORT=FILE", help_heading = "Output")]
    pub(super) write: Vec<String>,

    /// Unit of the time stamps written: ps is exact, but Wireshark before 4.2 misreads it
    #[arg(long, value_enum, default_value_t = StampUnit::Ns, help_heading = "Output")]
    pub(super) stamps: StampUnit,

    #[command(flatten, next_help_heading = "Output")]
    pub(super) json: JsonOut,

    #[command(flatten)]
    pub(super) metrics: MetricsOut,
}

/// What is done with cut frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Cut {
    Pad,
    AsCaptured,
    Skip,
}

impl From<Cut> for CutFrames {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Pad => CutFrames::Pad,
            Cut::AsCaptured => CutFrames::AsCaptured,
            Cut::Skip => CutFrames::Skip,
        }
    }
}

/// Where unknown destinations go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Unrouted {
    /// Through the circuit to its far side, counted
    Cloud,
    /// Nowhere, counted
    Drop,
}

/// The unit of time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StampUnit {
    Ns,
    Ps,
}
