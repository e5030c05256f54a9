//! Dependencies: each has its reason written beside it, and each is used.

use super::Breach;
use super::scan::Source;

/// A dependency as the manifest has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    line: usize,
    /// Only tests, examples and benches are compiled with it.
    for_tests: bool,
    has_reason: bool,
}

/// The dependencies of `Cargo.toml`, each on one line of its table.
pub(crate) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut table = "";
    let mut found = Vec::new();
    for (place, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            table = line;
        }
        let for_tests = match table {
            "[dependencies]" => false,
            "[dev-dependencies]" => true,
            _ => continue,
        };
        let Some((name, rest)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let reason = rest.rsplit_once('#').map_or("", |(_, reason)| reason.trim());
        let has_reason = reason.split_whitespace().count() > 0 && !reason.contains('"');
        found.push(Dependency { name: name.trim().into(), line: place + 1, for_tests, has_reason });
    }
    found
}

/// Dependencies without a reason, and those that no file under `src` (`for_tests`: no file at all) names.
pub(crate) fn wrong(manifest: &str, sources: &[Source]) -> Vec<Breach> {
    let breach = |dependency: &Dependency, says| Breach { file: "Cargo.toml".into(), line: dependency.line, says };
    let mut breaches = Vec::new();
    for dependency in &dependencies(manifest) {
        let Dependency { name, for_tests, has_reason, .. } = dependency;
        if !has_reason {
            let says = format!("`{name}` has no reason: write it behind a # on the same line");
            breaches.push(breach(dependency, says));
        }
        let name_in_code = name.replace('-', "_");
        let mut candidates = sources.iter().filter(|source| *for_tests || source.path.starts_with("src/"));
        if !candidates.any(|source| source.words().any(|(_, word)| word == name_in_code)) {
            breaches.push(breach(dependency, format!("`{name}` is not used: take it out")));
        }
    }
    breaches
}
