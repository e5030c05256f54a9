//! The octet-level model of forwarding against literal octets from the standards and from public reports.
//! Nothing here touches the library: it is the oracle that is judged.

mod model;

use model::*;

/// Octets from hexadecimal digits; spaces are for the reader.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|c| !c.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Octets padded with zeros to the smallest frame.
fn padded(text: &str) -> Vec<u8> {
    let mut octets = hex(text);
    octets.resize(octets.len().max(60), 0);
    octets
}

const IN: &str = "02000000000a 02000000000b";
const OUT: &str = "02000000000c 02000000000d";
/// IPv4 to 10.2.0.9, UDP, 28 octets, DF, by TTL; the checksums come from elsewhere.
const TTL_1: &str = "4500001c00014000011165c40a0100010a020009 1234567800080000";
const TTL_4: &str = "4500001c00014000041162c40a0100010a020009 1234567800080000";
const TTL_5: &str = "4500001c00014000051161c40a0100010a020009 1234567800080000";
const TTL_8: &str = "4500001c0001400008115ec40a0100010a020009 1234567800080000";
const TTL_9: &str = "4500001c0001400009115dc40a0100010a020009 1234567800080000";
const TTL_10: &str = "4500001c000140000a115cc40a0100010a020009 1234567800080000";
const TTL_63: &str = "4500001c000140003f1127c40a0100010a020009 1234567800080000";
const TTL_64: &str = "4500001c00014000401126c40a0100010a020009 1234567800080000";
const TTL_254: &str = "4500001c00014000fe1168c30a0100010a020009 1234567800080000";
const TTL_255: &str = "4500001c00014000ff1167c30a0100010a020009 1234567800080000";
const V6_64: &str =
    "6000000000081140 20010db8000000000000000000000001 20010db8000100000000000000000002 1234567800080000";
const V6_63: &str =
    "600000000008113f 20010db8000000000000000000000001 20010db8000100000000000000000002 1234567800080000";

fn hop() -> NextHop {
    NextHop {
        port: 1,
        dst: [2, 0, 0, 0, 0, 0x0c],
        src: [2, 0, 0, 0, 0, 0x0d],
        tags: EgressTags::Push(vec![]),
        labels: vec![],
        push_ttl: PushTtl::Uniform,
        push_tc: None,
        entropy: false,
        mtu: 1500,
    }
}

fn route(prefix: &str, length: u32, target: Target) -> Route {
    Route { prefix: hex(prefix), length, target }
}

/// Port 0 routes untagged IP and MPLS to one next hop on port 1, for both families.
fn router(hop: NextHop) -> ModelRouter {
    let service = Service::Route { vrf: 0, mpls: true, dscp_reset: None };
    let subs = vec![Sub { key: Key::Untagged, service }];
    ModelRouter {
        ports: vec![Port { outer_tpids: vec![0x8100], inner_tpids: vec![0x8100], accept: Accept::All, subs }],
        vrfs: vec![vec![
            route("0a020000", 16, Target::Via(vec![0])),
            route("20010db8000100000000000000000000", 48, Target::Via(vec![0])),
        ]],
        next_hops: vec![hop],
        ..Default::default()
    }
}

fn with_label(mut router: ModelRouter, label: u32, op: LabelOp, ttl: TtlModel) -> ModelRouter {
    router.labels.insert(label, LabelEntry { op, ttl });
    router
}

/// A swap to these labels, through a next hop of its own like the first.
fn with_swap(mut router: ModelRouter, label: u32, out: &[u32]) -> ModelRouter {
    let hop = NextHop { labels: out.to_vec(), ..router.next_hops[0].clone() };
    router.next_hops.push(hop);
    let via = vec![router.next_hops.len() - 1];
    with_label(router, label, LabelOp::Swap { via }, TtlModel::Uniform)
}

fn pop(payload: Payload) -> LabelOp {
    LabelOp::Pop { payload, via: vec![0] }
}

const LOOKUP: LabelOp = LabelOp::PopLookup { vrf: 0 };

fn pseudowire_end(control_word: bool, push: Vec<Tag>) -> LabelOp {
    LabelOp::PopPseudowire { control_word, port: 1, push, mtu: 1500 }
}

fn run(router: &ModelRouter, frame: &[u8]) -> Outcome {
    forward(router, 0, frame, 5, &|_| 0)
}

/// What leaves on port 1.
#[track_caller]
fn sent(router: &ModelRouter, frame: &[u8]) -> Vec<u8> {
    match run(router, frame) {
        Outcome::Transmit { port: 1, octets, .. } => octets,
        other => panic!("not transmitted on port 1: {other:?}"),
    }
}

/// That an MPLS frame with this stack and payload leaves as this ethertype and this stack and payload.
#[track_caller]
fn becomes(router: &ModelRouter, stack: &str, ethertype: &str, out: &str) {
    let frame = padded(&format!("{IN} 8847 {stack}"));
    assert_eq!(sent(router, &frame), padded(&format!("{OUT} {ethertype} {out}")));
}

#[track_caller]
fn drops(router: &ModelRouter, rest: &str, reason: &'static str) {
    assert_eq!(run(router, &padded(&format!("{IN} {rest}"))), Outcome::Drop(reason), "{rest}");
}

#[track_caller]
fn punts(router: &ModelRouter, rest: &str, reason: Punt) {
    assert_eq!(run(router, &padded(&format!("{IN} {rest}"))), Outcome::Punt(reason), "{rest}");
}

fn tag(tpid: u16, vid: u16, pcp: Option<u8>) -> Tag {
    Tag { tpid, vid, pcp }
}

/// A port with one cross-connect.
fn cross_connect(tpids: &[u16], key: Key, pop: usize, push: Vec<Tag>) -> ModelRouter {
    let mut router = router(hop());
    let service = Service::CrossConnect { pop, push, port: 1, filter_reserved: true, mtu: 1500 };
    router.ports[0].outer_tpids = tpids.to_vec();
    router.ports[0].inner_tpids = tpids.to_vec();
    router.ports[0].subs = vec![Sub { key, service }];
    router
}

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
    let copy = cross_connect(&[0x8100], Key::Outer(10), 1, vec![tag(0x88a8, 20, None), tag(0x8100, 21, Some(1))]);
    let out = sent(&copy, &padded(&format!("{IN} 8100 b00a 0806 0001")));
    assert_eq!(out[12..22], hex("88a8 b014 8100 2015 0806")[..]);
}

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
fn c9_control_word_goes_and_the_inner_frame_stays() {
    let arp = padded("ffffffffffff cc010d5c0010 0806 0001080006040001cc010d5c00100102030400000000000001020304");
    let inner: String = arp.iter().map(|octet| format!("{octet:02x}")).collect();
    let frame = hex(&format!("cc000d5c0010 cc010d5c0011 8847 000130fe 000101ff 00000000 {inner}"));
    let mut router = with_label(router(hop()), 19, pop(Payload::Labels), TtlModel::Pipe);
    router = with_label(router, 16, pseudowire_end(true, vec![]), TtlModel::Pipe);
    let exposed = sent(&router, &frame);
    assert_eq!(exposed[12..22], hex("8847 000101ff 00000000")[..]);
    assert_eq!(sent(&router, &exposed), arp);
    // Whether the word is there is configuration, never a guess; an ACH is not user traffic.
    let plain = with_label(router.clone(), 16, pseudowire_end(false, vec![]), TtlModel::Pipe);
    assert_eq!(sent(&plain, &hex(&format!("{IN} 8847 000101ff {inner}"))), arp);
    drops(&router, &format!("8847 000101ff 10000021 {inner}"), "pseudowire_ach");
    drops(&router, &format!("8847 000101ff {inner}"), "control_word");
    drops(&router, &format!("8847 000100ff 000641ff 00000000 {inner}"), "payload_mismatch");
}

#[test]
fn c9_into_the_pseudowire() {
    let mut router = router(NextHop { labels: vec![19, 16], push_ttl: PushTtl::Pipe(254), ..hop() });
    let service = Service::Pseudowire { pop: 1, control_word: true, hop: 0 };
    router.ports[0].subs = vec![Sub { key: Key::Outer(10), service }];
    let frame = padded(&format!("{IN} 8100 a00a 0806 0001"));
    // The tag of the service is gone, its PCP is the TC, and the wire's octets are all there.
    let mut inner = hex(&format!("{IN} 0806 0001"));
    inner.resize(56, 0);
    let mut expected = hex(&format!("{OUT} 8847 00013afe 00010bfe 00000000"));
    expected.extend(inner);
    assert_eq!(sent(&router, &frame), expected);
    router.next_hops[0].mtu = 60;
    drops(&router, "8100 a00a 0806 0001", "mtu_exceeded");
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
fn c15_only_the_configured_traffic_is_labelled_and_the_type_comes_back() {
    let ingress = router(NextHop { labels: vec![100], ..hop() });
    drops(&ingress, "0806 0001", "arp");
    drops(&ingress, "0026 4242", "llc");
    let out = sent(&ingress, &padded(&format!("{IN} 86dd {V6_64}")));
    assert_eq!(out, hex(&format!("{OUT} 8847 0006413f {V6_63}")));
    let egress = with_label(router(hop()), 100, LOOKUP, TtlModel::Pipe);
    assert_eq!(sent(&egress, &out)[12..14], hex("86dd")[..]);
    let penultimate = with_label(router(hop()), 100, pop(Payload::V4), TtlModel::Pipe);
    drops(&penultimate, &format!("8847 00064140 {V6_64}"), "payload_mismatch");
}

#[test]
fn c16_the_payload_ramp_is_whole() {
    let router = router(NextHop { labels: vec![100], mtu: 9000, ..hop() });
    for length in [60, 61, 1514] {
        let (into, out) = match length {
            60 => ("4500002e00014000401126b20a0100010a020009", "4500002e000140003f1127b20a0100010a020009"),
            61 => ("4500002f00014000401126b10a0100010a020009", "4500002f000140003f1127b10a0100010a020009"),
            _ => ("450005dc00014000401121040a0100010a020009", "450005dc000140003f1122040a0100010a020009"),
        };
        let ramp: Vec<u8> = (0..length - 34).map(|at| at as u8).collect();
        let frame = [hex(&format!("{IN} 0800 {into}")), ramp.clone()].concat();
        assert_eq!(frame.len(), length);
        let expected = [hex(&format!("{OUT} 8847 0006413f {out}")), ramp].concat();
        assert_eq!(sent(&router, &frame), expected);
    }
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
    drops(&router, &on_top(7), "entropy_label");
    drops(&router, &on_top(99), "unknown_label");
    drops(&router, &format!("8847 00001140 {TTL_64}"), "reserved_label");
    drops(&router, &format!("8847 0000f040 00007040 00100140 {TTL_64}"), "entropy_label");
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
    // Hash 5 is entropy label 21; TC 5 is the precedence of CS5.
    assert_eq!(out[..30], hex(&format!("{OUT} 8847 00064a04 00007a04 00015000 000c8b04"))[..]);
    // A uniform pop writes the TC to the DSCP only if the precedence differs.
    let egress = with_label(crate::router(hop()), 100, pop(Payload::V4), TtlModel::Uniform);
    becomes(&egress, &format!("00064b06 {TTL_64}"), "0800", cs5);
    let ef = "45b8001c000140000a115c0c0a0100010a020009 1234567800080000";
    becomes(&egress, &format!("00064b0a {ef}"), "0800", "45b8001c0001400009115d0c0a0100010a020009 1234567800080000");
    // The DSCP reset of a sub-interface leaves ECN alone.
    let mut reset = crate::router(hop());
    reset.ports[0].subs[0].service = Service::Route { vrf: 0, mpls: false, dscp_reset: Some(0) };
    let ecn = padded(&format!("{IN} 0800 45a1001c00014000051161230a0100010a020009 1234567800080000"));
    let out = sent(&reset, &ecn);
    assert_eq!(out[14..26], hex("4501001c00014000041162c3")[..]);
    drops(&reset, &format!("8847 00064140 {TTL_64}"), "mpls_not_enabled");
}

#[test]
fn ip_headers_and_destinations() {
    let mut router = router(hop());
    for (rest, reason) in [
        ("4500001c00014000401126c50a0100010a020009", "ipv4_checksum"),
        ("5500001c00014000401126c40a0100010a020009", "ipv4_header"),
        ("4400001c00014000401126c40a0100010a020009", "ipv4_header"),
        ("4500001300014000401126c40a0100010a020009", "ipv4_header"),
        ("4500ffff00014000401126c40a0100010a020009", "ipv4_header"),
        ("4500001c00014000401150cd0a010001e0000001", "multicast"),
        ("4500001c00014000401130cf0a010001ffffffff", "broadcast"),
        ("4500001c000140004011b1cd0a0100017f000001", "loopback"),
        ("4500001c00014000401185cf0a010001a9fe0101", "link_local"),
        ("4500001c00014000401130ce0a01000100000001", "unspecified"),
        ("4500001c00014000401125ce0a0100010b000001", "no_route"),
    ] {
        drops(&router, &format!("0800 {rest}"), reason);
    }
    let v6 = |destination: &str| format!("86dd 6000000000003b40 20010db8000000000000000000000001 {destination}");
    for (destination, reason) in [
        ("ff020000000000000000000000000001", "multicast"),
        ("febf0000000000000000000000000001", "link_local"),
        ("00000000000000000000000000000001", "loopback"),
        ("00000000000000000000000000000000", "unspecified"),
        ("20010db8000200000000000000000001", "no_route"),
    ] {
        drops(&router, &v6(destination), reason);
    }
    drops(&router, "86dd 60000000ffff3b40", "ipv6_header");
    router.vrfs[0].push(route("e0000001", 32, Target::Local));
    router.vrfs[0].push(route("0b000000", 8, Target::Discard("blackhole")));
    punts(&router, "0800 4500001c00014000401150cd0a010001e0000001", Punt::Local);
    drops(&router, "0800 4500001c00014000401125ce0a0100010b000001", "blackhole");
}

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever arrives, the model has an answer, what it transmits is a frame, and it is a function.
    #[test]
    fn the_model_answers_anything(router in routers::router(), frame in frames::frame(), port in 0usize..3) {
        let outcome = forward(&router, port, &frame, 77, &|n| n - 1);
        if let Outcome::Transmit { port, class, octets } = &outcome {
            prop_assert!(*port < routers::PORTS && *class < 8 && octets.len() >= 60);
        }
        prop_assert_eq!(outcome, forward(&router, port, &frame, 77, &|n| n - 1));
    }
}
