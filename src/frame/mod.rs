//! The frame: one cache line of typed fields over a body of octets; `parse` and `emit` are its edges.
//!
//! Everything that forwarding changes (tags, labels, TTL, DSCP, addresses, length) is a typed field. What lies beneath
//! is the body: owned octets, or an immutable template shared by the flow. `emit(parse(x)) == x` for all octets.

pub mod body;
mod copy;
mod count;
pub mod drop_reason;
mod emit;
mod flow;
mod meta;
mod parse;
mod reshape;

pub use body::{Bodies, Octets, Templates};
pub use count::Count;
pub use drop_reason::{DropCounts, DropReason};
pub use meta::{Kind, MAX_SIZES, Meta, MetaChange};
pub use parse::Parsed;

use crate::id::StreamId;
use crate::time::Instant;
use crate::wire::mpls::Lse;
use crate::wire::vlan::Tag;

/// Inline tags at the most; deeper ones stay in the body.
pub const MAX_INLINE_TAGS: usize = 2;
/// Inline label stack entries at the most; deeper ones stay in the body.
pub const MAX_INLINE_LABELS: usize = 3;

/// A frame: 64 octets, moved by value through the rings.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct Frame {
    /// When the last bit arrives at the node that has the frame.
    pub at: Instant,
    /// The owned octets; `None` for the shared body of the frame's stream.
    pub body: Option<Box<Octets>>,
    /// Where it comes from.
    pub id: Ident,
    /// Everything that forwarding may change.
    pub header: Header,
}

/// What a frame is, fixed when it is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Ident {
    /// When the source sent it.
    pub sent: Instant,
    /// Its source and flow.
    pub stream: StreamId,
    /// Its number within the source (replay: the record in the capture), modulo 2^32.
    pub seq: u32,
}

/// The fields that forwarding reads and writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Header {
    /// Flow hash, for the choice among equal next hops.
    pub hash: u32,
    /// Inline tags, outermost first ([`Tag`]); those from `meta.tags()` on are not there.
    pub tag: [u32; MAX_INLINE_TAGS],
    /// Inline label stack entries, top first ([`Lse`]); those from `meta.labels()` on are not there.
    pub lse: [u32; MAX_INLINE_LABELS],
    /// Length, TTL, counts, class, kind.
    pub meta: Meta,
}

const _: () = assert!(size_of::<Frame>() == 64 && size_of::<Header>() == 32 && size_of::<Ident>() == 16);

impl Frame {
    /// The frame as it leaves towards `at`, by value.
    #[inline(always)]
    #[must_use]
    pub fn take(&mut self, at: Instant) -> Frame {
        // A shared body writes nothing to the source line.
        let body = if self.body.is_none() { None } else { take_body(&mut self.body) };
        Frame { at, body, id: self.id, header: self.header }
    }

    /// Moves the frame to another place in memory, as it leaves towards `at`: the one move of a hop.
    #[inline(always)]
    pub fn move_to(&mut self, place: &mut Frame, at: Instant) {
        place.at = at;
        // A shared body writes nothing to the source line.
        if self.body.is_some() | place.body.is_some() {
            move_body(self, place);
        }
        place.id = self.id;
        place.header = self.header;
    }

    /// The body: its own, or the template of its stream.
    #[inline(always)]
    pub fn octets<'a>(&'a self, templates: &'a Templates) -> &'a Octets {
        match &self.body {
            Some(owned) => owned,
            None => templates.body(self.id.stream, self.header.meta.size()),
        }
    }

    /// The inline tags, outermost first.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = Tag> + '_ {
        self.header.tag[..usize::from(self.header.meta.tags()).min(MAX_INLINE_TAGS)].iter().map(|&tag| Tag(tag))
    }

    /// The inline label stack entries, top first.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = Lse> + '_ {
        self.header.lse[..usize::from(self.header.meta.labels())].iter().map(|&lse| Lse(lse))
    }

    /// The octets on the wire, FCS included.
    #[inline(always)]
    pub fn len(&self) -> u16 {
        self.header.meta.len()
    }

    /// Whether the frame has no octet at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[inline(never)]
fn move_body(from: &mut Frame, to: &mut Frame) {
    to.body = from.body.take();
}

#[cold]
fn take_body(body: &mut Option<Box<Octets>>) -> Option<Box<Octets>> {
    body.take()
}
