//! Capture files: reading pcap and pcapng of every kind as a stream, writing pcapng; no frame is interpreted.
//!
//! ```text
//! stamp     CaptureTime, and the units that files count it in
//! error     what can be wrong with a file, and what to do about it
//! input     the octets of a file: decompressed, buffered, bounded
//! pcap      records of the classic format      pcapng   blocks of the newer one
//! link      link types, and an Ethernet header where the file has another or none
//! reader    CaptureReader, which puts these together
//! writer    CaptureWriter: pcapng, one interface per port
//! ```

mod error;
mod input;
mod link;
mod pcap;
mod pcapng;
mod reader;
mod stamp;
mod writer;

pub use error::CaptureError;
pub use link::{LinkType, Refusal};
pub use reader::{CaptureReader, InterfaceDescription, ReadCounts, Record};
pub use stamp::{CaptureTime, Resolution};
pub use writer::{CaptureWriter, PortStatistics, Stamps, WriteInterface};

/// Which way a frame went at the interface that it was captured at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The file does not say.
    #[default]
    Unknown,
    /// Received by the interface.
    Inbound,
    /// Sent by the interface.
    Outbound,
}

/// The octets of a packet that a record may hold, 256 KiB: more is damage. It is the limit of the
/// tools that write captures.
pub const MAX_CAPTURED_OCTETS: u32 = 256 * 1024;

/// The octets that one block of a pcapng file may have, 16 MiB: the bound of the reader's memory.
pub const MAX_BLOCK_OCTETS: u32 = 16 * 1024 * 1024;

/// The octets of an Ethernet header: two addresses and an ethertype.
const ETHERNET_HEADER_OCTETS: u32 = 14;
