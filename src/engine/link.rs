//! A link: a lock-free single-producer single-consumer ring of segments of frames, and the ring that brings them back.
//!
//! Frames move by segment, so that a push costs a write and a ring operation is paid once in 256 frames; a segment that
//! is used up goes home and is filled again, so that memory follows what is under way and not a guess.

use super::atomics::{AtomicU64, Ordering};
use crate::frame::Frame;
use crate::time::{Instant, Span};
use crossbeam_utils::CachePadded;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;
use std::sync::Arc;

/// Frames of a segment.
pub(super) const SEGMENT: usize = 256;

/// Segments of a ring; what does not fit waits with the producer.
pub(super) const RING: usize = 256;

/// A run of frames in order of arrival: the first `len` of its places. A frame moves into a place as it is, line to line;
/// what lies beyond is of no meaning.
#[derive(Debug, Default)]
pub(super) struct Segment {
    places: Box<[Frame]>,
    len: usize,
}

impl Segment {
    fn new() -> Self {
        Segment { places: (0..SEGMENT).map(|_| Frame::default()).collect(), len: 0 }
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.len == self.places.len()
    }

    #[inline(always)]
    fn frames(&self) -> &[Frame] {
        &self.places[..self.len]
    }
}

/// How many segments went into a ring and came out of it: equal when the ring is empty.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) pushed: CachePadded<AtomicU64>,
    pub(super) pulled: CachePadded<AtomicU64>,
}

impl Traffic {
    pub(super) fn is_empty(&self) -> bool {
        // The count that can only lag behind the other is read first.
        let pulled = self.pulled.load(Ordering::Acquire);
        self.pushed.load(Ordering::Acquire) == pulled
    }
}

/// The sending end of a link.
#[derive(Debug)]
pub(super) struct LinkTx {
    ring: Producer<Segment>,
    empty: Consumer<Segment>,
    open: Segment,
    /// Segments that found the ring full.
    waiting: VecDeque<Segment>,
    traffic: Arc<Traffic>,
    pushed: u64,
    delay: Span,
}

/// The receiving end of a link.
#[derive(Debug)]
pub(super) struct LinkRx {
    ring: Consumer<Segment>,
    empty: Producer<Segment>,
    /// Segments at hand; the first one is used up to `head`.
    ready: VecDeque<Segment>,
    head: usize,
    traffic: Arc<Traffic>,
    pulled: u64,
}

/// Both ends of a new link.
pub(super) fn link(delay: Span) -> (LinkTx, LinkRx, Arc<Traffic>) {
    let (ring_in, ring_out) = RingBuffer::new(RING);
    let (empty_in, empty_out) = RingBuffer::new(RING);
    let traffic = Arc::new(Traffic::default());
    let tx = LinkTx {
        ring: ring_in,
        empty: empty_out,
        open: Segment::default(),
        waiting: VecDeque::new(),
        traffic: traffic.clone(),
        pushed: 0,
        delay,
    };
    let rx = LinkRx {
        ring: ring_out,
        empty: empty_in,
        ready: VecDeque::new(),
        head: 0,
        traffic: traffic.clone(),
        pulled: 0,
    };
    (tx, rx, traffic)
}

impl LinkTx {
    /// Sends a frame whose last bit leaves at `departure`.
    #[inline(always)]
    pub(super) fn push(&mut self, frame: &mut Frame, departure: Instant) {
        if self.open.is_full() {
            self.open_next();
        }
        let Segment { places, len } = &mut self.open;
        frame.move_to(&mut places[*len], departure + self.delay);
        *len += 1;
    }

    #[cold]
    fn open_next(&mut self) {
        let next = self.empty.pop().unwrap_or_else(|_| Segment::new());
        let full = std::mem::replace(&mut self.open, next);
        if full.len > 0 {
            self.waiting.push_back(full);
            self.hand_over();
        }
    }

    /// Hands everything over that was pushed; `false` if the ring is full and some of it waits.
    pub(super) fn flush(&mut self) -> bool {
        if self.open.len > 0 {
            let next = self.empty.pop().unwrap_or_default();
            self.waiting.push_back(std::mem::replace(&mut self.open, next));
        }
        self.waiting.is_empty() || self.hand_over()
    }

    fn hand_over(&mut self) -> bool {
        while let Some(segment) = self.waiting.pop_front() {
            if let Err(rtrb::PushError::Full(segment)) = self.ring.push(segment) {
                self.waiting.push_front(segment);
                break;
            }
            self.pushed += 1;
        }
        self.traffic.pushed.store(self.pushed, Ordering::Release);
        self.waiting.is_empty()
    }
}

impl LinkRx {
    /// Whether the ring has something that is not yet at hand.
    #[inline(always)]
    pub(super) fn has_news(&self) -> bool {
        !self.ring.is_empty()
    }

    /// Takes over all that is in the ring.
    #[inline(always)]
    pub(super) fn pull(&mut self) {
        let before = self.pulled;
        while let Ok(segment) = self.ring.pop() {
            self.ready.push_back(segment);
            self.pulled += 1;
        }
        if self.pulled != before {
            self.traffic.pulled.store(self.pulled, Ordering::Release);
        }
    }

    /// When the next frame arrives.
    #[inline(always)]
    pub(super) fn first(&self) -> Option<Instant> {
        Some(self.ready.front()?.frames().get(self.head)?.at)
    }

    /// The frames at hand in one piece, and when the first one after the first `most` of them arrives, if it is known.
    #[inline(always)]
    pub(super) fn chunk(&mut self, most: usize) -> (&mut [Frame], Option<Instant>) {
        let after = self.ready.get(1).and_then(|next| next.frames().first()).map(|frame| frame.at);
        let Some(Segment { places, len }) = self.ready.front_mut() else { return (&mut [], None) };
        let frames = &mut places[self.head..*len];
        match frames.get(most) {
            Some(beyond) => {
                let at = beyond.at;
                (&mut frames[..most], Some(at))
            }
            None => (frames, after),
        }
    }

    /// The first `count` frames are done with.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: usize) {
        self.head += count;
        let used_up = self.ready.front().is_some_and(|segment| self.head >= segment.len);
        if used_up && let Some(mut segment) = self.ready.pop_front() {
            self.head = 0;
            segment.len = 0;
            // If the way home is full the segment is not needed there.
            drop(self.empty.push(segment));
        }
    }

    /// Frames at hand that were not consumed, and those in the ring.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&Frame)) {
        self.pull();
        let head = std::mem::take(&mut self.head);
        let frames = self.ready.iter().flat_map(|segment| segment.frames());
        frames.skip(head).for_each(&mut each);
        self.ready.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(tx: &mut LinkTx, at: u64) {
        tx.push(&mut Frame::default(), Instant::from_ps(at));
    }

    #[test]
    fn frames_arrive_in_order_after_the_delay_across_threads() {
        let (mut tx, mut rx, traffic) = link(Span::from_ps(1000));
        let frames = 20_000;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for at in 0..frames {
                    send(&mut tx, at);
                    if at % 77 == 0 {
                        tx.flush();
                    }
                }
                while !tx.flush() {
                    std::thread::yield_now();
                }
            });
            let mut expected = 0;
            while expected < frames {
                rx.pull();
                let (chunk, _) = rx.chunk(100);
                for frame in &*chunk {
                    assert_eq!(frame.at, Instant::from_ps(expected + 1000));
                    expected += 1;
                }
                let count = chunk.len();
                rx.consume(count);
                if count == 0 {
                    std::thread::yield_now();
                }
            }
        });
        assert!(traffic.is_empty());
    }

    #[test]
    fn a_chunk_knows_what_comes_after_it() {
        let (mut tx, mut rx, traffic) = link(Span::ZERO);
        for at in 0..SEGMENT as u64 + 10 {
            send(&mut tx, at);
        }
        assert!(tx.flush() && !traffic.is_empty());
        rx.pull();
        assert!(traffic.is_empty());
        assert_eq!(rx.chunk(100).1, Some(Instant::from_ps(100)));
        rx.consume(200);
        let (chunk, after) = rx.chunk(100);
        assert_eq!((chunk.len(), after), (56, Some(Instant::from_ps(256))), "the rest of the segment, then the next");
        rx.consume(56);
        let (chunk, after) = rx.chunk(100);
        assert_eq!((chunk.len(), after), (10, None));
    }

    #[test]
    fn a_full_ring_loses_nothing() {
        let (mut tx, mut rx, _) = link(Span::ZERO);
        let frames = (RING * SEGMENT + 1000) as u64;
        (0..frames).for_each(|at| send(&mut tx, at));
        assert!(!tx.flush());
        let mut seen = 0;
        while seen < frames {
            rx.pull();
            let count = rx.chunk(SEGMENT).0.len();
            seen += count as u64;
            rx.consume(count);
            tx.flush();
        }
        assert!(tx.flush() && rx.first().is_none());
    }
}
