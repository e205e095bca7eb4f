//! Verifies backups: reads them back and compares digests (rule 14): by hand everything, by schedule what has its turn.

use crate::content::backed_up::SeesPieces;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Verification, choose};
use crate::domain::job::{JobId, JobKind, Outcome, Phase};
use crate::domain::refusal::Refusal;
use crate::engine::overview::listing::{Listed, in_words};
use crate::engine::proof::readings::what_was_read;
use crate::engine::{EngineError, Live, Work};
use crate::repository::{RepositoryError, Verifying};

impl Live {
    /// Starts reading back one backup, or all of the environment's.
    ///
    /// # Errors
    /// A refusal (rules 5, 8); a backup that does not exist; a repository or catalog out of reach.
    pub fn start_verify(&self, backup: Option<&str>) -> Result<JobId, EngineError> {
        let name = self.name();
        let Listed { backups, unreadable } = self.list()?;
        let (chosen, title) = match backup {
            Some(text) => {
                let backup = choose(&backups, text)?.clone();
                let title = format!("verification of backup {}", backup.id);
                (vec![backup], title)
            }
            None => (backups, "verification of all backups".to_owned()),
        };
        if chosen.is_empty() && unreadable.is_empty() {
            return Err(Refusal::NothingToVerify {
                environment: name.clone(),
            }
            .into());
        }
        self.start_verify_of(chosen, &title, backup.is_some())
    }

    /// Starts reading back the chosen backups; with `is_one` only the copies of that one as well, else all copies.
    pub(in crate::engine) fn start_verify_of(
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
        let listed = self.list()?;
        let unreadable = if is_one { Vec::new() } else { listed.unreadable };
        let (mut verifying, mut reader) = (Verifying::new(&repository), self.reader(&repository));
        let due = self.to_be_looked_at(work, backups);
        let mut spared = 0;
        for backup in backups {
            work.phase(Phase::Verifying)?;
            let at = self.now();
            let is_due = due.iter().any(|due| due.id == backup.id);
            let looking = is_due
                .then(|| self.looking_while_reading(&repository, backup))
                .flatten();
            let onlooker = looking.as_ref().map(|looking| -> &dyn SeesPieces { looking });
            let verification = match self.verify_one(work, &mut verifying, &mut reader, backup, onlooker) {
                Ok(verified) => {
                    let text = format!("backup {} is sound: {}", backup.id, what_was_read(&verified));
                    work.log(Severity::Information, &text);
                    spared += verified.report.spared;
                    if let Some(looking) = looking {
                        self.looked_on(work, looking)?;
                    }
                    reader.verification(&verified)
                }
                // What may not be read is not to be relied on either.
                Err(RepositoryError::Damaged { what, .. } | RepositoryError::Withheld { what, .. }) => {
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
        if !is_one {
            self.end_verifying(work, verifying, &mut reader);
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
        let inside = self.integrity_of_verified(work, &repository, backups.len(), &due)?;
        let summary = format!("{}{}", summary(backups, spared > 0, copies), inside.in_short);
        if !is_one {
            self.rest_until_the_next_turn();
        }
        #[cfg(feature = "object-storage")]
        let kept = self.keep_for_longer(work);
        #[cfg(not(feature = "object-storage"))]
        let kept = Vec::new();
        Ok(Outcome {
            warnings: [inside.warnings, kept].concat(),
            summary,
            backup: match backups {
                [backup] => Some(backup.id.clone()),
                _ => None,
            },
            ..Outcome::default()
        })
    }
}

/// How a verification has gone that found nothing wrong. `is_spared` when not everything was read: not all had its turn.
fn summary(backups: &[Backup], is_spared: bool, copies: usize) -> String {
    let and_copies = match copies {
        0 => String::new(),
        1 => ", with a copy in the second repository".to_owned(),
        many => format!(", with {many} copies in the second repository"),
    };
    match backups {
        [backup] if is_spared => format!(
            "backup {} is sound: what of it had its turn was read back{and_copies}",
            backup.id
        ),
        many if is_spared => format!(
            "all {} backups are sound: what of them had its turn was read back{and_copies}",
            many.len()
        ),
        [backup] => format!(
            "backup {} was read back whole and is sound{and_copies}",
            backup.id
        ),
        many => format!(
            "all {} backups were read back whole and are sound{and_copies}",
            many.len()
        ),
    }
}
