//! The folders beside Live that a restore writes into, and how they become its steps.
//!
//! Beside the content folder `content` stands `.content.lifeboat-JOB`, made by one restore and removed by it, unless
//! it holds something that is nowhere else. It is on
//! the same file system, so that folders can be exchanged between the two.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use sha2::{Digest, Sha256};

use super::in_the_way::{mounted_on, mounts_in_the_way};
use super::journal::{Beside, InstanceRecord};
use super::switch::Step;
use crate::content::files::{FilesSink, attributes};
use crate::domain::environment::InstanceName;
use crate::domain::job::JobId;
use crate::domain::plan::Selection;
use crate::engine::EngineError;

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
        let longest = longest_name(parent);
        let beside =
            |suffix: &str| parent.join(name_beside(name, &format!(".lifeboat-{job}{suffix}"), longest));
        // Jobs are counted anew when the catalog is lost, and what an earlier restore kept may bear the same number.
        let mut folder = beside("");
        let mut again = 1;
        while folder.symlink_metadata().is_ok() {
            again += 1;
            folder = beside(&format!("-{again}"));
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
        let live = fs::metadata(&self.live).ok();
        if live.is_some() {
            attributes::copy(&self.live, &content)?;
        }
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
        set(live).map_err(EngineError::io("setting permissions of", &content))
    }

    /// The steps that make the staged content live.
    ///
    /// For a whole restore that is one exchange of the content folder, unless there is something beside the
    /// workspaces in it, which is not Lifeboat's to move. Then, and for a restore of chosen workspaces, it is one step
    /// for each workspace: those that are staged come, and those that are live only go.
    pub(super) fn steps(&self, selection: &Selection) -> Result<Vec<Step>, EngineError> {
        // Looked at beforehand, too; something may have been mounted since.
        let mounted =
            mounts_in_the_way(&self.live, selection).map_err(EngineError::io("reading", &self.live))?;
        if let Some(mount) = mounted.first() {
            return Err(EngineError::Failed(mounted_on(mount)));
        }
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

/// What a restore of this selection moves out of Live's place: the content folder, or workspaces in it.
pub(super) fn goes(content: &Path, selection: &Selection) -> io::Result<Vec<PathBuf>> {
    let Some(found) = folders_in(content)? else {
        return Ok(Vec::new());
    };
    if selection.workspaces.is_empty() && found.others == 0 {
        return Ok(vec![content.to_owned()]);
    }
    let is_chosen = |name: &OsString| {
        name.to_str().map_or(selection.workspaces.is_empty(), |name| {
            selection.has_workspace(name)
        })
    };
    let chosen = found.folders.into_iter().filter(is_chosen);
    Ok(chosen.map(|name| content.join(name)).collect())
}

/// The longest name that a file in a folder may have, in bytes.
pub(super) fn longest_name(folder: &Path) -> usize {
    let told = statvfs(folder).map_or(0, |stat| stat.f_namemax);
    usize::try_from(told)
        .ok()
        .filter(|longest| (1..255).contains(longest))
        .unwrap_or(255)
}

/// A hidden name for something beside `name`, which ends with `suffix`. Of a name that leaves no room for that the
/// beginning is taken, and a digest of the whole, which keeps two of them apart.
pub(super) fn name_beside(name: &OsStr, suffix: &str, longest: usize) -> OsString {
    let room = longest.saturating_sub(1 + suffix.len());
    let bytes = name.as_bytes();
    let mut beside = OsString::from(".");
    if bytes.len() <= room {
        beside.push(name);
    } else {
        let digest = Sha256::digest(bytes);
        let first = digest
            .iter()
            .take(8)
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let digest = format!("{first:016x}");
        let mut length = room.saturating_sub(digest.len() + 1);
        // Not in the middle of a character.
        while length > 0 && bytes[length] & 0xc0 == 0x80 {
            length -= 1;
        }
        beside.push(OsStr::from_bytes(&bytes[..length]));
        beside.push("~");
        beside.push(digest);
    }
    beside.push(suffix);
    beside
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
    folders: Vec<OsString>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_as_long_as_names_may_be_leaves_room_for_one_beside_it() {
        let beside = |name: &str| name_beside(OsStr::new(name), ".lifeboat-7", 255);
        assert_eq!(beside("content"), ".content.lifeboat-7");
        let short = "n".repeat(243);
        assert_eq!(beside(&short), format!(".{short}.lifeboat-7").as_str());
        let first = beside(&("n".repeat(254) + "1"));
        let second = beside(&("n".repeat(254) + "2"));
        assert_eq!((first.len(), second.len()), (255, 255));
        assert_ne!(first, second);
        let many = beside(&"\u{e4}".repeat(127));
        assert!(many.len() <= 255 && many.to_str().is_some(), "{many:?}");
        assert!(name_beside(OsStr::new(&short), ".lifeboat-7", 143).len() <= 143);
        let folder = tempfile::tempdir().unwrap();
        assert!((1..=255).contains(&longest_name(folder.path())));
        fs::create_dir(folder.path().join(first)).unwrap();
    }
}
