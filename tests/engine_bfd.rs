//! BFD sessions in the engine: real packets through the queues of ports, detection that comes out of the protocol.
//!
//! ```text
//! source --- a ======== b --- sink        a and b are routers, with a session over the link between them
//! ```

use biplane::control::bfd::{Cause, Config, Event};
use biplane::control::{
    BfdSpec, CarrierSpec, ControlSpec, Happened, Hops, InterfaceSpec, RoutingSpec, Signal, WatchedPort,
};
use biplane::engine::reference::{self, Offered};
use biplane::engine::{Network, Observe, Outcome, Role, RouterSpec, Run, Seen, Source, run};
use biplane::frame::{DropReason, Frame};
use biplane::id::{NodeId, PortId, StreamId, VrfId};
use biplane::port::{Outage, PortSpec};
use biplane::table::{FibBuilder, IngressBuilder, NextHop, Service, SubInterface, VlanKey};
use biplane::time::{Instant, PortSpeed, Span};
use biplane::wire::bfd::{DetectMult, Diagnostic, Interval, State};
use biplane::wire::ethernet::Mac;
use biplane::wire::vlan::Tag;
use etherparse::PacketBuilder;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
/// Delay of the link between the routers.
const D: Span = Span::from_ms(5);
/// From the arrival of a packet at a router to its handling.
const PUNT: Span = Span::from_us(20);

/// A network of two routers, and what they have.
#[derive(Clone)]
struct Lab {
    seed: u64,
    interval: Span,
    multiplier: u8,
    queue_of_class: [u8; 8],
    /// What befalls the link from a to b, and the one from b to a.
    outages: [Vec<Outage>; 2],
    /// When a's port loses its light.
    signals: Vec<(Instant, Signal)>,
    until: Instant,
}

impl Default for Lab {
    fn default() -> Self {
        Lab {
            seed: 1,
            interval: Span::from_ms(300),
            multiplier: 3,
            queue_of_class: PortSpec::CONTROL_FIRST,
            outages: [Vec::new(), Vec::new()],
            signals: Vec::new(),
            until: at_ms(20_000),
        }
    }
}

fn at_ms(ms: u64) -> Instant {
    Instant::ZERO + Span::from_ms(ms)
}

/// A silent failure from `from` on, in the middle of the link.
fn hole(from: Instant) -> Outage {
    Outage { from, until: Instant::MAX, after: Span::from_ps(D.as_ps() / 2), reason: DropReason::Blackhole }
}

/// The addresses of the link: the tags are those of ExpressRoute.
fn interface(node: u16) -> InterfaceSpec {
    let address = |node: u16| Ipv4Addr::new(192, 168, 100, 129 + node as u8);
    InterfaceSpec {
        port: PortId(0),
        tags: vec![Tag::new(0x8100, 0, false, 110), Tag::new(0x8100, 0, false, 20)],
        vrf: VrfId(0),
        mac: Mac::local(node, 0),
        v4: Some(address(node)),
        v6: None,
    }
}

impl Lab {
    fn router(&self, node: u16) -> Role {
        let mut fib = FibBuilder::new(1);
        let route = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Double(110, 20), route));
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Any, route));
        let local = fib.next_hops(&[NextHop::LOCAL]);
        let own = interface(node);
        fib.route(VrfId(0), format!("{}/32", own.v4.unwrap()).parse().unwrap(), local);
        let tags = biplane::table::TagRule::push(&own.tags, biplane::table::PcpRule::Fixed);
        let way = if node == 0 { NextHop { tags, ..NextHop::port(PortId(0)) } } else { NextHop::port(PortId(1)) };
        let set = fib.next_hops(&[NextHop { mtu: 1500, ..way }]);
        fib.route(VrfId(0), "10.2.0.0/16".parse().unwrap(), set);
        let interval = Interval::try_from(self.interval).unwrap();
        let config = Config::new(interval, DetectMult(self.multiplier.try_into().unwrap()));
        let remote = IpAddr::V4(interface(1 - node).v4.unwrap());
        let signals = if node == 0 { self.signals.clone() } else { Vec::new() };
        let control = ControlSpec {
            ports: vec![WatchedPort { port: PortId(0), carrier: CarrierSpec::default(), signals }],
            interfaces: vec![own],
            bfd: vec![BfdSpec { over: Hops::Single(0), remote, config }],
            neighbors: Default::default(),
            bgp: Vec::new(),
            routing: RoutingSpec::default(),
            protection: None,
            seed: self.seed.wrapping_mul(1000) + u64::from(node),
        };
        Role::Router(Box::new(RouterSpec {
            punt_delay: PUNT,
            control: Some(Box::new(control)),
            ..RouterSpec::new(fib.build())
        }))
    }

    fn network(&self) -> Network {
        let mut network = Network { seed: self.seed, control_until: Some(self.until), ..Network::default() };
        for node in [0, 1] {
            let link = PortSpec { queue_of_class: self.queue_of_class, ..PortSpec::new("link", PortSpeed::G10) };
            let ports = vec![link, PortSpec::new("host", PortSpeed::G100)];
            network.add(["a", "b"][usize::from(node)], self.router(node), ports);
        }
        let links = network.join((A, PortId(0)), (B, PortId(0)), D);
        for (link, outages) in links.into_iter().zip(&self.outages) {
            network.links[link.index()].faults.outages.clone_from(outages);
        }
        let host = || PortSpec { buffer_octets: None, ..PortSpec::new("out", PortSpeed::G100) };
        for (node, name) in [(A, "source"), (B, "sink")] {
            let host = network.add(name, Role::Host, vec![host()]);
            network.join((host, PortId(0)), (node, PortId(1)), Span::from_us(1));
        }
        network
    }

    fn run(&self) -> Outcome {
        run(Run::new(&self.network(), Vec::new()))
    }

    /// The outcome, the same of both engines and at any number of threads.
    fn run_all(&self, source: impl Fn() -> Source) -> Outcome {
        let network = self.network();
        let sources = || vec![(NodeId(2), source())];
        let offered = sources().into_iter().map(|(node, frames)| Offered { node, frames }).collect();
        let expected = reference::run(&network, offered, None, &mut |_| ());
        for threads in 1..=3 {
            assert_eq!(run(Run { threads, ..Run::new(&network, sources()) }), expected, "at {threads} threads");
        }
        expected
    }
}

/// The changes of the session at `node`.
fn changes(outcome: &Outcome, node: NodeId) -> Vec<(Instant, Event)> {
    let log = outcome.nodes[node.index()].log.iter();
    log.filter_map(|noted| match noted.what {
        Happened::Bfd(0, event) => Some((noted.at, event)),
        _ => None,
    })
    .collect()
}

/// When the session at `node` left Up for the first time, and how.
fn down(outcome: &Outcome, node: NodeId) -> Option<(Instant, Event)> {
    changes(outcome, node).into_iter().find(|(_, event)| event.from == State::Up)
}

/// A session comes up at both ends and stays up; every packet of it is accounted for.
#[test]
fn a_session_comes_up_and_both_engines_agree() {
    let outcome = Lab::default().run_all(|| Source::Frames(Vec::new()));
    for node in [A, B] {
        let last = changes(&outcome, node).last().map(|(_, event)| event.to);
        assert_eq!(last, Some(State::Up));
        assert_eq!(down(&outcome, node), None);
    }
    let control = outcome.control.unwrap();
    // 20 s at 225 to 300 ms, both ways, of which a few seconds are at the slow rate.
    assert!((2 * 55..2 * 90).contains(&control.created), "{control:?}");
    assert_eq!((control.consumed, control.dropped, control.in_network), (control.created, 0, 0));
    assert!(outcome.nodes.iter().all(|node| node.unclaimed == 0), "each packet is for somebody");
}

/// The same octets leave at any number of threads, for the same seed; for another they differ.
#[test]
fn control_traffic_is_the_same_octet_for_octet() {
    let octets = |seed, threads| {
        let network = Lab { seed, until: at_ms(8_000), ..Lab::default() }.network();
        let seen = Mutex::new(Vec::new());
        let sink = Box::new(|seen_at: &Seen, octets: &[u8]| seen.lock().unwrap().push((*seen_at, octets.to_vec())));
        let observe = Some(Observe { ports: vec![(A, PortId(0)), (B, PortId(0))], drops: true, sink });
        run(Run { threads, observe, ..Run::new(&network, Vec::new()) });
        seen.into_inner().unwrap()
    };
    let one = octets(1, 1);
    assert!(one.len() > 40, "{}", one.len());
    for threads in [2, 4] {
        assert!(octets(1, threads) == one, "at {threads} threads");
    }
    assert!(octets(2, 1) != one, "the seed decides on jitter");
}

/// What is for a router and for none of its protocols is counted: here datagrams to its own address.
#[test]
fn what_no_protocol_takes_is_counted() {
    let strangers = || {
        let mut packet = vec![2; 12];
        packet.extend([8, 0]);
        PacketBuilder::ipv4([10, 1, 0, 1], [192, 168, 100, 129], 9).udp(5, 53).write(&mut packet, &[0; 18]).unwrap();
        let frames = (0..7).map(|seq| {
            let mut frame = Frame::parse(&packet, 60, None).unwrap().frame;
            (frame.id.sent, frame.id.stream, frame.id.seq) = (at_ms(seq), StreamId::new(0, 0), seq as u32);
            frame
        });
        Source::Frames(frames.collect())
    };
    let outcome = Lab { until: at_ms(5_000), ..Lab::default() }.run_all(strangers);
    assert_eq!(outcome.nodes.iter().map(|node| node.unclaimed).collect::<Vec<_>>(), [7, 0, 0, 0]);
    assert_eq!(outcome.sources[0].consumed, 7);
}

/// What BFD promises (RFC 5880 §6.8.4, §6.8.7): the last packet that gets through was sent less than an interval before the
/// fault, and three intervals after it arrived the session is down. The fault is in the middle of the link: what passed it
/// had left half a delay before.
#[test]
fn a_silent_failure_is_detected_within_the_bounds_of_the_protocol() {
    let (mut least, mut most) = (Span::MAX, Span::ZERO);
    for seed in 0..200 {
        let fault = Instant::ZERO + Span::from_ms(10_000) + Span::from_us(seed * 1_501);
        let outages = [vec![hole(fault)], vec![hole(fault)]];
        let outcome = Lab { seed, outages, until: fault + Span::from_s(2), ..Lab::default() }.run();
        for node in [A, B] {
            let (at, event) = down(&outcome, node).expect("a session that is cut goes down");
            assert_eq!((event.to, event.cause), (State::Down, Cause::DetectionTimeExpired));
            assert_eq!(event.diagnostic, Diagnostic::ControlDetectionTimeExpired);
            let took = at - fault;
            (least, most) = (least.min(took), most.max(took));
        }
    }
    let half = Span::from_ps(D.as_ps() / 2);
    let bounds = (Span::from_ms(600), Span::from_ms(900) + half + PUNT + Span::from_us(1));
    assert!(bounds.0 <= least && most <= bounds.1, "{least} to {most}, not {} to {}", bounds.0, bounds.1);
    // And they are reached, nearly: else the test would say little.
    assert!(least < Span::from_ms(620) && most > Span::from_ms(890), "{least} to {most}");
}

/// One direction fails: its end detects that, and tells the other.
#[test]
fn a_failure_of_one_direction_takes_both_ends_down() {
    let fault = at_ms(10_000);
    let lab = Lab { outages: [vec![hole(fault)], Vec::new()], until: at_ms(14_000), ..Lab::default() };
    let outcome = lab.run_all(|| Source::Frames(Vec::new()));
    let (b, event) = down(&outcome, B).unwrap();
    assert_eq!(event.cause, Cause::DetectionTimeExpired);
    let (a, event) = down(&outcome, A).unwrap();
    assert_eq!(
        (event.cause, event.diagnostic),
        (Cause::NeighbourSignaledSessionDown, Diagnostic::NeighbourSignaledSessionDown)
    );
    // b says so at once: 72 octets with FCS and tags are 94 with preamble and gap at the least, then the way.
    let way = a - b;
    assert!(way > D && way < D + PUNT + PUNT, "{way}");
}

/// Loss of signal is seen at once; BFD at the far end finds out in its time.
#[test]
fn loss_of_signal_does_not_wait_for_the_detection_time() {
    let lost = at_ms(10_000);
    let lab = Lab { signals: vec![(lost, Signal::Lost)], until: at_ms(14_000), ..Lab::default() };
    let outcome = lab.run_all(|| Source::Frames(Vec::new()));
    let (a, event) = down(&outcome, A).unwrap();
    assert_eq!((a, event.cause), (lost, Cause::PathDown));
    let (b, event) = down(&outcome, B).unwrap();
    assert_eq!(event.cause, Cause::DetectionTimeExpired);
    assert!(b - lost > Span::from_ms(600) && b - lost < Span::from_ms(906), "{}", b - lost);
}

/// 4 times what the link between the routers carries, from `begin` on for `span`: frames of 64 octets.
fn overload(begin: Instant, span: Span) -> Source {
    let mut packet = vec![2; 12];
    packet.extend([8, 0]);
    PacketBuilder::ipv4([10, 1, 0, 1], [10, 2, 0, 1], 9).udp(5, 53).write(&mut packet, &[0; 1400]).unwrap();
    let gap = (packet.len() as u64 + 24) * 80 * 10 / 4;
    let frames = (0..span.as_ps() / gap).map(|seq| {
        let mut frame = Frame::parse(&packet, packet.len() as u32, None).unwrap().frame;
        frame.id.sent = Instant::from_ps(begin.as_ps() + seq * gap);
        (frame.id.stream, frame.id.seq) = (StreamId::new(0, 0), seq as u32);
        frame
    });
    Source::Frames(frames.collect())
}

/// Fault D1: in one queue with an overload, BFD packets are lost like others, and the session of a link that works goes
/// down; in a queue of their own they are not.
#[test]
fn d1_an_overloaded_port_loses_bfd_packets_unless_they_have_a_queue() {
    let fast = Lab { interval: Span::from_ms(10), until: at_ms(4_300), ..Lab::default() };
    let load = || overload(at_ms(4_000), Span::from_ms(100));
    let one_queue = Lab { queue_of_class: [0; 8], ..fast.clone() };
    let outcome = one_queue.run_all(load);
    let (at, event) = down(&outcome, B).expect("three in a row are lost");
    assert_eq!(event.cause, Cause::DetectionTimeExpired);
    assert!(at > at_ms(4_000) && at < at_ms(4_150), "{at}");
    assert!(outcome.control.unwrap().dropped > 3);
    let outcome = fast.run_all(load);
    assert_eq!((down(&outcome, A), down(&outcome, B)), (None, None));
    assert_eq!(outcome.control.unwrap().dropped, 0);
    assert!(outcome.nodes[0].ports[0].egress_drops.of(DropReason::QueueFull) > 10_000 / 2);
}
