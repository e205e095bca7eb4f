//! Who acts: a person, a token, the schedule, or Lifeboat itself.
//!
//! Written as one word, in records, on screens and in the interface. The words for the schedule and for Lifeboat are taken:
//! an account or a token of such a name is written with what it is before it, so that nobody is taken for either.
//!
//! Not in here: where somebody asked from (`caller`), and what they may do (`token`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The word for the schedule.
const SCHEDULE: &str = "schedule";
/// The word for Lifeboat itself.
const LIFEBOAT: &str = "lifeboat";

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Principal {
    /// A person's account on this machine, or the token that was shown, by name.
    Named(String),
    /// The schedule.
    Schedule,
    /// Lifeboat by itself: it settles what a process that died has left, and ends what nobody asked to end.
    Lifeboat,
}

impl Principal {
    /// Whoever has an account of this name.
    #[must_use]
    pub fn account(name: &str) -> Self {
        Self::named("account", name)
    }

    /// Whoever has shown the token of this name.
    #[must_use]
    pub fn token(name: &str) -> Self {
        Self::named("token", name)
    }

    /// Whether nobody else may have this name.
    #[must_use]
    pub fn is_taken(name: &str) -> bool {
        [SCHEDULE, LIFEBOAT]
            .iter()
            .any(|taken| taken.eq_ignore_ascii_case(name))
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Schedule => SCHEDULE,
            Self::Lifeboat => LIFEBOAT,
        }
    }

    fn named(what: &str, name: &str) -> Self {
        if Self::is_taken(name) {
            Self::Named(format!("{what} {name}"))
        } else {
            Self::Named(name.to_owned())
        }
    }
}

impl Default for Principal {
    /// Somebody without a name.
    fn default() -> Self {
        Self::Named(String::new())
    }
}

impl From<String> for Principal {
    /// Whom a record names.
    fn from(word: String) -> Self {
        match word.as_str() {
            SCHEDULE => Self::Schedule,
            LIFEBOAT => Self::Lifeboat,
            _ => Self::Named(word),
        }
    }
}

impl From<&str> for Principal {
    fn from(word: &str) -> Self {
        word.to_owned().into()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        match principal {
            Principal::Named(name) => name,
            other => other.as_str().to_owned(),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_the_one_who_wrote_it() {
        for principal in [
            Principal::Schedule,
            Principal::Lifeboat,
            Principal::account("ann"),
            Principal::token("night shift"),
        ] {
            let written = serde_json::to_string(&principal).unwrap();
            assert_eq!(written, format!("\"{principal}\""));
            assert_eq!(serde_json::from_str::<Principal>(&written).unwrap(), principal);
        }
    }

    #[test]
    fn nobody_is_taken_for_the_schedule_or_for_lifeboat() {
        for name in ["schedule", "lifeboat", "Schedule"] {
            let account = Principal::account(name);
            assert_eq!(account, Principal::Named(format!("account {name}")));
            assert_eq!(Principal::from(account.as_str()), account);
            assert_eq!(Principal::token(name).as_str(), format!("token {name}"));
            assert!(Principal::is_taken(name));
        }
    }
}
