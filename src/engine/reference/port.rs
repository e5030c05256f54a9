//! A port of the reference engine: queues as they are drawn in a textbook, and what is counted at the port.

use super::Traveller;
use crate::engine::{Network, PortOutcome, Role, SubInterfaceOutcome};
use crate::frame::{DropReason, Frame};
use crate::id::{NodeId, PortId, StreamId};
use crate::port::{Fault, PolicerTable, PortSpec, start_of};
use crate::rng::Rng;
use crate::table::Ingress;
use crate::time::{Instant, Span};
use std::collections::{BTreeSet, VecDeque};

/// A port at work, both directions.
pub(super) struct Port<'a> {
    pub(super) spec: &'a PortSpec,
    /// Places in the network's links.
    incoming: Option<usize>,
    pub(super) outgoing: Option<usize>,
    fault: Option<Fault>,
    pub(super) ingress_policer: Option<PolicerTable>,
    egress_policer: Option<PolicerTable>,
    /// What waits, per queue in order of arrival.
    waiting: Vec<VecDeque<Traveller>>,
    /// The sub-interfaces, if each is counted.
    subs: Option<&'a Ingress>,
    /// Whether it has a carrier, for all that the control plane says.
    has_carrier: bool,
    /// When the frame on the wire will have left, if there is one.
    wire_busy_until: Option<Instant>,
    pub(super) outcome: PortOutcome,
    received_flows: BTreeSet<StreamId>,
    sent_flows: BTreeSet<StreamId>,
}

impl<'a> Port<'a> {
    pub(super) fn new(network: &'a Network, at: (NodeId, PortId)) -> Self {
        let spec = network.port(at);
        let incoming = network.links.iter().position(|link| link.to == at);
        let rng = |link: usize| Rng::new(network.seed, link as u64);
        let subs = match &network.nodes[at.0.index()].role {
            Role::Router(router) if spec.counts_sub_interfaces => router.fib.ingress(at.1.index()),
            _ => None,
        };
        let sub_interfaces = vec![SubInterfaceOutcome::default(); subs.map_or(0, Ingress::sub_interfaces)];
        Port {
            spec,
            incoming,
            outgoing: network.links.iter().position(|link| link.from == at),
            fault: incoming
                .and_then(|link| Fault::new(&network.links[link].faults, network.links[link].delay, rng(link))),
            ingress_policer: PolicerTable::new(&spec.ingress_policing),
            egress_policer: PolicerTable::new(&spec.egress_policing),
            waiting: (0..spec.queues()).map(|_| VecDeque::new()).collect(),
            subs,
            has_carrier: true,
            wire_busy_until: None,
            outcome: PortOutcome { sub_interfaces, ..PortOutcome::default() },
            received_flows: BTreeSet::new(),
            sent_flows: BTreeSet::new(),
        }
    }

    /// Takes note of an arrival; `Err` if the link lost it.
    pub(super) fn arrive(&mut self, network: &Network, frame: &Frame) -> Result<(), DropReason> {
        if let (Some(fault), Some(link)) = (&mut self.fault, self.incoming) {
            let link = &network.links[link];
            let wire = network.port(link.from).speed.wire_time(frame.len());
            if let Some(lost) = fault.judge(start_of(frame.at, link.delay, wire), frame.at) {
                return Err(lost);
            }
        }
        self.outcome.received.add(frame.len());
        self.outcome.digest = crate::engine::outcome::digest_step(self.outcome.digest, frame);
        self.received_flows.insert(frame.id.stream);
        if let Some(sub) = self.sub_of(frame) {
            self.outcome.sub_interfaces[sub].received.add(frame.len());
        }
        Ok(())
    }

    /// The place of the sub-interface that a frame has the tags of, where each is counted.
    pub(super) fn sub_of(&self, frame: &Frame) -> Option<usize> {
        self.subs?.sub_interface_of(frame)
    }

    /// When the frame on the wire will have left, if there is one.
    pub(super) fn wire_busy_until(&self) -> Option<Instant> {
        self.wire_busy_until
    }

    /// Whether a host can send by this port.
    pub(super) fn is_usable(&self) -> bool {
        self.spec.admin_up && self.outgoing.is_some()
    }

    /// Whether a frame that comes at `at` to be sent may wait here: the queue it goes to and the work before it.
    pub(super) fn admit(&mut self, at: Instant, frame: &Frame) -> Result<(u8, Span), DropReason> {
        if !self.spec.admin_up {
            return Err(DropReason::AdminDown);
        }
        if self.outgoing.is_none() || !self.has_carrier {
            return Err(DropReason::LinkDown);
        }
        if let Some(policer) = &mut self.egress_policer
            && !policer.admits(at, outer_vid(frame), frame.len())
        {
            if let Some(sub) = self.sub_of(frame) {
                self.outcome.sub_interfaces[sub].egress_policed.add(frame.len());
            }
            return Err(DropReason::Policed);
        }
        let (ahead, queue) =
            (self.unfinished_work(at), self.spec.queue_of_class[usize::from(frame.header.meta.class())]);
        if ahead > self.spec.limit_of(queue) {
            return Err(DropReason::QueueFull);
        }
        Ok((queue, ahead))
    }

    /// What is left of the frame on the wire, and all that waits.
    fn unfinished_work(&self, at: Instant) -> Span {
        let on_wire = self.wire_busy_until.map_or(Span::ZERO, |end| end.since(at));
        self.waiting.iter().flatten().fold(on_wire, |work, waiting| work + self.wire_time(&waiting.frame))
    }

    /// Puts a frame behind all others of its queue.
    pub(super) fn push(&mut self, queue: u8, traveller: Traveller) {
        self.waiting[usize::from(queue)].push_back(traveller);
    }

    /// The port has a carrier from now on, or has none: what waited then.
    pub(super) fn set_carrier(&mut self, is_there: bool) -> Vec<Traveller> {
        self.has_carrier = is_there;
        let gone = self.waiting.iter_mut().rev().filter(|_| !is_there);
        gone.flat_map(|queue| queue.drain(..)).collect()
    }

    /// The frame on the wire has left.
    pub(super) fn end_transmission(&mut self) {
        self.wire_busy_until = None;
    }

    /// If the wire is free and something waits: the frame whose turn it is, and when its last bit leaves.
    pub(super) fn start_next(&mut self, at: Instant) -> Option<(Traveller, Instant)> {
        if self.wire_busy_until.is_some() {
            return None;
        }
        let traveller = self.waiting.iter_mut().rev().find_map(VecDeque::pop_front)?;
        let last_bit = at + self.wire_time(&traveller.frame);
        self.wire_busy_until = Some(last_bit);
        self.outcome.sent.add(traveller.frame.len());
        self.outcome.first_sent.get_or_insert(last_bit);
        self.outcome.last_sent = Some(last_bit);
        self.sent_flows.insert(traveller.frame.id.stream);
        if let Some(sub) = self.sub_of(&traveller.frame) {
            self.outcome.sub_interfaces[sub].sent.add(traveller.frame.len());
        }
        Some((traveller, last_bit))
    }

    fn wire_time(&self, frame: &Frame) -> Span {
        self.spec.speed.wire_time(frame.len())
    }

    /// What still waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Traveller> {
        self.waiting.iter().flatten()
    }

    pub(super) fn into_outcome(self) -> PortOutcome {
        PortOutcome {
            received_flows: self.received_flows.len() as u64,
            sent_flows: self.sent_flows.len() as u64,
            ..self.outcome
        }
    }
}

/// The VLAN identifier of the outer tag; 0 for an untagged frame.
pub(super) fn outer_vid(frame: &Frame) -> u16 {
    frame.tags().next().map_or(0, |tag| tag.vid())
}
