//! Group B, first half: which tag is which.

use super::lab::{Fate, Lab, ROUTE};
use super::octets::{IN, OUT, arp, frame, ipv4, ipv4_of_class, padded, routed};
use biplane::frame::DropReason;
use biplane::id::{PortId, VrfId};
use biplane::port::PortSpec;
use biplane::table::{IngressBuilder, NextHop, PcpRule, Service, SubInterface, TagRule, VlanKey};
use biplane::wire::vlan::{Tag, TpidSet};

fn vrf(n: u16) -> SubInterface {
    SubInterface { service: Service::Route(VrfId(n)), ..ROUTE }
}

/// The outer tag of two left with another TPID than configured.
#[test]
fn b01_the_outer_tpid_is_the_one_configured() {
    let tags = TagRule::push(&[Tag::new(0x88a8, 0, false, 200), Tag::new(0x8100, 0, false, 100)], PcpRule::Fixed);
    let packet = ipv4(64, b"twelve octet");
    let mut lab = Lab::routing();
    let hop = NextHop { tags, ..lab.hop() };
    lab.route("10.20.0.0/16", hop);
    // The six octets of padding that the frame came with go along.
    let expected = frame(OUT, "88a8 00c8 8100 0064 0800", &[routed(&packet, 1), vec![0; 6]].concat());
    assert_eq!(lab.sent(&padded(IN, "0800", &packet)), expected);

    // On a frame that has the C-tag already.
    let s_tag = TagRule::push(&[Tag::new(0x88a8, 0, false, 200)], PcpRule::Fixed);
    let mut lab = Lab::new(vec![IngressBuilder::default(); 2]);
    lab.cross(VlanKey::Single(100), 0, NextHop { tags: s_tag, ..NextHop::port(PortId(1)) });
    let tagged = padded(IN, "8100 0064 0800", &packet);
    assert_eq!(lab.sent(&tagged), [&tagged[..12], &[0x88, 0xa8, 0x00, 0xc8], &tagged[12..]].concat());
}

/// Stacked tags of different TPIDs were confused, or found where there are none.
#[test]
fn b04_each_port_has_its_tpids_and_another_is_payload() {
    let packet = ipv4(64, &[0x5a; 40]);
    for (outer, inner) in [(0x8100, 0x8100), (0x88a8, 0x8100), (0x9100, 0x9100), (0x9200, 0x8100), (0x9300, 0x88a8)] {
        let middle = format!("{outer:04x} 000a {inner:04x} 0014 0800");
        let port = |outer: u16, inner: u16| {
            let tpids = |tpid| TpidSet::of(&[tpid]).unwrap();
            IngressBuilder::default().tpids(tpids(outer), tpids(inner)).sub(VlanKey::Double(10, 20), ROUTE)
        };
        let mut lab = Lab::new(vec![port(outer, inner), IngressBuilder::default()]);
        let hop = lab.hop();
        lab.route("10.20.0.0/16", hop);
        assert_eq!(lab.sent(&frame(IN, &middle, &packet)), frame(OUT, "0800", &routed(&packet, 1)), "{middle}");

        // A port with another outer TPID has an untagged frame before it: nothing for its VLAN 10, ...
        let other = if outer == 0x8100 { 0x88a8 } else { 0x8100 };
        lab.ports[0] = port(other, inner);
        assert_eq!(lab.dropped(&frame(IN, &middle, &packet)), DropReason::UntaggedNotAccepted, "{middle}");
        // ... no IP where untagged frames are routed, ...
        lab.ports[0] = port(other, inner).sub(VlanKey::Untagged, ROUTE);
        assert_eq!(lab.dropped(&frame(IN, &middle, &packet)), DropReason::UnknownTpid, "{middle}");
        // ... and a payload that is carried whole where they are crossed over.
        let mut lab = Lab::new(vec![port(other, inner), IngressBuilder::default()]);
        lab.cross(VlanKey::Untagged, 0, NextHop::port(PortId(1)));
        let whole = frame(IN, &middle, &packet);
        assert_eq!(lab.sent(&whole), whole, "{middle}");
    }
}

/// A tag of VID 0 was stripped only if its priority was 0 as well, and what left was shorter than a frame may be.
#[test]
fn b06_a_tag_of_vid_0_is_treated_alike_whatever_its_priority() {
    let packet = ipv4(64, b"twelve octet");
    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    for priority in ["0000", "2000", "a000", "e000", "1000"] {
        let tagged = padded(IN, &format!("8100 {priority} 0800"), &packet);
        assert_eq!(tagged.len(), 60);
        let sent = lab.sent(&tagged);
        assert_eq!((sent.len(), sent), (60, padded(OUT, "0800", &routed(&packet, 1))), "{priority}");
    }
    // The same for a VLAN that is taken off by a cross-connect: 56 octets are padded to 60.
    for priority in ["0007", "e007"] {
        let mut lab = Lab::new(vec![IngressBuilder::default(); 2]);
        lab.cross(VlanKey::Single(7), 1, NextHop::port(PortId(1)));
        let tagged = padded(IN, &format!("8100 {priority} 0806"), &arp());
        assert_eq!(lab.sent(&tagged), padded(IN, "0806", &arp()), "{priority}");
    }
}

/// Priority-tagged IP, ARP and DHCP were not delivered.
#[test]
fn b07_a_priority_tag_is_no_vlan() {
    let packet = ipv4(64, &[0x5a; 40]);
    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    assert_eq!(lab.sent(&frame(IN, "8100 a000 0800", &packet)), frame(OUT, "0800", &routed(&packet, 1)));
    // Two of them, and one above a VLAN.
    assert_eq!(lab.sent(&frame(IN, "8100 a000 8100 0000 0800", &packet)), frame(OUT, "0800", &routed(&packet, 1)));
    lab.ports[0] = IngressBuilder::default().sub(VlanKey::Single(9), ROUTE);
    assert_eq!(lab.sent(&frame(IN, "8100 a000 8100 0009 0800", &packet)), frame(OUT, "0800", &routed(&packet, 1)));

    // ARP and DHCP on the untagged attachment of a circuit are carried, octet for octet.
    let mut dhcp = ipv4(64, &[1; 248]);
    dhcp[16..20].fill(255);
    super::octets::set_checksum(&mut dhcp);
    let mut lab = Lab::new(vec![IngressBuilder::default(); 2]);
    lab.cross(VlanKey::Untagged, 0, NextHop::port(PortId(1)));
    for whole in [padded(IN, "8100 e000 0806", &arp()), frame(IN, "8100 6000 0800", &dhcp)] {
        assert_eq!(lab.sent(&whole), whole);
    }
}

/// The other half: the priority is kept for queueing, so that the frame overtakes those of no priority that wait.
#[test]
fn b07_the_priority_of_a_priority_tag_counts_in_the_queue() {
    let mut lab = Lab::routing();
    lab.queue_of_class = PortSpec::CONTROL_FIRST;
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    let first = |sent: &[Fate]| {
        let place = |data: u8| {
            sent.iter().position(|fate| matches!(fate, Fate::Sent(1, octets) if octets.last() == Some(&data))).unwrap()
        };
        (sent.len(), place(9))
    };
    let crowd = || (1..8).map(|n| frame(IN, "0800", &ipv4(64, &[n; 1000]))).collect::<Vec<_>>();
    let with = |last: Vec<u8>| [crowd(), vec![last]].concat();
    let urgent = frame(IN, "8100 e000 0800", &ipv4(64, &[9; 1000]));
    let plain = frame(IN, "8100 0000 0800", &ipv4_of_class(64, 0xe0, &[9; 1000]));
    let (count, place) = first(&lab.run(0, &with(urgent)).0);
    assert!(count == 8 && place < 3, "{place} of {count}");
    assert_eq!(first(&lab.run(0, &with(plain)).0), (8, 7), "PCP 0 counts, not the precedence beneath");
}

/// What a provider asks for: one tag or two, TPID 0x8100 both, several customer VLANs on a port.
#[test]
fn b11_both_tpids_are_8100_unless_another_is_chosen() {
    let packet = ipv4(64, &[0x5a; 40]);
    let peerings = || {
        let port = IngressBuilder::default();
        port.sub(VlanKey::Double(110, 20), vrf(0))
            .sub(VlanKey::Double(110, 21), vrf(1))
            .sub(VlanKey::Single(300), vrf(0))
    };
    let mut lab = Lab::new(vec![peerings(), IngressBuilder::default(), IngressBuilder::default()]);
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    let other = lab.fib.next_hops(&[NextHop::port(PortId(2))]);
    lab.fib.route(VrfId(1), "10.20.0.0/16".parse().unwrap(), other);

    let untagged = frame(OUT, "0800", &routed(&packet, 1));
    assert_eq!(lab.sent(&frame(IN, "8100 006e 8100 0014 0800", &packet)), untagged);
    assert_eq!(lab.sent(&frame(IN, "8100 012c 0800", &packet)), untagged, "one tag");
    let second = lab.fates(&frame(IN, "8100 006e 8100 0015 0800", &packet));
    assert_eq!(second, [Fate::Sent(2, frame(IN, "0800", &routed(&packet, 1)))], "the second inner VLAN");
    assert_eq!(lab.dropped(&frame(IN, "8100 006e 8100 0016 0800", &packet)), DropReason::VlanNotMember);
    assert_eq!(lab.dropped(&frame(IN, "88a8 006e 8100 0014 0800", &packet)), DropReason::UntaggedNotAccepted);

    lab.ports[0] = peerings().tpids(TpidSet::S_TAG, TpidSet::C_TAG);
    assert_eq!(lab.sent(&frame(IN, "88a8 006e 8100 0014 0800", &packet)), untagged, "0x88a8 was chosen");
    assert_eq!(lab.dropped(&frame(IN, "8100 006e 8100 0014 0800", &packet)), DropReason::UntaggedNotAccepted);
}
