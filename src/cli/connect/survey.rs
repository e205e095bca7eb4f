//! What `init` looks at on this machine, by the engine.

use std::path::Path;

use super::ThisMachine;
use super::here::look_on_a_thread;
use crate::backend::embedded;
use crate::cli::Survey;
use crate::domain::address::Address;
use crate::domain::check::{DatabaseFound, HomeFound, NotLookedAt};
use crate::domain::environment::EnvironmentName;
use crate::domain::settings::{PostgresSettings, StorageOptions};

impl Survey for ThisMachine {
    fn database(&self, settings: &PostgresSettings) -> Result<DatabaseFound, NotLookedAt> {
        look_on_a_thread(settings, &self.variables)
    }

    fn home(&self, home: &Path) -> Result<(), String> {
        embedded::look_at_home(home)
    }

    fn folder(&self, folder: &Path) -> Option<HomeFound> {
        embedded::look_at_folder(folder)
    }

    fn storage(
        &self,
        root: &Address,
        options: &StorageOptions,
        environment: &EnvironmentName,
    ) -> Result<bool, String> {
        embedded::look_at_storage(root, options, environment, &self.variables)
    }

    fn key(
        &self,
        root: &Address,
        options: &StorageOptions,
        environment: &EnvironmentName,
        key: &Path,
    ) -> Result<(), String> {
        embedded::try_key(root, options, environment, key, &self.variables)
    }
}
