//! Text from outside made safe to print: names, notes, file names, hook output, error texts.
//!
//! A terminal obeys control characters wherever they come from. A page name with an escape sequence in it must not
//! move the cursor, change the title or paste into a shell, and text that reorders itself must not make one name look
//! like another.

use std::borrow::Cow;

/// The text with every character that a terminal could act on, or that changes the order of others, replaced by a
/// visible `�`. Tabs and line ends become spaces: the result is always one line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => ' ',
            c if is_unsafe(c) => '\u{fffd}',
            c => c,
        })
        .collect::<String>()
        .into()
}

/// C0 and C1 controls, delete, line and paragraph separators, and the Unicode controls that change direction or join
/// invisibly.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(line("Über uns 日本 🚤"), Cow::Borrowed(_)));
    }

    #[test]
    fn nothing_a_terminal_obeys_comes_through() {
        for text in [
            "\u{1b}[2J",
            "\u{9b}31m",
            "a\u{7f}b",
            "a\rb",
            "\u{1b}]0;title\u{7}",
            "abc\u{202e}fdp.exe",
            "a\u{200b}b",
        ] {
            let safe = line(text);
            assert!(safe.chars().all(|c| !is_unsafe(c)), "{safe:?}");
            assert_eq!(safe.chars().count(), text.chars().count());
        }
    }
}
