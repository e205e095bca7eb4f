//! What a restore does to one instance, whatever its kind: the door of this room for the engine.
//!
//! An instance's content is in a [`Place`]. A restore makes something beside it ([`Staged`]), notes that in its journal
//! (`switching::Record`), and exchanges the two (`switching::Part`). Each kind of content implements the four in a folder of
//! its own, and `kinds` makes them from the settings. In here is no kind.
//!
//! Not in here: when which of these is done, what the journal says of the whole, and in which order (`engine::restore`).

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::backed_up::BackedUp;
pub use super::checked::Checked;
use super::connected::Connected;
pub use super::found::Found;
use super::inside::Inside;
use super::inside::folder::FolderInside;
use super::kinds::Beside;
use super::left::Left;
pub use super::world::{Token, World};
use super::{Content, ContentError};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::{BackupId, InstanceCopy};
use crate::domain::check::Findings;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::JobId;
use crate::domain::os_error::in_words;
use crate::domain::plan::{Selection, WorkspaceChange};
use crate::watch::Watch;

/// Why a part of a restore could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Live's content, or what stands beside it, could not be read or written.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The backup could not be read: what its repository said.
    #[error(transparent)]
    Backup(Box<dyn Error + Send + Sync>),
    /// Somebody asked for it to be cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The operating system said no.
    #[error("{action} {} failed: {}", path.display(), in_words(source))]
    Io {
        /// `reading`, `creating`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A node cannot be read, as a sentence. What does not need to know its nodes is not in the way.
    #[error("{0}")]
    Unreadable(String),
    /// Anything else, as a sentence.
    #[error("{0}")]
    Failed(String),
}

impl RestoreError {
    /// For `map_err` on a call about one path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// What a restore is about, for what it makes to tell.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The instance.
    pub instance: &'a InstanceName,
    /// The job.
    pub job: JobId,
    /// The backup; `None` when what an earlier restore has replaced comes back.
    pub backup: Option<&'a BackupId>,
    /// What is restored.
    pub selection: &'a Selection,
    /// When it began.
    pub now: Instant,
}

/// A restore that is taken back by restoring what it had replaced. What the safety backup does not hold of that was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// The last one: no other has been since.
    Last,
    /// One before it: what others have changed meanwhile goes as well.
    Earlier,
}

/// What a plan is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is to be restored.
    pub selection: &'a Selection,
    /// Without a safety backup.
    pub without_safety: bool,
    /// Which restore is taken back by it, with exactly what that had replaced; `None` where it is another one.
    pub takes_back: Option<TakenBack>,
    /// What is known to change already, of all instances; `None` when it is to be found out.
    pub known: Option<&'a [WorkspaceChange]>,
}

impl Wanted<'_> {
    /// What is known to change in an instance.
    #[must_use]
    pub fn known_of(&self, instance: &InstanceName) -> Option<Vec<WorkspaceChange>> {
        let known = self.known?.iter();
        let of_it = known.filter(|change| change.instance == *instance);
        Some(of_it.cloned().collect())
    }
}

/// What staging one instance takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct StagingSize {
    /// Bytes of content.
    pub bytes: u64,
    /// Files, folders and links.
    pub items: u64,
}

/// Where an instance's content is. Cheap to make; connects to nothing yet.
pub trait Place: Send + Sync {
    /// The content, to be read.
    fn content(&self) -> Arc<dyn Content>;

    /// The content as it is now, to be looked into.
    ///
    /// # Errors
    /// [`RestoreError`] when it is out of reach.
    fn inside(&self) -> Result<Arc<dyn Inside>, RestoreError> {
        Ok(Arc::new(FolderInside::new(self.content(), self.folder())))
    }

    /// The folder that the content is in, if it is in one, with links resolved.
    fn folder(&self) -> Option<PathBuf> {
        None
    }

    /// Whether there is any content at all. A place that is out of reach counts as there, since nobody knows.
    fn is_there(&self) -> bool;

    /// Which folders or tables the content is in, to tell whether they are still the same. What is in them does not count.
    /// `None` when that cannot be told.
    fn which(&self) -> Option<String>;

    /// What tells the place from every other one, by whatever name it is configured; `None` where the name tells.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be asked.
    fn identity(&self) -> Result<Option<String>, RestoreError> {
        Ok(None)
    }

    /// Makes sure that a copy can be put here at all.
    ///
    /// # Errors
    /// What it was taken from, as the beginning of a sentence.
    fn takes(&self, _copy: &InstanceCopy) -> Result<(), String> {
        Ok(())
    }

    /// Makes sure that nodes, or folders and files, can come back here without the rest of their workspace.
    ///
    /// # Errors
    /// Why they cannot, and how else to have them. The end of a sentence.
    fn takes_parts(&self, selection: &Selection) -> Result<(), String>;

    /// Why no backup may be taken of it: what would be missing in one. A sentence.
    fn why_no_backup(&self) -> Option<String> {
        None
    }

    /// The same for every backup, the safety backup of a restore included.
    fn why_no_backup_at_all(&self) -> Option<String> {
        None
    }

    /// What should be known of every backup of it.
    fn warning_of_backup(&self) -> Option<String> {
        None
    }

    /// Whether it can be copied and exchanged only while nobody else is at work on it: files of a database.
    fn has_to_rest(&self) -> bool {
        false
    }

    /// Makes sure that nobody else is at work on content that has to rest. Gives a text that is another one once somebody
    /// was.
    ///
    /// # Errors
    /// Who is at work there, or why nobody can tell. The beginning of a sentence.
    fn at_rest(&self) -> Result<String, String> {
        Ok(String::new())
    }

    /// Works out what a restore would do, and what stands in its way.
    ///
    /// # Errors
    /// [`RestoreError`] when the content or the backup cannot be read, or it was cancelled.
    fn plan(
        &self,
        backup: &dyn BackedUp,
        wanted: &Wanted<'_>,
        found: &mut Found,
        watch: &dyn Watch,
    ) -> Result<(), RestoreError>;

    /// Works out how a backup is staged beside Live. Makes nothing yet.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be staged there.
    fn stage(&self, backup: &dyn BackedUp, about: &About<'_>) -> Result<Box<dyn Staged>, RestoreError>;

    /// Works out how a backup is staged where it never becomes live. `scratch` is a folder that is to be made. Makes nothing
    /// yet.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be staged there.
    fn stage_in_scratch(
        &self,
        scratch: &Path,
        backup: &dyn BackedUp,
        about: &About<'_>,
    ) -> Result<Box<dyn Staged>, RestoreError>;

    /// What that takes, in `base` or elsewhere, and whether it may be done.
    ///
    /// # Errors
    /// [`RestoreError`] when the place or the backup cannot be read.
    fn plan_in_scratch(
        &self,
        base: &Path,
        backup: &dyn BackedUp,
        selection: &Selection,
        found: &mut Found,
    ) -> Result<(), RestoreError>;

    /// Removes what was staged in scratch here and was not settled, where that is not in the folder for scratch. What
    /// another job has staged stays.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be removed now.
    fn drop_unsettled(&self, _about: &About<'_>) -> Result<(), RestoreError> {
        Ok(())
    }

    /// Whether what a switch replaces stays beside Live for a while, as the way back.
    fn keeps_what_it_replaces(&self) -> bool {
        false
    }

    /// What restores and drills have left here, the newest first.
    ///
    /// # Errors
    /// [`RestoreError`] when the place is out of reach.
    fn left(
        &self,
        _environment: &EnvironmentName,
        _instance: &InstanceName,
    ) -> Result<Vec<Left>, RestoreError> {
        Ok(Vec::new())
    }

    /// Works out how what an earlier restore has replaced comes back. Makes nothing yet.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot.
    fn stage_back(&self, left: Left, about: &About<'_>) -> Result<Box<dyn Staged>, RestoreError> {
        Err(RestoreError::Failed(format!(
            "nothing that a restore has replaced can stand beside {}, and {} is said to",
            about.instance, left.place
        )))
    }

    /// How many nodes were added or changed since the switch that has replaced this; `None` when that cannot be told.
    ///
    /// # Errors
    /// [`RestoreError`] when the place cannot be asked.
    fn written_since(&self, _left: &Left) -> Result<Option<u64>, RestoreError> {
        Ok(None)
    }

    /// Drops what was replaced, and nothing that somebody else has hung on it. What is gone is no error.
    ///
    /// # Errors
    /// [`RestoreError`] with what hangs on it.
    fn drop_replaced(&self, _left: &Left) -> Result<(), RestoreError> {
        Ok(())
    }

    /// Drops what a restore has made, by its name in a `switching::Record`. What is gone is no error.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be dropped now.
    fn drop_made(&self, _name: &str) -> Result<(), RestoreError> {
        Ok(())
    }

    /// Who else is connected to it, where that matters to an exchange and can be told.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be asked.
    fn connected(&self) -> Result<Option<Connected>, RestoreError> {
        Ok(None)
    }

    /// Where search indexes are, with `{workspace}` for the workspace's name. `None` where none have to go with a restore.
    fn search_indexes(&self) -> Option<&[PathBuf]> {
        None
    }

    /// Those who have to confirm that they have the switch too, and have not done so within the limit.
    ///
    /// # Errors
    /// [`RestoreError`] when that cannot be found out.
    fn unconfirmed(&self, _limit: Duration) -> Result<Option<String>, RestoreError> {
        Ok(None)
    }

    /// Folders that an earlier restore has left beside the content: what it replaced and the safety backup does not hold, or
    /// what could not be removed then, an immutable file in it, say. Only a person can tell whether it is needed.
    fn left_over(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Looks at what works and what does not. What is tried is taken back.
    fn check(&self, about: &Checked<'_>, findings: &mut Findings<'_>);
}

/// What is said in the log of a job.
pub type Lines = Vec<(Severity, String)>;

/// Variables in a program's environment.
pub type Facts = Vec<(&'static str, String)>;

/// What a restore stages of one instance.
pub trait Staged: Send + Sync {
    /// What does not come back, as sentences.
    fn left_out(&self) -> &[String] {
        &[]
    }

    /// Makes room for what an exchange sets aside, where nothing has to be staged.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be made.
    fn make_room(&self) -> Result<(), RestoreError> {
        Ok(())
    }

    /// What the journal keeps of it before anything is staged.
    ///
    /// # Errors
    /// What the system said about a folder that was made.
    fn record(&self) -> Result<Beside, RestoreError>;

    /// Makes the folder that content is staged into, if it is one. Gives whether the journal has to keep which one it is.
    ///
    /// # Errors
    /// What the system said, or that something else stands there.
    fn make(&self) -> Result<bool, RestoreError> {
        Ok(false)
    }

    /// Writes the backup's content. Gives what is to be said of it.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read or written, or was cancelled.
    fn stage(
        &self,
        backup: &dyn BackedUp,
        selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<Lines, RestoreError>;

    /// Reads what was staged back, and brings it to disk meanwhile. Gives what is not as it is in the backup, as a part of a
    /// sentence.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read or brought to disk, or was cancelled.
    fn difference(
        &self,
        backup: &dyn BackedUp,
        selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<Option<String>, RestoreError>;

    /// Whose disk and memory to look at when what was staged is not what it should be.
    fn machine(&self) -> &'static str {
        "this machine"
    }

    /// What is left to do when everything was found right: it is added to what is never exchanged, a data store in a table.
    /// Gives what does not come back all the same, as sentences.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be done.
    fn settle(&self) -> Result<Vec<String>, RestoreError> {
        Ok(Vec::new())
    }

    /// What a program is told of what was staged in scratch, to look at it there: variables, and where the place has a
    /// password, that too.
    ///
    /// # Errors
    /// [`RestoreError`] when the password cannot be had.
    fn facts(&self) -> Result<Facts, RestoreError> {
        Ok(Facts::new())
    }

    /// What the journal keeps of it when everything is staged: `before`, and the exchange.
    ///
    /// # Errors
    /// [`RestoreError`] when the exchange cannot be worked out.
    fn to_switch(&self, selection: &Selection, before: &Beside) -> Result<Beside, RestoreError>;
}
