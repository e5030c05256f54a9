//! What `check` finds too small for the streams loses frames in a drill with one connection alone, and nothing else does.

mod cmd;

use cmd::{biplane, figure, path};

/// What one percent more or less of a rate comes to in a drill: what buffers and bursts hold is far less.
const DURATION: &str = "50ms";

/// Whether `check` finds something about streams with both connections, and whether a drill with the primary alone loses
/// frames.
fn found_and_lost(changes: &[(&str, &str)], traffic: &str) -> (bool, bool) {
    let preset = biplane(&["new", "direct"]).ok().out;
    let (network, _) = preset.split_once("[[traffic]]").unwrap();
    let network = changes.iter().fold(network.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("both.toml");
    std::fs::write(&file, format!("{network}{traffic}")).unwrap();
    let checked = biplane(&["check", path(&file)]).ok().out;
    let (_, secondary) = network.split_once("[circuit.london.secondary]").unwrap();
    let one = network.replace(secondary, &secondary.replacen("\"enabled\"", "\"disabled\"", 1));
    assert_ne!(one, network);
    std::fs::write(&file, format!("{one}{traffic}")).unwrap();
    let ran = biplane(&["drill", path(&file), "--duration", DURATION, "--json", "-q"]).ok().out;
    let json = serde_json::from_str(&ran).unwrap();
    (checked.contains(": streams bring "), figure(&json, "/balance/dropped") > 0)
}

fn stream(from: &str, to: &str, rate: u64, frame: &str) -> String {
    format!("[[traffic]]\nfrom = \"{from}\"\nto = \"{to}\"\nrate = \"{rate}bps\"\nframe = {frame}\nflows = 500\n")
}

/// What the port, the policer and the gateway count of a packet of 1500 octets, and of the IMIX.
#[test]
fn what_is_found_too_small_loses_frames_and_the_rest_loses_none() {
    let (wide, port) = ("sku = \"ErGwScale\"\nunits = 40\nburst = \"100us\"", "port = \"10G\" #");
    let ports = [
        ("port = \"100G\"                     # of", port),
        ("sku = \"ErGw3Az\"", wide),
        ("# buffer = \"10MiB\"  ", "buffer = \"64KiB\" #"),
    ];
    let strict = "rate_limit = true\ntolerance = \"0%\"\nburst = \"64KiB\"";
    let limited = [("rate_limit = false", strict), ("sku = \"ErGw3Az\"", wide)];
    let leave = [("rate_limit = false", "rate_limit = true\nburst = \"64KiB\""), ("sku = \"ErGw3Az\"", wide)];
    let gateway = [("sku = \"ErGw3Az\"", "sku = \"ErGw2Az\"\nburst = \"200us\""), ("instances = 2", "instances = 1")];
    for (changes, from, to, frame, rate) in [
        (&ports[..], "hq", "prod", "1518", 10_000_000_000 * 1500 / 1546),
        (&ports, "prod", "hq", "1518", 10_000_000_000 * 1500 / 1546),
        (&ports, "hq", "prod", "\"imix\"", 10_000_000_000 * 4126 / (4342 + 12 * 28)),
        (&limited, "hq", "prod", "1518", 10_000_000_000 * 1500 / 1526),
        (&limited, "prod", "hq", "\"imix\"", 10_000_000_000 * 4126 / (4342 + 12 * 8)),
        (&leave, "hq", "prod", "1518", 12_000_000_000 * 1500 / 1526),
        (&gateway, "hq", "prod", "1518", 2_000_000_000 * 1500 / 1518),
        (&gateway, "hq", "prod", "256", 200_000 * 238 * 8),
    ] {
        let of = |rate| found_and_lost(changes, &stream(from, to, rate, frame));
        assert_eq!(of(rate / 100 * 99), (false, false), "{from} to {to}, {frame}: 1 % less than {rate}");
        assert_eq!(of(rate / 100 * 101), (true, true), "{from} to {to}, {frame}: 1 % more than {rate}");
    }
}

/// Shares of the sending port add up while they run at once.
#[test]
fn check_tells_what_hosts_offer_at_once() {
    let preset = biplane(&["new", "direct"]).ok().out;
    let (network, _) = preset.split_once("[[traffic]]").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shares.toml");
    let stream = |name: &str, rate: &str, times: &str| {
        format!(
            "[[traffic]]\nname = \"{name}\"\nfrom = \"hq\"\nto = \"prod\"\nframe = 512\nrate = \"{rate}\"\n{times}\n"
        )
    };
    let told = |first: &str, second: &str| {
        let text = format!("{network}{}{}", stream("a", "60%", first), stream("b", "50%", second));
        std::fs::write(&file, text).unwrap();
        biplane(&["check", path(&file)]).ok().out
    };
    let both = told("", "");
    assert!(both.contains("\n  hq: 110 Gbps, 110.0 % of ce1 100G: too much, some of it leaves late\n"), "{both}");
    let in_turn = told("end = \"300ms\"", "begin = \"300ms\"");
    assert!(in_turn.contains("\n  hq: 60 Gbps, 60.0 % of ce1 100G\n"), "{in_turn}");
    let lines = ["a: hq to prod, 60% on the wire, frames of 512 octets, 1 flow of IPv4, 0 s to 300 ms", "300 ms on"];
    assert!(lines.iter().all(|line| in_turn.contains(line)), "{in_turn}");
}
