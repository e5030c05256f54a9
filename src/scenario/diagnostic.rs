//! What is wrong with a scenario, where, and what to do about it: all of it at once, drawn for people.

use std::cell::{Cell, RefCell};
use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::source::{Extent, Source};

/// Whether a scenario with this can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but is probably not what is meant.
    Warning,
}

/// One thing that is wrong, or looks so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it keeps the scenario from being run.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where; `None` where there is no file to point into.
    pub at: Option<Extent>,
    /// What is said beside the offending text.
    pub label: String,
    /// Other places that it concerns, and what is said beside each.
    pub also: Vec<(Extent, String)>,
    /// What to do about it.
    pub remedy: String,
    /// Whether something is missing that a file with a syntax error may hold all the same.
    pub(super) absence: bool,
}

impl Diagnostic {
    /// An error at `at`.
    pub fn error(at: Extent, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            at: Some(at),
            label: String::new(),
            also: Vec::new(),
            remedy: String::new(),
            absence: false,
        }
    }

    /// A warning at `at`.
    pub fn warning(at: Extent, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(at, message) }
    }

    /// With `label` beside the offending text.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With the advice `remedy`.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Concerning `at` too, with `label` beside it.
    pub fn also(mut self, at: Extent, label: impl Into<String>) -> Self {
        self.also.push((at, label.into()));
        self
    }

    pub(super) fn absent(mut self) -> Self {
        self.absence = true;
        self
    }
}

/// Everything that was found in one scenario, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    source: Source,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// `list` of `source`; sorted by place, the same thing said once.
    pub fn new(source: Source, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|diagnostic| (diagnostic.at, diagnostic.severity));
        list.dedup();
        Diagnostics { source, list }
    }

    /// One error that has no place in a file: `message` about the scenario called `name`.
    pub fn without_place(name: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let error = Diagnostic { at: None, ..Diagnostic::error(Extent::default(), message).remedy(remedy) };
        Diagnostics { source: Source::new(name, ""), list: vec![error] }
    }

    /// Each, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many are errors.
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// How many are warnings.
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// The file they are about.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// All of them for people: the offending text underlined, its file, line and column, and the remedy. Ends with a
    /// line that counts them. Past the first [`SHOWN`] only the count is told.
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(WIDTH)
            .with_links(false)
            .with_context_lines(1)
            .with_primary_span_start();
        let code = NamedSource::new(self.source.name(), self.source.text().to_owned());
        let mut out = String::new();
        for diagnostic in self.list.iter().take(SHOWN) {
            let drawn = Drawn { diagnostic, source: &self.source, code: &code };
            // Writing to a String cannot fail; what the handler refuses is told in one line, and so is what lies in lines that
            // no screen shows: the handler cannot draw those.
            let mark = out.len();
            if !self.is_drawable(diagnostic) || handler.render_report(&mut out, &drawn).is_err() {
                out.truncate(mark);
                out.push_str(&self.line(diagnostic));
            }
            out.push('\n');
        }
        if self.list.len() > SHOWN {
            out.push_str(&format!("... and {} more\n", self.list.len() - SHOWN));
        }
        out.push_str(&self.summary());
        out.push('\n');
        out
    }

    /// Whether the lines that a drawing shows are short enough.
    fn is_drawable(&self, diagnostic: &Diagnostic) -> bool {
        let places = diagnostic.at.into_iter().chain(diagnostic.also.iter().map(|(at, _)| *at));
        places.into_iter().all(|place| self.source.lines_around(place).all(|line| line.len() <= LONGEST_DRAWN))
    }

    /// `2 errors and 1 warning in lab.toml`.
    fn summary(&self) -> String {
        let counted = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{count} {what}s")),
        };
        let counts: Vec<String> =
            [counted(self.errors(), "error"), counted(self.warnings(), "warning")].into_iter().flatten().collect();
        let name = self.source.name();
        match self.list.len() {
            0 => format!("nothing wrong in {name}"),
            MOST_KEPT.. => format!("{} in {name}, and perhaps more", counts.join(" and ")),
            _ => format!("{} in {name}", counts.join(" and ")),
        }
    }

    /// `lab.toml:3:7: error: message (remedy)`.
    fn line(&self, diagnostic: &Diagnostic) -> String {
        let mut line = self.source.name().to_owned();
        if let Some(at) = diagnostic.at {
            let (row, column) = self.source.line_column(at);
            line.push_str(&format!(":{row}:{column}"));
        }
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        line.push_str(&format!(": {severity}: {}", diagnostic.message));
        if !diagnostic.remedy.is_empty() {
            line.push_str(&format!(" ({})", diagnostic.remedy));
        }
        line
    }
}

/// One line for each: file, line, column, message and remedy, without the drawing.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.list.iter().map(|diagnostic| self.line(diagnostic)).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Diagnostics {}

/// Where readers and checks put what they find, while they go on.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: RefCell<Vec<Diagnostic>>,
    any_error: Cell<bool>,
}

impl Problems {
    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.any_error.set(self.any_error.get() || diagnostic.severity == Severity::Error);
        let mut list = self.list.borrow_mut();
        if list.len() < MOST_KEPT {
            list.push(diagnostic);
        }
    }

    pub(super) fn any_error(&self) -> bool {
        self.any_error.get()
    }

    pub(super) fn into_list(self) -> Vec<Diagnostic> {
        self.list.into_inner()
    }
}

/// A diagnostic as `miette` wants it.
struct Drawn<'d> {
    diagnostic: &'d Diagnostic,
    source: &'d Source,
    code: &'d NamedSource<String>,
}

impl Drawn<'_> {
    fn span(&self, place: Extent) -> (usize, usize) {
        let place = self.source.clamped(place);
        (place.start, place.end - place.start)
    }
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let remedy = &self.diagnostic.remedy;
        (!remedy.is_empty()).then(|| Box::new(remedy) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.diagnostic.at.is_some().then_some(self.code as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let at = self.diagnostic.at?;
        let words = |label: &String| (!label.is_empty()).then(|| label.clone());
        let first = LabeledSpan::new_primary_with_span(words(&self.diagnostic.label), self.span(at));
        let rest = self.diagnostic.also.iter();
        let rest = rest.map(move |(place, label)| LabeledSpan::new_with_span(words(label), self.span(*place)));
        Some(Box::new(std::iter::once(first).chain(rest)))
    }
}

/// Diagnostics that are drawn at most; a file with more has one cause, and the first ones show it.
pub const SHOWN: usize = 100;

/// Diagnostics that are kept at most.
pub(super) const MOST_KEPT: usize = 1000;

/// Columns of the drawing.
const WIDTH: usize = 110;

/// The longest line, in octets, that is drawn.
const LONGEST_DRAWN: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offending_text_is_underlined_and_the_remedy_given() {
        let source = Source::new("lab.toml", "a = 1\nbandwith = \"10G\"\n");
        let at = Extent { start: 6, end: 14 };
        let wrong =
            Diagnostic::error(at, "unknown key `bandwith`").label("unknown").remedy("did you mean `bandwidth`?");
        let all = Diagnostics::new(source, vec![wrong]);
        let drawn = all.render(false);
        for part in ["lab.toml:2:1", "bandwith = \"10G\"", "────┬───", "help: did you mean `bandwidth`?", "1 error in"]
        {
            assert!(drawn.contains(part), "{part} in\n{drawn}");
        }
        assert!(!drawn.contains('\u{1b}'), "no colour where none is wanted");
        assert!(all.render(true).contains('\u{1b}'));
        assert_eq!(all.to_string(), "lab.toml:2:1: error: unknown key `bandwith` (did you mean `bandwidth`?)");
    }

    #[test]
    fn a_flood_is_cut_and_counted() {
        let source = Source::new("lab.toml", "x");
        let one = |n: usize| Diagnostic::error(Extent { start: 0, end: 1 }, format!("number {n}"));
        let all = Diagnostics::new(source, (0..SHOWN + 7).map(one).collect());
        let drawn = all.render(false);
        assert!(drawn.contains("... and 7 more\n107 errors in lab.toml\n"), "{drawn}");
    }
}
