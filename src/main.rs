//! The `biplane` command: it parses, runs and maps results to exit codes.

use std::process::ExitCode;

fn main() -> ExitCode {
    biplane::cli::main()
}
