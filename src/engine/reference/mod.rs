//! The reference engine: one heap, one event per frame-hop. Slow and obvious, it is the oracle of the fast engine, and
//! it tells a watcher everything that happens.
//!
//! It has the pure parts in common with the fast engine (the datapath, the slow path's decisions, policers, gateway limits,
//! link faults)
//! and nothing else: queues, order of events and counting are its own.

mod calendar;
mod port;
mod watch;

pub use watch::{DropPlace, Event, What};

use super::network::{Network, Role, RouterSpec};
use super::outcome::{NodeOutcome, Outcome, SourceOutcome};
use super::source::Source;
use crate::frame::{DropReason, Frame};
use crate::id::{NodeId, PortId, VrfId};
use crate::node::{Entry, Fate, PuntReason, Verdict, forward_seen, resolve};
use crate::port::Gate;
use crate::table::spread;
use crate::time::{Instant, MIN_FRAME_OCTETS, Span};
use calendar::{Calendar, Happening, Scheduled};
use port::{Port, outer_vid};

/// The frames of one source.
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
}

impl Supply {
    fn new(source: usize, frames: Source) -> Self {
        let mut supply = Supply { next: None, others: frames.into_frames(), source };
        supply.take();
        supply
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
    /// When the slow path's last frame enters the datapath.
    last_local: Instant,
}

struct Engine<'a> {
    network: &'a Network,
    nodes: Vec<Node<'a>>,
    /// What each source has left.
    supplies: Vec<(NodeId, Supply)>,
    calendar: Calendar,
    sources: Vec<SourceOutcome>,
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
            outcome: NodeOutcome::default(),
            gate: match &spec.role {
                Role::Router(router) => router.gate.as_ref().map(Gate::new),
                Role::Host => None,
            },
            last_local: Instant::ZERO,
        });
        let mut engine = Engine {
            network,
            nodes: nodes.collect(),
            supplies: Vec::new(),
            calendar: Calendar::default(),
            sources: vec![SourceOutcome::default(); offered.len()],
            ended: Instant::ZERO,
            numbers: 0,
            watch,
        };
        for (source, Offered { node, frames }) in offered.into_iter().enumerate() {
            assert!(matches!(engine.nodes[node.index()].role, Role::Host), "source {source} is not at a host");
            engine.supplies.push((node, Supply::new(source, frames)));
            engine.schedule_offer(source, Instant::ZERO);
        }
        engine
    }

    fn handle(&mut self, next: Scheduled) {
        let Scheduled { at, node, happening, .. } = next;
        match happening {
            Happening::Offer(source) => self.offer(at, node, source),
            Happening::EndOfTransmission(port, traveller) => self.end_transmission(at, node, port, traveller),
            Happening::Arrival(port, traveller) => self.arrive(at, node, port, traveller),
            Happening::Local(entry, traveller) => self.enter_from_slow_path(at, node, entry, traveller),
        }
    }

    /// A source offers one frame after another: none before the one that came before it, at `last`.
    fn schedule_offer(&mut self, source: usize, last: Instant) {
        let (node, supply) = &self.supplies[source];
        let (node, next) = (*node, supply.next.as_ref().map(|frame| frame.id.sent.max(last)));
        if let Some(at) = next {
            let input = self.nodes[node.index()].ports.len() + source;
            self.calendar.schedule(at, node, input, Happening::Offer(source));
        }
    }

    /// A source's next frame goes out by one of its host's ports, as soon as that is free.
    fn offer(&mut self, at: Instant, node: NodeId, source: usize) {
        let ports = &self.nodes[node.index()].ports;
        let usable: Vec<_> = (0..ports.len()).filter(|&port| ports[port].is_usable()).collect();
        let Some(frame) = &self.supplies[source].1.next else { return };
        let port = match usable.len() {
            0 => None,
            count => Some(usable[spread(frame.header.hash, count as u32) as usize]),
        };
        if let Some(free) = port.and_then(|port| ports[port].wire_busy_until()) {
            return self.schedule_offer(source, free);
        }
        let Some(frame) = self.supplies[source].1.take() else { return };
        self.schedule_offer(source, at);
        let mut traveller = self.number(frame);
        pad(&mut traveller.frame);
        self.sources[source].offered.add(traveller.frame.len());
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
        self.nodes[node.index()].outcome.delivery.add(frame.len(), frame.id.sent, at);
        self.sources[frame.id.stream.source()].delivered += 1;
        self.tell(at, node, traveller, What::Delivered(port));
    }

    /// A router's datapath and ingress policer, on a frame from the wire.
    fn forward_arrival(&mut self, at: Instant, node: NodeId, port: PortId, router: &RouterSpec, mut it: Traveller) {
        let (vid, octets) = (outer_vid(&it.frame), it.frame.len());
        let verdict = self.forward(at, node, router, Entry::Port(port), &mut it);
        let place = DropPlace::Ingress(port);
        if let Verdict::Drop(reason) = verdict {
            return self.drop(at, node, &it, place, reason);
        }
        let policer = &mut self.nodes[node.index()].ports[port.index()].ingress_policer;
        if policer.as_mut().is_some_and(|policer| !policer.admits(at, vid, octets)) {
            return self.drop(at, node, &it, place, DropReason::Policed);
        }
        match verdict {
            Verdict::Transmit(out) => self.transmit(at, node, out, it),
            Verdict::Punt { reason, vrf } => self.resolve(at, node, router, reason, vrf, it),
            Verdict::Drop(reason) => self.drop(at, node, &it, place, reason),
        }
    }

    /// A frame of the slow path's making goes through the datapath; it is not made into anything again.
    fn enter_from_slow_path(&mut self, at: Instant, node: NodeId, entry: Entry, mut traveller: Traveller) {
        traveller.frame.at = at;
        // Slow paths are of routers only.
        let Role::Router(router) = self.nodes[node.index()].role else { return };
        if let Entry::Local(vrf) = entry {
            self.tell(at, node, &traveller, What::Entered(vrf));
        }
        let reason = match self.forward(at, node, router, entry, &mut traveller) {
            Verdict::Transmit(out) => return self.transmit(at, node, out, traveller),
            Verdict::Punt { reason: PuntReason::Local, .. } => return self.consume(at, node, &traveller),
            Verdict::Punt { reason: PuntReason::TtlExpired, .. } => DropReason::TtlExpired,
            Verdict::Punt { reason: PuntReason::MplsTtlExpired, .. } => DropReason::MplsTtlExpired,
            Verdict::Punt { reason: PuntReason::MtuExceeded { .. }, .. } => DropReason::MtuExceeded,
            Verdict::Drop(reason) => reason,
        };
        self.drop(at, node, &traveller, DropPlace::SlowPath, reason);
    }

    fn consume(&mut self, at: Instant, node: NodeId, traveller: &Traveller) {
        self.count_consumed(node, traveller);
        self.tell(at, node, traveller, What::Consumed);
    }

    fn count_consumed(&mut self, node: NodeId, traveller: &Traveller) {
        self.nodes[node.index()].outcome.consumed += 1;
        self.sources[traveller.frame.id.stream.source()].consumed += 1;
    }

    fn forward(&mut self, at: Instant, node: NodeId, router: &RouterSpec, entry: Entry, it: &mut Traveller) -> Verdict {
        let mut steps = Vec::new();
        let verdict = forward_seen(&router.fib, &self.network.templates, entry, &mut it.frame, &mut steps);
        self.tell(at, node, it, What::Forwarded { entry, steps: &steps, verdict });
        verdict
    }

    /// The slow path decides; what it makes enters the datapath later, one frame after another.
    fn resolve(
        &mut self,
        at: Instant,
        node: NodeId,
        router: &RouterSpec,
        reason: PuntReason,
        vrf: VrfId,
        traveller: Traveller,
    ) {
        let addresses = router.addresses.get(vrf.index()).copied().unwrap_or_default();
        let mut made = Vec::new();
        let fate = resolve(reason, vrf, &traveller.frame, &self.network.templates, addresses, &mut made);
        self.tell(at, node, &traveller, What::Punted { reason, vrf, fate });
        match fate {
            Fate::Consumed => self.count_consumed(node, &traveller),
            Fate::Dropped(reason) => self.drop(at, node, &traveller, DropPlace::SlowPath, reason),
        }
        for (entry, frame) in made {
            let it = self.number(frame);
            let state = &mut self.nodes[node.index()];
            let enters = (at + router.punt_delay).max(state.last_local + Span::from_ps(1));
            state.last_local = enters;
            state.outcome.created += 1;
            self.sources[it.frame.id.stream.source()].created += 1;
            self.tell(at, node, &it, What::Made { from: traveller.number, enters });
            let input = self.nodes[node.index()].ports.len();
            self.calendar.schedule(enters, node, input, Happening::Local(entry, it));
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
        let state = &mut self.nodes[node.index()];
        match place {
            DropPlace::Ingress(port) => state.ports[port.index()].outcome.ingress_drops.add(reason),
            // A host without a port has nowhere to count; the source's own count has it.
            DropPlace::Egress(port) => {
                if let Some(port) = state.ports.get_mut(port.index()) {
                    port.outcome.egress_drops.add(reason);
                }
            }
            DropPlace::SlowPath => state.outcome.slow_path_drops.add(reason),
        }
        self.sources[traveller.frame.id.stream.source()].dropped += 1;
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
        let mut in_network = |it: &Traveller| self.sources[it.frame.id.stream.source()].in_network += 1;
        self.calendar.travellers().for_each(&mut in_network);
        let ports = self.nodes.iter().flat_map(|node| &node.ports);
        ports.flat_map(Port::waiting).for_each(&mut in_network);
        for (place, source) in self.sources.iter().enumerate() {
            assert!(source.is_balanced(), "source {place}: a frame is not accounted for: {source:?}");
        }
        let nodes = self.nodes.into_iter().map(|node| NodeOutcome {
            ports: node.ports.into_iter().map(Port::into_outcome).collect(),
            ..node.outcome
        });
        Outcome { nodes: nodes.collect(), sources: self.sources, ended: self.ended }
    }
}

/// Pads to the smallest frame (IEEE 802.3 §4.2.3.3).
fn pad(frame: &mut Frame) {
    let meta = frame.header.meta;
    frame.header.meta = meta.with_len(meta.len().max(MIN_FRAME_OCTETS));
}

#[cfg(test)]
mod tests;
