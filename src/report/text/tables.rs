//! Tables of routers as text.

use super::{finish, table};
use crate::report::tables::{RouterTables, TableFigures};
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
    let mut rows = table(&["", "Network", "NextHop", "LocPrf", "Weight", "Path", "VRF"], 7);
    for row in &router.routes {
        let mark = match (row.best, row.used) {
            (true, _) => "*>",
            (false, true) => "*=",
            (false, false) => "*",
        };
        rows.add_row([
            mark.to_owned(),
            row.network.clone(),
            row.next_hop.clone(),
            row.loc_prf.map_or(String::new(), |preference| preference.to_string()),
            row.weight.to_string(),
            row.path.clone(),
            row.vrf.to_string(),
        ]);
    }
    finish(out, &rows);
}
