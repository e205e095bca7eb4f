//! Content that misbehaves on purpose, and places that refuse to be written to.

use std::io::{self, Read, Write};
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lifeboat::content::files::Files;
use lifeboat::content::{Content, ContentError, FileTime, Item, ItemKind, Sink, SinkFile};
use lifeboat::domain::environment::InstanceName;
use lifeboat::watch::Watch;

type Meddler = dyn Fn() + Send + Sync;

/// Real files, with something happening when one of them is opened or has been read for a while.
pub struct Meddling {
    files: Files,
    at: PathBuf,
    on_open: Option<Arc<Meddler>>,
    on_read: Option<Arc<Meddler>>,
    opened: AtomicU64,
    walked: AtomicU64,
}

impl Meddling {
    /// Calls `meddle` just before the file `at` is opened.
    pub fn on_open(files: Files, at: &str, meddle: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            files,
            at: at.into(),
            on_open: Some(Arc::new(meddle)),
            on_read: None,
            opened: AtomicU64::new(0),
            walked: AtomicU64::new(0),
        })
    }

    /// Calls `meddle` after the first part of the file `at` has been read.
    pub fn on_read(files: Files, at: &str, meddle: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            files,
            at: at.into(),
            on_open: None,
            on_read: Some(Arc::new(meddle)),
            opened: AtomicU64::new(0),
            walked: AtomicU64::new(0),
        })
    }

    /// How many files were opened.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// How many walks began.
    pub fn walked(&self) -> u64 {
        self.walked.load(Ordering::Relaxed)
    }
}

impl Content for Meddling {
    fn place(&self) -> String {
        self.files.place()
    }

    fn walk<'a>(
        &'a self,
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        self.walked.fetch_add(1, Ordering::Relaxed);
        self.files.walk(left_out)
    }

    fn open(&self, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        if item.path != self.at {
            return self.files.open(item);
        }
        if let Some(meddle) = &self.on_open {
            meddle();
        }
        let reader = self.files.open(item)?;
        Ok(match &self.on_read {
            Some(meddle) => Box::new(Interrupted {
                reader,
                meddle: Some(Arc::clone(meddle)),
            }),
            None => reader,
        })
    }
}

struct Interrupted {
    reader: Box<dyn Read + Send>,
    meddle: Option<Arc<Meddler>>,
}

impl Read for Interrupted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = buffer.len().min(1000);
        let count = self.reader.read(&mut buffer[..end])?;
        if let Some(meddle) = self.meddle.take() {
            meddle();
        }
        Ok(count)
    }
}

/// One workspace with one file, whose reader is made up.
pub struct MadeUp {
    pub size: u64,
    pub reader: fn(&Arc<AtomicU64>) -> Box<dyn Read + Send>,
    /// How often the reader was asked.
    pub reads: Arc<AtomicU64>,
}

impl Content for MadeUp {
    fn place(&self) -> String {
        "nowhere".to_owned()
    }

    fn walk<'a>(
        &'a self,
        _left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        let item = |path: &str, kind, inode| {
            Ok(Item {
                path: path.into(),
                kind,
                mode: 0o755,
                owner: (0, 0),
                modified: FileTime { seconds: 1, nanos: 2 },
                changed: FileTime { seconds: 3, nanos: 4 },
                inode,
                held: None,
                rare: None,
            })
        };
        let file = ItemKind::File { size: self.size };
        Box::new([item("dam", ItemKind::Folder, 1), item("dam/file", file, 2)].into_iter())
    }

    fn open(&self, _item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok((self.reader)(&self.reads))
    }
}

/// A disk that is full as soon as a file is written to.
pub struct FullDisk;

impl Sink for FullDisk {
    fn name_again(&self, _item: &Item, _first: &Path) -> Result<(), ContentError> {
        Ok(())
    }

    fn folder(&self, _item: &Item) -> Result<(), ContentError> {
        Ok(())
    }

    fn link(&self, _item: &Item) -> Result<(), ContentError> {
        Ok(())
    }

    fn file(&self, _item: &Item) -> Result<Box<dyn SinkFile + '_>, ContentError> {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        Ok(Box::new(FullFile(full)))
    }

    fn finish(&self) -> Result<(), ContentError> {
        panic!("nothing was written, so there is nothing to finish");
    }
}

struct FullFile(std::fs::File);

impl Write for FullFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl SinkFile for FullFile {
    fn finish(self: Box<Self>) -> Result<(), ContentError> {
        Ok(())
    }
}

/// Cancels the work as soon as any of it is done, and adds up what it is told.
#[derive(Default)]
pub struct Impatient {
    has_begun: AtomicBool,
}

impl Watch for Impatient {
    fn total(&self, _items: u64, _bytes: u64) {}

    fn instance(&self, _name: &InstanceName) {}

    fn advance(&self, _items: u64, _bytes: u64) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }
}

/// Adds up what it is told.
#[derive(Default)]
pub struct Counting {
    pub total: (AtomicU64, AtomicU64),
    pub done: (AtomicU64, AtomicU64),
}

impl Counting {
    /// Items and bytes announced, and items and bytes done.
    pub fn told(&self) -> [(u64, u64); 2] {
        [&self.total, &self.done]
            .map(|(items, bytes)| (items.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed)))
    }
}

impl Watch for Counting {
    fn total(&self, items: u64, bytes: u64) {
        self.total.0.store(items, Ordering::Relaxed);
        self.total.1.store(bytes, Ordering::Relaxed);
    }

    fn instance(&self, _name: &InstanceName) {}

    fn advance(&self, items: u64, bytes: u64) {
        self.done.0.fetch_add(items, Ordering::Relaxed);
        self.done.1.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}
