//! What passes observed ports and what is dropped anywhere, in order of time, for whoever writes it down.
//!
//! Nodes write frames out where they leave and hand the octets over in batches; one thread merges the batches by
//! (instant, port, order) as far as all clocks have come.

use super::clock::Shared;
use crate::frame::{DropReason, Frame, Templates};
use crate::id::{NodeId, PortId, StreamId};
use crate::time::Instant;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;

/// One frame seen at a port: it left, or it was dropped there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When its last bit left, or when it was dropped.
    pub at: Instant,
    /// The node.
    pub node: NodeId,
    /// The port.
    pub port: PortId,
    /// Why it was dropped; `None` if it left.
    pub dropped: Option<DropReason>,
    /// Its source and flow.
    pub stream: StreamId,
    /// Its number within the source.
    pub seq: u32,
}

/// Is told of a frame, with its octets.
pub type Sink<'a> = Box<dyn FnMut(&Seen, &[u8]) + Send + 'a>;

/// What is to be observed.
pub struct Observe<'a> {
    /// Ports whose sent frames are seen.
    pub ports: Vec<(NodeId, PortId)>,
    /// Whether dropped frames are seen, at every port.
    pub drops: bool,
    /// Is told of each frame with its octets (without FCS), in order of (instant, node, port, sent before dropped).
    pub sink: Sink<'a>,
}

/// A frame within a batch.
#[derive(Clone, Copy, Debug)]
struct Record {
    seen: Seen,
    start: u32,
    len: u32,
}

/// Frames seen at one node, in the order in which it came to them.
#[derive(Debug, Default)]
struct Batch {
    records: Vec<Record>,
    octets: Vec<u8>,
}

/// Octets of a batch at which it is handed over.
const BATCH_OCTETS: usize = 1 << 16;
/// Batches between a node and the merging thread.
const BATCHES: usize = 64;

/// The writing end of one node.
#[derive(Debug)]
pub(super) struct Recorder {
    node: NodeId,
    drops: bool,
    open: Batch,
    ring: Producer<Batch>,
    empty: Consumer<Batch>,
}

/// The merging end of one node.
#[derive(Debug)]
pub(super) struct Records {
    ring: Consumer<Batch>,
    empty: Producer<Batch>,
}

pub(super) fn recorder(node: NodeId, drops: bool) -> (Recorder, Records) {
    let (ring_in, ring_out) = RingBuffer::new(BATCHES);
    let (empty_in, empty_out) = RingBuffer::new(BATCHES);
    let recorder = Recorder { node, drops, open: Batch::default(), ring: ring_in, empty: empty_out };
    (recorder, Records { ring: ring_out, empty: empty_in })
}

impl Recorder {
    /// A frame whose last bit leaves at `at`.
    #[inline]
    pub(super) fn sent(&mut self, port: PortId, at: Instant, frame: &Frame, templates: &Templates) {
        self.record(port, at, None, frame, templates);
    }

    /// A frame that is dropped, as it stands.
    #[cold]
    pub(super) fn dropped(&mut self, port: PortId, at: Instant, why: DropReason, frame: &Frame, templates: &Templates) {
        if self.drops {
            self.record(port, at, Some(why), frame, templates);
        }
    }

    fn record(&mut self, port: PortId, at: Instant, dropped: Option<DropReason>, frame: &Frame, templates: &Templates) {
        let start = self.open.octets.len();
        frame.emit(templates, &mut self.open.octets);
        let len = (self.open.octets.len() - start) as u32;
        let (stream, seq) = (frame.id.stream, frame.id.seq);
        let seen = Seen { at, node: self.node, port, dropped, stream, seq };
        self.open.records.push(Record { seen, start: start as u32, len });
        if self.open.octets.len() >= BATCH_OCTETS {
            self.flush();
        }
    }

    /// Hands over what was recorded, waiting for room: the merging thread takes everything in at any time.
    pub(super) fn flush(&mut self) {
        if self.open.records.is_empty() {
            return;
        }
        let next = self.empty.pop().unwrap_or_default();
        let mut full = std::mem::replace(&mut self.open, next);
        let backoff = crossbeam_utils::Backoff::new();
        while let Err(rtrb::PushError::Full(back)) = self.ring.push(full) {
            if self.ring.is_abandoned() {
                return;
            }
            full = back;
            backoff.snooze();
        }
    }
}

/// A batch on the merging side, with how many of its records are still to be told.
struct Held {
    batch: Batch,
    node: usize,
    left: usize,
}

/// Merges what all nodes record, and tells the sink.
pub(super) struct Merge<'a> {
    nodes: Vec<Records>,
    sink: Sink<'a>,
    /// Batches in the order in which they came; the first has the number `base`.
    held: VecDeque<Held>,
    base: usize,
    /// Records not yet told: batch number and place in it, in order of coming.
    pending: Vec<(Seen, usize, u32)>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(nodes: Vec<Records>, sink: Sink<'a>) -> Self {
        Merge { nodes, sink, held: VecDeque::new(), base: 0, pending: Vec::new() }
    }

    /// Runs until the run is over and everything is told.
    pub(super) fn run(mut self, shared: &Shared) {
        let backoff = crossbeam_utils::Backoff::new();
        loop {
            // Clocks and the end are read before the rings: all that they promise is in the rings by then.
            let over = shared.is_done() && self.nodes.iter().all(|node| node.ring.is_abandoned());
            let bound = (0..self.nodes.len()).map(|n| shared.sent_until(n).min(shared.taken_until(n))).min();
            let bound = if over { Instant::MAX } else { bound.unwrap_or(Instant::MAX) };
            let news = self.take_in();
            let told = self.tell(bound);
            if over {
                return;
            }
            if news || told {
                backoff.reset();
            } else if backoff.is_completed() {
                std::thread::sleep(std::time::Duration::from_micros(100));
            } else {
                backoff.snooze();
            }
        }
    }

    fn take_in(&mut self) -> bool {
        let before = self.pending.len();
        for (node, records) in self.nodes.iter_mut().enumerate() {
            while let Ok(batch) = records.ring.pop() {
                let number = self.base + self.held.len();
                let places = batch.records.iter().enumerate();
                self.pending.extend(places.map(|(place, record)| (record.seen, number, place as u32)));
                let left = batch.records.len();
                self.held.push_back(Held { batch, node, left });
            }
        }
        self.pending.len() > before
    }

    /// Tells everything before `bound`, in order; whether there was anything.
    fn tell(&mut self, bound: Instant) -> bool {
        // Stable: of equal keys, which are of one place, the order of coming holds.
        self.pending.sort_by_key(|(seen, ..)| (seen.at, seen.node, seen.port, seen.dropped.is_some()));
        let count = if bound == Instant::MAX {
            self.pending.len()
        } else {
            self.pending.partition_point(|(seen, ..)| seen.at < bound)
        };
        for (seen, number, place) in self.pending.drain(..count) {
            let held = &mut self.held[number - self.base];
            let record = held.batch.records[place as usize];
            (self.sink)(&seen, &held.batch.octets[record.start as usize..(record.start + record.len) as usize]);
            held.left -= 1;
        }
        while self.held.front().is_some_and(|held| held.left == 0) {
            let Some(Held { mut batch, node, .. }) = self.held.pop_front() else { break };
            self.base += 1;
            batch.records.clear();
            batch.octets.clear();
            // If the way home is full the batch is not needed there.
            drop(self.nodes[node].empty.push(batch));
        }
        count > 0
    }
}
