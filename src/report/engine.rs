//! How fast the engine is on a machine, as plain data; the one report whose figures differ from run to run.

use super::text::table;
use serde::Serialize;
use std::fmt::Write;

/// The schema of this report.
pub const ENGINE_SCHEMA: &str = "biplane.engine/v1";

/// What was measured, and on what.
#[derive(Clone, Debug, Serialize)]
pub struct EngineReport {
    /// [`ENGINE_SCHEMA`].
    pub schema: &'static str,
    /// What was built.
    pub build: Build,
    /// The CPU's name, as the system tells it.
    pub cpu: String,
    /// CPUs available to this process.
    pub cpus: usize,
    /// How each figure was come by.
    pub method: String,
    /// Which nodes each thread has.
    pub teams: Vec<Teams>,
    /// The figures.
    pub results: Vec<Speed>,
}

/// The build that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Build {
    /// The version of biplane.
    pub version: &'static str,
    /// `release` (optimised, without debug assertions) or `dev`.
    pub profile: &'static str,
    /// Architecture and system.
    pub target: String,
    /// What of the CPU beyond the architecture's least the compiler was told to use.
    pub target_features: Vec<&'static str>,
    /// Whether debug assertions are compiled in: figures with them say little.
    pub debug_assertions: bool,
}

/// The nodes of each thread.
#[derive(Clone, Debug, Serialize)]
pub struct Teams {
    /// The network.
    pub network: &'static str,
    /// Per thread, its nodes.
    pub threads: Vec<Vec<String>>,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Speed {
    /// What was done.
    pub name: String,
    /// Threads that did it.
    pub threads: usize,
    /// Octets of a frame, FCS included; the mean of a mix.
    pub frame_octets: f64,
    /// Frames of the best repetition.
    pub frames: u64,
    /// Wall time of one frame: of one way through the network, or of one operation.
    pub ns_per_frame: f64,
    /// Frames in a second.
    pub frames_per_s: f64,
    /// What only networks have.
    #[serde(flatten)]
    pub network: Option<NetworkSpeed>,
}

/// What only a whole network has.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkSpeed {
    /// Arrivals at routers in a second of wall time.
    pub hops_per_s: f64,
    /// Wall time of one such arrival.
    pub ns_per_hop: f64,
    /// Seconds of the emulated network's time in a second of wall time.
    pub emulated_s_per_wall_s: f64,
    /// Frames that arrived at the other side.
    pub delivered: u64,
}

/// The report as text.
pub fn engine_text(report: &EngineReport) -> String {
    let mut out = String::new();
    let Build { version, profile, target, target_features, debug_assertions } = &report.build;
    let features = if target_features.is_empty() { "none".into() } else { target_features.join(" ") };
    let _ = writeln!(out, "biplane {version}, {profile} build for {target}, target features: {features}");
    if *debug_assertions {
        let _ = writeln!(out, "Debug assertions are on: these figures are not those of a release build.");
    }
    let _ = writeln!(out, "{}, {} CPUs", report.cpu, report.cpus);
    let _ = writeln!(out, "{}\n", report.method);
    let (networks, operations): (Vec<_>, Vec<_>) = report.results.iter().partition(|speed| speed.network.is_some());
    let heads = ["network", "threads", "octets", "M hops/s", "ns/hop", "M frames/s", "emulated s/s"];
    let mut rows = table(&heads, 1);
    for speed in networks {
        let Some(network) = &speed.network else { continue };
        rows.add_row([
            speed.name.clone(),
            speed.threads.to_string(),
            octets(speed.frame_octets),
            format!("{:.2}", network.hops_per_s / 1e6),
            format!("{:.1}", network.ns_per_hop),
            format!("{:.2}", speed.frames_per_s / 1e6),
            format!("{:.4}", network.emulated_s_per_wall_s),
        ]);
    }
    let _ = writeln!(out, "{rows}\n");
    let mut rows = table(&["operation", "threads", "octets", "ns/frame", "M frames/s"], 1);
    for speed in operations {
        rows.add_row([
            speed.name.clone(),
            speed.threads.to_string(),
            octets(speed.frame_octets),
            format!("{:.1}", speed.ns_per_frame),
            format!("{:.2}", speed.frames_per_s / 1e6),
        ]);
    }
    let _ = writeln!(out, "{rows}\n");
    for teams in &report.teams {
        for (thread, nodes) in teams.threads.iter().enumerate() {
            let (network, of) = (teams.network, teams.threads.len());
            let _ = writeln!(out, "{network}, thread {} of {of}: {}", thread + 1, nodes.join(" "));
        }
    }
    out
}

fn octets(octets: f64) -> String {
    if octets.fract() == 0.0 { format!("{octets:.0}") } else { format!("{octets:.1}") }
}
