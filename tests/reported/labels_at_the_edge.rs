//! Group C, second half: where labels are pushed, popped for good, and what does not fit beneath them.

use super::lab::{Fate, Lab, push};
use super::octets::{
    IN, OUT, arp, assert_sound_ipv4, frame, hex, ipv4, ipv4_that_may_be_cut, ipv6, padded, ramp, routed,
};
use biplane::frame::DropReason;
use biplane::id::{PortId, VrfId};
use biplane::table::{IngressBuilder, LabelAction, NextHop, Payload, Service, SubInterface, TtlModel, VlanKey};
use etherparse::{Icmpv4Slice, Icmpv4Type, icmpv4};

/// The control word stayed in front of the frame that left the pseudowire.
#[test]
fn c09_a_frame_leaves_a_pseudowire_as_it_entered() {
    let inner = padded([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0x0a, 0xaa], "0806", &arp());
    assert_eq!(inner.len(), 60);
    // Transport label 19 with TTL 254, pseudowire label 16 at the bottom with TTL 255, control word 0.
    let outer = frame(IN, "8847 000130fe 000101ff 00000000", &inner);
    let mut lab = Lab::routing();
    let circuit = lab.fib.next_hop(NextHop::port(PortId(1)));
    lab.label(19, LabelAction::PopLookup(VrfId(0)), TtlModel::Pipe { ttl: 255 });
    lab.label(16, LabelAction::PopPseudowire { control_word: true, next_hop: circuit }, TtlModel::Pipe { ttl: 255 });
    assert_eq!(lab.sent(&outer), inner);
    // Without a control word the same octets are four more of the frame.
    lab.label(16, LabelAction::PopPseudowire { control_word: false, next_hop: circuit }, TtlModel::Pipe { ttl: 255 });
    assert_eq!(lab.sent(&outer), [vec![0; 4], inner.clone()].concat());
    assert_eq!(lab.sent(&frame(IN, "8847 000130fe 000101ff", &inner)), inner);

    // The way in, and both ways one after the other.
    for (control_word, word) in [(true, "00000000"), (false, "")] {
        let pe = |lab: &mut Lab| {
            let next_hop = NextHop { push: push(&[19, 16]), ..lab.hop() };
            let next_hop = lab.fib.next_hop(next_hop);
            let service = Service::Pseudowire { next_hop, pop: 0, control_word };
            let sub = SubInterface { service, mpls: false, reset_dscp: false };
            lab.ports[0] = IngressBuilder::default().sub(VlanKey::Any, sub);
        };
        let mut entry = Lab::routing();
        pe(&mut entry);
        let entered = entry.sent(&inner);
        assert_eq!(entered, frame(OUT, &format!("8847 000130ff 000101ff {word}"), &inner));
        let action = LabelAction::PopPseudowire { control_word, next_hop: circuit };
        lab.label(16, action, TtlModel::Pipe { ttl: 255 });
        assert_eq!(lab.sent(&entered), inner);
    }
}

/// A router with a route that pushes two labels on a link of `mtu`, and one back to the source.
fn two_labels(mtu: u16) -> Lab {
    let mut lab = Lab::routing();
    lab.address = Some([192, 0, 2, 1].into());
    let hop = NextHop { mtu, push: push(&[100, 200]), ..lab.hop() };
    lab.route("10.20.0.0/16", hop);
    lab.route("10.10.0.0/16", NextHop::port(PortId(0)));
    lab
}

/// A ping of 1470 octets vanished in a layer-3 VPN, and nothing said why.
#[test]
fn c11_a_packet_too_long_for_its_labels_is_answered() {
    let packet = ipv4(64, &ramp(1470));
    assert_eq!(packet.len(), 1498);
    let (fates, outcome) = two_labels(1500).run(0, &[frame(IN, "0800", &packet)]);
    assert_eq!(
        outcome.nodes[0].slow_path_drops.of(DropReason::MtuExceeded)
            + outcome.nodes[0].ports[0].ingress_drops.of(DropReason::MtuExceeded),
        1
    );
    let mut answers = fates.iter().filter_map(|fate| match fate {
        Fate::Sent(port, octets) => Some((*port, octets)),
        Fate::Dropped(reason) => {
            assert_eq!(*reason, DropReason::MtuExceeded);
            None
        }
    });
    let (port, answer) = answers.next().unwrap();
    assert_eq!((port, answers.next()), (0, None), "one answer, back where the packet came from");
    assert_sound_ipv4(&answer[14..]);
    assert_eq!(answer[26..34], hex("c0000201 0a0a0001"), "from the router to the source");
    let total = usize::from(u16::from_be_bytes([answer[16], answer[17]]));
    let icmp = Icmpv4Slice::from_slice(&answer[34..14 + total]).unwrap();
    let header = icmp.header();
    let expected = icmpv4::DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 1492 };
    assert_eq!(header.icmp_type, Icmpv4Type::DestinationUnreachable(expected));
    assert_eq!(header.checksum, header.icmp_type.calc_checksum(icmp.payload()));
    assert_eq!(icmp.payload()[..28], packet[..28], "it quotes the packet as it came");

    // What just fits goes, labels and all; one octet more does not. The whole goes where the link takes 1508.
    let over = frame(IN, "0800", &ipv4(64, &ramp(1465)));
    assert!(two_labels(1500).fates(&over).contains(&Fate::Dropped(DropReason::MtuExceeded)));
    let fits = ipv4(64, &ramp(1464));
    assert_eq!(
        two_labels(1500).sent(&frame(IN, "0800", &fits)),
        frame(OUT, "8847 00064 03f 000c8 13f", &routed(&fits, 1))
    );
    assert_eq!(
        two_labels(1508).sent(&frame(IN, "0800", &packet)),
        frame(OUT, "8847 00064 03f 000c8 13f", &routed(&packet, 1))
    );
}

/// The same packet without "don't fragment".
#[test]
fn c11_a_packet_that_may_be_cut_goes_in_parts_that_fit() {
    let packet = ipv4_that_may_be_cut(64, &ramp(1470));
    let (fates, outcome) = two_labels(1500).run(0, &[frame(IN, "0800", &packet)]);
    assert_eq!((outcome.nodes[0].consumed, outcome.nodes[0].created), (1, 2));
    let mut data = Vec::new();
    for fate in &fates {
        let Fate::Sent(1, octets) = fate else { panic!("{fate:?}") };
        assert_eq!(octets[..22], frame(OUT, "8847 00064 03f 000c8 13f", &[])[..]);
        let total = usize::from(u16::from_be_bytes([octets[24], octets[25]]));
        let part = &octets[22..22 + total];
        assert!(part.len() <= 1492 && octets.len() <= 14 + 1500);
        assert_sound_ipv4(part);
        assert_eq!(part[8], 63);
        let offset = usize::from(u16::from_be_bytes([part[6], part[7]]) & 0x1fff) * 8;
        assert_eq!(offset, data.len());
        assert_eq!(part[6] & 0x20 != 0, data.len() + total - 20 < 1478, "more fragments, but for the last");
        data.extend_from_slice(&part[20..]);
    }
    assert_eq!((fates.len(), &data[..]), (2, &packet[20..]));
}

/// A label was pushed on ARP, and what was popped became IPv4 whatever it was.
#[test]
fn c15_only_what_a_label_is_for_goes_beneath_it() {
    let mut lab = Lab::routing();
    let hop = NextHop { push: push(&[100]), ..lab.hop() };
    lab.route("10.20.0.0/16", hop);
    let v6 = ipv6(64, &[0x5a; 40]);
    assert_eq!(lab.dropped(&padded(IN, "0806", &arp())), DropReason::Arp);
    assert_eq!(lab.dropped(&frame(IN, "86dd", &v6)), DropReason::NoRoute);
    assert_eq!(lab.dropped(&padded(IN, "0026 424203", &[0; 35])), DropReason::Llc);
    assert_eq!(lab.dropped(&padded(IN, "88cc", &[0; 46])), DropReason::NotIp);

    let v4 = ipv4(64, &[0x5a; 40]);
    let mut lab = Lab::routing();
    let hop = lab.hop();
    let next_hops = lab.fib.next_hops(&[hop]);
    let pipe = TtlModel::Pipe { ttl: 255 };
    lab.label(100, LabelAction::Pop { payload: Payload::Ipv4, next_hops }, pipe);
    lab.label(101, LabelAction::Pop { payload: Payload::Ipv6, next_hops }, pipe);
    let circuit = lab.fib.next_hop(NextHop::port(PortId(1)));
    lab.label(102, LabelAction::PopPseudowire { control_word: false, next_hop: circuit }, pipe);
    assert_eq!(lab.sent(&frame(IN, "8847 00064 140", &v4)), frame(OUT, "0800", &v4));
    assert_eq!(lab.sent(&frame(IN, "8847 00065 140", &v6)), frame(OUT, "86dd", &v6));
    let inner = padded([4; 12], "0806", &arp());
    assert_eq!(lab.sent(&frame(IN, "8847 00066 140", &inner)), inner);
    // The configured payload is what counts: another one is no packet of that path.
    assert_eq!(lab.dropped(&frame(IN, "8847 00064 140", &v6)), DropReason::PayloadMismatch);
    assert_eq!(lab.dropped(&frame(IN, "8847 00065 140", &v4)), DropReason::PayloadMismatch);
    assert_eq!(lab.dropped(&padded(IN, "8847 00064 140", &arp())), DropReason::PayloadMismatch);
}

/// The last octets of a frame were lost when a label was pushed.
#[test]
fn c16_a_push_keeps_every_octet() {
    for octets in [60, 61, 1514] {
        let data = ramp(octets - 14 - 28);
        let packet = ipv4(64, &data);
        let mut lab = Lab::routing();
        let hop = NextHop { mtu: 1508, push: push(&[100]), ..lab.hop() };
        lab.route("10.20.0.0/16", hop);
        let whole = frame(IN, "0800", &packet);
        assert_eq!(whole.len(), octets);
        let sent = lab.sent(&whole);
        assert_eq!(sent.len(), octets + 4);
        assert_eq!(sent, frame(OUT, "8847 00064 13f", &routed(&packet, 1)), "{octets}");
        assert!(sent.ends_with(&data), "{octets}");
    }
    // Octets behind the packet are no less the frame's.
    let trailed = [ipv4(64, &ramp(10)), ramp(8)].concat();
    let mut lab = Lab::routing();
    let hop = NextHop { push: push(&[100]), ..lab.hop() };
    lab.route("10.20.0.0/16", hop);
    assert!(lab.sent(&frame(IN, "0800", &trailed)).ends_with(&ramp(8)));
}
