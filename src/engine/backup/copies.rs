//! The second repository: copies backups there, lets retention drop what newer copies replace, and tells what is there.
//!
//! A copy that fails takes nothing from the backup itself: it is a warning, and the next backup makes up for it.

mod dropping;

use std::sync::Arc;

use rustix::fs::{Access, access};

use crate::domain::activity::Severity;
use crate::domain::address::Address;
use crate::domain::ahead::is_ahead;
use crate::domain::backup::{Backup, BackupId, ChoiceError, Trigger, Verification, choose};
use crate::domain::copies::{CopiedBackup, Copies, for_retention, missing};
use crate::domain::job::Phase;
use crate::domain::os_error::in_words;
use crate::domain::settings::{CopySettings, RepositoryChoice};
use crate::domain::shrinking;
use crate::engine::check::existing;
use crate::engine::proof::readings::what_was_read;
use crate::engine::{EngineError, Live, Work};
use crate::repository::{Repository, RepositoryError, Verifying};

/// What was last found in a second repository.
pub(in crate::engine) type ListedCopies = Result<Vec<CopiedBackup>, String>;

impl Live {
    pub(in crate::engine) fn copy_settings(&self) -> Option<&CopySettings> {
        self.engine().repository_settings()?.copy.as_ref()
    }

    /// The copies of the environment's backups, newest first, listed anew.
    ///
    /// # Errors
    /// What reaching, opening or listing the second repository said.
    pub(in crate::engine) fn list_copies(&self) -> Result<Vec<CopiedBackup>, EngineError> {
        let asked = self.known().copies.ask();
        let listed = self.read_copies();
        let kept = listed.as_ref().map(Clone::clone).map_err(ToString::to_string);
        self.known().copies.keep(&asked, kept);
        listed
    }

    fn read_copies(&self) -> Result<Vec<CopiedBackup>, EngineError> {
        let name = self.name();
        let Some(repository) = self.repository_of(RepositoryChoice::Copy, false)? else {
            return Ok(Vec::new());
        };
        let verifications = self.catalog().verifications(name)?;
        let void = self.catalog().void_records(name)?;
        // An upgrade or safety backup changes its id when it is extended; what it began as stays.
        let origins = self.origins();
        let mut copies: Vec<_> = repository
            .list()?
            .into_iter()
            .filter(|stored| !void.contains(&stored.id.0))
            .filter_map(|stored| {
                let manifest = stored
                    .manifest
                    .ok()
                    .filter(|manifest| manifest.environment == *name)?;
                // As for backups: it was recorded only after all of it had been read back.
                let recorded = Verification::Verified {
                    at: manifest.read_back(),
                };
                let of = origins
                    .iter()
                    .find(|(origin, _)| *origin == stored.origin)
                    .map_or_else(|| stored.origin.clone(), |(_, id)| id.clone());
                let verification = verifications.get(&stored.id).cloned().unwrap_or(recorded);
                let dated_ahead = is_ahead(manifest.taken, self.now());
                Some(CopiedBackup {
                    of,
                    backup: Backup {
                        id: stored.id,
                        manifest,
                        verification,
                        // Drills are of what the first repository holds.
                        drill: None,
                        dated_ahead,
                        less: None,
                    },
                })
            })
            .collect();
        shrinking::mark(copies.iter_mut().map(|copy: &mut CopiedBackup| &mut copy.backup));
        copies.sort_by(|a, b| {
            let key = |copy: &CopiedBackup| (copy.backup.manifest.taken, copy.backup.id.clone());
            key(b).cmp(&key(a))
        });
        Ok(copies)
    }

    /// Where the second repository of an environment should be and is not: its disk may not be mounted, or it has not been
    /// made yet. `None` when it is there, or none is configured.
    ///
    /// # Errors
    /// What reaching or opening it said.
    pub(in crate::engine) fn second_is_away(&self) -> Result<Option<String>, EngineError> {
        let is_away =
            self.copy_settings().is_some() && self.repository_of(RepositoryChoice::Copy, false)?.is_none();
        Ok(is_away.then(|| self.copy_place()))
    }

    /// What each backup of the first repository began as. Empty unless that one was listed: while it is out of reach, it is
    /// not reached for again and again.
    fn origins(&self) -> Vec<(BackupId, BackupId)> {
        if self.known().listed.of(|_| ()).is_none() {
            return Vec::new();
        }
        let listed = self
            .repository(false)
            .ok()
            .flatten()
            .and_then(|repository| repository.list().ok());
        listed
            .unwrap_or_default()
            .into_iter()
            .map(|stored| (stored.origin, stored.id))
            .collect()
    }

    /// The copies as last listed.
    fn known_copies(&self) -> ListedCopies {
        let known = self.known().copies.of(Clone::clone);
        if let Some(mut known) = known {
            for copy in known.iter_mut().flatten() {
                copy.backup.dated_ahead = is_ahead(copy.backup.manifest.taken, self.now());
            }
            return known;
        }
        self.list_copies().map_err(|error| error.to_string())
    }

    /// How the second repository stands. `None` when there is none.
    pub(in crate::engine) fn copies(&self, backups: &[Backup]) -> Option<Copies> {
        let settings = self.copy_settings()?;
        let keep = self.settings().keep;
        let (copies, trouble) = match self.known_copies() {
            Ok(copies) => (copies, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let lacking = if trouble.is_none() {
            missing(backups, &keep, &settings.slots, &copies)
        } else {
            Vec::new()
        };
        Some(Copies {
            repository: self.copy_place(),
            slots: settings.slots.clone(),
            missing: lacking.into_iter().map(|backup| backup.id.clone()).collect(),
            backups: copies,
            trouble,
        })
    }

    /// Copies what should be in the second repository and is not. Gives what should be known about it.
    pub(in crate::engine) fn make_up_copies(&self, work: &Work) -> Vec<String> {
        let Some(settings) = self.copy_settings() else {
            return Vec::new();
        };
        let result = self.copy_missing(work, settings);
        self.changed();
        let Err(error) = result else {
            return Vec::new();
        };
        let why = work.told(&error);
        vec![format!(
            "the backup is complete, but it is not in the second repository in {}: {why}. The next backup makes up for it",
            settings.root
        )]
    }

    fn copy_missing(&self, work: &Work, settings: &CopySettings) -> Result<(), EngineError> {
        let name = self.name();
        let keep = self.settings().keep;
        let backups = self.list_backups()?;
        let copies = self.list_copies()?;
        let lacking = missing(&backups, &keep, &settings.slots, &copies);
        // Where objects are kept, a job of its own drops them, with another key.
        let may_drop = settings.options.immutable.is_none();
        if lacking.is_empty() && !(may_drop && self.has_droppable_copies(&copies, &keep, settings)) {
            return Ok(());
        }
        work.phase(Phase::SecondCopy)?;
        let gone = || EngineError::Failed(format!("the repository of {name} is gone"));
        let first = self.repository(false)?.ok_or_else(gone)?;
        let _lock = self.lock_of(RepositoryChoice::Copy, true)?;
        let second = self
            .repository_of(RepositoryChoice::Copy, true)?
            .ok_or_else(gone)?;
        for backup in lacking {
            let copy = self.copy_and_read_back(work, (&first, &second), backup)?;
            let text = format!(
                "backup {} is in the second repository too, read back there, as {copy}",
                backup.id
            );
            work.log(Severity::Information, &text);
        }
        if may_drop {
            self.drop_copies(work, &second, settings)?;
        }
        Ok(())
    }

    /// The copies as retention sees them.
    pub(in crate::engine) fn copies_for_retention(&self) -> Result<Vec<Backup>, EngineError> {
        let slots = self
            .copy_settings()
            .map_or(&[][..], |settings| &settings.slots[..]);
        Ok(for_retention(&self.list_copies()?, slots))
    }

    /// Why a restore from the second repository cannot keep its safety backup in the first, as a sentence that says where
    /// it goes instead. `None` when it can.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(in crate::engine) fn first_is_lost(&self) -> Result<Option<String>, EngineError> {
        let why = match self.list_backups() {
            Err(error @ EngineError::Catalog(_)) => return Err(error),
            Err(error) => error.to_string(),
            Ok(_) => match self.cannot_be_made()? {
                Some(why) => why,
                None => return Ok(None),
            },
        };
        Ok(Some(format!(
            "the first repository in {} is out of reach: the safety backup goes to the second, in {} ({why})",
            self.repository_place()?,
            self.copy_place(),
        )))
    }

    /// Why a first repository that is not there yet cannot be made.
    fn cannot_be_made(&self) -> Result<Option<String>, EngineError> {
        if self.repository(false)?.is_some() {
            return Ok(None);
        }
        let Address::Folder(folder) = self.repository_place()? else {
            return Ok(None);
        };
        let above = existing(&folder);
        let written = access(&above, Access::WRITE_OK | Access::EXEC_OK);
        Ok(written.err().map(|error| {
            format!(
                "{} cannot be written: {error}",
                above.display(),
                error = in_words(&error.into())
            )
        }))
    }

    /// Where the second repository of an environment is, for people.
    pub(in crate::engine) fn copy_place(&self) -> String {
        let name = self.name();
        self.copy_settings().map_or_else(
            || "no place".to_owned(),
            |settings| {
                let place = settings.root.join(name.project()).join(name.environment());
                place.to_string()
            },
        )
    }

    /// What one of the repositories holds, newest first, listed anew.
    ///
    /// # Errors
    /// What opening or listing it said.
    pub(in crate::engine) fn list_in(&self, which: RepositoryChoice) -> Result<Vec<Backup>, EngineError> {
        match which {
            RepositoryChoice::First => self.list_backups(),
            RepositoryChoice::Copy => {
                let copies = self.list_copies()?;
                Ok(copies.into_iter().map(|copy| copy.backup).collect())
            }
        }
    }

    /// These backups of the first repository, and the safety backups that had to go to the second.
    pub(in crate::engine) fn with_copied_safeties(&self, backups: &[Backup]) -> Vec<Backup> {
        let copies = self.known_copies().unwrap_or_default();
        let safeties = copies
            .into_iter()
            .map(|copy| copy.backup)
            .filter(|backup| backup.manifest.trigger == Trigger::Restore);
        backups.iter().cloned().chain(safeties).collect()
    }

    /// The safety backups that had to go to the second repository, newest first, listed anew. None where no second one is
    /// configured.
    ///
    /// # Errors
    /// A sentence when it is not there; what opening or listing it said.
    pub(in crate::engine) fn list_copied_safeties(&self) -> Result<Vec<Backup>, EngineError> {
        let name = self.name();
        let Some(settings) = self.copy_settings() else {
            return Ok(Vec::new());
        };
        if let Some(place) = self.second_is_away()? {
            let question = match settings.root {
                Address::Folder(_) => "is its disk mounted",
                Address::Bucket { .. } => "is that the bucket it was in",
            };
            return Err(EngineError::Failed(format!(
                "the second repository of {name} is not in {place}: {question}? If there never was one, take \
                 [repository.copy] out of the configuration for as long as this takes"
            )));
        }
        let copies = self.list_copies()?.into_iter().map(|copy| copy.backup);
        Ok(copies
            .filter(|backup| backup.manifest.trigger == Trigger::Restore)
            .collect())
    }

    /// A backup of the second repository, as last listed.
    pub(in crate::engine) fn known_copy(&self, id: &BackupId) -> Option<Backup> {
        let copies = self.known_copies().ok()?;
        let found = copies.into_iter().find(|copy| copy.backup.answers_to(id));
        found.map(|copy| copy.backup)
    }

    /// The repository that a backup is in: the first one, unless it is known to be in the second.
    pub(in crate::engine) fn repository_holding(
        &self,
        id: &BackupId,
    ) -> Result<Arc<Repository>, EngineError> {
        let name = self.name();
        self.repository_of(self.which_holds(id), false)?
            .ok_or_else(|| EngineError::Failed(format!("the repository of {name} is gone")))
    }

    /// Which repository a backup is in.
    pub(in crate::engine) fn which_holds(&self, id: &BackupId) -> RepositoryChoice {
        let is_known = self
            .known()
            .listed
            .of(|listed| listed.backups.iter().any(|backup| backup.answers_to(id)))
            == Some(true);
        if !is_known && self.copy_settings().is_some() && self.known_copy(id).is_some() {
            RepositoryChoice::Copy
        } else {
            RepositoryChoice::First
        }
    }

    /// The backup that somebody means, in the repository that they mean. A copy may also be called by the id of what it
    /// is a copy of.
    pub(in crate::engine) fn choose_from(
        &self,
        which: RepositoryChoice,
        text: &str,
    ) -> Result<Backup, EngineError> {
        let name = self.name();
        if which == RepositoryChoice::First {
            let listed = self.list().map_err(|error| self.out_of_reach(error))?;
            let (backups, unreadable) = (listed.backups, listed.unreadable);
            return choose(&backups, text).cloned().map_err(|error| {
                let is_copied = matches!(error, ChoiceError::Unknown { .. })
                    && !text.is_empty()
                    && self.known_copies().unwrap_or_default().iter().any(|copy| {
                        [&copy.of, &copy.backup.id]
                            .iter()
                            .any(|id| id.0.starts_with(text))
                    });
                let mut called = unreadable
                    .iter()
                    .filter(|(id, _)| !text.is_empty() && id.0.starts_with(text));
                if is_copied {
                    EngineError::Failed(format!(
                        "backup {text} is in the second repository only: take it from there with --from copy"
                    ))
                } else if let (ChoiceError::Unknown { .. }, Some((id, why))) = (&error, called.next()) {
                    EngineError::Failed(format!(
                        "the record of backup {id} cannot be read, so nothing can be done with it: {why}"
                    ))
                } else {
                    error.into()
                }
            });
        }
        if self.copy_settings().is_none() {
            return Err(ChoiceError::NoSecondRepository.into());
        }
        let copies = self.list_copies()?;
        let backups: Vec<_> = copies.iter().map(|copy| copy.backup.clone()).collect();
        match choose(&backups, text) {
            Ok(backup) => Ok(backup.clone()),
            Err(ChoiceError::Unknown { near, .. }) if !text.is_empty() => {
                let mut called = copies.iter().filter(|copy| copy.of.0.starts_with(text));
                match (called.next(), called.next()) {
                    (Some(copy), None) => Ok(copy.backup.clone()),
                    (Some(_), Some(_)) => Err(ChoiceError::Ambiguous {
                        text: text.to_owned(),
                        near: Vec::new(),
                    }
                    .into()),
                    (None, _) if !near.is_empty() => Err(ChoiceError::Unknown {
                        text: text.to_owned(),
                        near,
                    }
                    .into()),
                    (None, _) => Err(EngineError::Failed(format!(
                        "no copy of \"{text}\" is in the second repository: `lifeboat backups {name}` shows which there are"
                    ))),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The first repository cannot be read: says so, and whether there are copies elsewhere.
    fn out_of_reach(&self, error: EngineError) -> EngineError {
        let name = self.name();
        let good = self
            .known_copies()
            .unwrap_or_default()
            .iter()
            .filter(|copy| copy.backup.is_good())
            .count();
        let found = match good {
            1 => "1 good backup".to_owned(),
            _ => format!("{good} good backups"),
        };
        match self.copy_settings() {
            Some(settings) if good > 0 => EngineError::Failed(format!(
                "{error}. The second repository in {} has {found}: `lifeboat backups {name}` shows them, \
                 `lifeboat plan {name} BACKUP --from copy` looks at one, and `lifeboat restore` takes it in the same way",
                settings.root
            )),
            _ => error,
        }
    }

    /// What to add to the news that a backup is damaged: that it has a copy. Empty when it has none.
    pub(in crate::engine) fn copy_instead(&self, id: &BackupId) -> String {
        let name = self.name();
        let copies = self.known_copies().unwrap_or_default();
        match copies.iter().find(|copy| copy.of == *id && copy.backup.is_good()) {
            Some(_) => format!(
                "; its copy in the second repository can be restored: `lifeboat restore {name} {} --from copy`",
                id.short()
            ),
            None => String::new(),
        }
    }

    /// Reads copies back: those of the given backups, or all. Gives what is damaged.
    pub(in crate::engine) fn verify_copies(
        &self,
        work: &Work,
        of: Option<&BackupId>,
    ) -> Result<(usize, Vec<String>), EngineError> {
        let name = self.name();
        if self.copy_settings().is_none() {
            return Ok((0, Vec::new()));
        }
        let copies = self.list_copies()?;
        let chosen: Vec<_> = copies
            .iter()
            .filter(|copy| of.is_none_or(|of| copy.of == *of))
            .collect();
        let Some(second) = self.repository_of(RepositoryChoice::Copy, false)? else {
            self.forget_readings_of_copies(work);
            return Ok((0, Vec::new()));
        };
        let mut damaged = Vec::new();
        let (mut verifying, mut reader) = (Verifying::new(&second), self.reader(&second));
        for copy in &chosen {
            work.phase(Phase::Verifying)?;
            let id = &copy.backup.id;
            let at = self.now();
            let verification = match self.verify_one(work, &mut verifying, &mut reader, &copy.backup, None) {
                Ok(verified) => {
                    let text = format!(
                        "the copy {id} of {} is sound: {}",
                        copy.of.short(),
                        what_was_read(&verified)
                    );
                    work.log(Severity::Information, &text);
                    reader.verification(&verified)
                }
                // What may not be read is not to be relied on either.
                Err(RepositoryError::Damaged { what, .. } | RepositoryError::Withheld { what, .. }) => {
                    work.log(Severity::Critical, &format!("the copy {id} is damaged: {what}"));
                    damaged.push(format!("the copy {id} of {} ({what})", copy.of.short()));
                    Verification::Damaged { at, why: what }
                }
                Err(error) => return Err(error.into()),
            };
            self.catalog().record_verification(name, id, &verification)?;
        }
        if of.is_none() {
            self.end_verifying(work, verifying, &mut reader);
        }
        Ok((chosen.len(), damaged))
    }
}
