//! The folder that indexes are kept in: one file each, which nobody else may read, since it tells of somebody's content.
//!
//! A file is made beside its place and renamed when it is whole. Its name has the digest of its bytes, so that one that is
//! cut off or damaged is known as such and made again. Together they take a few gigabytes at most; those that were not used
//! for the longest time go first. All of it may be deleted at any time.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use twox_hash::XxHash3_128;

use super::index::FORM;
use super::source::After;
use crate::disk::private;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::explore::Source;

/// The most that all indexes take together, in bytes.
const MOST: u64 = 4 << 30;
/// How the names of whole files end.
const ENDING: &str = ".index";
/// How those end that are being made.
const HALF: &str = ".half";
/// What is being made for longer than this was left by a process that died.
const ABANDONED: Duration = Duration::from_hours(24);

/// Which workspace an index is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) environment: EnvironmentName,
    /// By its whole id.
    pub(super) source: Source,
    pub(super) instance: InstanceName,
    pub(super) workspace: String,
    /// Of Live: after which jobs it was looked at.
    pub(super) after: Option<After>,
}

impl Key {
    /// How its file's name begins.
    fn beginning(&self) -> String {
        let workspace: String = self
            .workspace
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
                byte => format!("%{byte:02x}"),
            })
            .collect();
        // A name may have 255 bytes; what is cut off here is still told apart, by a digest.
        let workspace = if workspace.len() > 100 {
            format!("{:032x}", XxHash3_128::oneshot(self.workspace.as_bytes()))
        } else {
            workspace
        };
        format!("{FORM}~{}~{workspace}~", self.instance)
    }
}

/// Whether a file has its place on the shelf, so that its name has the digest of its bytes.
pub(super) fn is_whole(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(ENDING))
}

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    root: PathBuf,
    most: u64,
}

impl Shelf {
    pub(super) fn new(cache: &Path) -> Self {
        Self {
            root: cache.join("explore"),
            most: MOST,
        }
    }

    /// The same with less room.
    #[cfg(test)]
    pub(super) fn of_size(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Where it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn folder(&self, key: &Key) -> PathBuf {
        let name = &key.environment;
        let folder = self.root.join(name.project()).join(name.environment());
        folder.join(key.source.to_string())
    }

    /// The file of a key, if there is one and it is whole. It counts as used now.
    pub(super) fn find(&self, key: &Key, now: SystemTime) -> Option<PathBuf> {
        self.find_up_to(key, now, u64::MAX)
    }

    /// The same, unless it has more bytes than that: all of them are read.
    pub(super) fn find_up_to(&self, key: &Key, now: SystemTime, most: u64) -> Option<PathBuf> {
        let beginning = key.beginning();
        for file in entries(&self.folder(key)) {
            let name = file.file_name()?.to_str()?.to_owned();
            let Some(digest) = name
                .strip_prefix(&beginning)
                .and_then(|rest| rest.strip_suffix(ENDING))
            else {
                continue;
            };
            if fs::metadata(&file).is_ok_and(|about| about.len() > most) {
                continue;
            }
            if digest_of(&file).is_ok_and(|of_file| of_file == digest) {
                self.use_at(&file, now);
                return Some(file);
            }
            // Nobody would ever use it.
            let _ = fs::remove_file(&file);
        }
        None
    }

    /// Remembers that a file is used. That it cannot be remembered costs nothing but a place in the order.
    #[expect(clippy::unused_self, reason = "the shelf keeps its books in its files")]
    pub(super) fn use_at(&self, file: &Path, now: SystemTime) {
        let _ = File::options()
            .append(true)
            .open(file)
            .and_then(|file| file.set_modified(now));
    }

    /// A new file, to make an index in. `token` tells it from those of others.
    pub(super) fn begin(&self, key: &Key, token: &str) -> io::Result<PathBuf> {
        let folder = self.folder(key);
        private::folders(&folder)?;
        let file = folder.join(format!(".{token}{HALF}"));
        private::file(&file)?;
        Ok(file)
    }

    /// Puts a whole file in its place, and makes room for it. What was there of the same key goes. It need not be on disk by
    /// then: of what a power cut leaves, the digest in its name tells.
    pub(super) fn put(&self, key: &Key, half: &Path, now: SystemTime) -> io::Result<PathBuf> {
        let beginning = key.beginning();
        let place = self
            .folder(key)
            .join(format!("{beginning}{}{ENDING}", digest_of(half)?));
        let before = entries(&self.folder(key)).into_iter().filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&beginning) && *file != place
        });
        for file in before {
            let _ = fs::remove_file(file);
        }
        fs::rename(half, &place)?;
        self.use_at(&place, now);
        self.make_room(&place, now);
        Ok(place)
    }

    /// Removes what was used the longest ago, until the rest takes no more than it may. What cannot be removed is tried again
    /// with the next.
    fn make_room(&self, keep: &Path, now: SystemTime) {
        let mut files = Vec::new();
        let mut folders = vec![(self.root.clone(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for entry in entries(&folder) {
                let Ok(about) = entry.symlink_metadata() else {
                    continue;
                };
                if about.is_dir() && depth < 3 {
                    folders.push((entry, depth + 1));
                } else if about.is_file() {
                    files.push((about.modified().unwrap_or(now), about.len(), entry));
                }
            }
        }
        files.retain(|(used, _, file)| {
            let is_half = file.to_string_lossy().ends_with(HALF);
            let is_abandoned = is_half && now.duration_since(*used).is_ok_and(|age| age > ABANDONED);
            if is_abandoned {
                let _ = fs::remove_file(file);
            }
            !is_half && file != keep
        });
        let own = fs::metadata(keep).map_or(0, |about| about.len());
        let mut taken = own + files.iter().map(|(_, size, _)| size).sum::<u64>();
        files.sort();
        for (_, size, file) in files {
            if taken <= self.most {
                break;
            }
            if fs::remove_file(&file).is_ok() {
                taken -= size;
                // Its folder goes with the last of them.
                let _ = file.parent().map(fs::remove_dir);
            }
        }
    }
}

/// What is in a folder, by name; nothing in one that is not there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn digest_of(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let mut buffer = vec![0; 1 << 20];
    let mut hasher = XxHash3_128::new();
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(format!("{:032x}", hasher.finish_128()));
        }
        hasher.write(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn key(workspace: &str) -> Key {
        Key {
            environment: "acme/live".parse().unwrap(),
            source: Source::Backup("0a".repeat(32)),
            instance: "author".parse().unwrap(),
            workspace: workspace.to_owned(),
            after: None,
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn put(shelf: &Shelf, key: &Key, text: &str, now: SystemTime) -> PathBuf {
        let half = shelf.begin(key, "token").unwrap();
        fs::write(&half, text).unwrap();
        shelf.put(key, &half, now).unwrap()
    }

    #[test]
    fn what_is_whole_is_found_and_nobody_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        for workspace in ["website", ".versions", "a~b/ü", &"long".repeat(80)] {
            let key = key(workspace);
            assert_eq!(shelf.find(&key, at(1)), None);
            let file = put(&shelf, &key, workspace, at(1));
            assert_eq!(shelf.find(&key, at(2)), Some(file.clone()));
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let key = key("website");
        for damage in ["whole", "", "wholf", "whole and more"] {
            let file = put(&shelf, &key, "whole", at(1));
            fs::write(&file, damage).unwrap();
            assert_eq!(shelf.find(&key, at(2)).is_some(), damage == "whole", "{damage}");
            assert_eq!(file.exists(), damage == "whole");
        }
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path()).of_size(25);
        let text = "0123456789";
        put(&shelf, &key("first"), text, at(100));
        put(&shelf, &key("second"), text, at(200));
        assert!(shelf.find(&key("first"), at(300)).is_some());
        put(&shelf, &key("third"), text, at(400));
        assert!(shelf.find(&key("second"), at(500)).is_none());
        assert!(shelf.find(&key("first"), at(500)).is_some());
        assert!(shelf.find(&key("third"), at(500)).is_some());
        // One that is larger than all of it stays for whoever has it made.
        put(&shelf, &key("large"), &text.repeat(9), at(600));
        assert!(shelf.find(&key("large"), at(700)).is_some());
        assert!(shelf.find(&key("third"), at(700)).is_none());
    }
}
