//! What is public, as meant: Microsoft peering, public services, and the internet beside the circuit.

use ipnet::{IpNet, Ipv4Net};

use super::Peering;
use crate::scenario::source::{Extent, Located};
use crate::time::{PortSpeed, Span};

/// A Microsoft peering (`[circuit.NAME.microsoft]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicrosoftPeering {
    /// Tag, public subnets and sessions.
    pub peering: Peering,
    /// The public addresses that IPv4 sources are translated to, unless the site has public ones itself.
    pub nat: NatPools,
    /// Further public prefixes that are advertised: addresses that the site itself has.
    pub advertised: Vec<Located<IpNet>>,
    /// The communities of the services that are advertised to the site. Without any, none is.
    pub route_filter: Vec<Located<Community>>,
}

impl MicrosoftPeering {
    /// Whether it leads to `service`: its route filter has the community.
    pub fn leads_to(&self, service: &Service) -> bool {
        service.community.is_some_and(|own| self.route_filter.iter().any(|known| known.value == own.value))
    }
}

/// Where the addresses of a Microsoft peering are translated (EXPRESSROUTE: NAT for Microsoft peering). It decides what the
/// failure of a link takes: behind a common pool the network finds the other way, with a pool for each link the flows of
/// the link are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatPools {
    /// Nowhere.
    None,
    /// Before traffic splits to the two links: one pool.
    Common(Located<Ipv4Net>),
    /// After the split: a pool for each link.
    PerLink([Located<Ipv4Net>; 2]),
}

impl NatPools {
    /// The pools, each once.
    pub fn all(&self) -> Vec<Located<Ipv4Net>> {
        match self {
            NatPools::None => Vec::new(),
            NatPools::Common(pool) => vec![*pool],
            NatPools::PerLink(pools) => pools.to_vec(),
        }
    }
}

/// A BGP community that Microsoft tags its public prefixes with: `12076:` and this number (EXPRESSROUTE: routing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Community(pub u16);

impl std::fmt::Display for Community {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "12076:{}", self.0)
    }
}

/// A service at public addresses (`[service.NAME]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: Located<String>,
    /// Its public prefixes; at least one.
    pub prefixes: Vec<Located<IpNet>>,
    /// What it is.
    pub class: ServiceClass,
    /// What a route filter knows it by, if it can be reached over Microsoft peering.
    pub community: Option<Located<Community>>,
    /// Delay between its hosts and the network that they are in, one way; 100 ns at least.
    pub delay: Span,
}

/// What kind of service it is: what decides whether it can be reached over Microsoft peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceClass {
    /// A public service of Azure.
    Azure,
    /// Microsoft 365.
    Microsoft365,
    /// The domain name system.
    Dns,
    /// Certificate revocation: CRL and OCSP.
    Crl,
    /// A content delivery network.
    Cdn,
    /// Azure Front Door.
    FrontDoor,
    /// Traffic Manager.
    TrafficManager,
    /// Anything else on the internet.
    Internet,
}

impl ServiceClass {
    /// All, with the words that a scenario has for them.
    pub const WORDS: &'static [(&'static str, ServiceClass)] = &[
        ("azure", ServiceClass::Azure),
        ("microsoft365", ServiceClass::Microsoft365),
        ("dns", ServiceClass::Dns),
        ("crl", ServiceClass::Crl),
        ("cdn", ServiceClass::Cdn),
        ("front-door", ServiceClass::FrontDoor),
        ("traffic-manager", ServiceClass::TrafficManager),
        ("internet", ServiceClass::Internet),
    ];

    /// Whether Microsoft peering carries it; all else takes the internet, whatever circuits there are (EXPRESSROUTE: what
    /// still goes over the public internet).
    pub const fn is_peered(self) -> bool {
        matches!(self, ServiceClass::Azure | ServiceClass::Microsoft365)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        ServiceClass::WORDS.iter().find(|(_, class)| *class == self).map_or("internet", |(word, _)| word)
    }
}

/// The way of a site or a virtual network to the internet (`[site.NAME.internet]`, `[vnet.NAME.internet]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternetAccess {
    /// Where it is written.
    pub at: Extent,
    /// The public addresses that IPv4 sources are translated to; `None`: the site has public ones itself.
    pub nat: Option<Located<Ipv4Net>>,
    /// Speed of its ports.
    pub port: PortSpeed,
    /// Delay, one way; 100 ns at least.
    pub delay: Span,
    /// Frames lost on it, in parts per 10^9.
    pub loss_ppb: u32,
}

/// Whether `net` is of public addresses: not private, shared, loopback, link-local, multicast or reserved (RFC 6890).
/// Documentation prefixes (RFC 5737, RFC 3849) count as public: an example has no others.
pub(in crate::scenario) fn is_public(net: &IpNet) -> bool {
    let inside = |list: &[&str]| list.iter().any(|text| text.parse::<IpNet>().is_ok_and(|range| overlaps(&range, net)));
    match net {
        IpNet::V4(_) => !inside(&NOT_PUBLIC_V4),
        IpNet::V6(_) => "2000::/3".parse::<IpNet>().is_ok_and(|global| global.contains(net)),
    }
}

fn overlaps(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// Addresses of private networks (RFC 1918, RFC 4193), which no default route takes to the internet.
pub(in crate::scenario) const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

const NOT_PUBLIC_V4: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public() {
        for (net, expected) in [
            ("203.0.113.0/24", true),
            ("20.60.0.0/14", true),
            ("172.32.0.0/12", true),
            ("172.16.0.0/12", false),
            ("10.1.0.0/16", false),
            ("100.64.1.0/24", false),
            ("192.0.0.0/2", false),
            ("0.0.0.0/0", false),
            ("2001:db8::/32", true),
            ("fd00::/8", false),
            ("::/0", false),
        ] {
            assert_eq!(is_public(&net.parse().unwrap()), expected, "{net}");
        }
    }
}
