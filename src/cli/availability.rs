//! How much of a time what keeps a connection up was there: the port, the neighbour, the BGP sessions.

use crate::control::bgp::State;
use crate::control::stack::neighbor::Event;
use crate::control::{BgpSpec, ControlSpec, Happened, Noted, Over};
use crate::engine::{Network, NodeOutcome, Outcome, Role};
use crate::id::{NodeId, PortId};
use crate::scenario::PeeringEnd;
use crate::time::Instant;

/// A part of a whole: so much of a time, and the time, in picoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) part: u64,
    pub(super) whole: u64,
}

/// What was there at routers with control planes from one instant to another.
pub(super) struct Availability<'a> {
    pub(super) network: &'a Network,
    pub(super) outcome: &'a Outcome,
    pub(super) from: Instant,
    pub(super) to: Instant,
}

impl<'a> Availability<'a> {
    /// How long a port was up; `None` if nothing watches it.
    pub(super) fn port(&self, (node, port): (NodeId, PortId)) -> Option<Share> {
        let (control, outcome) = self.router(node)?;
        control.ports.iter().find(|watched| watched.port == port)?;
        let change = |what: &Happened| match what {
            Happened::Port(known, up) if *known == port => Some((0, *up)),
            _ => None,
        };
        Some(self.all_up(&outcome.log, vec![true], change))
    }

    /// How long all BGP sessions of a peering were established; `None` if none runs.
    pub(super) fn bgp(&self, end: &PeeringEnd) -> Option<Share> {
        let (control, outcome) = self.router(end.port.0)?;
        let is_of_end = |place: &usize| interface_of(control, &control.bgp[*place], end).is_some();
        let places: Vec<usize> = (0..control.bgp.len()).filter(is_of_end).collect();
        let change = |what: &Happened| match what {
            Happened::Bgp(session, changed) => {
                let place = places.iter().position(|known| known == session)?;
                Some((place, changed.to == State::Established))
            }
            _ => None,
        };
        (!places.is_empty()).then(|| self.all_up(&outcome.log, vec![false; places.len()], change))
    }

    /// How long the MAC addresses of all neighbours of a peering's sessions were known; `None` if no session runs.
    pub(super) fn arp(&self, end: &PeeringEnd) -> Option<Share> {
        let (control, outcome) = self.router(end.port.0)?;
        let neighbor = |session: &BgpSpec| Some((interface_of(control, session, end)?, session.session.remote));
        let neighbors: Vec<_> = control.bgp.iter().filter_map(neighbor).collect();
        let change = |what: &Happened| {
            let Happened::Neighbor(interface, event) = what else { return None };
            let (address, is_known) = match event {
                Event::Resolved(address, _) | Event::Changed(address, _) => (*address, true),
                Event::Gone(address) | Event::Incomplete(address) => (*address, false),
            };
            Some((neighbors.iter().position(|known| *known == (*interface, address))?, is_known))
        };
        (!neighbors.is_empty()).then(|| self.all_up(&outcome.log, vec![false; neighbors.len()], change))
    }

    fn router(&self, node: NodeId) -> Option<(&'a ControlSpec, &'a NodeOutcome)> {
        match &self.network.nodes[node.index()].role {
            Role::Router(router) => Some((router.control.as_deref()?, &self.outcome.nodes[node.index()])),
            Role::Host => None,
        }
    }

    /// How long all of `up` were up, as the log tells of each by its place.
    fn all_up(&self, log: &[Noted], mut up: Vec<bool>, change: impl Fn(&Happened) -> Option<(usize, bool)>) -> Share {
        let (mut part, mut since) = (0, self.from);
        let mut pass = |until: Instant, up: &[bool]| {
            let until = until.min(self.to).max(since);
            if up.iter().all(|is_up| *is_up) {
                part += until.since(since).as_ps();
            }
            since = until;
        };
        for noted in log {
            if let Some((place, is_up)) = change(&noted.what) {
                pass(noted.at, &up);
                up[place] = is_up;
            }
        }
        pass(self.to, &up);
        Share { part, whole: self.to.since(self.from).as_ps() }
    }
}

/// The sub-interface of a session, if it is that of a peering's end: where a port has several, by the first of the peering's
/// VRFs.
fn interface_of(control: &ControlSpec, session: &BgpSpec, end: &PeeringEnd) -> Option<usize> {
    let Over::Interface(place) = session.over else { return None };
    let interface = &control.interfaces[place];
    let is_its =
        interface.port == end.port.1 && end.sub_interface.is_none_or(|place| interface.vrf.index() == 2 * place);
    is_its.then_some(place)
}
