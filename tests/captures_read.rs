//! The reader against files that others wrote: the counts of their index, tshark's times and lengths, and octets that are no file at all.
//!
//! The shared captures are looked for in `$BIPLANE_SHARED/captures`, else in `../shared/captures`;
//! where they or tshark are absent, a test says so and does the rest.
#![allow(clippy::print_stderr)]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use biplane::capture::{
    CaptureError, CaptureReader, CaptureTime, CaptureWriter, Direction, LinkType, PortStatistics, ReadCounts,
    WriteInterface,
};
use biplane::time::Instant;
use proptest::prelude::*;

/// Files whose records are not as many as the index says, and why.
const EXPLAINED: &[(&str, u64, &str)] = &[
    (
        "seladb__PcapPlusPlus/clusterfuzz-testcase-minimized-FuzzTarget-5643903448645632.pcap",
        1,
        "the index counts the record that the end of the file cuts",
    ),
    (
        "seladb__PcapPlusPlus/clusterfuzz-testcase-minimized-FuzzTarget-6604968558198784.pcap",
        1,
        "version 2.2 has the two lengths the other way round; tshark too reads 1",
    ),
    ("ntop__nDPI/fuzz-2021-10-13.pcap", 1, "version 2.0 has the two lengths the other way round; tshark too reads 1"),
    (
        "seladb__PcapPlusPlus/crash-pcapng-epb-unbounded-length.pcap",
        0,
        "65536 captured octets in a block of 32: damage; tshark too reads 0",
    ),
];

/// Files that end in damage.
const DAMAGED: &[&str] = &[
    "seladb__PcapPlusPlus/crash-pcapng-epb-unbounded-length.pcap",
    "OISF__suricata-verify/fuzz.pcap",
    "seladb__PcapPlusPlus/clusterfuzz-testcase-FuzzTarget-5781142119907328.pcap",
];

fn shared() -> Option<PathBuf> {
    let root = match std::env::var_os("BIPLANE_SHARED") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let captures = root.join("captures");
    if captures.join("index.tsv").exists() {
        return Some(captures);
    }
    eprintln!("skipped: no shared captures at {}", captures.display());
    None
}

/// The files of the project's own `captures/`.
fn own() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().contains(".pcap"));
    files.sort();
    assert!(files.len() >= 12, "{files:?}");
    files
}

/// The name and the packets of each shared file, as its index has them.
fn index(captures: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(captures.join("index.tsv")).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let packets = columns[7].split(' ').next().unwrap().parse().unwrap();
        (columns[0].to_owned(), packets)
    });
    let rows: Vec<(String, u64)> = rows.collect();
    assert_eq!(rows.len(), 153);
    rows
}

/// One delivered frame, without its octets.
#[derive(Debug)]
struct Seen {
    number: u64,
    time: Option<CaptureTime>,
    original_len: u32,
    captured: u32,
    link: LinkType,
}

#[derive(Debug)]
struct Read {
    frames: Vec<Seen>,
    counts: ReadCounts,
    error: Option<CaptureError>,
}

fn read(mut reader: CaptureReader) -> Read {
    let (mut frames, mut interfaces) = (Vec::new(), Vec::new());
    let error = loop {
        match reader.next_record() {
            Ok(None) => break None,
            Err(error) => break Some(error),
            Ok(Some(record)) => {
                assert!(record.octets.len() as u64 <= u64::from(record.original_len));
                interfaces.push(record.interface);
                frames.push(Seen {
                    number: record.number,
                    time: record.stamped.then_some(record.time),
                    original_len: record.original_len,
                    captured: record.octets.len() as u32,
                    link: LinkType::ETHERNET,
                });
            }
        }
    };
    for (frame, interface) in frames.iter_mut().zip(interfaces) {
        frame.link = reader.interfaces()[interface as usize].link;
    }
    let counts = reader.counts().clone();
    assert_eq!(counts.records, counts.delivered + counts.refused.values().sum::<u64>());
    assert_eq!(counts.delivered, frames.len() as u64);
    Read { frames, counts, error }
}

#[test]
fn every_file_has_the_records_of_its_index() {
    let Some(captures) = shared() else { return };
    for (file, packets) in index(&captures) {
        let read = read(CaptureReader::open(&captures.join(&file)).unwrap());
        let expected = EXPLAINED.iter().find(|row| row.0 == file).map_or(packets, |row| row.1);
        assert_eq!(read.counts.records, expected, "{file}");
        let damaged = matches!(read.error, Some(CaptureError::Damaged { .. }));
        assert_eq!(damaged, DAMAGED.contains(&file.as_str()), "{file}: {:?}", read.error);
    }
}

#[test]
fn the_projects_own_files_are_whole_but_for_the_one_that_is_cut() {
    for file in own() {
        let read = read(CaptureReader::open(&file).unwrap());
        assert!(read.error.is_none() && read.counts.delivered > 0, "{}: {:?}", file.display(), read.error);
        assert_eq!(read.counts.cut_short.is_some(), file.ends_with("truncated.pcap"), "{}", file.display());
    }
}

/// What tshark prints of each packet of `file`: fields of its columns; nothing where it cannot read it.
fn tshark(file: &Path, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args(["-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: tshark cannot be run: {error}");
            return None;
        }
    };
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

/// A time as tshark prints it. Where its nanoseconds are negative it puts the sign before the seconds.
fn nanoseconds(text: &str) -> Option<i128> {
    let (seconds, nanoseconds) = text.split_once('.')?;
    let nanoseconds: i128 = nanoseconds.parse().unwrap();
    match seconds.strip_prefix('-') {
        Some(seconds) => Some(seconds.parse::<i128>().unwrap() * 1_000_000_000 - nanoseconds),
        None => Some(seconds.parse::<i128>().unwrap() * 1_000_000_000 + nanoseconds),
    }
}

/// Compares one file with tshark; the number of frames compared.
fn compare(file: &Path) -> usize {
    let Some(rows) = tshark(file, &["frame.time_epoch", "frame.len", "frame.cap_len", "frame.encap_type"]) else {
        return 0;
    };
    // Blocks that are no packets have no encapsulation; other readers do not count them.
    let rows: Vec<_> = rows.into_iter().filter(|row| row.len() == 4 && !row[3].is_empty()).collect();
    let read = read(CaptureReader::open(file).unwrap());
    let name = file.display();
    let mut compared = 0;
    for frame in &read.frames {
        let Some(row) = rows.get(frame.number as usize - 1) else {
            assert!(rows.is_empty(), "{name}: tshark has {} packets, ours goes to {}", rows.len(), frame.number);
            break;
        };
        let (len, cap_len): (u32, u32) = (row[1].parse().unwrap(), row[2].parse().unwrap());
        let more = match frame.link {
            LinkType::ETHERNET => Some(0),
            LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => Some(14),
            _ => None,
        };
        if let Some(more) = more {
            // tshark's lengths have 31 bits.
            let ours = (frame.original_len.min(i32::MAX as u32 + more), frame.captured);
            assert_eq!(ours, (len + more, cap_len.min(len) + more), "{name}: frame {}", frame.number);
        }
        let time = nanoseconds(&row[0]);
        let ours = frame.time.map(|time| time.as_ps().div_euclid(1000));
        match (ours, time) {
            // tshark keeps the nanoseconds in 32 bits, so a sub-second field that is too large wraps.
            (Some(ours), Some(time)) if read.counts.subsecond_out_of_range > 0 => {
                assert_eq!((ours - time).rem_euclid(1 << 32), 0, "{name}: frame {}: {ours} {time}", frame.number);
            }
            _ => assert_eq!(ours, time, "{name}: frame {}", frame.number),
        }
        compared += 1;
    }
    compared
}

#[test]
fn times_and_lengths_are_those_of_tshark() {
    let mut files = own();
    if let Some(captures) = shared() {
        files.extend(index(&captures).into_iter().map(|(file, _)| captures.join(file)));
    }
    if tshark(&files[0], &["frame.number"]).is_none() {
        return;
    }
    let (next, compared) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compared.fetch_add(compare(file), Ordering::Relaxed);
                }
            });
        }
    });
    let compared = compared.into_inner();
    eprintln!("{compared} frames of {} files compared with tshark", files.len());
    assert!(compared > 1000);
}

#[test]
fn tshark_reads_what_the_writer_writes() {
    let port = |name: &str, speed_bps| WriteInterface { name: name.to_owned(), description: String::new(), speed_bps };
    let ports = [port("hq:0", 100_000_000_000), port("msee-1:customer", 10_000_000_000)];
    let mut writer = CaptureWriter::new(Vec::new(), &ports, CaptureTime::from_s(1_700_000_000)).unwrap();
    let frame: Vec<u8> = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1, 0x88, 0xb5], &[0x5a; 47]].concat();
    let at = [0, 6_720, 1_000_000_000_000, 86_400_000_000_123_456];
    writer.packet(0, Instant::from_ps(at[0]), Direction::Outbound, 61, &frame, None).unwrap();
    writer.packet(1, Instant::from_ps(at[1]), Direction::Inbound, 61, &frame[..20], None).unwrap();
    writer.packet(0, Instant::from_ps(at[2]), Direction::Unknown, 61, &frame, Some("no route to 192.0.2.1")).unwrap();
    writer.packet(1, Instant::from_ps(at[3]), Direction::Outbound, 61, &frame, Some("buffer full")).unwrap();
    writer
        .statistics(1, Instant::from_ps(at[3]), &PortStatistics { received: 2, dropped: 1, ..Default::default() })
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("written.pcapng");
    std::fs::write(&file, writer.finish().unwrap()).unwrap();
    let fields = [
        "frame.time_epoch",
        "frame.interface_name",
        "frame.packet_flags_direction",
        "frame.cap_len",
        "frame.len",
        "frame.comment",
    ];
    let Some(rows) = tshark(&file, &fields) else { return };
    let direction: Vec<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert!(direction[0] != direction[1] && direction[0] == direction[3], "{direction:?}");
    let rows: Vec<_> = rows.iter().map(|r| [&r[0], &r[1], &r[3], &r[4], &r[5]].map(String::as_str)).collect();
    assert_eq!(
        rows,
        [
            ["1700000000.000000000", "hq:0", "61", "61", ""],
            ["1700000000.000000006", "msee-1:customer", "20", "61", ""],
            ["1700000001.000000000", "hq:0", "61", "61", "no route to 192.0.2.1"],
            ["1700086400.000000123", "msee-1:customer", "61", "61", "buffer full"],
        ]
    );
    let Ok(output) = Command::new("capinfos").arg(&file).output() else {
        eprintln!("skipped: capinfos cannot be run, so the statistics are not seen by it");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let entries: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("Number of stat entries = ")).collect();
    assert_eq!(entries, ["0", "1"], "{text}");
}

/// Reads octets to the end as the reader takes them.
fn read_octets(octets: &[u8]) {
    if let Ok(reader) = CaptureReader::from_read(Box::new(Cursor::new(octets.to_vec())), "octets") {
        read(reader);
    }
}

/// The beginnings of the formats, so that arbitrary octets get further than the magic.
fn a_beginning() -> impl Strategy<Value = Vec<u8>> {
    let pcap = |magic: u32| [magic, 0x0004_0002, 0, 0, 65535, 1].map(u32::to_le_bytes).concat();
    let section = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, !0, !0, 28u32].map(u32::to_le_bytes).concat();
    let interface = [1, 20, 1, 0, 20u32].map(u32::to_le_bytes).concat();
    prop_oneof![
        Just(Vec::new()),
        Just(pcap(0xa1b2_c3d4)),
        Just(pcap(0xd4c3_b2a1)),
        Just(pcap(0xa1b2_cd34)),
        Just(section.clone()),
        Just([section, interface].concat()),
        Just(vec![0x1f, 0x8b, 8, 0]),
        Just(vec![0x28, 0xb5, 0x2f, 0xfd]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_octets_are_frames_or_an_error_but_no_panic(
        beginning in a_beginning(),
        octets in prop::collection::vec(prop_oneof![3 => Just(0u8), 2 => any::<u8>(), 1 => 0u8..40], 0..400),
    ) {
        read_octets(&[beginning, octets].concat());
    }

    #[test]
    fn real_files_with_changed_octets_are_read_as_far_as_they_go(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        kept in any::<prop::sample::Index>(),
        cut: bool,
    ) {
        thread_local!(static FILES: Vec<Vec<u8>> =
            own().iter().map(|file| std::fs::read(file).unwrap()).filter(|octets| octets.len() < 40_000).collect());
        let mut octets = FILES.with(|files| file.get(files).clone());
        for (place, value) in changes {
            let place = place.index(octets.len().min(400));
            octets[place] = value;
        }
        if cut {
            octets.truncate(kept.index(octets.len()));
        }
        read_octets(&octets);
    }
}
