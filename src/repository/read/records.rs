//! The records of backups: one small file each, with the [`Manifest`] inside, legible in plain `restic snapshots` too.

use std::collections::{BTreeMap, BTreeSet};

use rustic_core::repofile::{SnapshotFile, SnapshotId};
use rustic_core::{NoProgressBars, RusticError, TreeId};

use crate::domain::Instant;
use crate::domain::backup::{BackupId, Manifest};
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::guard::Access;
use crate::repository::library::classified;

/// The tag of every record that Lifeboat writes. Records without it belong to somebody else.
pub(in crate::repository) const OURS: &str = "lifeboat:1";

/// The tag that counts how often a record was changed.
pub(in crate::repository) const CHANGED: &str = "changed:";

/// What of a record can be changed later. Each is noted with the count of changes at which it was changed last, so that of
/// two forms that were made at the same time each keeps what was changed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repository) enum Part {
    /// Until when it is kept.
    Expiry,
    /// Who keeps it on purpose.
    Pin,
}

impl Part {
    pub(in crate::repository) const ALL: [Self; 2] = [Self::Expiry, Self::Pin];

    /// The tag that says at which change it was changed last.
    pub(in crate::repository) fn tag(self) -> &'static str {
        match self {
            Self::Expiry => "changed-expiry:",
            Self::Pin => "changed-pin:",
        }
    }
}

/// How often records are listed anew because some were changed or dropped while they were read.
const LISTS: usize = 10;

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
#[derive(Clone)]
pub(in crate::repository) struct Record {
    pub(in crate::repository) id: SnapshotId,
    pub(in crate::repository) file: SnapshotFile,
}

impl Record {
    pub(in crate::repository) fn is_ours(&self) -> bool {
        self.file.tags.contains(OURS)
    }

    /// The record that this one began as: a changed record takes the place of an earlier one.
    pub(in crate::repository) fn origin(&self) -> SnapshotId {
        self.file.original.unwrap_or(self.id)
    }

    pub(in crate::repository) fn changes(&self) -> u64 {
        self.counted(CHANGED).unwrap_or(0)
    }

    /// At which change this was changed last, 0 if it is as it was. An earlier Lifeboat noted of no part when it changed it: it may
    /// have been any.
    pub(in crate::repository) fn changed(&self, part: Part) -> u64 {
        let unknown = || if self.notes_parts() { 0 } else { self.changes() };
        self.counted(part.tag()).unwrap_or_else(unknown)
    }

    /// Whether it says at which change each part was changed.
    pub(in crate::repository) fn notes_parts(&self) -> bool {
        Part::ALL.iter().any(|part| self.counted(part.tag()).is_some())
    }

    fn counted(&self, tag: &str) -> Option<u64> {
        let counts = self.file.tags.iter().filter_map(|text| text.strip_prefix(tag));
        counts.filter_map(|count| count.parse().ok()).max()
    }

    /// What says which of two forms of one record is the later one. Two that were written at the same time have an order too.
    pub(in crate::repository) fn order(&self) -> (u64, SnapshotId) {
        (self.changes(), self.id)
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
            Some(format) if format > u64::from(Manifest::PINNED_FORMAT) => {
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
                    Some(other) if other.order() >= record.order() => {}
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

    /// The record of a backup that Lifeboat made.
    pub(in crate::repository) fn find_record(&self, id: &BackupId) -> Result<Record, RepositoryError> {
        let unknown = || RepositoryError::UnknownBackup {
            place: self.place().clone(),
            id: id.to_string(),
        };
        let snapshot: SnapshotId = id.0.parse().map_err(|_| unknown())?;
        let classify = |error: Box<RusticError>| {
            classified(&error, &format!("reading snapshots/{}", id.0), self.place())
        };
        if self.listed()?.contains(&snapshot) {
            let (open, _) = self.handle(Access::Read, NoProgressBars).map_err(classify)?;
            match open.get_file::<SnapshotFile>(&snapshot) {
                Ok(file) => return Ok(Record { id: snapshot, file }),
                Err(error) if self.listed()?.contains(&snapshot) => return Err(classify(error)),
                Err(_) => {}
            }
        }
        // It was changed meanwhile, and has another id since.
        let records = self.records()?.into_iter().filter_map(Result::ok);
        let was_it = |record: &Record| {
            record.origin() == snapshot
                || record
                    .manifest()
                    .is_ok_and(|manifest| manifest.earlier.contains(id))
        };
        records
            .filter(was_it)
            .max_by_key(Record::order)
            .ok_or_else(unknown)
    }

    /// The ids of all records.
    pub(in crate::repository) fn listed(&self) -> Result<BTreeSet<SnapshotId>, RepositoryError> {
        let classify = |error: Box<RusticError>| classified(&error, "listing the backups", self.place());
        let (open, _) = self.handle(Access::Read, NoProgressBars).map_err(classify)?;
        Ok(open.list::<SnapshotId>().map_err(classify)?.collect())
    }

    /// The manifest and the tree of a backup.
    pub(in crate::repository) fn find(&self, id: &BackupId) -> Result<(Manifest, TreeId), RepositoryError> {
        let record = self.find_record(id)?;
        let manifest = record.manifest().map_err(|why| self.unreadable(id, why))?;
        Ok((manifest, record.file.tree))
    }

    /// Every record, or why it cannot be read.
    pub(in crate::repository) fn records(&self) -> Result<Vec<Found>, RepositoryError> {
        let mut found = self.read_records()?;
        // One that is changed meanwhile is listed, and gone when it is read: what has come in its place is in the next list.
        for _ in 0..LISTS {
            let mut unreadable = found.iter().filter_map(|one| one.as_ref().err()).peekable();
            if unreadable.peek().is_none() {
                break;
            }
            let listed = self.listed()?;
            if unreadable.all(|(id, _)| listed.contains(id)) {
                break;
            }
            found = self.read_records()?;
        }
        Ok(found)
    }

    fn read_records(&self) -> Result<Vec<Found>, RepositoryError> {
        let classify = |error: Box<RusticError>| classified(&error, "listing the backups", self.place());
        let (open, _) = self.handle(Access::Read, NoProgressBars).map_err(classify)?;
        let ids: Vec<_> = open.list::<SnapshotId>().map_err(classify)?.collect();
        let read = |id: SnapshotId| {
            open.get_file::<SnapshotFile>(&id)
                .map(|file| Record { id, file })
                .map_err(|error| {
                    let doing = format!("reading snapshots/{}", id.to_hex().as_str());
                    (id, classified(&error, &doing, self.place()).to_string())
                })
        };
        Ok(ids.into_iter().map(read).collect())
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

pub(in crate::repository) fn backup_id(id: SnapshotId) -> BackupId {
    BackupId(id.to_hex().as_str().to_owned())
}
