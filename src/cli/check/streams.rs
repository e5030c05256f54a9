//! The streams of a scenario, and what they come to at the ports that they leave by.

use crate::cli::figures;
use crate::engine::Network;
use crate::id::NodeId;
use crate::report::stream_text;
use crate::scenario::{Compiled, Scenario, StreamEnd, Traffic, rate_rounded_up};
use std::fmt::Write;

/// Each stream in a line, then each host that sends; nothing if there are none.
pub(super) fn listed(scenario: &Scenario, compiled: &Compiled) -> String {
    let mut out = String::new();
    if scenario.traffic.is_empty() {
        return out;
    }
    let network = &compiled.network;
    let name = |host: NodeId| network.nodes[host.index()].name.as_str();
    out.push_str("\nStreams of a drill:\n");
    let mut senders: Vec<(StreamEnd, NodeId)> = Vec::new();
    for (stream, hosts) in scenario.traffic.iter().zip(&compiled.streams) {
        let asked = figures::asked(stream, &stream.template);
        let text = stream_text(&stream.name, [name(hosts.from), name(hosts.to)], &asked, when(stream));
        let _ = writeln!(out, "  {}", text.replace('\n', "\n  "));
        if !senders.contains(&(stream.from, hosts.from)) {
            senders.push((stream.from, hosts.from));
        }
    }
    out.push_str("\nThe most that hosts offer at once, preamble and gap counted:\n");
    for (end, host) in senders {
        let _ = writeln!(out, "  {}: {}", name(host), offered(network, host, scenario.offered_bps(end)));
    }
    out
}

/// When a stream runs, if not for the whole run.
fn when(stream: &Traffic) -> Option<String> {
    let begin = stream.begin.value;
    match stream.end {
        Some(end) => Some(format!("{begin} to {}", end.value)),
        None => (begin.as_ps() > 0).then(|| format!("from {begin} on")),
    }
}

/// `2.094 Gbps, 2.1 % of ce1 100G`: of all ports together by which the host sends, which flows are spread over.
fn offered(network: &Network, host: NodeId, bps: u64) -> String {
    let ports = network.nodes[host.index()].ports.iter().enumerate();
    let sends = |place: usize| network.links.iter().any(|link| (link.from.0, link.from.1.index()) == (host, place));
    let ports: Vec<_> = ports.filter(|(place, _)| sends(*place)).map(|(_, port)| port).collect();
    let all: u64 = ports.iter().map(|port| port.speed.bps()).sum();
    let names: Vec<String> = ports.iter().map(|port| format!("{} {}G", port.name, port.speed.gbps())).collect();
    // Rounded up, so that what is over the ports is over 100 %.
    let permille = (u128::from(bps) * 1000).div_ceil(u128::from(all.max(1)));
    let share = format!("{}.{} % of {}", permille / 10, permille % 10, names.join(", "));
    match bps > all {
        true => format!("{}, {share}: too much, some of it leaves late", rate_rounded_up(bps)),
        false => format!("{}, {share}", rate_rounded_up(bps)),
    }
}
