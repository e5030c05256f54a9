//! Ethernet frames beneath labels.

use super::*;

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

/// RFC 4448 section 4.6: twelve bits behind the first nibble are reserved, sent as 0 and ignored upon receipt. So the
/// word says no length, not even of a frame that its tag's removal has made short.
#[test]
fn the_control_word_of_ethernet_has_no_length() {
    let mut into = router(NextHop { labels: vec![16], ..hop() });
    let service = Service::Pseudowire { pop: 1, control_word: true, hop: 0 };
    into.ports[0].subs = vec![Sub { key: Key::Outer(10), service }];
    let out = sent(&into, &padded(&format!("{IN} 8100 000a 0806 0001")));
    assert_eq!((out.len(), &out[14..22]), (14 + 4 + 4 + 56, &hex("000101ff 00000000")[..]));
    let end = with_label(router(hop()), 16, pseudowire_end(true, vec![]), TtlModel::Pipe);
    let inner = "ffffffffffff cc010d5c0010 88b5 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a \
                 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    for word in ["00000000", "00140000", "0fff0000", "0000002a"] {
        assert_eq!(sent(&end, &hex(&format!("{IN} 8847 000101ff {word} {inner}"))), padded(inner), "{word}");
    }
}
