//! Arbitrary octets in the stream, and arbitrary packets beside it: nothing panics, and what is said stays well-formed.

use super::table::{STATES, reach};
use super::*;
use crate::rng::Rng;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The peer reads all that the session says with the codec, and would panic at what is no message.
    #[test]
    fn no_octets_in_the_stream_are_too_strange(
        state in 3..6_usize, kind in 0..7_u8, body in prop::collection::vec(any::<u8>(), 0..300), is_whole in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut net = reach(STATES[state], "noise");
        let octets = if is_whole { super::table::message(kind, &body) } else { body };
        let (now, at) = (net.now, cut.index(octets.len() + 1));
        net.peer().say_octets(now, 0, octets[..at].to_vec());
        net.run(Span::from_ms(20));
        if net.peer().connections[0].is_open() {
            let now = net.now;
            net.peer().say_octets(now, 0, octets[at..].to_vec());
        }
        net.run(Span::from_s(1000));
        prop_assert!(net.session(A).transport.links.len() <= 3);
    }

    /// Packets of a session with octets changed, cut or said twice, to both ends, at any time.
    #[test]
    fn no_packets_are_too_strange(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0..4_u8),
            1..40),
    ) {
        let mut net = super::pair::established([config(A), config(B)], CLEAN, 1);
        for (which, at, value, how) in changes {
            let (_, _, packet) = &net.sent[which.index(net.sent.len())];
            let (mut packet, at) = (packet.clone(), at.index(packet.len()));
            match how {
                0 => packet.truncate(at),
                1 => packet[at] = value,
                2 => {
                    // Another control bit, with the checksum put right.
                    let flags = u16::from_be_bytes([packet[32], packet[33]]);
                    packet[33] = value;
                    let sum = u16::from_be_bytes([packet[36], packet[37]]);
                    let new = u16::from_be_bytes([packet[32], value]);
                    let sum = crate::wire::checksum::updated(sum, flags, new);
                    packet[36..38].copy_from_slice(&sum.to_be_bytes());
                }
                _ => {}
            }
            let now = net.now;
            for side in [A, B] {
                net.session(side).handle_packet(now, &packet);
                net.take(side);
            }
            net.run(Span::from_ms(u64::from(value)));
        }
        net.run(Span::from_s(700));
        for side in [A, B] {
            prop_assert!(net.session(side).transport.links.len() <= 3);
        }
    }
}

#[test]
fn packets_of_others_are_not_taken() {
    let mut session = Session::new(config(A), Rng::new(1, 1));
    session.handle_command(Instant::ZERO, Command::Start);
    let syn = session.poll_transmit().unwrap();
    let mut other = Session::new(config(B), Rng::new(2, 1));
    assert!(other.handle_packet(Instant::ZERO, &syn), "refused, but taken");
    assert!(!session.handle_packet(Instant::ZERO, &syn), "its own");
    assert!(!session.handle_packet(Instant::ZERO, &[]));
    // TCP of the same hosts between other ports.
    let builder = etherparse::PacketBuilder::ipv4([192, 168, 100, 129], [192, 168, 100, 130], 1).tcp(5, 80, 1, 1).syn();
    let mut web = Vec::new();
    builder.write(&mut web, &[]).unwrap();
    assert!(!other.handle_packet(Instant::ZERO, &web));
}
