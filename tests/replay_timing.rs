//! When frames leave: speeds, rates, rounds, limits, several places and the two sides of a capture, to the nanosecond.
#![allow(clippy::print_stderr)]

mod cmd;

use cmd::craft::{CLOUD, pcap, udp, udp_between};
use cmd::pcapng::Packet;
use cmd::{Replayed, path};
use std::path::Path;

const HQ: &[&str] = &["--through", "direct", "--into", "hq"];
/// Where all that a site sent leaves towards its edge.
const LEAVES: &[&str] = &["--observe", "hq:ce1"];
const SECOND: u64 = 1_000_000_000;

/// Replays files into the site and gives what left it.
#[track_caller]
fn left(files: &[&Path], options: &[&str]) -> (Replayed, Vec<Packet>) {
    let files: Vec<_> = files.iter().map(|file| path(file)).collect();
    let replayed = Replayed::new(&[&files[..], HQ, LEAVES, options].concat()).ok();
    let sent = replayed.written().sent("hq:ce1").into_iter().cloned().collect();
    (replayed, sent)
}

/// Nanoseconds between neighbours.
fn gaps(packets: &[Packet]) -> Vec<u64> {
    packets.windows(2).map(|pair| pair[1].ticks - pair[0].ticks).collect()
}

fn at(ns: &[u64], octets: usize) -> Vec<(u32, u32, Vec<u8>)> {
    let split = |ns: &u64| (1_700_000_000 + (ns / SECOND) as u32, (ns % SECOND) as u32, udp(CLOUD, octets));
    ns.iter().map(split).collect()
}

/// A10: the second packet waits for its time.
#[test]
fn two_packets_half_a_second_apart_stay_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = pcap(folder.path(), "two.pcap", &at(&[0, 500_000_000], 100));
    let (replayed, sent) = left(&[&file], &[]);
    assert_eq!(gaps(&sent), [500_000_000]);
    assert_eq!(replayed.figure("/sources/0/requested_ps"), 500_000_000_000);
    assert_eq!(replayed.figure("/sources/0/requested/millipps"), 2000, "one frame per half a second");
}

/// A6: a speed below one holds from the first round on.
#[test]
fn each_round_at_half_the_speed_takes_twice_as_long() {
    let folder = tempfile::tempdir().unwrap();
    let seconds: Vec<u64> = (0..10).map(|n| n * SECOND).collect();
    let file = pcap(folder.path(), "ten.pcap", &at(&seconds, 100));
    let (_, sent) = left(&[&file], &["--speed", "0.5", "--loop", "2"]);
    assert_eq!(sent.len(), 20);
    for round in sent.chunks(10) {
        assert_eq!(round[9].ticks - round[0].ticks, 18 * SECOND);
    }
    assert_eq!(gaps(&sent), [2 * SECOND; 19], "the next round begins a gap after the last frame");
}

/// A7: recordings of different years follow each other at once; a tiny speed is kept exactly.
#[test]
fn a_second_file_starts_on_a_base_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let first = pcap(folder.path(), "a.pcap", &at(&[0, 400, 1000], 100));
    let later: Vec<_> = at(&[7, 107], 100).into_iter().map(|(s, ns, f)| (s - 300_000_000, ns, f)).collect();
    let second = pcap(folder.path(), "b.pcap", &later);
    let (_, sent) = left(&[&first, &second], &["--speed", "2"]);
    assert_eq!(gaps(&sent), [200, 300, 300, 50]);
    let slow = pcap(folder.path(), "slow.pcap", &at(&[0, 10_000, 20_000], 100));
    let (_, sent) = left(&[&slow], &["--speed", "0.0000002"]);
    assert_eq!(gaps(&sent), [50 * SECOND; 2]);
}

/// A12: what has nanoseconds keeps them.
#[test]
fn nanoseconds_in_are_nanoseconds_out() {
    let folder = tempfile::tempdir().unwrap();
    let frames = [(1_555_486_009, 955_677_809, udp(CLOUD, 60)), (1_555_486_009, 955_677_932, udp(CLOUD, 60))];
    let file = pcap(folder.path(), "ns.pcap", &frames);
    let (replayed, sent) = left(&[&file], &[]);
    assert_eq!(replayed.written().interfaces[0].ticks, SECOND);
    // 64 octets, preamble and gap take 6.72 ns at 100 Gb/s: the stamp is of the last bit, in whole nanoseconds.
    let first = 1_555_486_009_955_677_809 + 6;
    assert_eq!(sent.iter().map(|packet| packet.ticks).collect::<Vec<_>>(), [first, first + 123]);
    let (replayed, sent) = left(&[&file], &["--stamps", "ps"]);
    assert_eq!(replayed.written().interfaces[0].ticks, 1000 * SECOND);
    assert_eq!(gaps(&sent), [123_000]);
    assert_eq!(sent[0].ticks % 1_000_000, (955_677_809_000 + 6720) % 1_000_000);
}

/// A4: a round never touches what the next one sends.
#[test]
fn ten_rounds_send_ten_identical_frames() {
    let folder = tempfile::tempdir().unwrap();
    let file = pcap(folder.path(), "one.pcap", &at(&[0], 1300));
    let args = [path(&file), "--through", "direct-10g-dot1q", "--into", "hq", "--loop", "10"];
    let replayed = Replayed::new(&args).ok();
    let written = replayed.written();
    let tagged: Vec<_> = written.packets.iter().filter(|packet| packet.octets[12..16] == [0x81, 0, 0, 20]).collect();
    assert_eq!(tagged.len(), 10);
    for packet in &tagged {
        assert_eq!((packet.octets.len(), packet.length), (1304, 1304));
        assert_eq!(packet.octets[46..], udp(CLOUD, 1300)[42..], "the payload");
        assert_eq!(packet.octets, tagged[0].octets);
    }
}

/// A1, A3: a tag makes a frame four octets longer, padding stays padding, nothing else moves.
#[test]
fn a_padded_frame_grows_by_its_tag_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut frame = udp(CLOUD, 54);
    frame.extend([0xaa; 6]);
    let file = pcap(folder.path(), "padded.pcap", &[(1_700_000_000, 0, frame.clone())]);
    let replayed = Replayed::new(&[path(&file), "--through", "direct-10g-dot1q", "--into", "hq"]).ok();
    let written = replayed.written();
    let out = &written.packets.iter().find(|packet| packet.octets[12..14] == [0x81, 0]).unwrap();
    assert_eq!((out.octets.len(), out.length), (64, 64));
    assert_eq!(out.octets[12..18], [0x81, 0, 0, 20, 8, 0], "PCP 0, DEI 0, VID 20");
    assert_eq!(out.octets[20..22], [0, 40], "the IP length is that of the packet");
    assert_eq!(out.octets[38..], frame[34..], "UDP, payload and padding");
}

#[test]
fn rates_are_kept_and_reported_as_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = pcap(folder.path(), "rate.pcap", &at(&[0; 11], 996));
    let (replayed, sent) = left(&[&file], &["--pps", "1.5k", "--stamps", "ps"]);
    assert_eq!(replayed.figure("/sources/0/requested/millipps"), 1_500_000);
    assert_eq!(replayed.figure("/sources/0/achieved/millipps"), 1_500_000);
    assert_eq!(sent[10].ticks - sent[0].ticks, 6_666_666_666, "10 / 1500 s");
    let (replayed, sent) = left(&[&file], &["--rate", "8Mbps"]);
    assert_eq!(gaps(&sent), [1_000_000; 10], "1000 octets with the FCS");
    assert_eq!(replayed.figure("/sources/0/requested/bps"), 8_000_000);
    assert_eq!(replayed.figure("/sources/0/achieved/bps"), 8_000_000);
    assert!(replayed.ran.out.contains("requested 8.00 Mb/s, 1.00 kframes/s"), "{}", replayed.ran.out);
    let (replayed, _) = left(&[&file], &["--topspeed", "--stamps", "ps"]);
    // METHODOLOGY: 1020 octets on the wire at 80 ps.
    assert_eq!(replayed.figure("/sources/0/achieved/millipps"), 1_000_000_000_000_000 / (1020 * 80));
    let (replayed, _) = left(&[&file], &[]);
    assert!(replayed.ran.out.contains("requested all at once"), "{}", replayed.ran.out);
}

#[test]
fn what_is_asked_beyond_a_port_is_reported_as_not_achieved() {
    let folder = tempfile::tempdir().unwrap();
    let file = pcap(folder.path(), "fast.pcap", &at(&[0; 100], 996));
    let args = [path(&file), "--through", "direct-10g-dot1q", "--into", "hq", "--rate", "20G"];
    let replayed = Replayed::new(&args).ok();
    assert_eq!(replayed.figure("/sources/0/requested/bps"), 20_000_000_000);
    let line_rate = 10_000_000_000 * 1000 / 1020;
    assert_eq!(replayed.figure("/sources/0/achieved/bps"), line_rate);
}

#[test]
fn limits_end_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let file = pcap(folder.path(), "ten.pcap", &at(&[0, 10, 20, 30, 40, 50, 60, 70, 80, 90].map(|us| us * 1000), 100));
    let (replayed, sent) = left(&[&file], &["--limit", "13", "--loop", "100"]);
    assert_eq!((sent.len(), replayed.figure("/balance/offered")), (13, 13));
    for threads in ["1", "4"] {
        let (replayed, sent) = left(&[&file], &["--until", "35us", "--threads", threads]);
        assert_eq!((sent.len(), replayed.figure("/balance/in_network")), (4, 4));
        assert_eq!((replayed.figure("/sources/0/frames"), replayed.figure("/balance/offered")), (4, 4));
        assert!(replayed.ran.out.contains("4 under way"), "{}", replayed.ran.out);
        assert!(replayed.ran.out.contains("stopped at --until, with frames left"), "{}", replayed.ran.out);
    }
    let late = Replayed::new(&[&[path(&file)], HQ, &["--until", "0s"]].concat());
    assert_eq!(late.ran.code, Some(1));
    assert!(late.ran.err.contains("no frame is due before --until"), "{}", late.ran.err);
}

#[test]
fn two_places_share_one_time_base() {
    let folder = tempfile::tempdir().unwrap();
    let up = pcap(folder.path(), "up.pcap", &at(&[1000, 5000], 100));
    let back = udp_between(CLOUD, [10, 10, 0, 9], 100);
    let down: Vec<_> = at(&[3000, 9000], 100).into_iter().map(|(s, ns, _)| (s, ns, back.clone())).collect();
    let down = pcap(folder.path(), "down.pcap", &down);
    let (into_hq, into_prod) = (format!("hq={}", path(&up)), format!("prod={}", path(&down)));
    let ports = ["--observe", "hq:ce1", "--observe", "prod:msee1", "--observe", "prod:msee2"];
    let replayed =
        Replayed::new(&[&["--through", "direct", "--into", &into_hq, "--into", &into_prod], &ports[..]].concat());
    let written = replayed.ok().written();
    let starts: Vec<u64> = written.packets.iter().map(|packet| packet.ticks % 1_000_000 / 1000).collect();
    let names: Vec<_> = written.packets.iter().map(|packet| &written.interfaces[packet.interface].name[..3]).collect();
    assert_eq!((starts, names), (vec![1, 3, 5, 9], vec!["hq:", "pro", "hq:", "pro"]));
}

#[test]
fn one_interface_of_a_file_can_be_replayed() {
    let file = "hq=captures/branch-office.pcapng@0";
    let all = Replayed::new(&["--through", "direct", "--into", file]).ok();
    assert_eq!(all.figure("/balance/offered"), 2360);
    let none = Replayed::new(&["--through", "direct", "--into", "hq=captures/branch-office.pcapng@7"]);
    assert_eq!(none.ran.code, Some(1));
    assert!(none.ran.err.contains("look at the name after @"), "{}", none.ran.err);
}

#[test]
fn a_capture_of_both_directions_is_split() {
    let both =
        ["captures/branch-office-both.pcapng", "--through", "direct", "--into", "hq", "--into", "prod", "--split"];
    let auto = Replayed::new(&[&both[..], &["auto"]].concat()).ok();
    assert_eq!(auto.figure("/sources/0/frames") + auto.figure("/sources/1/frames"), 84);
    assert_eq!(auto.figure("/sources/0/other_side"), auto.figure("/sources/1/frames"));
    assert_eq!(auto.figure("/balance/delivered"), 84);
    // The file says of each frame which way it went: flag 2 is outbound.
    let truth = cmd::pcapng::File::read(Path::new("captures/branch-office-both.pcapng"));
    let outbound = truth.packets.iter().filter(|packet| packet.direction == 2).count() as u64;
    assert_eq!(auto.figure("/sources/0/frames"), outbound);
    let v4 = |packet: &&Packet| packet.octets[12..14] == [8, 0] && packet.octets[26..28] == [10, 10];
    let by_prefix = Replayed::new(&[&both[..], &["10.10.0.0/16"]].concat()).ok();
    assert_eq!(by_prefix.figure("/sources/0/frames"), truth.packets.iter().filter(v4).count() as u64);
    // Both begin at the first frame of the capture: a reply is after its question.
    assert!(auto.figure("/sources/1/requested_ps") <= auto.figure("/sources/0/requested_ps"));
    assert_eq!(auto.figure("/sources/0/requested_ps"), 137_052_000_000);
}

#[test]
fn cut_frames_are_padded_sent_as_they_are_or_left_out() {
    let lengths = |cut: &str| -> (Replayed, Vec<usize>) {
        let (replayed, sent) = left(&[Path::new("captures/truncated.pcap")], &["--cut", cut]);
        let lengths = sent.iter().map(|packet| packet.octets.len()).collect();
        (replayed, lengths)
    };
    let (padded, whole) = lengths("pad");
    assert_eq!(whole.len(), 39);
    assert!(whole.iter().any(|length| *length > 1000));
    let cut = padded.figure("/sources/0/padded");
    assert_eq!(cut, padded.figure("/sources/0/captures/0/snapped"));
    assert!(padded.ran.out.contains("cut short inside the record at octet"), "{}", padded.ran.out);
    let (_, short) = lengths("as-captured");
    assert_eq!((short.len(), short.iter().max()), (39, Some(&64)));
    let (skipped, left) = lengths("skip");
    assert_eq!((skipped.figure("/sources/0/skipped"), left.len() as u64), (cut, 39 - cut));
}

#[test]
fn unknown_destinations_are_dropped_on_request() {
    let drop = Replayed::new(&[&["captures/branch-office.pcapng"], HQ, &["--unrouted", "drop"]].concat()).ok();
    let unrouted = drop.json["dropped"].as_array().unwrap().iter().find(|drop| drop["reason"] == "unrouted");
    let unrouted = unrouted.map(|drop| cmd::figure(drop, "/frames")).unwrap();
    // Multicast is unknown too, and dropped as such.
    assert_eq!(unrouted + 8, drop.figure("/sources/0/unrouted"));
    let cloud = Replayed::new(&[&["captures/branch-office.pcapng"], HQ].concat()).ok();
    assert_eq!(cloud.figure("/balance/delivered") - drop.figure("/balance/delivered"), unrouted);
}
