//! What has public addresses: Microsoft's network behind its peerings, the internet beside them, services in both.
//!
//! ```text
//! hq-ce1 == london-msee1, london-msee2 == microsoft -- storage       Microsoft peering: what the route filter has
//!    |                                        |           ^
//!    +------------ isp -----------------------+-----------+          the rest of Microsoft's, and what is never peered
//!                   +-- dns, crl, cdn ...     prod-sdn --- isp       a virtual network's own way out
//! ```
//! Services that Microsoft peering carries are in Microsoft's network: what comes to them over the internet comes by a
//! link of its own, so that the two ways are counted apart, and what they send goes by the longest prefix: over the
//! peering to whoever is advertised there, else to the internet.

mod cloud;
mod edge;
pub(super) mod shared;

use super::draft::{Draft, End, host_port};
use super::place::{Plane, PublicHosts};
use super::wiring::{AZURE_PORT, Wiring};
use crate::id::{NodeId, PortId};
use crate::node::Server;
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::model::{
    CircuitId, InternetAccess, MicrosoftPeering, NatPools, PairId, Service, ServiceClass, SiteId, StreamEnd, VnetId,
};
use crate::scenario::source::Extent;
use crate::scenario::values::LEAST_DELAY;
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr};

pub(super) use cloud::{configure, configure_peering};
pub(super) use edge::{Outside, private};

/// The nodes and links.
#[derive(Default)]
pub(super) struct Public {
    /// The router of Microsoft's network.
    pub(super) microsoft: Option<NodeId>,
    /// The router of the internet, and its port towards all hosts that no service is.
    isp: Option<(NodeId, End)>,
    /// Per service, if anything leads there.
    pub(super) services: Vec<Option<ServiceNode>>,
    /// From Microsoft's edge routers to its network.
    pub(super) uplinks: Vec<PublicUplink>,
    /// From sites and virtual networks to the internet.
    accesses: Vec<Access>,
    /// From Microsoft's network to the internet: the end at the former.
    trunk: Option<End>,
    /// The hosts of all other public addresses.
    pub(super) internet: Option<NodeId>,
}

/// A service's hosts, and the ports that lead there.
pub(super) struct ServiceNode {
    pub(super) host: NodeId,
    pub(super) microsoft: Option<End>,
    isp: Option<End>,
    /// The ports of the hosts themselves, by the same ways.
    own: [Option<PortId>; 2],
}

/// The link between a Microsoft edge router and Microsoft's network, for one circuit.
pub(super) struct PublicUplink {
    pub(super) circuit: CircuitId,
    pub(super) plane: Plane,
    pub(super) msee: End,
    pub(super) microsoft: End,
    /// Whether the connection that it continues passes traffic.
    pub(super) up: bool,
}

/// Who has a way to the internet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// A site, by its edge router of this number.
    Site(SiteId, usize),
    Vnet(VnetId),
}

struct Access {
    owner: Owner,
    end: End,
    isp: End,
}

/// All of it, behind edge routers and virtual networks that are there already.
pub(super) fn wire(draft: &mut Draft, scenario: &Scenario, wiring: &mut Wiring) {
    let accesses = accesses(scenario);
    let peering = scenario.circuits.iter().find_map(|circuit| Some(circuit.microsoft.as_ref()?.peering.at));
    let peered = scenario.services.iter().find(|service| service.class.is_peered() && !accesses.is_empty());
    if let Some(written) = peering.or(peered.map(|service| service.name.at)) {
        wire_peerings(draft, scenario, wiring, written);
    }
    if !accesses.is_empty() {
        wire_internet(draft, scenario, wiring, &accesses);
    }
    for service in &scenario.services {
        let node = wire_service(draft, &wiring.public, service);
        wiring.public.services.push(node);
    }
    if let (Some(microsoft), Some((isp, _))) = (wiring.public.microsoft, wiring.public.isp) {
        let from = draft.port(microsoft, PortSpec::new("isp", AZURE_PORT));
        let to = draft.port(isp, PortSpec::new("microsoft", AZURE_PORT));
        draft.link(from, to, LEAST_DELAY, 0);
        wiring.public.trunk = Some(from);
    }
}

fn wire_peerings(draft: &mut Draft, scenario: &Scenario, wiring: &mut Wiring, written: Extent) {
    let microsoft = draft.node("microsoft".to_owned(), written);
    wiring.public.microsoft = Some(microsoft);
    for (place, circuit) in scenario.circuits.iter().enumerate().filter(|(_, circuit)| circuit.microsoft.is_some()) {
        for connection in wiring.connections.iter().filter(|connection| connection.pair == circuit.pair) {
            let name = format!("{}-msee{}", circuit.name.value, connection.plane.index() + 1);
            let alone = super::wiring::is_alone(scenario, CircuitId(place));
            let near = if alone { "microsoft".to_owned() } else { format!("microsoft.{}", circuit.name.value) };
            let msee = draft.port(connection.msee.0, PortSpec::new(near, AZURE_PORT));
            let end = draft.port(microsoft, PortSpec::new(name, AZURE_PORT));
            draft.join(msee, end, MICROSOFT_DELAY, 0);
            let (circuit, plane, up) = (CircuitId(place), connection.plane, connection.up);
            wiring.public.uplinks.push(PublicUplink { circuit, plane, msee, microsoft: end, up });
        }
    }
}

/// Those that have a way to the internet.
fn accesses(scenario: &Scenario) -> Vec<(Owner, InternetAccess)> {
    let sites = scenario.sites.iter().enumerate().flat_map(|(place, site)| {
        let edges = (0..usize::from(site.edges)).map(move |edge| Owner::Site(SiteId(place), edge));
        edges.filter_map(|owner| Some((owner, site.internet?)))
    });
    let vnets = scenario.vnets.iter().enumerate();
    let vnets = vnets.filter_map(|(place, vnet)| Some((Owner::Vnet(VnetId(place)), vnet.internet?)));
    sites.chain(vnets).collect()
}

fn wire_internet(draft: &mut Draft, scenario: &Scenario, wiring: &mut Wiring, accesses: &[(Owner, InternetAccess)]) {
    let written = accesses[0].1.at;
    let isp = draft.node("isp".to_owned(), written);
    let host = draft.node("internet".to_owned(), written);
    let out = draft.port(isp, PortSpec::new("internet", AZURE_PORT));
    let end = draft.port(host, host_port("isp", AZURE_PORT));
    draft.join(out, end, LEAST_DELAY, 0);
    (wiring.public.isp, wiring.public.internet) = (Some((isp, out)), Some(host));
    for &(owner, access) in accesses {
        let (node, name) = match owner {
            Owner::Site(site, edge) => {
                let node = wiring.sites[site.index()].edges[edge].node;
                (node, draft.network.nodes[node.index()].name.clone())
            }
            Owner::Vnet(vnet) => {
                // A network behind no gateway has no hosts.
                let Some(sdn) = wiring.sdns.iter().find(|sdn| sdn.vnet == vnet) else { continue };
                (sdn.node, scenario.vnets[vnet.index()].name.value.clone())
            }
        };
        let end = draft.port(node, PortSpec::new("internet", access.port));
        let far = draft.port(isp, PortSpec::new(name, access.port));
        draft.join(end, far, access.delay, access.loss_ppb);
        wiring.public.accesses.push(Access { owner, end, isp: far });
    }
}

/// `None` for a service that nothing leads to.
fn wire_service(draft: &mut Draft, public: &Public, service: &Service) -> Option<ServiceNode> {
    let microsoft = public.microsoft.filter(|_| service.class.is_peered());
    if microsoft.is_none() && public.isp.is_none() {
        return None;
    }
    let host = draft.node(service.name.value.clone(), service.name.at);
    let port = || PortSpec::new(service.name.value.clone(), AZURE_PORT);
    let mut node = ServiceNode { host, microsoft: None, isp: None, own: [None; 2] };
    if let Some(router) = microsoft {
        let (near, end) = (draft.port(router, port()), draft.port(host, host_port("microsoft", AZURE_PORT)));
        draft.join(near, end, service.delay, 0);
        (node.microsoft, node.own[0]) = (Some(near), Some(end.1));
    }
    if let Some((router, _)) = public.isp {
        let (near, end) = (draft.port(router, port()), draft.port(host, host_port("isp", AZURE_PORT)));
        match node.microsoft {
            // It answers into the network that it is in.
            Some(_) => draft.link(near, end, service.delay, 0),
            None => draft.join(near, end, service.delay, 0),
        }
        (node.isp, node.own[1]) = (Some(near), Some(end.1));
    }
    Some(node)
}

impl Public {
    /// The port of a node towards the internet.
    fn access(&self, owner: Owner) -> Option<End> {
        self.accesses.iter().find(|access| access.owner == owner).map(|access| access.end)
    }
}

/// The services that something leads to, and all other hosts of the internet.
pub(super) fn named(scenario: &Scenario, wiring: &Wiring) -> Vec<PublicHosts> {
    let services = scenario.services.iter().zip(&wiring.public.services).filter_map(|(service, node)| {
        let ServiceNode { host, own: [circuits, internet], .. } = node.as_ref()?;
        let (name, class) = (service.name.value.clone(), service.class);
        Some(PublicHosts { name, class, host: *host, over_circuits: *circuits, over_internet: *internet })
    });
    let others = wiring.public.internet.map(|host| PublicHosts {
        name: "internet".to_owned(),
        class: ServiceClass::Internet,
        host,
        over_circuits: None,
        over_internet: Some(PortId(0)),
    });
    services.chain(others).collect()
}

/// Whether any circuit of `pair` leads to `prefix` of a service.
pub(super) fn leads_over(scenario: &Scenario, pair: PairId, service: &Service, prefix: &IpNet) -> bool {
    let circuits = scenario.circuits.iter().filter(|circuit| circuit.pair == pair);
    let mut peerings = circuits.filter_map(|circuit| circuit.microsoft.as_ref());
    peerings.any(|peering| peering.leads_to(service) && super::carries(&peering.peering, prefix))
}

/// What a peering advertises on one link: the pool of the link, and the site's own prefixes.
pub(super) fn advertised(peering: &MicrosoftPeering, plane: Plane) -> Vec<IpNet> {
    let pool = match peering.nat {
        NatPools::None => None,
        NatPools::Common(pool) => Some(pool.value),
        NatPools::PerLink([primary, secondary]) => Some(plane.of(primary.value, secondary.value)),
    };
    pool.map(IpNet::V4).into_iter().chain(peering.advertised.iter().map(|net| net.value)).collect()
}

/// The pool of one of a site's edge routers: all of it, or a half each of two.
fn share_of_edge(pool: Ipv4Net, edge: usize, edges: u8) -> Option<Ipv4Net> {
    match edges {
        1 => Some(pool),
        _ => pool.subnets(pool.prefix_len() + 1).ok()?.nth(edge),
    }
}

/// The servers inside that streams from services come to, at all addresses of `pool`: one each of the hosts of `inside`.
fn servers(scenario: &Scenario, end: StreamEnd, pool: Ipv4Net, inside: Option<Ipv4Net>) -> Vec<Server> {
    let mut servers = Vec::new();
    let Some(inside) = inside else { return servers };
    for stream in scenario.traffic.iter().filter(|stream| stream.to == end && stream.is_translated) {
        let IpAddr::V4(first) = stream.template.to.first() else { continue };
        if !pool.contains(&first) && !pool.contains(&last_v4(&stream.template.to.last())) {
            continue;
        }
        let known: Vec<u16> = servers.iter().map(|server: &Server| server.port).collect();
        let port = stream.template.destination_port;
        if !known.contains(&port) {
            let hosts = inside.hosts().cycle();
            let all = (pool.network().to_bits()..=pool.broadcast().to_bits()).map(Ipv4Addr::from_bits);
            servers.extend(all.zip(hosts).map(|(outside, inside)| Server { inside, outside, port }));
        }
    }
    servers
}

/// The first IPv4 prefix of an end, but for a default route.
fn first_v4(scenario: &Scenario, end: StreamEnd) -> Option<Ipv4Net> {
    let prefixes = match end {
        StreamEnd::Site(site) => &scenario.sites[site.index()].prefixes,
        StreamEnd::Vnet(vnet) => &scenario.vnets[vnet.index()].prefixes,
        StreamEnd::Service(service) => &scenario.services[service.index()].prefixes,
    };
    prefixes.iter().find_map(|prefix| match prefix.value {
        IpNet::V4(net) if net.prefix_len() > 0 => Some(net),
        _ => None,
    })
}

fn last_v4(address: &IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(address) => *address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

/// Delay between Microsoft's edge routers and the router of its network. Not a Microsoft figure.
const MICROSOFT_DELAY: crate::time::Span = crate::time::Span::from_us(100);
