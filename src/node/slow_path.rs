//! The router's slow path: what becomes of punted frames. Pure: it is given a frame and returns frames.

use super::forward::{Entry, PuntReason};
use super::nat::Nat;
use crate::frame::{DropReason, Frame, Kind, Octets, Templates};
use crate::id::VrfId;
use crate::table::Translation;
use crate::wire::ethernet::{self, FCS_OCTETS, HEADER_OCTETS};
use crate::wire::icmp::{self, Complaint};
use crate::wire::ipv4;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The addresses that a router's ICMP errors come from in one VRF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouterAddresses {
    /// IPv4; without it no ICMP error is sent.
    pub v4: Option<Ipv4Addr>,
    /// IPv6; without it no ICMPv6 error is sent.
    pub v6: Option<Ipv6Addr>,
}

/// What became of a punted frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Taken: it was for the router, or was cut into fragments.
    Consumed,
    /// Dropped, for this reason.
    Dropped(DropReason),
    /// Goes on with other addresses: the frame that was made is the same one.
    Translated,
}

/// The smallest MTU that IPv4 fragments are made for (RFC 791 §3.2: every link takes 68 octets).
const MIN_MTU_V4: u16 = 68;

/// Decides on a punted frame. Frames that it makes (fragments, ICMP errors, the frame itself with other addresses) are
/// appended to `made`; they enter the datapath of the same router again, one after another.
pub fn resolve(
    reason: PuntReason,
    vrf: VrfId,
    frame: &Frame,
    templates: &Templates,
    addresses: RouterAddresses,
    nat: &mut Nat,
    made: &mut Vec<(Entry, Frame)>,
) -> Fate {
    match reason {
        PuntReason::Translate(translation) => match translate(translation, frame, templates, nat) {
            Ok(translated) => {
                made.push(translated);
                Fate::Translated
            }
            Err(reason) => Fate::Dropped(reason),
        },
        PuntReason::Local => Fate::Consumed,
        PuntReason::TtlExpired => {
            complain(Complaint::TimeExceeded, vrf, frame, templates, addresses, made);
            Fate::Dropped(DropReason::TtlExpired)
        }
        PuntReason::MplsTtlExpired => Fate::Dropped(DropReason::MplsTtlExpired),
        PuntReason::MtuExceeded { mtu } => {
            let octets = frame.octets(templates).payload();
            let may_cut = frame.header.meta.kind() == Kind::Ipv4 && octets[ipv4::FRAGMENT] & 0x40 == 0;
            if may_cut && mtu >= MIN_MTU_V4 && fragment(vrf, frame, octets, mtu, made) {
                return Fate::Consumed;
            }
            if frame.header.meta.labels() == 0 {
                complain(Complaint::TooBig { mtu }, vrf, frame, templates, addresses, made);
            }
            Fate::Dropped(DropReason::MtuExceeded)
        }
    }
}

/// The frame with other addresses, untagged, and where it goes on.
fn translate(
    translation: Translation,
    frame: &Frame,
    templates: &Templates,
    nat: &mut Nat,
) -> Result<(Entry, Frame), DropReason> {
    if frame.header.meta.kind() != Kind::Ipv4 {
        return Err(DropReason::NatPacket);
    }
    let tags = 4 * usize::from(frame.header.meta.tags());
    let mut octets = Vec::new();
    frame.emit(templates, &mut octets);
    octets.drain(12..12 + tags);
    let packet = octets.get_mut(HEADER_OCTETS..).unwrap_or_default();
    let (pool, is_outward) = match translation {
        Translation::Outward(pool) => (pool, nat.outward(frame.at, pool, packet).map(|()| true)?),
        Translation::Inward(pool) => (pool, nat.inward(frame.at, packet).map(|()| false)?),
    };
    let (outside, inside) = nat.vrfs(pool).ok_or(DropReason::NatBinding)?;
    let parsed = Frame::parse(&octets, octets.len() as u32, None).ok_or(DropReason::TooLong)?;
    let vrf = if is_outward { outside } else { inside };
    Ok((Entry::Local(vrf), Frame { at: frame.at, id: frame.id, ..parsed.frame }))
}

/// An ICMP error to the source of `frame`, if the standards allow one.
fn complain(
    complaint: Complaint,
    vrf: VrfId,
    frame: &Frame,
    templates: &Templates,
    addresses: RouterAddresses,
    made: &mut Vec<(Entry, Frame)>,
) {
    let octets = frame.octets(templates).payload();
    let error = match frame.header.meta.kind() {
        Kind::Ipv4 => {
            addresses.v4.and_then(|from| icmp::error_v4(complaint, from, octets)).map(|e| (e, ethernet::IPV4))
        }
        Kind::Ipv6 => {
            addresses.v6.and_then(|from| icmp::error_v6(complaint, from, octets)).map(|e| (e, ethernet::IPV6))
        }
        _ => None,
    };
    let Some((packet, ethertype)) = error else { return };
    let mut whole = vec![0; 12];
    whole.extend(ethertype.to_be_bytes());
    whole.extend(packet);
    if let Some(parsed) = Frame::parse(&whole, whole.len() as u32, None) {
        made.push((Entry::Local(vrf), Frame { id: frame.id, ..parsed.frame }));
    }
}

/// Cuts an IPv4 packet into fragments of `mtu` octets at the most (RFC 791 §3.2), each with the tags and labels of the
/// whole (RFC 3032 §3.4). Whether it could be cut.
fn fragment(vrf: VrfId, frame: &Frame, octets: &[u8], mtu: u16, made: &mut Vec<(Entry, Frame)>) -> bool {
    let header_octets = ipv4::header_octets(octets);
    let Some(total) = ipv4::total_length(octets).map(usize::from) else { return false };
    let Some((header, _)) = octets.split_at_checked(header_octets) else { return false };
    let later_header = header_of_later_fragments(header);
    // What a snap length cut off is zero padding.
    let data_at = |at: usize| octets.get(header_octets + at).copied().unwrap_or(0);
    let data_octets = total.saturating_sub(header_octets);
    let word = u16::from_be_bytes([header[ipv4::FRAGMENT], header[ipv4::FRAGMENT + 1]]);
    let (base, more_beyond) = (word & 0x1fff, word & ipv4::MORE_FRAGMENTS);
    let mut at = 0;
    while at < data_octets {
        let head = if at == 0 { header } else { &later_header };
        let room = (usize::from(mtu).saturating_sub(head.len())) / 8 * 8;
        if room == 0 {
            return false;
        }
        let take = room.min(data_octets - at);
        let more = if at + take < data_octets { ipv4::MORE_FRAGMENTS } else { more_beyond };
        let mut packet = Vec::with_capacity(head.len() + take);
        packet.extend_from_slice(head);
        packet.extend((at..at + take).map(data_at));
        let length = packet.len() as u16;
        packet[ipv4::TOTAL_LENGTH..ipv4::TOTAL_LENGTH + 2].copy_from_slice(&length.to_be_bytes());
        let offset = more | (base + (at / 8) as u16) & 0x1fff;
        packet[ipv4::FRAGMENT..ipv4::FRAGMENT + 2].copy_from_slice(&offset.to_be_bytes());
        ipv4::fill_checksum(&mut packet);
        made.push((Entry::Local(vrf), with_packet(frame, packet)));
        at += take;
    }
    data_octets > 0
}

/// Options without the copied flag are in the first fragment only (RFC 791 §3.1).
fn header_of_later_fragments(header: &[u8]) -> Vec<u8> {
    let mut out = header[..ipv4::HEADER_OCTETS].to_vec();
    let mut options = &header[ipv4::HEADER_OCTETS..];
    while let Some(&kind) = options.first() {
        let octets = match kind {
            0 => break,
            1 => 1,
            _ => usize::from(options.get(1).copied().unwrap_or(0)).max(2),
        };
        let Some((option, rest)) = options.split_at_checked(octets) else { break };
        if kind & 0x80 != 0 {
            out.extend_from_slice(option);
        }
        options = rest;
    }
    out.resize(out.len().next_multiple_of(4), 0);
    out[0] = 0x40 | (out.len() / 4) as u8;
    out
}

/// A frame like `frame`, with its tags and labels, around `packet`.
fn with_packet(frame: &Frame, packet: Vec<u8>) -> Frame {
    let meta = frame.header.meta;
    let above = HEADER_OCTETS as u16 + 4 * u16::from(meta.tags() + meta.labels());
    let mut header = frame.header;
    header.meta = meta.with_len(above + packet.len() as u16 + FCS_OCTETS);
    let macs = frame.body.as_ref().map_or([0; 12], |body| body.macs);
    let body = Octets::new(packet, macs, ethernet::IPV4, Kind::Ipv4);
    Frame { at: frame.at, body: Some(Box::new(body)), id: frame.id, header }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    fn frame_of(packet: &[u8]) -> Frame {
        let mut octets = vec![2; 12];
        octets.extend([0x08, 0x00]);
        octets.extend(packet);
        Frame::parse(&octets, octets.len() as u32, None).unwrap().frame
    }

    fn udp(payload: &[u8], dont_fragment: bool) -> Vec<u8> {
        let mut packet = Vec::new();
        PacketBuilder::ipv4([10, 10, 0, 1], [10, 20, 0, 1], 9).udp(5, 53).write(&mut packet, payload).unwrap();
        packet[6] = if dont_fragment { 0x40 } else { 0 };
        ipv4::fill_checksum(&mut packet);
        packet
    }

    const ADDRESSES: RouterAddresses = RouterAddresses { v4: Some(Ipv4Addr::new(192, 0, 2, 1)), v6: None };

    proptest! {
        #[test]
        fn fragments_come_together_to_the_packet(payload in proptest::collection::vec(any::<u8>(), 1000..3000),
                mtu in 68u16..1000) {
            let packet = udp(&payload, false);
            let mut made = Vec::new();
            let reason = PuntReason::MtuExceeded { mtu };
            let frame = frame_of(&packet);
            let fate = resolve(reason, VrfId(0), &frame, &Templates::new(), ADDRESSES, &mut Nat::default(), &mut made);
            prop_assert_eq!(fate, Fate::Consumed);
            let mut data = vec![0; packet.len() - 20];
            for (place, (_, fragment)) in made.iter().enumerate() {
                let mut octets = Vec::new();
                fragment.emit(&Templates::new(), &mut octets);
                let ip = &octets[14..];
                prop_assert!(ip.len() <= usize::from(mtu));
                prop_assert_eq!(ipv4::check(ip, ip.len()), Ok(()));
                let word = u16::from_be_bytes([ip[6], ip[7]]);
                prop_assert_eq!(word & ipv4::MORE_FRAGMENTS != 0, place + 1 < made.len());
                let at = usize::from(word & 0x1fff) * 8;
                data[at..at + ip.len() - 20].copy_from_slice(&ip[20..]);
            }
            prop_assert_eq!(&data[..], &packet[20..]);
        }
    }

    /// Fault C11: too long and not to be fragmented is told to the source, with the MTU less the labels.
    #[test]
    fn c11_dont_fragment_is_answered_with_the_mtu() {
        let frame = frame_of(&udp(&[0; 1470], true));
        let mut made = Vec::new();
        let reason = PuntReason::MtuExceeded { mtu: 1492 };
        let fate = resolve(reason, VrfId(3), &frame, &Templates::new(), ADDRESSES, &mut Nat::default(), &mut made);
        assert_eq!(fate, Fate::Dropped(DropReason::MtuExceeded));
        let [(Entry::Local(VrfId(3)), error)] = &made[..] else { panic!("{made:?}") };
        let ip = error.body.as_ref().unwrap().payload();
        assert_eq!((ip[20], ip[21], u16::from_be_bytes([ip[26], ip[27]])), (3, 4, 1492));
        assert_eq!(ip[16..20], [10, 10, 0, 1]);
    }

    #[test]
    fn options_are_copied_as_their_flag_says() {
        let mut header = vec![0; 32];
        header[20..23].copy_from_slice(&[7, 3, 0]); // record route: first fragment only
        header[23..27].copy_from_slice(&[0x94, 4, 0, 0]); // router alert: in all
        let later = header_of_later_fragments(&header);
        assert_eq!(later[20..], [0x94, 4, 0, 0]);
        assert_eq!(later[0], 0x46);
    }
}
