//! Words that may not be in the code, or not in some rooms of it.

use super::Breach;
use super::arrows::room;
use super::scan::Source;

/// Rooms in which arithmetic is exact.
const EXACT: &[&str] = &["time", "id", "rng", "wire", "frame", "table", "port", "node", "engine"];

/// Lines of those rooms in which floating point may be, and why.
pub(crate) const FLOATS: &[(&str, &str, &str)] = &[
    ("src/time.rs", "pub fn as_s_f64(self) -> f64 {", "seconds for people to read, in reports alone"),
    ("src/time.rs", "self.0 as f64 / PS_PER_S as f64", "the same"),
];

/// Rooms whose order is seen, so that nothing in them may have none.
const ORDERED: &[&str] = &["report", "scenario"];

/// Words that no file has, with the remedy.
const NOWHERE: &[(&str, &str)] = &[
    ("unsafe", "find a safe way: no room is open to it"),
    ("todo!", "do it, or leave it out"),
    ("unimplemented!", "do it, or leave it out"),
    ("dbg!", "take it out"),
    ("#[ignore", "make the test quick, or take it out"),
];

/// Notes to oneself, in comments as well.
const NOTES: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// All words that are where they may not be.
pub(crate) fn wrong(source: &Source) -> Vec<Breach> {
    let mut breaches = nowhere(source);
    if source.path.starts_with("src/") {
        breaches.extend(floats(source));
        breaches.extend(unordered(source));
    }
    breaches.sort();
    breaches
}

fn breach(source: &Source, at: usize, says: String) -> Breach {
    Breach { file: source.path.clone(), line: source.line(at), says }
}

fn nowhere(source: &Source) -> Vec<Breach> {
    let code = source.code.as_str();
    let is_whole = |at: usize, len: usize| {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        !code[..at].ends_with(is_word) && !code[at + len..].starts_with(is_word)
    };
    let words = NOWHERE.iter().flat_map(|&(word, remedy)| {
        let places = code.match_indices(word).filter(move |(at, _)| is_whole(*at, word.len()));
        places.map(move |(at, _)| breach(source, at, format!("`{word}`: {remedy}")))
    });
    let notes = super::scan::words(&source.prose).filter(|(_, word)| NOTES.contains(word));
    words.chain(notes.map(|(at, word)| breach(source, at, format!("`{word}`: do it now, or leave it out")))).collect()
}

/// Floating point, types and literals, where arithmetic is exact.
fn floats(source: &Source) -> Vec<Breach> {
    if !EXACT.contains(&room(&source.path)) {
        return Vec::new();
    }
    let octets = source.code.as_bytes();
    let is_float = |at: usize, word: &str| {
        let number = word.as_bytes()[0].is_ascii_digit();
        let is_type = matches!(word, "f32" | "f64") || number && (word.ends_with("f32") || word.ends_with("f64"));
        // `1.5`, but neither the places of a tuple (`x.0.1`) nor a range (`1..5`).
        let after = &octets[at + word.len()..];
        let before_is_dot = at > 0 && octets[at - 1] == b'.';
        is_type
            || number && !before_is_dot && after.first() == Some(&b'.') && after.get(1).is_some_and(u8::is_ascii_digit)
    };
    let allowed = |at: usize| {
        let line = source.text.lines().nth(source.line(at) - 1).unwrap_or("").trim();
        FLOATS.iter().any(|&(file, text, _)| file == source.path && text == line)
    };
    let found = source.words().filter(|&(at, word)| is_float(at, word) && !source.is_test(at) && !allowed(at));
    found
        .map(|(at, word)| {
            breach(source, at, format!("`{word}` is floating point where arithmetic is exact: count in integers"))
        })
        .collect()
}

/// Maps and sets without an order, where order is seen.
fn unordered(source: &Source) -> Vec<Breach> {
    if !ORDERED.contains(&room(&source.path)) {
        return Vec::new();
    }
    let found = source.words().filter(|(_, word)| matches!(*word, "HashMap" | "HashSet"));
    found
        .filter(|&(at, _)| !source.is_test(at))
        .map(|(at, word)| breach(source, at, format!("`{word}` has no order: take the BTree one")))
        .collect()
}
