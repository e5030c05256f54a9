//! `[vnet.NAME]` and `[gateway.NAME]`: the cloud side.

use ipnet::IpNet;

use super::facts::{Facts, Owner, Spoke};
use super::{Names, circuit_ref, public, site, vnet_ref};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::fastpath::size;
use crate::scenario::model::{CircuitId, Gateway, GatewayLimits, Sku, Vnet, VnetId};
use crate::scenario::reader::{Table, Value};
use crate::scenario::source::{Extent, Located};
use crate::scenario::values;
use crate::time::{PS_PER_S, Span};

pub(super) fn vnet(name: Located<String>, mut table: Table<'_>, names: &Names, facts: &mut Facts) -> Option<Vnet> {
    let prefixes = site::prefixes(&mut table, "[\"10.20.0.0/16\"]", &Owner::Vnet(name.value.clone()), facts);
    let addresses = table.optional("addresses", values::integer(0..=u64::from(u32::MAX)));
    if let Some(addresses) = addresses {
        check_room(&table, addresses, &prefixes);
    }
    let peered_with = table.optional("peered_with", vnet_ref(names));
    if let Some((hub, known)) = peered_with.and_then(|hub| Some((hub, names.vnets.get(hub.index())?))) {
        facts.spokes.push(Spoke { name: name.clone(), hub: Located::new(known.value.clone(), hub.at) });
    }
    let fragment_at = table.optional("fragment_at", values::integer(576..=9216));
    let region = table.optional("region", values::text);
    let geo = table.optional("geo", values::text);
    let internet = public::internet(&name, &mut table, None, facts);
    if let Some(access) = internet.filter(|access| access.nat.is_none()) {
        let missing = Diagnostic::error(access.at, format!("the way of `{}` to the internet has no `nat`", name.value));
        let missing = missing.label("private addresses cannot go there").absent();
        table.report(missing.remedy("add `nat = \"203.0.113.128/30\"`: the public addresses of the network"));
    }
    let addresses = addresses.map_or(0, |addresses| addresses.value);
    // The range ends at 9216.
    let fragment_at = fragment_at.map(|octets| octets.map(|octets| octets as u16));
    Some(Vnet { name, prefixes, addresses, peered_with, fragment_at, region, geo, internet })
}

/// There are no more addresses in use than the prefixes hold.
fn check_room(table: &Table<'_>, addresses: Located<u64>, prefixes: &[Located<IpNet>]) {
    let room = prefixes.iter().fold(0u64, |room, prefix| room.saturating_add(size(&prefix.value)));
    if addresses.value > room && !prefixes.is_empty() {
        let message =
            format!("{} has {} addresses in use, and its prefixes hold {room}", table.title(), addresses.value);
        let over = Diagnostic::error(addresses.at, message).label("more than there are");
        table.report(over.remedy("write fewer, or more `prefixes`"));
    }
}

/// Gateways with the networks that are peered with theirs, after their own.
pub(super) fn with_spokes(mut gateways: Vec<Gateway>, vnets: &[Vnet]) -> Vec<Gateway> {
    for gateway in &mut gateways {
        let own = gateway.vnets.clone();
        let spokes = vnets.iter().enumerate().filter_map(|(place, vnet)| Some((VnetId(place), vnet.peered_with?)));
        let of_own = spokes.filter(|(_, hub)| own.iter().any(|vnet| vnet.value == hub.value));
        gateway.vnets.extend(of_own.map(|(spoke, hub)| Located::new(spoke, hub.at)));
    }
    gateways
}

pub(super) fn gateway(
    name: Located<String>,
    mut table: Table<'_>,
    names: &Names,
    mtu: u16,
    facts: &mut Facts,
) -> Option<Gateway> {
    let word = table.required("sku", "\"ErGw3Az\"", values::choice(SKUS));
    let units = table.optional("units", values::small(1..=40));
    let vnets = table.required_list("vnets", "[\"prod\"]", vnet_ref(names));
    let home =
        |vnet: &Located<VnetId>| names.vnets.get(vnet.index()).map(|name| Located::new(name.value.clone(), vnet.at));
    facts.homes.extend(vnets.iter().filter_map(home));
    let (circuits, weights) = connections(&mut table, names);
    let delay = table.optional("delay", values::delay).map_or(GATEWAY_DELAY, |delay| delay.value);
    let instances = table.optional("instances", values::small(1..=16)).map_or(INSTANCES, |instances| instances.value);
    let (limits, burst_at) = limits(&mut table);
    check_twice(&table, &circuits, &names.circuits);
    let sku = match (word?.value, units) {
        (Sku::ErGwScale(_), units) => Sku::ErGwScale(units.map_or(1, |units| units.value)),
        (sku, None) => sku,
        (sku, Some(units)) => {
            let wrong = Diagnostic::error(units.at, "only the SKU ErGwScale has `units`").label("not with this SKU");
            table.report(wrong.remedy("take `units` away, or write `sku = \"ErGwScale\"`"));
            sku
        }
    };
    check_circuits(&table, sku, &circuits);
    let fastpath = fastpath(&mut table, sku);
    if let Some(limits) = limits {
        check_burst(&table, sku, instances, (limits.burst, burst_at), mtu);
    }
    Some(Gateway { name, sku, vnets, circuits, weights, fastpath, delay, instances, limits })
}

/// A circuit by its name, or a table of name and weight.
enum Connection<'t> {
    Named(CircuitId),
    Table(Value<'t>),
}

/// The circuits that the gateway is connected to, and the weights of the connections.
fn connections(table: &mut Table<'_>, names: &Names) -> (Vec<Located<CircuitId>>, Vec<u16>) {
    let written = table.required_list("circuits", "[\"london\"]", |value| match value.value.is_table() {
        true => Ok(Connection::Table(value)),
        false => circuit_ref(names)(value).map(Connection::Named),
    });
    let title = format!("a connection of {}", table.title());
    let read = |connection: Located<Connection<'_>>| match connection.value {
        Connection::Named(circuit) => Some((Located::new(circuit, connection.at), 0)),
        Connection::Table(value) => {
            let mut inner = table.inline(value, &title)?;
            let circuit = inner.required("name", "\"london\"", circuit_ref(names));
            // Microsoft's range ends at 32000.
            let weight = inner.optional("weight", values::integer(0..=32_000)).map_or(0, |weight| weight.value as u16);
            Some((circuit?, weight))
        }
    };
    written.into_iter().filter_map(read).unzip()
}

/// Whether FastPath is on; only the larger sizes can have it (EXPRESSROUTE: About ExpressRoute FastPath).
fn fastpath(table: &mut Table<'_>, sku: Sku) -> bool {
    let Some(on) = table.optional("fastpath", values::boolean).filter(|on| on.value) else { return false };
    if !sku.has_fastpath() {
        let units = if let Sku::ErGwScale(units) = sku { format!(" of {units} scale units") } else { String::new() };
        let word = SKUS.iter().find(|(_, known)| std::mem::discriminant(known) == std::mem::discriminant(&sku));
        let message = format!("FastPath is not available with {}{units}", word.map_or("this SKU", |(word, _)| *word));
        let wrong = Diagnostic::error(on.at, message).label("not with this SKU");
        table.report(wrong.remedy("FastPath needs UltraPerf, ErGw3Az, or ErGwScale with 10 scale units or more"));
    }
    true
}

/// How the limits bind, and where `burst` is written.
fn limits(table: &mut Table<'_>) -> (Option<GatewayLimits>, Extent) {
    let on = table.optional("limits", values::boolean).is_none_or(|on| on.value);
    let burst = table.optional("burst", values::span(Span::from_us(1), Span::from_s(10)));
    let flow_timeout = table.optional("flow_timeout", values::span(Span::from_ms(1), Span::from_s(86_400)));
    if on {
        let limits = GatewayLimits {
            burst: burst.map_or(BURST, |burst| burst.value),
            flow_timeout: flow_timeout.map(|timeout| timeout.value),
        };
        return (Some(limits), burst.map_or(table.at(), |burst| burst.at));
    }
    for (key, at) in [("burst", burst.map(|b| b.at)), ("flow_timeout", flow_timeout.map(|t| t.at))] {
        if let Some(at) = at {
            let unused = Diagnostic::error(at, format!("`{key}` belongs to the limits, and they are off"));
            table.report(unused.label("without effect").remedy(format!("take `limits` away, or `{key}`")));
        }
    }
    (None, table.at())
}

/// The burst of one instance holds the largest frame, or none would ever pass.
fn check_burst(table: &Table<'_>, sku: Sku, instances: u8, (burst, at): (Span, Extent), mtu: u16) {
    let limits = sku.limits();
    let share =
        |per_s: u64| u128::from(per_s) * u128::from(burst.as_ps()) / u128::from(PS_PER_S) / u128::from(instances);
    let (octets, packets) = (share(limits.bps) / 8, share(limits.pps));
    if octets >= u128::from(mtu) + 18 && packets >= 1 {
        return;
    }
    let message = format!(
        "a burst of {burst} is {octets} octets and {packets} packets for each of {instances} instances: no frame of the \
         MTU ever passes"
    );
    table.report(Diagnostic::error(at, message).label("too little").remedy("write a longer `burst`, like \"5ms\""));
}

fn check_twice(table: &Table<'_>, circuits: &[Located<CircuitId>], names: &[Located<String>]) {
    for (place, circuit) in circuits.iter().enumerate() {
        if let Some(first) = circuits[..place].iter().find(|first| first.value == circuit.value) {
            let name = names.get(circuit.index()).map_or("", |name| name.value.as_str());
            let twice = Diagnostic::error(circuit.at, format!("{} names circuit `{name}` twice", table.title()));
            table.report(twice.label("and again here").also(first.at, "first here").remedy("take one away"));
        }
    }
}

/// A gateway takes as many circuits as its size allows (EXPRESSROUTE: gateways).
fn check_circuits(table: &Table<'_>, sku: Sku, circuits: &[Located<CircuitId>]) {
    let most = sku.limits().circuits;
    if let Some(over) = circuits.get(most) {
        let message = format!("{} has {} circuits, and its SKU takes {most}", table.title(), circuits.len());
        let over = Diagnostic::error(over.at, message).label(format!("number {}", most + 1));
        table.report(over.remedy("choose a larger `sku`, or fewer circuits"));
    }
}

const SKUS: &[(&str, Sku)] = &[
    ("Standard", Sku::Standard),
    ("HighPerf", Sku::HighPerf),
    ("UltraPerf", Sku::UltraPerf),
    ("ErGw1Az", Sku::ErGw1Az),
    ("ErGw2Az", Sku::ErGw2Az),
    ("ErGw3Az", Sku::ErGw3Az),
    ("ErGwScale", Sku::ErGwScale(1)),
];

/// Instances where nothing is said: a gateway has at least two (FAQ); the figure is not Microsoft's.
const INSTANCES: u8 = 2;
/// How much passes at once where nothing is said. Microsoft publishes no figure.
const BURST: Span = Span::from_ms(5);
/// Between a gateway and the Microsoft edge where none is given: 50 km of fibre. Not a Microsoft figure.
const GATEWAY_DELAY: Span = Span::from_us(250);
