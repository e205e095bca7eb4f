//! Search indexes of Jackrabbit's: it builds one only where there is none, so those of what was restored have to go.
//!
//! They lie in folders of Magnolia's account, which may swap what lies there. So the way to each is walked once, through no
//! link that this account can have put there, and what is found is renamed and removed by the folder that holds it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, openat, renameat_with, statat, unlinkat};
use rustix::io::Errno;

use super::files::staging::{longest_name, name_beside};
use crate::disk::held::{self, FOLDER, Identity};
use crate::disk::removal;
use crate::domain::os_error::in_words;

/// A place where a search index may be.
pub(crate) struct IndexFolder {
    /// Its path, for messages.
    pub(crate) path: PathBuf,
    /// The folder that holds it, open, and its name there; or why there is no way to it.
    held: io::Result<(OwnedFd, OsString)>,
}

/// The places that a pattern stands for. Workspaces are folders in the case that Jackrabbit knows them in, and tables
/// have lost it: `{workspace}` matches in any case.
pub(crate) fn places(pattern: &Path, workspaces: &[String]) -> Vec<IndexFolder> {
    let text = pattern.to_string_lossy();
    let Some((before, after)) = text.split_once("{workspace}") else {
        let held = pattern.parent().map_or_else(|| held::reach(pattern), held::reach);
        let name = pattern.file_name().unwrap_or_default().to_owned();
        return vec![IndexFolder {
            path: pattern.to_owned(),
            held: held.map(|reached| (reached.folder, name)),
        }];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let (suffix, below) = after
        .split_once('/')
        .map_or((after, ""), |(suffix, below)| (suffix, below));
    let wanted: Vec<String> = workspaces
        .iter()
        .map(|name| format!("{prefix}{name}{suffix}").to_lowercase())
        .collect();
    let parent = Path::new(if parent.is_empty() { "/" } else { parent });
    let names = held::reach(parent).and_then(|reached| held::names(&reached.folder));
    let names = match names {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![IndexFolder {
                path: pattern.to_owned(),
                held: Err(error),
            }];
        }
    };
    names
        .into_iter()
        .filter(|name| wanted.contains(&name.to_string_lossy().to_lowercase()))
        .map(|name| {
            let mut path = parent.join(name);
            if !below.is_empty() {
                path.push(below);
            }
            let name = path.file_name().unwrap_or_default().to_owned();
            let held = path.parent().map_or_else(|| held::reach(&path), held::reach);
            IndexFolder {
                path,
                held: held.map(|reached| (reached.folder, name)),
            }
        })
        .collect()
}

/// What stands in a place.
enum Found {
    /// One of Jackrabbit's search indexes.
    Index(Identity),
    /// A link to one, which is kept elsewhere.
    Linked,
    /// A folder with nothing in it: Jackrabbit builds its index there.
    Empty,
    /// Something else's folder.
    Other,
}

impl IndexFolder {
    /// Whether a search index is here, or a place for one; `None` when there is nothing.
    ///
    /// # Errors
    /// Why nobody can tell, or why it would not be removed.
    pub(crate) fn is_index(&self) -> Result<Option<bool>, String> {
        let found = self.look()?;
        Ok(found.map(|found| !matches!(found, Found::Other)))
    }

    fn look(&self) -> Result<Option<Found>, String> {
        let (parent, name) = match &self.held {
            Ok(held) => held,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(in_words(error)),
        };
        look_at(parent, name).map_err(|error| in_words(&error))
    }

    /// Removes the search index, if there is one. Renamed first, so that Jackrabbit never finds half of one.
    ///
    /// # Errors
    /// Why it is still there.
    pub(crate) fn remove(&self) -> Result<bool, String> {
        match (self.look()?, &self.held) {
            (None | Some(Found::Empty), _) | (_, Err(_)) => Ok(false),
            (Some(Found::Other), _) => {
                Err("it does not look like one of Jackrabbit's, so it was left alone".to_owned())
            }
            // Of an index that is kept elsewhere and linked to, only the link goes.
            (Some(Found::Linked), Ok((parent, name))) => unlinkat(parent, name, AtFlags::empty())
                .map(|()| true)
                .map_err(|error| in_words(&error.into())),
            (Some(Found::Index(index)), Ok((parent, name))) => self
                .remove_folder(parent, name, index)
                .map(|()| true)
                .map_err(|error| in_words(&error)),
        }
    }

    fn remove_folder(&self, parent: &OwnedFd, name: &OsStr, index: Identity) -> io::Result<()> {
        let above = self.path.parent().unwrap_or(&self.path);
        let aside = name_beside(name, ".lifeboat-removed", longest_name(&held::handle(parent)));
        let place = above.join(&aside);
        // What an interrupted removal left goes first.
        match statat(parent, &aside, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Ok(about) if FileType::from_raw_mode(about.st_mode) != FileType::Directory => {
                unlinkat(parent, &aside, AtFlags::empty())?;
            }
            _ => {
                removal::remove_from(parent, &aside, &place, None)?;
            }
        }
        renameat_with(parent, name, parent, &aside, RenameFlags::NOREPLACE)?;
        if removal::remove_from(parent, &aside, &place, Some(index))? {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "something else took its place, and is now {}: it was left alone",
            place.display()
        )))
    }
}

fn look_at(parent: impl AsFd, name: &OsStr) -> io::Result<Option<Found>> {
    let (folder, is_link) = match openat(&parent, name, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            // Only looked at: what it leads to is never touched.
            match openat(&parent, name, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty()) {
                Err(Errno::NOENT) => return Ok(None),
                opened => (opened?, true),
            }
        }
        opened => (opened?, false),
    };
    let names = held::names(&folder)?;
    // Jackrabbit lists the parts of an index in files of this name; without one it is something else's folder.
    let is_index = names
        .iter()
        .any(|name| name.to_string_lossy().starts_with("indexes"));
    Ok(Some(match (is_index, is_link) {
        (true, false) => Found::Index(Identity::of_open(&folder)?),
        (true, true) => Found::Linked,
        (false, _) if names.is_empty() => Found::Empty,
        (false, _) => Found::Other,
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

    use super::*;

    fn index_in(folder: &Path) -> PathBuf {
        let index = folder.join("index");
        fs::create_dir_all(index.join("_0")).unwrap();
        fs::write(index.join("indexes_2"), "").unwrap();
        index
    }

    fn only(pattern: &Path) -> IndexFolder {
        let mut found = places(pattern, &["website".to_owned()]);
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn search_indexes_are_found_in_any_case_and_nothing_else_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for workspace in ["website", "mgnlVersion", "dam"] {
            index_in(&home.join("workspaces").join(workspace));
        }
        let pattern = home.join("workspaces/{workspace}/index");
        let found = places(&pattern, &["mgnlversion".to_owned(), "website".to_owned()]);
        assert_eq!(found.len(), 2);
        for place in &found {
            assert_eq!(place.is_index(), Ok(Some(true)));
            assert_eq!(place.remove(), Ok(true));
            assert_eq!(place.remove(), Ok(false));
            assert_eq!(fs::read_dir(place.path.parent().unwrap()).unwrap().count(), 0);
        }
        assert!(home.join("workspaces/dam/index/indexes_2").exists());
        assert!(only(&home.join("workspaces")).remove().is_err());
        assert!(home.join("workspaces").exists());
        // Jackrabbit builds its index in an empty folder as well.
        fs::create_dir(home.join("workspaces/website/index")).unwrap();
        assert_eq!(only(&pattern).remove(), Ok(false));
        assert!(home.join("workspaces/website/index").exists());
        assert!(places(&home.join("gone/{workspace}/index"), &["website".to_owned()]).is_empty());
    }

    #[test]
    fn of_an_index_that_is_linked_to_only_the_link_goes() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let elsewhere = index_in(&home.join("fast"));
        fs::create_dir_all(home.join("workspaces/website")).unwrap();
        symlink(&elsewhere, home.join("workspaces/website/index")).unwrap();
        assert_eq!(
            only(&home.join("workspaces/{workspace}/index")).remove(),
            Ok(true)
        );
        assert!(home.join("workspaces/website/index").symlink_metadata().is_err());
        assert!(elsewhere.join("indexes_2").exists());
    }

    #[test]
    fn an_account_that_swaps_a_folder_for_a_link_has_nothing_removed_elsewhere() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
        let repository = index_in(&home.join("repository"));
        let workspaces = home.join("workspaces");
        index_in(&workspaces.join("website"));
        let pattern = workspaces.join("{workspace}/index");
        // Between the look and the removal: what was found is removed, and what took its place is not looked at.
        let place = only(&pattern);
        fs::rename(workspaces.join("website"), workspaces.join("moved")).unwrap();
        symlink(home.join("repository"), workspaces.join("website")).unwrap();
        assert_eq!(place.remove(), Ok(true));
        assert!(!workspaces.join("moved/index").exists());
        assert!(repository.join("indexes_2").exists());
        // Before it. Only root can play another account.
        if rustix::process::geteuid().is_root() {
            lchown(workspaces.join("website"), Some(65_534), None).unwrap();
            chown(&workspaces, Some(65_534), None).unwrap();
            let place = only(&pattern);
            assert!(place.is_index().unwrap_err().contains("it is not followed"));
            assert!(place.remove().unwrap_err().contains("it is not followed"));
            assert!(repository.join("indexes_2").exists());
        }
    }
}
