//! The whole of `biplane replay`: a capture of 64-octet frames read, forwarded through `direct`, and written to a file.
//!
//! On one core and on two (by `taskset`, where it is installed), each as a process of its own with everything that a
//! user waits for. Where tcprewrite is installed, its run over the same capture, which only adds a tag, stands beside.

#![allow(clippy::print_stdout)] // a benchmark that is left out says so

use biplane::rng::Rng;
use biplane::wire::ipv4;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Frames of the capture; few where it is only to be seen that the benchmark runs.
fn frames() -> u64 {
    if std::env::args().any(|arg| arg == "--test") { 20_000 } else { 1_000_000 }
}

/// Frames of 60 octets (64 with FCS), a microsecond apart, of 4096 flows from the site to the virtual network.
fn write_capture(path: &Path, frames: u64) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let header: [u32; 6] = [0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 65_535, 1];
    header.iter().try_for_each(|word| out.write_all(&word.to_le_bytes()))?;
    let mut rng = Rng::new(1, 1);
    for number in 0..frames {
        let record = [1_700_000_000 + (number / 1_000_000) as u32, (number % 1_000_000) as u32, 60, 60];
        record.iter().try_for_each(|word| out.write_all(&word.to_le_bytes()))?;
        out.write_all(&frame(rng.below(4096) as u16))?;
    }
    out.flush()
}

fn frame(flow: u16) -> [u8; 60] {
    let mut octets = [0; 60];
    octets[..12].copy_from_slice(&[2; 12]);
    octets[12] = 8;
    let [high, low] = flow.to_be_bytes();
    octets[14..34].copy_from_slice(&[0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 10, high, low, 10, 20, low, high]);
    ipv4::fill_checksum(&mut octets[14..34]);
    octets[34..42].copy_from_slice(&[high, low, 0, 53, 0, 26, 0, 0]);
    octets
}

/// `command` on `cores` cores, if taskset is there to say which.
fn on_cores(cores: &str, command: &[&str]) -> Option<Command> {
    Command::new("taskset").arg("--version").stdout(Stdio::null()).status().ok()?;
    let mut out = Command::new("taskset");
    out.args(["-c", cores]).args(command).stdout(Stdio::null()).stderr(Stdio::null());
    Some(out)
}

fn replay(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (capture, out) = (folder.path().join("in.pcap"), folder.path().join("out.pcapng"));
    let count = frames();
    write_capture(&capture, count).expect("the temporary folder has room");
    let (capture, out) = (capture.display().to_string(), out.display().to_string());
    let mut group = c.benchmark_group("replay");
    group.throughput(Throughput::Elements(count)).sample_size(10);
    let biplane = env!("CARGO_BIN_EXE_biplane");
    let run = [biplane, "replay", &capture, "--through", "direct", "--into", "hq", "--out", &out];
    let tag = ["--enet-vlan=add", "--enet-vlan-tag=110", "--enet-vlan-cfi=0", "--enet-vlan-pri=0"];
    let tcprewrite = [&["tcprewrite"], &tag[..], &["-i", &capture, "-o", &out]].concat();
    for (name, cores, command) in
        [("one core", "0", run.to_vec()), ("two cores", "0,1", run.to_vec()), ("tcprewrite", "0", tcprewrite)]
    {
        let works =
            on_cores(cores, &command).and_then(|mut command| command.status().ok()).is_some_and(|s| s.success());
        if !works {
            println!("replay/{name}: left out; it needs taskset and {} on this machine", command[0]);
            continue;
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| on_cores(cores, &command).map(|mut command| command.status()));
        });
    }
}

criterion_group!(benches, replay);
criterion_main!(benches);
