//! `biplane schema`: the JSON Schema of scenario files.

use super::{Failure, print};
use crate::scenario::schema;

/// What `--help` says.
pub(super) const LONG: &str = "Print the JSON Schema (draft 2020-12) of scenario files, for editors that complete and \
    check them\n\nWrite it to a file beside the scenario, and let the scenario begin with the line\n\n    \
    #:schema ./biplane.schema.json\n\nwhich Even Better TOML (Visual Studio Code) and taplo follow. `biplane check` \
    finds all that the schema finds, and what it cannot see: names that are not there, address ranges that overlap, \
    amounts that are too large.";

/// Prints it.
pub(super) fn run() -> Result<(), Failure> {
    print(&schema())
}
