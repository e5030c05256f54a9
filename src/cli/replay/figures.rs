//! From counts to the report of a replay.

use super::Done;
use super::plan::{Plan, PlannedSource};
use crate::capture::ReadCounts;
use crate::engine::{NodeOutcome, NodeSpec};
use crate::report::{
    self, Balance, CaptureFound, Circuit, Delivered, Dropped, Engine, PortFigures, Rate, SourceFigures,
};
use crate::traffic::replay::{ReplayCounts, ReplayError};

/// The report of a replay that was run.
pub(super) fn report(plan: &Plan, done: &Done, threads: usize) -> report::Replay {
    let outcome = &done.outcome;
    let sources = plan.sources.iter().zip(&done.sources);
    let sources = sources.map(|(source, (counts, failed))| {
        let host = &outcome.nodes[source.host.index()];
        source_figures(source, counts, failed.as_ref(), (&plan.network.nodes[source.host.index()], host))
    });
    let ports = plan.network.nodes.iter().zip(&outcome.nodes).flat_map(|(node, counts)| {
        node.ports
            .iter()
            .zip(&counts.ports)
            .map(|(port, counts)| PortFigures::new(format!("{}:{}", node.name, port.name), port.speed.bps(), counts))
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
        slow_path_drops: report::slow_path_drops(plan.network.nodes.iter().map(|node| node.name.as_str()), outcome),
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
        "{:.2} s of wall clock on {} node thread{}: {} frames/s, {} frame-hops/s, {:.1} s emulated per second",
        engine.wall_us as f64 / 1e6,
        engine.threads,
        if engine.threads == 1 { "" } else { "s" },
        engine.frames_per_s,
        engine.hops_per_s,
        virtual_us as f64 / engine.wall_us as f64
    )
}

fn source_figures(
    source: &PlannedSource,
    counts: &ReplayCounts,
    failed: Option<&ReplayError>,
    (node, host): (&NodeSpec, &NodeOutcome),
) -> SourceFigures {
    let requested_ps = counts.last_due.as_ps();
    // The last bit that left, and the port by which it did.
    let last = node.ports.iter().zip(&host.ports).filter_map(|(port, seen)| Some((seen.last_sent?, port.speed)));
    let last = last.max_by_key(|(at, _)| *at);
    let achieved_ps = last.map_or(0, |(at, _)| at.as_ps());
    let last_start_ps = last.map_or(0, |(at, speed)| {
        let octets = u16::try_from(counts.last_wire_octets).unwrap_or(u16::MAX);
        at.as_ps().saturating_sub(speed.wire_time(octets).as_ps())
    });
    let rate = |ps| Rate::new(counts.frames.saturating_sub(1), counts.wire_octets - counts.last_wire_octets, ps);
    // Where not all left, what did has no rate to be held against that of all.
    let all_left = host.ports.iter().map(|port| port.sent.frames).sum::<u64>() >= counts.frames;
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
        other_side: counts.other_side,
        other_interface: counts.other_interface,
        gaps_clamped: counts.gaps_clamped,
        timestamp_regressions: counts.timestamp_regressions,
        unstamped: counts.unstamped,
        requested_ps,
        achieved_ps,
        requested: rate(requested_ps),
        achieved: rate(last_start_ps).filter(|_| all_left),
        ended_early: counts.ended_early,
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
        return format!(
            "no record can be made an Ethernet frame ({what}); capture on an Ethernet, IP or cooked interface"
        );
    }
    if counts.ended_early {
        return "no frame is due before --until".into();
    }
    for (frames, why) in [
        (counts.too_long, "every frame is over 16 KiB, which no port takes; capture before segments are joined"),
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
    "there are no frames; check that something was recorded".into()
}
