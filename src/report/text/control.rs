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
    let _ = writeln!(out, "Sessions: {} of {} up at the start, after {settled}", count(up), of(all, "end"));
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
    let settled = Span::from_ps(control.settle_ps);
    let _ =
        writeln!(out, "Control traffic, from {settled} before the start on: {} sent{lost}", of(control.sent, "frame"));
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
        let prefixes = group.iter().filter_map(|event| match &event.what {
            ControlNews::Route { prefix, .. } => Some(prefix.as_str()),
            _ => None,
        });
        let mut prefixes: Vec<&str> = prefixes.collect();
        // VRFs that follow the same routes.
        prefixes.sort_unstable();
        prefixes.dedup();
        let Some(text) = text(&first.what, &prefixes) else { continue };
        let time = Span::from_ps(first.at_ps.unsigned_abs()).to_string();
        rows.push([time, first.router.clone().unwrap_or_else(|| "-".into()), text]);
    }
    rows
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
