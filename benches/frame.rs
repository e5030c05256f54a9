//! What the edges of the emulator cost per frame of 64 octets: octets to typed fields, and back.

#[path = "common/edge.rs"]
mod edge;
#[path = "common/frames.rs"]
mod frames;
#[path = "common/tables.rs"]
mod tables;

use biplane::id::PortId;
use biplane::rng::Rng;
use biplane::table::NextHop;
use criterion::{Criterion, criterion_group, criterion_main};
use edge::Edge;
use tables::{LABELS, PREFIXES, label, label_fib, measure, prefixes, route_fib};

fn parse_and_emit(c: &mut Criterion) {
    let kinds = [("ipv4", &[][..]), ("1 label", &[100]), ("3 labels", &[100, 200, 300])];
    for (name, labels) in kinds {
        let mut edge = Edge::new(&frames::octets(0x0a14_0001, labels));
        measure(c, "parse", name, &mut edge, |_, _| {}, Edge::parse);
        measure(c, "emit", name, &mut edge, |_, _| {}, Edge::emit);
        measure(c, "parse_emit", name, &mut edge, |_, _| {}, Edge::copy);
    }
}

fn parse_swap_emit(c: &mut Criterion) {
    let (name, count) = LABELS[0];
    let fib = label_fib(count);
    let mut edge = Edge::new(&frames::octets(0x0a14_0001, &[16]));
    let draw = |edge: &mut Edge, rng: &mut Rng| {
        edge.relabel(|| label(rng.below(count.into()) as u32, count));
    };
    measure(c, "parse_swap_emit", name, &mut edge, draw, |edge| edge.through(&fib));
}

fn parse_route_emit(c: &mut Criterion) {
    let (name, count) = PREFIXES[0];
    let fib = route_fib(count, NextHop::port(PortId(0)));
    let known = prefixes(count);
    let mut edge = Edge::new(&frames::octets(0, &[]));
    let draw = |edge: &mut Edge, rng: &mut Rng| {
        for octets in edge.octets.chunks_exact_mut(frames::OCTETS) {
            let address = known[rng.below(count.into()) as usize].addr().to_bits();
            octets.copy_from_slice(&frames::octets(address, &[]));
        }
    };
    measure(c, "parse_route_emit", name, &mut edge, draw, |edge| edge.through(&fib));
}

criterion_group!(benches, parse_and_emit, parse_swap_emit, parse_route_emit);
criterion_main!(benches);
