//! A router given entry by entry: its ports, labels, services and routes as meant.

use ipnet::IpNet;

use super::{Admin, RouterPortId};
use crate::scenario::source::{Extent, Located};
use crate::table::{Payload, TcRule, TtlModel, VlanKey};
use crate::time::{PortSpeed, Span};
use crate::wire::mpls::Label;
use crate::wire::vlan::Vid;

/// A label-switching router given entry by entry (`[router.NAME]`, role "lsr").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// Its name.
    pub name: Located<String>,
    /// Its ports, in the order of the file; each is joined to a tap of its own.
    pub ports: Vec<RouterPort>,
    /// Incoming label map.
    pub labels: Vec<LabelEntry>,
    /// Cross-connects between sub-interfaces.
    pub cross_connects: Vec<CrossConnect>,
    /// Pseudowires from sub-interfaces into labels, and back.
    pub pseudowires: Vec<Pseudowire>,
    /// IP routes.
    pub routes: Vec<Route>,
    /// How explicit null labels hand their TTL on.
    pub null_ttl: TtlModel,
}

/// A port of a router, and the link to its tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterPort {
    /// Its name.
    pub name: Located<String>,
    /// Its speed.
    pub speed: PortSpeed,
    /// Delay of the link to its tap, one way; 100 ns at least.
    pub delay: Span,
    /// Frames lost on the link, in parts per 10^9.
    pub loss_ppb: u32,
    /// The largest packet in octets: labels counted, tags not.
    pub mtu: u16,
    /// Octets, on the wire, that wait at the port at the most.
    pub buffer_octets: u64,
    /// Priority classes: 1 to 8.
    pub queues: u8,
    /// Administrative state.
    pub admin: Admin,
    /// TPIDs that are read as tags.
    pub tpids: Vec<u16>,
    /// Single-tagged and double-tagged frames that are switched by label or routed, like untagged ones; the others
    /// belong to layer-2 services or to nothing.
    pub vlans: Vec<Located<VlanKey>>,
    /// Whether that holds for all frames with a single tag that no service takes.
    pub any_vlan: bool,
    /// Its own addresses; ICMP errors come from the first of the router.
    pub addresses: Vec<Located<IpNet>>,
}

/// The tags of a frame that leaves a routed or label-switched port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EgressTags {
    /// Those that it came with.
    Keep,
    /// None.
    Strip,
    /// These instead.
    Push(Tags),
}

/// One tag or two, as a scenario writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tags {
    /// VLAN of the outer tag.
    pub outer: Vid,
    /// VLAN of the inner tag, of TPID 0x8100.
    pub inner: Option<Vid>,
    /// TPID of the outer tag.
    pub tpid: u16,
}

/// A label to push, or one of the nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutLabel {
    /// An ordinary label.
    Label(Label),
    /// IPv4 explicit null: 0.
    ExplicitNull,
    /// IPv6 explicit null: 2.
    ExplicitNullV6,
}

impl OutLabel {
    /// The number on the wire.
    pub const fn get(self) -> u32 {
        match self {
            OutLabel::Label(label) => label.get(),
            OutLabel::ExplicitNull => crate::wire::mpls::IPV4_EXPLICIT_NULL,
            OutLabel::ExplicitNullV6 => crate::wire::mpls::IPV6_EXPLICIT_NULL,
        }
    }
}

/// Where a labelled or routed frame goes and what it carries there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The ports: one, or several of equal cost.
    pub ports: Vec<Located<RouterPortId>>,
    /// Labels, top first.
    pub push: Vec<OutLabel>,
    /// How TTL and TC go over, and the TTL of a label that begins a pipe. A swap hands both on, whatever this says.
    pub ttl: TtlModel,
    /// Traffic class of pushed labels; not of a swap's.
    pub tc: TcRule,
    /// Whether an entropy label pair goes beneath the topmost label.
    pub entropy: bool,
    /// Tags.
    pub tags: EgressTags,
}

/// What is done with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelOp {
    /// Replaced by the labels of the hop.
    Swap(Hop),
    /// Popped; what lies beneath goes to the hop.
    Pop {
        /// What lies beneath the last label.
        payload: Payload,
        /// Where to.
        hop: Hop,
    },
    /// Popped; what lies beneath is looked up: a label in the label map, IP in the routes.
    PopLookup(TtlModel),
    /// Popped; the Ethernet frame beneath goes to an attachment.
    PopPseudowire {
        /// Where to.
        to: Attachment,
        /// Whether a control word is expected.
        control_word: bool,
    },
}

/// An entry of the incoming label map (`[[router.NAME.label]]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEntry {
    /// The label.
    pub label: Located<Label>,
    /// What is done with it.
    pub op: LabelOp,
}

/// A sub-interface of a layer-2 service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its port.
    pub port: Located<RouterPortId>,
    /// Frames that belong to it, and the tags that are put on frames which leave by it.
    pub key: VlanKey,
    /// TPID of the outer tag of frames which leave by it.
    pub tpid: u16,
    /// Where it is written.
    pub at: Extent,
}

impl Attachment {
    /// The frames of a routed sub-interface, to compare with those of services; it has no TPID of its own (0).
    pub(in crate::scenario) const fn routed(port: RouterPortId, vlan: Located<VlanKey>) -> Self {
        Attachment { port: Located::new(port, vlan.at), key: vlan.value, tpid: 0, at: vlan.at }
    }
}

/// Two sub-interfaces joined, both ways unless said (`[[router.NAME.cross_connect]]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossConnect {
    /// One end.
    pub from: Attachment,
    /// The other.
    pub to: Attachment,
    /// Whether frames pass from `to` to `from` as well.
    pub both_ways: bool,
    /// Whether frames to the addresses that bridges keep to themselves are dropped (IEEE 802.1Q table 8-1).
    pub filter_reserved: bool,
}

/// A sub-interface and a pseudowire joined (`[[router.NAME.pseudowire]]`, RFC 4448).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pseudowire {
    /// The attachment circuit.
    pub attachment: Attachment,
    /// Where its frames go: the last of the labels is the pseudowire's.
    pub hop: Hop,
    /// The label of frames that come back, if they do.
    pub label: Option<Located<Label>>,
    /// Whether a control word (RFC 4385) goes in front, and is expected.
    pub control_word: bool,
}

/// An IP route (`[[router.NAME.route]]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destinations.
    pub prefix: Located<IpNet>,
    /// Where to.
    pub hop: Hop,
}
