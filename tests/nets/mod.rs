//! Networks made by a seed, and frames for them: what the engines are held against each other on.

use biplane::engine::{Network, Role, RouterSpec};
use biplane::frame::Frame;
use biplane::id::{NodeId, PortId, StreamId, VrfId};
use biplane::node::RouterAddresses;
use biplane::port::{FaultSpec, PolicerSpec, Policing, PortSpec};
use biplane::rng::Rng;
use biplane::table::{FibBuilder, IngressBuilder, NextHop, Service, SubInterface, VlanKey};
use biplane::time::{Instant, PortSpeed, Span};
use std::net::Ipv4Addr;

/// What a made network is to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    pub(crate) routers: u16,
    /// Octets of each port's buffer.
    pub(crate) buffer: u64,
    /// Whether ports have several queues.
    pub(crate) queues: bool,
    /// Whether links lose frames, ports police, and packets are cut.
    pub(crate) troubled: bool,
}

/// Ports of one router: 0 to its host, then one for each wire it has; each with the router at the other end.
type Ports = Vec<(u16, PortSpec)>;

/// A ring of routers with chords, a host at each; `10.N.0.0/16` lives at router N.
pub(crate) fn network(shape: Shape) -> Network {
    let mut rng = Rng::new(shape.seed, 1);
    let mut net = Network { seed: shape.seed, ..Network::default() };
    let n = shape.routers;
    let mut wires: Vec<(u16, u16)> = (0..n).map(|r| (r, (r + 1) % n)).collect();
    wires.extend((0..n / 2).map(|r| (r, r + n / 2)).filter(|&(a, b)| a != b && b < n && n > 3));
    let mut ports: Vec<Ports> = (0..n).map(|r| vec![(r, port(shape, "host".into(), &mut rng))]).collect();
    for &(a, b) in &wires {
        ports[usize::from(a)].push((b, port(shape, format!("r{b}"), &mut rng)));
        ports[usize::from(b)].push((a, port(shape, format!("r{a}"), &mut rng)));
    }
    for r in 0..n {
        let spec = router(shape, r, &wires, &ports[usize::from(r)], &mut rng);
        let specs = ports[usize::from(r)].iter().map(|(_, spec)| spec.clone()).collect();
        net.add(format!("r{r}"), Role::Router(Box::new(spec)), specs);
    }
    for r in 0..n {
        let mut port = PortSpec::new("out", PortSpeed::G100);
        port.buffer_octets = None;
        let host = net.add(format!("h{r}"), Role::Host, vec![port]);
        net.join((host, PortId(0)), (NodeId(r), PortId(0)), delay(&mut rng));
    }
    join_routers(shape, &wires, &mut net, &mut rng);
    net
}

fn delay(rng: &mut Rng) -> Span {
    Span::from_ns(100 + rng.below(30_000))
}

fn port(shape: Shape, name: String, rng: &mut Rng) -> PortSpec {
    let speeds = [PortSpeed::G10, PortSpeed::G25, PortSpeed::G100];
    let mut spec = PortSpec::new(name, speeds[rng.below(3) as usize]);
    spec.buffer_octets = Some(shape.buffer);
    if shape.queues && rng.below(3) > 0 {
        spec.queue_of_class = [0, 0, 1, 1, 2, 2, 3, 3];
    }
    if shape.troubled && rng.below(4) == 0 {
        let policer = PolicerSpec { rate_bps: 3_333_333_333, burst_octets: 20_000 };
        let policing = Policing { policers: vec![policer], by_vid: vec![(0, 0)] };
        if rng.below(2) == 0 { spec.ingress_policing = policing } else { spec.egress_policing = policing }
    }
    spec
}

/// Router `r`, with routes to all networks by the shortest ways.
fn router(shape: Shape, r: u16, wires: &[(u16, u16)], ports: &[(u16, PortSpec)], rng: &mut Rng) -> RouterSpec {
    let mut fib = FibBuilder::new(1);
    let route = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
    for _ in ports {
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Any, route));
    }
    for to in 0..shape.routers {
        let mtu = if shape.troubled && (r + to).is_multiple_of(3) { 700 } else { 1500 };
        let hop = |port: usize| NextHop { mtu, ..NextHop::port(PortId(port as u16)) };
        let towards = |via| ports.iter().skip(1).position(|(peer, _)| *peer == via).unwrap() + 1;
        let hops: Vec<NextHop> = match nearest(wires, shape.routers, r, to) {
            _ if to == r => vec![hop(0)],
            ways => ways.into_iter().map(|via| hop(towards(via))).collect(),
        };
        let set = fib.next_hops(&hops);
        fib.route(VrfId(0), format!("10.{to}.0.0/16").parse().unwrap(), set);
    }
    let fib = fib.hash_seed(rng.next_u64() as u32).build();
    let v4 = Some(Ipv4Addr::new(10, r as u8, 255, 1));
    RouterSpec { fib, addresses: vec![RouterAddresses { v4, v6: None }], punt_delay: Span::from_us(20) }
}

fn join_routers(shape: Shape, wires: &[(u16, u16)], net: &mut Network, rng: &mut Rng) {
    let mut used = vec![1u16; usize::from(shape.routers)];
    for &(a, b) in wires {
        let mut end = |r: u16| {
            let port = used[usize::from(r)];
            used[usize::from(r)] += 1;
            (NodeId(r), PortId(port))
        };
        let (a, b) = (end(a), end(b));
        let links = net.join(a, b, delay(rng));
        if shape.troubled {
            for link in links {
                let outages = vec![(Instant::from_ps(40_000_000), Instant::from_ps(60_000_000))];
                let loss_ppb = if rng.below(2) == 0 { 20_000_000 } else { 0 };
                let cut = if rng.below(4) == 0 { outages } else { Vec::new() };
                net.links[link.index()].faults = FaultSpec { loss_ppb, outages: cut };
            }
        }
    }
}

/// Neighbours of `from` on a shortest way to `to`.
fn nearest(wires: &[(u16, u16)], n: u16, from: u16, to: u16) -> Vec<u16> {
    let mut distance = vec![u16::MAX; usize::from(n)];
    distance[usize::from(to)] = 0;
    for _ in 0..n {
        for &(a, b) in wires {
            for (x, y) in [(a, b), (b, a)] {
                let via = distance[usize::from(y)].saturating_add(1);
                distance[usize::from(x)] = distance[usize::from(x)].min(via);
            }
        }
    }
    let mut out: Vec<u16> = wires
        .iter()
        .flat_map(|&(a, b)| [(a, b), (b, a)])
        .filter(|&(a, b)| a == from && distance[usize::from(b)] + 1 == distance[usize::from(from)])
        .map(|(_, b)| b)
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// `count` frames from host `source` to all others, in bursts, of all sizes, TTLs and classes.
pub(crate) fn frames(shape: Shape, source: u8, count: u32) -> Vec<Frame> {
    let mut rng = Rng::new(shape.seed, 100 + u64::from(source));
    let mut at = 0;
    (0..count)
        .map(|seq| {
            at += if rng.below(8) == 0 { rng.below(2_000_000) } else { rng.below(20_000) };
            let to = rng.below(u64::from(shape.routers)) as u8;
            let flow = rng.below(50) as u16;
            let size = [46, 46, 100, 576, 1000, 1480][rng.below(6) as usize];
            let ttl = if rng.below(10) == 0 { rng.below(4) as u8 } else { 64 };
            let octets = packet(source, to, flow, size, ttl, (rng.below(8) as u8) << 5);
            let mut frame = Frame::parse(&octets, octets.len() as u32, None).unwrap().frame;
            frame.id.sent = Instant::from_ps(at);
            frame.id.stream = StreamId::new(source, u32::from(flow));
            frame.id.seq = seq;
            frame
        })
        .collect()
}

fn packet(from: u8, to: u8, flow: u16, size: usize, ttl: u8, tos: u8) -> Vec<u8> {
    let mut packet = Vec::new();
    let builder =
        etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, from, 0, flow as u8], [10, to, 1, 1], ttl);
    builder.udp(1000 + flow, 53).write(&mut packet, &vec![flow as u8; size.saturating_sub(28)]).unwrap();
    packet[15] = tos;
    // Half of the packets may be cut.
    packet[20] = if flow.is_multiple_of(2) { 0x40 } else { 0 };
    let header = &mut packet[14..34];
    header[10..12].fill(0);
    let sum: u32 = header.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}
