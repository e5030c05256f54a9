//! The rules that the source is held to, each a pure function from text to breaches; it reads no folder but in `tree`.

pub(crate) mod arrows;
pub(crate) mod manifest;
pub(crate) mod scan;
pub(crate) mod shape;
pub(crate) mod tree;
pub(crate) mod words;

use std::fmt;

/// A rule broken somewhere, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    /// The file, from the root of the package.
    pub(crate) file: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong, and the remedy.
    pub(crate) says: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.says)
    }
}
