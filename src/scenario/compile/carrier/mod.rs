//! What lies between customer edge and Microsoft edge: nothing, an exchange, or a provider's label-switched network.
//!
//! ```text
//! exchange:  ce == NAME-1, NAME-2 == msee          a switch for each plane
//! ethernet:  ce - pe - p1a - p2a - pe - msee       a pseudowire for each plane, each along a row of P routers
//!            ce - pe - p1b - p2b - pe - msee
//! ipvpn:     ce - pe - p1a - p2a - pe - msee       a VPN of all sites; each PE has a way along both rows
//! ```

mod core;
mod ethernet;
mod exchange;
mod path;
mod repair;
mod vpn;

use super::CompileOptions;
use super::draft::{Draft, End};
use super::place::Plane;
use super::wiring::Wiring;
use crate::scenario::Scenario;
use crate::scenario::model::{Carrier, EventTarget, PairId, PortPair, ProviderId};
use crate::table::NextHop;
use crate::wire::vlan::Tag;
use core::CoreNet;
use exchange::Exchange;

pub use core::LabelNames;
pub use path::{Disjoint, Lsp};
pub(super) use vpn::{FROM_CLOUD, FROM_SITE, VpnEdge};

/// The networks of all providers, each made of what circuits ask of it.
pub(super) struct Carriers {
    exchanges: Vec<Exchange>,
    cores: Vec<CoreNet>,
}

/// One link of a port pair that a provider carries: where, and between which ends.
#[derive(Clone, Copy)]
struct Carried {
    pair: PairId,
    plane: Plane,
    /// The customer's end; the provider edge's own, with an IPVPN.
    customer: End,
    /// Microsoft's.
    microsoft: End,
}

impl Carriers {
    /// Networks without any customer.
    pub(super) fn new(scenario: &Scenario) -> Self {
        let places = 0..scenario.providers.len();
        Carriers {
            exchanges: places.clone().map(Exchange::new).collect(),
            cores: places.map(|place| CoreNet::new(scenario, place)).collect(),
        }
    }

    /// Joins the customer's and Microsoft's end of a layer-2 carrier, and makes them neighbours of each other.
    pub(super) fn join(
        &mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        (pair, plane): (PairId, Plane),
        (customer, microsoft): (End, End),
    ) {
        let carried = Carried { pair, plane, customer, microsoft };
        let of_pair = &scenario.pairs[pair.index()];
        match &of_pair.carrier {
            Carrier::Direct => {
                let link = plane.of(of_pair.primary, of_pair.secondary);
                draft.join(customer, microsoft, link.delay.value, link.loss_ppb);
            }
            Carrier::Exchange { provider, .. } => self.exchanges[provider.index()].join(draft, scenario, carried),
            Carrier::Ethernet { provider, .. } => self.cores[provider.index()].carry(draft, scenario, carried),
            // Its sites are joined one by one, and its provider has the peering.
            Carrier::IpVpn { .. } => unreachable!("an IPVPN does not carry layer 2"),
        }
        draft.adjacent(customer, microsoft);
    }

    /// The port of the provider edge that has an IPVPN's peering on a plane.
    pub(super) fn peer(&mut self, draft: &mut Draft, scenario: &Scenario, pair: PairId, plane: Plane) -> End {
        self.core_of(scenario, pair).peer(draft, scenario, pair, plane)
    }

    /// Joins an edge router of a site to an IPVPN.
    pub(super) fn admit(
        &mut self,
        draft: &mut Draft,
        scenario: &Scenario,
        pair: PairId,
        site: (usize, usize),
        customer: End,
    ) {
        self.core_of(scenario, pair).admit(draft, scenario, pair, site, customer);
    }

    fn core_of(&mut self, scenario: &Scenario, pair: PairId) -> &mut CoreNet {
        let provider = scenario.pairs[pair.index()].carrier.provider();
        &mut self.cores[provider.expect("an IPVPN has a provider").index()]
    }

    /// The links between P routers, as events name them.
    pub(super) fn event_links(&self, scenario: &Scenario) -> impl Iterator<Item = (EventTarget, [End; 2])> {
        self.cores.iter().enumerate().flat_map(|(place, core)| {
            let named = scenario.providers[place].core.graph.link_names().len();
            let ends = core.links.iter().take(named).map(|ends| ends.map(|(_, end)| end));
            ends.enumerate().map(move |(link, ends)| (EventTarget::ProviderLink(ProviderId(place), link), ends))
        })
    }

    /// Fills in the tables of all providers' nodes; the label-switched paths that they have, and the edges of their VPNs.
    pub(super) fn configure(
        self,
        draft: &mut Draft,
        scenario: &Scenario,
        wiring: &Wiring,
        options: CompileOptions,
    ) -> (Vec<Lsp>, Vec<VpnEdge>, Vec<LabelNames>) {
        self.exchanges.into_iter().for_each(|exchange| exchange.configure(draft, scenario));
        let (mut lsps, mut edges, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for core in self.cores {
            let (of_core, of_vpn, labels) = core.configure(draft, scenario, wiring, options);
            lsps.extend(of_core);
            edges.extend(of_vpn);
            names.push(labels);
        }
        (lsps, edges, names)
    }
}

/// The customer's outer tag on a plane, where a carrier has the customer use one of its own.
pub(super) fn customer_outer(pair: &PortPair, plane: Plane) -> Option<Tag> {
    let vlans = match pair.carrier {
        Carrier::Exchange { vlans, .. } => vlans?,
        Carrier::Ethernet { vlans, .. } => vlans,
        Carrier::Direct | Carrier::IpVpn { .. } => return None,
    };
    Some(Tag::new(0x8100, 0, false, vlans[plane.index()].get()))
}

/// A next hop of layer 2: addresses stay, whatever the length.
fn layer_2(port: End, tags: crate::table::TagRule) -> NextHop {
    NextHop { tags, mtu: LAYER_2_MTU, ..NextHop::port(port.1) }
}

/// Octets of a frame on a provider's layer-2 ports.
const LAYER_2_MTU: u16 = 9216;
