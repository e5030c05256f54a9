//! Every reason for which a frame can be dropped, each with the name that counters and reports use.

use super::Count;
use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a frame went no further.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[$doc])* $name,)*
        }

        impl DropReason {
            /// Every reason, in the order of the counters.
            pub const ALL: &[DropReason] = &[$(DropReason::$name,)*];

            /// The name in counters and reports: lower case and underscores.
            pub const fn name(self) -> &'static str {
                match self {
                    $(DropReason::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// Shorter than an Ethernet header.
    Runt = "runt",
    /// The frame check sequence was marked bad.
    BadFcs = "bad_fcs",
    /// VLAN identifier 4095 (IEEE 802.1Q table 9-2).
    VidReserved = "vid_reserved",
    /// No sub-interface of the port has this VLAN.
    VlanNotMember = "vlan_not_member",
    /// The port takes tagged frames only, or has no untagged sub-interface.
    UntaggedNotAccepted = "untagged_not_accepted",
    /// The port takes untagged and priority-tagged frames only.
    TaggedNotAccepted = "tagged_not_accepted",
    /// A tag whose TPID the port does not recognise, where IP or labels were expected.
    UnknownTpid = "unknown_tpid",
    /// A destination that bridges keep to themselves (IEEE 802.1Q §8.6.3).
    ReservedMac = "reserved_mac",
    /// ARP on a routed path.
    Arp = "arp",
    /// An LLC frame on a routed path.
    Llc = "llc",
    /// Another ethertype on a routed path.
    NotIp = "not_ip",
    /// IPv4 version, header length or total length are impossible (RFC 1812 §5.2.2).
    Ipv4Header = "ipv4_header",
    /// The IPv4 header checksum is wrong (RFC 1812 §5.2.2).
    Ipv4Checksum = "ipv4_checksum",
    /// The IPv6 header is cut, or its payload is longer than the frame.
    Ipv6Header = "ipv6_header",
    /// A multicast destination.
    Multicast = "multicast",
    /// The limited broadcast address.
    Broadcast = "broadcast",
    /// A loopback destination.
    Loopback = "loopback",
    /// A link-local destination.
    LinkLocal = "link_local",
    /// The unspecified address, or 0.0.0.0/8, as destination.
    Unspecified = "unspecified",
    /// No route to the destination.
    NoRoute = "no_route",
    /// A destination that the scenario does not know, with `--unrouted drop`.
    Unrouted = "unrouted",
    /// The TTL or hop limit ran out.
    TtlExpired = "ttl_expired",
    /// The TTL of the label stack ran out (RFC 3032 §2.4).
    MplsTtlExpired = "mpls_ttl_expired",
    /// Too long for the next link, and not to be fragmented.
    MtuExceeded = "mtu_exceeded",
    /// Labels on a sub-interface without MPLS.
    MplsNotEnabled = "mpls_not_enabled",
    /// A label that the router did not assign (RFC 3031 §3.18).
    UnknownLabel = "unknown_label",
    /// A special-purpose label that is not to be forwarded (RFC 7274).
    ReservedLabel = "reserved_label",
    /// Label 3 on the wire (RFC 3032 §2.1).
    ImplicitNull = "implicit_null",
    /// An entropy label (RFC 6790) where it may not be, or malformed.
    EntropyLabel = "entropy_label",
    /// The stack ends before its bottom.
    LabelStackMalformed = "label_stack_malformed",
    /// More labels to be popped in one router than are processed.
    LabelStackDepth = "label_stack_depth",
    /// What lies beneath the labels is not what they stand for.
    PayloadMismatch = "payload_mismatch",
    /// A pseudowire's associated channel (RFC 4385 §5).
    PseudowireAch = "pseudowire_ach",
    /// A control word whose first nibble is neither data nor channel.
    ControlWord = "control_word",
    /// The policer of the circuit.
    Policed = "policed",
    /// More bits per second than the gateway's size carries (EXPRESSROUTE: gateways).
    GatewayBits = "gateway_bits",
    /// More packets per second than the gateway's size carries (EXPRESSROUTE: gateways).
    GatewayPackets = "gateway_packets",
    /// A flow beyond those that the gateway's size holds (EXPRESSROUTE: gateways).
    GatewayFlows = "gateway_flows",
    /// A source that the peering does not advertise (EXPRESSROUTE: Microsoft peering).
    SourceNotAdvertised = "source_not_advertised",
    /// No port, or none at hand, where one is to be translated: a fragment, another protocol (RFC 3022 §6.3).
    NatPacket = "nat_packet",
    /// No port of the pool is free (RFC 3022 §2.2).
    NatPorts = "nat_ports",
    /// An outside address and port that stand for nothing inside (RFC 4787 §5).
    NatBinding = "nat_binding",
    /// The buffer of the port is full.
    QueueFull = "queue_full",
    /// The port is administratively down.
    AdminDown = "admin_down",
    /// The link was cut while the frame was on it.
    LinkDown = "link_down",
    /// Something on the link takes every frame, which its ends cannot see.
    Blackhole = "blackhole",
    /// Lost on the link at random.
    LinkLoss = "link_loss",
    /// Longer than the emulator takes ([`MAX_FRAME_OCTETS`](crate::wire::ethernet::MAX_FRAME_OCTETS)).
    TooLong = "too_long",
    /// The router has nobody to hand a frame for itself to.
    NoListener = "no_listener",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Frames dropped, with their octets, by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCounts(Box<[Count]>);

impl Default for DropCounts {
    fn default() -> Self {
        DropCounts(vec![Count::default(); DropReason::ALL.len()].into())
    }
}

impl DropCounts {
    /// Takes the counts of a part away: see [`Count::without`].
    pub fn without(&mut self, part: &DropCounts) {
        self.0.iter_mut().zip(&part.0).for_each(|(count, part)| count.without(*part));
    }

    /// Counts one frame of `octets`.
    #[inline]
    pub fn add(&mut self, reason: DropReason, octets: u16) {
        self.0[reason as usize].add(octets);
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &DropCounts) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.merge(*theirs);
        }
    }

    /// Frames dropped for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|count| count.frames).sum()
    }

    /// Frames dropped for `reason`.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize].frames
    }

    /// Octets of the frames dropped for `reason`, FCS included.
    pub fn octets_of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize].octets
    }

    /// The reasons that occurred, with their counts of frames.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().map(|&reason| (reason, self.of(reason))).filter(|&(_, count)| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_counts_find_their_place() {
        let names: std::collections::BTreeSet<_> = DropReason::ALL.iter().map(|r| r.name()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
        let mut counts = DropCounts::default();
        counts.add(DropReason::NoListener, 64);
        counts.add(DropReason::Runt, 9);
        counts.add(DropReason::NoListener, 100);
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(DropReason::Runt, 1), (DropReason::NoListener, 2)]);
        assert_eq!((counts.total(), counts.octets_of(DropReason::NoListener)), (3, 164));
    }
}
