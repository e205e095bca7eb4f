//! What stands in the way of staging content beside a folder and exchanging the two: room in bytes and in inodes, rights,
//! mounts, folders that cannot be moved. Looked at by plans and by checks, before Magnolia is stopped for anything.

use std::path::{Path, PathBuf};

use super::fixed::Fixed;
use super::layout::Layout;
use super::parts::Targets;
use super::place::FolderPlace;
use super::probe::{clear_left, probe};
use super::{folders, staging};
use crate::content::restoring::{Found, RestoreError, StagingSize};
use crate::disk::mounts::{self, Covered};
use crate::disk::room::{free_items, same_disk};
use crate::domain::environment::InstanceName;
use crate::domain::measure;
use crate::domain::plan::{Reach, Selection};

/// Removes what was left by looks beside Live that were ended in the middle.
pub(crate) fn clear_probes(state: &Path) {
    clear_left(state);
}

impl FolderPlace {
    /// Looks at the place beside one instance's folder, for a restore of all of it, of workspaces, or of parts. Nothing of Live
    /// is changed by it.
    pub(super) fn look_beside(
        &self,
        instance: &InstanceName,
        (selection, parts): (&Selection, Option<&Targets>),
        needs: StagingSize,
        found: &mut Found,
    ) {
        let place = match staging::resolve(&self.path) {
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
            if is_chosen(&part.part, self.layout, selection) {
                found.obstacles.push(covered_by(&place, &part));
            }
        }
        match mounts_in_the_way(&place, self.layout, selection) {
            Ok(mounted) if mounted.is_empty() => {}
            Ok(mounted) => {
                found
                    .obstacles
                    .extend(mounted.iter().map(|mount| mounted_on(mount)));
                // It is known now, and said better, why these cannot be moved.
                self.try_exchange(beside, &[], found);
                look_at_room(found, instance, beside, needs);
                return;
            }
            Err(error) => found.obstacles.push(error.to_string()),
        }
        look_elsewhere(found, &place, self.layout, selection);
        let goes = match parts {
            Some(parts) => Ok(parts.goes(&place)),
            None => folders::goes(&place, self.layout, selection),
        };
        match goes {
            Ok(goes) => {
                self.try_exchange(beside, &goes, found);
                found.warnings.extend(Fixed::below(&goes).warnings());
                found.obstacles.extend(folders::misnamed(&goes));
            }
            Err(error) => found
                .obstacles
                .push(RestoreError::io("reading", &place)(error).to_string()),
        }
        if let Some(owner) = folders::foreign_owner(&place, self.layout) {
            found.obstacles.push(format!(
                "the content of {} belongs to user {owner}, and Lifeboat runs as user {}: what it restores would belong to \
                 the wrong one. Run the restore as root or as that user",
                instance,
                rustix::process::geteuid().as_raw()
            ));
        }
        look_at_room(found, instance, beside, needs);
    }

    fn try_exchange(&self, beside: &Path, goes: &[PathBuf], found: &mut Found) {
        let tried = (self.world.token)()
            .map_err(|error| vec![error])
            .and_then(|token| probe(&self.world.state, beside, &token, goes));
        found.obstacles.extend(tried.err().into_iter().flatten());
    }
}

/// What else sees the folders that would be exchanged, and would go on with what was replaced.
fn look_elsewhere(found: &mut Found, content: &Path, layout: Layout, selection: &Selection) {
    for seen in mounts::elsewhere(content) {
        // What is exchanged inside of what is seen elsewhere is seen there as well.
        let is_seen_inside = selection.has_paths() && selection.reach(&seen.part) == Reach::Above;
        if is_seen_inside || !is_chosen(&seen.part, layout, selection) {
            continue;
        }
        let (part, point) = (content.join(&seen.part), seen.point.display().to_string());
        let part = part.display();
        match seen.process {
            None => found.obstacles.push(format!(
                "{part} is mounted on {point} as well: whoever reads it there would go on with the replaced content. \
                 Unmount it there, or mount the folder that holds the content folder instead"
            )),
            // It may well be stopped for the restore, as it should be, and see the new folder when it starts again.
            Some(process) => found.warnings.push(format!(
                "process {process}, which has mounts of its own (as in a container), has {part} mounted on {point}: until it \
                 is started anew it goes on with the replaced content. Stop it in before_restore and start it in after_restore, or mount \
                 the folder that holds the content folder"
            )),
        }
    }
}

/// Whether there is room, together with what is staged on the same file system for other instances.
fn look_at_room(found: &mut Found, instance: &InstanceName, beside: &Path, needs: StagingSize) {
    let items = needs.items
        + found
            .items
            .iter()
            .filter(|(other, _)| same_disk(other, beside))
            .map(|(_, items)| items)
            .sum::<u64>();
    found.items.push((beside.to_owned(), needs.items));
    if let Some(free) = free_items(beside).filter(|free| *free < items) {
        found.obstacles.push(format!(
            "{} needed in {}, and the file system has inodes for {} more: `df -i` shows them. \
             Remove files that nobody needs, or move the content to a file system that was made with more",
            measure::so_many(items, "file or folder is", "files and folders are"),
            beside.display(),
            measure::count(free)
        ));
    }
    let of_others: u64 = found
        .room
        .iter()
        .filter(|other| same_disk(Path::new(&other.folder), beside))
        .map(|room| room.needed)
        .sum();
    let purpose = format!("staging beside {instance}");
    if let Err(why) = found.add_room(purpose, beside, needs.bytes, needs.bytes + of_others) {
        found.obstacles.push(why);
    }
}

/// What stands in the way of every restore into a content folder because of a name in it. What cannot be read is told by
/// whoever reads all of it.
pub(crate) fn misnamed(content: &Path, layout: Layout) -> Option<String> {
    let content = staging::resolve(content).ok()?;
    folders::misnamed(&folders::goes(&content, layout, &Selection::default()).ok()?)
}

/// What Magnolia may have in the place of a part of a content folder, where Lifeboat cannot see it. A sentence.
pub(crate) fn covered(content: &Path) -> Option<String> {
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
pub(super) fn mounts_in_the_way(
    content: &Path,
    layout: Layout,
    selection: &Selection,
) -> std::io::Result<Vec<PathBuf>> {
    let mut mounted = mounts::at_or_below(content)?;
    mounted.retain(|mount| is_chosen(mount.strip_prefix(content).unwrap_or(mount), layout, selection));
    Ok(mounted)
}

/// Whether a part of the content is one that the selection takes, or is in one, or on the way to one. All of it is always.
fn is_chosen(part: &Path, layout: Layout, selection: &Selection) -> bool {
    if selection.has_paths() {
        return selection.reach(part) != Reach::Outside;
    }
    let workspace = layout.part_of(part);
    workspace.is_none_or(|name| selection.has_workspace(&name.to_string_lossy()))
}

/// The sentence about a mount in the way.
pub(super) fn mounted_on(mount: &Path) -> String {
    format!(
        "{} is a mount point, and content that something is mounted on cannot be exchanged. Mount that file system on the folder \
         that holds the content folder, with all of the content on it; or stop Magnolia and move what is on it into the folder \
         itself, for good. Unmounted for the restore alone, the next mount would hide what was restored",
        mount.display()
    )
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
            mounts_in_the_way(proc, Layout::Workspaces, &only("website"))
                .unwrap()
                .contains(&proc.to_owned())
        );
        let folder = tempfile::tempdir().unwrap();
        let content = folder.path().canonicalize().unwrap().join("content");
        let deep = content.join("website/a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        assert_eq!(
            mounts_in_the_way(&content, Layout::Workspaces, &everything).unwrap(),
            Vec::<PathBuf>::new()
        );
        if let Some(_bound) = Bound::on(&deep, &folder.path().join("data")) {
            assert_eq!(
                mounts_in_the_way(&content, Layout::Workspaces, &everything).unwrap(),
                std::slice::from_ref(&deep)
            );
            assert_eq!(
                mounts_in_the_way(&content, Layout::Workspaces, &only("website")).unwrap(),
                [deep]
            );
            assert_eq!(
                mounts_in_the_way(&content, Layout::Workspaces, &only("dam")).unwrap(),
                Vec::<PathBuf>::new()
            );
        }
    }

    #[test]
    fn inodes_are_room_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let instance: InstanceName = "author".parse().unwrap();
        let mut found = Found::default();
        look_at_room(
            &mut found,
            &instance,
            folder.path(),
            StagingSize { bytes: 1, items: 2 },
        );
        assert_eq!(found.obstacles, Vec::<String>::new());
        let needs = StagingSize {
            bytes: 1,
            items: u64::MAX / 2,
        };
        look_at_room(&mut found, &instance, folder.path(), needs);
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
