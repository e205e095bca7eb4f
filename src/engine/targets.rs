//! Targets: how an environment's RPO and RTO stand, and who is told when that changes.
//!
//! What a target means is `domain::target`'s. Told is a change, once, whichever of the Lifeboats that share a catalog sees it
//! first: what was told last stands in the catalog.

use std::time::{Duration, Instant as Monotonic};

use super::overview::summary;
use crate::domain::activity::Severity;
use crate::domain::backup::Backup;
use crate::domain::deed::Deed;
use crate::domain::job::JobKind;
use crate::domain::notify::Topic;
use crate::domain::principal::Principal;
use crate::domain::state::EnvironmentSummary;
use crate::domain::target::{Aim, Known, Standing, newest_restorable};
use crate::engine::schedule::Schedule;
use crate::engine::{EngineError, Live};

/// The kind of the notes that say how a target stood when that was told last.
const TOLD: &str = "targets";
/// How long one round looks at them: jobs are started by the same thread.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many past restores are looked through for one of about all of the content.
const RESTORES: u32 = 10;

impl Live {
    /// How the targets stand, by what the summary already says. Empty where none are set.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(in crate::engine) fn standing(
        &self,
        summary: &EnvironmentSummary,
        backups: &[Backup],
    ) -> Result<Vec<Standing>, EngineError> {
        let targets = self.settings().targets();
        if !targets.is_any() {
            return Ok(Vec::new());
        }
        let bytes = newest_restorable(backups).map_or(0, |backup| backup.manifest.bytes());
        let restores = self
            .catalog()
            .past_durations(self.name(), JobKind::Restore, RESTORES)?;
        // A page alone comes back in no time, and says nothing of the whole.
        let whole = restores.iter().find(|past| past.bytes.saturating_mul(2) >= bytes);
        let waits = summary.maintenance.as_ref().map(|hold| {
            let reason = hold.reason.as_ref().map(|reason| format!(", {reason}"));
            format!("maintenance mode is on{}", reason.unwrap_or_default())
        });
        // Doubts about backups that are there are no reason not to have any.
        let trouble = summary.trouble.as_deref().filter(|_| backups.is_empty());
        Ok(targets.standing(&Known {
            backups,
            trouble,
            failed: summary.failed.as_deref(),
            waits: waits.as_deref(),
            is_scheduled: self.settings().schedule.enabled,
            last_drill: summary.last_drill.as_ref(),
            last_proven: summary.last_proven.as_ref(),
            last_restore: whole.map(|past| past.millis),
            now: self.now(),
        }))
    }

    /// Looks how the targets stand, and tells what has changed.
    fn tell_of_targets(&self) -> Result<(), EngineError> {
        let name = self.name();
        let mut standing = summary(self.engine(), name)?.targets;
        if standing.iter().any(|one| one.aim == Aim::Rpo && !one.met) {
            // Another Lifeboat may have taken a backup since the last listing. What cannot be listed is the cause then.
            let _ = self.list_backups();
            standing = summary(self.engine(), name)?.targets;
        }
        for one in standing {
            let note = format!("{name} {}", one.aim.label());
            let before = self.catalog().note(TOLD, &note)?;
            let state = if one.met { "met" } else { "missed" };
            let is_news = self.catalog().note_change(TOLD, &note, state, self.now())?;
            // That all is well is no news at the first look.
            if is_news && !(one.met && before.is_none()) {
                self.tell_of_target(one);
            }
        }
        Ok(())
    }

    fn tell_of_target(&self, standing: Standing) {
        let (text, severity) = match (standing.met, standing.aim) {
            (true, _) => (
                format!("{} {} is met again", standing.aim.label(), standing.target),
                Severity::Information,
            ),
            (false, Aim::Rpo) => (standing.in_words(), Severity::Critical),
            (false, Aim::Rto) => (standing.in_words(), Severity::Warning),
        };
        let is_met = standing.met;
        self.engine().did(Deed::Target {
            environment: self.name().clone(),
            standing,
        });
        if is_met {
            self.remember_each(&Principal::Lifeboat, &text, None, severity);
        } else {
            let (activity, name) = (self.engine().activity(), Some(self.name()));
            let topic = Topic::TargetMissed;
            activity.remember_as(topic, &Principal::Lifeboat, name, &text, None, severity);
        }
        self.changed();
    }
}

impl Schedule<'_> {
    /// Looks how the targets of the environments stand, and tells what has changed. What there is no time for in this round is
    /// looked at in the next.
    pub fn look_at_targets(&self) {
        let until = Monotonic::now() + PATIENCE;
        let engine = self.0;
        let with_targets: Vec<Live> = engine
            .all_live()
            .filter(|live| live.settings().targets().is_any())
            .collect();
        let begin = *engine.0.glances.targets_from.lock() % with_targets.len().max(1);
        let in_turn = with_targets
            .iter()
            .skip(begin)
            .chain(with_targets.iter().take(begin));
        for (number, live) in in_turn.enumerate() {
            if number > 0 && Monotonic::now() >= until {
                *engine.0.glances.targets_from.lock() = begin + number;
                return;
            }
            if let Err(error) = live.tell_of_targets() {
                live.remember_once(&format!("nobody can tell how its targets stand: {error}"));
            }
        }
    }
}
