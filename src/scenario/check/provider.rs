//! Checks of providers: that their graphs join what they must, and take what they must carry.

use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Diagnostic, Problems};
use crate::scenario::model::{Carrier, CoreGraph, CoreLink, PortPair, Provider};

/// Providers that nothing uses, and networks of those that are exchanges.
pub(super) fn idle(scenario: &Scenario, problems: &Problems) {
    for (place, provider) in scenario.providers.iter().enumerate() {
        let name = &provider.name.value;
        let has_vpn = scenario
            .pairs
            .iter()
            .any(|pair| !pair.carrier.is_layer_2() && pair.carrier.provider().is_some_and(|of| of.index() == place));
        let mut used = scenario.pairs.iter().map(|pair| &pair.carrier);
        let mut used_by =
            used.by_ref().filter(|carrier| carrier.provider().is_some_and(|of| of.index() == place)).peekable();
        if used_by.peek().is_none() {
            let idle = Diagnostic::warning(provider.name.at, format!("no circuit uses provider `{name}`"));
            problems.report(
                idle.label("carries nothing").remedy("name it as the `provider` of a circuit, or take it away"),
            );
        } else if let Some(key) = provider.core_at
            && used_by.all(|carrier| matches!(carrier, Carrier::Exchange { .. }))
        {
            let message = format!("`{name}` is an exchange, which has no core: `{}`", key.value);
            let idle = Diagnostic::warning(key.at, message).label("without effect");
            problems.report(idle.remedy("take it away; an exchange has `nni_port` and `nni_delay`"));
        } else if let Some(key) = provider.vpn_at
            && !has_vpn
        {
            let message = format!("`{}` is of VPNs, and no circuit by `{name}` is an IPVPN", key.value);
            let idle = Diagnostic::warning(key.at, message).label("without effect");
            problems.report(idle.remedy("take it away, or write a circuit of `model = \"ipvpn\"`"));
        }
    }
}

/// Sites of an IPVPN whose number is the provider's: the session with it would be an internal one, and what one internal
/// neighbour says goes to no other (RFC 4271 §9.2).
pub(super) fn numbers(scenario: &Scenario, problems: &Problems) {
    for pair in scenario.pairs.iter().filter(|pair| !pair.carrier.is_layer_2()) {
        let Some(provider) = pair.carrier.provider().map(|place| &scenario.providers[place.index()]) else { continue };
        for site in pair.sites.iter().map(|site| &scenario.sites[site.index()]) {
            if site.asn.value == provider.asn {
                let (site_name, name) = (&site.name.value, &provider.name.value);
                let message = format!("site `{site_name}` has the number of its provider `{name}`, {}", provider.asn);
                let same = Diagnostic::error(site.asn.at, message).label("not another system");
                let same = same.also(provider.name.at, "the provider");
                problems.report(same.remedy("give one of them another `asn`; that of a provider is 64500 if absent"));
            }
        }
    }
}

/// Graphs that are written have edges for all that they carry, and ways between them.
pub(super) fn graphs(scenario: &Scenario, problems: &Problems) {
    for (place, provider) in scenario.providers.iter().enumerate() {
        let CoreGraph::Written { routers, links, edges, .. } = &provider.core.graph else { continue };
        let carried = scenario.pairs.iter().filter(|pair| {
            let is_core = matches!(pair.carrier, Carrier::Ethernet { .. } | Carrier::IpVpn { .. });
            is_core && pair.carrier.provider().is_some_and(|of| of.index() == place)
        });
        let sites =
            |pair: &PortPair| pair.sites.iter().map(|site| &scenario.sites[site.index()].name).cloned().collect();
        let needed = carried.flat_map(|pair| {
            let mut names: Vec<_> = sites(pair);
            names.push(pair.name.clone());
            names
        });
        let piece = pieces(routers.len(), links);
        let mut first = None;
        for name in needed {
            let Some((_, ends)) = edges.iter().find(|(known, _)| known.value == name.value) else {
                missing_edge(provider, &name.value, problems);
                continue;
            };
            for &end in ends {
                let (known, at) = *first.get_or_insert((end, name.at));
                if piece[end] != piece[known] {
                    let [a, b] = [known, end].map(|router| &routers[router].value);
                    let message = format!("provider `{}` has no path from `{a}` to `{b}`", provider.name.value);
                    let apart = Diagnostic::error(provider.name.at, message).label("in two pieces");
                    let apart = apart.also(at, "joined to one").also(name.at, "joined to the other");
                    problems.report(
                        apart.remedy(format!("write a `[[provider.{}.link]]` between them", provider.name.value)),
                    );
                    return;
                }
            }
        }
    }
}

fn missing_edge(provider: &Provider, name: &str, problems: &Problems) {
    let message = format!("provider `{}` does not say where `{name}` is joined to it", provider.name.value);
    let missing = Diagnostic::error(provider.name.at, message).label(format!("no edge for `{name}`"));
    let remedy = format!("add `{name} = \"p1\"` beneath `[provider.{}.edges]`: a router, or two", provider.name.value);
    problems.report(missing.remedy(remedy));
}

/// Per router a number that all routers have which it has a way to.
fn pieces(routers: usize, links: &[CoreLink]) -> Vec<usize> {
    let mut piece: Vec<usize> = (0..routers).collect();
    for CoreLink { between: [a, b], .. } in links {
        let (old, new) = (piece[*a], piece[*b]);
        piece.iter_mut().filter(|piece| **piece == old).for_each(|piece| *piece = new);
    }
    piece
}

/// A provider's core must take the largest packet with all that is put on it.
pub(super) fn narrow_core(scenario: &Scenario, pair: &PortPair, problems: &Problems) {
    const LABEL: u16 = 4;
    let Some(provider) = pair.carrier.provider().map(|provider| &scenario.providers[provider.index()]) else { return };
    let core = &provider.core;
    let labels = LABEL * if core.entropy { 4 } else { 2 };
    let (what, above) = match pair.carrier {
        Carrier::Direct | Carrier::Exchange { .. } => return,
        // The customer's Ethernet header and inner tag travel along (RFC 4448).
        Carrier::Ethernet { .. } => ("frame", 18 + if core.control_word { 4 } else { 0 }),
        Carrier::IpVpn { .. } => ("packet", 0),
    };
    let needs = scenario.settings.mtu + above + labels;
    if core.mtu < needs {
        let message = format!(
            "the core of `{}` takes {} octets, and the largest {what} of circuit `{}` needs {needs} with its labels",
            provider.name.value, core.mtu, pair.name.value
        );
        let remedy = format!("write `mtu = {needs}` or more with the provider, or a smaller `mtu` in [settings]");
        problems.report(Diagnostic::warning(provider.name.at, message).label("too narrow").remedy(remedy));
    }
}
