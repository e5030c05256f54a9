//! Two segments' ends on a wire, silence, a changed address, and the state table of RFC 4861.

use super::*;
use proptest::prelude::*;

const MACS: [Mac; 2] = [Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])];
const V4: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 168, 100, 129), Ipv4Addr::new(192, 168, 100, 130)];
const V6: [Ipv6Addr; 2] = [Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2)];

fn at(s: u64) -> Instant {
    Instant::ZERO + Span::from_s(s)
}

fn end(side: usize) -> Neighbors {
    Neighbors::new(MACS[side], Some(V4[side]), Some(V6[side]), Options { announces: false, ..Options::default() })
}

fn deliver(now: Instant, frame: &[u8], to: &mut Neighbors) {
    let destination = Mac(*frame.first_chunk().unwrap());
    assert!(destination == to.mac || destination.0[0] & 1 == 1, "for somebody else: {destination}");
    match u16::from_be_bytes([frame[12], frame[13]]) {
        ethernet::ARP => to.handle_arp(now, &Arp::read(&frame[14..]).unwrap()),
        ethernet::IPV6 => to.handle_ndp(now, &Ndp::read(&frame[14..]).unwrap()),
        other => panic!("ethertype {other:#x}"),
    }
}

/// Carries frames both ways until there are none.
fn exchange(now: Instant, ends: &mut [Neighbors; 2]) -> usize {
    let mut count = 0;
    loop {
        let before = count;
        for side in [0, 1] {
            while let Some(frame) = ends[side].poll_transmit() {
                deliver(now, &frame, &mut ends[1 - side]);
                count += 1;
            }
        }
        if count == before {
            return count;
        }
    }
}

fn events(of: &mut Neighbors) -> Vec<Event> {
    std::iter::from_fn(|| of.poll_event()).collect()
}

/// Lets timers run until `end` with nobody there; what was sent, and when.
fn silence(of: &mut Neighbors, end: Instant) -> Vec<(Instant, Vec<u8>)> {
    let mut sent = Vec::new();
    let mut now = Instant::ZERO;
    while let Some(next) = of.poll_timeout().filter(|next| *next <= end) {
        assert!(next > now, "the timer of {now} is done");
        now = next;
        of.handle_timeout(Instant::from_ps(now.as_ps() - 1));
        assert!(of.poll_transmit().is_none() && of.poll_timeout() == Some(now), "nothing happens before");
        of.handle_timeout(now);
        sent.extend(std::iter::from_fn(|| of.poll_transmit()).map(|frame| (now, frame)));
    }
    sent
}

#[test]
fn two_ends_resolve_each_other() {
    for (peer, own) in [(IpAddr::from(V4[1]), IpAddr::from(V4[0])), (V6[1].into(), V6[0].into())] {
        let mut ends = [end(0), end(1)];
        assert_eq!(ends[0].resolve(at(1), peer), None);
        assert_eq!(exchange(at(1), &mut ends), 2, "a request and a reply");
        assert_eq!(ends[0].resolve(at(1), peer), Some(MACS[1]));
        assert_eq!(ends[1].resolve(at(1), own), Some(MACS[0]), "who asks is learnt");
        assert_eq!(events(&mut ends[0]), [Event::Resolved(peer, MACS[1])]);
        assert_eq!(events(&mut ends[1]), [Event::Resolved(own, MACS[0])]);
        assert_eq!(ends[0].state(peer), Some(State::Reachable));
        let asked = if own.is_ipv4() { State::Reachable } else { State::Delay };
        assert_eq!(ends[1].state(own), Some(asked));
        assert_eq!(ends[0].table(at(181)), [Row { age_min: 3, address: peer, mac: Some(MACS[1]) }]);
    }
}

#[test]
fn silence_stays_incomplete_and_is_asked_again_when_wanted() {
    for peer in [IpAddr::from(V4[1]), V6[1].into()] {
        let mut one = end(0);
        assert_eq!(one.resolve(at(1), peer), None);
        let first = one.poll_transmit().unwrap();
        let to: &[u8] = if peer.is_ipv4() { &[0xff; 6] } else { &[0x33, 0x33, 0xff, 0, 0, 2] };
        assert_eq!(&first[..6], to);
        let sent = silence(&mut one, at(100));
        assert_eq!(sent.iter().map(|(now, _)| *now).collect::<Vec<_>>(), [at(2), at(3)]);
        assert!(sent.iter().all(|(_, frame)| *frame == first));
        assert_eq!(events(&mut one), [Event::Incomplete(peer)]);
        assert_eq!(one.table(at(100)), [Row { age_min: 1, address: peer, mac: None }]);
        assert_eq!(one.resolve(at(200), peer), None);
        assert!(one.poll_transmit().is_some() && one.poll_timeout() == Some(at(201)));
    }
}

#[test]
fn an_arp_entry_is_refreshed_before_it_ages_out() {
    let mut ends = [end(0), end(1)];
    ends[0].resolve(at(0), V4[1].into());
    exchange(at(0), &mut ends);
    let due = at(4 * 3600 - 3);
    assert_eq!(ends[0].poll_timeout(), Some(due));
    ends[0].handle_timeout(due);
    let request = ends[0].poll_transmit().unwrap();
    assert_eq!(request[..6], MACS[1].0, "to it alone");
    deliver(due, &request, &mut ends[1]);
    exchange(due, &mut ends);
    assert_eq!(ends[0].state(V4[1].into()), Some(State::Reachable));
    events(&mut ends[0]);
    let sent = silence(&mut ends[0], at(9 * 3600));
    assert_eq!(sent.len(), 3);
    assert_eq!(events(&mut ends[0]), [Event::Gone(V4[1].into())]);
    assert_eq!(ends[0].table(at(9 * 3600)), []);
}

#[test]
fn a_changed_address_is_taken_over() {
    let new = Mac([2, 0, 0, 0, 0, 9]);
    let mut ends = [end(0), end(1)];
    ends[0].resolve(at(0), V4[1].into());
    ends[0].resolve(at(0), V6[1].into());
    exchange(at(0), &mut ends);
    events(&mut ends[0]);
    let mut other = Neighbors::new(new, Some(V4[1]), Some(V6[1]), Options::default());
    other.start();
    let frames: Vec<_> = std::iter::from_fn(|| other.poll_transmit()).collect();
    assert_eq!(frames.len(), 2);
    frames.iter().for_each(|frame| deliver(at(5), frame, &mut ends[0]));
    assert_eq!(events(&mut ends[0]), [Event::Changed(V4[1].into(), new), Event::Changed(V6[1].into(), new)]);
    assert_eq!(ends[0].resolve(at(5), V6[1].into()), Some(new));
    let mut stranger = end(0);
    frames.iter().for_each(|frame| deliver(at(5), frame, &mut stranger));
    assert_eq!(stranger.table(at(5)), [], "an announcement makes no new entry");
}

/// An end that is in `state` about its neighbour.
fn in_state(state: State) -> Neighbors {
    let peer = IpAddr::from(V6[1]);
    let mut one = end(0);
    one.resolve(at(0), peer);
    if state != State::Incomplete {
        advertise(&mut one, at(0), true, true, Some(MACS[1]));
    }
    if matches!(state, State::Stale | State::Delay | State::Probe) {
        one.handle_timeout(at(30));
    }
    if matches!(state, State::Delay | State::Probe) {
        assert_eq!(one.resolve(at(30), peer), Some(MACS[1]), "used while it is doubted");
    }
    if state == State::Probe {
        one.handle_timeout(at(35));
    }
    assert_eq!(one.state(peer), Some(state));
    one
}

fn advertise(one: &mut Neighbors, now: Instant, solicited: bool, replaces: bool, mac: Option<Mac>) {
    let message = Message::Advertisement { router: true, solicited, replaces, mac };
    one.handle_ndp(now, &Ndp { source: V6[1], destination: V6[0], target: V6[1], message });
}

/// RFC 4861 appendix C: what an advertisement makes of each state.
#[test]
fn the_state_table_of_advertisements() {
    use State::{Delay, Incomplete, Probe, Reachable, Stale};
    let (same, other) = (Some(MACS[1]), Some(Mac([2, 0, 0, 0, 0, 9])));
    for (state, solicited, replaces, mac, then, with) in [
        (Incomplete, true, false, None, Incomplete, None),
        (Incomplete, true, false, same, Reachable, same),
        (Incomplete, false, true, same, Stale, same),
        (Reachable, true, false, other, Stale, same),
        (Stale, true, false, other, Stale, same),
        (Delay, true, false, other, Delay, same),
        (Probe, true, false, other, Probe, same),
        (Stale, true, false, same, Reachable, same),
        (Delay, true, true, same, Reachable, same),
        (Probe, true, false, None, Reachable, same),
        (Probe, true, true, other, Reachable, other),
        (Reachable, false, true, other, Stale, other),
        (Delay, false, true, other, Stale, other),
        (Reachable, false, true, same, Reachable, same),
        (Stale, false, true, same, Stale, same),
        (Probe, false, true, None, Probe, same),
    ] {
        let mut one = in_state(state);
        advertise(&mut one, at(36), solicited, replaces, mac);
        let row = one.table(at(36))[0];
        let case = format!("{state:?} S={solicited} O={replaces} {mac:?}");
        assert_eq!((one.state(V6[1].into()), row.mac), (Some(then), with), "{case}");
    }
}

#[test]
fn an_unused_neighbour_is_left_alone_and_a_used_one_is_probed() {
    let peer = IpAddr::from(V6[1]);
    let mut one = in_state(State::Stale);
    assert_eq!(one.poll_timeout(), None);
    one.poll_transmit();
    assert_eq!(one.resolve(at(50), peer), Some(MACS[1]));
    events(&mut one);
    let sent = silence(&mut one, at(1000));
    assert_eq!(sent.iter().map(|(now, _)| *now).collect::<Vec<_>>(), [at(55), at(56), at(57)]);
    assert!(sent.iter().all(|(_, frame)| frame[..6] == MACS[1].0));
    assert_eq!(events(&mut one), [Event::Gone(peer)]);
    let mut one = in_state(State::Delay);
    one.confirm(at(31), peer);
    assert_eq!((one.state(peer), one.poll_timeout()), (Some(State::Reachable), Some(at(61))));
}

#[test]
fn probes_for_an_address_are_answered_and_not_learnt() {
    let mut one = end(0);
    let (operation, target) = (Operation::Request, V4[0]);
    let (sender_mac, target_mac) = (MACS[1], Mac::default());
    one.handle_arp(at(0), &Arp { operation, sender_mac, sender: Ipv4Addr::UNSPECIFIED, target_mac, target });
    assert_eq!(one.poll_transmit().unwrap()[..6], MACS[1].0);
    let message = Message::Solicitation { mac: None };
    let destination = ndp::solicited_node(V6[0]);
    one.handle_ndp(at(0), &Ndp { source: Ipv6Addr::UNSPECIFIED, destination, target: V6[0], message });
    assert_eq!(one.poll_transmit().unwrap()[..6], [0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(one.table(at(0)), []);
}

#[test]
fn of_a_segment_that_goes_down_those_are_gone_that_were_there() {
    let mut one = end(0);
    let absent = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
    one.resolve(at(0), absent);
    let there = Ipv4Addr::new(10, 0, 0, 8);
    let (operation, sender_mac, target_mac) = (Operation::Request, MACS[1], Mac::default());
    one.handle_arp(at(0), &Arp { operation, sender_mac, sender: there, target_mac, target: V4[0] });
    while one.poll_event().is_some() {}
    one.clear();
    assert_eq!(std::iter::from_fn(|| one.poll_event()).collect::<Vec<_>>(), [Event::Gone(there.into())]);
}

#[test]
fn table_and_queue_are_bounded() {
    let mut one = Neighbors::new(MACS[0], Some(V4[0]), None, Options { neighbors: 100, ..Options::default() });
    for n in 0..1000u32 {
        one.resolve(at(0), Ipv4Addr::from_bits(0x0a00_0000 + n).into());
        let sender = Ipv4Addr::from_bits(0x0b00_0000 + n);
        let (operation, sender_mac, target_mac) = (Operation::Request, MACS[1], Mac::default());
        one.handle_arp(at(0), &Arp { operation, sender_mac, sender, target_mac, target: V4[0] });
    }
    assert_eq!((one.table(at(0)).len(), one.frames.len()), (100, TRANSMIT_FRAMES));
    one.clear();
    assert_eq!((one.table(at(0)).len(), one.poll_timeout()), (0, None));
}

proptest! {
    /// Any order of messages and times: addresses of groups are never taken, timers never lie or spin.
    #[test]
    fn arbitrary_messages(steps in proptest::collection::vec((0u8..6, any::<[u8; 6]>(), any::<bool>(), 0u64..40), 0..60)) {
        let mut one = end(0);
        let mut now = at(0);
        for (kind, mac, flag, wait) in steps {
            now += Span::from_s(wait);
            one.handle_timeout(now);
            prop_assert!(one.poll_timeout().is_none_or(|next| next > now));
            let mac = Mac(mac);
            match kind {
                0 => drop(one.resolve(now, V4[1].into())),
                1 => drop(one.resolve(now, V6[1].into())),
                2 => advertise(&mut one, now, flag, !flag, Some(mac)),
                3 => {
                    let message = Message::Solicitation { mac: flag.then_some(mac) };
                    one.handle_ndp(now, &Ndp { source: V6[1], destination: V6[0], target: V6[0], message });
                }
                4 => {
                    let operation = if flag { Operation::Request } else { Operation::Reply };
                    let (sender_mac, target_mac) = (mac, MACS[0]);
                    one.handle_arp(now, &Arp { operation, sender_mac, sender: V4[1], target_mac, target: V4[0] });
                }
                _ => one.confirm(now, V6[1].into()),
            }
            for row in one.table(now) {
                prop_assert!(row.mac.is_none_or(is_station));
            }
            while one.poll_transmit().is_some() {}
        }
    }
}
