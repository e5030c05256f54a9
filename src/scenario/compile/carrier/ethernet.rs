//! Point-to-point Ethernet: each plane of a circuit is a pseudowire between two provider edges (RFC 4448).

use super::core::{CoreNet, Edge};
use super::{Carried, customer_outer, layer_2};
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::compile::draft::{Draft, End, queue_of_class};
use crate::scenario::compile::{all_peered, microsoft_tags, vlan_key};
use crate::table::{IngressBuilder, LabelAction, LabelEntry, PcpRule, Service, SubInterface, TagRule, TtlModel};
use crate::wire::vlan::{Tag, TpidSet};

/// A pseudowire and its two attachments.
pub(super) struct Wire {
    carried: Carried,
    customer: Attachment,
    microsoft: Attachment,
}

/// Where a pseudowire comes out of a provider edge: what has one outer tag is its own.
#[derive(Clone, Copy)]
struct Attachment {
    router: usize,
    port: End,
    /// The place of the port among the router's.
    place: usize,
}

impl CoreNet {
    /// Joins a circuit's link on one plane: two attachments, at edges of their own for each plane.
    pub(super) fn carry(&mut self, draft: &mut Draft, scenario: &Scenario, carried: Carried) {
        let Carried { pair: id, plane, customer, microsoft } = carried;
        let (provider, pair) = (&scenario.providers[self.provider], &scenario.pairs[id.index()]);
        // A layer-2 circuit has one site.
        let site = Edge::Site(pair.sites[0].index(), plane.index());
        let link = plane.of(pair.primary, pair.secondary);
        let near = self.attach(draft, scenario, (site, &format!("{}.ce", pair.name.value)), (pair.port, pair.queues));
        let far = Edge::Microsoft(id, plane.index());
        let far = self.attach(draft, scenario, (far, "msee"), (provider.nni.port, pair.queues));
        draft.join(customer, near.port, link.delay.value, link.loss_ppb);
        draft.join(far.port, microsoft, provider.nni.delay, 0);
        self.wires.push(Wire { carried, customer: near, microsoft: far });
    }

    fn attach(
        &mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        (edge, name): (Edge, &str),
        (speed, queues): (crate::time::PortSpeed, u8),
    ) -> Attachment {
        let router = self.edge(draft, scenario, edge);
        let spec = PortSpec { queue_of_class: queue_of_class(queues), ..PortSpec::new(name, speed) };
        let port = self.port(draft, router, spec, IngressBuilder::default());
        Attachment { router, port, place: self.routers[router].ingress.len() - 1 }
    }

    /// Fills in the pseudowires.
    pub(super) fn connect_wires(&mut self, draft: &mut Draft, scenario: &Scenario) {
        for Wire { carried, customer, microsoft } in std::mem::take(&mut self.wires) {
            let Carried { pair, plane, .. } = carried;
            let outer = customer_outer(&scenario.pairs[pair.index()], plane);
            // A circuit without a peering has no tags to be told apart by.
            let far =
                all_peered(scenario, pair).first().map(|known| microsoft_tags(scenario, known.circuit, known.peering));
            let (Some(near), Some(far)) = (outer, far.and_then(|tags| tags.first().copied())) else { continue };
            let of = format!("pseudowire of {}.{plane}", scenario.pairs[pair.index()].name.value);
            self.connect(draft, (customer, near), (microsoft, far), &of);
            self.connect(draft, (microsoft, far), (customer, near), &of);
        }
    }

    /// One direction: from the tag of one attachment to that of another.
    fn connect(&mut self, draft: &mut Draft, from: (Attachment, Tag), to: (Attachment, Tag), of: &str) {
        let control_word = self.core.control_word;
        let label = self.service_label(of.to_owned());
        let ((from, from_tag), (to, to_tag)) = (from, to);
        let next_hop = self.towards(draft, from.router, to.router, Some(label));
        let entrance = &mut self.routers[from.router];
        let next_hop = entrance.fib.next_hop(next_hop.member());
        let service = Service::Pseudowire { next_hop, pop: u8::MAX, control_word };
        let outer = TpidSet::of(&[from_tag.tpid()]).expect("the TPIDs of a scenario are known");
        let sub = SubInterface { service, mpls: false, reset_dscp: false };
        entrance.ingress[from.place] =
            IngressBuilder::default().tpids(outer, TpidSet::C_TAG).sub(vlan_key(&[from_tag]), sub);
        let exit = &mut self.routers[to.router].fib;
        let next_hop = exit.next_hop(layer_2(to.port, TagRule::push(&[to_tag], PcpRule::Copy)));
        let action = LabelAction::PopPseudowire { control_word, next_hop };
        exit.label(label, LabelEntry { action, model: TtlModel::Uniform });
    }
}
