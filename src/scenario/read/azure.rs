//! `[vnet.NAME]` and `[gateway.NAME]`: the cloud side.

use super::facts::{Facts, Owner};
use super::{Names, circuit_ref, site, vnet_ref};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{CircuitId, Gateway, GatewayLimits, Sku, Vnet, VnetId};
use crate::scenario::reader::Table;
use crate::scenario::source::{Extent, Located};
use crate::scenario::values;
use crate::time::{PS_PER_S, Span};

pub(super) fn vnet(name: Located<String>, mut table: Table<'_>, facts: &mut Facts) -> Option<Vnet> {
    let prefixes = site::prefixes(&mut table, "[\"10.20.0.0/16\"]", &Owner::Vnet(name.value.clone()), facts);
    Some(Vnet { name, prefixes })
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
    let circuits = table.required_list("circuits", "[\"london\"]", circuit_ref(names));
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
    if let Some(limits) = limits {
        check_burst(&table, sku, instances, (limits.burst, burst_at), mtu);
    }
    Some(Gateway { name, sku, vnets, circuits, delay, instances, limits })
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
