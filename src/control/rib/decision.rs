//! Which of several routes to a prefix is the best, and which share its traffic (RFC 4271 §9.1.2).

use super::{DecisionConfig, Source};
use crate::control::route::{Attributes, Origin};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Where a route was learned; the lesser one is preferred (RFC 4271 §9.1.2.2 d).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Learned {
    /// It is this router's own.
    Own,
    /// By eBGP.
    External,
    /// By iBGP.
    Internal,
}

/// A route that may be chosen: its next hop is usable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) source: Source,
    pub(super) attributes: &'a Attributes,
    pub(super) weight: u32,
    pub(super) learned: Learned,
    pub(super) router_id: Ipv4Addr,
    pub(super) address: IpAddr,
}

/// LOCAL_PREF of a route that has none.
pub const DEFAULT_LOCAL_PREF: u32 = 100;

impl Candidate<'_> {
    fn local_pref(&self) -> u32 {
        self.attributes.local_pref.unwrap_or(DEFAULT_LOCAL_PREF)
    }

    fn origin(&self) -> Origin {
        self.attributes.origin
    }

    /// RFC 4271 §9.1.2.2 c: a route without one has the lowest.
    fn med(&self) -> u32 {
        self.attributes.med.unwrap_or(0)
    }
}

/// The sources of the routes that share the traffic, the best one first: each step strikes out what another beats, so
/// that no order of arrival shows. The interior cost (step e) is 0 to every usable next hop.
pub(super) fn select(candidates: &[Candidate<'_>], config: &DecisionConfig) -> Vec<Source> {
    let mut left: Vec<&Candidate<'_>> = candidates.iter().collect();
    keep_least(&mut left, |route| Reverse(route.weight));
    keep_least(&mut left, |route| Reverse(route.local_pref()));
    keep_least(&mut left, |route| route.attributes.as_path.len());
    keep_least(&mut left, |route| route.origin());
    keep_least_med(&mut left, config.always_compare_med);
    keep_least(&mut left, |route| route.learned);
    left.sort_unstable_by_key(|route| (route.router_id, route.address, route.source));
    let Some(best) = left.first().copied() else { return Vec::new() };
    let most = match best.learned {
        Learned::Own => 1,
        Learned::External => config.maximum_paths_external,
        Learned::Internal => config.maximum_paths_internal,
    };
    let shares =
        |route: &&&Candidate<'_>| config.multipath_relax || route.attributes.as_path == best.attributes.as_path;
    left.iter().filter(shares).take(most).map(|route| route.source).collect()
}

fn keep_least<K: Ord>(left: &mut Vec<&Candidate<'_>>, key: impl Fn(&Candidate<'_>) -> K) {
    if let Some(least) = left.iter().map(|route| key(route)).min() {
        left.retain(|route| key(route) == least);
    }
}

fn keep_least_med(left: &mut Vec<&Candidate<'_>>, all_alike: bool) {
    let group = |route: &Candidate<'_>| if all_alike { None } else { route.attributes.as_path.neighbor() };
    let mut least = BTreeMap::new();
    for route in left.iter() {
        let med = least.entry(group(route)).or_insert(u32::MAX);
        *med = route.med().min(*med);
    }
    left.retain(|route| route.med() == least[&group(route)]);
}
