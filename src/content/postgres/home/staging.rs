//! The files of a home while they are restored: staged in a folder of Lifeboat's own in the home, exchanged one by one, and
//! what was live kept there for as long as the tables that were replaced with them.
//!
//! The folder is `HOME/.lifeboat-JOB`, which Jackrabbit does not look into, so that a home that is a mount of its own has it
//! on the same file system; where the home is gone, it stands beside the place of it. What differs from Live is exchanged, and
//! comes with the owner and the permissions of the file that it replaces.
//!
//! Not in here: the exchange of one file or folder (`files::exchange`), and when it is made (`postgres::restore::beside`).

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use super::differences::{are_there, goes, is_in};
use super::place::stands_in;
use super::{content as content_of, open, read};
use crate::content::backed_up::{BackedUp, Depth};
pub(crate) use crate::content::files::beside::FolderRecord as HomeRecord;
use crate::content::files::exchange::{Identity, Step};
use crate::content::files::layout::Layout;
use crate::content::files::staging::{longest_name, name_beside, resolve};
use crate::content::files::{Files, FilesSink, attributes};
use crate::content::restoring::RestoreError;
use crate::disk::held::{self, FOLDER, Met};
use crate::disk::private;
use crate::domain::environment::HOME;
use crate::domain::job::JobId;
use crate::domain::plan::Selection;
use crate::watch::Unwatched;

/// The folder that content is staged into, in the one that was made for a restore.
const CONTENT: &str = "content";
/// How the names of folders begin that restores make in a home.
const LEFT: &str = ".lifeboat-";

/// One home's staging.
pub(crate) struct HomeStaging {
    /// The live home; empty in a place for scratch.
    live: PathBuf,
    /// The folder that was made for this restore, or for the one that is taken back.
    folder: PathBuf,
    /// The same, held since it was made: whoever can write to the home can put something else at its path.
    made: OnceLock<OwnedFd>,
    /// The restore that is taken back.
    taken_back: Option<HomeRecord>,
}

impl HomeStaging {
    /// The staging of a home for a job, where a restore of this selection has anything to do there. Makes nothing yet.
    pub(crate) fn of_backup(
        home: Option<&Path>,
        backup: &dyn BackedUp,
        selection: &Selection,
        job: JobId,
    ) -> Result<Option<Self>, RestoreError> {
        let Some(home) = home.filter(|_| is_in(backup.copy()) && selection.workspaces.is_empty()) else {
            return Ok(None);
        };
        if !are_there(home, &*backup.files()?)? {
            return Ok(None);
        }
        let live = resolve(home)?;
        let holder = stands_in(&live).ok_or_else(|| {
            RestoreError::Failed(format!(
                "there is no folder that could hold the home {}",
                live.display()
            ))
        })?;
        let name = if holder == live {
            OsString::from(format!("{LEFT}{job}"))
        } else {
            let name = live.file_name().unwrap_or_default();
            name_beside(name, &format!(".lifeboat-{job}"), longest_name(holder))
        };
        // Jobs are counted anew when the catalog is lost, and what an earlier restore kept may bear the same number.
        let mut folder = holder.join(&name);
        let mut again = 1;
        while folder.symlink_metadata().is_ok() {
            again += 1;
            let mut other = name.clone();
            other.push(format!("-{again}"));
            folder = holder.join(other);
        }
        Ok(Some(Self::of(live, folder)))
    }

    fn of(live: PathBuf, folder: PathBuf) -> Self {
        Self {
            live,
            folder,
            made: OnceLock::new(),
            taken_back: None,
        }
    }

    /// A home in a folder for scratch, which is to be made. It never becomes live.
    pub(crate) fn in_scratch(folder: &Path, backup: &dyn BackedUp) -> Option<Self> {
        is_in(backup.copy()).then(|| Self::of(PathBuf::new(), folder.to_owned()))
    }

    /// Goes back to the files that a restore has replaced. Makes nothing yet.
    pub(crate) fn of_replaced(record: &HomeRecord) -> Result<Self, RestoreError> {
        let top = record.staging.join(CONTENT).join(HOME);
        let of_step = |step: &Step| {
            let below = step.beside.strip_prefix(&top).ok()?;
            step.live
                .ancestors()
                .nth(below.iter().count())
                .map(Path::to_owned)
        };
        let live = record.steps.first().and_then(of_step);
        let failed = RestoreError::io("opening", &record.staging);
        let folder = match held::meet(&record.staging, record.made).map_err(failed)? {
            Met::Ours(folder) => folder,
            Met::Nothing | Met::Stranger => {
                return Err(RestoreError::Failed(format!(
                    "the files of the home that the last restore replaced are no longer in {}: an exchange with the tables that \
                     it replaced would leave the home as it is. Restore the safety backup instead",
                    record.staging.display()
                )));
            }
        };
        let mut staging = Self::of(live.unwrap_or_default(), record.staging.clone());
        staging.taken_back = Some(record.clone());
        let _ = staging.made.set(folder);
        Ok(staging)
    }

    /// What the journal keeps of it before anything is staged.
    pub(crate) fn record(&self) -> Result<HomeRecord, RestoreError> {
        let made = self.made.get().map(Identity::of_open).transpose();
        Ok(HomeRecord {
            staging: self.folder.clone(),
            made: made.map_err(RestoreError::io("reading", &self.folder))?,
            steps: Vec::new(),
            layout: Layout::Workspaces,
        })
    }

    /// Makes the folder, readable by nobody else, unless it is made.
    pub(crate) fn make(&self) -> Result<&OwnedFd, RestoreError> {
        if self.made.get().is_none() {
            let failed = RestoreError::io("creating", &self.folder);
            let made = held::open_parent(&self.folder)
                .and_then(|(parent, name)| held::make(parent, &name, &self.folder));
            let _ = self.made.set(made.map_err(failed)?);
        }
        self.made.get().ok_or_else(|| self.not_staged())
    }

    /// The same in a place for scratch.
    pub(crate) fn make_in_scratch(&self) -> Result<(), RestoreError> {
        if let Some(above) = self.folder.parent() {
            private::folders(above).map_err(RestoreError::io("creating", above))?;
            // An operator's folder for scratch may well be behind a link.
            let above = resolve(above)?;
            let name = self.folder.file_name().unwrap_or_default();
            let made = held::open(&above).and_then(|above| held::make(above, name, &self.folder));
            let _ = self
                .made
                .set(made.map_err(RestoreError::io("creating", &self.folder))?);
        }
        Ok(())
    }

    /// Where the home is in a place for scratch.
    pub(crate) fn home(&self) -> PathBuf {
        self.place().join(HOME)
    }

    /// Where files are staged, for messages.
    pub(crate) fn place(&self) -> PathBuf {
        self.folder.join(CONTENT)
    }

    /// Writes the backup's files.
    pub(crate) fn stage(&self, backup: &dyn BackedUp) -> Result<(), RestoreError> {
        let sink = FilesSink::create_in(
            self.make()?,
            OsStr::new(CONTENT),
            &self.place(),
            Layout::Workspaces,
        )?;
        backup.extract(&home_alone(), &sink, None, &Unwatched)?;
        Ok(sink.settle()?)
    }

    /// Reads back what was staged. Gives what is not as it is in the backup, as a part of a sentence.
    pub(crate) fn difference(&self, backup: &dyn BackedUp) -> Result<Option<String>, RestoreError> {
        let staged = Files::held(&self.place(), self.staged()?);
        let compared = backup.compare(&home_alone(), &staged, Depth::Whole, &Unwatched)?;
        let wrong = compared.changes.iter().find(|change| !change.is_unchanged());
        Ok(wrong.map(|change| {
            let first = change.examples.first().map_or("no path", String::as_str);
            format!("the home, {first}")
        }))
    }

    /// The folder that content was staged into, in the one that is held.
    fn staged(&self) -> Result<OwnedFd, RestoreError> {
        let made = self.made.get().ok_or_else(|| self.not_staged())?;
        let opened = openat(made, CONTENT, FOLDER, Mode::empty());
        opened.map_err(|error| RestoreError::io("opening", &self.place())(error.into()))
    }

    fn not_staged(&self) -> RestoreError {
        RestoreError::Failed(format!("nothing was staged in {}", self.folder.display()))
    }

    /// What the journal keeps of it when everything is staged: the exchange, worked out from what is live now.
    pub(crate) fn to_switch(&self) -> Result<HomeRecord, RestoreError> {
        let steps = match &self.taken_back {
            Some(record) => self.steps_back(record)?,
            None => self.steps()?,
        };
        Ok(HomeRecord {
            steps,
            ..self.record()?
        })
    }

    /// The steps that make the staged files live: what is as it was needs none, and is not staged any more.
    fn steps(&self) -> Result<Vec<Step>, RestoreError> {
        let content = self.staged()?;
        let top = openat(&content, HOME, FOLDER, Mode::empty()).map_err(self.failed("opening", ""))?;
        if identity(&self.live).map_err(reading(&self.live))?.is_none() {
            return Ok(vec![self.step(Path::new(""))?]);
        }
        let staged = read(&self.home(), &top)?;
        let live = read(&self.live, &open(&self.live)?)?;
        let mut moved = BTreeSet::new();
        for (path, bytes) in staged.iter().filter_map(content_of) {
            match live
                .iter()
                .filter_map(content_of)
                .find(|(other, _)| *other == path)
            {
                Some((_, live)) if live == bytes => {
                    unlinkat(&top, path, AtFlags::empty()).map_err(self.failed("removing", path))?;
                }
                Some(_) => {
                    self.dress(&top, path)?;
                    moved.insert(path.to_owned());
                }
                None => drop(moved.insert(self.missing(path)?)),
            }
        }
        for (path, _) in live.iter().filter_map(content_of) {
            let is_staged = staged.iter().any(|item| item.path == path);
            if !is_staged && goes(path) {
                make_folders(&top, path).map_err(self.failed("creating", path))?;
                moved.insert(path.to_owned());
            }
        }
        moved.iter().map(|path| self.step(path)).collect()
    }

    /// The first part of a path that is not in Live: the file itself, or a folder on the way to it.
    fn missing(&self, path: &Path) -> Result<PathBuf, RestoreError> {
        let mut part = PathBuf::new();
        for name in path {
            part.push(name);
            let place = self.live.join(&part);
            if identity(&place).map_err(reading(&place))?.is_none() {
                break;
            }
        }
        Ok(part)
    }

    /// The exchange of what is at both places now.
    fn step(&self, path: &Path) -> Result<Step, RestoreError> {
        // An empty path would add a separator.
        let of = |top: PathBuf| top.components().chain(path.components()).collect::<PathBuf>();
        let (live, beside) = (of(self.live.clone()), of(self.home()));
        let step = Step {
            old: identity(&live).map_err(reading(&live))?,
            new: identity(&beside).map_err(reading(&beside))?,
            live,
            beside,
        };
        Ok(step)
    }

    /// Gives a staged file the owner, the permissions and the attributes of the live one that it replaces.
    fn dress(&self, top: &OwnedFd, path: &Path) -> Result<(), RestoreError> {
        let place = self.live.join(path);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let (folder, name) = held::open_parent(&place).map_err(reading(&place))?;
        let live =
            openat(&folder, &name, flags, Mode::empty()).map_err(|error| reading(&place)(error.into()))?;
        let staged = openat(top, path, flags, Mode::empty()).map_err(self.failed("opening", path))?;
        attributes::copy((&live, &place), (&staged, &self.home().join(path)))?;
        let failed = || self.failed("setting permissions of", path);
        let (then, now) = (fstat(&live).map_err(failed())?, fstat(&staged).map_err(failed())?);
        if (then.st_uid, then.st_gid) != (now.st_uid, now.st_gid) {
            let (owner, group) = (Uid::from_raw(then.st_uid), Gid::from_raw(then.st_gid));
            fchown(&staged, Some(owner), Some(group)).map_err(failed())?;
        }
        fchmod(&staged, Mode::from_raw_mode(then.st_mode & 0o777)).map_err(failed())
    }

    /// The steps that bring back what a restore has replaced. What is live goes in its place, whatever has become of it
    /// since; where a folder came, the files of it go that belong to the content, and what Magnolia has made in it stays.
    fn steps_back(&self, record: &HomeRecord) -> Result<Vec<Step>, RestoreError> {
        let content = self.staged()?;
        let mut moved = BTreeSet::new();
        for step in &record.steps {
            let below = step.beside.strip_prefix(self.home()).unwrap_or(Path::new(""));
            if step.live.is_dir() {
                let live = read(&self.live, &open(&self.live)?)?;
                let in_it = live.iter().filter_map(content_of).map(|(path, _)| path);
                moved.extend(in_it.filter(|path| path.starts_with(below)).map(Path::to_owned));
            } else if identity(&step.beside).map_err(reading(&step.beside))? == step.old {
                moved.insert(below.to_owned());
            } else {
                return Err(RestoreError::Failed(format!(
                    "{} is not the file that the last restore replaced in the home: something else has taken its place. Restore \
                     the safety backup instead",
                    step.beside.display()
                )));
            }
        }
        for path in &moved {
            make_folders(&content, &Path::new(HOME).join(path)).map_err(self.failed("creating", path))?;
        }
        let steps = moved.iter().map(|path| self.step(path));
        let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
        Ok(steps.into_iter().filter(|step| step.old != step.new).collect())
    }

    fn failed<P: AsRef<Path>>(
        &self,
        action: &'static str,
        path: P,
    ) -> impl FnOnce(Errno) -> RestoreError + use<P> {
        let path = self.home().join(path);
        move |error| RestoreError::io(action, &path)(error.into())
    }
}

/// The home, and nothing else of an instance.
fn home_alone() -> Selection {
    Selection {
        instances: Vec::new(),
        workspaces: vec![HOME.to_owned()],
        paths: Vec::new(),
    }
}

/// What stands at a path to which no link leads.
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match held::open_parent(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => {
            let (folder, name) = opened?;
            Identity::of_either_at(&folder, &name)
        }
    }
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    RestoreError::io("reading", path)
}

/// Makes the folders on the way to a file, which a staged home need not have.
fn make_folders(top: &OwnedFd, path: &Path) -> rustix::io::Result<()> {
    let mut folder = PathBuf::new();
    for name in path.parent().into_iter().flatten() {
        folder.push(name);
        match mkdirat(top, &folder, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The folders that restores have left in a home or beside its place, but for those that are known.
pub(crate) fn left(home: &Path, known: &[PathBuf]) -> Vec<PathBuf> {
    let Ok(home) = resolve(home) else {
        return Vec::new();
    };
    let beside = home.parent().zip(home.file_name()).map(|(above, name)| {
        let begins = [b".", name.as_bytes(), LEFT.as_bytes()].concat();
        (above.to_owned(), begins)
    });
    let places = [Some((home, LEFT.as_bytes().to_vec())), beside];
    let mut found: Vec<PathBuf> = places
        .into_iter()
        .flatten()
        .flat_map(|(folder, begins)| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.filter(move |entry| {
                let name = entry.file_name();
                let number = name.as_bytes().strip_prefix(begins.as_slice());
                number.is_some_and(|number| number.first().is_some_and(u8::is_ascii_digit))
            })
        })
        .map(|entry| entry.path())
        .filter(|path| !known.contains(path))
        .collect();
    found.sort();
    found
}
