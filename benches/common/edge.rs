//! Both edges at work: octets that are parsed, frames that are emitted, and both with and without a router between.

use crate::frames;
use crate::tables::PASS;
use biplane::frame::{Frame, Templates};
use biplane::id::PortId;
use biplane::node::{Entry, Verdict, forward};
use biplane::table::Fib;
use std::hint::black_box;

/// Frames as octets, one behind the other, and the frames that they are parsed into.
pub(crate) struct Edge {
    pub(crate) octets: Vec<u8>,
    frames: Vec<Frame>,
    out: Vec<u8>,
}

impl Edge {
    /// As many frames like this as one pass takes.
    pub(crate) fn new(octets: &[u8]) -> Self {
        Edge {
            octets: octets.repeat(PASS),
            frames: frames::frames(octets),
            out: Vec::with_capacity(octets.len() * PASS),
        }
    }

    /// Gives each frame the label that is `next`.
    pub(crate) fn relabel(&mut self, mut next: impl FnMut() -> u32) {
        for octets in self.octets.chunks_exact_mut(frames::OCTETS) {
            let lse = next() << 12 | 0x100;
            octets[14..17].copy_from_slice(&lse.to_be_bytes()[..3]);
        }
    }

    /// Octets to frames.
    pub(crate) fn parse(&mut self) {
        for (octets, frame) in self.octets.chunks_exact(frames::OCTETS).zip(&mut self.frames) {
            let spare = frame.body.take();
            if let Some(parsed) = Frame::parse(black_box(octets), frames::OCTETS as u32, spare) {
                *frame = parsed.frame;
            }
        }
    }

    /// Frames to octets.
    pub(crate) fn emit(&mut self) {
        self.out.clear();
        let none = Templates::new();
        self.frames.iter().for_each(|frame| frame.emit(&none, &mut self.out));
        assert!(self.out.len() >= self.octets.len());
    }

    /// Octets to octets, frame by frame, and nothing between.
    pub(crate) fn copy(&mut self) {
        self.pass(|_| true);
        assert_eq!(self.out, self.octets);
    }

    /// Octets to octets, frame by frame, forwarded between.
    pub(crate) fn through(&mut self, fib: &Fib) {
        let none = Templates::new();
        self.pass(|frame| matches!(forward(fib, &none, Entry::Port(PortId(0)), frame), Verdict::Transmit(_)));
        assert_eq!(self.out.len(), self.octets.len());
    }

    /// Octets to frames, and back to octets those that `leaves` lets through; one body serves them all.
    #[inline(always)]
    fn pass(&mut self, mut leaves: impl FnMut(&mut Frame) -> bool) {
        self.out.clear();
        let none = Templates::new();
        let mut spare = self.frames[0].body.take();
        for octets in self.octets.chunks_exact(frames::OCTETS) {
            let Some(parsed) = Frame::parse(octets, frames::OCTETS as u32, spare.take()) else { continue };
            let mut frame = parsed.frame;
            if leaves(&mut frame) {
                frame.emit(&none, &mut self.out);
            }
            spare = frame.body.take();
        }
        self.frames[0].body = spare;
    }
}
