//! Many sessions of one router: whose a packet is, the order of their timers, and what they cost.
#![allow(clippy::print_stderr)]

use super::super::{Config, Ignored, Kind, Peer, Received, SessionId, Sessions};
use super::heard;
use super::pair::config;
use crate::rng::Rng;
use crate::time::{Instant, Span};
use crate::wire::bfd::{Interval, Packet, State};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + n).into()
}

fn peer(n: u32) -> Peer {
    Peer::SingleHop { interface: n, remote: address(1) }
}

fn router(sessions: u32, config: Config, seed: u64) -> Sessions {
    let mut router = Sessions::new();
    for n in 0..sessions {
        router.add(Instant::ZERO, peer(n), config, Rng::new(seed, n.into())).unwrap();
    }
    router
}

#[test]
fn a_packet_finds_its_session_by_name_or_else_by_source() {
    let mut router = router(3, config(300, 3), 1);
    let multihop = Peer::Multihop { local: address(9), remote: address(8) };
    router.add(Instant::ZERO, multihop, config(300, 3), Rng::new(1, 9)).unwrap();
    assert_eq!(router.add(Instant::ZERO, peer(1), config(300, 3), Rng::new(1, 1)), None, "one for each peer");
    let ids: Vec<SessionId> = router.iter().map(|(id, ..)| id).collect();
    let mut take = |peer, ttl, your: u32| {
        let packet = Packet { your_discriminator: NonZeroU32::new(your), ..heard(State::Down) };
        router.handle_packet(Instant::ZERO, &Received { peer, ttl, packet })
    };
    let name = |n: u32| NonZeroU32::new(n).unwrap();
    assert_eq!(take(peer(1), 255, 0), Ok(ids[1]));
    assert_eq!(take(peer(1), 255, 3), Ok(ids[2]), "the name alone counts");
    assert_eq!(take(peer(7), 255, 0), Err(Ignored::Source));
    assert_eq!(take(peer(1), 254, 0), Err(Ignored::Ttl(254)));
    assert_eq!(take(peer(1), 255, 5), Err(Ignored::Discriminator(name(5))));
    assert_eq!(take(peer(1), 255, u32::MAX), Err(Ignored::Discriminator(name(u32::MAX))));
    assert_eq!(take(multihop, 250, 0), Ok(ids[3]));
    assert_eq!(take(multihop, 250, 1), Err(Ignored::Kind(name(1))));
    assert_eq!(take(Peer::Micro { interface: 1, remote: address(1) }, 255, 0), Err(Ignored::Source));
    assert_eq!([Kind::SingleHop, Kind::Multihop, Kind::Micro].map(Kind::port), [3784, 4784, 6784]);
}

/// Two routers, each session of one with the same of the other, over links without delay.
struct Routers {
    now: Instant,
    routers: [Sessions; 2],
    sent: u64,
}

impl Routers {
    fn run_until(&mut self, until: Instant) {
        self.exchange();
        while let Some(at) = self.routers.iter().filter_map(Sessions::poll_timeout).min().filter(|&at| at <= until) {
            assert!(at >= self.now);
            self.now = at;
            for router in &mut self.routers {
                router.handle_timeout(at);
                assert!(router.poll_timeout().is_none_or(|next| next > at), "all that was due is done");
            }
            self.exchange();
        }
    }

    fn exchange(&mut self) {
        loop {
            let before = self.sent;
            for from in 0..2 {
                while let Some((id, packet)) = self.routers[from].poll_transmit() {
                    self.sent += 1;
                    let received = Received { peer: *self.routers[from].session(id).0, ttl: 255, packet };
                    let taken = self.routers[1 - from].handle_packet(self.now, &received);
                    assert_eq!(taken, Ok(id), "both added their sessions in the same order");
                }
                while self.routers[from].poll_event().is_some() {}
            }
            if before == self.sent {
                return;
            }
        }
    }
}

#[test]
fn a_thousand_sessions_at_3_3_ms_stay_up() {
    let fast = Interval::try_from(Span::from_us(3_300)).unwrap();
    let fast = Config { desired_min_tx: fast, required_min_rx: fast, ..config(300, 3) };
    let mut pair = Routers { now: Instant::ZERO, routers: [router(1_000, fast, 1), router(1_000, fast, 2)], sent: 0 };
    pair.run_until(Instant::ZERO + Span::from_s(2));
    let all_up = |pair: &Routers| pair.routers.iter().all(|r| r.iter().all(|(.., s)| s.state() == State::Up));
    assert!(all_up(&pair));
    pair.sent = 0;
    let clock = std::time::Instant::now();
    pair.run_until(Instant::ZERO + Span::from_s(3));
    let spent = clock.elapsed();
    assert!(all_up(&pair));
    // Gaps of 75 to 100 % of 3.3 ms: 2000 ends send 606 060 to 808 080 packets in a second.
    assert!((606_000..=808_100).contains(&pair.sent), "{}", pair.sent);
    let ns = spent.as_nanos() / u128::from(pair.sent);
    eprintln!(
        "1000 sessions at 3.3 ms, both ends: {} packets in {spent:?}, {ns} ns for each sent and taken",
        pair.sent
    );
}
