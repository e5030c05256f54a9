//! `[vnet.NAME]` and `[gateway.NAME]`: the cloud side.

use super::facts::{Facts, Owner};
use super::{Names, circuit_ref, site, vnet_ref};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{CircuitId, Gateway, Sku, Vnet, VnetId};
use crate::scenario::reader::Table;
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::time::Span;

pub(super) fn vnet(name: Located<String>, mut table: Table<'_>, facts: &mut Facts) -> Option<Vnet> {
    let prefixes = site::prefixes(&mut table, "[\"10.20.0.0/16\"]", &Owner::Vnet(name.value.clone()), facts);
    Some(Vnet { name, prefixes })
}

pub(super) fn gateway(
    name: Located<String>,
    mut table: Table<'_>,
    names: &Names,
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
    Some(Gateway { name, sku, vnets, circuits, delay })
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

/// Between a gateway and the Microsoft edge where none is given: 50 km of fibre. Not a Microsoft figure.
const GATEWAY_DELAY: Span = Span::from_us(250);
