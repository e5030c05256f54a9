//! The command line: one module per command; what was typed is read here, what it means is decided there.
//!
//! Data goes to standard output, progress and logs to standard error. Exit codes: 0 ok, 1 runtime error (nothing sent
//! is one), 2 usage or scenario error, 130 interrupted.

mod availability;
mod bar;
pub mod bench;
mod check;
mod drill;
mod figures;
mod interrupt;
mod memory;
mod metrics;
mod new;
mod observe;
mod replay;
mod schema;
pub mod trace;

use crate::scenario::{
    CompileOptions, Compiled, Diagnostics, Quantity, Scenario, UnitError, Unrouted, compile, parse_amount,
};
use crate::time::Span;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A packet-level datapath emulator of private cloud interconnects.
#[derive(Debug, Parser)]
#[command(name = "biplane", version, about, max_term_width = 100, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario's own streams for its duration and report what became of each
    Drill(drill::DrillArgs),
    /// Push captures through a scenario's network and report what became of each frame
    Replay(Box<replay::ReplayArgs>),
    /// Follow one frame through a scenario's network and tell every stage
    Trace(trace::TraceArgs),
    /// Measure what this machine's engine does
    Bench(bench::BenchArgs),
    /// Validate a scenario: every error at once, with its place and remedy
    Check(check::CheckArgs),
    /// Print a preset as a commented scenario file to start from
    New(new::NewArgs),
    /// List the presets
    Presets,
    /// Print the JSON Schema of scenario files, for editors that complete and check them
    #[command(long_about = schema::LONG)]
    Schema,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
struct Common {
    /// Seed of all that is random, in place of the scenario's
    #[arg(long, global = true, value_name = "N")]
    seed: Option<u64>,
    /// Threads for the network's nodes [default: the CPUs available, less two that a replay reads and writes with]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Refuse a run that may take more memory than this: 500MB, 2GiB [default: half of the machine's, for runs of several
    /// sources]
    #[arg(long, global = true, value_name = "SIZE")]
    memory: Option<String>,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more on standard error: which thread has which nodes
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// Colour in messages
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

impl Common {
    /// Threads for the nodes of a run that has `others` threads beside them, to which as many CPUs are left.
    fn threads(&self, others: usize) -> usize {
        let left = || std::thread::available_parallelism().map_or(1, |cpus| cpus.get().saturating_sub(others).max(1));
        self.threads.map_or_else(left, usize::from)
    }

    fn color_on_stderr(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    /// Lines for the person at the terminal who wants to know.
    fn detail(&self, lines: &str) {
        if self.verbose {
            self.note(lines.trim_end());
        }
    }

    /// A line for the person at the terminal.
    fn note(&self, line: &str) {
        if !self.quiet {
            // If standard error is gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// Why a command did not do all of its work.
#[derive(Debug)]
enum Failure {
    /// What was asked for makes no sense: exit 2.
    Usage(String),
    /// The scenario is wrong: exit 2, the diagnostics rendered as they are.
    Scenario(String),
    /// It went wrong under way: exit 1.
    Runtime(String),
    /// Somebody stopped it: exit 130.
    Interrupted,
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::Scenario(_) => 2,
            Failure::Runtime(_) => 1,
            Failure::Interrupted => 130,
        }
    }

    fn text(&self) -> String {
        match self {
            Failure::Usage(text) | Failure::Runtime(text) => format!("error: {text}\n"),
            Failure::Scenario(text) => text.clone(),
            Failure::Interrupted => "interrupted: the report is of the part that was run\n".into(),
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let result = match &cli.command {
        Command::Drill(args) => drill::run(args, &cli.common),
        Command::Replay(args) => replay::run(args, &cli.common),
        Command::Trace(args) => trace::run(args, &cli.common),
        Command::Bench(args) => bench::run(args, &cli.common),
        Command::Check(args) => check::run(args, &cli.common),
        Command::New(args) => new::run(args),
        Command::Presets => new::list(),
        Command::Schema => schema::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = write!(std::io::stderr(), "{}", failure.text());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// The scenario at `path` or the preset of that name as a network, and its title; warnings go to standard error.
fn load(path: &str, common: &Common, unrouted: Unrouted) -> Result<(String, Compiled), Failure> {
    let (scenario, compiled) = load_scenario(path, common, unrouted, Runs::Static)?;
    Ok((scenario.name, compiled))
}

/// Whether sessions of a scenario run, and its events happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    /// As the scenario says.
    AsWritten,
    /// All are up, always, and nothing happens.
    Static,
}

/// The same with all of the scenario.
fn load_scenario(path: &str, common: &Common, unrouted: Unrouted, runs: Runs) -> Result<(Scenario, Compiled), Failure> {
    let wrong = |diagnostics: Diagnostics| Failure::Scenario(diagnostics.render(common.color_on_stderr()));
    let mut scenario = Scenario::load(path).map_err(wrong)?;
    // Before the network is made: the spread over equal paths comes of it too.
    scenario.seed = common.seed.unwrap_or(scenario.seed);
    let options = match runs {
        Runs::AsWritten => CompileOptions { unrouted, sessions: scenario.control.sessions, repair: true, events: true },
        Runs::Static => CompileOptions { unrouted, ..CompileOptions::default() },
    };
    let compiled = compile(&scenario, options).map_err(wrong)?;
    if !compiled.warnings.is_empty() {
        common.note(compiled.warnings.render(common.color_on_stderr()).trim_end());
    }
    Ok((scenario, compiled))
}

/// The length of time that an option gives.
fn span(option: &str, text: &str) -> Result<Span, Failure> {
    let ps = parse_amount(text, Quantity::Time).map_err(|error| wrong_amount(option, &error))?;
    Ok(Span::from_ps(ps))
}

fn wrong_amount(option: &str, error: &UnitError) -> Failure {
    Failure::Usage(format!("{option}: {}; {}", error.message, error.remedy))
}

/// Writes `text` to standard output; a reader that went away (a closed pipe) ends the output without an error.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Runtime(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// What is said of a file that cannot be written.
fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!(
        "{}: cannot be written: {error}; check that its folder is there, has room and may be written to",
        path.display()
    )
}

/// Where JSON goes: `--json` to standard output, `--json=FILE` to a file.
#[derive(Clone, Debug, Args)]
struct JsonOut {
    /// Report as JSON, to standard output or to a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
}

impl JsonOut {
    /// Writes `value` if JSON is wanted; whether it took standard output.
    fn write(&self, value: &impl serde::Serialize) -> Result<bool, Failure> {
        let Some(path) = &self.json else { return Ok(false) };
        let mut text = serde_json::to_string_pretty(value).map_err(|error| Failure::Runtime(error.to_string()))?;
        text.push('\n');
        if path.as_os_str() == "-" {
            return print(&text).map(|()| true);
        }
        std::fs::write(path, text).map_err(|error| Failure::Runtime(unwritable(path, &error)))?;
        Ok(false)
    }

    /// The file that it goes to, if any.
    fn file(&self) -> Option<&Path> {
        self.json.as_deref().filter(|path| path.as_os_str() != "-")
    }
}
