//! What control planes cost: BFD sessions of two routers with each other, each packet made, sent, received and handled; by
//! themselves, and beside what the routers forward; and ten thousand prefixes that a BGP session brings.

use biplane::control::bfd::Config;
use biplane::control::bgp::session::SessionConfig;
use biplane::control::rib::{PeerConfig, PeerKind, Policy, RibConfig};
use biplane::control::{
    Attributes, BfdSpec, BgpSpec, ControlSpec, Family, Followers, Happened, Hops, InterfaceSpec, NextHopSpec, Noted,
    Originated, Over, Reach, RoutingSpec,
};
use biplane::engine::{Network, Role, RouterSpec, Run, Source, run};
use biplane::id::{NodeId, PortId, VrfId};
use biplane::port::PortSpec;
use biplane::table::{FibBuilder, IngressBuilder, NextHop, Service, SubInterface, VlanKey};
use biplane::time::{Instant, PortSpeed, Span};
use biplane::traffic::stream::{AddressRange, FrameSizes, Generator, Layer, Rate, StreamSpec};
use biplane::wire::bfd::{DetectMult, Interval, State};
use biplane::wire::ethernet::Mac;
use biplane::wire::vlan::Tag;
use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// Sessions over one link, one on each VLAN.
const SESSIONS: u16 = 1000;

fn address(node: u16, session: u16) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 0, 0).to_bits().checked_add(u32::from(session) * 4 + 1 + u32::from(node)).unwrap().into()
}

fn router(node: u16) -> Role {
    let interval = Interval::try_from(Span::from_us(3300)).unwrap();
    let config = Config::new(interval, DetectMult(3.try_into().unwrap()));
    let mut fib = FibBuilder::new(1);
    let route = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
    let vlans = (1..=SESSIONS).map(VlanKey::Single);
    let untagged = IngressBuilder::default().sub(VlanKey::Untagged, route);
    fib.ingress(&vlans.fold(untagged.clone(), |port, vlan| port.sub(vlan, route))).ingress(&untagged);
    for side in 0..2 {
        let by = fib.next_hops(&[NextHop::port(PortId(u16::from(side == node)))]);
        fib.route(VrfId(0), hosts(side), by);
    }
    let local = fib.next_hops(&[NextHop::LOCAL]);
    for session in 0..SESSIONS {
        fib.route(VrfId(0), format!("{}/32", address(node, session)).parse().unwrap(), local);
    }
    let interface = |session| InterfaceSpec {
        port: PortId(0),
        tags: vec![Tag::new(0x8100, 0, false, session + 1)],
        vrf: VrfId(0),
        mac: Mac::local(node, 0),
        v4: Some(address(node, session)),
        v6: None,
    };
    let bfd = |session| BfdSpec {
        over: Hops::Single(usize::from(session)),
        remote: IpAddr::V4(address(1 - node, session)),
        config,
    };
    let control = ControlSpec {
        ports: Vec::new(),
        interfaces: (0..SESSIONS).map(interface).collect(),
        bfd: (0..SESSIONS).map(bfd).collect(),
        neighbors: Default::default(),
        bgp: Vec::new(),
        routing: RoutingSpec::default(),
        protection: None,
        seed: node.into(),
    };
    Role::Router(Box::new(RouterSpec { control: Some(Box::new(control)), ..RouterSpec::new(fib.build()) }))
}

/// The hosts behind a router.
fn hosts(node: u16) -> IpNet {
    IpNet::new(Ipv4Addr::new(10, node as u8, 0, 0).into(), 16).unwrap()
}

/// Two routers with a host each; sessions come up in the first two seconds, then each sends every 2.5 to 3.3 ms.
fn network(until: Instant) -> Network {
    joined(until, router)
}

fn joined(until: Instant, router: impl Fn(u16) -> Role) -> Network {
    let mut network = Network { control_until: Some(until), ..Network::default() };
    let port = || PortSpec { queue_of_class: PortSpec::CONTROL_FIRST, ..PortSpec::new("link", PortSpeed::G100) };
    let [a, b] = [0, 1].map(|node| network.add(format!("r{node}"), router(node), vec![port(), port()]));
    network.join((a, PortId(0)), (b, PortId(0)), Span::from_us(100));
    for (node, router) in [a, b].into_iter().enumerate() {
        let host = network.add(
            format!("host{node}"),
            Role::Host,
            vec![PortSpec { buffer_octets: None, ..PortSpec::new("link", PortSpeed::G100) }],
        );
        network.join((host, PortId(0)), (router, PortId(1)), Span::from_us(20));
    }
    network
}

fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bfd");
    group.sample_size(10);
    for threads in [1, 2] {
        let network = network(Instant::ZERO + Span::from_ms(3_500));
        let once = || {
            let control = run(Run { threads, ..Run::new(&network, Vec::new()) }).control;
            let control = control.expect("control planes sent something");
            assert_eq!((control.consumed, control.dropped), (control.created, 0));
            control.created
        };
        group.bench_function(format!("{SESSIONS} sessions at 3.3 ms/{threads} threads"), |bench| bench.iter(once));
    }
    group.finish();
}

/// From when on the hosts send, and for how long.
const BEGIN: Instant = Instant::from_ps(2_000_000_000_000);
const SENDING: Span = Span::from_ms(50);

/// Frames of 64 octets each way at 80 % of 100G, while sessions run and while they are silent: the difference is what they
/// cost; beside it what comes before.
fn beside_forwarding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bfd beside forwarding");
    group.sample_size(10);
    for threads in [1, 2] {
        for (name, until, sends) in
            [("before", BEGIN, false), ("without sessions", BEGIN, true), ("with sessions", BEGIN + SENDING, true)]
        {
            let mut network = network(until);
            let streams: Vec<Generator> =
                [(0, 1), (1, 0)].map(|(from, to)| stream(&mut network, BEGIN, from, to)).into();
            let once = || {
                let streams = streams.iter().enumerate().filter(|_| sends);
                let source = |(node, stream): (usize, &Generator)| {
                    (NodeId(2 + node as u16), Source::Stream(Box::new(stream.clone())))
                };
                let outcome = run(Run { threads, ..Run::new(&network, streams.map(source).collect()) });
                assert!(outcome.sources.iter().all(|source| source.dropped == 0 && source.delivered > 5_000_000));
                let up = outcome.nodes[..2].iter().map(|node| node.log.iter().filter(|noted| is_up(noted)).count());
                assert_eq!(up.collect::<Vec<_>>(), [usize::from(SESSIONS); 2]);
                outcome
            };
            group.bench_function(format!("{name}/{threads} threads"), |bench| bench.iter(once));
        }
    }
    group.finish();
}

/// That a session is up, before the hosts send.
fn is_up(noted: &Noted) -> bool {
    noted.at < BEGIN && matches!(noted.what, Happened::Bfd(_, event) if event.to == State::Up)
}

fn stream(network: &mut Network, begin: Instant, from: u16, to: u16) -> Generator {
    let range = |node| {
        let hosts = hosts(node);
        AddressRange::new(hosts.network(), hosts.broadcast()).unwrap()
    };
    let rate = Rate::Bits(80_000_000_000, Layer::Wire);
    let spec = StreamSpec::new(range(from), range(to), 4096, FrameSizes::One(64), rate);
    let spec = StreamSpec { begin, end: Some(begin + SENDING), ..spec };
    spec.generator(&mut network.templates).unwrap()
}

/// Prefixes of a neighbour, of 24 bits each.
const PREFIXES: u32 = 10_000;

fn prefix(number: u32) -> IpNet {
    IpNet::new(Ipv4Addr::from_bits(0x0b00_0000 + (number << 8)).into(), 24).unwrap()
}

/// A router of a system of its own, with one session; the first one tells of all prefixes, the second one learns them.
fn speaker(node: u16) -> Role {
    let [own, far] = [node, 1 - node].map(|node| address(node, 0));
    let mut fib = FibBuilder::new(1);
    let route = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
    let untagged = IngressBuilder::default().sub(VlanKey::Untagged, route);
    fib.ingress(&untagged).ingress(&untagged);
    let local = fib.next_hops(&[NextHop::LOCAL]);
    fib.route(VrfId(0), IpNet::from(IpAddr::V4(own)), local);
    for side in 0..2 {
        let by = fib.next_hops(&[NextHop::port(PortId(u16::from(side == node)))]);
        fib.route(VrfId(0), hosts(side), by);
    }
    let learns = node == 1;
    (0..PREFIXES).filter(|_| learns).for_each(|number| _ = fib.dynamic(VrfId(0), prefix(number)));
    let [local_as, remote_as] = [node, 1 - node].map(|node| 65_001 + u32::from(node));
    let session = SessionConfig::new(own.into(), far.into(), local_as, remote_as, own);
    let peer = PeerConfig {
        vrf: VrfId(0),
        kind: PeerKind::External { remote_as },
        router_id: far,
        address: far.into(),
        local_address: own.into(),
        families: vec![Family::Ipv4],
        import: Policy::default(),
        export: Policy::default(),
        next_hop_self: false,
        own_as_allowed: 0,
        advertisement_interval: Span::ZERO,
    };
    let tells = (0..PREFIXES).filter(|_| !learns).map(|number| {
        let attributes = Attributes::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Originated { vrf: VrfId(0), prefix: prefix(number), attributes }
    });
    let next_hop = NextHopSpec {
        vrf: VrfId(0),
        address: far.into(),
        label: None,
        forward: vec![(VrfId(0), NextHop::port(PortId(0)).into())],
        by: Reach::Port { port: PortId(0), bfd: None },
    };
    let all = (0..PREFIXES).filter(|_| learns).map(|number| ((VrfId(0), prefix(number)), vec![VrfId(0)]));
    let routing = RoutingSpec {
        config: RibConfig { local_as, ..RibConfig::default() },
        vrfs: vec![(VrfId(0), None)],
        originated: tells.collect(),
        next_hops: vec![next_hop],
        followers: Followers::Listed(all.collect()),
        ..RoutingSpec::default()
    };
    let interface = InterfaceSpec {
        port: PortId(0),
        tags: Vec::new(),
        vrf: VrfId(0),
        mac: Mac::local(node, 0),
        v4: Some(own),
        v6: None,
    };
    let bgp = vec![BgpSpec { over: Over::Interface(0), session, peer, bfd: None }];
    let control =
        ControlSpec { interfaces: vec![interface], bgp, routing, seed: node.into(), ..ControlSpec::default() };
    Role::Router(Box::new(RouterSpec { control: Some(Box::new(control)), ..RouterSpec::new(fib.build()) }))
}

/// A little before the session comes up: its first segment is lost while the neighbour is asked for.
const COMES: Instant = Instant::from_ps(990_000_000_000);

/// A session comes up and brings all prefixes while the hosts send: without it, and with it.
fn convergence(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bgp beside forwarding");
    group.sample_size(10);
    for threads in [1, 2] {
        for (name, until) in [("without a session", COMES), ("10,000 prefixes", COMES + SENDING)] {
            let mut network = joined(until, speaker);
            let streams = [(0, 1), (1, 0)].map(|(from, to)| stream(&mut network, COMES, from, to));
            let once = || {
                let source = |(node, stream): (usize, &Generator)| {
                    (NodeId(2 + node as u16), Source::Stream(Box::new(stream.clone())))
                };
                let sources = streams.iter().enumerate().map(source).collect();
                let outcome = run(Run { threads, ..Run::new(&network, sources) });
                assert!(outcome.sources.iter().all(|source| source.dropped == 0 && source.delivered > 5_000_000));
                let log = outcome.nodes[1].log.iter();
                let came = log.filter(|noted| matches!(noted.what, Happened::Programmed { .. }));
                let came: Vec<Instant> = came.map(|noted| noted.at).collect();
                // All of them within a millisecond and a bit, or none.
                let number = if until == COMES { 0 } else { PREFIXES as usize };
                assert!(came.len() == number && came.iter().all(|at| at.since(came[0]) < Span::from_us(1500)));
                outcome
            };
            group.bench_function(format!("{name}/{threads} threads"), |bench| bench.iter(once));
        }
    }
    group.finish();
}

criterion_group!(benches, sessions, beside_forwarding, convergence);
criterion_main!(benches);
