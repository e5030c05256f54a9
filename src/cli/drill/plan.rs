//! What a drill means: the network, the streams that hosts offer, which ports are observed.

use super::DrillArgs;
use crate::capture::{CaptureTime, Stamps};
use crate::cli::figures::PlannedParts;
use crate::cli::observe::{self, PortFile};
use crate::cli::{Common, Failure, Runs, load_scenario, memory, span, unwritable};
use crate::control::ControlSpec;
use crate::engine::{Beneath, Load, Network, Offered, Role, Source};
use crate::id::{NodeId, PortId, StreamId};
use crate::scenario::{
    Compiled, Diagnostic, Diagnostics, Event, LabelNames, LoadStream, RouterSessions, Scenario, StreamHosts, Traffic,
    Unrouted,
};
use crate::time::{Instant, Span};
use crate::traffic::stream::{StreamLoad, StreamSpec};
use std::path::PathBuf;

/// A drill that makes sense.
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) network: Network,
    /// Instant 0 of the scenario: sessions come up before.
    pub(super) begin: Instant,
    pub(super) duration: Span,
    pub(super) streams: Vec<PlannedStream>,
    /// Their places are those of the sources after the streams.
    pub(super) loads: Vec<PlannedLoad>,
    pub(super) sessions: Vec<RouterSessions>,
    pub(super) labels: Vec<LabelNames>,
    pub(super) events: Vec<Event>,
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

/// Other traffic at a port while an event lasts.
pub(super) struct PlannedLoad {
    pub(super) stream: LoadStream,
    load: StreamLoad,
}

impl PlannedLoad {
    fn new(mut stream: LoadStream, until: Instant) -> Self {
        stream.spec.end = Some(stream.spec.end.map_or(until, |end| end.min(until)));
        // Its rate and size were checked when the event was read.
        let load = stream.spec.load().expect("a load is a possible stream");
        PlannedLoad { stream, load }
    }
}

/// A file to be written, with the ports whose frames go into it.
struct PlannedFile {
    path: PathBuf,
    sent: Vec<(NodeId, PortId)>,
}

impl Plan {
    pub(super) fn new(args: &DrillArgs, common: &Common) -> Result<Self, Failure> {
        // All destinations are of the scenario: what is not routed to them is lost, and goes nowhere else.
        let (scenario, compiled) = load_scenario(&args.scenario, common, Unrouted::Drop, Runs::AsWritten)?;
        let duration = duration(args, &scenario)?;
        let begin = compiled.begin;
        let mut streams = streams(&scenario, &compiled, duration, common)?;
        streams.iter_mut().for_each(|stream| stream.spec.delay(begin.since(Instant::ZERO)));
        let files = args.write.iter().map(|text| {
            let (sent, path) = observe::written(text, &compiled)?;
            Ok(PlannedFile { path, sent })
        });
        let files: Vec<PlannedFile> = files.collect::<Result<_, Failure>>()?;
        let written = files.iter().map(|file| file.path.as_path());
        observe::refuse_overwriting(&[], written.chain(args.json.file()).chain(args.metrics.file()))?;
        args.metrics.admit(&scenario.name, &compiled.resources)?;
        let parts = PlannedParts::new(&compiled);
        let until = begin.saturating_add(duration);
        let loads = compiled.loads.iter().filter(|load| load.spec.begin < until);
        let loads: Vec<PlannedLoad> = loads.map(|load| PlannedLoad::new(load.clone(), until)).collect();
        admit_sources(&scenario, &streams, &loads, compiled.network.has_control(), common)?;
        let look_at = look_at(args, &compiled.network, duration)?.map(|at| begin.saturating_add(at));
        let network = Network { control_until: Some(until), look_at, ..compiled.network };
        let (sessions, labels) = (compiled.sessions, compiled.labels);
        let (title, events) = (scenario.name, scenario.events);
        Ok(Plan { title, network, begin, duration, streams, loads, sessions, labels, events, parts, files })
    }

    /// The plan as a load on memory.
    pub(super) fn load(&self) -> Load {
        let streams = self.streams.iter().map(|stream| (stream.hosts.from, &stream.load));
        let loads = self.loads.iter().map(|load| (load.stream.host, &load.load));
        let all: Vec<(NodeId, &StreamLoad)> = streams.chain(loads).collect();
        let mut hosts: Vec<NodeId> = all.iter().map(|(host, _)| *host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        // A host offers no more than its ports carry.
        let rate_of = |&host: &NodeId| {
            let mine = all.iter().filter(|(known, _)| *known == host).map(|(_, load)| load.wire_bps);
            mine.fold(0, u64::saturating_add).min(memory::rate(&self.network, [host]).0)
        };
        let frames = all.iter().map(|(_, load)| load.frames).fold(0, u64::saturating_add);
        Load {
            beneath: Beneath::Shared,
            offered: Some(Offered { frames, octets: 0 }),
            sources: all.len(),
            rate_bps: hosts.iter().map(rate_of).sum(),
            flows: self.streams.iter().map(|stream| u64::from(stream.spec.flows)).max().unwrap_or(0),
            cut_short: false,
        }
    }

    /// Octets that the templates of all streams take.
    pub(super) fn templates(&self) -> u64 {
        let streams = self.streams.iter().map(|stream| stream.load.templates);
        streams.chain(self.loads.iter().map(|load| load.load.templates)).sum()
    }

    /// Makes the streams, and puts their templates into the network.
    pub(super) fn sources(&mut self) -> Vec<(NodeId, Source)> {
        let Plan { network, streams, loads, .. } = self;
        let mut source = |host: NodeId, spec: &StreamSpec| {
            // It was checked when the plan was made.
            let generator = spec.generator(&mut network.templates).expect("the plan holds possible streams");
            (host, Source::Stream(Box::new(generator)))
        };
        let streams = streams.iter().map(|stream| (stream.hosts.from, &stream.spec));
        let loads = loads.iter().map(|load| (load.stream.host, &load.stream.spec));
        streams.chain(loads).map(|(host, spec)| source(host, spec)).collect()
    }

    /// The control plane of a router, if it has one.
    pub(super) fn control(&self, node: NodeId) -> Option<&ControlSpec> {
        match &self.network.nodes[node.index()].role {
            Role::Router(router) => router.control.as_deref(),
            Role::Host => None,
        }
    }

    /// The network before instant 0, if sessions come up then.
    pub(super) fn beginning(&self) -> Option<Network> {
        let network = Network { control_until: Some(self.begin), look_at: None, ..self.network.clone() };
        (self.begin > Instant::ZERO).then_some(network)
    }

    /// Creates the files to be written; the run, and before its streams what brings up its sessions, begins at the Unix epoch.
    pub(super) fn open_files(&self) -> Result<Vec<PortFile>, Failure> {
        let create = |file: &PlannedFile| {
            let streams = self.streams.iter().map(|stream| stream.traffic.name.value.clone());
            let loads = self.loads.iter().map(|load| self.network.nodes[load.stream.host.index()].name.clone());
            let sources = streams.chain(loads).chain(["control traffic".to_owned()]).collect();
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

/// Frames are told apart by their source: streams, loads of events, and the control planes, which are one.
fn admit_sources(
    scenario: &Scenario,
    streams: &[PlannedStream],
    loads: &[PlannedLoad],
    has_control: bool,
    common: &Common,
) -> Result<(), Failure> {
    let most = StreamId::MAX_SOURCES - usize::from(has_control);
    let all = streams.len() + loads.len();
    if all <= most {
        return Ok(());
    }
    let mut parts = vec![format!("{} streams", streams.len())];
    if !loads.is_empty() {
        parts.push(format!("{} loads of congested ports, one for each 400 Gb/s of each direction", loads.len()));
    }
    let sessions = if has_control { ", and the sessions are one" } else { "" };
    let message = format!("{} are {all} sources, of which a run has {most} at the most{sessions}", parts.join(" and "));
    // The first that is too many.
    let at = match streams.get(most) {
        Some(stream) => stream.traffic.at,
        None => scenario.events[loads[most - streams.len()].stream.event].written,
    };
    let over = Diagnostic::error(at, message).label("one too many");
    let over = over.remedy("write fewer streams, or congest one direction");
    Err(Failure::Scenario(Diagnostics::new(scenario.source().clone(), vec![over]).render(common.color_on_stderr())))
}

/// When tables are looked at, from instant 0.
fn look_at(args: &DrillArgs, network: &Network, duration: Span) -> Result<Option<Span>, Failure> {
    if !args.tables {
        return Ok(None);
    }
    if !network.has_control() {
        let none = "--tables: no router has a control plane here: sessions are static, or there are no circuits; leave it \
                    away, or write `sessions = \"live\"` into [control]";
        return Err(Failure::Usage(none.into()));
    }
    let Some(text) = &args.at else { return Ok(Some(duration)) };
    match span("--at", text)? {
        at if at <= duration => Ok(Some(at)),
        at => Err(Failure::Usage(format!(
            "--at: {at} is after the end, which is at {duration}; give a time within the run"
        ))),
    }
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
