//! A step of the datapath as it is shown: what was looked up, what was found, which way was chosen and why.

use crate::engine::NodeSpec;
use crate::frame::DropReason;
use crate::id::PortId;
use crate::node;
use crate::table::{
    Fib, LabelAction, LabelEntry, Matched, NextHopSet, Payload, Service, Target, Translation, TtlModel,
};
use crate::wire::mpls::{self, Lse};
use serde::Serialize;

/// A step of the datapath.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The port and the tags led to a service.
    SubInterface {
        /// How many tags led there.
        tags: u8,
        /// `route`, `route_public`, `cross_connect`, `pseudowire` or `pseudowire_with_control_word`.
        service: &'static str,
        /// The VRF of a routed service.
        vrf: Option<u16>,
        /// Whether the DSCP is set to 0.
        reset_dscp: bool,
    },
    /// A label was looked up.
    Label {
        /// The label.
        label: u32,
        /// What the label map says, in words; `None`: it is not in there.
        entry: Option<String>,
        /// How TTL and class go over to what lies beneath: `uniform`, `pipe` or `short_pipe`.
        model: Option<&'static str>,
    },
    /// A destination was looked up.
    Route {
        /// In this VRF.
        vrf: u16,
        /// The destination.
        destination: String,
        /// The longest prefix that holds it; `None`: there is none.
        prefix: Option<String>,
        /// How many next hops of equal cost the prefix has.
        next_hops: usize,
    },
    /// A next hop was taken.
    NextHop {
        /// Which of them, from 1.
        chosen: usize,
        /// Of how many.
        of: usize,
        /// The frame's flow hash, which chose.
        flow_hash: u32,
        /// Where it leads.
        to: Way,
    },
}

/// Where a next hop leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Out by this port.
    Port(String),
    /// To the router itself.
    Local,
    /// Nowhere: frames are dropped for this reason.
    Discard(&'static str),
    /// To the router's address translation: `outward` or `inward`.
    Translate(&'static str),
}

impl Step {
    /// `step` of the router `spec` with these tables on a frame with this flow hash; `None` for what is shown otherwise.
    pub(super) fn of(step: &node::Step, fib: &Fib, spec: &NodeSpec, flow_hash: u32) -> Option<Self> {
        Some(match *step {
            node::Step::SubInterface(matched) => sub_interface(matched),
            node::Step::Label { lse, entry } => label(lse, entry),
            node::Step::Route { vrf, destination, found } => {
                let route = found.and_then(|_| fib.route_to(vrf, destination));
                Step::Route {
                    vrf: vrf.0,
                    destination: destination.to_string(),
                    prefix: route.map(|route| route.prefix.to_string()),
                    next_hops: found.map_or(0, |set| fib.members(set).len()),
                }
            }
            node::Step::NextHop { set, place } => next_hop(set, place, fib, spec, flow_hash),
            node::Step::Written(_) => return None,
        })
    }
}

fn sub_interface(matched: Matched) -> Step {
    let (service, vrf) = match matched.sub.service {
        Service::Route(vrf) => ("route", Some(vrf.0)),
        Service::RoutePublic { vrf, .. } => ("route_public", Some(vrf.0)),
        Service::CrossConnect { .. } => ("cross_connect", None),
        Service::Pseudowire { control_word: true, .. } => ("pseudowire_with_control_word", None),
        Service::Pseudowire { control_word: false, .. } => ("pseudowire", None),
    };
    Step::SubInterface { tags: matched.tags, service, vrf, reset_dscp: matched.sub.reset_dscp }
}

fn label(lse: Lse, entry: Option<LabelEntry>) -> Step {
    let special = match lse.label() {
        mpls::IPV4_EXPLICIT_NULL => Some("IPv4 explicit null: it is popped, IPv4 lies beneath"),
        mpls::IPV6_EXPLICIT_NULL => Some("IPv6 explicit null: it is popped, IPv6 lies beneath"),
        mpls::ROUTER_ALERT => Some("router alert: the label beneath decides"),
        label if label < mpls::FIRST_ORDINARY => Some("special-purpose"),
        _ => None,
    };
    let words = match (special, entry) {
        (Some(words), _) => Some(words.to_string()),
        (None, Some(entry)) => Some(action(entry.action, lse.is_bottom())),
        (None, None) => None,
    };
    Step::Label { label: lse.label(), entry: words, model: entry.map(|entry| model(entry.model)) }
}

fn action(action: LabelAction, is_bottom: bool) -> String {
    match action {
        LabelAction::Swap(_) => "swap".into(),
        LabelAction::Pop { payload, .. } => {
            let beneath = match payload {
                Payload::Labels => "labels lie beneath",
                // What the last label promises says nothing of those above.
                _ if !is_bottom => "labels lie beneath",
                Payload::Ipv4 => "IPv4 lies beneath",
                Payload::Ipv6 => "IPv6 lies beneath",
            };
            format!("pop, {beneath}")
        }
        LabelAction::PopLookup(vrf) => format!("pop, what lies beneath is looked up (IP in vrf {vrf})"),
        LabelAction::PopPseudowire { control_word: true, .. } => "pop, Ethernet lies beneath a control word".into(),
        LabelAction::PopPseudowire { control_word: false, .. } => "pop, Ethernet lies beneath".into(),
    }
}

const fn model(model: TtlModel) -> &'static str {
    match model {
        TtlModel::Uniform => "uniform",
        TtlModel::Pipe { .. } => "pipe",
        TtlModel::ShortPipe { .. } => "short_pipe",
    }
}

fn next_hop(set: Option<NextHopSet>, place: u32, fib: &Fib, spec: &NodeSpec, flow_hash: u32) -> Step {
    let taken = fib.next_hop(place);
    let members = set.map_or(&[] as &[_], |set| fib.members(set));
    // By address: equal next hops may be listed twice, as a weight.
    let chosen = members.iter().position(|member| std::ptr::eq(member, taken)).map_or(1, |place| place + 1);
    let to = match taken.target {
        Target::Port(port) => Way::Port(port_name(spec, port)),
        Target::Local => Way::Local,
        Target::Discard(reason) => Way::Discard(DropReason::name(reason)),
        Target::Translate(Translation::Outward(_)) => Way::Translate("outward"),
        Target::Translate(Translation::Inward(_)) => Way::Translate("inward"),
    };
    Step::NextHop { chosen, of: members.len().max(1), flow_hash, to }
}

pub(super) fn port_name(spec: &NodeSpec, port: PortId) -> String {
    spec.ports.get(port.index()).map_or_else(|| format!("port {port}"), |spec| spec.name.clone())
}
