//! Two connections against each other over a pipe with delay, loss, duplicates and reordering, on a fake clock.

use super::*;
use std::collections::BTreeMap;

mod oracle;
mod single;

/// What happens to packets on their way; chances in percent.
#[derive(Clone, Copy)]
pub(super) struct Pipe {
    pub(super) delay: Span,
    pub(super) jitter: Span,
    pub(super) lost: u64,
    pub(super) twice: u64,
}

pub(super) const CLEAN: Pipe = Pipe { delay: Span::from_ms(5), jitter: Span::from_ps(1), lost: 0, twice: 0 };
pub(super) const BAD: Pipe = Pipe { delay: Span::from_ms(5), jitter: Span::from_ms(8), lost: 10, twice: 10 };

/// Side 0 is active, side 1 passive.
pub(super) struct Pair {
    pub(super) ends: [Connection; 2],
    pub(super) got: [Vec<u8>; 2],
    pub(super) events: [Vec<(Instant, Event)>; 2],
    /// What was sent: when, by whom, which packet.
    pub(super) sent: Vec<(Instant, usize, Vec<u8>)>,
    pub(super) is_cut: bool,
    pub(super) now: Instant,
    pub(super) calls: u64,
    pipe: Pipe,
    rng: Rng,
    serial: u64,
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
}

pub(super) fn addresses(v6: bool) -> [IpAddr; 2] {
    let of = |text: &str| text.parse().unwrap();
    if v6 { [of("fd00::1"), of("fd00::2")] } else { [of("192.168.100.129"), of("192.168.100.130")] }
}

pub(super) fn end(side: usize, v6: bool, options: Options, seed: u64) -> Connection {
    let of = addresses(v6);
    let role = [Role::Active, Role::Passive][side];
    Connection::new(of[side], of[1 - side], role, options, Rng::new(seed, side as u64))
}

impl Pair {
    pub(super) fn new(v6: bool, options: Options, pipe: Pipe, seed: u64) -> Pair {
        let mut pair = Pair {
            ends: [0, 1].map(|side| end(side, v6, options, seed)),
            got: Default::default(),
            events: Default::default(),
            sent: Vec::new(),
            is_cut: false,
            now: Instant::from_ps(1_234_567),
            calls: 0,
            pipe,
            rng: Rng::new(seed, 9),
            serial: 0,
            flying: BTreeMap::new(),
        };
        pair.ends[1].listen(pair.now);
        pair
    }

    pub(super) fn connected(v6: bool, options: Options, pipe: Pipe, seed: u64) -> Pair {
        let mut pair = Pair::new(v6, options, pipe, seed);
        pair.ends[0].connect(pair.now);
        pair.run(Span::from_s(20));
        assert_eq!(pair.names(), [vec![Event::Connected], vec![Event::Accepted]]);
        pair
    }

    pub(super) fn names(&self) -> [Vec<Event>; 2] {
        [0, 1].map(|side| self.events[side].iter().map(|(_, event)| *event).collect())
    }

    fn take(&mut self, side: usize) {
        // Octets first: what is read may send a window update.
        while let Some(octets) = self.ends[side].poll_octets() {
            self.got[side].extend(octets);
        }
        while let Some(event) = self.ends[side].poll_event() {
            self.events[side].push((self.now, event));
        }
        while let Some(packet) = self.ends[side].poll_transmit() {
            self.sent.push((self.now, side, packet.clone()));
            let copies = 1 + u64::from(self.rng.below(100) < self.pipe.twice);
            for _ in 0..copies {
                let is_lost = self.rng.below(100) < self.pipe.lost;
                let jitter = Span::from_ps(self.rng.below(self.pipe.jitter.as_ps()));
                if !is_lost && !self.is_cut {
                    self.serial += 1;
                    let key = (self.now + self.pipe.delay + jitter, self.serial);
                    self.flying.insert(key, (1 - side, packet.clone()));
                }
            }
        }
    }

    /// Runs for `span`; each timer is shown to be true on its way.
    pub(super) fn run(&mut self, span: Span) {
        let end = self.now + span;
        loop {
            (0..2).for_each(|side| self.take(side));
            let arrival = self.flying.keys().next().map(|key| key.0);
            let timers = [0, 1].map(|side| self.ends[side].poll_timeout());
            let Some(next) = [arrival, timers[0], timers[1]].into_iter().flatten().min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            assert!(next >= self.now, "time runs back to {next}");
            self.now = next;
            self.calls += 1;
            if arrival == Some(next) {
                let (_, (side, packet)) = self.flying.pop_first().unwrap();
                self.ends[side].handle_packet(next, &packet);
                continue;
            }
            let side = usize::from(timers[0] != Some(next));
            let early = Instant::from_ps(next.as_ps() - 1);
            self.ends[side].handle_timeout(early);
            assert_eq!(self.ends[side].poll_timeout(), Some(next), "nothing happens before");
            self.ends[side].handle_timeout(next);
            assert!(self.ends[side].poll_timeout().is_none_or(|again| again > next), "the timer of {next} is done");
        }
    }

    /// Sends all of `octets` from `side`, as the queue takes them.
    pub(super) fn send_all(&mut self, side: usize, octets: &[u8]) {
        let mut pieces = octets.chunks(4096);
        let mut piece = pieces.next().map(<[u8]>::to_vec);
        for _ in 0..3600 {
            while let Some(octets) = piece.take() {
                piece = match self.ends[side].send(self.now, octets) {
                    Ok(()) => pieces.next().map(<[u8]>::to_vec),
                    Err(back) => {
                        piece = Some(back);
                        break;
                    }
                };
            }
            if piece.is_none() {
                return;
            }
            self.run(Span::from_s(1));
        }
        panic!("not taken within an hour");
    }
}

pub(super) fn octets(count: usize) -> Vec<u8> {
    let mut rng = Rng::new(3, 3);
    (0..count).map(|_| rng.next_u64() as u8).collect()
}

#[test]
fn octets_arrive_complete_and_in_order_over_a_bad_path() {
    for seed in 0..6 {
        let v6 = seed % 2 == 1;
        let mut pair = Pair::connected(v6, Options::default(), BAD, seed);
        let (there, back) = (octets(200_000), octets(30_000));
        pair.send_all(0, &there);
        pair.send_all(1, &back);
        pair.run(Span::from_s(300));
        assert!(pair.got[1] == there && pair.got[0] == back, "seed {seed}: {:?}", pair.got.each_ref().map(Vec::len));
        pair.ends[0].close(pair.now);
        pair.run(Span::from_s(120));
        let names = pair.names();
        assert_eq!(names[0], [Event::Connected, Event::Closed], "seed {seed}");
        assert_eq!(names[1], [Event::Accepted, Event::Closed], "seed {seed}");
    }
}

#[test]
fn what_was_sent_before_close_arrives_before_it() {
    let mut pair = Pair::connected(false, Options::default(), CLEAN, 1);
    let data = octets(100_000);
    pair.send_all(0, &data);
    pair.ends[0].close(pair.now);
    assert!(pair.ends[0].send(pair.now, vec![1]).is_err(), "nothing after the end");
    pair.run(Span::from_s(30));
    assert!(pair.got[1] == data);
    assert_eq!(pair.names(), [vec![Event::Connected, Event::Closed], vec![Event::Accepted, Event::Closed]]);
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let sent = |seed| {
        let mut pair = Pair::connected(false, Options::default(), BAD, seed);
        pair.send_all(0, &octets(50_000));
        pair.run(Span::from_s(100));
        pair.sent
    };
    assert!(sent(4) == sent(4));
    assert!(sent(4) != sent(5));
}

#[test]
fn an_idle_connection_does_nothing() {
    let mut pair = Pair::connected(false, Options::default(), CLEAN, 1);
    pair.run(Span::from_s(1));
    let (calls, sent) = (pair.calls, pair.sent.len());
    pair.run(Span::from_s(100_000));
    assert_eq!((pair.calls, pair.sent.len()), (calls, sent));
    assert_eq!(pair.ends[0].poll_timeout(), None);
}

#[test]
fn calls_are_bounded_by_what_passes() {
    let mut pair = Pair::connected(false, Options::default(), BAD, 2);
    let before = (pair.calls, pair.sent.len() as u64);
    pair.send_all(0, &octets(300_000));
    pair.run(Span::from_s(600));
    let (calls, sent) = (pair.calls - before.0, pair.sent.len() as u64 - before.1);
    assert!(calls < 3 * sent, "{calls} calls for {sent} packets");
}

#[test]
fn a_dead_path_ends_a_connection_with_data_and_no_other() {
    let options = Options { user_timeout: Span::from_s(30), ..Options::default() };
    let mut pair = Pair::connected(false, options, CLEAN, 1);
    pair.is_cut = true;
    let cut = pair.now;
    pair.ends[0].send(cut, vec![1; 100]).unwrap();
    pair.run(Span::from_s(1000));
    let (at, event) = *pair.events[0].last().unwrap();
    // The socket counts from the microsecond that the cut was in.
    assert_eq!((event, at.since(cut).as_ps() / PS_PER_US), (Event::TimedOut, 29_999_999));
    assert_eq!(pair.names()[1], [Event::Accepted]);
    assert!(pair.ends[1].is_open());
}

#[test]
fn a_listener_listens_again_after_each_way_to_lose_its_connection() {
    let mut pair = Pair::connected(true, Options::default(), CLEAN, 8);
    pair.ends[0].abort(pair.now);
    pair.run(Span::from_s(1));
    pair.ends[0].connect(pair.now);
    pair.run(Span::from_s(1));
    pair.ends[1].close(pair.now);
    pair.run(Span::from_s(1));
    pair.ends[0].connect(pair.now);
    pair.run(Span::from_s(1));
    pair.ends[0].close(pair.now);
    pair.run(Span::from_s(1));
    pair.ends[0].connect(pair.now);
    pair.run(Span::from_s(1));
    use Event::{Accepted, Closed, Connected, Reset};
    let names = pair.names();
    assert_eq!(names[1], [Accepted, Reset, Accepted, Closed, Accepted, Closed, Accepted]);
    assert_eq!(names[0], [Connected, Connected, Closed, Connected, Closed, Connected]);
}

#[test]
fn a_full_window_is_probed_and_opens() {
    let mut pair = Pair::connected(false, Options { buffer_octets: 4096, ..Options::default() }, CLEAN, 1);
    // The reader does not read: packets are carried by hand.
    pair.ends[0].send(pair.now, octets(10_000)).unwrap();
    let mut now = pair.now;
    let (mut probes, mut calls) = (0, 0);
    let end = now + Span::from_s(60);
    while now < end {
        for side in [0, 1] {
            while let Some(packet) = pair.ends[side].poll_transmit() {
                probes += u32::from(side == 0 && packet.len() == 41);
                pair.ends[1 - side].handle_packet(now, &packet);
            }
        }
        let next = [0, 1].into_iter().filter_map(|side| pair.ends[side].poll_timeout()).min();
        now = next.unwrap_or(end).max(now);
        (0..2).for_each(|side| pair.ends[side].handle_timeout(now));
        calls += 1;
    }
    assert!((1..20).contains(&probes) && calls < 100, "{probes} probes, {calls} calls");
    pair.now = now;
    pair.run(Span::from_s(60));
    assert_eq!(pair.got[1], octets(10_000));
}
