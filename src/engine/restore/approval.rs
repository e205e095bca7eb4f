//! A second person: where the environment says `approve = true`, a restore is asked for, and begins when another owner agrees.
//!
//! What waits is no job and holds nothing: it is a note in the catalog that names a plan, so that it survives whatever becomes of
//! the process that asked. The plan is kept with it: what is approved is what was asked for. It is followed as a plan is: if what
//! the plan was made from has changed since, it is refused then, and has to be asked for anew. If only the content of Live has, so
//! that following it would do something else, whoever agrees gets the plan that is true now and has to agree to that one. Not
//! in here: who counts as another person (`domain::approval`).

use std::collections::BTreeSet;

use super::Way;
use super::plan::Planned;
use crate::catalog::StoredPlan;
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::approval::{Asked, Person, was_just_made};
use crate::domain::backup::{Backup, BackupId};
use crate::domain::deed::{ApprovalNews, Deed};
use crate::domain::free_text;
use crate::domain::job::{Job, JobId, JobKind, JobState};
use crate::domain::plan::PlanId;
use crate::domain::principal::Principal;
use crate::domain::refusal::{Refusal, confirmed};
use crate::domain::request::JobQuery;
use crate::engine::{Engine, EngineError, Live};
use crate::watch::Unwatched;

/// An undo takes back a restore that was agreed to, and needs nobody for so long after it.
const UNDO_ALONE: chrono::Duration = chrono::Duration::days(1);

/// The kind of the notes that say what waits, one for each environment.
const ASKED: &str = "approval";

/// What waits, with which person asked.
#[derive(serde::Serialize, serde::Deserialize)]
struct Waiting {
    asked: Asked,
    person: Person,
    /// The plan, whole: whoever makes many plans drops older ones of theirs, and this one has to stay.
    stored: StoredPlan,
    /// When the plan was made anew for whoever is to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked: Option<Instant>,
}

/// Starts it although nobody else has agreed, where that is needed: loudly. `reason` says why.
///
/// # Errors
/// As [`super::start_restore`]; [`Refusal::NotAText`] without a reason.
pub fn start_restore_alone(
    engine: &Engine,
    plan: &PlanId,
    confirm: &str,
    reason: &str,
) -> Result<JobId, EngineError> {
    let reason = free_text::needed(reason)?;
    let stored = super::planned::known_plan(engine, plan)?;
    let live = engine.live(&stored.plan.environment)?;
    live.start_restore(&stored, confirm, &Agreed::BrokenGlass(reason))
}

/// Who has agreed to a restore, where somebody has to.
pub(super) enum Agreed {
    /// Nobody yet.
    Nobody,
    /// Whoever starts it, to what this one has asked for.
    To(Principal),
    /// Nobody, for this reason.
    BrokenGlass(String),
}

impl Live {
    /// The restore that waits for another owner, if one does.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(in crate::engine) fn asked(&self) -> Result<Option<Asked>, EngineError> {
        Ok(self.waiting()?.map(|waiting| waiting.asked))
    }

    /// The one of these backups that a restore which waits is of: nothing drops it meanwhile.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(in crate::engine) fn asked_for(&self, backups: &[Backup]) -> Result<BTreeSet<BackupId>, EngineError> {
        let asked = self.asked()?;
        let is_meant = |backup: &&Backup| {
            asked
                .as_ref()
                .is_some_and(|asked| backup.answers_to(&asked.backup))
        };
        let meant = backups.iter().filter(is_meant);
        Ok(meant.map(|backup| backup.id.clone()).collect())
    }

    fn waiting(&self) -> Result<Option<Waiting>, EngineError> {
        if !self.settings().approve {
            return Ok(None);
        }
        let note = self.catalog().note(ASKED, &self.name().to_string())?;
        // One that cannot be read was not asked by this version: it is asked anew.
        let waiting = note.and_then(|note| serde_json::from_str::<Waiting>(&note).ok());
        Ok(waiting.filter(|waiting| waiting.asked.stands(self.now())))
    }

    /// Asks for a restore that was found possible, in the place of one that was asked before. Always an error: it says that the
    /// restore waits.
    pub(super) fn ask_for(&self, stored: &StoredPlan, title: &str) -> EngineError {
        match self.try_ask_for(stored, title) {
            Ok(refusal) => refusal.into(),
            Err(error) => error,
        }
    }

    fn try_ask_for(&self, stored: &StoredPlan, title: &str) -> Result<Refusal, EngineError> {
        let name = self.name();
        let person = self.person()?;
        let plan = &stored.plan;
        let asked = Asked {
            plan: plan.id.clone(),
            environment: name.clone(),
            backup: plan.backup.id.clone(),
            title: title.to_owned(),
            by: self.who().clone(),
            at: self.now(),
            until: Asked::life_of(plan.made),
            totals: plan.totals(),
            warnings: plan.warnings.clone(),
            moved: Vec::new(),
        };
        let until = asked.until;
        let text = format!(
            "another owner has to agree: {}. `lifeboat approve {name}`",
            asked.in_words()
        );
        let waiting = Waiting {
            asked,
            person,
            stored: stored.clone(),
            looked: None,
        };
        self.note_waiting(&waiting)?;
        self.engine()
            .did(Deed::Approval(ApprovalNews::Asked(waiting.asked)));
        self.remember_each(self.who(), &text, None, Severity::Warning);
        self.changed();
        Ok(Refusal::AwaitsApproval {
            environment: name.clone(),
            plan: plan.id.clone(),
            until,
        })
    }

    /// Starts the restore that waits, by the plan that was looked at. `confirm` is what the person has typed under it.
    ///
    /// # Errors
    /// A refusal: nothing waits, or something else by now; whoever asked cannot approve; the plan does not hold any more.
    pub fn approve(&self, plan: &PlanId, confirm: &str) -> Result<JobId, EngineError> {
        let name = self.name();
        let waiting = self.waiting_for(plan)?;
        let person = self.person()?;
        if waiting.person.may_be(&person) {
            return Err(Refusal::SamePerson {
                environment: name.clone(),
                by: waiting.asked.by,
            }
            .into());
        }
        confirmed(name, confirm)?;
        let started = self.look_again(&waiting).and_then(|()| {
            let agreed = Agreed::To(waiting.asked.by.clone());
            self.start_restore(&waiting.stored, confirm, &agreed)
        });
        if let Err(EngineError::Refused(Refusal::StalePlan { .. })) = &started {
            // It is asked anew, from a new plan.
            self.forget_asked()?;
        }
        let job = started?;
        let asked = waiting.asked;
        self.forget_asked()?;
        self.engine().did(Deed::Approval(ApprovalNews::Approved {
            asked: asked.clone(),
            by: self.who().clone(),
            job,
        }));
        let text = format!("approved the {}, asked by {}", asked.title, asked.by);
        self.remember_each(self.who(), &text, Some(job), Severity::Information);
        Ok(job)
    }

    /// Makes the plan that waits anew, unless whoever agrees has just got it, and compares: what is agreed to is what is done.
    ///
    /// # Errors
    /// [`Refusal::PlanMoved`] where it would do something else by now: then the new one waits.
    fn look_again(&self, waiting: &Waiting) -> Result<(), EngineError> {
        if was_just_made(waiting.looked, self.now()) {
            return Ok(());
        }
        let StoredPlan { plan, basis } = &waiting.stored;
        let basis_now = self.basis()?;
        let backup = self.still_holds(plan, basis)?;
        let mut way = Way::of(plan);
        way.first_lost = self.first_lost(&way)?;
        let Planned { plan: now, .. } = self.plan(backup, &way, &Unwatched)?;
        let differences = plan.differences(&now);
        if differences.is_empty() {
            return Ok(());
        }
        let stored = StoredPlan {
            plan: now,
            basis: basis_now,
        };
        // It may be followed as any plan, by whoever breaks glass.
        self.catalog().add_plan(&stored, self.who())?;
        let plan = stored.plan.id.clone();
        let asked = Asked {
            plan: plan.clone(),
            backup: stored.plan.backup.id.clone(),
            totals: stored.plan.totals(),
            warnings: stored.plan.warnings.clone(),
            moved: differences.clone(),
            ..waiting.asked.clone()
        };
        let text = format!(
            "the restore that waits would not do any more what {} has asked for: {}. It waits with a new plan",
            asked.by,
            differences.join("; ")
        );
        self.note_waiting(&Waiting {
            asked,
            person: waiting.person.clone(),
            stored,
            looked: Some(self.now()),
        })?;
        self.remember_each(self.who(), &text, None, Severity::Warning);
        self.changed();
        Err(Refusal::PlanMoved {
            environment: self.name().clone(),
            plan,
            differences,
        }
        .into())
    }

    fn note_waiting(&self, waiting: &Waiting) -> Result<(), EngineError> {
        let note = serde_json::to_string(waiting).map_err(|error| EngineError::Failed(error.to_string()))?;
        let name = self.name().to_string();
        Ok(self.catalog().set_note(ASKED, &name, &note, self.now())?)
    }

    /// Ends a question: the restore is not done. Whoever asked may take it back in this way too.
    ///
    /// # Errors
    /// A refusal when nothing waits, or something else by now; a catalog that cannot be written.
    pub fn reject(&self, plan: &PlanId, reason: Option<&str>) -> Result<(), EngineError> {
        let reason = free_text::if_any(reason)?;
        let asked = self.waiting_for(plan)?.asked;
        self.forget_asked()?;
        let why = reason
            .as_ref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        let text = format!("rejected the {}, asked by {}{why}", asked.title, asked.by);
        self.engine().did(Deed::Approval(ApprovalNews::Rejected {
            asked,
            by: self.who().clone(),
            reason,
        }));
        self.remember_each(self.who(), &text, None, Severity::Warning);
        self.changed();
        Ok(())
    }

    /// Tells loudly of a restore that was begun without a second person.
    pub(super) fn tell_of_broken_glass(&self, title: &str, reason: &str, job: JobId) {
        self.engine().did(Deed::Approval(ApprovalNews::BrokeGlass {
            environment: self.name().clone(),
            by: self.who().clone(),
            reason: reason.to_owned(),
            job,
        }));
        let text = format!("BROKE GLASS, nobody else has agreed to the {title}: {reason}");
        self.remember_each(self.who(), &text, Some(job), Severity::Critical);
        // What waited is about a Live that is not there any more.
        let _ = self.forget_asked();
    }

    /// Whether the last restore may be undone without a second person. An undo of an undo begins no day of its own.
    pub(super) fn may_undo_alone(&self) -> Result<(), EngineError> {
        if !self.settings().approve {
            return Ok(());
        }
        let of_environment = JobQuery {
            environment: Some(self.name().clone()),
            id: None,
            limit: 0,
        };
        let jobs = self.catalog().jobs(&of_environment)?;
        let is_restore = |job: &&Job| job.kind == JobKind::Restore && job.state == JobState::Done;
        let ended = jobs.iter().find(is_restore).and_then(|job| job.ended);
        if ended.is_some_and(|ended| self.now() - ended > UNDO_ALONE) {
            return Err(Refusal::UndoTooLate {
                environment: self.name().clone(),
            }
            .into());
        }
        Ok(())
    }

    fn waiting_for(&self, plan: &PlanId) -> Result<Waiting, EngineError> {
        if !self.settings().approve {
            return Err(Refusal::NobodyHasToAgree {
                environment: self.name().clone(),
            }
            .into());
        }
        let waiting = self.waiting()?;
        let nothing = |waits: Option<&Waiting>| Refusal::NothingToApprove {
            environment: self.name().clone(),
            waits: waits.map(|waiting| waiting.asked.in_words()),
        };
        match waiting {
            Some(waiting) if waiting.asked.plan == *plan => Ok(waiting),
            other => Err(nothing(other.as_ref()).into()),
        }
    }

    fn forget_asked(&self) -> Result<(), EngineError> {
        self.catalog().drop_note(ASKED, &self.name().to_string())?;
        self.changed();
        Ok(())
    }

    /// Which person asks.
    fn person(&self) -> Result<Person, EngineError> {
        let unknown = || Refusal::UnknownPerson {
            by: self.who().clone(),
        };
        Ok(self.engine().asked_by().person.clone().ok_or_else(unknown)?)
    }
}
