//! Bad scenario files and what is said about them, in golden text; `UPDATE_GOLDEN=1` rewrites it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use biplane::scenario::{Diagnostics, Scenario, Severity, presets};
use proptest::prelude::*;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// The scenario in the file, called by the file's own name alone.
fn parse(path: &Path) -> Result<Scenario, Diagnostics> {
    let text = fs::read_to_string(path).unwrap();
    Scenario::parse(&text, &path.file_name().unwrap().to_string_lossy())
}

/// Whether `found` is what the golden file beside `path` holds; the difference, if it is not.
fn golden(path: &Path, found: &str) -> Result<(), String> {
    let golden = path.with_extension("txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, found).unwrap();
        return Ok(());
    }
    match fs::read_to_string(&golden).unwrap_or_default() {
        expected if expected == found => Ok(()),
        expected => Err(format!("{}\n--- expected\n{expected}\n--- found\n{found}", path.display())),
    }
}

#[test]
fn every_bad_file_gets_its_exact_message() {
    let files = files("bad");
    assert!(files.len() >= 30, "{} bad files", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        match parse(path) {
            Ok(_) => wrong.push(format!("{} is taken for good", path.display())),
            Err(errors) => wrong.extend(golden(path, &errors.render(false)).err()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_message_has_a_place_and_a_remedy() {
    for path in files("bad") {
        let Err(errors) = parse(&path) else { continue };
        for error in errors.iter() {
            assert!(error.at.is_some() && !error.remedy.is_empty(), "{}: {error:?}", path.display());
        }
    }
}

#[test]
fn a_file_says_how_many_errors_it_has() {
    let mut several = 0;
    for path in files("bad") {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap();
        let said =
            first.strip_prefix("# errors: ").and_then(|rest| rest.split([' ', ',']).next()).map(str::parse::<usize>);
        let Some(Ok(said)) = said else { panic!("{} begins with `# errors: N`", path.display()) };
        assert_eq!(parse(&path).err().map_or(0, |errors| errors.errors()), said, "{}", path.display());
        several += usize::from(said > 1);
    }
    assert!(several >= 5, "files with several errors show that none is the last: {several}");
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let mut wrong = Vec::new();
    for path in files("warned") {
        let warnings = parse(&path).unwrap_or_else(|errors| panic!("{errors}")).warnings();
        assert!(!warnings.is_empty() && warnings.iter().all(|w| w.severity == Severity::Warning), "{}", path.display());
        wrong.extend(golden(&path, &warnings.render(false)).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// In each table of all files here, written with a header or in braces, a key that no table has: the list of those that
/// it has names none twice.
#[test]
fn the_keys_that_a_table_has_are_each_listed_once() {
    const NO_KEY: &str = "qqqqqqqqqqqqqqqq = 1";
    let texts = presets().iter().map(|preset| preset.text.to_owned());
    let files = ["bad", "warned"].into_iter().flat_map(files).map(|path| fs::read_to_string(path).unwrap());
    let mut tables = BTreeSet::new();
    for text in texts.chain(files) {
        let lines: Vec<&str> = text.lines().collect();
        for (place, line) in lines.iter().enumerate() {
            let mut edited: Vec<String> = lines.iter().map(ToString::to_string).collect();
            match line.split_once("= { ") {
                Some((before, after)) => edited[place] = format!("{before}= {{ {NO_KEY}, {after}"),
                None if line.starts_with('[') => edited.insert(place + 1, NO_KEY.into()),
                None => continue,
            }
            let Err(errors) = Scenario::parse(&edited.join("\n"), "edited.toml") else { continue };
            for error in errors.iter().filter(|error| error.message.contains("qqqq")) {
                let keys: Vec<&str> = error.remedy.split('`').skip(1).step_by(2).collect();
                let once: BTreeSet<&str> = keys.iter().copied().collect();
                assert_eq!(once.len(), keys.len(), "{error:?}");
                tables.insert(error.message.clone());
            }
        }
    }
    assert!(tables.len() >= 20, "tables of all kinds: {tables:#?}");
}

#[test]
fn presets_are_good_without_a_warning() {
    for preset in presets() {
        let scenario = Scenario::load(preset.name).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        assert_eq!(scenario.name, preset.name);
        assert!(scenario.warnings().is_empty(), "{}", scenario.warnings());
        assert!(preset.text.lines().all(|line| line.chars().count() <= 120), "{} is readable", preset.name);
    }
}

#[test]
fn a_file_that_is_not_there_names_the_presets() {
    let error = Scenario::load("drect").unwrap_err();
    assert!(error.to_string().contains("did you mean `direct`?"), "{error}");
    let error = Scenario::load("no/such/file.toml").unwrap_err().render(false);
    assert!(error.contains("cannot read `no/such/file.toml`") && error.contains("`exchange`, `ethernet`"), "{error}");
}

#[test]
fn a_file_that_is_no_text_is_told_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin1.toml");
    fs::write(&path, b"seed = 1\nname = \"Z\xfcrich\"\n").unwrap();
    let error = Scenario::load(path.to_str().unwrap()).unwrap_err();
    assert!(error.to_string().contains("latin1.toml:2:10: error: the file is not UTF-8 text"), "{error}");
    assert!(error.render(false).contains("not UTF-8 from here"));
}

/// Every line of a preset, taken away, doubled or cut in the middle, is read or refused, with a message that can be drawn.
#[test]
fn mutilated_presets_never_panic() {
    for preset in presets() {
        let lines: Vec<&str> = preset.text.lines().collect();
        for place in 0..lines.len() {
            let cut = &lines[place][..lines[place].floor_char_boundary(lines[place].len() / 2)];
            for replacement in [vec![], vec![lines[place]; 2], vec![cut]] {
                let mutilated = [&lines[..place], &replacement, &lines[place + 1..]].concat().join("\n");
                if let Err(errors) = Scenario::parse(&mutilated, preset.name) {
                    assert!(errors.errors() > 0 && errors.render(false).contains(preset.name));
                }
            }
        }
    }
}

/// Lines that come close to a scenario, to reach deeper than arbitrary text does.
fn line() -> impl Strategy<Value = String> {
    let keys = "name|seed|asn|prefixes|edges|lan|model|site|port|bandwidth|encapsulation|tpid|s_tag|c_tag|subnets|shares|\
                subnets_v6|delay|loss|buffer|primary|private|bfd|bgp|sku|vnets|circuits|units|role|ports|in|do|out|next|\
                ttl|tags|from|to|vlan|outer|inner|payload|speed|label|entropy|prefix|burst|rate_limit|tpids|traffic|\
                flows|frame|rate|counts|dscp|family|begin|end|prefix_from|settle|sessions|carrier_delay|\
                arp_age|lag|at|for|fibre|target|direction|class";
    let headers = "\\[(site|circuit|vnet|gateway|router|settings|control)(\\.[a-c])?(\\.(private|primary|ports))?\\]|\
                   \\[\\[router\\.[a-c]\\.(label|route|cross_connect|pseudowire)\\]\\]|\\[\\[(event|traffic)\\]\\]";
    let values = "-?[0-9]{1,10}|0x[0-9a-f]{1,5}|true|false|[0-9.]{1,5}|\\[\\]|\\{\\}|\"[a-c]\"|\"(qinq|dot1q|direct|swap|pop|lsr)\"|\
                  \"[0-9.]{1,6}(G|ms|ns|us|%|KiB| frobs)\"|\"10\\.[0-9]\\.0\\.0/(16|29|30|8)\"|\\[\"10\\.[0-9]\\.0\\.0/(16|30)\"\\]|\
                  \\[[0-9]{1,4}, [0-9]{1,8}\\]|\\[\"[a-c]\", \"[a-c]\"\\]|\\{ (port|vlan|outer|speed) = (\"[a-c]\"|[0-9]{1,4}) \\}";
    prop_oneof![
        1 => headers.prop_map(|header| header),
        3 => (keys, values).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn arbitrary_text_is_read_or_refused(text in "\\PC*") {
        if let Err(errors) = Scenario::parse(&text, "any") {
            prop_assert!(errors.errors() > 0);
            errors.render(false);
        }
    }

    #[test]
    fn arbitrary_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&octets);
        if let Err(errors) = Scenario::parse(&text, "any") {
            errors.render(true);
        }
    }

    #[test]
    fn lines_that_come_close_are_read_or_refused(lines in prop::collection::vec(line(), 0..40)) {
        if let Err(errors) = Scenario::parse(&lines.join("\n"), "any") {
            prop_assert!(errors.errors() > 0);
            errors.render(false);
        }
    }
}
