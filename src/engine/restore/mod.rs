//! Restores: plan, safety backup, stage beside Live, verify what was staged, hooks, switch, hooks and health, clean up.
//!
//! Until the switch begins nothing of Live is touched, and the journal says so. From then on everything that is needed to
//! finish it is on disk, staged and verified. A crash at any instant is settled by `recover`.

mod after;
mod approval;
pub(super) mod brought;
mod chosen;
pub(super) mod clearing;
mod elsewhere;
mod expected;
mod halves;
mod indexing;
mod interrupted;
pub(super) mod journal;
mod last_restore;
mod left_behind;
mod left_beside;
mod lost;
mod newer;
mod outcome;
pub(super) mod plan;
mod planned;
pub(super) mod recover;
mod resting;
mod safety;
mod search_indexes;
pub(super) mod staged;
mod standstill;
mod stopping;
mod switching;
mod titles;
mod unchanged;
mod undo;
mod undone;
mod written;

use std::cell::Cell;

use after::leave_out_unconfigured;
use approval::Agreed;
pub use approval::start_restore_alone;
use journal::{Journal, Stage};
use outcome::outcome;
use plan::Planned;
use staged::{Restored, StagedInstance};
pub use stopping::NO_MAGNOLIA;
use titles::{from_where, in_which, limited};
use undone::Undone;

use super::{Engine, EngineError, Live, Work};
use crate::catalog::StoredPlan;
use crate::content::restoring::{TakenBack, Wanted};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Verification};
use crate::domain::job::{InstanceHealth, JobId, JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::milestone::Milestone;
use crate::domain::plan::{PlanId, Selection, WorkspaceChange};
use crate::domain::refusal::{Refusal, confirmed};
use crate::domain::settings::{InstanceSettings, RepositoryChoice};
use crate::engine::jobs::lock::Needs;
use crate::engine::jobs::start::Beginning;

/// How often the safety backup is taken anew when Live changed between it and the switch.
const SAFETY_ATTEMPTS: u32 = 3;

/// How a restore is done.
#[derive(Debug, Clone, Default)]
struct Way {
    /// Which part of the backup.
    selection: Selection,
    /// Whether the safety backup is left out.
    without_safety: bool,
    /// Whether it goes on where nothing would change.
    even_if_unchanged: bool,
    /// Which of the two repositories the backup comes from.
    from: RepositoryChoice,
    /// What would change, as the plan that was confirmed has found. A restore puts everything back whatever it is, so
    /// Live is not read once more to know it. `None` without a plan.
    known: Option<Vec<WorkspaceChange>>,
    /// That the first repository is lost, and the safety backup goes to the second: the sentence that says so.
    first_lost: Option<String>,
    /// That the first repository has turned out to take nothing: it is not tried again when the safety backup is taken
    /// anew, since that may be as much work as the first time, and people wait.
    first_takes_nothing: Cell<bool>,
    /// That nobody else has agreed where somebody has to: why.
    alone: Option<String>,
    /// The restore that it takes back, if it is an undo.
    undone: Option<Undone>,
}

impl Way {
    /// Whether it takes back the restore that this safety backup was taken for, with exactly what that had replaced. Which of the
    /// restores that is, [`Live::taken_back`] tells.
    fn takes_back(&self, backup: &Backup) -> bool {
        backup.manifest.replaced.as_ref() == Some(&self.selection)
    }

    /// What a plan is asked for that takes back this restore, or none.
    fn wanted(&self, takes_back: Option<TakenBack>) -> Wanted<'_> {
        Wanted {
            selection: &self.selection,
            without_safety: self.without_safety,
            takes_back,
            known: self.known.as_deref(),
        }
    }

    /// Which repository the safety backup goes to.
    fn safety_goes_to(&self) -> RepositoryChoice {
        if self.first_lost.is_some() || self.first_takes_nothing.get() {
            RepositoryChoice::Copy
        } else {
            RepositoryChoice::First
        }
    }
}

/// Starts the restore that a plan describes. `confirm` is what the person typed under it.
///
/// # Errors
/// A refusal (rules 5, 8, 9, 12, 13), also of a plan that is stale or has an obstacle; a backup that is damaged.
pub fn start_restore(engine: &Engine, plan: &PlanId, confirm: &str) -> Result<JobId, EngineError> {
    let stored = planned::known_plan(engine, plan)?;
    engine
        .live(&stored.plan.environment)?
        .start_restore(&stored, confirm, &Agreed::Nobody)
}

impl Live {
    fn start_restore(
        &self,
        stored: &StoredPlan,
        confirm: &str,
        agreed: &Agreed,
    ) -> Result<JobId, EngineError> {
        let StoredPlan { plan, basis } = stored;
        self.may_restore(confirm)?;
        let backup = self.still_holds(plan, basis)?;
        self.not_damaged(&backup)?;
        if let Some(obstacle) = plan.obstacles.first() {
            return Err(Refusal::Obstacle(obstacle.clone()).into());
        }
        let title = format!(
            "restore of {} ({}){}{}",
            backup.id,
            backup.manifest.called(),
            from_where(plan.from),
            limited(&plan.selection)
        );
        let way = Way {
            known: unchanged::worth_keeping(plan),
            alone: match agreed {
                Agreed::BrokenGlass(reason) if self.settings().approve => Some(reason.clone()),
                _ => None,
            },
            ..Way::of(plan)
        };
        let alone = way.alone.clone();
        let (title, for_whom) = match agreed {
            Agreed::Nobody if self.settings().approve => return Err(self.ask_for(stored, &title)),
            // It is done for whoever asked, whoever else has agreed.
            Agreed::To(by) => (format!("{title} (approved by {})", self.who()), self.asked_by(by)),
            _ => (title, self.clone()),
        };
        let job = for_whom.start_restore_of(backup, way, JobKind::Restore, &title)?;
        if let Some(reason) = alone {
            self.tell_of_broken_glass(&title, &reason, job);
        }
        Ok(job)
    }

    /// Takes back the last restore: by an exchange with the tables that it replaced, where they still stand; else by a
    /// restore of its safety backup, limited to what it had replaced.
    ///
    /// # Errors
    /// As [`Live::start_restore`]; a refusal when neither stands.
    pub fn start_undo(&self, confirm: &str) -> Result<JobId, EngineError> {
        self.may_restore(confirm)?;
        self.may_undo_alone()?;
        // What there is to take back is known only when an interrupted switch is finished: until then some instances have
        // tables to go back to and others do not, and going back would mix them.
        recover::settle_abandoned(self.engine())?;
        if self.catalog().running(self.name())?.is_none() {
            self.settle_journal()?;
        }
        if let Some(left) = self.tables_to_go_back_to()? {
            return self.start_exchange_back(left);
        }
        let backup = self.safety_of_the_last_restore()?;
        let selection = backup.manifest.replaced.clone().unwrap_or_default();
        let from = self.which_holds(&backup.id);
        let undone = self.undone();
        let how = format!("restore of the safety backup {}{}", backup.id, in_which(from));
        let title = undone.title(&how, &selection);
        let way = Way {
            selection,
            even_if_unchanged: true,
            from,
            undone: Some(undone),
            ..Way::default()
        };
        self.start_restore_of(backup, way, JobKind::Undo, &title)
    }

    fn may_restore(&self, confirm: &str) -> Result<(), EngineError> {
        let name = self.name();
        if let Some(protection) = self.catalog().holds(name)?.protection {
            return Err(Refusal::Protected {
                environment: name.clone(),
                reason: protection.reason,
            }
            .into());
        }
        confirmed(name, confirm)?;
        Ok(())
    }

    /// Whether the backup may be restored: not one that was found damaged.
    fn not_damaged(&self, backup: &Backup) -> Result<(), Refusal> {
        let Verification::Damaged { why, .. } = &backup.verification else {
            return Ok(());
        };
        Err(Refusal::Damaged {
            backup: backup.id.to_string(),
            why: format!("{why}{}", self.copy_instead(&backup.id)),
        })
    }

    fn start_restore_of(
        &self,
        backup: Backup,
        way: Way,
        kind: JobKind,
        title: &str,
    ) -> Result<JobId, EngineError> {
        self.not_damaged(&backup)?;
        let beginning = Beginning {
            reads: way.from,
            needs: if way.without_safety {
                Needs::Reading
            } else {
                Needs::Writing
            },
            ..Beginning::of(kind, title)
        };
        self.begin(&beginning, move |live, work| {
            // Protection may have been set while the job waited.
            live.may_restore(&live.name().to_string())?;
            let first_lost = live.first_lost(&way)?;
            live.restore(work, &backup, &Way { first_lost, ..way })
        })
    }

    /// What stands in the way of keeping the safety backup in the first repository, where the restore can do without that.
    fn first_lost(&self, way: &Way) -> Result<Option<String>, EngineError> {
        if way.from == RepositoryChoice::First || way.without_safety {
            return Ok(None);
        }
        self.first_is_lost()
    }

    fn restore(&self, work: &Work, backup: &Backup, way: &Way) -> Result<Outcome, EngineError> {
        let name = self.name();
        let selection = &way.selection;
        if way.without_safety {
            work.leaves_out(&[Phase::SafetyBackup]);
        }
        work.phase(Phase::Preparing)?;
        let Planned {
            plan,
            beforehand,
            still_so,
            ..
        } = self.plan(backup.clone(), way, work)?;
        if let Some(obstacle) = plan.obstacles.first() {
            return Err(Refusal::Obstacle(obstacle.clone()).into());
        }
        let (added, changed, removed) = plan.totals();
        work.log(
            Severity::Information,
            &format!(
                "the plan: {} to add, {changed} to change, {removed} to remove",
                measure::items(added)
            ),
        );
        let chosen = self.chosen(backup, selection);
        if chosen.is_empty() {
            return Err(Refusal::Obstacle("nothing of this environment is in the backup".to_owned()).into());
        }
        if plan.ends_at_once() {
            return Ok(unchanged::nothing_to_do(work, backup, way));
        }
        leave_out_unconfigured(work, &chosen);
        let repository = self.repository_holding(&backup.id)?;
        let restored = Restored {
            repository: &repository,
            backup,
            selection,
        };

        for warning in plan.stopping.by_hand.iter().chain(&beforehand) {
            work.log(Severity::Warning, warning);
        }
        work.was_known(&still_so);
        let mut warnings = Vec::new();
        // What has to rest for a copy is copied when it does.
        let is_saved_later = !self.resting(&chosen).is_empty();
        self.note_how_it_is_saved(work, backup, way, &mut warnings);
        warnings.extend(agreed_by_nobody(work, way));
        let mut safety = if way.without_safety || is_saved_later {
            None
        } else {
            self.take_safety_backup(work, backup, way, &mut warnings)?
        };
        let say = |severity: Severity, text: &str| work.log(severity, text);
        let staged = self
            .beside(work, restored, &chosen)
            .inspect_err(|_| self.drop_safety(safety.as_ref(), &say))?;
        let instances: Result<_, _> = staged.iter().map(StagedInstance::record).collect();
        let mut journal = Journal {
            environment: name.clone(),
            job: work.id(),
            backup: backup.id.clone(),
            safety: safety.as_ref().map(|safety| safety.id.clone()),
            safety_taken: safety.as_ref().map(|safety| safety.manifest.taken),
            brought: Some(self.brought_by_restore(&plan)),
            stage: Stage::Staging,
            instances: instances.inspect_err(|_| self.drop_safety(safety.as_ref(), &say))?,
            indexes_removed: false,
            settled: Vec::new(),
        };
        self.write_journal(&journal)
            .inspect_err(|_| self.drop_safety(safety.as_ref(), &say))?;
        let prepared = self
            .make_beside(&staged, &mut journal)
            .and_then(|()| stage(work, restored, &staged))
            .and_then(|()| {
                if way.without_safety || is_saved_later {
                    return Ok(());
                }
                self.renew_safety(work, backup, way, &mut safety, &mut warnings)
            })
            .and_then(|()| self.run_before_restore(work, &journal))
            .and_then(|()| self.save_at_rest(work, backup, way, &journal, &mut safety, &mut warnings))
            .and_then(|()| self.wait_until_nobody_is_connected(work, &journal))
            .and_then(|()| self.begin_switch(work, selection, &staged, safety.as_ref(), &mut journal));
        if let Err(error) = prepared.and_then(|()| self.switch(work, &mut journal)) {
            // What is staged, and the journal, are those of whoever has taken the job over.
            work.check_claim()?;
            // A switch that is done in part stays in the journal, and its safety backup with it.
            return Err(if journal.stage == Stage::Staging {
                // First of all whatever was stopped for the switch is started again.
                self.take_up_again(work, &error);
                self.give_up(work, &journal, safety.as_ref(), error)
            } else {
                error
            });
        }
        let health = self.after_switch(work, &journal, Some(backup.manifest.taken), &mut warnings)?;
        let safety = safety.map(|safety| {
            let which = self.which_holds(&safety.id);
            (safety.id, which)
        });
        Ok(outcome(work, backup, way, safety, warnings, health).with_more(&journal.told_of_clusters()))
    }

    /// Notes that there will be no safety backup, or that it goes elsewhere than usual.
    fn note_how_it_is_saved(&self, work: &Work, backup: &Backup, way: &Way, warnings: &mut Vec<String>) {
        if way.without_safety {
            let text = format!(
                "the restore of {} is done without a safety backup, by choice of {}",
                backup.id,
                work.by()
            );
            work.log(Severity::Warning, &text);
            self.record_activity(&work.by(), &text, Some(work.id()), Severity::Warning);
            warnings.push(Self::NO_SAFETY.to_owned());
        } else if let Some(lost) = &way.first_lost {
            self.record_activity(&work.by(), lost, Some(work.id()), Severity::Warning);
        }
    }

    /// The instances of a selection that the backup holds.
    fn chosen(&self, backup: &Backup, selection: &Selection) -> Vec<&InstanceSettings> {
        let copies = &backup.manifest.instances;
        let is_chosen = |instance: &&InstanceSettings| {
            selection.has_instance(&instance.name) && copies.iter().any(|copy| copy.name == instance.name)
        };
        self.settings().instances.iter().filter(is_chosen).collect()
    }

    /// Makes the folders that content is staged into, and notes which they are: after a crash nothing else is trusted or
    /// removed in their places.
    fn make_beside(&self, staged: &[StagedInstance<'_>], journal: &mut Journal) -> Result<(), EngineError> {
        let mut has_made = false;
        for (staged, record) in staged.iter().zip(&mut journal.instances) {
            if staged.staged.make()? {
                *record = staged.record()?;
                has_made = true;
            }
        }
        if has_made {
            self.write_journal(journal)
        } else {
            Ok(())
        }
    }

    /// What follows a switch to content of this moment: search indexes, hooks, health, and removing what is no longer needed.
    fn after_switch(
        &self,
        work: &Work,
        journal: &Journal,
        content_of: Option<Instant>,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<InstanceHealth>, EngineError> {
        work.reached(Milestone::ContentLive, content_of);
        work.log(Severity::Information, "Live has the restored content");
        let say = |severity: Severity, text: &str| work.log(severity, text);
        warnings.extend(self.unconfirmed(journal, &say));
        warnings.extend(self.connected_meanwhile(journal, &say));
        work.phase(Phase::Hooks)?;
        warnings.extend(self.remove_search_indexes(journal, &say));
        warnings.extend(self.run_hooks(journal, &say));
        work.phase(Phase::Health)?;
        let health = self.check_health(journal, &say);
        warnings.extend(health.iter().filter(|health| !health.up).map(not_up));
        work.phase(Phase::CleaningUp)?;
        warnings.extend(self.clean_up(journal));
        Ok(health)
    }

    /// What an outcome and the activity log say of a restore without a safety backup.
    const NO_SAFETY: &str = "no safety backup was taken, by choice: only what the restore replaced beside Live can bring \
                             the old content back";
}

/// Writes the backup's content beside Live and reads it back from there.
fn stage(work: &Work, restored: Restored<'_>, staged: &[StagedInstance<'_>]) -> Result<(), EngineError> {
    work.phase(Phase::Staging)?;
    for staged in staged {
        staged.stage(restored, work)?;
    }
    work.phase(Phase::VerifyingStaged)?;
    for staged in staged {
        staged.verify(restored, work)?;
    }
    Ok(())
}

fn not_up(health: &InstanceHealth) -> String {
    format!("{} is not up: {}", health.who(), health.detail)
}

/// That whoever restores has broken glass, as a sentence.
fn agreed_by_nobody(work: &Work, way: &Way) -> Option<String> {
    let reason = way.alone.as_ref()?;
    Some(format!(
        "nobody else has agreed to it, {} broke glass: {reason}",
        work.by()
    ))
}
