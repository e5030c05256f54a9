//! Where a host's frames come from: a list, a generated stream, or a feed that another thread fills while the run goes on.

use super::link::SEGMENT;
use crate::frame::{Bodies, Frame, Octets};
use crate::time::Instant;
use crate::traffic::stream::Generator;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::{Arc, Mutex, PoisonError};

/// Frames to be offered, in order of [`Ident::sent`](crate::frame::Ident::sent).
#[derive(Debug)]
pub enum Source {
    /// All of them, known beforehand.
    Frames(Vec<Frame>),
    /// A generated stream, whose bodies the network's templates have.
    Stream(Box<Generator>),
    /// As they come from another thread.
    Feed(FeedSource),
}

/// The receiving end of a feed.
#[derive(Debug)]
pub struct FeedSource(Consumer<Vec<Frame>>);

/// The filling end of a feed; dropping it ends the feed.
#[derive(Debug)]
pub struct Feed(Producer<Vec<Frame>>);

/// Segments of frames that a feed holds at the most.
const FEED_SEGMENTS: usize = 8;

/// A feed's two ends.
pub fn feed() -> (Feed, FeedSource) {
    let (producer, consumer) = RingBuffer::new(FEED_SEGMENTS);
    (Feed(producer), FeedSource(consumer))
}

impl Feed {
    /// Frames of a batch at the most.
    pub const BATCH: usize = SEGMENT;

    /// Batches that it holds at the most.
    pub const BATCHES: usize = FEED_SEGMENTS;

    /// Batches that were handed over and not yet taken.
    pub fn waiting(&self) -> usize {
        FEED_SEGMENTS - self.0.slots()
    }

    /// Hands over a batch, waiting for room; `Err` gives it back if the run has ended.
    pub fn send(&mut self, mut batch: Vec<Frame>) -> Result<(), Vec<Frame>> {
        let backoff = crossbeam_utils::Backoff::new();
        loop {
            match self.0.push(batch) {
                Ok(()) => return Ok(()),
                Err(rtrb::PushError::Full(back)) if self.0.is_abandoned() => return Err(back),
                Err(rtrb::PushError::Full(back)) => batch = back,
            }
            if backoff.is_completed() {
                std::thread::sleep(std::time::Duration::from_micros(50));
            } else {
                backoff.snooze();
            }
        }
    }
}

impl Source {
    /// The source's number, for one that has it in its frames before the first is made.
    pub(super) fn number(&self) -> Option<usize> {
        match self {
            Source::Stream(stream) => Some(stream.source()),
            Source::Frames(_) | Source::Feed(_) => None,
        }
    }

    /// The frames one by one; a feed is waited for.
    pub(super) fn into_frames(self) -> Box<dyn Iterator<Item = Frame>> {
        match self {
            Source::Frames(frames) => Box::new(frames.into_iter()),
            Source::Stream(stream) => Box::new(*stream),
            Source::Feed(mut feed) => Box::new(std::iter::from_fn(move || feed.wait()).flatten()),
        }
    }
}

/// What a feed has.
enum Fed {
    Batch(Vec<Frame>),
    NothingYet,
    Ended,
}

impl FeedSource {
    /// The next batch that is not empty.
    fn poll(&mut self) -> Fed {
        // Asked before the pop: what was pushed before the other end went away is still seen.
        let ended = self.0.is_abandoned();
        loop {
            match self.0.pop() {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => return Fed::Batch(batch),
                Err(_) if ended => return Fed::Ended,
                Err(_) => return Fed::NothingYet,
            }
        }
    }

    /// The next batch, when it has come; `None` at the end of the feed.
    fn wait(&mut self) -> Option<Vec<Frame>> {
        loop {
            match self.poll() {
                Fed::Batch(batch) => return Some(batch),
                Fed::NothingYet => std::thread::yield_now(),
                Fed::Ended => return None,
            }
        }
    }
}

/// What is next in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A frame that is to be sent then.
    At(Instant),
    /// The feed has not come so far.
    Unknown,
    /// Nothing any more.
    Ended,
}

/// A source at work: frames are taken from the front of a batch.
#[derive(Debug)]
pub(super) struct Supply {
    batch: Vec<Frame>,
    head: usize,
    more: More,
}

/// Where a supply's next batch comes from.
#[derive(Debug)]
enum More {
    Nothing,
    Stream(Box<Generator>),
    Feed(FeedSource),
}

/// Frames that a stream makes at a time: few, so that they are still in the nearest cache when they leave.
const MADE: usize = 64;

impl Supply {
    pub(super) fn new(source: Source) -> Self {
        match source {
            Source::Frames(batch) => Supply { batch, head: 0, more: More::Nothing },
            Source::Stream(stream) => Supply { batch: Vec::new(), head: 0, more: More::Stream(stream) },
            Source::Feed(feed) => Supply { batch: Vec::new(), head: 0, more: More::Feed(feed) },
        }
    }

    /// The next frame's time.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Next {
        match self.batch.get(self.head) {
            Some(frame) => Next::At(frame.id.sent),
            None => self.refill(),
        }
    }

    #[cold]
    fn refill(&mut self) -> Next {
        match &mut self.more {
            More::Nothing => Next::Ended,
            More::Stream(stream) => {
                self.batch.clear();
                self.batch.extend(stream.take(MADE));
                self.head = 0;
                self.batch.first().map_or(Next::Ended, |frame| Next::At(frame.id.sent))
            }
            More::Feed(feed) => match feed.poll() {
                Fed::Batch(batch) => {
                    (self.batch, self.head) = (batch, 0);
                    Next::At(self.batch[0].id.sent)
                }
                Fed::NothingYet => Next::Unknown,
                Fed::Ended => Next::Ended,
            },
        }
    }

    /// The frame that [`next`](Self::next) told of.
    #[inline(always)]
    pub(super) fn frame(&mut self) -> &mut Frame {
        &mut self.batch[self.head]
    }

    /// That frame was taken.
    #[inline(always)]
    pub(super) fn advance(&mut self) {
        self.head += 1;
    }
}

/// Bodies of delivered frames on their way back to where frames are made: no allocation for each frame, and none that
/// one thread makes and another frees.
#[derive(Clone, Debug, Default)]
pub struct BodyPool(Arc<Mutex<Vec<Bodies>>>);

/// Bodies of a batch, and batches that are kept.
pub(super) const BODIES: usize = 256;
pub(super) const BATCHES: usize = 64;

impl BodyPool {
    /// A batch of emptied bodies, if there is one.
    pub fn take(&self) -> Option<Bodies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give(&self, batch: Bodies) {
        let mut batches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if batches.len() < BATCHES {
            batches.push(batch);
        }
    }
}

/// Gathers bodies of delivered frames for a pool.
#[derive(Debug)]
pub(super) struct Returns {
    pool: BodyPool,
    batch: Bodies,
}

impl Returns {
    pub(super) fn new(pool: BodyPool) -> Self {
        Returns { pool, batch: Vec::with_capacity(BODIES) }
    }

    #[inline(always)]
    pub(super) fn give(&mut self, body: Option<Box<Octets>>) {
        let Some(body) = body else { return };
        self.batch.push(body);
        if self.batch.len() == BODIES {
            self.pool.give(std::mem::replace(&mut self.batch, Vec::with_capacity(BODIES)));
        }
    }
}
