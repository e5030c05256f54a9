//! Frames of 64 octets on the wire, labelled or not.
#![allow(dead_code)] // each benchmark takes what it needs

use crate::tables::PASS;
use biplane::frame::{Frame, Octets, Templates};
use biplane::id::StreamId;
use biplane::rng::Rng;
use biplane::wire::ipv4;
use biplane::wire::mpls::Lse;

/// Octets of a frame without its FCS: 64 with it.
pub(crate) const OCTETS: usize = 60;

/// An IPv4 UDP frame from 10.0.0.1 beneath `labels`; the padding makes it 64 octets on the wire.
pub(crate) fn octets(destination: u32, labels: &[u32]) -> Vec<u8> {
    let mut packet =
        vec![0x45, 0, 0, 28, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0x30, 0x39, 0, 53, 0, 8, 0, 0];
    packet[16..20].copy_from_slice(&destination.to_be_bytes());
    ipv4::fill_checksum(&mut packet);
    let mut whole = vec![2, 0xb1, 0, 0, 0, 1, 2, 0xb1, 0, 0, 0, 2];
    whole.extend(if labels.is_empty() { [0x08, 0x00] } else { [0x88, 0x47] });
    for (place, &label) in labels.iter().enumerate() {
        whole.extend(Lse::new(label, 0, place + 1 == labels.len(), 64).0.to_be_bytes());
    }
    whole.extend(packet);
    whole.resize(OCTETS, 0);
    whole
}

/// The frame of `octets`, with a body of its own, made of `spare` if there is one.
pub(crate) fn parse(octets: &[u8], spare: Option<Box<Octets>>) -> Frame {
    Frame::parse(octets, octets.len() as u32, spare).expect("the frame is short").frame
}

/// As many frames like this as one pass takes.
pub(crate) fn frames(octets: &[u8]) -> Vec<Frame> {
    (0..PASS).map(|_| parse(octets, None)).collect()
}

/// Frames of generated flows, one each, towards known prefixes.
pub(crate) fn flows(prefixes: &[ipnet::Ipv4Net]) -> (Templates, Vec<Frame>) {
    let mut rng = Rng::new(4, 4);
    let mut bodies = Vec::new();
    let frames = (0..PASS as u32).map(|flow| {
        let prefix = prefixes[rng.below(prefixes.len() as u64) as usize];
        let mut frame = parse(&octets(prefix.addr().to_bits(), &[]), None);
        bodies.extend(frame.body.take().map(|body: Box<Octets>| *body));
        frame.id.stream = StreamId::new(0, flow);
        frame
    });
    let frames = frames.collect();
    let mut templates = Templates::new();
    templates.add_source(bodies);
    (templates, frames)
}
