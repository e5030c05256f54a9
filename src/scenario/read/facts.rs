//! What was read and concerns more than one table, kept for the checks even where the table itself has errors.

use ipnet::IpNet;

use crate::scenario::model::{Encapsulation, PairId};
use crate::scenario::source::{Extent, Located};
use crate::time::PortSpeed;
use crate::wire::vlan::Vid;

/// Who an address range belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Owner {
    /// A site, by its name.
    Site(String),
    /// A virtual network, by its name.
    Vnet(String),
    /// A link of a circuit's peering, by the name of the circuit.
    Peering(String),
    /// What sources are translated to, by the name of the circuit, site or virtual network.
    Pool(String),
    /// A public service, by its name.
    Service(String),
    /// The links between two circuits that are joined, by their names.
    GlobalReach(String, String),
}

impl Owner {
    /// What messages call it.
    pub(in crate::scenario) fn title(&self) -> String {
        match self {
            Owner::Site(name) => format!("site `{name}`"),
            Owner::Vnet(name) => format!("virtual network `{name}`"),
            Owner::Peering(name) => format!("the peering of circuit `{name}`"),
            Owner::Pool(name) => format!("the addresses that `{name}` is translated to"),
            Owner::Service(name) => format!("service `{name}`"),
            Owner::GlobalReach(a, b) => format!("the Global Reach of circuits `{a}` and `{b}`"),
        }
    }
}

/// A circuit as far as it could be read.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct CircuitFacts {
    pub(in crate::scenario) name: Located<String>,
    /// The pair that carries it, if that is known.
    pub(in crate::scenario) pair: Option<PairId>,
    pub(in crate::scenario) bandwidth: Option<Located<u64>>,
    /// Where `s_tag` is written, right or wrong.
    pub(in crate::scenario) s_tag_at: Option<Extent>,
    pub(in crate::scenario) s_tag: Option<Located<Vid>>,
    /// Those of its peerings, as far as they could be read.
    pub(in crate::scenario) c_tags: Vec<Located<Vid>>,
    /// Those that the routers at the customer's end are set to.
    pub(in crate::scenario) own_c_tags: Vec<Located<Vid>>,
}

/// A port pair as far as it could be read.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct PairFacts {
    /// Whether a provider lies between; the port is that of a Direct pair.
    pub(in crate::scenario) is_provided: bool,
    pub(in crate::scenario) port: Option<Located<PortSpeed>>,
    pub(in crate::scenario) encapsulation: Option<Encapsulation>,
}

/// A virtual network that is peered with a hub.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Spoke {
    pub(in crate::scenario) name: Located<String>,
    /// The hub's name, where it is referred to.
    pub(in crate::scenario) hub: Located<String>,
}

/// Everything for the checks.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Facts {
    pub(in crate::scenario) prefixes: Vec<(Owner, Located<IpNet>)>,
    pub(in crate::scenario) circuits: Vec<CircuitFacts>,
    /// By [`PairId`].
    pub(in crate::scenario) pairs: Vec<PairFacts>,
    /// Virtual networks by name, where a gateway names them.
    pub(in crate::scenario) homes: Vec<Located<String>>,
    /// Peerings of virtual networks.
    pub(in crate::scenario) spokes: Vec<Spoke>,
}
