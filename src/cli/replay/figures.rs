//! From counts to the report of a replay.

use super::Done;
use super::plan::{Plan, PlannedSource};
use crate::capture::ReadCounts;
use crate::cli::{figures, metrics};
use crate::engine::{NodeOutcome, NodeSpec, Outcome, SourceOutcome};
use crate::report::{self, CaptureFound, Dropped, MetricsSpan, Rate, SourceFigures};
use crate::time::Instant;
use crate::traffic::replay::{ReplayCounts, ReplayError};

/// The report of a replay that was run.
pub(super) fn report(plan: &Plan, done: &Done, threads: usize) -> report::Replay {
    let outcome = &done.outcome;
    let sources = plan.sources.iter().zip(&done.sources);
    let sources = sources.zip(&outcome.sources).map(|((source, (counts, failed)), left)| {
        let host = &outcome.nodes[source.host.index()];
        source_figures(source, counts, failed.as_ref(), (&plan.network.nodes[source.host.index()], host, left))
    });
    report::Replay {
        schema: report::SCHEMA,
        command: "replay",
        version: env!("CARGO_PKG_VERSION"),
        scenario: plan.title.clone(),
        seed: plan.network.seed,
        sources: sources.collect(),
        network: figures::network(&plan.network, &plan.parts, outcome, (Instant::ZERO, span(plan, outcome))),
        engine: Some(figures::engine(outcome, done.wall, threads)),
    }
}

/// From the start to when the last bit left a host.
fn span(plan: &Plan, outcome: &Outcome) -> MetricsSpan {
    let hosts = plan.sources.iter().map(|source| &outcome.nodes[source.host.index()]);
    let left = hosts.flat_map(|host| &host.ports).filter_map(|port| port.last_sent).max();
    metrics::span(Instant::ZERO, left.unwrap_or(Instant::ZERO))
}

fn source_figures(
    source: &PlannedSource,
    counts: &ReplayCounts,
    failed: Option<&ReplayError>,
    (node, host, left): (&NodeSpec, &NodeOutcome, &SourceOutcome),
) -> SourceFigures {
    let requested_ps = counts.last_due.as_ps();
    // The port by which the last bit left: other sources of the host leave by the same ports.
    let last = node.ports.iter().zip(&host.ports).filter_map(|(port, seen)| Some((seen.last_sent?, port.speed)));
    let speed = last.max_by_key(|(at, _)| *at).map(|(_, speed)| speed);
    let (last_start_ps, achieved_ps) = speed.zip(left.last_offered).map_or((0, 0), |(speed, start)| {
        let octets = u16::try_from(counts.last_wire_octets).unwrap_or(u16::MAX);
        (start.as_ps(), start.saturating_add(speed.wire_time(octets)).as_ps())
    });
    let rate = |ps| Rate::new(counts.frames.saturating_sub(1), counts.wire_octets - counts.last_wire_octets, ps);
    // Where not all left, what did has no rate to be held against that of all.
    let all_left = speed.is_some() && left.offered.frames >= counts.frames;
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
