//! `biplane trace` as a process: what goes where, and the exit codes; and every captured frame has a trace.

use biplane::capture::CaptureReader;
use biplane::cli::trace::{Given, trace};
use biplane::report::trace::{End, Entry};
use biplane::scenario::compile::Place;
use biplane::scenario::{CompileOptions, Scenario, compile};
use std::path::Path;
use std::process::{Command, Output};

const UDP: &str = "020000000002 020000000001 0800 \
    4500001c 00010000 401166a5 0a0a0005 0a140009 9c40 0035 0008 0000";

fn biplane(args: &[&str]) -> (i32, String, String) {
    let folder = env!("CARGO_MANIFEST_DIR");
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_biplane")).current_dir(folder).args(args).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn text_goes_to_standard_output() {
    let (code, out, err) = biplane(&["trace", "direct", "--into", "hq", "--hex", UDP]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("IPv4 10.10.0.5 -> 10.20.0.9, UDP 40000 -> 53, 64 octets\n"), "{out}");
    assert!(out.contains("\n  tags       none -> 8100:110 8100:20\n"), "{out}");
    assert!(out.trim_end().lines().last().unwrap().starts_with("  delivered"), "{out}");
}

#[test]
fn json_goes_where_it_is_told() {
    let (code, out, _) = biplane(&["trace", "direct", "--into", "hq", "--hex", UDP, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["schema"].as_str()), (0, Some("biplane.trace/v1")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let option = format!("--json={}", file.display());
    let (code, text, _) = biplane(&["trace", "direct", "--into", "hq", "--hex", UDP, &option]);
    assert!(code == 0 && text.contains("delivered"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), out);
}

/// The Microsoft end of a connection takes frames as the customer sends them: with both tags, or not at all.
#[test]
fn a_connection_is_entered_at_its_microsoft_end() {
    let (_, out, _) = biplane(&["trace", "direct", "--into", "london.primary", "--hex", UDP]);
    assert!(out.contains("the wire at 0 s") && out.contains("london-msee1 at"), "{out}");
    assert!(out.contains("drop       untagged_not_accepted"), "{out}");
    let tagged = UDP.replace("0800 ", "8100 006e 8100 0014 0800 ");
    let (_, out, _) = biplane(&["trace", "direct", "--into", "london-msee1:ce", "--hex", &tagged]);
    assert!(out.contains("delivered"), "{out}");
}

/// EXPRESSROUTE: ExpressRoute Direct, FAQ. The tags of a peering in this order and of this type, and IP alone beneath them.
#[test]
fn microsofts_edge_takes_ip_with_the_tags_of_a_peering_alone() {
    for (scenario, tags, end) in [
        ("direct", "8100 006e 8100 0014 0800", "delivered"),
        ("direct", "88a8 006e 8100 0014 0800", "drop       untagged_not_accepted"),
        ("direct", "8100 006f 8100 0014 0800", "drop       vlan_not_member"),
        ("direct", "8100 006e 8100 0015 0800", "drop       vlan_not_member"),
        ("direct", "8100 0014 8100 006e 0800", "drop       vlan_not_member"),
        ("direct", "8100 006e 0800", "drop       vlan_not_member"),
        ("direct", "8100 006e 8100 0014 0806", "drop       arp"),
        ("direct", "8100 006e 8100 0014 88b5", "drop       not_ip"),
        ("direct-10g-dot1q", "8100 0014 0800", "delivered"),
        ("direct-10g-dot1q", "8100 0015 0800", "drop       vlan_not_member"),
        ("direct-10g-dot1q", "0800", "drop       untagged_not_accepted"),
    ] {
        let tagged = UDP.replace("0800 ", &format!("{tags} "));
        let (_, out, _) = biplane(&["trace", scenario, "--into", "london.primary", "--hex", &tagged]);
        assert!(out.contains(end), "{scenario} {tags}: {out}");
    }
}

/// A UDP packet without a checksum, from 10.10.0.7 port 5000 to a service at 198.51.100.70 port 443.
const TO_SERVICE: &str =
    "020000000001 020000000002 0800 4500001c 00004000 40110647 0a0a0007 c6336446 138801bb 00080000";

/// What becomes of the addresses, and of a packet that nobody inside asked for.
#[test]
fn a_translation_is_told() {
    let (_, out, _) = biplane(&["trace", "reference", "--into", "hq", "--hex", TO_SERVICE]);
    assert!(out.contains("translated outward\n"), "{out}");
    let became = "its addresses are translated: IPv4 203.0.113.72 -> 198.51.100.70, UDP 5000 -> 443";
    assert!(out.contains(became) && out.contains("delivered"), "{out}");
    let unasked = TO_SERVICE.replace("40110647 0a0a0007 c6336446", "4011d414 c6336446 cb007142");
    let (_, out, _) = biplane(&["trace", "reference", "--into", "m365", "--hex", &unasked]);
    assert!(out.contains("translated inward\n") && out.contains("its addresses are to be translated"), "{out}");
    assert!(out.contains("drop       nat_binding: no flow from inside has"), "{out}");
}

#[test]
fn options_change_the_way() {
    let away = UDP.replace("401166a5 0a0a0005 0a140009", "40114685 0a0a0005 c6336409");
    let to = |extra: &[&str]| biplane(&[&["trace", "direct", "--into", "hq", "--hex", &away], extra].concat()).1;
    assert!(to(&[]).contains("delivered"), "{}", to(&[]));
    assert!(to(&["--unrouted", "drop"]).contains("drop       unrouted"), "{}", to(&["--unrouted", "drop"]));
    let moved = to(&["--map", "198.51.100.0/24=10.20.7.0/24"]);
    assert!(moved.starts_with("IPv4 10.10.0.5 -> 10.20.7.9, UDP"), "{moved}");
    assert!(moved.contains("route      10.20.0.0/16"), "{moved}");
}

#[test]
fn what_was_cut_off_is_said() {
    let args = ["trace", "direct", "--into", "hq", "--from", "captures/truncated.pcap", "--frame", "2"];
    let (code, _, err) = biplane(&args);
    assert_eq!(code, 0);
    assert!(err.contains("octets of the frame, which are taken as zero"), "{err}");
    assert_eq!(biplane(&[&args[..], &["-q"]].concat()).2, "");
}

#[test]
fn errors_have_their_exit_codes() {
    for (args, code, words) in [
        (&["trace", "direct", "--into", "hq"][..], 2, "--hex"),
        (&["trace", "direct", "--into", "hq", "--hex", "0g"], 2, "no hexadecimal digit"),
        (&["trace", "direct", "--into", "hq", "--hex", "00", "--frame", "2"], 2, "--frame"),
        (&["trace", "direct", "--into", "hq", "--from", "captures/jumbo.pcap", "--frame", "0"], 2, "0"),
        (&["trace", "direct", "--into", "hq", "--from", "captures/jumbo.pcap", "--frame", "9999"], 2, "no frame 9999"),
        (&["trace", "direct", "--into", "hq", "--from", "nothing.pcap"], 1, "cannot be opened"),
        (&["trace", "direct", "--into", "prod:gw", "--hex", "00"], 2, "port of a host"),
        (&["trace", "direct", "--into", "paris", "--hex", "00"], 2, "no place called `paris`"),
        (&["trace", "nothing.toml", "--into", "hq", "--hex", "00"], 2, "nothing.toml"),
    ] {
        let (got, out, err) = biplane(args);
        assert_eq!((got, out.as_str()), (code, ""), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}

/// No frame is lost from sight: each ends somewhere, and a drop is told with its reason.
#[test]
fn every_captured_frame_has_a_trace() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut traced = 0;
    for (preset, into) in [("direct", "hq"), ("lsr", "lsr:a")] {
        let scenario = Scenario::load(preset).unwrap();
        let mut compiled = compile(&scenario, CompileOptions::default()).unwrap();
        let host = match compiled.find(into).unwrap() {
            Place::Host(host) => host,
            Place::Port(node, port) => compiled.network.inject((node, port)),
        };
        for file in std::fs::read_dir(&captures).unwrap().map(|entry| entry.unwrap().path()) {
            let Ok(mut reader) = CaptureReader::open(&file) else { continue };
            while let Ok(Some(record)) = reader.next_record() {
                if record.number > 150 {
                    break;
                }
                let given = Given { octets: record.octets.to_vec(), wire_octets: record.original_len };
                let trace = trace(&compiled.network, host, given.frame().unwrap());
                traced += 1;
                for journey in &trace.frames {
                    let text = journey.to_string();
                    match &journey.end {
                        End::InNetwork => panic!("{} {}: {text}", file.display(), record.number),
                        End::Dropped { reason, .. } => assert!(text.contains(&format!("{reason}: ")), "{text}"),
                        End::Delivered { .. } => assert!(text.contains("delivered  "), "{text}"),
                        End::Consumed { .. } | End::Cut { .. } => {}
                    }
                    let first = if journey.made_from.is_some() { Entry::SlowPath } else { Entry::Source };
                    assert_eq!(journey.stages[0].entry, first);
                    assert!(journey.stages.is_sorted_by_key(|stage| stage.at_ps));
                }
            }
        }
    }
    assert!(traced > 500, "{traced}");
}
