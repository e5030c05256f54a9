//! What the edges of the emulator cost per frame of 64 octets: octets to typed fields, and back.

#[path = "common/frames.rs"]
mod frames;
#[path = "common/tables.rs"]
mod tables;

use biplane::frame::{Frame, Templates};
use biplane::id::PortId;
use biplane::node::{Entry, Verdict, forward};
use biplane::rng::Rng;
use biplane::table::{Fib, NextHop};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tables::{LABELS, PASS, PREFIXES, label, label_fib, measure, prefixes, route_fib};

/// Frames as octets, one behind the other, and the frames that they are parsed into.
struct Edge {
    octets: Vec<u8>,
    frames: Vec<Frame>,
    out: Vec<u8>,
}

impl Edge {
    fn new(octets: &[u8]) -> Self {
        Edge {
            octets: octets.repeat(PASS),
            frames: frames::frames(octets),
            out: Vec::with_capacity(octets.len() * PASS),
        }
    }

    fn parse(&mut self) {
        for (octets, frame) in self.octets.chunks_exact(frames::OCTETS).zip(&mut self.frames) {
            let spare = frame.body.take();
            if let Some(parsed) = Frame::parse(black_box(octets), frames::OCTETS as u32, spare) {
                *frame = parsed.frame;
            }
        }
    }

    fn emit(&mut self) {
        self.out.clear();
        let none = Templates::new();
        self.frames.iter().for_each(|frame| frame.emit(&none, &mut self.out));
        assert!(self.out.len() >= self.octets.len());
    }

    /// Octets to octets, frame by frame.
    fn through(&mut self, fib: &Fib) {
        self.out.clear();
        let none = Templates::new();
        let mut spare = self.frames[0].body.take();
        for octets in self.octets.chunks_exact(frames::OCTETS) {
            let Some(parsed) = Frame::parse(octets, frames::OCTETS as u32, spare.take()) else { continue };
            let mut frame = parsed.frame;
            if let Verdict::Transmit(_) = forward(fib, &none, Entry::Port(PortId(0)), &mut frame) {
                frame.emit(&none, &mut self.out);
            }
            spare = frame.body.take();
        }
        self.frames[0].body = spare;
        assert_eq!(self.out.len(), self.octets.len());
    }
}

fn parse_and_emit(c: &mut Criterion) {
    let kinds = [("ipv4", &[][..]), ("1 label", &[100]), ("3 labels", &[100, 200, 300])];
    for (name, labels) in kinds {
        let mut edge = Edge::new(&frames::octets(0x0a14_0001, labels));
        measure(c, "parse", name, &mut edge, |_, _| {}, Edge::parse);
        measure(c, "emit", name, &mut edge, |_, _| {}, Edge::emit);
    }
}

fn parse_swap_emit(c: &mut Criterion) {
    let (name, count) = LABELS[0];
    let fib = label_fib(count);
    let mut edge = Edge::new(&frames::octets(0x0a14_0001, &[16]));
    let draw = |edge: &mut Edge, rng: &mut Rng| {
        for octets in edge.octets.chunks_exact_mut(frames::OCTETS) {
            let octets = &mut octets[14..17];
            let label = label(rng.below(count.into()) as u32, count) << 12 | 0x100;
            octets.copy_from_slice(&label.to_be_bytes()[..3]);
        }
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
