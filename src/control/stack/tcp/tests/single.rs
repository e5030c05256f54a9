//! One end by itself: retries, refusals, challenges, arbitrary octets.

use super::*;
use etherparse::{PacketBuilder, SlicedPacket, TcpSlice, TransportSlice};
use proptest::prelude::*;

fn tcp(packet: &[u8]) -> TcpSlice<'_> {
    let Some(TransportSlice::Tcp(tcp)) = SlicedPacket::from_ip(packet).unwrap().transport else { panic!("not TCP") };
    tcp
}

#[test]
fn retries_double_from_one_second_and_the_attempt_ends_when_told() {
    let mut pair = Pair::new(false, Options::default(), CLEAN, 1);
    pair.is_cut = true;
    let start = pair.now;
    pair.ends[0].connect(start);
    pair.run(Span::from_s(1000));
    let at: Vec<_> = pair.sent.iter().map(|(at, ..)| at.since(start).as_ps() / PS_PER_US).collect();
    // RFC 6298 §2.1, §5.5: the first timeout is 1 s, each next is twice as long.
    assert_eq!(at, [0, 999_999, 2_999_999, 6_999_999, 14_999_999, 30_999_999]);
    let (at, event) = pair.events[0][0];
    assert_eq!((event, at.since(start).as_ps() / PS_PER_US), (Event::TimedOut, 59_999_999));
    assert!(pair.sent.iter().all(|(_, side, packet)| *side == 0 && tcp(packet).syn()), "no reset into the void");
    assert_eq!(pair.ends[0].poll_timeout(), None);
    pair.is_cut = false;
    pair.ends[0].connect(pair.now);
    pair.run(Span::from_s(1));
    assert_eq!(pair.names()[0], [Event::TimedOut, Event::Connected]);
}

#[test]
fn a_port_without_listener_refuses() {
    for v6 in [false, true] {
        let mut pair = Pair::new(v6, Options::default(), CLEAN, 1);
        pair.ends[1].abort(pair.now);
        pair.ends[0].connect(pair.now);
        pair.run(Span::from_s(5));
        assert_eq!(pair.names(), [vec![Event::Refused], vec![]]);
        assert!(tcp(&pair.sent[1].2).rst());
        assert_eq!(pair.sent[1].2[if v6 { 7 } else { 8 }], 1, "the reset has the hop limit too");
    }
}

#[test]
fn source_ports_are_ephemeral_and_differ() {
    let ports: std::collections::BTreeSet<_> = (0..50)
        .map(|seed| {
            let mut end = end(0, false, Options::default(), seed);
            end.connect(Instant::ZERO);
            let packet = end.poll_transmit().unwrap();
            assert_eq!((tcp(&packet).source_port(), tcp(&packet).destination_port()), (end.local_port(), BGP_PORT));
            end.local_port()
        })
        .collect();
    assert!(ports.len() > 45 && ports.iter().all(|port| EPHEMERAL_PORTS.contains(port)));
}

/// A SYN within the connection from end 0 to end 1, with the control bits that `change` adds and padding behind it.
fn syn_within(pair: &Pair, options: &[etherparse::Ipv4Options], with_ack: bool) -> Vec<u8> {
    let mut ip =
        etherparse::Ipv4Header::new(20, 1, etherparse::IpNumber::TCP, [192, 168, 100, 129], [192, 168, 100, 130])
            .expect("a short packet");
    ip.options = options.first().cloned().unwrap_or_default();
    ip.set_payload_len(20).unwrap();
    let mut header = etherparse::TcpHeader::new(pair.ends[0].local_port(), BGP_PORT, 77, 4096);
    (header.syn, header.ack) = (true, with_ack);
    header.checksum = header.calc_checksum_ipv4(&ip, &[]).unwrap();
    ip.header_checksum = ip.calc_header_checksum();
    let mut packet = Vec::new();
    ip.write(&mut packet).unwrap();
    header.write(&mut packet).unwrap();
    // Ethernet's padding.
    packet.extend([0; 6]);
    packet
}

#[test]
fn a_syn_within_a_connection_is_challenged() {
    let none = etherparse::Ipv4Options::default();
    let twenty = etherparse::Ipv4Options::from([1; 20]);
    for (options, with_ack) in [(none.clone(), false), (none, true), (twenty, false)] {
        let mut pair = Pair::connected(false, Options::default(), CLEAN, 1);
        let last = &pair.sent.iter().rfind(|sent| sent.1 == 1).expect("end 1 said something").2;
        let acknowledged = tcp(last).acknowledgment_number();
        let syn = syn_within(&pair, &[options], with_ack);
        let count = pair.sent.len();
        pair.ends[1].handle_packet(pair.now, &syn);
        pair.run(Span::from_s(1));
        let answer = tcp(&pair.sent[count].2);
        assert!(answer.ack() && !answer.rst() && !answer.syn(), "RFC 9293 §3.10.7.4, RFC 5961 §4.2");
        assert_eq!(answer.acknowledgment_number(), acknowledged);
        assert!(pair.ends[0].is_open() && pair.ends[1].is_open());
    }
}

/// RFC 9293 §3.1: what has a wrong checksum is no segment, whatever it says.
#[test]
fn a_segment_with_a_wrong_checksum_is_not_there() {
    let mut pair = Pair::connected(false, Options::default(), CLEAN, 1);
    let mut syn = syn_within(&pair, &[], false);
    syn[20 + 14] ^= 1;
    let count = pair.sent.len();
    pair.ends[1].handle_packet(pair.now, &syn);
    pair.run(Span::from_s(1));
    assert_eq!(pair.sent.len(), count);
}

#[test]
fn a_syn_for_another_connection_is_reset_and_changes_nothing() {
    let mut pair = Pair::connected(false, Options::default(), CLEAN, 1);
    let mut syn = Vec::new();
    let builder = PacketBuilder::ipv4([192, 168, 100, 129], [192, 168, 100, 130], 1).tcp(5, BGP_PORT, 77, 4096).syn();
    builder.write(&mut syn, &[]).unwrap();
    pair.ends[1].handle_packet(pair.now, &syn);
    assert!(tcp(&pair.ends[1].poll_transmit().unwrap()).rst());
    assert!(pair.ends[1].is_open());
}

#[test]
fn the_queue_takes_what_it_has_room_for_and_gives_back_the_rest() {
    let options = Options { queue_octets: 10_000, ..Options::default() };
    let mut end = Pair::new(false, options, CLEAN, 1);
    assert_eq!(end.ends[0].send(end.now, vec![1]), Err(vec![1]), "not connected");
    let mut pair = Pair::connected(false, options, CLEAN, 1);
    assert_eq!(pair.ends[0].send(pair.now, vec![1; 10_001]).map_err(|back| back.len()), Err(10_001));
    pair.is_cut = true;
    let taken = (0..100).filter(|_| pair.ends[0].send(pair.now, vec![1; 1000]).is_ok()).count();
    assert_eq!(taken * 1000 + pair.ends[0].room(), 16_384 + 10_000, "the socket's buffer and the queue");
}

#[test]
fn packets_that_nobody_takes_are_bounded() {
    let mut pair = Pair::connected(false, Options::default(), CLEAN, 1);
    let mut syn = Vec::new();
    let builder = PacketBuilder::ipv4([192, 168, 100, 129], [192, 168, 100, 130], 1).tcp(5, BGP_PORT, 77, 4096).syn();
    builder.write(&mut syn, &[]).unwrap();
    for _ in 0..1000 {
        pair.ends[1].handle_packet(pair.now, &syn);
    }
    pair.ends[1].send(pair.now, vec![7; 1000]).unwrap();
    assert_eq!(pair.ends[1].wire.packets.len(), TRANSMIT_PACKETS);
    assert!(pair.ends[1].poll_timeout().is_none_or(|at| at > pair.now), "no spinning while it is full");
    pair.run(Span::from_s(1));
    assert_eq!(pair.got[0], vec![7; 1000], "and nothing is lost once they are taken");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A valid header with arbitrary octets where TCP should be, and packets of the session with one octet changed.
    #[test]
    fn arbitrary_octets_never_panic(
        octets in proptest::collection::vec(any::<u8>(), 0..90), v6: bool, at: usize, value: u8, fill: bool,
    ) {
        let mut pair = Pair::connected(v6, Options::default(), CLEAN, 1);
        let mut packets: Vec<_> = pair.sent.iter().map(|(_, _, packet)| packet.clone()).collect();
        for packet in &mut packets {
            let header_octets = if v6 { 40 } else { 20 };
            let at = at % packet.len();
            packet[at] = value;
            if fill && !v6 {
                crate::wire::ipv4::fill_checksum(packet);
            }
            let mut junk = packet[..header_octets].to_vec();
            junk.extend(&octets);
            let length = (octets.len() + if v6 { 0 } else { 20 }) as u16;
            let field = if v6 { 4 } else { 2 };
            junk[field..field + 2].copy_from_slice(&length.to_be_bytes());
            if !v6 {
                crate::wire::ipv4::fill_checksum(&mut junk);
            }
            for side in [0, 1] {
                for packet in [&*packet, &junk, &octets] {
                    pair.ends[side].handle_packet(pair.now, packet);
                }
            }
        }
        pair.run(Span::from_s(200));
    }
}
