//! Where the files of a repository are: in a folder, or in object storage. The one seam between the two; everything
//! above it is the same for both.
//!
//! [`Storage`] says where and how; [`Storage::open`] gives the [`Shelf`] that the guard reads from and writes to.

#[cfg(feature = "object-storage")]
mod bucket;
#[cfg(feature = "object-storage")]
mod connection;
mod folder;
#[cfg(feature = "object-storage")]
mod object_lock;
pub(super) mod pack_file;
#[cfg(feature = "object-storage")]
mod refusal;
#[cfg(feature = "object-storage")]
mod signed;
#[cfg(feature = "object-storage")]
mod transport;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use rustic_core::{BytesList, FileType, Id, RusticResult};

use super::error::RepositoryError;
use crate::clock::Clock;
use crate::domain::address::Address;
use crate::domain::settings::{Immutable, StorageOptions};

#[cfg(feature = "object-storage")]
pub use self::bucket::Bucket;
#[cfg(feature = "object-storage")]
pub use self::connection::Connection;
use self::folder::Folder;
#[cfg(feature = "object-storage")]
pub(super) use self::refusal::StorageRefusal;

/// A repository's files, in the order of their names. All of it blocks.
pub(super) trait Shelf: fmt::Debug + Send + Sync {
    /// The files of a kind with their sizes. One that cannot be listed is an error: a file that is passed over would
    /// look like one that is gone.
    fn list(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>>;
    /// The packs with their sizes and when they were written.
    fn packs(&self) -> RusticResult<Vec<(Id, u32, Option<SystemTime>)>>;
    /// A whole file.
    fn read(&self, kind: FileType, id: &Id) -> RusticResult<Bytes>;
    /// A part of a file.
    fn read_part(&self, kind: FileType, id: &Id, offset: u32, length: u32) -> RusticResult<Bytes>;
    /// Reads a part of a pack into `buffer`, and gives where in the buffer it begins.
    fn read_past_cache(
        &self,
        pack: &Id,
        offset: u32,
        length: u32,
        buffer: &mut Vec<u8>,
    ) -> RusticResult<usize> {
        let part = self.read_part(FileType::Pack, pack, offset, length)?;
        buffer.clear();
        buffer.extend_from_slice(&part);
        Ok(0)
    }
    /// Writes a whole file. It is there for good when this returns, or was not written.
    fn write(&self, kind: FileType, id: &Id, content: BytesList) -> RusticResult<()>;
    /// Removes a file.
    fn remove(&self, kind: FileType, id: &Id) -> RusticResult<()>;
    /// Makes what has to be there before files are written.
    fn create(&self) -> RusticResult<()>;
    /// Whether nothing that is written is removed by whoever has written it.
    fn keeps_what_is_written(&self) -> bool {
        false
    }
}

/// Where a repository is, and how its files are reached. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Storage {
    /// A folder.
    Folder(PathBuf),
    /// A part of a bucket.
    #[cfg(feature = "object-storage")]
    Bucket(Bucket),
}

/// What there is in a place that holds no complete repository.
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// What a creation that was interrupted has left: never a backup. A folder is moved into place whole.
    #[cfg(feature = "object-storage")]
    Begun,
    /// Something else, and what to do.
    Something(String),
}

impl Storage {
    /// Where it is.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Folder(folder) => Address::Folder(folder.clone()),
            #[cfg(feature = "object-storage")]
            Self::Bucket(bucket) => bucket.address(),
        }
    }

    /// The same kind of storage, one name further down.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.join(name)),
            #[cfg(feature = "object-storage")]
            Self::Bucket(bucket) => Self::Bucket(bucket.join(name)),
        }
    }

    /// Reaches for an address. Relative paths in the options are below `base`; `variables` answers for environment
    /// variables. Nothing is asked of the storage yet.
    ///
    /// # Errors
    /// [`RepositoryError::NoAccess`] when a key is missing or the options make no sense.
    pub fn new(
        address: &Address,
        options: &StorageOptions,
        base: &Path,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, RepositoryError> {
        match address {
            Address::Folder(folder) => Ok(Self::Folder(folder.clone())),
            #[cfg(feature = "object-storage")]
            Address::Bucket { bucket, prefix } => {
                let connection = Connection::new(address, bucket, options, base, variables)?;
                Ok(Self::Bucket(Bucket::new(connection, bucket, prefix)))
            }
            #[cfg(not(feature = "object-storage"))]
            Address::Bucket { .. } => {
                let _ = (options, base, variables);
                Err(RepositoryError::NoAccess {
                    place: address.clone(),
                    why: "this Lifeboat was built without object storage: build it with the feature object-storage, or \
                          keep backups in a folder"
                        .to_owned(),
                })
            }
        }
    }

    /// The same, with every object of a backup in a bucket kept from being changed or removed for this time, from when it is
    /// written by this clock. Folders are as they were: nothing can keep theirs.
    #[must_use]
    pub fn immutable(self, time: Option<Immutable>, clock: &Arc<dyn Clock>) -> Self {
        match (self, time) {
            #[cfg(feature = "object-storage")]
            (Self::Bucket(bucket), Some(time)) => Self::Bucket(bucket.keeping(time, clock)),
            (storage, _) => {
                let _ = clock;
                storage
            }
        }
    }

    /// The bucket, if its objects are kept.
    #[cfg(feature = "object-storage")]
    pub(super) fn kept(&self) -> Option<&Bucket> {
        match self {
            Self::Bucket(bucket) if bucket.keeping.is_some() => Some(bucket),
            _ => None,
        }
    }

    /// Whether there is a complete repository.
    pub(crate) fn holds_repository(&self) -> Result<bool, RepositoryError> {
        match self {
            Self::Folder(folder) => folder::holds_repository(folder),
            #[cfg(feature = "object-storage")]
            Self::Bucket(bucket) => bucket.holds_repository(),
        }
    }

    /// What is there instead of a repository.
    pub(super) fn what_is_there(&self) -> Result<Found, RepositoryError> {
        match self {
            Self::Folder(folder) => folder::what_is_there(folder),
            #[cfg(feature = "object-storage")]
            Self::Bucket(bucket) => bucket.what_is_there(),
        }
    }

    /// See [`super::Repository::mark`].
    pub(super) fn mark(&self) -> String {
        match self {
            Self::Folder(folder) => folder::mark(folder),
            // A bucket is moved to another service under another address only.
            #[cfg(feature = "object-storage")]
            Self::Bucket(_) => String::new(),
        }
    }

    /// Bytes that all files take together.
    pub(super) fn size(&self) -> Result<u64, RepositoryError> {
        match self {
            Self::Folder(folder) => folder::size(folder),
            #[cfg(feature = "object-storage")]
            Self::Bucket(bucket) => bucket.size(),
        }
    }

    /// Writes something small, as a job would, and takes it back. Whatever else is there stays as it is.
    ///
    /// # Errors
    /// [`RepositoryError`] when it is not taken. Why it cannot be removed again is the answer.
    pub(crate) fn try_to_write(&self) -> Result<Option<String>, RepositoryError> {
        match self {
            Self::Folder(folder) => folder::try_to_write(folder).map(|()| None),
            #[cfg(feature = "object-storage")]
            Self::Bucket(bucket) => bucket.try_to_write(),
        }
    }

    /// The files themselves.
    pub(super) fn open(&self) -> RusticResult<Box<dyn Shelf>> {
        match self {
            Self::Folder(folder) => Ok(Box::new(Folder::new(folder)?)),
            #[cfg(feature = "object-storage")]
            Self::Bucket(bucket) => Ok(Box::new(bucket.clone())),
        }
    }
}

impl From<&Path> for Storage {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&PathBuf> for Storage {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl From<&Storage> for Storage {
    fn from(storage: &Storage) -> Self {
        storage.clone()
    }
}

/// The path of a file inside a repository, as `restic` lays it out.
fn path_of(kind: FileType, id: &Id) -> String {
    let name = id.to_hex();
    let name = name.as_str();
    match kind {
        FileType::Config => "config".to_owned(),
        FileType::Pack => format!("data/{}/{name}", &name[..2]),
        _ => format!("{}/{name}", kind.dirname()),
    }
}
