//! Global Reach: who reaches whom over joined circuits, by which planes, and how much passes.

use super::*;

fn there(count: u16) -> impl Iterator<Item = Vec<u8>> {
    flows(count)
}

fn back(count: u16) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|flow| Packet { from: "10.20.1.1", to: "10.10.1.1", port: 1000 + flow, ..PACKET }.octets())
}

#[test]
fn sites_reach_each_other_plane_by_plane() {
    let trial = offer(compiled("global-reach", &[]), "hq", there(400));
    assert_eq!(trial.delivered("lab"), 400);
    for plane in [1, 2] {
        let over = trial.at(&format!("london-msee{plane}:paris"));
        assert!((150..250).contains(&over.len()) && over.iter().all(|frame| frame[12..14] == [8, 0]), "untagged");
        let last = trial.at(&format!("paris-msee{plane}:ce"));
        assert_eq!(last.len(), over.len(), "primary to primary, secondary to secondary");
        assert!(last.iter().all(|frame| frame[12..18] == [0x81, 0, 0, 30, 8, 0]), "the other circuit's tag");
    }
    assert!(trial.at("lab-ce1:lan").iter().all(|frame| frame[22] == 60), "four routers");
    let trial = offer(compiled("global-reach", &[]), "lab", back(400));
    assert_eq!(trial.delivered("hq"), 400);
    let tagged = [trial.at("london-msee1:ce"), trial.at("london-msee2:ce")].concat();
    assert!(tagged.iter().all(|frame| frame[12..22] == [0x81, 0, 0, 110, 0x81, 0, 0, 20, 8, 0]));
}

#[test]
fn ipv6_needs_a_subnet_of_its_own() {
    let six = || (0..20).map(|flow| Packet { from: "fd10:10::1", to: "fd10:20::1", port: flow, ..PACKET }.octets());
    assert_eq!(offer(compiled("global-reach", &[]), "hq", six()).delivered("lab"), 20);
    let without = compiled("global-reach", &[("subnet_v6 = \"2001:db8:fd::/125\"", "")]);
    let trial = offer(without, "hq", six());
    assert_eq!((trial.delivered("lab"), trial.outcome.sources[0].dropped), (0, 20), "{:?}", trial.drops());
}

/// Each plane carries the smaller bandwidth and a burst of it.
#[test]
fn the_smaller_circuit_caps_both_ways() {
    let slow = [("bandwidth = \"5G\"", "bandwidth = \"1G\""), ("burst = \"5ms\"", "burst = \"3ms\"")];
    for (from, to, place) in [("hq", "lab", "london"), ("lab", "hq", "paris")] {
        let addresses = if from == "hq" { ("10.10.1.1", "10.20.1.1") } else { ("10.20.1.1", "10.10.1.1") };
        // One flow, so one plane: 1396 octets each 10 us are 1.1168 Gb/s.
        let one = (0..5000).map(|_| Packet { from: addresses.0, to: addresses.1, payload: 1350, ..PACKET }.octets());
        let trial = offer(compiled("global-reach", &slow), from, one);
        let passed = trial.delivered(to);
        let octets: u64 = 3 * 125_000 + 49_990 * 125;
        assert!((octets / 1396).abs_diff(passed) <= 1, "{passed} of {}", octets / 1396);
        assert!(trial.drops().iter().all(|(node, why)| node.starts_with(place) && *why == "policed"));
    }
}

#[test]
fn a_plane_with_a_disabled_end_is_left_out() {
    let disabled = ("encapsulation = \"dot1q\"", "encapsulation = \"dot1q\"\nprimary = { admin = \"disabled\" }");
    let trial = offer(compiled("global-reach", &[disabled]), "hq", there(100));
    assert_eq!((trial.delivered("lab"), trial.at("london-msee2:paris").len()), (100, 100));
    let trial = offer(compiled("global-reach", &[disabled]), "lab", back(100));
    assert_eq!((trial.delivered("hq"), trial.at("paris-msee2:london").len()), (100, 100));
}

/// With two edge routers at a site, what reaches the one without a whole plane goes by the other.
#[test]
fn two_edge_routers_find_the_plane_that_is_whole() {
    let two = ("prefixes = [\"10.10.0.0/16\", \"fd10:10::/32\"]", "prefixes = [\"10.10.0.0/16\"]\nedges = 2");
    let disabled = ("encapsulation = \"dot1q\"", "encapsulation = \"dot1q\"\nprimary = { admin = \"disabled\" }");
    let trial = offer(compiled("global-reach", &[two, disabled]), "hq", there(100));
    assert_eq!((trial.delivered("lab"), trial.at("london-msee2:paris").len()), (100, 100));
    assert!(!trial.at("hq-ce1:ce2").is_empty());
}

const THIRD: &str = "[site.far]\nasn = 65030\nprefixes = [\"10.30.0.0/16\"]\n\n[circuit.oslo]\nmodel = \"direct\"\n\
                     site = \"far\"\nlocation = \"Oslo\"\nport = \"10G\"\nbandwidth = \"1G\"\ns_tag = 9\n\n\
                     [circuit.oslo.private]\nc_tag = 1\nsubnets = \"192.168.102.128/29\"\n\n[[global_reach]]\n\
                     circuits = [\"oslo\", \"paris\"]\nsubnet = \"172.16.1.0/29\"\n\n[[global_reach]]";

#[test]
fn it_is_not_transitive() {
    let net = || compiled("global-reach", &[("[[global_reach]]", THIRD)]);
    let to = |from, to| (0..40).map(move |port| Packet { from, to, port, ..PACKET }.octets());
    assert_eq!(offer(net(), "far", to("10.30.1.1", "10.20.1.1")).delivered("lab"), 40);
    assert_eq!(offer(net(), "lab", to("10.20.1.1", "10.30.1.1")).delivered("far"), 40);
    assert_eq!(offer(net(), "lab", to("10.20.1.1", "10.10.1.1")).delivered("hq"), 40);
    let trial = offer(net(), "hq", to("10.10.1.1", "10.30.1.1"));
    assert_eq!(trial.delivered("far"), 0);
    let last: Vec<_> = trial.drops();
    assert!(last.len() == 40 && last.iter().all(|(_, why)| *why == "no_route"), "{last:?}");
}

/// Networks are reached by the circuits that their gateway is connected to, and not by those joined with them.
#[test]
fn it_leads_to_no_virtual_network() {
    let cloud = "[vnet.prod]\nprefixes = [\"10.40.0.0/16\"]\n\n[gateway.gw]\nsku = \"ErGw3Az\"\nvnets = [\"prod\"]\n\
                 circuits = [\"paris\"]\n\n[[global_reach]]";
    let net = || compiled("global-reach", &[("[[global_reach]]", cloud)]);
    let to = |from, to| (0..40).map(move |port| Packet { from, to, port, ..PACKET }.octets());
    assert_eq!(offer(net(), "lab", to("10.20.1.1", "10.40.1.1")).delivered("prod"), 40);
    for (host, from, far) in [("hq", "10.10.1.1", "10.40.1.1"), ("prod", "10.40.1.1", "10.10.1.1")] {
        let trial = offer(net(), host, to(from, far));
        assert!(trial.drops().len() == 40 && trial.drops().iter().all(|(_, why)| *why == "no_route"), "{host}");
    }
    assert_eq!(offer(net(), "hq", there(40)).delivered("lab"), 40);
}

/// A traceroute sees the far edge by its address on the link between the edges.
#[test]
fn the_far_edge_answers_by_the_link_between_the_edges() {
    let probes = (1..=4).map(|ttl| Packet { ttl, ..PACKET }.octets());
    let trial = offer(compiled("global-reach", &[]), "hq", probes);
    assert_eq!(trial.delivered("hq"), 4);
    let lan = trial.at("hq-ce1:lan");
    let mut answers: Vec<String> = lan.iter().map(|f| format!("{}.{}.{}.{}", f[26], f[27], f[28], f[29])).collect();
    answers.sort();
    assert!(answers.iter().any(|a| ["172.16.0.2", "172.16.0.6"].contains(&&a[..])), "{answers:?}");
    assert!(answers.iter().any(|a| ["192.168.101.129", "192.168.101.133"].contains(&&a[..])), "{answers:?}");
}

#[test]
fn unknown_destinations_go_to_the_other_site_where_there_is_no_cloud() {
    let unknown = || (0..20).map(|port| Packet { to: "203.0.113.9", port, ..PACKET }.octets());
    assert_eq!(offer(compiled("global-reach", &[]), "hq", unknown()).delivered("lab"), 20);
    let drop = CompileOptions { unrouted: Unrouted::Drop, ..CompileOptions::default() };
    let trial = offer(compiled_with("global-reach", &[], drop), "hq", unknown());
    assert!(trial.drops().iter().all(|(_, why)| *why == "unrouted") && trial.outcome.sources[0].dropped == 20);
    assert_eq!(offer(compiled_with("global-reach", &[], drop), "hq", there(20)).delivered("lab"), 20);
}

/// Behind a layer-3 VPN every member knows what the joined circuit leads to, also where nobody goes by a default route.
#[test]
fn members_of_a_vpn_reach_the_other_site() {
    const LAB: &str = "[site.lab]\nasn = 65030\nprefixes = [\"10.40.0.0/16\"]\n\n[circuit.paris]\nmodel = \"direct\"\nsite = \
                       \"lab\"\nlocation = \"Paris\"\nport = \"10G\"\nbandwidth = \"1G\"\ns_tag = 310\n\n[circuit.paris.private]\nc_tag \
                       = 30\nsubnets = \"192.168.109.128/29\"\n\n[[global_reach]]\ncircuits = [\"london\", \"paris\"]\nsubnet = \
                       \"192.168.210.0/29\"\n\n[vnet.prod]";
    for unrouted in [Unrouted::Cloud, Unrouted::Drop] {
        let net = || {
            compiled_with("ipvpn", &[("[vnet.prod]", LAB)], CompileOptions { unrouted, ..CompileOptions::default() })
        };
        for (site, address) in [("hq", "10.10.1.1"), ("branch", "10.11.1.1")] {
            let to = (0..60).map(|flow| Packet { from: address, to: "10.40.1.1", port: flow, ..PACKET }.octets());
            assert_eq!(offer(net(), site, to).delivered("lab"), 60, "{site} {unrouted:?}");
            let from = (0..60).map(|flow| Packet { from: "10.40.1.1", to: address, port: flow, ..PACKET }.octets());
            assert_eq!(offer(net(), "lab", from).delivered(site), 60, "{site} {unrouted:?}");
        }
    }
}
