//! 802.1Q tags and cross-connects.

use super::*;
use crate::run;

#[test]
fn b1_outer_tpid_is_the_one_configured() {
    let push = vec![tag(0x88a8, 200, Some(0)), tag(0x8100, 100, Some(0))];
    let router = router(NextHop { tags: EgressTags::Push(push), ..hop() });
    let out = sent(&router, &padded(&format!("{IN} 0800 {TTL_64}")));
    assert_eq!(out[..22], hex(&format!("{OUT} 88a8 00c8 8100 0064 0800"))[..]);
    assert_eq!(out.len(), 68, "the padding of the 60-octet frame travels on");
}

#[test]
fn b6_priority_tags_are_all_treated_alike_and_the_frame_is_padded() {
    let router = router(hop());
    for tci in ["0000", "6000", "e000"] {
        let frame = padded(&format!("{IN} 8100 {tci} 0800 {TTL_64}"));
        assert_eq!(sent(&router, &frame), padded(&format!("{OUT} 0800 {TTL_63}")));
    }
    let router = cross_connect(&[0x8100], Key::Outer(7), 1, vec![]);
    for tci in ["0007", "e007"] {
        let frame = padded(&format!("{IN} 8100 {tci} 0806 0001"));
        assert_eq!(sent(&router, &frame), padded(&format!("{IN} 0806 0001")));
    }
}

#[test]
fn b9_push_and_pop_work_on_the_outermost_tag() {
    let tpids = [0x8100, 0x88a8];
    let two = hex(&format!("{IN} 8100 000a 8100 0014 88b5 {}", "5a".repeat(60)));
    let three = hex(&format!("{IN} 88a8 001e 8100 000a 8100 0014 88b5 {}", "5a".repeat(60)));
    let one = hex(&format!("{IN} 8100 0014 88b5 {}", "5a".repeat(60)));
    let push = cross_connect(&tpids, Key::Outer(10), 0, vec![tag(0x88a8, 30, None)]);
    assert_eq!(sent(&push, &two), three);
    assert_eq!(sent(&cross_connect(&tpids, Key::Outer(30), 1, vec![]), &three), two);
    assert_eq!(sent(&cross_connect(&tpids, Key::Outer(10), 1, vec![]), &two), one);
    assert_eq!(sent(&cross_connect(&tpids, Key::Pair(30, 10), 2, vec![]), &three), one);
}

#[test]
fn b12_no_octet_behind_the_tag_changes() {
    let fragment = "4500001c000100b94011660b0a0100010a020009 deadbeefdeadbeef";
    let frame = padded(&format!("{IN} 0800 {fragment}"));
    let push = cross_connect(&[0x8100], Key::Untagged, 0, vec![tag(0x8100, 5, Some(3))]);
    let tagged = sent(&push, &frame);
    assert_eq!(tagged[..16], hex(&format!("{IN} 8100 6005"))[..]);
    assert_eq!(tagged[16..], frame[12..]);
    assert_eq!(sent(&cross_connect(&[0x8100], Key::Outer(5), 1, vec![]), &tagged), frame);
}

#[test]
fn vlan_rules_of_the_port() {
    let mut router = router(hop());
    let ip = format!("0800 {TTL_64}");
    drops(&router, &format!("8100 0fff {ip}"), "vid_reserved");
    drops(&router, &format!("8100 0000 8100 0fff {ip}"), "vid_reserved");
    drops(&router, &format!("8100 000a {ip}"), "vlan_not_member");
    drops(&router, &format!("88a8 0fff {ip}"), "unknown_tpid");
    drops(&router, "0026 4242 03", "llc");
    drops(&router, "05ff 4242 03", "llc");
    drops(&router, "0806 0001", "arp");
    drops(&router, "0600 0001", "not_ip");
    router.ports[0].accept = Accept::OnlyTagged;
    drops(&router, &ip, "untagged_not_accepted");
    drops(&router, &format!("8100 a000 {ip}"), "untagged_not_accepted");
    router.ports[0].accept = Accept::OnlyUntagged;
    drops(&router, &format!("8100 000a {ip}"), "tagged_not_accepted");
    assert_eq!(run(&router, &[0; 13]), Outcome::Drop("runt"));
    let filtered = cross_connect(&[0x8100], Key::Any, 0, vec![]);
    for (last, passes) in [(0x00, false), (0x0f, false), (0x10, true)] {
        let frame = padded(&format!("0180c20000{last:02x} 02000000000b 8809 0101"));
        assert_eq!(matches!(run(&filtered, &frame), Outcome::Transmit { .. }), passes);
    }
    // PCP and DEI are copied from the arriving tag, or fixed.
    let copy = cross_connect(&[0x8100], Key::Outer(10), 1, vec![tag(0x88a8, 20, None), tag(0x8100, 21, None)]);
    let out = sent(&copy, &padded(&format!("{IN} 8100 b00a 0806 0001")));
    assert_eq!(out[12..22], hex("88a8 b014 8100 b015 0806")[..]);
    let fixed = cross_connect(&[0x8100], Key::Outer(10), 1, vec![tag(0x88a8, 20, Some(1)), tag(0x8100, 21, Some(2))]);
    let out = sent(&fixed, &padded(&format!("{IN} 8100 b00a 0806 0001")));
    assert_eq!(out[12..22], hex("88a8 2014 8100 4015 0806")[..]);
}

/// To a port that does not recognise its TPID a tag is payload: it has no priority to copy or to queue by.
#[test]
fn b4_an_unknown_outer_tag_has_no_priority() {
    let router = cross_connect(&[0x8100], Key::Untagged, 0, vec![tag(0x8100, 20, None)]);
    let frame = padded(&format!("{IN} 88a8 b00a 0806 0001"));
    let Outcome::Transmit { class, octets, .. } = run(&router, &frame) else { panic!("not transmitted") };
    assert_eq!((class, &octets[12..20]), (0, &hex("8100 0014 88a8 b00a")[..]));
}

/// What pops a tag pops the priority tag above it too, or the tag of the service would travel on.
#[test]
fn b6_a_priority_tag_does_not_hide_the_tag_to_pop() {
    let router = cross_connect(&[0x8100], Key::Outer(7), 1, vec![]);
    let frame = padded(&format!("{IN} 8100 a000 8100 2007 0806 0001"));
    let Outcome::Transmit { class, octets, .. } = run(&router, &frame) else { panic!("not transmitted") };
    assert_eq!((class, &octets[12..16]), (5, &hex("0806 0001")[..]));
    let all = cross_connect(&[0x8100], Key::Outer(7), 0, vec![]);
    assert_eq!(sent(&all, &frame), frame);
}
