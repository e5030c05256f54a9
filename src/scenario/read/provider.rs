//! `[provider.NAME]`: a connectivity provider, and how a circuit's table says what it gets of one.

mod recovery;

use super::circuit::pair_link;
use super::service::TTL;
use super::{Names, provider_ref, site_ref};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{Access, Carrier, Core, CoreGraph, CoreLink, Nni, Null, PairLink, Provider, SiteId};
use crate::scenario::reader::{Fault, Table};
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::table::TtlModel;
use crate::time::{PortSpeed, Span};
use crate::wire::vlan::Vid;

pub(super) fn provider(name: Located<String>, mut table: Table<'_>, names: &Names) -> Provider {
    let speed = |table: &mut Table<'_>, key: &'static str| {
        table.optional(key, values::port_speed(&PortSpeed::ALL)).map_or(PortSpeed::G100, |port| port.value)
    };
    let delay = |table: &mut Table<'_>, key: &'static str, absent: Span| {
        table.optional(key, values::delay).map_or(absent, |delay| delay.value)
    };
    let first_of = |keys: &[&'static str]| {
        let written = keys.iter().filter_map(|key| Some(Located::new(*key, table.key_at(key)?)));
        written.min_by_key(|key| key.at)
    };
    let (core_at, vpn_at) = (first_of(&CORE_KEYS), first_of(&["asn", "vpn_bfd"]));
    let nni = Nni { port: speed(&mut table, "nni_port"), delay: delay(&mut table, "nni_delay", NNI_DELAY) };
    let (port, delay) = (speed(&mut table, "port"), delay(&mut table, "delay", CORE_DELAY));
    let core = Core {
        graph: graph(&mut table, names, (port, delay)),
        port,
        delay,
        // The range ends at 9216.
        mtu: table.optional("mtu", values::octets(1280..=9216)).map_or(CORE_MTU, |mtu| mtu.value as u16),
        null: table.optional("null", values::choice(NULL)).map_or(Null::Implicit, |null| null.value),
        ttl: table.optional("ttl", values::choice(TTL)).map_or(TtlModel::Pipe { ttl: 255 }, |ttl| ttl.value),
        entropy: table.optional("entropy", values::boolean).is_some_and(|on| on.value),
        control_word: table.optional("control_word", values::boolean).is_none_or(|on| on.value),
        recovery: recovery::recovery(&mut table),
    };
    let asn = table.optional("asn", values::asn).map_or(ASN, |asn| asn.value);
    let vpn_bfd = recovery::vpn_bfd(&mut table);
    Provider { name, asn, vpn_bfd, nni, core, core_at, vpn_at }
}

/// `hops`, or `routers` with their links and edges.
fn graph(table: &mut Table<'_>, names: &Names, (port, delay): (PortSpeed, Span)) -> CoreGraph {
    if !table.has("routers") {
        for key in ["link", "edges"] {
            table.refuse(
                key,
                format!("`{key}` goes with `routers`"),
                "write `routers = [\"p1\", \"p2\"]`, or take it away",
            );
        }
        let hops = table.optional("hops", values::small(0..=8)).map_or(HOPS, |hops| hops.value);
        table.value("routers");
        return CoreGraph::Rows(hops);
    }
    table.refuse("hops", "`hops` makes the routers that are written here", "take it away, or `routers`");
    let routers = table.required_list("routers", "[\"p1\", \"p2\"]", values::text);
    for (place, router) in routers.iter().enumerate() {
        if let Some(fault) = values::name_fault(&router.value) {
            table.report_fault(router.at, fault);
        }
        if let Some(first) = routers[..place].iter().find(|first| first.value == router.value) {
            let twice = Diagnostic::error(router.at, format!("two routers are called `{}`", router.value));
            table.report(twice.label("and again here").also(first.at, "first here").remedy("give one another name"));
        }
    }
    if let Some(over) = routers.get(MOST_ROUTERS) {
        let message = format!("{} routers are more than a provider has here", routers.len());
        let remedy = format!("write {MOST_ROUTERS} at the most");
        table.report_fault(over.at, Fault::new(message, format!("number {}", MOST_ROUTERS + 1), remedy));
    }
    let title = table.title().trim_matches(['[', ']']).to_owned();
    let links = table.tables("link", &format!("[[{title}.link]]")).into_iter();
    let (links, names_of_links) = links.filter_map(|link| core_link(link, &routers, (port, delay))).unzip();
    let edges = match table.table("edges", format!("[{title}.edges]")) {
        Some(edges) => edges_of(edges, names, &routers),
        None => {
            table.report_missing("edges", "{ hq = [\"p1\"], london = [\"p2\", \"p3\"] }");
            Vec::new()
        }
    };
    CoreGraph::Written { routers, links, names: names_of_links, edges }
}

fn core_link(
    mut table: Table<'_>,
    routers: &[Located<String>],
    (port, delay): (PortSpeed, Span),
) -> Option<(CoreLink, Option<Located<String>>)> {
    let name = table.optional("name", values::name);
    let between = table.required_list("between", "[\"p1\", \"p2\"]", values::reference("router", routers));
    let written = table.peek("between").and_then(|value| value.items()).map_or(0, |items| items.len());
    let at = table.key_at("between");
    let link = CoreLink {
        between: [0, 0],
        // The range ends at 65535.
        metric: table.optional("metric", values::integer(1..=65_535)).map_or(METRIC, |metric| metric.value as u32),
        delay: table.optional("delay", values::delay).map_or(delay, |delay| delay.value),
        port: table.optional("port", values::port_speed(&PortSpeed::ALL)).map_or(port, |port| port.value),
    };
    match between[..] {
        [a, b] if written == 2 && a.value != b.value => Some((CoreLink { between: [a.value, b.value], ..link }, name)),
        // What is wrong with one of them has been told.
        _ if written != between.len() => None,
        _ => {
            let message = "a link is between two routers that differ";
            table.report_fault(at?, Fault::new(message, "not two", "write `between = [\"p1\", \"p2\"]`"));
            None
        }
    }
}

fn edges_of(table: Table<'_>, names: &Names, routers: &[Located<String>]) -> Vec<(Located<String>, [usize; 2])> {
    let joined: Vec<Located<String>> = names.sites.iter().chain(&names.circuits).cloned().collect();
    let mut edges = Vec::new();
    for (name, value) in table.pairs() {
        if let Err(fault) = values::named("site or circuit", &joined, name.value) {
            table.report_fault(name.at, fault);
            continue;
        }
        let items = value.items().unwrap_or_else(|| vec![value]);
        let read = items.iter().map(|item| table.accept(*item, values::reference("router", routers)));
        // Each one that is wrong is told.
        let read: Vec<_> = read.collect();
        let Some(read) = read.into_iter().collect::<Option<Vec<_>>>() else { continue };
        let name = Located::new(name.value.to_owned(), name.at);
        match read[..] {
            [one] => edges.push((name, [one.value; 2])),
            [a, b] => edges.push((name, [a.value, b.value])),
            _ => {
                let message = format!("`{}` is joined to {} routers", name.value, read.len());
                table.report_fault(value.at, Fault::new(message, "one or two", "write one router, or two"));
            }
        }
    }
    table.leave();
    edges
}

/// The connectivity models, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Direct,
    Exchange,
    Ethernet,
    IpVpn,
}

/// The words of `model`.
pub(super) const MODELS: &[(&str, Model)] =
    &[("direct", Model::Direct), ("exchange", Model::Exchange), ("ethernet", Model::Ethernet), ("ipvpn", Model::IpVpn)];

impl Model {
    /// The word of it.
    pub(super) fn word(self) -> &'static str {
        MODELS.iter().find(|(_, model)| *model == self).map_or("", |(word, _)| word)
    }
}

/// The sites of a circuit: `site`, or the list `sites` of an IPVPN.
pub(super) fn sites(table: &mut Table<'_>, model: Model, names: &Names) -> Option<Vec<Located<SiteId>>> {
    let (wrong, message, remedy) = match model {
        Model::IpVpn => ("site", "an IPVPN has a list of sites".to_owned(), "write `sites = [\"hq\", \"branch\"]`"),
        _ => ("sites", format!("a circuit of the model \"{}\" has one site", model.word()), "write `site = \"hq\"`"),
    };
    let is_wrong = table.has(wrong);
    table.refuse(wrong, message, remedy);
    // One mistake is told once.
    if is_wrong && !table.has(if wrong == "site" { "sites" } else { "site" }) {
        return None;
    }
    if model != Model::IpVpn {
        return table.required("site", "\"hq\"", site_ref(names)).map(|site| vec![site]);
    }
    let sites = table.required_list("sites", "[\"hq\", \"branch\"]", site_ref(names));
    for (place, site) in sites.iter().enumerate() {
        if let Some(first) = sites[..place].iter().find(|first| first.value == site.value) {
            let twice = Diagnostic::error(site.at, format!("{} names a site twice", table.title()));
            table.report(twice.label("and again here").also(first.at, "first here").remedy("take one away"));
        }
    }
    (!sites.is_empty()).then_some(sites)
}

/// What carries a circuit: its provider, and the tags or the links that it meets the customer with.
pub(super) fn carrier(
    table: &mut Table<'_>,
    model: Model,
    names: &Names,
    (port, link): (Option<PortSpeed>, PairLink),
) -> Option<Carrier> {
    if model == Model::Direct {
        for key in ["provider", "vlan"] {
            let message = format!("`{key}` is of models with a provider, and the model is \"direct\"");
            table.refuse(key, message, "take it away, or write another `model`");
        }
        return Some(Carrier::Direct);
    }
    let provider = table.required("provider", "\"carrier\"", provider_ref(names)).map(|provider| provider.value);
    match model {
        Model::IpVpn => {
            table.refuse("vlan", "the links between sites and an IPVPN have no tags", "take it away");
            table.refuse("encapsulation", "an IPVPN has tags only at Microsoft's ports, QinQ", "take it away");
            Some(Carrier::IpVpn { provider: provider?, access: Access { port: port?, link } })
        }
        Model::Ethernet => {
            table.refuse("encapsulation", "the two virtual circuits have an outer VLAN each: QinQ", "take it away");
            let vlans = outer_vlans(table, true)?;
            Some(Carrier::Ethernet { provider: provider?, vlans })
        }
        _ => {
            let words = values::choice(&[("qinq", true), ("dot1q", false)]);
            if table.optional("encapsulation", words).is_none_or(|is_qinq| is_qinq.value) {
                let vlans = outer_vlans(table, false)?;
                return Some(Carrier::Exchange { provider: provider?, vlans: Some(vlans) });
            }
            table.refuse("vlan", "with one tag on the customer's side that tag is the `c_tag`", "take it away");
            Some(Carrier::Exchange { provider: provider?, vlans: None })
        }
    }
}

/// `vlan`: the customer's outer VLAN, one for both links where they need not differ, or one for each.
fn outer_vlans(table: &mut Table<'_>, must_differ: bool) -> Option<[Vid; 2]> {
    let (example, rule) = match must_differ {
        true => ("[111, 112]", "write `vlan = [111, 112]`: that of the primary, that of the secondary virtual circuit"),
        false => ("310", "write `vlan = 310`, or `vlan = [310, 311]` for primary and secondary"),
    };
    if !table.has("vlan") {
        table.report_missing("vlan", example);
    }
    let at = table.key_at("vlan")?;
    let vlans = table.one_or_many("vlan", values::vid)?;
    match vlans[..] {
        [both] if !must_differ => Some([both.value; 2]),
        [_, secondary] if must_differ && secondary.value == vlans[0].value => {
            let message = format!("both virtual circuits have the outer VLAN {}", secondary.get());
            table.report_fault(secondary.at, Fault::new(message, "the same again", rule));
            None
        }
        [primary, secondary] => Some([primary.value, secondary.value]),
        _ => {
            let message = format!("`vlan` has {}, and there are two links", some_vlans(vlans.len()));
            table.report_fault(at, Fault::new(message, "two", rule));
            None
        }
    }
}

fn some_vlans(count: usize) -> String {
    if count == 1 { "one VLAN".to_owned() } else { format!("{count} VLANs") }
}

/// What differs on one link, in the table `primary` or `secondary` of a circuit; with an IPVPN the link between the
/// provider and Microsoft, whose delay is the provider's.
pub(super) fn links(table: &mut Table<'_>, model: Model, both: PairLink) -> [PairLink; 2] {
    ["primary", "secondary"].map(|key| pair_link(table, key, both, model == Model::IpVpn))
}

const NULL: &[(&str, Null)] = &[("implicit", Null::Implicit), ("explicit", Null::Explicit)];

/// Keys of a provider's network.
const CORE_KEYS: [&str; 16] = [
    "hops",
    "routers",
    "link",
    "edges",
    "port",
    "delay",
    "mtu",
    "null",
    "ttl",
    "entropy",
    "control_word",
    "protection",
    "detection",
    "bfd",
    "reversion_hold",
    "igp_convergence",
];
/// P routers that can be written.
const MOST_ROUTERS: usize = 64;
/// Metric of a link where none is given.
const METRIC: u32 = 10;
/// P routers of a row where nothing is said.
const HOPS: u8 = 2;
/// The autonomous system where none is given.
const ASN: u32 = 64_500;
/// Delays where none is given: 200 km of fibre in the core, 10 km to Microsoft. No provider's figures.
const CORE_DELAY: Span = Span::from_ms(1);
const NNI_DELAY: Span = Span::from_us(50);
/// The core takes labels on a whole Ethernet frame.
const CORE_MTU: u16 = 9216;
