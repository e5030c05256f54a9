//! `biplane replay`: captures through a scenario's network, at their own timing or another.

mod args;
mod figures;
mod plan;

pub(super) use args::ReplayArgs;

use super::observe::PortFile;
use super::{Common, Failure, print};
use crate::engine::{BodyPool, Feed, Observe, Outcome, Run, Seen, Source, feed, run as run_engine};
use crate::id::NodeId;
use crate::report;
use crate::traffic::replay::{Replay, ReplayCounts, ReplayError};
use plan::Plan;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as WallInstant};

/// What a run and its sources left.
struct Done {
    outcome: Outcome,
    sources: Vec<(ReplayCounts, Option<ReplayError>)>,
    wall: Duration,
}

/// Set by an interrupt from the keyboard or a termination signal.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Runs the command.
pub(super) fn run(args: &ReplayArgs, common: &Common) -> Result<(), Failure> {
    let plan = Plan::new(args, common)?;
    let mut files = plan.open_files()?;
    // A second interrupt finds the same flag: the report of the part that was run is not long in coming.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    let done = execute(&plan, &mut files, common);
    for file in files {
        file.finish(&done.outcome).map_err(Failure::Runtime)?;
    }
    let report = figures::report(&plan, &done, common.threads());
    let shown = args.json.write(&report)?;
    if !shown {
        print(&report::replay_text(&report))?;
    }
    if let Some(engine) = &report.engine {
        common.note(&figures::speed(engine, &done));
    }
    judge(&plan, &done)
}

/// Feeds the captures into the engine, each from a thread of its own, until all is through.
fn execute(plan: &Plan, files: &mut [PortFile], common: &Common) -> Done {
    let start = WallInstant::now();
    let pool = BodyPool::default();
    let (mut feeds, mut sources): (Vec<Feed>, Vec<(NodeId, Source)>) = (Vec::new(), Vec::new());
    for source in &plan.sources {
        let (fill, take) = feed();
        feeds.push(fill);
        sources.push((source.host, Source::Feed(take)));
    }
    let observe = (!files.is_empty()).then(|| Observe {
        ports: plan.observed_ports(),
        drops: true,
        sink: Box::new(|seen: &Seen, octets: &[u8]| {
            let mut all_well = true;
            files.iter_mut().for_each(|file| all_well &= file.write(seen, octets));
            if !all_well {
                INTERRUPTED.store(true, Ordering::Relaxed);
            }
        }),
    });
    let request = Run {
        network: &plan.network,
        sources,
        threads: common.threads(),
        until: plan.until,
        observe,
        pool: pool.clone(),
        interrupt: Some(&INTERRUPTED),
        ..Run::new(&plan.network, Vec::new())
    };
    common.detail(&request.partition().describe(&plan.network));
    std::thread::scope(|scope| {
        let readers: Vec<_> = plan
            .sources
            .iter()
            .zip(feeds)
            .map(|(source, feed)| {
                let (replay, pool) = (Replay::new(source.spec.clone()), pool.clone());
                scope.spawn(move || read(replay, feed, &pool))
            })
            .collect();
        let outcome = run_engine(request);
        let sources = readers.into_iter().map(|reader| match reader.join() {
            Ok(found) => found,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let sources = sources.collect();
        Done { outcome, sources, wall: start.elapsed() }
    })
}

/// Reads a replay to its end, or until nobody wants more.
fn read(mut replay: Replay, mut feed: Feed, pool: &BodyPool) -> (ReplayCounts, Option<ReplayError>) {
    let mut spare = Vec::new();
    loop {
        if spare.len() < Feed::BATCH
            && let Some(more) = pool.take()
        {
            spare.extend(more);
        }
        let mut batch = Vec::with_capacity(Feed::BATCH);
        let more = replay.fill(&mut batch, Feed::BATCH, &mut spare);
        if feed.send(batch).is_err() || !more {
            return replay.finish();
        }
    }
}

/// Success is that frames were sent and every capture was read to its end.
fn judge(plan: &Plan, done: &Done) -> Result<(), Failure> {
    if INTERRUPTED.load(Ordering::Relaxed) {
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
