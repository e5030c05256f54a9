//! The outcome of a run is the same at any number of threads, and every frame is accounted for.

mod nets;

use biplane::engine::{Observe, Outcome, Run, Source, run};
use biplane::id::NodeId;
use biplane::time::Instant;
use nets::{Shape, frames, network};
use std::sync::{Arc, Mutex};

fn sources(shape: Shape, count: u32) -> Vec<(NodeId, Source)> {
    (0..shape.routers).map(|r| (NodeId(shape.routers + r), Source::Frames(frames(shape, r as u8, count)))).collect()
}

fn outcome(shape: Shape, threads: usize, until: Option<Instant>) -> Outcome {
    let net = network(shape);
    run(Run { threads, until, ..Run::new(&net, sources(shape, 3000)) })
}

fn shapes() -> impl Iterator<Item = Shape> {
    (0..24).map(|seed| Shape {
        seed,
        routers: 2 + (seed % 6) as u16,
        buffer: [20_000, 200_000, 2_000_000][seed as usize % 3],
        queues: seed % 2 == 1,
        troubled: seed % 4 > 1,
        ..Shape::default()
    })
}

#[test]
fn any_number_of_threads_gives_the_same_outcome() {
    let (mut delivered, mut dropped, mut created) = (0, 0, 0);
    for shape in shapes() {
        let one = outcome(shape, 1, None);
        for threads in [2, 4] {
            assert_eq!(one, outcome(shape, threads, None), "{shape:?} at {threads} threads");
        }
        delivered += one.sources.iter().map(|s| s.delivered).sum::<u64>();
        dropped += one.sources.iter().map(|s| s.dropped).sum::<u64>();
        created += one.sources.iter().map(|s| s.created).sum::<u64>();
    }
    assert!(delivered > 100_000 && dropped > 1000 && created > 1000, "{delivered} {dropped} {created}");
}

#[test]
fn a_run_cut_short_knows_what_is_under_way() {
    for shape in shapes() {
        let until = Some(Instant::from_ps(30_000_000));
        let one = outcome(shape, 1, until);
        assert_eq!(one, outcome(shape, 3, until), "{shape:?}");
        assert!(one.sources.iter().map(|s| s.in_network).sum::<u64>() > 0, "{shape:?}");
        assert!(one.ended < Instant::from_ps(30_000_000));
    }
}

/// What is observed comes in order of time and is the same at any number of threads.
#[test]
fn observed_frames_are_in_order_and_the_same() {
    let observe = |shape: Shape, threads| {
        let net = network(shape);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let ports = net.links.iter().map(|link| link.from).collect();
        let into = seen.clone();
        let sink = Box::new(move |seen: &biplane::engine::Seen, octets: &[u8]| {
            into.lock().unwrap().push((*seen, octets.to_vec()));
        });
        let observe = Some(Observe { ports, drops: true, sink });
        let outcome = run(Run { threads, observe, ..Run::new(&net, sources(shape, 500)) });
        (outcome, Arc::into_inner(seen).unwrap().into_inner().unwrap())
    };
    for shape in shapes() {
        let (outcome, seen) = observe(shape, 1);
        assert!(seen.is_sorted_by_key(|(seen, _)| (seen.time, seen.node)));
        let sent: u64 = outcome.nodes.iter().flat_map(|n| &n.ports).map(|p| p.sent.frames).sum();
        let dropped: u64 = outcome.sources.iter().map(|s| s.dropped).sum();
        assert_eq!(seen.iter().filter(|(seen, _)| seen.dropped.is_none()).count() as u64, sent);
        assert_eq!(seen.iter().filter(|(seen, _)| seen.dropped.is_some()).count() as u64, dropped);
        assert_eq!((outcome, seen), observe(shape, 3), "{shape:?}");
    }
}
