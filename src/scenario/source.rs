//! A scenario file as text, and places in it; it gives the text no meaning.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A stretch of a scenario file, in octets from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extent {
    /// The first octet.
    pub start: usize,
    /// One past the last octet.
    pub end: usize,
}

impl From<Range<usize>> for Extent {
    fn from(range: Range<usize>) -> Self {
        Extent { start: range.start, end: range.end.max(range.start) }
    }
}

/// A value and where the file says it. Where the file does not (a default), the place is that of what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub at: Extent,
}

impl<T> Located<T> {
    /// `value`, written at `at`.
    pub const fn new(value: T, at: Extent) -> Self {
        Located { value, at }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: f(self.value), at: self.at }
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The name and the text of a scenario file. Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
}

impl Source {
    /// The file called `name` that holds `text`.
    pub fn new(name: &str, text: &str) -> Self {
        Source { name: name.into(), text: text.into() }
    }

    /// What the file is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of the start of `place`, both from 1; columns count characters.
    pub fn line_column(&self, place: Extent) -> (usize, usize) {
        let before = &self.text[..self.clamped(place).start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The lines of `place`, with the one before and the one after.
    pub(super) fn lines_around(&self, place: Extent) -> impl Iterator<Item = &str> {
        let Extent { start, end } = self.clamped(place);
        let before = self.text[..start].rmatch_indices('\n').map(|(at, _)| at + 1).nth(1).unwrap_or(0);
        let after = self.text[end..].match_indices('\n').map(|(at, _)| end + at).nth(1).unwrap_or(self.text.len());
        self.text[before..after].split('\n')
    }

    /// `place` cut to the text and widened to whole characters, so that it can slice the text.
    pub fn clamped(&self, place: Extent) -> Extent {
        let mut start = place.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = place.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        Extent { start, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let source = Source::new("x", "a = 1\né = 2\n");
        let place = |start, end| Extent { start, end };
        assert_eq!(source.line_column(place(0, 1)), (1, 1));
        assert_eq!(source.line_column(place(6, 8)), (2, 1));
        assert_eq!(source.line_column(place(9, 10)), (2, 3), "é is one character and two octets");
        assert_eq!(source.line_column(place(999, 1000)), (3, 1), "a place past the end is the end");
        assert_eq!(source.clamped(place(7, 7)), place(6, 8), "inside é");
        assert_eq!(source.clamped(place(6, 7)), place(6, 8), "half of é");
    }
}
