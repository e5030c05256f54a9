//! What routers tell each other of destinations: prefixes, path attributes, and updates of both (RFC 4271, 4760, 4364).

use crate::wire::mpls::Label;
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An address family with its subsequent one (RFC 4760 §3): what a session carries routes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// AFI 1, SAFI 1.
    Ipv4,
    /// AFI 2, SAFI 1.
    Ipv6,
    /// AFI 1, SAFI 128 (RFC 4364 §4.3.4).
    VpnIpv4,
    /// AFI 2, SAFI 128 (RFC 4659 §3.2).
    VpnIpv6,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 4] = [Family::Ipv4, Family::Ipv6, Family::VpnIpv4, Family::VpnIpv6];
}

/// What keeps the routes of one VPN apart from the same prefixes of another (RFC 4364 §4.2), as its eight octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteDistinguisher(pub [u8; 8]);

/// What a VPN route has beyond its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vpn {
    /// Which VPN's, or which router's of it.
    pub distinguisher: RouteDistinguisher,
    /// The label that the next hop knows it by (RFC 8277); in a withdrawal it does not matter.
    pub label: Label,
}

/// A destination (network layer reachability information).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nlri {
    /// The prefix.
    pub prefix: IpNet,
    /// For routes of [`Family::VpnIpv4`] and [`Family::VpnIpv6`].
    pub vpn: Option<Vpn>,
}

impl Nlri {
    /// The family of the routes to it.
    pub const fn family(&self) -> Family {
        match (self.prefix, self.vpn.is_some()) {
            (IpNet::V4(_), false) => Family::Ipv4,
            (IpNet::V6(_), false) => Family::Ipv6,
            (IpNet::V4(_), true) => Family::VpnIpv4,
            (IpNet::V6(_), true) => Family::VpnIpv6,
        }
    }
}

impl From<IpNet> for Nlri {
    fn from(prefix: IpNet) -> Self {
        Nlri { prefix, vpn: None }
    }
}

/// Where a route came from (RFC 4271 §5.1.1); the lesser one is preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// From within its autonomous system.
    #[default]
    Igp,
    /// By EGP (RFC 904).
    Egp,
    /// By other means.
    Incomplete,
}

/// A segment of an AS path (RFC 4271 §4.3, four-octet numbers of RFC 6793).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Autonomous systems in order, the last one passed first.
    Sequence(Vec<u32>),
    /// Autonomous systems in no order: it counts as one.
    Set(Vec<u32>),
}

/// The autonomous systems that a route has passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsPath(pub Vec<Segment>);

impl AsPath {
    /// Its length for the decision (RFC 4271 §9.1.2.2 a): a set counts as one.
    pub fn len(&self) -> usize {
        let of = |segment: &Segment| match segment {
            Segment::Sequence(systems) => systems.len(),
            Segment::Set(_) => 1,
        };
        self.0.iter().map(of).sum()
    }

    /// Whether the route has passed nothing: it is of the own autonomous system.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often `system` is in it: to that one it would be a loop (RFC 4271 §9.1.2).
    pub fn count(&self, system: u32) -> usize {
        let of = |segment: &Segment| match segment {
            Segment::Sequence(systems) | Segment::Set(systems) => systems.iter().filter(|one| **one == system).count(),
        };
        self.0.iter().map(of).sum()
    }

    /// The autonomous system that the route came from last: the one whose MEDs compare with each other
    /// (RFC 4271 §9.1.2.2 c).
    pub fn neighbor(&self) -> Option<u32> {
        match self.0.first()? {
            Segment::Sequence(systems) => systems.first().copied(),
            Segment::Set(_) => None,
        }
    }

    /// The same with `system` in front, `times` times (RFC 4271 §5.1.2 b): segments hold 255 systems at the most.
    #[must_use]
    pub fn prepended(&self, system: u32, times: usize) -> AsPath {
        let mut segments = self.0.clone();
        for _ in 0..times {
            match segments.first_mut() {
                Some(Segment::Sequence(systems)) if systems.len() < 255 => systems.insert(0, system),
                _ => segments.insert(0, Segment::Sequence(vec![system])),
            }
        }
        AsPath(segments)
    }
}

impl fmt::Display for AsPath {
    /// As `show ip bgp` has it: `65010 12076 {1 2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.iter().map(|segment| match segment {
            Segment::Sequence(systems) => systems.iter().map(u32::to_string).collect::<Vec<_>>().join(" "),
            Segment::Set(systems) => {
                format!("{{{}}}", systems.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
            }
        });
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}

/// What a route says of its destinations (RFC 4271 §5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes {
    /// Where it came from.
    pub origin: Origin,
    /// What it passed.
    pub as_path: AsPath,
    /// Where to send; of IPv6 routes the global address.
    pub next_hop: IpAddr,
    /// Which of several ways into the neighbour's system it would rather have; lower is better.
    pub med: Option<u32>,
    /// Within the own system: higher is better.
    pub local_pref: Option<u32>,
    /// RFC 1997; sorted, none twice.
    pub communities: Vec<u32>,
    /// RFC 4360, as eight octets; sorted, none twice: the route targets of VPNs are among them.
    pub extended_communities: Vec<[u8; 8]>,
}

impl Attributes {
    /// A route of the own system by `next_hop`.
    pub fn new(next_hop: IpAddr) -> Self {
        Attributes {
            origin: Origin::Igp,
            as_path: AsPath::default(),
            next_hop,
            med: None,
            local_pref: None,
            communities: Vec::new(),
            extended_communities: Vec::new(),
        }
    }
}

/// What one message, or a run of them, changes: withdrawals come before announcements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteUpdate {
    /// Not reachable any more by this neighbour.
    pub withdrawn: Vec<Nlri>,
    /// Reachable, as the attributes say; all of one family.
    pub announced: Vec<Nlri>,
    /// Present if something is announced.
    pub attributes: Option<Arc<Attributes>>,
    /// All routes of this family have been sent (RFC 4724 §2).
    pub end_of_rib: Option<Family>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prepending_begins_a_segment_where_one_is_full_or_a_set() {
        let path = AsPath(vec![Segment::Set(vec![1, 2])]).prepended(12076, 8);
        assert_eq!(path.0[0], Segment::Sequence(vec![12076; 8]));
        assert_eq!((path.len(), path.neighbor(), path.count(2)), (9, Some(12076), 1));
        let full = AsPath(vec![Segment::Sequence(vec![7; 255])]).prepended(8, 2);
        assert_eq!(full.0[0], Segment::Sequence(vec![8, 8]));
        assert_eq!(full.len(), 257);
        assert_eq!(
            AsPath(vec![Segment::Sequence(vec![65010, 12076]), Segment::Set(vec![1])]).to_string(),
            "65010 12076 {1}"
        );
    }
}
