//! The backend that calls the engine in this process.
//!
//! Opening the engine settles what an earlier Lifeboat may have left behind and can take a while, so it happens on a
//! thread of its own: a cockpit draws its first frame meanwhile, and every call waits until the engine is there.

mod explore;
mod options;
mod records;
mod refused;
mod serving;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};

use super::{Backend, BackendError, BackendInfo, EventStream};
use crate::domain::activity::{Activity, Notification};
use crate::domain::backup::BackupId;
use crate::domain::caller::Caller;
use crate::domain::check::Report;
use crate::domain::deed::Deeds;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, LogLine};
use crate::domain::lifeboat_node::LifeboatNode;
use crate::domain::notify::{ReceiverStanding, ReceiverTest};
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::principal::Principal;
use crate::domain::request::{
    BackupRequest, ExtractRequest, HoldRequest, JobQuery, PinRequest, RestoreRequest,
};
use crate::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};
use crate::domain::stop::{StopReason, Unseen};
use crate::engine::{
    Engine, EngineError, Scheduler, check, details, glances, look_for_the_dead, places, start_restore,
    start_restore_alone,
};
use crate::watch::Unwatched;

// Whoever opens an engine, or asks for what `init` asks for, comes through here.
pub use crate::engine::{
    EngineSettings, Surroundings, look_at_database, look_at_folder, look_at_home, look_at_storage, try_key,
};
pub use options::{BreakLive, EmbeddedOptions};
pub use records::CatalogRecords;

/// How often a look is taken at what other Lifeboats on this machine have written.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long whoever ends waits for receivers that are told of it.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The engine in this process, as a backend. Cheap to clone: every clone is the same backend.
#[derive(Clone)]
pub struct Embedded {
    engine: watch::Receiver<Option<Result<Engine, BackendError>>>,
    events: broadcast::Sender<Event>,
    options: EmbeddedOptions,
    caller: Option<Caller>,
    schedule: Arc<Mutex<Schedule>>,
}

/// Whether the schedule is kept.
enum Schedule {
    /// Not yet: the engine is opening, or is told not to.
    NotYet,
    /// It is, by this.
    Kept {
        #[expect(dead_code, reason = "it is held, not read")]
        by: Scheduler,
    },
    /// Not any more, also where the engine was still opening.
    Stopped,
}

impl Embedded {
    /// Opens the engine in the background.
    #[must_use]
    pub fn start(settings: EngineSettings, surroundings: Surroundings, options: EmbeddedOptions) -> Self {
        Self::start_telling(settings, surroundings, options, Deeds::default())
    }

    /// As [`Embedded::start`]. What this process does is told to `deeds` from the beginning.
    #[must_use]
    pub fn start_telling(
        settings: EngineSettings,
        surroundings: Surroundings,
        options: EmbeddedOptions,
        deeds: Deeds,
    ) -> Self {
        let events = surroundings.events.clone();
        let (opened, engine) = watch::channel(None);
        let schedule = Arc::new(Mutex::new(Schedule::NotYet));
        let (keep_schedule, told) = (options.keep_schedule, events.clone());
        let kept = Arc::clone(&schedule);
        let opening = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                let engine = Engine::open_telling(settings, surroundings, deeds);
                let engine = engine.map_err(BackendError::from);
                opened.send_replace(Some(engine.clone()));
                // Nobody listening yet is no error.
                let _ = told.send(Event::Missed);
                let Ok(engine) = engine else { return };
                if keep_schedule {
                    // The others only show it; if it cannot be told now, it is shown as a verb.
                    let _ = engine.catalog().keeps_schedule();
                    let mut kept = kept.lock();
                    if matches!(*kept, Schedule::NotYet) {
                        *kept = Schedule::Kept {
                            by: engine.schedule().keep(),
                        };
                    }
                }
                // Whoever keeps the schedule tells those who are told while nobody looks.
                let _courier = keep_schedule.then(|| engine.notifier().keep());
                look_at_others(&engine, &opened);
            });
        if let Err(error) = opening {
            // The sender went with the closure; calls see that and say so.
            drop(error);
        }
        Self {
            engine,
            events,
            options,
            caller: None,
            schedule,
        }
    }

    /// The same backend, for somebody else than the one at the keyboard: what they change is put down to them in the
    /// activity log, with where they asked from.
    #[must_use]
    pub fn acting_for(&self, caller: Caller) -> Self {
        Self {
            caller: Some(caller),
            ..self.clone()
        }
    }

    async fn engine(&self) -> Result<Engine, BackendError> {
        let mut engine = self.engine.clone();
        let opened = engine
            .wait_for(Option::is_some)
            .await
            .map_err(|_| BackendError::Failed("the engine's thread could not be started".to_owned()))?;
        match &*opened {
            Some(Ok(engine)) => Ok(engine.current()),
            Some(Err(error)) => Err(error.clone()),
            None => Err(BackendError::Failed("the engine is not open".to_owned())),
        }
    }

    /// Does something with the engine on a thread where it may block.
    async fn on_engine<T, F>(&self, call: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
    {
        let engine = self.engine().await?;
        tokio::task::spawn_blocking(move || call(&engine))
            .await
            .map_err(|error| BackendError::lost(&error))?
            .map_err(BackendError::from)
    }

    /// As [`Embedded::on_engine`], for what changes or keeps something: on behalf of whoever asks; and for what tells them who they are.
    async fn change<T, F>(&self, call: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
    {
        let here = || Caller::here(&Principal::account(&self.options.user));
        let caller = self.caller.clone().unwrap_or_else(here);
        self.on_engine(move |engine| call(&engine.acting_for(caller)))
            .await
    }

    /// Stops the schedule, asks running jobs of this process to stop at their next safe point, for this reason, and waits
    /// until they have. What they have replaced and is still being removed is left to the next start.
    pub async fn close(&self, why: StopReason) {
        self.end_schedule();
        let opened = self.engine.borrow().clone();
        if let Some(Ok(engine)) = opened {
            // Nothing is left to do for a thread that was lost.
            let close = move || {
                engine.jobs().close(&why);
                engine.clearing().stop();
                // Before others may take over what this process is telling. To those that are configured by now.
                engine.current().notifier().send_before_the_end(LAST_WORDS);
                engine.catalog().sign_off();
            };
            let _ = tokio::task::spawn_blocking(close).await;
        }
    }

    /// No job of the schedule is begun any more. Jobs that run go on.
    fn end_schedule(&self) {
        *self.schedule.lock() = Schedule::Stopped;
        if let Some(Ok(engine)) = &*self.engine.borrow() {
            engine.jobs().rest_schedule();
        }
    }
}

/// Watches for what other Lifeboats write, until nobody holds the backend any more.
fn look_at_others(engine: &Engine, opened: &watch::Sender<Option<Result<Engine, BackendError>>>) {
    let mut seen = engine.catalog().seen_so_far().ok();
    while !opened.is_closed() {
        std::thread::sleep(LOOK_EVERY);
        engine
            .activity()
            .whatever_happens("looking what other machines do", || {
                seen = engine.current().look_at_others(seen.take());
                look_for_the_dead(&engine.current());
            });
    }
}

#[async_trait]
impl Backend for Embedded {
    async fn check(&self, only: Option<EnvironmentName>) -> Result<Report, BackendError> {
        self.on_engine(move |engine| check(engine, only.as_ref())).await
    }

    async fn info(&self) -> Result<BackendInfo, BackendError> {
        let demo = self.options.break_live.is_some();
        self.change(move |engine| {
            Ok(BackendInfo {
                you: Some(engine.who().clone()),
                kind: "embedded".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                places: places(engine),
                demo,
            })
        })
        .await
    }

    async fn environments(&self) -> Result<Vec<EnvironmentSummary>, BackendError> {
        self.on_engine(glances).await
    }

    async fn environment(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
        let name = name.clone();
        self.on_engine(move |engine| details(engine, &name)).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Vec<Job>, BackendError> {
        self.on_engine(move |engine| {
            if let Some(environment) = &query.environment {
                engine.settings(environment)?;
            }
            Ok(engine.catalog().jobs(&query)?)
        })
        .await
    }

    async fn job(&self, id: JobId) -> Result<Job, BackendError> {
        self.on_engine(move |engine| engine.jobs().job(id)).await
    }

    async fn job_log(&self, id: JobId, after: u64) -> Result<Vec<LogLine>, BackendError> {
        self.on_engine(move |engine| {
            engine.jobs().job(id)?;
            Ok(engine.catalog().log_after(id, after)?)
        })
        .await
    }

    async fn activity(&self, limit: u32) -> Result<Vec<Activity>, BackendError> {
        self.on_engine(move |engine| Ok(engine.catalog().activity(limit)?))
            .await
    }

    async fn notifications(&self, limit: u32) -> Result<Vec<Notification>, BackendError> {
        self.on_engine(move |engine| Ok(engine.catalog().notifications(limit)?))
            .await
    }

    async fn before_undo(&self, environment: &EnvironmentName) -> Result<BeforeUndo, BackendError> {
        let environment = environment.clone();
        self.on_engine(move |engine| engine.live(&environment)?.before_undo())
            .await
    }

    async fn nodes(&self) -> Result<Vec<LifeboatNode>, BackendError> {
        self.on_engine(|engine| Ok(engine.catalog().nodes()?)).await
    }

    async fn notifications_seen(&self, up_to: u64) -> Result<(), BackendError> {
        self.on_engine(move |engine| Ok(engine.catalog().seen(up_to)?))
            .await
    }

    async fn start_backup(&self, request: BackupRequest) -> Result<JobId, BackendError> {
        self.change(move |engine| engine.live(&request.environment)?.start_backup(&request))
            .await
    }

    async fn plan_restore(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError> {
        self.change(move |engine| {
            engine
                .live(&request.environment)?
                .plan_restore(&request, &Unwatched)
        })
        .await
    }

    async fn start_restore(&self, plan: PlanId, confirm: String) -> Result<JobId, BackendError> {
        self.change(move |engine| start_restore(engine, &plan, &confirm))
            .await
    }

    async fn start_restore_alone(
        &self,
        plan: PlanId,
        confirm: String,
        reason: String,
    ) -> Result<JobId, BackendError> {
        self.change(move |engine| start_restore_alone(engine, &plan, &confirm, &reason))
            .await
    }

    async fn approve_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        confirm: String,
    ) -> Result<JobId, BackendError> {
        self.change(move |engine| engine.live(&environment)?.approve(&plan, &confirm))
            .await
    }

    async fn reject_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        reason: Option<String>,
    ) -> Result<(), BackendError> {
        self.change(move |engine| engine.live(&environment)?.reject(&plan, reason.as_deref()))
            .await
    }

    async fn start_undo(&self, environment: EnvironmentName, confirm: String) -> Result<JobId, BackendError> {
        self.change(move |engine| engine.live(&environment)?.start_undo(&confirm))
            .await
    }

    async fn start_confirm(&self, environment: EnvironmentName) -> Result<JobId, BackendError> {
        self.change(move |engine| engine.live(&environment)?.start_confirm())
            .await
    }

    async fn start_verify(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        self.change(move |engine| engine.live(&environment)?.start_verify(backup.as_deref()))
            .await
    }

    async fn start_drill(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        self.change(move |engine| engine.live(&environment)?.start_drill(backup.as_deref()))
            .await
    }

    async fn start_extract(&self, request: ExtractRequest) -> Result<JobId, BackendError> {
        self.change(move |engine| engine.live(&request.environment)?.start_extract(&request))
            .await
    }

    async fn cancel(&self, id: JobId) -> Result<(), BackendError> {
        self.change(move |engine| engine.jobs().cancel(id)).await
    }

    async fn stop(&self, id: JobId, why: StopReason) -> Result<(), BackendError> {
        self.change(move |engine| engine.jobs().stop(id, &why)).await
    }

    async fn go_on_unseen(&self, why: Unseen) -> Result<(), BackendError> {
        self.end_schedule();
        self.on_engine(move |engine| {
            engine.jobs().go_on_unseen(why);
            Ok(())
        })
        .await
    }

    fn clearing(&self) -> Option<String> {
        match &*self.engine.borrow() {
            Some(Ok(engine)) => engine.clearing().what(),
            _ => None,
        }
    }

    async fn sign_off(&self) {
        let opened = self.engine.borrow().clone();
        if let Some(Ok(engine)) = opened {
            let _ = tokio::task::spawn_blocking(move || engine.catalog().sign_off()).await;
        }
    }

    async fn cleared(&self) -> Result<(), BackendError> {
        self.on_engine(|engine| {
            engine.clearing().wait();
            Ok(())
        })
        .await
    }

    async fn receivers(&self) -> Result<Vec<ReceiverStanding>, BackendError> {
        self.on_engine(|engine| engine.notifier().standings()).await
    }

    async fn test_receivers(&self, only: Option<String>) -> Result<Vec<ReceiverTest>, BackendError> {
        self.change(move |engine| engine.notifier().test(only.as_deref()))
            .await
    }

    async fn last_words(&self) -> Result<(), BackendError> {
        // An engine that was not opened has told nobody anything.
        if self.engine.borrow().is_none() {
            return Ok(());
        }
        self.on_engine(|engine| {
            engine.notifier().send_before_the_end(LAST_WORDS);
            Ok(())
        })
        .await
    }

    async fn delete_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        self.change(move |engine| engine.live(&environment)?.delete(&backup))
            .await
    }

    async fn extend_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        self.change(move |engine| engine.live(&environment)?.extend(&backup))
            .await
    }

    async fn pin_backup(&self, request: PinRequest) -> Result<(), BackendError> {
        self.change(move |engine| engine.live(&request.environment)?.pin(&request).map(drop))
            .await
    }

    async fn unpin_backup(&self, environment: EnvironmentName, backup: BackupId) -> Result<(), BackendError> {
        self.change(move |engine| engine.live(&environment)?.unpin(&backup).map(drop))
            .await
    }

    async fn hold(&self, request: HoldRequest) -> Result<(), BackendError> {
        self.change(move |engine| engine.live(&request.environment)?.hold(&request))
            .await
    }

    async fn break_live(&self, environment: EnvironmentName) -> Result<String, BackendError> {
        let Some(break_live) = self.options.break_live.clone() else {
            return Err(BackendError::Failed(
                "Live is broken on purpose only in the sandbox of `lifeboat demo`".to_owned(),
            ));
        };
        let live = environment.clone();
        let what = self
            .on_engine(move |_| break_live(&live).map_err(EngineError::Failed))
            .await?;
        let (name, told) = (environment, format!("broke Live on purpose: {what}"));
        self.change(move |engine| {
            let live = engine.live(&name)?;
            live.remember_warning(engine.who(), &told);
            Ok(())
        })
        .await?;
        Ok(what)
    }

    fn events(&self) -> EventStream {
        EventStream(self.events.subscribe())
    }
}
