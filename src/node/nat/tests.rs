//! Translation against another codec: what comes out is what that codec builds from the translated ends, checksums and all.

use super::*;
use etherparse::{IcmpEchoHeader, Icmpv4Type, PacketBuilder, TcpHeader};
use proptest::prelude::*;

const OUTSIDE: VrfId = VrfId(7);
const INSIDE: VrfId = VrfId(1);
const PEER: [u8; 4] = [198, 51, 100, 9];

fn nat(pool: &str) -> Nat {
    let pool = PoolSpec { addresses: pool.parse().unwrap(), outside: OUTSIDE, inside: INSIDE, servers: Vec::new() };
    Nat::new(&NatSpec { pools: vec![pool] })
}

fn at(s: u64) -> Instant {
    Instant::ZERO + Span::from_s(s)
}

#[derive(Clone, Copy, Debug)]
enum Above {
    Udp,
    Tcp,
    Echo,
}

/// A packet as the other codec builds it.
fn packet(above: Above, from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let ip = PacketBuilder::ipv4(from.0, to.0, 64);
    match above {
        Above::Udp => ip.udp(from.1, to.1).write(&mut out, payload),
        Above::Tcp => ip.tcp_header(TcpHeader::new(from.1, to.1, 1, 9)).write(&mut out, payload),
        Above::Echo => {
            ip.icmpv4(Icmpv4Type::EchoRequest(IcmpEchoHeader { id: from.1, seq: 3 })).write(&mut out, payload)
        }
    }
    .unwrap();
    out
}

/// The source address and port (or identifier) of a packet.
fn source(packet: &[u8]) -> ([u8; 4], u16) {
    let fields = fields(packet, 0, Which::Source).unwrap();
    let end = end(packet, fields);
    (end.address.octets(), end.port)
}

fn any_above() -> impl Strategy<Value = Above> {
    prop_oneof![Just(Above::Udp), Just(Above::Tcp), Just(Above::Echo)]
}

proptest! {
    /// Out and back: octet for octet what the other codec makes of the translated ends.
    #[test]
    fn what_comes_out_is_what_another_codec_builds(
        above in any_above(), host: [u8; 2], port: u16, payload in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let inside = ([10, 10, host[0], host[1]], port);
        let mut nat = nat("203.0.113.64/28");
        let mut out = packet(above, inside, (PEER, 443), &payload);
        nat.outward(at(0), 0, &mut out).unwrap();
        let outside = source(&out);
        prop_assert!(outside.0[..3] == [203, 0, 113] && (64..80).contains(&outside.0[3]));
        prop_assert_eq!(&out, &packet(above, outside, (PEER, 443), &payload));
        let mut back = match above {
            Above::Echo => {
                let mut reply = Vec::new();
                let echo = Icmpv4Type::EchoReply(IcmpEchoHeader { id: outside.1, seq: 3 });
                PacketBuilder::ipv4(PEER, outside.0, 64).icmpv4(echo).write(&mut reply, &payload).unwrap();
                reply
            }
            _ => packet(above, (PEER, 443), outside, &payload),
        };
        nat.inward(at(1), &mut back).unwrap();
        prop_assert_eq!(&back[16..20], &inside.0);
        if !matches!(above, Above::Echo) {
            prop_assert_eq!(&back, &packet(above, (PEER, 443), inside, &payload));
        }
    }

    /// No two inside ends ever share an outside end, and each keeps its own.
    #[test]
    fn bindings_are_one_to_one(ends in proptest::collection::vec((0u8..6, prop_oneof![0u16..4, 1022u16..1030]), 1..80)) {
        let mut nat = nat("203.0.113.65/32");
        let mut known = std::collections::BTreeMap::new();
        for (host, port) in ends {
            let inside = ([10, 10, 0, host], port);
            let mut out = packet(Above::Udp, inside, (PEER, 53), &[]);
            nat.outward(at(0), 0, &mut out).unwrap();
            let outside = source(&out);
            prop_assert_eq!(*known.entry(inside).or_insert(outside), outside);
            prop_assert_eq!(outside.1 < 1024, port < 1024, "ports keep their range");
        }
        let all: std::collections::BTreeSet<_> = known.values().collect();
        prop_assert_eq!(all.len(), known.len());
    }

    /// Arbitrary octets neither panic nor change their length.
    #[test]
    fn any_octets_are_survived(mut octets in proptest::collection::vec(any::<u8>(), 0..80), v4: bool) {
        if v4 && !octets.is_empty() {
            octets[0] = 0x45;
        }
        let (mut nat, before) = (nat("203.0.113.64/28"), octets.len());
        let _ = nat.outward(at(0), 0, &mut octets);
        let _ = nat.inward(at(0), &mut octets);
        prop_assert_eq!(octets.len(), before);
    }
}

/// An ICMP error about `quoted` from `router` to the quoted packet's source, by the project's own router code.
fn error(router: [u8; 4], quoted: &[u8]) -> Vec<u8> {
    crate::wire::icmp::error_v4(crate::wire::icmp::Complaint::TooBig { mtu: 1400 }, router.into(), quoted).unwrap()
}

/// An error from outside about a packet that went out reaches its sender, who finds in it what it had sent.
#[test]
fn an_error_from_outside_quotes_the_packet_as_it_was_inside() {
    for above in [Above::Udp, Above::Tcp, Above::Echo] {
        let mut nat = nat("203.0.113.64/28");
        let sent = packet(above, ([10, 10, 0, 7], 5000), (PEER, 443), &[1, 2, 3, 4]);
        let mut out = sent.clone();
        nat.outward(at(0), 0, &mut out).unwrap();
        let mut told = error([192, 0, 2, 1], &out);
        nat.inward(at(0), &mut told).unwrap();
        assert_eq!(told, error([192, 0, 2, 1], &sent), "{above:?}");
    }
}

/// An error from a router inside about a packet that came in leaves with the address that the packet came to.
#[test]
fn an_error_from_inside_quotes_the_packet_as_it_was_outside() {
    let mut nat = nat("203.0.113.64/28");
    let mut out = packet(Above::Udp, ([10, 10, 0, 7], 5000), (PEER, 443), &[]);
    nat.outward(at(0), 0, &mut out).unwrap();
    let came = packet(Above::Udp, (PEER, 443), source(&out), &[9; 30]);
    let mut inside = came.clone();
    nat.inward(at(0), &mut inside).unwrap();
    let mut told = error([10, 10, 0, 1], &inside);
    nat.outward(at(0), 0, &mut told).unwrap();
    assert_eq!(told, error(source(&out).0, &came));
}

#[test]
fn an_age_ends_a_binding_and_use_renews_it() {
    let mut nat = nat("203.0.113.65/32");
    let mut out = packet(Above::Udp, ([10, 0, 0, 1], 5000), (PEER, 53), &[]);
    nat.outward(at(0), 0, &mut out).unwrap();
    let back = packet(Above::Udp, (PEER, 53), source(&out), &[]);
    assert_eq!(nat.inward(at(299), &mut back.clone()), Ok(()));
    assert_eq!(nat.inward(at(598), &mut back.clone()), Ok(()));
    assert_eq!(nat.inward(at(898), &mut back.clone()), Err(DropReason::NatBinding));
    // Its port is free for another.
    let mut other = packet(Above::Udp, ([10, 0, 0, 2], 5000), (PEER, 53), &[]);
    nat.outward(at(899), 0, &mut other).unwrap();
    assert_eq!(source(&other), source(&out));
}

/// A hundred hosts one after another, each when the binding of the one before has grown too old: one place serves them all,
/// and the first of them, come back, has none of the others' flows.
#[test]
fn bindings_that_are_gone_take_no_room() {
    let mut nat = nat("203.0.113.65/32");
    for host in 0..100 {
        let mut out = packet(Above::Udp, ([10, 0, 0, host], 5000), (PEER, 53), &[]);
        nat.outward(at(400 * u64::from(host)), 0, &mut out).unwrap();
        assert_eq!(source(&out), ([203, 0, 113, 65], 5000));
        let mut back = packet(Above::Udp, (PEER, 53), source(&out), &[]);
        nat.inward(at(400 * u64::from(host) + 1), &mut back).unwrap();
        assert_eq!(back[16..20], [10, 0, 0, host]);
    }
    assert_eq!((nat.bindings.len(), nat.by_inside.len(), nat.by_outside.len()), (1, 1, 1));
}

/// 1023 well-known ports of one address: the next flow finds none, and all others still have theirs.
#[test]
fn a_pool_without_a_free_port_says_so() {
    let mut nat = nat("203.0.113.65/32");
    let from = |host: u16| ([10, 0, (host >> 8) as u8, host as u8], 53);
    for host in 0..1023 {
        nat.outward(at(0), 0, &mut packet(Above::Udp, from(host), (PEER, 53), &[])).unwrap();
    }
    let mut over = packet(Above::Udp, from(1023), (PEER, 53), &[]);
    assert_eq!(nat.outward(at(0), 0, &mut over), Err(DropReason::NatPorts));
    assert_eq!(nat.outward(at(0), 0, &mut packet(Above::Udp, from(5), (PEER, 53), &[])), Ok(()));
    assert_eq!(nat.outward(at(0), 0, &mut packet(Above::Tcp, from(1023), (PEER, 53), &[])), Ok(()));
}

#[test]
fn what_has_no_port_is_refused() {
    let mut nat = nat("203.0.113.64/28");
    let mut fragment = packet(Above::Udp, ([10, 0, 0, 1], 5000), (PEER, 53), &[0; 16]);
    fragment[6] = 0x20;
    assert_eq!(nat.outward(at(0), 0, &mut fragment), Err(DropReason::NatPacket));
    let mut gre = packet(Above::Udp, ([10, 0, 0, 1], 5000), (PEER, 53), &[]);
    gre[ipv4::PROTOCOL] = 47;
    assert_eq!(nat.outward(at(0), 0, &mut gre), Err(DropReason::NatPacket));
    let mut unasked = packet(Above::Udp, (PEER, 53), ([203, 0, 113, 70], 5000), &[]);
    assert_eq!(nat.inward(at(0), &mut unasked), Err(DropReason::NatBinding));
}

/// A UDP packet without a checksum stays one (RFC 768); a server is reached, and answers by the same address.
#[test]
fn servers_are_reached_and_no_checksum_is_made_up() {
    let server = Server { inside: [10, 0, 0, 80].into(), outside: [203, 0, 113, 66].into(), port: 9 };
    let pool = PoolSpec {
        addresses: "203.0.113.64/28".parse().unwrap(),
        outside: OUTSIDE,
        inside: INSIDE,
        servers: vec![server],
    };
    let mut nat = Nat::new(&NatSpec { pools: vec![pool] });
    let mut came = packet(Above::Udp, (PEER, 1024), ([203, 0, 113, 66], 9), &[5]);
    came[26..28].fill(0);
    nat.inward(at(100_000), &mut came).unwrap();
    assert_eq!((&came[16..20], &came[26..28]), (&[10, 0, 0, 80][..], &[0, 0][..]));
    let mut answer = packet(Above::Udp, ([10, 0, 0, 80], 9), (PEER, 1024), &[]);
    nat.outward(at(100_001), 0, &mut answer).unwrap();
    assert_eq!(source(&answer), ([203, 0, 113, 66], 9));
}

#[test]
fn memory_is_bounded_by_flows_and_by_the_pool() {
    let of = |pool: &str, flows| {
        let pool = PoolSpec { addresses: pool.parse().unwrap(), outside: OUTSIDE, inside: INSIDE, servers: Vec::new() };
        NatSpec { pools: vec![pool] }.octets(flows)
    };
    let each = of("203.0.113.64/28", 1);
    assert!((100..400).contains(&each), "{each} octets for a binding");
    assert_eq!(of("203.0.113.64/28", 1_000), 1_000 * each);
    assert_eq!(of("203.0.113.65/32", u64::MAX), 3 * 65_535 * each);
    assert_eq!(NatSpec::default().octets(u64::MAX), 0);
}
