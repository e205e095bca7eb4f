//! How a command ends when it does not end well: the exit code, a sentence, and an object for programs.

use std::io::{self, Write as _};

use clap::error::{ContextKind, ContextValue};
use serde::Serialize;
use serde_json::{Value, json};

use super::Outside;
use super::wrap::wrap;
use crate::backend::BackendError;
use crate::config::ConfigError;
use crate::domain::job::JobId;
use crate::domain::nearest::Missing;
use crate::domain::os_error::in_words;
use crate::domain::printable;
use crate::domain::refusal::Refusal;

/// What kind of end it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// It was tried, and failed.
    Failed,
    /// The command line or the configuration asks for something that there is not.
    Usage,
    /// A rule said no; nothing was started.
    Refused,
    /// The backend cannot be reached.
    OutOfReach,
    /// What was to be said could not be printed. A failure, for programs.
    #[serde(rename = "failed")]
    NotPrinted,
    /// Whoever read the output has gone, as `head` does when it has enough. Nobody is waiting for an error.
    ReaderGone,
}

impl ErrorKind {
    /// The exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Failed | Self::NotPrinted => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::OutOfReach => 4,
        }
    }

    /// The kind with this exit code. Everything unknown is a failure: 0 as well, since a program that was asked for a
    /// job and started none has failed.
    #[must_use]
    pub fn of_exit_code(code: Option<i32>) -> Self {
        match code {
            Some(2) => Self::Usage,
            Some(3) => Self::Refused,
            Some(4) => Self::OutOfReach,
            _ => Self::Failed,
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// What kind of end it is.
    pub kind: ErrorKind,
    /// What happened, why, and what to do, as sentences. Empty when it has been said already.
    pub message: String,
    /// The rule that refused it.
    pub refusal: Option<Box<Refusal>>,
    /// The job that failed.
    pub job: Option<JobId>,
    /// Names that may have been meant.
    pub near: Vec<String>,
}

impl CliError {
    /// An error of a kind, with its sentence.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            refusal: None,
            job: None,
            near: Vec::new(),
        }
    }

    /// Something that was tried and failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// A command that asks for something that there is not.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A job that ended badly.
    #[must_use]
    pub fn of_job(job: JobId, message: impl Into<String>) -> Self {
        Self {
            job: Some(job),
            ..Self::failed(message)
        }
    }

    /// What the parser of the command line found wrong. Its text names the fault and shows how the verb is used.
    #[must_use]
    pub fn usage_of(mut error: clap::Error) -> Self {
        if is_opposite(&error) {
            error.remove(ContextKind::SuggestedSubcommand);
        }
        let text = error
            .render()
            .to_string()
            .replace("unrecognized subcommand", "there is no verb")
            .replace("a similar subcommand exists", "a similar verb exists")
            .replace("some similar subcommands exist", "some similar verbs exist");
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        if error.kind() == clap::error::ErrorKind::InvalidSubcommand {
            // The suggestion leaves its empty line behind.
            return Self::usage(text.replace("\n\n\n", "\n\n").replace(
                "For more information, try '--help'.",
                "`lifeboat --help` lists the verbs.",
            ));
        }
        Self::usage(text)
    }

    /// Prints it: a sentence and, with `--json`, one line with an object after it.
    ///
    /// # Errors
    /// When the error stream is closed.
    pub fn print(&self, outside: &mut Outside, as_json: bool) -> io::Result<()> {
        if self.kind == ErrorKind::ReaderGone || self.message.is_empty() {
            return Ok(());
        }
        let width = outside.error_width();
        // Messages of the command line's parser come laid out in lines; each line is made safe and wrapped by itself.
        for (index, line) in self.message.lines().enumerate() {
            let prefix = if index == 0 { "lifeboat: " } else { "" };
            let line = format!("{prefix}{}", printable::line(line));
            for part in wrap(&line, width) {
                writeln!(outside.err, "{part}")?;
            }
        }
        if as_json {
            let json = json!({ "error": self.to_json() }).to_string();
            writeln!(outside.err, "{}", printable::json(json))?;
        }
        outside.err.flush()
    }

    fn to_json(&self) -> Value {
        let mut object = json!({ "kind": self.kind, "message": self.message });
        let refusal = self
            .refusal
            .as_ref()
            .and_then(|refusal| serde_json::to_value(refusal).ok());
        if let Some(Value::Object(facts)) = refusal
            && let Some(object) = object.as_object_mut()
        {
            object.extend(facts);
        }
        if let Some(job) = self.job {
            object["job"] = json!(job);
        }
        if !self.near.is_empty() {
            object["did_you_mean"] = json!(self.near);
        }
        object
    }
}

/// Whether what was typed is a suggested verb with something before it: `unprotect` is not `protect` spelled badly, but its
/// opposite.
fn is_opposite(error: &clap::Error) -> bool {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return false;
    };
    let suggested = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::String(verb)) => std::slice::from_ref(verb),
        Some(ContextValue::Strings(verbs)) => verbs.as_slice(),
        _ => &[],
    };
    suggested
        .iter()
        .any(|verb| typed.len() > verb.len() && typed.ends_with(verb.as_str()))
}

impl From<BackendError> for CliError {
    fn from(error: BackendError) -> Self {
        let kind = match &error {
            BackendError::Refused(_) => ErrorKind::Refused,
            BackendError::UnknownEnvironment { .. }
            | BackendError::UnknownBackup(_)
            | BackendError::UnknownJob(_)
            | BackendError::NotThere(_) => ErrorKind::Usage,
            BackendError::OutOfReach(_) => ErrorKind::OutOfReach,
            BackendError::Failed(_) => ErrorKind::Failed,
        };
        let mut message = error.to_string();
        let near = match &error {
            BackendError::UnknownEnvironment { near, .. } | BackendError::NotThere(Missing { near, .. }) => {
                near.clone()
            }
            BackendError::UnknownBackup(choice) => choice.near().to_vec(),
            _ => Vec::new(),
        };
        let refusal = match error {
            BackendError::Refused(refusal) => Some(Box::new(refusal)),
            _ => None,
        };
        if let Some(Refusal::NotConfirmed { environment }) = refusal.as_deref() {
            // The rule speaks of typing; here that is an argument.
            message = format!("{message} (--confirm {environment})");
        }
        Self {
            refusal,
            near,
            ..Self::new(kind, message)
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        let message = error.to_string();
        let near = match error {
            ConfigError::UnknownContext { near, .. } => near,
            _ => Vec::new(),
        };
        Self {
            near,
            ..Self::usage(message)
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(ErrorKind::ReaderGone, ""),
            _ => Self::new(
                ErrorKind::NotPrinted,
                format!("printing failed: {error}", error = in_words(&error)),
            ),
        }
    }
}
