//! Replaced tables: the undo that takes a moment, and their end.
//!
//! A restore into a database leaves the tables that it replaced in a schema of their own. The database itself knows of
//! them by the schema's comment; a small record beside the journal only spares the cockpit from asking it every time.

use super::after::leave_out_unconfigured;
use super::journal::{Journal, Stage};
use super::staged::StagedInstance;
use super::undone::{Undone, selection_of};
use crate::content::left::{Left, undropped_sentence};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::environment::InstanceName;
use crate::domain::job::{JobId, JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::retention::undo_target;
use crate::domain::settings::InstanceSettings;
use crate::domain::state::{ReplacedTables, UndoWay};
use crate::engine::jobs::papers::name_of;
use crate::engine::{EngineError, Live, Work};

/// What the records of replaced tables are called.
const REPLACED: &str = "replaced";
/// What the records of replaced tables that could not be dropped are called.
const UNDROPPED: &str = "undropped";

/// What a restore has staged and nobody knows of any more is dropped after this long.
const ABANDONED_AFTER: chrono::Duration = chrono::Duration::hours(24);

/// The replaced tables of the instances that one restore was about.
pub(super) type LeftByInstance = Vec<(InstanceName, Left)>;

impl Live {
    /// Whether what a switch replaces stays beside any instance for a while.
    fn keeps_what_it_replaces(&self) -> bool {
        let mut instances = self.settings().instances.iter();
        instances.any(|instance| self.place(instance).keeps_what_it_replaces())
    }

    /// That an instance is not configured any more, and something of a restore waits for it.
    pub(super) fn is_not_configured(&self, instance: &InstanceName) -> EngineError {
        EngineError::Failed(format!(
            "{instance} of {} is no longer configured with a database, and a restore of it is not finished: put its \
             configuration back",
            self.name()
        ))
    }

    /// Everything that restores have left in the environment's databases, the newest first.
    pub(super) fn left_in_databases(&self) -> Result<LeftByInstance, EngineError> {
        let name = self.name();
        let mut all = Vec::new();
        for instance in &self.settings().instances {
            let left = self.place(instance).left(name, &instance.name)?;
            all.extend(left.into_iter().map(|left| (instance.name.clone(), left)));
        }
        all.sort_by_key(|(_, left)| std::cmp::Reverse((left.note.at, left.note.job)));
        Ok(all)
    }

    /// The tables that the last restore replaced, if an exchange with them takes all of it back. `None` when a safety
    /// backup is the way.
    pub(super) fn tables_to_go_back_to(&self) -> Result<Option<LeftByInstance>, EngineError> {
        if !self.keeps_what_it_replaces() {
            return Ok(None);
        }
        let left: LeftByInstance = self
            .left_in_databases()?
            .into_iter()
            .filter(|(_, left)| left.is_replaced() && left.note.expires > self.now())
            .collect();
        let Some((_, newest)) = left.first() else {
            return Ok(None);
        };
        let (job, at, selection) = (newest.note.job, newest.note.at, newest.note.selection.clone());
        if newest.note.merged_versions {
            return Ok(None);
        }
        let same: LeftByInstance = left
            .into_iter()
            .filter(|(_, left)| left.note.job == job && left.note.at == at)
            .collect();
        if let Some(last) = self.last_restore() {
            let is_whole = last
                .instances
                .iter()
                .all(|instance| same.iter().any(|(known, _)| known == instance));
            return Ok((last.job.0 == job && is_whole).then_some(same));
        }
        // Nobody remembers the last restore: what is known of it is what it has left.
        let backups = self.backups_with_all_safeties()?;
        Ok(takes_all_back(self, &selection, at, &backups).then_some(same))
    }

    /// How undo would go back, as far as is known without asking the databases.
    pub(in crate::engine) fn undo_way(
        &self,
        replaced: &[ReplacedTables],
        backups: &[Backup],
    ) -> Option<UndoWay> {
        let last = self.last_restore();
        let takes_all_back = |tables: &ReplacedTables| match &last {
            Some(last) => {
                let stands = |instance: &InstanceName| {
                    let mut all = replaced.iter().filter(|other| other.job == tables.job);
                    all.any(|other| other.instance == *instance)
                };
                last.job == tables.job && last.instances.iter().all(stands)
            }
            None => takes_all_back(self, &tables.selection, tables.at, backups),
        };
        let newest = replaced
            .iter()
            .filter(|tables| tables.expires > self.now())
            .max_by_key(|tables| (tables.at, tables.job.0));
        match newest {
            Some(tables) if !tables.merged_versions && takes_all_back(tables) => Some(UndoWay::Exchange {
                job: tables.job,
                at: tables.at,
                until: tables.expires,
            }),
            _ => self.safety_to_go_back_to(backups).map(|safety| UndoWay::Safety {
                backup: safety.id.clone(),
            }),
        }
    }

    /// Starts the exchange back.
    pub(super) fn start_exchange_back(&self, left: LeftByInstance) -> Result<JobId, EngineError> {
        let undone = self.undone();
        let title = undone.title("exchange with the replaced tables", &selection_of(&left));
        self.start(JobKind::Undo, &title, move |live, work| {
            live.may_restore(&live.name().to_string())?;
            live.exchange_back(work, &left, &undone)
        })
    }

    /// Exchanges Live with the tables that a restore replaced. What is live now is set aside in the same way, so that
    /// nothing is lost and no safety backup is needed.
    fn exchange_back(
        &self,
        work: &Work,
        left: &LeftByInstance,
        undone: &Undone,
    ) -> Result<Outcome, EngineError> {
        work.leaves_out(&[Phase::SafetyBackup, Phase::Staging, Phase::VerifyingStaged]);
        work.phase(Phase::Preparing)?;
        let name = self.name();
        let settings = self.settings();
        let selection = selection_of(left);
        let is_exchanged =
            |instance: &&InstanceSettings| left.iter().any(|(known, _)| *known == instance.name);
        let exchanged: Vec<_> = settings.instances.iter().filter(is_exchanged).collect();
        leave_out_unconfigured(work, &exchanged);
        let now = self.now();
        let mut staged = Vec::new();
        for instance in &settings.instances {
            let Some((_, left)) = left.iter().find(|(known, _)| *known == instance.name) else {
                continue;
            };
            let about = self.about(work, &instance.name, None, &selection, now);
            staged.push(StagedInstance {
                instance: &instance.name,
                staged: self.place(instance).stage_back(left.clone(), &about)?,
            });
        }
        let backup = left.first().and_then(|(_, left)| left.note.backup.clone());
        let brought = self.brought_by_exchange(&selection);
        let content = brought.content.clone();
        let from = content.as_ref().and_then(|content| content.came_from.as_ref());
        // Until that has switched, it was live; the tables were made before.
        let state = undone.at().map(|until| (until, from));
        let mut journal = Journal {
            environment: name.clone(),
            job: work.id(),
            backup: BackupId(backup.unwrap_or_else(|| "the restore before".to_owned())),
            safety: None,
            safety_taken: None,
            brought: Some(brought),
            stage: Stage::Staging,
            instances: staged
                .iter()
                .map(StagedInstance::record)
                .collect::<Result<_, _>>()?,
            indexes_removed: false,
            settled: Vec::new(),
        };
        self.write_journal(&journal)?;
        let mut written = self.written_into_tables(left);
        written.extend(
            content
                .iter()
                .flat_map(|content| self.warnings_of_versions(&content.versions)),
        );
        for told in self.stopping(&exchanged).by_hand.iter().chain(&written) {
            work.log(Severity::Warning, told);
        }
        let prepared = staged
            .iter()
            .try_for_each(|staged| Ok(staged.staged.make_room()?))
            .and_then(|()| self.run_before_restore(work, &journal))
            .and_then(|()| self.wait_until_nobody_is_connected(work, &journal))
            .and_then(|()| self.begin_switch(work, &selection, &staged, None, &mut journal));
        if let Err(error) = prepared.and_then(|()| self.switch(work, &mut journal)) {
            work.check_claim()?;
            return Err(if journal.stage == Stage::Staging {
                self.take_up_again(work, &error);
                self.give_up(work, &journal, None, error)
            } else {
                error
            });
        }
        let mut warnings = written;
        let health = self.after_switch(work, &journal, state.map(|(at, _)| at), &mut warnings)?;
        let until = self.replaced_tables().iter().map(|left| left.expires).max();
        let until = until.map_or(String::new(), |until| {
            format!(
                "; what was live until now stays beside it until {}",
                measure::moment(until)
            )
        });
        Ok(Outcome {
            summary: format!(
                "{}{until}{}",
                undone.is_undone(&name.to_string(), &selection, state),
                journal.told_of_clusters()
            ),
            warnings,
            health,
            ..Outcome::default()
        })
    }

    /// Starts dropping the tables that restores have replaced: somebody has looked, and the outcome is good.
    ///
    /// # Errors
    /// A refusal (rules 5, 8), or because there are none; a database out of reach.
    pub fn start_confirm(&self) -> Result<JobId, EngineError> {
        if self.left_in_databases()?.is_empty() {
            return Err(self.nothing_to_confirm());
        }
        self.start(JobKind::Prune, "dropping replaced tables", |live, work| {
            work.phase(Phase::Preparing)?;
            let left = live.left_in_databases()?;
            if left.is_empty() {
                return Err(live.nothing_to_confirm());
            }
            work.phase(Phase::Retention)?;
            let freed = live.drop_left(work, &left)?;
            Ok(Outcome {
                summary: format!(
                    "the outcome of the last restore is confirmed: the tables that it replaced are dropped, {} are free in \
                     the database",
                    measure::bytes(freed)
                ),
                ..Outcome::default()
            })
        })
    }

    fn nothing_to_confirm(&self) -> EngineError {
        let environment = self.name().clone();
        Refusal::NothingToConfirm { environment }.into()
    }

    /// Drops replaced tables that have expired, and what an interrupted restore has left in a database. The caller holds
    /// the environment.
    pub(in crate::engine) fn drop_expired_tables(&self, work: &Work) -> Result<(), EngineError> {
        if !self.keeps_what_it_replaces() {
            return Ok(());
        }
        // They are the quickest way back: a clock that may just have jumped ends none of them.
        let now = self.look(&self.backups().unwrap_or_default())?.settled;
        let mut left = self.left_in_databases()?;
        // No restore is under way: what is neither live nor replaced belongs to nothing.
        // Unless another Lifeboat, with another state folder, is in the middle of it: what one database of the same
        // restore has switched already, the others will need; and anything else has a day.
        let switched: Vec<_> = left
            .iter()
            .filter(|(_, left)| left.is_replaced())
            .map(|(_, left)| (left.note.job, left.note.at))
            .collect();
        left.retain(|(_, left)| {
            if left.is_replaced() {
                return left.note.expires <= now;
            }
            !switched.contains(&(left.note.job, left.note.at)) && left.note.at + ABANDONED_AFTER <= now
        });
        if left.is_empty() {
            return Ok(());
        }
        self.drop_left(work, &left).map(drop)
    }

    fn drop_left(&self, work: &Work, left: &LeftByInstance) -> Result<u64, EngineError> {
        let mut freed = 0;
        let mut failed = None;
        let mut undropped = Vec::new();
        for (instance, left) in left {
            let place = self.place_of(instance);
            let place = place.ok_or_else(|| self.is_not_configured(instance))?;
            if let Err(error) = place.drop_replaced(left) {
                if left.is_replaced() {
                    undropped.push((left.place.clone(), error.to_string()));
                }
                // One that somebody holds keeps none of the others.
                failed.get_or_insert(error);
                continue;
            }
            freed += left.bytes;
            work.log(
                Severity::Information,
                &format!(
                    "{instance}: the schema {} is dropped, {} that a restore had left",
                    left.place,
                    measure::bytes(left.bytes)
                ),
            );
        }
        self.write_undropped(&undropped)?;
        self.look_for_replaced()?;
        self.changed();
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(freed),
        }
    }

    fn write_undropped(&self, undropped: &[(String, String)]) -> Result<(), EngineError> {
        let (papers, name) = (self.papers(), name_of(self.name()));
        let written = if undropped.is_empty() {
            papers.remove(UNDROPPED, &name)
        } else {
            papers.write(UNDROPPED, &name, &undropped)
        };
        written.map_err(self.paper_failed("writing to", UNDROPPED))
    }

    /// Why replaced tables could not be dropped when that was last tried, by their schema.
    pub(in crate::engine) fn undropped(&self) -> Vec<(String, String)> {
        let noted = self.papers().read(UNDROPPED, &name_of(self.name()));
        noted.ok().flatten().unwrap_or_default()
    }

    /// Replaced tables whose time is over and that could not be dropped, as sentences.
    pub(in crate::engine) fn overdue_tables(&self) -> Vec<String> {
        let replaced = self.replaced_tables();
        let is_overdue = |schema: &str| {
            let mut replaced = replaced.iter();
            replaced.any(|tables| tables.schema == schema && tables.expires <= self.now())
        };
        self.undropped()
            .into_iter()
            .filter(|(schema, _)| is_overdue(schema))
            .map(|(schema, why)| undropped_sentence(&schema, &why))
            .collect()
    }

    /// Looks in the databases which replaced tables stand, and remembers it.
    ///
    /// # Errors
    /// [`EngineError`] when a database is out of reach.
    pub(in crate::engine) fn look_for_replaced(&self) -> Result<(), EngineError> {
        let name = self.name();
        let tables: Vec<ReplacedTables> = self
            .left_in_databases()?
            .into_iter()
            .filter(|(_, left)| left.is_replaced())
            .map(|(instance, left)| ReplacedTables {
                instance,
                schema: left.place,
                job: JobId(left.note.job),
                at: left.note.at,
                expires: left.note.expires,
                bytes: left.bytes,
                selection: left.note.selection,
                merged_versions: left.note.merged_versions,
            })
            .collect();
        let (papers, name) = (self.papers(), name_of(name));
        let written = if tables.is_empty() {
            papers.remove(REPLACED, &name)
        } else {
            papers.write(REPLACED, &name, &tables)
        };
        written.map_err(self.paper_failed("writing to", REPLACED))
    }

    /// After a restore: what it has replaced, remembered for the cockpit. The databases know it anyway.
    pub(super) fn note_replaced(&self, journal: &Journal) {
        if let Err(error) = self.remember_restore(journal) {
            self.remember_warning(&Principal::Lifeboat, &error.to_string());
        }
        let has_tables = journal
            .instances
            .iter()
            .any(|record| record.beside.keeps_what_it_replaces());
        if has_tables && let Err(error) = self.look_for_replaced() {
            self.remember_warning(&Principal::Lifeboat, &error.to_string());
        }
    }

    /// The replaced tables of an environment, as last looked for.
    #[must_use]
    pub(in crate::engine) fn replaced_tables(&self) -> Vec<ReplacedTables> {
        let name = self.name();
        let noted = self.papers().read(REPLACED, &name_of(name));
        noted.ok().flatten().unwrap_or_default()
    }
}

/// Whether an exchange with tables that were replaced at that time takes the whole restore back. An instance in a folder
/// can only be taken back by the safety backup, and all have to go back together.
fn takes_all_back(live: &Live, selection: &Selection, at: Instant, backups: &[Backup]) -> bool {
    let in_folders = live.settings().instances.iter().any(|instance| {
        !live.place(instance).keeps_what_it_replaces() && selection.has_instance(&instance.name)
    });
    let has_newer_safety = undo_target(backups).is_some_and(|safety| safety.manifest.taken > at);
    !in_folders && !has_newer_safety
}
