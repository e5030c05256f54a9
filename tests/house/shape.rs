//! How long files and functions are, and how a file opens.

use super::Breach;
use super::scan::{Source, body, close};

/// Lines of a file at the most.
pub(crate) const MAX_FILE_LINES: usize = 600;
/// Lines of a function at the most, from `fn` to the closing brace.
pub(crate) const MAX_FUNCTION_LINES: usize = 70;

/// Files over their limit.
pub(crate) fn long_file(source: &Source) -> Option<Breach> {
    let lines = source.text.lines().count();
    (lines > MAX_FILE_LINES).then(|| Breach {
        file: source.path.clone(),
        line: lines,
        says: format!("{lines} lines, {MAX_FILE_LINES} at the most: split it by what it is about"),
    })
}

/// Functions over their limit.
pub(crate) fn long_functions(source: &Source) -> Vec<Breach> {
    let code = &source.code;
    let mut breaches = Vec::new();
    for (at, _) in source.words().filter(|&(_, word)| word == "fn") {
        let name = code[at + 2..].trim_start();
        // A type such as `fn(u8) -> u8` has no name.
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$') {
            continue;
        }
        let Some(open) = body(code, at) else { continue };
        let lines = source.line(close(code, open) - 1) - source.line(at) + 1;
        if lines > MAX_FUNCTION_LINES {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$')).collect();
            breaches.push(Breach {
                file: source.path.clone(),
                line: source.line(at),
                says: format!("`{name}` has {lines} lines, {MAX_FUNCTION_LINES} at the most: name its parts"),
            });
        }
    }
    breaches
}

/// A file that does not open with a `//!` sentence.
pub(crate) fn no_opening(source: &Source) -> Option<Breach> {
    let opening = source.text.lines().map_while(|line| line.strip_prefix("//!"));
    let sentence = opening.take_while(|line| !line.trim().is_empty()).collect::<String>();
    let is_sentence = sentence.split_whitespace().count() > 2 && sentence.trim_end().ends_with(['.', ':']);
    (!is_sentence).then(|| Breach {
        file: source.path.clone(),
        line: 1,
        says: "the file does not open with a `//!` sentence: say what it is, then what it is not".into(),
    })
}
