//! Addresses of links that a scenario gives none: out of a block that none of its prefixes has anything to do with.

use crate::scenario::compile::public::advertised;
use crate::scenario::diagnostic::{Diagnostic, Diagnostics};
use crate::scenario::{Plane, Scenario};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of each family, of which links get two addresses each, and routers their BGP identifiers.
///
/// What Microsoft uses within Azure is not published. These are of RFC 6598, which no customer's network should have, and
/// of RFC 4193; where those are taken, of RFC 1918.
pub(super) struct Addresses {
    v4: Ipv4Net,
    v6: Ipv6Net,
    links: u32,
}

impl Addresses {
    /// The first blocks that nothing of the scenario overlaps; the error says that there is none.
    pub(super) fn new(scenario: &Scenario) -> Result<Self, Diagnostics> {
        let taken = taken(scenario);
        let is_free = |net: IpNet| taken.iter().all(|prefix| !prefix.contains(&net) && !net.contains(prefix));
        let v4 = BLOCKS.iter().flat_map(|(first, blocks)| {
            // So many networks of 65536 addresses.
            (0..*blocks).map(|place| Ipv4Net::new_assert(Ipv4Addr::from(first.to_bits() + (place << 16)), 16))
        });
        let v6 =
            (0..=u16::MAX).map(|place| Ipv6Net::new_assert(Ipv6Addr::new(0xfd62, 0x6970, place, 0, 0, 0, 0, 0), 48));
        let free =
            (v4.into_iter().find(|net| is_free(IpNet::V4(*net))), v6.into_iter().find(|net| is_free(IpNet::V6(*net))));
        match free {
            (Some(v4), Some(v6)) => Ok(Addresses { v4, v6, links: 0 }),
            _ => Err(Self::none_left(scenario)),
        }
    }

    fn none_left(scenario: &Scenario) -> Diagnostics {
        let message = "the scenario's prefixes leave no private addresses for links within Azure";
        let at = scenario.sites.first().map_or_else(Default::default, |site| site.name.at);
        let wrong = Diagnostic::error(at, message).label("its prefixes, or those of others");
        let wrong = wrong
            .remedy("write smaller prefixes, or `sessions = \"static\"` in [control], which needs no such addresses");
        Diagnostics::new(scenario.source().clone(), vec![wrong])
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

/// All addresses that the scenario names.
fn taken(scenario: &Scenario) -> Vec<IpNet> {
    let sites = scenario.sites.iter().flat_map(|site| &site.prefixes);
    let vnets = scenario.vnets.iter().flat_map(|vnet| &vnet.prefixes);
    let services = scenario.services.iter().flat_map(|service| &service.prefixes);
    let mut taken: Vec<IpNet> = sites.chain(vnets).chain(services).map(|prefix| prefix.value).collect();
    for peering in scenario.circuits.iter().flat_map(|circuit| circuit.peerings()) {
        let v4 = [peering.v4.primary, peering.v4.secondary];
        taken
            .extend(v4.iter().flat_map(|link| [link.customer, link.microsoft]).map(|own| IpNet::from(IpAddr::V4(own))));
        let v6 = peering.v6.iter().flat_map(|v6| [v6.primary, v6.secondary]);
        taken.extend(v6.flat_map(|link| [link.customer, link.microsoft]).map(|own| IpNet::from(IpAddr::V6(own))));
    }
    let microsoft = scenario.circuits.iter().filter_map(|circuit| circuit.microsoft.as_ref());
    taken.extend(microsoft.flat_map(|peering| Plane::BOTH.into_iter().flat_map(|plane| advertised(peering, plane))));
    let internet = scenario.sites.iter().filter_map(|site| site.internet);
    let internet = internet.chain(scenario.vnets.iter().filter_map(|vnet| vnet.internet));
    taken.extend(internet.filter_map(|access| access.nat).map(|pool| IpNet::V4(pool.value)));
    for reach in &scenario.global_reaches {
        taken.push(reach.subnet.into());
        taken.extend(reach.subnet_v6.map(IpNet::V6));
    }
    // A default route overlaps everything, and takes nothing.
    taken.retain(|prefix| prefix.prefix_len() > 0);
    taken
}

/// Where to look, first to last: the first address, and how many networks of 65536 addresses there are.
const BLOCKS: [(Ipv4Addr, u32); 4] = [
    (Ipv4Addr::new(100, 64, 0, 0), 64),
    (Ipv4Addr::new(10, 0, 0, 0), 256),
    (Ipv4Addr::new(172, 16, 0, 0), 16),
    (Ipv4Addr::new(192, 168, 0, 0), 1),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::presets;

    /// The first link's first addresses in the preset `reference`, with other prefixes.
    fn first(changes: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut text = presets().iter().find(|preset| preset.name == "reference").unwrap().text.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        let scenario = Scenario::parse(&text, "made.toml").unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        let addresses = Addresses::new(&scenario);
        let mut addresses = addresses.map_err(|wrong| wrong.render(false))?;
        Ok(addresses.link(true).iter().map(|ends| ends[0].to_string()).collect())
    }

    #[test]
    fn what_a_scenario_has_is_left_to_it() {
        let site = "prefixes = [\"10.10.0.0/16\"]";
        let with = |prefixes: &str| first(&[(site, &format!("prefixes = [{prefixes}]"))]);
        assert_eq!(first(&[]).unwrap(), ["100.64.0.0", "fd62:6970::1"]);
        assert_eq!(with("\"10.10.0.0/16\", \"100.64.0.0/12\"").unwrap()[0], "100.80.0.0");
        assert_eq!(with("\"100.64.0.0/10\"").unwrap()[0], "10.0.0.0");
        assert_eq!(with("\"100.64.0.0/10\", \"10.0.0.0/12\"").unwrap()[0], "10.16.0.0");
        assert_eq!(with("\"10.10.0.0/16\", \"fd62:6970::/48\"").unwrap()[1], "fd62:6970:1::1");
        // A default route takes nothing.
        assert_eq!(with("\"10.10.0.0/16\", \"0.0.0.0/0\"").unwrap()[0], "100.64.0.0");
    }

    #[test]
    fn where_nothing_is_left_that_is_said() {
        let site = "prefixes = [\"10.10.0.0/16\"]";
        let all = "prefixes = [\"10.0.0.0/12\", \"100.64.0.0/10\", \"10.32.0.0/11\", \"10.64.0.0/10\", \"10.128.0.0/9\", \
                   \"10.24.0.0/13\", \"172.16.0.0/12\", \"192.168.0.0/16\"]";
        let wrong = first(&[(site, all), ("10.20.0.0/16", "10.20.0.0/14"), ("10.21.0.0/16", "10.16.0.0/14")]);
        assert!(wrong.unwrap_err().contains("leave no private addresses"));
    }
}
