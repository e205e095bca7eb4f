//! Where a restore goes that is not to touch Live: a folder, a schema of a database, or both.
//!
//! Not in here: whether that place is free, and whether it is somebody's content (`engine::restore::elsewhere`).

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The place of a restore elsewhere, on the machine that does it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Elsewhere {
    /// A new or an empty folder, from the root: for content in folders, and for the files that belong to a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// A database, in libpq's words without a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The schema in it, new or empty; without it the one that the instance has in Live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// What the names of schemas that are not for content begin with: those of PostgreSQL itself and of Lifeboat.
const RESERVED: [&str; 2] = ["pg_", "lifeboat_"];

impl Elsewhere {
    /// The place that these words tell of: at most one folder and one database.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn of(places: &[String], schema: Option<String>) -> Result<Self, String> {
        let mut elsewhere = Self {
            schema,
            ..Self::default()
        };
        for place in places {
            let is_database = !place.starts_with('/') && (place.contains('=') || place.contains("://"));
            let twice = if is_database {
                elsewhere.database.replace(place.clone()).is_some()
            } else {
                elsewhere.folder.replace(PathBuf::from(place)).is_some()
            };
            if twice {
                let what = if is_database { "databases" } else { "folders" };
                return Err(format!("two {what} are named to restore into: name one"));
            }
        }
        match elsewhere.wrong() {
            Some(why) => Err(why),
            None => Ok(elsewhere),
        }
    }

    /// What is wrong with it, as a sentence; `None` when it holds together.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.folder.is_none() && self.database.is_none() {
            return Some("no place is named to restore into: name a folder, or a database".to_owned());
        }
        let folder = self.folder.as_deref();
        if let Some(folder) = folder.filter(|folder| !folder.is_absolute()) {
            return Some(format!(
                "the folder {} is not written from the root: on a service it is a folder of that machine, and what it is \
                 below is not known there. Write /srv/look, for example",
                folder.display()
            ));
        }
        if let Some(folder) = folder.filter(|folder| has_dots(folder)) {
            return Some(format!(
                "the folder {} has \"..\" in it, which leads elsewhere where a link is on the way: write it without",
                folder.display()
            ));
        }
        if let Some(database) = self.database.as_deref().filter(|database| !names_host(database)) {
            return Some(format!(
                "\"{database}\" does not say where a database is, for it names no host: write it like \"host=/run/postgresql \
                 dbname=look\", or as postgres://HOST/DATABASE"
            ));
        }
        let schema = self.schema.as_deref()?;
        if self.database.is_none() {
            return Some(format!(
                "the schema {schema} is named, and no database that it is in"
            ));
        }
        let is_reserved = RESERVED.iter().any(|begin| schema.starts_with(begin));
        (schema.is_empty() || is_reserved || schema == "information_schema").then(|| {
            format!("the schema \"{schema}\" is not for content: give it another name, for example \"look\"")
        })
    }
}

/// Whether a path goes up again.
fn has_dots(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part, std::path::Component::ParentDir))
}

/// Whether the words that lead to a database say on which machine, or in which socket's folder, it is.
fn names_host(database: &str) -> bool {
    let mut words = database.split_whitespace();
    database.contains("://")
        || words.any(|word| word.starts_with("host=") || word.starts_with("hostaddr="))
        || database.contains("host =")
        || database.contains("hostaddr =")
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(folder) = &self.folder {
            write!(f, "{}", folder.display())?;
        }
        let Some(database) = &self.database else {
            return Ok(());
        };
        if self.folder.is_some() {
            f.write_str(" and ")?;
        }
        write!(f, "the database {database}")?;
        match &self.schema {
            Some(schema) => write!(f, ", schema {schema}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(places: &[&str], schema: Option<&str>) -> Result<Elsewhere, String> {
        let places: Vec<_> = places.iter().map(ToString::to_string).collect();
        Elsewhere::of(&places, schema.map(str::to_owned))
    }

    #[test]
    fn a_folder_and_a_database_are_told_apart_by_how_they_are_written() {
        let both = of(&["host=/run/postgresql dbname=look", "/srv/a=b"], Some("copy")).unwrap();
        assert_eq!(both.folder.as_deref(), Some(Path::new("/srv/a=b")));
        assert_eq!(both.database.as_deref(), Some("host=/run/postgresql dbname=look"));
        assert_eq!(
            both.to_string(),
            "/srv/a=b and the database host=/run/postgresql dbname=look, schema copy"
        );
        assert!(of(&["postgres://me@db/look"], None).unwrap().folder.is_none());
    }

    #[test]
    fn what_makes_no_place_is_told() {
        for (places, schema, why) in [
            (&[][..], None, "no place is named"),
            (&["look"], None, "not written from the root"),
            (&["/srv/../etc"], None, "has \"..\" in it"),
            (&["garbage=1"], None, "names no host"),
            (&["/srv/a", "/srv/b"], None, "two folders"),
            (&["host=a dbname=a", "host=a dbname=b"], None, "two databases"),
            (&["/srv/a"], Some("look"), "no database"),
            (&["host=/run dbname=a"], Some("pg_temp"), "not for content"),
            (&["host=/run dbname=a"], Some("lifeboat_new_1"), "not for content"),
            (&["host=/run dbname=a"], Some(""), "not for content"),
        ] {
            let told = of(places, schema).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
