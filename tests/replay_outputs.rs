//! What is written, as tshark reads it: tags, TTLs, checksums, code points, labels, interfaces, reasons and counts.
#![allow(clippy::print_stderr)]

mod cmd;

use cmd::{Replayed, figure, path, tshark};
use std::collections::BTreeMap;
use std::path::Path;

const BRANCH: &[&str] = &["captures/branch-office.pcapng", "--through", "direct", "--into", "hq"];

/// Both ends of the connections, where frames have left the CE, and the MSEEs' ports towards the gateway.
const PORTS: [&str; 4] = ["london-msee1:gw", "london-msee2:gw", "hq-ce1:london.primary", "hq-ce1:london.secondary"];

fn observed() -> Replayed {
    let mut args = BRANCH.to_vec();
    PORTS.iter().for_each(|port| args.extend(["--observe", port]));
    Replayed::new(&args).ok()
}

/// What a packet is known by on its whole way: addresses, identification, and its transport's checksum and sequence.
const KEY: [&str; 9] =
    ["ip.src", "ip.dst", "ip.id", "ip.flags.mf", "ipv6.src", "ipv6.dst", "udp.checksum", "tcp.seq_raw", "icmp.seq"];

#[test]
fn frames_on_a_connection_are_as_the_circuit_says() {
    let replayed = observed();
    let fields = [&KEY[..], &["ip.ttl", "ipv6.hlim", "ip.dsfield.dscp", "ipv6.tclass.dscp"]].concat();
    let Some(sent) = tshark(Path::new(BRANCH[0]), &fields, &["-Y", "ip || ipv6"]) else { return };
    let key = |row: &[String]| row[..KEY.len()].join("|");
    let mut before: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    sent.iter().for_each(|row| before.entry(key(row)).or_default().push(row[KEY.len()..].to_vec()));
    let more = ["vlan.id", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "frame.interface_name"];
    let fields = [&fields[..], &more[..]].concat();
    let left = tshark(&replayed.out, &fields, &["-Y", "!frame.comment"]).unwrap();
    let mut seen = [0, 0];
    for row in &left {
        let [ttl, hops, dscp, class, vlans, ip_sum, tcp_sum, udp_sum, port] = &row[KEY.len()..] else {
            panic!("{row:?}")
        };
        let microsoft = port.starts_with("london-msee");
        seen[usize::from(microsoft)] += 1;
        assert_eq!(vlans, if microsoft { "" } else { "110,20" }, "{row:?}");
        assert!(ip_sum.is_empty() || ip_sum == "1", "bad header checksum: {row:?}");
        assert!(tcp_sum != "0" && udp_sum != "0", "bad transport checksum: {row:?}");
        let origins = before.get(&key(row)).unwrap_or_else(|| panic!("nothing like {row:?} was sent"));
        // A hop less per router passed: the CE, then the MSEE.
        let hops_passed = if microsoft { 2 } else { 1 };
        let as_sent = origins.iter().any(|origin| {
            let less = |now: &str, then: &str| now.is_empty() || number(now) + hops_passed == number(then);
            let marked = |now: &str, then: &str| now.is_empty() || now == if microsoft { "0" } else { then };
            let [ttl_then, hops_then, dscp_then, class_then] = &origin[..] else { panic!("{origin:?}") };
            less(ttl, ttl_then) && less(hops, hops_then) && marked(dscp, dscp_then) && marked(class, class_then)
        });
        assert!(as_sent, "TTL or DSCP of {row:?} against {origins:?}");
    }
    assert_eq!(seen, [2316, 2316]);
    let voice = sent.iter().filter(|row| row[KEY.len() + 2] == "46").count();
    assert!(voice > 100, "the capture has marked frames: {voice}");
}

#[test]
fn both_tags_have_the_tpid_of_the_circuit() {
    let replayed = observed();
    let file = replayed.written();
    for port in &PORTS[2..] {
        for packet in file.sent(port) {
            assert_eq!(packet.octets[12..16], [0x81, 0, 0, 110], "S-tag");
            assert_eq!(packet.octets[16..20], [0x81, 0, 0, 20], "C-tag");
            assert_eq!((packet.direction, packet.length as usize), (2, packet.octets.len()));
        }
    }
}

#[test]
fn dropped_frames_have_a_reason_and_the_counts_are_those_of_the_report() {
    let replayed = Replayed::new(BRANCH).ok();
    let fields = ["frame.interface_name", "frame.comment", "eth.type", "ip.ttl", "frame.len"];
    let Some(rows) = tshark(&replayed.out, &fields, &[]) else { return };
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let mut octets: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in &rows {
        match row[1].strip_prefix("dropped: ") {
            None => {
                let sum = octets.entry(row[0].clone()).or_default();
                // The FCS is counted, and is not in the file.
                *sum = (sum.0 + 1, sum.1 + number(&row[4]) + 4);
            }
            Some(comment) => {
                let (reason, record) = comment.split_once(" (record ").unwrap();
                assert!(record.ends_with(" of hq)"), "{comment}");
                assert_eq!(row[0], "hq-ce1:lan", "{comment}");
                match reason {
                    "arp" => assert_eq!(row[2], "0x0806"),
                    "ttl_expired" => assert_eq!(row[3], "1"),
                    _ => assert!(["llc", "multicast"].contains(&reason), "{comment}"),
                }
                *reasons.entry(reason.into()).or_default() += 1;
            }
        }
    }
    let reported = replayed.json["dropped"].as_array().unwrap();
    let reported = reported.iter().map(|drop| (drop["reason"].as_str().unwrap().into(), figure(drop, "/frames")));
    assert_eq!(reasons, reported.collect());
    for port in replayed.json["ports"].as_array().unwrap() {
        let name = port["port"].as_str().unwrap();
        let on_connection =
            name.ends_with("london.primary") || name.ends_with("london.secondary") || name.ends_with(":ce");
        if on_connection && figure(port, "/sent_frames") > 0 {
            assert_eq!(
                octets.remove(name),
                Some((figure(port, "/sent_frames"), figure(port, "/sent_octets"))),
                "{name}"
            );
        }
    }
    assert!(octets.is_empty(), "written and not reported: {octets:?}");
    let file = replayed.written();
    let lan = &file.interfaces[file.interface("hq-ce1:lan")];
    assert_eq!((lan.received, lan.dropped), (Some(2360), Some(44)));
    assert_eq!(file.interfaces[file.interface("london-msee1:ce")].received, Some(1448));
    let speeds = ["hq-ce1:lan", "gw:prod"].map(|name| file.interfaces[file.interface(name)].speed);
    assert_eq!(speeds, [100_000_000_000, 400_000_000_000]);
}

/// What the preset `lsr` does with the generator's stacks: 100 is swapped for 200, whatever lies beneath stays.
#[test]
fn labels_leave_as_the_entries_say() {
    let replayed = Replayed::new(&["captures/labels-1-to-6.pcap", "--through", "lsr", "--into", "a"]).ok();
    let fields = ["mpls.label", "mpls.bottom", "mpls.ttl", "mpls.exp", "ip.ttl", "ipv6.hlim"];
    let Some(before) = tshark(Path::new("captures/labels-1-to-6.pcap"), &fields, &[]) else { return };
    let after = tshark(&replayed.out, &fields, &["-Y", "frame.interface_name == \"lsr:b\" && !frame.comment"]).unwrap();
    assert_eq!(after.len(), before.len(), "{}", replayed.ran.out);
    for (before, after) in before.iter().zip(&after) {
        let list = |text: &str| text.split(',').map(number).collect::<Vec<_>>();
        let (mut labels, mut ttls) = (list(&before[0]), list(&before[2]));
        assert_eq!((labels[0], ttls[0]), (100, 64));
        (labels[0], ttls[0]) = (200, 63);
        assert_eq!(list(&after[0]), labels);
        assert_eq!(list(&after[2]), ttls);
        let bottom: Vec<u64> = (1..=labels.len()).map(|place| u64::from(place == labels.len())).collect();
        assert_eq!(list(&after[1]), bottom);
        assert_eq!(after[3..], before[3..], "class and what lies beneath");
    }
}

#[test]
fn moved_addresses_have_good_checksums() {
    let args = ["captures/branch-office.pcapng", "--through", "direct", "--into", "hq", "--unrouted", "drop"];
    let moves = [
        "--map",
        "10.20.0.0/16=10.99.0.0/16",
        "--map",
        "10.10.0.0/16=172.16.0.0/16",
        "--map",
        "fd10:20::/32=2001:db8::/32",
    ];
    let strict = Replayed::new(&[&args[..], &moves[..]].concat()).ok();
    assert!(strict.figure("/sources/0/moved") > 2000);
    assert_eq!(strict.figure("/sources/0/unrouted"), 2330, "every IP frame: what was known was moved away");
    let unrouted = strict.json["dropped"].as_array().unwrap().iter().find(|drop| drop["reason"] == "unrouted");
    assert!(unrouted.is_some_and(|drop| figure(drop, "/frames") > 2000), "{}", strict.ran.out);
    let open = Replayed::new(&[&args[..5], &moves[..]].concat()).ok();
    assert_eq!(
        open.figure("/circuits/0/connections/0/in_frames") + open.figure("/circuits/0/connections/1/in_frames"),
        2322,
        "and the answers to six packets whose TTL ended: the site does not know their new addresses"
    );
    let fields = [
        "ip.checksum.status",
        "tcp.checksum.status",
        "udp.checksum.status",
        "icmp.checksum.status",
        "ip.src",
        "ip.dst",
    ];
    let Some(rows) = tshark(&open.out, &fields, &["-Y", "!frame.comment && !(icmp.type == 11)"]) else { return };
    for row in &rows {
        assert!(row[..4].iter().all(|status| status != "0"), "a bad checksum: {row:?}");
        assert!(row[4].is_empty() || row[4].starts_with("172.16."), "{row:?}");
        assert!(!row[5].starts_with("10.20."), "{row:?}");
    }
    assert!(rows.iter().filter(|row| row[5].starts_with("10.99.")).count() > 1000);
}

/// What goes to a file of its own is what the common file has of that port.
#[test]
fn one_port_can_have_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.pcapng");
    let write = format!("hq-ce1:london.primary={}", path(&own));
    let replayed = Replayed::new(&[BRANCH, &["--write", &write]].concat()).ok();
    let (all, own) = (replayed.written(), cmd::pcapng::File::read(&own));
    assert_eq!(own.interfaces.len(), 1);
    let same = |packets: Vec<&cmd::pcapng::Packet>| -> Vec<(u64, Vec<u8>)> {
        packets.iter().map(|packet| (packet.ticks, packet.octets.clone())).collect()
    };
    assert_eq!(same(own.sent("hq-ce1:london.primary")), same(all.sent("hq-ce1:london.primary")));
}

#[track_caller]
fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|error| panic!("`{text}`: {error}"))
}
