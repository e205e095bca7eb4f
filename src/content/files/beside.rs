//! One instance in a folder, while it is restored: what is staged beside it, what the journal keeps of that, and its part
//! of the switch.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, openat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Files;
use super::exchange::{Identity, Standing, Step};
use super::layout::Layout;
use super::staging::{CONTENT, Staging};
use crate::concurrency::beside;
use crate::content::Content;
use crate::content::backed_up::{BackedUp, Depth, Donor};
use crate::content::home::rest::at_rest;
use crate::content::kinds::Beside;
use crate::content::left::Settled;
use crate::content::restoring::{Facts, Lines, RestoreError, Staged};
use crate::content::switching::{Part, Record, Stuck, Switched};
use crate::disk::held::{self, FOLDER, Met};
use crate::disk::removal;
use crate::domain::activity::Severity;
use crate::domain::backup::WorkspaceCopy;
use crate::domain::measure;
use crate::domain::os_error::in_words;
use crate::domain::plan::{Selection, WorkspaceChange};
use crate::watch::Watch;

/// A folder that is staged into.
pub(super) struct StagedFolder {
    pub(super) staging: Staging,
    /// Whether it never becomes live: then what is in it is counted as well.
    pub(super) is_scratch: bool,
}

impl Staged for StagedFolder {
    fn record(&self) -> Result<Beside, RestoreError> {
        Ok(Beside::Folder(self.staging.record()?))
    }

    fn make(&self) -> Result<bool, RestoreError> {
        self.staging.make().map(|_| true)
    }

    fn stage(
        &self,
        backup: &dyn BackedUp,
        selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<Lines, RestoreError> {
        let sink = self.staging.sink()?;
        // A drill proves what the backup has, and takes nothing from anywhere else.
        let donor = (!self.is_scratch).then(|| self.staging.donor()).flatten();
        let donor = donor.as_ref().map(|donor| donor as &dyn Donor);
        let extracted = backup.extract(selection, &sink, donor, watch)?;
        let name = &backup.copy().name;
        let mut lines = Lines::new();
        if extracted.donated > 0 {
            let text = format!(
                "{name}: {} of {} were right in Live already and were not read in the repository",
                measure::bytes(extracted.donated),
                measure::bytes(extracted.bytes)
            );
            lines.push((Severity::Information, text));
        }
        if extracted.without_set_ids > 0 {
            let text = format!(
                "{name}: {} without it",
                measure::so_many(
                    extracted.without_set_ids,
                    "file had a set-uid or set-gid bit and comes back",
                    "files had a set-uid or set-gid bit and come back"
                )
            );
            lines.push((Severity::Warning, text));
        }
        self.staging.dress()?;
        Ok(lines)
    }

    fn difference(
        &self,
        backup: &dyn BackedUp,
        selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<Option<String>, RestoreError> {
        let content = self.staging.content()?;
        // One takes a processor and the other a disk.
        let (compared, settled) = beside(
            || backup.compare(selection, &content, Depth::Whole, watch),
            || self.staging.settle(),
        );
        let compared = compared?;
        settled?;
        if let Some(wrong) = compared.changes.iter().find(|change| !change.is_unchanged()) {
            return Ok(Some(format!(
                "workspace {}, {}",
                wrong.workspace,
                wrong.examples.first().map_or("no path", String::as_str)
            )));
        }
        if self.is_scratch {
            let chosen = backup.copy().workspaces.iter();
            let chosen = chosen.filter(|workspace| selection.has_workspace(&workspace.name));
            return Ok(miscounted(chosen, &compared.changes));
        }
        Ok(None)
    }

    fn facts(&self) -> Result<Facts, RestoreError> {
        let folder = self.staging.staged_place().display().to_string();
        Ok(vec![
            ("LIFEBOAT_DRILL_TYPE", "files".to_owned()),
            ("LIFEBOAT_DRILL_FOLDER", folder),
        ])
    }

    fn to_switch(&self, selection: &Selection, before: &Beside) -> Result<Beside, RestoreError> {
        let Beside::Folder(record) = before else {
            return Err(before.is_of_another_kind());
        };
        Ok(Beside::Folder(FolderRecord {
            steps: self.staging.steps(selection)?,
            ..record.clone()
        }))
    }
}

/// The first workspace of which not as many items came back as the backup's record tells of.
fn miscounted<'r>(
    mut recorded: impl Iterator<Item = &'r WorkspaceCopy>,
    found: &[WorkspaceChange],
) -> Option<String> {
    recorded.find_map(|workspace| {
        let change = found.iter().find(|change| change.workspace == workspace.name);
        let items = change.map_or(0, |change| change.unchanged);
        (items != workspace.items).then(|| {
            format!(
                "workspace {} has {}, and the record of the backup says {}",
                workspace.name,
                measure::items(items),
                workspace.items
            )
        })
    })
}

/// What a journal keeps of an instance in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRecord {
    /// The folder that this restore writes into. Lifeboat made it, and removes it whole.
    pub staging: PathBuf,
    /// Which folder that is, once it is made: another account may put something else in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Identity>,
    /// How it is laid out.
    #[serde(default, skip_serializing_if = "Layout::is_plain")]
    pub layout: Layout,
    /// Its exchanges. Empty until everything is staged.
    pub steps: Vec<Step>,
}

impl FolderRecord {
    /// The homes that its exchanges are done in.
    fn homes(&self) -> Vec<PathBuf> {
        if self.layout.is_plain() {
            return Vec::new();
        }
        let content = self.staging.join(CONTENT);
        let home = |step: &Step| {
            let part = step.beside.strip_prefix(&content).ok()?;
            let home = step.live.ancestors().nth(part.components().count())?;
            Some(home.to_owned())
        };
        let mut homes: Vec<_> = self.steps.iter().filter_map(home).collect();
        homes.dedup();
        homes
    }
}

fn not_exchanged(step: &Step, error: &io::Error) -> Stuck {
    let (live, beside) = (step.live.display(), step.beside.display());
    Stuck(format!(
        "{live} could not be exchanged with {beside} ({error})",
        error = in_words(error)
    ))
}

impl Part for &FolderRecord {
    fn is_known(&self) -> Result<(), Stuck> {
        for step in &self.steps {
            step.is_known().map_err(|error| not_exchanged(step, &error))?;
        }
        let is_pending = |step: &Step| step.standing().is_ok_and(|now| now == Standing::Pending);
        if !self.steps.iter().any(is_pending) {
            return Ok(());
        }
        // Since this was staged the machine may have been started anew, and a server with it.
        for home in self.homes() {
            at_rest(&home).map_err(|who| {
                Stuck(format!(
                    "{who}, and it is not exchanged under its hands: stop it before the switch is done"
                ))
            })?;
        }
        // What only goes would go into a folder of somebody else's.
        let staging = &self.staging;
        match held::meet(staging, self.made) {
            Ok(Met::Ours(_)) => Ok(()),
            Ok(Met::Stranger | Met::Nothing) => Err(Stuck(format!(
                "{} is not the folder that was made for this restore: something else has taken its place",
                staging.display()
            ))),
            Err(error) => Err(Stuck(format!(
                "{} cannot be opened ({error})",
                staging.display(),
                error = in_words(&error)
            ))),
        }
    }

    fn forward(&self) -> Result<Switched, Stuck> {
        for step in &self.steps {
            step.forward().map_err(|error| not_exchanged(step, &error))?;
        }
        Ok(Switched::default())
    }

    fn back(&self) -> Vec<Settled> {
        for step in self.steps.iter().rev() {
            let _ = step.back();
        }
        Vec::new()
    }

    fn is_untouched(&self) -> bool {
        self.steps.iter().all(|step| step.is_untouched().unwrap_or(false))
    }
}

impl Record for FolderRecord {
    fn folder(&self) -> Option<&Path> {
        Some(&self.staging)
    }

    fn open(&self) -> io::Result<Option<OwnedFd>> {
        match held::meet(&self.staging, self.made)? {
            Met::Ours(folder) => Ok(Some(folder)),
            Met::Nothing => Ok(None),
            Met::Stranger => Err(io::Error::other(
                "it is not the folder that was made for this restore: something else has taken its place, and is left alone",
            )),
        }
    }

    fn remove(&self) -> io::Result<Option<String>> {
        let is_gone = removal::remove_made(&self.staging, self.made)?;
        Ok((!is_gone).then(|| {
            format!(
                "{} is not the folder that was made for this restore: something else has taken its place, and is left alone. \
                 See who can write to the folder that holds it, and remove both",
                self.staging.display()
            )
        }))
    }

    /// A restore that brought back what was gone has displaced nothing.
    fn displaced(&self) -> io::Result<Option<Box<dyn Content>>> {
        let gone: Vec<_> = self.steps.iter().filter(|step| step.old.is_some()).collect();
        if gone.is_empty() {
            return Ok(None);
        }
        let Some(folder) = self.open()? else {
            return Ok(None);
        };
        let displaced = match openat(&folder, CONTENT, FOLDER, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened?,
        };
        let content = self.staging.join(CONTENT);
        for step in gone {
            let found = match step.beside.strip_prefix(&content) {
                Ok(part) if part == Path::new("") => Some(Identity::of_open(&displaced)?),
                // What it lies in was made by this restore, and nobody else can look into it.
                Ok(part) => Identity::of_any_at(&displaced, part.as_os_str())?,
                Err(_) => None,
            };
            if found != step.old {
                return Err(io::Error::other(format!(
                    "what was moved there from {} is not what was live",
                    step.live.display()
                )));
            }
        }
        Ok(Some(Box::new(
            Files::held(&content, displaced).laid_out(self.layout),
        )))
    }

    fn holds_nothing_of_live(&self) -> bool {
        self.steps.iter().all(Step::is_not_beside)
    }

    fn is_seen(&self) -> bool {
        if self.steps.is_empty() {
            return self.staging.parent().is_some_and(Path::is_dir);
        }
        self.steps.iter().any(|step| {
            let live = Identity::of_any(&step.live).ok().flatten();
            let beside = Identity::of_any(&step.beside).ok().flatten();
            [live, beside]
                .iter()
                .any(|found| found.is_some() && (*found == step.old || *found == step.new))
        })
    }

    fn stands(&self) -> &'static str {
        let standing = |step: &Step| step.standing().unwrap_or(Standing::Unknown);
        if self.steps.iter().all(|step| standing(step) == Standing::Done) {
            "has the restored content"
        } else if self.steps.iter().all(|step| standing(step) == Standing::Pending) {
            "has the content that it had before"
        } else if self.steps.iter().any(|step| standing(step) == Standing::Unknown) {
            "has content that is neither what it had before nor the restored one, or was moved here"
        } else {
            "has some of its content from before and some that was restored"
        }
    }
}
