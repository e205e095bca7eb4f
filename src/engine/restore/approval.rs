//! A second person: where the environment says `approve = true`, a restore is asked for, and begins when another owner agrees.
//!
//! What waits is no job and holds nothing: it is a note in the catalog that names a plan, so that it survives whatever becomes of
//! the process that asked. It is followed as that plan is: if what the plan was made from has changed since, it is refused
//! then, and has to be asked for anew. Not in here: who counts as another person (`domain::approval`).

use crate::catalog::StoredPlan;
use crate::domain::activity::Severity;
use crate::domain::approval::{Asked, Person};
use crate::domain::deed::{ApprovalNews, Deed};
use crate::domain::job::{Job, JobId, JobKind, JobState};
use crate::domain::plan::PlanId;
use crate::domain::principal::Principal;
use crate::domain::refusal::{Refusal, confirmed};
use crate::domain::request::JobQuery;
use crate::engine::{Engine, EngineError, Live};

/// An undo takes back a restore that was agreed to, and needs nobody for so long after it.
const UNDO_ALONE: chrono::Duration = chrono::Duration::days(1);

/// The kind of the notes that say what waits, one for each environment.
const ASKED: &str = "approval";

/// What waits, with which person asked.
#[derive(serde::Serialize, serde::Deserialize)]
struct Waiting {
    asked: Asked,
    person: Person,
}

/// Starts it although nobody else has agreed, where that is needed: loudly. `reason` says why.
///
/// # Errors
/// As [`super::start_restore`]; [`Refusal::NotNeeded`] without a reason.
pub fn start_restore_alone(
    engine: &Engine,
    plan: &PlanId,
    confirm: &str,
    reason: &str,
) -> Result<JobId, EngineError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::NotNeeded("nothing was done: say why nobody else can agree".to_owned()).into());
    }
    let stored = super::planned::known_plan(engine, plan)?;
    let live = engine.live(&stored.plan.environment)?;
    live.start_restore(&stored, confirm, &Agreed::BrokenGlass(reason.to_owned()))
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
        };
        let until = asked.until;
        let text = format!(
            "another owner has to agree: {}. `lifeboat approve {name}`",
            asked.in_words()
        );
        let waiting = Waiting { asked, person };
        let note = serde_json::to_string(&waiting).map_err(|error| EngineError::Failed(error.to_string()))?;
        self.catalog()
            .set_note(ASKED, &name.to_string(), &note, self.now())?;
        self.engine()
            .did(Deed::Approval(ApprovalNews::Asked(waiting.asked)));
        self.remember(self.who(), &text, None, Severity::Warning);
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
        let asked = waiting.asked;
        let started = super::planned::known_plan(self.engine(), plan)
            .and_then(|stored| self.start_restore(&stored, confirm, &Agreed::To(asked.by.clone())));
        if let Err(EngineError::Refused(Refusal::StalePlan { .. })) = &started {
            // It is asked anew, from a new plan.
            self.forget_asked()?;
        }
        let job = started?;
        self.forget_asked()?;
        self.engine().did(Deed::Approval(ApprovalNews::Approved {
            asked: asked.clone(),
            by: self.who().clone(),
            job,
        }));
        let text = format!("approved the {}, asked by {}", asked.title, asked.by);
        self.remember(self.who(), &text, Some(job), Severity::Information);
        Ok(job)
    }

    /// Ends a question: the restore is not done. Whoever asked may take it back in this way too.
    ///
    /// # Errors
    /// A refusal when nothing waits, or something else by now; a catalog that cannot be written.
    pub fn reject(&self, plan: &PlanId, reason: Option<&str>) -> Result<(), EngineError> {
        let asked = self.waiting_for(plan)?.asked;
        self.forget_asked()?;
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let text = format!("rejected the {}, asked by {}{why}", asked.title, asked.by);
        self.engine().did(Deed::Approval(ApprovalNews::Rejected {
            asked,
            by: self.who().clone(),
            reason: reason.map(str::to_owned),
        }));
        self.remember(self.who(), &text, None, Severity::Warning);
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
        self.remember(self.who(), &text, Some(job), Severity::Critical);
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
        let waiting = self.waiting()?.filter(|waiting| waiting.asked.plan == *plan);
        let nothing = || Refusal::NothingToApprove {
            environment: self.name().clone(),
        };
        Ok(waiting.ok_or_else(nothing)?)
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
