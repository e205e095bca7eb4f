//! The names that a context has, as far as they can be had at once: from the configuration, from the names of files, or from
//! a service. No repository is opened, and nobody is asked for a password.

use super::ThisMachine;
use crate::cli::known::{self, Wanted};
use crate::cli::{Globals, House as _};
use crate::config::{BackendAddress, Config};
use crate::domain::address::Address;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::settings::SecretSource;

/// The folder in which a repository has its records, one file each, named by the id.
const RECORDS: &str = "snapshots";

impl ThisMachine {
    /// What is wanted of the context, or nothing.
    pub(super) async fn names(&self, globals: &Globals, wanted: &Wanted) -> Vec<String> {
        let Ok(config) = self
            .config_file(globals)
            .and_then(|file| Ok(Config::load(&file)?))
        else {
            return Vec::new();
        };
        if *wanted == Wanted::Contexts {
            return config.contexts.into_keys().collect();
        }
        let Ok(context) = config.context(globals.context.as_deref()) else {
            return Vec::new();
        };
        match (context.context.backend.clone(), wanted) {
            (BackendAddress::Remote(address), _) => {
                // A command may ask somebody at the keyboard.
                if matches!(context.context.token(), Some(SecretSource::PasswordCommand(_))) {
                    return Vec::new();
                }
                match self.remote(&context, address, None) {
                    Ok(remote) => known::of_backend(&remote, wanted).await,
                    Err(_) => Vec::new(),
                }
            }
            (BackendAddress::Embedded, Wanted::Backups(environment)) => backups(&config, environment),
            (BackendAddress::Embedded, _) => {
                let named = config.environments.iter();
                let names = named.filter_map(|settings| settings.environment_name().ok());
                names.map(|name| name.to_string()).collect()
            }
        }
    }
}

/// The ids of an environment's backups, by the names of the records in a folder. A bucket would have to be asked.
fn backups(config: &Config, environment: &EnvironmentName) -> Vec<String> {
    let root = config.repository.as_ref().map(|repository| &repository.root);
    let Some(Address::Folder(root)) = root else {
        return Vec::new();
    };
    let folder = root
        .join(environment.project())
        .join(environment.environment())
        .join(RECORDS);
    let Ok(records) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = records.filter_map(|record| record.ok()?.file_name().into_string().ok());
    let mut ids: Vec<_> = names
        .filter(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(|name| BackupId(name).to_string())
        .collect();
    ids.sort_unstable();
    ids
}
