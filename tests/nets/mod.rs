//! Networks made by a seed, and frames for them: what the engines are held against each other on.
#![allow(dead_code)] // each test takes what it needs

use biplane::control::{CarrierSpec, ControlSpec, Signal, WatchedPort};
use biplane::engine::{Network, Role, RouterSpec};
use biplane::frame::{DropReason, Frame};
use biplane::id::{NodeId, PortId, StreamId, VrfId};
use biplane::node::RouterAddresses;
use biplane::port::{FaultSpec, GateSpec, Outage, PolicerSpec, Policing, PortSpec};
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
    pub(crate) wires: Wires,
    /// Hosts at each router.
    pub(crate) hosts: u16,
    /// The longest delay of a link, in nanoseconds, beyond the least.
    pub(crate) delay_ns: u64,
}

/// How routers are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wires {
    /// A ring with chords.
    Chords,
    /// A ring; of two routers, with two wires.
    Ring,
    /// All to the first.
    Star,
    /// Each to each.
    Mesh,
}

impl Default for Shape {
    fn default() -> Self {
        let (wires, buffer, delay_ns) = (Wires::Chords, 50_000, 30_000);
        Shape { seed: 1, routers: 4, buffer, queues: false, troubled: false, wires, hosts: 1, delay_ns }
    }
}

impl Shape {
    /// The hosts, each with the number of its router.
    pub(crate) fn hosts(self) -> impl Iterator<Item = (NodeId, u16)> {
        let n = self.routers;
        (0..n * self.hosts).map(move |host| (NodeId(n + host), host % n))
    }

    /// Pairs of routers that a wire joins.
    fn wires(self) -> Vec<(u16, u16)> {
        let n = self.routers;
        let ring = (0..n).map(|r| (r, (r + 1) % n));
        match self.wires {
            Wires::Ring => ring.collect(),
            Wires::Chords => {
                let chords = (0..n / 2).map(|r| (r, r + n / 2)).filter(|&(a, b)| a != b && b < n && n > 3);
                ring.chain(chords).collect()
            }
            Wires::Star => (1..n).map(|r| (0, r)).collect(),
            Wires::Mesh => (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect(),
        }
    }
}

/// Ports of one router: the first to its hosts, then one for each wire it has; each with the router at the other end.
type Ports = Vec<(u16, PortSpec)>;

/// Routers with their hosts; `10.N.0.0/16` lives at router N.
pub(crate) fn network(shape: Shape) -> Network {
    let mut rng = Rng::new(shape.seed, 1);
    let mut net = Network { seed: shape.seed, ..Network::default() };
    let n = shape.routers;
    let wires = shape.wires();
    let to_hosts = |r| (0..shape.hosts).map(move |host| (r, host));
    let mut ports: Vec<Ports> = Vec::new();
    for r in 0..n {
        ports.push(to_hosts(r).map(|(r, host)| (r, port(shape, format!("host{host}"), &mut rng))).collect());
    }
    for &(a, b) in &wires {
        ports[usize::from(a)].push((b, port(shape, format!("r{b}"), &mut rng)));
        ports[usize::from(b)].push((a, port(shape, format!("r{a}"), &mut rng)));
    }
    for r in 0..n {
        let spec = router(shape, r, &wires, &ports[usize::from(r)], &mut rng);
        let specs = ports[usize::from(r)].iter().map(|(_, spec)| spec.clone()).collect();
        net.add(format!("r{r}"), Role::Router(Box::new(spec)), specs);
    }
    for (place, (host, r)) in shape.hosts().enumerate() {
        let mut port = PortSpec::new("out", PortSpeed::G100);
        port.buffer_octets = None;
        assert_eq!(net.add(format!("h{place}"), Role::Host, vec![port]), host);
        let at = PortId(place as u16 / n);
        net.join((host, PortId(0)), (NodeId(r), at), delay(shape, &mut rng));
    }
    join_routers(shape, &wires, &mut net, &mut rng);
    net
}

fn delay(shape: Shape, rng: &mut Rng) -> Span {
    Span::from_ns(100 + rng.below(shape.delay_ns))
}

fn port(shape: Shape, name: String, rng: &mut Rng) -> PortSpec {
    let speeds = [PortSpeed::G10, PortSpeed::G25, PortSpeed::G100];
    let mut spec = PortSpec::new(name, speeds[rng.below(3) as usize]);
    spec.buffer_octets = Some(shape.buffer);
    spec.counts_sub_interfaces = shape.troubled && shape.seed.is_multiple_of(2);
    if shape.queues && rng.below(3) > 0 {
        spec.queue_of_class = [0, 0, 1, 1, 2, 2, 3, 3];
    }
    if shape.troubled && rng.below(4) == 0 {
        let policer = PolicerSpec::strict(3_333_333_333, 20_000);
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
        let hosts = usize::from(shape.hosts);
        let towards = |via| ports.iter().skip(hosts).position(|(peer, _)| *peer == via).unwrap() + hosts;
        let hops: Vec<NextHop> = match nearest(wires, shape.routers, r, to) {
            _ if to == r => (0..hosts).map(hop).collect(),
            ways => ways.into_iter().map(|via| hop(towards(via))).collect(),
        };
        let set = fib.next_hops(&hops);
        fib.route(VrfId(0), format!("10.{to}.0.0/16").parse().unwrap(), set);
    }
    let fib = fib.hash_seed(rng.next_u64() as u32).build();
    let v4 = Some(Ipv4Addr::new(10, r as u8, 255, 1));
    let gate = (shape.troubled && rng.below(3) == 0).then(|| gate(ports.len() as u64, rng));
    RouterSpec {
        addresses: vec![RouterAddresses { v4, v6: None }],
        gate,
        control: control(shape, r, ports.len() as u16).map(Box::new),
        ..RouterSpec::new(fib)
    }
}

/// Ports that lose their light now and then, at some routers.
fn control(shape: Shape, r: u16, ports: u16) -> Option<ControlSpec> {
    let mut rng = Rng::new(shape.seed, 1000 + u64::from(r));
    if !shape.troubled || rng.below(2) == 0 {
        return None;
    }
    let mut span = |most_ns: u64| Span::from_ns(rng.below(most_ns + 1));
    let watched = (0..ports).map(|port| {
        let carrier = CarrierSpec { down_delay: span(20_000), up_delay: span(20_000) };
        let mut at = Instant::ZERO;
        let mut signal = |place| {
            at = at + Span::from_ns(1) + span(50_000);
            (at, if place % 2 == 0 { Signal::Lost } else { Signal::Back })
        };
        let signals = (0..4 + port % 3).map(&mut signal).collect();
        WatchedPort { port: PortId(port), carrier, signals }
    });
    Some(ControlSpec { ports: watched.step_by(2).collect(), ..ControlSpec::default() })
}

/// Limits, low enough to bind, on what leaves by some of `ports` ports.
fn gate(ports: u64, rng: &mut Rng) -> GateSpec {
    let outputs = (0..ports as u16).filter(|_| rng.below(3) > 0).map(PortId);
    GateSpec {
        outputs: outputs.collect(),
        bits_per_s: 100_000_000 + rng.below(2_000_000_000),
        packets_per_s: 30_000 + rng.below(300_000),
        flows: 10 + rng.below(200),
        instances: 1 + rng.below(4) as u8,
        burst: Span::from_us(100 + rng.below(500)),
        flow_timeout: (rng.below(2) == 0).then(|| Span::from_us(1 + rng.below(500))),
        hash_seed: rng.next_u64() as u32,
    }
}

fn join_routers(shape: Shape, wires: &[(u16, u16)], net: &mut Network, rng: &mut Rng) {
    let mut used = vec![shape.hosts; usize::from(shape.routers)];
    for &(a, b) in wires {
        let mut end = |r: u16| {
            let port = used[usize::from(r)];
            used[usize::from(r)] += 1;
            (NodeId(r), PortId(port))
        };
        let (a, b) = (end(a), end(b));
        let links = net.join(a, b, delay(shape, rng));
        if shape.troubled {
            for link in links {
                let (from, until) = (Instant::from_ps(40_000_000), Instant::from_ps(60_000_000));
                let after = Span::from_ps(rng.below(net.links[link.index()].delay.as_ps() + 1));
                let outages = vec![Outage { from, until, after, reason: DropReason::LinkDown }];
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

/// `count` frames of `source`, which is at router `source` in a round of all, to all others: in bursts, of all sizes, TTLs
/// and classes.
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
            let octets = packet(source % shape.routers as u8, to, flow, size, ttl, (rng.below(8) as u8) << 5);
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
