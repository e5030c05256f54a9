//! What the engine does with a whole network: six routers in a row, on one thread and on more, pinned and not; the
//! reference engine beside it. Throughput is in arrivals at routers.

use biplane::cli::bench::network::{Loaded, six_node};
use biplane::engine::reference::{self, Offered};
use biplane::engine::{Outcome, Role, Run, Source, run};
use biplane::frame::Frame;
use biplane::port::PortSpec;
use biplane::traffic::stream::{FrameSizes, Generator};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Routers that each frame arrives at.
const ROUTERS: u64 = 6;

fn loaded(sizes: FrameSizes) -> Loaded {
    six_node(&sizes, 1).expect("the stream is possible")
}

/// Hops of `frames` frames each way; a run that lost one would show too little work.
fn hops(outcome: &Outcome, frames: u64) {
    let delivered: u64 = outcome.sources.iter().map(|source| source.delivered).sum();
    assert_eq!(delivered, 2 * frames, "a frame was lost");
    black_box(outcome);
}

fn six_nodes(c: &mut Criterion) {
    const FRAMES: u64 = 50_000;
    let mut group = c.benchmark_group("six_node");
    group.sample_size(10).throughput(Throughput::Elements(2 * FRAMES * ROUTERS));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    for (name, sizes) in [("64", FrameSizes::One(64)), ("imix", FrameSizes::Imix), ("1518", FrameSizes::One(1518))] {
        let loaded = loaded(sizes);
        for threads in 1..=cpus {
            for pin in [false, true] {
                let kind = format!("{threads} threads{}", if pin { ", pinned" } else { "" });
                group.bench_function(BenchmarkId::new(name, kind), |bencher| {
                    bencher.iter(|| {
                        let sources = loaded.sources(FRAMES);
                        hops(&run(Run { threads, pin, ..Run::new(&loaded.network, sources) }), FRAMES);
                    });
                });
            }
        }
    }
    group.finish();
}

/// One frame in a hundred is control traffic, in one queue with all other and in a queue before it.
fn control_traffic(c: &mut Criterion) {
    const FRAMES: usize = 50_000;
    let mut group = c.benchmark_group("control_traffic");
    group.sample_size(10).throughput(Throughput::Elements(2 * FRAMES as u64 * ROUTERS));
    for (name, queue_of_class) in [("one queue", [0; 8]), ("two queues", PortSpec::CONTROL_FIRST)] {
        let mut loaded = loaded(FrameSizes::One(64));
        let routers = loaded.network.nodes.iter_mut().filter(|node| matches!(node.role, Role::Router(_)));
        routers.flat_map(|node| &mut node.ports).for_each(|port| port.queue_of_class = queue_of_class);
        let mixed = |stream: &Generator| -> Vec<Frame> {
            let frames = stream.clone().take(FRAMES).zip(0..);
            let marked = frames.map(|(mut frame, number): (Frame, u32)| {
                if number.is_multiple_of(100) {
                    frame.header.meta = frame.header.meta.with_traffic_class(6 << 5);
                }
                frame
            });
            marked.collect()
        };
        let sources = || loaded.streams.iter().map(|(node, stream)| (*node, Source::Frames(mixed(stream)))).collect();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                sources,
                |sources| hops(&run(Run::new(&loaded.network, sources)), FRAMES as u64),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn reference_engine(c: &mut Criterion) {
    const FRAMES: u64 = 2_000;
    let mut group = c.benchmark_group("reference_engine");
    group.sample_size(10).throughput(Throughput::Elements(2 * FRAMES * ROUTERS));
    let loaded = loaded(FrameSizes::One(64));
    group.bench_function("64", |bencher| {
        bencher.iter(|| {
            let sources = loaded.sources(FRAMES).into_iter();
            let offered = sources.map(|(node, frames)| Offered { node, frames }).collect();
            hops(&reference::run(&loaded.network, offered, None, &mut |_| ()), FRAMES);
        });
    });
    group.finish();
}

criterion_group!(benches, six_nodes, control_traffic, reference_engine);
criterion_main!(benches);
