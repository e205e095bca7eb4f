//! What a restore stages beside an instance's content, whether that is a folder or a database.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, openat};
use rustix::io::Errno;

use super::journal::{Beside, InstanceRecord};
use super::staging::{CONTENT, Staging};
use super::switch::{Identity, Standing, Step};
use super::tables::{About, SchemaRecord, TableStaging, copy_of};
use crate::content::files::{Donor, Files};
use crate::content::postgres::connect::Connector;
use crate::disk::held::{self, FOLDER, Met};
use crate::disk::removal;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, WorkspaceCopy};
use crate::domain::environment::InstanceName;
use crate::domain::measure;
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
    ///
    /// # Errors
    /// What the system said about a folder that was made.
    pub(super) fn record(&self) -> Result<InstanceRecord, EngineError> {
        match &self.place {
            Place::Folder(staging) | Place::Scratch(staging) => staging.record(self.instance),
            Place::Tables(staging) => Ok(InstanceRecord {
                instance: self.instance.clone(),
                beside: Beside::Schema(Box::new(staging.record())),
            }),
        }
    }

    /// Makes the folder that content is staged into, if it is one. Gives whether the journal has to keep which one it is.
    ///
    /// # Errors
    /// What the system said, or that something else stands there.
    pub(super) fn make(&self) -> Result<bool, EngineError> {
        match &self.place {
            Place::Folder(staging) | Place::Scratch(staging) => staging.make().map(|_| true),
            Place::Tables(_) => Ok(false),
        }
    }

    /// What the journal keeps of it when everything is staged.
    pub(super) fn to_switch(&self, selection: &Selection, before: &Beside) -> Result<Beside, EngineError> {
        match (&self.place, before) {
            (
                Place::Folder(staging),
                Beside::Folder {
                    staging: folder,
                    made,
                    ..
                },
            ) => Ok(Beside::Folder {
                staging: folder.clone(),
                made: *made,
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
                let sink = staging.sink()?;
                let donor = self.donor(repository);
                let (backup, name) = (&backup.id, self.instance);
                let extracted =
                    repository.extract_with(backup, name, selection, &sink, donor.as_ref(), work)?;
                if extracted.donated > 0 {
                    let text = format!(
                        "{name}: {} of {} were right in Live already and were not read in the repository",
                        measure::bytes(extracted.donated),
                        measure::bytes(extracted.bytes)
                    );
                    work.log(Severity::Information, &text);
                }
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

    /// Live, where reading in the repository costs more than reading there. A drill proves what the backup has, and takes
    /// nothing from anywhere else.
    fn donor(&self, repository: &Repository) -> Option<Donor> {
        match &self.place {
            Place::Folder(staging) if repository.place().folder().is_none() => staging.donor(),
            _ => None,
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
                        work.notice(&format!("{}: {left_out}", self.instance));
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
                let content = staging.content()?;
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
            Beside::Folder { staging, made, steps } => {
                for step in steps {
                    step.is_known().map_err(|error| not_exchanged(step, &error))?;
                }
                let is_pending = |step: &Step| step.standing().is_ok_and(|now| now == Standing::Pending);
                if !steps.iter().any(is_pending) {
                    return Ok(());
                }
                // What only goes would go into a folder of somebody else's.
                match held::meet(staging, *made) {
                    Ok(Met::Ours(_)) => Ok(()),
                    Ok(Met::Stranger | Met::Nothing) => Err(Stuck(format!(
                        "{} is not the folder that was made for this restore: something else has taken its place",
                        staging.display()
                    ))),
                    Err(error) => Err(Stuck(format!("{} cannot be opened ({error})", staging.display()))),
                }
            }
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

    /// The folder that this restore has made, open; `None` when it has made none, or it is not there.
    ///
    /// # Errors
    /// What the system said, or that something else stands in its place.
    pub(super) fn open(&self) -> io::Result<Option<OwnedFd>> {
        let Self::Folder { staging, made, .. } = self else {
            return Ok(None);
        };
        match held::meet(staging, *made)? {
            Met::Ours(folder) => Ok(Some(folder)),
            Met::Nothing => Ok(None),
            Met::Stranger => Err(io::Error::other(
                "it is not the folder that was made for this restore: something else has taken its place, and is left alone",
            )),
        }
    }

    /// Removes the folder that this restore has made. Gives a sentence about what has taken its place.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn remove(&self) -> io::Result<Option<String>> {
        let Self::Folder { staging, made, .. } = self else {
            return Ok(None);
        };
        let is_gone = removal::remove_made(staging, *made)?;
        Ok((!is_gone).then(|| {
            format!(
                "{} is not the folder that was made for this restore: something else has taken its place, and is left alone. \
                 See who can write to the folder that holds it, and remove both",
                staging.display()
            )
        }))
    }

    /// What was live before and stands beside to be looked at: a folder. Replaced tables stay in any case, and a restore
    /// that brought back what was gone has displaced nothing.
    ///
    /// # Errors
    /// What the system said, or that it is not what was live: another account was at work there.
    pub(super) fn displaced(&self) -> io::Result<Option<Files>> {
        let gone: Vec<_> = self.steps().iter().filter(|step| step.old.is_some()).collect();
        let (Some(place), false) = (self.folder(), gone.is_empty()) else {
            return Ok(None);
        };
        let Some(folder) = self.open()? else {
            return Ok(None);
        };
        let displaced = match openat(&folder, CONTENT, FOLDER, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened?,
        };
        let content = place.join(CONTENT);
        for step in gone {
            let found = match step.beside.strip_prefix(&content) {
                Ok(part) if part == Path::new("") => Some(Identity::of_open(&displaced)?),
                Ok(part) => Identity::at(&displaced, part.as_os_str())?,
                Err(_) => None,
            };
            if found != step.old {
                return Err(io::Error::other(format!(
                    "what was moved there from {} is not what was live",
                    step.live.display()
                )));
            }
        }
        Ok(Some(Files::held(&content, displaced)))
    }

    /// Whether it is known that nothing that was live is among what was staged in a folder, which may be dropped in part by
    /// now. A database that is away does not keep anybody from dropping what is staged elsewhere.
    pub(super) fn holds_nothing_of_live(&self) -> bool {
        self.steps().iter().all(Step::is_not_beside)
    }
}
