//! What making a frame of generated traffic costs: one size and three, few flows and many.

use biplane::frame::Templates;
use biplane::time::{Instant, PortSpeed};
use biplane::traffic::schedule::Ratio;
use biplane::traffic::stream::{AddressRange, FrameSizes, Generator, Rate, StreamSpec};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Frames of one pass: what a source makes at a time.
const PASS: usize = 64;

fn generator(flows: u32, sizes: FrameSizes) -> Generator {
    let range = |net: &str| AddressRange::hosts_of(net.parse().expect("the prefix is one"));
    let rate = Rate::Line(PortSpeed::G100, Ratio::new(4, 5).expect("neither is 0"));
    let spec = StreamSpec::new(range("10.1.0.0/16"), range("10.2.0.0/16"), flows, sizes, rate);
    let spec = StreamSpec { end: Some(Instant::MAX), ..spec };
    spec.generator(&mut Templates::new()).expect("the stream is possible")
}

fn make(c: &mut Criterion) {
    let mut group = c.benchmark_group("make");
    group.throughput(Throughput::Elements(PASS as u64));
    for (name, flows, sizes) in [
        ("64 octets, 4096 flows", 4096, FrameSizes::One(64)),
        ("IMIX, 4096 flows", 4096, FrameSizes::Imix),
        ("IMIX, 65536 flows", 65_536, FrameSizes::Imix),
    ] {
        let mut stream = generator(flows, sizes);
        let mut batch = Vec::with_capacity(PASS);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                batch.clear();
                batch.extend(stream.by_ref().take(PASS));
                black_box(&batch);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, make);
criterion_main!(benches);
