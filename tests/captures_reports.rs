//! Faults that users of other tools reported about capture files and replay timing, each with its input and the right output.
//!
//! Those that are about one layout or one field are beside the code: `a15` and `a16` (if_tsresol, if_tsoffset),
//! `a18`, `a19` in `capture/pcapng.rs`, `a21`, `a22` in `capture/reader.rs`, `a24` in `capture/link.rs`.
#![allow(clippy::print_stderr)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use biplane::capture::{CaptureReader, CaptureTime, CaptureWriter, Direction, WriteInterface};
use biplane::time::{Instant, Span};
use biplane::traffic::schedule::{Pace, Schedule};

const MS: i128 = 1_000_000_000;
const S: i128 = 1000 * MS;

fn captured(speed: &str) -> Schedule {
    Schedule::new(Pace::Captured { speed: speed.parse().unwrap() })
}

/// When frames captured at these picoseconds leave.
fn leave(schedule: &mut Schedule, times_ps: &[i128]) -> Vec<i128> {
    let at = |&ps: &i128| schedule.next(Some(CaptureTime::from_ps(ps)), 64).unwrap().as_ps().into();
    times_ps.iter().map(at).collect()
}

/// The times of all frames of a file.
fn times(mut reader: CaptureReader) -> Vec<CaptureTime> {
    let mut times = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        times.push(record.time);
    }
    times
}

fn open(octets: Vec<u8>) -> CaptureReader {
    CaptureReader::from_read(Box::new(Cursor::new(octets)), "made here").unwrap()
}

/// A pcap file of Ethernet frames: magic, then for each its seconds, units and octets.
fn pcap(magic: u32, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = [magic, 0x0004_0002, 0, 0, 65535, 1].map(u32::to_le_bytes).concat();
    for (seconds, units, octets) in frames {
        let length = octets.len() as u32;
        file.extend([*seconds, *units, length, length].map(u32::to_le_bytes).concat());
        file.extend(*octets);
    }
    file
}

/// A shared capture, if they are there.
fn shared(file: &str) -> Option<CaptureReader> {
    let root = match std::env::var_os("BIPLANE_SHARED") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let file = root.join("captures").join(file);
    if !file.exists() {
        eprintln!("skipped: {} is absent", file.display());
        return None;
    }
    Some(CaptureReader::open(&file).unwrap())
}

#[test]
fn a06_half_speed_holds_from_the_first_round_on() {
    let times: Vec<i128> = (0..10).map(|i| 1_600_000_000 * S + i * S).collect();
    let mut schedule = captured("0.5");
    let first = leave(&mut schedule, &times);
    schedule.next_file();
    let second = leave(&mut schedule, &times);
    for round in [&first, &second] {
        assert_eq!(round[9] - round[0], 18 * S);
    }
    assert_eq!(second[0] - first[9], 2 * S, "rounds are one gap apart");
}

#[test]
fn a07_a_second_file_starts_on_its_own_base() {
    let mut schedule = captured("2");
    let year = 31_536_000 * S;
    let a = leave(&mut schedule, &[40 * year, 40 * year + S, 40 * year + 3 * S]);
    schedule.next_file();
    let b = leave(&mut schedule, &[30 * year, 30 * year + 500 * MS]);
    assert_eq!((a, b), (vec![0, 500 * MS, 1500 * MS], vec![2500 * MS, 2750 * MS]));
    assert_eq!(schedule.timestamp_regressions(), 0);
}

#[test]
fn a07_a_very_low_speed_is_not_rounded_away() {
    for speed in ["0.0000002", "2e-7"] {
        assert_eq!(leave(&mut captured(speed), &[0, 10_000_000, 20_000_000]), [0, 50 * S, 100 * S]);
    }
}

#[test]
fn a09_a_stamp_that_goes_back_is_no_gap_and_is_counted() {
    let times = [100 * S, 65_636 * S, 100 * S + MS, 101 * S];
    let mut schedule = captured("1");
    assert_eq!(leave(&mut schedule, &times), [0, 65_536 * S, 65_536 * S, 65_536 * S + 999 * MS]);
    assert_eq!(schedule.timestamp_regressions(), 1);
    let mut clamped = captured("1").with_max_gap(Span::from_s(2));
    assert_eq!(leave(&mut clamped, &times), [0, 2 * S, 2 * S, 2 * S + 999 * MS]);
    assert_eq!((clamped.timestamp_regressions(), clamped.gaps_clamped()), (1, 1));
}

#[test]
fn a09_files_whose_stamps_go_back_leave_in_file_order() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/out-of-order-stamps.pcap");
    let files = [(CaptureReader::open(&own).ok(), 3), (shared("synthetic/ts_backwards.pcap"), 2)];
    for (reader, regressions) in files {
        let Some(reader) = reader else { continue };
        let times: Vec<i128> = times(reader).into_iter().map(CaptureTime::as_ps).collect();
        let mut schedule = captured("1");
        assert!(leave(&mut schedule, &times).is_sorted());
        assert_eq!(schedule.timestamp_regressions(), regressions);
    }
}

#[test]
fn a10_the_second_frame_waits_for_its_gap() {
    let file = pcap(0xa1b2_c3d4, &[(7, 900_000, &[0; 60]), (8, 400_000, &[0; 60])]);
    let times: Vec<i128> = times(open(file)).into_iter().map(CaptureTime::as_ps).collect();
    assert_eq!(leave(&mut captured("1"), &times), [0, 500 * MS]);
}

#[test]
fn a12_nanoseconds_that_are_read_are_written() {
    let file = pcap(0xa1b2_3c4d, &[(1_555_486_009, 955_677_809, &[0x5a; 60])]);
    let time = times(open(file))[0];
    let port = WriteInterface { name: "port".to_owned(), ..WriteInterface::default() };
    let mut writer = CaptureWriter::new(Vec::new(), &[port], time).unwrap();
    writer.packet(0, Instant::ZERO, Direction::Outbound, 60, &[0x5a; 60], None).unwrap();
    assert_eq!(times(open(writer.finish().unwrap()))[0].to_string(), "1555486009.955677809");
}

#[test]
fn a13_the_nanosecond_magic_is_not_taken_for_microseconds() {
    let mut file = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xd8, 0x7f, 0, 0, 1, 0, 0, 0];
    file.extend([0x37, 0x42, 0xc2, 0x60, 0xa9, 0x38, 0x15, 0x07, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(times(open(file))[0].to_string(), "1623343671.118831273");
}

#[test]
fn a15_a16_binary_resolutions_and_offsets_of_real_files() {
    let mut of_both_orders = Vec::new();
    for order in ["le", "be"] {
        let Some(reader) = shared(&format!("synthetic/ng_tsresol_mix_{order}.pcapng")) else { return };
        let times: Vec<i128> = times(reader).into_iter().map(CaptureTime::as_ps).collect();
        let gaps: Vec<i128> = times.iter().map(|time| time - times[0]).collect();
        assert_eq!(gaps, [0, 1_500_000, 500 * MS, 750 * MS], "{order}");
        let Some(reader) = shared(&format!("google__gopacket/{order}_{order}__test008.pcapng")) else { return };
        of_both_orders.push(self::times(reader));
    }
    assert_eq!(of_both_orders[0].len(), 4);
    assert_eq!(of_both_orders[0], of_both_orders[1], "the same capture in both byte orders");
    assert_eq!(of_both_orders[0][0].to_string(), "1340954.905298858");
}

#[test]
fn a18_a19_real_files_without_an_end_of_options_and_with_two_byte_orders() {
    let Some(mut reader) = shared("synthetic/ng_no_endofopt.pcapng") else { return };
    assert!(reader.next_record().unwrap().is_some() && reader.next_record().unwrap().is_none());
    assert_eq!(reader.interfaces()[0].resolution.to_string(), "10^-9 s");
    let Some(reader) = shared("synthetic/ng_section_endian_switch.pcapng") else { return };
    let times = times(reader);
    assert_eq!((times.len(), times[1].as_ps() - times[0].as_ps()), (2, S));
}

#[test]
fn a25_an_unknown_frame_does_not_end_the_file() {
    let frame = |ethertype: [u8; 2]| [&[2u8; 12][..], &ethertype, &[0; 46]].concat();
    let frames = [frame([8, 0]), frame([0x99, 0x99]), frame([0x88, 0xa8]), frame([8, 0])];
    let records: Vec<(u32, u32, &[u8])> = frames.iter().map(|frame| (1, 0, frame.as_slice())).collect();
    let mut reader = open(pcap(0xa1b2_c3d4, &records));
    for frame in &frames {
        assert_eq!(reader.next_record().unwrap().map(|record| record.octets), Some(frame.as_slice()));
    }
    assert!(reader.next_record().unwrap().is_none());
    assert_eq!((reader.counts().records, reader.counts().delivered), (4, 4));
}
