//! Every capture at hand through whole replays: it goes through or says why it cannot, and every frame is accounted for.
#![allow(clippy::print_stderr)]

mod cmd;

use cmd::{Replayed, figure, path, shared};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Files that cannot be replayed, or not to their end, with what is said of them.
const REFUSED: &[(&str, &str)] = &[
    ("OISF__suricata-verify/fuzz.pcap", "record 2 at octet 228 is damaged"),
    ("arkime__arkime/arkime_synthetic.pcap", TOO_LATE),
    ("google__gopacket/be_be__test002.pcapng", "there are no frames"),
    ("google__gopacket/be_be__test017.pcapng", "there are no frames"),
    ("mcr__tcpdump/vtp_asan.pcap", "5 of MFR"),
    ("ntop__nDPI/dns.pcap", TOO_LATE),
    ("ntop__nDPI/fuzz-2021-10-13.pcap", "1 of NULL"),
    ("ntop__nDPI/someip_sd_sample.pcap", "6 of PPI"),
    ("seladb__PcapPlusPlus/GrePackets.pcap", TOO_LATE),
    ("seladb__PcapPlusPlus/clusterfuzz-testcase-FuzzTarget-5781142119907328.pcap", "record 2 at octet 224 is damaged"),
    ("seladb__PcapPlusPlus/clusterfuzz-testcase-FuzzTarget-6207688043397120.pcap", TOO_LONG),
    ("seladb__PcapPlusPlus/clusterfuzz-testcase-minimized-FuzzTarget-5685520970809344.pcap", "1 of link type 8224"),
    ("seladb__PcapPlusPlus/clusterfuzz-testcase-minimized-FuzzTarget-6604968558198784.pcap", TOO_LONG),
    ("seladb__PcapPlusPlus/crash-pcapng-epb-unbounded-length.pcap", "record 1 at octet 48 is damaged"),
    ("seladb__PcapPlusPlus/microsecs_big_endian.pcap", "13 of NETLINK"),
    ("seladb__PcapPlusPlus/packet_trailer.pcap", TOO_LATE),
    ("the-tcpdump-group__libpcap/brcm-tag-stp.pcap", "4 of DSA_TAG_BRCM"),
    ("the-tcpdump-group__libpcap/linktype-reserved-field-not-zero.pcap", "there are no frames"),
    ("the-tcpdump-group__tcpdump/arp-too-long-tha.pcap", TOO_LONG),
    ("the-tcpdump-group__tcpdump/bgp_vpn_attrset.pcap", "1 of PPP"),
    ("the-tcpdump-group__tcpdump/e1000g.pcap", "20 of IPNET"),
    ("the-tcpdump-group__tcpdump/empty.pcapng", "there are no frames"),
    ("the-tcpdump-group__tcpdump/extract_read2_asan.pcap", TOO_LONG),
    ("the-tcpdump-group__tcpdump/icmp-icmp_print-oobr-2.pcap", "3 of FRELAY"),
    ("the-tcpdump-group__tcpdump/ldp-ldp_tlv_print-oobr.pcap", TOO_LONG),
    ("the-tcpdump-group__tcpdump/lspping-fec-ldp.pcap", "13 of PPP"),
    ("the-tcpdump-group__tcpdump/mpls-label-heapoverflow.pcap", TOO_LONG),
    ("the-tcpdump-group__tcpdump/mpls-traceroute.pcap", "18 of PPP"),
    ("the-tcpdump-group__tcpdump/rsvp_uni-oobr-3.pcap", TOO_LONG),
    ("the-tcpdump-group__tcpdump/wb-oobr.pcap", "6 of PPP"),
    ("zeek__zeek/mixed-vlan-mpls.pcap", TOO_LATE),
];

/// Recordings that were joined years apart.
const TOO_LATE: &str = "limit the gaps (--max-gap)";
const TOO_LONG: &str = "over 16 KiB";

#[test]
fn all_go_through_direct() {
    every(&["--through", "direct", "--into", "hq"], |_| true);
}

#[test]
fn all_go_into_a_label_switching_router() {
    every(&["--through", "lsr", "--into", "a"], |_| true);
}

#[test]
fn tagged_ones_enter_at_the_microsoft_end() {
    let tagged =
        |name: &str| ["vlan", "qinq", "q-in-q", "dot1q", "802.1", "pbb"].iter().any(|word| name.contains(word));
    let tried = every(&["--through", "direct", "--into", "london.primary"], tagged);
    assert!(tried >= 2, "the project itself has two tagged captures");
}

#[test]
fn gaps_of_years_are_cut_on_request() {
    let Some(shared) = shared() else { return };
    for (name, _) in REFUSED.iter().filter(|(_, why)| *why == TOO_LATE) {
        let file = shared.join(name);
        let replayed = Replayed::new(&[path(&file), "--through", "direct", "--into", "hq", "--max-gap", "1s"]).ok();
        accounted(&replayed, name);
        assert!(replayed.figure("/sources/0/gaps_clamped") > 0, "{name}");
        let (records, most) = (replayed.figure("/sources/0/captures/0/records"), 1_000_000_000_000);
        assert!(replayed.figure("/sources/0/requested_ps") <= (records - 1) * most, "{name}");
        assert!(replayed.ran.out.contains("after a gap longer than --max-gap"), "{name}");
    }
}

/// Replays every file that is wanted; how many there were.
fn every(way: &[&str], wanted: fn(&str) -> bool) -> usize {
    let mut files = captures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
    files.extend(shared().map(|shared| captures(&shared)).unwrap_or_default());
    assert!(files.len() >= 13, "{files:?}");
    files.retain(|file| wanted(&file.to_string_lossy().to_lowercase()));
    for file in &files {
        let name = path(file);
        let replayed = Replayed::new(&[&[name], way].concat());
        let refused = REFUSED.iter().find(|(refused, _)| name.ends_with(refused));
        match (replayed.ran.code, refused) {
            (Some(0), None) => assert_eq!(replayed.ran.err.matches("error").count(), 0, "{name}: {}", replayed.ran.err),
            (Some(1), Some((_, why))) => {
                assert!(replayed.ran.err.contains(why), "{name}: {}", replayed.ran.err);
                assert!(replayed.ran.err.contains(name), "the file is not named: {}", replayed.ran.err);
            }
            (code, _) => panic!("{name}: exit {code:?}: {}", replayed.ran.err),
        }
        match replayed.json {
            // Damaged before its first frame: nothing was run and nothing written.
            Value::Null => assert!(refused.is_some() && !replayed.out.exists(), "{name}"),
            _ => accounted(&replayed, name),
        }
    }
    files.len()
}

/// The captures in a folder and those below it.
fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(captures(&path));
        } else if !path.extension().is_some_and(|extension| extension == "md" || extension == "tsv") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Every frame is somewhere; text, JSON and the written file say the same.
#[track_caller]
fn accounted(replayed: &Replayed, name: &str) {
    let json = &replayed.json;
    let [offered, created, delivered, dropped, consumed, left] =
        ["offered", "created", "delivered", "dropped", "consumed", "in_network"]
            .map(|part| figure(json, &format!("/balance/{part}")));
    assert_eq!(offered + created, delivered + dropped + consumed + left, "{name}: balance");
    let balance = replayed.ran.out.lines().last().unwrap();
    assert_eq!(numbers(balance), [offered, created, delivered, dropped, consumed], "{name}: {balance}");
    assert_eq!(offered, sum(json, "sources", "frames"), "{name}: offered");
    assert_eq!(delivered, sum(json, "delivered", "frames"), "{name}: delivered");
    assert_eq!(dropped, sum(json, "dropped", "frames"), "{name}: dropped");
    let into = replayed.ran.out.lines().find(|line| line.starts_with("Into ")).unwrap();
    let source = ["frames", "octets", "flows"].map(|part| figure(json, &format!("/sources/0/{part}")));
    assert_eq!(numbers(into.rsplit_once(": ").unwrap().1), source, "{name}: {into}");
    ports_say_the_same(replayed, name);
    written_says_the_same(replayed, name);
}

/// The ports' rows of the text are those of the JSON.
#[track_caller]
fn ports_say_the_same(replayed: &Replayed, name: &str) {
    let mut rows = replayed.ran.out.lines().skip_while(|line| !line.starts_with("Port ")).skip(1);
    for port in replayed.json["ports"].as_array().unwrap() {
        for (way, direction, drops) in [("in", "received", "ingress_drops"), ("out", "sent", "egress_drops")] {
            let [frames, octets, flows] =
                ["frames", "octets", "flows"].map(|part| figure(port, &format!("/{direction}_{part}")));
            let figures = [frames, octets, flows, list(port, drops)];
            if figures[0] + figures[3] == 0 {
                continue;
            }
            let row = rows.next().unwrap_or_else(|| panic!("{name}: no row of {port}"));
            let words: Vec<_> = row.split_whitespace().collect();
            assert_eq!(words[..2], [port["port"].as_str().unwrap(), way], "{name}: {row}");
            let shown: Vec<u64> = words[2..].iter().map(|word| word.replace(',', "").parse().unwrap_or(0)).collect();
            assert_eq!(shown, figures, "{name}: {row}");
        }
    }
    assert!(rows.next().is_none_or(str::is_empty), "{name}: more rows than ports");
}

/// The packets in the file are what ports sent and what was dropped.
#[track_caller]
fn written_says_the_same(replayed: &Replayed, name: &str) {
    let file = replayed.written();
    let commented = file.packets.iter().filter(|packet| packet.comment.is_some()).count() as u64;
    assert_eq!(commented, figure(&replayed.json, "/balance/dropped"), "{name}: dropped frames in the file");
    let dropped: u64 = file.interfaces.iter().map(|interface| interface.dropped.unwrap()).sum();
    assert_eq!(dropped, commented, "{name}: the interfaces' drop counts");
    let stamps: Vec<u64> = file.packets.iter().map(|packet| packet.ticks).collect();
    assert!(stamps.is_sorted(), "{name}: out of order");
}

fn list(value: &Value, key: &str) -> u64 {
    value[key].as_array().unwrap().iter().map(|drop| drop["frames"].as_u64().unwrap()).sum()
}

fn sum(json: &Value, list: &str, part: &str) -> u64 {
    json[list].as_array().unwrap().iter().map(|item| item[part].as_u64().unwrap()).sum()
}

/// The numbers of a line, in their order.
fn numbers(line: &str) -> Vec<u64> {
    let words = line.split(' ').filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    words.filter_map(|word| word.replace(',', "").parse().ok()).collect()
}
