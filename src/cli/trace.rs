//! `biplane trace`: one frame through the reference engine, every stage told; and why it went no further.

use super::{Common, Failure, JsonOut, load, print};
use crate::capture::{CaptureError, CaptureReader};
use crate::engine::reference::{self, Offered};
use crate::engine::{Network, Role, Source};
use crate::frame::Frame;
use crate::id::{NodeId, PortId, StreamId};
use crate::report::trace::{Gather, Trace};
use crate::scenario::{Compiled, Place, Unrouted};
use crate::time::Instant;
use crate::traffic::map::{self, Move};
use crate::wire::ethernet::{FCS_OCTETS, MAX_FRAME_OCTETS};
use clap::{ArgGroup, Args};
use std::path::{Path, PathBuf};

/// Follow one frame through a scenario's network and tell every stage.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("the frame").required(true).args(["hex", "from"]),
    after_help = "\
Examples:
  biplane trace direct --into hq --from office.pcapng --frame 7
  biplane trace lsr --into a --hex '02b100000001 02b100000002 8847 00064140 45...' --json"
)]
pub(super) struct TraceArgs {
    /// The network: a scenario file, or a preset by name
    #[arg(value_name = "SCENARIO|PRESET")]
    scenario: String,

    /// Where the frame enters: a site, a VNet, a connection (its Microsoft end) or node:port
    #[arg(long, value_name = "PLACE")]
    into: String,

    /// The frame in hexadecimal digits from its destination address on, without FCS; spaces, colons, dashes, dots and
    /// commas between them do not matter
    #[arg(long, value_name = "OCTETS")]
    hex: Option<String>,

    /// A capture that has the frame: pcap or pcapng, plain, gzip or zstd
    #[arg(long, value_name = "CAPTURE")]
    from: Option<PathBuf>,

    /// Its number in the capture, from 1
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        conflicts_with = "hex",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    frame: u64,

    /// Move its addresses into the scenario's, checksums put right; may be given again
    #[arg(long, value_name = "OLD=NEW")]
    map: Vec<String>,

    /// What becomes of destinations that the scenario does not know: they go to the cloud side, or are dropped
    #[arg(long, value_name = "WHERE", default_value = "cloud", value_parser = ["cloud", "drop"])]
    unrouted: String,

    #[command(flatten)]
    json: JsonOut,
}

/// What is wrong with the frame that was given.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Something in `--hex` is not a hexadecimal digit.
    #[error(
        "--hex: `{found}` at place {place} is no hexadecimal digit; give octets such as 02b1:0003:0001 or 02 b1 00"
    )]
    HexDigit {
        /// What it is.
        found: char,
        /// Its place in the text, from 1.
        place: usize,
    },
    /// An octet has two digits.
    #[error("--hex: {digits} digits are no whole number of octets; the last octet lacks one")]
    HexOdd {
        /// Digits that there are.
        digits: usize,
    },
    /// No octet at all.
    #[error("--hex: no octets; give the frame from its destination address on")]
    HexEmpty,
    /// A frame that the emulator does not take.
    #[error("the frame has {octets} octets, the emulator takes {} at the most", MAX_FRAME_OCTETS - FCS_OCTETS)]
    TooLong {
        /// Its octets without FCS.
        octets: u32,
    },
    /// The capture cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The capture ends before the frame.
    #[error("{file}: there is no frame {wanted}; {found}")]
    NoSuchFrame {
        /// The capture.
        file: String,
        /// The number asked for.
        wanted: u64,
        /// What the capture has instead.
        found: String,
    },
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Capture(error) => Failure::Runtime(error.to_string()),
            error => Failure::Usage(error.to_string()),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &TraceArgs, common: &Common) -> Result<(), Failure> {
    let mut given = match (&args.hex, &args.from) {
        (Some(hex), _) => Given::of_hex(hex)?,
        (None, Some(path)) => Given::of_capture(path, args.frame)?,
        (None, None) => return Err(Failure::Usage("give a frame: --hex or --from".into())),
    };
    let moves = args.map.iter().map(|text| text.parse::<Move>().map_err(|error| Failure::Usage(error.to_string())));
    map::apply(&moves.collect::<Result<Vec<_>, _>>()?, &mut given.octets);
    let missing = given.wire_octets.saturating_sub(given.octets.len() as u32);
    if missing > 0 {
        common
            .note(&format!("note: the capture lacks the last {missing} octets of the frame, which are taken as zero"));
    }
    let frame = given.frame()?;
    let unrouted = if args.unrouted == "drop" { Unrouted::Drop } else { Unrouted::Cloud };
    let (_, mut compiled) = load(&args.scenario, common, unrouted)?;
    let host = host_at(&mut compiled, &args.into)?;
    let trace = trace(&compiled.network, host, frame);
    if args.json.write(&trace)? { Ok(()) } else { print(&trace.to_string()) }
}

/// The host that offers what enters at `place`; one is put before a port.
fn host_at(compiled: &mut Compiled, place: &str) -> Result<NodeId, Failure> {
    match compiled.find(place).map_err(Failure::Usage)? {
        Place::Host(node) => Ok(node),
        Place::Port(node, port) if matches!(compiled.network.nodes[node.index()].role, Role::Host) => {
            let name = compiled.network.port_name((node, port));
            Err(Failure::Usage(format!("{name} is a port of a host, which takes frames and forwards none")))
        }
        Place::Port(node, port) => Ok(enter_by(&mut compiled.network, (node, port))),
    }
}

/// Puts a host before the port `at`. What a reader looks for is where the frame enters, not what brings it there: so the
/// host is called the wire, and its port after `at`.
pub fn enter_by(network: &mut Network, at: (NodeId, PortId)) -> NodeId {
    let host = network.inject(at);
    let name = network.port_name(at);
    let spec = &mut network.nodes[host.index()];
    spec.name = "the wire".into();
    spec.ports.iter_mut().for_each(|port| port.name.clone_from(&name));
    host
}

/// The way of `frame`, which `host` offers at once, through `network`.
pub fn trace(network: &Network, host: NodeId, mut frame: Frame) -> Trace {
    (frame.id.sent, frame.id.stream) = (Instant::ZERO, StreamId::new(0, 0));
    let mut gather = Gather::new(network);
    let offered = vec![Offered { node: host, frames: Source::Frames(vec![frame]) }];
    reference::run(network, offered, None, &mut |event| gather.watch(event));
    gather.finish()
}

/// A frame as it was given: octets from the destination address on, without FCS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The octets that are at hand.
    pub octets: Vec<u8>,
    /// How many the frame has.
    pub wire_octets: u32,
}

impl Given {
    /// What `text` writes in hexadecimal digits.
    pub fn of_hex(text: &str) -> Result<Self, TraceError> {
        let mut digits = Vec::new();
        for (place, found) in text.chars().enumerate() {
            match found.to_digit(16) {
                Some(digit) => digits.push(digit as u8),
                None if found == 'x' && digits == [0] => digits.clear(),
                None if found.is_whitespace() || matches!(found, ':' | '-' | '.' | ',' | '_') => {}
                None => return Err(TraceError::HexDigit { found, place: place + 1 }),
            }
        }
        let (octets, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(TraceError::HexOdd { digits: digits.len() });
        }
        let octets: Vec<u8> = octets.iter().map(|[high, low]| high << 4 | low).collect();
        if octets.is_empty() {
            return Err(TraceError::HexEmpty);
        }
        Ok(Given { wire_octets: octets.len() as u32, octets })
    }

    /// Frame `number` (from 1) of the capture at `path`.
    pub fn of_capture(path: &Path, number: u64) -> Result<Self, TraceError> {
        let mut reader = CaptureReader::open(path)?;
        let mut last = 0;
        while let Some(record) = reader.next_record()? {
            if record.number == number {
                return Ok(Given { octets: record.octets.to_vec(), wire_octets: record.original_len });
            }
            if record.number > number {
                let found = format!("record {number} is there, but is no Ethernet frame and cannot be made one");
                return Err(TraceError::NoSuchFrame { file: reader.file().into(), wanted: number, found });
            }
            last = record.number;
        }
        let found = match last {
            0 => "it has none".to_string(),
            last => format!("its last frame is {last}"),
        };
        Err(TraceError::NoSuchFrame { file: reader.file().into(), wanted: number, found })
    }

    /// The frame; octets that are not at hand are zero.
    pub fn frame(&self) -> Result<Frame, TraceError> {
        let octets = self.wire_octets.max(self.octets.len() as u32);
        let parsed = Frame::parse(&self.octets, self.wire_octets, None);
        parsed.map(|parsed| parsed.frame).ok_or(TraceError::TooLong { octets })
    }
}
