//! What `lifeboat init` looks at before it writes anything: whether each answer can be used, and what is in the folders.

use std::path::Path;

use serde::Serialize;

use super::answers::{Answers, NamedContent};
use super::databases;
use super::homes;
use super::storage::Root;
use crate::cli::{Call, CliError, Survey};
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::os_error::in_words;
use crate::domain::settings::{ContentSettings, PostgresSettings};

/// What was found where an instance has its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    instance: InstanceName,
    /// Its workspaces, by name.
    workspaces: Vec<String>,
    /// What they take in a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// Looks into every folder and every database, and tells which workspaces are there.
///
/// # Errors
/// [`CliError`] when one cannot be read.
pub(super) fn look(answers: &Answers, call: &mut Call<'_>) -> Result<Vec<Found>, CliError> {
    let mut found = Vec::new();
    for instance in &answers.instances {
        let (told, there) = match &instance.content {
            ContentSettings::Files { path } => look_into_folder(&instance.name, path)?,
            ContentSettings::Home { path } => look_into_home(&instance.name, path, call)?,
            ContentSettings::Postgres(database) => look_into_database(&instance.name, database, call)?,
        };
        if !call.globals.json {
            call.tell(&format!("{}  {told}", instance.name))?;
        }
        found.push(there);
    }
    Ok(found)
}

fn look_into_folder(instance: &InstanceName, folder: &Path) -> Result<(String, Found), CliError> {
    let workspaces = workspaces(folder).map_err(|error| {
        CliError::usage(format!(
            "the content folder of {instance}, {}, cannot be read: {error}. Name the folder that holds one folder per workspace",
            folder.display(),
            error = in_words(&error),
        ))
    })?;
    let list = match workspaces.as_slice() {
        [] => "NO WORKSPACE: no folder is in it yet".to_owned(),
        [one] => format!("1 workspace: {one}"),
        many => format!("{} workspaces: {}", many.len(), many.join(", ")),
    };
    let found = Found {
        instance: instance.clone(),
        workspaces,
        bytes: None,
    };
    Ok((format!("{}: {list}", folder.display()), found))
}

fn look_into_home(
    instance: &InstanceName,
    home: &Path,
    call: &Call<'_>,
) -> Result<(String, Found), CliError> {
    let there = call.house.survey().folder(home).ok_or_else(|| {
        CliError::usage(format!(
            "the home of {instance}, {}, is there no more. Nothing was written",
            home.display()
        ))
    })?;
    let told = homes::described(&there);
    let found = Found {
        instance: instance.clone(),
        workspaces: there.workspaces,
        bytes: None,
    };
    Ok((told, found))
}

fn look_into_database(
    instance: &InstanceName,
    database: &PostgresSettings,
    call: &Call<'_>,
) -> Result<(String, Found), CliError> {
    if let Some(folder) = database.data_store.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(CliError::usage(format!(
            "the data store of {instance}, {}, is not a folder: name the folder of Jackrabbit's data store",
            folder.display()
        )));
    }
    if let Some(home) = &database.home {
        let looked = call.house.survey().home(home);
        looked
            .map_err(|why| CliError::usage(format!("the home of {instance}: {why}. Nothing was written")))?;
    }
    let there = call
        .house
        .survey()
        .database(database)
        .map_err(|why| CliError::usage(format!("{instance}: {why}. Nothing was written")))?;
    let bytes = there
        .workspaces
        .iter()
        .chain(&there.shared)
        .map(|(_, bytes)| bytes)
        .sum();
    let found = Found {
        instance: instance.clone(),
        workspaces: there.workspaces.iter().map(|(name, _)| name.clone()).collect(),
        bytes: Some(bytes),
    };
    Ok((databases::described(&there), found))
}

/// Whether the folder can be an instance's content.
pub(super) fn content(folder: &Path) -> Result<(), String> {
    if folder.is_dir() {
        Ok(())
    } else {
        Err(format!(
            "{} is not a folder: name the folder that holds one folder per workspace",
            folder.display()
        ))
    }
}

/// Whether a version that is read from a file has one that can be read.
pub(super) fn version(text: &str) -> Result<(), String> {
    match text.strip_prefix('@').map(std::fs::read_to_string) {
        Some(Err(error)) => Err(format!(
            "{text} names a file that cannot be read: {error}. Name one whose first line says the version, or write the version itself",
            error = in_words(&error),
        )),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Whether backups can be kept in the folder.
pub(super) fn repository(place: &Path, instances: &[NamedContent]) -> Result<(), String> {
    outside_content("repository", place, instances)?;
    let inside = instances
        .iter()
        .find(|instance| instance.folder().is_some_and(|folder| folder.starts_with(place)));
    inside.map_or(Ok(()), |instance| {
        Err(format!(
            "the content of {} lies inside the repository ({}): name another folder for the backups",
            instance.name,
            place.display()
        ))
    })
}

/// Whether the key can be kept in the file. `repository` is the folder of the backups, if they are in one.
pub(super) fn key(place: &Path, repository: Option<&Path>, instances: &[NamedContent]) -> Result<(), String> {
    outside_content("key", place, instances)?;
    if repository.is_some_and(|repository| place.starts_with(repository)) {
        return Err(format!(
            "the key ({}) would lie inside the repository that it locks: name another place for it",
            place.display()
        ));
    }
    Ok(())
}

/// Whether the key in the file opens the backups of Live that are there already. Where there are none, any key will do.
pub(super) fn opens(
    key: &Path,
    root: &Root,
    live: &EnvironmentName,
    survey: &dyn Survey,
) -> Result<(), String> {
    if !root.has_backups {
        return Ok(());
    }
    let wrong = |why: String| {
        format!(
            "backups of {live} are in {} already, and {why}. Name the file with their key (--key), or another place for the \
             backups (--repository). Nothing was written",
            root.address
        )
    };
    if !key.exists() {
        let new = format!("{} does not exist: a new key opens none of them", key.display());
        return Err(wrong(new));
    }
    survey
        .key(&root.address, &root.options, live, key)
        .map_err(|why| wrong(format!("the key in {} is not theirs: {why}", key.display())))
}

fn outside_content(what: &str, place: &Path, instances: &[NamedContent]) -> Result<(), String> {
    let around = instances
        .iter()
        .find(|instance| instance.folder().is_some_and(|folder| place.starts_with(folder)));
    around.map_or(Ok(()), |instance| {
        Err(format!(
            "the {what} ({}) would lie inside the content of {}: it would be part of each backup and replaced by each restore. Name a place outside of it",
            place.display(),
            instance.name
        ))
    })
}

/// The folders in an instance's folder: its workspaces.
fn workspaces(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
