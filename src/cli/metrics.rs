//! From the outcome of a run to metrics with Azure's names: which counts make which metric.
//!
//! "In" is into Azure, "Out" out of it. What is counted are frames with their tags and FCS where they are counted: at
//! Microsoft's ports, and of gateways between these and the networks, where there are no tags.

use super::availability::{Availability, Share};
use super::{Failure, unwritable};
use crate::engine::{Count, Network, Outcome, PortOutcome};
use crate::frame::DropReason;
use crate::id::{NodeId, PortId};
use crate::report::{self, Definition, Metric, MetricsSpan, Resource, ResourceType, Thousandths};
use crate::scenario::{CircuitResource, GatewayResource, PeeringEnd, Plane, PortsResource, Resources};
use crate::table::Ingress;
use crate::time::{Instant, PS_PER_S, Span};
use clap::Args;
use std::path::{Path, PathBuf};

/// Where metrics go beside the JSON report.
#[derive(Clone, Debug, Args)]
pub(super) struct MetricsOut {
    /// Write Azure's metrics of circuits, ports and gateways to a file that Prometheus reads
    #[arg(long = "metrics", value_name = "FILE", help_heading = "Output")]
    file: Option<PathBuf>,
}

impl MetricsOut {
    /// The file, if any.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// A file for a network that has no resource would be empty.
    pub(super) fn admit(&self, title: &str, resources: &Resources) -> Result<(), Failure> {
        let Resources { circuits, ports, gateways } = resources;
        if self.file.is_none() || !(circuits.is_empty() && ports.is_empty() && gateways.is_empty()) {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "--metrics: {title} has no circuit and no gateway, whose metrics these are; leave it away, its ports are in \
             the report"
        )))
    }

    /// Writes the metrics if that is wanted.
    pub(super) fn write(&self, figures: &report::NetworkFigures) -> Result<(), Failure> {
        let Some(path) = &self.file else { return Ok(()) };
        let text = report::prometheus_text(&figures.metrics, figures.metrics_span);
        std::fs::write(path, text).map_err(|error| Failure::Runtime(unwritable(path, &error)))
    }
}

/// A span of time; none ends before it begins.
pub(super) fn span(from: Instant, to: Instant) -> MetricsSpan {
    MetricsSpan { from_ps: from.as_ps(), to_ps: to.max(from).as_ps() }
}

/// All metrics of the resources, over a span from `begin`.
pub(super) fn of(
    network: &Network,
    resources: &Resources,
    outcome: &Outcome,
    (begin, span): (Instant, MetricsSpan),
) -> Vec<Metric> {
    let at = |ps: u64| begin.saturating_add(Span::from_ps(ps));
    let available = Availability { network, outcome, from: at(span.from_ps), to: at(span.to_ps) };
    let ps = span.to_ps - span.from_ps;
    let mut metrics = Metrics { network, outcome, available, ps, resource: None, list: Vec::new() };
    resources.circuits.iter().for_each(|circuit| metrics.circuit(circuit));
    resources.ports.iter().for_each(|ports| metrics.ports(ports));
    resources.gateways.iter().for_each(|gateway| metrics.gateway(gateway));
    metrics.list
}

struct Metrics<'a> {
    network: &'a Network,
    outcome: &'a Outcome,
    available: Availability<'a>,
    /// The length of the span.
    ps: u64,
    resource: Option<Resource>,
    list: Vec<Metric>,
}

type Dimensions<'d> = &'d [(&'static str, String)];

impl Metrics<'_> {
    fn circuit(&mut self, circuit: &CircuitResource) {
        self.resource = Some(Resource { kind: ResourceType::Circuit, name: circuit.name.clone() });
        let (mut dropped_in, mut dropped_out) = (0, 0);
        for peering in &circuit.peerings {
            let kind = ("PeeringType", peering.kind.to_string());
            for end in &peering.ends {
                let by_peer = [kind.clone(), ("Peer", role(end.plane).into())];
                let is_up = self.is_up(end.port);
                let (arp, bgp) = (self.available.arp(end), self.available.bgp(end));
                self.add(Definition::ARP_AVAILABILITY, &by_peer, share_of(100, arp, is_up));
                self.add(Definition::BGP_AVAILABILITY, &by_peer, share_of(100, bgp, is_up));
                let by_role = [kind.clone(), ("DeviceRole", role(end.plane).into())];
                let passed = self.passed(end);
                self.rate(Definition::BITS_IN, &by_role, passed.into_azure);
                self.rate(Definition::BITS_OUT, &by_role, passed.out_of_azure);
                self.share(Definition::INGRESS_UTILIZATION, &by_role, passed.into_azure, circuit.bandwidth_bps);
                self.share(Definition::EGRESS_UTILIZATION, &by_role, passed.out_of_azure, circuit.bandwidth_bps);
                dropped_in += passed.dropped_in;
                dropped_out += passed.dropped_out;
            }
        }
        self.rate(Definition::QOS_DROP_IN, &[], dropped_in);
        self.rate(Definition::QOS_DROP_OUT, &[], dropped_out);
        for reach in &circuit.reaches {
            let by_peer = [("PeeredCircuitSKey", reach.peer.clone())];
            self.rate(Definition::GLOBAL_REACH_IN, &by_peer, self.sum(&reach.ports, |port| port.sent));
            self.rate(Definition::GLOBAL_REACH_OUT, &by_peer, self.sum(&reach.ports, |port| port.received));
        }
        self.add(Definition::FASTPATH_CIRCUIT, &[], Thousandths::whole(circuit.fastpath_routes));
    }

    fn ports(&mut self, ports: &PortsResource) {
        self.resource = Some(Resource { kind: ResourceType::Ports, name: ports.name.clone() });
        for (at, number) in ports.links.iter().zip(1..) {
            let by_link = [("Link", format!("link{number}"))];
            let state = |is: bool| Thousandths::whole(is.into());
            self.add(Definition::ADMIN_STATE, &by_link, state(self.network.port(*at).admin_up));
            let line = share_of(1, self.available.port(*at), self.is_up(*at));
            self.add(Definition::LINE_PROTOCOL, &by_link, line);
            let (received, sent) = (self.port(*at).received.octets, self.port(*at).sent.octets);
            self.rate(Definition::PORT_BITS_IN, &by_link, received);
            self.rate(Definition::PORT_BITS_OUT, &by_link, sent);
        }
        self.add(Definition::FASTPATH_PORT, &[], Thousandths::whole(ports.fastpath_routes));
    }

    fn gateway(&mut self, gateway: &GatewayResource) {
        self.resource = Some(Resource { kind: ResourceType::Gateway, name: gateway.name.clone() });
        for connection in &gateway.connections {
            let by_name = [("ConnectionName", connection.circuit.clone())];
            self.rate(Definition::CONNECTION_IN, &by_name, self.sum(&connection.ports, |port| port.sent));
            self.rate(Definition::CONNECTION_OUT, &by_name, self.sum(&connection.ports, |port| port.received));
        }
        for (instance, number) in self.outcome.nodes[gateway.node.index()].instances.iter().zip(0..) {
            let by_instance = [("roleInstance", format!("GatewayTenantWork_IN_{number}"))];
            self.rate(Definition::GATEWAY_BITS, &by_instance, instance.received.octets);
            let packets = u128::from(instance.received.frames) * 1000 * u128::from(PS_PER_S);
            if let Some(packets) = packets.checked_div(self.ps.into()) {
                self.add(Definition::GATEWAY_PACKETS, &by_instance, Thousandths::new(packets));
            }
            self.add(Definition::GATEWAY_FLOWS, &by_instance, Thousandths::whole(instance.most_flows));
        }
        for session in &gateway.sessions {
            let by_peer = [("BgpPeerAddress", session.peer.clone())];
            self.add(Definition::ROUTES_ADVERTISED, &by_peer, Thousandths::whole(session.advertised));
            self.add(Definition::ROUTES_LEARNED, &by_peer, Thousandths::whole(session.learned));
        }
    }

    /// Octets in the span as whole bits per second, rounded down; nothing where the span is none.
    fn rate(&mut self, definition: &'static Definition, dimensions: Dimensions<'_>, octets: u64) {
        let bits = u128::from(octets) * 8 * u128::from(PS_PER_S);
        if let Some(bps) = bits.checked_div(self.ps.into()) {
            self.add(definition, dimensions, Thousandths::new(bps * 1000));
        }
    }

    /// The same in percent of a bandwidth, rounded down to a thousandth.
    fn share(&mut self, definition: &'static Definition, dimensions: Dimensions<'_>, octets: u64, of_bps: u64) {
        let bits = u128::from(octets) * 8 * u128::from(PS_PER_S);
        if let Some(share) = (bits * 100 * 1000).checked_div(u128::from(self.ps) * u128::from(of_bps)) {
            self.add(definition, dimensions, Thousandths::new(share));
        }
    }

    fn add(&mut self, definition: &'static Definition, dimensions: Dimensions<'_>, value: Thousandths) {
        let resource = self.resource.clone().expect("a metric is of a resource");
        self.list.push(Metric { definition, resource, dimensions: dimensions.to_vec(), value });
    }

    fn port(&self, (node, port): (NodeId, PortId)) -> &PortOutcome {
        &self.outcome.nodes[node.index()].ports[port.index()]
    }

    fn sum(&self, ports: &[(NodeId, PortId)], of: fn(&PortOutcome) -> Count) -> u64 {
        ports.iter().map(|at| of(self.port(*at)).octets).sum()
    }

    /// Whether a port passes traffic, unless an event takes it down: then sessions that do not run are up over it.
    fn is_up(&self, at: (NodeId, PortId)) -> bool {
        let links = &self.network.links;
        let is_linked = links.iter().any(|link| link.to == at) && links.iter().any(|link| link.from == at);
        self.network.port(at).admin_up && is_linked
    }

    fn passed(&self, end: &PeeringEnd) -> Passed {
        let port = self.port(end.port);
        if let Some(sub) = end.sub_interface {
            let counts = &port.sub_interfaces[sub];
            return Passed {
                into_azure: counts.received.octets - counts.ingress_policed.octets,
                out_of_azure: counts.sent.octets,
                dropped_in: counts.ingress_policed.octets,
                dropped_out: counts.egress_policed.octets,
            };
        }
        let of = |reason| port.ingress_drops.octets_of(reason);
        let of_nobody: u64 = Ingress::REFUSALS.into_iter().map(of).sum();
        Passed {
            into_azure: port.received.octets - of_nobody - of(DropReason::Policed),
            out_of_azure: port.sent.octets,
            dropped_in: of(DropReason::Policed),
            dropped_out: port.egress_drops.octets_of(DropReason::Policed),
        }
    }
}

/// Octets at one end of a peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passed {
    into_azure: u64,
    out_of_azure: u64,
    /// By the rate limit.
    dropped_in: u64,
    dropped_out: u64,
}

/// So much of `all` as the share says; all or nothing where nothing tells.
fn share_of(all: u64, share: Option<Share>, is_up: bool) -> Thousandths {
    match share.filter(|share| is_up && share.whole > 0) {
        Some(Share { part, whole }) => Thousandths::new(u128::from(all) * 1000 * u128::from(part) / u128::from(whole)),
        None => Thousandths::whole(if is_up { all } else { 0 }),
    }
}

const fn role(plane: Plane) -> &'static str {
    match plane {
        Plane::Primary => "Primary",
        Plane::Secondary => "Secondary",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Run, Source, run};
    use crate::frame::Frame;
    use crate::id::StreamId;
    use crate::port::{PolicerSpec, Policing};
    use crate::scenario::{CompileOptions, Compiled, Place, Scenario, compile};

    /// An Ethernet frame of these tags with a UDP packet to the preset's network, or garbage where a runt is wanted.
    fn octets(tags: &[u16], payload: usize) -> Vec<u8> {
        let mut octets = vec![2; 12];
        for vid in tags {
            octets.extend([0x81, 0x00, (vid >> 8) as u8, *vid as u8]);
        }
        let packet = etherparse::PacketBuilder::ipv4([10, 10, 1, 1], [10, 20, 1, 1], 64).udp(5, 53);
        octets.extend([0x08, 0x00]);
        packet.write(&mut octets, &vec![7; payload]).unwrap();
        octets
    }

    /// Frames of the circuit, of other VLANs, of none, cut and damaged ones, in turn.
    fn frames() -> Vec<Frame> {
        let kinds: [&[u16]; 8] =
            [&[110, 20], &[110, 20], &[110, 21], &[111, 20], &[], &[0xfff, 20], &[110, 0xfff], &[20]];
        let mut frames = Vec::new();
        for round in 0..50 {
            for (kind, tags) in kinds.iter().enumerate() {
                frames.push((octets(tags, 100 + 10 * kind + round), false));
            }
            frames.push((vec![2; 9], false));
            frames.push((octets(&[110, 20], 333), true));
        }
        let frame = |(seq, (octets, bad)): (usize, (Vec<u8>, bool))| {
            let mut frame = Frame::parse(&octets, octets.len() as u32, None).unwrap().frame;
            frame.header.meta = frame.header.meta.with_bad_fcs(bad);
            frame.id.sent = Instant::from_ps(seq as u64 * 1_000_000);
            (frame.id.stream, frame.id.seq) = (StreamId::new(0, 0), seq as u32);
            frame
        };
        frames.into_iter().enumerate().map(frame).collect()
    }

    /// The port that one peering has for itself says of it what counting its sub-interface would say.
    #[test]
    fn a_port_for_itself_is_as_good_as_a_count_by_sub_interface() {
        let scenario = Scenario::load("direct").unwrap();
        let Compiled { mut network, resources, places, .. } = compile(&scenario, CompileOptions::default()).unwrap();
        let end = resources.circuits[0].peerings[0].ends[0];
        assert_eq!(end.sub_interface, None);
        let spec = &mut network.nodes[end.port.0.index()].ports[end.port.1.index()];
        let policer = PolicerSpec::strict(100_000_000, 2_000);
        let policing = Policing { policers: vec![policer], by_vid: vec![(110, 0)] };
        (spec.ingress_policing, spec.egress_policing) = (policing.clone(), policing);
        spec.counts_sub_interfaces = true;
        let host = network.inject(end.port);
        // The way back, which shares the policer's figures: frames from the network to the site.
        let Some(Place::Host(prod)) = places.iter().find(|named| named.name == "prod").map(|named| named.place) else {
            panic!("prod is a host")
        };
        let back = (0..200).map(|seq| {
            let mut octets = octets(&[], 200);
            octets[26..34].copy_from_slice(&[10, 20, 1, 1, 10, 10, 1, 1]);
            crate::wire::ipv4::fill_checksum(&mut octets[14..34]);
            let mut frame = Frame::parse(&octets, octets.len() as u32, None).unwrap().frame;
            frame.id.sent = Instant::from_ps(seq * 2_000_000);
            (frame.id.stream, frame.id.seq, frame.header.hash) = (StreamId::new(1, 0), seq as u32, (seq as u32) << 28);
            frame
        });
        let sources = vec![(host, Source::Frames(frames())), (prod, Source::Frames(back.collect()))];
        let outcome = run(Run::new(&network, sources));
        let (network, outcome) = (&network, &outcome);
        let available = Availability { network, outcome, from: Instant::ZERO, to: Instant::ZERO };
        let metrics = Metrics { network, outcome, available, ps: 1, resource: None, list: Vec::new() };
        let [alone, counted] = [None, Some(0)].map(|sub| metrics.passed(&PeeringEnd { sub_interface: sub, ..end }));
        assert_eq!(alone, counted);
        let Passed { into_azure, out_of_azure, dropped_in, dropped_out } = alone;
        assert!([into_azure, out_of_azure, dropped_in, dropped_out].iter().all(|&octets| octets > 1000), "{counted:?}");
        // Two frames of ten are the circuit's: 54 octets of headers, tags and FCS, and what they carry.
        let sum: u64 = (0..50).map(|round| (100 + round + 54) + (110 + round + 54)).sum();
        assert_eq!(into_azure + dropped_in, sum);
    }
}
