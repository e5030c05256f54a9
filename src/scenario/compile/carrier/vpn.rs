//! Any-to-any: a provider's layer-3 VPNs (RFC 4364), whose members are the sites of a circuit and, as one more, the cloud.

use super::core::{CoreNet, Edge};
use crate::control::Towards;
use crate::frame::DropReason;
use crate::id::{NodeId, VrfId};
use crate::port::PortSpec;
use crate::scenario::Scenario;
use crate::scenario::compile::draft::{Draft, End, queue_of_class, route, routed, untagged};
use crate::scenario::compile::edge::{ingress, leads_to, links_of};
use crate::scenario::compile::global_reach;
use crate::scenario::compile::place::Plane;
use crate::scenario::compile::wiring::Wiring;
use crate::scenario::compile::{Peered, carries, defaults, own_tags, peered};
use crate::scenario::model::{Carrier, PairId, ProviderId, Sessions, VnetId};
use crate::table::{self, LabelAction, LabelEntry, NextHop, PcpRule, TagRule};
use crate::wire::mpls::Label;
use ipnet::IpNet;

/// Where sites' packets are looked up; where those that came from Microsoft are. They differ in where packets go whose
/// destination nobody knows, if those go anywhere. The label tables are of all.
pub(in crate::scenario::compile) const FROM_SITE: VrfId = VrfId(1);
/// See [`FROM_SITE`].
pub(in crate::scenario::compile) const FROM_CLOUD: VrfId = VrfId(2);

/// A way out of a VPN: a port of a provider edge towards a site's edge router or a Microsoft edge router.
#[derive(Clone, Copy)]
pub(super) struct Member {
    router: usize,
    port: End,
    pair: PairId,
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Site(usize),
    Cloud(Plane),
}

/// A provider edge that has members of VPNs, as its sessions need to know it.
pub(in crate::scenario::compile) struct VpnEdge {
    pub(in crate::scenario::compile) node: NodeId,
    pub(in crate::scenario::compile) provider: ProviderId,
    /// The circuits whose VPNs it has a part in.
    pub(in crate::scenario::compile) pairs: Vec<PairId>,
    /// The label by which others send to its VRF.
    pub(in crate::scenario::compile) label: Label,
    /// The edges that it shares a VPN with.
    pub(in crate::scenario::compile) far: Vec<FarEdge>,
}

/// Another provider edge, from one that shares a VPN with it.
pub(in crate::scenario::compile) struct FarEdge {
    pub(in crate::scenario::compile) node: NodeId,
    /// The label of its VRF.
    pub(in crate::scenario::compile) label: Label,
    /// How packets of the VPN get there.
    pub(in crate::scenario::compile) to_vrf: Towards,
    /// How packets for itself do.
    pub(in crate::scenario::compile) to_itself: Towards,
    /// The path there, by its number.
    pub(in crate::scenario::compile) lsp: usize,
}

/// An edge while its tables are filled in: the circuits of its members, and the labels by which it takes what comes from
/// other edges: from sites, and from the cloud.
struct Pe {
    router: usize,
    pairs: Vec<PairId>,
    labels: [Label; 2],
}

impl Pe {
    fn shares(&self, pairs: &[PairId]) -> bool {
        self.pairs.iter().any(|pair| pairs.contains(pair))
    }
}

impl CoreNet {
    /// The port of the edge that has a circuit's peering on a plane.
    pub(super) fn peer(&mut self, draft: &mut Draft, scenario: &Scenario, id: PairId, plane: Plane) -> End {
        let pair = &scenario.pairs[id.index()];
        let router = self.edge(draft, scenario, Edge::Microsoft(id, plane.index()));
        let speed = scenario.providers[self.provider].nni.port;
        let spec = PortSpec { queue_of_class: queue_of_class(pair.queues), ..PortSpec::new("msee", speed) };
        let tags = |it: &Peered<'_>| own_tags(scenario, it.circuit, it.peering, plane);
        let side = ingress(scenario, id, tags, |_, _| Some(routed(FROM_CLOUD.0)));
        let port = self.port(draft, router, spec, side);
        self.members.push(Member { router, port, pair: id, of: Of::Cloud(plane) });
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
        self.members.push(Member { router, port, pair: id, of: Of::Site(site) });
    }

    /// Fills in the VRFs of the edges that have members; these edges, where sessions run.
    pub(super) fn route_members(
        &mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        wiring: &Wiring,
        to_anywhere: bool,
    ) -> Vec<VpnEdge> {
        let up = |pair: PairId, plane: Plane| {
            wiring.connections.iter().any(|c| (c.pair, c.plane, c.up) == (pair, plane, true))
        };
        self.members.retain(|member| match member.of {
            Of::Site(_) => true,
            Of::Cloud(plane) => up(member.pair, plane),
        });
        let edges = self.vpn_edges(to_anywhere);
        let reaches = reaches(scenario, wiring, &self.members, to_anywhere);
        for edge in &edges {
            for (vrf, label) in [FROM_SITE, FROM_CLOUD].into_iter().zip(edge.labels) {
                let entry = LabelEntry { action: LabelAction::PopLookup(vrf), model: self.core.ttl };
                self.routers[edge.router].fib.label(label, entry);
                for default in defaults().into_iter().filter(|_| !to_anywhere) {
                    self.route(edge.router, vrf, default, &[NextHop::discard(DropReason::Unrouted)]);
                }
                if edge.labels[0] == edge.labels[1] {
                    break;
                }
            }
            for Reach { prefix, members, vrfs } in &reaches {
                // Who is of none of its circuits is of another VPN.
                let members: Vec<Member> =
                    members.iter().copied().filter(|member| edge.pairs.contains(&member.pair)).collect();
                for &vrf in *vrfs {
                    let next_hops = self.next_hops(draft, scenario, (edge, vrf), &members, &edges);
                    self.route(edge.router, vrf, *prefix, &next_hops);
                }
            }
            for member in self.members.clone().into_iter().filter(|member| member.router == edge.router) {
                let Of::Cloud(plane) = member.of else { continue };
                for (_, _, peering) in peered(scenario, member.pair) {
                    for (_, own, _) in links_of(peering, plane) {
                        for vrf in [FROM_SITE, FROM_CLOUD] {
                            self.route(edge.router, vrf, IpNet::from(own), &[NextHop::LOCAL]);
                        }
                    }
                }
            }
        }
        if draft.sessions == Sessions::Static {
            return Vec::new();
        }
        edges.iter().map(|edge| self.vpn_edge(draft, edge, &edges)).collect()
    }

    /// The edges that have members. Where the two VRFs of one are alike it has one label.
    fn vpn_edges(&mut self, to_anywhere: bool) -> Vec<Pe> {
        let mut routers: Vec<usize> = self.members.iter().map(|member| member.router).collect();
        routers.sort_unstable();
        routers.dedup();
        let edge = |router: usize| {
            let mine = self.members.iter().filter(|member| member.router == router);
            let mut pairs: Vec<PairId> = mine.map(|member| member.pair).collect();
            pairs.sort_unstable();
            pairs.dedup();
            let of = format!("VPN at {}", self.routers[router].name);
            let label = self.service_label(of.clone());
            Pe { router, pairs, labels: [label, if to_anywhere { self.service_label(of) } else { label }] }
        };
        routers.into_iter().map(edge).collect()
    }

    fn vpn_edge(&mut self, draft: &mut Draft, edge: &Pe, edges: &[Pe]) -> VpnEdge {
        let others = edges.iter().filter(|other| other.router != edge.router && other.shares(&edge.pairs));
        let far = others.map(|other| {
            let label = other.labels[0];
            let to_vrf = self.towards(draft, edge.router, other.router, Some(label));
            let to_itself = self.towards(draft, edge.router, other.router, None);
            let lsp = self.lsps[&(edge.router, other.router)].number as usize;
            FarEdge { node: self.routers[other.router].node, label, to_vrf, to_itself, lsp }
        });
        VpnEdge {
            far: far.collect(),
            node: self.routers[edge.router].node,
            provider: ProviderId(self.provider),
            pairs: edge.pairs.clone(),
            label: edge.labels[0],
        }
    }

    fn route<M: Copy + Into<table::Member>>(&mut self, router: usize, vrf: VrfId, prefix: IpNet, next_hops: &[M]) {
        route(&mut self.routers[router].fib, vrf, prefix, next_hops);
    }

    /// Out by the members at this edge; if there is none, over the core to those of others.
    fn next_hops(
        &mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        (edge, vrf): (&Pe, VrfId),
        members: &[Member],
        edges: &[Pe],
    ) -> Vec<table::Member> {
        let here = members.iter().filter(|member| member.router == edge.router);
        let out = |member: &Member| {
            let tags = match member.of {
                Of::Site(_) => TagRule::UNTAGGED,
                Of::Cloud(plane) => {
                    let (_, circuit, peering) = peered(scenario, member.pair).next()?;
                    TagRule::push(&own_tags(scenario, circuit, peering, plane), PcpRule::Fixed)
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
        let others = away.into_iter().filter_map(|router| edges.iter().find(|other| other.router == router));
        let labels = others.map(|other| (other.router, other.labels[usize::from(vrf == FROM_CLOUD)]));
        labels.map(|(other, label)| self.towards(draft, edge.router, other, Some(label)).member()).collect()
    }
}

/// What a VPN leads to: the members of a prefix, and the VRFs that have it.
struct Reach {
    prefix: IpNet,
    members: Vec<Member>,
    vrfs: &'static [VrfId],
}

/// All of it: a prefix that comes later holds.
fn reaches(scenario: &Scenario, wiring: &Wiring, members: &[Member], to_anywhere: bool) -> Vec<Reach> {
    const BOTH: &[VrfId] = &[FROM_SITE, FROM_CLOUD];
    let of = |wanted: &dyn Fn(&Member) -> bool| members.iter().copied().filter(|m| wanted(m)).collect::<Vec<_>>();
    let is_cloud = |member: &Member| matches!(member.of, Of::Cloud(_));
    let mut reaches = Vec::new();
    for prefix in defaults().into_iter().filter(|_| to_anywhere) {
        reaches.push(Reach { prefix, members: of(&is_cloud), vrfs: &[FROM_SITE] });
        // What comes from the cloud and nobody knows goes to the first site, not back.
        let first = members.iter().find_map(|m| if let Of::Site(site) = m.of { Some(site) } else { None });
        let first = of(&|member| Some(member.of) == first.map(Of::Site));
        reaches.push(Reach { prefix, members: first, vrfs: &[FROM_CLOUD] });
    }
    for (place, vnet) in scenario.vnets.iter().enumerate() {
        for prefix in &vnet.prefixes {
            let leads = |member: &Member| {
                is_cloud(member)
                    && peered(scenario, member.pair).any(|(circuit, _, peering)| {
                        leads_to(scenario, circuit, VnetId(place)) && carries(peering, prefix)
                    })
            };
            reaches.push(Reach { prefix: prefix.value, members: of(&leads), vrfs: BOTH });
        }
    }
    let beyond = |member: &Member| -> Vec<IpNet> {
        let Of::Cloud(plane) = member.of else { return Vec::new() };
        peered(scenario, member.pair).flat_map(|(id, ..)| global_reach::beyond(scenario, wiring, id, plane)).collect()
    };
    let mut joined: Vec<IpNet> = members.iter().flat_map(beyond).collect();
    joined.sort_unstable();
    joined.dedup();
    for prefix in joined {
        reaches.push(Reach { prefix, members: of(&|member| beyond(member).contains(&prefix)), vrfs: BOTH });
    }
    for (place, site) in scenario.sites.iter().enumerate() {
        for prefix in &site.prefixes {
            let members = of(&|member| member.of == Of::Site(place));
            reaches.push(Reach { prefix: prefix.value, members, vrfs: BOTH });
        }
    }
    for member in members {
        let Of::Cloud(plane) = member.of else { continue };
        for (_, _, peering) in peered(scenario, member.pair) {
            for (subnet, ..) in links_of(peering, plane) {
                reaches.push(Reach { prefix: subnet, members: vec![*member], vrfs: BOTH });
            }
        }
    }
    reaches
}
