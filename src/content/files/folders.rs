//! The folders that a content folder is made of, for whoever moves them: which go, by which names, and whose they are.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, statat};
use rustix::io::Errno;

use super::layout::Layout;
use crate::disk::held;
use crate::domain::plan::Selection;

/// What a restore of this selection moves out of Live's place: the content folder, or workspaces in it.
pub(super) fn goes(content: &Path, layout: Layout, selection: &Selection) -> io::Result<Vec<PathBuf>> {
    let whole = || Ok(vec![content.to_owned()]);
    if !layout.is_plain() && selection.workspaces.is_empty() && content.exists() {
        return whole();
    }
    let content = &content.join(layout.workspaces());
    let Some(found) = folders_in(content)? else {
        return Ok(Vec::new());
    };
    if selection.workspaces.is_empty() && found.others == 0 {
        return whole();
    }
    let is_chosen = |name: &OsString| {
        name.to_str().map_or(selection.workspaces.is_empty(), |name| {
            selection.has_workspace(name)
        })
    };
    let chosen = found.folders.into_iter().filter(is_chosen);
    Ok(chosen.map(|name| content.join(name)).collect())
}

/// Of the folders that a restore moves, those that it could not: what is moved is noted by its name, as text. A sentence.
pub(super) fn misnamed(goes: &[PathBuf]) -> Option<String> {
    let is_misnamed = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_str().is_none());
    let names: Vec<_> = goes
        .iter()
        .filter(is_misnamed)
        .map(|path| path.display().to_string())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "the name of {} is not UTF-8, and with loose files beside the workspaces each of them is exchanged by its name, \
             so no restore is possible: no workspace of Jackrabbit's is named so. Give it another name, or move it or the \
             loose files away",
            names.join(", ")
        )
    })
}

/// Who the content folder or a workspace in it belongs to, if not to the user that Lifeboat runs as; `None` for root,
/// who may give files to anybody.
pub(super) fn foreign_owner(content: &Path, layout: Layout) -> Option<u32> {
    let me = rustix::process::geteuid();
    if me.is_root() {
        return None;
    }
    let below = |folder: PathBuf| {
        let found = folders_in(&folder).ok().flatten().into_iter();
        let names = found.flat_map(|found| found.folders);
        names.map(move |name| folder.join(name))
    };
    let workspaces = content.join(layout.workspaces());
    let in_home = (!layout.is_plain()).then(|| below(content.to_owned()));
    std::iter::once(content.to_owned())
        .chain(in_home.into_iter().flatten())
        .chain(below(workspaces))
        .filter_map(|path| fs::symlink_metadata(path).ok())
        .map(|metadata| metadata.uid())
        .find(|owner| *owner != me.as_raw())
}

pub(super) struct Found {
    pub(super) folders: Vec<OsString>,
    pub(super) others: usize,
}

/// The folders in a folder, and how much else there is. `None` when it does not exist. For looks that change nothing.
fn folders_in(folder: &Path) -> io::Result<Option<Found>> {
    match held::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => folders_of(&opened?).map(Some),
    }
}

/// The same of an open folder.
pub(super) fn folders_of(folder: &OwnedFd) -> io::Result<Found> {
    let mut found = Found {
        folders: Vec::new(),
        others: 0,
    };
    for name in held::names(folder)? {
        match statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) if FileType::from_raw_mode(about.st_mode) == FileType::Directory => {
                found.folders.push(name);
            }
            Ok(_) => found.others += 1,
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}
