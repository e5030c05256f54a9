//! Frames as they are inside the provider's network: tags, label stacks, pseudowires.

use super::frames::{ARP, BROADCAST, IPV4, Ip, MPLS, arp, ethernet, mac, padded, stack, tagged, tci};
use super::{Frame, outbound};

/// The same packets under every arrangement of tags: S-tags with `tpid`, C-tags with 0x8100.
pub(crate) fn qinq(tpid: u16) -> Vec<Frame> {
    const CUSTOMER: u16 = 0x8100;
    let mut frames = Vec::new();
    let mut put = |frame: &[u8]| frames.push(outbound(frames.len() as u64 * 50_000, padded(frame.to_vec())));
    for plain in plain() {
        put(&tagged(&tagged(&plain, CUSTOMER, tci(0, false, 20)), tpid, tci(0, false, 110)));
        put(&tagged(&tagged(&plain, CUSTOMER, tci(5, false, 21)), tpid, tci(5, true, 110)));
    }
    let plain = &plain()[0];
    for vid in [0, 1, 4094, 4095] {
        put(&tagged(&tagged(plain, CUSTOMER, tci(3, false, vid)), tpid, tci(3, false, 110)));
        put(&tagged(&tagged(plain, CUSTOMER, tci(3, false, 20)), tpid, tci(3, false, vid)));
    }
    // One tag, none, three, and one that is cut inside.
    put(&tagged(plain, tpid, tci(0, false, 110)));
    put(&tagged(plain, CUSTOMER, tci(7, false, 20)));
    put(plain);
    let two = tagged(&tagged(plain, CUSTOMER, tci(0, false, 30)), CUSTOMER, tci(0, false, 20));
    put(&tagged(&two, tpid, tci(0, false, 110)));
    frames.push(outbound(frames.len() as u64 * 50_000, tagged(&two, tpid, 110)[..19].to_vec()));
    frames
}

/// Stacks of 1 to 6 labels over IPv4 and IPv6: label 100 on top, then 200, 300 and so on; traffic
/// class as deep as the stack, TTL 64 on top and 255 below.
pub(crate) fn labels() -> Vec<Frame> {
    let mut frames = Vec::new();
    for depth in 1..=6u32 {
        for (i, plain) in plain().iter().take(2).enumerate() {
            let entries: Vec<_> = (1..=depth).map(|n| (n * 100, depth, if n == 1 { 64 } else { 255 })).collect();
            let at_ns = u64::from(depth) * 1_000_000 + i as u64 * 10_000;
            frames.push(outbound(at_ns, labelled(&entries, &plain[14..])));
        }
    }
    frames
}

/// Ethernet over MPLS (RFC 4448): transport label 1000 over pseudowire label 2000 with a control
/// word, 2001 without.
pub(crate) fn pseudowires() -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut put = |label, word: &[u8], inner: &[u8]| {
        let stack = [(1000, 0, 64), (label, 0, 255)];
        frames.push(outbound(frames.len() as u64 * 50_000, labelled(&stack, &[word, inner].concat())));
    };
    // Addresses whose first nibble is 4 or 6 look like IP to what guesses.
    for first in [0x02, 0x40, 0x60] {
        for plain in plain() {
            let mut inner = padded(plain);
            inner[0] = first;
            put(2000, &[0, 0, 0, 0], &inner);
            put(2001, &[], &inner);
        }
    }
    let inner = padded(plain().remove(0));
    for sequence in [1u8, 2, 4, 3] {
        put(2000, &[0, 0, 0, sequence], &inner);
    }
    put(2000, &[0, 0, 0, 0], &tagged(&inner, 0x8100, tci(4, false, 20)));
    put(2001, &[], &tagged(&inner, 0x88a8, tci(4, true, 110)));
    // An associated channel (RFC 4385 §5), a label that no pseudowire has, a frame that is cut.
    put(2000, &[0x10, 0, 0, 7], &[0; 24]);
    put(2999, &[], &inner);
    put(2000, &[0, 0, 0, 0], &inner[..10]);
    frames
}

/// IPv4, IPv6, TCP, ARP, as a customer sends them; not padded.
fn plain() -> Vec<Vec<u8>> {
    let (edge, host) = (mac(0, 1), mac(0x10, 10));
    let v4 = Ip { dscp: 10, ..Ip::new("10.10.1.10", "10.20.1.10") };
    let v6 = Ip { dscp: 10, ..Ip::new("fd10:10:0:1::10", "fd10:20:0:1::10") };
    vec![
        ethernet(edge, host, IPV4, &v4.udp((4000, 5000), b"a datagram in a tunnel")),
        ethernet(edge, host, v6.ethertype(), &v6.udp((4000, 5000), b"a datagram in a tunnel")),
        ethernet(edge, host, IPV4, &v4.tcp((4001, 443), (1, 1), super::frames::ACK, &[])),
        ethernet(BROADCAST, host, ARP, &arp(1, (host, [10, 10, 1, 10]), ([0; 6], [10, 10, 1, 1]))),
    ]
}

/// From one provider router to the next.
fn labelled(entries: &[(u32, u32, u32)], payload: &[u8]) -> Vec<u8> {
    padded(ethernet(mac(0x30, 2), mac(0x30, 1), MPLS, &[&stack(entries), payload].concat()))
}
