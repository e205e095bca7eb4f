//! The whole home of a Jackrabbit repository as content: what a download of Magnolia starts with, on H2 or Derby.
//!
//! Its folder has `workspaces`, each with a database of its own as a rule, `version` with the version storage, and
//! `repository` with namespaces, node types and the data store. None of them is worth anything without the others: a
//! workspace's database stores numbers of namespaces that stand in `repository/namespaces`, names versions that are in
//! `version`, and binaries that are in the data store. So the home is one content whose workspaces are its parts, staged and
//! exchanged as a folder is (`content::files`, with the layout of a home).
//!
//! Files of a database are a copy of it only if nobody writes to them: the server has to stand still while they are copied,
//! and when they are exchanged. [`rest`] looks whether it does.
//!
//! [`pointed`] knows a home wherever somebody points at one. [`definition`] reads what Jackrabbit's definitions say,
//! [`persistence`] tells where workspaces keep their nodes, and [`repository`] where the rest of the repository is.
//!
//! Not in here: the home of a repository in PostgreSQL, whose content is in the database.

mod check;
mod chosen;
mod definition;
mod persistence;
pub(crate) mod place;
pub(crate) mod pointed;
mod repository;
pub(crate) mod rest;

use std::fs;
use std::path::{Path, PathBuf};

use self::persistence::{Keeps, Seen};
use self::repository::Definition;
use super::files::layout::{BINARIES, REPOSITORY, VERSION, WORKSPACES};

/// The home of a repository, as far as its folders and definitions tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Home {
    /// Its folder. Of one that is not known, the folder of its workspaces.
    pub(crate) path: PathBuf,
    /// Its workspaces, by name, and where each keeps its nodes.
    workspaces: Vec<(String, Keeps)>,
    /// Where its workspaces are.
    at: At,
    /// The definition of the repository, where that is to be found.
    definition: Option<Definition>,
    has_versions: bool,
    has_data_store: bool,
    has_repository: bool,
}

/// Where the workspaces of a home are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    /// In it, in their usual place.
    Home,
    /// In another place, which its repository's definition names.
    Moved(PathBuf),
    /// They are there, and nobody knows of which home they are.
    Apart,
}

/// The workspaces in a folder: name, definition and folder of each.
fn workspaces_in(folder: &Path) -> Vec<(String, definition::Element, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let definition = definition::of_workspace(&entry.path())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Some((name, definition, entry.path()))
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

impl Home {
    /// Looks whether a folder is the home of a repository: one of its workspaces has a definition.
    pub(crate) fn look(path: &Path) -> Option<Self> {
        let is_any = |part: &str| path.join(part).is_dir();
        let definition = Definition::of(path);
        let moved = definition
            .as_ref()
            // One beside a folder is not of each folder there.
            .filter(|_| is_any(REPOSITORY) || is_any(VERSION))
            .and_then(|definition| definition.moved_workspaces(path))
            .filter(|root| !workspaces_in(root).is_empty());
        let (folder, at) = match moved {
            Some(root) => (root.clone(), At::Moved(root)),
            None => (path.join(WORKSPACES), At::Home),
        };
        Self::of(path, &folder, at, definition)
    }

    /// Workspaces in a folder that are no known home's.
    fn apart(folder: &Path) -> Option<Self> {
        Self::of(folder, folder, At::Apart, None)
    }

    fn of(path: &Path, folder: &Path, at: At, definition: Option<Definition>) -> Option<Self> {
        let found = workspaces_in(folder);
        if found.is_empty() {
            return None;
        }
        let has_shared = persistence::has_database_beside(path);
        let says = definition.as_ref().map(|definition| &definition.says);
        let workspaces = found
            .into_iter()
            .map(|(name, text, folder)| {
                let keeps = Keeps::told(&text, says, path, Seen::of(&folder, has_shared));
                (name, keeps)
            })
            .collect();
        let is_any = |part: &str| path.join(part).is_dir();
        let in_workspaces = Seen::of(&path.join(WORKSPACES).join(VERSION), false);
        Some(Self {
            path: path.to_owned(),
            workspaces,
            at,
            definition,
            // Some have the database of the version storage beside its files, among the workspaces.
            has_versions: is_any(VERSION) || in_workspaces.has_database,
            has_data_store: is_any(BINARIES),
            has_repository: is_any(REPOSITORY),
        })
    }

    /// The names of its workspaces.
    pub(crate) fn workspaces(&self) -> impl Iterator<Item = &str> {
        self.workspaces.iter().map(|(name, _)| name.as_str())
    }

    /// Those of which there is nothing but a definition: nobody has opened them yet.
    fn never_opened(&self) -> impl Iterator<Item = &str> {
        let never = self
            .workspaces
            .iter()
            .filter(|(_, keeps)| *keeps == Keeps::Nothing);
        never.map(|(name, _)| name.as_str())
    }

    /// What its files are of, in a word or two: `H2`.
    pub(crate) fn kind(&self) -> &str {
        let mut kinds = self.workspaces.iter().filter_map(|(_, keeps)| keeps.kind());
        kinds.next().unwrap_or("a database elsewhere")
    }

    /// Whether its content is in a database elsewhere that Lifeboat reads as such.
    pub(crate) fn is_of_a_database(&self) -> bool {
        self.workspaces
            .iter()
            .any(|(_, keeps)| *keeps == Keeps::InPostgres)
    }

    /// Why a copy of its files would be no copy of its content, as the rest of a sentence about it; `None` where it is one.
    pub(crate) fn lacks(&self) -> Option<String> {
        let path = self.path.display();
        if self.at == At::Apart {
            return Some(format!(
                "has its home elsewhere, with its version storage, its data store and its node types: stop the server, move {path} \
                 into the home as {WORKSPACES} (and write rootPath=\"${{rep.home}}/{WORKSPACES}\" where repository.xml names this \
                 place), and configure content = {{ type = \"home\", path = \"\u{2026}\" }} with the folder of the home"
            ));
        }
        if self.is_of_a_database() {
            return Some(format!(
                "keeps its content in a PostgreSQL database: these folders hold search indexes and small files. Configure the \
                 database, content = {{ type = \"postgres\", \u{2026} }}, with home = \"{path}\" for the small files"
            ));
        }
        if let Some((name, keeps)) = self.workspaces.iter().find(|(_, keeps)| !keeps.is_here()) {
            return Some(format!(
                "has nothing of the nodes of its workspace {name} in these folders ({}): they are lost, or kept elsewhere. Where \
                 they are lost, {RESTORE}. Elsewhere, Lifeboat reads PostgreSQL, and homes that have their H2 or Derby in them",
                keeps.told_elsewhere()
            ));
        }
        if let (Some(definition), At::Moved(root)) = (&self.definition, &self.at) {
            return Some(definition.has_moved(&self.path, root));
        }
        let elsewhere = self.definition.as_ref();
        if let Some(elsewhere) = elsewhere.and_then(|definition| definition.elsewhere(&self.path)) {
            return Some(elsewhere);
        }
        if self.workspaces.iter().all(|(_, keeps)| *keeps == Keeps::Nothing) {
            return Some(format!(
                "has no database of any of its workspaces, and a server that has started once has opened one of them: they are \
                 lost, or nothing was ever started on it. Where they are lost, {RESTORE}"
            ));
        }
        let missing = [
            (self.has_versions, VERSION, "version storage"),
            (self.has_repository, REPOSITORY, "namespaces and node types"),
        ];
        let (_, folder, what) = missing.into_iter().find(|(is_there, ..)| !is_there)?;
        Some(format!(
            "has no folder {folder}, where its {what} should be: a backup of it would not be whole. Where that is lost, {RESTORE}. \
             Where it is kept elsewhere, stop the server, move it to {}, and name that place in repository.xml",
            self.path.join(folder).display()
        ))
    }
}

/// The way where something is lost.
const RESTORE: &str = "a restore of the whole instance brings it back, from a backup that has it";
