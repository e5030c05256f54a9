//! Drills of a provider's layer-3 VPN: its routes go by BGP from edge to edge, and are withdrawn where they lead nowhere.

mod cmd;
mod lab;

use cmd::{path, tshark};
use lab::{Lab, PROGRAMMING, PS_PER_MS, S, at, downs, event, event_at, found_by_bfd, lost};
use serde_json::{Value, json};

/// Half of the delay of the links between the provider and Microsoft.
const HALF_WAY: i64 = 25_000_000;
/// A link of the core.
const HOP: i64 = PS_PER_MS;
/// Until a router handles what has arrived.
const PUNT: i64 = 20_000_000;
/// Serialization of all short frames of a way at 100 Gb/s, and what TCP makes of several updates: less than this.
const ON_THE_WIRE: i64 = 1_000_000;

/// When a router's route changed, and to which ports: in all its VRFs alike.
fn routes(json: &Value, router: &str, prefix: &str) -> Vec<(i64, Value)> {
    let is_its = |event: &Value| event["event"] == "route" && event["prefix"] == prefix;
    let mut routes: Vec<_> =
        at(json, router, is_its).into_iter().map(|(at, event)| (at, event["ports"].clone())).collect();
    routes.dedup();
    routes
}

/// The edge of the cut link sends what comes to it by the other one; the others hear of it over the core, three links away.
#[test]
fn a_cut_towards_microsoft_is_told_to_all_edges() {
    let lab = Lab::of("ipvpn", "2s", "20kpps", &event("cut", "1s", ""));
    let json = lab.drill(&["--threads", "1"]);
    assert_eq!(json, lab.drill(&["--threads", "3"]));
    let seen = S + HALF_WAY;
    assert_eq!(downs(&json, "carrier-pe-london1", "bgp").iter().map(|(at, _)| *at).collect::<Vec<_>>(), [seen; 2]);
    for prefix in ["10.20.0.0/16", "fd10:20::/32"] {
        assert_eq!(routes(&json, "carrier-pe-london1", prefix), [(seen + PROGRAMMING, json!(["p2a"]))]);
        for (edge, port) in [("pe-hq1", "p1b"), ("pe-hq2", "p1b"), ("pe-branch1", "p1b")] {
            let routes = routes(&json, &format!("carrier-{edge}"), prefix);
            let [(at, ports)] = &routes[..] else { panic!("{edge}: {routes:?}") };
            let told = seen + 3 * HOP + PUNT + PROGRAMMING;
            assert!((told..told + ON_THE_WIRE).contains(at), "{edge}: {at}, {told}");
            assert_eq!(*ports, json!([port]), "{edge}");
        }
        // Customers have one way, and it goes on.
        assert_eq!(routes(&json, "hq-ce1", prefix), []);
    }
    // Of 64 flows at 20,000 packets a second, those by the link: lost is what left the last edge from half the delay before
    // the cut until its forwarding knew.
    let gap = S / 20_000;
    let most = ((2 * HALF_WAY + PROGRAMMING) / gap + 1) as u64;
    for stream in [0, 1] {
        assert!(lost(&json, stream) > most / 4 && lost(&json, stream) < most, "{} of {most}", lost(&json, stream));
    }
}

/// The link from a provider to Microsoft fails silently: its own BFD finds it, in the time of its rules.
#[test]
fn bfd_finds_a_silent_failure_of_the_provider_s_link_to_microsoft() {
    for seed in 1..=4 {
        let lab = Lab::of("ipvpn", "3s", "100pps", &event("blackhole", "1s", ""));
        let json = lab.drill(&["--seed", &seed.to_string()]);
        found_by_bfd(&json, ["carrier-pe-london1", "london-msee1"], HALF_WAY);
    }
}

/// Both rows of the core are cut: what lies beyond has no route once the network has converged, long before any session's hold
/// time is over. Links that are back are used at once where there is nothing else, whatever their hold is.
#[test]
fn what_the_core_does_not_reach_is_withdrawn_and_comes_back() {
    let events = ["carrier.p1a-p2a", "carrier.p1b-p2b"].map(|link| event_at(link, "cut", "1s", "for = \"1s\""));
    let json = Lab::of("ipvpn", "4s", "1kpps", &events.concat()).drill(&[]);
    let converged = |at: i64| at + HOP / 2 + 200 * PS_PER_MS + PROGRAMMING;
    for edge in ["pe-hq1", "pe-hq2", "pe-branch1"] {
        let expected = [(converged(S), json!([])), (converged(2 * S), json!(["p1a", "p1b"]))];
        assert_eq!(routes(&json, &format!("carrier-{edge}"), "10.20.0.0/16"), expected, "{edge}");
    }
    // Over their accesses, customers hear of it too, and so do Microsoft and those beyond.
    for router in ["hq-ce1", "branch-ce1"] {
        let changes = routes(&json, router, "10.20.0.0/16");
        assert_eq!(changes.iter().map(|(_, ports)| ports.clone()).collect::<Vec<_>>(), [json!([]), json!(["london"])]);
    }
    let beyond = routes(&json, "gw", "10.10.0.0/16");
    assert_eq!(beyond.len(), 2, "{beyond:?}");
    for router in ["carrier-pe-hq1", "carrier-pe-london1", "hq-ce1"] {
        assert_eq!(downs(&json, router, "bgp"), [], "{router}: a hold time is 180 s");
    }
    // Between the sites nothing has changed.
    assert_eq!(routes(&json, "carrier-pe-branch1", "10.10.0.0/16"), []);
}

/// A hole in the core that no link shows: BFD from edge to edge finds it in the time of its rules, and the routes by it are gone;
/// without it they would be for a hold time. It goes by every link in between (RFC 5883).
#[test]
fn bfd_over_all_hops_finds_what_no_link_shows() {
    let lab = || Lab::of("ipvpn", "3s", "1kpps", &event_at("carrier.p1a-p2a", "blackhole", "1s", ""));
    let watched = || lab().with("hops = 2 ", "vpn_bfd = { interval = \"300ms\", multiplier = 3 }\nhops = 2 ");
    let json = watched().drill(&["--threads", "1"]);
    assert_eq!(json, watched().drill(&["--threads", "2"]));
    // The path between these edges has the hole 1.5 links away.
    let far = 3 * HOP / 2;
    for router in ["carrier-pe-hq1", "carrier-pe-hq2", "carrier-pe-branch1", "carrier-pe-london1"] {
        let downs = downs(&json, router, "bfd");
        assert!(!downs.is_empty(), "{router}");
        let first = downs[0].0 - S;
        assert!(first > 600 * PS_PER_MS && first <= 900 * PS_PER_MS + 2 * far, "{router}: {downs:?}");
        assert_eq!(downs[0].1, "detection time expired", "{router}");
        assert!(json["control"]["events"].as_array().unwrap().iter().all(|event| event["false_failover"] != true));
    }
    for edge in ["carrier-pe-hq1", "carrier-pe-hq2", "carrier-pe-branch1"] {
        let changes = routes(&json, edge, "10.20.0.0/16");
        assert_eq!(changes.iter().map(|(_, ports)| ports.clone()).collect::<Vec<_>>(), [json!(["p1b"])], "{edge}");
        let [(down, _), ..] = downs(&json, edge, "bgp")[..] else { panic!("{edge}") };
        assert_eq!(changes[0].0, down + PROGRAMMING, "{edge}");
    }
    let without = lab().drill(&[]);
    assert_eq!(routes(&without, "carrier-pe-hq1", "10.20.0.0/16"), []);
    assert!(lost(&without, 0) > 2 * lost(&json, 0), "{} and {}", lost(&without, 0), lost(&json, 0));
}

/// D17: the path is dead, every link is up and all sessions are (a grey failure). Nothing fails over, and what is lost is lost
/// until somebody ends it.
#[test]
fn d17_a_grey_failure_that_all_sessions_survive_loses_until_it_is_over() {
    let hole = event_at("carrier.p1a-p2a", "blackhole", "1s", "for = \"2s\"");
    let json = Lab::of("ipvpn", "4s", "10kpps", &hole).drill(&[]);
    let events = json["control"]["events"].as_array().unwrap().iter();
    let since: Vec<_> = events.filter(|event| event["at_ps"].as_i64().unwrap() >= 0).collect();
    let named: Vec<_> = since.iter().map(|event| (event["event"].as_str().unwrap(), event["name"].as_str())).collect();
    let name = Some("blackhole of carrier.p1a-p2a at 1s");
    assert_eq!(named, [("scenario", name); 2], "its beginning and its end, and nothing else happens");
    // Some of the flows go by this row; of those all frames are lost that come to the middle of the link while it lasts.
    let healthy = Lab::of("ipvpn", "4s", "10kpps", "").drill(&[]);
    let sent = |json: &Value, port: &str| {
        let ports = json["ports"].as_array().unwrap();
        cmd::figure(ports.iter().find(|known| known["port"] == port).unwrap(), "/sent_frames")
    };
    for (stream, port) in [(0, "carrier-p1a:p2a"), (1, "carrier-p2a:p1a")] {
        // Half of the run, to within one frame of each of 64 flows.
        let half = sent(&healthy, port) / 2;
        assert!(lost(&json, stream).abs_diff(half) <= 64, "{stream}: {} and {half}", lost(&json, stream));
    }
}

/// Both kinds of BFD as another reads them: ports, addresses and hop limits are those of the standards.
#[test]
fn bfd_of_many_hops_and_of_members_is_on_the_wire_as_the_standards_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.pcapng");
    let write = format!("carrier-pe-hq1:p1a={}", path(&file));
    let keys = "vpn_bfd = {}\ndetection = \"micro-bfd\"\nhops = 2 ";
    Lab::of("ipvpn", "1ms", "1kpps", "").with("hops = 2 ", keys).drill(&["--write", &write]);
    let fields = ["udp.dstport", "ip.ttl", "eth.dst", "mpls.ttl", "bfd.sta", "udp.checksum.status", "_ws.malformed"];
    let Some(frames) = tshark(&file, &fields, &["-Y", "bfd"]) else { return };
    let of = |port: &str| -> Vec<&Vec<String>> { frames.iter().filter(|frame| frame[0] == port).collect() };
    // From its members, to whoever is there (RFC 7130 §2.3); under a label from edge to edge, nothing taken off by the sender.
    let (micro, multihop) = (of("6784"), of("4784"));
    assert!(micro.len() > 900 && multihop.len() > 30, "{} and {}", micro.len(), multihop.len());
    assert_eq!(micro.len() + multihop.len(), frames.len(), "none over a single hop");
    assert!(micro.iter().all(|frame| frame[1..4] == ["255", "01:00:5e:90:00:01", ""]), "{:?}", micro[0]);
    assert!(multihop.iter().all(|frame| frame[1] == "255" && frame[3] == "255"), "{:?}", multihop[0]);
    for last in [micro.last().unwrap(), multihop.last().unwrap()] {
        assert_eq!(last[4..], ["0x03", "1", ""], "Up, a good checksum, nothing malformed: {last:?}");
    }
}

/// What edges tell each other, as another reads it: prefixes with the label and the distinguisher of an edge's VRF and the route
/// target of the circuit, under the transport label that leads there.
#[test]
fn vpn_routes_are_on_the_wire_as_the_standards_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.pcapng");
    let write = format!("carrier-pe-hq1:p1a={}", path(&file));
    Lab::of("ipvpn", "1ms", "1kpps", "").drill(&["--write", &write]);
    let next_hop = ["rd", "ipv4", "ipv6"].map(|of| format!("bgp.update.path_attribute.mp_reach_nlri.next_hop.{of}"));
    let [next_hop_distinguisher, next_hop_v4, next_hop_v6] = &next_hop;
    let fields = [
        "mpls.label",
        "bgp.label_stack",
        "bgp.ext_com.value_as4",
        "bgp.ext_com.value_an2",
        next_hop_distinguisher,
        next_hop_v4,
        next_hop_v6,
        // Of IPv6 it has no fields.
        "bgp.rd",
        "bgp.mp_reach_nlri_ipv4_prefix",
        "ip.dst",
    ];
    let Some(told) = tshark(&file, &fields, &["-Y", "bgp.label_stack && bgp.ext_com.stype_tr_as4"]) else { return };
    let mut of_families = [0, 0];
    for update in &told {
        let (transport, rest) = update.split_first().unwrap();
        assert!(transport.starts_with("16") && rest.last().unwrap().starts_with("100.64.128."), "{update:?}");
        let v4 = ["500000 (bottom)", "64500", "1", "0:0", "100.64.128.10", "", "100.64.128.10:1", "10.10.0.0"];
        let v6 = ["500000 (bottom)", "64500", "1", "0:0", "", "::ffff:100.64.128.10", "", ""];
        let family = [v4, v6].iter().position(|known| rest[..8] == *known);
        of_families[family.unwrap_or_else(|| panic!("{update:?}"))] += 1;
    }
    // To some of the three others, by this row of the core.
    assert!(of_families[0] > 0 && of_families[0] == of_families[1], "{of_families:?}");
}

/// Label maps are those of the instant: on the bypass from when the light is gone, and by a label of their own once the network
/// has converged.
#[test]
fn label_maps_are_those_of_an_instant() {
    let events = event_at("carrier.p1a-p2a", "cut", "1s", "");
    let lab = Lab::of("ipvpn", "2s", "1kpps", &events);
    let map = |router: &str, time: &str, threads: &str| -> Vec<Value> {
        let json = lab.drill(&["--tables", "--at", time, "--threads", threads]);
        let routers = json["tables"]["routers"].as_array().unwrap();
        routers.iter().find(|tables| tables["router"] == router).unwrap()["labels"].as_array().unwrap().clone()
    };
    let path = |map: &[Value]| -> Vec<Value> {
        let its = map.iter().filter(|row| row["of"].as_str().unwrap().starts_with("pe-hq1 to pe-london1"));
        its.map(|row| json!([row["operation"], row["ways"], row["on_backup"], row["of"]])).collect()
    };
    let way = |outgoing: &[u32], port: &str| json!([{ "outgoing": outgoing, "port": port }]);
    let own = "pe-hq1 to pe-london1";
    let before = path(&map("carrier-p1a", "1.000499999999s", "1"));
    assert_eq!(before, [json!(["swap", way(&[16_002], "p2a"), false, own])]);
    let then = map("carrier-p1a", "1.0005s", "1");
    assert_eq!(then, map("carrier-p1a", "1.0005s", "3"), "at any number of threads");
    assert_eq!(path(&then), [json!(["swap", way(&[1000, 16_002], "pe-hq1"), true, own])]);
    // Converged: around the failure, by the other row, under the path's other label.
    let around = path(&map("carrier-p1b", "1.3s", "1"));
    let [row] = &around[..] else { panic!("{around:?}") };
    assert_eq!(
        (&row[0], &row[1][0]["port"], &row[3]),
        (&json!("swap"), &json!("p2b"), &json!(format!("{own}, another way")))
    );
    assert_eq!(path(&map("carrier-p1b", "1.1s", "1")), [] as [Value; 0]);
    let vpn = &map("carrier-pe-hq1", "1s", "1").pop().unwrap();
    assert_eq!((&vpn["label"], &vpn["vrf"], &vpn["of"]), (&json!(500_000), &json!(1), &json!("VPN at pe-hq1")));
}

/// A core that takes just what `check` asks for: sessions between edges keep to it, also with many routes to tell.
#[test]
fn sessions_between_edges_keep_to_what_the_core_takes() {
    let more: Vec<String> = (0..200).map(|net| format!(", \"10.30.{net}.0/24\"")).collect();
    let lab = Lab::of("ipvpn", "10ms", "1kpps", "\n[settings]\nmtu = 1400\n")
        .with("mtu = 9216 ", "mtu = 1408 ")
        .with("\"fd10:10::/32\"]", &format!("\"fd10:10::/32\"{}]", more.concat()));
    let json = lab.drill(&["--tables"]);
    let drops = json["control"]["drops"].as_array().unwrap();
    assert!(drops.iter().all(|drop| drop["reason"] != "mtu_exceeded"), "{drops:?}");
    assert_eq!([lost(&json, 0), lost(&json, 1)], [0, 0]);
    let routers = json["tables"]["routers"].as_array().unwrap();
    let edge = routers.iter().find(|tables| tables["router"] == "london-msee1").unwrap();
    let routes = edge["routes"].as_array().unwrap().iter();
    assert!(routes.filter(|route| route["network"].as_str().unwrap().starts_with("10.30.")).count() >= 200);
}

/// Where the provider's number is another one, that is what customers and Microsoft see.
#[test]
fn the_provider_s_number_is_in_every_path() {
    let lab = Lab::of("ipvpn", "1ms", "1kpps", "").with("hops = 2 ", "asn = 7018\nhops = 2 ");
    let json = lab.drill(&["--tables"]);
    let path = |router: &str, network: &str| {
        let routers = json["tables"]["routers"].as_array().unwrap();
        let tables = routers.iter().find(|tables| tables["router"] == router).unwrap();
        let routes = tables["routes"].as_array().unwrap();
        let best = routes.iter().find(|route| route["network"] == network && route["best"] == true).unwrap();
        best["path"].as_str().unwrap().to_owned()
    };
    assert_eq!(path("london-msee1", "10.10.0.0/16"), "7018 65010");
    assert_eq!(path("hq-ce1", "10.20.0.0/16"), "7018 12076");
    assert_eq!(path("branch-ce1", "10.10.0.0/16"), "7018 65010");
    assert_eq!(path("carrier-pe-branch1", "10.20.0.0/16"), "12076");
    assert_eq!(path("gw", "10.11.0.0/16"), "12076 7018 65011");
}
