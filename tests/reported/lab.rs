//! A router with a host at each port, run by the engine: octets in at one port, what became of them out.

use biplane::engine::{Network, Observe, Outcome, Role, RouterSpec, Run, Source, run};
use biplane::frame::{DropReason, Frame, Templates};
use biplane::id::{MacId, NodeId, PortId, StreamId, VrfId};
use biplane::node::{Entry, RouterAddresses, Verdict, forward};
use biplane::port::PortSpec;
use biplane::table::{Fib, FibBuilder, IngressBuilder, LabelAction, LabelEntry, LabelPush, NextHop, NextHopSet};
use biplane::table::{Service, SubInterface, TtlModel, VlanKey};
use biplane::time::{Instant, PortSpeed, Span};
use biplane::wire::ethernet::Mac;
use biplane::wire::mpls::Label;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use super::octets::OUT;

/// What became of a frame at the router, or of what the router made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It left by this port, as these octets.
    Sent(u16, Vec<u8>),
    /// It was dropped.
    Dropped(DropReason),
}

/// A router, to be configured.
pub(crate) struct Lab {
    /// Per port, its sub-interfaces.
    pub(crate) ports: Vec<IngressBuilder>,
    /// Its other tables.
    pub(crate) fib: FibBuilder,
    /// The queue of each class at every port.
    pub(crate) queue_of_class: [u8; 8],
    /// Where its complaints come from.
    pub(crate) address: Option<Ipv4Addr>,
    templates: Templates,
}

/// What the router does with frames of a sub-interface that it routes, labels and all.
pub(crate) const ROUTE: SubInterface =
    SubInterface { service: Service::Route(VrfId(0)), mpls: true, reset_dscp: false };

impl Lab {
    /// A router with these ports.
    pub(crate) fn new(ports: Vec<IngressBuilder>) -> Self {
        let (fib, templates) = (FibBuilder::new(2), Templates::new());
        Lab { ports, fib, queue_of_class: [0; 8], address: None, templates }
    }

    /// A router with two ports that take untagged frames and route them.
    pub(crate) fn routing() -> Self {
        Lab::new(vec![untagged(), untagged()])
    }

    /// A next hop by port 1 that writes [`OUT`] as addresses.
    pub(crate) fn hop(&mut self) -> NextHop {
        NextHop { mac: self.out_macs(), ..NextHop::port(PortId(1)) }
    }

    fn out_macs(&mut self) -> MacId {
        let (destination, source) = OUT.split_at(6);
        self.templates.intern(Mac(destination.try_into().unwrap()), Mac(source.try_into().unwrap()))
    }

    /// Routes `prefix` in VRF 0 to `next_hop`.
    pub(crate) fn route(&mut self, prefix: &str, next_hop: NextHop) -> NextHopSet {
        let set = self.fib.next_hops(&[next_hop]);
        self.fib.route(VrfId(0), prefix.parse().unwrap(), set);
        set
    }

    /// Does `action` with `label`.
    pub(crate) fn label(&mut self, label: u32, action: LabelAction, model: TtlModel) {
        self.fib.label(Label::new(label).unwrap(), LabelEntry { action, model });
    }

    /// Swaps `label` by `labels` (top first) towards `next_hop`.
    pub(crate) fn swap(&mut self, label: u32, labels: &[u32], next_hop: NextHop) {
        let set = self.fib.next_hops(&[NextHop { push: push(labels), ..next_hop }]);
        self.label(label, LabelAction::Swap(set), TtlModel::Uniform);
    }

    /// Crosses frames of `key` at port 0 over to `next_hop`, less `pop` tags.
    pub(crate) fn cross(&mut self, key: VlanKey, pop: u8, next_hop: NextHop) {
        let next_hop = self.fib.next_hop(next_hop);
        let service = Service::CrossConnect { next_hop, pop, filter_reserved: false };
        self.ports[0] = self.ports[0].clone().sub(key, SubInterface { service, ..ROUTE });
    }

    fn tables(&self) -> Fib {
        let mut fib = self.fib.clone();
        for port in &self.ports {
            fib.ingress(port);
        }
        fib.build()
    }

    /// Offers `frames` at `port`, one right after the other, and runs until nothing is left: what happened at the
    /// router in order of time, and the counts.
    pub(crate) fn run(&self, port: u16, frames: &[Vec<u8>]) -> (Vec<Fate>, Outcome) {
        let mut network = Network { templates: self.templates.clone(), ..Network::default() };
        let addresses = RouterAddresses { v4: self.address, v6: None };
        let router = RouterSpec { addresses: vec![addresses; 2], ..RouterSpec::new(self.tables()) };
        let spec = |place| {
            let spec = PortSpec::new(format!("p{place}"), PortSpeed::G10);
            PortSpec { queue_of_class: self.queue_of_class, ..spec }
        };
        let specs = (0..self.ports.len()).map(spec).collect();
        let router = network.add("router", Role::Router(Box::new(router)), specs);
        for place in 0..self.ports.len() as u16 {
            let host = PortSpec { buffer_octets: None, ..PortSpec::new("out", PortSpeed::G100) };
            let host = network.add(format!("h{place}"), Role::Host, vec![host]);
            network.join((host, PortId(0)), (router, PortId(place)), Span::from_us(1));
        }
        let offered = (0..).zip(frames).map(|(seq, octets)| {
            let mut frame = parse(octets);
            frame.id.stream = StreamId::new(0, 0);
            (frame.id.seq, frame.id.sent) = (seq, Instant::ZERO);
            frame
        });
        let sources = vec![(NodeId(port + 1), Source::Frames(offered.collect()))];
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        let sink = Box::new(move |seen: &biplane::engine::Seen, octets: &[u8]| {
            into.lock().unwrap().push(match seen.dropped {
                Some(reason) => Fate::Dropped(reason),
                None => Fate::Sent(seen.at.port().0, octets.to_vec()),
            });
        });
        let ports = (0..self.ports.len() as u16).map(|port| (router, PortId(port))).collect();
        let observe = Some(Observe { ports, drops: true, sink });
        let outcome = run(Run { observe, ..Run::new(&network, sources) });
        (Arc::into_inner(seen).unwrap().into_inner().unwrap(), outcome)
    }

    /// What became of one frame at port 0.
    pub(crate) fn fates(&self, octets: &[u8]) -> Vec<Fate> {
        self.run(0, &[octets.to_vec()]).0
    }

    /// The octets of the one frame that leaves by port 1 when `octets` come in at port 0.
    pub(crate) fn sent(&self, octets: &[u8]) -> Vec<u8> {
        match self.fates(octets).pop() {
            Some(Fate::Sent(1, octets)) => octets,
            other => panic!("{other:?} became of {octets:02x?}"),
        }
    }

    /// Why the frame that comes in at port 0 is dropped; nothing may leave.
    pub(crate) fn dropped(&self, octets: &[u8]) -> DropReason {
        match self.fates(octets)[..] {
            [Fate::Dropped(reason)] => reason,
            ref other => panic!("{other:?} became of {octets:02x?}"),
        }
    }

    /// What the datapath alone makes of a frame at port 0: the verdict, and the frame as it is then.
    pub(crate) fn judged(&self, octets: &[u8]) -> (Verdict, Frame) {
        let mut frame = parse(octets);
        let verdict = forward(&self.tables(), &self.templates, Entry::Port(PortId(0)), &mut frame);
        (verdict, frame)
    }
}

/// A port whose untagged frames are routed.
pub(crate) fn untagged() -> IngressBuilder {
    IngressBuilder::default().sub(VlanKey::Untagged, ROUTE)
}

/// These labels, top first, in the uniform model.
pub(crate) fn push(labels: &[u32]) -> LabelPush {
    LabelPush::new(labels).unwrap()
}

fn parse(octets: &[u8]) -> Frame {
    Frame::parse(octets, octets.len() as u32, None).unwrap().frame
}
