//! From what routers noted to the report on control planes.

use super::plan::Plan;
use crate::control::bgp::State as BgpState;
use crate::control::stack::neighbor::Event as NeighborEvent;
use crate::control::{Happened, Noted, Signal};
use crate::engine::{NodeOutcome, Outcome, Role};
use crate::report::{ControlEvent, ControlFigures, ControlNews, SessionFigures, SessionId};
use crate::scenario::{EventKind, EventTarget, RouterSessions, SessionName};
use crate::table::{NextHop, Target};
use crate::time::Instant;
use crate::wire::bfd::State as BfdState;

/// The report on control planes; `None` where none ran.
pub(super) fn figures(plan: &Plan, outcome: &Outcome) -> Option<ControlFigures> {
    let traffic = outcome.control.as_ref()?;
    let routers = plan.sessions.iter().map(|sessions| Router::new(plan, sessions, outcome));
    let routers: Vec<Router<'_>> = routers.collect();
    let source = outcome.sources.len();
    let mut events: Vec<ControlEvent> = scenario_events(plan);
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

/// What the scenario has happen within the run.
fn scenario_events(plan: &Plan) -> Vec<ControlEvent> {
    let mut events = Vec::new();
    for event in &plan.events {
        let mut at = |at: crate::time::Span, begins: bool| {
            let what = ControlNews::Scenario { name: event.name.value.clone(), begins };
            events.push(ControlEvent { at_ps: at.as_ps() as i64, router: None, what });
        };
        at(event.at.value, true);
        if let Some(end) = event.end().filter(|end| *end < plan.duration) {
            at(end, false);
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
                false_failover: event.path() == Some(crate::control::bfd::Path::Failed)
                    && self.is_untouched(&self.sessions.bfd[*place], *at),
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

    /// Whether no event of the scenario has had to do with the path of a session in the time before `at` in which BFD at its
    /// slowest would have noticed.
    fn is_untouched(&self, session: &SessionName, at: Instant) -> bool {
        let now = at.since(self.plan.begin);
        let touches = |event: &&crate::scenario::Event| {
            let is_fault = matches!(event.what, EventKind::Cut { .. } | EventKind::Blackhole { .. });
            let is_there = match event.target.value {
                target @ EventTarget::Connection(..) => session.on == Some(target),
                EventTarget::ProviderLink(..) => true,
            };
            let noticed = |end: crate::time::Span| end.saturating_add(SLOWEST_DETECTION) > now;
            is_fault && is_there && event.at.value <= now && event.end().is_none_or(noticed)
        };
        at >= self.plan.begin && !self.plan.events.iter().any(|event| touches(&event))
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

    fn control(&self) -> Option<&crate::control::ControlSpec> {
        match &self.plan.network.nodes[self.sessions.node.index()].role {
            Role::Router(router) => router.control.as_deref(),
            Role::Host => None,
        }
    }

    fn port(&self, place: usize) -> String {
        self.plan.network.nodes[self.sessions.node.index()].ports[place].name.clone()
    }

    fn out(&self, next_hop: &NextHop) -> String {
        match next_hop.target {
            Target::Port(port) => self.port(port.index()),
            // Sessions are over ports.
            other => format!("{other:?}"),
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

/// The longest that BFD takes here to notice a fault that is over: its slow rate three times, and as much again for what is
/// under way.
const SLOWEST_DETECTION: crate::time::Span = crate::time::Span::from_s(6);
