//! Which room of the house uses which: arrows point down only.

use super::Breach;
use super::scan::{Source, close, words};

/// Each room with those that it may use beside itself.
pub(crate) const ROOMS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("id", &[]),
    ("rng", &[]),
    ("wire", BASE),
    ("frame", &["time", "id", "rng", "wire"]),
    ("capture", &["time", "id", "rng", "wire"]),
    ("table", &["time", "id", "rng", "wire", "frame"]),
    ("port", &["time", "id", "rng", "wire", "frame", "capture", "table"]),
    ("traffic", &["time", "id", "rng", "wire", "frame", "capture", "table"]),
    ("control", &["time", "id", "rng", "wire", "frame", "table"]),
    ("node", &["time", "id", "rng", "wire", "frame", "capture", "table", "port", "traffic", "control"]),
    ("engine", &["time", "id", "rng", "wire", "frame", "capture", "table", "port", "traffic", "control", "node"]),
    ("report", UP_TO_ENGINE),
    ("scenario", UP_TO_ENGINE),
    ("cli", EVERYTHING),
    ("lib", &[]),
    ("main", &["cli"]),
];

const BASE: &[&str] = &["time", "id", "rng"];
const UP_TO_ENGINE: &[&str] =
    &["time", "id", "rng", "wire", "frame", "capture", "table", "port", "traffic", "control", "node", "engine"];
const EVERYTHING: &[&str] = &[
    "time", "id", "rng", "wire", "frame", "capture", "table", "port", "traffic", "control", "node", "engine", "report",
    "scenario",
];

/// The room of a file under `src`.
pub(crate) fn room(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs")
}

/// Uses of rooms that the room of `source` may not use; what only tests are compiled with is free.
pub(crate) fn wrong(source: &Source) -> Vec<Breach> {
    let from = room(&source.path);
    let breach = |line, says| Breach { file: source.path.clone(), line, says };
    let Some((_, may)) = ROOMS.iter().find(|(name, _)| *name == from) else {
        let says =
            format!("`{from}` has no place in the house: give it one in tests/house/arrows.rs, and in src/lib.rs");
        return vec![breach(1, says)];
    };
    let is_room = |name: &str| ROOMS.iter().any(|(room, _)| *room == name);
    let used = uses(source).into_iter().filter(|&(at, to)| is_room(to) && !source.is_test(at));
    used.filter(|(_, to)| *to != from && !may.contains(to))
        .map(|(at, to)| {
            let says = match may.is_empty() {
                true => {
                    format!("`{from}` uses `{to}`, and may use no other room: move what it needs to where both see it")
                }
                false => format!("`{from}` uses `{to}`, and may use only {}: move what it needs down", may.join(", ")),
            };
            breach(source.line(at), says)
        })
        .collect()
}

/// The first names of all paths from the root of the crate, with their places.
fn uses(source: &Source) -> Vec<(usize, &str)> {
    let code = source.code.as_str();
    let root = if room(&source.path) == "main" { "biplane" } else { "crate" };
    let mut found = Vec::new();
    for (at, _) in source.words().filter(|&(_, word)| word == root) {
        first_names(code, at + root.len(), &mut found);
    }
    // `super::super::` out of a room leads to the root as well.
    let depth = depth(&source.path);
    for (at, _) in source.words().filter(|&(_, word)| word == "super") {
        if code[..at].trim_end().ends_with("super::") {
            continue;
        }
        let chain = code[at..].match_indices("super").zip((0..).step_by("super::".len()));
        let supers = chain.take_while(|((place, _), expected)| place == expected).count();
        if supers == depth {
            first_names(code, at + supers * "super::".len() - 2, &mut found);
        }
    }
    found.sort_unstable();
    found
}

/// The names after `::` at `at`: one, or those of a group.
fn first_names<'a>(code: &'a str, at: usize, found: &mut Vec<(usize, &'a str)>) {
    let Some(rest) = code[at..].trim_start().strip_prefix("::") else { return };
    let rest = rest.trim_start();
    let start = code.len() - rest.len();
    if !rest.starts_with('{') {
        found.extend(words(rest).next().map(|(offset, word)| (start + offset, word)));
        return;
    }
    let end = close(code, start) - 1;
    let (mut depth, mut expected) = (0, true);
    for (offset, octet) in code[start + 1..end].bytes().enumerate() {
        let place = start + 1 + offset;
        match octet {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => expected = true,
            _ if octet.is_ascii_whitespace() => {}
            _ if expected => {
                expected = false;
                found.extend(words(&code[place..end]).next().map(|(offset, word)| (place + offset, word)));
            }
            _ => {}
        }
    }
}

/// Modules between the root of the crate and what a file holds.
fn depth(path: &str) -> usize {
    let inner = path.trim_start_matches("src/").trim_end_matches("/mod.rs");
    if matches!(inner, "lib.rs" | "main.rs") { 0 } else { inner.split('/').count() }
}
