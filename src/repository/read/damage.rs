//! What was found damaged: it is noted while content is read, for the next copy (`write::mend`).

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rustic_core::Id;

use crate::repository::Repository;
use crate::repository::format::piece::PieceLocation;

/// What was found damaged since it was last asked for. Clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::repository) struct Damage(Arc<Mutex<Found>>);

/// What was found damaged.
#[derive(Debug, Clone, Default)]
pub(in crate::repository) struct Found {
    /// Packs with something wrong in them.
    pub(in crate::repository) packs: BTreeSet<Id>,
    /// Pieces that are not what was stored.
    pub(in crate::repository) pieces: BTreeSet<PieceLocation>,
    /// The packs of which it is to be forgotten that they were ever read: those, and those that could not be read now.
    doubtful: BTreeSet<Id>,
}

impl Damage {
    /// Notes a piece that is not what was stored.
    pub(in crate::repository) fn note(&self, piece: &PieceLocation) {
        let mut found = self.found();
        found.packs.insert(piece.pack);
        found.doubtful.insert(piece.pack);
        found.pieces.insert(piece.clone());
    }

    /// Notes a pack whose list of what is in it is not what was stored.
    pub(super) fn note_list(&self, pack: Id) {
        let mut found = self.found();
        found.packs.insert(pack);
        found.doubtful.insert(pack);
    }

    /// Notes a pack that could not be read, which says nothing of what is in it: whoever needs it next has to read it.
    pub(super) fn note_unread(&self, pack: Id) {
        self.found().doubtful.insert(pack);
    }

    /// Gives the pieces that were found damaged, and forgets them.
    pub(super) fn take_pieces(&self) -> BTreeSet<PieceLocation> {
        std::mem::take(&mut self.found().pieces)
    }

    /// Whether there are any such packs.
    pub(super) fn has_doubtful(&self) -> bool {
        !self.found().doubtful.is_empty()
    }

    /// The packs in which anything was found damaged, or that could not be read, since this was last asked, by whomever.
    pub(super) fn take_doubtful(&self) -> BTreeSet<Id> {
        std::mem::take(&mut self.found().doubtful)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock()
    }

    /// All of it, which is forgotten with that. What is doubtful stays so.
    pub(in crate::repository) fn take(&self) -> Found {
        let mut found = self.found();
        let doubtful = std::mem::take(&mut found.doubtful);
        std::mem::replace(
            &mut *found,
            Found {
                doubtful,
                ..Found::default()
            },
        )
    }
}

impl Repository {
    /// Forgets what was found damaged until now: what is found from here on is what the next copy needs.
    pub(in crate::repository) fn forget_damage(&self) {
        self.damage.take();
    }
}
