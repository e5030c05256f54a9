//! IP headers, destinations, types and padding.

use super::*;

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
    router.vrfs[0].push(route("0b000000", 8, Target::Discard("unrouted")));
    punts(&router, "0800 4500001c00014000401150cd0a010001e0000001", Punt::Local);
    drops(&router, "0800 4500001c00014000401125ce0a0100010b000001", "unrouted");
}
