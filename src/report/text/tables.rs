//! Tables of routers as text.

use super::{finish, table};
use crate::report::tables::{LabelRow, RouterTables, TableFigures};
use crate::time::Span;
use std::fmt::Write;

/// The tables of all routers.
pub(super) fn tables(out: &mut String, figures: &TableFigures) {
    for router in &figures.routers {
        let _ = writeln!(out, "\n{} at {}\n", router.router, Span::from_ps(figures.at_ps));
        arp(out, router);
        bfd(out, router);
        summary(out, router);
        routes(out, router);
        labels(out, router);
    }
}

fn arp(out: &mut String, router: &RouterTables) {
    let mut rows = table(&["Age", "InterfaceProperty", "IpAddress", "MacAddress"], 4);
    for row in &router.arp {
        rows.add_row([row.age_min.to_string(), row.interface.clone(), row.ip_address.clone(), row.mac_address.clone()]);
    }
    finish(out, &rows);
}

fn bfd(out: &mut String, router: &RouterTables) {
    let mut rows = table(&["NeighAddr", "LD/RD", "RH/RS", "State", "Int", "Holddown"], 6);
    let shown = |ps: Option<u64>| ps.map_or("-".into(), |ps| Span::from_ps(ps).to_string());
    for row in &router.bfd {
        let [own, remote] = row.discriminators;
        rows.add_row([
            row.address.clone(),
            format!("{own}/{remote}"),
            row.remote_state.to_owned(),
            row.state.to_owned(),
            shown(row.interval_ps),
            shown(row.detection_ps),
        ]);
    }
    finish(out, &rows);
}

fn summary(out: &mut String, router: &RouterTables) {
    let mut rows = table(&["Neighbor", "V", "AS", "UpDown", "StatePfxRcd"], 5);
    for row in &router.summary {
        let received = if row.state == "Established" { row.prefixes.to_string() } else { row.state.to_owned() };
        // Whole milliseconds.
        let up_down = Span::from_ps(row.up_down_ps / 1_000_000_000 * 1_000_000_000).to_string();
        rows.add_row([row.neighbor.clone(), "4".to_owned(), row.remote_as.to_string(), up_down, received]);
    }
    finish(out, &rows);
}

fn routes(out: &mut String, router: &RouterTables) {
    // Who has no VPN routes has no labels.
    let has_labels = router.routes.iter().any(|row| row.label.is_some());
    let labels = if has_labels { &["Label"][..] } else { &[] };
    let heads = [&["", "Network", "NextHop"][..], labels, &["LocPrf", "Weight", "Path", "VRF"]].concat();
    let mut rows = table(&heads, heads.len());
    for row in &router.routes {
        let mark = match (row.best, row.used) {
            (true, _) => "*>",
            (false, true) => "*=",
            (false, false) => "*",
        };
        let label = has_labels.then(|| row.label.map_or(String::new(), |label| label.to_string()));
        let rest = [
            row.loc_prf.map_or(String::new(), |preference| preference.to_string()),
            row.weight.to_string(),
            row.path.clone(),
            row.vrf.to_string(),
        ];
        let first = [mark.to_owned(), row.network.clone(), row.next_hop.clone()];
        rows.add_row(first.into_iter().chain(label).chain(rest));
    }
    finish(out, &rows);
}

fn labels(out: &mut String, router: &RouterTables) {
    let mut rows = table(&["Local", "Outgoing", "Interface", "Prefix or Tunnel Id", "State"], 5);
    for row in &router.labels {
        let state = if row.on_backup { "on bypass" } else { "" };
        for (outgoing, interface) in ways(row) {
            rows.add_row([row.label.to_string(), outgoing, interface, row.of.clone(), state.to_owned()]);
        }
    }
    finish(out, &rows);
}

/// The outgoing labels and the interface of each way of an entry, in the words of routers.
fn ways(row: &LabelRow) -> Vec<(String, String)> {
    if let Some(vrf) = row.vrf {
        return vec![("No Label".to_owned(), format!("vrf {vrf}"))];
    }
    let outgoing = |labels: &[u32]| match (row.operation, labels) {
        ("pseudowire", _) => "No Label".to_owned(),
        (_, []) => "Pop Label".to_owned(),
        (_, labels) => labels.iter().map(u32::to_string).collect::<Vec<_>>().join("/"),
    };
    row.ways.iter().map(|way| (outgoing(&way.outgoing), way.port.clone())).collect()
}
