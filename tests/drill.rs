//! Drills: the same at any number of threads and in the reference engine, every frame accounted for, rates as asked.

mod cmd;

use biplane::engine::reference::{self, Offered};
use biplane::engine::{Outcome, Source};
use biplane::scenario::{CompileOptions, Compiled, Scenario, Unrouted, compile};
use biplane::time::{Instant, Span};
use cmd::{Ran, biplane, figure, path};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

const BUSY: &str = "tests/scenarios/drill/busy.toml";

/// The JSON report of a drill, without what is of the machine.
#[track_caller]
fn drill(args: &[&str]) -> Value {
    let ran = biplane(&[&["drill", "--json"], args].concat()).ok();
    let mut json: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(json.as_object_mut().unwrap().remove("engine").unwrap()["wall_us"].is_u64());
    json
}

/// The preset `direct` with `traffic` in place of its streams, which its gateway does not limit.
fn direct(folder: &tempfile::TempDir, traffic: &str) -> String {
    let preset = biplane(&["new", "direct"]).ok().out;
    let (network, _) = preset.split_once("[[traffic]]").unwrap();
    assert!(network.contains("limits = true"));
    let network = network.replace("limits = true", "limits = false");
    let file = folder.path().join("drill.toml");
    std::fs::write(&file, format!("{network}{traffic}")).unwrap();
    path(&file).into()
}

/// The network of a drill, and how long its sessions have to come up.
fn drilled(scenario: &Scenario) -> (Compiled, Span) {
    let sessions = scenario.control.sessions;
    let options = CompileOptions { unrouted: Unrouted::Drop, sessions, repair: true, events: true };
    let compiled = compile(scenario, options).unwrap();
    let settled = compiled.begin.since(Instant::ZERO);
    (compiled, settled)
}

/// The same drill by the reference engine.
fn by_reference(scenario: &str, duration: Span) -> Outcome {
    let scenario = Scenario::load(scenario).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (mut compiled, settled) = drilled(&scenario);
    compiled.network.control_until = Some(compiled.begin + duration);
    let mut offered = Vec::new();
    for (place, hosts) in compiled.streams.iter().enumerate() {
        let mut spec = scenario.stream(place, duration).unwrap();
        spec.delay(settled);
        let stream = spec.generator(&mut compiled.network.templates).unwrap();
        offered.push(Offered { node: hosts.from, frames: Source::Stream(Box::new(stream)) });
    }
    reference::run(&compiled.network, offered, None, &mut |_| ())
}

#[test]
fn threads_change_nothing_and_the_reference_engine_agrees() {
    for (scenario, ms) in [("direct", 2), ("direct-10g-dot1q", 3), ("reference", 20), (BUSY, 20)] {
        let run = |threads: &str| drill(&[scenario, "--duration", &format!("{ms}ms"), "--threads", threads]);
        let one = run("1");
        for threads in ["2", "4"] {
            assert_eq!(one, run(threads), "{scenario} at {threads} threads");
        }
        let expected = by_reference(scenario, Span::from_ms(ms));
        let streams = one["streams"].as_array().unwrap();
        assert_eq!(streams.len(), expected.sources.len());
        for (source, stream) in expected.sources.iter().zip(streams) {
            assert_eq!(figure(stream, "/offered/frames"), source.offered.frames, "{stream:#}");
            assert_eq!(figure(stream, "/offered/octets"), source.offered.octets);
            let delivered = figure(stream, "/delivered/frames") + figure(stream, "/elsewhere");
            assert_eq!((delivered, figure(stream, "/created")), (source.delivered, source.created));
            let drops = stream["drops"].as_array().unwrap();
            assert_eq!(drops.iter().map(|drop| figure(drop, "/frames")).sum::<u64>(), source.dropped);
        }
        let (compiled, settled) = drilled(&Scenario::load(scenario).unwrap());
        assert_eq!(figure(&one, "/ended_ps"), expected.ended.since(Instant::ZERO + settled).as_ps());
        for host in one["delivered"].as_array().unwrap() {
            let name = host["host"].as_str().unwrap();
            let delivery = expected.nodes[compiled.network.node(name).unwrap().index()].delivery;
            let ways = ["/frames", "/least_ps", "/mean_ps", "/most_ps"].map(|at| figure(host, at));
            let mean = delivery.mean().unwrap().as_ps();
            assert_eq!(ways, [delivery.count.frames, delivery.least.as_ps(), mean, delivery.most.as_ps()]);
        }
    }
}

#[test]
fn every_frame_has_its_fate() {
    let json = drill(&[BUSY]);
    let of = |name: &str| figure(&json, &format!("/balance/{name}"));
    assert_eq!(of("offered") + of("created"), of("delivered") + of("dropped") + of("consumed"));
    assert_eq!((of("in_network"), of("dropped") > 0, of("created") > 0), (0, true, true));
    let streams = json["streams"].as_array().unwrap();
    for stream in streams {
        let of = |at: &str| figure(stream, at);
        assert_eq!(of("/offered/frames"), of("/delivered/frames") + of("/lost"), "{stream:#}");
        assert_eq!(of("/lost_ppm"), of("/lost") * 1_000_000 / of("/offered/frames"));
        let [least, mean, most] = ["/least_ps", "/mean_ps", "/most_ps"].map(|at| stream.pointer(at).unwrap().as_u64());
        assert!(least <= mean && mean <= most && least.is_some() == (of("/delivered/frames") > 0), "{stream:#}");
    }
    let drops = |stream: &Value| -> Vec<String> {
        let drops = stream["drops"].as_array().unwrap();
        drops
            .iter()
            .map(|drop| format!("{} {}", drop["place"].as_str().unwrap(), drop["reason"].as_str().unwrap()))
            .collect()
    };
    let bulk = &streams[0];
    assert!(drops(bulk).contains(&"london-msee1 policed".into()), "{bulk:#}");
    assert!(figure(bulk, "/lost_ppm") > 300_000, "three times what the policers pass: {bulk:#}");
    let jumbo = &streams[4];
    assert_eq!((figure(jumbo, "/delivered/frames"), figure(jumbo, "/elsewhere")), (0, figure(jumbo, "/created")));
    assert_eq!(jumbo["mean_ps"], Value::Null);
    assert!(drops(jumbo).iter().all(|drop| drop.ends_with("mtu_exceeded")), "{jumbo:#}");
}

#[test]
fn rates_are_what_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let stream = |more: &str| format!("[[traffic]]\nfrom = \"hq\"\nto = \"prod\"\nflows = 100\n{more}\n");
    let asked = [
        ("name = \"a\"\nrate = \"4Gbps\"", "/offered/bps/packet", 4_000_000_000),
        ("name = \"b\"\nrate = \"2Gbps\"\ncounts = \"frame\"\nframe = 512", "/offered/bps/frame", 2_000_000_000),
        ("name = \"c\"\nrate = \"1Gbps\"\ncounts = \"wire\"\nframe = 64", "/offered/bps/wire", 1_000_000_000),
        ("name = \"d\"\nrate = \"1.5Mpps\"\nframe = 100", "/offered/millipps", 1_500_000_000),
        ("name = \"e\"\nrate = \"5%\"", "/offered/bps/wire", 5_000_000_000),
        ("name = \"f\"\nrate = \"1Mpps\"\nbegin = \"2ms\"\nend = \"5ms\"", "/offered/millipps", 1_000_000_000),
    ];
    let file = direct(&folder, &asked.map(|(more, ..)| stream(more)).concat());
    let json = drill(&[&file, "--duration", "10ms"]);
    for ((asked, at, expected), stream) in asked.iter().zip(json["streams"].as_array().unwrap()) {
        let rate = figure(stream, at);
        // One frame more or less, of some 10,000.
        assert!(rate.abs_diff(*expected) < expected / 2000, "{asked}: {rate} at {at}");
        assert_eq!((figure(stream, "/lost"), figure(stream, "/late_ps")), (0, 0), "{stream:#}");
    }
    assert_eq!(figure(&json, "/streams/3/offered/frames"), 15_000);
    assert_eq!(figure(&json, "/streams/5/offered/frames"), 3_000);
    assert!(figure(&json, "/streams/0/delivered/frames") > 10_000);
}

/// Streams of a host take turns by time; what its port cannot carry in time leaves later.
#[test]
fn a_port_that_carries_less_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let stream = |name, rate| {
        format!(
            "[[traffic]]\nname = \"{name}\"\nfrom = \"hq\"\nto = \"prod\"\nflows = 10\nframe = 1518\nrate = \"{rate}\"\n"
        )
    };
    let file = direct(&folder, &[stream("a", "100%"), stream("b", "25%")].concat());
    let json = drill(&[&file, "--duration", "4ms"]);
    for stream in 0..2 {
        let late = figure(&json, &format!("/streams/{stream}/late_ps"));
        assert!((990_000_000..1_001_000_000).contains(&late), "5 ms of traffic in 4: {late}");
    }
    let [a, b] = [0, 1].map(|stream| figure(&json, &format!("/streams/{stream}/offered/bps/wire")));
    assert!((79_900_000_000..80_100_000_000).contains(&a), "four fifths of 100G: {a}");
    assert!((19_900_000_000..20_100_000_000).contains(&b), "{b}");
}

#[test]
fn the_duration_can_be_another() {
    let ended = |args: &[&str]| {
        let json = drill(args);
        (figure(&json, "/duration_ps"), figure(&json, "/streams/1/end_ps"), figure(&json, "/streams/1/begin_ps"))
    };
    assert_eq!(ended(&[BUSY]), (20_000_000_000, 15_000_000_000, 5_000_000_000));
    assert_eq!(ended(&[BUSY, "--duration", "7ms"]), (7_000_000_000, 7_000_000_000, 5_000_000_000));
    let ran = biplane(&["drill", BUSY, "--duration", "5ms"]);
    assert_eq!((ran.code, &ran.out[..]), (Some(2), ""));
    for part in ["the stream `voice` begins at 5 ms, and the run ends at 5 ms", "busy.toml:55:9", "longer --duration"] {
        assert!(ran.err.contains(part), "{}", ran.err);
    }
}

/// Nothing that a scenario asks for is left out in silence.
/// Frames are told apart by 64 sources, of which the sessions are one.
#[test]
fn too_many_sources_are_refused_where_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let streams = |count: usize| -> String {
        let stream = |n| format!("[[traffic]]\nname = \"s{n}\"\nfrom = \"hq\"\nto = \"prod\"\nrate = \"1pps\"\n");
        (0..count).map(stream).collect()
    };
    let congestion = "[[event]]\nat = \"1ms\"\ndo = \"congest\"\ntarget = \"london.primary\"\nrate = \"1%\"\n";
    for (text, told) in [
        (streams(64), "64 streams are 64 sources, of which a run has 63 at the most"),
        (streams(62) + congestion, "62 streams and 2 loads of congested ports"),
    ] {
        let ran = biplane(&["drill", &direct(&folder, &text), "--duration", "10ms"]);
        assert_eq!((ran.code, &ran.out[..]), (Some(2), ""), "{}", ran.err);
        assert!(ran.err.contains(told) && ran.err.contains("one too many"), "{}", ran.err);
    }
    let file = direct(&folder, &(streams(61) + congestion));
    assert_eq!(drill(&[&file, "--duration", "10ms"])["streams"].as_array().unwrap().len(), 61);
}

#[test]
fn what_left_a_port_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("primary.pcapng");
    let write = format!("london.primary={}", path(&file));
    let json = drill(&[BUSY, "--write", &write]);
    let written = cmd::pcapng::File::read(&file);
    let port = json["ports"].as_array().unwrap().iter().find(|port| port["port"] == "london-msee1:ce").unwrap();
    let left = figure(port, "/sent_frames");
    let dropped: u64 = ["ingress_drops", "egress_drops"]
        .iter()
        .flat_map(|drops| port[drops].as_array().unwrap())
        .map(|drop| figure(drop, "/frames"))
        .sum();
    assert!(left > 100 && dropped > 100);
    // Ports count from instant 0 on; files begin with what brings up the sessions.
    let settled = 10 * written.interfaces[0].ticks;
    let since = written.packets.iter().filter(|packet| packet.ticks >= settled).count() as u64;
    assert_eq!(since, left + dropped);
    assert!((20..60).contains(&(written.packets.len() as u64 - since)), "of two families");
}

#[test]
fn templates_count_as_memory() {
    let folder = tempfile::tempdir().unwrap();
    let traffic = "[[traffic]]\nfrom = \"hq\"\nto = \"prod\"\nflows = 1000000\nrate = \"1Mbps\"\n";
    let file = direct(
        &folder,
        &[traffic, &traffic.replace("hq\"\nto", "prod\"\nto").replace("to = \"prod", "to = \"hq")].concat(),
    );
    let ran = biplane(&["drill", &file, "--memory", "400MB"]);
    assert_eq!((ran.code, &ran.out[..]), (Some(2), ""), "{}", ran.err);
    for part in ["of memory, over 382 MiB (--memory)", "MiB for streams, ", "`flows`"] {
        assert!(ran.err.contains(part), "{}", ran.err);
    }
}

/// On one thread, whose sources always have more.
#[test]
fn an_interrupt_leaves_the_report_of_the_part_that_was_run() {
    for threads in ["1", "2"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_biplane"))
            .args([
                "drill",
                "direct",
                "--duration",
                "10h",
                "--memory",
                "100GiB",
                "--verbose",
                "--json",
                "--threads",
                threads,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        // By then signals are caught.
        errors.read_line(&mut line).unwrap();
        assert!(line.starts_with("thread 1 of"), "{line}");
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        errors.read_to_string(&mut line).unwrap();
        let ran = Ran { code: child.wait().unwrap().code(), out, err: line };
        assert_eq!(ran.code, Some(130), "{}", ran.err);
        let json: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(json["interrupted"], true);
        let of = |name: &str| figure(&json, &format!("/balance/{name}"));
        assert_eq!(of("offered"), of("delivered") + of("dropped") + of("in_network"));
    }
}

/// The six classes of Microsoft peering are those of the port: with eight queues each of EF, AF41, CS3, AF21, AF11 and CS0
/// goes before all that come after it, and no lower one takes its room. Where more is asked than the port carries the last
/// ones lose, in whatever order they come.
#[test]
fn classes_of_microsoft_peering_have_queues_of_their_own() {
    const RATE: u64 = 2_500_000_000;
    let folder = tempfile::tempdir().unwrap();
    let preset = biplane(&["new", "reference"]).ok().out;
    let (network, _) = preset.split_once("[[traffic]]").unwrap();
    let lost = |classes: &[&str], queues: &str| -> Vec<u64> {
        let link = format!(
            "queues = {queues}\nbuffer = \"64KiB\"\nrate_limit = false\nsecondary = {{ admin = \"disabled\" }}\nbandwidth = \"10G\""
        );
        let mut text = network.replace("edges = 2\n\n[site.hq.internet]", "edges = 1\n\n[site.hq.internet]");
        assert!(text.contains("\nbandwidth = \"2G\""));
        text = text.replace("bandwidth = \"2G\"", &link);
        for class in classes {
            text += &format!(
                "[[traffic]]\nname = \"{class}\"\nfrom = \"hq\"\nto = \"m365\"\ndscp = \"{class}\"\nflows = 40\nframe = \
                 1518\nrate = \"{RATE}bps\"\ncounts = \"wire\"\n"
            );
        }
        let file = folder.path().join("classes.toml");
        std::fs::write(&file, text).unwrap();
        let json = drill(&[path(&file), "--duration", "20ms"]);
        json["streams"].as_array().unwrap().iter().map(|stream| figure(stream, "/lost")).collect()
    };
    let offered = RATE / (1538 * 8) / 50;
    // 15 Gb/s on a port of 10: three classes are carried whole, of the fourth all but what tags take, of the last two what
    // the buffer holds in the beginning and in the end.
    let held = 4 * (64 << 10) / 1546;
    let mut classes = ["EF", "AF41", "CS3", "AF21", "AF11", "CS0"];
    for _ in 0..2 {
        let mut eight = lost(&classes, "8");
        if classes[0] == "CS0" {
            eight.reverse();
        }
        assert_eq!(eight[..3], [0; 3], "{classes:?}: {eight:?}");
        assert!(eight[3] <= offered * 8 / 1546 * 4 + held, "{classes:?}: {eight:?}");
        assert!(eight[4] + eight[5] >= 2 * (offered - held), "{classes:?}: {eight:?} of {offered}, {held} held");
        classes.reverse();
    }
    let one = lost(&classes, "1");
    assert!(one.iter().sum::<u64>() > offered * 6 / 4, "{one:?}");
}
