//! The threads that read captures while the run goes on, and what they have found so far; when a run ends is not theirs.

use crate::engine::{BodyPool, Feed};
use crate::frame::Frame;
use crate::traffic::replay::{Progress, Replay, ReplayCounts, ReplayError, ReplaySpec};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What a reader found, and what ended it before its time.
pub(super) type Found = (ReplayCounts, Option<ReplayError>);

/// Captures that are read by a thread of their own.
pub(super) struct Reading {
    thread: JoinHandle<Found>,
    shared: Arc<Shared>,
    /// Reading may be held up for as long as somebody writes nothing.
    may_wait: bool,
}

/// What a reading thread shows while it is at work.
#[derive(Default)]
struct Shared {
    octets_read: AtomicU64,
    frames: AtomicU64,
    taken_until: AtomicU64,
    /// Kept up to date only where reading may be held up.
    counts: Mutex<ReplayCounts>,
}

impl Shared {
    fn show(&self, progress: Progress, taken_until: u64) {
        self.octets_read.store(progress.octets_read, Ordering::Relaxed);
        self.frames.store(progress.frames, Ordering::Relaxed);
        self.taken_until.store(taken_until, Ordering::Relaxed);
    }
}

/// How far a reader is, to be looked at from elsewhere.
pub(super) struct Watch(Arc<Shared>);

impl Watch {
    pub(super) fn octets_read(&self) -> u64 {
        self.0.octets_read.load(Ordering::Relaxed)
    }

    pub(super) fn frames(&self) -> u64 {
        self.0.frames.load(Ordering::Relaxed)
    }

    /// When the frames were due that the run has taken over, in picoseconds.
    pub(super) fn taken_until_ps(&self) -> u64 {
        self.0.taken_until.load(Ordering::Relaxed)
    }
}

impl Reading {
    /// Begins to read.
    pub(super) fn start(spec: ReplaySpec, feed: Feed, pool: BodyPool) -> Reading {
        let replay = Replay::new(spec);
        let (shared, may_wait) = (Arc::new(Shared::default()), replay.has_streams());
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || read(replay, feed, &pool, &theirs, may_wait));
        Reading { thread, shared, may_wait }
    }

    /// How far it is.
    pub(super) fn watch(&self) -> Watch {
        Watch(self.shared.clone())
    }

    /// What was found in all. After an interrupt the thread may be waiting for somebody to write into a pipe, perhaps for
    /// ever: then what was found up to the last frames that it handed over, and the thread is left to end with the process.
    pub(super) fn finish(self, interrupted: bool) -> Found {
        if interrupted && self.may_wait && !self.thread.is_finished() {
            let counts = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
            return (counts.clone(), None);
        }
        match self.thread.join() {
            Ok(found) => found,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Reads a replay to its end, or until nobody wants more.
fn read(mut replay: Replay, mut feed: Feed, pool: &BodyPool, shared: &Shared, may_wait: bool) -> Found {
    let mut spare = Vec::new();
    let mut dues = Dues::default();
    loop {
        if spare.len() < Feed::BATCH
            && let Some(more) = pool.take()
        {
            spare.extend(more);
        }
        let mut batch: Vec<Frame> = Vec::with_capacity(Feed::BATCH);
        let more = replay.fill(&mut batch, Feed::BATCH, &mut spare);
        if may_wait {
            *shared.counts.lock().unwrap_or_else(PoisonError::into_inner) = replay.counts();
        }
        let sent = feed.send(batch);
        let progress = replay.progress();
        shared.show(progress, dues.taken(progress.last_due.as_ps(), feed.waiting()));
        if sent.is_err() || !more {
            return replay.finish();
        }
    }
}

/// When the last frames of the newest batches are due: those that wait in the feed, and the one before them.
#[derive(Default)]
struct Dues {
    last: [u64; Feed::BATCHES + 1],
    batches: usize,
}

impl Dues {
    /// Notes that a batch was handed over whose last frame is due at `due`; when that of the newest batch is which does not
    /// wait any more.
    fn taken(&mut self, due: u64, waiting: usize) -> u64 {
        self.batches += 1;
        self.last[self.batches % self.last.len()] = due;
        let taken = self.batches.saturating_sub(waiting);
        if taken == 0 { 0 } else { self.last[taken % self.last.len()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_in_the_feed_is_not_taken() {
        let mut dues = Dues::default();
        for batch in 1..=8 {
            assert_eq!(dues.taken(batch * 10, batch as usize), 0);
        }
        assert_eq!(dues.taken(90, 8), 10, "as many as the feed holds, and the one that was taken");
        assert_eq!(dues.taken(100, 3), 70);
        assert_eq!(dues.taken(110, 0), 110);
    }
}
