//! FastPath, peered networks and several sites behind one gateway: which way frames go, and which do not.

use super::*;
use crate::engine::reference;
use crate::frame::{DropReason, Ident};

/// Two sites, each with a circuit of its own, behind one gateway; `in_gateway` are further keys of it, `more` is the rest.
fn two_sites(circuits: &str, in_gateway: &str, more: &str) -> Compiled {
    compiled_text(&two_sites_text(circuits, in_gateway, more))
}

fn compiled_text(text: &str) -> Compiled {
    let scenario = Scenario::parse(text, "two").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    compile(&scenario, CompileOptions::default()).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

fn two_sites_text(circuits: &str, in_gateway: &str, more: &str) -> String {
    let mut text = String::new();
    for (n, site, circuit) in [(1, "hq", "london"), (2, "lab", "paris")] {
        text += &format!(
            "[site.{site}]\nasn = 6501{n}\nprefixes = [\"10.{n}0.0.0/16\"]\n[circuit.{circuit}]\nmodel = \"direct\"\n\
             site = \"{site}\"\nport = \"100G\"\nbandwidth = \"10G\"\ns_tag = 1{n}0\n\
             [circuit.{circuit}.private]\nc_tag = 20\nsubnets = \"192.168.{n}.0/29\"\n"
        );
    }
    text += &format!(
        "[vnet.prod]\nprefixes = [\"10.100.0.0/16\"]\n[gateway.gw]\nsku = \"ErGw3Az\"\nvnets = [\"prod\"]\n\
         circuits = {circuits}\n{in_gateway}\n{more}\n"
    );
    text
}

fn packets(from: &'static str, to: &'static str, count: u16) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |flow| Packet { from, to, port: 1000 + flow, ..PACKET }.octets())
}

const BOTH: &str = "[\"london\", \"paris\"]";

#[test]
fn the_way_back_is_chosen_by_destination() {
    for (site, from) in [("hq", "10.10.1.1"), ("lab", "10.20.1.1")] {
        let trial = offer(two_sites(BOTH, "", ""), site, packets(from, "10.100.1.1", 100));
        assert_eq!(trial.delivered("prod"), 100);
        assert_eq!(trial.at("gw:prod").len(), 100);
        let trial = offer(two_sites(BOTH, "", ""), "prod", packets("10.100.1.1", from, 400));
        assert_eq!(trial.delivered(site), 400);
        let circuit = if site == "hq" { "london" } else { "paris" };
        for plane in [1, 2] {
            let count = trial.at(&format!("prod-sdn:{circuit}-msee{plane}")).len();
            assert!((150..250).contains(&count), "{count}");
        }
    }
}

#[test]
fn a_gateway_carries_from_no_site_to_another() {
    let trial = offer(two_sites(BOTH, "", ""), "hq", packets("10.10.1.1", "10.20.1.1", 20));
    assert!(trial.drops().iter().all(|(node, why)| node.starts_with("london-msee") && *why == "no_route"));
    assert_eq!(trial.outcome.sources[0].dropped, 20);
}

/// One site with two circuits: the heavier connection while it is there.
#[test]
fn the_heavier_connection_is_preferred() {
    let net = |weights: &str, admin: &str| {
        let more = format!(
            "\n[circuit.paris]\nmodel = \"direct\"\nsite = \"hq\"\nport = \"100G\"\nbandwidth = \"10G\"\ns_tag = 1\n\
             primary = {{ admin = \"{admin}\" }}\nsecondary = {{ admin = \"{admin}\" }}\n[circuit.paris.private]\n\
             c_tag = 20\nsubnets = \"192.168.101.128/29\"\n\n[vnet.prod]"
        );
        compiled("direct", &[("circuits = [\"london\"]", weights), ("[vnet.prod]", &more)])
    };
    let heavier = "circuits = [\"london\", { name = \"paris\", weight = 10 }]";
    let by = |net: Compiled| {
        let has_sdn = net.network.node("prod-sdn").is_some();
        let trial = offer(net, "prod", packets("10.20.1.1", "10.10.1.1", 200));
        assert_eq!(trial.delivered("hq"), 200);
        let count = |circuit: &str| {
            trial.at(&format!("{circuit}-msee1:ce")).len() + trial.at(&format!("{circuit}-msee2:ce")).len()
        };
        (has_sdn, count("london"), count("paris"))
    };
    assert_eq!(by(net(heavier, "enabled")), (true, 0, 200));
    assert_eq!(by(net(heavier, "disabled")), (true, 200, 0));
    let (has_sdn, london, paris) = by(net("circuits = [\"london\", \"paris\"]", "enabled"));
    assert!(!has_sdn && london + paris == 200 && london > 50 && paris > 50, "alike: by flow, {london} and {paris}");
}

/// EXPRESSROUTE: convergence. The more specific route comes before the weight of a connection, whatever that is.
#[test]
fn the_more_specific_route_is_preferred_to_the_heavier_connection() {
    let weights = "[{ name = \"london\", weight = 32000 }, \"paris\"]";
    let text = two_sites_text(weights, "", "").replace("10.20.0.0/16", "10.10.64.0/18");
    for (to, site) in [("10.10.64.1", "lab"), ("10.10.127.254", "lab"), ("10.10.63.254", "hq"), ("10.10.128.1", "hq")] {
        let trial = offer(compiled_text(&text), "prod", packets("10.100.1.1", to, 40));
        assert_eq!(trial.delivered(site), 40, "{to}");
    }
}

/// Networks of two gateways reach each other by the circuit that both are connected to.
#[test]
fn networks_of_two_gateways_reach_each_other_by_their_circuit() {
    let more = "[vnet.test]\nprefixes = [\"10.101.0.0/16\"]\n[gateway.other]\nsku = \"ErGw1Az\"\nvnets = [\"test\"]\n\
                circuits = [\"london\"]\n";
    let trial = offer(two_sites("[\"london\"]", "", more), "prod", packets("10.100.1.1", "10.101.1.1", 40));
    assert_eq!((trial.delivered("test"), trial.at("other:test").len(), trial.at("gw:prod").len()), (40, 40, 0));
    let apart = two_sites("[\"london\"]", "", &more.replace("[\"london\"]", "[\"paris\"]"));
    assert_eq!(offer(apart, "prod", packets("10.100.1.1", "10.101.1.1", 40)).delivered("test"), 0);
}

/// Circuits that lead to one site and to different networks are not alike: the way to a network is by those that lead there.
#[test]
fn a_network_is_reached_by_the_circuits_that_lead_there() {
    let more = "\n[circuit.oslo]\nmodel = \"direct\"\nsite = \"hq\"\nport = \"10G\"\nbandwidth = \"5G\"\ns_tag = 1\n\
                [circuit.oslo.private]\nc_tag = 20\nsubnets = \"192.168.101.128/29\"\n\
                [vnet.dev]\nprefixes = [\"10.40.0.0/16\"]\n[gateway.second]\nsku = \"ErGw1Az\"\nvnets = [\"dev\"]\n\
                circuits = [\"oslo\", \"london\"]\n\n[vnet.prod]";
    let trial = offer(compiled("direct", &[("[vnet.prod]", more)]), "dev", packets("10.40.1.1", "10.20.1.1", 60));
    assert_eq!((trial.delivered("prod"), trial.at("dev-sdn:oslo-msee1").len()), (60, 0));
}

/// The way back is spread over four circuits at the most.
#[test]
fn no_more_than_four_circuits_share_the_way_back() {
    let mut more = String::new();
    for n in 1..=5 {
        more += &format!(
            "\n[circuit.c{n}]\nmodel = \"direct\"\nsite = \"hq\"\nport = \"100G\"\nbandwidth = \"10G\"\ns_tag = {n}\n\
             [circuit.c{n}.private]\nc_tag = 20\nsubnets = \"192.168.10{n}.128/29\"\n"
        );
    }
    let circuits = "circuits = [\"c1\", \"c2\", \"c3\", \"c4\", \"c5\"]";
    let net = compiled("direct", &[("[vnet.prod]", &(more + "\n[vnet.prod]")), ("circuits = [\"london\"]", circuits)]);
    let trial = offer(net, "prod", packets("10.20.1.1", "10.10.1.1", 400));
    assert_eq!(trial.delivered("hq"), 400);
    let used: Vec<bool> = (1..=5).map(|n| !trial.at(&format!("c{n}-msee1:ce")).is_empty()).collect();
    assert_eq!(used, [true, true, true, true, false]);
}

#[test]
fn fastpath_passes_the_gateway_by() {
    let fast = compiled("direct", &[("sku = \"ErGw3Az\" ", "fastpath = true\nsku = \"ErGw3Az\" ")]);
    let trial = offer(fast, "hq", flows(200));
    assert_eq!((trial.delivered("prod"), trial.at("gw:prod").len()), (200, 0));
    let straight = ["london-msee1:prod", "london-msee2:prod"].map(|port| trial.at(port));
    assert_eq!(straight[0].len() + straight[1].len(), 200);
    assert!(straight.iter().flatten().all(|frame| frame[22] == 62), "two routers");
    // And where the way back is chosen by destination.
    for (site, from) in [("hq", "10.10.1.1"), ("lab", "10.20.1.1")] {
        let net = || two_sites(BOTH, "fastpath = true", "");
        let trial = offer(net(), site, packets(from, "10.100.1.1", 50));
        assert_eq!((trial.delivered("prod"), trial.at("gw:prod").len()), (50, 0));
        assert_eq!(offer(net(), "prod", packets("10.100.1.1", from, 50)).delivered(site), 50);
    }
}

/// 200,000 addresses on a 100G port: what goes over that takes the gateway.
#[test]
fn prefixes_over_the_limit_of_fastpath_take_the_gateway() {
    let large = "prefixes = [\"10.20.0.0/15\", \"10.24.0.0/15\", \"10.26.0.0/24\"]\naddresses = 262400";
    let changes = [
        ("prefixes = [\"10.20.0.0/16\", \"fd10:20::/32\"]", large),
        ("sku = \"ErGw3Az\" ", "fastpath = true\nsku = \"ErGw3Az\" "),
    ];
    for (to, through_gateway) in [("10.21.1.1", 0), ("10.24.1.1", 50), ("10.26.0.1", 0)] {
        let net = compiled("direct", &changes);
        let told = net.warnings.to_string();
        assert!(told.contains("takes 200000 IP addresses: 10.24.0.0/15 of `prod` goes through the gateway"), "{told}");
        let trial = offer(net, "hq", packets("10.10.1.1", to, 50));
        assert_eq!((trial.delivered("prod"), trial.at("gw:prod").len()), (50, through_gateway), "{to}");
    }
}

const SPOKE: &str = "[vnet.spoke]\nprefixes = [\"10.101.0.0/16\"]\npeered_with = \"prod\"\n";

#[test]
fn a_spoke_is_reached_through_the_gateway_of_its_hub() {
    for (fast, through_gateway) in [("", 50), ("fastpath = true", 0)] {
        let net = || two_sites(BOTH, fast, SPOKE);
        let trial = offer(net(), "hq", packets("10.10.1.1", "10.101.1.1", 50));
        assert_eq!((trial.delivered("spoke"), trial.at("gw:spoke").len()), (50, through_gateway));
        assert_eq!(offer(net(), "spoke", packets("10.101.1.1", "10.20.1.1", 50)).delivered("lab"), 50);
        let trial = offer(net(), "prod", packets("10.100.1.1", "10.101.1.1", 50));
        assert_eq!((trial.delivered("spoke"), trial.at("prod-sdn:spoke").len()), (50, 50));
        assert_eq!(offer(net(), "spoke", packets("10.101.1.1", "10.100.1.1", 50)).delivered("prod"), 50);
    }
}

/// EXPRESSROUTE: FastPath. Peered networks are for Direct alone: on a provider's circuit they stay behind the gateway.
#[test]
fn fastpath_of_a_provider_leaves_peered_networks_to_the_gateway() {
    let fast = ("circuits = [\"london\"]", "circuits = [\"london\"]\nfastpath = true");
    let spoke = "[vnet.spoke]\nprefixes = [\"10.21.0.0/16\"]\npeered_with = \"prod\"\n\n[gateway.gw]";
    for (preset, to_spoke) in [("direct", 0), ("exchange", 50)] {
        let net = || compiled(preset, &[fast, ("[gateway.gw]", spoke)]);
        let trial = offer(net(), "hq", packets("10.10.1.1", "10.20.1.1", 50));
        assert_eq!((trial.delivered("prod"), trial.at("gw:prod").len()), (50, 0), "{preset}");
        let trial = offer(net(), "hq", packets("10.10.1.1", "10.21.1.1", 50));
        assert_eq!((trial.delivered("spoke"), trial.at("gw:spoke").len()), (50, to_spoke), "{preset}");
    }
}

/// The engine agrees with the reference where all of it is there, and where a gateway has too much to carry.
#[test]
fn the_reference_engine_comes_to_the_same() {
    for (fastpath, limited) in [("fastpath = true", false), ("", true)] {
        let weights = "[\"london\", { name = \"paris\", weight = 3 }]";
        let compiled = two_sites(weights, &format!("{fastpath}\nburst = \"20us\"\ninstances = 1"), SPOKE);
        let expected = compare(&compiled.network);
        assert!(expected.sources.iter().all(|source| source.delivered > 100), "{:?}", expected.sources);
        let gateway = &expected.nodes[compiled.network.node("gw").unwrap().index()];
        let refused: u64 = gateway.ports.iter().map(|port| port.egress_drops.of(DropReason::GatewayBits)).sum();
        assert_eq!(refused > 100, limited, "{refused}");
    }
}

/// All hosts offer to all, at 78 Gb/s each.
fn compare(network: &crate::engine::Network) -> Outcome {
    let frames = |from: &'static str, source: u8| -> Vec<Frame> {
        let to = ["10.100.1.1", "10.101.1.1", "10.10.1.1", "10.20.1.1", "10.10.9.9"];
        let all = (0..500).map(|n: u16| {
            let octets = Packet { from, to: to[usize::from(n % 5)], port: n, payload: 1400, ..PACKET }.octets();
            let mut frame = Frame::parse(&octets, octets.len() as u32, None).unwrap().frame;
            let sent = Instant::from_ps(u64::from(n) * 150_000);
            frame.id = Ident { sent, stream: StreamId::new(source, n.into()), seq: n.into() };
            frame
        });
        all.collect()
    };
    let hosts = [("hq", "10.10.1.1"), ("lab", "10.20.1.1"), ("prod", "10.100.1.1"), ("spoke", "10.101.1.1")];
    let sources = || {
        let each = (0..).zip(hosts);
        each.map(|(source, (host, from))| (network.node(host).unwrap(), Source::Frames(frames(from, source))))
    };
    let offered = sources().map(|(node, frames)| reference::Offered { node, frames }).collect();
    let expected = reference::run(network, offered, None, &mut |_| ());
    for threads in [1, 2, 3] {
        assert_eq!(run(Run { threads, ..Run::new(network, sources().collect()) }), expected, "{threads} threads");
    }
    expected
}
