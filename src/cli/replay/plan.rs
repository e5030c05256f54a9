//! What a replay means: the network, where frames enter it and when, which ports are observed.

use super::args::{ReplayArgs, StampUnit, Unrouted};
use crate::capture::{CaptureError, CaptureTime, Stamps};
use crate::cli::figures::PlannedParts;
use crate::cli::observe::{self, PortFile};
use crate::cli::{Common, Failure, load, memory, span, unwritable, wrong_amount};
use crate::engine::{Beneath, Load, Network, Offered, Role};
use crate::id::{NodeId, PortId, StreamId};
use crate::scenario::{self, Compiled, Place, Quantity, parse_amount};
use crate::time::Instant;
use crate::traffic::MAX_FLOWS;
use crate::traffic::map::Move;
use crate::traffic::replay::{CaptureFile, ReplaySpec, first_time};
use crate::traffic::schedule::{Pace, Ratio};
use crate::traffic::split::{Side, Sides, Split};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A replay that makes sense.
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) network: Network,
    pub(super) sources: Vec<PlannedSource>,
    pub(super) parts: PlannedParts,
    pub(super) until: Option<Instant>,
    files: Vec<PlannedFile>,
    epoch: CaptureTime,
    stamps: Stamps,
}

/// A source and the host that offers its frames.
pub(super) struct PlannedSource {
    pub(super) name: String,
    pub(super) host: NodeId,
    pub(super) spec: ReplaySpec,
}

/// A file to be written, with the ports whose frames go into it.
struct PlannedFile {
    path: PathBuf,
    sent: Vec<(NodeId, PortId)>,
    /// Whether dropped frames of all other ports go into it too.
    all_drops: bool,
}

/// Recordings whose first frames are further apart than this were not taken together: each starts on its own.
const TOGETHER: i128 = 3_600_000_000_000_000;

impl Plan {
    pub(super) fn new(args: &ReplayArgs, common: &Common) -> Result<Self, Failure> {
        let unrouted = match args.unrouted {
            Unrouted::Cloud => scenario::Unrouted::Cloud,
            Unrouted::Drop => scenario::Unrouted::Drop,
        };
        let (title, mut compiled) = load(&args.through, common, unrouted)?;
        let entries = entries(args)?;
        let files = files(args, &compiled)?;
        args.metrics.admit(&title, &compiled.resources)?;
        let parts = PlannedParts::new(&compiled);
        let mut sources = Vec::new();
        for (number, entry) in entries.into_iter().enumerate() {
            sources.push(source(args, &mut compiled, entry, number as u8)?);
        }
        let until = args.until.as_deref().map(|text| span("--until", text)).transpose()?;
        let until = until.map(|span| Instant::ZERO + span);
        sources.iter_mut().for_each(|source| source.spec.until = until);
        sources.iter().flat_map(|source| &source.spec.files).try_for_each(readable)?;
        let epoch = align(&mut sources)?;
        let stamps = match args.stamps {
            StampUnit::Ns => Stamps::Nanoseconds,
            StampUnit::Ps => Stamps::Picoseconds,
        };
        let plan = Plan { title, network: compiled.network, sources, parts, until, files, epoch, stamps };
        plan.refuse_overwriting(args.json.file().into_iter().chain(args.metrics.file()))?;
        Ok(plan)
    }

    /// Creates the files to be written.
    pub(super) fn open_files(&self) -> Result<Vec<PortFile>, Failure> {
        let all = || {
            self.network
                .nodes
                .iter()
                .zip(0..)
                .flat_map(|(node, n)| (0..node.ports.len()).map(move |port| (NodeId(n), PortId(port as u16))))
        };
        let create = |file: &PlannedFile| {
            let others: Vec<_> =
                if file.all_drops { all().filter(|at| !file.sent.contains(at)).collect() } else { vec![] };
            let sources = self.sources.iter().map(|source| source.name.clone()).collect();
            PortFile::create(&file.path, &self.network, &file.sent, &others, sources, (self.epoch, self.stamps))
                .map_err(|error| Failure::Runtime(unwritable(&file.path, &error)))
        };
        self.files.iter().map(create).collect()
    }

    /// Octets of all capture files, as often as they are read; `None` where that cannot be known beforehand, or less of
    /// them is asked for.
    pub(super) fn capture_octets(&self) -> Option<u64> {
        let mut octets = 0u64;
        for PlannedSource { spec, .. } in &self.sources {
            if spec.limit.is_some() || spec.until.is_some() {
                return None;
            }
            for file in &spec.files {
                let known = file.path.metadata().ok().filter(|_| !file.is_stream())?;
                octets = octets.saturating_add(known.len().saturating_mul(spec.rounds));
            }
        }
        Some(octets)
    }

    /// The plan as a load on memory.
    pub(super) fn load(&self) -> Load {
        let mut all = Some(Offered { frames: 0, octets: 0 });
        for PlannedSource { spec, .. } in &self.sources {
            all = all.zip(spec.offered()).map(|(all, more)| Offered {
                frames: all.frames.saturating_add(more.0),
                octets: all.octets.saturating_add(more.1),
            });
        }
        let (rate_bps, sources) = memory::rate(&self.network, self.sources.iter().map(|source| source.host));
        Load {
            beneath: Beneath::Owned,
            offered: all,
            sources,
            rate_bps,
            flows: MAX_FLOWS as u64,
            cut_short: self.until.is_some(),
        }
    }

    /// The ports whose frames go into any file.
    pub(super) fn observed_ports(&self) -> Vec<(NodeId, PortId)> {
        let mut ports: Vec<_> = self.files.iter().flat_map(|file| file.sent.iter().copied()).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// A capture that is read must not be written: it would be gone before its first frame.
    fn refuse_overwriting<'p>(&'p self, reports: impl Iterator<Item = &'p Path>) -> Result<(), Failure> {
        let read = self.sources.iter().flat_map(|source| &source.spec.files);
        let read: Vec<_> = read.filter_map(|file| file.path.canonicalize().ok()).collect();
        observe::refuse_overwriting(&read, self.files.iter().map(|file| file.path.as_path()).chain(reports))
    }
}

/// Finds out before anything is run or written whether a capture is there.
fn readable(file: &CaptureFile) -> Result<(), Failure> {
    let path = &file.path;
    if file.is_stream() {
        return Ok(());
    }
    if path.is_dir() {
        return Err(Failure::Runtime(format!("{} is a folder: name the captures in it", path.display())));
    }
    match File::open(path) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(Failure::Runtime(CaptureError::Open { file: path.display().to_string(), source: error }.to_string()))
        }
    }
}

/// One `--into`, understood.
struct EntryPoint {
    place: String,
    files: Vec<CaptureFile>,
    side: Option<(Split, Side)>,
}

fn entries(args: &ReplayArgs) -> Result<Vec<EntryPoint>, Failure> {
    let usage = |text: &str| Err(Failure::Usage(text.into()));
    let captures: Vec<_> =
        args.captures.iter().map(|path| CaptureFile { path: path.clone(), interface: None }).collect();
    let own: Vec<_> = args.into.iter().map(|into| into.split_once('=')).collect();
    if let Some(split) = &args.split {
        let [first, second] = &args.into[..] else {
            return usage("--split needs two places: --into A --into B; what A's side sent enters at A");
        };
        if own.iter().any(Option::is_some) || captures.is_empty() {
            return usage("--split takes one capture apart: give it as CAPTURE, and --into without =FILE");
        }
        let split = match split.as_str() {
            "auto" => Split::Auto(Sides::default()),
            prefix => Split::Prefix(prefix.parse().map_err(|_| {
                Failure::Usage(format!("--split {prefix}: write a prefix such as 10.10.0.0/16, or auto"))
            })?),
        };
        let entry = |place: &String, side| EntryPoint {
            place: place.clone(),
            files: captures.clone(),
            side: Some((split.clone(), side)),
        };
        return Ok(vec![entry(first, Side::First), entry(second, Side::Second)]);
    }
    if own.iter().all(Option::is_some) {
        if !captures.is_empty() {
            return usage("each --into has a capture of its own: leave CAPTURE out");
        }
        let entry = |(place, file): (&str, &str)| EntryPoint {
            place: place.into(),
            files: vec![capture_file(file)],
            side: None,
        };
        return Ok(own.into_iter().flatten().map(entry).collect());
    }
    match (&args.into[..], captures.is_empty()) {
        ([_], true) => usage("there is no capture to replay: biplane replay CAPTURE --through SCENARIO --into PLACE"),
        ([place], false) if !place.contains('=') => {
            Ok(vec![EntryPoint { place: place.clone(), files: captures, side: None }])
        }
        _ => usage("several places need a capture each (--into A=FILE --into B=FILE), or one capture and --split"),
    }
}

/// `FILE`, or `FILE@INTERFACE` if there is no file of the whole name.
fn capture_file(text: &str) -> CaptureFile {
    match text.rsplit_once('@') {
        Some((path, interface)) if !Path::new(text).exists() && !interface.is_empty() => {
            CaptureFile { path: path.into(), interface: Some(interface.into()) }
        }
        _ => CaptureFile { path: text.into(), interface: None },
    }
}

/// Finds the place, or puts a host before the port that it is, and says how its frames come.
fn source(args: &ReplayArgs, compiled: &mut Compiled, entry: EntryPoint, number: u8) -> Result<PlannedSource, Failure> {
    let place = compiled.find(&entry.place).map_err(Failure::Usage)?;
    let host = match place {
        Place::Host(node) => node,
        Place::Port(node, port) if matches!(compiled.network.nodes[node.index()].role, Role::Host) => {
            let name = compiled.network.port_name((node, port));
            return Err(Failure::Usage(format!(
                "{name} is a port of a host, which forwards nothing that comes in: name the host, or the port beyond its link"
            )));
        }
        Place::Port(node, port) => compiled.network.inject((node, port)),
    };
    if usize::from(number) >= StreamId::MAX_SOURCES {
        return Err(Failure::Usage(format!("over {} places", StreamId::MAX_SOURCES)));
    }
    once_only(args, &entry.files)?;
    let moves = args.map.iter().map(|text| text.parse::<Move>().map_err(|error| Failure::Usage(error.to_string())));
    let known = compiled.known.sites.iter().chain(&compiled.known.vnets).copied().collect();
    let spec = ReplaySpec {
        files: entry.files,
        pace: pace(args, &compiled.network, host)?,
        rounds: args.rounds,
        limit: args.limit,
        cut: args.cut.into(),
        moves: moves.collect::<Result<_, _>>()?,
        max_gap: args.max_gap.as_deref().map(|text| span("--max-gap", text)).transpose()?,
        side: entry.side,
        source: number,
        known,
        base: None,
        until: None,
    };
    Ok(PlannedSource { name: entry.place, host, spec })
}

/// What is read once only cannot be played twice or taken apart.
fn once_only(args: &ReplayArgs, files: &[CaptureFile]) -> Result<(), Failure> {
    let stdin = files.iter().filter(|file| file.path.as_os_str() == "-").count();
    if stdin > 0 && (stdin > 1 || args.into.len() > 1) {
        return Err(Failure::Usage("standard input can be read once, into one place: write it to a file first".into()));
    }
    match files.iter().find(|file| file.is_stream()) {
        Some(file) if args.rounds > 1 || args.split.is_some() => {
            let name = if stdin > 0 { "standard input".into() } else { file.path.display().to_string() };
            Err(Failure::Usage(format!("{name} can be read once only: write it to a file for --loop and --split")))
        }
        _ => Ok(()),
    }
}

fn pace(args: &ReplayArgs, network: &Network, host: NodeId) -> Result<Pace, Failure> {
    let ratio = |option: &str, text: &str| {
        text.parse::<Ratio>().map_err(|error| Failure::Usage(format!("{option} {text}: {error}")))
    };
    if let Some(speed) = &args.speed {
        return Ok(Pace::Captured { speed: ratio("--speed", speed)? });
    }
    if let Some(pps) = &args.pps {
        return Ok(Pace::Pps(ratio("--pps", &without_prefix(pps))?));
    }
    if let Some(rate) = &args.rate {
        let bps = parse_amount(rate, Quantity::Rate).map_err(|error| wrong_amount("--rate", &error))?;
        return if bps > 0 {
            Ok(Pace::Rate { bps })
        } else {
            Err(Failure::Usage(format!("--rate {rate}: must be above zero")))
        };
    }
    if args.topspeed {
        let Some(port) = network.nodes[host.index()].ports.first() else {
            return Err(Failure::Usage("--topspeed: the place has no port to leave by".into()));
        };
        return Ok(Pace::TopSpeed { port: port.speed });
    }
    Ok(Pace::Captured { speed: Ratio::ONE })
}

/// `1.5M` and `1.5Mpps` as a number that is kept exactly: `1.5e6`.
fn without_prefix(text: &str) -> String {
    let number = text.strip_suffix("pps").unwrap_or(text).trim_end();
    for (prefix, exponent) in [("k", 3), ("K", 3), ("M", 6), ("G", 9)] {
        if let Some(digits) = number.strip_suffix(prefix) {
            return format!("{}e{exponent}", digits.trim_end());
        }
    }
    number.into()
}

/// Captures that were taken together keep their places to each other; the time of the run's start.
fn align(sources: &mut [PlannedSource]) -> Result<CaptureTime, Failure> {
    let mut firsts = Vec::new();
    for source in &*sources {
        let file = &source.spec.files[0];
        let first =
            if file.is_stream() { None } else { first_time(file).map_err(|e| Failure::Runtime(e.to_string()))? };
        firsts.push(first);
    }
    let known: Vec<i128> = firsts.iter().flatten().map(|time| time.as_ps()).collect();
    let (Some(&least), Some(&most)) = (known.iter().min(), known.iter().max()) else {
        return Ok(CaptureTime::from_ps(0));
    };
    if sources.len() > 1 && most - least <= TOGETHER {
        for source in sources {
            source.spec.base = Some(CaptureTime::from_ps(least));
        }
    }
    Ok(CaptureTime::from_ps(least))
}

/// The files to be written: `--out` with the observed ports, and each `--write`.
fn files(args: &ReplayArgs, compiled: &Compiled) -> Result<Vec<PlannedFile>, Failure> {
    let mut files = Vec::new();
    if let Some(path) = &args.out {
        let mut sent = Vec::new();
        for name in &args.observe {
            sent.extend(observe::senders(name, compiled)?);
        }
        if args.observe.is_empty() {
            sent = by_default(compiled);
        }
        sent.dedup();
        files.push(PlannedFile { path: path.clone(), sent, all_drops: true });
    }
    for text in &args.write {
        let (sent, path) = observe::written(text, compiled)?;
        files.push(PlannedFile { path, sent, all_drops: false });
    }
    Ok(files)
}

/// Both ends of every connection; without any, the ports of all routers.
fn by_default(compiled: &Compiled) -> Vec<(NodeId, PortId)> {
    let ends: Vec<_> = compiled.connections.iter().flat_map(|connection| [connection.ce, connection.msee]).collect();
    if !ends.is_empty() {
        return ends;
    }
    let routers = compiled.network.nodes.iter().zip(0..).filter(|(node, _)| matches!(node.role, Role::Router(_)));
    routers.flat_map(|(node, n)| (0..node.ports.len()).map(move |port| (NodeId(n), PortId(port as u16)))).collect()
}
