//! Single operations of the datapath, each on one frame after another, with the tables of the six-router network.

use super::measure::{PASS, REPETITIONS, operation, single};
use super::network::{CIRCUITS, frames_of_a, label_fib, label_of, last_stack, p_fib, pe_fib, stack, tags};
use crate::frame::{Frame, Header, Templates};
use crate::id::PortId;
use crate::node::{Entry, Verdict, forward, look_ahead};
use crate::port::{Policer, PolicerSpec};
use crate::report::Speed;
use crate::rng::Rng;
use crate::table::Fib;
use crate::time::{Instant, Span};
use crate::traffic::stream::{FrameSizes, Generator, StreamError};
use crate::wire::mpls::Lse;
use std::hint::black_box;
use std::time::Instant as Wall;

/// Frames of 64 octets as the customer offers them.
const OCTETS: u16 = 64;

/// All single operations, each for `seconds`.
pub(super) fn all(seconds: f64, seed: u64) -> Result<Vec<Speed>, StreamError> {
    let (templates, stream) = frames_of_a(&FrameSizes::One(OCTETS), seed)?;
    let mut bench = Bench { templates, stream, rng: Rng::new(seed, 3), seconds };
    let million = label_fib(MILLION);
    let speeds = vec![
        bench.parse(),
        bench.emit(),
        bench.forward("lsr_swap_1k", OCTETS + 8, &p_fib(0), PortId(0), |circuit, link, _| {
            labels(stack(0, circuit, link))
        }),
        bench.forward("lsr_swap_1M", OCTETS + 4, &million, PortId(0), |_, _, rng| {
            label(rng.below(MILLION.into()) as u32)
        }),
        bench.forward("ler_push", OCTETS + 8, &pe_fib(0), PortId(0), |circuit, _, _| tagged(circuit)),
        bench.forward("ler_pop", OCTETS + 8, &pe_fib(1), PortId(2), |circuit, link, _| {
            labels(last_stack(0, circuit, link))
        }),
        bench.parse_swap_emit(),
        policer(seconds),
        queue_hand_over(seconds, bench.stream),
    ];
    Ok(speeds)
}

struct Bench {
    templates: Templates,
    stream: Generator,
    rng: Rng,
    seconds: f64,
}

/// What lies above a frame's packet.
#[derive(Clone, Copy)]
struct Above {
    tag: [u32; 2],
    tags: u8,
    lse: [u32; 3],
    labels: u8,
}

fn labels(stack: [u32; 2]) -> Above {
    let lse = [Lse::new(stack[0], 0, false, 64).0, Lse::new(stack[1], 0, true, 64).0, 0];
    Above { tag: [0; 2], tags: 0, lse, labels: 2 }
}

fn label(place: u32) -> Above {
    Above { tag: [0; 2], tags: 0, lse: [Lse::new(label_of(place, MILLION), 0, true, 64).0, 0, 0], labels: 1 }
}

fn tagged(circuit: u16) -> Above {
    Above { tag: tags(circuit).map(|tag| tag.0), tags: 2, lse: [0; 3], labels: 0 }
}

impl Above {
    fn on(self, header: Header) -> Header {
        let meta = header.meta;
        let len = meta.len() + 4 * u16::from(self.tags + self.labels);
        let meta = meta.with_tags(self.tags).with_labels(self.labels).with_len(len);
        Header { tag: self.tag, lse: self.lse, meta, ..header }
    }
}

impl Bench {
    /// The frames of a pass.
    fn frames(&mut self) -> Vec<Frame> {
        self.stream.by_ref().take(PASS).collect()
    }

    /// A router forwards frames with what `above` puts on them for a circuit and a link.
    fn forward(
        &mut self,
        name: &str,
        octets: u16,
        fib: &Fib,
        port: PortId,
        mut above: impl FnMut(u16, u16, &mut Rng) -> Above,
    ) -> Speed {
        let frames = std::cell::RefCell::new(self.frames());
        let Bench { templates, stream, rng, seconds } = self;
        let draw = || {
            for (frame, new) in frames.borrow_mut().iter_mut().zip(&mut *stream) {
                let (circuit, link) = (rng.below(u64::from(CIRCUITS)) as u16, rng.below(2) as u16);
                *frame = Frame { header: above(circuit, link, rng).on(new.header), ..new };
            }
        };
        let pass = || {
            let (mut sent, mut frames) = (0, frames.borrow_mut());
            look_ahead(fib, frames.iter());
            for frame in frames.iter_mut() {
                sent += usize::from(matches!(forward(fib, templates, Entry::Port(port), frame), Verdict::Transmit(_)));
            }
            assert_eq!(sent, PASS, "{name}: a frame was not forwarded");
        };
        operation(name, octets, *seconds, draw, pass)
    }

    /// Frames as octets, one behind the other, beneath the labels of their circuit if these are wanted.
    fn octets(&mut self, labelled: bool) -> (Vec<u8>, usize) {
        let mut octets = Vec::new();
        for mut frame in self.frames() {
            if labelled {
                let circuit = self.rng.below(u64::from(CIRCUITS)) as u16;
                frame.header = labels(stack(0, circuit, 0)).on(frame.header);
            }
            frame.emit(&self.templates, &mut octets);
        }
        let each = octets.len() / PASS;
        (octets, each)
    }

    fn parse(&mut self) -> Speed {
        let (octets, each) = self.octets(false);
        let mut frames: Vec<Frame> = (0..PASS).map(|_| Frame::default()).collect();
        let pass = || {
            for (octets, frame) in octets.chunks_exact(each).zip(&mut frames) {
                if let Some(parsed) = Frame::parse(black_box(octets), each as u32, frame.body.take()) {
                    *frame = parsed.frame;
                }
            }
            black_box(&frames);
        };
        operation("parse", OCTETS, self.seconds, || {}, pass)
    }

    fn emit(&mut self) -> Speed {
        let frames = self.frames();
        let mut out = Vec::with_capacity(PASS * usize::from(OCTETS));
        let pass = || {
            out.clear();
            black_box(&frames).iter().for_each(|frame| frame.emit(&self.templates, &mut out));
            black_box(&out);
        };
        operation("emit", OCTETS, self.seconds, || {}, pass)
    }

    fn parse_swap_emit(&mut self) -> Speed {
        let (octets, each) = self.octets(true);
        let fib = p_fib(0);
        let (mut out, mut spare) = (Vec::with_capacity(octets.len()), None);
        let pass = || {
            out.clear();
            for octets in black_box(&octets).chunks_exact(each) {
                let Some(parsed) = Frame::parse(octets, each as u32, spare.take()) else { continue };
                let mut frame = parsed.frame;
                if let Verdict::Transmit(_) = forward(&fib, &self.templates, Entry::Port(PortId(0)), &mut frame) {
                    frame.emit(&self.templates, &mut out);
                }
                spare = frame.body.take();
            }
            assert_eq!(out.len(), octets.len(), "a frame was not forwarded");
        };
        operation("parse_swap_emit", OCTETS + 8, self.seconds, || {}, pass)
    }
}

fn policer(seconds: f64) -> Speed {
    let mut policer = Policer::new(PolicerSpec::strict(10_000_000_000, 1_000_000));
    let mut at = Instant::ZERO;
    let pass = || {
        let mut admitted = 0;
        for _ in 0..PASS {
            at += Span::from_ps(6_720);
            admitted += u32::from(policer.admits(at, OCTETS));
        }
        black_box(admitted);
    };
    operation("policer", OCTETS, seconds, || {}, pass)
}

/// From one thread to another and back home empty, in segments of 256 frames by rings, as links do it.
fn queue_hand_over(seconds: f64, mut stream: Generator) -> Speed {
    const SEGMENT: usize = 256;
    let batch = |stream: &mut Generator| -> Vec<Frame> { stream.by_ref().take(SEGMENT).collect() };
    let best = (0..REPETITIONS).map(|_| {
        let (mut full_in, mut full_out) = rtrb::RingBuffer::<Vec<Frame>>::new(SEGMENT);
        let (mut empty_in, mut empty_out) = rtrb::RingBuffer::<Vec<Frame>>::new(SEGMENT);
        let mut made = batch(&mut stream);
        for _ in 0..16 {
            empty_in.push(Vec::with_capacity(SEGMENT)).expect("the ring has room for all segments");
        }
        let (begin, mut segments) = (Wall::now(), 0u64);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while !full_out.is_abandoned() || !full_out.is_empty() {
                    match full_out.pop() {
                        Ok(mut segment) => {
                            black_box(segment.iter().fold(0, |all, frame| all ^ frame.header.hash));
                            segment.clear();
                            empty_in.push(segment).expect("the ring has room for all segments");
                        }
                        Err(_) => std::thread::yield_now(),
                    }
                }
            });
            while segments == 0 || begin.elapsed().as_secs_f64() < seconds / f64::from(REPETITIONS) {
                match empty_out.pop() {
                    Ok(mut segment) => {
                        segment.extend(made.iter_mut().map(|frame| frame.take(Instant::ZERO)));
                        full_in.push(segment).expect("the ring has room for all segments");
                        segments += 1;
                    }
                    Err(_) => std::thread::yield_now(),
                }
            }
            drop(full_in);
        });
        let frames = segments * SEGMENT as u64;
        (begin.elapsed().as_secs_f64() * 1e9 / frames as f64, frames)
    });
    let (ns, frames) = best.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, 0));
    single("queue_hand_over", OCTETS, 2, frames, ns)
}

/// Labels of the large map.
const MILLION: u32 = 1_000_000;
