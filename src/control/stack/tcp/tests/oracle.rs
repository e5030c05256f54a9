//! What tshark says of a session, where it is installed; and that segments fit the MTU.
#![allow(clippy::print_stderr)]

use super::*;
use std::process::Command;

/// A pcap of raw IP packets (link type 101), microsecond stamps.
fn pcap(sent: &[(Instant, usize, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4u32, 4 << 16 | 2, 0, 0, 65535, 101] {
        out.extend(word.to_le_bytes());
    }
    // Version 2.4: two halves, the major one first.
    out[4..8].copy_from_slice(&[2, 0, 4, 0]);
    for (at, _, packet) in sent {
        let micros = at.as_ps() / PS_PER_US;
        let length = packet.len() as u32;
        for word in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(packet);
    }
    out
}

#[test]
fn tshark_finds_no_fault_in_a_session() {
    for v6 in [false, true] {
        let mut pair = Pair::connected(v6, Options::default(), BAD, 5);
        pair.send_all(0, &octets(40_000));
        pair.run(Span::from_s(100));
        pair.ends[0].close(pair.now);
        pair.run(Span::from_s(60));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pcap(&pair.sent)).unwrap();
        let (dscp, good, hops) = if v6 {
            ("ipv6.tclass.dscp==48", "tcp.checksum.status==1", "ipv6.hlim==1")
        } else {
            ("ip.dsfield.dscp==48", "ip.checksum.status==1 && tcp.checksum.status==1", "ip.ttl==1")
        };
        let filter = format!("!_ws.malformed && {dscp} && {good} && {hops}");
        let run = Command::new("tshark")
            .args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-r"])
            .arg(file.path())
            .args(["-Y", &filter, "-T", "fields", "-e", "frame.number"])
            .output();
        let Ok(run) = run else {
            eprintln!("tshark is not installed: no second opinion");
            return;
        };
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), pair.sent.len());
        assert!(pair.sent.len() > 60);
    }
}

#[test]
fn segments_are_as_long_as_the_mtu_allows() {
    for (v6, mtu) in [(false, 1500), (true, 1500), (false, 576), (true, 1280), (false, 9000)] {
        let mut pair = Pair::connected(v6, Options { mtu, ..Options::default() }, CLEAN, 1);
        pair.send_all(0, &octets(50_000));
        pair.run(Span::from_s(30));
        assert_eq!(pair.sent.iter().map(|(.., packet)| packet.len()).max(), Some(mtu.into()), "IPv6 {v6}");
        assert_eq!(pair.got[1].len(), 50_000);
    }
}
