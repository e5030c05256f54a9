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

fn ports(net: &Compiled, node: usize, next_hops: &[NextHop]) -> BTreeSet<String> {
    let port = |next_hop: &NextHop| match next_hop.target {
        // FastPath has a port of its own where a session has the other.
        Target::Port(port) => net.network.nodes[node].ports[port.index()].name.replace(".fast", ""),
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

/// All sessions come up, and what they bring is what the tables have where no session runs.
fn compare(name: &str, text: &str) {
    let scenario = Scenario::parse(text, name).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let options = CompileOptions { unrouted: Unrouted::Drop, ..CompileOptions::default() };
    let without = compile(&scenario, options).unwrap();
    let mut with = compile(&scenario, CompileOptions { sessions: Sessions::Live, repair: true, ..options }).unwrap();
    with.network.control_until = Some(with.begin);
    let outcome = run(Run::new(&with.network, Vec::new()));
    for sessions in &with.sessions {
        let node = &outcome.nodes[sessions.node.index()];
        let router = &with.network.nodes[sessions.node.index()].name;
        for (place, session) in sessions.bgp.iter().enumerate() {
            let state = node.log.iter().rev().find_map(|noted| match &noted.what {
                Happened::Bgp(at, changed) if *at == place => Some(changed.to),
                _ => None,
            });
            assert_eq!(state, Some(State::Established), "{name}: {router}, {session:?}");
        }
        assert_eq!(node.unclaimed, 0, "{name}: {router}");
    }
    let (learned, fixed, still) = (learned(&with, &outcome), fixed(&without), fixed(&with));
    for (key, ports) in &learned {
        match fixed.get(key) {
            Some(expected) => assert_eq!(ports, expected, "{name}: {key:?}"),
            None => assert!(key.0.ends_with("-sdn"), "{name}: {key:?} by {ports:?}"),
        }
    }
    for (key, ports) in &fixed {
        let has = learned.get(key).or(still.get(key));
        assert_eq!(has, Some(ports), "{name}: {key:?}");
    }
    assert!(name == "lsr" || !learned.is_empty(), "{name}");
}

#[test]
fn sessions_of_presets_bring_what_the_tables_have_without() {
    presets().iter().for_each(|preset| compare(preset.name, preset.text));
}

/// The preset `direct` or `global-reach` with more of everything.
#[test]
fn sessions_of_larger_networks_bring_what_the_tables_have_without() {
    let preset = |name: &str| presets().iter().find(|preset| preset.name == name).unwrap().text.to_owned();
    let circuit = |name: &str, site: &str, number: u8| {
        format!(
            "\n[circuit.{name}]\nmodel = \"direct\"\nsite = \"{site}\"\nlocation = \"{name}\"\nport = \"10G\"\n\
             bandwidth = \"5G\"\ns_tag = {number}\n[circuit.{name}.private]\nc_tag = 21\n\
             subnets = \"192.168.2{number}.128/29\"\nsubnets_v6 = \"2001:db8:{number}::/125\"\n"
        )
    };
    let reach = |a: &str, b: &str, number: u8| {
        format!("\n[[global_reach]]\ncircuits = [\"{a}\", \"{b}\"]\nsubnet = \"172.16.{number}.0/29\"\n")
    };
    // Two circuits of one site, both joined with the other site's, and with each other.
    let joined = [circuit("oslo", "hq", 1), reach("oslo", "london", 1), reach("oslo", "paris", 2)].concat();
    compare("joined", &(preset("global-reach") + &joined));
    let direct = preset("direct");
    let edges = direct.replacen("\nedges = 1 ", "\nedges = 2 ", 1);
    let more = circuit("oslo", "hq", 1)
        + "[vnet.dev]\nprefixes = [\"10.40.0.0/16\"]\n[gateway.second]\nsku = \"ErGw1Az\"\nvnets = [\"dev\"]\n\
           circuits = [\"london\", { name = \"oslo\", weight = 5 }]\n";
    compare("edges and gateways", &(edges + &more));
    let fast = direct.replacen("sku = \"ErGw3Az\" ", "fastpath = true\nsku = \"ErGw3Az\" ", 1);
    compare("fastpath", &fast.replacen("admin = \"enabled\"", "admin = \"disabled\"", 1));
}
