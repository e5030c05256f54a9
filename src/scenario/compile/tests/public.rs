//! Microsoft peering, public services and the internet: who reaches what, by which way, under which address.

use super::*;

const STORAGE: &str = "198.51.100.5";
const M365: &str = "198.51.100.70";
const DNS: &str = "198.51.100.130";

fn reference(changes: &[(&str, &str)]) -> Compiled {
    compiled("reference", changes)
}

/// `count` flows from one address to another.
fn between(from: &'static str, to: &'static str, count: u16) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |flow| Packet { from, to, port: 1024 + flow, ..PACKET }.octets())
}

/// The source address of an untagged IPv4 frame.
fn source(frame: &[u8]) -> [u8; 4] {
    frame[26..30].try_into().unwrap()
}

const ONE_EDGE: (&str, &str) = ("edges = 2\n\n[site.hq.internet]", "edges = 1\n\n[site.hq.internet]");
const ONE_POOL: (&str, &str) = ("nat = [\"203.0.113.64/29\", \"203.0.113.72/29\"]", "nat = \"203.0.113.64/28\"");

#[test]
fn services_of_the_route_filter_take_the_peering_and_all_else_the_internet() {
    let trial = offer(reference(&[]), "hq", between("10.10.0.1", STORAGE, 40).chain(between("10.10.0.1", DNS, 40)));
    assert_eq!((trial.delivered("storage"), trial.delivered("dns")), (40, 40));
    assert_eq!(
        (trial.at("microsoft:storage").len(), trial.at("isp:storage").len(), trial.at("isp:dns").len()),
        (40, 0, 40)
    );
    // Taken from the filter, storage is one of the internet's.
    let trial = offer(reference(&[("\"12076:51004\", ", "")]), "hq", between("10.10.0.1", STORAGE, 40));
    assert_eq!((trial.at("microsoft:storage").len(), trial.at("isp:storage").len()), (0, 40));
}

/// EXPRESSROUTE: DNS, certificate revocation and content delivery never take a peering, whatever its filter says.
#[test]
fn what_is_never_peered_takes_the_internet() {
    for class in ["dns", "crl", "cdn", "front-door", "traffic-manager", "internet"] {
        let net = reference(&[("class = \"dns\"", &format!("class = \"{class}\""))]);
        let trial = offer(net, "hq", between("10.10.0.1", DNS, 20));
        assert_eq!((trial.delivered("dns"), trial.at("isp:dns").len()), (20, 20), "{class}");
        assert!(trial.at("london-msee1:microsoft").is_empty() && trial.at("london-msee2:microsoft").is_empty());
    }
    let community = ("class = \"dns\"", "class = \"dns\"\ncommunity = \"12076:51004\"");
    let text =
        presets().iter().find(|preset| preset.name == "reference").unwrap().text.replace(community.0, community.1);
    let wrong = Scenario::parse(&text, "reference").unwrap_err().to_string();
    assert!(wrong.contains("no peering carries it"), "{wrong}");
}

/// The pool says which link a flow takes, and an answer to it comes back by that link and to its sender.
#[test]
fn after_the_split_each_link_has_its_own_addresses() {
    let trial = offer(reference(&[]), "hq", between("10.10.0.1", M365, 200));
    assert_eq!(trial.delivered("m365"), 200);
    for (msee, last) in [("london-msee1:microsoft", 64..72), ("london-msee2:microsoft", 72..80)] {
        let frames = trial.at(msee);
        assert!(frames.len() > 60, "{msee}: {}", frames.len());
        assert!(frames.iter().all(|frame| source(frame)[..3] == [203, 0, 113] && last.contains(&source(frame)[3])));
    }
}

/// Before the split both links carry flows of one pool.
#[test]
fn before_the_split_the_links_share_their_addresses() {
    let trial = offer(reference(&[ONE_EDGE, ONE_POOL]), "hq", between("10.10.0.1", M365, 200));
    assert_eq!(trial.delivered("m365"), 200);
    let sources: Vec<std::collections::BTreeSet<_>> = ["london-msee1:microsoft", "london-msee2:microsoft"]
        .map(|port| trial.at(port).into_iter().map(source).collect())
        .to_vec();
    assert_eq!(sources[0], sources[1], "one inside address has one outside");
    assert_eq!(sources[0].len(), 1);
}

/// With two edge routers a router before both has the pool, and either link carries its addresses.
#[test]
fn two_edge_routers_share_a_pool_before_the_split() {
    let trial =
        offer(reference(&[ONE_POOL]), "hq", between("10.10.0.1", M365, 200).chain(between("10.10.0.1", DNS, 50)));
    assert_eq!((trial.delivered("m365"), trial.delivered("dns")), (200, 50));
    let links = ["london-msee1:microsoft", "london-msee2:microsoft"].map(|port| trial.at(port));
    assert!(links.iter().all(|frames| frames.len() > 60));
    assert!(
        links.iter().flatten().all(|frame| source(frame) == [203, 0, 113, 64]),
        "one inside address has one outside"
    );
    assert!(trial.at("isp:dns").iter().all(|frame| source(frame)[3] >> 4 == 10), "the internet has a pool of its own");
    // Back from a service to a server inside, by both links and with one of them gone.
    let gone =
        ("[circuit.london.private]", "[circuit.london.primary]\nadmin = \"disabled\"\n\n[circuit.london.private]");
    for changes in [&[ONE_POOL][..], &[ONE_POOL, gone]] {
        let back = offer(reference(changes), "storage", (0..40).map(|flow| to_server("203.0.113.66", flow)));
        assert_eq!(back.delivered("hq"), 40);
        let out = offer(reference(changes), "hq", between("10.10.0.1", M365, 40));
        assert_eq!(out.delivered("m365"), 40);
    }
    // What a network sends to a service by way of the site is translated there too.
    let forced = ("prefixes = [\"10.10.0.0/16\"] ", "prefixes = [\"10.10.0.0/16\", \"0.0.0.0/0\"] ");
    let trial = offer(reference(&[ONE_POOL, forced]), "prod", between("10.20.0.1", M365, 40));
    assert_eq!((trial.delivered("m365"), trial.at("microsoft:m365").len()), (40, 40));
    assert!(trial.at("microsoft:m365").iter().all(|frame| source(frame) == [203, 0, 113, 64]));
}

/// A packet of a service to the server inside that the stream `files` has, at port 9, without a UDP checksum.
fn to_server(to: &'static str, flow: u16) -> Vec<u8> {
    let mut packet = Packet { from: STORAGE, to, port: 5000 + flow, ..PACKET }.octets();
    packet[36..38].copy_from_slice(&9u16.to_be_bytes());
    packet[40..42].fill(0);
    packet
}

/// EXPRESSROUTE: what a failure takes depends on where addresses are translated. With the primary link gone, packets to its
/// own pool are lost, and those to a common pool take the other link.
#[test]
fn a_pool_of_a_link_that_is_gone_is_gone() {
    let gone =
        ("[circuit.london.private]", "[circuit.london.primary]\nadmin = \"disabled\"\n\n[circuit.london.private]");
    let trial = offer(reference(&[gone]), "storage", (0..10).map(|flow| to_server("203.0.113.66", flow)));
    assert_eq!((trial.delivered("hq"), trial.delivered("internet")), (0, 10), "unknown there, it is the internet's");
    let trial =
        offer(reference(&[gone, ONE_EDGE, ONE_POOL]), "storage", (0..10).map(|flow| to_server("203.0.113.66", flow)));
    assert_eq!((trial.delivered("hq"), trial.at("london-msee2:ce").len()), (10, 10));
}

/// Without a stream that has servers inside, nothing from outside comes in unasked.
#[test]
fn what_nobody_asked_for_stays_outside() {
    let trial = offer(reference(&[]), "storage", between(STORAGE, "203.0.113.66", 10));
    assert_eq!(trial.delivered("hq"), 0);
    assert_eq!(trial.drops(), vec![("hq-ce1".to_owned(), "nat_binding"); 10]);
}

/// EXPRESSROUTE: the prefixes that are advertised are a list of the sources that may come in.
#[test]
fn sources_that_are_not_advertised_are_refused_at_the_edge() {
    let net = reference(&[
        ("prefixes = [\"10.10.0.0/16\"]", "prefixes = [\"192.0.2.0/24\"]"),
        ("nat = [\"203.0.113.64/29\", \"203.0.113.72/29\"]", "prefixes = [\"192.0.2.0/24\"]"),
        ("nat = \"203.0.113.160/28\" ", ""),
    ]);
    let trial = offer(net, "hq", between("192.0.2.9", M365, 10).chain(between("192.0.3.9", M365, 10)));
    assert_eq!(trial.delivered("m365"), 10);
    assert!(trial.drops().iter().all(|(node, why)| node.starts_with("london-msee") && *why == "source_not_advertised"));
    assert_eq!(trial.drops().len(), 10);
}

/// EXPRESSROUTE: asymmetric routing. What Microsoft hears of over a circuit and over the internet it sends over the circuit.
#[test]
fn the_circuit_is_preferred_for_what_is_known_both_ways() {
    let net = reference(&[
        ("prefixes = [\"10.10.0.0/16\"]", "prefixes = [\"192.0.2.0/24\"]"),
        ("nat = [\"203.0.113.64/29\", \"203.0.113.72/29\"]", "prefixes = [\"192.0.2.0/24\"]"),
        ("nat = \"203.0.113.160/28\" ", ""),
        ("route_filter = [\"12076:51004\", \"12076:5010\"]", "route_filter = [\"12076:5010\"]"),
    ]);
    // To storage, which the filter does not have, over the internet; back from there over the circuit.
    let up = offer(net.clone(), "hq", between("192.0.2.9", STORAGE, 40));
    assert_eq!((up.delivered("storage"), up.at("isp:storage").len()), (40, 40));
    let back = offer(net, "storage", between(STORAGE, "192.0.2.9", 40));
    let circuits = back.at("london-msee1:ce").len() + back.at("london-msee2:ce").len();
    assert_eq!((back.delivered("hq"), circuits, back.at("microsoft:isp").len()), (40, 40, 0));
}

/// EXPRESSROUTE: six classes on Microsoft peering, both ways; private peering resets all.
#[test]
fn code_points_without_a_class_become_0() {
    for dscp in 0..64 {
        let kept = [46, 34, 24, 18, 10, 0].contains(&dscp);
        let packet = |to| Packet { from: "10.10.0.1", to, dscp, ..PACKET }.octets();
        let trial = offer(reference(&[]), "hq", [packet(M365), packet("10.20.0.1"), packet(DNS)]);
        let at = |port: &str| trial.at(port)[0][15] >> 2;
        assert_eq!(at("microsoft:m365"), if kept { dscp } else { 0 }, "{dscp}");
        assert_eq!((at("gw:prod"), at("isp:dns")), (0, dscp), "{dscp}");
    }
}

/// EXPRESSROUTE: QoS. Microsoft sends no other code points either.
#[test]
fn what_comes_from_microsoft_has_the_six_code_points() {
    let marked = (0..64u8).map(|dscp| {
        let mut octets = to_server("203.0.113.66", dscp.into());
        octets[15] = dscp << 2;
        crate::wire::ipv4::fill_checksum(&mut octets[14..]);
        octets
    });
    let trial = offer(reference(&[]), "storage", marked);
    let mut found = [trial.at("hq-ce1:lan"), trial.at("hq-ce2:lan")].concat();
    found.sort_by_key(|frame| frame[35]);
    let sent = 5000u16.to_be_bytes()[1];
    let points = found.iter().map(|frame| (frame[35].wrapping_sub(sent), frame[15] >> 2));
    let expected = (0..64).map(|dscp| (dscp, if [46, 34, 24, 18, 10, 0].contains(&dscp) { dscp } else { 0 }));
    let points: std::collections::BTreeMap<u8, u8> = points.collect();
    assert_eq!(points, expected.collect());
}

/// EXPRESSROUTE: FAQ. A virtual network's own internet traffic leaves by its own way; a default route over the private
/// peering draws it on premises, and on from there.
#[test]
fn a_default_route_draws_the_internet_traffic_of_a_network_on_premises() {
    let out = || between("10.20.0.1", "198.51.100.170", 40);
    let trial = offer(reference(&[]), "prod", out());
    assert_eq!((trial.delivered("cdn"), trial.at("prod-sdn:internet").len()), (40, 40));
    assert!(trial.at("isp:cdn").iter().all(|frame| source(frame)[..3] == [203, 0, 113] && source(frame)[3] >> 2 == 32));
    let forced = ("prefixes = [\"10.10.0.0/16\"] ", "prefixes = [\"10.10.0.0/16\", \"0.0.0.0/0\"] ");
    let trial = offer(reference(&[forced]), "prod", out());
    assert_eq!((trial.delivered("cdn"), trial.at("prod-sdn:internet").len()), (40, 0));
    let from_hq = trial.at("hq-ce1:internet").len() + trial.at("hq-ce2:internet").len();
    assert_eq!(from_hq, 40);
    assert!(trial.at("isp:cdn").iter().all(|frame| source(frame)[3] >> 4 == 10), "as the site");
    // Without a way of its own the site keeps it.
    let no_internet =
        ("[site.hq.internet]", "[site.lab]\nasn = 65011\nprefixes = [\"10.99.0.0/16\"]\n[site.lab.internet]");
    let without = [forced, no_internet, ("edges = 2\n", "edges = 2\n")];
    let streams = presets().iter().find(|preset| preset.name == "reference").unwrap().text.find("[[traffic]]").unwrap();
    let mut text = presets().iter().find(|preset| preset.name == "reference").unwrap().text[..streams].to_owned();
    for (from, to) in without {
        text = text.replacen(from, to, 1);
    }
    let scenario = Scenario::parse(&text, "forced").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let trial = offer(compile(&scenario, CompileOptions::default()).unwrap(), "prod", out());
    assert_eq!(trial.delivered("hq"), 40);
}

/// Private addresses that nobody knows do not leak to the internet; public ones do go there.
#[test]
fn only_public_destinations_take_the_internet() {
    let net =
        || compiled_with("reference", &[], CompileOptions { unrouted: Unrouted::Drop, ..CompileOptions::default() });
    let trial = offer(net(), "hq", between("10.10.0.1", "10.77.0.1", 5).chain(between("10.10.0.1", "192.0.2.77", 5)));
    assert_eq!((trial.delivered("internet"), trial.drops().len()), (5, 5));
    assert!(trial.drops().iter().all(|(_, why)| *why == "unrouted"));
    let trial =
        offer(net(), "prod", between("10.20.0.1", "172.16.9.9", 5).chain(between("10.20.0.1", "192.0.2.77", 5)));
    assert_eq!((trial.delivered("internet"), trial.drops().len()), (5, 5));
}

/// One edge router's link is disabled: its traffic to services goes across to the other one, translated there.
#[test]
fn the_other_edge_router_has_a_way() {
    let gone =
        ("[circuit.london.private]", "[circuit.london.primary]\nadmin = \"disabled\"\n\n[circuit.london.private]");
    let internet_too = offer(reference(&[gone]), "hq", between("10.10.0.1", M365, 60));
    assert_eq!((internet_too.delivered("m365"), internet_too.at("london-msee2:microsoft").len()), (60, 60));
    let sources = internet_too.at("microsoft:m365");
    assert!(sources.iter().all(|frame| (72..80).contains(&source(frame)[3])));
}

/// Both peerings of a circuit have one policer: what one takes the other has not.
#[test]
fn peerings_share_the_bandwidth_of_the_circuit() {
    let one_link =
        ("[circuit.london.private]", "[circuit.london.primary]\nadmin = \"disabled\"\n\n[circuit.london.private]");
    let net = reference(&[("bandwidth = \"2G\"", "bandwidth = \"50Mbps\"\nburst = \"16KiB\""), one_link]);
    let large = |to: &'static str| Packet { from: "10.10.0.1", to, payload: 1350, ..PACKET }.octets();
    let both = (0..400).map(|place| large(if place % 2 == 0 { M365 } else { "10.20.0.1" }));
    let trial = offer(net, "hq", both);
    let passed: Vec<u64> = ["m365", "prod"].map(|host| trial.delivered(host)).to_vec();
    // What 50 Mb/s bring in 3.99 ms, or in 20 us more that translation takes, and 16 KiB at once.
    let most = [3_990, 4_010].map(|us| ((16 << 10) * 8 + 50 * us) / (1404 * 8));
    assert_eq!((passed[0] + passed[1], most), (29, [29, 29]), "{passed:?}");
    assert!(passed.iter().all(|&frames| frames > 8), "{passed:?}");
    assert!(trial.drops().iter().all(|(node, why)| (&node[..], *why) == ("london-msee2", "policed")));
}

const PEERING: &str = "[circuit.london.microsoft]\nc_tag = 30\nsubnets = \"203.0.113.0/29\"\nnat = [\"203.0.113.64/29\", \
                       \"203.0.113.72/29\"]\nroute_filter = [\"12076:5010\"]\n\n[service.m365]\nprefixes = \
                       [\"198.51.100.64/26\"]\nclass = \"microsoft365\"\ncommunity = \"12076:5010\"\n\n[vnet.prod]";

/// EXPRESSROUTE: ARP. The edge router has one Ethernet address on a port, for all peerings.
#[test]
fn both_peerings_meet_one_ethernet_address() {
    let net = compiled("direct", &[("[vnet.prod]", PEERING)]);
    let trial = offer(net, "hq", between("10.10.0.1", M365, 60).chain(between("10.10.0.1", "10.20.0.1", 60)));
    for port in ["hq-ce1:london.primary", "hq-ce1:london.secondary"] {
        let frames = trial.at(port);
        let c_tags: std::collections::BTreeSet<u8> = frames.iter().map(|frame| frame[19]).collect();
        assert_eq!(c_tags, [20, 30].into(), "{port}");
        assert!(frames.iter().all(|frame| frame[..6] == frames[0][..6]), "{port}");
    }
}

/// The same behind carriers: tags of both peerings come through a switch and a pseudowire.
#[test]
fn carriers_carry_both_peerings() {
    for preset in ["direct", "direct-10g-dot1q", "exchange", "ethernet"] {
        let net = compiled(preset, &[("[vnet.prod]", PEERING)]);
        let trial = offer(net, "hq", between("10.10.0.1", M365, 60).chain(between("10.10.0.1", "10.20.0.1", 60)));
        assert_eq!((trial.delivered("m365"), trial.delivered("prod")), (60, 60), "{preset}");
    }
}

/// EXPRESSROUTE: MTU. What a virtual network sends is cut at its threshold, or answered if it may not be; what comes to it
/// is not.
#[test]
fn a_virtual_network_cuts_what_is_longer_than_its_threshold() {
    let net = || compiled("direct", &[("# fragment_at = 1400 ", "fragment_at = 1400 ")]);
    let packet = |from, to, may_cut: bool| {
        let mut octets = Packet { from, to, payload: 1472, ..PACKET }.octets();
        octets[20] = if may_cut { 0 } else { 0x40 };
        crate::wire::ipv4::fill_checksum(&mut octets[14..]);
        octets
    };
    let (hq, prod) = ("10.10.1.1", "10.20.1.1");
    let cut = offer(net(), "prod", [packet(prod, hq, true)]);
    let lengths: Vec<usize> = cut.at("hq-ce1:lan").iter().map(|frame| frame.len() - 14).collect();
    // 1376 octets are the most of 1380 that divide by 8, and 104 are left of 1480.
    assert_eq!(lengths, [1396, 124]);
    let told = offer(net(), "prod", [packet(prod, hq, false)]);
    assert_eq!((told.delivered("hq"), told.delivered("prod")), (0, 1), "the ICMP error comes back");
    assert_eq!(told.drops(), [("prod-sdn".to_owned(), "mtu_exceeded")]);
    assert_eq!(offer(net(), "hq", [packet(hq, prod, false)]).delivered("prod"), 1);
}

/// What is too long is answered from outside the translation and from inside it; jumbo packets pass where all take them.
#[test]
fn too_long_is_told_through_the_translation() {
    let long = |from, to, port: u16| {
        let mut octets = Packet { from, to, payload: 1473, port, ..PACKET }.octets();
        octets[20] = 0x40;
        octets[36..38].copy_from_slice(&9u16.to_be_bytes());
        octets[40..42].fill(0);
        crate::wire::ipv4::fill_checksum(&mut octets[14..]);
        octets
    };
    let told = offer(reference(&[]), "hq", [long("10.10.0.1", M365, 5000)]);
    assert_eq!((told.delivered("m365"), told.delivered("hq")), (0, 1));
    let told = offer(reference(&[]), "storage", [long(STORAGE, "203.0.113.66", 5000)]);
    assert_eq!((told.delivered("hq"), told.delivered("storage")), (0, 1), "it never comes to the edge");
    let jumbo = ("[site.hq]\n", "[settings]\nmtu = 9000\n\n[site.hq]\n");
    for pool in [&[jumbo][..], &[jumbo, ONE_POOL]] {
        let out = offer(reference(pool), "hq", [long("10.10.0.1", M365, 5000)]);
        assert_eq!(out.delivered("m365"), 1, "{:?}", out.drops());
        let back = offer(reference(pool), "storage", [long(STORAGE, "203.0.113.66", 5000)]);
        assert_eq!(back.delivered("hq"), 1, "{:?}", back.drops());
    }
}

/// A TTL that ends at Microsoft's edge is told to the public address, and through the translation to the sender, with its
/// own packet quoted.
#[test]
fn errors_from_outside_reach_their_sender() {
    let trial = offer(reference(&[]), "hq", [Packet { from: "10.10.0.1", to: M365, ttl: 2, ..PACKET }.octets()]);
    assert_eq!((trial.delivered("m365"), trial.delivered("hq")), (0, 1));
    let told = [trial.at("hq-ce1:lan"), trial.at("hq-ce2:lan")].concat();
    let [icmp] = told[..] else { panic!("{} frames", told.len()) };
    assert_eq!((&icmp[30..34], icmp[34]), (&[10, 10, 0, 1][..], 11), "time exceeded, to the sender");
    assert_eq!(icmp[42 + 12..42 + 20], [10, 10, 0, 1, 198, 51, 100, 70], "as it was sent");
    assert_eq!(crate::wire::checksum::checksum(&icmp[34..], 0), 0, "the checksum covers what was changed");
}
