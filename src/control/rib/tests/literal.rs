//! Each rule by one example that a person can read.

use super::super::policy;
use super::*;

const A: PeerId = PeerId(0);
const B: PeerId = PeerId(1);
const C: PeerId = PeerId(2);
const D: PeerId = PeerId(3);
const P: &str = "10.10.0.0/16";

/// A: AS 65010; B: AS 65020; C and D: internal.
fn four() -> Rib {
    let internal = |n| peer(n, PeerKind::Internal);
    router(RibConfig::default(), [peer(1, external(65_010)), peer(2, external(65_020)), internal(3), internal(4)])
}

fn best(rib: &Rib) -> Vec<PeerId> {
    let route = rib.route(Instant::ZERO, GLOBAL, net(P));
    route.into_iter().flat_map(|route| route.next_hops).filter_map(|via| via.peer).collect()
}

#[test]
fn to_external_peers_a_route_has_the_own_system_and_address_and_no_preference() {
    let mut rib = four();
    let mut attributes = route("10.0.0.1", &[65_010, 7]);
    (attributes.med, attributes.local_pref) = (Some(50), Some(900));
    // A route target, one that is transitive, one that is not (RFC 4360 §2).
    attributes.extended_communities =
        vec![[0, 2, 0, 1, 0, 0, 0, 1], [3, 12, 0, 0, 0, 0, 0, 8], [0x43, 0, 0, 0, 0, 0, 0, 2]];
    rib.handle_update(Instant::ZERO, A, &announce(&[P], attributes.clone()));
    let mut wanted = route("10.0.0.254", &[12_076, 65_010, 7]);
    wanted.extended_communities = vec![[3, 12, 0, 0, 0, 0, 0, 8]];
    assert_eq!(told(&mut rib, Instant::ZERO, B, P), Some(wanted));
    // LOCAL_PREF that an external peer sends is not heard (RFC 4271 §5.1.5).
    let wanted = Attributes { local_pref: Some(100), ..attributes };
    assert_eq!(told(&mut rib, Instant::ZERO, C, P), Some(wanted));
    assert_eq!(told(&mut rib, Instant::ZERO, A, P), None);
}

#[test]
fn what_an_internal_peer_says_goes_to_external_ones_only() {
    let mut rib = four();
    rib.handle_update(Instant::ZERO, C, &announce(&[P], route("10.0.0.3", &[7])));
    assert_eq!(told(&mut rib, Instant::ZERO, A, P), Some(route("10.0.0.254", &[12_076, 7])));
    assert_eq!(told(&mut rib, Instant::ZERO, D, P), None);
}

#[test]
fn next_hop_self_is_for_internal_peers_that_want_it() {
    let mut of = peer(3, PeerKind::Internal);
    of.next_hop_self = true;
    let mut rib = router(RibConfig::default(), [peer(1, external(65_010)), of, peer(4, PeerKind::Internal)]);
    rib.handle_update(Instant::ZERO, A, &announce(&[P], route("10.0.0.1", &[65_010])));
    assert_eq!(told(&mut rib, Instant::ZERO, B, P).unwrap().next_hop, ip("10.0.0.254"));
    assert_eq!(told(&mut rib, Instant::ZERO, C, P).unwrap().next_hop, ip("10.0.0.1"));
}

#[test]
fn well_known_communities_are_obeyed() {
    let heard = |community| {
        let mut rib = four();
        let attributes = Attributes { communities: vec![community], ..route("10.0.0.1", &[65_010]) };
        rib.handle_update(Instant::ZERO, A, &announce(&[P], attributes));
        assert_eq!(best(&rib), [A]);
        [B, C].map(|peer| told(&mut rib, Instant::ZERO, peer, P).is_some())
    };
    assert_eq!(heard(policy::community(1, 1)), [true, true]);
    assert_eq!(heard(NO_EXPORT), [false, true]);
    assert_eq!(heard(NO_EXPORT_SUBCONFED), [false, true]);
    assert_eq!(heard(NO_ADVERTISE), [false, false]);
}

#[test]
fn graceful_shutdown_makes_a_route_the_last_choice() {
    let mut rib = four();
    rib.set_import(Instant::ZERO, A, Policy::new([Rule::LocalPref(300)]));
    rib.handle_update(Instant::ZERO, B, &announce(&[P], route("10.0.0.2", &[65_020, 1, 2])));
    rib.handle_update(Instant::ZERO, A, &announce(&[P], route("10.0.0.1", &[65_010])));
    assert_eq!(best(&rib), [A]);
    let leaving = Attributes { communities: vec![GRACEFUL_SHUTDOWN], ..route("10.0.0.1", &[65_010]) };
    rib.handle_update(Instant::ZERO, A, &announce(&[P], leaving));
    assert_eq!(best(&rib), [B]);
    rib.peer_down(Instant::ZERO, B);
    assert_eq!(best(&rib), [A]);
    assert_eq!(told(&mut rib, Instant::ZERO, C, P).unwrap().local_pref, Some(0));
}

#[test]
fn the_own_system_may_be_in_a_path_as_often_as_is_allowed() {
    let heard = |allowed, path: &[u32]| {
        let of = PeerConfig { own_as_allowed: allowed, ..peer(1, external(65_010)) };
        let mut rib = router(RibConfig::default(), [of, peer(2, external(65_020))]);
        rib.handle_update(Instant::ZERO, A, &announce(&[P], route("10.0.0.1", path)));
        !best(&rib).is_empty()
    };
    let (once, twice) = ([65_010, 12_076, 7], [65_010, 12_076, 7, 12_076]);
    assert_eq!([0, 1, 2].map(|allowed| heard(allowed, &once)), [false, true, true]);
    assert_eq!([0, 1, 2].map(|allowed| heard(allowed, &twice)), [false, false, true]);
}

#[test]
fn a_loop_and_the_own_address_are_not_accepted() {
    let mut rib = four();
    rib.handle_update(Instant::ZERO, A, &announce(&[P], route("10.0.0.1", &[65_010, 12_076])));
    rib.handle_update(Instant::ZERO, B, &announce(&[P], route("10.0.0.254", &[65_020])));
    assert_eq!(best(&rib), []);
    let refused = PeerCounts { received: 1, accepted: 0, advertised: 0 };
    assert_eq!((rib.counts(A), rib.counts(B)), (refused, refused));
}

#[test]
fn weight_comes_before_local_preference_and_path_length() {
    let mut rib = four();
    rib.set_import(Instant::ZERO, A, Policy::new([Rule::Weight(10)]));
    rib.set_import(Instant::ZERO, B, Policy::new([Rule::LocalPref(500)]));
    rib.handle_update(Instant::ZERO, A, &announce(&[P], route("10.0.0.1", &[65_010, 1, 2, 3])));
    rib.handle_update(Instant::ZERO, B, &announce(&[P], route("10.0.0.2", &[65_020])));
    assert_eq!(best(&rib), [A]);
    rib.set_import(Instant::ZERO, A, Policy::default());
    assert_eq!(best(&rib), [B]);
}

#[test]
fn prepending_on_export_drains_a_link_and_is_undone() {
    let mut rib = four();
    rib.originate(Instant::ZERO, GLOBAL, net(P), route("0.0.0.0", &[65_515]));
    assert_eq!(told(&mut rib, Instant::ZERO, A, P), Some(route("10.0.0.254", &[12_076, 65_515])));
    rib.set_export(us(1), A, Policy::new([Rule::Prepend(8)]));
    let drained = told(&mut rib, us(1), A, P).unwrap();
    assert_eq!(drained.as_path.to_string(), format!("{}65515", "12076 ".repeat(9)));
    rib.set_export(us(2), A, Policy::new([Rule::DenyAll]));
    assert_eq!(updates(&mut rib, us(2), A), [withdraw(&[P])]);
    rib.set_export(us(3), A, Policy::new([Rule::RemovePrivateAs]));
    assert_eq!(told(&mut rib, us(3), A, P), Some(route("10.0.0.254", &[12_076])));
    assert_eq!(told(&mut rib, us(3), C, P).unwrap().local_pref, Some(100));
}

#[test]
fn a_med_goes_to_the_neighbour_and_no_further() {
    let mut rib = four();
    rib.originate(Instant::ZERO, GLOBAL, net(P), Attributes { med: Some(5), ..route("0.0.0.0", &[]) });
    assert_eq!(told(&mut rib, Instant::ZERO, A, P).unwrap().med, Some(5));
    rib.withdraw_own(Instant::ZERO, GLOBAL, net(P));
    rib.handle_update(Instant::ZERO, B, &announce(&[P], Attributes { med: Some(5), ..route("10.0.0.2", &[65_020]) }));
    assert_eq!(told(&mut rib, Instant::ZERO, A, P).unwrap().med, None);
    assert_eq!(told(&mut rib, Instant::ZERO, C, P).unwrap().med, Some(5));
    rib.set_export(Instant::ZERO, A, Policy::new([Rule::Med(Some(77))]));
    assert_eq!(told(&mut rib, Instant::ZERO, A, P).unwrap().med, Some(77));
}

#[test]
fn the_least_distance_forwards() {
    let mut rib = four();
    let next_hops = |rib: &Rib| -> Vec<Via> { rib.route(us(0), GLOBAL, net(P)).map_or(Vec::new(), |r| r.next_hops) };
    let via = |peer, next_hop: &str| Via { peer, next_hop: ip(next_hop), label: None };
    rib.handle_update(us(0), C, &announce(&[P], route("10.0.0.3", &[])));
    let floating = Direct { distance: 150, next_hop: ip("10.0.0.4") };
    rib.add_direct(us(0), GLOBAL, net(P), floating);
    assert_eq!(next_hops(&rib), [via(None, "10.0.0.4")]);
    rib.handle_update(us(0), A, &announce(&[P], route("10.0.0.1", &[65_010])));
    // iBGP has the shorter path: BGP's best is of distance 200 still.
    assert_eq!(next_hops(&rib), [via(None, "10.0.0.4")]);
    rib.handle_update(us(0), C, &withdraw(&[P]));
    assert_eq!(next_hops(&rib), [via(Some(A), "10.0.0.1")]);
    for next_hop in ["10.0.0.3", "10.0.0.2", "192.0.2.1"] {
        rib.add_direct(us(0), GLOBAL, net(P), Direct::fixed(ip(next_hop)));
    }
    assert_eq!(next_hops(&rib), [via(None, "10.0.0.2"), via(None, "10.0.0.3")]);
    rib.add_direct(us(0), GLOBAL, net(P), Direct::connected(ip("10.10.0.1")));
    assert_eq!(next_hops(&rib), [via(None, "10.10.0.1")]);
    rib.remove_direct(us(0), GLOBAL, net(P), Direct::connected(ip("10.10.0.1")));
    rib.set_next_hop(us(0), GLOBAL, ip("10.0.0.2"), false);
    assert_eq!(next_hops(&rib), [via(None, "10.0.0.3")]);
}

#[test]
fn what_was_not_agreed_on_is_left_aside() {
    let mut rib = four();
    let v6 = announce(&["2001:db8::/32"], route("10.0.0.1", &[65_010]));
    assert_eq!(rib.handle_update(us(0), A, &v6), 1);
    rib.peer_down(us(0), A);
    assert_eq!(rib.handle_update(us(0), A, &announce(&[P], route("10.0.0.1", &[65_010]))), 1);
    assert_eq!(rib.routes(us(0), GLOBAL).count(), 0);
    rib.peer_up(us(0), A);
    assert_eq!(rib.handle_update(us(0), A, &announce(&[P], route("10.0.0.1", &[65_010]))), 0);
    let bare = RouteUpdate { attributes: None, ..announce(&[P], route("10.0.0.1", &[])) };
    assert_eq!(rib.handle_update(us(0), A, &bare), 0);
    assert_eq!(best(&rib), []);
}

#[test]
fn a_listing_has_every_path_with_its_marks_and_age() {
    let mut rib = router(
        RibConfig {
            decision: DecisionConfig { maximum_paths_external: 2, ..Default::default() },
            ..Default::default()
        },
        [1, 2, 3].map(|n| peer(n, external(65_000 + u32::from(n)))),
    );
    for (n, path) in [(1, vec![65_001]), (2, vec![65_002]), (3, vec![65_003, 65_003])] {
        let next_hop = format!("10.0.0.{n}");
        rib.handle_update(us(n), PeerId(n as u16 - 1), &announce(&[P], route(&next_hop, &path)));
    }
    // Said again, nothing is new.
    rib.handle_update(us(9), A, &announce(&[P], route("10.0.0.1", &[65_001])));
    rib.set_next_hop(us(9), GLOBAL, ip("10.0.0.3"), false);
    let view = rib.route(us(10), GLOBAL, net(P)).unwrap();
    let marks = view.paths.iter().map(|path| {
        let mark = |is: bool, letter| if is { letter } else { '-' };
        let marks = [mark(path.is_usable, 'u'), mark(path.is_best, 'b'), mark(path.is_multipath, 'm')];
        format!("{} {} {}", marks.iter().collect::<String>(), path.attributes.as_path, path.age)
    });
    assert_eq!(marks.collect::<Vec<_>>(), ["ubm 65001 9 us", "u-m 65002 8 us", "--- 65003 65003 7 us"]);
    assert_eq!(view.next_hops.len(), 2);
}
