//! The secret that opens a repository, and where it is read from. It is never printed.

use std::fmt;
use std::path::Path;

use super::error::RepositoryError;
use crate::domain::settings::SecretSource;
use crate::secret;

/// The secret that opens a repository.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key as it is.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// Reads the key. Relative paths are below `base`; `environment` answers for environment variables.
    ///
    /// # Errors
    /// [`RepositoryError::NoKey`] when there is none, or it is empty.
    pub fn read(
        source: &SecretSource,
        base: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, RepositoryError> {
        secret::read(source, base, environment)
            .map(Self)
            .map_err(RepositoryError::NoKey)
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_first_line_of_a_file_is_the_key() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "open sesame\r\nsecond line\n").unwrap();
        let key = Key::read(&SecretSource::PasswordFile("key".into()), folder.path(), &nothing).unwrap();
        assert_eq!(key.secret(), "open sesame");
        assert!(!format!("{key:?}").contains("sesame"));
    }

    #[test]
    fn a_command_and_a_variable_give_a_key() {
        let base = Path::new("/");
        let command = SecretSource::PasswordCommand(vec!["echo".into(), "from a command".into()]);
        assert_eq!(
            Key::read(&command, base, &nothing).unwrap().secret(),
            "from a command"
        );
        let variable = SecretSource::PasswordEnv("KEY".into());
        let lookup = |name: &str| (name == "KEY").then(|| "from a variable".to_owned());
        assert_eq!(
            Key::read(&variable, base, &lookup).unwrap().secret(),
            "from a variable"
        );
    }

    #[test]
    fn what_gives_no_key_is_said() {
        let base = Path::new("/");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty"), "\nx\n").unwrap();
        for (source, part) in [
            (
                SecretSource::PasswordFile("nowhere".into()),
                "/nowhere: No such file",
            ),
            (
                SecretSource::PasswordFile(folder.path().join("empty")),
                "is empty",
            ),
            (SecretSource::PasswordCommand(vec![]), "is empty"),
            (
                SecretSource::PasswordCommand(vec!["false".into()]),
                "exit status: 1",
            ),
            (SecretSource::PasswordEnv("KEY".into()), "KEY is not set"),
        ] {
            let error = Key::read(&source, base, &nothing).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
