//! A switch whose journal is lost: a Lifeboat died in the middle of it, and the disk of the state folder went, or somebody
//! cleared it.
//!
//! While a switch is under way, a copy of the journal lies in each folder that is staged beside Live, and the catalog has
//! the job in the phase `switching`; databases tell of their own (`halves`). Each tells that Live may be mixed although
//! there is no journal. Then nothing is guessed: it is shown as critical, with what can be told of each instance, and no
//! job starts.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, fstat, fsync, openat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::journal::{self, Journal};
use crate::catalog::Claim;
use crate::disk::held::{self, FOLDER};
use crate::domain::job::{Job, JobId, JobKind, Phase};
use crate::engine::jobs::papers::{Papers, name_of};
use crate::engine::{EngineError, Live};

/// The name of a journal's copy in a staging folder.
const COPY: &str = "journal.json";

/// What the notes of switches are called that only the catalog knows of.
pub(super) const LOST: &str = "lost";

/// The note that a job died in its switch and left no journal.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lost {
    pub job: JobId,
    pub title: String,
    /// What is to be said of it, where the databases have told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// Lays a copy of the journal into each folder that is to be exchanged, durably.
///
/// # Errors
/// What the system said, or that such a folder is not the one that was made: the switch must not begin then.
pub(super) fn leave_copies(journal: &Journal) -> Result<(), EngineError> {
    for record in &journal.instances {
        let Some(staging) = record.beside.folder() else {
            continue;
        };
        let path = staging.join(COPY);
        let write = || -> io::Result<()> {
            let folder = record.beside.open()?.ok_or(Errno::NOENT)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file: File = openat(&folder, COPY, flags, Mode::RUSR | Mode::WUSR)?.into();
            file.write_all(&serde_json::to_vec_pretty(journal).map_err(io::Error::other)?)?;
            file.sync_all()?;
            Ok(fsync(&folder)?)
        };
        write().map_err(EngineError::io("writing", &path))?;
    }
    Ok(())
}

/// Removes the copies: no instance is switched, or all are.
///
/// # Errors
/// What the system said.
pub(super) fn remove_copies(journal: &Journal) -> Result<(), EngineError> {
    for record in &journal.instances {
        let Some(staging) = record.beside.folder() else {
            continue;
        };
        let remove = || -> io::Result<()> {
            let Some(folder) = record.beside.open()? else {
                return Ok(());
            };
            match unlinkat(&folder, COPY, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(error) => Err(error.into()),
            }
        };
        remove().map_err(EngineError::io("removing", &staging.join(COPY)))?;
    }
    Ok(())
}

/// Reads the copy of a journal in a folder beside Live. Only one that nobody but Lifeboat's own account can have put there:
/// a person is told to trust what is in it.
fn copy_in(parent: &OwnedFd, name: &OsStr) -> Option<Vec<u8>> {
    let about = |open: &OwnedFd| {
        let about = fstat(open).ok()?;
        (about.st_uid == rustix::process::geteuid().as_raw()).then_some(about)
    };
    let folder = openat(parent, name, FOLDER, Mode::empty()).ok()?;
    if about(&folder)?.st_mode & 0o022 != 0 {
        return None;
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let copy = openat(&folder, COPY, flags, Mode::empty()).ok()?;
    about(&copy)?;
    let mut text = Vec::new();
    File::from(copy).read_to_end(&mut text).ok()?;
    Some(text)
}

impl Live {
    /// What a person has to know about a switch that was left in the middle and has no journal. `None` when there is a
    /// journal, or nothing of the kind is to be seen.
    pub(in crate::engine) fn lost_switch(&self) -> Option<String> {
        let name = self.name();
        if self.papers().has(journal::KIND, &name_of(name)) {
            return None;
        }
        self.left_without_a_journal()
    }

    /// The same where it is known that there is no journal.
    pub(super) fn left_without_a_journal(&self) -> Option<String> {
        let name = self.name();
        let noted = self.papers().read::<Lost>(LOST, &name_of(name));
        let copies = self.copies_of_a_journal();
        if let Some((copy, journal)) = copies
            .iter()
            .find_map(|(copy, journal)| Some((copy, journal.as_ref()?)))
        {
            return Some(self.told_by(journal, copy, &copies));
        }
        if let Some((copy, _)) = copies.first() {
            return Some(format!(
                "a restore of {name} was left in the middle, its journal is lost, and the copy in {} cannot be read: look at \
                 Live, do not edit content, and no job starts. When Live is whole, move the folder of that copy away",
                copy.display()
            ));
        }
        match noted {
            Ok(None) => None,
            Ok(Some(Lost { told: Some(told), .. })) => Some(told),
            Ok(Some(lost)) => Some(format!(
                "{name} may be half switched: job {} ({}) died in the middle of the switch, and its journal in {} is lost. \
                 Some instances may have the restored content and others what they had before: compare them, do not edit \
                 content, and no job starts. When Live is whole, remove the record of this in {}",
                lost.job,
                lost.title,
                self.papers().place(journal::KIND),
                self.papers().place(LOST)
            )),
            Err(error) => Some(format!(
                "{name} may be half switched, and the record of this in {} cannot be read ({error}): look at Live, and \
                 remove that record when it is whole",
                self.papers().place(LOST)
            )),
        }
    }

    /// That nothing may work on an environment whose content may be mixed.
    ///
    /// # Errors
    /// The sentence of [`Live::lost_switch`].
    pub(in crate::engine) fn is_not_lost(&self) -> Result<(), EngineError> {
        self.look_for_halves()?;
        let Some(lost) = self.lost_switch() else {
            return Ok(());
        };
        self.remember_once(&lost);
        Err(EngineError::Failed(lost))
    }

    /// That nothing of an environment may be dropped, since its content may be mixed: what is dropped may be the way back.
    ///
    /// # Errors
    /// What a person has to know about it.
    pub(in crate::engine) fn is_whole(&self) -> Result<(), EngineError> {
        self.look_for_halves()?;
        match self.half_switched() {
            Some(half) => Err(EngineError::Failed(half)),
            None => Ok(()),
        }
    }

    /// Looks whether a job that was taken over died in its switch, of which there is no journal. That is noted, for
    /// every start from now on to find.
    ///
    /// # Errors
    /// The sentence of [`Live::lost_switch`]; that it cannot be noted.
    pub(super) fn did_not_die_switching(&self, job: &Job, claim: &Claim) -> Result<(), EngineError> {
        let phase = job.progress.as_ref().map(|progress| progress.phase);
        if !matches!(job.kind, JobKind::Restore | JobKind::Undo) || phase != Some(Phase::Switching) {
            return Ok(());
        }
        if self.lost_switch().is_none() {
            let lost = Lost {
                job: job.id,
                title: job.title.clone(),
                told: None,
            };
            self.papers_under(Some(*claim))
                .write(LOST, &name_of(&job.environment), &lost)
                .map_err(self.paper_failed("writing the record of a lost journal in", LOST))?;
        }
        self.lost_switch()
            .map_or(Ok(()), |lost| Err(EngineError::Failed(lost)))
    }

    /// The copies of journals beside the folders of an environment's instances, and what is in them; nothing for one that
    /// cannot be read.
    fn copies_of_a_journal(&self) -> Vec<(PathBuf, Option<Journal>)> {
        let name = self.name();
        let settings = self.settings();
        let mut found = Vec::new();
        let folders = settings
            .instances
            .iter()
            .filter_map(|one| self.place(one).folder());
        for live in folders {
            let (Some(parent), Some(own)) = (live.parent(), live.file_name()) else {
                continue;
            };
            let own = format!(".{}.lifeboat-", own.to_string_lossy());
            let Ok(open) = held::open(parent) else { continue };
            for entry in held::names(&open).unwrap_or_default() {
                let beside = entry.to_string_lossy();
                if !beside.starts_with('.') || !beside.contains(".lifeboat-") {
                    continue;
                }
                let copy = parent.join(&entry).join(COPY);
                let Some(text) = copy_in(&open, &entry) else {
                    continue;
                };
                match serde_json::from_slice::<Journal>(&text) {
                    Ok(journal) if journal.environment == *name => found.push((copy, Some(journal))),
                    Err(_) if beside.starts_with(&own) => found.push((copy, None)),
                    _ => {}
                }
            }
        }
        found.sort_by(|(first, _), (second, _)| first.cmp(second));
        found.dedup_by(|(first, _), (second, _)| first == second);
        found
    }

    /// What the copy of a journal tells.
    fn told_by(&self, journal: &Journal, copy: &Path, copies: &[(PathBuf, Option<Journal>)]) -> String {
        let name = &journal.environment;
        let mut text = format!(
            "{name} is half switched: job {} was left in the middle of the switch, and its journal is lost",
            journal.job
        );
        for record in &journal.instances {
            let _ = write!(text, "; {} {}", record.instance, record.beside.stands());
        }
        text.push_str(". Do not edit content now, and no job starts. ");
        match self.papers() {
            Papers::Folder(_) => {
                let _ = write!(
                    text,
                    "To have the switch finished, copy {} to {}/{}.json and start Lifeboat again. ",
                    copy.display(),
                    self.papers().place(journal::KIND),
                    name_of(name)
                );
            }
            Papers::Shared(..) => {}
        }
        let folders: Vec<_> = copies
            .iter()
            .filter_map(|(copy, _)| Some(copy.parent()?.display().to_string()))
            .collect();
        let _ = write!(
            text,
            "If you have made Live whole by hand, move {} away. If another Lifeboat is at work on it right now, wait for that",
            folders.join(" and ")
        );
        text
    }
}
