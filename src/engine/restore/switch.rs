//! The switch: exchanging Live and the staged content, one folder at a time, each exchange atomic.
//!
//! A [`Step`] remembers the identity of the folder that is live before and of the one that is live
//! after. A rename keeps a folder's identity, so after a crash one look at the live path tells whether the step was
//! done, without any mark in the content itself.
//!
//! Not in here: when to switch and what to do after a crash (`journal`, `recover`).

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, RenameFlags, StatxFlags, renameat_with, statx};
use serde::{Deserialize, Serialize};

/// What tells one folder from every other on its file system: the number of its inode, and when it was made. The device's
/// number is left out, since it can be another one after a restart of the machine (btrfs, NFS, device mapper); the folders
/// of a step are always on one file system.
///
/// A copy on another disk may well get the same numbers, in another order: those of a fresh file system are given out one
/// after the other. It does not get the same times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    inode: u64,
    /// Seconds and nanoseconds; `None` on a file system that does not keep it.
    born: Option<(i64, u32)>,
}

impl Identity {
    /// The identity of the folder at `path`, not following a link; `None` when nothing is there.
    ///
    /// # Errors
    /// What the system said, or that something that is no folder stands there.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        let asked = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::BTIME;
        match statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, asked) {
            Ok(told) if FileType::from_raw_mode(told.stx_mode.into()) == FileType::Directory => {
                let keeps = StatxFlags::from_bits_retain(told.stx_mask).contains(StatxFlags::BTIME);
                Ok(Some(Self {
                    inode: told.stx_ino,
                    born: keeps.then_some((told.stx_btime.tv_sec, told.stx_btime.tv_nsec)),
                }))
            }
            Ok(_) => Err(io::Error::other("there is something here that is not a folder")),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The old folder is live.
    Pending,
    /// The new folder is live.
    Done,
    /// Neither is: somebody else has been at work here.
    Unknown,
}

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The path that is live.
    pub live: PathBuf,
    /// The path beside Live: holds the new folder before the step, and the old one after it.
    pub beside: PathBuf,
    /// The folder that is live before. `None`: nothing is.
    pub old: Option<Identity>,
    /// The folder that is live after. `None`: nothing will be, the old one just goes.
    pub new: Option<Identity>,
}

impl Step {
    /// A step from what stands at both paths now.
    ///
    /// # Errors
    /// What the system said about either path.
    pub fn between(live: PathBuf, beside: PathBuf) -> io::Result<Self> {
        Ok(Self {
            old: Identity::of(&live)?,
            new: Identity::of(&beside)?,
            live,
            beside,
        })
    }

    /// Where the step stands.
    ///
    /// # Errors
    /// What the system said about the live path.
    pub fn standing(&self) -> io::Result<Standing> {
        let live = Identity::of(&self.live)?;
        Ok(if live == self.new {
            Standing::Done
        } else if live == self.old {
            Standing::Pending
        } else {
            Standing::Unknown
        })
    }

    /// Makes sure that it can be told whether the step was done.
    ///
    /// # Errors
    /// What the system said, or that neither the old nor the new folder stands at the live path.
    pub fn is_known(&self) -> io::Result<()> {
        match self.standing()? {
            Standing::Unknown => Err(self.unknown()),
            Standing::Pending | Standing::Done => Ok(()),
        }
    }

    /// Whether the step is known not to have been done: the folder that was live is. What is beside can then be dropped
    /// without losing anything of Live. Where nothing was live before, that nothing is proves nothing, since its disk may
    /// be away: what is to come has to stand beside.
    ///
    /// # Errors
    /// What the system said about either path.
    pub fn is_untouched(&self) -> io::Result<bool> {
        let is_pending = self.standing()? == Standing::Pending;
        Ok(is_pending && (self.old.is_some() || Identity::of(&self.beside)? == self.new))
    }

    /// Whether it is known that the old folder is not the one beside, which is about to be dropped.
    #[must_use]
    pub fn is_not_beside(&self) -> bool {
        self.old.is_none() || Identity::of(&self.beside).is_ok_and(|beside| beside != self.old)
    }

    /// Makes the new folder live. Does nothing when it already is.
    ///
    /// # Errors
    /// What the system said, or that neither the old nor the new folder stands at the live path.
    pub fn forward(&self) -> io::Result<()> {
        match self.standing()? {
            Standing::Done => Ok(()),
            Standing::Pending => {
                let exchange = || self.exchange(self.old.is_some(), self.new.is_some());
                exchange()?;
                // A machine that stood still after its look may find that another one has finished the switch meanwhile: then
                // this has taken it back.
                match self.standing()? {
                    Standing::Pending => exchange(),
                    _ => Ok(()),
                }
            }
            Standing::Unknown => Err(self.unknown()),
        }
    }

    /// Makes the old folder live again. Does nothing when it is.
    ///
    /// # Errors
    /// As [`Step::forward`].
    pub fn back(&self) -> io::Result<()> {
        match self.standing()? {
            Standing::Pending => Ok(()),
            Standing::Done => self.exchange(self.new.is_some(), self.old.is_some()),
            Standing::Unknown => Err(self.unknown()),
        }
    }

    fn exchange(&self, live_stands: bool, beside_stands: bool) -> io::Result<()> {
        match (live_stands, beside_stands) {
            (true, true) => renameat_with(CWD, &self.beside, CWD, &self.live, RenameFlags::EXCHANGE)?,
            (false, true) => renameat_with(CWD, &self.beside, CWD, &self.live, RenameFlags::NOREPLACE)?,
            (true, false) => renameat_with(CWD, &self.live, CWD, &self.beside, RenameFlags::NOREPLACE)?,
            (false, false) => return Ok(()),
        }
        sync_parent(&self.live)?;
        sync_parent(&self.beside)
    }

    fn unknown(&self) -> io::Error {
        io::Error::other(format!(
            "{} is neither the folder that was live nor the restored one: something else has replaced it",
            self.live.display()
        ))
    }
}

/// Makes a rename in the folder that holds `path` durable.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(root: &Path) -> (PathBuf, PathBuf) {
        let (live, beside) = (root.join("live"), root.join("beside"));
        for (folder, text) in [(&live, "old"), (&beside, "new")] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("text"), text).unwrap();
        }
        (live, beside)
    }

    fn text(folder: &Path) -> String {
        std::fs::read_to_string(folder.join("text")).unwrap()
    }

    #[test]
    fn a_step_goes_forward_and_back_and_can_be_repeated() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let step = Step::between(live.clone(), beside.clone()).unwrap();
        assert_eq!(step.standing().unwrap(), Standing::Pending);
        for _ in 0..2 {
            step.forward().unwrap();
            assert_eq!(step.standing().unwrap(), Standing::Done);
            assert_eq!((text(&live), text(&beside)), ("new".into(), "old".into()));
        }
        for _ in 0..2 {
            step.back().unwrap();
            assert_eq!((text(&live), text(&beside)), ("old".into(), "new".into()));
        }
    }

    #[test]
    fn a_folder_comes_where_nothing_was_and_goes_where_nothing_follows() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let fresh = Step::between(root.path().join("fresh"), beside.clone()).unwrap();
        fresh.forward().unwrap();
        assert_eq!(text(&root.path().join("fresh")), "new");
        fresh.back().unwrap();
        assert_eq!(text(&beside), "new");

        let gone = Step::between(live.clone(), root.path().join("nothing")).unwrap();
        gone.forward().unwrap();
        assert!(!live.exists());
        gone.back().unwrap();
        assert_eq!(text(&live), "old");
    }

    #[test]
    fn a_stranger_in_the_place_of_live_is_never_touched() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let step = Step::between(live.clone(), beside).unwrap();
        std::fs::rename(&live, root.path().join("moved")).unwrap();
        std::fs::create_dir(&live).unwrap();
        std::fs::write(live.join("text"), "stranger").unwrap();
        assert_eq!(step.standing().unwrap(), Standing::Unknown);
        assert!(step.forward().is_err());
        assert!(step.back().is_err());
        assert_eq!(text(&live), "stranger");
        assert!(
            !step.is_untouched().unwrap(),
            "where the old folder is nobody knows"
        );
    }

    #[test]
    fn a_copy_of_a_folder_is_another_one_even_with_the_same_number() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let step = Step::between(live.clone(), beside).unwrap();
        let Some(old) = step.old.filter(|old| old.born.is_some()) else {
            panic!("the file system of temporary folders keeps no times of birth");
        };
        let copy = Identity {
            born: old.born.map(|(seconds, nanos)| (seconds + 60, nanos)),
            ..old
        };
        let moved = Step {
            old: Some(copy),
            ..step.clone()
        };
        assert_eq!(moved.standing().unwrap(), Standing::Unknown);
        assert!(!moved.is_untouched().unwrap());
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step);
    }

    #[test]
    fn nothing_where_nothing_was_is_no_proof_that_nothing_was_done() {
        let root = tempfile::tempdir().unwrap();
        let (_, beside) = folders(root.path());
        let step = Step::between(root.path().join("fresh"), beside.clone()).unwrap();
        assert!(step.is_untouched().unwrap());
        step.forward().unwrap();
        assert!(!step.is_untouched().unwrap());
        // The disk with both is away.
        std::fs::rename(root.path().join("fresh"), root.path().join("away")).unwrap();
        assert!(!step.is_untouched().unwrap());
    }

    #[test]
    fn an_old_folder_beside_is_never_taken_for_something_to_drop() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let step = Step::between(live.clone(), beside.clone()).unwrap();
        assert!(step.is_untouched().unwrap());
        step.forward().unwrap();
        // Somebody replaces the restored folder: the step stands as unknown, and what was live is only beside.
        std::fs::rename(&live, root.path().join("moved")).unwrap();
        std::fs::create_dir(&live).unwrap();
        assert_eq!(step.standing().unwrap(), Standing::Unknown);
        assert!(!step.is_untouched().unwrap());
        assert_eq!(text(&beside), "old");
    }
}
