//! Which restore an undo takes back, what it puts back with that, and how it is told: beforehand, and when it is done.

use super::{Way, plan::Planned, undo::LeftByInstance};
use crate::domain::Instant;
use crate::domain::backup::{Backup, CameFrom};
use crate::domain::limited;
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::domain::state::BeforeUndo;
use crate::domain::undoing::UndoOf;
use crate::engine::{EngineError, Live};
use crate::watch::Unwatched;

/// The restore or undo that an undo takes back, as far as anybody remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undone(UndoOf);

impl Undone {
    /// When that put what it brought in the place of what was live.
    pub(super) fn at(&self) -> Option<Instant> {
        self.0.at
    }

    /// `the restore of job 14`.
    pub(super) fn called(&self) -> String {
        match self.0.job {
            Some(job) => format!("the {} of job {job}", self.0.label()),
            None => self.0.last(),
        }
    }

    /// The same with when it was.
    pub(super) fn with_time(&self) -> String {
        match self.0.at {
            Some(at) => format!("{} ({})", self.called(), measure::moment(at)),
            None => self.called(),
        }
    }

    /// The title of the undo's job, how it is done being said.
    pub(super) fn title(&self, how: &str, selection: &Selection) -> String {
        format!("undo of {}: {how}{}", self.called(), limited::limited(selection))
    }

    /// That it is undone, and what Live has now: the state of when, and which backup that had come from where it is known. As a
    /// sentence without its end.
    pub(super) fn is_undone(
        &self,
        environment: &str,
        selection: &Selection,
        state: Option<(Instant, Option<&CameFrom>)>,
    ) -> String {
        let part = limited::limited(selection);
        let comma = if part.is_empty() { "" } else { "," };
        let at = state.map(|(at, _)| format!("at {}, ", measure::moment(at)));
        let from = state.and_then(|(_, from)| from);
        let from = from.map(|from| format!(", with the content of {from} and what was changed since"));
        format!(
            "{} is undone: {environment}{part}{comma} is back as it was {}before it{}",
            self.with_time(),
            at.unwrap_or_default(),
            from.unwrap_or_default()
        )
    }
}

/// What of Live an undo puts back, in words.
fn part(selection: &Selection) -> String {
    if selection.is_everything() {
        return "everything that it replaced".to_owned();
    }
    format!("{}, and nothing else", limited::part(selection))
}

impl Live {
    /// What the last restore was.
    pub(super) fn undone(&self) -> Undone {
        Undone(self.undo_of())
    }

    /// The last restore or undo, as far as anybody remembers it.
    pub(in crate::engine) fn undo_of(&self) -> UndoOf {
        let job = self.last_restore().map(|last| last.job);
        let known = job.and_then(|job| self.catalog().job(job).ok());
        UndoOf {
            job,
            kind: known.as_ref().map(|job| job.kind),
            at: known.and_then(|job| job.reached.map(|reached| reached.at).or(job.ended)),
        }
    }

    /// What an undo would put back and set aside.
    ///
    /// # Errors
    /// A refusal when there is nothing to undo; a database, a repository or the catalog out of reach.
    pub fn before_undo(&self) -> Result<BeforeUndo, EngineError> {
        let undone = self.undone();
        let (selection, counted, written, chosen) = if let Some(left) = self.tables_to_go_back_to()? {
            let mut written = self.written_into_tables(&left);
            let content = self.brought_by_exchange(&selection_of(&left)).content;
            written.extend(
                content
                    .iter()
                    .flat_map(|content| self.warnings_of_versions(&content.versions)),
            );
            (selection_of(&left), None, written, self.instances_left(&left))
        } else {
            let safety = self.safety_of_the_last_restore()?;
            let selection = safety.manifest.replaced.clone().unwrap_or_default();
            let chosen = self.chosen(&safety, &selection);
            let (planned, untold) = match self.planned(&safety, &selection) {
                Ok(planned) => (planned, None),
                Err(error) => (
                    None,
                    Some(format!("how much it puts back cannot be told: {error}")),
                ),
            };
            let counted = planned
                .as_ref()
                .filter(|planned| planned.plan.compares_all())
                .map(|planned| planned.plan.changed_in_words());
            // The plan has compared what was written since: that goes through all that came back.
            let mut written = match planned {
                Some(planned) => planned.written,
                None => self.written_since(&safety, &Unwatched).told,
            };
            written.extend(untold);
            written.extend(self.warnings_of_versions(&safety.manifest.versions));
            (selection, counted, written, chosen)
        };
        let counted = counted.map_or(String::new(), |counted| format!(" ({counted})"));
        let in_what = if selection.is_everything() { "Live" } else { "it" };
        let puts_back = vec![
            format!(
                "It undoes {} and puts back {}{counted}",
                undone.with_time(),
                part(&selection)
            ),
            format!(
                "What was changed in {in_what} since that {} is set aside, and an undo of this undo brings it back",
                undone.0.label()
            ),
        ];
        Ok(BeforeUndo {
            puts_back,
            undo_of: Some(undone.0),
            written,
            stopping: self.stopping(&chosen),
        })
    }

    /// The plan of an undo of a part. Of everything it would take long to find out, and nobody is to wait for it in
    /// a hurry; the plan tells it.
    fn planned(&self, safety: &Backup, selection: &Selection) -> Result<Option<Planned>, EngineError> {
        if selection.is_everything() {
            return Ok(None);
        }
        let way = Way {
            selection: selection.clone(),
            even_if_unchanged: true,
            ..Way::default()
        };
        self.plan(safety.clone(), &way, &Unwatched).map(Some)
    }

    fn instances_left(&self, left: &LeftByInstance) -> Vec<&crate::domain::settings::InstanceSettings> {
        let instances = self.settings().instances.iter();
        instances
            .filter(|instance| left.iter().any(|(name, _)| *name == instance.name))
            .collect()
    }
}

/// What the restore was about that has left these tables.
pub(super) fn selection_of(left: &LeftByInstance) -> Selection {
    left.first()
        .map(|(_, left)| left.note.selection.clone())
        .unwrap_or_default()
}
