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
