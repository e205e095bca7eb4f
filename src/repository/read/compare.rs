//! Compares content with a backup: what a restore would change, and whether staged content is what it should be.

use std::cmp::Ordering;
use std::io::{self, Read};
use std::path::Path;

use parking_lot::Mutex;
use rustic_core::Id;
use sha2::{Digest, Sha256};

use super::batch::Batch;
use super::findings::{Fate, Findings};
use super::store::Store;
use super::tree::{OpenedInstance, Stored, TreeWalk};
use crate::concurrency::machine::cores;
use crate::concurrency::workers::{self, Feed};
use crate::content::backed_up::{Comparison, Depth};
use crate::content::{Content, ContentError, FileTime, Item, ItemKind};
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::domain::plan::{Reach, Selection};
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::node;
use crate::watch::Watch;

/// How many batches the walk may be ahead of those that read them.
const AHEAD: usize = 8;

/// Two files of the same path and size whose content is to be compared.
struct Pair {
    item: Item,
    stored: Stored,
    is_same_so_far: bool,
}

impl Repository {
    /// Compares an instance's content with a backup of it, limited to what is selected. *Added* is what the backup has and
    /// the content has not. Folders on the way to a part that is selected count only at [`Depth::Whole`], where they were
    /// written as well; in Live they stay as they are.
    ///
    /// # Errors
    /// [`RepositoryError`] when either side cannot be read, or it was cancelled.
    pub fn compare(
        &self,
        id: &BackupId,
        instance: &InstanceName,
        selection: &Selection,
        content: &dyn Content,
        depth: Depth,
        watch: &dyn Watch,
    ) -> Result<Comparison, RepositoryError> {
        let OpenedInstance { store, tree, .. } = self.open_instance(id, instance, selection, watch)?;
        let wanted = |workspace: &str| selection.has_workspace(workspace);
        let counts = |path: &Path| match selection.reach(path) {
            Reach::Within => true,
            Reach::Above => depth == Depth::Whole,
            Reach::Outside => false,
        };

        let work = Work {
            store: &store,
            instance,
            content,
            depth,
            watch,
            owners_count: rustix::process::geteuid().is_root(),
            times_count: selection.has_paths(),
            findings: Mutex::default(),
        };
        let walk = |pairs: &Feed<'_, Vec<Pair>>| {
            let mut left_out = |_| {};
            let mut live = content
                .walk(&mut left_out)
                .map(|item| item.map_err(|error| RepositoryError::content(instance, error)))
                .filter(|item| item.as_ref().map_or(true, |item| counts(&item.path)));
            let mut stored = match tree {
                Some(tree) => Some(TreeWalk::new(&store, tree, &wanted)?),
                None => None,
            }
            .into_iter()
            .flatten()
            .filter(|stored| stored.as_ref().map_or(true, |stored| counts(&stored.item.path)));
            work.join(&mut live, &mut stored, pairs)
        };
        workers::fed((cores(), AHEAD), walk, |pairs| {
            work.read_pairs(&mut pairs.flatten())
        })?;
        let findings = work.findings.into_inner();
        Ok(findings.into_comparison(instance))
    }
}

/// One comparison while it runs.
struct Work<'a> {
    store: &'a Store,
    instance: &'a InstanceName,
    content: &'a dyn Content,
    depth: Depth,
    watch: &'a dyn Watch,
    owners_count: bool,
    /// Whether a file or link that has another time is another one, whatever is in it: whoever chose it wants it back as it was.
    times_count: bool,
    findings: Mutex<Findings>,
}

type Items<'a, T> = std::iter::Peekable<&'a mut dyn Iterator<Item = Result<T, RepositoryError>>>;

impl Work<'_> {
    /// Goes through both sides in their common order.
    fn join(
        &self,
        live: &mut dyn Iterator<Item = Result<Item, RepositoryError>>,
        stored: &mut dyn Iterator<Item = Result<Stored, RepositoryError>>,
        pairs: &Feed<'_, Vec<Pair>>,
    ) -> Result<(), RepositoryError> {
        let mut batch = Batch::default();
        let (mut live, mut stored): (Items<'_, Item>, Items<'_, Stored>) =
            (live.peekable(), stored.peekable());
        loop {
            if self.watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            if pairs.is_stopped() {
                return Ok(());
            }
            let order = match (live.peek(), stored.peek()) {
                (None, None) => {
                    // Nobody takes it any more only after a failure, which is told.
                    pairs.give(batch.take());
                    return Ok(());
                }
                (Some(Ok(item)), Some(Ok(stored))) => item.path.cmp(&stored.item.path),
                (Some(_), None) | (Some(Err(_)), _) => Ordering::Less,
                (None, Some(_)) | (_, Some(Err(_))) => Ordering::Greater,
            };
            match order {
                Ordering::Less => {
                    if let Some(item) = live.next().transpose()? {
                        self.found(&item.path, Fate::Removed, 0, Some(item.modified));
                    }
                }
                Ordering::Greater => {
                    if let Some(stored) = stored.next().transpose()? {
                        self.found(&stored.item.path, Fate::Added, node::size(&stored.item), None);
                        self.watch.advance(0, node::size(&stored.item));
                    }
                }
                Ordering::Equal => {
                    if let (Some(item), Some(stored)) = (live.next().transpose()?, stored.next().transpose()?)
                    {
                        let bytes = node::size(&stored.item);
                        if let Some(pair) = self.pair(item, stored)
                            && let Some(full) = batch.add(pair, bytes)
                        {
                            pairs.give(full);
                        }
                    }
                }
            }
        }
    }

    /// Two items of the same path: what has to be read of them to tell, or nothing any more.
    fn pair(&self, item: Item, stored: Stored) -> Option<Pair> {
        let kept = &stored.item;
        let same_kind = item.kind == kept.kind;
        let same_time = item.modified == kept.modified;
        let mode = match self.depth {
            Depth::Quick => kept.mode,
            Depth::Whole => kept.restored_mode(),
        };
        let same_rights = item.mode == mode
            && (!self.owners_count || item.owner == kept.owner)
            && item.has_attributes_of(kept);
        let is_file = matches!(item.kind, ItemKind::File { .. });
        // That of a folder changes with what is in it.
        let counted_time = same_time || !self.times_count || item.kind == ItemKind::Folder;
        let (is_same, is_to_be_read) = match self.depth {
            Depth::Quick => (
                same_kind && same_rights && counted_time,
                same_kind && is_file && !same_time && counted_time,
            ),
            Depth::Whole => (same_kind && same_rights && same_time, same_kind && is_file),
        };
        if !same_time && item.kind == ItemKind::Folder {
            // Something was added to it or removed from it then.
            self.noticed(item.modified);
        }
        if is_to_be_read {
            return Some(Pair {
                item,
                stored,
                is_same_so_far: is_same,
            });
        }
        let bytes = node::size(kept);
        let fate = if is_same { Fate::Unchanged } else { Fate::Changed };
        self.found(&item.path, fate, bytes, (!is_same).then_some(item.modified));
        self.watch.advance(0, bytes);
        None
    }

    /// Reads pairs until no more come.
    fn read_pairs(&self, pairs: &mut dyn Iterator<Item = Pair>) -> Result<(), RepositoryError> {
        let mut buffer = Vec::new();
        for pair in pairs {
            let is_same = self.has_same_content(&pair, &mut buffer)? && pair.is_same_so_far;
            let fate = if is_same { Fate::Unchanged } else { Fate::Changed };
            let bytes = node::size(&pair.stored.item);
            self.found(
                &pair.item.path,
                fate,
                bytes,
                (!is_same).then_some(pair.item.modified),
            );
        }
        Ok(())
    }

    /// Reads a file in the lengths in which it is stored, and compares the SHA-256 of each piece.
    fn has_same_content(&self, pair: &Pair, buffer: &mut Vec<u8>) -> Result<bool, RepositoryError> {
        let failed = |error: io::Error| self.reading(ContentError::reading(error, &pair.item.path));
        let mut reader = match self.content.open(&pair.item) {
            Ok(reader) => reader,
            Err(error) => return self.reading(error),
        };
        for chunk in &pair.stored.chunks {
            if self.watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            buffer.resize(self.store.find(*chunk)?.length as usize, 0);
            match reader.read_exact(buffer) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(error) => return failed(error),
            }
            self.watch.advance(0, buffer.len() as u64);
            if Id::new(Sha256::digest(&*buffer).into()) != **chunk {
                return Ok(false);
            }
        }
        match reader.read(&mut [0]) {
            Ok(count) => Ok(count == 0),
            Err(error) => failed(error),
        }
    }

    /// A file that changes while it is compared for a plan has changed; anything else is an error.
    fn reading(&self, error: ContentError) -> Result<bool, RepositoryError> {
        if self.depth == Depth::Quick && error.is_worth_a_retry() {
            return Ok(false);
        }
        Err(RepositoryError::content(self.instance, error))
    }

    fn found(&self, path: &Path, fate: Fate, bytes: u64, changed: Option<FileTime>) {
        let mut findings = self.findings.lock();
        findings.add(path, fate, bytes, changed);
        drop(findings);
        // The total is of what the backup holds.
        if fate != Fate::Removed && path.iter().nth(1).is_some() {
            self.watch.advance(1, 0);
        }
    }

    fn noticed(&self, changed: FileTime) {
        let mut findings = self.findings.lock();
        findings.notice(Some(changed));
    }
}
