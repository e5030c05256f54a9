//! Routes that come and go: the slot of each in the table of sets, and what an empty one shows; it holds no next hops.
//!
//! The prefix table itself never changes: a prefix that may ever have a route leads to a slot of its own. While a route has
//! no next hops, its slot shows what the next shorter route of the same VRF shows, so that a look-up never looks back.

use super::fib::NextHopSet;
use crate::id::VrfId;
use ipnet::IpNet;
use std::collections::{BTreeSet, HashMap};

/// What a slot shows while its route is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beneath {
    /// That there is no route.
    Miss,
    /// The same as this slot of a static route.
    Static(u32),
    /// The same as this dynamic route, the next shorter one.
    Dynamic(u32),
}

/// A route that comes and goes.
#[derive(Clone, Debug)]
pub(super) struct DynamicRoute {
    pub(super) vrf: VrfId,
    pub(super) prefix: IpNet,
    /// Its next hops now; [`NextHopSet::NONE`] while it is empty.
    pub(super) own: NextHopSet,
    /// Its place in the table of sets.
    pub(super) slot: u32,
    pub(super) beneath: Beneath,
    /// The routes that show the same as this one while they are empty.
    longer: Vec<u32>,
}

/// All of a router, in the order of VRF, family, address and length.
#[derive(Clone, Debug, Default)]
pub(super) struct DynamicRoutes {
    routes: Vec<DynamicRoute>,
    places: HashMap<(VrfId, IpNet), u32>,
}

/// A static route: its VRF, its prefix and the place of its set.
pub(super) type Fixed = (VrfId, IpNet, u32);

impl DynamicRoutes {
    /// Routes for all prefixes `declared`, each empty, above the static ones; slots are numbered from `first`. Of two static
    /// routes for the same prefix the later one holds.
    pub(super) fn new(declared: &[(VrfId, IpNet)], fixed: impl Iterator<Item = Fixed>, first: u32) -> Self {
        let mut all = DynamicRoutes::default();
        if declared.is_empty() {
            return all;
        }
        let declared: BTreeSet<_> = declared.iter().copied().collect();
        let mut ordered: Vec<_> = fixed.map(|(vrf, prefix, set)| (vrf, prefix, Some(set))).collect();
        ordered.extend(declared.into_iter().map(|(vrf, prefix)| (vrf, prefix, None)));
        // Shorter prefixes come before the longer ones in them; where two are the same, the static one comes first.
        ordered.sort_by_key(|&(vrf, prefix, _)| (vrf, prefix));
        let mut around: Vec<(VrfId, IpNet, Beneath)> = Vec::new();
        for (vrf, prefix, set) in ordered {
            while around.pop_if(|(v, shorter, _)| *v != vrf || !shorter.contains(&prefix)).is_some() {}
            let shown = match set {
                Some(set) => Beneath::Static(set),
                None => {
                    let beneath = around.last().map_or(Beneath::Miss, |shorter| shorter.2);
                    Beneath::Dynamic(all.push(vrf, prefix, beneath, first))
                }
            };
            around.push((vrf, prefix, shown));
        }
        all
    }

    fn push(&mut self, vrf: VrfId, prefix: IpNet, beneath: Beneath, first: u32) -> u32 {
        let place = self.routes.len() as u32;
        if let Beneath::Dynamic(shorter) = beneath {
            self.routes[shorter as usize].longer.push(place);
        }
        let (own, longer) = (NextHopSet::NONE, Vec::new());
        self.routes.push(DynamicRoute { vrf, prefix, own, slot: first + place, beneath, longer });
        self.places.insert((vrf, prefix), place);
        place
    }

    /// The place of the route for exactly this prefix.
    pub(super) fn place(&self, vrf: VrfId, prefix: IpNet) -> Option<u32> {
        self.places.get(&(vrf, prefix.trunc())).copied()
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DynamicRoute> {
        self.routes.iter()
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.routes.len() as u32
    }

    /// The one at `place`.
    pub(super) fn at(&self, place: u32) -> &DynamicRoute {
        &self.routes[place as usize]
    }

    /// Gives the route at `place` other next hops; its slot is not written.
    pub(super) fn own(&mut self, place: u32, set: NextHopSet) {
        self.routes[place as usize].own = set;
    }

    /// Calls `show` with the slot of the route at `place` and with each that shows the same because it is empty.
    pub(super) fn showing(&self, place: u32, mut show: impl FnMut(u32)) {
        let (mut next, mut open) = (Some(place), Vec::new());
        while let Some(place) = next {
            let route = self.at(place);
            show(route.slot);
            open.extend(route.longer.iter().copied().filter(|&longer| self.at(longer).own.is_empty()));
            next = open.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    /// 10/8 static, 10.1/16 and 10.1.2/24 dynamic in VRF 0; 10.1.2.0/24 in VRF 1; ::/0 and 2001:db8::/32.
    fn routes() -> DynamicRoutes {
        let declared = [(0, "10.1.2.0/24"), (1, "10.1.2.0/24"), (0, "10.1.0.0/16"), (0, "2001:db8::/32"), (0, "::/0")];
        let declared: Vec<_> = declared.iter().map(|&(vrf, prefix)| (VrfId(vrf), net(prefix))).collect();
        let fixed = [(VrfId(0), net("10.0.0.0/8"), 7), (VrfId(0), net("10.0.0.0/8"), 8)];
        DynamicRoutes::new(&[&declared[..], &declared[..2]].concat(), fixed.into_iter(), 100)
    }

    #[test]
    fn an_empty_route_shows_the_next_shorter_one_of_its_vrf_and_family() {
        let routes = routes();
        let beneath = |vrf, prefix| routes.at(routes.place(VrfId(vrf), net(prefix)).unwrap()).beneath;
        assert_eq!(beneath(0, "10.1.0.0/16"), Beneath::Static(8));
        assert_eq!(beneath(0, "10.1.2.9/24"), Beneath::Dynamic(0));
        assert_eq!(beneath(1, "10.1.2.0/24"), Beneath::Miss);
        assert_eq!(beneath(0, "::/0"), Beneath::Miss);
        assert_eq!(beneath(0, "2001:db8::/32"), Beneath::Dynamic(2));
        assert_eq!((routes.place(VrfId(0), net("10.1.0.0/17")), routes.len()), (None, 5));
    }

    #[test]
    fn only_empty_routes_show_what_is_beneath_them() {
        let mut routes = routes();
        let slots = |routes: &DynamicRoutes, place| {
            let mut slots = Vec::new();
            routes.showing(place, |slot| slots.push(slot));
            slots
        };
        assert_eq!((slots(&routes, 0), slots(&routes, 1)), (vec![100, 101], vec![101]));
        routes.own(1, NextHopSet::run(0, 1));
        assert_eq!(slots(&routes, 0), [100]);
    }

    /// Addresses have at most 128 shorter prefixes: that deep a chain, and the longest at its end shows the shortest.
    #[test]
    fn a_chain_of_all_lengths_is_followed_to_its_end() {
        let declared: Vec<_> =
            (0..=128).map(|len| (VrfId(0), IpNet::new("::".parse().unwrap(), len).unwrap())).collect();
        let routes = DynamicRoutes::new(&declared, std::iter::empty(), 0);
        let mut slots = Vec::new();
        routes.showing(0, |slot| slots.push(slot));
        assert_eq!(slots, (0..=128).collect::<Vec<_>>());
    }
}
