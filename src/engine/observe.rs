//! What passes observed ports and what is dropped anywhere, in order of time, for whoever writes it down.
//!
//! Nodes write frames out where they leave and hand the octets over in batches; one thread merges them as far as all
//! clocks have come. What is seen at one place of one node comes in order of time, so the merge is one of few queues.

use super::clock::Shared;
use crate::frame::{DropReason, Frame, Templates};
use crate::id::{NodeId, PortId, StreamId};
use crate::time::Instant;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;

/// Where in a node a frame was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// It left by the port.
    Sent(PortId),
    /// It was dropped on arrival by the port.
    Ingress(PortId),
    /// It was dropped on departure by the port.
    Egress(PortId),
    /// It was dropped before the port, by what the port shares with others.
    Shared(PortId),
    /// The slow path dropped it, after it had arrived by the port.
    SlowPath(PortId),
    /// The slow path had made it of a frame that had arrived by the port, and it could not be sent.
    Made(PortId),
}

impl At {
    /// The port.
    pub const fn port(self) -> PortId {
        match self {
            At::Sent(port) | At::Ingress(port) | At::Egress(port) => port,
            At::Shared(port) | At::SlowPath(port) | At::Made(port) => port,
        }
    }

    /// A number for each place of a node.
    const fn number(self) -> usize {
        let kind = match self {
            At::Sent(_) => 0,
            At::Ingress(_) => 1,
            At::Egress(_) => 2,
            At::Shared(_) => 3,
            At::SlowPath(_) => 4,
            At::Made(_) => 5,
        };
        self.port().index() * PLACES_OF_PORT + kind
    }
}

/// Places that frames are seen at in one port.
const PLACES_OF_PORT: usize = 6;

/// One frame seen: it left, or it was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When its last bit left, or when it was dropped.
    pub time: Instant,
    /// The node.
    pub node: NodeId,
    /// Where in the node.
    pub at: At,
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
    /// Is told of each frame with its octets (without FCS), in order of (time, node, port, place in the order of [`At`]).
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
    /// A frame whose last bit leaves at `time`.
    #[inline]
    pub(super) fn sent(&mut self, at: At, time: Instant, frame: &Frame, templates: &Templates) {
        self.record(at, time, None, frame, templates);
    }

    /// A frame that is dropped, as it stands.
    #[cold]
    pub(super) fn dropped(&mut self, at: At, time: Instant, why: DropReason, frame: &Frame, templates: &Templates) {
        if self.drops {
            self.record(at, time, Some(why), frame, templates);
        }
    }

    #[inline]
    fn record(&mut self, at: At, time: Instant, dropped: Option<DropReason>, frame: &Frame, templates: &Templates) {
        let start = self.open.octets.len();
        frame.emit(templates, &mut self.open.octets);
        let len = (self.open.octets.len() - start) as u32;
        let (stream, seq) = (frame.id.stream, frame.id.seq);
        let seen = Seen { time, node: self.node, at, dropped, stream, seq };
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

/// A record that is still to be told: its time, the number of its batch, its place there.
type Pending = (Instant, usize, u32);

/// Merges what all nodes record, and tells the sink.
pub(super) struct Merge<'a> {
    nodes: Vec<Records>,
    sink: Sink<'a>,
    /// Batches in the order in which they came; the first has the number `base`.
    held: VecDeque<Held>,
    base: usize,
    /// What is still to be told, by node and place, each in order of time.
    queues: Vec<Vec<VecDeque<Pending>>>,
    /// The queues that hold something: (node, place), in the order of both.
    filled: Vec<(usize, usize)>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(nodes: Vec<Records>, sink: Sink<'a>) -> Self {
        let queues = nodes.iter().map(|_| Vec::new()).collect();
        Merge { nodes, sink, held: VecDeque::new(), base: 0, queues, filled: Vec::new() }
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

    /// Takes over all that nodes have handed over; whether there was anything.
    fn take_in(&mut self) -> bool {
        let before = self.base + self.held.len();
        for (node, records) in self.nodes.iter_mut().enumerate() {
            while let Ok(batch) = records.ring.pop() {
                let number = self.base + self.held.len();
                let queues = &mut self.queues[node];
                for (slot, Record { seen, .. }) in batch.records.iter().enumerate() {
                    let place = seen.at.number();
                    if queues.len() <= place {
                        queues.resize_with(place + 1, VecDeque::new);
                    }
                    if queues[place].is_empty() {
                        self.filled.push((node, place));
                    }
                    queues[place].push_back((seen.time, number, slot as u32));
                }
                let left = batch.records.len();
                self.held.push_back(Held { batch, node, left });
            }
        }
        self.filled.sort_unstable();
        self.base + self.held.len() > before
    }

    /// Tells everything before `bound`, in order; whether there was anything.
    fn tell(&mut self, bound: Instant) -> bool {
        let mut any = false;
        while let Some((least, others)) = self.least() {
            let (node, place) = self.filled[least];
            // This queue goes on until another one, or the bound, comes first.
            while let Some(&(time, number, slot)) = self.queues[node][place].front() {
                if (time >= bound && bound != Instant::MAX) || (time, least) > others {
                    break;
                }
                any = true;
                self.queues[node][place].pop_front();
                self.tell_one(number, slot);
            }
            match self.queues[node][place].front() {
                None => drop(self.filled.remove(least)),
                Some(&(time, ..)) if time >= bound && bound != Instant::MAX => break,
                Some(_) => {}
            }
        }
        self.send_home();
        any
    }

    /// Which filled queue comes first, and what comes first among the others.
    fn least(&self) -> Option<(usize, (Instant, usize))> {
        let none = (Instant::MAX, usize::MAX);
        let (mut first, mut second) = (none, none);
        for (index, &(node, place)) in self.filled.iter().enumerate() {
            let Some(&(time, ..)) = self.queues[node][place].front() else { continue };
            if (time, index) < first {
                (first, second) = ((time, index), first);
            } else if (time, index) < second {
                second = (time, index);
            }
        }
        (first.1 != usize::MAX).then_some((first.1, second))
    }

    fn tell_one(&mut self, number: usize, slot: u32) {
        let held = &mut self.held[number - self.base];
        let Record { seen, start, len } = held.batch.records[slot as usize];
        (self.sink)(&seen, &held.batch.octets[start as usize..(start + len) as usize]);
        held.left -= 1;
    }

    /// Batches that were told go back to be filled again.
    fn send_home(&mut self) {
        while self.held.front().is_some_and(|held| held.left == 0) {
            let Some(Held { mut batch, node, .. }) = self.held.pop_front() else { break };
            self.base += 1;
            batch.records.clear();
            batch.octets.clear();
            // If the way home is full the batch is not needed there.
            drop(self.nodes[node].empty.push(batch));
        }
    }
}
