//! Drills with events: what fails is noticed by the protocols in the time that their rules say, and costs what that says.

mod cmd;
mod lab;

use biplane::scenario::{Carrier, CompileOptions, Scenario, Sessions, compile};
use cmd::{biplane, figure, path, tshark};
use lab::{Lab, PROGRAMMING, PS_PER_MS, S, at, downs, event, found_by_bfd, lost};
use serde_json::Value;

/// Half of the delay of the preset's links, where events happen.
const HALF_WAY: i64 = PS_PER_MS / 2;

/// Everything comes from the delays of the scenario, to the picosecond; and every frame has its fate.
#[test]
fn a_cut_costs_carrier_delay_and_programming_and_no_more() {
    let lab = Lab::new("2s", "20kpps", &event("cut", "1s", ""))
        .with("[site.hq]", "[control]\ncarrier_delay = \"3ms\"\n[site.hq]");
    let json = lab.drill(&["--threads", "1"]);
    for threads in ["2", "4"] {
        assert_eq!(json, lab.drill(&["--threads", threads]), "at {threads} threads");
    }
    let seen = S + HALF_WAY;
    let down = seen + 3 * PS_PER_MS;
    for (router, port) in [("hq-ce1", "london.primary"), ("london-msee1", "ce")] {
        let of = |kind: &'static str| at(&json, router, move |event| event["event"] == kind);
        assert_eq!(of("signal").iter().map(|(at, _)| *at).collect::<Vec<_>>(), [seen]);
        let ports: Vec<_> =
            of("port").iter().map(|(at, event)| (*at, event["port"].clone(), event["up"].clone())).collect();
        assert_eq!(ports, [(down, port.into(), false.into())]);
        for protocol in ["bfd", "bgp"] {
            let downs = downs(&json, router, protocol);
            assert!(downs.len() == 2 && downs.iter().all(|(at, _)| *at == down), "both families: {downs:?}");
        }
        let routes = of("route");
        assert!(!routes.is_empty() && routes.iter().all(|(at, _)| *at == down + PROGRAMMING), "{routes:?}");
    }
    // What left 0.5 ms before the cut and until forwarding knew, of the flows by the primary link: one in two or so of 64.
    let gap = S / 20_000;
    let most = ((down + PROGRAMMING - S + HALF_WAY) / gap + 1) as u64;
    assert!(lost(&json, 0) > most / 4 && lost(&json, 0) < most, "{} of {most}", lost(&json, 0));
    for stream in json["streams"].as_array().unwrap() {
        let of = |at: &str| figure(stream, at);
        assert_eq!(of("/offered/frames"), of("/delivered/frames") + of("/lost"));
        assert_eq!(of("/offered/frames"), 40_000);
    }
    let balance = |name: &str| figure(&json, &format!("/balance/{name}"));
    assert_eq!(balance("offered"), balance("delivered") + balance("dropped"));
    let control = |name: &str| figure(&json, &format!("/control/{name}"));
    assert_eq!(control("sent"), control("taken") + control("dropped"));
}

/// BFD of 300 ms, three times: the last packet before the hole left up to 300 ms before it.
#[test]
fn bfd_finds_a_silent_failure_within_its_bounds() {
    let lab = Lab::new("3s", "100pps", &event("blackhole", "1s", ""));
    for seed in 1..=12 {
        let json = lab.drill(&["--seed", &seed.to_string()]);
        found_by_bfd(&json, ["hq-ce1", "london-msee1"], HALF_WAY);
        assert!(json["control"]["events"].as_array().unwrap().iter().all(|event| event["false_failover"] != true));
    }
}

/// D20, and the rule without BFD: a hold time of 180 s, keepalives each 45 to 60 s.
#[test]
fn d20_without_bfd_or_apart_from_it_bgp_takes_its_hold_time() {
    let events = event("blackhole", "5s", "");
    let bfd = "bfd = { interval = \"300ms\", multiplier = 3 }\n";
    let without = Lab::new("190s", "1pps", &events).with(bfd, "");
    for seed in ["1", "2", "3", "4"] {
        let json = without.drill(&["--seed", seed]);
        for router in ["hq-ce1", "london-msee1"] {
            let downs = downs(&json, router, "bgp");
            assert_eq!(downs.len(), 2, "both families: {downs:?}");
            for (at, why) in downs {
                assert!((125 * S..=185 * S + PS_PER_MS).contains(&at), "{at}");
                assert_eq!(why, "hold timer expired");
            }
        }
    }
    // The customer's own session is apart from BFD, and Microsoft's is not.
    let apart = Lab::new("190s", "1pps", &events).with("hold = \"180s\" }", "hold = \"180s\", coupled = false }");
    let json = apart.drill(&[]);
    let [ce, msee] =
        ["hq-ce1", "london-msee1"].map(|router| (downs(&json, router, "bfd"), downs(&json, router, "bgp")));
    assert!(ce.0.iter().chain(&msee.0).all(|(at, _)| *at < 7 * S), "{ce:?} {msee:?}");
    assert!(msee.1.iter().all(|(at, _)| *at < 7 * S), "{msee:?}");
    assert!(ce.1.iter().all(|(at, _)| *at > 125 * S), "{ce:?}");
}

/// D1 with a port that other traffic overloads: with one queue BFD is lost, with a queue for control it is not.
#[test]
fn d1_an_overloaded_port_fails_over_falsely_unless_control_has_a_queue() {
    let events = event("congest", "500ms", "for = \"2s\"\nrate = \"400%\"\nframe = 9000");
    let lab = || {
        Lab::new("3s", "100pps", &events)
            .with("port = \"100G\"", "port = \"10G\"")
            .with("bandwidth = \"10G\"", "bandwidth = \"1G\"")
    };
    let falsely = |json: &Value| {
        let events = json["control"]["events"].as_array().unwrap().iter();
        events.filter(|event| event["false_failover"] == true).count()
    };
    let one = lab().with("queues = 2", "queues = 1").drill(&[]);
    assert!(falsely(&one) > 0 && !downs(&one, "hq-ce1", "bgp").is_empty());
    let two = lab().drill(&[]);
    assert_eq!((falsely(&two), downs(&two, "hq-ce1", "bgp").len()), (0, 0));
    assert!(lost(&two, 0) > 0, "the port is overloaded all the same");
}

/// A link that is back carries its flows again, and nothing is lost by that.
#[test]
fn what_comes_back_is_used_again_without_loss() {
    let drill = |lasts: &str| Lab::new("4s", "10kpps", &event("cut", "500ms", lasts)).drill(&[]);
    let (back, gone) = (drill("for = \"1s\""), drill(""));
    assert_eq!([lost(&back, 0), lost(&back, 1)], [lost(&gone, 0), lost(&gone, 1)]);
    let routes = at(&back, "hq-ce1", |event| event["event"] == "route");
    let last = routes.last().unwrap().1;
    assert_eq!(last["ports"], serde_json::json!(["london.primary", "london.secondary"]));
}

/// Prepending moves what comes from Azure, local preference what goes there (EXPRESSROUTE: optimize routing).
#[test]
fn prepending_and_local_preference_choose_the_link() {
    let sent = |keys: &str| {
        let json =
            Lab::new("100ms", "100kpps", "").with("hold = \"180s\" }", &format!("hold = \"180s\"{keys} }}")).drill(&[]);
        ["to_microsoft", "from_microsoft"].map(|way| {
            let ports = [("hq-ce1:london.primary", "london-msee1:ce"), ("hq-ce1:london.secondary", "london-msee2:ce")];
            ports.map(|(ce, msee)| {
                let port = if way == "to_microsoft" { ce } else { msee };
                let all = json["ports"].as_array().unwrap().iter();
                figure(all.into_iter().find(|known| known["port"] == port).unwrap(), "/sent_frames") > 100
            })
        })
    };
    assert_eq!(sent(""), [[true, true], [true, true]]);
    assert_eq!(sent(", prepend = { secondary = 2 }"), [[true, true], [true, false]]);
    assert_eq!(sent(", local_pref = { primary = 200 }"), [[true, false], [true, true]]);
}

/// With two edge routers each has one link: what one loses goes by the other, which told it of the way by iBGP.
#[test]
fn another_edge_router_of_the_site_takes_over() {
    let json = Lab::new("2s", "1kpps", &event("cut", "1s", "")).with("\nedges = 1 ", "\nedges = 2 ").drill(&[]);
    let routes = at(&json, "hq-ce1", |event| event["event"] == "route" && event["prefix"] == "10.20.0.0/16");
    assert!(!routes.is_empty());
    for (at, event) in routes {
        assert_eq!((at, &event["ports"]), (S + HALF_WAY + PROGRAMMING, &serde_json::json!(["ce2"])));
    }
    let across = json["ports"].as_array().unwrap().iter().find(|port| port["port"] == "hq-ce1:ce2").unwrap();
    assert!(figure(across, "/sent_frames") > 100);
}

/// Each link of a Microsoft peering has a pool of its own in this preset: what comes to that of a link that failed is not for
/// the circuit any more, and what goes out takes the other one.
#[test]
fn a_pool_of_a_link_that_fails_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let preset = biplane(&["new", "reference"]).ok().out;
    let at_duration = preset.find("\nduration = ").unwrap() + 1;
    let line = preset[at_duration..].lines().next().unwrap();
    let text = preset.replacen(line, "duration = \"2s\"", 1) + "\n" + &event("blackhole", "500ms", "");
    let file = folder.path().join("drill.toml");
    std::fs::write(&file, text).unwrap();
    let ran = biplane(&["drill", "--json", path(&file), "--tables"]).ok();
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let pool = |event: &Value| event["event"] == "route" && event["prefix"] == "203.0.113.64/29";
    for router in ["london-msee1", "microsoft"] {
        let gone = at(&json, router, pool);
        assert_eq!(gone.last().map(|(_, event)| event["ports"].clone()), Some(serde_json::json!([])), "{router}");
    }
    let text = biplane(&["drill", path(&file)]).ok().out;
    assert!(text.contains("NAT to 203.0.113.64/29, in VRF") || text.contains("no route any more, in VRF"), "{text}");
    assert!(!text.contains("Translate("), "{text}");
    let services = tables(&json, "microsoft")["routes"].as_array().unwrap();
    let other_pool = services.iter().find(|way| way["network"] == "203.0.113.72/29").unwrap();
    assert_eq!(other_pool["path"], "", "the customer's private number is taken out on Microsoft peering");
    assert!(services.iter().any(|way| way["network"] == "198.51.100.0/26" && way["next_hop"] == "0.0.0.0"));
    let ways = tables(&json, "hq-ce2")["routes"].as_array().unwrap().iter();
    let to_service: Vec<&Value> =
        ways.filter(|way| way["network"] == "198.51.100.0/26" && way["used"] == true).collect();
    assert!(to_service.iter().all(|way| way["path"] == "12076") && !to_service.is_empty(), "{to_service:?}");
}

/// What is loaded onto a port is of no circuit: neither its connection nor its metrics have it.
#[test]
fn congestion_is_of_no_circuit() {
    let events = event("congest", "0s", "rate = \"50%\"");
    let json = Lab::new("50ms", "10kpps", &events).drill(&[]);
    let of = |name: &str| -> f64 {
        let all = json["metrics"].as_array().unwrap().iter().filter(|metric| metric["name"] == name);
        all.map(|metric| metric["value"].as_f64().unwrap()).sum()
    };
    // 10,000 frames of 136 octets with tags a second each way, and a little of the sessions.
    for name in ["BitsInPerSecond", "BitsOutPerSecond"] {
        assert!((10.8e6..11.5e6).contains(&of(name)), "{name}: {}", of(name));
    }
    assert!(of("PortBitsOutPerSecond") > 49e9, "the port has it");
    let primary = &json["circuits"][0]["connections"][0];
    let (to, from) = (figure(primary, "/in_frames"), figure(primary, "/out_frames"));
    assert!((150..400).contains(&to) && (150..400).contains(&from), "{primary:#}");
}

/// A run that ends sooner than the scenario tells of nothing that comes later.
#[test]
fn what_is_not_run_is_not_told() {
    let json = Lab::new("2s", "1kpps", &event("cut", "500ms", "for = \"1s\"")).drill(&["--duration", "1s"]);
    let of_scenario = json["control"]["events"].as_array().unwrap().iter().filter(|event| event["event"] == "scenario");
    assert_eq!(of_scenario.map(|event| event["begins"].clone()).collect::<Vec<_>>(), [true]);
    let json = Lab::new("2s", "1kpps", &event("cut", "500ms", "")).drill(&["--duration", "100ms"]);
    assert!(json["control"]["events"].as_array().unwrap().iter().all(|event| event["event"] != "scenario"));
}

/// A session of long intervals notices long after the fault is over: that was no false failover.
#[test]
fn slow_sessions_fail_over_for_a_reason() {
    let slow = Lab::new("200s", "1pps", &event("blackhole", "1s", "for = \"130s\""))
        .with("interval = \"300ms\"", "interval = \"60s\"")
        .with("[site.hq]", "[control]\nsettle = \"120s\"\n[site.hq]");
    let json = slow.drill(&[]);
    let downs = downs(&json, "hq-ce1", "bfd");
    assert!(!downs.is_empty(), "three intervals of up to 60 s");
    assert!(json["control"]["events"].as_array().unwrap().iter().all(|event| event["false_failover"] != true));
}

/// Without sessions a provider repairs its paths all the same, and there are no tables to look at.
#[test]
fn without_sessions_providers_repair_and_nobody_has_tables() {
    let folder = tempfile::tempdir().unwrap();
    let preset = biplane(&["new", "ethernet"]).ok().out;
    let cut =
        "\n[control]\nsessions = \"static\"\n[[event]]\ndo = \"cut\"\ntarget = \"carrier.p1a-p2a\"\nat = \"20ms\"\n";
    let file = folder.path().join("drill.toml");
    let lost = |keys: &str| {
        let text = preset.replacen("[provider.carrier]\n", &format!("[provider.carrier]\n{keys}"), 1) + cut;
        std::fs::write(&file, text).unwrap();
        let ran = biplane(&["drill", path(&file), "--duration", "200ms", "--json"]).ok();
        let json: Value = serde_json::from_str(&ran.out).unwrap();
        (lost(&json, 0), at(&json, "carrier-p1a", |event| event["event"] == "switched").len())
    };
    let (repaired, unprotected) = (lost(""), lost("protection = \"none\"\n"));
    assert!(repaired.0 > 0 && unprotected.0 > 20 * repaired.0, "{repaired:?} {unprotected:?}");
    assert_eq!((repaired.1, unprotected.1), (1, 0));
    let lab = Lab::new("10ms", "1kpps", "").with("[site.hq]", "[control]\nsessions = \"static\"\n[site.hq]");
    let ran = biplane(&["drill", path(&lab.file()), "--tables"]);
    assert_eq!(
        (ran.code, ran.err.contains("--tables: no router has a control plane here")),
        (Some(2), true),
        "{}",
        ran.err
    );
}

/// What comes over one joint does not leave by another: Global Reach is not transitive, whatever fails.
#[test]
fn global_reach_is_not_transitive_when_a_circuit_fails() {
    let folder = tempfile::tempdir().unwrap();
    let preset = biplane(&["new", "global-reach"]).ok().out;
    let (network, _) = preset.split_once("[[traffic]]").unwrap();
    let network = network.replace("duration = \"1s\"", "duration = \"2s\"");
    let more = "[circuit.oslo]\nmodel = \"direct\"\nsite = \"hq\"\nlocation = \"Oslo\"\nport = \"10G\"\nbandwidth = \"5G\"\n\
                s_tag = 112\n[circuit.oslo.private]\nc_tag = 21\nsubnets = \"192.168.103.128/29\"\n\
                [[global_reach]]\ncircuits = [\"oslo\", \"london\"]\nsubnet = \"172.16.1.0/29\"\n\
                [[global_reach]]\ncircuits = [\"oslo\", \"paris\"]\nsubnet = \"172.16.2.0/29\"\n\
                [[traffic]]\nfrom = \"lab\"\nto = \"hq\"\nflows = 50\nrate = \"10kpps\"\n";
    let cuts: String = ["primary", "secondary"]
        .map(|plane| format!("[[event]]\ndo = \"cut\"\nat = \"500ms\"\ntarget = \"london.{plane}\"\n"))
        .concat();
    let file = folder.path().join("drill.toml");
    std::fs::write(&file, [&network, more, &cuts].concat()).unwrap();
    let ran = biplane(&["drill", path(&file), "--json"]).ok();
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let sent = |port: &str| {
        let mut ports = json["ports"].as_array().unwrap().iter();
        figure(ports.find(|known| known["port"] == port).unwrap(), "/sent_octets")
    };
    // Between these two there are sessions, and no packet of the sites.
    for port in ["london-msee1:oslo", "london-msee2:oslo"] {
        assert!(sent(port) < 10_000, "{port} sent {} octets", sent(port));
    }
    let stream = &json["streams"][0];
    assert!(figure(stream, "/delivered/frames") > 19_000, "oslo leads there: {stream:#}");
}

fn tables<'j>(json: &'j Value, router: &str) -> &'j Value {
    json["tables"]["routers"].as_array().unwrap().iter().find(|tables| tables["router"] == router).unwrap()
}

/// What is asked for is there with all that happened at its instant, and nothing of what comes later.
#[test]
fn tables_are_those_of_an_instant() {
    let lab = Lab::new("2s", "1kpps", &event("cut", "1s", ""));
    let at = |time: &str, threads: &str| lab.drill(&["--tables", "--at", time, "--threads", threads]);
    // The light is gone half a millisecond after the cut.
    let (before, then) = (at("1.000499999999s", "1"), at("1.0005s", "1"));
    assert_eq!(then["tables"], at("1.0005s", "3")["tables"], "at any number of threads");
    let state = |json: &Value, protocol: &str, place: usize| tables(json, "hq-ce1")[protocol][place]["state"].clone();
    for (json, bfd, bgp) in [(&before, "Up", "Established"), (&then, "Down", "Idle")] {
        assert_eq!((state(json, "bfd", 0), state(json, "summary", 0)), (bfd.into(), bgp.into()));
        assert_eq!((state(json, "bfd", 2), state(json, "summary", 2)), ("Up".into(), "Established".into()));
    }
    let ways = |json: &Value, router: &str, network: &str| -> Vec<String> {
        let routes = tables(json, router)["routes"].as_array().unwrap().iter();
        let ways = routes.filter(|way| way["network"] == network && way["used"] == true);
        ways.map(|way| format!("{} {}", way["next_hop"].as_str().unwrap(), way["path"].as_str().unwrap())).collect()
    };
    assert_eq!(ways(&before, "hq-ce1", "10.20.0.0/16"), ["192.168.100.130 12076", "192.168.100.134 12076"]);
    assert_eq!(ways(&then, "hq-ce1", "10.20.0.0/16"), ["192.168.100.134 12076"]);
    assert_eq!(ways(&before, "london-msee1", "10.10.0.0/16"), ["192.168.100.129 65010"]);
    assert!(ways(&then, "london-msee1", "10.10.0.0/16").is_empty());
    let vnet = ways(&then, "london-msee1", "10.20.0.0/16");
    assert!(
        vnet.len() == 1 && vnet[0].ends_with(" 65515"),
        "as Azure shows networks (EXPRESSROUTE: routing): {vnet:?}"
    );
    let gw = ways(&at("2s", "1"), "gw", "10.10.0.0/16");
    assert!(gw.len() == 1 && gw[0].ends_with(" 12076 65010"), "the private number of the customer stays: {gw:?}");
    let ran = biplane(&["drill", path(&lab.file()), "--tables", "--at", "3s"]);
    assert_eq!((ran.code, ran.err.contains("--at: 3 s is after the end")), (Some(2), true), "{}", ran.err);
}

/// Azure's metrics: a link that is cut at half of the run was there for half of it, and half a millisecond.
#[test]
fn availability_is_the_time_that_sessions_are_up() {
    let json = Lab::new("2s", "1kpps", &event("cut", "1s", "")).drill(&[]);
    let of = |name: &str| -> Vec<Value> {
        let all = json["metrics"].as_array().unwrap().iter().filter(|metric| metric["name"] == name);
        all.map(|metric| metric["value"].clone()).collect()
    };
    for name in ["BgpAvailability", "ArpAvailability"] {
        assert_eq!(of(name), [serde_json::json!(50.025), serde_json::json!(100)]);
    }
    assert_eq!(of("LineProtocol"), [serde_json::json!(0.5), serde_json::json!(1)]);
}

/// A neighbour that does not answer is what Azure's ARP table calls it.
#[test]
fn who_does_not_answer_is_incomplete() {
    let lab = Lab::new("30s", "1pps", &event("blackhole", "1s", ""))
        .with("[site.hq]", "[control]\narp_age = \"10s\"\n[site.hq]");
    let json = lab.drill(&["--tables"]);
    let arp = tables(&json, "london-msee1")["arp"].as_array().unwrap();
    let mac = |address: &str| arp.iter().find(|row| row["ip_address"] == address).unwrap()["mac_address"].clone();
    assert_eq!(mac("192.168.100.129"), "Incomplete");
    assert_ne!(mac("100.64.0.1"), "Incomplete");
    let incomplete =
        at(&json, "london-msee1", |event| event["state"] == "incomplete" && event["address"] == "192.168.100.129");
    assert!(!incomplete.is_empty());
}

/// D11: who is there is learned before the run, and none of its frames pays for it; and D12: counters are read when the last frame
/// has arrived, also of those that were sent at the end.
#[test]
fn d11_d12_nothing_is_learned_from_the_run_and_nothing_is_read_before_its_end() {
    for duration in ["100us", "1ms", "50ms"] {
        let json = Lab::new(duration, "200kpps", "").drill(&[]);
        for stream in [0, 1] {
            let of = |at: &str| figure(&json, &format!("/streams/{stream}{at}"));
            assert_eq!((of("/lost"), of("/offered/frames")), (0, of("/delivered/frames")), "{duration}");
            assert!(of("/offered/frames") >= 20, "{duration}");
        }
        let known = json["control"]["events"].as_array().unwrap().iter();
        let resolved: Vec<_> = known.filter(|event| event["state"] == "resolved").collect();
        assert!(!resolved.is_empty() && resolved.iter().all(|event| event["at_ps"].as_i64().unwrap() < 0));
    }
}

/// The customer's router has another C-tag than Microsoft's: neither end gets an answer from the other, no session comes up, and
/// nothing passes (EXPRESSROUTE: verify connectivity, ARP tables).
#[test]
fn tags_that_differ_leave_both_ends_incomplete() {
    for (preset, customer) in [("direct", "hq-ce1"), ("ethernet", "hq-ce1"), ("ipvpn", "carrier-pe-london1")] {
        let lab = Lab::of(preset, "100ms", "1kpps", "").with("c_tag = 20", "c_tag = 20\ncustomer_c_tag = 21 ");
        let json = lab.drill(&["--tables"]);
        for (router, far) in [(customer, "192.168.100.130"), ("london-msee1", "192.168.100.129")] {
            let arp = tables(&json, router)["arp"].as_array().unwrap();
            let row = arp.iter().find(|row| row["ip_address"] == far).unwrap();
            assert_eq!(row["mac_address"], "Incomplete", "{preset}: {router}");
            let summary = tables(&json, router)["summary"].as_array().unwrap();
            let session = summary.iter().find(|row| row["neighbor"] == far).unwrap();
            assert_ne!(session["state"], "Established", "{preset}: {router}");
        }
        for stream in [0, 1] {
            let offered = figure(&json, &format!("/streams/{stream}/offered/frames"));
            assert_eq!(lost(&json, stream), offered, "{preset}");
        }
        let drops = json["control"]["drops"].as_array().unwrap();
        assert!(drops.iter().any(|drop| drop["reason"] == "vlan_not_member"), "{preset}: {drops:?}");
    }
}

/// Sessions are packets: another reads all of them at every port of every preset, and finds nothing malformed.
#[test]
fn captures_of_presets_have_sessions_that_another_reads() {
    let folder = tempfile::tempdir().unwrap();
    for preset in biplane::scenario::presets().iter().filter(|preset| preset.name != "lsr") {
        let scenario = Scenario::parse(preset.text, preset.name).unwrap();
        let options = CompileOptions { sessions: Sessions::Live, repair: true, ..CompileOptions::default() };
        let network = compile(&scenario, options).unwrap().network;
        let ports = network.nodes.iter().flat_map(|node| node.ports.iter().map(move |port| (node, port)));
        let ports: Vec<String> = ports.map(|(node, port)| format!("{}:{}", node.name, port.name)).collect();
        let file = |place: usize| folder.path().join(format!("{place}.pcapng"));
        let write = |(place, port): (usize, &String)| ["--write".to_owned(), format!("{port}={}", path(&file(place)))];
        let writes: Vec<String> = ports.iter().enumerate().flat_map(write).collect();
        let octets = |threads: &str| -> Vec<u8> {
            let args = ["drill", preset.name, "--duration", "1ms", "--threads", threads].into_iter();
            biplane(&args.chain(writes.iter().map(String::as_str)).collect::<Vec<_>>()).ok();
            // Sections of pcapng one after another are a file.
            (0..ports.len()).flat_map(|place| std::fs::read(file(place)).unwrap()).collect()
        };
        let one = octets("1");
        assert!(one == octets("3"), "{}: the same octets at any number of threads", preset.name);
        let all = folder.path().join("all.pcapng");
        std::fs::write(&all, one).unwrap();
        // What lies beneath a pseudowire's label is nowhere said in a frame.
        let wires = (500_000..500_008).flat_map(|label| ["-d".to_owned(), format!("mpls.label=={label},pwethcw")]);
        let is_ethernet = scenario.pairs.iter().any(|pair| matches!(pair.carrier, Carrier::Ethernet { .. }));
        let wires: Vec<String> = if is_ethernet { wires.collect() } else { Vec::new() };
        let options: Vec<&str> = wires.iter().map(String::as_str).collect();
        let Some(frames) = tshark(&all, &["frame.protocols", "_ws.malformed"], &options) else { return };
        let of = |protocol: &str| frames.iter().filter(|frame| frame[0].ends_with(protocol)).count();
        let has_bfd =
            scenario.circuits.iter().flat_map(|circuit| circuit.peerings()).any(|peering| peering.bfd.is_some());
        assert!(of(":bgp") > 20 && of(":arp") > 10 && (of(":bfd") > 40) == has_bfd, "{}", preset.name);
        let malformed: Vec<_> = frames.iter().filter(|frame| !frame[1].is_empty()).collect();
        assert!(malformed.is_empty(), "{}: {} of {}, {:?}", preset.name, malformed.len(), frames.len(), malformed[0]);
    }
}
