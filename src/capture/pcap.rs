//! The classic pcap format in both byte orders, its nanosecond and modified kinds, and its older versions; records only, no link types.

use pcap_parser::parse_pcap_header;

use super::error::Fault;
use super::input::Input;
use super::link::LinkType;
use super::stamp::{CaptureTime, Resolution};
use super::{Direction, MAX_CAPTURED_OCTETS};
use crate::time::PS_PER_S;

/// The octets of the file header.
pub(super) const FILE_HEADER_OCTETS: usize = 24;

/// A packet where it lies in the input's buffer, as the file states it.
#[derive(Debug)]
pub(super) struct Packet {
    /// Of the record or block, in the file.
    pub(super) offset: u64,
    /// Counted over all sections.
    pub(super) interface: u32,
    /// None where the format has no time stamp.
    pub(super) time: Option<CaptureTime>,
    /// As the record says.
    pub(super) direction: Direction,
    /// The position of the first octet in the buffer.
    pub(super) at: usize,
    /// The octets that the file has.
    pub(super) captured: u32,
    /// The octets that the packet had.
    pub(super) length: u32,
    /// How many of these are a frame check sequence.
    pub(super) fcs_octets: u32,
    /// The sub-second field holds a second or more.
    pub(super) subsecond_over: bool,
}

/// What comes next in a file.
#[derive(Debug)]
pub(super) enum Step {
    Packet(Packet),
    /// Nothing more.
    End,
    /// The file ends inside the record or block that begins at this offset.
    Cut(u64),
}

/// How the records of one file are laid out.
#[derive(Debug)]
pub(super) struct Layout {
    big_endian: bool,
    resolution: Resolution,
    ps_per_unit: u64,
    units_per_s: u32,
    record_header_octets: usize,
    lengths: Lengths,
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    pub(super) fcs_octets: u32,
}

/// The order of a record's two lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Captured, then original.
    AsWritten,
    /// Original, then captured: before version 2.3, and in version 543.0 of DG/UX.
    Swapped,
    /// Version 2.3 was written both ways: the smaller is the captured one.
    Either,
}

impl Layout {
    /// The layout that a file header describes; None if `header` is not one.
    pub(super) fn parse(header: &[u8; FILE_HEADER_OCTETS]) -> Option<Self> {
        let magic = u32::from_le_bytes(header[..4].try_into().expect("4 of 24 octets"));
        // The crate does not know the modified format in the other byte order: there only the magic differs.
        let mut known = *header;
        if magic == MAGIC_MODIFIED.swap_bytes() {
            known[..4].copy_from_slice(&MAGIC_MICROSECONDS.to_be_bytes());
        }
        let (_, header) = parse_pcap_header(&known).ok()?;
        let modified = magic == MAGIC_MODIFIED || magic == MAGIC_MODIFIED.swap_bytes();
        let resolution =
            if header.is_nanosecond_precision() { Resolution::NANOSECONDS } else { Resolution::MICROSECONDS };
        let ps_per_unit = resolution.ps(1) as u64;
        let network = header.network.0 as u32;
        Some(Layout {
            big_endian: header.is_bigendian(),
            resolution,
            ps_per_unit,
            units_per_s: (PS_PER_S / ps_per_unit) as u32,
            record_header_octets: if modified { 24 } else { 16 },
            lengths: match (header.version_major, header.version_minor) {
                (2, 0..=2) | (543, _) => Lengths::Swapped,
                (2, 3) => Lengths::Either,
                _ => Lengths::AsWritten,
            },
            link: LinkType(network as u16),
            snaplen: header.snaplen,
            // pcap §4: bit 26 says that the top four bits are the length of the FCS in units of 16 bits.
            fcs_octets: if network & 1 << 26 != 0 { (network >> 28) * 2 } else { 0 },
        })
    }

    /// The unit of the records' time stamps.
    pub(super) fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// The next record.
    #[inline]
    pub(super) fn next(&self, input: &mut Input) -> Result<Step, Fault> {
        let (offset, header) = (input.offset(), self.record_header_octets);
        if !input.ensure(header)? {
            return Ok(if input.available() == 0 && !input.is_cut() { Step::End } else { Step::Cut(offset) });
        }
        let [seconds, units, first, second] = self.words(input.peek());
        let (captured, length) = match self.lengths {
            Lengths::Swapped => (second, first),
            Lengths::Either if first > second => (second, first),
            Lengths::Either | Lengths::AsWritten => (first, second),
        };
        if captured > MAX_CAPTURED_OCTETS {
            let what =
                format!("it claims {captured} captured octets, more than the {MAX_CAPTURED_OCTETS} of any packet");
            return Err(Fault::Damaged { offset, what });
        }
        if !input.ensure(header + captured as usize)? {
            return Ok(Step::Cut(offset));
        }
        let at = input.position() + header;
        input.consume(header + captured as usize);
        // Below 2^32 * 10^12 + 2^32 * 10^6, so 73 bits.
        let ps = i128::from(seconds) * i128::from(PS_PER_S) + i128::from(units) * i128::from(self.ps_per_unit);
        Ok(Step::Packet(Packet {
            offset,
            interface: 0,
            time: Some(CaptureTime::from_ps(ps)),
            direction: Direction::Unknown,
            at,
            captured,
            length,
            fcs_octets: self.fcs_octets,
            subsecond_over: units >= self.units_per_s,
        }))
    }

    /// The four words that every kind of record header begins with.
    #[inline(always)]
    fn words(&self, header: &[u8]) -> [u32; 4] {
        let header: &[u8; 16] = header[..16].try_into().expect("16 octets were asked for");
        let word = |i: usize| {
            let octets = [header[i], header[i + 1], header[i + 2], header[i + 3]];
            if self.big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) }
        };
        [word(0), word(4), word(8), word(12)]
    }
}

const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
/// The format of A. Kuznetzov's patched libpcap: eight octets more in each record header.
const MAGIC_MODIFIED: u32 = 0xa1b2_cd34;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn layout(magic: u32, version: (u16, u16), network: u32, big_endian: bool) -> Option<Layout> {
        let mut header = Vec::new();
        let mut put = |value: u32, octets: usize| {
            if big_endian {
                header.extend_from_slice(&value.to_be_bytes()[4 - octets..]);
            } else {
                header.extend_from_slice(&value.to_le_bytes()[..octets]);
            }
        };
        for (value, octets) in
            [(magic, 4), (version.0.into(), 2), (version.1.into(), 2), (0, 4), (0, 4), (65535, 4), (network, 4)]
        {
            put(value, octets);
        }
        Layout::parse(&header.try_into().unwrap())
    }

    fn next(layout: &Layout, octets: &[u8]) -> Result<Step, Fault> {
        layout.next(&mut Input::new(Box::new(Cursor::new(octets.to_vec()))).unwrap())
    }

    #[test]
    fn every_magic_in_both_orders() {
        for big_endian in [false, true] {
            for (magic, resolution, header) in [
                (0xa1b2_c3d4, Resolution::MICROSECONDS, 16),
                (0xa1b2_3c4d, Resolution::NANOSECONDS, 16),
                (0xa1b2_cd34, Resolution::MICROSECONDS, 24),
            ] {
                let layout = layout(magic, (2, 4), 1, big_endian).unwrap();
                assert_eq!((layout.resolution(), layout.record_header_octets), (resolution, header));
                assert_eq!((layout.big_endian, layout.link, layout.snaplen), (big_endian, LinkType(1), 65535));
            }
            assert!(layout(0x1234_5678, (2, 4), 1, big_endian).is_none());
        }
    }

    #[test]
    fn the_high_bits_of_the_link_type_are_no_part_of_it() {
        let fcs = |network| {
            let layout = layout(0xa1b2_c3d4, (2, 4), network, false).unwrap();
            (layout.link.0, layout.fcs_octets)
        };
        assert_eq!(fcs(0x2400_0001), (1, 4), "an FCS of two 16-bit units");
        assert_eq!(fcs(0x3000_0001), (1, 0), "the flag that gives the top bits a meaning is not set");
        assert_eq!(fcs(0x0400_0071), (113, 0));
    }

    #[test]
    fn old_versions_have_the_lengths_the_other_way_round() {
        let record = |first: u32, second: u32| {
            let mut octets = [5, 7, first, second].map(u32::to_le_bytes).concat();
            octets.resize(200, 0xaa);
            octets
        };
        for (version, first, second, captured, length) in [
            ((2, 4), 60, 90, 60, 90),
            ((2, 3), 60, 90, 60, 90),
            ((2, 3), 90, 60, 60, 90),
            ((2, 2), 90, 60, 60, 90),
            ((543, 0), 90, 60, 60, 90),
            ((2, 4), 90, 60, 90, 60),
        ] {
            let layout = layout(0xa1b2_c3d4, version, 1, false).unwrap();
            let Ok(Step::Packet(packet)) = next(&layout, &record(first, second)) else { panic!("a packet") };
            assert_eq!((packet.captured, packet.length), (captured, length), "version {version:?}");
            assert_eq!(packet.time, Some(CaptureTime::from_ps(5_000_007_000_000)));
        }
    }

    #[test]
    fn a_record_ends_the_file_or_is_cut_or_is_damage() {
        let layout = layout(0xa1b2_3c4d, (2, 4), 1, true).unwrap();
        let header = |captured: u32| [1, 2_000_000_000, captured, captured].map(u32::to_be_bytes).concat();
        assert!(matches!(next(&layout, &[]), Ok(Step::End)));
        assert!(matches!(next(&layout, &header(0)[..15]), Ok(Step::Cut(0))));
        assert!(matches!(next(&layout, &header(1)), Ok(Step::Cut(0))));
        let Ok(Step::Packet(packet)) = next(&layout, &header(0)) else { panic!("a packet") };
        assert_eq!((packet.time, packet.subsecond_over), (Some(CaptureTime::from_s(3)), true));
        assert!(matches!(next(&layout, &header(MAX_CAPTURED_OCTETS)), Ok(Step::Cut(0))));
        assert!(matches!(next(&layout, &header(MAX_CAPTURED_OCTETS + 1)), Err(Fault::Damaged { offset: 0, .. })));
    }
}
