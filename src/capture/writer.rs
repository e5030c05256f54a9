//! Writing pcapng: one interface per port, stamps of the run's instants, comments and drop counts; the octets follow from the calls alone.

use std::io::{self, Write};

use super::{CaptureTime, Direction};
use crate::time::{Instant, PS_PER_S};

/// The unit of the stamps in a file that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// 10^-9 s, the floor: what every tool reads.
    #[default]
    Nanoseconds,
    /// 10^-12 s: exact, but finer than some readers can take (Wireshark before 4.2 garbles the fraction).
    Picoseconds,
}

/// An interface of a file that is written: a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteInterface {
    /// `if_name`.
    pub name: String,
    /// `if_description`; left out if empty.
    pub description: String,
    /// `if_speed` in bits per second; left out if 0.
    pub speed_bps: u64,
}

/// What an interface statistics block says of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortStatistics {
    /// `isb_ifrecv`: frames that the port took.
    pub received: u64,
    /// `isb_ifdrop`: frames that it dropped.
    pub dropped: u64,
    /// More in words; left out if empty.
    pub comment: String,
}

/// A pcapng file of one section in little-endian order.
///
/// Blocks are gathered and written by 256 KiB; [`CaptureWriter::finish`] writes the rest.
pub struct CaptureWriter<W: Write> {
    out: W,
    buffer: Vec<u8>,
    interfaces: u32,
    ps_per_unit: u64,
    /// The stamp, in units, of the last whole second before the run's start.
    base_units: u64,
    /// The run's start after that second.
    base_ps: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Begins a file with nanosecond stamps whose instant 0 is `epoch`.
    pub fn new(out: W, interfaces: &[WriteInterface], epoch: CaptureTime) -> io::Result<Self> {
        Self::with_stamps(out, interfaces, epoch, Stamps::Nanoseconds)
    }

    /// Begins a file. `epoch` lies between 1970 and 2554, or the error is `InvalidInput`.
    pub fn with_stamps(out: W, interfaces: &[WriteInterface], epoch: CaptureTime, stamps: Stamps) -> io::Result<Self> {
        let second = i128::from(PS_PER_S);
        let epoch_s = u64::try_from(epoch.as_ps().div_euclid(second)).ok().filter(|&s| s < LAST_EPOCH_S);
        let Some(epoch_s) = epoch_s else {
            let what = format!("a capture cannot begin at {epoch} s: stamps count from 1970 to 2554");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        };
        // Picoseconds of 64 bits last 213 days, so there the seconds go into the interface's offset.
        let (digits, ps_per_unit, base_units, offset_s) = match stamps {
            Stamps::Nanoseconds => (9, 1_000, epoch_s * 1_000_000_000, None),
            Stamps::Picoseconds => (12, 1, 0, Some(epoch_s)),
        };
        let mut writer = CaptureWriter {
            out,
            buffer: Vec::with_capacity(FLUSH_OCTETS + 64 * 1024),
            interfaces: interfaces.len() as u32,
            ps_per_unit,
            base_units,
            base_ps: epoch.as_ps().rem_euclid(second) as u64,
        };
        writer.section_header();
        for interface in interfaces {
            writer.interface_description(interface, digits, offset_s);
        }
        Ok(writer)
    }

    /// One frame at `interface` at the run's instant `at`. `original_len` is its length without FCS,
    /// `octets` what is known of it; `comment` says why it was dropped.
    ///
    /// Panics if there is no such interface: they are given at the start.
    #[inline]
    pub fn packet(
        &mut self,
        interface: u32,
        at: Instant,
        direction: Direction,
        original_len: u32,
        octets: &[u8],
        comment: Option<&str>,
    ) -> io::Result<()> {
        assert!(interface < self.interfaces, "interface {interface} of {}", self.interfaces);
        let stamp = self.stamp(at)?;
        let captured = octets.len() as u32;
        let words = [interface, (stamp >> 32) as u32, stamp as u32, captured, original_len.max(captured)];
        let flags = match direction {
            Direction::Unknown => None,
            Direction::Inbound => Some(0b01),
            Direction::Outbound => Some(0b10),
        };
        if let (None, Some(flags)) = (comment, flags) {
            self.usual_packet(words, octets, flags);
            return if self.buffer.len() >= FLUSH_OCTETS { self.flush() } else { Ok(()) };
        }
        let start = self.begin(ENHANCED_PACKET);
        let mut header = [0; 20];
        for (place, word) in header.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        self.buffer.extend_from_slice(&header);
        self.padded(octets);
        if let Some(comment) = comment {
            self.option(OPT_COMMENT, bounded(comment).as_bytes());
        }
        if let Some(flags) = flags {
            self.option(EPB_FLAGS, &[flags, 0, 0, 0]);
        }
        if comment.is_some() || flags.is_some() {
            self.option(OPT_ENDOFOPT, &[]);
        }
        self.end(start);
        if self.buffer.len() >= FLUSH_OCTETS { self.flush() } else { Ok(()) }
    }

    /// A packet with its flags and no comment, in three pieces: what comes before the octets, they, what comes after.
    #[inline]
    fn usual_packet(&mut self, words: [u32; 5], octets: &[u8], flags: u8) {
        let padding = octets.len().next_multiple_of(4) - octets.len();
        let length = (28 + octets.len() + padding + 16) as u32;
        let mut head = [0; 28];
        for (place, word) in head.chunks_exact_mut(4).zip([ENHANCED_PACKET, length].into_iter().chain(words)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        // Up to three octets of padding, the flags, the end of the options, the length once more.
        let mut tail = [0; 19];
        tail[3..5].copy_from_slice(&EPB_FLAGS.to_le_bytes());
        (tail[5], tail[7]) = (4, flags);
        tail[15..].copy_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&head);
        self.buffer.extend_from_slice(octets);
        self.buffer.extend_from_slice(&tail[3 - padding..]);
    }

    /// What `interface` took and dropped up to `at` (pcapng §4.6).
    ///
    /// Panics if there is no such interface.
    pub fn statistics(&mut self, interface: u32, at: Instant, port: &PortStatistics) -> io::Result<()> {
        assert!(interface < self.interfaces, "interface {interface} of {}", self.interfaces);
        let stamp = self.stamp(at)?;
        let start = self.begin(INTERFACE_STATISTICS);
        for word in [interface, (stamp >> 32) as u32, stamp as u32] {
            self.buffer.extend_from_slice(&word.to_le_bytes());
        }
        if !port.comment.is_empty() {
            self.option(OPT_COMMENT, bounded(&port.comment).as_bytes());
        }
        self.option(ISB_IFRECV, &port.received.to_le_bytes());
        self.option(ISB_IFDROP, &port.dropped.to_le_bytes());
        self.option(OPT_ENDOFOPT, &[]);
        self.end(start);
        Ok(())
    }

    /// Writes what is gathered and gives the output back, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.out.flush()?;
        Ok(self.out)
    }

    #[cold]
    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// The stamp of a run's instant, in the file's units.
    #[inline(always)]
    fn stamp(&self, at: Instant) -> io::Result<u64> {
        match at.as_ps().checked_add(self.base_ps) {
            // A constant divisor, so that the compiler multiplies.
            Some(ps) if self.ps_per_unit == 1_000 => Ok(self.base_units + ps / 1_000),
            Some(ps) => Ok(ps),
            None => Err(io::Error::new(io::ErrorKind::InvalidInput, "an instant after the last that a stamp can say")),
        }
    }

    fn section_header(&mut self) {
        let start = self.begin(SECTION_HEADER);
        self.buffer.extend_from_slice(&BYTE_ORDER.to_le_bytes());
        self.buffer.extend_from_slice(&[1, 0, 0, 0]);
        // The length of the section is not said: -1.
        self.buffer.extend_from_slice(&[0xff; 8]);
        self.option(SHB_USERAPPL, concat!("biplane ", env!("CARGO_PKG_VERSION")).as_bytes());
        self.option(OPT_ENDOFOPT, &[]);
        self.end(start);
    }

    fn interface_description(&mut self, interface: &WriteInterface, digits: u8, offset_s: Option<u64>) {
        let start = self.begin(INTERFACE_DESCRIPTION);
        // Ethernet, and no snap length.
        self.buffer.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        self.option(IF_NAME, bounded(&interface.name).as_bytes());
        if !interface.description.is_empty() {
            self.option(IF_DESCRIPTION, bounded(&interface.description).as_bytes());
        }
        if interface.speed_bps != 0 {
            self.option(IF_SPEED, &interface.speed_bps.to_le_bytes());
        }
        self.option(IF_TSRESOL, &[digits]);
        if let Some(offset_s) = offset_s {
            self.option(IF_TSOFFSET, &offset_s.to_le_bytes());
        }
        self.option(OPT_ENDOFOPT, &[]);
        self.end(start);
    }

    /// The head of a block of `kind`, its length still open; gives where it begins.
    fn begin(&mut self, kind: u32) -> usize {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&kind.to_le_bytes());
        self.buffer.extend_from_slice(&[0; 4]);
        start
    }

    /// The end of the block that begins at `start`.
    fn end(&mut self, start: usize) {
        let length = (self.buffer.len() - start + 4) as u32;
        self.buffer[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&length.to_le_bytes());
    }

    /// An option (pcapng §3.5); `value` has at most 65535 octets.
    #[inline]
    fn option(&mut self, code: u16, value: &[u8]) {
        self.buffer.extend_from_slice(&code.to_le_bytes());
        self.buffer.extend_from_slice(&(value.len() as u16).to_le_bytes());
        self.padded(value);
    }

    /// Octets, filled up to 32 bits.
    #[inline]
    fn padded(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
        self.buffer.extend_from_slice(&[0; 3][..octets.len().next_multiple_of(4) - octets.len()]);
    }
}

/// As much of a text as an option is given, whole characters.
fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_OCTETS)]
}

const FLUSH_OCTETS: usize = 256 * 1024;
const MAX_TEXT_OCTETS: usize = 4096;
/// 2554: after that a count of nanoseconds does not fit in 64 bits for the whole of a run.
const LAST_EPOCH_S: u64 = (u64::MAX - u64::MAX / 1_000) / 1_000_000_000 - 1;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const OPT_ENDOFOPT: u16 = 0;
const OPT_COMMENT: u16 = 1;
const EPB_FLAGS: u16 = 2;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_SPEED: u16 = 8;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CaptureReader;
    use pcap_parser::pcapng::{Block, parse_block_le};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn ports(names: &[&str]) -> Vec<WriteInterface> {
        names.iter().map(|&name| WriteInterface { name: name.to_owned(), ..WriteInterface::default() }).collect()
    }

    fn reader(octets: Vec<u8>) -> CaptureReader {
        CaptureReader::from_read(Box::new(Cursor::new(octets)), "written").unwrap()
    }

    /// The blocks as another parser sees them.
    fn blocks(mut octets: &[u8]) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        while !octets.is_empty() {
            let (rest, block) = parse_block_le(octets).expect("a whole block");
            (octets, _) = (rest, blocks.push(block));
        }
        blocks
    }

    #[test]
    fn another_parser_finds_names_speeds_comments_and_drop_counts() {
        let described = WriteInterface {
            name: "hq:0".to_owned(),
            description: "to the first plane".to_owned(),
            speed_bps: 100_000_000_000,
        };
        let mut writer = CaptureWriter::new(Vec::new(), &[described], CaptureTime::from_s(1_700_000_000)).unwrap();
        let at = Instant::from_ps(1_999);
        writer.packet(0, at, Direction::Outbound, 5, &[1, 2, 3], Some("no route")).unwrap();
        let port = PortStatistics { received: 7, dropped: 2, comment: "buffer full".to_owned() };
        writer.statistics(0, at, &port).unwrap();
        let octets = writer.finish().unwrap();
        let [section, interface, packet, statistics] = blocks(&octets).try_into().expect("four blocks");
        let Block::SectionHeader(section) = section else { panic!("a section header") };
        assert!(section.shb_userappl().unwrap().unwrap().starts_with("biplane "));
        let Block::InterfaceDescription(interface) = interface else { panic!("an interface") };
        assert_eq!(interface.if_name().unwrap().unwrap(), "hq:0");
        assert_eq!(interface.if_description().unwrap().unwrap(), "to the first plane");
        assert_eq!(interface.if_speed().unwrap().unwrap(), 100_000_000_000);
        assert_eq!((interface.linktype.0, interface.snaplen, interface.if_tsresol), (1, 0, 9));
        let Block::EnhancedPacket(packet) = packet else { panic!("a packet") };
        let stamp = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
        assert_eq!((stamp, packet.caplen, packet.origlen), (1_700_000_000_000_000_001, 3, 5));
        let options: Vec<_> = packet.options.iter().map(|o| (o.code.0, o.as_bytes().unwrap().to_vec())).collect();
        assert_eq!(options, [(1, b"no route".to_vec()), (2, vec![2, 0, 0, 0]), (0, vec![])]);
        let Block::InterfaceStatistics(statistics) = statistics else { panic!("statistics") };
        assert_eq!(statistics.isb_ifrecv().unwrap().unwrap(), 7);
        assert_eq!(statistics.isb_ifdrop().unwrap().unwrap(), 2);
        assert_eq!(statistics.options[0].as_str().unwrap(), "buffer full");
    }

    #[test]
    fn texts_are_bounded_at_a_character() {
        assert_eq!(bounded(&"é".repeat(3000)).len(), 4096);
        assert_eq!(bounded(&format!("x{}", "é".repeat(3000))).len(), 4095);
        let mut writer =
            CaptureWriter::new(Vec::new(), &ports(&[&"n".repeat(70_000)]), CaptureTime::default()).unwrap();
        writer.packet(0, Instant::ZERO, Direction::Unknown, 1, &[1], Some(&"é".repeat(40_000))).unwrap();
        assert_eq!(blocks(&writer.finish().unwrap()).len(), 3);
    }

    #[test]
    fn times_that_no_stamp_can_say_are_errors() {
        for (epoch_s, good) in
            [(-1, false), (0, true), (18_428_297_000, true), (18_500_000_000, false), (i64::MAX, false)]
        {
            let begun = CaptureWriter::new(Vec::new(), &ports(&["a"]), CaptureTime::from_s(epoch_s));
            assert_eq!(begun.is_ok(), good, "{epoch_s}");
        }
        let epoch = CaptureTime::from_ps(1_500_000_000_000);
        for stamps in [Stamps::Nanoseconds, Stamps::Picoseconds] {
            let mut writer = CaptureWriter::with_stamps(Vec::new(), &ports(&["a"]), epoch, stamps).unwrap();
            let last = u64::MAX - 500_000_000_000;
            writer.packet(0, Instant::from_ps(last), Direction::Unknown, 0, &[], None).unwrap();
            assert!(writer.packet(0, Instant::from_ps(last + 1), Direction::Unknown, 0, &[], None).is_err());
        }
    }

    fn a_packet() -> impl Strategy<Value = (u32, u64, u8, u32, Vec<u8>, Option<String>)> {
        let octets = prop::collection::vec(any::<u8>(), 0..200);
        (0..3u32, 0..u64::MAX / 2, 0..3u8, 0..100u32, octets, prop::option::of(".{0,20}"))
    }

    proptest! {
        /// What is written is read back: to the picosecond, or to the nanosecond below.
        #[test]
        fn what_is_written_is_read_back(
            packets in prop::collection::vec(a_packet(), 0..40),
            epoch in 0i128..1 << 62,
            exact: bool,
        ) {
            let stamps = if exact { Stamps::Picoseconds } else { Stamps::Nanoseconds };
            let names = ports(&["a", "b", "c"]);
            let mut writer =
                CaptureWriter::with_stamps(Vec::new(), &names, CaptureTime::from_ps(epoch), stamps).unwrap();
            let directions = [Direction::Unknown, Direction::Inbound, Direction::Outbound];
            for (interface, at, direction, more, octets, comment) in &packets {
                let length = octets.len() as u32 + more;
                let direction = directions[usize::from(*direction)];
                writer.packet(*interface, Instant::from_ps(*at), direction, length, octets, comment.as_deref()).unwrap();
            }
            let mut reader = reader(writer.finish().unwrap());
            for (i, (interface, at, direction, more, octets, _)) in packets.iter().enumerate() {
                let record = reader.next_record().unwrap().expect("as many as were written");
                let ps = epoch + i128::from(*at);
                prop_assert_eq!(record.time.as_ps(), if exact { ps } else { ps / 1000 * 1000 });
                prop_assert_eq!((record.number, record.interface), (i as u64 + 1, *interface));
                prop_assert_eq!(record.direction, directions[usize::from(*direction)]);
                prop_assert_eq!((record.original_len, record.octets), (octets.len() as u32 + more, octets.as_slice()));
            }
            prop_assert!(reader.next_record().unwrap().is_none());
            prop_assert_eq!(reader.counts().cut_short, None);
            let read: Vec<&str> = reader.interfaces().iter().map(|interface| interface.name.as_str()).collect();
            prop_assert_eq!(read, ["a", "b", "c"]);
        }
    }
}
