//! The names that a context knows, for whoever has not opened it: to complete what is being typed, and to say what may
//! have been meant where the parser of the command line does not take it for a name at all.
//!
//! Asked for beside what somebody wants, so: quickly or not at all, silently, without opening a repository, and without
//! running a command that could ask for a password.

use std::ffi::OsString;
use std::time::Duration;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue};

use super::{Arguments, CliError, Globals, House};
use crate::backend::{Backend, unknown_environment};
use crate::domain::environment::EnvironmentName;
use crate::domain::nearest::nearest;

/// What the arguments are called that name an environment.
pub(super) const ENVIRONMENT: &str = "ENV";
/// How long a service may take to answer while somebody who has typed something wrong waits for the error.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which names are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Contexts of the configuration.
    Contexts,
    /// Environments of the context.
    Environments,
    /// Ids of an environment's backups.
    Backups(EnvironmentName),
}

/// What an open backend knows of it.
pub(super) async fn of_backend(backend: &dyn Backend, wanted: &Wanted) -> Vec<String> {
    match wanted {
        Wanted::Contexts => Vec::new(),
        Wanted::Environments => {
            let environments = backend.environments().await.unwrap_or_default();
            let names = environments
                .iter()
                .map(|environment| environment.name.to_string());
            names.collect()
        }
        Wanted::Backups(environment) => {
            let details = backend.environment(environment).await;
            let ids = details.map(|details| {
                details
                    .all_backups()
                    .map(|backup| backup.id.to_string())
                    .collect()
            });
            ids.unwrap_or_default()
        }
    }
}

/// The error of a command line that the parser did not take. Where it is about the name of an environment that is no such
/// name, and one is near that the context knows, it says so as it would of any other unknown environment.
pub(super) async fn with_what_was_meant(
    error: CliError,
    arguments: &[OsString],
    house: &dyn House,
) -> CliError {
    let Some(written) = unusable_environment(arguments) else {
        return error;
    };
    let globals = globals_of(arguments);
    let asked = house.known(&globals, &Wanted::Environments);
    let Ok(known) = tokio::time::timeout(PATIENCE, asked).await else {
        return error;
    };
    let near = nearest(&written, known.iter().map(String::as_str));
    if near.is_empty() {
        return error;
    }
    CliError {
        message: unknown_environment(&written, "", &near),
        near,
        ..error
    }
}

/// What was written for an environment, if the parser stopped at that.
fn unusable_environment(arguments: &[OsString]) -> Option<String> {
    let error = Arguments::command().try_get_matches_from(arguments).err()?;
    if error.kind() != clap::error::ErrorKind::ValueValidation {
        return None;
    }
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return None;
    };
    let names = argument.split([' ', '<', '>', '[', ']', '|']);
    names
        .into_iter()
        .any(|name| name == ENVIRONMENT)
        .then(|| value.clone())
}

/// The arguments of every verb, as far as they can be made out of a line that is not right yet.
pub(super) fn globals_of(arguments: &[OsString]) -> Globals {
    let value = |option: &str| {
        let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
        while let Some(word) = words.next() {
            match word.strip_prefix(option) {
                // A shell may have taken the two apart at the sign between them.
                Some("") => return words.find(|word| *word != "=").map(str::to_owned),
                Some(rest) if rest.starts_with('=') => return Some(rest[1..].to_owned()),
                _ => {}
            }
        }
        None
    };
    Globals {
        json: false,
        plain: false,
        record: None,
        mask: false,
        context: value("--context"),
        config: value("--config").map(Into::into),
    }
}
