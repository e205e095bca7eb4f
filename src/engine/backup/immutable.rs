//! Repositories in buckets whose objects are kept for a while: what the backups that stand need is kept for longer at each
//! round, and what may go is removed by a job of its own, with another key.
//!
//! A job that backs up, verifies, drills or restores deletes nothing there. What may go by retention stays listed until that
//! job has removed it, and the job removes it when the bucket no longer keeps it; until then it says until when it does.
//!
//! Not in here: what the storage is asked (`repository::write::keeping`), and what may go (`domain::retention`).

use std::collections::BTreeSet;

use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::address::Address;
use crate::domain::ahead::is_ahead;
use crate::domain::backup::BackupId;
use crate::domain::check::{Finding, Verdict};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::retention::droppable;
use crate::domain::settings::{RepositoryChoice, StorageOptions};
use crate::engine::{EngineError, Live, Work};
use crate::repository::{KnownTimes, Repository, RepositoryError};
use crate::watch::{Unwatched, Watch};

/// The kind of the notes that say until when objects are kept.
const TIMES: &str = "kept objects";
/// The kind of the notes that say when what may go was last removed by schedule.
const DELETIONS: &str = "deletions";
/// How often that is done.
const EVERY: chrono::Duration = chrono::Duration::days(1);
/// How far a storage's clock may be from this machine's before somebody should look.
const SKEW: chrono::Duration = chrono::Duration::minutes(1);

/// That nothing can be kept in a bucket.
fn no_lock(place: &Address) -> String {
    format!(
        "{place}: the bucket has no object lock, so nothing in it can be kept, and no backup is taken. Enable it there, together \
         with versions (with some services only a new bucket can have it: create one), or leave immutable out"
    )
}

impl Live {
    /// Keeps for longer what the backups need that stand in the repositories, and says so in the job's log. What went wrong
    /// is a warning: the next round does it again.
    pub(in crate::engine) fn keep_for_longer(&self, work: &Work) -> Vec<String> {
        let mut warnings = Vec::new();
        for which in [RepositoryChoice::First, RepositoryChoice::Copy] {
            if let Err(error) = self.try_to_keep_for_longer(work, which) {
                warnings.push(format!(
                    "what the backups need could not be kept for longer in {}: {}. The next backup tries it again; until \
                     then everything is kept that was",
                    named(which),
                    work.told(&error)
                ));
            }
        }
        warnings
    }

    fn try_to_keep_for_longer(&self, work: &Work, which: RepositoryChoice) -> Result<(), EngineError> {
        let Some(repository) = self.kept_repository(which)? else {
            return Ok(());
        };
        let going = self.going(which)?;
        let mut known = self.known_times(which)?;
        let kept = repository.keep_for_longer(&going, &mut known, work);
        // What is known by now is known, whatever else went wrong.
        self.remember_times(which, &known)?;
        let Some(kept) = kept? else { return Ok(()) };
        if let (Some(shortest), true) = (kept.shortest, kept.extended > 0) {
            let text = format!(
                "{} kept for longer: nobody can remove what the backups in {} need before {}",
                measure::so_many(kept.extended, "object is", "objects are"),
                named(which),
                measure::moment_exact(shortest)
            );
            work.log(Severity::Information, &text);
        }
        Ok(())
    }

    /// The repository, if what is written to it is kept.
    fn kept_repository(
        &self,
        which: RepositoryChoice,
    ) -> Result<Option<std::sync::Arc<Repository>>, EngineError> {
        // Whoever has nothing of the kind is not asked for anything.
        if self.bucket_options(which).is_none() {
            return Ok(None);
        }
        let repository = self.repository_of(which, false)?;
        Ok(repository.filter(|repository| repository.keeps_what_is_written()))
    }

    /// How the bucket is reached, if what is written to it is kept.
    fn bucket_options(&self, which: RepositoryChoice) -> Option<&StorageOptions> {
        let settings = self.engine().repository_settings()?;
        let options = match which {
            RepositoryChoice::First => &settings.options,
            RepositoryChoice::Copy => &settings.copy.as_ref()?.options,
        };
        options.immutable.is_some().then_some(options)
    }

    /// What no slot, no expiry and no doubt holds, and what came too late: nothing of it is kept for longer.
    fn going(&self, which: RepositoryChoice) -> Result<BTreeSet<BackupId>, EngineError> {
        let name = self.name();
        let keep = self.settings().keep;
        let backups = match which {
            RepositoryChoice::First => self.list_backups()?,
            RepositoryChoice::Copy => self.copies_for_retention()?,
        };
        let void = self.catalog().void_records(name)?;
        let look = self.look(&backups)?;
        Ok(droppable(&backups, &keep, &self.asked_for(&backups)?, &look)
            .into_iter()
            .map(|backup| backup.id.clone())
            .chain(void.into_iter().map(BackupId))
            .collect())
    }

    fn known_times(&self, which: RepositoryChoice) -> Result<KnownTimes, EngineError> {
        let name = self.name();
        let noted = self.catalog().note(TIMES, &note(name, which))?;
        // One that cannot be read is asked for again.
        Ok(noted
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default())
    }

    fn remember_times(&self, which: RepositoryChoice, known: &KnownTimes) -> Result<(), EngineError> {
        let name = self.name();
        let text = serde_json::to_string(known).map_err(|error| EngineError::Failed(error.to_string()))?;
        self.catalog()
            .set_note(TIMES, &note(name, which), &text, self.now())?;
        Ok(())
    }

    /// Says in the log of a backup what may go, and why it stays for now.
    pub(in crate::engine) fn say_what_stays(
        &self,
        work: &Work,
        repository: &Repository,
    ) -> Result<(), EngineError> {
        let going = self.going(RepositoryChoice::First)?;
        if going.is_empty() {
            return Ok(());
        }
        let backups = match going.len() {
            1 => "1 older backup may go and is kept".to_owned(),
            many => format!("{many} older backups may go and are kept"),
        };
        let why = if repository.may_delete() {
            "they are deleted by a job of its own, once the bucket keeps them no more"
        } else {
            "no key is named that may delete"
        };
        work.log(Severity::Information, &format!("{backups} for now: {why}"));
        Ok(())
    }

    /// What somebody has hidden in the repositories of an environment, which may be what they lack.
    ///
    /// # Errors
    /// A storage that cannot be asked.
    pub(in crate::engine) fn hidden(&self, lacks: bool) -> Result<Vec<String>, EngineError> {
        let mut hidden = Vec::new();
        for which in [RepositoryChoice::First, RepositoryChoice::Copy] {
            if self.bucket_options(which).is_some()
                && let Some(storage) = self.storage(which)?
            {
                hidden.extend(storage.hidden(lacks)?);
            }
        }
        Ok(hidden)
    }

    /// Removes what may go, where deletions are a job of their own and a key for them is named: once a day, when nothing else
    /// is to be done.
    pub fn start_deletions_if_due(&self) {
        if self.engine().jobs().schedule_rests() {
            return;
        }
        match self.try_deletions_if_due() {
            // A refusal says that another job runs: the next look meets the environment again.
            Ok(()) | Err(EngineError::Refused(_)) => {}
            Err(error) => self.remember_once(&format!("what may go cannot be deleted by schedule: {error}")),
        }
    }

    fn try_deletions_if_due(&self) -> Result<(), EngineError> {
        let name = self.name();
        let has_key = |which| {
            self.bucket_options(which)
                .is_some_and(|options| options.deletions.is_some())
        };
        if !has_key(RepositoryChoice::First) && !has_key(RepositoryChoice::Copy) {
            return Ok(());
        }
        let last = self.catalog().note(DELETIONS, &name.to_string())?;
        let last = last.and_then(|text| text.parse::<Instant>().ok());
        let now = self.now();
        if last.is_some_and(|last| now - last < EVERY && !is_ahead(last, now)) {
            return Ok(());
        }
        if self.catalog().running(name)?.is_some() || self.catalog().holds(name)?.maintenance.is_some() {
            return Ok(());
        }
        // Backups go first; and before there is one, there is nothing to delete.
        if !self.due(false)?.is_nothing() || self.backups()?.is_empty() {
            return Ok(());
        }
        self.by_schedule().start_prune()?;
        self.catalog()
            .set_note(DELETIONS, &name.to_string(), &now.to_rfc3339(), now)?;
        Ok(())
    }

    /// What works and what does not of a bucket whose objects are kept.
    pub(in crate::engine) fn check_kept(&self, which: RepositoryChoice) -> Vec<Finding> {
        let name = self.name();
        let mut findings = Vec::new();
        let about = match which {
            RepositoryChoice::First => "immutable",
            RepositoryChoice::Copy => "second immutable",
        };
        let mut push = |verdict: Verdict, detail: String| {
            findings.push(Finding {
                environment: Some(name.clone()),
                instance: None,
                about: about.to_owned(),
                verdict,
                detail,
            });
        };
        let Some(options) = self.bucket_options(which) else {
            return Vec::new();
        };
        match self.look_at_bucket(which) {
            Ok(told) => {
                for (verdict, detail) in told {
                    push(verdict, detail);
                }
            }
            Err(error) => push(Verdict::Failed, error.to_string()),
        }
        match self.look_how_long_kept(which, &Unwatched) {
            Ok(None) => {}
            Ok(Some((verdict, detail))) => push(verdict, detail),
            Err(error) => push(Verdict::Failed, error.to_string()),
        }
        if options.deletions.is_none() {
            let going = self.going(which).map_or(0, |going| going.len());
            push(
                Verdict::Ok,
                format!(
                    "no key is named that may delete, so what may go stays ({going} now). Where this machine is to remove \
                     it, name one in [repository.options.deletions]"
                ),
            );
        }
        findings
    }

    /// Makes sure that what is written to a repository can be kept, where it is to be: the bucket would refuse it only when
    /// Live has been read.
    ///
    /// # Errors
    /// A sentence where the bucket has no object lock. One that does not say whether it has takes what is written or not.
    pub(in crate::engine) fn can_be_kept(&self, which: RepositoryChoice) -> Result<(), EngineError> {
        if self.bucket_options(which).is_none() {
            return Ok(());
        }
        let storage = self.storage(which)?;
        match storage.map(|storage| (storage.lacks_object_lock(), storage.address())) {
            Some((Ok(true), place)) => Err(EngineError::Failed(no_lock(&place))),
            _ => Ok(()),
        }
    }

    fn look_at_bucket(&self, which: RepositoryChoice) -> Result<Vec<(Verdict, String)>, EngineError> {
        let mut told = Vec::new();
        let Some(storage) = self.storage(which)? else {
            return Ok(told);
        };
        let Some(look) = storage.look_at_bucket()? else {
            return Ok(told);
        };
        let place = storage.address();
        if !look.is_enabled {
            told.push((Verdict::Failed, no_lock(&place)));
        }
        if let Some(clock) = look.clock {
            let apart = (clock - self.now()).abs();
            if apart > SKEW {
                told.push((
                    Verdict::Warning,
                    format!(
                        "{place}: its clock and this machine's are {} s apart. For how long objects are kept goes by this \
                         machine's: set it",
                        apart.num_seconds()
                    ),
                ));
            }
        }
        if look.deletes_needlessly {
            told.push((
                Verdict::Warning,
                format!(
                    "{place}: the key for backing up may delete, which it need not. Whoever gets hold of it can hide what \
                     the backups need: take s3:DeleteObject and s3:DeleteObjectVersion from it"
                ),
            ));
        }
        if let Some(hidden) = storage.hidden(false)? {
            told.push((Verdict::Failed, format!("{place}: {hidden}")));
        }
        Ok(told)
    }

    fn look_how_long_kept(
        &self,
        which: RepositoryChoice,
        watch: &dyn Watch,
    ) -> Result<Option<(Verdict, String)>, EngineError> {
        let Some(repository) = self.kept_repository(which)? else {
            return Ok(None);
        };
        let going = self.going(which)?;
        let mut known = self.known_times(which)?;
        let Some(kept) = repository.look_how_long_kept(&going, &mut known, watch)? else {
            return Ok(None);
        };
        let place = repository.place();
        let until = kept.shortest.map_or_else(String::new, measure::moment_exact);
        Ok(Some(match kept.unkept {
            0 => (
                Verdict::Ok,
                format!(
                    "{place}: nobody can remove what the backups need before {until}, and the next backup moves that on"
                ),
            ),
            count => (
                Verdict::Warning,
                format!(
                    "{place}: {} not kept by the bucket: the next backup changes that",
                    measure::so_many(
                        count,
                        "object that the backups need is",
                        "objects that the backups need are"
                    )
                ),
            ),
        }))
    }
}

fn named(which: RepositoryChoice) -> &'static str {
    match which {
        RepositoryChoice::First => "the repository",
        RepositoryChoice::Copy => "the second repository",
    }
}

fn note(name: &EnvironmentName, which: RepositoryChoice) -> String {
    match which {
        RepositoryChoice::First => name.to_string(),
        RepositoryChoice::Copy => format!("{name} copy"),
    }
}

/// Drops those of these backups that the bucket does not keep, and gives them; of the others the log says until when it
/// does.
pub(in crate::engine) fn drop_unless_kept(
    work: &Work,
    repository: &Repository,
    ids: &[BackupId],
) -> Result<Vec<BackupId>, EngineError> {
    let mut dropped = Vec::new();
    let mut waiting: Option<(u64, Instant)> = None;
    for id in ids {
        match repository.forget(std::slice::from_ref(id)) {
            Ok(()) => dropped.push(id.clone()),
            Err(RepositoryError::Kept { until, .. }) => {
                let (count, first) = waiting.unwrap_or((0, until));
                waiting = Some((count + 1, first.min(until)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let Some((count, first)) = waiting {
        let text = format!(
            "{} may go and {} kept by the bucket, the first of them until {}: this is tried again",
            if count == 1 {
                "1 backup".to_owned()
            } else {
                format!("{count} backups")
            },
            if count == 1 { "is" } else { "are" },
            measure::moment_exact(first)
        );
        work.log(Severity::Information, &text);
    }
    Ok(dropped)
}
