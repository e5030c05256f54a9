//! Tests of the sessions: two of them against each other on a clock that the test moves.

mod many;
mod pair;
mod table;

use super::{Cause, Command, Config, Path, Session};
use crate::rng::Rng;
use crate::time::{Instant, Span};
use crate::wire::bfd::{DetectMult, Diagnostic, Packet, State};
use pair::{A, B, Pair, config};
use proptest::prelude::*;
use std::num::{NonZeroU8, NonZeroU32};

const MS: fn(u64) -> Span = Span::from_ms;

/// A pair that has been up for a while.
fn settled(configs: [Config; 2], delay: Span, seed: u64) -> Pair {
    let mut pair = Pair::new(configs, delay, seed);
    pair.run_for(Span::from_s(20));
    assert_eq!(pair.states(), [State::Up; 2]);
    assert!(pair.ends.iter().all(|end| !end.polls()), "a Poll Sequence never ends");
    pair
}

#[test]
fn both_come_up_in_three_steps_and_agree_on_their_intervals() {
    let pair = settled([config(300, 3), config(300, 3)], MS(1), 1);
    for end in [A, B] {
        let states: Vec<State> = pair.events.iter().filter(|(_, at, _)| *at == end).map(|(_, _, e)| e.to).collect();
        assert!(matches!(states[..], [State::Init, State::Up] | [State::Up]), "{states:?}");
        let session = &pair.ends[end];
        assert_eq!(session.transmit_interval(), Some(MS(300)));
        assert_eq!(session.receive_interval(), MS(300));
        assert_eq!(session.detection_time(), Some(MS(900)));
        assert_eq!(session.remote_discriminator(), Some(pair.ends[1 - end].local_discriminator()));
        assert_eq!(session.remote_state(), State::Up);
        assert_eq!(session.up_since(), pair.events.iter().rfind(|(_, at, _)| *at == end).map(|(at, ..)| *at));
        assert_eq!(session.counters().downs, 0);
        let other = &pair.ends[1 - end];
        assert!(session.counters().packets_in.abs_diff(other.counters().packets_out) <= 1, "one may be under way");
    }
}

#[test]
fn d3_the_slower_end_decides_each_direction() {
    // An interval of 300 ms x 3 against one of 2 s x 3: A waits for B's 3 x 2 s, B for A's 3 x 2 s, as B takes no more.
    let mut pair = settled([config(300, 3), config(2_000, 3)], MS(1), 1);
    assert_eq!(pair.ends[A].detection_time(), Some(Span::from_s(6)));
    assert_eq!(pair.ends[B].detection_time(), Some(Span::from_s(6)));
    let events = pair.events.len();
    pair.run_for(Span::from_s(300));
    assert_eq!(pair.events.len(), events, "no flap");
}

#[test]
fn each_end_waits_by_the_others_multiplier() {
    let pair = settled([config(300, 5), config(100, 2)], MS(1), 1);
    assert_eq!(pair.ends[A].detection_time(), Some(MS(2 * 300)));
    assert_eq!(pair.ends[B].detection_time(), Some(MS(5 * 300)));
}

/// 300 ms x 3 and a one-way delay of d. The last packet before a fault at t left between t - 300 ms and t, for no gap is
/// longer than the interval; it arrived d later, and the detection time of 900 ms runs from there: the end learns of
/// the fault between t + d + 600 ms and t + d + 900 ms, and exactly 900 ms after it last heard anything.
#[test]
fn a_silent_fault_is_seen_within_the_closed_form() {
    let (mut least, mut most) = (Span::MAX, Span::ZERO);
    for seed in 0..200 {
        let mut pair = settled([config(300, 3), config(300, 3)], MS(7), seed);
        pair.run_for(MS(seed * 13));
        let fault = pair.now;
        pair.works = [false; 2];
        pair.events.clear();
        pair.run_for(Span::from_s(2));
        for end in [A, B] {
            let (at, _, event) = *pair.events.iter().find(|(_, of, _)| *of == end).unwrap();
            assert_eq!(event.cause, Cause::DetectionTimeExpired);
            assert_eq!((event.from, event.to), (State::Up, State::Down));
            assert_eq!(event.diagnostic, Diagnostic::ControlDetectionTimeExpired);
            assert_eq!(event.path(), Some(Path::Failed));
            assert_eq!(at - pair.heard[end], MS(900));
            let after = at - (fault + MS(7));
            assert!(MS(600) <= after && after <= MS(900), "seed {seed}: {after}");
            (least, most) = (least.min(after), most.max(after));
            assert_eq!(pair.ends[end].remote_discriminator(), None);
        }
    }
    assert!(least < MS(630) && most > MS(870), "400 tries come near both bounds: {least} to {most}");
}

/// The gap in what arrives is the step of the delay plus one interval of 75 to 100 ms: 465 to 490 ms stay below the
/// detection time of 500 ms, 525 to 550 ms do not.
#[test]
fn d18_a_step_of_the_delay_trips_five_times_100_ms_by_its_height() {
    for seed in 0..50 {
        for (step, trips) in [(390, false), (450, true)] {
            let mut pair = settled([config(100, 5), config(100, 5)], MS(5), seed);
            pair.run_for(MS(seed * 3));
            pair.events.clear();
            pair.delay = MS(5 + step);
            let heard = pair.now;
            pair.run_for(MS(600));
            if !trips {
                assert_eq!(pair.events, [], "seed {seed}");
                continue;
            }
            let (at, _, event) = pair.events[0];
            assert_eq!(event.cause, Cause::DetectionTimeExpired);
            assert!(
                at - heard <= MS(505),
                "500 ms after the last packet of the old delay, seed {seed}: {}",
                at - heard
            );
            pair.run_for(Span::from_s(10));
            assert_eq!(pair.states(), [State::Up; 2], "it comes back");
        }
    }
}

#[test]
fn a_fault_of_one_direction_is_told_to_the_other_end() {
    let mut pair = settled([config(300, 3), config(300, 3)], MS(7), 4);
    pair.events.clear();
    pair.works[A] = false;
    pair.run_for(MS(1_000));
    let [(first, B, expired), (second, A, told), ..] = pair.events[..] else { panic!("{:?}", pair.events) };
    assert_eq!(expired.cause, Cause::DetectionTimeExpired);
    assert_eq!(told.cause, Cause::NeighbourSignaledSessionDown);
    assert_eq!(told.diagnostic, Diagnostic::NeighbourSignaledSessionDown);
    assert_eq!(told.path(), Some(Path::Failed));
    assert_eq!(second - first, MS(7), "told at once");
    pair.run_for(Span::from_s(30));
    assert_ne!(pair.ends[A].state(), State::Up);
    pair.works[A] = true;
    pair.run_for(Span::from_s(5));
    assert_eq!(pair.states(), [State::Up; 2]);
}

/// An end that has just told that it is up, at 100 ms, has told its news until its next packet by the timer. An operator's
/// wish is told all the same: that packet goes at the slow rate then, after the 300 ms that the neighbour waits.
#[test]
fn an_operators_wish_is_told_however_soon_it_comes() {
    for seed in 0..20 {
        let mut pair = Pair::new([config(100, 3), config(100, 3)], MS(7), seed);
        // A hears and is not heard, long enough to go by its timer; then it is heard, and both come up.
        pair.works[A] = false;
        pair.run_for(Span::from_s(5));
        pair.works[A] = true;
        while pair.states() != [State::Up; 2] {
            pair.run_for(MS(1));
        }
        pair.events.clear();
        pair.command(A, Command::AdminDown);
        pair.run_for(Span::from_s(2));
        let told: Vec<_> = pair.events.iter().filter(|event| event.1 == B).map(|event| event.2.cause).collect();
        assert_eq!(told, [Cause::NeighbourAdminDown], "seed {seed}");
    }
}

#[test]
fn an_operators_wish_is_no_fault_of_the_path() {
    let mut pair = settled([config(300, 3), config(300, 3)], MS(7), 4);
    pair.events.clear();
    pair.command(A, Command::AdminDown);
    pair.run_for(Span::from_s(5));
    let [(_, A, own), (_, B, told)] = pair.events[..] else { panic!("{:?}", pair.events) };
    assert_eq!((own.to, own.diagnostic), (State::AdminDown, Diagnostic::AdministrativelyDown));
    assert_eq!((told.to, told.diagnostic), (State::Down, Diagnostic::NeighbourSignaledSessionDown));
    assert_eq!(told.cause, Cause::NeighbourAdminDown);
    assert_eq!([own.path(), told.path()], [Some(Path::Unwatched); 2]);
    pair.command(A, Command::Enable);
    pair.run_for(Span::from_s(5));
    assert_eq!(pair.states(), [State::Up; 2]);
    pair.events.clear();
    pair.command(B, Command::PathDown);
    pair.run_for(MS(8));
    assert_eq!(pair.events[0].2.diagnostic, Diagnostic::PathDown);
    assert_eq!(pair.events[1].2.cause, Cause::NeighbourSignaledSessionDown);
}

/// A slower rate counts only after the neighbour's Final, a faster one at once; neither ends the session (§6.8.3).
#[test]
fn intervals_change_by_a_poll_sequence() {
    let set = |ms| Command::SetIntervals { desired_min_tx: pair::interval(ms), required_min_rx: pair::interval(ms) };
    let mut pair = settled([config(300, 3), config(50, 3)], MS(7), 4);
    let events = pair.events.len();
    for (ms, before) in [(900, [300, 900]), (50, [50, 900]), (700, [50, 700])] {
        pair.sent.clear();
        pair.command(A, set(ms));
        let at_once = [pair.ends[A].transmit_interval().unwrap(), pair.ends[A].receive_interval()];
        assert_eq!(at_once, before.map(MS), "{ms} ms: sending no slower, waiting no shorter, before the Final");
        assert!(pair.ends[A].polls());
        pair.run_for(Span::from_s(4));
        assert!(!pair.ends[A].polls());
        assert_eq!(pair.ends[A].transmit_interval(), Some(MS(ms)));
        assert_eq!(pair.ends[A].detection_time(), Some(MS(3 * ms)));
        assert_eq!(pair.ends[B].detection_time(), Some(MS(3 * ms)));
        let polls: Vec<_> = pair.sent.iter().filter(|(_, from, p)| *from == A && p.poll).collect();
        let finals: Vec<_> = pair.sent.iter().filter(|(_, from, p)| *from == B && p.final_bit).collect();
        assert_eq!((polls.len(), finals.len()), (1, 1));
        assert_eq!(finals[0].0 - polls[0].0, MS(7), "answered on arrival");
        assert!(pair.sent.iter().all(|(_, _, packet)| !(packet.poll && packet.final_bit)));
    }
    assert_eq!(pair.events.len(), events, "no flap");
}

/// §6.8.7: 75 to 100 % of the interval, with a multiplier of 1 no more than 90 %.
#[test]
fn gaps_are_jittered_as_the_multiplier_says() {
    for (multiplier, most) in [(1, 270), (3, 300)] {
        let mut pair = settled([config(300, multiplier), config(300, 3)], MS(7), 4);
        pair.sent.clear();
        pair.run_for(Span::from_s(300));
        let own: Vec<Instant> = pair.sent.iter().filter(|(_, from, _)| *from == A).map(|(at, ..)| *at).collect();
        let gaps: Vec<Span> = own.windows(2).map(|two| two[1] - two[0]).collect();
        let (least, greatest) = (*gaps.iter().min().unwrap(), *gaps.iter().max().unwrap());
        assert!(MS(225) <= least && least < MS(227), "{least}");
        assert!(MS(most - 2) < greatest && greatest <= MS(most), "{greatest}");
    }
}

#[test]
fn a_passive_end_waits_and_two_wait_for_ever() {
    let passive = Config { passive: true, ..config(300, 3) };
    let mut pair = Pair::new([passive, passive], MS(1), 1);
    pair.run_for(Span::from_s(60));
    assert!(pair.sent.is_empty());
    assert_eq!(pair.ends[A].poll_timeout(), None);
    let mut pair = settled([passive, config(300, 3)], MS(1), 1);
    pair.works = [false; 2];
    pair.run_for(Span::from_s(10));
    pair.sent.clear();
    pair.run_for(Span::from_s(10));
    assert!(pair.sent.iter().all(|(_, from, _)| *from == B), "it waits again");
}

/// A packet of a neighbour that the tests speak for.
fn heard(state: State) -> Packet {
    Packet {
        diagnostic: Diagnostic::NoDiagnostic,
        state,
        poll: false,
        final_bit: false,
        control_plane_independent: false,
        demand: false,
        multiplier: DetectMult(NonZeroU8::new(3).unwrap()),
        my_discriminator: NonZeroU32::new(77).unwrap(),
        your_discriminator: NonZeroU32::new(1),
        desired_min_tx_us: 300_000,
        required_min_rx_us: 300_000,
        required_min_echo_rx_us: 0,
    }
}

/// A session in Up with [`heard`]'s neighbour at 0, all it had to say taken.
fn up() -> Session {
    let mut session = Session::new(Instant::ZERO, config(300, 3), NonZeroU32::MIN, Rng::new(1, 1));
    session.handle_packet(Instant::ZERO, &heard(State::Init));
    while session.poll_transmit().is_some() {}
    session.handle_packet(Instant::ZERO, &Packet { final_bit: true, ..heard(State::Up) });
    assert_eq!(session.poll_event().map(|event| event.to), Some(State::Up));
    assert!(!session.polls());
    session
}

#[test]
fn a_neighbour_that_wants_no_packets_gets_none_but_answers() {
    for quiet in [Packet { required_min_rx_us: 0, ..heard(State::Up) }, Packet { demand: true, ..heard(State::Up) }] {
        let mut session = up();
        session.handle_packet(Instant::ZERO, &quiet);
        assert_eq!(session.poll_timeout(), Some(Instant::ZERO + MS(900)), "the detection time alone");
        session.handle_packet(Instant::ZERO, &Packet { poll: true, ..quiet });
        assert!(session.poll_transmit().is_some_and(|packet| packet.final_bit && !packet.poll));
        assert_eq!(session.poll_transmit(), None);
    }
    // In demand mode a Poll Sequence still goes out (§6.6), and ends with its Final.
    let mut session = up();
    session.handle_packet(Instant::ZERO, &Packet { demand: true, ..heard(State::Up) });
    let slower = pair::interval(400);
    session.handle_command(Instant::ZERO, Command::SetIntervals { desired_min_tx: slower, required_min_rx: slower });
    let at = session.poll_timeout().unwrap();
    session.handle_timeout(at);
    assert!(session.poll_transmit().is_some_and(|packet| packet.poll));
    session.handle_packet(at, &Packet { demand: true, final_bit: true, ..heard(State::Up) });
    assert_eq!(session.poll_timeout(), Some(at + MS(1_200)));
}

#[test]
fn a_final_before_any_poll_ends_no_sequence() {
    let mut session = up();
    let slower = pair::interval(400);
    session.handle_command(Instant::ZERO, Command::SetIntervals { desired_min_tx: slower, required_min_rx: slower });
    session.handle_packet(Instant::ZERO, &Packet { final_bit: true, ..heard(State::Up) });
    assert!(session.polls(), "the Final answers an older question");
    assert_eq!(session.transmit_interval(), Some(MS(300)));
}

/// Not up, a shorter wait counts at once (§6.8.3): what it makes late is due now, not in the past.
#[test]
fn a_wait_made_shorter_than_the_silence_ends_now() {
    let mut session = Session::new(Instant::ZERO, config(2_000, 3), NonZeroU32::MIN, Rng::new(1, 1));
    session.handle_packet(Instant::ZERO, &heard(State::Down));
    let (now, faster) = (Instant::ZERO + MS(1_500), pair::interval(300));
    session.handle_command(now, Command::SetIntervals { desired_min_tx: faster, required_min_rx: faster });
    assert_eq!(session.poll_timeout(), Some(now));
    session.handle_timeout(now);
    assert_eq!((session.state(), session.remote_discriminator()), (State::Down, None));
    assert!(session.poll_timeout().is_some_and(|next| next > now));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is lost, late or out of order: nothing happens before `poll_timeout`, and no end sends sooner than after
    /// 75 % of its interval, but for Finals and news of its state; afterwards both come to rest, up.
    #[test]
    fn no_weather_makes_an_end_lie_or_hurry(
        seed: u64, loss in 0u64..60, spread_ms in 1u64..2_000,
        intervals in [10u64..2_000, 10u64..2_000], multipliers in [1u8..6, 1u8..6],
        commands in proptest::collection::vec((0usize..2, 0u8..4, 10u64..2_000), 0..6),
    ) {
        let mut pair = Pair::new([A, B].map(|end| config(intervals[end], multipliers[end])), MS(1), seed);
        (pair.loss_percent, pair.spread) = (loss, MS(spread_ms));
        for (end, which, ms) in commands {
            pair.run_for(Span::from_s(4));
            let interval = pair::interval(ms);
            pair.command(end, match which {
                0 => Command::AdminDown,
                1 => Command::Enable,
                2 => Command::PathDown,
                _ => Command::SetIntervals { desired_min_tx: interval, required_min_rx: interval },
            });
        }
        pair.run_for(Span::from_s(10));
        prop_assert_eq!(pair.hurried, 0);
        // With fair weather again both agree.
        (pair.loss_percent, pair.spread) = (0, Span::from_ps(1));
        pair.command(A, Command::Enable);
        pair.command(B, Command::Enable);
        pair.run_for(Span::from_s(30));
        pair.events.clear();
        pair.run_for(Span::from_s(30));
        prop_assert_eq!(&pair.events, &[], "it never comes to rest");
        prop_assert_eq!(pair.states(), [State::Up; 2]);
        prop_assert!(!pair.ends[A].polls() && !pair.ends[B].polls());
    }

    /// Whatever a neighbour says, of the greatest and the least values too, each timer lies ahead once it was answered.
    #[test]
    fn any_packets_are_survived(said in proptest::collection::vec((any::<[u8; 24]>(), 0u64..5_000, any::<bool>()), 1..60)) {
        let mut session = up();
        let mut now = Instant::ZERO;
        for (mut octets, later_ms, extreme) in said {
            (octets[0], octets[3]) = (0x20 | octets[0] & 0x1f, 24);
            octets[1] &= 0xfa;
            if extreme {
                let fill = if octets[12] & 1 == 0 { 0 } else { 0xff };
                octets[12..].fill(fill);
            }
            now += MS(later_ms);
            while let Some(at) = session.poll_timeout().filter(|&at| at <= now) {
                session.handle_timeout(at);
                prop_assert!(session.poll_timeout().is_none_or(|next| next > at));
                while session.poll_transmit().is_some() {}
            }
            if let Ok(packet) = Packet::read(&octets) {
                session.handle_packet(now, &packet);
                while let Some(packet) = session.poll_transmit() {
                    prop_assert_eq!(Packet::read(&packet.emit()), Ok(packet));
                }
                prop_assert!(session.poll_timeout().is_some());
            }
        }
    }
}
