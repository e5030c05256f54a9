//! A second codec's opinion (netgauze-bgp-pkt): it reads what ours writes as what was meant, and ours what it writes.

use biplane::control::bgp::{
    GracefulRestart, Message, Notification, Open, Peering, Treatment, Update, decode, encode, encode_update,
};
use biplane::control::{AsPath, Attributes, Family, Nlri, Origin, RouteDistinguisher, RouteUpdate, Segment, Vpn};
use biplane::wire::mpls::Label;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netgauze_bgp_pkt::capabilities::BgpCapability;
use netgauze_bgp_pkt::nlri::{MplsLabel, RouteDistinguisher as Distinguisher};
use netgauze_bgp_pkt::open::BgpOpenMessage;
use netgauze_bgp_pkt::path_attribute::{
    AsPath as Path, AsPathSegmentType, MpReach, MpUnreach, Origin as From, PathAttributeValue,
};
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_bgp_pkt::{BgpMessage, path_attribute};
use netgauze_parse_utils::WritablePdu;
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

fn peering(four_octet_as: bool) -> Peering {
    Peering { four_octet_as, is_internal: true, families: Family::ALL.to_vec() }
}

/// As the other codec reads it, every fault an error.
fn read(octets: &[u8], four_octet_as: bool) -> BgpMessage {
    let mut context = BgpParsingContext::asn2_default();
    context.set_asn4(four_octet_as);
    let mut rest = SliceReader::new(octets);
    let message = BgpMessage::parse(&mut rest, &mut context).unwrap_or_else(|error| panic!("{error}: {octets:02x?}"));
    assert!(rest.is_empty(), "nothing is left");
    message
}

/// As the other codec writes it.
fn written<E: std::fmt::Debug>(message: &impl WritablePdu<E>) -> Vec<u8> {
    let mut octets = Vec::new();
    message.write(&mut octets).expect("a vector has room");
    octets
}

/// The other codec's name of a family.
fn family(name: &str) -> Family {
    match name {
        "Ipv4Unicast" => Family::Ipv4,
        "Ipv6Unicast" => Family::Ipv6,
        "Ipv4MplsLabeledVpn" => Family::VpnIpv4,
        "Ipv6MplsLabeledVpn" => Family::VpnIpv6,
        other => panic!("no family of ours: {other}"),
    }
}

fn open_of(open: &BgpOpenMessage) -> Open {
    let mut of = Open {
        local_as: open.my_asn4(),
        hold_s: open.hold_time(),
        router_id: open.bgp_id(),
        families: Vec::new(),
        route_refresh: false,
        four_octet_as: false,
        graceful_restart: None,
    };
    for capability in open.capabilities() {
        match capability {
            BgpCapability::MultiProtocolExtensions(one) => {
                of.families.push(family(&format!("{:?}", one.address_type())));
            }
            BgpCapability::RouteRefresh => of.route_refresh = true,
            BgpCapability::FourOctetAs(_) => of.four_octet_as = true,
            BgpCapability::GracefulRestartCapability(restart) => {
                let families = restart.address_families().iter();
                of.graceful_restart = Some(GracefulRestart {
                    restarted: restart.restart(),
                    restart_time_s: restart.time(),
                    families: families
                        .map(|one| (family(&format!("{:?}", one.address_type())), one.forwarding_state()))
                        .collect(),
                });
            }
            other => panic!("not said: {other:?}"),
        }
    }
    of
}

fn vpn(distinguisher: Distinguisher, labels: &[MplsLabel]) -> Option<Vpn> {
    let [label] = labels else { panic!("{labels:?}") };
    let &[a, b, c] = label.value();
    let distinguisher = RouteDistinguisher(u64::from(distinguisher).to_be_bytes());
    assert!(label.is_bottom());
    Some(Vpn { distinguisher, label: Label::new(u32::from_be_bytes([0, a, b, c]) >> 4).unwrap() })
}

/// Routes that the other codec has found announced, with their next hop.
fn reached(reach: &MpReach) -> (Vec<Nlri>, IpAddr) {
    let unmapped = |address: IpAddr| match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    match reach {
        MpReach::Ipv6Unicast { next_hop_global, next_hop_local: None, nlri } => {
            let routes = nlri.iter().map(|one| Nlri::from(IpNet::V6(one.network().address())));
            (routes.collect(), IpAddr::V6(*next_hop_global))
        }
        MpReach::Ipv4MplsVpnUnicast { next_hop, nlri } => {
            let of = nlri.iter().map(|one| (IpNet::V4(one.network().address()), vpn(one.rd(), one.label_stack())));
            (of.map(|(prefix, vpn)| Nlri { prefix, vpn }).collect(), unmapped(next_hop.next_hop()))
        }
        MpReach::Ipv6MplsVpnUnicast { next_hop, nlri } => {
            let of = nlri.iter().map(|one| (IpNet::V6(one.network().address()), vpn(one.rd(), one.label_stack())));
            (of.map(|(prefix, vpn)| Nlri { prefix, vpn }).collect(), unmapped(next_hop.next_hop()))
        }
        other => panic!("not said: {other:?}"),
    }
}

type Name = (IpNet, Option<RouteDistinguisher>);

fn name(route: &Nlri) -> Name {
    (route.prefix, route.vpn.map(|vpn| vpn.distinguisher))
}

fn unreached(unreach: &MpUnreach) -> Vec<Name> {
    let of = |distinguisher: Distinguisher| Some(RouteDistinguisher(u64::from(distinguisher).to_be_bytes()));
    match unreach {
        MpUnreach::Ipv6Unicast { nlri } => nlri.iter().map(|one| (one.network().address().into(), None)).collect(),
        MpUnreach::Ipv4MplsVpnUnicast { nlri } => {
            nlri.iter().map(|one| (one.network().address().into(), of(one.rd()))).collect()
        }
        MpUnreach::Ipv6MplsVpnUnicast { nlri } => {
            nlri.iter().map(|one| (one.network().address().into(), of(one.rd()))).collect()
        }
        other => panic!("not said: {other:?}"),
    }
}

fn segments(of: &[path_attribute::As4PathSegment]) -> AsPath {
    let each = of.iter().map(|segment| match segment.segment_type() {
        AsPathSegmentType::AsSequence => Segment::Sequence(segment.as_numbers().to_vec()),
        AsPathSegmentType::AsSet => Segment::Set(segment.as_numbers().to_vec()),
    });
    AsPath(each.collect())
}

fn short_segments(of: &[path_attribute::As2PathSegment]) -> AsPath {
    let each = of.iter().map(|segment| {
        let systems = segment.as_numbers().iter().map(|&system| u32::from(system)).collect();
        match segment.segment_type() {
            AsPathSegmentType::AsSequence => Segment::Sequence(systems),
            AsPathSegmentType::AsSet => Segment::Set(systems),
        }
    });
    AsPath(each.collect())
}

/// With the path as one sequence: how a long one is cut into segments of 255 says nothing.
fn joined(of: Option<&Attributes>) -> Option<Attributes> {
    let mut of = of?.clone();
    let systems = of.as_path.0.iter().flat_map(|segment| match segment {
        Segment::Sequence(systems) => systems.clone(),
        Segment::Set(_) => panic!("no set was sent: {segment:?}"),
    });
    of.as_path = AsPath(vec![Segment::Sequence(systems.collect())]);
    Some(of)
}

/// What the other codec has read in an UPDATE: routes announced and withdrawn, and the attributes.
fn update_of(update: &BgpUpdateMessage) -> (Vec<Nlri>, Vec<Name>, Option<Attributes>) {
    let mut announced: Vec<_> =
        update.nlri().iter().map(|one| Nlri::from(IpNet::V4(one.network().address()))).collect();
    let mut withdrawn: Vec<Name> =
        update.withdraw_routes().iter().map(|one| (one.network().address().into(), None)).collect();
    let mut of = Attributes::new(Ipv4Addr::UNSPECIFIED.into());
    let mut has_path = false;
    let mut full_path = None;
    for attribute in update.path_attributes() {
        match attribute.value() {
            PathAttributeValue::Origin(From::IGP) => of.origin = Origin::Igp,
            PathAttributeValue::Origin(From::EGP) => of.origin = Origin::Egp,
            PathAttributeValue::Origin(From::Incomplete) => of.origin = Origin::Incomplete,
            PathAttributeValue::AsPath(path) => {
                has_path = true;
                of.as_path = match path {
                    Path::As4PathSegments(all) => segments(all),
                    Path::As2PathSegments(all) => short_segments(all),
                };
            }
            PathAttributeValue::As4Path(path) => full_path = Some(segments(path.segments())),
            PathAttributeValue::NextHop(next_hop) => of.next_hop = next_hop.next_hop().into(),
            PathAttributeValue::MultiExitDiscriminator(med) => of.med = Some(med.metric()),
            PathAttributeValue::LocalPreference(preference) => of.local_pref = Some(preference.metric()),
            PathAttributeValue::Communities(all) => {
                of.communities = all.communities().iter().map(|one| one.value()).collect();
            }
            PathAttributeValue::ExtendedCommunities(all) => {
                let each = all.communities().iter().map(|one| written(one).try_into().expect("eight octets"));
                of.extended_communities = each.collect();
            }
            PathAttributeValue::MpReach(reach) => (announced, of.next_hop) = reached(reach),
            PathAttributeValue::MpUnreach(unreach) => withdrawn.extend(unreached(unreach)),
            other => panic!("not said: {other:?}"),
        }
    }
    // RFC 6793 §4.2.3: the path with four octets is as long, and is the one that counts.
    if let Some(path) = full_path {
        assert_eq!(path.len(), of.as_path.len());
        of.as_path = path;
    }
    (announced, withdrawn, has_path.then_some(of))
}

/// Prefixes of hosts, which are all that the other codec takes: 1.0.0.0 to 223.255.255.255, 2000::/4.
fn some_nlri(family: Family) -> impl Strategy<Value = Nlri> {
    let distinguisher = (0..3_u8, any::<[u8; 6]>())
        .prop_map(|(kind, [a, b, c, d, e, f])| RouteDistinguisher([0, kind, a, b, c, d, e, f]));
    let label = (16..1_u32 << 20).prop_map(|label| Label::new(label).unwrap());
    (1..224_u32, any::<u128>(), any::<u8>(), distinguisher, label).prop_map(
        move |(first, bits, length, distinguisher, label)| {
            let v4 = Ipv4Addr::from(first << 24 | bits as u32 >> 8);
            let v4 = IpNet::V4(Ipv4Net::new(v4, length % 33).unwrap().trunc());
            let v6 = Ipv6Addr::from(2 << 124 | bits >> 4);
            let v6 = IpNet::V6(Ipv6Net::new(v6, length % 129).unwrap().trunc());
            let vpn = Some(Vpn { distinguisher, label });
            match family {
                Family::Ipv4 => Nlri { prefix: v4, vpn: None },
                Family::Ipv6 => Nlri { prefix: v6, vpn: None },
                Family::VpnIpv4 => Nlri { prefix: v4, vpn },
                Family::VpnIpv6 => Nlri { prefix: v6, vpn },
            }
        },
    )
}

fn some_attributes(family: Family) -> impl Strategy<Value = Attributes> {
    let path = prop::collection::vec(prop_oneof![1..65536_u32, 1..u32::MAX], 1..300);
    let numbers = (any::<Option<u32>>(), any::<Option<u32>>(), 0..3_usize);
    let communities = prop::collection::btree_set(any::<u32>(), 0..80);
    // Route targets (RFC 4360 §4, RFC 5668 §2): of an AS, of an address, of an AS of four octets.
    let targets = prop::collection::btree_set((0..3_u8, any::<[u8; 6]>()), 0..40);
    (path, numbers, communities, targets).prop_map(move |(path, (med, local_pref, origin), communities, targets)| {
        let next_hop = if family == Family::Ipv6 { "2001:db8::1" } else { "192.0.2.1" };
        Attributes {
            origin: [Origin::Igp, Origin::Egp, Origin::Incomplete][origin],
            as_path: AsPath(vec![Segment::Sequence(path)]),
            next_hop: next_hop.parse().unwrap(),
            med,
            local_pref,
            communities: communities.into_iter().collect(),
            extended_communities: targets
                .iter()
                .map(|&(kind, [a, b, c, d, e, f])| [kind, 2, a, b, c, d, e, f])
                .collect(),
        }
    })
}

fn some_update() -> impl Strategy<Value = RouteUpdate> {
    prop::sample::select(&Family::ALL[..]).prop_flat_map(|family| {
        (some_attributes(family), prop::collection::vec(some_nlri(family), 1..300)).prop_map(
            |(attributes, announced)| RouteUpdate {
                announced,
                attributes: Some(Arc::new(attributes)),
                ..RouteUpdate::default()
            },
        )
    })
}

fn some_open() -> impl Strategy<Value = Open> {
    let families = prop::sample::subsequence(Family::ALL.to_vec(), 1..=4);
    let with_flags = |families: Vec<Family>| {
        let count = families.len();
        prop::collection::vec(any::<bool>(), count).prop_map(move |flags| families.iter().copied().zip(flags).collect())
    };
    let of_restart = prop::sample::subsequence(Family::ALL.to_vec(), 0..=4).prop_flat_map(with_flags);
    let restart = (any::<bool>(), 0..4096_u16, of_restart)
        .prop_map(|(restarted, restart_time_s, families)| GracefulRestart { restarted, restart_time_s, families });
    // RFC 6286 §2.1 takes any identifier but 0; the other codec takes unicast addresses only.
    let id = 0x0100_0000..0xe000_0000_u32;
    let numbers = (prop_oneof![1..65536_u32, 1..u32::MAX], prop_oneof![Just(0), 3..u16::MAX], id);
    (numbers, families, any::<bool>(), prop::option::of(restart)).prop_map(
        |((local_as, hold_s, id), families, route_refresh, graceful_restart)| Open {
            local_as,
            hold_s,
            router_id: id.into(),
            families,
            route_refresh,
            four_octet_as: true,
            graceful_restart,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn opens_are_read_alike(open in some_open()) {
        let octets = encode(&Message::Open(open.clone()), &peering(true)).unwrap().remove(0);
        let message = read(&octets, true);
        let BgpMessage::Open(other) = &message else { panic!("{message:?}") };
        prop_assert_eq!(open_of(other), open.clone());
        prop_assert_eq!(u32::from(other.my_as()), if open.local_as < 65536 { open.local_as } else { 23456 });
        prop_assert_eq!(decode(&written(&message), &peering(true)), Ok(Message::Open(open)));
    }

    #[test]
    fn announcements_are_read_alike(update in some_update(), four_octet_as in any::<bool>()) {
        let peering = peering(four_octet_as);
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for octets in encode_update(&update, &peering).unwrap() {
            let message = read(&octets, four_octet_as);
            let BgpMessage::Update(other) = &message else { panic!("{message:?}") };
            let (announced, withdrawn, attributes) = update_of(other);
            theirs.extend(announced);
            prop_assert_eq!(withdrawn, []);
            prop_assert_eq!(joined(attributes.as_ref()), update.attributes.as_deref().cloned());
            let Ok(Message::Update(Update { mut routes, faults })) = decode(&written(&message), &peering) else {
                panic!("{message:?}")
            };
            prop_assert!(faults.iter().all(|fault| fault.treatment != Treatment::Withdraw), "{:?}", faults);
            prop_assert_eq!(joined(routes[0].attributes.as_deref()), update.attributes.as_deref().cloned());
            ours.append(&mut routes[0].announced);
        }
        prop_assert_eq!(&theirs, &update.announced);
        prop_assert_eq!(&ours, &update.announced);
    }

    #[test]
    fn withdrawals_are_read_alike(update in some_update()) {
        let update = RouteUpdate { withdrawn: update.announced, ..RouteUpdate::default() };
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for octets in encode_update(&update, &peering(true)).unwrap() {
            let message = read(&octets, true);
            let BgpMessage::Update(other) = &message else { panic!("{message:?}") };
            theirs.extend(update_of(other).1);
            let Ok(Message::Update(mut own)) = decode(&written(&message), &peering(true)) else { panic!("{message:?}") };
            ours.append(&mut own.routes[0].withdrawn);
        }
        let sent: Vec<_> = update.withdrawn.iter().map(name).collect();
        prop_assert_eq!(&theirs, &sent);
        prop_assert_eq!(ours.iter().map(name).collect::<Vec<_>>(), sent);
    }

    #[test]
    fn notifications_have_the_same_names(which in 0..NOTIFICATIONS.len(), data in prop::collection::vec(any::<u8>(), 0..99)) {
        let (code, subcode) = NOTIFICATIONS[which];
        let notification = Notification { code, subcode, data };
        let octets = encode(&Message::Notification(notification.clone()), &peering(true)).unwrap().remove(0);
        let message = read(&octets, true);
        prop_assert_eq!(&written(&message), &octets);
        prop_assert_eq!(decode(&octets, &peering(true)), Ok(Message::Notification(notification.clone())));
        // `CeaseError(HardReset { value: [..] })` and `Cease: Hard Reset (6/9)`.
        let theirs = format!("{message:?}");
        let theirs = theirs.split(['(', ' ', '{']).nth(2).unwrap().to_lowercase();
        let ours = notification.to_string();
        let ours = ours.split([':', '(']).nth(1).unwrap().to_lowercase();
        prop_assert_eq!(ours.replace([' ', '-', '_'], ""), theirs);
    }
}

/// Those that have a name of their own, but for OPEN's and UPDATE's deprecated ones.
const NOTIFICATIONS: [(u8, u8); 34] = [
    (1, 1),
    (1, 2),
    (1, 3),
    (2, 1),
    (2, 2),
    (2, 3),
    (2, 4),
    (2, 6),
    (2, 7),
    (2, 11),
    (3, 1),
    (3, 2),
    (3, 3),
    (3, 4),
    (3, 5),
    (3, 6),
    (3, 8),
    (3, 9),
    (3, 10),
    (3, 11),
    (5, 1),
    (5, 2),
    (5, 3),
    (6, 1),
    (6, 2),
    (6, 3),
    (6, 4),
    (6, 5),
    (6, 6),
    (6, 7),
    (6, 8),
    (6, 9),
    (6, 10),
    (7, 1),
];

#[test]
fn ends_of_ribs_refreshes_and_keepalives_are_read_alike() {
    let other = |message: &Message| read(&encode(message, &peering(true)).unwrap()[0], true);
    assert_eq!(other(&Message::Keepalive), BgpMessage::KeepAlive);
    for of in Family::ALL {
        let update = RouteUpdate { end_of_rib: Some(of), ..RouteUpdate::default() };
        let message = other(&Message::Update(Update { routes: vec![update.clone()], faults: vec![] }));
        let BgpMessage::Update(end) = &message else { panic!("{message:?}") };
        assert_eq!(family(&format!("{:?}", end.end_of_rib().unwrap())), of);
        let expected = Ok(Message::Update(Update { routes: vec![update], faults: vec![] }));
        assert_eq!(decode(&written(&message), &peering(true)), expected);
        let message = other(&Message::RouteRefresh(Some(of)));
        let BgpMessage::RouteRefresh(refresh) = &message else { panic!("{message:?}") };
        assert_eq!(family(&format!("{:?}", refresh.address_type())), of);
        assert_eq!(decode(&written(&message), &peering(true)), Ok(Message::RouteRefresh(Some(of))));
    }
}
