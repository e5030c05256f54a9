//! An interrupt ends a replay whatever it waits for: a pipe that nobody writes to, one that nobody reads.

mod cmd;

use cmd::craft::{CLOUD, udp};
use cmd::{figure, path};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What ending may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A pipe with a name.
#[track_caller]
fn fifo(folder: &Path, name: &str) -> PathBuf {
    let pipe = folder.join(name);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

/// A replay through `direct` at work.
struct Running {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
}

impl Running {
    #[track_caller]
    fn start(args: &[&str]) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_biplane"))
            .args(["replay", "--through", "direct", "--rate", "5G"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Running { child, errors }
    }

    #[track_caller]
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for it to end; the exit code, and the rest of what it said on standard error.
    #[track_caller]
    fn end(self) -> (Option<i32>, String) {
        let Running { mut child, mut errors } = self;
        let (done, ended) = mpsc::channel();
        let pid = child.id().to_string();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = std::io::Read::read_to_string(&mut errors, &mut text);
            let _ = done.send((child.wait().unwrap().code(), text));
        });
        ended.recv_timeout(LIMIT).unwrap_or_else(|_| {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
            panic!("it was interrupted and goes on");
        })
    }
}

/// `frames` frames as a pcap file, all of one time.
fn capture(frames: usize) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let header = words(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 65_535, 1]);
    let record = [words(&[1_700_000_000, 0, 1500, 1500]), udp(CLOUD, 1500)].concat();
    [header, record.repeat(frames)].concat()
}

#[track_caller]
fn report(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_pipe_that_nobody_goes_on_writing_to_leaves_the_report_of_what_came() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, json) = (fifo(folder.path(), "in.pcap"), folder.path().join("report.json"));
        let into = format!("hq={}", path(&pipe));
        let running = Running::start(&["--into", &into, &format!("--json={}", path(&json))]);
        // That somebody reads it shows that the run has begun.
        let mut writer = File::options().write(true).open(&pipe).unwrap();
        writer.write_all(&capture(1000)).unwrap();
        running.signal(signal);
        let (code, errors) = running.end();
        assert_eq!(code, Some(130), "{errors}");
        let json = report(&json);
        // What a pipe and the reader's buffer hold may not have been looked at.
        let read = figure(&json, "/sources/0/frames");
        assert!((500..=1000).contains(&read), "{read}");
        let balance = |name: &str| figure(&json, &format!("/balance/{name}"));
        let ends = ["delivered", "dropped", "consumed", "in_network"].map(balance).iter().sum::<u64>();
        assert_eq!(balance("offered") + balance("created"), ends);
        assert!(balance("offered") <= read);
        assert_eq!(figure(&json, "/sources/0/captures/0/records"), read);
        drop(writer);
    }
}

#[test]
fn a_pipe_that_nobody_opens_does_not_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let (written, never) = (fifo(folder.path(), "written.pcap"), fifo(folder.path(), "never.pcap"));
    let (hq, prod) = (format!("hq={}", path(&written)), format!("prod={}", path(&never)));
    let json = folder.path().join("report.json");
    let running = Running::start(&["--into", &hq, "--into", &prod, &format!("--json={}", path(&json))]);
    let writer = File::options().write(true).open(&written).unwrap();
    running.signal("-INT");
    assert_eq!(running.end().0, Some(130));
    assert_eq!(figure(&report(&json), "/sources/1/frames"), 0);
    drop(writer);
}

#[test]
fn a_second_interrupt_ends_it_while_the_first_waits_for_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let out = fifo(folder.path(), "out.pcapng");
    // Open for both, a pipe waits for nobody; nothing is read from it.
    let _reader = File::options().read(true).write(true).open(&out).unwrap();
    let mut running = Running::start(&["-", "--into", "hq", "--out", path(&out)]);
    let mut input = running.child.stdin.take().unwrap();
    // Far more than any buffer on the way holds: what is written shows that the run goes on.
    input.write_all(&capture(200)).unwrap();
    let writer = std::thread::spawn(move || {
        let _ = input.write_all(&capture(20_000));
    });
    running.signal("-INT");
    let mut line = String::new();
    running.errors.read_line(&mut line).unwrap();
    assert!(line.contains("once more"), "{line:?}");
    running.signal("-INT");
    assert_eq!(running.end().0, Some(130));
    writer.join().unwrap();
}
