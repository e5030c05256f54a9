//! A scenario as meant: typed, consistent, every reference resolved; how it is written and checked is not here.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::source::{Extent, Located};
use crate::table::{Payload, TcRule, TtlModel, VlanKey};
use crate::time::{PortSpeed, Span};
use crate::wire::mpls::Label;
use crate::wire::vlan::Vid;

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
    /// A port of a router: its place in `Router::ports`.
    RouterPortId
);

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
    /// Its address space, IPv4 and IPv6; at least one, none inside another.
    pub prefixes: Vec<Located<IpNet>>,
    /// Customer edge routers: 1 or 2. With 2 each has one port of each pair.
    pub edges: u8,
    /// Its local network.
    pub lan: Lan,
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

/// Two ports on two Microsoft edge routers, and the customer's ports that they face (ExpressRoute Direct).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPair {
    /// The circuit that it is written with.
    pub name: Located<String>,
    /// The site at the near end.
    pub site: Located<SiteId>,
    /// The peering location.
    pub location: String,
    /// Speed of the ports.
    pub port: PortSpeed,
    /// How frames are tagged.
    pub encapsulation: Encapsulation,
    /// Octets, on the wire, that wait at each port at the most.
    pub buffer_octets: u64,
    /// Priority classes of each port: 1 to 8.
    pub queues: u8,
    /// The first link.
    pub primary: PairLink,
    /// The second link.
    pub secondary: PairLink,
}

/// Policing of a circuit: on each link the circuit's bandwidth, with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Octets that may pass at once.
    pub burst_octets: u32,
}

/// A circuit (`[circuit.NAME]`): a primary and a secondary connection over a port pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Its name.
    pub name: Located<String>,
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

/// A private peering (`[circuit.NAME.private]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Where it is written.
    pub at: Extent,
    /// The inner tag (the only one with Dot1Q) on both links.
    pub c_tag: Located<Vid>,
    /// Its IPv4 addresses.
    pub v4: PeeringAddresses<Ipv4Addr>,
    /// Its IPv6 addresses, if it has any.
    pub v6: Option<PeeringAddresses<Ipv6Addr>>,
    /// BFD on its sessions, unless off. Kept: sessions are up in this version.
    pub bfd: Option<Bfd>,
    /// BGP timers. Kept: sessions are up in this version.
    pub bgp: Bgp,
}

/// BFD of a peering's sessions, customer's side (RFC 5880).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bfd {
    /// Desired transmit and required receive interval.
    pub interval: Span,
    /// Detection multiplier, 1 to 255.
    pub multiplier: u8,
}

/// BGP timers of a peering's sessions, customer's side (RFC 4271 §4.2, §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bgp {
    /// Between keepalives.
    pub keepalive: Span,
    /// Without a message for this long the session is down.
    pub hold: Span,
}

/// A virtual network (`[vnet.NAME]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vnet {
    /// Its name.
    pub name: Located<String>,
    /// Its address space, IPv4 and IPv6; at least one.
    pub prefixes: Vec<Located<IpNet>>,
}

/// A virtual network gateway (`[gateway.NAME]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its name.
    pub name: Located<String>,
    /// Its size.
    pub sku: Sku,
    /// The networks behind it.
    pub vnets: Vec<Located<VnetId>>,
    /// The circuits that it is connected to.
    pub circuits: Vec<Located<CircuitId>>,
    /// Delay between it and the Microsoft edge routers, one way; 100 ns at least.
    pub delay: Span,
}

/// The size of a gateway (EXPRESSROUTE: "About ExpressRoute virtual network gateways").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sku {
    /// Standard, without zones.
    Standard,
    /// High performance, without zones.
    HighPerf,
    /// Ultra performance, without zones.
    UltraPerf,
    /// Standard, in zones.
    ErGw1Az,
    /// High performance, in zones.
    ErGw2Az,
    /// Ultra performance, in zones.
    ErGw3Az,
    /// Scalable: 1 to 40 units.
    ErGwScale(u8),
}

/// What a gateway of some size can do on the way into the virtual network; not enforced yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkuLimits {
    /// Bits per second.
    pub bps: u64,
    /// Packets per second.
    pub pps: u64,
    /// Flows at once.
    pub flows: u64,
    /// Circuits that it may be connected to.
    pub circuits: usize,
}

impl Sku {
    /// Its limits.
    pub const fn limits(self) -> SkuLimits {
        let (gbps, circuits) = match self {
            Sku::Standard | Sku::ErGw1Az => (1, 4),
            Sku::HighPerf | Sku::ErGw2Az => (2, 8),
            Sku::UltraPerf | Sku::ErGw3Az => (10, 16),
            Sku::ErGwScale(units @ 0..=1) => (units as u64, 4),
            Sku::ErGwScale(units @ 2..=9) => (units as u64, 8),
            Sku::ErGwScale(units) => (units as u64, 16),
        };
        let flows = match self {
            Sku::UltraPerf | Sku::ErGw3Az | Sku::ErGwScale(_) => gbps * 100_000,
            _ => gbps * 200_000,
        };
        SkuLimits { bps: gbps * 1_000_000_000, pps: gbps * 100_000, flows, circuits }
    }
}

/// A label-switching router given entry by entry (`[router.NAME]`, role "lsr").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// Its name.
    pub name: Located<String>,
    /// Its ports, in the order of the file; each is joined to a tap of its own.
    pub ports: Vec<RouterPort>,
    /// Incoming label map.
    pub labels: Vec<LabelEntry>,
    /// Cross-connects between sub-interfaces.
    pub cross_connects: Vec<CrossConnect>,
    /// Pseudowires from sub-interfaces into labels, and back.
    pub pseudowires: Vec<Pseudowire>,
    /// IP routes.
    pub routes: Vec<Route>,
    /// How explicit null labels hand their TTL on.
    pub null_ttl: TtlModel,
}

/// A port of a router, and the link to its tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterPort {
    /// Its name.
    pub name: Located<String>,
    /// Its speed.
    pub speed: PortSpeed,
    /// Delay of the link to its tap, one way; 100 ns at least.
    pub delay: Span,
    /// Frames lost on the link, in parts per 10^9.
    pub loss_ppb: u32,
    /// The largest packet in octets: labels counted, tags not.
    pub mtu: u16,
    /// Octets, on the wire, that wait at the port at the most.
    pub buffer_octets: u64,
    /// Priority classes: 1 to 8.
    pub queues: u8,
    /// Administrative state.
    pub admin: Admin,
    /// TPIDs that are read as tags.
    pub tpids: Vec<u16>,
    /// Single-tagged and double-tagged frames that are switched by label or routed, like untagged ones; the others
    /// belong to layer-2 services or to nothing.
    pub vlans: Vec<Located<VlanKey>>,
    /// Whether that holds for all frames with a single tag that no service takes.
    pub any_vlan: bool,
    /// Its own addresses; ICMP errors come from the first of the router.
    pub addresses: Vec<Located<IpNet>>,
}

/// The tags of a frame that leaves a routed or label-switched port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EgressTags {
    /// Those that it came with.
    Keep,
    /// None.
    Strip,
    /// These instead.
    Push(Tags),
}

/// One tag or two, as a scenario writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tags {
    /// VLAN of the outer tag.
    pub outer: Vid,
    /// VLAN of the inner tag, of TPID 0x8100.
    pub inner: Option<Vid>,
    /// TPID of the outer tag.
    pub tpid: u16,
}

/// A label to push, or one of the nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutLabel {
    /// An ordinary label.
    Label(Label),
    /// IPv4 explicit null: 0.
    ExplicitNull,
    /// IPv6 explicit null: 2.
    ExplicitNullV6,
}

impl OutLabel {
    /// The number on the wire.
    pub const fn get(self) -> u32 {
        match self {
            OutLabel::Label(label) => label.get(),
            OutLabel::ExplicitNull => crate::wire::mpls::IPV4_EXPLICIT_NULL,
            OutLabel::ExplicitNullV6 => crate::wire::mpls::IPV6_EXPLICIT_NULL,
        }
    }
}

/// Where a labelled or routed frame goes and what it carries there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The ports: one, or several of equal cost.
    pub ports: Vec<Located<RouterPortId>>,
    /// Labels, top first.
    pub push: Vec<OutLabel>,
    /// How TTL and TC go over, and the TTL of a label that begins a pipe. A swap hands both on, whatever this says.
    pub ttl: TtlModel,
    /// Traffic class of pushed labels; not of a swap's.
    pub tc: TcRule,
    /// Whether an entropy label pair goes beneath the topmost label.
    pub entropy: bool,
    /// Tags.
    pub tags: EgressTags,
}

/// What is done with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelOp {
    /// Replaced by the labels of the hop.
    Swap(Hop),
    /// Popped; what lies beneath goes to the hop.
    Pop {
        /// What lies beneath the last label.
        payload: Payload,
        /// Where to.
        hop: Hop,
    },
    /// Popped; what lies beneath is looked up: a label in the label map, IP in the routes.
    PopLookup(TtlModel),
    /// Popped; the Ethernet frame beneath goes to an attachment.
    PopPseudowire {
        /// Where to.
        to: Attachment,
        /// Whether a control word is expected.
        control_word: bool,
    },
}

/// An entry of the incoming label map (`[[router.NAME.label]]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEntry {
    /// The label.
    pub label: Located<Label>,
    /// What is done with it.
    pub op: LabelOp,
}

/// A sub-interface of a layer-2 service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its port.
    pub port: Located<RouterPortId>,
    /// Frames that belong to it, and the tags that are put on frames which leave by it.
    pub key: VlanKey,
    /// TPID of the outer tag of frames which leave by it.
    pub tpid: u16,
    /// Where it is written.
    pub at: Extent,
}

impl Attachment {
    /// The frames of a routed sub-interface, to compare with those of services; it has no TPID of its own (0).
    pub(super) const fn routed(port: RouterPortId, vlan: Located<VlanKey>) -> Self {
        Attachment { port: Located::new(port, vlan.at), key: vlan.value, tpid: 0, at: vlan.at }
    }
}

/// Two sub-interfaces joined, both ways unless said (`[[router.NAME.cross_connect]]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossConnect {
    /// One end.
    pub from: Attachment,
    /// The other.
    pub to: Attachment,
    /// Whether frames pass from `to` to `from` as well.
    pub both_ways: bool,
    /// Whether frames to the addresses that bridges keep to themselves are dropped (IEEE 802.1Q table 8-1).
    pub filter_reserved: bool,
}

/// A sub-interface and a pseudowire joined (`[[router.NAME.pseudowire]]`, RFC 4448).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pseudowire {
    /// The attachment circuit.
    pub attachment: Attachment,
    /// Where its frames go: the last of the labels is the pseudowire's.
    pub hop: Hop,
    /// The label of frames that come back, if they do.
    pub label: Option<Located<Label>>,
    /// Whether a control word (RFC 4385) goes in front, and is expected.
    pub control_word: bool,
}

/// An IP route (`[[router.NAME.route]]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destinations.
    pub prefix: Located<IpNet>,
    /// Where to.
    pub hop: Hop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_published_table() {
        for (sku, gbps, pps, flows, circuits) in [
            (Sku::Standard, 1, 100_000, 200_000, 4),
            (Sku::ErGw2Az, 2, 200_000, 400_000, 8),
            (Sku::ErGw3Az, 10, 1_000_000, 1_000_000, 16),
            (Sku::ErGwScale(1), 1, 100_000, 100_000, 4),
            (Sku::ErGwScale(2), 2, 200_000, 200_000, 8),
            (Sku::ErGwScale(10), 10, 1_000_000, 1_000_000, 16),
            (Sku::ErGwScale(40), 40, 4_000_000, 4_000_000, 16),
        ] {
            let limits = SkuLimits { bps: gbps * 1_000_000_000, pps, flows, circuits };
            assert_eq!(sku.limits(), limits, "{sku:?}");
        }
    }
}
