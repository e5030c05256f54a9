//! Two provider edges: routes of customers cross between them with labels, by their route targets (RFC 4364).

use super::*;
use crate::control::route::{RouteDistinguisher, Vpn};

const RED: VrfId = VrfId(1);
const BLUE: VrfId = VrfId(2);
const RED_TARGET: [u8; 8] = [0, 2, 0x2f, 0x2c, 0, 0, 0, 1];
const BLUE_TARGET: [u8; 8] = [0, 2, 0x2f, 0x2c, 0, 0, 0, 2];
const CORE: PeerId = PeerId(0);
const CE: PeerId = PeerId(1);

fn label(number: u32) -> Label {
    Label::new(number).unwrap()
}

/// PE `n` at 10.255.0.n: a core peer, and a customer's edge at 192.168.n.1 in VRF red.
fn edge(n: u8) -> Rib {
    let mut rib = router(RibConfig::default(), []);
    let vpn = |vrf: u8, import_targets, target| VpnConfig {
        distinguisher: RouteDistinguisher([0, 1, 10, 255, 0, n, 0, vrf]),
        label: label(u32::from(n) * 100 + u32::from(vrf)),
        import_targets,
        export_targets: vec![target],
    };
    rib.add_vrf(RED, Some(vpn(1, vec![RED_TARGET], RED_TARGET)));
    rib.add_vrf(BLUE, Some(vpn(2, vec![BLUE_TARGET, RED_TARGET], BLUE_TARGET)));
    let core = PeerConfig {
        families: vec![Family::VpnIpv4, Family::VpnIpv6],
        local_address: IpAddr::V4(Ipv4Addr::new(10, 255, 0, n)),
        ..peer(3 - n, PeerKind::Internal)
    };
    let ce = PeerConfig {
        vrf: RED,
        address: IpAddr::V4(Ipv4Addr::new(192, 168, n, 1)),
        local_address: IpAddr::V4(Ipv4Addr::new(192, 168, n, 2)),
        families: vec![Family::Ipv4, Family::Ipv6],
        ..peer(100 + n, external(65_000 + u32::from(n)))
    };
    assert_eq!((rib.add_peer(core), rib.add_peer(ce.clone())), (CORE, CE));
    rib.set_next_hop(us(0), RED, ce.address, true);
    rib.peer_up(us(0), CORE);
    rib.peer_up(us(0), CE);
    rib
}

fn carry(from: &mut Rib, to: &mut Rib) -> Vec<RouteUpdate> {
    let all = updates(from, us(0), CORE);
    for update in &all {
        assert_eq!(to.handle_update(us(0), CORE, update), 0);
    }
    all
}

#[test]
fn a_customer_route_crosses_with_its_label_and_goes_when_its_edge_does() {
    let (mut one, mut two) = (edge(1), edge(2));
    one.handle_update(us(0), CE, &announce(&["10.1.0.0/16"], route("192.168.1.1", &[65_001])));
    let sent = carry(&mut one, &mut two);
    let vpn = Vpn { distinguisher: RouteDistinguisher([0, 1, 10, 255, 0, 1, 0, 1]), label: label(101) };
    let mut attributes = route("10.255.0.1", &[65_001]);
    attributes.local_pref = Some(100);
    attributes.extended_communities = vec![RED_TARGET];
    assert_eq!(sent[0].announced, [Nlri { prefix: net("10.1.0.0/16"), vpn: Some(vpn) }]);
    assert_eq!(sent[0].attributes.as_deref(), Some(&attributes));
    let ends: Vec<_> = sent[1..].iter().map(|update| update.end_of_rib).collect();
    assert_eq!(ends, [Some(Family::VpnIpv4), Some(Family::VpnIpv6)]);

    // It is in both VRFs that import red, but is used when the other edge can be reached in the core.
    assert!(changes(&mut two, us(0)).is_empty());
    two.set_next_hop(us(0), GLOBAL, ip("10.255.0.1"), true);
    let via = Via { peer: Some(CORE), next_hop: ip("10.255.0.1"), label: Some(label(101)) };
    let at = |vrf| FibChange { at: us(0), vrf, prefix: net("10.1.0.0/16"), next_hops: vec![via] };
    assert_eq!(changes(&mut two, us(0)), [at(RED), at(BLUE)]);
    let heard = told(&mut two, us(0), CE, "10.1.0.0/16");
    assert_eq!(heard, Some(route("192.168.2.2", &[12_076, 65_001])));
    assert_eq!(updates(&mut two, us(0), CORE).iter().map(|update| update.announced.len()).sum::<usize>(), 0);

    one.peer_down(us(0), CE);
    let sent = carry(&mut one, &mut two);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].withdrawn.len(), &sent[0].announced), (1, &Vec::new()));
    let gone = changes(&mut two, us(0));
    assert_eq!(
        gone.iter().map(|change| (change.vrf, change.next_hops.len())).collect::<Vec<_>>(),
        [(RED, 0), (BLUE, 0)]
    );
    assert_eq!(updates(&mut two, us(0), CE), [withdraw(&["10.1.0.0/16"])]);
    assert_eq!(two.routes(us(0), RED).count(), 0);
}

#[test]
fn a_route_moves_with_its_targets() {
    let mut two = edge(2);
    two.set_next_hop(us(0), GLOBAL, ip("10.255.0.1"), true);
    let vpn = Vpn { distinguisher: RouteDistinguisher([9; 8]), label: label(77) };
    let say = |targets: &[[u8; 8]]| RouteUpdate {
        announced: vec![Nlri { prefix: net("2001:db8::/32"), vpn: Some(vpn) }],
        attributes: Some(Arc::new(Attributes {
            extended_communities: targets.to_vec(),
            ..route("10.255.0.1", &[65_009])
        })),
        ..RouteUpdate::default()
    };
    let mut tables = |update: &RouteUpdate| {
        two.handle_update(us(0), CORE, update);
        [RED, BLUE].map(|vrf| two.routes(us(0), vrf).count())
    };
    assert_eq!(tables(&say(&[RED_TARGET])), [1, 1]);
    assert_eq!(tables(&say(&[BLUE_TARGET])), [0, 1]);
    assert_eq!(tables(&say(&[])), [0, 0]);
    assert_eq!(tables(&say(&[BLUE_TARGET, RED_TARGET])), [1, 1]);
    // The label of a withdrawal does not matter.
    let other = Vpn { label: label(16), ..vpn };
    let gone = RouteUpdate {
        withdrawn: vec![Nlri { prefix: net("2001:db8::/32"), vpn: Some(other) }],
        ..RouteUpdate::default()
    };
    assert_eq!(tables(&gone), [0, 0]);
}

#[test]
fn the_customer_next_door_is_nearer_than_the_core() {
    let (mut one, mut two) = (edge(1), edge(2));
    two.set_next_hop(us(0), GLOBAL, ip("10.255.0.1"), true);
    one.handle_update(us(0), CE, &announce(&["10.1.0.0/16"], route("192.168.1.1", &[65_001])));
    carry(&mut one, &mut two);
    two.handle_update(us(0), CE, &announce(&["10.1.0.0/16"], route("192.168.2.1", &[65_002])));
    let red = two.route(us(0), RED, net("10.1.0.0/16")).unwrap();
    assert_eq!((red.paths.len(), red.next_hops[0].peer), (2, Some(CE)));
    let blue = two.route(us(0), BLUE, net("10.1.0.0/16")).unwrap();
    assert_eq!((blue.paths.len(), blue.next_hops[0].label), (1, Some(label(101))));
}
