//! What the definition of a repository, `repository.xml`, says of where its parts are: in the home, or beside it. A copy of the
//! home has only what is in it.
//!
//! Magnolia keeps that definition in its web application as a rule, where nobody finds it from the home. Where it is in the home
//! or beside it, it is asked.

use std::path::{Path, PathBuf};

use super::definition::{Element, MANAGER};
use super::persistence::{Store, is_in_home, resolved};
use crate::content::files::layout::{BINARIES, REPOSITORY, VERSION, WORKSPACES};

/// The name of the file.
const DEFINITION: &str = "repository.xml";

/// The definition of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    /// Where it is.
    file: PathBuf,
    /// What it says.
    pub(super) says: Element,
}

impl Definition {
    /// The definition of the repository whose home this is: the one in it, or the one beside it.
    pub(super) fn of(home: &Path) -> Option<Self> {
        let beside = || home.parent().map(|above| above.join(DEFINITION));
        [Some(home.join(DEFINITION)), beside()]
            .into_iter()
            .flatten()
            .find_map(|file| {
                let says = Element::of_file(&file).filter(|says| says.name() == "Repository")?;
                Some(Self { file, says })
            })
    }

    /// Where it has the workspaces, if not in their usual place.
    pub(super) fn moved_workspaces(&self, home: &Path) -> Option<PathBuf> {
        let root = self.says.element("Workspaces")?.attribute("rootPath")?;
        resolved(root, home).filter(|root| *root != home.join(WORKSPACES))
    }

    /// What to do about workspaces in another place, as the rest of a sentence about the home.
    pub(super) fn has_moved(&self, home: &Path, root: &Path) -> String {
        format!(
            "has its workspaces in {} (Workspaces rootPath in {}), and a home is backed up whole, with its workspaces in {}: stop \
             the server, move that folder there, and write rootPath=\"${{rep.home}}/{WORKSPACES}\"",
            root.display(),
            self.file.display(),
            home.join(WORKSPACES).display()
        )
    }

    /// What it has outside of the home, as the rest of a sentence about the home.
    pub(super) fn elsewhere(&self, home: &Path) -> Option<String> {
        let file = self.file.display();
        let (what, place, belongs) = self.first_elsewhere(home)?;
        Some(format!(
            "has its {what} elsewhere ({place}, as {file} says), and a backup of the home would lack it: stop the server, move it to \
             {}, and write ${{rep.home}}/{belongs} in {file}. Lifeboat takes no home of which a part is in a database of a server \
             other than PostgreSQL, or in an object storage",
            home.join(belongs).display()
        ))
    }

    fn first_elsewhere(&self, home: &Path) -> Option<(&'static str, String, &'static str)> {
        if let Some(store) = self.says.element("DataStore")
            && let Some(place) = self.store_elsewhere(store, home)
        {
            return Some(("data store", place, BINARIES));
        }
        if let Some(system) = self.says.element("FileSystem")
            && let Some(place) = self.store_elsewhere(system, home)
        {
            return Some(("file system with namespaces and node types", place, REPOSITORY));
        }
        let versioning = self.says.element("Versioning")?;
        let root = versioning.attribute("rootPath");
        let of_root = root.filter(|root| !is_in_home(root, home)).map(str::to_owned);
        let mut parts = ["FileSystem", MANAGER]
            .into_iter()
            .filter_map(|name| versioning.element(name));
        let place = of_root.or_else(|| parts.find_map(|part| self.store_elsewhere(part, home)))?;
        Some(("version storage", place, VERSION))
    }

    /// Where something is that is kept in a folder or in a database, if not in the home.
    fn store_elsewhere(&self, store: &Element, home: &Path) -> Option<String> {
        let path = store.param("path").filter(|path| !path.is_empty());
        if let Some(path) = path.filter(|path| !is_in_home(path, home)) {
            return Some(path.to_owned());
        }
        if let Some(place) = Store::of(store, Some(&self.says)).elsewhere(home) {
            return Some(place);
        }
        // One that says nothing of a place has its own, which only a bucket's is known not to be in the home.
        let class = store.class();
        (class.contains("S3") || class.contains("Azure")).then(|| class.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_definition_has_elsewhere_is_named_and_what_is_in_the_home_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("magnolia");
        fs::create_dir_all(&home).unwrap();
        let of = |text: &str| {
            fs::write(home.join(DEFINITION), format!("<Repository>{text}</Repository>")).unwrap();
            Definition::of(&home).unwrap().elsewhere(&home)
        };
        let store = |path: &str| {
            format!(
                "<DataStore class=\"a.FileDataStore\"><param name=\"path\" value=\"{path}\"/></DataStore>"
            )
        };
        let inside = home.join("repository/datastore").display().to_string();
        for fine in [
            String::new(),
            "<DataStore class=\"a.FileDataStore\"/>".to_owned(),
            store("${rep.home}/repository/datastore"),
            store(&inside),
            format!("<!-- {} -->", store("/data/store")),
            "<Versioning rootPath=\"${rep.home}/version\"><PersistenceManager class=\"a.H2PersistenceManager\"><param \
             name=\"url\" value=\"jdbc:h2:${wsp.home}/db\"/></PersistenceManager></Versioning>"
                .to_owned(),
        ] {
            assert_eq!(of(&fine), None, "{fine}");
        }
        for (wrong, what, place) in [
            (store("/data/store"), "data store", "/data/store"),
            (store("${rep.home}/../store"), "data store", "store"),
            (store("${somewhere}/store"), "data store", "${somewhere}"),
            (
                "<DataStore class=\"a.S3DataStore\"/>".to_owned(),
                "data store",
                "S3DataStore",
            ),
            (
                "<DataSources><DataSource name=\"m\"><param name=\"driver\" value=\"org.postgresql.Driver\"/></DataSource>\
                 </DataSources><DataStore class=\"a.DbDataStore\"><param name=\"dataSourceName\" value=\"m\"/></DataStore>"
                    .to_owned(),
                "data store",
                "DbDataStore",
            ),
            (
                "<FileSystem class=\"a.LocalFileSystem\"><param name=\"path\" value=\"/data/fs\"/></FileSystem>".to_owned(),
                "namespaces",
                "/data/fs",
            ),
            (
                "<Versioning rootPath=\"/data/version\"/>".to_owned(),
                "version storage",
                "/data/version",
            ),
            (
                "<Versioning rootPath=\"${rep.home}/version\"><PersistenceManager class=\"a.MySqlPersistenceManager\"/>\
                 </Versioning>"
                    .to_owned(),
                "version storage",
                "MySqlPersistenceManager",
            ),
        ] {
            let told = of(&wrong).unwrap_or_default();
            assert!(told.contains(what) && told.contains(place), "{wrong}: {told}");
        }
        // The one beside the home is asked where it has none.
        fs::rename(home.join(DEFINITION), folder.path().join(DEFINITION)).unwrap();
        assert!(Definition::of(&home).unwrap().elsewhere(&home).is_some());
    }
}
