//! Messages against literal octets of the RFCs' figures, there and back over generated ones, and against noise.

use super::super::update::{EncodeError, Fault, Treatment, encode_update};
use super::*;
use crate::control::{AsPath, Attributes, Nlri, Origin, RouteDistinguisher, RouteUpdate, Segment, Vpn};
use crate::wire::mpls::Label;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

fn external() -> Peering {
    Peering { four_octet_as: true, is_internal: false, families: Family::ALL.to_vec() }
}

/// Octets from hexadecimal digits, spaces apart; a message's marker and length come in front.
fn message(kind: u8, body: &str) -> Vec<u8> {
    let digits: Vec<_> = body.bytes().filter(|digit| *digit != b' ').collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let body: Vec<_> = digits.chunks(2).map(octet).collect();
    let length = u16::try_from(19 + body.len()).unwrap().to_be_bytes();
    [&[0xff; 16][..], &length, &[kind], &body].concat()
}

fn update_of(body: &str, peering: &Peering) -> Update {
    match decode(&message(2, body), peering) {
        Ok(Message::Update(update)) => update,
        other => panic!("{other:?}"),
    }
}

fn nets(texts: &[&str]) -> Vec<Nlri> {
    texts.iter().map(|text| Nlri::from(text.parse::<IpNet>().unwrap())).collect()
}

#[test]
fn an_open_is_these_octets() {
    let open = Open {
        local_as: 4_200_000_001,
        hold_s: 180,
        router_id: Ipv4Addr::new(192, 0, 2, 1),
        families: vec![Family::Ipv4, Family::VpnIpv6],
        route_refresh: true,
        four_octet_as: true,
        graceful_restart: None,
    };
    let octets = message(1, "04 5ba0 00b4 c0000201 16 02 14 01 04 0001 00 01 01 04 0002 00 80 02 00 41 04 fa56ea01");
    assert_eq!(encode(&Message::Open(open.clone()), &external()), Ok(vec![octets.clone()]));
    assert_eq!(decode(&octets, &external()), Ok(Message::Open(open)));
}

#[test]
fn an_open_without_capabilities_is_of_ipv4_and_a_restart_is_kept() {
    let Ok(Message::Open(open)) = decode(&message(1, "04 fdf2 005a 0a000001 00"), &external()) else { panic!() };
    assert_eq!((open.local_as, open.four_octet_as, open.route_refresh), (65010, false, false));
    assert!(open.speaks(Family::Ipv4) && !open.speaks(Family::Ipv6));
    let octets = message(1, "04 fdf2 005a 0a000001 0a 02 08 40 06 8078 0001 01 80");
    let Ok(Message::Open(open)) = decode(&octets, &external()) else { panic!() };
    let restart = GracefulRestart { restarted: true, restart_time_s: 120, families: vec![(Family::Ipv4, true)] };
    assert_eq!(open.graceful_restart, Some(restart));
}

/// RFC 4271 §6.1 to §6.3: what ends the session, and with which words.
#[test]
fn each_fault_that_ends_a_session_has_its_notification() {
    let mut unsynchronized = message(4, "");
    unsynchronized[3] = 0;
    let mut short = message(4, "");
    short[17] = 18;
    for (octets, code, subcode, data) in [
        (unsynchronized, 1, 1, vec![]),
        (short, 1, 2, vec![0, 18]),
        (message(4, "00"), 1, 2, vec![0, 20]),
        (message(1, "04 fdf2 00b4 0a000001"), 1, 2, vec![0, 28]),
        (message(2, "0000 00"), 1, 2, vec![0, 22]),
        (message(3, "06"), 1, 2, vec![0, 20]),
        (message(6, ""), 1, 3, vec![6]),
        (message(1, "03 fdf2 00b4 0a000001 00"), 2, 1, vec![0, 4]),
        (message(1, "04 0000 00b4 0a000001 00"), 2, 2, vec![]),
        (message(1, "04 fdf2 00b4 00000000 00"), 2, 3, vec![]),
        (message(1, "04 fdf2 00b4 0a000001 02 07 00"), 2, 4, vec![]),
        (message(1, "04 fdf2 0002 0a000001 00"), 2, 6, vec![]),
        (message(1, "04 fdf2 00b4 0a000001 05"), 2, 0, vec![]),
        // Withdrawn routes, then attributes, that are longer than the message.
        (message(2, "0009 0000"), 3, 1, vec![]),
        (message(2, "0000 0009"), 3, 1, vec![]),
    ] {
        assert_eq!(decode(&octets, &external()), Err(Notification { code, subcode, data }), "{octets:02x?}");
    }
    // A prefix of 33 bits: RFC 7606 §5.3.
    let Err(Notification { code: 3, subcode: 10, .. }) = decode(&message(2, "0006 21 0a0a0a0a0a 0000"), &external())
    else {
        panic!()
    };
}

#[test]
fn a_header_is_judged_as_soon_as_it_can_be() {
    assert_eq!(length(&[]), Ok(None));
    assert_eq!(length(&[0xff; 16]), Ok(None));
    assert_eq!(length(&[0xff, 0xfe]), Err(Notification::new(1, 1)));
    assert_eq!(length(&[&message(4, "")[..], &[0]].concat()), Ok(Some(19)));
}

#[test]
fn an_update_of_ipv4_is_these_octets() {
    let mut attributes = Attributes::new("192.0.2.9".parse().unwrap());
    attributes.as_path = AsPath(vec![Segment::Sequence(vec![12076, 4_200_000_001])]);
    attributes.med = Some(7);
    attributes.communities = vec![0xffff_0000];
    let update = RouteUpdate {
        withdrawn: Vec::new(),
        announced: nets(&["10.10.0.0/16", "0.0.0.0/0"]),
        attributes: Some(Arc::new(attributes)),
        end_of_rib: None,
    };
    let body = "0000 0026 40 01 01 00 40 02 0a 02 02 00002f2c fa56ea01 40 03 04 c0000209 80 04 04 00000007 \
        c0 08 04 ffff0000 10 0a0a 00";
    let octets = message(2, body);
    assert_eq!(encode_update(&update, &external()), Ok(vec![octets.clone()]));
    assert_eq!(decode(&octets, &external()), Ok(Message::Update(Update { routes: vec![update], faults: vec![] })));
}

#[test]
fn a_wrong_attribute_withdraws_or_is_discarded() {
    // RFC 7606 §7.1: an ORIGIN of 9. What came to be announced is withdrawn.
    let update = update_of("0000 0014 40 01 01 09 40 02 06 02 01 00002f2c 40 03 04 c0000209 10 0a0a", &external());
    let withdrawn = RouteUpdate { withdrawn: nets(&["10.10.0.0/16"]), ..RouteUpdate::default() };
    assert_eq!(update.routes, std::slice::from_ref(&withdrawn));
    assert_eq!(update.faults, [Fault { attribute: 1, treatment: Treatment::Withdraw }]);
    // §3 d: no NEXT_HOP, from whomever (RFC 4271 §5.1.3).
    for is_internal in [false, true] {
        let peering = Peering { is_internal, ..external() };
        let local_pref = if is_internal { "40 05 04 00000064" } else { "" };
        let octets = if is_internal { "0014" } else { "000d" };
        let body = format!("0000 {octets} 40 01 01 00 40 02 06 02 01 00002f2c {local_pref} 10 0a0a");
        let update = update_of(&body, &peering);
        assert_eq!(update.routes, std::slice::from_ref(&withdrawn));
        assert_eq!(update.faults, [Fault { attribute: 3, treatment: Treatment::Withdraw }]);
    }
    // §7.2, RFC 9774: a path with a set.
    let update = update_of("0000 0014 40 01 01 00 40 02 06 01 01 00002f2c 40 03 04 c0000209 10 0a0a", &external());
    assert_eq!(update.routes, [withdrawn]);
    assert_eq!(update.faults, [Fault { attribute: 2, treatment: Treatment::Withdraw }]);
    // §5.2: the same fault without routes that could be withdrawn.
    let Err(notification) = decode(&message(2, "0000 0004 40 01 01 09"), &external()) else { panic!() };
    assert_eq!(notification.code, 3);
    // §7.5: a LOCAL_PREF of three octets, from an external peer.
    let update = update_of(
        "0000 001a 40 01 01 00 40 02 06 02 01 00002f2c 40 03 04 c0000209 40 05 03 000064 10 0a0a",
        &external(),
    );
    assert_eq!(update.routes[0].announced, nets(&["10.10.0.0/16"]));
    assert_eq!(update.faults, [Fault { attribute: 5, treatment: Treatment::DiscardAttribute }]);
}

/// RFC 4760 §8: who lists a family, be it one that is not known here, speaks what it lists and nothing else.
#[test]
fn an_open_with_unknown_families_speaks_none_that_is_known() {
    let octets = message(1, "04 fdf2 005a 0a000001 08 02 06 01 04 0019 00 46");
    let Ok(Message::Open(open)) = decode(&octets, &external()) else { panic!() };
    assert!(Family::ALL.into_iter().all(|family| !open.speaks(family)), "{open:?}");
}

/// RFC 8950 is not spoken here: a VPN route of IPv4 by a next hop of IPv6 could not be told to anybody.
#[test]
fn a_next_hop_of_the_wrong_family_withdraws() {
    let body = "0000 003b 40 01 01 00 40 02 06 02 01 00002f2c 80 0e 2b 0001 80 18 0000000000000000 \
                20010db8000000000000000000000001 00 68 000641 00010000fdf20007 0a0a";
    let update = update_of(body, &external());
    assert_eq!((update.routes[0].announced.len(), update.routes[0].withdrawn.len()), (0, 1));
    assert_eq!(update.faults, [Fault { attribute: 14, treatment: Treatment::Withdraw }]);
}

#[test]
fn a_vpn_route_has_one_ordinary_label() {
    let of = |labels: &str, bits: &str, length: &str| {
        let body = format!(
            "0000 {length} 40 01 01 00 40 02 06 02 01 00002f2c \
             80 0e {bits} 0001 80 0c 0000000000000000 c0000209 00 {labels} 00010000fdf20007 0a0a"
        );
        let routes = update_of(&body, &external());
        (routes.routes[0].announced.len(), routes.routes[0].withdrawn.len(), routes.faults)
    };
    // 100 with the bottom of the stack; implicit null; 100 on top of 101.
    assert_eq!(of("68 000641", "1f", "002f"), (1, 0, vec![]));
    let withdrawn = (0, 1, vec![Fault { attribute: 14, treatment: Treatment::Withdraw }]);
    assert_eq!(of("68 000031", "1f", "002f"), withdrawn);
    assert_eq!(of("80 000640 000651", "22", "0032"), withdrawn);
}

#[test]
fn local_preference_stays_within_the_system() {
    let body = "0000 001b 40 01 01 00 40 02 06 02 01 00002f2c 40 03 04 c0000209 40 05 04 00000064 10 0a0a";
    let preference = |is_internal| {
        let peering = Peering { is_internal, ..external() };
        let routes = update_of(body, &peering).routes.remove(0);
        let octets = encode_update(&routes, &peering).unwrap().remove(0);
        (routes.attributes.unwrap().local_pref, octets.len())
    };
    assert_eq!(preference(true), (Some(100), 53));
    assert_eq!(preference(false), (None, 46));
}

#[test]
fn the_end_of_each_family_is_told() {
    for family in Family::ALL {
        let end = RouteUpdate { end_of_rib: Some(family), ..RouteUpdate::default() };
        let octets = encode_update(&end, &external()).unwrap().remove(0);
        assert_eq!(octets.len(), if family == Family::Ipv4 { 23 } else { 29 });
        assert_eq!(decode(&octets, &external()), Ok(Message::Update(Update { routes: vec![end], faults: vec![] })));
    }
}

#[test]
fn routes_of_a_family_that_is_not_spoken_are_left_aside() {
    let update = RouteUpdate { withdrawn: nets(&["2001:db8::/32"]), ..RouteUpdate::default() };
    let octets = encode_update(&update, &external()).unwrap().remove(0);
    let peering = Peering { families: vec![Family::Ipv4], ..external() };
    let Ok(Message::Update(read)) = decode(&octets, &peering) else { panic!() };
    assert_eq!(read.routes, []);
    assert_eq!(read.faults, [Fault { attribute: 15, treatment: Treatment::IgnoreFamily }]);
    assert_eq!(encode_update(&update, &peering), Err(EncodeError::NotSpoken(Family::Ipv6)));
    let end = RouteUpdate { end_of_rib: Some(Family::Ipv4), ..RouteUpdate::default() };
    let octets = encode_update(&end, &external()).unwrap().remove(0);
    let peering = Peering { families: vec![Family::Ipv6], ..external() };
    let Ok(Message::Update(read)) = decode(&octets, &peering) else { panic!() };
    assert_eq!(read.routes, [], "the end of what is not carried says nothing");
}

#[test]
fn what_has_no_octets_is_refused() {
    let of = |next_hop: &str, announced: &[&str]| RouteUpdate {
        announced: nets(announced),
        attributes: Some(Arc::new(Attributes::new(next_hop.parse().unwrap()))),
        ..RouteUpdate::default()
    };
    let error = |update: &RouteUpdate| encode_update(update, &external()).unwrap_err().to_string();
    assert_eq!(error(&of("192.0.2.1", &["2001:db8::/32"])), "192.0.2.1 is no next hop of routes of Ipv6");
    assert!(error(&of("192.0.2.1", &["10.0.0.0/8", "2001:db8::/32"])).contains("Ipv4 and Ipv6"));
    let without = RouteUpdate { announced: nets(&["10.0.0.0/8"]), ..RouteUpdate::default() };
    assert_eq!(error(&without), "routes are announced without attributes");
    let mut long = Attributes::new("192.0.2.1".parse().unwrap());
    long.communities = (0..1100).collect();
    let long = RouteUpdate { attributes: Some(Arc::new(long)), ..without };
    assert!(error(&long).contains("no route fits"), "{}", error(&long));
}

/// Of 4096 octets these are no routes: header 19, two lengths 4, ORIGIN 4, AS_PATH 9, NEXT_HOP 7, and 1 that MP_REACH_NLRI
/// could need. Each /24 takes four.
#[test]
fn many_routes_take_as_few_messages_as_hold_them() {
    let mut attributes = Attributes::new("192.0.2.1".parse().unwrap());
    attributes.as_path = AsPath(vec![Segment::Sequence(vec![12076])]);
    let net = |n: u32| IpNet::V4(Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 + (n << 8)), 24).unwrap());
    let announced: Vec<_> = (0..10_000).map(net).map(Nlri::from).collect();
    let update = RouteUpdate { announced, attributes: Some(Arc::new(attributes)), ..RouteUpdate::default() };
    let messages = encode_update(&update, &external()).unwrap();
    let each = (4096 - 44) / 4;
    assert_eq!(messages.len(), 10_000_usize.div_ceil(each));
    assert!(messages[..messages.len() - 1].iter().all(|message| (4093..=4096).contains(&message.len())));
    let mut read = Vec::new();
    for octets in &messages {
        let Ok(Message::Update(part)) = decode(octets, &external()) else { panic!() };
        assert_eq!(part.routes[0].attributes, update.attributes);
        read.extend(part.routes[0].announced.clone());
    }
    assert_eq!(read, update.announced);
}

#[test]
fn the_words_of_a_shutdown_are_read() {
    let octets = message(3, "06 02 05 68656c6c6f");
    let Ok(Message::Notification(notification)) = decode(&octets, &external()) else { panic!() };
    assert_eq!(notification.communication().as_deref(), Some("hello"));
    assert_eq!(encode(&Message::Notification(notification), &external()), Ok(vec![octets]));
    assert_eq!(Notification { code: 6, subcode: 2, data: vec![9, b'x'] }.communication(), None);
    assert_eq!(Notification { code: 6, subcode: 6, data: vec![1, b'x'] }.communication(), None);
}

fn some_nlri(family: Family) -> impl Strategy<Value = Nlri> {
    (any::<u128>(), any::<u8>(), any::<[u8; 8]>(), 16..1_u32 << 20).prop_map(move |(bits, length, rd, label)| {
        let vpn = Vpn { distinguisher: RouteDistinguisher(rd), label: Label::new(label).unwrap() };
        let v4 = IpNet::V4(Ipv4Net::new(Ipv4Addr::from(bits as u32), length % 33).unwrap().trunc());
        let v6 = IpNet::V6(Ipv6Net::new(Ipv6Addr::from(bits), length % 129).unwrap().trunc());
        match family {
            Family::Ipv4 => Nlri { prefix: v4, vpn: None },
            Family::Ipv6 => Nlri { prefix: v6, vpn: None },
            Family::VpnIpv4 => Nlri { prefix: v4, vpn: Some(vpn) },
            Family::VpnIpv6 => Nlri { prefix: v6, vpn: Some(vpn) },
        }
    })
}

fn some_update() -> impl Strategy<Value = RouteUpdate> {
    let next_hop = |family| -> IpAddr {
        if family == Family::Ipv6 { "2001:db8::1".parse().unwrap() } else { "192.0.2.1".parse().unwrap() }
    };
    let family = prop::sample::select(&Family::ALL[..]);
    family.prop_flat_map(move |family| {
        let path = prop::collection::vec(1..u32::MAX, 1..20);
        let numbers = (any::<Option<u32>>(), any::<Option<u32>>(), 0..3_usize);
        let communities = prop::collection::btree_set(any::<u32>(), 0..80);
        let extended = prop::collection::btree_set(any::<[u8; 4]>(), 0..40);
        let routes = prop::collection::vec(some_nlri(family), 1..300);
        (path, numbers, communities, extended, routes).prop_map(
            move |(path, (med, pref, origin), few, more, routes)| {
                let attributes = Attributes {
                    origin: [Origin::Igp, Origin::Egp, Origin::Incomplete][origin],
                    as_path: AsPath(vec![Segment::Sequence(path)]),
                    next_hop: next_hop(family),
                    med,
                    local_pref: pref,
                    communities: few.into_iter().collect(),
                    // Route targets (RFC 4360 §4) of AS 12076.
                    extended_communities: more.into_iter().map(|[a, b, c, d]| [0, 2, 0x2f, 0x2c, a, b, c, d]).collect(),
                };
                RouteUpdate { announced: routes, attributes: Some(Arc::new(attributes)), ..RouteUpdate::default() }
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn updates_come_back_as_they_were(update in some_update(), four_octet_as in any::<bool>()) {
        // Between internal peers, where everything is carried; to one of two-octet numbers by AS4_PATH (RFC 6793 §4.2.2).
        let peering = Peering { four_octet_as, is_internal: true, families: Family::ALL.to_vec() };
        let mut announced = Vec::new();
        for octets in encode_update(&update, &peering).unwrap() {
            prop_assert!(octets.len() <= MAX_OCTETS);
            let Ok(Message::Update(mut part)) = decode(&octets, &peering) else { panic!("{octets:02x?}") };
            prop_assert_eq!(&part.faults, &[]);
            prop_assert_eq!(&part.routes[0].attributes, &update.attributes);
            announced.append(&mut part.routes[0].announced);
        }
        prop_assert_eq!(announced, update.announced);
    }

    #[test]
    fn withdrawals_come_back_as_they_were(update in some_update()) {
        let update = RouteUpdate { withdrawn: update.announced, ..RouteUpdate::default() };
        let mut withdrawn = Vec::new();
        for octets in encode_update(&update, &external()).unwrap() {
            let Ok(Message::Update(mut part)) = decode(&octets, &external()) else { panic!("{octets:02x?}") };
            withdrawn.append(&mut part.routes[0].withdrawn);
        }
        let known = |route: &Nlri| (route.prefix, route.vpn.map(|vpn| vpn.distinguisher));
        let (read, sent): (Vec<_>, Vec<_>) =
            (withdrawn.iter().map(known).collect(), update.withdrawn.iter().map(known).collect());
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn no_octets_are_too_strange(kind in 0..8_u8, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let octets = [&message(kind, "")[..], &body].concat();
        let mut whole = octets.clone();
        whole[16..18].copy_from_slice(&(octets.len() as u16).to_be_bytes());
        for octets in [&octets, &whole, &body] {
            let _ = (length(octets), decode(octets, &external()));
        }
    }

    #[test]
    fn no_change_of_an_update_is_too_strange(
        update in some_update(), at in any::<prop::sample::Index>(), octet in any::<u8>(), internal in any::<bool>(),
    ) {
        let peering = Peering { is_internal: internal, ..external() };
        for mut octets in encode_update(&update, &peering).unwrap() {
            let at = at.index(octets.len());
            octets[at] = octet;
            let _ = decode(&octets, &peering);
        }
    }
}
