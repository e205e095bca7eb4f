//! Repositories in buckets whose objects nobody can change or remove for a while: for how long, and the key that may
//! delete what that time has run out for.
//!
//! Not in here: asking the storage for it (`repository::storage`).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::one_source;
use crate::domain::Instant;

/// The longest time for which objects are kept: nobody can shorten it, whoever owns the bucket neither.
const LONGEST_DAYS: u16 = 366;

/// For how long an object is kept from being changed or removed, from when it is written or kept for longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Immutable(u16);

/// A text is no such time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "immutable is \"{0}\": write for how long nothing that a backup needs can be removed, from \"1d\" to \"366d\", or in \
     weeks (\"4w\")"
)]
pub struct ImmutableError(String);

impl Immutable {
    /// So many days; at least one.
    #[must_use]
    pub const fn days(days: u16) -> Self {
        Self(if days == 0 { 1 } else { days })
    }

    /// Until when an object is kept that is written now.
    #[must_use]
    pub fn from(self, now: Instant) -> Instant {
        now + self.span()
    }

    /// An object that is kept for less than this from now on is kept for longer: half of the time.
    #[must_use]
    pub fn is_due_before(self, now: Instant) -> Instant {
        now + self.span() / 2
    }

    /// When one object is due, so are those that are kept for less than this from now on: they would be soon, and what one
    /// look finds out is found out for all of them.
    #[must_use]
    pub fn goes_along_before(self, now: Instant) -> Instant {
        now + self.span() * 3 / 4
    }

    fn span(self) -> Duration {
        Duration::days(self.0.into())
    }
}

impl FromStr for Immutable {
    type Err = ImmutableError;

    fn from_str(text: &str) -> Result<Self, ImmutableError> {
        let wrong = || ImmutableError(text.to_owned());
        let (number, unit) = text
            .strip_suffix('d')
            .map(|number| (number, 1))
            .or_else(|| text.strip_suffix('w').map(|number| (number, 7)))
            .ok_or_else(wrong)?;
        let number: u16 = number.parse().map_err(|_| wrong())?;
        match number.checked_mul(unit) {
            Some(days) if (1..=LONGEST_DAYS).contains(&days) => Ok(Self(days)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Immutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 day"),
            days => write!(f, "{days} days"),
        }
    }
}

impl Serialize for Immutable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}d", self.0))
    }
}

impl<'de> Deserialize<'de> for Immutable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Where the access key is read from that may delete. It has no default variables: in those is the key for backing up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeletionKey {
    /// The environment variable with its id.
    pub access_key_id_env: Option<String>,
    /// The file whose first line is its id.
    pub access_key_id_file: Option<PathBuf>,
    /// The environment variable with its secret.
    pub secret_access_key_env: Option<String>,
    /// The file whose first line is its secret.
    pub secret_access_key_file: Option<PathBuf>,
    /// The environment variable with its token, where it is a temporary one.
    pub session_token_env: Option<String>,
    /// The file whose first line is its token.
    pub session_token_file: Option<PathBuf>,
}

impl DeletionKey {
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [
            &mut self.access_key_id_file,
            &mut self.secret_access_key_file,
            &mut self.session_token_file,
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        for (what, env, file, is_needed) in [
            (
                "access_key_id",
                &self.access_key_id_env,
                &self.access_key_id_file,
                true,
            ),
            (
                "secret_access_key",
                &self.secret_access_key_env,
                &self.secret_access_key_file,
                true,
            ),
            (
                "session_token",
                &self.session_token_env,
                &self.session_token_file,
                false,
            ),
        ] {
            one_source(what, env.as_deref(), file.as_deref())?;
            if is_needed && env.is_none() && file.is_none() {
                return Err(format!(
                    "the key for deletions lacks {what}_file or {what}_env: it has no default, so that it is never the key \
                     for backing up"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_is_written_in_days_and_weeks() {
        for (text, days) in [("1d", 1), ("30d", 30), ("4w", 28), ("366d", 366)] {
            assert_eq!(text.parse(), Ok(Immutable::days(days)), "{text}");
        }
        for wrong in ["", "d", "0d", "367d", "30", "-1d", "never", "99999w"] {
            assert!(wrong.parse::<Immutable>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_has_less_than_half_is_due_and_what_soon_would_have_goes_along() {
        let now: Instant = "2026-11-01T00:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let immutable = Immutable::days(30);
        assert_eq!(immutable.from(now), at("2026-12-01T00:00:00Z"));
        assert_eq!(immutable.is_due_before(now), at("2026-11-16T00:00:00Z"));
        assert_eq!(immutable.goes_along_before(now), at("2026-11-23T12:00:00Z"));
    }
}
