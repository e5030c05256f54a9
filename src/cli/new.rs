//! `biplane new` and `biplane presets`: scenario files to start from.

use super::{Failure, print};
use crate::scenario::presets;
use clap::Args;

/// Print a preset as a commented scenario file to start from.
#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The preset; `biplane presets` lists them
    preset: String,
}

/// Prints a preset.
pub(super) fn run(args: &NewArgs) -> Result<(), Failure> {
    match presets().iter().find(|preset| preset.name == args.preset) {
        Some(preset) => print(preset.text),
        None => {
            let names: Vec<_> = presets().iter().map(|preset| preset.name).collect();
            Err(Failure::Usage(format!("there is no preset `{}`; there are {}", args.preset, names.join(", "))))
        }
    }
}

/// Lists the presets.
pub(super) fn list() -> Result<(), Failure> {
    let width = presets().iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    let lines = presets().iter().map(|preset| format!("{:width$}  {}\n", preset.name, preset.summary));
    print(&lines.collect::<String>())
}
