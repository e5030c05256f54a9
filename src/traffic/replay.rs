//! A capture as a source of frames: read, selected, mapped, parsed and scheduled, batch by batch; it runs nothing.

use super::flow_table::FlowTable;
use super::map::{self, Move};
use super::schedule::{Pace, Schedule, ScheduleError};
use super::split::{Side, Split};
use crate::capture::{CaptureError, CaptureReader, CaptureTime, ReadCounts, Record};
use crate::frame::{Frame, Kind, Octets};
use crate::id::StreamId;
use crate::time::{Instant, MIN_FRAME_OCTETS};
use crate::wire::{ethernet::FCS_OCTETS, ipv4, ipv6};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;

/// What is done with frames that a snap length cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CutFrames {
    /// They have the length that they had on the wire; what is missing is zeros.
    #[default]
    Pad,
    /// They have the length that was captured.
    AsCaptured,
    /// They are left out.
    Skip,
}

/// One capture file, and which of its interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureFile {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The interface of a pcapng file, by name or number; all if `None`.
    pub interface: Option<String>,
}

/// A replay as it is asked for.
#[derive(Clone, Debug)]
pub struct ReplaySpec {
    /// The captures, one after another.
    pub files: Vec<CaptureFile>,
    /// When frames leave.
    pub pace: Pace,
    /// How often all files are played.
    pub rounds: u64,
    /// Frames at the most; all if `None`.
    pub limit: Option<u64>,
    /// What is done with cut frames.
    pub cut: CutFrames,
    /// Moves of addresses.
    pub moves: Vec<Move>,
    /// Which side of a two-way capture this source is.
    pub side: Option<(Split, Side)>,
    /// The number of the source.
    pub source: u8,
    /// Prefixes that the scenario knows: what goes elsewhere is counted as unrouted.
    pub known: Vec<IpNet>,
    /// The capture time of the run's start; the first frame's if `None`.
    pub base: Option<CaptureTime>,
}

/// What a replay came upon.
#[derive(Clone, Debug, Default)]
pub struct ReplayCounts {
    /// Per file: its name and what reading it found (in the last round).
    pub files: Vec<(String, ReadCounts)>,
    /// Frames given to the run.
    pub frames: u64,
    /// Their octets, FCS included, as they come from the capture.
    pub octets: u64,
    /// Cut frames that were padded to their length.
    pub padded: u64,
    /// Cut frames that were left out.
    pub skipped: u64,
    /// Frames over 16 KiB, which are not taken.
    pub too_long: u64,
    /// Frames of the other side of a split capture.
    pub other_side: u64,
    /// Frames of other interfaces.
    pub other_interface: u64,
    /// Frames whose addresses were moved.
    pub moved: u64,
    /// IP frames to destinations that the scenario does not know.
    pub unrouted: u64,
    /// Frames without any tag or label to look into, IP or not: those that are not IP.
    pub not_ip: u64,
    /// Different flows.
    pub flows: u64,
    /// Whether there were more flows than are told apart.
    pub flows_exceeded: bool,
    /// Frames whose time lay before that of the frame before them.
    pub timestamp_regressions: u64,
    /// Frames without a time of their own.
    pub unstamped: u64,
    /// When the last frame was due.
    pub last_due: Instant,
}

/// Why a replay stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file cannot be read, or not further.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The frames leave over too long a time.
    #[error("{file}: record {record}: {source}")]
    Schedule {
        /// The file.
        file: String,
        /// The record.
        record: u64,
        /// What is wrong.
        source: ScheduleError,
    },
}

/// A replay under way.
pub struct Replay {
    spec: ReplaySpec,
    schedule: Schedule,
    reader: Option<CaptureReader>,
    /// The file that is read or comes next.
    file: usize,
    round: u64,
    flows: FlowTable,
    counts: ReplayCounts,
    scratch: Vec<u8>,
    failed: Option<ReplayError>,
}

impl Replay {
    /// A replay before its first frame.
    pub fn new(spec: ReplaySpec) -> Self {
        let schedule = Schedule::new(spec.pace);
        let schedule = match spec.base {
            Some(base) => schedule.with_base(base),
            None => schedule,
        };
        let counts = ReplayCounts::default();
        let (flows, scratch) = (FlowTable::default(), Vec::new());
        Replay { spec, schedule, reader: None, file: 0, round: 0, flows, counts, scratch, failed: None }
    }

    /// Adds the next frames to `batch` until it holds `most`; `false` when there are no more, for whatever reason.
    /// Bodies come from `spare` as long as it has any.
    pub fn fill(&mut self, batch: &mut Vec<Frame>, most: usize, spare: &mut Vec<Box<Octets>>) -> bool {
        while batch.len() < most {
            if self.spec.limit.is_some_and(|limit| self.counts.frames >= limit) {
                self.note_file();
                return false;
            }
            match self.next(spare) {
                Ok(Some(frame)) => batch.push(frame),
                Ok(None) => return false,
                Err(error) => {
                    self.note_file();
                    self.failed = Some(error);
                    return false;
                }
            }
        }
        true
    }

    /// What was met so far, and what ended the replay before its time.
    pub fn finish(mut self) -> (ReplayCounts, Option<ReplayError>) {
        self.counts.flows = self.flows.len();
        self.counts.flows_exceeded = self.flows.is_exceeded();
        self.counts.timestamp_regressions = self.schedule.timestamp_regressions();
        self.counts.unstamped = self.schedule.unstamped();
        (self.counts, self.failed)
    }

    fn next(&mut self, spare: &mut Vec<Box<Octets>>) -> Result<Option<Frame>, ReplayError> {
        loop {
            let Some(reader) = &mut self.reader else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            if !self.spec.selects_interface_by_name(reader) {
                // The interface may be described later in the file: each record is asked.
            }
            let interface_names = reader.interfaces().len();
            let _ = interface_names;
            match reader.next_record()? {
                Some(record) => {
                    let mut pass = Pass {
                        spec: &mut self.spec,
                        schedule: &mut self.schedule,
                        flows: &mut self.flows,
                        counts: &mut self.counts,
                        scratch: &mut self.scratch,
                        file: self.file - 1,
                    };
                    if let Some(frame) = pass.frame(&record, spare)? {
                        return Ok(Some(frame));
                    }
                }
                None => {
                    self.note_file();
                    self.reader = None;
                }
            }
        }
    }
}
