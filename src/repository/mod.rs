//! The restic-format store of backups, through `rustic_core`.
//!
//! One repository per environment. A backup is made in three steps, so that it appears only when it is complete and
//! proven:
//!
//! 1. [`FrozenSources::take`] holds still what can be. [`Repository::copy`] stores the content of all instances as one
//!    tree, and checks that what is stored is what was read, and that nothing moved meanwhile. No backup is to be seen yet;
//!    a crash leaves data that nobody refers to, which the next prune removes.
//! 2. [`Repository::read_back_unless`] makes sure that all of it is there, and reads from disk again what was not read
//!    since it was written, or not for too long ([`Readings`]).
//! 3. [`Repository::record`] writes the record that makes it a backup, with its [`Manifest`] inside.
//!
//! `restic` itself lists, checks and restores what is written here. Four rooms, of which each knows only those before it:
//!
//! - `format`: what the files of a repository look like.
//! - `storage`: folders and object storage, with time limits of its own.
//! - `read`: what is taken out. Content comes by reading blobs, not through the library's restore; what is found damaged is
//!   noted.
//! - `write`: what is put in, read back, and removed. Content is read, cut (`chunker`) and packed (`packing`) without the
//!   library, because it swallows errors of the source, and hands every piece from thread to thread; what comes of that is
//!   what it would have written. What was noted as damaged counts as not stored (`mend`). `transfer` copies a backup into
//!   another repository by the same three steps. `prune` works in two phases, never deleting at once; leftovers that the
//!   library passes over go after a day. `keeping` has a bucket keep what backups need from being changed or removed.
//!
//! What binds them: `guard` lets the library write no backup by itself, and nothing once a copy is called off; `library`
//! says what its errors mean; `lock` keeps two machines apart that share a bucket.
//!
//! Not in here: when backups are made, what is kept, and how restored content takes the place of Live. The caller
//! holds the environment's lock around everything that writes.

mod error;
mod format;
mod guard;
#[cfg(feature = "object-storage")]
mod holders;
mod key;
mod library;
#[cfg(feature = "object-storage")]
mod lock;
mod read;
pub mod storage;
mod write;

use std::sync::Arc;
#[cfg(feature = "object-storage")]
use std::sync::Weak;

use parking_lot::Mutex;
use rustic_core::repofile::{IndexFile, IndexId, MasterKey};
use rustic_core::{
    Credentials, FileType, Id, NoProgressBars, OpenStatus, ProgressBars, ReadBackend, RepositoryBackends,
    RepositoryOptions, RusticError, RusticResult,
};

pub use self::error::RepositoryError;
pub use self::key::Key;
#[cfg(feature = "object-storage")]
pub use self::lock::RepositoryLock;
pub use self::read::backed_up::InstanceBackup;
pub use self::read::files::Files;
pub use self::read::readings::{Known, Readings};
pub use self::read::records::StoredBackup;
pub use self::read::verify::{Verified, VerifyReport, Verifying};
pub use self::write::copy::{Source, UnrecordedBackup};
pub use self::write::frozen::FrozenSources;
#[cfg(feature = "object-storage")]
pub(crate) use self::write::keeping::KnownTimes;
#[cfg(feature = "object-storage")]
pub use self::write::keeping::{BucketLook, Kept};
pub use self::write::prune::PruneReport;
pub use self::write::read_back::ReadBack;

use self::error::for_restic;
use self::format::cipher::Cipher;
#[cfg(feature = "object-storage")]
pub(crate) use self::guard::LeaseState;
pub(crate) use self::guard::WriteLease;
use self::guard::{Access, Guard};
use self::library::{caught, classified};
#[cfg(feature = "object-storage")]
use self::lock::HeldLock;
use self::read::damage::Damage;
use self::read::store::Store;
use self::storage::Found;
pub use self::storage::Storage;
#[cfg(feature = "object-storage")]
use self::write::creating::create_in_bucket;
use self::write::creating::create_in_folder;

pub use crate::content::backed_up::{Comparison, Depth, Extracted};
use crate::domain::address::Address;
#[cfg(doc)]
use crate::domain::backup::Manifest;

/// The repository of one environment, open.
pub struct Repository {
    place: Address,
    storage: Storage,
    key: MasterKey,
    loaded: Mutex<Option<Loaded>>,
    damage: Damage,
    /// The lock in the repository itself, while one is held.
    #[cfg(feature = "object-storage")]
    held: Mutex<Weak<HeldLock>>,
    /// The right of whoever works on the environment.
    fence: Mutex<Option<Arc<dyn WriteLease>>>,
}

/// The index in memory, and which files it was read from.
struct Loaded {
    files: Vec<Id>,
    store: Store,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// Whether there is a repository.
    ///
    /// # Errors
    /// [`RepositoryError`] when that cannot be found out.
    pub fn exists(storage: impl Into<Storage>) -> Result<bool, RepositoryError> {
        storage.into().holds_repository()
    }

    /// Opens a repository. Costs a good part of a second and 32 to 128 MiB of memory for a moment (the key is hardened against
    /// guessing): open once and keep it.
    ///
    /// # Errors
    /// [`RepositoryError`] when there is none, it is something else, or the key is not its key.
    pub fn open(storage: impl Into<Storage>, key: &Key) -> Result<Self, RepositoryError> {
        let storage = storage.into();
        let place = storage.address();
        if !storage.holds_repository()? {
            return Err(match storage.what_is_there()? {
                Found::Nothing => RepositoryError::Missing { place },
                #[cfg(feature = "object-storage")]
                Found::Begun => RepositoryError::Missing { place },
                Found::Something(why) => RepositoryError::NotARepository { place, why },
            });
        }
        let failed = |error: Box<RusticError>| {
            if error.is_incorrect_password() {
                return without_a_key(&storage)
                    .unwrap_or_else(|| RepositoryError::WrongKey { place: place.clone() });
            }
            classified(&error, "opening it (its file config, or a file in keys)", &place)
        };
        let opened_by = match (opened(&storage, key), key.before()) {
            // A version before this one may have made it, which read the key in another way.
            (Err(error), Some(before)) if error.is_incorrect_password() => opened(&storage, &before),
            (opened, _) => opened,
        };
        let key = opened_by.map_err(failed)?;
        Ok(Self::with_key(storage, key))
    }

    /// Opens a repository, or creates one if there is nothing at all. Never creates one over something else, nor over
    /// the remains of a repository.
    ///
    /// # Errors
    /// [`RepositoryError`] when it can be neither opened nor created.
    pub fn open_or_create(storage: impl Into<Storage>, key: &Key) -> Result<Self, RepositoryError> {
        let storage = storage.into();
        if storage.holds_repository()? || matches!(storage.what_is_there()?, Found::Something(_)) {
            return Self::open(&storage, key);
        }
        match &storage {
            Storage::Folder(place) => {
                let master_key = create_in_folder(place, key)?;
                Ok(Self::with_key(storage, master_key))
            }
            #[cfg(feature = "object-storage")]
            Storage::Bucket(_) => create_in_bucket(&storage, key),
        }
    }

    fn with_key(storage: Storage, key: MasterKey) -> Self {
        Self {
            place: storage.address(),
            storage,
            key,
            loaded: Mutex::new(None),
            damage: Damage::default(),
            #[cfg(feature = "object-storage")]
            held: Mutex::default(),
            fence: Mutex::default(),
        }
    }

    /// Whether the storage keeps what is written for a while.
    #[cfg(not(feature = "object-storage"))]
    #[expect(clippy::unused_self, reason = "a bucket would have to be asked")]
    pub(crate) fn keeps_what_is_written(&self) -> bool {
        false
    }

    /// Whether anything can be removed.
    #[cfg(not(feature = "object-storage"))]
    #[expect(clippy::unused_self, reason = "a bucket would have to be asked")]
    pub(crate) fn may_delete(&self) -> bool {
        true
    }

    /// From now on changes nothing once this is lost.
    pub(crate) fn under(&self, fence: Arc<dyn WriteLease>) {
        *self.fence.lock() = Some(fence);
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Address {
        &self.place
    }

    /// What tells it from a repository of the same content in the same place: one that was brought to another disk, of which
    /// nobody has read anything there.
    #[must_use]
    pub fn mark(&self) -> String {
        self.storage.mark()
    }

    /// Bytes in the storage, all files together.
    ///
    /// # Errors
    /// [`RepositoryError::Io`] when a part of it cannot be listed.
    pub fn size(&self) -> Result<u64, RepositoryError> {
        self.storage.size()
    }

    /// A handle on the repository for one purpose. Cheap: the key is known.
    fn handle(
        &self,
        access: Access,
        progress: impl ProgressBars,
    ) -> RusticResult<(rustic_core::Repository<OpenStatus>, Arc<Guard>)> {
        let guard = Guard::new(&self.storage, access)?;
        #[cfg(feature = "object-storage")]
        let guard = guard.under(self.held_lock());
        let fence = self.fence.lock().clone();
        let guard = Arc::new(guard.under(fence).with_limits(&self.key));
        let open = handle(Arc::clone(&guard), progress)?.open(&Credentials::Masterkey(self.key.clone()))?;
        Ok((open, guard))
    }

    /// The lock in the repository itself, if it is held now.
    #[cfg(feature = "object-storage")]
    fn held_lock(&self) -> Option<Arc<dyn WriteLease>> {
        let held = self.held.lock().upgrade()?;
        Some(held)
    }

    /// Whether a lock in the repository was held and was taken away since. Asks the storage.
    #[cfg(feature = "object-storage")]
    pub(crate) fn has_lost_its_lock(&self) -> bool {
        self.held_lock().is_some_and(|held| !held.is_surely_held())
    }

    /// The repository with its index, which is read again if its files are others by now.
    fn store(&self) -> Result<Store, RepositoryError> {
        let classify = |error: Box<RusticError>| classified(&error, "reading the index", &self.place);
        let (open, guard) = self.handle(Access::Read, NoProgressBars).map_err(classify)?;
        let mut files: Vec<Id> = open
            .list::<IndexId>()
            .map_err(classify)?
            .map(IndexId::into_inner)
            .collect();
        files.sort_unstable();
        let mut loaded = self.loaded.lock();
        if let Some(loaded) = &*loaded
            && loaded.files == files
        {
            return Ok(loaded.store.clone());
        }
        let indexed = caught("reading the index", &self.place, || {
            open.to_indexed()
                .map_err(|error| self.damaged_index(&files).unwrap_or_else(|| classify(error)))
        })?;
        let cipher = Cipher::new(&self.key)
            .map_err(|why| RepositoryError::io("reading the content", &self.place, why))?;
        let store = Store::new(
            (indexed, guard),
            cipher,
            &self.place,
            files.is_empty(),
            &self.damage,
        );
        *loaded = Some(Loaded {
            files,
            store: store.clone(),
        });
        Ok(store)
    }

    /// Which file of the index is damaged: the library says only that one is.
    fn damaged_index(&self, files: &[Id]) -> Option<RepositoryError> {
        let (open, _) = self.handle(Access::Read, NoProgressBars).ok()?;
        files.iter().find_map(|file| {
            let error = open.get_file::<IndexFile>(&(*file).into()).err()?;
            let doing = format!("reading index/{}", file.to_hex().as_str());
            Some(match classified(&error, &doing, &self.place) {
                RepositoryError::Damaged { place, what } => {
                    let what = format!(
                        "{what}. No content is lost by that: the next backup makes the index anew from the packs, and so \
                         does `restic -r {} repair index` (`rebuild-index` before restic 0.16)",
                        for_restic(&place)
                    );
                    RepositoryError::Damaged { place, what }
                }
                error => error,
            })
        })
    }
}

/// The key that everything in a repository is encrypted with.
fn opened(storage: &Storage, key: &Key) -> RusticResult<MasterKey> {
    let open = |guard: Guard| {
        handle(Arc::new(guard), NoProgressBars)
            .and_then(|handle| handle.open(&Credentials::password(key.secret())))
            .map(|open| open.key())
    };
    let guard = Guard::new(storage, Access::Read)?;
    let keys = guard.list(FileType::Key)?;
    match open(guard) {
        // The library takes the first key that the secret opens. Beside the right one there may be one of a creation that
        // came to nothing.
        Err(error) if keys.len() > 1 && !error.is_incorrect_password() => keys
            .into_iter()
            .find_map(|id| open(Guard::new(storage, Access::Read).ok()?.with_key(id)).ok())
            .ok_or(error),
        opened => opened,
    }
}

/// That nothing opens because there is no key that could: then the secret is not what is wrong.
fn without_a_key(storage: &Storage) -> Option<RepositoryError> {
    let place = storage.address();
    let read = || -> RusticResult<(usize, bool)> {
        let guard = Guard::new(storage, Access::Read)?;
        let keys = guard.list(FileType::Key)?;
        let mut any = false;
        for id in &keys {
            let content = guard.read_full(FileType::Key, id)?;
            any |= serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&content).is_ok();
        }
        Ok((keys.len(), any))
    };
    let elsewhere = match &place {
        Address::Folder(_) => "",
        Address::Bucket { .. } => {
            ", or look at the endpoint: a proxy or a sign-in page may answer in the storage's place"
        }
    };
    let what = match read() {
        Ok((_, true)) => return None,
        Ok((0, false)) => "its folder keys is empty, and without what was in it nothing can be read",
        Ok((_, false)) => "what is in its folder keys is no key of a repository",
        Err(error) => return Some(classified(&error, "reading its keys", &place)),
    };
    Some(RepositoryError::Damaged {
        what: format!(
            "{what}. Your password is not what is wrong: bring the folder back from a copy of the repository{elsewhere}"
        ),
        place,
    })
}

fn handle(guard: Arc<Guard>, progress: impl ProgressBars) -> RusticResult<rustic_core::Repository<()>> {
    let options = RepositoryOptions::default().no_cache(true);
    rustic_core::Repository::new_with_progress(&options, &RepositoryBackends::new(guard, None), progress)
}
