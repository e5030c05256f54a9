//! The blocks of pcapng: sections in either byte order, interfaces, packets of the three kinds; every other block is passed over.

use std::ops::ControlFlow;

use pcap_parser::Linktype;
use pcap_parser::pcapng::{
    PcapNGOption, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le, parse_sectionheaderblock,
};

use super::error::Fault;
use super::input::Input;
use super::link::LinkType;
use super::pcap::{Packet, Step};
use super::reader::InterfaceDescription;
use super::stamp::{CaptureTime, Resolution};
use super::{Direction, MAX_BLOCK_OCTETS, MAX_CAPTURED_OCTETS};
use crate::time::PS_PER_S;

/// The first four octets of a file, the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;

/// The section that is being read.
#[derive(Debug, Default)]
pub(super) struct Section {
    big_endian: bool,
    /// The number of its interface 0, counted over all sections.
    first_interface: usize,
}

impl Section {
    /// The next packet; interfaces described on the way are added to `interfaces`.
    #[inline]
    pub(super) fn next(
        &mut self,
        input: &mut Input,
        interfaces: &mut Vec<InterfaceDescription>,
    ) -> Result<Step, Fault> {
        loop {
            let offset = input.offset();
            let (kind, whole) = match self.whole_block(input)? {
                ControlFlow::Continue(block) => block,
                ControlFlow::Break(step) => return Ok(step),
            };
            let block = &input.peek()[..whole];
            let packet = match kind {
                ENHANCED_PACKET | OLD_PACKET => Some(self.packet(block, kind, interfaces)),
                SIMPLE_PACKET => Some(self.simple_packet(block, interfaces)),
                SECTION_HEADER => self.begin(block, interfaces).map(|()| None).transpose(),
                INTERFACE_DESCRIPTION => self.interface(block, interfaces).map(|()| None).transpose(),
                _ => None,
            };
            let position = input.position();
            input.consume(whole);
            match packet {
                None => {}
                Some(Err(what)) => return Err(Fault::Damaged { offset, what }),
                Some(Ok(mut packet)) => {
                    packet.offset = offset;
                    packet.at += position;
                    return Ok(Step::Packet(packet));
                }
            }
        }
    }

    /// The kind of the next block and its octets with padding, when all of them are there.
    #[inline]
    fn whole_block(&mut self, input: &mut Input) -> Result<ControlFlow<Step, (u32, usize)>, Fault> {
        let offset = input.offset();
        if !input.ensure(12)? {
            let ended = input.available() == 0 && !input.is_cut();
            return Ok(ControlFlow::Break(if ended { Step::End } else { Step::Cut(offset) }));
        }
        if self.word(input.peek(), 0) == SECTION_HEADER {
            self.take_byte_order(input.peek(), offset)?;
        }
        let (kind, length) = (self.word(input.peek(), 0), self.word(input.peek(), 4));
        if !(12..=MAX_BLOCK_OCTETS).contains(&length) {
            let what = format!("a block of {length} octets (at least 12, at most {MAX_BLOCK_OCTETS} are possible)");
            return Err(Fault::Damaged { offset, what });
        }
        // A length that is no multiple of four is an error that is seen; the padding is there all the same.
        let whole = length.next_multiple_of(4) as usize;
        if !input.ensure(whole)? {
            return Ok(ControlFlow::Break(Step::Cut(offset)));
        }
        let trailer = self.word(input.peek(), whole - 4);
        if trailer != length {
            let what = format!("a block says {length} octets at its start and {trailer} at its end");
            return Err(Fault::Damaged { offset, what });
        }
        Ok(ControlFlow::Continue((kind, whole)))
    }

    /// Takes the byte order of the section that begins here (pcapng §4.1): nothing before it says how its length reads.
    #[cold]
    fn take_byte_order(&mut self, block: &[u8], offset: u64) -> Result<(), Fault> {
        self.big_endian = match block[8..12] {
            [0x1a, 0x2b, 0x3c, 0x4d] => true,
            [0x4d, 0x3c, 0x2b, 0x1a] => false,
            _ => {
                let what = "a section header without the mark of its byte order".to_owned();
                return Err(Fault::Damaged { offset, what });
            }
        };
        Ok(())
    }

    #[cold]
    fn begin(&mut self, block: &[u8], interfaces: &[InterfaceDescription]) -> Result<(), String> {
        let Ok((_, header)) = parse_sectionheaderblock(block) else {
            return Err("a section header that is too short".to_owned());
        };
        if header.major_version != 1 {
            return Err(format!("a section of pcapng version {}, only 1 is known", header.major_version));
        }
        self.first_interface = interfaces.len();
        Ok(())
    }

    #[cold]
    fn interface(&self, block: &[u8], interfaces: &mut Vec<InterfaceDescription>) -> Result<(), String> {
        if interfaces.len() == MAX_INTERFACES {
            return Err(format!("more than {MAX_INTERFACES} interfaces"));
        }
        let parse =
            if self.big_endian { parse_interfacedescriptionblock_be } else { parse_interfacedescriptionblock_le };
        let Ok((_, described)) = parse(block) else {
            return Err("an interface description that is too short".to_owned());
        };
        let Linktype(link) = described.linktype;
        let mut interface = InterfaceDescription::new(LinkType(link as u16), described.snaplen);
        for option in described.options.iter().take_while(|option| option.code.0 != OPT_ENDOFOPT) {
            self.interface_option(option, &mut interface);
        }
        interfaces.push(interface);
        Ok(())
    }

    /// The options that matter; one with a length that cannot be is passed over.
    fn interface_option(&self, option: &PcapNGOption<'_>, interface: &mut InterfaceDescription) {
        let Ok(value) = option.as_bytes() else { return };
        match (option.code.0, value) {
            (IF_NAME, text) => interface.name = shortened(text),
            (IF_DESCRIPTION, text) => interface.description = shortened(text),
            (IF_TSRESOL, &[octet]) => interface.resolution = Resolution::from_if_tsresol(octet),
            // Octets, or bits: both are written, and 8 octets of FCS do not exist.
            (IF_FCSLEN, &[length]) => interface.fcs_octets = if length < 8 { length } else { length / 8 }.into(),
            (IF_TSOFFSET, value) => {
                if let Ok(octets) = value.try_into() {
                    interface.offset_s =
                        if self.big_endian { i64::from_be_bytes(octets) } else { i64::from_le_bytes(octets) };
                }
            }
            _ => {}
        }
    }

    /// An enhanced packet block (pcapng §4.3), or the packet block that came before it (appendix A),
    /// which differs in the interface's 16 bits and the code of the flags.
    #[inline]
    fn packet(&self, block: &[u8], kind: u32, interfaces: &[InterfaceDescription]) -> Result<Packet, String> {
        if block.len() < PACKET_HEADER_OCTETS + 4 {
            return Err(format!("a packet block of {} octets, shorter than its own header", block.len()));
        }
        let interface = match kind {
            OLD_PACKET => u32::from(self.half(block, 8)),
            _ => self.word(block, 8),
        };
        let (number, interface) = self.interface_of(interface, interfaces)?;
        let units = u64::from(self.word(block, 12)) << 32 | u64::from(self.word(block, 16));
        let (captured, length) = (self.word(block, 20), self.word(block, 24));
        let room = block.len() - PACKET_HEADER_OCTETS - 4;
        if captured as usize > room || captured > MAX_CAPTURED_OCTETS {
            return Err(format!(
                "a packet of {captured} captured octets where the block has {room} and any packet at most {MAX_CAPTURED_OCTETS}"
            ));
        }
        let options = PACKET_HEADER_OCTETS + captured.next_multiple_of(4) as usize;
        let mut packet = Packet {
            offset: 0,
            interface: number,
            time: Some(CaptureTime::from_ps(interface.resolution.ps(units) + offset_ps(interface.offset_s))),
            direction: Direction::Unknown,
            at: PACKET_HEADER_OCTETS,
            captured,
            length,
            fcs_octets: interface.fcs_octets,
            subsecond_over: false,
        };
        if options < block.len() - 4 {
            self.packet_options(&block[options..block.len() - 4], &mut packet);
        }
        Ok(packet)
    }

    /// The flags of a packet: its direction and the length of its FCS (pcapng §4.3.1).
    #[inline]
    fn packet_options(&self, mut options: &[u8], packet: &mut Packet) {
        while options.len() >= 4 {
            let (code, length) = (self.half(options, 0), usize::from(self.half(options, 2)));
            if code == OPT_ENDOFOPT {
                return;
            }
            if code == PACKET_FLAGS && length == 4 && options.len() >= 8 {
                let flags = self.word(options, 4);
                packet.direction = match flags & 0b11 {
                    0b01 => Direction::Inbound,
                    0b10 => Direction::Outbound,
                    _ => Direction::Unknown,
                };
                let fcs_octets = flags >> 5 & 0xf;
                if fcs_octets != 0 {
                    packet.fcs_octets = fcs_octets;
                }
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    /// A simple packet block (pcapng §4.4): of the section's interface 0, cut to its snap length, without a time.
    fn simple_packet(&self, block: &[u8], interfaces: &[InterfaceDescription]) -> Result<Packet, String> {
        if block.len() < SIMPLE_HEADER_OCTETS + 4 {
            return Err(format!("a simple packet block of {} octets, shorter than its own header", block.len()));
        }
        let (number, interface) = self.interface_of(0, interfaces)?;
        let length = self.word(block, 8);
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        // The block is at most 16 MiB.
        let room = (block.len() - SIMPLE_HEADER_OCTETS - 4) as u32;
        let captured = length.min(snaplen).min(room);
        if captured > MAX_CAPTURED_OCTETS {
            return Err(format!("a packet of {captured} captured octets, more than the {MAX_CAPTURED_OCTETS} of any"));
        }
        Ok(Packet {
            offset: 0,
            interface: number,
            time: None,
            direction: Direction::Unknown,
            at: SIMPLE_HEADER_OCTETS,
            captured,
            length,
            fcs_octets: interface.fcs_octets,
            subsecond_over: false,
        })
    }

    /// An interface of this section, and its number over all sections.
    #[inline(always)]
    fn interface_of<'i>(
        &self,
        index: u32,
        interfaces: &'i [InterfaceDescription],
    ) -> Result<(u32, &'i InterfaceDescription), String> {
        let number = self.first_interface.saturating_add(index as usize);
        match interfaces.get(number) {
            Some(interface) => Ok((number as u32, interface)),
            None => Err(format!("a packet of interface {index}, which the section does not describe")),
        }
    }

    #[inline(always)]
    fn word(&self, octets: &[u8], at: usize) -> u32 {
        let word = octets[at..at + 4].try_into().expect("4 octets");
        if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    }

    #[inline(always)]
    fn half(&self, octets: &[u8], at: usize) -> u16 {
        let half = octets[at..at + 2].try_into().expect("2 octets");
        if self.big_endian { u16::from_be_bytes(half) } else { u16::from_le_bytes(half) }
    }
}

/// Below 2^63 * 10^12, so that the sum with a stamp of 104 bits fits.
const fn offset_ps(offset_s: i64) -> i128 {
    offset_s as i128 * PS_PER_S as i128
}

/// The text of an option, bounded: a name is for people.
fn shortened(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(MAX_NAME_OCTETS)]).trim_end_matches('\0').to_owned()
}

const INTERFACE_DESCRIPTION: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const PACKET_HEADER_OCTETS: usize = 28;
const SIMPLE_HEADER_OCTETS: usize = 12;
const OPT_ENDOFOPT: u16 = 0;
/// `epb_flags` and `pack_flags` have one code.
const PACKET_FLAGS: u16 = 2;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_FCSLEN: u16 = 13;
const IF_TSOFFSET: u16 = 14;
/// The interfaces that a file may describe, over all its sections.
const MAX_INTERFACES: usize = 65_536;
const MAX_NAME_OCTETS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Blocks of one byte order.
    #[derive(Clone, Copy)]
    struct Order {
        big_endian: bool,
    }

    impl Order {
        fn bytes(self, value: u64, octets: usize) -> Vec<u8> {
            let mut bytes = value.to_le_bytes()[..octets].to_vec();
            if self.big_endian {
                bytes.reverse();
            }
            bytes
        }

        fn words(self, words: &[u32]) -> Vec<u8> {
            words.iter().flat_map(|&word| self.bytes(word.into(), 4)).collect()
        }

        fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
            let length = (body.len().next_multiple_of(4) + 12) as u32;
            let mut block = [self.words(&[kind, length]), body.to_vec()].concat();
            block.resize(length as usize - 4, 0);
            [block, self.words(&[length])].concat()
        }

        fn section(self) -> Vec<u8> {
            self.block(
                SECTION_HEADER,
                &[self.words(&[0x1a2b_3c4d]), self.bytes(1, 2), vec![0; 2], vec![0xff; 8]].concat(),
            )
        }

        fn option(self, code: u64, value: &[u8]) -> Vec<u8> {
            let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
            [self.bytes(code, 2), self.bytes(value.len() as u64, 2), value.to_vec(), padding].concat()
        }

        fn interface(self, link: u64, snaplen: u32, options: &[Vec<u8>]) -> Vec<u8> {
            let head = [self.bytes(link, 2), vec![0; 2], self.words(&[snaplen])].concat();
            self.block(INTERFACE_DESCRIPTION, &[head, options.concat()].concat())
        }

        fn packet(self, interface: u32, units: u64, lengths: (u32, u32), data: &[u8], options: &[u8]) -> Vec<u8> {
            let head = self.words(&[interface, (units >> 32) as u32, units as u32, lengths.0, lengths.1]);
            let padding = vec![0; data.len().next_multiple_of(4) - data.len()];
            self.block(ENHANCED_PACKET, &[head, data.to_vec(), padding, options.to_vec()].concat())
        }
    }

    const LITTLE: Order = Order { big_endian: false };
    const BIG: Order = Order { big_endian: true };

    type Packets = Vec<(Packet, Vec<u8>)>;

    /// All packets with their octets, and how it ended.
    fn read(blocks: &[Vec<u8>]) -> (Packets, Vec<InterfaceDescription>, Result<Step, Fault>) {
        let mut input = Input::new(Box::new(Cursor::new(blocks.concat()))).unwrap();
        let (mut section, mut interfaces, mut packets) = (Section::default(), Vec::new(), Vec::new());
        loop {
            match section.next(&mut input, &mut interfaces) {
                Ok(Step::Packet(packet)) => {
                    let octets = input.buffer()[packet.at..packet.at + packet.captured as usize].to_vec();
                    packets.push((packet, octets));
                }
                end => return (packets, interfaces, end),
            }
        }
    }

    fn what(end: Result<Step, Fault>) -> (u64, String) {
        match end {
            Err(Fault::Damaged { offset, what }) => (offset, what),
            other => panic!("damage expected, {other:?} found"),
        }
    }

    #[test]
    fn a15_a16_resolution_and_offset_in_the_sections_byte_order() {
        for order in [LITTLE, BIG] {
            let options = |resolution, offset_s: i64| {
                [order.option(9, &[resolution]), order.option(14, &order.bytes(offset_s as u64, 8))]
            };
            let (packets, interfaces, _) = read(&[
                order.section(),
                order.interface(1, 0, &options(0x88, 3600)),
                order.interface(1, 0, &options(9, -1)),
                order.packet(0, 384, (2, 2), &[1, 2], &[]),
                order.packet(1, 1_500_000_000, (1, 9), &[3], &[]),
            ]);
            let ps: Vec<i128> = packets.iter().filter_map(|(packet, _)| packet.time).map(CaptureTime::as_ps).collect();
            assert_eq!(ps, [3_601_500_000_000_000, 500_000_000_000]);
            assert_eq!((interfaces[0].resolution, interfaces[1].offset_s), (Resolution::Binary(8), -1));
            assert_eq!((packets[1].1.as_slice(), packets[1].0.length, packets[1].0.interface), (&[3][..], 9, 1));
        }
    }

    #[test]
    fn a18_a_list_of_options_needs_no_end_and_nothing_after_an_end_counts() {
        let name = LITTLE.option(2, b"port a");
        let described = |options: &[Vec<u8>]| {
            let (_, interfaces, end) = read(&[LITTLE.section(), LITTLE.interface(1, 0, options)]);
            assert!(matches!(end, Ok(Step::End)));
            (interfaces[0].name.clone(), interfaces[0].resolution)
        };
        assert_eq!(described(&[name.clone(), LITTLE.option(9, &[9])]), ("port a".to_owned(), Resolution::NANOSECONDS));
        let ended = described(&[name, LITTLE.option(0, &[]), LITTLE.option(9, &[9])]);
        assert_eq!(ended, ("port a".to_owned(), Resolution::MICROSECONDS));
    }

    #[test]
    fn a19_a_section_may_have_another_byte_order_and_its_own_interfaces() {
        let (packets, interfaces, end) = read(&[
            LITTLE.section(),
            LITTLE.interface(1, 0, &[]),
            LITTLE.packet(0, 7, (3, 3), b"one", &[]),
            BIG.section(),
            BIG.interface(101, 0, &[]),
            BIG.packet(0, 8, (3, 3), b"two", &[]),
        ]);
        assert!(matches!(end, Ok(Step::End)));
        let seen: Vec<_> = packets.iter().map(|(packet, octets)| (packet.interface, octets.as_slice())).collect();
        assert_eq!(seen, [(0, &b"one"[..]), (1, b"two")]);
        assert_eq!((interfaces[0].link.0, interfaces[1].link.0), (1, 101));
    }

    #[test]
    fn flags_give_the_direction_and_the_fcs() {
        for order in [LITTLE, BIG] {
            let flags = |flags: u32| [order.option(1, b"a comment"), order.option(2, &order.words(&[flags]))].concat();
            let (packets, ..) = read(&[
                order.section(),
                order.interface(1, 0, &[order.option(13, &[32])]),
                order.packet(0, 0, (5, 5), b"12345", &flags(0b01)),
                order.packet(0, 0, (5, 5), b"12345", &flags(0b10 | 2 << 5)),
            ]);
            let seen: Vec<_> = packets.iter().map(|(packet, _)| (packet.direction, packet.fcs_octets)).collect();
            assert_eq!(seen, [(Direction::Inbound, 4), (Direction::Outbound, 2)]);
        }
    }

    #[test]
    fn older_and_simpler_packets_and_what_is_passed_over() {
        let mut old = BIG.bytes(1, 2);
        old.extend(BIG.bytes(77, 2));
        old.extend(BIG.words(&[0, 9, 2, 3]));
        old.extend(b"ab");
        let (packets, ..) = read(&[
            BIG.section(),
            BIG.block(0x0000_0bad, &[1, 2, 3]),
            BIG.interface(1, 4, &[]),
            BIG.interface(1, 0, &[]),
            BIG.block(OLD_PACKET, &old),
            BIG.block(10, &BIG.words(&[0x544c_534b, 0])),
            BIG.block(SIMPLE_PACKET, &[BIG.words(&[6]), b"cdef".to_vec()].concat()),
            BIG.block(SIMPLE_PACKET, &[BIG.words(&[3]), b"ghi".to_vec()].concat()),
        ]);
        let seen: Vec<_> = packets.iter().map(|(p, octets)| (p.interface, p.length, octets.as_slice())).collect();
        assert_eq!(seen, [(1, 3, &b"ab"[..]), (0, 6, b"cdef"), (0, 3, b"ghi")]);
        assert_eq!(packets[0].0.time, Some(CaptureTime::from_ps(9_000_000)));
        assert_eq!((packets[1].0.time, packets[2].0.time), (None, None));
    }

    #[test]
    fn a_block_that_cannot_be_is_named_with_its_offset() {
        let section = LITTLE.section();
        let mut trailer = LITTLE.block(7, &[]);
        trailer[8] = 16;
        let mut version = section.clone();
        version[12] = 2;
        let mut order = section.clone();
        order[8] = 0;
        for (blocks, offset, words) in [
            (vec![section.clone(), LITTLE.packet(0, 0, (1, 1), b"x", &[])], 28, "does not describe"),
            (vec![section.clone(), LITTLE.block(SIMPLE_PACKET, &[0; 4])], 28, "does not describe"),
            (vec![section.clone(), LITTLE.interface(1, 0, &[]), LITTLE.packet(0, 0, (5, 5), b"x", &[])], 48, "has 4"),
            (vec![section.clone(), LITTLE.block(ENHANCED_PACKET, &[0; 16])], 28, "own header"),
            (vec![section.clone(), trailer], 28, "at its end"),
            (vec![section.clone(), LITTLE.words(&[7, 8, 8])], 28, "block of 8 octets"),
            (vec![section.clone(), LITTLE.words(&[7, MAX_BLOCK_OCTETS + 1, 0])], 28, "block of 16777217"),
            (vec![section.clone(), version], 28, "version 2"),
            (vec![section, order], 28, "byte order"),
        ] {
            let (found, text) = what(read(&blocks).2);
            assert!(found == offset && text.contains(words), "{text:?} at {found}");
        }
    }

    #[test]
    fn the_end_of_the_file_inside_a_block_is_a_cut() {
        let blocks =
            [LITTLE.section(), LITTLE.interface(1, 0, &[]), LITTLE.packet(0, 0, (4, 4), b"abcd", &[])].concat();
        for length in 0..=blocks.len() {
            let (packets, _, end) = read(&[blocks[..length].to_vec()]);
            match end {
                Ok(Step::End) => assert!(matches!(length, 0 | 28 | 48 | 84)),
                Ok(Step::Cut(offset)) => {
                    assert_eq!(offset, [0, 28, 48][usize::from(length > 28) + usize::from(length > 48)])
                }
                other => panic!("{other:?} at {length}"),
            }
            assert_eq!(packets.len(), usize::from(length == 84));
        }
    }
}
