//! Runs a network: builds its nodes, spreads them over threads, steps them until nothing is left, gathers the outcome.

use super::clock::Shared;
use super::host::HostNode;
use super::input::{Input, InputParts};
use super::link::{LinkRx, LinkTx, link};
use super::network::{Network, Role, RouterSpec};
use super::observe::{Merge, Observe, Recorder, Records, recorder};
use super::outcome::{Finished, NodeOutcome, Outcome, SourceOutcome};
use super::output::Output;
use super::partition::{Offer, Partition, partition};
use super::pin;
use super::router::RouterNode;
use super::source::{BodyPool, Returns, Source};
use super::subs::Subs;
use super::supplies::Supplies;
use super::{Progress, Step};
use crate::id::{NodeId, PortId, StreamId};
use crate::node::Seat;
use crate::port::{Fault, PolicerTable};
use crate::rng::Rng;
use crate::time::{Instant, MIN_FRAME_OCTETS, Span, WIRE_OVERHEAD_OCTETS};
use crossbeam_utils::Backoff;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The window of a run, unless said.
pub const DEFAULT_WINDOW: Span = Span::from_ms(1);

/// What is to be run.
pub struct Run<'a> {
    /// The network.
    pub network: &'a Network,
    /// Sources and the hosts that offer them; the place here is the source's number in
    /// [`StreamId`](crate::id::StreamId), of which there are [`MAX_SOURCES`](crate::id::StreamId::MAX_SOURCES). A host offers
    /// the frames of all its sources one after another, in order of (time, place of the source).
    pub sources: Vec<(NodeId, Source)>,
    /// Threads for the nodes; one at least, one per node at the most.
    pub threads: usize,
    /// How far a node may run past what its slowest peer has taken, beyond the delay of the link between them; above zero.
    /// The outcome is the same for any: a short one costs time, a long one memory for frames under way.
    pub window: Span,
    /// Whether each thread of nodes stays on a CPU of its own, where there are enough for all threads of the run. Not unless
    /// said: where others use the CPUs as well, a thread that may not move away from them waits (`benches/engine.rs`).
    pub pin: bool,
    /// Where the run is cut short; `None` lets it go on until nothing is left.
    pub until: Option<Instant>,
    /// What is to be observed.
    pub observe: Option<Observe<'a>>,
    /// Where the bodies of delivered frames go.
    pub pool: BodyPool,
    /// Set to true from elsewhere, it ends the run.
    pub interrupt: Option<&'a AtomicBool>,
    /// Where the run says, for whoever looks, up to when the nodes of one thread have run, in picoseconds.
    pub progress: Option<&'a AtomicU64>,
}

impl<'a> Run<'a> {
    /// A run of `network` on one thread until nothing is left.
    pub fn new(network: &'a Network, sources: Vec<(NodeId, Source)>) -> Self {
        let pool = BodyPool::default();
        let (window, pin) = (DEFAULT_WINDOW, false);
        Run {
            network,
            sources,
            threads: 1,
            window,
            pin,
            until: None,
            observe: None,
            pool,
            interrupt: None,
            progress: None,
        }
    }

    /// Which thread has which nodes. A generated stream offers what its rate says, counted as if all its frames were as
    /// small as can be: a frame is as much work whatever its length. How much another source offers is not known; it is
    /// taken to fill the narrowest link.
    pub fn partition(&self) -> Partition {
        const SMALLEST_BITS: u64 = 8 * (MIN_FRAME_OCTETS as u64 + WIRE_OVERHEAD_OCTETS);
        let speeds = self.network.links.iter().map(|link| self.network.port(link.from).speed.bps());
        let narrowest = speeds.min().unwrap_or(0);
        let offers = self.sources.iter().map(|(host, source)| {
            let rate_bps = match source {
                Source::Stream(stream) => stream.frames_per_s().saturating_mul(SMALLEST_BITS),
                Source::Frames(_) | Source::Feed(_) => narrowest,
            };
            Offer { host: *host, rate_bps }
        });
        partition(self.network, &offers.collect::<Vec<_>>(), self.threads)
    }

    /// A CPU for each thread of nodes, if they are to be pinned and there are enough.
    fn cpus(&self, teams: usize) -> Option<Vec<usize>> {
        let feeding = self.sources.iter().filter(|(_, source)| matches!(source, Source::Feed(_))).count();
        let threads = teams + feeding + usize::from(self.observe.is_some());
        if self.pin { pin::cpus(teams, threads) } else { None }
    }
}

/// A node at work.
enum Node {
    Router(Box<RouterNode>),
    Host(Box<HostNode>),
}

impl Node {
    #[inline(always)]
    fn step(&mut self, step: &mut Step<'_>) -> Progress {
        match self {
            Node::Router(node) => node.step(step),
            Node::Host(node) => node.step(step),
        }
    }

    fn next_event(&mut self) -> Option<Instant> {
        match self {
            Node::Router(node) => Some(node.next_event()),
            Node::Host(node) => node.next_event(),
        }
    }

    fn place(&self) -> usize {
        match self {
            Node::Router(node) => node.place,
            Node::Host(node) => node.place,
        }
    }

    fn finish(self) -> (usize, Finished) {
        match self {
            Node::Router(node) => (node.place, node.finish()),
            Node::Host(node) => (node.place, node.finish()),
        }
    }
}

/// Runs until no source has a frame left and none is under way, or until the end given.
///
/// # Panics
/// If the network is one that [`Network::faults`] complains about, or a frame is not accounted for at the end.
pub fn run(run: Run<'_>) -> Outcome {
    let faults = run.network.faults();
    assert!(faults.is_empty(), "the network cannot be run: {faults:?}");
    assert!(run.window > Span::ZERO, "a run without a window never moves on");
    let parts = run.partition().teams;
    let cpus = run.cpus(parts.len());
    let Run { network, sources, window, until, observe, pool, interrupt, progress, .. } = run;
    let source_count = sources.len();
    let mut built = build(network, sources, observe.as_ref(), &pool, (window, until.is_some()));
    let shared = Shared::new(network.nodes.len(), built.traffic, parts.len());
    let until = until.unwrap_or(Instant::MAX);
    let mut nodes: Vec<Option<Node>> = built.nodes.drain(..).map(Some).collect();
    let teams = parts.iter().map(|part| part.nodes.iter().filter_map(|id| nodes[id.index()].take()).collect());
    let teams: Vec<Vec<Node>> = teams.collect();
    let mut finished = Vec::new();
    std::thread::scope(|scope| {
        let shared = &shared;
        let templates = &network.templates;
        let mut merge = None;
        if let Some(observe) = observe {
            let records = std::mem::take(&mut built.records);
            merge = Some(scope.spawn(move || Merge::new(records, observe.sink).run(shared)));
        }
        let mut workers = Vec::new();
        for (thread, team) in teams.into_iter().enumerate() {
            let step = Step { shared, templates, until, thread, idle: false };
            let cpu = cpus.as_ref().map(|cpus| cpus[thread]);
            workers.push(scope.spawn(move || {
                cpu.into_iter().for_each(pin::pin);
                // One thread speaks for all: none is far from the others.
                work(team, step, interrupt, progress.filter(|_| thread == 0))
            }));
        }
        for worker in workers {
            match worker.join() {
                Ok(nodes) => finished.extend(nodes.into_iter().map(Node::finish)),
                Err(panic) => {
                    shared.stop();
                    std::panic::resume_unwind(panic);
                }
            }
        }
        drop(merge);
    });
    let shares = shares(network, source_count);
    let mut outcome = gather(finished, shares, interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)));
    if shares > source_count {
        outcome.control = outcome.sources.pop();
    }
    outcome
}

/// Of how many sources frames are counted apart: control planes are one more.
pub(super) fn shares(network: &Network, sources: usize) -> usize {
    sources + usize::from(network.has_control())
}

/// The control plane of `router`, if it has one, with the number after those of all sources.
///
/// # Panics
/// If there are as many sources as frames can be of already.
pub(super) fn seat(network: &Network, router: &RouterSpec, sources: usize) -> Option<Box<Seat>> {
    let spec = router.control.as_ref()?;
    let stream = StreamId::new(sources as u8, 0);
    let quiet_from = network.control_until.unwrap_or(Instant::MAX);
    Some(Box::new(Seat::new(spec, router.punt_delay, stream, quiet_from, network.look_at)))
}

/// Steps the nodes of one thread until the run is over.
fn work<'a>(
    mut nodes: Vec<Node>,
    mut step: Step<'a>,
    interrupt: Option<&AtomicBool>,
    told: Option<&AtomicU64>,
) -> Vec<Node> {
    /// Ends the run if this thread panics, so that no other waits for it for ever.
    struct StopOnPanic<'a>(&'a Shared);
    impl Drop for StopOnPanic<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.stop();
            }
        }
    }
    let _guard = StopOnPanic(step.shared);
    let (backoff, mut idle_rounds) = (Backoff::new(), 0);
    while !step.shared.is_done() {
        // A thread whose sources always have more is never idle.
        if interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            step.shared.stop();
        }
        let mut progress = Progress::default();
        for node in &mut nodes {
            let Progress { worked, stuck } = node.step(&mut step);
            progress.worked |= worked;
            progress.stuck |= stuck;
        }
        if let Some(told) = told {
            let until = nodes.iter().map(|node| step.shared.taken_until(node.place())).min();
            told.store(until.unwrap_or(Instant::ZERO).as_ps(), Ordering::Relaxed);
        }
        if progress.worked {
            idle_rounds = 0;
            backoff.reset();
            continue;
        }
        if !progress.stuck && declare_idle(&mut nodes, &mut step) {
            idle_rounds = 0;
            backoff.reset();
            continue;
        }
        idle_rounds += 1;
        rest(&backoff, idle_rounds);
    }
    // What was recorded is handed over when the nodes are gone; the merging thread waits for that.
    nodes
}

/// Says when the next event of this thread's nodes is, if that is known, and jumps there if all other threads said so;
/// whether it jumped.
fn declare_idle(nodes: &mut [Node], step: &mut Step<'_>) -> bool {
    let mut next = Instant::MAX;
    for node in nodes {
        match node.next_event() {
            Some(at) => next = next.min(at),
            None => {
                step.set_busy();
                return false;
            }
        }
    }
    // What lies at or past the end will not happen.
    step.shared.set_idle(step.thread, if next >= step.until { Instant::MAX } else { next });
    step.idle = true;
    step.shared.jump()
}

/// Spins, then yields, then sleeps: on a busy machine a spinning thread holds up the one that it waits for.
fn rest(backoff: &Backoff, idle_rounds: u32) {
    const YIELDS: u32 = 200;
    if !backoff.is_completed() {
        backoff.snooze();
    } else if idle_rounds < YIELDS {
        std::thread::yield_now();
    } else {
        std::thread::park_timeout(Duration::from_micros(50));
    }
}

/// Nodes with their links, and the receiving ends of what they record.
struct Built {
    nodes: Vec<Node>,
    traffic: Vec<std::sync::Arc<super::link::Traffic>>,
    records: Vec<Records>,
}

fn build(
    network: &Network,
    sources: Vec<(NodeId, Source)>,
    observe: Option<&Observe<'_>>,
    pool: &BodyPool,
    (window, cut_short): (Span, bool),
) -> Built {
    let mut sending: Vec<Option<LinkTx>> = Vec::new();
    let mut receiving: Vec<Option<LinkRx>> = Vec::new();
    let mut built = Built { nodes: Vec::new(), traffic: Vec::new(), records: Vec::new() };
    for spec in &network.links {
        let (tx, rx, traffic) = link(spec.delay);
        sending.push(Some(tx));
        receiving.push(Some(rx));
        built.traffic.push(traffic);
    }
    let (source_count, share_count) = (sources.len(), shares(network, sources.len()));
    for (place, (_, source)) in sources.iter().enumerate() {
        assert!(source.number().is_none_or(|number| number == place), "source {place} has another's frames");
    }
    let mut sources: Vec<Option<(NodeId, Source)>> = sources.into_iter().map(Some).collect();
    for (place, spec) in network.nodes.iter().enumerate() {
        let id = NodeId(place as u16);
        let ports = (0..spec.ports.len()).map(|port| PortId(port as u16));
        let inputs = ports.clone().map(|port| input_of(network, (id, port), &mut receiving)).collect();
        let observed = |port| observe.is_some_and(|observe| observe.ports.contains(&(id, port)));
        let waits = |port| cut_short && matches!(spec.role, Role::Router(_)) || network.is_watched((id, port));
        let outputs = ports
            .map(|port| output_of(network, (id, port), &mut sending, observed(port), (window, waits(port))))
            .collect();
        let mut recorder_of_node: Option<Recorder> = None;
        if let Some(observe) = observe {
            let (node, records) = recorder(id, observe.drops);
            recorder_of_node = Some(node);
            built.records.push(records);
        }
        built.nodes.push(match &spec.role {
            Role::Router(router) => {
                let mut node = RouterNode::new(place, router, inputs, outputs, recorder_of_node, share_count);
                node.seat = seat(network, router, source_count);
                Node::Router(Box::new(node))
            }
            Role::Host => {
                let mine =
                    sources.iter_mut().zip(0..).map(|(source, number)| (number, source.take_if(|(at, _)| *at == id)));
                let supplies = Supplies::new(mine.filter_map(|(number, source)| Some((number, source?.1))));
                let returns = Returns::new(pool.clone());
                let host = HostNode::new(place, inputs, outputs, recorder_of_node, supplies, returns, share_count);
                Node::Host(Box::new(host))
            }
        });
    }
    assert!(sources.iter().all(Option::is_none), "each source is at a host");
    built
}

fn input_of(network: &Network, to: (NodeId, PortId), receiving: &mut [Option<LinkRx>]) -> Option<Input> {
    let place = network.links.iter().position(|link| link.to == to)?;
    let link = &network.links[place];
    Some(Input::new(InputParts {
        rx: receiving[place].take()?,
        peer: link.from.0.index(),
        lookahead: network.lookahead(link),
        policing: PolicerTable::new(&network.port(to).ingress_policing),
        fault: Fault::new(&link.faults, link.delay, Rng::new(network.seed, place as u64)),
        delay: link.delay,
        speed: network.port(link.from).speed,
        subs: Subs::of(network, to),
    }))
}

fn output_of(
    network: &Network,
    from: (NodeId, PortId),
    sending: &mut [Option<LinkTx>],
    observed: bool,
    (window, waits): (Span, bool),
) -> Output {
    let place = network.links.iter().position(|link| link.from == from);
    let tx = place.and_then(|place| sending[place].take());
    let mut output = Output::new(network, from, tx, observed, waits);
    if let Some(place) = place {
        let link = &network.links[place];
        output.peer = Some(link.to.0.index());
        output.ahead = link.delay + window;
    }
    output
}

/// Brings the nodes' counts together and holds them against each other.
fn gather(finished: Vec<(usize, Finished)>, sources: usize, interrupted: bool) -> Outcome {
    let mut outcome = Outcome { sources: vec![SourceOutcome::default(); sources], ..Outcome::default() };
    outcome.nodes.resize(finished.len(), NodeOutcome::default());
    for (place, node) in finished {
        for ((source, share), left) in outcome.sources.iter_mut().zip(&node.outcome.shares).zip(node.in_network) {
            source.add(share);
            source.in_network += left;
        }
        outcome.nodes[place] = node.outcome;
        outcome.ended = outcome.ended.max(node.ended);
    }
    for (place, source) in outcome.sources.iter().enumerate() {
        assert!(interrupted || source.is_balanced(), "source {place}: a frame is not accounted for: {source:?}");
    }
    outcome
}
