//! A cloud exchange: a switch for each plane, whose cross-connects map customers' VLANs to S-tags and back.

use super::{Carried, customer_outer, layer_2};
use crate::id::NodeId;
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::compile::draft::{Draft, End, queue_of_class};
use crate::scenario::compile::{Peered, all_peered, customer_tags, microsoft_tags, vlan_key};
use crate::table::{FibBuilder, IngressBuilder, PcpRule, Service, SubInterface, TagRule};
use crate::wire::vlan::{Tag, TpidSet};

/// An exchange while circuits are joined to it.
pub(super) struct Exchange {
    provider: usize,
    switches: [Option<NodeId>; 2],
    joins: Vec<Join>,
}

/// A circuit's link on one plane, and the switch's ports for it.
struct Join {
    carried: Carried,
    customer: End,
    microsoft: End,
}

impl Exchange {
    pub(super) fn new(provider: usize) -> Self {
        Exchange { provider, switches: [None; 2], joins: Vec::new() }
    }

    pub(super) fn join(&mut self, draft: &mut Draft, scenario: &Scenario, carried: Carried) {
        let (provider, pair) = (&scenario.providers[self.provider], &scenario.pairs[carried.pair.index()]);
        let number = carried.plane.index();
        let name = || format!("{}-{}", provider.name.value, number + 1);
        let node = *self.switches[number].get_or_insert_with(|| draft.node(name(), provider.name.at));
        let mut port = |side: &str, speed| {
            let spec = PortSpec::new(format!("{}.{side}", pair.name.value), speed);
            draft.port(node, PortSpec { queue_of_class: queue_of_class(pair.queues), ..spec })
        };
        let (customer, microsoft) = (port("ce", pair.port), port("msee", provider.nni.port));
        let link = carried.plane.of(pair.primary, pair.secondary);
        draft.join(carried.customer, customer, link.delay.value, link.loss_ppb);
        draft.join(microsoft, carried.microsoft, provider.nni.delay, 0);
        self.joins.push(Join { carried, customer, microsoft });
    }

    pub(super) fn configure(self, draft: &mut Draft, scenario: &Scenario) {
        for node in self.switches.into_iter().flatten() {
            let mut fib = FibBuilder::new(1);
            // Ports come in pairs, in the order in which they were made.
            for join in self.joins.iter().filter(|join| join.customer.0 == node) {
                let (customer, microsoft) = sides(scenario, join, &mut fib);
                fib.ingress(&customer).ingress(&microsoft);
            }
            draft.route(node, fib, Vec::new());
        }
    }
}

/// The receiving sides of a link's two ports: for each peering what the customer's tags become, and Microsoft's.
fn sides(scenario: &Scenario, join: &Join, fib: &mut FibBuilder) -> (IngressBuilder, IngressBuilder) {
    let Carried { pair, plane, .. } = join.carried;
    let mut customer = IngressBuilder::default().tpids(TpidSet::C_TAG, TpidSet::C_TAG);
    let mut microsoft = IngressBuilder::default();
    for Peered { circuit, peering, .. } in all_peered(scenario, pair) {
        let far = microsoft_tags(scenario, circuit, peering);
        let near = customer_tags(scenario, circuit, peering, plane);
        // With an outer tag of the customer's own the C-tag lies beneath, and is not looked at.
        let outer_only = customer_outer(&scenario.pairs[pair.index()], plane).is_some();
        let of = |tags: &[Tag]| if outer_only { vec![tags[0]] } else { tags.to_vec() };
        let (near, far) = (of(&near), of(&far));
        microsoft =
            microsoft.tpids(TpidSet::of(&[far[0].tpid()]).expect("the TPIDs of a scenario are known"), TpidSet::C_TAG);
        customer = customer.sub(vlan_key(&near), cross(fib, join.microsoft, &far));
        microsoft = microsoft.sub(vlan_key(&far), cross(fib, join.customer, &near));
    }
    (customer, microsoft)
}

/// Out by `port`, with these tags in place of those that led here.
fn cross(fib: &mut FibBuilder, port: End, tags: &[Tag]) -> SubInterface {
    let next_hop = fib.next_hop(layer_2(port, TagRule::push(tags, PcpRule::Copy)));
    let service = Service::CrossConnect { next_hop, pop: u8::MAX, filter_reserved: false };
    SubInterface { service, mpls: false, reset_dscp: false }
}
