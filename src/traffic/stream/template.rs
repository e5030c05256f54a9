//! The octets that the frames of a flow have in common: what lies beneath their tags, for each size.

use super::StreamSpec;
use super::plan::Plan;
use crate::frame::{Frame, Header, Octets};
use crate::wire::ethernet::{self, FCS_OCTETS, HEADER_OCTETS};
use crate::wire::{checksum, ipv4, ipv6};
use std::net::IpAddr;

/// The source ports of flows begin here: what lies beneath is for servers.
pub(super) const FIRST_SOURCE_PORT: u16 = 1024;

const UDP_OCTETS: usize = 8;

/// Octets of all headers of a frame, FCS not counted.
pub(super) fn headers_octets(spec: &StreamSpec) -> usize {
    let ip = if spec.from.is_ipv4() { ipv4::HEADER_OCTETS } else { ipv6::HEADER_OCTETS };
    HEADER_OCTETS + 4 * spec.tags.len() + ip + UDP_OCTETS
}

/// Flow by flow, its body at each size, and its flow hash: both from the one parser that reads frames from outside.
pub(super) fn bodies(spec: &StreamSpec, plan: &Plan) -> (Vec<Octets>, Vec<u32>) {
    let mut bodies = Vec::with_capacity(spec.flows as usize * plan.sizes.len());
    let mut hashes = Vec::with_capacity(spec.flows as usize);
    for flow in 0..spec.flows {
        let five_tuple = FiveTuple::new(spec, flow);
        for size in &plan.sizes {
            let frame = frame(spec, five_tuple, size.octets);
            if hashes.len() == flow as usize {
                hashes.push(frame.header.hash);
            }
            bodies.extend(frame.body.map(|body| *body));
        }
    }
    (bodies, hashes)
}

/// The header of all frames of `octets`; the hash is a flow's.
pub(super) fn header(spec: &StreamSpec, octets: u16) -> Header {
    frame(spec, FiveTuple::new(spec, 0), octets).header
}

/// The frame of a flow at a size. Its payload is padding, so its body ends with the UDP header.
fn frame(spec: &StreamSpec, five_tuple: FiveTuple, octets: u16) -> Frame {
    let wire = octets - FCS_OCTETS;
    let head = head(spec, five_tuple, usize::from(wire) - HEADER_OCTETS - 4 * spec.tags.len());
    Frame::parse(&head, u32::from(wire), None).map(|parsed| parsed.frame).expect("the plan holds the longest frame")
}

#[derive(Clone, Copy)]
struct FiveTuple {
    from: IpAddr,
    to: IpAddr,
    source_port: u16,
    destination_port: u16,
}

impl FiveTuple {
    /// Flow `flow`: the wider range changes with each flow; ports count how often it was walked, and the narrower one
    /// begins one further each time, so that each address there meets each here.
    fn new(spec: &StreamSpec, flow: u32) -> Self {
        let (from, to) = (spec.from.used(spec.flows), spec.to.used(spec.flows));
        let walks = flow / from.max(to);
        let ports = u32::from(u16::MAX - FIRST_SOURCE_PORT) + 1;
        FiveTuple {
            from: spec.from.address(flow % from, from),
            to: spec.to.address((flow + walks) % to, to),
            source_port: FIRST_SOURCE_PORT + (walks % ports) as u16,
            destination_port: spec.destination_port + (walks / ports) as u16,
        }
    }
}

/// All headers of a frame with an IP packet of `packet` octets.
fn head(spec: &StreamSpec, flow: FiveTuple, packet: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(headers_octets(spec));
    head.extend(spec.destination_mac.0);
    head.extend(spec.source_mac.0);
    spec.tags.iter().for_each(|tag| head.extend(tag.0.to_be_bytes()));
    match (flow.from, flow.to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            head.extend(ethernet::IPV4.to_be_bytes());
            let begin = head.len();
            head.extend([0x45, spec.traffic_class]);
            head.extend((packet as u16).to_be_bytes());
            let fragment = if spec.dont_fragment { ipv4::DONT_FRAGMENT } else { 0 };
            head.extend([0, 0]);
            head.extend(fragment.to_be_bytes());
            head.extend([spec.ttl, ipv4::UDP, 0, 0]);
            head.extend(from.octets());
            head.extend(to.octets());
            ipv4::fill_checksum(&mut head[begin..]);
            udp(&mut head, begin + ipv4::SOURCE, flow, packet - ipv4::HEADER_OCTETS);
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            head.extend(ethernet::IPV6.to_be_bytes());
            let begin = head.len();
            head.extend([0x60 | spec.traffic_class >> 4, spec.traffic_class << 4, 0, 0]);
            head.extend(((packet - ipv6::HEADER_OCTETS) as u16).to_be_bytes());
            head.extend([ipv4::UDP, spec.ttl]);
            head.extend(from.octets());
            head.extend(to.octets());
            udp(&mut head, begin + ipv6::SOURCE, flow, packet - ipv6::HEADER_OCTETS);
        }
        _ => unreachable!("the plan has both addresses of one family"),
    }
    head
}

/// Appends a UDP header over a payload of zeros; the addresses above begin at `addresses` (RFC 768, RFC 8200 §8.1).
fn udp(head: &mut Vec<u8>, addresses: usize, flow: FiveTuple, octets: usize) {
    let pseudo = checksum::sum(&head[addresses..], u32::from(ipv4::UDP) + octets as u32);
    let begin = head.len();
    head.extend(flow.source_port.to_be_bytes());
    head.extend(flow.destination_port.to_be_bytes());
    head.extend((octets as u16).to_be_bytes());
    let sum = match checksum::checksum(&head[begin..], pseudo) {
        0 => u16::MAX,
        sum => sum,
    };
    head.extend(sum.to_be_bytes());
}
