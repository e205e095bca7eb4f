//! Reads a secret from where an operator keeps it: a file, a command or an environment variable. It is never printed.

pub(crate) mod blot;
pub(crate) mod command;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::domain::os_error::in_words;
use crate::domain::settings::SecretSource;

/// Whether a secret in a file is its owner's alone. A file that is not there is no matter of this.
///
/// # Errors
/// A sentence that says what to type when others can read it.
pub(crate) fn owner_only(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Ok(file) if file.permissions().mode() & 0o077 != 0 => Err(format!(
            "others on this machine can read {0}: type chmod 600 {0}",
            path.display()
        )),
        _ => Ok(()),
    }
}

/// Reads the first line of a secret. Relative paths are below `base`, where commands run as well; `environment` answers
/// for environment variables.
///
/// # Errors
/// A sentence that says where it was looked for, and never what was found.
pub(crate) fn read(
    source: &SecretSource,
    base: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let (text, place) = whole(source, base, environment)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("the first line of {place} is empty")),
    }
}

/// Reads the key of a repository, as `restic` does: without a mark of the byte order and without white space at both ends,
/// and with every further line; a variable as it is. What came before is the key as earlier versions read it, where that
/// was another one: the first line.
///
/// # Errors
/// As [`read`].
#[cfg(feature = "engine")]
pub(crate) fn read_key(
    source: &SecretSource,
    base: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(String, Option<String>), String> {
    let (text, place) = whole(source, base, environment)?;
    let key = match source {
        SecretSource::PasswordEnv(_) => text.as_str(),
        _ => text.strip_prefix('\u{feff}').unwrap_or(&text).trim(),
    };
    if key.is_empty() {
        return Err(format!("{place} is empty"));
    }
    let before = text.lines().next().unwrap_or_default();
    let before = (before != key && !before.is_empty()).then(|| before.to_owned());
    Ok((key.to_owned(), before))
}

/// All of a secret's text, and where it comes from, in words.
fn whole(
    source: &SecretSource,
    base: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(String, String), String> {
    Ok(match source {
        SecretSource::PasswordFile(path) => {
            let path = base.join(path);
            let bytes = fs::read(&path)
                .map_err(|error| format!("{}: {error}", path.display(), error = in_words(&error)))?;
            let text = String::from_utf8(bytes)
                .map_err(|_| format!("{} is not text: write it as UTF-8, on one line", path.display()))?;
            (text, path.display().to_string())
        }
        SecretSource::PasswordCommand(command) => {
            let failed = |why: String| format!("its command: {why}");
            let printed = command::secret(command, base).map_err(failed)?;
            let text =
                String::from_utf8(printed).map_err(|_| failed("what it printed is not text".to_owned()))?;
            (text, "what the command printed".to_owned())
        }
        SecretSource::PasswordEnv(name) => {
            let text =
                environment(name).ok_or_else(|| format!("the environment variable {name} is not set"))?;
            (text, format!("the environment variable {name}"))
        }
    })
}
