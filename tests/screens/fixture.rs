//! A backend in memory with a fixed clock and made-up but realistic data: what the cockpit's tests look at.
#![allow(dead_code, reason = "each test program uses a part of it")]

#[cfg(feature = "engine")]
mod serving;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use lifeboat::backend::link::Link;
use lifeboat::backend::{Backend, BackendError, BackendInfo, EventStream};
use lifeboat::domain::activity::{Activity, Notification};
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::check::Report;
use lifeboat::domain::environment::{EnvironmentKind, EnvironmentName};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{Job, JobId, JobKind, LogLine, Phase};
use lifeboat::domain::plan::{PlanId, RestorePlan};
use lifeboat::domain::refusal::{self, Refusal};
use lifeboat::domain::request::{BackupRequest, HoldRequest, JobQuery, RestoreRequest};
use lifeboat::domain::settings::RepositoryChoice;
use lifeboat::domain::state::{EnvironmentDetails, EnvironmentSummary};
use tokio::sync::{broadcast, watch};

pub use super::data::*;

/// Why a backend that is out of reach is so.
pub const OUT_OF_REACH: &str =
    "backups.example.com does not answer (connection refused): check the address and the network";

/// What the backend knows and does.
pub struct State {
    pub environments: BTreeMap<EnvironmentName, EnvironmentDetails>,
    pub jobs: Vec<Job>,
    pub log: Vec<LogLine>,
    pub activity: Vec<Activity>,
    pub notifications: Vec<Notification>,
    /// What `plan_restore` answers.
    pub plan: Result<RestorePlan, BackendError>,
    /// The last plan that was made.
    pub planned: Option<RestorePlan>,
    /// What every call that changes something answers, when it is not done.
    pub refuses: Option<BackendError>,
    /// Why nothing works at all, if nothing does.
    pub broken: Option<String>,
    pub demo: bool,
    /// What it says it is: the engine in this process, or the address of a service.
    pub kind: String,
    /// What was asked for, in order.
    pub calls: Vec<String>,
}

/// The backend.
pub struct Fixture {
    state: Mutex<State>,
    events: broadcast::Sender<Event>,
    silent: AtomicBool,
    link: watch::Sender<Link>,
    /// What a service over it keeps.
    #[cfg(feature = "engine")]
    catalog: std::sync::OnceLock<(tempfile::TempDir, Arc<lifeboat::catalog::Catalog>)>,
}

impl Fixture {
    /// Two projects with everything in order, and some past.
    pub fn new() -> Self {
        let acme = live("acme/live", backups());
        let mut globex = live("globex/live", backups().into_iter().skip(2).collect());
        globex.summary.late = true;
        globex.summary.failed = Some("the backup failed: /srv/globex/author/content/dam could not be read (permission denied); let the user of Lifeboat read it".to_owned());
        globex.summary.slots[2].late = true;
        globex.slot_schedules[2].due = true;
        let environments = [
            acme,
            other("acme/uat", EnvironmentKind::Uat),
            other("acme/integration", EnvironmentKind::Integration),
            globex,
            other("globex/uat", EnvironmentKind::Uat),
        ];
        let state = State {
            environments: environments
                .into_iter()
                .map(|details| (details.summary.name.clone(), details))
                .collect(),
            jobs: past_jobs(),
            log: log(),
            activity: activity(),
            notifications: news(),
            plan: Ok(plan()),
            planned: None,
            refuses: None,
            broken: None,
            demo: false,
            kind: "embedded".to_owned(),
            calls: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            events: broadcast::channel(1024).0,
            silent: AtomicBool::new(false),
            link: watch::Sender::new(Link::Up),
            #[cfg(feature = "engine")]
            catalog: std::sync::OnceLock::new(),
        }
    }

    /// The same, changed in some way.
    pub fn with(change: impl FnOnce(&mut State)) -> Self {
        let fixture = Self::new();
        change(&mut fixture.state());
        fixture
    }

    /// Never answers anything.
    pub fn silent() -> Self {
        let fixture = Self::new();
        fixture.silent.store(true, Ordering::SeqCst);
        fixture
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Tells of something.
    pub fn tell(&self, event: Event) {
        // Nobody may be listening yet.
        let _ = self.events.send(event);
    }

    /// Goes out of reach, or comes back.
    pub fn reachable(&self, reachable: bool) {
        self.set_link(if reachable {
            Link::Up
        } else {
            Link::Down {
                since: now(),
                attempt: 1,
                next_try: Some(now() + chrono::Duration::seconds(1)),
                why: OUT_OF_REACH.to_owned(),
            }
        });
    }

    /// Lets the link stand so.
    pub fn set_link(&self, link: Link) {
        self.link.send_replace(link);
    }

    async fn called(&self, call: impl Into<String>) -> Result<(), BackendError> {
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if *self.link.borrow() != Link::Up {
            return Err(BackendError::OutOfReach(OUT_OF_REACH.to_owned()));
        }
        if let Some(why) = self.state().broken.clone() {
            return Err(BackendError::Failed(why));
        }
        self.state().calls.push(call.into());
        Ok(())
    }

    async fn changing(&self, call: impl Into<String>) -> Result<(), BackendError> {
        self.called(call).await?;
        match self.state().refuses.clone() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Starts a job that runs until the test says otherwise.
    fn begin(&self, environment: &EnvironmentName, kind: JobKind, title: &str) -> JobId {
        let mut state = self.state();
        let number = state.jobs.iter().map(|job| job.id.0).max().unwrap_or(0) + 1;
        let job = job(number, &environment.to_string(), kind, title);
        state.jobs.insert(0, job.clone());
        if let Some(details) = state.environments.get_mut(environment) {
            details.summary.job = Some(job.clone());
        }
        drop(state);
        self.tell(Event::Job(Box::new(job)));
        JobId(number)
    }

    /// A job moves on.
    pub fn move_on(&self, number: u64, change: impl FnOnce(&mut Job)) {
        let mut state = self.state();
        let job = state.jobs.iter_mut().find(|job| job.id.0 == number).unwrap();
        change(job);
        let job = job.clone();
        if let Some(details) = state.environments.get_mut(&job.environment) {
            details.summary.job = (!job.state.has_ended()).then(|| job.clone());
        }
        drop(state);
        self.tell(Event::Job(Box::new(job)));
    }

    fn details(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
        let state = self.state();
        state
            .environments
            .get(name)
            .cloned()
            .ok_or_else(|| BackendError::UnknownEnvironment {
                name: name.to_string(),
                known: "acme/live".to_owned(),
            })
    }

    fn find(&self, id: JobId) -> Result<Job, BackendError> {
        let state = self.state();
        let found = state.jobs.iter().find(|job| job.id == id);
        found.cloned().ok_or(BackendError::UnknownJob(id))
    }
}

#[async_trait]
impl Backend for Fixture {
    async fn check(&self, only: Option<EnvironmentName>) -> Result<Report, BackendError> {
        let name = only.map_or_else(|| "all".to_owned(), |name| name.to_string());
        self.called(format!("check {name}")).await?;
        Ok(report())
    }

    async fn info(&self) -> Result<BackendInfo, BackendError> {
        self.called("info").await?;
        let state = self.state();
        Ok(BackendInfo {
            kind: state.kind.clone(),
            version: "0.1.0".to_owned(),
            places: Vec::new(),
            demo: state.demo,
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

    async fn jobs(&self, _query: JobQuery) -> Result<Vec<Job>, BackendError> {
        self.called("jobs").await?;
        Ok(self.state().jobs.clone())
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

    async fn activity(&self, _limit: u32) -> Result<Vec<Activity>, BackendError> {
        self.called("activity").await?;
        Ok(self.state().activity.clone())
    }

    async fn notifications(&self, _limit: u32) -> Result<Vec<Notification>, BackendError> {
        self.called("notifications").await?;
        Ok(self.state().notifications.clone())
    }

    async fn notifications_seen(&self, up_to: u64) -> Result<(), BackendError> {
        self.called(format!("seen {up_to}")).await
    }

    async fn start_backup(&self, request: BackupRequest) -> Result<JobId, BackendError> {
        let note = request.note.clone().unwrap_or_default();
        let to = request
            .upgrade_to
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        self.changing(format!("backup {} note={note} to={to}", request.environment))
            .await?;
        Ok(self.begin(&request.environment, JobKind::Backup, "manual backup"))
    }

    async fn plan_restore(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError> {
        let selection = &request.selection;
        self.called(format!(
            "plan {} {} instances={} workspaces={}",
            request.environment,
            &request.backup[..8],
            selection.instances.len(),
            selection.workspaces.len()
        ))
        .await?;
        let plan = self.state().plan.clone();
        let mut plan = plan?;
        plan.selection = request.selection;
        plan.without_safety = request.without_safety;
        plan.even_if_unchanged = request.even_if_unchanged;
        plan.from = request.from;
        self.state().planned = Some(plan.clone());
        Ok(plan)
    }

    async fn start_restore(&self, plan: PlanId, confirm: String) -> Result<JobId, BackendError> {
        let planned = self.state().planned.clone().filter(|planned| planned.id == plan);
        let planned = planned.expect("a restore follows the plan that was made");
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
        let title = "restore of 3b90aa17 (daily)";
        let id = self.begin(&planned.environment, JobKind::Restore, title);
        if planned.without_safety {
            // Of an environment without hooks and health addresses.
            let left_out = [
                Phase::SafetyBackup,
                Phase::HooksBefore,
                Phase::Hooks,
                Phase::Health,
            ];
            self.move_on(id.0, |job| job.left_out = left_out.to_vec());
        }
        Ok(id)
    }

    async fn start_undo(&self, environment: EnvironmentName, confirm: String) -> Result<JobId, BackendError> {
        self.changing(format!("undo {environment}")).await?;
        refusal::confirmed(&environment, &confirm)?;
        Ok(self.begin(&environment, JobKind::Undo, "undo: back to c4479e01"))
    }

    async fn start_confirm(&self, environment: EnvironmentName) -> Result<JobId, BackendError> {
        self.changing(format!("confirm {environment}")).await?;
        Ok(self.begin(&environment, JobKind::Prune, "dropping replaced tables"))
    }

    async fn start_verify(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        let which = backup.as_deref().map_or("all", |id| &id[..8]);
        self.changing(format!("verify {environment} {which}")).await?;
        Ok(self.begin(&environment, JobKind::Verify, "verify"))
    }

    async fn start_drill(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        let which = backup.as_deref().map_or("newest", |id| &id[..8]);
        self.changing(format!("drill {environment} {which}")).await?;
        Ok(self.begin(&environment, JobKind::Drill, "drill of 3b90aa17"))
    }

    async fn cancel(&self, id: JobId) -> Result<(), BackendError> {
        self.changing(format!("cancel {id}")).await?;
        self.move_on(id.0, |job| job.cancel_asked = true);
        Ok(())
    }

    async fn delete_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        self.changing(format!("delete {environment} {backup}")).await
    }

    async fn extend_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        self.changing(format!("extend {environment} {backup}")).await
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

/// A refusal as the backend gives it.
pub fn busy() -> BackendError {
    BackendError::Refused(Refusal::Busy {
        environment: name("acme/live"),
        job: JobId(40),
        kind: JobKind::Prune,
    })
}

/// The fixture, ready to be shared with a cockpit.
pub fn shared(fixture: Fixture) -> Arc<Fixture> {
    Arc::new(fixture)
}
