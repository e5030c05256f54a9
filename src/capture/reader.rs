//! Reading a capture of any format as a stream of Ethernet frames, each with its time; timing and meaning are for others.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::{CaptureError, Fault};
use super::input::Input;
use super::link::{LinkType, Refusal};
use super::pcap::{FILE_HEADER_OCTETS, Layout, Packet, Step};
use super::pcapng::{SECTION_HEADER, Section};
use super::stamp::{CaptureTime, Resolution};
use super::{Direction, ETHERNET_HEADER_OCTETS};

/// A capture file (pcap or pcapng, also packed by gzip or Zstandard) read as a stream.
///
/// The memory that it takes does not depend on the size of the file. Records that are not Ethernet
/// and cannot be made so are counted and passed over.
pub struct CaptureReader {
    input: Input,
    file: String,
    format: Format,
    interfaces: Vec<InterfaceDescription>,
    counts: ReadCounts,
    last_time: CaptureTime,
    ended: bool,
}

/// A frame of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The place of the record in the file, from 1; records that were not delivered count too.
    pub number: u64,
    /// Where the record or block begins, in octets of the file as unpacked.
    pub offset: u64,
    /// The interface, counted from 0 over all sections: an index of [`CaptureReader::interfaces`].
    pub interface: u32,
    /// When it was captured. Where `stamped` is false: the time of the record before.
    pub time: CaptureTime,
    /// Whether the file has a time for it (simple packet blocks have none).
    pub stamped: bool,
    /// Which way it went, as far as the file says.
    pub direction: Direction,
    /// The octets of the frame on the wire, without FCS: more than `octets` has if it was cut by the snap length.
    pub original_len: u32,
    /// The frame from its destination address on, without FCS; fewer than 14 octets are possible (runts).
    pub octets: &'a [u8],
}

/// What a file says of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceDescription {
    /// `if_name`, empty where there is none.
    pub name: String,
    /// `if_description`, empty where there is none.
    pub description: String,
    /// What its packets begin with.
    pub link: LinkType,
    /// The octets of a packet that were kept at the most; 0 for all.
    pub snaplen: u32,
    /// The unit of its time stamps.
    pub resolution: Resolution,
    /// Seconds that are added to its time stamps.
    pub offset_s: i64,
    /// The octets of FCS at the end of its packets, which are not delivered.
    pub fcs_octets: u32,
}

/// What was found on the way through a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Whole records, delivered or not.
    pub records: u64,
    /// Records delivered as frames.
    pub delivered: u64,
    /// Records of which fewer octets were captured than there were.
    pub snapped: u64,
    /// Records that claim more captured octets than the packet had; the smaller number is delivered.
    pub caplen_gt_len: u64,
    /// Records whose sub-second field is a second or more; it is added as it stands.
    pub subsecond_out_of_range: u64,
    /// Records without a time stamp.
    pub no_timestamp: u64,
    /// Frames that had an FCS in the file, which was taken off.
    pub fcs_removed: u64,
    /// Frames of fewer than 14 octets, delivered.
    pub runts: u64,
    /// Frames whose original length with FCS is over 16 KiB, delivered; what replays them refuses them.
    pub too_long: u64,
    /// Records that were not delivered, by the reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// Where the record begins that the end of the file cuts.
    pub cut_short: Option<u64>,
}

enum Format {
    Pcap(Layout),
    Pcapng(Section),
}

impl CaptureReader {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(source) => Self::from_read(Box::new(source), file),
            Err(source) => Err(CaptureError::Open { file, source }),
        }
    }

    /// Reads from `source`, which messages call `file`.
    pub fn from_read(source: Box<dyn Read + Send>, file: impl Into<String>) -> Result<Self, CaptureError> {
        let file = file.into();
        let read = || -> std::io::Result<(Input, bool)> {
            let mut input = Input::new(source)?;
            let whole = input.ensure(FILE_HEADER_OCTETS)?;
            Ok((input, whole))
        };
        let (mut input, whole) = match read() {
            Ok(read) => read,
            Err(source) => return Err(CaptureError::Read { file, record: 0, offset: 0, source }),
        };
        let mut interfaces = Vec::new();
        let format = match identify(input.peek(), whole) {
            Ok(format) => format,
            Err(_) if input.is_cut() => {
                let found = "it is packed and ends before a header can be unpacked; fetch it again".to_owned();
                return Err(CaptureError::NotACapture { file, found });
            }
            Err(found) => return Err(CaptureError::NotACapture { file, found }),
        };
        if let Format::Pcap(layout) = &format {
            interfaces.push(InterfaceDescription {
                resolution: layout.resolution(),
                fcs_octets: layout.fcs_octets,
                ..InterfaceDescription::new(layout.link, layout.snaplen)
            });
            input.consume(FILE_HEADER_OCTETS);
        }
        Ok(CaptureReader {
            input,
            file,
            format,
            interfaces,
            counts: ReadCounts::default(),
            last_time: CaptureTime::default(),
            ended: false,
        })
    }

    /// The next frame, None at the end of the file; also where it ends inside a record, which
    /// [`ReadCounts::cut_short`] then says. After an error there is nothing more.
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        Ok(self.advance()?.map(|packet| self.record(&packet)))
    }

    /// The same, with the interfaces described up to the frame.
    #[inline]
    pub fn next_described(&mut self) -> Result<Option<(Record<'_>, &[InterfaceDescription])>, CaptureError> {
        Ok(self.advance()?.map(|packet| (self.record(&packet), self.interfaces.as_slice())))
    }

    #[inline]
    fn advance(&mut self) -> Result<Option<Packet>, CaptureError> {
        while !self.ended {
            let step = match &mut self.format {
                Format::Pcap(layout) => layout.next(&mut self.input),
                Format::Pcapng(section) => section.next(&mut self.input, &mut self.interfaces),
            };
            match step {
                Ok(Step::Packet(mut packet)) => {
                    self.counts.records += 1;
                    if self.deliver(&mut packet) {
                        return Ok(Some(packet));
                    }
                }
                Ok(Step::End) => self.ended = true,
                Ok(Step::Cut(offset)) => (self.ended, self.counts.cut_short) = (true, Some(offset)),
                Err(fault) => {
                    self.ended = true;
                    return Err(self.error(fault));
                }
            }
        }
        Ok(None)
    }

    /// What was found so far.
    pub fn counts(&self) -> &ReadCounts {
        &self.counts
    }

    /// The interfaces described so far, over all sections; a pcap file has one, without a name.
    pub fn interfaces(&self) -> &[InterfaceDescription] {
        &self.interfaces
    }

    /// Octets that were read (and unpacked) and are not yet delivered.
    #[inline(always)]
    pub fn buffered(&self) -> usize {
        self.input.available()
    }

    /// The name that messages use.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Counts what is odd about a packet and makes it a frame; false if that cannot be.
    #[inline(always)]
    fn deliver(&mut self, packet: &mut Packet) -> bool {
        let counts = &mut self.counts;
        match packet.time {
            Some(time) => self.last_time = time,
            None => counts.no_timestamp += 1,
        }
        counts.subsecond_out_of_range += u64::from(packet.subsecond_over);
        counts.snapped += u64::from(packet.captured < packet.length);
        if packet.captured > packet.length {
            counts.caplen_gt_len += 1;
            packet.captured = packet.length;
        }
        let link = self.interfaces[packet.interface as usize].link;
        if packet.fcs_octets != 0 && link == LinkType::ETHERNET {
            counts.fcs_removed += 1;
            packet.length = packet.length.saturating_sub(packet.fcs_octets);
            packet.captured = packet.captured.min(packet.length);
        }
        if let Err(refusal) = link.frame(self.input.buffer_mut(), packet) {
            *counts.refused.entry(refusal).or_default() += 1;
            return false;
        }
        counts.delivered += 1;
        counts.runts += u64::from(packet.captured < ETHERNET_HEADER_OCTETS);
        counts.too_long += u64::from(packet.length > MAX_FRAME_OCTETS);
        true
    }

    #[inline(always)]
    fn record(&self, packet: &Packet) -> Record<'_> {
        Record {
            number: self.counts.records,
            offset: packet.offset,
            interface: packet.interface,
            time: self.last_time,
            stamped: packet.time.is_some(),
            direction: packet.direction,
            original_len: packet.length,
            octets: &self.input.buffer()[packet.at..packet.at + packet.captured as usize],
        }
    }

    #[cold]
    fn error(&self, fault: Fault) -> CaptureError {
        let file = self.file.clone();
        match fault {
            Fault::Io(source) => {
                CaptureError::Read { file, record: self.counts.records, offset: self.input.offset(), source }
            }
            Fault::Damaged { offset, what } => {
                CaptureError::Damaged { file, record: self.counts.records + 1, offset, what }
            }
        }
    }
}

impl Record<'_> {
    /// Whether octets of the frame are missing.
    pub fn is_snapped(&self) -> bool {
        (self.octets.len() as u64) < u64::from(self.original_len)
    }
}

impl InterfaceDescription {
    pub(super) fn new(link: LinkType, snaplen: u32) -> Self {
        InterfaceDescription {
            name: String::new(),
            description: String::new(),
            link,
            snaplen,
            resolution: Resolution::MICROSECONDS,
            offset_s: 0,
            fcs_octets: 0,
        }
    }
}

/// The format of a file that begins with `start`, or what it is instead and the remedy.
fn identify(start: &[u8], whole: bool) -> Result<Format, String> {
    let Some(magic) = start.first_chunk::<4>() else {
        return Err(match start.len() {
            0 => "it is empty".to_owned(),
            n => format!("it has only {n} octets"),
        });
    };
    if u32::from_le_bytes(*magic) == SECTION_HEADER {
        return Ok(Format::Pcapng(Section::default()));
    }
    let mut header = [0; FILE_HEADER_OCTETS];
    header[..start.len().min(FILE_HEADER_OCTETS)].copy_from_slice(&start[..start.len().min(FILE_HEADER_OCTETS)]);
    match Layout::parse(&header) {
        Some(layout) if whole => Ok(Format::Pcap(layout)),
        Some(_) => {
            Err(format!("it ends after {} octets, inside the {FILE_HEADER_OCTETS} of a pcap header", start.len()))
        }
        None => {
            let known = FORMATS.iter().find(|(magic, _)| start.starts_with(magic));
            let hex: Vec<String> = magic.iter().map(|octet| format!("{octet:02x}")).collect();
            Err(match known {
                Some((_, what)) => format!("it begins with {}: {what}", hex.join(" ")),
                None => format!(
                    "it begins with {}, which is no capture format that is known; \
                     if another tool reads it, `editcap -F pcapng` makes a capture of it",
                    hex.join(" ")
                ),
            })
        }
    }
}

/// Formats that are met in place of captures, with the remedy.
const FORMATS: &[(&[u8], &str)] = &[
    (b"snoop\0", "a snoop capture; convert it by `editcap -F pcapng`"),
    (b"GMBU", "a capture of Microsoft Network Monitor; convert it by `editcap -F pcapng`"),
    (b"RTSS", "a capture of Microsoft Network Monitor 1; convert it by `editcap -F pcapng`"),
    (b"TRSNIFF", "a capture of Sniffer; convert it by `editcap -F pcapng`"),
    (b"BZh", "packed by bzip2; unpack it first (`bunzip2`)"),
    (b"\xfd7zXZ", "packed by xz; unpack it first (`unxz`)"),
    (b"\x04\x22\x4d\x18", "packed by lz4; unpack it first (`unlz4`)"),
    (b"PK\x03\x04", "a zip archive; unpack it first (`unzip`)"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the file; run `git lfs pull`"),
];

/// 16 KiB with FCS.
const MAX_FRAME_OCTETS: u32 = 16 * 1024 - 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A little-endian microsecond file of records (captured, original, octets).
    fn pcap(network: u32, records: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let mut file = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, network].map(u32::to_le_bytes).concat();
        for (i, (captured, length, octets)) in records.iter().enumerate() {
            file.extend([i as u32, 0, *captured, *length].map(u32::to_le_bytes).concat());
            file.extend(*octets);
        }
        file
    }

    fn open(octets: &[u8]) -> Result<CaptureReader, CaptureError> {
        CaptureReader::from_read(Box::new(Cursor::new(octets.to_vec())), "f.pcap")
    }

    /// The original lengths and octets of all frames.
    fn frames(reader: &mut CaptureReader) -> Vec<(u32, Vec<u8>)> {
        let mut frames = Vec::new();
        while let Some(record) = reader.next_record().expect("no damage") {
            frames.push((record.original_len, record.octets.to_vec()));
        }
        frames
    }

    #[test]
    fn a21_the_smaller_of_two_lengths_that_contradict_is_taken() {
        let mut reader = open(&pcap(1, &[(801, 785, &[7; 801]), (60, 60, &[8; 60])])).unwrap();
        assert_eq!(frames(&mut reader), [(785, vec![7; 785]), (60, vec![8; 60])]);
        assert_eq!((reader.counts().caplen_gt_len, reader.counts().records), (1, 2));
    }

    #[test]
    fn a22_a_cut_frame_says_how_long_it_was() {
        let mut reader = open(&pcap(1, &[(64, 1500, &[7; 64])])).unwrap();
        let record = reader.next_record().unwrap().unwrap();
        assert!(record.is_snapped() && record.original_len == 1500 && record.octets.len() == 64);
        assert_eq!(reader.counts().snapped, 1);
    }

    #[test]
    fn a_frame_check_sequence_is_taken_off_as_far_as_it_was_captured() {
        let records: [(u32, u32, &[u8]); 4] =
            [(64, 64, &[7; 64]), (62, 64, &[7; 62]), (20, 64, &[7; 20]), (2, 2, &[7; 2])];
        let mut reader = open(&pcap(0x2400_0001, &records)).unwrap();
        assert_eq!(frames(&mut reader), [(60, vec![7; 60]), (60, vec![7; 60]), (60, vec![7; 20]), (0, vec![])]);
        assert_eq!((reader.counts().fcs_removed, reader.counts().runts), (4, 1));
    }

    #[test]
    fn what_is_not_ethernet_is_counted_by_name_and_reading_goes_on() {
        let mut reader = open(&pcap(9, &[(4, 4, &[1; 4]), (4, 4, &[2; 4])])).unwrap();
        assert_eq!(frames(&mut reader), []);
        let refused: Vec<(String, u64)> = reader.counts().refused.iter().map(|(r, &n)| (r.to_string(), n)).collect();
        assert_eq!(refused, [("PPP".to_owned(), 2)]);
        let mut reader = open(&pcap(101, &[(2, 2, &[0x45, 0]), (2, 2, &[0, 0]), (2, 2, &[0x60, 0])])).unwrap();
        let ethertypes: Vec<Vec<u8>> =
            frames(&mut reader).into_iter().map(|(_, octets)| octets[12..].to_vec()).collect();
        assert_eq!(ethertypes, [vec![8, 0, 0x45, 0], vec![0x86, 0xdd, 0x60, 0]]);
        assert_eq!(reader.counts().refused[&Refusal::NotIp(LinkType::RAW)], 1);
    }

    #[test]
    fn damage_says_where_and_leaves_what_came_before() {
        let mut reader = open(&pcap(1, &[(3, 3, &[1; 3]), (1 << 20, 1 << 20, &[])])).unwrap();
        assert!(reader.next_record().unwrap().is_some());
        let error = reader.next_record().unwrap_err();
        assert!(matches!(error, CaptureError::Damaged { record: 2, offset: 43, .. }), "{error}");
        assert!(error.to_string().starts_with("f.pcap: record 2 at octet 43 is damaged"), "{error}");
        assert!(reader.next_record().unwrap().is_none(), "nothing after an error");
    }

    #[test]
    fn what_is_no_capture_is_named_by_what_it_begins_with() {
        for (octets, words) in [
            (&b""[..], "it is empty"),
            (b"\xd4\xc3", "only 2 octets"),
            (b"\xd4\xc3\xb2\xa1\x02\0", "after 6 octets, inside the 24 of a pcap header"),
            (b"snoop\0\0\0", "73 6e 6f 6f: a snoop capture; convert"),
            (b"#!/bin/sh\n", "23 21 2f 62, which is no capture format"),
        ] {
            let Err(error) = open(octets) else { panic!("{octets:?} is a capture") };
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_cut_file_gives_what_is_whole_and_says_where_it_ends() {
        let whole = pcap(1, &[(4, 4, &[1; 4]), (4, 4, &[2; 4])]);
        let mut reader = open(&whole[..whole.len() - 1]).unwrap();
        assert_eq!(frames(&mut reader).len(), 1);
        assert_eq!(reader.counts().cut_short, Some(44));
        let packed = [&whole[..44], &whole[44..]].map(|part| zstd::encode_all(part, 1).unwrap());
        let mut reader = open(&[&packed[0][..], &packed[1][..9]].concat()).unwrap();
        assert_eq!(frames(&mut reader).len(), 1);
        assert_eq!(reader.counts().cut_short, Some(44), "a packed stream that is cut is a cut even between records");
        let Err(error) = open(&packed[0][..9]) else { panic!("nothing can be unpacked") };
        assert!(error.to_string().contains("ends before a header"), "{error}");
    }
}
