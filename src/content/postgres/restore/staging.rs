//! One instance of a restore whose content is in a database: what is staged in a schema beside Live, and how it becomes
//! an exchange of tables.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::beside::SchemaRecord;
use super::extract;
use super::nodes::is_compared;
use super::parts;
use super::plan::moved;
use super::records;
use super::scratch_store::ScratchStore;
use crate::content::backed_up::{BackedUp, BackedUpFiles};
use crate::content::left::{Left, Note, NoteState};
use crate::content::postgres::blueprint::Blueprints;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::home::staging::HomeStaging;
use crate::content::postgres::layout;
use crate::content::postgres::rehearsal::{Tried, rehearse};
use crate::content::postgres::replaced;
use crate::content::postgres::stage::{Owner, Stage};
use crate::content::postgres::tables::{Holds, Table};
use crate::content::postgres::taken::{self, Arrival};
use crate::content::postgres::{counted, data_store, structure, ties};
use crate::content::restoring::{About, RestoreError};
use crate::domain::backup::TableCopy;
use crate::domain::environment::{DATA_STORE, HOME, InstanceName, SCHEMA, VERSIONS, WorkspaceKind};
use crate::domain::plan::Selection;
use crate::jcr::namespaces::Namespaces;
use crate::watch::Watch;
use parking_lot::Mutex;

/// The staging of one instance in a database.
pub(in crate::content::postgres) struct TableStaging {
    pub(super) stage: Stage,
    note: Note,
    /// The tables that are loaded.
    pub(super) tables: Vec<Table>,
    copies: Vec<TableCopy>,
    pub(super) live: Vec<Table>,
    /// How the tables are made.
    drawn: Blueprints,
    workspaces: Vec<String>,
    /// Set when nothing is loaded: tables that an earlier restore has replaced come back.
    pub(super) back_to: Option<Left>,
    /// Set for a drill: where records of a data store go instead of the live one.
    pub(super) scratch: Option<ScratchStore>,
    /// The small files of the home, where a restore changes them.
    pub(super) home: Option<HomeStaging>,
    /// Set where only some nodes of the workspaces come back: the prefixes of namespaces in the backup.
    pub(super) parts: Option<Namespaces>,
    /// The records of a data store that are in the backup and not what their names say.
    wrong: Mutex<BTreeSet<PathBuf>>,
}

impl TableStaging {
    /// Works out what is to be staged. Makes nothing yet.
    pub(in crate::content::postgres) fn of_backup(
        connector: &Connector,
        backup: &dyn BackedUp,
        about: &About<'_>,
    ) -> Result<Self, RestoreError> {
        let files = backup.files()?;
        let described = described(&*files, about.instance)?;
        let copy = backup.copy();
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
        let mut staging = Self::new(connector, about, &tables)?;
        staging.workspaces = workspaces(connector, &tables, &staging.live, about.selection);
        staging.tables = if about.selection.has_paths() {
            staging.parts = Some(parts::sides::namespaces(&*files)?);
            parts::tables::to_make(about.selection, tables, &staging.live).map_err(RestoreError::Failed)?
        } else {
            tables
        };
        staging.copies = copies;
        staging.draw()?;
        staging.find_ties(about.selection, &staging.drawn.arrivals)?;
        let home = connector.settings().home.as_deref();
        staging.home = HomeStaging::of_backup(home, backup, about.selection, about.job)?;
        Ok(staging)
    }

    /// Makes sure that nothing hinders the live tables from going, before anything is stopped for it.
    fn find_ties(&self, selection: &Selection, arrivals: &[Arrival]) -> Result<(), RestoreError> {
        let Stage { connector, owner, .. } = &self.stage;
        let mut session = connector.connect()?;
        let failed = connector.failed("looking at what goes with the tables");
        let mut transaction = session.begin().map_err(failed)?;
        let goes = moved(&self.live, selection);
        let mut tied = ties::find(connector, &mut transaction, owner, &goes)?;
        let comes = structure::coming(selection, &self.tables, &self.live);
        let taken = taken::find(connector, &mut transaction, owner, (arrivals, &comes), &goes)?;
        tied.extend(taken.obstacles);
        if tied.is_empty() {
            return Ok(());
        }
        Err(RestoreError::Failed(format!(
            "the tables in {} cannot be exchanged: {}",
            connector.place(),
            tied.join("; ")
        )))
    }

    /// Works out how the tables are made, and tries it.
    fn draw(&mut self) -> Result<(), RestoreError> {
        let stage = &self.stage;
        let mut session = stage.connector.connect()?;
        let failed = stage.connector.failed("trying how the tables are made");
        self.drawn = rehearse(
            &stage.connector,
            &mut session.begin().map_err(failed)?,
            &stage.owner,
            Tried {
                tables: &self.tables,
                live: &self.live,
                schema: &stage.fresh,
                suspects: &BTreeSet::new(),
                is_apart: self.scratch.is_some(),
            },
        )?;
        match self.drawn.obstacles.as_slice() {
            [] => Ok(()),
            obstacles => Err(RestoreError::Failed(format!(
                "the tables cannot be made as they were in {}: {}",
                stage.connector.place(),
                obstacles.join("; ")
            ))),
        }
    }

    /// What does not come back with the tables, as sentences.
    pub(in crate::content::postgres) fn not_made(&self) -> &[String] {
        &self.drawn.left_out
    }

    /// Works out what a drill loads: everything that the backup holds, into one schema that never becomes live. In a
    /// database for scratch there need be nothing of Live, not even its roles. Makes nothing yet.
    pub(in crate::content::postgres) fn of_drill(
        connector: Connector,
        is_scratch: bool,
        scratch: &Path,
        backup: &dyn BackedUp,
        about: &About<'_>,
    ) -> Result<Self, RestoreError> {
        let tables = described(&*backup.files()?, about.instance)?;
        let mut staging = if is_scratch {
            Self::owned(connector, about, Vec::new(), Owner { role: None })
        } else {
            Self::new(&connector, about, &tables)?
        };
        staging.note.state = NoteState::Drill;
        staging.note.expires = about.now;
        staging.stage.fresh = staging.stage.fresh.replacen("new_", "drill_", 1);
        staging.copies.clone_from(&backup.copy().tables);
        staging.tables = tables;
        staging.scratch = Some(ScratchStore::new(scratch.join("datastore")));
        staging.home = HomeStaging::in_scratch(&scratch.join("home"), backup);
        staging.draw()?;
        Ok(staging)
    }

    /// Works out what a restore elsewhere loads: the chosen workspaces and all that they share, into the schema that the
    /// connector names, which is new or empty. Makes nothing yet.
    pub(in crate::content::postgres) fn of_extract(
        connector: Connector,
        scratch: &Path,
        backup: &dyn BackedUp,
        about: &About<'_>,
    ) -> Result<Self, RestoreError> {
        let mut tables = described(&*backup.files()?, about.instance)?;
        tables.retain(|table| extract::is_taken(about.selection, table));
        let mut staging = Self::owned(connector, about, Vec::new(), Owner { role: None });
        staging.note.state = NoteState::Extract;
        staging.stage.fresh = staging.stage.connector.settings().schema.clone();
        let copies = backup.copy().tables.iter();
        let of_taken = |copy: &&TableCopy| tables.iter().any(|table| table.name == copy.name);
        staging.copies = copies.filter(of_taken).cloned().collect();
        staging.tables = tables;
        staging.scratch = Some(ScratchStore::new(scratch.join("datastore")));
        staging.home = HomeStaging::in_scratch(&scratch.join("home"), backup);
        staging.draw()?;
        Ok(staging)
    }

    /// Goes back to tables that an earlier restore has replaced.
    pub(in crate::content::postgres) fn of_replaced(
        connector: &Connector,
        left: Left,
        about: &About<'_>,
    ) -> Result<Self, RestoreError> {
        let tables = layout::look_at(connector, &left.place)?.tables;
        let mut staging = Self::new(connector, about, &tables)?;
        staging.workspaces = workspaces(connector, &tables, &staging.live, about.selection);
        staging.tables = tables;
        staging.stage.fresh.clone_from(&left.place);
        staging.home = left
            .note
            .beside
            .as_ref()
            .map(HomeStaging::of_replaced)
            .transpose()?;
        staging.back_to = Some(left);
        staging.find_ties(about.selection, &taken::arrivals(&staging.tables))?;
        Ok(staging)
    }

    fn new(connector: &Connector, about: &About<'_>, tables: &[Table]) -> Result<Self, RestoreError> {
        let (layout, mut session, connector) = layout::look(connector)?;
        let live = layout.tables;
        let failed = connector.failed("looking who owns the tables");
        let owner = Owner::find(&connector, &mut session.begin().map_err(failed)?, &live, tables)?;
        drop(session);
        Ok(Self::owned(connector, about, live, owner))
    }

    fn owned(connector: Connector, about: &About<'_>, live: Vec<Table>, owner: Owner) -> Self {
        let hours = i64::from(connector.settings().keep_replaced_hours);
        // Jobs are counted anew when the catalog is lost, so the moment is part of the name as well.
        let token = format!("{}_{:x}", about.job, about.now.timestamp_millis());
        Self {
            note: Note {
                lifeboat: Note::FORM,
                environment: about.environment.to_string(),
                instance: about.instance.to_string(),
                job: about.job.0,
                backup: about.backup.map(|backup| backup.0.clone()),
                selection: about.selection.clone(),
                state: NoteState::Staged,
                at: about.now,
                expires: about.now + chrono::Duration::hours(hours),
                came: Vec::new(),
                merged_versions: false,
                beside: None,
                stood: None,
                settled: Vec::new(),
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
            home: None,
            parts: None,
            wrong: Mutex::default(),
        }
    }

    /// What the journal keeps of it before anything is staged.
    pub(in crate::content::postgres) fn schemas(&self) -> Result<SchemaRecord, RestoreError> {
        Ok(SchemaRecord {
            fresh: self.stage.fresh.clone(),
            replaced: self.stage.replaced.clone(),
            note: self.note.clone(),
            owner: self.stage.owner.role.clone(),
            workspaces: self.workspaces.clone(),
            all_workspaces: workspaces(
                &self.stage.connector,
                &self.tables,
                &self.live,
                &Selection::default(),
            ),
            borrowed: self.back_to.is_some(),
            exchange: None,
            home: self.home.as_ref().map(HomeStaging::record).transpose()?,
        })
    }

    /// Rows and bytes that are staged.
    pub(in crate::content::postgres) fn size(&self) -> (u64, u64) {
        let rows = self.copies.iter().map(|copy| copy.rows).sum();
        (rows, self.copies.iter().map(|copy| copy.bytes).sum())
    }

    /// Makes the schema that takes what is live now, for an exchange with tables that stand already.
    pub(in crate::content::postgres) fn make_replaced(&self) -> Result<(), RestoreError> {
        Ok(self.stage.make_replaced(&self.note)?)
    }

    /// Loads everything beside Live.
    pub(in crate::content::postgres) fn load(
        &self,
        backup: &dyn BackedUp,
        watch: &dyn Watch,
    ) -> Result<(), RestoreError> {
        let files = backup.files()?;
        if let Some(store) = &self.scratch {
            match self.note.state {
                NoteState::Extract => extract::claim(&self.stage, &self.note)?,
                _ => self.stage.make_fresh(&self.note)?,
            }
            if self.has_records() {
                store.fill(&*files, watch)?;
            }
            if let Some(home) = &self.home {
                home.make_in_scratch()?;
            }
        } else {
            self.stage.make(&self.note)?;
            self.add_records(&*files, watch)?;
        }
        if let Some(home) = &self.home {
            watch.part(HOME);
            home.stage(backup)?;
        }
        self.stage.load::<RestoreError>(
            &self.tables,
            &self.drawn,
            &self.copies,
            &|table, write| {
                let folder = table.folder();
                files.pour_all(&files.below(&folder)?, &mut |piece| Ok(write(piece)?))
            },
            &|| {
                if watch.is_cancelled() {
                    return Err(RestoreError::Cancelled);
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
    fn add_records(&self, files: &dyn BackedUpFiles, watch: &dyn Watch) -> Result<(), RestoreError> {
        let Some(root) = &self.stage.connector.settings().data_store else {
            return Ok(());
        };
        let wrong = records::add(root, files, watch)?;
        *self.wrong.lock() = wrong;
        Ok(())
    }

    /// What is left to do when everything was found right. Gives what does not come back all the same, as sentences.
    pub(in crate::content::postgres) fn add_and_close(&self) -> Result<Vec<String>, RestoreError> {
        let left_out = self.add_rows()?;
        // Of what is put together later, nothing may be hidden from the owner until then.
        if self.parts.is_none() {
            self.close()?;
        }
        if self.note.state == NoteState::Extract {
            extract::release(&self.stage)?;
        }
        Ok(left_out)
    }

    /// What comes last: from then on the owner may see only a part of its own tables.
    pub(super) fn close(&self) -> Result<(), RestoreError> {
        Ok(self.stage.close(&self.tables, &self.drawn, &self.live)?)
    }

    /// What was staged and counts with a sequence outside of it, as the beginning of a sentence. What Live shares with others
    /// on purpose stays as it is in a restore; a drill is to prove that the backup needs nothing else.
    fn counts_outside(&self) -> Result<Option<String>, RestoreError> {
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
    pub(in crate::content::postgres) fn compare(
        &self,
        backup: &dyn BackedUp,
        watch: &dyn Watch,
    ) -> Result<Option<String>, RestoreError> {
        if let Some(difference) = self.stage.difference(&self.copies, watch)? {
            return Ok(Some(difference));
        }
        if let Some(home) = &self.home
            && let Some(difference) = home.difference(backup)?
        {
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
            for file in backup.files()?.below(Path::new(DATA_STORE))? {
                let wrong = self.wrong.lock();
                if !wrong.contains(&file.item.path) && !data_store::has(root, &records::item_of(&file))? {
                    return Err(RestoreError::Failed(format!(
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
}

/// Whether a table is staged by a restore of a selection. The version storage is staged with chosen workspaces too,
/// since theirs may need something of it.
///
/// Of a workspace of which only some nodes come back, the names that bundles once were written with, and files, stay Live's.
pub(in crate::content::postgres) fn is_staged(selection: &Selection, table: &Table) -> bool {
    let is_of_nodes = matches!(
        table.holds,
        Holds::Bundles | Holds::References | Holds::Binaries | Holds::DataStore
    );
    if selection.has_paths() && table.workspace != VERSIONS && !is_of_nodes {
        return false;
    }
    is_compared(selection, &table.workspace)
        || (table.workspace == VERSIONS && table.holds != Holds::Binaries)
}

/// The workspaces that are restored, by the names that their search indexes may go by: one that is told from another
/// repository's by its prefix has the same name there without it.
fn workspaces(connector: &Connector, tables: &[Table], live: &[Table], selection: &Selection) -> Vec<String> {
    let mut names: BTreeSet<String> = tables
        .iter()
        .chain(live)
        .map(|table| &table.workspace)
        .filter(|name| WorkspaceKind::of(name) != WorkspaceKind::Shared && selection.has_workspace(name))
        .cloned()
        .collect();
    let prefixes = &connector.settings().workspace_prefix;
    let bare = names.iter().filter_map(|name| {
        let (_, prefix) = prefixes.of(name)?;
        name.get(prefix.len()..).map(str::to_owned)
    });
    let bare: Vec<String> = bare.filter(|name| !name.is_empty()).collect();
    names.extend(bare);
    names.into_iter().collect()
}

/// The description of the tables in a backup.
pub(in crate::content::postgres) fn described(
    files: &dyn BackedUpFiles,
    instance: &InstanceName,
) -> Result<Vec<Table>, RestoreError> {
    let path: PathBuf = Path::new(SCHEMA).join("tables.json");
    let bytes = files.read(&path)?.ok_or_else(|| {
        RestoreError::Failed(format!(
            "the backup of {instance} was not taken from a database, and this instance has one: it cannot be put there"
        ))
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        RestoreError::Failed(format!(
            "the description of the tables of {instance} in the backup makes no sense to this version of Lifeboat ({error})"
        ))
    })
}
