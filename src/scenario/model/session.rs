//! Sessions of a peering as meant: BFD and BGP of the customer's side, what it says of routes, and Microsoft's constants.

use super::CircuitSku;
use crate::time::Span;
use std::fmt;

/// One of the two planes that a circuit runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// The first port of the pair.
    Primary,
    /// The second.
    Secondary,
}

impl Plane {
    /// Both, in order.
    pub const BOTH: [Plane; 2] = [Plane::Primary, Plane::Secondary];

    /// 0 or 1.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Of two things, the one of this plane.
    pub(in crate::scenario) fn of<T>(self, primary: T, secondary: T) -> T {
        match self {
            Plane::Primary => primary,
            Plane::Secondary => secondary,
        }
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.of("primary", "secondary"))
    }
}

/// Something for each plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerPlane<T> {
    /// On the first link.
    pub primary: T,
    /// On the second.
    pub secondary: T,
}

impl<T> PerPlane<T> {
    /// That of `plane`.
    pub fn of(&self, plane: Plane) -> &T {
        plane.of(&self.primary, &self.secondary)
    }
}

/// BFD of a session, one end (RFC 5880).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bfd {
    /// Desired transmit and required receive interval: of the two ends the slower decides.
    pub interval: Span,
    /// Detection multiplier, 1 to 255.
    pub multiplier: u8,
}

impl Bfd {
    /// Microsoft's edge: 300 ms, which can be made longer and never shorter (EXPRESSROUTE: BFD; 750 ms "in certain
    /// scenarios"). Its multiplier is not published: 3 is that of Microsoft's samples for the customer's side.
    pub const MICROSOFT: Bfd = Bfd { interval: Span::from_ms(300), multiplier: 3 };
}

/// BGP of a peering's sessions, of the router that has the peering: the customer's edge, or with an IPVPN the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bgp {
    /// Between keepalives: the lower of both ends (EXPRESSROUTE: FAQ); a third of `hold` if absent (RFC 4271 §4.4).
    pub keepalive: Span,
    /// Without a message for this long the session is down: the lower of both ends (RFC 4271 §4.2).
    pub hold: Span,
    /// Whether the session goes down with BFD. True if absent; without BFD it has no meaning.
    pub coupled: bool,
    /// The least time between two updates for one destination (RFC 4271 §9.2.1.1): 0 to 600 s. 0 if absent: the RFC's 30 s
    /// between autonomous systems are used by few.
    pub mrai: Span,
    /// After a failed connection, until the next try (RFC 4271 §10): 1 s to 65535 s. 120 s if absent, as the RFC suggests.
    pub connect_retry: Span,
    /// How often the own autonomous system stands once more in the path that Microsoft is told: 0 to 32. 0 if absent.
    pub prepend: PerPlane<u8>,
    /// Preference of the routes that Microsoft tells, within the customer's network: higher wins. 100 if absent
    /// (EXPRESSROUTE: optimize routing).
    pub local_pref: PerPlane<u32>,
    /// MULTI_EXIT_DISC of what Microsoft is told: lower is preferred. None if absent. Whether Microsoft's edge looks at it is
    /// not published.
    pub med: PerPlane<Option<u32>>,
    /// Communities of what Microsoft is told (RFC 1997), sorted, none twice. Microsoft ignores those of customers
    /// (EXPRESSROUTE: routing).
    pub communities: Vec<u32>,
}

impl Bgp {
    /// Between keepalives, of Microsoft's edge (EXPRESSROUTE: FAQ).
    pub const MICROSOFT_KEEPALIVE: Span = Span::from_s(60);
    /// Hold time of Microsoft's edge.
    pub const MICROSOFT_HOLD: Span = Span::from_s(180);
    /// Local preference where none is given.
    pub const LOCAL_PREF: u32 = crate::control::rib::DEFAULT_LOCAL_PREF;
}

impl Default for Bgp {
    /// What holds where nothing is written.
    fn default() -> Self {
        Bgp {
            keepalive: Bgp::MICROSOFT_KEEPALIVE,
            hold: Bgp::MICROSOFT_HOLD,
            coupled: true,
            mrai: Span::ZERO,
            connect_retry: Span::from_s(120),
            prepend: PerPlane { primary: 0, secondary: 0 },
            local_pref: PerPlane { primary: Bgp::LOCAL_PREF, secondary: Bgp::LOCAL_PREF },
            med: PerPlane { primary: None, secondary: None },
            communities: Vec::new(),
        }
    }
}

/// Prefixes that Microsoft takes of a customer on one session: with more it is down, until they are fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixLimits {
    /// Of IPv4.
    pub v4: usize,
    /// Of IPv6.
    pub v6: usize,
}

impl PrefixLimits {
    /// On Microsoft peering (EXPRESSROUTE: circuit limits).
    pub const MICROSOFT_PEERING: PrefixLimits = PrefixLimits { v4: 200, v6: 200 };
}

impl CircuitSku {
    /// Prefixes that its private peering takes (EXPRESSROUTE: circuit limits).
    pub const fn private_prefixes(self) -> PrefixLimits {
        let v4 = if matches!(self, CircuitSku::Premium) { 10_000 } else { 4_000 };
        PrefixLimits { v4, v6: 100 }
    }
}
