//! Control planes of the routers of sites, of VPNs and of Azure: who has sessions with whom, and which routes those bring.
//!
//! ```text
//! hq-ce1 == london-msee1 -- gw                    one session for each family of addresses
//!    |             \------- prod-sdn              the hosts' forwarding learns as the gateway does
//! hq-ce2 == london-msee2 == paris-msee2           Global Reach
//! ```
//! The tables were made as if all sessions were up. What sessions bring is made dynamic here: forwarding begins without it.

mod addresses;
mod follow;
mod peers;
mod planes;
mod public;
mod vpn;

use super::carrier::VpnEdge;
use super::draft::Draft;
use super::outages::EventLinks;
use super::wiring::Wiring;
use crate::id::NodeId;
use crate::scenario::Scenario;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::model::{EventTarget, ProviderId};
use addresses::Addresses;
use planes::Planes;

/// Microsoft's autonomous system (EXPRESSROUTE: routing requirements).
const MICROSOFT_AS: u32 = 12_076;
/// That of virtual network gateways (EXPRESSROUTE: routing requirements; it is reserved).
const GATEWAY_AS: u32 = 65_515;

/// Equal ways that share traffic at the most.
const MAXIMUM_PATHS: usize = 64;

/// What the sessions of a router are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterSessions {
    /// The router.
    pub node: NodeId,
    /// In the order of its sub-interfaces.
    pub interfaces: Vec<String>,
    /// In the order of its BFD sessions.
    pub bfd: Vec<SessionName>,
    /// In the order of its BGP sessions.
    pub bgp: Vec<SessionName>,
}

/// What a session is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionName {
    /// The router at the other end.
    pub peer: NodeId,
    /// What it is of: `private peering of london.primary`.
    pub of: String,
    /// The link of its path that events can happen to.
    pub on: Option<EventTarget>,
    /// The provider that it passes.
    pub through: Option<ProviderId>,
}

/// Gives the routers of `scenario` their control planes.
///
/// # Errors
/// No addresses are left for the links that the scenario gives none.
pub(super) fn configure(
    draft: &mut Draft,
    scenario: &Scenario,
    wiring: &Wiring,
    edges: &[VpnEdge],
    links: &EventLinks,
) -> Result<Vec<RouterSessions>, Diagnostics> {
    let mut planes = Planes::new(scenario, Addresses::new(scenario)?, links);
    vpn::edges(&mut planes, draft, scenario, edges);
    peers::customers(&mut planes, draft, scenario, wiring);
    vpn::accesses(&mut planes, draft, scenario, wiring);
    peers::between_edges(&mut planes, draft, scenario, wiring);
    peers::gateways(&mut planes, draft, scenario, wiring);
    peers::networks(&mut planes, draft, scenario, wiring);
    peers::joints(&mut planes, draft, scenario, wiring);
    public::customers(&mut planes, draft, scenario, wiring);
    public::services(&mut planes, draft, scenario, wiring);
    Ok(planes.finish(draft, scenario))
}

/// What the control planes of providers' routers have, where no other router has one.
pub(super) fn of_providers(draft: &Draft, links: &EventLinks) -> Vec<RouterSessions> {
    draft.controlled().map(|(node, control)| planes::named(draft, links, node, control)).collect()
}
