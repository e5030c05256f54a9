//! How long a look-up takes: labels and prefixes, in tables that fit the caches and in ones that do not.

#[path = "common/tables.rs"]
mod tables;

use biplane::id::{PortId, VrfId};
use biplane::rng::Rng;
use biplane::table::NextHop;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tables::{LABELS, PASS, PREFIXES, label, label_fib, measure, prefixes, prefixes_v6, route_fib, route_fib_v6};

fn label_map(c: &mut Criterion) {
    for (name, count) in LABELS {
        let fib = label_fib(count);
        let draw = |probes: &mut Vec<u32>, rng: &mut Rng| {
            probes.fill_with(|| label(rng.below(count.into()) as u32, count));
        };
        measure(c, "label_map", name, &mut vec![0; PASS], draw, |probes| {
            let found = probes.iter().filter(|&&label| fib.label(black_box(label)).is_some()).count();
            assert_eq!(found, PASS);
        });
    }
}

fn longest_prefix(c: &mut Criterion) {
    for (name, count) in PREFIXES {
        let fib = route_fib(count, NextHop::port(PortId(0)));
        let known = prefixes(count);
        let draw = |probes: &mut Vec<u32>, rng: &mut Rng| {
            probes.fill_with(|| known[rng.below(count.into()) as usize].addr().to_bits() | rng.below(256) as u32);
        };
        measure(c, "longest_prefix", name, &mut vec![0; PASS], draw, |probes| {
            let found = probes.iter().filter(|&&at| fib.lookup_v4(VrfId(0), black_box(at)).is_some()).count();
            assert_eq!(found, PASS);
        });
    }
}

fn longest_prefix_v6(c: &mut Criterion) {
    for (name, count) in PREFIXES {
        let fib = route_fib_v6(count);
        let known = prefixes_v6(count);
        let draw = |probes: &mut Vec<u128>, rng: &mut Rng| {
            probes.fill_with(|| {
                known[rng.below(count.into()) as usize].addr().to_bits() | u128::from(rng.below(1 << 16)) << 64
            });
        };
        measure(c, "longest_prefix_v6", name, &mut vec![0; PASS], draw, |probes| {
            let found = probes.iter().filter(|&&at| fib.lookup_v6(VrfId(0), black_box(at)).is_some()).count();
            assert_eq!(found, PASS);
        });
    }
}

criterion_group!(benches, label_map, longest_prefix, longest_prefix_v6);
criterion_main!(benches);
