//! A repository in a bucket, laid out as `restic` lays it out there.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use opendal::options::{ListOptions, ReadOptions, WriteOptions};
use opendal::{Buffer, Entry};
use rustic_core::{BytesList, ErrorKind, FileType, Id, RusticError, RusticResult};

use super::connection::Connection;
use super::refusal::StorageRefusal;
use super::{Found, Shelf, path_of};
use crate::clock::Clock;
use crate::domain::address::Address;
use crate::domain::settings::Immutable;
use crate::repository::error::RepositoryError;

/// The folder of locks in a repository.
pub(super) const LOCKS: &str = "locks";
/// What is written to see whether anything is taken.
const TRY: &str = "tmp/lifeboat-check";
/// The folder of it.
const TRY_FOLDER: &str = "tmp";

/// See the module. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub(super) connection: Connection,
    name: String,
    prefix: String,
    pub(super) keeping: Option<Keeping>,
}

/// That objects are kept once they are written, and for how long.
#[derive(Clone)]
pub(super) struct Keeping {
    pub(super) time: Immutable,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeping")
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// A file, its length, and when it was written.
type File = (Id, u32, Option<SystemTime>);

/// A lock as it lies in the storage.
#[derive(Debug)]
pub(in crate::repository) struct LockObject {
    /// Its name.
    pub(in crate::repository) name: String,
    /// When it was written, by the storage's clock.
    pub(in crate::repository) written: Option<SystemTime>,
}

impl Bucket {
    pub(super) fn new(connection: Connection, bucket: &str, prefix: &str) -> Self {
        Self {
            connection,
            name: bucket.to_owned(),
            prefix: prefix.to_owned(),
            keeping: None,
        }
    }

    /// The same, with every object of a backup kept from when it is written.
    pub(super) fn keeping(self, time: Immutable, clock: &Arc<dyn Clock>) -> Self {
        Self {
            keeping: Some(Keeping {
                time,
                clock: Arc::clone(clock),
            }),
            ..self
        }
    }

    pub(in crate::repository) fn address(&self) -> Address {
        Address::Bucket {
            bucket: self.name.clone(),
            prefix: self.prefix.clone(),
        }
    }

    pub(super) fn join(&self, name: &str) -> Self {
        Self {
            prefix: self.path(name),
            ..self.clone()
        }
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        }
    }

    pub(super) fn failed(&self, doing: &str, refusal: &StorageRefusal) -> RepositoryError {
        refusal.told(doing, &self.address())
    }

    pub(super) fn holds_repository(&self) -> Result<bool, RepositoryError> {
        // Read, and not only asked for: an answer to that says no more than a number, and the reason of a refusal is lost.
        match self.get(self.path("config"), None) {
            Ok(_) => Ok(true),
            // Where a bucket may not be listed, what is missing looks like what is forbidden, and the other way round.
            Err(StorageRefusal::Missing) => self.entries("", Some(1)).map(|_| false),
            Err(refusal) => Err(self.failed("looking for it", &refusal)),
        }
    }

    pub(super) fn what_is_there(&self) -> Result<Found, RepositoryError> {
        let entries = self.entries("", None)?;
        let begin = format!("{}/", self.path("")).replace("//", "/");
        let begin = begin.trim_start_matches('/');
        let mut found = Found::Nothing;
        for entry in &entries {
            let path = entry.path().strip_prefix(begin).unwrap_or(entry.path());
            match path.split('/').next() {
                Some("" | "locks" | TRY_FOLDER) => {}
                Some("keys") => found = Found::Begun,
                Some("data" | "index" | "snapshots") => {
                    return Ok(Found::Something(
                        "its object \"config\" is missing, while other parts of a repository are there: bring the \
                         object back"
                            .to_owned(),
                    ));
                }
                _ => {
                    return Ok(Found::Something(
                        "other objects are there: choose a prefix that nothing else uses".to_owned(),
                    ));
                }
            }
        }
        Ok(found)
    }

    pub(super) fn size(&self) -> Result<u64, RepositoryError> {
        let entries = self.entries("", None)?;
        Ok(entries
            .iter()
            .map(|entry| entry.metadata().content_length())
            .sum())
    }

    /// All objects below a name, whole pages or an error.
    pub(super) fn entries(&self, below: &str, limit: Option<usize>) -> Result<Vec<Entry>, RepositoryError> {
        self.listed(below, limit)
            .map_err(|refusal| self.failed("listing what is there", &refusal))
    }

    fn listed(&self, below: &str, limit: Option<usize>) -> Result<Vec<Entry>, StorageRefusal> {
        let mut path = self.path(below);
        if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        let options = ListOptions {
            recursive: true,
            limit,
            ..ListOptions::default()
        };
        let once = limit.is_some();
        let entries = self.connection.ask(move |operator| {
            let (path, options) = (path.clone(), options.clone());
            async move {
                if once {
                    // A limit is that of a page: the first page is enough.
                    let mut lister = operator.lister_options(&path, options).await?;
                    let first = futures_util::TryStreamExt::try_next(&mut lister).await?;
                    return Ok(first.into_iter().collect());
                }
                operator.list_options(&path, options).await
            }
        })?;
        Ok(entries
            .into_iter()
            .filter(|entry: &Entry| entry.metadata().is_file())
            .collect())
    }

    fn files(&self, kind: FileType) -> RusticResult<Vec<File>> {
        let entries = self
            .listed(kind.dirname(), None)
            .map_err(|refusal| failed("listing objects of the repository", refusal))?;
        Ok(entries
            .into_iter()
            .filter_map(|entry| {
                let id = entry.name().parse().ok()?;
                let about = entry.metadata();
                // No file of a repository is as large as that; one that is will not match its index.
                let length = u32::try_from(about.content_length()).unwrap_or(u32::MAX);
                Some((id, length, about.last_modified().map(SystemTime::from)))
            })
            .collect())
    }

    /// Writes an object of a backup.
    fn store(&self, path: String, content: Buffer, only_new: bool) -> Result<(), StorageRefusal> {
        let Some(keeping) = &self.keeping else {
            return self.put(path, content, only_new);
        };
        let until = keeping.time.from(keeping.clock.now());
        self.connection.ask_signed(move |signing| {
            let (path, content) = (path.clone(), content.clone());
            async move { signing.put(&path, content, only_new, until).await }
        })
    }

    /// Writes an object.
    fn put(&self, path: String, content: Buffer, only_new: bool) -> Result<(), StorageRefusal> {
        let options = WriteOptions {
            if_not_exists: only_new,
            ..WriteOptions::default()
        };
        self.connection.ask(move |operator| {
            let (path, content, options) = (path.clone(), content.clone(), options.clone());
            async move { operator.write_options(&path, content, options).await.map(drop) }
        })
    }

    fn get(&self, path: String, range: Option<std::ops::Range<u64>>) -> Result<Bytes, StorageRefusal> {
        let expected = range.as_ref().map(|range| range.end - range.start);
        let options = ReadOptions {
            range: range.map_or_else(|| (..).into(), Into::into),
            ..ReadOptions::default()
        };
        let content = self.connection.ask(move |operator| {
            let (path, options) = (path.clone(), options.clone());
            async move { operator.read_options(&path, options).await }
        })?;
        if expected.is_some_and(|expected| expected != content.len() as u64) {
            return Err(StorageRefusal::Missing);
        }
        Ok(content.to_bytes())
    }

    fn delete(&self, path: String) -> Result<(), StorageRefusal> {
        self.connection.ask(move |operator| {
            let path = path.clone();
            async move { operator.delete(&path).await }
        })
    }

    /// Writes a small object that is none of a repository's, and takes it away as a lock is: where the key may not delete,
    /// an empty one stays in its place, and the next look writes over that.
    pub(super) fn try_to_write(&self) -> Result<Option<String>, RepositoryError> {
        let path = self.path(TRY);
        self.put(path.clone(), vec![0; 64].into(), false)
            .map_err(|refusal| self.failed("writing an object to see whether it is taken", &refusal))?;
        let removed = match &self.keeping {
            None => self.delete(path),
            Some(_) => self.put(path, Buffer::new(), false),
        };
        Ok(removed.err().map(|refusal| {
            self.failed("removing an object again, as locks are", &refusal)
                .to_string()
        }))
    }

    /// The locks that lie in the repository.
    pub(in crate::repository) fn locks(&self) -> Result<Vec<LockObject>, RepositoryError> {
        let entries = self.entries(LOCKS, None)?;
        Ok(entries
            .into_iter()
            .filter(|entry| entry.metadata().content_length() > 0)
            .map(|entry| LockObject {
                name: entry.name().to_owned(),
                written: entry.metadata().last_modified().map(SystemTime::from),
            })
            .collect())
    }

    /// Reads a lock. `None` when it is gone.
    pub(in crate::repository) fn read_lock(&self, name: &str) -> Result<Option<Bytes>, RepositoryError> {
        match self.get(self.path(&format!("{LOCKS}/{name}")), None) {
            Ok(content) => Ok(Some(content).filter(|content| !content.is_empty())),
            Err(StorageRefusal::Missing) => Ok(None),
            Err(refusal) => Err(self.failed("reading a lock", &refusal)),
        }
    }

    /// Writes a lock.
    pub(in crate::repository) fn write_lock(
        &self,
        name: &str,
        content: Vec<u8>,
    ) -> Result<(), RepositoryError> {
        self.put(self.path(&format!("{LOCKS}/{name}")), content.into(), false)
            .map_err(|refusal| self.failed("writing a lock", &refusal))
    }

    /// Takes a lock away. Where the key may not delete, an empty object takes its place: `restic` passes those over as well.
    pub(in crate::repository) fn remove_lock(&self, name: &str) -> Result<(), RepositoryError> {
        let path = self.path(&format!("{LOCKS}/{name}"));
        let removed = match &self.keeping {
            None => self.delete(path),
            Some(_) => self.put(path, Buffer::new(), false),
        };
        removed.map_err(|refusal| self.failed("removing a lock", &refusal))
    }
}

impl Shelf for Bucket {
    fn list(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind == FileType::Config {
            return match self.get(self.path("config"), None) {
                Ok(content) => Ok(vec![(
                    Id::default(),
                    u32::try_from(content.len()).unwrap_or(u32::MAX),
                )]),
                Err(StorageRefusal::Missing) => Ok(Vec::new()),
                Err(refusal) => Err(failed("looking for the config", refusal)),
            };
        }
        let files = self.files(kind)?.into_iter();
        Ok(files.map(|(id, length, _)| (id, length)).collect())
    }

    fn packs(&self) -> RusticResult<Vec<File>> {
        self.files(FileType::Pack)
    }

    fn read(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.get(self.path(&path_of(kind, id)), None)
            .map_err(|refusal| failed("reading an object", refusal))
    }

    fn read_part(&self, kind: FileType, id: &Id, offset: u32, length: u32) -> RusticResult<Bytes> {
        let range = u64::from(offset)..u64::from(offset) + u64::from(length);
        self.get(self.path(&path_of(kind, id)), Some(range))
            .map_err(|refusal| failed("reading a part of an object", refusal))
    }

    fn write(&self, kind: FileType, id: &Id, content: BytesList) -> RusticResult<()> {
        let path = self.path(&path_of(kind, id));
        let content = Buffer::from(content.into_vec());
        // Of two Lifeboats that create one repository at the same time, only one may come through.
        let only_new = kind == FileType::Config;
        let written = match self.store(path.clone(), content.clone(), only_new) {
            // Some services do not know the condition. Whether it went well is looked at after a creation anyway.
            Err(StorageRefusal::Unsupported(_)) if only_new => self.store(path, content, false),
            written => written,
        };
        written.map_err(|refusal| failed("writing an object", refusal))
    }

    fn remove(&self, kind: FileType, id: &Id) -> RusticResult<()> {
        let path = path_of(kind, id);
        let removed = match (&self.keeping, kind) {
            (None, _) => self.delete(self.path(&path)),
            (Some(_), FileType::Index) => self.hide(&path),
            (Some(keeping), _) => self.remove_for_good(&path, keeping.clock.now()),
        };
        removed.map_err(|refusal| failed("removing an object", refusal))
    }

    fn keeps_what_is_written(&self) -> bool {
        self.keeping.is_some()
    }

    fn create(&self) -> RusticResult<()> {
        // Object storage has no folders to make.
        Ok(())
    }
}

fn failed(doing: &str, refusal: StorageRefusal) -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, doing, refusal)
}
