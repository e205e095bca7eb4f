//! Which environments a receiver is told of, as an operator writes it: `acme/live`, `acme/*`, `*/live`, `acme`.

use std::fmt;
use std::str::FromStr;

use crate::domain::as_text::as_text;
use crate::domain::environment::EnvironmentName;

/// Names of environments with `*` for any characters. A pattern without `/` is a whole project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

/// The text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no environments: write PROJECT/ENVIRONMENT with * for any characters, for example \"acme/*\", or a project"
)]
pub struct NotAPattern(String);

impl Pattern {
    /// Whether it names this environment.
    #[must_use]
    pub fn names(&self, environment: &EnvironmentName) -> bool {
        match self.0.split_once('/') {
            Some((project, name)) => {
                fits(project, environment.project()) && fits(name, environment.environment())
            }
            None => fits(&self.0, environment.project()),
        }
    }
}

/// Whether a text is what a pattern says, in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let is_usable = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*'))
        };
        let mut parts = text.split('/');
        let is_pattern = match (parts.next(), parts.next(), parts.next()) {
            (Some(project), None, None) => is_usable(project),
            (Some(project), Some(name), None) => is_usable(project) && is_usable(name),
            _ => false,
        };
        if is_pattern {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAPattern(text.to_owned()))
        }
    }
}

as_text!(Pattern);
