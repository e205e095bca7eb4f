//! The folders beside Live that a restore writes into, and how they become its steps.
//!
//! Beside the content folder `content` stands `.content.lifeboat-JOB`, made by one restore and removed by it, unless
//! it holds something that is nowhere else. It is on
//! the same file system, so that folders can be exchanged between the two.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::journal::{Beside, InstanceRecord};
use super::switch::Step;
use crate::domain::environment::InstanceName;
use crate::domain::job::JobId;
use crate::domain::plan::Selection;
use crate::engine::EngineError;
use crate::engine::content::files::FilesSink;

/// The path of a content folder with links resolved: what is exchanged is the folder, not a link to it. A folder that
/// is gone is resolved by its parent.
pub(super) fn resolve(content: &Path) -> Result<PathBuf, EngineError> {
    match content.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (Some(parent), Some(name)) = (content.parent(), content.file_name()) else {
                return Err(EngineError::io("finding", content)(error));
            };
            Ok(parent
                .canonicalize()
                .map_err(EngineError::io("finding", parent))?
                .join(name))
        }
        result => result.map_err(EngineError::io("finding", content)),
    }
}

/// One instance's staging.
pub(super) struct Staging {
    /// The live content folder.
    live: PathBuf,
    /// The folder that was made for this restore.
    folder: PathBuf,
}

impl Staging {
    /// The staging of one instance for a job. Makes nothing yet.
    pub(super) fn beside(content: &Path, job: JobId) -> Result<Self, EngineError> {
        let live = resolve(content)?;
        let (Some(parent), Some(name)) = (live.parent(), live.file_name()) else {
            return Err(EngineError::Failed(format!(
                "there is no place beside {}",
                live.display()
            )));
        };
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".lifeboat-{job}"));
        // Jobs are counted anew when the catalog is lost, and what an earlier restore kept may bear the same number.
        let mut folder = parent.join(&beside);
        let mut again = 1;
        while folder.symlink_metadata().is_ok() {
            again += 1;
            let mut other = beside.clone();
            other.push(format!("-{again}"));
            folder = parent.join(other);
        }
        Ok(Self { live, folder })
    }

    /// The staging of one instance in a folder for scratch, which is to be made. Nothing of it becomes live.
    pub(super) fn in_scratch(content: &Path, folder: PathBuf) -> Result<Self, EngineError> {
        Ok(Self {
            live: resolve(content)?,
            folder,
        })
    }

    /// What the journal keeps of it before anything is staged.
    pub(super) fn record(&self, instance: &InstanceName) -> InstanceRecord {
        InstanceRecord {
            instance: instance.clone(),
            beside: Beside::Folder {
                staging: self.folder.clone(),
                steps: Vec::new(),
            },
        }
    }

    /// Where content is staged.
    pub(super) fn content(&self) -> PathBuf {
        self.folder.join("content")
    }

    /// Makes the folder, readable by nobody else, and the sink that content is staged into.
    pub(super) fn make(&self) -> Result<FilesSink, EngineError> {
        let made = fs::DirBuilder::new().mode(0o700).create(&self.folder);
        made.map_err(EngineError::io("creating", &self.folder))?;
        Ok(FilesSink::create(&self.content())?)
    }

    /// Gives the staged content folder the permissions and owner of the live one, which backups do not hold: they hold
    /// the workspaces in it.
    pub(super) fn dress(&self) -> Result<(), EngineError> {
        let content = self.content();
        let set = |metadata: Option<fs::Metadata>| -> io::Result<()> {
            let mode = metadata.as_ref().map_or(0o755, |live| live.mode() & 0o7777);
            if let Some(live) = metadata {
                let staged = fs::metadata(&content)?;
                if (staged.uid(), staged.gid()) != (live.uid(), live.gid()) {
                    std::os::unix::fs::chown(&content, Some(live.uid()), Some(live.gid()))?;
                }
            }
            fs::set_permissions(&content, fs::Permissions::from_mode(mode))
        };
        set(fs::metadata(&self.live).ok()).map_err(EngineError::io("setting permissions of", &content))
    }

    /// The steps that make the staged content live.
    ///
    /// For a whole restore that is one exchange of the content folder, unless there is something beside the
    /// workspaces in it, which is not Lifeboat's to move. Then, and for a restore of chosen workspaces, it is one step
    /// for each workspace: those that are staged come, and those that are live only go.
    pub(super) fn steps(&self, selection: &Selection) -> Result<Vec<Step>, EngineError> {
        let content = self.content();
        let live_workspaces = folders_in(&self.live).map_err(EngineError::io("reading", &self.live))?;
        let only_workspaces = live_workspaces.is_none_or(|found| found.others == 0);
        if selection.workspaces.is_empty() && only_workspaces {
            let step = Step::between(self.live.clone(), content.clone());
            return Ok(vec![step.map_err(EngineError::io("reading", &self.live))?]);
        }
        let staged = folders_in(&content).map_err(EngineError::io("reading", &content))?;
        let mut names: Vec<_> = staged.into_iter().flat_map(|found| found.folders).collect();
        let live = folders_in(&self.live).map_err(EngineError::io("reading", &self.live))?;
        names.extend(live.into_iter().flat_map(|found| found.folders).filter(|name| {
            name.to_str().map_or(selection.workspaces.is_empty(), |name| {
                selection.has_workspace(name)
            })
        }));
        names.sort();
        names.dedup();
        names
            .into_iter()
            .map(|name| {
                let live = self.live.join(&name);
                Step::between(live.clone(), content.join(&name)).map_err(EngineError::io("reading", &live))
            })
            .collect()
    }
}

/// Of a content folder and the workspaces in it, those that are mount points. They cannot be exchanged, and what is
/// mounted there is not Lifeboat's to remove.
pub(super) fn mounts_in_the_way(content: &Path) -> Vec<PathBuf> {
    let device = |path: &Path| fs::symlink_metadata(path).map(|metadata| metadata.dev()).ok();
    let Some(beside) = content.parent().and_then(device) else {
        return Vec::new();
    };
    let workspaces = folders_in(content)
        .ok()
        .flatten()
        .into_iter()
        .flat_map(|found| found.folders);
    std::iter::once(content.to_owned())
        .chain(workspaces.map(|name| content.join(name)))
        .filter(|path| device(path).is_some_and(|own| own != beside))
        .collect()
}

/// Who the content folder or a workspace in it belongs to, if not to the user that Lifeboat runs as; `None` for root,
/// who may give files to anybody.
pub(super) fn foreign_owner(content: &Path) -> Option<u32> {
    let me = rustix::process::geteuid();
    if me.is_root() {
        return None;
    }
    let workspaces = folders_in(content)
        .ok()
        .flatten()
        .into_iter()
        .flat_map(|found| found.folders);
    std::iter::once(content.to_owned())
        .chain(workspaces.map(|name| content.join(name)))
        .filter_map(|path| fs::symlink_metadata(path).ok())
        .map(|metadata| metadata.uid())
        .find(|owner| *owner != me.as_raw())
}

struct Found {
    folders: Vec<std::ffi::OsString>,
    others: usize,
}

/// The folders in a folder, and how much else there is. `None` when it does not exist.
fn folders_in(folder: &Path) -> io::Result<Option<Found>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut found = Found {
        folders: Vec::new(),
        others: 0,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.folders.push(entry.file_name());
        } else {
            found.others += 1;
        }
    }
    Ok(Some(found))
}

/// Removes a staging folder and everything in it, links in it not followed. Folders that forbid it are opened first.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_folders(folder)?;
            fs::remove_dir_all(folder)
        }
        Err(error) => Err(error),
    }
}

fn open_folders(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_in_the_way_and_a_plain_folder_is_not() {
        assert!(mounts_in_the_way(Path::new("/proc")).contains(&PathBuf::from("/proc")));
        let folder = tempfile::tempdir().unwrap();
        let content = folder.path().join("content");
        fs::create_dir_all(content.join("website")).unwrap();
        assert_eq!(mounts_in_the_way(&content), Vec::<PathBuf>::new());
    }
}
