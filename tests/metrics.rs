//! Metrics with Azure's names: figures that can be reckoned by hand, counts that add up, and the text that Prometheus reads.

mod cmd;

use biplane::engine::reference::{self, Offered};
use biplane::engine::{self, Source};
use biplane::id::NodeId;
use biplane::scenario::{CompileOptions, Compiled, Scenario, Unrouted, compile};
use biplane::time::Span;
use cmd::prometheus::{self, Sample};
use cmd::{biplane, figure, path};
use serde_json::Value;
use std::collections::BTreeMap;

const SHARED: &str = "tests/scenarios/drill/shared-pair.toml";
const CIRCUITS: &str = "Microsoft.Network/expressRouteCircuits";
const PORTS: &str = "Microsoft.Network/expressRoutePorts";
const GATEWAYS: &str = "Microsoft.Network/virtualNetworkGateways";

/// A run's JSON report, and its Prometheus text.
struct Ran {
    json: Value,
    text: String,
}

#[track_caller]
fn run(args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.prom");
    let ran = biplane(&[args, &["--json", "--metrics", path(&file)]].concat()).ok();
    Ran { json: serde_json::from_str(&ran.out).unwrap(), text: std::fs::read_to_string(file).unwrap() }
}

impl Ran {
    /// The metrics called `name` of a resource: dimensions and value.
    fn of(&self, resource: (&str, &str), name: &str) -> Vec<(Vec<&str>, &Value)> {
        let all = self.json["metrics"].as_array().unwrap().iter();
        let is_it = |metric: &&Value| {
            let of = &metric["resource"];
            (of["type"].as_str(), of["name"].as_str()) == (Some(resource.0), Some(resource.1)) && metric["name"] == name
        };
        all.filter(is_it)
            .map(|metric| {
                let dimensions = metric["dimensions"].as_object().unwrap();
                (dimensions.values().map(|value| value.as_str().unwrap()).collect(), &metric["value"])
            })
            .collect()
    }

    /// The sum of those that are whole.
    #[track_caller]
    fn sum(&self, resource: (&str, &str), name: &str) -> u64 {
        let all = self.of(resource, name);
        assert!(!all.is_empty(), "{resource:?} has no {name}");
        all.iter().map(|(_, value)| value.as_u64().unwrap()).sum()
    }

    /// A port of the report.
    fn port(&self, name: &str) -> &Value {
        self.json["ports"].as_array().unwrap().iter().find(|port| port["port"] == name).unwrap()
    }
}

/// A preset with text replaced and other streams, as a file.
fn changed(folder: &tempfile::TempDir, preset: &str, changes: &[(&str, &str)], traffic: &str) -> String {
    let preset = biplane(&["new", preset]).ok().out;
    let (network, _) = preset.split_once("[[traffic]]").unwrap();
    let mut network = network.to_owned();
    for (from, to) in changes {
        assert!(network.contains(from), "{from}");
        network = network.replacen(from, to, 1);
    }
    // Figures that are reckoned by hand have no control traffic in them.
    let file = folder.path().join("changed.toml");
    std::fs::write(&file, format!("{network}[control]\nsessions = \"static\"\n{traffic}")).unwrap();
    path(&file).into()
}

fn policed(port: &Value, way: &str) -> u64 {
    let drops = port[way].as_array().unwrap();
    drops.iter().filter(|drop| drop["reason"] == "policed").map(|drop| figure(drop, "/frames")).sum()
}

/// One flow of a million frames a second, 500 octets each at Microsoft's port: 4 Gb/s, all on one plane.
#[test]
fn a_stream_of_known_rate_is_told_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let traffic = "[[traffic]]\nfrom = \"hq\"\nto = \"prod\"\nframe = 492\nrate = \"1Mpps\"\nbegin = \"5ms\"\n";
    let file = changed(&folder, "direct", &[("instances = 2", "instances = 1")], traffic);
    let ran = run(&["drill", &file, "--duration", "15ms"]);
    assert_eq!((figure(&ran.json, "/metrics_span/from_ps"), figure(&ran.json, "/metrics_span/to_ps")), {
        (5_000_000_000, 15_000_000_000)
    });
    let london = (CIRCUITS, "london");
    assert_eq!(ran.sum(london, "BitsInPerSecond"), 4_000_000_000);
    assert_eq!(ran.sum((PORTS, "london"), "PortBitsInPerSecond"), 4_000_000_000);
    assert_eq!(ran.sum(london, "IngressBandwidthUtilization"), 40);
    for name in ["BitsOutPerSecond", "EgressBandwidthUtilization", "QosDropBitsInPerSecond", "QosDropBitsOutPerSecond"]
    {
        assert_eq!(ran.sum(london, name), 0, "{name}");
    }
    // Without tags behind Microsoft's port, and all of it by one instance.
    let gateway = (GATEWAYS, "gw");
    assert_eq!(ran.sum(gateway, "ErGatewayConnectionBitsInPerSecond"), 3_936_000_000);
    assert_eq!(ran.sum(gateway, "ExpressRouteGatewayBitsPerSecond"), 3_936_000_000);
    assert_eq!(ran.sum(gateway, "ExpressRouteGatewayPacketsPerSecond"), 1_000_000);
    assert_eq!(ran.sum(gateway, "ExpressRouteGatewayActiveFlows"), 1);
    let by_role: Vec<_> = ran.of(london, "BitsInPerSecond");
    let dimensions = by_role.iter().map(|(dimensions, _)| dimensions.join(" ")).collect::<Vec<_>>();
    assert_eq!(dimensions, ["Primary AzurePrivatePeering", "Secondary AzurePrivatePeering"], "DeviceRole, PeeringType");
    assert!(by_role.iter().any(|(_, value)| **value == 0), "one flow has one plane");
}

/// Two circuits on one pair: each has what its own streams bring, and both together have what the ports have.
#[test]
fn circuits_that_share_ports_are_counted_apart() {
    let ran = run(&["drill", SHARED]);
    let (london, paris, ports) = ((CIRCUITS, "london"), (CIRCUITS, "paris"), (PORTS, "london"));
    assert_eq!(ran.sum(london, "BitsInPerSecond"), 2_000_000_000);
    assert_eq!(ran.sum(london, "BitsOutPerSecond"), 800_000_000);
    assert_eq!(ran.sum(london, "QosDropBitsInPerSecond") + ran.sum(london, "QosDropBitsOutPerSecond"), 0);
    for (way, port_way, offered) in [("In", "received", 3_000_000_000u64), ("Out", "sent", 4_000_000_000)] {
        let passed = ran.sum(paris, &format!("Bits{way}PerSecond"));
        let dropped = ran.sum(paris, &format!("QosDropBits{way}PerSecond"));
        assert_eq!(passed + dropped, offered, "{way}: passed {passed}, dropped {dropped}");
        // Two connections of 1 Gb/s, and 50,000 octets each at once.
        assert!(passed > 2_000_000_000 && passed <= 2_080_000_000, "{way}: {passed}");
        let of_ports = ran.sum(ports, &format!("PortBits{way}PerSecond"));
        let of_london = ran.sum(london, &format!("Bits{way}PerSecond"));
        let lost_before = if way == "In" { dropped } else { 0 };
        assert_eq!(of_ports, of_london + passed + lost_before);
        // The frames of the ports say the same: 10 ms are a hundredth of a second.
        let octets =
            ["london-msee1:ce", "london-msee2:ce"].map(|port| figure(ran.port(port), &format!("/{port_way}_octets")));
        assert_eq!(octets.iter().sum::<u64>() * 8 * 100, of_ports);
    }
    let frames =
        |way| ["london-msee1:ce", "london-msee2:ce"].map(|port| policed(ran.port(port), way)).iter().sum::<u64>();
    assert_eq!(ran.sum(paris, "QosDropBitsInPerSecond"), frames("ingress_drops") * 500 * 8 * 100);
    assert_eq!(ran.sum(paris, "QosDropBitsOutPerSecond"), frames("egress_drops") * 1000 * 8 * 100);
    // Each gateway has its circuit's.
    assert_eq!(ran.sum((GATEWAYS, "gw"), "ErGatewayConnectionBitsInPerSecond"), 492 * 8 * 500_000);
    assert_eq!(ran.sum((GATEWAYS, "gw2"), "ErGatewayConnectionBitsOutPerSecond"), 992 * 8 * 500_000);
    assert_eq!(ran.sum((GATEWAYS, "gw"), "ExpressRouteGatewayActiveFlows"), 40);
    // A site's one prefix from each of two routers; two prefixes of `test` to each.
    assert_eq!(ran.sum((GATEWAYS, "gw"), "ExpressRouteGatewayCountOfRoutesLearnedFromPeer"), 2);
    assert_eq!(ran.sum((GATEWAYS, "gw2"), "ExpressRouteGatewayCountOfRoutesAdvertisedToPeer"), 4);
    // What comes to a gateway is counted before its limits: `gw2` takes 100,000 packets/s.
    let packets = ran.sum((GATEWAYS, "gw2"), "ExpressRouteGatewayPacketsPerSecond");
    assert_eq!(packets * 500 * 8, ran.sum(paris, "BitsInPerSecond"));
    assert!(ran.json["dropped"].as_array().unwrap().iter().any(|drop| drop["reason"] == "gateway_packets"));
}

/// The two peerings of one circuit: each has its own streams, with both tags.
#[test]
fn peerings_are_counted_apart() {
    let folder = tempfile::tempdir().unwrap();
    let stream = |from: &str, to: &str, rate: &str| {
        format!("[[traffic]]\nfrom = \"{from}\"\nto = \"{to}\"\nframe = 492\nflows = 50\nrate = \"{rate}\"\n")
    };
    let traffic =
        [("hq", "m365", "10kpps"), ("storage", "hq", "20kpps"), ("hq", "prod", "30kpps"), ("prod", "hq", "40kpps")];
    let traffic: String = traffic.map(|(from, to, rate)| stream(from, to, rate)).concat();
    let ran = run(&["drill", &changed(&folder, "reference", &[], &traffic), "--duration", "10ms"]);
    let london = (CIRCUITS, "london");
    let of = |name: &str, peering: &str| -> u64 {
        let all = ran.of(london, name).into_iter().filter(|(dimensions, _)| dimensions.contains(&peering));
        all.map(|(_, value)| value.as_u64().unwrap()).sum()
    };
    let (private, microsoft) = ("AzurePrivatePeering", "MicrosoftPeering");
    let each = |kpps: u64| kpps * 1000 * 500 * 8;
    let bits = [("BitsInPerSecond", each(30), each(10)), ("BitsOutPerSecond", each(40), each(20))];
    for (name, by_private, by_microsoft) in bits {
        assert_eq!((of(name, private), of(name, microsoft)), (by_private, by_microsoft), "{name}");
    }
    assert_eq!((of("ArpAvailability", private), of("BgpAvailability", microsoft)), (200, 200));
}

#[test]
fn a_circuit_that_is_alone_is_policed_to_the_octet() {
    let folder = tempfile::tempdir().unwrap();
    let traffic = "[[traffic]]\nfrom = \"hq\"\nto = \"prod\"\nflows = 50\nframe = 1518\nrate = \"30Gbps\"\n";
    let limits = ("rate_limit = false", "rate_limit = true\ntolerance = \"0%\"\nburst = \"100kB\"");
    let ran = run(&["drill", &changed(&folder, "direct", &[limits], traffic), "--duration", "8ms"]);
    let london = (CIRCUITS, "london");
    let ports = ["london-msee1:ce", "london-msee2:ce"].map(|port| ran.port(port));
    let octets: u64 = ports.iter().map(|port| figure(port, "/received_octets")).sum();
    let frames: u64 = ports.iter().map(|port| policed(port, "ingress_drops")).sum();
    assert!(frames > 1000);
    let rate = |octets: u64| octets * 8 * 125;
    assert_eq!(ran.sum(london, "QosDropBitsInPerSecond"), rate(frames * 1526));
    assert_eq!(ran.sum(london, "BitsInPerSecond"), rate(octets - frames * 1526));
    // The bucket's closed form: 10 Gb/s for 8 ms and the burst, less what the last frames leave of it.
    for (_, bits) in ran.of(london, "BitsInPerSecond") {
        let (octets, most) = (bits.as_u64().unwrap() / 8 / 125, 10_000_000 + 100_000);
        assert!(octets <= most && octets > most - 10_000, "{octets} of {most}");
    }
}

#[test]
fn a_connection_that_is_disabled_is_not_available() {
    let folder = tempfile::tempdir().unwrap();
    let traffic = "[[traffic]]\nfrom = \"hq\"\nto = \"prod\"\nrate = \"1Gbps\"\n";
    let off = ("[circuit.london.secondary]\nadmin = \"enabled\"", "[circuit.london.secondary]\nadmin = \"disabled\"");
    let ran = run(&["drill", &changed(&folder, "direct", &[off], traffic), "--duration", "1ms"]);
    let values = |resource, name| ran.of(resource, name).iter().map(|(_, value)| value.as_u64()).collect::<Vec<_>>();
    for name in ["ArpAvailability", "BgpAvailability"] {
        assert_eq!(values((CIRCUITS, "london"), name), [Some(100), Some(0)]);
    }
    for name in ["AdminState", "LineProtocol"] {
        assert_eq!(values((PORTS, "london"), name), [Some(1), Some(0)]);
    }
    for name in ["ExpressRouteGatewayCountOfRoutesLearnedFromPeer", "ExpressRouteGatewayCountOfRoutesAdvertisedToPeer"]
    {
        assert_eq!(values((GATEWAYS, "gw"), name), [Some(2), Some(0)]);
    }
}

/// FastPath passes the gateway by: the connection has all, the instances have what FastPath does not take.
#[test]
fn fastpath_is_of_the_connection_and_not_of_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let traffic = "[[traffic]]\nfrom = \"hq\"\nto = \"prod\"\nframe = 492\nrate = \"1Mpps\"\n";
    let fast = ("instances = 2", "instances = 2\nfastpath = true");
    // The first 65,536 fill the first prefix; the others are in the second, for which there is no room from 200,001 on.
    for (addresses, routes) in [("", 2), ("addresses = 200000\n", 2), ("addresses = 200001\n", 1)] {
        let vnet = format!("[vnet.prod]                       # the network in the cloud\n{addresses}");
        let changes = [fast, ("[vnet.prod]                       # the network in the cloud\n", &vnet)];
        let ran = run(&["drill", &changed(&folder, "direct", &changes, traffic), "--duration", "10ms"]);
        assert_eq!(ran.sum((CIRCUITS, "london"), "FastPathRoutesCountForCircuit"), routes, "{addresses}");
        assert_eq!(ran.sum((PORTS, "london"), "FastPathRoutesCountForDirectPort"), routes, "{addresses}");
        assert_eq!(ran.sum((GATEWAYS, "gw"), "ErGatewayConnectionBitsInPerSecond"), 3_936_000_000);
        assert_eq!(ran.sum((GATEWAYS, "gw"), "ExpressRouteGatewayBitsPerSecond"), 0);
    }
}

/// EXPRESSROUTE: metrics. Each by its resource: name, unit, aggregation, dimensions in order of the alphabet.
const AZURES: &str = "\
expressRouteCircuits ArpAvailability Percent Average Peer PeeringType
expressRouteCircuits BgpAvailability Percent Average Peer PeeringType
expressRouteCircuits BitsInPerSecond BitsPerSecond Average DeviceRole PeeringType
expressRouteCircuits BitsOutPerSecond BitsPerSecond Average DeviceRole PeeringType
expressRouteCircuits EgressBandwidthUtilization Percent Maximum DeviceRole PeeringType
expressRouteCircuits FastPathRoutesCountForCircuit Count Maximum
expressRouteCircuits GlobalReachBitsInPerSecond BitsPerSecond Average PeeredCircuitSKey
expressRouteCircuits GlobalReachBitsOutPerSecond BitsPerSecond Average PeeredCircuitSKey
expressRouteCircuits IngressBandwidthUtilization Percent Maximum DeviceRole PeeringType
expressRouteCircuits QosDropBitsInPerSecond BitsPerSecond Average
expressRouteCircuits QosDropBitsOutPerSecond BitsPerSecond Average
expressRoutePorts AdminState Count Average Link
expressRoutePorts FastPathRoutesCountForDirectPort Count Maximum
expressRoutePorts LineProtocol Count Average Link
expressRoutePorts PortBitsInPerSecond BitsPerSecond Average Link
expressRoutePorts PortBitsOutPerSecond BitsPerSecond Average Link
virtualNetworkGateways ErGatewayConnectionBitsInPerSecond BitsPerSecond Average ConnectionName
virtualNetworkGateways ErGatewayConnectionBitsOutPerSecond BitsPerSecond Average ConnectionName
virtualNetworkGateways ExpressRouteGatewayActiveFlows Count Maximum roleInstance
virtualNetworkGateways ExpressRouteGatewayBitsPerSecond BitsPerSecond Average roleInstance
virtualNetworkGateways ExpressRouteGatewayCountOfRoutesAdvertisedToPeer Count Maximum BgpPeerAddress
virtualNetworkGateways ExpressRouteGatewayCountOfRoutesLearnedFromPeer Count Maximum BgpPeerAddress
virtualNetworkGateways ExpressRouteGatewayPacketsPerSecond CountPerSecond Average roleInstance
";

#[test]
fn names_units_and_dimensions_are_azures() {
    let mut told = BTreeMap::new();
    for scenario in ["direct", "reference", "global-reach"] {
        let ran = run(&["drill", scenario, "--duration", "1ms"]);
        for metric in ran.json["metrics"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let kind = text(&metric["resource"]["type"]).strip_prefix("Microsoft.Network/").unwrap().to_owned();
            let dimensions: Vec<_> = metric["dimensions"].as_object().unwrap().keys().cloned().collect();
            let known = [kind, text(&metric["name"]), text(&metric["unit"]), text(&metric["aggregation"])];
            let line = [&known[..], &dimensions].concat().join(" ");
            told.entry(line).or_insert_with(Vec::new).push(scenario);
        }
    }
    let lines: String = told.keys().map(|line| format!("{line}\n")).collect();
    assert_eq!(lines, AZURES);
    // Those of Global Reach are there where two circuits are joined, and only there.
    let joined = told.iter().filter(|(line, _)| line.contains("GlobalReach"));
    assert!(joined.clone().count() == 2 && joined.flat_map(|(_, of)| of).all(|&of| of == "global-reach"));
}

/// What goes into Azure by one circuit comes out by the other.
#[test]
fn global_reach_has_two_sides() {
    let ran = run(&["drill", "global-reach", "--duration", "10ms"]);
    let [into, out] = ["In", "Out"].map(|way| format!("GlobalReachBits{way}PerSecond"));
    let (london, paris) = ((CIRCUITS, "london"), (CIRCUITS, "paris"));
    assert_eq!(ran.of(london, &into)[0].0, ["paris"]);
    assert_eq!(ran.sum(london, &into), ran.sum(paris, &out));
    assert_eq!(ran.sum(paris, &into), ran.sum(london, &out));
    assert!(ran.sum(london, &into) > 1_000_000_000 && ran.sum(paris, &into) > 1_000_000_000);
    // There is no other traffic, and no tag on the way between the two: 8 octets more for each frame of London's port.
    let frames: u64 =
        ["london-msee1:ce", "london-msee2:ce"].map(|port| figure(ran.port(port), "/received_frames")).iter().sum();
    assert_eq!(ran.sum(london, "BitsInPerSecond") - frames * 8 * 8 * 100, ran.sum(london, &into));
}

/// A replay has the span from its start to when the last bit left its host.
#[test]
fn a_replay_has_metrics_too() {
    let args = ["replay", "captures/branch-office.pcapng", "--through", "direct", "--into", "hq"];
    let ran = run(&args);
    let [from, to] = ["from_ps", "to_ps"].map(|at| figure(&ran.json, &format!("/metrics_span/{at}")));
    assert_eq!((from, to), (0, figure(&ran.json, "/sources/0/achieved_ps")));
    let expected = ["london-msee1:ce", "london-msee2:ce"].map(|port| {
        let bits = u128::from(figure(ran.port(port), "/received_octets")) * 8;
        (bits * 1_000_000_000_000 / u128::from(to)) as u64
    });
    let found = ran.of((PORTS, "london"), "PortBitsInPerSecond");
    assert_eq!(found.iter().map(|(_, value)| value.as_u64().unwrap()).collect::<Vec<_>>(), expected);
    // Frames that enter in the middle are of the circuit only where they have its tags.
    let tagless = run(&["replay", "captures/runts.pcap", "--through", "direct", "--into", "london.primary"]);
    assert!(tagless.sum((PORTS, "london"), "PortBitsInPerSecond") > 0);
    assert_eq!(tagless.sum((CIRCUITS, "london"), "BitsInPerSecond"), 0);
}

/// The same values in both, under names that follow from Azure's.
#[test]
fn prometheus_reads_what_the_json_says() {
    for scenario in
        ["direct", "direct-10g-dot1q", "exchange", "ethernet", "ipvpn", "metro", "maximum", "global-reach", SHARED]
    {
        let ran = run(&["drill", scenario, "--duration", "2ms"]);
        let metrics = prometheus::parse(&ran.text);
        let all = ran.json["metrics"].as_array().unwrap();
        assert_eq!(metrics.values().map(Vec::len).sum::<usize>(), all.len());
        for metric in all {
            let name = prometheus_name(metric);
            let samples = metrics.get(&name).unwrap_or_else(|| panic!("{scenario}: no {name}"));
            let is_it = |sample: &&Sample| {
                let dimensions = metric["dimensions"].as_object().unwrap();
                sample.labels[0].1 == metric["resource"]["name"].as_str().unwrap()
                    && sample.labels.len() == dimensions.len() + 1
                    && dimensions.iter().all(|(name, value)| sample.label(&snake(name)) == value.as_str())
            };
            let found: Vec<_> = samples.iter().filter(is_it).map(|sample| sample.value.clone()).collect();
            assert_eq!(found, [metric["value"].to_string()], "{scenario}: {metric}");
        }
        let kinds = [("circuit", CIRCUITS), ("port_pair", PORTS), ("gateway", GATEWAYS)];
        let of: BTreeMap<&str, &str> = kinds.into_iter().collect();
        for sample in metrics.values().flatten() {
            let (kind, name) = &sample.labels[0];
            let is_there = |metric: &&Value| {
                metric["resource"]["type"] == of[kind.as_str()] && metric["resource"]["name"] == name.as_str()
            };
            assert!(all.iter().any(|metric| is_there(&metric)), "{scenario}: {kind} {name}");
        }
    }
}

/// Azure's letters in lower case, each capital but the first behind a line.
fn snake(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().unwrap().to_lowercase().to_string();
    letters.fold(first, |out, letter| match letter.is_uppercase() {
        true => format!("{out}_{}", letter.to_lowercase()),
        false => format!("{out}{letter}"),
    })
}

fn prometheus_name(metric: &Value) -> String {
    let unit = if metric["unit"] == "Percent" { "_percent" } else { "" };
    format!("biplane_{}{unit}", snake(metric["name"].as_str().unwrap()))
}

/// Both engines count the same of each sub-interface, what its policer refuses both ways among it.
#[test]
fn the_reference_engine_counts_sub_interfaces_alike() {
    let scenario = Scenario::load(SHARED).unwrap();
    let compiled =
        || compile(&scenario, CompileOptions { unrouted: Unrouted::Drop, ..CompileOptions::default() }).unwrap();
    let streams = |compiled: &mut Compiled| -> Vec<(NodeId, Source)> {
        let Compiled { streams, network, .. } = compiled;
        let all = streams.iter().enumerate().map(|(place, hosts)| {
            let spec = scenario.stream(place, Span::from_ms(3)).unwrap();
            (hosts.from, Source::Stream(Box::new(spec.generator(&mut network.templates).unwrap())))
        });
        all.collect()
    };
    let [mut one, mut other] = [compiled(), compiled()];
    let sources = streams(&mut one);
    let fast = engine::run(engine::Run { threads: 2, ..engine::Run::new(&one.network, sources) });
    let offered = streams(&mut other).into_iter().map(|(node, frames)| Offered { node, frames });
    let slow = reference::run(&other.network, offered.collect(), None, &mut |_| ());
    assert_eq!(fast, slow);
    let (node, port) = one.resources.circuits[1].peerings[0].ends[0].port;
    let port = &fast.nodes[node.index()].ports[port.index()];
    let [london, paris] = port.sub_interfaces[..] else { panic!("two circuits: {port:?}") };
    assert!(london.received.frames > 0 && london.sent.frames > 0);
    assert_eq!((london.ingress_policed.frames, london.egress_policed.frames), (0, 0), "no limit");
    assert!(paris.ingress_policed.frames > 100 && paris.egress_policed.frames > 100, "{paris:?}");
    assert_eq!(london.received.frames + paris.received.frames, port.received.frames);
    assert_eq!(london.sent.octets + paris.sent.octets, port.sent.octets);
}

#[test]
fn threads_change_no_metric() {
    let of = |threads: &str| run(&["drill", SHARED, "--threads", threads]);
    let one = of("1");
    for threads in ["2", "4"] {
        let other = of(threads);
        assert_eq!((&one.json["metrics"], &one.text), (&other.json["metrics"], &other.text));
    }
}
