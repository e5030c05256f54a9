//! Links of providers that fail in the engine, on the networks of presets: what is lost, to the frame, when paths change, and
//! that both engines agree.

use biplane::control::bfd::{Cause, Event};
use biplane::control::{Happened, Noted};
use biplane::engine::reference::{self, Offered};
use biplane::engine::{Network, Outcome, Run, Source, run};
use biplane::frame::{DropReason, Frame};
use biplane::id::StreamId;
use biplane::scenario::{CompileOptions, Compiled, Scenario, compile};
use biplane::time::{Instant, Span};
use biplane::wire::bfd::State;
use etherparse::PacketBuilder;

/// Instant 0 of the scenario: sessions have come up then.
const BEGIN: Instant = Instant::from_ps(5_000_000_000_000);
/// Between two frames.
const GAP: Span = Span::from_us(20);
/// Delay of a link of the presets' provider.
const D: Span = Span::from_ms(1);
/// Octets of the packets, with Ethernet header and without FCS.
const OCTETS: u64 = 142;

/// A preset's network with keys of its provider, and events of it.
fn compiled(preset: &str, keys: &str, events: &str) -> Compiled {
    let preset = biplane::scenario::presets().iter().find(|known| known.name == preset).unwrap();
    written(&preset.text.replacen("[provider.carrier]\n", &format!("[provider.carrier]\n{keys}\n"), 1), events)
}

fn written(text: &str, events: &str) -> Compiled {
    let text = text.replace("duration = \"1s\"", "duration = \"60s\"") + events;
    let scenario = Scenario::parse(&text, "made.toml").unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let options = CompileOptions { repair: true, ..CompileOptions::default() };
    let mut compiled = compile(&scenario, options).unwrap();
    compiled.fail_links(&scenario, BEGIN);
    compiled.network.control_until = Some(BEGIN + Span::from_s(60));
    compiled
}

/// A cut in the middle of a link, as long as that, or for good.
fn cut(target: &str, at_ms: u64, lasts_ms: Option<u64>) -> String {
    event("cut", target, at_ms, lasts_ms)
}

fn event(what: &str, target: &str, at_ms: u64, lasts_ms: Option<u64>) -> String {
    let lasts = lasts_ms.map_or(String::new(), |ms| format!("for = \"{ms}ms\"\n"));
    format!("\n[[event]]\nat = \"{at_ms}ms\"\ndo = \"{what}\"\ntarget = \"{target}\"\n{lasts}")
}

/// `count` frames of the site, one each `GAP` from `BEGIN` + `from` on, of one flow that goes by the first plane.
fn source(count: u32, from: Span, port: u16) -> Source {
    long_source(count, from, port, OCTETS)
}

/// The same with frames of other lengths; their packets may not be cut into fragments.
fn long_source(count: u32, from: Span, port: u16, octets: u64) -> Source {
    let frames = (0..count).map(|seq| {
        let mut packet = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 10, 1, 1], [10, 20, 1, 1], 64);
        builder.udp(port, 53).write(&mut packet, &vec![7; octets as usize - 42]).unwrap();
        let mut frame = Frame::parse(&packet, packet.len() as u32, None).unwrap().frame;
        frame.id.sent = BEGIN + from + Span::from_ps(u64::from(seq) * GAP.as_ps());
        (frame.id.stream, frame.id.seq) = (StreamId::new(0, 0), seq);
        frame
    });
    Source::Frames(frames.collect())
}

/// The outcome, the same of both engines and at any number of threads.
fn outcome(network: &Network, source: impl Fn() -> Source) -> Outcome {
    let host = network.node("hq").unwrap();
    let offered = vec![Offered { node: host, frames: source() }];
    let expected = reference::run(network, offered, None, &mut |_| ());
    for threads in [1, 2, 4] {
        let outcome = run(Run { threads, ..Run::new(network, vec![(host, source())]) });
        assert_eq!(outcome.nodes.len(), expected.nodes.len());
        for (node, (a, b)) in outcome.nodes.iter().zip(&expected.nodes).enumerate() {
            assert_eq!(a, b, "{} at {threads} threads", network.nodes[node].name);
        }
        assert_eq!(outcome, expected, "at {threads} threads");
    }
    expected
}

/// The outcome of the engine alone.
fn quick(network: &Network, source: Source) -> Outcome {
    run(Run::new(network, vec![(network.node("hq").unwrap(), source)]))
}

fn log<'a>(compiled: &Compiled, outcome: &'a Outcome, node: &str) -> &'a [Noted] {
    &outcome.nodes[compiled.network.node(node).unwrap().index()].log
}

/// When next hops of a router were switched, and whether to their backups.
fn switched(log: &[Noted]) -> Vec<(Instant, bool)> {
    log.iter()
        .filter_map(|noted| match noted.what {
            Happened::Switched { to_backup, .. } => Some((noted.at, to_backup)),
            _ => None,
        })
        .collect()
}

/// When paths changed at a router, and how many links they avoid then.
fn reconverged(log: &[Noted]) -> Vec<(Instant, usize)> {
    log.iter()
        .filter_map(|noted| match noted.what {
            Happened::Reconverged { avoided, .. } => Some((noted.at, avoided)),
            _ => None,
        })
        .collect()
}

/// A UDP port whose flow goes by a link of the core: the first that loses frames there.
fn port_by(preset: &str, link: &str) -> u16 {
    let compiled = compiled(preset, "protection = \"none\"", &cut(link, 0, None));
    let by = |port: &u16| quick(&compiled.network, source(1, Span::from_ms(50), *port)).sources[0].dropped == 1;
    (1000..1064).find(by).expect("some flow goes by it")
}

/// A line of so many picoseconds per octet, with preamble and gap, and FCS.
fn wire(octets: u64, ps: u64) -> u64 {
    (octets + 4 + 20) * ps
}

/// The way of a frame in picoseconds: to the provider's edge, and from there to p1a, whose port then has it for `wire`.
struct Way {
    to_edge: u64,
    to_p1a: u64,
    wire: u64,
}

fn way(preset: &str) -> Way {
    // The customer's tags; the labels, above a whole frame with a control word where that is a pseudowire.
    let (access, core) = match preset {
        "ethernet" => (OCTETS + 8, 14 + 8 + 4 + OCTETS + 4),
        _ => (OCTETS, OCTETS + 8),
    };
    let to_edge = wire(OCTETS, 80) + Span::from_us(5).as_ps() + wire(access, 800) + Span::from_us(100).as_ps();
    Way { to_edge, to_p1a: to_edge + wire(core, 80) + D.as_ps(), wire: wire(core, 80) }
}

/// Frames, of `count` that begin at `from`, that a failure takes in the middle of the link from p1a: those that pass there after
/// `failed`, and leave p1a before `at_p1a` or come to the edge before `at_edge`.
fn taken(preset: &str, (count, from): (u64, Span), failed: Instant, until: Until) -> u64 {
    let Way { to_edge, to_p1a, wire } = way(preset);
    let sent = (0..count).map(|seq| (BEGIN + from).as_ps() + seq * GAP.as_ps());
    let is_late = |sent: &u64| sent + to_p1a + wire + D.as_ps() / 2 > failed.as_ps();
    let is_early = |sent: &u64| match until {
        Until::AtP1a(until) => sent + to_p1a < until.as_ps(),
        Until::AtEdge(until) => sent + to_edge < until.as_ps(),
    };
    sent.filter(|sent| is_late(sent) && is_early(sent)).count() as u64
}

#[derive(Clone, Copy)]
enum Until {
    AtP1a(Instant),
    AtEdge(Instant),
}

/// Half a link's delay: from the failure to its ends.
const HALF: Span = Span::from_us(500);
const CONVERGENCE: Span = Span::from_ms(200);

fn at_ms(ms: u64) -> Instant {
    BEGIN + Span::from_ms(ms)
}

/// The router before the failure switches when its port goes down, and nothing is lost any more: not then, not when all others
/// find new paths.
#[test]
fn local_repair_loses_what_is_sent_until_the_port_is_down() {
    for preset in ["ethernet", "ipvpn"] {
        let flow = port_by(preset, "carrier.p1a-p2a");
        for carrier_ms in [0, 3] {
            let control =
                format!("{}\n[control]\ncarrier_delay = \"{carrier_ms}ms\"\n", cut("carrier.p1a-p2a", 1000, None));
            let compiled = compiled(preset, "", &control);
            let sent = (15_000, Span::from_ms(950));
            let outcome = outcome(&compiled.network, || source(sent.0, sent.1, flow));
            let down = at_ms(1000 + carrier_ms) + HALF;
            let lost = taken(preset, (sent.0.into(), sent.1), at_ms(1000), Until::AtP1a(down));
            assert!(lost >= 49 + 50 * carrier_ms, "{lost}");
            assert_eq!(outcome.sources[0].dropped, lost, "{preset} and {carrier_ms} ms");
            assert_eq!(switched(log(&compiled, &outcome, "carrier-p1a")), [(down, true)]);
            let paths = reconverged(log(&compiled, &outcome, "carrier-pe-hq1"));
            assert_eq!(paths, [(down + CONVERGENCE, 1)]);
            assert_eq!(outcome.control.unwrap().in_network, 0);
            assert!(outcome.nodes.iter().all(|node| node.unclaimed == 0));
        }
    }
}

/// Without a backup it lasts until the edge has another path, and what is under way to the failure then is lost as well.
#[test]
fn without_protection_a_failure_lasts_until_the_network_has_converged() {
    for preset in ["ethernet", "ipvpn"] {
        let flow = port_by(preset, "carrier.p1a-p2a");
        let compiled = compiled(preset, "protection = \"none\"", &cut("carrier.p1a-p2a", 1000, None));
        let sent = (15_000, Span::from_ms(950));
        let outcome = outcome(&compiled.network, || source(sent.0, sent.1, flow));
        let converged = at_ms(1000) + HALF + CONVERGENCE;
        let lost = taken(preset, (sent.0.into(), sent.1), at_ms(1000), Until::AtEdge(converged));
        assert!(lost > 10_000, "{lost}");
        assert_eq!(outcome.sources[0].dropped, lost, "{preset}");
        assert_eq!(switched(log(&compiled, &outcome, "carrier-p1a")), []);
    }
}

/// A link that is back is left alone for the hold; a second cut within it begins it anew. Nothing is lost by either.
#[test]
fn reversion_comes_when_the_hold_is_over_and_loses_nothing() {
    let flow = port_by("ethernet", "carrier.p1a-p2a");
    let link = "carrier.p1a-p2a";
    let once = cut(link, 1000, Some(500));
    let twice = once.clone() + &cut(link, 2000, Some(300));
    for (events, back_ms) in [(once, 1500), (twice, 2300)] {
        let compiled = compiled("ethernet", "reversion_hold = \"1s\"", &events);
        let back = at_ms(back_ms) + HALF + Span::from_s(1);
        // From before the second cut, or 5 ms before the reversion, to after that.
        let begin = if back_ms == 1500 { 2_495 } else { 1_990 };
        let count = (back.since(at_ms(begin)).as_ps() / GAP.as_ps()) as u32 + 500;
        let outcome = outcome(&compiled.network, || source(count, Span::from_ms(begin), flow));
        assert_eq!((outcome.sources[0].dropped, outcome.sources[0].delivered), (0, count.into()));
        let down = at_ms(1000) + HALF;
        assert_eq!(switched(log(&compiled, &outcome, "carrier-p1a")), [(down, true), (back, false)]);
        let paths = reconverged(log(&compiled, &outcome, "carrier-pe-hq1"));
        assert_eq!(paths, [(down + CONVERGENCE, 1), (back, 0)]);
        // What comes to p2a from p1a is what was sent after that.
        let port = |node: &str, port: &str| {
            let spec = &compiled.network.nodes[compiled.network.node(node).unwrap().index()];
            spec.ports.iter().position(|known| known.name == port).unwrap()
        };
        let p1a = compiled.network.node("carrier-p1a").unwrap();
        let sent = outcome.nodes[p1a.index()].ports[port("carrier-p1a", "p2a")].sent.frames;
        let Way { to_edge, .. } = way("ethernet");
        let first =
            (0..u64::from(count)).filter(|seq| at_ms(begin).as_ps() + seq * GAP.as_ps() + to_edge >= back.as_ps());
        // And what routers tell each other: p1a has nothing to tell p2a but that the link is back, and what it knew then.
        let news = sent - first.count() as u64;
        assert!((1..20).contains(&news), "{news}");
    }
}

/// A silent failure shows at no port.
#[test]
fn a_black_hole_is_never_repaired_where_nothing_but_light_is_watched() {
    let flow = port_by("ipvpn", "carrier.p1a-p2a");
    let compiled = compiled("ipvpn", "", &event("blackhole", "carrier.p1a-p2a", 1000, Some(400)));
    let sent = (25_000, Span::from_ms(950));
    let outcome = outcome(&compiled.network, || source(sent.0, sent.1, flow));
    let over = Instant::from_ps(at_ms(1400).as_ps() - HALF.as_ps());
    let lost = taken("ipvpn", (sent.0.into(), sent.1), at_ms(1000), Until::AtP1a(over));
    assert_eq!(outcome.sources[0].dropped, lost);
    let p2a = compiled.network.node("carrier-p2a").unwrap();
    let ports = &outcome.nodes[p2a.index()].ports;
    assert_eq!(ports.iter().map(|port| port.ingress_drops.of(DropReason::Blackhole)).sum::<u64>(), lost);
    assert!(outcome.nodes.iter().all(|node| node.log.is_empty()));
}

/// BFD finds it within the bounds of RFC 5880: three intervals from the last packet that passed, sent up to one interval before.
#[test]
fn a_black_hole_is_repaired_when_bfd_has_found_it() {
    ["bfd", "micro-bfd"].into_iter().for_each(finds_a_black_hole);
}

fn finds_a_black_hole(detection: &str) {
    let flow = port_by("ipvpn", "carrier.p1a-p2a");
    let keys = format!("detection = \"{detection}\"\nreversion_hold = \"1s\"");
    let mut compiled = compiled("ipvpn", &keys, &event("blackhole", "carrier.p1a-p2a", 1000, Some(300)));
    compiled.network.control_until = Some(at_ms(5_000));
    let sent = (15_000, Span::from_ms(950));
    let outcome = outcome(&compiled.network, || source(sent.0, sent.1, flow));
    let of = |node: &str| {
        let events = log(&compiled, &outcome, node).iter().filter_map(|noted| match noted.what {
            Happened::Bfd(_, event) if noted.at > at_ms(900) => Some((noted.at, event)),
            _ => None,
        });
        events.collect::<Vec<(Instant, Event)>>()
    };
    let (down, event) = of("carrier-p1a")[0];
    assert_eq!((event.from, event.cause), (State::Up, Cause::DetectionTimeExpired));
    let took = down.since(at_ms(1000));
    let punt = Span::from_us(21);
    assert!(took > Span::from_ms(20) + HALF && took <= Span::from_ms(30) + HALF + punt, "{took}");
    assert_eq!(switched(log(&compiled, &outcome, "carrier-p1a"))[0], (down, true));
    let lost = taken("ipvpn", (sent.0.into(), sent.1), at_ms(1000), Until::AtP1a(down));
    assert_eq!(outcome.sources[0].dropped, lost);
    // Both ends find it, each in its time: the sooner of them decides when paths change, the later when they are as they were.
    let down = ["carrier-p1a", "carrier-p2a"].map(|node| of(node)[0].0).into_iter().min().unwrap();
    let up = ["carrier-p1a", "carrier-p2a"].map(|node| of(node).last().copied().unwrap());
    assert!(up.iter().all(|(_, event)| event.to == State::Up), "{up:?}");
    let back = up.iter().map(|(at, _)| *at).max().unwrap() + Span::from_s(1);
    assert_eq!(reconverged(log(&compiled, &outcome, "carrier-pe-hq1")), [(down + CONVERGENCE, 1), (back, 0)]);
}

/// News takes the way of frames: without any time of convergence an edge changes when it hears of the failure.
#[test]
fn news_of_a_failure_takes_its_time() {
    let compiled = compiled("ipvpn", "igp_convergence = \"0s\"", &cut("carrier.p1a-p2a", 1000, None));
    let outcome = outcome(&compiled.network, || source(1, Span::ZERO, 1000));
    let hop = D + Span::from_us(20) + Span::from_ps(84 * 80);
    let down = at_ms(1000) + HALF;
    for (node, hops) in [("carrier-pe-hq1", 1), ("carrier-pe-london1", 1)] {
        let heard = (0..hops).fold(down, |at, _| at + hop);
        assert_eq!(reconverged(log(&compiled, &outcome, node)), [(heard, 1)], "{node}");
    }
    // Each router sends each of the two news once to each neighbour at the most.
    let links = 2 * 12;
    let control = outcome.control.unwrap();
    assert!(control.created <= 2 * links && control.consumed == control.created, "{control:?}");
}

/// What takes the bypass has a label more: what is just short enough for a link of the core is too long for it then, until the
/// network has converged.
#[test]
fn the_label_of_a_bypass_counts_for_the_mtu() {
    let flow = port_by("ipvpn", "carrier.p1a-p2a");
    let preset = biplane::scenario::presets().iter().find(|known| known.name == "ipvpn").unwrap();
    let text = preset.text.replacen("mtu = 9216", "mtu = 1500", 1);
    let compiled = written(&text, &cut("carrier.p1a-p2a", 1000, None));
    // With two labels 1500 octets, or one less.
    for (octets, fits) in [(14 + 1492, false), (14 + 1488, true)] {
        let outcome = quick(&compiled.network, long_source(15_000, Span::from_ms(950), flow, octets));
        let p1a = &outcome.nodes[compiled.network.node("carrier-p1a").unwrap().index()];
        let too_long = p1a.slow_path_drops.of(DropReason::MtuExceeded);
        // 200 ms of frames each 20 us, and those that left the edge before it changed.
        assert_eq!(too_long, if fits { 0 } else { 10_000 + 50 }, "{octets}");
        assert!(outcome.sources[0].dropped - too_long < 60, "and what the cut took: {:?}", outcome.sources[0]);
    }
}

/// A second failure, on the path that took over, is not repaired: it lasts until the network has converged once more, on a way
/// that avoids both.
#[test]
fn a_second_failure_lasts_for_a_convergence() {
    let preset = biplane::scenario::presets().iter().find(|known| known.name == "ethernet").unwrap();
    let hops = preset.text.lines().find(|line| line.starts_with("hops = 2")).unwrap();
    let mut core = "routers = [\"p1\", \"p2\", \"p3\", \"p4\", \"p5\"]\n".to_owned();
    let links =
        [("p1", "p2", 10), ("p2", "p3", 10), ("p1", "p4", 20), ("p4", "p3", 20), ("p1", "p5", 30), ("p5", "p3", 30)];
    for (a, b, metric) in links {
        core += &format!("[[provider.carrier.link]]\nbetween = [\"{a}\", \"{b}\"]\nmetric = {metric}\n");
    }
    core += "[provider.carrier.edges]\nhq = \"p1\"\nlondon = \"p3\"\n\n[circuit.london]";
    let text = preset.text.replacen(hops, "", 1).replacen("[circuit.london]", &core, 1);
    let (list, rest) = core.split_once('\n').unwrap();
    let text = text.replacen(&core, rest, 1).replacen("[provider.carrier]", &format!("[provider.carrier]\n{list}"), 1);
    let events = cut("carrier.p1-p2", 1000, None) + &cut("carrier.p4-p1", 2000, None);
    let compiled = written(&text, &events);
    let sent = (15_000, Span::from_ms(1950));
    let outcome = outcome(&compiled.network, || source(sent.0, sent.1, 1000));
    // The way parts at p1, which is the router that changes.
    let converged = at_ms(2000) + HALF + CONVERGENCE;
    let lost = taken("ethernet", (sent.0.into(), sent.1), at_ms(2000), Until::AtP1a(converged));
    assert_eq!(outcome.sources[0].dropped, lost);
    let edges = ["carrier-pe-hq1", "carrier-pe-hq2"].map(|node| reconverged(log(&compiled, &outcome, node)));
    assert_eq!(edges[0], [(at_ms(1200) + HALF, 1)], "the same label leads into both: the edge changes once");
    assert_eq!(edges[1], edges[0]);
    let p1 = reconverged(log(&compiled, &outcome, "carrier-p1"));
    assert_eq!(p1, [(at_ms(1200) + HALF, 1), (converged, 2)]);
}

/// Sessions over label-switched paths: both engines agree on every octet of them and of what they lead, while a link to Microsoft
/// and then one of the core fails.
#[test]
fn both_engines_agree_on_the_sessions_of_a_vpn() {
    let preset = biplane::scenario::presets().iter().find(|known| known.name == "ipvpn").unwrap();
    let events = cut("london.primary", 100, Some(300)) + &cut("carrier.p1b-p2b", 200, None);
    let scenario = Scenario::parse(&(preset.text.to_owned() + &events), "made.toml").unwrap();
    let sessions = biplane::scenario::Sessions::Live;
    let mut compiled =
        compile(&scenario, CompileOptions { sessions, repair: true, ..CompileOptions::default() }).unwrap();
    compiled.fail_links(&scenario, BEGIN);
    compiled.network.control_until = Some(BEGIN + Span::from_s(1));
    // By whichever edge: each is lost for a while.
    for port in 1000..1002 {
        let outcome = outcome(&compiled.network, || source(40_000, Span::ZERO, port));
        assert!(outcome.sources[0].delivered > 30_000, "{:?}", outcome.sources[0]);
        assert!(outcome.control.as_ref().is_some_and(|control| control.created > 500));
    }
}
