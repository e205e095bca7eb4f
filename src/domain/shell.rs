//! Words as a shell reads them, for commands that are printed to be copied.

use std::borrow::Cow;

/// The text as one word of a POSIX shell: as it is when nothing in it means something to one, in single quotes otherwise.
#[must_use]
pub fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | ',' | '@' | '=');
    if !text.is_empty() && text.chars().all(is_plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

/// The words of a line, as a shell would take them apart. Nothing in it is run or filled in.
///
/// # Errors
/// A sentence about a quotation mark that has no end.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    shell_words::split(line).map_err(|_| "a quotation mark has no end in that line".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_change_is_quoted() {
        assert_eq!(quoted("/etc/lifeboat.toml"), "/etc/lifeboat.toml");
        assert_eq!(quoted("/srv/my files/a.toml"), "'/srv/my files/a.toml'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn what_was_quoted_is_read_as_it_was() {
        for text in ["/etc/lifeboat.toml", "my files", "it's", "", "a\"b", "$HOME"] {
            assert_eq!(words(&quoted(text)).unwrap(), [text]);
        }
        assert!(words("a 'b").unwrap_err().contains("quotation mark"));
    }
}
