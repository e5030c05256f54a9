//! Any-to-any: a provider's layer-3 VPN (RFC 4364), whose members are sites and, as one more, the cloud.

use super::core::{CoreNet, Edge, FROM_CLOUD, FROM_SITE};
use crate::frame::DropReason;
use crate::id::VrfId;
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::compile::draft::{Draft, End, queue_of_class, route, routed, untagged};
use crate::scenario::compile::edge::{ingress, leads_to, links_of};
use crate::scenario::compile::global_reach;
use crate::scenario::compile::place::Plane;
use crate::scenario::compile::wiring::Wiring;
use crate::scenario::compile::{carries, defaults, microsoft_tags, peered};
use crate::scenario::model::{Carrier, PairId, VnetId};
use crate::table::{self, LabelAction, LabelEntry, NextHop, PcpRule, TagRule};
use crate::wire::mpls::Label;
use ipnet::IpNet;

/// A way out of the VPN: a port of a provider edge towards a site's edge router or a Microsoft edge router.
#[derive(Clone, Copy)]
pub(super) struct Member {
    router: usize,
    port: End,
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Site(usize),
    Cloud(PairId, Plane),
}

/// The labels by which a provider edge takes what comes from other edges: from sites, and from the cloud.
type Labels = [Label; 2];

impl CoreNet {
    /// The port of the edge that has a circuit's peering on a plane.
    pub(super) fn peer(&mut self, draft: &mut Draft, scenario: &Scenario, id: PairId, plane: Plane) -> End {
        let pair = &scenario.pairs[id.index()];
        let router = self.edge(draft, scenario, Edge::Microsoft(id, plane.index()));
        let speed = scenario.providers[self.provider].nni.port;
        let spec = PortSpec { queue_of_class: queue_of_class(pair.queues), ..PortSpec::new("msee", speed) };
        let side = ingress(scenario, id, |_, _| Some(routed(FROM_CLOUD.0)));
        let port = self.port(draft, router, spec, side);
        self.members.push(Member { router, port, of: Of::Cloud(id, plane) });
        port
    }

    /// Joins an edge router of a site: its number is that of the provider edge.
    pub(super) fn admit(
        &mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        id: PairId,
        (site, number): (usize, usize),
        customer: End,
    ) {
        let pair = &scenario.pairs[id.index()];
        let Carrier::IpVpn { access, .. } = pair.carrier else { return };
        let router = self.edge(draft, scenario, Edge::Site(site, number));
        let spec = PortSpec::new("ce", access.port);
        let spec = PortSpec { queue_of_class: queue_of_class(pair.queues), ..spec };
        let port = self.port(draft, router, spec, untagged(FROM_SITE.0));
        draft.join(customer, port, access.link.delay.value, access.link.loss_ppb);
        self.members.push(Member { router, port, of: Of::Site(site) });
    }

    /// Fills in the VRFs of the edges that have members.
    pub(super) fn route_members(&mut self, draft: &mut Draft, scenario: &Scenario, wiring: &Wiring, to_anywhere: bool) {
        let up = |pair: PairId, plane: Plane| {
            wiring.connections.iter().any(|c| (c.pair, c.plane, c.up) == (pair, plane, true))
        };
        self.members.retain(|member| match member.of {
            Of::Site(_) => true,
            Of::Cloud(pair, plane) => up(pair, plane),
        });
        let mut routers: Vec<usize> = self.members.iter().map(|member| member.router).collect();
        routers.sort_unstable();
        routers.dedup();
        let labels: Vec<(usize, Labels)> =
            routers.iter().map(|&router| (router, [self.service_label(), self.service_label()])).collect();
        let reaches = reaches(scenario, wiring, &self.members, to_anywhere);
        for &(router, own) in &labels {
            for (vrf, label) in [FROM_SITE, FROM_CLOUD].into_iter().zip(own) {
                let entry = LabelEntry { action: LabelAction::PopLookup(vrf), model: self.core.ttl };
                self.routers[router].fib.label(label, entry);
                for default in defaults().into_iter().filter(|_| !to_anywhere) {
                    self.route(router, vrf, default, &[NextHop::discard(DropReason::Unrouted)]);
                }
            }
            for Reach { prefix, members, vrfs } in &reaches {
                for &vrf in *vrfs {
                    let next_hops = self.next_hops(draft, scenario, (router, vrf), members, &labels);
                    self.route(router, vrf, *prefix, &next_hops);
                }
            }
            for member in self.members.clone().into_iter().filter(|member| member.router == router) {
                let Of::Cloud(pair, plane) = member.of else { continue };
                for (_, _, peering) in peered(scenario, pair) {
                    for (_, own, _) in links_of(peering, plane) {
                        for vrf in [FROM_SITE, FROM_CLOUD] {
                            self.route(router, vrf, IpNet::from(own), &[NextHop::LOCAL]);
                        }
                    }
                }
            }
        }
    }

    fn route<M: Copy + Into<table::Member>>(&mut self, router: usize, vrf: VrfId, prefix: IpNet, next_hops: &[M]) {
        route(&mut self.routers[router].fib, vrf, prefix, next_hops);
    }

    /// Out by the members at this router; if there is none, over the core to those of others.
    fn next_hops(
        &mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        (router, vrf): (usize, VrfId),
        members: &[Member],
        labels: &[(usize, Labels)],
    ) -> Vec<table::Member> {
        let here = members.iter().filter(|member| member.router == router);
        let out = |member: &Member| {
            let tags = match member.of {
                Of::Site(_) => TagRule::UNTAGGED,
                Of::Cloud(pair, _) => {
                    let (_, circuit, peering) = peered(scenario, pair).next()?;
                    TagRule::push(&microsoft_tags(scenario, circuit, peering), PcpRule::Fixed)
                }
            };
            Some(draft.next_hop(member.port, scenario.settings.mtu, tags).into())
        };
        let here: Vec<table::Member> = here.filter_map(out).collect();
        if !here.is_empty() {
            return here;
        }
        let mut away: Vec<usize> = members.iter().map(|member| member.router).collect();
        away.dedup();
        let label = |other: usize| labels.iter().find(|(router, _)| *router == other).map(|(_, labels)| labels);
        let away = away.into_iter().filter_map(|other| Some((other, label(other)?[usize::from(vrf == FROM_CLOUD)])));
        away.collect::<Vec<_>>().into_iter().map(|(other, label)| self.towards(draft, router, other, label)).collect()
    }
}

/// What the VPN leads to: the members of a prefix, and the VRFs that have it.
struct Reach {
    prefix: IpNet,
    members: Vec<Member>,
    vrfs: &'static [VrfId],
}

/// All of it: a prefix that comes later holds.
fn reaches(scenario: &Scenario, wiring: &Wiring, members: &[Member], to_anywhere: bool) -> Vec<Reach> {
    const BOTH: &[VrfId] = &[FROM_SITE, FROM_CLOUD];
    let of = |wanted: &dyn Fn(Of) -> bool| members.iter().copied().filter(|m| wanted(m.of)).collect::<Vec<_>>();
    let is_cloud = |of: Of| matches!(of, Of::Cloud(..));
    let mut reaches = Vec::new();
    for prefix in defaults().into_iter().filter(|_| to_anywhere) {
        reaches.push(Reach { prefix, members: of(&is_cloud), vrfs: &[FROM_SITE] });
        // What comes from the cloud and nobody knows goes to the first site, not back.
        let first = members.iter().find_map(|m| if let Of::Site(site) = m.of { Some(site) } else { None });
        let first = of(&|of| Some(of) == first.map(Of::Site));
        reaches.push(Reach { prefix, members: first, vrfs: &[FROM_CLOUD] });
    }
    for (place, vnet) in scenario.vnets.iter().enumerate() {
        for prefix in &vnet.prefixes {
            let leads = |of: Of| match of {
                Of::Site(_) => false,
                Of::Cloud(pair, _) => peered(scenario, pair).any(|(circuit, _, peering)| {
                    leads_to(scenario, circuit, VnetId(place)) && carries(peering, prefix)
                }),
            };
            reaches.push(Reach { prefix: prefix.value, members: of(&leads), vrfs: BOTH });
        }
    }
    let beyond = |of: Of| -> Vec<IpNet> {
        let Of::Cloud(pair, plane) = of else { return Vec::new() };
        peered(scenario, pair).flat_map(|(id, ..)| global_reach::beyond(scenario, wiring, id, plane)).collect()
    };
    let mut joined: Vec<IpNet> = members.iter().flat_map(|member| beyond(member.of)).collect();
    joined.sort_unstable();
    joined.dedup();
    for prefix in joined {
        reaches.push(Reach { prefix, members: of(&|of| beyond(of).contains(&prefix)), vrfs: BOTH });
    }
    for (place, site) in scenario.sites.iter().enumerate() {
        for prefix in &site.prefixes {
            reaches.push(Reach { prefix: prefix.value, members: of(&|of| of == Of::Site(place)), vrfs: BOTH });
        }
    }
    for member in members {
        let Of::Cloud(pair, plane) = member.of else { continue };
        for (_, _, peering) in peered(scenario, pair) {
            for (subnet, ..) in links_of(peering, plane) {
                reaches.push(Reach { prefix: subnet, members: vec![*member], vrfs: BOTH });
            }
        }
    }
    reaches
}
