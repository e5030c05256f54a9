//! What `trace` tells of a frame, as golden text; `UPDATE_GOLDEN=1` writes it anew.

#[path = "trace/made.rs"]
mod made;

use biplane::capture::CaptureReader;
use biplane::cli::trace::{Given, enter_by, trace};
use biplane::engine::{Network, Role};
use biplane::frame::Frame;
use biplane::id::{NodeId, PortId, VrfId};
use biplane::report::trace::Trace;
use made::{Packet, direct, lsr};
use std::path::Path;

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} differs; UPDATE_GOLDEN=1 writes it anew");
}

fn from_hq(packet: &Packet) -> Trace {
    trace(&direct(), NodeId(0), packet.frame(&[]))
}

/// `frame` as if from the wire into the first port of a router.
fn into_port(mut network: Network, router: u16, frame: Frame) -> Trace {
    let host = enter_by(&mut network, (NodeId(router), PortId(0)));
    trace(&network, host, frame)
}

fn of_hex(text: &str) -> Frame {
    Given::of_hex(text).and_then(|given| given.frame()).unwrap()
}

fn into_lsr(octets: &[u8]) -> Trace {
    let hex: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    into_port(lsr(), 0, of_hex(&hex.join(" ")))
}

#[test]
fn across_the_circuit() {
    golden("across.txt", &from_hq(&Packet::default()).to_string());
}

#[test]
fn json_says_the_same() {
    let trace = from_hq(&Packet::default());
    let json = serde_json::to_value(&trace).unwrap();
    golden("across.json", &(serde_json::to_string_pretty(&trace).unwrap() + "\n"));
    assert_eq!(json["schema"], "biplane.trace/v1");
    assert_eq!(json["frames"][0]["end"]["end"], "delivered");
}

#[test]
fn time_exceeded_comes_back() {
    golden("ttl.txt", &from_hq(&Packet { ttl: 2, ..Packet::default() }).to_string());
}

#[test]
fn too_long_is_cut() {
    golden("cut.txt", &from_hq(&Packet { to: [10, 20, 9, 1], payload: 1400, ..Packet::default() }).to_string());
}

#[test]
fn too_long_and_not_to_be_cut_is_answered() {
    let packet = Packet { to: [10, 20, 9, 1], payload: 1400, dont_fragment: true, ..Packet::default() };
    golden("too_big.txt", &from_hq(&packet).to_string());
}

#[test]
fn no_route_is_a_reason() {
    golden("no_route.txt", &from_hq(&Packet { to: [198, 51, 100, 1], ..Packet::default() }).to_string());
}

#[test]
fn a_route_that_was_programmed_is_told_with_its_prefix() {
    let (mut network, prefix) = (direct(), "10.20.0.0/24".parse().unwrap());
    let Role::Router(ce) = &mut network.nodes[1].role else { panic!("node 1 is a router") };
    let shorter = ce.fib.lookup_v4(VrfId(0), 0x0a14_0001).unwrap();
    let secondary = ce.fib.members(shorter)[1];
    ce.fib.program(VrfId(0), prefix, &[secondary]).unwrap();
    golden("programmed.txt", &trace(&network, NodeId(0), Packet::default().frame(&[])).to_string());
    let Role::Router(ce) = &mut network.nodes[1].role else { panic!("node 1 is a router") };
    ce.fib.withdraw(VrfId(0), prefix).unwrap();
    golden("across.txt", &trace(&network, NodeId(0), Packet::default().frame(&[])).to_string());
}

#[test]
fn a_loopback_destination_is_never_forwarded() {
    golden("loopback.txt", &from_hq(&Packet { to: [127, 0, 0, 1], ..Packet::default() }).to_string());
}

#[test]
fn the_router_itself_takes_what_is_for_it() {
    golden("local.txt", &from_hq(&Packet { to: [10, 10, 0, 1], ..Packet::default() }).to_string());
}

#[test]
fn a_cut_link_and_a_port_that_is_down() {
    let mut network = direct();
    network.links[2].faults.loss_ppb = 1_000_000_000;
    network.links[4].faults.loss_ppb = 1_000_000_000;
    golden("lost.txt", &trace(&network, NodeId(0), Packet::default().frame(&[])).to_string());
    let mut network = direct();
    for port in [1, 2] {
        network.nodes[1].ports[port].admin_up = false;
    }
    golden("down.txt", &trace(&network, NodeId(0), Packet::default().frame(&[])).to_string());
}

#[test]
fn a_tagged_frame_enters_at_the_microsoft_end() {
    let frame = |tags: &[u16]| Packet { tos: 0xb8, ..Packet::default() }.frame(tags);
    golden("tagged.txt", &into_port(direct(), 2, frame(&[110, 20])).to_string());
    golden("vlan.txt", &into_port(direct(), 2, frame(&[110, 21])).to_string());
}

#[test]
fn labels_are_swapped_popped_and_unknown() {
    for (name, labels) in [
        ("swap.txt", &[(100, 64)][..]),
        ("tunnel.txt", &[(101, 64), (17, 9)]),
        ("pop.txt", &[(103, 64)]),
        ("lookup.txt", &[(106, 64)]),
        ("unknown.txt", &[(999, 64)]),
        ("label_ttl.txt", &[(100, 1)]),
        ("explicit_null.txt", &[(0, 64)]),
        ("deep.txt", &[(105, 64), (20, 9), (21, 9), (22, 9), (23, 9)]),
    ] {
        golden(name, &into_lsr(&Packet::default().labelled(labels)).to_string());
    }
}

#[test]
fn layer_2_services() {
    golden("cross_connect.txt", &into_lsr(&Packet::default().octets(&[10])).to_string());
    golden("pseudowire.txt", &into_lsr(&Packet::default().octets(&[20])).to_string());
    let mut carried = Packet::default().labelled(&[(107, 64)]);
    carried.splice(18.., Packet::default().octets(&[]));
    golden("pseudowire_end.txt", &into_lsr(&carried).to_string());
    let mut reserved = Packet::default().octets(&[10]);
    reserved[..6].copy_from_slice(&[1, 0x80, 0xc2, 0, 0, 2]);
    golden("reserved.txt", &into_lsr(&reserved).to_string());
}

#[test]
fn what_is_no_ip_says_so() {
    let mut text = String::new();
    for hex in [
        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a0a0001 000000000000 0a0a0002",
        "0180c2000000 020000000001 0026 4242 03 000000",
        "020000000002 020000000001 88cc 0207",
        "020000",
        "020000000002 020000000001 0800 4500 0014 0000 0000 4011 0000 0a0a0001 0a140001",
    ] {
        text += &format!("{}\n", trace(&direct(), NodeId(0), of_hex(hex)));
    }
    golden("not_ip.txt", &text);
}

#[test]
fn hex_is_read_in_the_ways_people_write_it() {
    let expected = Given::of_hex("020000000002020000000001080045").unwrap();
    for text in [
        "02:00:00:00:00:02 02-00-00-00-00-01 0800 45",
        "0x0200 0000 0002\n0200 0000 0001\n0800 45\n",
        "0200.0000.0002,0200.0000.0001,0800,45",
    ] {
        assert_eq!(Given::of_hex(text).unwrap(), expected, "{text}");
    }
    let errors = ["", "  ", "0", "02 0g", "zz", "0x"].map(|text| Given::of_hex(text).unwrap_err().to_string());
    golden("hex_errors.txt", &errors.join("\n"));
    let long = "00".repeat(16_381);
    let frame = |text| Given::of_hex(text).and_then(|given| given.frame());
    assert!(frame(&long).is_err() && frame(&long[2..]).is_ok());
}

#[test]
fn a_frame_is_found_in_a_capture() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let path = captures.join("labels-1-to-6.pcap");
    let mut reader = CaptureReader::open(&path).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record().unwrap() {
        let given = Given::of_capture(&path, record.number).unwrap();
        assert_eq!((&given.octets[..], given.wire_octets), (record.octets, record.original_len));
        count += 1;
    }
    assert!(count > 5);
    let missing = Given::of_capture(&captures.join("labels-1-to-6.pcap"), 1000).unwrap_err().to_string();
    assert!(missing.contains("there is no frame 1000; its last frame is"), "{missing}");
    assert!(Given::of_capture(&captures.join("nothing.pcap"), 1).is_err());
}
