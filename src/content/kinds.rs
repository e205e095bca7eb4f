//! The kinds of content: a place is made from an instance's settings, and what a journal keeps of it is of the same kind.
//! Nothing that is done with content asks for its kind anywhere else.
//!
//! A new kind is a folder beside this file, a variant of [`ContentSettings`] with what is configured of it, and a line in
//! each `match` of this one. `tests/house.rs` lists who else may ask: the settings themselves, `init`, and the demo.

use std::fmt;
use std::ops::Deref;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;
use super::files::beside::FolderRecord;
use super::files::place::FolderPlace;
use super::home::place::HomePlace;
use super::postgres::place::DatabasePlace;
use super::postgres::restore::beside::SchemaRecord;
use super::restoring::{Place, RestoreError, World};
use super::switching::{Part, Record, Stuck};
use crate::domain::backup::InstanceCopy;
use crate::domain::elsewhere::Elsewhere;
use crate::domain::environment::{HOME, InstanceName, SCHEMA};
use crate::domain::proof::DrillSettings;
use crate::domain::settings::ContentSettings;

/// Where the content is that these settings tell of.
pub(crate) fn place(settings: &ContentSettings, world: World) -> Box<dyn Place> {
    match settings {
        ContentSettings::Files { path } => Box::new(FolderPlace::new(path, world)),
        ContentSettings::Home { path } => Box::new(HomePlace::new(path, world)),
        ContentSettings::Postgres(database) => Box::new(DatabasePlace::new(database, world)),
    }
}

/// Where a drill of that content is.
pub(crate) fn place_of_drills(
    settings: &ContentSettings,
    drill: &DrillSettings,
    world: World,
) -> Box<dyn Place> {
    match settings {
        ContentSettings::Files { path } => Box::new(FolderPlace::new(path, world)),
        ContentSettings::Home { path } => Box::new(HomePlace::new(path, world)),
        ContentSettings::Postgres(database) => {
            Box::new(DatabasePlace::of_drills(database, drill.database.as_ref(), world))
        }
    }
}

/// Where a restore elsewhere of one instance goes: content in folders to a folder, content in tables to a database. `settings`
/// are those of the instance, if it is configured.
///
/// # Errors
/// What has to be named for it, as a sentence.
pub(crate) fn place_of_extracts(
    copy: &InstanceCopy,
    settings: Option<&ContentSettings>,
    into: &Elsewhere,
    world: World,
) -> Result<Box<dyn Place>, String> {
    let has = |part: &str| copy.workspaces.iter().any(|workspace| workspace.name == part);
    if !copy.tables.is_empty() || has(SCHEMA) {
        let Some(ContentSettings::Postgres(database)) = settings else {
            return Err(format!(
                "the backup of {} was taken from a database, and how its tables are named is not configured any more: configure \
                 the instance again",
                copy.name
            ));
        };
        if into.database.is_none() {
            return Err(format!(
                "the backup of {} was taken from a database, and goes into one: name an empty one, for example \
                 'host=/run/postgresql dbname=look', or choose other instances",
                copy.name
            ));
        }
        return Ok(Box::new(DatabasePlace::of_extracts(database, into, world)));
    }
    match &into.folder {
        Some(folder) if has(HOME) => Ok(Box::new(HomePlace::new(folder, world))),
        Some(folder) => Ok(Box::new(FolderPlace::new(folder, world))),
        None => Err(format!(
            "the backup of {} was taken from a folder, and goes into one: name a new or an empty one, or choose other \
             instances",
            copy.name
        )),
    }
}

/// Removes what looks at places have left that were ended in the middle.
pub(crate) fn clear_looks(state: &Path) {
    files::clear_probes(state);
}

/// What a restore has made beside an instance's content, as a journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Beside {
    /// A folder, or the home of a repository.
    Folder(FolderRecord),
    /// Schemas in the instance's database.
    Schema(Box<SchemaRecord>),
}

impl Deref for Beside {
    type Target = dyn Record;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Folder(record) => record,
            Self::Schema(record) => &**record,
        }
    }
}

impl Beside {
    /// The part of the switch that it tells of. `settings` are those of the instance now, if it is configured.
    ///
    /// # Errors
    /// That the place cannot be reached without settings of its kind.
    pub(crate) fn part<'a>(
        &'a self,
        instance: &'a InstanceName,
        settings: Option<&ContentSettings>,
        world: World,
    ) -> Result<Box<dyn Part + 'a>, Stuck> {
        match self {
            Self::Folder(record) => Ok(Box::new(record)),
            Self::Schema(record) => match settings {
                Some(ContentSettings::Postgres(database)) => Ok(Box::new(
                    record.part(instance, DatabasePlace::new(database, world).connector),
                )),
                _ => Err(record.is_not_configured(instance)),
            },
        }
    }

    /// That a journal tells of another kind of content than is staged.
    pub(crate) fn is_of_another_kind(&self) -> RestoreError {
        RestoreError::Failed(format!(
            "the journal of the restore tells of another kind of content: {self}"
        ))
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(record) => write!(f, "the folder {}", record.staging.display()),
            Self::Schema(record) => write!(f, "the schema {}", record.fresh),
        }
    }
}
