//! How many prefixes the other end has announced, by family, against what it may.

use super::Why;
use crate::control::bgp::message::{Notification, codes};
use crate::control::{Family, Nlri, RouteDistinguisher, RouteUpdate};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// What the other end has announced and not withdrawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes(BTreeMap<Family, BTreeSet<(IpNet, Option<RouteDistinguisher>)>>);

/// More than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excess {
    pub(super) family: Family,
    pub(super) count: usize,
    pub(super) limit: usize,
}

impl Prefixes {
    /// Takes the changes; says if there are too many of a family afterwards. Families without a limit are not counted.
    pub(super) fn take(&mut self, update: &RouteUpdate, limits: &[(Family, usize)]) -> Option<Excess> {
        let limit = |route: &Nlri| limits.iter().find(|(family, _)| *family == route.family()).map(|(_, limit)| *limit);
        let name = |route: &Nlri| (route.prefix, route.vpn.map(|vpn| vpn.distinguisher));
        for route in update.withdrawn.iter().filter(|route| limit(route).is_some()) {
            self.0.entry(route.family()).or_default().remove(&name(route));
        }
        for route in update.announced.iter().filter(|route| limit(route).is_some()) {
            self.0.entry(route.family()).or_default().insert(name(route));
        }
        limits.iter().find_map(|&(family, limit)| {
            let count = self.0.get(&family).map_or(0, BTreeSet::len);
            (count > limit).then_some(Excess { family, count, limit })
        })
    }
}

impl Excess {
    /// Cease with the family and its limit (RFC 4486 §4).
    pub(super) fn notification(self) -> Notification {
        let (afi, safi) = codes(self.family);
        let mut data = (afi as u16).to_be_bytes().to_vec();
        data.push(safi as u8);
        data.extend(u32::try_from(self.limit).unwrap_or(u32::MAX).to_be_bytes());
        Notification { code: 6, subcode: 1, data }
    }

    pub(super) fn why(self) -> Why {
        let Excess { family, count, limit } = self;
        Why::MaximumPrefixes { family, count, limit }
    }
}
