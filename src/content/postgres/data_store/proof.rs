//! Whether a record is what its name says. By name and size alone nobody can tell: a disk, or a copy that was cut short,
//! leaves files that have both and other content.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::digest::Naming;
use super::reach::Root;
use super::{LEVELS, is_of, parts, place};
use crate::content::{ContentError, Item, ItemKind};

/// The records that were read and are not what their names say.
#[derive(Debug, Clone, Default)]
pub struct Doubts(Arc<Mutex<BTreeSet<PathBuf>>>);

impl Doubts {
    /// What to know about them, one sentence for each.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let found = self.0.lock();
        found
            .iter()
            .map(|path| {
                format!(
                    "{}: the content of this record of the data store is not what its name says. It is in the backup as it \
                     is, and no restore brings it back: look at the disk, and put the right file there from another copy",
                    path.display()
                )
            })
            .collect()
    }

    fn note(&self, path: &Path, is_right: bool) {
        let mut found = self.0.lock();
        if is_right {
            // It was read once more, and is whole by now.
            found.remove(path);
        } else {
            found.insert(path.to_owned());
        }
    }
}

/// A reader of a record that works out on the way whether it is what its name says.
pub(super) struct Proving {
    inner: File,
    path: PathBuf,
    name: Vec<u8>,
    naming: Option<Naming>,
    left: u64,
    doubts: Doubts,
}

impl Proving {
    pub(super) fn new(inner: File, path: PathBuf, name: &[u8], item: &Item, doubts: &Doubts) -> Self {
        let size = match item.kind {
            ItemKind::File { size } => size,
            ItemKind::Folder | ItemKind::Link { .. } => 0,
        };
        let mut proving = Self {
            inner,
            path,
            name: name.to_owned(),
            naming: Naming::of(name),
            left: size,
            doubts: doubts.clone(),
        };
        proving.judge_at_end();
        proving
    }

    fn judge_at_end(&mut self) {
        if self.left == 0
            && let Some(naming) = self.naming.take()
        {
            let is_right = is_named(naming, &self.name);
            self.doubts.note(&self.path, is_right);
        }
    }
}

impl Read for Proving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(naming) = &mut self.naming {
            naming.update(buffer.get(..count).unwrap_or_default());
            self.left = self.left.saturating_sub(count as u64);
            self.judge_at_end();
        }
        Ok(count)
    }
}

pub(super) fn is_named(naming: Naming, name: &[u8]) -> bool {
    naming.name().as_bytes().eq_ignore_ascii_case(name)
}

/// Whether what comes out of a reader is what the record's name says.
///
/// # Errors
/// [`ContentError::NotAllowed`] for what is no record; [`ContentError::Io`] when it cannot be read.
pub fn is_right(root: &Path, item: &Item, content: &mut dyn Read) -> Result<bool, ContentError> {
    digest(item, content)?.map_err(|source| ContentError::Io {
        action: "reading",
        path: place(root, item),
        source,
    })
}

fn digest(item: &Item, content: &mut dyn Read) -> Result<io::Result<bool>, ContentError> {
    let parts = parts(item)?;
    let name = parts[LEVELS].as_bytes();
    let Some(mut naming) = Naming::of(name) else {
        return Ok(Ok(false));
    };
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(Ok(is_named(naming, name))),
            Ok(count) => naming.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Reads a record that is there, and tells whether it is what its name says. One that the disk does not give any more is
/// not.
///
/// # Errors
/// [`ContentError`] when it cannot be opened or read for another reason.
pub fn is_whole(root: &Path, item: &Item) -> Result<bool, ContentError> {
    let path = place(root, item);
    let Some((file, stat)) = Root::open(root)?.record(&parts(item)?, &path)? else {
        return Ok(false);
    };
    if !is_of(item, &stat) {
        return Ok(false);
    }
    match digest(item, &mut File::from(file))? {
        Ok(is_right) => Ok(is_right),
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(false),
        Err(source) => Err(ContentError::Io {
            action: "reading",
            path,
            source,
        }),
    }
}
