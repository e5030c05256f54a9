//! Reads a pcapng file of one little-endian section, block by block; nothing else, and nothing of the library's.

use std::path::Path;

/// A file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct File {
    /// The interfaces.
    pub(crate) interfaces: Vec<Interface>,
    /// The packets, in order of the file.
    pub(crate) packets: Vec<Packet>,
}

/// An interface and its statistics.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Interface {
    /// Its name.
    pub(crate) name: String,
    /// Ticks of its stamps in a second.
    pub(crate) ticks: u64,
    /// Its speed in bits per second.
    pub(crate) speed: u64,
    /// Packets received, as its statistics say.
    pub(crate) received: Option<u64>,
    /// Packets dropped, as its statistics say.
    pub(crate) dropped: Option<u64>,
}

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Its interface.
    pub(crate) interface: usize,
    /// Its stamp, in ticks.
    pub(crate) ticks: u64,
    /// Its octets.
    pub(crate) octets: Vec<u8>,
    /// Its length on the wire.
    pub(crate) length: u32,
    /// 1 inbound, 2 outbound.
    pub(crate) direction: u32,
    /// Its comment.
    pub(crate) comment: Option<String>,
}

impl File {
    /// Reads a file.
    #[track_caller]
    pub(crate) fn read(path: &Path) -> File {
        let octets = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut file = File::default();
        let mut rest = &octets[..];
        while !rest.is_empty() {
            let (kind, length) = (u32_at(rest, 0), u32_at(rest, 4) as usize);
            assert_eq!(u32_at(rest, length - 4) as usize, length, "both lengths of a block");
            file.block(kind, &rest[8..length - 4]);
            rest = &rest[length..];
        }
        file
    }

    /// The number of the interface with this name.
    #[track_caller]
    pub(crate) fn interface(&self, name: &str) -> usize {
        let place = self.interfaces.iter().position(|interface| interface.name == name);
        place.unwrap_or_else(|| panic!("no interface {name} in {:?}", self.interfaces))
    }

    /// The packets that left by an interface.
    #[track_caller]
    pub(crate) fn sent(&self, name: &str) -> Vec<&Packet> {
        let number = self.interface(name);
        self.packets.iter().filter(|packet| packet.interface == number && packet.comment.is_none()).collect()
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        match kind {
            0x0a0d_0d0a => assert_eq!(u32_at(body, 0), 0x1a2b_3c4d, "little endian"),
            1 => {
                let mut interface = Interface { ticks: 1_000_000, ..Interface::default() };
                for (code, value) in options(&body[8..]) {
                    match code {
                        2 => interface.name = text(value),
                        8 => interface.speed = u64::from_le_bytes(value.try_into().unwrap()),
                        9 => interface.ticks = 10u64.pow(value[0].into()),
                        _ => {}
                    }
                }
                self.interfaces.push(interface);
            }
            5 => {
                let interface = &mut self.interfaces[u32_at(body, 0) as usize];
                for (code, value) in options(&body[12..]) {
                    match code {
                        4 => interface.received = Some(u64::from_le_bytes(value.try_into().unwrap())),
                        5 => interface.dropped = Some(u64::from_le_bytes(value.try_into().unwrap())),
                        _ => {}
                    }
                }
            }
            6 => {
                let captured = u32_at(body, 12) as usize;
                let mut packet = Packet {
                    interface: u32_at(body, 0) as usize,
                    ticks: u64::from(u32_at(body, 4)) << 32 | u64::from(u32_at(body, 8)),
                    octets: body[20..20 + captured].to_vec(),
                    length: u32_at(body, 16),
                    direction: 0,
                    comment: None,
                };
                for (code, value) in options(&body[20 + captured.next_multiple_of(4)..]) {
                    match code {
                        1 => packet.comment = Some(text(value)),
                        2 => packet.direction = u32_at(value, 0) & 3,
                        _ => {}
                    }
                }
                self.packets.push(packet);
            }
            _ => panic!("a block of kind {kind:#x}"),
        }
    }
}

fn options(mut rest: &[u8]) -> Vec<(u16, &[u8])> {
    let mut all = Vec::new();
    while rest.len() >= 4 {
        let code = u16::from_le_bytes([rest[0], rest[1]]);
        let length = usize::from(u16::from_le_bytes([rest[2], rest[3]]));
        if code == 0 {
            break;
        }
        all.push((code, &rest[4..4 + length]));
        rest = &rest[4 + length.next_multiple_of(4)..];
    }
    all
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets[at..at + 4].try_into().unwrap())
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}
