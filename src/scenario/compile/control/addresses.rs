//! Addresses of links that a scenario gives none: out of a block that none of its prefixes has anything to do with.

use crate::scenario::Scenario;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of each family, of which links get two addresses each, and routers their BGP identifiers.
///
/// What Microsoft uses within Azure is not published. These are of RFC 6598, which no customer's network should have, and
/// of RFC 4193.
pub(super) struct Addresses {
    v4: Ipv4Net,
    v6: Ipv6Net,
    links: u32,
}

impl Addresses {
    /// The first blocks that no prefix of the scenario overlaps.
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mut taken: Vec<IpNet> = scenario.sites.iter().flat_map(|site| &site.prefixes).map(|p| p.value).collect();
        taken.extend(scenario.vnets.iter().flat_map(|vnet| &vnet.prefixes).map(|prefix| prefix.value));
        taken.extend(scenario.services.iter().flat_map(|service| &service.prefixes).map(|prefix| prefix.value));
        for peering in scenario.circuits.iter().flat_map(|circuit| circuit.peerings()) {
            let v4 = [peering.v4.primary, peering.v4.secondary];
            taken.extend(
                v4.iter().flat_map(|link| [link.customer, link.microsoft]).map(|own| IpNet::from(IpAddr::V4(own))),
            );
            let v6 = peering.v6.iter().flat_map(|v6| [v6.primary, v6.secondary]);
            taken.extend(v6.flat_map(|link| [link.customer, link.microsoft]).map(|own| IpNet::from(IpAddr::V6(own))));
        }
        for reach in &scenario.global_reaches {
            taken.push(reach.subnet.into());
            taken.extend(reach.subnet_v6.map(IpNet::V6));
        }
        // A default route overlaps everything, and takes nothing.
        taken.retain(|prefix| prefix.prefix_len() > 0);
        let is_free = |net: IpNet| taken.iter().all(|prefix| !prefix.contains(&net) && !net.contains(prefix));
        let v4 = (0..=u16::MAX).map(|place| {
            // 100.64.0.0/16 first, then all others in order.
            let first = 0x6440_u16.wrapping_add(place);
            Ipv4Net::new_assert(Ipv4Addr::from(u32::from(first) << 16), 16)
        });
        let v6 =
            (0..=u16::MAX).map(|place| Ipv6Net::new_assert(Ipv6Addr::new(0xfd62, 0x6970, place, 0, 0, 0, 0, 0), 48));
        let unicast =
            v4.filter(|net| (1..224).contains(&net.network().octets()[0]) && net.network().octets()[0] != 127);
        // A scenario's prefixes are too few to take all of a family one by one, and one of half of it is possible.
        Addresses {
            v4: unicast.into_iter().find(|net| is_free(IpNet::V4(*net))).unwrap_or(FALLBACK_V4),
            v6: v6.into_iter().find(|net| is_free(IpNet::V6(*net))).unwrap_or(FALLBACK_V6),
            links: 0,
        }
    }

    /// The addresses of both ends of a further link, in the families that it has.
    pub(super) fn link(&mut self, with_v6: bool) -> Vec<[IpAddr; 2]> {
        let first = 2 * self.links;
        self.links += 1;
        let v4 = [first, first + 1].map(|place| IpAddr::from(Ipv4Addr::from(self.v4.network().to_bits() | place)));
        let v6 = [1, 2]
            .map(|end| IpAddr::from(Ipv6Addr::from(self.v6.network().to_bits() | u128::from(first / 2) << 64 | end)));
        [v4].into_iter().chain(with_v6.then_some(v6)).collect()
    }

    /// The BGP identifier of a router.
    pub(super) fn router_id(&self, node: crate::id::NodeId) -> Ipv4Addr {
        // From the upper half of the block: links are at most as many as there are ports.
        Ipv4Addr::from(self.v4.network().to_bits() | 0x8000 | (u32::from(node.0) + 1))
    }
}

const FALLBACK_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 16);
const FALLBACK_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfd62, 0x6970, 0, 0, 0, 0, 0, 0), 48);
