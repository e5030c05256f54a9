//! Captures made to measure: frames at given nanoseconds in a pcap file; etherparse makes the packets.

use etherparse::PacketBuilder;
use std::path::{Path, PathBuf};

/// A UDP packet in an Ethernet frame of `octets` (without FCS) in all, from 10.10.0.1 to `to`.
pub(crate) fn udp(to: [u8; 4], octets: usize) -> Vec<u8> {
    udp_between([10, 10, 0, 1], to, octets)
}

/// The same from any address.
pub(crate) fn udp_between(from: [u8; 4], to: [u8; 4], octets: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..octets - 42).map(|n| n as u8).collect();
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]).ipv4(from, to, 64);
    let mut frame = Vec::new();
    builder.udp(4000, 5000).write(&mut frame, &payload).unwrap();
    assert_eq!(frame.len(), octets);
    frame
}

/// 10.20.0.1, in the cloud of the presets.
pub(crate) const CLOUD: [u8; 4] = [10, 20, 0, 1];

/// Writes `frames`, each at a second and nanosecond, as a pcap file of nanoseconds.
pub(crate) fn pcap(folder: &Path, name: &str, frames: &[(u32, u32, Vec<u8>)]) -> PathBuf {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 65_535, 1]);
    for (seconds, ns, octets) in frames {
        file.extend(words(&[*seconds, *ns, octets.len() as u32, octets.len() as u32]));
        file.extend(octets);
    }
    let path = folder.join(name);
    std::fs::write(&path, file).unwrap();
    path
}
