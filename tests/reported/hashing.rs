//! Equal ways one behind another: what a router left together the next one spreads.

use biplane::frame::{Frame, Templates};
use biplane::id::{PortId, VrfId};
use biplane::node::{Entry, Verdict, forward};
use biplane::table::{Fib, FibBuilder, IngressBuilder, NextHop, Service, SubInterface, VlanKey};
use etherparse::PacketBuilder;

/// A router with two equal ways, by ports 1 and 2.
fn router(hash_seed: u32) -> Fib {
    let mut fib = FibBuilder::new(1);
    let route = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
    fib.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, route)).hash_seed(hash_seed);
    let ways = fib.next_hops(&[1, 2].map(|port| NextHop::port(PortId(port))));
    fib.route(VrfId(0), "10.0.0.0/8".parse().unwrap(), ways);
    fib.build()
}

fn flow(number: u16) -> Frame {
    let [a, b] = number.to_be_bytes();
    let mut octets = Vec::new();
    let packet = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 1, a, b], [10, 2, 0, 1], 64);
    packet.udp(1024 + number % 7, 53).write(&mut octets, &[0; 18]).unwrap();
    Frame::parse(&octets, octets.len() as u32, None).unwrap().frame
}

fn port(fib: &Fib, mut frame: Frame) -> u16 {
    match forward(fib, &Templates::new(), Entry::Port(PortId(0)), &mut frame) {
        Verdict::Transmit(port) => port.0,
        other => panic!("{other:?}"),
    }
}

/// D6: two stages of two ports, 10,000 flows. With one seed the second stage has one way left; with two it has both.
#[test]
fn d06_a_second_stage_spreads_what_the_first_left_together() {
    let shares = |second: u32| {
        let (first, second) = (router(7), router(second));
        let together = (0..10_000).filter(|number| port(&first, flow(*number)) == 1);
        let ports: Vec<u16> = together.map(|number| port(&second, flow(number))).collect();
        let by = |wanted: u16| ports.iter().filter(|port| **port == wanted).count() as f64 / ports.len() as f64;
        assert!((4_800..=5_200).contains(&ports.len()), "the first stage too: {}", ports.len());
        [by(1), by(2)]
    };
    assert_eq!(shares(7), [1.0, 0.0]);
    for seed in [8, 9, 0, u32::MAX] {
        assert!(shares(seed).iter().all(|share| (0.48..=0.52).contains(share)), "{seed}: {:?}", shares(seed));
    }
}
