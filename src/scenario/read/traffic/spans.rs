//! When a stream begins and ends, within the run.

use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::read::LONGEST_RUN;
use crate::scenario::reader::Table;
use crate::scenario::source::Located;
use crate::scenario::values;
use crate::time::Span;

/// `begin`, or the start of the run, and `end` if it is written; `None` where something is wrong, which is reported then.
pub(super) fn spans(table: &mut Table<'_>, duration: Option<Span>) -> Option<(Located<Span>, Option<Located<Span>>)> {
    let begin = table.optional("begin", values::span(Span::ZERO, LONGEST_RUN));
    let end = table.optional("end", values::span(Span::ZERO, LONGEST_RUN));
    if begin.is_some() != table.has("begin") || end.is_some() != table.has("end") {
        return None;
    }
    let begin = begin.unwrap_or(Located::new(Span::ZERO, table.at()));
    let remedy = |duration: Span| format!("let it lie within the run, or write a longer `duration` than {duration}");
    match (end, duration) {
        (Some(end), _) if end.value <= begin.value => {
            let message = format!("the stream ends at {} and begins at {}", end.value, begin.value);
            let empty = Diagnostic::error(end.at, message).label("no later than it begins");
            table.report(empty.also(begin.at, "it begins here").remedy("let it end later than it begins"));
            None
        }
        (_, Some(duration)) if begin.value >= duration => {
            let message = format!("the stream begins at {}, and the run ends at {duration}", begin.value);
            table.report(Diagnostic::error(begin.at, message).label("never").remedy(remedy(duration)));
            None
        }
        (Some(end), Some(duration)) if end.value > duration => {
            let message = format!("the stream ends at {}, and the run ends at {duration}", end.value);
            table.report(Diagnostic::error(end.at, message).label("after the run").remedy(remedy(duration)));
            None
        }
        _ => Some((begin, end)),
    }
}
