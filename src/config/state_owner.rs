//! Which configuration a state folder belongs to, so that two configurations of one account do not mix their jobs in it
//! unnoticed.
//!
//! A file in the state folder names the configuration and its repository. Another configuration is let in where that is
//! the same installation all the same: it has the same repository (a copy of the configuration, for one evening), or the
//! configuration that the folder belonged to is gone or has named another folder since.
//!
//! Not in here: where the state folder is ([`super::Places`]); what is in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};

/// The file in the state folder.
pub const OWNER: &str = "configuration.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    /// The configuration, in full.
    configuration: PathBuf,
    /// Where its repositories are below.
    repository: Option<String>,
}

impl Owner {
    fn of(config: &Config) -> Self {
        Self {
            configuration: in_full(&config.file),
            repository: config
                .repository
                .as_ref()
                .map(|repository| repository.root.to_string()),
        }
    }
}

/// Makes sure that the state folder is this configuration's, and takes one that is nobody's.
///
/// # Errors
/// [`ConfigError::StateOfAnother`]. That the file cannot be read or written is none: whether the folder can be used is
/// found out by whoever uses it.
pub fn claim(state: &Path, config: &Config) -> Result<(), ConfigError> {
    let ours = Owner::of(config);
    match owner(state) {
        Some(owner) if owner == ours => return Ok(()),
        Some(owner) if owner.configuration != ours.configuration => {
            if owner.repository == ours.repository {
                return Ok(());
            }
            if still_has(&owner.configuration, state) {
                return Err(ConfigError::StateOfAnother {
                    state: state.to_owned(),
                    owner: owner.configuration,
                    file: config.file.clone(),
                });
            }
        }
        _ => {}
    }
    let _ = write(&state.join(OWNER), &ours);
    Ok(())
}

/// The other configuration that a state folder belongs to, so that this one could not use it. Claims nothing.
#[must_use]
pub fn of_another(state: &Path, config: &Config) -> Option<PathBuf> {
    let ours = Owner::of(config);
    let owner = owner(state)?;
    let is_another = owner.configuration != ours.configuration && owner.repository != ours.repository;
    (is_another && still_has(&owner.configuration, state)).then_some(owner.configuration)
}

/// What a state folder says whose it is.
fn owner(state: &Path) -> Option<Owner> {
    let text = fs::read_to_string(state.join(OWNER)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether a configuration is still there and has not named another state folder meanwhile.
fn still_has(configuration: &Path, state: &Path) -> bool {
    match Config::load(configuration) {
        Ok(config) => config.state.is_none_or(|named| in_full(&named) == in_full(state)),
        Err(ConfigError::Missing { .. }) => false,
        // It is there, and what it says nobody knows.
        Err(_) => true,
    }
}

fn in_full(path: &Path) -> PathBuf {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

fn write(file: &Path, owner: &Owner) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let text = serde_json::to_string_pretty(owner)?;
    let beside = file.with_extension("json.new");
    let mut options = OpenOptions::new();
    let mut new = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&beside)?;
    new.write_all(text.as_bytes())?;
    drop(new);
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration with its repository there, and with these lines more.
    fn config(folder: &Path, name: &str, root: &str, more: &str) -> Config {
        let file = folder.join(name);
        let text = format!(
            "{more}\n[repository]\nroot = \"{root}\"\npassword_file = \"key\"\n[[environment]]\nproject = \"acme\"\nname = \
             \"uat\"\nkind = \"uat\"\n"
        );
        fs::write(&file, text).unwrap();
        Config::load(&file).unwrap()
    }

    #[test]
    fn a_state_folder_lets_no_other_installation_in() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, state) = (folder.path(), folder.path().join("state"));
        let first = config(folder, "first.toml", "/backups", "");
        claim(&state, &first).unwrap();
        claim(&state, &first).unwrap();
        let other = config(folder, "other.toml", "s3://bucket/backups", "");
        let refused = claim(&state, &other).unwrap_err().to_string();
        assert!(
            refused.contains("first.toml") && refused.contains("other.toml") && refused.contains("state = "),
            "{refused}"
        );
        // A copy of the first one for one evening is the same installation.
        claim(&state, &config(folder, "copy.toml", "/backups", "")).unwrap();
        // Whoever moves its repository keeps its past.
        claim(&state, &config(folder, "first.toml", "s3://bucket/first", "")).unwrap();
        assert!(claim(&state, &other).is_err());
    }

    #[test]
    fn a_state_folder_that_was_given_up_is_free() {
        for gives_up in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let (folder, state) = (folder.path(), folder.path().join("state"));
            claim(&state, &config(folder, "first.toml", "/backups", "")).unwrap();
            if gives_up {
                config(folder, "first.toml", "/backups", "state = \"elsewhere\"");
            } else {
                fs::remove_file(folder.join("first.toml")).unwrap();
            }
            claim(&state, &config(folder, "other.toml", "/others", "")).unwrap();
            let back = config(folder, "first.toml", "/backups", "");
            assert!(claim(&state, &back).is_err(), "it is the other's now");
        }
    }
}
