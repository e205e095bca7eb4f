//! Writes and removes the records that make backups of what is stored.

use std::thread;
use std::time::Duration;

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
use crate::repository::read::records::{CHANGED, OURS, Part, Record, backup_id};

/// How often it is looked what others have made of a backup that they change at the same time.
const LOOKS: u32 = 120;
/// How often nothing new is seen before whoever has written the last form is taken for dead.
const PATIENCE: u32 = 8;
/// How much longer it is waited before each of these looks.
const LONGER: Duration = Duration::from_millis(5);

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
        self.describe(&mut file, manifest, Changes::default())?;
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
        self.change(id, Part::Expiry, |manifest| manifest.expires = Some(expires))
    }

    /// Pins a backup, or takes its pin away. Its id changes with that, as with [`Repository::change_expiry`].
    ///
    /// # Errors
    /// [`RepositoryError`] when there is no such backup, or it cannot be written.
    pub fn set_pin(&self, id: &BackupId, pin: Option<&Pin>) -> Result<BackupId, RepositoryError> {
        self.change(id, Part::Pin, |manifest| manifest.set_pin(pin.cloned()))
    }

    /// Writes a later form of a record, and removes those that it follows. Nobody is locked out meanwhile, in a folder as little as
    /// in a bucket, however many change the same backup at the same time:
    ///
    /// - a form notes the ids of all forms that it comes from, and holds what was changed in each of them;
    /// - nobody removes a form before one that comes from it stands;
    /// - nobody is told that it is done before one form stands that comes from theirs and from every other that they see.
    ///
    /// Who is done was seen by everybody who has written a form since, and is in what they make of all that they see.
    fn change(
        &self,
        id: &BackupId,
        part: Part,
        change: impl Fn(&mut Manifest),
    ) -> Result<BackupId, RepositoryError> {
        let first = self.find_record(id)?;
        let origin = first.origin();
        let mut forms = vec![first];
        let mut written: Option<BackupId> = None;
        let mut unchanged = 0;
        for _ in 0..LOOKS {
            let is_kept = written
                .as_ref()
                .is_some_and(|written| forms.iter().any(|form| comes_from(form, written)));
            let last_is_ours = forms.last().map(|form| backup_id(form.id)) == written;
            // Whoever has written the last form makes one of all: were all others to do so as well, none of theirs would come from
            // all others. They look again, until that one has to be taken for dead.
            if !is_kept || last_is_ours || unchanged == PATIENCE {
                // Who is not done yet comes after whoever is.
                written = Some(self.write_later_form(&forms, part, &change)?);
            } else {
                thread::sleep(LONGER * (unchanged + 1));
            }
            let before: Vec<_> = forms.iter().map(|form| form.id).collect();
            forms = self.forms(origin)?;
            unchanged = if forms.iter().map(|form| form.id).eq(before) {
                unchanged + 1
            } else {
                0
            };
            if forms.is_empty() {
                // It was listed while one form took the place of another.
                forms = self.forms(origin)?;
            }
            let Some((last, others)) = forms.split_last() else {
                return Err(RepositoryError::UnknownBackup {
                    place: self.place().clone(),
                    id: id.to_string(),
                });
            };
            let is_whole = others.iter().all(|form| comes_from(last, &backup_id(form.id)));
            let holds_ours = written.as_ref().is_some_and(|written| comes_from(last, written));
            if is_whole {
                // Where nothing can be removed, the last form is shown, and the earlier ones go with it.
                if !self.keeps_what_is_written() {
                    self.remove(&others.iter().map(|form| form.id).collect::<Vec<_>>())?;
                }
                if holds_ours {
                    return Ok(backup_id(last.id));
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

    /// Writes one form of all these, the last one at the end, that is later than each of them, with a change to a part.
    fn write_later_form(
        &self,
        forms: &[Record],
        part: Part,
        change: impl Fn(&mut Manifest),
    ) -> Result<BackupId, RepositoryError> {
        let Some(last) = forms.last() else {
            return Err(RepositoryError::io(
                "changing the record of a backup",
                self.place(),
                "there is none",
            ));
        };
        let read = |form: &Record| {
            let manifest = form.manifest();
            manifest.map_err(|why| self.unreadable(&backup_id(form.id), why))
        };
        let mut manifest = read(last)?;
        let mut changes = Changes {
            count: forms.iter().map(Record::changes).fold(0, u64::max) + 1,
            ..Changes::default()
        };
        for part in Part::ALL {
            let newest = newest(forms, part).unwrap_or(last);
            part.take(&read(newest)?, &mut manifest);
            changes.set(part, newest.changed(part));
        }
        change(&mut manifest);
        changes.set(part, changes.count);
        manifest.earlier = Vec::new();
        // One that an earlier Lifeboat has changed does not say what it began as.
        manifest.was_called(backup_id(last.origin()));
        for form in forms {
            for id in read(form)?.earlier {
                manifest.was_called(id);
            }
            manifest.was_called(backup_id(form.id));
        }
        let mut file = last.file.clone();
        file.original = Some(last.origin());
        self.describe(&mut file, &manifest, changes)?;
        self.write(file)
    }

    pub(in crate::repository) fn describe(
        &self,
        file: &mut SnapshotFile,
        manifest: &Manifest,
        changes: Changes,
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

/// How often a record was changed, and at which change each part of it was changed last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::repository) struct Changes {
    count: u64,
    expiry: u64,
    pin: u64,
}

impl Changes {
    fn set(&mut self, part: Part, at: u64) {
        match part {
            Part::Expiry => self.expiry = at,
            Part::Pin => self.pin = at,
        }
    }

    fn of(&self, part: Part) -> u64 {
        match part {
            Part::Expiry => self.expiry,
            Part::Pin => self.pin,
        }
    }
}

impl Part {
    /// Takes it over as another form has it.
    fn take(self, from: &Manifest, into: &mut Manifest) {
        match self {
            Self::Expiry => into.expires = from.expires,
            Self::Pin if into.pin != from.pin => into.set_pin(from.pin.clone()),
            Self::Pin => {}
        }
    }
}

/// Of some forms, that in which a part was changed last. Of two that changed it at the same time it is the later one: either could
/// have been the second. One that notes what it has changed counts before one that may have changed something else.
fn newest(forms: &[Record], part: Part) -> Option<&Record> {
    forms
        .iter()
        .max_by_key(|form| (form.changed(part), form.notes_parts(), form.order()))
}

/// Whether a form is this one, or comes from it: what was changed in it is in the form.
fn comes_from(form: &Record, id: &BackupId) -> bool {
    backup_id(form.id) == *id
        || form
            .manifest()
            .is_ok_and(|manifest| manifest.earlier.contains(id))
}

/// What a person sees of a backup in `restic snapshots`.
fn tags(manifest: &Manifest, changes: Changes) -> Vec<String> {
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
    if changes.count > 0 {
        tags.push(format!("{CHANGED}{}", changes.count));
        // Both, so that it is seen that they were noted.
        tags.extend(Part::ALL.map(|part| format!("{}{}", part.tag(), changes.of(part))));
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

    /// A form with these tags.
    fn form(digit: char, tags: &[&str]) -> Record {
        let mut file = SnapshotFile::default();
        for tag in tags {
            file.tags.add((*tag).to_owned());
        }
        let id = digit.to_string().repeat(64).parse().unwrap();
        Record { id, file }
    }

    #[test]
    fn each_part_is_as_whoever_changed_it_last_has_left_it() {
        let forms = [
            form('1', &[]),
            form('2', &["changed:1", "changed-expiry:1", "changed-pin:0"]),
            form('3', &["changed:1", "changed-expiry:0", "changed-pin:1"]),
            form('4', &["changed:1", "changed-expiry:1", "changed-pin:0"]),
        ];
        let found = |forms: &[Record], part| newest(forms, part).map(|form| form.id);
        assert_eq!(found(&forms, Part::Pin), Some(forms[2].id));
        assert_eq!(found(&forms, Part::Expiry), Some(forms[3].id));
        assert_eq!(found(&forms[..3], Part::Expiry), Some(forms[1].id));
        // One of an earlier Lifeboat may have changed either.
        let later = [forms[2].clone(), form('5', &["changed:2"])];
        assert_eq!(found(&later, Part::Pin), Some(later[1].id));
        let beside = [forms[2].clone(), form('5', &["changed:1"])];
        assert_eq!(found(&beside, Part::Pin), Some(beside[0].id));
    }
}
