//! Routers' tables of a stated size, and what is looked up in them: drawn anew for each pass, spread over all of it.
#![allow(dead_code)] // each benchmark takes what it needs

use biplane::id::{PortId, VrfId};
use biplane::rng::Rng;
use biplane::table::{Fib, FibBuilder, IngressBuilder, LabelAction, LabelEntry, NextHop, Protected};
use biplane::table::{Service, SubInterface, TtlModel, VlanKey};
use biplane::wire::mpls::Label;
use criterion::{Criterion, Throughput};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Sizes of label maps.
pub(crate) const LABELS: [(&str, u32); 2] = [("1k", 1_000), ("1M", 1_000_000)];
/// Sizes of routing tables.
pub(crate) const PREFIXES: [(&str, u32); 2] = [("10k", 10_000), ("1M", 1_000_000)];
/// What is done in one pass: so much that reading the clock does not count, so little that it stays in the caches.
pub(crate) const PASS: usize = 512;

pub(crate) use biplane::cli::bench::network::{label_fib, label_of as label};

/// A router with `count` prefixes of 16 to 24 bits, most of 24, towards 64 next hops like `next_hop`; 1000 labels pop to
/// a look-up in them.
pub(crate) fn route_fib(count: u32, next_hop: NextHop) -> Fib {
    let mut builder = with_ports();
    let sets: Vec<_> = (0..64u16)
        .map(|n| {
            let port = biplane::table::Target::Port(PortId(n % 4));
            builder.next_hops(&[NextHop { target: port, ..next_hop }])
        })
        .collect();
    for (place, prefix) in prefixes(count).into_iter().enumerate() {
        builder.route(VrfId(0), IpNet::V4(prefix), sets[place % sets.len()]);
    }
    for place in 0..1000 {
        let label = Label::new(label(place, 1000)).expect("the label is ordinary");
        builder.label(label, LabelEntry { action: LabelAction::PopLookup(VrfId(0)), model: TtlModel::Uniform });
    }
    builder.build()
}

/// The prefixes of [`route_fib`].
pub(crate) fn prefixes(count: u32) -> Vec<Ipv4Net> {
    let mut rng = Rng::new(2, count.into());
    (0..count)
        .map(|_| {
            let len = if rng.below(5) < 3 { 24 } else { 16 + rng.below(8) as u8 };
            let first = 1 + rng.below(126) as u32;
            let address = first << 24 | rng.below(1 << 24) as u32;
            Ipv4Net::new_assert(Ipv4Addr::from_bits(address), len).trunc()
        })
        .collect()
}

/// A router with `count` IPv6 prefixes of 32 to 48 bits, most of 48, towards 64 next hops.
pub(crate) fn route_fib_v6(count: u32) -> Fib {
    let mut builder = with_ports();
    let sets: Vec<_> = (0..64u16).map(|n| builder.next_hops(&[NextHop::port(PortId(n % 4))])).collect();
    for (place, prefix) in prefixes_v6(count).into_iter().enumerate() {
        builder.route(VrfId(0), IpNet::V6(prefix), sets[place % sets.len()]);
    }
    builder.build()
}

/// The prefixes of [`route_fib_v6`]: parts of 256 allocations of 32 bits, as providers have them.
pub(crate) fn prefixes_v6(count: u32) -> Vec<Ipv6Net> {
    let mut rng = Rng::new(4, count.into());
    (0..count)
        .map(|_| {
            let len = if rng.below(5) < 3 { 48 } else { 32 + rng.below(16) as u8 };
            // Of 2a00::/12, every 4096th /32.
            let allocation = 0x2a00_0000 + (rng.below(256) << 12);
            let address = u128::from(allocation << 32 | rng.below(1 << 32)) << 64;
            Ipv6Net::new_assert(Ipv6Addr::from_bits(address), len).trunc()
        })
        .collect()
}

/// A router with a default route and `count` prefixes like those of [`route_fib`], all of them dynamic and empty.
pub(crate) fn dynamic_fib(count: u32, protected: (NextHop, NextHop)) -> (Fib, Protected) {
    let mut builder = with_ports();
    for prefix in prefixes(count).into_iter().chain([Ipv4Net::default()]) {
        builder.dynamic(VrfId(0), IpNet::V4(prefix));
    }
    let protected = builder.protected(protected.0, protected.1);
    (builder.build(), protected)
}

fn with_ports() -> FibBuilder {
    let mut builder = FibBuilder::new(1);
    let route = SubInterface { service: Service::Route(VrfId(0)), mpls: true, reset_dscp: false };
    for _ in 0..4 {
        builder.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, route));
    }
    builder
}

/// Measures `pass`, which does something [`PASS`] times on what `draw` made ready; only `pass` is timed.
pub(crate) fn measure<S>(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    state: &mut S,
    mut draw: impl FnMut(&mut S, &mut Rng),
    mut pass: impl FnMut(&mut S),
) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(PASS as u64));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function(name, |bencher| {
        let mut rng = Rng::new(3, 3);
        bencher.iter_custom(|passes| {
            let mut spent = Duration::ZERO;
            for _ in 0..passes {
                draw(state, &mut rng);
                let begin = Instant::now();
                pass(state);
                spent += begin.elapsed();
            }
            spent
        });
    });
    group.finish();
}
