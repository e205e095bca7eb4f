//! What `lifeboat init` writes: the configuration and the key. Both are created, never replaced.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::answers::{Answers, NamedContent, absolute};
use crate::cli::CliError;
use crate::domain::environment::EnvironmentKind;
use crate::domain::os_error::in_words;
use crate::domain::settings::{ContentSettings, CredentialSource, PostgresSettings, StorageOptions};

/// Bytes of randomness in a key: 256 bits, written as 64 hexadecimal digits.
const KEY_BYTES: usize = 32;

/// The configuration as text, with a state folder of its own where it needs one.
///
/// # Errors
/// [`CliError`] when a path cannot be written in it.
pub(super) fn config_text(
    answers: &Answers,
    config: &Path,
    state: Option<&Path>,
) -> Result<String, CliError> {
    let folder = absolute(config)?.parent().map(Path::to_owned);
    let folder = folder.as_deref();
    let mut text = String::from(
        "# Written by `lifeboat init`. `lifeboat init --sample` prints a configuration with every setting explained.\n\n",
    );
    if let Some(state) = state {
        let _ = write!(
            text,
            "# Jobs, activity and locks. The usual folder has those of another configuration.\nstate = {}\n\n",
            path_text(state)?
        );
    }
    let root = &answers.root;
    let repository = match root.address.folder() {
        Some(folder) => path_text(folder)?,
        None => quoted(&root.address.to_string()),
    };
    let key = file_text(&answers.key, folder)?;
    let _ = write!(
        text,
        "\
[contexts.local]
backend = \"embedded\"

# Where the backups are kept, encrypted: restic-format repositories, one for each environment.
[repository]
root = {repository}
# Without this key no backup can be read: keep a copy of it away from this machine.
password_file = {key}
"
    );
    if root.address.folder().is_none() {
        storage_text(&root.options, folder, &mut text)?;
    }
    for (name, kind) in &answers.environments {
        let kind_text = match kind {
            EnvironmentKind::Live => "live",
            EnvironmentKind::Uat => "uat",
            EnvironmentKind::Integration => "integration",
        };
        let _ = write!(
            text,
            "\n[[environment]]\nproject = {}\nname = {}\nkind = \"{kind_text}\"\n",
            quoted(&answers.project),
            quoted(name)
        );
        if kind.is_recoverable() {
            live_text(answers, folder, &mut text)?;
        } else {
            text.push_str("# Listed and never backed up: only Live is.\n");
        }
    }
    Ok(text)
}

/// How object storage is reached.
fn storage_text(options: &StorageOptions, folder: Option<&Path>, text: &mut String) -> Result<(), CliError> {
    text.push_str("\n[repository.options]\n");
    match &options.endpoint {
        Some(endpoint) => {
            let _ = writeln!(text, "endpoint = {}", quoted(endpoint));
        }
        None => text.push_str("# No endpoint: Amazon's own.\n"),
    }
    let _ = writeln!(text, "region = {}", quoted(&options.region));
    if let Some(file) = &options.ca_file {
        let _ = writeln!(text, "ca_file = {}", file_text(file, folder)?);
    }
    if options.credentials == CredentialSource::Aws {
        text.push_str(
            "# A profile, a web identity, or the role of the container or the machine.\ncredentials = \"aws\"\n",
        );
        return Ok(());
    }
    for (setting, file, variable) in [
        ("access_key_id", &options.access_key_id_file, "AWS_ACCESS_KEY_ID"),
        (
            "secret_access_key",
            &options.secret_access_key_file,
            "AWS_SECRET_ACCESS_KEY",
        ),
    ] {
        let _ = match file {
            Some(file) => writeln!(text, "{setting}_file = {}", file_text(file, folder)?),
            None => writeln!(text, "{setting}_env = \"{variable}\""),
        };
    }
    Ok(())
}

fn live_text(answers: &Answers, folder: Option<&Path>, text: &mut String) -> Result<(), CliError> {
    let release = version_text(&answers.release_version)?;
    let magnolia = version_text(&answers.magnolia_version)?;
    let _ = write!(
        text,
        "\
# Read for each backup: a string, {{ file = \"…\" }} or {{ command = [\"…\"] }}.
release_version = {release}
magnolia_version = {magnolia}
# When automatic backups are made (UTC), and how many each slot keeps.
schedule = {{ window = \"00:00-01:00\", weekly_on = \"sunday\", monthly_on = 1 }}
keep = {{ monthly = 1, weekly = 1, daily = 1, manual = 1 }}
"
    );
    for instance in &answers.instances {
        let role = if instance.name.as_str() == "author" {
            "author"
        } else {
            "public"
        };
        let _ = write!(
            text,
            "
[[environment.instance]]
name = {}
role = \"{role}\"
",
            quoted(instance.name.as_str()),
        );
        if let ContentSettings::Files { path } = &instance.content {
            let folder = path_text(path)?;
            let _ = writeln!(text, "content = {{ type = \"files\", path = {folder} }}");
        }
        text.push_str("# health = \"http://localhost:8080/.rest/health\"\n");
        if let ContentSettings::Home { path } = &instance.content {
            home_text(path, instance, text)?;
        } else {
            let _ = writeln!(
                text,
                "# hooks = {{ before_restore = [\"systemctl\", \"stop\", \"magnolia-{0}\"], after_restore = [\"systemctl\", \"start\", \
                 \"magnolia-{0}\"] }}",
                instance.name
            );
        }
        if let ContentSettings::Postgres(database) = &instance.content {
            database_text(database, folder, text)?;
        }
    }
    Ok(())
}

/// A home, and the hooks that stop and start its server.
fn home_text(home: &Path, instance: &NamedContent, text: &mut String) -> Result<(), CliError> {
    let _ = writeln!(
        text,
        "content = {{ type = \"home\", path = {} }}\n# The server has to stand still while the home is copied, and when it is \
         exchanged.",
        path_text(home)?
    );
    let server = &instance.server;
    let example = |what: &str| {
        vec![
            "systemctl".to_owned(),
            what.to_owned(),
            format!("magnolia-{}", instance.name),
        ]
    };
    let (comment, stop, start) = if server.is_known() {
        ("", server.stop.clone(), server.start.clone())
    } else {
        ("# ", example("stop"), example("start"))
    };
    let list = |words: &[String]| {
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        format!("[{}]", words.join(", "))
    };
    let (stop, start) = (list(&stop), list(&start));
    let _ = writeln!(
        text,
        "{comment}hooks = {{ before_backup = {stop}, after_backup = {start}, before_restore = {stop}, after_restore = {start} }}"
    );
    Ok(())
}

/// A database, in a table of its own: it has too much to say for one line.
fn database_text(
    database: &PostgresSettings,
    folder: Option<&Path>,
    text: &mut String,
) -> Result<(), CliError> {
    let _ = write!(
        text,
        "\
[environment.instance.content]
type = \"postgres\"
connect = {}
schema = {}
",
        quoted(&database.connect),
        quoted(&database.schema)
    );
    if let Some(file) = &database.password_file {
        let _ = writeln!(text, "password_file = {}", file_text(file, folder)?);
    }
    if let Some(file) = &database.ca_file {
        let _ = writeln!(text, "ca_file = {}", file_text(file, folder)?);
    }
    if let Some(folder) = &database.data_store {
        let _ = writeln!(text, "data_store = {}", path_text(folder)?);
    }
    if let Some(folder) = &database.home {
        let _ = writeln!(text, "home = {}", path_text(folder)?);
    }
    if !database.search_indexes.is_empty() {
        let patterns: Result<Vec<_>, _> = database
            .search_indexes
            .iter()
            .map(|pattern| path_text(pattern))
            .collect();
        let _ = writeln!(text, "search_indexes = [{}]", patterns?.join(", "));
    }
    Ok(())
}

/// A version: the text itself, or a file after an `@`.
fn version_text(version: &str) -> Result<String, CliError> {
    match version.strip_prefix('@') {
        Some(file) => {
            let file = std::path::absolute(file).map_err(|error| {
                CliError::usage(format!(
                    "\"{version}\" does not name a file: {error}",
                    error = in_words(&error)
                ))
            })?;
            Ok(format!("{{ file = {} }}", path_text(&file)?))
        }
        None => Ok(quoted(version)),
    }
}

/// A file of Lifeboat's own, such as one with a secret. One in the configuration's folder is written from there on, so that all
/// of them can be copied or moved together: to where the service may read them, or to another machine.
fn file_text(file: &Path, folder: Option<&Path>) -> Result<String, CliError> {
    let beside = folder.and_then(|folder| file.strip_prefix(folder).ok());
    path_text(beside.unwrap_or(file))
}

fn path_text(path: &Path) -> Result<String, CliError> {
    path.to_str().map(quoted).ok_or_else(|| {
        CliError::usage(format!(
            "{} is not UTF-8 and cannot be written in a configuration: use another path, for example a symbolic link",
            path.display()
        ))
    })
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Makes a key, readable by its owner only, unless there is one. Returns whether it is new.
///
/// # Errors
/// [`CliError`] when it cannot be made, or the one that is there is empty.
pub(super) fn key(path: &Path, random: fn(&mut [u8]) -> io::Result<()>) -> Result<bool, CliError> {
    let mut bytes = [0; KEY_BYTES];
    random(&mut bytes).map_err(|error| {
        CliError::failed(format!(
            "the system gives no random numbers for a key: {error}; nothing was written",
            error = in_words(&error),
        ))
    })?;
    let mut line = String::with_capacity(2 * KEY_BYTES + 1);
    for byte in bytes {
        let _ = write!(line, "{byte:02x}");
    }
    line.push('\n');
    match create(path, &line, 0o600) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match std::fs::metadata(path) {
            Ok(there) if there.is_file() && there.len() > 0 => Ok(false),
            _ => Err(CliError::usage(format!(
                "{} exists and is no key: name another file with --key",
                path.display()
            ))),
        },
        Err(error) => Err(CliError::failed(format!(
            "writing the key {} failed: {error}",
            path.display(),
            error = in_words(&error),
        ))),
    }
}

/// Writes the configuration, unless there is one.
///
/// # Errors
/// [`CliError`] when it cannot be written.
pub(super) fn config(path: &Path, text: &str) -> Result<(), CliError> {
    create(path, text, 0o644).map_err(|error| {
        CliError::failed(format!(
            "writing the configuration {} failed: {error}",
            path.display(),
            error = in_words(&error),
        ))
    })
}

/// Creates a file and the folders above it, and waits until it is on the disk.
fn create(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
