//! `biplane drill`: the streams that a scenario asks for, through its network, on the virtual clock.
//!
//! Streams end with the run's duration; the run goes on until the network is empty, so that every frame has its fate.

mod control;
mod figures;
mod plan;
mod tables;

use super::bar::{self, Bar};
use super::interrupt::{self, INTERRUPTED};
use super::metrics::MetricsOut;
use super::observe::{self, PortFile};
use super::{Common, Failure, JsonOut, memory, print};
use crate::engine::{Outcome, Run, run as run_engine};
use crate::report;
use clap::Args;
use plan::Plan;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as WallInstant};

/// Run a scenario's own streams for its duration and report what became of each.
#[derive(Debug, Args)]
#[command(after_help = "\
Streams end with the duration; the run goes on until the network is empty.

Examples:
  biplane drill direct
  biplane drill my.toml --duration 500ms --seed 7 --json=report.json
  biplane drill my.toml --tables --at 1.5s
  biplane drill direct --duration 10ms --write london.primary=primary.pcapng")]
pub(super) struct DrillArgs {
    /// A scenario file with `[[traffic]]`, or a preset by name
    #[arg(value_name = "SCENARIO|PRESET")]
    scenario: String,

    /// End the streams then, in place of the scenario's duration: 500ms, 2s
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,

    /// Write what left one port to a pcapng file of its own; may be given again
    #[arg(long, value_name = "PORT=FILE", help_heading = "Output")]
    write: Vec<String>,

    /// Add the tables of all routers: ARP, BFD, BGP, routes and label maps
    #[arg(long, help_heading = "Output")]
    tables: bool,

    /// Look at the tables then, in place of the end: 500ms, 2s
    #[arg(long, value_name = "TIME", requires = "tables", help_heading = "Output")]
    at: Option<String>,

    #[command(flatten, next_help_heading = "Output")]
    json: JsonOut,

    #[command(flatten)]
    metrics: MetricsOut,
}

/// What a run left.
struct Done {
    outcome: Outcome,
    interrupted: bool,
    wall: Duration,
    threads: usize,
}

/// Runs the command.
pub(super) fn run(args: &DrillArgs, common: &Common) -> Result<(), Failure> {
    let mut plan = Plan::new(args, common)?;
    memory::admit_with(&plan.network, &plan.load(), plan.templates(), "offer less (`rate`, `flows`)", common)?;
    let mut files = plan.open_files()?;
    interrupt::catch(common.quiet);
    let done = execute(&mut plan, &mut files, common);
    for file in files {
        file.finish(&done.outcome).map_err(Failure::Runtime)?;
    }
    let report = figures::report(&plan, &done);
    args.metrics.write(&report.network)?;
    if !args.json.write(&report)? {
        print(&report::drill_text(&report))?;
    }
    if let Some(engine) = &report.engine {
        common.note(&super::figures::speed(engine, &done.outcome));
    }
    if done.interrupted {
        return Err(Failure::Interrupted);
    }
    match report.streams.iter().find(|stream| stream.offered.frames == 0) {
        Some(stream) => Err(Failure::Runtime(format!("nothing was sent of the stream `{}`", stream.stream))),
        None => Ok(()),
    }
}

/// Runs the streams until all is through.
fn execute(plan: &mut Plan, files: &mut [PortFile], common: &Common) -> Done {
    // Files are written by a thread of their own.
    let threads = common.threads(usize::from(!files.is_empty()));
    let sources = plan.sources();
    let start = WallInstant::now();
    let observe = observe::into_files(files, || plan.observed_ports());
    let progress = Arc::new(AtomicU64::new(0));
    let request = Run {
        threads,
        observe,
        interrupt: Some(&INTERRUPTED),
        progress: Some(&progress),
        ..Run::new(&plan.network, sources)
    };
    common.detail(&request.partition().describe(&plan.network));
    let (end_ps, begin_ps, theirs) = (plan.duration.as_ps(), plan.begin.as_ps(), progress.clone());
    let look = move || {
        let until_ps = theirs.load(Ordering::Relaxed).saturating_sub(begin_ps).min(end_ps);
        (until_ps, bar::emulated(until_ps))
    };
    let bar = Bar::start(Some(end_ps), look, common);
    let mut outcome = run_engine(request);
    // Ports count from instant 0 on.
    if let Some(beginning) = plan.beginning() {
        outcome.since(&run_engine(Run { threads, ..Run::new(&beginning, Vec::new()) }));
    }
    if let Some(bar) = bar {
        bar.end();
    }
    Done { outcome, interrupted: interrupt::came(), wall: start.elapsed(), threads }
}
