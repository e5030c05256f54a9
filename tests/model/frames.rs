//! Frames for property tests: mostly valid, drawn from small pools so that they meet the routers of `routers`.

use super::octets;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// VLAN identifiers that frames carry; 0 and 4095 among them.
const VIDS: &[u16] = &[0, 0, 10, 10, 10, 10, 20, 20, 20, 30, 4094, 4095];
/// TPIDs that frames carry, the usual one most often.
const TPIDS: &[u16] = &[0x8100, 0x8100, 0x8100, 0x8100, 0x8100, 0x8100, 0x8100, 0x8100, 0x88a8, 0x88a8, 0x9100, 0x9300];
/// Labels that are not special-purpose.
pub const LABELS: &[u32] = &[16, 17, 18, 19, 20, 21, 100, 65_536, 1_048_575];
/// IPv4 destinations: some with routes, some without, some that are never forwarded.
const V4: &[[u8; 4]] = &[
    [10, 1, 2, 3],
    [10, 1, 2, 3],
    [10, 1, 2, 4],
    [10, 1, 2, 4],
    [10, 7, 0, 1],
    [10, 9, 0, 1],
    [192, 168, 7, 7],
    [8, 8, 8, 8],
    [224, 0, 0, 5],
    [239, 1, 1, 1],
    [255, 255, 255, 255],
    [127, 0, 0, 1],
    [169, 254, 3, 4],
    [0, 0, 0, 1],
];
/// IPv6 destinations by their first two and their last octet.
const V6: &[([u8; 2], u8)] = &[
    ([0x20, 0x01], 1),
    ([0x20, 0x01], 1),
    ([0x20, 0x01], 2),
    ([0x20, 0x01], 2),
    ([0x2a, 0x01], 1),
    ([0xff, 0x02], 1),
    ([0xfe, 0x80], 1),
    ([0xfe, 0xbf], 1),
    ([0, 0], 1),
    ([0, 0], 0),
];

/// TTLs, the edges more often.
fn ttl() -> impl Strategy<Value = u8> {
    prop_oneof![2 => select(vec![0u8, 1, 2, 3]), 6 => Just(64u8), 1 => Just(255u8), 2 => any::<u8>()]
}

/// Any frame, without FCS.
pub fn frame() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        40 => whole(),
        2 => (whole(), any::<prop::sample::Index>()).prop_map(|(mut frame, at)| {
            frame.truncate(at.index(frame.len() + 1));
            frame
        }),
        2 => (whole(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut frame, at, octet)| {
            let at = at.index(frame.len());
            frame[at] = octet;
            frame
        }),
        1 => vec(any::<u8>(), 0..100),
    ]
    .boxed()
}

/// A frame with all its parts.
fn whole() -> BoxedStrategy<Vec<u8>> {
    (addresses(), tags(), typed_payload(), padding())
        .prop_map(|(addresses, tags, payload, padding)| {
            let mut frame = addresses;
            for tag in tags {
                frame.extend(tag);
            }
            frame.extend(payload);
            pad(&mut frame, padding);
            frame
        })
        .boxed()
}

/// What follows the payload: octets beyond the least length, and whether the frame is filled up to that at all.
#[derive(Clone, Copy, Debug)]
pub enum Padding {
    None,
    Least(u8),
    More(usize, u8),
}

fn padding() -> impl Strategy<Value = Padding> {
    prop_oneof![
        1 => Just(Padding::None),
        5 => select(vec![0, 0xa5]).prop_map(Padding::Least),
        1 => (1usize..12, any::<u8>()).prop_map(|(more, with)| Padding::More(more, with)),
    ]
}

fn pad(frame: &mut Vec<u8>, padding: Padding) {
    match padding {
        Padding::None => {}
        Padding::Least(with) => frame.resize(frame.len().max(60), with),
        Padding::More(more, with) => frame.resize(frame.len() + more, with),
    }
}

fn addresses() -> BoxedStrategy<Vec<u8>> {
    let destination = prop_oneof![
        6 => Just(vec![2, 0, 0, 0, 0, 1]),
        1 => (0u8..0x12).prop_map(|last| vec![1, 0x80, 0xc2, 0, 0, last]),
        1 => Just(vec![0xff; 6]),
        1 => Just(vec![0x40, 0, 0, 0, 0, 1]),
    ];
    destination
        .prop_map(|mut octets| {
            octets.extend([2, 0, 0, 0, 0, 2]);
            octets
        })
        .boxed()
}

fn tag() -> impl Strategy<Value = [u8; 4]> {
    (select(TPIDS), 0u8..8, any::<bool>(), select(VIDS)).prop_map(|(tpid, pcp, dei, vid)| {
        let tci = u16::from(pcp) << 13 | u16::from(dei) << 12 | vid;
        [(tpid >> 8) as u8, tpid as u8, (tci >> 8) as u8, tci as u8]
    })
}

fn tags() -> impl Strategy<Value = Vec<[u8; 4]>> {
    prop_oneof![6 => Just(0usize), 3 => Just(1), 3 => Just(2), 1 => Just(3)].prop_flat_map(|count| vec(tag(), count))
}

/// A type and what it announces.
fn typed_payload() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        4 => v4().prop_map(|packet| octets::typed(0x0800, &packet)),
        2 => v6().prop_map(|packet| octets::typed(0x86dd, &packet)),
        8 => (prop_oneof![9 => Just(0x8847u16), 1 => Just(0x8848)], stack())
            .prop_map(|(ethertype, stack)| octets::typed(ethertype, &stack)),
        1 => other(),
    ]
    .boxed()
}

/// ARP, LLC, unknown types, and IP types with something else beneath.
fn other() -> BoxedStrategy<Vec<u8>> {
    let ethertype = prop_oneof![
        select(vec![0x0806u16, 0x0026, 0x05dc, 0x05ff, 0x0600, 0x88cc, 0x0800, 0x86dd, 0x8847, 0x8100]),
        any::<u16>(),
    ];
    (ethertype, vec(any::<u8>(), 0..60)).prop_map(|(ethertype, payload)| octets::typed(ethertype, &payload)).boxed()
}

/// A label stack and what lies beneath it.
fn stack() -> BoxedStrategy<Vec<u8>> {
    let depth = prop_oneof![10 => 1usize..=4, 2 => 5usize..=7];
    let deep = (label(), 14usize..=18).prop_map(|(label, depth)| vec![label; depth]);
    let labels = prop_oneof![14 => depth.prop_flat_map(|depth| vec(label(), depth)), 1 => deep];
    (labels, beneath(), prop_oneof![15 => Just(true), 1 => Just(false)])
        .prop_map(|(labels, beneath, ends)| {
            let mut entries: Vec<octets::Lse> = labels.concat();
            if let Some(last) = entries.last_mut() {
                last.bottom |= ends;
            }
            let mut octets: Vec<u8> = entries.iter().flat_map(octets::Lse::octets).collect();
            octets.extend(beneath);
            octets
        })
        .boxed()
}

/// A label, or one of the groups that belong together.
fn label() -> BoxedStrategy<Vec<octets::Lse>> {
    let special = prop_oneof![4 => select(vec![0u32, 2]), 3 => Just(1u32), 1 => Just(3u32), 1 => 4u32..16];
    let indicator = || prop_oneof![3 => Just(vec![7u32]), 1 => Just(vec![15u32, 7])];
    let values = prop_oneof![
        24 => select(LABELS).prop_map(|label| vec![label]),
        4 => special.prop_map(|label| vec![label]),
        2 => (select(LABELS), indicator(), prop_oneof![8 => 16u32..1 << 20, 1 => 0u32..16])
            .prop_map(|(label, indicator, entropy)| [vec![label], indicator, vec![entropy]].concat()),
        1 => (0u32..1 << 20).prop_map(|label| vec![label]),
    ];
    (values, 0u8..8, ttl(), prop_oneof![40 => Just(false), 1 => Just(true)])
        .prop_map(|(labels, tc, ttl, bottom)| {
            labels.into_iter().map(|label| octets::Lse { label, tc, bottom, ttl }).collect()
        })
        .boxed()
}

/// What lies beneath a bottom label: IP, an Ethernet frame with or without a control word, anything.
fn beneath() -> BoxedStrategy<Vec<u8>> {
    let word = prop_oneof![
        3 => Just(vec![0u8; 4]),
        1 => Just(vec![0x10, 0, 0, 0x21]),
        3 => Just(vec![]),
        2 => (0u8..0x20, any::<u8>()).prop_map(|(first, second)| vec![first, second, 0, 0]),
        1 => any::<[u8; 4]>().prop_map(|word| word.to_vec()),
    ];
    let short = prop_oneof![
        v4().prop_map(|packet| octets::typed(0x0800, &packet)),
        Just(vec![0x88, 0x47, 0, 1, 1, 64, 0x45]),
        other(),
    ];
    let ethernet = (word, addresses(), vec(tag(), 0..=2), short, padding()).prop_map(
        |(word, mut frame, tags, payload, padding)| {
            frame.extend(tags.concat());
            frame.extend(payload);
            pad(&mut frame, padding);
            [word, frame].concat()
        },
    );
    prop_oneof![5 => v4(), 3 => v6(), 3 => ethernet, 1 => vec(any::<u8>(), 0..40)].boxed()
}

/// Octets behind an IP header: mostly few, sometimes around the MTUs of `routers`.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![6 => 0usize..60, 2 => 60usize..140, 1 => 540usize..620, 1 => 1440usize..1540];
    (length, any::<u8>()).prop_map(|(length, first)| (0..length).map(|at| first.wrapping_add(at as u8)).collect())
}

fn v4() -> BoxedStrategy<Vec<u8>> {
    let options = prop_oneof![6 => Just(0usize), 1 => 1usize..=10];
    let fault = prop_oneof![30 => Just(0u8), 5 => 1u8..=5];
    (any::<u8>(), ttl(), options, any::<u16>(), select(V4), data(), fault)
        .prop_map(|(tos, ttl, options, fragment, destination, data, fault)| {
            let header = 20 + 4 * options;
            let total = (header + data.len()) as u16;
            let mut packet = vec![0x45 + options as u8, tos];
            packet.extend(total.to_be_bytes());
            packet.extend([0, 1]);
            packet.extend(fragment.to_be_bytes());
            packet.extend([ttl, 17, 0, 0, 10, 0, 0, 1]);
            packet.extend(destination);
            packet.resize(header, 1); // options of "no operation"
            spoil(&mut packet, fault);
            let checksum = octets::internet_checksum(&packet);
            packet[10..12].copy_from_slice(&checksum.to_be_bytes());
            if fault == 1 {
                packet[11] ^= 0x10;
            }
            packet.extend(data);
            packet
        })
        .boxed()
}

/// Faults of a header that a right checksum covers.
fn spoil(packet: &mut [u8], fault: u8) {
    match fault {
        2 => packet[0] = packet[0] & 0xf0 | 4,
        3 => packet[0] = 0x50 | packet[0] & 0x0f,
        4 => packet[2..4].copy_from_slice(&[0, 19]),
        5 => packet[2] |= 0x40,
        _ => {}
    }
}

fn v6() -> BoxedStrategy<Vec<u8>> {
    let fault = prop_oneof![30 => Just(0u8), 2 => 1u8..=2];
    (any::<u32>(), ttl(), select(V6), data(), fault)
        .prop_map(|(class, hop_limit, (head, last), data, fault)| {
            let mut packet = (0x6000_0000 | class & 0x0fff_ffff).to_be_bytes().to_vec();
            packet.extend((data.len() as u16).to_be_bytes());
            packet.extend([17, hop_limit]);
            packet.extend([0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
            packet.extend(head);
            packet.extend([0; 13]);
            packet.push(last);
            match fault {
                1 => packet[0] = 0x70 | packet[0] & 0x0f,
                2 => packet[4] |= 0x40,
                _ => {}
            }
            packet.extend(data);
            packet
        })
        .boxed()
}
