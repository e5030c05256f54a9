//! Routes that follow BFD and the light of ports, in the engine: what a failure costs, to the frame, and whose flows move.
//!
//! ```text
//! source --- a ==0==1==2==3== b --- sink        four links, a BFD session and a static route over each
//! ```

use biplane::control::bfd::Config;
use biplane::control::rib::{DecisionConfig, Direct, ProgrammingConfig, RibConfig};
use biplane::control::{
    BfdSpec, CarrierSpec, ControlSpec, Happened, Hops, InterfaceSpec, NextHopSpec, Reach, RoutingSpec, Signal,
    StaticRoute, WatchedPort,
};
use biplane::engine::reference::{self, Offered};
use biplane::engine::{Network, Outcome, Role, RouterSpec, Run, Source, run};
use biplane::frame::{DropReason, Frame};
use biplane::id::{NodeId, PortId, StreamId, VrfId};
use biplane::port::{Outage, PortSpec};
use biplane::table::{FibBuilder, IngressBuilder, NextHop, Service, SubInterface, VlanKey};
use biplane::time::{Instant, PortSpeed, Span};
use biplane::wire::bfd::{DetectMult, Interval, State};
use biplane::wire::ethernet::Mac;
use etherparse::PacketBuilder;
use std::net::{IpAddr, Ipv4Addr};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const LINKS: u16 = 4;
/// Delay of the links.
const D: Span = Span::from_us(500);
/// Between one frame and the next.
const GAP: Span = Span::from_us(50);
/// From a decision to forwarding.
const PROGRAMMING: Span = Span::from_ms(3);
/// When frames are sent.
const BEGIN: Instant = Instant::from_ps(5_000_000_000_000);
const FRAMES: u32 = 60_000;

/// What befalls the first link, and how flows are spread.
#[derive(Clone, Default)]
struct Lab {
    outages: Vec<Outage>,
    signals: Vec<(Instant, Signal)>,
    buckets: Option<usize>,
}

fn address(node: u16, link: u16) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, link as u8, 1 + node as u8)
}

fn prefix() -> ipnet::IpNet {
    "10.2.0.0/16".parse().unwrap()
}

impl Lab {
    fn control(&self, node: u16) -> ControlSpec {
        let interval = Interval::try_from(Span::from_ms(100)).unwrap();
        let multiplier = DetectMult(3.try_into().unwrap());
        let config = Config::new(interval, multiplier);
        let remote = |link| IpAddr::V4(address(1 - node, link));
        let interface = |link| InterfaceSpec {
            port: PortId(link),
            tags: Vec::new(),
            vrf: VrfId(0),
            mac: Mac::local(node, link),
            v4: Some(address(node, link)),
            v6: None,
        };
        let watched = |link| {
            let signals = if (node, link) == (0, 0) { self.signals.clone() } else { Vec::new() };
            WatchedPort { port: PortId(link), carrier: CarrierSpec::default(), signals }
        };
        let next_hop = |link| NextHopSpec {
            vrf: VrfId(0),
            address: remote(link),
            forward: vec![(VrfId(0), NextHop { mtu: 1500, ..NextHop::port(PortId(link)) }.into())],
            label: None,
            by: Reach::Port { port: PortId(link), bfd: Some(usize::from(link)) },
        };
        let fixed = |link| StaticRoute { vrf: VrfId(0), prefix: prefix(), direct: Direct::fixed(remote(link)) };
        let four = usize::from(LINKS);
        let decision =
            DecisionConfig { maximum_paths_external: four, maximum_paths_internal: four, ..Default::default() };
        let programming = ProgrammingConfig { delay: PROGRAMMING, per_prefix: Span::ZERO };
        let routing = RoutingSpec {
            config: RibConfig { local_as: 65010, decision, programming },
            vrfs: vec![(VrfId(0), None)],
            statics: (0..LINKS).map(fixed).collect(),
            next_hops: (0..LINKS).map(next_hop).collect(),
            buckets: self.buckets,
            ..RoutingSpec::default()
        };
        ControlSpec {
            ports: (0..LINKS).map(watched).collect(),
            interfaces: (0..LINKS).map(interface).collect(),
            bfd: (0..LINKS)
                .map(|link| BfdSpec { over: Hops::Single(link.into()), remote: remote(link), config })
                .collect(),
            neighbors: Default::default(),
            bgp: Vec::new(),
            routing: if node == 0 { routing } else { RoutingSpec::default() },
            protection: None,
            seed: node.into(),
        }
    }

    fn router(&self, node: u16) -> Role {
        let mut fib = FibBuilder::new(1);
        let route = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };
        (0..=LINKS).for_each(|_| {
            fib.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, route));
        });
        let local = fib.next_hops(&[NextHop::LOCAL]);
        for link in 0..LINKS {
            fib.route(VrfId(0), format!("{}/32", address(node, link)).parse().unwrap(), local);
        }
        if node == 0 {
            fib.dynamic(VrfId(0), prefix());
        } else {
            let set = fib.next_hops(&[NextHop { mtu: 1500, ..NextHop::port(PortId(LINKS)) }]);
            fib.route(VrfId(0), prefix(), set);
        }
        Role::Router(Box::new(RouterSpec {
            control: Some(Box::new(self.control(node))),
            ..RouterSpec::new(fib.build())
        }))
    }

    fn network(&self) -> Network {
        let until = BEGIN + Span::from_ps(u64::from(FRAMES) * GAP.as_ps());
        let mut network = Network { control_until: Some(until), ..Network::default() };
        for node in [0, 1] {
            let link = |link| PortSpec::new(format!("link{link}"), PortSpeed::G10);
            let ports = (0..LINKS).map(link).chain([PortSpec::new("host", PortSpeed::G10)]).collect();
            network.add(["a", "b"][usize::from(node)], self.router(node), ports);
        }
        for link in 0..LINKS {
            let [there, back] = network.join((A, PortId(link)), (B, PortId(link)), D);
            if link == 0 {
                for link in [there, back] {
                    network.links[link.index()].faults.outages.clone_from(&self.outages);
                }
            }
        }
        for (node, name) in [(A, "source"), (B, "sink")] {
            let port = PortSpec { buffer_octets: None, ..PortSpec::new("out", PortSpeed::G10) };
            let host = network.add(name, Role::Host, vec![port]);
            network.join((host, PortId(0)), (node, PortId(LINKS)), Span::from_us(1));
        }
        network
    }

    /// The outcome, the same of both engines and at two threads.
    fn run(&self) -> Outcome {
        let network = self.network();
        let offered = vec![Offered { node: NodeId(2), frames: source() }];
        let expected = reference::run(&network, offered, None, &mut |_| ());
        let sources = || vec![(NodeId(2), source())];
        for threads in [1, 2] {
            assert_eq!(run(Run { threads, ..Run::new(&network, sources()) }), expected, "at {threads} threads");
        }
        expected
    }
}

/// 256 flows in turn, a frame each [`GAP`].
fn source() -> Source {
    let flows: Vec<Frame> = (0..=255u8)
        .map(|flow| {
            let mut packet = vec![2; 12];
            packet.extend([8, 0]);
            let builder = PacketBuilder::ipv4([10, 1, 0, flow], [10, 2, 0, 1], 9).udp(1000 + u16::from(flow), 53);
            builder.write(&mut packet, &[0; 18]).unwrap();
            Frame::parse(&packet, 60, None).unwrap().frame
        })
        .collect();
    let frames = (0..FRAMES).map(|seq| {
        let flow = seq % 256;
        let model = &flows[flow as usize];
        let (mut frame, stream) = (Frame::default(), StreamId::new(0, flow));
        (frame.header, frame.body) = (model.header, model.body.clone());
        (frame.id.sent, frame.id.stream, frame.id.seq) =
            (BEGIN + Span::from_ps(u64::from(seq) * GAP.as_ps()), stream, seq);
        frame
    });
    Source::Frames(frames.collect())
}

/// When forwarding at `a` had other next hops, and how many.
fn programmed(outcome: &Outcome) -> Vec<(Instant, usize)> {
    let log = outcome.nodes[A.index()].log.iter();
    log.filter_map(|noted| match noted.what {
        Happened::Programmed { ref next_hops, .. } => Some((noted.at, next_hops.len())),
        _ => None,
    })
    .collect()
}

fn sent(outcome: &Outcome, link: usize) -> u64 {
    outcome.nodes[A.index()].ports[link].sent.frames
}

fn second(s: u64) -> Instant {
    BEGIN + Span::from_s(s)
}

#[test]
fn four_links_share_what_is_sent_and_routes_come_with_their_sessions() {
    let outcome = Lab::default().run();
    let steps = programmed(&outcome);
    assert_eq!(steps.last().map(|step| step.1), Some(4));
    assert!(steps.iter().all(|step| step.0 < BEGIN), "all before the first frame: {steps:?}");
    assert_eq!((outcome.sources[0].delivered, outcome.sources[0].dropped), (u64::from(FRAMES), 0));
    for link in 0..4 {
        let share = sent(&outcome, link) * 100 / u64::from(FRAMES);
        assert!((15..36).contains(&share), "link {link} has {share} %");
    }
}

/// Fault D5: of four links one fails in silence and comes back. What is lost is its share for as long as detection and
/// programming take, and nothing after that.
#[test]
fn d5_a_silent_failure_costs_detection_and_programming_and_no_more() {
    let (from, until) = (second(1), second(2));
    let outage = Outage { from, until, after: Span::ZERO, reason: DropReason::Blackhole };
    let outcome = Lab { outages: vec![outage], ..Lab::default() }.run();
    let down = outcome.nodes[A.index()].log.iter().find_map(|noted| match noted.what {
        Happened::Bfd(0, event) if event.from == State::Up => Some(noted.at),
        _ => None,
    });
    let down = down.expect("the session of the first link goes down");
    assert!(down > from + Span::from_ms(200) && down < from + Span::from_ms(303), "{}", down - from);
    let after: Vec<_> = programmed(&outcome).into_iter().filter(|step| step.0 > BEGIN).collect();
    assert_eq!(after.iter().map(|step| step.1).collect::<Vec<_>>(), [3, 4], "gone, and back with its session");
    assert_eq!(after[0].0, down + PROGRAMMING, "to the picosecond");
    assert!(after[1].0 > until && after[1].0 < until + Span::from_s(3), "back after the session");
    let lost = outcome.nodes[B.index()].ports[0].ingress_drops.of(DropReason::Blackhole);
    // Frames that the link was given, and its BFD and ARP packets, which come each 75 to 100 ms or a second.
    let offered = (after[0].0 - from).as_ps() / GAP.as_ps();
    let share = outcome.sources[0].dropped * 100 / offered;
    assert!((15..36).contains(&share), "{share} % of {offered}");
    assert!(lost >= outcome.sources[0].dropped && lost < outcome.sources[0].dropped + 16);
    let source = &outcome.sources[0];
    assert_eq!(source.delivered + source.dropped, u64::from(FRAMES));
}

/// With resilient hashing the flows of other links stay where they are; spread anew, most of them move. Seen at the
/// links: what each carries beside the first one's share.
#[test]
fn resilient_hashing_moves_only_the_flows_of_the_link_that_fails() {
    let flows_of = |buckets, cut: bool| {
        let signals = if cut { vec![(second(1), Signal::Lost)] } else { Vec::new() };
        let outcome = Lab { signals, buckets, ..Lab::default() }.run();
        (1..4).map(|link| outcome.nodes[A.index()].ports[link].sent_flows).collect::<Vec<_>>()
    };
    for (buckets, moves) in [(Some(64), false), (None, true)] {
        let (whole, cut) = (flows_of(buckets, false), flows_of(buckets, true));
        let came: u64 = cut.iter().zip(&whole).map(|(cut, whole)| cut - whole).sum();
        let first: u64 = 256 - whole.iter().sum::<u64>();
        // Each flow counts once at each link that ever carries it; control packets are one more everywhere.
        if moves {
            assert!(came > first + 20, "{came} came to other links, {first} had to");
        } else {
            assert!(came.abs_diff(first) <= 4, "{came} came to other links, {first} had to");
        }
    }
}

/// Loss of signal is seen at once: forwarding has other next hops after the programming delay, to the picosecond.
#[test]
fn loss_of_signal_costs_the_programming_delay() {
    let lost = second(1);
    let outcome = Lab { signals: vec![(lost, Signal::Lost)], ..Lab::default() }.run();
    let after: Vec<_> = programmed(&outcome).into_iter().filter(|step| step.0 > BEGIN).collect();
    assert_eq!(after, [(lost + PROGRAMMING, 3)]);
    // What comes for the port meanwhile has no carrier.
    let kept_back = outcome.nodes[A.index()].ports[0].egress_drops.of(DropReason::LinkDown);
    let most = PROGRAMMING.as_ps() / GAP.as_ps();
    let (data, control) = (outcome.sources[0].dropped, outcome.control.expect("there is some").dropped);
    assert!(data > 0 && data < most, "{data} of {most}");
    assert_eq!(data + control, kept_back);
}
