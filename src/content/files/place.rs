//! An instance whose content is in a folder: what a plan and a check find there, and how a restore is staged beside it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Access, access};

use super::Files;
use super::beside::StagedFolder;
use super::in_the_way::{covered, misnamed};
use super::layout::Layout;
use super::parts;
use super::staging::{self, Staging};
use crate::content::backed_up::{BackedUp, Depth};
use crate::content::home::pointed::instead_of_folder;
use crate::content::restoring::{
    About, Checked, Found, Place, RestoreError, Staged, StagingSize, Wanted, World,
};
use crate::content::{Content, ContentError, Item};
use crate::domain::backup::InstanceCopy;
use crate::domain::check::Findings;
use crate::domain::environment::HOME;
use crate::domain::measure;
use crate::domain::os_error::in_words;
use crate::domain::plan::Selection;
use crate::watch::Watch;

/// A content folder.
pub(crate) struct FolderPlace {
    pub(super) path: PathBuf,
    pub(super) layout: Layout,
    pub(super) world: World,
}

/// Content that is not there: a Live whose folder is gone. A restore brings it back.
struct Nothing;

impl Content for Nothing {
    fn place(&self) -> String {
        "nothing".to_owned()
    }

    fn walk<'a>(
        &'a self,
        _left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        Box::new(std::iter::empty())
    }

    fn open(&self, item: &Item) -> Result<Box<dyn io::Read + Send>, ContentError> {
        Err(ContentError::Changed {
            path: item.path.clone(),
            what: "vanished",
        })
    }
}

impl FolderPlace {
    /// A folder that is configured.
    pub(crate) fn new(path: &Path, world: World) -> Self {
        Self {
            path: path.to_owned(),
            layout: Layout::Workspaces,
            world,
        }
    }

    /// The home of a repository.
    pub(crate) fn of_home(path: &Path, world: World) -> Self {
        Self {
            layout: Layout::Home,
            ..Self::new(path, world)
        }
    }

    fn check_workspaces(&self, findings: &mut Findings<'_>) {
        let path = self.path.display();
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) => {
                return findings.failed(
                    "content",
                    format!(
                        "{path} cannot be read: {error}. Name the folder that holds one folder per workspace, and let the \
                         user of Lifeboat read it",
                        error = in_words(&error),
                    ),
                );
            }
        };
        let mut workspaces = Vec::new();
        let mut closed = Vec::new();
        let mut linked = Vec::new();
        for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
            let workspace = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                linked.push(workspace);
                continue;
            }
            if access(entry.path(), Access::READ_OK | Access::EXEC_OK).is_err() {
                closed.push(workspace.clone());
            }
            workspaces.push(workspace);
        }
        workspaces.sort();
        linked.sort();
        if !closed.is_empty() {
            findings.failed(
                "content",
                format!(
                    "{} of {path} cannot be read: let the user of Lifeboat read them",
                    closed.join(", ")
                ),
            );
        } else if !linked.is_empty() {
            findings.failed(
                "content",
                format!(
                    "{} of {path} are symbolic links to folders, and links are not followed: no backup is made without \
                     them. Put the folders themselves there",
                    linked.join(", ")
                ),
            );
        } else if workspaces.is_empty() {
            findings.warning(
                "content",
                format!("{path} holds no workspace: name the folder that holds one folder per workspace"),
            );
        } else {
            findings.ok("content", format!("{path}: {}", workspaces.join(", ")));
        }
    }

    pub(crate) fn check_beside(&self, about: &Checked<'_>, findings: &mut Findings<'_>) {
        // What a second copy takes is known from the last backup; before there is one, only the way is looked at.
        let needs = about.last.map_or_else(StagingSize::default, |copy| StagingSize {
            bytes: copy.bytes(),
            items: copy.items(),
        });
        let mut found = Found::default();
        self.look_beside(about.instance, (&Selection::default(), None), needs, &mut found);
        for warning in found.warnings {
            findings.warning("restore", warning);
        }
        for room in found.room.iter().filter(|room| room.is_enough()) {
            let needed = match room.needed {
                0 => "how much a restore needs is known after the first backup".to_owned(),
                needed => format!("{} needed for a second copy", measure::bytes(needed)),
            };
            findings.ok(
                "room",
                format!("{} free in {}, {needed}", measure::bytes(room.free), room.folder),
            );
        }
        if found.obstacles.is_empty() {
            findings.ok("exchange", "folders can be exchanged here in one step");
        }
        for obstacle in found.obstacles {
            findings.failed("restore", obstacle);
        }
    }
}

impl Place for FolderPlace {
    fn content(&self) -> Arc<dyn Content> {
        Arc::new(Files::new(&self.path).laid_out(self.layout))
    }

    fn folder(&self) -> Option<PathBuf> {
        staging::resolve(&self.path).ok()
    }

    fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// The content folder by its number in the file system.
    fn which(&self) -> Option<String> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Some(format!("{}:{}", metadata.dev(), metadata.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some("none".to_owned()),
            Err(_) => None,
        }
    }

    fn takes(&self, copy: &InstanceCopy) -> Result<(), String> {
        let is_of_a_home = copy.workspaces.iter().any(|part| part.name == HOME);
        let taken_from = match (copy.tables.is_empty(), is_of_a_home) {
            (false, _) => "a database",
            (true, true) => "the home of a repository",
            (true, false) => "a folder of workspaces",
        };
        let is_here = match self.layout {
            Layout::Workspaces => "a folder of workspaces",
            Layout::Home => "the home of a repository",
        };
        if taken_from == is_here {
            return Ok(());
        }
        Err(format!(
            "the backup of {} was taken from {taken_from}, and this instance has {is_here}",
            copy.name
        ))
    }

    fn takes_parts(&self, selection: &Selection) -> Result<(), String> {
        parts::chosen(selection).map(drop)
    }

    /// A workspace that is a link to a folder would be missing from the backup, since links are never followed.
    fn why_no_backup(&self) -> Option<String> {
        if let Some(instead) = instead_of_folder(&self.path) {
            return Some(instead);
        }
        // A folder that cannot be read fails the copy, with its reason.
        let entries = fs::read_dir(&self.path).ok()?;
        let linked = entries.flatten().find(|entry| {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            is_link && entry.path().is_dir()
        })?;
        Some(format!(
            "{} is a symbolic link to a folder, and links are not followed: a backup would lack this workspace. Put the \
             folder itself there. Not a mount: what something is mounted on cannot be restored. Content for another disk \
             goes there as a whole, to a file system that is mounted on the folder above {}",
            linked.path().display(),
            self.path.display()
        ))
    }

    fn why_no_backup_at_all(&self) -> Option<String> {
        covered(&self.path)
    }

    fn warning_of_backup(&self) -> Option<String> {
        misnamed(&self.path, self.layout)
    }

    fn plan(
        &self,
        backup: &dyn BackedUp,
        wanted: &Wanted<'_>,
        found: &mut Found,
        watch: &dyn Watch,
    ) -> Result<(), RestoreError> {
        let copy = backup.copy();
        if let Err(why) = self.takes(copy) {
            found.obstacles.push(format!("{why}: it cannot be put there"));
            return Ok(());
        }
        if self.layout.is_plain() {
            found.obstacles.extend(instead_of_folder(&self.path));
        }
        if !copy.left_out.is_empty() {
            found.warnings.push(format!(
                "the backup does not hold all that was in {} when it was taken: {}",
                copy.name,
                copy.left_out.join("; ")
            ));
        }
        let parts = if wanted.selection.has_paths() {
            let Some(parts) = self.plan_parts(backup, wanted, found)? else {
                return Ok(());
            };
            Some(parts)
        } else {
            None
        };
        let content: Box<dyn Content> = if self.path.exists() {
            Box::new(Files::new(&self.path).laid_out(self.layout).while_at_work())
        } else {
            found.beforehand.push(format!(
                "the content of {} is gone: all of it comes back",
                copy.name
            ));
            found.changes_more = true;
            Box::new(Nothing)
        };
        watch.instance(&copy.name);
        let changes = if let Some(known) = wanted.known_of(&copy.name) {
            known
        } else {
            let compared = backup.compare(wanted.selection, &*content, Depth::Quick, watch)?;
            found.newest_change = found.newest_change.max(compared.newest_change);
            compared.changes
        };
        let needs = StagingSize {
            bytes: changes.iter().map(|change| change.bytes).sum(),
            // The workspaces' own folders are not counted as items of theirs.
            items: changes
                .iter()
                .map(|change| change.added + change.changed + change.unchanged + 1)
                .sum(),
        };
        found.changes.extend(changes);
        self.look_beside(&copy.name, (wanted.selection, parts.as_ref()), needs, found);
        Ok(())
    }

    fn stage(&self, _backup: &dyn BackedUp, about: &About<'_>) -> Result<Box<dyn Staged>, RestoreError> {
        Ok(Box::new(StagedFolder {
            staging: Staging::beside(&self.path, self.layout, about.job)?,
            is_scratch: false,
        }))
    }

    fn stage_in_scratch(
        &self,
        scratch: &Path,
        _backup: &dyn BackedUp,
        _about: &About<'_>,
    ) -> Result<Box<dyn Staged>, RestoreError> {
        Ok(Box::new(StagedFolder {
            staging: Staging::in_scratch(&self.path, self.layout, scratch)?,
            is_scratch: true,
        }))
    }

    fn plan_in_scratch(
        &self,
        base: &Path,
        backup: &dyn BackedUp,
        selection: &Selection,
        found: &mut Found,
    ) -> Result<(), RestoreError> {
        let copy = backup.copy();
        let chosen = copy
            .workspaces
            .iter()
            .filter(|workspace| selection.has_workspace(&workspace.name));
        let bytes = chosen.map(|workspace| workspace.bytes).sum();
        found.push_room(copy.name.to_string(), base, bytes);
        Ok(())
    }

    fn left_over(&self) -> Vec<PathBuf> {
        let Some(place) = self.folder() else {
            return Vec::new();
        };
        let (Some(above), Some(name)) = (place.parent(), place.file_name()) else {
            return Vec::new();
        };
        let begins = [b".", name.as_bytes(), b".lifeboat-"].concat();
        let is_left = |name: &OsStr| {
            let number = name.as_bytes().strip_prefix(begins.as_slice());
            number.is_some_and(|number| number.first().is_some_and(u8::is_ascii_digit))
        };
        let Ok(entries) = fs::read_dir(above) else {
            return Vec::new();
        };
        let mut left: Vec<_> = entries
            .flatten()
            .filter(|entry| is_left(&entry.file_name()))
            .map(|entry| entry.path())
            .collect();
        left.sort();
        left
    }

    fn check(&self, about: &Checked<'_>, findings: &mut Findings<'_>) {
        match instead_of_folder(&self.path) {
            Some(instead) => findings.failed("content", instead),
            None => self.check_workspaces(findings),
        }
        self.check_beside(about, findings);
    }
}
