//! What lies beneath a frame's typed fields: owned octets, or an immutable template that a flow shares.

use crate::id::{MacId, StreamId};
use crate::wire::ethernet::Mac;

/// The octets beneath the inline tags and labels, with the addresses and the ethertype that came with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Octets {
    /// What follows the inline tags and labels, FCS not included; shorter than the frame's length where the rest is
    /// zero padding.
    pub payload: Vec<u8>,
    /// The destination address, if `payload` is an IP packet that was checked at the edge (IPv4: the low 32 bits): here
    /// because the octets themselves are one more line of memory away, at every hop.
    pub destination: u128,
    /// Destination and source MAC address as they came.
    pub macs: [u8; 12],
    /// The length/type field of `payload` if no labels lay above it on arrival, else 0.
    pub ethertype: u16,
}

/// Emptied bodies to be used again: boxes, for a frame holds its body by one.
#[allow(clippy::vec_box)]
pub type Bodies = Vec<Box<Octets>>;

/// What frames refer to by number: interned pairs of MAC addresses and the shared bodies of generated flows.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    macs: Vec<[u8; 12]>,
    bodies: Vec<Octets>,
    /// Per source, the place of its flow 0 in `bodies`.
    bases: Vec<u32>,
    nothing: Octets,
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

    /// Gives source `source` the bodies of its flows, in flow order. Sources are given theirs in order from 0.
    pub fn add_source(&mut self, bodies: impl IntoIterator<Item = Octets>) -> usize {
        self.bases.push(self.bodies.len() as u32);
        self.bodies.extend(bodies);
        self.bases.len() - 1
    }

    /// The shared body of `stream`; an empty one for a stream that has none.
    #[inline(always)]
    pub fn body(&self, stream: StreamId) -> &Octets {
        let base = self.bases.get(stream.source()).copied().unwrap_or(u32::MAX);
        self.bodies.get(base as usize + stream.flow() as usize).unwrap_or(&self.nothing)
    }
}
