//! From the TOML tree to the scenario as meant: one module per kind of table, every error reported, none the last.

mod azure;
mod circuit;
mod control;
mod event;
mod facts;
mod global_reach;
mod peering;
mod provider;
mod public;
mod router;
mod service;
mod session;
mod site;
mod traffic;

use super::diagnostic::{Diagnostic, Problems};
use super::model::{CircuitId, ProviderId, Settings, SiteId, VnetId};
use super::reader::Table;
use super::source::{Extent, Located};
use super::values;
use super::{Scenario, Source};
use crate::time::Span;

pub(super) use circuit::PAIR_KEYS;
pub(super) use event::MOST_EVENTS;
pub(super) use facts::{CircuitFacts, Facts, Owner};
pub(super) use session::MOST_COMMUNITIES;

/// The names that references are resolved by, in the order of the file.
#[derive(Default)]
struct Names {
    sites: Vec<Located<String>>,
    providers: Vec<Located<String>>,
    circuits: Vec<Located<String>>,
    vnets: Vec<Located<String>>,
    services: Vec<Located<String>>,
}

impl Names {
    fn of([sites, providers, circuits, vnets, services]: [&[(Located<String>, Table<'_>)]; 5]) -> Self {
        Names {
            sites: names(sites),
            providers: names(providers),
            circuits: names(circuits),
            vnets: names(vnets),
            services: names(services),
        }
    }
}

/// The scenario in `root`, and what the checks that concern several tables need. `None` where a required value is
/// absent or wrong, which is reported then.
pub(super) fn scenario(mut root: Table<'_>, source: &Source, problems: &Problems) -> (Option<Scenario>, Facts) {
    let name = root.optional("name", values::text).map(|name| name.value);
    let seed = root.optional("seed", values::integer(0..=u64::MAX)).map_or(1, |seed| seed.value);
    let duration =
        root.optional("duration", values::span(Span::from_ns(1), LONGEST_RUN)).map(|duration| duration.value);
    let settings = settings(&mut root);
    let control = control::control(&mut root);
    let mut facts = Facts::default();

    let sites = root.named("site", "site");
    let providers = root.named("provider", "provider");
    let circuits = root.named("circuit", "circuit");
    let vnets = root.named("vnet", "vnet");
    let gateways = root.named("gateway", "gateway");
    let services = root.named("service", "service");
    let reaches = root.tables("global_reach", "[[global_reach]]");
    let routers = root.named("router", "router");
    let streams = root.tables("traffic", "[[traffic]]");
    let events = root.tables("event", "[[event]]");
    refuse_other_parts(&mut root);
    check_kinds(
        [&sites, &providers, &circuits, &vnets, &gateways, &services, &routers],
        (root.at(), circuits.is_empty() && routers.is_empty()),
        problems,
    );
    let names = Names::of([&sites, &providers, &circuits, &vnets, &services]);
    let providers: Vec<_> =
        providers.into_iter().map(|(name, table)| provider::provider(name, table, &names)).collect();
    let (circuits, pairs) = circuit::circuits(circuits, &names, control.carrier, &mut facts);
    let sites: Vec<_> = sites.into_iter().map(|(name, table)| site::site(name, table, &mut facts)).collect();
    let vnets: Vec<_> = vnets.into_iter().map(|(name, table)| azure::vnet(name, table, &names, &mut facts)).collect();
    let services: Vec<_> = services.into_iter().map(|(name, table)| public::service(name, table, &mut facts)).collect();
    let ends = traffic::Ends::new(&names, (&sites, &vnets, &services), (&circuits, &pairs));
    let traffic = traffic::streams(streams, &ends, duration, problems);
    let targets = event::Targets::new(&names, &circuits, &providers);
    let events = event::events(events, &targets, duration, problems);
    let gateways = gateways
        .into_iter()
        .map(|(name, table)| azure::gateway(name, table, &names, settings.mtu, &mut facts))
        .collect();
    let reaches = reaches.into_iter().map(|table| global_reach::global_reach(table, &names, &mut facts)).collect();
    let routers = routers.into_iter().map(|(name, table)| router::router(name, table)).collect();
    let build = || {
        let vnets = all(vnets)?;
        let gateways = azure::with_spokes(all(gateways)?, &vnets);
        Some(Scenario {
            name: name.unwrap_or_else(|| source.name().to_owned()),
            seed,
            duration,
            settings,
            control,
            sites: all(sites)?,
            providers,
            pairs: all(pairs)?,
            circuits: all(circuits)?,
            vnets,
            services: all(services)?,
            gateways,
            global_reaches: all(reaches)?,
            routers: all(routers)?,
            traffic: all(traffic)?,
            events: all(events)?,
            source: source.clone(),
            warnings: Vec::new(),
        })
    };
    (build(), facts)
}

/// The tables that have names: sites, providers, circuits, virtual networks, gateways, services, routers. `at` is the
/// file's place, for what is said if there is nothing to emulate.
fn check_kinds(kinds: [&Vec<(Located<String>, Table<'_>)>; 7], (at, is_nothing): (Extent, bool), problems: &Problems) {
    check_names(kinds.into_iter().flatten().map(|(name, _)| name), problems);
    let most = [
        ("sites", 64),
        ("providers", 16),
        ("circuits", 64),
        ("virtual networks", 256),
        ("gateways", 64),
        ("services", 64),
        ("routers", 64),
    ];
    for (tables, (what, most)) in kinds.into_iter().zip(most) {
        check_count(what, tables, most, problems);
    }
    if is_nothing {
        let nothing = Diagnostic::error(at, "there is nothing to emulate: no circuit and no router");
        problems.report(nothing.remedy("`biplane new direct` prints an example to start from").absent());
    }
}

fn settings(root: &mut Table<'_>) -> Settings {
    let mut settings = Settings { punt_delay: Span::from_us(20), mtu: 1500, icmp: true, hash_seed: None };
    let Some(mut table) = root.table("settings", "[settings]".to_owned()) else { return settings };
    refuse_control_keys(&mut table);
    let punt_delay = values::span(values::LEAST_DELAY, Span::from_s(1));
    if let Some(delay) = table.optional("punt_delay", punt_delay) {
        settings.punt_delay = delay.value;
    }
    if let Some(mtu) = table.optional("mtu", values::octets(1280..=9216)) {
        // The range ends at 9216.
        settings.mtu = mtu.value as u16;
    }
    if let Some(icmp) = table.optional("icmp", values::boolean) {
        settings.icmp = icmp.value;
    }
    settings.hash_seed = table.optional("hash_seed", values::integer(0..=u64::MAX)).map(|seed| seed.value);
    settings
}

/// What belongs elsewhere, and what a scenario may hold one day: refused in words, never passed over.
fn refuse_other_parts(root: &mut Table<'_>) {
    for key in ["punt_delay", "mtu", "icmp", "hash_seed"] {
        root.refuse(key, format!("`{key}` belongs to [settings]"), "write it beneath a line `[settings]`");
    }
    refuse_control_keys(root);
    root.refuse("expect", "expectations are not judged yet: `[[expect]]`", "take it away");
}

fn refuse_control_keys(table: &mut Table<'_>) {
    for key in control::CONTROL_KEYS {
        table.refuse(key, format!("`{key}` belongs to [control]"), "write it beneath a line `[control]`");
    }
}

fn names(tables: &[(Located<String>, Table<'_>)]) -> Vec<Located<String>> {
    tables.iter().map(|(name, _)| name.clone()).collect()
}

fn all<T>(read: Vec<Option<T>>) -> Option<Vec<T>> {
    read.into_iter().collect()
}

/// Names are well formed, and one name means one thing: `--into hq` must not be in doubt.
fn check_names<'n>(names: impl Iterator<Item = &'n Located<String>>, problems: &Problems) {
    let mut seen: std::collections::BTreeMap<String, Extent> = Default::default();
    for name in names {
        if let Some(fault) = values::name_fault(name) {
            problems.report(Diagnostic::error(name.at, fault.message).label(fault.label).remedy(fault.remedy));
        }
        match seen.get(&name.value.to_ascii_lowercase()) {
            Some(first) => {
                let twice = Diagnostic::error(name.at, format!("two things are called `{}`", name.value));
                let twice = twice.label("and again here").also(*first, "first here");
                problems.report(twice.remedy(
                    "give each site, provider, circuit, network, gateway, service and router a name of its own",
                ));
            }
            None => drop(seen.insert(name.value.to_ascii_lowercase(), name.at)),
        }
    }
}

/// No two of the things called `what` have one name; letters of either size are the same.
fn names_once<'n>(what: &str, names: impl Iterator<Item = &'n Located<String>>, problems: &Problems) {
    let mut seen: std::collections::BTreeMap<String, Extent> = Default::default();
    for name in names {
        if let Some(first) = seen.insert(name.value.to_ascii_lowercase(), name.at) {
            let twice = Diagnostic::error(name.at, format!("two {what} are called `{}`", name.value));
            let twice = twice.label("and again here").also(first, "first here");
            problems.report(twice.remedy("give each a `name` of its own"));
        }
    }
}

fn check_count(what: &str, tables: &[(Located<String>, Table<'_>)], most: usize, problems: &Problems) {
    if let Some((name, _)) = tables.get(most) {
        let message = format!("{} {what} are more than one scenario holds", tables.len());
        let over = Diagnostic::error(name.at, message).label(format!("number {}", most + 1));
        problems.report(over.remedy(format!("write {most} {what} at the most")));
    }
}

fn site_ref(names: &Names) -> impl Fn(super::reader::Value<'_>) -> Result<SiteId, super::reader::Fault> + '_ {
    move |value| values::reference("site", &names.sites)(value).map(SiteId)
}

fn provider_ref(names: &Names) -> impl Fn(super::reader::Value<'_>) -> Result<ProviderId, super::reader::Fault> + '_ {
    move |value| values::reference("provider", &names.providers)(value).map(ProviderId)
}

fn circuit_ref(names: &Names) -> impl Fn(super::reader::Value<'_>) -> Result<CircuitId, super::reader::Fault> + '_ {
    move |value| values::reference("circuit", &names.circuits)(value).map(CircuitId)
}

fn vnet_ref(names: &Names) -> impl Fn(super::reader::Value<'_>) -> Result<VnetId, super::reader::Fault> + '_ {
    move |value| values::reference("virtual network", &names.vnets)(value).map(VnetId)
}

/// Picoseconds are counted in 64 bits: 213 days.
const LONGEST_RUN: Span = Span::from_s(200 * 86_400);
