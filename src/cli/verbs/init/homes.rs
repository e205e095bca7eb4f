//! What `lifeboat init` asks about an instance whose content is the home of a repository on H2 or Derby: its server has to
//! stand still for every backup and restore, so it has to know how to stop and start it.

use std::path::Path;

use super::InitArguments;
use super::answers::{NamedContent, Questions};
use super::databases::Named;
use crate::cli::CliError;
use crate::domain::check::HomeFound;
use crate::domain::environment::InstanceName;
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

/// The words of a command. They are not read as a shell reads them.
fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

/// What the arguments say of the server of an instance.
pub(super) fn server_of(instance: &InstanceName, arguments: &InitArguments) -> Server {
    let said = |all: &[Named]| {
        let named = all.iter().find(|named| named.name == *instance);
        named.map_or_else(Vec::new, |named| words(&named.value))
    };
    Server {
        stop: said(&arguments.stops),
        start: said(&arguments.starts),
    }
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
pub(super) fn content(folder: &Path, found: Option<HomeFound>) -> Result<Option<ContentSettings>, String> {
    let Some(found) = found else { return Ok(None) };
    match found.lacks {
        Some(lacks) => Err(format!(
            "{} is {} of a Jackrabbit repository that {lacks}",
            folder.display(),
            found.pointed
        )),
        None => Ok(Some(ContentSettings::Home { path: found.home })),
    }
}

/// What is in a home, in a line.
pub(super) fn described(found: &HomeFound) -> String {
    format!(
        "{}: the home of a repository on {}, {} workspaces: {}",
        found.home.display(),
        found.kind,
        found.workspaces.len(),
        found.workspaces.join(", ")
    )
}

impl Questions<'_, '_> {
    /// Says what was found, and asks how the server of an instance is stopped and started.
    pub(super) fn server(&mut self, instance: &str, found: &HomeFound) -> Result<Server, CliError> {
        self.say(&described(found))?;
        self.say(
            "Its files are a copy of it only while the server stands still: it is stopped before each backup and restore, and \
             started after it.",
        )?;
        let stop = self.ask(
            &format!(
                "Command that stops the server of {instance}, for example systemctl stop magnolia-{instance} (Enter to write \
                 it into the configuration later)"
            ),
            None,
        )?;
        let Some(stop) = stop else {
            return Ok(Server::default());
        };
        let start = self.text(
            None,
            &format!("Command that starts it again, for example systemctl start magnolia-{instance}"),
            "--start",
            None,
            |_| Ok(()),
        )?;
        Ok(Server {
            stop: words(&stop),
            start: words(&start),
        })
    }
}
