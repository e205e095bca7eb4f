//! What the names of an instance's tables begin with: one text, or several where a Magnolia has several repositories in one
//! schema.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Beginnings of names, in the order in which they are written. Capitals do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PrefixKeys", into = "PrefixKeys")]
pub struct Prefixes(Vec<String>);

impl Prefixes {
    /// One alone.
    #[must_use]
    pub fn one(prefix: &str) -> Self {
        Self(vec![prefix.to_owned()])
    }

    /// Several.
    #[must_use]
    pub fn several(prefixes: &[&str]) -> Self {
        Self(prefixes.iter().map(|prefix| (*prefix).to_owned()).collect())
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The longest that a name begins with, and how many stand before it.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<(usize, &str)> {
        let begins = |prefix: &str| {
            let beginning = name.get(..prefix.len());
            beginning.is_some_and(|beginning| beginning.to_lowercase() == prefix.to_lowercase())
        };
        let fitting = self.iter().enumerate().filter(|(_, prefix)| begins(prefix));
        fitting.max_by_key(|(_, prefix)| prefix.len())
    }

    /// How they would be written with one more.
    #[must_use]
    pub fn with(&self, prefix: &str) -> String {
        let all: Vec<_> = self
            .iter()
            .chain([prefix])
            .map(|prefix| format!("\"{prefix}\""))
            .collect();
        format!("[{}]", all.join(", "))
    }

    /// One that begins with another and ends in the middle of a name, and that other: of `pm_website_bundle` nobody can say
    /// whether it is of `pm_` or of `pm_web`. Those that end with a sign between words are told apart by the longer one.
    pub(super) fn ambiguous(&self) -> Option<(&str, &str)> {
        self.iter().find_map(|one| {
            let ends_in_a_word = one.ends_with(char::is_alphanumeric);
            let lower = one.to_lowercase();
            let mut others = self.iter().filter(|_| ends_in_a_word);
            let other = others.find(|other| *other != one && lower.starts_with(&other.to_lowercase()))?;
            Some((one, other))
        })
    }

    /// Whether nothing can be told apart by them: there is none, or one twice.
    pub(super) fn is_wrong(&self) -> bool {
        let mut all: Vec<_> = self.iter().map(str::to_lowercase).collect();
        all.sort();
        let count = all.len();
        all.dedup();
        all.is_empty() || all.len() < count
    }
}

impl fmt::Display for Prefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.join(" or "))
    }
}

/// [`Prefixes`] as they may be written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "a prefix has to be a text, or a list of texts")]
enum PrefixKeys {
    One(String),
    Several(Vec<String>),
}

impl From<PrefixKeys> for Prefixes {
    fn from(keys: PrefixKeys) -> Self {
        match keys {
            PrefixKeys::One(prefix) => Self(vec![prefix]),
            PrefixKeys::Several(prefixes) => Self(prefixes),
        }
    }
}

impl From<Prefixes> for PrefixKeys {
    fn from(prefixes: Prefixes) -> Self {
        match <[String; 1]>::try_from(prefixes.0) {
            Ok([prefix]) => Self::One(prefix),
            Err(prefixes) => Self::Several(prefixes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Keys {
        prefix: Prefixes,
    }

    #[test]
    fn one_is_written_as_a_text_and_several_as_a_list() {
        for text in ["prefix = \"pm_\"\n", "prefix = [\"pm_\", \"data_pm_\"]\n"] {
            let keys: Keys = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&keys).unwrap(), text);
        }
        let several = Prefixes(vec!["pm_".to_owned(), "pm_data_".to_owned()]);
        assert_eq!(several.to_string(), "pm_ or pm_data_");
        assert_eq!(several.with("x_"), "[\"pm_\", \"pm_data_\", \"x_\"]");
        assert_eq!(several.of("PM_Data_stock"), Some((1, "pm_data_")));
        assert_eq!(several.of("pm_website"), Some((0, "pm_")));
        assert_eq!(several.of("x_website"), None);
        assert_eq!(several.of("pé"), None);
        assert!(!several.is_wrong());
        assert_eq!(several.ambiguous(), None);
        assert_eq!(
            Prefixes::several(&["pm_", "PM_web"]).ambiguous(),
            Some(("PM_web", "pm_"))
        );
        assert_eq!(Prefixes::several(&["pm", "x"]).ambiguous(), None);
        assert!(Prefixes(vec!["pm_".to_owned(), "PM_".to_owned()]).is_wrong());
        assert!(Prefixes(Vec::new()).is_wrong());
    }
}
