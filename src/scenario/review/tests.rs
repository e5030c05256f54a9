//! What is found in scenarios, and that it is found from the very bit on that is too much.

use super::*;

/// The preset with these streams in place of its own, and these changes.
fn found(preset: &str, changes: &[(&str, &str)], streams: &str) -> Vec<String> {
    let preset = super::super::presets().iter().find(|known| known.name == preset).unwrap();
    let (network, _) = preset.text.split_once("[[traffic]]").unwrap();
    let mut text = format!("{network}{streams}");
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    let scenario = Scenario::parse(&text, "x").unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    review(&scenario).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn the_preset_direct_has_one_location_and_one_edge_router() {
    let standard = [
        "both connections of `london` end at one edge router of site `hq`",
        "all circuits of gateway `gw` meet Microsoft in London",
    ];
    assert_eq!(found("direct", &[], ""), standard);
    let no_bfd = found("direct", &[("bfd = { interval = \"300ms\", multiplier = 3 }", "bfd = false")], "");
    assert!(no_bfd.contains(&"the private peering of circuit `london` has no BFD".to_owned()), "{no_bfd:?}");
    let small = found("direct", &[("sku = \"ErGw3Az\"", "sku = \"ErGw1Az\"")], "");
    let message = "gateway `gw` takes 1 Gbps inwards, and its circuits bring 10 Gbps";
    assert!(small.contains(&message.to_owned()), "{small:?}");
}

#[test]
fn an_oversubscribed_port_is_too_small_for_a_survivor() {
    let second = "[circuit.paris]\nmodel = \"direct\"\nshares = \"london\"\nbandwidth = \"100G\"\ns_tag = 111\n\
                  [circuit.paris.private]\nc_tag = 20\nsubnets = \"192.168.101.0/29\"\n[vnet.prod]";
    let found = found(
        "direct",
        &[("[vnet.prod]", second), ("circuits = [\"london\"]", "circuits = [\"london\", \"paris\"]")],
        "",
    );
    let message = "the circuits on the ports of `london` add up to 110 Gbps, and one port carries 100 Gbps";
    assert!(found.contains(&message.to_owned()), "{found:?}");
    assert!(found.contains(&"the private peering of circuit `paris` has no BFD".to_owned()), "{found:?}");
}

fn stream(from: &str, to: &str, rate: &str) -> String {
    let name = rate.trim_end_matches('%');
    format!("[[traffic]]\nname = \"{from}{name}\"\nfrom = \"{from}\"\nto = \"{to}\"\nframe = 1518\nrate = \"{rate}\"\n")
}

/// Findings of the streams' kind.
fn about_streams(changes: &[(&str, &str)], streams: &str) -> Vec<String> {
    let mut all = found("direct", changes, streams);
    all.retain(|message| message.starts_with("streams"));
    all
}

const PORT_10G: [(&str, &str); 2] = [
    ("port = \"100G\"                     # of", "port = \"10G\" #"),
    ("sku = \"ErGw3Az\"", "sku = \"ErGwScale\"\nunits = 40"),
];

/// A packet of 1500 octets is 1546 on the wire: 18 of Ethernet, 8 of two tags, 20 of preamble and gap. 10 Gb/s carry
/// 10^10 x 1500 / 1546 = 9,702,457,956.01 bit/s of packets.
#[test]
fn a_port_is_too_small_for_a_bit_more_than_it_carries() {
    let of = |from, to, rate| about_streams(&PORT_10G, &stream(from, to, rate));
    assert_eq!(of("hq", "prod", "9702457956bps"), [""; 0]);
    assert_eq!(of("prod", "hq", "9702457956bps"), [""; 0]);
    let port = |way: &str| {
        format!("streams bring the ports of `london` 10.001 Gbps {way} Microsoft at once, and one port carries 10 Gbps")
    };
    assert_eq!(of("hq", "prod", "9702457957bps"), [port("to")]);
    assert_eq!(of("prod", "hq", "9702457957bps"), [port("from")]);
}

/// The policer counts 1526 octets of each such packet: 10^10 x 1500 / 1526 = 9,829,619,921.36.
#[test]
fn a_connection_is_too_small_for_a_bit_more_than_its_limit() {
    let scale = ("sku = \"ErGw3Az\"", "sku = \"ErGwScale\"\nunits = 40");
    let of = |limit, rate| about_streams(&[scale, ("rate_limit = false", limit)], &stream("hq", "prod", rate));
    let strict = "rate_limit = true\ntolerance = \"0%\"";
    assert_eq!(of(strict, "9829619921bps"), [""; 0]);
    assert_eq!(of("rate_limit = false", "20Gbps"), [""; 0], "a Direct circuit is not held to its bandwidth");
    let message =
        "streams bring circuit `london` 10.001 Gbps to Microsoft at once, and each connection is held to 10 Gbps";
    assert_eq!(of(strict, "9829619922bps"), [message]);
    // Direct leaves it alone up to a fifth more: 1.2 x 10^10 x 1500 / 1526 = 11,795,543,905.63.
    let above = "streams bring circuit `london` 12.001 Gbps to Microsoft at once, and each connection is held to 10 Gbps \
                 where more than 12 Gbps come";
    assert_eq!(of("rate_limit = true", "11795543905bps"), [""; 0]);
    assert_eq!(of("rate_limit = true", "11795543906bps"), [above]);
}

/// A gateway counts 1518 octets: 10^9 x 1500 / 1518 = 988,142,292.49. Inwards alone.
#[test]
fn a_gateway_is_too_small_for_a_bit_more_than_its_limits() {
    let of = |from, to, rate| about_streams(&[("sku = \"ErGw3Az\"", "sku = \"ErGw1Az\"")], &stream(from, to, rate));
    assert_eq!(of("hq", "prod", "988142292bps"), [""; 0]);
    assert_eq!(of("prod", "hq", "2Gbps"), [""; 0], "the way back passes the gateway by");
    let bits = "streams bring gateway `gw` 1.001 Gbps at once, and it takes 1 Gbps inwards";
    assert_eq!(of("hq", "prod", "988142293bps"), [bits]);
    let small = |rate, frame| {
        about_streams(
            &[("sku = \"ErGw3Az\"", "sku = \"ErGw1Az\"")],
            &stream("hq", "prod", rate).replace("frame = 1518", frame),
        )
    };
    assert_eq!(small("100kpps", "frame = 64"), [""; 0]);
    let packets = "streams bring gateway `gw` 100001 packets/s at once, and it takes 100000 packets/s inwards";
    assert_eq!(small("100001pps", "frame = 64"), [packets]);
    assert_eq!(small("1kpps", "frame = 64\nflows = 200_000"), [""; 0]);
    let flows = "streams bring gateway `gw` 200001 flows at once, and it takes 200000 flows inwards";
    assert_eq!(small("1kpps", "frame = 64\nflows = 200_001"), [flows]);
    let off = [("sku = \"ErGw3Az\"", "sku = \"ErGw1Az\""), ("limits = true", "limits = false")];
    assert_eq!(about_streams(&off, &stream("hq", "prod", "2Gbps")), [""; 0]);
    let fast = [("sku = \"ErGw3Az\"", "sku = \"UltraPerf\"\nfastpath = true")];
    assert_eq!(about_streams(&fast, &stream("hq", "prod", "20Gbps")), [""; 0], "FastPath passes it by");
}

#[test]
fn streams_count_together_while_both_run() {
    let (six, four) = (stream("hq", "prod", "6Gbps"), stream("hq", "prod", "4Gbps"));
    let of = |first: &str, second: &str| about_streams(&PORT_10G, &format!("{six}{first}\n{four}{second}"));
    assert_eq!(of("", "").len(), 1);
    assert_eq!(of("end = \"300ms\"", "begin = \"300ms\""), [""; 0], "one begins when the other ends");
    assert_eq!(of("end = \"301ms\"", "begin = \"300ms\"").len(), 1);
}

/// A port of 10G at the site sends no more than that, untagged, whatever is asked of it: 1538 octets on the wire for each
/// packet, of which the gateway counts 1518, 10^10 x 1518 / 1538 = 9.870 Gb/s, and the ports with their tags 1546.
#[test]
fn no_more_than_the_hosts_can_send_is_reckoned() {
    let lan = ("lan = { port = \"100G\"", "lan = { port = \"10G\"");
    let two = [stream("hq", "prod", "100%"), stream("hq", "prod", "9Gbps")].concat();
    let port = "streams bring the ports of `london` 10.053 Gbps to Microsoft at once, and one port carries 10 Gbps";
    assert_eq!(about_streams(&[lan, PORT_10G[0]], &two), [port], "the gateway takes 10 Gbps");
    let small = [lan, ("sku = \"ErGw3Az\"", "sku = \"ErGw2Az\"")];
    let gateway = "streams bring gateway `gw` 9.87 Gbps at once, and it takes 2 Gbps inwards";
    assert!(about_streams(&small, &two).contains(&gateway.to_owned()));
}

/// Two streams ask for 150 % of the site's port: as long as both run, the second has 4 Gb/s of it, and 6 when the first
/// has ended.
#[test]
fn what_another_stream_leaves_when_it_ends_is_reckoned() {
    let second = "[circuit.paris]\nmodel = \"direct\"\nsite = \"hq\"\nport = \"10G\"\nbandwidth = \"5G\"\ns_tag = 111\n\
                  rate_limit = true\ntolerance = \"0%\"\n[circuit.paris.private]\nc_tag = 20\nsubnets = \"192.168.101.0/29\"\n[gateway.gw2]\nsku = \"ErGw3Az\"\n\
                  vnets = [\"lab\"]\ncircuits = [\"paris\"]\n[vnet.lab]\nprefixes = [\"10.30.0.0/16\"]\n[vnet.prod]";
    let changes = [("lan = { port = \"100G\"", "lan = { port = \"10G\""), ("[vnet.prod]", second)];
    let of = |end: &str| {
        let streams = [stream("hq", "prod", "90%"), end.to_owned(), stream("hq", "lab", "60%")].concat();
        about_streams(&changes, &streams)
    };
    assert_eq!(of(""), [""; 0]);
    let paris = "streams bring circuit `paris` 5.954 Gbps to Microsoft at once, and each connection is held to 5 Gbps";
    assert_eq!(of("end = \"1ms\"\n"), [paris], "6 Gb/s on the wire are 1526 / 1538 of that as the limit counts");
}

/// Two circuits have half of each stream on the way in; on the way back the higher weight has all of it.
#[test]
fn circuits_share_a_stream_unless_one_is_preferred() {
    let second = "[circuit.paris]\nmodel = \"direct\"\nsite = \"hq\"\nport = \"10G\"\nbandwidth = \"10G\"\ns_tag = 111\n\
                  [circuit.paris.private]\nc_tag = 20\nsubnets = \"192.168.101.0/29\"\n[vnet.prod]";
    let both = ("circuits = [\"london\"]", "circuits = [\"london\", \"paris\"]");
    let weighed = ("circuits = [\"london\"]", "circuits = [\"london\", { name = \"paris\", weight = 5 }]");
    let of = |circuits, from, to, rate| {
        about_streams(&[&PORT_10G[..], &[("[vnet.prod]", second), circuits]].concat(), &stream(from, to, rate))
    };
    assert_eq!(of(both, "hq", "prod", "19404915912bps"), [""; 0], "twice what one port carries");
    assert_eq!(of(both, "hq", "prod", "19404915914bps").len(), 2, "too much for either");
    assert_eq!(of(weighed, "hq", "prod", "15Gbps"), [""; 0]);
    let paris = "streams bring the ports of `paris` 15.46 Gbps from Microsoft at once, and one port carries 10 Gbps";
    assert_eq!(of(weighed, "prod", "hq", "15Gbps"), [paris]);
}

/// Joined circuits carry a stream between their sites to Microsoft and back: 1546 octets for a packet with two tags,
/// 1542 with the one of the other's ports, 10^10 x 1500 / 1542 = 9,727,626,459.1.
#[test]
fn joined_circuits_have_a_stream_each_way() {
    let of = |rate: &str| {
        let mut all = found("global-reach", &[("port = \"100G\"", "port = \"10G\"")], &stream("hq", "lab", rate));
        all.retain(|message| message.contains("one port carries"));
        all
    };
    assert_eq!(of("9702457956bps"), [""; 0]);
    let ports = |circuit: &str, way: &str, gbps: &str| {
        let port = format!("the ports of `{circuit}` {gbps} Gbps {way} Microsoft");
        format!("streams bring {port} at once, and one port carries 10 Gbps")
    };
    assert_eq!(of("9702457957bps"), [ports("london", "to", "10.001")]);
    assert_eq!(of("9727626459bps"), [ports("london", "to", "10.026")]);
    assert_eq!(of("9727626460bps"), [ports("london", "to", "10.026"), ports("paris", "from", "10.001")]);
}

/// A provider's ports to its sites have no tags, 1538 octets on the wire: 10^10 x 1500 / 1538 = 9,752,925,877.76.
#[test]
fn sites_of_a_vpn_share_no_port_but_the_providers() {
    let of = |streams: &str, changes: &[(&str, &str)]| {
        let mut all = found("ipvpn", changes, streams);
        all.retain(|message| message.contains("one port carries"));
        all
    };
    let across = |rate| stream("hq", "branch", rate);
    assert_eq!(of(&across("9752925877bps"), &[]), [""; 0]);
    let from = "streams from site `hq` come to 10.001 Gbps at once by `london`, and one port carries 10 Gbps";
    let to = "streams to site `branch` come to 10.001 Gbps at once by `london`, and one port carries 10 Gbps";
    assert_eq!(of(&across("9752925878bps"), &[]), [from, to]);
    let both = [stream("hq", "prod", "6Gbps"), stream("branch", "prod", "6Gbps")].concat();
    assert_eq!(of(&both, &[]), [""; 0], "each has a port of its own");
    let nni = ("nni_port = \"100G\"", "nni_port = \"10G\"");
    let ports = "streams bring the ports of `london` between `carrier` and Microsoft 12.368 Gbps to Microsoft at once, \
                 and one port carries 10 Gbps";
    assert_eq!(of(&both, &[nni]), [ports]);
}

#[test]
fn two_edge_routers_see_half_of_the_flows() {
    let found = found("ipvpn", &[], "");
    assert!(found.contains(&"the edge routers of site `hq` see one direction of many flows each".to_owned()));
    assert!(found.contains(&"site `branch` has one edge router".to_owned()), "{found:?}");
}

/// Streams of public services count where Microsoft peering has them: 10^10 x 1500 / 1546 on a port of 10G.
#[test]
fn streams_of_services_are_those_of_the_circuit() {
    const PEERING: &str = "[circuit.london.microsoft]\nc_tag = 30\nsubnets = \"203.0.113.0/29\"\nnat = [\"203.0.113.64/29\", \
                           \"203.0.113.72/29\"]\nroute_filter = [\"12076:5010\"]\n\n[service.m365]\nprefixes = \
                           [\"198.51.100.64/26\"]\nclass = \"microsoft365\"\ncommunity = \"12076:5010\"\n\n[vnet.prod]";
    let changes = [("port = \"100G\"", "port = \"10G\""), ("[vnet.prod]", PEERING)];
    let of = |from, to, rate| about_streams(&changes, &stream(from, to, rate));
    let port = |way: &str| {
        format!("streams bring the ports of `london` 10.001 Gbps {way} Microsoft at once, and one port carries 10 Gbps")
    };
    for (from, to, way) in [("hq", "m365", "to"), ("m365", "hq", "from")] {
        assert_eq!(of(from, to, "9702457956bps"), [""; 0]);
        assert_eq!(of(from, to, "9702457957bps"), [port(way)]);
    }
}

/// EXPRESSROUTE: designing for high availability. A pool for each link is found, one before both is not.
#[test]
fn pools_of_links_and_peerings_without_bfd_are_found() {
    let pools = "each link of `london` has a pool of its own for Microsoft peering".to_owned();
    let no_bfd = "the Microsoft peering of circuit `london` has no BFD".to_owned();
    let preset = found("reference", &[], "");
    assert!(preset.contains(&pools) && !preset.contains(&no_bfd), "{preset:?}");
    let common = [
        ("nat = [\"203.0.113.64/29\", \"203.0.113.72/29\"]", "nat = \"203.0.113.64/28\""),
        ("bfd = { interval = \"300ms\", multiplier = 3 }", "bfd = false"),
    ];
    let changed = found("reference", &common, "");
    assert!(!changed.contains(&pools) && changed.contains(&no_bfd), "{changed:?}");
}
