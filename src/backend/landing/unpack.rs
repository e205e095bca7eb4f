//! Unpacks a tar of folders, files and links, of which none leads out of the folder that it is unpacked into, whoever has made
//! it: everything is made new, in folders that were made here.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use tar::{Archive, Entry, EntryType};

use super::LandingError;

/// Unpacks it into an empty folder. Gives the one thing at its top. `target` is what it is for, to be named in errors.
pub(super) fn unpack(from: &mut dyn Read, into: &Path, target: &Path) -> Result<PathBuf, LandingError> {
    let mut unpacking = Unpacking {
        into,
        target,
        folders: HashSet::from([PathBuf::new()]),
        top: None,
    };
    let mut archive = Archive::new(from);
    let entries = archive.entries().map_err(|error| unpacking.no_tar(&error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unpacking.no_tar(&error))?;
        unpacking.add(entry)?;
    }
    // What stands behind its end is part of what came.
    let rest = io::copy(&mut archive.into_inner(), &mut io::sink());
    rest.map_err(|error| unpacking.no_tar(&error))?;
    unpacking
        .top
        .ok_or_else(|| LandingError::NoExport("nothing is in it".to_owned()))
}

struct Unpacking<'u> {
    into: &'u Path,
    target: &'u Path,
    /// Those that were made.
    folders: HashSet<PathBuf>,
    top: Option<PathBuf>,
}

impl Unpacking<'_> {
    fn no_tar(&self, error: &io::Error) -> LandingError {
        LandingError::NoExport(error.to_string())
    }

    fn failed(&self, source: io::Error) -> LandingError {
        LandingError::Write {
            path: self.target.to_owned(),
            source,
        }
    }

    fn add(&mut self, mut entry: Entry<'_, &mut dyn Read>) -> Result<(), LandingError> {
        let path = PathBuf::from(OsString::from_vec(entry.path_bytes().into_owned()));
        let refused = |why: &str| LandingError::NoExport(format!("{:?} in it {why}", path.display()));
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        // Written anew, so that a slash at its end is gone.
        let path: PathBuf = path.components().collect();
        let Some(above) = path.parent().filter(|_| is_plain) else {
            return Err(refused("leads elsewhere"));
        };
        if !self.folders.contains(above) {
            return Err(refused("is in no folder of it"));
        }
        let place = self.into.join(&path);
        if above.as_os_str().is_empty() && self.top.replace(place.clone()).is_some() {
            return Err(refused("stands beside what was asked for"));
        }
        match entry.header().entry_type() {
            EntryType::Directory => {
                DirBuilder::new()
                    .mode(0o700)
                    .create(&place)
                    .map_err(|error| self.failed(error))?;
                self.folders.insert(path);
            }
            EntryType::Regular => self.file(&mut entry, &place)?,
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                symlink(OsString::from_vec(target), &place).map_err(|error| self.failed(error))?;
            }
            _ => return Err(refused("is no folder, file or link")),
        }
        Ok(())
    }

    fn file(&self, entry: &mut Entry<'_, &mut dyn Read>, place: &Path) -> Result<(), LandingError> {
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(place);
        let mut file = opened.map_err(|error| self.failed(error))?;
        let (size, seconds) = (entry.size(), entry.header().mtime().unwrap_or(0));
        let copied = io::copy(entry, &mut file).map_err(|error| self.failed(error))?;
        if copied < size {
            return Err(LandingError::NoExport("it ends in the middle".to_owned()));
        }
        if seconds > 0 {
            // A time that cannot be set is no reason to do without the file.
            let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
            let _ = at.map(|at| file.set_modified(at));
        }
        Ok(())
    }
}
