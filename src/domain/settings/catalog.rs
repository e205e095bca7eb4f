//! Where jobs, activity and holds are kept when several machines share them: a PostgreSQL database.
//!
//! Without it each machine keeps them in its state folder.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::{PostgresSettings, SecretPlaces, SecretSource};

/// The database, as an operator configures it: its address alone, or a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CatalogSettings {
    /// Where the database is, in libpq's words without a password: `postgres://lifeboat@db.internal/lifeboat` or
    /// `host=/run/postgresql dbname=lifeboat user=lifeboat`.
    pub connect: String,
    /// The password is the first line of this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The password is the first line that this command prints, started without a shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_command: Option<Vec<String>>,
    /// The password is in this environment variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The certificates that the server's has to be signed by, in PEM form. With it the connection is encrypted and the
    /// server's name is checked; without it, the connection is not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// What this machine is called among the others. Left out, its host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl CatalogSettings {
    /// The database that is reached by `connect`, without a password.
    #[must_use]
    pub fn at(connect: &str) -> Self {
        Self {
            connect: connect.to_owned(),
            ..Self::default()
        }
    }

    /// How the database is reached.
    #[must_use]
    pub fn connection(&self) -> PostgresSettings {
        PostgresSettings {
            password_file: self.password_file.clone(),
            password_command: self.password_command.clone(),
            password_env: self.password_env.clone(),
            ca_file: self.ca_file.clone(),
            ..PostgresSettings::at(&self.connect)
        }
    }

    /// Where the password comes from; `None` when the server asks for none.
    #[must_use]
    pub fn password(&self) -> Option<SecretSource> {
        self.connection().password()
    }

    /// The files that the settings name.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.password_file, &mut self.ca_file].into_iter().flatten()
    }

    /// What is wrong with the settings, as a sentence; `None` when they hold together.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.connect.trim().is_empty() {
            return Some(
                "the catalog has no address: write it like catalog = \"postgres://lifeboat@db.internal/lifeboat\""
                    .to_owned(),
            );
        }
        let places = SecretPlaces {
            key: "password",
            file: &self.password_file,
            command: &self.password_command,
            variable: &self.password_env,
        };
        let what_to_do = places.several()?;
        Some(format!(
            "the catalog's password has more than one source: {what_to_do}"
        ))
    }
}

impl<'de> Deserialize<'de> for CatalogSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> serde::de::Visitor<'de> for Written {
            type Value = CatalogSettings;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the address of a database, or a table with connect = \"…\"")
            }

            fn visit_str<E: serde::de::Error>(self, connect: &str) -> Result<Self::Value, E> {
                Ok(CatalogSettings::at(connect))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(CatalogSettings {
                    connect: table.connect,
                    password_file: table.password_file,
                    password_command: table.password_command,
                    password_env: table.password_env,
                    ca_file: table.ca_file,
                    node: table.node,
                })
            }
        }

        deserializer.deserialize_any(Written)
    }
}

/// The settings as a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    connect: String,
    password_file: Option<PathBuf>,
    password_command: Option<Vec<String>>,
    password_env: Option<String>,
    ca_file: Option<PathBuf>,
    node: Option<String>,
}
