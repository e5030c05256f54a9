//! What a peer may say in its OPEN (RFC 4271 §6.2), how many prefixes it may announce, and what BFD says of the path.

use super::pair::established;
use super::peer::open;
use super::table::{message, reach};
use super::transport::{MAX_DRAINING, Transport};
use super::*;
use crate::control::bgp::message::{Message, Notification, Open};
use crate::control::stack::tcp::{Connection, Options, Role};

/// The answer to an OPEN: a NOTIFICATION, or none if it is taken.
fn answer(config: SessionConfig, said: &Open) -> Option<Notification> {
    let mut net = Net::greeted(config, &[Message::Open(said.clone())]);
    let notification = net.peer().notification().cloned();
    let expected = if notification.is_some() { State::Idle } else { State::OpenConfirm };
    assert_eq!(net.state(A), expected);
    notification
}

#[test]
fn an_open_is_judged_as_the_rfcs_say() {
    let same_id = Open { router_id: Ipv4Addr::new(10, 0, 0, 1), ..open() };
    let of_system = |local_as| Open { local_as, ..open() };
    assert_eq!(answer(config(A), &open()), None);
    assert_eq!(answer(config(A), &of_system(12077)), Some(Notification::new(2, 2)));
    // RFC 6286: the same identifier is an error within one system only.
    assert_eq!(answer(config(A), &same_id), None);
    let internal = SessionConfig { remote_as: 65010, ..config(A) };
    let of_own = Open { local_as: 65010, ..same_id };
    assert_eq!(answer(internal.clone(), &of_own), Some(Notification::new(2, 3)));
    assert_eq!(answer(internal, &Open { local_as: 65010, ..open() }), None);
    // RFC 5492 §3, §5: what was offered and is missed.
    let v6 = SessionConfig { families: vec![Family::Ipv6, Family::VpnIpv4], ..config(A) };
    let data = vec![1, 4, 0, 2, 0, 1, 1, 4, 0, 1, 0, 128];
    assert_eq!(answer(v6, &open()), Some(Notification { code: 2, subcode: 7, data }));
    // The hold time of 0 and a system of four octets.
    assert_eq!(answer(config(A), &Open { hold_s: 0, ..open() }), None);
    let large = SessionConfig { remote_as: 4_200_000_001, ..config(A) };
    assert_eq!(answer(large, &of_system(4_200_000_001)), None);
}

/// IPv4 prefixes 10.`n`.0.0/16 by an UPDATE from AS 12076.
fn announcement(networks: std::ops::Range<u8>) -> Vec<u8> {
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0x2f, 0x2c, 0x40, 3, 4, 192, 168, 100, 130];
    let mut body = vec![0, 0, 0, attributes.len() as u8];
    body.extend(attributes);
    networks.for_each(|n| body.extend([16, 10, n]));
    message(2, &body)
}

fn withdrawal(n: u8) -> Vec<u8> {
    message(2, &[0, 3, 16, 10, n, 0, 0])
}

fn with_limit(restart: Option<Span>) -> Net {
    let config = SessionConfig { max_prefixes: vec![(Family::Ipv4, 3)], max_prefix_restart: restart, ..config(A) };
    let mut net = Net::greeted(config, &[Message::Open(open()), Message::Keepalive]);
    let now = net.now;
    // The same prefixes again and again are as many as they are; one less makes room.
    for octets in [announcement(0..3), announcement(0..3), withdrawal(1), announcement(5..6), announcement(0..1)] {
        net.peer().say_octets(now, 0, octets);
    }
    net.run(Span::from_ms(50));
    assert_eq!(net.state(A), State::Established);
    net.events.clear();
    let now = net.now;
    net.peer().say_octets(now, 0, announcement(7..8));
    net.run(Span::from_ms(50));
    net
}

#[test]
fn more_prefixes_than_allowed_end_the_session() {
    let mut net = with_limit(None);
    assert_eq!(net.changes(A), ["Established -> Idle: 4 prefixes of Ipv4, 3 allowed"]);
    assert_eq!(net.events.last().unwrap().2, Event::Down);
    assert!(!net.events.iter().any(|(_, _, event)| matches!(event, Event::Update(_))), "the fourth is not told");
    // RFC 4486 §4: AFI, SAFI, the limit.
    let cease = Notification { code: 6, subcode: 1, data: vec![0, 1, 1, 0, 0, 0, 3] };
    assert_eq!(net.peer().notification(), Some(&cease));
    net.command(A, Command::PathUp);
    net.run(Span::from_s(10_000));
    assert_eq!(net.state(A), State::Idle, "until an operator says so");
    net.command(A, Command::Start);
    net.run(Span::from_ms(50));
    assert_eq!(net.state(A), State::OpenSent);
}

#[test]
fn after_too_many_prefixes_it_tries_again_when_it_is_told_to() {
    let mut net = with_limit(Some(Span::from_s(600)));
    net.command(A, Command::PathDown);
    net.command(A, Command::PathUp);
    net.run(Span::from_s(599));
    assert_eq!(net.state(A), State::Idle, "the path does not shorten it");
    net.run(Span::from_s(1));
    assert_eq!(net.state(A), State::OpenSent);
    assert_eq!(net.changes(A)[1], "Idle -> Connect: started again by itself");
}

#[test]
fn a_path_that_is_down_ends_the_session_and_one_that_is_up_begins_it_at_once() {
    for seed in 0..50 {
        let mut net = established([config(A), SessionConfig { is_passive: seed % 2 == 0, ..config(B) }], CLEAN, seed);
        net.run(Span::from_s(100));
        net.events.clear();
        net.works = [false; 2];
        net.run(Span::from_ms(900));
        let cut = net.now;
        (0..2).for_each(|side| net.command(side, Command::PathDown));
        for side in [A, B] {
            assert_eq!(net.changes(side), ["Established -> Idle: the path is down"]);
            assert!(net.events.contains(&(cut, side, Event::Down)), "at once");
        }
        net.run(Span::from_s(1000));
        assert_eq!([net.state(A), net.state(B)], [State::Idle; 2], "nothing is tried");
        net.works = [true; 2];
        net.events.clear();
        // BFD comes up at one end a moment earlier, whichever.
        net.command((seed / 2 % 2) as usize, Command::PathUp);
        net.run(Span::from_us(seed * 100));
        net.command((1 - seed / 2 % 2) as usize, Command::PathUp);
        net.run(Span::from_ms(1200));
        assert_eq!([net.state(A), net.state(B)], [State::Established; 2], "{seed}: {:?}", net.changes(A));
    }
}

#[test]
fn the_other_end_is_told_that_bfd_is_down_if_it_can_hear() {
    let mut net = reach(State::Established, "8 AutomaticStop");
    net.command(A, Command::PathDown);
    net.command(A, Command::Start);
    net.run(Span::from_ms(50));
    assert_eq!(net.state(A), State::Idle, "a start waits for the path");
    assert_eq!(net.peer().notification(), Some(&Notification::new(6, 10)));
    net.command(A, Command::Stop(Cease::AdministrativeShutdown));
    net.command(A, Command::PathUp);
    net.run(Span::from_s(1000));
    assert_eq!(net.state(A), State::Idle, "nobody wants it");
}

/// When a side's state changed for the reason.
fn changed_at(net: &Net, reason: &Why) -> Vec<Instant> {
    let of = net.events.iter().filter(|(_, _, event)| matches!(event, Event::Changed { why, .. } if why == reason));
    of.map(|(at, ..)| *at).collect()
}

/// The closed forms: the hold time after the last KEEPALIVE or UPDATE, and 240 s after the connection where no OPEN came.
#[test]
fn the_hold_timer_expires_to_the_picosecond() {
    for octets in [message(4, &[]), announcement(1..2)] {
        let mut net = reach(State::Established, "10 HoldTimer");
        net.run(Span::from_s(50));
        let now = net.now;
        net.peer().say_octets(now, 0, octets);
        // A refresh is neither (RFC 4271 §4.2).
        net.run(Span::from_s(100));
        let later = net.now;
        net.peer().say_octets(later, 0, message(5, &[0, 1, 0, 1]));
        net.run(Span::from_s(100));
        assert_eq!(changed_at(&net, &Why::HoldTimerExpired), [now + CLEAN.delay + Span::from_s(180)]);
    }
    let mut net = reach(State::OpenSent, "10 HoldTimer");
    net.run(Span::from_s(250));
    let begun = changed_at(&net, &Why::TcpEstablished)[0];
    assert_eq!(changed_at(&net, &Why::HoldTimerExpired), [begun + Span::from_s(240)]);
}

/// RFC 4271 §10: 75 % to 100 % of ConnectRetryTime, each time another share.
#[test]
fn attempts_to_connect_have_jitter() {
    let mut gaps = Vec::new();
    for seed in 0..20 {
        let mut net = Net::with_peer(config(A), seed);
        net.works = [false; 2];
        let start = net.now;
        net.command(A, Command::Start);
        net.run(Span::from_s(2000));
        let times = [vec![start], changed_at(&net, &Why::ConnectRetryExpired)].concat();
        assert!((16..=22).contains(&times.len()), "{}", times.len());
        gaps.extend(times.windows(2).map(|pair| pair[1].since(pair[0])));
    }
    let (least, most) = (*gaps.iter().min().unwrap(), *gaps.iter().max().unwrap());
    assert!(least >= Span::from_s(90) && least < Span::from_s(92), "{least}");
    assert!(most <= Span::from_s(120) && most > Span::from_s(118), "{most}");
}

#[test]
fn a_hard_reset_holds_what_would_have_been_said() {
    let mut net = reach(State::Established, "2 ManualStop");
    net.command(A, Command::Stop(Cease::HardReset));
    net.run(Span::from_ms(50));
    assert_eq!(net.peer().notification(), Some(&Notification { code: 6, subcode: 9, data: vec![6, 4] }));
}

#[test]
fn what_the_peer_says_is_passed_on() {
    let mut net = reach(State::Established, "27 UpdateMsg");
    net.events.clear();
    let now = net.now;
    net.peer().say_octets(now, 0, announcement(1..2));
    net.peer().say_octets(now, 0, message(2, &[0, 0, 0, 0]));
    // ROUTE-REFRESH of IPv4; of IPv6, which is not carried; an UPDATE whose ORIGIN is 9.
    net.peer().say_octets(now, 0, [message(5, &[0, 1, 0, 1]), message(5, &[0, 2, 0, 1])].concat());
    let mut wrong = announcement(2..3);
    wrong[26] = 9;
    net.peer().say_octets(now, 0, wrong);
    net.run(Span::from_ms(50));
    let found: Vec<_> = net.events.iter().map(|(_, _, event)| event.clone()).collect();
    let Event::Update(first) = &found[0] else { panic!("{found:?}") };
    assert_eq!((first.announced.len(), first.attributes.as_ref().unwrap().as_path.to_string()), (1, "12076".into()));
    let end = RouteUpdate { end_of_rib: Some(Family::Ipv4), ..RouteUpdate::default() };
    assert_eq!(found[1..3], [Event::Update(end), Event::Refresh(Family::Ipv4)]);
    let fault = update::Fault { attribute: 1, treatment: update::Treatment::Withdraw };
    assert_eq!(found[3], Event::Fault(fault));
    let Event::Update(withdrawn) = &found[4] else { panic!("{found:?}") };
    assert_eq!((withdrawn.withdrawn.len(), found.len()), (1, 5));
    let counts = net.session(A).counts();
    assert_eq!((counts.received.update, counts.received.route_refresh, counts.received.open), (3, 2, 1));
}

#[test]
fn connections_that_say_goodbye_are_bounded() {
    let config = config(A);
    let mut transport = Transport::new(&config, Rng::new(1, 1));
    for n in 0..2 * MAX_DRAINING as u64 {
        let mut connection =
            Connection::new(config.local, config.remote, Role::Active, Options::default(), Rng::new(1, n));
        connection.connect(Instant::ZERO);
        transport.drain(connection);
    }
    let packets = std::iter::from_fn(|| transport.poll_transmit()).count();
    assert_eq!(packets, MAX_DRAINING, "a SYN of each that is left");
}

#[test]
fn configurations_out_of_range_are_refused() {
    let refuses =
        |config: SessionConfig| std::panic::catch_unwind(move || Session::new(config, Rng::new(1, 1))).is_err();
    assert!(!refuses(config(A)));
    assert!(refuses(SessionConfig { local_as: 0, ..config(A) }));
    assert!(refuses(SessionConfig { router_id: Ipv4Addr::UNSPECIFIED, ..config(A) }));
    assert!(refuses(SessionConfig { families: vec![], ..config(A) }));
    for hold in [Span::from_s(2), Span::from_ms(3500), Span::from_s(65536)] {
        assert!(refuses(SessionConfig { hold, ..config(A) }));
    }
    assert!(refuses(SessionConfig { keepalive: Span::ZERO, ..config(A) }));
    assert!(refuses(SessionConfig { graceful_restart: Some(Span::from_s(4096)), ..config(A) }));
}
