//! Checks of Microsoft peerings, services and the internet: what is advertised to whom, and who translates.

use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::model::{Circuit, MicrosoftPeering, NatPools, Service, Site, is_public};
use ipnet::IpNet;

/// Everything that concerns several tables.
pub(super) fn reachable(scenario: &Scenario, problems: &Problems) {
    for circuit in &scenario.circuits {
        let Some(microsoft) = &circuit.microsoft else { continue };
        route_filter(scenario, circuit, microsoft, problems);
        let pair = &scenario.pairs[circuit.pair.index()];
        for site in &pair.sites {
            let site = &scenario.sites[site.index()];
            sources(site, microsoft, problems);
            documentation_asn(site, microsoft, problems);
        }
    }
    for site in &scenario.sites {
        internet_sources(site, problems);
    }
    for service in &scenario.services {
        way_to(scenario, service, problems);
    }
}

/// Nothing is advertised before a route filter is attached (EXPRESSROUTE: NAT, FAQ).
fn route_filter(scenario: &Scenario, circuit: &Circuit, microsoft: &MicrosoftPeering, problems: &Problems) {
    let name = &circuit.name.value;
    if microsoft.route_filter.is_empty() {
        let message =
            format!("the Microsoft peering of `{name}` has no route filter: no service is advertised over it");
        let none = Diagnostic::warning(microsoft.peering.at, message).label("carries nothing");
        problems.report(none.remedy("add `route_filter = [\"12076:51004\"]`, the `community` of a service"));
    }
    for community in &microsoft.route_filter {
        let has = |service: &Service| service.community.is_some_and(|known| known.value == community.value);
        if !scenario.services.iter().any(has) {
            let unknown =
                Diagnostic::warning(community.at, format!("no service has the community {}", community.value));
            problems.report(
                unknown.label("lets nothing through").remedy("write a `[service.NAME]` with it, or take it away"),
            );
        }
    }
}

/// What goes over Microsoft peering has a public source: its own, or one that it is translated to (EXPRESSROUTE: NAT).
fn sources(site: &Site, microsoft: &MicrosoftPeering, problems: &Problems) {
    for prefix in &microsoft.advertised {
        if !site.prefixes.iter().any(|own| own.value.contains(&prefix.value)) {
            let message = format!("{} is advertised, and site `{}` has no such prefix", prefix.value, site.name.value);
            let wrong = Diagnostic::error(prefix.at, message).label("not the site's").also(site.name.at, "this site");
            problems.report(wrong.remedy("write it into the `prefixes` of the site, or take it away"));
        }
    }
    let is_advertised = |net: &IpNet| microsoft.advertised.iter().any(|known| known.value.contains(net));
    let lost = site.prefixes.iter().find(|net| matches!(net.value, IpNet::V4(_)) && !is_advertised(&net.value));
    if let (NatPools::None, Some(lost)) = (&microsoft.nat, lost) {
        let message = format!(
            "packets from {} cannot take the Microsoft peering: it is not advertised, nor translated",
            lost.value
        );
        let wrong =
            Diagnostic::error(microsoft.peering.at, message).label("no `nat`").also(lost.at, "from here").absent();
        problems.report(wrong.remedy("add `nat = \"203.0.113.64/28\"`, or public `prefixes` of the site"));
    }
}

/// EXPRESSROUTE: routing requirements.
fn documentation_asn(site: &Site, microsoft: &MicrosoftPeering, problems: &Problems) {
    if (64_496..=64_511).contains(&site.asn.value) {
        let message =
            format!("{} is for documentation (RFC 5398), and Microsoft peering does not take it", site.asn.value);
        let wrong = Diagnostic::error(site.asn.at, message).label("not on Microsoft peering");
        let wrong = wrong.also(microsoft.peering.at, "the peering");
        problems.report(wrong.remedy("use your own number, or a private one: 64512 to 65514 (RFC 6996)"));
    }
}

/// Private addresses are unknown to the internet.
fn internet_sources(site: &Site, problems: &Problems) {
    let Some(access) = site.internet else { return };
    let private = site
        .prefixes
        .iter()
        .find(|net| matches!(net.value, IpNet::V4(_)) && net.prefix_len() > 0 && !is_public(&net.value));
    if let (None, Some(private)) = (access.nat, private) {
        let message = format!(
            "{} of site `{}` is private, and its way to the internet has no `nat`",
            private.value, site.name.value
        );
        let missing =
            Diagnostic::error(access.at, message).label("no public address").also(private.at, "private").absent();
        problems.report(missing.remedy("add `nat = \"203.0.113.160/28\"`: the public addresses of the site"));
    }
    if let Some(pool) = access.nat.filter(|pool| site.edges == 2 && pool.prefix_len() == 32) {
        let one = Diagnostic::error(
            pool.at,
            format!("the two edge routers of site `{}` cannot share one address", site.name.value),
        );
        problems.report(one.label("a single address").remedy("write a /31 or more: each router has half of it"));
    }
}

/// Whether anything leads to `service`.
pub(super) fn is_reached(scenario: &Scenario, service: &Service) -> bool {
    let by_internet = scenario.sites.iter().any(|site| site.internet.is_some())
        || scenario.vnets.iter().any(|vnet| vnet.internet.is_some());
    let by_peering = scenario.circuits.iter().filter_map(|circuit| circuit.microsoft.as_ref());
    let by_peering = by_peering.flat_map(|microsoft| &microsoft.route_filter);
    let by_peering = by_peering.into_iter().any(|known| service.community.is_some_and(|own| own.value == known.value));
    by_internet || by_peering
}

/// A service that nobody reaches.
fn way_to(scenario: &Scenario, service: &Service, problems: &Problems) {
    if !is_reached(scenario, service) {
        let remedy = match service.class.is_peered() {
            true => "give it a `community` that a `route_filter` has, or write `[site.NAME.internet]`",
            false => "write `[site.NAME.internet]`: no peering carries services of its class",
        };
        let message = format!("nothing leads to service `{}`", service.name.value);
        problems.report(Diagnostic::warning(service.name.at, message).label("cannot be reached").remedy(remedy));
    }
}
