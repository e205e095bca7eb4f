//! The switch: exchanging Live and the staged content, one folder at a time, each exchange atomic. Where single files are
//! exchanged beside others that stay, a step is about a file, or about a symbolic link, which is never followed.
//!
//! A [`Step`] remembers the identity of the folder or file that is live before and of the one that is live
//! after. A rename keeps an identity, so after a crash one look at the live path tells whether the step was
//! done, without any mark in the content itself.
//!
//! Not in here: when to switch, and what to do after a crash (`engine::restore`).

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{RenameFlags, fsync, renameat_with};
use serde::{Deserialize, Serialize};

use crate::disk::held;
pub use crate::disk::held::Identity;

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
    /// Where the step stands.
    ///
    /// # Errors
    /// What the system said about the live path.
    pub fn standing(&self) -> io::Result<Standing> {
        Ok(self.standing_of(Identity::of_any(&self.live)?))
    }

    /// Makes sure that it can be told whether the step was done, and that what is to come, if it was not, is what was
    /// staged and verified.
    ///
    /// # Errors
    /// What the system said, or that neither the old nor the new folder stands at the live path, or another than the new
    /// one beside it.
    pub fn is_known(&self) -> io::Result<()> {
        match self.standing()? {
            Standing::Unknown => Err(self.unknown()),
            Standing::Done => Ok(()),
            Standing::Pending => Sides::of(self)?.are_ready(self),
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
        Ok(is_pending && (self.old.is_some() || Identity::of_any(&self.beside)? == self.new))
    }

    /// Whether it is known that the old folder is not the one beside, which is about to be dropped.
    #[must_use]
    pub fn is_not_beside(&self) -> bool {
        self.old.is_none() || Identity::of_any(&self.beside).is_ok_and(|beside| beside != self.old)
    }

    /// Makes the new folder live. Does nothing when it already is.
    ///
    /// # Errors
    /// What the system said, or that neither the old nor the new folder stands at the live path, or another than the new
    /// one beside it. After that it may be that the old folder is live, or that nobody knows.
    pub fn forward(&self) -> io::Result<()> {
        match self.standing()? {
            Standing::Done => Ok(()),
            Standing::Pending => {
                let sides = Sides::of(self)?;
                sides.are_ready(self)?;
                sides.exchange(self.old.is_some(), self.new.is_some())?;
                match self.standing_of(sides.live.identity()?) {
                    Standing::Done => Ok(()),
                    // A machine that stood still after its look may find that another one has finished the switch
                    // meanwhile: then this has taken it back.
                    Standing::Pending => sides.exchange(self.old.is_some(), self.new.is_some()),
                    Standing::Unknown => Err(self.unknown()),
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
            Standing::Done => Sides::of(self)?.exchange(self.new.is_some(), self.old.is_some()),
            Standing::Unknown => Err(self.unknown()),
        }
    }

    fn standing_of(&self, live: Option<Identity>) -> Standing {
        if live == self.new {
            Standing::Done
        } else if live == self.old {
            Standing::Pending
        } else {
            Standing::Unknown
        }
    }

    fn unknown(&self) -> io::Error {
        io::Error::other(format!(
            "{} is neither what was live nor what was restored: something else has replaced it",
            self.live.display()
        ))
    }
}

/// The two paths of a step, by the folders that hold them, which are open: no link leads out of them, and whoever renames
/// one of those folders does not lead an exchange somewhere else.
struct Sides {
    live: Side,
    beside: Side,
}

struct Side {
    folder: OwnedFd,
    name: OsString,
}

impl Side {
    fn of(path: &Path) -> io::Result<Self> {
        let (folder, name) = held::open_parent(path)?;
        Ok(Self { folder, name })
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        Identity::of_any_at(&self.folder, &self.name)
    }
}

impl Sides {
    fn of(step: &Step) -> io::Result<Self> {
        Ok(Self {
            live: Side::of(&step.live)?,
            beside: Side::of(&step.beside)?,
        })
    }

    /// Makes sure that an exchange now makes of the old folder the new one. What is beside lies in a folder that nobody
    /// else can write to, or it is not the new one: it cannot be swapped after this look.
    fn are_ready(&self, step: &Step) -> io::Result<()> {
        // What is there and is neither folder nor file nor link is not the new one either.
        if self.beside.identity().ok() != Some(step.new) {
            return Err(io::Error::other(format!(
                "what stands at {} is not what was staged and verified: something else has taken its place, and does not \
                 become live",
                step.beside.display()
            )));
        }
        if self.live.identity()? != step.old {
            return Err(step.unknown());
        }
        Ok(())
    }

    fn exchange(&self, live_stands: bool, beside_stands: bool) -> io::Result<()> {
        let (live, beside) = (&self.live, &self.beside);
        let rename = |from: &Side, to: &Side, flags| {
            renameat_with(&from.folder, &from.name, &to.folder, &to.name, flags)
        };
        match (live_stands, beside_stands) {
            (true, true) => rename(beside, live, RenameFlags::EXCHANGE)?,
            (false, true) => rename(beside, live, RenameFlags::NOREPLACE)?,
            (true, false) => rename(live, beside, RenameFlags::NOREPLACE)?,
            (false, false) => return Ok(()),
        }
        fsync(&live.folder)?;
        Ok(fsync(&beside.folder)?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A step from what stands at both paths now.
    pub(crate) fn between(live: PathBuf, beside: PathBuf) -> io::Result<Step> {
        Ok(Step {
            old: Identity::of(&live)?,
            new: Identity::of(&beside)?,
            live,
            beside,
        })
    }

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
        let step = between(live.clone(), beside.clone()).unwrap();
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
    fn a_file_is_exchanged_beside_others_that_stay() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        std::fs::write(live.join("stays"), "stays").unwrap();
        let step = Step {
            live: live.join("text"),
            beside: beside.join("text"),
            old: Identity::of_any(&live.join("text")).unwrap(),
            new: Identity::of_any(&beside.join("text")).unwrap(),
        };
        step.is_known().unwrap();
        for _ in 0..2 {
            step.forward().unwrap();
            assert_eq!((text(&live), text(&beside)), ("new".into(), "old".into()));
        }
        assert!(!step.is_untouched().unwrap() && !step.is_not_beside());
        step.back().unwrap();
        assert_eq!((text(&live), text(&beside)), ("old".into(), "new".into()));
        // A folder in the place of the file is somebody else's.
        std::fs::remove_file(&step.live).unwrap();
        std::fs::create_dir(&step.live).unwrap();
        assert_eq!(step.standing().unwrap(), Standing::Unknown);
        assert!(step.forward().is_err());
        assert!(live.join("stays").exists());
    }

    #[test]
    fn a_folder_comes_where_nothing_was_and_goes_where_nothing_follows() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let fresh = between(root.path().join("fresh"), beside.clone()).unwrap();
        fresh.forward().unwrap();
        assert_eq!(text(&root.path().join("fresh")), "new");
        fresh.back().unwrap();
        assert_eq!(text(&beside), "new");

        let gone = between(live.clone(), root.path().join("nothing")).unwrap();
        gone.forward().unwrap();
        assert!(!live.exists());
        gone.back().unwrap();
        assert_eq!(text(&live), "old");
    }

    #[test]
    fn a_stranger_in_the_place_of_live_is_never_touched() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let step = between(live.clone(), beside).unwrap();
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
    fn what_was_put_in_the_place_of_what_comes_never_becomes_live() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let step = between(live.clone(), beside.clone()).unwrap();
        std::fs::rename(&beside, root.path().join("away")).unwrap();
        std::fs::create_dir(&beside).unwrap();
        for _ in 0..2 {
            let told = step.is_known().unwrap_err().to_string();
            assert!(told.contains("not what was staged and verified"), "{told}");
            assert!(step.forward().is_err());
            assert_eq!(step.standing().unwrap(), Standing::Pending);
            assert_eq!(text(&live), "old");
            std::fs::remove_dir(&beside)
                .or_else(|_| std::fs::remove_file(&beside))
                .unwrap();
            std::os::unix::fs::symlink(root.path().join("away"), &beside).unwrap();
        }
        // A link in the place of a folder above leads nowhere either.
        let (other, led) = (root.path().join("other"), root.path().join("led"));
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&other, &led).unwrap();
        let (_, beside) = folders(&other);
        let step = between(led.join("live"), beside).unwrap();
        assert!(step.forward().is_err());
        assert_eq!(text(&other.join("live")), "old");
    }

    #[test]
    fn a_copy_of_a_folder_is_another_one_even_with_the_same_number() {
        let root = tempfile::tempdir().unwrap();
        let (live, beside) = folders(root.path());
        let step = between(live.clone(), beside).unwrap();
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
        let step = between(root.path().join("fresh"), beside.clone()).unwrap();
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
        let step = between(live.clone(), beside.clone()).unwrap();
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
