//! IP forwarding: RFC 791, 1812 and 8200 as far as a router without options processing obeys them.

use super::l2;
use super::octets::{self, IPV4, IPV6, be16};
use super::{Job, Punt, Sent, Stop, Target};

/// What the arrival changes in the header before the lookup.
#[derive(Clone, Copy, Default)]
pub struct Change {
    /// A new DSCP.
    pub dscp: Option<u8>,
    /// A uniform label's TTL.
    pub ttl: Option<u8>,
    /// A uniform label's TC: the DSCP becomes that class selector if its precedence differs.
    pub tc: Option<u8>,
}

/// The family that the first nibble shows.
pub fn family(packet: &[u8]) -> Option<u16> {
    match packet.first()? >> 4 {
        4 => Some(IPV4),
        6 => Some(IPV6),
        _ => None,
    }
}

/// Forwards the packet that begins the octets (padding may follow) in a VRF.
pub fn forward(job: &mut Job<'_>, vrf: usize, family: u16, mut packet: Vec<u8>, change: Change) -> Result<Sent, Stop> {
    let total = total_length(family, &packet)?;
    if let Some(dscp) = change.dscp {
        set_dscp(family, &mut packet, dscp);
    }
    if let Some(tc) = change.tc
        && tc != precedence(family, &packet)
    {
        set_dscp(family, &mut packet, tc << 3);
    }
    if let Some(ttl) = change.ttl {
        packet[ttl_at(family)] = ttl;
    }
    job.class.get_or_insert(precedence(family, &packet));
    let via = match lookup(job, vrf, destination(family, &packet))? {
        Target::Local => return Err(Stop::Punt(Punt::Local)),
        Target::Discard(reason) => return Err(Stop::Drop(reason)),
        Target::Via(via) => via,
    };
    if job.expired {
        return Err(Stop::Punt(Punt::MplsTtlExpired));
    }
    let ttl = packet[ttl_at(family)];
    if ttl <= 1 {
        return Err(Stop::Punt(Punt::TtlExpired));
    }
    packet[ttl_at(family)] = ttl - 1;
    if family == IPV4 {
        let header = 4 * usize::from(packet[0] & 0x0f);
        packet[10..12].fill(0);
        let checksum = octets::internet_checksum(&packet[..header]);
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
    l2::leave_as_ip(job, l2::next_hop(job, &via), family, total, ttl - 1, packet)
}

/// The packet's length by its own header, if header and length are sound and the IPv4 checksum is right.
pub fn total_length(family: u16, packet: &[u8]) -> Result<usize, Stop> {
    if family == IPV6 {
        if packet.len() < 40 || packet[0] >> 4 != 6 || 40 + usize::from(be16(packet, 4)) > packet.len() {
            return Err(Stop::Drop("ipv6_header"));
        }
        return Ok(40 + usize::from(be16(packet, 4)));
    }
    if packet.len() < 20 || packet[0] >> 4 != 4 {
        return Err(Stop::Drop("ipv4_header"));
    }
    let header = 4 * usize::from(packet[0] & 0x0f);
    let total = usize::from(be16(packet, 2));
    if header < 20 || total < header || total > packet.len() {
        return Err(Stop::Drop("ipv4_header"));
    }
    if octets::internet_checksum(&packet[..header]) != 0 {
        return Err(Stop::Drop("ipv4_checksum"));
    }
    Ok(total)
}

/// A uniform pop to a next hop: TTL and class written into a sound header, the checksum moved along with them
/// (RFC 1624), which must give what a recomputation gives.
pub fn write_through(family: u16, packet: &mut [u8], ttl: u8, tc: u8) {
    let before = packet.to_vec();
    packet[ttl_at(family)] = ttl;
    if tc != precedence(family, packet) {
        set_dscp(family, packet, tc << 3);
    }
    if family == IPV6 {
        return;
    }
    let mut checksum = be16(packet, 10);
    for at in [0, 8] {
        checksum = octets::checksum_after(checksum, be16(&before, at), be16(packet, at));
    }
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    let mut header = packet[..4 * usize::from(packet[0] & 0x0f)].to_vec();
    header[10..12].fill(0);
    assert_eq!(checksum, octets::internet_checksum(&header));
}

pub fn ttl_at(family: u16) -> usize {
    if family == IPV4 { 8 } else { 7 }
}

fn destination(family: u16, packet: &[u8]) -> &[u8] {
    if family == IPV4 { &packet[16..20] } else { &packet[24..40] }
}

/// The upper three bits of the DSCP.
pub fn precedence(family: u16, packet: &[u8]) -> u8 {
    if family == IPV4 { packet[1] >> 5 } else { packet[0] << 4 >> 5 }
}

/// Writes the DSCP and leaves the ECN bits.
fn set_dscp(family: u16, packet: &mut [u8], dscp: u8) {
    if family == IPV4 {
        packet[1] = dscp << 2 | packet[1] & 3;
    } else {
        let class = dscp << 2 | packet[1] >> 4 & 3;
        packet[0] = 0x60 | class >> 4;
        packet[1] = class << 4 | packet[1] & 0x0f;
    }
}

/// Destinations that no router forwards (RFC 1812 section 5.3.7, RFC 4291 section 2), unless a longer route says so.
const MARTIANS: [(&[u8], u32, &str); 9] = [
    (&[224, 0, 0, 0], 4, "multicast"),
    (&[255, 255, 255, 255], 32, "broadcast"),
    (&[127, 0, 0, 0], 8, "loopback"),
    (&[169, 254, 0, 0], 16, "link_local"),
    (&[0, 0, 0, 0], 8, "unspecified"),
    (&[0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
    (&[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 10, "link_local"),
    (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    (&[0; 16], 128, "unspecified"),
];

/// The longest match by trying all; of equal lengths the configured one.
fn lookup(job: &Job<'_>, vrf: usize, address: &[u8]) -> Result<Target, Stop> {
    let mut best: Option<(u32, Target)> = None;
    for route in &job.router.vrfs[vrf] {
        if covers(&route.prefix, route.length, address)
            && best.as_ref().is_none_or(|(length, _)| route.length >= *length)
        {
            best = Some((route.length, route.target.clone()));
        }
    }
    for (prefix, length, reason) in MARTIANS {
        if covers(prefix, length, address) && best.as_ref().is_none_or(|(longest, _)| length > *longest) {
            best = Some((length, Target::Discard(reason)));
        }
    }
    best.map(|(_, target)| target).ok_or(Stop::Drop("no_route"))
}

/// Whether the first `length` bits are equal.
fn covers(prefix: &[u8], length: u32, address: &[u8]) -> bool {
    let bit = |octets: &[u8], at: u32| octets[at as usize / 8] >> (7 - at % 8) & 1;
    prefix.len() == address.len() && (0..length).all(|at| bit(prefix, at) == bit(address, at))
}
