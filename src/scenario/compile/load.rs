//! Other traffic at the ports of links: hosts beside the router that sends, whose frames go straight into the port's queues.
//!
//! ```text
//! load1 --- hq-ce1 === ...        what they send is not for the other end, which drops it: its tag is nobody's there
//! ```

use super::draft::{Draft, End, host_port};
use super::outages::EventLinks;
use super::wiring::AZURE_PORT;
use crate::id::NodeId;
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::model::{BackgroundLoad, Event, EventKind, Way, Ways};
use crate::scenario::values::LEAST_DELAY;
use crate::table::{IngressBuilder, NextHop, Service, SubInterface, TagRule, VlanKey};
use crate::time::{Instant, PortSpeed};
use crate::traffic::stream::{AddressRange, FrameSizes, Layer, Rate, StreamSpec};
use crate::wire::vlan::Tag;
use std::net::{IpAddr, Ipv4Addr};

/// A stream that loads a port.
#[derive(Clone, Debug)]
pub struct LoadStream {
    /// The event, by its place among the scenario's.
    pub event: usize,
    /// The hosts that send it.
    pub host: NodeId,
    /// The port that it loads.
    pub port: (NodeId, crate::id::PortId),
    /// The stream, as long as the event lasts.
    pub spec: StreamSpec,
}

/// Hosts for all congestion that the scenario has happen, from its instant 0, which is `begin`.
pub(super) fn wire(draft: &mut Draft, scenario: &Scenario, links: &EventLinks, begin: Instant) -> Vec<LoadStream> {
    let mut loads = Vec::new();
    for (place, event) in scenario.events.iter().enumerate() {
        let EventKind::Congest { ways, load, frame_octets, class } = event.what else { continue };
        // A provider that carries no circuit has no links.
        let Some(ends) = links.get(&event.target.value) else { continue };
        for (way, port) in [Way::Forth, Way::Back].into_iter().zip(*ends) {
            if ways != Ways::Both && ways != Ways::One(way) {
                continue;
            }
            let bps = bits_per_s(load, draft.network.port(port).speed);
            let hosts = bps.div_ceil(AZURE_PORT.bps());
            for share in 0..hosts {
                // The first ones have a bit more where it does not come out even.
                let bps = bps / hosts + u64::from(share < bps % hosts);
                let tag = Tag::new(0x8100, class, false, free_vid(scenario));
                let host = beside(draft, scenario, event, port, loads.len() + 1);
                let spec = stream(event, (bps, frame_octets, tag), begin);
                loads.push(LoadStream { event: place, host, port, spec });
            }
        }
    }
    loads
}

/// Octets on the wire as bits per second.
fn bits_per_s(load: BackgroundLoad, speed: PortSpeed) -> u64 {
    match load {
        BackgroundLoad::Bits { bps } => bps,
        // Speeds are whole gigabits: nothing is rounded.
        BackgroundLoad::Line { ppb } => (u128::from(speed.bps()) * u128::from(ppb) / 1_000_000_000) as u64,
    }
}

/// Hosts whose frames leave the router by `port` as they are.
fn beside(draft: &mut Draft, scenario: &Scenario, event: &Event, port: End, number: usize) -> NodeId {
    let host = draft.node(format!("load{number}"), event.written);
    let out = draft.port(host, host_port(draft.network.port_name(port), AZURE_PORT));
    let inward = draft.port(port.0, PortSpec::new(format!("load{number}"), AZURE_PORT));
    draft.link(out, inward, LEAST_DELAY, 0);
    let fib = &mut draft.router(port.0).fib;
    let next_hop = fib.next_hop(NextHop { mtu: u16::MAX, tags: TagRule::UNTAGGED, ..NextHop::port(port.1) });
    let service = Service::CrossConnect { next_hop, pop: 0, filter_reserved: false };
    let tagged = VlanKey::Single(free_vid(scenario));
    fib.ingress(&IngressBuilder::default().sub(tagged, SubInterface { service, mpls: false, reset_dscp: false }));
    host
}

fn stream(event: &Event, (bps, octets, tag): (u64, u16, Tag), begin: Instant) -> StreamSpec {
    // For benchmarks (RFC 2544 appendix C.2.2); nobody looks at them.
    let address = |last| {
        let address = IpAddr::V4(Ipv4Addr::new(198, 18, 0, last));
        AddressRange::new(address, address).expect("one address is a range")
    };
    StreamSpec {
        begin: begin.saturating_add(event.at.value),
        end: event.end().map(|end| begin.saturating_add(end)),
        tags: vec![tag],
        ..StreamSpec::new(address(1), address(2), 1, FrameSizes::One(octets), Rate::Bits(bps, Layer::Wire))
    }
}

/// A VLAN that nobody in the scenario uses.
fn free_vid(scenario: &Scenario) -> u16 {
    let c_tags = scenario.circuits.iter().flat_map(|circuit| circuit.peerings()).map(|peering| peering.c_tag.get());
    let s_tags = scenario.circuits.iter().filter_map(|circuit| circuit.s_tag).map(|tag| tag.get());
    let outer = scenario.pairs.iter().flat_map(|pair| {
        super::Plane::BOTH
            .into_iter()
            .filter_map(|plane| super::carrier::customer_outer(pair, plane))
            .map(|tag| tag.vid())
    });
    let used: Vec<u16> = c_tags.chain(s_tags).chain(outer).collect();
    // 64 circuits have less than 300 tags.
    (1..=4094).rev().find(|vid| !used.contains(vid)).expect("there are more VLANs than a scenario can use")
}
