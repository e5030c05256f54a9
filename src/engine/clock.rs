//! The clocks that nodes show each other, and the jump over time in which nothing happens.
//!
//! Each node publishes up to when it has sent (nothing will start before that) and up to when it has taken. A node may
//! run to the least of its inputs' published times plus their lookahead. Where nothing happens for long, such steps
//! would creep; so a thread with nothing to do says when its next event is, and when all threads have said so and no
//! ring holds anything, the least of these instants is a floor under every clock.

use super::atomics::{AtomicBool, AtomicU64, Ordering};
use super::link::Traffic;
use crate::time::Instant;
use crossbeam_utils::CachePadded;
use std::sync::Arc;

/// The clocks of one node.
#[derive(Debug, Default)]
pub(super) struct NodeClock {
    sent_until: AtomicU64,
    taken_until: AtomicU64,
}

/// What a thread says when it has nothing to do: how often it changed its mind, and when its next event is.
#[derive(Debug, Default)]
struct Idle {
    epoch: AtomicU64,
    next: AtomicU64,
}

/// The thread is at work.
const BUSY: u64 = u64::MAX - 1;

/// What all threads of a run share.
#[derive(Debug)]
pub(super) struct Shared {
    clocks: Vec<CachePadded<NodeClock>>,
    links: Vec<Arc<Traffic>>,
    idle: Vec<CachePadded<Idle>>,
    floor: CachePadded<AtomicU64>,
    done: AtomicBool,
}

impl Shared {
    pub(super) fn new(nodes: usize, links: Vec<Arc<Traffic>>, threads: usize) -> Self {
        let busy = || CachePadded::new(Idle { epoch: AtomicU64::new(0), next: AtomicU64::new(BUSY) });
        Shared {
            clocks: (0..nodes).map(|_| CachePadded::default()).collect(),
            links,
            idle: (0..threads).map(|_| busy()).collect(),
            floor: CachePadded::default(),
            done: AtomicBool::new(false),
        }
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.idle.len()
    }

    /// Nothing that `node` sends starts before this.
    #[inline(always)]
    pub(super) fn sent_until(&self, node: usize) -> Instant {
        Instant::from_ps(self.clocks[node].sent_until.load(Ordering::Acquire).max(self.floor.load(Ordering::Acquire)))
    }

    /// `node` has taken everything that arrives before this.
    #[inline(always)]
    pub(super) fn taken_until(&self, node: usize) -> Instant {
        Instant::from_ps(self.clocks[node].taken_until.load(Ordering::Acquire).max(self.floor.load(Ordering::Acquire)))
    }

    /// Publishes the clocks of `node`; what it sent must be in the rings by now.
    #[inline(always)]
    pub(super) fn publish(&self, node: usize, sent_until: Instant, taken_until: Instant) {
        self.clocks[node].sent_until.store(sent_until.as_ps(), Ordering::Release);
        self.clocks[node].taken_until.store(taken_until.as_ps(), Ordering::Release);
    }

    /// Whether the run is over.
    #[inline(always)]
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Ends the run, whatever is still under way.
    pub(super) fn stop(&self) {
        self.done.store(true, Ordering::Release);
    }

    /// `thread` is about to take something from a ring or to do something: what it last said does not hold any more.
    pub(super) fn set_busy(&self, thread: usize) {
        self.idle[thread].next.store(BUSY, Ordering::Release);
        self.idle[thread].epoch.fetch_add(1, Ordering::Release);
    }

    /// `thread` has nothing to do before `next`, with all that is in its rings at hand.
    pub(super) fn set_idle(&self, thread: usize, next: Instant) {
        let next = if next == Instant::MAX { u64::MAX } else { next.as_ps() };
        self.idle[thread].next.store(next, Ordering::Release);
    }

    /// If all threads are idle and no ring holds anything, raises the floor to the least next event; if there is none,
    /// the run is over. Whether the floor was raised.
    ///
    /// The two readings of what the threads say must agree: then all were idle while the rings were looked at, and
    /// nobody can have put anything into them. A reading takes the epoch first: taken after what was said, it could be
    /// that of a thread which has gone to work since, comes back to say the same, and would seem never to have been away.
    pub(super) fn jump(&self) -> bool {
        let read = || -> Option<Vec<(u64, u64)>> {
            let said = self.idle.iter().map(|idle| {
                let epoch = idle.epoch.load(Ordering::Acquire);
                let next = idle.next.load(Ordering::Acquire);
                (next != BUSY).then_some((epoch, next))
            });
            said.collect()
        };
        let Some(before) = read() else { return false };
        if !self.links.iter().all(|link| link.is_empty()) || read().as_ref() != Some(&before) {
            return false;
        }
        match before.iter().map(|&(_, next)| next).min() {
            Some(u64::MAX) | None => {
                self.stop();
                false
            }
            Some(next) => self.floor.fetch_max(next, Ordering::AcqRel) < next,
        }
    }
}

#[cfg(all(test, loom))]
mod models;
