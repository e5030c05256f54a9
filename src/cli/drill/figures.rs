//! From counts to the report of a drill.

use super::Done;
use super::plan::{Plan, PlannedStream};
use super::{control, tables};
use crate::cli::{figures, metrics};
use crate::engine::{Delivery, Outcome};
use crate::report::{self, Loss, MetricsSpan, NetworkFigures, StreamFigures, Streamed};
use crate::time::{Instant, WIRE_OVERHEAD_OCTETS};
use crate::wire::ethernet::{FCS_OCTETS, HEADER_OCTETS};

/// The report of a drill that was run.
pub(super) fn report(plan: &Plan, done: &Done) -> report::Drill {
    let streams = plan.streams.iter().enumerate();
    report::Drill {
        schema: report::SCHEMA,
        command: "drill",
        version: env!("CARGO_PKG_VERSION"),
        scenario: plan.title.clone(),
        seed: plan.network.seed,
        duration_ps: plan.duration.as_ps(),
        interrupted: done.interrupted,
        streams: streams.map(|(source, stream)| stream_figures(plan, stream, source, done)).collect(),
        control: control::figures(plan, &done.outcome, done.interrupted),
        tables: tables::figures(plan, &done.outcome),
        network: NetworkFigures {
            ended_ps: done.outcome.ended.since(plan.begin).as_ps(),
            ..figures::network(&plan.network, &plan.parts, &done.outcome, (plan.begin, span(plan, done)))
        },
        engine: Some(figures::engine(&done.outcome, done.wall, done.threads)),
    }
}

fn stream_figures(plan: &Plan, stream: &PlannedStream, source: usize, done: &Done) -> StreamFigures {
    let outcome = &done.outcome;
    let PlannedStream { traffic, hosts, spec, .. } = stream;
    let (all, name) =
        (&outcome.sources[source], |host: crate::id::NodeId| plan.network.nodes[host.index()].name.clone());
    let Delivery { count: delivered, least, most, .. } = outcome.nodes[hosts.to.index()].shares[source].delivery;
    let mean = outcome.nodes[hosts.to.index()].shares[source].delivery.mean();
    let end = spec.end.unwrap_or(Instant::MAX);
    let left = all.last_offered.unwrap_or(Instant::ZERO);
    let streamed = |frames, octets| {
        let around = (HEADER_OCTETS as u64 + u64::from(FCS_OCTETS), WIRE_OVERHEAD_OCTETS);
        Streamed::new(frames, octets, until(stream, source, done).since(spec.begin).as_ps(), around)
    };
    let lost = all.offered.frames.saturating_sub(delivered.frames + all.in_network);
    StreamFigures {
        stream: traffic.name.value.clone(),
        from: name(hosts.from),
        to: name(hosts.to),
        asked: figures::asked(traffic, spec),
        begin_ps: spec.begin.since(plan.begin).as_ps(),
        end_ps: end.since(plan.begin).as_ps(),
        offered: streamed(all.offered.frames, all.offered.octets),
        late_ps: left.since(end).as_ps(),
        delivered: streamed(delivered.frames, delivered.octets),
        least_ps: mean.map(|_| least.as_ps()),
        mean_ps: mean.map(|mean| mean.as_ps()),
        most_ps: mean.map(|_| most.as_ps()),
        lost,
        lost_ppm: (u128::from(lost) * 1_000_000).checked_div(all.offered.frames.into()).unwrap_or(0) as u64,
        drops: drops(plan, source, outcome),
        created: all.created,
        elsewhere: all.delivered - delivered.frames,
        consumed: all.consumed,
        in_network: all.in_network,
    }
}

/// When a stream has ended: one that was interrupted, when its last frame left.
fn until(stream: &PlannedStream, source: usize, done: &Done) -> Instant {
    let left = done.outcome.sources[source].last_offered.unwrap_or(Instant::ZERO);
    if done.interrupted { left } else { left.max(stream.spec.end.unwrap_or(Instant::MAX)) }
}

/// From the first begin of a stream to the last end.
fn span(plan: &Plan, done: &Done) -> MetricsSpan {
    let begin = plan.streams.iter().map(|stream| stream.spec.begin).min();
    let end = plan.streams.iter().enumerate().map(|(source, stream)| until(stream, source, done)).max();
    let from_begin = |at: Option<Instant>| Instant::ZERO + at.unwrap_or(Instant::ZERO).since(plan.begin);
    metrics::span(from_begin(begin), from_begin(end))
}

/// Where frames of a source were dropped, and why.
pub(super) fn drops(plan: &Plan, source: usize, outcome: &Outcome) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (node, counts) in plan.network.nodes.iter().zip(&outcome.nodes) {
        let mut here: Vec<_> = counts.shares[source].drops.iter().collect();
        here.sort_by_key(|&(_, frames)| std::cmp::Reverse(frames));
        losses.extend(here.into_iter().map(|(reason, frames)| Loss {
            place: node.name.clone(),
            reason: reason.name(),
            frames,
        }));
    }
    losses
}
