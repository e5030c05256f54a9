//! Group B, second half: what pushing and popping a tag leaves alone.

use super::lab::{Lab, ROUTE};
use super::octets::{IN, OUT, assert_sound_ipv4, frame, hex, ipv4, padded, routed};
use biplane::id::PortId;
use biplane::table::{IngressBuilder, NextHop, PcpRule, TagRule, VlanKey};
use biplane::wire::vlan::{Tag, TpidSet};

/// A circuit from port 0 to port 1 that takes frames of `key`, pops `pop` tags and pushes `push`.
fn circuit(key: VlanKey, pop: u8, push: &[Tag]) -> Lab {
    let any = TpidSet::of(&[0x8100, 0x88a8]).unwrap();
    let mut lab = Lab::new(vec![IngressBuilder::default().tpids(any, any), IngressBuilder::default()]);
    let tags = TagRule::push(push, PcpRule::Fixed);
    lab.cross(key, pop, NextHop { tags, ..NextHop::port(PortId(1)) });
    lab
}

/// A push went to the inside of two tags, and a pop broke the frame.
#[test]
fn b09_push_and_pop_are_at_the_outside() {
    let rest = [0x5a; 60];
    let one = frame(IN, "8100 0014 88b5", &rest);
    let two = frame(IN, "8100 000a 8100 0014 88b5", &rest);
    let three = frame(IN, "88a8 001e 8100 000a 8100 0014 88b5", &rest);
    let push = circuit(VlanKey::Double(10, 20), 0, &[Tag::new(0x88a8, 0, false, 30)]);
    assert_eq!(push.sent(&two), three);
    assert_eq!(circuit(VlanKey::Double(30, 10), 1, &[]).sent(&three), two);
    assert_eq!(circuit(VlanKey::Double(10, 20), 1, &[]).sent(&two), one);
    assert_eq!(circuit(VlanKey::Double(30, 10), 2, &[]).sent(&three), one, "both at once");
    assert_eq!(circuit(VlanKey::Single(20), 1, &[]).sent(&one), frame(IN, "88b5", &rest));
}

/// Tagging recomputed checksums of layer 4, and so broke fragments, which have none.
#[test]
fn b12_a_tag_changes_no_octet_behind_it() {
    // The second fragment of a UDP datagram, at 185 * 8 octets: its first octets are no UDP header.
    let fragment =
        hex("4500 0030 1234 00b9 4011 0000 0a0a0001 0a140001 dead beef 0000 0000 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a");
    let mut fragment = [fragment, vec![0x5a; 4]].concat();
    super::octets::set_checksum(&mut fragment);
    assert_eq!(fragment.len(), 48);
    let plain = frame(IN, "0800", &fragment);
    let tagged = frame(IN, "8100 a064 0800", &fragment);
    assert_eq!(circuit(VlanKey::Untagged, 0, &[Tag::new(0x8100, 5, false, 100)]).sent(&plain), tagged);
    assert_eq!(circuit(VlanKey::Single(100), 1, &[]).sent(&tagged), plain);

    // Neither does a router, but for the TTL and the checksum of the header.
    let mut lab = Lab::new(vec![IngressBuilder::default().sub(VlanKey::Single(100), ROUTE), IngressBuilder::default()]);
    let tags = TagRule::push(&[Tag::new(0x8100, 0, false, 7)], PcpRule::Fixed);
    let hop = NextHop { tags, ..lab.hop() };
    lab.route("10.20.0.0/16", hop);
    assert_eq!(lab.sent(&tagged), frame(OUT, "8100 0007 0800", &routed(&fragment, 1)));
}

/// After a pop the place of the IP header was the old one, and good packets were dropped for their checksum.
#[test]
fn b13_a_packet_is_routed_after_its_tag_is_gone() {
    // Geneve: an Ethernet frame with an IP packet of its own within UDP.
    let inner = frame([4; 12], "0800", &ipv4(9, b"within"));
    let packet = ipv4(64, &[hex("0000 6558 000064 00"), inner].concat());
    for (middle, key) in
        [("8100 0064 0800", VlanKey::Single(100)), ("8100 0064 8100 0014 0800", VlanKey::Double(100, 20))]
    {
        let mut lab = Lab::new(vec![IngressBuilder::default().sub(key, ROUTE), IngressBuilder::default()]);
        let hop = lab.hop();
        lab.route("10.20.0.0/16", hop);
        let sent = lab.sent(&frame(IN, middle, &packet));
        assert_eq!(sent, padded(OUT, "0800", &routed(&packet, 1)));
        assert_sound_ipv4(&sent[14..]);
        assert_eq!(sent[34..], packet[20..], "the UDP checksum and all beneath");
    }
}
