//! The files that the rules are held against.

use super::scan::Source;
use std::path::{Path, PathBuf};

/// Folders with Rust files.
const FOLDERS: [&str; 4] = ["src", "tests", "benches", "examples"];

/// A file of the package as text.
pub(crate) fn read(path: &str) -> String {
    let whole = root().join(path);
    std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{}: {error}", whole.display()))
}

/// Every Rust file of the package, in order of their paths.
pub(crate) fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        collect(&root().join(folder), &mut paths);
    }
    paths.sort();
    let relative = |path: &Path| path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/");
    paths.iter().map(|path| relative(path)).map(|path| Source::new(&path, &read(&path))).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}
