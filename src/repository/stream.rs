//! Feeds content into the library: items from a walk on another thread, and readers that it opens in parallel.
//!
//! The library logs errors of its source and goes on. So every error is kept in a [`Call`], which also makes the guard
//! refuse further writes; whoever runs the copy looks there afterwards. And the library's chunker never grows its
//! buffer again after a short read, so readers here always fill the buffer that they are given.

use std::io::{self, Read};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustic_core::{ReadSource, ReadSourceEntry, ReadSourceOpen, RusticResult};

use super::error::RepositoryError;
use super::guard::{Guard, called_off};
use crate::concurrency::byte_budget::Permit;
use crate::content::{Content, ContentError, Item};
use crate::domain::environment::InstanceName;

/// One copy while it runs: whether it has failed or been called off, and why.
#[derive(Debug)]
pub(super) struct Call {
    guard: Arc<Guard>,
    failure: Mutex<Option<RepositoryError>>,
}

impl Call {
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self {
            guard,
            failure: Mutex::new(None),
        }
    }

    /// Calls the copy off. The first reason counts.
    pub(super) fn off(&self, why: RepositoryError) {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(why);
        self.guard.call_off();
    }

    pub(super) fn is_off(&self) -> bool {
        self.guard.is_called_off()
    }

    /// Why it was called off.
    pub(super) fn failure(&self) -> Option<RepositoryError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the readers of one instance share.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) instance: InstanceName,
    pub(super) call: Arc<Call>,
    pub(super) began: Instant,
    last: Mutex<Duration>,
}

impl Reading {
    /// `began` is when the copy of all instances did.
    pub(super) fn new(instance: InstanceName, call: Arc<Call>, began: Instant) -> Self {
        Self {
            instance,
            call,
            began,
            last: Mutex::new(Duration::ZERO),
        }
    }

    /// Notes that something of the instance has been read to its end just now.
    pub(super) fn touch(&self) {
        let now = self.began.elapsed();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = now.max(*last);
    }

    /// When the last of it had been read, from the beginning of the copy.
    pub(super) fn last(&self) -> Duration {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How to open a file of the stream.
pub(super) struct Opening {
    pub(super) content: Arc<dyn Content>,
    pub(super) item: Item,
    pub(super) reading: Arc<Reading>,
    /// Its part of the bytes that may be under way, if it brings its content along.
    pub(super) permit: Option<Permit>,
}

impl ReadSourceOpen for Opening {
    type Reader = Full;

    fn open(self) -> RusticResult<Full> {
        if self.reading.call.is_off() {
            return Err(called_off());
        }
        match self.content.open(&self.item) {
            Ok(reader) => Ok(Full {
                reader,
                item: self.item,
                reading: self.reading,
                _permit: self.permit,
            }),
            Err(error) => {
                let instance = &self.reading.instance;
                self.reading.call.off(RepositoryError::content(instance, error));
                Err(called_off())
            }
        }
    }
}

/// A reader that fills the buffer it is given unless the file ends, and calls the copy off when it fails.
pub(super) struct Full {
    reader: Box<dyn Read + Send>,
    item: Item,
    reading: Arc<Reading>,
    _permit: Option<Permit>,
}

impl Read for Full {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.reading.call.is_off() {
                return Err(io::Error::other("the copy was called off"));
            }
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => {
                    self.reading.touch();
                    break;
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let error = content_error(error, &self.item);
                    self.reading
                        .call
                        .off(RepositoryError::content(&self.reading.instance, error));
                    return Err(io::Error::other("the copy was called off"));
                }
            }
        }
        Ok(filled)
    }
}

/// A reader's error, with a content error inside taken out of it.
pub(super) fn content_error(error: io::Error, item: &Item) -> ContentError {
    match error.downcast::<ContentError>() {
        Ok(error) => error,
        Err(source) => ContentError::Io {
            action: "reading",
            path: item.path.clone(),
            source,
        },
    }
}

/// An entry of the stream.
pub(super) type Entry = ReadSourceEntry<Opening>;

/// The stream as the library takes it. It can be drawn from once.
pub(super) struct Stream(Mutex<Option<Receiver<Entry>>>);

impl Stream {
    pub(super) fn new(entries: Receiver<Entry>) -> Self {
        Self(Mutex::new(Some(entries)))
    }
}

impl ReadSource for Stream {
    type Open = Opening;
    type Iter = Entries;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Entries {
        Entries(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// See [`Stream`].
pub(super) struct Entries(Option<Receiver<Entry>>);

impl Iterator for Entries {
    type Item = RusticResult<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.as_ref()?.recv().ok().map(Ok)
    }
}
