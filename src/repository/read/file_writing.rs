//! Writes files of a backup into a sink, a batch at a time: files were packed in the order in which they are walked, so what
//! those of a batch have lies side by side and is read in one go.
//!
//! A file that somebody has already ([`Donor`]) is read there, piece by piece, as far as each is by its digest what belongs
//! there.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustic_core::{DataId, Id};
use sha2::{Digest, Sha256};

use super::runs::{Check, RunReader, runs};
use super::store::Store;
use super::tree::Stored;
use crate::content::backed_up::Donor;
use crate::content::{ContentError, Sink, SinkFile};
use crate::domain::environment::InstanceName;
use crate::repository::error::RepositoryError;
use crate::watch::Watch;

/// Where files are read and written, and who is told.
pub(super) struct FileWriting<'a> {
    pub(super) store: &'a Store,
    pub(super) instance: &'a InstanceName,
    pub(super) sink: &'a dyn Sink,
    pub(super) donor: Option<&'a dyn Donor>,
    pub(super) watch: &'a dyn Watch,
    /// Bytes that did not have to be read in the repository.
    pub(super) donated: AtomicU64,
}

impl FileWriting<'_> {
    /// Writes the files of a batch.
    pub(super) fn write(
        &self,
        reader: &mut RunReader<'_>,
        files: Vec<Stored>,
    ) -> Result<(), RepositoryError> {
        let Some(donor) = self.donor else {
            return self.write_together(reader, &files);
        };
        let mut others = Vec::new();
        for stored in files {
            match donor.open(&stored.item) {
                Some(file) => self.write_given(Given { file, at: 0 }, &stored)?,
                None => others.push(stored),
            }
        }
        self.write_together(reader, &others)
    }

    fn write_together(&self, reader: &mut RunReader<'_>, files: &[Stored]) -> Result<(), RepositoryError> {
        let pieces = files
            .iter()
            .flat_map(|stored| &stored.chunks)
            .map(|piece| self.store.find(*piece))
            .collect::<Result<Vec<_>, _>>()?;
        let mut writer = Writer {
            writing: self,
            files: files.iter(),
            open: None,
        };
        for run in runs(&pieces) {
            self.is_wanted()?;
            let mut done = Ok(());
            let read = reader.read(&run, &pieces, Check::Seal, &mut |_, text| {
                if done.is_ok() {
                    done = writer.write(text);
                }
            });
            // What was written after a piece that could not be read is as incomplete as everything else.
            read.map_err(|failed| failed.0)?;
            done?;
        }
        writer.end()
    }

    fn write_given(&self, mut given: Given, stored: &Stored) -> Result<(), RepositoryError> {
        let file = self.sink.file(&stored.item);
        let mut file = file.map_err(|error| self.in_content(error))?;
        for piece in &stored.chunks {
            self.is_wanted()?;
            let length = self.store.find(*piece)?.length;
            let text = if let Some(text) = given.next(*piece, length) {
                self.donated.fetch_add(u64::from(length), Ordering::Relaxed);
                text
            } else {
                self.store.piece(*piece)?
            };
            file.write_all(&text)
                .map_err(|error| self.in_content(writing(error, stored)))?;
            self.watch.advance(0, text.len() as u64);
        }
        file.finish().map_err(|error| self.in_content(error))?;
        self.watch.advance(1, 0);
        Ok(())
    }

    fn is_wanted(&self) -> Result<(), RepositoryError> {
        if self.watch.is_cancelled() {
            return Err(RepositoryError::Cancelled);
        }
        Ok(())
    }

    fn in_content(&self, error: ContentError) -> RepositoryError {
        RepositoryError::content(self.instance, error)
    }
}

/// Writes the files of a batch, piece by piece.
struct Writer<'a> {
    writing: &'a FileWriting<'a>,
    files: slice::Iter<'a, Stored>,
    /// The file that is being written, and how many pieces it still lacks.
    open: Option<(&'a Stored, Box<dyn SinkFile + 'a>, usize)>,
}

impl Writer<'_> {
    /// Writes the next piece, where it belongs.
    fn write(&mut self, piece: &[u8]) -> Result<(), RepositoryError> {
        self.open_next()?;
        let Some((stored, file, lacks)) = &mut self.open else {
            return Ok(());
        };
        file.write_all(piece)
            .map_err(|error| self.writing.in_content(writing(error, stored)))?;
        self.writing.watch.advance(0, piece.len() as u64);
        *lacks -= 1;
        if *lacks == 0 {
            self.finish()?;
        }
        Ok(())
    }

    /// Writes those that have nothing in them and come last.
    fn end(mut self) -> Result<(), RepositoryError> {
        self.open_next()
    }

    /// Opens the next file that has anything in it, unless one is open; those before it are done.
    fn open_next(&mut self) -> Result<(), RepositoryError> {
        while self.open.is_none() {
            let Some(stored) = self.files.next() else {
                return Ok(());
            };
            let writing = self.writing;
            let file = writing.sink.file(&stored.item);
            let file = file.map_err(|error| writing.in_content(error))?;
            self.open = Some((stored, file, stored.chunks.len()));
            if stored.chunks.is_empty() {
                self.finish()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RepositoryError> {
        if let Some((_, file, _)) = self.open.take() {
            file.finish().map_err(|error| self.writing.in_content(error))?;
            self.writing.watch.advance(1, 0);
        }
        Ok(())
    }
}

/// A file that may have what belongs into the one that is written.
struct Given {
    file: File,
    /// Where the next piece belongs.
    at: u64,
}

impl Given {
    /// What it has where the next piece belongs, if that is the piece.
    fn next(&mut self, piece: DataId, length: u32) -> Option<Bytes> {
        let at = self.at;
        self.at += u64::from(length);
        // It is not longer than the file is said to be: no memory is taken for what was made up.
        if self.file.metadata().ok()?.len() < self.at {
            return None;
        }
        let mut text = vec![0; length as usize];
        self.file.read_exact_at(&mut text, at).ok()?;
        (Id::new(Sha256::digest(&text).into()) == *piece).then(|| text.into())
    }
}

fn writing(source: io::Error, stored: &Stored) -> ContentError {
    ContentError::Io {
        action: "writing",
        path: stored.item.path.clone(),
        source,
    }
}
