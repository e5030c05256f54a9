//! Limits of gateways: what they carry, and that they bind one way only.

use super::*;
use crate::engine::Role;

/// `count` frames of one flow, one each 10 us.
fn one_flow(count: usize, payload: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |_| Packet { payload, ..PACKET }.octets())
}

fn standard(extra: &str) -> Compiled {
    compiled("direct-10g-dot1q", &[("sku = \"ErGw1Az\"", &format!("sku = \"ErGw1Az\"\n{extra}"))])
}

#[test]
fn packets_of_a_flow_have_the_share_of_one_instance() {
    // 100,000 packets/s in two instances: 50,000/s, and 50 at once.
    let trial = offer(standard("burst = \"1ms\""), "hq", one_flow(1000, 100));
    assert_eq!(trial.delivered("prod"), 50 + 9_990 * 50_000 / 1_000_000);
    assert!(trial.drops().iter().all(|(node, why)| (&node[..], *why) == ("gw", "gateway_packets")));
    // With one instance it has all of it.
    assert_eq!(offer(standard("burst = \"1ms\"\ninstances = 1"), "hq", one_flow(1000, 100)).delivered("prod"), 1000);
}

#[test]
fn bits_count_with_header_and_fcs() {
    // 1396 octets each 10 us are 1.1168 Gb/s; 1 Mbit at once.
    let trial = offer(standard("burst = \"1ms\"\ninstances = 1"), "hq", one_flow(2000, 1350));
    let octets = 125_000 + 19_990 * 125;
    assert_eq!(trial.delivered("prod"), octets / 1396);
    assert!(trial.drops().iter().all(|(node, why)| (&node[..], *why) == ("gw", "gateway_bits")));
}

#[test]
fn the_way_back_has_no_limits_and_neither_has_a_gateway_without() {
    let back = (0..1000).map(|_| Packet { from: "10.20.1.1", to: "10.10.1.1", ..PACKET }.octets());
    assert_eq!(offer(standard("burst = \"1ms\""), "prod", back).delivered("hq"), 1000);
    assert_eq!(offer(standard("limits = false"), "hq", one_flow(1000, 100)).delivered("prod"), 1000);
}

/// The networks of a gateway share its limits: half of the traffic to each, and the sum is what passes.
#[test]
fn networks_share_the_limits() {
    let more = "[vnet.test]\nprefixes = [\"10.30.0.0/16\"]\n\n[gateway.gw]";
    let both = ("vnets = [\"prod\"]", "vnets = [\"prod\", \"test\"]\ninstances = 1\nburst = \"1ms\"");
    let net = compiled("direct-10g-dot1q", &[("[gateway.gw]", more), both]);
    let to = ["10.20.1.1", "10.30.1.1"];
    let frames = (0..2000).map(|place| Packet { to: to[place % 2], payload: 1350, ..PACKET }.octets());
    let trial = offer(net, "hq", frames);
    let each = [trial.delivered("prod"), trial.delivered("test")];
    assert_eq!(each[0] + each[1], (125_000 + 19_990 * 125) / 1396);
    assert!(each.iter().all(|&count| count > 800), "{each:?}");
}

#[test]
fn a_gate_has_the_figures_of_the_size() {
    let net = compiled("direct", &[("# flow_timeout", "flow_timeout")]);
    let gateway = net.network.node("gw").unwrap();
    let Role::Router(router) = &net.network.nodes[gateway.index()].role else { panic!() };
    let gate = router.gate.as_ref().unwrap();
    assert_eq!((gate.bits_per_s, gate.packets_per_s, gate.flows), (10_000_000_000, 1_000_000, 1_000_000));
    assert_eq!((gate.instances, gate.burst, gate.flow_timeout), (2, Span::from_ms(5), Some(Span::from_s(240))));
    assert_eq!(gate.outputs, [PortId(2)], "the network's port alone");
}
