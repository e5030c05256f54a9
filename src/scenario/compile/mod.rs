//! From a scenario to the network that an engine runs, and the names by which people speak of its ports.
//!
//! ```text
//! direct:        hq -- hq-ce1 == london-msee1, london-msee2 == gw -- prod      prod goes back to the edge directly
//! several sites: ...                                           == gw -- prod -- prod-sdn == the edges of each site
//! providers:     the same as direct, and a provider between customer edge and Microsoft edge (carrier)
//! reference:     the same as direct, with Microsoft peering, public services and the internet (public)
//! global-reach:  hq -- hq-ce1 == london-msee1, london-msee2 == paris-msee1, paris-msee2 == lab-ce1 -- lab
//! lsr:           lsr-a -- lsr -- lsr-b                                          a tap at each port
//! ```

mod carrier;
mod cloud;
mod control;
mod draft;
mod edge;
mod gateway;
mod global_reach;
mod load;
mod lsr;
mod outages;
mod place;
mod public;
mod resources;
mod sdn;
mod wiring;

use super::diagnostic::{Diagnostic, Diagnostics, Problems};
use super::model::{Carrier, Circuit, CircuitId, Encapsulation, Sessions};
use super::source::Extent;
use super::{Finding, Scenario, SiteId};
use crate::engine::{MAX_PORTS, Network};
use crate::frame::DropReason;
use crate::table::{NextHop, VlanKey};
use crate::time::Instant;
use crate::wire::vlan::Tag;
use carrier::Carriers;
use draft::Draft;
use ipnet::IpNet;

pub use carrier::{Disjoint, LabelNames, Lsp};
pub use control::{RouterSessions, SessionName};
pub use load::LoadStream;
pub use outages::EventLinks;
pub use place::{Connection, KnownPrefixes, NamedPlace, Place, Plane, PublicHosts, Side, StreamHosts};
pub use resources::{
    CircuitResource, GatewayConnection, GatewayResource, GatewaySession, PeeringEnd, PeeringResource, PeeringType,
    PortsResource, ReachResource, Resources,
};

/// What the command line adds to a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileOptions {
    /// Where frames go whose destination the scenario does not know.
    pub unrouted: Unrouted,
    /// Whether sessions run, packet by packet; [`Network::control_until`] is the caller's to set.
    pub sessions: Sessions,
    /// Whether providers' networks get over the failure of links; without it their paths are made once.
    pub repair: bool,
    /// Whether the scenario's events happen.
    pub events: bool,
}

impl Default for CompileOptions {
    /// To the other side; all sessions are up, always, and nothing happens.
    fn default() -> Self {
        CompileOptions { unrouted: Unrouted::Cloud, sessions: Sessions::Static, repair: false, events: false }
    }
}

impl CompileOptions {
    /// What becomes of packets to nowhere that anybody knows, unless they go to the other side.
    fn unknown(self) -> Option<NextHop> {
        let reason = match self.sessions {
            Sessions::Static => DropReason::Unrouted,
            // The route may have gone: who can tell.
            Sessions::Live => DropReason::NoRoute,
        };
        (self.unrouted == Unrouted::Drop).then_some(NextHop::discard(reason))
    }
}

/// Where frames go whose destination the scenario does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unrouted {
    /// To the other side: from a site to the cloud, from the cloud to the site.
    #[default]
    Cloud,
    /// Nowhere: the first router drops them as unrouted.
    Drop,
}

/// A network, and what its parts are called.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The network.
    pub network: Network,
    /// Names that users may give, beside `node:port`.
    pub places: Vec<NamedPlace>,
    /// Both connections of each circuit, whether enabled or not.
    pub connections: Vec<Connection>,
    /// Public services, in the order of the file, and the rest of the internet.
    pub services: Vec<PublicHosts>,
    /// Between which hosts each stream goes, in the order of [`Scenario::traffic`].
    pub streams: Vec<StreamHosts>,
    /// What has metrics, and where it is measured.
    pub resources: Resources,
    /// The address ranges of sites and virtual networks.
    pub known: KnownPrefixes,
    /// The label-switched paths of providers.
    pub lsps: Vec<Lsp>,
    /// What the labels of each provider are of.
    pub labels: Vec<LabelNames>,
    /// What the sessions of each router are called, where they run.
    pub sessions: Vec<RouterSessions>,
    /// The two ends of the links that events can happen to.
    pub event_links: EventLinks,
    /// Instant 0 of the scenario: sessions come up before, if any run.
    pub begin: Instant,
    /// Other traffic that events load ports with.
    pub loads: Vec<LoadStream>,
    /// What looks as if it was not meant.
    pub warnings: Diagnostics,
    /// What an architect would say of the design.
    pub review: Vec<Finding>,
}

impl Compiled {
    /// Lets the cuts and black holes of `scenario` happen to the network, its instant 0 at `begin`: frames are lost on links
    /// from then on, and ports that control planes watch see their signals go. Loads of events of congestion are none of
    /// this.
    pub fn fail_links(&mut self, scenario: &Scenario, begin: Instant) {
        outages::happen(&mut self.network, &self.event_links, &scenario.events, begin);
    }
}

/// The network of `scenario`; or why none can be built, located in its file.
pub fn compile(scenario: &Scenario, options: CompileOptions) -> Result<Compiled, Diagnostics> {
    let mut draft = Draft::new(scenario, options.sessions);
    let mut carriers = Carriers::new(scenario);
    let wiring = wiring::wire(&mut draft, scenario, &mut carriers);
    for (place, site) in wiring.sites.iter().enumerate() {
        for edge in &site.edges {
            edge::configure(&mut draft, scenario, &wiring, SiteId(place), edge, options);
        }
    }
    for connection in &wiring.connections {
        cloud::configure_edge(&mut draft, scenario, &wiring, connection, options);
    }
    for gateway in &wiring.gateways {
        gateway::configure(&mut draft, scenario, &wiring, gateway, options);
    }
    for sdn in &wiring.sdns {
        sdn::configure(&mut draft, scenario, &wiring, sdn, options);
    }
    public::configure(&mut draft, scenario, &wiring);
    for place in 0..scenario.sites.len() {
        public::shared::configure(&mut draft, scenario, &wiring, SiteId(place));
    }
    let mut event_links: EventLinks = carriers.event_links(scenario).collect();
    event_links.extend(place::event_links(&draft, &wiring));
    let (lsps, vpn, labels) = carriers.configure(&mut draft, scenario, &wiring, options);
    let taps: Vec<lsr::Taps> = scenario.routers.iter().map(|router| lsr::build(&mut draft, router)).collect();
    let sessions = match options.sessions {
        Sessions::Static => control::of_providers(&draft, &event_links),
        Sessions::Live => control::configure(&mut draft, scenario, &wiring, &vpn, &event_links)?,
    };
    let runs = sessions.iter().any(|router| !(router.bgp.is_empty() && router.bfd.is_empty()));
    let begin = if runs { Instant::ZERO + scenario.control.settle } else { Instant::ZERO };
    let loads = if options.events { load::wire(&mut draft, scenario, &event_links, begin) } else { Vec::new() };
    let errors = unbuildable(&draft);
    if !errors.is_empty() {
        return Err(Diagnostics::new(scenario.source().clone(), errors));
    }
    let resources = resources::of(&draft, scenario, &wiring);
    let network = draft.finish();
    let faults = network.faults();
    assert!(faults.is_empty(), "a checked scenario compiles to a network that can be run: {faults:?}");
    let mut compiled = Compiled {
        places: place::named(scenario, &wiring, &taps),
        connections: place::connections(scenario, &wiring),
        services: public::named(scenario, &wiring),
        streams: place::streams(scenario, &wiring),
        resources,
        known: KnownPrefixes::new(scenario),
        lsps,
        labels,
        event_links,
        sessions,
        begin,
        loads,
        warnings: scenario.warnings(),
        review: super::review::review(scenario),
        network,
    };
    if options.events {
        compiled.fail_links(scenario, begin);
    }
    Ok(compiled)
}

/// Names that two nodes would have, and nodes with more ports than one can have.
fn unbuildable(draft: &Draft) -> Vec<Diagnostic> {
    let problems = Problems::default();
    let mut seen: std::collections::BTreeMap<&str, Extent> = Default::default();
    for (node, at) in draft.network.nodes.iter().zip(&draft.written) {
        if let Some(first) = seen.insert(&node.name, *at) {
            let twice = Diagnostic::error(*at, format!("two nodes of the network would be called `{}`", node.name));
            let twice = twice.label("one is made for this").also(first, "and one for this");
            problems.report(twice.remedy("give one of the two another name"));
        }
        if node.ports.len() > MAX_PORTS {
            let message = format!("`{}` would have {} ports, and a node has {MAX_PORTS}", node.name, node.ports.len());
            let over = Diagnostic::error(*at, message).label("too many links lead here");
            problems.report(over.remedy("write fewer circuits or networks for it, or spread them over two"));
        }
    }
    problems.into_list()
}

/// A peering of a circuit.
#[derive(Clone, Copy)]
struct Peered<'s> {
    id: CircuitId,
    circuit: &'s Circuit,
    peering: &'s super::Peering,
    /// What Microsoft peering has beyond that.
    microsoft: Option<&'s super::MicrosoftPeering>,
}

/// All peerings of the circuits of `pair`: the private ones first, in the order of the file.
fn all_peered(scenario: &Scenario, pair: super::PairId) -> Vec<Peered<'_>> {
    let circuits = || scenario.circuits.iter().enumerate().filter(move |(_, circuit)| circuit.pair == pair);
    let private = peered(scenario, pair).map(|(id, circuit, peering)| Peered { id, circuit, peering, microsoft: None });
    let public = circuits().filter_map(|(place, circuit)| {
        let microsoft = circuit.microsoft.as_ref()?;
        Some(Peered { id: CircuitId(place), circuit, peering: &microsoft.peering, microsoft: Some(microsoft) })
    });
    private.chain(public).collect()
}

/// The circuits of `pair` that have a private peering, in the order of the file.
fn peered(scenario: &Scenario, pair: super::PairId) -> impl Iterator<Item = (CircuitId, &Circuit, &super::Peering)> {
    let circuits = scenario.circuits.iter().enumerate().filter(move |(_, circuit)| circuit.pair == pair);
    circuits.filter_map(|(place, circuit)| Some((CircuitId(place), circuit, circuit.private.as_ref()?)))
}

/// The tags of a circuit's peering at Microsoft's ports, outermost first; priority 0.
fn microsoft_tags(scenario: &Scenario, circuit: &Circuit, peering: &super::Peering) -> Vec<Tag> {
    let c_tag = Tag::new(0x8100, 0, false, peering.c_tag.get());
    match (scenario.pairs[circuit.pair.index()].encapsulation, circuit.s_tag) {
        (Encapsulation::Qinq { outer_tpid }, Some(s_tag)) => {
            vec![Tag::new(outer_tpid, 0, false, s_tag.get()), c_tag]
        }
        _ => vec![c_tag],
    }
}

/// The same at the customer's ports: Microsoft's own, or what the carrier maps to them.
fn customer_tags(scenario: &Scenario, circuit: &Circuit, peering: &super::Peering, plane: Plane) -> Vec<Tag> {
    let pair = &scenario.pairs[circuit.pair.index()];
    if pair.carrier == Carrier::Direct {
        return microsoft_tags(scenario, circuit, peering);
    }
    let c_tag = Tag::new(0x8100, 0, false, peering.c_tag.get());
    carrier::customer_outer(pair, plane).into_iter().chain([c_tag]).collect()
}

/// The same as the router that has the peering is set to: the customer's, or with an IPVPN the provider's.
fn own_tags(scenario: &Scenario, circuit: &Circuit, peering: &super::Peering, plane: Plane) -> Vec<Tag> {
    let mut tags = match scenario.pairs[circuit.pair.index()].carrier.is_layer_2() {
        true => customer_tags(scenario, circuit, peering, plane),
        false => microsoft_tags(scenario, circuit, peering),
    };
    if let (Some(own), Some(c_tag)) = (peering.customer_c_tag, tags.last_mut()) {
        *c_tag = Tag::new(c_tag.tpid(), 0, false, own.get());
    }
    tags
}

/// The sub-interface of frames with these tags.
fn vlan_key(tags: &[Tag]) -> VlanKey {
    match tags {
        [outer, inner] => VlanKey::Double(outer.vid(), inner.vid()),
        [only] => VlanKey::Single(only.vid()),
        _ => VlanKey::Untagged,
    }
}

/// Whether a peering carries the family of `net`: IPv6 needs subnets of its own.
fn carries(peering: &super::Peering, net: &IpNet) -> bool {
    matches!(net, IpNet::V4(_)) || peering.v6.is_some()
}

/// The default routes.
fn defaults() -> [IpNet; 2] {
    [IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())]
}

#[cfg(test)]
mod tests;
