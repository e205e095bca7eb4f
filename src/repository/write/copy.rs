//! The first step of a backup: stores the content of all instances as one tree, without making a backup of it yet.
//!
//! The content is walked three times: to know how much there is (which may have been done in advance), to store it, and
//! once more at the end. The copy holds only if the walk that stored, the last walk and the stored tree all tell the same
//! of every item, down to the number and the time of its last change. That finds what changed meanwhile, and what was lost
//! on the way.
//!
//! Content that can be held still, as a database can, is walked once: what it tells was so at one moment, and is compared
//! with the stored tree only.
//!
//! When the first walk meets exactly what an earlier backup holds, there is nothing to store, and its tree is taken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use rustic_core::repofile::SnapshotSummary;
use rustic_core::{Id, TreeId};

use super::frozen::{FrozenSources, Met};
use super::walked::{Walked, walk_all};
use crate::concurrency::beside;
use crate::content::Content;
use crate::domain::Instant;
use crate::domain::backup::{BackupId, InstanceCopy, TableCopy, WorkspaceCopy};
use crate::domain::environment::{InstanceName, Role, WorkspaceKind};
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::fingerprint::Fingerprints;
use crate::repository::format::piece::PieceLocation;
use crate::repository::read::tree::Holding;
use crate::watch::Watch;

/// One instance to copy.
#[derive(Clone)]
pub struct Source {
    /// Its name: the folder it gets in the backup.
    pub name: InstanceName,
    /// What it does.
    pub role: Role,
    /// Its content.
    pub content: Arc<dyn Content>,
}

/// Content that is stored, checked against its source, and not yet a backup.
#[derive(Debug)]
pub struct UnrecordedBackup {
    /// What was stored, by the names of the instances.
    pub instances: Vec<InstanceCopy>,
    /// Bytes that this added to the repository.
    pub added_bytes: u64,
    /// How long it took, in milliseconds.
    pub copy_millis: u64,
    /// Since when all that it refers to has been read, where it shares content with earlier backups that was not read back
    /// for this one. Set by whoever reads it back.
    pub read_since: Option<Instant>,
    pub(in crate::repository) tree: TreeId,
    /// Every piece of content in the tree, in the order in which they lie on disk.
    pub(in crate::repository) pieces: Vec<PieceLocation>,
    /// Where its folders lie.
    pub(in crate::repository) folders: Vec<PieceLocation>,
    /// Packs that were written for this copy, with their lengths, and read back since.
    pub(in crate::repository) proven: HashMap<Id, u32>,
    /// What was counted, for `restic` to show.
    pub(in crate::repository) summary: Option<SnapshotSummary>,
}

impl Repository {
    /// Stores the content of all instances, and lets go of them. `parent` is an earlier backup: files that have not
    /// changed since are not read again.
    ///
    /// # Errors
    /// [`RepositoryError::ContentChanged`] when something moved while it was read; the copy can be tried again.
    /// [`RepositoryError`] for everything else, and then there is no backup and none is lost.
    pub fn copy(
        &self,
        mut frozen: FrozenSources,
        parent: Option<&BackupId>,
        watch: &dyn Watch,
    ) -> Result<UnrecordedBackup, RepositoryError> {
        let copying = Stopwatch::now();
        self.forget_damage();
        let met = frozen.met.take();
        let sources = &frozen.sources;
        // Of what is held still nobody knows before it is read whether an earlier backup has all of it.
        let comparable = parent.filter(|_| frozen.held.iter().all(Option::is_none));
        // Where nothing has to be read, the last walk can follow the first at once: it only has to come later.
        let walk_twice = || {
            let (first, again) = match met {
                Some(Met { first, again }) => (first, again),
                None => (walk_all(&frozen, watch)?, None),
            };
            let again = comparable.map(|_| again.map_or_else(|| walk_all(&frozen, watch), Ok));
            Ok::<_, RepositoryError>((first, again))
        };
        let (walked, earlier) = beside(walk_twice, || {
            comparable.and_then(|parent| self.held_by(parent, watch).ok())
        });
        let (first_walk, second_walk) = walked?;
        let items = first_walk.iter().map(Walked::items).sum();
        let bytes = first_walk.iter().map(Walked::bytes).sum();
        watch.total(items, bytes);

        let unchanged = earlier.filter(|earlier| is_all_there(sources, &first_walk, earlier));
        let (walked, last_walk, holding, stored) = if let Some(earlier) = unchanged {
            watch.advance(items, bytes);
            let last_walk = second_walk.unwrap_or_else(|| walk_all(&frozen, watch))?;
            (first_walk, last_walk, earlier, None)
        } else {
            let fed = self.feed(&frozen, &first_walk, parent, watch)?;
            let (last_walk, holding) = beside(
                || walk_all(&frozen, watch),
                || Holding::read(&self.store()?, fed.tree, watch),
            );
            (fed.walked, last_walk?, holding?, Some((fed.summary, fed.proven)))
        };

        let (summary, proven) =
            stored.map_or_else(Default::default, |(summary, proven)| (Some(summary), proven));
        let mut instances = Vec::new();
        for ((source, walked), last) in sources.iter().zip(walked).zip(&last_walk) {
            if !last.is_held()
                && let Some(workspace) = walked.fingerprints.difference(&last.fingerprints)
            {
                return Err(RepositoryError::ContentChanged {
                    instance: source.name.clone(),
                    what: format!(
                        "something in the workspace {} is not as it was",
                        workspace.display()
                    ),
                });
            }
            let kept = self.kept_whole(source, &walked, &holding)?;
            instances.push(copied(source, walked, kept, frozen.start));
        }
        drop(frozen);
        Ok(UnrecordedBackup {
            instances,
            added_bytes: summary.as_ref().map_or(0, |summary| summary.data_added_packed),
            copy_millis: u64::try_from(copying.elapsed().as_millis()).unwrap_or(u64::MAX),
            read_since: None,
            tree: holding.root,
            pieces: holding.pieces,
            folders: holding.folders,
            proven,
            summary,
        })
    }

    /// What a backup holds.
    fn held_by(&self, id: &BackupId, watch: &dyn Watch) -> Result<Holding, RepositoryError> {
        let (_, tree) = self.find(id)?;
        Holding::read(&self.store()?, tree, watch)
    }

    /// What is stored of an instance, if that is what was met.
    fn kept_whole<'h>(
        &self,
        source: &Source,
        walked: &Walked,
        holding: &'h Holding,
    ) -> Result<&'h Fingerprints, RepositoryError> {
        let name = &source.name;
        let lost = |what: &str| {
            RepositoryError::damaged(
                self.place(),
                format!("what was stored of {what} in {name} is not what was read; it was not kept"),
            )
        };
        let kept = holding.instance(name).ok_or_else(|| lost("all workspaces"))?;
        match walked.fingerprints.difference(kept) {
            Some(workspace) => Err(lost(&workspace.to_string_lossy())),
            None => Ok(kept),
        }
    }
}

/// Whether an earlier backup holds exactly what the walks met.
fn is_all_there(sources: &[Source], walked: &[Walked], earlier: &Holding) -> bool {
    let is_there = |(source, walked): (&Source, &Walked)| {
        !walked.is_held()
            && earlier
                .instance(&source.name)
                .is_some_and(|kept| walked.fingerprints.difference(kept).is_none())
    };
    earlier.instances.len() == sources.len() && sources.iter().zip(walked).all(is_there)
}

fn copied(source: &Source, walked: Walked, stored: &Fingerprints, start: Instant) -> InstanceCopy {
    let tables = source.content.tables();
    let at = |since: Duration| start + since;
    InstanceCopy {
        name: source.name.clone(),
        role: source.role,
        began: at(walked.began),
        ended: at(walked.ended),
        workspaces: stored
            .iter()
            .map(|(name, fingerprint)| {
                let name = name.to_string_lossy().into_owned();
                WorkspaceCopy {
                    kind: WorkspaceKind::of(&name),
                    items: nodes(&tables, &name).unwrap_or(fingerprint.items),
                    name,
                    bytes: fingerprint.bytes,
                    digest: fingerprint.digest(),
                }
            })
            .collect(),
        tables,
        left_out: walked.left_out,
        left_alone: source.content.left_alone(),
        doubts: source.content.doubts(),
    }
}

/// How many nodes a workspace of a database has: the rows of its first table, which is the one of its bundles. `None`
/// for everything else.
fn nodes(tables: &[TableCopy], workspace: &str) -> Option<u64> {
    tables
        .iter()
        .find(|table| table.workspace == workspace)
        .map(|table| table.rows)
}
