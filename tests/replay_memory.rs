//! What a run may take is known beforehand, holds, and is refused where it is too much.

mod cmd;

use cmd::craft::{pcap, udp_between};
use cmd::{biplane, path};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MIB: u64 = 1 << 20;
/// Frames that are held up.
const FRAMES: usize = 200_000;

/// The preset `direct` with links of 50 ms to the cloud.
fn far(folder: &Path) -> PathBuf {
    let preset = biplane(&["new", "direct"]).ok().out;
    assert!(preset.contains("delay = \"1ms\""));
    let file = folder.join("far.toml");
    std::fs::write(&file, preset.replace("delay = \"1ms\"", "delay = \"50ms\"")).unwrap();
    file
}

/// Octets that a text says in MiB or GiB before `after`.
#[track_caller]
fn told(text: &str, after: &str) -> u64 {
    let before = text.split(after).next().unwrap();
    let words: Vec<&str> = before.split_whitespace().rev().take(2).collect();
    let number: f64 = words[1].parse().unwrap_or_else(|_| panic!("{text}"));
    (number * if words[0] == "GiB" { 1024.0 * MIB as f64 } else { MIB as f64 }) as u64
}

/// The most memory that a process has held so far; `None` where the system does not tell.
fn peak(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Replays `capture` from the cloud while the other side's source keeps everybody waiting; the most memory that
/// was held. `None`, having said so, where the system does not tell.
#[track_caller]
#[allow(clippy::print_stderr)]
fn held_up(folder: &Path, scenario: &Path, capture: &Path) -> Option<u64> {
    let pipe = folder.join("late.pcap");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = Command::new(env!("CARGO_BIN_EXE_biplane"))
        .args(["replay", "--through", path(scenario), "--topspeed"])
        .args(["--into", &format!("hq={}", path(&pipe)), "--into", &format!("prod={}", path(capture))])
        .args(["--memory", "64GiB", "--threads", "2", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = child.id();
    let Some(mut most) = peak(id) else {
        eprintln!("skipped: no /proc tells how much memory a process holds");
        let _ = child.kill();
        let _ = child.wait();
        return None;
    };
    // Open for both, a pipe waits for nobody.
    let writer = File::options().read(true).write(true).open(&pipe).unwrap();
    // Nothing comes from the other side: the cloud's frames fill the links, until all are offered or no more may be.
    let mut unchanged = 0;
    while unchanged < 2_000 && child.try_wait().unwrap().is_none() {
        let now = peak(id).unwrap_or(most);
        unchanged = if now > most { 0 } else { unchanged + 1 };
        most = most.max(now);
        std::thread::yield_now();
    }
    drop(writer);
    while child.try_wait().unwrap().is_none() {
        most = peak(id).unwrap_or(most).max(most);
        std::thread::yield_now();
    }
    child.wait().unwrap();
    Some(most)
}

#[test]
fn a_run_holds_less_than_is_reckoned() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = far(folder.path());
    let frame = |host: u32| (0, 0, udp_between([10, 20, 0, 1 + host as u8], [10, 10, 0, 1], 60));
    let frames: Vec<_> = (0..200).cycle().take(FRAMES).map(frame).collect();
    let capture = pcap(folder.path(), "up.pcap", &frames);
    let Some(most) = held_up(folder.path(), &scenario, &capture) else { return };
    let check = biplane(&["check", path(&scenario)]).ok().out;
    let of_network = told(check.split("memory of a replay: ").nth(1).unwrap(), " at the most");
    // A frame and its body take over 100 octets: nearly all were held while nobody took them.
    assert!(most > FRAMES as u64 * 100, "{} MiB: the links were not full", most / MIB);
    let args = ["replay", path(&capture), "--through", path(&scenario), "--into", "prod", "--memory", "1MiB"];
    let refused = biplane(&args);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let of_frames = told(refused.err.split("may take ").nth(1).unwrap(), " of memory");
    assert!(most < of_frames && of_frames < of_network, "{most} held, {of_frames} and {of_network} reckoned");
}

/// Half a million frames one right after the other, from one end of each preset, on one thread and on two.
#[test]
#[allow(clippy::print_stderr)]
fn every_preset_holds_less_than_300_mb() {
    let folder = tempfile::tempdir().unwrap();
    let frame = |host: u32| (0, 0, udp_between([10, 10, 0, 1 + host as u8], [10, 20, 0, 1], 60));
    let capture = pcap(folder.path(), "up.pcap", &(0..200).cycle().take(50_000).map(frame).collect::<Vec<_>>());
    for preset in biplane::scenario::presets() {
        let into = if preset.name == "lsr" { "a" } else { "hq" };
        for threads in ["1", "2"] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_biplane"))
                .args(["replay", path(&capture), "--through", preset.name, "--into", into])
                .args(["--topspeed", "--loop", "10", "--threads", threads, "--quiet"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let (id, mut most) = (child.id(), None);
            while child.try_wait().unwrap().is_none() {
                most = peak(id).or(most);
                std::thread::yield_now();
            }
            assert!(child.wait().unwrap().success(), "{}", preset.name);
            let Some(most) = most else { return eprintln!("skipped: no /proc tells how much memory a process holds") };
            assert!(most > 2 * MIB && most < 300_000_000, "{}: {} MiB on {threads} threads", preset.name, most / MIB);
        }
    }
}

#[test]
fn what_takes_too_much_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = far(folder.path());
    let capture = pcap(folder.path(), "up.pcap", &[(0, 0, udp_between([10, 10, 0, 1], [10, 20, 0, 1], 60))]);
    let args = ["replay", path(&capture), "--through", path(&scenario), "--into", "hq"];
    biplane(&[&args[..], &["--memory", "1GB"]].concat()).ok();
    let endless = [&args[..], &["--loop", "1000000000", "--memory"]].concat();
    let refused = biplane(&[&endless[..], &["2GiB"]].concat());
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    for said in [
        "over 2.0 GiB (--memory)",
        "london.primary to london-msee1",
        "(delay 50 ms)",
        "shorten the delay",
        "--limit",
        "GiB)",
    ] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    let wrong = biplane(&[&endless[..], &["lots"]].concat());
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    assert!(wrong.err.contains("--memory"), "{}", wrong.err);
}
