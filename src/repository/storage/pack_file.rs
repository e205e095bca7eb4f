//! Files of a repository in a folder. Packs are written and read past the system's cache where the file system can do that.
//!
//! A backup is written once and read back once. In the cache it would push out what the database beside it needs, filling
//! the cache costs more time than everything else that is done with a pack, and a pack that is read back from the cache
//! proves nothing about the disk. Direct access wants memory, places and lengths that are multiples of a block; whatever
//! is not goes the ordinary way.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::disk::{BLOCK, private};

fn direct() -> i32 {
    i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap_or(0)
}

fn at_once() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0)
}

/// Writes a new file and brings it to disk: under another name first, so that it is there whole or not at all. The
/// folder that it is in is the caller's business.
///
/// It gets this mode, whatever the umask.
pub(super) fn write(path: &Path, content: &[Bytes], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // The library's name for it: whoever clears leftovers away knows it.
    name.push("-tmp-");
    let half = path.with_file_name(name);
    if let Some(folder) = path.parent() {
        private::folders(folder)?;
    }
    let written = write_half(&half, content, mode).and_then(|()| fs::rename(&half, path));
    if written.is_err() {
        // What cannot be removed now, a later prune finds.
        let _ = fs::remove_file(&half);
    }
    written
}

fn write_half(half: &PathBuf, content: &[Bytes], mode: u32) -> io::Result<()> {
    let mut file = private::file(half)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    let done = match content {
        [whole] => write_direct(half, whole)?,
        _ => 0,
    };
    let mut skip = done;
    for part in content {
        let rest = part.get(skip..).unwrap_or_default();
        skip = skip.saturating_sub(part.len());
        if done > 0 {
            file.write_all_at(rest, done as u64)?;
        } else {
            file.write_all(rest)?;
        }
    }
    file.sync_all()
}

/// Writes as many whole blocks as there are, and gives how many bytes that were: none where it cannot be done.
fn write_direct(half: &PathBuf, content: &[u8]) -> io::Result<usize> {
    let blocks = content.len() / BLOCK * BLOCK;
    if blocks == 0 || content.as_ptr().align_offset(BLOCK) != 0 {
        return Ok(0);
    }
    let written = OpenOptions::new()
        .write(true)
        .custom_flags(direct())
        .open(half)
        .and_then(|file| file.write_all_at(&content[..blocks], 0));
    match written {
        Ok(()) => Ok(blocks),
        // The file system cannot do it.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Reads a part of a file into `buffer`, from the disk itself where that can be done, and gives where in the buffer it
/// is. The buffer grows as needed, and is meant to be used again.
pub(super) fn read(path: &Path, offset: u32, length: u32, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let (offset, length) = (offset as usize, length as usize);
    let first = offset / BLOCK * BLOCK;
    let needed = offset - first + length;
    let room = needed.next_multiple_of(BLOCK);
    if buffer.len() < room + BLOCK {
        buffer.resize(room + BLOCK, 0);
    }
    let begin = buffer.as_ptr().align_offset(BLOCK);
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(direct() | at_once())
        .open(path);
    if let (Ok(file), Some(place)) = (opened, buffer.get_mut(begin..begin.saturating_add(room)))
        && read_at_least(&file, place, first as u64, needed)?
    {
        return Ok(begin + offset - first);
    }
    let place = buffer.get_mut(..length).unwrap_or_default();
    open(path)?.read_exact_at(place, offset as u64)?;
    Ok(0)
}

/// Opens a file to read it, and does not wait for a writer where a pipe stands in its place.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(at_once()).open(path)
}

/// Reads until so many bytes are there. `false` where the file system cannot do it this way.
fn read_at_least(file: &File, place: &mut [u8], offset: u64, needed: usize) -> io::Result<bool> {
    let mut done = 0;
    while done < needed {
        match file.read_at(&mut place[done..], offset + done as u64) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Also after a piece that ends within a block, which only the end of a file does.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(length: usize) -> Bytes {
        let bytes = Bytes::from((0..=250).cycle().take(length + BLOCK).collect::<Vec<u8>>());
        let at = bytes.as_ptr().align_offset(BLOCK);
        bytes.slice(at..at + length)
    }

    #[test]
    fn what_was_written_comes_back_wherever_it_begins_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 17] {
            let whole = aligned(length);
            let odd = whole.slice(length.min(1)..);
            let halves = [whole.slice(..length / 2), whole.slice(length / 2..)];
            for content in [&[whole.clone()][..], &[odd][..], &halves[..]] {
                let path = folder.path().join("ab/pack");
                write(&path, content, 0o640).unwrap();
                let expected = content.concat();
                assert_eq!(fs::read(&path).unwrap(), expected);
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
                let mut buffer = Vec::new();
                for (offset, end) in [(0, expected.len()), (expected.len() / 3, expected.len()), (5, 9)] {
                    if offset > end || end > expected.len() {
                        continue;
                    }
                    let count = u32::try_from(end - offset).unwrap();
                    let at = read(&path, u32::try_from(offset).unwrap(), count, &mut buffer).unwrap();
                    assert_eq!(buffer[at..at + end - offset], expected[offset..end]);
                }
                assert_eq!(
                    read(&path, 0, u32::try_from(expected.len() + 1).unwrap(), &mut buffer)
                        .unwrap_err()
                        .kind(),
                    ErrorKind::UnexpectedEof
                );
            }
        }
        assert_eq!(fs::read_dir(folder.path().join("ab")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_put_in_its_place_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack");
        fs::create_dir_all(path.join("taken")).unwrap();
        write(&path, &[aligned(BLOCK)], 0o600).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
