//! ARP over Ethernet for IPv4 (RFC 826): requests and replies.

use super::be16;
use super::ethernet::Mac;
use std::net::Ipv4Addr;

/// Octets of a packet: what follows is Ethernet's padding.
pub const OCTETS: usize = 28;
/// Hardware type Ethernet, protocol type IPv4, lengths of their addresses.
const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// What a packet asks or says (RFC 826 `ar$op`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Who has the target's address?
    Request,
    /// The sender has its own.
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Request or reply.
    pub operation: Operation,
    /// Hardware address of who sent it.
    pub sender_mac: Mac,
    /// Address of who sent it; 0.0.0.0 in a probe (RFC 5227 §2.1.1).
    pub sender: Ipv4Addr,
    /// Hardware address of whom it is for; without meaning in a request.
    pub target_mac: Mac,
    /// Address of whom it is for.
    pub target: Ipv4Addr,
}

impl Arp {
    /// The packet that `octets`, beneath the ethertype, begin with; `None` if it is cut, of other types or another operation.
    pub fn read(octets: &[u8]) -> Option<Arp> {
        let packet = octets.first_chunk::<OCTETS>()?;
        let operation = match be16(packet, 6)? {
            1 => Operation::Request,
            2 => Operation::Reply,
            _ => return None,
        };
        let mac = |at: usize| Some(Mac(*packet.get(at..)?.first_chunk()?));
        let address = |at: usize| Some(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?));
        let of =
            Arp { operation, sender_mac: mac(8)?, sender: address(14)?, target_mac: mac(18)?, target: address(24)? };
        (packet[..6] == ETHERNET_IPV4).then_some(of)
    }

    /// The octets beneath the ethertype.
    pub fn emit(&self) -> Vec<u8> {
        let operation: u16 = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        let mut out = Vec::with_capacity(OCTETS);
        out.extend(ETHERNET_IPV4);
        out.extend(operation.to_be_bytes());
        out.extend(self.sender_mac.0);
        out.extend(self.sender.octets());
        out.extend(self.target_mac.0);
        out.extend(self.target.octets());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::ArpPacketSlice;
    use proptest::prelude::*;

    const REQUEST: [u8; 28] =
        [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 168, 100, 129, 0, 0, 0, 0, 0, 0, 192, 168, 100, 130];

    fn request() -> Arp {
        Arp {
            operation: Operation::Request,
            sender_mac: Mac([2, 0, 0, 0, 0, 1]),
            sender: Ipv4Addr::new(192, 168, 100, 129),
            target_mac: Mac::default(),
            target: Ipv4Addr::new(192, 168, 100, 130),
        }
    }

    #[test]
    fn literal_octets_are_read_and_written() {
        assert_eq!(request().emit(), REQUEST);
        let padded = [&REQUEST[..], &[0; 18]].concat();
        assert_eq!(Arp::read(&padded), Some(request()));
        assert_eq!(Arp::read(&REQUEST[..27]), None, "cut");
        for (at, value) in [(1, 6), (2, 0x86), (4, 8), (5, 16), (7, 3), (7, 0), (6, 1)] {
            let mut other = REQUEST;
            other[at] = value;
            assert_eq!(Arp::read(&other), None, "octet {at} = {value}");
        }
    }

    #[test]
    fn another_codec_reads_a_reply() {
        let reply = Arp { operation: Operation::Reply, target_mac: Mac([4; 6]), ..request() }.emit();
        let read = ArpPacketSlice::from_slice(&reply).unwrap();
        assert_eq!(read.operation(), etherparse::ArpOperation::REPLY);
        assert_eq!((read.sender_hw_addr(), read.target_hw_addr()), (&[2, 0, 0, 0, 0, 1][..], &[4; 6][..]));
        assert_eq!(
            (read.sender_protocol_addr(), read.target_protocol_addr()),
            (&[192, 168, 100, 129][..], &[192, 168, 100, 130][..])
        );
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_again(mut octets in proptest::collection::vec(any::<u8>(), 0..40), head: bool) {
            if head && octets.len() >= 8 {
                octets[..6].copy_from_slice(&ETHERNET_IPV4);
                octets[6] = 0;
                octets[7] &= 3;
            }
            if let Some(arp) = Arp::read(&octets) {
                prop_assert_eq!(arp.emit(), &octets[..OCTETS]);
            }
        }
    }
}
