//! Label operations, special labels, TTL, TC and MTU.

use super::*;
use crate::run;

#[test]
fn c1_swap_and_pop_work_beneath_tags() {
    let mut router = with_label(router(hop()), 254, pop(Payload::Labels), TtlModel::Uniform);
    router = with_swap(router, 0x03eea, &[300]);
    let Service::Route { .. } = router.ports[0].subs[0].service else { panic!() };
    let service = router.ports[0].subs[0].service.clone();
    router.ports[0].subs.push(Sub { key: Key::Outer(3399), service: service.clone() });
    router.ports[0].subs.push(Sub { key: Key::Pair(5, 6), service });
    for (tags, kept) in
        [("", ""), ("8100 0000", ""), ("8100 0d47", "8100 0d47"), ("8100 0005 8100 0006", "8100 0005 8100 0006")]
    {
        let two = padded(&format!("{IN} {tags} 8847 000fe03c 0006313c {TTL_64}"));
        assert_eq!(sent(&router, &two)[..18], hex(&format!("{OUT} 8847 0006313b"))[..]);
        let one = padded(&format!("{IN} {tags} 8847 03eea12c {TTL_64}"));
        assert_eq!(sent(&router, &one)[..18], hex(&format!("{OUT} 8847 0012c12b"))[..]);
        let mut keeping = router.clone();
        keeping.next_hops.iter_mut().for_each(|hop| hop.tags = EgressTags::Keep);
        let out = hex(&format!("{OUT} {} 8847 0012c12b", if kept.is_empty() { tags } else { kept }));
        assert_eq!(sent(&keeping, &one)[..out.len()], out[..]);
    }
}

#[test]
fn c2_uniform_ttl_along_a_path() {
    let ingress = router(NextHop { labels: vec![100], ..hop() });
    let frame = padded(&format!("{IN} 0800 {TTL_10}"));
    assert_eq!(sent(&ingress, &frame), hex(&format!("{OUT} 8847 00064109 {TTL_9} {}", "00".repeat(18))));
    let transit = with_swap(router(hop()), 100, &[100]);
    let mut frame = sent(&ingress, &frame);
    for ttl in [8, 7, 6] {
        frame = sent(&transit, &frame);
        assert_eq!(frame[14..18], [0, 6, 0x41, ttl]);
    }
    // The penultimate hop: label TTL in 6, IP TTL out 5, and the checksum of that.
    let penultimate = with_label(router(hop()), 100, pop(Payload::V4), TtlModel::Uniform);
    assert_eq!(sent(&penultimate, &frame), padded(&format!("{OUT} 0800 {TTL_5}")));
    // The egress router of the same path: one hop less on the wire, the same count.
    let egress = with_label(router(hop()), 100, LOOKUP, TtlModel::Uniform);
    assert_eq!(sent(&egress, &frame), padded(&format!("{OUT} 0800 {TTL_5}")));
}

#[test]
fn c2_pipe_and_short_pipe() {
    let ingress = router(NextHop { labels: vec![100], push_ttl: PushTtl::Pipe(255), ..hop() });
    let frame = sent(&ingress, &padded(&format!("{IN} 0800 {TTL_10}")));
    assert_eq!(frame[14..18], [0, 6, 0x41, 255]);
    for model in [TtlModel::Pipe, TtlModel::ShortPipe] {
        let penultimate = with_label(router(hop()), 100, pop(Payload::V4), model);
        let exposed = sent(&penultimate, &frame);
        assert_eq!(exposed, padded(&format!("{OUT} 0800 {TTL_9}")));
        assert_eq!(sent(&router(hop()), &exposed), padded(&format!("{OUT} 0800 {TTL_8}")));
        let egress = with_label(router(hop()), 100, LOOKUP, model);
        assert_eq!(sent(&egress, &frame), padded(&format!("{OUT} 0800 {TTL_8}")));
        // An exposed TTL is neither checked nor changed by the hop before the last.
        becomes(&penultimate, &format!("00064102 {TTL_1}"), "0800", TTL_1);
    }
    let penultimate = with_label(router(hop()), 100, pop(Payload::V6), TtlModel::Uniform);
    becomes(&penultimate, &format!("00064140 {V6_64}"), "86dd", V6_63);
}

#[test]
fn c4_explicit_null_is_popped_and_its_class_is_the_tc() {
    let mut router = router(hop());
    router.vrfs[0].push(route("b99b0409", 32, Target::Local));
    let ping = "4500001c00014000ff01009ab99b0406b99b0409 0800f7ff00000000";
    punts(&router, &format!("8847 000001fe {ping}"), Punt::Local);
    let frame = padded(&format!("{IN} 8847 00000bfe {TTL_64}"));
    let Outcome::Transmit { class, .. } = run(&router, &frame) else { panic!("not transmitted") };
    assert_eq!(class, 5);
}

#[test]
fn c5_explicit_null_promises_a_family_at_the_bottom_only() {
    let router = with_swap(router(hop()), 100, &[200]);
    becomes(&router, &format!("00000105 {TTL_64}"), "0800", TTL_4);
    becomes(&router, &format!("00002140 {V6_64}"), "86dd", V6_63);
    drops(&router, &format!("8847 00000140 {V6_64}"), "payload_mismatch");
    drops(&router, &format!("8847 00002140 {TTL_64}"), "payload_mismatch");
    // RFC 4182: above the bottom either may be, and the next label is looked up.
    becomes(&router, &format!("00000040 00064120 {TTL_64}"), "8847", &format!("000c813f {TTL_64}"));
    becomes(&router, &format!("00002040 00064120 {TTL_64}"), "8847", &format!("000c813f {TTL_64}"));
}

#[test]
fn c7_the_s_bit_is_bit_eight_of_the_word() {
    // Label 16 has the bit that a host-order reader takes for S; the true one is clear, then set.
    let router = with_label(router(hop()), 16, pop(Payload::V4), TtlModel::Pipe);
    becomes(&router, &format!("00010040 00010140 {TTL_64}"), "8847", &format!("00010140 {TTL_64}"));
    becomes(&router, &format!("00010140 {TTL_64}"), "0800", TTL_64);
}

#[test]
fn c8_labels_are_twenty_bits() {
    for (label, octets) in
        [(16, "000101"), (256, "001001"), (65536, "100001"), (1_000_000, "f42401"), (1_048_575, "fffff1")]
    {
        let out = with_swap(router(hop()), 100, &[label]);
        becomes(&out, &format!("00064140 {TTL_64}"), "8847", &format!("{octets}3f {TTL_64}"));
        let back = with_swap(router(hop()), label, &[100]);
        becomes(&back, &format!("{octets}40 {TTL_64}"), "8847", &format!("0006413f {TTL_64}"));
    }
}

#[test]
fn c11_the_mtu_counts_labels() {
    let labels = vec![100, 200];
    let mut router = router(NextHop { labels, ..hop() });
    let big = format!("0800 450005da00014000401121060a0100010a020009 {}", "00".repeat(1478));
    punts(&router, &big, Punt::MtuExceeded(1492));
    router.next_hops[0].mtu = 1508;
    assert_eq!(sent(&router, &hex(&format!("{IN} {big}"))).len(), 14 + 8 + 1498);
    router.next_hops[0].mtu = 1506;
    // What is behind the packet does not make it too big: it goes.
    assert_eq!(sent(&router, &hex(&format!("{IN} {big} a5a5a5"))).len(), 14 + 8 + 1498);
    router.next_hops[0].mtu = 1505;
    punts(&router, &big, Punt::MtuExceeded(1497));
    // Tags are free, and a swap counts the whole stack.
    router.next_hops[0].tags = EgressTags::Push(vec![tag(0x8100, 1, None); 2]);
    router.next_hops[0].labels = vec![];
    let router = with_swap(router, 100, &[300]);
    let stack = |length| format!("8847 00064040 00064140 {}", "45".repeat(length));
    assert_eq!(sent(&router, &hex(&format!("{IN} {}", stack(1497)))).len(), 14 + 8 + 8 + 1497);
    punts(&router, &stack(1498), Punt::MtuExceeded(1497));
}

#[test]
fn c13_one_decrement_per_node() {
    let mut local = router(hop());
    local.vrfs[0].push(route("0a020009", 32, Target::Local));
    for model in [TtlModel::Uniform, TtlModel::Pipe] {
        local.null_ttl = model;
        // Local delivery checks no TTL at all.
        punts(&local, &format!("8847 000001ff {TTL_255}"), Punt::Local);
        punts(&local, &format!("8847 00000100 {TTL_1}"), Punt::Local);
        let mut through = router(hop());
        through.null_ttl = model;
        becomes(&through, &format!("000001ff {TTL_255}"), "0800", TTL_254);
    }
}

#[test]
fn c14_nothing_leaves_with_ttl_0() {
    let mut router = with_swap(router(hop()), 100, &[200]);
    router = with_label(router, 101, pop(Payload::V4), TtlModel::Pipe);
    router = with_label(router, 102, LOOKUP, TtlModel::Pipe);
    router = with_label(router, 103, pseudowire_end(false, vec![]), TtlModel::Pipe);
    router = with_label(router, 104, LOOKUP, TtlModel::Uniform);
    for ttl in ["00", "01"] {
        for label in ["000641", "000651", "000661", "000671", "000681"] {
            punts(&router, &format!("8847 {label}{ttl} {TTL_64}"), Punt::MplsTtlExpired);
        }
    }
    // The TTL beneath the top is of no interest.
    becomes(&router, &format!("00064002 000c8100 {TTL_1}"), "8847", &format!("000c8001 000c8100 {TTL_1}"));
    punts(&router, &format!("0800 {TTL_1}"), Punt::TtlExpired);
    punts(&router, &format!("8847 000661ff {TTL_1}"), Punt::TtlExpired);
}

#[test]
fn special_labels() {
    let router = with_swap(router(hop()), 100, &[200]);
    let router = with_label(router, 101, LOOKUP, TtlModel::Uniform);
    let on_top = |label: u32| format!("8847 {:06x}40 00064140 {TTL_64}", label << 4);
    for label in [4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15] {
        drops(&router, &on_top(label), "reserved_label");
    }
    drops(&router, &on_top(3), "implicit_null");
    // An entropy pair on top was beneath a label that was popped one hop before.
    becomes(&router, &format!("00007040 00100000 00064140 {TTL_64}"), "8847", &format!("000c813f {TTL_64}"));
    becomes(&router, &format!("0000f040 00007040 00100100 {TTL_64}"), "0800", TTL_63);
    drops(&router, &format!("8847 00007140 {TTL_64}"), "entropy_label");
    drops(&router, &on_top(99), "unknown_label");
    drops(&router, &format!("8847 00001140 {TTL_64}"), "reserved_label");
    // Router alert: forwarded by the label beneath, pushed back with its TC.
    becomes(&router, &format!("00001a40 00064120 {TTL_64}"), "8847", &format!("00001a3f 000c811f {TTL_64}"));
    punts(&router, &format!("8847 00001001 00064140 {TTL_64}"), Punt::MplsTtlExpired);
    drops(&router, &format!("8847 00001040 00001040 00064140 {TTL_64}"), "reserved_label");
    // The egress takes the entropy pair off with its label, plain or extended, above a label or IP.
    becomes(
        &router,
        &format!("00065010 00007010 00100100 {TTL_64}"),
        "0800",
        "4500001c000140000f1157c40a0100010a020009 1234567800080000",
    );
    becomes(
        &router,
        &format!("00065010 0000f010 00007010 00100000 00064140 {TTL_64}"),
        "8847",
        &format!("000c810f {TTL_64}"),
    );
    drops(&router, &format!("8847 00065010 00007110 {TTL_64}"), "entropy_label");
    drops(&router, &format!("8847 00065010 00007010 0000f100 {TTL_64}"), "entropy_label");
    assert_eq!(run(&router, &hex(&format!("{IN} 8847 0006"))), Outcome::Drop("label_stack_malformed"));
    assert_eq!(run(&router, &hex(&format!("{IN} 8847 00065040"))), Outcome::Drop("label_stack_malformed"));
    drops(&router, &format!("8847 {} 00065140 {TTL_64}", "00065040 ".repeat(16)), "label_stack_depth");
    let fifteen = format!("{} 00065140 {TTL_64}", "000650ff ".repeat(15));
    assert!(matches!(run(&router, &padded(&format!("{IN} 8847 {fifteen}"))), Outcome::Transmit { .. }));
}

#[test]
fn entropy_pairs_and_traffic_classes_pushed() {
    let labels = vec![100, 200];
    let router = router(NextHop { labels, entropy: true, ..hop() });
    let cs5 = "45a0001c00014000051161240a0100010a020009 1234567800080000";
    let frame = padded(&format!("{IN} 0800 {cs5}"));
    let out = sent(&router, &frame);
    // TC 5 is the precedence of CS5; the entropy label has TC and TTL 0.
    let entropy = (16 + crate::hash_of(&frame) % ((1 << 20) - 16)) << 12;
    assert_eq!(out[..30], hex(&format!("{OUT} 8847 00064a04 00007a04 {entropy:08x} 000c8b04"))[..]);
    // A uniform pop writes the TC to the DSCP only if the precedence differs.
    let egress = with_label(super::router(hop()), 100, pop(Payload::V4), TtlModel::Uniform);
    becomes(&egress, &format!("00064b06 {TTL_64}"), "0800", cs5);
    let ef = "45b8001c000140000a115c0c0a0100010a020009 1234567800080000";
    becomes(&egress, &format!("00064b0a {ef}"), "0800", "45b8001c0001400009115d0c0a0100010a020009 1234567800080000");
    // The DSCP reset of a sub-interface leaves ECN alone.
    let mut reset = super::router(hop());
    reset.ports[0].subs[0].service = Service::Route { vrf: 0, mpls: false, dscp_reset: Some(0) };
    let ecn = padded(&format!("{IN} 0800 45a1001c00014000051161230a0100010a020009 1234567800080000"));
    let out = sent(&reset, &ecn);
    assert_eq!(out[14..26], hex("4501001c00014000041162c3")[..]);
    drops(&reset, &format!("8847 00064140 {TTL_64}"), "mpls_not_enabled");
}

/// The entropy label indicator behind the extension label is found wherever in the stack the two lie.
#[test]
fn an_extended_entropy_pair_at_any_depth() {
    let router = with_label(router(hop()), 101, LOOKUP, TtlModel::Pipe);
    for above in 1..8 {
        let stack = format!("{}0000f0ff 000070ff 00100100 {TTL_64}", "000650ff ".repeat(above));
        becomes(&router, &stack, "0800", TTL_63);
    }
    drops(&router, &format!("8847 000650ff 000650ff 0000f0ff 000080ff 00100100 {TTL_64}"), "reserved_label");
}

/// The router alert that goes back on top needs its room, and only where there is a stack to put it on.
#[test]
fn a_router_alert_counts_in_the_mtu() {
    let big = |length: usize| format!("4500{length:04x}");
    let packet = |length: usize| {
        let checksum = 0x26e0 - length as u16;
        format!("{} 000140004011 {checksum:04x} 0a010001 0a020009 {}", big(length), "5a".repeat(length - 20))
    };
    let labelled = NextHop { labels: vec![300], mtu: 108, ..hop() };
    let router = with_label(router(labelled), 100, LOOKUP, TtlModel::Pipe);
    becomes_long(&router, &format!("00001040 00064140 {}", packet(100)), 14 + 4 + 4 + 100);
    punts(&router, &format!("8847 00001040 00064140 {}", packet(101)), Punt::MtuExceeded(100));
    let mut plain = router.clone();
    plain.next_hops[0].labels = vec![];
    let plain = with_label(plain, 101, pop(Payload::V4), TtlModel::Pipe);
    becomes_long(&plain, &format!("00001040 00064140 {}", packet(108)), 14 + 108);
    becomes_long(&plain, &format!("00001040 00065140 {}", packet(108)), 14 + 108);
    punts(&plain, &format!("8847 00001040 00065140 {}", packet(109)), Punt::MtuExceeded(108));
}

#[track_caller]
fn becomes_long(router: &ModelRouter, stack: &str, octets: usize) {
    assert_eq!(sent(router, &hex(&format!("{IN} 8847 {stack}"))).len(), octets);
}

/// Ethertype 8848 belongs to the stack that came with it; labels pushed after its end are this router's own.
#[test]
fn the_ethertype_of_the_stack_ends_with_it() {
    let router = with_label(router(NextHop { labels: vec![300], ..hop() }), 100, LOOKUP, TtlModel::Uniform);
    let router = with_label(router, 101, pop(Payload::V4), TtlModel::Pipe);
    let router = with_swap(router, 102, &[300]);
    for (label, ethertype) in [("000641", "8847"), ("000651", "8847"), ("000661", "8848")] {
        let out = sent(&router, &padded(&format!("{IN} 8848 {label}40 {TTL_64}")));
        assert_eq!(out[12..17], hex(&format!("{ethertype} 0012c1"))[..], "{label}");
    }
}

/// Nobody is told the MTU about what the label did not promise.
#[test]
fn what_lies_beneath_is_judged_before_its_length() {
    let router = with_label(router(NextHop { mtu: 64, ..hop() }), 100, pop(Payload::V4), TtlModel::Pipe);
    drops(&router, &format!("8847 00064140 {}", "5a".repeat(100)), "payload_mismatch");
    // A stack that has no bottom counts as far as it goes.
    let router = with_swap(router, 101, &[300]);
    punts(&router, &format!("8847 00065040 {}", "00064040".repeat(16)), Punt::MtuExceeded(0));
    punts(&router, &format!("8847 00065040 {}", "0006404000064140".repeat(8)), Punt::MtuExceeded(52));
}
