//! Runs the command as a user would, with a limit on its time, and reads what it wrote without the library's own reader.
#![allow(dead_code, clippy::print_stderr)]

pub(crate) mod craft;
pub(crate) mod pcapng;
pub(crate) mod prometheus;

use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What any one run may take; a run that is not through by then hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// What a run left.
pub(crate) struct Ran {
    /// The exit code; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// The same, having made sure that all went well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }
}

/// Runs the command in the package's folder.
#[track_caller]
pub(crate) fn biplane(args: &[&str]) -> Ran {
    run(Command::new(env!("CARGO_BIN_EXE_biplane")).args(args).env("COLUMNS", "100"), b"")
}

/// Runs a command to its end; it is ended by force, and the test fails, if that takes too long.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: &'static [u8]) -> Ran {
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("NO_COLOR", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (done, read) = mpsc::channel();
    let reader = |number: usize, mut from: Box<dyn Read + Send>| {
        let done = done.clone();
        std::thread::spawn(move || {
            let mut octets = Vec::new();
            let _ = from.read_to_end(&mut octets);
            let _ = done.send((number, octets));
        });
    };
    reader(0, Box::new(child.stdout.take().unwrap()));
    reader(1, Box::new(child.stderr.take().unwrap()));
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        use std::io::Write;
        // A command that reads nothing closes its end.
        let _ = stdin.write_all(input);
    });
    let mut texts = [String::new(), String::new()];
    for _ in 0..texts.len() {
        let Ok((number, octets)) = read.recv_timeout(LIMIT) else {
            let _ = child.kill();
            panic!("{command:?} hangs: not through in {LIMIT:?}");
        };
        texts[number] = String::from_utf8(octets).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    }
    let code = child.wait().unwrap().code();
    let [out, err] = texts;
    Ran { code, out, err }
}

/// A replay with its text, its JSON and the file of `--out`.
pub(crate) struct Replayed {
    /// The run.
    pub(crate) ran: Ran,
    /// The JSON report; null if there is none.
    pub(crate) json: Value,
    /// The file written.
    pub(crate) out: PathBuf,
    /// Holds the files as long as they are needed.
    pub(crate) folder: tempfile::TempDir,
}

impl Replayed {
    /// Replays with these arguments, `--json=` and `--out`.
    #[track_caller]
    pub(crate) fn new(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (out, json) = (folder.path().join("out.pcapng"), folder.path().join("report.json"));
        let json_option = format!("--json={}", json.display());
        let all = [&["replay"], args, &["--out", path(&out), &json_option]].concat();
        let ran = biplane(&all);
        let json = std::fs::read(&json).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap());
        Replayed { ran, json, out, folder }
    }

    /// The same, having made sure that all went well.
    #[track_caller]
    pub(crate) fn ok(mut self) -> Self {
        self.ran = self.ran.ok();
        self
    }

    /// What was written.
    #[track_caller]
    pub(crate) fn written(&self) -> pcapng::File {
        pcapng::File::read(&self.out)
    }

    /// A number of the JSON report.
    #[track_caller]
    pub(crate) fn figure(&self, pointer: &str) -> u64 {
        figure(&self.json, pointer)
    }
}

/// The number at `pointer`.
#[track_caller]
pub(crate) fn figure(json: &Value, pointer: &str) -> u64 {
    json.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no number at {pointer} of {json:#}"))
}

/// A path as an argument.
pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The shared captures: in `$BIPLANE_SHARED/captures`, else in `../shared/captures`; says so where they are absent.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = match std::env::var_os("BIPLANE_SHARED") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let captures = root.join("captures");
    if captures.join("index.tsv").exists() {
        return Some(captures);
    }
    eprintln!("skipped: no shared captures at {}", captures.display());
    None
}

/// Fields of each frame of a file as tshark reads them, checksums checked; `None`, having said so, where tshark is absent.
pub(crate) fn tshark(file: &Path, fields: &[&str], options: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", path(file), "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
    for check in ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"] {
        command.args(["-o", &format!("{check}:TRUE")]);
    }
    // A fragment is looked at by itself.
    command.args(["-o", "ip.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]).args(options);
    fields.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    if Command::new("tshark").arg("-v").output().is_err() {
        eprintln!("skipped: tshark is not installed, so nothing else reads what was written");
        return None;
    }
    let ran = run(&mut command, b"");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    Some(ran.out.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect())
}
