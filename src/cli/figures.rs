//! Those figures of a report that several commands have: what is asked of a stream; of a run's outcome ports, circuits,
//! deliveries, speed.

use super::metrics;
use crate::engine::{Count, Network, Outcome, PortOutcome};
use crate::id::{NodeId, PortId};
use crate::report::{
    self, Asked, Balance, Circuit, Delivered, Engine, FrameSize, MetricsSpan, NetworkFigures, PortFigures,
    ServiceFigures,
};
use crate::scenario::{Compiled, PublicHosts, Resources, Traffic};
use crate::time::Instant;
use crate::traffic::stream::{Layer, StreamSpec};
use std::time::Duration;

/// A circuit and Microsoft's port of each of its connections.
struct PlannedCircuit {
    name: String,
    connections: Vec<(String, (NodeId, PortId))>,
}

/// What a report says of all parts of a network: circuits and services by name, and what has metrics.
pub(super) struct PlannedParts {
    circuits: Vec<PlannedCircuit>,
    services: Vec<PublicHosts>,
    resources: Resources,
    /// Ports that other traffic passes while an event lasts: it is of no circuit.
    loaded: Vec<(NodeId, PortId)>,
}

impl PlannedParts {
    pub(super) fn new(compiled: &Compiled) -> Self {
        PlannedParts {
            circuits: circuits(compiled),
            services: compiled.services.clone(),
            resources: compiled.resources.clone(),
            loaded: compiled.loads.iter().flat_map(|load| ends(&compiled.network, load.port)).collect(),
        }
    }
}

/// A port, and what it sends to.
fn ends(network: &Network, port: (NodeId, PortId)) -> impl Iterator<Item = (NodeId, PortId)> {
    let far = network.links.iter().find(|link| link.from == port).map(|link| link.to);
    [port].into_iter().chain(far)
}

/// What came by a port for its sub-interfaces, and what left by it.
fn of_sub_interfaces(port: &PortOutcome) -> (Count, Count) {
    port.sub_interfaces.iter().fold(Default::default(), |(mut received, mut sent): (Count, Count), sub| {
        received.merge(sub.received);
        sent.merge(sub.sent);
        (received, sent)
    })
}

/// The circuits of a network, in the order of the file.
fn circuits(compiled: &Compiled) -> Vec<PlannedCircuit> {
    let mut circuits: Vec<PlannedCircuit> = Vec::new();
    for connection in &compiled.connections {
        let name = format!("{}.{}", connection.circuit, connection.plane);
        match circuits.iter_mut().find(|circuit| circuit.name == connection.circuit) {
            Some(circuit) => circuit.connections.push((name, connection.msee)),
            None => circuits
                .push(PlannedCircuit { name: connection.circuit.clone(), connections: vec![(name, connection.msee)] }),
        }
    }
    circuits
}

/// What came to public hosts, and what they sent.
fn service(hosts: &PublicHosts, outcome: &Outcome) -> ServiceFigures {
    let ports = &outcome.nodes[hosts.host.index()].ports;
    let received = |port: Option<PortId>| port.map_or(Count::default(), |port| ports[port.index()].received);
    let (circuits, internet) = (received(hosts.over_circuits), received(hosts.over_internet));
    let mut sent = Count::default();
    ports.iter().for_each(|port| sent.merge(port.sent));
    ServiceFigures {
        service: hosts.name.clone(),
        class: hosts.class.word(),
        over_circuits_frames: circuits.frames,
        over_circuits_octets: circuits.octets,
        over_internet_frames: internet.frames,
        over_internet_octets: internet.octets,
        sent_frames: sent.frames,
        sent_octets: sent.octets,
    }
}

/// What is asked of a stream.
pub(super) fn asked(traffic: &Traffic, spec: &StreamSpec) -> Asked {
    Asked {
        rate: traffic.rate.clone(),
        counts: traffic.counts.map(|layer| match layer {
            Layer::Packet => "packet",
            Layer::Frame => "frame",
            Layer::Wire => "wire",
        }),
        family: if spec.from.is_ipv4() { "ipv4" } else { "ipv6" },
        flows: spec.flows,
        sizes: spec.sizes.weights().into_iter().map(|(octets, weight)| FrameSize { octets, weight }).collect(),
        dscp: spec.traffic_class >> 2,
    }
}

/// What the network did.
pub(super) fn network(
    network: &Network,
    parts: &PlannedParts,
    outcome: &Outcome,
    (begin, metrics_span): (Instant, MetricsSpan),
) -> NetworkFigures {
    let ports = network.nodes.iter().zip(&outcome.nodes).flat_map(|(node, counts)| {
        node.ports
            .iter()
            .zip(&counts.ports)
            .map(|(port, counts)| PortFigures::new(format!("{}:{}", node.name, port.name), port.speed.bps(), counts))
    });
    let circuits = parts.circuits.iter().map(|circuit| {
        let connections = circuit.connections.iter().map(|(name, (node, port))| {
            let counts = &outcome.nodes[node.index()].ports[port.index()];
            let (received, sent) = match parts.loaded.contains(&(*node, *port)) {
                true => of_sub_interfaces(counts),
                false => (counts.received, counts.sent),
            };
            (name.clone(), received, sent)
        });
        Circuit::new(circuit.name.clone(), connections.collect())
    });
    let delivered = network.nodes.iter().zip(&outcome.nodes).filter_map(|(node, counts)| {
        let delivery = counts.delivery;
        Some(Delivered {
            host: node.name.clone(),
            frames: delivery.count.frames,
            octets: delivery.count.octets,
            least_ps: delivery.least.as_ps(),
            mean_ps: delivery.mean()?.as_ps(),
            most_ps: delivery.most.as_ps(),
        })
    });
    NetworkFigures {
        ports: ports.collect(),
        slow_path_drops: report::slow_path_drops(network.nodes.iter().map(|node| node.name.as_str()), outcome),
        circuits: circuits.collect(),
        services: parts.services.iter().map(|hosts| service(hosts, outcome)).collect(),
        delivered: delivered.collect(),
        dropped: report::all_drops(outcome),
        balance: Balance::new(outcome),
        ended_ps: outcome.ended.as_ps(),
        metrics_span,
        metrics: metrics::of(network, &parts.resources, outcome, (begin, metrics_span)),
    }
}

/// How fast it ran.
pub(super) fn engine(outcome: &Outcome, wall: Duration, threads: usize) -> Engine {
    let wall_us = (wall.as_micros() as u64).max(1);
    let per_second = |frames: u64| (u128::from(frames) * 1_000_000 / u128::from(wall_us)) as u64;
    let hops = outcome.nodes.iter().flat_map(|node| &node.ports).map(|port| port.received.frames).sum();
    let offered = outcome.sources.iter().map(|source| source.offered.frames).sum();
    Engine { threads, wall_us, frames_per_s: per_second(offered), hops_per_s: per_second(hops) }
}

/// One line on how fast it ran.
pub(super) fn speed(engine: &Engine, outcome: &Outcome) -> String {
    let virtual_us = outcome.ended.as_ps() / 1_000_000;
    format!(
        "{:.2} s of wall clock on {} node thread{}: {} frames/s, {} frame-hops/s, {:.1} s emulated per second",
        engine.wall_us as f64 / 1e6,
        engine.threads,
        if engine.threads == 1 { "" } else { "s" },
        engine.frames_per_s,
        engine.hops_per_s,
        virtual_us as f64 / engine.wall_us as f64
    )
}
