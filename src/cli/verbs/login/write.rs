//! What `lifeboat login` writes: the token, for its owner only, and the context that names it. A file is replaced as a
//! whole or not at all.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::cli::CliError;
use crate::config::{BackendAddress, Config, IMPLICIT_CONTEXT, NamedContext};
use crate::domain::os_error::in_words;

/// The file for the token of a context: the one that it names, or one of its name beside the configuration.
///
/// # Errors
/// [`CliError`] when the context has its token from elsewhere, or is not one that leads to a service.
pub(super) fn token_file(context: &NamedContext, config: &Path) -> Result<PathBuf, CliError> {
    let name = &context.name;
    let settings = &context.context;
    if settings.backend == BackendAddress::Embedded {
        return Err(CliError::usage(format!(
            "the context \"{name}\" leads to this machine, which wants no token"
        )));
    }
    let elsewhere = match (&settings.token_command, &settings.token_env) {
        (Some(command), _) => Some(format!("the command {}", command.join(" "))),
        (_, Some(variable)) => Some(format!("the environment variable {variable}")),
        _ => None,
    };
    if let Some(elsewhere) = elsewhere {
        return Err(CliError::usage(format!(
            "the context \"{name}\" has its token from {elsewhere}: change it there, or name a token_file in the configuration"
        )));
    }
    Ok(settings
        .token_file
        .clone()
        .unwrap_or_else(|| config.with_file_name(format!("{name}.token"))))
}

/// Stores the token, readable by its owner only.
pub(super) fn token(file: &Path, token: &str) -> Result<(), CliError> {
    replace(file, &format!("{token}\n"), 0o600).map_err(|error| {
        CliError::failed(format!(
            "the token is good, but storing it in {} failed: {error}",
            file.display(),
            error = in_words(&error),
        ))
    })
}

/// Makes the configuration name the context and its token, where it does not yet.
pub(super) fn config(
    file: &Path,
    config: Option<&Config>,
    context: &NamedContext,
    is_new: bool,
) -> Result<(), CliError> {
    if !is_new && context.context.token_file.is_some() {
        return Ok(());
    }
    let failed = |error: io::Error| {
        CliError::failed(format!(
            "the token is stored, but writing the context into {} failed: {error}",
            file.display(),
            error = in_words(&error),
        ))
    };
    let before = match config {
        Some(_) => fs::read_to_string(file).map_err(failed)?,
        None => String::new(),
    };
    let text = if is_new {
        with_new(&before, config, context)
    } else {
        with_token(&before, &context.name).ok_or_else(|| {
            CliError::usage(format!(
                "the token is stored, and the configuration does not name it yet: add token_file = \"{0}.token\" to the context \"{0}\" in {1}",
                context.name,
                file.display()
            ))
        })?
    };
    // What is written has to work.
    Config::parse(&text, file)?;
    let mode = fs::metadata(file).map_or(0o644, |file| file.permissions().mode() & 0o777);
    replace(file, &text, mode).map_err(failed)
}

/// The configuration with a new context at its end. What counted as the default before still does.
fn with_new(before: &str, config: Option<&Config>, context: &NamedContext) -> String {
    let mut text = String::new();
    let mut contexts = config.iter().flat_map(|config| config.contexts.keys());
    let has_default = config.is_some_and(|config| config.default_context.is_some());
    let only = contexts.next().map(String::as_str);
    let is_implicit = only.is_none() && config.is_some_and(|config| !config.environments.is_empty());
    let default = if is_implicit { Some(IMPLICIT_CONTEXT) } else { only };
    if let Some(default) = default.filter(|_| !has_default && contexts.next().is_none()) {
        let _ = write!(text, "default_context = \"{default}\"\n\n");
    }
    text.push_str(before);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if is_implicit {
        let _ = write!(text, "\n[contexts.{IMPLICIT_CONTEXT}]\nbackend = \"embedded\"\n");
    }
    let BackendAddress::Remote(address) = &context.context.backend else {
        return text;
    };
    if !text.is_empty() {
        text.push('\n');
    }
    let address = toml::Value::String(address.clone());
    let _ = write!(
        text,
        "[contexts.{0}]\nbackend = {address}\ntoken_file = \"{0}.token\"\n",
        context.name
    );
    if let Some(file) = &context.context.ca_file {
        let file = toml::Value::String(file.display().to_string());
        let _ = writeln!(text, "ca_file = {file}");
    }
    if context.context.plain_http {
        text.push_str("plain_http = true\n");
    }
    if context.context.read_only {
        text.push_str("read_only = true\n");
    }
    text
}

/// The configuration with the token of a context that is in it. `None` when its place is not found.
fn with_token(before: &str, name: &str) -> Option<String> {
    let heads = [format!("[contexts.{name}]"), format!("[contexts.\"{name}\"]")];
    let mut text = String::new();
    let mut is_done = false;
    for line in before.lines() {
        text.push_str(line);
        text.push('\n');
        let head = line.split('#').next().unwrap_or_default().trim();
        if !is_done && heads.iter().any(|known| known == head) {
            let _ = writeln!(text, "token_file = \"{name}.token\"");
            is_done = true;
        }
    }
    is_done.then_some(text)
}

/// Writes a file beside its place and moves it there, so that nobody ever sees half of it, or its text with another
/// file's rights.
fn replace(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.new"));
    // One that an interrupted login has left may have other rights.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Context;

    fn prod() -> NamedContext {
        NamedContext {
            name: "prod".to_owned(),
            context: Context {
                backend: BackendAddress::Remote("https://backups.example.com".to_owned()),
                ..Context::default()
            },
        }
    }

    #[test]
    fn a_new_context_does_not_take_the_place_of_the_old_default() {
        let file = Path::new("/etc/lifeboat/lifeboat.toml");
        let parse = |text: &str| Config::parse(text, file).unwrap();
        let empty = with_new("", None, &prod());
        assert_eq!(parse(&empty).context(None).unwrap().name, "prod");

        let here = "[repository]\nroot = \"/r\"\npassword_file = \"k\"\n[[environment]]\nproject = \"acme\"\nname = \"uat\"\nkind = \"uat\"";
        let text = with_new(here, Some(&parse(here)), &prod());
        let config = parse(&text);
        assert_eq!(config.context(None).unwrap().name, "local");
        assert_eq!(config.contexts.len(), 2);

        let one = "[contexts.test]\nbackend = \"https://test.example.com\"\n";
        let text = with_new(one, Some(&parse(one)), &prod());
        assert_eq!(parse(&text).context(None).unwrap().name, "test");
        let again = with_new(
            &text,
            Some(&parse(&text)),
            &NamedContext {
                name: "third".to_owned(),
                ..prod()
            },
        );
        assert_eq!(parse(&again).context(None).unwrap().name, "test");
        assert_eq!(
            parse(&again)
                .context(Some("third"))
                .unwrap()
                .context
                .token_file
                .unwrap(),
            Path::new("/etc/lifeboat/third.token")
        );
    }

    #[test]
    fn what_a_new_context_was_told_is_written() {
        let mut told = prod();
        told.context.ca_file = Some("/etc/ours.pem".into());
        told.context.plain_http = true;
        told.context.read_only = true;
        let config = Config::parse(&with_new("", None, &told), Path::new("/etc/lifeboat.toml")).unwrap();
        let mut read = config.contexts["prod"].clone();
        assert!(read.token_file.take().is_some());
        assert_eq!(read, told.context);
    }

    #[test]
    fn a_context_that_is_there_learns_where_its_token_is() {
        let text = with_token("[contexts.prod] # live\nbackend = \"https://b\"\n", "prod").unwrap();
        let config = Config::parse(&text, Path::new("/etc/lifeboat.toml")).unwrap();
        assert_eq!(
            config.contexts["prod"].token_file.as_deref(),
            Some(Path::new("/etc/prod.token"))
        );
        assert_eq!(with_token("contexts = { prod = {} }", "prod"), None);
    }

    #[test]
    fn a_token_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/prod.token");
        for text in ["lb_one", "lb_two"] {
            token(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), format!("{text}\n"));
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}
