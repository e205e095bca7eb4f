//! An instance whose content is in a database: what a plan and a check find there, and how a restore is staged beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Postgres;
use super::address::is_same_server;
use super::connect::Connector;
use super::inside::LiveTables;
use super::layout::look;
use super::restore::staging::{TableStaging, described};
use super::restore::{extract, plan, room};
use super::rights::{self, Missing};
use super::tables::Table;
use super::{check, replaced, sessions, since, standby};
use crate::content::Content;
use crate::content::backed_up::BackedUp;
use crate::content::connected::Connected;
use crate::content::inside::Inside;
use crate::content::left::Left;
use crate::content::postgres::home;
use crate::content::restoring::{About, Checked, Found, Place, RestoreError, Staged, Wanted, World};
use crate::disk::removal;
use crate::domain::check::Findings;
use crate::domain::elsewhere::Elsewhere;
use crate::domain::environment::{DATA_STORE, EnvironmentName, HOME, InstanceName, workspace_label};
use crate::domain::plan::Selection;
use crate::domain::settings::PostgresSettings;
use crate::watch::Watch;

/// A schema of a database.
pub(crate) struct DatabasePlace {
    pub(crate) connector: Connector,
    world: World,
    purpose: Purpose,
}

/// What a schema of a database is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The content of an instance is in it.
    Content,
    /// The database is set aside for drills: nothing of Live need be in it.
    Drills,
    /// A restore elsewhere goes into it, which has a folder for files or has not.
    Extract { has_folder: bool },
}

impl DatabasePlace {
    /// A database that is configured.
    pub(crate) fn new(settings: &PostgresSettings, world: World) -> Self {
        Self {
            connector: Connector::new(settings, world.state.clone(), Arc::clone(&world.variables)),
            world,
            purpose: Purpose::Content,
        }
    }

    /// Where drills of it are: a schema of its own in the same database, or one that is set aside for them.
    pub(crate) fn of_drills(settings: &PostgresSettings, aside: Option<&String>, world: World) -> Self {
        let Some(connect) = aside else {
            return Self::new(settings, world);
        };
        let aside = PostgresSettings {
            connect: connect.clone(),
            data_store: None,
            home: None,
            room: None,
            ..settings.clone()
        };
        Self {
            purpose: Purpose::Drills,
            ..Self::new(&aside, world)
        }
    }

    /// Where a restore elsewhere of it goes. The password of its own database is given to no other server: that of another
    /// one is looked for where libpq looks for it.
    pub(crate) fn of_extracts(settings: &PostgresSettings, into: &Elsewhere, world: World) -> Self {
        let mut own = PostgresSettings {
            connect: into.database.clone().unwrap_or_default(),
            schema: into.schema.clone().unwrap_or_else(|| settings.schema.clone()),
            data_store: None,
            home: None,
            room: None,
            search_indexes: Vec::new(),
            ..settings.clone()
        };
        if !is_same_server(&own.connect, &settings.connect) {
            own.password_file = None;
            own.password_command = None;
            own.password_env = None;
        }
        let has_folder = into.folder.is_some();
        Self {
            purpose: Purpose::Extract { has_folder },
            ..Self::new(&own, world)
        }
    }
}

impl DatabasePlace {
    /// Removes the files of a home that were replaced with tables that are gone now. After an exchange back they are those of
    /// the schema that has taken what went then, and not of the one that was emptied by it.
    fn drop_beside(&self, left: &Left) -> Result<(), RestoreError> {
        let Some(beside) = &left.note.beside else {
            return Ok(());
        };
        let names = (left.note.environment.parse(), left.note.instance.parse());
        let (Ok(environment), Ok(instance)) = names else {
            return Ok(());
        };
        let others = replaced::find(&self.connector, &environment, &instance)?;
        let is_of = |other: &Left| {
            let theirs = other.note.beside.as_ref();
            other.place != left.place && theirs.is_some_and(|theirs| theirs.staging == beside.staging)
        };
        if !others.iter().any(is_of) {
            let removed = removal::remove_made(&beside.staging, beside.made);
            removed.map_err(RestoreError::io("removing", &beside.staging))?;
        }
        Ok(())
    }
}

impl Place for DatabasePlace {
    fn content(&self) -> Arc<dyn Content> {
        Arc::new(Postgres::new(self.connector.clone()))
    }

    fn inside(&self) -> Result<Arc<dyn Inside>, RestoreError> {
        Ok(Arc::new(LiveTables::look(&self.connector)?))
    }

    fn is_there(&self) -> bool {
        look(&self.connector).map_or(true, |(layout, ..)| !layout.tables.is_empty())
    }

    fn which(&self) -> Option<String> {
        let (layout, ..) = look(&self.connector).ok()?;
        let mut tables: Vec<_> = layout
            .tables
            .iter()
            .map(|table| format!("{} {}", table.name, table.found.oid))
            .collect();
        tables.sort();
        Some(tables.join(", "))
    }

    fn why_no_backup_at_all(&self) -> Option<String> {
        home::covered(self.connector.settings().home.as_deref()?)
    }

    /// Servers do not start in the same microsecond, and this everybody may ask, unlike the number that a server is given
    /// when it is made.
    fn identity(&self) -> Result<Option<String>, RestoreError> {
        let (mut session, connector) = self.connector.connect_to_one()?;
        let failed = connector.failed("asking which database it is");
        let mut transaction = session.begin().map_err(&failed)?;
        let row = transaction
            .query_one(
                "SELECT pg_postmaster_start_time()::text || ' ' || current_setting('port'), current_database()::text",
                &[],
            )
            .map_err(&failed)?;
        let (server, database): (String, String) = (row.get(0), row.get(1));
        Ok(Some(format!(
            "{server}\n{database}\n{}",
            connector.settings().schema
        )))
    }

    fn plan(
        &self,
        backup: &dyn BackedUp,
        wanted: &Wanted<'_>,
        found: &mut Found,
        watch: &dyn Watch,
    ) -> Result<(), RestoreError> {
        let copy = backup.copy();
        let mut planned = plan::plan(&self.connector, backup, wanted, watch)?;
        let home = self.connector.settings().home.as_deref();
        // What is known of it may be of before.
        planned.changes.retain(|change| change.workspace != HOME);
        let has_to_be_saved = || !wanted.without_safety && self.is_there();
        let backed_up = (copy, &*backup.files()?);
        home::differences::plan(
            home,
            &self.world,
            backed_up,
            wanted.selection,
            &has_to_be_saved,
            &mut planned,
        )?;
        found.add(planned);
        if wanted.without_safety && !wanted.selection.workspaces.is_empty() {
            found.obstacles.push(
                "chosen workspaces of a database share the version storage with others, so their restore needs its safety \
                 backup: leave it in, or restore everything"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn takes_parts(&self, _selection: &Selection) -> Result<(), String> {
        Ok(())
    }

    fn stage(&self, backup: &dyn BackedUp, about: &About<'_>) -> Result<Box<dyn Staged>, RestoreError> {
        let staging = TableStaging::of_backup(&self.connector, backup, about)?;
        Ok(Box::new(staging))
    }

    fn stage_in_scratch(
        &self,
        scratch: &Path,
        backup: &dyn BackedUp,
        about: &About<'_>,
    ) -> Result<Box<dyn Staged>, RestoreError> {
        let connector = self.connector.clone();
        let staging = match self.purpose {
            Purpose::Extract { .. } => TableStaging::of_extract(connector, scratch, backup, about)?,
            Purpose::Content => TableStaging::of_drill(connector, false, scratch, backup, about)?,
            Purpose::Drills => TableStaging::of_drill(connector, true, scratch, backup, about)?,
        };
        Ok(Box::new(staging))
    }

    fn plan_in_scratch(
        &self,
        base: &Path,
        backup: &dyn BackedUp,
        selection: &Selection,
        found: &mut Found,
    ) -> Result<(), RestoreError> {
        let copy = backup.copy();
        let tables = described(&*backup.files()?, &copy.name)?;
        let (layout, mut session, connector) = look(&self.connector)?;
        let failed = connector.failed("looking at the database");
        let mut transaction = session.begin().map_err(failed)?;
        let mut files: Vec<_> = copy.workspaces.iter().filter(|part| part.name == HOME).collect();
        if tables.iter().all(|table| table.workspace != DATA_STORE) {
            files.extend(copy.workspaces.iter().filter(|part| part.name == DATA_STORE));
        }
        if let Purpose::Extract { has_folder } = self.purpose {
            let why_not = extract::why_not_free(&connector, &mut transaction)?;
            found.obstacles.extend(why_not);
            if !has_folder && let Some(part) = files.first() {
                found.obstacles.push(format!(
                    "the backup of {} holds the {} in files, and no folder is named that they could go to: name a new or an \
                     empty one as well",
                    copy.name,
                    workspace_label(&part.name)
                ));
                return Ok(());
            }
        } else {
            let missing = rights::for_staging(&connector, &mut transaction, &layout)?;
            found.obstacles.extend(missing.iter().map(Missing::sentence));
        }
        let is_taken = |table: &Table| selection.workspaces.is_empty() || extract::is_taken(selection, table);
        let tables: Vec<_> = tables.into_iter().filter(is_taken).collect();
        room::room_for_tables(found, &connector, &mut transaction, copy, &tables);
        if !files.is_empty() {
            let bytes = files.iter().map(|part| part.bytes).sum();
            found.push_room(format!("files of {}", copy.name), base, bytes);
        }
        Ok(())
    }

    fn drop_unsettled(&self, about: &About<'_>) -> Result<(), RestoreError> {
        match self.purpose {
            Purpose::Extract { .. } => Ok(extract::drop_unsettled(&self.connector, about)?),
            Purpose::Content | Purpose::Drills => Ok(()),
        }
    }

    fn keeps_what_it_replaces(&self) -> bool {
        true
    }

    fn left(
        &self,
        environment: &EnvironmentName,
        instance: &InstanceName,
    ) -> Result<Vec<Left>, RestoreError> {
        Ok(replaced::find(&self.connector, environment, instance)?)
    }

    fn stage_back(&self, left: Left, about: &About<'_>) -> Result<Box<dyn Staged>, RestoreError> {
        let staging = TableStaging::of_replaced(&self.connector, left, about)?;
        Ok(Box::new(staging))
    }

    fn written_since(&self, left: &Left) -> Result<Option<u64>, RestoreError> {
        Ok(since::written(&self.connector, left)?)
    }

    fn drop_replaced(&self, left: &Left) -> Result<(), RestoreError> {
        if left.is_replaced() {
            replaced::drop_replaced(&self.connector, &left.place)?;
        } else {
            replaced::drop_schema(&self.connector, &left.place)?;
        }
        self.drop_beside(left)
    }

    fn drop_made(&self, name: &str) -> Result<(), RestoreError> {
        Ok(replaced::drop_schema(&self.connector, name)?)
    }

    fn connected(&self) -> Result<Option<Connected>, RestoreError> {
        let (mut session, connector) = self.connector.connect_to_one()?;
        let failed = connector.failed("looking who is connected");
        let mut transaction = session.begin().map_err(failed)?;
        Ok(Some(sessions::connected(&connector, &mut transaction)?))
    }

    fn search_indexes(&self) -> Option<&[PathBuf]> {
        Some(&self.connector.settings().search_indexes)
    }

    fn unconfirmed(&self, limit: Duration) -> Result<Option<String>, RestoreError> {
        Ok(standby::missing(&self.connector, limit)?)
    }

    fn check(&self, about: &Checked<'_>, findings: &mut Findings<'_>) {
        check::check(&self.connector, &self.world, about, findings);
    }
}
