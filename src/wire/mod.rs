//! Header formats: checked readers and emitters per protocol; nothing here panics for any octets.

pub mod arp;
pub mod bfd;
pub mod checksum;
pub mod ethernet;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod mpls;
pub mod ndp;
pub mod udp;
pub mod vlan;

/// The big-endian 16-bit number at `at`, if the octets reach that far.
#[inline(always)]
pub fn be16(octets: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*octets.get(at..)?.first_chunk()?))
}

/// The big-endian 32-bit number at `at`, if the octets reach that far.
#[inline(always)]
pub fn be32(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*octets.get(at..)?.first_chunk()?))
}
