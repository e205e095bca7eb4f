//! Sentences broken into lines between words.

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
