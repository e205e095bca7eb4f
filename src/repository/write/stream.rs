//! Files of the sources on their way into packs: how one is opened and read, and what ends the copy that it is read for.
//!
//! Many are read at a time, each by the thread that packs it. The first that cannot be read, or is another one than the
//! walk has met, ends the copy: why is kept in its [`Copying`], which also makes the guard refuse further writes. Whoever
//! runs the copy looks there afterwards.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::chunker::FileChunker;
use crate::concurrency::byte_budget::Permit;
use crate::content::{Content, ContentError, Item};
use crate::domain::environment::InstanceName;
use crate::repository::error::RepositoryError;
use crate::repository::guard::Guard;

/// One copy while it runs: whether it has failed or been called off, and why.
#[derive(Debug)]
pub(super) struct Copying {
    guard: Arc<Guard>,
    failure: Mutex<Option<RepositoryError>>,
}

impl Copying {
    pub(in crate::repository) fn new(guard: Arc<Guard>) -> Self {
        Self {
            guard,
            failure: Mutex::new(None),
        }
    }

    /// Calls the copy off. The first reason counts: what comes after is that others found it called off. Where that was
    /// a write that failed, the guard has it.
    pub(in crate::repository) fn abort(&self, why: RepositoryError) {
        let mut failure = self.failure.lock();
        if !self.guard.is_aborted() {
            *failure = Some(why);
        }
        self.guard.abort();
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.guard.is_aborted()
    }

    /// Why it was called off.
    pub(in crate::repository) fn failure(&self) -> Option<RepositoryError> {
        self.failure.lock().take()
    }
}

/// What the readers of one instance share.
pub(in crate::repository) struct Reading {
    pub(in crate::repository) instance: InstanceName,
    pub(super) copying: Arc<Copying>,
    /// How its files are cut.
    pub(super) chunker: Arc<FileChunker>,
    began: Instant,
    last: Mutex<Duration>,
}

impl Reading {
    /// `began` is when the copy of all instances did.
    pub(in crate::repository) fn new(
        instance: InstanceName,
        copying: Arc<Copying>,
        chunker: Arc<FileChunker>,
        began: Instant,
    ) -> Self {
        Self {
            instance,
            copying,
            chunker,
            began,
            last: Mutex::new(Duration::ZERO),
        }
    }

    /// Notes that something of the instance has been read to its end just now.
    fn touch(&self) {
        let now = self.began.elapsed();
        let mut last = self.last.lock();
        *last = now.max(*last);
    }

    /// When the last of it had been read, from the beginning of the copy.
    pub(in crate::repository) fn last(&self) -> Duration {
        *self.last.lock()
    }
}

/// A file that is to be read, or that its walk has brought along.
pub(super) struct Opening {
    content: Arc<dyn Content>,
    pub(in crate::repository) item: Item,
    pub(in crate::repository) reading: Arc<Reading>,
    _permit: Option<Permit>,
}

impl Opening {
    /// With its part of the bytes that may be under way, if it brings its content along.
    pub(in crate::repository) fn new(
        content: &Arc<dyn Content>,
        item: Item,
        reading: &Arc<Reading>,
        permit: Option<Permit>,
    ) -> Self {
        Self {
            content: Arc::clone(content),
            item,
            reading: Arc::clone(reading),
            _permit: permit,
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// That the copy is called off, by this one or another.
    pub(in crate::repository) fn open(&self) -> Result<Opened<'_>, RepositoryError> {
        if self.reading.copying.is_aborted() {
            return Err(RepositoryError::Cancelled);
        }
        match self.content.open(&self.item) {
            Ok(reader) => Ok(Opened { file: self, reader }),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Calls the copy off. What comes back only says that it is: the call has the reason.
    fn failed(&self, error: ContentError) -> RepositoryError {
        let instance = &self.reading.instance;
        self.reading
            .copying
            .abort(RepositoryError::content(instance, error));
        RepositoryError::Cancelled
    }
}

/// A file while it is read.
pub(super) struct Opened<'a> {
    file: &'a Opening,
    reader: Box<dyn Read + Send>,
}

impl Opened<'_> {
    /// Reads until the buffer is full or the file ends, and gives how many bytes that are.
    ///
    /// # Errors
    /// As [`Opening::open`].
    pub(in crate::repository) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, RepositoryError> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.file.reading.copying.is_aborted() {
                return Err(RepositoryError::Cancelled);
            }
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => {
                    self.file.reading.touch();
                    break;
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(self
                        .file
                        .failed(ContentError::reading(error, &self.file.item.path)));
                }
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rustic_core::{BytesList, FileType, Id, WriteBackend};

    use super::*;
    use crate::repository::guard::Access;
    use crate::repository::storage::Storage;

    fn copying(folder: &Path) -> (Copying, Arc<Guard>) {
        let storage = Storage::Folder(folder.to_owned());
        let guard = Arc::new(Guard::new(&storage, Access::Copy).unwrap());
        (Copying::new(Arc::clone(&guard)), guard)
    }

    fn changed(what: &str) -> RepositoryError {
        RepositoryError::ContentChanged {
            instance: "author".parse().unwrap(),
            what: what.to_owned(),
        }
    }

    #[test]
    fn the_first_reason_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (copying, _) = copying(folder.path());
        copying.abort(changed("one"));
        copying.abort(RepositoryError::Cancelled);
        copying.abort(changed("another"));
        let failure = copying.failure().unwrap();
        assert!(failure.to_string().contains("one"), "{failure}");
    }

    #[test]
    fn what_others_find_after_a_write_that_failed_is_no_reason() {
        let folder = tempfile::tempdir().unwrap();
        let (copying, guard) = copying(folder.path());
        // A file stands where the folder of packs belongs.
        fs::write(folder.path().join("data"), "").unwrap();
        guard
            .write_bytes(FileType::Pack, &Id::new([7; 32]), false, BytesList::default())
            .unwrap_err();
        // A reader finds it called off before whoever wrote has told why.
        copying.abort(RepositoryError::Cancelled);
        assert!(copying.failure().is_none());
        assert!(guard.failure().is_some());
    }
}
