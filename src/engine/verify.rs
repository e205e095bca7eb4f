//! Verifies backups: reads everything of them back and compares digests (rule 14).

use super::listing::in_words;
use super::{EngineError, Live, Work};
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Verification, choose};
use crate::domain::job::{JobId, JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::refusal::Refusal;
use crate::repository::RepositoryError;

impl Live {
    /// Starts reading back one backup, or all of the environment's.
    ///
    /// # Errors
    /// A refusal (rules 5, 8); a backup that does not exist; a repository or catalog out of reach.
    pub fn start_verify(&self, backup: Option<&str>) -> Result<JobId, EngineError> {
        let name = self.name();
        let backups = self.list_backups()?;
        let (chosen, title) = match backup {
            Some(text) => {
                let backup = choose(&backups, text)?.clone();
                let title = format!("verification of backup {}", backup.id);
                (vec![backup], title)
            }
            None => (backups, "verification of all backups".to_owned()),
        };
        if chosen.is_empty() && self.unreadable_records().is_empty() {
            return Err(Refusal::NothingToVerify {
                environment: name.clone(),
            }
            .into());
        }
        self.start_verify_of(chosen, &title, backup.is_some())
    }

    /// Starts reading back the chosen backups; with `is_one` only the copies of that one as well, else all copies.
    pub(super) fn start_verify_of(
        &self,
        chosen: Vec<Backup>,
        title: &str,
        is_one: bool,
    ) -> Result<JobId, EngineError> {
        self.start(JobKind::Verify, title, move |live, work| {
            live.verify(work, &chosen, is_one)
        })
    }

    fn verify(&self, work: &Work, backups: &[Backup], is_one: bool) -> Result<Outcome, EngineError> {
        let name = self.name();
        work.phase(Phase::Preparing)?;
        let repository = self
            .repository(false)?
            .ok_or_else(|| EngineError::Failed(format!("the repository of {name} is gone")))?;
        let mut damaged = Vec::new();
        // Listed anew: of a backup whose record cannot be read, nobody knows more than that.
        self.list_backups()?;
        let unreadable = if is_one {
            Vec::new()
        } else {
            self.unreadable_records()
        };
        for backup in backups {
            work.phase(Phase::Verifying)?;
            let at = self.now();
            let verification = match repository.verify(&backup.id, work) {
                Ok(report) => {
                    let text = format!(
                        "backup {} is sound: {} items, {} read back",
                        backup.id,
                        measure::count(report.items),
                        measure::bytes(report.bytes)
                    );
                    work.log(Severity::Information, &text);
                    Verification::Verified { at }
                }
                Err(RepositoryError::Damaged { what, .. }) => {
                    work.log(
                        Severity::Critical,
                        &format!("backup {} is damaged: {what}", backup.id),
                    );
                    damaged.push(format!("{} ({what})", backup.id));
                    Verification::Damaged { at, why: what }
                }
                Err(error) => return Err(error.into()),
            };
            self.catalog()
                .record_verification(name, &backup.id, &verification)?;
        }
        let of = backups.first().map(|backup| &backup.id).filter(|_| is_one);
        let copies = self.verify_copies(work, of);
        self.changed();
        let (copies, damaged_copies) = match copies {
            Err(error) if !error.is_cancelled() && damaged.is_empty() => {
                return Err(EngineError::Failed(format!(
                    "the backups are sound, but their copies in the second repository could not be read: {error}"
                )));
            }
            Err(error) if error.is_cancelled() => return Err(error),
            copies => copies.unwrap_or_default(),
        };
        damaged.extend(damaged_copies);
        if !unreadable.is_empty() {
            let records = in_words(&unreadable);
            work.log(
                Severity::Critical,
                &format!("records of backups cannot be read: {records}"),
            );
            damaged.push(format!("records of backups: {records}"));
        }
        #[cfg(feature = "object-storage")]
        for hidden in self.hidden(!damaged.is_empty())? {
            work.log(Severity::Critical, &hidden);
            damaged.push(hidden);
        }
        if !damaged.is_empty() {
            return Err(EngineError::Failed(format!(
                "damage was found in {}: take a new backup now, and keep the repository as it is until somebody has \
                 looked at it with `restic check --read-data`",
                damaged.join("; ")
            )));
        }
        let and_copies = match copies {
            0 => String::new(),
            1 => ", with a copy in the second repository".to_owned(),
            many => format!(", with {many} copies in the second repository"),
        };
        let summary = match backups {
            [backup] => format!(
                "backup {} was read back whole and is sound{and_copies}",
                backup.id
            ),
            many => format!(
                "all {} backups were read back whole and are sound{and_copies}",
                many.len()
            ),
        };
        Ok(Outcome {
            #[cfg(feature = "object-storage")]
            warnings: self.keep_for_longer(work),
            summary,
            backup: match backups {
                [backup] => Some(backup.id.clone()),
                _ => None,
            },
            ..Outcome::default()
        })
    }
}
