//! `biplane trace`: one frame through the reference engine, every stage told; and why it went no further.

use crate::capture::{CaptureError, CaptureReader};
use crate::engine::reference::{self, Offered};
use crate::engine::{LinkSpec, Network, Role};
use crate::frame::Frame;
use crate::id::{NodeId, PortId, StreamId};
use crate::port::{FaultSpec, PortSpec};
use crate::report::trace::{Gather, Trace};
use crate::time::Instant;
use crate::wire::ethernet::{FCS_OCTETS, MAX_FRAME_OCTETS};
use std::path::{Path, PathBuf};

/// Follows one frame through a scenario and tells every stage: what was looked up, what was rewritten, which way was
/// chosen and why, when it left, or why it was dropped.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("frame_given").required(true).args(["hex", "from"]))]
pub struct TraceArgs {
    /// A scenario file, or the name of a preset
    pub scenario: String,
    /// Where the frame enters: a site, a virtual network, a connection such as `london.primary`, or `node:port`
    #[arg(long, value_name = "PORT")]
    pub into: String,
    /// The frame's octets from its destination address on, without FCS; spaces, colons and dashes do not matter
    #[arg(long, value_name = "OCTETS")]
    pub hex: Option<String>,
    /// A capture that has the frame
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Its number in the capture, from 1
    #[arg(long, value_name = "N", default_value_t = 1, requires = "from", value_parser = clap::value_parser!(u64).range(1..))]
    pub frame: u64,
    /// Writes JSON (schema biplane.trace/v1) instead of text
    #[arg(long)]
    pub json: bool,
}

/// What is wrong with the frame or the place where it is to enter.
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

/// Where the frame enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// A host offers it.
    Host(NodeId),
    /// It arrives by this port, as if the other end of the link had sent it.
    Port(NodeId, PortId),
}

/// The way of `frame` through `network`.
pub fn trace(mut network: Network, into: Entrance, mut frame: Frame) -> Trace {
    let node = match into {
        Entrance::Host(node) => node,
        Entrance::Port(node, port) => feed(&mut network, (node, port)),
    };
    (frame.id.sent, frame.id.stream) = (Instant::ZERO, StreamId::new(0, 0));
    let mut gather = Gather::new(&network);
    reference::run(&network, vec![Offered { node, frames: vec![frame] }], None, &mut |event| gather.watch(event));
    gather.finish()
}

/// Puts a host in the place of whatever sends to `port`: its frames arrive there as from the wire.
fn feed(network: &mut Network, to: (NodeId, PortId)) -> NodeId {
    let place = network.links.iter().position(|link| link.to == to);
    let speed = place.map_or(network.port(to).speed, |place| network.port(network.links[place].from).speed);
    let port = PortSpec { buffer_octets: None, ..PortSpec::new(network.port_name(to), speed) };
    let host = network.add("the wire", Role::Host, vec![port]);
    let from = (host, PortId(0));
    match place {
        Some(place) => network.links[place].from = from,
        None => {
            let (delay, faults) = (crate::engine::network::MIN_LINK_DELAY, FaultSpec::default());
            network.links.push(LinkSpec { from, to, delay, faults });
        }
    }
    host
}

/// The frame with the octets that `text` writes in hexadecimal digits.
pub fn frame_of_hex(text: &str) -> Result<Frame, TraceError> {
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
    parse(&octets, octets.len() as u32)
}

/// Frame `number` (from 1) of the capture at `path`. What a snap length cut off is zero padding.
pub fn frame_of_capture(path: &Path, number: u64) -> Result<Frame, TraceError> {
    let mut reader = CaptureReader::open(path)?;
    let mut last = 0;
    while let Some(record) = reader.next_record()? {
        if record.number == number {
            return parse(record.octets, record.original_len);
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

fn parse(octets: &[u8], wire_octets: u32) -> Result<Frame, TraceError> {
    let whole = wire_octets.max(octets.len() as u32);
    Frame::parse(octets, wire_octets, None).map(|parsed| parsed.frame).ok_or(TraceError::TooLong { octets: whole })
}
