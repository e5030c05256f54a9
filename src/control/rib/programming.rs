//! When the forwarding table has what the routes say: one prefix after another, the first after a delay.

use super::{FibChange, Via};
use crate::id::VrfId;
use crate::time::{Instant, Span};
use ipnet::IpNet;
use std::collections::{BTreeMap, VecDeque};

/// How long a router takes to program its forwarding table. No vendor's figure is taken for granted: both are 0 unless
/// set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgrammingConfig {
    /// From a change to its effect, for the first one after quiet.
    pub delay: Span,
    /// From each one to the next.
    pub per_prefix: Span,
}

/// Changes on their way into the forwarding table, in the order in which they came; those of one input in order of VRF
/// and prefix, whether they take a route away or not.
#[derive(Clone, Debug)]
pub(super) struct Programming {
    config: ProgrammingConfig,
    /// In effect, not handed out yet.
    done: VecDeque<FibChange>,
    waiting: VecDeque<FibChange>,
    /// Where in the queue each prefix waits, counted from the first change ever.
    places: BTreeMap<(VrfId, IpNet), u64>,
    /// How many have left `waiting`.
    left: u64,
    /// When the last one takes or took effect.
    last: Option<Instant>,
}

impl Programming {
    pub(super) fn new(config: ProgrammingConfig) -> Self {
        Programming {
            config,
            done: VecDeque::new(),
            waiting: VecDeque::new(),
            places: BTreeMap::new(),
            left: 0,
            last: None,
        }
    }

    /// `prefix` is to go by `next_hops`. One that waits already keeps its place; one that takes effect `now` does not
    /// wait any more. The queue is quiet after the instant of its last one.
    pub(super) fn change(&mut self, now: Instant, vrf: VrfId, prefix: IpNet, next_hops: Vec<Via>) {
        self.advance(now);
        if let Some(place) = self.places.get(&(vrf, prefix)) {
            self.waiting[(place - self.left) as usize].next_hops = next_hops;
            return;
        }
        let at = match self.last {
            Some(last) if now <= last => last.saturating_add(self.config.per_prefix),
            _ => now.saturating_add(self.config.delay),
        };
        self.last = Some(at);
        self.places.insert((vrf, prefix), self.left + self.waiting.len() as u64);
        self.waiting.push_back(FibChange { at, vrf, prefix, next_hops });
    }

    pub(super) fn poll(&mut self, now: Instant) -> Option<FibChange> {
        self.advance(now);
        self.done.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.done.front().or(self.waiting.front()).map(|change| change.at)
    }

    fn advance(&mut self, now: Instant) {
        while let Some(change) = self.waiting.pop_front_if(|change| change.at <= now) {
            self.places.remove(&(change.vrf, change.prefix));
            self.left += 1;
            self.done.push_back(change);
        }
    }
}
