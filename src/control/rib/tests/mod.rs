//! The routing information base against models, closed forms and literal examples.

mod literal;
mod model;
mod timing;
mod vpn;

use super::*;
use crate::control::route::{AsPath, Attributes, Family, Nlri, RouteUpdate, Segment};
use crate::time::Span;
use std::net::Ipv4Addr;
use std::sync::Arc;

pub(super) const GLOBAL: VrfId = VrfId(0);

pub(super) fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn us(us: u64) -> Instant {
    Instant::ZERO + Span::from_us(us)
}

pub(super) fn route(next_hop: &str, path: &[u32]) -> Attributes {
    let mut attributes = Attributes::new(ip(next_hop));
    if !path.is_empty() {
        attributes.as_path = AsPath(vec![Segment::Sequence(path.to_vec())]);
    }
    attributes
}

pub(super) fn announce(prefixes: &[&str], attributes: Attributes) -> RouteUpdate {
    RouteUpdate {
        announced: prefixes.iter().map(|prefix| Nlri::from(net(prefix))).collect(),
        attributes: Some(Arc::new(attributes)),
        ..RouteUpdate::default()
    }
}

pub(super) fn withdraw(prefixes: &[&str]) -> RouteUpdate {
    RouteUpdate { withdrawn: prefixes.iter().map(|prefix| Nlri::from(net(prefix))).collect(), ..RouteUpdate::default() }
}

/// A peer at `10.0.0.n` with router id `n.n.n.n`; the own end is 10.0.0.254.
pub(super) fn peer(n: u8, kind: PeerKind) -> PeerConfig {
    PeerConfig {
        vrf: GLOBAL,
        kind,
        router_id: Ipv4Addr::new(n, n, n, n),
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, n)),
        local_address: ip("10.0.0.254"),
        families: vec![Family::Ipv4],
        import: Policy::default(),
        export: Policy::default(),
        next_hop_self: false,
        own_as_allowed: 0,
        advertisement_interval: Span::ZERO,
    }
}

pub(super) const fn external(remote_as: u32) -> PeerKind {
    PeerKind::External { remote_as }
}

/// A router of AS 12076 with `peers`, all up, whose own addresses are usable next hops.
pub(super) fn router(config: RibConfig, peers: impl IntoIterator<Item = PeerConfig>) -> Rib {
    let mut rib = Rib::new(RibConfig { local_as: 12_076, ..config });
    rib.add_vrf(GLOBAL, None);
    for config in peers {
        let address = config.address;
        let id = rib.add_peer(config);
        rib.set_next_hop(Instant::ZERO, GLOBAL, address, true);
        rib.peer_up(Instant::ZERO, id);
    }
    rib
}

pub(super) fn updates(rib: &mut Rib, now: Instant, peer: PeerId) -> Vec<RouteUpdate> {
    std::iter::from_fn(|| rib.poll_updates(now, peer)).collect()
}

pub(super) fn changes(rib: &mut Rib, now: Instant) -> Vec<FibChange> {
    std::iter::from_fn(|| rib.poll_fib(now)).collect()
}

/// What `peer` has been told of `prefix`.
pub(super) fn told(rib: &mut Rib, now: Instant, peer: PeerId, prefix: &str) -> Option<Attributes> {
    updates(rib, now, peer);
    let prefix = net(prefix);
    let mut all = rib.advertised(peer).filter(|(nlri, _)| nlri.prefix == prefix);
    all.next().map(|(_, attributes)| Attributes::clone(attributes))
}
