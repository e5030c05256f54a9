//! Every BFD packet that two sessions exchange, as tshark reads it; where tshark is absent the test says so and does nothing.
#![allow(clippy::print_stderr)]

use biplane::capture::{CaptureTime, CaptureWriter, Direction, WriteInterface};
use biplane::control::bfd::{Command, Config, Kind, Session};
use biplane::rng::Rng;
use biplane::time::{Instant, Span};
use biplane::wire::bfd::{DetectMult, Interval, Packet, SOURCE_PORTS, TTL};
use etherparse::PacketBuilder;
use std::fs::File;
use std::num::{NonZeroU8, NonZeroU32};
use std::process::Command as Process;

const FIELDS: [&str; 15] = [
    "bfd.version",
    "bfd.diag",
    "bfd.sta",
    "bfd.flags.p",
    "bfd.flags.f",
    "bfd.flags.c",
    "bfd.flags.a",
    "bfd.flags.d",
    "bfd.flags.m",
    "bfd.detect_time_multiplier",
    "bfd.my_discriminator",
    "bfd.your_discriminator",
    "bfd.desired_min_tx_interval",
    "bfd.required_min_rx_interval",
    "bfd.required_min_echo_interval",
];

/// The values of [`FIELDS`] as our own types have them.
fn fields(packet: &Packet) -> Vec<u64> {
    vec![
        1,
        packet.diagnostic.number().into(),
        packet.state as u64,
        packet.poll.into(),
        packet.final_bit.into(),
        packet.control_plane_independent.into(),
        0,
        packet.demand.into(),
        0,
        packet.multiplier.0.get().into(),
        packet.my_discriminator.get().into(),
        packet.your_discriminator.map_or(0, NonZeroU32::get).into(),
        packet.desired_min_tx_us.into(),
        packet.required_min_rx_us.into(),
        packet.required_min_echo_rx_us.into(),
    ]
}

fn session(name: u32, ms: u64, control_plane_independent: bool) -> Session {
    let interval = Interval::try_from(Span::from_ms(ms)).unwrap();
    let multiplier = DetectMult(NonZeroU8::new(3).unwrap());
    let (desired_min_tx, required_min_rx) = (interval, interval);
    let config = Config { desired_min_tx, required_min_rx, multiplier, passive: false, control_plane_independent };
    Session::new(Instant::ZERO, config, NonZeroU32::new(name).unwrap(), Rng::new(7, name.into()))
}

/// What two sessions say to each other in 10 s, one of them held down at the end of 8 s.
fn talk() -> Vec<(Instant, usize, Packet)> {
    let mut ends = [session(0x8000_0001, 300, false), session(2, 750, true)];
    let mut said = Vec::new();
    let mut held = false;
    while let Some(now) = ends.iter().filter_map(Session::poll_timeout).min() {
        if now > Instant::ZERO + Span::from_s(10) {
            break;
        }
        if !held && now > Instant::ZERO + Span::from_s(8) {
            ends[1].handle_command(now, Command::AdminDown);
            held = true;
        }
        ends.iter_mut().for_each(|end| end.handle_timeout(now));
        while let Some((from, packet)) = (0..2).find_map(|end| Some((end, ends[end].poll_transmit()?))) {
            said.push((now, from, packet));
            ends[1 - from].handle_packet(now, &packet);
        }
    }
    said
}

#[test]
fn tshark_reads_every_field_of_every_packet() {
    let said = talk();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bfd.pcapng");
    let interface = WriteInterface { name: "bfd".into(), ..WriteInterface::default() };
    let mut writer = CaptureWriter::new(File::create(&path).unwrap(), &[interface], CaptureTime::from_ps(0)).unwrap();
    for (n, (at, from, packet)) in said.iter().enumerate() {
        let kind = [Kind::SingleHop, Kind::Multihop, Kind::Micro][n % 3];
        let (source, destination) = ([10, 0, 0, *from as u8], [10, 0, 0, 1 - *from as u8]);
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source, destination, TTL);
        let mut frame = Vec::new();
        builder.udp(*SOURCE_PORTS.start(), kind.port()).write(&mut frame, &packet.emit()).unwrap();
        writer.packet(0, *at, Direction::Unknown, frame.len() as u32, &frame, None).unwrap();
    }
    writer.finish().unwrap();
    let mut tshark = Process::new("tshark");
    tshark.arg("-r").arg(&path).args(["-d", "udp.port==6784,bfd", "-T", "fields", "-E", "separator=,"]);
    tshark.args(FIELDS.iter().flat_map(|field| ["-e", field]));
    let output = match tshark.output() {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped, no tshark: {error}"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |field: &str| match (field, field.strip_prefix("0x")) {
        ("True", _) => 1,
        ("False", _) => 0,
        (_, Some(hexadecimal)) => u64::from_str_radix(hexadecimal, 16).unwrap(),
        (decimal, None) => decimal.parse().unwrap_or_else(|_| panic!("`{decimal}` is no number")),
    };
    let read: Vec<Vec<u64>> = text.lines().map(|line| line.split(',').map(number).collect()).collect();
    assert_eq!(read, said.iter().map(|(_, _, packet)| fields(packet)).collect::<Vec<_>>());
    for (what, has) in [
        ("a Poll", said.iter().any(|(.., p)| p.poll)),
        ("a Final", said.iter().any(|(.., p)| p.final_bit)),
        ("AdminDown", said.iter().any(|(.., p)| p.state as u8 == 0)),
        ("a diagnostic 3", said.iter().any(|(.., p)| p.diagnostic.number() == 3)),
    ] {
        assert!(has, "the talk has {what}");
    }
}
