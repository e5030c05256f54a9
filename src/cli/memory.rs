//! How much memory a run may take, and whether the machine has it; the reckoning is the engine's.

use super::{Common, Failure};
use crate::engine::{Beneath, Load, Memory, Network, Role};
use crate::id::NodeId;
use crate::scenario::{Quantity, parse_amount};
use crate::traffic::MAX_FLOWS;
use std::fs::read_to_string;

/// What generated streams of up to `flows` flows are as a load, one from each of `hosts`.
pub(super) fn generated(network: &Network, hosts: impl IntoIterator<Item = NodeId>, flows: u64) -> Load {
    let (rate_bps, sources) = rate(network, hosts);
    Load { beneath: Beneath::Shared, offered: None, sources, rate_bps, flows, cut_short: false }
}

/// What `hosts` can offer together, in bits per second, and how many they are.
pub(super) fn rate(network: &Network, hosts: impl IntoIterator<Item = NodeId>) -> (u64, usize) {
    let ports = |host: NodeId| network.nodes[host.index()].ports.iter().map(|port| port.speed.bps()).sum::<u64>();
    hosts.into_iter().fold((0, 0), |(rate, count), host| (rate + ports(host), count + 1))
}

/// Refuses a run that may take more than `--memory`, or half of the machine's. Where one source is all there is, no receiver
/// waits for another and next to nothing is held: what is not asked for is only told then.
pub(super) fn admit(network: &Network, load: &Load, common: &Common) -> Result<(), Failure> {
    admit_with(network, load, 0, "replay fewer frames (--limit)", common)
}

/// The same for a run that has yet to make tables of `tables` octets; `less` says how to ask for less.
pub(super) fn admit_with(
    network: &Network,
    load: &Load,
    tables: u64,
    less: &str,
    common: &Common,
) -> Result<(), Failure> {
    let memory = Memory::of(network, load);
    let Some((limit, whose)) = limit(common)? else { return Ok(()) };
    // All other tables are made by now.
    let sure = tables.saturating_add(held());
    let all = memory.octets().saturating_add(sure);
    if all <= limit {
        return Ok(());
    }
    if common.memory.is_none() && load.sources < 2 && sure <= limit {
        common.note(&format!(
            "the run may take {} of memory, over {} ({whose}), at the very most",
            size(all),
            size(limit)
        ));
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "the run may take {} of memory, over {} ({whose}): {}; shorten the delay of such links, make their ports slower \
         or their buffers smaller, {less}, or allow more (--memory {})",
        size(all),
        size(limit),
        if tables == 0 { largest(&memory) } else { format!("{} for streams, {}", size(tables), largest(&memory)) },
        size(all.next_multiple_of(1 << 30)).replace(".0 ", "")
    )))
}

/// A line on what a replay through `network` takes, from all its hosts and without an end.
pub(super) fn line(network: &Network) -> String {
    let hosts = network.nodes.iter().zip(0..).filter(|(node, _)| matches!(node.role, Role::Host));
    let load = generated(network, hosts.map(|(_, place)| NodeId(place)), MAX_FLOWS as u64);
    let load = Load { beneath: Beneath::Owned, ..load };
    let memory = Memory::of(network, &load);
    format!(
        "{} at the most, all hosts at line rate and every link full at once: {}",
        size(memory.octets()),
        largest(&memory)
    )
}

/// The parts that take most, in words.
fn largest(memory: &Memory) -> String {
    let parts = memory.links.iter().take(SHOWN);
    let parts = parts.map(|part| format!("{} on {} (delay {})", size(part.octets), part.link, part.delay));
    parts.collect::<Vec<_>>().join(", ")
}

/// Parts that are named.
const SHOWN: usize = 3;

/// The limit and whose it is; `None` where the system does not tell what it has.
fn limit(common: &Common) -> Result<Option<(u64, &'static str)>, Failure> {
    let Some(text) = &common.memory else {
        return Ok(machine().map(|octets| (octets / 2, "half of what this machine has")));
    };
    match parse_amount(text, Quantity::Octets) {
        Ok(octets) => Ok(Some((octets, "--memory"))),
        Err(error) => Err(Failure::Usage(format!("--memory: {}; {}", error.message, error.remedy))),
    }
}

/// The memory of the machine, or less where the process may have less, in octets.
fn machine() -> Option<u64> {
    let machine = kib(&read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let group = read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(group.map_or(machine, |group: u64| group.min(machine)))
}

/// What the process holds already, in octets; 0 where the system does not tell.
fn held() -> u64 {
    read_to_string("/proc/self/status").ok().and_then(|text| kib(&text, "VmRSS:")).unwrap_or(0)
}

/// The figure behind `name`, a number of KiB, in octets.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// `1.5 GiB`; whole MiB below that.
fn size(octets: u64) -> String {
    const MIB: u64 = 1 << 20;
    if octets < 1024 * MIB {
        return format!("{} MiB", octets.div_ceil(MIB));
    }
    let tenths = (u128::from(octets) * 10).div_ceil(u128::from(1024 * MIB));
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_a_unit_that_fits_and_never_too_small() {
        assert_eq!([1, 1 << 20, (1 << 30) - 1].map(size), ["1 MiB", "1 MiB", "1024 MiB"]);
        assert_eq!([1 << 30, (1 << 30) + 1, u64::MAX].map(size), ["1.0 GiB", "1.1 GiB", "17179869184.0 GiB"]);
    }

    #[test]
    fn figures_of_the_system_are_read() {
        let text = "MemTotal:       24683656 kB\nMemFree:         9237596 kB\n";
        assert_eq!(kib(text, "MemFree:"), Some(9_237_596 * 1024));
        assert_eq!((kib(text, "VmRSS:"), kib("VmRSS: x", "VmRSS:")), (None, None));
    }
}
