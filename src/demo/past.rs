//! The demo's past: weeks of editing and backups, made by the real engine under a simulated clock.
//!
//! What is left of it when the cockpit opens: all four slots filled in `acme/live`, the weekly one taken late, a
//! scheduled backup that failed and was made up, and an upgrade backup; and in `globex/live` an empty manual slot.

use std::sync::Arc;

use chrono::Duration;
use tokio::sync::broadcast;

use super::live;
use super::sandbox::{PROJECTS, Sandbox};
use super::{DemoError, Making};
use crate::clock::RunningClock;
use crate::domain::Instant;
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobState;
use crate::domain::measure;
use crate::domain::principal::Principal;
use crate::domain::request::BackupRequest;
use crate::domain::slot::Slot;
use crate::domain::version::MagnoliaVersion;
use crate::engine::{Engine, Surroundings};

/// Who works in the demo.
const EDITOR: &str = "maria";
const OPERATOR: &str = "jonas";

/// Plays the past of a sandbox up to `now`, unless it is interrupted: that is looked at before each step, which is told.
pub(super) fn play(
    sandbox: &Sandbox,
    now: Instant,
    runtime: &tokio::runtime::Handle,
    making: &Making,
) -> Result<(), DemoError> {
    Past::begin(sandbox, now, runtime, making)?.play()
}

struct Past<'a> {
    sandbox: &'a Sandbox,
    clock: Arc<RunningClock>,
    engine: Engine,
    now: Instant,
    step: u32,
    making: &'a Making,
}

impl<'a> Past<'a> {
    fn begin(
        sandbox: &'a Sandbox,
        now: Instant,
        runtime: &tokio::runtime::Handle,
        making: &'a Making,
    ) -> Result<Self, DemoError> {
        making.tell("content of acme/live and globex/live, three instances each".to_owned());
        sandbox.lay_out()?;
        let first = Self::first_day(sandbox, now)?;
        let write = |project: &str| -> Result<(), DemoError> {
            sandbox.deploy(project, "v11", "6.3.4")?;
            for instance in sandbox.instances(project) {
                making.go_on()?;
                instance.write(&Sandbox::site(project), first)?;
            }
            Ok(())
        };
        // Thousands of files each, and somebody is waiting: the projects are written side by side.
        std::thread::scope(|scope| {
            let writers = PROJECTS.map(|(project, _)| scope.spawn(move || write(project)));
            writers.into_iter().try_for_each(|writer| {
                writer
                    .join()
                    .unwrap_or_else(|_| Err(DemoError::Past("writing content stopped".to_owned())))
            })
        })?;
        let clock = Arc::new(RunningClock::at(first));
        let surroundings = Surroundings {
            clock: Arc::clone(&clock) as Arc<_>,
            runtime: runtime.clone(),
            events: broadcast::channel(16).0,
            variables: Arc::new(|_| None),
            random: crate::random::system(),
        };
        let engine = Engine::open(sandbox.engine_settings()?, surroundings)?;
        sandbox.runs_no_magnolia()?;
        Ok(Self {
            sandbox,
            clock,
            engine,
            now,
            step: 0,
            making,
        })
    }

    /// Some minutes before the monthly slots become due: when the environments are met.
    fn first_day(sandbox: &Sandbox, now: Instant) -> Result<Instant, DemoError> {
        let earliest = PROJECTS
            .iter()
            .filter_map(|(project, _)| {
                let live = EnvironmentName::new(project, "live").ok()?;
                sandbox.schedule().period_of(&live, Slot::Monthly, now)
            })
            .min()
            .ok_or(DemoError::Text)?;
        Ok(earliest - Duration::minutes(5))
    }

    fn live(project: &str) -> Result<EnvironmentName, DemoError> {
        Ok(EnvironmentName::new(project, "live")?)
    }

    /// The beginning of the slot's period that `at` falls in.
    fn due(&self, project: &str, slot: Slot, at: Instant) -> Result<Instant, DemoError> {
        let live = Self::live(project)?;
        self.sandbox
            .schedule()
            .period_of(&live, slot, at)
            .ok_or(DemoError::Text)
    }

    fn play(mut self) -> Result<(), DemoError> {
        let monthly = self.due("acme", Slot::Monthly, self.now)?;
        let weekly = self.due("acme", Slot::Weekly, self.now)?;
        // The newest daily period that has room for a failure and a second try.
        let daily = self.due("acme", Slot::Daily, self.now - Duration::minutes(10))?;
        let other_monthly = self.due("globex", Slot::Monthly, self.now)?;
        let other_weekly = self.due("globex", Slot::Weekly, self.now)?;
        let other_daily = self.due("globex", Slot::Daily, self.now - Duration::minutes(10))?;

        let (first, second) = if monthly <= other_monthly {
            ("acme", "globex")
        } else {
            ("globex", "acme")
        };
        self.scheduled(first, monthly.min(other_monthly))?;
        self.scheduled(second, monthly.max(other_monthly))?;

        self.edit("globex", other_weekly - Duration::hours(4))?;
        self.scheduled("globex", other_weekly)?;
        // Nothing ran in the night of the weekly backup: it was made up in the morning, late.
        self.edit("acme", weekly)?;
        self.scheduled("acme", weekly + Duration::minutes(8 * 60 + 12))?;
        self.edit("acme", weekly + Duration::hours(10))?;
        self.by_hand(
            "acme",
            weekly + Duration::hours(11),
            "Before the spring campaign goes live",
        )?;

        self.edit("acme", daily - Duration::hours(3))?;
        self.edit("globex", daily - Duration::hours(2))?;
        self.sandbox.deploy("acme", "v12", "6.3.4")?;
        if other_daily < daily {
            self.scheduled("globex", other_daily)?;
        }
        self.failing("acme", daily)?;
        self.scheduled("acme", daily + Duration::minutes(6))?;
        // What is shown as proven is the backup that a newcomer meets first.
        self.drill("acme", self.engine.now())?;
        if other_daily >= daily {
            self.scheduled("globex", other_daily.max(self.engine.now()))?;
        }

        let upgrade = (self.now - Duration::hours(5))
            .max(daily + Duration::minutes(8))
            .max(self.engine.now());
        self.upgrade("acme", upgrade, "6.3.5")?;
        self.edit("acme", upgrade + (self.now - upgrade) / 2)?;
        self.clock.set(self.now);
        Ok(())
    }

    /// Tells what begins now, with its day and time in the past that is made.
    fn tell(&self, at: Instant, what: &str) {
        self.making.tell(format!("{}  {what}", measure::in_column(at)));
    }

    /// The next step begins: it is `at` now.
    fn reach(&self, at: Instant) -> Result<(), DemoError> {
        self.making.go_on()?;
        self.clock.set(at);
        Ok(())
    }

    /// Editors work.
    fn edit(&mut self, project: &str, at: Instant) -> Result<(), DemoError> {
        self.reach(at)?;
        self.step += 1;
        self.tell(at, &format!("editors at work in {project}/live"));
        live::evolve(
            &self.sandbox.instances(project),
            &Sandbox::site(project),
            self.step,
            at,
        )?;
        Ok(())
    }

    /// The schedule is looked at, for one project.
    fn scheduled(&self, project: &str, at: Instant) -> Result<(), DemoError> {
        self.reach(at)?;
        let live = Self::live(project)?;
        self.tell(at, &format!("a scheduled backup of {live}"));
        self.engine.live(&live)?.start_if_due();
        self.wait(&live, true)
    }

    /// The newest backup is restored into a scratch place and compared there, as the schedule would have it done.
    fn drill(&self, project: &str, at: Instant) -> Result<(), DemoError> {
        self.reach(at)?;
        let live = Self::live(project)?;
        self.tell(
            at,
            &format!("a drill of {live}: does its newest backup come back?"),
        );
        let lifeboat = Caller::here(&Principal::Schedule);
        self.engine.acting_for(lifeboat).live(&live)?.start_drill(None)?;
        self.wait(&live, true)
    }

    /// The schedule is looked at while an instance's content cannot be reached.
    fn failing(&self, project: &str, at: Instant) -> Result<(), DemoError> {
        self.reach(at)?;
        let live = Self::live(project)?;
        self.tell(
            at,
            &format!("a backup of {live} that fails: content is gone for a while"),
        );
        let instances = self.sandbox.instances(project);
        let instance = instances.last().ok_or(DemoError::Text)?;
        live::without(instance, self.sandbox.cluster(), || {
            self.engine.live(&live)?.start_if_due();
            self.wait(&live, false)
        })?
    }

    fn by_hand(&self, project: &str, at: Instant, note: &str) -> Result<(), DemoError> {
        self.reach(at)?;
        let environment = Self::live(project)?;
        let request = BackupRequest {
            environment: environment.clone(),
            note: Some(note.to_owned()),
            upgrade_to: None,
        };
        self.tell(at, &format!("a backup of {environment} by hand"));
        self.start_backup(&request, EDITOR)?;
        self.wait(&environment, true)
    }

    /// An operator takes a backup, and upgrades Live after it.
    fn upgrade(&self, project: &str, at: Instant, to: &str) -> Result<(), DemoError> {
        self.reach(at)?;
        let environment = Self::live(project)?;
        let request = BackupRequest {
            environment: environment.clone(),
            note: Some("Security fixes".to_owned()),
            upgrade_to: Some(MagnoliaVersion(to.to_owned())),
        };
        self.tell(
            at,
            &format!("a backup of {environment} before an upgrade to {to}"),
        );
        self.start_backup(&request, OPERATOR)?;
        self.wait(&environment, true)?;
        self.sandbox.deploy(project, "v12", to)
    }

    fn start_backup(&self, request: &BackupRequest, who: &str) -> Result<(), DemoError> {
        let asked_by = Caller::here(&Principal::account(who));
        let live = self.engine.acting_for(asked_by).live(&request.environment)?;
        live.start_backup(request)?;
        Ok(())
    }

    /// Waits for the project's job, which has to end as expected: a past that is not the one that was meant would
    /// show wrong things.
    fn wait(&self, live: &EnvironmentName, well: bool) -> Result<(), DemoError> {
        self.engine.jobs().wait_for_all();
        let ended = self
            .engine
            .catalog()
            .last_ended(live)
            .map_err(crate::engine::EngineError::from)?;
        match ended.map(|job| job.state) {
            Some(JobState::Done) if well => Ok(()),
            Some(JobState::Failed { .. }) if !well => Ok(()),
            Some(JobState::Failed { why }) => Err(DemoError::Past(why)),
            other => Err(DemoError::Past(format!("a backup of {live} ended as {other:?}"))),
        }
    }
}
