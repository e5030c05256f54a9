//! The engine and the reference engine, which share no queue and no order of work, come to the same outcome.

mod nets;

use biplane::engine::reference::{self, Offered};
use biplane::engine::{Outcome, Run, Source, run};
use biplane::id::NodeId;
use biplane::time::{Instant, PortSpeed, Span};
use biplane::traffic::schedule::Ratio;
use biplane::traffic::stream::{AddressRange, FrameSizes, Generator, Layer, Rate, StreamSpec};
use nets::{Shape, frames, network};

fn compare(shape: Shape, count: u32, until: Option<Instant>) -> u64 {
    let net = network(shape);
    let hosts = || (0..shape.routers).map(|r| NodeId(shape.routers + r));
    let frames_of = |source| Source::Frames(frames(shape, source, count));
    let offered = hosts().zip(0..).map(|(node, source)| Offered { node, frames: frames_of(source) });
    let expected = reference::run(&net, offered.collect(), until, &mut |_| ());
    for threads in [1, 2, 4] {
        let sources = hosts().zip(0..).map(|(node, source)| (node, frames_of(source)));
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
            ..Shape::default()
        };
        dropped += compare(shape, 1500, None);
    }
    assert!(dropped > 5000, "only {dropped} frames were dropped: the comparison shows too little");
}

#[test]
fn equals_the_reference_when_cut_short() {
    for seed in 200..212 {
        let shape = Shape { seed, queues: seed % 2 == 0, troubled: seed % 3 == 0, ..Shape::default() };
        for until in [1, 5_000_000, 20_000_001, 45_000_000] {
            compare(shape, 800, Some(Instant::from_ps(until)));
        }
    }
}

fn hosts_of(router: u16) -> AddressRange {
    AddressRange::hosts_of(format!("10.{router}.0.0/16").parse().unwrap())
}

/// From each router's hosts to those of the next but one: of all kinds of sizes and rates, some above what ports carry.
fn spec(shape: Shape, router: u16, frames: u64) -> StreamSpec {
    let sizes = [
        FrameSizes::Imix,
        FrameSizes::One(64),
        FrameSizes::Weighted(vec![(80, 5), (1000, 2), (1518, 1), (300, 1), (301, 1), (302, 1), (303, 1), (304, 1)]),
    ];
    let rates = [
        Rate::Line(PortSpeed::G100, Ratio::new(1, 3).unwrap()),
        Rate::Bits(4_000_000_007, Layer::Frame),
        Rate::Frames(3_000_000),
        Rate::Bits(400_000_000_000, Layer::Wire),
    ];
    let to = hosts_of((router + 2) % shape.routers);
    let place = usize::from(router) + shape.seed as usize;
    let rate = rates[place % 4];
    let spec = StreamSpec::new(hosts_of(router), to, 1 + 37 * u32::from(router), sizes[place % 3].clone(), rate);
    StreamSpec {
        begin: Instant::from_ps(1_000_000 * u64::from(router)),
        frames: Some(frames),
        seed: shape.seed,
        // Some packets may be cut, some not.
        dont_fragment: router.is_multiple_of(2),
        ..spec
    }
}

fn compare_streams(shape: Shape, frames: u64, until: Option<Instant>) -> Outcome {
    let mut net = network(shape);
    let mut streams: Vec<(NodeId, Generator)> = Vec::new();
    for router in 0..shape.routers {
        let stream = spec(shape, router, frames).generator(&mut net.templates).unwrap();
        streams.push((NodeId(shape.routers + router), stream));
    }
    let sources = || streams.iter().map(|(node, stream)| (*node, Source::Stream(Box::new(stream.clone()))));
    let offered = sources().map(|(node, frames)| Offered { node, frames }).collect();
    let expected = reference::run(&net, offered, until, &mut |_| ());
    for threads in [1, 2, 4] {
        let outcome = run(Run { threads, until, ..Run::new(&net, sources().collect()) });
        assert_eq!(outcome, expected, "{shape:?} at {threads} threads, until {until:?}");
    }
    expected
}

#[test]
fn streams_equal_the_reference() {
    let (mut delivered, mut dropped, mut created) = (0, 0, 0);
    for seed in 300..324 {
        let shape = Shape {
            seed,
            routers: 3 + (seed % 5) as u16,
            buffer: [3_000, 20_000, 200_000, 2_000_000][seed as usize % 4],
            queues: seed % 3 != 0,
            troubled: seed % 2 == 0,
            ..Shape::default()
        };
        let outcome = compare_streams(shape, 1500, None);
        assert!(outcome.sources.iter().all(|source| source.offered.frames == 1500));
        delivered += outcome.sources.iter().map(|source| source.delivered).sum::<u64>();
        dropped += outcome.sources.iter().map(|source| source.dropped).sum::<u64>();
        created += outcome.sources.iter().map(|source| source.created).sum::<u64>();
    }
    assert!(delivered > 50_000 && dropped > 5_000 && created > 500, "{delivered} {dropped} {created}");
}

#[test]
fn streams_cut_short_equal_the_reference() {
    for seed in 400..408 {
        let shape = Shape { seed, routers: 5, queues: seed % 2 == 0, troubled: seed % 3 == 0, ..Shape::default() };
        for until in [1, 5_000_000, 45_000_000] {
            compare_streams(shape, 800, Some(Instant::from_ps(until)));
        }
    }
}

/// Three streams at each host, two of which are due at the same instants: the one that was given first goes first.
#[test]
fn several_streams_of_a_host_equal_the_reference() {
    let (mut delivered, mut dropped) = (0, 0);
    for seed in 500..516 {
        let shape = Shape {
            seed,
            routers: 3 + (seed % 4) as u16,
            buffer: [3_000, 20_000, 2_000_000][seed as usize % 3],
            queues: seed % 2 == 0,
            troubled: seed % 3 == 0,
            ..Shape::default()
        };
        let mut net = network(shape);
        let mut streams: Vec<(NodeId, Generator)> = Vec::new();
        for (lane, router) in (0..3).flat_map(|lane| (0..shape.routers).map(move |router| (lane, router))) {
            let begin = Instant::from_ps([0, 5_000, 0][lane]);
            let (flows, sizes) =
                ([9, 40, 1][lane], [FrameSizes::One(64), FrameSizes::Imix, FrameSizes::One(900)][lane].clone());
            let rate =
                [Rate::Frames(20_000_000), Rate::Bits(30_000_000_000, Layer::Packet), Rate::Frames(4_000_000)][lane];
            let to = hosts_of((router + 1 + lane as u16) % shape.routers);
            let spec = StreamSpec::new(hosts_of(router), to, flows, sizes, rate);
            let end = Some(begin + Span::from_us(100 + 50 * lane as u64));
            let spec = StreamSpec { begin, end, seed: seed + lane as u64, ..spec };
            streams.push((NodeId(shape.routers + router), spec.generator(&mut net.templates).unwrap()));
        }
        let sources = || streams.iter().map(|(node, stream)| (*node, Source::Stream(Box::new(stream.clone()))));
        let offered = sources().map(|(node, frames)| Offered { node, frames }).collect();
        let expected = reference::run(&net, offered, None, &mut |_| ());
        for threads in [1, 2, 4] {
            let outcome = run(Run { threads, ..Run::new(&net, sources().collect()) });
            assert_eq!(outcome, expected, "{shape:?} at {threads} threads");
        }
        let all = |of: fn(&biplane::engine::SourceOutcome) -> u64| expected.sources.iter().map(of).sum::<u64>();
        assert!(expected.sources.iter().all(|source| source.offered.frames > 100 && source.in_network == 0));
        delivered += all(|source| source.delivered);
        dropped += all(|source| source.dropped);
        let shares: Vec<_> = expected.nodes.iter().flat_map(|node| &node.shares).collect();
        assert_eq!(shares.iter().map(|share| share.drops.total()).sum::<u64>(), all(|source| source.dropped));
        assert_eq!(shares.iter().map(|share| share.delivery.count.frames).sum::<u64>(), all(|source| source.delivered));
    }
    assert!(delivered > 50_000 && dropped > 5_000, "{delivered} {dropped}");
}

#[test]
#[should_panic(expected = "source 0 has another's frames")]
fn a_stream_in_another_place_is_refused() {
    let shape = Shape { routers: 3, ..Shape::default() };
    let mut net = network(shape);
    net.templates.add_source([]);
    let stream = spec(shape, 0, 10).generator(&mut net.templates).unwrap();
    run(Run::new(&net, vec![(NodeId(3), Source::Stream(Box::new(stream)))]));
}
