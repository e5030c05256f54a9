//! The schema as an editor sees it, the scenarios that are here, and small changes of them, for tests of both.

use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::Value as Toml;

/// The document.
pub(crate) fn schema() -> Json {
    serde_json::from_str(&biplane::scenario::schema()).unwrap()
}

/// What a TOML tree is to a schema.
pub(crate) fn json(tree: &Toml) -> Json {
    serde_json::to_value(tree).unwrap()
}

/// The TOML files of a folder under `tests/scenarios`.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// The name of a file without folder and extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// All scenarios that are good: presets and files, by name.
pub(crate) fn good() -> Vec<(String, Toml)> {
    let presets = biplane::scenario::presets().iter().map(|preset| (preset.name.to_owned(), preset.text.to_owned()));
    let folders = ["", "drill", "schema", "warned"].into_iter().flat_map(files);
    let files = folders.map(|path| (stem(&path), std::fs::read_to_string(&path).unwrap()));
    presets.chain(files).map(|(name, text)| (name, toml::from_str(&text).unwrap())).collect()
}

/// The tables of the schema that have a title, with their keys: of one title are those with the same keys.
pub(crate) fn tables(schema: &Json) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    nodes(schema, &mut |node| {
        if let (Some(title), Some(keys)) = (node["title"].as_str(), node["properties"].as_object()) {
            let keys: BTreeSet<String> = keys.keys().cloned().collect();
            let before = found.insert(title.to_owned(), keys.clone());
            assert!(before.is_none_or(|before| before == keys), "two tables are called {title}");
        }
    });
    found
}

/// Calls `visit` on all schemas within `schema`, itself the first; not on those of rules, which only narrow.
pub(crate) fn nodes<'s>(schema: &'s Json, visit: &mut impl FnMut(&'s Json)) {
    visit(schema);
    let maps = ["properties", "patternProperties"].into_iter().filter_map(|word| schema[word].as_object());
    let lists = schema["anyOf"].as_array().into_iter().flatten();
    for inner in maps.flat_map(|map| map.values()).chain(lists).chain(schema.get("items")) {
        nodes(inner, visit);
    }
}

/// One step into a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Key(String),
    Item(usize),
}

/// A place in a tree.
pub(crate) type Place = Vec<Step>;

/// `circuit.london.private`.
pub(crate) fn text(place: &[Step]) -> String {
    let steps = place.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Item(number) => number.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}

/// All places of a tree, the root among them.
pub(crate) fn places(tree: &Toml) -> Vec<Place> {
    let mut all = vec![Vec::new()];
    let mut inner = |step: Step, value: &Toml| {
        all.extend(places(value).into_iter().map(|rest| [vec![step.clone()], rest].concat()));
    };
    match tree {
        Toml::Table(table) => table.iter().for_each(|(key, value)| inner(Step::Key(key.clone()), value)),
        Toml::Array(items) => items.iter().enumerate().for_each(|(number, value)| inner(Step::Item(number), value)),
        _ => {}
    }
    all
}

/// What is at a place.
pub(crate) fn at<'t>(tree: &'t mut Toml, place: &[Step]) -> &'t mut Toml {
    place.iter().fold(tree, |tree, step| match step {
        Step::Key(key) => &mut tree[key.as_str()],
        Step::Item(number) => &mut tree[*number],
    })
}

/// A copy of `tree` with `change` made at `place`.
pub(crate) fn changed(tree: &Toml, place: &[Step], change: impl FnOnce(&mut Toml)) -> Toml {
    let mut tree = tree.clone();
    change(at(&mut tree, place));
    tree
}

/// The schemas that may apply at a place of an instance, alternatives taken apart.
pub(crate) fn schemas_at<'s>(schema: &'s Json, place: &[Step]) -> Vec<&'s Json> {
    place.iter().fold(alternatives(schema), |schemas, step| {
        let inner = schemas.into_iter().filter_map(|schema| match step {
            Step::Key(key) => {
                schema["properties"].get(key).or_else(|| schema["patternProperties"].as_object()?.values().next())
            }
            Step::Item(_) => schema.get("items"),
        });
        inner.flat_map(alternatives).collect()
    })
}

fn alternatives(schema: &Json) -> Vec<&Json> {
    match schema["anyOf"].as_array() {
        Some(all) => all.iter().flat_map(alternatives).collect(),
        None => vec![schema],
    }
}
