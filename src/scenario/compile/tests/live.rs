//! Sessions of scenarios: what they bring, once all are up, is what the tables have where no session runs.

use super::*;
use crate::control::Happened;
use crate::control::bgp::State;
use crate::id::VrfId;
use crate::scenario::model::Sessions;
use crate::table::{NextHop, Target};
use std::collections::{BTreeMap, BTreeSet};

/// Per router, VRF and prefix the ports by which packets leave.
type Tables = BTreeMap<(String, u16, IpNet), BTreeSet<String>>;

fn live(name: &str, changes: &[(&str, &str)]) -> Compiled {
    let options = CompileOptions { unrouted: Unrouted::Drop, sessions: Sessions::Live, repair: true, events: false };
    let mut net = compiled_with(name, changes, options);
    net.network.control_until = Some(Instant::ZERO + Span::from_s(10));
    net
}

fn ports(net: &Compiled, node: usize, next_hops: &[NextHop]) -> BTreeSet<String> {
    let port = |next_hop: &NextHop| match next_hop.target {
        Target::Port(port) => net.network.nodes[node].ports[port.index()].name.clone(),
        other => format!("{other:?}"),
    };
    next_hops.iter().map(port).collect()
}

/// What sessions have brought when the run ends.
fn learned(net: &Compiled, outcome: &Outcome) -> Tables {
    let mut tables = Tables::new();
    for (place, node) in outcome.nodes.iter().enumerate() {
        for noted in &node.log {
            if let Happened::Programmed { vrf, prefix, next_hops } = &noted.what {
                let key = (net.network.nodes[place].name.clone(), vrf.0, *prefix);
                match next_hops.is_empty() {
                    true => tables.remove(&key),
                    false => tables.insert(key, ports(net, place, next_hops)),
                };
            }
        }
    }
    tables
}

/// What the tables of routers have for prefixes that are not links.
fn fixed(net: &Compiled) -> Tables {
    let mut tables = Tables::new();
    for (place, node) in net.network.nodes.iter().enumerate() {
        let crate::engine::Role::Router(router) = &node.role else { continue };
        for vrf in 0..16 {
            for (prefix, next_hops) in router.fib.routes(VrfId(vrf)) {
                if next_hops.iter().all(|next_hop| matches!(next_hop.target, Target::Port(_) | Target::Translate(_))) {
                    tables.insert((node.name.clone(), vrf, prefix), ports(net, place, next_hops));
                }
            }
        }
    }
    tables
}

#[test]
fn sessions_of_presets_bring_what_the_tables_have_without() {
    for preset in presets() {
        let (with, without) = (
            live(preset.name, &[]),
            compiled_with(preset.name, &[], CompileOptions { unrouted: Unrouted::Drop, ..CompileOptions::default() }),
        );
        let outcome = run(Run::new(&with.network, Vec::new()));
        for sessions in &with.sessions {
            let node = &outcome.nodes[sessions.node.index()];
            let name = &with.network.nodes[sessions.node.index()].name;
            for (place, session) in sessions.bgp.iter().enumerate() {
                let state = node.log.iter().rev().find_map(|noted| match &noted.what {
                    Happened::Bgp(at, changed) if *at == place => Some(changed.to),
                    _ => None,
                });
                assert_eq!(state, Some(State::Established), "{}: {name}, {session:?}", preset.name);
            }
            assert_eq!(node.unclaimed, 0, "{}: {name}", preset.name);
        }
        let (learned, fixed, still) = (learned(&with, &outcome), fixed(&without), fixed(&with));
        for (key, ports) in &learned {
            match fixed.get(key) {
                Some(expected) => assert_eq!(ports, expected, "{}: {key:?}", preset.name),
                None => assert!(key.0.ends_with("-sdn"), "{}: {key:?} by {ports:?}", preset.name),
            }
        }
        for (key, ports) in &fixed {
            let has = learned.get(key).or(still.get(key));
            assert_eq!(has, Some(ports), "{}: {key:?}", preset.name);
        }
        assert!(preset.name == "lsr" || !learned.is_empty(), "{}", preset.name);
    }
}
