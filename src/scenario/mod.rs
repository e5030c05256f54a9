//! Scenario files: TOML as written, checked all at once, and a [`Scenario`] as meant; presets. It runs nothing.

mod check;
pub mod compile;
mod diagnostic;
mod fastpath;
mod graph;
mod model;
mod nearest;
mod offered;
mod preset;
mod read;
mod reader;
mod review;
mod schema;
mod source;
mod syntax;
mod units;
mod values;

use std::path::Path;

use toml::de::DeTable;

pub use compile::{
    CircuitResource, CompileOptions, Compiled, Connection, Disjoint, EventLinks, GatewayConnection, GatewayResource,
    GatewaySession, KnownPrefixes, LabelNames, LoadStream, Lsp, NamedPlace, PeeringEnd, PeeringResource, PeeringType,
    Place, Plane, PortsResource, PublicHosts, ReachResource, Resources, RouterSessions, SessionName, Side, StreamHosts,
    Unrouted, compile,
};
pub use diagnostic::{Diagnostic, Diagnostics, SHOWN, Severity};
pub use graph::{GraphFormat, graph};
pub use model::{
    Access, Admin, Attachment, BackgroundLoad, Bfd, Bgp, Carrier, Circuit, CircuitId, CircuitKind, CircuitSku,
    Community, Control, Core, CoreGraph, CoreLink, CrossConnect, Detection, EgressTags, Encapsulation, Event,
    EventKind, EventTarget, Fibres, Gateway, GatewayLimits, GlobalReach, Hop, InternetAccess, LabelEntry, LabelOp, Lan,
    LinkAddresses, LinkName, MicrosoftPeering, NatPools, Nni, Null, OutLabel, PairId, PairLink, Peering,
    PeeringAddresses, PerPlane, PortPair, PrefixLimits, Protection, Provider, ProviderId, Pseudowire, RateLimit,
    Recovery, Route, Router, RouterPort, RouterPortId, Scope, Service, ServiceClass, ServiceId, Sessions, Settings,
    Site, SiteId, Sku, SkuLimits, StreamEnd, Tags, Traffic, Vnet, VnetId, Way, Ways,
};
pub use preset::{Preset, presets};
pub use review::Finding;
pub use schema::schema;
pub use source::{Extent, Located, Source};
pub use units::{Quantity, UnitError, parse as parse_amount, rate_rounded_up, rate_text};

use crate::rng::mix64;
use crate::time::Span;
use crate::traffic::stream::StreamSpec;
use diagnostic::Problems;
use reader::Table;

/// A scenario as meant: every value in range, every reference resolved, no contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What it is called; the file's name where it gives none.
    pub name: String,
    /// Seed of everything random; 1 where none is given.
    pub seed: u64,
    /// How long it runs, if it says so.
    pub duration: Option<Span>,
    /// What holds for the whole network.
    pub settings: Settings,
    /// What holds for all control planes.
    pub control: Control,
    /// On-premises networks.
    pub sites: Vec<Site>,
    /// Port pairs.
    pub pairs: Vec<PortPair>,
    /// Connectivity providers.
    pub providers: Vec<Provider>,
    /// Circuits on them.
    pub circuits: Vec<Circuit>,
    /// Virtual networks.
    pub vnets: Vec<Vnet>,
    /// Services at public addresses.
    pub services: Vec<Service>,
    /// Gateways between circuits and virtual networks.
    pub gateways: Vec<Gateway>,
    /// Circuits that are joined.
    pub global_reaches: Vec<GlobalReach>,
    /// Routers given entry by entry.
    pub routers: Vec<Router>,
    /// Streams, which a drill runs.
    pub traffic: Vec<Traffic>,
    /// What happens to links during a drill, in the order of the file.
    pub events: Vec<Event>,
    source: Source,
    warnings: Vec<Diagnostic>,
}

impl Scenario {
    /// The preset called `path_or_preset`, or the file at that path (`./direct` is always a file).
    pub fn load(path_or_preset: &str) -> Result<Scenario, Diagnostics> {
        if let Some(preset) = presets().iter().find(|preset| preset.name == path_or_preset) {
            return Scenario::parse(preset.text, preset.name);
        }
        let bytes = read_file(Path::new(path_or_preset)).map_err(|error| {
            let presets = || presets().iter().map(|preset| preset.name);
            let otherwise = format!("give the path of a scenario file, or a preset: {}", nearest::listed(presets()));
            let remedy = nearest::did_you_mean(path_or_preset, presets(), otherwise);
            Diagnostics::without_place(path_or_preset, format!("cannot read `{path_or_preset}`: {error}"), remedy)
        })?;
        match String::from_utf8(bytes) {
            Ok(text) => Scenario::parse(&text, path_or_preset),
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes());
                let at = Extent { start, end: start + char::REPLACEMENT_CHARACTER.len_utf8() };
                let wrong = Diagnostic::error(at, "the file is not UTF-8 text").label("not UTF-8 from here");
                let wrong = wrong.remedy("save it as UTF-8, as TOML wants it");
                Err(Diagnostics::new(Source::new(path_or_preset, &text), vec![wrong]))
            }
        }
    }

    /// The scenario in `text`, which messages call `file_name`; or everything that is wrong with it.
    pub fn parse(text: &str, file_name: &str) -> Result<Scenario, Diagnostics> {
        let source = Source::new(file_name, text);
        let problems = Problems::default();
        let (tree, syntax) = DeTable::parse_recoverable(text);
        let (built, facts) = read::scenario(Table::root(tree.get_ref(), &problems), &source, &problems);
        if !syntax.is_empty() {
            return Err(syntax::errors(source, tree.get_ref(), &syntax, problems.into_list()));
        }
        check::facts(&facts, &problems);
        if let Some(scenario) = built.as_ref().filter(|_| !problems.any_error()) {
            check::idle_parts(scenario, &problems);
        }
        let errors = problems.any_error();
        let list = problems.into_list();
        match built {
            Some(scenario) if !errors => {
                let warnings = Diagnostics::new(source, list).iter().cloned().collect();
                Ok(Scenario { warnings, ..scenario })
            }
            _ => {
                assert!(errors, "a scenario that cannot be built has an error");
                Err(Diagnostics::new(source, list))
            }
        }
    }

    /// The port pair that carries a circuit.
    pub fn pair_of(&self, circuit: CircuitId) -> &PortPair {
        &self.pairs[self.circuits[circuit.index()].pair.index()]
    }

    /// What looks as if it was not meant, though the scenario can be run.
    pub fn warnings(&self) -> Diagnostics {
        Diagnostics::new(self.source.clone(), self.warnings.clone())
    }

    /// Stream number `place` of [`Scenario::traffic`] as it is in a run of `duration`, its seed of its own; `None` if the run
    /// ends before the stream begins.
    pub fn stream(&self, place: usize, duration: Span) -> Option<StreamSpec> {
        let seed = mix64(self.seed ^ mix64(place as u64 + 1));
        self.traffic.get(place)?.spec(duration, seed)
    }

    /// The file that it was read from, for messages that come up later.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// The file at `path`, if it is of a size that a person could have written.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST_OCTETS + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MOST_OCTETS {
        true => Err(std::io::Error::other("it is over 4 MiB, no scenario file")),
        false => Ok(bytes),
    }
}

/// Octets of a scenario file at most.
const MOST_OCTETS: u64 = 4 << 20;

#[cfg(test)]
mod tests;
