//! A scenario as meant: typed, consistent, every reference resolved; how it is written and checked is not here.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::source::{Extent, Located};
use crate::control::CarrierSpec;
use crate::time::{PortSpeed, Span};
use crate::wire::vlan::Vid;

mod azure;
mod control;
mod event;
mod global_reach;
mod provider;
mod public;
mod router;
mod session;
mod traffic;

macro_rules! place_in {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);

        impl $name {
            /// The place in its list.
            pub const fn index(self) -> usize {
                self.0
            }
        }
    };
}

place_in!(
    /// A site: its place in `Scenario::sites`.
    SiteId
);
place_in!(
    /// A port pair: its place in `Scenario::pairs`.
    PairId
);
place_in!(
    /// A circuit: its place in `Scenario::circuits`.
    CircuitId
);
place_in!(
    /// A virtual network: its place in `Scenario::vnets`.
    VnetId
);
place_in!(
    /// A public service: its place in `Scenario::services`.
    ServiceId
);
place_in!(
    /// A connectivity provider: its place in `Scenario::providers`.
    ProviderId
);
place_in!(
    /// A port of a router: its place in `Router::ports`.
    RouterPortId
);

pub use azure::{CircuitKind, Gateway, GatewayLimits, Sku, SkuLimits, Vnet};
pub use control::{Control, Sessions};
pub use event::{BackgroundLoad, Event, EventKind, EventTarget, Fibres, Way, Ways};
pub use global_reach::GlobalReach;
pub use provider::{
    Access, Carrier, Core, CoreGraph, CoreLink, Detection, LinkName, Nni, Null, Protection, Provider, Recovery,
};
pub use public::{Community, InternetAccess, MicrosoftPeering, NatPools, Service, ServiceClass};
pub(super) use public::{PRIVATE, is_public};
pub use router::{
    Attachment, CrossConnect, EgressTags, Hop, LabelEntry, LabelOp, OutLabel, Pseudowire, Route, Router, RouterPort,
    Tags,
};
pub use session::{Bfd, Bgp, PerPlane, Plane, PrefixLimits};
pub use traffic::{StreamEnd, Traffic};

/// What holds for the whole network (`[settings]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time that a router takes for a frame that leaves the fast path (an ICMP error, fragments). Never zero.
    pub punt_delay: Span,
    /// The largest IP packet in octets on sites, circuits and gateways.
    pub mtu: u16,
    /// Whether routers answer with ICMP errors.
    pub icmp: bool,
    /// Seed of the choice among equal paths; `None` derives one from the run's seed.
    pub hash_seed: Option<u64>,
}

/// The Ethernet link of a site's network, or of another edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lan {
    /// Speed of its ports.
    pub port: PortSpeed,
    /// Delay, one way; 100 ns at least.
    pub delay: Span,
}

/// An on-premises network (`[site.NAME]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its name.
    pub name: Located<String>,
    /// Its autonomous system.
    pub asn: Located<u32>,
    /// Its address space, IPv4 and IPv6; at least one, none inside another but in a default route.
    pub prefixes: Vec<Located<IpNet>>,
    /// Customer edge routers: 1 or 2. With 2 each has one port of each pair.
    pub edges: u8,
    /// Its local network.
    pub lan: Lan,
    /// Its way to the internet, if it has one beside its circuits.
    pub internet: Option<InternetAccess>,
}

/// How the frames of a port pair are tagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encapsulation {
    /// One tag of TPID 0x8100: the peering's C-tag.
    Dot1q,
    /// Two: the circuit's S-tag of this TPID, and the peering's C-tag of TPID 0x8100.
    Qinq {
        /// 0x8100 or 0x88a8.
        outer_tpid: u16,
    },
}

/// Administrative state of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// It passes traffic.
    Enabled,
    /// It is turned down.
    Disabled,
}

/// One of the two links of a port pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairLink {
    /// Its administrative state.
    pub admin: Admin,
    /// Delay, one way; 100 ns at least.
    pub delay: Located<Span>,
    /// Frames lost on it, in parts per 10^9.
    pub loss_ppb: u32,
}

/// Two ports on two Microsoft edge routers, and the ports of the customer or the provider that they face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPair {
    /// The circuit that it is written with.
    pub name: Located<String>,
    /// The sites at the near end: one, but for an IPVPN.
    pub sites: Vec<Located<SiteId>>,
    /// What lies between.
    pub carrier: Carrier,
    /// The peering locations of the primary and the secondary link: the same, but for a Metro circuit.
    pub locations: [String; 2],
    /// Speed of the customer's ports: with ExpressRoute Direct of Microsoft's too, else those have their provider's.
    pub port: PortSpeed,
    /// How frames are tagged at Microsoft's ports.
    pub encapsulation: Encapsulation,
    /// Octets, on the wire, that wait at each port: at the most for its lowest class, an eighth more for each higher one.
    pub buffer_octets: u64,
    /// Priority classes of each port: 1 to 8.
    pub queues: u8,
    /// How its ports take loss of signal: on both links, at both ends.
    pub carrier_delay: CarrierSpec,
    /// The first link.
    pub primary: PairLink,
    /// The second link.
    pub secondary: PairLink,
}

impl PortPair {
    /// What kind its circuits are.
    pub const fn kind(&self) -> CircuitKind {
        match self.carrier {
            Carrier::Direct => CircuitKind::Direct(self.port),
            _ => CircuitKind::Provider,
        }
    }
}

/// Policing of a circuit: on each link the circuit's bandwidth, with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Octets that may pass at once.
    pub burst_octets: u32,
    /// How far above the bandwidth nothing is done, in parts per 10^9 of it: what comes above that is brought down to the
    /// bandwidth itself (EXPRESSROUTE: rate limits of Direct, 20 %).
    pub tolerance_ppb: u32,
}

impl RateLimit {
    /// Up to so many bits per second nothing is done, on a circuit of `bandwidth_bps`.
    pub fn threshold_bps(self, bandwidth_bps: u64) -> u64 {
        let leave = u128::from(bandwidth_bps) * u128::from(self.tolerance_ppb) / 1_000_000_000;
        // A tolerance is a whole of the bandwidth at the most, and that 400 Gb/s.
        bandwidth_bps + leave as u64
    }
}

/// The SKU of a circuit (EXPRESSROUTE: circuit SKUs): what it reaches, and how many prefixes and networks it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitSku {
    /// The Azure regions near its peering location.
    Local,
    /// The geopolitical region of its peering location.
    Standard,
    /// All regions.
    Premium,
}

/// How far a circuit reaches: its SKU, and where its peering location is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its SKU.
    pub sku: Located<CircuitSku>,
    /// The geopolitical region of the location, if the scenario says it.
    pub geo: Option<Located<String>>,
    /// The regions that a Local circuit reaches, if the scenario says them.
    pub local_regions: Vec<Located<String>>,
}

/// A circuit (`[circuit.NAME]`): a primary and a secondary connection over a port pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Its name.
    pub name: Located<String>,
    /// How far it reaches.
    pub scope: Scope,
    /// The port pair that carries it.
    pub pair: PairId,
    /// Bandwidth of each of its connections, in bits per second.
    pub bandwidth_bps: Located<u64>,
    /// The outer tag that Microsoft gives it; present if and only if the pair's encapsulation is QinQ.
    pub s_tag: Option<Located<Vid>>,
    /// Policing, if it is on.
    pub rate_limit: Option<RateLimit>,
    /// Its private peering.
    pub private: Option<Peering>,
    /// Its Microsoft peering.
    pub microsoft: Option<MicrosoftPeering>,
}

impl Circuit {
    /// Its peerings: the private one first.
    pub fn peerings(&self) -> impl Iterator<Item = &Peering> {
        self.private.iter().chain(self.microsoft.as_ref().map(|microsoft| &microsoft.peering))
    }
}

/// The addresses of the two ends of one link of a peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkAddresses<A> {
    /// The customer's end: the first usable, odd.
    pub customer: A,
    /// Microsoft's end: the second usable, even.
    pub microsoft: A,
    /// Length of the prefix that holds both.
    pub prefix_len: u8,
}

/// The addresses of a peering, per link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeeringAddresses<A> {
    /// On the first link: the first subnet.
    pub primary: LinkAddresses<A>,
    /// On the second link: the second subnet.
    pub secondary: LinkAddresses<A>,
}

/// What every peering has: `[circuit.NAME.private]`, and the better part of `[circuit.NAME.microsoft]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Where it is written.
    pub at: Extent,
    /// The inner tag (the only one with Dot1Q) on both links.
    pub c_tag: Located<Vid>,
    /// What the customer's router is set to, or with an IPVPN the provider's, where that is another one: nothing passes then.
    pub customer_c_tag: Option<Located<Vid>>,
    /// Its IPv4 addresses.
    pub v4: PeeringAddresses<Ipv4Addr>,
    /// Its IPv6 addresses, if it has any.
    pub v6: Option<PeeringAddresses<Ipv6Addr>>,
    /// BFD of the customer's side; `None`: neither side has any.
    pub bfd: Option<Bfd>,
    /// BGP of the customer's side.
    pub bgp: Bgp,
}
