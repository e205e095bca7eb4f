//! The engine's one error type: everything that can go wrong with an action, as sentences.
//!
//! Each part of the engine has an error of its own ([`ContentError`], [`RepositoryError`], [`CatalogError`]); this one
//! gathers them for whoever asked for the action.

use std::path::{Path, PathBuf};

use crate::catalog::CatalogError;
use crate::content::ContentError;
use crate::content::restoring::RestoreError;
use crate::domain::backup::ChoiceError;
use crate::domain::free_text::NotAText;
use crate::domain::job::JobId;
use crate::domain::nearest::{Missing, question};
use crate::domain::os_error::in_words;
use crate::domain::refusal::Refusal;
use crate::domain::settings::SettingsError;
use crate::repository::RepositoryError;

/// Why the engine did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A rule said no; nothing was started.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such environment.
    #[error("there is no environment \"{name}\"{}", if near.is_empty() { format!(": the configuration has {known}") } else { question(near) })]
    UnknownEnvironment {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: String,
        /// Those of them that may have been meant.
        near: Vec<String>,
    },
    /// There is no such backup.
    #[error(transparent)]
    UnknownBackup(#[from] ChoiceError),
    /// There is no such job.
    #[error("there is no job {0}: `lifeboat jobs` lists them")]
    UnknownJob(JobId),
    /// There is nothing there, in a backup or in Live, as a sentence.
    #[error("{0}")]
    NotThere(Missing),
    /// The settings do not hold together.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// Reading or writing content failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Somebody asked for the job to be cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The operating system said no.
    #[error("{action} {} failed: {}{}", path.display(), in_words(source), who_may(source))]
    Io {
        /// `reading`, `creating`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another Lifeboat is at work on the environment, as a sentence.
    #[error("{0}")]
    AtWork(String),
    /// Anything else, as a sentence.
    #[error("{0}")]
    Failed(String),
}

/// Who may do what the system does not let this account do.
fn who_may(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::PermissionDenied => " (the account that it belongs to may do that, and root)",
        _ => "",
    }
}

impl From<NotAText> for EngineError {
    fn from(error: NotAText) -> Self {
        Self::Refused(Refusal::NotAText(error.to_string()))
    }
}

impl From<RestoreError> for EngineError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Content(error) => Self::Content(error),
            RestoreError::Cancelled => Self::Cancelled,
            RestoreError::Io { action, path, source } => Self::Io { action, path, source },
            RestoreError::Failed(sentence) | RestoreError::Unreadable(sentence) => Self::Failed(sentence),
            RestoreError::Backup(error) => match error.downcast::<RepositoryError>() {
                Ok(error) => Self::Repository(*error),
                Err(error) => Self::Failed(error.to_string()),
            },
        }
    }
}

impl EngineError {
    /// For `map_err` on a call about one path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Whether it says that somebody asked for the job to be cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Repository(RepositoryError::Cancelled)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn who_may_not_is_told_who_may() {
        let said = |kind: io::ErrorKind| {
            let error = EngineError::io("locking", Path::new("/backups/acme/.live.lock"))(kind.into());
            error.to_string()
        };
        let denied = said(io::ErrorKind::PermissionDenied);
        assert!(
            denied.starts_with("locking /backups/acme/.live.lock failed: ")
                && denied.ends_with("(the account that it belongs to may do that, and root)"),
            "{denied}"
        );
        let full = said(io::ErrorKind::StorageFull);
        assert!(!full.contains("account"), "{full}");
    }
}
