//! Control planes under construction: sub-interfaces, and sessions over them, both ends of each at once.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use super::addresses::Addresses;
use super::follow;
use super::{MAXIMUM_PATHS, RouterSessions, SessionName};
use crate::control::bfd::Config;
use crate::control::bgp::session::SessionConfig;
use crate::control::rib::{DecisionConfig, PeerConfig, PeerKind, Policy, ProgrammingConfig, RibConfig, VpnConfig};
use crate::control::{
    Attributes, BfdSpec, BgpSpec, CarrierSpec, ControlSpec, Family, Hops, InterfaceSpec, NextHopSpec, Originated, Over,
    Reach, Towards, WatchedPort,
};
use crate::id::{NodeId, VrfId};
use crate::scenario::Scenario;
use crate::scenario::compile::draft::{Draft, End, route};
use crate::scenario::compile::outages::EventLinks;
use crate::scenario::model::{Bfd, Bgp, Control, EventTarget, PrefixLimits, ProviderId};
use crate::table::NextHop;
use crate::time::Span;
use crate::wire::bfd::{DetectMult, Interval};
use crate::wire::ethernet::Mac;
use crate::wire::vlan::Tag;
use ipnet::{IpNet, Ipv6Net};

/// All of them.
pub(super) struct Planes<'a> {
    pub(super) addresses: Addresses,
    planes: BTreeMap<NodeId, Plane>,
    control: Control,
    mtu: u16,
    links: &'a EventLinks,
}

/// One of them.
pub(super) struct Plane {
    pub(super) spec: ControlSpec,
    /// The VRFs of the forwarding table that follow each one of the table of routes.
    pub(super) tables: BTreeMap<VrfId, Vec<VrfId>>,
    /// Those of the table of routes that are of VPNs.
    pub(super) vpns: BTreeMap<VrfId, VpnConfig>,
    /// Neighbours that can be sent to in all VRFs that follow: those are known in the end.
    everywhere: Vec<(usize, NextHop)>,
    names: RouterSessions,
}

/// One end of a link that has sessions.
pub(super) struct Side {
    /// Its port.
    pub(super) end: End,
    /// The tags of the link's frames there.
    pub(super) tags: Vec<Tag>,
    /// Where what arrives by it is looked up.
    pub(super) arrives: VrfId,
    /// Whose routes its sessions bring.
    pub(super) vrf: VrfId,
    /// How forwarding sends to the other end.
    pub(super) forward: Forward,
    /// How the port follows its light.
    pub(super) carrier: CarrierSpec,
    /// BGP as it is set at this end.
    pub(super) bgp: Bgp,
    /// What becomes of the other end's routes.
    pub(super) import: Policy,
    /// What the other end is told.
    pub(super) export: Policy,
    /// How often its own autonomous system may be in a path.
    pub(super) own_as_allowed: usize,
    /// How many prefixes it takes.
    pub(super) limits: Option<PrefixLimits>,
}

/// How forwarding sends to a neighbour.
#[derive(Clone)]
pub(super) enum Forward {
    /// Alike in all VRFs that follow.
    Everywhere(NextHop),
    /// In these.
    In(Vec<VrfId>, NextHop),
    /// In the first VRF by the first next hop; in the others by the second, of IPv4: it translates.
    Translated(VrfId, Vec<VrfId>, [NextHop; 2]),
}

/// A link that has sessions.
pub(super) struct Link {
    pub(super) sides: [Side; 2],
    /// Of each family, the addresses of both ends.
    pub(super) addresses: Vec<[IpAddr; 2]>,
    /// BFD at both ends.
    pub(super) bfd: Option<[Bfd; 2]>,
    /// What it is of.
    pub(super) of: String,
    /// What events can happen to of it.
    pub(super) on: Option<EventTarget>,
    /// The provider that it passes.
    pub(super) through: Option<ProviderId>,
}

impl Link {
    /// One without BFD, to which no event happens and which no provider carries.
    pub(super) fn between(sides: [Side; 2], addresses: Vec<[IpAddr; 2]>, of: String) -> Self {
        Link { sides, addresses, bfd: None, of, on: None, through: None }
    }
}

impl<'a> Planes<'a> {
    pub(super) fn new(scenario: &Scenario, addresses: Addresses, links: &'a EventLinks) -> Self {
        Planes { addresses, planes: BTreeMap::new(), control: scenario.control, mtu: scenario.settings.mtu, links }
    }

    /// The control plane of a router of an autonomous system; what VRFs of forwarding follow one of its own.
    pub(super) fn plane(&mut self, draft: &mut Draft, node: NodeId, local_as: u32) -> &mut Plane {
        let Control {
            programming_delay: delay, programming_per_prefix: per_prefix, resilient_hashing, arp_age, ..
        } = self.control;
        let links = self.links;
        self.planes.entry(node).or_insert_with(|| {
            let mut spec = draft.control(node).clone();
            // Those of a provider have something already.
            let names = named(draft, links, node, &spec);
            spec.neighbors.age = arp_age;
            // All ways that are as good share the traffic: that of Microsoft's is published for its edge only.
            let decision = DecisionConfig { maximum_paths_external: MAXIMUM_PATHS, ..DecisionConfig::default() };
            spec.routing.config =
                RibConfig { local_as, decision, programming: ProgrammingConfig { delay, per_prefix } };
            spec.routing.buckets = resilient_hashing.then_some(BUCKETS);
            Plane { spec, tables: BTreeMap::new(), vpns: BTreeMap::new(), everywhere: Vec::new(), names }
        })
    }

    /// Sub-interfaces and sessions at both ends of a link, whose routers have control planes.
    pub(super) fn link(&mut self, draft: &mut Draft, link: &Link) {
        let places = [0, 1].map(|side| self.interface(draft, link, side));
        for addresses in &link.addresses {
            for side in [0, 1] {
                self.session(link, side, places[side], *addresses);
            }
        }
    }

    /// The sub-interface at one end; its place.
    fn interface(&mut self, draft: &mut Draft, link: &Link, side: usize) -> usize {
        let Side { end: (node, port), tags, arrives, carrier, .. } = &link.sides[side];
        let own = || link.addresses.iter().map(|ends| ends[side]);
        let v4 = own().find_map(|own| if let IpAddr::V4(own) = own { Some(own) } else { None });
        let v6 = own().find_map(|own| if let IpAddr::V6(own) = own { Some(own) } else { None });
        let groups =
            v6.map(|_| GROUPS).into_iter().flatten().map(|(group, len)| IpNet::V6(Ipv6Net::new_assert(group, len)));
        let fib = &mut draft.router(*node).fib;
        for prefix in own().map(IpNet::from).chain(groups) {
            route(fib, *arrives, prefix, &[NextHop::LOCAL]);
        }
        let plane = self.planes.get_mut(node).expect("its router has a control plane");
        if plane.spec.ports.iter().all(|watched| watched.port != *port) {
            plane.spec.ports.push(WatchedPort { port: *port, carrier: *carrier, signals: Vec::new() });
        }
        let mac = Mac::local(node.0, port.0);
        plane.spec.interfaces.push(InterfaceSpec { port: *port, tags: tags.clone(), vrf: *arrives, mac, v4, v6 });
        plane.names.interfaces.push(link.of.clone());
        plane.spec.interfaces.len() - 1
    }

    /// The session of one family, as one end has it.
    fn session(&mut self, link: &Link, side: usize, interface: usize, addresses: [IpAddr; 2]) {
        let (own, far) = (&link.sides[side], &link.sides[1 - side]);
        let (local, remote) = (addresses[side], addresses[1 - side]);
        let name = SessionName { peer: far.end.0, of: link.of.clone(), on: link.on, through: link.through };
        let families = vec![if local.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }];
        let (mut session, mut peer) = self.terms([own.end.0, far.end.0], [local, remote], own.vrf, families, &own.bgp);
        let most = |limits: &PrefixLimits| if local.is_ipv4() { limits.v4 } else { limits.v6 };
        session.max_prefixes = own.limits.iter().map(|limits| (session.families[0], most(limits))).collect();
        session.max_prefix_restart = own.limits.map(|_| MAX_PREFIX_RESTART);
        (peer.import, peer.export) = (own.import.clone(), own.export.clone());
        peer.own_as_allowed = own.own_as_allowed;
        let plane = self.planes.get_mut(&own.end.0).expect("it has a sub-interface");
        let ControlSpec { bfd, bgp, routing, .. } = &mut plane.spec;
        let watched = link.bfd.map(|ends| {
            bfd.push(BfdSpec { over: Hops::Single(interface), remote, config: config(ends[side]) });
            plane.names.bfd.push(name.clone());
            bfd.len() - 1
        });
        let over = Over::Interface(interface);
        bgp.push(BgpSpec { over, session, peer, bfd: watched.filter(|_| own.bgp.coupled) });
        plane.names.bgp.push(name);
        let place = routing.next_hops.len();
        let forward = match &own.forward {
            Forward::Everywhere(next_hop) => {
                plane.everywhere.push((place, *next_hop));
                Vec::new()
            }
            Forward::In(tables, next_hop) => tables.iter().map(|table| (*table, Towards::from(*next_hop))).collect(),
            Forward::Translated(outside, inside, [plain, translated]) => {
                let inwards = if local.is_ipv4() { translated } else { plain };
                let inside = inside.iter().map(|table| (*table, Towards::from(*inwards)));
                [(*outside, Towards::from(*plain))].into_iter().chain(inside).collect()
            }
        };
        let by = Reach::Port { port: own.end.1, bfd: None };
        routing.next_hops.push(NextHopSpec { vrf: own.vrf, address: remote, label: None, forward, by });
    }

    /// Sessions of two routers of one system, anywhere in it, for the routes of VPNs, with BFD over all hops in between, the
    /// longest packet that these take, and how often the system may be in a path.
    pub(super) fn within(
        &mut self,
        vrf: VrfId,
        ends: [NodeId; 2],
        (of, provider): (&str, ProviderId),
        (bfd, mtu): (Option<Bfd>, u16),
        own_as_allowed: usize,
    ) {
        for [own, far] in [ends, [ends[1], ends[0]]] {
            let addresses = [own, far].map(|node| IpAddr::V4(self.addresses.router_id(node)));
            let families = vec![Family::VpnIpv4, Family::VpnIpv6];
            let (mut session, mut peer) = self.terms([own, far], addresses, vrf, families, &Bgp::default());
            session.mtu = session.mtu.min(mtu);
            peer.own_as_allowed = own_as_allowed;
            let Plane { spec, names, .. } = self.planes.get_mut(&own).expect("it has a control plane");
            let name = SessionName { peer: far, of: of.to_owned(), on: None, through: Some(provider) };
            let watched = bfd.map(|bfd| {
                let over = Hops::Multi { vrf, local: addresses[0] };
                spec.bfd.push(BfdSpec { over, remote: addresses[1], config: config(bfd) });
                names.bfd.push(name.clone());
                spec.bfd.len() - 1
            });
            spec.bgp.push(BgpSpec { over: Over::Routed(vrf), session, peer, bfd: watched });
            names.bgp.push(name);
        }
    }

    /// A session of the first router with the second one, between addresses of theirs, as the first one has it.
    fn terms(
        &self,
        ends: [NodeId; 2],
        [local, remote]: [IpAddr; 2],
        vrf: VrfId,
        families: Vec<Family>,
        bgp: &Bgp,
    ) -> (SessionConfig, PeerConfig) {
        let [local_as, remote_as] = ends.map(|node| self.planes[&node].spec.routing.config.local_as);
        let ids = ends.map(|node| self.addresses.router_id(node));
        let session = SessionConfig {
            families: families.clone(),
            hold: bgp.hold,
            keepalive: bgp.keepalive,
            connect_retry: bgp.connect_retry,
            mtu: self.mtu,
            ..SessionConfig::new(local, remote, local_as, remote_as, ids[0])
        };
        let peer = PeerConfig {
            vrf,
            kind: if remote_as == local_as { PeerKind::Internal } else { PeerKind::External { remote_as } },
            router_id: ids[1],
            address: remote,
            local_address: local,
            families,
            import: Policy::default(),
            export: Policy::default(),
            next_hop_self: true,
            own_as_allowed: 0,
            advertisement_interval: bgp.mrai,
        };
        (session, peer)
    }

    /// Hands all of them to their routers, whose learned routes become dynamic.
    pub(super) fn finish(self, draft: &mut Draft, scenario: &Scenario) -> Vec<RouterSessions> {
        let links = self.links;
        let prefixes = follow::known(scenario);
        let give = |(node, mut plane): (NodeId, Plane)| {
            plane.spec.routing.vrfs = plane.tables.keys().map(|vrf| (*vrf, plane.vpns.remove(vrf))).collect();
            for (place, next_hop) in std::mem::take(&mut plane.everywhere) {
                let known = &mut plane.spec.routing.next_hops[place];
                known.forward = plane.tables[&known.vrf].iter().map(|table| (*table, next_hop.into())).collect();
            }
            let router = draft.router(node);
            follow::follow(&mut plane, &mut router.fib, &prefixes);
            router.control = Some(Box::new(plane.spec));
            plane.names
        };
        let given: Vec<RouterSessions> = self.planes.into_iter().map(give).collect();
        // Routers of providers that have no BGP.
        let is_given = |node: NodeId| given.iter().any(|sessions| sessions.node == node);
        let others: Vec<RouterSessions> = draft
            .controlled()
            .filter(|(node, _)| !is_given(*node))
            .map(|(node, control)| named(draft, links, node, control))
            .collect();
        let mut all: Vec<RouterSessions> = given.into_iter().chain(others).collect();
        all.sort_by_key(|sessions| sessions.node);
        all
    }
}

impl Plane {
    /// VRFs of the forwarding table follow the routes of `vrf`.
    pub(super) fn follow(&mut self, vrf: VrfId, forwarding: impl IntoIterator<Item = VrfId>) {
        let tables = self.tables.entry(vrf).or_default();
        tables.extend(forwarding);
        tables.sort_unstable();
        tables.dedup();
    }

    /// The router gives `prefix` to BGP.
    pub(super) fn originate(&mut self, vrf: VrfId, prefix: IpNet, communities: Vec<u32>) {
        let next_hop = match prefix {
            IpNet::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            IpNet::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let attributes = Attributes { communities, ..Attributes::new(next_hop) };
        self.spec.routing.originated.push(Originated { vrf, prefix, attributes });
    }
}

/// Names for what the control plane of a provider's router has: sub-interfaces of its links, and BFD over them.
pub(super) fn named(draft: &Draft, links: &EventLinks, node: NodeId, control: &ControlSpec) -> RouterSessions {
    let name = |end: End| draft.network.port_name(end);
    let of = |interface: &InterfaceSpec| {
        let end = (node, interface.port);
        let far = draft.peer(end).map_or_else(String::new, name);
        format!("link of {} and {far}", name(end))
    };
    let bfd = control.bfd.iter().map(|session| {
        let interface = session.over.interface().expect("what goes further is none of a link");
        let interface = &control.interfaces[interface];
        let end = (node, interface.port);
        let peer = draft.peer(end).map_or(node, |far| far.0);
        let on = links.iter().find(|(_, ends)| ends.contains(&end)).map(|(target, _)| *target);
        SessionName { peer, of: of(interface), on, through: None }
    });
    RouterSessions {
        node,
        interfaces: control.interfaces.iter().map(of).collect(),
        bfd: bfd.collect(),
        bgp: Vec::new(),
    }
}

fn config(bfd: Bfd) -> Config {
    let interval = Interval::try_from(bfd.interval).expect("the scenario was checked");
    Config::new(interval, DetectMult(bfd.multiplier.try_into().expect("the scenario was checked")))
}

/// Buckets of flows of a route, with resilient hashing: each of up to eight equal ways gets within 2 % of its share.
const BUCKETS: usize = 64;
/// Until a session that had too many prefixes is tried again. Microsoft does not publish when it does.
const MAX_PREFIX_RESTART: Span = Span::from_s(60);
/// The groups that neighbour discovery sends to: all nodes, and those that are solicited (RFC 4291 §2.7.1).
const GROUPS: [(Ipv6Addr, u8); 2] =
    [(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 128), (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0), 104)];
