//! What the repository of an environment holds, as lists of backups: kept in memory, and listed anew where it matters.

use crate::domain::ahead::{self, Look};
use crate::domain::backup::{Backup, BackupId, Verification};
use crate::domain::job::JobKind;
use crate::domain::proof::Drill;
use crate::domain::retention::doubt;
use crate::domain::shrinking;
use crate::engine::{EngineError, Live};

/// The kind of the notes that say of an environment that all its backups were deleted or left behind on purpose.
const EMPTIED: &str = "emptied";

/// What a repository was found to hold.
#[derive(Clone, Default)]
pub(in crate::engine) struct Listed {
    pub(in crate::engine) backups: Vec<Backup>,
    /// The records of Lifeboat's that cannot be read, and why.
    pub(in crate::engine) unreadable: Vec<(BackupId, String)>,
}

impl Live {
    /// The environment's backups, newest first, as last listed.
    ///
    /// # Errors
    /// What opening or listing the repository said.
    pub fn backups(&self) -> Result<Vec<Backup>, EngineError> {
        let listed = self.known().listed.of(|listed| listed.backups.clone());
        let Some(mut backups) = listed else {
            return self.list_backups();
        };
        // What was ahead of the clock when it was listed may not be any more.
        ahead::mark(&mut backups, self.now());
        shrinking::mark(backups.iter_mut());
        Ok(backups)
    }

    /// What to know about records in the environment's repository that cannot be read, as last listed, about those of
    /// `backups` that are dated ahead of the clock or hold much less than those before them, and about a repository that is
    /// open to others.
    pub(in crate::engine) fn doubtful_records(&self, backups: &[Backup]) -> Option<String> {
        let name = self.name();
        let unreadable = self.unreadable_records();
        let vanished = (backups.is_empty() && unreadable.is_empty())
            .then(|| self.vanished())
            .flatten();
        let unreadable = (!unreadable.is_empty()).then(|| {
            format!(
                "the repository holds backups whose records cannot be read: {}. They are left alone; \
                 `restic check` on it tells more",
                in_words(&unreadable)
            )
        });
        let ahead = ahead::trouble(name, backups, self.now());
        let open = self.open_repository();
        let less = doubt(name, backups, &self.settings().keep, &Look::at(self.now(), []));
        let doubts: Vec<_> = unreadable
            .into_iter()
            .chain(vanished)
            .chain(less)
            .chain(ahead)
            .chain(open)
            .collect();
        (!doubts.is_empty()).then(|| doubts.join(". "))
    }

    /// Notes that the repository holds no backup by what was asked of this Lifeboat, if it holds none: nobody has to look
    /// for them. A repository or catalog that does not answer now says so elsewhere; then they are missed, and that is told.
    pub(in crate::engine) fn note_if_emptied(&self) {
        if self.list_backups().is_ok_and(|backups| backups.is_empty()) {
            let _ = self
                .catalog()
                .set_note(EMPTIED, &self.name().to_string(), "", self.now());
        }
    }

    /// From now on there is one that may be missed.
    pub(in crate::engine) fn note_that_there_is_one(&self) {
        let _ = self.catalog().drop_note(EMPTIED, &self.name().to_string());
    }

    /// That the repository holds no backup though jobs have made some, as a sentence.
    fn vanished(&self) -> Option<String> {
        let emptied = self.catalog().note(EMPTIED, &self.name().to_string()).ok()?;
        if emptied.is_some() {
            return None;
        }
        let made = self
            .catalog()
            .past_durations(self.name(), JobKind::Backup, 1)
            .ok()?;
        let place = self.repository_place().ok()?;
        (!made.is_empty()).then(|| {
            format!(
                "the job history knows of backups of {}, and none is in its repository in {place} any more: unless somebody \
                 deleted them on purpose, find out who or what did, bring the repository's folder snapshots back from a copy \
                 of it, and take a backup now",
                self.name()
            )
        })
    }

    /// The records of backups in the environment's repository that cannot be read, and why, as last listed.
    pub(in crate::engine) fn unreadable_records(&self) -> Vec<(BackupId, String)> {
        let unreadable = self.known().listed.of(|listed| listed.unreadable.clone());
        unreadable.unwrap_or_default()
    }

    /// The environment's backups, newest first, listed anew.
    pub(in crate::engine) fn list_backups(&self) -> Result<Vec<Backup>, EngineError> {
        Ok(self.list()?.backups)
    }

    /// What the repository holds, listed anew. Whoever acts on records that cannot be read takes them from here: what is kept may have
    /// been forgotten again.
    pub(in crate::engine) fn list(&self) -> Result<Listed, EngineError> {
        let name = self.name();
        let asked = self.known().listed.ask();
        let Some(repository) = self.repository(false)? else {
            return Ok(Listed::default());
        };
        let verifications = self.catalog().verifications(name)?;
        let drills = self.catalog().drills(name)?;
        let void = self.catalog().void_records(name)?;
        let mut backups = Vec::new();
        let mut unreadable = Vec::new();
        for stored in repository.list()? {
            if void.contains(&stored.id.0) {
                continue;
            }
            match stored.manifest {
                Ok(mut manifest) if manifest.environment == *name => {
                    if stored.origin != stored.id {
                        // An earlier Lifeboat has changed it and did not note what it began as.
                        manifest.was_called(stored.origin);
                    }
                    // A record is written only after all of the backup was read back, and says since when it is, unless
                    // the catalog knows of a later look.
                    let recorded = Verification::Verified {
                        at: manifest.read_back(),
                    };
                    let verification = verifications.get(&stored.id).cloned().unwrap_or(recorded);
                    let drill = Drill::of(&stored.id, &drills).cloned();
                    backups.push(Backup {
                        id: stored.id,
                        manifest,
                        verification,
                        drill,
                        dated_ahead: false,
                        less: None,
                    });
                }
                Err(why) if !stored.is_foreign => unreadable.push((stored.id, why)),
                // Another program's, or another environment's: not ours to show.
                Ok(_) | Err(_) => {}
            }
        }
        ahead::mark(&mut backups, self.now());
        shrinking::mark(backups.iter_mut());
        backups.sort_by(|a, b| (b.manifest.taken, &b.id).cmp(&(a.manifest.taken, &a.id)));
        let listed = Listed { backups, unreadable };
        self.known().listed.keep(&asked, listed.clone());
        Ok(listed)
    }
}

/// Records that cannot be read, one after the other.
pub(in crate::engine) fn in_words(unreadable: &[(BackupId, String)]) -> String {
    let each = unreadable.iter().map(|(id, why)| format!("{id} ({why})"));
    each.collect::<Vec<_>>().join(", ")
}
