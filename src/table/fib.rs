//! The forwarding information base of one router: everything that `forward` reads, as it is built; changes are beside.

use super::circuit::{Ingress, IngressBuilder};
use super::lpm::Lpm;
use super::member::{Member, Protected};
use super::next_hop::{NextHop, TtlModel};
use super::program::Program;
use super::ready::Ready;
use crate::frame::DropReason;
use crate::id::VrfId;
use crate::rng::mix64;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a label stands for beneath itself, when its pop leads to a next hop without a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Further labels only: the bottom may not be reached.
    Labels,
}

/// Next hops of equal cost: a run in the FIB's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NextHopSet {
    first: u32,
    count: u32,
}

impl NextHopSet {
    /// No next hop: what a look-up of nothing finds.
    pub(super) const NONE: NextHopSet = NextHopSet::run(0, 0);

    /// `count` next hops from place `first` on.
    pub(super) const fn run(first: u32, count: u32) -> Self {
        NextHopSet { first, count }
    }

    /// Whether it has no member.
    #[inline(always)]
    pub(super) const fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Where its members are in the list.
    pub(super) const fn places(self) -> std::ops::Range<u32> {
        self.first..self.first + self.count
    }

    /// Its members in the list that it is a run of.
    pub(super) fn members(self, next_hops: &[NextHop]) -> &[NextHop] {
        &next_hops[self.first as usize..(self.first + self.count) as usize]
    }
}

/// What is done with a label (the NHLFE's operation, RFC 3031 §3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelAction {
    /// The label is replaced by the next hop's labels: the last takes its place, the others go on top.
    Swap(NextHopSet),
    /// The label is popped and what lies beneath goes to the next hop: penultimate-hop popping, and others.
    Pop {
        /// What lies beneath the last label.
        payload: Payload,
        /// Where to.
        next_hops: NextHopSet,
    },
    /// The label is popped and what lies beneath is looked up: further labels in the label map, IP in this VRF.
    PopLookup(VrfId),
    /// The label is popped and the Ethernet frame beneath goes to the attachment circuit (RFC 4448).
    PopPseudowire {
        /// Whether a control word (RFC 4385) is expected, and removed.
        control_word: bool,
        /// Place of the attachment circuit's next hop.
        next_hop: u32,
    },
}

/// An entry of the incoming label map (ILM, RFC 3031 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelEntry {
    /// What is done.
    pub action: LabelAction,
    /// How TTL and TC go over to what lies beneath.
    pub model: TtlModel,
}

/// A route as it was given, kept to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    /// Destinations.
    pub prefix: IpNet,
    /// Where to.
    pub next_hops: NextHopSet,
}

/// A virtual routing and forwarding table.
#[derive(Clone, Debug)]
pub struct Vrf {
    v4: Lpm,
    v6: Lpm,
    routes: Vec<RouteEntry>,
}

/// Everything that forwarding in one router looks up.
#[derive(Clone, Debug)]
pub struct Fib {
    ingress: Vec<Ingress>,
    vrfs: Vec<Vrf>,
    /// What the prefixes lead to: the sets of static routes, then those of labels, then one for each dynamic route.
    pub(super) sets: Vec<NextHopSet>,
    pub(super) next_hops: Vec<NextHop>,
    /// Per label, the place in `label_entries` plus 1.
    pub(super) label_slots: Vec<u32>,
    pub(super) label_entries: Vec<LabelEntry>,
    null_model: TtlModel,
    hash_seed: u32,
    pub(super) ready: Ready,
    sources: Vec<Vec<IpNet>>,
    pub(super) program: Program,
}

impl Fib {
    /// The tables of the short way.
    #[inline(always)]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The set of next hops of the longest route to an IPv4 destination: its place. It is empty where all routes to there
    /// are.
    #[inline(always)]
    pub fn set_v4(&self, vrf: VrfId, destination: u32) -> Option<usize> {
        Some(self.vrfs.get(vrf.index())?.v4.lookup_v4(destination)? as usize)
    }

    /// The same for an IPv6 destination.
    #[inline(always)]
    pub fn set_v6(&self, vrf: VrfId, destination: u128) -> Option<usize> {
        Some(self.vrfs.get(vrf.index())?.v6.lookup(destination)? as usize)
    }

    /// The receiving side of a port.
    #[inline(always)]
    pub fn ingress(&self, port: usize) -> Option<&Ingress> {
        self.ingress.get(port)
    }

    /// The next hops of the longest route to an IPv4 destination.
    #[inline(always)]
    pub fn lookup_v4(&self, vrf: VrfId, destination: u32) -> Option<NextHopSet> {
        self.sets.get(self.set_v4(vrf, destination)?).copied().filter(|set| !set.is_empty())
    }

    /// The next hops of the longest route to an IPv6 destination.
    #[inline(always)]
    pub fn lookup_v6(&self, vrf: VrfId, destination: u128) -> Option<NextHopSet> {
        self.sets.get(self.set_v6(vrf, destination)?).copied().filter(|set| !set.is_empty())
    }

    /// The longest route that holds `destination` and has next hops.
    pub fn route_to(&self, vrf: VrfId, destination: IpAddr) -> Option<RouteEntry> {
        let routes = self.installed(vrf).filter(|route| route.prefix.contains(&destination));
        routes.max_by_key(|route| route.prefix.prefix_len())
    }

    /// The routes of `vrf` that have next hops. Of two for the same prefix the later one holds.
    pub(super) fn installed(&self, vrf: VrfId) -> impl Iterator<Item = RouteEntry> {
        let fixed = self.vrfs.get(vrf.index()).into_iter().flat_map(|vrf| vrf.routes.iter().copied());
        fixed.chain(self.program.installed(vrf))
    }

    /// The entry of a label that is not special-purpose.
    #[inline(always)]
    pub fn label(&self, label: u32) -> Option<&LabelEntry> {
        let place = self.label_slots.get(label as usize).copied().unwrap_or(0);
        self.label_entries.get((place as usize).wrapping_sub(1))
    }

    /// The next hop of `set` that frames with `hash` take (RFC 2992's modulo-N by multiplication), and its place.
    #[inline(always)]
    pub fn choose(&self, set: NextHopSet, hash: u32) -> (u32, &NextHop) {
        let place = set.first + spread(hash ^ self.hash_seed, set.count);
        (place, &self.next_hops[place as usize])
    }

    /// The next hops of `set`.
    pub fn members(&self, set: NextHopSet) -> &[NextHop] {
        set.members(&self.next_hops)
    }

    /// The next hop at `place`.
    #[inline(always)]
    pub fn next_hop(&self, place: u32) -> &NextHop {
        &self.next_hops[place as usize]
    }

    /// Whether list `list` of sources has `source`.
    pub fn has_source(&self, list: u8, source: IpAddr) -> bool {
        self.sources.get(usize::from(list)).is_some_and(|list| list.iter().any(|net| net.contains(&source)))
    }

    /// The TTL model of explicit null labels.
    #[inline(always)]
    pub fn null_model(&self) -> TtlModel {
        self.null_model
    }
}

/// The place among `count` equal ways that a flow with `hash` takes: of hashes that differ in some bits, as by another
/// seed, the places have nothing to do with each other.
#[inline(always)]
pub fn spread(hash: u32, count: u32) -> u32 {
    let mixed = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    ((mixed * u64::from(count)) >> 32) as u32
}

/// Gathers a router's tables.
#[derive(Clone, Debug)]
pub struct FibBuilder {
    ingress: Vec<Ingress>,
    routes: Vec<(VrfId, RouteEntry)>,
    members: Vec<Member>,
    labels: Vec<(u32, LabelEntry)>,
    dynamic: Vec<(VrfId, IpNet)>,
    dynamic_labels: Vec<u32>,
    protected: Vec<(NextHop, NextHop)>,
    null_model: TtlModel,
    hash_seed: u32,
    sources: Vec<Vec<IpNet>>,
}

impl FibBuilder {
    /// Tables without a port, with the routes that every router has: destinations that are never forwarded (RFC 1812
    /// §5.3.7, RFC 3927 §2.7, RFC 4291 §2.5). `vrfs` is how many VRFs there are.
    pub fn new(vrfs: u16) -> Self {
        let mut builder = FibBuilder {
            ingress: Vec::new(),
            routes: Vec::new(),
            members: Vec::new(),
            labels: Vec::new(),
            dynamic: Vec::new(),
            dynamic_labels: Vec::new(),
            protected: Vec::new(),
            null_model: TtlModel::Uniform,
            hash_seed: 0,
            sources: Vec::new(),
        };
        for (prefix, reason) in never_forwarded() {
            let next_hops = builder.next_hops(&[NextHop::discard(reason)]);
            for vrf in 0..vrfs {
                builder.route(VrfId(vrf), prefix, next_hops);
            }
        }
        builder
    }

    /// Adds the receiving side of the next port.
    pub fn ingress(&mut self, port: &IngressBuilder) -> &mut Self {
        self.ingress.push(port.build());
        self
    }

    /// Adds next hops of equal cost; at least one.
    ///
    /// # Panics
    /// None given; or one that another builder protects.
    pub fn next_hops<M: Copy + Into<Member>>(&mut self, next_hops: &[M]) -> NextHopSet {
        assert!(!next_hops.is_empty(), "a set of next hops has at least one");
        let set = NextHopSet { first: self.members.len() as u32, count: next_hops.len() as u32 };
        for &member in next_hops {
            let member = member.into();
            if let Member::Protected(protected) = member {
                assert!((protected.0 as usize) < self.protected.len(), "it is protected by another router");
            }
            self.members.push(member);
        }
        set
    }

    /// Adds one next hop for a service or a pseudowire; its place.
    ///
    /// # Panics
    /// It is one that another builder protects.
    pub fn next_hop(&mut self, next_hop: impl Copy + Into<Member>) -> u32 {
        self.next_hops(&[next_hop]).first
    }

    /// Adds a next hop with a backup, which is a member of sets as any other; it begins on its primary.
    /// [`Fib::switch`] changes between the two.
    pub fn protected(&mut self, primary: NextHop, backup: NextHop) -> Protected {
        self.protected.push((primary, backup));
        Protected(self.protected.len() as u32 - 1)
    }

    /// Declares a route that [`Fib::program`] gives next hops; it begins without any. Several for the same prefix are one.
    pub fn dynamic(&mut self, vrf: VrfId, prefix: IpNet) -> &mut Self {
        self.dynamic.push((vrf, prefix.trunc()));
        self
    }

    /// Declares a label that [`Fib::program_label`] gives an entry; it begins without. Several of the same label are one.
    pub fn dynamic_label(&mut self, label: crate::wire::mpls::Label) -> &mut Self {
        self.dynamic_labels.push(label.get());
        self
    }

    /// Adds a route. Of two for the same prefix the later one holds.
    pub fn route(&mut self, vrf: VrfId, prefix: IpNet, next_hops: NextHopSet) -> &mut Self {
        self.routes.push((vrf, RouteEntry { prefix: prefix.trunc(), next_hops }));
        self
    }

    /// The next hops of the static route for `prefix` that holds; of none, none.
    pub fn next_hops_of(&self, vrf: VrfId, prefix: IpNet) -> &[Member] {
        let holds = |route: &&(VrfId, RouteEntry)| (route.0, route.1.prefix) == (vrf, prefix.trunc());
        let set = self.routes.iter().rev().find(holds).map(|(_, route)| route.next_hops);
        set.map_or(&[], |set| &self.members[set.places().start as usize..set.places().end as usize])
    }

    /// Makes the static route for `prefix` that holds a dynamic one, which begins without next hops. One that it hid
    /// holds while the dynamic one is empty.
    pub fn release(&mut self, vrf: VrfId, prefix: IpNet) -> &mut Self {
        let holds = |route: &(VrfId, RouteEntry)| (route.0, route.1.prefix) == (vrf, prefix.trunc());
        if let Some(place) = self.routes.iter().rposition(holds) {
            self.routes.remove(place);
        }
        self.dynamic(vrf, prefix)
    }

    /// Adds a label. Of two entries for the same label the later one holds.
    pub fn label(&mut self, label: crate::wire::mpls::Label, entry: LabelEntry) -> &mut Self {
        self.labels.push((label.get(), entry));
        self
    }

    /// Adds a list of sources; its number.
    ///
    /// # Panics
    /// If there are 256 already.
    pub fn sources(&mut self, list: Vec<IpNet>) -> u8 {
        self.sources.push(list);
        u8::try_from(self.sources.len() - 1).expect("a router has at most 256 lists of sources")
    }

    /// The TTL model of explicit null labels; uniform, unless said.
    pub fn null_model(&mut self, model: TtlModel) -> &mut Self {
        self.null_model = model;
        self
    }

    /// The seed of the choice among equal next hops; 0, unless said.
    pub fn hash_seed(&mut self, seed: u32) -> &mut Self {
        // Seeds that are near to each other must differ in many bits.
        self.hash_seed = mix64(seed.into()) as u32;
        self
    }

    /// The tables.
    pub fn build(&self) -> Fib {
        let largest = self.labels.iter().map(|label| label.0).chain(self.dynamic_labels.iter().copied()).max();
        let slots = largest.map_or(0, |label| label as usize + 1);
        let (program, next_hops) = Program::new(&self.members, &self.protected);
        let mut fib = Fib {
            ready: Ready::new(slots, self.hash_seed),
            ingress: self.ingress.clone(),
            vrfs: Vec::new(),
            sets: Vec::new(),
            next_hops,
            label_slots: vec![0; slots],
            label_entries: Vec::with_capacity(self.labels.len()),
            null_model: self.null_model,
            hash_seed: self.hash_seed,
            sources: self.sources.clone(),
            program,
        };
        // Labels first among what is not a static route's: a word of the label map names places below 2^16 only.
        let mut places = HashMap::new();
        for (_, route) in &self.routes {
            places.entry(route.next_hops).or_insert_with(|| fib.add_set(route.next_hops));
        }
        for &(label, entry) in &self.labels {
            let place = match entry.action {
                LabelAction::Pop { next_hops, .. } => {
                    *places.entry(next_hops).or_insert_with(|| fib.add_set(next_hops))
                }
                _ => 0,
            };
            fib.add_label(label, entry, place);
        }
        fib.declare_labels(&self.dynamic_labels, &places);
        let fixed = self.routes.iter().map(|(vrf, route)| (*vrf, route.prefix, places[&route.next_hops]));
        fib.declare_routes(&self.dynamic, fixed);
        let declared = self.dynamic.iter().map(|&(vrf, _)| vrf);
        let vrfs = self.routes.iter().map(|&(vrf, _)| vrf).chain(declared).map(|vrf| vrf.index() + 1).max();
        fib.vrfs = (0..vrfs.unwrap_or(0)).map(|vrf| self.vrf(vrf, &places, &fib.program)).collect();
        fib
    }

    fn vrf(&self, vrf: usize, places: &HashMap<NextHopSet, u32>, program: &Program) -> Vrf {
        let mine = || self.routes.iter().filter(|(v, _)| v.index() == vrf).map(|(_, route)| route);
        // Behind the static routes, so that of the same prefix the dynamic one has the slot.
        let slots = program.slots().filter(|(v, _, _)| v.index() == vrf).map(|(_, prefix, slot)| (prefix, slot));
        let all: Vec<_> = mine().map(|route| (route.prefix, places[&route.next_hops])).chain(slots).collect();
        let v4 = all.iter().filter_map(|&(prefix, set)| match prefix {
            IpNet::V4(p) => Some((u128::from(p.addr().to_bits()) << 96, p.prefix_len(), set)),
            IpNet::V6(_) => None,
        });
        let v6 = all.iter().filter_map(|&(prefix, set)| match prefix {
            IpNet::V4(_) => None,
            IpNet::V6(p) => Some((p.addr().to_bits(), p.prefix_len(), set)),
        });
        Vrf { v4: Lpm::new(v4), v6: Lpm::new(v6), routes: mine().copied().collect() }
    }
}

fn never_forwarded() -> [(IpNet, DropReason); 9] {
    let v4 = |a: [u8; 4], len| IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from(a), len));
    let v6 = |high: u16, low: u16, len| {
        IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_bits(u128::from(high) << 112 | u128::from(low)), len))
    };
    [
        (v4([0, 0, 0, 0], 8), DropReason::Unspecified),
        (v4([127, 0, 0, 0], 8), DropReason::Loopback),
        (v4([169, 254, 0, 0], 16), DropReason::LinkLocal),
        (v4([224, 0, 0, 0], 4), DropReason::Multicast),
        (v4([255, 255, 255, 255], 32), DropReason::Broadcast),
        (v6(0, 0, 128), DropReason::Unspecified),
        (v6(0, 1, 128), DropReason::Loopback),
        (v6(0xfe80, 0, 10), DropReason::LinkLocal),
        (v6(0xff00, 0, 8), DropReason::Multicast),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PortId;
    use crate::wire::mpls::Label;

    #[test]
    fn a_route_is_found_in_its_own_vrf_only() {
        let mut builder = FibBuilder::new(2);
        let a = builder.next_hops(&[NextHop::port(PortId(1))]);
        builder.route(VrfId(1), "10.0.0.0/8".parse().unwrap(), a);
        let fib = builder.build();
        assert_eq!(fib.lookup_v4(VrfId(1), 0x0a01_0203), Some(a));
        assert_eq!(fib.lookup_v4(VrfId(0), 0x0a01_0203), None);
        assert_eq!(fib.lookup_v4(VrfId(7), 0x0a01_0203), None);
        let route = fib.route_to(VrfId(1), "10.1.2.3".parse().unwrap()).unwrap();
        assert_eq!((route.prefix.to_string().as_str(), route.next_hops), ("10.0.0.0/8", a));
    }

    #[test]
    fn a_route_that_is_released_waits_for_its_next_hops() {
        let (vrf, prefix) = (VrfId(0), "10.0.0.0/8".parse().unwrap());
        let by = |port: u16| NextHop::port(PortId(port));
        let mut builder = FibBuilder::new(1);
        for port in [1, 2] {
            let set = builder.next_hops(&[by(port)]);
            builder.route(vrf, prefix, set);
        }
        assert_eq!(builder.next_hops_of(vrf, prefix), [Member::Plain(by(2))], "the later one holds");
        assert!(builder.next_hops_of(VrfId(1), prefix).is_empty());
        let mut fib = builder.release(vrf, prefix).build();
        let now = |fib: &Fib| fib.members(fib.lookup_v4(vrf, 0x0a01_0203).unwrap()).to_vec();
        assert_eq!(now(&fib), [by(1)], "what it hid holds");
        fib.program(vrf, prefix, &[by(2), by(3)]).unwrap();
        assert_eq!(now(&fib), [by(2), by(3)]);
        fib.withdraw(vrf, prefix).unwrap();
        assert_eq!(now(&fib), [by(1)]);
    }

    #[test]
    fn what_is_never_forwarded_has_its_reason() {
        let fib = FibBuilder::new(1).build();
        let reason = |address: &str| {
            let set = match address.parse().unwrap() {
                std::net::IpAddr::V4(a) => fib.lookup_v4(VrfId(0), a.to_bits()),
                std::net::IpAddr::V6(a) => fib.lookup_v6(VrfId(0), a.to_bits()),
            };
            set.map(|set| fib.choose(set, 0).1.target)
        };
        for (address, expected) in [
            ("127.1.2.3", DropReason::Loopback),
            ("239.1.1.1", DropReason::Multicast),
            ("255.255.255.255", DropReason::Broadcast),
            ("fe80::1", DropReason::LinkLocal),
            ("::1", DropReason::Loopback),
        ] {
            assert_eq!(reason(address), Some(super::super::Target::Discard(expected)), "{address}");
        }
        assert_eq!((reason("10.0.0.1"), reason("2001:db8::1")), (None, None));
    }

    #[test]
    fn equal_next_hops_share_flows_evenly_and_seeds_differ() {
        let share = |seed| {
            let mut builder = FibBuilder::new(1);
            let set = builder.next_hops(&[NextHop::port(PortId(0)), NextHop::port(PortId(1))]);
            let fib = builder.hash_seed(seed).build();
            (0..10_000u32).map(|hash| fib.choose(set, hash).0 - set.first).collect::<Vec<_>>()
        };
        let (a, b) = (share(0), share(1));
        let ones: u32 = a.iter().sum();
        assert!((4800..5200).contains(&ones), "{ones}");
        let equal = a.iter().zip(&b).filter(|(x, y)| x == y).count();
        assert!((4700..5300).contains(&equal), "{equal}");
    }

    #[test]
    fn labels_are_found_up_to_the_largest() {
        let entry = LabelEntry { action: LabelAction::PopLookup(VrfId(0)), model: TtlModel::Uniform };
        let mut builder = FibBuilder::new(1);
        builder.label(Label::new(16).unwrap(), entry).label(Label::new(1_048_575).unwrap(), entry);
        let fib = builder.build();
        assert_eq!([16, 17, 1_048_575].map(|l| fib.label(l).is_some()), [true, false, true]);
    }
}
