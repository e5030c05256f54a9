//! From what routers noted to the report on control planes.

use super::plan::Plan;
use crate::control::bfd::{Config, Path};
use crate::control::bgp::State as BgpState;
use crate::control::stack::neighbor::Event as NeighborEvent;
use crate::control::{ControlSpec, Happened, Hops, Noted, Signal};
use crate::engine::{NodeOutcome, Outcome, Role};
use crate::id::NodeId;
use crate::report::{ControlEvent, ControlFigures, ControlNews, SessionFigures, SessionId};
use crate::scenario::{Event, EventKind, EventTarget, RouterSessions, SessionName};
use crate::table::{NextHop, Target, Translation};
use crate::time::{Instant, Span};
use crate::wire::bfd::State as BfdState;

/// The report on control planes; `None` where none ran.
pub(super) fn figures(plan: &Plan, outcome: &Outcome, interrupted: bool) -> Option<ControlFigures> {
    let traffic = outcome.control.as_ref()?;
    let routers = plan.sessions.iter().map(|sessions| Router::new(plan, sessions, outcome));
    let routers: Vec<Router<'_>> = routers.collect();
    let source = outcome.sources.len();
    let mut events: Vec<ControlEvent> = scenario_events(plan, outcome, interrupted);
    events.extend(routers.iter().flat_map(Router::events));
    events.sort_by_key(|event| event.at_ps);
    Some(ControlFigures {
        settle_ps: plan.begin.since(Instant::ZERO).as_ps(),
        sent: traffic.created,
        taken: traffic.consumed,
        dropped: traffic.dropped,
        unclaimed: outcome.nodes.iter().map(|node| node.unclaimed).sum(),
        drops: super::figures::drops(plan, source, outcome),
        sessions: routers.iter().flat_map(Router::sessions).collect(),
        events,
    })
}

/// What the scenario has happen within what was run.
fn scenario_events(plan: &Plan, outcome: &Outcome, interrupted: bool) -> Vec<ControlEvent> {
    // An interrupt ends a run before its time.
    let ran = if interrupted { outcome.ended.since(plan.begin).min(plan.duration) } else { plan.duration };
    let mut events = Vec::new();
    for event in &plan.events {
        for (at, begins) in [(Some(event.at.value), true), (event.end(), false)] {
            if let Some(at) = at.filter(|at| *at < ran) {
                let what = ControlNews::Scenario { name: event.name.value.clone(), begins };
                events.push(ControlEvent { at_ps: at.as_ps().cast_signed(), router: None, what });
            }
        }
    }
    events
}

/// A router and what it noted.
struct Router<'p> {
    plan: &'p Plan,
    sessions: &'p RouterSessions,
    name: &'p str,
    node: &'p NodeOutcome,
}

impl<'p> Router<'p> {
    fn new(plan: &'p Plan, sessions: &'p RouterSessions, outcome: &'p Outcome) -> Self {
        let name = &plan.network.nodes[sessions.node.index()].name;
        Router { plan, sessions, name, node: &outcome.nodes[sessions.node.index()] }
    }

    fn events(&self) -> impl Iterator<Item = ControlEvent> {
        self.node.log.iter().map(|noted| ControlEvent {
            at_ps: noted.at.as_ps().cast_signed() - self.plan.begin.as_ps().cast_signed(),
            router: Some(self.name.to_owned()),
            what: self.news(noted),
        })
    }

    fn news(&self, Noted { at, what }: &Noted) -> ControlNews {
        match what {
            Happened::Signal(port, signal) => {
                ControlNews::Signal { port: self.port(port.index()), lost: *signal == Signal::Lost }
            }
            Happened::Port(port, up) => ControlNews::Port { port: self.port(port.index()), up: *up },
            Happened::Neighbor(place, event) => self.neighbor(*place, *event),
            Happened::Bfd(place, event) => ControlNews::Session {
                session: self.bfd(*place),
                from: bfd_state(event.from),
                to: bfd_state(event.to),
                why: event.cause.to_string(),
                false_failover: event.path() == Some(Path::Failed) && self.is_untouched(*place, *at),
            },
            Happened::Bgp(place, changed) => ControlNews::Session {
                session: self.bgp(*place),
                from: bgp_state(changed.from),
                to: bgp_state(changed.to),
                why: changed.why.to_string(),
                false_failover: false,
            },
            Happened::Switched { port, to_backup, next_hops } => ControlNews::Switched {
                port: self.port(port.index()),
                to_backup: *to_backup,
                next_hops: *next_hops as u64,
            },
            Happened::Reconverged { avoided, changed } => {
                ControlNews::Reconverged { avoided: *avoided as u64, changed: *changed as u64 }
            }
            Happened::Programmed { vrf, prefix, next_hops } => ControlNews::Route {
                vrf: vrf.0,
                prefix: prefix.to_string(),
                ports: next_hops.iter().map(|next_hop| self.out(next_hop)).collect(),
            },
        }
    }

    fn neighbor(&self, place: usize, event: NeighborEvent) -> ControlNews {
        let (address, state, mac) = match event {
            NeighborEvent::Resolved(address, mac) => (address, "resolved", Some(mac)),
            NeighborEvent::Changed(address, mac) => (address, "changed", Some(mac)),
            NeighborEvent::Gone(address) => (address, "gone", None),
            NeighborEvent::Incomplete(address) => (address, "incomplete", None),
        };
        let of = self.sessions.interfaces[place].clone();
        ControlNews::Neighbor { of, address: address.to_string(), state, mac: mac.map(|mac| mac.to_string()) }
    }

    /// Whether no event of the scenario has had to do with the path of a BFD session in the time before `at` in which it
    /// would have noticed.
    fn is_untouched(&self, place: usize, at: Instant) -> bool {
        let (now, slowest) = (at.since(self.plan.begin), self.slowest_detection(place));
        let session = &self.sessions.bfd[place];
        let touches = |event: &Event| {
            let is_fault = matches!(event.what, EventKind::Cut { .. } | EventKind::Blackhole { .. });
            let target = event.target.value;
            let is_through = matches!(target, EventTarget::ProviderLink(of, _) if session.through == Some(of));
            let noticed = |end: Span| end.saturating_add(slowest) > now;
            let is_then = event.at.value <= now && event.end().is_none_or(noticed);
            is_fault && is_then && (session.on == Some(target) || is_through)
        };
        at >= self.plan.begin && !self.plan.events.iter().any(touches)
    }

    /// How long after the last packet that passed a BFD session can take to notice: its multiplier of the slowest interval of
    /// both ends, or of the slow rate while it comes up (RFC 5880 §6.8.3), and a second for what was under way.
    fn slowest_detection(&self, place: usize) -> Span {
        let slow = Span::from_s(1);
        let control_of = |node: NodeId| self.plan.control(node);
        let Some(control) = control_of(self.sessions.node) else { return slow };
        let session = &control.bfd[place];
        let own = match session.over {
            Hops::Multi { local, .. } => Some(local),
            Hops::Single(place) | Hops::Micro(place) => control.interfaces[place].own(session.remote),
        };
        let far = control_of(self.sessions.bfd[place].peer);
        let far = far.and_then(|far| far.bfd.iter().find(|other| Some(other.remote) == own));
        let ends = [Some(session), far].into_iter().flatten().map(|session| session.config);
        let of = |config: Config| {
            let us = config.desired_min_tx.as_us().max(config.required_min_rx.as_us());
            (Span::from_us(us.into()).max(slow), u64::from(config.multiplier.0.get()))
        };
        let (interval, multiplier) = ends.map(of).fold((slow, 1), |(a, b), (c, d)| (a.max(c), b.max(d)));
        Span::from_ps(interval.as_ps().saturating_mul(multiplier)).saturating_add(slow)
    }

    fn sessions(&self) -> Vec<SessionFigures> {
        let bfd = (0..self.sessions.bfd.len()).map(|place| {
            self.session(self.bfd(place), "Down", |what| match what {
                Happened::Bfd(known, event) if *known == place => Some((bfd_state(event.from), bfd_state(event.to))),
                _ => None,
            })
        });
        let bgp = (0..self.sessions.bgp.len()).map(|place| {
            self.session(self.bgp(place), "Idle", |what| match what {
                Happened::Bgp(known, changed) if *known == place => {
                    Some((bgp_state(changed.from), bgp_state(changed.to)))
                }
                _ => None,
            })
        });
        bfd.chain(bgp).collect()
    }

    fn session(
        &self,
        session: SessionId,
        first: &'static str,
        change: impl Fn(&Happened) -> Option<(&'static str, &'static str)>,
    ) -> SessionFigures {
        let (mut state_at_start, mut state, mut downs) = (first, first, 0);
        for noted in &self.node.log {
            let Some((from, to)) = change(&noted.what) else { continue };
            state = to;
            if noted.at < self.plan.begin {
                state_at_start = to;
            } else if from == "Up" || from == "Established" {
                downs += 1;
            }
        }
        SessionFigures { router: self.name.to_owned(), session, state_at_start, state, downs }
    }

    fn bfd(&self, place: usize) -> SessionId {
        let address = self.control().map(|control| control.bfd[place].remote.to_string());
        self.id("bfd", &self.sessions.bfd[place], address.unwrap_or_default())
    }

    fn bgp(&self, place: usize) -> SessionId {
        let address = self.control().map(|control| control.bgp[place].session.remote.to_string());
        self.id("bgp", &self.sessions.bgp[place], address.unwrap_or_default())
    }

    fn id(&self, protocol: &'static str, name: &SessionName, address: String) -> SessionId {
        let peer = self.plan.network.nodes[name.peer.index()].name.clone();
        SessionId { protocol, peer, address, of: name.of.clone() }
    }

    fn control(&self) -> Option<&ControlSpec> {
        self.plan.control(self.sessions.node)
    }

    fn port(&self, place: usize) -> String {
        self.plan.network.nodes[self.sessions.node.index()].ports[place].name.clone()
    }

    fn out(&self, next_hop: &NextHop) -> String {
        match next_hop.target {
            Target::Port(port) => self.port(port.index()),
            Target::Translate(Translation::Outward(pool)) => {
                match &self.plan.network.nodes[self.sessions.node.index()].role {
                    Role::Router(router) => format!("NAT to {}", router.nat.pools[usize::from(pool)].addresses),
                    Role::Host => unreachable!("hosts translate nothing"),
                }
            }
            other => unreachable!("no session leads to {other:?}"),
        }
    }
}

pub(super) const fn bfd_state(state: BfdState) -> &'static str {
    match state {
        BfdState::AdminDown => "AdminDown",
        BfdState::Down => "Down",
        BfdState::Init => "Init",
        BfdState::Up => "Up",
    }
}

pub(super) const fn bgp_state(state: BgpState) -> &'static str {
    match state {
        BgpState::Idle => "Idle",
        BgpState::Connect => "Connect",
        BgpState::Active => "Active",
        BgpState::OpenSent => "OpenSent",
        BgpState::OpenConfirm => "OpenConfirm",
        BgpState::Established => "Established",
    }
}
