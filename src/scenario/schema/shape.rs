//! The words in which the schema is said: tables of keys, what a value may be, and rules over several keys.

use crate::scenario::units::{NUMBER, Quantity};
use crate::time::PortSpeed;
use serde_json::Value;
use std::ops::RangeInclusive;

/// A table of a scenario file.
pub(super) struct Table {
    /// What messages of the reader call it, `NAME` standing for each name.
    pub(super) title: String,
    /// What it is.
    pub(super) about: &'static str,
    /// Its keys.
    pub(super) keys: Vec<Key>,
    /// What one key says of others.
    pub(super) rules: Vec<Rule>,
}

/// A key of a table.
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What it means: unit and range where the shape does not tell them.
    pub(super) about: String,
    /// What its value may be.
    pub(super) shape: Shape,
    /// Whether the table needs it, whatever the others are.
    pub(super) is_required: bool,
    /// What holds where it is absent, if that is one value.
    pub(super) default: Option<Value>,
    /// Values that would do.
    pub(super) examples: Vec<Value>,
}

/// What a value may be.
pub(super) enum Shape {
    /// `true` or `false`.
    Boolean,
    /// This and nothing else.
    Only(Value),
    /// An integer in a range, but not in some others.
    Integer(RangeInclusive<u64>, &'static [RangeInclusive<u64>]),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A text that matches a regular expression.
    Pattern(String),
    /// A text of 1 to 200 characters without control characters.
    Text,
    /// A list of at least and at most so many, each unlike the others where that is asked for.
    List { of: Box<Shape>, least: usize, most: Option<usize>, differ: bool },
    /// One of several shapes.
    Any(Vec<Shape>),
    /// A table.
    Table(Box<Table>),
    /// Tables, or other values, by names that the file gives them: at least and at most so many.
    Named { of: Box<Shape>, least: usize, most: usize },
    /// In rules alone: a table whose keys are these shapes, where they are written.
    With(Vec<(&'static str, Shape)>),
    /// In rules alone: the key may not be written.
    Never,
}

/// Where `when` holds, `needs` are required, and `then` narrows what keys may be.
#[derive(Default)]
pub(super) struct Rule {
    pub(super) when: Vec<When>,
    pub(super) needs: Vec<&'static str>,
    pub(super) then: Vec<(&'static str, Shape)>,
}

/// A condition of a rule.
pub(super) enum When {
    /// The key is written.
    Has(&'static str),
    /// It is not.
    Lacks(&'static str),
    /// The key is written, and its value is of this shape.
    Is(&'static str, Shape),
    /// The key is not written, or its value is not of this shape.
    IsNot(&'static str, Shape),
}

/// A table called `title` in messages.
pub(super) fn table(title: impl Into<String>, about: &'static str, keys: Vec<Key>) -> Table {
    Table { title: title.into(), about, keys, rules: Vec::new() }
}

/// An optional key.
pub(super) fn key(name: &'static str, shape: Shape, about: impl Into<String>) -> Key {
    Key { name, about: about.into(), shape, is_required: false, default: None, examples: Vec::new() }
}

/// The delay of a link, which is that of `of`.
pub(super) fn delay(name: &'static str, of: &str) -> Key {
    key(name, time(), format!("Delay {of}, one way: \"100ns\" (20 m of fibre) to \"10s\"."))
}

/// The loss on a link, which is that of `of`.
pub(super) fn loss(of: &str) -> Key {
    key("loss", amount(Quantity::Share), format!("Share of frames that are lost {of}: \"0%\" to \"100%\"."))
}

/// A rule that holds where `when` does.
pub(super) fn when(when: impl Into<Vec<When>>) -> Rule {
    Rule { when: when.into(), ..Rule::default() }
}

impl Table {
    /// The same with rules.
    pub(super) fn rules(self, rules: impl Into<Vec<Rule>>) -> Self {
        Table { rules: rules.into(), ..self }
    }

    /// As a shape.
    pub(super) fn shape(self) -> Shape {
        Shape::Table(Box::new(self))
    }
}

impl Key {
    /// The same, which the table needs.
    pub(super) fn required(self) -> Self {
        Key { is_required: true, ..self }
    }

    /// The same with what holds where it is absent.
    pub(super) fn default(self, value: impl Into<Value>) -> Self {
        Key { default: Some(value.into()), ..self }
    }

    /// The same with one more value that would do.
    pub(super) fn example(mut self, value: impl Into<Value>) -> Self {
        self.examples.push(value.into());
        self
    }
}

impl Rule {
    /// The same, and these keys are required.
    pub(super) fn needs(mut self, keys: &[&'static str]) -> Self {
        self.needs.extend(keys);
        self
    }

    /// The same, and these keys may not be written.
    pub(super) fn without(mut self, keys: &[&'static str]) -> Self {
        self.then.extend(keys.iter().map(|key| (*key, Shape::Never)));
        self
    }

    /// The same, and what is written under `key` is of this shape.
    pub(super) fn with(mut self, key: &'static str, shape: Shape) -> Self {
        self.then.push((key, shape));
        self
    }
}

impl When {
    /// `key` is one of `words`.
    pub(super) fn word(key: &'static str, words: &'static [&'static str]) -> Self {
        When::Is(key, Shape::Words(words))
    }
}

/// An integer in `range`.
pub(super) fn integer(range: RangeInclusive<u64>) -> Shape {
    Shape::Integer(range, &[])
}

/// An amount with its unit, in quotes.
pub(super) fn amount(quantity: Quantity) -> Shape {
    Shape::Pattern(quantity.pattern())
}

/// A length of time.
pub(super) fn time() -> Shape {
    amount(Quantity::Time)
}

/// Octets, as an amount or as an integer in `range`.
pub(super) fn octets(range: RangeInclusive<u64>) -> Shape {
    Shape::Any(vec![amount(Quantity::Octets), integer(range)])
}

/// The speed of a port: one of `words`, which is seen where it is written in Gb/s.
pub(super) fn speed(words: &'static [&'static str]) -> Shape {
    let digits = |word: &str| word.trim_end_matches('G').chars().map(String::from).collect::<Vec<_>>().join("_*");
    let gbps: Vec<String> = words.iter().map(|word| digits(word)).collect();
    let number = format!("(?:0[0_]*)?(?:{})(?:\\.0[0_]*)?", gbps.join("|"));
    let in_gbps = Quantity::Rate.pattern_of(&number, |unit| unit.starts_with('G'));
    let otherwise = Quantity::Rate.pattern_of(NUMBER, |unit| !unit.starts_with('G'));
    Shape::Any(vec![Shape::Words(words), Shape::Pattern(in_gbps), Shape::Pattern(otherwise)])
}

/// Speeds of ports.
pub(super) const SPEEDS: &[&str] = &["1G", "10G", "25G", "40G", "100G", "400G"];
const _: () = assert!(SPEEDS.len() == PortSpeed::ALL.len());

/// A tag protocol identifier: `words`, or `numbers`, which are the same.
pub(super) fn tpid(words: &'static [&'static str], numbers: &[u16]) -> Shape {
    let hex = words.iter().flat_map(|word| word.strip_prefix("0x")).map(|digits| {
        digits
            .chars()
            .map(|c| if c.is_ascii_digit() { c.to_string() } else { format!("[{c}{}]", c.to_ascii_uppercase()) })
            .collect::<String>()
    });
    let hex = format!("^0x\\+?0*(?:{})$", hex.collect::<Vec<_>>().join("|"));
    let numbers = numbers.iter().map(|number| Shape::Only(Value::from(*number)));
    Shape::Any([Shape::Words(words), Shape::Pattern(hex)].into_iter().chain(numbers).collect())
}

/// A VLAN identifier.
pub(super) fn vid() -> Shape {
    integer(1..=4094)
}

/// A name, or a reference to one.
pub(super) fn name() -> Shape {
    Shape::Pattern(NAME.to_owned())
}

/// What a name looks like.
pub(super) const NAME: &str = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,31}$";

/// A prefix of either family, or of one.
pub(super) fn prefix() -> Shape {
    Shape::Pattern(format!("^(?:{V4}/(?:3[0-2]|[0-2]?[0-9])|{V6}/(?:12[0-8]|1[01][0-9]|0?[0-9]?[0-9]))$"))
}

/// An IPv4 prefix of this length.
pub(super) fn prefix_v4(len: u8) -> Shape {
    Shape::Pattern(format!("^{V4}/{len}$"))
}

/// An IPv4 prefix of any length.
pub(super) fn prefix_of_v4() -> Shape {
    Shape::Pattern(format!("^{V4}/(?:3[0-2]|[0-2]?[0-9])$"))
}

/// An IPv6 prefix of this length.
pub(super) fn prefix_v6(len: u8) -> Shape {
    Shape::Pattern(format!("^{V6}/{len}$"))
}

/// One of `of`, or a list of at least and at most so many.
pub(super) fn one_or_many(of: fn() -> Shape, least: usize, most: Option<usize>) -> Shape {
    Shape::Any(vec![of(), Shape::List { of: Box::new(of()), least, most, differ: false }])
}

/// A list that is not empty.
pub(super) fn some(of: Shape) -> Shape {
    Shape::List { of: Box::new(of), least: 1, most: None, differ: false }
}

/// A list, which may be empty.
pub(super) fn list(of: Shape) -> Shape {
    Shape::List { of: Box::new(of), least: 0, most: None, differ: false }
}

/// `most` tables at the most, by their names.
pub(super) fn named(table: Table, most: usize) -> Shape {
    Shape::Named { of: Box::new(table.shape()), least: 0, most }
}

/// Four octets.
const V4: &str = r"(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])";
/// Hexadecimal digits and colons, with an IPv4 address at the end perhaps; that there are too many is not seen.
const V6: &str = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*";
