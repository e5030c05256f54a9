//! Two sessions: how fast they come up, how they end, what they carry, what they notice.

use super::*;
use crate::control::{AsPath, Attributes, Nlri, Segment};
use ipnet::{IpNet, Ipv4Net};
use std::sync::Arc;

fn started(configs: [SessionConfig; 2], pipe: Pipe, seed: u64) -> Net {
    let mut net = Net::pair(configs, pipe, seed);
    net.command(A, Command::Start);
    net.command(B, Command::Start);
    net
}

pub(super) fn established(configs: [SessionConfig; 2], pipe: Pipe, seed: u64) -> Net {
    let mut net = started(configs, pipe, seed);
    net.run(Span::from_s(30));
    assert_eq!([net.state(A), net.state(B)], [State::Established; 2], "{:?} {:?}", net.changes(A), net.changes(B));
    net
}

fn routes(first: u32, count: u32) -> RouteUpdate {
    let net = |n: u32| IpNet::V4(Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 + (n << 8)), 24).unwrap());
    let mut attributes = Attributes::new("192.168.100.129".parse().unwrap());
    attributes.as_path = AsPath(vec![Segment::Sequence(vec![65010])]);
    let announced = (first..first + count).map(net).map(Nlri::from).collect();
    RouteUpdate { announced, attributes: Some(Arc::new(attributes)), ..RouteUpdate::default() }
}

fn announced(net: &Net, side: usize) -> Vec<Nlri> {
    let of = net.events.iter().filter(|(_, of, _)| *of == side);
    of.flat_map(|(_, _, event)| match event {
        Event::Update(update) => update.announced.clone(),
        _ => Vec::new(),
    })
    .collect()
}

#[test]
fn two_ends_that_start_together_are_up_in_a_few_round_trips() {
    let mut net = started([config(A), config(B)], CLEAN, 1);
    // SYN, SYN-ACK, OPENs, KEEPALIVEs: three round trips of 2 ms at the most, and acknowledgements wait 10 ms.
    net.run(Span::from_ms(20));
    assert_eq!([net.state(A), net.state(B)], [State::Established; 2]);
    let up = |side| net.events.iter().find(|(_, of, event)| *of == side && matches!(event, Event::Up(_))).unwrap();
    let Event::Up(negotiated) = &up(A).2 else { panic!() };
    assert_eq!((negotiated.hold, negotiated.keepalive), (Span::from_s(180), Span::from_s(60)));
    assert_eq!((negotiated.router_id, &*negotiated.families), (Ipv4Addr::new(10, 0, 0, 2), &[Family::Ipv4][..]));
    assert!([A, B].into_iter().all(|side| up(side).0.since(Instant::ZERO) < Span::from_ms(9)));
}

#[test]
fn a_quiet_session_stays_up_over_a_bad_path_and_sends_keepalives_with_jitter() {
    let mut net = established([config(A), config(B)], BAD, 3);
    net.run(Span::from_s(7200));
    assert_eq!([net.state(A), net.state(B)], [State::Established; 2]);
    for side in [A, B] {
        let counts = net.session(side).counts().clone();
        assert_eq!((counts.established, counts.sent.open.max(1)), (1, counts.sent.open));
        // 45 s to 60 s each (RFC 4271 §10), over 7230 s.
        assert!((120..=162).contains(&counts.sent.keepalive), "{counts:?}");
    }
}

#[test]
fn the_lower_hold_counts_and_0_means_no_keepalives() {
    let with_hold = |side, hold| SessionConfig { hold: Span::from_s(hold), ..config(side) };
    let mut net = established([with_hold(A, 9), with_hold(B, 180)], CLEAN, 1);
    for side in [A, B] {
        let of = net.session(side).negotiated().unwrap().clone();
        assert_eq!((of.hold, of.keepalive), (Span::from_s(9), Span::from_s(3)));
    }
    let mut net = established([with_hold(A, 0), with_hold(B, 180)], CLEAN, 1);
    net.works = [false; 2];
    net.run(Span::from_s(100_000));
    assert_eq!([net.state(A), net.state(B)], [State::Established; 2], "nobody asks whether the other is there");
    assert_eq!(net.session(B).counts().sent.keepalive, 1, "the one that takes the OPEN");
}

/// The closed form: between hold - keepalive and hold after the fault, and exactly hold after the last arrival.
#[test]
fn a_silent_failure_is_noticed_within_the_hold_time() {
    let configs =
        || [A, B].map(|side| SessionConfig { hold: Span::from_s(30), keepalive: Span::from_s(10), ..config(side) });
    let mut spread = (Span::MAX, Span::ZERO);
    for seed in 0..200 {
        let mut net = established(configs(), CLEAN, seed);
        net.run(Span::from_ms(seed * 97));
        net.works = [false; 2];
        let cut = net.now;
        // What is on its way arrives.
        net.run(Span::from_ms(2));
        net.events.clear();
        net.run(Span::from_s(40));
        for side in [A, B] {
            let (at, _, event) = net.events.iter().find(|(_, of, _)| *of == side).unwrap();
            let Event::Changed { to: State::Idle, why: Why::HoldTimerExpired, .. } = event else { panic!("{event:?}") };
            let after = at.since(cut);
            assert!(after >= Span::from_s(20) && after <= Span::from_s(30) + Span::from_ms(2), "seed {seed}: {after}");
            spread = (spread.0.min(after), spread.1.max(after));
        }
    }
    assert!(spread.0 < Span::from_s(22) && spread.1 > Span::from_s(28), "{spread:?}");
}

#[test]
fn an_operator_stops_and_starts_a_session() {
    let mut net = established([config(A), config(B)], CLEAN, 1);
    net.events.clear();
    net.command(A, Command::Stop(Cease::AdministrativeShutdown));
    net.run(Span::from_s(1));
    assert_eq!(net.changes(A), ["Established -> Idle: stopped: Administrative Shutdown"]);
    let why = "NOTIFICATION received: Cease: Administrative Shutdown (6/2)";
    assert_eq!(net.changes(B), [format!("Established -> Idle: {why}")]);
    assert_eq!(net.events.iter().filter(|(_, _, event)| *event == Event::Down).count(), 2);
    // The one that was stopped stays so; the other tries.
    net.run(Span::from_s(1000));
    assert_eq!(net.state(A), State::Idle);
    assert!([State::Active, State::Connect].contains(&net.state(B)));
    net.command(A, Command::Start);
    net.run(Span::from_s(1));
    assert_eq!([net.state(A), net.state(B)], [State::Established; 2]);
}

#[test]
fn one_passive_end_waits_and_two_never_meet() {
    let passive = |side| SessionConfig { is_passive: true, ..config(side) };
    let net = established([passive(A), config(B)], CLEAN, 1);
    assert_eq!(net.changes(A)[..2], ["Idle -> Active: started", "Active -> OpenSent: TCP connection established"]);
    let mut net = started([passive(A), passive(B)], CLEAN, 1);
    net.run(Span::from_s(10_000));
    assert_eq!([net.state(A), net.state(B)], [State::Active; 2]);
    assert!(net.sent.is_empty());
}

#[test]
fn an_end_that_starts_later_is_found() {
    for seed in 0..20 {
        let mut net = Net::pair([config(A), config(B)], CLEAN, seed);
        net.command(A, Command::Start);
        net.run(Span::from_s(500));
        assert!([State::Active, State::Connect].contains(&net.state(A)));
        net.command(B, Command::Start);
        net.run(Span::from_ms(50));
        assert_eq!([net.state(A), net.state(B)], [State::Established; 2], "the later one connects, the other listens");
    }
}

/// Both fail at once, both wait in Idle, and neither is refused for ever.
#[test]
fn two_ends_that_failed_come_back_by_themselves() {
    for seed in 0..50 {
        let mut net = established([config(A), config(B)], CLEAN, seed);
        net.works = [false; 2];
        net.run(Span::from_s(400));
        assert!([A, B].into_iter().all(|side| net.session(side).counts().established == 1));
        net.works = [true; 2];
        // At the most an attempt that retries each 120 s, whose SYN comes again when the path is there.
        net.run(Span::from_s(400));
        assert_eq!([net.state(A), net.state(B)], [State::Established; 2], "seed {seed}: {:?}", net.changes(A));
    }
}

#[test]
fn more_routes_than_tcp_has_room_for_arrive_once_and_in_order() {
    for (pipe, seed) in [(CLEAN, 1), (BAD, 2)] {
        let mut net = established([config(A), config(B)], pipe, seed);
        // 600 000 octets: more than all of TCP's room.
        let (first, second) = (routes(0, 150_000), routes(200_000, 10));
        assert!(net.update(A, &first));
        assert!(!net.update(A, &second), "the one before has not all gone");
        let mut waits = 0;
        while !net.update(A, &second) {
            net.run(Span::from_ms(20));
            waits += 1;
        }
        assert!(waits > 2);
        net.run(Span::from_s(300));
        let expected: Vec<_> = first.announced.iter().chain(&second.announced).copied().collect();
        assert!(announced(&net, B) == expected, "{} of {}", announced(&net, B).len(), expected.len());
        assert_eq!([net.state(A), net.state(B)], [State::Established; 2]);
        let sent = net.session(A).counts().sent.update;
        assert_eq!(net.session(B).counts().received.update, sent);
    }
}

#[test]
fn an_update_without_octets_is_told_and_taken_once() {
    let mut net = Net::pair([config(A), config(B)], CLEAN, 1);
    assert!(!net.update(A, &routes(0, 1)), "not Established");
    let mut net = established([config(A), config(B)], CLEAN, 1);
    let mut wrong = routes(0, 1);
    wrong.announced = vec![Nlri::from("2001:db8::/32".parse::<IpNet>().unwrap())];
    let sent = net.session(A).counts().sent.update;
    assert!(net.update(A, &wrong), "to try again would not help");
    let expected = Event::NotEncoded(update::EncodeError::NotSpoken(Family::Ipv6));
    assert_eq!(net.events.last().unwrap().2, expected);
    assert_eq!((net.session(A).counts().not_encoded, net.session(A).counts().sent.update), (1, sent));
    assert!(net.update(A, &RouteUpdate::default()), "nothing to say is said");
}

#[test]
fn the_same_seeds_give_the_same_packets() {
    let sent = |seed| {
        let mut net = established([config(A), config(B)], BAD, seed);
        net.update(A, &routes(0, 5000));
        net.run(Span::from_s(500));
        net.command(B, Command::Stop(Cease::AdministrativeReset));
        net.run(Span::from_s(100));
        net.sent
    };
    assert!(sent(4) == sent(4));
    assert!(sent(4) != sent(5));
}
