//! What the backend in memory answers.

use async_trait::async_trait;
use lifeboat::backend::link::Link;
use lifeboat::backend::{Backend, BackendError, BackendInfo, EventStream};
use lifeboat::domain::activity::{Activity, Notification};
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::check::Report;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{Job, JobId, JobKind, JobState, LogLine};
use lifeboat::domain::lifeboat_node::LifeboatNode;
use lifeboat::domain::notify::{ReceiverStanding, ReceiverTest};
use lifeboat::domain::plan::{PlanId, RestorePlan};
use lifeboat::domain::refusal::{self, Refusal};
use lifeboat::domain::request::{
    BackupRequest, ExtractRequest, HoldRequest, JobQuery, PinRequest, RestoreRequest,
};
use lifeboat::domain::settings::RepositoryChoice;
use lifeboat::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};
use lifeboat::domain::stop::{StopReason, Unseen};
use tokio::sync::watch;

use super::{Fixture, Script};

/// The beginning of an id, or the whole word that stands for a backup.
fn short(backup: &str) -> &str {
    backup.get(..8).unwrap_or(backup)
}

#[async_trait]
impl Backend for Fixture {
    async fn check(&self, only: Option<EnvironmentName>) -> Result<Report, BackendError> {
        let name = only
            .as_ref()
            .map_or_else(|| "all".to_owned(), ToString::to_string);
        self.called(format!("check {name}")).await?;
        if let Some(name) = &only {
            self.details(name)?;
        }
        let report = self.state().report;
        Ok(report(only.as_ref()))
    }

    async fn info(&self) -> Result<BackendInfo, BackendError> {
        self.called("info").await?;
        let state = self.state();
        Ok(BackendInfo {
            kind: state.kind.clone(),
            version: "0.1.0".to_owned(),
            places: state.places.clone(),
            demo: state.demo,
            you: state.you.clone(),
        })
    }

    async fn environments(&self) -> Result<Vec<EnvironmentSummary>, BackendError> {
        self.called("environments").await?;
        let state = self.state();
        Ok(state
            .environments
            .values()
            .map(|details| details.summary.clone())
            .collect())
    }

    async fn environment(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
        self.called(format!("environment {name}")).await?;
        self.details(name)
    }

    async fn jobs(&self, query: JobQuery) -> Result<Vec<Job>, BackendError> {
        self.called("jobs").await?;
        let state = self.state();
        let asked = |job: &&Job| {
            let asked = query.environment.as_ref();
            asked.is_none_or(|name| job.environment == *name)
        };
        let jobs = state.jobs.iter().filter(asked);
        Ok(jobs.take(query.limit as usize).cloned().collect())
    }

    async fn job(&self, id: JobId) -> Result<Job, BackendError> {
        self.called(format!("job {id}")).await?;
        self.find(id)
    }

    async fn job_log(&self, id: JobId, after: u64) -> Result<Vec<LogLine>, BackendError> {
        self.called(format!("log {id} after {after}")).await?;
        let state = self.state();
        Ok(state
            .log
            .iter()
            .filter(|line| line.number > after)
            .cloned()
            .collect())
    }

    async fn activity(&self, limit: u32) -> Result<Vec<Activity>, BackendError> {
        self.called("activity").await?;
        let state = self.state();
        Ok(state.activity.iter().take(limit as usize).cloned().collect())
    }

    async fn notifications(&self, _limit: u32) -> Result<Vec<Notification>, BackendError> {
        self.called("notifications").await?;
        Ok(self.state().notifications.clone())
    }

    async fn receivers(&self) -> Result<Vec<ReceiverStanding>, BackendError> {
        self.called("receivers").await?;
        Ok(self.state().receivers.clone())
    }

    async fn test_receivers(&self, only: Option<String>) -> Result<Vec<ReceiverTest>, BackendError> {
        self.called("test_receivers").await?;
        let receivers = self.state().receivers.clone();
        let chosen = receivers
            .into_iter()
            .filter(|it| only.as_ref().is_none_or(|name| *name == it.name));
        let tests = chosen.map(|it| ReceiverTest {
            delivered: it.failing_since.is_none(),
            detail: it.why.unwrap_or_else(|| "it answered 200 OK".to_owned()),
            name: it.name,
            kind: it.kind,
        });
        Ok(tests.collect())
    }

    async fn before_undo(&self, environment: &EnvironmentName) -> Result<BeforeUndo, BackendError> {
        self.called(format!("before undo of {environment}")).await?;
        let state = self.state();
        if let Some(error) = state.undo_untold.clone() {
            return Err(error);
        }
        let replaced = state
            .environments
            .get(environment)
            .map(|details| &details.replaced);
        let of_parts = replaced
            .into_iter()
            .flatten()
            .filter(|tables| tables.selection.has_paths());
        let written = of_parts.map(|tables| {
            format!(
                "{}: 14 nodes were added or changed since the restore in website, and an undo sets that aside",
                tables.instance
            )
        });
        let details = state.environments.get(environment);
        Ok(BeforeUndo {
            undo_of: details.and_then(|details| details.undo_of.clone()),
            puts_back: vec![
                "It undoes the restore of job 41 (2026-11-23 00:17 UTC) and puts back everything that it replaced".to_owned(),
                "What was changed in Live since that restore is set aside, and an undo of this undo brings it back".to_owned(),
            ],
            stopping: lifeboat::domain::plan::Stopping::default(),
            written: written.collect(),
        })
    }

    async fn nodes(&self) -> Result<Vec<LifeboatNode>, BackendError> {
        self.called("nodes").await?;
        Ok(self.state().nodes.clone())
    }

    async fn notifications_seen(&self, up_to: u64) -> Result<(), BackendError> {
        self.called(format!("seen {up_to}")).await
    }

    async fn start_backup(&self, request: BackupRequest) -> Result<JobId, BackendError> {
        let note = request.note.clone().unwrap_or_default();
        let to = request.upgrade_to.as_ref().map(ToString::to_string);
        self.changing(format!(
            "backup {} note={note} to={}",
            request.environment,
            to.as_deref().unwrap_or_default()
        ))
        .await?;
        let details = self.details(&request.environment)?;
        refusal::only_live(&request.environment, details.summary.kind)?;
        if let Some(busy) = self.state().busy.get(&request.environment) {
            return Err(busy.clone().into());
        }
        Ok(self.begin(&request.environment, JobKind::Backup, to.as_deref()))
    }

    async fn plan_restore(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError> {
        let selection = &request.selection;
        self.called(format!(
            "plan {} {} instances={} workspaces={}",
            request.environment,
            short(&request.backup),
            selection.instances.len(),
            selection.workspaces.len()
        ))
        .await?;
        let mut state = self.state();
        let mut plan = state.plan.clone()?;
        plan.selection = request.selection.clone();
        plan.without_safety = request.without_safety;
        plan.even_if_unchanged = request.even_if_unchanged;
        plan.from = request.from;
        (state.fit_plan)(&request, &mut plan);
        state.planned = Some((request, plan.clone()));
        Ok(plan)
    }

    async fn start_restore(&self, plan: PlanId, confirm: String) -> Result<JobId, BackendError> {
        let planned = self
            .state()
            .planned
            .clone()
            .filter(|(_, planned)| planned.id == plan);
        let (request, planned) = planned.expect("a restore follows the plan that was made");
        self.changing(format!(
            "restore {} {}{}",
            planned.environment,
            planned.backup.id.short(),
            match (planned.from, planned.without_safety) {
                (RepositoryChoice::Copy, _) => " from the copy",
                (_, true) => " without a safety backup",
                _ if planned.even_if_unchanged => " although nothing would change",
                _ => "",
            }
        ))
        .await?;
        refusal::confirmed(&planned.environment, &confirm)?;
        let id = self.begin(&planned.environment, JobKind::Restore, Some(&request.backup));
        let left_out = self.state().manner.left_out;
        if planned.without_safety && !left_out.is_empty() {
            self.move_on(id.0, |job| job.left_out = left_out.to_vec());
        }
        Ok(id)
    }

    async fn start_undo(&self, environment: EnvironmentName, confirm: String) -> Result<JobId, BackendError> {
        self.changing(format!("undo {environment}")).await?;
        refusal::confirmed(&environment, &confirm)?;
        Ok(self.begin(&environment, JobKind::Undo, None))
    }

    async fn start_confirm(&self, environment: EnvironmentName) -> Result<JobId, BackendError> {
        self.changing(format!("confirm {environment}")).await?;
        Ok(self.begin(&environment, JobKind::Prune, None))
    }

    async fn start_verify(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        let which = backup.as_deref().map_or("all", short);
        self.changing(format!("verify {environment} {which}")).await?;
        Ok(self.begin(&environment, JobKind::Verify, backup.as_deref()))
    }

    async fn start_drill(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        let which = backup.as_deref().map_or("newest", short);
        self.changing(format!("drill {environment} {which}")).await?;
        Ok(self.begin(&environment, JobKind::Drill, backup.as_deref()))
    }

    async fn start_extract(&self, request: ExtractRequest) -> Result<JobId, BackendError> {
        let (environment, backup) = (request.environment, request.backup);
        let into = request.into;
        self.changing(format!("extract {environment} {} into {into}", short(&backup)))
            .await?;
        Ok(self.begin(&environment, JobKind::Extract, Some(&backup)))
    }

    async fn cancel(&self, id: JobId) -> Result<(), BackendError> {
        self.stop(id, StopReason::Asked { by: "kim".into() }).await
    }

    async fn stop(&self, id: JobId, why: StopReason) -> Result<(), BackendError> {
        self.changing(format!("cancel {id}")).await?;
        let script = self.state().manner.script;
        if script == Script::Stays {
            self.move_on(id.0, |job| job.cancel_asked = true);
            return Ok(());
        }
        let mut job = self.find(id)?;
        job.cancel_asked = true;
        job.stop_reason = Some(why);
        if script == Script::StopsWhenAsked {
            job.state = JobState::Cancelled;
            self.tell(Event::Job(Box::new(job)));
        }
        Ok(())
    }

    async fn go_on_unseen(&self, why: Unseen) -> Result<(), BackendError> {
        let mut state = self.state();
        state.unseen = Some(why);
        if state.manner.script != Script::Stays {
            let mut job = state.jobs[0].clone();
            job.state = state.manner.end_unseen();
            drop(state);
            self.tell(Event::Job(Box::new(job)));
        }
        Ok(())
    }

    async fn delete_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        self.changing(format!("delete {environment} {backup}")).await?;
        let details = self.details(&environment)?;
        let holds = |slots: &[_]| self.state().keeps_slots && !slots.is_empty();
        let chosen = details.backups.iter().find(|other| other.id == backup);
        if chosen.is_some_and(|chosen| holds(&chosen.manifest.slots)) {
            return Err(Refusal::BackupHeld {
                backup: backup.to_string(),
                why: "it holds a slot, and goes when its successor is verified".to_owned(),
            }
            .into());
        }
        Ok(())
    }

    async fn extend_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        self.changing(format!("extend {environment} {backup}")).await?;
        let mut state = self.state();
        let Some(extended) = state.extended.clone() else {
            return Ok(());
        };
        let details = state.environments.get_mut(&environment).unwrap();
        let position = details.backups.iter().position(|other| other.id == backup);
        details.backups[position.unwrap()] = extended;
        drop(state);
        self.tell(Event::Environment { name: environment });
        Ok(())
    }

    async fn start_restore_alone(
        &self,
        plan: PlanId,
        confirm: String,
        reason: String,
    ) -> Result<JobId, BackendError> {
        self.changing(format!("broken glass {reason}")).await?;
        self.start_restore(plan, confirm).await
    }

    async fn approve_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        confirm: String,
    ) -> Result<JobId, BackendError> {
        self.changing(format!("approve {environment} {plan}")).await?;
        self.start_restore(plan, confirm).await
    }

    async fn reject_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        reason: Option<String>,
    ) -> Result<(), BackendError> {
        self.changing(format!("reject {environment} {plan} {reason:?}"))
            .await
    }

    async fn pin_backup(&self, request: PinRequest) -> Result<(), BackendError> {
        let (name, id) = (&request.environment, &request.backup);
        self.changing(format!("pin {name} {id} {:?} {:?}", request.until, request.note))
            .await
    }

    async fn unpin_backup(&self, environment: EnvironmentName, backup: BackupId) -> Result<(), BackendError> {
        self.changing(format!("unpin {environment} {backup}")).await
    }

    async fn hold(&self, request: HoldRequest) -> Result<(), BackendError> {
        let reason = request.reason.clone().unwrap_or_default();
        self.changing(format!(
            "hold {} {:?} {} {reason}",
            request.environment, request.hold, request.on
        ))
        .await
    }

    async fn break_live(&self, environment: EnvironmentName) -> Result<String, BackendError> {
        self.changing(format!("break {environment}")).await?;
        Ok(format!(
            "{environment}: 312 items of website and 40 of dam were deleted, and 57 pages were written over, on all three instances"
        ))
    }

    fn events(&self) -> EventStream {
        EventStream(self.events.subscribe())
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }
}
