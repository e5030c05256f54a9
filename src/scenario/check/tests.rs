//! Limits at their figures: what is just allowed is taken, and one more is refused.

use crate::scenario::{Scenario, Severity, presets};

/// The network of a preset, without its streams, with each `from` replaced by `to`; then `more`.
fn text(preset: &str, changes: &[(&str, &str)], more: &str) -> String {
    let text = presets().iter().find(|known| known.name == preset).unwrap().text;
    let mut text = text.split_once("[[traffic]]").unwrap().0.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text + more
}

/// What is wrong with a scenario, if anything is.
fn errors(text: &str) -> Vec<String> {
    let Err(errors) = Scenario::parse(text, "limits.toml") else { return Vec::new() };
    let wrong = errors.iter().filter(|wrong| wrong.severity == Severity::Error);
    wrong.map(|wrong| wrong.message.clone()).collect()
}

/// That a scenario is taken, or that its only error says `why`.
#[track_caller]
fn hold(text: &str, refused: Option<&str>) {
    let found = errors(text);
    match refused {
        None => assert!(found.is_empty(), "{found:?}"),
        Some(why) => assert!(found.len() == 1 && found[0].contains(why), "{found:?}, and not {why}"),
    }
}

const MICROSOFT: &str = "[circuit.london.microsoft]\nc_tag = 30\nsubnets = \"203.0.113.0/29\"\n\
                         nat = \"203.0.113.64/28\"\nroute_filter = [\"12076:51004\"]\n[service.storage]\n\
                         prefixes = [\"198.51.100.0/24\"]\nclass = \"azure\"\ncommunity = \"12076:51004\"\n";

/// EXPRESSROUTE: routing. 16 and 32 bits, but for Microsoft's own; on Microsoft peering none of those for documentation.
#[test]
fn autonomous_systems_are_the_customers() {
    for (asn, private, microsoft) in [
        (1u32, true, true),
        (12_075, true, true),
        (12_076, false, false),
        (12_077, true, true),
        (64_495, true, true),
        (64_496, true, false),
        (64_511, true, false),
        (64_512, true, true),
        (65_514, true, true),
        (65_515, false, false),
        (65_520, false, false),
        (65_521, true, true),
        (65_536, true, true),
        (4_200_000_000, true, true),
    ] {
        let own = format!("asn = {asn} ");
        for (more, is_good) in [("", private), (MICROSOFT, microsoft)] {
            let found = errors(&text("direct", &[("asn = 65010 ", &own)], more));
            assert_eq!(found.is_empty(), is_good, "{asn}: {found:?}");
        }
    }
}

const GIGABITS: [u32; 10] = [1, 2, 5, 10, 20, 40, 50, 100, 200, 400];

/// EXPRESSROUTE: ExpressRoute Direct.
#[test]
fn each_port_has_its_circuits() {
    for (port, sold) in [(10, &[1, 2, 5, 10][..]), (100, &[5, 10, 40, 100]), (400, &[5, 10, 40, 100, 200, 400])] {
        for gigabits in GIGABITS {
            let changes = [
                ("port = \"100G\"      ", format!("port = \"{port}G\" ")),
                ("bandwidth = \"10G\"", format!("bandwidth = \"{gigabits}G\"")),
            ];
            let changes = changes.each_ref().map(|(from, to)| (*from, to.as_str()));
            let why = format!("no circuit of {gigabits} Gbps is sold on a port pair of {port} Gbps");
            hold(&text("direct", &changes, ""), (!sold.contains(&gigabits)).then_some(&*why));
        }
    }
}

/// EXPRESSROUTE: circuits.
#[test]
fn providers_have_eight_bandwidths() {
    for (bandwidth, sold) in [
        ("20 Mbps", false),
        ("50 Mbps", true),
        ("100 Mbps", true),
        ("200 Mbps", true),
        ("300 Mbps", false),
        ("500 Mbps", true),
        ("1 Gbps", true),
        ("2 Gbps", true),
        ("3 Gbps", false),
        ("5 Gbps", true),
        ("10 Gbps", true),
        ("20 Gbps", false),
        ("40 Gbps", false),
        ("100 Gbps", false),
    ] {
        let own = format!("bandwidth = \"{}\"", bandwidth.replace(' ', ""));
        let why = format!("no provider sells a circuit of {bandwidth}");
        hold(&text("exchange", &[("bandwidth = \"2G\"", &own)], ""), (!sold).then_some(&*why));
    }
}

/// EXPRESSROUTE: ExpressRoute Direct. 20 Gb/s on ports of 10, 200 on ports of 100, and not a circuit more.
#[test]
fn circuits_of_a_pair_add_up_to_twice_its_ports() {
    for (port, full, least) in [(10, 10, 1), (100, 100, 5)] {
        let changes = [
            ("port = \"100G\"      ", format!("port = \"{port}G\" ")),
            ("bandwidth = \"10G\"", format!("bandwidth = \"{full}G\"")),
        ];
        let changes = changes.each_ref().map(|(from, to)| (*from, to.as_str()));
        let circuit = |n: u32, gigabits: u32| {
            format!(
                "[circuit.c{n}]\nmodel = \"direct\"\nshares = \"london\"\nbandwidth = \"{gigabits}G\"\ns_tag = {n}\n\
                 [circuit.c{n}.private]\nc_tag = 20\nsubnets = \"172.16.{n}.0/29\"\n"
            )
        };
        hold(&text("direct", &changes, &circuit(1, full)), None);
        let why = format!("add up to {} Gbps, over twice the {port} Gbps of its ports", 2 * port + least);
        hold(&text("direct", &changes, &(circuit(1, full) + &circuit(2, least))), Some(&why));
    }
}

/// `count` prefixes as a list: `pattern` with a number in place of `#`, of two octets in place of `##`.
fn prefixes(count: usize, pattern: &str) -> String {
    let one = |n: usize| {
        let number = pattern.replace("##", &format!("{}.{}", n / 256, n % 256));
        format!("\"{}\"", number.replace('#', &format!("{n:x}")))
    };
    (0..count).map(one).collect::<Vec<_>>().join(", ")
}

/// EXPRESSROUTE: limits. What a site may advertise over private peering.
#[test]
fn private_peering_takes_so_many_prefixes() {
    let site = |sku: &str, v4: usize, v6: usize| {
        let all = format!("prefixes = [{}, {}]", prefixes(v4, "11.##.0/24"), prefixes(v6, "2001:db8:#::/48"));
        let sku = format!("sku = \"{sku}\" ");
        let changes = [("prefixes = [\"10.10.0.0/16\", \"fd10:10::/32\"]", &*all), ("sku = \"standard\" ", &sku)];
        text("direct", &changes, "")
    };
    for (sku, most) in [("local", 4_000), ("standard", 4_000), ("premium", 10_000)] {
        hold(&site(sku, most, 100), None);
        let why = format!("would be sent {} prefixes of IPv4, and over {most} its BGP session drops", most + 1);
        hold(&site(sku, most + 1, 1), Some(&why));
        hold(&site(sku, 1, 101), Some("would be sent 101 prefixes of IPv6, and over 100 its BGP session drops"));
    }
}

/// EXPRESSROUTE: limits. What a gateway may advertise.
#[test]
fn a_connection_takes_so_many_prefixes_of_networks() {
    let vnet = |v4: usize, v6: usize| {
        let all = format!("prefixes = [{}, {}]", prefixes(v4, "11.##.0/24"), prefixes(v6, "2001:db8:#::/48"));
        text("direct", &[("prefixes = [\"10.20.0.0/16\", \"fd10:20::/32\"]", &all)], "")
    };
    hold(&vnet(1_000, 100), None);
    hold(&vnet(1_001, 1), Some("advertises 1001 prefixes of IPv4, and a connection is down over 1000"));
    hold(&vnet(1, 101), Some("advertises 101 prefixes of IPv6, and a connection is down over 100"));
}

/// EXPRESSROUTE: limits. 200 of each family over Microsoft peering, whatever the SKU.
#[test]
fn microsoft_peering_takes_200_prefixes() {
    let advertised = |sku: &str, v4: usize, v6: usize| {
        let all = format!("prefixes = [{}, {}]", prefixes(v4, "11.##.0/24"), prefixes(v6, "2001:db8:#::/48"));
        let circuit = format!(
            "[site.hq]\nasn = 65010\n{all}\n[circuit.london]\nmodel = \"direct\"\nsite = \"hq\"\nsku = \"{sku}\"\n\
             port = \"10G\"\nbandwidth = \"1G\"\ns_tag = 110\n"
        );
        circuit + &MICROSOFT.replace("nat = \"203.0.113.64/28\"", &all)
    };
    for sku in ["standard", "premium"] {
        hold(&advertised(sku, 200, 200), None);
        hold(&advertised(sku, 201, 1), Some("Microsoft peering takes 200 prefixes of IPv4, and these are 201"));
        hold(&advertised(sku, 1, 201), Some("Microsoft peering takes 200 prefixes of IPv6, and these are 201"));
    }
}

/// `count` further gateways of circuit `london`, each with a network.
fn gateways(count: usize) -> String {
    let one = |n: usize| {
        format!(
            "[vnet.v{n}]\nprefixes = [\"11.{n}.0.0/16\"]\n\
             [gateway.g{n}]\nsku = \"ErGw1Az\"\nvnets = [\"v{n}\"]\ncircuits = [\"london\"]\n"
        )
    };
    (0..count).map(one).collect()
}

/// EXPRESSROUTE: limits. Virtual networks by their gateways; a circuit that is joined by Global Reach counts as one.
#[test]
fn a_circuit_has_so_many_links() {
    let with = |sku: &str, bandwidth: &str, links: usize| {
        let own = format!("bandwidth = \"{bandwidth}\"\nsku = \"{sku}\"");
        // The preset has one gateway itself.
        text("exchange", &[("bandwidth = \"2G\"", &own)], &gateways(links - 1))
    };
    let why = |most: usize| format!("has {} links to virtual networks and other circuits, and takes {most}", most + 1);
    for (sku, bandwidth, most) in [
        ("local", "10G", 10),
        ("standard", "50Mbps", 10),
        ("standard", "10G", 10),
        ("premium", "50Mbps", 20),
        ("premium", "100Mbps", 25),
        ("premium", "200Mbps", 25),
        ("premium", "500Mbps", 40),
        ("premium", "1G", 50),
        ("premium", "2G", 60),
    ] {
        hold(&with(sku, bandwidth, most), None);
        hold(&with(sku, bandwidth, most + 1), Some(&why(most)));
    }
    // One scenario holds 64 gateways.
    for (bandwidth, most) in [("5G", 75), ("10G", 100)] {
        let scenario = Scenario::parse(&with("premium", bandwidth, 64), "links.toml").unwrap();
        assert_eq!(super::scope::most_links(&scenario.circuits[0]), most);
    }
    let joined = "[site.lab]\nasn = 65020\nprefixes = [\"10.99.0.0/16\"]\n[circuit.oslo]\nmodel = \"direct\"\n\
                  site = \"lab\"\nlocation = \"Oslo\"\nport = \"10G\"\nbandwidth = \"1G\"\ns_tag = 9\n\
                  [circuit.oslo.private]\nc_tag = 1\nsubnets = \"192.168.102.128/29\"\n\
                  [[global_reach]]\ncircuits = [\"oslo\", \"london\"]\nsubnet = \"172.16.1.0/29\"\n";
    hold(&(with("standard", "2G", 9) + joined), None);
    hold(&(with("standard", "2G", 10) + joined), Some(&why(10)));
}

/// EXPRESSROUTE: routing. Private peering takes addresses of either kind for its links.
#[test]
fn subnets_of_private_peering_may_be_public() {
    for subnets in ["10.99.0.0/29", "20.1.2.128/29", "203.0.113.0/29"] {
        let own = format!("subnets = \"{subnets}\"");
        hold(&text("direct", &[("subnets = \"192.168.100.128/29\"", &own)], ""), None);
    }
}

/// Microsoft's edge takes no preference among the two connections of a circuit (EXPRESSROUTE: convergence).
#[test]
fn the_connections_of_a_circuit_have_no_weights() {
    let own = "[circuit.london.primary]\nweight = 10";
    let weighted = text("direct", &[("[circuit.london.primary] ", own)], "");
    hold(&weighted.replace("weight = 10 ", "weight = 10\n"), Some("`primary` of [circuit.london] has no key `weight`"));
}
