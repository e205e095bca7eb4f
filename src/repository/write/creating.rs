//! Makes repositories: whole or not at all, and never over something else.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustic_core::repofile::MasterKey;
use rustic_core::{
    ConfigOptions, Credentials, FileType, KeyOptions, NoProgressBars, RusticResult, WriteBackend,
};

#[cfg(feature = "object-storage")]
use rustic_core::{ReadBackend as _, RusticError};

use super::first_key::FirstKey;
use crate::disk::{private, removal};
use crate::domain::address::Address;
use crate::domain::os_error::in_words;
use crate::repository::Key;
#[cfg(feature = "object-storage")]
use crate::repository::Repository;
use crate::repository::Storage;
use crate::repository::error::RepositoryError;
use crate::repository::guard::{Access, Guard};
use crate::repository::handle;
use crate::repository::library::classified;
#[cfg(feature = "object-storage")]
use crate::repository::library::refusal_in;
#[cfg(feature = "object-storage")]
use crate::repository::storage::StorageRefusal;

/// How strongly content is compressed: the level of zstd that costs no more time than `restic` does by default.
const COMPRESSION: i32 = 1;

/// How big a file of packed content grows, as `restic` has it. Several are in memory while a backup is written.
const PACK_SIZE: &str = "16MiB";

/// Makes a repository beside its place and moves it there whole, so that a crash leaves no half of one. Gives the key
/// that everything in it is encrypted with.
pub(in crate::repository) fn create_in_folder(place: &Path, key: &Key) -> Result<MasterKey, RepositoryError> {
    let failed =
        |error: io::Error| RepositoryError::io("creating it", &Address::from(place), in_words(&error));
    let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(failed(io::Error::other(
            "this is not a path that a folder can have",
        )));
    };
    private::folders(parent).map_err(failed)?;
    let mut half = OsString::from(".");
    half.push(name);
    half.push(".creating");
    let half = parent.join(half);
    // What an earlier, interrupted creation left never held a backup.
    removal::remove(&half).map_err(failed)?;
    private::folders(&half).map_err(failed)?;
    let (made, _) = initialised(&Storage::Folder(half.clone()), key)
        .map_err(|error| classified(&error, "creating it", &Address::from(place)))?;
    fs::rename(&half, place).map_err(failed)?;
    fs::File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    Ok(made)
}

/// Makes a repository in a bucket, where nothing can be moved into place. Its config comes last: until that is written
/// there is no repository, and what a crash has left until then is a key that opens nothing.
#[cfg(feature = "object-storage")]
pub(in crate::repository) fn create_in_bucket(
    storage: &Storage,
    key: &Key,
) -> Result<Repository, RepositoryError> {
    let place = storage.address();
    let classify = |error: &RusticError| classified(error, "creating it", &place);
    let guard = match initialised(storage, key) {
        Ok((_, guard)) => guard,
        Err(error) => {
            // Another Lifeboat came first: its repository is the one, and this key goes.
            let exists = matches!(refusal_in(&error), Some(StorageRefusal::Exists));
            if exists || storage.holds_repository().is_ok_and(|there| there) {
                return Repository::open(storage, key);
            }
            return Err(classify(&error));
        }
    };
    let ours = guard.keys();
    if guard.keeps_what_is_written() {
        return Repository::open(storage, key);
    }
    for other in guard.list(FileType::Key).map_err(|error| classify(&error))? {
        if !ours.contains(&other) {
            guard
                .remove(FileType::Key, &other, false)
                .map_err(|error| classify(&error))?;
        }
    }
    // Finds out whether it really can be used.
    Repository::open(storage, key)
}

/// Writes key and config of a new repository. Gives the key that everything in it is encrypted with.
fn initialised(storage: &Storage, key: &Key) -> RusticResult<(MasterKey, Arc<Guard>)> {
    let mut config = ConfigOptions::default();
    config.set_compression = Some(COMPRESSION);
    config.set_extra_verify = Some(false);
    config.set_datapack_size = PACK_SIZE.parse().ok();
    config.set_datapack_growfactor = Some(0);
    let first = FirstKey::opened_by(key.secret())?;
    let guard = Guard::new(storage, Access::Create)?.with_first_key(first.id, first.file);
    let credentials = Credentials::Masterkey(first.key);
    let guard = Arc::new(guard);
    let made =
        handle(Arc::clone(&guard), NoProgressBars)?.init(&credentials, &KeyOptions::default(), &config);
    match made {
        Ok(made) => Ok((made.key(), guard)),
        Err(error) => {
            let removable = guard
                .keys()
                .into_iter()
                .filter(|_| !guard.keeps_what_is_written());
            for key in removable {
                // A key without a config opens nothing.
                let _ = guard.remove(FileType::Key, &key, false);
            }
            Err(error)
        }
    }
}
