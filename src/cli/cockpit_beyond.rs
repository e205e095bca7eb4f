//! What the cockpit reaches beyond its screen on this machine: the zone, files that are saved, what was on the screen the
//! last time, and the configuration as it is now.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{Local, Offset as _};
use parking_lot::Mutex;
use serde_json::Value;

use super::cockpit;
use super::plain::Follows;
use crate::config::{BackendAddress, Changes, Config};
use crate::domain::os_error::in_words;
use crate::domain::settings::Variables;
use crate::tui::LastView;
use crate::tui::beyond::{Beyond, Changed, ConfigurationFile, Found, Look, Reread};

/// The file in the state folder that has what was on the screen, by configuration and context.
const VIEWS: &str = "cockpit.json";

/// What a cockpit reaches that has no configuration: the zone, and files.
pub(super) fn without_configuration(variables: &Variables) -> Beyond {
    let home = variables("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from);
    let folder = std::path::absolute(".").ok();
    Beyond {
        offset: Arc::new(|at| at.with_timezone(&Local).offset().fix()),
        save: Arc::new(move |name, text| save(&from_home(name, home.as_deref()), text)),
        folder: folder.map(|folder| folder.display().to_string()),
        ..Beyond::default()
    }
}

/// The file that somebody means who writes `~` for their own folder, as in a shell.
fn from_home(name: &str, home: Option<&Path>) -> PathBuf {
    match (name.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(name),
    }
}

/// Writes a new file. What is there already is never replaced.
fn save(name: &Path, text: &str) -> Result<String, String> {
    let path = std::path::absolute(name).map_err(|error| {
        format!(
            "{} is no place for a file: {error}",
            name.display(),
            error = in_words(&error)
        )
    })?;
    let place = path.display();
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => Ok(place.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(format!("{place} is there already: write another name"))
        }
        Err(error) => Err(format!(
            "{place} cannot be written: {error}",
            error = in_words(&error)
        )),
    }
}

/// What was on the screen of a cockpit on this configuration and context when it was last left. A file that cannot be read,
/// or that has nonsense in it, has nothing.
pub(super) fn last_view(state: &Path, config: &Path, context: &str) -> Option<LastView> {
    let view = views(state).remove(&key(config, context))?;
    serde_json::from_value(view).ok()
}

fn key(config: &Path, context: &str) -> String {
    format!("{} {context}", config.display())
}

fn views(state: &Path) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(state.join(VIEWS)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Keeps what is on the screen. That it cannot be kept is nothing that whoever leaves has to deal with.
pub(super) fn keep_view(state: &Path, config: &Path, context: &str, view: &LastView) {
    let mut all = views(state);
    let Ok(view) = serde_json::to_value(view) else {
        return;
    };
    all.insert(key(config, context), view);
    let _ = write_whole(state, &all);
}

/// Writes the file whole, and then in the place of the one before: another cockpit may read it.
fn write_whole(state: &Path, views: &BTreeMap<String, Value>) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    let beside = state.join(format!("{VIEWS}.{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    let written = serde_json::to_writer_pretty(&mut file, views)
        .map_err(std::io::Error::from)
        .and_then(|()| fs::rename(&beside, state.join(VIEWS)));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// What tells one state of a file from another.
pub(in crate::cli) type Stamp = Option<(i64, i64, u64, u64)>;

/// The state of a file; `None` of one that is not there.
pub(in crate::cli) fn stamp(file: &Path) -> Stamp {
    let facts = fs::metadata(file).ok()?;
    Some((facts.mtime(), facts.mtime_nsec(), facts.ino(), facts.len()))
}

/// How long it is from one look at the file of the configuration to the next.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What was last seen of the configuration.
struct Seen {
    stamp: Stamp,
    /// What was seen at the last look, where that was something else: whoever writes the file may not be done.
    settling: Option<Stamp>,
    /// Whether it could not be used when it was last read.
    is_wrong: bool,
    config: Config,
}

impl Seen {
    /// Whether a look is to read the file, of which this is the state now.
    fn is_to_be_read(&mut self, now: Stamp, how: Look) -> bool {
        match how {
            Look::Now => true,
            Look::OnceSettled if now == self.stamp => {
                self.settling = None;
                false
            }
            Look::OnceSettled => self.settling.replace(now) == Some(now),
        }
    }
}

/// Lets a cockpit on this context look at the configuration, and be told what has changed in it.
pub(super) fn follow(beyond: &mut Beyond, config: Config, context: String, variables: Variables) {
    beyond.configuration = Some(ConfigurationFile {
        path: config.file.display().to_string(),
        read: None,
    });
    beyond.reread = reread(config, context, variables);
    beyond.look_every = Some(LOOK_EVERY);
}

/// The same for whoever stays in lines. What a terminal would have to be able to show is nothing to them.
pub(super) fn follow_in_lines(config: Config, context: String, variables: &Variables) -> Follows {
    let variables = Arc::clone(variables);
    let on_any_terminal: Variables = Arc::new(move |name| match name {
        "TERM" => Some("xterm".to_owned()),
        name => variables(name),
    });
    Follows {
        contexts: cockpit::choices(&config),
        reread: reread(config, context, on_any_terminal),
        every: LOOK_EVERY,
        opens_anew: true,
    }
}

/// The same for the cockpit of a demo, which has one context and stays in it.
#[cfg(feature = "engine")]
pub(super) fn follow_in_demo(beyond: &mut Beyond, config: Config, context: String, variables: Variables) {
    follow(beyond, config, context, variables);
    let reread = Arc::clone(&beyond.reread);
    beyond.reread = Arc::new(move |how| match reread(how) {
        Found::Changed(changed) => Found::Changed(Box::new(Changed {
            contexts: Vec::new(),
            ..*changed
        })),
        other => other,
    });
}

/// Looks at the configuration whenever it is asked, and says what has changed in it for a cockpit on this context.
fn reread(config: Config, context: String, variables: Variables) -> Reread {
    let file: PathBuf = config.file.clone();
    let seen = Mutex::new(Seen {
        stamp: stamp(&file),
        settling: None,
        is_wrong: false,
        config,
    });
    Arc::new(move |how| {
        let mut seen = seen.lock();
        let now = stamp(&file);
        if !seen.is_to_be_read(now, how) {
            return Found::Same;
        }
        let is_as_it_was = now == seen.stamp && !seen.is_wrong;
        seen.stamp = now;
        seen.settling = None;
        let looked = look(&file, &context, &variables, &seen.config);
        seen.is_wrong = looked.is_err();
        match looked {
            Ok(_) if is_as_it_was => Found::Same,
            Ok((config, changed)) => {
                // What needs the context to be opened anew is told until it has been: it is compared with what is in use.
                seen.config.contexts = config.contexts;
                Found::Changed(Box::new(changed))
            }
            Err(why) => Found::Wrong(why),
        }
    })
}

fn look(
    file: &Path,
    context: &str,
    variables: &Variables,
    before: &Config,
) -> Result<(Config, Changed), String> {
    let config = Config::load(file).map_err(|error| error.to_string())?;
    let named = config.context(Some(context)).map_err(|error| error.to_string())?;
    let settings = cockpit::settings(&named, Some(&config), variables).map_err(|error| error.message)?;
    let was = before
        .context(Some(context))
        .map(|named| named.context)
        .unwrap_or_default();
    let is_here = named.context.backend == BackendAddress::Embedded;
    let changed = Changed {
        theme: settings.theme,
        accent: settings.accent,
        keys: settings.keys,
        contexts: settings.contexts,
        idle_lock: settings.idle_lock,
        calling: settings.calling,
        waits: waits(before, &config, &was, &named.context, is_here),
    };
    Ok((config, changed))
}

/// What has changed that an open context does not take over.
fn waits(
    before: &Config,
    after: &Config,
    was: &crate::config::Context,
    is: &crate::config::Context,
    is_here: bool,
) -> Vec<String> {
    let mut waits = Vec::new();
    let mut note = |is_new: bool, what: &str| {
        if is_new {
            waits.push(what.to_owned());
        }
    };
    note(was.backend != is.backend, "the context's backend");
    note(was.read_only != is.read_only, "read_only");
    note(was.mouse != is.mouse, "mouse");
    note(
        was.token() != is.token() || was.ca_file != is.ca_file,
        "how the service is reached",
    );
    if !is_here {
        return waits;
    }
    let changes = Changes::between(before, after);
    waits.extend(changes.at_a_start);
    waits.extend(changes.taken);
    waits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Arc::new(|name| (name == "TERM").then(|| "xterm".to_owned()))
    }

    #[test]
    fn what_was_on_the_screen_comes_back_by_configuration_and_context() {
        let folder = tempfile::tempdir().unwrap();
        let (state, config) = (folder.path().join("state"), Path::new("/etc/lifeboat.toml"));
        assert_eq!(last_view(&state, config, "local"), None);
        let view = LastView {
            filter: "acme".to_owned(),
            ..LastView::default()
        };
        keep_view(&state, config, "local", &view);
        assert_eq!(last_view(&state, config, "local"), Some(view.clone()));
        assert_eq!(last_view(&state, config, "other"), None);
        assert_eq!(last_view(&state, Path::new("/other.toml"), "local"), None);
        // Nonsense is nothing, and is replaced.
        for nonsense in ["", "{", "[1,2]", r#"{"/etc/lifeboat.toml local": 7}"#] {
            fs::write(state.join(VIEWS), nonsense).unwrap();
            assert_eq!(last_view(&state, config, "local"), None, "{nonsense}");
        }
        keep_view(&state, config, "local", &view);
        assert_eq!(last_view(&state, config, "local"), Some(view));
    }

    #[test]
    fn a_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs.csv");
        assert!(save(&file, "a").unwrap().ends_with("jobs.csv"));
        assert!(save(&file, "b").unwrap_err().contains("is there already"));
        assert_eq!(fs::read_to_string(file).unwrap(), "a");
    }

    #[test]
    fn a_name_can_begin_at_home() {
        let home = Some(Path::new("/home/kim"));
        for (name, file) in [
            ("~/jobs.csv", "/home/kim/jobs.csv"),
            ("jobs.csv", "jobs.csv"),
            ("~jobs.csv", "~jobs.csv"),
            ("/tmp/~/jobs.csv", "/tmp/~/jobs.csv"),
        ] {
            assert_eq!(from_home(name, home), Path::new(file));
        }
        assert_eq!(from_home("~/jobs.csv", None), Path::new("~/jobs.csv"));
    }

    #[test]
    fn a_configuration_that_changes_is_taken_over_and_one_that_is_wrong_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lifeboat.toml");
        let write = |text: &str| fs::write(&file, text).unwrap();
        let context = "[contexts.local]\nbackend = \"https://lifeboat.internal\"\n";
        write(context);
        let looks = reread(Config::load(&file).unwrap(), "local".to_owned(), variables());
        assert!(matches!(looks(Look::Now), Found::Same));
        write(&format!("{context}theme = \"light\"\nread_only = true\n"));
        let Found::Changed(changed) = looks(Look::Now) else {
            panic!("it has changed");
        };
        assert_eq!(changed.theme, crate::tui::theme::ThemeChoice::Light);
        assert_eq!(changed.waits, ["read_only"]);
        write(&format!("{context}theme = \"sunny\"\n"));
        let Found::Wrong(why) = looks(Look::Now) else {
            panic!("it is wrong");
        };
        assert!(why.contains("sunny"), "{why}");
        // It is told once, and again to whoever wants to know.
        assert!(matches!(looks(Look::OnceSettled), Found::Same));
        assert!(matches!(looks(Look::Now), Found::Wrong(_)));
        write(&format!("{context}[keys]\nbackup = \"r\"\n"));
        let Found::Wrong(why) = looks(Look::Now) else {
            panic!("it is wrong");
        };
        assert!(why.contains("backup and restore"), "{why}");
        fs::remove_file(&file).unwrap();
        assert!(matches!(looks(Look::Now), Found::Wrong(_)));
    }

    #[test]
    fn a_file_is_read_once_it_has_stayed_the_same_for_a_look() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lifeboat.toml");
        let write = |text: &str| fs::write(&file, text).unwrap();
        let context = "[contexts.local]\nbackend = \"https://lifeboat.internal\"\n";
        write(context);
        let looks = reread(Config::load(&file).unwrap(), "local".to_owned(), variables());
        assert!(matches!(looks(Look::OnceSettled), Found::Same));
        // Half of it is written, and then the rest.
        write("[contexts.lo");
        assert!(matches!(looks(Look::OnceSettled), Found::Same));
        write(&format!("{context}theme = \"light\"\n"));
        assert!(matches!(looks(Look::OnceSettled), Found::Same));
        assert!(matches!(looks(Look::OnceSettled), Found::Changed(_)));
        assert!(matches!(looks(Look::OnceSettled), Found::Same));
        write("[contexts.lo");
        assert!(matches!(looks(Look::OnceSettled), Found::Same));
        let Found::Wrong(why) = looks(Look::OnceSettled) else {
            panic!("it is wrong");
        };
        assert!(why.contains("line 1"), "{why}");
        // Written back as it was, it is news that it can be used.
        write(&format!("{context}theme = \"light\"\n"));
        assert!(matches!(looks(Look::OnceSettled), Found::Same));
        assert!(matches!(looks(Look::OnceSettled), Found::Changed(_)));
        assert!(matches!(looks(Look::Now), Found::Same));
    }

    #[cfg(feature = "engine")]
    #[test]
    fn a_demo_follows_its_file_and_stays_in_its_context() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lifeboat.toml");
        let text = "[contexts.demo]\nbackend = \"https://lifeboat.internal\"\n";
        fs::write(&file, text).unwrap();
        let mut beyond = Beyond::default();
        let config = Config::load(&file).unwrap();
        follow_in_demo(&mut beyond, config, "demo".to_owned(), variables());
        assert!(beyond.look_every.is_some());
        fs::write(&file, format!("{text}theme = \"light\"\n")).unwrap();
        let Found::Changed(changed) = (beyond.reread)(Look::Now) else {
            panic!("it has changed");
        };
        assert_eq!(changed.contexts, []);
    }
}
