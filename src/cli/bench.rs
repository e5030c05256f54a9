//! `biplane bench`: how fast the engine is on this machine, network by network and operation by operation.

mod measure;
pub mod network;
mod operation;

use super::{Common, Failure, JsonOut, memory, print};
use crate::engine::Run;
use crate::report::{Build, ENGINE_SCHEMA, EngineReport, Speed, Teams, engine_text};
use crate::traffic::stream::{FrameSizes, StreamError};
use clap::Args;
use measure::{By, REPETITIONS};
use network::{FLOWS, Loaded, direct, six_node};

/// Measure what this machine's engine does
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Measure the engine: whole networks on one thread and on several, and single operations
    #[arg(long)]
    engine: bool,

    /// Wall time for each measurement, its repetitions taken together
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds)]
    seconds: f64,

    #[command(flatten)]
    json: JsonOut,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("give seconds from 0.001 to 3600".into()),
    }
}

/// Runs the command.
pub(super) fn run(args: &BenchArgs, common: &Common) -> Result<(), Failure> {
    if !args.engine {
        let text = "`biplane bench` measures the engine only, so far: give --engine";
        return Err(Failure::Usage(text.into()));
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let most = common.threads.map_or(cpus, usize::from);
    let mut threads = vec![1, most];
    threads.dedup();
    let mut report = EngineReport {
        schema: ENGINE_SCHEMA,
        build: build(),
        cpu: cpu(),
        cpus,
        method: format!(
            "Best of {REPETITIONS} repetitions, {} s together. A hop is one arrival at a router; making and delivering \
             frames is in the time, not in the count.",
            args.seconds
        ),
        teams: Vec::new(),
        results: Vec::new(),
    };
    networks(args, common, &threads, &mut report)?;
    common.note("measuring single operations");
    report.results.extend(operation::all(args.seconds, seed(common)).map_err(impossible)?);
    if args.json.write(&report)? { Ok(()) } else { print(&engine_text(&report)) }
}

fn networks(args: &BenchArgs, common: &Common, threads: &[usize], report: &mut EngineReport) -> Result<(), Failure> {
    let seed = seed(common);
    let sizes = [("64", FrameSizes::One(64)), ("imix", FrameSizes::Imix), ("1518", FrameSizes::One(1518))];
    for name in ["direct", "six_node"] {
        for (size, sizes) in &sizes {
            let loaded = match name {
                "direct" => direct(sizes, seed).map_err(Failure::Runtime)?,
                _ => six_node(sizes, seed).map_err(impossible)?,
            };
            let hosts = loaded.streams.iter().map(|(host, _)| *host);
            memory::admit(&loaded.network, &memory::generated(&loaded.network, hosts, FLOWS.into()), common)?;
            for &threads in threads {
                common.note(&format!("measuring {name}, frames: {size}, threads: {threads}"));
                report.results.push(measured(format!("{name}_{size}"), &loaded, By::Engine(threads), args.seconds)?);
                if *size == "64" {
                    report.teams.push(Teams { network: name, threads: teams(&loaded, threads, common) });
                }
            }
            if name == "six_node" && *size == "64" {
                common.note("measuring the reference engine, frames: 64");
                report.results.push(measured("reference_engine_64".into(), &loaded, By::Reference, args.seconds)?);
            }
        }
    }
    Ok(())
}

fn seed(common: &Common) -> u64 {
    common.seed.unwrap_or(1)
}

/// A measurement; one in which frames were lost would say less than it seems to.
fn measured(name: String, loaded: &Loaded, by: By, seconds: f64) -> Result<Speed, Failure> {
    let speed = measure::network(name, loaded, by, seconds);
    match &speed.network {
        Some(network) if network.delivered != speed.frames => {
            let (name, lost) = (&speed.name, speed.frames - network.delivered);
            Err(Failure::Runtime(format!("{name}: {lost} of {} frames were lost; no figure is of use", speed.frames)))
        }
        _ => Ok(speed),
    }
}

fn impossible(error: StreamError) -> Failure {
    Failure::Runtime(error.to_string())
}

/// The nodes of each thread.
fn teams(loaded: &Loaded, threads: usize, common: &Common) -> Vec<Vec<String>> {
    let network = &loaded.network;
    let partition = Run { threads, ..Run::new(network, loaded.sources(0)) }.partition();
    common.detail(&partition.describe(network));
    let teams = partition.teams.into_iter();
    teams.map(|team| team.nodes.iter().map(|node| network.nodes[node.index()].name.clone()).collect()).collect()
}

/// The CPU's name where Linux tells it.
fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown CPU".into(), |(_, name)| name.trim().to_owned())
}

fn build() -> Build {
    let mut target_features = Vec::new();
    macro_rules! told {
        ($($feature:literal)*) => {
            $(if cfg!(target_feature = $feature) {
                target_features.push($feature);
            })*
        };
    }
    told!("sse4.2" "popcnt" "avx" "avx2" "bmi1" "bmi2" "fma" "avx512f" "neon" "sve");
    Build {
        version: env!("CARGO_PKG_VERSION"),
        profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        target_features,
        debug_assertions: cfg!(debug_assertions),
    }
}
