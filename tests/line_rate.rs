//! The line-rate table of RFC 2544 practice, to the frame: what a port lets through in a second.

use biplane::engine::{Network, Role, Run, Source, run};
use biplane::frame::Frame;
use biplane::id::{PortId, StreamId};
use biplane::port::{Egress, PortSpec};
use biplane::time::{Instant, PortSpeed, Span};

/// Octets with FCS, and frames per second at 1, 10, 25, 40 and 100 Gb/s: `floor(R / ((L + 20) * 8))`, as published.
const TABLE: [(u16, [u64; 5]); 25] = [
    (64, [1_488_095, 14_880_952, 37_202_380, 59_523_809, 148_809_523]),
    (68, [1_420_454, 14_204_545, 35_511_363, 56_818_181, 142_045_454]),
    (72, [1_358_695, 13_586_956, 33_967_391, 54_347_826, 135_869_565]),
    (76, [1_302_083, 13_020_833, 32_552_083, 52_083_333, 130_208_333]),
    (128, [844_594, 8_445_945, 21_114_864, 33_783_783, 84_459_459]),
    (132, [822_368, 8_223_684, 20_559_210, 32_894_736, 82_236_842]),
    (136, [801_282, 8_012_820, 20_032_051, 32_051_282, 80_128_205]),
    (256, [452_898, 4_528_985, 11_322_463, 18_115_942, 45_289_855]),
    (260, [446_428, 4_464_285, 11_160_714, 17_857_142, 44_642_857]),
    (512, [234_962, 2_349_624, 5_874_060, 9_398_496, 23_496_240]),
    (516, [233_208, 2_332_089, 5_830_223, 9_328_358, 23_320_895]),
    (1024, [119_731, 1_197_318, 2_993_295, 4_789_272, 11_973_180]),
    (1028, [119_274, 1_192_748, 2_981_870, 4_770_992, 11_927_480]),
    (1280, [96_153, 961_538, 2_403_846, 3_846_153, 9_615_384]),
    (1284, [95_858, 958_588, 2_396_472, 3_834_355, 9_585_889]),
    (1518, [81_274, 812_743, 2_031_859, 3_250_975, 8_127_438]),
    (1522, [81_063, 810_635, 2_026_588, 3_242_542, 8_106_355]),
    (1526, [80_853, 808_538, 2_021_345, 3_234_152, 8_085_381]),
    (1530, [80_645, 806_451, 2_016_129, 3_225_806, 8_064_516]),
    (2048, [60_444, 604_448, 1_511_121, 2_417_794, 6_044_487]),
    (4096, [30_369, 303_692, 759_232, 1_214_771, 3_036_929]),
    (8192, [15_221, 152_216, 380_540, 608_865, 1_522_162]),
    (9000, [13_858, 138_580, 346_452, 554_323, 1_385_809]),
    (9018, [13_830, 138_304, 345_762, 553_219, 1_383_049]),
    (9216, [13_533, 135_339, 338_349, 541_359, 1_353_399]),
];

const SPEEDS: [PortSpeed; 5] = [PortSpeed::G1, PortSpeed::G10, PortSpeed::G25, PortSpeed::G40, PortSpeed::G100];

/// Frames are handed to the port one after another, all of them at once, until one would end after a second.
#[test]
fn a_second_at_each_size_and_speed() {
    let second = Instant::ZERO + Span::from_s(1);
    for (octets, expected) in TABLE {
        for (speed, expected) in SPEEDS.into_iter().zip(expected) {
            let mut port = Egress::new(&PortSpec { buffer_octets: None, ..PortSpec::new("p", speed) });
            let mut frames = 0;
            while port.accept(Instant::ZERO, octets).is_ok_and(|last_bit| last_bit <= second) {
                frames += 1;
            }
            assert_eq!(frames, expected, "{octets} octets at {speed:?}");
        }
    }
}

/// The same through the whole engine, for a millisecond: two hosts, frames due all at once, the run cut short.
#[test]
fn a_millisecond_from_host_to_host() {
    for (octets, _) in TABLE {
        for speed in [PortSpeed::G1, PortSpeed::G10] {
            let mut network = Network::default();
            let port = || PortSpec { buffer_octets: None, ..PortSpec::new("p", speed) };
            let [a, b] = ["a", "b"].map(|name| (network.add(name, Role::Host, vec![port()]), PortId(0)));
            let delay = Span::from_us(1);
            network.join(a, b, delay);
            let wire = speed.wire_time(octets).as_ps();
            let fit = 1_000_000_000 / wire;
            let frames = (0..fit as u32 + 10).map(|seq| frame(octets, seq)).collect();
            let until = Instant::from_ps(1_000_000_001) + delay;
            let sources = vec![(a.0, Source::Frames(frames))];
            let outcome = run(Run { until: Some(until), ..Run::new(&network, sources) });
            assert_eq!(outcome.nodes[1].delivery.count.frames, fit, "{octets} octets at {speed:?}");
            let port = &outcome.nodes[0].ports[0];
            assert_eq!(port.first_sent, Some(Instant::from_ps(wire)));
            assert_eq!(outcome.ended, Instant::from_ps(fit * wire) + delay);
        }
    }
}

/// Fault A1's kind, and what QinQ costs: 64 octets offered leave as 72, so a 10G port takes 13,586,956 a second.
#[test]
fn what_a_port_pushes_needs_wire_time() {
    let (offered, tagged) = (PortSpeed::G10.wire_time(64), PortSpeed::G10.wire_time(72));
    assert_eq!(Span::from_s(1).as_ps() / offered.as_ps(), 14_880_952);
    assert_eq!(Span::from_s(1).as_ps() / tagged.as_ps(), 13_586_956);
    let mut port = Egress::new(&PortSpec { buffer_octets: Some(2000), ..PortSpec::new("p", PortSpeed::G10) });
    let arrivals = 100_000u64;
    let passed = (0..arrivals).filter(|i| port.accept(Instant::from_ps(i * offered.as_ps()), 72).is_ok()).count();
    // All that fits the wire while they come, and what the buffer holds: 2000 octets and the frame that finds them.
    let wire = (arrivals - 1) * offered.as_ps() / tagged.as_ps() + 1;
    let held = passed as u64 - wire;
    assert!((2000 / 92..=2000 / 92 + 1).contains(&held), "{held} frames waited at the end");
}

fn frame(octets: u16, seq: u32) -> Frame {
    let length = usize::from(octets) - 4;
    let Some(parsed) = Frame::parse(&vec![2; length], length as u32, None) else { panic!("{octets} octets fit") };
    let mut frame = parsed.frame;
    frame.id.seq = seq;
    frame.id.stream = StreamId::new(0, 0);
    frame
}
