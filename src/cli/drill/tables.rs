//! From the tables of control planes to those of the report.

use super::control::{bfd_state, bgp_state};
use super::plan::Plan;
use crate::control::ControlSpec;
use crate::control::rib::PathView;
use crate::control::tables::{BfdRow, BgpRow, Tables};
use crate::engine::Outcome;
use crate::id::NodeId;
use crate::report::{ArpRow, BfdNeighbor, BgpNeighbor, LabelRow, LabelWay, RouteRow, RouterTables, TableFigures};
use crate::scenario::RouterSessions;
use crate::table::{LabelShown, LabelView, NextHop, Target};
use crate::time::Instant;
use crate::wire::ethernet::Mac;
use crate::wire::mpls::Label;

/// The tables of all routers, if they were looked at.
pub(super) fn figures(plan: &Plan, outcome: &Outcome) -> Option<TableFigures> {
    let at = plan.network.look_at?;
    let routers = plan.sessions.iter().filter_map(|sessions| {
        let (name, control) = (&plan.network.nodes[sessions.node.index()].name, plan.control(sessions.node)?);
        let tables = outcome.nodes[sessions.node.index()].tables.as_ref()?;
        let labels = labels(plan, sessions.node, &tables.labels);
        Some(RouterTables { labels, ..of_router(name, control, sessions, tables, at) })
    });
    Some(TableFigures { at_ps: at.since(plan.begin).as_ps(), routers: routers.collect() })
}

fn of_router(name: &str, control: &ControlSpec, names: &RouterSessions, tables: &Tables, at: Instant) -> RouterTables {
    let arp = tables.neighbors.iter().zip(&names.interfaces).flat_map(|(rows, of)| {
        rows.iter().map(|row| ArpRow {
            age_min: row.age_min,
            interface: of.clone(),
            ip_address: row.address.to_string(),
            mac_address: row.mac.map_or_else(|| "Incomplete".to_owned(), dotted),
        })
    });
    let bfd = tables.bfd.iter().zip(&control.bfd).zip(&names.bfd).map(|((row, spec), name)| {
        let BfdRow { state, remote, discriminators, transmit, detection, .. } = *row;
        BfdNeighbor {
            address: spec.remote.to_string(),
            discriminators,
            state: bfd_state(state),
            remote_state: bfd_state(remote),
            interval_ps: transmit.map(|span| span.as_ps()),
            detection_ps: detection.map(|span| span.as_ps()),
            of: name.of.clone(),
        }
    });
    let summary = tables.bgp.iter().zip(&control.bgp).zip(&names.bgp).map(|((row, spec), name)| {
        let BgpRow { state, counts, routes } = row;
        let since = counts.last_change.as_ref().map_or(Instant::ZERO, |(since, _)| *since);
        BgpNeighbor {
            neighbor: spec.session.remote.to_string(),
            remote_as: spec.session.remote_as,
            up_down_ps: at.since(since).as_ps(),
            state: bgp_state(*state),
            prefixes: routes.received as u64,
            of: name.of.clone(),
        }
    });
    let routes = tables.routes.iter().flat_map(|(vrf, routes)| {
        let ways = routes.iter().flat_map(|route| route.paths.iter().map(move |path| (route.prefix, path)));
        ways.map(|(prefix, path)| way(vrf.0, prefix.to_string(), path))
    });
    RouterTables {
        router: name.to_owned(),
        arp: arp.collect(),
        bfd: bfd.collect(),
        summary: summary.collect(),
        routes: routes.collect(),
        labels: Vec::new(),
    }
}

/// The label map of a router, with what the labels are of.
fn labels(plan: &Plan, node: NodeId, map: &[LabelView]) -> Vec<LabelRow> {
    let names = plan.labels.iter().find(|names| names.nodes.contains(&node)).map(|names| &names.of);
    let ports = &plan.network.nodes[node.index()].ports;
    let way = |next_hop: &NextHop| match next_hop.target {
        Target::Port(port) => {
            LabelWay { outgoing: next_hop.push.labels().to_vec(), port: ports[port.index()].name.clone() }
        }
        other => unreachable!("no label leads to {other:?}"),
    };
    let row = |view: &LabelView| LabelRow {
        label: view.label,
        operation: match view.operation {
            LabelShown::Swap => "swap",
            LabelShown::Pop => "pop",
            LabelShown::Lookup(_) => "look up",
            LabelShown::Pseudowire => "pseudowire",
        },
        ways: view.next_hops.iter().map(way).collect(),
        vrf: if let LabelShown::Lookup(vrf) = view.operation { Some(vrf.0) } else { None },
        on_backup: view.is_on_backup,
        of: names.and_then(|names| names.get(&view.label)).cloned().unwrap_or_default(),
    };
    map.iter().map(row).collect()
}

fn way(vrf: u16, network: String, path: &PathView) -> RouteRow {
    RouteRow {
        vrf,
        network,
        next_hop: path.attributes.next_hop.to_string(),
        label: path.label.map(Label::get),
        loc_prf: path.attributes.local_pref,
        weight: path.weight,
        path: path.attributes.as_path.to_string(),
        best: path.is_best,
        used: path.is_best || path.is_multipath,
    }
}

/// As Azure's ARP tables have it: `0221.0001.0203`.
fn dotted(mac: Mac) -> String {
    let [a, b, c, d, e, f] = mac.0;
    format!("{a:02x}{b:02x}.{c:02x}{d:02x}.{e:02x}{f:02x}")
}
