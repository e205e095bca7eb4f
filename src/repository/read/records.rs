//! The records of backups: one small file each, with the [`Manifest`] inside, legible in plain `restic snapshots` too.

use std::collections::BTreeMap;

use rustic_core::jiff::{Timestamp, tz::TimeZone};
use rustic_core::repofile::{SnapshotFile, SnapshotId};
use rustic_core::{NoProgressBars, RusticError, StringList, TreeId};

use crate::domain::Instant;
use crate::domain::backup::{BackupId, Manifest};
use crate::repository::Repository;
use crate::repository::error::{RepositoryError, judged};
use crate::repository::guard::Purpose;
use crate::repository::write::copy::Copy;

/// The tag of every record that Lifeboat writes. Records without it belong to somebody else.
const OURS: &str = "lifeboat:1";

/// The tag that counts how often a record was changed.
const CHANGED: &str = "changed:";

/// A backup as it is found in the repository.
#[derive(Debug, Clone)]
pub struct StoredBackup {
    /// Its id.
    pub id: BackupId,
    /// The id that it began with: a changed record has another one, and so has a copy in another repository.
    pub origin: BackupId,
    /// Its record, or why it cannot be read, as a sentence.
    pub manifest: Result<Manifest, String>,
    /// Whether another program made it. Lifeboat leaves it alone.
    pub is_foreign: bool,
    /// When it says that it was taken. `None` when nothing of it can be read.
    pub taken: Option<Instant>,
}

/// A record, or the id of one that cannot be read and why.
type Found = Result<Record, (SnapshotId, String)>;

/// A record as it is stored.
pub(in crate::repository) struct Record {
    pub(in crate::repository) id: SnapshotId,
    pub(in crate::repository) file: SnapshotFile,
}

impl Record {
    fn is_ours(&self) -> bool {
        self.file.tags.contains(OURS)
    }

    /// The record that this one began as: a changed record takes the place of an earlier one.
    pub(in crate::repository) fn origin(&self) -> SnapshotId {
        self.file.original.unwrap_or(self.id)
    }

    pub(in crate::repository) fn changes(&self) -> u64 {
        let counts = self.file.tags.iter().filter_map(|tag| tag.strip_prefix(CHANGED));
        counts.filter_map(|count| count.parse().ok()).max().unwrap_or(0)
    }

    /// The manifest inside, or why there is none.
    pub(in crate::repository) fn manifest(&self) -> Result<Manifest, String> {
        if !self.is_ours() {
            return Err("it was not made by Lifeboat".to_owned());
        }
        let text = self.file.description.as_deref().unwrap_or_default();
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("its manifest is not readable ({error})"))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format > u64::from(Manifest::FORMAT) => {
                return Err(format!(
                    "a newer Lifeboat made it (format {format}): update this one"
                ));
            }
            _ => {}
        }
        serde_json::from_value(value).map_err(|error| format!("its manifest is not readable ({error})"))
    }
}

impl Repository {
    /// The last step of a backup: writes the record that makes a copy one. Read it back first.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be written; then there is no backup.
    pub fn record(&self, copy: Copy, manifest: &Manifest) -> Result<BackupId, RepositoryError> {
        let mut file = SnapshotFile {
            tree: copy.tree,
            summary: copy.summary,
            ..SnapshotFile::default()
        };
        self.describe(&mut file, manifest, 0)?;
        self.write(file)
    }

    /// Every backup, the newest first. One that cannot be read is told as such and hides none of the others.
    ///
    /// # Errors
    /// [`RepositoryError`] when the records cannot be listed at all.
    pub fn list(&self) -> Result<Vec<StoredBackup>, RepositoryError> {
        let mut backups = Vec::new();
        let mut current: BTreeMap<SnapshotId, Record> = BTreeMap::new();
        for record in self.records()? {
            match record {
                Err((id, why)) => backups.push(StoredBackup {
                    id: backup_id(id),
                    origin: backup_id(id),
                    manifest: Err(why),
                    is_foreign: false,
                    taken: None,
                }),
                // A crash in the middle of a change leaves the earlier record beside the later one.
                Ok(record) => match current.get(&record.origin()) {
                    Some(other) if other.changes() >= record.changes() => {}
                    _ => drop(current.insert(record.origin(), record)),
                },
            }
        }
        backups.extend(current.into_values().map(|record| StoredBackup {
            id: backup_id(record.id),
            origin: backup_id(record.origin()),
            manifest: record.manifest(),
            is_foreign: !record.is_ours(),
            taken: taken(&record.file),
        }));
        backups.sort_by(|a, b| (b.taken, &b.id).cmp(&(a.taken, &a.id)));
        Ok(backups)
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
        going.sort_by_key(|record| record.changes());
        self.remove(&going.iter().map(|record| record.id).collect::<Vec<_>>())
    }

    /// Changes until when an upgrade or safety backup is kept. Its id changes with that. A crash in between leaves
    /// both forms; [`Repository::list`] then shows the later one.
    ///
    /// # Errors
    /// [`RepositoryError`] when there is no such backup, or it cannot be written.
    pub fn change_expiry(&self, id: &BackupId, expires: Instant) -> Result<BackupId, RepositoryError> {
        let record = self.find_record(id)?;
        let mut manifest = record.manifest().map_err(|why| self.unreadable(id, why))?;
        manifest.expires = Some(expires);
        let mut file = record.file.clone();
        file.original = Some(record.origin());
        self.describe(&mut file, &manifest, record.changes() + 1)?;
        let changed = self.write(file)?;
        if self.keeps_what_is_written() {
            // The later form is the one that is shown. The earlier one goes with it.
            return Ok(changed);
        }
        let earlier: Vec<_> = self
            .records()?
            .into_iter()
            .filter_map(Result::ok)
            .filter(|other| other.origin() == record.origin() && backup_id(other.id) != changed)
            .map(|other| other.id)
            .collect();
        self.remove(&earlier)?;
        Ok(changed)
    }

    /// The record of a backup that Lifeboat made.
    pub(in crate::repository) fn find_record(&self, id: &BackupId) -> Result<Record, RepositoryError> {
        let unknown = || RepositoryError::UnknownBackup {
            place: self.place().clone(),
            id: id.to_string(),
        };
        let snapshot: SnapshotId = id.0.parse().map_err(|_| unknown())?;
        let judge =
            |error: Box<RusticError>| judged(&error, &format!("reading snapshots/{}", id.0), self.place());
        let (open, _) = self.handle(Purpose::Read, NoProgressBars).map_err(judge)?;
        let mut known = open.list::<SnapshotId>().map_err(judge)?;
        if !known.any(|known| known == snapshot) {
            return Err(unknown());
        }
        let file = open.get_file::<SnapshotFile>(&snapshot).map_err(judge)?;
        Ok(Record { id: snapshot, file })
    }

    /// The manifest and the tree of a backup.
    pub(in crate::repository) fn find(&self, id: &BackupId) -> Result<(Manifest, TreeId), RepositoryError> {
        let record = self.find_record(id)?;
        let manifest = record.manifest().map_err(|why| self.unreadable(id, why))?;
        Ok((manifest, record.file.tree))
    }

    /// Every record, or why it cannot be read.
    pub(in crate::repository) fn records(&self) -> Result<Vec<Found>, RepositoryError> {
        let judge = |error: Box<RusticError>| judged(&error, "listing the backups", self.place());
        let (open, _) = self.handle(Purpose::Read, NoProgressBars).map_err(judge)?;
        let ids: Vec<_> = open.list::<SnapshotId>().map_err(judge)?.collect();
        let read = |id: SnapshotId| {
            open.get_file::<SnapshotFile>(&id)
                .map(|file| Record { id, file })
                .map_err(|error| {
                    let doing = format!("reading snapshots/{}", id.to_hex().as_str());
                    (id, judged(&error, &doing, self.place()).to_string())
                })
        };
        Ok(ids.into_iter().map(read).collect())
    }

    pub(in crate::repository) fn describe(
        &self,
        file: &mut SnapshotFile,
        manifest: &Manifest,
        changes: u64,
    ) -> Result<(), RepositoryError> {
        let invalid = |what: &str| RepositoryError::Io {
            doing: "writing the record of a backup".to_owned(),
            place: self.place().clone(),
            why: what.to_owned(),
        };
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
        let judge = |error: Box<RusticError>| judged(&error, "writing the record of a backup", self.place());
        let (open, guard) = self.handle(Purpose::Record, NoProgressBars).map_err(judge)?;
        open.save_snapshots(vec![file]).map_err(judge)?;
        guard
            .recorded()
            .last()
            .map(|id| backup_id((*id).into()))
            .ok_or_else(|| RepositoryError::Io {
                doing: "writing the record of a backup".to_owned(),
                place: self.place().clone(),
                why: "nothing was written".to_owned(),
            })
    }

    /// Removes records one after the other, in the given order.
    fn remove(&self, ids: &[SnapshotId]) -> Result<(), RepositoryError> {
        let judge = |error: Box<RusticError>| judged(&error, "dropping a backup", self.place());
        let (open, _) = self.handle(Purpose::Record, NoProgressBars).map_err(judge)?;
        for id in ids {
            open.delete_snapshots(&[*id]).map_err(judge)?;
        }
        Ok(())
    }

    pub(in crate::repository) fn unreadable(&self, id: &BackupId, why: String) -> RepositoryError {
        RepositoryError::Unreadable {
            place: self.place().clone(),
            id: id.to_string(),
            why,
        }
    }
}

fn taken(file: &SnapshotFile) -> Option<Instant> {
    let time = file.time.timestamp();
    Instant::from_timestamp(
        time.as_second(),
        u32::try_from(time.subsec_nanosecond()).unwrap_or(0),
    )
}

fn backup_id(id: SnapshotId) -> BackupId {
    BackupId(id.to_hex().as_str().to_owned())
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
