//! What the content of Live came from: the backup that the last restore or undo has brought back, and the versions that belong to
//! its content. A safety backup has these in its record. What runs when it is taken may be of another version than what it holds,
//! and whoever goes back to it has to be warned of that.

use serde::{Deserialize, Serialize};

use super::plan::version_warnings;
use crate::domain::Instant;
use crate::domain::backup::{Backup, CameFrom, Trigger};
use crate::domain::plan::{RestorePlan, Selection};
use crate::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};
use crate::engine::Live;
use crate::engine::backup::{Purpose, SAFETY_STANDS, versions};

/// Content of Live, by what it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct Content {
    /// The backup that a restore had brought it from. `None` where none had.
    pub(super) came_from: Option<CameFrom>,
    /// The versions that belong to it.
    pub(super) versions: Versions,
}

impl Content {
    /// What a backup brings back. Of a safety backup that is what its content had come from itself.
    pub(super) fn of(backup: &Backup) -> Self {
        let itself = || CameFrom {
            backup: backup.id.clone(),
            taken: backup.manifest.taken,
        };
        Self {
            came_from: backup.manifest.came_from.clone().or_else(|| Some(itself())),
            versions: backup.manifest.versions.clone(),
        }
    }

    /// What was live when a safety backup was taken of it.
    pub(super) fn saved_by(safety: &Backup) -> Self {
        Self {
            came_from: safety.manifest.came_from.clone(),
            versions: safety.manifest.versions.clone(),
        }
    }
}

/// What a restore or an undo has done to the content of Live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct Brought {
    /// What it has brought. `None` where that is not known.
    pub(super) content: Option<Content>,
    /// What was live before.
    pub(super) before: Option<Content>,
    /// The part of Live that it was about.
    pub(super) selection: Selection,
    /// What ran then.
    pub(super) ran: Versions,
    /// When.
    pub(super) at: Instant,
}

impl Brought {
    /// What it has brought, if that still is the content of this part of Live. Where something else runs by now than ran then,
    /// that has made the content its own. The same is taken for granted once the restore can no longer be undone: a Magnolia
    /// that has started on older content brings it up to date.
    fn still(&self, selection: &Selection, running: &Versions, now: Instant) -> Option<Content> {
        // Of a workspace of which it has brought a few nodes, the rest is from nowhere but here.
        let is_of_it = self.selection.is_everything() || self.selection == *selection;
        if !is_of_it || now > self.at + SAFETY_STANDS {
            return None;
        }
        let content = self.content.as_ref()?;
        let (then, now, brought) = (&self.ran, running, &content.versions);
        let of = |then: &str, now: &str, brought: &str| {
            let is_known = versions::known(then).is_some() && versions::known(now).is_some();
            if is_known && then != now { now } else { brought }.to_owned()
        };
        Some(Content {
            came_from: content.came_from.clone(),
            versions: Versions {
                release: ReleaseVersion(of(&then.release.0, &now.release.0, &brought.release.0)),
                magnolia: MagnoliaVersion(of(&then.magnolia.0, &now.magnolia.0, &brought.magnolia.0)),
            },
        })
    }
}

/// What the record of a copy of Live says of versions.
pub(in crate::engine) struct OfCopy {
    /// Those that belong to its content.
    pub(in crate::engine) versions: Versions,
    /// What runs, where that is something else.
    pub(in crate::engine) ran: Option<Versions>,
    /// The backup that the content came from.
    pub(in crate::engine) came_from: Option<CameFrom>,
}

impl Live {
    /// What the content of a part of Live came from, while this runs; `None` where no restore is remembered that brought it.
    pub(super) fn content_now(&self, selection: &Selection, running: &Versions) -> Option<Content> {
        let brought = self.last_restore()?.brought?;
        brought.still(selection, running, self.now())
    }

    /// What the record of a copy says that is taken while this runs. Only of a safety backup it is what the last restore brought:
    /// it is taken to go back, and what it is about is known.
    pub(in crate::engine) fn versions_of_copy(&self, purpose: &Purpose, running: Versions) -> OfCopy {
        let part = purpose.replaces.as_ref();
        let part = part.filter(|_| purpose.trigger == Trigger::Restore);
        match part.and_then(|part| self.content_now(part, &running)) {
            Some(content) => OfCopy {
                ran: (content.versions != running).then_some(running),
                versions: content.versions,
                came_from: content.came_from,
            },
            None => OfCopy {
                versions: running,
                ran: None,
                came_from: None,
            },
        }
    }

    /// What a restore by this plan brings.
    pub(super) fn brought_by_restore(&self, plan: &RestorePlan) -> Brought {
        // Where a plan cannot read them, it goes by those of the backup.
        let (ran, _) = versions::read_or_unknown(self.settings());
        Brought {
            content: Some(Content::of(&plan.backup)),
            before: self.content_now(&plan.selection, &ran),
            selection: plan.selection.clone(),
            ran,
            at: self.now(),
        }
    }

    /// What an exchange with replaced tables brings.
    pub(super) fn brought_by_exchange(&self, selection: &Selection) -> Brought {
        let (ran, _) = versions::read_or_unknown(self.settings());
        let last = self.last_restore().and_then(|last| last.brought);
        Brought {
            before: self.content_now(selection, &ran),
            content: last.and_then(|last| last.before),
            selection: selection.clone(),
            ran,
            at: self.now(),
        }
    }

    /// That content of these versions is not that of what runs now, as sentences. Where nobody can say what runs, the undo
    /// itself says so.
    pub(super) fn warnings_of_versions(&self, content: &Versions) -> Vec<String> {
        let running = versions::read(self.settings());
        running.map_or_else(|_| Vec::new(), |running| version_warnings(content, &running))
    }
}
