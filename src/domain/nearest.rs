//! What somebody may have meant who wrote a name that there is not: of the names that there are, those that are nearest.
//!
//! Not in here: verbs, options and settings, whose parsers look for themselves.

use std::collections::BTreeSet;

use strsim::damerau_levenshtein;

/// How many are named that are equally near: a longer list helps nobody.
const MOST: usize = 3;
/// From how many characters on what was written may be the beginning of a name, or one part of it.
const TELLING: usize = 2;
/// A name of so many characters may have one of them wrong, one of twice as many two, and so on up to [`MOST_WRONG`].
const ONE_IN: usize = 3;
const MOST_WRONG: usize = 3;

/// The names that are nearest to what was written, if any is near: first those that differ by capitals alone, then those
/// that it is a part of, then those that are spelled much like it. Those that are less near than the nearest are left out.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let written = written.to_lowercase();
    let mut best = usize::MAX;
    let mut near = BTreeSet::new();
    for name in known {
        let Some(rank) = rank(&written, &name.to_lowercase()) else {
            continue;
        };
        if rank < best {
            best = rank;
            near.clear();
        }
        if rank == best {
            near.insert(name.to_owned());
        }
    }
    // What fits a crowd says nothing about any of it.
    if near.len() > MOST {
        return Vec::new();
    }
    near.into_iter().collect()
}

/// How far a name is from what was written; `None` if that is too far.
fn rank(written: &str, name: &str) -> Option<usize> {
    if written == name {
        return Some(0);
    }
    let length = written.chars().count();
    let is_part = name.starts_with(written) || name.split('/').any(|part| part == written);
    if length >= TELLING && is_part {
        return Some(1);
    }
    let wrong = damerau_levenshtein(written, name);
    (wrong <= (length / ONE_IN).min(MOST_WRONG)).then_some(1 + wrong)
}

/// The question behind a sentence that says what there is not: ", did you mean …?", or nothing where nothing is near.
#[must_use]
pub fn question(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!(": did you mean {one}?"),
        [all @ .., last] => format!(": did you mean {} or {last}?", all.join(", ")),
    }
}

/// That something is not there, as a sentence, and what there is instead that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is not there, and what may have been meant.
    pub sentence: String,
    /// The names that may have been meant.
    pub near: Vec<String>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<String> for Missing {
    fn from(sentence: String) -> Self {
        let near = Vec::new();
        Self { sentence, near }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found_whatever_its_capitals() {
        let known = ["acme/live", "acme/uat", "globex/live", "acme/prod"];
        for (written, meant) in [
            ("acme-prd", &["acme/prod"][..]),
            ("ACME/Live", &["acme/live"]),
            ("acme/lvie", &["acme/live"]),
            ("glob", &["globex/live"]),
            ("prod", &["acme/prod"]),
            // As near as each other.
            ("live", &["acme/live", "globex/live"]),
            ("acme", &["acme/live", "acme/prod", "acme/uat"]),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
    }

    #[test]
    fn nothing_is_named_where_nothing_is_near_or_everything_is() {
        let known = ["acme/live", "globex/live", "acme/uat"];
        for written in ["", "x", "initech/test", "…"] {
            assert!(nearest(written, known).is_empty(), "{written}");
        }
        let many = ["live-a", "live-b", "live-c", "live-d"];
        assert!(nearest("live-x", many).is_empty());
    }

    #[test]
    fn the_question_names_all_of_them() {
        let names = |names: &[&str]| question(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&[]), "");
        assert_eq!(names(&["daily"]), ": did you mean daily?");
        assert_eq!(names(&["a", "b", "c"]), ": did you mean a, b or c?");
    }
}
