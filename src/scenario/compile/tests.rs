//! Frames through compiled networks, judged by what the scenario says of their way.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use etherparse::PacketBuilder;

use super::*;
use crate::engine::{Observe, Outcome, Run, Seen, Source, run};
use crate::frame::Frame;
use crate::id::{NodeId, PortId, StreamId};
use crate::scenario::presets;
use crate::time::{Instant, PortSpeed, Span};

/// The preset `name` with each `from` replaced by `to`, compiled.
fn compiled(name: &str, changes: &[(&str, &str)]) -> Compiled {
    compiled_with(name, changes, CompileOptions::default())
}

fn compiled_with(name: &str, changes: &[(&str, &str)], options: CompileOptions) -> Compiled {
    let mut text = presets().iter().find(|preset| preset.name == name).unwrap().text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let scenario = Scenario::parse(&text, name).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    compile(&scenario, options).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

struct Packet {
    from: &'static str,
    to: &'static str,
    ttl: u8,
    dscp: u8,
    port: u16,
    payload: usize,
}

const PACKET: Packet = Packet { from: "10.10.1.1", to: "10.20.1.1", ttl: 64, dscp: 0, port: 1000, payload: 100 };

impl Packet {
    fn octets(&self) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let builder = match (self.from.parse().unwrap(), self.to.parse().unwrap()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let mut header =
                    etherparse::Ipv4Header::new(0, self.ttl, etherparse::IpNumber::UDP, from.octets(), to.octets())
                        .unwrap();
                header.dscp = self.dscp.try_into().unwrap();
                builder.ip(etherparse::IpHeaders::Ipv4(header, Default::default()))
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => builder.ipv6(from.octets(), to.octets(), self.ttl),
            _ => panic!("two families"),
        };
        let mut octets = Vec::new();
        builder.udp(self.port, 53).write(&mut octets, &vec![7; self.payload]).unwrap();
        octets
    }
}

/// What came of frames that `host` offered, one each 10 us, and what was seen at all ports and dropped anywhere.
struct Trial {
    net: Compiled,
    outcome: Outcome,
    seen: Vec<(Seen, Vec<u8>)>,
}

fn offer(net: Compiled, host: &str, frames: impl IntoIterator<Item = Vec<u8>>) -> Trial {
    offer_all(net, [(host, frames.into_iter().collect())])
}

/// The same of several hosts at once.
fn offer_all<const N: usize>(net: Compiled, offers: [(&str, Vec<Vec<u8>>); N]) -> Trial {
    let mut sources = Vec::new();
    for (number, (host, frames)) in offers.into_iter().enumerate() {
        let Ok(Place::Host(host)) = net.find(host) else { panic!("{host} is a host") };
        let mut source = Vec::new();
        for (place, octets) in frames.into_iter().enumerate() {
            let mut frame = Frame::parse(&octets, octets.len() as u32, None).unwrap().frame;
            frame.id.sent = net.begin + Span::from_us(10 * place as u64);
            frame.id.stream = StreamId::new(number as u8, place as u32);
            frame.id.seq = place as u32;
            source.push(frame);
        }
        sources.push((host, Source::Frames(source)));
    }
    let ports = net
        .network
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(node, spec)| (0..spec.ports.len()).map(move |port| (NodeId(node as u16), PortId(port as u16))));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let seen = seen.clone();
        Box::new(move |s: &Seen, octets: &[u8]| seen.lock().unwrap().push((*s, octets.to_vec())))
    };
    let observe = Observe { ports: ports.collect(), drops: true, sink };
    let outcome = run(Run { observe: Some(observe), ..Run::new(&net.network, sources) });
    assert!(outcome.sources.iter().all(|source| source.is_balanced()));
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    Trial { net, outcome, seen }
}

impl Trial {
    fn delivered(&self, host: &str) -> u64 {
        let Ok(Place::Host(node)) = self.net.find(host) else { panic!("{host} is a host") };
        self.outcome.nodes[node.index()].delivery.count.frames
    }

    fn at(&self, port: &str) -> Vec<&[u8]> {
        let Ok(Place::Port(node, port)) = self.net.find(port) else { panic!("{port} is a port") };
        let there = |seen: &Seen| seen.node == node && seen.at == crate::engine::At::Sent(port);
        self.seen.iter().filter(|(seen, _)| there(seen)).map(|(_, octets)| &octets[..]).collect()
    }

    fn drops(&self) -> Vec<(String, &'static str)> {
        let dropped = self.seen.iter().filter_map(|(seen, _)| Some((seen, seen.dropped?)));
        dropped.map(|(seen, why)| (self.net.network.nodes[seen.node.index()].name.clone(), why.name())).collect()
    }
}

fn flows(count: u16) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|flow| Packet { port: 1000 + flow, ..PACKET }.octets())
}

#[test]
fn traffic_to_the_cloud_takes_both_planes_with_both_tags() {
    let trial = offer(compiled("direct", &[]), "hq", flows(2000));
    assert_eq!((trial.delivered("prod"), trial.outcome.sources[0].delivered), (2000, 2000));
    let planes = ["hq-ce1:london.primary", "hq-ce1:london.secondary"].map(|port| trial.at(port));
    assert!(planes.iter().all(|frames| (900..1100).contains(&frames.len())), "{}", planes[0].len());
    for frame in planes.iter().flatten() {
        assert_eq!(frame[12..22], [0x81, 0x00, 0, 110, 0x81, 0x00, 0, 20, 0x08, 0x00]);
    }
    for frame in trial.at("gw:prod") {
        assert_eq!((&frame[12..14], frame[22]), (&[0x08, 0x00][..], 61), "untagged, three routers");
    }
}

/// Store and forward: each link costs the frame's time on its wire and its delay.
#[test]
fn latency_is_the_sum_of_the_links() {
    let trial = offer(compiled("direct", &[]), "hq", flows(1));
    let wire = |speed: PortSpeed, tags: u16| speed.wire_time(14 + 20 + 8 + 100 + 4 + 4 * tags).as_ps();
    let lan = wire(PortSpeed::G100, 0) + Span::from_us(5).as_ps();
    let circuit = wire(PortSpeed::G100, 2) + Span::from_ms(1).as_ps();
    let azure = 2 * (wire(PortSpeed::G400, 0) + Span::from_us(250).as_ps());
    let Ok(Place::Host(prod)) = trial.net.find("prod") else { panic!() };
    let delivery = trial.outcome.nodes[prod.index()].delivery;
    assert_eq!(delivery.least.as_ps(), lan + circuit + azure);
}

#[test]
fn the_way_back_bypasses_the_gateway() {
    let back = |flow: u16| Packet { from: "10.20.1.1", to: "10.10.1.1", port: 1000 + flow, ..PACKET }.octets();
    let trial = offer(compiled("direct", &[]), "prod", (0..1000).map(back));
    assert_eq!(trial.delivered("hq"), 1000);
    let Some(gateway) = trial.net.network.node("gw") else { panic!() };
    assert!(trial.outcome.nodes[gateway.index()].ports.iter().all(|port| port.received.frames == 0));
    let planes = ["london-msee1:ce", "london-msee2:ce"].map(|port| trial.at(port).len());
    assert!(planes.iter().all(|count| (430..570).contains(count)), "{planes:?}");
    assert!(trial.at("hq-ce1:lan").iter().all(|frame| frame[22] == 62), "two routers");
}

#[test]
fn ipv6_goes_the_same_way_where_the_peering_has_it() {
    let six = |flow: u16| Packet { from: "fd10:10::1", to: "fd10:20::1", port: 1000 + flow, ..PACKET }.octets();
    assert_eq!(offer(compiled("direct", &[]), "hq", (0..50).map(six)).delivered("prod"), 50);
    let without = compiled("direct", &[("subnets_v6 = \"2001:db8:ff::/125\"", "")]);
    assert!(without.warnings.to_string().contains("site `hq` has IPv6, and circuit `london` carries none"));
    let trial = offer(without, "hq", (0..50).map(six));
    assert_eq!(trial.drops(), vec![("hq-ce1".to_owned(), "no_route"); 50]);
}

#[test]
fn a_disabled_connection_is_left_out_at_both_ends() {
    let disabled = (
        "[circuit.london.primary]          # what differs on one link: admin, delay, loss\nadmin = \"enabled\"",
        "[circuit.london.primary]\nadmin = \"disabled\"",
    );
    let trial = offer(compiled("direct", &[disabled]), "hq", flows(100));
    assert_eq!((trial.delivered("prod"), trial.at("hq-ce1:london.secondary").len()), (100, 100));
    let back = |flow: u16| Packet { from: "10.20.1.1", to: "10.10.1.1", port: 1000 + flow, ..PACKET }.octets();
    let trial = offer(compiled("direct", &[disabled]), "prod", (0..100).map(back));
    assert_eq!((trial.delivered("hq"), trial.at("london-msee2:ce").len()), (100, 100));
    let both = ("[circuit.london.secondary]\nadmin = \"enabled\"", "[circuit.london.secondary]\nadmin = \"disabled\"");
    let trial = offer(compiled("direct", &[disabled, both]), "hq", flows(10));
    assert_eq!(trial.drops(), vec![("hq-ce1".to_owned(), "no_route"); 10]);
}

#[test]
fn with_two_edge_routers_each_has_one_plane() {
    let trial = offer(compiled("direct-10g-dot1q", &[]), "hq", flows(1000));
    assert_eq!(trial.delivered("prod"), 1000);
    let planes = ["hq-ce1:london.primary", "hq-ce2:london.secondary"].map(|port| trial.at(port));
    assert!(planes.iter().all(|frames| frames.len() > 400));
    assert!(planes.iter().flatten().all(|frame| frame[12..18] == [0x81, 0x00, 0, 20, 0x08, 0x00]), "one tag");
    let disabled =
        ("[circuit.london.private]", "[circuit.london.secondary]\nadmin = \"disabled\"\n\n[circuit.london.private]");
    let trial = offer(compiled("direct-10g-dot1q", &[disabled]), "hq", flows(100));
    assert_eq!((trial.delivered("prod"), trial.at("hq-ce1:london.primary").len()), (100, 100));
}

#[test]
fn unknown_destinations_go_to_the_other_side_or_nowhere() {
    let unknown = || (0..20).map(|flow| Packet { to: "203.0.113.9", port: 1000 + flow, ..PACKET }.octets());
    assert_eq!(offer(compiled("direct", &[]), "hq", unknown()).delivered("prod"), 20);
    assert_eq!(offer(compiled("direct", &[]), "prod", unknown()).delivered("hq"), 20);
    let drop = CompileOptions { unrouted: Unrouted::Drop, ..CompileOptions::default() };
    for host in ["hq", "prod"] {
        let trial = offer(compiled_with("direct", &[], drop), host, unknown());
        assert!(trial.drops().iter().all(|(_, why)| *why == "unrouted"), "{:?}", trial.drops());
        assert_eq!(trial.outcome.sources[0].dropped, 20);
    }
    assert_eq!(offer(compiled_with("direct", &[], drop), "hq", flows(20)).delivered("prod"), 20);
}

#[test]
fn private_peering_resets_dscp_on_the_way_in() {
    let marked = Packet { dscp: 46, ..PACKET }.octets();
    let trial = offer(compiled("direct", &[]), "hq", [marked]);
    let tos = |port: &str, at: usize| trial.at(port)[0][at];
    let plane =
        if trial.at("hq-ce1:london.primary").is_empty() { "hq-ce1:london.secondary" } else { "hq-ce1:london.primary" };
    assert_eq!((tos(plane, 23), tos("gw:prod", 15)), (46 << 2, 0));
}

/// A traceroute from the site sees the edge router, Microsoft's edge and the gateway, by their own addresses.
#[test]
fn each_router_answers_for_a_ttl_that_ends_there() {
    let probes = || (1..=3).map(|ttl| Packet { ttl, ..PACKET }.octets());
    let trial = offer(compiled("direct", &[]), "hq", probes());
    assert_eq!(trial.delivered("hq"), 3);
    let answers: Vec<String> =
        trial.at("hq-ce1:lan").iter().map(|f| format!("{}.{}.{}.{}", f[26], f[27], f[28], f[29])).collect();
    assert_eq!(answers[0], "10.10.0.1");
    assert!(["192.168.100.130", "192.168.100.134"].contains(&&answers[1][..]), "{answers:?}");
    assert_eq!(answers[2], "10.20.0.1");
    let trial = offer(compiled("direct", &[("icmp = true ", "icmp = false")]), "hq", probes());
    assert_eq!((trial.delivered("hq"), trial.outcome.sources[0].dropped), (0, 3));
}

#[test]
fn the_ends_of_the_peering_answer_for_themselves() {
    for (host, from, to) in [
        ("hq", "10.10.1.1", "192.168.100.130"),
        ("hq", "10.10.1.1", "192.168.100.134"),
        ("hq", "10.10.1.1", "192.168.100.129"),
        ("prod", "10.20.1.1", "192.168.100.133"),
    ] {
        let from_to = (0..8).map(|flow| Packet { from, to, port: 1000 + flow, ..PACKET }.octets());
        let trial = offer(compiled("direct", &[]), host, from_to);
        let source = trial.outcome.sources[0];
        // From the cloud a frame may come to the other plane's router first, which has no way across.
        assert!(source.consumed > 0 && source.consumed + source.delivered == 8, "{to}: {source:?}");
        assert!(host == "prod" || source.consumed == 8, "{to}: {source:?}");
    }
}

#[test]
fn a_rate_limit_polices_each_circuit_by_its_tag() {
    let limit = ("rate_limit = false", "rate_limit = true\nburst = \"16KiB\"");
    let slow = ("bandwidth = \"10G\"", "bandwidth = \"5G\"");
    let net = compiled("direct", &[limit, slow]);
    let Ok(Place::Port(node, port)) = net.find("london.primary") else { panic!() };
    let spec = net.network.port((node, port));
    let leave = crate::port::PolicerSpec::strict(5_000_000_000, 16_384);
    let policers = [crate::port::PolicerSpec { threshold_bps: 6_000_000_000, ..leave }];
    assert_eq!(spec.ingress_policing.policers, policers);
    assert_eq!((&spec.ingress_policing.by_vid, &spec.egress_policing), (&vec![(110, 0)], &spec.ingress_policing));
    // 1404 octets each 10 us are 1.1 Gb/s: nothing is dropped.
    let big = (0..500).map(|_| Packet { payload: 1350, ..PACKET }.octets());
    assert_eq!(offer(net, "hq", big).delivered("prod"), 500);
}

/// Two circuits on one port pair lead to two networks that may have the same addresses in the cloud's own VRFs.
#[test]
fn circuits_that_share_a_pair_are_kept_apart() {
    let more = "\n[circuit.paris]\nmodel = \"direct\"\nshares = \"london\"\nbandwidth = \"5G\"\ns_tag = 111\n\n\
                [circuit.paris.private]\nc_tag = 20\nsubnets = \"192.168.101.128/29\"\n\n[vnet.test]\n\
                prefixes = [\"10.30.0.0/16\"]\n\n[gateway.other]\nsku = \"Standard\"\nvnets = [\"test\"]\ncircuits = [\"paris\"]\n\n[vnet.prod]";
    let net = || compiled("direct", &[("[vnet.prod]", more)]);
    let to_test = (0..200).map(|flow| Packet { to: "10.30.1.1", port: 1000 + flow, ..PACKET }.octets());
    let trial = offer(net(), "hq", to_test.chain(flows(200)));
    assert_eq!((trial.delivered("test"), trial.delivered("prod")), (200, 200));
    let frames = [trial.at("hq-ce1:london.primary"), trial.at("hq-ce1:london.secondary")].concat();
    for frame in &frames {
        let s_tag = u16::from_be_bytes([frame[14], frame[15]]);
        assert_eq!(s_tag, if frame[22 + 17] == 30 { 111 } else { 110 });
    }
    assert_eq!(frames.len(), 400);
    let back = (0..50).map(|flow| Packet { from: "10.30.1.1", to: "10.10.1.1", port: 1000 + flow, ..PACKET }.octets());
    let trial = offer(net(), "test", back);
    assert_eq!(trial.delivered("hq"), 50);
    let tagged = [trial.at("london-msee1:ce"), trial.at("london-msee2:ce")].concat();
    assert!(tagged.iter().all(|frame| frame[14..16] == [0, 111]));
    assert_eq!(trial.net.find("paris.secondary"), trial.net.find("london.secondary"));
}

#[test]
fn places_have_names_and_wrong_ones_get_help() {
    let net = compiled("direct", &[]);
    let port = |node: &str, port: u16| Place::Port(net.network.node(node).unwrap(), PortId(port));
    assert_eq!(net.find("london.primary"), Ok(port("london-msee1", 0)));
    assert_eq!(net.find("london-msee2:gw"), Ok(port("london-msee2", 1)));
    assert_eq!(net.name_of(port("london-msee1", 0)), "london.primary");
    assert_eq!(net.name_of(port("gw", 2)), "gw:prod");
    assert_eq!(net.find("hqq"), Err("there is no place called `hqq`; did you mean `hq`?".to_owned()));
    assert_eq!(net.find("gw:x"), Err("`gw` has no port `x`; its ports are `msee1`, `msee2` and `prod`".to_owned()));
    assert!(net.find("nowhere").unwrap_err().contains("`hq`, `london.primary`, `london.secondary` and `prod`"));
    let ends: Vec<_> = net.connections.iter().map(|c| (c.circuit.as_str(), c.plane.to_string(), c.enabled)).collect();
    assert_eq!(ends, [("london", "primary".to_owned(), true), ("london", "secondary".to_owned(), true)]);
    let lsr = compiled("lsr", &[]);
    assert_eq!(
        (lsr.find("a"), lsr.find("lsr.a")),
        (lsr.find("lsr.a"), Ok(Place::Host(lsr.network.node("lsr-a").unwrap())))
    );
}

#[test]
fn known_addresses_have_a_side() {
    let known = compiled("direct", &[]).known;
    let side = |address: &str| known.side_of(address.parse().unwrap());
    assert_eq!((side("10.10.7.7"), side("10.20.0.1"), side("192.0.2.1")), (Some(Side::Site), Some(Side::Cloud), None));
    assert_eq!(known.side_of(IpAddr::V6(Ipv6Addr::new(0xfd10, 0x20, 0, 0, 0, 0, 0, 9))), Some(Side::Cloud));
}

#[test]
fn what_cannot_be_built_is_told_in_the_file() {
    let text = presets()[0].text.replace(
        "prefixes = [\"10.20.0.0/16\"",
        "prefixes = [\"10.21.0.0/16\"]\n[vnet.hq-ce1]\nprefixes = [\"10.20.0.0/16\"",
    );
    let text = text.replace("vnets = [\"prod\"]", "vnets = [\"prod\", \"hq-ce1\"]");
    let scenario = Scenario::parse(&text, "clash.toml").unwrap();
    let errors = compile(&scenario, CompileOptions::default()).unwrap_err();
    assert!(errors.to_string().contains("two nodes of the network would be called `hq-ce1`"), "{errors}");
    assert_eq!(errors.errors(), 1);
}

mod any_cloud;
mod any_provider;
mod any_scenario;
mod circuit;
mod cloud;
mod gateway;
mod global_reach;
mod live;
mod lsr_preset;
mod public;
mod repair;
