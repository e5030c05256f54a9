//! The outside of a customer edge router or a virtual network: VRFs of translated addresses, and the ways out there.

use super::super::draft::{Draft, End, route};
use super::super::edge::links_of;
use super::super::place::Plane;
use super::super::wiring::{Edge, PairConnection, Wiring};
use super::super::{carries, defaults, own_tags};
use super::{Owner, advertised, first_v4, servers, share_of_edge};
use crate::id::VrfId;
use crate::node::{NatSpec, PoolSpec, RouterAddresses};
use crate::scenario::Scenario;
use crate::scenario::model::{
    CircuitId, MicrosoftPeering, NatPools, PRIVATE, Service, SiteId, StreamEnd, VnetId, is_public,
};
use crate::table::{FibBuilder, NextHop, PcpRule, TagRule, Translation};
use ipnet::{IpNet, Ipv4Net};

/// Everything outside of one router.
pub(in super::super) struct Outside<'s> {
    scenario: &'s Scenario,
    contexts: Vec<Context<'s>>,
    pools: Vec<PoolSpec>,
}

/// One outside VRF: the ways out that share a pool.
struct Context<'s> {
    vrf: VrfId,
    /// Its pool's number.
    pool: Option<u8>,
    /// The pool, where another router of the site translates for it.
    before: Option<Ipv4Net>,
    leads: Leads<'s>,
    ways: Vec<Way>,
}

/// Where a context leads.
enum Leads<'s> {
    Microsoft(CircuitId, &'s MicrosoftPeering),
    Internet,
}

struct Way {
    plane: Option<Plane>,
    port: End,
    next_hop: NextHop,
}

impl<'s> Outside<'s> {
    /// The outside of a site's edge router, whose own VRFs are `inside` and those before it.
    pub(in super::super) fn of_edge(
        draft: &mut Draft,
        scenario: &'s Scenario,
        wiring: &Wiring,
        (site, edge): (SiteId, &Edge),
        inside: VrfId,
    ) -> Self {
        let mut outside = Outside { scenario, contexts: Vec::new(), pools: Vec::new() };
        let mine = |connection: &&PairConnection| connection.ce.0 == edge.node && connection.up;
        for connection in wiring.connections.iter().filter(mine) {
            for (place, circuit) in scenario.circuits.iter().enumerate() {
                let Some(peering) = circuit.microsoft.as_ref().filter(|_| circuit.pair == connection.pair) else {
                    continue;
                };
                let tags = own_tags(scenario, circuit, &peering.peering, connection.plane);
                let tags = TagRule::push(&tags, PcpRule::Fixed);
                let next_hop = draft.next_hop(connection.ce, scenario.settings.mtu, tags);
                let way = Way { plane: Some(connection.plane), port: connection.ce, next_hop };
                let is_before = wiring.sites[site.index()].nat.is_some();
                outside.add_peering((CircuitId(place), peering), way, (site, inside), is_before);
            }
        }
        let number = wiring.sites[site.index()].edges.iter().position(|known| known.node == edge.node).unwrap_or(0);
        let owner = Owner::Site(site, number);
        let access = scenario.sites[site.index()].internet;
        if let (Some(end), Some(access)) = (wiring.public.access(owner), access) {
            let edges = scenario.sites[site.index()].edges;
            let pool = access.nat.and_then(|pool| share_of_edge(pool.value, number, edges));
            outside.add_internet(draft, (end, scenario.settings.mtu), pool, (StreamEnd::Site(site), inside));
        }
        outside
    }

    /// The outside of a virtual network, whose own VRF is `inside`.
    pub(in super::super) fn of_vnet(
        draft: &mut Draft,
        scenario: &'s Scenario,
        wiring: &Wiring,
        vnet: VnetId,
        inside: VrfId,
    ) -> Self {
        let mut outside = Outside { scenario, contexts: Vec::new(), pools: Vec::new() };
        let access = scenario.vnets[vnet.index()].internet;
        if let (Some(end), Some(access)) = (wiring.public.access(Owner::Vnet(vnet)), access) {
            let pool = access.nat.map(|pool| pool.value);
            let mtu = scenario.vnets[vnet.index()].largest_out(scenario.settings.mtu);
            outside.add_internet(draft, (end, mtu), pool, (StreamEnd::Vnet(vnet), inside));
        }
        outside
    }

    /// A way by a Microsoft peering: to the context of its pool, or to one of its own.
    fn add_peering(
        &mut self,
        (circuit, peering): (CircuitId, &'s MicrosoftPeering),
        way: Way,
        (site, inside): (SiteId, VrfId),
        is_before: bool,
    ) {
        let shared = self.contexts.iter_mut().find(|context| context.is_of(circuit));
        let pool = match (&peering.nat, way.plane, shared) {
            // Before the split the links have a pool in common, or none.
            (NatPools::None | NatPools::Common(_), _, Some(context)) => return context.ways.push(way),
            (NatPools::None, ..) => None,
            (NatPools::Common(pool), ..) => Some(pool.value),
            (NatPools::PerLink([primary, secondary]), plane, _) => {
                Some(plane.unwrap_or(Plane::Primary).of(primary.value, secondary.value))
            }
        };
        let before = pool.filter(|_| is_before && matches!(peering.nat, NatPools::Common(_)));
        let pool = pool.filter(|_| before.is_none());
        self.add(pool, Leads::Microsoft(circuit, peering), way, (StreamEnd::Site(site), inside));
        if let Some(context) = self.contexts.last_mut() {
            context.before = before;
        }
    }

    fn add_internet(
        &mut self,
        draft: &mut Draft,
        (port, mtu): (End, u16),
        pool: Option<Ipv4Net>,
        whose: (StreamEnd, VrfId),
    ) {
        let next_hop = draft.next_hop(port, mtu, TagRule::UNTAGGED);
        self.add(pool, Leads::Internet, Way { plane: None, port, next_hop }, whose);
    }

    fn add(&mut self, pool: Option<Ipv4Net>, leads: Leads<'s>, way: Way, (end, inside): (StreamEnd, VrfId)) {
        // A router has few peerings.
        let vrf = VrfId(inside.0 + 1 + self.contexts.len() as u16);
        let number = pool.map(|addresses| {
            let servers = servers(self.scenario, end, addresses, first_v4(self.scenario, end));
            self.pools.push(PoolSpec { addresses, outside: vrf, inside, servers });
            self.pools.len() as u8 - 1
        });
        self.contexts.push(Context { vrf, pool: number, before: None, leads, ways: vec![way] });
    }

    /// How many VRFs there are outside.
    pub(in super::super) fn vrfs(&self) -> u16 {
        self.contexts.len() as u16
    }

    /// The translation of the router.
    pub(in super::super) fn nat(&self) -> NatSpec {
        NatSpec { pools: self.pools.clone() }
    }

    /// The VRF of what comes by a circuit's Microsoft peering on a plane.
    pub(in super::super) fn peering_vrf(&self, circuit: CircuitId, plane: Plane) -> Option<VrfId> {
        let is_here =
            |context: &&Context<'_>| context.is_of(circuit) && context.ways.iter().any(|way| way.plane == Some(plane));
        self.contexts.iter().find(is_here).map(|context| context.vrf)
    }

    /// Where a circuit's Microsoft peering on a plane is left by: the VRF of translated addresses, and the next hops there
    /// and from inside, of IPv4.
    pub(in super::super) fn forward(&self, circuit: CircuitId, plane: Plane) -> Option<(VrfId, [NextHop; 2])> {
        let of_circuit = self.contexts.iter().filter(|context| context.is_of(circuit));
        let mut ways = of_circuit.flat_map(|context| context.ways.iter().map(move |way| (context, way)));
        let (context, way) = ways.find(|(_, way)| way.plane == Some(plane))?;
        let inwards = context.pool.map(|pool| NextHop::translate(Translation::Outward(pool), way.next_hop.mtu));
        Some((context.vrf, [way.next_hop, inwards.unwrap_or(way.next_hop)]))
    }

    /// The VRF of what comes by `port` from the internet.
    pub(in super::super) fn internet_vrf(&self, port: End) -> Option<VrfId> {
        let internet = self.contexts.iter().find(|context| matches!(context.leads, Leads::Internet))?;
        internet.ways.iter().any(|way| way.port == port).then_some(internet.vrf)
    }

    /// The pools that another router of the site translates to.
    pub(in super::super) fn before(&self) -> impl Iterator<Item = Ipv4Net> {
        self.contexts.iter().filter_map(|context| context.before)
    }

    /// Next hops to `prefix` of a service by Microsoft peerings, for what was not translated yet if it has to be before:
    /// that goes `inwards`, to the router that does it.
    pub(in super::super) fn to_service_inside(
        &self,
        service: &Service,
        prefix: &IpNet,
        inwards: NextHop,
    ) -> Vec<NextHop> {
        let before = |context: &Context<'_>| context.before.is_some() && matches!(prefix, IpNet::V4(_));
        let ways = self.leading(service, prefix);
        ways.flat_map(|context| if before(context) { vec![inwards] } else { context.out(prefix) }).collect()
    }

    /// Next hops to `prefix` of a service by Microsoft peerings.
    pub(in super::super) fn to_service(&self, service: &Service, prefix: &IpNet) -> Vec<NextHop> {
        self.leading(service, prefix).flat_map(|context| context.out(prefix)).collect()
    }

    fn leading<'a>(&'a self, service: &'a Service, prefix: &'a IpNet) -> impl Iterator<Item = &'a Context<'s>> {
        let leads = move |context: &Context<'_>| match context.leads {
            Leads::Microsoft(_, peering) => peering.leads_to(service) && carries(&peering.peering, prefix),
            Leads::Internet => false,
        };
        self.contexts.iter().filter(move |context| leads(context))
    }

    /// Next hops to the internet for addresses like `prefix`; none without a way there.
    pub(in super::super) fn to_internet(&self, prefix: &IpNet) -> Vec<NextHop> {
        let internet = self.contexts.iter().filter(|context| matches!(context.leads, Leads::Internet));
        internet.flat_map(|context| context.out(prefix)).collect()
    }

    /// Fills in the outside VRFs: the ways out, and what is outside of the inside. `inwards` leads to the site's own public
    /// prefixes. The addresses of the router there.
    pub(in super::super) fn configure(
        &self,
        fib: &mut FibBuilder,
        own: &[IpNet],
        inwards: &[NextHop],
    ) -> Vec<RouterAddresses> {
        self.contexts.iter().map(|context| self.configure_context(fib, context, own, inwards)).collect()
    }

    fn configure_context(
        &self,
        fib: &mut FibBuilder,
        context: &Context<'_>,
        own: &[IpNet],
        inwards: &[NextHop],
    ) -> RouterAddresses {
        let vrf = context.vrf;
        let ways: Vec<NextHop> = context.ways.iter().map(|way| way.next_hop).collect();
        let mut addresses = RouterAddresses::default();
        let mut untranslated: Vec<IpNet> = own.iter().copied().filter(is_public).collect();
        match context.leads {
            Leads::Internet => {
                defaults().into_iter().for_each(|default| route(fib, vrf, default, &ways));
            }
            Leads::Microsoft(_, peering) => {
                untranslated.retain(|prefix| advertised(peering, Plane::Primary).contains(prefix));
                for service in self.scenario.services.iter().filter(|service| peering.leads_to(service)) {
                    for prefix in service.prefixes.iter().filter(|prefix| carries(&peering.peering, prefix)) {
                        route(fib, vrf, prefix.value, &ways);
                    }
                }
                for way in &context.ways {
                    for (subnet, customer, _) in links_of(&peering.peering, way.plane.unwrap_or(Plane::Primary)) {
                        route(fib, vrf, subnet, &[way.next_hop]);
                        route(fib, vrf, IpNet::from(customer), &[NextHop::LOCAL]);
                        match customer {
                            std::net::IpAddr::V4(own) => addresses.v4 = addresses.v4.or(Some(own)),
                            std::net::IpAddr::V6(own) => addresses.v6 = addresses.v6.or(Some(own)),
                        }
                    }
                }
            }
        }
        for prefix in untranslated.iter().filter(|prefix| context.pool.is_none() || matches!(prefix, IpNet::V6(_))) {
            route(fib, vrf, *prefix, inwards);
        }
        if let Some(pool) = context.before {
            route(fib, vrf, IpNet::V4(pool), inwards);
        }
        if let Some(pool) = context.pool {
            let net = self.pools[usize::from(pool)].addresses;
            route(
                fib,
                vrf,
                IpNet::V4(net),
                &[NextHop::translate(Translation::Inward(pool), self.scenario.settings.mtu)],
            );
            addresses.v4 = addresses.v4.or(Some(net.network()));
        }
        addresses
    }
}

impl Context<'_> {
    fn is_of(&self, circuit: CircuitId) -> bool {
        matches!(self.leads, Leads::Microsoft(known, _) if known == circuit)
    }

    /// Out from inside: translated, if there is a pool, and then as often as there are ways, so that a peering weighs what
    /// its links do.
    fn out(&self, prefix: &IpNet) -> Vec<NextHop> {
        let way = |way: &Way| match (self.pool, prefix) {
            (Some(pool), IpNet::V4(_)) => NextHop::translate(Translation::Outward(pool), way.next_hop.mtu),
            _ => way.next_hop,
        };
        self.ways.iter().map(way).collect()
    }
}

/// Private addresses, which no default route takes to the internet.
pub(in super::super) fn private() -> impl Iterator<Item = IpNet> {
    PRIVATE.iter().filter_map(|text| text.parse().ok())
}
