//! What stands in the way of staging content beside a folder and exchanging the two: room in bytes and in inodes, rights,
//! mounts, folders that cannot be moved. Looked at by plans and by `check`, before Magnolia is stopped for anything.

use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use super::fixed::Fixed;
use super::probe::{clear_left, probe};
use super::staging;
use crate::disk::mounts::{self, Covered};
use crate::domain::measure;
use crate::domain::plan::{Room, Selection};
use crate::domain::settings::InstanceSettings;
use crate::engine::{EngineError, Live};

/// What staging one instance takes.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct StagingSize {
    /// Bytes of content.
    pub(in crate::engine) bytes: u64,
    /// Files, folders and links.
    pub(in crate::engine) items: u64,
}

/// What was found of all instances so far.
#[derive(Debug, Default)]
pub(in crate::engine) struct InTheWay {
    /// Room, by file system.
    pub(in crate::engine) room: Vec<Room>,
    /// Why it cannot be done, as sentences.
    pub(in crate::engine) obstacles: Vec<String>,
    /// What should be known before it is done.
    pub(in crate::engine) warnings: Vec<String>,
    /// How many items are staged in which folder.
    items: Vec<(PathBuf, u64)>,
}

/// Removes what was left by looks beside Live that were ended in the middle.
pub(in crate::engine) fn clear_probes(state: &Path) {
    clear_left(state);
}

impl Live {
    /// Looks at the place beside one instance's folder. Nothing of Live is changed by it.
    pub(in crate::engine) fn look_beside(
        &self,
        instance: &InstanceSettings,
        selection: &Selection,
        needs: StagingSize,
        found: &mut InTheWay,
    ) {
        let Some(folder) = Self::content_folder(instance) else {
            return;
        };
        let place = match staging::resolve(folder) {
            Ok(place) => place,
            Err(error) => {
                found.obstacles.push(error.to_string());
                return;
            }
        };
        let Some(beside) = place.parent() else {
            found.obstacles.push(format!(
                "there is no place beside {}: it is the root folder",
                place.display()
            ));
            return;
        };
        for part in mounts::covered(&place) {
            if is_chosen(&part.part, selection) {
                found.obstacles.push(covered_by(&place, &part));
            }
        }
        match mounts_in_the_way(&place, selection) {
            Ok(mounted) if mounted.is_empty() => {}
            Ok(mounted) => {
                found
                    .obstacles
                    .extend(mounted.iter().map(|mount| mounted_on(mount)));
                // It is known now, and said better, why these cannot be moved.
                self.try_exchange(beside, &[], found);
                found.look_at_room(instance, beside, needs);
                return;
            }
            Err(error) => found.obstacles.push(error.to_string()),
        }
        found.look_elsewhere(&place, selection);
        match staging::goes(&place, selection) {
            Ok(goes) => {
                self.try_exchange(beside, &goes, found);
                found.warnings.extend(Fixed::below(&goes).warnings());
                found.obstacles.extend(staging::misnamed(&goes));
            }
            Err(error) => found
                .obstacles
                .push(EngineError::io("reading", &place)(error).to_string()),
        }
        if let Some(owner) = staging::foreign_owner(&place) {
            found.obstacles.push(format!(
                "the content of {} belongs to user {owner}, and Lifeboat runs as user {}: what it restores would belong to \
                 the wrong one. Run the restore as root or as that user",
                instance.name,
                rustix::process::geteuid().as_raw()
            ));
        }
        found.look_at_room(instance, beside, needs);
    }

    fn try_exchange(&self, beside: &Path, goes: &[PathBuf], found: &mut InTheWay) {
        let tried = self
            .new_token()
            .map_err(|error| vec![error.to_string()])
            .and_then(|token| probe(self.state(), beside, &token, goes));
        found.obstacles.extend(tried.err().into_iter().flatten());
    }
}

impl InTheWay {
    /// What else sees the folders that would be exchanged, and would go on with what was replaced.
    fn look_elsewhere(&mut self, content: &Path, selection: &Selection) {
        for seen in mounts::elsewhere(content) {
            if !is_chosen(&seen.part, selection) {
                continue;
            }
            let (part, point) = (content.join(&seen.part), seen.point.display().to_string());
            let part = part.display();
            match seen.process {
                None => self.obstacles.push(format!(
                    "{part} is mounted on {point} as well: whoever reads it there would go on with the replaced content. \
                     Unmount it there, or mount the folder that holds the content folder instead"
                )),
                // It may well be stopped for the restore, as it should be, and see the new folder when it starts again.
                Some(process) => self.warnings.push(format!(
                    "process {process}, which has mounts of its own (as in a container), has {part} mounted on {point}: until it \
                     is started anew it goes on with the replaced content. Stop it in before_restore and start it in after_restore, or mount \
                     the folder that holds the content folder"
                )),
            }
        }
    }

    /// Whether there is room, together with what is staged on the same file system for other instances.
    fn look_at_room(&mut self, instance: &InstanceSettings, beside: &Path, needs: StagingSize) {
        let items = needs.items
            + self
                .items
                .iter()
                .filter(|(other, _)| same_disk(other, beside))
                .map(|(_, items)| items)
                .sum::<u64>();
        self.items.push((beside.to_owned(), needs.items));
        if let Some(free) = free_items(beside).filter(|free| *free < items) {
            self.obstacles.push(format!(
                "{} files and folders are needed in {}, and the file system has inodes for {} more: `df -i` shows them. \
                 Remove files that nobody needs, or move the content to a file system that was made with more",
                measure::count(items),
                beside.display(),
                measure::count(free)
            ));
        }
        match free_bytes(beside) {
            Ok(free) => {
                let needed = needs.bytes
                    + self
                        .room
                        .iter()
                        .filter(|other| same_disk(Path::new(&other.folder), beside))
                        .map(|r| r.needed)
                        .sum::<u64>();
                if free < needed {
                    self.obstacles.push(format!(
                        "{} are needed in {} and {} are free",
                        measure::bytes(needed),
                        beside.display(),
                        measure::bytes(free)
                    ));
                }
                self.room.push(Room {
                    purpose: format!("staging beside {}", instance.name),
                    folder: beside.display().to_string(),
                    needed: needs.bytes,
                    free,
                });
            }
            Err(why) => self.obstacles.push(why),
        }
    }
}

/// What stands in the way of every restore into a content folder because of a name in it. What cannot be read is told by
/// whoever reads all of it.
pub(in crate::engine) fn misnamed(content: &Path) -> Option<String> {
    let content = staging::resolve(content).ok()?;
    staging::misnamed(&staging::goes(&content, &Selection::default()).ok()?)
}

/// What Magnolia may have in the place of a part of a content folder, where Lifeboat cannot see it. A sentence.
pub(in crate::engine) fn covered(content: &Path) -> Option<String> {
    let content = staging::resolve(content).ok()?;
    let covered = mounts::covered(&content);
    covered.first().map(|part| covered_by(&content, part))
}

fn covered_by(content: &Path, part: &Covered) -> String {
    let place: PathBuf = content.components().chain(part.part.components()).collect();
    format!(
        "process {}, which has mounts of its own (as in a container), has something else mounted on {}, which is {} here: \
         what it has there is not in this folder, so no backup would hold it and no restore bring it back. Put that content \
         into the folder itself, or run Lifeboat where it sees the same mounts",
        part.process,
        part.point.display(),
        place.display()
    )
}

/// Of what is mounted on a content folder or anywhere in it, what a restore of this selection would have to move. What is
/// mounted there is not Lifeboat's to move or to remove.
pub(super) fn mounts_in_the_way(content: &Path, selection: &Selection) -> std::io::Result<Vec<PathBuf>> {
    let mut mounted = mounts::at_or_below(content)?;
    mounted.retain(|mount| is_chosen(mount.strip_prefix(content).unwrap_or(mount), selection));
    Ok(mounted)
}

/// Whether a part of the content is one that the selection takes, or is in one. All of it is always.
fn is_chosen(part: &Path, selection: &Selection) -> bool {
    let workspace = part.iter().next().map(|name| name.to_string_lossy());
    workspace.is_none_or(|name| selection.has_workspace(&name))
}

/// The sentence about a mount in the way.
pub(super) fn mounted_on(mount: &Path) -> String {
    format!(
        "{} is a mount point, and content that something is mounted on cannot be exchanged: mount the folder that holds \
         the content folder instead, or unmount it for the restore",
        mount.display()
    )
}

/// How many bytes are free where a folder is.
///
/// # Errors
/// A sentence.
pub(in crate::engine) fn free_bytes(folder: &Path) -> Result<u64, String> {
    statvfs(folder)
        .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize))
        .map_err(|error| format!("the free room in {} cannot be told: {error}", folder.display()))
}

/// How many more files the file system of a folder can have. `None` where that has no end, or nobody knows.
fn free_items(folder: &Path) -> Option<u64> {
    let stat = statvfs(folder).ok()?;
    (stat.f_files > 0).then_some(stat.f_favail)
}

/// Whether two folders are on one file system.
pub(super) fn same_disk(folder: &Path, other: &Path) -> bool {
    let device = |path: &Path| rustix::fs::stat(path).map(|stat| stat.st_dev).ok();
    device(folder).is_some_and(|first| device(other) == Some(first))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::disk::mounts::tests::Bound;

    #[test]
    fn a_mount_is_in_the_way_at_every_depth_and_a_plain_folder_is_not() {
        let everything = Selection::default();
        let only = |workspace: &str| Selection {
            workspaces: vec![workspace.to_owned()],
            ..Selection::default()
        };
        let proc = Path::new("/proc");
        assert!(
            mounts_in_the_way(proc, &only("website"))
                .unwrap()
                .contains(&proc.to_owned())
        );
        let folder = tempfile::tempdir().unwrap();
        let content = folder.path().canonicalize().unwrap().join("content");
        let deep = content.join("website/a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        assert_eq!(
            mounts_in_the_way(&content, &everything).unwrap(),
            Vec::<PathBuf>::new()
        );
        if let Some(_bound) = Bound::on(&deep, &folder.path().join("data")) {
            assert_eq!(
                mounts_in_the_way(&content, &everything).unwrap(),
                std::slice::from_ref(&deep)
            );
            assert_eq!(mounts_in_the_way(&content, &only("website")).unwrap(), [deep]);
            assert_eq!(
                mounts_in_the_way(&content, &only("dam")).unwrap(),
                Vec::<PathBuf>::new()
            );
        }
    }

    #[test]
    fn inodes_are_room_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let instance = InstanceSettings {
            name: "author".parse().unwrap(),
            role: crate::domain::environment::Role::Author,
            content: crate::domain::settings::ContentSettings::Files {
                path: folder.path().join("content"),
            },
            health: None,
            hooks: crate::domain::settings::Hooks::default(),
        };
        let mut found = InTheWay::default();
        found.look_at_room(&instance, folder.path(), StagingSize { bytes: 1, items: 2 });
        assert_eq!(found.obstacles, Vec::<String>::new());
        let needs = StagingSize {
            bytes: 1,
            items: u64::MAX / 2,
        };
        found.look_at_room(&instance, folder.path(), needs);
        let has_an_end = free_items(folder.path()).is_some();
        assert_eq!(found.obstacles.len(), usize::from(has_an_end));
        assert!(
            found.obstacles.iter().all(|told| told.contains("inodes")),
            "{:?}",
            found.obstacles
        );
        assert_eq!(free_items(Path::new("/nowhere/at/all")), None);
    }
}
