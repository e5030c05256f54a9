//! Strict priority among the queues of a port, exact and non-preemptive; frames wait by value.
//!
//! A frame is refused by the *total* unfinished work, which does not depend on the order of service. Of an end of
//! transmission and an arrival at the same instant the end comes first.

use super::egress::{PortSpec, Refused};
use crate::frame::Frame;
use crate::time::{Instant, PortSpeed, Span};
use std::collections::VecDeque;

/// The queues of one port.
#[derive(Debug)]
pub struct StrictQueues {
    /// Higher places are served first.
    waiting: Vec<VecDeque<Frame>>,
    queue_of_class: [u8; 8],
    count: usize,
    /// When the frame on the wire is over.
    free: Instant,
    /// When all accepted work would be done.
    work: Instant,
    limit: Span,
    speed: PortSpeed,
}

impl StrictQueues {
    /// Empty queues.
    pub fn new(spec: &PortSpec) -> Self {
        StrictQueues {
            waiting: (0..spec.queues()).map(|_| VecDeque::new()).collect(),
            queue_of_class: spec.queue_of_class,
            count: 0,
            free: Instant::ZERO,
            work: Instant::ZERO,
            limit: spec.limit(),
            speed: spec.speed,
        }
    }

    /// `frame` comes at `at`; calls are in order of time. What starts up to then is handed to `leave` with the instant
    /// of its last bit.
    #[inline]
    pub fn accept(
        &mut self,
        at: Instant,
        frame: &mut Frame,
        mut leave: impl FnMut(&mut Frame, Instant),
    ) -> Result<(), Refused> {
        if self.count > 0 {
            self.start_until(at, &mut leave);
        }
        let wire = self.speed.wire_time(frame.len());
        if self.work.max(at).since(at) > self.limit {
            return Err(Refused);
        }
        self.work = self.work.max(at) + wire;
        if self.free <= at {
            self.free = at + wire;
            leave(frame, self.free);
        } else {
            let queue = usize::from(self.queue_of_class[usize::from(frame.header.meta.class())]);
            self.waiting[queue].push_back(frame.take(at));
            self.count += 1;
        }
        Ok(())
    }

    /// Hands to `leave` every waiting frame whose transmission starts before `bound`: nothing that comes from `bound`
    /// on can still overtake it.
    #[inline]
    pub fn start_before(&mut self, bound: Instant, mut leave: impl FnMut(&mut Frame, Instant)) {
        if self.count > 0 && bound > Instant::ZERO {
            self.start_until(Instant::from_ps(bound.as_ps() - 1), &mut leave);
        }
    }

    fn start_until(&mut self, last_start: Instant, leave: &mut impl FnMut(&mut Frame, Instant)) {
        while self.free <= last_start {
            let Some(mut frame) = self.waiting.iter_mut().rev().find_map(VecDeque::pop_front) else { return };
            self.count -= 1;
            self.free += self.speed.wire_time(frame.len());
            leave(&mut frame, self.free);
        }
    }

    /// When the next waiting frame starts, if one waits.
    pub fn next_start(&self) -> Option<Instant> {
        (self.count > 0).then_some(self.free)
    }

    /// Frames that wait.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The frames that wait, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.waiting.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: u32, class: u8) -> Frame {
        let mut frame = Frame::parse(&[2; 60], 60, None).unwrap().frame;
        frame.id.seq = seq;
        frame.header.meta = frame.header.meta.with_class(class);
        frame
    }

    fn order(arrivals: &[(u64, u32, u8)], bound: u64) -> Vec<(u32, u64)> {
        let spec = PortSpec { queue_of_class: PortSpec::CONTROL_FIRST, ..PortSpec::new("p", PortSpeed::G100) };
        let mut queues = StrictQueues::new(&spec);
        let mut left = Vec::new();
        for &(at, seq, class) in arrivals {
            let leave = |f: &mut Frame, t: Instant| left.push((f.id.seq, t.as_ps()));
            queues.accept(Instant::from_ps(at), &mut frame(seq, class), leave).unwrap();
        }
        queues.start_before(Instant::from_ps(bound), |f, t| left.push((f.id.seq, t.as_ps())));
        left
    }

    #[test]
    fn control_overtakes_what_waits_but_not_what_is_on_the_wire() {
        let arrivals = [(0, 1, 0), (1, 2, 0), (2, 3, 0), (3, 4, 6)];
        assert_eq!(order(&arrivals, u64::MAX), [(1, 6720), (4, 13440), (2, 20160), (3, 26880)]);
    }

    #[test]
    fn an_end_of_transmission_comes_before_an_arrival_at_the_same_instant() {
        let arrivals = [(0, 1, 0), (1, 2, 0), (6720, 3, 7)];
        assert_eq!(order(&arrivals, u64::MAX), [(1, 6720), (2, 13440), (3, 20160)]);
    }

    #[test]
    fn what_starts_at_the_bound_is_not_final() {
        let arrivals = [(0, 1, 0), (1, 2, 0)];
        assert_eq!(order(&arrivals, 6720), [(1, 6720)]);
        assert_eq!(order(&arrivals, 6721), [(1, 6720), (2, 13440)]);
    }
}
