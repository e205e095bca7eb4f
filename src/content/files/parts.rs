//! A part of a content folder that comes back alone: chosen folders, files and links, and where each is exchanged.
//!
//! A path is a way of names below the content folder. Whatever stands at its end is exchanged as one, and what is beside it
//! stays as it is. Folders on the way are Live's, and none of them may be a link. Where one of them is not there, it comes
//! back as the backup has it, with nothing in it but what was chosen; when that is taken back, it goes again if nothing else
//! has come into it.
//!
//! What is decided here is decided once, for the plan and for the steps of the restore alike.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, Mode, OFlags, accessat, fstat, mkdirat, openat};
use rustix::io::Errno;

use super::exchange::{Identity, Step};
use super::layout::open_below;
use super::place::FolderPlace;
use super::staging::{self, Staging};
use super::within;
use crate::content::backed_up::BackedUp;
use crate::content::restoring::{Found, RestoreError, Wanted};
use crate::disk::held::{self, FOLDER};
use crate::domain::plan::Selection;

/// How a folder is opened that is only passed through.
const PASSED: OFlags = FOLDER.difference(OFlags::RDONLY).union(OFlags::PATH);

/// The chosen paths, below the content folder.
///
/// # Errors
/// Why one of them can be no file's: the end of a sentence.
pub(super) fn chosen(selection: &Selection) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    for path in &selection.paths {
        if path.steps.iter().any(|step| step.index != 1) {
            return Err(format!(
                "{path} has a number, and no two files have one name: write a bracket that belongs to a name as %5B"
            ));
        }
        let names = path
            .workspace
            .iter()
            .chain(path.steps.iter().map(|step| &step.name));
        let is_name =
            |name: &String| !matches!(name.as_str(), "" | "." | "..") && !name.contains(['/', '\0']);
        if !names.clone().all(is_name) {
            return Err(format!("{path} has something in it that is no name of a file"));
        }
        paths.push(names.collect());
    }
    Ok(paths)
}

/// One exchange: of what was chosen, or of the first folder on the way to it that is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// Below the content folder.
    pub(super) path: PathBuf,
    /// Whether something comes there.
    pub(super) comes: bool,
    /// Whether something stands there.
    pub(super) stands: bool,
}

/// What is to be done for some paths to be as in a backup.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Targets {
    /// In order.
    pub(super) all: Vec<Target>,
    /// Folders on the way that are not there, and come as the backup has them.
    pub(super) ways: Vec<PathBuf>,
    /// Folders that came with what goes, and go with it since nothing else is in them.
    pub(super) emptied: Vec<PathBuf>,
    /// Why it cannot be done, as sentences.
    pub(super) obstacles: Vec<String>,
}

/// How far a path leads in a folder.
enum Led {
    /// To the folder that holds what it names.
    To(OwnedFd),
    /// To where nothing is: so many names of it lead there.
    Nowhere(usize),
    /// To something that is no folder.
    Astray(usize),
}

fn lead(root: &OwnedFd, path: &Path) -> io::Result<Led> {
    let mut folder = openat(root, c".", PASSED.difference(OFlags::NOFOLLOW), Mode::empty())?;
    let names = path.iter().count();
    for (before, name) in path.iter().take(names.saturating_sub(1)).enumerate() {
        folder = match openat(&folder, name, PASSED, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(Led::Nowhere(before + 1)),
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Led::Astray(before + 1)),
            opened => opened?,
        };
    }
    Ok(Led::To(folder))
}

pub(super) fn first(path: &Path, names: usize) -> PathBuf {
    path.iter().take(names).collect()
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

impl Targets {
    /// Works it out for an open content folder. `comes` says whether the backup has something at a path.
    ///
    /// # Errors
    /// [`RestoreError`] when the folder, at `place`, or the backup cannot be read.
    pub(super) fn find(
        live: &OwnedFd,
        place: &Path,
        paths: &[PathBuf],
        comes: &dyn Fn(&Path) -> Result<bool, RestoreError>,
    ) -> Result<Self, RestoreError> {
        let mut found = Self::default();
        for path in paths {
            let there = place.join(path);
            match lead(live, path).map_err(RestoreError::io("reading", &there))? {
                Led::To(folder) => {
                    let stands = match Identity::of_any_at(&folder, name_of(path)) {
                        Ok(stands) => stands.is_some(),
                        Err(error) if error.raw_os_error().is_none() => {
                            found.obstacles.push(format!(
                                "{} is neither file, folder nor link: no backup holds that. Move it away first",
                                there.display()
                            ));
                            continue;
                        }
                        Err(error) => return Err(RestoreError::io("reading", &there)(error)),
                    };
                    let comes = comes(path)?;
                    if stands || comes {
                        found.all.push(Target {
                            path: path.clone(),
                            comes,
                            stands,
                        });
                    }
                }
                Led::Nowhere(names) if comes(path)? => {
                    let way = first(path, names);
                    found.all.push(Target {
                        path: way.clone(),
                        comes: true,
                        stands: false,
                    });
                    found.ways.push(way);
                }
                Led::Astray(names) => {
                    let way = place.join(first(path, names));
                    let what = if comes(path)? {
                        "and a folder in the backup: links are not followed, and what is below it cannot come back alone. Choose that \
                         itself"
                    } else {
                        "and was a folder before: links are not followed, so what is below it cannot be taken away. Move it away, or \
                         put back what stood there"
                    };
                    found.obstacles.push(format!(
                        "{} is a file or a symbolic link in Live, {what}",
                        way.display()
                    ));
                }
                Led::Nowhere(_) => {}
            }
        }
        found.go_with_what_went(live, place, comes)?;
        for list in [&mut found.ways, &mut found.emptied] {
            list.sort();
            list.dedup();
        }
        found.all.sort();
        found.all.dedup();
        Ok(found)
    }

    /// A folder that the backup does not have, and in which nothing stays, goes with what goes out of it.
    fn go_with_what_went(
        &mut self,
        live: &OwnedFd,
        place: &Path,
        comes: &dyn Fn(&Path) -> Result<bool, RestoreError>,
    ) -> Result<(), RestoreError> {
        loop {
            let goes = |target: &Target| target.stands && !target.comes;
            let mut above: Vec<_> = self.all.iter().filter(|target| goes(target)).collect();
            above.dedup_by_key(|target| target.path.parent());
            let mut emptied = None;
            for folder in above.iter().filter_map(|target| target.path.parent()) {
                if folder == Path::new("") || comes(folder)? {
                    continue;
                }
                let names = open_below(live, folder)
                    .and_then(|open| open.map(held::names).transpose())
                    .map_err(RestoreError::io("reading", &place.join(folder)))?;
                let goes_too = |name: &OsString| {
                    let path = folder.join(name);
                    self.all.iter().any(|target| goes(target) && target.path == path)
                };
                if names.is_some_and(|names| names.iter().all(goes_too)) {
                    emptied = Some(folder.to_owned());
                    break;
                }
            }
            let Some(folder) = emptied else { return Ok(()) };
            self.all.retain(|target| target.path.parent() != Some(&folder));
            self.emptied.retain(|other| other.parent() != Some(&folder));
            self.all.push(Target {
                path: folder.clone(),
                comes: false,
                stands: true,
            });
            self.emptied.push(folder);
        }
    }

    /// Why something cannot come into a folder of Live, as sentences: what is not there cannot be tried.
    fn why_stuck(&self, live: &OwnedFd, place: &Path) -> Vec<String> {
        let beside = place.parent().unwrap_or(place);
        let device = std::fs::symlink_metadata(beside).map(|about| about.dev());
        let into = self.all.iter().filter(|target| !target.stands);
        into.filter_map(|target| {
            let Ok(Led::To(folder)) = lead(live, &target.path) else {
                return None;
            };
            let above = place.join(target.path.parent()?);
            let is_elsewhere = device.as_ref().is_ok_and(|device| {
                fstat(&folder).is_ok_and(|about| about.st_dev != *device)
            });
            if is_elsewhere {
                return Some(format!(
                    "{} is on another file system than what is staged beside Live, or in a subvolume of its own: nothing can be \
                     exchanged between the two",
                    above.display()
                ));
            }
            let may = Access::WRITE_OK | Access::EXEC_OK;
            let asked = accessat(&folder, c".", may, AtFlags::empty());
            asked.is_err().then(|| {
                format!(
                    "nothing can be put into {}: let the user of Lifeboat write to it, or run the restore as root",
                    above.display()
                )
            })
        })
        .collect()
    }

    /// What of Live is moved.
    pub(super) fn goes(&self, place: &Path) -> Vec<PathBuf> {
        let standing = self.all.iter().filter(|target| target.stands);
        standing.map(|target| place.join(&target.path)).collect()
    }
}

impl FolderPlace {
    /// What a restore of parts would do here. `None` where something is in the way of looking further; what is, and what should
    /// be known, is added to what was found.
    pub(super) fn plan_parts(
        &self,
        backup: &dyn BackedUp,
        wanted: &Wanted<'_>,
        found: &mut Found,
    ) -> Result<Option<Targets>, RestoreError> {
        let name = &backup.copy().name;
        let paths = match chosen(wanted.selection) {
            Ok(paths) => paths,
            Err(why) => {
                found.obstacles.push(format!("{name}: {why}"));
                return Ok(None);
            }
        };
        // What cannot be found is told by whoever looks beside it.
        let place = staging::resolve(&self.path)?;
        let live = match held::open(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.obstacles.push(format!(
                    "the content of {name} is gone, and a part of it comes back only into the rest: restore all of it"
                ));
                return Ok(None);
            }
            opened => opened.map_err(RestoreError::io("opening", &place))?,
        };
        let files = backup.files()?;
        let comes = |path: &Path| -> Result<bool, RestoreError> { Ok(files.item(path)?.is_some()) };
        // What a safety backup does not have was not there, and goes again.
        let (mut in_files, mut nowhere) = (Vec::new(), Vec::new());
        if wanted.takes_back.is_none() {
            for (path, shown) in paths.iter().zip(&wanted.selection.paths) {
                if comes(path)? {
                    continue;
                }
                if let Some(why) = within::on_the_way(&*files, path, shown)? {
                    found.obstacles.push(format!("{name}: {why}"));
                    in_files.push(path.clone());
                    continue;
                }
                if identity(&live, path).is_ok_and(|found| found.is_some()) {
                    found.obstacles.push(format!(
                        "{name}: the backup has no {shown}: a restore would only remove what Live has there. Remove it by hand if \
                         that is meant, or choose the folder that it is in"
                    ));
                } else {
                    nowhere.push(shown);
                }
            }
            let why = within::exports(&*files, &nowhere)?;
            found
                .obstacles
                .extend(why.iter().map(|why| format!("{name}: {why}")));
        }
        let paths: Vec<_> = paths
            .into_iter()
            .filter(|path| !in_files.contains(path))
            .collect();
        let targets = Targets::find(&live, &place, &paths, &comes)?;
        found.obstacles.extend(targets.obstacles.iter().cloned());
        found.obstacles.extend(targets.why_stuck(&live, &place));
        for way in &targets.ways {
            found.warnings.push(format!(
                "{name}: {} is not in Live: it comes back as the backup has it, with nothing in it but what was chosen",
                way.display()
            ));
        }
        for folder in &targets.emptied {
            found.warnings.push(format!(
                "{name}: {} was not there before, and goes with what is in it",
                folder.display()
            ));
        }
        found.warnings.push(format!(
            "{name}: an undo takes back what was chosen alone, and with it what is written there from the switch on"
        ));
        Ok(Some(targets))
    }
}

impl Staging {
    /// The steps that exchange the chosen paths alone.
    pub(super) fn steps_of_parts(&self, selection: &Selection) -> Result<Vec<Step>, RestoreError> {
        let paths = chosen(selection).map_err(RestoreError::Failed)?;
        let staged = self.staged()?;
        let live = self.live()?.ok_or_else(|| {
            RestoreError::Failed(format!(
                "{} is gone, and a part of it comes back only into the rest",
                self.live.display()
            ))
        })?;
        let comes = |path: &Path| {
            let found = identity(&staged, path);
            Ok(found
                .map_err(RestoreError::io("reading", &self.place().join(path)))?
                .is_some())
        };
        let found = Targets::find(&live, &self.live, &paths, &comes)?;
        // Looked at beforehand, too; somebody may have been at work since.
        if let Some(obstacle) = found.obstacles.into_iter().next() {
            return Err(RestoreError::Failed(obstacle));
        }
        let step = |target: Target| -> io::Result<Step> {
            if !target.comes {
                make_way(&staged, &target.path)?;
            }
            Ok(Step {
                old: identity(&live, &target.path)?,
                new: identity(&staged, &target.path)?,
                live: self.live.join(&target.path),
                beside: self.place().join(&target.path),
            })
        };
        let steps = found.all.into_iter().map(|target| {
            let place = self.live.join(&target.path);
            step(target).map_err(RestoreError::io("reading", &place))
        });
        steps.collect()
    }
}

/// What stands at a path below an open folder, by no link on the way.
fn identity(root: &OwnedFd, path: &Path) -> io::Result<Option<Identity>> {
    match lead(root, path)? {
        Led::To(folder) => Identity::of_any_at(&folder, name_of(path)),
        Led::Nowhere(_) | Led::Astray(_) => Ok(None),
    }
}

/// Makes the folders above a path, where what goes is put.
fn make_way(root: &OwnedFd, path: &Path) -> io::Result<()> {
    let mut folder = held::read_again(root)?;
    for name in path.parent().into_iter().flatten() {
        match mkdirat(&folder, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        folder = openat(&folder, name, FOLDER, Mode::empty())?;
    }
    Ok(())
}
