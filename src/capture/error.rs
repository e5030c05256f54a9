//! What can be wrong with a capture file as a whole, each with where it is and what to do about it.

use std::io;

/// Why a capture cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("{file}: cannot be opened: {source}; check the name and that it may be read")]
    Open {
        /// The file, as it was named.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read on, or its compression is broken.
    #[error(
        "{file}: reading failed at octet {offset}, after record {record}: {source}; \
         what came before was read; a compressed file may be damaged: try to unpack it by itself"
    )]
    Read {
        /// The file.
        file: String,
        /// The records read before.
        record: u64,
        /// Where, in octets of the file as unpacked.
        offset: u64,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// The file is not a capture that is understood.
    #[error("{file}: not a pcap or pcapng capture: {found}")]
    NotACapture {
        /// The file.
        file: String,
        /// What it begins with, and the remedy.
        found: String,
    },
    /// A record or block that cannot be right, so that nothing after it can be found.
    #[error(
        "{file}: record {record} at octet {offset} is damaged: {what}; what came before it was read, \
         what follows cannot be found; `pcapfix` or `editcap` may save more of the file"
    )]
    Damaged {
        /// The file.
        file: String,
        /// The record, counted from 1, that was to be read.
        record: u64,
        /// Where the record or block begins, in octets of the file as unpacked.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}

/// What is wrong within a format's parser, before the reader adds the file and the record.
#[derive(Debug)]
pub(super) enum Fault {
    /// The source failed.
    Io(io::Error),
    /// The block or record at `offset` is impossible.
    Damaged {
        /// Where it begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}
