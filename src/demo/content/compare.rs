//! Tells whether two trees are the same, byte for byte: paths, kinds, permissions, times, link targets and contents.
//!
//! This is the demo's own judgement of a recovery and shares no code with the engine that it judges.

use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::DemoContentError;
use super::tree::walk;

/// A text that is the same for two trees exactly if everything below their roots is the same.
///
/// # Errors
/// [`DemoContentError`] when something cannot be read.
pub fn fingerprint(root: &Path) -> Result<String, DemoContentError> {
    digest(root, |_| true)
}

/// The same without the times of folders: a folder gets another time when something in it is exchanged, and again when that is
/// taken back.
///
/// # Errors
/// [`DemoContentError`] when something cannot be read.
pub fn fingerprint_without_times_of_folders(root: &Path) -> Result<String, DemoContentError> {
    digest(root, |metadata| !metadata.is_dir())
}

fn digest(root: &Path, has_time: impl Fn(&Metadata) -> bool) -> Result<String, DemoContentError> {
    let mut whole = Sha256::new();
    for (path, metadata) in walk(root)? {
        let time = if has_time(&metadata) {
            time(&metadata)
        } else {
            "-".to_owned()
        };
        let head = format!("{} {:o} {time} ", kind(&metadata), metadata.mode() & 0o7777);
        let content = content(&root.join(&path), &metadata)?;
        for part in [head.as_bytes(), path.as_os_str().as_bytes(), &content] {
            whole.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            whole.update(part);
        }
    }
    let mut text = String::with_capacity(64);
    for byte in whole.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// The first thing that differs between two trees, as a sentence; `None` if nothing does.
///
/// # Errors
/// [`DemoContentError`] when something cannot be read.
pub fn first_difference(one: &Path, other: &Path) -> Result<Option<String>, DemoContentError> {
    let (here, there) = (walk(one)?, walk(other)?);
    for ((path, metadata), (other_path, other_metadata)) in here.iter().zip(&there) {
        if path != other_path {
            let (first, missing_in) = if path < other_path {
                (path, other)
            } else {
                (other_path, one)
            };
            return Ok(Some(format!(
                "{} is missing in {}",
                first.display(),
                missing_in.display()
            )));
        }
        let facts = [
            ("kind", kind(metadata).to_owned(), kind(other_metadata).to_owned()),
            ("permissions", permissions(metadata), permissions(other_metadata)),
            ("time", time(metadata), time(other_metadata)),
            ("length", length(metadata), length(other_metadata)),
        ];
        if let Some((fact, here, there)) = facts.into_iter().find(|(_, here, there)| here != there) {
            return Ok(Some(format!(
                "{}: its {fact} is {here} here and {there} there",
                path.display()
            )));
        }
        if content(&one.join(path), metadata)? != content(&other.join(path), other_metadata)? {
            return Ok(Some(format!("{}: its content differs", path.display())));
        }
    }
    let (longer, missing_in) = if here.len() > there.len() {
        (&here, other)
    } else {
        (&there, one)
    };
    let extra = longer.get(here.len().min(there.len()));
    Ok(extra.map(|(path, _)| format!("{} is missing in {}", path.display(), missing_in.display())))
}

fn kind(metadata: &Metadata) -> &'static str {
    match metadata.file_type() {
        kind if kind.is_dir() => "folder",
        kind if kind.is_file() => "file",
        kind if kind.is_symlink() => "link",
        _ => "neither folder, file nor link",
    }
}

fn permissions(metadata: &Metadata) -> String {
    format!("{:04o}", metadata.mode() & 0o7777)
}

fn time(metadata: &Metadata) -> String {
    format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec())
}

/// Of a file, in bytes; a folder's says nothing about it.
fn length(metadata: &Metadata) -> String {
    if metadata.is_file() {
        metadata.len().to_string()
    } else {
        String::new()
    }
}

fn content(path: &Path, metadata: &Metadata) -> Result<Vec<u8>, DemoContentError> {
    if metadata.is_file() {
        fs::read(path).map_err(DemoContentError::when("reading", path))
    } else if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(DemoContentError::when("reading", path))?;
        Ok(target.as_os_str().as_bytes().to_vec())
    } else {
        Ok(Vec::new())
    }
}
