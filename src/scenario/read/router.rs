//! `[router.NAME]`: a router that is given port by port and entry by entry.

use std::collections::BTreeMap;

use super::circuit::{ADMIN, LEAST_BUFFER, MOST_BUFFER, QUEUES};
use super::service::{self, Ports};
use crate::engine::MAX_PORTS;
use crate::port::PortSpec;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::{Admin, Attachment, Router, RouterPort, RouterPortId};
use crate::scenario::reader::Table;
use crate::scenario::source::{Extent, Located};
use crate::scenario::values;
use crate::table::{TtlModel, VlanKey};
use crate::time::{PortSpeed, Span};
use crate::wire::vlan::TPIDS;

pub(super) fn router(name: Located<String>, mut table: Table<'_>) -> Option<Router> {
    table.required("role", "\"lsr\"", values::choice(&[("lsr", ())]));
    let prefix = format!("router.{}", name.value);
    if !table.has("ports") {
        table.report_missing("ports", "{ a = { speed = \"100G\" }, b = { speed = \"100G\" } }");
    }
    let tables = table.named("ports", &format!("{prefix}.ports"));
    let names = Ports(tables.iter().map(|(name, _)| name.clone()).collect());
    if table.has("ports") && names.0.is_empty() {
        let at = table.key_at("ports").unwrap_or(table.at());
        let none = Diagnostic::error(at, format!("{} has no port", table.title())).label("at least one");
        table.report(none.remedy("write `[router.NAME.ports.a]` with `speed = \"100G\"`").absent());
    }
    check_port_names(&table, &names);
    let ports: Vec<Option<RouterPort>> = tables.into_iter().map(|(name, table)| port(name, table)).collect();

    let null_ttl = table.optional("null_ttl", values::choice(service::TTL));
    let labels = table.tables("label", &format!("[[{prefix}.label]]"));
    let labels: Vec<_> = labels.into_iter().map(|entry| service::label_entry(entry, &names)).collect();
    let joined = table.tables("cross_connect", &format!("[[{prefix}.cross_connect]]"));
    let joined: Vec<_> = joined.into_iter().map(|entry| service::cross_connect(entry, &names)).collect();
    let wires = table.tables("pseudowire", &format!("[[{prefix}.pseudowire]]"));
    let wires: Vec<_> = wires.into_iter().map(|entry| service::pseudowire(entry, &names)).collect();
    let routes = table.tables("route", &format!("[[{prefix}.route]]"));
    let routes: Vec<_> = routes.into_iter().map(|entry| service::route(entry, &names)).collect();

    check_labels(&table, labels.iter().flatten().map(|entry| entry.label.map(|label| label.get())), &wires);
    check_attachments(&table, &joined, &wires, &ports);
    check_routes(&table, &routes);
    Some(Router {
        name,
        ports: ports.into_iter().collect::<Option<_>>()?,
        labels: labels.into_iter().collect::<Option<_>>()?,
        cross_connects: joined.into_iter().collect::<Option<_>>()?,
        pseudowires: wires.into_iter().collect::<Option<_>>()?,
        routes: routes.into_iter().collect::<Option<_>>()?,
        null_ttl: null_ttl.map_or(TtlModel::Uniform, |model| model.value),
    })
}

fn check_port_names(table: &Table<'_>, names: &Ports) {
    for name in &names.0 {
        if let Some(fault) = values::name_fault(name) {
            table.report_fault(name.at, fault);
        }
    }
    if let Some(over) = names.0.get(MAX_PORTS) {
        let message = format!("{} has {} ports, more than a router holds", table.title(), names.0.len());
        table.report(Diagnostic::error(over.at, message).remedy(format!("write {MAX_PORTS} at the most")));
    }
}

fn port(name: Located<String>, mut table: Table<'_>) -> Option<RouterPort> {
    let speed = table.required("speed", "\"100G\"", values::port_speed(&PortSpeed::ALL));
    let delay = table.optional("delay", values::delay).map_or(PORT_DELAY, |delay| delay.value);
    let loss_ppb = table.optional("loss", values::share_ppb).map_or(0, |loss| loss.value);
    let mtu = table.optional("mtu", values::octets(1280..=16_000)).map(|mtu| mtu.value);
    let buffer = table.optional("buffer", values::octets(LEAST_BUFFER..=MOST_BUFFER)).map(|buffer| buffer.value);
    let queues = table.optional("queues", values::small(1..=8)).map_or(QUEUES, |queues| queues.value);
    let admin = table.optional("admin", values::choice(ADMIN)).map_or(Admin::Enabled, |admin| admin.value);
    let tpids = match table.has("tpids") {
        true => table.list("tpids", values::tpid(&TPIDS)).into_iter().map(|tpid| tpid.value).collect(),
        false => {
            table.value("tpids");
            vec![0x8100, 0x88a8]
        }
    };
    let (vlans, any_vlan) = service::vlans(&mut table);
    let addresses = table.list("addresses", values::network);
    let speed = speed?.value;
    Some(RouterPort {
        name,
        speed,
        delay,
        loss_ppb,
        // The range ends at 16000.
        mtu: mtu.map_or(PORT_MTU, |mtu| mtu as u16),
        buffer_octets: buffer.unwrap_or(PortSpec::default_buffer(speed)),
        queues,
        admin,
        tpids,
        vlans,
        any_vlan,
        addresses,
    })
}

/// One label means one thing in a router.
fn check_labels(
    table: &Table<'_>,
    labels: impl Iterator<Item = Located<u32>>,
    wires: &[Option<crate::scenario::model::Pseudowire>],
) {
    let back = wires.iter().flatten().filter_map(|wire| wire.label).map(|label| label.map(|label| label.get()));
    let mut seen: BTreeMap<u32, Extent> = Default::default();
    for label in labels.chain(back) {
        match seen.get(&label.value) {
            Some(first) => {
                let twice = Diagnostic::error(label.at, format!("label {} has two entries", label.value));
                let twice = twice.label("and again here").also(*first, "first here");
                table.report(twice.remedy("take one away, or give it another label"));
            }
            None => drop(seen.insert(label.value, label.at)),
        }
    }
}

/// A frame belongs to one service, and a port reads the tags that its services need.
fn check_attachments(
    table: &Table<'_>,
    joined: &[Option<crate::scenario::model::CrossConnect>],
    wires: &[Option<crate::scenario::model::Pseudowire>],
    ports: &[Option<RouterPort>],
) {
    let mut taking: Vec<Attachment> = Vec::new();
    for join in joined.iter().flatten() {
        taking.push(join.from);
        taking.extend(join.both_ways.then_some(join.to));
    }
    taking.extend(wires.iter().flatten().map(|wire| wire.attachment));
    for (place, port) in ports.iter().enumerate() {
        let vlans = port.iter().flat_map(|port| &port.vlans);
        taking.extend(vlans.map(|vlan| Attachment::routed(RouterPortId(place), *vlan)));
    }
    taking.sort_by_key(|attachment| attachment.at);
    let mut seen: BTreeMap<(usize, [u16; 3]), Extent> = BTreeMap::new();
    for this in &taking {
        match seen.get(&(this.port.value.index(), order(this.key))) {
            Some(first) => {
                let twice = Diagnostic::error(this.at, "these frames belong to another service already");
                let twice = twice.label("and again here").also(*first, "first here");
                table.report(twice.remedy("give each service its own port or VLAN"));
            }
            None => drop(seen.insert((this.port.value.index(), order(this.key)), this.at)),
        }
        let tagged = matches!(this.key, VlanKey::Single(_) | VlanKey::Double(..));
        let port = ports.get(this.port.value.index()).and_then(Option::as_ref);
        if let Some(port) = port.filter(|port| tagged && this.tpid != 0 && !port.tpids.contains(&this.tpid)) {
            let message = format!("port `{}` does not read {:#06x} as a tag", port.name.value, this.tpid);
            table.report(
                Diagnostic::error(this.at, message).remedy("add it to the port's `tpids`, or write another `tpid`"),
            );
        }
    }
}

/// A number for each key.
const fn order(key: VlanKey) -> [u16; 3] {
    match key {
        VlanKey::Any => [0, 0, 0],
        VlanKey::Untagged => [1, 0, 0],
        VlanKey::Single(outer) => [2, outer, 0],
        VlanKey::Double(outer, inner) => [3, outer, inner],
    }
}

fn check_routes(table: &Table<'_>, routes: &[Option<crate::scenario::model::Route>]) {
    let mut seen: BTreeMap<ipnet::IpNet, Extent> = Default::default();
    for route in routes.iter().flatten() {
        match seen.get(&route.prefix.value) {
            Some(first) => {
                let twice =
                    Diagnostic::error(route.prefix.at, format!("there are two routes to {}", route.prefix.value));
                let twice = twice.label("and again here").also(*first, "first here");
                table.report(twice.remedy("give one route several ports: `next = [\"b\", \"c\"]`"));
            }
            None => drop(seen.insert(route.prefix.value, route.prefix.at)),
        }
    }
}

/// Delay of the link between a port and its tap where none is given: 200 m of fibre.
const PORT_DELAY: Span = Span::from_us(1);
/// MTU where none is given: provider cores leave room for jumbo frames and labels.
const PORT_MTU: u16 = 9216;
