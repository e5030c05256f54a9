//! BGP messages as tshark reads them: a second opinion on every octet that the codec writes.

mod cmd;

use biplane::control::bgp::{Message, Notification, Open, Peering, Update, encode};
use biplane::control::{AsPath, Attributes, Family, Nlri, RouteDistinguisher, RouteUpdate, Segment, Vpn};
use biplane::wire::mpls::Label;
use std::sync::Arc;

const ALL: [Family; 4] = [Family::Ipv4, Family::Ipv6, Family::VpnIpv4, Family::VpnIpv6];

/// A capture of raw IPv4 packets from port 179, a message in each (RFC 791, RFC 9293; checksums of 0).
fn capture(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101] {
        file.extend(word.to_be_bytes());
    }
    let mut sequence = 1_u32;
    for message in messages {
        let total = u16::try_from(40 + message.len()).unwrap();
        for word in [0, sequence, u32::from(total), u32::from(total)] {
            file.extend(word.to_be_bytes());
        }
        file.extend([0x45, 0xc0]);
        file.extend(total.to_be_bytes());
        file.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 179, 0x80, 0]);
        file.extend(sequence.to_be_bytes());
        file.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        file.extend(message);
        sequence += message.len() as u32;
    }
    file
}

fn route(family: Family, n: u32) -> Nlri {
    let prefix = match family {
        Family::Ipv4 | Family::VpnIpv4 => format!("10.{}.{}.0/24", n / 256, n % 256),
        Family::Ipv6 | Family::VpnIpv6 => format!("2001:db8:{n:x}::/48"),
    };
    let is_vpn = matches!(family, Family::VpnIpv4 | Family::VpnIpv6);
    let label = Label::new(100 + n).unwrap();
    let vpn = is_vpn.then_some(Vpn { distinguisher: RouteDistinguisher([0, 0, 0x2f, 0x2c, 0, 0, 0, 7]), label });
    Nlri { prefix: prefix.parse().unwrap(), vpn }
}

fn messages() -> Vec<Message> {
    let open = Open {
        local_as: 4_200_000_001,
        hold_s: 180,
        router_id: [192, 0, 2, 1].into(),
        families: ALL.to_vec(),
        route_refresh: true,
        four_octet_as: true,
        graceful_restart: None,
    };
    let mut all = vec![Message::Open(open), Message::Keepalive, Message::RouteRefresh(Some(Family::VpnIpv6))];
    for family in ALL {
        let next_hop = if family == Family::Ipv6 { "2001:db8::1" } else { "192.0.2.1" };
        let mut attributes = Attributes::new(next_hop.parse().unwrap());
        attributes.as_path = AsPath(vec![Segment::Sequence(vec![4_200_000_001, 12076])]);
        attributes.med = Some(50);
        attributes.communities = vec![0x2f2c_c738, 0xffff_0000];
        attributes.extended_communities = vec![[0, 2, 0x2f, 0x2c, 0, 0, 0, 7]];
        let routes = (0..700).map(|n| route(family, n)).collect::<Vec<_>>();
        let announced =
            RouteUpdate { announced: routes.clone(), attributes: Some(Arc::new(attributes)), ..RouteUpdate::default() };
        let withdrawn = RouteUpdate { withdrawn: routes, end_of_rib: Some(family), ..RouteUpdate::default() };
        all.push(Message::Update(Update { routes: vec![announced, withdrawn], faults: vec![] }));
    }
    all.push(Message::Notification(Notification { code: 6, subcode: 2, data: b"\x05hello".to_vec() }));
    all
}

#[test]
fn tshark_finds_nothing_wrong_with_any_message() {
    let peering = Peering { four_octet_as: true, is_internal: false, families: ALL.to_vec() };
    let octets: Vec<_> = messages().iter().flat_map(|message| encode(message, &peering).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bgp.pcap");
    std::fs::write(&file, capture(&octets)).unwrap();
    let fields = [
        "bgp.type",
        "bgp.length",
        "_ws.malformed",
        "_ws.expert.message",
        "bgp.update.path_attribute.as_path_segment.as4",
        "bgp.nlri_prefix",
        "bgp.label_stack",
        "bgp.notify.communication_length",
    ];
    // The checksums are 0.
    let unchecked = ["-o", "ip.check_checksum:FALSE", "-o", "tcp.check_checksum:FALSE"];
    let Some(read) = cmd::tshark(&file, &fields, &unchecked) else { return };
    assert_eq!(read.len(), octets.len());
    let (mut prefixes, mut labels) = (Vec::new(), Vec::new());
    for (row, message) in read.iter().zip(&octets) {
        assert_eq!(row[..4], [message[18].to_string(), message.len().to_string(), String::new(), String::new()]);
        assert!(["", "4200000001,12076"].contains(&row[4].as_str()), "{row:?}");
        prefixes.extend(row[5].split(',').filter(|text| !text.is_empty()));
        if !row[4].is_empty() {
            labels.extend(row[6].split(',').filter(|text| !text.is_empty()));
        }
    }
    let sent: Vec<_> = (0..700).map(|n| format!("10.{}.{}.0", n / 256, n % 256)).collect();
    assert_eq!(prefixes, sent);
    // Of both VPN families.
    let sent: Vec<_> = (0..700).chain(0..700).map(|n| format!("{} (bottom)", 100 + n)).collect();
    assert_eq!(labels, sent);
    assert_eq!(read.last().unwrap()[7], "5");
}
