//! From counts to the report of a replay.

use super::Done;
use super::plan::{Plan, PlannedSource};
use crate::capture::ReadCounts;
use crate::engine::NodeOutcome;
use crate::report::{self, Balance, CaptureFound, Circuit, Delivered, Dropped, Engine, PortFigures, SourceFigures};
use crate::time::PS_PER_S;
use crate::traffic::replay::{ReplayCounts, ReplayError};

/// The report of a replay that was run.
pub(super) fn report(plan: &Plan, done: &Done, threads: usize) -> report::Replay {
    let outcome = &done.outcome;
    let sources = plan.sources.iter().zip(&done.sources);
    let sources = sources.map(|(source, (counts, failed))| {
        let host = &outcome.nodes[source.host.index()];
        source_figures(source, counts, failed.as_ref(), host)
    });
    let ports = plan.network.nodes.iter().zip(&outcome.nodes).flat_map(|(node, counts)| {
        node.ports.iter().zip(&counts.ports).map(|(port, counts)| {
            PortFigures::new(format!("{}:{}", node.name, port.name), port.speed.bps(), counts)
        })
    });
    let circuits = plan.circuits.iter().map(|circuit| {
        let connections = circuit.connections.iter().map(|(name, (node, port))| {
            let counts = &outcome.nodes[node.index()].ports[port.index()];
            (name.clone(), counts.received, counts.sent)
        });
        Circuit::new(circuit.name.clone(), connections.collect())
    });
    let delivered = plan.network.nodes.iter().zip(&outcome.nodes).filter_map(|(node, counts)| {
        let delivery = counts.delivery;
        Some(Delivered {
            host: node.name.clone(),
            frames: delivery.count.frames,
            octets: delivery.count.octets,
            least_ps: delivery.least.as_ps(),
            mean_ps: delivery.mean()?.as_ps(),
            most_ps: delivery.most.as_ps(),
        })
    });
    report::Replay {
        schema: report::SCHEMA,
        command: "replay",
        version: env!("CARGO_PKG_VERSION"),
        scenario: plan.title.clone(),
        seed: plan.network.seed,
        sources: sources.collect(),
        ports: ports.collect(),
        circuits: circuits.collect(),
        delivered: delivered.collect(),
        dropped: report::all_drops(outcome),
        balance: Balance::new(outcome),
        ended_ps: outcome.ended.as_ps(),
        engine: Some(engine(done, threads)),
    }
}

fn engine(done: &Done, threads: usize) -> Engine {
    let wall_us = (done.wall.as_micros() as u64).max(1);
    let per_second = |frames: u64| (u128::from(frames) * 1_000_000 / u128::from(wall_us)) as u64;
    let hops = done.outcome.nodes.iter().flat_map(|node| &node.ports).map(|port| port.received.frames).sum();
    let offered = done.outcome.sources.iter().map(|source| source.offered.frames).sum();
    Engine { threads, wall_us, frames_per_s: per_second(offered), hops_per_s: per_second(hops) }
}

/// One line on how fast it ran.
pub(super) fn speed(engine: &Engine, done: &Done) -> String {
    let virtual_us = done.outcome.ended.as_ps() / 1_000_000;
    format!(
        "{:.2} s of wall clock on {} threads: {} frames/s, {} frame-hops/s, {:.1} s emulated per second",
        engine.wall_us as f64 / 1e6,
        engine.threads,
        engine.frames_per_s,
        engine.hops_per_s,
        virtual_us as f64 / engine.wall_us as f64
    )
}

fn source_figures(
    source: &PlannedSource,
    counts: &ReplayCounts,
    failed: Option<&ReplayError>,
    host: &NodeOutcome,
) -> SourceFigures {
    let requested_ps = counts.last_due.as_ps();
    let achieved_ps = host.ports.iter().filter_map(|port| port.last_sent).max().unwrap_or_default().as_ps();
    let bps = |ps: u64| {
        let bps = (u128::from(counts.octets) * 8 * u128::from(PS_PER_S)).checked_div(u128::from(ps))?;
        Some(u64::try_from(bps).unwrap_or(u64::MAX))
    };
    SourceFigures {
        into: source.name.clone(),
        captures: counts.files.iter().map(|(file, found)| capture_found(file, found)).collect(),
        frames: counts.frames,
        octets: counts.octets,
        flows: counts.flows,
        flows_exceeded: counts.flows_exceeded,
        unrouted: counts.unrouted,
        not_ip: counts.not_ip,
        moved: counts.moved,
        padded: counts.padded,
        skipped: counts.skipped,
        too_long: counts.too_long,
        elsewhere: counts.other_side + counts.other_interface,
        timestamp_regressions: counts.timestamp_regressions,
        unstamped: counts.unstamped,
        requested_ps,
        achieved_ps,
        requested_bps: bps(requested_ps),
        achieved_bps: bps(achieved_ps),
        failed: failed.map(ToString::to_string),
    }
}

fn capture_found(file: &str, found: &ReadCounts) -> CaptureFound {
    let refused = found.refused.iter().map(|(why, &frames)| Dropped { reason: why.to_string(), frames });
    CaptureFound {
        file: file.into(),
        records: found.records,
        snapped: found.snapped,
        caplen_gt_len: found.caplen_gt_len,
        subsecond_out_of_range: found.subsecond_out_of_range,
        fcs_removed: found.fcs_removed,
        refused: refused.collect(),
        cut_short_at: found.cut_short,
    }
}

/// Why a source gave no frame, and what to do about it.
pub(super) fn why_nothing(counts: &ReplayCounts) -> String {
    let refused: Vec<_> = counts
        .files
        .iter()
        .flat_map(|(_, found)| &found.refused)
        .map(|(why, frames)| format!("{frames} of {why}"))
        .collect();
    if !refused.is_empty() {
        let what = refused.join(", ");
        return format!("no record can be made an Ethernet frame ({what}); capture on an Ethernet, IP or cooked interface");
    }
    for (frames, why) in [
        (counts.too_long, "every frame is over 16 KiB, which no port takes"),
        (counts.skipped, "every frame was cut by its snap length; use --cut pad"),
        (counts.other_side, "every frame is of the other side; look at --split"),
        (counts.other_interface, "no frame is of that interface; look at the name after @"),
    ] {
        if frames > 0 {
            return why.into();
        }
    }
    if counts.files.iter().any(|(_, found)| found.cut_short.is_some()) {
        return "the capture ends inside its first record; fetch or record it again".into();
    }
    "the capture has no frames".into()
}
