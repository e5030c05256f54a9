//! `biplane bench --engine`: its report has the promised figures, and the network measured is the one described.

mod cmd;

use biplane::cli::bench::network::{PATHS, direct, six_node};
use biplane::engine::reference::{self, Offered, What};
use biplane::engine::{Run, run};
use biplane::traffic::stream::FrameSizes;
use cmd::biplane;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_report_has_the_promised_figures() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("engine.json");
    let json = format!("--json={}", file.display());
    let ran = biplane(&["bench", "--engine", "--seconds", "0.01", "--threads", "2", &json]).ok();
    for says in ["ns/hop", "lsr_swap_1M", "M frames/s", "Best of 3 repetitions", "six_node, thread 2 of 2:"] {
        assert!(ran.out.contains(says), "{says} is not in\n{}", ran.out);
    }
    let report: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(report["schema"], "biplane.engine/v1");
    assert_eq!(report["build"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["build"]["debug_assertions"], cfg!(debug_assertions));
    assert!(report["cpus"].as_u64().unwrap() > 0 && !report["cpu"].as_str().unwrap().is_empty());
    let results = report["results"].as_array().unwrap();
    let mut names = BTreeSet::new();
    for result in results {
        let name = result["name"].as_str().unwrap();
        let threads = result["threads"].as_u64().unwrap();
        assert!(names.insert((name.to_owned(), threads)), "{name} is there twice");
        let mut figures = vec!["frame_octets", "frames", "ns_per_frame", "frames_per_s"];
        if ["direct", "six_node", "reference_engine"].iter().any(|network| name.starts_with(network)) {
            figures.extend(["hops_per_s", "ns_per_hop", "emulated_s_per_wall_s", "delivered"]);
            assert_eq!(result["delivered"], result["frames"]);
        }
        for figure in figures {
            let value = result[figure].as_f64().unwrap_or_else(|| panic!("{name} has no {figure}"));
            assert!(value > 0.0 && value.is_finite(), "{name}: {figure} is {value}");
        }
    }
    let networks = ["direct", "six_node"].iter().flat_map(|network| {
        ["64", "imix", "1518"].iter().flat_map(move |size| [1, 2].map(|threads| (format!("{network}_{size}"), threads)))
    });
    let operations =
        ["parse", "emit", "lsr_swap_1k", "lsr_swap_1M", "ler_push", "ler_pop", "parse_swap_emit", "policer"];
    let mut promised: BTreeSet<_> = networks.chain(operations.map(|name| (name.to_owned(), 1))).collect();
    promised.extend([("reference_engine_64".to_owned(), 1), ("queue_hand_over".to_owned(), 2)]);
    assert_eq!(names, promised);
    assert_eq!(report["teams"].as_array().unwrap().len(), 4);
}

#[test]
fn one_thread_is_measured_once_and_json_goes_to_standard_output() {
    let ran = biplane(&["bench", "--engine", "--seconds", "0.01", "--threads", "1", "--json", "-q"]).ok();
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let threads = report["results"].as_array().unwrap().iter().map(|result| result["threads"].as_u64().unwrap());
    assert_eq!(threads.filter(|&threads| threads > 1).count(), 1, "the hand-over alone has two threads");
    assert_eq!(ran.err, "");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let ran = biplane(&["bench"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert_eq!(ran.err, "error: `biplane bench` measures the engine only, so far: give --engine\n");
    let ran = biplane(&["bench", "--engine", "--seconds", "0"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("give seconds from 0.001 to 3600"), "{}", ran.err);
}

/// Every frame of the six routers arrives, beneath two labels in the core and with two tags beside it, and the engines
/// agree on it.
#[test]
fn the_measured_networks_are_as_described() {
    for (sizes, seed) in [(FrameSizes::One(64), 1), (FrameSizes::Imix, 2), (FrameSizes::One(1518), 3)] {
        for (loaded, is_row) in [(six_node(&sizes, seed).unwrap(), true), (direct(&sizes, seed).unwrap(), false)] {
            let offered = loaded.sources(6_000).into_iter().map(|(node, frames)| Offered { node, frames }).collect();
            let (mut labels, mut arrivals, mut transport, mut pairs) = ([0u64; 3], 0, BTreeSet::new(), BTreeSet::new());
            let expected = reference::run(&loaded.network, offered, None, &mut |event| {
                if let What::Arrived(_) = event.what {
                    arrivals += 1;
                    labels[event.frame.labels().len()] += 1;
                    transport.extend(event.frame.labels().next().map(|lse| (event.node, lse.label())));
                    let tags: Vec<_> = event.frame.tags().map(|tag| tag.vid()).collect();
                    if tags.len() == 2 {
                        pairs.insert(tags);
                    }
                }
            });
            assert_eq!(expected.sources.iter().map(|source| source.delivered).sum::<u64>(), 12_000);
            let outcome = run(Run { threads: 2, ..Run::new(&loaded.network, loaded.sources(6_000)) });
            assert_eq!(outcome, expected);
            if is_row {
                assert_eq!(arrivals, 12_000 * 7, "at six routers and a host");
                assert_eq!(labels, [12_000 * 4, 0, 12_000 * 3], "pe to p, p to p and p to pe are labelled");
                assert_eq!(transport.len(), usize::from(PATHS) * 6, "all paths are used on all hops");
                assert_eq!(pairs.len(), 256);
            } else {
                assert_eq!(labels[1..], [0, 0]);
                assert_eq!(pairs.len(), 1);
            }
        }
    }
}
