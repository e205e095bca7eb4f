//! A backend that answers with the made-up data, keeps what it was asked to change, and plays jobs from a script.

mod serving;

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use lifeboat::backend::{Backend, BackendError, BackendInfo, EventStream};
use lifeboat::catalog::Catalog;
use lifeboat::domain::activity::{Activity, Notification};
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::check::Report;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{Job, JobId, JobKind, JobState, LogLine, Outcome, Phase};
use lifeboat::domain::plan::{PlanId, RestorePlan};
use lifeboat::domain::refusal::{self, Refusal};
use lifeboat::domain::request::{BackupRequest, HoldRequest, JobQuery, RestoreRequest};
use lifeboat::domain::state::{EnvironmentDetails, EnvironmentSummary};
use lifeboat::domain::stop::{StopReason, Unseen};
use tempfile::TempDir;
use tokio::sync::broadcast;

use crate::data;

/// How a job that is started goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Script {
    /// Through its phases to a good end.
    #[default]
    Succeeds,
    /// It fails while it copies.
    Fails,
    /// It waits, copies, and goes on until it is cancelled.
    StopsWhenAsked,
    /// It copies, and does not stop when it is asked to.
    GoesOn,
    /// It copies until it is told that nobody looks on, and ends well then.
    EndsUnseen,
    /// The same, and fails then.
    FailsUnseen,
    /// It copies already when it is asked for, and what came before that is told afterwards.
    EventsComeLate,
}

pub struct Fixture {
    pub script: Script,
    /// Whether `acme/live` is in a database in which a restore has left the tables that it replaced.
    pub replaced: bool,
    /// What is wrong with `globex/live`.
    pub trouble: Option<String>,
    events: broadcast::Sender<Event>,
    job: Mutex<Job>,
    extended: Mutex<bool>,
    planned: Mutex<Option<RestoreRequest>>,
    /// Why nobody looks on any more.
    unseen: Mutex<Option<Unseen>>,
    /// What has happened and is told once somebody listens; `None` when everything is told at once.
    untold: Mutex<Option<Vec<Job>>>,
    /// What a service over it keeps.
    catalog: OnceLock<(TempDir, Arc<Catalog>)>,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::playing(Script::Succeeds)
    }
}

const NEW_JOB: u64 = 42;

impl Fixture {
    /// `globex/live` needs somebody.
    pub fn in_trouble() -> Self {
        Self {
            trouble: Some(
                "the key does not open the repository: name the right file in password_file".to_owned(),
            ),
            ..Self::default()
        }
    }

    /// `acme/live` is in a database.
    pub fn on_a_database() -> Self {
        Self {
            replaced: true,
            ..Self::default()
        }
    }

    pub fn playing(script: Script) -> Self {
        Self {
            script,
            replaced: false,
            trouble: None,
            events: broadcast::channel(64).0,
            job: Mutex::new(data::job(
                NEW_JOB,
                JobKind::Backup,
                "manual backup",
                JobState::Running,
            )),
            extended: Mutex::new(false),
            planned: Mutex::new(None),
            unseen: Mutex::new(None),
            untold: Mutex::new(None),
            catalog: OnceLock::new(),
        }
    }

    /// Starts a job: all that happens to it is in the channel when the caller begins to read.
    fn start(&self, kind: JobKind, title: &str) -> JobId {
        let job = |state| data::job(NEW_JOB, kind, title, state);
        let in_phase = |phase| Job {
            progress: data::running(NEW_JOB, phase).progress,
            ..job(JobState::Running)
        };
        let waiting = JobState::waiting("maintenance (disk is replaced)");
        let mut done = job(JobState::Done);
        let restores = matches!(kind, JobKind::Restore | JobKind::Undo);
        done.outcome = Some(Outcome {
            summary: format!("the {title} is done"),
            backup: Some(data::backups()[1].id.clone()),
            safety: restores.then(|| data::backups()[0].id.clone()),
            warnings: vec!["public-2 was left out: a socket".to_owned()],
            health: Vec::new(),
        });
        let failed = JobState::Failed {
            why: "the disk is full. Make room, then try again".to_owned(),
        };
        let steps = match self.script {
            Script::Succeeds => Phase::of(kind)
                .iter()
                .map(|phase| in_phase(*phase))
                .chain([done])
                .collect(),
            Script::Fails => vec![in_phase(Phase::Copying), job(failed)],
            Script::StopsWhenAsked => vec![job(waiting), in_phase(Phase::Copying)],
            Script::GoesOn | Script::EndsUnseen | Script::FailsUnseen => vec![in_phase(Phase::Copying)],
            Script::EventsComeLate => {
                let begins = JobState::waiting(JobState::ABOUT_TO_BEGIN);
                [job(begins), job(JobState::Running)]
                    .into_iter()
                    .chain(Phase::of(kind).iter().map(|phase| in_phase(*phase)))
                    .chain([done])
                    .collect()
            }
        };
        *self.job.lock().unwrap() = match self.script {
            Script::EventsComeLate => in_phase(Phase::Copying),
            _ => steps[0].clone(),
        };
        for step in steps {
            self.tell(step);
        }
        JobId(NEW_JOB)
    }

    /// Why nobody looks on any more, if that was told.
    pub fn unseen(&self) -> Option<Unseen> {
        *self.unseen.lock().unwrap()
    }

    /// Keeps what happens to itself until [`Fixture::play`]: a stream of events takes a moment to stand.
    pub fn hold_back(&self) {
        *self.untold.lock().unwrap() = Some(Vec::new());
    }

    /// Somebody listens now.
    pub fn play(&self) {
        let untold = self.untold.lock().unwrap().take();
        for job in untold.unwrap_or_default() {
            self.tell(job);
        }
    }

    fn tell(&self, job: Job) {
        if let Some(untold) = &mut *self.untold.lock().unwrap() {
            return untold.push(job);
        }
        // Nobody listens to a job that is detached.
        let _ = self.events.send(Event::Job(Box::new(job)));
    }
}

/// The environments there are, as the engine names them.
fn known() -> String {
    let names: Vec<_> = data::environments()
        .iter()
        .map(|environment| environment.name.to_string())
        .collect();
    names.join(", ")
}

#[async_trait]
impl Backend for Fixture {
    async fn check(&self, only: Option<EnvironmentName>) -> Result<Report, BackendError> {
        if let Some(name) = &only {
            self.environment(name).await?;
        }
        Ok(data::report(only.as_ref()))
    }

    async fn info(&self) -> Result<BackendInfo, BackendError> {
        Ok(BackendInfo {
            kind: "embedded".to_owned(),
            version: "0.1.0".to_owned(),
            places: vec![
                ("state".to_owned(), "/srv/state".to_owned()),
                ("repository".to_owned(), "/srv/repository".to_owned()),
            ],
            demo: false,
        })
    }

    async fn environments(&self) -> Result<Vec<EnvironmentSummary>, BackendError> {
        let mut environments = data::environments();
        if let Some(globex) = environments
            .iter_mut()
            .find(|other| other.name.project() == "globex")
        {
            globex.trouble.clone_from(&self.trouble);
        }
        Ok(environments)
    }

    async fn environment(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
        let summary = data::environments()
            .into_iter()
            .find(|environment| environment.name == *name)
            .ok_or_else(|| BackendError::UnknownEnvironment {
                name: name.to_string(),
                known: known(),
            })?;
        let mut details = data::details(summary);
        if self.replaced {
            data::has_replaced(&mut details);
        }
        if name.project() == "globex" {
            details.summary.trouble.clone_from(&self.trouble);
        }
        if *self.extended.lock().unwrap() {
            let upgrade = &mut details.backups[2];
            upgrade.id = BackupId(upgrade.id.0.replacen('c', "9", 1));
            upgrade.manifest.expires = Some(data::at(26, 20, 0));
        }
        Ok(details)
    }

    async fn jobs(&self, query: JobQuery) -> Result<Vec<Job>, BackendError> {
        Ok(data::jobs().into_iter().take(query.limit as usize).collect())
    }

    async fn job(&self, id: JobId) -> Result<Job, BackendError> {
        std::iter::once(self.job.lock().unwrap().clone())
            .chain(data::jobs())
            .find(|job| job.id == id)
            .ok_or(BackendError::UnknownJob(id))
    }

    async fn job_log(&self, _id: JobId, _after: u64) -> Result<Vec<LogLine>, BackendError> {
        Ok(data::log())
    }

    async fn activity(&self, limit: u32) -> Result<Vec<Activity>, BackendError> {
        Ok(data::activity().into_iter().take(limit as usize).collect())
    }

    async fn notifications(&self, _limit: u32) -> Result<Vec<Notification>, BackendError> {
        Ok(Vec::new())
    }

    async fn notifications_seen(&self, _up_to: u64) -> Result<(), BackendError> {
        Ok(())
    }

    async fn start_backup(&self, request: BackupRequest) -> Result<JobId, BackendError> {
        let details = self.environment(&request.environment).await?;
        refusal::only_live(&request.environment, details.summary.kind)?;
        if request.environment.project() == "globex" {
            return Err(Refusal::Busy {
                environment: request.environment,
                job: JobId(41),
                kind: JobKind::Backup,
            }
            .into());
        }
        let what = request
            .upgrade_to
            .map(|to| format!("backup before the upgrade to {to}"));
        Ok(self.start(
            JobKind::Backup,
            &what.unwrap_or_else(|| "manual backup".to_owned()),
        ))
    }

    async fn plan_restore(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError> {
        *self.planned.lock().unwrap() = Some(request.clone());
        let mut plan = data::plan(request.selection);
        plan.without_safety = request.without_safety;
        plan.from = request.from;
        if plan.selection.workspaces.iter().any(|name| name == "webstie") {
            plan.changes.clear();
            let why = "the backup holds no workspace \"webstie\" in the chosen instances: it has config, dam, website";
            plan.obstacles = vec![why.to_owned()];
        }
        plan.even_if_unchanged = request.even_if_unchanged;
        if request.backup == "manual" {
            for change in &mut plan.changes {
                change.unchanged += change.changed + change.added;
                (change.added, change.changed, change.removed) = (0, 0, 0);
                change.examples.clear();
            }
            plan.changes_nothing = true;
            plan.newest_change = None;
        }
        if request.backup == "upgrade" {
            plan.room[0].free = 1 << 20;
            plan.obstacles = vec!["there is no room in /srv: 855 MiB more are needed".to_owned()];
            plan.expected = None;
        }
        Ok(plan)
    }

    async fn start_restore(&self, plan: PlanId, confirm: String) -> Result<JobId, BackendError> {
        assert_eq!(plan, PlanId::of_random([7; 16]));
        let planned = self.planned.lock().unwrap().clone();
        let request = planned.expect("a restore follows the plan that was made");
        refusal::confirmed(&request.environment, &confirm)?;
        Ok(self.start(JobKind::Restore, &format!("restore of {}", request.backup)))
    }

    async fn start_undo(&self, environment: EnvironmentName, confirm: String) -> Result<JobId, BackendError> {
        refusal::confirmed(&environment, &confirm)?;
        Ok(self.start(JobKind::Undo, "undo"))
    }

    async fn start_confirm(&self, environment: EnvironmentName) -> Result<JobId, BackendError> {
        let _ = environment;
        Ok(self.start(JobKind::Prune, "dropping replaced tables"))
    }

    async fn start_verify(
        &self,
        _environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        let title = backup.map_or_else(
            || "verification of all backups".to_owned(),
            |backup| format!("verification of {backup}"),
        );
        Ok(self.start(JobKind::Verify, &title))
    }

    async fn start_drill(
        &self,
        _environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        let which = backup.unwrap_or_else(|| "the newest backup".to_owned());
        Ok(self.start(JobKind::Drill, &format!("drill of {which}")))
    }

    async fn cancel(&self, id: JobId) -> Result<(), BackendError> {
        self.stop(id, StopReason::Asked { by: "kim".into() }).await
    }

    async fn stop(&self, id: JobId, why: StopReason) -> Result<(), BackendError> {
        let mut job = self.job(id).await?;
        job.cancel_asked = true;
        job.stop_reason = Some(why);
        if self.script == Script::StopsWhenAsked {
            job.state = JobState::Cancelled;
            self.tell(job);
        }
        Ok(())
    }

    async fn go_on_unseen(&self, why: Unseen) -> Result<(), BackendError> {
        *self.unseen.lock().unwrap() = Some(why);
        let mut job = self.job.lock().unwrap().clone();
        job.state = match self.script {
            Script::EndsUnseen => JobState::Done,
            _ => JobState::Failed {
                why: "the disk is full. Make room, then try again".to_owned(),
            },
        };
        self.tell(job);
        Ok(())
    }

    async fn delete_backup(
        &self,
        _environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        let chosen = data::backups()
            .into_iter()
            .find(|other| other.id == backup)
            .unwrap();
        if chosen.manifest.slots.is_empty() {
            return Ok(());
        }
        Err(Refusal::BackupHeld {
            backup: backup.to_string(),
            why: "it holds a slot, and goes when its successor is verified".to_owned(),
        }
        .into())
    }

    async fn extend_backup(
        &self,
        environment: EnvironmentName,
        _backup: BackupId,
    ) -> Result<(), BackendError> {
        *self.extended.lock().unwrap() = true;
        // Nobody has to listen.
        let _ = self.events.send(Event::Environment { name: environment });
        Ok(())
    }

    async fn hold(&self, _request: HoldRequest) -> Result<(), BackendError> {
        Ok(())
    }

    async fn break_live(&self, _environment: EnvironmentName) -> Result<String, BackendError> {
        Err(BackendError::Failed("this is no demo".to_owned()))
    }

    fn events(&self) -> EventStream {
        EventStream(self.events.subscribe())
    }
}
