//! Where a workspace keeps its nodes: what its definition names, and whether a database's files are there.

use std::fs;
use std::path::Path;

use crate::content::files::layout::{BINARIES, VERSION, WORKSPACES};

/// How far below a folder the files of its database may be: `db/itemState.mv.db`, `db/seg0/c10.dat`.
const DEEPEST: u32 = 3;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keeps {
    /// In its own folder, and in what.
    InItsFolder(&'static str),
    /// In the home, in a database that other workspaces share, and in what.
    InTheHome(&'static str),
    /// In a PostgreSQL database.
    InPostgres,
    /// Elsewhere, and what is said of that.
    Elsewhere(String),
}

impl Keeps {
    /// What the definition of a workspace tells, and what is in its folder. `has_shared` says whether the home has a database
    /// beside the workspaces.
    pub(super) fn told(definition: &str, folder: &Path, has_shared: bool) -> Self {
        let manager = persistence_manager(definition);
        let class = attribute(&manager, "class").unwrap_or_default();
        let class = class.rsplit('.').next().unwrap_or_default().to_owned();
        let manager = manager.to_lowercase();
        if manager.contains("postgresql") {
            return Self::InPostgres;
        }
        if let Some(elsewhere) = elsewhere(&manager, &class, folder) {
            return Self::Elsewhere(elsewhere);
        }
        let kind = if manager.contains("h2") {
            "H2"
        } else if manager.contains("derby") {
            "Derby"
        } else {
            "a database in files"
        };
        let is_server = ["jdbc:h2:tcp:", "jdbc:h2:ssl:", "jdbc:h2:mem:", "jdbc:derby://"]
            .iter()
            .any(|address| manager.contains(address));
        if !is_server {
            // Those that write each bundle into a file of its own.
            if class.contains("Fs") || class.contains("XML") {
                return Self::InItsFolder("files");
            }
            if has_database(folder, DEEPEST) {
                return Self::InItsFolder(kind);
            }
            if has_shared {
                return Self::InTheHome(kind);
            }
        }
        Self::Elsewhere(if class.is_empty() {
            "its definition names no persistence manager".to_owned()
        } else {
            class
        })
    }

    /// What its files are of, where they are in the home.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::InItsFolder(kind) | Self::InTheHome(kind) => Some(kind),
            Self::InPostgres | Self::Elsewhere(_) => None,
        }
    }

    /// What is said of where that is.
    pub(super) fn told_elsewhere(&self) -> &str {
        match self {
            Self::Elsewhere(told) => told,
            Self::InPostgres => "PostgreSQL",
            Self::InItsFolder(_) | Self::InTheHome(_) => "in the home",
        }
    }
}

/// Where the definition says that nodes are, where that is not in the home: its address, or the class for another kind of server.
/// What is left of a database in the folder of such a workspace is of another time.
fn elsewhere(manager: &str, class: &str, folder: &Path) -> Option<String> {
    let servers = ["mysql", "mariadb", "oracle", "mssql", "sqlserver", "db2", "jndi"];
    if servers.iter().any(|server| manager.contains(server)) {
        return Some(class.to_owned());
    }
    let in_files = ["jdbc:h2:", "jdbc:derby:"];
    let address = in_files
        .iter()
        .find_map(|begin| Some((begin, manager.split_once(begin)?.1)));
    let (begin, rest) = address?;
    let rest = rest.split(['"', '\'', ';', '&']).next().unwrap_or_default();
    let path = ["file:", "nio:", "directory:"]
        .iter()
        .fold(rest, |path, word| path.strip_prefix(word).unwrap_or(path));
    let home = folder
        .ancestors()
        .nth(2)
        .map(|home| home.to_string_lossy().to_lowercase());
    let is_in_home = path.starts_with("${") || home.is_some_and(|home| path.starts_with(&home));
    (path.starts_with(['/', '~', '.']) && !is_in_home).then(|| format!("{begin}{rest}"))
}

/// Whether a file belongs to a database in files: one of H2's, or one that Derby locks or describes its database in.
pub(super) fn is_of_a_database(name: &str) -> bool {
    let h2 = [".mv.db", ".h2.db", ".data.db"];
    h2.iter().any(|end| name.ends_with(end)) || matches!(name, "dbex.lck" | "service.properties")
}

/// Whether the home has a database outside of the folders of its workspaces and of the version storage.
pub(super) fn has_database_beside(home: &Path) -> bool {
    let Ok(entries) = fs::read_dir(home) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let is_other = name != WORKSPACES && name != VERSION;
        is_other && (is_of_a_database(&name.to_string_lossy()) || has_database(&entry.path(), DEEPEST - 1))
    })
}

fn has_database(folder: &Path, depth: u32) -> bool {
    let mut found = false;
    each_database_file(folder, depth, &mut |_| found = true);
    found
}

/// Calls `each` with every file of a database at most `depth` folders below. The data store has none, and much else.
pub(super) fn each_database_file(folder: &Path, depth: u32, each: &mut dyn FnMut(&Path)) {
    if depth == 0 || folder.ends_with(BINARIES) {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => each_database_file(&entry.path(), depth - 1, each),
            Ok(kind) if kind.is_file() && is_of_a_database(&entry.file_name().to_string_lossy()) => {
                each(&entry.path());
            }
            _ => {}
        }
    }
}

/// The element of the definition that says where nodes are kept, without comments.
fn persistence_manager(definition: &str) -> String {
    let mut text = String::new();
    let mut rest = definition;
    while let Some((before, after)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let Some(at) = text.find("<PersistenceManager") else {
        return String::new();
    };
    let element = &text[at..];
    // One without parameters ends where its tag does.
    let tag = element.find('>').unwrap_or(element.len());
    let end = if element[..tag].ends_with('/') {
        tag
    } else {
        element.find("</PersistenceManager").unwrap_or(element.len())
    };
    element[..end].to_owned()
}

/// The first attribute of this name in a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let after = tag.split_once(&format!("{name}="))?.1;
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(after[1..].split(quote).next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defined(manager: &str) -> String {
        format!(
            "<Workspace name=\"website\"><!-- <PersistenceManager class=\"old\"/> -->{manager}</Workspace>"
        )
    }

    #[test]
    fn a_definition_and_the_files_beside_it_tell_where_nodes_are() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        let full = folder.path().join("full");
        fs::create_dir_all(&empty).unwrap();
        fs::create_dir_all(full.join("db")).unwrap();
        fs::write(full.join("db/itemState.mv.db"), "h2").unwrap();
        let h2 = defined(
            "<PersistenceManager class=\"org.apache.jackrabbit.core.persistence.pool.H2PersistenceManager\"/>",
        );
        assert_eq!(Keeps::told(&h2, &full, false), Keeps::InItsFolder("H2"));
        assert_eq!(Keeps::told(&h2, &empty, true), Keeps::InTheHome("H2"));
        let elsewhere = Keeps::told(&h2, &empty, false);
        assert_eq!(elsewhere, Keeps::Elsewhere("H2PersistenceManager".to_owned()));
        let postgres = defined(
            "<PersistenceManager class=\"a.b.BundleDbPersistenceManager\"><param name=\"url\" \
             value=\"jdbc:postgresql://db/magnolia\"/></PersistenceManager>",
        );
        // Left from before it moved.
        assert_eq!(Keeps::told(&postgres, &full, true), Keeps::InPostgres);
        let served = defined(
            "<PersistenceManager class=\"a.H2PersistenceManager\"><param name=\"url\" value=\"jdbc:h2:tcp://db/a\"/>\
             </PersistenceManager>",
        );
        assert_eq!(Keeps::told(&served, &full, true).kind(), None);
        for (address, is_here) in [
            ("jdbc:h2:${wsp.home}/db/itemState;MODE=x", true),
            ("jdbc:h2:file:${rep.home}/version/db", true),
            ("jdbc:h2:/data/h2/website", false),
            ("jdbc:h2:~/website", false),
            ("jdbc:h2:file:/data/h2/website;AUTO_SERVER=TRUE", false),
        ] {
            let at = defined(&format!(
                "<PersistenceManager class=\"a.H2PersistenceManager\"><param name=\"url\" value=\"{address}\"/>\
                 </PersistenceManager>"
            ));
            // What lies in its folder is of before it moved.
            let keeps = Keeps::told(&at, &full, false);
            assert_eq!(keeps.kind().is_some(), is_here, "{address}: {keeps:?}");
        }
        let oracle = defined("<PersistenceManager class=\"a.pool.OraclePersistenceManager\"/>");
        assert_eq!(
            Keeps::told(&oracle, &full, true).told_elsewhere(),
            "OraclePersistenceManager"
        );
        let plain = defined("<PersistenceManager class=\"a.b.BundleFsPersistenceManager\"/>");
        assert_eq!(Keeps::told(&plain, &empty, false), Keeps::InItsFolder("files"));
        let mysql = defined("<PersistenceManager class=\"a.b.MySqlPersistenceManager\"/>");
        assert_eq!(
            Keeps::told(&mysql, &empty, false).told_elsewhere(),
            "MySqlPersistenceManager"
        );
    }

    #[test]
    fn a_derby_is_known_by_its_files() {
        let home = tempfile::tempdir().unwrap();
        let derby = home.path().join("workspaces/default/db");
        fs::create_dir_all(derby.join("seg0")).unwrap();
        fs::write(derby.join("service.properties"), "").unwrap();
        let definition = defined("<PersistenceManager class=\"a.DerbyPersistenceManager\"/>");
        let workspace = home.path().join("workspaces/default");
        assert_eq!(
            Keeps::told(&definition, &workspace, false),
            Keeps::InItsFolder("Derby")
        );
        assert!(!has_database_beside(home.path()));
        fs::create_dir_all(home.path().join("repository/db")).unwrap();
        fs::write(home.path().join("repository/db/all.mv.db"), "").unwrap();
        assert!(has_database_beside(home.path()));
    }
}
