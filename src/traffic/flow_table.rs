//! Numbers for flows: dense, from 0 in the order in which they are met, up to a bound.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Flows that are told apart; all others share one more number. The table has 16 octets for each.
pub const MAX_FLOWS: usize = 1 << 20;

/// The number of each flow hash.
#[derive(Debug, Default)]
pub(super) struct FlowTable {
    numbers: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    exceeded: bool,
}

impl FlowTable {
    /// The number of `flow`.
    #[inline]
    pub(super) fn number(&mut self, flow: u64) -> u32 {
        if let Some(&number) = self.numbers.get(&flow) {
            return number;
        }
        if self.numbers.len() == MAX_FLOWS {
            self.exceeded = true;
            return MAX_FLOWS as u32;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(flow, number);
        number
    }

    /// Flows told apart.
    pub(super) fn len(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// Whether there were more than are told apart.
    pub(super) fn is_exceeded(&self) -> bool {
        self.exceeded
    }
}

/// Flow hashes are mixed already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for &octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(octet);
        }
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_bounded() {
        let mut table = FlowTable::default();
        assert_eq!([7, 9, 7, 0].map(|flow| table.number(flow)), [0, 1, 0, 2]);
        for flow in 100..100 + MAX_FLOWS as u64 {
            table.number(flow);
        }
        assert_eq!((table.len(), table.is_exceeded()), (MAX_FLOWS as u64, true));
        assert_eq!((table.number(u64::MAX), table.number(9)), (MAX_FLOWS as u32, 1));
    }
}
