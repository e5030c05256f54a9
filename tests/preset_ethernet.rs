//! What a customer sends through the preset `ethernet` arrives as it was: addresses, inner tag, payload and padding, octet
//! for octet, with and without a control word, whatever the first nibble of an address.

mod cmd;

use cmd::craft::pcap;
use cmd::{biplane, path, pcapng};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// A frame with an outer VLAN in front of what the customer sent beneath it.
fn tagged(addresses: &[u8; 12], vlan: u16, beneath: &[u8]) -> Vec<u8> {
    [&addresses[..], &[0x81, 0x00], &vlan.to_be_bytes(), beneath].concat()
}

/// Frames that come out of `port` when `frames` go into `into`.
fn carried(scenario: &str, into: &str, port: &str, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let timed: Vec<_> = (0..).zip(frames).map(|(number, frame)| (0, number * 1000, frame.clone())).collect();
    let capture = pcap(folder.path(), "in.pcap", &timed);
    let out = folder.path().join("out.pcapng");
    let write = format!("{port}={}", path(&out));
    biplane(&["replay", path(&capture), "--through", scenario, "--into", into, "--write", &write]).ok();
    let packets = pcapng::File::read(&out).packets.into_iter();
    packets.filter(|packet| packet.comment.is_none()).map(|packet| packet.octets).collect()
}

#[test]
fn frames_arrive_octet_for_octet() {
    // First octets of destinations with the nibbles 4 and 6, which look like IP, and others; group addresses too.
    let first = prop::sample::select(vec![0x40u8, 0x4c, 0x60, 0x6e, 0x00, 0x02, 0x50, 0x1c, 0x01, 0x33]);
    let beneath = prop_oneof![
        // An inner tag, an ethertype that is not looked into, padding of any kind.
        (0u16..4096, prop::collection::vec(any::<u8>(), 46..200))
            .prop_map(|(tci, rest)| { [&[0x81, 0x00][..], &tci.to_be_bytes(), &[0x88, 0xb5], &rest].concat() }),
        // None, and octets shorter than a frame may be by themselves.
        prop::collection::vec(any::<u8>(), 0..60).prop_map(|rest| [&[0x88, 0xb5][..], &rest].concat()),
        prop::collection::vec(any::<u8>(), 1400..1500).prop_map(|rest| [&[0x08, 0x00][..], &rest].concat()),
    ];
    let frame = (first, any::<[u8; 11]>(), beneath).prop_map(|(first, rest, beneath)| {
        let mut addresses = [first; 12];
        addresses[1..].copy_from_slice(&rest);
        (addresses, beneath)
    });
    let folder = tempfile::tempdir().unwrap();
    let preset = biplane(&["new", "ethernet"]).ok().out;
    let without = folder.path().join("without.toml");
    assert!(preset.contains("control_word = true"));
    std::fs::write(&without, preset.replace("control_word = true", "control_word = false")).unwrap();
    let ways = [
        ("carrier-pe-hq1:london.ce", "carrier-pe-london1:msee", 111, 110),
        ("carrier-pe-hq2:london.ce", "carrier-pe-london2:msee", 112, 110),
        ("carrier-pe-london1:msee", "carrier-pe-hq1:london.ce", 110, 111),
        ("carrier-pe-london2:msee", "carrier-pe-hq2:london.ce", 110, 112),
    ];
    let config = Config { cases: 2, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(frame, 60), |frames| {
            for scenario in ["ethernet", path(&without)] {
                for (into, out, vlan, becomes) in ways {
                    let sent: Vec<_> = frames.iter().map(|(addresses, rest)| tagged(addresses, vlan, rest)).collect();
                    let expected = frames.iter().map(|(addresses, rest)| {
                        let mut frame = tagged(addresses, becomes, rest);
                        // A short frame is padded where it leaves (IEEE 802.3 §4.2.3.3).
                        frame.resize(frame.len().max(60), 0);
                        frame
                    });
                    prop_assert_eq!(
                        carried(scenario, into, out, &sent),
                        expected.collect::<Vec<_>>(),
                        "{} {}",
                        scenario,
                        into
                    );
                }
            }
            Ok(())
        })
        .unwrap();
}
