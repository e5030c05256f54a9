//! Connectivity providers: what lies between customer edge and Microsoft edge in the models that have one.

use super::{Bfd, PairLink, ProviderId, SiteId};
use crate::scenario::source::Located;
use crate::table::TtlModel;
use crate::time::{PortSpeed, Span};
use crate::wire::vlan::Vid;

/// A connectivity provider (`[provider.NAME]`): an exchange, or a network of label-switching routers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: Located<String>,
    /// Its autonomous system, of the VPNs of its network: 64500 if absent, a number for documentation (RFC 5398).
    pub asn: u32,
    /// BFD of the sessions between its edges, over all hops (RFC 5883): they go down with it. None if absent.
    pub vpn_bfd: Option<Bfd>,
    /// Its ports towards Microsoft (network-to-network interface).
    pub nni: Nni,
    /// Its network, where circuits of it need one; an exchange has none.
    pub core: Core,
    /// Where the first key of that network is written, if one is.
    pub core_at: Option<Located<&'static str>>,
    /// The same of the first key of its VPNs.
    pub vpn_at: Option<Located<&'static str>>,
}

/// Links between a provider and Microsoft edge routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nni {
    /// Speed of the ports.
    pub port: PortSpeed,
    /// Delay, one way.
    pub delay: Span,
}

/// A provider's network: P routers between the provider edges of customers and those towards Microsoft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// The routers and how they are joined.
    pub graph: CoreGraph,
    /// Speed of its links.
    pub port: PortSpeed,
    /// Delay of each link, one way.
    pub delay: Span,
    /// The largest labelled packet in octets: labels count.
    pub mtu: u16,
    /// What the last hop of a label-switched path carries.
    pub null: Null,
    /// TTL and traffic class of labels (RFC 3443, RFC 3270).
    pub ttl: TtlModel,
    /// Whether an entropy label pair goes beneath the transport label (RFC 6790).
    pub entropy: bool,
    /// Whether pseudowires have a control word (RFC 4385).
    pub control_word: bool,
    /// What becomes of its paths when a link fails, in a network whose routers have control planes
    /// ([`CompileOptions::sessions`](crate::scenario::CompileOptions::sessions)).
    pub recovery: Recovery,
}

/// How a provider's network gets over the failure of one of its links. Each provider has its own way: none of these figures
/// is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// What the router before the failure does at once. Local repair if absent.
    pub protection: Protection,
    /// How a router sees the failure. Loss of signal if absent.
    pub detection: Detection,
    /// After a link is back, how long it is left alone: 0 to 1 h. 10 s if absent.
    pub reversion_hold: Span,
    /// From the detection until all routers have paths around the failure: 0 to 600 s. 200 ms if absent.
    pub igp_convergence: Span,
}

/// What the router before a failure does at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It takes a backup path that was set up before (RFC 4090).
    LocalRepair,
    /// Nothing: packets are lost until the network has converged.
    None,
}

/// How a router sees that a link has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// By its signal, after the `carrier_delay` of `[control]`; what is silent is not seen.
    LossOfSignal,
    /// By BFD too, of both ends alike: 10 ms three times if absent; 1 ms to 60 s.
    Bfd(Bfd),
    /// The same as on the one member of an aggregation group (micro-BFD, RFC 7130).
    MicroBfd(Bfd),
}

impl Default for Recovery {
    /// What holds where nothing is written.
    fn default() -> Self {
        Recovery {
            protection: Protection::LocalRepair,
            detection: Detection::LossOfSignal,
            reversion_hold: Span::from_s(10),
            igp_convergence: Span::from_ms(200),
        }
    }
}

/// P routers and their links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoreGraph {
    /// Two rows of so many routers, 0 to 8; each provider edge is joined to both, the first of a site or a circuit nearer
    /// to the first row.
    Rows(u8),
    /// As they are written.
    Written {
        /// The names of the routers.
        routers: Vec<Located<String>>,
        /// Links between them.
        links: Vec<CoreLink>,
        /// The name of each of these, where it has one.
        names: Vec<Option<Located<String>>>,
        /// Where the provider edges of a site or a circuit, by its name, are joined: the first one to the first router
        /// and, at a greater metric, to the second; the second one the other way round.
        edges: Vec<(Located<String>, [usize; 2])>,
    },
}

/// What a link between two P routers is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkName {
    /// Its own name; without one the names of its routers, `p1-p2`.
    pub forth: String,
    /// Without a name of its own: the names of its routers the other way round.
    pub back: Option<String>,
}

impl CoreGraph {
    /// The names of the links between P routers. Those that are written are in the order of the file; of two rows the links
    /// of the first come first (`p1a-p2a`), then those of the second (`p1b-p2b`), each from the sites to Microsoft.
    pub fn link_names(&self) -> Vec<LinkName> {
        let of = |a: &str, b: &str| LinkName { forth: format!("{a}-{b}"), back: Some(format!("{b}-{a}")) };
        match self {
            CoreGraph::Rows(hops) => {
                let rows = ["a", "b"].into_iter();
                let hops = |row: &'static str| (1..*hops).map(move |hop| (hop, row));
                rows.flat_map(hops)
                    .map(|(hop, row)| of(&format!("p{hop}{row}"), &format!("p{}{row}", hop + 1)))
                    .collect()
            }
            CoreGraph::Written { routers, links, names, .. } => {
                let name = |(link, name): (&CoreLink, &Option<Located<String>>)| match name {
                    Some(name) => LinkName { forth: name.value.clone(), back: None },
                    None => of(&routers[link.between[0]].value, &routers[link.between[1]].value),
                };
                links.iter().zip(names).map(name).collect()
            }
        }
    }
}

/// A link between two P routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreLink {
    /// The places of the two routers.
    pub between: [usize; 2],
    /// What a path by it costs, 1 to 65535.
    pub metric: u32,
    /// Delay, one way.
    pub delay: Span,
    /// Speed of its ports.
    pub port: PortSpeed,
}

/// What a provider edge asks of its neighbours for the last hop towards it (RFC 3032 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Null {
    /// Implicit null: they pop the transport label (penultimate-hop popping).
    Implicit,
    /// Explicit null: they swap it for label 0.
    Explicit,
}

/// How a circuit gets from the customer to the Microsoft edge (EXPRESSROUTE: connectivity models).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// ExpressRoute Direct: the customer's ports face Microsoft's.
    Direct,
    /// Cloud exchange co-location: a switch for each plane maps the customer's VLAN to the S-tag.
    Exchange {
        /// The exchange.
        provider: ProviderId,
        /// The customer's outer VLANs on both links; `None`: the C-tag is the only one there.
        vlans: Option<[Vid; 2]>,
    },
    /// Point-to-point Ethernet: a virtual circuit, a pseudowire, for each plane.
    Ethernet {
        /// The carrier.
        provider: ProviderId,
        /// The customer's outer VLANs of the two.
        vlans: [Vid; 2],
    },
    /// Any-to-any (IPVPN): sites and cloud are members of a VPN; the provider has the peerings.
    IpVpn {
        /// The carrier.
        provider: ProviderId,
        /// The link of each site's edge routers to the carrier.
        access: Access,
    },
}

/// The link between a customer edge router and a provider edge router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Speed of its ports.
    pub port: PortSpeed,
    /// Delay, loss and state.
    pub link: PairLink,
}

impl Carrier {
    /// The provider, if there is one.
    pub const fn provider(&self) -> Option<ProviderId> {
        match self {
            Carrier::Direct => None,
            Carrier::Exchange { provider, .. }
            | Carrier::Ethernet { provider, .. }
            | Carrier::IpVpn { provider, .. } => Some(*provider),
        }
    }

    /// Whether the customer's own router has the peering: it does where the carrier is none, or carries Ethernet.
    pub const fn is_layer_2(&self) -> bool {
        !matches!(self, Carrier::IpVpn { .. })
    }
}

impl super::PortPair {
    /// Whether `site` is behind it.
    pub fn serves(&self, site: SiteId) -> bool {
        self.sites.iter().any(|served| served.value == site)
    }

    /// Whether the same sites are behind both.
    pub fn leads_where(&self, other: &Self) -> bool {
        self.sites.len() == other.sites.len() && self.sites.iter().all(|site| other.serves(site.value))
    }
}
