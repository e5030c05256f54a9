//! What a host has to offer: the frames of all its sources in one order, (time, place among the sources); it sends none.

use super::source::{Next, Source, Supply};
use crate::frame::Frame;
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The sources of one host at work. A source that has not come so far holds up the others: what it has next may be first.
#[derive(Debug)]
pub(super) struct Supplies {
    /// The one whose frames come now, as long as they are due before `until`.
    now: Supply,
    place: usize,
    until: Instant,
    others: Vec<Supply>,
    /// When the next frame of each of the others is due: with the place of the source, and where it is in `others`.
    due: BinaryHeap<Reverse<(Instant, usize, usize)>>,
    /// Of `others`, those whose first frame is not known.
    unknown: Vec<(usize, usize)>,
}

impl Supplies {
    /// The sources of a host, each with its place among those of the run; `None` if it has none.
    pub(super) fn new(sources: impl IntoIterator<Item = (usize, Source)>) -> Option<Self> {
        let mut sources = sources.into_iter().map(|(place, source)| (place, Supply::new(source)));
        let (place, now) = sources.next()?;
        let (places, others): (Vec<_>, Vec<_>) = sources.unzip();
        // One alone goes on to its end.
        let until = if others.is_empty() { Instant::MAX } else { Instant::ZERO };
        let unknown = places.into_iter().zip(0..).collect();
        Some(Supplies { now, place, until, others, due: BinaryHeap::new(), unknown })
    }

    /// The next frame's time.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Next {
        match self.now.next() {
            Next::At(sent) if sent < self.until => Next::At(sent),
            other => self.turn(other),
        }
    }

    /// The source at work has `next`, which may not be what comes next of all.
    #[inline(never)]
    fn turn(&mut self, next: Next) -> Next {
        while let Some(&(place, slot)) = self.unknown.last() {
            match self.others[slot].next() {
                Next::At(sent) => self.due.push(Reverse((sent, place, slot))),
                Next::Unknown => return Next::Unknown,
                Next::Ended => {}
            }
            self.unknown.pop();
        }
        let Some(&Reverse((sent, place, slot))) = self.due.peek() else {
            self.until = Instant::MAX;
            return next;
        };
        match next {
            Next::Unknown => return Next::Unknown,
            Next::At(mine) if (mine, self.place) < (sent, place) => {
                self.until = self.end_of_turn();
                return next;
            }
            // The one that comes first leaves its slot to the one that was at work.
            Next::At(mine) => {
                if let Some(mut first) = self.due.peek_mut() {
                    *first = Reverse((mine, self.place, slot));
                }
            }
            Next::Ended => drop(self.due.pop()),
        }
        std::mem::swap(&mut self.now, &mut self.others[slot]);
        self.place = place;
        self.until = self.end_of_turn();
        Next::At(sent)
    }

    /// Up to when the source at work comes before all others.
    fn end_of_turn(&self) -> Instant {
        let first = self.due.peek().map(|&Reverse((sent, place, _))| (sent, place));
        first.map_or(Instant::MAX, |(sent, place)| match self.place < place {
            true => Instant::from_ps(sent.as_ps().saturating_add(1)),
            false => sent,
        })
    }

    /// The frame that [`next`](Self::next) told of.
    #[inline(always)]
    pub(super) fn frame(&mut self) -> &mut Frame {
        self.now.frame()
    }

    /// That frame was taken.
    #[inline(always)]
    pub(super) fn advance(&mut self) {
        self.now.advance();
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::feed;
    use super::*;
    use proptest::prelude::*;

    fn frames(place: usize, times: &[u64]) -> Vec<Frame> {
        let frame = |&at: &u64| {
            let mut frame = Frame::default();
            (frame.id.sent, frame.id.seq) = (Instant::from_ps(at), place as u32);
            frame
        };
        times.iter().map(frame).collect()
    }

    /// The (time, place) of all frames there are now, and what comes after them.
    fn drain(supplies: &mut Supplies) -> (Vec<(u64, usize)>, Next) {
        let mut all = Vec::new();
        loop {
            match supplies.next() {
                Next::At(sent) => {
                    assert_eq!(supplies.next(), Next::At(sent), "asking changes nothing");
                    assert_eq!(supplies.frame().id.sent, sent);
                    all.push((sent.as_ps(), supplies.frame().id.seq as usize));
                    supplies.advance();
                }
                end => return (all, end),
            }
        }
    }

    proptest! {
        #[test]
        fn frames_come_by_time_and_then_by_source(times in prop::collection::vec(prop::collection::vec(0u64..40, 0..30), 1..7)) {
            let mut expected = Vec::new();
            let mut sources = Vec::new();
            for (number, mut times) in times.into_iter().enumerate() {
                // Other hosts have sources as well: the places of these have gaps.
                let place = 2 * number + 1;
                times.sort_unstable();
                expected.extend(times.iter().map(|&at| (at, place)));
                sources.push((place, Source::Frames(frames(place, &times))));
            }
            expected.sort_unstable();
            let mut supplies = Supplies::new(sources).unwrap();
            prop_assert_eq!(drain(&mut supplies), (expected, Next::Ended));
        }
    }

    #[test]
    fn a_feed_that_has_not_come_so_far_holds_up_the_others() {
        let (mut fill, take) = feed();
        let sources = [(0, Source::Frames(frames(0, &[1, 5, 9]))), (1, Source::Feed(take))];
        let mut supplies = Supplies::new(sources).unwrap();
        assert_eq!(drain(&mut supplies), (vec![], Next::Unknown));
        fill.send(frames(1, &[2, 5])).unwrap();
        assert_eq!(drain(&mut supplies), (vec![(1, 0), (2, 1), (5, 0), (5, 1)], Next::Unknown));
        drop(fill);
        assert_eq!(drain(&mut supplies), (vec![(9, 0)], Next::Ended));
        assert!(Supplies::new([]).is_none());
    }
}
