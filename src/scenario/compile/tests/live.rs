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

/// The preset `ipvpn` with other numbers, null labels and cores; a second circuit by the same provider, of some of its sites and
/// of another one, which is a VPN of its own.
#[test]
fn sessions_of_vpns_bring_what_the_tables_have_without() {
    let preset = presets().iter().find(|preset| preset.name == "ipvpn").unwrap().text;
    compare("one system", &preset.replace("asn = 65011", "asn = 65010"));
    compare("neighbours", &preset.replace("hops = 2 ", "hops = 0 "));
    compare(
        "labels",
        &preset.replace("null = \"implicit\"", "null = \"explicit\"").replace("entropy = false", "entropy = true"),
    );
    let disabled =
        preset.replace("[circuit.london.private]", "primary = { admin = \"disabled\" }\n[circuit.london.private]");
    compare("one plane", &disabled);
    compare("two circuits", &(preset.to_owned() + SECOND_CIRCUIT));
}

/// Of the preset's site `branch` and of another one.
const SECOND_CIRCUIT: &str = "
[site.lab]
asn = 65012
prefixes = [\"10.12.0.0/16\"]
[circuit.paris]
model = \"ipvpn\"
provider = \"carrier\"
sites = [\"branch\", \"lab\"]
port = \"10G\"
bandwidth = \"1G\"
s_tag = 120
[circuit.paris.private]
c_tag = 30
subnets = \"192.168.101.128/29\"
[vnet.dev]
prefixes = [\"10.21.0.0/16\"]
[gateway.second]
sku = \"ErGw1Az\"
vnets = [\"dev\"]
circuits = [\"paris\"]
";

/// Who shares a circuit reaches each other and its network, and nobody else; Global Reach joins circuits of one provider, in
/// whose paths its number is twice.
#[test]
fn sessions_of_vpns_join_who_shares_a_circuit() {
    let preset = presets().iter().find(|preset| preset.name == "ipvpn").unwrap().text.to_owned();
    let apart = preset.clone() + &SECOND_CIRCUIT.replace("\"branch\", \"lab\"", "\"lab\"");
    let reach = "\n[[global_reach]]\ncircuits = [\"london\", \"paris\"]\nsubnet = \"172.16.1.0/29\"\n";
    let two = preset + SECOND_CIRCUIT;
    let joined = apart.clone() + reach;
    let places = [("hq", [10, 10]), ("branch", [10, 11]), ("lab", [10, 12]), ("prod", [10, 20]), ("dev", [10, 21])];
    let in_two =
        [("hq", "branch"), ("hq", "prod"), ("branch", "prod"), ("branch", "lab"), ("branch", "dev"), ("lab", "dev")];
    let in_apart = [("hq", "branch"), ("hq", "prod"), ("branch", "prod"), ("lab", "dev")];
    let in_joined = [&in_apart[..], &[("hq", "lab"), ("branch", "lab")]].concat();
    for (name, text, pairs) in [("two", two, &in_two[..]), ("apart", apart, &in_apart), ("joined", joined, &in_joined)]
    {
        let scenario = Scenario::parse(&text, name).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        for sessions in [Sessions::Static, Sessions::Live] {
            let options = CompileOptions { unrouted: Unrouted::Drop, sessions, ..CompileOptions::default() };
            for (from, own) in places {
                for (to, far) in places.into_iter().filter(|(to, _)| *to != from) {
                    let mut net = compile(&scenario, options).unwrap();
                    net.network.control_until = Some(net.begin + Span::from_s(1));
                    let trial = offer(net, from, super::any_scenario::packets(own, far));
                    let is_joined = pairs.contains(&(from, to)) || pairs.contains(&(to, from));
                    let expected = if is_joined { trial.outcome.sources[0].offered.frames } else { 0 };
                    assert_eq!(
                        trial.delivered(to),
                        expected,
                        "{name}, {sessions:?}: {from} to {to}, {:?}",
                        trial.drops()
                    );
                }
            }
        }
    }
}
