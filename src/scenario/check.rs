//! Checks that concern several tables: addresses, tags, subscriptions, and what nothing reaches; warnings too.

mod cloud;
mod event;
mod provider;
mod public;
mod scope;

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::Scenario;
use super::diagnostic::{Diagnostic, Problems};
use super::model::{Encapsulation, PairId, PortPair, SiteId, StreamEnd};
use super::read::{CircuitFacts, Facts, Owner};
use super::source::{Extent, Located};
use super::units::rate_text;
use crate::time::PortSpeed;
use crate::wire::vlan::Vid;

/// Everything that can be told from the facts, whether or not all tables could be read.
pub(super) fn facts(facts: &Facts, problems: &Problems) {
    prefixes(facts, problems);
    homes(facts, problems);
    cloud::spokes(facts, problems);
    for circuit in &facts.circuits {
        bandwidth(circuit, facts, problems);
        s_tag(circuit, facts, problems);
        c_tags(circuit, facts, problems);
    }
    for pair in 0..facts.pairs.len() {
        tags(PairId(pair), facts, problems);
        subscription(PairId(pair), facts, problems);
    }
}

/// What can be told of a scenario without errors: what it holds to no purpose.
pub(super) fn idle_parts(scenario: &Scenario, problems: &Problems) {
    let warn = |name: &Located<String>, message: String, label: &str, remedy: &str| {
        problems.report(Diagnostic::warning(name.at, message).label(label).remedy(remedy));
    };
    for (place, site) in scenario.sites.iter().enumerate() {
        if !scenario.pairs.iter().any(|pair| pair.serves(SiteId(place))) {
            let message = format!("no circuit starts at site `{}`", site.name.value);
            warn(&site.name, message, "reaches nothing", "write a circuit with this `site`");
        }
    }
    for (place, circuit) in scenario.circuits.iter().enumerate() {
        if circuit.peerings().next().is_none() {
            let message = format!("circuit `{}` has no peering", circuit.name.value);
            let remedy = format!("write `[circuit.{}.private]`", circuit.name.value);
            warn(&circuit.name, message, "carries nothing", &remedy);
        }
        let is_joined = scenario.global_reaches.iter().any(|reach| reach.circuits.iter().any(|c| c.index() == place));
        if circuit.private.is_some()
            && !is_joined
            && !scenario.gateways.iter().any(|gateway| gateway.circuits.iter().any(|c| c.index() == place))
        {
            let message = format!("no gateway is connected to circuit `{}`", circuit.name.value);
            warn(&circuit.name, message, "leads nowhere", "name it in the `circuits` of a gateway");
        }
    }
    cloud::fastpath_room(scenario, problems);
    cloud::thresholds(scenario, problems);
    cloud::global_reaches(scenario, problems);
    public::reachable(scenario, problems);
    scope::reach(scenario, problems);
    scope::counts(scenario, problems);
    for pair in &scenario.pairs {
        unpaired_ipv6(scenario, pair, problems);
        provider::narrow_core(scenario, pair, problems);
    }
    mismatched_tags(scenario, problems);
    provider::idle(scenario, problems);
    provider::numbers(scenario, problems);
    provider::graphs(scenario, problems);
    streams(scenario, problems);
    event::targets(scenario, problems);
    for (place, vnet) in scenario.vnets.iter().enumerate() {
        if !scenario.gateways.iter().any(|gateway| gateway.vnets.iter().any(|v| v.index() == place)) {
            let message = format!("virtual network `{}` is behind no gateway", vnet.name.value);
            warn(&vnet.name, message, "cannot be reached", "name it in the `vnets` of a gateway");
        }
    }
}

/// Peerings whose two ends are set to different tags: it is a fault that one may want to see.
fn mismatched_tags(scenario: &Scenario, problems: &Problems) {
    for circuit in &scenario.circuits {
        for peering in circuit.peerings() {
            let Some(own) = peering.customer_c_tag else { continue };
            let (name, right) = (&circuit.name.value, peering.c_tag.get());
            let message =
                format!("a peering of circuit `{name}` has C-tag {} at one end and {right} at the other", own.get());
            let warning = Diagnostic::warning(own.at, message).label("nothing passes");
            let warning = warning.also(peering.c_tag.at, "Microsoft's end has this one");
            problems.report(warning.remedy("take it away, unless the fault is what you want to see"));
        }
    }
}

/// A virtual network that is behind no gateway has no hosts, and larger packets than the network takes do not arrive.
fn streams(scenario: &Scenario, problems: &Problems) {
    let is_cut_off = |end: StreamEnd| match end {
        StreamEnd::Site(_) | StreamEnd::Service(_) => None,
        StreamEnd::Vnet(vnet) => {
            let behind = scenario.gateways.iter().any(|gateway| gateway.vnets.iter().any(|v| v.value == vnet));
            (!behind).then(|| &scenario.vnets[vnet.index()].name)
        }
    };
    for stream in &scenario.traffic {
        if let Some(vnet) = [stream.from, stream.to].into_iter().find_map(is_cut_off) {
            let message =
                format!("virtual network `{}` is behind no gateway: it has no hosts for a stream", vnet.value);
            let cut_off = Diagnostic::error(stream.at, message).label("ends there").also(vnet.at, "this network");
            problems.report(cut_off.remedy("name the network in the `vnets` of a gateway"));
        }
        let services = [stream.from, stream.to].into_iter().filter_map(|end| match end {
            StreamEnd::Service(service) => Some(&scenario.services[service.index()]),
            _ => None,
        });
        for service in services.filter(|service| !public::is_reached(scenario, service)) {
            let message =
                format!("nothing leads to service `{}`: no stream comes there, or from there", service.name.value);
            let cut_off =
                Diagnostic::error(stream.at, message).label("ends there").also(service.name.at, "this service");
            let remedy = "give it a `community` that a `route_filter` has, or write `[site.NAME.internet]`";
            problems.report(cut_off.remedy(remedy));
        }
        let largest = stream.template.sizes.weights().iter().map(|&(octets, _)| octets).max().unwrap_or(0);
        let packet = largest.saturating_sub(ETHERNET_OCTETS);
        if packet > scenario.settings.mtu {
            let message =
                format!("frames of {largest} octets hold packets over the `mtu` of {}", scenario.settings.mtu);
            let large = Diagnostic::warning(stream.at, message).label("will be dropped, and answered with ICMP errors");
            problems.report(large.remedy("write smaller frames, or `mtu = 9000` beneath `[settings]`"));
        }
    }
}

/// What a frame without tags has beside its packet.
const ETHERNET_OCTETS: u16 = crate::wire::ethernet::HEADER_OCTETS as u16 + crate::wire::ethernet::FCS_OCTETS;

/// IPv6 prefixes of a site need IPv6 subnets on its peerings.
fn unpaired_ipv6(scenario: &Scenario, pair: &PortPair, problems: &Problems) {
    let with_ipv6 = pair.sites.iter().find_map(|site| {
        let site = &scenario.sites[site.index()];
        Some((site, site.prefixes.iter().find(|prefix| matches!(prefix.value, IpNet::V6(_)))?))
    });
    let Some((site, prefix)) = with_ipv6 else { return };
    for circuit in scenario.circuits.iter().filter(|circuit| scenario.pairs[circuit.pair.index()].name == pair.name) {
        if let Some(peering) = circuit.private.as_ref().filter(|peering| peering.v6.is_none()) {
            let message =
                format!("site `{}` has IPv6, and circuit `{}` carries none", site.name.value, circuit.name.value);
            let warning =
                Diagnostic::warning(peering.at, message).label("no `subnets_v6`").also(prefix.at, "IPv6 here");
            problems.report(warning.remedy("add `subnets_v6 = \"2001:db8:ff::/125\"`"));
        }
    }
}

/// A virtual network is behind one gateway.
fn homes(facts: &Facts, problems: &Problems) {
    let mut seen: BTreeMap<&str, Extent> = BTreeMap::new();
    for vnet in &facts.homes {
        match seen.get(vnet.value.as_str()) {
            Some(first) => {
                let message = format!("virtual network `{}` is behind a gateway already", vnet.value);
                let twice = Diagnostic::error(vnet.at, message).label("and again here").also(*first, "first here");
                problems.report(twice.remedy("name it once: a network has one ExpressRoute gateway"));
            }
            None => drop(seen.insert(&vnet.value, vnet.at)),
        }
    }
}

/// Address ranges either lie apart or one holds the other, so that a sweep in order with the stack of those that
/// are still open meets each pair of neighbours once.
fn prefixes(facts: &Facts, problems: &Problems) {
    let mut sorted: Vec<&(Owner, Located<IpNet>)> = facts.prefixes.iter().collect();
    sorted.sort_by_key(|(_, net)| (net.value, net.at));
    let mut open: Vec<&(Owner, Located<IpNet>)> = Vec::new();
    for this in sorted {
        while open.pop_if(|outer| !outer.1.value.contains(&this.1.value)).is_some() {}
        for outer in open.iter().rev() {
            if let Some(diagnostic) = overlap(outer, this) {
                problems.report(diagnostic);
                break;
            }
        }
        open.push(this);
    }
}

/// What is wrong with `inner` lying in `outer`, if anything is.
fn overlap(outer: &(Owner, Located<IpNet>), inner: &(Owner, Located<IpNet>)) -> Option<Diagnostic> {
    let ((outer_owner, outer), (inner_owner, inner)) = (outer, inner);
    let same = outer.value == inner.value;
    let both = if same { inner.value.to_string() } else { format!("{} lies in {}", inner.value, outer.value) };
    let (message, remedy, is_error) = match (outer_owner, inner_owner) {
        (Owner::Peering(_), b) if outer_owner == b => {
            let message = format!("{both}, and {} needs a subnet of its own for each link", b.title());
            (message, "the first subnet is the primary link's, the second the secondary link's", true)
        }
        // A default route or an aggregate on premises is usual: the more specific prefix wins (RFC 1812 §5.2.4.3).
        (Owner::Site(a), b) if outer.prefix_len() == 0 && !same && !matches!(b, Owner::Site(b) if a != b) => {
            return None;
        }
        (a, b) if a == b && same => (format!("{} has {both} twice", a.title()), "take one of the two away", true),
        (a, b) if a == b => {
            let remedy = "take the smaller one away: the larger one holds it";
            (format!("{both}, and {} has both", a.title()), remedy, true)
        }
        (Owner::Site(_), Owner::Peering(_)) if !same => return None,
        (Owner::Site(_), Owner::Site(_) | Owner::Vnet(_)) if !same => {
            let message = format!("{both}: {} is inside {}", inner_owner.title(), outer_owner.title());
            (message, "if that is meant, the more specific prefix wins; else give them ranges apart", false)
        }
        (a, b) => {
            let message = match same {
                true => format!("{both} belongs to {} and to {}", a.title(), b.title()),
                false => format!("{both}: {} is inside {}", b.title(), a.title()),
            };
            (message, "give them ranges that do not overlap", true)
        }
    };
    // The later of the two in the file is the one to point at.
    let (first, later) = if outer.at <= inner.at { (outer.at, inner.at) } else { (inner.at, outer.at) };
    let built = if is_error { Diagnostic::error(later, message) } else { Diagnostic::warning(later, message) };
    Some(built.label("overlaps").also(first, "with this").remedy(remedy))
}

/// A circuit's bandwidth is one of those that its port pair sells (EXPRESSROUTE: ExpressRoute Direct).
fn bandwidth(circuit: &CircuitFacts, facts: &Facts, problems: &Problems) {
    let (Some(bandwidth), Some(pair)) = (circuit.bandwidth, circuit.pair) else { return };
    let Some(pair) = facts.pairs.get(pair.index()) else { return };
    if pair.is_provided {
        return provided_bandwidth(bandwidth, problems);
    }
    let Some(port) = pair.port else { return };
    let skus = bandwidths(port.value);
    if skus.iter().any(|gbps| gbps * GIGA == bandwidth.value) {
        return;
    }
    let listed: Vec<String> = skus.iter().map(|gbps| format!("\"{gbps}G\"")).collect();
    let message = format!(
        "no circuit of {} is sold on a port pair of {}",
        rate_text(bandwidth.value),
        rate_text(port.value.bps())
    );
    let wrong = Diagnostic::error(bandwidth.at, message).label("not on this port").also(port.at, "the port");
    problems.report(wrong.remedy(format!("write one of {}", listed.join(", "))));
}

/// A provider sells these bandwidths (EXPRESSROUTE: circuits).
fn provided_bandwidth(bandwidth: Located<u64>, problems: &Problems) {
    const MEGA: u64 = 1_000_000;
    const SOLD: [(u64, &str); 8] = [
        (50 * MEGA, "50Mbps"),
        (100 * MEGA, "100Mbps"),
        (200 * MEGA, "200Mbps"),
        (500 * MEGA, "500Mbps"),
        (GIGA, "1G"),
        (2 * GIGA, "2G"),
        (5 * GIGA, "5G"),
        (10 * GIGA, "10G"),
    ];
    if !SOLD.iter().any(|(bps, _)| *bps == bandwidth.value) {
        let listed: Vec<String> = SOLD.iter().map(|(_, word)| format!("\"{word}\"")).collect();
        let message = format!("no provider sells a circuit of {}", rate_text(bandwidth.value));
        let wrong = Diagnostic::error(bandwidth.at, message).label("not sold");
        problems.report(wrong.remedy(format!("write one of {}", listed.join(", "))));
    }
}

/// Gigabits per second that circuits on a port pair may have.
const fn bandwidths(port: PortSpeed) -> &'static [u64] {
    match port {
        PortSpeed::G400 => &[5, 10, 40, 100, 200, 400],
        PortSpeed::G100 => &[5, 10, 40, 100],
        _ => &[1, 2, 5, 10],
    }
}

/// QinQ needs an outer tag, and Dot1Q has no place for one.
fn s_tag(circuit: &CircuitFacts, facts: &Facts, problems: &Problems) {
    let pair = circuit.pair.and_then(|pair| facts.pairs.get(pair.index()));
    match (pair.and_then(|pair| pair.encapsulation), circuit.s_tag_at) {
        (Some(Encapsulation::Qinq { .. }), None) => {
            let message = format!("[circuit.{}] has no `s_tag`, and its port pair is QinQ", circuit.name.value);
            let missing = Diagnostic::error(circuit.name.at, message).label("`s_tag` is missing");
            problems
                .report(missing.remedy("add `s_tag = 110`: the outer tag that Microsoft gives the circuit").absent());
        }
        (Some(Encapsulation::Dot1q), Some(at)) => {
            let wrong =
                Diagnostic::error(at, "a Dot1Q port pair has one tag, the `c_tag`: there is no place for `s_tag`");
            let remedy = "take `s_tag` away, or write `encapsulation = \"qinq\"` with the port pair";
            problems.report(wrong.label("not with Dot1Q").remedy(remedy));
        }
        _ => {}
    }
}

/// The tags that tell a pair's circuits and peerings apart: S-tags with QinQ, C-tags with Dot1Q.
fn tags(pair: PairId, facts: &Facts, problems: &Problems) {
    let Some(encapsulation) = facts.pairs[pair.index()].encapsulation else { return };
    let (whose, what, rule) = match encapsulation {
        Encapsulation::Qinq { .. } => {
            ("circuits", "S-tag", "each circuit of a QinQ port pair has an `s_tag` of its own")
        }
        Encapsulation::Dot1q => ("peerings", "C-tag", "each peering on a Dot1Q port pair has a `c_tag` of its own"),
    };
    let circuits = || facts.circuits.iter().filter(|circuit| circuit.pair == Some(pair));
    let tags: Vec<Located<Vid>> = match encapsulation {
        Encapsulation::Qinq { .. } => circuits().filter_map(|circuit| circuit.s_tag).collect(),
        Encapsulation::Dot1q => circuits().flat_map(|circuit| &circuit.c_tags).copied().collect(),
    };
    twice(&tags, &format!("two {whose} of one port pair have the {what}"), rule, problems);
    if encapsulation == Encapsulation::Dot1q && circuits().any(|circuit| circuit.own_c_tags != circuit.c_tags) {
        let own: Vec<Located<Vid>> = circuits().flat_map(|circuit| &circuit.own_c_tags).copied().collect();
        twice(&own, "two peerings of one port pair have, at the customer's end, the C-tag", rule, problems);
    }
}

/// The C-tags of a circuit's two peerings differ, whatever lies around them (EXPRESSROUTE: ExpressRoute Direct).
fn c_tags(circuit: &CircuitFacts, facts: &Facts, problems: &Problems) {
    let pair = circuit.pair.and_then(|pair| facts.pairs.get(pair.index()));
    if pair.and_then(|pair| pair.encapsulation) != Some(Encapsulation::Dot1q) {
        let message = format!("both peerings of circuit `{}` have the C-tag", circuit.name.value);
        twice(&circuit.c_tags, &message, "give each peering of a circuit a `c_tag` of its own", problems);
        if circuit.own_c_tags != circuit.c_tags {
            let message =
                format!("both peerings of circuit `{}` have, at the customer's end, the C-tag", circuit.name.value);
            twice(&circuit.own_c_tags, &message, "give each peering a `customer_c_tag` of its own", problems);
        }
    }
}

/// Reports the tags that are there twice.
fn twice(tags: &[Located<Vid>], message: &str, rule: &str, problems: &Problems) {
    let mut seen: BTreeMap<u16, Extent> = BTreeMap::new();
    for tag in tags {
        match seen.get(&tag.get()) {
            Some(first) => {
                let twice = Diagnostic::error(tag.at, format!("{message} {}", tag.get()));
                problems.report(twice.label("and again here").also(*first, "first here").remedy(rule));
            }
            None => drop(seen.insert(tag.get(), tag.at)),
        }
    }
}

/// The circuits of a pair may add up to twice its speed (EXPRESSROUTE: ExpressRoute Direct, subscribed bandwidth).
fn subscription(pair: PairId, facts: &Facts, problems: &Problems) {
    let Some(port) = facts.pairs[pair.index()].port else { return };
    let most = 2 * port.value.bps();
    let mut sum: u64 = 0;
    for circuit in facts.circuits.iter().filter(|circuit| circuit.pair == Some(pair)) {
        // One that is larger than the port is told by itself.
        let Some(bandwidth) = circuit.bandwidth.filter(|b| b.value <= port.value.bps()) else { continue };
        let before = sum;
        sum = sum.saturating_add(bandwidth.value);
        if sum > most && before <= most {
            let message = format!(
                "the circuits of one port pair add up to {}, over twice the {} of its ports",
                rate_text(sum),
                rate_text(port.value.bps())
            );
            let over = Diagnostic::error(bandwidth.at, message).label("too much with this").also(port.at, "the port");
            problems.report(over.remedy("write smaller circuits, or give one a port pair of its own"));
        }
    }
}

const GIGA: u64 = 1_000_000_000;

#[cfg(test)]
mod tests;
