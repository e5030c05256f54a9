//! The datapath against the octet-level model: for arbitrary routers and frames both must do the same, octet for octet.

#![allow(clippy::print_stderr)] // a test that skips says so

mod model;
mod translate;

use biplane::capture::CaptureReader;
use model::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use translate::{Translated, parse};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn the_datapath_does_what_the_model_does(router in routers::router(), octets in vec(frames::frame(), 1..30)) {
        let translated = Translated::new(&router);
        for octets in &octets {
            let hash = parse(octets, octets.len()).header.hash;
            for ingress in 0..routers::PORTS {
                let model = translated.model(&router, ingress, octets, hash);
                let real = translated.forward(ingress, octets, octets.len());
                prop_assert_eq!(&real, &model, "port {} {:02x?}", ingress, octets);
                let shared = translated.forward_shared(ingress, octets);
                prop_assert_eq!(&shared, &model, "shared, port {} {:02x?}", ingress, octets);
            }
        }
    }

    /// Zeros at the end of a frame may be left out of its body. Where that cuts a header, the frame is dropped
    /// (a tag that is cut is no tag: that is left out here).
    #[test]
    fn zeros_that_are_not_at_hand_are_there(
        router in routers::router(),
        octets in vec((frames::frame(), 0usize..30), 1..20),
    ) {
        let translated = Translated::new(&router);
        for (octets, zeros) in octets.iter().filter(|(octets, _)| octets.len() > 24) {
            let wire = octets.len() + zeros;
            let whole = [&octets[..], &vec![0; *zeros]].concat();
            let hash = parse(octets, wire).header.hash;
            let model = translated.model(&router, 0, &whole, hash);
            let real = translated.forward(0, octets, wire);
            let cut = ["not_ip", "ipv4_header", "ipv6_header", "label_stack_malformed", "payload_mismatch"];
            match (&real, &model) {
                (Outcome::Drop(reason), _) if cut.contains(reason) => {}
                // Zeros that a stack without a bottom runs into are entries of it to the model only.
                (Outcome::Punt(Punt::MtuExceeded(_)), Outcome::Punt(Punt::MtuExceeded(_))) => {}
                _ => prop_assert_eq!(&real, &model, "{} zeros behind {:02x?}", zeros, octets),
            }
        }
    }
}

/// The property above says nothing of what its frames and routers never reach: this counts what they do.
#[test]
fn the_generators_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..400 {
        let router = routers::router().new_tree(&mut runner).expect("a router").current();
        for _ in 0..50 {
            let octets = frames::frame().new_tree(&mut runner).expect("a frame").current();
            let name = match model::forward(&router, 0, &octets, 1, &|_| 0) {
                Outcome::Transmit { octets, .. } => format!("transmit {:02x}{:02x}", octets[12], octets[13]),
                Outcome::Punt(Punt::MtuExceeded(_)) => "punt mtu".to_owned(),
                Outcome::Punt(reason) => format!("punt {reason:?}"),
                Outcome::Drop(reason) => reason.to_owned(),
            };
            *seen.entry(name).or_default() += 1;
        }
    }
    for name in "runt vid_reserved vlan_not_member untagged_not_accepted tagged_not_accepted unknown_tpid reserved_mac \
         arp llc not_ip ipv4_header ipv4_checksum ipv6_header multicast broadcast loopback link_local unspecified \
         no_route mtu_exceeded mpls_not_enabled unknown_label reserved_label implicit_null entropy_label \
         label_stack_malformed label_stack_depth payload_mismatch pseudowire_ach control_word"
        .split_whitespace()
        .chain(["punt Local", "punt TtlExpired", "punt MplsTtlExpired", "punt mtu"])
        .chain(["transmit 0800", "transmit 86dd", "transmit 8847", "transmit 8848", "transmit 8100", "transmit 88a8"])
    {
        assert!(seen.get(name).is_some_and(|&count| count >= 3), "{name} is hardly reached: {seen:#?}");
    }
}

/// Frames that others made: every capture at hand, through routers that know the labels of that capture.
#[test]
fn the_datapath_does_what_the_model_does_with_captured_frames() {
    let mut runner = TestRunner::deterministic();
    let (mut compared, mut labelled) = (0, 0);
    for path in captures() {
        let frames = frames_of(&path);
        for _ in 0..4 {
            let mut router = routers::router().new_tree(&mut runner).expect("a router").current();
            router.vrfs.iter_mut().for_each(|routes| routes.retain(|route| route.length > 0));
            let via = || Target::Via(vec![0, 1]);
            router.vrfs[0].push(Route { prefix: vec![0; 4], length: 0, target: via() });
            router.vrfs[1].push(Route { prefix: vec![0; 16], length: 0, target: via() });
            let known: Vec<LabelEntry> = router.labels.values().cloned().collect();
            for (label, place) in frames.iter().flat_map(|frame| labels_of(frame)).zip(0..) {
                router.labels.entry(label).or_insert_with(|| known[place % known.len()].clone());
                labelled += 1;
            }
            let translated = Translated::new(&router);
            for octets in &frames {
                let hash = parse(octets, octets.len()).header.hash;
                for ingress in 0..routers::PORTS {
                    let model = translated.model(&router, ingress, octets, hash);
                    let real = translated.forward(ingress, octets, octets.len());
                    assert_eq!(real, model, "{} port {ingress} {octets:02x?} {router:?}", path.display());
                    compared += 1;
                }
            }
        }
    }
    eprintln!("{compared} comparisons, {labelled} labels of captures known");
}

/// The capture files of the package and, where they are, the shared ones.
fn captures() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("BIPLANE_SHARED").map_or_else(|| package.join("../shared"), PathBuf::from);
    let mut folders = vec![package.join("captures"), shared.join("captures")];
    if !folders[1].is_dir() {
        eprintln!("the shared captures are not here: skipped");
    }
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The first frames of a capture; none of a file that is no capture.
fn frames_of(path: &Path) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let Ok(mut reader) = CaptureReader::open(path) else { return frames };
    while let Ok(Some(record)) = reader.next_record()
        && frames.len() < 300
    {
        if record.octets.len() < 16_000 {
            frames.push(record.octets.to_vec());
        }
    }
    frames
}

/// The ordinary labels of a frame, beneath up to two tags.
fn labels_of(frame: &[u8]) -> Vec<u32> {
    let stack = (12..=20).step_by(4).find(|&at| frame.get(at..at + 2).is_some_and(|t| t == [0x88, 0x47]));
    let Some(at) = stack else { return Vec::new() };
    let rest = &frame[at + 2..];
    let entries = rest.chunks_exact(4).take(octets::depth(rest));
    entries.filter_map(|entry| octets::lse(entry).ok()).map(|entry| entry.label).filter(|&label| label > 15).collect()
}
