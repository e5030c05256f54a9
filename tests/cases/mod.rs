//! Literal octets from the standards and from public reports of faults (b1, c2, ...), for whoever forwards.
//!
//! The crate that includes this module says who: `crate::run` forwards a frame that arrives at port 0, `crate::hash_of`
//! is the flow hash of a frame. The octets expected come from the texts and from arithmetic done elsewhere.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part, and exports nothing

mod ip;
mod mpls;
mod pseudowire;
mod vlan;

use crate::model::*;
use crate::run;

/// Octets from hexadecimal digits; spaces are for the reader.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|c| !c.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Octets padded with zeros to the smallest frame.
pub fn padded(text: &str) -> Vec<u8> {
    let mut octets = hex(text);
    octets.resize(octets.len().max(60), 0);
    octets
}

pub const IN: &str = "02000000000a 02000000000b";
pub const OUT: &str = "02000000000c 02000000000d";
/// IPv4 to 10.2.0.9, UDP, 28 octets, DF, by TTL; the checksums come from elsewhere.
pub const TTL_1: &str = "4500001c00014000011165c40a0100010a020009 1234567800080000";
pub const TTL_4: &str = "4500001c00014000041162c40a0100010a020009 1234567800080000";
pub const TTL_5: &str = "4500001c00014000051161c40a0100010a020009 1234567800080000";
pub const TTL_8: &str = "4500001c0001400008115ec40a0100010a020009 1234567800080000";
pub const TTL_9: &str = "4500001c0001400009115dc40a0100010a020009 1234567800080000";
pub const TTL_10: &str = "4500001c000140000a115cc40a0100010a020009 1234567800080000";
pub const TTL_63: &str = "4500001c000140003f1127c40a0100010a020009 1234567800080000";
pub const TTL_64: &str = "4500001c00014000401126c40a0100010a020009 1234567800080000";
pub const TTL_254: &str = "4500001c00014000fe1168c30a0100010a020009 1234567800080000";
pub const TTL_255: &str = "4500001c00014000ff1167c30a0100010a020009 1234567800080000";
pub const V6_64: &str =
    "6000000000081140 20010db8000000000000000000000001 20010db8000100000000000000000002 1234567800080000";
pub const V6_63: &str =
    "600000000008113f 20010db8000000000000000000000001 20010db8000100000000000000000002 1234567800080000";

pub fn hop() -> NextHop {
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

pub fn route(prefix: &str, length: u32, target: Target) -> Route {
    Route { prefix: hex(prefix), length, target }
}

/// Port 0 routes untagged IP and MPLS to one next hop on port 1, for both families.
pub fn router(hop: NextHop) -> ModelRouter {
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

pub fn with_label(mut router: ModelRouter, label: u32, op: LabelOp, ttl: TtlModel) -> ModelRouter {
    router.labels.insert(label, LabelEntry { op, ttl });
    router
}

/// A swap to these labels, through a next hop of its own like the first.
pub fn with_swap(mut router: ModelRouter, label: u32, out: &[u32]) -> ModelRouter {
    let hop = NextHop { labels: out.to_vec(), ..router.next_hops[0].clone() };
    router.next_hops.push(hop);
    let via = vec![router.next_hops.len() - 1];
    with_label(router, label, LabelOp::Swap { via }, TtlModel::Uniform)
}

pub fn pop(payload: Payload) -> LabelOp {
    LabelOp::Pop { payload, via: vec![0] }
}

pub const LOOKUP: LabelOp = LabelOp::PopLookup { vrf: 0 };

pub fn pseudowire_end(control_word: bool, push: Vec<Tag>) -> LabelOp {
    LabelOp::PopPseudowire { control_word, port: 1, push, mtu: 1500 }
}

/// What leaves on port 1.
#[track_caller]
pub fn sent(router: &ModelRouter, frame: &[u8]) -> Vec<u8> {
    match run(router, frame) {
        Outcome::Transmit { port: 1, octets, .. } => octets,
        other => panic!("not transmitted on port 1: {other:?}"),
    }
}

/// That an MPLS frame with this stack and payload leaves as this ethertype and this stack and payload.
#[track_caller]
pub fn becomes(router: &ModelRouter, stack: &str, ethertype: &str, out: &str) {
    let frame = padded(&format!("{IN} 8847 {stack}"));
    assert_eq!(sent(router, &frame), padded(&format!("{OUT} {ethertype} {out}")));
}

#[track_caller]
pub fn drops(router: &ModelRouter, rest: &str, reason: &'static str) {
    assert_eq!(run(router, &padded(&format!("{IN} {rest}"))), Outcome::Drop(reason), "{rest}");
}

#[track_caller]
pub fn punts(router: &ModelRouter, rest: &str, reason: Punt) {
    assert_eq!(run(router, &padded(&format!("{IN} {rest}"))), Outcome::Punt(reason), "{rest}");
}

pub fn tag(tpid: u16, vid: u16, pcp: Option<u8>) -> Tag {
    Tag { tpid, vid, pcp }
}

/// A port with one cross-connect.
pub fn cross_connect(tpids: &[u16], key: Key, pop: usize, push: Vec<Tag>) -> ModelRouter {
    let mut router = router(hop());
    let service = Service::CrossConnect { pop, push, port: 1, filter_reserved: true, mtu: 1500 };
    router.ports[0].outer_tpids = tpids.to_vec();
    router.ports[0].inner_tpids = tpids.to_vec();
    router.ports[0].subs = vec![Sub { key, service }];
    router
}
