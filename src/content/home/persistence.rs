//! Where a workspace keeps its nodes: what its definition names, and whether a database's files are there.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::definition::{Element, MANAGER, WORKSPACE};
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
    /// Nowhere yet: nothing but its definition is in its folder. Jackrabbit makes the database of a workspace, with nothing but a
    /// root in it, when somebody logs in to it for the first time.
    Nothing,
    /// In a PostgreSQL database.
    InPostgres,
    /// Elsewhere, and what is said of that.
    Elsewhere(String),
}

/// What is to be seen of a workspace beside its definition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Its folder has files of a database.
    pub(super) has_database: bool,
    /// The home has a database beside the workspaces.
    pub(super) has_shared: bool,
    /// Its folder has its definition and nothing else.
    pub(super) is_bare: bool,
}

impl Seen {
    /// What is to be seen in the folder of a workspace.
    pub(super) fn of(folder: &Path, has_shared: bool) -> Self {
        let names =
            fs::read_dir(folder).map(|entries| entries.map(|entry| entry.map(|entry| entry.file_name())));
        Self {
            has_database: has_database(folder, DEEPEST),
            has_shared,
            is_bare: names.is_ok_and(|mut names| names.all(|name| name.is_ok_and(|name| name == WORKSPACE))),
        }
    }
}

impl Keeps {
    /// What the definition of a workspace tells, of a home whose repository is defined so, and what is to be seen of it.
    pub(super) fn told(definition: &Element, repository: Option<&Element>, home: &Path, seen: Seen) -> Self {
        let none = Element::default();
        let manager = definition.element(MANAGER).unwrap_or(&none);
        let class = manager.class();
        let store = Store::of(manager, repository);
        if store.is_named("postgresql") {
            return Self::InPostgres;
        }
        if let Some(elsewhere) = store.elsewhere(home) {
            return Self::Elsewhere(elsewhere);
        }
        // Those that write each bundle into a file of its own.
        if class.contains("Fs") || class.contains("XML") {
            return Self::InItsFolder("files");
        }
        let kind = store.kind();
        if seen.has_database {
            Self::InItsFolder(kind)
        } else if seen.has_shared {
            Self::InTheHome(kind)
        } else if seen.is_bare && !class.is_empty() {
            Self::Nothing
        } else if class.is_empty() {
            Self::Elsewhere("its definition names no persistence manager".to_owned())
        } else {
            Self::Elsewhere(class.to_owned())
        }
    }

    /// What its files are of, where they are in the home.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::InItsFolder(kind) | Self::InTheHome(kind) => Some(kind),
            Self::Nothing | Self::InPostgres | Self::Elsewhere(_) => None,
        }
    }

    /// Whether a copy of the home has all of it.
    pub(super) fn is_here(&self) -> bool {
        *self == Self::Nothing || self.kind().is_some()
    }

    /// What is said of where that is.
    pub(super) fn told_elsewhere(&self) -> &str {
        match self {
            Self::Elsewhere(told) => told,
            Self::InPostgres => "PostgreSQL",
            Self::InItsFolder(_) | Self::InTheHome(_) => "in the home",
            Self::Nothing => "nowhere yet",
        }
    }
}

/// Where something of a repository is kept, as an element of a definition says it: a database or a folder.
pub(super) struct Store {
    class: String,
    /// What tells the kind of a database: class, driver, type, and the beginning of the address.
    words: String,
    /// The address of a database.
    url: Option<String>,
}

impl Store {
    /// What an element says: of its data source, the repository's definition.
    pub(super) fn of(element: &Element, repository: Option<&Element>) -> Self {
        let source = element.param("dataSourceName").and_then(|name| {
            let mut sources = repository?.element("DataSources")?.elements();
            sources.find(|source| source.attribute("name") == Some(name))
        });
        let said = |name| {
            let of_source = || source.and_then(|source| source.param(name));
            element.param(name).or_else(of_source)
        };
        let url = said("url").map(str::to_owned);
        let scheme = url.as_deref().unwrap_or_default();
        let scheme = scheme.split(['/', '$', ';', '?']).next().unwrap_or_default();
        let told = ["driver", "databaseType", "schema"].map(|name| said(name).unwrap_or_default());
        Self {
            class: element.class().to_owned(),
            words: format!("{} {} {scheme}", element.class(), told.join(" ")).to_lowercase(),
            url,
        }
    }

    /// Whether it is a database of this kind.
    pub(super) fn is_named(&self, kind: &str) -> bool {
        self.words.contains(kind)
    }

    /// Of what kind its files are.
    fn kind(&self) -> &'static str {
        if self.is_named("h2") {
            "H2"
        } else if self.is_named("derby") {
            "Derby"
        } else {
            "a database in files"
        }
    }

    /// Where it is, where that is not in the home: its address, or the class for a server. What is left of a database in the
    /// folder of such a workspace is of another time.
    pub(super) fn elsewhere(&self, home: &Path) -> Option<String> {
        let servers = [
            "postgresql",
            "mysql",
            "mariadb",
            "oracle",
            "mssql",
            "sqlserver",
            "db2",
            "jndi",
            "javax.naming",
            "java:",
            "jdbc:h2:tcp:",
            "jdbc:h2:ssl:",
            "jdbc:h2:mem:",
            "jdbc:derby:memory:",
        ];
        if servers.iter().any(|server| self.is_named(server)) {
            return Some(self.class.clone());
        }
        let url = self.url.as_deref()?;
        let begin = ["jdbc:h2:", "jdbc:derby:"].into_iter().find(|begin| {
            url.get(..begin.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(begin))
        })?;
        let rest = url[begin.len()..].split([';', '&']).next().unwrap_or_default();
        let path = ["file:", "nio:", "directory:"]
            .iter()
            .fold(rest, |path, word| path.strip_prefix(word).unwrap_or(path));
        (!is_in_home(path, home)).then(|| format!("{begin}{rest}"))
    }
}

/// The variable by which definitions name the home.
const REP_HOME: &str = "${rep.home}";
/// The variable by which definitions name the folder of a workspace, or of the version storage.
const WSP_HOME: &str = "${wsp.home}";

/// Where a path in a definition leads, as far as it says so by itself: the home is known, and no other variable.
pub(super) fn resolved(path: &str, home: &Path) -> Option<PathBuf> {
    let named = match path.strip_prefix(REP_HOME) {
        Some(below) => home.join(below.trim_start_matches('/')),
        None => PathBuf::from(path),
    };
    let is_known = named.is_absolute() && !named.to_string_lossy().contains("${");
    is_known.then(|| without_dots(&named))
}

/// Whether a path in a definition leads into the home.
pub(super) fn is_in_home(path: &str, home: &Path) -> bool {
    let real = fs::canonicalize(home).unwrap_or_else(|_| home.to_owned());
    let path = path.replace(WSP_HOME, &format!("{REP_HOME}/{WORKSPACES}/X"));
    let path = path.replace("${wsp.name}", "X");
    resolved(&path, home).is_some_and(|path| path.starts_with(home) || path.starts_with(real))
}

/// A path without `.` and `..`, as it is written.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
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

#[cfg(test)]
mod tests {
    use super::*;

    fn defined(manager: &str) -> Element {
        let text = format!("<Workspace name=\"website\"><!-- <PersistenceManager/> -->{manager}</Workspace>");
        Element::read(text.as_bytes()).unwrap()
    }

    fn seen(has_database: bool, has_shared: bool, is_bare: bool) -> Seen {
        Seen {
            has_database,
            has_shared,
            is_bare,
        }
    }

    #[test]
    fn a_definition_and_the_files_beside_it_tell_where_nodes_are() {
        let home = Path::new("/srv/oracle/magnolia");
        let told = |definition: &Element, seen: Seen| Keeps::told(definition, None, home, seen);
        let h2 = defined(
            "<PersistenceManager class=\"org.apache.jackrabbit.core.persistence.pool.H2PersistenceManager\"/>",
        );
        assert_eq!(told(&h2, seen(true, false, false)), Keeps::InItsFolder("H2"));
        assert_eq!(told(&h2, seen(false, true, true)), Keeps::InTheHome("H2"));
        assert_eq!(told(&h2, seen(false, false, true)), Keeps::Nothing);
        let elsewhere = told(&h2, seen(false, false, false));
        assert_eq!(elsewhere, Keeps::Elsewhere("H2PersistenceManager".to_owned()));
        let at = |class: &str, address: &str| {
            defined(&format!(
                "<PersistenceManager class=\"a.{class}\"><param name=\"url\" value=\"{address}\"/></PersistenceManager>"
            ))
        };
        // Left from before it moved.
        let postgres = at("BundleDbPersistenceManager", "jdbc:postgresql://db/magnolia");
        assert_eq!(told(&postgres, seen(true, true, false)), Keeps::InPostgres);
        for (address, is_here) in [
            ("jdbc:h2:${wsp.home}/db/itemState;MODE=x", true),
            ("jdbc:h2:file:${rep.home}/version/db", true),
            ("jdbc:h2:/srv/oracle/magnolia/db/all", true),
            ("jdbc:h2:${rep.home}/../other/db", false),
            ("jdbc:h2:${some.place}/db", false),
            ("jdbc:h2:/srv/oracle/magnolia2/db", false),
            ("jdbc:h2:/data/h2/website", false),
            ("jdbc:h2:~/website", false),
            ("jdbc:h2:file:/data/h2/website;AUTO_SERVER=TRUE", false),
            ("jdbc:h2:tcp://db/a", false),
        ] {
            // What lies in its folder is of before it moved.
            let keeps = told(&at("H2PersistenceManager", address), seen(true, false, false));
            assert_eq!(keeps.is_here(), is_here, "{address}: {keeps:?}");
        }
        let served = at("DerbyPersistenceManager", "jdbc:derby://db:1527/all");
        assert!(!told(&served, seen(true, false, false)).is_here());
        for class in ["OraclePersistenceManager", "MySqlPersistenceManager"] {
            let other = defined(&format!("<PersistenceManager class=\"a.pool.{class}\"/>"));
            assert_eq!(told(&other, seen(true, true, true)).told_elsewhere(), class);
        }
        let plain = defined("<PersistenceManager class=\"a.b.BundleFsPersistenceManager\"/>");
        assert_eq!(
            told(&plain, seen(false, false, false)),
            Keeps::InItsFolder("files")
        );
        // Its data source says it.
        let named = defined(
            "<PersistenceManager class=\"a.BundleDbPersistenceManager\"><param name=\"dataSourceName\" value=\"all\"/>\
             </PersistenceManager>",
        );
        let repository = Element::read(
            b"<Repository><DataSources><DataSource name=\"all\"><param name=\"url\" value=\"jdbc:postgresql://db/a\"/>\
              </DataSource></DataSources></Repository>",
        );
        let keeps = Keeps::told(&named, repository.as_ref(), home, seen(true, false, false));
        assert_eq!(keeps, Keeps::InPostgres);
    }

    #[test]
    fn a_derby_is_known_by_its_files_and_a_folder_with_a_definition_alone_is_bare() {
        let home = tempfile::tempdir().unwrap();
        let workspace = home.path().join("workspaces/default");
        fs::create_dir_all(&workspace).unwrap();
        fs::write(workspace.join(WORKSPACE), "").unwrap();
        let bare = Seen::of(&workspace, false);
        assert!(bare.is_bare && !bare.has_database);
        let derby = workspace.join("db");
        fs::create_dir_all(derby.join("seg0")).unwrap();
        fs::write(derby.join("service.properties"), "").unwrap();
        let full = Seen::of(&workspace, false);
        assert!(!full.is_bare && full.has_database);
        let definition = defined("<PersistenceManager class=\"a.DerbyPersistenceManager\"/>");
        let keeps = Keeps::told(&definition, None, home.path(), full);
        assert_eq!(keeps, Keeps::InItsFolder("Derby"));
        assert!(!has_database_beside(home.path()));
        fs::create_dir_all(home.path().join("repository/db")).unwrap();
        fs::write(home.path().join("repository/db/all.mv.db"), "").unwrap();
        assert!(has_database_beside(home.path()));
    }
}
