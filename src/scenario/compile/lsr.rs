//! A router given entry by entry, with a tap at each of its ports.

use super::draft::{Draft, End, host_port, queue_of_class};
use crate::id::{NodeId, PortId, VrfId};
use crate::node::RouterAddresses;
use crate::port::PortSpec;
use crate::scenario::model::{Admin, Attachment, EgressTags, Hop, LabelOp, Router, RouterPort, RouterPortId, Tags};
use crate::table::{
    FibBuilder, IngressBuilder, LabelAction, LabelEntry, LabelPush, NextHop, NextHopSet, PcpRule, Service,
    SubInterface, TagRule, TtlModel, VlanKey,
};
use crate::wire::vlan::{Tag, TpidSet};
use ipnet::IpNet;

/// The taps of a router's ports, in the order of its ports.
pub(super) struct Taps {
    pub(super) hosts: Vec<NodeId>,
}

/// Builds `router` and its taps.
pub(super) fn build(draft: &mut Draft, router: &Router) -> Taps {
    let node = draft.node(router.name.value.clone(), router.name.at);
    let mut hosts = Vec::new();
    for port in &router.ports {
        let end = draft.port(node, port_spec(port));
        let host = draft.node(format!("{}-{}", router.name.value, port.name.value), port.name.at);
        let tap = draft.port(host, host_port(router.name.value.clone(), port.speed));
        draft.join(end, tap, port.delay, port.loss_ppb);
        hosts.push(host);
    }
    Tables { draft, router, node, fib: FibBuilder::new(1) }.fill();
    Taps { hosts }
}

fn port_spec(port: &RouterPort) -> PortSpec {
    PortSpec {
        buffer_octets: Some(port.buffer_octets),
        queue_of_class: queue_of_class(port.queues),
        admin_up: port.admin == Admin::Enabled,
        ..PortSpec::new(port.name.value.clone(), port.speed)
    }
}

/// The tables of a router while they are filled.
struct Tables<'a> {
    draft: &'a mut Draft,
    router: &'a Router,
    node: NodeId,
    fib: FibBuilder,
}

impl Tables<'_> {
    fn fill(mut self) {
        self.fib.null_model(self.router.null_ttl);
        let mut subs: Vec<Vec<(VlanKey, SubInterface)>> = vec![Vec::new(); self.router.ports.len()];
        for join in &self.router.cross_connects {
            let forth = self.cross(&join.from, &join.to, join.filter_reserved);
            subs[join.from.port.index()].push((join.from.key, forth));
            if join.both_ways {
                let back = self.cross(&join.to, &join.from, join.filter_reserved);
                subs[join.to.port.index()].push((join.to.key, back));
            }
        }
        for wire in &self.router.pseudowires {
            // A pseudowire goes one way: reading takes one port for it.
            let Some(next_hop) = self.hops(&wire.hop).into_iter().next() else { continue };
            let next_hop = self.fib.next_hop(next_hop);
            let pop = delimiting(wire.attachment.key);
            let service = Service::Pseudowire { next_hop, pop, control_word: wire.control_word };
            subs[wire.attachment.port.index()].push((wire.attachment.key, layer_2(service)));
            if let Some(label) = &wire.label {
                let action = self.leave_pseudowire(&wire.attachment, wire.control_word);
                self.fib.label(label.value, LabelEntry { action, model: TtlModel::Uniform });
            }
        }
        for (port, subs) in self.router.ports.iter().zip(&subs) {
            self.fib.ingress(&ingress(port, subs));
        }
        self.labels();
        self.routes();
        let addresses = self.addresses();
        self.draft.route(self.node, self.fib, vec![addresses]);
    }

    fn labels(&mut self) {
        for entry in &self.router.labels {
            let (action, model) = match &entry.op {
                LabelOp::Swap(hop) => (LabelAction::Swap(self.set(hop)), hop.ttl),
                LabelOp::Pop { payload, hop } => {
                    (LabelAction::Pop { payload: *payload, next_hops: self.set(hop) }, hop.ttl)
                }
                LabelOp::PopLookup(model) => (LabelAction::PopLookup(VrfId(0)), *model),
                LabelOp::PopPseudowire { to, control_word } => {
                    (self.leave_pseudowire(to, *control_word), TtlModel::Uniform)
                }
            };
            self.fib.label(entry.label.value, LabelEntry { action, model });
        }
    }

    /// Routes as given, and those of the ports' own addresses; a route that is given comes later and holds.
    fn routes(&mut self) {
        for (place, port) in self.router.ports.iter().enumerate() {
            let hop = self.draft.next_hop(self.end(RouterPortId(place)), port.mtu, TagRule::UNTAGGED);
            for address in &port.addresses {
                let set = self.fib.next_hops(&[hop]);
                self.fib.route(VrfId(0), address.trunc(), set);
                let local = self.fib.next_hops(&[NextHop::LOCAL]);
                self.fib.route(VrfId(0), IpNet::from(address.addr()), local);
            }
        }
        for route in &self.router.routes {
            let set = self.set(&route.hop);
            self.fib.route(VrfId(0), route.prefix.value, set);
        }
    }

    fn addresses(&self) -> RouterAddresses {
        let mut found = RouterAddresses::default();
        for address in self.router.ports.iter().flat_map(|port| &port.addresses) {
            match address.value {
                IpNet::V4(net) => found.v4 = found.v4.or(Some(net.addr())),
                IpNet::V6(net) => found.v6 = found.v6.or(Some(net.addr())),
            }
        }
        found
    }

    fn end(&self, port: RouterPortId) -> End {
        (self.node, PortId(port.index() as u16))
    }

    fn set(&mut self, hop: &Hop) -> NextHopSet {
        let hops = self.hops(hop);
        self.fib.next_hops(&hops)
    }

    /// A next hop for each port of `hop`, at least one.
    fn hops(&mut self, hop: &Hop) -> Vec<NextHop> {
        let labels: Vec<u32> = hop.push.iter().map(|label| label.get()).collect();
        // Reading keeps them in range, and to the number that one entry pushes.
        let mut push = LabelPush::new(&labels).expect("labels of a scenario can be pushed");
        (push.ttl, push.tc, push.entropy) = (hop.ttl, hop.tc, hop.entropy);
        let tags = match hop.tags {
            EgressTags::Keep => TagRule::Keep,
            EgressTags::Strip => TagRule::UNTAGGED,
            EgressTags::Push(tags) => TagRule::push(&written(tags), PcpRule::Copy),
        };
        let next_hop = |port: RouterPortId, tables: &mut Self| {
            let mtu = tables.router.ports[port.index()].mtu;
            NextHop { push, ..tables.draft.next_hop(tables.end(port), mtu, tags) }
        };
        hop.ports.iter().map(|port| next_hop(port.value, self)).collect()
    }

    /// From one sub-interface to another: the tags of the one are removed, those of the other put on.
    fn cross(&mut self, from: &Attachment, to: &Attachment, filter_reserved: bool) -> SubInterface {
        let next_hop = self.attachment_hop(to);
        let tagged = matches!(to.key, VlanKey::Single(_) | VlanKey::Double(..));
        let pop = match from.key {
            // A priority tag is the tag of an untagged frame: it goes where another tag takes its place.
            VlanKey::Untagged if tagged => u8::MAX,
            key => delimiting(key),
        };
        layer_2(Service::CrossConnect { next_hop, pop, filter_reserved })
    }

    fn leave_pseudowire(&mut self, to: &Attachment, control_word: bool) -> LabelAction {
        let next_hop = self.attachment_hop(to);
        LabelAction::PopPseudowire { control_word, next_hop }
    }

    /// The next hop out of an attachment: whole frames, addresses as they are.
    fn attachment_hop(&mut self, to: &Attachment) -> u32 {
        let tags = match to.key {
            VlanKey::Any | VlanKey::Untagged => Vec::new(),
            VlanKey::Single(outer) => vec![Tag::new(to.tpid, 0, false, outer)],
            VlanKey::Double(outer, inner) => {
                vec![Tag::new(to.tpid, 0, false, outer), Tag::new(0x8100, 0, false, inner)]
            }
        };
        let mtu = self.router.ports[to.port.index()].mtu;
        let tags = TagRule::push(&tags, PcpRule::Copy);
        self.fib.next_hop(NextHop { mtu, tags, ..NextHop::port(self.end(to.port.value).1) })
    }
}

fn layer_2(service: Service) -> SubInterface {
    SubInterface { service, mpls: false, reset_dscp: false }
}

/// Tags that a sub-interface's frames lose when they leave it: those that led there, priority tags before them too.
const fn delimiting(key: VlanKey) -> u8 {
    match key {
        VlanKey::Any | VlanKey::Untagged => 0,
        VlanKey::Single(_) | VlanKey::Double(..) => u8::MAX,
    }
}

fn written(tags: Tags) -> Vec<Tag> {
    let outer = Tag::new(tags.tpid, 0, false, tags.outer.get());
    let inner = tags.inner.map(|inner| Tag::new(0x8100, 0, false, inner.get()));
    std::iter::once(outer).chain(inner).collect()
}

/// The receiving side of a port: services first, then labels and IP under the tags listed or none.
fn ingress(port: &RouterPort, services: &[(VlanKey, SubInterface)]) -> IngressBuilder {
    let routed = SubInterface { service: Service::Route(VrfId(0)), mpls: true, reset_dscp: false };
    let tpids = TpidSet::of(&port.tpids).unwrap_or(TpidSet::NONE);
    let mut builder = IngressBuilder::default().tpids(tpids, tpids).sub(VlanKey::Untagged, routed);
    if port.any_vlan {
        builder = (1..=4094).fold(builder, |builder, vid| builder.sub(VlanKey::Single(vid), routed));
    }
    builder = port.vlans.iter().fold(builder, |builder, vlan| builder.sub(vlan.value, routed));
    // Of two sub-interfaces for the same tags the later one holds.
    services.iter().fold(builder, |builder, (key, sub)| builder.sub(*key, *sub))
}
