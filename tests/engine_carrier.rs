//! A cut fibre at ports that see it: what is lost, to the frame, where, and until when.
//!
//! ```text
//! a --- router ====x==== b      cut at x of the span, both fibres; the router's port follows its light
//! ```

use biplane::control::{CarrierSpec, ControlSpec, Happened, Noted, Signal, WatchedPort};
use biplane::engine::reference::{self, Offered};
use biplane::engine::{Network, Outcome, Role, RouterSpec, Run, Source, run};
use biplane::frame::{DropReason, Frame};
use biplane::id::{NodeId, PortId, StreamId, VrfId};
use biplane::port::{Outage, PortSpec};
use biplane::table::{FibBuilder, IngressBuilder, NextHop, Service, SubInterface, VlanKey};
use biplane::time::{Instant, PortSpeed, Span};
use etherparse::PacketBuilder;

const ROUTER: NodeId = NodeId(1);
/// Delay of the span that is cut.
const D: Span = Span::from_us(100);
/// Frames of 64 octets come to the router one after another at 100 Gb/s, and leave at 10 Gb/s.
const WIRE: u64 = 84 * 800;

/// When the cut comes and is mended, how far from the router it is, and how fast the router's port follows.
#[derive(Clone, Copy)]
struct Cut {
    from: Instant,
    until: Instant,
    after: Span,
    carrier: CarrierSpec,
}

fn network(cut: Cut) -> Network {
    let mut network = Network::default();
    let host = |name| PortSpec { buffer_octets: None, ..PortSpec::new(name, PortSpeed::G100) };
    let a = network.add("a", Role::Host, vec![host("out")]);
    let mut fib = FibBuilder::new(1);
    let route = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
    for _ in 0..2 {
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Any, route));
    }
    let set = fib.next_hops(&[NextHop { mtu: 1500, ..NextHop::port(PortId(1)) }]);
    fib.route(VrfId(0), "10.2.0.0/16".parse().unwrap(), set);
    // Both ways the light needs from the cut to the router as long as frames need to the cut.
    let signals = vec![(cut.from + cut.after, Signal::Lost), (cut.until + cut.after, Signal::Back)];
    let watched = WatchedPort { port: PortId(1), carrier: cut.carrier, signals };
    let router = RouterSpec {
        control: Some(Box::new(ControlSpec { ports: vec![watched], ..ControlSpec::default() })),
        ..RouterSpec::new(fib.build())
    };
    let ports = vec![PortSpec::new("a", PortSpeed::G100), PortSpec::new("b", PortSpeed::G10)];
    assert_eq!(network.add("router", Role::Router(Box::new(router)), ports), ROUTER);
    let b = network.add("b", Role::Host, vec![host("out")]);
    network.join((a, PortId(0)), (ROUTER, PortId(0)), Span::from_us(1));
    let [there, _] = network.join((ROUTER, PortId(1)), (b, PortId(0)), D);
    let outage = Outage { from: cut.from, until: cut.until, after: cut.after, reason: DropReason::LinkDown };
    network.links[there.index()].faults.outages = vec![outage];
    network
}

/// `count` frames, one each `gap`.
fn source(count: u32, gap: Span) -> Source {
    let mut packet = vec![2; 12];
    packet.extend([8, 0]);
    PacketBuilder::ipv4([10, 1, 0, 1], [10, 2, 0, 1], 9).udp(5, 53).write(&mut packet, &[0; 18]).unwrap();
    let frames = (0..count).map(|seq| {
        let mut frame = Frame::parse(&packet, 60, None).unwrap().frame;
        frame.id.sent = Instant::from_ps(u64::from(seq) * gap.as_ps());
        (frame.id.stream, frame.id.seq) = (StreamId::new(0, 0), seq);
        frame
    });
    Source::Frames(frames.collect())
}

/// The outcome, the same of both engines and at any number of threads.
fn outcome(network: &Network, source: impl Fn() -> Source) -> Outcome {
    let offered = vec![Offered { node: NodeId(0), frames: source() }];
    let expected = reference::run(network, offered, None, &mut |_| ());
    for threads in 1..=3 {
        assert_eq!(run(Run { threads, ..Run::new(network, vec![(NodeId(0), source())]) }), expected);
    }
    expected
}

/// When a frame that is due at `sent` has left the router, whose port is free then.
fn left(sent: u64) -> u64 {
    let arrives = sent + 84 * 80 + Span::from_us(1).as_ps();
    arrives + WIRE
}

#[test]
fn a_cut_takes_what_is_beyond_it_and_what_the_port_sends_until_it_follows() {
    let gap = Span::from_ns(500);
    for share in [0, 30, 100] {
        for carrier_us in [0, 7, 2_000] {
            let after = Span::from_ps(D.as_ps() * share / 100);
            let carrier = CarrierSpec { down_delay: Span::from_us(carrier_us), up_delay: Span::from_us(300) };
            let (from, until) = (Instant::from_ps(2_000_000_000), Instant::from_ps(3_000_000_000));
            let outcome = outcome(&network(Cut { from, until, after, carrier }), || source(20_000, gap));
            let (light, back) = ((from + after).as_ps(), (until + after).as_ps());
            // A carrier delay that is longer than the cut shows nothing but the loss.
            let follows = carrier_us < 1_000;
            let (down, up) = (light + carrier.down_delay.as_ps(), back + carrier.up_delay.as_ps());
            let at_port = |sent: u64| left(sent) - WIRE;
            let all = || (0..20_000u64).map(|seq| seq * gap.as_ps());
            let kept_back = all().filter(|&sent| follows && (down..up).contains(&at_port(sent))).count() as u64;
            // It is lost if its last bit comes by after the cut and its first before the mending.
            let passes =
                |sent: u64| left(sent) + after.as_ps() > from.as_ps() && at_port(sent) + after.as_ps() < until.as_ps();
            let on_wire = |sent: &u64| passes(*sent) && !(follows && (down..up).contains(&at_port(*sent)));
            let lost = all().filter(on_wire).count() as u64;
            let port = &outcome.nodes[1].ports[1];
            let context = format!("{share} % and {carrier_us} us");
            assert_eq!(port.egress_drops.of(DropReason::LinkDown), kept_back, "{context}");
            assert_eq!(outcome.nodes[2].ports[0].ingress_drops.of(DropReason::LinkDown), lost, "{context}");
            assert_eq!(outcome.sources[0].delivered, 20_000 - kept_back - lost, "{context}");
            let at = |ps, what| Noted { at: Instant::from_ps(ps), what };
            let mut log = vec![at(light, Happened::Signal(PortId(1), Signal::Lost))];
            log.extend(follows.then(|| at(down, Happened::Port(PortId(1), false))));
            log.push(at(back, Happened::Signal(PortId(1), Signal::Back)));
            log.extend(follows.then(|| at(up, Happened::Port(PortId(1), true))));
            assert_eq!(outcome.nodes[1].log, log, "{context}");
        }
    }
}

#[test]
fn a_port_that_goes_down_loses_what_waits_and_not_what_is_on_the_wire() {
    // 20 frames come, one each 6720 ps, and leave one each 67200 ps. The sixth is on the wire when the port's light goes, by
    // which no frame is lost on the fibre: that is cut later, if at all.
    let down = left(0) + 4 * WIRE + 1;
    let later = |us| Instant::from_ps(down) + Span::from_us(us);
    let cut = Cut { from: later(300), until: later(400), after: Span::ZERO, carrier: CarrierSpec::default() };
    let mut network = network(cut);
    let Role::Router(router) = &mut network.nodes[1].role else { unreachable!() };
    router.control.as_mut().unwrap().ports[0].signals[0].0 = Instant::from_ps(down);
    let outcome = outcome(&network, || source(20, Span::from_ps(84 * 80)));
    let port = &outcome.nodes[1].ports[1];
    assert_eq!((port.sent.frames, port.egress_drops.of(DropReason::LinkDown)), (6, 14));
    assert_eq!(outcome.sources[0].delivered, 6, "what had left arrives");
}
