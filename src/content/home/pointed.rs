//! Knows the home of a repository wherever somebody points at one: at the home, at its workspaces, at one of them, or at the
//! folder above. Taken for plain folders, each of these would make backups that lack something in silence.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::definition::of_workspace;
use super::{At, Home, workspaces_in};
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

/// What a path leads to.
#[derive(Debug, Clone)]
pub(crate) struct Recognised {
    /// The home.
    pub(crate) home: Home,
    /// What of it the path is.
    pub(crate) pointed: Pointed,
    /// Other homes that are in the same folder.
    pub(crate) others: Vec<PathBuf>,
}

/// The home that a path leads to, and what of it that is. Of several in one folder the first by name, and the others by theirs.
pub(crate) fn recognise(path: &Path) -> Option<Recognised> {
    let alone = |(home, pointed)| Recognised {
        home,
        pointed,
        others: Vec::new(),
    };
    if let Some(found) = in_a_home(path) {
        return Some(alone(found));
    }
    let below = folders(path, usize::MAX);
    let mut homes = homes_in(&below);
    if homes.is_empty() {
        let further = below.iter().flat_map(|folder| folders(folder, MOST));
        homes = homes_in(&further.take(MOST).collect::<Vec<_>>());
    }
    if homes.is_empty() {
        return Home::apart(path).map(|home| alone((home, Pointed::Workspaces)));
    }
    let home = homes.remove(0);
    Some(Recognised {
        home,
        pointed: Pointed::Above,
        others: homes.into_iter().map(|home| home.path).collect(),
    })
}

fn homes_in(folders: &[PathBuf]) -> Vec<Home> {
    folders.iter().filter_map(|folder| Home::look(folder)).collect()
}

/// The home that a path is, or that it lies in.
fn in_a_home(path: &Path) -> Option<(Home, Pointed)> {
    // What holds a folder is told by where it really is.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(home) = Home::look(path) {
        return Some((home, Pointed::Home));
    }
    // The home whose workspaces are in a folder.
    let of_workspaces = |folder: &Path| {
        let home = Home::look(folder.parent()?)?;
        let is_there = |at: &Path| fs::canonicalize(at).is_ok_and(|at| at == folder);
        let is_its = match &home.at {
            At::Moved(root) => is_there(root),
            _ => is_there(&home.path.join(WORKSPACES)),
        };
        is_its.then_some(home)
    };
    if of_workspace(path).is_some() {
        let folder = real.parent()?;
        let home = of_workspaces(folder).or_else(|| Home::apart(folder))?;
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
    if workspaces_in(path).is_empty() {
        return None;
    }
    Some((of_workspaces(&real)?, Pointed::Workspaces))
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
    let Recognised {
        home,
        pointed,
        others,
    } = recognise(path)?;
    let place = path.display();
    Some(match home.lacks() {
        _ if !others.is_empty() => several(path, &home, &others),
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

/// That several homes are in a folder.
fn several(path: &Path, home: &Home, others: &[PathBuf]) -> String {
    let all = std::iter::once(&home.path).chain(others);
    let all: Vec<_> = all.map(|home| home.display().to_string()).collect();
    format!(
        "{} holds the homes of {} Jackrabbit repositories, {}: each is content of its own. Name the one that is meant; several \
         are an instance each",
        path.display(),
        all.len(),
        all.join(" and ")
    )
}

/// What keeps a restore from putting a home at a path: another part of one is there, or one whose content is elsewhere. A home
/// that is broken does not.
pub(super) fn in_the_way(path: &Path) -> Option<String> {
    let found = recognise(path)?;
    let home = &found.home;
    if found.pointed == Pointed::Home && !home.is_of_a_database() && home.at == At::Home {
        return None;
    }
    wrong(path)
}

/// What keeps a path from being the home that it is configured as. A sentence. `None` for one that is not there: a restore
/// makes it.
pub(super) fn wrong(path: &Path) -> Option<String> {
    let place = path.display();
    let Some(Recognised {
        home,
        pointed,
        others,
    }) = recognise(path)
    else {
        return path.exists().then(|| {
            format!(
                "{place} is not the home of a Jackrabbit repository: no folder in its {WORKSPACES} has a workspace.xml. Name \
                 the folder that holds repository, version and {WORKSPACES}. If this is it, it is damaged, and a restore of the \
                 whole instance brings it back"
            )
        });
    };
    if !others.is_empty() {
        return Some(several(path, &home, &others));
    }
    if pointed == Pointed::Home {
        let lacks = home.lacks()?;
        return Some(format!(
            "{place} is the home of a Jackrabbit repository that {lacks}"
        ));
    }
    Some(match home.at {
        At::Apart => {
            let lacks = home.lacks().unwrap_or_default();
            format!("{place} is {pointed} of a Jackrabbit repository that {lacks}")
        }
        _ => format!(
            "{place} is {pointed} of a Jackrabbit repository, and the home is {}: write path = \"{}\"",
            home.path.display(),
            home.path.display()
        ),
    })
}

/// Looks whether a folder that is not configured yet leads to the home of a repository.
#[must_use]
pub fn look_at_folder(path: &Path) -> Option<HomeFound> {
    let Recognised {
        home,
        pointed,
        others,
    } = recognise(path)?;
    Some(HomeFound {
        pointed: pointed.to_string(),
        kind: home.kind().to_owned(),
        workspaces: home.workspaces().map(str::to_owned).collect(),
        refused: if others.is_empty() {
            let lacks = home.lacks();
            lacks.map(|lacks| {
                format!(
                    "{} is {pointed} of a Jackrabbit repository that {lacks}",
                    path.display()
                )
            })
        } else {
            Some(several(path, &home, &others))
        },
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
        for part in ["repository", "version"] {
            fs::create_dir_all(home.join(part)).unwrap();
        }
        for (path, pointed) in [
            ("repositories/magnolia", Pointed::Home),
            ("repositories/magnolia/workspaces", Pointed::Workspaces),
            ("repositories/magnolia/workspaces/dam", Pointed::Workspace),
            ("repositories/magnolia/repository", Pointed::Within),
            ("repositories/magnolia/workspaces/dam/db", Pointed::Within),
            ("repositories", Pointed::Above),
            ("", Pointed::Above),
        ] {
            let found = recognise(&root.join(path)).unwrap();
            let at = found.pointed;
            assert_eq!((found.home.path.as_path(), at), (home.as_path(), pointed));
            assert!(found.others.is_empty());
            let told = instead_of_folder(&root.join(path)).unwrap();
            let right = format!("content = {{ type = \"home\", path = \"{}\" }}", home.display());
            assert!(told.contains(&right) && told.contains(&at.to_string()), "{told}");
            assert_eq!(wrong(&root.join(path)).is_none(), pointed == Pointed::Home);
            assert_eq!(in_the_way(&root.join(path)).is_none(), pointed == Pointed::Home);
        }
        // A link to the workspaces leads to the home as well.
        std::os::unix::fs::symlink(home.join("workspaces"), root.join("content")).unwrap();
        assert_eq!(
            recognise(&root.join("content")).unwrap().pointed,
            Pointed::Workspaces
        );

        let content = root.join("plain/content");
        for workspace in ["website", "dam", "workspaces"] {
            fs::create_dir_all(content.join(workspace).join("home")).unwrap();
            let text = "<page><!-- <Workspace><PersistenceManager class=\"a.H2PersistenceManager\"/></Workspace> --></page>";
            fs::write(content.join(workspace).join("workspace.xml"), text).unwrap();
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
    #[test]
    fn several_homes_in_one_folder_are_all_named_and_none_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let homes = ["magnolia", "magnolia-public"].map(|name| root.join("repositories").join(name));
        for home in &homes {
            workspace(home, "website", "a.H2PersistenceManager");
            fs::create_dir_all(home.join("repository")).unwrap();
            fs::create_dir_all(home.join("version")).unwrap();
        }
        for path in [root.join("repositories"), root.clone()] {
            let told = [
                instead_of_folder(&path).unwrap(),
                wrong(&path).unwrap(),
                look_at_folder(&path).unwrap().refused.unwrap(),
            ];
            for told in told {
                assert!(
                    homes
                        .iter()
                        .all(|home| told.contains(&home.display().to_string())),
                    "{told}"
                );
            }
        }
        assert_eq!(look_at_folder(&homes[1]).unwrap().refused, None);
    }

    #[test]
    fn workspaces_in_another_place_are_recognised_with_and_without_their_home() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let home = root.join("magnolia");
        workspace(&home, "website", "a.H2PersistenceManager");
        for part in ["repository", "version"] {
            fs::create_dir_all(home.join(part)).unwrap();
        }
        fs::rename(home.join("workspaces"), home.join("wsp")).unwrap();
        let refused = |path: &Path| look_at_folder(path).unwrap().refused.unwrap();
        // Nothing says where they are of.
        for path in [home.join("wsp"), home.join("wsp/website")] {
            let told = refused(&path);
            assert!(told.contains("has its home elsewhere"), "{told}");
            assert!(wrong(&path).is_some() && instead_of_folder(&path).is_some());
        }
        fs::write(
            home.join("repository.xml"),
            "<Repository><!-- <Workspaces rootPath=\"/old\"/> --><Workspaces rootPath=\"${rep.home}/wsp\"/></Repository>",
        )
        .unwrap();
        for path in [
            home.clone(),
            home.join("wsp"),
            home.join("wsp/website"),
            root.clone(),
        ] {
            let found = look_at_folder(&path).unwrap();
            assert_eq!(found.home, home);
            let told = found.refused.unwrap();
            assert!(
                told.contains("rootPath") && told.contains(&home.join("wsp").display().to_string()),
                "{told}"
            );
        }
        assert!(in_the_way(&home).is_some());
    }

    #[test]
    fn a_workspace_that_nobody_has_opened_is_empty_and_one_that_lost_its_database_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap().join("magnolia");
        for name in ["website", "dam"] {
            workspace(&home, name, "a.H2PersistenceManager");
        }
        for part in ["repository", "version"] {
            fs::create_dir_all(home.join(part)).unwrap();
        }
        let dam = home.join("workspaces/dam");
        fs::remove_dir_all(dam.join("db")).unwrap();
        assert_eq!(wrong(&home), None);
        let found = Home::look(&home).unwrap();
        assert_eq!(found.never_opened().collect::<Vec<_>>(), ["dam"]);
        // Somebody has searched it: it was open once.
        fs::create_dir(dam.join("index")).unwrap();
        let told = wrong(&home).unwrap();
        assert!(
            told.contains("its workspace dam") && told.contains("a restore of the whole instance"),
            "{told}"
        );
        assert_eq!(in_the_way(&home), None);
        fs::remove_dir(dam.join("index")).unwrap();
        fs::remove_dir_all(home.join("workspaces/website/db")).unwrap();
        assert!(wrong(&home).unwrap().contains("no database of any"));
    }

    #[test]
    fn a_home_without_one_of_its_folders_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap().join("magnolia");
        workspace(&home, "website", "a.H2PersistenceManager");
        for (part, other) in [("repository", "version"), ("version", "repository")] {
            fs::create_dir_all(home.join(other)).unwrap();
            let _ = fs::remove_dir(home.join(part));
            let told = wrong(&home).unwrap();
            assert!(
                told.contains(&format!("no folder {part}")) && told.contains("restore"),
                "{told}"
            );
            assert_eq!(in_the_way(&home), None);
        }
        // Of some, the version storage is among the workspaces.
        fs::create_dir_all(home.join("workspaces/version/db")).unwrap();
        fs::write(home.join("workspaces/version/db/itemState.mv.db"), "").unwrap();
        assert_eq!(wrong(&home), None);
    }
}
