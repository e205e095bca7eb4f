//! A data store of a drill: records are written as a restore would write them, into a folder of their own.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::records;
use crate::content::Item;
use crate::content::backed_up::BackedUpFiles;
use crate::content::postgres::data_store;
use crate::content::restoring::RestoreError;
use crate::disk::private;
use crate::domain::environment::DATA_STORE;
use crate::watch::Watch;

/// A data store of a drill: an empty folder that takes every record of the backup.
pub(super) struct ScratchStore {
    root: PathBuf,
    /// What was written, with the digest that it had when it came out of the repository.
    written: Mutex<Vec<(Item, [u8; 32])>>,
}

impl ScratchStore {
    /// A store in a folder that is not there yet.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            written: Mutex::default(),
        }
    }

    /// Where the records are, if there is a folder of them.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.root.is_dir().then(|| self.root.clone())
    }

    /// Writes every record, as a restore into an empty data store would.
    pub(super) fn fill(&self, files: &dyn BackedUpFiles, watch: &dyn Watch) -> Result<(), RestoreError> {
        let records = files.below(Path::new(DATA_STORE))?;
        // A restore elsewhere may have no folder where there are no records.
        if records.is_empty() {
            return Ok(());
        }
        private::folders(&self.root).map_err(RestoreError::io("creating", &self.root))?;
        watch.part(DATA_STORE);
        let mut wrong = Vec::new();
        for file in records {
            if watch.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            let item = Item {
                path: Path::new(DATA_STORE).join(&file.item.path),
                ..file.item.clone()
            };
            let mut reader = Hashing {
                inner: files.reader(&file),
                digest: Sha256::new(),
            };
            if data_store::add(&self.root, &item, &mut reader, false)? == data_store::Added::Wrong {
                wrong.push(file.item.path.display().to_string());
                continue;
            }
            let digest = reader.digest.finalize().into();
            self.written.lock().push((item, digest));
        }
        records::notice_wrong(&wrong, watch);
        Ok(())
    }

    /// Reads every record back. Gives the first that is not what was written.
    pub(super) fn difference(&self, watch: &dyn Watch) -> Result<Option<String>, RestoreError> {
        let written = self.written.lock();
        for (item, digest) in written.iter() {
            if watch.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            let mut reader = Hashing {
                inner: data_store::open(&self.root, item, &data_store::Doubts::default())?,
                digest: Sha256::new(),
            };
            io::copy(&mut reader, &mut io::sink()).map_err(RestoreError::io("reading", &self.root))?;
            let found: [u8; 32] = reader.digest.finalize().into();
            if found != *digest {
                return Ok(Some(format!(
                    "the record {} of the data store was not written as it was read",
                    item.path.display()
                )));
            }
        }
        Ok(None)
    }
}

/// A reader that adds up the digest of what goes through it.
struct Hashing<R> {
    inner: R,
    digest: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
