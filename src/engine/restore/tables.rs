//! One instance of a restore whose content is in a database: what is staged in a schema beside Live, and how it becomes
//! an exchange of tables.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::database::moved;
use super::nodes::is_compared;
use super::records;
use super::scratch::ScratchStore;
use crate::content::ContentError;
use crate::content::postgres::blueprint::Blueprints;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::layout;
use crate::content::postgres::note::{Note, NoteState};
use crate::content::postgres::rehearsal::rehearse;
use crate::content::postgres::replaced::{self, Left};
use crate::content::postgres::stage::{Owner, Stage};
use crate::content::postgres::switch::{Exchange, Standing, own_name};
use crate::content::postgres::tables::{Holds, Table};
use crate::content::postgres::{counted, data_store, names, ties};
use crate::domain::Instant;
use crate::domain::backup::{Backup, InstanceCopy, TableCopy};
use crate::domain::environment::{DATA_STORE, InstanceName, SCHEMA, VERSIONS, WorkspaceKind};
use crate::domain::job::JobId;
use crate::domain::plan::Selection;
use crate::domain::settings::InstanceSettings;
use crate::engine::EngineError;
use crate::repository::{Files, Repository};
use crate::watch::Watch;

/// What the journal keeps of an instance in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaRecord {
    /// The schema that is filled, and emptied by the switch.
    pub fresh: String,
    /// The schema that takes what the switch replaces.
    pub replaced: String,
    /// The note of both.
    pub note: Note,
    /// The role that the tables belong to, if Lifeboat's user has to become it.
    pub owner: Option<String>,
    /// The workspaces that are restored, for their search indexes.
    pub workspaces: Vec<String>,
    /// Whether the tables that come were made by an earlier restore and are not to be dropped with this one.
    pub borrowed: bool,
    /// The switch. `None` until everything is staged.
    pub exchange: Option<Exchange>,
}

impl SchemaRecord {
    fn owner(&self) -> Owner {
        Owner {
            role: self.owner.clone(),
        }
    }

    /// Whether Live is what it was.
    pub(super) fn is_untouched(&self, connector: &Connector) -> bool {
        match &self.exchange {
            None => true,
            Some(exchange) => exchange
                .standing(connector)
                .is_ok_and(|standing| standing == Standing::Pending),
        }
    }

    /// Makes sure that it can be told whether the tables were exchanged.
    pub(super) fn is_known(&self, connector: &Connector) -> Result<(), ContentError> {
        match &self.exchange {
            None => Ok(()),
            Some(exchange) => exchange.is_known(connector),
        }
    }

    /// Makes the staged tables live, unless they are.
    pub(super) fn forward(&self, connector: &Connector) -> Result<Duration, ContentError> {
        match &self.exchange {
            Some(exchange) => exchange.forward(connector, &self.owner(), &self.note),
            None => Ok(Duration::ZERO),
        }
    }

    /// Makes the replaced tables live again, unless they are.
    pub(super) fn back(&self, connector: &Connector) -> Result<Duration, ContentError> {
        match &self.exchange {
            Some(exchange) if !self.is_untouched(connector) => {
                exchange.back(connector, &self.owner(), &self.note)
            }
            _ => Ok(Duration::ZERO),
        }
    }

    /// The schemas that it has made. What an earlier restore has replaced is not its own.
    pub(super) fn made(&self) -> Vec<&str> {
        if self.borrowed {
            vec![&self.replaced]
        } else {
            vec![&self.fresh, &self.replaced]
        }
    }
}

/// The staging of one instance in a database.
pub(super) struct TableStaging {
    stage: Stage,
    note: Note,
    /// The tables that are loaded.
    tables: Vec<Table>,
    copies: Vec<TableCopy>,
    live: Vec<Table>,
    /// How the tables are made.
    drawn: Blueprints,
    workspaces: Vec<String>,
    /// Set when nothing is loaded: tables that an earlier restore has replaced come back.
    back_to: Option<Left>,
    /// Set for a drill: where records of a data store go instead of the live one.
    scratch: Option<ScratchStore>,
    /// The records of a data store that are in the backup and not what their names say.
    wrong: Mutex<BTreeSet<PathBuf>>,
}

/// What a restore is about, for the notes of its schemas.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub environment: &'a crate::domain::environment::EnvironmentName,
    pub job: JobId,
    pub backup: Option<&'a Backup>,
    pub selection: &'a Selection,
    pub now: Instant,
}

impl TableStaging {
    /// Works out what is to be staged. Makes nothing yet.
    pub(super) fn of_backup(
        connector: &Connector,
        instance: &InstanceSettings,
        repository: &Repository,
        backup: &Backup,
        about: About<'_>,
    ) -> Result<Self, EngineError> {
        let files = repository.files(&backup.id, &instance.name)?;
        let described = described(&files, &instance.name)?;
        let copy = copy_of(backup, &instance.name)?;
        let tables: Vec<Table> = described
            .into_iter()
            .filter(|table| is_staged(about.selection, table))
            .collect();
        let copies = copy
            .tables
            .iter()
            .filter(|copy| tables.iter().any(|table| table.name == copy.name))
            .cloned()
            .collect();
        let mut staging = Self::new(connector, &instance.name, about, &tables)?;
        staging.workspaces = workspaces(&tables, &staging.live, about.selection);
        staging.tables = tables;
        staging.copies = copies;
        staging.draw()?;
        staging.find_ties(about.selection)?;
        Ok(staging)
    }

    /// Makes sure that nothing hinders the live tables from going, before anything is stopped for it.
    fn find_ties(&self, selection: &Selection) -> Result<(), EngineError> {
        let Stage { connector, owner, .. } = &self.stage;
        let mut session = connector.connect()?;
        let failed = connector.failed("looking at what goes with the tables");
        let mut transaction = session.begin().map_err(failed)?;
        let tied = ties::find(connector, &mut transaction, owner, &moved(&self.live, selection))?;
        if tied.is_empty() {
            return Ok(());
        }
        Err(EngineError::Failed(format!(
            "the tables in {} cannot be exchanged: {}",
            connector.place(),
            tied.join("; ")
        )))
    }

    /// Works out how the tables are made, and tries it.
    fn draw(&mut self) -> Result<(), EngineError> {
        let stage = &self.stage;
        let mut session = stage.connector.connect()?;
        let failed = stage.connector.failed("trying how the tables are made");
        self.drawn = rehearse(
            &stage.connector,
            &mut session.begin().map_err(failed)?,
            &stage.owner,
            &self.tables,
            &self.live,
            &stage.fresh,
        )?;
        match self.drawn.obstacles.as_slice() {
            [] => Ok(()),
            obstacles => Err(EngineError::Failed(format!(
                "the tables cannot be made as they were in {}: {}",
                stage.connector.place(),
                obstacles.join("; ")
            ))),
        }
    }

    /// What does not come back with the tables, as sentences.
    pub(super) fn left_out(&self) -> &[String] {
        &self.drawn.left_out
    }

    /// Works out what a drill loads: everything that the backup holds, into one schema that never becomes live. In a
    /// database for scratch there need be nothing of Live, not even its roles. Makes nothing yet.
    pub(super) fn of_drill(
        connector: Connector,
        is_scratch: bool,
        store: PathBuf,
        instance: &InstanceSettings,
        repository: &Repository,
        backup: &Backup,
        about: About<'_>,
    ) -> Result<Self, EngineError> {
        let files = repository.files(&backup.id, &instance.name)?;
        let tables = described(&files, &instance.name)?;
        let mut staging = if is_scratch {
            Self::owned(connector, &instance.name, about, Vec::new(), Owner { role: None })
        } else {
            Self::new(&connector, &instance.name, about, &tables)?
        };
        staging.note.state = NoteState::Drill;
        staging.note.expires = about.now;
        staging.stage.fresh = staging.stage.fresh.replacen("new_", "drill_", 1);
        staging
            .copies
            .clone_from(&copy_of(backup, &instance.name)?.tables);
        staging.tables = tables;
        staging.scratch = Some(ScratchStore::new(store));
        staging.draw()?;
        Ok(staging)
    }

    /// Goes back to tables that an earlier restore has replaced.
    pub(super) fn of_replaced(
        connector: &Connector,
        instance: &InstanceSettings,
        left: Left,
        about: About<'_>,
    ) -> Result<Self, EngineError> {
        let tables = layout::look_at(connector, &left.schema)?.tables;
        let mut staging = Self::new(connector, &instance.name, about, &tables)?;
        staging.workspaces = workspaces(&tables, &staging.live, about.selection);
        staging.tables = tables;
        staging.stage.fresh.clone_from(&left.schema);
        staging.back_to = Some(left);
        staging.find_ties(about.selection)?;
        Ok(staging)
    }

    fn new(
        connector: &Connector,
        instance: &InstanceName,
        about: About<'_>,
        tables: &[Table],
    ) -> Result<Self, EngineError> {
        let (layout, mut session, connector) = layout::look(connector)?;
        let live = layout.tables;
        let failed = connector.failed("looking who owns the tables");
        let owner = Owner::find(&connector, &mut session.begin().map_err(failed)?, &live, tables)?;
        drop(session);
        Ok(Self::owned(connector, instance, about, live, owner))
    }

    fn owned(
        connector: Connector,
        instance: &InstanceName,
        about: About<'_>,
        live: Vec<Table>,
        owner: Owner,
    ) -> Self {
        let hours = i64::from(connector.settings().keep_replaced_hours);
        // Jobs are counted anew when the catalog is lost, so the moment is part of the name as well.
        let token = format!("{}_{:x}", about.job, about.now.timestamp_millis());
        Self {
            note: Note {
                lifeboat: Note::FORM,
                environment: about.environment.to_string(),
                instance: instance.to_string(),
                job: about.job.0,
                backup: about.backup.map(|backup| backup.id.0.clone()),
                selection: about.selection.clone(),
                state: NoteState::Staged,
                at: about.now,
                expires: about.now + chrono::Duration::hours(hours),
                came: Vec::new(),
                merged_versions: false,
            },
            stage: Stage {
                fresh: format!("{}new_{token}", replaced::PREFIX),
                replaced: format!("{}old_{token}", replaced::PREFIX),
                connector,
                owner,
            },
            tables: Vec::new(),
            copies: Vec::new(),
            live,
            drawn: Blueprints::default(),
            workspaces: Vec::new(),
            back_to: None,
            scratch: None,
            wrong: Mutex::default(),
        }
    }

    /// What the journal keeps of it before anything is staged.
    pub(super) fn record(&self) -> SchemaRecord {
        SchemaRecord {
            fresh: self.stage.fresh.clone(),
            replaced: self.stage.replaced.clone(),
            note: self.note.clone(),
            owner: self.stage.owner.role.clone(),
            workspaces: self.workspaces.clone(),
            borrowed: self.back_to.is_some(),
            exchange: None,
        }
    }

    /// Rows and bytes that are staged.
    pub(super) fn size(&self) -> (u64, u64) {
        let rows = self.copies.iter().map(|copy| copy.rows).sum();
        (rows, self.copies.iter().map(|copy| copy.bytes).sum())
    }

    /// Makes the schema that takes what is live now, for an exchange with tables that stand already.
    pub(super) fn make_room(&self) -> Result<(), EngineError> {
        Ok(self.stage.make_replaced(&self.note)?)
    }

    /// Loads everything beside Live.
    pub(super) fn stage(
        &self,
        repository: &Repository,
        backup: &Backup,
        instance: &InstanceName,
        watch: &dyn Watch,
    ) -> Result<(), EngineError> {
        let files = repository.files(&backup.id, instance)?;
        if let Some(store) = &self.scratch {
            self.stage.make_fresh(&self.note)?;
            if self.has_records() {
                store.fill(&files, watch)?;
            }
        } else {
            self.stage.make(&self.note)?;
            self.add_records(&files, watch)?;
        }
        self.stage.load::<EngineError>(
            &self.tables,
            &self.drawn,
            &self.copies,
            &|table, write| {
                let folder = table.folder();
                files.pour_all::<EngineError>(&files.below(&folder)?, &mut |piece| Ok(write(piece)?))
            },
            &|| {
                if watch.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                Ok(())
            },
            watch,
        )?;
        Ok(self.stage.dress(&self.tables, &self.drawn, &self.live)?)
    }

    /// Whether a data store in the backup is one of records in a folder, and not a table.
    fn has_records(&self) -> bool {
        self.tables.iter().all(|table| table.workspace != DATA_STORE)
    }

    /// Brings the records of a data store in a folder back.
    fn add_records(&self, files: &Files, watch: &dyn Watch) -> Result<(), EngineError> {
        let Some(root) = &self.stage.connector.settings().data_store else {
            return Ok(());
        };
        let wrong = records::add(root, files, watch)?;
        *self.wrong.lock() = wrong;
        Ok(())
    }

    /// What is left to do when everything was found right. Gives what does not come back all the same, as sentences.
    pub(super) fn settle(&self) -> Result<Vec<String>, EngineError> {
        let left_out = self.add_rows()?;
        self.stage.close(&self.tables, &self.drawn, &self.live)?;
        Ok(left_out)
    }

    /// Adds the records of a data store in a table that the live one lacks, once what was staged has been found right.
    /// Nothing is ever removed from it. Rows that are no records do not come back.
    fn add_rows(&self) -> Result<Vec<String>, EngineError> {
        let connector = &self.stage.connector;
        let mut left_out = Vec::new();
        for table in self.tables.iter().filter(|table| table.holds == Holds::DataStore) {
            let failed = connector.failed("adding to the data store");
            let mut session = connector.connect()?;
            let mut transaction = session.begin().map_err(&failed)?;
            self.stage.owner.act(connector, &mut transaction)?;
            let staged = names::in_schema(&self.stage.fresh, &table.name);
            let live = names::in_schema(&connector.settings().schema, &table.name);
            let is_live = self.scratch.is_none() && self.live.iter().any(|live| live.name == table.name);
            let wrong =
                data_store::leave_out(&mut transaction, table, &staged, is_live.then_some(live.as_str()))
                    .map_err(&failed)?;
            left_out.extend(wrong.into_iter().map(|id| {
                format!(
                    "{id} of the table {} does not come back: its data in the backup is not what its name says, or was never \
                     written to the end",
                    table.name
                )
            }));
            if !is_live {
                transaction.commit().map_err(&failed)?;
                continue;
            }
            let named = |column: &str| {
                let place = table.place_of(column);
                let column = place.and_then(|place| table.columns.get(place));
                column.map(|column| names::quoted(&column.name))
            };
            if let ([key], Some(data)) = (table.key.as_slice(), named("data")) {
                let key = names::quoted(key);
                let other = transaction
                    .query_opt(
                        &format!(
                            "SELECT live.{key}::text FROM {live} live JOIN {staged} staged ON staged.{key} = live.{key} \
                             WHERE octet_length(live.{data}) <> octet_length(staged.{data}) LIMIT 1"
                        ),
                        &[],
                    )
                    .map_err(&failed)?
                    .map(|row| row.get::<_, String>(0));
                if let Some(id) = other {
                    return Err(EngineError::Failed(format!(
                        "{id} stands in the table {}, and is not the record that its name tells: look at the database's \
                         disk, and delete that row",
                        table.name
                    )));
                }
            }
            // A garbage collection that is under way takes what is old and not yet referred to: what is added, and what
            // stands already, counts as used just now.
            let modified = named("last_modified");
            let columns: Vec<_> = table
                .columns
                .iter()
                .map(|column| names::quoted(&column.name))
                .collect();
            let values: Vec<_> = columns
                .iter()
                .map(|column| match &modified {
                    Some(modified) if modified == column => "(extract(epoch FROM now()) * 1000)::bigint",
                    _ => column.as_str(),
                })
                .collect();
            let conflict = match (table.key.as_slice(), &modified) {
                ([key], Some(column)) => format!(
                    "({}) DO UPDATE SET {column} = excluded.{column}",
                    names::quoted(key)
                ),
                _ => "DO NOTHING".to_owned(),
            };
            transaction
                .batch_execute(&format!(
                    "INSERT INTO {live} ({}) SELECT {} FROM {staged} ON CONFLICT {conflict}",
                    columns.join(", "),
                    values.join(", ")
                ))
                .map_err(&failed)?;
            transaction.commit().map_err(&failed)?;
        }
        Ok(left_out)
    }

    /// What was staged and counts with a sequence outside of it, as the beginning of a sentence. What Live shares with others
    /// on purpose stays as it is in a restore; a drill is to prove that the backup needs nothing else.
    fn counts_outside(&self) -> Result<Option<String>, EngineError> {
        let connector = &self.stage.connector;
        let failed = connector.failed("looking what is counted with");
        let mut session = connector.connect()?;
        let names: Vec<String> = self.tables.iter().map(|table| table.name.clone()).collect();
        let outside = counted::outside(&mut session.begin().map_err(&failed)?, &self.stage.fresh, &names)
            .map_err(&failed)?;
        let schema = &connector.settings().schema;
        let is_wrong = |outside: &counted::Outside| {
            self.scratch.is_some() || outside.is_left() || outside.schema == *schema
        };
        let found = outside.into_iter().find(is_wrong);
        Ok(found.map(|outside| format!("{}, which is not in the backup", outside.sentence())))
    }

    /// Reads back what was staged. Gives what is not as it is in the backup, as the beginning of a sentence.
    pub(super) fn difference(
        &self,
        repository: &Repository,
        backup: &Backup,
        instance: &InstanceName,
        watch: &dyn Watch,
    ) -> Result<Option<String>, EngineError> {
        if let Some(difference) = self.stage.difference(&self.copies, watch)? {
            return Ok(Some(difference));
        }
        if let Some(outside) = self.counts_outside()? {
            return Ok(Some(outside));
        }
        if let Some(refused) = self.stage.accepts(&self.tables, &self.drawn)? {
            return Ok(Some(refused));
        }
        if let Some(store) = &self.scratch {
            return store.difference(watch);
        }
        if let Some(root) = &self.stage.connector.settings().data_store {
            let files = repository.files(&backup.id, instance)?;
            for file in files.below(Path::new(DATA_STORE))? {
                let wrong = self.wrong.lock();
                if !wrong.contains(&file.item.path) && !data_store::has(root, &records::item_of(&file))? {
                    return Err(EngineError::Failed(format!(
                        "the data store in {} lost {} again while it was staged: a garbage collection runs; stop it and \
                         restore again",
                        root.display(),
                        file.item.path.display()
                    )));
                }
            }
        }
        Ok(None)
    }

    /// The exchange that makes it live, worked out from the tables that are live now.
    pub(super) fn exchange(&self, selection: &Selection) -> Result<Exchange, EngineError> {
        let connector = &self.stage.connector;
        let live_schema = &connector.settings().schema;
        let live = layout::look(connector)?.0.tables;
        let is_live = |name: &str| live.iter().any(|table| table.name == name);
        let mut renamed = Vec::new();
        let mut comes: Vec<String> = match &self.back_to {
            Some(left) => {
                let theirs = left
                    .tables
                    .iter()
                    .filter(|name| !name.starts_with(replaced::PREFIX));
                theirs
                    .map(|name| {
                        let (own, is_aside) = own_name(name);
                        if is_aside {
                            renamed.push(own.to_owned());
                        }
                        own.to_owned()
                    })
                    .collect()
            }
            None => self
                .tables
                .iter()
                .filter(|table| table.holds != Holds::DataStore || !is_live(&table.name))
                .map(|table| table.name.clone())
                .collect(),
        };
        let goes = match &self.back_to {
            Some(left) => left
                .note
                .came
                .iter()
                .chain(comes.iter().filter(|name| !left.note.came.contains(name)))
                .filter(|name| is_live(name))
                .cloned()
                .collect(),
            None => live
                .iter()
                .filter(|table| table.holds != Holds::DataStore && is_staged(selection, table))
                .map(|table| table.name.clone())
                .collect::<Vec<_>>(),
        };
        let (mut before, mut before_back) = (Vec::new(), Vec::new());
        if !selection.workspaces.is_empty() && self.back_to.is_none() {
            // The version storage is not exchanged: what is missing in it is added.
            comes.retain(|name| {
                self.tables
                    .iter()
                    .any(|table| table.name == *name && table.workspace != VERSIONS)
            });
            if let Some(merge) = super::versions::merge(&self.stage, &self.tables, &live, selection)? {
                (before, before_back) = (merge.forward, merge.back);
            }
        }
        let goes: Vec<String> = goes
            .into_iter()
            .filter(|name| {
                selection.workspaces.is_empty()
                    || live
                        .iter()
                        .any(|table| table.name == *name && table.workspace != VERSIONS)
            })
            .collect();
        // A name of the longest kind cannot be made longer.
        let aside = goes
            .iter()
            .filter(|name| !comes.contains(name) && name.len() < 63)
            .cloned()
            .collect();
        Ok(Exchange {
            aside,
            renamed,
            live: live_schema.clone(),
            fresh: self.stage.fresh.clone(),
            replaced: self.stage.replaced.clone(),
            comes,
            goes,
            before,
            before_back,
        })
    }
}

/// Whether a table is staged by a restore of a selection. The version storage is staged with chosen workspaces too,
/// since theirs may need something of it.
pub(super) fn is_staged(selection: &Selection, table: &Table) -> bool {
    is_compared(selection, &table.workspace)
        || (table.workspace == VERSIONS && table.holds != Holds::Binaries)
}

fn workspaces(tables: &[Table], live: &[Table], selection: &Selection) -> Vec<String> {
    let names: BTreeSet<&String> = tables
        .iter()
        .chain(live)
        .map(|table| &table.workspace)
        .filter(|name| WorkspaceKind::of(name) != WorkspaceKind::Shared && selection.has_workspace(name))
        .collect();
    names.into_iter().cloned().collect()
}

/// The description of the tables in a backup.
pub(super) fn described(files: &Files, instance: &InstanceName) -> Result<Vec<Table>, EngineError> {
    let path: PathBuf = Path::new(SCHEMA).join("tables.json");
    let bytes = files.read(&path)?.ok_or_else(|| {
        EngineError::Failed(format!(
            "the backup of {instance} was not taken from a database, and this instance has one: it cannot be put there"
        ))
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        EngineError::Failed(format!(
            "the description of the tables of {instance} in the backup makes no sense to this version of Lifeboat ({error})"
        ))
    })
}

/// What the backup says of an instance.
pub(super) fn copy_of<'b>(
    backup: &'b Backup,
    instance: &InstanceName,
) -> Result<&'b InstanceCopy, EngineError> {
    let mut copies = backup.manifest.instances.iter();
    copies
        .find(|copy| copy.name == *instance)
        .ok_or_else(|| EngineError::Failed(format!("the backup holds nothing of {instance}")))
}
