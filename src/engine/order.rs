//! The order in which frames of several inputs leave by one output: a word for each frame, merged; no frame moves for it.

use crate::time::{Instant, Span};

/// Time since the chunk began (33 bits), input (5), slot within the input's frames (23: the slow path can make many), the
/// frame's class (3), which is known before the frame is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

/// The slow path's number among the inputs.
pub(super) const LOCAL: usize = super::MAX_PORTS;

/// A chunk's span at the most: what a key can say, over 8 ms.
pub(super) const MAX_SPAN: Span = Span::from_ps((1 << 33) - 1);

impl Key {
    #[inline(always)]
    pub(super) const fn new(since: Span, input: usize, slot: usize) -> Self {
        Key(since.as_ps() << 31 | (input as u64) << 26 | (slot as u64) << 3)
    }

    /// The key of a frame of `class`; it had none.
    #[inline(always)]
    #[must_use]
    pub(super) const fn with_class(self, class: u8) -> Self {
        Key(self.0 | class as u64 & 7)
    }

    #[inline(always)]
    pub(super) const fn class(self) -> u8 {
        (self.0 & 7) as u8
    }

    /// The time of a frame of a chunk that began at `first`.
    #[inline(always)]
    pub(super) fn at(self, first: Instant) -> Instant {
        first + Span::from_ps(self.0 >> 31)
    }

    /// The input and the slot.
    #[inline(always)]
    pub(super) const fn place(self) -> (usize, usize) {
        ((self.0 >> 26 & 31) as usize, (self.0 >> 3 & 0x7f_ffff) as usize)
    }
}

/// The keys of one output, in a sorted run for each input.
#[derive(Debug, Default)]
pub(super) struct Order {
    keys: Vec<Key>,
    /// Where each run ends.
    runs: Vec<usize>,
}

impl Order {
    /// Adds a key to the open run.
    #[inline(always)]
    pub(super) fn push(&mut self, key: Key) {
        self.keys.push(key);
    }

    /// The open run is complete.
    #[inline(always)]
    pub(super) fn end_run(&mut self) {
        if self.runs.last().copied().unwrap_or(0) != self.keys.len() {
            self.runs.push(self.keys.len());
        }
    }

    /// Forgets all keys.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.runs.clear();
    }

    /// Brings the runs together in order, the shorter ones of a fold first; one run is in order already.
    #[inline(always)]
    pub(super) fn merge(&mut self, scratch: &mut Vec<Key>) -> &[Key] {
        while self.runs.len() > 1 {
            self.merge_last_two(scratch);
        }
        &self.keys
    }

    /// The keys of an order that is merged.
    #[inline(always)]
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// In a merged order that is being thinned out: `key`, of which none before it is kept but `kept`, is kept.
    #[inline(always)]
    pub(super) fn keep(&mut self, kept: usize, key: Key) {
        self.keys[kept] = key;
    }

    /// Only the first `kept` keys of a merged order stay.
    #[inline(always)]
    pub(super) fn truncate(&mut self, kept: usize) {
        self.keys.truncate(kept);
        self.runs.clear();
        self.end_run();
    }

    fn merge_last_two(&mut self, scratch: &mut Vec<Key>) {
        let (Some(end), Some(middle)) = (self.runs.pop(), self.runs.pop()) else { return };
        let start = self.runs.last().copied().unwrap_or(0);
        self.runs.push(end);
        scratch.clear();
        scratch.resize(end - start, Key(0));
        merge(&self.keys[start..middle], &self.keys[middle..end], scratch);
        if start == 0 {
            std::mem::swap(&mut self.keys, scratch);
        } else {
            self.keys[start..end].copy_from_slice(scratch);
        }
    }
}

/// Merges two sorted runs of different keys into `out`, which has room for both exactly: the lower half from the front
/// and the upper half from the back, two chains that do not wait for each other, without a branch on the data: which run
/// is next cannot be predicted.
fn merge(a: &[Key], b: &[Key], out: &mut [Key]) {
    let (low, high) = out.split_at_mut(out.len() / 2);
    let (mut front, mut back) = ((0, 0), (a.len(), b.len()));
    let at = |run: &[Key], place: usize, beyond: Key| *run.get(place).unwrap_or(&beyond);
    let mut take_last = |slot: &mut Key| {
        let (x, y) = (at(a, back.0.wrapping_sub(1), Key(0)), at(b, back.1.wrapping_sub(1), Key(0)));
        let from_a = x > y || back.1 == 0;
        *slot = if from_a { x } else { y };
        back = (back.0 - usize::from(from_a), back.1 - usize::from(!from_a));
    };
    let (odd, high) = high.split_at_mut(high.len() - low.len());
    for (first, last) in low.iter_mut().zip(high.iter_mut().rev()) {
        let (x, y) = (at(a, front.0, Key(u64::MAX)), at(b, front.1, Key(u64::MAX)));
        let from_a = x < y;
        *first = if from_a { x } else { y };
        front = (front.0 + usize::from(from_a), front.1 + usize::from(!from_a));
        take_last(last);
    }
    odd.iter_mut().for_each(take_last);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_of_any_lengths_come_together_in_order(times in proptest::collection::vec(
                proptest::collection::vec(0u64..50, 0..40), 0..6)) {
            let (mut order, mut scratch, mut expected) = (Order::default(), Vec::new(), Vec::new());
            for (input, mut times) in times.into_iter().enumerate() {
                times.sort_unstable();
                for (slot, since) in times.into_iter().enumerate() {
                    let key = Key::new(Span::from_ps(since), input, slot).with_class((since % 8) as u8);
                    prop_assert_eq!((key.at(Instant::ZERO).as_ps(), key.place()), (since, (input, slot)));
                    prop_assert_eq!(u64::from(key.class()), since % 8);
                    order.push(key);
                    expected.push((since, input, slot));
                }
                order.end_run();
            }
            expected.sort_unstable();
            let merged = order.merge(&mut scratch).iter().map(|key| key.at(Instant::ZERO).as_ps()).zip(&expected);
            prop_assert!(merged.into_iter().all(|(at, expected)| at == expected.0));
            let places: Vec<_> = order.merge(&mut scratch).iter().map(|key| key.place()).collect();
            prop_assert_eq!(places, expected.iter().map(|key| (key.1, key.2)).collect::<Vec<_>>());
        }
    }
}
