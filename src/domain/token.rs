//! Tokens: what a caller of the service shows to be let in, and what it may do with it.
//!
//! Only what may be known of a token is in here. Its text is shown once, when it is made, and kept nowhere; the catalog
//! keeps the SHA-256 of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::approval::Person;
use super::environment::EnvironmentName;

/// What every token's text begins with, so that one that was leaked is found by whoever looks for secrets.
pub const PREFIX: &str = "lb_";

/// How many characters follow [`PREFIX`]: 32 random bytes in base64url.
pub const SECRET_CHARACTERS: usize = 43;

/// What a caller may do. Each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Takes, verifies and drills backups as well.
    Operator,
    /// Restores, undoes, protects and deletes as well.
    Owner,
}

impl Role {
    /// Every role, the smallest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Owner];

    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// The word is not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a role: write viewer, operator or owner")]
pub struct NotARole(String);

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        Self::ALL
            .into_iter()
            .find(|role| role.label() == text)
            .ok_or_else(|| NotARole(text.to_owned()))
    }
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Its name, which the activity log shows as who.
    pub name: String,
    /// The person that it was made for. Who asks for a restore and who approves it have to be told apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What it allows.
    pub role: Role,
    /// The projects that it is limited to. Empty: all of them.
    #[serde(default)]
    pub projects: Vec<String>,
    /// When its present text was made.
    pub created: Instant,
    /// Who made it.
    pub created_by: String,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Instant>,
    /// When somebody ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Instant>,
    /// When it was last shown. Kept to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Instant>,
}

impl TokenRecord {
    /// Whether it lets anybody in at that time.
    #[must_use]
    pub fn is_valid(&self, now: Instant) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }

    /// Which person shows it, if it says so.
    #[must_use]
    pub fn person(&self) -> Option<Person> {
        self.account.clone().map(|account| Person {
            account,
            made_by: Some(self.created_by.clone()),
        })
    }

    /// Whether it reaches the environment.
    #[must_use]
    pub fn sees(&self, environment: &EnvironmentName) -> bool {
        self.projects.is_empty()
            || self
                .projects
                .iter()
                .any(|project| project == environment.project())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    fn token() -> TokenRecord {
        TokenRecord {
            name: "night shift".into(),
            account: None,
            role: Role::Operator,
            projects: vec!["acme".into()],
            created: DateTime::from_timestamp(1_764_000_000, 0).unwrap(),
            created_by: "ann".into(),
            expires: None,
            revoked: None,
            last_used: None,
        }
    }

    #[test]
    fn each_role_may_do_what_the_smaller_ones_may() {
        assert!(Role::Owner > Role::Operator && Role::Operator > Role::Viewer);
        for role in Role::ALL {
            assert_eq!(role.label().parse(), Ok(role));
        }
        assert!("admin".parse::<Role>().is_err());
    }

    #[test]
    fn a_token_ends_when_it_expires_or_is_revoked() {
        let mut token = token();
        let now = token.created;
        assert!(token.is_valid(now));
        token.expires = Some(now + TimeDelta::hours(1));
        assert!(token.is_valid(now));
        assert!(!token.is_valid(now + TimeDelta::hours(1)));
        token.expires = None;
        token.revoked = Some(now);
        assert!(!token.is_valid(now));
    }

    #[test]
    fn a_token_sees_its_projects_or_all() {
        let mut token = token();
        let (live, other) = ("acme/live".parse().unwrap(), "acme2/live".parse().unwrap());
        assert!(token.sees(&live) && !token.sees(&other));
        token.projects.clear();
        assert!(token.sees(&live) && token.sees(&other));
    }
}
