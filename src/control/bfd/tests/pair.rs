//! Two sessions with a path between them, on a clock of their own: delay, loss and faults by direction.

use super::super::{Command, Config, Event, Session};
use crate::rng::Rng;
use crate::time::{Instant, Span};
use crate::wire::bfd::{DetectMult, Interval, Packet, State};
use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU32};

pub(super) const A: usize = 0;
pub(super) const B: usize = 1;

pub(super) fn interval(ms: u64) -> Interval {
    Interval::try_from(Span::from_ms(ms)).unwrap()
}

pub(super) fn config(ms: u64, multiplier: u8) -> Config {
    Config::new(interval(ms), DetectMult(NonZeroU8::new(multiplier).unwrap()))
}

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) ends: [Session; 2],
    /// Whether what each end sends gets through.
    pub(super) works: [bool; 2],
    pub(super) delay: Span,
    /// Up to this is added to the delay of each packet, so that they overtake each other.
    pub(super) spread: Span,
    pub(super) loss_percent: u64,
    pub(super) sent: Vec<(Instant, usize, Packet)>,
    pub(super) events: Vec<(Instant, usize, Event)>,
    /// When each end last heard the other.
    pub(super) heard: [Instant; 2],
    /// Packets that came sooner than they may.
    pub(super) hurried: u32,
    flight: BTreeMap<(Instant, u64), (usize, Packet)>,
    sequence: u64,
    last: [Option<(Instant, State)>; 2],
    rng: Rng,
}

impl Pair {
    pub(super) fn new(configs: [Config; 2], delay: Span, seed: u64) -> Self {
        let end = |end: usize| {
            let name = NonZeroU32::new(end as u32 + 1).unwrap();
            Session::new(Instant::ZERO, configs[end], name, Rng::new(seed, end as u64))
        };
        Pair {
            now: Instant::ZERO,
            ends: [end(A), end(B)],
            works: [true; 2],
            delay,
            spread: Span::from_ps(1),
            loss_percent: 0,
            sent: Vec::new(),
            events: Vec::new(),
            heard: [Instant::ZERO; 2],
            hurried: 0,
            flight: BTreeMap::new(),
            sequence: 0,
            last: [None; 2],
            rng: Rng::new(seed, 2),
        }
    }

    pub(super) fn states(&self) -> [State; 2] {
        [A, B].map(|end| self.ends[end].state())
    }

    pub(super) fn command(&mut self, end: usize, command: Command) {
        self.ends[end].handle_command(self.now, command);
        self.take(end);
    }

    pub(super) fn run_for(&mut self, span: Span) {
        let until = self.now + span;
        loop {
            let arrival = self.flight.first_key_value().map(|((at, _), _)| *at);
            let timers = [A, B].map(|end| self.ends[end].poll_timeout());
            let Some(next) = timers.into_iter().chain([arrival]).flatten().min().filter(|&at| at <= until) else {
                break;
            };
            assert!(next >= self.now, "a timer is in the past");
            self.look_before(next);
            self.now = next;
            // What arrives at an instant comes before what is due at it.
            if arrival == Some(next) {
                let (_, (to, packet)) = self.flight.pop_first().unwrap();
                self.heard[to] = next;
                self.ends[to].handle_packet(next, &packet);
                self.take(to);
            } else {
                for end in [A, B].into_iter().filter(|&end| timers[end] == Some(next)) {
                    self.ends[end].handle_timeout(next);
                    self.take(end);
                }
            }
        }
        self.now = until;
    }

    /// Calls that come before `poll_timeout` change nothing.
    fn look_before(&mut self, next: Instant) {
        if next == self.now {
            return;
        }
        let just_before = Instant::from_ps(next.as_ps() - 1);
        for end in &mut self.ends {
            let before = format!("{end:?}");
            end.handle_timeout(just_before);
            assert_eq!(format!("{end:?}"), before, "something happened before its instant");
        }
    }

    fn take(&mut self, end: usize) {
        while let Some(packet) = self.ends[end].poll_transmit() {
            self.judge(end, &packet);
            self.sent.push((self.now, end, packet));
            let lost = !self.works[end] || self.rng.below(100) < self.loss_percent;
            let late = Span::from_ps(self.rng.below(self.spread.as_ps()));
            self.sequence += 1;
            if !lost {
                // The octets travel, not the fields.
                let packet = Packet::read(&packet.emit()).unwrap();
                self.flight.insert((self.now + self.delay + late, self.sequence), (1 - end, packet));
            }
        }
        while let Some(event) = self.ends[end].poll_event() {
            self.events.push((self.now, end, event));
        }
    }

    /// Counts packets, but for Finals and news of the state, that come sooner than after 75 % of the interval in force.
    fn judge(&mut self, end: usize, packet: &Packet) {
        if packet.final_bit {
            return;
        }
        let interval = self.ends[end].transmit_interval().unwrap();
        let last = self.last[end].replace((self.now, packet.state));
        let soon = last.filter(|(_, state)| *state == packet.state).map(|(at, _)| self.now - at);
        self.hurried += u32::from(soon.is_some_and(|gap| gap.as_ps() < interval.as_ps() * 3 / 4));
    }
}
