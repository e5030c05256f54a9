//! The reference engine: one heap, one event per frame-hop. Slow and obvious, it is the oracle of the fast engine, and
//! it tells a watcher everything that happens.
//!
//! It has the pure parts in common with the fast engine (the datapath, the slow path's decisions, policers, gateway limits,
//! link faults)
//! and nothing else: queues, order of events and counting are its own.

mod calendar;
mod control;
mod port;
mod watch;

pub use watch::{DropPlace, Event, What};

use super::driver::{seat, shares};
use super::network::{Network, Role, RouterSpec};
use super::outcome::{NodeOutcome, Outcome, Share, SourceOutcome};
use super::source::Source;
use crate::frame::{DropReason, Frame};
use crate::id::{NodeId, PortId, VrfId};
use crate::node::{Entry, Fate, Nat, Onward, PuntReason, Seat, Verdict, forward_seen, resolve};
use crate::port::Gate;
use crate::table::{Fib, spread};
use crate::time::{Instant, MIN_FRAME_OCTETS, Span};
use calendar::{Calendar, Happening, Scheduled};
use port::{Port, outer_vid};
use std::borrow::Cow;

/// The frames of one source. A host offers those of all its sources one after another, in order of (time, place of the
/// source).
#[derive(Debug)]
pub struct Offered {
    /// The host that offers them.
    pub node: NodeId,
    /// The frames in order of [`Ident::sent`](crate::frame::Ident::sent); the source of their streams is the place of
    /// this among all that is offered.
    pub frames: Source,
}

/// Runs `network` until no source has a frame left and none is under way, or until just before `until`; `watch` is told
/// everything.
///
/// # Panics
/// If the network is one that [`Network::faults`] complains about, a source is not at a host, or a frame is not
/// accounted for at the end.
pub fn run(
    network: &Network,
    offered: Vec<Offered>,
    until: Option<Instant>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Outcome {
    let faults = network.faults();
    assert!(faults.is_empty(), "the network cannot be run: {faults:?}");
    let mut engine = Engine::new(network, offered, watch);
    let until = until.unwrap_or(Instant::MAX);
    while let Some(next) = engine.calendar.next_before(until) {
        engine.handle(next);
    }
    engine.finish()
}

/// A frame and its number.
#[derive(Debug)]
struct Traveller {
    number: u64,
    frame: Frame,
}

/// A source at work: its frames, the next of them at hand.
struct Supply {
    next: Option<Frame>,
    others: Box<dyn Iterator<Item = Frame>>,
    source: usize,
    host: NodeId,
}

impl Supply {
    fn new(source: usize, host: NodeId, frames: Source) -> Self {
        let mut supply = Supply { next: None, others: frames.into_frames(), source, host };
        supply.take();
        supply
    }

    /// When the frame at hand is due.
    fn due(&self) -> Option<Instant> {
        self.next.as_ref().map(|frame| frame.id.sent)
    }

    /// Takes the frame at hand, and has the next at hand.
    fn take(&mut self) -> Option<Frame> {
        let next = self.others.next();
        let taken = std::mem::replace(&mut self.next, next);
        if let Some(next) = &self.next {
            let source = self.source;
            assert!(next.id.stream.source() == source, "source {source} has foreign frames");
            let last = taken.as_ref().map_or(Instant::ZERO, |taken| taken.id.sent);
            assert!(last <= next.id.sent, "source {source} goes back in time");
        }
        taken
    }
}

/// A node at work.
struct Node<'a> {
    role: &'a Role,
    ports: Vec<Port<'a>>,
    outcome: NodeOutcome,
    gate: Option<Gate>,
    nat: Nat,
    /// A router's tables, which change if it has a control plane.
    fib: Option<Cow<'a, Fib>>,
    seat: Option<Box<Seat>>,
    /// When the control plane is to be called next.
    called_at: Option<Instant>,
    /// When the slow path's last frame enters the datapath.
    last_local: Instant,
}

struct Engine<'a> {
    network: &'a Network,
    nodes: Vec<Node<'a>>,
    /// What each source has left.
    supplies: Vec<Supply>,
    calendar: Calendar,
    ended: Instant,
    numbers: u64,
    watch: &'a mut dyn FnMut(Event<'_>),
}

impl<'a> Engine<'a> {
    fn new(network: &'a Network, offered: Vec<Offered>, watch: &'a mut dyn FnMut(Event<'_>)) -> Self {
        let nodes = network.nodes.iter().enumerate().map(|(place, spec)| Node {
            role: &spec.role,
            ports: (0..spec.ports.len())
                .map(|port| Port::new(network, (NodeId(place as u16), PortId(port as u16))))
                .collect(),
            outcome: NodeOutcome::of(shares(network, offered.len())),
            gate: match &spec.role {
                Role::Router(router) => router.gate.as_ref().map(Gate::new),
                Role::Host => None,
            },
            nat: match &spec.role {
                Role::Router(router) => Nat::new(&router.nat),
                Role::Host => Nat::default(),
            },
            fib: match &spec.role {
                Role::Router(router) => Some(Cow::Borrowed(&router.fib)),
                Role::Host => None,
            },
            seat: match &spec.role {
                Role::Router(router) => seat(network, router, offered.len()),
                Role::Host => None,
            },
            called_at: None,
            last_local: Instant::ZERO,
        });
        let mut engine = Engine {
            network,
            nodes: nodes.collect(),
            supplies: Vec::new(),
            calendar: Calendar::default(),
            ended: Instant::ZERO,
            numbers: 0,
            watch,
        };
        for (source, Offered { node, frames }) in offered.into_iter().enumerate() {
            assert!(matches!(engine.nodes[node.index()].role, Role::Host), "source {source} is not at a host");
            engine.supplies.push(Supply::new(source, node, frames));
        }
        for node in (0..network.nodes.len()).map(|node| NodeId(node as u16)) {
            engine.schedule_offer(node, Instant::ZERO);
            engine.schedule_control(node);
        }
        engine
    }

    fn handle(&mut self, next: Scheduled) {
        let Scheduled { at, node, happening, .. } = next;
        match happening {
            Happening::Offer => self.offer(at, node),
            Happening::EndOfTransmission(port, traveller) => self.end_transmission(at, node, port, traveller),
            Happening::Arrival(port, traveller) => self.arrive(at, node, port, traveller),
            Happening::Control => self.control(at, node),
            Happening::Local(onward, traveller) => self.enter_from_slow_path(at, node, onward, traveller),
        }
    }

    /// The source of a host whose frame is the first one due; of several, the one that was given first.
    fn first_due(&self, node: NodeId) -> Option<usize> {
        let mine = self.supplies.iter().filter(|supply| supply.host == node);
        mine.filter_map(|supply| Some((supply.due()?, supply.source))).min().map(|(_, source)| source)
    }

    /// A host offers one frame after another: none before the one that came before it, at `last`.
    fn schedule_offer(&mut self, node: NodeId, last: Instant) {
        if let Some(due) = self.first_due(node).and_then(|source| self.supplies[source].due()) {
            let input = self.nodes[node.index()].ports.len();
            self.calendar.schedule(due.max(last), node, input, Happening::Offer);
        }
    }

    /// A host's next frame goes out by one of its ports, as soon as that is free.
    fn offer(&mut self, at: Instant, node: NodeId) {
        let ports = &self.nodes[node.index()].ports;
        let usable: Vec<_> = (0..ports.len()).filter(|&port| ports[port].is_usable()).collect();
        let Some(source) = self.first_due(node) else { return };
        let Some(frame) = &self.supplies[source].next else { return };
        let port = match usable.len() {
            0 => None,
            count => Some(usable[spread(frame.header.hash, count as u32) as usize]),
        };
        if let Some(free) = port.and_then(|port| ports[port].wire_busy_until()) {
            return self.schedule_offer(node, free);
        }
        let Some(frame) = self.supplies[source].take() else { return };
        self.schedule_offer(node, at);
        let mut traveller = self.number(frame);
        pad(&mut traveller.frame);
        let share = self.share(node, &traveller);
        share.offered.add(traveller.frame.len());
        share.last_offered = Some(at);
        self.tell(at, node, &traveller, What::Offered);
        match port {
            None => self.drop(at, node, &traveller, DropPlace::Egress(PortId(0)), DropReason::AdminDown),
            Some(port) => self.transmit(at, node, PortId(port as u16), traveller),
        }
    }

    /// The last bit of a frame arrives.
    fn arrive(&mut self, at: Instant, node: NodeId, port: PortId, mut traveller: Traveller) {
        traveller.frame.at = at;
        self.ended = self.ended.max(at);
        if let Err(lost) = self.nodes[node.index()].ports[port.index()].arrive(self.network, &traveller.frame) {
            return self.drop(at, node, &traveller, DropPlace::Ingress(port), lost);
        }
        self.tell(at, node, &traveller, What::Arrived(port));
        match self.nodes[node.index()].role {
            Role::Host => self.deliver(at, node, port, &traveller),
            Role::Router(router) => self.forward_arrival(at, node, port, router, traveller),
        }
    }

    fn deliver(&mut self, at: Instant, node: NodeId, port: PortId, traveller: &Traveller) {
        let frame = &traveller.frame;
        self.share(node, traveller).delivery.add(frame.len(), frame.id.sent, at);
        self.tell(at, node, traveller, What::Delivered(port));
    }

    /// A router's datapath and ingress policer, on a frame from the wire.
    fn forward_arrival(&mut self, at: Instant, node: NodeId, port: PortId, router: &RouterSpec, mut it: Traveller) {
        let (vid, octets) = (outer_vid(&it.frame), it.frame.len());
        let sub = self.nodes[node.index()].ports[port.index()].sub_of(&it.frame);
        let verdict = self.forward(at, node, Entry::Port(port), &mut it);
        let place = DropPlace::Ingress(port);
        if let Verdict::Drop(reason) = verdict
            && self.nodes[node.index()].seat.is_some()
            && Seat::wants(reason, &it.frame, &self.network.templates)
        {
            return self.resolve(at, node, router, (port, PuntReason::Local, VrfId(0)), it);
        }
        if let Verdict::Drop(reason) = verdict {
            return self.drop_counting(at, node, (&it, octets), place, reason);
        }
        let Port { ingress_policer, outcome, .. } = &mut self.nodes[node.index()].ports[port.index()];
        if ingress_policer.as_mut().is_some_and(|policer| !policer.admits(at, vid, octets)) {
            if let Some(sub) = sub {
                outcome.sub_interfaces[sub].ingress_policed.add(octets);
            }
            return self.drop_counting(at, node, (&it, octets), place, DropReason::Policed);
        }
        match verdict {
            Verdict::Transmit(out) => self.transmit(at, node, out, it),
            Verdict::Punt { reason, vrf } => self.resolve(at, node, router, (port, reason, vrf), it),
            Verdict::Drop(reason) => self.drop_counting(at, node, (&it, octets), place, reason),
        }
    }

    /// A frame of the slow path's making goes through the datapath; it is not made into anything again.
    fn enter_from_slow_path(&mut self, at: Instant, node: NodeId, onward: Onward, mut traveller: Traveller) {
        traveller.frame.at = at;
        let entry = match onward {
            Onward::Datapath(entry) => entry,
            Onward::Port(port) => return self.transmit(at, node, port, traveller),
        };
        if let Entry::Local(vrf) = entry {
            self.tell(at, node, &traveller, What::Entered(vrf));
        }
        let reason = match self.forward(at, node, entry, &mut traveller) {
            Verdict::Transmit(out) => return self.transmit(at, node, out, traveller),
            Verdict::Punt { reason: PuntReason::Local, .. } => return self.consume(at, node, &traveller),
            Verdict::Punt { reason: PuntReason::TtlExpired, .. } => DropReason::TtlExpired,
            Verdict::Punt { reason: PuntReason::MplsTtlExpired, .. } => DropReason::MplsTtlExpired,
            Verdict::Punt { reason: PuntReason::MtuExceeded { .. }, .. } => DropReason::MtuExceeded,
            Verdict::Punt { reason: PuntReason::Translate(_), .. } => DropReason::NoListener,
            Verdict::Drop(reason) => reason,
        };
        self.drop(at, node, &traveller, DropPlace::SlowPath, reason);
    }

    fn consume(&mut self, at: Instant, node: NodeId, traveller: &Traveller) {
        self.share(node, traveller).consumed += 1;
        self.tell(at, node, traveller, What::Consumed);
    }

    /// What is counted of the frame's source at a node.
    fn share(&mut self, node: NodeId, traveller: &Traveller) -> &mut Share {
        &mut self.nodes[node.index()].outcome.shares[traveller.frame.id.stream.source()]
    }

    fn forward(&mut self, at: Instant, node: NodeId, entry: Entry, it: &mut Traveller) -> Verdict {
        let mut steps = Vec::new();
        let Some(fib) = self.nodes[node.index()].fib.as_deref() else { return Verdict::Drop(DropReason::NoListener) };
        let verdict = forward_seen(fib, &self.network.templates, entry, &mut it.frame, &mut steps);
        let what = What::Forwarded { entry, fib, steps: &steps, verdict };
        (self.watch)(Event { at, node, number: it.number, frame: &it.frame, what });
        verdict
    }

    /// The slow path decides; what it makes enters the datapath later, one frame after another.
    fn resolve(
        &mut self,
        at: Instant,
        node: NodeId,
        router: &RouterSpec,
        (port, reason, vrf): (PortId, PuntReason, VrfId),
        traveller: Traveller,
    ) {
        if let (PuntReason::Local, Some(seat)) = (reason, &mut self.nodes[node.index()].seat) {
            seat.receive(at, port, vrf, &traveller.frame, &self.network.templates);
            self.schedule_control(node);
        }
        let addresses = router.addresses.get(vrf.index()).copied().unwrap_or_default();
        let mut made = Vec::new();
        let nat = &mut self.nodes[node.index()].nat;
        let fate = resolve(reason, vrf, &traveller.frame, &self.network.templates, addresses, nat, &mut made);
        self.tell(at, node, &traveller, What::Punted { reason, vrf, fate });
        match fate {
            Fate::Translated => {}
            Fate::Consumed => self.share(node, &traveller).consumed += 1,
            Fate::Dropped(reason) => self.drop(at, node, &traveller, DropPlace::SlowPath, reason),
        }
        for (entry, frame) in made {
            let state = &mut self.nodes[node.index()];
            let enters = (at + router.punt_delay).max(state.last_local + Span::from_ps(1));
            state.last_local = enters;
            let it = match fate {
                Fate::Translated => Traveller { frame, ..traveller },
                _ => {
                    let it = self.number(frame);
                    self.share(node, &it).created += 1;
                    self.tell(at, node, &it, What::Made { from: traveller.number, enters });
                    it
                }
            };
            let input = self.nodes[node.index()].ports.len();
            self.calendar.schedule(enters, node, input, Happening::Local(Onward::Datapath(entry), it));
        }
    }

    /// A frame is to leave by `port`.
    fn transmit(&mut self, at: Instant, node: NodeId, port: PortId, mut traveller: Traveller) {
        pad(&mut traveller.frame);
        let gate = self.nodes[node.index()].gate.as_mut().filter(|gate| gate.outputs().contains(&port));
        if let Some(Err(reason)) = gate.map(|gate| gate.admit(at, &traveller.frame)) {
            return self.drop(at, node, &traveller, DropPlace::Egress(port), reason);
        }
        match self.nodes[node.index()].ports[port.index()].admit(at, &traveller.frame) {
            Err(reason) => self.drop(at, node, &traveller, DropPlace::Egress(port), reason),
            Ok((queue, ahead)) => {
                self.tell(at, node, &traveller, What::Queued { port, queue, ahead });
                self.nodes[node.index()].ports[port.index()].push(queue, traveller);
                self.start_next(at, node, port);
            }
        }
    }

    fn start_next(&mut self, at: Instant, node: NodeId, port: PortId) {
        if let Some((traveller, last_bit)) = self.nodes[node.index()].ports[port.index()].start_next(at) {
            self.tell(at, node, &traveller, What::Started { port, last_bit });
            self.calendar.schedule(last_bit, node, port.index(), Happening::EndOfTransmission(port, traveller));
        }
    }

    fn end_transmission(&mut self, at: Instant, node: NodeId, port: PortId, traveller: Traveller) {
        let state = &mut self.nodes[node.index()].ports[port.index()];
        state.end_transmission();
        if let Some(link) = state.outgoing {
            let link = &self.network.links[link];
            let (node, port) = link.to;
            self.calendar.schedule(at + link.delay, node, port.index(), Happening::Arrival(port, traveller));
        }
        self.start_next(at, node, port);
    }

    fn drop(&mut self, at: Instant, node: NodeId, traveller: &Traveller, place: DropPlace, reason: DropReason) {
        self.drop_counting(at, node, (traveller, traveller.frame.len()), place, reason);
    }

    /// Drops a frame that forwarding has changed already: it counts as it came.
    fn drop_counting(
        &mut self,
        at: Instant,
        node: NodeId,
        (traveller, octets): (&Traveller, u16),
        place: DropPlace,
        reason: DropReason,
    ) {
        let state = &mut self.nodes[node.index()];
        match place {
            DropPlace::Ingress(port) => state.ports[port.index()].outcome.ingress_drops.add(reason, octets),
            // A host without a port has nowhere to count; the source's own count has it.
            DropPlace::Egress(port) => {
                if let Some(port) = state.ports.get_mut(port.index()) {
                    port.outcome.egress_drops.add(reason, octets);
                }
            }
            DropPlace::SlowPath => state.outcome.slow_path_drops.add(reason, octets),
        }
        self.share(node, traveller).drops.add(reason, octets);
        self.tell(at, node, traveller, What::Dropped { place, reason });
    }

    fn number(&mut self, frame: Frame) -> Traveller {
        self.numbers += 1;
        Traveller { number: self.numbers - 1, frame }
    }

    fn tell(&mut self, at: Instant, node: NodeId, traveller: &Traveller, what: What<'_>) {
        (self.watch)(Event { at, node, number: traveller.number, frame: &traveller.frame, what });
    }

    /// Counts what is still under way, and holds the counts against each other.
    fn finish(mut self) -> Outcome {
        let count = shares(self.network, self.supplies.len());
        let mut sources = vec![SourceOutcome::default(); count];
        let mut in_network = |it: &Traveller| sources[it.frame.id.stream.source()].in_network += 1;
        self.calendar.travellers().for_each(&mut in_network);
        let ports = self.nodes.iter().flat_map(|node| &node.ports);
        ports.flat_map(Port::waiting).for_each(&mut in_network);
        for node in &mut self.nodes {
            node.outcome.sum_up();
            sources.iter_mut().zip(&node.outcome.shares).for_each(|(source, share)| source.add(share));
        }
        for (place, source) in sources.iter().enumerate() {
            assert!(source.is_balanced(), "source {place}: a frame is not accounted for: {source:?}");
        }
        let nodes = self.nodes.into_iter().map(|node| NodeOutcome {
            ports: node.ports.into_iter().map(Port::into_outcome).collect(),
            instances: node.gate.as_ref().map_or_else(Vec::new, Gate::counts),
            unclaimed: node.seat.as_ref().map_or(0, |seat| seat.unclaimed()),
            tables: node.seat.as_ref().zip(node.fib.as_ref()).and_then(|(seat, fib)| seat.tables(fib)),
            log: node.seat.as_ref().map_or_else(Vec::new, |seat| seat.log().to_vec()),
            ..node.outcome
        });
        let control = if self.network.has_control() { sources.pop() } else { None };
        Outcome { nodes: nodes.collect(), sources, control, ended: self.ended }
    }
}

/// Pads to the smallest frame (IEEE 802.3 §4.2.3.3).
fn pad(frame: &mut Frame) {
    let meta = frame.header.meta;
    frame.header.meta = meta.with_len(meta.len().max(MIN_FRAME_OCTETS));
}

#[cfg(test)]
mod tests;
