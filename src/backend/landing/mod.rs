//! What was exported is written on this machine: under another name until all of it is on the disk, and never over anything.
//!
//! What a process that died has left is removed by whoever writes into the same folder next: each holds a lock on what it
//! writes for as long as it lives.

mod unfinished;
mod unpack;

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use self::unfinished::Unfinished;
use super::BackendError;
use super::explore::{Download, Explores};
use crate::domain::explore::ExportForm;
use crate::domain::os_error::in_words;

/// Pieces that may wait to be written.
const WAITING: usize = 4;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum LandingError {
    /// Something stands there.
    #[error("{} is there already, and nothing is written over: move it away, or name another folder", .0.display())]
    IsThere(PathBuf),
    /// Whatever is written there becomes a part of something else.
    #[error("{} is, or lies in, {whose}: nothing is exported into that. Name a folder that is nobody's", .folder.display())]
    Somebodys {
        /// The folder that was named.
        folder: PathBuf,
        /// Whose it is.
        whose: String,
    },
    /// There is no folder to write into.
    #[error("there is no folder {}: make it first, or name another one", .0.display())]
    NoFolder(PathBuf),
    /// The file system said no.
    #[error("writing {} failed: {}; nothing is left of it", path.display(), said(source))]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// What came is not what was asked for.
    #[error("what came is no export of files: {0}; nothing is left of it")]
    NoExport(String),
    /// Somebody has stopped it.
    #[error("it was stopped before its end: nothing is left of it")]
    Stopped,
    /// It is there, and may not be after a power cut.
    #[error("{} is written, and whether it outlasts a power cut is not known: {}", path.display(), in_words(source))]
    Unsure {
        /// What was written.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// It did not come.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// What a file system said, in words where it is known what they should be.
fn said(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("there is not enough room for it ({})", in_words(source))
        }
        _ => in_words(source),
    }
}

/// Makes sure that something can be written there.
///
/// # Errors
/// [`LandingError`] when there is no such folder, or something stands there.
pub fn is_free(target: &Path) -> Result<(), LandingError> {
    let folder = folder_of(target);
    if !folder.is_dir() {
        return Err(LandingError::NoFolder(folder.to_owned()));
    }
    if target.symlink_metadata().is_ok() {
        return Err(LandingError::IsThere(target.to_owned()));
    }
    Ok(())
}

/// Makes sure that something can be written there, and into nothing that is backed up or that backups are kept in, as far as the
/// backend knows the folders of this machine.
///
/// # Errors
/// As [`is_free`]; that the folder is somebody's; and [`LandingError::Backend`].
pub async fn is_open(backend: &dyn Explores, target: &Path) -> Result<(), LandingError> {
    let folder = folder_of(target).to_owned();
    if folder.is_dir()
        && let Some(whose) = backend.whose_folder(folder.clone()).await?
    {
        return Err(LandingError::Somebodys { folder, whose });
    }
    is_free(target)
}

fn folder_of(target: &Path) -> &Path {
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Writes all of a download there, and tells how many bytes came. `told` hears how many there are so far. When `stop` is done,
/// it ends, and nothing is left.
///
/// # Errors
/// [`LandingError`]. Nothing is left then, unless it says so.
pub async fn land(
    mut download: Download,
    target: &Path,
    form: ExportForm,
    told: &(dyn Fn(u64) + Send + Sync),
    stop: impl Future<Output = ()> + Send,
) -> Result<u64, LandingError> {
    let (pieces, coming) = mpsc::channel(WAITING);
    let to = target.to_owned();
    let writing = tokio::task::spawn_blocking(move || write(coming, &to, form));
    let mut bytes = 0;
    let mut ended = Ok(());
    tokio::pin!(stop);
    loop {
        let piece = tokio::select! {
            piece = download.next() => piece,
            () = &mut stop => {
                ended = Err(LandingError::Stopped);
                break;
            }
        };
        let piece = match piece {
            Some(Ok(piece)) => piece,
            Some(Err(error)) => {
                ended = Err(error.into());
                break;
            }
            None => {
                // Whoever writes has gone where it is not taken, and says why.
                let _ = pieces.send(None).await;
                break;
            }
        };
        bytes += piece.len() as u64;
        if pieces.send(Some(piece)).await.is_err() {
            break;
        }
        told(bytes);
    }
    drop(pieces);
    let written = writing.await.unwrap_or_else(|error| {
        Err(LandingError::Write {
            path: target.to_owned(),
            source: io::Error::other(error),
        })
    });
    ended?;
    written?;
    Ok(bytes)
}

/// What comes, to be read. It ends well only where its end was told.
struct Coming {
    pieces: mpsc::Receiver<Option<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
    is_over: bool,
}

impl Read for Coming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() || self.is_over {
                return Ok(read);
            }
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.piece = io::Cursor::new(piece),
                Some(None) => self.is_over = true,
                None => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
}

fn write(
    pieces: mpsc::Receiver<Option<Vec<u8>>>,
    target: &Path,
    form: ExportForm,
) -> Result<(), LandingError> {
    let failed = |source: io::Error| LandingError::Write {
        path: target.to_owned(),
        source,
    };
    is_free(target)?;
    let mut coming = Coming {
        pieces,
        piece: io::Cursor::default(),
        is_over: false,
    };
    let folder = folder_of(target);
    unfinished::clear(folder);
    let place = if form.is_unpacked() {
        let place = Unfinished::folder(folder).map_err(failed)?;
        let top = unpack::unpack(&mut coming, place.path(), target)?;
        rustix::fs::syncfs(place.file()).map_err(|error| failed(error.into()))?;
        name(&top, target)?;
        place
    } else {
        let place = Unfinished::of_file(folder).map_err(failed)?;
        let mut file = place.file();
        let mut piece = vec![0; 64 << 10];
        loop {
            let count = coming.read(&mut piece).map_err(failed)?;
            if count == 0 {
                break;
            }
            file.write_all(piece.get(..count).unwrap_or_default())
                .map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        name(place.path(), target)?;
        place
    };
    drop(place);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| LandingError::Unsure {
        path: target.to_owned(),
        source,
    })
}

/// Gives something its name, unless that is taken.
fn name(from: &Path, target: &Path) -> Result<(), LandingError> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    let named = match renameat_with(CWD, from, CWD, target, RenameFlags::NOREPLACE) {
        // Not every file system can do that. A second name is not put over another either; a folder has no second name.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if from.is_dir() => {
            is_free(target)?;
            fs::rename(from, target)
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::hard_link(from, target),
        renamed => renamed.map_err(io::Error::from),
    };
    named.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => LandingError::IsThere(target.to_owned()),
        _ => LandingError::Write {
            path: target.to_owned(),
            source,
        },
    })
}

#[cfg(test)]
mod tests;
