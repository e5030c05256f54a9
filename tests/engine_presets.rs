//! On the networks of the presets, with real and made captures as traffic, the engine comes to what the reference engine
//! comes to: hosts with several ports, tags, labels, policers, fragments and ICMP errors included.

#![allow(clippy::print_stderr)] // a test that skips says so

use biplane::capture::CaptureReader;
use biplane::engine::reference::{self, Offered};
use biplane::engine::{Network, Outcome, Run, Source, run};
use biplane::frame::{DropReason, Frame};
use biplane::id::{NodeId, StreamId};
use biplane::port::{Outage, PolicerSpec, Policing};
use biplane::rng::Rng;
use biplane::scenario::compile::Place;
use biplane::scenario::{CompileOptions, Scenario, compile};
use biplane::time::{Instant, Span};
use std::path::{Path, PathBuf};

/// The project's own captures, and the shared ones where they are.
#[allow(clippy::print_stderr)] // a test says what it skips
fn captures() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("BIPLANE_SHARED").map_or_else(|| package.join("../shared"), PathBuf::from);
    let mut paths = Vec::new();
    for folder in [package.join("captures"), shared.join("captures")] {
        match std::fs::read_dir(&folder) {
            Ok(_) => walk(&folder, &mut paths),
            Err(_) => eprintln!("{} is absent: its captures are skipped", folder.display()),
        }
    }
    paths.sort();
    assert!(paths.len() > 10, "only {} files", paths.len());
    paths
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, paths) } else { paths.push(path) }
    }
}

/// Frames of all captures, at most `most` of each, in a shuffled order: (octets, length on the wire).
fn octets(most: usize, seed: u64) -> Vec<(Vec<u8>, u32)> {
    let mut all = Vec::new();
    for path in captures() {
        // READMEs and tables are among them, and files that are damaged on purpose.
        let Ok(mut reader) = CaptureReader::open(&path) else { continue };
        let mut left = most;
        while let (1.., Ok(Some(record))) = (left, reader.next_record()) {
            all.push((record.octets.to_vec(), record.original_len));
            left -= 1;
        }
    }
    let mut rng = Rng::new(seed, 1);
    for place in (1..all.len()).rev() {
        all.swap(place, rng.below(place as u64 + 1) as usize);
    }
    all
}

/// The frames of source `source` with gaps up to `gap`, so that ports are idle and overloaded in turn.
fn frames(octets: &[(Vec<u8>, u32)], source: u8, gap: u64, seed: u64) -> Vec<Frame> {
    let mut rng = Rng::new(seed, 2 + u64::from(source));
    let mut at = 0;
    let parsed = octets.iter().filter_map(|(octets, wire)| Frame::parse(octets, *wire, None));
    let sent = parsed.enumerate().map(|(seq, parsed)| {
        let mut frame = parsed.frame;
        at += if rng.below(16) == 0 { rng.below(20 * gap) } else { rng.below(gap) };
        frame.id.sent = Instant::from_ps(at);
        frame.id.stream = StreamId::new(source, (parsed.flow % 1000) as u32);
        frame.id.seq = seq as u32;
        if rng.below(20) == 0 {
            // Runs out at the first router or the second.
            frame.header.meta = frame.header.meta.with_ttl(1 + rng.below(2) as u8);
        }
        frame
    });
    sent.collect()
}

/// A preset with an MTU that cuts, faults, policers and small buffers.
fn troubled(preset: &str, seed: u64) -> (Network, Vec<NodeId>) {
    let scenario = Scenario::load(preset).unwrap();
    let compiled = compile(&scenario, CompileOptions::default()).unwrap();
    let mut network = compiled.network;
    network.seed = seed;
    let mut rng = Rng::new(seed, 99);
    for link in &mut network.links {
        link.delay = Span::from_ns(100 + rng.below(20_000));
        if rng.below(3) == 0 {
            link.faults.loss_ppb = 20_000_000;
        }
        if rng.below(4) == 0 {
            let at = |us: u64| Instant::from_ps(us * 1_000_000);
            let after = Span::from_ps(rng.below(link.delay.as_ps() + 1));
            let outage = |from, until, reason| Outage { from: at(from), until: at(until), after, reason };
            link.faults.outages = vec![outage(30, 50, DropReason::LinkDown), outage(90, 91, DropReason::Blackhole)];
        }
    }
    for port in network.nodes.iter_mut().flat_map(|node| &mut node.ports) {
        port.counts_sub_interfaces = seed.is_multiple_of(2);
        // Hosts wait for their ports.
        if port.buffer_octets.is_some() {
            port.buffer_octets = Some(rng.below(30_000));
            let spec = |rate_bps| PolicerSpec::strict(rate_bps, 3_000);
            // The S-tag of the presets, the VLANs of their layer-2 services, and untagged frames.
            let by_vid = vec![(110, 0), (10, 0), (20, 0), (0, 1)];
            let policing = Policing { policers: vec![spec(300_000_000), spec(20_000_000_000)], by_vid };
            match rng.below(4) {
                0 => port.ingress_policing = policing,
                1 => port.egress_policing = policing,
                _ => {}
            }
        }
    }
    let hosts = compiled.places.iter().filter_map(|named| match named.place {
        Place::Host(node) => Some(node),
        Place::Port(node, port) => (rng.below(2) == 0).then(|| network.inject((node, port))),
    });
    // A place may have several names.
    let hosts: std::collections::BTreeSet<_> = hosts.collect();
    (network, hosts.into_iter().collect())
}

fn compare(preset: &str, seed: u64, gap: u64, until: Option<Instant>) -> Outcome {
    let (network, hosts) = troubled(preset, seed);
    let octets = octets(20, seed);
    let per_host = || hosts.iter().zip(0..).map(|(&node, source)| (node, frames(&octets, source, gap, seed)));
    let offered = per_host().map(|(node, frames)| Offered { node, frames: Source::Frames(frames) }).collect();
    let expected = reference::run(&network, offered, until, &mut |_| ());
    for threads in [1, 2, 4] {
        let sources = per_host().map(|(node, frames)| (node, Source::Frames(frames))).collect();
        let outcome = run(Run { threads, until, ..Run::new(&network, sources) });
        for ((spec, a), b) in network.nodes.iter().zip(&expected.nodes).zip(&outcome.nodes) {
            for ((port, a), b) in spec.ports.iter().zip(&a.ports).zip(&b.ports) {
                assert_eq!(a, b, "{preset} seed {seed} at {threads} threads, {}:{}", spec.name, port.name);
            }
        }
        assert_eq!(outcome, expected, "{preset} seed {seed} at {threads} threads, until {until:?}");
    }
    expected
}

#[test]
fn presets_with_captured_traffic() {
    for preset in biplane::scenario::presets() {
        let mut total = [0; 4];
        for (seed, gap) in [(1, 20_000), (2, 200_000), (3, 2_000_000)] {
            for source in compare(preset.name, seed, gap, None).sources {
                let counts = [source.delivered, source.dropped, source.created, source.offered.frames];
                total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
            }
        }
        assert!(total.iter().all(|&count| count > 0), "{}: {total:?} shows too little", preset.name);
    }
}

#[test]
fn presets_cut_short() {
    for preset in biplane::scenario::presets() {
        for (seed, us) in [(4, 3u64), (5, 9), (6, 21)] {
            let outcome = compare(preset.name, seed, 100_000, Some(Instant::from_ps(us * 1_000_000 + 1)));
            assert!(outcome.sources.iter().any(|source| source.in_network > 0));
        }
    }
}
