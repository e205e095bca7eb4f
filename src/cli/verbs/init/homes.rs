//! What `lifeboat init` asks about an instance whose content is the home of a repository on H2 or Derby: its server has to
//! stand still for every backup and restore, so it has to know how to stop and start it.

use super::InitArguments;
use super::answers::{NamedContent, Questions};
use super::databases::Named;
use crate::cli::CliError;
use crate::domain::check::HomeFound;
use crate::domain::environment::InstanceName;
use crate::domain::measure;
use crate::domain::settings::ContentSettings;

/// The commands that stop a server and start it again, as words. Empty where nobody has said them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) stop: Vec<String>,
    pub(super) start: Vec<String>,
}

impl Server {
    /// Whether both are known.
    pub(super) fn is_known(&self) -> bool {
        !self.stop.is_empty() && !self.start.is_empty()
    }
}

/// The words of a command, which are run as they are, without a shell.
///
/// # Errors
/// That it cannot be taken apart into words, as a sentence.
fn words(command: &str) -> Result<Vec<String>, String> {
    if let Some(sign) = command
        .chars()
        .find(|sign| matches!(sign, '"' | '\'' | '\\' | '`'))
    {
        return Err(format!(
            "{sign} means nothing in the command {command}: it is taken apart at spaces and run without a shell. Put the command \
             into a script and name that, or write its words into the hooks of the configuration later"
        ));
    }
    Ok(command.split_whitespace().map(str::to_owned).collect())
}

/// That something can be taken apart into words.
fn is_command(command: &str) -> Result<(), String> {
    words(command).map(drop)
}

/// What the arguments say of the server of an instance.
///
/// # Errors
/// [`CliError`] when they say how it is stopped and not how it is started, the other way round, or a thing twice.
pub(super) fn server_of(instance: &InstanceName, arguments: &InitArguments) -> Result<Server, CliError> {
    let said = |argument: &str, all: &[Named]| {
        let mut named = all.iter().filter(|named| named.name == *instance);
        let first = named.next().map(|named| words(&named.value)).transpose();
        let first = first.map_err(|why| CliError::usage(format!("{argument}={instance}: {why}")))?;
        if named.next().is_some() {
            return Err(CliError::usage(format!(
                "{argument} is given twice for {instance}: which one is meant?"
            )));
        }
        if first.as_ref().is_some_and(Vec::is_empty) {
            return Err(CliError::usage(format!("{argument}={instance} names no command")));
        }
        Ok(first)
    };
    let (stop, start) = (
        said("--stop", &arguments.stops)?,
        said("--start", &arguments.starts)?,
    );
    let missing = match (&stop, &start) {
        (Some(_), None) => Some(("--stop", "stopped", "--start", "started again")),
        (None, Some(_)) => Some(("--start", "started", "--stop", "stopped")),
        _ => None,
    };
    if let Some((given, does, needed, undoes)) = missing {
        return Err(CliError::usage(format!(
            "{given} says how the server of {instance} is {does}, and nothing how it is {undoes}: give {needed}={instance}=COMMAND \
             as well. A backup of a home takes both"
        )));
    }
    Ok(Server {
        stop: stop.unwrap_or_default(),
        start: start.unwrap_or_default(),
    })
}

/// That what is said of servers is said of an instance that needs it.
///
/// # Errors
/// [`CliError`] that names the instance.
pub(super) fn all_are_needed(arguments: &InitArguments, instances: &[NamedContent]) -> Result<(), CliError> {
    for (argument, all) in [("--stop", &arguments.stops), ("--start", &arguments.starts)] {
        let is_home = |named: &&Named| {
            let mut instances = instances.iter();
            instances.any(|one| one.name == named.name && matches!(one.content, ContentSettings::Home { .. }))
        };
        if let Some(named) = all.iter().find(|named| !is_home(named)) {
            return Err(CliError::usage(format!(
                "{argument} says how the server of {} is handled, and no --instance of that name is the home of a repository: \
                 look at the name, or write hooks into the configuration later",
                named.name
            )));
        }
    }
    Ok(())
}

/// The home that a folder leads to, as content; `None` for a plain folder.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub(super) fn content(found: Option<HomeFound>) -> Result<Option<ContentSettings>, String> {
    let Some(found) = found else { return Ok(None) };
    match found.refused {
        Some(why) => Err(why),
        None => Ok(Some(ContentSettings::Home { path: found.home })),
    }
}

/// What is in a home, in a line.
pub(super) fn described(found: &HomeFound) -> String {
    format!(
        "{}: the home of a repository on {}, {}: {}",
        found.home.display(),
        found.kind,
        measure::so_many(found.workspaces.len() as u64, "workspace", "workspaces"),
        found.workspaces.join(", ")
    )
}

impl Questions<'_, '_> {
    /// Says what was found, and asks how the server of an instance is stopped and started.
    pub(super) async fn server(&mut self, instance: &str, found: &HomeFound) -> Result<Server, CliError> {
        self.say(&described(found))?;
        self.say(
            "Its files are a copy of it only while the server stands still: it is stopped before each backup and restore, and \
             started after it.",
        )?;
        let question = format!(
            "Command that stops the server of {instance}, for example systemctl stop magnolia-{instance} (Enter to write it into \
             the configuration later)"
        );
        let stop = loop {
            let Some(stop) = self.ask(&question, None).await? else {
                return Ok(Server::default());
            };
            match words(&stop) {
                Ok(words) => break words,
                Err(why) => self.say(&why)?,
            }
        };
        let start = self
            .text(
                None,
                &format!("Command that starts it again, for example systemctl start magnolia-{instance}"),
                "--start",
                None,
                is_command,
            )
            .await?;
        Ok(Server {
            stop,
            start: words(&start).map_err(CliError::usage)?,
        })
    }
}
