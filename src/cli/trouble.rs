//! An environment that needs somebody: told by every verb whose answer it makes incomplete.
//!
//! A repository that is gone, or that the key does not open, is no error of the backend: it answers with what is known
//! without it, which is no backup at all. Printed alone that would look like an empty repository.

use super::{Call, CliError};
use crate::backend::BackendError;
use crate::domain::backup::{self, Backup};
use crate::domain::state::EnvironmentDetails;

/// Whether the answer holds nothing that could be shown, because of the trouble.
pub(super) fn hides_backups(details: &EnvironmentDetails) -> bool {
    details.hides_backups() && details.only_copied().next().is_none()
}

/// The end of a verb that has printed what is known: an error if the environment is in trouble.
pub(super) fn end(details: &EnvironmentDetails) -> Result<(), CliError> {
    match &details.summary.trouble {
        None => Ok(()),
        Some(why) => Err(CliError::failed(format!("{}: {why}", details.summary.name))),
    }
}

/// The backup that somebody named. When it is not there and the environment is in trouble, that is why.
pub(super) fn choose(details: &EnvironmentDetails, named: &str) -> Result<Backup, CliError> {
    let all: Vec<Backup> = details.all_backups().cloned().collect();
    backup::choose(&all, named).cloned().map_err(|error| {
        end(details)
            .err()
            .unwrap_or_else(|| BackendError::from(error).into())
    })
}

/// Tells of the trouble beside a result that is complete in spite of it.
pub(super) fn remark(details: &EnvironmentDetails, call: &mut Call<'_>) -> Result<(), CliError> {
    match &details.summary.trouble {
        None => Ok(()),
        Some(why) => call.remark(&format!("{} needs you: {why}", details.summary.name)),
    }
}
