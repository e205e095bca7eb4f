//! The folders beside Live that a restore writes into, and how they become its steps.
//!
//! Beside the content folder `content` stands `.content.lifeboat-JOB`, made by one restore and removed by it, unless
//! it holds something that is nowhere else. It is on
//! the same file system, so that folders can be exchanged between the two.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Gid, Mode, Uid, fchmod, fchown, fstat, mkdirat, statvfs, syncfs};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::beside::FolderRecord;
use super::exchange::{Identity, Step};
use super::folders::folders_of;
use super::in_the_way::{mounted_on, mounts_in_the_way};
use super::layout::{Layout, open_below};
use super::{Files, FilesSink, FolderDonor, attributes};
use crate::content::restoring::RestoreError;
use crate::disk::held;
use crate::domain::job::JobId;
use crate::domain::plan::Selection;

/// The folder that content is staged into, in the one that was made for a restore.
pub(super) const CONTENT: &str = "content";

/// The path of a content folder with links resolved: what is exchanged is the folder, not a link to it. A folder that
/// is gone is resolved by its parent. A link of Magnolia's account leads to folders of that account only.
pub(crate) fn resolve(content: &Path) -> Result<PathBuf, RestoreError> {
    match held::resolve(content) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (Some(parent), Some(name)) = (content.parent(), content.file_name()) else {
                return Err(RestoreError::io("finding", content)(error));
            };
            Ok(held::resolve(parent)
                .map_err(RestoreError::io("finding", parent))?
                .join(name))
        }
        result => result.map_err(RestoreError::io("finding", content)),
    }
}

/// One instance's staging.
pub(super) struct Staging {
    /// The live content folder.
    pub(super) live: PathBuf,
    /// How it is laid out.
    layout: Layout,
    /// The folder that was made for this restore.
    folder: PathBuf,
    /// The same, held since it was made: whoever can write beside Live can put something else at its path.
    made: OnceLock<OwnedFd>,
    /// The folder in it that content is staged into.
    staged: OnceLock<OwnedFd>,
}

impl Staging {
    /// The staging of one instance for a job. Makes nothing yet.
    pub(super) fn beside(content: &Path, layout: Layout, job: JobId) -> Result<Self, RestoreError> {
        let live = resolve(content)?;
        let (Some(parent), Some(name)) = (live.parent(), live.file_name()) else {
            return Err(RestoreError::Failed(format!(
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
        Ok(Self::of(live, layout, folder))
    }

    fn of(live: PathBuf, layout: Layout, folder: PathBuf) -> Self {
        Self {
            live,
            layout,
            folder,
            made: OnceLock::new(),
            staged: OnceLock::new(),
        }
    }

    /// The staging of one instance in a folder for scratch, which is to be made. Nothing of it becomes live.
    pub(super) fn in_scratch(content: &Path, layout: Layout, folder: &Path) -> Result<Self, RestoreError> {
        // An operator's folder for scratch may well be behind a link.
        Ok(Self::of(resolve(content)?, layout, resolve(folder)?))
    }

    /// What the journal keeps of it before anything is staged.
    pub(super) fn record(&self) -> Result<FolderRecord, RestoreError> {
        let made = self.made.get().map(Identity::of_open).transpose();
        Ok(FolderRecord {
            staging: self.folder.clone(),
            made: made.map_err(RestoreError::io("reading", &self.folder))?,
            layout: self.layout,
            steps: Vec::new(),
        })
    }

    /// Makes the folder, readable by nobody else, unless it is made.
    pub(super) fn make(&self) -> Result<&OwnedFd, RestoreError> {
        if self.made.get().is_none() {
            let made = held::open_parent(&self.folder)
                .and_then(|(parent, name)| held::make(parent, &name, &self.folder))
                .map_err(RestoreError::io("creating", &self.folder))?;
            let _ = self.made.set(made);
        }
        self.made.get().ok_or_else(|| self.not_staged())
    }

    /// The sink that content is staged into.
    pub(super) fn sink(&self) -> Result<FilesSink, RestoreError> {
        let sink = FilesSink::create_in(self.make()?, OsStr::new(CONTENT), &self.place(), self.layout)?;
        let _ = self.staged.set(sink.opened()?);
        Ok(sink)
    }

    /// Where content is staged, for whoever is to look at it there.
    pub(super) fn staged_place(&self) -> PathBuf {
        self.place()
    }

    /// Where content is staged, for messages.
    pub(super) fn place(&self) -> PathBuf {
        self.folder.join(CONTENT)
    }

    /// What was staged, whatever stands at its path.
    pub(super) fn staged(&self) -> Result<OwnedFd, RestoreError> {
        let staged = self.staged.get().ok_or_else(|| self.not_staged())?;
        held::read_again(staged).map_err(RestoreError::io("opening", &self.place()))
    }

    /// The same, to be read back.
    pub(super) fn content(&self) -> Result<Files, RestoreError> {
        Ok(Files::held(&self.place(), self.staged()?).laid_out(self.layout))
    }

    /// Brings everything that was staged to disk. After a loss of power, what was written before this is whole.
    pub(super) fn settle(&self) -> Result<(), RestoreError> {
        syncfs(self.staged()?).map_err(|error| RestoreError::io("writing", &self.place())(error.into()))
    }

    fn not_staged(&self) -> RestoreError {
        RestoreError::Failed(format!("nothing was staged in {}", self.folder.display()))
    }

    /// Gives the staged content folder the permissions and owner of the live one, which backups do not hold: they hold
    /// the workspaces in it. That of a home is in its backups.
    pub(super) fn dress(&self) -> Result<(), RestoreError> {
        if !self.layout.is_plain() {
            return Ok(());
        }
        let (content, place) = (self.staged()?, self.place());
        let failed = |error: Errno| RestoreError::io("setting permissions of", &place)(error.into());
        let mode = match self.live()? {
            None => 0o755,
            Some(live) => {
                attributes::copy((&live, &self.live), (&content, &place))?;
                let live = fstat(&live).map_err(failed)?;
                let staged = fstat(&content).map_err(failed)?;
                if (staged.st_uid, staged.st_gid) != (live.st_uid, live.st_gid) {
                    let (owner, group) = (Uid::from_raw(live.st_uid), Gid::from_raw(live.st_gid));
                    fchown(&content, Some(owner), Some(group)).map_err(failed)?;
                }
                live.st_mode & 0o7777
            }
        };
        fchmod(&content, Mode::from_raw_mode(mode)).map_err(failed)
    }

    /// The live content folder, if it is there.
    pub(super) fn live(&self) -> Result<Option<OwnedFd>, RestoreError> {
        match held::open(&self.live) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Ok(Some(opened.map_err(RestoreError::io("opening", &self.live))?)),
        }
    }

    /// Live as it is, for files that are right already. None of one that cannot be opened.
    pub(super) fn donor(&self) -> Option<FolderDonor> {
        let live = self.live().ok().flatten()?;
        Some(FolderDonor::held(&self.live, live).laid_out(self.layout))
    }

    /// Of a home, makes the folder that its workspaces are in, where none of them was staged: those of Live that only go are put
    /// there.
    fn make_room_for_what_goes(&self, staged: &OwnedFd) -> Result<(), RestoreError> {
        let folder = self.layout.workspaces();
        if folder == Path::new("") {
            return Ok(());
        }
        match mkdirat(staged, folder, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(RestoreError::io("creating", &self.place().join(folder))(
                error.into(),
            )),
        }
    }

    /// The steps that make the staged content live.
    ///
    /// For a whole restore that is one exchange of the content folder, unless there is something beside the
    /// workspaces in it, which is not Lifeboat's to move: in a home all is content. Then, and for a restore of chosen workspaces, it is one step
    /// for each workspace: those that are staged come, and those that are live only go. For one of chosen paths it is one for
    /// each of them (`parts`).
    pub(super) fn steps(&self, selection: &Selection) -> Result<Vec<Step>, RestoreError> {
        // Looked at beforehand, too; something may have been mounted since.
        let mounted = mounts_in_the_way(&self.live, self.layout, selection)
            .map_err(RestoreError::io("reading", &self.live))?;
        if let Some(mount) = mounted.first() {
            return Err(RestoreError::Failed(mounted_on(mount)));
        }
        if selection.has_paths() {
            return self.steps_of_parts(selection);
        }
        // What comes is what was staged and read back, and not what stands at its path by now.
        let (live, staged) = (self.live()?, self.staged()?);
        let live_workspaces = self.workspaces_of(live.as_ref()).map_err(reading(&self.live))?;
        let of_live = live_workspaces.as_ref().map(folders_of).transpose();
        let of_live = of_live.map_err(reading(&self.live))?;
        let only_workspaces =
            !self.layout.is_plain() || of_live.as_ref().is_none_or(|found| found.others == 0);
        if selection.workspaces.is_empty() && only_workspaces {
            let old = live.as_ref().map(Identity::of_open).transpose();
            return Ok(vec![Step {
                live: self.live.clone(),
                beside: self.place(),
                old: old.map_err(reading(&self.live))?,
                new: Some(Identity::of_open(&staged).map_err(reading(&self.place()))?),
            }]);
        }
        self.make_room_for_what_goes(&staged)?;
        let staged = self
            .workspaces_of(Some(&staged))
            .map_err(reading(&self.place()))?;
        let mut names = match &staged {
            Some(staged) => folders_of(staged).map_err(reading(&self.place()))?.folders,
            None => Vec::new(),
        };
        names.extend(
            of_live
                .into_iter()
                .flat_map(|found| found.folders)
                .filter(|name| {
                    name.to_str().map_or(selection.workspaces.is_empty(), |name| {
                        selection.has_workspace(name)
                    })
                }),
        );
        names.sort();
        names.dedup();
        let of = |folder: &Option<OwnedFd>, name: &OsStr| -> io::Result<Option<Identity>> {
            let found = folder.as_ref().map(|folder| Identity::at(folder, name));
            Ok(found.transpose()?.flatten())
        };
        let step = |name: OsString| -> io::Result<Step> {
            let part = self.layout.workspaces().join(&name);
            Ok(Step {
                old: of(&live_workspaces, &name)?,
                new: of(&staged, &name)?,
                live: self.live.join(&part),
                beside: self.place().join(&part),
            })
        };
        names
            .into_iter()
            .map(|name| step(name).map_err(reading(&self.live)))
            .collect()
    }
}

impl Staging {
    /// The folder of a content folder that has the workspaces in it.
    fn workspaces_of(&self, content: Option<&OwnedFd>) -> io::Result<Option<OwnedFd>> {
        match content {
            Some(content) => open_below(content, self.layout.workspaces()),
            None => Ok(None),
        }
    }
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> RestoreError + Copy + '_ {
    move |error| RestoreError::io("reading", path)(error)
}

/// The longest name that a file in a folder may have, in bytes.
pub(crate) fn longest_name(folder: &Path) -> usize {
    let told = statvfs(folder).map_or(0, |stat| stat.f_namemax);
    usize::try_from(told)
        .ok()
        .filter(|longest| (1..255).contains(longest))
        .unwrap_or(255)
}

/// A hidden name for something beside `name`, which ends with `suffix`. Of a name that leaves no room for that the
/// beginning is taken, and a digest of the whole, which keeps two of them apart.
pub(crate) fn name_beside(name: &OsStr, suffix: &str, longest: usize) -> OsString {
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};

    use super::*;
    use crate::content::switching::Record as _;
    use crate::content::{FileTime, Item, ItemKind, Sink};

    /// The account that Live belongs to puts a folder of its own in the place of the one that is staged into.
    fn swap(staging: &Staging, other: &Path) {
        fs::rename(&staging.folder, staging.folder.with_file_name("away")).unwrap();
        fs::create_dir(&staging.folder).unwrap();
        symlink(other, staging.place()).unwrap();
    }

    fn item(path: &str, kind: ItemKind) -> Item {
        Item {
            path: path.into(),
            kind,
            mode: 0o755,
            owner: (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            ),
            modified: FileTime { seconds: 1, nanos: 0 },
            changed: FileTime { seconds: 1, nanos: 0 },
            inode: 0,
            held: None,
            rare: None,
        }
    }

    #[test]
    fn whatever_takes_the_place_of_what_is_staged_is_not_touched_and_does_not_become_live() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (content, other) = (root.join("srv/content"), root.join("other"));
        fs::create_dir_all(content.join("website")).unwrap();
        fs::create_dir_all(other.join("website")).unwrap();
        fs::set_permissions(&content, fs::Permissions::from_mode(0o755)).unwrap();
        for closed in [other.join("website"), other.clone()] {
            fs::set_permissions(closed, fs::Permissions::from_mode(0o700)).unwrap();
        }
        // Only root can give folders away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&content, Some(65_534), Some(65_534)).unwrap();
        }
        let about = |path: &Path| {
            let about = fs::metadata(path).unwrap();
            (
                about.uid(),
                about.mode(),
                about.mtime(),
                about.ctime(),
                about.ctime_nsec(),
            )
        };
        let untouched = [about(&other), about(&other.join("website"))];

        let staging = Staging::beside(&content, Layout::default(), JobId(7)).unwrap();
        let sink = staging.sink().unwrap();
        sink.folder(&item("website", ItemKind::Folder)).unwrap();
        swap(&staging, &other);
        let page = item("website/page.yaml", ItemKind::File { size: 4 });
        let mut file = sink.file(&page).unwrap();
        io::Write::write_all(&mut file, b"page").unwrap();
        file.finish().unwrap();
        sink.finish().unwrap();
        staging.dress().unwrap();
        staging.settle().unwrap();
        let staged = root.join("srv/away/content");
        assert_eq!(
            fs::read_to_string(staged.join("website/page.yaml")).unwrap(),
            "page"
        );
        let (live, dressed) = (about(&content), about(&staged));
        assert_eq!((live.0, live.1), (dressed.0, dressed.1));
        let mut left_out = |_| {};
        let read_back = staging.content().unwrap();
        let items: Vec<_> = crate::content::Content::walk(&read_back, &mut left_out).collect();
        assert_eq!(items.len(), 2, "what is read back is what was staged");
        assert_eq!([about(&other), about(&other.join("website"))], untouched);
        assert_eq!(fs::read_dir(other.join("website")).unwrap().count(), 0);

        for selection in [
            Selection::default(),
            Selection {
                workspaces: vec!["website".to_owned()],
                ..Selection::default()
            },
        ] {
            let steps = staging.steps(&selection).unwrap();
            assert_eq!(steps.len(), 1);
            assert!(steps[0].is_known().is_err());
            assert!(steps[0].forward().is_err());
            assert!(steps[0].is_untouched().unwrap());
        }
        let made = staging.record().unwrap();
        assert!(
            made.open()
                .unwrap_err()
                .to_string()
                .contains("something else has taken its place")
        );
        assert!(made.remove().unwrap().unwrap().contains("left alone"));
        assert_eq!([about(&other), about(&other.join("website"))], untouched);
        assert!(staging.place().is_symlink());
    }

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
