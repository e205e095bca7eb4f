//! Whether folders can be exchanged: tried beforehand on two folders beside Live, and on Live's own folders, which stay
//! where they are.
//!
//! Whether a folder can be moved is known only from moving it: not a mount point, not a folder in an overlay's lower layer,
//! not an immutable one. So each is renamed onto a folder that is not empty. That fails in any case: with "not empty"
//! only where nothing else was in the way.
//!
//! What is made for it has a name that nobody can guess, and a note in the state folder, locked while it is used. Notes
//! that nobody has locked are of a Lifeboat that died, and whatever is left of what they tell of goes at the next start.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FlockOperation, Mode, RenameFlags, flock, mkdirat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use crate::disk::held::{self, Met};
use crate::disk::private;
use crate::domain::os_error::in_words;

/// How names of probes begin.
const PROBE: &str = ".lifeboat-probe-";

/// Tries whether folders beside Live can be exchanged, and whether each of `live` can be moved there. `token` makes the
/// name of what is made for it.
///
/// # Errors
/// Sentences that say what cannot be done there, and what to do.
pub(crate) fn probe(state: &Path, beside: &Path, token: &str, live: &[PathBuf]) -> Result<(), Vec<String>> {
    let folder = beside.join(format!("{PROBE}{token}"));
    // A state folder that cannot be written does not keep anybody from looking.
    let _note = Note::write(state, token, &folder);
    let failed = |error: io::Error| {
        vec![format!(
            "folders in {} cannot be made and exchanged atomically ({error}): Lifeboat needs to write beside the \
             content, on a file system that can exchange two folders (ext4, xfs, btrfs, tmpfs)",
            beside.display(),
            error = in_words(&error),
        )]
    };
    let probe = Probe::make(&folder).map_err(failed)?;
    let tried = probe.exchange().map_err(failed);
    let tried = tried.and_then(|()| {
        let stuck: Vec<_> = live.iter().filter_map(|live| probe.why_stuck(live)).collect();
        if stuck.is_empty() { Ok(()) } else { Err(stuck) }
    });
    probe.remove();
    tried
}

/// Removes what probes of a Lifeboat that died have left.
pub(super) fn clear_left(state: &Path) {
    // Mostly there is none.
    let Ok(notes) = fs::read_dir(state.join(Note::FOLDER)) else {
        return;
    };
    for note in notes.flatten().map(|note| note.path()) {
        let Ok(file) = File::open(&note) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let folder = fs::read(&note).map(|text| PathBuf::from(OsString::from_vec(text)));
        let of_a_probe = folder.ok().filter(|folder| {
            let name = folder.file_name().unwrap_or_default();
            name.as_bytes().starts_with(PROBE.as_bytes())
        });
        // One that was not finished stands for nothing: it is written before anything is made.
        let is_gone = of_a_probe.is_none_or(|folder| {
            if let Ok(Some(probe)) = Probe::left(&folder) {
                probe.remove();
            }
            folder.symlink_metadata().is_err()
        });
        if is_gone {
            let _ = fs::remove_file(&note);
        }
    }
}

/// What is made beside Live. It is held, and everything goes by that: another account may swap what lies there, and what is
/// Live's is never renamed into a folder of somebody else's.
struct Probe {
    /// The folder beside Live that holds it, and its name there.
    parent: OwnedFd,
    name: OsString,
    /// The folder itself.
    open: OwnedFd,
    /// Its path, for messages.
    folder: PathBuf,
}

impl Probe {
    /// Two folders that are exchanged.
    const FIRST: &str = "a";
    const SECOND: &str = "b";
    /// A folder with something in it, which no folder can take the place of.
    const FULL: &str = "full";
    const FILLING: &str = "full/filling";

    fn make(folder: &Path) -> io::Result<Self> {
        let (parent, name) = held::open_parent(folder)?;
        Ok(Self {
            open: held::make(&parent, &name, folder)?,
            parent,
            name,
            folder: folder.to_owned(),
        })
    }

    /// One that a Lifeboat that died has left; `None` when there is none.
    fn left(folder: &Path) -> io::Result<Option<Self>> {
        let Met::Ours(open) = held::meet(folder, None)? else {
            return Ok(None);
        };
        let (parent, name) = held::open_parent(folder)?;
        Ok(Some(Self {
            parent,
            name,
            open,
            folder: folder.to_owned(),
        }))
    }

    fn exchange(&self) -> io::Result<()> {
        for folder in [Self::FIRST, Self::SECOND, Self::FULL, Self::FILLING] {
            mkdirat(&self.open, folder, Mode::RWXU)?;
        }
        renameat_with(
            &self.open,
            Self::FIRST,
            &self.open,
            Self::SECOND,
            RenameFlags::EXCHANGE,
        )?;
        Ok(())
    }

    /// Why a folder of Live cannot be moved here; `None` when it can, or is not there.
    fn why_stuck(&self, live: &Path) -> Option<String> {
        let (holder, name) = match held::open_parent(live) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                return Some(format!(
                    "{} cannot be moved out of its place: {error}",
                    live.display(),
                    error = in_words(&error),
                ));
            }
            Ok(held) => held,
        };
        let error = match renameat(&holder, &name, &self.open, Self::FULL) {
            // No file takes the place of a folder either.
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::ISDIR | Errno::NOENT) => return None,
            Err(error) => error,
            Ok(()) => {
                // Somebody has emptied the folder under our hands.
                let back = renameat_with(&self.open, Self::FULL, &holder, &name, RenameFlags::NOREPLACE);
                return Some(match back {
                    Ok(()) => format!(
                        "somebody else is at work in {}: try again when that is over",
                        self.folder.display()
                    ),
                    Err(error) => format!(
                        "{} was moved to {} by somebody's fault and could not be moved back ({error}): move it back",
                        live.display(),
                        self.folder.join(Self::FULL).display(),
                        error = in_words(&error.into()),
                    ),
                });
            }
        };
        let live = live.display();
        Some(match error {
            Errno::BUSY => format!(
                "{live} is a mount point, and a folder that something is mounted on cannot be exchanged: mount that file system on \
                 the folder that holds the content folder, or stop Magnolia and move what is on it into the folder itself, for good"
            ),
            Errno::XDEV => format!(
                "{live} cannot be moved out of its place: it is in a layer below its file system, as what comes with the \
                 image of a container is, or on a mount or subvolume of its own. Keep content on a volume that is mounted \
                 on the folder that holds the content folder"
            ),
            Errno::PERM | Errno::ACCESS => format!(
                "{live} cannot be moved out of its place ({error}): it may be immutable (`lsattr -d` shows an i, \
                 `chattr -i` takes it away), or the user of Lifeboat may not write to it or to the folder that holds it",
                error = in_words(&error.into()),
            ),
            error => format!(
                "{live} cannot be moved out of its place: {error}",
                error = in_words(&error.into())
            ),
        })
    }

    /// Removes what was made, by the names that it was made with: nothing that came in between is removed with it.
    fn remove(&self) {
        for folder in [Self::FILLING, Self::FULL, Self::FIRST, Self::SECOND] {
            let _ = unlinkat(&self.open, folder, AtFlags::REMOVEDIR);
        }
        let _ = unlinkat(&self.parent, &self.name, AtFlags::REMOVEDIR);
    }
}

/// The note of a probe that is under way. It goes with it.
struct Note {
    path: PathBuf,
    /// Holds the lock that says that somebody is at it.
    _file: File,
}

impl Note {
    const FOLDER: &str = "probes";

    fn write(state: &Path, token: &str, probe: &Path) -> io::Result<Self> {
        let folder = state.join(Self::FOLDER);
        private::folders(&folder)?;
        let path = folder.join(token);
        let mut file = private::new_file(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        io::Write::write_all(&mut file, probe.as_os_str().as_bytes())?;
        Ok(Self { path, _file: file })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::mounts::tests::Bound;

    #[test]
    fn a_probe_moves_nothing_and_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let (state, beside) = (root.path().join("state"), root.path().join("beside"));
        let live = beside.join("content");
        fs::create_dir_all(live.join("website")).unwrap();
        fs::write(live.join("website/page.xml"), "page").unwrap();
        std::os::unix::fs::symlink("page.xml", live.join("website/link")).unwrap();
        let number = crate::content::files::exchange::Identity::of(&live).unwrap();
        probe(
            &state,
            &beside,
            "1",
            &[
                live.clone(),
                live.join("website"),
                live.join("website/page.xml"),
                live.join("website/link"),
                live.join("gone"),
            ],
        )
        .unwrap();
        assert_eq!(
            crate::content::files::exchange::Identity::of(&live).unwrap(),
            number
        );
        assert!(live.join("website/page.xml").is_file() && live.join("website/link").is_symlink());
        assert_eq!(fs::read_dir(&beside).unwrap().count(), 1);
        assert_eq!(fs::read_dir(state.join("probes")).unwrap().count(), 0);
        assert!(probe(&state, &root.path().join("missing"), "2", &[]).is_err());
    }

    #[test]
    fn what_a_probe_of_the_dead_has_left_goes_and_one_at_work_stays() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("state");
        let left = Probe::make(&root.path().join(".lifeboat-probe-left")).unwrap();
        left.exchange().unwrap();
        drop(fs::create_dir_all(state.join("probes")));
        fs::write(state.join("probes/left"), left.folder.as_os_str().as_bytes()).unwrap();
        let working = root.path().join(".lifeboat-probe-working");
        let note = Note::write(&state, "working", &working).unwrap();
        let working = Probe::make(&working).unwrap();
        working.exchange().unwrap();
        // A note that tells of something else, and one of a probe that holds what is none of Lifeboat's.
        fs::write(
            state.join("probes/odd"),
            root.path().join("state").as_os_str().as_bytes(),
        )
        .unwrap();
        let other = Probe::make(&root.path().join(".lifeboat-probe-other")).unwrap();
        other.exchange().unwrap();
        fs::write(other.folder.join(Probe::FILLING).join("page.xml"), "page").unwrap();
        fs::write(state.join("probes/other"), other.folder.as_os_str().as_bytes()).unwrap();
        clear_left(&state);
        assert!(!left.folder.exists());
        assert!(working.folder.join(Probe::FIRST).exists());
        assert!(other.folder.join(Probe::FILLING).join("page.xml").exists());
        let mut notes: Vec<_> = fs::read_dir(state.join("probes"))
            .unwrap()
            .map(|note| note.unwrap().file_name())
            .collect();
        notes.sort();
        assert_eq!(notes, ["other", "working"]);
        drop(note);
    }

    #[test]
    fn a_folder_that_cannot_be_moved_is_named_before_anything_is_stopped() {
        let root = tempfile::tempdir().unwrap();
        let live = root.path().join("content");
        fs::create_dir_all(live.join("website")).unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        let state = root.path().join("state");
        let Some(_bound) = Bound::on(&live, &root.path().join("data")) else {
            // Who may not mount may not move what belongs to root either.
            if !rustix::process::geteuid().is_root() {
                let told = probe(&state, root.path(), "1", &[PathBuf::from("/usr")]).unwrap_err();
                assert!(told[0].contains("/usr cannot be moved"), "{told:?}");
            }
            return;
        };
        let told = probe(&state, root.path(), "1", std::slice::from_ref(&live)).unwrap_err();
        assert!(told[0].contains("is a mount point"), "{told:?}");
        // From a mount to beside it there is no way either.
        fs::create_dir(live.join("website")).unwrap();
        let told = probe(&state, root.path(), "2", &[live.join("website")]).unwrap_err();
        assert!(told[0].contains("on a mount or subvolume of its own"), "{told:?}");
    }
}
