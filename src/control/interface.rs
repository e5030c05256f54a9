//! A sub-interface of a router as its control plane sees it: the frames of one VLAN, or of none, at one port.

use super::plane::{Outgoing, Way};
use crate::id::{PortId, VrfId};
use crate::wire::be16;
use crate::wire::ethernet::{HEADER_OCTETS, Mac};
use crate::wire::vlan::{TAG_OCTETS, Tag, tpid_index};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A sub-interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceSpec {
    /// Its port.
    pub port: PortId,
    /// The tags of its frames, outermost first: none, one or two.
    pub tags: Vec<Tag>,
    /// Where packets that arrive by it are looked up.
    pub vrf: VrfId,
    /// The address of the port.
    pub mac: Mac,
    /// Its IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub v6: Option<Ipv6Addr>,
}

/// The class of control traffic: internetwork control, precedence 6 (RFC 4594 §3.1).
pub const CLASS: u8 = 6;

impl InterfaceSpec {
    /// A frame of it to `to`.
    pub fn frame(&self, to: Mac, ethertype: u16, payload: &[u8]) -> Outgoing {
        let mut octets = Vec::with_capacity(HEADER_OCTETS + self.tags.len() * usize::from(TAG_OCTETS) + payload.len());
        octets.extend(to.0);
        octets.extend(self.mac.0);
        self.tags.iter().for_each(|tag| octets.extend(tag.with_priority(CLASS, false).0.to_be_bytes()));
        octets.extend(ethertype.to_be_bytes());
        octets.extend(payload);
        Outgoing { way: Way::Port { port: self.port, class: CLASS }, octets }
    }

    /// Its own address of the family of `neighbor`, if it has one.
    pub fn own(&self, neighbor: IpAddr) -> Option<IpAddr> {
        match neighbor {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }

    /// What frames of it are known by at its port.
    ///
    /// # Panics
    /// If it has more than two tags.
    pub fn tag_key(&self) -> TagKey {
        let mut vids = [0; 2];
        self.tags.iter().enumerate().for_each(|(place, tag)| vids[place] = tag.vid());
        TagKey { vids, tags: self.tags.len() as u8 }
    }

    /// Whether `address` is its own.
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.own(address) == Some(address)
    }
}

/// How many tags a frame has, and their VLAN identifiers: which sub-interface of a port it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagKey {
    /// Outermost first; that of a priority tag is 0, and so is what there is no tag for.
    vids: [u16; 2],
    tags: u8,
}

/// A frame that arrived, taken apart as far as its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived<'a> {
    /// Who it is for.
    pub to: Mac,
    /// Who sent it.
    pub from: Mac,
    tag_key: TagKey,
    /// What the packet is.
    pub ethertype: u16,
    /// The packet, and the padding behind it.
    pub payload: &'a [u8],
}

impl<'a> Arrived<'a> {
    /// Takes a frame without FCS apart; `None` if it is cut short, or has more than two tags.
    pub fn read(octets: &'a [u8]) -> Option<Self> {
        let (to, from) = (Mac(*octets.first_chunk()?), Mac(*octets.get(6..)?.first_chunk()?));
        let (mut at, mut vids, mut tags) = (12, [0; 2], 0);
        let ethertype = loop {
            let ethertype = be16(octets, at)?;
            if tpid_index(ethertype).is_none() {
                break ethertype;
            }
            *vids.get_mut(usize::from(tags))? = be16(octets, at + 2)? & 0xfff;
            (at, tags) = (at + usize::from(TAG_OCTETS), tags + 1);
        };
        let tag_key = TagKey { vids, tags };
        Some(Arrived { to, from, tag_key, ethertype, payload: octets.get(at + 2..)? })
    }

    /// Which sub-interface of its port it is of.
    pub fn tag_key(&self) -> TagKey {
        self.tag_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ethernet::ARP;
    use proptest::prelude::*;

    fn interface(tags: &[Tag]) -> InterfaceSpec {
        let (port, mac) = (PortId(3), Mac::local(1, 3));
        let (tags, v4) = (tags.to_vec(), Some(Ipv4Addr::new(10, 0, 0, 1)));
        InterfaceSpec { port, tags, vrf: VrfId(0), mac, v4, v6: None }
    }

    #[test]
    fn a_frame_has_the_tags_of_its_interface_with_the_priority_of_control() {
        let qinq = [Tag::new(0x88a8, 0, false, 110), Tag::new(0x8100, 0, false, 20)];
        let outgoing = interface(&qinq).frame(Mac::local(2, 0), ARP, &[1, 2, 3]);
        assert_eq!(outgoing.way, Way::Port { port: PortId(3), class: 6 });
        assert_eq!(outgoing.octets[12..20], [0x88, 0xa8, 0xc0, 110, 0x81, 0, 0xc0, 20]);
        let arrived = Arrived::read(&outgoing.octets).unwrap();
        assert_eq!((arrived.to, arrived.from, arrived.ethertype), (Mac::local(2, 0), Mac::local(1, 3), ARP));
        assert_eq!(arrived.payload, [1, 2, 3]);
        assert_eq!(arrived.tag_key(), interface(&qinq).tag_key());
        let other = [qinq[0], Tag::new(0x8100, 0, false, 21)];
        let none = [Tag::new(0x8100, 0, false, 0); 2];
        for tags in [&qinq[..1], &[], &other, &none[..1], &none] {
            assert_ne!(arrived.tag_key(), interface(tags).tag_key(), "other tags are another sub-interface");
        }
        assert_ne!(interface(&none[..1]).tag_key(), interface(&none).tag_key());
        assert!(interface(&[]).is_own("10.0.0.1".parse().unwrap()) && !interface(&[]).is_own("::1".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(arrived) = Arrived::read(&octets) {
                let header = HEADER_OCTETS + 4 * usize::from(arrived.tag_key().tags);
                prop_assert_eq!(arrived.payload, &octets[header..]);
            }
        }
    }
}
