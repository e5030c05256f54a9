//! Measuring: how long a network's run or a pass of an operation takes, the best of some repetitions.

use super::network::Loaded;
use crate::engine::reference::{self, Offered};
use crate::engine::{Network, Outcome, Role, Run, run};
use crate::report::{NetworkSpeed, Speed};
use crate::time::{Instant, Span};
use std::time::{Duration, Instant as Wall};

/// How often each measurement is repeated: the best one counts, for what disturbs only makes it worse.
pub(super) const REPETITIONS: u32 = 3;

/// Frames of each stream in the first, shortest trial.
const FIRST_TRIAL: u64 = 2_000;

/// What is run a network by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The engine, on so many threads.
    Engine(usize),
    /// The reference engine.
    Reference,
}

/// Runs `loaded` with as many frames as `seconds` of wall time allow.
pub(super) fn network(name: String, loaded: &Loaded, by: By, seconds: f64) -> Speed {
    let share = seconds / f64::from(REPETITIONS);
    let mut frames = FIRST_TRIAL;
    let mut best = trial(loaded, by, frames);
    while best.0.as_secs_f64() < share / 2.0 {
        let wanted = share / best.0.as_secs_f64().max(1e-6);
        frames = (frames as f64 * wanted.clamp(2.0, 16.0)) as u64;
        best = trial(loaded, by, frames);
    }
    for _ in 1..REPETITIONS {
        let again = trial(loaded, by, frames);
        if again.0 < best.0 {
            best = again;
        }
    }
    speed(name, &loaded.network, by, best.0, &best.1)
}

fn trial(loaded: &Loaded, by: By, frames: u64) -> (Duration, Outcome) {
    let sources = loaded.sources(frames);
    let begin = Wall::now();
    let outcome = match by {
        By::Engine(threads) => run(Run { threads, ..Run::new(&loaded.network, sources) }),
        By::Reference => {
            let offered = sources.into_iter().map(|(node, frames)| Offered { node, frames }).collect();
            reference::run(&loaded.network, offered, None, &mut |_| ())
        }
    };
    (begin.elapsed(), outcome)
}

fn speed(name: String, network: &Network, by: By, wall: Duration, outcome: &Outcome) -> Speed {
    let wall = wall.as_secs_f64();
    let routers = network.nodes.iter().zip(&outcome.nodes).filter(|(spec, _)| matches!(spec.role, Role::Router(_)));
    let hops: u64 = routers.flat_map(|(_, node)| &node.ports).map(|port| port.received.frames).sum();
    let frames: u64 = outcome.sources.iter().map(|source| source.offered.frames).sum();
    let octets: u64 = outcome.sources.iter().map(|source| source.offered.octets).sum();
    let emulated: Span = outcome.ended.since(Instant::ZERO);
    Speed {
        name,
        threads: if let By::Engine(threads) = by { threads } else { 1 },
        frame_octets: octets as f64 / frames as f64,
        frames,
        ns_per_frame: wall * 1e9 / frames as f64,
        frames_per_s: frames as f64 / wall,
        network: Some(NetworkSpeed {
            hops_per_s: hops as f64 / wall,
            ns_per_hop: wall * 1e9 / hops as f64,
            emulated_s_per_wall_s: emulated.as_s_f64() / wall,
            delivered: outcome.sources.iter().map(|source| source.delivered).sum(),
        }),
    }
}

/// Frames of one pass of an operation: so many that reading the clock does not count, so few that they stay in the
/// caches.
pub(super) const PASS: usize = 512;

/// Measures `pass`, which does something [`PASS`] times on what `draw` made ready; only `pass` is timed.
pub(super) fn operation(
    name: &str,
    frame_octets: u16,
    seconds: f64,
    mut draw: impl FnMut(),
    mut pass: impl FnMut(),
) -> Speed {
    let share = Duration::from_secs_f64(seconds / f64::from(REPETITIONS));
    let mut best = (f64::INFINITY, 0);
    for _ in 0..REPETITIONS {
        let (begin, mut spent, mut passes) = (Wall::now(), Duration::ZERO, 0u64);
        while passes == 0 || begin.elapsed() < share {
            draw();
            let begin = Wall::now();
            pass();
            spent += begin.elapsed();
            passes += 1;
        }
        let frames = passes * PASS as u64;
        let ns = spent.as_secs_f64() * 1e9 / frames as f64;
        if ns < best.0 {
            best = (ns, frames);
        }
    }
    single(name, frame_octets, 1, best.1, best.0)
}

/// The figure of something that is no network.
pub(super) fn single(name: &str, frame_octets: u16, threads: usize, frames: u64, ns: f64) -> Speed {
    let (name, frame_octets) = (name.to_owned(), f64::from(frame_octets));
    Speed { name, threads, frame_octets, frames, ns_per_frame: ns, frames_per_s: 1e9 / ns, network: None }
}
