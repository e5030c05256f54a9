//! The engine and the reference engine, which share no queue and no order of work, come to the same outcome.

mod nets;

use biplane::engine::reference::{self, Offered};
use biplane::engine::{Run, Source, run};
use biplane::id::NodeId;
use biplane::time::Instant;
use nets::{Shape, frames, network};

fn compare(shape: Shape, count: u32, until: Option<Instant>) -> u64 {
    let net = network(shape);
    let hosts = || (0..shape.routers).map(|r| NodeId(shape.routers + r));
    let offered = hosts().zip(0..).map(|(node, source)| Offered { node, frames: frames(shape, source, count) });
    let expected = reference::run(&net, offered.collect(), until, &mut |_| ());
    for threads in [1, 2, 4] {
        let sources = hosts().zip(0..).map(|(node, source)| (node, Source::Frames(frames(shape, source, count))));
        let outcome = run(Run { threads, until, ..Run::new(&net, sources.collect()) });
        assert_eq!(outcome, expected, "{shape:?} at {threads} threads, until {until:?}");
    }
    expected.sources.iter().map(|source| source.dropped).sum()
}

#[test]
fn equals_the_reference_on_made_networks() {
    let mut dropped = 0;
    for seed in 100..140 {
        let shape = Shape {
            seed,
            routers: 2 + (seed % 7) as u16,
            buffer: [3_000, 20_000, 200_000, 2_000_000][seed as usize % 4],
            queues: seed % 3 != 0,
            troubled: seed % 5 > 1,
        };
        dropped += compare(shape, 1500, None);
    }
    assert!(dropped > 5000, "only {dropped} frames were dropped: the comparison shows too little");
}

#[test]
fn equals_the_reference_when_cut_short() {
    for seed in 200..212 {
        let shape = Shape { seed, routers: 4, buffer: 50_000, queues: seed % 2 == 0, troubled: seed % 3 == 0 };
        for until in [1, 5_000_000, 20_000_001, 45_000_000] {
            compare(shape, 800, Some(Instant::from_ps(until)));
        }
    }
}
