//! Extended attributes of files and folders, access control lists among them.
//!
//! Where a file has an access control list, the group's bits of its mode are the mask of that list: without it, the owning
//! group would have the rights that the list gives to others. So a list that cannot be kept or brought back is an error.
//!
//! Kept are lists, what people and programs have noted (`user.`), and labels. Left are what a file system keeps for its
//! own use (`trusted.`), sums over the rest, and capabilities, which let a program do more than whoever starts it.

use std::ffi::CString;
use std::fmt::Write as _;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    Mode, OFlags, XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fremovexattr,
    fsetxattr, lgetxattr, lgetxattr_query, llistxattr, llistxattr_query, openat,
};
use rustix::io::{Errno, Result};

use crate::content::{Attribute, ContentError};
use crate::domain::os_error::in_words;

/// The names under which access control lists are kept.
const LISTS: [&str; 3] = [ACCESS, DEFAULT, "system.nfs4_acl"];
const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// The label of a file. Which one it may have is up to the machine's policy.
const LABEL: &str = "security.selinux";

/// How long a list of names is, as a rule.
const AT_ONCE: usize = 512;

/// Whether an attribute is kept and brought back.
pub(crate) fn is_kept(name: &str) -> bool {
    name.starts_with("user.") || name == LABEL || LISTS.contains(&name)
}

/// Whether an attribute has to come back as it was, or nothing is as it was.
pub(crate) fn has_to_be_the_same(name: &str) -> bool {
    name != LABEL
}

/// What attributes are read from.
#[derive(Clone, Copy)]
enum Place<'a, F: AsFd> {
    Open(&'a F),
    Path(&'a Path),
}

impl<F: AsFd> Place<'_, F> {
    fn list(&self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Open(file) => flistxattr(file, buffer),
            Self::Path(path) => llistxattr(*path, buffer),
        }
    }

    fn list_length(&self) -> Result<usize> {
        match self {
            Self::Open(file) => flistxattr_query(file),
            Self::Path(path) => llistxattr_query(*path),
        }
    }

    fn value(&self, name: &str) -> Result<Vec<u8>> {
        // It may grow between the two questions.
        loop {
            let length = match self {
                Self::Open(file) => fgetxattr_query(file, name),
                Self::Path(path) => lgetxattr_query(*path, name),
            }?;
            let mut value = vec![0; length];
            if length == 0 {
                return Ok(value);
            }
            let read = match self {
                Self::Open(file) => fgetxattr(file, name, &mut value[..]),
                Self::Path(path) => lgetxattr(*path, name, &mut value[..]),
            };
            match read {
                Err(Errno::RANGE) => {}
                read => {
                    value.truncate(read?);
                    return Ok(value);
                }
            }
        }
    }

    /// The names, each with a zero behind it.
    fn names(&self) -> Result<Vec<u8>> {
        let mut buffer = [0; AT_ONCE];
        match self.list(&mut buffer) {
            Ok(length) => return Ok(buffer[..length].to_vec()),
            Err(Errno::RANGE) => {}
            // A file system without attributes.
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        loop {
            let mut names = vec![0; self.list_length()? + AT_ONCE];
            match self.list(&mut names) {
                Err(Errno::RANGE) => {}
                read => {
                    names.truncate(read?);
                    return Ok(names);
                }
            }
        }
    }

    fn read(&self) -> Result<Found> {
        let mut found = Found::default();
        for name in self
            .names()?
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
        {
            let Ok(name) = std::str::from_utf8(name) else {
                found.left.push(String::from_utf8_lossy(name).into_owned());
                continue;
            };
            if is_kept(name) {
                match self.value(name) {
                    Ok(value) => found.kept.push(Attribute {
                        name: name.to_owned(),
                        value,
                    }),
                    // It was removed meanwhile.
                    Err(Errno::NODATA) => {}
                    Err(error) => return Err(error),
                }
            } else if name == "security.capability" {
                found.left.push(name.to_owned());
            }
        }
        found.kept.sort();
        Ok(found)
    }
}

/// The attributes of one file or folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Those that are kept, by name.
    pub(crate) kept: Vec<Attribute>,
    /// The names of others that somebody may miss.
    pub(super) left: Vec<String>,
}

impl Found {
    /// What is not kept, for people; `None` when all is.
    pub(super) fn left_out(&self, path: &Path) -> Option<String> {
        let mut text = format!("{} has attributes that are not kept:", path.display());
        for name in &self.left {
            let _ = write!(text, " {name}");
        }
        (!self.left.is_empty()).then_some(text)
    }
}

/// Reads the attributes of an open folder.
pub(crate) fn of_open(folder: &impl AsFd) -> Result<Found> {
    Place::Open(folder).read()
}

/// Reads the attributes of a file in an open folder, without opening it where that can be avoided.
pub(crate) fn of_file(folder: &impl AsFd, name: &CString) -> Result<Found> {
    let handle = format!("/proc/self/fd/{}", folder.as_fd().as_raw_fd());
    let path = Path::new(&handle).join(std::ffi::OsStr::from_bytes(name.as_bytes()));
    match Place::<std::fs::File>::Path(&path).read() {
        // Without that list of open files it has to be opened after all.
        Err(Errno::NOENT | Errno::NOTDIR) => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            Place::Open(&openat(folder, name, flags, Mode::empty())?).read()
        }
        found => found,
    }
}

/// Sets attributes of an open file or folder.
pub(crate) fn set(
    open: impl AsFd,
    attributes: &[Attribute],
    place: &Path,
) -> std::result::Result<(), ContentError> {
    for attribute in attributes.iter().filter(|attribute| is_kept(&attribute.name)) {
        let set = fsetxattr(
            &open,
            attribute.name.as_str(),
            &attribute.value,
            XattrFlags::empty(),
        );
        if let Err(error) = set
            && has_to_be_the_same(&attribute.name)
        {
            return Err(ContentError::NotAllowed {
                path: place.to_owned(),
                why: format!(
                    "its attribute {} cannot be set ({error}): the file system there has to keep extended attributes and \
                     access control lists, as that of Live does",
                    attribute.name,
                    error = in_words(&error.into()),
                ),
            });
        }
    }
    Ok(())
}

/// Gives an open folder the attributes of another one. The paths are for messages.
///
/// # Errors
/// [`ContentError`] when they cannot be read or set.
pub(crate) fn copy(
    (from, from_place): (impl AsFd, &Path),
    (to, to_place): (impl AsFd, &Path),
) -> std::result::Result<(), ContentError> {
    let found = of_open(&from).map_err(|error| ContentError::Io {
        action: "reading the attributes of",
        path: from_place.to_owned(),
        source: error.into(),
    })?;
    set(to, &found.kept, to_place)
}

/// Takes away the access control lists that a new folder has from the one that it was made in: whatever is made in it
/// would have them, too.
pub(super) fn clear_inherited(open: impl AsFd) -> Result<()> {
    for list in [ACCESS, DEFAULT] {
        match fremovexattr(&open, list) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
