//! The OPEN that a session sends, and what both OPENs together mean (RFC 4271 §4.2, §6.2).

use super::SessionConfig;
use crate::control::Family;
use crate::control::bgp::message::{GracefulRestart, Notification, Open, Peering, codes};
use crate::time::{PS_PER_S, Span};
use std::net::Ipv4Addr;

/// What both ends of an Established session have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Families that both carry, in the own order.
    pub families: Vec<Family>,
    /// How long the other end may be silent; 0: for ever.
    pub hold: Span,
    /// Between own KEEPALIVEs, before jitter; 0: there are none.
    pub keepalive: Span,
    /// The other end's BGP identifier.
    pub router_id: Ipv4Addr,
    /// The other end takes ROUTE-REFRESH (RFC 2918).
    pub route_refresh: bool,
    /// What the other end says of its restarts (RFC 4724).
    pub graceful_restart: Option<GracefulRestart>,
    /// How UPDATEs are read and written.
    pub peering: Peering,
}

impl Negotiated {
    /// Whether a new connection means that the other end has restarted, and the old one is dead: it has said so, for a family
    /// at least (RFC 4724 §5), and this end has said that it knows how.
    pub(super) fn may_restart(&self, config: &SessionConfig) -> bool {
        let has_family = self.graceful_restart.as_ref().is_some_and(|restart| !restart.families.is_empty());
        config.graceful_restart.is_some() && has_family
    }
}

/// What this end says of itself. Who helps others to restart and does not restart itself lists no family (RFC 4724 §3).
pub(super) fn offer(config: &SessionConfig) -> Open {
    let restart = |time: Span| GracefulRestart {
        restarted: false,
        restart_time_s: (time.as_ps() / PS_PER_S) as u16,
        families: Vec::new(),
    };
    Open {
        local_as: config.local_as,
        hold_s: (config.hold.as_ps() / PS_PER_S) as u16,
        router_id: config.router_id,
        families: config.families.clone(),
        route_refresh: true,
        four_octet_as: true,
        graceful_restart: config.graceful_restart.map(restart),
    }
}

/// What both OPENs mean, or what is wrong with the other end's (RFC 4271 §6.2).
pub(super) fn negotiate(config: &SessionConfig, open: &Open) -> Result<Negotiated, Notification> {
    if open.local_as != config.remote_as {
        return Err(Notification::new(2, 2));
    }
    // RFC 6286 §2.2: the identifier is one router's within an autonomous system, and no more than that.
    if config.is_internal() && open.router_id == config.router_id {
        return Err(Notification::new(2, 3));
    }
    let families: Vec<_> = config.families.iter().copied().filter(|&family| open.speaks(family)).collect();
    if families.is_empty() {
        // RFC 5492 §5: the capabilities that are missed, as an OPEN has them. There is nothing to say without one.
        let data = config.families.iter().flat_map(|&family| multiprotocol(family)).collect();
        return Err(Notification { code: 2, subcode: 7, data });
    }
    let hold = config.hold.min(Span::from_s(open.hold_s.into()));
    Ok(Negotiated {
        hold,
        // RFC 4271 §4.4: no more than a third of the hold time.
        keepalive: config.keepalive.min(Span::from_ps(hold.as_ps() / 3)),
        router_id: open.router_id,
        route_refresh: open.route_refresh,
        graceful_restart: open.graceful_restart.clone(),
        peering: Peering {
            four_octet_as: open.four_octet_as,
            is_internal: config.is_internal(),
            families: families.clone(),
        },
        families,
    })
}

/// The capability of a family (RFC 4760 §8): code, length, AFI, an octet of 0, SAFI.
fn multiprotocol(family: Family) -> [u8; 6] {
    let (afi, safi) = codes(family);
    let [high, low] = (afi as u16).to_be_bytes();
    [1, 4, high, low, 0, safi as u8]
}
