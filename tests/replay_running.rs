//! A replay seen while it runs: how much memory a large capture takes, and what an interrupt leaves.
//!
//! The capture comes by a pipe, written as fast as it is read: what the command has taken in is known without waiting.

mod cmd;

use cmd::craft::{CLOUD, udp};
use cmd::{figure, path};
use serde_json::Value;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Octets of a frame on the wire without FCS.
const OCTETS: usize = 1500;
/// Frames written at a time: some 150 KB, more than a pipe holds.
const BATCH: usize = 100;
/// Frames after which a run that should have ended is given up.
const TOO_MANY: usize = 2_000_000;

/// A replay through `direct` of what is written to it.
struct Running {
    child: Child,
    /// Records of one batch; the stamps are all the same, so that ports send as fast as they can.
    records: Vec<u8>,
    written: usize,
}

impl Running {
    #[track_caller]
    fn start(folder: &Path, more: &[&str]) -> Running {
        let report = std::fs::File::create(folder.join("report.json")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_biplane"))
            .args(["replay", "-", "--through", "direct", "--into", "hq", "--rate", "5G", "--json", "--quiet"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(report)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let header = words(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 65_535, 1]);
        child.stdin.as_mut().unwrap().write_all(&header).unwrap();
        let record = [words(&[1_700_000_000, 0, OCTETS as u32, OCTETS as u32]), udp(CLOUD, OCTETS)].concat();
        Running { child, records: record.repeat(BATCH), written: 0 }
    }

    /// Writes one batch, all of which but the last 64 KiB (what a pipe holds) has been read then; `false` if nobody reads.
    #[track_caller]
    fn write(&mut self) -> bool {
        match self.child.stdin.as_mut().unwrap().write_all(&self.records) {
            Ok(()) => {
                self.written += BATCH;
                true
            }
            Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// The most memory that it has held so far, in KiB; `None`, having said so, where the system does not tell.
    #[allow(clippy::print_stderr)]
    fn peak_kib(&self) -> Option<usize> {
        let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())) else {
            eprintln!("skipped: no /proc tells how much memory a process holds");
            return None;
        };
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        Some(line.split_whitespace().next().unwrap().parse().unwrap())
    }

    /// Lets it end; its exit code and its report.
    fn end(mut self, folder: &Path) -> (Option<i32>, Value) {
        drop(self.child.stdin.take());
        let code = self.child.wait().unwrap().code();
        let text = std::fs::read(folder.join("report.json")).unwrap();
        (code, serde_json::from_slice(&text).unwrap())
    }
}

/// The frames that the report accounts for are those that were offered or made.
#[track_caller]
fn balanced(json: &Value) -> u64 {
    let of = |name: &str| figure(json, &format!("/balance/{name}"));
    let ends = ["delivered", "dropped", "consumed", "in_network"].map(of);
    assert_eq!(of("offered") + of("created"), ends.iter().sum::<u64>(), "{:#}", json["balance"]);
    of("offered")
}

#[test]
fn a_capture_takes_the_same_memory_however_long_it_is() {
    let peak = |frames: usize| {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Running::start(folder.path(), &["--out", "/dev/null"]);
        while running.written < frames {
            assert!(running.write(), "it reads to the end");
        }
        // All is read but what the pipe still holds, and nothing is over yet.
        let peak = running.peak_kib();
        let (code, json) = running.end(folder.path());
        assert_eq!((code, balanced(&json)), (Some(0), frames as u64));
        peak
    };
    let (Some(short), Some(long)) = (peak(30_000), peak(120_000)) else { return };
    let captured_kib = 120_000 * OCTETS / 1024;
    assert!(long * 2 < captured_kib, "{long} KiB for a capture of {captured_kib} KiB");
    assert!(long < short + captured_kib / 16, "{short} KiB for a quarter of the capture, {long} KiB for all of it");
}

#[test]
fn an_interrupt_leaves_a_report_that_balances() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.pcapng");
    let mut running = Running::start(folder.path(), &["--out", path(&out)]);
    let mut interrupted = false;
    while running.write() {
        assert!(running.written < TOO_MANY, "interrupted: {interrupted}, and it still reads");
        // Frames that have come out again show that the run has begun.
        let begun = std::fs::metadata(&out).is_ok_and(|file| file.len() > 100_000);
        if begun && !interrupted {
            let kill = Command::new("kill").args(["-INT", &running.child.id().to_string()]).status().unwrap();
            assert!(kill.success());
            interrupted = true;
        }
    }
    assert!(interrupted, "it was over before it could be interrupted");
    let written = running.written as u64;
    let (code, json) = running.end(folder.path());
    assert_eq!(code, Some(130));
    let offered = balanced(&json);
    assert!(offered > 0 && offered <= written + BATCH as u64, "{offered} of {written}");
    let packets = cmd::pcapng::File::read(&out).packets.len();
    assert!(packets > 0, "what was written up to then can be read");
}
