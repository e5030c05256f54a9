//! What cuts and black holes do to links: outages on each direction, and what the ports that see them see.
//!
//! ```text
//! first ------------x------ second      a cut at x: what has passed it arrives, then the light goes, at either end as long
//!                                       after the cut as light needs from there
//! ```

use super::draft::End;
use crate::control::Signal;
use crate::engine::{Network, Role};
use crate::frame::DropReason;
use crate::port::Outage;
use crate::scenario::model::{Event, EventKind, EventTarget, Fibres, Way, Ways};
use crate::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Of links that events happen to, their ends: the customer's or the first router's, and the other.
pub type EventLinks = BTreeMap<EventTarget, [End; 2]>;

/// Parts per 10^9 of half the way: a black hole is there, for it has no place of its own.
const HALF_WAY: u32 = 500_000_000;

/// A time, its end excluded.
type During = (Instant, Instant);

/// What befalls links, gathered.
#[derive(Default)]
struct Gathered {
    /// By the place of a link, as its sending end has it: frames that are being sent then are lost.
    lost: BTreeMap<usize, Vec<(During, DropReason)>>,
    /// By port, when it has no signal.
    dark: BTreeMap<End, Vec<During>>,
}

/// Lets the cuts and black holes among `events` happen, whose instant 0 is `begin`: outages of links become these, and so do the
/// signals of ports that are watched. Frames are counted as taken by a cut where both hold.
pub(super) fn happen(network: &mut Network, links: &EventLinks, events: &[Event], begin: Instant) {
    let mut gathered = Gathered::default();
    for event in events {
        // A provider that carries no circuit has no links.
        let Some(ends) = links.get(&event.target.value) else { continue };
        let until = event.end().map_or(Instant::MAX, |end| begin.saturating_add(end));
        gathered.add(network, *ends, event.what, (begin.saturating_add(event.at.value), until));
    }
    for (link, lost) in gathered.lost {
        network.links[link].faults.outages = outages(&lost);
    }
    for ((node, port), dark) in gathered.dark {
        let Role::Router(router) = &mut network.nodes[node.index()].role else { continue };
        let watched = router.control.as_mut().and_then(|control| control.ports.iter_mut().find(|w| w.port == port));
        if let Some(watched) = watched {
            watched.signals = signals(dark);
        }
    }
}

impl Gathered {
    fn add(&mut self, network: &Network, ends: [End; 2], what: EventKind, during: During) {
        for way in [Way::Forth, Way::Back] {
            let (from, to) = if way == Way::Forth { (ends[0], ends[1]) } else { (ends[1], ends[0]) };
            let place = |from: End, to: End| network.links.iter().position(|link| (link.from, link.to) == (from, to));
            let (Some(link), Some(back)) = (place(from, to), place(to, from)) else { continue };
            let (delay, delay_back) = (network.links[link].delay, network.links[back].delay);
            match what {
                EventKind::Cut { fibres, place_ppb } if is_cut(fibres, way) => {
                    let after = after(delay, place_ppb, way);
                    self.lose(link, during, after, DropReason::LinkDown);
                    let beyond = Span::from_ps(delay.as_ps() - after.as_ps());
                    let dark = later(during, beyond);
                    self.dark.entry(to).or_default().push(dark);
                    // Said by who sees no signal, at once, and heard after the way back (IEEE 802.3 §46.3.4).
                    if matches!(fibres, Fibres::One { remote_fault: true, .. }) {
                        self.dark.entry(from).or_default().push(later(dark, delay_back));
                    }
                }
                EventKind::Blackhole { ways } if ways == Ways::Both || ways == Ways::One(way) => {
                    self.lose(link, during, after(delay, HALF_WAY, way), DropReason::Blackhole);
                }
                EventKind::Cut { .. } | EventKind::Blackhole { .. } | EventKind::Congest { .. } => {}
            }
        }
    }

    /// What passes the place that is `after` the sending end during that time is lost. Nothing is sent before the run, so that
    /// what would have been before its beginning is left out.
    fn lose(&mut self, link: usize, (from, until): During, after: Span, reason: DropReason) {
        let sent = |at: Instant| Instant::from_ps(at.as_ps().saturating_sub(after.as_ps()));
        let until = if until == Instant::MAX { until } else { sent(until) };
        self.lost.entry(link).or_default().push(((sent(from), until), reason));
    }
}

fn is_cut(fibres: Fibres, way: Way) -> bool {
    match fibres {
        Fibres::Both => true,
        Fibres::One { way: cut, .. } => cut == way,
    }
}

/// How far from the sending end a place is that has so many parts per 10^9 of the length behind it on the way forth.
fn after(delay: Span, place_ppb: u32, way: Way) -> Span {
    let forth = u128::from(delay.as_ps()) * u128::from(place_ppb.min(1_000_000_000)) / 1_000_000_000;
    // No more than the delay.
    let forth = forth as u64;
    Span::from_ps(if way == Way::Forth { forth } else { delay.as_ps() - forth })
}

fn later((from, until): During, by: Span) -> During {
    (from.saturating_add(by), until.saturating_add(by))
}

/// Outages one after another, at the sending end: a frame that would pass a place further on at a time is sent as much before
/// it, and so all places come to one.
fn outages(lost: &[(During, DropReason)]) -> Vec<Outage> {
    let borders: BTreeSet<Instant> = lost.iter().flat_map(|((from, until), _)| [*from, *until]).collect();
    let borders: Vec<Instant> = borders.into_iter().collect();
    let mut outages: Vec<Outage> = Vec::new();
    for pair in borders.windows(2) {
        let (from, until) = (pair[0], pair[1]);
        let holds = |reason: DropReason| {
            lost.iter().any(|((begin, end), why)| *why == reason && *begin <= from && until <= *end)
        };
        let Some(reason) = [DropReason::LinkDown, DropReason::Blackhole].into_iter().find(|why| holds(*why)) else {
            continue;
        };
        match outages.last_mut() {
            Some(last) if last.until == from && last.reason == reason => last.until = until,
            _ => outages.push(Outage { from, until, after: Span::ZERO, reason }),
        }
    }
    outages
}

/// When a port loses its signal and when it is back: it has none while any of these times lasts.
fn signals(mut dark: Vec<During>) -> Vec<(Instant, Signal)> {
    dark.sort_unstable();
    let mut merged: Vec<During> = Vec::new();
    for (from, until) in dark {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    let both = |(from, until)| [(from, Signal::Lost), (until, Signal::Back)];
    merged.into_iter().flat_map(both).filter(|(at, _)| *at < Instant::MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{ControlSpec, WatchedPort};
    use crate::engine::RouterSpec;
    use crate::id::{NodeId, PortId};
    use crate::port::{Fault, FaultSpec, PortSpec};
    use crate::rng::Rng;
    use crate::scenario::compile::{CompileOptions, compile};
    use crate::scenario::{Scenario, presets};
    use crate::table::FibBuilder;
    use crate::time::PortSpeed;
    use proptest::prelude::*;

    const D: Span = Span::from_us(1000);

    fn us(us: u64) -> Instant {
        Instant::ZERO + Span::from_us(us)
    }

    /// The preset `direct`, whose primary link has this delay, with events; its two ends watch their ports.
    fn failed(events: &str, begin: Instant) -> (Network, [End; 2]) {
        let text = presets().iter().find(|preset| preset.name == "direct").unwrap().text.to_owned() + events;
        let scenario = Scenario::parse(&text, "made.toml").unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        let mut compiled = compile(&scenario, CompileOptions::default()).unwrap();
        let ends = compiled.event_links[&scenario.events[0].target.value];
        for (node, port) in ends {
            let Role::Router(router) = &mut compiled.network.nodes[node.index()].role else { panic!("a router") };
            let watched = WatchedPort { port, carrier: Default::default(), signals: Vec::new() };
            router.control = Some(Box::new(ControlSpec { ports: vec![watched], ..ControlSpec::default() }));
        }
        compiled.fail_links(&scenario, begin);
        (compiled.network, ends)
    }

    fn event(at_ms: u64, lasts_ms: u64, what: &str) -> String {
        format!("\n[[event]]\nat = \"{at_ms}ms\"\nfor = \"{lasts_ms}ms\"\ntarget = \"london.primary\"\n{what}\n")
    }

    /// Outages of the link forth and back, and the signals of both ends.
    type Seen = ([Vec<(u64, u64, DropReason)>; 2], [Vec<(u64, Signal)>; 2]);

    fn seen((network, ends): &(Network, [End; 2])) -> Seen {
        let of = |from: End| network.links.iter().find(|link| link.from == from).unwrap();
        let in_us = |at: Instant| at.as_ps() / 1_000_000;
        let outages = ends.map(|end| {
            assert_eq!(of(end).delay, D);
            of(end).faults.outages.iter().map(|o| (in_us(o.from), in_us(o.until), o.reason)).collect()
        });
        let signals = ends.map(|(node, _)| {
            let Role::Router(router) = &network.nodes[node.index()].role else { panic!("a router") };
            let watched = &router.control.as_ref().unwrap().ports[0];
            watched.signals.iter().map(|(at, signal)| (in_us(*at), *signal)).collect()
        });
        (outages, signals)
    }

    #[test]
    fn both_ends_see_a_cut_after_what_light_needs_from_there() {
        use DropReason::{Blackhole, LinkDown};
        use Signal::{Back, Lost};
        let cut = event(100, 50, "do = \"cut\"\nat_share = \"20%\"");
        // 200 us from the customer: what it sends 200 us before the cut is lost, and its light goes 200 us after it.
        let there = [vec![(1_099_800, 1_149_800, LinkDown)], vec![(1_099_200, 1_149_200, LinkDown)]];
        let dark = [vec![(1_100_200, Lost), (1_150_200, Back)], vec![(1_100_800, Lost), (1_150_800, Back)]];
        assert_eq!(seen(&failed(&cut, us(1_000_000))), (there, dark));
        // One fibre: its far end sees it, and says so to the other; or does not.
        let forth = event(100, 50, "do = \"cut\"\nfibre = \"to-microsoft\"");
        let there = [vec![(99_500, 149_500, LinkDown)], vec![]];
        let (far, near) = (vec![(100_500, Lost), (150_500, Back)], vec![(101_500, Lost), (151_500, Back)]);
        assert_eq!(seen(&failed(&forth, us(0))), (there.clone(), [near, far.clone()]));
        let untold = event(100, 50, "do = \"cut\"\nfibre = \"to-microsoft\"\nremote_fault = false");
        assert_eq!(seen(&failed(&untold, us(0))), (there, [vec![], far]));
        let silent = event(100, 50, "do = \"blackhole\"\ndirection = \"from-microsoft\"");
        assert_eq!(seen(&failed(&silent, us(0))), ([vec![], vec![(99_500, 149_500, Blackhole)]], [vec![], vec![]]));
    }

    #[test]
    fn a_link_is_cut_while_any_cut_of_it_lasts() {
        use DropReason::{Blackhole, LinkDown};
        use Signal::{Back, Lost};
        let events = [
            event(100, 50, "do = \"cut\""),
            event(120, 60, "do = \"cut\""),
            event(170, 30, "do = \"blackhole\""),
            event(0, 1, "do = \"cut\"\nat_share = \"100%\""),
        ];
        let (outages, signals) = seen(&failed(&events.concat(), us(0)));
        let rest = [(99_500, 179_500, LinkDown), (179_500, 199_500, Blackhole)];
        // Nothing is sent before the run.
        assert_eq!(outages, [vec![rest[0], rest[1]], [&[(0, 1_000, LinkDown)][..], &rest].concat()]);
        let dark = [(100_500, Lost), (180_500, Back)];
        assert_eq!(signals[0], [&[(1_000, Lost), (2_000, Back)][..], &dark].concat());
        assert_eq!(signals[1], [&[(0, Lost), (1_000, Back)][..], &dark].concat());
    }

    #[test]
    fn what_nobody_watches_and_no_circuit_uses_is_left_alone() {
        let mut network = Network::default();
        let router = Role::Router(Box::new(RouterSpec::new(FibBuilder::new(1).build())));
        network.add("a", router, vec![PortSpec::new("b", PortSpeed::G10)]);
        let text = presets()[0].text.to_owned() + &event(1, 1, "do = \"cut\"");
        let scenario = Scenario::parse(&text, "made.toml").unwrap();
        happen(&mut network, &EventLinks::new(), &scenario.events, us(0));
        let ends = [(NodeId(0), PortId(0)), (NodeId(1), PortId(0))];
        network.add("b", Role::Host, vec![PortSpec::new("a", PortSpeed::G10)]);
        network.join(ends[0], ends[1], D);
        happen(&mut network, &[(scenario.events[0].target.value, ends)].into(), &scenario.events, us(0));
        assert_eq!(network.links.iter().map(|link| link.faults.outages.len()).collect::<Vec<_>>(), [1, 1]);
    }

    proptest! {
        /// By the definition: a frame is lost if any of it is at the place of anything while that lasts.
        #[test]
        fn overlapping_events_take_what_any_of_them_takes(
            events in prop::collection::vec((0u64..300, 1u64..100, 0u64..=40, any::<bool>()), 1..6), wire in 1u64..20,
        ) {
            let delay = Span::from_ps(40);
            let reason = |cut: bool| if cut { DropReason::LinkDown } else { DropReason::Blackhole };
            let mut gathered = Gathered::default();
            for &(from, lasts, after, cut) in &events {
                let during = (Instant::from_ps(from), Instant::from_ps(from + lasts));
                gathered.lose(0, during, Span::from_ps(after), reason(cut));
            }
            let outages = outages(&gathered.lost[&0]);
            let mut fault = Fault::new(&FaultSpec { loss_ppb: 0, outages }, delay, Rng::new(1, 1));
            for start in 0..450 {
                let (begin, arrival) = (Instant::from_ps(start), Instant::from_ps(start + wire + 40));
                let lost = fault.as_mut().and_then(|fault| fault.judge(begin, arrival));
                let takes = |cut: bool| events.iter().any(|&(from, lasts, after, is_cut)| {
                    is_cut == cut && start + after < from + lasts && start + wire + after > from
                });
                prop_assert_eq!(lost.is_some(), takes(true) || takes(false), "{}", start);
                prop_assert!(lost.is_none_or(|why| takes(why == DropReason::LinkDown)), "{}", start);
            }
        }
    }
}
