//! Strict priority among the queues of a port, exact and non-preemptive, without an event per frame.
//!
//! Frames are taken in by runs, in order of time; what starts before the end of a run is settled at once, and its frames
//! leave from where they lie. Only what starts later waits here, by value: something may still overtake it. A frame is
//! refused by the *total* unfinished work, which does not depend on the order of service. Of an end of transmission and
//! an arrival at the same instant the end comes first.

use super::egress::{PortSpec, Refused};
use crate::frame::Frame;
use crate::time::{Instant, PortSpeed, Span};
use std::collections::VecDeque;

/// The queues of one port.
#[derive(Debug)]
pub struct StrictQueues {
    /// Higher places are served first.
    queues: Vec<Queue>,
    queue_of_class: [u8; 8],
    /// Frames that wait in all queues.
    waiting: usize,
    /// When the frame on the wire is over.
    free: Instant,
    /// When all accepted work would be done.
    work: Instant,
    limit: Span,
    speed: PortSpeed,
}

#[derive(Debug, Default)]
struct Queue {
    /// Frames of earlier runs.
    waiting: VecDeque<Frame>,
    /// How many of them leave with this run.
    leaving: usize,
    /// Frames of this run; the first `next` of them leave.
    coming: Vec<Coming>,
    next: usize,
}

/// A frame that came in this run.
#[derive(Clone, Copy, Debug)]
struct Coming {
    at: Instant,
    number: u32,
    octets: u16,
}

/// A frame that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Which one.
    pub frame: Leaving,
    /// When its last bit leaves.
    pub at: Instant,
}

/// Where a frame that leaves is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// It is the next one of those that [`StrictQueues::take`] gives of this queue.
    Waited(u8),
    /// It came in this run, under this number.
    Came(u32),
}

impl StrictQueues {
    /// Empty queues.
    pub fn new(spec: &PortSpec) -> Self {
        StrictQueues {
            queues: (0..spec.queues()).map(|_| Queue::default()).collect(),
            queue_of_class: spec.queue_of_class,
            waiting: 0,
            free: Instant::ZERO,
            work: Instant::ZERO,
            limit: spec.limit(),
            speed: spec.speed,
        }
    }

    /// A frame of a run comes at `at`, the `number`th of it, in order of time.
    ///
    /// # Errors
    /// If the buffer is full.
    #[inline(always)]
    pub fn admit(&mut self, at: Instant, octets: u16, class: u8, number: u32) -> Result<(), Refused> {
        let start = self.work.max(at);
        if start.since(at) > self.limit {
            return Err(Refused);
        }
        self.work = start + self.speed.wire_time(octets);
        let queue = usize::from(self.queue_of_class[usize::from(class & 7)]);
        self.queues[queue].coming.push(Coming { at, number, octets });
        Ok(())
    }

    /// The run is complete: nothing else comes before `end`. What starts before `end` is added to `departures` in order;
    /// the caller must then [`take`](Self::take) what waited and [`keep`](Self::keep) the rest.
    #[inline]
    pub fn serve(&mut self, end: Instant, departures: &mut Vec<Departure>) {
        loop {
            self.serve_lowest(end, departures);
            let (queue, start) = match self.highest_that_waits() {
                Some(queue) => (queue, self.free),
                None => match self.first_to_come() {
                    Some((queue, at)) => (queue, at),
                    None => return,
                },
            };
            if start >= end {
                return;
            }
            let Queue { waiting, leaving, coming, next } = &mut self.queues[queue];
            let (frame, octets) = match waiting.get(*leaving) {
                Some(frame) => {
                    *leaving += 1;
                    (Leaving::Waited(queue as u8), frame.len())
                }
                None => {
                    *next += 1;
                    (Leaving::Came(coming[*next - 1].number), coming[*next - 1].octets)
                }
            };
            self.free = start + self.speed.wire_time(octets);
            departures.push(Departure { frame, at: self.free });
        }
    }

    /// Serves the lowest queue alone up to where another one has a say: nearly always it is the only one with a frame.
    #[inline(always)]
    fn serve_lowest(&mut self, end: Instant, departures: &mut Vec<Departure>) {
        let Some((lowest, higher)) = self.queues.split_first_mut() else { return };
        if lowest.leaving < lowest.waiting.len() || higher.iter().any(|queue| queue.leaving < queue.waiting.len()) {
            return;
        }
        let bound = higher.iter().filter_map(Queue::head).map(|head| head.at).fold(end, Instant::min);
        let mut free = self.free;
        for coming in &lowest.coming[lowest.next..] {
            let start = free.max(coming.at);
            if start >= bound {
                break;
            }
            lowest.next += 1;
            free = start + self.speed.wire_time(coming.octets);
            departures.push(Departure { frame: Leaving::Came(coming.number), at: free });
        }
        self.free = free;
    }

    /// The highest queue with a frame that came before the wire is free.
    #[inline(always)]
    fn highest_that_waits(&self) -> Option<usize> {
        self.queues.iter().rposition(|queue| {
            queue.leaving < queue.waiting.len() || queue.head().is_some_and(|head| head.at < self.free)
        })
    }

    /// The queue of the first frame that comes when the wire is free, and when that is.
    #[inline(always)]
    fn first_to_come(&self) -> Option<(usize, Instant)> {
        let heads = self.queues.iter().enumerate().filter_map(|(place, queue)| Some((place, *queue.head()?)));
        let first = heads.min_by_key(|(_, head)| head.number)?;
        Some((first.0, first.1.at))
    }

    /// The next frame of `queue` that waited and leaves.
    pub fn take(&mut self, queue: u8) -> Option<Frame> {
        let queue = &mut self.queues[usize::from(queue)];
        queue.leaving = queue.leaving.checked_sub(1)?;
        self.waiting -= 1;
        queue.waiting.pop_front()
    }

    /// The run is over: `frame` gives those of its frames, by number, that do not leave yet.
    #[inline(always)]
    pub fn keep(&mut self, mut frame: impl FnMut(u32) -> Frame) {
        for queue in &mut self.queues {
            for coming in &queue.coming[queue.next..] {
                queue.waiting.push_back(frame(coming.number));
                self.waiting += 1;
            }
            queue.coming.clear();
            queue.next = 0;
        }
    }

    /// When the next waiting frame starts, if one waits.
    pub fn next_start(&self) -> Option<Instant> {
        (self.waiting > 0).then_some(self.free)
    }

    /// Frames that wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// The frames that wait, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.queues.iter().flat_map(|queue| &queue.waiting)
    }
}

impl Queue {
    /// The first frame of this run that does not leave yet.
    #[inline(always)]
    fn head(&self) -> Option<&Coming> {
        self.coming.get(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What leaves of `arrivals` (time, class; the number is the place) by `bound`: number and last bit. They come in runs
    /// that end at `ends`.
    fn order(spec: &PortSpec, arrivals: &[(u64, u8)], ends: &[u64]) -> (Vec<(u32, u64)>, Vec<u32>) {
        let mut queues = StrictQueues::new(spec);
        let (mut left, mut refused, mut departures, mut from) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let made = |number: u32| {
            let mut frame = Frame::parse(&[2; 60], 60, None).unwrap().frame;
            (frame.id.seq, frame.header.meta) = (number, frame.header.meta.with_len(64));
            frame
        };
        for &end in ends {
            let to = arrivals.partition_point(|arrival| arrival.0 < end);
            for (number, &(at, class)) in arrivals.iter().enumerate().take(to).skip(from) {
                if queues.admit(Instant::from_ps(at), 64, class, number as u32).is_err() {
                    refused.push(number as u32);
                }
            }
            from = to;
            queues.serve(Instant::from_ps(end), &mut departures);
            for Departure { frame, at } in departures.drain(..) {
                let number = match frame {
                    Leaving::Came(number) => number,
                    Leaving::Waited(queue) => queues.take(queue).unwrap().id.seq,
                };
                left.push((number, at.as_ps()));
            }
            queues.keep(made);
        }
        assert_eq!(left.len() + refused.len() + queues.len(), from, "none is lost");
        (left, refused)
    }

    fn control_first() -> PortSpec {
        PortSpec { queue_of_class: PortSpec::CONTROL_FIRST, ..PortSpec::new("p", PortSpeed::G100) }
    }

    /// The order as it is defined, one event after another: an end of transmission before an arrival at the same instant.
    fn by_events(spec: &PortSpec, arrivals: &[(u64, u8)]) -> (Vec<(u32, u64)>, Vec<u32>) {
        const WIRE: u64 = 84 * 80;
        let (mut waiting, mut left, mut refused) = (vec![VecDeque::new(); 8], Vec::new(), Vec::new());
        let (mut free, mut work, mut next) = (0, 0u64, 0);
        loop {
            let some_wait = waiting.iter().any(|queue| !queue.is_empty());
            let arrival = arrivals.get(next);
            if some_wait && arrival.is_none_or(|arrival| free <= arrival.0) {
                let number = waiting.iter_mut().rev().find_map(VecDeque::pop_front).unwrap();
                free += WIRE;
                left.push((number, free));
                continue;
            }
            let Some(&(at, class)) = arrival else { return (left, refused) };
            let number = next as u32;
            next += 1;
            if work.saturating_sub(at) > spec.limit().as_ps() {
                refused.push(number);
                continue;
            }
            work = work.max(at) + WIRE;
            if free <= at {
                free = at + WIRE;
                left.push((number, free));
            } else {
                waiting[usize::from(spec.queue_of_class[usize::from(class)])].push_back(number);
            }
        }
    }

    #[test]
    fn control_overtakes_what_waits_but_not_what_is_on_the_wire() {
        let arrivals = [(0, 0), (1, 0), (2, 0), (3, 6)];
        assert_eq!(order(&control_first(), &arrivals, &[u64::MAX]).0, [(0, 6720), (3, 13440), (1, 20160), (2, 26880)]);
    }

    #[test]
    fn an_end_of_transmission_comes_before_an_arrival_at_the_same_instant() {
        let arrivals = [(0, 0), (1, 0), (6720, 7)];
        assert_eq!(order(&control_first(), &arrivals, &[u64::MAX]).0, [(0, 6720), (1, 13440), (2, 20160)]);
    }

    #[test]
    fn what_starts_at_the_bound_is_not_final() {
        let arrivals = [(0, 0), (1, 0)];
        assert_eq!(order(&control_first(), &arrivals, &[6720]).0, [(0, 6720)]);
        assert_eq!(order(&control_first(), &arrivals, &[6721]).0, [(0, 6720), (1, 13440)]);
    }

    proptest! {
        #[test]
        fn runs_of_any_length_equal_the_events_one_by_one(
            gaps in proptest::collection::vec((prop_oneof![Just(0u64), Just(6720), 0u64..20_000], 0u8..8), 0..60),
            cuts in proptest::collection::vec(0u64..400_000, 0..12),
            queue_of_class in proptest::array::uniform8(0u8..3), buffer in 0u64..2000,
        ) {
            let spec = PortSpec { queue_of_class, buffer_octets: Some(buffer), ..PortSpec::new("p", PortSpeed::G100) };
            let mut at = 0;
            let arrivals: Vec<_> = gaps.into_iter().map(|(gap, class)| { at += gap; (at, class) }).collect();
            let mut ends = cuts;
            ends.push(u64::MAX);
            ends.sort_unstable();
            prop_assert_eq!(order(&spec, &arrivals, &ends), by_events(&spec, &arrivals));
        }
    }
}
