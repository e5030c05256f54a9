//! The names by which people speak of a network's hosts and ports, and whose addresses are whose.

use std::net::IpAddr;

use super::Compiled;
use super::draft::{Draft, End};
use super::lsr::Taps;
use super::wiring::{PairConnection, Wiring};
use crate::id::{NodeId, PortId};
use crate::scenario::Scenario;
pub use crate::scenario::model::Plane;
use crate::scenario::model::{EventTarget, ServiceClass, StreamEnd};
use crate::scenario::nearest::{did_you_mean, listed};
use crate::table::Lpm;
use ipnet::IpNet;

/// Where frames enter, or are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The hosts of a site or a virtual network, or a tap: frames are offered by it and taken by it.
    Host(NodeId),
    /// A port: frames enter at its receiving side, as if they came from the other end of its link.
    Port(NodeId, PortId),
}

/// A place and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPlace {
    /// What users call it.
    pub name: String,
    /// What it is.
    pub place: Place,
}

/// A connection of a circuit: its two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The circuit's name.
    pub circuit: String,
    /// Which of the two.
    pub plane: Plane,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The customer's port.
    pub ce: (NodeId, PortId),
    /// Microsoft's port.
    pub msee: (NodeId, PortId),
}

/// Hosts at public addresses, and by which of their ports what comes over circuits and over the internet arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicHosts {
    /// The service's name; `internet` for all that is none.
    pub name: String,
    /// What it is.
    pub class: ServiceClass,
    /// The hosts.
    pub host: NodeId,
    /// Over Microsoft peerings, by which also everything leaves; `None` if none carries it.
    pub over_circuits: Option<PortId>,
    /// Over the internet; `None` if there is no way.
    pub over_internet: Option<PortId>,
}

/// The hosts that a stream goes between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamHosts {
    /// They send it.
    pub from: NodeId,
    /// They are to have it.
    pub to: NodeId,
}

/// Whose side an address is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A site's.
    Site,
    /// A virtual network's.
    Cloud,
}

/// The address ranges that a scenario knows.
#[derive(Clone, Debug)]
pub struct KnownPrefixes {
    /// Those of sites, in the order of the file.
    pub sites: Vec<IpNet>,
    /// Those of virtual networks and of public services.
    pub vnets: Vec<IpNet>,
    v4: Lpm,
    v6: Lpm,
}

impl KnownPrefixes {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let sites: Vec<IpNet> = scenario.sites.iter().flat_map(|s| &s.prefixes).map(|p| p.value).collect();
        let vnets = scenario.vnets.iter().flat_map(|vnet| &vnet.prefixes);
        let services = scenario.services.iter().flat_map(|service| &service.prefixes);
        let vnets: Vec<IpNet> = vnets.chain(services).map(|p| p.value).collect();
        let both = || sites.iter().map(|net| (*net, 0)).chain(vnets.iter().map(|net| (*net, 1)));
        let v4 = Lpm::new(both().filter_map(|(net, side)| match net {
            IpNet::V4(net) => Some((u128::from(net.addr().to_bits()) << 96, net.prefix_len(), side)),
            IpNet::V6(_) => None,
        }));
        let v6 = Lpm::new(both().filter_map(|(net, side)| match net {
            IpNet::V4(_) => None,
            IpNet::V6(net) => Some((net.addr().to_bits(), net.prefix_len(), side)),
        }));
        KnownPrefixes { sites, vnets, v4, v6 }
    }

    /// Whose side `address` is on; `None` if the scenario does not know it.
    pub fn side_of(&self, address: IpAddr) -> Option<Side> {
        let side = match address {
            IpAddr::V4(address) => self.v4.lookup_v4(address.to_bits()),
            IpAddr::V6(address) => self.v6.lookup(address.to_bits()),
        };
        side.map(|side| if side == 0 { Side::Site } else { Side::Cloud })
    }
}

impl Compiled {
    /// The place called `name`: one of [`Compiled::places`], or `node:port`. The error tells the names there are.
    pub fn find(&self, name: &str) -> Result<Place, String> {
        if let Some(named) = self.places.iter().find(|named| named.name == name) {
            return Ok(named.place);
        }
        if let Some((node_name, port)) = name.split_once(':') {
            let Some(node) = self.network.node(node_name) else {
                let nodes = || self.network.nodes.iter().map(|node| node.name.as_str());
                let otherwise = format!("the nodes are {}", listed(nodes()));
                return Err(format!("there is no node `{node_name}`; {}", did_you_mean(node_name, nodes(), otherwise)));
            };
            let ports = &self.network.nodes[node.index()].ports;
            let names = || ports.iter().map(|port| port.name.as_str());
            return match ports.iter().position(|known| known.name == port) {
                Some(place) => Ok(Place::Port(node, PortId(place as u16))),
                None => Err(format!("`{node_name}` has no port `{port}`; its ports are {}", listed(names()))),
            };
        }
        let names = || self.places.iter().map(|named| named.name.as_str());
        let otherwise = format!("there are {}, and every port as `node:port`", listed(names()));
        Err(format!("there is no place called `{name}`; {}", did_you_mean(name, names(), otherwise)))
    }

    /// What users call `place`: its shortest name.
    pub fn name_of(&self, place: Place) -> String {
        let named = self.places.iter().filter(|named| named.place == place).map(|named| &named.name);
        match (named.min_by_key(|name| name.len()), place) {
            (Some(name), _) => name.clone(),
            (None, Place::Host(node)) => self.network.nodes[node.index()].name.clone(),
            (None, Place::Port(node, port)) => self.network.port_name((node, port)),
        }
    }
}

/// The places of a network that have names of their own.
pub(super) fn named(scenario: &Scenario, wiring: &Wiring, taps: &[Taps]) -> Vec<NamedPlace> {
    let mut places = Vec::new();
    let mut add = |name: String, place: Place| places.push(NamedPlace { name, place });
    for (site, nodes) in scenario.sites.iter().zip(&wiring.sites) {
        add(site.name.value.clone(), Place::Host(nodes.host));
    }
    for connection in connections(scenario, wiring) {
        let (node, port) = connection.msee;
        add(format!("{}.{}", connection.circuit, connection.plane), Place::Port(node, port));
    }
    for (vnet, node) in scenario.vnets.iter().zip(&wiring.vnets) {
        node.iter().for_each(|node| add(vnet.name.value.clone(), Place::Host(*node)));
    }
    for (service, hosts) in scenario.services.iter().zip(&wiring.public.services) {
        hosts.iter().for_each(|hosts| add(service.name.value.clone(), Place::Host(hosts.host)));
    }
    wiring.public.internet.iter().for_each(|host| add("internet".to_owned(), Place::Host(*host)));
    for (router, taps) in scenario.routers.iter().zip(taps) {
        for (port, host) in router.ports.iter().zip(&taps.hosts) {
            add(format!("{}.{}", router.name.value, port.name.value), Place::Host(*host));
        }
    }
    // A port's bare name will do where no other thing has it.
    let ports = scenario.routers.iter().zip(taps).flat_map(|(router, taps)| router.ports.iter().zip(&taps.hosts));
    let bare: Vec<_> = ports.map(|(port, host)| (port.name.value.clone(), *host)).collect();
    for (name, host) in &bare {
        let alone = bare.iter().filter(|(other, _)| other == name).count() == 1;
        if alone && !places.iter().any(|named| named.name == *name) {
            places.push(NamedPlace { name: name.clone(), place: Place::Host(*host) });
        }
    }
    places
}

/// The hosts of each stream.
pub(super) fn streams(scenario: &Scenario, wiring: &Wiring) -> Vec<StreamHosts> {
    let host = |end: StreamEnd| match end {
        StreamEnd::Site(site) => wiring.sites[site.index()].host,
        StreamEnd::Vnet(vnet) => wiring.vnets[vnet.index()].expect("a stream ends at a network behind a gateway"),
        StreamEnd::Service(service) => {
            let hosts = wiring.public.services[service.index()].as_ref();
            hosts.expect("a stream ends at a service that something leads to").host
        }
    };
    scenario.traffic.iter().map(|stream| StreamHosts { from: host(stream.from), to: host(stream.to) }).collect()
}

/// The links that end at Microsoft's ports, as events name them: the customer's end, or the provider's, first.
pub(super) fn event_links(draft: &Draft, wiring: &Wiring) -> Vec<(EventTarget, [End; 2])> {
    let link = |connection: &PairConnection| {
        let link = draft.network.links.iter().find(|link| link.to == connection.msee)?;
        Some((EventTarget::Connection(connection.pair, connection.plane), [link.from, link.to]))
    };
    wiring.connections.iter().filter_map(link).collect()
}

/// Both connections of each circuit.
pub(super) fn connections(scenario: &Scenario, wiring: &Wiring) -> Vec<Connection> {
    let mut connections = Vec::new();
    for circuit in &scenario.circuits {
        for of_pair in wiring.connections.iter().filter(|of_pair| of_pair.pair == circuit.pair) {
            connections.push(Connection {
                circuit: circuit.name.value.clone(),
                plane: of_pair.plane,
                enabled: of_pair.up,
                ce: of_pair.ce,
                msee: of_pair.msee,
            });
        }
    }
    connections
}
