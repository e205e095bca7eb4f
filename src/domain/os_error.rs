//! What the operating system says, in words.
//!
//! Not in here: what to do about it. Whoever was told knows what was tried.

use std::io;

/// What the system said, without the number that it has for it: nobody who reads a sentence has a list of them.
#[must_use]
pub fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    // Also of one that was put behind a path: it has no number of its own any more.
    let is_number = |rest: &str| {
        let number = rest.strip_suffix(')').unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    match text.rsplit_once(" (os error ") {
        Some((words, rest)) if is_number(rest) => words.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_no_number() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(in_words(&missing), "No such file or directory");
        let behind_a_path = io::Error::other(format!("/srv/a: {missing}"));
        assert_eq!(in_words(&behind_a_path), "/srv/a: No such file or directory");
        // What somebody else has said stays as it was said.
        let own = io::Error::other("it is a folder (os error of ours)");
        assert_eq!(in_words(&own), "it is a folder (os error of ours)");
        assert_eq!(in_words(&io::ErrorKind::NotFound.into()), "entity not found");
    }
}
