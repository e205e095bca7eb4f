//! What a restore stages beside an instance's content, whether that is a folder or a database.

use std::io;
use std::path::{Path, PathBuf};

use super::journal::{Beside, InstanceRecord};
use super::plan;
use super::staging::Staging;
use super::switch::Step;
use super::tables::{About, SchemaRecord, TableStaging, copy_of};
use crate::content::postgres::connect::Connector;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, WorkspaceCopy};
use crate::domain::environment::InstanceName;
use crate::domain::plan::{Selection, WorkspaceChange};
use crate::domain::settings::{ContentSettings, InstanceSettings};
use crate::engine::{EngineError, Live, Work};
use crate::repository::{Depth, Repository};
use crate::watch::Watch;

/// One instance's staging.
pub(super) struct Staged<'s> {
    instance: &'s InstanceName,
    place: Place,
}

enum Place {
    Folder(Staging),
    /// A folder of a drill: what is in it is counted as well.
    Scratch(Staging),
    Tables(Box<TableStaging>),
}

impl Live {
    /// Works out where everything is staged. Makes nothing yet.
    pub(super) fn beside<'s>(
        &self,
        work: &Work,
        repository: &Repository,
        backup: &Backup,
        selection: &Selection,
        chosen: &[&'s InstanceSettings],
    ) -> Result<Vec<Staged<'s>>, EngineError> {
        let about = About {
            environment: work.environment(),
            job: work.id(),
            backup: Some(backup),
            selection,
            now: self.now(),
        };
        let stage = |instance: &&'s InstanceSettings| {
            let place = match &instance.content {
                ContentSettings::Files { path } => Place::Folder(Staging::beside(path, work.id())?),
                ContentSettings::Postgres(database) => {
                    let connector = self.connector(database);
                    let staging = TableStaging::of_backup(&connector, instance, repository, backup, about)?;
                    Place::Tables(Box::new(staging))
                }
            };
            Ok(Staged {
                instance: &instance.name,
                place,
            })
        };
        chosen.iter().map(stage).collect()
    }
}

impl<'s> Staged<'s> {
    /// An instance that is restored into a folder for scratch.
    pub(super) fn of_folder(instance: &'s InstanceName, staging: Staging) -> Self {
        Self {
            instance,
            place: Place::Scratch(staging),
        }
    }

    /// An instance whose tables are restored into a schema for scratch, or whose replaced tables come back.
    pub(super) fn of_tables(instance: &'s InstanceName, staging: TableStaging) -> Self {
        Self {
            instance,
            place: Place::Tables(Box::new(staging)),
        }
    }

    /// What does not come back, as sentences.
    pub(super) fn left_out(&self) -> &[String] {
        match &self.place {
            Place::Tables(staging) => staging.left_out(),
            Place::Folder(_) | Place::Scratch(_) => &[],
        }
    }

    /// Makes room for what an exchange of tables sets aside, where nothing has to be staged.
    pub(super) fn make_room(&self) -> Result<(), EngineError> {
        match &self.place {
            Place::Tables(staging) => staging.make_room(),
            Place::Folder(_) | Place::Scratch(_) => Ok(()),
        }
    }

    /// What the journal keeps of it before anything is staged.
    pub(super) fn record(&self) -> InstanceRecord {
        match &self.place {
            Place::Folder(staging) | Place::Scratch(staging) => staging.record(self.instance),
            Place::Tables(staging) => InstanceRecord {
                instance: self.instance.clone(),
                beside: Beside::Schema(Box::new(staging.record())),
            },
        }
    }

    /// What the journal keeps of it when everything is staged.
    pub(super) fn to_switch(&self, selection: &Selection, before: &Beside) -> Result<Beside, EngineError> {
        match (&self.place, before) {
            (Place::Folder(staging), Beside::Folder { staging: folder, .. }) => Ok(Beside::Folder {
                staging: folder.clone(),
                steps: staging.steps(selection)?,
            }),
            (Place::Tables(staging), Beside::Schema(schema)) => {
                let mut schema = schema.clone();
                schema.exchange = Some(staging.exchange(selection)?);
                Ok(Beside::Schema(schema))
            }
            _ => Err(EngineError::Failed(format!(
                "the journal of the restore tells of another kind of content for {}",
                self.instance
            ))),
        }
    }

    /// Writes the backup's content beside Live.
    pub(super) fn stage(
        &self,
        repository: &Repository,
        backup: &Backup,
        selection: &Selection,
        work: &Work,
    ) -> Result<(), EngineError> {
        match &self.place {
            Place::Folder(staging) | Place::Scratch(staging) => {
                let sink = staging.make()?;
                let extracted = repository.extract(&backup.id, self.instance, selection, &sink, work)?;
                if extracted.without_set_ids > 0 {
                    let text = format!(
                        "{}: {} files had a set-uid or set-gid bit and come back without it",
                        self.instance, extracted.without_set_ids
                    );
                    work.log(Severity::Warning, &text);
                }
                staging.dress()?;
                Ok(sink.settle()?)
            }
            Place::Tables(staging) => {
                let (rows, bytes) = staging.size();
                work.total(rows, bytes);
                work.instance(self.instance);
                staging.stage(repository, backup, self.instance, work)?;
                work.log(
                    Severity::Information,
                    &format!("{}: {rows} rows are staged", self.instance),
                );
                Ok(())
            }
        }
    }

    /// Reads what was staged back. Only what is right is added to what is never exchanged: a data store in a table.
    pub(super) fn verify(
        &self,
        repository: &Repository,
        backup: &Backup,
        selection: &Selection,
        work: &Work,
    ) -> Result<(), EngineError> {
        let machine = match &self.place {
            Place::Folder(_) | Place::Scratch(_) => "this machine",
            Place::Tables(_) => "the database's machine",
        };
        match self.difference(repository, backup, selection, work)? {
            Some(difference) => Err(EngineError::Failed(format!(
                "what was staged for {} is not what the backup holds: {difference}. Live was not touched; look at the disk \
                 and the memory of {machine}",
                self.instance
            ))),
            None => match &self.place {
                Place::Tables(staging) => {
                    for left_out in staging.settle()? {
                        work.log(Severity::Warning, &format!("{}: {left_out}", self.instance));
                    }
                    Ok(())
                }
                Place::Folder(_) | Place::Scratch(_) => Ok(()),
            },
        }
    }

    /// Reads what was staged back. Gives what is not as it is in the backup, as a part of a sentence.
    pub(super) fn difference(
        &self,
        repository: &Repository,
        backup: &Backup,
        selection: &Selection,
        work: &Work,
    ) -> Result<Option<String>, EngineError> {
        match &self.place {
            Place::Folder(staging) | Place::Scratch(staging) => {
                let content = plan::displaced(&staging.content());
                let compared =
                    repository.compare(&backup.id, self.instance, selection, &content, Depth::Whole, work)?;
                if let Some(wrong) = compared.changes.iter().find(|change| !change.is_unchanged()) {
                    return Ok(Some(format!(
                        "workspace {}, {}",
                        wrong.workspace,
                        wrong.examples.first().map_or("no path", String::as_str)
                    )));
                }
                match &self.place {
                    Place::Scratch(_) => Ok(miscounted(
                        &copy_of(backup, self.instance)?.workspaces,
                        &compared.changes,
                    )),
                    _ => Ok(None),
                }
            }
            Place::Tables(staging) => {
                let (rows, bytes) = staging.size();
                work.total(rows, bytes);
                work.instance(self.instance);
                staging.difference(repository, backup, self.instance, work)
            }
        }
    }
}

/// The first workspace of which not as many items came back as the backup's record tells of.
fn miscounted(recorded: &[WorkspaceCopy], found: &[WorkspaceChange]) -> Option<String> {
    recorded.iter().find_map(|workspace| {
        let change = found.iter().find(|change| change.workspace == workspace.name);
        let items = change.map_or(0, |change| change.unchanged);
        (items != workspace.items).then(|| {
            format!(
                "workspace {} has {items} items, and the record of the backup says {}",
                workspace.name, workspace.items
            )
        })
    })
}

/// Why a step of the switch could not be done, as a part of a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Stuck(String);

fn not_exchanged(step: &Step, error: &io::Error) -> Stuck {
    let (live, beside) = (step.live.display(), step.beside.display());
    Stuck(format!("{live} could not be exchanged with {beside} ({error})"))
}

/// One instance's part of a switch. Which kind of content it has is known here and nowhere else.
impl InstanceRecord {
    /// Makes sure that of every exchange it can be told whether it was done.
    pub(super) fn is_known(&self, live: &Live) -> Result<(), Stuck> {
        match &self.beside {
            Beside::Folder { steps, .. } => steps
                .iter()
                .try_for_each(|step| step.is_known().map_err(|error| not_exchanged(step, &error))),
            Beside::Schema(schema) => self.in_database(live, |connector| Ok(schema.is_known(connector)?)),
        }
    }

    /// Makes what is staged live, unless it is. `say` is told how long a database's tables were locked.
    pub(super) fn forward(&self, live: &Live, say: &dyn Fn(&str)) -> Result<(), Stuck> {
        match &self.beside {
            Beside::Folder { steps, .. } => steps
                .iter()
                .try_for_each(|step| step.forward().map_err(|error| not_exchanged(step, &error))),
            Beside::Schema(schema) => {
                let held = self.in_database(live, |connector| Ok(schema.forward(connector)?))?;
                say(&format!(
                    "{}: switched, its tables were locked for {} ms",
                    self.instance,
                    held.as_millis()
                ));
                Ok(())
            }
        }
    }

    /// Makes live again what was, as far as that can be done.
    pub(super) fn back(&self, live: &Live) {
        match &self.beside {
            Beside::Folder { steps, .. } => {
                for step in steps.iter().rev() {
                    let _ = step.back();
                }
            }
            Beside::Schema(schema) => {
                let _ = self.in_database(live, |connector| Ok(schema.back(connector)?));
            }
        }
    }

    /// Whether what is live is known to be what was, and nothing of it stands beside.
    pub(super) fn is_untouched(&self, live: &Live) -> bool {
        match &self.beside {
            Beside::Folder { steps, .. } => steps.iter().all(|step| step.is_untouched().unwrap_or(false)),
            Beside::Schema(schema) => self
                .in_database(live, |connector| Ok(schema.is_untouched(connector)))
                .unwrap_or(false),
        }
    }

    fn in_database<T>(
        &self,
        live: &Live,
        call: impl FnOnce(&Connector) -> Result<T, EngineError>,
    ) -> Result<T, Stuck> {
        let called = live
            .connector_of(&self.instance)
            .and_then(|connector| call(&connector));
        called.map_err(|error| {
            Stuck(format!(
                "the tables of {} could not be exchanged ({error})",
                self.instance
            ))
        })
    }
}

impl Beside {
    /// The folder that this restore has made, if it has made one.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder { staging, .. } => Some(staging),
            Self::Schema(_) => None,
        }
    }

    /// The exchanges of folders.
    pub(super) fn steps(&self) -> &[Step] {
        match self {
            Self::Folder { steps, .. } => steps,
            Self::Schema(_) => &[],
        }
    }

    /// What was made in a database, if anything was.
    pub(super) fn schema(&self) -> Option<&SchemaRecord> {
        match self {
            Self::Folder { .. } => None,
            Self::Schema(schema) => Some(schema),
        }
    }

    /// The schemas that a switch that was done has emptied.
    pub(super) fn emptied(&self) -> Vec<&str> {
        self.schema()
            .map_or_else(Vec::new, |schema| vec![schema.fresh.as_str()])
    }

    /// What was live before and stands beside to be looked at: a folder. Replaced tables stay in any case, and a restore
    /// that brought back what was gone has displaced nothing.
    pub(super) fn displaced(&self) -> Option<PathBuf> {
        let displaced = self.folder()?.join("content");
        let has_displaced = self.steps().iter().any(|step| step.old.is_some()) && displaced.exists();
        has_displaced.then_some(displaced)
    }

    /// Whether it is known that nothing that was live is among what was staged in a folder, which may be dropped in part by
    /// now. A database that is away does not keep anybody from dropping what is staged elsewhere.
    pub(super) fn holds_nothing_of_live(&self) -> bool {
        self.steps().iter().all(Step::is_not_beside)
    }
}
