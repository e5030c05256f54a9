//! The networks that the engine is measured on, and their traffic; it measures nothing.
//!
//! ```text
//! host-a = ce-a = pe-a = p1 = p2 = pe-b = ce-b = host-b        = two parallel links of 100G
//!               QinQ   2 labels         QinQ
//! ```

use crate::engine::{Network, Role, RouterSpec, Source};
use crate::frame::Templates;
use crate::id::{NodeId, PortId, VrfId};
use crate::node::RouterAddresses;
use crate::port::PortSpec;
use crate::rng::{Rng, mix64};
use crate::scenario::{CompileOptions, Place, Scenario, compile};
use crate::table::{
    Fib, FibBuilder, IngressBuilder, LabelAction, LabelEntry, LabelPush, NextHop, Payload, PcpRule, Service,
    SubInterface, TagRule, TtlModel, VlanKey,
};
use crate::time::{PortSpeed, Span};
use crate::traffic::stream::{AddressRange, FrameSizes, Generator, Layer, Rate, StreamError, StreamSpec};
use crate::wire::mpls::{FIRST_ORDINARY, Label, MAX_LABEL};
use crate::wire::vlan::Tag;
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr};

/// Circuits: each a pair of tags, a prefix on either side and a VPN label.
pub const CIRCUITS: u16 = 256;
/// Label-switched paths each way: two for a circuit, one by each of the parallel links.
pub const PATHS: u16 = 2 * CIRCUITS;
/// Flows each way.
pub const FLOWS: u32 = 4096;

const DELAY: Span = Span::from_us(20);
const MTU: u16 = 9216;
const FIRST_VPN_LABEL: u32 = 10_000;
/// Per direction and hop, the first of its transport labels: into p1, p2 and pe-b; into p2, p1 and pe-a.
const TRANSPORT: [[u32; 3]; 2] = [[1_000, 2_000, 3_000], [4_000, 5_000, 6_000]];

/// A network with its traffic, ready to be run as often as is wanted.
#[derive(Debug)]
pub struct Loaded {
    /// The network.
    pub network: Network,
    /// Hosts and what each offers.
    pub streams: Vec<(NodeId, Generator)>,
}

impl Loaded {
    /// The sources of a run in which each stream has `frames` frames.
    pub fn sources(&self, frames: u64) -> Vec<(NodeId, Source)> {
        let sources = self.streams.iter();
        sources.map(|(node, stream)| (*node, Source::Stream(Box::new(stream.clone().limited(frames))))).collect()
    }

    fn offer(&mut self, host: NodeId, spec: &StreamSpec) -> Result<(), StreamError> {
        let stream = spec.generator(&mut self.network.templates)?;
        self.streams.push((host, stream));
        Ok(())
    }
}

/// The preset `direct` with traffic both ways, which its two planes share: 80 % of 100G each way.
pub fn direct(sizes: &FrameSizes, seed: u64) -> Result<Loaded, String> {
    let mut scenario = Scenario::load("direct").map_err(|wrong| wrong.render(false))?;
    scenario.seed = seed;
    // Its gateway carries an eighth of this.
    scenario.gateways.iter_mut().for_each(|gateway| gateway.limits = None);
    let compiled = compile(&scenario, CompileOptions::default()).map_err(|wrong| wrong.render(false))?;
    let host = |name: &str| {
        let found = compiled.places.iter().find_map(|named| match named.place {
            Place::Host(node) if named.name == name => Some(node),
            _ => None,
        });
        found.ok_or_else(|| format!("the preset `direct` has no hosts `{name}`"))
    };
    let ends = [(host("hq")?, 10), (host("prod")?, 20)];
    let mut loaded = Loaded { network: compiled.network, streams: Vec::new() };
    for ((from, a), (_, b)) in [(ends[0], ends[1]), (ends[1], ends[0])] {
        let spec = stream(a, b, sizes, 80_000_000_000, seed);
        loaded.offer(from, &spec).map_err(|wrong| wrong.to_string())?;
    }
    Ok(loaded)
}

/// Six routers in a row, with traffic both ways at 80 % of both links.
pub fn six_node(sizes: &FrameSizes, seed: u64) -> Result<Loaded, StreamError> {
    let mut network = Network { seed, ..Network::default() };
    let names = ["ce-a", "pe-a", "p1", "p2", "pe-b", "ce-b"];
    let fibs = [ce_fib(0), pe_fib(0), p_fib(0), p_fib(1), pe_fib(1), ce_fib(1)];
    let mut row = vec![host(&mut network, "host-a")];
    for (name, fib) in names.into_iter().zip(fibs) {
        let addresses = vec![RouterAddresses::default()];
        let punt_delay = crate::engine::network::DEFAULT_PUNT_DELAY;
        // Ports 0 and 1 look to the nearer host, 2 and 3 to the other.
        let ports = (0..4).map(|port| PortSpec::new(format!("{port}"), PortSpeed::G100)).collect();
        row.push(network.add(
            name,
            Role::Router(Box::new(RouterSpec { addresses, punt_delay, ..RouterSpec::new(fib) })),
            ports,
        ));
    }
    row.push(host(&mut network, "host-b"));
    for (place, pair) in row.windows(2).enumerate() {
        for parallel in 0..2 {
            let inner = |is_inner: bool| PortId(if is_inner { 2 + parallel } else { parallel });
            // Towards host-b a router of the left half sends by its inner ports, one of the right half by its outer ones.
            let (a, b) = (inner((1..=3).contains(&place)), inner((3..=5).contains(&place)));
            network.join((pair[0], a), (pair[1], b), DELAY);
        }
    }
    let mut loaded = Loaded { network, streams: Vec::new() };
    loaded.offer(row[0], &stream(1, 2, sizes, 160_000_000_000, seed))?;
    loaded.offer(row[7], &stream(2, 1, sizes, 160_000_000_000, seed))?;
    Ok(loaded)
}

fn host(network: &mut Network, name: &str) -> NodeId {
    let port = |port| PortSpec { buffer_octets: None, ..PortSpec::new(format!("{port}"), PortSpeed::G100) };
    network.add(name, Role::Host, vec![port(0), port(1)])
}

/// From 10.A.0.0/16 to 10.B.0.0/16, without end.
fn stream(a: u8, b: u8, sizes: &FrameSizes, rate_bps: u64, seed: u64) -> StreamSpec {
    let all_of = |side| {
        let [first, last] =
            [[10, side, 0, 0], [10, side, 255, 255]].map(|address| IpAddr::from(Ipv4Addr::from(address)));
        AddressRange::new(first, last).expect("the range is in order")
    };
    let rate = Rate::Bits(rate_bps, Layer::Wire);
    let spec = StreamSpec::new(all_of(a), all_of(b), FLOWS, sizes.clone(), rate);
    StreamSpec { end: Some(crate::time::Instant::MAX), seed: mix64(seed ^ u64::from(a) << 32), ..spec }
}

/// The tags of a circuit, outermost first.
pub fn tags(circuit: u16) -> [Tag; 2] {
    [Tag::new(0x8100, 0, false, 100 + circuit / 16), Tag::new(0x8100, 0, false, 10 + circuit % 16)]
}

/// The label stack that `side`'s provider edge pushes for a circuit by one of its two links: transport, VPN.
pub fn stack(side: usize, circuit: u16, link: u16) -> [u32; 2] {
    [TRANSPORT[side][0] + u32::from(2 * circuit + link), FIRST_VPN_LABEL + u32::from(circuit)]
}

/// The label stack with which a circuit's packets from `side` come to the provider edge at the other end.
pub fn last_stack(side: usize, circuit: u16, link: u16) -> [u32; 2] {
    [TRANSPORT[side][2] + u32::from(2 * circuit + link), FIRST_VPN_LABEL + u32::from(circuit)]
}

/// The prefix of a circuit at the side that is not `side`, or of the whole of `side`.
fn far(side: usize, circuit: u16) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 2 - side as u8, circuit as u8, 0), 24))
}

fn near(side: usize) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 1 + side as u8, 0, 0), 16))
}

const OUTER: [PortId; 2] = [PortId(0), PortId(1)];
const INNER: [PortId; 2] = [PortId(2), PortId(3)];

fn route(mpls: bool) -> SubInterface {
    SubInterface { service: Service::Route(VrfId(0)), mpls, reset_dscp: false }
}

/// The receiving sides of ports 0 and 1, then of 2 and 3.
fn builder(outer: &IngressBuilder, inner: &IngressBuilder, seed: u32) -> FibBuilder {
    let mut fib = FibBuilder::new(1);
    fib.ingress(outer).ingress(outer).ingress(inner).ingress(inner).hash_seed(seed);
    fib
}

fn circuits() -> IngressBuilder {
    (0..CIRCUITS).fold(IngressBuilder::default(), |ingress, circuit| {
        let [s, c] = tags(circuit);
        ingress.sub(VlanKey::Double(s.vid(), c.vid()), route(false))
    })
}

fn next_hop(port: PortId) -> NextHop {
    NextHop { mtu: MTU, ..NextHop::port(port) }
}

fn ce_fib(side: usize) -> Fib {
    let mut fib =
        builder(&IngressBuilder::default().sub(VlanKey::Untagged, route(false)), &circuits(), 1 + side as u32);
    let hosts = fib.next_hops(&OUTER.map(next_hop));
    fib.route(VrfId(0), near(side), hosts);
    for circuit in 0..CIRCUITS {
        let tags = TagRule::push(&tags(circuit), PcpRule::Fixed);
        let set = fib.next_hops(&INNER.map(|port| NextHop { tags, ..next_hop(port) }));
        fib.route(VrfId(0), far(side, circuit), set);
    }
    fib.build()
}

/// The tables of the provider edge of a side: it pushes two labels, and takes two off.
pub fn pe_fib(side: usize) -> Fib {
    let mut fib = builder(&circuits(), &IngressBuilder::default().sub(VlanKey::Untagged, route(true)), 3 + side as u32);
    for circuit in 0..CIRCUITS {
        let by = |link: u16| {
            let push = LabelPush::new(&stack(side, circuit, link)).expect("the labels are ordinary");
            NextHop { push, ..next_hop(INNER[usize::from(link)]) }
        };
        let set = fib.next_hops(&[by(0), by(1)]);
        fib.route(VrfId(0), far(side, circuit), set);
        let tags = TagRule::push(&tags(circuit), PcpRule::Fixed);
        let next_hops = fib.next_hops(&OUTER.map(|port| NextHop { tags, ..next_hop(port) }));
        let action = LabelAction::Pop { payload: Payload::Ipv4, next_hops };
        fib.label(label(FIRST_VPN_LABEL + u32::from(circuit)), LabelEntry { action, model: TtlModel::Uniform });
    }
    for path in 0..u32::from(PATHS) {
        let action = LabelAction::PopLookup(VrfId(0));
        fib.label(label(TRANSPORT[1 - side][2] + path), LabelEntry { action, model: TtlModel::Uniform });
    }
    fib.build()
}

/// The tables of p1 (0) and p2 (1): both directions' paths are swapped.
pub fn p_fib(place: usize) -> Fib {
    let untagged = IngressBuilder::default().sub(VlanKey::Untagged, route(true));
    let mut fib = builder(&untagged, &untagged, 5 + place as u32);
    for (direction, labels) in TRANSPORT.iter().enumerate() {
        // The first router of a direction has that side's ports outside.
        let hop = if direction == place { 0 } else { 1 };
        let ports = if hop == 0 { INNER } else { OUTER };
        for path in 0..u32::from(PATHS) {
            let push = LabelPush::new(&[labels[hop + 1] + path]).expect("the label is ordinary");
            let set = fib.next_hops(&ports.map(|port| NextHop { push, ..next_hop(port) }));
            let entry = LabelEntry { action: LabelAction::Swap(set), model: TtlModel::Uniform };
            fib.label(label(labels[hop] + path), entry);
        }
    }
    fib.build()
}

/// The label that stands at `place` of a map of `count`, which lies over all of the label space.
pub fn label_of(place: u32, count: u32) -> u32 {
    let span = u64::from(MAX_LABEL + 1 - FIRST_ORDINARY);
    FIRST_ORDINARY + (u64::from(place) * span / u64::from(count)) as u32
}

/// A label switching router of four ports whose `count` labels lie all over the label space, each swapped by a next hop
/// of its own.
pub fn label_fib(count: u32) -> Fib {
    let untagged = IngressBuilder::default().sub(VlanKey::Untagged, route(true));
    let mut fib = builder(&untagged, &untagged, 0);
    let mut rng = Rng::new(1, 1);
    for place in 0..count {
        let push = LabelPush::new(&[label_of(rng.below(count.into()) as u32, count)]).expect("the label is ordinary");
        let set = fib.next_hops(&[NextHop { push, ..NextHop::port(PortId((place % 4) as u16)) }]);
        let entry = LabelEntry { action: LabelAction::Swap(set), model: TtlModel::Uniform };
        fib.label(label(label_of(place, count)), entry);
    }
    fib.build()
}

fn label(label: u32) -> Label {
    Label::new(label).expect("the label is ordinary")
}

/// One side's traffic alone, for single operations, and the templates that it needs.
pub fn frames_of_a(sizes: &FrameSizes, seed: u64) -> Result<(Templates, Generator), StreamError> {
    let mut templates = Templates::new();
    let generator = stream(1, 2, sizes, 160_000_000_000, seed).generator(&mut templates)?;
    Ok((templates, generator))
}
