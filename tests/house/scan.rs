//! Rust text with its comments and literals blanked, line by line as it was: what rules can look at without a parser.

use std::ops::Range;

/// A source file, prepared for the rules.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its path from the root of the package, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Comments and the insides of literals are blanks; as many octets, and the same lines, as `text`.
    pub(crate) code: String,
    /// The insides of literals are blanks, comments are there.
    pub(crate) prose: String,
    /// Places in `code` that only tests are compiled with.
    tests: Vec<Range<usize>>,
}

impl Source {
    /// Prepares `text` of the file at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, prose) = blank(text);
        let tests = test_items(&code);
        Source { path: path.into(), text: text.into(), code, prose, tests }
    }

    /// The line of the octet `at`, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at].iter().filter(|&&octet| octet == b'\n').count() + 1
    }

    /// Whether only tests are compiled with what is at `at`.
    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// The words of the code, each with its place: identifiers, keywords and numbers.
    pub(crate) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        words(&self.code)
    }
}

/// Runs of letters, digits and underscores in `code`, each with its place.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let octets = code.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + octets[at..].iter().position(|&octet| is_word(octet))?;
        let len = octets[start..].iter().position(|&octet| !is_word(octet)).unwrap_or(octets.len() - start);
        at = start + len;
        Some((start, &code[start..at]))
    })
}

/// The place after the bracket that closes the one at `open`; the end of `code` if none does.
pub(crate) fn close(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, octet) in code.bytes().enumerate().skip(open) {
        match octet {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// The body of the item whose head begins at `start`: its opening brace, or `None` if a semicolon comes first.
pub(crate) fn body(code: &str, start: usize) -> Option<usize> {
    let octets = code.as_bytes();
    let mut at = start;
    while at < octets.len() {
        match octets[at] {
            b'(' | b'[' => at = close(code, at),
            // A constant generic argument.
            b'{' if octets[..at].trim_ascii_end().last() == Some(&b'<') => at = close(code, at),
            b'{' => return Some(at),
            b';' => return None,
            _ => at += 1,
        }
    }
    None
}

fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'_' || octet >= 0x80
}

/// Items under `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mark = "#[cfg(test)]";
    let starts = code.match_indices(mark).map(|(at, _)| at);
    starts.map(|at| at..end_of_item(code, at + mark.len())).collect()
}

/// Where the item that begins at `start`, attributes and all, ends.
fn end_of_item(code: &str, start: usize) -> usize {
    match body(code, start) {
        Some(open) => close(code, open),
        None => code[start..].find(';').map_or(code.len(), |len| start + len + 1),
    }
}

/// Which text is gone through.
#[derive(Clone, Copy)]
enum Piece {
    Code,
    Comment,
    Literal,
}

/// `text` without comments and literals, and without literals only.
fn blank(text: &str) -> (String, String) {
    let (mut code, mut prose) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
    let mut at = 0;
    while at < text.len() {
        let (piece, len) = piece(text, at);
        for &octet in &text.as_bytes()[at..at + len] {
            let blank = if octet == b'\n' { b'\n' } else { b' ' };
            let (in_code, in_prose) = match piece {
                Piece::Code => (octet, octet),
                Piece::Comment => (blank, octet),
                Piece::Literal => (blank, blank),
            };
            code.push(in_code);
            prose.push(in_prose);
        }
        at += len;
    }
    let whole = |octets| String::from_utf8(octets).expect("only whole pieces are blanked");
    (whole(code), whole(prose))
}

/// What begins at `at`, and how long it is.
fn piece(text: &str, at: usize) -> (Piece, usize) {
    let rest = &text[at..];
    let after_word = text[..at].bytes().next_back().is_some_and(is_word);
    if rest.starts_with("//") {
        return (Piece::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Piece::Comment, block_comment(rest));
    }
    if !after_word && let Some(len) = raw_string(rest) {
        return (Piece::Literal, len);
    }
    if rest.starts_with('"') {
        return (Piece::Literal, quoted(rest, b'"'));
    }
    if rest.starts_with('\'') && is_character(rest) {
        return (Piece::Literal, quoted(rest, b'\''));
    }
    (Piece::Code, rest.chars().next().map_or(1, char::len_utf8))
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a raw string, prefix and all, if one begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|p| rest.strip_prefix(p).is_some_and(|r| r.trim_start_matches('#').starts_with('"')))?;
    let hashes = rest[prefix.len()..].bytes().take_while(|&octet| octet == b'#').count();
    let start = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[start..].find(&end).map_or(rest.len(), |len| start + len + end.len()))
}

/// The length of a literal between two `quote`s, in which a backslash takes the next octet with it.
fn quoted(rest: &str, quote: u8) -> usize {
    let octets = rest.as_bytes();
    let mut at = 1;
    while at < octets.len() {
        match octets[at] {
            b'\\' => at += 2,
            octet if octet == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Whether a quotation mark begins a character, not a lifetime or a label.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    match characters.next() {
        Some('\\') => true,
        Some(_) => characters.next() == Some('\''),
        None => false,
    }
}
