//! The engine and the reference engine come to the same outcome on any network, at any number of threads, with any window.
//!
//! `PROPTEST_CASES` says how many networks are tried.

mod nets;

use biplane::control::Happened;
use biplane::engine::reference::{self, Offered};
use biplane::engine::{Outcome, Run, Source, run};
use biplane::frame::DropReason;
use biplane::id::NodeId;
use biplane::time::{Instant, Span};
use nets::{Shape, Wires, frames, network};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A case: a network, its traffic, and how the engine runs it.
#[derive(Clone, Copy, Debug)]
struct Case {
    shape: Shape,
    /// Sources of each host, and frames of each source.
    lanes: u16,
    count: u32,
    until: Option<Instant>,
    threads: usize,
    window: Span,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let wires = prop::sample::select(vec![Wires::Chords, Wires::Ring, Wires::Star, Wires::Mesh]);
    let buffers = prop::sample::select(vec![2_000, 3_000, 10_000, 50_000, 2_000_000]);
    let delays = prop::sample::select(vec![1, 300, 30_000, 2_000_000]);
    let sizes = (2..8u16, 1..4u16);
    (any::<u64>(), sizes, wires, buffers, delays, any::<bool>(), any::<bool>()).prop_map(
        |(seed, (routers, hosts), wires, buffer, delay_ns, queues, troubled)| {
            // A mesh has as many ports on each router.
            let routers = if wires == Wires::Mesh { routers.min(5) } else { routers };
            Shape { seed, routers, hosts, wires, buffer, delay_ns, queues, troubled }
        },
    )
}

fn cases() -> impl Strategy<Value = Case> {
    let windows = [Span::from_us(1), Span::from_us(7), Span::from_us(100), Span::from_ms(1)];
    let until = prop::option::weighted(0.25, (1..3_000_000_000u64).prop_map(Instant::from_ps));
    let all = (shapes(), (1..4u16, 1..400u32), until, 1..5usize, prop::sample::select(windows.to_vec()));
    all.prop_map(|(shape, (lanes, count), until, threads, window)| Case {
        shape,
        lanes,
        count: count.div_ceil(u32::from(lanes)),
        until,
        threads,
        window,
    })
}

/// One source of each host, in the order of the hosts, then the next of each: 63 at the most.
fn sources(case: &Case) -> impl Iterator<Item = (NodeId, Source)> {
    let (shape, count) = (case.shape, case.count);
    let hosts = (0..case.lanes).flat_map(move |_| shape.hosts());
    hosts.zip(0..).map(move |((node, _), source)| (node, Source::Frames(frames(shape, source, count))))
}

fn compare(case: &Case) -> Outcome {
    let network = network(case.shape);
    let offered = sources(case).map(|(node, frames)| Offered { node, frames }).collect();
    let expected = reference::run(&network, offered, case.until, &mut |_| ());
    let Case { threads, window, until, .. } = *case;
    let outcome = run(Run { threads, window, until, ..Run::new(&network, sources(case).collect()) });
    assert_eq!(outcome, expected, "{case:?}");
    expected
}

/// What became of the frames of all cases: where nothing is dropped or made, the comparison shows too little.
#[derive(Default)]
struct Fates {
    cases: AtomicU64,
    offered: AtomicU64,
    dropped: AtomicU64,
    created: AtomicU64,
    /// At ports that have no carrier, and how often one came or went.
    without_carrier: AtomicU64,
    carriers: AtomicU64,
    /// By the limits of a gateway: bits, packets, flows.
    at_gates: [AtomicU64; 3],
}

const AT_GATES: [DropReason; 3] = [DropReason::GatewayBits, DropReason::GatewayPackets, DropReason::GatewayFlows];

#[test]
fn any_network_any_threads_any_window() {
    let fates = Fates::default();
    proptest!(|(case in cases())| {
        let outcome = compare(&case);
        fates.cases.fetch_add(1, Ordering::Relaxed);
        for source in &outcome.sources {
            fates.offered.fetch_add(source.offered.frames, Ordering::Relaxed);
            fates.dropped.fetch_add(source.dropped, Ordering::Relaxed);
            fates.created.fetch_add(source.created, Ordering::Relaxed);
        }
        for port in outcome.nodes.iter().flat_map(|node| &node.ports) {
            for (count, reason) in fates.at_gates.iter().zip(AT_GATES) {
                count.fetch_add(port.egress_drops.of(reason), Ordering::Relaxed);
            }
            fates.without_carrier.fetch_add(port.egress_drops.of(DropReason::LinkDown), Ordering::Relaxed);
        }
        let noted = outcome.nodes.iter().flat_map(|node| &node.log);
        let carriers = noted.filter(|noted| matches!(noted.what, Happened::Port(..))).count() as u64;
        fates.carriers.fetch_add(carriers, Ordering::Relaxed);
    });
    let [cases, offered, dropped, created] =
        [&fates.cases, &fates.offered, &fates.dropped, &fates.created].map(|count| count.load(Ordering::Relaxed));
    // A few cases that were asked for by hand may have none of it.
    if cases >= 64 {
        assert!(dropped > offered / 50 && created > offered / 500, "{cases} {offered} {dropped} {created}");
        let without = fates.without_carrier.load(Ordering::Relaxed);
        let carriers = fates.carriers.load(Ordering::Relaxed);
        assert!(without > offered / 500 && carriers > cases, "{cases} {offered} {without} {carriers}");
        let at_gates = fates.at_gates.each_ref().map(|count| count.load(Ordering::Relaxed));
        assert!(
            at_gates.iter().all(|&count| count > offered / 2000),
            "of {offered} {at_gates:?} by the limits of gateways"
        );
    }
}

#[test]
#[should_panic(expected = "a run without a window never moves on")]
fn a_window_of_nothing_is_refused() {
    let network = network(Shape::default());
    run(Run { window: Span::ZERO, ..Run::new(&network, Vec::new()) });
}
