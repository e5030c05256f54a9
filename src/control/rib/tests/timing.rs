//! When updates leave and when forwarding follows, as closed forms.

use super::*;
use std::net::Ipv4Addr;

const A: PeerId = PeerId(0);
const B: PeerId = PeerId(1);

fn prefix(n: u32) -> IpNet {
    IpNet::new(IpAddr::V4(Ipv4Addr::from(0x1400_0000 + (n << 8))), 24).unwrap()
}

fn full(count: u32, next_hop: &str, path: &[u32]) -> RouteUpdate {
    RouteUpdate {
        announced: (0..count).map(|n| prefix(n).into()).collect(),
        attributes: Some(Arc::new(route(next_hop, path))),
        ..RouteUpdate::default()
    }
}

fn slow(delay: Span, per_prefix: Span) -> RibConfig {
    RibConfig { programming: ProgrammingConfig { delay, per_prefix }, ..RibConfig::default() }
}

fn two(config: RibConfig) -> Rib {
    router(config, [peer(1, external(65_001)), peer(2, external(65_002))])
}

#[test]
fn a_router_with_ten_thousand_routes_follows_one_after_another() {
    const ROUTES: u32 = 10_000;
    let (delay, per_prefix) = (Span::from_ms(40), Span::from_us(110));
    let mut rib = two(slow(delay, per_prefix));
    rib.handle_update(us(0), A, &full(ROUTES, "10.0.0.1", &[65_001]));
    rib.handle_update(us(0), B, &full(ROUTES, "10.0.0.2", &[65_002, 7]));
    assert_eq!(changes(&mut rib, us(10_000_000)).len(), ROUTES as usize);
    assert_eq!(updates(&mut rib, us(10_000_000), B).iter().map(|u| u.announced.len()).sum::<usize>(), ROUTES as usize);
    let down = us(20_000_000);
    rib.peer_down(down, A);
    let told = updates(&mut rib, down, B);
    // What B is the best for goes back to B no more: all is withdrawn.
    assert_eq!(told.iter().map(|update| update.withdrawn.len()).collect::<Vec<_>>(), [ROUTES as usize]);
    for n in 0..ROUTES {
        let at = Instant::from_ps(down.as_ps() + delay.as_ps() + u64::from(n) * per_prefix.as_ps());
        assert_eq!(rib.poll_timeout(), Some(at));
        assert_eq!(rib.poll_fib(Instant::from_ps(at.as_ps() - 1)), None);
        let next_hops = vec![Via { peer: Some(B), next_hop: ip("10.0.0.2"), label: None }];
        assert_eq!(rib.poll_fib(at), Some(FibChange { at, vrf: GLOBAL, prefix: prefix(n), next_hops }));
    }
    assert_eq!(rib.poll_timeout(), None);
}

#[test]
fn a_prefix_that_changes_again_keeps_its_place() {
    let mut rib = two(slow(Span::from_us(100), Span::from_us(10)));
    rib.handle_update(us(0), A, &full(3, "10.0.0.1", &[65_001]));
    rib.handle_update(us(50), B, &full(4, "10.0.0.2", &[65_002]));
    rib.peer_down(us(105), A);
    let seen: Vec<_> = changes(&mut rib, us(1_000))
        .iter()
        .map(|change| (change.at, change.prefix, change.next_hops.iter().map(|via| via.peer).collect::<Vec<_>>()))
        .collect();
    let by = |peer| vec![Some(peer)];
    let wanted = [
        // In effect at 100, before A went: its change is a new one, behind the fourth.
        (us(100), prefix(0), by(A)),
        (us(110), prefix(1), by(B)),
        (us(120), prefix(2), by(B)),
        (us(130), prefix(3), by(B)),
        (us(140), prefix(0), by(B)),
    ];
    assert_eq!(seen, wanted);
    rib.handle_update(us(141), B, &RouteUpdate { withdrawn: vec![prefix(2).into()], ..RouteUpdate::default() });
    assert_eq!(changes(&mut rib, us(1_000))[0].at, us(241));
}

#[test]
fn without_delay_changes_are_in_effect_at_once() {
    let mut rib = two(slow(Span::ZERO, Span::from_us(10)));
    rib.handle_update(us(5), A, &full(2, "10.0.0.1", &[65_001]));
    let at: Vec<_> = changes(&mut rib, us(100)).iter().map(|change| change.at).collect();
    assert_eq!(at, [us(5), us(15)]);
}

#[test]
fn sets_of_updates_keep_their_interval_withdrawals_too() {
    let mut config = peer(2, external(65_002));
    config.advertisement_interval = Span::from_s(30);
    let mut rib = router(RibConfig::default(), [peer(1, external(65_001)), config]);
    let s = |s: u64| us(s * 1_000_000);
    assert_eq!(updates(&mut rib, s(0), B), [RouteUpdate { end_of_rib: Some(Family::Ipv4), ..RouteUpdate::default() }]);
    rib.handle_update(s(1), A, &full(2, "10.0.0.1", &[65_001]));
    assert_eq!(updates(&mut rib, s(2), B).len(), 1);
    updates(&mut rib, s(2), A);
    rib.handle_update(s(3), A, &full(3, "10.0.0.1", &[65_001, 7]));
    rib.handle_update(s(4), A, &RouteUpdate { withdrawn: vec![prefix(1).into()], ..RouteUpdate::default() });
    changes(&mut rib, s(4));
    assert_eq!(rib.poll_timeout(), Some(s(3)), "A has no interval; that it is told nothing comes out when it is asked");
    assert_eq!(updates(&mut rib, s(4), A), []);
    assert_eq!(rib.poll_timeout(), Some(s(32)));
    assert_eq!(rib.poll_updates(Instant::from_ps(s(32).as_ps() - 1), B), None);
    let sent = updates(&mut rib, s(32), B);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].withdrawn, [prefix(1).into()]);
    assert_eq!(sent[1].announced, [prefix(0).into(), prefix(2).into()]);
    // A change that is undone in time is none, and starts no interval.
    rib.handle_update(s(40), A, &full(1, "10.0.0.1", &[65_001]));
    rib.handle_update(s(41), A, &full(1, "10.0.0.1", &[65_001, 7]));
    changes(&mut rib, s(41));
    updates(&mut rib, s(41), A);
    assert_eq!((rib.poll_timeout(), updates(&mut rib, s(62), B).len()), (Some(s(62)), 0));
    assert_eq!(rib.poll_timeout(), None);
    rib.refresh(s(63), B);
    assert_eq!(updates(&mut rib, s(63), B)[0].announced, sent[1].announced);
}
