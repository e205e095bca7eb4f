//! The three keys that a secret may be written by: `…_file`, `…_command` and `…_env`, of which one at most is used.
//!
//! Not in here: reading what they name (`secret`).

use std::path::PathBuf;

use super::SecretSource;

/// What is written of a secret, and under which name.
#[derive(Debug, Clone, Copy)]
pub struct SecretPlaces<'s> {
    /// The name in front of `_file`, `_command` and `_env`.
    pub key: &'static str,
    /// The file.
    pub file: &'s Option<PathBuf>,
    /// The command.
    pub command: &'s Option<Vec<String>>,
    /// The environment variable.
    pub variable: &'s Option<String>,
}

impl SecretPlaces<'_> {
    /// How many of them are written.
    #[must_use]
    pub fn count(&self) -> usize {
        let written = [
            self.file.is_some(),
            self.command.is_some(),
            self.variable.is_some(),
        ];
        written.into_iter().filter(|is_there| *is_there).count()
    }

    /// Where the secret is.
    #[must_use]
    pub fn source(&self) -> Option<SecretSource> {
        let file = self.file.clone().map(SecretSource::PasswordFile);
        let command = || self.command.clone().map(SecretSource::PasswordCommand);
        let variable = || self.variable.clone().map(SecretSource::PasswordEnv);
        file.or_else(command).or_else(variable)
    }

    /// What to do where several are written, in words; `None` where that is not so.
    #[must_use]
    pub fn several(&self) -> Option<String> {
        let key = self.key;
        (self.count() > 1).then(|| format!("write only one of {key}_file, {key}_command and {key}_env"))
    }

    /// Whether the command names no program.
    #[must_use]
    pub fn has_empty_command(&self) -> bool {
        self.command
            .as_ref()
            .is_some_and(|words| words.first().is_none_or(|program| program.trim().is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_one_place() {
        let (file, command) = (Some(PathBuf::from("/etc/key")), Some(vec!["pass".to_owned()]));
        let places = SecretPlaces {
            key: "token",
            file: &file,
            command: &None,
            variable: &None,
        };
        assert_eq!(
            places.source(),
            Some(SecretSource::PasswordFile("/etc/key".into()))
        );
        assert_eq!((places.several(), places.count()), (None, 1));
        let places = SecretPlaces {
            command: &command,
            ..places
        };
        let told = places.several().unwrap();
        assert_eq!(told, "write only one of token_file, token_command and token_env");
        for empty in [vec![], vec![" ".to_owned()]] {
            let empty = Some(empty);
            let places = SecretPlaces {
                command: &empty,
                ..places
            };
            assert!(places.has_empty_command(), "{empty:?}");
        }
        assert!(!places.has_empty_command());
    }
}
