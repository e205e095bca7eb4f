//! The rules that refuse an action, as sentences that say why and what to do.
//!
//! A refusal is not a failure: nothing was started and nothing is broken. The command line ends with exit code 3 on
//! one, and the cockpit shows its sentence beside the action.

use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::{Backup, Trigger};
use super::environment::{EnvironmentKind, EnvironmentName};
use super::job::{JobId, JobKind};
use super::measure;
use super::plan::PlanId;
use super::principal::Principal;
use super::retention;
use super::staleness::Stale;

/// A rule said no.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "rule", content = "facts", rename_all = "snake_case")]
pub enum Refusal {
    /// Rule 5: only Live is backed up and recoverable.
    #[error(
        "{environment} is {}, and only Live is backed up and recoverable: its content comes from developers and from Live, so bring it back from there", kind.label()
    )]
    NotLive {
        /// The environment that was asked for.
        environment: EnvironmentName,
        /// What it is instead.
        kind: EnvironmentKind,
    },
    /// Rule 6: while an upgrade backup stands, no further upgrade of the same Live is accepted.
    #[error(
        "an upgrade backup of {environment} stands until {}: restore it, extend it or delete it before the next upgrade", measure::moment(*expires)
    )]
    UpgradeStands {
        /// The environment.
        environment: EnvironmentName,
        /// When the standing one expires.
        expires: Instant,
    },
    /// Rule 8: one job at a time works on an environment.
    #[error("{environment} is busy: job {job} ({}) has not ended, and one job at a time works on it; wait for it or cancel it", kind.label())]
    Busy {
        /// The environment.
        environment: EnvironmentName,
        /// The job that runs.
        job: JobId,
        /// What it does.
        kind: JobKind,
    },
    /// Rule 9: restores of a protected environment are refused.
    #[error("{environment} is protected{}: lift the protection first", reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default())]
    Protected {
        /// The environment.
        environment: EnvironmentName,
        /// Why it was protected, in somebody's words.
        reason: Option<String>,
    },
    /// Rule 13: a restore, and an undo, need the environment's name typed.
    #[error("nothing was done: type the environment's name, {environment}, to confirm")]
    NotConfirmed {
        /// The name that has to be typed.
        environment: EnvironmentName,
    },
    /// There is neither a safety backup nor are there replaced tables to go back to.
    #[error(
        "there is nothing to undo in {environment}: the last restore or undo, if there was one, has left neither a safety \
         backup of its own nor replaced tables that still stand. A safety backup that an earlier one has left is restored \
         like any other backup"
    )]
    NothingToUndo {
        /// The environment.
        environment: EnvironmentName,
    },
    /// There are no replaced tables whose end could be confirmed.
    #[error(
        "there is nothing to confirm in {environment}: no restore has left replaced tables in its databases"
    )]
    NothingToConfirm {
        /// The environment.
        environment: EnvironmentName,
    },
    /// There are no backups that could be read back.
    #[error("{environment} has no backup yet: there is nothing to verify")]
    NothingToVerify {
        /// The environment.
        environment: EnvironmentName,
    },
    /// There is no good backup that a drill could restore.
    #[error("{environment} has no good backup yet: there is nothing to drill{}", if *safety { ". For the newest safety backup, drill \"safety\"" } else { "" })]
    NothingToDrill {
        /// The environment.
        environment: EnvironmentName,
        /// Whether there is a good safety backup.
        safety: bool,
    },
    /// A note or a reason is none that can be kept, as a sentence.
    #[error("nothing was done: {0}")]
    NotAText(String),
    /// What was to be made is there already, or comes by itself, as a sentence.
    #[error("{0}")]
    NotNeeded(String),
    /// A slot or a job still needs the backup.
    #[error("backup {backup} stays as it is: {why}")]
    BackupHeld {
        /// The short id.
        backup: String,
        /// What holds it.
        why: String,
    },
    /// The backup was found damaged.
    #[error("backup {backup} is not restored: reading it back found damage ({why}); choose another one")]
    Damaged {
        /// The short id.
        backup: String,
        /// What was wrong.
        why: String,
    },
    /// The restore plan found something in the way.
    #[error("the restore cannot start: {0}")]
    Obstacle(String),
    /// The plan no longer says what is so.
    #[error(
        "the restore was not started, its plan does not hold any more: {why}; make a new plan and look at it"
    )]
    StalePlan {
        /// The plan.
        plan: PlanId,
        /// What has changed.
        why: Stale,
    },
    /// Another owner has to agree to the restore first. It was asked for, and waits.
    #[error(
        "nothing was done yet: another owner has to agree to the restore of {environment} until {}. `lifeboat approve \
         {environment}` starts it, `lifeboat reject {environment}` ends it; whoever asked cannot approve it", measure::moment(*until)
    )]
    AwaitsApproval {
        /// The environment.
        environment: EnvironmentName,
        /// The plan that waits.
        plan: PlanId,
        /// Until when it waits.
        until: Instant,
    },
    /// What waits for approval would not do any more what it would have done when it was asked for. It waits with a new plan.
    #[error(
        "nothing was done: the restore of {environment} would not do any more what was asked for: {}. It waits with a plan that \
         was made just now: look at that one, and agree to it (`lifeboat approve {environment}`) or not (`lifeboat reject \
         {environment}`)", differences.join("; ")
    )]
    PlanMoved {
        /// The environment.
        environment: EnvironmentName,
        /// The plan that waits now.
        plan: PlanId,
        /// What is different, each as a sentence without its end.
        differences: Vec<String>,
    },
    /// No restore waits for approval, or it is another one by now.
    #[error("{}", nothing_to_approve(environment, waits.as_deref()))]
    NothingToApprove {
        /// The environment.
        environment: EnvironmentName,
        /// The one that waits instead, in a line; none where none does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waits: Option<String>,
    },
    /// No restore waits for approval, since the configuration asks for no second person there.
    #[error(
        "nothing waits for approval in {environment}: its configuration asks for no second person (approve = true is not set). What \
         was asked for while it did is not begun by that: `lifeboat restore` begins at once now"
    )]
    NobodyHasToAgree {
        /// The environment.
        environment: EnvironmentName,
    },
    /// Whoever asked for a restore cannot approve it, nor can a token that one of the two has made for the other.
    #[error(
        "the restore of {environment} was asked for by {by}, who is or may be the same person: somebody else has to approve it"
    )]
    SamePerson {
        /// The environment.
        environment: EnvironmentName,
        /// Who asked.
        by: Principal,
    },
    /// Where a second person has to agree, a token has to say whom it was made for.
    #[error(
        "nobody can tell which person {by} is: a restore that another owner has to agree to is asked for and approved with \
         tokens that say whom they were made for (`lifeboat token create NAME --account PERSON`)"
    )]
    UnknownPerson {
        /// The token.
        by: Principal,
    },
    /// An undo of a restore that is longer ago puts back what a second person has to agree to.
    #[error(
        "the last restore of {environment} is more than a day ago, and another owner has to agree to what changes Live: \
         restore its safety backup instead (`lifeboat restore {environment} safety`), which waits for one"
    )]
    UndoTooLate {
        /// The environment.
        environment: EnvironmentName,
    },
    /// The service does not do this for whoever asks: the role of the token is too small, or the service knows a rule
    /// that is newer than this Lifeboat.
    #[error("{0}")]
    ByService(String),
    /// The job that was to be cancelled has ended.
    #[error("job {job} has already ended ({state})")]
    JobEnded {
        /// The job.
        job: JobId,
        /// How it ended, in a word.
        state: String,
    },
    /// The job that was to be cancelled is past its last safe point.
    #[error("{}", past_stopping(*job, *kind))]
    PastStopping {
        /// The job.
        job: JobId,
        /// What it does. `None` from an older Lifeboat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<JobKind>,
    },
    /// The context forbids changes.
    #[error("the context \"{0}\" is read-only: nothing can be changed through it")]
    ReadOnly(String),
}

impl Refusal {
    /// The number of the rule that said no. `None` where it is no rule of the domain but a setting.
    #[must_use]
    pub fn rule(&self) -> Option<u8> {
        match self {
            Self::NotLive { .. } => Some(5),
            Self::UpgradeStands { .. } => Some(6),
            Self::Busy { .. } => Some(8),
            Self::Protected { .. } => Some(9),
            // Nothing is lost on the way: undo is one action, and what is still needed stays.
            Self::NothingToUndo { .. } | Self::NothingToConfirm { .. } | Self::BackupHeld { .. } => Some(10),
            Self::PastStopping { .. } => Some(11),
            // No surprise: what the plan found in the way, or that it is out of date.
            Self::Obstacle(_) | Self::StalePlan { .. } | Self::PlanMoved { .. } => Some(12),
            Self::NotConfirmed { .. } => Some(13),
            // Proof: only what can be read back counts.
            Self::Damaged { .. } => Some(14),
            Self::NothingToVerify { .. }
            | Self::NothingToDrill { .. }
            | Self::NotAText(_)
            | Self::NotNeeded(_)
            | Self::AwaitsApproval { .. }
            | Self::NothingToApprove { .. }
            | Self::NobodyHasToAgree { .. }
            | Self::SamePerson { .. }
            | Self::UnknownPerson { .. }
            | Self::UndoTooLate { .. }
            | Self::JobEnded { .. }
            | Self::ReadOnly(_)
            | Self::ByService(_) => None,
        }
    }
}

/// Why a job is not stopped any more.
fn past_stopping(job: JobId, kind: Option<JobKind>) -> String {
    match kind {
        Some(kind) if !kind.switches_live() => {
            format!(
                "job {job} is clearing up after its {}, and ends by itself",
                kind.label()
            )
        }
        _ => format!(
            "job {job} is switching Live and is finished rather than stopped: the restore can be undone afterwards"
        ),
    }
}

/// What waits instead of what was to be approved, and where that is shown.
fn nothing_to_approve(environment: &EnvironmentName, waits: Option<&str>) -> String {
    match waits {
        Some(waits) => format!(
            "that restore of {environment} does not wait for approval any more: it was asked for anew, from another plan. What waits \
             is this: {waits}. `lifeboat approve {environment}` shows it and asks"
        ),
        None => format!(
            "no restore of {environment} waits for approval: none was asked for, or it was approved or rejected, or its hour has \
             passed. `lifeboat environments` shows where one waits, `lifeboat activity` what became of others"
        ),
    }
}

/// Rule 5: only Live.
///
/// # Errors
/// [`Refusal::NotLive`] for every other kind.
pub fn only_live(environment: &EnvironmentName, kind: EnvironmentKind) -> Result<(), Refusal> {
    if kind.is_recoverable() {
        Ok(())
    } else {
        Err(Refusal::NotLive {
            environment: environment.clone(),
            kind,
        })
    }
}

/// Rule 13: the name has to be typed, exactly.
///
/// # Errors
/// [`Refusal::NotConfirmed`] when it is not.
pub fn confirmed(environment: &EnvironmentName, typed: &str) -> Result<(), Refusal> {
    if typed == environment.to_string() {
        Ok(())
    } else {
        Err(Refusal::NotConfirmed {
            environment: environment.clone(),
        })
    }
}

/// Rule 6: while an upgrade backup stands, no further upgrade of the same Live.
///
/// # Errors
/// [`Refusal::UpgradeStands`] when one stands at `now`.
pub fn upgrade_allowed(
    environment: &EnvironmentName,
    trigger: &Trigger,
    backups: &[Backup],
    now: Instant,
) -> Result<(), Refusal> {
    let standing = retention::standing_upgrade(backups, now).and_then(|b| b.manifest.expires);
    match (trigger, standing) {
        (Trigger::Upgrade { .. }, Some(expires)) => Err(Refusal::UpgradeStands {
            environment: environment.clone(),
            expires,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_exchanges_live_is_said_to_switch_it() {
        let told = |kind| Refusal::PastStopping { job: JobId(7), kind }.to_string();
        for kind in [None, Some(JobKind::Restore), Some(JobKind::Undo)] {
            assert!(told(kind).contains("switching Live"), "{kind:?}");
        }
        assert_eq!(
            told(Some(JobKind::Drill)),
            "job 7 is clearing up after its drill, and ends by itself"
        );
    }

    #[test]
    fn every_form_of_refusal_can_be_written_as_json() {
        let environment = EnvironmentName::new("acme", "live").unwrap();
        let refusals = [
            Refusal::NothingToUndo {
                environment: environment.clone(),
            },
            Refusal::NothingToDrill {
                environment,
                safety: true,
            },
            Refusal::NothingToApprove {
                environment: EnvironmentName::new("acme", "live").unwrap(),
                waits: Some("a restore, asked by maria".to_owned()),
            },
            Refusal::NotNeeded("it is there already".to_owned()),
            Refusal::Obstacle("no room".to_owned()),
            Refusal::StalePlan {
                plan: PlanId::of_random([7; 16]),
                why: Stale::Changed {
                    job: JobId(3),
                    kind: JobKind::Undo,
                },
            },
            Refusal::ReadOnly("prod".to_owned()),
        ];
        for refusal in refusals {
            let json = serde_json::to_string(&refusal).unwrap();
            assert_eq!(serde_json::from_str::<Refusal>(&json).unwrap(), refusal);
        }
        // As an earlier service says it.
        let earlier = r#"{"rule":"nothing_to_approve","facts":{"environment":"acme/live"}}"#;
        let refusal = serde_json::from_str::<Refusal>(earlier).unwrap();
        assert!(
            refusal.to_string().contains("`lifeboat environments`"),
            "{refusal}"
        );
    }
}
