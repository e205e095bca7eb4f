//! Folders, files and links as a tar, written as they come: nothing is held of them but the names of files that have several.
//!
//! What a header of 1988 has no room for stands in records before it, as POSIX.1-2001 (pax) has them: long names, sizes over
//! 8 GiB, fractions of seconds, large numbers of owners, and attributes as GNU tar and libarchive name them.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use crate::content::{Attribute, FileTime, Item, ItemKind};

/// The longest name in a header.
const LONGEST: usize = 100;
/// The largest size in a header: eleven digits to the base of eight.
const LARGEST: u64 = (1 << 33) - 1;
/// The largest number of an owner in a header: seven digits.
const LAST_OWNER: u32 = (1 << 21) - 1;

/// What is known of an entry beside its name and what is in it.
#[derive(Debug, Clone, Default)]
pub(super) struct About {
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
    pub(super) modified: FileTime,
    pub(super) attributes: Vec<Attribute>,
}

impl About {
    pub(super) fn of(item: &Item) -> Self {
        Self {
            mode: item.mode,
            owner: item.owner,
            modified: item.modified,
            attributes: item.attributes().to_vec(),
        }
    }
}

/// Whoever takes folders, files and links, the folders before what is in them.
pub(super) trait Takes {
    fn folder(&mut self, path: &Path, about: &About) -> io::Result<()>;

    /// A file. There have to be as many bytes as it says.
    fn file(&mut self, path: &Path, about: &About, size: u64, bytes: &mut dyn Read) -> io::Result<()>;

    fn link(&mut self, path: &Path, about: &About, target: &Path) -> io::Result<()>;
}

/// Counts what would be written.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) bytes: u64,
}

impl Takes for Tally {
    fn folder(&mut self, _: &Path, _: &About) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, _: &Path, _: &About, size: u64, _: &mut dyn Read) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(size);
        Ok(())
    }

    fn link(&mut self, _: &Path, _: &About, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A tar while it is written.
pub(super) struct Archive<W: Write> {
    builder: Builder<W>,
    /// The first name of each file that has several.
    several: HashMap<(u64, u64), PathBuf>,
}

impl<W: Write> Archive<W> {
    pub(super) fn begin(out: W) -> Self {
        Self {
            builder: Builder::new(out),
            several: HashMap::new(),
        }
    }

    /// Ends it.
    pub(super) fn finish(self) -> io::Result<W> {
        let mut out = self.builder.into_inner()?;
        out.flush()?;
        Ok(out)
    }

    /// An item of content, whose path is the one in the tar.
    pub(super) fn item(&mut self, item: &Item, bytes: &mut dyn Read) -> io::Result<()> {
        let about = About::of(item);
        match &item.kind {
            ItemKind::Folder => self.folder(&item.path, &about),
            ItemKind::Link { target } => self.link(&item.path, &about, target),
            ItemKind::File { size } => {
                let first = item.file_of_names().and_then(|file| {
                    let known = self.several.get(&file).cloned();
                    self.several.entry(file).or_insert_with(|| item.path.clone());
                    known
                });
                match first {
                    Some(first) => self.entry(
                        EntryType::Link,
                        &item.path,
                        &about,
                        Some(&first),
                        0,
                        &mut io::empty(),
                    ),
                    None => self.file(&item.path, &about, *size, bytes),
                }
            }
        }
    }

    fn entry(
        &mut self,
        kind: EntryType,
        path: &Path,
        about: &About,
        target: Option<&Path>,
        size: u64,
        bytes: &mut dyn Read,
    ) -> io::Result<()> {
        let mut name = path.as_os_str().as_bytes().to_vec();
        if kind == EntryType::Directory {
            name.push(b'/');
        }
        let target = target.map_or(&b""[..], |target| target.as_os_str().as_bytes());
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(about.mode);
        header.set_size(size);
        header.set_mtime(u64::try_from(about.modified.seconds).unwrap_or(0));
        let (user, group) = about.owner;
        header.set_uid(u64::from(user.min(LAST_OWNER)));
        header.set_gid(u64::from(group.min(LAST_OWNER)));
        let mut more: Vec<(String, Vec<u8>)> = Vec::new();
        if name.len() > LONGEST {
            more.push(("path".to_owned(), name.clone()));
        }
        if target.len() > LONGEST {
            more.push(("linkpath".to_owned(), target.to_vec()));
        }
        if size > LARGEST {
            more.push(("size".to_owned(), size.to_string().into_bytes()));
        }
        if about.modified.nanos > 0 || about.modified.seconds < 0 {
            more.push(("mtime".to_owned(), moment(about.modified).into_bytes()));
        }
        for (key, number) in [("uid", user), ("gid", group)] {
            if number > LAST_OWNER {
                more.push((key.to_owned(), number.to_string().into_bytes()));
            }
        }
        let attributes = about.attributes.iter();
        more.extend(attributes.map(|known| (keyword(&known.name), known.value.clone())));
        let old = header.as_old_mut();
        fill(&mut old.name, &name);
        fill(&mut old.linkname, target);
        header.set_cksum();
        if !more.is_empty() {
            let more = more.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
            self.builder.append_pax_extensions(more)?;
        }
        let mut whole = Whole { bytes, left: size };
        self.builder.append(&header, &mut whole)
    }
}

impl<W: Write> Takes for Archive<W> {
    fn folder(&mut self, path: &Path, about: &About) -> io::Result<()> {
        self.entry(EntryType::Directory, path, about, None, 0, &mut io::empty())
    }

    fn file(&mut self, path: &Path, about: &About, size: u64, bytes: &mut dyn Read) -> io::Result<()> {
        self.entry(EntryType::Regular, path, about, None, size, bytes)
    }

    fn link(&mut self, path: &Path, about: &About, target: &Path) -> io::Result<()> {
        self.entry(EntryType::Symlink, path, about, Some(target), 0, &mut io::empty())
    }
}

/// The keyword of a record that has an attribute. It ends with the first equals sign, so one in a name is written as a percent
/// sign and two digits, and a percent sign as well: as GNU tar writes and reads it.
fn keyword(attribute: &str) -> String {
    let name = attribute.replace('%', "%25").replace('=', "%3D");
    format!("SCHILY.xattr.{name}")
}

/// As much of a name as fits.
fn fill(room: &mut [u8], name: &[u8]) {
    for (place, byte) in room.iter_mut().zip(name) {
        *place = *byte;
    }
}

/// Seconds since 1970 with their fraction.
fn moment(time: FileTime) -> String {
    if time.seconds >= 0 {
        return format!("{}.{:09}", time.seconds, time.nanos);
    }
    // Before 1970 the fraction counts backwards.
    match time.nanos {
        0 => time.seconds.to_string(),
        nanos => {
            let (whole, fraction) = (time.seconds + 1, 1_000_000_000 - nanos);
            let sign = if whole == 0 { "-" } else { "" };
            format!("{sign}{whole}.{fraction:09}")
        }
    }
}

/// Exactly so many bytes.
struct Whole<'r> {
    bytes: &'r mut dyn Read,
    left: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.bytes.read(into.get_mut(..most).unwrap_or_default())?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it ended before as many bytes had come as it has",
            ));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_old_header_holds_comes_back() {
        let long = PathBuf::from(format!("{}/{}", "a".repeat(150), "ü".repeat(90)));
        let about = About {
            mode: 0o4750,
            owner: (3_000_000, 12),
            modified: FileTime {
                seconds: -2,
                nanos: 750_000_000,
            },
            attributes: vec![Attribute {
                name: "user.note".to_owned(),
                value: b"\x00=".to_vec(),
            }],
        };
        let mut archive = Archive::begin(Vec::new());
        archive.file(&long, &about, 3, &mut &b"abcdef"[..]).unwrap();
        archive.link(Path::new("link"), &About::default(), &long).unwrap();
        let short = archive.file(Path::new("short"), &About::default(), 9, &mut &b"abc"[..]);
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut archive = Archive::begin(Vec::new());
        archive.file(&long, &about, 3, &mut &b"abcdef"[..]).unwrap();
        archive.link(Path::new("link"), &About::default(), &long).unwrap();
        let bytes = archive.finish().unwrap();
        let mut read = tar::Archive::new(bytes.as_slice());
        let mut entries = read.entries().unwrap();
        let mut file = entries.next().unwrap().unwrap();
        assert_eq!(file.path().unwrap(), long);
        assert_eq!(file.header().mode().unwrap(), 0o4750);
        let records: Vec<_> = file
            .pax_extensions()
            .unwrap()
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let record = |key: &str| {
            let mut found = records.iter().filter(|record| record.key() == Ok(key));
            found.next().map(|record| record.value_bytes().to_vec())
        };
        assert_eq!(record("mtime").unwrap(), b"-1.250000000");
        assert_eq!(record("uid").unwrap(), b"3000000");
        assert_eq!(record("gid"), None);
        assert_eq!(record("SCHILY.xattr.user.note").unwrap(), b"\x00=");
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
        let link = entries.next().unwrap().unwrap();
        assert_eq!(link.link_name().unwrap().unwrap(), long);
    }

    #[test]
    fn an_equals_sign_in_the_name_of_an_attribute_ends_no_keyword() {
        for (name, expected) in [
            ("user.note", "SCHILY.xattr.user.note"),
            ("user.a=b", "SCHILY.xattr.user.a%3Db"),
            ("user.100%3D", "SCHILY.xattr.user.100%253D"),
        ] {
            assert_eq!(keyword(name), expected);
        }
    }

    /// Takes so many bytes, and no more.
    struct Room(Vec<u8>, usize);

    impl Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() >= self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_size_that_no_header_holds_stands_in_a_record() {
        for (size, is_in_record) in [(LARGEST, false), (LARGEST + 1, true), (9 << 40, true)] {
            let mut room = Room(Vec::new(), 8 << 10);
            let path = Path::new("large");
            let mut archive = Archive::begin(&mut room);
            // What comes after the header does not fit.
            let failed = archive.file(path, &About::default(), size, &mut io::repeat(0));
            assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
            // A writer that is dropped ends it, and there is no room for that either.
            drop(archive);
            let mut read = tar::Archive::new(room.0.as_slice());
            let mut file = read.entries().unwrap().next().unwrap().unwrap();
            assert_eq!(file.size(), size);
            assert_eq!(file.pax_extensions().unwrap().is_some(), is_in_record, "{size}");
        }
    }

    #[test]
    fn a_moment_before_1970_has_its_fraction() {
        for (seconds, nanos, expected) in [
            (5, 1, "5.000000001"),
            (-1, 500_000_000, "-0.500000000"),
            (-3, 0, "-3"),
        ] {
            assert_eq!(moment(FileTime { seconds, nanos }), expected);
        }
    }
}
