//! What the commands say: helps, presets, checks, reports and every mistake that can be typed, against golden text.
//!
//! `UPDATE_GOLDEN=1` writes the text that is there now to `tests/cmd/golden`; the difference is to be read.

mod cmd;

use cmd::{Ran, biplane, path, run};
use std::path::Path;
use std::process::Command;

/// Holds `text` against `tests/cmd/golden/NAME`.
#[track_caller]
fn golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(text == wanted, "{} differs; UPDATE_GOLDEN=1 rewrites it. It is now:\n{text}", file.display());
}

/// What was typed and what came of it.
fn transcript(typed: &str, ran: &Ran) -> String {
    format!("$ biplane {typed}\n{}{}[exit {}]\n", ran.out, ran.err, ran.code.unwrap())
}

#[track_caller]
fn typed(text: &str) -> Ran {
    biplane(&text.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn helps_read_well() {
    for (name, text) in [
        ("help.txt", "--help"),
        ("help-replay.txt", "replay --help"),
        ("help-replay-short.txt", "replay -h"),
        ("help-drill.txt", "drill --help"),
        ("help-bench.txt", "bench --help"),
        ("help-check.txt", "check --help"),
        ("help-new.txt", "new --help"),
        ("help-schema.txt", "schema --help"),
    ] {
        let ran = typed(text).ok();
        assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
        golden(name, &ran.out);
    }
    let narrow =
        run(Command::new(env!("CARGO_BIN_EXE_biplane")).args(["replay", "--help"]).env("COLUMNS", "80"), b"").ok();
    let usage = |line: &&str| !line.starts_with("Usage:");
    let wide = narrow.out.lines().filter(usage).filter(|line| line.chars().count() > 80).collect::<Vec<_>>();
    assert_eq!(wide, [""; 0]);
    assert_eq!(typed("--version").ok().out, format!("biplane {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn presets_are_listed_printed_and_good() {
    let list = typed("presets").ok().out;
    golden("presets.txt", &list);
    let folder = tempfile::tempdir().unwrap();
    for name in list.lines().map(|line| line.split_whitespace().next().unwrap()) {
        let printed = typed(&format!("new {name}")).ok().out;
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, printed).unwrap();
        let (from_file, by_name) = (biplane(&["check", path(&file)]).ok(), biplane(&["check", name]).ok());
        assert_eq!(from_file.out.replace(path(&file), name), by_name.out);
        golden(&format!("check-{name}.txt"), &by_name.out);
    }
    golden("check-written-core.txt", &typed("check tests/scenarios/written-core.toml").ok().out);
    golden("check-busy.txt", &typed("check tests/scenarios/drill/busy.toml").ok().out);
    golden("graph-direct.txt", &typed("check direct --graph mermaid").ok().out);
    assert!(typed("check direct --graph dot").ok().out.starts_with("digraph"));
}

/// What it is worth is for `tests/scenario_schema.rs` to say.
#[test]
fn the_schema_is_printed() {
    golden("schema.json", &typed("schema").ok().out);
}

#[test]
fn a_bad_scenario_is_told_all_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    let printed = typed("new direct").ok().out;
    let bad = printed
        .replace("port = \"100G\"                     #", "port = \"50G\" #")
        .replace("s_tag = 110", "s_tagg = 110");
    assert_ne!(bad, printed);
    std::fs::write(&file, bad).unwrap();
    let mut ran = biplane(&["check", path(&file)]);
    assert_eq!((ran.code, &ran.out[..]), (Some(2), ""));
    ran.err = ran.err.replace(path(folder.path()), "FOLDER");
    golden("check-bad.txt", &ran.err);
}

/// The figures of a report are the same on every machine: what the wall clock says is on standard error.
#[test]
fn reports_read_well() {
    for (name, text) in [
        ("replay-direct.txt", "replay captures/branch-office.pcapng --through direct --into hq"),
        (
            "replay-split.txt",
            "replay captures/branch-office-both.pcapng --through direct --into hq --into prod --split auto",
        ),
        ("replay-lsr.txt", "replay captures/labels-1-to-6.pcap captures/pseudowires.pcap --through lsr --into a"),
        ("replay-cut.txt", "replay captures/truncated.pcap --through direct --into hq --cut skip --until 20ms"),
        ("replay-stamps.txt", "replay captures/out-of-order-stamps.pcap --through direct --into hq --max-gap 1s"),
        ("replay-runts.txt", "replay captures/runts.pcap --through direct --into hq --unrouted drop --topspeed"),
    ] {
        reads_well(name, text, 80);
    }
}

/// A report of lines up to `width`, without what the wall clock said; with `--quiet` nothing else.
#[track_caller]
fn reads_well(name: &str, text: &str, width: usize) {
    let ran = typed(text).ok();
    assert!(ran.out.lines().all(|line| line.chars().count() <= width), "{}", ran.out);
    assert!(!ran.out.contains("wall clock") && ran.err.contains("of wall clock on"), "{}", ran.err);
    golden(name, &ran.out);
    assert_eq!(typed(&format!("{text} --quiet")).ok().err, "");
}

#[test]
fn drills_read_well() {
    for (name, text) in [
        ("drill-direct.txt", "drill direct --duration 100ms"),
        ("drill-direct-10g-dot1q.txt", "drill direct-10g-dot1q --duration 100ms"),
        ("drill-exchange.txt", "drill exchange --duration 100ms"),
        ("drill-ethernet.txt", "drill ethernet --duration 100ms"),
        ("drill-ipvpn.txt", "drill ipvpn --duration 100ms"),
        ("drill-metro.txt", "drill metro --duration 100ms"),
        ("drill-maximum.txt", "drill maximum --duration 100ms"),
        ("drill-reference.txt", "drill reference --duration 100ms"),
        ("drill-global-reach.txt", "drill global-reach --duration 100ms"),
        ("drill-busy.txt", "drill tests/scenarios/drill/busy.toml"),
    ] {
        reads_well(name, text, 100);
    }
}

/// What Prometheus is given.
#[test]
fn metrics_read_well() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["direct", "global-reach"] {
        let file = folder.path().join(name);
        typed(&format!("drill {name} --duration 100ms --quiet --metrics {}", file.display())).ok();
        golden(&format!("metrics-{name}.txt"), &std::fs::read_to_string(file).unwrap());
    }
}

/// As they are: streams, and how long they run.
#[test]
fn presets_with_streams_can_be_drilled() {
    for name in
        ["direct", "direct-10g-dot1q", "exchange", "ethernet", "ipvpn", "metro", "maximum", "global-reach", "reference"]
    {
        let json: serde_json::Value = serde_json::from_str(&typed(&format!("drill {name} --json")).ok().out).unwrap();
        assert_eq!((json["command"].as_str(), json["schema"].as_str()), (Some("drill"), Some("biplane.report/v1")));
        let of = |name: &str| json["balance"][name].as_u64().unwrap();
        assert!(of("offered") > 400_000 && of("offered") == of("delivered"), "{}", json["balance"]);
    }
}

#[test]
fn json_goes_where_it_is_sent_and_has_a_version() {
    let text = typed("replay captures/runts.pcap --through direct --into hq --json").ok().out;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((json["schema"].as_str(), json["command"].as_str()), (Some("biplane.report/v1"), Some("replay")));
    assert!(json["engine"]["frames_per_s"].is_u64(), "{text}");
}

const REPLAY: &str = "replay captures/runts.pcap --through direct --into hq";

/// What makes no sense: exit 2 and no word on standard output.
#[test]
fn usage_errors_say_what_to_do() {
    let mut all = String::new();
    for text in [
        "replay --through direct --into hq",
        "replay captures/runts.pcap --into hq",
        "replay captures/runts.pcap --through direct",
        "replay captures/runts.pcap --through dirct --into hq",
        "replay captures/runts.pcap --through direct --into hq --into prod",
        "replay captures/runts.pcap --through direct --into hq=captures/jumbo.pcap",
        "replay captures/runts.pcap --through direct --into londn.primary",
        "replay captures/runts.pcap --through direct --into hq-ce1:lann",
        "replay captures/runts.pcap --through direct --into hq:ce1",
        &format!("{REPLAY} --out captures/runts.pcap"),
        &format!("{REPLAY} --json=./captures/../captures/runts.pcap"),
        &format!("{REPLAY} --out captures/none.pcapng --write london.primary=./captures/../captures/none.pcapng"),
        &format!("{REPLAY} --out -"),
        &format!("{REPLAY} --write london.primary"),
        &format!("{REPLAY} --out captures/none.pcapng --observe nowhere"),
        &format!("{REPLAY} --speed fast"),
        &format!("{REPLAY} --speed 0"),
        &format!("{REPLAY} --pps 0"),
        &format!("{REPLAY} --pps 1.5X"),
        &format!("{REPLAY} --rate 500"),
        &format!("{REPLAY} --rate 0G"),
        &format!("{REPLAY} --speed 2 --topspeed"),
        &format!("{REPLAY} --loop 0"),
        &format!("{REPLAY} --limit 0"),
        &format!("{REPLAY} --max-gap long"),
        &format!("{REPLAY} --until 5"),
        &format!("{REPLAY} --map 10.1.0.0/16"),
        &format!("{REPLAY} --map 10.1.0.0/16=10.2.0.0/24"),
        &format!("{REPLAY} --split 10.0.0.0/8"),
        &format!("{REPLAY} --into prod --split 10.0.0.0"),
        &format!("{REPLAY} --unrouted nowhere"),
        "replay - --through direct --into hq --loop 2",
        "new dirct",
        "check nosuch.toml",
        "check direct --graph svg",
        "new",
        "drip",
        "drill",
        "drill lsr",
        "drill drect",
        "drill direct --duration 0s",
        "drill direct --duration soon",
        "drill direct --write london.primary",
        "drill direct --write nowhere=captures/none.pcapng",
        "drill direct --write hq=captures/none.pcapng --json=captures/none.pcapng",
        "drill direct --metrics captures/none.prom --json=captures/none.prom",
        "drill direct --metrics -",
        "replay captures/runts.pcap --through lsr --into a --metrics captures/none.prom",
    ] {
        let ran = typed(text);
        assert_eq!((ran.code, &ran.out[..]), (Some(2), ""), "{text}: {}", ran.err);
        all += &transcript(text, &ran);
    }
    golden("usage-errors.txt", &all);
    assert!(std::fs::read("captures/runts.pcap").unwrap().len() > 24, "the capture is still there");
    assert!(
        !Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/none.pcapng").exists(),
        "nothing is written for what makes no sense"
    );
}

/// What goes wrong for what is there: exit 1.
#[test]
fn runtime_errors_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, octets: &[u8]| std::fs::write(folder.path().join(name), octets).unwrap();
    write("nothing.pcap", b"");
    write("notes.txt", b"This is no capture, but a text of some length.\n");
    write("empty.pcap", &std::fs::read("captures/runts.pcap").unwrap()[..24]);
    write("short.pcap", &std::fs::read("captures/runts.pcap").unwrap()[..50]);
    let place = path(folder.path());
    let mut all = String::new();
    for text in [
        "replay nosuch.pcap --through direct --into hq",
        // Found out before anything is run.
        "replay captures/runts.pcap nosuch.pcap --through direct --into hq",
        "replay captures --through direct --into hq",
        "replay FOLDER/nothing.pcap --through direct --into hq",
        "replay FOLDER/notes.txt --through direct --into hq",
        &format!("{REPLAY} --out FOLDER/none/out.pcapng"),
        &format!("{REPLAY} --out FOLDER"),
    ] {
        let ran = typed(&text.replace("FOLDER", place));
        assert_eq!((ran.code, &ran.out[..]), (Some(1), ""), "{text}: {}", ran.err);
        all += &transcript(text, &ran).replace(place, "FOLDER");
    }
    for text in
        ["replay FOLDER/empty.pcap --through direct --into hq", "replay FOLDER/short.pcap --through direct --into hq"]
    {
        let ran = typed(&format!("{} --quiet", text.replace("FOLDER", place)));
        assert_eq!(ran.code, Some(1), "nothing sent is never success");
        all += &transcript(text, &ran).replace(place, "FOLDER");
    }
    golden("runtime-errors.txt", &all);
}

/// What can be read once only is read once.
#[test]
fn a_capture_can_come_by_a_pipe() {
    let capture: &'static [u8] = Box::leak(std::fs::read("captures/ns-big-endian.pcap").unwrap().into());
    let whole = typed("replay captures/ns-big-endian.pcap --through direct --into hq").ok();
    let same = |ran: Ran, name: &str| assert_eq!(ran.ok().out.replace(name, "captures/ns-big-endian.pcap"), whole.out);
    for (name, said) in [("-", "standard input"), ("/dev/stdin", "/dev/stdin")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_biplane"));
        command.args(["replay", name, "--through", "direct", "--into", "hq"]);
        same(run(&mut command, capture), said);
    }
}
