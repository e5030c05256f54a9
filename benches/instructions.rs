//! How many instructions the datapath takes per frame, held against a budget: a figure that a busy machine cannot change.
//!
//! Each subject runs under callgrind, which counts what one function does and all that it calls: the passes, without what
//! they need to be made ready. `instructions.budget` holds what is allowed, to within 3 % both ways; `UPDATE_BUDGET=1`
//! rewrites it. The figures are those of a release build for x86-64-v2, so a build for another processor measures nothing:
//!
//! ```text
//! RUSTFLAGS="-C target-cpu=x86-64-v2" cargo bench --locked --bench instructions --target-dir target/x86-64-v2 \
//!     --config 'profile.release.package."*".opt-level = 0'
//! ```
//!
//! Nothing of what is counted lies in a dependency, so those need not be optimised: the build is short.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a table for people to read

#[path = "common/edge.rs"]
mod edge;
#[path = "common/frames.rs"]
mod frames;
#[path = "common/subjects.rs"]
mod subjects;
#[path = "common/tables.rs"]
mod tables;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use subjects::{SETS, SUBJECTS};
use tables::PASS;

/// What a figure may be off its budget, in hundredths.
const MARGIN: u64 = 3;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--subject", name] => run_one(name),
        _ if args.contains(&"--test") => run_all(),
        _ => judge_all(),
    }
}

/// What callgrind watches.
fn run_one(name: &str) -> ExitCode {
    let Some(subject) = SUBJECTS.iter().find(|subject| subject.name == name) else {
        eprintln!("instructions: no subject {name}");
        return ExitCode::from(2);
    };
    (subject.run)();
    ExitCode::SUCCESS
}

/// Every subject once, unmeasured: that they run is what is seen.
fn run_all() -> ExitCode {
    for subject in SUBJECTS {
        (subject.run)();
        println!("instructions/{}: runs", subject.name);
    }
    ExitCode::SUCCESS
}

fn judge_all() -> ExitCode {
    if let Err(reason) = can_measure() {
        println!("instructions: not measured: {reason}");
        // In CI nothing is left out in silence.
        return if std::env::var_os("CI").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let figures: Result<Vec<_>, String> = SUBJECTS.iter().map(|s| Ok((s.name, per_frame(s.name)?))).collect();
    let outcome = figures.and_then(|figures| {
        if std::env::var_os("UPDATE_BUDGET").is_some() {
            Budget::write(&figures)
        } else {
            Budget::read()?.judge(&figures)
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether this build and this machine give figures that mean something.
fn can_measure() -> Result<(), String> {
    let is_v2 = cfg!(all(target_arch = "x86_64", target_feature = "sse4.2", not(target_feature = "avx")));
    if cfg!(debug_assertions) || !is_v2 {
        return Err(
            "this is not a release build for x86-64-v2; the head of benches/instructions.rs has the command".into()
        );
    }
    match Command::new("valgrind").arg("--version").output() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("valgrind: {error}; it is the package `valgrind` of Debian")),
    }
}

/// Instructions per frame, in hundredths.
fn per_frame(name: &str) -> Result<u64, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--collect-atstart=no", "--toggle-collect=*subjects::counted*"])
        .arg(this)
        .args(["--subject", name])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match collected {
        Some(spent @ 1u64..) if ran.status.success() => Ok(spent * 100 / (PASS * SETS) as u64),
        _ => Err(format!("{name}: callgrind has counted nothing:\n{said}")),
    }
}

/// What each subject may take, and the compiler that it was measured with.
struct Budget {
    compiler: String,
    hundredths: BTreeMap<String, u64>,
}

impl Budget {
    fn path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.budget")
    }

    fn read() -> Result<Budget, String> {
        let path = Budget::path();
        let wrong = |what: &str| format!("{}: {what}; UPDATE_BUDGET=1 writes it", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(&error.to_string()))?;
        let mut budget = Budget { compiler: String::new(), hundredths: BTreeMap::new() };
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let (name, value) = line.split_once('=').ok_or_else(|| wrong(line))?;
            match name.trim() {
                "compiler" => budget.compiler = value.trim().into(),
                name => {
                    let value = hundredths(value.trim()).ok_or_else(|| wrong(line))?;
                    budget.hundredths.insert(name.into(), value);
                }
            }
        }
        Ok(budget)
    }

    fn write(figures: &[(&str, u64)]) -> Result<(), String> {
        let mut text = String::from(
            "# Instructions per frame of 64 octets: a release build for x86-64-v2 under callgrind (benches/instructions.rs).\n\
             # UPDATE_BUDGET=1 writes this file.\n",
        );
        let _ = writeln!(text, "compiler = {}", compiler()?);
        for &(name, figure) in figures {
            let _ = writeln!(text, "{name} = {}", written(figure));
        }
        std::fs::write(Budget::path(), text).map_err(|error| format!("{}: {error}", Budget::path().display()))
    }

    /// Prints all figures and says which are off.
    fn judge(&self, figures: &[(&str, u64)]) -> Result<(), String> {
        println!("{:<20}{:>12}{:>12}", "instructions/frame", "budget", "now");
        let mut wrong = Vec::new();
        for &(name, figure) in figures {
            let Some(&budget) = self.hundredths.get(name) else {
                wrong.push(format!("{name} has no budget"));
                continue;
            };
            println!("{name:<20}{:>12}{:>12}", written(budget), written(figure));
            if budget.abs_diff(figure) * 100 > budget * MARGIN {
                let way = if figure > budget { "more than its budget" } else { "less: lower its budget" };
                wrong.push(format!("{name} takes {}, {way} of {}", written(figure), written(budget)));
            }
        }
        let gone = self.hundredths.keys().filter(|name| figures.iter().all(|(subject, _)| subject != name));
        wrong.extend(gone.map(|name| format!("{name} has a budget and is not measured")));
        if wrong.is_empty() {
            return Ok(());
        }
        if compiler()? != self.compiler {
            wrong.push(format!("the budget was measured with {}, this is {}", self.compiler, compiler()?));
        }
        wrong.push(format!("{} is written anew by UPDATE_BUDGET=1", Budget::path().display()));
        Err(wrong.join("\n  "))
    }
}

fn compiler() -> Result<String, String> {
    let ran = Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&ran.stdout).trim().into())
}

/// `123.45` as 12345.
fn hundredths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.')?;
    if part.len() != 2 {
        return None;
    }
    Some(whole.parse::<u64>().ok()?.checked_mul(100)? + part.parse::<u64>().ok()?)
}

fn written(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
