//! What a scenario file may hold, for editors: one module per kind of table, each key a line; it reads no file.
//!
//! The reader is not driven by it. `tests/scenario_schema.rs` holds the two together: the keys that the reader asks for
//! are those that are here, table by table; what is refused here the reader refuses too; what the reader refuses for
//! its form alone is refused here; and what is said to hold where a key is absent does so. A new key is a line in the
//! module of its table, beside the others.

mod circuit;
mod cloud;
mod control;
mod document;
mod event;
mod global_reach;
mod peering;
mod provider;
mod public;
mod root;
mod router;
mod service;
mod session;
mod shape;
mod site;
mod traffic;

/// The JSON Schema (draft 2020-12) of scenario files, as text.
///
/// It refuses unknown keys, wrong types, words that are none of a choice, integers out of range, amounts without a unit
/// or with a wrong one, and keys that do not go together. It sees no references, no overlaps, and not how large an
/// amount is.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&document::document(&root::root())).unwrap_or_default();
    text.push('\n');
    text
}
