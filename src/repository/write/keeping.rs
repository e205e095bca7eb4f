//! Keeps what backups need in a bucket from being changed or removed, for as long as they stand.
//!
//! An object is kept from when it is written, for the time that is configured. As long as a backup stands that needs it, it
//! is kept for longer each time that less than half of that is left. What no standing backup needs is left to run out.
//!
//! Until when an object is kept is asked once and remembered by the caller: it never becomes less. So what a round costs
//! grows with what is new, and with what has become due.
//!
//! Not in here: which backups stand, and when a round is made (`engine::backup::immutable`).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rustic_core::TreeId;
use rustic_core::repofile::SnapshotId;

use crate::concurrency::workers;
use crate::domain::Instant;
use crate::domain::address::Address;
use crate::domain::backup::BackupId;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::read::records::Record;
use crate::repository::read::store::Store;
use crate::repository::storage::{Bucket, Storage};
use crate::watch::Watch;

/// How many objects are asked for at a time, if the connection allows as many.
const AT_A_TIME: usize = 8;

/// Until when objects are kept, in seconds, as far as that is known: 0 for one that is not. By the kind of the object and the
/// beginning of its name.
pub(crate) type KnownTimes = BTreeMap<String, i64>;

/// What a round has found and done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// How many objects are kept for longer now.
    pub extended: u64,
    /// How many objects are needed and not kept at all.
    pub unkept: u64,
    /// Until when everything that is needed is kept at least.
    pub shortest: Option<Instant>,
}

/// What `lifeboat check` asks of a bucket whose objects are to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketLook {
    /// Whether objects can be kept in it.
    pub is_enabled: bool,
    /// What time it was there, if it said so.
    pub clock: Option<Instant>,
    /// Whether the key for backing up may delete, which it need not.
    pub deletes_needlessly: bool,
}

/// What the backups need that stand.
struct Needed {
    /// The records that do not count.
    going: HashSet<String>,
    /// The packs. `None` for all, where it cannot be told.
    packs: Option<HashSet<String>>,
}

impl Needed {
    fn has(&self, name: &str) -> bool {
        match name.split_once('/') {
            Some(("snapshots", id)) => !self.going.contains(id),
            Some(("data", rest)) => {
                let id = rest.rsplit('/').next().unwrap_or(rest);
                self.packs.as_ref().is_none_or(|packs| packs.contains(id))
            }
            _ => true,
        }
    }
}

impl Storage {
    /// Asks what a bucket can do whose objects are to be kept. `None` where nothing is.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be asked.
    pub(crate) fn look_at_bucket(&self) -> Result<Option<BucketLook>, RepositoryError> {
        let Some(bucket) = self.kept() else {
            return Ok(None);
        };
        let look = bucket.look_at_lock()?;
        Ok(Some(BucketLook {
            is_enabled: look.is_enabled,
            clock: look.clock,
            deletes_needlessly: bucket.deletes_needlessly()?,
        }))
    }

    /// Whether what is written is to be kept, and its bucket has no object lock to keep it with.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be asked.
    pub(crate) fn lacks_object_lock(&self) -> Result<bool, RepositoryError> {
        match self.kept() {
            Some(bucket) => Ok(!bucket.look_at_lock()?.is_enabled),
            None => Ok(false),
        }
    }

    /// What somebody has hidden of the repository, as sentences with what to do. `None` when that is nothing. Of the index, of
    /// which Lifeboat itself hides what it has replaced, only if it `lacks` something.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be listed.
    pub(crate) fn hidden(&self, lacks: bool) -> Result<Option<String>, RepositoryError> {
        let Some(bucket) = self.kept() else {
            return Ok(None);
        };
        let hidden = bucket.hidden(lacks)?;
        let (Some(first), Address::Bucket { bucket, .. }) = (hidden.first(), self.address()) else {
            return Ok(None);
        };
        let until = hidden.iter().map(|hidden| hidden.until).min();
        let count = match hidden.len() {
            1 => "1 object is hidden by a delete marker that Lifeboat did not set".to_owned(),
            many => format!("{many} objects are hidden by delete markers that Lifeboat did not set"),
        };
        Ok(Some(format!(
            "{count}, among them {}. What is beneath is still there{}. Find out who did that, and take the right from them; \
             then remove the markers with a key that may delete versions, as this one: aws s3api delete-object --bucket \
             {bucket} --key {} --version-id {}",
            first.key,
            until.map_or_else(String::new, |until| format!(
                ", and kept until {} at least",
                crate::domain::measure::moment_exact(until)
            )),
            first.key,
            first.marker,
        )))
    }
}

impl Repository {
    /// Whether the storage keeps what is written for a while, so that the key for backing up removes nothing.
    pub(crate) fn keeps_what_is_written(&self) -> bool {
        self.storage.kept().is_some()
    }

    /// Whether anything can be removed: there is another key for it where the first one removes nothing.
    pub(crate) fn may_delete(&self) -> bool {
        self.storage.kept().is_none_or(Bucket::may_delete)
    }

    /// Keeps for longer what the backups need that stand, all but those that are `going`. `None` where nothing is kept.
    ///
    /// # Errors
    /// [`RepositoryError`] when something cannot be asked or kept. What was kept for longer until then stays so.
    pub(crate) fn keep_for_longer(
        &self,
        going: &BTreeSet<BackupId>,
        known: &mut KnownTimes,
        watch: &dyn Watch,
    ) -> Result<Option<Kept>, RepositoryError> {
        let Some((bucket, time, now)) = self.kept_bucket() else {
            return Ok(None);
        };
        let names = learn(bucket, known, time.is_due_before(now), watch)?;
        let until = |name: &str| known.get(&short(name)).copied().unwrap_or_default();
        let is_due = |name: &&String| until(name) < time.is_due_before(now).timestamp();
        let mut kept = Kept::default();
        if !names.iter().any(|name| is_due(&name)) {
            kept.shortest = shortest(names.iter().map(|name| until(name)));
            return Ok(Some(kept));
        }
        let needed = self.needed(going, watch)?;
        let mut names: Vec<String> = names;
        names.retain(|name| needed.has(name));
        if names.iter().any(|name| is_due(&name)) {
            let along = time.goes_along_before(now).timestamp();
            let due: Vec<_> = names.iter().filter(|name| until(name) < along).collect();
            let from_now = time.from(now);
            side_by_side(&due, watch, |name| bucket.keep(name, from_now))?;
            kept.extended = due.len() as u64;
            let extended: Vec<_> = due.into_iter().map(|name| short(name)).collect();
            for name in extended {
                known.insert(name, from_now.timestamp());
            }
        }
        let until = |name: &String| known.get(&short(name)).copied().unwrap_or_default();
        kept.shortest = shortest(names.iter().map(until));
        Ok(Some(kept))
    }

    /// Looks until when everything is kept that the standing backups need, and whether that could be changed, and changes
    /// nothing. `None` where nothing is kept.
    ///
    /// # Errors
    /// [`RepositoryError`] when something cannot be asked, or the key may not keep anything for longer.
    pub(crate) fn look_how_long_kept(
        &self,
        going: &BTreeSet<BackupId>,
        known: &mut KnownTimes,
        watch: &dyn Watch,
    ) -> Result<Option<Kept>, RepositoryError> {
        let Some((bucket, time, now)) = self.kept_bucket() else {
            return Ok(None);
        };
        // There are few of the others, and everything hangs on them.
        known.retain(|name, _| name.starts_with('d'));
        let mut names = learn(bucket, known, time.is_due_before(now), watch)?;
        // To keep it until when it is kept anyway changes nothing, and needs the same right.
        if let Some(until) = bucket.kept_until("config")? {
            bucket.keep("config", until)?;
        }
        let needed = self.needed(going, watch)?;
        names.retain(|name| needed.has(name));
        let times = || {
            names
                .iter()
                .map(|name| known.get(&short(name)).copied().unwrap_or_default())
        };
        Ok(Some(Kept {
            extended: 0,
            unkept: times().filter(|until| *until <= now.timestamp()).count() as u64,
            shortest: shortest(times().filter(|until| *until > now.timestamp())),
        }))
    }

    fn kept_bucket(&self) -> Option<(&Bucket, crate::domain::settings::Immutable, Instant)> {
        let bucket = self.storage.kept()?;
        let (time, now) = bucket.kept_for()?;
        Some((bucket, time, now))
    }

    fn needed(&self, going: &BTreeSet<BackupId>, watch: &dyn Watch) -> Result<Needed, RepositoryError> {
        let mut unreadable = false;
        let mut current: BTreeMap<SnapshotId, Record> = BTreeMap::new();
        let mut not_needed = HashSet::new();
        for record in self.records()? {
            let Ok(record) = record else {
                // It may need anything.
                unreadable = true;
                continue;
            };
            let origin = record.origin();
            match current.get(&origin) {
                Some(other) if other.changes() >= record.changes() => {
                    not_needed.insert(hex(record.id));
                }
                _ => {
                    let earlier = current.insert(origin, record);
                    not_needed.extend(earlier.map(|earlier| hex(earlier.id)));
                }
            }
        }
        let mut trees = Vec::new();
        for record in current.into_values() {
            let id = hex(record.id);
            if going.contains(&BackupId(id.clone())) {
                not_needed.insert(id);
            } else {
                trees.push(record.file.tree);
            }
        }
        let packs = if unreadable {
            None
        } else {
            match packs_of(&self.store()?, trees, watch) {
                Ok(packs) => Some(packs),
                // Verifying tells of it. Nothing is let go meanwhile.
                Err(RepositoryError::Damaged { .. }) => None,
                Err(error) => return Err(error),
            }
        };
        Ok(Needed {
            going: not_needed,
            packs,
        })
    }
}

fn hex(id: SnapshotId) -> String {
    id.to_hex().as_str().to_owned()
}

/// The name under which the time of an object is remembered.
fn short(name: &str) -> String {
    match name.rsplit_once('/') {
        Some((folder, id)) => format!(
            "{}{}",
            folder.get(..1).unwrap_or_default(),
            id.get(..16).unwrap_or(id)
        ),
        None => name.to_owned(),
    }
}

fn shortest(times: impl Iterator<Item = i64>) -> Option<Instant> {
    times
        .min()
        .and_then(|seconds| Instant::from_timestamp(seconds, 0))
}

/// Lists the objects, and asks until when those are kept of which it is not known, or of which it is known that they are due:
/// another machine may have kept them for longer.
fn learn(
    bucket: &Bucket,
    known: &mut KnownTimes,
    due: Instant,
    watch: &dyn Watch,
) -> Result<Vec<String>, RepositoryError> {
    let names = bucket.kept_objects()?;
    let there: BTreeSet<String> = names.iter().map(|name| short(name)).collect();
    known.retain(|name, _| there.contains(name));
    let unknown: Vec<_> = names
        .iter()
        .filter(|name| {
            known
                .get(&short(name))
                .is_none_or(|until| *until < due.timestamp())
        })
        .collect();
    let told = side_by_side(&unknown, watch, |name| {
        let until = bucket.kept_until(name)?;
        Ok((short(name), until.map_or(0, |until| until.timestamp())))
    })?;
    known.extend(told);
    Ok(names)
}

/// The packs that hold these trees and everything in them.
fn packs_of(
    store: &Store,
    trees: Vec<TreeId>,
    watch: &dyn Watch,
) -> Result<HashSet<String>, RepositoryError> {
    let mut packs = HashSet::new();
    let mut seen: HashSet<TreeId> = HashSet::new();
    let mut level = trees;
    while !level.is_empty() {
        level.retain(|tree| seen.insert(*tree));
        let read = side_by_side(&level, watch, |tree| {
            let mut held = HashSet::from([store.find_folder(*tree)?.pack]);
            let mut below = Vec::new();
            for node in store.folder(*tree)?.nodes {
                below.extend(node.subtree);
                for piece in node.content.unwrap_or_default() {
                    held.insert(store.find(piece)?.pack);
                }
            }
            Ok((held, below))
        })?;
        level.clear();
        for (held, below) in read {
            packs.extend(held);
            level.extend(below);
        }
    }
    Ok(packs
        .into_iter()
        .map(|pack| pack.to_hex().as_str().to_owned())
        .collect())
}

/// Does something with each, several at a time, and stops at the first error.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    watch: &dyn Watch,
    each: impl Fn(&T) -> Result<R, RepositoryError> + Sync,
) -> Result<Vec<R>, RepositoryError> {
    let done = workers::each(AT_A_TIME, items, |items| {
        let mut done = Vec::new();
        for item in items {
            if watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            done.push(each(item)?);
        }
        Ok(done)
    })?;
    Ok(done.into_iter().flatten().collect())
}
