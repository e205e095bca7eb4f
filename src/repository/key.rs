//! The secret that opens a repository, and where it is read from. It is never printed.

use std::fmt;
use std::path::Path;

use super::error::RepositoryError;
use crate::domain::settings::SecretSource;
use crate::secret;

/// The secret that opens a repository.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    secret: String,
    /// As versions before this one read it, where that is another one.
    before: Option<String>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key as it is.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self { secret, before: None }
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
        secret::read_key(source, base, environment)
            .map(|(secret, before)| Self { secret, before })
            .map_err(RepositoryError::NoKey)
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// The key as versions before this one read it, where that is another one.
    pub(super) fn before(&self) -> Option<Self> {
        self.before.clone().map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::repository::Repository;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_file_gives_the_key_that_restic_takes_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let source = SecretSource::PasswordFile("key".into());
        for (text, expected, before) in [
            ("open sesame", "open sesame", None),
            ("open sesame\r\n", "open sesame", None),
            (" open sesame \n\n", "open sesame", Some(" open sesame ")),
            ("\nopen sesame\n", "open sesame", None),
            (
                "\u{feff}open sesame\n",
                "open sesame",
                Some("\u{feff}open sesame"),
            ),
            ("open\r\nsesame\n", "open\r\nsesame", Some("open")),
            ("s\u{e4}same\u{a0}\n", "s\u{e4}same", Some("s\u{e4}same\u{a0}")),
        ] {
            fs::write(folder.path().join("key"), text).unwrap();
            let key = Key::read(&source, folder.path(), &nothing).unwrap();
            assert_eq!(key.secret(), expected, "{text:?}");
            assert_eq!(
                key.before().map(|key| key.secret().to_owned()).as_deref(),
                before,
                "{text:?}"
            );
            assert!(!format!("{key:?}").contains("sesame"));
        }
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
        fs::write(folder.path().join("empty"), "\n \n").unwrap();
        fs::write(folder.path().join("noise"), [0xff, 0xfe, b'x', 0]).unwrap();
        for (source, part) in [
            (
                SecretSource::PasswordFile("nowhere".into()),
                "/nowhere: No such file",
            ),
            (
                SecretSource::PasswordFile(folder.path().join("empty")),
                "is empty",
            ),
            (
                SecretSource::PasswordFile(folder.path().join("noise")),
                "is not text",
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

    #[test]
    fn a_repository_of_an_earlier_version_opens_by_the_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("repository");
        Repository::open_or_create(&place, &Key::new("open sesame".to_owned())).unwrap();
        fs::write(folder.path().join("key"), "open sesame\n# of acme/live\n").unwrap();
        let source = SecretSource::PasswordFile("key".into());
        let key = Key::read(&source, folder.path(), &nothing).unwrap();
        Repository::open(&place, &key).unwrap();
        fs::write(folder.path().join("key"), "sesame\n# of acme/live\n").unwrap();
        let wrong = Key::read(&source, folder.path(), &nothing).unwrap();
        let error = Repository::open(&place, &wrong).unwrap_err();
        assert!(matches!(error, RepositoryError::WrongKey { .. }), "{error:?}");
    }
}
