//! Typed reading of the TOML tree that goes on after an error and leaves no key unread; it knows no key by itself.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Problems};
use super::nearest::{did_you_mean, listed};
use super::source::{Extent, Located};

/// Why a value is refused; the reader knows where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) remedy: String,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, label: impl Into<String>, remedy: impl Into<String>) -> Self {
        Fault { message: message.into(), label: label.into(), remedy: remedy.into() }
    }
}

/// A value with its key and its place.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    /// The key it stands under.
    pub(super) key: &'t str,
    /// Where the value is written.
    pub(super) at: Extent,
    /// The value itself.
    pub(super) value: &'t DeValue<'t>,
}

impl<'t> Value<'t> {
    /// The text of a string.
    pub(super) fn text(self) -> Result<&'t str, Fault> {
        self.value.as_str().ok_or_else(|| self.wrong_type("a text in quotes"))
    }

    /// A refusal because of the type, where `wanted` would do.
    pub(super) fn wrong_type(self, wanted: &str) -> Fault {
        let found = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{}` is {found}, and {wanted} is wanted", self.key);
        Fault::new(message, format!("this is {found}"), format!("write {wanted}"))
    }

    /// Whether it is `word`, or a list of that alone.
    pub(super) fn is_word(self, word: &str) -> bool {
        match self.items() {
            Some(items) => matches!(items[..], [one] if one.value.as_str() == Some(word)),
            None => self.value.as_str() == Some(word),
        }
    }

    /// The items, if it is a list.
    pub(super) fn items(self) -> Option<Vec<Value<'t>>> {
        let item =
            |item: &'t Spanned<DeValue<'t>>| Value { key: self.key, at: item.span().into(), value: item.get_ref() };
        self.value.as_array().map(|array| array.iter().map(item).collect())
    }
}

/// A table that may be switched off by `false` or "off" in its place.
pub(super) enum Switch<'t> {
    /// Not written, or reported.
    Absent,
    /// `false` or "off".
    Off,
    /// Written.
    On(Table<'t>),
}

struct Entry<'t> {
    key: &'t str,
    key_at: Extent,
    value: Value<'t>,
    read: bool,
}

/// A table that is being read. When it is dropped, it reports the keys that nobody asked for: none is ever ignored.
pub(super) struct Table<'t> {
    problems: &'t Problems,
    title: String,
    at: Extent,
    entries: Vec<Entry<'t>>,
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    /// The whole file.
    pub(super) fn root(tree: &'t DeTable<'t>, problems: &'t Problems) -> Self {
        Table::new(problems, "the file".to_owned(), Extent::default(), tree)
    }

    fn new(problems: &'t Problems, title: String, at: Extent, tree: &'t DeTable<'t>) -> Self {
        let entry = |(key, value): (&'t Spanned<Cow<'t, str>>, &'t Spanned<DeValue<'t>>)| {
            let name: &'t str = key.get_ref();
            let value = Value { key: name, at: value.span().into(), value: value.get_ref() };
            Entry { key: name, key_at: key.span().into(), value, read: false }
        };
        let mut entries: Vec<Entry<'t>> = tree.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.key_at);
        Table { problems, title, at, entries, asked: Vec::new() }
    }

    /// The value under `key`, which is known from now on.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Value<'t>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        entry.read = true;
        Some(entry.value)
    }

    /// What `read` makes of the value under `key`; absent or reported otherwise.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'t>) -> Result<T, Fault>,
    ) -> Option<Located<T>> {
        let value = self.value(key)?;
        self.accept(value, read)
    }

    /// Like [`Table::optional`]; that the key is absent is reported, with `example` as a value that would do.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(Value<'t>) -> Result<T, Fault>,
    ) -> Option<Located<T>> {
        match self.value(key) {
            Some(value) => self.accept(value, read),
            None => {
                self.report_missing(key, example);
                None
            }
        }
    }

    /// The items of the list under `key` that `read` accepts, the others reported; empty where the key is absent.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(Value<'t>) -> Result<T, Fault>,
    ) -> Vec<Located<T>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.items() else {
            let remedy = match value.value {
                DeValue::Table(_) => format!("write `{key} = [...]`"),
                _ => format!("put it in brackets: `{key} = [...]`"),
            };
            self.report_fault(value.at, Fault { remedy, ..value.wrong_type("a list") });
            return Vec::new();
        };
        items.into_iter().filter_map(|item| self.accept(item, &read)).collect()
    }

    /// Like [`Table::list`]; that the list is absent or empty is reported.
    pub(super) fn required_list<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl Fn(Value<'t>) -> Result<T, Fault>,
    ) -> Vec<Located<T>> {
        match self.value(key) {
            None => self.report_missing(key, example),
            Some(value) if value.items().is_some_and(|items| items.is_empty()) => {
                let remedy = format!("write `{key} = {example}`");
                self.report_fault(value.at, Fault::new(format!("`{key}` is empty"), "at least one", remedy));
            }
            Some(_) => return self.list(key, read),
        }
        Vec::new()
    }

    /// The values of the list under `key`, or the single value that may stand there instead; `None` where the key is
    /// absent or one of them is reported.
    pub(super) fn one_or_many<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(Value<'t>) -> Result<T, Fault>,
    ) -> Option<Vec<Located<T>>> {
        let value = self.value(key)?;
        let items = value.items().unwrap_or_else(|| vec![value]);
        let accepted: Vec<Option<Located<T>>> = items.into_iter().map(|item| self.accept(item, &read)).collect();
        accepted.into_iter().collect()
    }

    /// The table under `key`, or that the file says `false` or "off" there.
    pub(super) fn table_or_off(&mut self, key: &'static str, title: String) -> Switch<'t> {
        match self.value(key) {
            None => Switch::Absent,
            Some(value) if value.value.as_bool() == Some(false) || value.value.as_str() == Some("off") => Switch::Off,
            Some(value) => self.as_table(value, title).map_or(Switch::Absent, Switch::On),
        }
    }

    /// The table under `key`, called `title`.
    pub(super) fn table(&mut self, key: &'static str, title: String) -> Option<Table<'t>> {
        let value = self.value(key)?;
        self.as_table(value, title)
    }

    /// The tables of the list under `key` (`[[key]]`), each with `title`.
    pub(super) fn tables(&mut self, key: &'static str, title: &str) -> Vec<Table<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.items() {
            Some(items) => items.into_iter().filter_map(|item| self.as_table(item, title.to_owned())).collect(),
            None => {
                let wanted = Fault { remedy: format!("write `{title}`"), ..value.wrong_type("a list of tables") };
                self.report_fault(value.at, wanted);
                Vec::new()
            }
        }
    }

    /// The tables inside the table under `key`, by their own names (`[key.name]`), in the order of the file.
    pub(super) fn named(&mut self, key: &'static str, prefix: &str) -> Vec<(Located<String>, Table<'t>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(tree) = value.value.as_table() else {
            let wanted = Fault { remedy: format!("write `[{prefix}.NAME]`"), ..value.wrong_type("a table") };
            self.report_fault(value.at, wanted);
            return Vec::new();
        };
        let outer = Table::new(self.problems, String::new(), value.at, tree);
        let mut tables = Vec::new();
        for entry in &outer.entries {
            if let Some(mut table) = self.as_table(entry.value, format!("[{prefix}.{}]", entry.key)) {
                table.at = entry.key_at;
                tables.push((Located::new(entry.key.to_owned(), entry.key_at), table));
            }
        }
        outer.leave();
        tables
    }

    /// All keys, with their values, of a table whose keys are names.
    pub(super) fn pairs(&self) -> Vec<(Located<&'t str>, Value<'t>)> {
        self.entries.iter().map(|entry| (Located::new(entry.key, entry.key_at), entry.value)).collect()
    }

    /// Takes the table out of the duty to report: its keys are names, or all was said already.
    pub(super) fn leave(mut self) {
        self.entries.clear();
    }

    /// Whether `key` is written. It is not read by that.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// The value under `key`, which is not read by that.
    pub(super) fn peek(&self, key: &str) -> Option<Value<'t>> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.value)
    }

    /// Where `key` is written.
    pub(super) fn key_at(&self, key: &str) -> Option<Extent> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.key_at)
    }

    /// Where the table begins: its header or its name.
    pub(super) const fn at(&self) -> Extent {
        self.at
    }

    /// What messages call the table.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Takes `key` away and, if it was written, reports `message` with `remedy`.
    /// It stays out of the keys that are suggested.
    pub(super) fn refuse(&mut self, key: &'static str, message: impl Into<String>, remedy: impl Into<String>) {
        if let Some(place) = self.entries.iter().position(|entry| entry.key == key) {
            let entry = self.entries.remove(place);
            let error = Diagnostic::error(entry.key_at, message).label("not here").remedy(remedy);
            self.problems.report(error);
        }
    }

    /// Reports that `key` is absent.
    pub(super) fn report_missing(&self, key: &str, example: &str) {
        let missing = Diagnostic::error(self.at, format!("{} has no `{key}`", self.title))
            .label(format!("`{key}` is missing"))
            .remedy(format!("add `{key} = {example}`"));
        self.problems.report(missing.absent());
    }

    /// Reports `fault` at `at`.
    pub(super) fn report_fault(&self, at: Extent, fault: Fault) {
        self.problems.report(Diagnostic::error(at, fault.message).label(fault.label).remedy(fault.remedy));
    }

    /// Reports `diagnostic`.
    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.problems.report(diagnostic);
    }

    /// The items of the list under `key`; what is no list is reported.
    pub(super) fn values(&mut self, key: &'static str) -> Vec<Value<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        if value.items().is_none() {
            self.report_fault(
                value.at,
                Fault { remedy: format!("write `{key} = [...]`"), ..value.wrong_type("a list") },
            );
        }
        value.items().unwrap_or_default()
    }

    /// `value` as a table, if it is one.
    pub(super) fn inline(&self, value: Value<'t>, title: &str) -> Option<Table<'t>> {
        value.value.as_table().map(|tree| Table::new(self.problems, title.to_owned(), value.at, tree))
    }

    /// What `read` makes of `value`, reported where it makes nothing.
    pub(super) fn accept<T>(
        &self,
        value: Value<'t>,
        read: impl FnOnce(Value<'t>) -> Result<T, Fault>,
    ) -> Option<Located<T>> {
        match read(value) {
            Ok(read) => Some(Located::new(read, value.at)),
            Err(fault) => {
                self.report_fault(value.at, fault);
                None
            }
        }
    }

    fn as_table(&self, value: Value<'t>, title: String) -> Option<Table<'t>> {
        match value.value.as_table() {
            Some(tree) => Some(Table::new(self.problems, title, value.at, tree)),
            None => {
                let remedy =
                    format!("write `{} = {{ ... }}`, keys and values in braces, or `[...]` above them", value.key);
                self.report_fault(value.at, Fault { remedy, ..value.wrong_type("a table") });
                None
            }
        }
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        for entry in self.entries.iter().filter(|entry| !entry.read) {
            let known = || self.asked.iter().copied();
            let remedy = did_you_mean(entry.key, known(), format!("the keys here are {}", listed(known())));
            let unknown = Diagnostic::error(entry.key_at, format!("{} has no key `{}`", self.title, entry.key));
            self.problems.report(unknown.label("unknown key").remedy(remedy));
        }
    }
}
