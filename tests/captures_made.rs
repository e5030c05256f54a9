//! The project's own captures are what their generator makes, and what their README says.
#![allow(clippy::print_stderr)]

#[path = "../examples/made/mod.rs"]
mod made;

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use biplane::capture::CaptureReader;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

#[test]
fn the_generator_makes_the_files_octet_for_octet() {
    let mut names = vec!["README.md".to_owned()];
    for made::Made { name, octets, .. } in made::all() {
        let file = std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Of a packed file only what it holds is ours: the packer's version decides about the rest.
        let (file, octets) = (made::unpacked(name, &file).unwrap(), made::unpacked(name, &octets).unwrap());
        assert!(file == octets, "captures/{name} is not what `make_captures` makes");
        names.push(name.to_owned());
    }
    let mut found: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    found.sort();
    assert_eq!(found, names, "files that nothing makes");
}

#[test]
fn together_they_stay_below_a_mebibyte() {
    let octets: u64 = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(octets < 1 << 20, "{octets}");
}

#[test]
fn each_has_the_records_that_were_put_into_it() {
    for made::Made { name, octets, records } in made::all() {
        let mut reader = CaptureReader::from_read(Box::new(Cursor::new(octets)), name).unwrap();
        while reader.next_record().unwrap().is_some() {}
        assert_eq!((reader.counts().records, reader.counts().delivered), (records, records), "{name}");
    }
}

#[test]
fn the_readme_has_the_sha256_of_each() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix("` |")?.split_once(" | `"));
    let rows: Vec<(&str, &str)> = rows.collect();
    assert_eq!(rows.len(), made::all().len(), "{rows:?}");
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--strict", "-"]).current_dir(folder());
    sums.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match sums.spawn() {
        Ok(child) => child,
        Err(error) => return eprintln!("skipped: sha256sum cannot be run: {error}"),
    };
    let list: String = rows.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_packets_of_the_office_have_right_checksums() {
    for name in ["branch-office.pcapng", "branch-office-both.pcapng", "jumbo.pcap"] {
        let mut reader = CaptureReader::open(&folder().join(name)).unwrap();
        let mut checked = 0;
        while let Some(record) = reader.next_record().unwrap() {
            checked += u32::from(checks(record.octets, &format!("{name}: frame {}", record.number)));
        }
        assert!(checked >= 10, "{name}: {checked}");
    }
}

/// Whether a frame has checksums, which then are right.
fn checks(octets: &[u8], place: &str) -> bool {
    let sliced = SlicedPacket::from_ethernet(octets).unwrap_or_else(|error| panic!("{place}: {error}"));
    let Some(net) = sliced.net else { return false };
    if let NetSlice::Ipv4(ip) = &net {
        let header = ip.header().to_header();
        assert_eq!(header.header_checksum, header.calc_header_checksum(), "{place}");
        if header.is_fragmenting_payload() {
            return true;
        }
    }
    let (found, right) = match (&net, sliced.transport) {
        (NetSlice::Ipv4(ip), Some(TransportSlice::Tcp(tcp))) => {
            (tcp.checksum(), tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination()).unwrap())
        }
        (NetSlice::Ipv6(ip), Some(TransportSlice::Tcp(tcp))) => {
            (tcp.checksum(), tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination()).unwrap())
        }
        (NetSlice::Ipv4(ip), Some(TransportSlice::Udp(udp))) => {
            let header = udp.to_header();
            (header.checksum, header.calc_checksum_ipv4(&ip.header().to_header(), udp.payload()).unwrap())
        }
        (NetSlice::Ipv4(_), Some(TransportSlice::Icmpv4(icmp))) => {
            (icmp.checksum(), icmp.icmp_type().calc_checksum(icmp.payload()))
        }
        (NetSlice::Ipv6(ip), Some(TransportSlice::Icmpv6(icmp))) => {
            let (from, to) = (ip.header().source(), ip.header().destination());
            (icmp.checksum(), icmp.icmp_type().calc_checksum(from, to, icmp.payload()).unwrap())
        }
        (NetSlice::Arp(_), None) => return false,
        (_, other) => panic!("{place}: {other:?}"),
    };
    assert_eq!(found, right, "{place}");
    true
}
