//! How many different flows passed a place: a bit for each flow of each source.

use crate::id::StreamId;

/// The flows seen.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowSet {
    /// A bit for each flow of one source, the last one that had a new flow to be marked; the first flow of that source.
    open: Vec<u64>,
    first: StreamId,
    /// The same of each other source, by its number.
    others: Vec<Vec<u64>>,
}

impl FlowSet {
    /// Marks a flow as seen.
    #[inline(always)]
    pub(super) fn insert(&mut self, stream: StreamId) {
        // A flow of another source lies beyond all flows of this one.
        let flow = stream.distance(self.first);
        match self.open.get_mut((flow / 64) as usize) {
            Some(word) => *word |= 1 << (flow % 64),
            None => self.insert_elsewhere(stream),
        }
    }

    /// Sources that take turns are marked where they are; a flow beyond what is there opens its source.
    /// Cold, so that one source alone has the registers (2 % of its instructions otherwise).
    #[cold]
    fn insert_elsewhere(&mut self, stream: StreamId) {
        let (source, flow) = (stream.source(), stream.flow() as usize);
        match self.others.get_mut(source).and_then(|flows| flows.get_mut(flow / 64)) {
            Some(word) => *word |= 1 << (flow % 64),
            None => self.open(stream),
        }
    }

    fn open(&mut self, stream: StreamId) {
        let (before, source, flow) = (self.first.source(), stream.source(), stream.flow() as usize);
        if self.others.len() <= source.max(before) {
            self.others.resize_with(source.max(before) + 1, Vec::new);
        }
        self.others[before] = std::mem::take(&mut self.open);
        self.open = std::mem::take(&mut self.others[source]);
        self.first = stream.first();
        if self.open.len() <= flow / 64 {
            self.open.resize((flow / 64 + 1).next_power_of_two(), 0);
        }
        self.open[flow / 64] |= 1 << (flow % 64);
    }

    /// Different flows.
    pub(super) fn count(&self) -> u64 {
        let words = self.open.iter().chain(self.others.iter().flatten());
        words.map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flow_counts_once() {
        const MOST: u32 = 1_000_000;
        let mut set = FlowSet::default();
        for (source, flow) in
            [(0, 0), (1, 0), (0, 63), (0, 64), (0, 0), (1, 100_000), (0, 64), (1, 100_000), (0, MOST), (1, 0)]
        {
            set.insert(StreamId::new(source, flow));
        }
        assert_eq!(set.count(), 6);
    }
}
