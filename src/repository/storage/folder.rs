//! A repository in a folder, through the library's own backend.
//!
//! Beyond that backend it brings the folder of a new file to disk, reports folders that cannot be listed, which that
//! backend passes over, writes files itself (`pack_file`): packs in large pieces, and all of them open to nobody else; and
//! keeps packs open between reads.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use parking_lot::Mutex;
use rustic_backend::LocalBackend;
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};

use super::{Found, Shelf, pack_file, path_of};
use crate::disk::{failing, nameless, private};
use crate::domain::address::Address;
use crate::domain::os_error::in_words;
use crate::repository::error::RepositoryError;

/// How many packs are kept open: a few per core.
const OPEN_PACKS: usize = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Folder {
    place: PathBuf,
    backend: LocalBackend,
    packs: Mutex<VecDeque<(Id, Arc<File>)>>,
}

impl Folder {
    pub(super) fn new(place: &Path) -> RusticResult<Self> {
        let text = place.to_str().ok_or_else(|| {
            RusticError::new(
                ErrorKind::InvalidInput,
                "The repository's path is not valid Unicode.",
            )
        })?;
        Ok(Self {
            place: place.to_owned(),
            backend: LocalBackend::new(text, [])?,
            packs: Mutex::new(VecDeque::new()),
        })
    }

    /// A pack, open for reading.
    fn pack(&self, id: &Id) -> io::Result<Arc<File>> {
        let mut packs = self.packs.lock();
        if let Some((_, file)) = packs.iter().find(|(open, _)| open == id) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(pack_file::open(&self.place.join(path_of(FileType::Pack, id)))?);
        if packs.len() == OPEN_PACKS {
            packs.pop_front();
        }
        packs.push_back((*id, Arc::clone(&file)));
        Ok(file)
    }

    /// Reads something of a pack. Where the disk gives nothing, it is asked for something else, and then once more: a mount that is
    /// away for a moment says of every pack what a bad sector says of one, and condemns none.
    fn of_pack<T>(&self, id: &Id, mut read: impl FnMut() -> io::Result<T>) -> RusticResult<T> {
        let failed = |error| failed("reading a pack", error);
        match read() {
            Err(error) if failing::is_of_the_disk(&error) => {
                self.answers(&error).map_err(failed)?;
                self.packs.lock().retain(|(open, _)| open != id);
                read().map_err(failed)
            }
            read => read.map_err(failed),
        }
    }

    /// That the disk still gives the file that every repository has, past the system's cache.
    fn answers(&self, first: &io::Error) -> io::Result<()> {
        let answered = pack_file::read(&self.place.join("config"), 0, 1, &mut Vec::new());
        answered.map(drop).map_err(|_| {
            io::Error::other(format!(
                "{}. Nothing of the repository can be read now: it is the disk, or the line to it, and nothing is known of what is \
                 stored there. Look at the system's log",
                in_words(first)
            ))
        })
    }
}

impl Shelf for Folder {
    fn list(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind != FileType::Config {
            let folder = self.place.join(kind.dirname());
            fs::read_dir(&folder).map_err(|error| failed("listing a folder of the repository", error))?;
        }
        self.backend.list_with_size(kind)
    }

    fn packs(&self) -> RusticResult<Vec<(Id, u32, Option<SystemTime>)>> {
        let packs = self.list(FileType::Pack)?;
        Ok(packs
            .into_iter()
            .map(|(id, size)| {
                let about = fs::metadata(self.place.join(path_of(FileType::Pack, &id)));
                (id, size, about.and_then(|about| about.modified()).ok())
            })
            .collect())
    }

    fn read(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.backend.read_full(kind, id)
    }

    fn read_part(&self, kind: FileType, id: &Id, offset: u32, length: u32) -> RusticResult<Bytes> {
        if kind != FileType::Pack {
            return self.backend.read_partial(kind, id, false, offset, length);
        }
        self.of_pack(id, || {
            let pack = self.pack(id)?;
            let mut bytes = vec![0; length as usize];
            pack.read_exact_at(&mut bytes, u64::from(offset))?;
            Ok(bytes.into())
        })
    }

    fn read_past_cache(
        &self,
        pack: &Id,
        offset: u32,
        length: u32,
        buffer: &mut Vec<u8>,
    ) -> RusticResult<usize> {
        let path = self.place.join(path_of(FileType::Pack, pack));
        self.of_pack(pack, || pack_file::read(&path, offset, length, buffer))
    }

    fn write(&self, kind: FileType, id: &Id, content: BytesList) -> RusticResult<()> {
        let path = self.place.join(path_of(kind, id));
        let mode = private::mode_below(&self.place) & 0o666;
        pack_file::write(&path, content.slice(), mode)
            .map_err(|error| failed("writing a file of the repository", error))?;
        // The file is on disk, its name not yet.
        File::open(path.parent().unwrap_or(&self.place))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed("writing a folder of the repository", error))
    }

    fn remove(&self, kind: FileType, id: &Id) -> RusticResult<()> {
        self.backend.remove(kind, id, false)
    }

    fn create(&self) -> RusticResult<()> {
        self.backend.create()?;
        // As they are made by the library, they are open to whomever the umask lets in. Nobody gets there yet.
        let close = |folder: &Path| {
            let own = fs::Permissions::from_mode(private::mode_below(&self.place));
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    fs::set_permissions(path, own.clone())?;
                }
            }
            Ok(())
        };
        close(&self.place)
            .and_then(|()| close(&self.place.join(FileType::Pack.dirname())))
            .map_err(|error| failed("closing the repository to others", error))
    }
}

fn failed(doing: &str, error: io::Error) -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, doing, error)
}

/// The number and the birth of the repository's `config`, which is written once: a copy of it has others.
pub(super) fn mark(place: &Path) -> String {
    let Ok(about) = fs::metadata(place.join("config")) else {
        return String::new();
    };
    let born = about.created().ok();
    let born = born.and_then(|born| born.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("{}-{}", about.ino(), born.unwrap_or_default().as_nanos())
}

pub(super) fn holds_repository(place: &Path) -> Result<bool, RepositoryError> {
    match fs::metadata(place.join("config")) {
        Ok(about) => Ok(about.is_file()),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(RepositoryError::io(
            "looking for it",
            &Address::from(place),
            error.to_string(),
        )),
    }
}

/// Tries whether anything is taken where packs are made.
pub(super) fn try_to_write(place: &Path) -> Result<(), RepositoryError> {
    let data = place.join(FileType::Pack.dirname());
    let below = if data.is_dir() { data } else { place.to_owned() };
    nameless::try_to_write(&below).map_err(|error| {
        RepositoryError::io("trying to write there", &Address::from(place), in_words(&error))
    })
}

pub(super) fn what_is_there(place: &Path) -> Result<Found, RepositoryError> {
    let mut entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Ok(Found::Something("there is a file in its place".to_owned()));
        }
        Err(error) => {
            return Err(RepositoryError::io(
                "looking what is there",
                &Address::from(place),
                error.to_string(),
            ));
        }
    };
    if entries.next().is_none() {
        return Ok(Found::Nothing);
    }
    let remains = ["data", "keys", "snapshots", "index"]
        .iter()
        .any(|name| place.join(name).is_dir());
    Ok(Found::Something(if remains {
        "its file \"config\" is missing, while other parts of a repository are there: bring the file back"
            .to_owned()
    } else {
        "other files are there: choose an empty folder, or one that does not exist yet".to_owned()
    }))
}

pub(super) fn size(place: &Path) -> Result<u64, RepositoryError> {
    fn sum(folder: &Path) -> io::Result<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let about = match entry.metadata() {
                Ok(about) => about,
                // Another process may be removing it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            bytes += if about.is_dir() {
                sum(&entry.path())?
            } else {
                about.len()
            };
        }
        Ok(bytes)
    }
    sum(place).map_err(|error| {
        RepositoryError::io(
            "adding up the sizes of the files",
            &Address::from(place),
            error.to_string(),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::io::Errno;

    use super::*;

    fn system_number(error: &RusticError) -> Option<Errno> {
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            if let Some(number) = error.downcast_ref::<io::Error>().and_then(Errno::from_io_error) {
                return Some(number);
            }
            source = error.source();
        }
        None
    }

    /// A repository with a config, and a pack that the disk does not give.
    fn with_a_bad_pack() -> (tempfile::TempDir, Folder, Id) {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("config"), "config").unwrap();
        let id = Id::new([7; 32]);
        let pack = place.path().join(path_of(FileType::Pack, &id));
        fs::create_dir_all(pack.parent().unwrap()).unwrap();
        symlink("/proc/self/mem", pack).unwrap();
        let folder = Folder::new(place.path()).unwrap();
        (place, folder, id)
    }

    #[test]
    fn a_pack_that_the_disk_does_not_give_is_told_from_a_disk_that_gives_nothing() {
        let (place, folder, id) = with_a_bad_pack();
        let told = folder.read_part(FileType::Pack, &id, 0, 10).unwrap_err();
        assert_eq!(system_number(&told), Some(Errno::IO), "{told}");
        fs::remove_file(place.path().join("config")).unwrap();
        symlink("/proc/self/mem", place.path().join("config")).unwrap();
        let told = folder.read_part(FileType::Pack, &id, 0, 10).unwrap_err();
        assert_eq!(system_number(&told), None, "{told}");
        assert!(
            format!("{told:?}").contains("Nothing of the repository can be read now"),
            "{told:?}"
        );
    }

    #[test]
    fn what_the_disk_gives_when_it_is_asked_again_is_read() {
        let (_place, folder, id) = with_a_bad_pack();
        let mut asked = 0;
        let read = folder.of_pack(&id, || {
            asked += 1;
            if asked == 1 {
                Err(Errno::IO.into())
            } else {
                Ok(asked)
            }
        });
        assert_eq!(read.unwrap(), 2);
    }
}
