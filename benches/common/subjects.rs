//! What is counted in instructions: each subject prepares the frames of all passes, then makes them in [`counted`].

use crate::edge::Edge;
use crate::frames;
use crate::tables::{PASS, label, label_fib, prefixes, route_fib};
use biplane::frame::{Frame, Templates};
use biplane::id::PortId;
use biplane::node::{Entry, Verdict, forward};
use biplane::port::{Policer, PolicerSpec};
use biplane::rng::Rng;
use biplane::table::{Fib, LabelPush, NextHop};
use biplane::time::Instant;
use biplane::wire::mpls::Lse;

/// Passes of a subject.
pub(crate) const SETS: usize = 3;
/// Entries of the label maps and of the routing tables.
const LABELS: u32 = 1000;
const PREFIXES: u32 = 10_000;

/// Something done to [`PASS`] frames, [`SETS`] times over.
pub(crate) struct Subject {
    /// Its name in the budget.
    pub(crate) name: &'static str,
    /// Prepares and makes all passes.
    pub(crate) run: fn(),
}

/// All of them.
pub(crate) const SUBJECTS: &[Subject] = &[
    Subject { name: "parse", run: || edges(Edge::parse) },
    Subject { name: "emit", run: || edges(Edge::emit) },
    Subject { name: "parse_emit", run: || edges(Edge::copy) },
    Subject { name: "parse_swap_emit", run: parse_swap_emit },
    Subject { name: "lsr_swap", run: lsr_swap },
    Subject { name: "ler_push", run: ler_push },
    Subject { name: "ler_pop", run: ler_pop },
    Subject { name: "ip_route", run: ip_route },
    Subject { name: "policer", run: policer },
];

/// Labelled frames, one by one, without a router.
fn edges(pass: impl FnMut(&mut Edge)) {
    let mut sets = sets(|_| {
        let mut edge = Edge::new(&frames::octets(0x0a14_0001, &[100]));
        // Every buffer has been filled once, as in a run that goes on.
        edge.emit();
        edge
    });
    counted(&mut sets, pass);
}

fn parse_swap_emit() {
    let fib = label_fib(LABELS);
    let mut sets = sets(|rng| {
        let mut edge = Edge::new(&frames::octets(0x0a14_0001, &[16]));
        edge.relabel(|| label(rng.below(LABELS.into()) as u32, LABELS));
        edge
    });
    counted(&mut sets, |edge| edge.through(&fib));
}

fn lsr_swap() {
    let fib = label_fib(LABELS);
    let mut sets = sets(|rng| {
        let mut frames = frames::frames(&frames::octets(0, &[16]));
        for frame in &mut frames {
            frame.header.lse[0] = Lse::new(label(rng.below(LABELS.into()) as u32, LABELS), 0, true, 64).0;
        }
        frames
    });
    counted(&mut sets, |frames| all_through(&fib, &Templates::new(), frames));
}

fn ler_push() {
    let push = LabelPush::new(&[100, 200]).expect("the labels are ordinary");
    routed(NextHop { push, ..NextHop::port(PortId(0)) }, |_, _| {});
}

fn ler_pop() {
    routed(NextHop::port(PortId(0)), |templates, frames| {
        for (place, frame) in (0..).zip(frames) {
            frame.push_label(templates, Lse::new(label(place % LABELS, LABELS), 0, true, 64));
        }
    });
}

fn ip_route() {
    routed(NextHop::port(PortId(0)), |_, _| {});
}

/// Frames of generated flows to prefixes of the table, changed by `prepare` beforehand.
fn routed(next_hop: NextHop, prepare: impl Fn(&Templates, &mut [Frame])) {
    let (fib, known) = (route_fib(PREFIXES, next_hop), prefixes(PREFIXES));
    let mut sets = sets(|_| {
        let (templates, mut frames) = frames::flows(&known);
        prepare(&templates, &mut frames);
        (templates, frames)
    });
    counted(&mut sets, |(templates, frames)| all_through(&fib, templates, frames));
}

/// Frames at the rate of the policer, and every second one of them over it.
fn policer() {
    let spec = PolicerSpec::strict(1_000_000_000, 64);
    let times = |_: &mut Rng| (0..PASS as u64).map(|place| Instant::from_ps(place * 256_000)).collect::<Vec<_>>();
    counted(&mut sets(times), |times| {
        let mut policer = Policer::new(spec);
        let passed = times.iter().filter(|&&at| policer.admits(at, 64)).count();
        assert_eq!(passed, PASS / 2);
    });
}

/// What callgrind counts: this and what it calls.
#[inline(never)]
fn counted<S>(sets: &mut [S], pass: impl FnMut(&mut S)) {
    sets.iter_mut().for_each(pass);
}

fn sets<S>(mut make: impl FnMut(&mut Rng) -> S) -> Vec<S> {
    let mut rng = Rng::new(3, 3);
    (0..SETS).map(|_| make(&mut rng)).collect()
}

/// Sends all frames through; each must go on.
fn all_through(fib: &Fib, templates: &Templates, frames: &mut [Frame]) {
    let passed = frames
        .iter_mut()
        .filter_map(|frame| match forward(fib, templates, Entry::Port(PortId(0)), frame) {
            Verdict::Transmit(port) => Some(port),
            _ => None,
        })
        .count();
    assert_eq!(passed, PASS);
}
