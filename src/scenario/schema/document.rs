//! From tables and shapes to the document: JSON Schema of the draft 2020-12, its keywords in the order of reading.
//!
//! Everything stands where it is used (no `$ref`): editors differ in what they show beside a reference.

use super::shape::{Key, NAME, Rule, Shape, Table, When};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A JSON value whose objects keep their order.
pub(super) enum Node {
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
    Value(Value),
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Node::List(items) => items.serialize(serializer),
            Node::Value(value) => value.serialize(serializer),
        }
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Node::Value(value)
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Node::Value(text.into())
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Node::Value(number.into())
    }
}

impl From<bool> for Node {
    fn from(on: bool) -> Self {
        Node::Value(on.into())
    }
}

/// Keywords of one schema, in order.
#[derive(Default)]
struct Keywords(Vec<(String, Node)>);

impl Keywords {
    fn add(mut self, keyword: &str, value: impl Into<Node>) -> Self {
        self.0.push((keyword.to_owned(), value.into()));
        self
    }

    fn add_some(self, keyword: &str, value: Option<impl Into<Node>>) -> Self {
        match value {
            Some(value) => self.add(keyword, value),
            None => self,
        }
    }
}

impl From<Keywords> for Node {
    fn from(keywords: Keywords) -> Self {
        Node::Object(keywords.0)
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Node::List(items)
    }
}

/// The document for the table `root`.
pub(super) fn document(root: &Table) -> Node {
    let head = Keywords::default().add("$schema", "https://json-schema.org/draft/2020-12/schema");
    of_table(head.add("title", TITLE), root).into()
}

/// What editors call the whole.
const TITLE: &str = "biplane scenario";

fn of_table(keywords: Keywords, table: &Table) -> Keywords {
    let properties = table.keys.iter().map(|key| (key.name.to_owned(), of_key(key))).collect();
    let required: Vec<Node> = table.keys.iter().filter(|key| key.is_required).map(|key| key.name.into()).collect();
    let rules: Vec<Node> = table.rules.iter().map(of_rule).collect();
    keywords
        .add_some("description", (!table.about.is_empty()).then_some(table.about))
        .add("type", "object")
        .add("properties", Node::Object(properties))
        .add_some("required", (!required.is_empty()).then_some(required))
        .add("additionalProperties", false)
        .add_some("allOf", (!rules.is_empty()).then_some(rules))
}

/// What is said of the key stands before what its value may be; a table that is the value is told after it.
fn of_key(key: &Key) -> Node {
    let examples: Vec<Node> = key.examples.iter().map(|example| example.clone().into()).collect();
    let said = Keywords::default().add("description", key.about.as_str()).add_some("default", key.default.clone());
    let said = said.add_some("examples", (!examples.is_empty()).then_some(examples));
    let Node::Object(shape) = of_shape(&key.shape) else { return said.into() };
    Node::Object(said.0.into_iter().chain(shape.into_iter().filter(|(keyword, _)| keyword != "description")).collect())
}

fn of_shape(shape: &Shape) -> Node {
    let typed = |name: &str| Keywords::default().add("type", name);
    match shape {
        Shape::Boolean => typed("boolean"),
        Shape::Only(value) => Keywords::default().add("const", value.clone()),
        Shape::Integer(range, but) => {
            let bounds = |keywords: Keywords, range: &std::ops::RangeInclusive<u64>| {
                keywords.add("minimum", *range.start()).add("maximum", *range.end())
            };
            let but: Vec<Node> = but.iter().map(|range| bounds(Keywords::default(), range).into()).collect();
            let but = (!but.is_empty()).then(|| Keywords::default().add("anyOf", but));
            bounds(typed("integer"), range).add_some("not", but)
        }
        Shape::Words(words) => {
            typed("string").add("enum", words.iter().map(|word| Node::from(*word)).collect::<Vec<_>>())
        }
        Shape::Pattern(pattern) => typed("string").add("pattern", pattern.as_str()),
        Shape::Text => typed("string").add("pattern", TEXT).add("minLength", 1u64).add("maxLength", 200u64),
        Shape::List { of, least, most, differ } => typed("array")
            .add("items", of_shape(of))
            .add_some("minItems", (*least > 0).then_some(*least as u64))
            .add_some("maxItems", most.map(|most| most as u64))
            .add_some("uniqueItems", differ.then_some(true)),
        Shape::Any(shapes) => Keywords::default().add("anyOf", shapes.iter().map(of_shape).collect::<Vec<_>>()),
        Shape::Table(table) => of_table(Keywords::default().add("title", table.title.as_str()), table),
        Shape::Named { of, least, most } => typed("object")
            .add("patternProperties", Keywords::default().add(NAME, of_shape(of)))
            .add_some("minProperties", (*least > 0).then_some(*least as u64))
            .add("maxProperties", *most as u64)
            .add("additionalProperties", false),
        Shape::With(keys) => Keywords::default().add("properties", of_narrowed(keys)),
        Shape::Never => return false.into(),
    }
    .into()
}

fn of_narrowed(keys: &[(&'static str, Shape)]) -> Node {
    Node::Object(keys.iter().map(|(key, shape)| ((*key).to_owned(), of_shape(shape))).collect())
}

fn of_rule(rule: &Rule) -> Node {
    let conditions: Vec<Node> = rule.when.iter().map(of_condition).collect();
    let needs: Vec<Node> = rule.needs.iter().map(|key| (*key).into()).collect();
    let then = Keywords::default().add_some("required", (!needs.is_empty()).then_some(needs));
    let then = then.add_some("properties", (!rule.then.is_empty()).then(|| of_narrowed(&rule.then)));
    let mut conditions = conditions;
    let condition = match conditions.len() {
        1 => conditions.remove(0),
        _ => Keywords::default().add("allOf", conditions).into(),
    };
    Keywords::default().add("if", condition).add("then", then).into()
}

fn of_condition(when: &When) -> Node {
    let has = |key: &str| Keywords::default().add("required", vec![Node::from(key)]);
    let is = |key: &'static str, shape: &Shape| {
        let value = Node::Object(vec![(key.to_owned(), of_shape(shape))]);
        Keywords::default().add("properties", value).add("required", vec![Node::from(key)])
    };
    match when {
        When::Has(key) => has(key),
        When::Lacks(key) => Keywords::default().add("not", has(key)),
        When::Is(key, shape) => is(key, shape),
        When::IsNot(key, shape) => Keywords::default().add("not", is(key, shape)),
    }
    .into()
}

/// No control characters.
const TEXT: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
