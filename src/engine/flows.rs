//! How many different flows passed a place: a bit for each flow of each source.

use crate::id::StreamId;

/// The flows seen.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowSet {
    /// Per source, a bit for each flow.
    words: Vec<Vec<u64>>,
    count: u64,
}

impl FlowSet {
    /// Marks a flow as seen.
    #[inline(always)]
    pub(super) fn insert(&mut self, stream: StreamId) {
        let (source, flow) = (stream.source(), stream.flow() as usize);
        let bit = 1 << (flow % 64);
        match self.words.get_mut(source).and_then(|words| words.get_mut(flow / 64)) {
            Some(word) => {
                self.count += u64::from(*word & bit == 0);
                *word |= bit;
            }
            None => self.grow(source, flow),
        }
    }

    #[cold]
    fn grow(&mut self, source: usize, flow: usize) {
        if self.words.len() <= source {
            self.words.resize_with(source + 1, Vec::new);
        }
        let words = &mut self.words[source];
        words.resize((flow / 64 + 1).next_power_of_two(), 0);
        words[flow / 64] |= 1 << (flow % 64);
        self.count += 1;
    }

    /// Different flows.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flow_counts_once() {
        let mut set = FlowSet::default();
        for (source, flow) in [(0, 0), (1, 0), (0, 63), (0, 64), (0, 0), (1, 100_000), (0, 64), (1, 100_000)] {
            set.insert(StreamId::new(source, flow));
        }
        assert_eq!(set.count(), 5);
    }
}
