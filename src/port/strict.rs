//! Strict priority among the queues of a port, exact and non-preemptive, without an event per frame.
//!
//! Frames are taken in by runs, in order of time. A frame that nothing can overtake leaves at once, from where it lies;
//! another leaves when a later arrival, or the end of the run, shows that nothing overtakes it any more. Only what starts
//! after the end of the run is kept here, by value. A frame is refused by the *total* unfinished work, which does
//! not depend on the order of service, against the limit of its queue. Of an end of transmission and an arrival at the same instant the end comes first.

use super::egress::{PortSpec, Refused};
use crate::frame::Frame;
use crate::time::{Instant, Span, WIRE_OVERHEAD_OCTETS};
use std::collections::VecDeque;

/// The queues of one port.
#[derive(Debug)]
pub struct StrictQueues {
    /// Higher places are served first.
    queues: Vec<Queue>,
    queue_of_class: [u8; 8],
    /// A bit for each queue with a frame.
    occupied: u8,
    /// When the frame on the wire is over.
    free: Instant,
    /// When all accepted work would be done.
    work: Instant,
    /// By class, the unfinished work at which its frames are refused.
    limits: [Span; 8],
    ps_per_octet: u64,
}

#[derive(Debug, Default)]
struct Queue {
    /// Frames of earlier runs.
    waiting: VecDeque<Frame>,
    /// Frames of this run that found the wire busy; the first `next` of them leave.
    coming: Vec<Coming>,
    next: usize,
}

/// A frame that came in this run.
#[derive(Clone, Copy, Debug)]
struct Coming {
    number: u32,
    octets: u16,
}

/// A frame that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// Its length, FCS included.
    pub octets: u16,
    /// Its class, 0 to 7.
    pub class: u8,
    /// Its place in the run.
    pub number: u32,
}

/// Some of the classes 0 to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// Whether `class` is one of them.
    #[inline(always)]
    pub const fn contain(self, class: u8) -> bool {
        self.0 >> (class & 7) & 1 == 1
    }
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
    /// It is what [`StrictQueues::take`] gives of this queue.
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
            occupied: 0,
            free: Instant::ZERO,
            work: Instant::ZERO,
            limits: spec.queue_of_class.map(|queue| spec.limit_of(queue)),
            ps_per_octet: spec.speed.ps_per_octet(),
        }
    }

    /// The next frame that starts before `bound`; each must be asked for before anything comes later, and
    /// [taken](Self::take) before the next one, if it waited.
    #[inline(always)]
    pub fn next_before(&mut self, bound: Instant) -> Option<Departure> {
        if self.occupied == 0 || self.free >= bound { None } else { Some(self.serve()) }
    }

    fn serve(&mut self) -> Departure {
        let place = 7 - self.occupied.leading_zeros() as usize;
        let queue = &mut self.queues[place];
        let (frame, octets, waiting) = match queue.waiting.front() {
            Some(frame) => (Leaving::Waited(place as u8), frame.len(), queue.waiting.len() - 1),
            None => {
                let Coming { number, octets } = queue.coming[queue.next];
                queue.next += 1;
                (Leaving::Came(number), octets, 0)
            }
        };
        if waiting + queue.coming.len() == queue.next {
            self.occupied &= !(1 << place);
        }
        self.free += self.wire_time(octets);
        Departure { frame, at: self.free }
    }

    /// A frame of a run comes at `at`, the `number`th of it, in order of time: when its last bit leaves, if that is settled.
    /// What starts before that or at the same instant has been [asked for](Self::next_before); nothing of a higher queue
    /// comes between this frame and `calm_until`, or before the end of the run.
    ///
    /// # Errors
    /// If the buffer is full.
    #[inline(always)]
    pub fn admit(&mut self, frame: Arrival, calm_until: Instant) -> Result<Option<Instant>, Refused> {
        let Arrival { at, octets, class, number } = frame;
        let start = self.work.max(at);
        if start.since(at) > self.limits[usize::from(class & 7)] {
            return Err(Refused);
        }
        self.work = start + self.wire_time(octets);
        if self.occupied == 0 && (start < calm_until || start == at) {
            self.free = self.work;
            return Ok(Some(self.work));
        }
        let place = self.queue_of_class[usize::from(class & 7)];
        self.queues[usize::from(place)].coming.push(Coming { number, octets });
        self.occupied |= 1 << place;
        Ok(None)
    }

    /// The classes whose frames overtake others: those that are not of the lowest queue.
    #[inline]
    pub fn overtaking(&self) -> Classes {
        let overtake = self.queue_of_class.iter().map(|&queue| queue > 0);
        Classes(overtake.zip(0..).map(|(overtakes, class)| u8::from(overtakes) << class).sum())
    }

    #[inline(always)]
    fn wire_time(&self, octets: u16) -> Span {
        Span::from_ps((u64::from(octets) + WIRE_OVERHEAD_OCTETS) * self.ps_per_octet)
    }

    /// The first frame of those that wait in `queue`, which leaves.
    pub fn take(&mut self, queue: u8) -> Option<Frame> {
        self.queues[usize::from(queue)].waiting.pop_front()
    }

    /// The run is over: `frame` gives those of its frames, by number, that do not leave yet.
    #[inline(always)]
    pub fn keep(&mut self, mut frame: impl FnMut(u32) -> Frame) {
        for queue in &mut self.queues {
            queue.waiting.extend(queue.coming[queue.next..].iter().map(|coming| frame(coming.number)));
            queue.coming.clear();
            queue.next = 0;
        }
    }

    /// All that waits is gone; what is on the wire is not. In order of queue, the highest first, then of arrival.
    pub fn flush(&mut self) -> impl Iterator<Item = Frame> + '_ {
        (self.occupied, self.work) = (0, self.free);
        self.queues.iter_mut().rev().flat_map(|queue| queue.waiting.drain(..))
    }

    /// When the next waiting frame starts, if one waits.
    pub fn next_start(&self) -> Option<Instant> {
        (self.occupied != 0).then_some(self.free)
    }

    /// The frames that wait, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.queues.iter().flat_map(|queue| &queue.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::PortSpeed;
    use proptest::prelude::*;

    /// What leaves of `arrivals` (time, class; the number is the place) by `bound`: number and last bit. They come in runs
    /// that end at `ends`; so many are looked ahead to for one that overtakes.
    fn order(spec: &PortSpec, arrivals: &[(u64, u8)], ends: &[u64], look_ahead: usize) -> (Vec<(u32, u64)>, Vec<u32>) {
        let mut queues = StrictQueues::new(spec);
        let overtaking = queues.overtaking();
        let (mut left, mut refused, mut from) = (Vec::new(), Vec::new(), 0);
        let made = |number: u32| {
            let mut frame = Frame::parse(&[2; 60], 60, None).unwrap().frame;
            (frame.id.seq, frame.header.meta) = (number, frame.header.meta.with_len(64));
            frame
        };
        for &end in ends {
            let to = arrivals.partition_point(|arrival| arrival.0 < end);
            for (number, &(at, class)) in (0..).zip(arrivals).take(to).skip(from) {
                leave(&mut queues, at + 1, &mut left);
                let later = arrivals[..to].iter().skip(number as usize + 1);
                let overtakes = |&&(_, class): &&(u64, u8)| overtaking.contain(class);
                let calm_until = match later.take(look_ahead).find(overtakes) {
                    _ if overtaking.contain(class) => 0,
                    Some(next) => next.0,
                    None if number as usize + look_ahead >= to => end,
                    None => at,
                };
                let arrival = Arrival { at: Instant::from_ps(at), octets: 64, class, number };
                match queues.admit(arrival, Instant::from_ps(calm_until)) {
                    Ok(Some(at)) => left.push((number, at.as_ps())),
                    Ok(None) => (),
                    Err(Refused) => refused.push(number),
                }
            }
            from = to;
            leave(&mut queues, end, &mut left);
            queues.keep(made);
        }
        assert_eq!(left.len() + refused.len() + queues.iter().count(), from, "none is lost");
        (left, refused)
    }

    fn leave(queues: &mut StrictQueues, bound: u64, left: &mut Vec<(u32, u64)>) {
        while let Some(Departure { frame, at }) = queues.next_before(Instant::from_ps(bound)) {
            let number = match frame {
                Leaving::Came(number) => number,
                Leaving::Waited(queue) => queues.take(queue).unwrap().id.seq,
            };
            left.push((number, at.as_ps()));
        }
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
            if work.saturating_sub(at) > spec.limit_of(spec.queue_of_class[usize::from(class)]).as_ps() {
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
        assert_eq!(
            order(&control_first(), &arrivals, &[u64::MAX], 9).0,
            [(0, 6720), (3, 13440), (1, 20160), (2, 26880)]
        );
    }

    #[test]
    fn an_end_of_transmission_comes_before_an_arrival_at_the_same_instant() {
        let arrivals = [(0, 0), (1, 0), (6720, 7)];
        assert_eq!(order(&control_first(), &arrivals, &[u64::MAX], 9).0, [(0, 6720), (1, 13440), (2, 20160)]);
    }

    #[test]
    fn what_starts_at_the_bound_is_not_final() {
        let arrivals = [(0, 0), (1, 0)];
        assert_eq!(order(&control_first(), &arrivals, &[6720], 9).0, [(0, 6720)]);
        assert_eq!(order(&control_first(), &arrivals, &[6721], 9).0, [(0, 6720), (1, 13440)]);
    }

    proptest! {
        #[test]
        fn runs_of_any_length_equal_the_events_one_by_one(
            gaps in proptest::collection::vec((prop_oneof![Just(0u64), Just(6720), 0u64..20_000], 0u8..8), 0..60),
            cuts in proptest::collection::vec(0u64..400_000, 0..12),
            queue_of_class in proptest::array::uniform8(0u8..3), buffer in 0u64..2000, look_ahead in 0usize..20,
        ) {
            let spec = PortSpec { queue_of_class, buffer_octets: Some(buffer), ..PortSpec::new("p", PortSpeed::G100) };
            let mut at = 0;
            let arrivals: Vec<_> = gaps.into_iter().map(|(gap, class)| { at += gap; (at, class) }).collect();
            let mut ends = cuts;
            ends.push(u64::MAX);
            ends.sort_unstable();
            prop_assert_eq!(order(&spec, &arrivals, &ends, look_ahead), by_events(&spec, &arrivals));
        }
    }
}
