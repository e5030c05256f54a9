//! The table of RFC 4271 §8.2.2: each event of §8.1 that exists here, in each state.

use super::peer::open;
use super::*;
use crate::control::bgp::message::{Message, Notification};

/// After the state, the NOTIFICATION that the other end hears; `-` where the event cannot be. Rows without a number are not
/// of the RFC's list. Those that differ from the RFC are explained in `state`.
const TABLE: &str = "
 1 ManualStart             | Connect | Connect  | Active   | OpenSent    | OpenConfirm | Established
 2 ManualStop              | Idle    | Idle     | Idle     | Idle 6/2    | Idle 6/2    | Idle 6/2
 8 AutomaticStop           | Idle    | Idle     | Idle     | Idle 6/10   | Idle 6/10   | Idle 6/10
 9 ConnectRetryTimer       | -       | Connect  | Connect  | -           | -           | -
10 HoldTimer               | -       | -        | -        | Idle 4/0    | Idle 4/0    | Idle 4/0
11 KeepaliveTimer          | -       | -        | -        | -           | OpenConfirm | Established
13 IdleHoldTimer           | Connect | -        | -        | -           | -           | -
16 Tcp_CR_Acked            | -       | OpenSent | -        | -           | -           | -
17 TcpConnectionConfirmed  | Idle    | OpenSent | OpenSent | OpenSent    | OpenConfirm | Established
18 TcpConnectionFails      | -       | Active   | -        | Active      | Idle        | Idle
19 BGPOpen                 | -       | -        | -        | OpenConfirm | Idle 5/2    | Idle 5/3
21 BGPHeaderErr            | -       | -        | -        | Idle 1/1    | Idle 1/1    | Idle 1/1
22 BGPOpenMsgErr           | -       | -        | -        | Idle 2/2    | Idle 5/2    | Idle 5/3
24 NotifMsgVerErr          | -       | -        | -        | Idle        | Idle        | Idle
25 NotifMsg                | -       | -        | -        | Idle        | Idle        | Idle
26 KeepAliveMsg            | -       | -        | -        | Idle 5/1    | Established | Established
27 UpdateMsg               | -       | -        | -        | Idle 5/1    | Idle 5/2    | Established
28 UpdateMsgErr            | -       | -        | -        | Idle 5/1    | Idle 5/2    | Idle 3/1
   RouteRefresh            | -       | -        | -        | Idle 5/1    | Idle 5/2    | Established
   PathUp                  | Connect | Connect  | Active   | OpenSent    | OpenConfirm | Established
";

pub(super) const STATES: [State; 6] =
    [State::Idle, State::Connect, State::Active, State::OpenSent, State::OpenConfirm, State::Established];

/// A session in a state, at side A. Idle is the Idle after a failure for events that leave it.
pub(super) fn reach(state: State, event: &str) -> Net {
    let mut net = Net::with_peer(config(A), 1);
    let fails = matches!(event, "13 IdleHoldTimer" | "PathUp" | "17 TcpConnectionConfirmed");
    if state == State::Idle && !fails {
        return net;
    }
    let now = net.now;
    match state {
        State::Connect => net.works[A] = false,
        State::Active => {}
        _ => net.peer().listen(now),
    }
    net.command(A, Command::Start);
    net.run(Span::from_ms(100));
    let now = net.now;
    match state {
        State::Idle => net.peer().say(now, 0, &Message::Keepalive),
        State::OpenConfirm => net.peer().say(now, 0, &Message::Open(open())),
        State::Established => {
            net.peer().say(now, 0, &Message::Open(open()));
            net.peer().say(now, 0, &Message::Keepalive);
        }
        _ => {}
    }
    net.run(Span::from_ms(100));
    net.peer().heard.clear();
    assert_eq!(net.state(A), state, "{event}");
    net
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0xff; 16][..], &(19 + body.len() as u16).to_be_bytes(), &[kind], body].concat()
}

fn happen(net: &mut Net, event: &str, state: State) {
    let now = net.now;
    if state == State::Idle && event != "17 TcpConnectionConfirmed" {
        net.works = [false; 2];
    }
    let notification = |code, subcode| Message::Notification(Notification::new(code, subcode));
    match event {
        "1 ManualStart" => net.command(A, Command::Start),
        "2 ManualStop" => net.command(A, Command::Stop(Cease::AdministrativeShutdown)),
        "8 AutomaticStop" => net.command(A, Command::PathDown),
        "PathUp" => net.command(A, Command::PathUp),
        "9 ConnectRetryTimer" | "13 IdleHoldTimer" => {
            net.works = [false; 2];
            net.run(Span::from_s(119) + Span::from_ms(500));
        }
        "10 HoldTimer" => net.run(if state == State::OpenSent { Span::from_s(240) } else { Span::from_s(180) }),
        "11 KeepaliveTimer" => {
            net.run(Span::from_s(61));
            assert!(net.peer().heard.contains(&(0, Message::Keepalive)));
        }
        "16 Tcp_CR_Acked" => {
            net.peer().listen(now);
            net.works[A] = true;
            net.run(Span::from_s(2));
        }
        "17 TcpConnectionConfirmed" => {
            net.works[A] = true;
            net.peer().connect(now);
        }
        "18 TcpConnectionFails" if state == State::Connect => net.works[A] = true,
        "18 TcpConnectionFails" => net.peer().connections[0].abort(now),
        "19 BGPOpen" => net.peer().say(now, 0, &Message::Open(open())),
        "21 BGPHeaderErr" => net.peer().say_octets(now, 0, vec![0; 19]),
        "22 BGPOpenMsgErr" => {
            let mut wrong = open();
            wrong.local_as = 7;
            net.peer().say(now, 0, &Message::Open(wrong));
        }
        "24 NotifMsgVerErr" => net.peer().say(now, 0, &notification(2, 1)),
        "25 NotifMsg" => net.peer().say(now, 0, &notification(6, 4)),
        "26 KeepAliveMsg" => net.peer().say(now, 0, &Message::Keepalive),
        "27 UpdateMsg" => net.peer().say_octets(now, 0, message(2, &[0, 0, 0, 0])),
        "28 UpdateMsgErr" => net.peer().say_octets(now, 0, message(2, &[0, 9, 0, 0])),
        "RouteRefresh" => net.peer().say_octets(now, 0, message(5, &[0, 1, 0, 1])),
        other => panic!("{other} does not happen"),
    }
    net.run(if matches!(event, "18 TcpConnectionFails") { Span::from_s(2) } else { Span::from_ms(300) });
}

#[test]
fn each_event_in_each_state_does_what_the_table_says() {
    for row in TABLE.trim().lines() {
        let mut cells = row.split('|').map(str::trim);
        let event = cells.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        for (state, expected) in STATES.into_iter().zip(cells).filter(|(_, expected)| *expected != "-") {
            let mut net = reach(state, &event);
            happen(&mut net, &event, state);
            let mut found = net.state(A).to_string();
            if let Some(Notification { code, subcode, .. }) = net.peer().notification() {
                found += &format!(" {code}/{subcode}");
            }
            assert_eq!(found, expected, "event {event} in {state}: {:?}", net.changes(A));
        }
    }
}

/// ConnectRetryCounter: failures count, an operator's wish makes it 0, and the wrong version is no failure (event 24).
#[test]
fn failures_are_counted_until_an_operator_acts() {
    for (event, count) in [("25 NotifMsg", 1), ("24 NotifMsgVerErr", 0), ("28 UpdateMsgErr", 1), ("10 HoldTimer", 1)] {
        let mut net = reach(State::Established, event);
        happen(&mut net, event, State::Established);
        assert_eq!(net.session(A).counts().connect_retries, count, "{event}");
        net.command(A, Command::Stop(Cease::AdministrativeShutdown));
        assert_eq!(net.session(A).counts().connect_retries, 0);
    }
}

/// A NOTIFICATION is never answered by one (RFC 4271 §6.4), and arrives before the connection ends.
#[test]
fn the_connection_is_closed_after_the_last_word() {
    use crate::control::stack::tcp;
    let mut net = reach(State::Established, "22 BGPOpenMsgErr");
    happen(&mut net, "22 BGPOpenMsgErr", State::Established);
    assert_eq!(net.peer().notification(), Some(&Notification::new(5, 3)));
    assert_eq!(net.peer().events.last(), Some(&(0, tcp::Event::Closed)), "not reset");
    net.run(Span::from_s(20));
    assert!(net.session(A).poll_timeout().unwrap() > net.now + Span::from_s(60), "TCP is done");
}
