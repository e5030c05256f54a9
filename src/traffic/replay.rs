//! A capture as a source of frames: read, selected, mapped, parsed and scheduled, batch by batch; it runs nothing.

use super::flow_table::FlowTable;
use super::map::{self, Move};
use super::schedule::{Pace, Schedule, ScheduleError};
use super::split::{Side, Split};
use crate::capture::{CaptureError, CaptureReader, CaptureTime, ReadCounts, Record};
use crate::frame::{Bodies, Frame, Kind};
use crate::id::StreamId;
use crate::table::Lpm;
use crate::time::{Instant, MIN_FRAME_OCTETS, Span};
use crate::wire::ethernet::MAX_FRAME_OCTETS;
use ipnet::IpNet;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

impl CaptureFile {
    /// Whether it can be read once only: standard input, a pipe, a device.
    pub fn is_stream(&self) -> bool {
        self.path.as_os_str() == "-" || self.path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
    }

    /// The octets of the file, if it is one that is not packed.
    fn plain_octets(&self) -> Option<u64> {
        if self.is_stream() {
            return None;
        }
        let mut file = File::open(&self.path).ok()?;
        let mut magic = [0; 4];
        file.read_exact(&mut magic).ok()?;
        let swapped = [magic[3], magic[2], magic[1], magic[0]];
        let plain = [magic, swapped].iter().any(|magic| {
            matches!(magic, [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] | [0x0a, 0x0d, 0x0d, 0x0a])
        });
        Some(file.metadata().ok()?.len()).filter(|_| plain)
    }
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
    /// Longer gaps of a capture, before they are scaled, are taken for this one; none is if `None`.
    pub max_gap: Option<Span>,
    /// Frames that are due then or later are left to themselves; none is if `None`.
    pub until: Option<Instant>,
    /// Which side of a two-way capture this source is.
    pub side: Option<(Split, Side)>,
    /// The number of the source.
    pub source: u8,
    /// Prefixes that the scenario knows: what goes elsewhere is counted as unrouted; nothing is where it knows none.
    pub known: Vec<IpNet>,
    /// The capture time of the run's start; the first frame's if `None`.
    pub base: Option<CaptureTime>,
}

impl ReplaySpec {
    /// Frames, and octets of all of them, that there are at the most; `None` if there is no telling without reading.
    pub fn offered(&self) -> Option<(u64, u64)> {
        let longest = u64::from(MAX_FRAME_OCTETS);
        let limited = self.limit.map(|frames| (frames, frames.saturating_mul(longest)));
        let files = self.files.iter().map(CaptureFile::plain_octets).sum::<Option<u64>>();
        let files = files.map(|octets| octets.saturating_mul(self.rounds));
        let read = files.map(|octets| (octets / LEAST_RECORD_OCTETS, octets));
        match (limited, read) {
            (Some(limited), Some(read)) => Some((limited.0.min(read.0), limited.1.min(read.1))),
            (limited, read) => limited.or(read),
        }
    }
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
    /// Frames that are not IP, as far as can be seen from outside.
    pub not_ip: u64,
    /// Different flows.
    pub flows: u64,
    /// Whether there were more flows than are told apart.
    pub flows_exceeded: bool,
    /// Frames whose time lay before that of the frame before them.
    pub timestamp_regressions: u64,
    /// Frames without a time of their own.
    pub unstamped: u64,
    /// Gaps of a capture that were longer than allowed.
    pub gaps_clamped: u64,
    /// Whether frames were left that were due at the end of the run or later.
    pub ended_early: bool,
    /// When the last frame was due.
    pub last_due: Instant,
    /// Octets of all frames, no frame below the smallest that Ethernet has.
    pub wire_octets: u64,
    /// Those of the last frame.
    pub last_wire_octets: u64,
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

/// How far a replay is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Octets read, as the files hold them: packed, if they are.
    pub octets_read: u64,
    /// Frames given to the run.
    pub frames: u64,
    /// When the last of them is due.
    pub last_due: Instant,
}

/// A replay under way.
pub struct Replay {
    spec: ReplaySpec,
    schedule: Schedule,
    reader: Option<CaptureReader>,
    /// Frames go on as somebody writes them, also few at a time: in the time of the capture that does not make them dense.
    as_they_come: bool,
    octets_read: Arc<AtomicU64>,
    /// The file that is read or comes next.
    file: usize,
    round: u64,
    flows: FlowTable,
    counts: ReplayCounts,
    scratch: Vec<u8>,
    failed: Option<ReplayError>,
    known: Known,
}

/// The prefixes that the scenario knows.
struct Known {
    v4: Lpm,
    v6: Lpm,
}

impl Known {
    fn new(prefixes: &[IpNet]) -> Self {
        let v4 = prefixes.iter().filter_map(|prefix| match prefix {
            IpNet::V4(net) => Some((u128::from(net.addr().to_bits()) << 96, net.prefix_len(), 0)),
            IpNet::V6(_) => None,
        });
        let v6 = prefixes.iter().filter_map(|prefix| match prefix {
            IpNet::V4(_) => None,
            IpNet::V6(net) => Some((net.addr().to_bits(), net.prefix_len(), 0)),
        });
        Known { v4: Lpm::new(v4), v6: Lpm::new(v6) }
    }
}

impl Replay {
    /// A replay before its first frame.
    pub fn new(spec: ReplaySpec) -> Self {
        let schedule = Schedule::new(spec.pace);
        let schedule = match spec.base {
            Some(base) => schedule.with_base(base),
            None => schedule,
        };
        let schedule = match spec.max_gap {
            Some(most) => schedule.with_max_gap(most),
            None => schedule,
        };
        let counts = ReplayCounts::default();
        let known = Known::new(&spec.known);
        Replay {
            spec,
            schedule,
            reader: None,
            as_they_come: false,
            octets_read: Arc::default(),
            file: 0,
            round: 0,
            flows: FlowTable::default(),
            counts,
            scratch: Vec::new(),
            failed: None,
            known,
        }
    }

    /// Adds the next frames to `batch` until it holds `most`, or the next one would have to be waited for; `false` when
    /// there are no more, for whatever reason. Bodies come from `spare` as long as it has any.
    pub fn fill(&mut self, batch: &mut Vec<Frame>, most: usize, spare: &mut Bodies) -> bool {
        while batch.len() < most {
            if self.as_they_come
                && !batch.is_empty()
                && self.reader.as_ref().is_some_and(|reader| reader.buffered() == 0)
            {
                return true;
            }
            if self.spec.limit.is_some_and(|limit| self.counts.frames >= limit) {
                return false;
            }
            match self.next(spare) {
                Ok(Some(frame)) => batch.push(frame),
                Ok(None) => return false,
                Err(error) => {
                    self.failed = Some(error);
                    return false;
                }
            }
        }
        true
    }

    /// What was met in all, and what ended the replay before its time.
    pub fn finish(self) -> (ReplayCounts, Option<ReplayError>) {
        (self.counts(), self.failed)
    }

    /// What was met so far.
    pub fn counts(&self) -> ReplayCounts {
        let mut counts = self.counts.clone();
        self.note_file(&mut counts);
        counts.flows = self.flows.len();
        counts.flows_exceeded = self.flows.is_exceeded();
        counts.timestamp_regressions = self.schedule.timestamp_regressions();
        counts.unstamped = self.schedule.unstamped();
        counts.gaps_clamped = self.schedule.gaps_clamped();
        counts
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            octets_read: self.octets_read.load(Ordering::Relaxed),
            frames: self.counts.frames,
            last_due: self.counts.last_due,
        }
    }

    /// Whether any of the files has to be waited for: a pipe, standard input.
    pub fn has_streams(&self) -> bool {
        self.spec.files.iter().any(CaptureFile::is_stream)
    }

    fn next(&mut self, spare: &mut Bodies) -> Result<Option<Frame>, ReplayError> {
        loop {
            if self.reader.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some(reader) = &mut self.reader else { return Ok(None) };
            let Some((record, interfaces)) = reader.next_described()? else {
                self.close();
                continue;
            };
            let wanted = self.spec.files[self.file - 1].interface.as_deref();
            let here = interfaces.get(record.interface as usize).map_or("", |interface| interface.name.as_str());
            if wanted.is_some_and(|wanted| !is_interface(wanted, record.interface, here)) {
                self.counts.other_interface += 1;
                continue;
            }
            let mut pass = Pass {
                spec: &mut self.spec,
                schedule: &mut self.schedule,
                flows: &mut self.flows,
                counts: &mut self.counts,
                scratch: &mut self.scratch,
                known: &self.known,
            };
            let frame = pass.frame(&record, spare).map_err(|source| ReplayError::Schedule {
                file: self.spec.files[self.file - 1].path.display().to_string(),
                record: record.number,
                source,
            })?;
            if self.counts.ended_early {
                return Ok(None);
            }
            if frame.is_some() {
                return Ok(frame);
            }
        }
    }

    /// Opens the file that comes next; `false` after the last one of the last round.
    fn open_next(&mut self) -> Result<bool, ReplayError> {
        if self.file == self.spec.files.len() {
            self.round += 1;
            // A round that gave nothing will give nothing the next time.
            if self.round >= self.spec.rounds || self.counts.frames == 0 {
                return Ok(false);
            }
            self.file = 0;
        }
        let file = &self.spec.files[self.file];
        self.as_they_come = file.is_stream() && matches!(self.spec.pace, Pace::Captured { .. });
        self.reader = Some(open(file, &self.octets_read)?);
        if self.file > 0 || self.round > 0 {
            self.schedule.next_file();
        }
        self.file += 1;
        Ok(true)
    }

    /// Ends the present file and keeps what reading it found.
    fn close(&mut self) {
        let mut counts = std::mem::take(&mut self.counts);
        self.note_file(&mut counts);
        (self.counts, self.reader) = (counts, None);
    }

    /// Puts what reading the present file found into `counts`.
    fn note_file(&self, counts: &mut ReplayCounts) {
        let Some(reader) = &self.reader else { return };
        let found = (reader.file().to_owned(), reader.counts().clone());
        match counts.files.get_mut(self.file - 1) {
            Some(file) => *file = found,
            None => counts.files.push(found),
        }
    }
}

/// One record's way to a frame.
struct Pass<'a> {
    spec: &'a mut ReplaySpec,
    schedule: &'a mut Schedule,
    flows: &'a mut FlowTable,
    counts: &'a mut ReplayCounts,
    scratch: &'a mut Vec<u8>,
    known: &'a Known,
}

impl Pass<'_> {
    #[inline]
    fn frame(&mut self, record: &Record<'_>, spare: &mut Bodies) -> Result<Option<Frame>, ScheduleError> {
        if let Some((split, side)) = &mut self.spec.side
            && split.side(record.octets) != *side
        {
            self.counts.other_side += 1;
            return Ok(None);
        }
        let Some(wire_octets) = self.length(record) else { return Ok(None) };
        let mut octets = record.octets;
        if !self.spec.moves.is_empty() {
            self.scratch.clear();
            self.scratch.extend_from_slice(octets);
            self.counts.moved += u64::from(map::apply(&self.spec.moves, self.scratch));
            octets = self.scratch;
        }
        let Some(parsed) = Frame::parse(octets, wire_octets, spare.pop()) else {
            self.counts.too_long += 1;
            return Ok(None);
        };
        let mut frame = parsed.frame;
        let on_wire = u32::from(frame.len().max(MIN_FRAME_OCTETS));
        frame.id.sent = self.schedule.next(record.stamped.then_some(record.time), on_wire)?;
        if self.spec.until.is_some_and(|until| frame.id.sent >= until) {
            self.counts.ended_early = true;
            return Ok(None);
        }
        frame.id.stream = StreamId::new(self.spec.source, self.flows.number(parsed.flow));
        frame.id.seq = record.number as u32;
        self.counts.frames += 1;
        self.counts.octets += u64::from(frame.len());
        self.counts.last_due = frame.id.sent;
        self.counts.wire_octets += u64::from(on_wire);
        self.counts.last_wire_octets = u64::from(on_wire);
        self.judge_destination(&frame);
        Ok(Some(frame))
    }

    /// The octets that the frame is to have on the wire, without FCS; `None` if it is left out.
    #[inline]
    fn length(&mut self, record: &Record<'_>) -> Option<u32> {
        if !record.is_snapped() {
            return Some(record.original_len);
        }
        match self.spec.cut {
            CutFrames::Pad => {
                self.counts.padded += 1;
                Some(record.original_len)
            }
            CutFrames::AsCaptured => Some(record.octets.len() as u32),
            CutFrames::Skip => {
                self.counts.skipped += 1;
                None
            }
        }
    }

    /// Counts frames that are not IP, and those to destinations that the scenario does not know.
    #[inline]
    fn judge_destination(&mut self, frame: &Frame) {
        let destination = frame.body.as_ref().map_or(0, |body| body.destination());
        let known = match frame.header.meta.kind() {
            Kind::Ipv4 => self.known.v4.lookup_v4(destination as u32),
            Kind::Ipv6 => self.known.v6.lookup(destination),
            _ => {
                self.counts.not_ip += 1;
                return;
            }
        };
        // A network of labels alone knows no destinations.
        self.counts.unrouted += u64::from(known.is_none() && !self.spec.known.is_empty());
    }
}

/// Whether `wanted`, a name or a number, is the interface with this number and name.
fn is_interface(wanted: &str, number: u32, name: &str) -> bool {
    wanted == name || wanted.parse() == Ok(number)
}

/// Opens `file`; the octets that are read of it are added to `octets_read`.
fn open(file: &CaptureFile, octets_read: &Arc<AtomicU64>) -> Result<CaptureReader, CaptureError> {
    let octets_read = octets_read.clone();
    if file.path.as_os_str() == "-" {
        let source = Counted { source: io::stdin(), octets_read };
        return CaptureReader::from_read(Box::new(source), "standard input");
    }
    let name = file.path.display().to_string();
    match File::open(&file.path) {
        Ok(source) => CaptureReader::from_read(Box::new(Counted { source, octets_read }), name),
        Err(source) => Err(CaptureError::Open { file: name, source }),
    }
}

/// A source whose octets are counted as they are read.
struct Counted<R> {
    source: R,
    octets_read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.octets_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The capture time of the first frame of `file` that has one; `None` if none has.
pub fn first_time(file: &CaptureFile) -> Result<Option<CaptureTime>, CaptureError> {
    let mut reader = open(file, &Arc::default())?;
    while let Some((record, interfaces)) = reader.next_described()? {
        let here = interfaces.get(record.interface as usize).map_or("", |interface| interface.name.as_str());
        let wanted = file.interface.as_deref();
        if record.stamped && wanted.is_none_or(|wanted| is_interface(wanted, record.interface, here)) {
            return Ok(Some(record.time));
        }
    }
    Ok(None)
}

/// Octets of the shortest record of any format: a pcap record without a frame, or a simple packet block.
const LEAST_RECORD_OCTETS: u64 = 16;
