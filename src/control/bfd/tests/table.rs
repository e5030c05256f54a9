//! The whole table of states (RFC 5880 §6.2, §6.8.6), as a person reads it: every state by all that can happen in it.

use super::super::{Command, Session};
use super::pair::config;
use super::{heard, up};
use crate::rng::Rng;
use crate::time::{Instant, Span};
use crate::wire::bfd::State;
use std::fmt::Write;
use std::num::NonZeroU32;

/// What is left of each state, after what; in brackets the diagnostic where the state changed.
const TABLE: &str = "
          | hears AdminDown | hears Down | hears Init | hears Up | silence  | path down | admin down   | enable
AdminDown | -               | -          | -          | -        | -        | -         | -            | Down [0]
Down      | -               | Init [0]   | Up [0]     | -        | -        | -         | AdminDown [7] | -
Init      | Down [3]        | -          | Up [0]     | Up [0]   | Down [1] | Down [5]  | AdminDown [7] | -
Up        | Down [3]        | Down [3]   | -          | -        | Down [1] | Down [5]  | AdminDown [7] | -
";

fn in_state(state: State) -> Session {
    let mut session = match state {
        State::Up => return up(),
        _ => Session::new(Instant::ZERO, config(300, 3), NonZeroU32::MIN, Rng::new(1, 1)),
    };
    match state {
        State::Init => session.handle_packet(Instant::ZERO, &heard(State::Down)),
        State::AdminDown => session.handle_command(Instant::ZERO, Command::AdminDown),
        State::Down | State::Up => {}
    }
    while session.poll_event().is_some() {}
    assert_eq!(session.state(), state);
    session
}

/// What happens to a session in `state`, for each column.
fn after(state: State, column: usize) -> String {
    let mut session = in_state(state);
    let now = Instant::ZERO;
    match column {
        0..4 => session.handle_packet(now, &heard(State::ALL[column])),
        4 => session.handle_timeout(now + Span::from_s(60)),
        5 => session.handle_command(now, Command::PathDown),
        6 => session.handle_command(now, Command::AdminDown),
        _ => session.handle_command(now, Command::Enable),
    }
    let told = session.poll_event();
    assert_eq!(session.poll_event(), None, "one event at the most");
    assert_eq!(told.map_or(state, |event| event.to), session.state());
    told.map_or("-".into(), |event| {
        assert_eq!((event.from, event.diagnostic), (state, session.diagnostic()));
        format!("{} [{}]", event.to, event.diagnostic.number())
    })
}

#[test]
fn every_state_answers_everything_as_the_rfc_says() {
    let mut found = String::new();
    for state in State::ALL {
        write!(found, "{state}").unwrap();
        (0..8).for_each(|column| write!(found, "|{}", after(state, column)).unwrap());
        found.push('\n');
    }
    let plain = |line: &str| line.split('|').map(str::trim).collect::<Vec<_>>().join("|");
    let expected: String = TABLE.trim().lines().skip(1).map(|line| plain(line) + "\n").collect();
    assert_eq!(found, expected);
}
