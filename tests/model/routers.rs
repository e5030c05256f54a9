//! Routers for property tests: any configuration that the model can say and that makes sense, over the pools of `frames`.

use super::frames::LABELS;
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Ports of a router.
pub const PORTS: usize = 3;
/// VRFs of a router.
pub const VRFS: usize = 2;
/// Next hops of a router; the last ones have labels always, for swaps and pseudowires.
const HOPS: usize = 6;
const LABELLED: usize = 3;
const TAG_TPIDS: &[u16] = &[0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];
const MTUS: &[usize] = &[64, 80, 100, 576, 1500, 1500, 1500, 1500, 9000, 9000];

/// A router.
pub fn router() -> BoxedStrategy<ModelRouter> {
    let labels =
        LABELS.iter().map(|&label| proptest::option::weighted(0.9, label_entry()).prop_map(move |e| (label, e)));
    (
        vec(port(), PORTS),
        vec(vec(route(), 0..8), VRFS),
        labels.collect::<Vec<_>>(),
        (vec(next_hop(0), HOPS - LABELLED), vec(next_hop(1), LABELLED)),
        ttl_model(),
    )
        .prop_map(|(ports, vrfs, labels, (plain, labelled), null_ttl)| ModelRouter {
            ports,
            vrfs,
            labels: labels.into_iter().filter_map(|(label, entry)| Some((label, entry?))).collect(),
            next_hops: [plain, labelled].concat(),
            null_ttl,
        })
        .boxed()
}

fn port() -> BoxedStrategy<Port> {
    let accept = prop_oneof![12 => Just(Accept::All), 1 => Just(Accept::OnlyTagged), 1 => Just(Accept::OnlyUntagged)];
    let tagged =
        vec![Key::Outer(10), Key::Outer(20), Key::Outer(4094), Key::Pair(10, 20), Key::Pair(10, 30), Key::Pair(20, 20)];
    let (untagged, rest) = (proptest::option::weighted(0.9, Just(Key::Untagged)), proptest::option::of(Just(Key::Any)));
    let keys = (subsequence(tagged, 2..=6), untagged, rest)
        .prop_map(|(tagged, untagged, rest)| [tagged, Vec::from_iter(untagged), Vec::from_iter(rest)].concat());
    (tpids(), tpids(), accept, keys, vec(service(), 8))
        .prop_map(|(outer_tpids, inner_tpids, accept, keys, services)| {
            let subs = keys.into_iter().zip(services).map(|(key, service)| Sub { key, service }).collect();
            Port { outer_tpids, inner_tpids, accept, subs }
        })
        .boxed()
}

fn tpids() -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![
        8 => Just(vec![0x8100]),
        1 => Just(vec![0x88a8]),
        4 => Just(vec![0x8100, 0x88a8]),
        2 => Just(TAG_TPIDS.to_vec()),
        1 => Just(vec![]),
    ]
}

fn service() -> BoxedStrategy<Service> {
    let route = (0..VRFS, prop_oneof![9 => Just(true), 1 => Just(false)], any::<bool>());
    let connect = (0usize..=2, egress_tags(), 0..PORTS, any::<bool>(), select(MTUS));
    prop_oneof![
        6 => route.prop_map(|(vrf, mpls, reset)| Service::Route { vrf, mpls, dscp_reset: reset.then_some(0) }),
        2 => connect.prop_map(|(pop, push, port, filter_reserved, mtu)| {
            Service::CrossConnect { pop, push, port, filter_reserved, mtu }
        }),
        1 => (0usize..=2, any::<bool>(), HOPS - LABELLED..HOPS)
            .prop_map(|(pop, control_word, hop)| Service::Pseudowire { pop, control_word, hop }),
    ]
    .boxed()
}

/// Up to two tags that share their rule of priority.
fn egress_tags() -> impl Strategy<Value = Vec<Tag>> {
    let tags = vec((select(TAG_TPIDS), select(vec![1u16, 10, 20, 4094]), 0u8..8), 0..=2);
    (tags, any::<bool>()).prop_map(|(tags, copy)| {
        tags.into_iter().map(|(tpid, vid, pcp)| Tag { tpid, vid, pcp: (!copy).then_some(pcp) }).collect()
    })
}

fn route() -> BoxedStrategy<Route> {
    let v4 = |a: [u8; 4], length| (a.to_vec(), length);
    let v6 = |a: u8, b: u8, last: u8, length| {
        let mut address = vec![0; 16];
        (address[0], address[1], address[15]) = (a, b, last);
        (address, length)
    };
    let prefix = select(vec![
        v4([0, 0, 0, 0], 0),
        v4([10, 0, 0, 0], 8),
        v4([10, 1, 0, 0], 16),
        v4([10, 1, 2, 0], 23),
        v4([10, 1, 2, 3], 32),
        v4([192, 168, 7, 0], 25),
        v4([224, 0, 0, 0], 4),
        v4([239, 1, 0, 0], 16),
        v4([169, 0, 0, 0], 8),
        v6(0, 0, 0, 0),
        v6(0x20, 0, 0, 7),
        v6(0x20, 1, 0, 64),
        v6(0x20, 1, 2, 128),
        v6(0xfe, 0xbf, 0, 16),
    ]);
    let target = prop_oneof![
        8 => via(0..HOPS).prop_map(Target::Via),
        1 => Just(Target::Local),
        1 => Just(Target::Discard("no_route")),
    ];
    (prefix, target).prop_map(|((prefix, length), target)| Route { prefix, length, target }).boxed()
}

fn via(of: std::ops::Range<usize>) -> impl Strategy<Value = Vec<usize>> {
    vec(of, 1..=3)
}

fn ttl_model() -> impl Strategy<Value = TtlModel> {
    select(vec![TtlModel::Uniform, TtlModel::Uniform, TtlModel::Pipe, TtlModel::ShortPipe])
}

fn label_entry() -> BoxedStrategy<LabelEntry> {
    let payload = select(vec![Payload::V4, Payload::V4, Payload::V6, Payload::Labels]);
    let end = (any::<bool>(), 0..PORTS, egress_tags(), select(MTUS));
    let op = prop_oneof![
        3 => via(HOPS - LABELLED..HOPS).prop_map(|via| LabelOp::Swap { via }),
        3 => (payload, via(0..HOPS)).prop_map(|(payload, via)| LabelOp::Pop { payload, via }),
        4 => (0..VRFS).prop_map(|vrf| LabelOp::PopLookup { vrf }),
        2 => end.prop_map(|(control_word, port, push, mtu)| LabelOp::PopPseudowire { control_word, port, push, mtu }),
    ];
    (op, ttl_model()).prop_map(|(op, ttl)| LabelEntry { op, ttl }).boxed()
}

/// A next hop with at least `labels` labels.
fn next_hop(labels: usize) -> BoxedStrategy<NextHop> {
    let tags = prop_oneof![3 => egress_tags().prop_map(EgressTags::Push), 1 => Just(EgressTags::Keep)];
    let push = prop_oneof![4 => vec(pushed_label(), labels..labels + 1), 2 => vec(pushed_label(), labels..=6)];
    let ttl = prop_oneof![Just(PushTtl::Uniform), Just(PushTtl::Pipe(255)), any::<u8>().prop_map(PushTtl::Pipe)];
    let tc = proptest::option::of(0u8..8);
    (0..PORTS, any::<u8>(), tags, push, (ttl, tc, any::<bool>()), select(MTUS))
        .prop_map(|(port, mac, tags, labels, (push_ttl, push_tc, entropy), mtu)| NextHop {
            port,
            dst: [2, 1, 0, 0, 0, mac],
            src: [2, 1, 0, 0, 1, mac],
            tags,
            labels,
            push_ttl,
            push_tc,
            entropy,
            mtu,
        })
        .boxed()
}

fn pushed_label() -> impl Strategy<Value = u32> {
    prop_oneof![1 => select(vec![0u32, 2]), 6 => 16u32..1 << 20]
}
