//! What the datapath of one router costs per frame of 64 octets: typed fields in, typed fields out.

#[path = "common/frames.rs"]
mod frames;
#[path = "common/tables.rs"]
mod tables;

use biplane::frame::{Frame, Header, Templates};
use biplane::id::PortId;
use biplane::node::{Entry, Verdict, forward};
use biplane::rng::Rng;
use biplane::table::{Fib, LabelPush, NextHop, PcpRule, TagRule};
use biplane::wire::mpls::Lse;
use biplane::wire::vlan::Tag;
use criterion::{Criterion, criterion_group, criterion_main};
use frames::flows;
use tables::{LABELS, PASS, PREFIXES, label, label_fib, measure, prefixes, route_fib};

const IN: Entry = Entry::Port(PortId(0));

/// Sends all frames through; each must go on.
fn all_through(fib: &Fib, templates: &Templates, frames: &mut [Frame]) {
    let mut sent = 0;
    for frame in frames {
        sent += usize::from(matches!(forward(fib, templates, IN, frame), Verdict::Transmit(_)));
    }
    assert_eq!(sent, PASS);
}

/// A label is swapped; frames come with labels from all over the map.
fn lsr_swap(c: &mut Criterion) {
    for (name, count) in LABELS {
        let fib = label_fib(count);
        let mut frames = frames::frames(&frames::octets(0, &[16]));
        let header = frames[0].header;
        let draw = |frames: &mut Vec<Frame>, rng: &mut Rng| {
            for frame in frames {
                frame.header = header;
                frame.header.lse[0] = Lse::new(label(rng.below(count.into()) as u32, count), 0, true, 64).0;
            }
        };
        measure(c, "lsr_swap", name, &mut frames, draw, |frames| all_through(&fib, &Templates::new(), frames));
    }
}

/// Makes `frames` again what they were.
fn restore(frames: &mut [Frame], headers: &[Header]) {
    for (frame, header) in frames.iter_mut().zip(headers) {
        frame.header = *header;
    }
}

/// The ways in and out of labels and tags, each with a route look-up among 10,000 prefixes.
fn edges(c: &mut Criterion) {
    let known = prefixes(10_000);
    let plain = NextHop::port(PortId(0));
    let push = |labels: &[u32]| LabelPush::new(labels).expect("the labels are ordinary");
    let tags = TagRule::push(&[Tag::new(0x8100, 0, false, 110), Tag::new(0x8100, 0, false, 20)], PcpRule::Copy);
    let pushes = [
        ("ler_push", "1 label", NextHop { push: push(&[100]), ..plain }),
        ("ler_push", "2 labels", NextHop { push: push(&[100, 200]), ..plain }),
        ("tag_push", "2 tags", NextHop { tags, ..plain }),
    ];
    for (group, name, next_hop) in pushes {
        let fib = route_fib(10_000, next_hop);
        let (templates, mut frames) = flows(&known);
        let headers: Vec<_> = frames.iter().map(|frame| frame.header).collect();
        let draw = |frames: &mut Vec<Frame>, _: &mut Rng| restore(frames, &headers);
        measure(c, group, name, &mut frames, draw, |frames| all_through(&fib, &templates, frames));
    }
    let fib = route_fib(10_000, plain);
    let (templates, mut frames) = flows(&known);
    for (place, frame) in (0..).zip(&mut frames) {
        frame.push_label(&templates, Lse::new(label(place % 1000, 1000), 0, true, 64));
    }
    let headers: Vec<_> = frames.iter().map(|frame| frame.header).collect();
    let draw = |frames: &mut Vec<Frame>, _: &mut Rng| restore(frames, &headers);
    measure(c, "ler_pop", "1 label", &mut frames, draw, |frames| all_through(&fib, &templates, frames));
}

/// IP by destination; frames come for all of the table.
fn ip_route(c: &mut Criterion) {
    for (name, count) in PREFIXES {
        let fib = route_fib(count, NextHop::port(PortId(0)));
        let known = prefixes(count);
        let mut frames = frames::frames(&frames::octets(0, &[]));
        let draw = |frames: &mut Vec<Frame>, rng: &mut Rng| {
            for frame in frames {
                let address = known[rng.below(count.into()) as usize].addr().to_bits() | rng.below(256) as u32;
                let (octets, spare) = (frames::octets(address, &[]), frame.body.take());
                *frame = frames::parse(&octets, spare);
            }
        };
        measure(c, "ip_route", name, &mut frames, draw, |frames| all_through(&fib, &Templates::new(), frames));
    }
}

criterion_group!(benches, lsr_swap, edges, ip_route);
criterion_main!(benches);
