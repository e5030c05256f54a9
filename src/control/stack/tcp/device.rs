//! The wire that a connection's smoltcp interface sees: one packet in, a queue of packets out.

use super::TRANSMIT_PACKETS;
use crate::wire::{be16, be32, checksum, ipv4, ipv6};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Type of service or traffic class of control packets: DSCP CS6 (RFC 4594 §3.2).
const CS6: u8 = 48 << 2;
/// The control bits of TCP that matter here (RFC 9293 §3.1).
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

pub(super) struct Wire {
    pub(super) arrived: Option<Vec<u8>>,
    pub(super) packets: VecDeque<Vec<u8>>,
    /// Whether what arrived last was a reset.
    pub(super) is_reset: bool,
    /// What this end has said last.
    said: Said,
    mtu: u16,
    hop_limit: u8,
}

/// The numbers of what was sent on the connection.
#[derive(Clone, Copy, Default)]
struct Said {
    /// SND.NXT: after the last octet that ever was sent.
    next: u32,
    /// The last acknowledgement number.
    acknowledged: u32,
}

impl Wire {
    pub(super) fn new(mtu: u16, hop_limit: u8) -> Self {
        Wire { arrived: None, packets: VecDeque::new(), is_reset: false, said: Said::default(), mtu, hop_limit }
    }

    /// What smoltcp is to see in place of `packet`, if that is a SYN within the connection. RFC 9293 §3.10.7.4 wants a
    /// challenge (RFC 5961 §4.2), smoltcp says nothing; to an acknowledgement from before the window it answers as it should
    /// to the SYN: with what it expects, once a second at most.
    pub(super) fn challenge(&self, packet: &[u8], from: IpAddr, to: IpAddr) -> Option<Vec<u8>> {
        let at = header_octets(packet);
        // RFC 5961 §4.2: whatever else it says, but for a reset.
        if packet.get(at + 13)? & (SYN | RST) != SYN {
            return None;
        }
        let mut old = packet.get(..at + 20)?.to_vec();
        if old[0] >> 4 == 4 {
            old[2..4].copy_from_slice(&((at + 20) as u16).to_be_bytes());
            ipv4::fill_checksum(&mut old);
        } else {
            old[4..6].copy_from_slice(&20u16.to_be_bytes());
        }
        let tcp = &mut old[at..];
        tcp[4..8].copy_from_slice(&self.said.acknowledged.wrapping_sub(1).to_be_bytes());
        tcp[8..12].copy_from_slice(&self.said.next.to_be_bytes());
        tcp[12..14].copy_from_slice(&[5 << 4, ACK]);
        tcp[16..20].fill(0);
        let sum = checksum::checksum(&old[at..], checksum::pseudo(from, to, ipv4::TCP, 20));
        old[at + 16..at + 18].copy_from_slice(&sum.to_be_bytes());
        Some(old)
    }
}

impl Device for Wire {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Departing<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived, Departing<'_>)> {
        let packet = self.arrived.take()?;
        self.is_reset = is_reset(&packet);
        Some((
            Arrived(packet),
            Departing { packets: &mut self.packets, said: &mut self.said, hop_limit: self.hop_limit },
        ))
    }

    fn transmit(&mut self, _: Instant) -> Option<Departing<'_>> {
        let has_room = self.packets.len() < TRANSMIT_PACKETS;
        has_room.then_some(Departing { packets: &mut self.packets, said: &mut self.said, hop_limit: self.hop_limit })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu.into();
        capabilities
    }
}

pub(super) struct Arrived(Vec<u8>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

pub(super) struct Departing<'a> {
    packets: &'a mut VecDeque<Vec<u8>>,
    said: &'a mut Said,
    hop_limit: u8,
}

impl TxToken for Departing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, octets: usize, write: F) -> R {
        let mut packet = vec![0; octets];
        let result = write(&mut packet);
        // smoltcp knows no DSCP, and its resets leave with its own hop limit.
        match packet.first().map(|first| first >> 4) {
            Some(4) => ipv4::patch(&mut packet, self.hop_limit, CS6),
            _ => ipv6::patch(&mut packet, self.hop_limit, CS6),
        }
        self.said.note(&mut packet);
        self.packets.push_back(packet);
        result
    }
}

impl Said {
    /// Remembers what `packet` says. An acknowledgement without octets gets SND.NXT as its number, as RFC 9293 §3.10.7.4
    /// wants it: smoltcp gives it the number that it retransmits from, and two ends that retransmit at the same time would
    /// find each other's acknowledgements out of their windows for ever.
    fn note(&mut self, packet: &mut [u8]) {
        let at = header_octets(packet);
        let (Some(seq), Some(acknowledged)) = (be32(packet, at + 4), be32(packet, at + 8)) else { return };
        let (Some(&offset), Some(&flags)) = (packet.get(at + 12), packet.get(at + 13)) else { return };
        if flags & RST != 0 {
            return;
        }
        self.acknowledged = acknowledged;
        if flags & SYN != 0 {
            self.next = seq.wrapping_add(1);
            return;
        }
        let octets = packet.len().saturating_sub(at + usize::from(offset >> 4) * 4) as u32;
        // A single octet may be a window probe, which the window has no room for: it does not count.
        let counted = if octets == 1 { 0 } else { octets };
        let end = seq.wrapping_add(counted + u32::from(flags & FIN != 0));
        // RFC 1982: later by less than half the range.
        if (end.wrapping_sub(self.next) as i32) >= 0 {
            self.next = end;
        } else if octets == 0 && flags & FIN == 0 {
            let Some(tcp) = packet.get_mut(at..).filter(|tcp| tcp.len() >= 20) else { return };
            let mut sum = u16::from_be_bytes([tcp[16], tcp[17]]);
            for (word, new) in [(4, (self.next >> 16) as u16), (6, self.next as u16)] {
                sum = checksum::updated(sum, u16::from_be_bytes([tcp[word], tcp[word + 1]]), new);
                tcp[word..word + 2].copy_from_slice(&new.to_be_bytes());
            }
            tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// Source and destination port of an IP packet with TCP in it.
pub(super) fn ports(packet: &[u8]) -> Option<(u16, u16)> {
    let at = header_octets(packet);
    Some((be16(packet, at)?, be16(packet, at + 2)?))
}

/// Whether an IP packet with TCP in it asks for a connection.
pub(super) fn is_first(packet: &[u8]) -> bool {
    packet.get(header_octets(packet) + 13).is_some_and(|flags| flags & (SYN | ACK | RST) == SYN)
}

/// Whether an IP packet with TCP in it has the reset bit.
fn is_reset(packet: &[u8]) -> bool {
    packet.get(header_octets(packet) + 13).is_some_and(|flags| flags & RST != 0)
}

fn header_octets(packet: &[u8]) -> usize {
    match packet.first().map(|first| first >> 4) {
        Some(4) => ipv4::header_octets(packet),
        _ => ipv6::HEADER_OCTETS,
    }
}
