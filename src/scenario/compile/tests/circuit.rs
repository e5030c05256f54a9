//! Circuits: how much a connection carries each way, which connection a flow takes, and what is on the wire of both peerings.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

const NO_PRIMARY: (&str, &str) =
    ("[circuit.london.private]", "[circuit.london.primary]\nadmin = \"disabled\"\n\n[circuit.london.private]");
const NO_SECONDARY: (&str, &str) =
    ("[circuit.london.private]", "[circuit.london.secondary]\nadmin = \"disabled\"\n\n[circuit.london.private]");
const HQ_TO_PROD: (&str, &str) = ("10.10.1.1", "10.20.1.1");

/// A provider's circuit, which nothing but its model says to be limited.
fn provided(bandwidth: &str, changes: &[(&str, &str)]) -> Compiled {
    let bandwidth = format!("bandwidth = \"{bandwidth}\"\nburst = \"16KiB\"");
    let own = [("bandwidth = \"2G\"", bandwidth.as_str()), ("rate_limit = true", "#")];
    compiled("exchange", &[&own, changes].concat())
}

/// Frames that have 1404 octets at Microsoft's ports, each of the flow of a source port: 1.1232 Gb/s.
fn large((from, to): (&'static str, &'static str), ports: impl IntoIterator<Item = u16>) -> Vec<Vec<u8>> {
    ports.into_iter().map(|port| Packet { from, to, port, payload: 1350, ..PACKET }.octets()).collect()
}

/// How many of these a full bucket of 16 KiB passes of those that come until `us`, if more come all the time than it earns.
fn passes(bandwidth_bps: u64, us: u64) -> u64 {
    ((16 << 10) * 8 + bandwidth_bps / 1_000_000 * us) / (1404 * 8)
}

/// EXPRESSROUTE: FAQ. A circuit of X carries X in and X out; what is more is dropped, and nothing waits.
#[test]
fn a_connection_carries_the_bandwidth_each_way() {
    let there = || large(HQ_TO_PROD, [1000; 2000]);
    let back = || large(("10.20.1.1", "10.10.1.1"), [1000; 2000]);
    let free = offer_all(
        compiled("exchange", &[NO_SECONDARY, ("rate_limit = true", "rate_limit = false")]),
        [("hq", there()), ("prod", back())],
    );
    assert_eq!((free.delivered("prod"), free.delivered("hq")), (2000, 2000));
    let trial = offer_all(provided("500Mbps", &[NO_SECONDARY]), [("hq", there()), ("prod", back())]);
    let each = passes(500_000_000, 19_990);
    assert_eq!((each, trial.delivered("prod"), trial.delivered("hq")), (901, each, each));
    assert!(trial.drops().iter().all(|(node, why)| (&node[..], *why) == ("london-msee1", "policed")));
    for host in ["hq", "prod"] {
        let way = |trial: &Trial| {
            let Ok(Place::Host(node)) = trial.net.find(host) else { panic!("{host} is a host") };
            let delivery = trial.outcome.nodes[node.index()].delivery;
            (delivery.least, delivery.most)
        };
        assert_eq!(way(&trial), way(&free), "dropped, not shaped");
        assert_eq!(way(&trial).0, way(&trial).1);
    }
}

/// EXPRESSROUTE: FAQ. Each connection has the whole bandwidth: both together carry twice as much, one alone once.
#[test]
fn two_connections_carry_twice_the_bandwidth_and_one_alone_once() {
    let mut by_plane = [0; 2];
    let found = offer(provided("500Mbps", &[]), "hq", large(HQ_TO_PROD, 1000..1020));
    for (plane, port) in ["equinox-1:london.msee", "equinox-2:london.msee"].into_iter().enumerate() {
        by_plane[plane] = source_port(found.at(port)[0]);
    }
    // By turns to the two planes, so that each has 561.6 Mb/s.
    let both = || large(HQ_TO_PROD, by_plane.into_iter().cycle().take(4000));
    let trial = offer(provided("500Mbps", &[]), "hq", both());
    let each = passes(500_000_000, 1999 * 20);
    assert_eq!((each, trial.delivered("prod")), (1791, 2 * each));
    for (disabled, left) in [(NO_PRIMARY, "london-msee2"), (NO_SECONDARY, "london-msee1")] {
        let trial = offer(provided("500Mbps", &[disabled]), "hq", both());
        assert_eq!(trial.delivered("prod"), passes(500_000_000, 39_990));
        assert!(trial.drops().iter().all(|(node, why)| (&node[..], *why) == (left, "policed")));
    }
}

/// EXPRESSROUTE: rate limits. A graph of a second would show 1.1 Mb/s of 50; the burst is over the limit all the same.
#[test]
fn a_burst_is_dropped_though_its_graph_stays_below_the_bandwidth() {
    let trial = offer(provided("50Mbps", &[NO_SECONDARY]), "hq", large(HQ_TO_PROD, [1000; 100]));
    assert_eq!((trial.delivered("prod"), trial.drops().len()), (passes(50_000_000, 990), 84));
}

/// EXPRESSROUTE: rate limits. Direct leaves 1.1232 Gb/s of a circuit of 1 Gb/s alone, and a provider does not.
#[test]
fn direct_leaves_a_fifth_above_alone_and_a_provider_does_not() {
    let direct = |bandwidth: &str, rate_limit: &str| {
        let changes = [
            ("port = \"100G\"                     #", "port = \"10G\" #"),
            ("bandwidth = \"10G\"", bandwidth),
            ("rate_limit = false", rate_limit),
        ];
        let trial = offer(compiled("direct", &changes), "hq", large(HQ_TO_PROD, [1000; 4000]));
        trial.delivered("prod")
    };
    let limit = "rate_limit = true\nburst = \"16KiB\"";
    assert_eq!(direct("bandwidth = \"1G\"", limit), 4000);
    assert_eq!(direct("bandwidth = \"1G\"", "rate_limit = true\nburst = \"16KiB\"\ntolerance = \"0%\""), {
        passes(1_000_000_000, 39_990)
    });
    assert_eq!(direct("bandwidth = \"1G\"", "rate_limit = false"), 4000);
    let provider = offer(provided("1G", &[]), "hq", large(HQ_TO_PROD, [1000; 4000]));
    assert_eq!(provider.delivered("prod"), passes(1_000_000_000, 39_990));
}

/// The source port of a frame of IPv4 with two tags.
fn source_port(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[42], frame[43]])
}

/// Which of `ports` frames took, by their 5-tuples; `tags` lie before their packets.
fn ways(trial: &Trial, ports: &[&str], tags: usize) -> BTreeMap<Vec<u8>, BTreeSet<usize>> {
    let mut ways: BTreeMap<Vec<u8>, BTreeSet<usize>> = BTreeMap::new();
    for (place, port) in ports.iter().enumerate() {
        for frame in trial.at(port) {
            let packet = &frame[14 + 4 * tags..];
            let tuple = [&packet[9..10], &packet[12..24]].concat();
            ways.entry(tuple).or_default().insert(place);
        }
    }
    ways
}

const FOUR: [&str; 4] =
    ["hq-ce1:london.primary", "hq-ce2:london.secondary", "hq-ce1:newport.primary", "hq-ce2:newport.secondary"];
const FOUR_BACK: [&str; 4] = ["london-msee1:ce", "london-msee2:ce", "newport-msee1:ce", "newport-msee2:ce"];

/// EXPRESSROUTE: FAQ. Load is balanced per flow: whatever else differs, frames of a 5-tuple take one of all connections.
#[test]
fn all_frames_of_a_flow_take_one_connection() {
    let mixed = |from, to| {
        (0..640u16).map(move |n| {
            let differs = Packet { ttl: 32 + n as u8 % 7, dscp: n as u8 % 64, payload: 20 + usize::from(n), ..PACKET };
            Packet { from, to, port: 1000 + n % 64, ..differs }.octets()
        })
    };
    for (preset, host, from, to, ports) in [
        ("direct", "hq", "10.10.1.1", "10.20.1.1", &["hq-ce1:london.primary", "hq-ce1:london.secondary"][..]),
        ("direct", "prod", "10.20.1.1", "10.10.1.1", &FOUR_BACK[..2]),
        ("maximum", "hq", "10.10.1.1", "10.20.1.1", &FOUR[..]),
        ("maximum", "prod", "10.20.1.1", "10.10.1.1", &FOUR_BACK[..]),
    ] {
        let trial = offer(compiled(preset, &[]), host, mixed(from, to));
        let ways = ways(&trial, ports, 2);
        assert_eq!((trial.outcome.sources[0].delivered, ways.len()), (640, 64), "{preset} {host}");
        assert!(ways.values().all(|taken| taken.len() == 1), "{preset} {host}: {ways:?}");
        let used: BTreeSet<usize> = ways.values().flatten().copied().collect();
        assert_eq!(used.len(), ports.len(), "{preset} {host}: all connections are in use");
    }
}

/// EXPRESSROUTE: FAQ. Each part of the 5-tuple tells flows apart.
#[test]
fn each_part_of_the_5_tuple_tells_flows_apart() {
    let planes = ["hq-ce1:london.primary", "hq-ce1:london.secondary"];
    let with = |at: usize, value: u8| {
        let mut octets = PACKET.octets();
        octets[at] = value;
        crate::wire::ipv4::fill_checksum(&mut octets[14..]);
        octets
    };
    for (part, at) in [("source", 29), ("destination", 33), ("source port", 35), ("destination port", 37)] {
        let trial = offer(compiled("direct", &[]), "hq", (1..=200).map(|value| with(at, value)));
        let ways = ways(&trial, &planes, 2);
        let first = ways.values().filter(|taken| taken.contains(&0)).count();
        assert!(ways.len() == 200 && (70..130).contains(&first), "{part}: {first} of {}", ways.len());
    }
    // UDP and TCP of the same addresses and ports: some flows differ in their plane, and some do not.
    let of = |protocol: u8| {
        let frames = (1..=200).map(|port| {
            let mut octets = with(35, port);
            octets[23] = protocol;
            crate::wire::ipv4::fill_checksum(&mut octets[14..]);
            octets
        });
        let taken = ways(&offer(compiled("direct", &[]), "hq", frames), &planes, 2);
        taken.into_iter().map(|(tuple, plane)| (tuple[1..].to_vec(), plane)).collect::<BTreeMap<_, _>>()
    };
    let (udp, tcp) = (of(17), of(6));
    let alike = udp.iter().filter(|(tuple, plane)| tcp.get(*tuple) == Some(plane)).count();
    assert!(udp.len() == 200 && tcp.len() == 200 && (70..130).contains(&alike), "{alike}");
}

/// EXPRESSROUTE: ExpressRoute Direct. IPv6 has no sub-interface of its own: it comes and goes with the tags of IPv4.
#[test]
fn ipv6_is_on_the_sub_interface_of_ipv4() {
    for (preset, ce, tags) in [
        ("direct", ["hq-ce1:london.primary", "hq-ce1:london.secondary"], &[0x81, 0, 0, 110, 0x81, 0, 0, 20][..]),
        ("direct-10g-dot1q", ["hq-ce1:london.primary", "hq-ce2:london.secondary"], &[0x81, 0, 0, 20]),
    ] {
        for (host, from, to, ports) in [
            ("hq", ["10.10.1.1", "fd10:10::1"], ["10.20.1.1", "fd10:20::1"], ce),
            ("prod", ["10.20.1.1", "fd10:20::1"], ["10.10.1.1", "fd10:10::1"], ["london-msee1:ce", "london-msee2:ce"]),
        ] {
            let frames = (0..80).map(|n: u16| {
                let family = usize::from(n % 2);
                Packet { from: from[family], to: to[family], port: 1000 + n, ..PACKET }.octets()
            });
            let trial = offer(compiled(preset, &[]), host, frames);
            assert_eq!(trial.outcome.sources[0].delivered, 80, "{preset} {host}");
            for port in ports {
                let frames = trial.at(port);
                assert!(frames.iter().all(|frame| frame[12..].starts_with(tags)), "{preset} {port}");
                let types: BTreeSet<&[u8]> = frames.iter().map(|frame| &frame[12 + tags.len()..][..2]).collect();
                assert_eq!(types, [&[0x08, 0][..], &[0x86, 0xdd]].into(), "{preset} {port}");
            }
        }
    }
}

/// A packet of IPv4 with `octets` in all.
fn packet_of(octets: usize, from: &'static str, to: &'static str, may_cut: bool) -> Vec<u8> {
    let mut frame = Packet { from, to, payload: octets - 28, ..PACKET }.octets();
    frame[20] = if may_cut { 0 } else { 0x40 };
    crate::wire::ipv4::fill_checksum(&mut frame[14..]);
    frame
}

/// EXPRESSROUTE: MTU. 1500 octets of IP at Microsoft's edge, whatever tags are around them, and not one more.
#[test]
fn tags_do_not_count_for_the_mtu() {
    let be16 = |frame: &[u8], at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    for (preset, tags) in [("direct", 2), ("direct-10g-dot1q", 1)] {
        let net = || compiled(preset, &[]);
        let (hq, prod) = ("10.10.1.1", "10.20.1.1");
        assert_eq!(offer(net(), "hq", [packet_of(1500, hq, prod, false)]).delivered("prod"), 1);
        let trial = offer(net(), "prod", [packet_of(1500, prod, hq, false)]);
        let sent = [trial.at("london-msee1:ce"), trial.at("london-msee2:ce")].concat();
        assert_eq!((trial.delivered("hq"), sent.len(), sent[0].len()), (1, 1, 14 + 4 * tags + 1500), "{preset}");
        // One octet more is answered with the size that fits (RFC 1191), or cut.
        let told = offer(net(), "prod", [packet_of(1501, prod, hq, false)]);
        let (node, why) = &told.drops()[0];
        assert!(node.starts_with("london-msee") && *why == "mtu_exceeded" && told.delivered("hq") == 0, "{node} {why}");
        let error = told.at("gw:prod")[0];
        assert_eq!((&error[34..36], be16(error, 40)), (&[3, 4][..], 1500), "{preset}");
        let cut = offer(net(), "prod", [packet_of(1501, prod, hq, true)]);
        let ends = [cut.at("hq-ce1:lan"), cut.at(if tags == 1 { "hq-ce2:lan" } else { "hq-ce1:london.primary" })];
        let lengths: Vec<u16> = ends.iter().flatten().map(|frame| be16(frame, 16)).collect();
        assert_eq!(lengths, [1500, 21], "{preset}");
    }
}
