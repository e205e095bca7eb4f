//! The form of the TOML file: what may stand in it, and which line to name when something is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::{Config, ConfigError, Context};
use crate::domain::address::Address;
use crate::domain::notify::{AliveSettings, Receiver, ReceiverSettings, receivers_wrong};
use crate::domain::settings::{
    CatalogSettings, ContentSettings, EnvironmentSettings, RepositorySettings, SecretSource, ServerSettings,
    StorageOptions, VersionSource,
};
use crate::domain::waiting_line::EngineLimits;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default_context: Option<Spanned<String>>,
    state: Option<PathBuf>,
    catalog: Option<Spanned<CatalogSettings>>,
    #[serde(default)]
    contexts: BTreeMap<String, Spanned<Context>>,
    repository: Option<RepositorySettings>,
    engine: Option<Spanned<EngineLimits>>,
    server: Option<Spanned<ServerSettings>>,
    #[serde(default)]
    keys: BTreeMap<String, OneOrMore>,
    #[serde(default)]
    notify: Vec<Spanned<ReceiverSettings>>,
    #[serde(default)]
    alive: Vec<Spanned<AliveSettings>>,
    #[serde(default, rename = "environment")]
    environments: Vec<Spanned<EnvironmentSettings>>,
}

/// One key, or several.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a key is text, such as \"b\" or \"Ctrl-B\"; several stand in brackets"
)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Vec<String> {
    fn from(keys: OneOrMore) -> Self {
        match keys {
            OneOrMore::One(key) => vec![key],
            OneOrMore::More(keys) => keys,
        }
    }
}

impl File {
    /// What is wrong in the sections that judge themselves, with where they stand.
    fn wrong_sections(&self) -> impl Iterator<Item = (Range<usize>, String)> {
        let catalog = self.catalog.as_ref().map(|it| (it.span(), it.get_ref().wrong()));
        let engine = self.engine.as_ref().map(|it| (it.span(), it.get_ref().wrong()));
        let server = self.server.as_ref().map(|it| (it.span(), it.get_ref().wrong()));
        let all = [catalog, engine, server].into_iter().flatten();
        let notify = self.notify.iter().map(|it| (it.span(), it.get_ref().wrong()));
        let alive = self.alive.iter().map(|it| (it.span(), it.get_ref().wrong()));
        let all = all.chain(notify).chain(alive).chain(self.receivers_twice());
        all.filter_map(|(span, what)| Some((span, what?)))
    }
}

impl File {
    /// Whether two receivers have the same name, with where the last of them stands.
    fn receivers_twice(&self) -> Option<(Range<usize>, Option<String>)> {
        let notify = self
            .notify
            .iter()
            .map(|it| (it.span(), it.get_ref().name.as_str()));
        let alive = self
            .alive
            .iter()
            .map(|it| (it.span(), it.get_ref().name.as_str()));
        let (spans, names): (Vec<_>, Vec<_>) = notify.chain(alive).unzip();
        Some((spans.last()?.clone(), receivers_wrong(&names)))
    }
}

/// Reads the text of a configuration as if it stood in `path`.
pub(super) fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let wrong = |span: Option<Range<usize>>, what: String| ConfigError::Wrong {
        file: path.to_owned(),
        line: line_of(text, span.map_or(0, |span| span.start)),
        what,
    };
    let file: File = toml::from_str(text).map_err(|error| wrong(error.span(), sentence(error.message())))?;

    if let Some(name) = &file.default_context
        && !file.contexts.contains_key(name.get_ref())
    {
        return Err(wrong(
            Some(name.span()),
            format!(
                "default_context is \"{0}\", and there is no [contexts.{0}]",
                name.get_ref()
            ),
        ));
    }
    for (name, context) in &file.contexts {
        if let Some(what) = context.get_ref().wrong() {
            return Err(wrong(Some(context.span()), format!("[contexts.{name}]: {what}")));
        }
    }
    if let Some((span, what)) = file.wrong_sections().next() {
        return Err(wrong(Some(span), what));
    }
    let mut names = BTreeSet::new();
    for environment in &file.environments {
        let settings = environment.get_ref();
        let at = |what: String| wrong(Some(environment.span()), what);
        settings.validate().map_err(|error| at(error.to_string()))?;
        let name = settings
            .environment_name()
            .map_err(|error| at(error.to_string()))?;
        if names.contains(&name) {
            return Err(at(format!(
                "{name} is there twice: give each [[environment]] of a project a name of its own"
            )));
        }
        names.insert(name);
        let month_day = settings.schedule.monthly_on;
        if !(1..=31).contains(&month_day) {
            return Err(at(format!(
                "monthly_on is {month_day}: write a day of the month from 1 to 31 (in shorter months it is the last day)"
            )));
        }
    }
    if let Some(first) = file.environments.first()
        && file.repository.is_none()
    {
        return Err(wrong(
            Some(first.span()),
            "there are environments and no [repository]: add one with root = \"FOLDER\" and password_file = \"FILE\"".to_owned(),
        ));
    }

    let folder = path.parent().unwrap_or(Path::new(""));
    let lines: Vec<_> = file.environments.iter().map(Spanned::span).collect();
    let config = Config {
        file: path.to_owned(),
        default_context: file.default_context.map(Spanned::into_inner),
        state: file.state.map(|mut state| {
            resolve(folder, &mut state);
            state
        }),
        catalog: file.catalog.map(|catalog| {
            let mut catalog = catalog.into_inner();
            for file in catalog.files() {
                resolve(folder, file);
            }
            catalog
        }),
        contexts: file
            .contexts
            .into_iter()
            .map(|(name, context)| (name, context_from(folder, context.into_inner())))
            .collect(),
        repository: file
            .repository
            .map(|repository| repository_from(folder, repository)),
        limits: file.engine.map(Spanned::into_inner).unwrap_or_default(),
        server: file
            .server
            .map(|server| server_from(folder, server.into_inner()))
            .unwrap_or_default(),
        keys: file
            .keys
            .into_iter()
            .map(|(action, keys)| (action, keys.into()))
            .collect(),
        receivers: Receiver::all(
            &inside(file.notify, |receiver| receiver_from(folder, receiver)),
            &inside(file.alive, |alive| alive_from(folder, alive)),
        ),
        environments: file
            .environments
            .into_iter()
            .map(|environment| environment_from(folder, environment.into_inner()))
            .collect(),
    };
    lies_apart(&config, &lines).map_err(|(line, what)| wrong(Some(line), what))?;
    Ok(config)
}

/// Whether what Lifeboat keeps lies apart from all content; else where that is written that does not, and what is wrong.
fn lies_apart(config: &Config, lines: &[Range<usize>]) -> Result<(), (Range<usize>, String)> {
    for (environment, line) in config.environments.iter().zip(lines) {
        environment
            .lies_apart(config.repository.as_ref(), config.state.as_deref(), &plain)
            .map_err(|error| (line.clone(), error.to_string()))?;
    }
    Ok(())
}

/// A path without steps back. Links are followed by whoever opens what it leads to.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// The line, counted from 1, that a position of the text is in.
fn line_of(text: &str, position: usize) -> usize {
    1 + text.get(..position).unwrap_or(text).matches('\n').count()
}

/// The parser's message on one line and in the words of this file: it speaks of fields and variants.
fn sentence(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("unknown field", "unknown setting")
        .replace("missing field", "missing setting")
        .replace("unknown variant", "unknown value")
}

fn context_from(folder: &Path, mut context: Context) -> Context {
    for file in [&mut context.token_file, &mut context.ca_file]
        .into_iter()
        .flatten()
    {
        resolve(folder, file);
    }
    context
}

fn repository_from(folder: &Path, mut repository: RepositorySettings) -> RepositorySettings {
    resolve_place(folder, &mut repository.root, &mut repository.options);
    resolve_key(folder, &mut repository.key);
    if let Some(copy) = &mut repository.copy {
        resolve_place(folder, &mut copy.root, &mut copy.options);
        if let Some(key) = &mut copy.key {
            resolve_key(folder, key);
        }
    }
    repository
}

fn server_from(folder: &Path, mut server: ServerSettings) -> ServerSettings {
    if let Some(tls) = &mut server.tls {
        resolve(folder, &mut tls.certificate_file);
        resolve(folder, &mut tls.key_file);
    }
    server
}

/// Settings without where they stand.
fn inside<T>(all: Vec<Spanned<T>>, each: impl Fn(T) -> T) -> Vec<T> {
    all.into_iter()
        .map(|settings| each(settings.into_inner()))
        .collect()
}

fn receiver_from(folder: &Path, mut receiver: ReceiverSettings) -> ReceiverSettings {
    for file in receiver.files() {
        resolve(folder, file);
    }
    receiver
}

fn alive_from(folder: &Path, mut alive: AliveSettings) -> AliveSettings {
    for file in alive.files() {
        resolve(folder, file);
    }
    alive
}

fn resolve_key(folder: &Path, key: &mut SecretSource) {
    if let SecretSource::PasswordFile(file) = key {
        resolve(folder, file);
    }
}

fn resolve_place(folder: &Path, root: &mut Address, options: &mut StorageOptions) {
    if let Address::Folder(root) = root {
        resolve(folder, root);
    }
    for path in options.paths() {
        resolve(folder, path);
    }
}

fn environment_from(folder: &Path, mut environment: EnvironmentSettings) -> EnvironmentSettings {
    for version in [
        &mut environment.release_version,
        &mut environment.magnolia_version,
    ] {
        if let Some(VersionSource::File { file }) = version {
            resolve(folder, file);
        }
    }
    if let Some(scratch) = &mut environment.drill.scratch {
        resolve(folder, scratch);
    }
    for instance in &mut environment.instances {
        if let ContentSettings::Postgres(database) = &mut instance.content {
            for file in [
                &mut database.password_file,
                &mut database.ca_file,
                &mut database.room,
            ]
            .into_iter()
            .flatten()
            {
                resolve(folder, file);
            }
        }
    }
    let hooks = environment.instances.iter_mut().flat_map(|instance| {
        let nodes = instance.nodes.iter_mut().map(|node| &mut node.hooks);
        std::iter::once(&mut instance.hooks).chain(nodes)
    });
    for hooks in hooks {
        for command in [
            &mut hooks.before_backup,
            &mut hooks.after_backup,
            &mut hooks.before_restore,
            &mut hooks.after_restore,
        ] {
            // A name without a slash is looked for in PATH.
            if let Some(program) = command.first_mut().filter(|program| program.contains('/')) {
                *program = folder.join(&*program).display().to_string();
            }
        }
    }
    environment
}

/// Relative paths count from the folder of the configuration, wherever the command was started.
fn resolve(folder: &Path, path: &mut PathBuf) {
    *path = folder.join(&path);
}
