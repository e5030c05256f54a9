//! What a drill means: the network, the streams that hosts offer, which ports are observed.

use super::DrillArgs;
use crate::capture::{CaptureTime, Stamps};
use crate::cli::figures::PlannedParts;
use crate::cli::observe::{self, PortFile};
use crate::cli::{Common, Failure, load_scenario, memory, span, unwritable};
use crate::engine::{Beneath, Load, Network, Offered, Source};
use crate::id::{NodeId, PortId};
use crate::scenario::{Compiled, Diagnostic, Diagnostics, Scenario, StreamHosts, Traffic, Unrouted};
use crate::time::Span;
use crate::traffic::stream::{StreamLoad, StreamSpec};
use std::path::PathBuf;

/// A drill that makes sense.
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) network: Network,
    pub(super) duration: Span,
    pub(super) streams: Vec<PlannedStream>,
    pub(super) parts: PlannedParts,
    files: Vec<PlannedFile>,
}

/// A stream of the run: its place is that of the source.
pub(super) struct PlannedStream {
    pub(super) traffic: Traffic,
    pub(super) hosts: StreamHosts,
    pub(super) spec: StreamSpec,
    load: StreamLoad,
}

/// A file to be written, with the ports whose frames go into it.
struct PlannedFile {
    path: PathBuf,
    sent: Vec<(NodeId, PortId)>,
}

impl Plan {
    pub(super) fn new(args: &DrillArgs, common: &Common) -> Result<Self, Failure> {
        // All destinations are of the scenario: what is not routed to them is lost, and goes nowhere else.
        let (scenario, compiled) = load_scenario(&args.scenario, common, Unrouted::Drop)?;
        refuse_events(&scenario, common)?;
        let duration = duration(args, &scenario)?;
        let streams = streams(&scenario, &compiled, duration, common)?;
        let files = args.write.iter().map(|text| {
            let (sent, path) = observe::written(text, &compiled)?;
            Ok(PlannedFile { path, sent })
        });
        let files: Vec<PlannedFile> = files.collect::<Result<_, Failure>>()?;
        let written = files.iter().map(|file| file.path.as_path());
        observe::refuse_overwriting(&[], written.chain(args.json.file()).chain(args.metrics.file()))?;
        args.metrics.admit(&scenario.name, &compiled.resources)?;
        let parts = PlannedParts::new(&compiled);
        Ok(Plan { title: scenario.name, network: compiled.network, duration, streams, parts, files })
    }

    /// The plan as a load on memory.
    pub(super) fn load(&self) -> Load {
        let mut hosts: Vec<NodeId> = self.streams.iter().map(|stream| stream.hosts.from).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let all = |of: fn(&StreamLoad) -> u64, streams: &mut dyn Iterator<Item = &PlannedStream>| {
            streams.fold(0u64, |sum, stream| sum.saturating_add(of(&stream.load)))
        };
        // A host offers no more than its ports carry.
        let rate_of = |&host: &NodeId| {
            let mut mine = self.streams.iter().filter(|stream| stream.hosts.from == host);
            all(|load| load.wire_bps, &mut mine).min(memory::rate(&self.network, [host]).0)
        };
        let frames = all(|load| load.frames, &mut self.streams.iter());
        Load {
            beneath: Beneath::Shared,
            offered: Some(Offered { frames, octets: 0 }),
            sources: self.streams.len(),
            rate_bps: hosts.iter().map(rate_of).sum(),
            flows: self.streams.iter().map(|stream| u64::from(stream.spec.flows)).max().unwrap_or(0),
            cut_short: false,
        }
    }

    /// Octets that the templates of all streams take.
    pub(super) fn templates(&self) -> u64 {
        self.streams.iter().map(|stream| stream.load.templates).sum()
    }

    /// Makes the streams, and puts their templates into the network.
    pub(super) fn sources(&mut self) -> Vec<(NodeId, Source)> {
        let Plan { network, streams, .. } = self;
        let source = |stream: &PlannedStream| {
            // It was checked when the plan was made.
            let generator = stream.spec.generator(&mut network.templates).expect("the plan holds possible streams");
            (stream.hosts.from, Source::Stream(Box::new(generator)))
        };
        streams.iter().map(source).collect()
    }

    /// Creates the files to be written; the run begins at the Unix epoch.
    pub(super) fn open_files(&self) -> Result<Vec<PortFile>, Failure> {
        let create = |file: &PlannedFile| {
            let sources = self.streams.iter().map(|stream| stream.traffic.name.value.clone()).collect();
            let times = (CaptureTime::from_ps(0), Stamps::Nanoseconds);
            PortFile::create(&file.path, &self.network, &file.sent, &[], sources, times)
                .map_err(|error| Failure::Runtime(unwritable(&file.path, &error)))
        };
        self.files.iter().map(create).collect()
    }

    /// The ports whose frames go into any file.
    pub(super) fn observed_ports(&self) -> Vec<(NodeId, PortId)> {
        let mut ports: Vec<_> = self.files.iter().flat_map(|file| file.sent.iter().copied()).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

/// Events are read and checked, and do nothing yet: a drill that left them out would tell of a network without faults.
fn refuse_events(scenario: &Scenario, common: &Common) -> Result<(), Failure> {
    let Some(event) = scenario.events.first() else { return Ok(()) };
    let message = format!("a drill does not run events yet, and here is one: {}", event.name.value);
    let not_run = Diagnostic::error(event.written, message).label("not run");
    let not_run = not_run.remedy("take `[[event]]` away to drill the streams alone");
    Err(Failure::Scenario(Diagnostics::new(scenario.source().clone(), vec![not_run]).render(common.color_on_stderr())))
}

/// When streams end at the latest.
fn duration(args: &DrillArgs, scenario: &Scenario) -> Result<Span, Failure> {
    if scenario.traffic.is_empty() {
        let (name, file) = (&scenario.name, &args.scenario);
        let write = match scenario.sites.is_empty() || scenario.vnets.is_empty() {
            true => "streams go between sites and virtual networks, of which it has none",
            false => {
                "write a `[[traffic]]` with `from`, `to` and `rate` into it (`biplane new direct` prints an example)"
            }
        };
        return Err(Failure::Usage(format!(
            "{name} has no stream to run: {write}; captures are replayed through any scenario: biplane replay CAPTURE \
             --through {file} --into PLACE"
        )));
    }
    match (&args.duration, scenario.duration) {
        (Some(text), _) => match span("--duration", text)? {
            Span::ZERO => Err(Failure::Usage("--duration: a drill of no time has no frame; give more than 0 s".into())),
            duration => Ok(duration),
        },
        (None, Some(duration)) => Ok(duration),
        (None, None) => Err(Failure::Usage(format!(
            "{} says nothing of how long to run: write `duration = \"1s\"` into it, or give --duration 1s",
            scenario.name
        ))),
    }
}

/// The streams of a run of `duration`; or why there are none, located in the scenario.
fn streams(
    scenario: &Scenario,
    compiled: &Compiled,
    duration: Span,
    common: &Common,
) -> Result<Vec<PlannedStream>, Failure> {
    let mut errors = Vec::new();
    let mut streams = Vec::new();
    for (place, (traffic, hosts)) in scenario.traffic.iter().zip(&compiled.streams).enumerate() {
        let name = &traffic.name.value;
        let Some(spec) = scenario.stream(place, duration) else {
            let message =
                format!("the stream `{name}` begins at {}, and the run ends at {duration}", traffic.begin.value);
            let late = Diagnostic::error(traffic.begin.at, message).label("never");
            errors.push(late.remedy("give a longer --duration, or let it begin sooner"));
            continue;
        };
        match spec.load() {
            Ok(load) => streams.push(PlannedStream { traffic: traffic.clone(), hosts: *hosts, spec, load }),
            Err(error) => {
                let wrong = Diagnostic::error(traffic.at, format!("the stream `{name}` is impossible: {error}"));
                errors.push(wrong.label("this one").remedy("change what is named"));
            }
        }
    }
    if errors.is_empty() {
        return Ok(streams);
    }
    Err(Failure::Scenario(Diagnostics::new(scenario.source().clone(), errors).render(common.color_on_stderr())))
}
