//! Which prefixes of virtual networks FastPath takes: as many addresses as the circuit's kind has room for.

use ipnet::IpNet;

use super::Scenario;
use super::model::{CircuitId, CircuitKind, Gateway, PairId, VnetId};

/// A prefix of a network behind a gateway with FastPath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FastPrefix {
    pub(super) vnet: VnetId,
    pub(super) prefix: IpNet,
    /// Whether FastPath takes it; it goes through the gateway otherwise.
    pub(super) is_taken: bool,
}

/// The prefixes that gateways with FastPath offer to `circuit`. The limit is one of the port pair for Direct, where all
/// its circuits count together, and one of the circuit for others. Prefixes come in the order of the file: one that goes
/// over the limit falls back to the gateway, whole, and leaves its room to those that come after it.
pub(super) fn prefixes(scenario: &Scenario, circuit: CircuitId) -> Vec<FastPrefix> {
    let pair = scenario.circuits[circuit.index()].pair;
    let kind = scenario.pairs[pair.index()].kind();
    let shares =
        |other: CircuitId| other == circuit || matches!(kind, CircuitKind::Direct(_)) && on(scenario, other, pair);
    let offers = |gateway: &&Gateway| gateway.fastpath && gateway.circuits.iter().any(|other| shares(other.value));
    let networks = scenario.gateways.iter().filter(offers).flat_map(|gateway| &gateway.vnets).map(|vnet| vnet.value);
    let networks =
        networks.filter(|vnet| kind.fastpath_reaches_peers() || scenario.vnets[vnet.index()].peered_with.is_none());
    taken(scenario, networks, kind.fastpath_addresses())
}

fn on(scenario: &Scenario, circuit: CircuitId, pair: PairId) -> bool {
    scenario.circuits[circuit.index()].pair == pair
}

fn taken(scenario: &Scenario, networks: impl Iterator<Item = VnetId>, most: u64) -> Vec<FastPrefix> {
    let (mut prefixes, mut total) = (Vec::new(), 0u64);
    for vnet in networks {
        let network = &scenario.vnets[vnet.index()];
        let mut left = network.addresses;
        for prefix in &network.prefixes {
            let used = left.min(size(&prefix.value));
            left -= used;
            total = total.saturating_add(used);
            let is_taken = total <= most || used == 0;
            // What falls back takes no room from those that come after it.
            total -= if is_taken { 0 } else { used };
            prefixes.push(FastPrefix { vnet, prefix: prefix.value, is_taken });
        }
    }
    prefixes
}

/// Addresses of a prefix; as many as there are numbers, if there are more.
pub(super) fn size(prefix: &IpNet) -> u64 {
    1u64.checked_shl(u32::from(prefix.max_prefix_len() - prefix.prefix_len())).unwrap_or(u64::MAX)
}
