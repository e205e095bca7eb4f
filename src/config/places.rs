//! Where Lifeboat keeps its files on this machine: the configuration, the state, the cache.
//!
//! The platform's convention decides, unless somebody named another place. Nothing in here creates anything.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::ConfigError;

/// The name of the configuration file in the configuration folder.
pub const CONFIG_FILE: &str = "lifeboat.toml";

/// The folders that the platform gives a program. A folder is `None` on an account without a home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Configuration files.
    pub config: Option<PathBuf>,
    /// What has to outlive the process and is kept on this machine: jobs, activity, locks, the journal of restores.
    pub state: Option<PathBuf>,
    /// What may be deleted at any time.
    pub cache: Option<PathBuf>,
    /// Data: where `init` proposes to keep the repository.
    pub data: Option<PathBuf>,
}

impl Places {
    /// The folders of the account that runs this process.
    #[must_use]
    pub fn of_this_account() -> Self {
        let Some(folders) = ProjectDirs::from("", "", "lifeboat") else {
            return Self::default();
        };
        let data = folders.data_local_dir();
        Self {
            config: Some(folders.config_dir().to_owned()),
            // Only some platforms tell state from data.
            state: Some(
                folders
                    .state_dir()
                    .map_or_else(|| data.join("state"), Path::to_owned),
            ),
            cache: Some(folders.cache_dir().to_owned()),
            data: Some(data.to_owned()),
        }
    }

    /// The configuration file: the one that was named, or the one in the configuration folder.
    ///
    /// # Errors
    /// [`ConfigError::NoPlace`] when none was named and there is no such folder.
    pub fn config_file(&self, named: Option<&Path>) -> Result<PathBuf, ConfigError> {
        named
            .map(Path::to_owned)
            .or_else(|| self.config.as_ref().map(|folder| folder.join(CONFIG_FILE)))
            .ok_or(ConfigError::NoPlace {
                what: "the configuration",
                variable: "--config FILE or LIFEBOAT_CONFIG",
            })
    }

    /// The state folder.
    ///
    /// # Errors
    /// [`ConfigError::NoPlace`] when there is none.
    pub fn state_folder(&self) -> Result<&Path, ConfigError> {
        self.state.as_deref().ok_or(ConfigError::NoPlace {
            what: "the state",
            variable: "LIFEBOAT_STATE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_wins_over_the_folder() {
        let places = Places {
            config: Some("/home/kim/.config/lifeboat".into()),
            ..Places::default()
        };
        let file = |named| places.config_file(named).unwrap();
        assert_eq!(file(None), Path::new("/home/kim/.config/lifeboat/lifeboat.toml"));
        assert_eq!(file(Some(Path::new("/etc/lb.toml"))), Path::new("/etc/lb.toml"));
    }

    #[test]
    fn an_account_without_a_home_is_told_what_to_name() {
        let places = Places::default();
        assert!(
            places
                .config_file(None)
                .unwrap_err()
                .to_string()
                .contains("LIFEBOAT_CONFIG")
        );
        assert!(
            places
                .state_folder()
                .unwrap_err()
                .to_string()
                .contains("LIFEBOAT_STATE")
        );
    }
}
