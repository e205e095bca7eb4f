//! One instance's part of a switch, whatever its kind, and what a journal keeps of it.
//!
//! Not in here: the switch of a whole environment, and what is done after a crash (`engine::restore`).

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use super::Content;
use super::left::Settled;

/// Why a step of the switch could not be done, as a part of a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Stuck(pub String);

/// What came of one instance's part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Switched {
    /// How long Live was held for it, where somebody may have waited. `None` too where it was done before.
    pub held: Option<Duration>,
    /// What was done together with it to what tells other machines of changes, now or before.
    pub settled: Vec<Settled>,
}

/// One instance's part of a switch. Each can be repeated after a crash.
pub trait Part {
    /// Makes sure that of every exchange it can be told whether it was done.
    ///
    /// # Errors
    /// That it cannot, and why.
    fn is_known(&self) -> Result<(), Stuck>;

    /// Makes what is staged live, unless it is.
    ///
    /// # Errors
    /// Which exchange could not be done, and why.
    fn forward(&self) -> Result<Switched, Stuck>;

    /// Makes live again what was, as far as that can be done. Gives what was settled with it.
    fn back(&self) -> Vec<Settled>;

    /// Whether what is live is known to be what was, and nothing of it stands beside.
    fn is_untouched(&self) -> bool;
}

/// What a journal keeps of an instance, as far as it can be told without reaching anything.
pub trait Record {
    /// The folder that this restore has made, if it has made one.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// The same, open; `None` when it has made none, or it is not there.
    ///
    /// # Errors
    /// What the system said, or that something else stands in its place.
    fn open(&self) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    /// Removes the folder that this restore has made. Gives a sentence about what has taken its place.
    ///
    /// # Errors
    /// What the system said.
    fn remove(&self) -> io::Result<Option<String>> {
        Ok(None)
    }

    /// What was live before and stands beside to be looked at before it goes. What stays in any case is none of it.
    ///
    /// # Errors
    /// What the system said, or that it is not what was live: another account was at work there.
    fn displaced(&self) -> io::Result<Option<Box<dyn Content>>> {
        Ok(None)
    }

    /// Whether it is known that nothing that was live is among what was staged, which may be dropped in part by now. A place
    /// that is away does not keep anybody from dropping what is staged elsewhere.
    fn holds_nothing_of_live(&self) -> bool {
        true
    }

    /// What it has made beside folders, by name, to be dropped when the restore comes to nothing.
    fn made(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What of that a switch that was done has emptied.
    fn emptied(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The workspaces whose search indexes have to go.
    fn workspaces(&self) -> &[String] {
        &[]
    }

    /// All workspaces, those that stay as they are too: of a node that had not seen every change, no search index is right any
    /// more.
    fn all_workspaces(&self) -> &[String] {
        self.workspaces()
    }

    /// Whether what the switch replaces stays beside Live for a while.
    fn keeps_what_it_replaces(&self) -> bool {
        false
    }

    /// Whether it exchanges Live with what an earlier restore has replaced.
    fn is_exchange_back(&self) -> bool {
        false
    }

    /// Whether what it tells of is to be seen from this machine.
    fn is_seen(&self) -> bool {
        true
    }

    /// Where the instance stands, to follow its name, as far as can be told without connecting to anything.
    fn stands(&self) -> &'static str;
}
