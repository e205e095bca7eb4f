//! An instance whose content is the home of a repository: a folder with a layout of its own, which has to be at rest.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{check, chosen, pointed, rest};
use crate::content::Content;
use crate::content::backed_up::BackedUp;
use crate::content::files::Files;
use crate::content::files::layout::{BINARIES, Layout, REPOSITORY, VERSION, WORKSPACES};
use crate::content::files::place::FolderPlace;
use crate::content::restoring::{About, Checked, Found, Place, RestoreError, Staged, Wanted, World};
use crate::disk::fstab;
use crate::domain::backup::InstanceCopy;
use crate::domain::check::Findings;
use crate::domain::plan::Selection;
use crate::watch::Watch;

/// The home of a repository.
pub(crate) struct HomePlace {
    path: PathBuf,
    /// What is done to it is done as to any other folder.
    folder: FolderPlace,
}

impl HomePlace {
    /// A home that is configured.
    pub(crate) fn new(path: &Path, world: World) -> Self {
        Self {
            path: path.to_owned(),
            folder: FolderPlace::of_home(path, world),
        }
    }
}

/// That something of a home is not mounted, as a sentence.
fn unmounted(home: &Path) -> Option<String> {
    let real = fs::canonicalize(home).ok()?;
    let missing = fstab::missing(&real);
    missing.first().map(|point| {
        format!(
            "/etc/fstab has something mounted on {}, and nothing is: a backup of the home would lack it. Mount it before the next \
             backup. For good, mount that disk on the folder above the home, with the whole home on it: what is mounted in a home \
             cannot be exchanged by a restore",
            point.display()
        )
    })
}

/// Something of a home that is a link to elsewhere, as far as it is seen at once: a workspace, a database, the data store, say.
/// What lies deeper is found by whoever copies it.
fn linked(home: &Path) -> Option<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let mut paths = entries(home);
    for folder in [REPOSITORY, VERSION, WORKSPACES] {
        paths.extend(entries(&home.join(folder)));
    }
    for workspace in entries(&home.join(WORKSPACES)) {
        paths.extend(entries(&workspace));
    }
    paths.extend(entries(&home.join(BINARIES)));
    paths.extend(entries(&home.join(VERSION).join("db")));
    for workspace in entries(&home.join(WORKSPACES)) {
        paths.extend(entries(&workspace.join("db")));
    }
    paths.into_iter().find(|path| path.is_symlink())
}

impl Place for HomePlace {
    fn content(&self) -> Arc<dyn Content> {
        self.folder.content()
    }

    fn folder(&self) -> Option<PathBuf> {
        self.folder.folder()
    }

    fn is_there(&self) -> bool {
        self.folder.is_there()
    }

    fn which(&self) -> Option<String> {
        self.folder.which()
    }

    fn takes(&self, copy: &InstanceCopy) -> Result<(), String> {
        self.folder.takes(copy)
    }

    fn takes_parts(&self, _selection: &Selection) -> Result<(), String> {
        Err(
            "its content is the home of a repository, where nodes are in the files of a database and no file stands for itself: \
             restore the workspace (--workspace) where that can come back alone, or the whole instance, or restore it elsewhere \
             (`lifeboat restore … --into DIR`), start a Magnolia on that, and take what is needed from there with Magnolia's own \
             export and import"
                .to_owned(),
        )
    }

    fn why_no_backup(&self) -> Option<String> {
        pointed::wrong(&self.path).or_else(|| unmounted(&self.path)).or_else(|| {
            linked(&self.path).map(|link| {
                format!(
                    "{} is a symbolic link to a folder, and links are not followed: a backup would lack what it leads to. Put \
                     the folder itself there. For another disk, mount that on the folder above {}, so that the whole home is \
                     on it",
                    link.display(),
                    self.path.display()
                )
            })
        })
    }

    fn why_no_backup_at_all(&self) -> Option<String> {
        self.folder.why_no_backup_at_all()
    }

    fn warning_of_backup(&self) -> Option<String> {
        self.folder.warning_of_backup()
    }

    fn has_to_rest(&self) -> bool {
        true
    }

    fn at_rest(&self) -> Result<String, String> {
        rest::at_rest(&self.path)
    }

    fn plan(
        &self,
        backup: &dyn BackedUp,
        wanted: &Wanted<'_>,
        found: &mut Found,
        watch: &dyn Watch,
    ) -> Result<(), RestoreError> {
        if let Some(why) = pointed::in_the_way(&self.path) {
            found.obstacles.push(why);
            return Ok(());
        }
        self.folder.plan(backup, wanted, found, watch)?;
        if self.takes(backup.copy()).is_err() {
            return Ok(());
        }
        // One that is not there, or is lost in part, is brought back as a whole.
        let content = Files::new(&self.path).laid_out(Layout::Home).while_at_work();
        if self.path.exists() {
            let told = chosen::look(&self.path, &content, backup, wanted, watch)?;
            found.obstacles.extend(told.obstacles);
            found.warnings.extend(told.warnings);
        } else if !wanted.selection.workspaces.is_empty() {
            found.obstacles.push(format!(
                "the home {} is gone, and chosen workspaces are nothing without it: bring back the whole instance",
                self.path.display()
            ));
        }
        Ok(())
    }

    fn stage(&self, backup: &dyn BackedUp, about: &About<'_>) -> Result<Box<dyn Staged>, RestoreError> {
        self.folder.stage(backup, about)
    }

    fn stage_in_scratch(
        &self,
        scratch: &Path,
        backup: &dyn BackedUp,
        about: &About<'_>,
    ) -> Result<Box<dyn Staged>, RestoreError> {
        self.folder.stage_in_scratch(scratch, backup, about)
    }

    fn plan_in_scratch(
        &self,
        base: &Path,
        backup: &dyn BackedUp,
        selection: &Selection,
        found: &mut Found,
    ) -> Result<(), RestoreError> {
        if !selection.workspaces.is_empty() {
            found.obstacles.push(format!(
                "the backup of {} is of a whole home, and chosen workspaces are nothing without the rest of it: take the whole \
                 instance",
                backup.copy().name
            ));
        }
        self.folder.plan_in_scratch(base, backup, selection, found)
    }

    fn left_over(&self) -> Vec<PathBuf> {
        self.folder.left_over()
    }

    fn check(&self, about: &Checked<'_>, findings: &mut Findings<'_>) {
        check::check(&self.path, about, findings);
        if let Some(unmounted) = unmounted(&self.path) {
            findings.failed("content", unmounted);
        }
        if let Some(link) = linked(&self.path) {
            findings.failed(
                "content",
                format!(
                    "{} is a symbolic link to a folder, and links are not followed: no backup is made without what it leads \
                     to. Put the folder itself there",
                    link.display()
                ),
            );
        }
        self.folder.check_beside(about, findings);
    }
}
