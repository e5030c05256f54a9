//! Errors of the TOML itself, beside what could be read all the same; what only follows from them is left out.

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::{Extent, Source};

/// The syntax errors, and of the others those that a syntax error elsewhere cannot have caused: nothing is called
/// missing that may stand in the part which could not be read, and a line that is broken is told of once.
pub(super) fn errors(source: Source, tree: &DeTable<'_>, syntax: &[Error], others: Vec<Diagnostic>) -> Diagnostics {
    let end = source.text().len();
    let place = |error: &Error| error.span().map_or(Extent { start: end, end }, Extent::from);
    let mut swallowed = Vec::new();
    for unclosed in syntax.iter().filter(|error| is_unclosed(error)) {
        outermost_around(tree, place(unclosed), &mut swallowed);
    }
    let inside = |at: Extent| swallowed.iter().any(|span| span.start < at.start && at.start <= span.end);

    let mut list: Vec<Diagnostic> = Vec::new();
    for error in syntax.iter().filter(|error| !inside(place(error)) || is_open_text(error)) {
        list.push(syntax_error(place(error), error.message()));
    }
    for span in &swallowed {
        let open_text = |error: &&Error| is_open_text(error) && inside(place(error));
        if !syntax.iter().any(|error| open_text(&error)) {
            let open = Diagnostic::error(Extent { start: span.start, end: span.start + 1 }, "this is not closed");
            list.push(open.label("opened here").remedy("close it with `]`, a table in braces with `}`"));
        }
    }
    let lines = |at: Extent| {
        let end = Extent { start: at.end, end: at.end };
        source.line_column(at).0..=source.line_column(end).0
    };
    let broken: Vec<_> = syntax.iter().map(place).chain(swallowed.iter().copied()).map(lines).collect();
    let own = |diagnostic: &Diagnostic| {
        let line = diagnostic.at.map_or(0, |at| source.line_column(at).0);
        !diagnostic.absence && !broken.iter().any(|range| range.contains(&line))
    };
    list.extend(others.into_iter().filter(own));
    Diagnostics::new(source, list)
}

/// A list or table whose end was looked for and not found: what follows was read as if it were part of it.
fn is_unclosed(error: &Error) -> bool {
    error.message().starts_with("unclosed")
}

/// A text whose closing quote is missing: the cause of a list that has no end either.
fn is_open_text(error: &Error) -> bool {
    error.message().starts_with("invalid basic string, expected `\"`")
}

/// Adds the span of the outermost list or table in braces that holds `at`, once.
fn outermost_around(tree: &DeTable<'_>, at: Extent, spans: &mut Vec<Extent>) {
    for (key, value) in tree.iter() {
        let span = Extent::from(value.span());
        let around = span.start >= key.span().end && span.start <= at.start && at.start <= span.end;
        match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if around => spans.extend((!spans.contains(&span)).then_some(span)),
            DeValue::Table(table) => outermost_around(table, at, spans),
            DeValue::Array(items) => items.iter().filter_map(table_of).for_each(|t| outermost_around(t, at, spans)),
            _ => {}
        }
    }
}

fn table_of<'t, 'i>(item: &'t Spanned<DeValue<'i>>) -> Option<&'t DeTable<'i>> {
    item.get_ref().as_table()
}

fn syntax_error(at: Extent, message: &str) -> Diagnostic {
    let text = match message.split_once(", expected ") {
        Some((what, "")) => format!("this is not TOML: {what}"),
        Some((what, expected)) => format!("this is not TOML: {what}; expected {expected}"),
        None => format!("this is not TOML: {message}"),
    };
    let remedy = match message {
        "duplicate key" => "take one of the two away",
        _ => "see https://toml.io for how values are written; texts stand in double quotes",
    };
    Diagnostic::error(at, text).label("here").remedy(remedy)
}
