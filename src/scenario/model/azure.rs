//! The cloud side of a scenario as meant: virtual networks, gateways and their sizes.

use ipnet::IpNet;

use super::{CircuitId, InternetAccess, VnetId};
use crate::scenario::source::Located;
use crate::time::{PortSpeed, Span};

/// A virtual network (`[vnet.NAME]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vnet {
    /// Its name.
    pub name: Located<String>,
    /// Its address space, IPv4 and IPv6; at least one.
    pub prefixes: Vec<Located<IpNet>>,
    /// IP addresses in use, which FastPath has limits for; they fill the prefixes in the order of the file. How many are
    /// used is the scenario's to say: none is counted where it does not.
    pub addresses: u64,
    /// The hub whose gateway this network uses, by a peering of virtual networks.
    pub peered_with: Option<Located<VnetId>>,
    /// The largest packet in octets that its hosts send out of it: longer ones are cut into fragments, or answered with ICMP
    /// errors if they may not be. `None`: what the whole network takes. Microsoft's documents disagree on 1400 and 1500
    /// (EXPRESSROUTE: MTU).
    pub fragment_at: Option<Located<u16>>,
    /// The Azure region that it is in, if the scenario says it.
    pub region: Option<Located<String>>,
    /// The geopolitical region of that, if the scenario says it.
    pub geo: Option<Located<String>>,
    /// Its own way to the internet, unless a default route over a circuit draws that on premises.
    pub internet: Option<InternetAccess>,
}

impl Vnet {
    /// The largest packet in octets that its hosts send out of it, where all take packets of `mtu`.
    pub fn largest_out(&self, mtu: u16) -> u16 {
        self.fragment_at.map_or(mtu, |octets| octets.value.min(mtu))
    }

    /// The speed of the ports by which its hosts send. Not a Microsoft figure: wide enough not to limit.
    pub const PORT: PortSpeed = PortSpeed::G400;
}

/// A virtual network gateway (`[gateway.NAME]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its name.
    pub name: Located<String>,
    /// Its size.
    pub sku: Sku,
    /// The networks behind it; those that are peered with them come last.
    pub vnets: Vec<Located<VnetId>>,
    /// The circuits that it is connected to.
    pub circuits: Vec<Located<CircuitId>>,
    /// The weight of each connection, in the order of `circuits`: the higher one is preferred on the way back.
    pub weights: Vec<u16>,
    /// Whether data goes from the Microsoft edge to the networks without passing the gateway (FastPath).
    pub fastpath: bool,
    /// Delay between it and the Microsoft edge routers, one way; 100 ns at least.
    pub delay: Span,
    /// Virtual machines that it consists of, 1 to 16. That there are several is published, not how many, nor how
    /// traffic is shared out: here each flow has one of them, by its hash, and each an equal share of the limits.
    pub instances: u8,
    /// How the limits of its size bind, unless they are off.
    pub limits: Option<GatewayLimits>,
}

/// How the limits of a gateway's size bind, over all its circuits and networks together, on the way into the networks.
/// What is published are the limits; that bits count with Ethernet header and FCS, that a token bucket keeps them, and
/// these figures are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// How much may pass at once after a pause: what the rates bring in this time.
    pub burst: Span,
    /// A flow without a frame for this long is none any more; `None`: it is one for the whole run.
    pub flow_timeout: Option<Span>,
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

/// What a gateway of some size can do on the way into the virtual network.
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
    /// Routes that it has room for.
    pub routes: usize,
}

impl Gateway {
    /// Circuits of equal weight that the way back is spread over at the most (EXPRESSROUTE: FAQ).
    pub const MOST_SPREAD: usize = 4;

    /// The weight of its connection to `circuit`.
    pub fn weight(&self, circuit: CircuitId) -> Option<u16> {
        let connections = self.circuits.iter().zip(&self.weights);
        connections.filter(|(known, _)| known.value == circuit).map(|(_, weight)| *weight).next()
    }
}

/// What FastPath asks about a circuit (EXPRESSROUTE: About ExpressRoute FastPath).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitKind {
    /// On a port pair of this speed (ExpressRoute Direct).
    Direct(PortSpeed),
    /// Of a connectivity provider.
    Provider,
}

impl CircuitKind {
    /// IP addresses that FastPath takes at the most; further ones go through the gateway. The figure for ports of 400G is
    /// not published: it is that of 100G.
    pub const fn fastpath_addresses(self) -> u64 {
        match self {
            CircuitKind::Direct(PortSpeed::G10) => 100_000,
            CircuitKind::Direct(_) => 200_000,
            CircuitKind::Provider => 25_000,
        }
    }

    /// Whether FastPath takes what goes to networks that are peered with the gateway's.
    pub const fn fastpath_reaches_peers(self) -> bool {
        matches!(self, CircuitKind::Direct(_))
    }
}

impl Sku {
    /// Whether it can have FastPath.
    pub const fn has_fastpath(self) -> bool {
        matches!(self, Sku::UltraPerf | Sku::ErGw3Az | Sku::ErGwScale(10..))
    }

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
        let routes = match self {
            Sku::Standard | Sku::ErGw1Az => 4_000,
            Sku::ErGwScale(_) => 60_000,
            _ => 9_500,
        };
        SkuLimits { bps: gbps * 1_000_000_000, pps: gbps * 100_000, flows, circuits, routes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_published_table() {
        for (sku, gbps, pps, flows, circuits, routes) in [
            (Sku::Standard, 1, 100_000, 200_000, 4, 4_000),
            (Sku::ErGw1Az, 1, 100_000, 200_000, 4, 4_000),
            (Sku::HighPerf, 2, 200_000, 400_000, 8, 9_500),
            (Sku::ErGw2Az, 2, 200_000, 400_000, 8, 9_500),
            (Sku::UltraPerf, 10, 1_000_000, 1_000_000, 16, 9_500),
            (Sku::ErGw3Az, 10, 1_000_000, 1_000_000, 16, 9_500),
            (Sku::ErGwScale(1), 1, 100_000, 100_000, 4, 60_000),
            (Sku::ErGwScale(2), 2, 200_000, 200_000, 8, 60_000),
            (Sku::ErGwScale(10), 10, 1_000_000, 1_000_000, 16, 60_000),
            (Sku::ErGwScale(40), 40, 4_000_000, 4_000_000, 16, 60_000),
        ] {
            let limits = SkuLimits { bps: gbps * 1_000_000_000, pps, flows, circuits, routes };
            assert_eq!(sku.limits(), limits, "{sku:?}");
        }
    }
    /// EXPRESSROUTE: About ExpressRoute FastPath.
    #[test]
    fn fastpath_is_of_large_gateways_and_has_its_figures() {
        let with = [Sku::UltraPerf, Sku::ErGw3Az, Sku::ErGwScale(10), Sku::ErGwScale(40)];
        let without = [Sku::Standard, Sku::HighPerf, Sku::ErGw1Az, Sku::ErGw2Az, Sku::ErGwScale(1), Sku::ErGwScale(9)];
        assert!(with.into_iter().all(Sku::has_fastpath) && !without.into_iter().any(Sku::has_fastpath));
        for (kind, addresses, peers) in [
            (CircuitKind::Direct(PortSpeed::G100), 200_000, true),
            (CircuitKind::Direct(PortSpeed::G10), 100_000, true),
            (CircuitKind::Provider, 25_000, false),
        ] {
            assert_eq!((kind.fastpath_addresses(), kind.fastpath_reaches_peers()), (addresses, peers), "{kind:?}");
        }
    }
}
