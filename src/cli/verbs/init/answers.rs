//! The answers to the questions of `lifeboat init`: from its arguments, from the keyboard, or by default.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::homes::{self, Server};
use super::storage::Root;
use super::{InitArguments, checks, databases};
use crate::cli::plain::asking::Question;
use crate::cli::{Call, CliError};
use crate::domain::environment::{EnvironmentKind, EnvironmentName, InstanceName, NameError};
use crate::domain::os_error::in_words;
use crate::domain::settings::ContentSettings;

/// An instance and the folder of its content, written `NAME=DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFolder {
    /// The instance.
    pub name: InstanceName,
    /// Its folder.
    pub folder: PathBuf,
}

/// The text is not `NAME=DIR`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotANamedFolder {
    /// There is no `=` in it, or nothing behind it.
    #[error("\"{0}\" names no folder: write NAME=DIR, for example author=/srv/magnolia/author/content")]
    NoFolder(String),
    /// What stands before the `=` is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for NamedFolder {
    type Err = NotANamedFolder;

    fn from_str(text: &str) -> Result<Self, NotANamedFolder> {
        match text.split_once('=') {
            Some((name, folder)) if !folder.is_empty() => Ok(Self {
                name: name.parse()?,
                folder: folder.into(),
            }),
            _ => Err(NotANamedFolder::NoFolder(text.to_owned())),
        }
    }
}

/// An instance and where its content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedContent {
    pub(super) name: InstanceName,
    pub(super) content: ContentSettings,
    /// How the server of a repository's home is stopped and started.
    pub(super) server: Server,
}

impl NamedContent {
    /// The folder that belongs to the content: all of it, or its data store.
    pub(super) fn folder(&self) -> Option<&Path> {
        match &self.content {
            ContentSettings::Files { path } | ContentSettings::Home { path } => Some(path),
            ContentSettings::Postgres(database) => database.data_store.as_deref(),
        }
    }
}

/// Everything that has to be known to write a configuration. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) project: String,
    /// Every environment with its kind, Live first.
    pub(super) environments: Vec<(String, EnvironmentKind)>,
    pub(super) instances: Vec<NamedContent>,
    pub(super) release_version: String,
    pub(super) magnolia_version: String,
    pub(super) root: Root,
    pub(super) key: PathBuf,
}

impl Answers {
    /// Takes what the arguments say, asks for the rest on a terminal, and takes the defaults elsewhere.
    pub(super) async fn gather(
        arguments: &InitArguments,
        config: &Path,
        call: &mut Call<'_>,
    ) -> Result<Self, CliError> {
        let asks = call.outside.input_is_terminal && !arguments.yes && !call.globals.json;
        let mut questions = Questions { asks, call };
        if asks {
            questions.say(
                "An answer in [brackets] is taken when you press Enter. \"quit\" leaves, and nothing is written.",
            )?;
        }
        let project = questions
            .text(
                arguments.project.as_ref(),
                "Project, the customer's installation (for example acme)",
                "--project",
                None,
                |project| usable(project, "live"),
            )
            .await?;
        let live = questions
            .text(
                arguments.live.as_ref(),
                "Name of the Live environment",
                "--live",
                Some("live"),
                |live| usable(&project, live),
            )
            .await?;
        let instances = questions.instances(arguments).await?;
        let release_version = questions
            .text(
                arguments.release_version.as_ref(),
                "Deployed release of Live, or @FILE whose first line says it (for example v12)",
                "--release-version",
                None,
                checks::version,
            )
            .await?;
        let magnolia_version = questions
            .text(
                arguments.magnolia_version.as_ref(),
                "Magnolia version of Live, or @FILE whose first line says it (for example 6.3.4)",
                "--magnolia-version",
                None,
                checks::version,
            )
            .await?;
        let places = questions.call.house.places().clone();
        let beside = |name: &str| config.parent().unwrap_or(Path::new("/")).join(name);
        let live_name =
            EnvironmentName::new(&project, &live).map_err(|error| CliError::usage(error.to_string()))?;
        let root = questions
            .root(
                arguments,
                &places
                    .data
                    .map_or_else(|| beside("repository"), |folder| folder.join("repository")),
                &live_name,
                &instances,
            )
            .await?;
        let survey = questions.call.house.survey();
        let key = questions
            .path(
                arguments.key.as_ref(),
                "File for the key of the backups",
                &beside("repository.key"),
                |place| {
                    checks::key(place, root.address.folder(), &instances)?;
                    checks::opens(place, &root, &live_name, survey)
                },
            )
            .await?;
        let mut environments = vec![(live, EnvironmentKind::Live)];
        for (kind, given) in [
            (EnvironmentKind::Uat, &arguments.uat),
            (EnvironmentKind::Integration, &arguments.integration),
        ] {
            let names = questions
                .other_environments(given, kind, &project, &environments)
                .await?;
            environments.extend(names.into_iter().map(|name| (name, kind)));
        }
        Ok(Self {
            project,
            environments,
            instances,
            release_version,
            magnolia_version,
            root,
            key,
        })
    }

    /// The whole names of the environments, Live first.
    pub(super) fn environment_names(&self) -> Vec<String> {
        self.environments
            .iter()
            .map(|(name, _)| format!("{}/{name}", self.project))
            .collect()
    }

    /// The whole name of Live.
    pub(super) fn live_name(&self) -> String {
        self.environment_names().into_iter().next().unwrap_or_default()
    }
}

/// Said to whoever types `help`.
const HELP: &str = "Enter alone takes what is in [brackets], where there is something. Nothing is written before the last question is \
    answered; \"back\", \"quit\" and Ctrl-C leave. A folder of such a name is written ./back. What was typed before a question was there does \
    not answer it. `lifeboat init --help` says what every answer means, and `lifeboat init --sample` prints a \
    configuration with every setting explained.";

/// Said to whoever leaves the questions by a word.
const LEFT: &str = "left: nothing was written";
const LEFT_BY_QUIT: &str = "left: nothing was written; \"quit\" once more leaves Lifeboat";

/// Said to an empty answer where there is no default.
const NEEDED: &str = "This needs an answer: there is nothing that could be taken instead. \"quit\" leaves, and nothing is written.";

/// Asks at the keyboard, or does without.
pub(super) struct Questions<'a, 'b> {
    pub(super) asks: bool,
    pub(super) call: &'a mut Call<'b>,
}

impl Questions<'_, '_> {
    pub(super) fn say(&mut self, line: &str) -> Result<(), CliError> {
        self.call.remark(line)
    }

    /// One question. An empty answer is the default.
    pub(super) async fn ask(
        &mut self,
        question: &str,
        default: Option<&str>,
    ) -> Result<Option<String>, CliError> {
        let brackets = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        let prompt = format!("{question}{brackets}: ");
        // Each of them stands in what is written: one that was pasted, or typed ahead, may be for another question.
        let Some(answer) = self.call.ask(&Question::careful(&prompt, HELP)).await? else {
            return Err(CliError::failed(
                "the answers ended before the last question; nothing was written",
            ));
        };
        let word = answer.to_lowercase();
        if matches!(word.as_str(), "back" | "quit") {
            return Err(self.left(&word)?);
        }
        Ok(if answer.is_empty() {
            default.map(str::to_owned)
        } else {
            Some(answer)
        })
    }

    /// Its questions are left by a word, as others are: in lines it is said, and what is there before them is there again.
    fn left(&mut self, word: &str) -> Result<CliError, CliError> {
        if self.call.in_lines.is_none() {
            return Ok(CliError::failed(LEFT));
        }
        self.say(if word == "quit" { LEFT_BY_QUIT } else { LEFT })?;
        Ok(CliError::failed(""))
    }

    /// One answer that is needed. `check` says what is wrong with it; then the question is asked once more, so that the
    /// answers before it are not lost. What came as an argument is refused instead.
    pub(super) async fn text(
        &mut self,
        given: Option<&String>,
        question: &str,
        argument: &str,
        default: Option<&str>,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, CliError> {
        if let Some(given) = given {
            check(given).map_err(CliError::usage)?;
            return Ok(given.clone());
        }
        if !self.asks {
            return default.map(str::to_owned).ok_or_else(|| {
                CliError::usage(format!(
                    "{argument} is missing: give it, or run `lifeboat init` in a terminal to be asked"
                ))
            });
        }
        loop {
            match self.ask(question, default).await? {
                None => self.say(NEEDED)?,
                Some(answer) => match check(&answer) {
                    Ok(()) => return Ok(answer),
                    Err(why) => self.say(&why)?,
                },
            }
        }
    }

    /// A place for a file or folder, checked as [`Self::text`] does.
    async fn path(
        &mut self,
        given: Option<&PathBuf>,
        question: &str,
        default: &Path,
        check: impl Fn(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, CliError> {
        if given.is_some() || !self.asks {
            let path = absolute(given.map_or(default, PathBuf::as_path))?;
            return check(&path).map(|()| path).map_err(CliError::usage);
        }
        let proposed = default.display().to_string();
        loop {
            let answer = self.ask(question, Some(&proposed)).await?;
            let path = absolute(&answer.map_or_else(|| default.to_owned(), PathBuf::from))?;
            match check(&path) {
                Ok(()) => return Ok(path),
                Err(why) => self.say(&why)?,
            }
        }
    }

    /// The environments of a kind that is listed and never backed up. `known` are those that were named before.
    async fn other_environments(
        &mut self,
        given: &[String],
        kind: EnvironmentKind,
        project: &str,
        known: &[(String, EnvironmentKind)],
    ) -> Result<Vec<String>, CliError> {
        let check = |name: &str| {
            usable(project, name)?;
            if known.iter().any(|(other, _)| other == name) {
                return Err(format!(
                    "there is an environment {project}/{name} already: it needs another name"
                ));
            }
            Ok(())
        };
        if !given.is_empty() || !self.asks {
            given
                .iter()
                .try_for_each(|name| check(name).map_err(CliError::usage))?;
            return Ok(given.to_vec());
        }
        let question = format!(
            "Name of the {} environment, which is listed and never backed up (Enter when there is none)",
            kind.label()
        );
        loop {
            let Some(name) = self.ask(&question, None).await? else {
                return Ok(Vec::new());
            };
            match check(&name) {
                Ok(()) => return Ok(vec![name]),
                Err(why) => self.say(&why)?,
            }
        }
    }

    async fn instances(&mut self, arguments: &InitArguments) -> Result<Vec<NamedContent>, CliError> {
        let mut instances = Vec::new();
        for instance in &arguments.instances {
            let path = absolute(&instance.folder)?;
            let home = homes::content(self.call.house.survey().folder(&path)).map_err(CliError::usage)?;
            instances.push(NamedContent {
                name: instance.name.clone(),
                content: home.unwrap_or(ContentSettings::Files { path }),
                server: homes::server_of(&instance.name, arguments)?,
            });
        }
        for (name, settings) in databases::given(arguments)? {
            instances.push(NamedContent {
                name,
                content: ContentSettings::Postgres(Box::new(settings)),
                server: Server::default(),
            });
        }
        // The author comes first wherever it is: instances are copied and switched in the order they stand in.
        instances.sort_by_key(|instance| instance.name.as_str() != "author");
        homes::all_are_needed(arguments, &instances)?;
        if !instances.is_empty() {
            return Ok(instances);
        }
        if !self.asks {
            return Err(CliError::usage(
                "--instance is missing: give one for each running Magnolia of Live, for example --instance author=/srv/magnolia/author/content, or --postgres for one in a database",
            ));
        }
        self.say(
            "Each instance has its content in a folder that holds one folder per workspace, in the home of its repository, or \
             in a database.",
        )?;
        loop {
            let (name, question) = match instances.len() {
                0 => (
                    "author".to_owned(),
                    "Folder of the author's content, or the word database".to_owned(),
                ),
                count => (
                    format!("public-{count}"),
                    format!(
                        "Folder of public-{count}'s content, or the word database (Enter when there are no more)"
                    ),
                ),
            };
            let mut server = Server::default();
            let content = match self.ask(&question, None).await? {
                Some(answer) if answer.eq_ignore_ascii_case("database") => {
                    ContentSettings::Postgres(Box::new(self.database(&name).await?))
                }
                Some(folder) => {
                    let path = absolute(Path::new(&folder))?;
                    if let Err(why) = checks::content(&path) {
                        self.say(&why)?;
                        continue;
                    }
                    let found = self.call.house.survey().folder(&path);
                    match homes::content(found.clone()) {
                        Err(why) => {
                            self.say(&why)?;
                            continue;
                        }
                        Ok(home) => {
                            if let Some(found) = &found {
                                server = self.server(&name, found).await?;
                            }
                            home.unwrap_or(ContentSettings::Files { path })
                        }
                    }
                }
                None if instances.is_empty() => {
                    self.say(NEEDED)?;
                    continue;
                }
                None => return Ok(instances),
            };
            let name = name
                .parse()
                .map_err(|error: NameError| CliError::usage(error.to_string()))?;
            instances.push(NamedContent {
                name,
                content,
                server,
            });
        }
    }
}

/// Whether the two parts make an environment's name.
fn usable(project: &str, environment: &str) -> Result<(), String> {
    EnvironmentName::new(project, environment)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// The path in full, since a configuration is used from anywhere.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|error| {
        CliError::usage(format!(
            "\"{}\" does not name a place: {error}",
            path.display(),
            error = in_words(&error)
        ))
    })
}
