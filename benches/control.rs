//! What control planes cost: BFD sessions of two routers with each other, each packet made, sent, received and handled.

use biplane::control::bfd::Config;
use biplane::control::{BfdSpec, ControlSpec, Hops, InterfaceSpec, RoutingSpec};
use biplane::engine::{Network, Role, RouterSpec, Run, run};
use biplane::id::{PortId, VrfId};
use biplane::port::PortSpec;
use biplane::table::{FibBuilder, IngressBuilder, NextHop, Service, SubInterface, VlanKey};
use biplane::time::{Instant, PortSpeed, Span};
use biplane::wire::bfd::{DetectMult, Interval};
use biplane::wire::ethernet::Mac;
use biplane::wire::vlan::Tag;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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
    fib.ingress(&vlans.fold(IngressBuilder::default(), |port, vlan| port.sub(vlan, route)));
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

/// Two routers; sessions come up in the first three seconds, then each sends every 2.5 to 3.3 ms.
fn network(until: Instant) -> Network {
    let mut network = Network { control_until: Some(until), ..Network::default() };
    let port = || PortSpec { queue_of_class: PortSpec::CONTROL_FIRST, ..PortSpec::new("link", PortSpeed::G100) };
    let [a, b] = [0, 1].map(|node| network.add(format!("r{node}"), router(node), vec![port()]));
    network.join((a, PortId(0)), (b, PortId(0)), Span::from_us(100));
    network
}

fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bfd");
    group.sample_size(10);
    for threads in [1, 2] {
        let network = network(Instant::ZERO + Span::from_ms(3_500));
        let once = || run(Run { threads, ..Run::new(&network, Vec::new()) });
        let control = once().control.expect("control planes sent something");
        assert_eq!((control.consumed, control.dropped), (control.created, 0));
        group.throughput(Throughput::Elements(control.created));
        group.bench_function(format!("{SESSIONS} sessions at 3.3 ms/{threads} threads"), |bench| bench.iter(once));
    }
    group.finish();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
