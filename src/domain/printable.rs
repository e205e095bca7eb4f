//! Text from outside made safe to print: names, notes, file names, hook output, error texts.
//!
//! A terminal obeys control characters wherever they come from. A page name with an escape sequence in it must not
//! move the cursor, change the title or paste into a shell. Text that reorders itself, or holds what nobody sees, must
//! not make one name look like another. And terminals do not agree on how wide emoji sequences are, so that a row with
//! one in it would be out of line: what is left here is as wide as its characters are one by one.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Stands for a character that would not be seen, or that a terminal would act on.
const SIGN: char = '\u{fffd}';
/// Stands for a space that is not the usual one, and looks like it.
const SPACE: char = '\u{2423}';

/// The text as one line in which every character is seen, and seen alike on every terminal:
///
/// - tabs and line ends are spaces;
/// - `�` stands for whatever a terminal could act on, that changes the order of others, that is not seen, or that has
///   no shape that everybody knows, and for what changes the colour of an emoji;
/// - `␣` stands for spaces that only look like one;
/// - a flag is its two letters, `ⒹⒺ`: each of its halves is one or two columns wide, whichever terminal it is;
/// - an emoji that could be a plain symbol as well is the plain symbol.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| is_usual(char::from(byte))) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if matches!(c, TEXT_FORM | EMOJI_FORM) && before.is_some_and(has_two_forms) {
            // A second one of these would say nothing about the character before.
            before = None;
            continue;
        }
        let last = shown.chars().next_back();
        let bears_marks = last.is_some_and(|last| !last.is_whitespace() && last != SIGN);
        shown.push(shape(c, bears_marks));
        before = Some(c);
    }
    if shown == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(shown)
    }
}

/// Whether anything is seen of a text: a character that is neither a blank nor what nobody sees.
#[must_use]
pub fn is_seen(text: &str) -> bool {
    line(text)
        .chars()
        .any(|c| !matches!(c, SIGN | SPACE) && !c.is_whitespace())
}

/// The text as it may be kept when somebody has typed or pasted it into one line: as it is, but for controls. What is
/// shown of it goes through [`line()`] like everything else.
#[must_use]
pub fn typed(text: &str) -> String {
    let kept = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        c if c.is_control() => SIGN,
        c => c,
    };
    text.chars().map(kept).collect()
}

/// JSON in which everything that is not seen is written as an escape: it reads the same, and a terminal that it is
/// printed on obeys nothing in it.
#[must_use]
pub fn json(text: String) -> String {
    use std::fmt::Write as _;

    // Outside of strings JSON is made of usual characters and line ends.
    let is_plain = |c: char| c.is_ascii() && c != '\u{7f}';
    if text.bytes().all(|byte| is_plain(char::from(byte))) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) || !is_unseen(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into memory cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// What is shown for a character. `bears_marks` says whether what stands before it is something that a mark can stand
/// on: not a sign, and not a space, where text may be broken.
fn shape(c: char, bears_marks: bool) -> char {
    match c {
        c if is_usual(c) => c,
        '\t' | '\n' | '\r' => ' ',
        c if is_odd_space(c) => SPACE,
        '\u{1f1e6}'..='\u{1f1ff}' => char::from_u32(u32::from(c) - 0x1_f1e6 + u32::from('Ⓐ')).unwrap_or(SIGN),
        '\u{1f3fb}'..='\u{1f3ff}' => SIGN,
        c if is_unseen(c) || (!bears_marks && c.width() == Some(0)) => SIGN,
        c => c,
    }
}

/// Whether it is a printable character of ASCII.
fn is_usual(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Whether it looks like the usual space and is not. The ideographic one is two columns wide, and the usual one in its
/// scripts.
fn is_odd_space(c: char) -> bool {
    c.is_whitespace() && !c.is_control() && !matches!(c, ' ' | '\u{2028}' | '\u{2029}' | '\u{3000}')
}

/// Ask for the plain or the emoji form of the character before.
const TEXT_FORM: char = '\u{fe0e}';
const EMOJI_FORM: char = '\u{fe0f}';

/// Whether there is a plain and an emoji form of a character. They differ in how wide they are.
fn has_two_forms(c: char) -> bool {
    let wide = |form: char| String::from_iter([c, form]).width();
    wide(TEXT_FORM) != wide(EMOJI_FORM)
}

/// Whether nothing would be seen of a character, or nobody could tell what: controls, also those that change direction
/// or join; what is not assigned or for private use; separators of lines; what Unicode says is ignored where it is not
/// supported; and what is a blank of its own.
fn is_unseen(c: char) -> bool {
    !is_usual(c)
        && (c.is_control()
            || !has_shape(c)
            || matches!(c,
                '\u{034f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{ffa0}'
                | '\u{13441}'..='\u{13442}'
                | '\u{16fe4}'
                | '\u{1d159}'
                | '\u{e0100}'..='\u{e01ef}'))
}

/// Whether a character has a shape of its own. The standard library has the table: it escapes all others in what it
/// prints for people who look for errors. A character that stands on another has one; the library takes it for what it
/// is only behind another.
fn has_shape(c: char) -> bool {
    let mut bytes = [b'x'; 5];
    let length = c.encode_utf8(&mut bytes[1..]).len();
    let pair = std::str::from_utf8(&bytes[..=length]).unwrap_or_default();
    c == '\u{3000}' || is_odd_space(c) || pair.escape_debug().eq(pair.chars())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::columns;

    #[test]
    fn plain_text_is_not_copied() {
        for text in [
            "plain",
            "Über uns 日本 🚤",
            "नमस्ते हिन्दी",
            "ไทย",
            "한국어 각",
            "עברית",
            "e\u{301}",
            "ok\u{3000}",
        ] {
            assert!(
                matches!(line(text), Cow::Borrowed(_)),
                "{text:?}: {:?}",
                line(text)
            );
        }
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
            assert!(safe.chars().all(|c| is_usual(c) || c == SIGN), "{safe:?}");
            assert_eq!(safe.chars().count(), text.chars().count());
        }
    }

    #[test]
    fn what_nobody_sees_has_a_sign() {
        let ranges = [
            '\u{80}'..='\u{9f}',
            '\u{ad}'..='\u{ad}',
            '\u{34f}'..='\u{34f}',
            '\u{61c}'..='\u{61c}',
            '\u{115f}'..='\u{1160}',
            '\u{17b4}'..='\u{17b5}',
            '\u{180b}'..='\u{180f}',
            '\u{200b}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{2800}'..='\u{2800}',
            '\u{3164}'..='\u{3164}',
            '\u{e000}'..='\u{e010}',
            '\u{fe00}'..='\u{fe0f}',
            '\u{feff}'..='\u{feff}',
            '\u{ffa0}'..='\u{ffa0}',
            '\u{fff0}'..='\u{fffc}',
            '\u{1d173}'..='\u{1d17a}',
            '\u{1f3fb}'..='\u{1f3ff}',
            '\u{e0000}'..='\u{e0fff}',
            '\u{10fffe}'..='\u{10ffff}',
        ];
        for c in ranges.into_iter().flatten().filter(|c| *c != '\u{fffc}') {
            let text = format!("na{c}me");
            assert_eq!(line(&text), "na\u{fffd}me", "{c:?}");
        }
        for c in [
            '\u{a0}', '\u{1680}', '\u{2000}', '\u{200a}', '\u{202f}', '\u{205f}',
        ] {
            assert_eq!(line(&format!("a{c}b")), "a\u{2423}b", "{c:?}");
        }
        assert_eq!(line("\u{301}a"), "\u{fffd}a", "a mark with nothing to stand on");
        assert_eq!(line("a \u{301}b"), "a \u{fffd}b");
    }

    #[test]
    fn emoji_are_as_wide_everywhere_as_they_are_here() {
        assert_eq!(line("a ❤\u{fe0f} b"), "a ❤ b");
        assert_eq!(line("⌚\u{fe0f}⌚\u{fe0e}"), "⌚⌚");
        assert_eq!(line("❤\u{fe0f}\u{fe0f}"), "❤\u{fffd}");
        assert_eq!(line("1\u{fe0f}\u{20e3}"), "1\u{20e3}");
        assert_eq!(line("a\u{fe0f}"), "a\u{fffd}");
        assert_eq!(line("🇩🇪🇫🇷"), "ⒹⒺⒻⓇ");
        assert_eq!(line("👍🏽"), "👍\u{fffd}");
        assert_eq!(line("👩\u{200d}💻"), "👩\u{fffd}💻");
    }

    #[test]
    fn what_was_typed_is_kept_but_for_controls() {
        let text = "Attention\u{a0}: ❤\u{fe0f} 🇩🇪 👩\u{200d}💻";
        assert_eq!(typed(text), text);
        assert_eq!(typed("a\u{1b}[2J\tb\r\nc\u{9b}"), "a\u{fffd}[2J b  c\u{fffd}");
    }

    #[test]
    fn json_keeps_its_meaning_and_loses_what_a_terminal_obeys() {
        let text = "日本 \u{202e}x\u{9b}2J\u{7f}\u{e0041}\u{feff} \"\\ \u{1b}";
        let json = json(serde_json::to_string_pretty(&[text]).unwrap());
        assert!(!json.chars().any(|c| c != '\n' && is_unseen(c)), "{json:?}");
        assert!(
            json.contains("\\u202e") && json.contains("\\udb40\\udc41"),
            "{json}"
        );
        assert!(json.contains("日本"), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }

    /// Texts of what makes trouble, and of everything else.
    fn texts() -> impl Strategy<Value = String> {
        let odd = "[\u{fe0e}\u{fe0f}\u{200d}\u{200b}\u{1f1e6}-\u{1f1ff}\u{1f3fb}-\u{1f3ff}👍❤⌚👩💻1#\u{20e3}\u{301}日ก-์لا\u{17d2}ក-ឃ\u{1100}-\u{1200}क-ह\u{94d} a]";
        let piece =
            prop_oneof![3 => odd.prop_map(|text: String| text), 1 => any::<char>().prop_map(String::from)];
        proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_safe_line_is_safe_and_stays_as_it_is(text in texts()) {
            let safe = line(&text);
            prop_assert!(!safe.chars().any(is_unseen), "{:?}", safe);
            prop_assert_eq!(line(&safe), safe.clone());
            // What stands before a place does not depend on what follows: the cursor of a field counts on it.
            for (at, _) in text.char_indices() {
                prop_assert!(safe.starts_with(&*line(&text[..at])));
            }
            // Each character with the marks on it is as wide as whoever draws it reckons.
            for cluster in columns::clusters(&safe) {
                prop_assert_eq!(cluster.width(), columns::count(cluster), "{:?}", cluster);
            }
        }
    }
}
