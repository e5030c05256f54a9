//! The text that Prometheus reads, taken apart by its rules (text exposition format 0.0.4) without the library's writer.

use std::collections::{BTreeMap, BTreeSet};

/// A value: its labels in their order, and the number as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Names and values, escapes taken away.
    pub(crate) labels: Vec<(String, String)>,
    /// The number.
    pub(crate) value: String,
}

impl Sample {
    /// The value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The samples of each metric.
///
/// # Panics
/// If a rule is broken: one HELP and one TYPE before the samples of a metric, those together, no two alike, names and
/// escapes as they are allowed, a number that is one, a line feed at the end.
#[track_caller]
pub(crate) fn parse(text: &str) -> BTreeMap<String, Vec<Sample>> {
    assert!(text.ends_with('\n'), "the last line ends with a line feed");
    let mut metrics: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    let (mut helped, mut typed, mut closed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut open = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
            assert!(is_name(name, true) && !help.is_empty() && helped.insert(name), "{line}");
            unescape(help, false);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("no type: {line}"));
            assert!(["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind), "{line}");
            assert!(!metrics.contains_key(name) && typed.insert(name), "a type comes once, before its samples: {line}");
        } else if !line.starts_with('#') && !line.is_empty() {
            let (name, sample) = sample(line);
            if open != name {
                assert!(closed.insert(name.clone()), "samples of a metric stay together: {line}");
                open = name.clone();
            }
            assert!(helped.contains(&name[..]) && typed.contains(&name[..]), "help and type come first: {line}");
            let known = metrics.entry(name).or_default();
            assert!(known.iter().all(|other| other.labels != sample.labels), "twice: {line}");
            known.push(sample);
        }
    }
    assert!(typed.iter().chain(&helped).all(|name| metrics.contains_key(*name)), "no metric is without a sample");
    metrics
}

fn sample(line: &str) -> (String, Sample) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name, true), "{line}");
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        let mut left = inner;
        while !left.starts_with('}') {
            let (label, after) = left.split_once("=\"").unwrap_or_else(|| panic!("no label value: {line}"));
            assert!(is_name(label, false) && !label.starts_with("__"), "{line}");
            let (value, after) = unescape(after, true);
            assert!(labels.iter().all(|(known, _)| known != label), "a label twice: {line}");
            labels.push((label.to_owned(), value));
            left = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &left[1..];
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no blank before the value: {line}"));
    assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "no number, or a time stamp behind it: {line}");
    (name.into(), Sample { labels, value: value.into() })
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`; labels have no colon.
fn is_name(name: &str, colons: bool) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || colons && letter == ':';
    name.chars().all(fits) && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Takes escapes away, up to the closing quote if there is to be one; what comes after it.
fn unescape(text: &str, quoted: bool) -> (String, &str) {
    let (mut out, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if quoted => return (out, &text[at + 1..]),
            '\\' => out.push(match letters.next() {
                Some((_, '\\')) => '\\',
                Some((_, 'n')) => '\n',
                Some((_, '"')) if quoted => '"',
                other => panic!("no escape: {other:?} in {text}"),
            }),
            letter => out.push(letter),
        }
    }
    assert!(!quoted, "no closing quote: {text}");
    (out, "")
}
