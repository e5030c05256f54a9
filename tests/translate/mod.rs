//! Says in the library's tables what a model router says, and in the model's words what the datapath did.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part, and exports nothing

use crate::model::{self, *};
use biplane::frame::{DropReason, Frame, Templates};
use biplane::id::{PortId, VrfId};
use biplane::node::{Entry, PuntReason, Verdict, forward, forward_seen};
use biplane::table as real;
use biplane::wire::ethernet::Mac;
use biplane::wire::mpls::Label;
use biplane::wire::vlan::{Tag as RealTag, TpidSet};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The real tables that say what a model router says.
pub struct Translated {
    fib: real::Fib,
    templates: Templates,
    /// Sets of 1, 2, ... next hops whose ports are their places: they show how the tables choose.
    probes: Vec<real::NextHopSet>,
}

impl Translated {
    pub fn new(router: &ModelRouter) -> Self {
        let mut templates = Templates::new();
        let hops: Vec<_> = router.next_hops.iter().map(|hop| next_hop(hop, &mut templates)).collect();
        let mut builder = real::FibBuilder::new(router.vrfs.len() as u16);
        builder.hash_seed(3).null_model(ttl_model(router.null_ttl));
        for port in &router.ports {
            let ingress = ingress(port, &hops, &mut builder);
            builder.ingress(&ingress);
        }
        for (vrf, routes) in router.vrfs.iter().enumerate() {
            for route in routes {
                let set = match &route.target {
                    Target::Local => builder.next_hops(&[real::NextHop::LOCAL]),
                    Target::Discard(name) => builder.next_hops(&[real::NextHop::discard(reason(name))]),
                    Target::Via(via) => set(via, &hops, &mut builder),
                };
                builder.route(VrfId(vrf as u16), prefix(route), set);
            }
        }
        for (&label, entry) in &router.labels {
            let action = action(&entry.op, &hops, &mut builder);
            let label = Label::new(label).expect("the pool has ordinary labels only");
            builder.label(label, real::LabelEntry { action, model: ttl_model(entry.ttl) });
        }
        let places: Vec<_> = (0..4).map(|place| real::NextHop::port(PortId(place))).collect();
        let probes = (1..=places.len()).map(|count| builder.next_hops(&places[..count])).collect();
        Translated { fib: builder.build(), templates, probes }
    }

    /// Which of `count` equal next hops the tables choose.
    pub fn choose(&self, count: usize, hash: u32) -> usize {
        match self.fib.choose(self.probes[count - 1], hash).1.target {
            real::Target::Port(port) => port.index(),
            other => panic!("a probe leads to a port, not {other:?}"),
        }
    }

    /// What the datapath does with a frame of `wire` octets, of which `octets` are at hand; the rest is zeros.
    pub fn forward(&self, ingress: usize, octets: &[u8], wire: usize) -> Outcome {
        let frame = parse(octets, wire);
        self.outcome(&self.templates, ingress, frame)
    }

    /// The same for generated traffic: the body is a template that the flow shares.
    pub fn forward_shared(&self, ingress: usize, octets: &[u8]) -> Outcome {
        let mut frame = parse(octets, octets.len());
        let mut templates = self.templates.clone();
        templates.add_source(frame.body.take().map(|body| *body));
        self.outcome(&templates, ingress, frame)
    }

    fn outcome(&self, templates: &Templates, ingress: usize, mut frame: Frame) -> Outcome {
        let entry = Entry::Port(PortId(ingress as u16));
        let mut twin = Frame { body: frame.body.clone(), header: frame.header, id: frame.id, at: frame.at };
        let long = forward_seen(&self.fib, templates, entry, &mut twin, &mut ());
        let verdict = forward(&self.fib, templates, entry, &mut frame);
        assert_eq!(verdict, long, "the short way and the long one");
        assert_eq!((frame.header, &frame.body), (twin.header, &twin.body), "the short way and the long one");
        match verdict {
            Verdict::Transmit(port) => {
                let mut octets = Vec::new();
                frame.emit(templates, &mut octets);
                assert_eq!(
                    usize::from(frame.len()),
                    octets.len() + 4,
                    "the length counts what is emitted, and the FCS"
                );
                octets.resize(octets.len().max(60), 0); // as the sending port does
                Outcome::Transmit { port: port.index(), class: frame.header.meta.class(), octets }
            }
            Verdict::Punt { reason, .. } => Outcome::Punt(punt(reason)),
            Verdict::Drop(reason) => Outcome::Drop(reason.name()),
        }
    }

    /// What the model does with the frame, choosing among equal next hops as the tables do.
    pub fn model(&self, router: &ModelRouter, ingress: usize, octets: &[u8], hash: u32) -> Outcome {
        model::forward(router, ingress, octets, hash, &|count| self.choose(count, hash))
    }
}

/// The frame; those of the tests are short enough to enter.
pub fn parse(octets: &[u8], wire: usize) -> Frame {
    Frame::parse(octets, wire as u32, None).expect("under 16 KiB").frame
}

fn punt(reason: PuntReason) -> Punt {
    match reason {
        PuntReason::Local => Punt::Local,
        PuntReason::TtlExpired => Punt::TtlExpired,
        PuntReason::MplsTtlExpired => Punt::MplsTtlExpired,
        PuntReason::MtuExceeded { mtu } => Punt::MtuExceeded(mtu.into()),
        PuntReason::Translate(_) => unreachable!("no router of the model translates"),
    }
}

fn reason(name: &str) -> DropReason {
    *DropReason::ALL.iter().find(|reason| reason.name() == name).expect("a drop reason")
}

fn ttl_model(model: TtlModel) -> real::TtlModel {
    match model {
        TtlModel::Uniform => real::TtlModel::Uniform,
        TtlModel::Pipe => real::TtlModel::Pipe { ttl: 255 },
        TtlModel::ShortPipe => real::TtlModel::ShortPipe { ttl: 255 },
    }
}

fn prefix(route: &Route) -> IpNet {
    let length = route.length as u8;
    match <[u8; 4]>::try_from(&route.prefix[..]) {
        Ok(v4) => Ipv4Net::new(v4.into(), length).expect("a length of the family").into(),
        Err(_) => {
            let v6: [u8; 16] = route.prefix[..].try_into().expect("4 or 16 octets");
            Ipv6Net::new(v6.into(), length).expect("a length of the family").into()
        }
    }
}

fn next_hop(hop: &NextHop, templates: &mut Templates) -> real::NextHop {
    let tags = match &hop.tags {
        EgressTags::Keep => real::TagRule::Keep,
        EgressTags::Push(tags) => tag_rule(tags),
    };
    let mut push = real::LabelPush::new(&hop.labels).expect("labels that may be pushed");
    push.ttl = match hop.push_ttl {
        PushTtl::Uniform => real::TtlModel::Uniform,
        PushTtl::Pipe(ttl) => real::TtlModel::Pipe { ttl },
    };
    push.tc = hop.push_tc.map_or(real::TcRule::Copy, real::TcRule::Fixed);
    push.entropy = hop.entropy;
    let mac = templates.intern(Mac(hop.dst), Mac(hop.src));
    real::NextHop { target: real::Target::Port(PortId(hop.port as u16)), mac, mtu: hop.mtu as u16, tags, push }
}

fn tag_rule(tags: &[Tag]) -> real::TagRule {
    let copied = tags.iter().all(|tag| tag.pcp.is_none());
    assert!(copied || tags.iter().all(|tag| tag.pcp.is_some()), "one rule of priority for all tags pushed");
    let tags: Vec<_> = tags.iter().map(|tag| RealTag::new(tag.tpid, tag.pcp.unwrap_or(0), false, tag.vid)).collect();
    real::TagRule::push(&tags, if copied { real::PcpRule::Copy } else { real::PcpRule::Fixed })
}

/// The next hop of a layer-2 circuit.
fn circuit(port: usize, mtu: usize, push: &[Tag]) -> real::NextHop {
    real::NextHop { mtu: mtu as u16, tags: tag_rule(push), ..real::NextHop::port(PortId(port as u16)) }
}

fn set(via: &[usize], hops: &[real::NextHop], builder: &mut real::FibBuilder) -> real::NextHopSet {
    builder.next_hops(&via.iter().map(|&hop| hops[hop]).collect::<Vec<_>>())
}

fn action(op: &LabelOp, hops: &[real::NextHop], builder: &mut real::FibBuilder) -> real::LabelAction {
    match op {
        LabelOp::Swap { via } => real::LabelAction::Swap(set(via, hops, builder)),
        LabelOp::Pop { payload, via } => real::LabelAction::Pop {
            payload: match payload {
                Payload::V4 => real::Payload::Ipv4,
                Payload::V6 => real::Payload::Ipv6,
                Payload::Labels => real::Payload::Labels,
            },
            next_hops: set(via, hops, builder),
        },
        LabelOp::PopLookup { vrf } => real::LabelAction::PopLookup(VrfId(*vrf as u16)),
        LabelOp::PopPseudowire { control_word, port, push, mtu } => real::LabelAction::PopPseudowire {
            control_word: *control_word,
            next_hop: builder.next_hop(circuit(*port, *mtu, push)),
        },
    }
}

fn ingress(port: &Port, hops: &[real::NextHop], builder: &mut real::FibBuilder) -> real::IngressBuilder {
    let accept = match port.accept {
        Accept::All => real::AcceptableFrames::All,
        Accept::OnlyTagged => real::AcceptableFrames::OnlyTagged,
        Accept::OnlyUntagged => real::AcceptableFrames::OnlyUntagged,
    };
    let tpids = |tpids: &[u16]| TpidSet::of(tpids).expect("TPIDs of tags");
    let mut ingress =
        real::IngressBuilder::default().tpids(tpids(&port.outer_tpids), tpids(&port.inner_tpids)).accept(accept);
    for sub in &port.subs {
        let key = match sub.key {
            Key::Untagged => real::VlanKey::Untagged,
            Key::Outer(outer) => real::VlanKey::Single(outer),
            Key::Pair(outer, inner) => real::VlanKey::Double(outer, inner),
            Key::Any => real::VlanKey::Any,
        };
        ingress = ingress.sub(key, sub_interface(&sub.service, hops, builder));
    }
    ingress
}

fn sub_interface(service: &Service, hops: &[real::NextHop], builder: &mut real::FibBuilder) -> real::SubInterface {
    let layer2 = |service| real::SubInterface { service, mpls: false, reset_dscp: false };
    match service {
        Service::Route { vrf, mpls, dscp_reset } => real::SubInterface {
            service: real::Service::Route(VrfId(*vrf as u16)),
            mpls: *mpls,
            reset_dscp: dscp_reset.is_some(),
        },
        Service::CrossConnect { pop, push, port, filter_reserved, mtu } => layer2(real::Service::CrossConnect {
            next_hop: builder.next_hop(circuit(*port, *mtu, push)),
            pop: *pop as u8,
            filter_reserved: *filter_reserved,
        }),
        Service::Pseudowire { pop, control_word, hop } => layer2(real::Service::Pseudowire {
            next_hop: builder.next_hop(hops[*hop]),
            pop: *pop as u8,
            control_word: *control_word,
        }),
    }
}
