//! `biplane replay`: captures through a scenario's network, at their own timing or another.

mod args;
mod figures;
mod plan;
mod reading;

pub(super) use args::ReplayArgs;

use super::bar::{self, Bar};
use super::interrupt::{self, INTERRUPTED};
use super::observe::{self, PortFile};
use super::{Common, Failure, memory, print};
use crate::engine::{BodyPool, Outcome, Run, Source, feed, run as run_engine};
use crate::id::NodeId;
use crate::report;
use indicatif::{HumanBytes, HumanCount};
use plan::Plan;
use reading::{Found, Reading, Watch};
use std::time::{Duration, Instant as WallInstant};

/// What a run and its sources left.
struct Done {
    outcome: Outcome,
    sources: Vec<Found>,
    wall: Duration,
}

/// Threads beside those of the nodes: one that reads, one that writes.
const THREADS: usize = 2;

/// Runs the command.
pub(super) fn run(args: &ReplayArgs, common: &Common) -> Result<(), Failure> {
    let plan = Plan::new(args, common)?;
    memory::admit(&plan.network, &plan.load(), common)?;
    let mut files = plan.open_files()?;
    interrupt::catch(common.quiet);
    let done = execute(&plan, &mut files, common);
    for file in files {
        file.finish(&done.outcome).map_err(Failure::Runtime)?;
    }
    let report = figures::report(&plan, &done, common.threads(THREADS));
    args.metrics.write(&report.network)?;
    let shown = args.json.write(&report)?;
    if !shown {
        print(&report::replay_text(&report))?;
    }
    if let Some(engine) = &report.engine {
        common.note(&super::figures::speed(engine, &done.outcome));
    }
    judge(&plan, &done)
}

/// Feeds the captures into the engine, each from a thread of its own, until all is through.
fn execute(plan: &Plan, files: &mut [PortFile], common: &Common) -> Done {
    let start = WallInstant::now();
    let pool = BodyPool::default();
    let (mut readings, mut sources): (Vec<Reading>, Vec<(NodeId, Source)>) = (Vec::new(), Vec::new());
    for source in &plan.sources {
        let (fill, take) = feed();
        readings.push(Reading::start(source.spec.clone(), fill, pool.clone()));
        sources.push((source.host, Source::Feed(take)));
    }
    let observe = observe::into_files(files, || plan.observed_ports());
    let request = Run {
        network: &plan.network,
        sources,
        threads: common.threads(THREADS),
        until: plan.until,
        observe,
        pool,
        interrupt: Some(&INTERRUPTED),
        ..Run::new(&plan.network, Vec::new())
    };
    common.detail(&request.partition().describe(&plan.network));
    let watches: Vec<Watch> = readings.iter().map(Reading::watch).collect();
    let bar = Bar::start(plan.capture_octets(), move || look(&watches), common);
    let outcome = run_engine(request);
    let interrupted = interrupt::came();
    let sources = readings.into_iter().map(|reading| reading.finish(interrupted)).collect();
    if let Some(bar) = bar {
        bar.end();
    }
    Done { outcome, sources, wall: start.elapsed() }
}

/// What the bar shows: octets read, and in words how far both ends are.
fn look(watches: &[Watch]) -> (u64, String) {
    let sum = |what: fn(&Watch) -> u64| watches.iter().map(what).sum::<u64>();
    let until_ps = watches.iter().map(Watch::taken_until_ps).max().unwrap_or(0);
    let octets = sum(Watch::octets_read);
    (octets, message(octets, sum(Watch::frames), until_ps))
}

fn message(octets: u64, frames: u64, until_ps: u64) -> String {
    let (octets, frames) = (HumanBytes(octets), HumanCount(frames));
    format!("{octets} read, {frames} frames, {}", bar::emulated(until_ps))
}

/// Success is that frames were sent and every capture was read to its end.
fn judge(plan: &Plan, done: &Done) -> Result<(), Failure> {
    if interrupt::came() {
        return Err(Failure::Interrupted);
    }
    if let Some(error) = done.sources.iter().find_map(|(_, error)| error.as_ref()) {
        return Err(Failure::Runtime(error.to_string()));
    }
    for (source, (counts, _)) in plan.sources.iter().zip(&done.sources) {
        if counts.frames == 0 {
            let why = figures::why_nothing(counts);
            let files: Vec<_> = source.spec.files.iter().map(|file| file.path.display().to_string()).collect();
            let from = files.join(", ");
            return Err(Failure::Runtime(format!("nothing was sent into {} from {from}: {why}", source.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bar_tells_what_was_read_and_emulated() {
        let message = super::message(3 << 20, 1_234_567, 2_500_000_000_000);
        assert_eq!(message, "3.00 MiB read, 1,234,567 frames, 2.500 s emulated");
    }
}
