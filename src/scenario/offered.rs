//! What streams offer to circuits and gateways, reckoned from their rates and where routes lead; no frame is made.
//!
//! A stream goes by the circuits that its routers know (`compile`): those of equal preference carry equal shares of it.
//! A sum is the most of any instant, as streams begin and end.

use super::Scenario;
use super::fastpath;
use super::model::{
    Carrier, CircuitId, Encapsulation, Gateway, PairId, PortPair, ServiceId, SiteId, StreamEnd, Traffic, VnetId,
};
use crate::time::{Span, WIRE_OVERHEAD_OCTETS};
use crate::traffic::stream::StreamPace;
use ipnet::IpNet;

/// Which way a stream passes a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the customer to the Microsoft edge.
    ToMicrosoft,
    /// Back.
    FromMicrosoft,
}

impl Way {
    pub(super) const BOTH: [Way; 2] = [Way::ToMicrosoft, Way::FromMicrosoft];

    /// For messages.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Way::ToMicrosoft => "to Microsoft",
            Way::FromMicrosoft => "from Microsoft",
        }
    }
}

/// A stream, or a share of it, on a circuit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The place among the scenario's.
    stream: usize,
    pub(super) circuit: CircuitId,
    pub(super) way: Way,
    /// Circuits that it is spread over.
    of: u64,
}

/// What all streams offer.
pub(super) struct Offered<'s> {
    scenario: &'s Scenario,
    /// To circuits, in the order of the file.
    pub(super) parts: Vec<Part>,
    /// How fast each stream goes.
    paces: Vec<StreamPace>,
    /// When streams begin and end.
    instants: Vec<Span>,
    /// At each of these instants, what all streams of each site come to on the wire, in bits per second.
    of_sites: Vec<Vec<u64>>,
}

impl<'s> Offered<'s> {
    pub(super) fn new(scenario: &'s Scenario) -> Self {
        let paces: Vec<StreamPace> = scenario.traffic.iter().map(Traffic::pace).collect();
        let ends = scenario.traffic.iter().filter_map(|stream| stream.end);
        let mut instants: Vec<Span> =
            scenario.traffic.iter().map(|stream| stream.begin).chain(ends).map(|at| at.value).collect();
        instants.sort_unstable();
        instants.dedup();
        let of_site = |now: Span, site: SiteId| {
            let running = scenario.traffic.iter().zip(&paces).filter(|(stream, _)| stream.runs_at(now));
            let mine = running.filter(|(stream, _)| stream.from == StreamEnd::Site(site));
            mine.fold(0u64, |sum, (_, pace)| sum.saturating_add(pace.bits_per_s(WIRE_OVERHEAD_OCTETS)))
        };
        let sites = || (0..scenario.sites.len()).map(SiteId);
        let of_sites = instants.iter().map(|now| sites().map(|site| of_site(*now, site)).collect()).collect();
        Offered { scenario, parts: parts(scenario), paces, instants, of_sites }
    }

    /// The most, over all instants, of what the senders of `parts` send at once: the sum of a `rate` of each.
    pub(super) fn most(&self, parts: impl Iterator<Item = Part>, rate: impl Fn(&StreamPace) -> u64) -> u64 {
        let rates: Vec<(Part, u64)> = parts.map(|part| (part, rate(&self.paces[part.stream]))).collect();
        self.most_of(&rates, |instant, (part, rate)| self.leaving(instant, part.stream, *rate).div_ceil(part.of))
    }

    /// The most, over all instants, of the flows that `parts` have at once.
    pub(super) fn most_flows(&self, parts: impl Iterator<Item = Part>) -> u64 {
        let flows = |part: &Part| u64::from(self.scenario.traffic[part.stream].template.flows);
        let flows: Vec<(Part, u64)> = parts.map(|part| (part, flows(&part))).collect();
        self.most_of(&flows, |_, (part, flows)| flows.div_ceil(part.of))
    }

    fn most_of(&self, parts: &[(Part, u64)], figure: impl Fn(usize, &(Part, u64)) -> u64) -> u64 {
        let sum = |(instant, now): (usize, &Span)| {
            let running = parts.iter().filter(|(part, _)| self.scenario.traffic[part.stream].runs_at(*now));
            running.map(|part| figure(instant, part)).fold(0, u64::saturating_add)
        };
        self.instants.iter().enumerate().map(sum).max().unwrap_or(0)
    }

    /// What of a rate leaves the sender's hosts at an instant: all of it, unless the streams of the site come to more than
    /// its ports carry; then each has its share of those. Ports of virtual networks are wide enough for anything.
    fn leaving(&self, instant: usize, stream: usize, rate: u64) -> u64 {
        let StreamEnd::Site(id) = self.scenario.traffic[stream].from else { return rate };
        let site = &self.scenario.sites[id.index()];
        let (ports, offered) = (site.lan.port.bps() * u64::from(site.edges), self.of_sites[instant][id.index()]);
        // No more than the rate.
        (u128::from(rate) * u128::from(ports)).div_ceil(u128::from(offered.max(ports))) as u64
    }

    /// What goes from or to `site` by the provider of `pair`, to Microsoft or from it, and to other sites.
    pub(super) fn at_access(&self, pair: PairId, site: SiteId, way: Way) -> Vec<Part> {
        let scenario = self.scenario;
        let end = StreamEnd::Site(site);
        let is_mine = |part: &Part| match way {
            Way::ToMicrosoft => scenario.traffic[part.stream].from == end,
            Way::FromMicrosoft => scenario.traffic[part.stream].to == end,
        };
        let circuit = |circuit: CircuitId| &scenario.circuits[circuit.index()];
        let of_pair = |part: &Part| part.way == way && circuit(part.circuit).pair == pair;
        let inside = scenario.traffic.iter().enumerate().filter_map(|(number, stream)| {
            let (StreamEnd::Site(a), StreamEnd::Site(b)) = (stream.from, stream.to) else { return None };
            let of = scenario.pairs.iter().filter(|pair| joins(pair, a, b)).count() as u64;
            let here = (0..scenario.circuits.len()).map(CircuitId).find(|id| circuit(*id).pair == pair)?;
            joins(&scenario.pairs[pair.index()], a, b).then_some(Part { stream: number, circuit: here, way, of })
        });
        let by_circuits = self.parts.iter().copied().filter(of_pair);
        by_circuits.chain(inside).filter(is_mine).collect()
    }

    /// The share of a stream that passes `gateway` inwards: that of circuits whose FastPath does not take it.
    pub(super) fn through(&self, gateway: &Gateway) -> Vec<Part> {
        let passes = |part: &Part| {
            let stream = &self.scenario.traffic[part.stream];
            let (Way::ToMicrosoft, StreamEnd::Vnet(vnet)) = (part.way, stream.to) else { return false };
            let first = stream.template.to.first();
            let is_taken = || {
                let mut prefixes = fastpath::prefixes(self.scenario, part.circuit).into_iter();
                prefixes.any(|fast| fast.is_taken && fast.vnet == vnet && fast.prefix.contains(&first))
            };
            is_behind(gateway, vnet) && gateway.weight(part.circuit).is_some() && !is_taken()
        };
        self.parts.iter().copied().filter(passes).collect()
    }
}

/// What all streams offer to the circuits.
fn parts(scenario: &Scenario) -> Vec<Part> {
    let mut parts = Vec::new();
    for (number, stream) in scenario.traffic.iter().enumerate() {
        let mut add = |circuits: &[CircuitId], way: Way| {
            let of = circuits.len() as u64;
            parts.extend(circuits.iter().map(|&circuit| Part { stream: number, circuit, way, of }));
        };
        match (stream.from, stream.to) {
            (StreamEnd::Site(site), StreamEnd::Vnet(vnet)) => {
                add(&between(scenario, stream, site, vnet), Way::ToMicrosoft);
            }
            (StreamEnd::Vnet(vnet), StreamEnd::Site(site)) => {
                add(&preferred(scenario, vnet, between(scenario, stream, site, vnet)), Way::FromMicrosoft);
            }
            (StreamEnd::Site(from), StreamEnd::Site(to)) if !is_in_one_vpn(scenario, from, to) => {
                let joined = joined(scenario, stream, from, to);
                add(&joined.iter().map(|circuits| circuits[0]).collect::<Vec<_>>(), Way::ToMicrosoft);
                add(&joined.iter().map(|circuits| circuits[1]).collect::<Vec<_>>(), Way::FromMicrosoft);
            }
            (StreamEnd::Site(site), StreamEnd::Service(service)) => {
                add(&peered(scenario, stream, site, service), Way::ToMicrosoft);
            }
            (StreamEnd::Service(service), StreamEnd::Site(site)) => {
                add(&peered(scenario, stream, site, service), Way::FromMicrosoft);
            }
            _ => {}
        }
    }
    parts
}

/// The circuits by whose Microsoft peerings a stream between a site and a service goes: all that lead there, or back the one
/// that its public addresses are of. Without any it takes the internet.
fn peered(scenario: &Scenario, stream: &Traffic, site: SiteId, service: ServiceId) -> Vec<CircuitId> {
    let service = &scenario.services[service.index()];
    let leads = |&id: &CircuitId| {
        let Some(peering) = &scenario.circuits[id.index()].microsoft else { return false };
        let to = stream.template.to.first();
        let advertises = || {
            let pools = peering.nat.all().into_iter().map(|pool| IpNet::V4(pool.value));
            pools.chain(peering.advertised.iter().map(|net| net.value)).any(|net| net.contains(&to))
        };
        let is_back = matches!(stream.from, StreamEnd::Service(_));
        scenario.pair_of(id).serves(site) && peering.leads_to(service) && (!is_back || advertises())
    };
    (0..scenario.circuits.len()).map(CircuitId).filter(leads).collect()
}

impl Scenario {
    /// The most that the hosts of `end` offer at once, in bits per second on the wire (preamble and gap count), rounded up.
    pub fn offered_bps(&self, end: StreamEnd) -> u64 {
        let mine: Vec<&Traffic> = self.traffic.iter().filter(|stream| stream.from == end).collect();
        let at = |now: Span| {
            let running = mine.iter().filter(|stream| stream.runs_at(now));
            running.map(|stream| stream.pace().bits_per_s(WIRE_OVERHEAD_OCTETS)).fold(0, u64::saturating_add)
        };
        mine.iter().map(|stream| at(stream.begin.value)).max().unwrap_or(0)
    }
}

/// The circuits between a site and a virtual network that can carry a stream.
fn between(scenario: &Scenario, stream: &Traffic, site: SiteId, vnet: VnetId) -> Vec<CircuitId> {
    let leads = |&circuit: &CircuitId| {
        let at = |gateway: &Gateway| gateway.weight(circuit).is_some() && is_behind(gateway, vnet);
        scenario.pair_of(circuit).serves(site) && scenario.gateways.iter().any(at)
    };
    usable(scenario, stream).filter(leads).collect()
}

fn is_behind(gateway: &Gateway, vnet: VnetId) -> bool {
    gateway.vnets.iter().any(|behind| behind.value == vnet)
}

/// Circuits with a link that is enabled and a peering of the stream's family.
fn usable<'s>(scenario: &'s Scenario, stream: &'s Traffic) -> impl Iterator<Item = CircuitId> + 's {
    let circuits = scenario.circuits.iter().zip((0..).map(CircuitId));
    let carries = move |(circuit, id): (&'s super::Circuit, CircuitId)| {
        let pair = scenario.pair_of(id);
        let is_up = [pair.primary, pair.secondary].iter().any(|link| link.admin == super::Admin::Enabled);
        let peering = circuit.private.as_ref()?;
        (is_up && (stream.template.from.is_ipv4() || peering.v6.is_some())).then_some(id)
    };
    circuits.filter_map(carries)
}

/// The way back takes the highest weight, and four circuits of it at the most.
fn preferred(scenario: &Scenario, vnet: VnetId, circuits: Vec<CircuitId>) -> Vec<CircuitId> {
    let Some(gateway) = scenario.gateways.iter().find(|gateway| is_behind(gateway, vnet)) else { return circuits };
    let highest = circuits.iter().filter_map(|circuit| gateway.weight(*circuit)).max();
    circuits.into_iter().filter(|circuit| gateway.weight(*circuit) == highest).take(Gateway::MOST_SPREAD).collect()
}

/// Whether a provider joins two sites: what goes between them does not come to Microsoft.
fn is_in_one_vpn(scenario: &Scenario, a: SiteId, b: SiteId) -> bool {
    scenario.pairs.iter().any(|pair| joins(pair, a, b))
}

fn joins(pair: &PortPair, a: SiteId, b: SiteId) -> bool {
    !pair.carrier.is_layer_2() && pair.serves(a) && pair.serves(b)
}

/// The pairs of joined circuits that lead from one site to another.
fn joined(scenario: &Scenario, stream: &Traffic, from: SiteId, to: SiteId) -> Vec<[CircuitId; 2]> {
    let usable: Vec<CircuitId> = usable(scenario, stream).collect();
    let both = scenario.global_reaches.iter().flat_map(|reach| {
        let [a, b] = reach.circuits.map(|circuit| circuit.value);
        [[a, b], [b, a]]
    });
    let leads = |[a, b]: &[CircuitId; 2]| {
        let ends = scenario.pair_of(*a).serves(from) && scenario.pair_of(*b).serves(to);
        ends && usable.contains(a) && usable.contains(b)
    };
    both.filter(leads).collect()
}

/// Octets that a frame has more than its stream's at Microsoft's ports: its tags.
pub(super) fn tags_at_microsoft(scenario: &Scenario, pair: PairId) -> u64 {
    match scenario.pairs[pair.index()].encapsulation {
        Encapsulation::Qinq { .. } => 8,
        Encapsulation::Dot1q => 4,
    }
}

/// The same at the customer's ports.
pub(super) fn tags_at_customer(scenario: &Scenario, pair: PairId) -> u64 {
    match scenario.pairs[pair.index()].carrier {
        Carrier::Direct => tags_at_microsoft(scenario, pair),
        Carrier::Exchange { vlans: None, .. } => 4,
        Carrier::Exchange { .. } | Carrier::Ethernet { .. } => 8,
        Carrier::IpVpn { .. } => 0,
    }
}
