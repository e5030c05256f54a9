//! What lies beneath a frame's typed fields: owned octets, or an immutable template that a flow shares.

use super::copy;
use super::meta::{Kind, MAX_SIZES};
use crate::id::{MacId, StreamId};
use crate::wire::ethernet::Mac;
use crate::wire::{ipv4, ipv6};

/// The octets beneath the inline tags and labels, with the addresses and the ethertype that came with them.
///
/// The payload is not to be edited in place, for the destination is read from it once:
///
/// ```compile_fail,E0616
/// let mut body = biplane::frame::Octets::default();
/// body.payload.clear();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Octets {
    /// What follows the inline tags and labels, FCS not included; shorter than the frame's length where the rest is
    /// zero padding.
    payload: Vec<u8>,
    /// The destination address, if `payload` is an IP packet that was checked at the edge (IPv4: the low 32 bits): here
    /// because the octets themselves are one more line of memory away, at every hop.
    destination: u128,
    /// Destination and source MAC address as they came.
    pub macs: [u8; 12],
    /// The length/type field of `payload` if no labels lay above it on arrival, else 0.
    pub ethertype: u16,
}

impl Octets {
    /// The body of a frame that is made here: `payload`, of which `kind` says what it is, behind `macs` and `ethertype`.
    pub fn new(payload: Vec<u8>, macs: [u8; 12], ethertype: u16, kind: Kind) -> Octets {
        let destination = destination(&payload, kind);
        Octets { payload, destination, macs, ethertype }
    }

    /// Makes it the body of another frame, the memory of its payload used again.
    ///
    /// `destination` is that of `payload` as `kind`: the parser has read it with the rest of the header.
    #[inline(always)]
    pub(super) fn fill(&mut self, payload: &[u8], destination: u128, macs: [u8; 12], ethertype: u16, kind: Kind) {
        debug_assert_eq!(destination, self::destination(payload, kind), "{kind:?}");
        self.ethertype = ethertype;
        self.macs = macs;
        self.destination = destination;
        self.payload.clear();
        copy::append(&mut self.payload, payload);
    }

    /// What follows the inline tags and labels, FCS not included; shorter than the frame's length where the rest is
    /// zero padding.
    #[inline(always)]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The destination address, if the payload is an IP packet that was checked at the edge (IPv4: the low 32 bits); 0
    /// else.
    #[inline(always)]
    pub fn destination(&self) -> u128 {
        self.destination
    }
}

/// Where `payload` goes, if it is of a `kind` that has a destination.
fn destination(payload: &[u8], kind: Kind) -> u128 {
    let destination = match kind {
        Kind::Ipv4 => ipv4::destination(payload).map(u128::from),
        Kind::Ipv6 => ipv6::destination(payload),
        _ => None,
    };
    destination.unwrap_or(0)
}

/// Emptied bodies to be used again: boxes, for a frame holds its body by one.
#[allow(clippy::vec_box)]
pub type Bodies = Vec<Box<Octets>>;

/// What frames refer to by number: interned pairs of MAC addresses and the shared bodies of generated flows.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    macs: Vec<[u8; 12]>,
    sources: Vec<Shared>,
    nothing: Octets,
}

/// The shared bodies of one source.
#[derive(Clone, Debug)]
struct Shared {
    /// Per flow, where its packets go: forwarding reads this and no more of a shared body.
    destinations: Vec<u128>,
    /// The low words of the same, close together: all that IPv4 needs.
    low: Vec<u32>,
    /// Per flow, a body for each size.
    bodies: Vec<Octets>,
    sizes: usize,
}

impl Templates {
    /// No pairs and no bodies.
    pub fn new() -> Self {
        Templates::default()
    }

    /// The number of the pair `(destination, source)`, interned at the first call.
    ///
    /// # Panics
    /// Over 65,535 pairs: a network has one per link at most.
    pub fn intern(&mut self, destination: Mac, source: Mac) -> MacId {
        let mut pair = [0; 12];
        pair[..6].copy_from_slice(&destination.0);
        pair[6..].copy_from_slice(&source.0);
        let at = self.macs.iter().position(|p| *p == pair).unwrap_or_else(|| {
            self.macs.push(pair);
            self.macs.len() - 1
        });
        MacId(u16::try_from(at + 1).expect("a network has under 65,535 pairs of MAC addresses"))
    }

    /// The pair that `mac` names, destination first; `None` for 0 ("as in the owned octets") and unknown numbers.
    #[inline(always)]
    pub fn macs(&self, mac: MacId) -> Option<&[u8; 12]> {
        self.macs.get(usize::from(mac.0).wrapping_sub(1))
    }

    /// Gives the next source the bodies of its flows, in flow order: one each, for all its frames are alike in size. The
    /// number of the source, from 0; a source of frames that own their bodies is given none.
    pub fn add_source(&mut self, bodies: impl IntoIterator<Item = Octets>) -> usize {
        self.add_source_of_sizes(1, bodies.into_iter().collect())
    }

    /// Gives the next source the bodies of its flows: flow by flow, for each flow one for each of `sizes` sizes, which
    /// differ in length and checksum and not in their destination.
    ///
    /// # Panics
    /// If `sizes` is not 1 to [`MAX_SIZES`], or the bodies are not a whole number of flows.
    pub fn add_source_of_sizes(&mut self, sizes: usize, bodies: Vec<Octets>) -> usize {
        assert!((1..=MAX_SIZES).contains(&sizes) && bodies.len().is_multiple_of(sizes), "each flow has each size");
        let destinations: Vec<_> = bodies.iter().step_by(sizes).map(|body| body.destination).collect();
        let low = destinations.iter().map(|&destination| destination as u32).collect();
        self.sources.push(Shared { destinations, low, bodies, sizes });
        self.sources.len() - 1
    }

    /// Where the packets of `stream` go, as [`Octets::destination`] says it; 0 for a stream without shared bodies.
    #[inline(always)]
    pub fn destination(&self, stream: StreamId) -> u128 {
        let shared = self.sources.get(stream.source());
        shared.and_then(|shared| shared.destinations.get(stream.flow() as usize)).copied().unwrap_or(0)
    }

    /// The low 32 bits of the same: where its IPv4 packets go.
    #[inline(always)]
    pub fn destination_v4(&self, stream: StreamId) -> u32 {
        let shared = self.sources.get(stream.source());
        shared.and_then(|shared| shared.low.get(stream.flow() as usize)).copied().unwrap_or(0)
    }

    /// The shared body of `stream` at its size number `size`; an empty one for a stream that has none.
    #[inline(always)]
    pub fn body(&self, stream: StreamId, size: u8) -> &Octets {
        let Some(shared) = self.sources.get(stream.source()) else { return &self.nothing };
        let size = usize::from(size);
        if size >= shared.sizes {
            return &self.nothing;
        }
        shared.bodies.get(stream.flow() as usize * shared.sizes + size).unwrap_or(&self.nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_destination_is_that_of_the_payload_whatever_was_there_before() {
        let v4 = [&[0x45; 16][..], &[10, 20, 0, 1]].concat();
        let v6 = [&[0x60; 24][..], &[0xfd; 16]].concat();
        let (of_v4, of_v6) = (0x0a14_0001, u128::from_be_bytes([0xfd; 16]));
        let mut used_again = Octets::default();
        for (payload, kind, expected) in [
            (&v4[..], Kind::Ipv4, of_v4),
            (&v6, Kind::Ipv6, of_v6),
            (&v4, Kind::Opaque, 0),
            (&v6, Kind::Ipv6, of_v6),
            (&[], Kind::Runt, 0),
            (&v4, Kind::Ipv4, of_v4),
        ] {
            let made = Octets::new(payload.to_vec(), [7; 12], 9, kind);
            assert_eq!((made.destination(), made.payload()), (expected, payload), "{kind:?}");
            used_again.fill(payload, expected, [7; 12], 9, kind);
            assert_eq!(used_again, made);
        }
    }

    #[test]
    fn a_body_is_found_by_source_flow_and_size() {
        let body = |destination| Octets { destination, ..Octets::default() };
        let mut templates = Templates::new();
        assert_eq!(templates.add_source([]), 0);
        assert_eq!(templates.add_source_of_sizes(2, vec![body(5), body(5), body(6), body(6)]), 1);
        assert_eq!(templates.add_source([body(7)]), 2);
        for (source, flow, sizes, destination) in
            [(0, 0, 0, 0), (1, 0, 2, 5), (1, 1, 2, 6), (1, 2, 0, 0), (2, 0, 1, 7), (2, 1, 0, 0), (3, 0, 0, 0)]
        {
            let stream = StreamId::new(source, flow);
            assert_eq!(templates.destination(stream), destination, "{source} {flow}");
            assert_eq!(templates.destination_v4(stream), destination as u32, "{source} {flow}");
            for size in 0..MAX_SIZES as u8 {
                let expected = if size < sizes { destination } else { 0 };
                assert_eq!(templates.body(stream, size).destination, expected, "{source} {flow} {size}");
            }
        }
    }
}
