//! What streams offer to circuits and gateways, reckoned from rates and routes; no frame is made.
//!
//! A stream goes by the circuits that its routers know (`compile`): those of equal preference carry equal shares of it. A
//! sum is the most of any instant, as streams begin and end.

use super::Scenario;
use super::fastpath;
use super::model::{Carrier, CircuitId, Encapsulation, Gateway, PairId, PortPair, SiteId, StreamEnd, Traffic, VnetId};
use crate::time::{Span, WIRE_OVERHEAD_OCTETS};

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
pub(super) struct Part<'s> {
    pub(super) stream: &'s Traffic,
    pub(super) circuit: CircuitId,
    pub(super) way: Way,
    /// Circuits that it is spread over.
    pub(super) of: u64,
}

/// What all streams offer to the circuits, in the order of the file.
pub(super) fn parts(scenario: &Scenario) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for stream in &scenario.traffic {
        let mut add = |circuits: &[CircuitId], way: Way| {
            let of = circuits.len() as u64;
            parts.extend(circuits.iter().map(|&circuit| Part { stream, circuit, way, of }));
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
            _ => {}
        }
    }
    parts
}

impl Scenario {
    /// The most that the hosts of `end` offer at once, in bits per second on the wire, preamble and gap counted, rounded up.
    pub fn offered_bps(&self, end: StreamEnd) -> u64 {
        let mine: Vec<_> = self.traffic.iter().filter(|stream| stream.from == end).map(|stream| (stream, 1)).collect();
        most(mine.into_iter(), |stream| stream.pace().bits_per_s(WIRE_OVERHEAD_OCTETS))
    }
}

/// The most, over all instants, of the sum of `figure` over the streams that run at once, each divided by its number.
fn most<'s>(streams: impl Iterator<Item = (&'s Traffic, u64)> + Clone, figure: impl Fn(&Traffic) -> u64) -> u64 {
    let at = |now: Span| {
        let runs = |stream: &Traffic| stream.begin.value <= now && stream.end.is_none_or(|end| now < end.value);
        let running = streams.clone().filter(|(stream, _)| runs(stream));
        running.map(|(stream, of)| figure(stream).div_ceil(of)).fold(0, u64::saturating_add)
    };
    streams.clone().map(|(stream, _)| at(stream.begin.value)).max().unwrap_or(0)
}

/// The same of the parts that `which` accepts.
pub(super) fn most_of(parts: &[Part<'_>], which: impl Fn(&Part<'_>) -> bool, figure: impl Fn(&Traffic) -> u64) -> u64 {
    let chosen: Vec<(&Traffic, u64)> =
        parts.iter().filter(|part| which(part)).map(|part| (part.stream, part.of)).collect();
    most(chosen.into_iter(), figure)
}

/// Between the sites of a provider, and so not in [`parts`]: what goes from or to `site` by `pair` without coming to
/// Microsoft, with those that do by its circuits.
pub(super) fn at_access(scenario: &Scenario, parts: &[Part<'_>], id: PairId, site: SiteId, way: Way, more: u64) -> u64 {
    let end = StreamEnd::Site(site);
    let is_mine = |stream: &Traffic| match way {
        Way::ToMicrosoft => stream.from == end,
        Way::FromMicrosoft => stream.to == end,
    };
    let by_circuits = parts.iter().filter(|part| part.way == way && scenario.circuits[part.circuit.index()].pair == id);
    let by_circuits = by_circuits.map(|part| (part.stream, part.of));
    let inside = scenario.traffic.iter().filter_map(|stream| {
        let (StreamEnd::Site(a), StreamEnd::Site(b)) = (stream.from, stream.to) else { return None };
        let vpns = || scenario.pairs.iter().filter(|pair| joins(pair, a, b));
        joins(&scenario.pairs[id.index()], a, b).then(|| (stream, vpns().count() as u64))
    });
    let mine: Vec<(&Traffic, u64)> = by_circuits.chain(inside).filter(|(stream, _)| is_mine(stream)).collect();
    most(mine.into_iter(), |stream| stream.pace().bits_per_s(more))
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

/// The share of a stream that passes `gateway` inwards: that of circuits whose FastPath does not take it.
pub(super) fn through<'s>(scenario: &Scenario, gateway: &Gateway, parts: &[Part<'s>]) -> Vec<Part<'s>> {
    let passes = |part: &&Part<'s>| {
        let (Way::ToMicrosoft, StreamEnd::Vnet(vnet)) = (part.way, part.stream.to) else { return false };
        let first = part.stream.template.to.first();
        let is_taken = || {
            let mut prefixes = fastpath::prefixes(scenario, part.circuit).into_iter();
            prefixes.any(|fast| fast.is_taken && fast.vnet == vnet && fast.prefix.contains(&first))
        };
        is_behind(gateway, vnet) && gateway.weight(part.circuit).is_some() && !is_taken()
    };
    parts.iter().filter(passes).copied().collect()
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
