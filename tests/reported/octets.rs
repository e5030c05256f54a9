//! Frames as octets, put together field by field as the standards draw them; nothing here asks the datapath.

use etherparse::{Ipv4Slice, PacketBuilder};

/// Destination and source of the frames that come in.
pub(crate) const IN: [u8; 12] = [2, 0, 0, 0, 0, 0xee, 2, 0, 0, 0, 0, 0xaa];
/// Destination and source of the frames that leave where a router writes its own.
pub(crate) const OUT: [u8; 12] = [2, 0, 0, 0, 0, 0xbb, 2, 0, 0, 0, 0, 0xee];

/// Octets from hexadecimal digits; blanks do not matter.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    assert!(digits.len().is_multiple_of(2), "half an octet in {text}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A frame: addresses, then what `middle` says in hexadecimal (tags, length/type, labels), then `packet`.
pub(crate) fn frame(macs: [u8; 12], middle: &str, packet: &[u8]) -> Vec<u8> {
    [&macs[..], &hex(middle), packet].concat()
}

/// The same, padded with zeros to 60 octets: 64 on the wire.
pub(crate) fn padded(macs: [u8; 12], middle: &str, packet: &[u8]) -> Vec<u8> {
    let mut whole = frame(macs, middle, packet);
    whole.resize(whole.len().max(60), 0);
    whole
}

/// An IPv4 UDP packet from 10.10.0.1 to 10.20.0.1, made by another library.
pub(crate) fn ipv4(ttl: u8, data: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let builder = PacketBuilder::ipv4([10, 10, 0, 1], [10, 20, 0, 1], ttl).udp(4789, 6081);
    builder.write(&mut packet, data).unwrap();
    packet
}

/// The same with another DSCP and ECN octet.
pub(crate) fn ipv4_of_class(ttl: u8, tos: u8, data: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(ttl, data);
    packet[1] = tos;
    set_checksum(&mut packet);
    packet
}

/// The same, which may be cut into fragments.
pub(crate) fn ipv4_that_may_be_cut(ttl: u8, data: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(ttl, data);
    packet[6] = 0;
    set_checksum(&mut packet);
    packet
}

/// An IPv6 UDP packet from fd10::1 to fd20::1.
pub(crate) fn ipv6(hop_limit: u8, data: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let address = |net: u8| [0xfd, net, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    PacketBuilder::ipv6(address(0x10), address(0x20), hop_limit).udp(4789, 6081).write(&mut packet, data).unwrap();
    packet
}

/// A who-has of 28 octets.
pub(crate) fn arp() -> Vec<u8> {
    hex("0001 0800 06 04 0001 020000000aaa 0a0a0001 000000000000 0a0a0002")
}

/// Writes the header checksum of RFC 791 word by word.
pub(crate) fn set_checksum(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let header_octets = usize::from(packet[0] & 15) * 4;
    let mut sum: u32 = packet[..header_octets].chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    packet[10..12].copy_from_slice(&(!sum as u16).to_be_bytes());
}

/// The packet with `taken` off its TTL, as a router must send it.
pub(crate) fn routed(packet: &[u8], taken: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if packet[0] >> 4 == 4 {
        packet[8] -= taken;
        set_checksum(&mut packet);
    } else {
        packet[7] -= taken;
    }
    packet
}

/// Octets 0, 1, 2 and so on.
pub(crate) fn ramp(octets: usize) -> Vec<u8> {
    (0..octets).map(|place| place as u8).collect()
}

/// Another library's opinion of an IPv4 packet: it reads, and its header checksum is right.
pub(crate) fn assert_sound_ipv4(packet: &[u8]) {
    let slice = Ipv4Slice::from_slice(packet).unwrap();
    let header = slice.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
}
