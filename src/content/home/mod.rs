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
//! [`pointed`] knows a home wherever somebody points at one, [`persistence`] where its workspaces keep their nodes.
//!
//! Not in here: the home of a repository in PostgreSQL, whose content is in the database.

mod check;
mod chosen;
mod persistence;
pub(crate) mod place;
pub(crate) mod pointed;
pub(crate) mod rest;

use std::fs;
use std::path::{Path, PathBuf};

use self::persistence::Keeps;
use super::files::layout::{BINARIES, REPOSITORY, VERSION, WORKSPACES};

/// The file by which Jackrabbit knows a workspace.
const DEFINITION: &str = "workspace.xml";

/// The home of a repository, as far as its folders and definitions tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Home {
    /// Its folder.
    pub(crate) path: PathBuf,
    /// Its workspaces, by name, and where each keeps its nodes.
    workspaces: Vec<(String, Keeps)>,
    has_versions: bool,
    has_data_store: bool,
    has_repository: bool,
}

impl Home {
    /// Looks whether a folder is the home of a repository: one of its workspaces has a definition.
    pub(crate) fn look(path: &Path) -> Option<Self> {
        let mut workspaces: Vec<_> = fs::read_dir(path.join(WORKSPACES))
            .ok()?
            .flatten()
            .filter_map(|entry| {
                let definition = definition(&entry.path())?;
                let name = entry.file_name().to_string_lossy().into_owned();
                Some((name, definition, entry.path()))
            })
            .collect();
        if workspaces.is_empty() {
            return None;
        }
        workspaces.sort();
        let has_shared = persistence::has_database_beside(path);
        let workspaces = workspaces
            .into_iter()
            .map(|(name, definition, folder)| (name, Keeps::told(&definition, &folder, has_shared)))
            .collect();
        Some(Self {
            path: path.to_owned(),
            workspaces,
            has_versions: path.join(VERSION).is_dir(),
            has_data_store: path.join(BINARIES).is_dir(),
            has_repository: path.join(REPOSITORY).is_dir(),
        })
    }

    /// The names of its workspaces.
    pub(crate) fn workspaces(&self) -> impl Iterator<Item = &str> {
        self.workspaces.iter().map(|(name, _)| name.as_str())
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
        let (name, keeps) = self.workspaces.iter().find(|(_, keeps)| keeps.kind().is_none())?;
        Some(match keeps {
            _ if self.is_of_a_database() => format!(
                "keeps its content in a PostgreSQL database: these folders hold search indexes and small files. Configure the \
                 database, content = {{ type = \"postgres\", … }}, with home = \"{path}\" for the small files"
            ),
            _ => format!(
                "has nothing of the nodes of its workspace {name} in these folders ({}): they are kept elsewhere, or lost. \
                 Lifeboat reads PostgreSQL, and homes that have their H2 or Derby in them",
                keeps.told_elsewhere()
            ),
        })
    }
}

/// The definition of a workspace in its folder.
fn definition(workspace: &Path) -> Option<String> {
    /// Longer ones are none.
    const LONGEST: u64 = 1 << 20;
    let path = workspace.join(DEFINITION);
    let about = fs::metadata(&path).ok()?;
    if !about.is_file() || about.len() > LONGEST {
        return None;
    }
    let text = String::from_utf8_lossy(&fs::read(&path).ok()?).into_owned();
    (text.contains("<Workspace") && text.contains("<PersistenceManager")).then_some(text)
}
