//! A content folder that has files which are about to be written somewhere else: what is right in Live already.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};

use super::layout::Layout;
use super::rooted::Rooted;
use crate::content::backed_up::Donor;
use crate::content::{Item, ItemKind};

/// See the module.
#[derive(Debug)]
pub struct FolderDonor {
    folders: Rooted,
}

impl FolderDonor {
    /// The files in a folder that is open. `root` is where it is.
    #[must_use]
    pub fn held(root: &Path, folder: OwnedFd) -> Self {
        Self {
            folders: Rooted::held(root, folder),
        }
    }

    /// The same in a folder that is laid out like this.
    pub(super) fn laid_out(self, layout: Layout) -> Self {
        Self {
            folders: self.folders.laid_out(layout),
        }
    }
}

impl Donor for FolderDonor {
    fn open(&self, item: &Item) -> Option<File> {
        let ItemKind::File { size } = item.kind else {
            return None;
        };
        let (folder, name) = self.folders.holder(&item.path).ok()?;
        // Without NONBLOCK, a named pipe in the file's place would hold the reader for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&*folder, name, flags, Mode::empty()).ok()?);
        let about = file.metadata().ok()?;
        (about.is_file() && about.len() == size).then_some(file)
    }
}
