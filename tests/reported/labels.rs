//! Group C, first half: label stack entries, their fields, and label switching.

use super::lab::{Fate, Lab, ROUTE, push, untagged};
use super::octets::{IN, OUT, assert_sound_ipv4, frame, hex, ipv4, ipv4_of_class, ipv6, padded, routed};
use biplane::frame::DropReason;
use biplane::id::VrfId;
use biplane::node::{PuntReason, Verdict};
use biplane::port::PortSpec;
use biplane::table::{IngressBuilder, LabelAction, LabelPush, NextHop, Payload, PcpRule, TagRule, TtlModel, VlanKey};
use biplane::wire::mpls::Label;
use biplane::wire::vlan::Tag;

/// A packet of the right size for no padding to be needed beneath a label.
fn packet() -> Vec<u8> {
    ipv4(64, &[0x5a; 40])
}

/// Labels worked alone and tags worked alone, but not labels beneath tags.
#[test]
fn c01_labels_are_switched_beneath_any_number_of_tags() {
    let tag = |vid| Tag::new(0x8100, 0, false, vid);
    let ways =
        [("", VlanKey::Untagged), ("8100 000a", VlanKey::Single(10)), ("8100 000a 8100 0014", VlanKey::Double(10, 20))];
    let out = [
        ("", TagRule::UNTAGGED),
        ("8100 0007", TagRule::push(&[tag(7)], PcpRule::Fixed)),
        ("8100 0007 8100 0008", TagRule::push(&[tag(7), tag(8)], PcpRule::Fixed)),
    ];
    for (came, key) in ways {
        for (leaves, tags) in [("", TagRule::Keep)].into_iter().chain(out) {
            let leaves = if tags == TagRule::Keep { came } else { leaves };
            let mut lab = Lab::new(vec![IngressBuilder::default().sub(key, ROUTE), untagged()]);
            let hop = NextHop { tags, ..lab.hop() };
            lab.swap(100, &[200], hop);
            let set = lab.fib.next_hops(&[hop]);
            lab.label(101, LabelAction::Pop { payload: Payload::Ipv4, next_hops: set }, TtlModel::Pipe { ttl: 255 });
            // Swap the upper of two labels.
            let two = frame(IN, &format!("{came} 8847 00064 0fe 00065 1ff"), &packet());
            let expected = frame(OUT, &format!("{leaves} 8847 000c8 0fd 00065 1ff"), &packet());
            assert_eq!(lab.sent(&two), expected, "swap from [{came}] to [{leaves}]");
            // Pop the last.
            let one = frame(IN, &format!("{came} 8847 00065 1ff"), &packet());
            assert_eq!(lab.sent(&one), frame(OUT, &format!("{leaves} 0800"), &packet()), "[{came}] to [{leaves}]");
        }
    }
}

/// A label was pushed with TTL 64 whatever the packet's, and nothing came back at the pop.
#[test]
fn c02_uniform_ttl_counts_every_hop() {
    let packet = ipv4(10, &[0x5a; 40]);
    let mut ingress = Lab::routing();
    let hop = NextHop { push: push(&[100]), ..ingress.hop() };
    ingress.route("10.20.0.0/16", hop);
    let mut on_path = ingress.sent(&frame(IN, "0800", &packet));
    assert_eq!(on_path, frame(OUT, "8847 00064 109", &routed(&packet, 1)), "9 after routing, in both headers");
    for ttl in ["108", "107", "106"] {
        let mut core = Lab::routing();
        let hop = core.hop();
        core.swap(100, &[100], hop);
        on_path = core.sent(&on_path);
        assert_eq!(on_path, frame(OUT, &format!("8847 00064 {ttl}"), &routed(&packet, 1)));
    }
    let mut egress = Lab::routing();
    let hop = egress.hop();
    egress.route("10.20.0.0/16", hop);
    egress.label(100, LabelAction::PopLookup(VrfId(0)), TtlModel::Uniform);
    let out = egress.sent(&on_path);
    assert_eq!(out, frame(OUT, "0800", &routed(&packet, 5)), "10 less five routers");
    assert_sound_ipv4(&out[14..]);

    // The same where the last but one router pops.
    let mut penultimate = Lab::routing();
    let set = penultimate.hop();
    let set = penultimate.fib.next_hops(&[set]);
    penultimate.label(100, LabelAction::Pop { payload: Payload::Ipv4, next_hops: set }, TtlModel::Uniform);
    let out = penultimate.sent(&on_path);
    assert_eq!(out, frame(OUT, "0800", &routed(&packet, 5)), "the popping router counts");
    assert_sound_ipv4(&out[14..]);
}

/// The other model: the path counts as two hops, and its labels begin at 255.
#[test]
fn c02_pipe_ttl_leaves_the_packet_alone() {
    let packet = ipv4(10, &[0x5a; 40]);
    let pipe = TtlModel::Pipe { ttl: 255 };
    let mut ingress = Lab::routing();
    let mut labels = push(&[100]);
    labels.ttl = pipe;
    let hop = NextHop { push: labels, ..ingress.hop() };
    ingress.route("10.20.0.0/16", hop);
    let on_path = ingress.sent(&frame(IN, "0800", &packet));
    assert_eq!(on_path, frame(OUT, "8847 00064 1ff", &routed(&packet, 1)));
    let mut core = Lab::routing();
    let hop = core.hop();
    core.swap(100, &[101], hop);
    let on_path = core.sent(&on_path);
    assert_eq!(on_path, frame(OUT, "8847 00065 1fe", &routed(&packet, 1)));
    for model in [pipe, TtlModel::ShortPipe { ttl: 255 }] {
        let mut egress = Lab::routing();
        let hop = egress.hop();
        egress.route("10.20.0.0/16", hop);
        egress.label(101, LabelAction::PopLookup(VrfId(0)), model);
        let out = egress.sent(&on_path);
        assert_eq!(out, frame(OUT, "0800", &routed(&packet, 2)));
        assert_sound_ipv4(&out[14..]);
    }
}

/// Packets beneath label 0 were not delivered to the router's own address, nor forwarded.
#[test]
fn c04_explicit_null_is_popped_and_the_packet_looked_at() {
    let mut icmp = hex("4500 0024 0000 4000 fe01 0000 b9049b06 b9049b09 0800 f7ff 0000 0000");
    icmp.extend([0; 8]);
    super::octets::set_checksum(&mut icmp);
    let labelled = padded(IN, "8847 00000 1fe", &icmp);
    let mut lab = Lab::routing();
    lab.route("185.4.155.9/32", NextHop::LOCAL);
    let (fates, outcome) = lab.run(0, std::slice::from_ref(&labelled));
    assert_eq!((fates, outcome.nodes[0].consumed), (vec![], 1), "delivered");

    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.route("185.4.155.8/30", hop);
    assert_eq!(lab.sent(&labelled), padded(OUT, "0800", &routed(&icmp, 1)), "forwarded");
}

/// What the null label is there for: its traffic class counts in the queue, not what the packet says.
#[test]
fn c04_the_class_of_an_explicit_null_counts_in_the_queue() {
    let mut lab = Lab::routing();
    lab.queue_of_class = PortSpec::CONTROL_FIRST;
    lab.fib.null_model(TtlModel::Pipe { ttl: 255 });
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    let place_of_last = |class: &str| {
        let mut frames: Vec<_> = (1..8).map(|n| frame(IN, "0800", &ipv4(64, &[n; 1000]))).collect();
        frames.push(frame(IN, &format!("8847 00000 {class}"), &ipv4_of_class(64, 0x20, &[9; 1000])));
        let (fates, _) = lab.run(0, &frames);
        assert_eq!(fates.len(), 8);
        let of = fates.iter().position(|fate| matches!(fate, Fate::Sent(1, octets) if octets.last() == Some(&9)));
        of.unwrap()
    };
    assert!(place_of_last("dfe") < 3, "TC 6");
    assert_eq!(place_of_last("3fe"), 7, "TC 1");
}

/// Label 0 stands for IPv4 and 2 for IPv6 at the bottom; above it both are legal (RFC 4182).
#[test]
fn c05_explicit_nulls_stand_for_their_family() {
    let (v4, v6) = (packet(), ipv6(64, &[0x5a; 40]));
    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    lab.route("fd20::/16", hop);
    lab.swap(100, &[200], hop);
    assert_eq!(lab.sent(&frame(IN, "8847 00000 140", &v4)), frame(OUT, "0800", &routed(&v4, 1)));
    assert_eq!(lab.sent(&frame(IN, "8847 00002 140", &v6)), frame(OUT, "86dd", &routed(&v6, 1)));
    assert_eq!(lab.dropped(&frame(IN, "8847 00000 140", &v6)), DropReason::PayloadMismatch);
    assert_eq!(lab.dropped(&frame(IN, "8847 00002 140", &v4)), DropReason::PayloadMismatch);
    for null in ["00000", "00002"] {
        let above = frame(IN, &format!("8847 {null} 040 00064 1ff"), &v4);
        assert_eq!(lab.sent(&above), frame(OUT, "8847 000c8 13f", &v4), "64 of the null, less one");
    }
}

/// The wrong bit was taken for the bottom of the stack where octets are in the host's order.
#[test]
fn c07_the_bottom_of_the_stack_is_bit_8_of_the_big_endian_word() {
    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    lab.swap(16, &[32], hop);
    lab.label(19, LabelAction::PopLookup(VrfId(1)), TtlModel::Pipe { ttl: 255 });
    // Label 19 has the octet 01 where the wrong order looks; the entry beneath it has none there.
    let two = frame(IN, "8847 00 01 30 fe 00 01 01 ff", &packet());
    assert_eq!(lab.sent(&two), frame(OUT, "8847 00 02 01 fe", &packet()));
    // S = 0 with nothing but an IP packet beneath is an error, not a bottom.
    let cut = frame(IN, "8847 00 01 30 fe", &packet());
    assert_eq!(lab.dropped(&cut), DropReason::UnknownLabel, "the packet's first word is read as a label");
}

/// Label 1000000 became 64.
#[test]
fn c08_labels_have_twenty_bits() {
    for (label, entry) in [(16, "00010"), (256, "00100"), (65_536, "10000"), (1_000_000, "f4240"), (1_048_575, "fffff")]
    {
        let mut lab = Lab::routing();
        let hop = lab.hop();
        lab.swap(100, &[label], hop);
        lab.swap(label, &[100], hop);
        let there = lab.sent(&frame(IN, "8847 00064 140", &packet()));
        assert_eq!(there, frame(OUT, &format!("8847 {entry} 13f"), &packet()), "{label}");
        assert_eq!(lab.sent(&there), frame(OUT, "8847 00064 13e", &packet()), "{label} is found again");
    }
    assert_eq!((Label::new(1_048_576), LabelPush::new(&[1_048_576])), (None, None));
    assert!((0..16).all(|reserved| Label::new(reserved).is_none()));
    assert!((0..16).filter(|label| ![0, 2].contains(label)).all(|label| LabelPush::new(&[label]).is_none()));
}

/// TTL was taken off twice in one router beneath an explicit null, which a peer that demands 255 refuses.
#[test]
fn c13_one_router_takes_one_off_at_the_most() {
    let packet = ipv4(255, &[0x5a; 40]);
    let null = frame(IN, "8847 00000 1ff", &packet);
    for model in [TtlModel::Uniform, TtlModel::Pipe { ttl: 255 }] {
        let mut lab = Lab::routing();
        lab.fib.null_model(model);
        lab.route("10.20.0.1/32", NextHop::LOCAL);
        let (verdict, frame) = lab.judged(&null);
        assert_eq!(verdict, Verdict::Punt { reason: PuntReason::Local, vrf: VrfId(0) });
        assert_eq!((frame.header.meta.ttl(), frame.header.meta.labels()), (255, 0), "{model:?}");
    }
    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.route("10.20.0.0/16", hop);
    assert_eq!(lab.sent(&null), frame(OUT, "0800", &routed(&packet, 1)));
}

/// The core router was missing from the trace: a label's TTL ran out, and the packet went on, or vanished uncounted.
#[test]
fn c14_a_label_whose_ttl_runs_out_goes_no_further() {
    let mut lab = Lab::routing();
    let hop = lab.hop();
    lab.swap(100, &[200], hop);
    let set = lab.fib.next_hops(&[hop]);
    lab.label(101, LabelAction::Pop { payload: Payload::Ipv4, next_hops: set }, TtlModel::Uniform);
    lab.label(102, LabelAction::PopLookup(VrfId(0)), TtlModel::Pipe { ttl: 255 });
    lab.route("10.20.0.0/16", hop);
    for label in ["00064", "00065", "00066"] {
        for ttl in ["101", "100"] {
            let (fates, outcome) = lab.run(0, &[frame(IN, &format!("8847 {label} {ttl}"), &packet())]);
            assert_eq!(fates, [Fate::Dropped(DropReason::MplsTtlExpired)], "{label} {ttl}");
            let counted = outcome.nodes[0].ports[0].ingress_drops.of(DropReason::MplsTtlExpired)
                + outcome.nodes[0].slow_path_drops.of(DropReason::MplsTtlExpired);
            assert_eq!((counted, outcome.sources[0].dropped), (1, 1), "{label} {ttl}");
        }
    }
    assert_eq!(lab.sent(&frame(IN, "8847 00064 102", &packet())), frame(OUT, "8847 000c8 101", &packet()));
}
