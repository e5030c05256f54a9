//! Each entry of the preset `lsr`, octet by octet.

use super::*;

/// Ethernet, tags (TPID and VLAN), labels (label, TC, TTL; the last is the bottom), payload.
fn frame(tags: &[(u16, u16)], labels: &[(u32, u32, u32)], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4];
    for (tpid, vid) in tags {
        octets.extend([tpid.to_be_bytes(), vid.to_be_bytes()].concat());
    }
    octets.extend(if labels.is_empty() { ethertype } else { 0x8847 }.to_be_bytes());
    for (place, (label, tc, ttl)) in labels.iter().enumerate() {
        let bottom = u32::from(place + 1 == labels.len());
        octets.extend((label << 12 | tc << 9 | bottom << 8 | ttl).to_be_bytes());
    }
    octets.extend(payload);
    octets
}

fn packet(from: &'static str, to: &'static str, ttl: u8) -> Vec<u8> {
    Packet { from, to, ttl, ..PACKET }.octets()[14..].to_vec()
}

/// The octets behind the MAC addresses that leave at port `out` when `octets` enter at tap `into`.
fn through(into: &str, octets: Vec<u8>, out: &str) -> Vec<u8> {
    let trial = offer(compiled("lsr", &[]), into, [octets]);
    let left = trial.at(out);
    assert_eq!((left.len(), trial.drops()), (1, vec![]), "one frame leaves at {out}");
    left[0][12..].to_vec()
}

#[test]
fn labels_are_swapped_under_no_tag_one_and_two() {
    let ip = packet("10.1.1.1", "10.2.2.2", 9);
    for tags in [vec![], vec![(0x8100, 40)], vec![(0x88a8, 110), (0x8100, 40)]] {
        let out = through("a", frame(&tags, &[(100, 5, 64)], 0, &ip), "lsr:b");
        assert_eq!(out, frame(&tags, &[(200, 5, 63)], 0, &ip)[12..], "{tags:?}");
    }
}

#[test]
fn a_swap_may_push_another_on_top() {
    let ip = packet("10.1.1.1", "10.2.2.2", 9);
    let out = through("a", frame(&[], &[(101, 3, 64)], 0, &ip), "lsr:b");
    assert_eq!(out, frame(&[], &[(300, 3, 63), (201, 3, 63)], 0, &ip)[12..]);
    let out = through("a", frame(&[], &[(102, 3, 64)], 0, &ip), "lsr:b");
    assert_eq!(out, frame(&[], &[(0, 3, 63)], 0, &ip)[12..], "explicit null");
}

#[test]
fn pops_bare_what_lies_beneath() {
    let out = through("a", frame(&[], &[(103, 0, 64)], 0, &packet("10.1.1.1", "10.2.2.2", 200)), "lsr:b");
    assert_eq!(out, frame(&[], &[], 0x0800, &packet("10.1.1.1", "10.2.2.2", 63))[12..], "uniform");
    let six = |ttl| packet("2001:db8::1", "2001:db8::2", ttl);
    let out = through("a", frame(&[], &[(104, 0, 64)], 0, &six(200)), "lsr:b");
    assert_eq!(out, frame(&[], &[], 0x86dd, &six(63))[12..]);
    let ip = packet("10.1.1.1", "10.2.2.2", 9);
    let out = through("a", frame(&[], &[(105, 1, 64), (777, 0, 10)], 0, &ip), "lsr:b");
    assert_eq!(out, frame(&[], &[(777, 1, 63)], 0, &ip)[12..]);
}

#[test]
fn the_end_of_a_path_is_looked_up() {
    let out = through("b", frame(&[], &[(106, 0, 64)], 0, &packet("10.1.1.1", "10.10.2.2", 9)), "lsr:a");
    assert_eq!(out, frame(&[], &[], 0x0800, &packet("10.1.1.1", "10.10.2.2", 63))[12..]);
}

#[test]
fn routes_lead_into_labels() {
    let out = through("a", frame(&[], &[], 0x0800, &packet("10.1.1.1", "10.20.2.2", 9)), "lsr:b");
    assert_eq!(out, frame(&[], &[(600, 0, 255)], 0, &packet("10.1.1.1", "10.20.2.2", 8))[12..], "a pipe of 255");
    let out = through("a", frame(&[], &[], 0x0800, &packet("10.1.1.1", "10.21.2.2", 9)), "lsr:b");
    let labels: Vec<u32> = out[2..14].chunks(4).map(|lse| u32::from_be_bytes(lse.try_into().unwrap()) >> 12).collect();
    assert_eq!(labels[..2], [601, 7], "the indicator beneath the label");
    assert!(labels[2] > 15, "and the entropy label");
}

#[test]
fn a_cross_connect_maps_tags_both_ways() {
    let (inside, out) = ([(0x8100, 10)], [(0x88a8, 110)]);
    let whatever = [1, 2, 3].repeat(20);
    assert_eq!(
        through("a", frame(&inside, &[], 0x88b5, &whatever), "lsr:b"),
        frame(&out, &[], 0x88b5, &whatever)[12..]
    );
    assert_eq!(
        through("b", frame(&out, &[], 0x88b5, &whatever), "lsr:a"),
        frame(&inside, &[], 0x88b5, &whatever)[12..]
    );
    // A priority tag before the VLAN goes with it (IEEE 802.1Q §6.9).
    let behind_priority = frame(&[(0x8100, 0), (0x8100, 10)], &[], 0x88b5, &whatever);
    assert_eq!(through("a", behind_priority, "lsr:b"), frame(&out, &[], 0x88b5, &whatever)[12..]);
}

#[test]
fn a_pseudowire_carries_ethernet_there_and_back() {
    let whatever = [9, 8, 7].repeat(30);
    let customer = frame(&[(0x8100, 20)], &[], 0x88b5, &whatever);
    let inner = frame(&[], &[], 0x88b5, &whatever);
    let word = [&[0; 4][..], &inner].concat();
    let out = through("a", customer.clone(), "lsr:b");
    assert_eq!(out, frame(&[], &[(400, 0, 255), (500, 0, 255)], 0, &word)[12..]);
    assert_eq!(through("b", frame(&[], &[(501, 0, 9)], 0, &word), "lsr:a"), customer[12..]);
    let without_word = frame(&[], &[(107, 0, 9)], 0, &inner);
    assert_eq!(through("b", without_word, "lsr:a"), frame(&[(0x8100, 30)], &[], 0x88b5, &whatever)[12..]);
}

#[test]
fn what_no_entry_names_is_dropped_by_its_reason() {
    let ip = packet("10.1.1.1", "10.2.2.2", 9);
    for (octets, why) in [
        (frame(&[], &[(999, 0, 64)], 0, &ip), "unknown_label"),
        (frame(&[(0x8100, 41), (0x8100, 9)], &[(100, 0, 64)], 0, &ip), "not_ip"),
        (frame(&[], &[(100, 0, 1)], 0, &ip), "mpls_ttl_expired"),
    ] {
        let trial = offer(compiled("lsr", &[]), "a", [octets]);
        assert_eq!(trial.drops(), [("lsr".to_owned(), why)]);
    }
    let trial = offer(compiled("lsr", &[]), "b", [frame(&[(0x8100, 41)], &[(100, 0, 64)], 0, &ip)]);
    assert_eq!(trial.drops(), [("lsr".to_owned(), "vlan_not_member")]);
}
