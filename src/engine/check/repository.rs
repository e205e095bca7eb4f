//! The part of a check that is about repositories: whether they open, whether they take what a job writes, and whether the
//! backups in them are sound and still there.

use rustix::fs::{Access, access};

use super::existing;
use crate::disk::room::free_bytes;
use crate::domain::address::Address;
use crate::domain::backup::{Backup, Verification};
use crate::domain::check::Findings;
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::os_error::in_words;
use crate::domain::proof::{Drill, DrillOutcome};
use crate::domain::settings::RepositoryChoice;
use crate::engine::Live;
use crate::repository::Storage;

impl Live {
    pub(super) fn check_repository(&self, which: RepositoryChoice, findings: &mut Findings<'_>) {
        let label = match which {
            RepositoryChoice::First => "repository",
            RepositoryChoice::Copy => "second repository",
        };
        let storage = match self.storage(which) {
            Ok(Some(storage)) => storage,
            Ok(None) => return,
            Err(error) => return findings.failed(label, error.to_string()),
        };
        let place = storage.address();
        match self.repository_of(which, false) {
            Err(error) => findings.failed(label, error.to_string()),
            Ok(Some(repository)) => match repository.list() {
                Err(error) => findings.failed(label, error.to_string()),
                Ok(records) => {
                    let held = match records.len() {
                        1 => "1 backup".to_owned(),
                        count => format!("{count} backups"),
                    };
                    let free = free_in(&place);
                    let told = free
                        .map(|free| format!(", {} free", measure::bytes(free)))
                        .unwrap_or_default();
                    let backups = self.backups().unwrap_or_default();
                    takes(
                        &storage,
                        label,
                        format!("{place}: the key opens it, {held}{told}"),
                        findings,
                    );
                    room_for_another(label, &place, free, &backups, findings);
                    if which == RepositoryChoice::First {
                        if let Some(doubtful) = self.doubtful_records(&backups) {
                            findings.warning("records", doubtful);
                        }
                        damaged(self.name(), &backups, findings);
                        not_come_back(self.name(), &backups, findings);
                    }
                }
            },
            Ok(None) => {
                if let Err(error) = self.key_of(which) {
                    return findings.failed(label, error.to_string());
                }
                let made = format!("{place}: it is made at the first backup, and the key is there");
                let Address::Folder(folder) = &place else {
                    // That it could be asked whether there is one shows that it is reached.
                    return takes(&storage, label, made, findings);
                };
                let above = existing(folder);
                match access(&above, Access::WRITE_OK | Access::EXEC_OK) {
                    Ok(()) => findings.ok(label, made),
                    Err(error) => findings.failed(
                        label,
                        format!(
                            "{place} cannot be made, because {} cannot be written: {error}. Let the user of Lifeboat write \
                             there, or name another root in [repository]",
                            above.display(),
                            error = in_words(&error.into()),
                        ),
                    ),
                }
            }
        }
    }
}

/// Tells whether a storage takes what a job writes, and lets it be removed again; where it does, what is known of it.
fn takes(storage: &Storage, label: &str, known: String, findings: &mut Findings<'_>) {
    match storage.try_to_write() {
        Ok(None) => findings.ok(label, known),
        Ok(Some(why)) => findings.warning(
            label,
            format!(
                "{known}. Backups can be made, but nothing can be removed again: {why}. So what may go stays, and so do the \
                 locks of jobs that have ended"
            ),
        ),
        Err(error) => findings.failed(
            label,
            format!("it takes nothing, so no backup can be made: {error}. What is in it can be read and restored"),
        ),
    }
}

fn free_in(place: &Address) -> Option<u64> {
    match place {
        Address::Folder(folder) => free_bytes(folder).ok(),
        Address::Bucket { .. } => None,
    }
}

/// Whether there is room for another backup like the last one.
fn room_for_another(
    label: &str,
    place: &Address,
    free: Option<u64>,
    backups: &[Backup],
    findings: &mut Findings<'_>,
) {
    let last = backups.iter().find(|backup| !backup.dated_ahead);
    if let (Some(free), Some(last)) = (free, last)
        && free < last.manifest.added_bytes
    {
        findings.warning(
            label,
            format!(
                "{} are free in {place}, and the last backup added {}: make room, or the next one may fail",
                measure::bytes(free),
                measure::bytes(last.manifest.added_bytes)
            ),
        );
    }
}

/// Names backups that were found damaged, however long ago.
fn damaged(environment: &EnvironmentName, backups: &[Backup], findings: &mut Findings<'_>) {
    for backup in backups {
        if let Verification::Damaged { at, why } = &backup.verification {
            findings.failed(
                "damage",
                format!(
                    "backup {0} of {1} was found damaged at {2}: {why}. Take a new backup now; it goes when a good one that \
                     holds as much has taken its place, and with `lifeboat delete {environment} {0}`",
                    backup.id,
                    measure::moment(backup.manifest.taken),
                    measure::moment(*at)
                ),
            );
        }
    }
}

/// Names backups that did not come back as they were taken when they were drilled last.
fn not_come_back(environment: &EnvironmentName, backups: &[Backup], findings: &mut Findings<'_>) {
    for backup in backups {
        if let Some(Drill {
            at,
            outcome: DrillOutcome::Failed { why },
            ..
        }) = &backup.drill
        {
            findings.failed(
                "drill",
                format!(
                    "backup {0} of {1} did not come back as it was taken in the drill of {2}: {why}. Take a new backup now and \
                     drill that; `lifeboat drill {environment} {0}` tries this one again",
                    backup.id,
                    measure::moment(backup.manifest.taken),
                    measure::moment(*at)
                ),
            );
        }
    }
}
