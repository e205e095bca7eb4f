//! What `lifeboat init` asks about an instance whose content is in a database, and what it takes from arguments.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::InitArguments;
use super::answers::{Questions, absolute};
use crate::cli::CliError;
use crate::domain::check::DatabaseFound;
use crate::domain::environment::{InstanceName, NameError};
use crate::domain::measure;
use crate::domain::os_error::in_words;
use crate::domain::settings::PostgresSettings;

/// Something about an instance, written `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The instance.
    pub name: InstanceName,
    /// What is said of it.
    pub value: String,
}

/// The text is not `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNamed {
    /// There is no `=` in it, or nothing behind it.
    #[error("\"{0}\" says nothing of an instance: write its name, = and the value")]
    NoValue(String),
    /// What stands before the `=` is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for Named {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        match text.split_once('=') {
            Some((name, value)) if !value.is_empty() => Ok(Self {
                name: name.parse()?,
                value: value.to_owned(),
            }),
            _ => Err(NotNamed::NoValue(text.to_owned())),
        }
    }
}

/// The databases that the arguments name, each with what other arguments say of it.
///
/// # Errors
/// [`CliError`] when something is said of an instance that has no database.
pub(super) fn given(arguments: &InitArguments) -> Result<Vec<(InstanceName, PostgresSettings)>, CliError> {
    let mut databases: Vec<(InstanceName, PostgresSettings)> = arguments
        .postgres
        .iter()
        .map(|named| (named.name.clone(), PostgresSettings::at(&named.value)))
        .collect();
    let mut settle = |argument: &str,
                      all: &[Named],
                      set: &dyn Fn(&mut PostgresSettings, &str) -> Result<(), CliError>|
     -> Result<(), CliError> {
        for named in all {
            let Some((_, settings)) = databases.iter_mut().find(|(name, _)| *name == named.name) else {
                return Err(CliError::usage(format!(
                    "{argument} says something of {}, which has no --postgres: give that too, or look at the name",
                    named.name
                )));
            };
            set(settings, &named.value)?;
        }
        Ok(())
    };
    settle("--schema", &arguments.schemas, &|settings, schema| {
        schema.clone_into(&mut settings.schema);
        Ok(())
    })?;
    settle("--password-file", &arguments.password_files, &|settings, file| {
        settings.password_file = Some(absolute(file.as_ref())?);
        Ok(())
    })?;
    settle(
        "--database-ca-file",
        &arguments.database_ca_files,
        &|settings, file| {
            settings.ca_file = Some(absolute(file.as_ref())?);
            Ok(())
        },
    )?;
    settle("--data-store", &arguments.data_stores, &|settings, folder| {
        settings.data_store = Some(absolute(folder.as_ref())?);
        Ok(())
    })?;
    settle("--home", &arguments.homes, &|settings, folder| {
        settings.home = Some(absolute(folder.as_ref())?);
        Ok(())
    })?;
    settle(
        "--search-index",
        &arguments.search_indexes,
        &|settings, pattern| {
            settings.search_indexes.push(absolute(pattern.as_ref())?);
            Ok(())
        },
    )?;
    Ok(databases)
}

/// What is in a database, in a line: its workspaces and what they take.
pub(super) fn described(found: &DatabaseFound) -> String {
    let sizes: Vec<_> = found
        .workspaces
        .iter()
        .map(|(workspace, bytes)| format!("{workspace} {}", measure::bytes(*bytes)))
        .collect();
    let shared: Vec<_> = found
        .shared
        .iter()
        .map(|(part, bytes)| format!("{part} {}", measure::bytes(*bytes)))
        .collect();
    let workspaces = match sizes.as_slice() {
        [] => "NO WORKSPACE: no table is named like one of Jackrabbit's, so look at the schema".to_owned(),
        [one] => format!("1 workspace: {one}"),
        many => format!("{} workspaces: {}", many.len(), many.join(", ")),
    };
    let and = if shared.is_empty() { "" } else { "; shared: " };
    format!("{}: {workspaces}{and}{}", found.place, shared.join(", "))
}

impl Questions<'_, '_> {
    /// Asks how an instance's database is reached, and tries it, until it answers. Then for what stands beside it.
    pub(super) async fn database(&mut self, instance: &str) -> Result<PostgresSettings, CliError> {
        // What was typed is proposed again, so that one word can be mended.
        let mut typed = None;
        let (mut settings, found) = loop {
            let mut settings = self.connection(instance, typed.as_ref()).await?;
            if let Some(found) = self.database_at(&mut settings).await? {
                break (settings, found);
            }
            typed = Some(settings);
        };
        self.say(&described(&found))?;
        if !found.has_data_store_table {
            let question =
                format!("Folder of {instance}'s data store (Enter when its binaries are all in the tables)");
            settings.data_store = self
                .place(&question, |folder| {
                    if folder.is_dir() {
                        Ok(())
                    } else {
                        Err(format!(
                            "{} is not a folder: name the folder of Jackrabbit's data store",
                            folder.display()
                        ))
                    }
                })
                .await?;
        }
        let question = format!(
            "Home of {instance}'s repository, the folder with repository and workspaces in it (Enter when it is not on this \
             machine)"
        );
        let house = self.call.house;
        settings.home = self.place(&question, |home| house.survey().home(home)).await?;
        let question = format!(
            "Folder of {instance}'s search indexes, with {{workspace}} for the name of each workspace (Enter when they are \
             not on this machine)"
        );
        settings
            .search_indexes
            .extend(self.place(&question, |_| Ok(())).await?);
        Ok(settings)
    }

    /// What is in a database. `None` when it does not answer so, which has been said: who signs its certificate is asked for as
    /// long as it may be that which is missing.
    async fn database_at(
        &mut self,
        settings: &mut PostgresSettings,
    ) -> Result<Option<DatabaseFound>, CliError> {
        loop {
            let why = match self.call.house.survey().database(settings) {
                Ok(found) => return Ok(Some(found)),
                Err(why) => why,
            };
            self.say(&why.to_string())?;
            if !why.wants_ca_file {
                return Ok(None);
            }
            settings.ca_file = self.place(
                "File with the certificates that the server's is signed by (Enter to write anew how it is reached)",
                is_there,
            ).await?;
            if settings.ca_file.is_none() {
                return Ok(None);
            }
        }
    }

    async fn connection(
        &mut self,
        instance: &str,
        typed: Option<&PostgresSettings>,
    ) -> Result<PostgresSettings, CliError> {
        let connect = self.text(
            None,
            &format!(
                "How {instance}'s database is reached, without a password (for example host=/run/postgresql \
                 dbname=magnolia user=lifeboat)"
            ),
            "--postgres",
            typed.map(|typed| typed.connect.as_str()),
            |_| Ok(()),
        ).await?;
        let mut settings = PostgresSettings::at(&connect);
        if let Some(typed) = typed {
            settings.schema.clone_from(&typed.schema);
            settings.ca_file.clone_from(&typed.ca_file);
        }
        if let Some(schema) = self
            .ask("Schema that its tables are in", Some(&settings.schema))
            .await?
        {
            settings.schema = schema;
        }
        settings.password_file = self
            .place(
                "File whose first line is the password (Enter when the server asks for none)",
                is_there,
            )
            .await?;
        Ok(settings)
    }

    /// A place that there need not be.
    pub(super) async fn place(
        &mut self,
        question: &str,
        check: impl Fn(&Path) -> Result<(), String>,
    ) -> Result<Option<PathBuf>, CliError> {
        loop {
            let Some(answer) = self.ask(question, None).await? else {
                return Ok(None);
            };
            let path = absolute(answer.as_ref())?;
            match check(&path) {
                Ok(()) => return Ok(Some(path)),
                Err(why) => self.say(&why)?,
            }
        }
    }
}

/// Whether a file is there; what it holds is looked at when it is used.
pub(super) fn is_there(file: &Path) -> Result<(), String> {
    std::fs::metadata(file).map(drop).map_err(|error| {
        format!(
            "{} cannot be read: {error}",
            file.display(),
            error = in_words(&error)
        )
    })
}
