//! Small networks, each with instants computed by hand.

use super::*;
use crate::id::StreamId;
use crate::node::RouterAddresses;
use crate::port::{Arrival, Departure, Leaving, Outage, PolicerSpec, Policing, PortSpec, StrictQueues};
use crate::table::{FibBuilder, IngressBuilder, NextHop, PcpRule, Service, SubInterface, TagRule, VlanKey};
use crate::time::PortSpeed::G10;
use crate::wire::vlan::Tag;
use etherparse::PacketBuilder;
use proptest::prelude::*;
use std::net::Ipv4Addr;

/// The wire time of 64 octets at 10 Gb/s.
const W: u64 = 67_200;
/// The delay of each link.
const D: u64 = 1_000_000;
/// When the first frame of 64 octets arrives at the router.
const T: u64 = W + D;

/// Hosts a (node 1, 10.0.1.0/24), b (2, 10.0.2.0/24) and c (3, 10.0.3.0/24) at ports 0, 1 and 2 of a router (0).
fn star(change: impl FnOnce(&mut [PortSpec], &mut [NextHop; 3])) -> Network {
    let mut network = Network::default();
    let mut ports = ["a", "b", "c"].map(|name| PortSpec::new(name, G10));
    let mut next_hops = [0, 1, 2].map(|port| NextHop::port(PortId(port)));
    change(&mut ports, &mut next_hops);
    let mut fib = FibBuilder::new(1);
    let service = Service::Route(VrfId(0));
    let sub = SubInterface { service, mpls: false, reset_dscp: false };
    for (port, next_hop) in next_hops.into_iter().enumerate() {
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, sub));
        let set = fib.next_hops(&[next_hop]);
        fib.route(VrfId(0), format!("10.0.{}.0/24", port + 1).parse().unwrap(), set);
    }
    let here = fib.next_hops(&[NextHop::LOCAL]);
    fib.route(VrfId(0), "192.0.2.1/32".parse().unwrap(), here);
    let addresses = vec![RouterAddresses { v4: Some(Ipv4Addr::new(192, 0, 2, 1)), v6: None }];
    let router = RouterSpec { addresses, ..RouterSpec::new(fib.build()) };
    let router = network.add("r", Role::Router(Box::new(router)), ports.into());
    for (place, name) in ["a", "b", "c"].into_iter().enumerate() {
        let port = PortSpec { buffer_octets: None, ..PortSpec::new("r", G10) };
        let host = network.add(name, Role::Host, vec![port]);
        network.join((host, PortId(0)), (router, PortId(place as u16)), Span::from_ps(D));
    }
    network
}

/// Sources at hosts a and c.
/// What starts before `bound` leaves: number and last bit. All frames came in one run.
fn leave(queues: &mut StrictQueues, bound: Instant, left: &mut Vec<(u64, u64)>) {
    while let Some(Departure { frame, at }) = queues.next_before(bound) {
        let Leaving::Came(number) = frame else { panic!("a frame of an earlier run") };
        left.push((number.into(), at.as_ps()));
    }
}

fn from_a_and_c(a: Vec<Frame>, c: Vec<Frame>) -> Vec<Offered> {
    let own = |source: u8, frames: Vec<Frame>| {
        let number = |(seq, frame): (usize, Frame)| {
            let id = crate::frame::Ident { stream: StreamId::new(source, 0), seq: seq as u32, ..frame.id };
            Frame { id, ..frame }
        };
        Source::Frames(frames.into_iter().enumerate().map(number).collect())
    };
    vec![Offered { node: NodeId(1), frames: own(0, a) }, Offered { node: NodeId(3), frames: own(1, c) }]
}

#[derive(Clone, Copy)]
struct Udp {
    sent: u64,
    to: [u8; 4],
    ttl: u8,
    tos: u8,
    payload: usize,
}

const UDP: Udp = Udp { sent: 0, to: [10, 0, 2, 1], ttl: 64, tos: 0, payload: 0 };

fn frame(udp: Udp) -> Frame {
    let mut packet = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 1, 1], udp.to, udp.ttl).udp(5, 53);
    builder.write(&mut packet, &vec![7; udp.payload]).unwrap();
    (packet[15], packet[20]) = (udp.tos, 0);
    crate::wire::ipv4::fill_checksum(&mut packet[14..34]);
    let mut frame = Frame::parse(&packet, packet.len() as u32, None).unwrap().frame;
    frame.id.sent = Instant::from_ps(udp.sent);
    frame
}

fn times(count: usize, udp: Udp) -> Vec<Frame> {
    (0..count).map(|_| frame(udp)).collect()
}

/// The outcome, and (source, number, length, instant) of each frame that host b or another got.
fn delivered(network: &Network, offered: Vec<Offered>) -> (Outcome, Vec<(usize, u32, u16, u64)>) {
    let mut delivered = Vec::new();
    let outcome = run(network, offered, None, &mut |event| {
        if let What::Delivered(_) = event.what {
            let frame = event.frame;
            delivered.push((frame.id.stream.source(), frame.id.seq, frame.len(), event.at.as_ps()));
        }
    });
    (outcome, delivered)
}

#[test]
fn frames_follow_each_other_by_their_wire_time() {
    let (outcome, got) = delivered(&star(|_, _| ()), from_a_and_c(times(2, UDP), vec![]));
    assert_eq!(got, [(0, 0, 64, T + W + D), (0, 1, 64, T + 2 * W + D)]);
    let out = &outcome.nodes[0].ports[1];
    assert_eq!((out.first_sent, out.last_sent), (Some(Instant::from_ps(T + W)), Some(Instant::from_ps(T + 2 * W))));
    assert_eq!((out.sent.frames, out.sent.octets, out.sent_flows), (2, 128, 1));
    let delivery = outcome.nodes[2].delivery;
    assert_eq!((delivery.least.as_ps(), delivery.most.as_ps()), (T + W + D, T + 2 * W + D));
    assert_eq!(outcome.ended.as_ps(), T + 2 * W + D);
}

#[test]
fn a_full_buffer_refuses_whoever_comes_last() {
    // Room for one frame beside the one that starts: of two that come at once the one by the lower port is first.
    let network = star(|ports, _| ports[1].buffer_octets = Some(84));
    let (outcome, got) = delivered(&network, from_a_and_c(times(3, UDP), times(3, UDP)));
    let expected = [(0, 0), (1, 0), (0, 1), (0, 2)].into_iter().enumerate();
    let expected: Vec<_> = expected.map(|(i, (source, seq))| (source, seq, 64, T + (i as u64 + 1) * W + D)).collect();
    assert_eq!(got, expected);
    assert_eq!(outcome.nodes[0].ports[1].egress_drops.of(DropReason::QueueFull), 2);
    assert_eq!(outcome.sources.iter().map(|s| (s.delivered, s.dropped)).collect::<Vec<_>>(), [(3, 0), (1, 2)]);
}

#[test]
fn control_overtakes_what_waits() {
    let control = Udp { sent: W, tos: 0xc0, ..UDP };
    let order = |queue_of_class| {
        let network = star(|ports, _| ports[1].queue_of_class = queue_of_class);
        let (_, got) = delivered(&network, from_a_and_c(times(3, UDP), vec![frame(UDP), frame(control)]));
        got.into_iter().map(|(source, seq, ..)| (source, seq)).collect::<Vec<_>>()
    };
    assert_eq!(order(PortSpec::CONTROL_FIRST), [(0, 0), (1, 0), (1, 1), (0, 1), (0, 2)]);
    assert_eq!(order([0; 8]), [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2)]);
}

#[test]
fn policers_count_where_they_refuse() {
    let policing =
        |vid, burst_octets| Policing { policers: vec![PolicerSpec::strict(1, burst_octets)], by_vid: vec![(vid, 0)] };
    let network = star(|ports, _| ports[0].ingress_policing = policing(0, 128));
    let (outcome, got) = delivered(&network, from_a_and_c(times(3, UDP), times(3, UDP)));
    assert_eq!(got.iter().filter(|got| got.0 == 0).count(), 2);
    let refused = &outcome.nodes[0].ports[0].ingress_drops;
    assert_eq!((refused.of(DropReason::Policed), refused.octets_of(DropReason::Policed)), (1, 64));
    assert_eq!(outcome.sources[1].delivered, 3);

    // On the way out by the tag that was pushed, its octets counted.
    for (burst_octets, passed) in [(135, 1), (136, 2)] {
        let network = star(|ports, next_hops| {
            ports[1].egress_policing = policing(110, burst_octets);
            next_hops[1].tags = TagRule::push(&[Tag::new(0x8100, 0, false, 110)], PcpRule::Fixed);
        });
        let (outcome, got) = delivered(&network, from_a_and_c(times(3, UDP), vec![]));
        assert_eq!(got.len(), passed);
        let (out, refused) = (&outcome.nodes[0].ports[1], 3 - passed as u64);
        assert_eq!(out.egress_drops.of(DropReason::Policed), refused);
        assert_eq!(out.egress_drops.octets_of(DropReason::Policed), refused * 68, "with the tag");
    }
}

#[test]
fn time_exceeded_comes_back_after_the_punt_delay() {
    let network = star(|_, _| ());
    let (outcome, got) = delivered(&network, from_a_and_c(times(1, Udp { ttl: 1, ..UDP }), vec![]));
    // 20 + 8 + the whole packet of 28 octets in a frame of 74, 94 on the wire.
    assert_eq!(got, [(0, 0, 74, T + 20_000_000 + 94 * 800 + D)]);
    let router = &outcome.nodes[0];
    assert_eq!((router.created, router.consumed), (1, 0));
    assert_eq!(router.slow_path_drops.of(DropReason::TtlExpired), 1);
    assert_eq!(outcome.nodes[1].delivery.count.frames, 1, "back at a");
}

#[test]
fn what_the_slow_path_makes_enters_one_after_another() {
    let mut entered = Vec::new();
    let expire = Udp { ttl: 1, ..UDP };
    let offered = from_a_and_c(times(1, expire), times(1, expire));
    run(&star(|_, _| ()), offered, None, &mut |event| {
        if let What::Entered(_) = event.what {
            entered.push((event.frame.id.stream.source(), event.at.as_ps()));
        }
    });
    assert_eq!(entered, [(0, T + 20_000_000), (1, T + 20_000_001)]);
}

#[test]
fn fragments_leave_in_order() {
    let network = star(|_, next_hops| next_hops[1].mtu = 1000);
    let (outcome, got) = delivered(&network, from_a_and_c(times(1, Udp { payload: 1472, ..UDP }), vec![]));
    // 1480 octets of data: 976 (a multiple of 8 that fits 980) and 504, each behind 20 and in 18 octets of Ethernet.
    let enters = 1538 * 800 + D + 20_000_000;
    let first = enters + (1014 + 20) * 800;
    assert_eq!(got, [(0, 0, 1014, first + D), (0, 0, 542, first + (542 + 20) * 800 + D)]);
    let source = outcome.sources[0];
    assert_eq!((source.offered.frames, source.created, source.consumed, source.delivered), (1, 2, 1, 2));
}

#[test]
fn a_packet_for_the_router_is_consumed() {
    let (outcome, _) = delivered(&star(|_, _| ()), from_a_and_c(times(1, Udp { to: [192, 0, 2, 1], ..UDP }), vec![]));
    assert_eq!((outcome.nodes[0].consumed, outcome.sources[0].consumed), (1, 1));
}

#[test]
fn an_error_that_finds_no_way_back_is_a_slow_path_drop() {
    let network = star(|_, next_hops| next_hops[0] = NextHop::discard(DropReason::NoRoute));
    let (outcome, got) = delivered(&network, from_a_and_c(times(1, Udp { ttl: 1, ..UDP }), vec![]));
    assert_eq!(got, []);
    let drops: Vec<_> = outcome.nodes[0].slow_path_drops.iter().collect();
    assert_eq!(drops, [(DropReason::NoRoute, 1), (DropReason::TtlExpired, 1)]);
}

#[test]
fn an_outage_takes_what_is_on_the_link_in_it() {
    let mut network = star(|_, _| ());
    // Frame i is half way from i*W + D/2 to a W later: frames 2 to 4 are there at some time of this.
    let (from, until) = (Instant::from_ps(3 * W + D / 2 - 1), Instant::from_ps(4 * W + D / 2 + 1));
    let outage = Outage { from, until, after: Span::from_ps(D / 2), reason: DropReason::LinkDown };
    network.links[0].faults.outages = vec![outage];
    let (outcome, got) = delivered(&network, from_a_and_c(times(6, UDP), vec![]));
    assert_eq!(got.iter().map(|got| got.1).collect::<Vec<_>>(), [0, 1, 5]);
    let port = &outcome.nodes[0].ports[0];
    assert_eq!((port.ingress_drops.of(DropReason::LinkDown), port.received.frames), (3, 3));
    assert_eq!(outcome.nodes[1].ports[0].sent.frames, 6);
}

#[test]
fn random_loss_is_the_links_own_and_repeats() {
    let lost = |seed, loss_ppb| {
        let mut network = star(|_, _| ());
        network.seed = seed;
        network.links[0].faults.loss_ppb = loss_ppb;
        let (outcome, got) = delivered(&network, from_a_and_c(times(1000, UDP), times(100, UDP)));
        assert_eq!(outcome.sources[1].dropped, 0);
        let lost = outcome.nodes[0].ports[0].ingress_drops.of(DropReason::LinkLoss);
        assert_eq!(got.len() as u64 + lost, 1100);
        (lost, got)
    };
    assert_eq!(lost(1, 1_000_000_000).0, 1000);
    let (some, got) = lost(1, 100_000_000);
    assert!((50..150).contains(&some), "{some}");
    assert_eq!(lost(1, 100_000_000).1, got);
    assert_ne!(lost(2, 100_000_000).1, got);
}

#[test]
fn a_run_cut_short_knows_what_is_under_way() {
    let cut = |until| {
        let later = Udp { sent: 5 * W, ..UDP };
        let mut frames = times(3, UDP);
        frames.extend(times(1, later));
        run(&star(|_, _| ()), from_a_and_c(frames, vec![]), Some(Instant::from_ps(until)), &mut |_| ())
    };
    // At 2W the second frame's end and the third's start are due, and not done any more; the third was not offered.
    let outcome = cut(2 * W);
    assert_eq!((outcome.sources[0].offered.frames, outcome.sources[0].in_network), (2, 2));
    assert_eq!((outcome.nodes[1].ports[0].sent.frames, outcome.ended), (2, Instant::ZERO));
    assert_eq!(outcome.nodes[1].ports[0].last_sent, Some(Instant::from_ps(2 * W)), "the stamp is of the last bit");
    assert_eq!(cut(2 * W + 1).nodes[1].ports[0].sent.frames, 3);
    // One ps after the first is at the router it is on its way out; the fourth was offered.
    let outcome = cut(T + 1);
    assert_eq!((outcome.sources[0].offered.frames, outcome.sources[0].in_network), (4, 4));
    assert_eq!((outcome.nodes[0].ports[1].sent.frames, outcome.ended.as_ps()), (1, T));
    assert_eq!(cut(T).nodes[0].ports[1].sent.frames, 0);
    let whole = cut(u64::MAX);
    assert_eq!((whole.sources[0].in_network, whole.sources[0].delivered), (0, 4));
}

#[test]
fn ports_without_a_way_out_say_which() {
    let network = star(|ports, _| ports[1].admin_up = false);
    let outcome = delivered(&network, from_a_and_c(times(2, UDP), vec![])).0;
    assert_eq!(outcome.nodes[0].ports[1].egress_drops.of(DropReason::AdminDown), 2);
    let mut network = star(|_, _| ());
    network.links.retain(|link| link.to.0 != NodeId(2));
    let outcome = delivered(&network, from_a_and_c(times(2, UDP), vec![])).0;
    assert_eq!(outcome.nodes[0].ports[1].egress_drops.of(DropReason::LinkDown), 2);
    network.links.retain(|link| link.from.0 != NodeId(1));
    let outcome = delivered(&network, from_a_and_c(times(2, UDP), vec![])).0;
    assert_eq!(outcome.nodes[1].ports[0].egress_drops.of(DropReason::AdminDown), 2);
    assert_eq!(outcome.sources[0].dropped, 2);
}

/// A host with ports that are down or lead nowhere spreads over the others.
#[test]
fn a_host_uses_the_ports_that_work() {
    let mut network = Network::default();
    let names = ["down", "one", "nowhere", "two"];
    let mut ports: Vec<_> = names.iter().map(|name| PortSpec::new(*name, G10)).collect();
    ports[0].admin_up = false;
    let ends = ports.clone();
    let (a, b) = (network.add("a", Role::Host, ports), network.add("b", Role::Host, ends));
    for port in [0, 1, 3] {
        network.join((a, PortId(port)), (b, PortId(port)), Span::from_us(1));
    }
    let frames = (0..100u32).map(|hash| {
        let mut frame = frame(UDP);
        frame.header.hash = hash;
        frame
    });
    let outcome = run(&network, vec![Offered { node: a, frames: Source::Frames(frames.collect()) }], None, &mut |_| ());
    let sent = [0, 1, 2, 3].map(|port| outcome.nodes[0].ports[port].sent.frames);
    assert_eq!((sent[0], sent[1] + sent[2] + sent[3], sent[2]), (0, 100, 0));
    let seconds = (0..100).filter(|&hash| spread(hash, 2) == 1).count() as u64;
    assert_eq!(sent[3], seconds);
}

/// A source gives one frame after another: one that waits for its port holds up those behind it, whatever their port.
#[test]
fn a_host_sends_one_frame_after_another() {
    let mut network = Network::default();
    let ports = ["one", "two"].map(|name| PortSpec { buffer_octets: Some(0), ..PortSpec::new(name, G10) });
    let a = network.add("a", Role::Host, ports.to_vec());
    let b = network.add("b", Role::Host, ports.to_vec());
    for port in [0, 1] {
        network.join((a, PortId(port)), (b, PortId(port)), Span::from_ps(D));
    }
    let hash_of = |port| (0..).find(|&hash| spread(hash, 2) == port).unwrap();
    let frames = [0, 0, 1, 1].into_iter().enumerate().map(|(seq, port)| {
        let mut frame = frame(UDP);
        (frame.header.hash, frame.id.seq) = (hash_of(port), seq as u32);
        frame
    });
    let (outcome, got) = delivered(&network, vec![Offered { node: a, frames: Source::Frames(frames.collect()) }]);
    // The second waits for the first, the third has its port for itself and starts with the second.
    assert_eq!(
        got.iter().map(|got| (got.1, got.3)).collect::<Vec<_>>(),
        [(0, T), (1, T + W), (2, T + W), (3, T + 2 * W)]
    );
    assert_eq!(outcome.sources[0].dropped, 0, "a host waits, whatever its buffer");
}

#[test]
fn the_watcher_is_told_everything_in_order() {
    let mut told = Vec::new();
    run(&star(|_, _| ()), from_a_and_c(times(1, UDP), vec![]), None, &mut |event| {
        let what = format!("{:?}", event.what);
        let name = what.split([' ', '(']).next().unwrap().to_string();
        told.push((event.at.as_ps(), event.node.0, event.number, name));
    });
    let expected = [
        (0, 1, "Offered"),
        (0, 1, "Queued"),
        (0, 1, "Started"),
        (T, 0, "Arrived"),
        (T, 0, "Forwarded"),
        (T, 0, "Queued"),
        (T, 0, "Started"),
        (T + W + D, 2, "Arrived"),
        (T + W + D, 2, "Delivered"),
    ];
    assert_eq!(told, expected.map(|(at, node, name)| (at, node, 0, name.to_string())));
}

/// What a port of the reference does with frames that come at these instants: (number, instant of the last bit), and how
/// many it refused.
fn by_port(network: &Network, arrivals: Vec<(Instant, Frame)>) -> (Vec<(u64, u64)>, u64) {
    fn start(port: &mut Port<'_>, at: Instant, left: &mut Vec<(u64, u64)>) -> Option<Instant> {
        let (started, last_bit) = port.start_next(at)?;
        left.push((started.number, last_bit.as_ps()));
        Some(last_bit)
    }
    let mut port = Port::new(network, (NodeId(0), PortId(0)));
    let (mut left, mut refused, mut end) = (Vec::new(), 0, None::<Instant>);
    for (number, (at, frame)) in arrivals.into_iter().enumerate() {
        while let Some(ended) = end.filter(|&end| end <= at) {
            port.end_transmission();
            end = start(&mut port, ended, &mut left);
        }
        match port.admit(at, &frame) {
            Ok((queue, _)) => port.push(queue, Traveller { number: number as u64, frame }),
            Err(_) => refused += 1,
        }
        end = start(&mut port, at, &mut left).or(end);
    }
    while let Some(ended) = end {
        port.end_transmission();
        end = start(&mut port, ended, &mut left);
    }
    (left, refused)
}

proptest! {
    /// Queues as drawn in a textbook and queues without an event per frame are the same thing.
    #[test]
    fn a_port_equals_strict_queues(
        arrivals in proptest::collection::vec((0u64..1_000_000, 64u16..1500, 0u8..8), 1..80),
        buffer in proptest::option::of(0u64..5000),
        two: bool,
    ) {
        let queue_of_class = if two { PortSpec::CONTROL_FIRST } else { [0; 8] };
        let mut network = Network::default();
        let spec = PortSpec { buffer_octets: buffer, queue_of_class, ..PortSpec::new("p", G10) };
        let a = network.add("a", Role::Host, vec![spec.clone()]);
        let b = network.add("b", Role::Host, vec![spec.clone()]);
        network.join((a, PortId(0)), (b, PortId(0)), Span::from_ps(D));
        let (mut at, mut frames) = (0, Vec::new());
        let mut queues = StrictQueues::new(&spec);
        let (mut left, mut refused) = (Vec::new(), 0);
        for (number, (gap, len, class)) in arrivals.into_iter().enumerate() {
            at += gap;
            let twin = || {
                let mut it = frame(UDP);
                it.header.meta = it.header.meta.with_len(len).with_class(class);
                it.id.seq = number as u32;
                it
            };
            let now = Instant::from_ps(at);
            frames.push((now, twin()));
            leave(&mut queues, now + Span::from_ps(1), &mut left);
            match queues.admit(Arrival { at: now, octets: len, class, number: number as u32 }, now) {
                Ok(Some(at)) => left.push((number as u64, at.as_ps())),
                Ok(None) => (),
                Err(_) => refused += 1,
            }
        }
        leave(&mut queues, Instant::MAX, &mut left);
        prop_assert_eq!(by_port(&network, frames), (left, refused));
    }
}
