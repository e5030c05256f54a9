//! Two connections at a time (RFC 4271 §6.8), and ends that restart (RFC 4724).

use super::pair::established;
use super::peer::open;
use super::*;
use crate::control::bgp::message::{GracefulRestart, Message, Notification};
use crate::control::stack::tcp::{self, BGP_PORT};

/// Source port of the last packet of side A: 179 if the connection is the other end's.
fn port_of_a(net: &Net) -> u16 {
    let packet = &net.sent.iter().rfind(|(_, side, _)| *side == A).unwrap().2;
    u16::from_be_bytes([packet[20], packet[21]])
}

#[test]
fn of_two_connections_the_one_of_the_higher_identifier_survives() {
    for (higher, port_is_179) in [(A, false), (B, true)] {
        for seed in 0..100 {
            let mut configs = [config(A), config(B)];
            configs[higher].router_id = Ipv4Addr::new(10, 0, 0, 9);
            let mut net = established(configs, CLEAN, seed);
            net.run(Span::from_s(200));
            assert_eq!(port_of_a(&net) == BGP_PORT, port_is_179);
            for side in [A, B] {
                let ups = net.session(side).counts().established;
                assert_eq!(ups, 1, "seed {seed}: {:?}", net.changes(side));
                assert_eq!(net.session(side).transport.links.len(), 1);
            }
        }
    }
}

/// However the starts and the packets fall, no end closes what the other keeps: one session, without a flap.
#[test]
fn no_order_of_packets_has_both_connections_closed() {
    let mut collisions = 0;
    for seed in 0..400 {
        let mut rng = Rng::new(seed, 77);
        let pipe = Pipe { delay: Span::from_ms(1), jitter: Span::from_us(1 + rng.below(4000)), lost: 0 };
        let mut net = Net::pair([config(A), config(B)], pipe, seed);
        let (first, second) = if seed % 2 == 0 { (A, B) } else { (B, A) };
        // The second listens before the first one's SYN comes, or refuses it.
        net.command(first, Command::Start);
        net.run(Span::from_us(rng.below(6000)));
        net.command(second, Command::Start);
        net.run(Span::from_s(10));
        for side in [A, B] {
            assert_eq!(net.state(side), State::Established, "seed {seed}: {:?}", net.changes(side));
            let ups = net.session(side).counts().established;
            assert_eq!(ups, 1, "seed {seed}: {:?}", net.changes(side));
        }
        collisions += u32::from([A, B].into_iter().any(|side| net.session(side).counts().sent.notification > 0));
    }
    assert!(collisions > 50, "{collisions} of 400 starts had two connections with OPENs on both");
}

/// With loss connections can be reset, so that a session may flap while it begins; it is one session in the end.
#[test]
fn a_bad_path_has_one_session_in_the_end() {
    for seed in 0..200 {
        let mut net = Net::pair([config(A), config(B)], BAD, seed);
        net.command(A, Command::Start);
        net.command(B, Command::Start);
        net.run(Span::from_s(600));
        for side in [A, B] {
            assert_eq!(net.state(side), State::Established, "seed {seed}: {:?}", net.changes(side));
            assert_eq!(net.session(side).transport.links.len(), 1, "seed {seed}");
        }
    }
}

/// RFC 6286 §2.3: two systems may use one identifier; the larger system's connection survives.
#[test]
fn equal_identifiers_of_two_systems_are_told_apart_by_the_system() {
    let mut configs = [config(A), config(B)];
    configs[B].router_id = configs[A].router_id;
    let mut net = established(configs, CLEAN, 1);
    net.run(Span::from_s(100));
    assert_ne!(port_of_a(&net), BGP_PORT, "AS 65010 is more than 12076");
}

/// A session with a peer, Established on the connection that the session opened.
fn with_peer(config: SessionConfig, said: &super::super::super::message::Open) -> Net {
    let mut net = Net::greeted(config, &[Message::Open(said.clone()), Message::Keepalive]);
    assert_eq!(net.state(A), State::Established);
    net.events.clear();
    net.peer().heard.clear();
    net
}

#[test]
fn another_connection_of_a_peer_that_cannot_restart_is_closed_when_it_says_open() {
    let mut net = with_peer(config(A), &open());
    let now = net.now;
    let second = net.peer().connect(now);
    net.run(Span::from_ms(50));
    let now = net.now;
    net.peer().say(now, second, &Message::Open(open()));
    net.run(Span::from_ms(50));
    assert_eq!(net.state(A), State::Established);
    assert_eq!(net.events, [], "nothing has changed");
    let cease = (second, Message::Notification(Notification::new(6, 7)));
    assert!(net.peer().heard.contains(&cease), "{:?}", net.peer().heard);
}

#[test]
fn another_connection_of_a_peer_that_can_restart_replaces_the_dead_one() {
    let mut said = open();
    said.graceful_restart =
        Some(GracefulRestart { restarted: false, restart_time_s: 120, families: vec![(Family::Ipv4, true)] });
    for (helps, families) in [(true, 1), (false, 1), (true, 0)] {
        let graceful_restart = helps.then_some(Span::from_s(120));
        said.graceful_restart.as_mut().unwrap().families.truncate(families);
        let mut net = with_peer(SessionConfig { graceful_restart, ..config(A) }, &said);
        let now = net.now;
        let second = net.peer().connect(now);
        net.run(Span::from_ms(50));
        if !helps || families == 0 {
            assert_eq!(net.state(A), State::Established, "it does not know what a new connection means");
            said.graceful_restart.as_mut().unwrap().families = vec![(Family::Ipv4, true)];
            continue;
        }
        assert_eq!(net.changes(A), ["Established -> OpenSent: the peer has restarted"]);
        assert_eq!(net.events[1].2, Event::Down, "no dead routes");
        let now = net.now;
        net.peer().say(now, second, &Message::Open(said.clone()));
        net.peer().say(now, second, &Message::Keepalive);
        net.run(Span::from_ms(50));
        assert_eq!(net.state(A), State::Established);
        assert!(matches!(net.events.last().unwrap().2, Event::Up(_)));
        // RFC 4724 §5: the old one ends without a NOTIFICATION.
        assert!(net.peer().notification().is_none());
        assert!(net.peer().events.contains(&(0, tcp::Event::Reset)));
        assert_eq!(net.session(A).counts().established, 2);
    }
}

/// The other end has lost all, and says so by resets only.
#[test]
fn a_peer_that_restarts_without_a_word_is_found_by_its_resets() {
    let mut net = established([config(A), config(B)], CLEAN, 1);
    net.ends[B] = End::Session(Box::new(Session::new(config(B), Rng::new(99, 1))));
    net.events.clear();
    net.command(B, Command::Start);
    net.run(Span::from_s(400));
    assert_eq!([net.state(A), net.state(B)], [State::Established; 2]);
    assert_eq!(net.events.iter().filter(|(_, of, event)| *of == A && *event == Event::Down).count(), 1);
}

/// Connections that begin and say nothing are bounded.
#[test]
fn a_peer_that_only_connects_has_two_connections_at_the_most() {
    let mut net = with_peer(config(A), &open());
    for _ in 0..20 {
        let now = net.now;
        net.peer().connect(now);
        net.run(Span::from_s(1));
        let links = net.session(A).transport.links.len();
        assert!(links <= 3, "{links} connections, one of them Established");
    }
    assert_eq!(net.state(A), State::Established);
}
