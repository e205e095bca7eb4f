//! Knows the home of a repository wherever somebody points at one: at the home, at its workspaces, at one of them, or at the
//! folder above. Taken for plain folders, each of these would make backups that lack something in silence.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Home, definition};
use crate::content::files::layout::{REPOSITORY, VERSION, WORKSPACES};
use crate::domain::check::HomeFound;

/// How far within a home a folder is looked for.
const DEEPEST: usize = 4;
/// So many folders are looked at for a home that is two below.
const MOST: usize = 1_000;

/// What of a home a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pointed {
    /// The home itself.
    Home,
    /// The folder of its workspaces.
    Workspaces,
    /// One of its workspaces.
    Workspace,
    /// Another folder in it.
    Within,
    /// The folder that the home is in, or the one above that.
    Above,
}

impl fmt::Display for Pointed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Home => "the home",
            Self::Workspaces => "the folder of the workspaces",
            Self::Workspace => "one workspace",
            Self::Within => "a folder within the home",
            Self::Above => "a folder above the home",
        })
    }
}

/// The home that a path leads to, and what of it that is. Of several in one folder the first by name.
pub(crate) fn recognise(path: &Path) -> Option<(Home, Pointed)> {
    // What holds a folder is told by where it really is.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(home) = Home::look(path) {
        return Some((home, Pointed::Home));
    }
    let above = |levels| real.ancestors().nth(levels).map(Path::to_owned);
    if definition(path).is_some() {
        let home = above(2).and_then(|home| Home::look(&home))?;
        return Some((home, Pointed::Workspace));
    }
    if let Some(home) = real.ancestors().skip(1).take(DEEPEST).find_map(|above| {
        let within = real.strip_prefix(above).ok()?;
        let mut parts = [REPOSITORY, VERSION, WORKSPACES].iter();
        let is_its = parts.any(|part| within.starts_with(part)) && within != Path::new(WORKSPACES);
        is_its.then(|| Home::look(above))?
    }) {
        return Some((home, Pointed::Within));
    }
    let below = folders(path, usize::MAX);
    if real.ends_with(WORKSPACES) && below.iter().any(|folder| definition(folder).is_some()) {
        let home = above(1).and_then(|home| Home::look(&home))?;
        return Some((home, Pointed::Workspaces));
    }
    let further = || below.iter().flat_map(|folder| folders(folder, MOST));
    below
        .iter()
        .find_map(|folder| Home::look(folder))
        .or_else(|| further().take(MOST).find_map(|folder| Home::look(&folder)))
        .map(|home| (home, Pointed::Above))
}

/// The folders among so many entries of a folder, by name. None of one that cannot be read.
fn folders(path: &Path, most: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten().take(most);
    let mut folders: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// What is wrong with a folder as a plain content folder, and what to write instead. A sentence; `None` for one that has
/// nothing to do with a repository's home.
pub(crate) fn instead_of_folder(path: &Path) -> Option<String> {
    let (home, pointed) = recognise(path)?;
    let place = path.display();
    Some(match home.lacks() {
        Some(lacks) => {
            format!("{place} is {pointed} of a Jackrabbit repository that {lacks}")
        }
        None => format!(
            "{place} is {pointed} of a Jackrabbit repository on {}: taken as plain folders, its version storage, its data \
             store and its node types would be missing or out of step, and a database would be copied while it is written to. \
             Write content = {{ type = \"home\", path = \"{}\" }}, with hooks that stop and start the server",
            home.kind(),
            home.path.display()
        ),
    })
}

/// What keeps a restore from putting a home at a path: another part of one is there, or one whose content is elsewhere. A home
/// that is broken does not.
pub(super) fn in_the_way(path: &Path) -> Option<String> {
    let (home, pointed) = recognise(path)?;
    if pointed == Pointed::Home && !home.is_of_a_database() {
        return None;
    }
    wrong(path)
}

/// What keeps a path from being the home that it is configured as. A sentence. `None` for one that is not there: a restore
/// makes it.
pub(super) fn wrong(path: &Path) -> Option<String> {
    let place = path.display();
    match recognise(path) {
        Some((home, Pointed::Home)) => {
            let lacks = home.lacks()?;
            Some(format!("{place} is the home of a Jackrabbit repository that {lacks}"))
        }
        Some((home, pointed)) => Some(format!(
            "{place} is {pointed} of a Jackrabbit repository, and the home is {}: write path = \"{}\"",
            home.path.display(),
            home.path.display()
        )),
        None => path.exists().then(|| {
            format!(
                "{place} is not the home of a Jackrabbit repository: no folder in its {WORKSPACES} has a workspace.xml. Name \
                 the folder that holds repository, version and {WORKSPACES}"
            )
        }),
    }
}

/// Looks whether a folder that is not configured yet leads to the home of a repository.
#[must_use]
pub fn look_at_folder(path: &Path) -> Option<HomeFound> {
    let (home, pointed) = recognise(path)?;
    Some(HomeFound {
        pointed: pointed.to_string(),
        kind: home.kind().to_owned(),
        workspaces: home.workspaces().map(str::to_owned).collect(),
        lacks: home.lacks(),
        home: home.path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(home: &Path, name: &str, class: &str) {
        let folder = home.join("workspaces").join(name);
        fs::create_dir_all(folder.join("db")).unwrap();
        fs::write(
            folder.join("workspace.xml"),
            format!("<Workspace name=\"{name}\"><PersistenceManager class=\"{class}\"/></Workspace>"),
        )
        .unwrap();
        if class.contains("H2") {
            fs::write(folder.join("db/itemState.mv.db"), "nodes").unwrap();
        }
    }

    #[test]
    fn a_home_is_known_from_everywhere_and_folders_of_content_are_not_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let home = root.join("repositories/magnolia");
        for name in ["website", "dam"] {
            workspace(
                &home,
                name,
                "org.apache.jackrabbit.core.persistence.pool.H2PersistenceManager",
            );
        }
        fs::create_dir_all(home.join("repository")).unwrap();
        for (path, pointed) in [
            ("repositories/magnolia", Pointed::Home),
            ("repositories/magnolia/workspaces", Pointed::Workspaces),
            ("repositories/magnolia/workspaces/dam", Pointed::Workspace),
            ("repositories/magnolia/repository", Pointed::Within),
            ("repositories/magnolia/workspaces/dam/db", Pointed::Within),
            ("repositories", Pointed::Above),
            ("", Pointed::Above),
        ] {
            let (found, at) = recognise(&root.join(path)).unwrap();
            assert_eq!((found.path.as_path(), at), (home.as_path(), pointed));
            let told = instead_of_folder(&root.join(path)).unwrap();
            let right = format!("content = {{ type = \"home\", path = \"{}\" }}", home.display());
            assert!(told.contains(&right) && told.contains(&at.to_string()), "{told}");
            assert_eq!(wrong(&root.join(path)).is_none(), pointed == Pointed::Home);
            assert_eq!(in_the_way(&root.join(path)).is_none(), pointed == Pointed::Home);
        }
        // A link to the workspaces leads to the home as well.
        std::os::unix::fs::symlink(home.join("workspaces"), root.join("content")).unwrap();
        assert_eq!(recognise(&root.join("content")).unwrap().1, Pointed::Workspaces);

        let content = root.join("plain/content");
        for workspace in ["website", "dam", "workspaces"] {
            fs::create_dir_all(content.join(workspace).join("home")).unwrap();
            fs::write(content.join(workspace).join("workspace.xml"), "<page/>").unwrap();
        }
        for path in ["plain", "plain/content", "plain/content/website", "nothing"] {
            assert_eq!(instead_of_folder(&root.join(path)), None, "{path}");
        }
        assert!(wrong(&content).unwrap().contains("is not the home"));
        assert_eq!(wrong(&root.join("nothing")), None);
    }

    #[test]
    fn the_home_of_a_database_leads_to_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap().join("magnolia");
        workspace(&home, "website", "a.PostgreSQLPersistenceManager");
        for path in [
            home.clone(),
            home.join("workspaces"),
            home.join("workspaces/website"),
        ] {
            let told = instead_of_folder(&path).unwrap();
            assert!(
                told.contains("type = \"postgres\"") && told.contains("home = \""),
                "{told}"
            );
        }
        assert!(wrong(&home).unwrap().contains("type = \"postgres\""));
        workspace(&home, "dam", "a.OraclePersistenceManager");
        fs::remove_dir_all(home.join("workspaces/website")).unwrap();
        assert!(wrong(&home).unwrap().contains("OraclePersistenceManager"));
        assert_eq!(in_the_way(&home), None, "it may be lost");
    }
}
