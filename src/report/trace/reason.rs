//! Why frames are dropped, in words, with the section of the standard that says so.

use crate::frame::DropReason;

/// A reason in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The words: what is wrong with the frame or what was in its way.
    pub words: &'static str,
    /// The section of the standard that says so; `None` where it is the emulator's or the scenario's affair.
    pub standard: Option<&'static str>,
}

/// `reason` in words.
pub const fn reason(reason: DropReason) -> Reason {
    let (words, standard) = match reason {
        DropReason::Runt => ("it is shorter than an Ethernet header", "IEEE 802.3 §3.1.1"),
        DropReason::BadFcs => ("its frame check sequence is wrong", "IEEE 802.3 §3.4"),
        DropReason::VidReserved => ("VLAN identifier 4095 is reserved", "IEEE 802.1Q table 9-2"),
        DropReason::VlanNotMember => ("the port has no sub-interface for its VLAN", "IEEE 802.1Q §8.6.2"),
        DropReason::UntaggedNotAccepted => ("the port does not take untagged frames", "IEEE 802.1Q §6.9"),
        DropReason::TaggedNotAccepted => ("the port does not take tagged frames", "IEEE 802.1Q §6.9"),
        DropReason::UnknownTpid => ("it has a tag whose TPID the port does not recognise", "IEEE 802.1Q §9.4"),
        DropReason::ReservedMac => ("bridges keep its destination address to themselves", "IEEE 802.1Q §8.6.3"),
        DropReason::Arp => ("ARP stays on its link, a routed path does not carry it", "RFC 1812 §3.3.2"),
        DropReason::Llc => ("an LLC frame is not IP, and the path is routed", ""),
        DropReason::NotIp => ("it is neither IP nor MPLS, and the path is routed", ""),
        DropReason::Ipv4Header => ("its IPv4 version, header length or total length is impossible", "RFC 1812 §5.2.2"),
        DropReason::Ipv4Checksum => ("its IPv4 header checksum is wrong", "RFC 1812 §5.2.2"),
        DropReason::Ipv6Header => ("its IPv6 header is cut, or its payload is longer than the frame", "RFC 8200 §3"),
        DropReason::Multicast => ("its destination is multicast", "RFC 1812 §5.2.1.3"),
        DropReason::Broadcast => ("its destination is the limited broadcast address", "RFC 1812 §5.3.5.1"),
        DropReason::Loopback => ("its destination is a loopback address", "RFC 1812 §5.3.7, RFC 4291 §2.5.3"),
        DropReason::LinkLocal => ("its destination is link-local", "RFC 3927 §2.7, RFC 4291 §2.5.6"),
        DropReason::Unspecified => ("its destination is the unspecified address", "RFC 1812 §5.3.7, RFC 4291 §2.5.2"),
        DropReason::NoRoute => ("the table has no route to its destination", "RFC 1812 §5.2.4.3"),
        DropReason::Unrouted => ("the scenario does not know its destination (--unrouted drop)", ""),
        DropReason::TtlExpired => ("its TTL or hop limit ran out", "RFC 1812 §5.3.1, RFC 8200 §3"),
        DropReason::MplsTtlExpired => ("the TTL of its label stack ran out", "RFC 3032 §2.4.2"),
        DropReason::MtuExceeded => ("it is longer than the MTU, and may not be cut", "RFC 1191 §4, RFC 3032 §3.4"),
        DropReason::MplsNotEnabled => ("it has labels, and the sub-interface has no MPLS", "RFC 3031 §3.18"),
        DropReason::UnknownLabel => ("the router did not assign its top label", "RFC 3031 §3.18"),
        DropReason::ReservedLabel => ("its top label is a special-purpose one that nothing here is for", "RFC 7274"),
        DropReason::ImplicitNull => ("implicit null (3) may not be on the wire", "RFC 3032 §2.1"),
        DropReason::EntropyLabel => ("an entropy label is where none may be, or malformed", "RFC 6790 §4"),
        DropReason::LabelStackMalformed => ("its label stack ends before its bottom", "RFC 3032 §2.1"),
        DropReason::LabelStackDepth => ("it has more labels to be popped here than the router processes", ""),
        DropReason::PayloadMismatch => ("what lies beneath its labels is not what they stand for", "RFC 3032 §2.2"),
        DropReason::PseudowireAch => ("it belongs to the pseudowire's associated channel", "RFC 4385 §5"),
        DropReason::ControlWord => ("its control word begins with neither 0 nor 1", "RFC 4385 §3"),
        DropReason::Policed => ("the policer has too few tokens for it", "RFC 2697 §3"),
        DropReason::GatewayBits => ("the gateway carries no more bits per second", ""),
        DropReason::GatewayPackets => ("the gateway carries no more packets per second", ""),
        DropReason::GatewayFlows => ("the gateway holds no more flows", ""),
        DropReason::SourceNotAdvertised => ("its source is none of the prefixes that the peering advertises", ""),
        DropReason::NatPacket => ("it has no port that could be translated, or is a fragment", "RFC 3022 §6.3"),
        DropReason::NatPorts => ("the pool of public addresses has no free port", "RFC 3022 §2.2"),
        DropReason::NatBinding => ("no flow from inside has its destination's address and port", "RFC 4787 §5"),
        DropReason::QueueFull => ("the port's buffer is full", ""),
        DropReason::AdminDown => ("the port is administratively down", ""),
        DropReason::LinkDown => ("the link is cut, or there is none", ""),
        DropReason::Blackhole => ("something on the link takes every frame, unseen by its ends", ""),
        DropReason::LinkLoss => ("the link lost it at random", ""),
        DropReason::TooLong => ("it is longer than the emulator takes", ""),
        DropReason::NoListener => ("the router has nobody to hand it to", ""),
    };
    Reason { words, standard: if standard.is_empty() { None } else { Some(standard) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let words: std::collections::BTreeSet<_> = DropReason::ALL.iter().map(|&why| reason(why).words).collect();
        assert_eq!(words.len(), DropReason::ALL.len());
        assert!(words.iter().all(|words| words.len() > 10));
    }
}
