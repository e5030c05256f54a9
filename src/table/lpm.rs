//! Longest-prefix match: a multibit trie of one 16-bit step and 8-bit steps, for addresses of any length.

/// A table from prefixes to numbers below 2^31 - 1, built at once, then only read.
///
/// A step is one load; IPv4 takes at most three of them, IPv6 at most fifteen. Shorter prefixes are pushed down to the
/// slots of longer ones, so that no step looks back.
#[derive(Clone, Debug)]
pub struct Lpm {
    /// 65,536 slots of the root, then 256 slots a node. A slot is 0 for a miss, a value plus 1, or with the top bit
    /// set the index of a node.
    slots: Vec<u32>,
}

const ROOT_BITS: u32 = 16;
const STEP_BITS: u32 = 8;
const NODE: u32 = 1 << 31;

impl Lpm {
    /// The table of `routes`: each an address with its bits at the top of the number, a prefix length and a value.
    /// Of two routes with the same prefix the later one holds.
    pub fn new(routes: impl IntoIterator<Item = (u128, u8, u32)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.sort_by_key(|&(_, len, _)| len);
        let mut table = Lpm { slots: vec![0; 1 << ROOT_BITS] };
        for (address, len, value) in routes {
            debug_assert!(value < NODE - 1 && len <= 128);
            table.insert(address, u32::from(len), value + 1);
        }
        table
    }

    /// Routes come shortest prefix first, so that what a slot already holds is never longer than what comes.
    fn insert(&mut self, address: u128, len: u32, value: u32) {
        let (mut base, mut shift, mut bits) = (0, 0, ROOT_BITS);
        while len > shift + bits {
            let slot = base + chunk(address, shift, bits);
            base = self.node(slot);
            (shift, bits) = (shift + bits, STEP_BITS);
        }
        let free = shift + bits - len;
        let first = base + (chunk(address, shift, bits) >> free << free);
        for slot in first..first + (1 << free) {
            debug_assert!(self.slots[slot] & NODE == 0, "shorter prefixes come first");
            self.slots[slot] = value;
        }
    }

    /// Where the node below `slot` begins; made at need, filled with what the slot held.
    fn node(&mut self, slot: usize) -> usize {
        let held = self.slots[slot];
        if held & NODE != 0 {
            return (held & !NODE) as usize;
        }
        let base = self.slots.len();
        self.slots.resize(base + (1 << STEP_BITS), held);
        self.slots[slot] = NODE | base as u32;
        base
    }

    /// The value of the longest prefix that holds `address` (its bits at the top of the number).
    #[inline(always)]
    pub fn lookup(&self, address: u128) -> Option<u32> {
        let mut held = self.slots[chunk(address, 0, ROOT_BITS)];
        let mut shift = ROOT_BITS;
        while held & NODE != 0 {
            held = self.slots[(held & !NODE) as usize + chunk(address, shift, STEP_BITS)];
            shift += STEP_BITS;
        }
        held.checked_sub(1)
    }

    /// The same for an IPv4 address.
    #[inline(always)]
    pub fn lookup_v4(&self, address: u32) -> Option<u32> {
        let mut held = self.slots[(address >> 16) as usize];
        let mut rest = address << 16;
        while held & NODE != 0 {
            held = self.slots[(held & !NODE) as usize + (rest >> 24) as usize];
            rest <<= STEP_BITS;
        }
        held.checked_sub(1)
    }
}

/// `bits` bits of `address` after the first `shift`.
#[inline(always)]
const fn chunk(address: u128, shift: u32, bits: u32) -> usize {
    (address << shift >> (128 - bits)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(len: u8) -> u128 {
        if len == 0 { 0 } else { u128::MAX << (128 - len) }
    }

    /// The longest match as it is defined: every route is looked at.
    fn plain(routes: &[(u128, u8, u32)], address: u128) -> Option<u32> {
        let holds = routes.iter().filter(|&&(prefix, len, _)| (prefix ^ address) & mask(len) == 0);
        holds.max_by_key(|&&(_, len, _)| len).map(|&(_, _, value)| value)
    }

    /// Addresses that share leading bits often enough for prefixes to nest.
    fn address() -> impl Strategy<Value = u128> {
        proptest::collection::vec(prop_oneof![Just(0u8), Just(10), Just(255), any::<u8>()], 16)
            .prop_map(|octets| u128::from_be_bytes(octets.try_into().unwrap()))
    }

    proptest! {
        #[test]
        fn equals_the_definition(routes in proptest::collection::vec((address(), 0u8..=128, 0u32..1000), 0..40),
                probes in proptest::collection::vec(address(), 20)) {
            let table = Lpm::new(routes.iter().copied());
            for address in probes.into_iter().chain(routes.iter().map(|r| r.0)) {
                prop_assert_eq!(table.lookup(address), plain(&routes, address));
            }
        }

        #[test]
        fn version_4_equals_the_definition(routes in proptest::collection::vec((address(), 0u8..=32, 0u32..1000), 0..40),
                probes in proptest::collection::vec(address(), 20)) {
            let table = Lpm::new(routes.iter().copied());
            for address in probes.into_iter().chain(routes.iter().map(|r| r.0)) {
                let address = (address >> 96) as u32;
                prop_assert_eq!(table.lookup_v4(address), plain(&routes, u128::from(address) << 96));
            }
        }
    }
}
