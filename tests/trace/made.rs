//! Two networks made by hand, and packets for them.

use biplane::engine::{Network, Role, RouterSpec};
use biplane::frame::Frame;
use biplane::id::{LinkId, NodeId, PortId, VrfId};
use biplane::node::RouterAddresses;
use biplane::port::PortSpec;
use biplane::table::{
    FibBuilder, IngressBuilder, LabelAction, LabelEntry, LabelPush, NextHop, Payload, PcpRule, Service, SubInterface,
    TagRule, TtlModel, VlanKey,
};
use biplane::time::{PortSpeed, Span};
use biplane::wire::ethernet::Mac;
use biplane::wire::mpls::{Label, Lse};
use biplane::wire::vlan::Tag;
use std::net::Ipv4Addr;

/// UDP from 10.10.0.5.
pub(crate) struct Packet {
    pub(crate) to: [u8; 4],
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    pub(crate) payload: usize,
    pub(crate) dont_fragment: bool,
}

impl Default for Packet {
    fn default() -> Self {
        Packet { to: [10, 20, 0, 9], ttl: 64, tos: 0, payload: 56, dont_fragment: false }
    }
}

impl Packet {
    /// The frame's octets with these VLANs in tags of TPID 8100, outermost first.
    pub(crate) fn octets(&self, vlans: &[u16]) -> Vec<u8> {
        let mut octets = Vec::new();
        let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let builder = builder.ipv4([10, 10, 0, 5], self.to, self.ttl).udp(40_000, 53);
        builder.write(&mut octets, &vec![7; self.payload]).unwrap();
        octets[15] = self.tos;
        octets[20] = if self.dont_fragment { 0x40 } else { 0 };
        octets[24..26].fill(0);
        let sum: u32 = octets[14..34].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        octets[24..26].copy_from_slice(&sum.to_be_bytes());
        for &vlan in vlans.iter().rev() {
            octets.splice(12..12, [[0x81, 0], vlan.to_be_bytes()].concat());
        }
        octets
    }

    /// The same beneath labels with these TTLs, top first.
    pub(crate) fn labelled(&self, labels: &[(u32, u8)]) -> Vec<u8> {
        let mut octets = self.octets(&[]);
        octets[12..14].copy_from_slice(&[0x88, 0x47]);
        let last = labels.len() - 1;
        let entries = labels.iter().enumerate().map(|(place, &(label, ttl))| Lse::new(label, 0, place == last, ttl));
        octets.splice(14..14, entries.flat_map(|lse| lse.0.to_be_bytes()));
        octets
    }

    pub(crate) fn frame(&self, vlans: &[u16]) -> Frame {
        let octets = self.octets(vlans);
        Frame::parse(&octets, octets.len() as u32, None).unwrap().frame
    }
}

const ROUTED: SubInterface = SubInterface { service: Service::Route(VrfId(0)), mpls: false, reset_dscp: false };

fn router(fib: &FibBuilder, address: [u8; 4]) -> Role {
    let addresses = vec![RouterAddresses { v4: Some(Ipv4Addr::from(address)), v6: None }];
    Role::Router(Box::new(RouterSpec { addresses, ..RouterSpec::new(fib.build()) }))
}

fn port(name: &str) -> PortSpec {
    PortSpec { queue_of_class: PortSpec::CONTROL_FIRST, ..PortSpec::new(name, PortSpeed::G100) }
}

fn host_port(name: &str) -> PortSpec {
    PortSpec { buffer_octets: None, ..PortSpec::new(name, PortSpeed::G100) }
}

/// hq (node 0) - hq-ce1 (1) - two connections with tags 110 and 20 - london-msee1 (2) and london-msee2 (3) - prod (4).
/// 10.20.9.0/24 is reached with an MTU of 1000. The first router has a dynamic route for 10.20.0.0/24, without next hops.
pub(crate) fn direct() -> Network {
    let mut network = Network { seed: 1, ..Network::default() };
    let mut fib = FibBuilder::new(1);
    for _ in 0..3 {
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, ROUTED).sub(VlanKey::Double(110, 20), ROUTED));
    }
    let tags = TagRule::push(&[Tag::new(0x8100, 0, false, 110), Tag::new(0x8100, 0, false, 20)], PcpRule::Copy);
    let mac = |node, peer| (Mac::local(peer, 0), Mac::local(node, 0));
    let (to, from) = mac(1, 2);
    let mac = network.templates.intern(to, from);
    let circuits = [1, 2].map(|p| NextHop { tags, mac, ..NextHop::port(PortId(p)) });
    let cloud = fib.next_hops(&circuits);
    let narrow = fib.next_hops(&circuits.map(|next_hop| NextHop { mtu: 1000, ..next_hop }));
    let lan = fib.next_hops(&[NextHop::port(PortId(0))]);
    let here = fib.next_hops(&[NextHop::LOCAL]);
    fib.route(VrfId(0), "10.20.0.0/16".parse().unwrap(), cloud)
        .route(VrfId(0), "10.20.9.0/24".parse().unwrap(), narrow)
        .route(VrfId(0), "10.10.0.0/16".parse().unwrap(), lan)
        .route(VrfId(0), "10.10.0.1/32".parse().unwrap(), here)
        .dynamic(VrfId(0), "10.20.0.0/24".parse().unwrap());
    let hq = network.add("hq", Role::Host, vec![host_port("ce1")]);
    let ce = vec![port("lan"), port("london.primary"), port("london.secondary")];
    let ce = network.add("hq-ce1", router(&fib, [10, 10, 0, 1]), ce);
    let msees = [1u8, 2].map(|place| {
        let mut fib = FibBuilder::new(1);
        let reset = SubInterface { reset_dscp: true, ..ROUTED };
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Double(110, 20), reset));
        fib.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, ROUTED));
        let customer = fib.next_hops(&[NextHop { tags, ..NextHop::port(PortId(0)) }]);
        let cloud = fib.next_hops(&[NextHop::port(PortId(1))]);
        fib.route(VrfId(0), "10.10.0.0/16".parse().unwrap(), customer);
        fib.route(VrfId(0), "10.20.0.0/16".parse().unwrap(), cloud);
        let role = router(&fib, [192, 168, 100, 126 + 4 * place]);
        network.add(format!("london-msee{place}"), role, vec![port("ce"), port("prod")])
    });
    let prod = network.add("prod", Role::Host, vec![host_port("msee1"), host_port("msee2")]);
    network.join((hq, PortId(0)), (ce, PortId(0)), Span::from_us(5));
    for (place, msee) in (0u16..).zip(msees) {
        let _: [LinkId; 2] = network.join((ce, PortId(1 + place)), (msee, PortId(0)), Span::from_ms(1));
    }
    for (place, msee) in (0u16..).zip(msees) {
        network.join((msee, PortId(1)), (prod, PortId(place)), Span::from_us(250));
    }
    network
}

/// One label-switching router (node 0) with hosts at its ports a and b.
pub(crate) fn lsr() -> Network {
    let mut network = Network::default();
    let mut fib = FibBuilder::new(1);
    let push = |labels: &[u32]| LabelPush::new(labels).unwrap();
    let to_b = |labels: &[u32]| NextHop { push: push(labels), ..NextHop::port(PortId(1)) };
    let cross = fib.next_hop(NextHop {
        tags: TagRule::push(&[Tag::new(0x88a8, 0, false, 110)], PcpRule::Copy),
        ..NextHop::port(PortId(1))
    });
    let wire = fib.next_hop(to_b(&[400, 500]));
    let attachment = fib.next_hop(NextHop {
        tags: TagRule::push(&[Tag::new(0x8100, 0, false, 30)], PcpRule::Fixed),
        ..NextHop::port(PortId(0))
    });
    let mpls = SubInterface { mpls: true, ..ROUTED };
    let cross = Service::CrossConnect { next_hop: cross, pop: 1, filter_reserved: true };
    let pseudowire = Service::Pseudowire { next_hop: wire, pop: 1, control_word: true };
    let ingress = IngressBuilder::default()
        .sub(VlanKey::Untagged, mpls)
        .sub(VlanKey::Single(10), SubInterface { service: cross, ..ROUTED })
        .sub(VlanKey::Single(20), SubInterface { service: pseudowire, ..ROUTED });
    fib.ingress(&ingress).ingress(&IngressBuilder::default().sub(VlanKey::Untagged, mpls));
    let mut label = |number, model, action: &mut dyn FnMut(&mut FibBuilder) -> LabelAction| {
        let action = action(&mut fib);
        fib.label(Label::new(number).unwrap(), LabelEntry { action, model });
    };
    let uniform = TtlModel::Uniform;
    label(100, uniform, &mut |fib| LabelAction::Swap(fib.next_hops(&[to_b(&[200]), to_b(&[201])])));
    label(101, uniform, &mut |fib| LabelAction::Swap(fib.next_hops(&[to_b(&[300, 201])])));
    label(103, TtlModel::Pipe { ttl: 255 }, &mut |fib| LabelAction::Pop {
        payload: Payload::Ipv4,
        next_hops: fib.next_hops(&[to_b(&[])]),
    });
    label(105, uniform, &mut |fib| LabelAction::Pop {
        payload: Payload::Labels,
        next_hops: fib.next_hops(&[to_b(&[])]),
    });
    label(106, uniform, &mut |_| LabelAction::PopLookup(VrfId(0)));
    label(107, uniform, &mut |_| LabelAction::PopPseudowire { control_word: false, next_hop: attachment });
    let mut entropy = to_b(&[600]);
    entropy.push.entropy = true;
    let route = fib.next_hops(&[entropy]);
    fib.route(VrfId(0), "10.20.0.0/16".parse().unwrap(), route);
    let lsr = network.add("lsr", router(&fib, [192, 0, 2, 1]), vec![port("a"), port("b")]);
    for (place, name) in (0u16..).zip(["lsr-a", "lsr-b"]) {
        let tap: NodeId = network.add(name, Role::Host, vec![host_port("lsr")]);
        network.join((tap, PortId(0)), (lsr, PortId(place)), Span::from_us(1));
    }
    network
}
