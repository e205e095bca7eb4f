//! Writes and removes the records that make backups of what is stored.

use rustic_core::jiff::{Timestamp, tz::TimeZone};
use rustic_core::repofile::{SnapshotFile, SnapshotId};
use rustic_core::{NoProgressBars, RusticError, StringList};

use super::copy::UnrecordedBackup;
use crate::domain::Instant;
use crate::domain::backup::{BackupId, Manifest};
use crate::domain::pin::Pin;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::guard::Access;
use crate::repository::library::classified;
use crate::repository::read::records::{CHANGED, OURS, Record, backup_id};

/// How often a change is made anew because somebody else has changed the same backup at the same time.
const AT_ONCE: usize = 20;

impl Repository {
    /// The last step of a backup: writes the record that makes a copy one. Read it back first.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be written; then there is no backup.
    pub fn record(&self, copy: UnrecordedBackup, manifest: &Manifest) -> Result<BackupId, RepositoryError> {
        let mut file = SnapshotFile {
            tree: copy.tree,
            summary: copy.summary,
            ..SnapshotFile::default()
        };
        self.describe(&mut file, manifest, 0)?;
        self.write(file)
    }

    /// Drops backups. Their content goes with a later prune. One that is not there any more is no error.
    ///
    /// # Errors
    /// [`RepositoryError::Unreadable`] for one that Lifeboat did not make: nothing is dropped then. [`RepositoryError::Kept`]
    /// for one that the bucket keeps for longer: those before it are dropped.
    pub fn forget(&self, ids: &[BackupId]) -> Result<(), RepositoryError> {
        let records: Vec<_> = self.records()?.into_iter().filter_map(Result::ok).collect();
        let mut origins = Vec::new();
        for id in ids {
            let Some(record) = records.iter().find(|record| backup_id(record.id) == *id) else {
                continue;
            };
            if !record.is_ours() {
                return Err(self.unreadable(
                    id,
                    "another program made it, so Lifeboat does not drop it".to_owned(),
                ));
            }
            origins.push(record.origin());
        }
        // What a crash left of an earlier form would come back to life otherwise.
        let mut going: Vec<_> = records
            .iter()
            .filter(|record| origins.contains(&record.origin()))
            .collect();
        going.sort_by_key(|record| record.order());
        self.remove(&going.iter().map(|record| record.id).collect::<Vec<_>>())
    }

    /// Changes until when an upgrade or safety backup is kept. Its id changes with that. A crash in between leaves
    /// both forms; [`Repository::list`] then shows the later one.
    ///
    /// # Errors
    /// [`RepositoryError`] when there is no such backup, or it cannot be written.
    pub fn change_expiry(&self, id: &BackupId, expires: Instant) -> Result<BackupId, RepositoryError> {
        self.change(id, |manifest| manifest.expires = Some(expires))
    }

    /// Pins a backup, or takes its pin away. Its id changes with that, as with [`Repository::change_expiry`].
    ///
    /// # Errors
    /// [`RepositoryError`] when there is no such backup, or it cannot be written.
    pub fn set_pin(&self, id: &BackupId, pin: Option<&Pin>) -> Result<BackupId, RepositoryError> {
        self.change(id, |manifest| manifest.set_pin(pin.cloned()))
    }

    /// Writes a later form of a record, and removes those that it follows. Nobody is locked out meanwhile: who changes the same
    /// backup at the same time removes, as this does, only forms that come before one that it has seen, so the last of all is
    /// never removed. Whose form is not the last does what was asked for to that one.
    fn change(&self, id: &BackupId, change: impl Fn(&mut Manifest)) -> Result<BackupId, RepositoryError> {
        let mut record = self.find_record(id)?;
        let origin = record.origin();
        let mut forms = Vec::new();
        for _ in 0..AT_ONCE {
            let changed = self.write_later_form(&record, &forms, &change)?;
            forms = self.forms(origin)?;
            if forms.is_empty() {
                // It was listed while one form took the place of another.
                forms = self.forms(origin)?;
            }
            let Some(last) = forms.last() else {
                return Err(RepositoryError::UnknownBackup {
                    place: self.place().clone(),
                    id: id.to_string(),
                });
            };
            let earlier = last
                .manifest()
                .map_err(|why| self.unreadable(&backup_id(last.id), why))?;
            match beside(&forms, &record, &earlier.earlier) {
                Some(beside) if backup_id(last.id) == changed => record = beside.clone(),
                _ => {
                    // Where nothing can be removed, the last form is shown, and the earlier ones go with it.
                    if !self.keeps_what_is_written() {
                        let gone = forms.iter().take(forms.len() - 1).map(|form| form.id);
                        self.remove(&gone.collect::<Vec<_>>())?;
                    }
                    if backup_id(last.id) == changed {
                        return Ok(changed);
                    }
                    record = last.clone();
                }
            }
        }
        Err(RepositoryError::io(
            "changing the record of a backup",
            self.place(),
            "others change the same backup again and again: try once more",
        ))
    }

    /// The forms of a record that can be read, the last one at the end.
    fn forms(&self, origin: SnapshotId) -> Result<Vec<Record>, RepositoryError> {
        let found = self.records()?.into_iter().filter_map(Result::ok);
        let mut forms: Vec<_> = found.filter(|record| record.origin() == origin).collect();
        forms.sort_by_key(Record::order);
        Ok(forms)
    }

    /// Writes what `change` makes of a form as one that is later than all these.
    fn write_later_form(
        &self,
        record: &Record,
        forms: &[Record],
        change: impl Fn(&mut Manifest),
    ) -> Result<BackupId, RepositoryError> {
        let id = backup_id(record.id);
        let mut manifest = record.manifest().map_err(|why| self.unreadable(&id, why))?;
        change(&mut manifest);
        // One that an earlier Lifeboat has changed does not say what it began as.
        let mut earlier = std::mem::take(&mut manifest.earlier);
        earlier.insert(0, backup_id(record.origin()));
        earlier.push(id);
        earlier.extend(forms.iter().map(|form| backup_id(form.id)));
        for id in earlier {
            manifest.was_called(id);
        }
        let mut file = record.file.clone();
        file.original = Some(record.origin());
        let changes = forms.iter().map(Record::changes).fold(record.changes(), u64::max);
        self.describe(&mut file, &manifest, changes + 1)?;
        self.write(file)
    }

    pub(in crate::repository) fn describe(
        &self,
        file: &mut SnapshotFile,
        manifest: &Manifest,
        changes: u64,
    ) -> Result<(), RepositoryError> {
        let invalid = |what: &str| RepositoryError::io("writing the record of a backup", self.place(), what);
        let text = serde_json::to_string(manifest).map_err(|error| invalid(&error.to_string()))?;
        let nanos = i32::try_from(manifest.taken.timestamp_subsec_nanos().min(999_999_999)).unwrap_or(0);
        file.time = Timestamp::new(manifest.taken.timestamp(), nanos)
            .map_err(|_| invalid("the clock shows a year that does not exist"))?
            .to_zoned(TimeZone::UTC);
        file.program_version = format!("lifeboat {}", env!("CARGO_PKG_VERSION"));
        manifest.environment.to_string().clone_into(&mut file.hostname);
        file.username = tag(manifest.by.as_str());
        file.description = Some(text);
        file.paths = StringList::default();
        for instance in &manifest.instances {
            file.paths.add(format!("/{}", instance.name));
        }
        file.tags = StringList::default();
        for text in tags(manifest, changes) {
            file.tags.add(text);
        }
        Ok(())
    }

    pub(in crate::repository) fn write(&self, file: SnapshotFile) -> Result<BackupId, RepositoryError> {
        let classify =
            |error: Box<RusticError>| classified(&error, "writing the record of a backup", self.place());
        let (open, guard) = self.handle(Access::Record, NoProgressBars).map_err(classify)?;
        open.save_snapshots(vec![file]).map_err(classify)?;
        guard
            .recorded()
            .last()
            .map(|id| backup_id((*id).into()))
            .ok_or_else(|| {
                RepositoryError::io(
                    "writing the record of a backup",
                    self.place(),
                    "nothing was written",
                )
            })
    }

    /// Removes records one after the other, in the given order. One that somebody else has removed meanwhile is gone as well.
    fn remove(&self, ids: &[SnapshotId]) -> Result<(), RepositoryError> {
        let classify = |error: Box<RusticError>| classified(&error, "dropping a backup", self.place());
        let (open, _) = self.handle(Access::Record, NoProgressBars).map_err(classify)?;
        for id in ids {
            if let Err(error) = open.delete_snapshots(&[*id])
                && self.listed()?.contains(id)
            {
                return Err(classify(error));
            }
        }
        Ok(())
    }
}

/// Of the forms of a record, the last one at the end, the one that somebody else has made of the backup at the same time, and
/// has been told of as done: it is later than the one that was `changed`, and the last one does not come from it. What an earlier
/// Lifeboat has left, which notes no ids, comes before and counts for nothing.
fn beside<'f>(forms: &'f [Record], changed: &Record, earlier: &[BackupId]) -> Option<&'f Record> {
    let mut others = forms.iter().rev().skip(1);
    others.find(|form| form.changes() > changed.changes() && !earlier.contains(&backup_id(form.id)))
}

/// What a person sees of a backup in `restic snapshots`.
fn tags(manifest: &Manifest, changes: u64) -> Vec<String> {
    let mut tags = vec![
        OURS.to_owned(),
        format!("trigger:{}", manifest.trigger.label()),
        format!("release:{}", tag(&manifest.versions.release.0)),
        format!("magnolia:{}", tag(&manifest.versions.magnolia.0)),
    ];
    tags.extend(manifest.slots.iter().map(|slot| format!("slot:{slot}")));
    tags.extend(
        manifest
            .expires
            .map(|expires| format!("expires:{}", expires.format("%Y-%m-%dT%H:%MZ"))),
    );
    tags.extend(manifest.pin.as_ref().map(|pin| match pin.until {
        Some(until) => format!("pinned:{}", until.format("%Y-%m-%dT%H:%MZ")),
        None => "pinned:ever".to_owned(),
    }));
    if changes > 0 {
        tags.push(format!("{CHANGED}{changes}"));
    }
    tags
}

/// Text as a tag can hold it: `restic` separates tags by commas, and prints them as they are.
fn tag(text: &str) -> String {
    crate::domain::printable::line(text)
        .chars()
        .map(|c| if c == ',' || c.is_whitespace() { '_' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A form that was changed so often.
    fn form(digit: char, changes: u64) -> Record {
        let mut file = SnapshotFile::default();
        file.tags.add(format!("{CHANGED}{changes}"));
        let id = digit.to_string().repeat(64).parse().unwrap();
        Record { id, file }
    }

    #[test]
    fn only_what_was_made_at_the_same_time_stands_beside_a_change() {
        let forms = [form('1', 1), form('2', 2), form('3', 3), form('4', 3)];
        let found = |based_on: usize, earlier: &[usize]| {
            let earlier: Vec<_> = earlier.iter().map(|at| backup_id(forms[*at].id)).collect();
            beside(&forms, &forms[based_on], &earlier).map(|form| form.id)
        };
        assert_eq!(found(1, &[1]), Some(forms[2].id));
        assert_eq!(found(1, &[1, 2]), None);
        // An earlier Lifeboat has left the first one, and noted nothing of it.
        assert_eq!(found(2, &[2]), None);
        assert_eq!(beside(&forms[3..], &forms[2], &[]).map(|form| form.id), None);
    }
}
