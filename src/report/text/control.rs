//! Control planes as text: whether sessions were up, and what happened from the start on.

use super::{count, finish, of, table};
use crate::report::control::{ControlEvent, ControlFigures, ControlNews, SessionId};
use crate::time::Span;
use std::fmt::Write;

/// The part of the report on control planes.
pub(super) fn control(out: &mut String, control: &ControlFigures) {
    let all = control.sessions.len() as u64;
    let up = control.sessions.iter().filter(|session| is_up(session.state_at_start)).count() as u64;
    let settled = Span::from_ps(control.settle_ps);
    if all > 0 {
        let _ = writeln!(out, "Sessions: {} of {} up at the start, after {settled}", count(up), of(all, "end"));
    }
    for session in control.sessions.iter().filter(|session| !is_up(session.state_at_start)) {
        let _ = writeln!(out, "  {}: {} is {}", session.router, name(&session.session), session.state_at_start);
    }
    let mut rows = table(&["Time", "Router", "Event"], 3);
    let told = rows_of(&control.events);
    told.iter().take(MOST_ROWS).for_each(|row| _ = rows.add_row(row.clone()));
    if rows.row_iter().next().is_some() {
        out.push('\n');
    }
    finish(out, &rows);
    if let Some(more) = told.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        let _ = writeln!(out, "  and {} more: --json has all of them\n", count(more as u64));
    }
    if told.is_empty() {
        out.push('\n');
    }
}

fn is_up(state: &str) -> bool {
    matches!(state, "Up" | "Established")
}

/// The line on control traffic.
pub(super) fn traffic(out: &mut String, control: &ControlFigures) {
    let lost = match control.dropped {
        0 => String::new(),
        dropped => {
            let drops = control.drops.iter().map(|loss| format!("{} {}", loss.place, loss.reason));
            format!(", {} lost ({})", count(dropped), drops.collect::<Vec<_>>().join(", "))
        }
    };
    let since = match control.settle_ps {
        0 => String::new(),
        ps => format!(", from {} before the start on", Span::from_ps(ps)),
    };
    let _ = writeln!(out, "Control traffic{since}: {} sent{lost}", of(control.sent, "frame"));
}

/// Rows of what happened from the start on; routes of one instant and router with the same ports are one row.
fn rows_of(events: &[ControlEvent]) -> Vec<[String; 3]> {
    let mut rows: Vec<[String; 3]> = Vec::new();
    let from_start: Vec<&ControlEvent> = events.iter().filter(|event| event.at_ps >= 0).collect();
    let same = |one: &&ControlEvent, next: &&ControlEvent| {
        let ports = |event: &ControlEvent| match &event.what {
            ControlNews::Route { ports, .. } => Some(ports.clone()),
            _ => None,
        };
        (one.at_ps, &one.router) == (next.at_ps, &next.router) && ports(one).is_some() && ports(one) == ports(next)
    };
    for group in from_start.chunk_by(same) {
        let first = group[0];
        let mut routes: Vec<Route<'_>> = group.iter().filter_map(|event| route(event)).collect();
        // VRFs that follow the same routes.
        routes.sort_unstable_by_key(|route| (route.prefix, route.vrf));
        let vrfs = if is_told_apart(&from_start, first, &routes) { vrfs(&routes) } else { String::new() };
        routes.dedup_by_key(|route| route.prefix);
        let prefixes: Vec<&str> = routes.iter().map(|route| route.prefix).collect();
        let Some(text) = text(&first.what, &prefixes) else { continue };
        let time = Span::from_ps(first.at_ps.unsigned_abs()).to_string();
        rows.push([time, first.router.clone().unwrap_or_else(|| "-".into()), format!("{text}{vrfs}")]);
    }
    rows
}

/// A change of a route.
struct Route<'e> {
    prefix: &'e str,
    vrf: u16,
    ports: &'e [String],
}

fn route(event: &ControlEvent) -> Option<Route<'_>> {
    match &event.what {
        ControlNews::Route { vrf, prefix, ports } => Some(Route { prefix, vrf: *vrf, ports }),
        _ => None,
    }
}

/// Whether another VRF of the router has another way to one of these prefixes at the same instant.
fn is_told_apart(all: &[&ControlEvent], first: &ControlEvent, routes: &[Route<'_>]) -> bool {
    let then = all.iter().filter(|event| (event.at_ps, &event.router) == (first.at_ps, &first.router));
    let others: Vec<Route<'_>> = then.filter_map(|event| route(event)).collect();
    let differs = |one: &Route<'_>| others.iter().any(|other| other.prefix == one.prefix && other.ports != one.ports);
    routes.iter().any(differs)
}

fn vrfs(routes: &[Route<'_>]) -> String {
    let mut vrfs: Vec<u16> = routes.iter().map(|route| route.vrf).collect();
    vrfs.sort_unstable();
    vrfs.dedup();
    let word = if vrfs.len() == 1 { "VRF" } else { "VRFs" };
    format!(", in {word} {}", vrfs.iter().map(u16::to_string).collect::<Vec<_>>().join(", "))
}

/// `None` of what is of no interest by itself.
fn text(what: &ControlNews, prefixes: &[&str]) -> Option<String> {
    Some(match what {
        ControlNews::Scenario { name, begins: true } => format!("{name}: begins"),
        ControlNews::Scenario { name, begins: false } => format!("{name}: is over"),
        ControlNews::Signal { port, lost: true } => format!("{port}: signal lost"),
        ControlNews::Signal { port, lost: false } => format!("{port}: signal back"),
        ControlNews::Port { port, up } => format!("{port}: port {}", if *up { "up" } else { "down" }),
        ControlNews::Neighbor { of, address, state: "incomplete", .. } => {
            format!("{address} does not answer ARP or neighbour discovery: Incomplete ({of})")
        }
        ControlNews::Neighbor { .. } => return None,
        // The steps of coming up.
        ControlNews::Session { from, to, .. } if !is_up(from) && !is_up(to) => return None,
        ControlNews::Session { session, from, to, why, false_failover } => {
            let falsely = if *false_failover { "; a false failover: nothing was cut" } else { "" };
            format!("{}: {from} to {to}, {why}{falsely}", name(session))
        }
        ControlNews::Switched { port, to_backup, next_hops } => {
            let way = if *to_backup { "local repair, by the bypass" } else { "by the link again" };
            format!("{port}: {way}, {}", of(*next_hops, "next hop"))
        }
        ControlNews::Reconverged { changed: 0, .. } => return None,
        ControlNews::Reconverged { avoided, changed } => {
            let without = match avoided {
                0 => "all links are used again".to_owned(),
                some => format!("paths avoid {}", of(*some, "link")),
            };
            format!("reconverged: {without}, {changed} of its next hops and labels changed")
        }
        ControlNews::Route { ports, .. } => {
            let more = match prefixes.len() {
                0..=2 => prefixes.join(", "),
                all => format!("{} and {} more", prefixes[..2].join(", "), count(all as u64 - 2)),
            };
            match ports.is_empty() {
                true => format!("{more}: no route any more"),
                false => format!("{more}: by {}", weighted(ports)),
            }
        }
    })
}

/// Ports, each once: with its number where there are buckets of flows.
fn weighted(ports: &[String]) -> String {
    let mut names: Vec<&String> = ports.iter().collect();
    names.sort_unstable();
    names.dedup();
    let times = |name: &&String| ports.iter().filter(|port| port == name).count();
    let all_alike = names.iter().all(|name| times(name) == 1);
    let named = |name: &&String| if all_alike { (*name).clone() } else { format!("{name} ({})", times(name)) };
    names.iter().map(named).collect::<Vec<_>>().join(", ")
}

fn name(SessionId { protocol, peer, address, .. }: &SessionId) -> String {
    format!("{} with {peer} ({address})", protocol.to_uppercase())
}

/// Rows that a screen shows.
const MOST_ROWS: usize = 120;
