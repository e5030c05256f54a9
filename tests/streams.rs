//! Generated streams: what their frames are, octet for octet, and when and how often they come.

use biplane::frame::{Frame, Octets, Templates};
use biplane::time::{Instant, PortSpeed, Span};
use biplane::traffic::schedule::Ratio;
use biplane::traffic::stream::{AddressRange, FrameSizes, Generator, IMIX, Layer, Rate, StreamError, StreamSpec};
use biplane::wire::vlan::Tag;
use etherparse::{NetHeaders, PacketHeaders, TransportHeader};
use std::collections::BTreeSet;

fn range(net: &str) -> AddressRange {
    AddressRange::hosts_of(net.parse().unwrap())
}

fn spec(from: &str, to: &str, flows: u32, sizes: FrameSizes, rate: Rate) -> StreamSpec {
    StreamSpec { frames: Some(u64::from(flows) * 50), ..StreamSpec::new(range(from), range(to), flows, sizes, rate) }
}

fn v4(sizes: FrameSizes, rate: Rate) -> StreamSpec {
    spec("10.1.0.0/16", "10.2.0.0/24", 40, sizes, rate)
}

fn generator(spec: &StreamSpec) -> Generator {
    spec.generator(&mut Templates::new()).unwrap()
}

fn ratio(a: u64, b: u64) -> Ratio {
    Ratio::new(a, b).unwrap()
}

const MPPS: Rate = Rate::Frames(1_000_000);

#[test]
fn octets_of_every_flow_and_size_decode() {
    let c_tag = Tag::new(0x8100, 3, false, 20);
    let s_tag = Tag::new(0x88a8, 0, true, 110);
    let mix = FrameSizes::Weighted(vec![(80, 1), (123, 2), (594, 4), (1518, 1), (9018, 1)]);
    let small = FrameSizes::Weighted(vec![(64, 1), (65, 1)]);
    let cases = [
        spec("10.1.0.0/16", "10.2.0.0/24", 300, small, MPPS),
        spec("10.1.0.0/16", "10.2.0.0/24", 300, FrameSizes::Imix, MPPS),
        spec("2001:db8:1::/48", "2001:db8:2::/64", 300, mix.clone(), MPPS),
        StreamSpec { tags: vec![c_tag], traffic_class: 0xb8, ..v4(mix.clone(), MPPS) },
        StreamSpec { tags: vec![s_tag, c_tag], ttl: 3, dont_fragment: false, ..v4(FrameSizes::Imix, MPPS) },
        StreamSpec {
            tags: vec![s_tag, c_tag],
            ttl: 9,
            traffic_class: 0x2e,
            ..spec("2001:db8:1::/48", "2001:db8:2::/126", 300, mix, MPPS)
        },
    ];
    for spec in cases {
        let mut templates = Templates::new();
        templates.add_source([]);
        let generator = spec.generator(&mut templates).unwrap();
        let (mut pairs, mut octets) = (BTreeSet::new(), Vec::new());
        for frame in generator {
            octets.clear();
            frame.emit(&templates, &mut octets);
            decode(&spec, &frame, &octets);
            assert_same(&spec, &frame, &octets, &templates);
            pairs.insert((frame.id.stream.flow(), frame.header.meta.size()));
        }
        assert_eq!(pairs.len(), spec.flows as usize * spec.sizes.weights().len(), "each flow has each size");
    }
}

/// What etherparse, which has nothing in common with the emulator's own reader, finds in the octets.
fn decode(spec: &StreamSpec, frame: &Frame, octets: &[u8]) {
    let packet = PacketHeaders::from_ethernet_slice(octets).unwrap();
    assert_eq!(octets.len() + 4, usize::from(frame.len()));
    assert!(spec.sizes.weights().iter().any(|&(size, _)| size == frame.len()));
    let tags = packet.link_exts.len();
    assert_eq!(tags, spec.tags.len());
    let payload = packet.payload.slice();
    assert!(payload.iter().all(|&octet| octet == 0));
    let Some(TransportHeader::Udp(udp)) = packet.transport else { panic!("no UDP: {packet:?}") };
    assert_eq!(usize::from(udp.length), 8 + payload.len());
    assert_eq!(udp.destination_port, spec.destination_port);
    let beneath = 14 + 4 * tags;
    match packet.net.unwrap() {
        NetHeaders::Ipv4(ip, _) => {
            assert_eq!(usize::from(ip.total_len), octets.len() - beneath, "no padding behind the packet");
            assert_eq!((ip.header_checksum, ip.dont_fragment), (ip.calc_header_checksum(), spec.dont_fragment));
            assert_eq!((ip.time_to_live, ip.dscp.value() << 2 | ip.ecn.value()), (spec.ttl, spec.traffic_class));
            assert_eq!(udp.checksum, udp.calc_checksum_ipv4(&ip, payload).unwrap());
        }
        NetHeaders::Ipv6(ip, _) => {
            assert_eq!(usize::from(ip.payload_length), octets.len() - beneath - 40);
            assert_eq!((ip.hop_limit, ip.traffic_class), (spec.ttl, spec.traffic_class));
            assert_eq!(udp.checksum, udp.calc_checksum_ipv6(&ip, payload).unwrap());
        }
        NetHeaders::Arp(_) => panic!("ARP"),
    }
}

/// The frame read from its own octets is the same, and so is the way of its packet.
fn assert_same(spec: &StreamSpec, frame: &Frame, octets: &[u8], templates: &Templates) {
    let parsed = Frame::parse(octets, octets.len() as u32, None).unwrap().frame;
    let mut header = frame.header;
    header.meta = header.meta.with_size(0);
    assert_eq!(header, parsed.header, "{spec:?}");
    let body = frame.octets(templates);
    let owned = parsed.body.unwrap();
    let mut payload = body.payload().to_vec();
    payload.resize(owned.payload().len(), 0);
    assert_eq!(Octets::new(payload, body.macs, body.ethertype, parsed.header.meta.kind()), *owned);
    assert_eq!(body.destination(), owned.destination());
    assert_eq!(templates.destination(frame.id.stream), owned.destination());
    assert_eq!(frame.id.stream.source(), 1);
}

#[test]
fn flows_are_different_and_come_equally_often() {
    for (from, to, flows) in [
        ("10.0.0.1/32", "10.0.0.2/32", 70_000),
        ("10.0.0.0/16", "10.9.0.0/24", 65_536),
        ("10.0.0.0/29", "10.9.0.0/30", 4_096),
        ("2001:db8::/64", "2001:db8:1::/120", 65_536),
    ] {
        let spec = spec(from, to, flows, FrameSizes::One(128), MPPS);
        let mut templates = Templates::new();
        let frames = spec.generator(&mut templates).unwrap();
        let mut tuples = BTreeSet::new();
        let mut seen = vec![0; flows as usize];
        for frame in frames.take(flows as usize * 3) {
            let octets = frame.octets(&templates).payload();
            tuples.insert(octets[octets.len().min(40) - 28..].to_vec());
            seen[frame.id.stream.flow() as usize] += 1;
        }
        assert_eq!(tuples.len(), flows as usize, "{from} {to}");
        assert!(seen.iter().all(|&times| times == 3));
    }
}

/// The mean rate against a count: of 600 frames, 50 rounds of the IMIX, per second.
#[test]
fn the_mean_rate_is_that_of_a_count() {
    for rate in
        [Rate::Frames(1_488_095), Rate::Bits(3_333_333_337, Layer::Wire), Rate::Line(PortSpeed::G10, ratio(1, 7))]
    {
        let stream = generator(&StreamSpec { frames: Some(601), ..v4(FrameSizes::Imix, rate) });
        let told = stream.frames_per_s();
        let last = stream.last().unwrap().id.sent.as_ps();
        let counted = 600 * 1_000_000_000_000u128 / u128::from(last);
        assert!(u128::from(told).abs_diff(counted) * 1_000_000 < counted, "{rate:?}: {told} told, {counted} counted");
    }
}

/// The instants of a million frames against the closed form, with numbers of 128 bits.
#[test]
fn the_rate_is_right_to_the_picosecond() {
    let third = Rate::Line(PortSpeed::G100, ratio(1, 3));
    let wire = |octets: u16| u128::from(octets + 20);
    // Per case: the gap behind a frame of this size is this number of picoseconds over that number.
    type Gap = (StreamSpec, Box<dyn Fn(u16) -> u128>, u128);
    let cases: Vec<Gap> = vec![
        (v4(FrameSizes::One(64), Rate::Frames(1_488_095)), Box::new(|_| 1_000_000_000_000), 1_488_095),
        (v4(FrameSizes::Imix, Rate::Frames(7)), Box::new(|_| 1_000_000_000_000), 7),
        (v4(FrameSizes::Imix, third), Box::new(move |size| wire(size) * 80 * 3), 1),
        (
            v4(FrameSizes::Imix, Rate::Line(PortSpeed::G10, ratio(999_983, 1_000_003))),
            Box::new(move |size| wire(size) * 800 * 1_000_003),
            999_983,
        ),
        (
            v4(FrameSizes::Imix, Rate::Bits(3_333_333_337, Layer::Wire)),
            Box::new(move |size| wire(size) * 8_000_000_000_000),
            3_333_333_337,
        ),
        (
            v4(FrameSizes::Imix, Rate::Bits(999_999_999_989, Layer::Frame)),
            Box::new(|size| u128::from(size) * 8_000_000_000_000),
            999_999_999_989,
        ),
        (
            StreamSpec {
                tags: vec![Tag::new(0x8100, 0, false, 5)],
                ..v4(FrameSizes::One(594), Rate::Bits(1_000_000_007, Layer::Packet))
            },
            Box::new(|size| u128::from(size - 22) * 8_000_000_000_000),
            1_000_000_007,
        ),
    ];
    for (spec, gap, parts) in cases {
        let spec = StreamSpec { begin: Instant::from_ps(12_345), frames: Some(1_000_000), ..spec };
        let (mut sum, mut seq) = (0, 0);
        for frame in generator(&spec) {
            assert_eq!(u128::from(frame.id.sent.as_ps()), 12_345 + sum / parts, "frame {seq} of {spec:?}");
            assert_eq!(frame.id.seq, seq);
            sum += gap(frame.len());
            seq += 1;
        }
        assert_eq!(seq, 1_000_000);
    }
}

#[test]
fn sizes_come_in_their_ratio_in_every_round_and_for_every_flow() {
    let spec = StreamSpec { frames: Some(48 * 4_800), ..v4(FrameSizes::Imix, MPPS) };
    let frames: Vec<_> = generator(&StreamSpec { flows: 48, seed: 7, ..spec.clone() }).collect();
    for round in frames.chunks(12) {
        let count = |size| round.iter().filter(|frame| frame.len() == size).count();
        assert_eq!(IMIX.map(|(size, _)| count(size)), [7, 4, 1]);
    }
    let mut flows = vec![[0u32; 3]; 48];
    frames.iter().for_each(|f| flows[f.id.stream.flow() as usize][usize::from(f.header.meta.size())] += 1);
    for flow in flows {
        let sum: u32 = flow.iter().sum();
        for (count, (_, weight)) in flow.iter().zip(IMIX) {
            assert!(count.abs_diff(sum * weight / 12) <= sum / 50, "{flow:?}");
        }
    }
    let order = |seed| -> Vec<_> {
        let spec = StreamSpec { seed, ..spec.clone() };
        generator(&spec).take(40).map(|frame| (frame.id.stream.flow(), frame.len())).collect()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn a_stream_ends_before_its_end() {
    let spec = v4(FrameSizes::One(64), Rate::Frames(1_000));
    let end = |ms| Some(Instant::ZERO + Span::from_ms(ms));
    for (begin, until, frames, expected) in [(0, 5, None, 5), (2, 5, None, 3), (0, 5, Some(4), 4), (4, 5, None, 1)] {
        let begin = Instant::ZERO + Span::from_ms(begin);
        let spec = StreamSpec { begin, end: end(until), frames, ..spec.clone() };
        assert_eq!(generator(&spec).count(), expected);
    }
    let late = StreamSpec { begin: Instant::from_ps(u64::MAX - 2_000_000_000), end: Some(Instant::MAX), ..spec };
    assert_eq!(generator(&StreamSpec { frames: None, ..late }).count(), 2, "past what a run can say there is nothing");
}

#[test]
fn impossible_streams_are_refused_with_a_remedy() {
    let good = || v4(FrameSizes::One(64), MPPS);
    let sizes = |sizes| StreamSpec { sizes, ..good() };
    let rate = |rate| StreamSpec { rate, ..good() };
    let tag = Tag::new(0x8100, 0, false, 5);
    let cases = [
        (StreamSpec { to: range("::/64"), ..good() }, "different families"),
        (StreamSpec { flows: 0, ..good() }, "at least one flow"),
        (StreamSpec { flows: 1 << 21, ..good() }, "2097152 flows are more than the 1048576"),
        (
            StreamSpec {
                destination_port: u16::MAX,
                ..spec("10.0.0.1/32", "10.0.0.2/32", 64_513, FrameSizes::One(64), MPPS)
            },
            "64513 flows are more than the 64512",
        ),
        (sizes(FrameSizes::Weighted(vec![])), "at least one frame size"),
        (sizes(FrameSizes::Weighted(vec![(64, 1); 9])), "9 frame sizes are more than the 8"),
        (sizes(FrameSizes::Weighted(vec![(64, 1), (65, 0)])), "65 has the weight 0"),
        (sizes(FrameSizes::Weighted(vec![(64, 1), (65, 65_536)])), "add up to 65537"),
        (sizes(FrameSizes::One(63)), "it has 64 octets or more"),
        (spec("::/64", "1::/64", 1, FrameSizes::Imix, MPPS), "it has 66 octets or more"),
        (sizes(FrameSizes::One(16_385)), "the longest has 16384 octets"),
        (rate(Rate::Frames(0)), "the rate is 0"),
        (rate(Rate::Bits(0, Layer::Wire)), "the rate is 0"),
        (rate(Rate::Frames(1_000_000_000_001)), "less than 1 ps apart"),
        (rate(Rate::Line(PortSpeed::G1, ratio(1, u64::MAX))), "more than 213 days apart"),
        (rate(Rate::Line(PortSpeed::G10, ratio(101, 100))), "100% at the most"),
        (StreamSpec { frames: None, ..good() }, "has no end"),
        (StreamSpec { end: Some(Instant::ZERO), ..good() }, "ends before its first frame"),
        (StreamSpec { frames: Some(20_000_000), ..rate(Rate::Frames(1)) }, "longer than 213 days"),
        (StreamSpec { tags: vec![tag; 3], sizes: FrameSizes::One(128), ..good() }, "3 tags are more than the 2"),
        (StreamSpec { tags: vec![Tag::new(0x0800, 0, false, 5)], ..good() }, "use one of 8100"),
    ];
    assert_eq!(good().check(), Ok(()));
    for (spec, says) in cases {
        let error: StreamError = spec.check().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        let mut templates = Templates::new();
        assert_eq!(spec.generator(&mut templates).map(drop), Err(error));
        assert_eq!(templates.add_source([]), 0, "what is refused leaves nothing");
    }
}

/// What is reckoned before a stream is made is the most that it comes to, and not much more.
#[test]
fn what_a_stream_comes_to_is_reckoned() {
    let third = Rate::Line(PortSpeed::G10, ratio(1, 3));
    for (rate, sizes) in [
        (MPPS, FrameSizes::Imix),
        (third, FrameSizes::One(64)),
        (Rate::Bits(3_333_333_337, Layer::Packet), FrameSizes::Weighted(vec![(80, 3), (1518, 1)])),
        (Rate::Bits(1_000_000_007, Layer::Frame), FrameSizes::One(1518)),
    ] {
        let spec = StreamSpec { end: Some(Instant::ZERO + Span::from_ms(20)), frames: None, ..v4(sizes, rate) };
        let load = spec.load().unwrap();
        let frames: Vec<Frame> = generator(&spec).collect();
        let most = load.frames - frames.len() as u64;
        assert!(most <= 12, "{load:?} of {} frames: a round more at the most", frames.len());
        let bits: u64 = frames.iter().map(|frame| (u64::from(frame.len()) + 20) * 8).sum();
        let of_a_second = bits * 50;
        assert!(load.wire_bps.abs_diff(of_a_second) < of_a_second / 100, "{load:?}: {of_a_second} in fact");
    }
    assert_eq!(v4(FrameSizes::Imix, third).load().unwrap().wire_bps.div_ceil(1000), 3_333_334);
    assert!(v4(FrameSizes::One(63), MPPS).load().is_err());
}

/// A rate that counts some layer is that many bits there, and what it is elsewhere follows from the sizes: the simple IMIX
/// has 12 frames of 4342 octets in a round, 4126 of packets, 4582 on the wire.
#[test]
fn the_pace_of_a_stream_is_exact() {
    let pace = |sizes, rate| v4(sizes, rate).pace().unwrap();
    let imix = pace(FrameSizes::Imix, Rate::Bits(4_126_000_000, Layer::Packet));
    let (frame, tagged, wire) = (imix.bits_per_s(0), imix.bits_per_s(8), imix.bits_per_s(20));
    assert_eq!((frame, tagged, wire), (4_342_000_000, 4_438_000_000, 4_582_000_000));
    assert_eq!(imix.frames_per_s(), 1_500_000);
    assert_eq!(pace(FrameSizes::One(64), Rate::Frames(7)).bits_per_s(0), 7 * 64 * 8);
    let line = pace(FrameSizes::One(64), Rate::Line(PortSpeed::G10, ratio(1, 3)));
    assert_eq!((line.bits_per_s(20), line.frames_per_s()), (3_333_333_334, 4_960_318), "rounded up");
    let fine = pace(FrameSizes::One(1518), Rate::Line(PortSpeed::G1, ratio(u64::MAX / 3 + 7, u64::MAX)));
    assert!(fine.bits_per_s(20).abs_diff(333_333_334) <= 1, "{fine:?}");
    assert!(v4(FrameSizes::One(63), MPPS).pace().is_err());
}
