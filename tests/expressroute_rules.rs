//! The index of ExpressRoute's rules (`tests/expressroute/rules.txt`): all that it names is there, and README.md has its words.

use std::collections::BTreeSet;
use std::path::Path;

/// A rule of a document, and what holds it.
#[derive(Debug)]
struct Rule {
    line: usize,
    source: String,
    text: String,
    held_by: Vec<String>,
}

/// The index, or what is wrong with its lines.
fn read(index: &str) -> Result<(BTreeSet<String>, Vec<Rule>), String> {
    let (mut sources, mut rules) = (BTreeSet::new(), Vec::<Rule>::new());
    let lines = index.lines().enumerate().map(|(place, line)| (place + 1, line));
    for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#') && !line.starts_with("== ")) {
        if let Some(held_by) = line.strip_prefix("  ") {
            let rule = rules.last_mut().ok_or(format!("line {at} holds no rule"))?;
            rule.held_by.push(held_by.to_owned());
        } else if let Some(source) = line.strip_prefix("source ") {
            sources.insert(source.split_whitespace().next().ok_or(format!("line {at} names no source"))?.to_owned());
        } else {
            let rule = line.strip_prefix('[').and_then(|rest| rest.split_once("] "));
            let (source, text) = rule.ok_or(format!("line {at} is neither a rule nor what holds one: {line}"))?;
            rules.push(Rule { line: at, source: source.to_owned(), text: text.to_owned(), held_by: Vec::new() });
        }
    }
    Ok((sources, rules))
}

/// What is wrong with a rule by itself; `file` reads one of the package.
fn wrong(rule: &Rule, file: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    if rule.held_by.is_empty() {
        return vec![format!("line {}: nothing holds `{}`", rule.line, rule.text)];
    }
    let readme = file("README.md").unwrap_or_default();
    let (_, not_emulated) = readme.split_once("\n## Not emulated\n").unwrap_or_default();
    let not_emulated = not_emulated.split("\n## ").next().unwrap_or_default();
    let missing = rule.held_by.iter().filter(|held_by| {
        !if let Some(words) = held_by.strip_prefix("not emulated: ") {
            has_words(not_emulated, words)
        } else if let Some(words) = held_by.strip_prefix("later: ") {
            has_words(&readme, words)
        } else if let Some((path, name)) = held_by.split_once("::") {
            file(path).is_some_and(|text| has_test(&text, name))
        } else {
            // A scenario whose message is in a golden file.
            let golden = held_by.strip_suffix(".toml").map(|stem| format!("{stem}.txt"));
            held_by.starts_with("tests/scenarios/")
                && file(held_by).is_some()
                && golden.is_some_and(|golden| file(&golden).is_some())
        }
    });
    missing
        .map(|held_by| format!("line {}: `{}` is held by `{held_by}`, which is not there", rule.line, rule.text))
        .collect()
}

/// Whether a text has these words, wherever its lines are broken, and whichever of them are bold.
fn has_words(text: &str, words: &str) -> bool {
    let text = text.replace("**", "");
    let flat: Vec<&str> = text.split_whitespace().collect();
    !words.trim().is_empty() && flat.join(" ").contains(words)
}

/// Whether a file of Rust has a test of this name.
fn has_test(text: &str, name: &str) -> bool {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with(&format!("fn {name}(")) {
            return is_test;
        }
        is_test = line == "#[test]" || (is_test && line.starts_with('#'));
    }
    false
}

fn of_package(path: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

#[test]
fn every_rule_is_held_by_what_is_there() {
    let (sources, rules) = read(&of_package("tests/expressroute/rules.txt").unwrap()).unwrap();
    let mut found: Vec<String> = rules.iter().flat_map(|rule| wrong(rule, &of_package)).collect();
    let unknown = rules.iter().filter(|rule| !sources.contains(&rule.source));
    found.extend(unknown.map(|rule| format!("line {}: no source is called {}", rule.line, rule.source)));
    let unused = sources.iter().filter(|source| {
        let cited = format!("[{source}]");
        !rules.iter().any(|rule| rule.source == **source || rule.text.contains(&cited))
    });
    found.extend(unused.map(|source| format!("nothing is of {source}")));
    let mut seen = BTreeSet::new();
    let twice = rules.iter().filter(|rule| !seen.insert(&rule.text));
    found.extend(twice.map(|rule| format!("line {}: `{}` comes twice", rule.line, rule.text)));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each thing that can be wrong with a rule is seen.
#[test]
fn a_rule_that_nothing_holds_is_seen() {
    let file = |path: &str| {
        let text = match path {
            "README.md" => "**BFD**\ncomes\n\n## Not emulated\n\n- MACsec and\n  light levels\n\n## Licence\n\nMIT\n",
            "src/a.rs" => "#[test]\nfn one() {\n}\nfn two() {\n}\n#[test]\n#[should_panic]\nfn three() {\n",
            "tests/scenarios/bad/a.toml" | "tests/scenarios/bad/a.txt" | "tests/scenarios/bad/b.toml" => "",
            _ => return None,
        };
        Some(text.to_owned())
    };
    let held = |by: &str| wrong(&read(&format!("[faq] rule\n  {by}\n")).unwrap().1[0], &file).is_empty();
    for good in [
        "src/a.rs::one",
        "src/a.rs::three",
        "tests/scenarios/bad/a.toml",
        "not emulated: MACsec and light levels",
        "later: BFD comes",
    ] {
        assert!(held(good), "{good}");
    }
    for bad in [
        "src/a.rs::two",
        "src/a.rs::on",
        "src/b.rs::one",
        "src/a.rs",
        "tests/scenarios/bad/b.toml",
        "tests/scenarios/bad/c.toml",
        "not emulated: BFD",
        "not emulated: MIT",
        "not emulated:  ",
        "later: OSPF",
        "it is obvious",
    ] {
        assert!(!held(bad), "{bad}");
    }
    assert_eq!(wrong(&read("[faq] rule\n").unwrap().1[0], &file).len(), 1);
    for index in ["  src/a.rs::one\n", "rule without a source\n", "[faq]\n"] {
        assert!(read(index).is_err(), "{index}");
    }
}
