//! Which newer backup holds a part that is to come back as well: looked for beside the plan, and so within bounds. Of workspaces
//! the records say it. Of paths, a folder's names are looked up, and of tables the indexes that are there already: none is made
//! for it. Where that is not enough, the plan says that it was not looked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Monotonic};

use crate::content::ItemKind;
use crate::content::backed_up::{BackedUp as _, BackedUpFiles};
use crate::content::restoring::RestoreError;
use crate::content::{FileTime, Item};
use crate::domain::backup::{Backup, InstanceCopy};
use crate::domain::explore::{NodePath, Step};
use crate::domain::newer::{Holds, Newer, holds_workspaces, is_same_workspace, newer_than, of_newer};
use crate::domain::plan::RestorePlan;
use crate::domain::settings::RepositoryChoice;
use crate::engine::{EngineError, Live};

/// Somebody waits for the plan: looking takes no longer than this, but for the answer that a repository is giving by then.
const LONGEST: Duration = Duration::from_secs(2);
/// So many files and folders are looked up in all.
const MOST_ITEMS: usize = 5_000;

/// How much may still be looked at.
struct Bounds {
    until: Monotonic,
    items: usize,
}

impl Bounds {
    fn new() -> Self {
        Self {
            until: Monotonic::now() + LONGEST,
            items: MOST_ITEMS,
        }
    }

    /// Counts one more; whether it may be looked at.
    fn take(&mut self) -> bool {
        let may = self.items > 0 && Monotonic::now() < self.until;
        self.items = self.items.saturating_sub(1);
        may
    }
}

impl Live {
    /// The newer backup that whoever makes this plan of a part should know of.
    pub(super) fn newer_that_holds(&self, plan: &RestorePlan) -> Option<Newer> {
        if plan.selection.is_everything() {
            return None;
        }
        // As last listed: a plan of a copy does not wait for the first repository, which may be out of reach.
        let backups = self.known().listed.of(|listed| listed.backups.clone())?;
        let mut bounds = Bounds::new();
        let mut not_looked = None;
        // However many there are: what was lost is in those that were taken before that, and they are the last ones.
        for newer in newer_than(backups.iter(), &plan.backup) {
            match self.holds(plan, newer, &mut bounds) {
                Holds::Yes => return Some(Newer::Holds(newer.id.clone())),
                Holds::NotLooked => {
                    not_looked.get_or_insert(&newer.id);
                }
                Holds::No => {}
            }
        }
        not_looked.cloned().map(Newer::NotLooked)
    }

    fn holds(&self, plan: &RestorePlan, newer: &Backup, bounds: &mut Bounds) -> Holds {
        let (older, selection) = (&plan.backup.manifest, &plan.selection);
        if !selection.has_paths() {
            return holds_workspaces(older, &newer.manifest, selection);
        }
        let copies = older.instances.iter();
        let chosen = copies.filter(|copy| selection.has_instance(&copy.name));
        let mut least: Option<Holds> = None;
        for was in chosen {
            let has = |path: &&NodePath| {
                let mut workspaces = was.workspaces.iter();
                workspaces.any(|workspace| path.workspace.as_ref() == Some(&workspace.name))
            };
            let paths: Vec<_> = selection.paths.iter().filter(has).collect();
            if paths.is_empty() {
                continue;
            }
            let held = of_newer(&newer.manifest, was).map_or(Some(Holds::No), |is| {
                // What cannot be read is said by whoever has to read it, and is no reason for no plan.
                let held = self.holds_paths((plan, was), (newer, is), &paths, bounds);
                held.unwrap_or(Some(Holds::NotLooked))
            });
            least = least.into_iter().chain(held).min();
        }
        least.unwrap_or(Holds::No)
    }

    /// Whether a newer backup holds paths in an instance; `None` where the older one has none of them there.
    fn holds_paths(
        &self,
        (plan, was): (&RestorePlan, &InstanceCopy),
        (newer, is): (&Backup, &InstanceCopy),
        paths: &[&NodePath],
        bounds: &mut Bounds,
    ) -> Result<Option<Holds>, EngineError> {
        let in_tables = |copy: &InstanceCopy, workspace: &str| {
            let mut tables = copy.tables.iter();
            tables.any(|table| table.workspace == workspace)
        };
        let mut files = None;
        let mut least: Option<Holds> = None;
        for path in paths {
            let workspace = path.workspace.as_deref().unwrap_or_default();
            let held = if is_same_workspace(was, is, workspace) {
                Some(Holds::Yes)
            } else if !bounds.take() {
                Some(Holds::NotLooked)
            } else if in_tables(was, workspace) || in_tables(is, workspace) {
                let backups = (&plan.backup.id, &newer.id);
                self.holds_node(backups, &was.name, path)?
            } else if plan.from == RepositoryChoice::Copy {
                // It comes from the copy as the first repository may be out of reach.
                Some(Holds::NotLooked)
            } else {
                if files.is_none() {
                    let repository = self.repository_holding(&plan.backup.id)?;
                    files = Some((
                        repository.instance(&plan.backup.id, was).files()?,
                        repository.instance(&newer.id, is).files()?,
                    ));
                }
                match &files {
                    Some((was, is)) => holds_item((&**was, &**is), &below(workspace, &path.steps), bounds)?,
                    None => Some(Holds::NotLooked),
                }
            };
            least = least.into_iter().chain(held).min();
        }
        Ok(least)
    }
}

/// A path of content in a folder.
fn below(workspace: &str, steps: &[Step]) -> PathBuf {
    let names = steps.iter().map(|step| step.name.as_str());
    std::iter::once(workspace).chain(names).collect()
}

/// Whether a newer backup of a folder has what the older one has at a path; `None` where that has nothing there.
fn holds_item(
    (was, is): (&dyn BackedUpFiles, &dyn BackedUpFiles),
    path: &Path,
    bounds: &mut Bounds,
) -> Result<Option<Holds>, RestoreError> {
    let Some(older) = was.item(path)? else {
        return Ok(None);
    };
    let Some(newer) = is.item(path)? else {
        return Ok(Some(Holds::No));
    };
    let held = Known::of(&older).in_newer(&Known::of(&newer));
    if held == Holds::No || older.kind != ItemKind::Folder {
        return Ok(Some(held));
    }
    let Some(mut left) = everything(was, path, bounds)? else {
        return Ok(Some(Holds::NotLooked));
    };
    let Some(there) = everything(is, path, bounds)? else {
        return Ok(Some(Holds::NotLooked));
    };
    let mut least = held;
    left.retain(|path, older| match there.get(path) {
        Some(newer) => {
            least = least.min(older.in_newer(newer));
            false
        }
        None => true,
    });
    Ok(Some(if left.is_empty() { least } else { Holds::No }))
}

/// What tells whether something of one name is what it was.
#[derive(PartialEq, Eq)]
struct Known {
    kind: ItemKind,
    modified: FileTime,
}

impl Known {
    fn of(item: &Item) -> Self {
        Self {
            kind: item.kind.clone(),
            modified: item.modified,
        }
    }

    /// Whether what a newer backup has by the same name holds it. A file that has changed may lack what is looked for.
    fn in_newer(&self, newer: &Self) -> Holds {
        match (&self.kind, &newer.kind) {
            (ItemKind::Folder, ItemKind::Folder) | (ItemKind::Link { .. }, ItemKind::Link { .. }) => {
                Holds::Yes
            }
            (ItemKind::File { .. }, ItemKind::File { .. }) if self == newer => Holds::Yes,
            (ItemKind::File { size }, ItemKind::File { size: 0 }) if *size > 0 => Holds::No,
            (ItemKind::File { .. }, ItemKind::File { .. }) => Holds::NotLooked,
            _ => Holds::No,
        }
    }
}

/// Everything below a folder; `None` where it is more than may be looked at.
fn everything(
    files: &dyn BackedUpFiles,
    folder: &Path,
    bounds: &mut Bounds,
) -> Result<Option<BTreeMap<PathBuf, Known>>, RestoreError> {
    let mut found = BTreeMap::new();
    let walked = files.walk(folder, &mut |file| {
        if !bounds.take() {
            return Err(RestoreError::Cancelled);
        }
        found.insert(file.item.path.clone(), Known::of(&file.item));
        Ok(())
    });
    match walked {
        Ok(()) => Ok(Some(found)),
        Err(RestoreError::Cancelled) => Ok(None),
        Err(error) => Err(error),
    }
}
