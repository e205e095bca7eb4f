//! A restore that would change nothing says so and ends, unless it is to go on all the same: no safety backup is taken, no
//! hook runs, and Live is not switched.

use super::Way;
use super::titles::{from_where, limited};
use crate::domain::backup::Backup;
use crate::domain::job::{JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::plan::{RestorePlan, WorkspaceChange, how_compared};
use crate::engine::Work;

/// What a plan has found that the job need not find out once more. That nothing would change is no such thing: Live may
/// have changed since.
pub(super) fn worth_keeping(plan: &RestorePlan) -> Option<Vec<WorkspaceChange>> {
    (!plan.ends_at_once()).then(|| plan.changes.clone())
}

/// How a restore ends that has nothing to do.
pub(super) fn nothing_to_do(work: &Work, backup: &Backup, way: &Way) -> Outcome {
    let steps = Phase::of(JobKind::Restore).iter();
    let left_out: Vec<_> = steps.copied().filter(|step| *step != Phase::Preparing).collect();
    work.leaves_out(&left_out);
    Outcome {
        summary: format!(
            "{}{} is as it was at {} already (backup {}{}): nothing was changed.{} To have everything put back all \
             the same, restore with --even-if-unchanged, or say so in the cockpit's plan",
            work.environment(),
            limited(&way.selection),
            measure::moment(backup.manifest.taken),
            backup.id,
            from_where(way.from),
            how_compared(backup, &way.selection).map_or(String::new(), |sentence| format!(" {sentence}"))
        ),
        backup: Some(backup.id.clone()),
        ..Outcome::default()
    }
}
