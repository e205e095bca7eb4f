//! What the operating system says, in words.
//!
//! Not in here: what to do about it. Whoever was told knows what was tried.

use std::io;

/// What the system said, without the number that it has for it: nobody who reads a sentence has a list of them.
#[must_use]
pub fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let number = error.raw_os_error().map(|number| format!(" (os error {number})"));
    match number.and_then(|number| text.strip_suffix(&number)) {
        Some(words) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_no_number() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(in_words(&missing), "No such file or directory");
        // What somebody else has said stays as it was said.
        let own = io::Error::other("it is a folder (os error 2)");
        assert_eq!(in_words(&own), "it is a folder (os error 2)");
        assert_eq!(in_words(&io::ErrorKind::NotFound.into()), "entity not found");
    }
}
