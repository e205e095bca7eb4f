//! Sentences broken into lines between words.

#[cfg(feature = "engine")]
use std::io::{self, Write};

use crate::domain::columns;

/// The text in lines of at most `width` columns, broken at spaces. Leading spaces are kept on every line, so that
/// indented text stays indented; a word that is wider than a line has one of its own. A command between backticks is
/// one word, so that it can be copied.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let body = text.trim_start_matches(' ');
    let indent = &text[..text.len() - body.len()];
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for word in words(body) {
        let is_first = line.len() == indent.len();
        if !is_first && columns::count(&line) + 1 + columns::count(word) > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        } else if !is_first {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// As [`wrap`], with the lines behind the first one as far to the right as `hang` says.
#[cfg(feature = "engine")]
pub(super) fn wrap_hanging(text: &str, hang: usize, width: usize) -> Vec<String> {
    let (first, rest) = text.split_at_checked(hang).unwrap_or((text, ""));
    let indented = format!("{}{rest}", " ".repeat(hang));
    let mut lines = wrap(&indented, width);
    if let Some(line) = lines.first_mut() {
        line.replace_range(..hang.min(line.len()), first);
    }
    lines
}

#[cfg(feature = "engine")]
/// Breaks the lines that are written to it between words, and hands them on.
pub(super) struct Wrapping<'a> {
    to: &'a mut (dyn Write + Send),
    width: usize,
    line: Vec<u8>,
}

#[cfg(feature = "engine")]
impl<'a> Wrapping<'a> {
    /// Of lines that are longer than so many columns.
    pub(super) fn new(to: &'a mut (dyn Write + Send), width: usize) -> Self {
        let line = Vec::new();
        Self { to, width, line }
    }
}

#[cfg(feature = "engine")]
impl Write for Wrapping<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let Some(end) = text.iter().position(|byte| *byte == b'\n') else {
            self.line.extend(text);
            return Ok(text.len());
        };
        self.line.extend(&text[..end]);
        let line = std::mem::take(&mut self.line);
        for line in wrap(&String::from_utf8_lossy(&line), self.width) {
            writeln!(self.to, "{line}")?;
        }
        Ok(end + 1)
    }

    /// A line that has not ended stays until it has.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The words of a text: what stands between spaces, where spaces between backticks do not count.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '`';
        c == ' ' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "engine")]
    #[test]
    fn what_is_written_in_pieces_breaks_between_words_as_well() {
        let mut written = Vec::new();
        let mut wrapping = Wrapping::new(&mut written, 9);
        for piece in ["  one t", "wo three\n", "four\nfi", "ve"] {
            write!(wrapping, "{piece}").unwrap();
        }
        assert_eq!(written, b"  one two\n  three\nfour\n");
    }

    #[cfg(feature = "engine")]
    #[test]
    fn what_stands_before_a_line_is_not_written_over_by_the_next() {
        assert_eq!(
            wrap_hanging("  10 s  one two three", 8, 15),
            ["  10 s  one two", "        three"]
        );
        assert_eq!(wrap_hanging("  1 s", 8, 15), ["  1 s"]);
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(wrap("a/very/long/path x", 6), ["a/very/long/path", "x"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(
            wrap("run `lifeboat init` now", 16),
            ["run", "`lifeboat init`", "now"]
        );
    }
}
