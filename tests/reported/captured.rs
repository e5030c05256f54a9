//! The reports' own captures, where they are at hand: in `$BIPLANE_SHARED/captures`, else in `../shared/captures`.

use super::lab::{Fate, Lab, ROUTE, untagged};
use super::octets::{OUT, routed};
use biplane::capture::CaptureReader;
use biplane::frame::DropReason;
use biplane::table::{NextHop, TagRule, VlanKey};
use std::path::{Path, PathBuf};

/// The frames of a shared capture; none, said plainly, where it is absent.
#[allow(clippy::print_stderr)]
fn frames(file: &str) -> Vec<Vec<u8>> {
    let shared = std::env::var_os("BIPLANE_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let path = shared.join("captures").join(file);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return Vec::new();
    }
    let mut reader = CaptureReader::open(&path).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        frames.push(record.octets.to_vec());
    }
    assert!(!frames.is_empty(), "{file}");
    frames
}

/// Where the label stack of a frame begins: behind the addresses, any tags and the ethertype of MPLS.
fn stack_at(octets: &[u8]) -> Option<usize> {
    let mut at = 12;
    while octets.get(at..at + 2) == Some(&[0x81, 0x00]) {
        at += 4;
    }
    (octets.get(at..at + 2) == Some(&[0x88, 0x47])).then_some(at + 2)
}

/// Every labelled frame of the captures goes through a router that swaps its top label by 1000.
#[test]
fn c01_labels_beneath_tags_as_captured() {
    let mut switched = 0;
    for file in ["zeek__zeek/mpls-in-vlan.pcap", "zeek__zeek/mixed-vlan-mpls.pcap"] {
        for octets in frames(file) {
            let Some(at) = stack_at(&octets) else { continue };
            let label = u32::from(octets[at]) << 12 | u32::from(octets[at + 1]) << 4 | u32::from(octets[at + 2]) >> 4;
            let vid = u16::from_be_bytes([octets[14], octets[15]]) & 0xfff;
            let port = untagged().sub(VlanKey::Single(vid), ROUTE);
            let mut lab = Lab::new(vec![port, untagged()]);
            let hop = NextHop { tags: TagRule::Keep, mtu: 9000, ..lab.hop() };
            lab.swap(label, &[1000], hop);
            let mut expected = octets.clone();
            expected[..12].copy_from_slice(&OUT);
            expected[at..at + 2].copy_from_slice(&[0x00, 0x3e]);
            expected[at + 2] = 0x80 | octets[at + 2] & 0x0f;
            expected[at + 3] -= 1;
            expected.resize(expected.len().max(60), 0);
            assert_eq!(lab.sent(&octets), expected, "{file}");
            switched += 1;
        }
    }
    assert!(switched == 0 || switched > 10, "{switched} labelled frames");
}

/// VID 0 is untagged whatever its priority and drop eligibility, 4095 is refused, others are VLANs.
#[test]
fn b07_the_edges_of_the_vlan_space_as_captured() {
    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.route("0.0.0.0/0", hop);
    for octets in frames("synthetic/vlan_vids_edge.pcap") {
        let expected = match u16::from_be_bytes([octets[14], octets[15]]) & 0xfff {
            0 => Fate::Sent(1, [&OUT[..], &octets[16..18], &routed(&octets[18..], 1)].concat()),
            4095 => Fate::Dropped(DropReason::VidReserved),
            _ => Fate::Dropped(DropReason::VlanNotMember),
        };
        assert_eq!(lab.fates(&octets), [expected], "{octets:02x?}");
    }
}
