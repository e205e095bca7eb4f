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
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat, renameat_with};
use rustix::io::Errno;

use crate::disk::private;

/// How names of probes begin.
const PROBE: &str = ".lifeboat-probe-";

/// Tries whether folders beside Live can be exchanged, and whether each of `live` can be moved there. `token` makes the
/// name of what is made for it.
///
/// # Errors
/// Sentences that say what cannot be done there, and what to do.
pub(super) fn probe(state: &Path, beside: &Path, token: &str, live: &[PathBuf]) -> Result<(), Vec<String>> {
    let probe = Probe::of(beside.join(format!("{PROBE}{token}")));
    // A state folder that cannot be written does not keep anybody from looking.
    let _note = Note::write(state, token, &probe.folder);
    let tried = probe.exchange().map_err(|error| {
        vec![format!(
            "folders in {} cannot be made and exchanged atomically ({error}): Lifeboat needs to write beside the \
             content, on a file system that can exchange two folders (ext4, xfs, btrfs, tmpfs)",
            beside.display()
        )]
    });
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
            let probe = Probe::of(folder);
            probe.remove();
            probe.folder.symlink_metadata().is_err()
        });
        if is_gone {
            let _ = fs::remove_file(&note);
        }
    }
}

/// What is made beside Live.
struct Probe {
    folder: PathBuf,
    first: PathBuf,
    second: PathBuf,
    /// A folder with something in it, which no folder can take the place of.
    full: PathBuf,
    filling: PathBuf,
}

impl Probe {
    fn of(folder: PathBuf) -> Self {
        let full = folder.join("full");
        Self {
            first: folder.join("a"),
            second: folder.join("b"),
            filling: full.join("filling"),
            full,
            folder,
        }
    }

    fn exchange(&self) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(&self.folder)?;
        for folder in [&self.first, &self.second, &self.full, &self.filling] {
            fs::create_dir(folder)?;
        }
        renameat_with(CWD, &self.first, CWD, &self.second, RenameFlags::EXCHANGE)?;
        Ok(())
    }

    /// Why a folder of Live cannot be moved here; `None` when it can, or is not there.
    fn why_stuck(&self, live: &Path) -> Option<String> {
        let error = match renameat(CWD, live, CWD, &self.full) {
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => return None,
            Err(error) => error,
            Ok(()) => {
                // Somebody has emptied the folder under our hands.
                let back = renameat_with(CWD, &self.full, CWD, live, RenameFlags::NOREPLACE);
                return Some(match back {
                    Ok(()) => format!(
                        "somebody else is at work in {}: try again when that is over",
                        self.folder.display()
                    ),
                    Err(error) => format!(
                        "{} was moved to {} by somebody's fault and could not be moved back ({error}): move it back",
                        live.display(),
                        self.full.display()
                    ),
                });
            }
        };
        let live = live.display();
        Some(match error {
            Errno::BUSY => format!(
                "{live} is a mount point, and a folder that something is mounted on cannot be exchanged: mount the \
                 folder that holds the content folder instead, or unmount it for the restore"
            ),
            Errno::XDEV => format!(
                "{live} cannot be moved out of its place: it is in a layer below its file system, as what comes with the \
                 image of a container is, or on a mount or subvolume of its own. Keep content on a volume that is mounted \
                 on the folder that holds the content folder"
            ),
            Errno::PERM | Errno::ACCESS => format!(
                "{live} cannot be moved out of its place ({error}): it may be immutable (`lsattr -d` shows an i, \
                 `chattr -i` takes it away), or the user of Lifeboat may not write to it or to the folder that holds it"
            ),
            error => format!("{live} cannot be moved out of its place: {error}"),
        })
    }

    /// Removes what was made, by the names that it was made with: nothing that came in between is removed with it.
    fn remove(&self) {
        for folder in [&self.filling, &self.full, &self.first, &self.second, &self.folder] {
            let _ = fs::remove_dir(folder);
        }
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
        let mut file = File::create_new(&path)?;
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
        let number = crate::engine::restore::switch::Identity::of(&live).unwrap();
        probe(
            &state,
            &beside,
            "1",
            &[live.clone(), live.join("website"), live.join("gone")],
        )
        .unwrap();
        assert_eq!(
            crate::engine::restore::switch::Identity::of(&live).unwrap(),
            number
        );
        assert!(live.join("website").exists());
        assert_eq!(fs::read_dir(&beside).unwrap().count(), 1);
        assert_eq!(fs::read_dir(state.join("probes")).unwrap().count(), 0);
        assert!(probe(&state, &root.path().join("missing"), "2", &[]).is_err());
    }

    #[test]
    fn what_a_probe_of_the_dead_has_left_goes_and_one_at_work_stays() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("state");
        let left = Probe::of(root.path().join(".lifeboat-probe-left"));
        left.exchange().unwrap();
        drop(fs::create_dir_all(state.join("probes")));
        fs::write(state.join("probes/left"), left.folder.as_os_str().as_bytes()).unwrap();
        let working = Probe::of(root.path().join(".lifeboat-probe-working"));
        let note = Note::write(&state, "working", &working.folder).unwrap();
        working.exchange().unwrap();
        // A note that tells of something else, and one of a probe that holds what is none of Lifeboat's.
        fs::write(
            state.join("probes/odd"),
            root.path().join("state").as_os_str().as_bytes(),
        )
        .unwrap();
        let other = Probe::of(root.path().join(".lifeboat-probe-other"));
        other.exchange().unwrap();
        fs::write(other.filling.join("page.xml"), "page").unwrap();
        fs::write(state.join("probes/other"), other.folder.as_os_str().as_bytes()).unwrap();
        clear_left(&state);
        assert!(!left.folder.exists());
        assert!(working.first.exists());
        assert!(other.filling.join("page.xml").exists());
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
