//! What people write for others to read: notes and reasons. One rule for all of them, wherever they were written.
//!
//! A text is one line of at most [`TEXT_LIMIT`] characters without controls, and one in which nothing is seen counts as
//! none. Not in here: how a text from outside is shown ([`super::printable`]).

use super::printable;

/// The most characters of a note or a reason.
pub const TEXT_LIMIT: usize = 1_000;

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAText {
    /// It is too long.
    #[error("a text is too long: it has {0} characters, and at most {TEXT_LIMIT} are kept")]
    TooLong(usize),
    /// A terminal would act on it.
    #[error("a text has control characters in it: write it in one line, without them")]
    Controls,
    /// Nobody would see anything of it.
    #[error("a text has nothing in it that can be seen: write a reason that others can read")]
    Unseen,
}

/// The text as it is kept, without blanks around it; `None` where nothing of it would be seen.
///
/// # Errors
/// [`NotAText`] where it is too long, or has controls in it.
pub fn optional(text: &str) -> Result<Option<String>, NotAText> {
    let length = text.chars().count();
    if length > TEXT_LIMIT {
        return Err(NotAText::TooLong(length));
    }
    if text.chars().any(char::is_control) {
        return Err(NotAText::Controls);
    }
    let text = text.trim();
    Ok(printable::is_seen(text).then(|| text.to_owned()))
}

/// As [`optional`], where there may be no text at all.
///
/// # Errors
/// As [`optional`].
pub fn if_any(text: Option<&str>) -> Result<Option<String>, NotAText> {
    text.map_or(Ok(None), optional)
}

/// As [`optional`], where somebody has to be told something.
///
/// # Errors
/// As [`optional`], and where nothing would be seen of it.
pub fn needed(text: &str) -> Result<String, NotAText> {
    optional(text)?.ok_or(NotAText::Unseen)
}

/// As [`optional`], for arguments: what has nothing in it that can be seen is empty.
///
/// # Errors
/// As [`optional`].
pub fn argument(text: &str) -> Result<String, NotAText> {
    Ok(optional(text)?.unwrap_or_default())
}

/// What an argument that went through [`argument`] says: an empty one is none.
#[must_use]
pub fn said(argument: Option<String>) -> Option<String> {
    argument.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_no_reason() {
        for unseen in [
            "",
            " ",
            "\u{200b}",
            "\u{200b} \u{2060}\u{feff}",
            "\u{a0}\u{3000}",
            "\u{2800}\u{3164}",
            "\u{fe0f}",
            "\u{301}",
            "\u{e0041}",
        ] {
            assert_eq!(optional(unseen), Ok(None), "{unseen:?}");
            assert_eq!(needed(unseen), Err(NotAText::Unseen), "{unseen:?}");
            assert_eq!(argument(unseen), Ok(String::new()), "{unseen:?}");
            assert_eq!(said(argument(unseen).ok()), None, "{unseen:?}");
        }
        assert_eq!(needed(" the site is down "), Ok("the site is down".to_owned()));
        assert_eq!(
            needed("é"),
            Ok("é".to_owned()),
            "a letter with a mark on it is one"
        );
        assert_eq!(needed("日本"), Ok("日本".to_owned()));
        assert_eq!(if_any(None), Ok(None));
        assert_eq!(said(argument(" why ").ok()).as_deref(), Some("why"));
        assert_eq!(said(None), None);
    }

    #[test]
    fn a_text_is_a_line_and_has_an_end() {
        for controls in ["a\nb", "\u{1b}[2J", "a\u{0}", "a\u{9b}", "\t"] {
            assert_eq!(optional(controls), Err(NotAText::Controls), "{controls:?}");
        }
        let longest = "ä".repeat(TEXT_LIMIT);
        assert_eq!(needed(&longest), Ok(longest.clone()));
        let longer = format!("{longest}ä");
        assert_eq!(needed(&longer), Err(NotAText::TooLong(TEXT_LIMIT + 1)));
        assert!(NotAText::TooLong(1_001).to_string().contains("1001"));
    }
}
