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
use super::explore::Download;
use crate::domain::explore::ExportForm;

/// Pieces that may wait to be written.
const WAITING: usize = 4;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum LandingError {
    /// Something stands there.
    #[error("{} is there already, and nothing is written over: move it away, or name another folder", .0.display())]
    IsThere(PathBuf),
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
    #[error("{} is written, and whether it outlasts a power cut is not known: {source}", path.display())]
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
            format!("there is not enough room for it ({source})")
        }
        _ => source.to_string(),
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
        place.name(&top, target)?;
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
        place.name(place.path(), target)?;
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
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    async fn landed(
        pieces: Vec<Result<Vec<u8>, BackendError>>,
        target: &Path,
        form: ExportForm,
    ) -> Result<u64, LandingError> {
        land(Download::of(pieces), target, form, &|_| {}, pending()).await
    }

    #[tokio::test]
    async fn a_file_is_whole_or_not_there_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("news.xml");
        let broken = || vec![Ok(b"ab".to_vec()), Err(BackendError::Failed("no".to_owned()))];
        assert!(landed(broken(), &target, ExportForm::Xml).await.is_err());
        assert_eq!(names(folder.path()), [""; 0]);
        let pieces = vec![Ok(b"ab".to_vec()), Ok(b"c".to_vec())];
        assert_eq!(landed(pieces.clone(), &target, ExportForm::Xml).await.unwrap(), 3);
        assert_eq!(fs::read(&target).unwrap(), b"abc");
        let again = landed(pieces, &target, ExportForm::Xml).await;
        assert!(matches!(again, Err(LandingError::IsThere(_))), "{again:?}");
        let stopped = land(
            Download::of(broken()),
            &folder.path().join("x"),
            ExportForm::Xml,
            &|_| {},
            ready(()),
        )
        .await;
        assert!(stopped.is_err());
        assert_eq!(names(folder.path()), ["news.xml"]);
    }

    #[tokio::test]
    async fn what_a_dead_process_has_left_goes_with_the_next_export_and_what_a_living_one_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".lifeboat-export-1-1/news")).unwrap();
        fs::write(folder.path().join(".lifeboat-export-1-2"), "half").unwrap();
        let living = Unfinished::of_file(folder.path()).unwrap();
        let target = folder.path().join("news.xml");
        landed(vec![Ok(b"abc".to_vec())], &target, ExportForm::Xml)
            .await
            .unwrap();
        let mut found = names(folder.path());
        found.sort();
        let name = living.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(found, [name, "news.xml"]);
    }

    fn tar(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o777);
            let bytes = if *kind == tar::EntryType::Regular {
                *content
            } else {
                ""
            };
            header.set_size(bytes.len() as u64);
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            header.set_cksum();
            builder.append(&header, bytes.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[tokio::test]
    async fn files_are_unpacked_and_none_of_them_leads_elsewhere() {
        use tar::EntryType::{Directory, Link, Regular, Symlink};

        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("news");
        let good = tar(&[
            ("news/", Directory, ""),
            ("news/properties.json", Regular, "{}"),
            ("news/link", Symlink, "/etc/passwd"),
            ("news/item/", Directory, ""),
            ("news/item/data.bin", Regular, "abc"),
        ]);
        landed(vec![Ok(good)], &target, ExportForm::Files).await.unwrap();
        assert_eq!(fs::read(target.join("item/data.bin")).unwrap(), b"abc");
        assert_eq!(
            fs::read_link(target.join("link")).unwrap(),
            Path::new("/etc/passwd")
        );
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let out = outside.to_str().unwrap();
        for bad in [
            &[("news/", Directory, ""), ("news/../../evil", Regular, "x")][..],
            &[("/evil", Regular, "x")],
            &[
                ("a/", Directory, ""),
                ("a/l", Symlink, out),
                ("a/l/evil", Regular, "x"),
            ],
            &[("a/", Directory, ""), ("a/h", Link, "/etc/passwd")],
            &[
                ("a/", Directory, ""),
                ("a/f", Regular, "x"),
                ("a/f", Regular, "y"),
            ],
            &[("a/", Directory, ""), ("b/", Directory, "")],
            &[],
        ] {
            let other = folder.path().join("other");
            let landed = landed(vec![Ok(tar(bad))], &other, ExportForm::Files).await;
            assert!(landed.is_err(), "{bad:?}");
        }
        let mut found = names(folder.path());
        found.sort();
        assert_eq!(found, ["news", "outside"]);
        assert_eq!(names(&outside), [""; 0]);
    }
}
