//! One frame through each preset, hop by hop, as tshark reads it: tags, labels, S bits, TTLs and classes, held as text.
//!
//! `UPDATE_GOLDEN=1` rewrites the text in `tests/wire`. Where tshark is absent the test says so and does nothing.
#![allow(clippy::print_stderr)]

mod cmd;

use biplane::engine::Role;
use biplane::scenario::{CompileOptions, Scenario, compile};
use cmd::craft::pcap;
use cmd::{biplane, path};
use etherparse::PacketBuilder;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Two sides of a frame's way: the place where it enters, and the addresses.
struct Way {
    into: &'static str,
    from: [u8; 4],
    to: [u8; 4],
}

const UP: Way = Way { into: "hq", from: [10, 10, 0, 1], to: [10, 20, 0, 1] };
const DOWN: Way = Way { into: "prod", from: [10, 20, 0, 1], to: [10, 10, 0, 1] };
const PEERED: Way = Way { into: "hq", from: [10, 10, 0, 1], to: [198, 51, 100, 65] };
const BESIDE: Way = Way { into: "hq", from: [10, 10, 0, 1], to: [198, 51, 100, 129] };
const OWN_WAY: Way = Way { into: "prod", from: [10, 20, 0, 1], to: [198, 51, 100, 161] };
const ACROSS: Way = Way { into: "hq", from: [10, 10, 0, 1], to: [10, 11, 0, 1] };

/// A UDP packet with class EF and TTL 64.
fn frame(way: &Way) -> Vec<u8> {
    let mut header = etherparse::Ipv4Header::new(0, 64, etherparse::IpNumber::UDP, way.from, way.to).unwrap();
    header.dscp = etherparse::IpDscp::try_new(46).unwrap();
    let builder = PacketBuilder::ethernet2([0x02, 0, 0, 0, 0, 1], [0x02, 0, 0, 0, 0, 2])
        .ip(etherparse::IpHeaders::Ipv4(header, Default::default()));
    let mut frame = Vec::new();
    builder.udp(4000, 5000).write(&mut frame, &[0; 58]).unwrap();
    frame
}

/// All router ports of a scenario as `node:port`.
fn ports(scenario: &str) -> Vec<String> {
    let scenario = Scenario::load(scenario).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let network = compile(&scenario, CompileOptions::default()).unwrap().network;
    let routers = network.nodes.iter().filter(|node| matches!(node.role, Role::Router(_)));
    routers.flat_map(|node| node.ports.iter().map(|port| format!("{}:{}", node.name, port.name))).collect()
}

/// What tshark says of each frame of `file`, in order of time; `None` where there is no tshark.
fn decoded(file: &Path) -> Option<Vec<Vec<String>>> {
    const FIELDS: [&str; 11] = [
        "frame.interface_name",
        "vlan.id",
        "mpls.label",
        "mpls.exp",
        "mpls.bottom",
        "mpls.ttl",
        "ip.ttl",
        "ip.dsfield.dscp",
        "frame.len",
        "ip.src",
        "ip.dst",
    ];
    let mut command = Command::new("tshark");
    command.args(["-r", path(file), "-T", "fields", "-E", "separator=;", "-E", "aggregator=,"]);
    // Ports 4000 and 5000 have meanings that are none of ours.
    command.args(["-d", "udp.port==5000,data", "-d", "udp.port==4000,data"]);
    command.args(FIELDS.iter().flat_map(|field| ["-e", field]));
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: tshark cannot be run: {error}");
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| line.split(';').map(str::to_owned).collect::<Vec<_>>();
    Some(text.lines().map(row).collect())
}

/// The frame at each port that it leaves by, one line each.
fn hops(scenario: &str, way: &Way) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let capture = pcap(folder.path(), "one.pcap", &[(0, 0, frame(way))]);
    let out = folder.path().join("out.pcapng");
    let ports = ports(scenario);
    let mut args = vec!["replay", path(&capture), "--through", scenario, "--into", way.into, "--out", path(&out)];
    ports.iter().for_each(|port| args.extend(["--observe", port]));
    biplane(&args).ok();
    let mut text = String::new();
    for row in decoded(&out)? {
        let [port, vlans, labels, classes, bottoms, ttls, ip_ttl, dscp, octets, from, to] = &row[..] else {
            panic!("{row:?}")
        };
        let split = |field: &str| field.split(',').map(str::to_owned).collect::<Vec<_>>();
        let stack = split(labels).into_iter().zip(split(classes)).zip(split(bottoms)).zip(split(ttls));
        let stack = stack.filter(|(((label, _), _), _)| !label.is_empty()).map(|(((label, class), bottom), ttl)| {
            let bottom = if bottom == "1" || bottom == "True" { " S" } else { "" };
            format!("[{label} tc {class} ttl {ttl}{bottom}]")
        });
        let vlans: Vec<_> =
            split(vlans).into_iter().filter(|vlan| !vlan.is_empty()).map(|vlan| format!("<{vlan}>")).collect();
        let above = vlans.into_iter().chain(stack).collect::<Vec<_>>().join(" ");
        let above = if above.is_empty() { "-".to_owned() } else { above };
        let [sent_from, sent_to] = [way.from, way.to].map(|address| std::net::Ipv4Addr::from(address).to_string());
        let as_sent = *from == sent_from && *to == sent_to;
        let addresses = if as_sent { String::new() } else { format!(", {from} to {to}") };
        let _ = writeln!(text, "  {port:<28} {above:<62} ip ttl {ip_ttl} dscp {dscp}, {octets} octets{addresses}");
    }
    Some(text)
}

/// Compares with the text of `tests/wire`.
fn hold(name: &str, sections: &[(&str, &str, Way)]) {
    let mut text = String::new();
    for (title, scenario, way) in sections {
        let Some(hops) = hops(scenario, way) else { return };
        let _ = writeln!(text, "{title}\n{hops}");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(golden, text, "{} differs; UPDATE_GOLDEN=1 writes it", file.display());
}

/// The preset with one line of it replaced.
fn changed(folder: &Path, preset: &str, changes: &[(&str, &str)]) -> String {
    let mut text = biplane(&["new", preset]).ok().out;
    for (old, new) in changes {
        assert!(text.contains(old), "{preset} has no `{old}`");
        text = text.replace(old, new);
    }
    let file = folder.join(format!("{preset}.toml"));
    std::fs::write(&file, text).unwrap();
    path(&file).to_owned()
}

#[test]
fn direct() {
    hold("direct", &[("hq to prod", "direct", UP), ("prod to hq", "direct", DOWN)]);
    hold("direct-10g-dot1q", &[("hq to prod", "direct-10g-dot1q", UP), ("prod to hq", "direct-10g-dot1q", DOWN)]);
}

#[test]
fn resiliency() {
    hold("metro", &[("hq to prod", "metro", UP), ("prod to hq", "metro", DOWN)]);
    hold("maximum", &[("hq to prod", "maximum", UP), ("prod to hq", "maximum", DOWN)]);
}

#[test]
fn reference() {
    let sections = [
        ("hq to prod", "reference", UP),
        ("prod to hq", "reference", DOWN),
        ("hq to m365, over Microsoft peering", "reference", PEERED),
        ("hq to dns, beside the circuit", "reference", BESIDE),
        ("prod to cdn, its own way out", "reference", OWN_WAY),
    ];
    hold("reference", &sections);
}

#[test]
fn global_reach() {
    hold("global-reach", &[("hq to lab", "global-reach", UP)]);
}

#[test]
fn exchange() {
    let folder = tempfile::tempdir().unwrap();
    let one_tag = [("encapsulation = \"qinq\"", "encapsulation = \"dot1q\""), ("\nvlan = 310", "\n# vlan = 310")];
    let one_tag = changed(folder.path(), "exchange", &one_tag);
    let sections = [
        ("hq to prod", "exchange", UP),
        ("prod to hq", "exchange", DOWN),
        ("hq to prod, one tag on the customer's side", &one_tag, UP),
        ("prod to hq, one tag on the customer's side", &one_tag, DOWN),
    ];
    hold("exchange", &sections);
}

#[test]
fn ethernet() {
    let folder = tempfile::tempdir().unwrap();
    let explicit = changed(folder.path(), "ethernet", &[("null = \"implicit\"", "null = \"explicit\"")]);
    let sections = [
        ("hq to prod", "ethernet", UP),
        ("prod to hq", "ethernet", DOWN),
        ("hq to prod, explicit null", &explicit, UP),
    ];
    hold("ethernet", &sections);
}

#[test]
fn ipvpn() {
    let [a, b, c, d] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let uniform = changed(a.path(), "ipvpn", &[("ttl = \"pipe\"", "ttl = \"uniform\"")]);
    let short_pipe = changed(b.path(), "ipvpn", &[("ttl = \"pipe\"", "ttl = \"short-pipe\"")]);
    let explicit = changed(c.path(), "ipvpn", &[("null = \"implicit\"", "null = \"explicit\"")]);
    let entropy = changed(d.path(), "ipvpn", &[("entropy = false", "entropy = true")]);
    let sections = [
        ("hq to prod, pipe", "ipvpn", UP),
        ("prod to hq, pipe", "ipvpn", DOWN),
        ("hq to branch, pipe", "ipvpn", ACROSS),
        ("hq to prod, uniform", &uniform, UP),
        ("prod to hq, uniform", &uniform, DOWN),
        ("hq to prod, short pipe", &short_pipe, UP),
        ("hq to prod, explicit null", &explicit, UP),
        ("hq to prod, entropy label", &entropy, UP),
    ];
    hold("ipvpn", &sections);
}
