//! Generated traffic: flows of UDP at a constant rate, as a specification and the frames that follow from it; it runs
//! nothing.
//!
//! ```text
//! StreamSpec -> a template for each flow and size (shared, in Templates)
//!           \-> Generator: frames in order of time, each a flow's number and a size's number
//! ```

mod address;
mod error;
mod generator;
mod load;
mod plan;
mod template;

pub use address::AddressRange;
pub use error::StreamError;
pub use generator::Generator;
pub use load::{StreamLoad, StreamPace};

use super::schedule::Ratio;
use crate::frame::Templates;
use crate::time::{Instant, PortSpeed, Span};
use crate::wire::ethernet::Mac;
use crate::wire::vlan::Tag;

/// Flows of one stream at the most.
pub const MAX_STREAM_FLOWS: u32 = 1 << 20;

/// Frames of one round of sizes at the most: the weights in lowest terms, added up.
pub const MAX_ROUND: u64 = 1 << 16;

/// The simple IMIX: IP packets of 40, 576 and 1500 octets at 7 : 4 : 1, as the test equipment makers have had it since
/// about 2000; as Ethernet frames with FCS they have 64 (the smallest), 594 and 1518 octets. RFC 6985 writes such mixes
/// down, and leaves the choice of one to the tester.
pub const IMIX: [(u16, u32); 3] = [(64, 7), (594, 4), (1518, 1)];

/// The port that packets go to unless said: discard (RFC 863).
pub const DISCARD_PORT: u16 = 9;

/// A stream as it is asked for: UDP packets without options, their payload all zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// Where packets come from.
    pub from: AddressRange,
    /// Where packets go.
    pub to: AddressRange,
    /// Different 5-tuples: both ranges are walked from their first address to their last; where they have fewer
    /// addresses, source ports from 1024 on tell flows apart (RFC 4814 §4.5), then destination ports.
    pub flows: u32,
    /// How long frames are.
    pub sizes: FrameSizes,
    /// How many there are.
    pub rate: Rate,
    /// When the first frame is sent.
    pub begin: Instant,
    /// No frame is sent then or later; only `frames` ends the stream if `None`.
    pub end: Option<Instant>,
    /// Frames at the most; only `end` ends the stream if `None`.
    pub frames: Option<u64>,
    /// What the orders of flows and of sizes are drawn from.
    pub seed: u64,
    /// Tags, outermost first: two at the most.
    pub tags: Vec<Tag>,
    /// Where frames go.
    pub destination_mac: Mac,
    /// Where frames come from.
    pub source_mac: Mac,
    /// The UDP port that packets go to.
    pub destination_port: u16,
    /// The TTL or hop limit.
    pub ttl: u8,
    /// The traffic class octet: DSCP and ECN.
    pub traffic_class: u8,
    /// Whether IPv4 packets must not be cut. All have the identification 0, as RFC 6864 §4.1 allows for such packets; of
    /// those that may be cut, the fragments of one flow cannot be told apart.
    pub dont_fragment: bool,
}

/// How long the frames of a stream are on the wire: tags and FCS counted, preamble and gap not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameSizes {
    /// All the same.
    One(u16),
    /// [`IMIX`].
    Imix,
    /// Sizes, each with its weight: the share of frames, not of octets.
    Weighted(Vec<(u16, u32)>),
}

/// How many frames there are: exactly, to the picosecond, over any length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Frames a second, whatever their size.
    Frames(u64),
    /// Bits a second, and what counts of a frame.
    Bits(u64, Layer),
    /// This share (one at the most) of what a port can send.
    Line(PortSpeed, Ratio),
}

/// What counts of a frame when bits are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Layer 1: preamble, frame, gap.
    Wire,
    /// Layer 2: the frame, FCS and tags included.
    Frame,
    /// Layer 3: the IP packet.
    Packet,
}

impl StreamSpec {
    /// Lets it begin and end so much later.
    pub fn delay(&mut self, by: Span) {
        self.begin = self.begin.saturating_add(by);
        self.end = self.end.map(|end| end.saturating_add(by));
    }

    /// A stream without tags and without end, from the start of the run.
    pub fn new(from: AddressRange, to: AddressRange, flows: u32, sizes: FrameSizes, rate: Rate) -> Self {
        StreamSpec {
            from,
            to,
            flows,
            sizes,
            rate,
            begin: Instant::ZERO,
            end: None,
            frames: None,
            seed: 0,
            tags: Vec::new(),
            destination_mac: Mac::local(0, 1),
            source_mac: Mac::local(0, 0),
            destination_port: DISCARD_PORT,
            ttl: 64,
            traffic_class: 0,
            dont_fragment: true,
        }
    }

    /// Why there can be no such stream, if there cannot.
    pub fn check(&self) -> Result<(), StreamError> {
        plan::Plan::new(self).map(drop)
    }

    /// Makes this stream the next source of those that `templates` knows: puts its bodies there. The generator's
    /// [`source`](Generator::source) is the place that the source must have among the sources of a run.
    ///
    /// # Panics
    /// If it would be the 65th source.
    pub fn generator(&self, templates: &mut Templates) -> Result<Generator, StreamError> {
        let plan = plan::Plan::new(self)?;
        let (bodies, hashes) = template::bodies(self, &plan);
        let source = templates.add_source_of_sizes(plan.sizes.len(), bodies);
        Ok(Generator::new(self, &plan, source as u8, &hashes))
    }
}

impl FrameSizes {
    /// The sizes and their weights.
    pub fn weights(&self) -> Vec<(u16, u32)> {
        match self {
            FrameSizes::One(octets) => vec![(*octets, 1)],
            FrameSizes::Imix => IMIX.to_vec(),
            FrameSizes::Weighted(sizes) => sizes.clone(),
        }
    }
}
