//! What events come to mean: which link, which way, how long.

use super::*;

const EVENTS: &str = include_str!("../../../tests/scenarios/schema/events.toml");

#[test]
fn events_mean_what_they_say() {
    let scenario = good(EVENTS);
    let cut = |fibres, place_ppb| EventKind::Cut { fibres, place_ppb };
    let (london, paris) = (PairId(0), PairId(1));
    let connection = EventTarget::Connection;
    // Of two rows of three routers: p1a-p2a, p2a-p3a, p1b-p2b, p2b-p3b.
    let [north, parallel, row] =
        [(0, 1), (0, 0), (1, 3)].map(|(p, link)| EventTarget::ProviderLink(ProviderId(p), link));
    let expected = [
        (2_000, Some(3_000), connection(london, Plane::Primary), cut(Fibres::Both, 500_000_000)),
        (
            1_000,
            None,
            connection(paris, Plane::Secondary),
            cut(Fibres::One { way: Way::Forth, remote_fault: true }, 500_000_000),
        ),
        (1_500, None, north, cut(Fibres::One { way: Way::Back, remote_fault: false }, 125_000_000)),
        // From p2 to p1, and the link is written from p1 to p2.
        (0, Some(10_000), parallel, EventKind::Blackhole { ways: Ways::One(Way::Back) }),
        (4_000, None, connection(london, Plane::Secondary), EventKind::Blackhole { ways: Ways::Both }),
        (5_000, Some(500), row, congest(Ways::Both, BackgroundLoad::Line { ppb: 1_200_000_000 }, 1518, 0)),
        (
            5_000,
            None,
            connection(paris, Plane::Primary),
            congest(Ways::One(Way::Back), BackgroundLoad::Bits { bps: 4_000_000_000 }, 64, 7),
        ),
    ];
    let found: Vec<_> = scenario
        .events
        .iter()
        .map(|event| (event.at.value, event.lasts.map(|lasts| lasts.value), event.target.value, event.what))
        .collect();
    let expected =
        expected.map(|(at, lasts, target, what)| (Span::from_ms(at), lasts.map(Span::from_ms), target, what));
    assert_eq!(found, expected);
    let names: Vec<&str> = scenario.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names[..3], ["cut of london.primary at 2s", "one-fibre", "cut of carrier.north at 1.5s"]);
    assert_eq!(names[5..], ["congestion of rows.p2b-p3b at 5s", "congestion of paris.primary at 5s"]);
}

/// Named from its second router, a link has its directions and its places from there.
#[test]
fn a_link_named_backwards_is_cut_where_it_says() {
    let more =
        "\n[[event]]\nat = \"6s\"\ndo = \"cut\"\ntarget = \"carrier.p2-p1\"\nfibre = \"forth\"\nat_share = \"10%\"\n";
    let event = good(&format!("{EVENTS}{more}")).events.pop().expect("the one that was written");
    let fibres = Fibres::One { way: Way::Back, remote_fault: true };
    assert_eq!(event.target.value, EventTarget::ProviderLink(ProviderId(0), 0));
    assert_eq!(event.what, EventKind::Cut { fibres, place_ppb: 900_000_000 });
}

fn congest(ways: Ways, load: BackgroundLoad, frame_octets: u16, class: u8) -> EventKind {
    EventKind::Congest { ways, load, frame_octets, class }
}

/// Both ends of the time: what is over at an instant does not hold there.
#[test]
fn an_event_holds_from_its_beginning_to_its_end() {
    let events = good(EVENTS).events;
    let holds =
        |event: usize| [0, 1_999, 2_000, 4_999, 5_000, 9_999].map(|ms| events[event].holds_at(Span::from_ms(ms)));
    assert_eq!(holds(0), [false, false, true, true, false, false]);
    assert_eq!(holds(1), [false, true, true, true, true, true]);
    assert_eq!(events[0].end(), Some(Span::from_s(5)));
}

#[test]
fn providers_say_how_they_recover() {
    let providers = good(EVENTS).providers;
    assert_eq!(providers[0].core.recovery, Recovery::default());
    assert_eq!((providers[0].asn, providers[0].vpn_bfd), (64_500, None));
    let bfd = Bfd { interval: Span::from_ms(5), multiplier: 3 };
    let expected = Recovery { detection: Detection::MicroBfd(bfd), reversion_hold: Span::ZERO, ..Recovery::default() };
    assert_eq!(providers[1].core.recovery, expected);
    let edges = Bfd { interval: Span::from_ms(100), multiplier: 4 };
    assert_eq!((providers[1].asn, providers[1].vpn_bfd), (7018, Some(edges)));
    let words = ["bfd", "micro-bfd"].map(|word| good(&EVENTS.replace("\"micro-bfd\"", &format!("\"{word}\""))));
    let [plain, micro] = words.map(|scenario| scenario.providers[1].core.recovery.detection);
    assert_eq!([plain, micro], [Detection::Bfd(bfd), Detection::MicroBfd(bfd)]);
}

/// Circuits that share a port pair share what happens to it.
#[test]
fn a_connection_is_that_of_the_port_pair() {
    let annex =
        "[circuit.annex]\nmodel = \"direct\"\nshares = \"london\"\nbandwidth = \"5G\"\ns_tag = 111\n\n[vnet.prod]";
    let event = "[[event]]\nat = \"10ms\"\ndo = \"cut\"\ntarget = \"annex.secondary\"\n\n[[traffic]]\nname = \"up\"";
    let changes = [
        ("[vnet.prod]", annex),
        (
            "[[traffic]]                       # a stream of UDP, which `biplane drill` runs; up to 64 of them\nname = \"up\"",
            event,
        ),
    ];
    let scenario = preset("direct", &changes).unwrap();
    assert_eq!(scenario.events[0].target.value, EventTarget::Connection(PairId(0), Plane::Secondary));
}

/// The drawing at the top of the carrier's network: links are called by its routers.
#[test]
fn links_are_called_by_their_routers() {
    let forth = |graph: CoreGraph| graph.link_names().into_iter().map(|name| name.forth).collect::<Vec<_>>();
    assert_eq!(forth(CoreGraph::Rows(3)), ["p1a-p2a", "p2a-p3a", "p1b-p2b", "p2b-p3b"]);
    assert_eq!(forth(CoreGraph::Rows(1)), [""; 0]);
    assert_eq!(forth(CoreGraph::Rows(0)), [""; 0]);
    assert_eq!(forth(good(EVENTS).providers[0].core.graph.clone()), ["p1-p2", "north"]);
}
