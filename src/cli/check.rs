//! `biplane check`: validates a scenario, says what its network is, draws it.

mod streams;

use super::{Common, Failure, Runs, load_scenario, memory, print};
use crate::engine::{Network, Role};
use crate::id::NodeId;
use crate::scenario::{Disjoint, Finding, GraphFormat, Lsp, Unrouted, graph};
use clap::{Args, ValueEnum};
use std::fmt::Write;

/// Validate a scenario: every error at once, with its place and remedy.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// A scenario file, or a preset by name
    #[arg(value_name = "SCENARIO|PRESET")]
    scenario: String,

    /// Draw the network instead of summing it up
    #[arg(long, value_enum)]
    graph: Option<Graph>,
}

/// The language of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Graph {
    Mermaid,
    Dot,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs, common: &Common) -> Result<(), Failure> {
    let (scenario, compiled) = load_scenario(&args.scenario, common, Unrouted::default(), Runs::Static)?;
    if let Some(language) = args.graph {
        let format = match language {
            Graph::Mermaid => GraphFormat::Mermaid,
            Graph::Dot => GraphFormat::Dot,
        };
        return print(&graph(&compiled.network, format));
    }
    let network = &compiled.network;
    let routers = network.nodes.iter().filter(|node| matches!(node.role, Role::Router(_))).count();
    let hosts = network.nodes.len() - routers;
    let mut out = format!("{}: ok\n", scenario.name);
    let (routers, hosts) = (some(routers, "router"), some(hosts, "host"));
    let links = some(network.links.len(), "link");
    let _ = writeln!(out, "  {routers}, {hosts}, {links} (one direction each)");
    let _ = writeln!(out, "  memory of a replay: {}", memory::line(network));
    let _ = writeln!(out, "\nFrames enter and are observed at these places, and at every port as node:port:");
    for place in &compiled.places {
        let _ = writeln!(out, "  {}", place.name);
    }
    let _ = writeln!(out, "\nPorts:");
    for node in &network.nodes {
        let ports: Vec<_> = node.ports.iter().map(|port| format!("{} {}G", port.name, port.speed.gbps())).collect();
        let _ = writeln!(out, "  {}: {}", node.name, ports.join(", "));
    }
    out.push_str(&streams::listed(&scenario, &compiled));
    if !compiled.lsps.is_empty() {
        let _ = writeln!(out, "\nLabel-switched paths, and what could take over:");
    }
    for lsp in &compiled.lsps {
        let _ = writeln!(out, "  {}", path(network, lsp));
    }
    if !compiled.review.is_empty() {
        let _ = writeln!(out, "\nDesign review:");
    }
    for Finding { place, message, advice } in &compiled.review {
        let _ = writeln!(out, "  {place}: {message}\n      {advice}");
    }
    print(&out)
}

/// A path by the names of its routers, its provider's name once.
fn path(network: &Network, lsp: &Lsp) -> String {
    let Lsp { provider, primary, backup } = lsp;
    let name = |node: &NodeId| {
        let whole = network.nodes[node.index()].name.as_str();
        whole.strip_prefix(provider.as_str()).and_then(|rest| rest.strip_prefix('-')).unwrap_or(whole)
    };
    let joined = |nodes: &[NodeId]| nodes.iter().map(name).collect::<Vec<_>>().join(" > ");
    let backup = match backup {
        Some((nodes, Disjoint::Nodes)) => format!("{} (no router in common)", joined(nodes)),
        Some((nodes, Disjoint::Links)) => format!("{} (no link in common)", joined(nodes)),
        None => "none".to_owned(),
    };
    format!("{provider}: {}; backup {backup}", joined(primary))
}

/// `1 router`, `2 routers`.
fn some(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
