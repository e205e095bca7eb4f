//! What is mounted on a folder or below it.
//!
//! A mount of the same file system (a bind mount) has the same device number as what surrounds it, so numbers do not tell.
//! The system's list of mounts does, at every depth.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, StatxFlags, fstat, statx};

/// The list of what is mounted where, as this process sees it.
const LIST: &str = "/proc/self/mountinfo";

/// The mount points that are `folder` or below it, in order. The path has to be one without links in it.
///
/// # Errors
/// What the system said about its list of mounts.
pub(crate) fn at_or_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let list = std::fs::read(LIST).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("what is mounted cannot be told from {LIST}: {error}"),
        )
    })?;
    let mut found: Vec<_> = lines(&list)
        .into_iter()
        .map(|line| line.point)
        .filter(|point| point.starts_with(folder))
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// A place where a folder, or a part of it, is to be seen besides its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// Which part of the folder; empty for all of it.
    pub(crate) part: PathBuf,
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// A process for which it is, with mounts of its own, as those in a container have. `None`: for this one.
    pub(crate) process: Option<u32>,
}

/// Where else a folder or something in it is mounted, as far as this process may know. Whoever works there goes on with the
/// same folder whatever takes its place here.
pub(crate) fn elsewhere(folder: &Path) -> Vec<Elsewhere> {
    let Ok(own) = std::fs::read(LIST) else {
        return Vec::new();
    };
    found_elsewhere(folder, &own, others())
}

/// The lists of processes with other mounts than this one, one of each kind.
fn others() -> impl Iterator<Item = (u32, Vec<u8>)> {
    let space = |process: &Path| std::fs::read_link(process.join("ns/mnt")).ok();
    let mut known: Vec<_> = space(Path::new("/proc/self")).into_iter().collect();
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(move |process| {
            let number = process.file_name().to_str()?.parse().ok()?;
            let space = space(&process.path())?;
            if known.contains(&space) {
                return None;
            }
            let list = std::fs::read(process.path().join("mountinfo")).ok()?;
            known.push(space);
            Some((number, list))
        })
}

fn found_elsewhere(
    folder: &Path,
    own: &[u8],
    others: impl Iterator<Item = (u32, Vec<u8>)>,
) -> Vec<Elsewhere> {
    let own = lines(own);
    let Some((device, inside)) = seen_at(&own, folder) else {
        return Vec::new();
    };
    let of = |lines: &[Line], process: Option<u32>| -> Vec<Elsewhere> {
        let same = lines.iter().filter(|line| line.device == device);
        same.filter_map(|line| {
            let part = line.root.strip_prefix(&inside).ok()?.to_owned();
            let is_here = process.is_none() && line.point.starts_with(folder);
            (!is_here).then(|| Elsewhere {
                part,
                point: line.point.clone(),
                process,
            })
        })
        .collect()
    };
    let mut found = of(&own, None);
    for (process, list) in others {
        found.extend(of(&lines(&list), Some(process)));
    }
    found
}

/// Something that processes with mounts of their own, as those in a container have, see in the place of a part of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Covered {
    /// Which part of the folder; empty for all of it.
    pub(crate) part: PathBuf,
    /// Where that is for such a process.
    pub(crate) point: PathBuf,
    /// One of them.
    pub(crate) process: u32,
}

/// Which parts of a folder other processes do not see, since they have something else mounted there, as far as this process
/// may know. The path has to be one without links in it.
pub(crate) fn covered(folder: &Path) -> Vec<Covered> {
    let Ok(own) = std::fs::read(LIST) else {
        return Vec::new();
    };
    found_covered(folder, &own, others())
}

/// What a service that may not look into a folder sees there.
const CLOSED: &str = "systemd/inaccessible";

fn found_covered(folder: &Path, own: &[u8], others: impl Iterator<Item = (u32, Vec<u8>)>) -> Vec<Covered> {
    let own = lines(own);
    // The folder itself, and what this process has mounted in it: each is a part of some file system.
    let below = own.iter().map(|line| line.point.as_path());
    let below = below.filter(|point| point.starts_with(folder) && *point != folder);
    let parts: Vec<_> = std::iter::once(folder)
        .chain(below)
        .filter_map(|place| Some((place, seen_at(&own, place)?)))
        .collect();
    let mut found: Vec<Covered> = Vec::new();
    for (process, list) in others {
        let list = lines(&list);
        for (place, (device, inside)) in &parts {
            for line in list.iter().filter(|line| line.device == *device) {
                let (part, point) = if let Ok(part) = line.root.strip_prefix(inside) {
                    (place.join(part), line.point.clone())
                } else if let Ok(way) = inside.strip_prefix(&line.root) {
                    (place.to_path_buf(), line.point.join(way))
                } else {
                    continue;
                };
                for on in list
                    .iter()
                    .filter(|on| on.parent == line.id && on.point != line.point)
                {
                    let Ok(rest) = on.point.strip_prefix(&point) else {
                        continue;
                    };
                    let covered: PathBuf = part.components().chain(rest.components()).collect();
                    let is_same = seen_at(&own, &covered) == Some((on.device.as_slice(), on.root.clone()));
                    let Ok(part) = covered.strip_prefix(folder) else {
                        continue;
                    };
                    let is_known = found.iter().any(|known| part.starts_with(&known.part));
                    if !is_same && !is_known && !on.root.to_string_lossy().contains(CLOSED) {
                        found.push(Covered {
                            part: part.to_owned(),
                            point: on.point.clone(),
                            process,
                        });
                    }
                }
            }
        }
    }
    found
}

/// What is to be seen at a path: the numbers of a file system, and the path in that.
fn seen_at<'l>(lines: &'l [Line], path: &Path) -> Option<(&'l [u8], PathBuf)> {
    // Of several mounts on one point the last is the one to be seen.
    let holder = lines
        .iter()
        .filter(|line| path.starts_with(&line.point))
        .max_by_key(|line| line.point.components().count())?;
    let below = path.strip_prefix(&holder.point).unwrap_or(Path::new(""));
    let inside = holder.root.components().chain(below.components()).collect();
    Some((&holder.device, inside))
}

/// One mount.
struct Line {
    /// Its number.
    id: Vec<u8>,
    /// The number of the mount that it is on.
    parent: Vec<u8>,
    /// The numbers of the file system: `254:0`.
    device: Vec<u8>,
    /// What of the file system is mounted.
    root: PathBuf,
    /// Where.
    point: PathBuf,
}

/// The mounts in a list as `/proc/self/mountinfo` has it.
fn lines(list: &[u8]) -> Vec<Line> {
    let path = |field: &[u8]| PathBuf::from(OsString::from_vec(unescaped(field)));
    list.split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|byte| *byte == b' ');
            Some(Line {
                id: fields.next()?.to_owned(),
                parent: fields.next()?.to_owned(),
                device: fields.next()?.to_owned(),
                root: path(fields.next()?),
                point: path(fields.next()?),
            })
        })
        .collect()
}

/// A field with its octal escapes undone: the kernel writes spaces, tabs, line feeds and backslashes so.
pub(super) fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'\\').then(|| octal(after)).flatten();
        if let Some(code) = code {
            text.push(code);
            rest = &after[3..];
        } else {
            text.push(*first);
            rest = after;
        }
    }
    text
}

/// The byte that three octal digits at the beginning stand for.
fn octal(text: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(text.get(..3)?).ok()?;
    u8::from_str_radix(digits, 8).ok()
}

/// What tells one mount from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mount {
    /// The number of the mount. A bind mount has one of its own.
    Number(u64),
    /// The number of the device, where the kernel is too old to tell the mount's.
    Device(u64),
}

impl Mount {
    /// The mount that an open folder is on.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn of(folder: impl AsFd) -> io::Result<Self> {
        let told = statx(&folder, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID);
        if let Ok(told) = told
            && StatxFlags::from_bits_retain(told.stx_mask).contains(StatxFlags::MNT_ID)
        {
            return Ok(Self::Number(told.stx_mnt_id));
        }
        Ok(Self::Device(fstat(&folder)?.st_dev))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Mounts one folder on another for as long as it lives. `None` where this process may not mount anything; whatever
    /// a test says of real mounts, it then has to say of the list alone.
    pub(crate) struct Bound(PathBuf);

    impl Bound {
        pub(crate) fn on(place: &Path, what: &Path) -> Option<Self> {
            let mut command = Command::new("mount");
            let done = command.arg("--bind").args([what, place]).stderr(Stdio::null());
            done.status()
                .is_ok_and(|status| status.success())
                .then(|| Self(place.to_owned()))
        }
    }

    impl Drop for Bound {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        }
    }

    #[test]
    fn mount_points_are_read_with_every_byte_of_their_names() {
        let list = b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
            30 22 254:0 /data /srv/live/web\\040site\\011\\134x rw - ext4 /dev/vda rw\n\
            31 22 0:5 / /srv/live-2 rw shared:3 master:1 - tmpfs none rw\n\
            32 22 254:0 /a /srv/live/\xff\\9 rw - ext4 /dev/vda rw\n";
        let found: Vec<_> = lines(list).into_iter().map(|line| line.point).collect();
        let expected: [&[u8]; 4] = [
            b"/",
            b"/srv/live/web site\t\\x",
            b"/srv/live-2",
            b"/srv/live/\xff\\9",
        ];
        let expected = expected.map(|path| PathBuf::from(OsString::from_vec(path.to_vec())));
        assert_eq!(found, expected);
        let below: Vec<_> = found
            .iter()
            .filter(|point| point.starts_with("/srv/live"))
            .collect();
        assert_eq!(
            below,
            [&expected[1], &expected[3]],
            "a name that only begins the same is another one"
        );
    }

    #[test]
    fn mounts_of_the_same_file_system_are_found_at_every_depth() {
        assert!(at_or_below(Path::new("/")).unwrap().contains(&PathBuf::from("/")));
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let deep = root.join("website/a b/c");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir(root.join("data")).unwrap();
        assert_eq!(at_or_below(&root).unwrap(), Vec::<PathBuf>::new());
        let Some(bound) = Bound::on(&deep, &root.join("data")) else {
            return;
        };
        assert_eq!(at_or_below(&root).unwrap(), std::slice::from_ref(&deep));
        assert_eq!(at_or_below(&deep).unwrap(), std::slice::from_ref(&deep));
        let open = |path: &Path| std::fs::File::open(path).unwrap();
        let outside = Mount::of(open(&root)).unwrap();
        assert_eq!(Mount::of(open(&root.join("data"))).unwrap(), outside);
        assert_ne!(Mount::of(open(&deep)).unwrap(), outside);
        drop(bound);
        assert_eq!(at_or_below(&root).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_a_container_has_mounted_on_a_part_of_a_folder_is_found() {
        let own = b"22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            30 22 254:1 /vol /srv rw - ext4 /dev/vdb rw\n\
            31 30 254:2 /same /srv/live/content/same rw - ext4 /dev/vdc rw\n";
        let covered = |list: &str| -> Vec<(String, String)> {
            let list = [(7, list.as_bytes().to_vec())].into_iter();
            let found = found_covered(Path::new("/srv/live/content"), own, list);
            assert!(found.iter().all(|found| found.process == 7));
            let text = |path: &Path| path.display().to_string();
            let found = found.iter().map(|found| (text(&found.part), text(&found.point)));
            found.collect()
        };
        let told = |part: &str, point: &str| vec![(part.to_owned(), point.to_owned())];
        // Through the folder that holds the content, through the content itself, and through a part of it.
        for (seen, point) in [
            ("/vol/live /data", "/data/content/dam"),
            ("/vol/live/content /data", "/data/dam"),
            ("/ /host", "/host/vol/live/content/dam"),
        ] {
            let list = format!(
                "90 1 0:50 / / rw - overlay overlay rw\n91 90 254:1 {seen} rw - ext4 /dev/vdb rw\n\
                 92 91 254:0 /volumes/dam {point} rw - ext4 /dev/vda rw\n"
            );
            assert_eq!(covered(&list), told("dam", point));
        }
        let deep = "91 90 254:1 /vol/live/content/dam /dam rw - ext4 /dev/vdb rw\n\
            92 91 0:60 / /dam/a/b rw - tmpfs tmpfs rw\n93 92 0:61 / /dam/a/b/c rw - tmpfs tmpfs rw\n";
        assert_eq!(covered(deep), told("dam/a/b", "/dam/a/b"));
        // On what this process has mounted in the folder as well.
        let below =
            "91 90 254:2 /same /same rw - ext4 /dev/vdc rw\n92 91 0:60 / /same/x rw - tmpfs tmpfs rw\n";
        assert_eq!(covered(below), told("same/x", "/same/x"));
        let whole =
            "91 90 254:1 /vol/live /data rw - ext4 /dev/vdb rw\n92 91 0:60 / /data/content rw - tmpfs t rw\n";
        assert_eq!(covered(whole), told("", "/data/content"));
        for nothing in [
            // What is mounted there is what is there.
            "91 90 254:1 /vol/live /data rw - ext4 /dev/vdb rw\n92 91 254:2 /same /data/content/same rw - ext4 x rw\n",
            "91 90 254:1 /vol/live /data rw - ext4 /dev/vdb rw\n92 91 254:1 /vol/live/content /data/content ro - ext4 x rw\n",
            // On something else beside it, on another mount at the same place, or above it.
            "91 90 254:1 /vol/live /data rw - ext4 /dev/vdb rw\n92 91 0:60 / /data/content-2 rw - tmpfs t rw\n",
            "91 90 254:1 /vol/live /data rw - ext4 /dev/vdb rw\n92 90 0:60 / /data/content/dam rw - tmpfs t rw\n",
            "91 90 254:1 / / rw - ext4 /dev/vdb rw\n92 91 0:60 / /vol rw - tmpfs t rw\n",
            // A service that may not look there.
            "91 90 254:1 / / rw - ext4 /dev/vdb rw\n\
             92 91 0:23 /systemd/inaccessible/dir /vol/live/content ro - tmpfs t rw\n",
        ] {
            assert_eq!(covered(nothing), [], "{nothing}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(super::covered(&folder.path().canonicalize().unwrap()), []);
    }

    #[test]
    fn what_is_mounted_elsewhere_is_found_wherever_it_is() {
        let own = b"22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            30 22 254:1 /vol /srv rw - ext4 /dev/vdb rw\n\
            31 22 254:1 /vol/live/content /var/www rw - ext4 /dev/vdb rw\n\
            32 22 254:1 /vol/live/content/dam /srv/live/content/dam2 rw - ext4 /dev/vdb rw\n\
            33 22 254:1 /vol/live /mnt rw - ext4 /dev/vdb rw\n\
            34 22 254:0 /vol/live/content /other rw - ext4 /dev/vda rw\n\
            35 22 254:1 /vol/live/content-2 /more rw - ext4 /dev/vdb rw\n";
        let container = b"90 1 0:50 / / rw - overlay overlay rw\n\
            91 90 254:1 /vol/live/content/dam /data/dam rw - ext4 /dev/vdb rw\n\
            92 90 254:1 /vol/live /data rw - ext4 /dev/vdb rw\n";
        let found = found_elsewhere(
            Path::new("/srv/live/content"),
            own,
            [(7, container.to_vec())].into_iter(),
        );
        let expected = [("", "/var/www", None), ("dam", "/data/dam", Some(7))];
        let expected = expected.map(|(part, point, process)| Elsewhere {
            part: part.into(),
            point: point.into(),
            process,
        });
        assert_eq!(found, expected);
        let none = found_elsewhere(
            Path::new("/srv/live/other"),
            own,
            [(7, container.to_vec())].into_iter(),
        );
        assert_eq!(none, []);
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(elsewhere(&folder.path().canonicalize().unwrap()), []);
    }
}
