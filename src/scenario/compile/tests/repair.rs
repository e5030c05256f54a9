//! Made providers whose links fail: packets are walked through the tables of all routers, link by link, after each step that
//! the control planes take; another search says which of them can arrive.

use super::any_provider::{Made, made, text};
use super::any_scenario::packets;
use super::*;
use crate::control::{Change, Control, ControlSpec, Happened, Received, Signal, Way};
use crate::engine::Role;
use crate::engine::reference::{self, Offered};
use crate::node::{Entry, Verdict, forward};
use crate::scenario::model::{Event, EventKind, EventTarget, Fibres, ProviderId, Ways};
use crate::scenario::source::{Extent, Located};
use crate::table::Fib;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

type End = (NodeId, PortId);

/// From the arrival of a frame at a control plane to its handling; frames take no time on links.
const DELAY: Span = Span::from_us(20);
const LOST: Instant = Instant::from_ps(1_000_000_000_000);
const BACK: Instant = Instant::from_ps(30_000_000_000_000);

/// The control planes of a network and the tables that they change.
struct Planes<'a> {
    net: &'a Compiled,
    fibs: Vec<Option<Fib>>,
    controls: Vec<Option<Control>>,
}

impl<'a> Planes<'a> {
    /// A link's ports lose their light and have it back.
    fn new(net: &'a Compiled, failing: [End; 2]) -> Self {
        let router = |node: usize| match &net.network.nodes[node].role {
            Role::Router(router) => Some(router),
            Role::Host => None,
        };
        let control = |node: usize| {
            let mut spec = ControlSpec::clone(router(node)?.control.as_ref()?);
            for watched in &mut spec.ports {
                if failing.contains(&(NodeId(node as u16), watched.port)) {
                    watched.signals = vec![(LOST, Signal::Lost), (BACK, Signal::Back)];
                }
            }
            Some(Control::new(&spec, DELAY))
        };
        let nodes = 0..net.network.nodes.len();
        let fibs = nodes.clone().map(|node| router(node).map(|router| router.fib.clone())).collect();
        Planes { net, fibs, controls: nodes.map(control).collect() }
    }

    /// Everything that happens until then, that instant included.
    fn run(&mut self, until: Instant) {
        loop {
            let due = self.controls.iter().flatten().filter_map(Control::poll_timeout).min();
            let Some(now) = due.filter(|due| *due <= until) else { return };
            let mut sent = Vec::new();
            for (node, control) in self.controls.iter_mut().enumerate() {
                let Some(control) = control.as_mut().filter(|c| c.poll_timeout().is_some_and(|due| due <= now)) else {
                    continue;
                };
                control.handle_timeout(now);
                let fib = self.fibs[node].as_mut().unwrap();
                let changes = std::iter::from_fn(|| control.poll_change());
                changes.filter(|change| !matches!(change, Change::Port { .. })).for_each(|change| change.program(fib));
                sent.extend(std::iter::from_fn(|| control.poll_transmit()).map(|frame| (NodeId(node as u16), frame)));
            }
            for (node, frame) in sent {
                let Way::Port { port, .. } = frame.way else { panic!("none is routed") };
                let (to, port) = self.net.network.links.iter().find(|link| link.from == (node, port)).unwrap().to;
                let received = Received { port, vrf: crate::id::VrfId(0), octets: frame.octets };
                self.controls[to.index()].as_mut().unwrap().handle_frame(now, received);
            }
        }
    }

    /// The way of a frame that `start` sends: the ends of links that it leaves by; and the host that it comes to.
    fn walk(&self, start: End, octets: &[u8]) -> (Vec<End>, Option<NodeId>) {
        let network = &self.net.network;
        let mut frame = Frame::parse(octets, octets.len() as u32, None).unwrap().frame;
        let (mut way, mut out) = (Vec::new(), start);
        while way.len() < 64 {
            way.push(out);
            let Some(link) = network.links.iter().find(|link| link.from == out) else { return (way, None) };
            let (node, port) = link.to;
            let Some(fib) = &self.fibs[node.index()] else { return (way, Some(node)) };
            match forward(fib, &network.templates, Entry::Port(port), &mut frame) {
                Verdict::Transmit(port) => out = (node, port),
                Verdict::Punt { .. } | Verdict::Drop(_) => return (way, None),
            }
        }
        panic!("a frame goes round in circles: {way:?}");
    }

    /// The ways of all packets between all hosts.
    fn walks(&self, made: &Made) -> Vec<(Vec<End>, Option<NodeId>)> {
        let names: Vec<String> = (0..made.edges.len()).map(|s| format!("s{s}")).chain(["v".to_owned()]).collect();
        let net = |name: &str| if name == "v" { [10, 100] } else { [10, 10 + name[1..].parse::<u8>().unwrap()] };
        let mut walks = Vec::new();
        for from in &names {
            let Ok(Place::Host(host)) = self.net.find(from) else { panic!("{from} is a host") };
            for to in names.iter().filter(|to| *to != from) {
                for port in 0..self.net.network.nodes[host.index()].ports.len() {
                    let all = packets(net(from), net(to)).take(3);
                    walks.extend(all.map(|octets| self.walk((host, PortId(port as u16)), &octets)));
                }
            }
        }
        walks
    }
}

/// Whether a provider's routers lead from one to another without a link.
fn is_joined(net: &Compiled, from: NodeId, to: NodeId, without: [End; 2]) -> bool {
    let name = |node: NodeId| net.network.nodes[node.index()].name.as_str();
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(at) = open.pop() {
        let out = net.network.links.iter().filter(|link| link.from.0 == at && name(link.to.0).starts_with("p-"));
        for link in out.filter(|link| !without.contains(&link.from) && seen.insert(link.to.0)) {
            open.push(link.to.0);
        }
    }
    seen.contains(&to)
}

/// The links between a provider's routers, each once.
fn core_links(net: &Compiled) -> Vec<[End; 2]> {
    let is_core = |end: End| net.network.nodes[end.0.index()].name.starts_with("p-");
    let links = net.network.links.iter().filter(|link| is_core(link.from) && is_core(link.to) && link.from < link.to);
    links.map(|link| [link.from, link.to]).collect()
}

/// What a way has in the provider's network: the edge that it enters by, where it takes the link, and the edge at its end.
fn within(net: &Compiled, way: &[End], link: [End; 2]) -> Option<(NodeId, End, NodeId)> {
    let is_core = |end: &&End| net.network.nodes[end.0.index()].name.starts_with("p-");
    let taken = *way.iter().find(|end| link.contains(end))?;
    let inside: Vec<&End> = way.iter().filter(is_core).collect();
    // The last router of the provider is the one that the frame leaves by.
    Some((inside.first()?.0, taken, inside.last()?.0))
}

fn compiled_live(text: &str) -> Compiled {
    let scenario = Scenario::parse(text, "made.toml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    compile(&scenario, CompileOptions { repair: true, ..CompileOptions::default() }).unwrap()
}

/// Fails each link of a provider's network in turn; how many ways were repaired at once, and how many after convergence.
fn fail_each(made: &Made, text: &str, repairs: bool) -> [usize; 2] {
    let net = compiled_live(text);
    let mut repaired = [0; 2];
    for link in core_links(&net) {
        let mut planes = Planes::new(&net, link);
        planes.run(Instant::from_ps(LOST.as_ps() - 1));
        let before = planes.walks(made);
        let mut check = |planes: &Planes<'_>, is_converged: bool| {
            for (old, new) in before.iter().zip(planes.walks(made)) {
                let Some((ingress, taken, egress)) = within(&net, &old.0, link) else {
                    assert_eq!(*old, new, "what does not take the link goes on as it did\n{text}");
                    continue;
                };
                let far = if taken == link[0] { link[1] } else { link[0] };
                let can_be = if is_converged {
                    is_joined(&net, ingress, egress, link)
                } else {
                    repairs && is_joined(&net, taken.0, far.0, link)
                };
                let avoids = new.1 == old.1 && !new.0.iter().any(|end| link.contains(end));
                assert_eq!(avoids, can_be, "{link:?}, converged: {is_converged}\n{old:?}\n{new:?}\n{text}");
                if avoids {
                    let last = |way: &[End]| *way.iter().rev().find(|end| end.0 == egress).unwrap();
                    assert_eq!(last(&new.0), last(&old.0), "it leaves the provider by the same port");
                    repaired[usize::from(is_converged)] += 1;
                }
            }
        };
        planes.run(LOST);
        check(&planes, false);
        planes.run(BACK);
        check(&planes, true);
        planes.run(Instant::MAX);
        assert_eq!(planes.walks(made), before, "all is as it was\n{text}");
        let log = planes.controls.iter().flatten().flat_map(Control::log);
        let switched = log.clone().filter(|noted| matches!(noted.what, Happened::Switched { to_backup: false, .. }));
        let hold = Span::from_s(10);
        assert!(switched.clone().all(|noted| noted.at == BACK + hold), "{:?}", switched.collect::<Vec<_>>());
        assert!(planes.controls.iter().flatten().all(|control| control.unclaimed() == 0));
    }
    repaired
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_link_is_repaired_where_there_is_a_way(made in made(), repairs in any::<bool>()) {
        prop_assume!(!made.model.starts_with("exchange"));
        let protection = if repairs { "local-repair" } else { "none" };
        let text = text(&made).replacen("[provider.p]\n", &format!("[provider.p]\nprotection = \"{protection}\"\n"), 1);
        fail_each(&made, &text, repairs);
    }
}

/// The same in networks that are known: else the property might hold of nothing.
#[test]
fn rows_and_a_ring_are_repaired() {
    let ladder =
        Made { model: "ipvpn", edges: vec![2, 1], core: "hops = 2\n".to_owned(), ring: None, planes: [true; 2] };
    let ring = Made { ring: Some(4), core: String::new(), ..ladder.clone() };
    let rows = Made {
        core: "hops = 2\nentropy = true\nnull = \"explicit\"\nttl = \"uniform\"\n".to_owned(),
        ..ladder.clone()
    };
    let wire = Made { model: "ethernet", edges: vec![1], ..ladder.clone() };
    for made in [ladder, ring, rows, wire] {
        let [at_once, later] = fail_each(&made, &text(&made), true);
        assert!(at_once > 20 && later == at_once, "{at_once} {later} of {made:?}");
    }
}

/// What befalls a link of the core during a run, by numbers that are made.
#[derive(Clone, Copy, Debug)]
struct Failure {
    link: usize,
    at_us: u64,
    lasts_us: u64,
    silent: bool,
}

fn failures() -> impl Strategy<Value = Vec<Failure>> {
    let one = (any::<prop::sample::Index>(), 0..9_000u64, 1..9_000u64, prop::bool::weighted(0.3));
    let one = one.prop_map(|(link, at_us, lasts_us, silent)| Failure { link: link.index(64), at_us, lasts_us, silent });
    prop::collection::vec(one, 2..6)
}

/// The network with its failures, and when they begin.
fn failing(text: &str, failures: &[Failure]) -> Compiled {
    let begin = Instant::ZERO + Span::from_s(4);
    let mut net = compiled_live(text);
    let links = core_links(&net);
    let mut events = BTreeMap::<[End; 2], Vec<Failure>>::new();
    for failure in failures {
        events.entry(links[failure.link % links.len()]).or_default().push(*failure);
    }
    for (ends, failures) in events {
        let target = EventTarget::ProviderLink(ProviderId(0), 0);
        let event = |failure: &Failure| {
            let both = EventKind::Cut { fibres: Fibres::Both, place_ppb: 500_000_000 };
            let what = if failure.silent { EventKind::Blackhole { ways: Ways::Both } } else { both };
            let extent = Extent::default();
            Event {
                name: Located::new("event".to_owned(), extent),
                written: extent,
                at: Located::new(Span::from_us(failure.at_us), extent),
                lasts: Some(Located::new(Span::from_us(failure.lasts_us), extent)),
                target: Located::new(target, extent),
                what,
            }
        };
        let events: Vec<Event> = failures.iter().map(event).collect();
        outages::happen(&mut net.network, &[(target, ends)].into(), &events, begin);
    }
    net.network.control_until = Some(begin + Span::from_ms(30));
    net
}

/// Frames of a host, one each 10 us from a little before the failures on.
fn frames(made: &Made, from: usize, count: usize) -> Vec<Frame> {
    let nets = |place: usize| if place == made.edges.len() { [10, 100] } else { [10, 10 + place as u8] };
    let others = (0..=made.edges.len()).filter(|to| *to != from);
    let octets: Vec<Vec<u8>> = others.flat_map(|to| packets(nets(from), nets(to))).collect();
    let frame = |(place, octets): (usize, &Vec<u8>)| {
        let mut frame = Frame::parse(octets, octets.len() as u32, None).unwrap().frame;
        frame.id.sent = Instant::ZERO + Span::from_ms(3_998) + Span::from_us(10 * place as u64);
        (frame.id.stream, frame.id.seq) = (StreamId::new(from as u8, 0), place as u32);
        frame
    };
    octets.iter().cycle().take(count).enumerate().map(frame).collect()
}

/// The outcome of all hosts sending to each other, the same of both engines; or the number of threads at which it is not.
fn both_engines(net: &Compiled, made: &Made) -> Result<Outcome, usize> {
    let names = (0..made.edges.len()).map(|s| format!("s{s}")).chain(["v".to_owned()]);
    let hosts: Vec<NodeId> = names.map(|name| net.network.node(&name).unwrap()).collect();
    let sources = || hosts.iter().zip(0..).map(|(host, from)| (*host, Source::Frames(frames(made, from, 1500))));
    let offered = sources().map(|(node, frames)| Offered { node, frames }).collect();
    let expected = reference::run(&net.network, offered, None, &mut |_| ());
    let same =
        |threads: &usize| run(Run { threads: *threads, ..Run::new(&net.network, sources().collect()) }) == expected;
    [1, 2, 4].into_iter().find(|threads| !same(threads)).map_or(Ok(expected.clone()), Err)
}

/// Whatever fails and however it is seen, both engines come to the same, at any number of threads.
#[test]
fn both_engines_agree_on_any_failures() {
    let seen = Mutex::new([0; 3]);
    let config = ProptestConfig::with_cases(12);
    let times = (0u64..4, 0u64..8);
    proptest!(config, |(made in made(), failures in failures(), repairs in prop::bool::weighted(0.8), bfd in any::<bool>(), times in times)| {
        prop_assume!(!made.model.starts_with("exchange"));
        let keys = format!(
            "[provider.p]\nprotection = \"{}\"\nigp_convergence = \"{}ms\"\nreversion_hold = \"{}ms\"\n{}",
            if repairs { "local-repair" } else { "none" },
            times.0,
            times.1,
            if bfd { "detection = \"bfd\"\nbfd = { interval = \"1ms\" }\n" } else { "" },
        );
        let net = failing(&text(&made).replacen("[provider.p]\n", &keys, 1), &failures);
        let outcome = both_engines(&net, &made);
        let outcome = outcome.unwrap_or_else(|threads| panic!("{threads} threads, {failures:?}\n{keys}"));
        prop_assert!(outcome.sources.iter().all(|source| source.is_balanced()));
        let mut seen = seen.lock().unwrap();
        seen[0] += outcome.sources.iter().map(|source| source.dropped).sum::<u64>();
        for noted in outcome.nodes.iter().flat_map(|node| &node.log) {
            seen[1] += u64::from(matches!(noted.what, Happened::Switched { .. }));
            seen[2] += u64::from(matches!(noted.what, Happened::Reconverged { .. }));
        }
    });
    // Cases in which nothing is lost or repaired would show too little.
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|count| *count > 0), "lost, switched, converged: {seen:?}");
}
