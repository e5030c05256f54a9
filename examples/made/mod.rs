//! The files of `captures/`, made from nothing but a seed; they are written by hand here, so that they check the reader and not the writer.

mod branch;
mod frames;
mod tagged;

use std::io::Write;

use biplane::capture::Direction;

use branch::Office;
use frames::{IPV4, Ip, ethernet, mac, padded};

/// A frame of a file.
pub(crate) struct Frame {
    /// Nanoseconds after the epoch of all files.
    pub(crate) at_ns: u64,
    pub(crate) direction: Direction,
    pub(crate) octets: Vec<u8>,
}

/// A file: its name and octets, and the number of whole records in it.
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) octets: Vec<u8>,
    pub(crate) records: u64,
}

/// 2025-01-01 00:00:00 UTC, when every file begins.
const EPOCH_S: u64 = 1_735_689_600;

/// Every file.
pub(crate) fn all() -> Vec<Made> {
    let mut sent = Office::whole();
    sent.retain(|frame| frame.direction == Direction::Outbound);
    let both = Office::few();
    let made = |name, frames: &[Frame], octets| Made { name, octets, records: frames.len() as u64 };
    let pcap_of = |name, frames: Vec<Frame>| made(name, &frames, pcap(&frames, Kind::MICROSECONDS, u32::MAX));
    vec![
        made("branch-office.pcapng", &sent, pcapng(&sent, "office-lan")),
        made("branch-office-both.pcapng", &both, pcapng(&both, "office-lan")),
        pcap_of("qinq-8100.pcap", tagged::qinq(0x8100)),
        pcap_of("qinq-88a8.pcap", tagged::qinq(0x88a8)),
        pcap_of("labels-1-to-6.pcap", tagged::labels()),
        pcap_of("pseudowires.pcap", tagged::pseudowires()),
        pcap_of("jumbo.pcap", jumbo()),
        pcap_of("runts.pcap", runts()),
        truncated(&both),
        pcap_of("out-of-order-stamps.pcap", out_of_order()),
        big_endian(),
        gzip(),
        zstandard(),
    ]
}

/// What `octets` hold: as they are, or unpacked. Packed octets depend on the packer's version, what they hold does not.
pub(crate) fn unpacked(name: &str, octets: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    match name.rsplit('.').next() {
        Some("gz") => std::io::copy(&mut flate2::read::MultiGzDecoder::new(octets), &mut unpacked)?,
        Some("zst") => std::io::copy(&mut zstd::Decoder::new(octets)?, &mut unpacked)?,
        _ => unpacked.write(octets)? as u64,
    };
    Ok(unpacked)
}

fn outbound(at_ns: u64, octets: Vec<u8>) -> Frame {
    Frame { at_ns, direction: Direction::Outbound, octets }
}

/// A UDP frame from the site to the cloud whose IP packet has `octets`.
fn udp_of(octets: usize, number: u16) -> Vec<u8> {
    let ip = Ip { id: number, ..Ip::new("10.10.1.10", "10.20.1.10") };
    let payload: Vec<u8> = (0..octets - 28).map(|i| i as u8).collect();
    ethernet(mac(0, 1), mac(0x10, 10), IPV4, &ip.udp((4000 + number, 5000), &payload))
}

/// Around every limit of length that is met: 1500, 2000, 9000, 9198, 9216 octets.
fn jumbo() -> Vec<Frame> {
    let lengths = [1500, 1501, 1504, 2000, 4470, 8986, 9000, 9001, 9184, 9202];
    let frame = |(i, &octets): (usize, &usize)| outbound(i as u64 * 100_000, udp_of(octets, i as u16));
    lengths.iter().enumerate().map(frame).collect()
}

/// Frames of fewer than 60 octets, down to none: cut in every header.
fn runts() -> Vec<Frame> {
    let whole = udp_of(46, 1);
    let lengths = [59, 54, 42, 41, 34, 33, 20, 15, 14, 13, 12, 6, 1, 0, 60];
    let frame = |(i, &octets): (usize, &usize)| outbound(i as u64 * 100_000, whole[..octets].to_vec());
    lengths.iter().enumerate().map(frame).collect()
}

/// Cut to 64 octets each by the snap length, and the file inside its last record.
fn truncated(frames: &[Frame]) -> Made {
    let frames = &frames[..40];
    let mut octets = pcap(frames, Kind::MICROSECONDS, 64);
    octets.truncate(octets.len() - 20);
    Made { name: "truncated.pcap", octets, records: 39 }
}

/// A little back, 65536 s forward and back again, the same time twice, and below the start.
fn out_of_order() -> Vec<Frame> {
    let at_us =
        [10_000_000, 10_000_010, 10_000_005, 10_000_020, 65_546_000_000, 10_000_040, 10_000_040, 9_000_000, 9_500_000];
    let frame = |(i, &at_us): (usize, &u64)| outbound(at_us * 1000, padded(udp_of(46, i as u16)));
    at_us.iter().enumerate().map(frame).collect()
}

/// Nanoseconds in the other byte order, one of which no microsecond can say.
fn big_endian() -> Made {
    let at_ns = [0, 123, 246, 118_831_273, 955_677_809, 1_000_000_001];
    let frames = at_ns.iter().enumerate().map(|(i, &at_ns)| outbound(at_ns, padded(udp_of(46, i as u16))));
    let frames: Vec<Frame> = frames.collect();
    let octets = pcap(&frames, Kind { big_endian: true, nanoseconds: true }, u32::MAX);
    Made { name: "ns-big-endian.pcap", octets, records: frames.len() as u64 }
}

/// Two members, as appending to a packed file makes them.
fn gzip() -> Made {
    let frames: Vec<Frame> = (0..50).map(|i| outbound(u64::from(i) * 20_000_000, padded(udp_of(200, i)))).collect();
    let octets = pcap(&frames, Kind::MICROSECONDS, u32::MAX);
    let member = |octets: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(octets).and_then(|()| packer.finish()).expect("memory does not fail")
    };
    let (first, second) = octets.split_at(octets.len() / 2);
    Made { name: "two-members.pcap.gz", octets: [member(first), member(second)].concat(), records: 50 }
}

fn zstandard() -> Made {
    let frames: Vec<Frame> = (0..50).map(|i| outbound(u64::from(i) * 20_000_000, padded(udp_of(200, i)))).collect();
    let octets = zstd::encode_all(&pcapng(&frames, "office-lan")[..], 3).expect("memory does not fail");
    Made { name: "packed.pcapng.zst", octets, records: 50 }
}

/// A kind of pcap file.
#[derive(Clone, Copy)]
struct Kind {
    big_endian: bool,
    nanoseconds: bool,
}

impl Kind {
    const MICROSECONDS: Kind = Kind { big_endian: false, nanoseconds: false };

    fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
    }
}

/// draft-ietf-opsawg-pcap §4, §5.
fn pcap(frames: &[Frame], kind: Kind, snaplen: u32) -> Vec<u8> {
    let magic = if kind.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let version = if kind.big_endian { 0x0002_0004 } else { 0x0004_0002 };
    let mut file = kind.words(&[magic, version, 0, 0, snaplen.min(262_144), 1]);
    for frame in frames {
        let (seconds, ns) = (EPOCH_S + frame.at_ns / 1_000_000_000, frame.at_ns % 1_000_000_000);
        let captured = frame.octets.len().min(snaplen as usize);
        let units = if kind.nanoseconds { ns } else { ns / 1000 };
        file.extend(kind.words(&[seconds as u32, units as u32, captured as u32, frame.octets.len() as u32]));
        file.extend(&frame.octets[..captured]);
    }
    file
}

/// One section, one interface in nanoseconds, directions in the flags (draft-ietf-opsawg-pcapng §4).
fn pcapng(frames: &[Frame], interface: &str) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let length = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes(), &length, body, &length].concat()
    };
    let filled = |octets: &[u8]| [octets, &[0; 3][..octets.len().next_multiple_of(4) - octets.len()]].concat();
    let option = |code: u16, value: &[u8]| {
        [&code.to_le_bytes(), &(value.len() as u16).to_le_bytes(), &filled(value)[..]].concat()
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, !0, !0]));
    let described = [words(&[1, 0]), option(2, interface.as_bytes()), option(9, &[9]), option(0, &[])].concat();
    file.extend(block(1, &described));
    for frame in frames {
        let (stamp, length) = (EPOCH_S * 1_000_000_000 + frame.at_ns, frame.octets.len() as u32);
        let flags = if frame.direction == Direction::Outbound { 2 } else { 1 };
        let head = words(&[0, (stamp >> 32) as u32, stamp as u32, length, length]);
        let options = [option(2, &words(&[flags])), option(0, &[])].concat();
        file.extend(block(6, &[head, filled(&frame.octets), options].concat()));
    }
    file
}
