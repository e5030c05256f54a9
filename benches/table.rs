//! How long a look-up takes: labels and prefixes, in tables that fit the caches and in ones that do not; and a change.

#[path = "common/tables.rs"]
mod tables;

use biplane::id::{PortId, VrfId};
use biplane::rng::Rng;
use biplane::table::{Fib, NextHop};
use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::IpNet;
use std::hint::black_box;
use tables::{LABELS, PASS, PREFIXES, dynamic_fib, label, label_fib, measure};
use tables::{prefixes, prefixes_v6, route_fib, route_fib_v6};

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

/// Changes to 10,000 dynamic routes: of one that no longer one is in, of one that all others show, of one next hop of all.
fn program(c: &mut Criterion) {
    const COUNT: u32 = 10_000;
    let (first, second) = (NextHop::port(PortId(0)), NextHop::port(PortId(1)));
    let known: Vec<_> = prefixes(COUNT).into_iter().map(IpNet::V4).collect();
    let leaves: Vec<_> = known.iter().copied().filter(|prefix| prefix.prefix_len() == 24).collect();
    let draw = |state: &mut (Fib, Vec<IpNet>), rng: &mut Rng| {
        state.1.fill_with(|| leaves[rng.below(leaves.len() as u64) as usize]);
    };
    let (mut fib, protected) = dynamic_fib(COUNT, (first, second));
    fib.program(VrfId(0), IpNet::V4(Default::default()), &[first]).expect("it is declared");
    let mut state = (fib, vec![known[0]; PASS]);
    measure(c, "program", "leaf, other next hops", &mut state, draw, |(fib, probes)| {
        for (place, &prefix) in probes.iter().enumerate() {
            let ecmp = [first, second];
            let set = if place % 2 == 0 { &ecmp[..1] } else { &ecmp };
            fib.program(VrfId(0), black_box(prefix), set).expect("it is declared");
        }
    });
    measure(c, "program", "leaf, withdrawn", &mut state, draw, |(fib, probes)| {
        for &prefix in probes.iter() {
            fib.withdraw(VrfId(0), black_box(prefix)).expect("it is declared");
        }
    });
    known.iter().for_each(|&prefix| state.0.withdraw(VrfId(0), prefix).expect("it is declared"));
    measure(
        c,
        "program",
        "default route of 10k empty ones",
        &mut state,
        |_, _| {},
        |(fib, _)| {
            for place in 0..PASS {
                let hop = if place % 2 == 0 { first } else { second };
                fib.program(VrfId(0), black_box(IpNet::V4(Default::default())), &[hop]).expect("it is declared");
            }
        },
    );
    known.iter().for_each(|&prefix| state.0.program(VrfId(0), prefix, &[protected]).expect("it is declared"));
    measure(
        c,
        "program",
        "switch of 10k routes",
        &mut state,
        |_, _| {},
        |(fib, _)| {
            for place in 0..PASS {
                fib.switch(black_box(protected), place % 2 == 0);
            }
        },
    );
}

criterion_group!(benches, label_map, longest_prefix, longest_prefix_v6, program);
criterion_main!(benches);
